"""What is given out at a tick, and what if nobody takes it?"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dramatiq import Broker, Message

from config.logs import log
from workers import actors, sending
from workers.stopping import Stop
from workflow.desk import Desk
from workflow.errors import TamperedError, UnavailableError
from workflow.services import silences, sweep, ticks

_QUEUE = actors.JOBS["sweep_call"].queue
_RECEIPTS = actors.JOBS["take_receipts_in"].queue
_NOT_TAKEN = "no worker takes what was sent before"


class Ticker:
    """Has what is due done, by the workers or else by itself.

    The database says what is due, at every tick anew: a tick that was missed, or
    a message that got lost, costs time and nothing else.
    """

    def __init__(
        self, broker: Broker, desk: Desk, *, receipts: Path | None = None
    ) -> None:
        self._broker, self._desk, self._receipts = broker, desk, receipts
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self.swept_here = 0
        """How many calls were swept by this process."""

    def tick(self, stop: Stop) -> None:
        """Ask for a sweep of each call in which something is due, and for receipts."""
        codes = sweep.due_calls(self._desk)
        hindrance = self._hindrance(codes) if codes else None
        ticks.note(self._desk, ticks.SCHEDULER, holder=self._holder, found=len(codes))
        silences.note(self._desk)
        self._ask_for_receipts()
        if hindrance is not None:
            log.warn("sweeping_here", calls=len(codes), why=hindrance)
            self._sweep_here(codes, stop)

    def _hindrance(self, codes: Sequence[str]) -> str | None:
        """Ask the workers; return why they cannot be, if they cannot."""
        try:
            if sending.waiting(self._broker, _QUEUE):
                return _NOT_TAKEN
            under = str(self._desk.ambient.new_id())
            messages = [_asked(code, f"{under}-{code}") for code in codes]
            sending.send(self._broker, _QUEUE, messages, under=under)
        except UnavailableError as error:
            return error.message
        return None

    def _ask_for_receipts(self) -> None:
        """Have a worker look for new receipts, unless one was asked already.

        Nothing waits for them but their letters: if nobody can be asked they are
        found at a later tick.
        """
        if self._receipts is None:
            return
        try:
            if sending.waiting(self._broker, _RECEIPTS):
                return
            identity = str(self._desk.ambient.new_id())
            asked = actors.message(
                "take_receipts_in",
                str(self._receipts),
                identity=identity,
                about={"cause": "receipts"},
            )
            sending.send(self._broker, _RECEIPTS, [asked], under=identity)
        except UnavailableError as error:
            log.info("receipts_wait", code=error.code)

    def _sweep_here(self, codes: Sequence[str], stop: Stop) -> None:
        for code in codes:
            if stop.wait(0):
                return
            log.bind(call=code, cause="due")
            try:
                sweep.sweep_call(self._desk, code)
            except TamperedError as error:
                log.warn("call_not_swept", code=error.code)
            finally:
                log.forget()
            self.swept_here += 1


def _asked(code: str, identity: str) -> Message[Any]:
    about = {"call": code, "cause": "due"}
    return actors.message("sweep_call", code, identity=identity, about=about)
