"""What is given out at a tick, and what if nobody takes it?"""

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from dramatiq import Broker, Message

from config.logs import log
from workers import actors, sending
from workers.stopping import Stop
from workflow.desk import Desk
from workflow.errors import SportelloError, TamperedError, UnavailableError
from workflow.rules.calendar import civil_day
from workflow.services import anchoring, digests, silences, stamping, sweep, ticks

_QUEUE = actors.JOBS["sweep_call"].queue
_RECEIPTS = actors.JOBS["take_receipts_in"].queue
_NOT_TAKEN = "no worker takes what was sent before"

_ASKS_EVERY = 60.0
"""Seconds before what is still missing of a day is asked for again."""


class Daily(NamedTuple):
    """Something that is done once a day."""

    is_due: Callable[[Desk], bool]
    does: Callable[[Desk], object]


_DAILY: Mapping[str, Daily] = MappingProxyType(
    {
        "seal_register": Daily(anchoring.is_due, anchoring.seal_day),
        "write_digests": Daily(digests.are_due, digests.write),
        "stamp_anchor": Daily(stamping.is_due, stamping.stamp),
    }
)
"""By the names of their jobs; each knows by itself whether it is done."""


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
        self._asks_at = dict.fromkeys(_DAILY, 0.0)
        """When to ask again for what is due of a day, by a clock that nobody sets."""
        self.swept_here = 0
        """How many calls were swept by this process."""

    def tick(self, stop: Stop) -> None:
        """Ask for what is due: sweeps of calls, daily work, a look for receipts."""
        codes = sweep.due_calls(self._desk)
        daily = [name for name in _DAILY if self._has_to_ask(name)]
        hindrance = self._hindrance(codes, daily) if codes or daily else None
        ticks.note(self._desk, ticks.SCHEDULER, holder=self._holder, found=len(codes))
        silences.note(self._desk)
        self._ask_for_receipts()
        if hindrance is None:
            return
        if codes:
            log.warn("sweeping_here", calls=len(codes), why=hindrance)
            self._sweep_here(codes, stop)
        for name in daily:
            self._do_here(name, hindrance)

    def _has_to_ask(self, name: str) -> bool:
        """Tell whether something of the day is due, and nobody was just asked for it.

        Where it cannot be made, an anchor without a key say, it is asked for once a
        minute.
        """
        if time.monotonic() < self._asks_at[name] or not _DAILY[name].is_due(
            self._desk
        ):
            return False
        self._asks_at[name] = time.monotonic() + _ASKS_EVERY
        return True

    def _hindrance(self, codes: Sequence[str], daily: Sequence[str]) -> str | None:
        """Ask the workers; return why they cannot be, if they cannot."""
        try:
            if sending.waiting(self._broker, _QUEUE):
                return _NOT_TAKEN
            under = str(self._desk.ambient.new_id())
            messages = [_asked(code, f"{under}-{code}") for code in codes]
            messages += [self._asked_daily(name, f"{under}-{name}") for name in daily]
            sending.send(self._broker, _QUEUE, messages, under=under)
        except UnavailableError as error:
            return error.message
        return None

    def _asked_daily(self, name: str, identity: str) -> Message[Any]:
        day = civil_day(self._desk.ambient.now()).isoformat()
        about = {"cause": f"day {day}"}
        return actors.message(name, day, identity=identity, about=about)

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
                swept = sweep.sweep_call(self._desk, code)
                self.swept_here += not swept.remaining
            except TamperedError as error:
                log.warn("call_not_swept", code=error.code)
            finally:
                log.forget()

    def _do_here(self, name: str, why: str) -> None:
        log.info("doing_here", job=name, why=why)
        try:
            _DAILY[name].does(self._desk)
        except SportelloError as error:
            log.warn("job_failed", job=name, code=error.code)


def _asked(code: str, identity: str) -> Message[Any]:
    about = {"call": code, "cause": "due"}
    return actors.message("sweep_call", code, identity=identity, about=about)
