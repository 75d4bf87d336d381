"""How do several processes do the same work, and what if one dies?"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from sqlalchemy import Engine

from config.logs import log
from models.schema import OTHER_FORM
from models.session import DatabaseUnavailableError
from workers.stopping import SIGNALS, Stop, on_signals
from workflow.errors import SportelloError

Work = Callable[[Stop], None]

_PAUSE = 1.0
"""Seconds before one that died is replaced: it may die again at once."""

_ENDS_WITHIN = 90.0
"""Seconds in which they end by themselves; longer than each gives itself."""

_OUTDATED = 3
"""How one ends that finds the database in another form than ours."""


class Crew:
    """Processes that do the same work until they are told to stop.

    They are forked, before anything here has a thread or a connection: each opens
    what it needs. When this process dies they notice, and end.
    """

    def __init__(self, work: Work, engine: Engine, *, size: int) -> None:
        self._work, self._engine, self._size = work, engine, size
        self._context = multiprocessing.get_context("fork")
        self._lifeline, self._held = os.pipe()
        self._hands: list[BaseProcess] = []
        self.replaced = 0
        self.are_outdated = False
        """Whether they ended because somebody has upgraded the database."""

    def run(self, stop: Stop) -> None:
        """Keep them at work; at the end let them finish what they began."""
        self._engine.dispose()
        on_signals(stop, at_once=self._kill)
        self._hands = [self._start() for _ in range(self._size)]
        while not stop.wait(also=[hand.sentinel for hand in self._hands]):
            self._replace_the_dead(stop)
        for hand in self._hands:
            hand.terminate()
        for hand in self._hands:
            hand.join(_ENDS_WITHIN)
        self._kill()

    def _replace_the_dead(self, stop: Stop) -> None:
        for dead in [hand for hand in self._hands if not hand.is_alive()]:
            log.warn("worker_died", pid=dead.pid, exit_code=dead.exitcode)
            self._hands.remove(dead)
            if dead.exitcode == _OUTDATED:  # another one would end as well
                self.are_outdated = True
                stop.set("another form of the database")
            if stop.wait(_PAUSE):
                return
            self._hands.append(self._start())
            self.replaced += 1

    def _start(self) -> BaseProcess:
        process = self._context.Process(target=self._do)
        # A signal that came before it listens by itself would be taken for ours.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return process

    def _do(self) -> None:
        """Work, in a process of its own.

        It ends on SIGTERM however often that comes: from here, and from whoever
        stops a whole group of processes. Ctrl-C comes to all at once, too.
        """
        os.close(self._held)
        stop = Stop(lifeline=self._lifeline)
        stop.hear_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: stop.set("SIGTERM"))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            self._work(stop)
        except (SportelloError, DatabaseUnavailableError) as error:
            log.warn("worker_ended", code=error.code)
            sys.exit(_OUTDATED if error.code in OTHER_FORM else 1)

    def _kill(self) -> None:
        for hand in self._hands:
            hand.kill()
