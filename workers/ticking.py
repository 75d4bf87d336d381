"""What is given out at a tick, and what if nobody takes it?"""

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dramatiq import Broker, Message

from config.logs import log
from workers import actors, sending
from workers.stopping import Stop
from workflow.desk import Desk
from workflow.errors import SportelloError, TamperedError, UnavailableError
from workflow.rules.calendar import civil_day
from workflow.services import anchoring, silences, sweep, ticks

_QUEUE = actors.JOBS["sweep_call"].queue
_RECEIPTS = actors.JOBS["take_receipts_in"].queue
_NOT_TAKEN = "no worker takes what was sent before"

_SEALS_EVERY = 60.0
"""Seconds before an anchor that is still missing is asked for again."""


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
        self._seals_at = 0.0
        """When to ask again for an anchor, by a clock that nobody sets."""
        self.swept_here = 0
        """How many calls were swept by this process."""

    def tick(self, stop: Stop) -> None:
        """Ask for what is due: sweeps of calls, an anchor, a look for receipts."""
        codes = sweep.due_calls(self._desk)
        seals = self._has_to_seal()
        hindrance = self._hindrance(codes, seals=seals) if codes or seals else None
        ticks.note(self._desk, ticks.SCHEDULER, holder=self._holder, found=len(codes))
        silences.note(self._desk)
        self._ask_for_receipts()
        if hindrance is None:
            return
        if codes:
            log.warn("sweeping_here", calls=len(codes), why=hindrance)
            self._sweep_here(codes, stop)
        if seals:
            self._seal_here(hindrance)

    def _has_to_seal(self) -> bool:
        """Tell whether the day has no anchor yet, and nobody was just asked for it.

        Where it cannot be made, without a key say, it is asked for once a minute.
        """
        if time.monotonic() < self._seals_at or not anchoring.is_due(self._desk):
            return False
        self._seals_at = time.monotonic() + _SEALS_EVERY
        return True

    def _hindrance(self, codes: Sequence[str], *, seals: bool) -> str | None:
        """Ask the workers; return why they cannot be, if they cannot."""
        try:
            if sending.waiting(self._broker, _QUEUE):
                return _NOT_TAKEN
            under = str(self._desk.ambient.new_id())
            messages = [_asked(code, f"{under}-{code}") for code in codes]
            if seals:
                messages.append(self._asked_to_seal(f"{under}-seal"))
            sending.send(self._broker, _QUEUE, messages, under=under)
        except UnavailableError as error:
            return error.message
        return None

    def _asked_to_seal(self, identity: str) -> Message[Any]:
        day = civil_day(self._desk.ambient.now()).isoformat()
        about = {"cause": f"day {day}"}
        return actors.message("seal_register", day, identity=identity, about=about)

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

    def _seal_here(self, why: str) -> None:
        log.info("sealing_here", why=why)
        try:
            anchoring.seal_day(self._desk)
        except SportelloError as error:
            log.warn("register_not_sealed", code=error.code)


def _asked(code: str, identity: str) -> Message[Any]:
    about = {"call": code, "cause": "due"}
    return actors.message("sweep_call", code, identity=identity, about=about)
