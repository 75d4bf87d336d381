"""When is the work given out, and by which of many processes?"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from traceback import extract_tb

from dramatiq import Broker

from config.logs import log
from models.schema import OTHER_FORM
from models.session import DatabaseUnavailableError
from workers.relay import Relay
from workers.stopping import Stop
from workers.ticking import Ticker
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import installation, seats, ticks
from workflow.services.outbox import RESEND

EVERY = 15.0
"""Seconds between one tick and the next."""

_RELAYS_EVERY = 0.2
_STANDS_BY_EVERY = 0.25
_RESTS = 2.0
"""Seconds of rest after something failed."""


@dataclass
class Done:
    """What a scheduler has done until it ended."""

    ticks: int = 0
    sent: int = 0
    """Jobs of the outbox that the broker was given."""
    swept_here: int = 0
    """Calls that it had to sweep by itself."""


class Scheduler:
    """Gives out what is due, and what commits have left to be done.

    One of all that are started is active; the others wait for its seat, which it
    loses with its life.
    """

    def __init__(  # noqa: PLR0913 - each is decided by whoever starts it
        self,
        broker: Broker,
        desk: Desk,
        *,
        every: float = EVERY,
        resend: timedelta = RESEND,
        receipts: Path | None = None,
        say: Callable[[str], None],
    ) -> None:
        self._broker, self._desk = broker, desk.as_worker()
        self._every, self._resend, self._say = every, resend, say
        self._seat = seats.seat(desk.engine, ticks.SCHEDULER)
        self._ticker = Ticker(broker, self._desk, receipts=receipts)
        self._relay: Relay | None = None
        """Only who is active has one."""
        self._at = {"tick": 0.0, "relay": 0.0}
        """When each is due again, by a clock that nobody sets."""
        self._standing = ""
        self._failing: dict[str, str] = {}
        self._done = Done()

    def run(self, stop: Stop) -> Done:
        """Work, or stand by, until it is told to stop.

        Raises:
            UnavailableError: the database is in another form than ours.
        """
        with closing(self._seat):
            pause = 0.0
            while not stop.wait(pause):
                pause = self._turn(stop)
        self._done.swept_here = self._ticker.swept_here
        return self._done

    def _turn(self, stop: Stop) -> float:
        """Do what has to be done now; return for how long to rest."""
        if not self._try("seat", self._sit):
            return _RESTS
        if self._relay is None:
            return _STANDS_BY_EVERY
        self._do_if_due("tick", self._every, lambda: self._tick(stop))
        self._do_if_due("relay", _RELAYS_EVERY, self._send)
        return _RELAYS_EVERY

    def _sit(self) -> None:
        """Keep the seat, or take it if it is free."""
        if self._relay is not None:
            if self._seat.is_held():
                return
            self._relay = None
            self._stand("not active any more: the database has let go of its seat")
        if self._seat.take():
            self._relay = Relay(self._broker, self._desk, resend=self._resend)
            self._at = dict.fromkeys(self._at, 0.0)
            self._stand(f"active: a tick every {self._every:g} s")
        else:
            self._stand("waiting: another scheduler is active")

    def _stand(self, standing: str) -> None:
        if standing != self._standing:
            self._standing = standing
            self._say(standing)

    def _tick(self, stop: Stop) -> None:
        installation.check_form(self._desk.engine)
        self._ticker.tick(stop)
        self._done.ticks += 1

    def _send(self) -> None:
        if self._relay is not None:
            self._done.sent += self._relay.step()

    def _do_if_due(self, what: str, every: float, work: Callable[[], None]) -> None:
        if time.monotonic() < self._at[what]:
            return
        began = time.monotonic()
        self._at[what] = began + (every if self._try(what, work) else _RESTS)

    def _try(self, what: str, work: Callable[[], None]) -> bool:
        """Do something; if it fails say so once, and go on with the rest.

        But not by our rules where somebody has upgraded the database.
        """
        try:
            work()
        except (UnavailableError, DatabaseUnavailableError) as error:
            if error.code in OTHER_FORM:
                raise
            self._failed(what, error.code)
            return False
        except Exception as error:  # noqa: BLE001 - told, and tried again
            # What is a bug here must not keep everything else from being done.
            last = extract_tb(error.__traceback__)[-1]
            self._failed(what, f"{type(error).__name__} {last.filename}:{last.lineno}")
            return False
        if self._failing.pop(what, None):
            self._say(f"the {what} works again")
        return True

    def _failed(self, what: str, why: str) -> None:
        if self._failing.get(what) != why:
            self._failing[what] = why
            log.warn("scheduler_trouble", what=what, why=why)
