"""What time is it, and what is the next identifier?

The only clock and the only source of identifiers: a test, a demo or a
rehearsal replaces them both and the whole system follows.
"""

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

_VERSION_7 = 0x7000
_VARIANT = 0x8000000000000000


class Ambient(Protocol):
    """What surrounds a command: the instant and chance."""

    @property
    def simulated(self) -> bool:
        """Tell whether the instants are invented (rehearsal, demo, test)."""

    def now(self) -> datetime:
        """Return the instant: aware, UTC, whole microseconds."""

    def new_id(self) -> UUID:
        """Return an identifier that no other has; later ones sort later."""


def _uuid7(milliseconds: int, noise: int) -> UUID:
    """Build a UUID version 7 (RFC 9562): keys that arrive in order index well."""
    high = (milliseconds << 16) | _VERSION_7 | (noise >> 62 & 0x0FFF)
    low = _VARIANT | (noise & 0x3FFFFFFFFFFFFFFF)
    return UUID(int=(high << 64) | low)


class SystemAmbient:
    """The host's clock and randomness."""

    simulated = False

    def now(self) -> datetime:
        """Return the host's instant."""
        return datetime.now(UTC)

    def new_id(self) -> UUID:
        """Return a fresh UUID version 7."""
        noise = int.from_bytes(os.urandom(10), "big")
        return _uuid7(time.time_ns() // 1_000_000, noise)


@dataclass
class FrozenAmbient:
    """A clock that moves only when told to, and identifiers that repeat."""

    instant: datetime
    seed: int = 0
    simulated: bool = field(default=True, init=False)

    def now(self) -> datetime:
        """Return the frozen instant."""
        return self.instant

    def new_id(self) -> UUID:
        """Return the next identifier of the series."""
        self.seed += 1
        return _uuid7(int(self.instant.timestamp() * 1000), self.seed)

    def advance(self, step: timedelta) -> None:
        """Move the clock on."""
        self.instant += step

    def move_to(self, instant: datetime) -> None:
        """Set the clock, back too: hosts do that."""
        self.instant = instant


@dataclass
class ShiftedAmbient:
    """The simulated instant of a rehearsal, with real chance.

    Each reading adds a microsecond, so that a rehearsal shows an order too.
    """

    instant: datetime
    simulated: bool = field(default=True, init=False)

    def now(self) -> datetime:
        """Return the simulated instant, a microsecond later than the last."""
        self.instant += timedelta(microseconds=1)
        return self.instant

    def new_id(self) -> UUID:
        """Return a fresh UUID version 7."""
        return SystemAmbient().new_id()


@dataclass(frozen=True)
class MovedAmbient:
    """The host's clock, moved to another day: from there it goes on as fast."""

    ahead: timedelta
    simulated: bool = field(default=True, init=False)

    @classmethod
    def to(cls, instant: datetime) -> "MovedAmbient":
        """Return a clock that shows an instant now."""
        return cls(instant - SystemAmbient().now())

    def now(self) -> datetime:
        """Return the host's instant, as if it were that day."""
        return SystemAmbient().now() + self.ahead

    def new_id(self) -> UUID:
        """Return a fresh UUID version 7."""
        return SystemAmbient().new_id()


@dataclass(frozen=True)
class HeldAmbient:
    """One instant of a clock that goes on, for as long as one thing is decided."""

    ambient: Ambient
    instant: datetime

    @property
    def simulated(self) -> bool:
        """Whether the clock is that of a rehearsal."""
        return self.ambient.simulated

    def now(self) -> datetime:
        """Return the instant at which it was begun to decide."""
        return self.instant

    def new_id(self) -> UUID:
        """Return a fresh identifier."""
        return self.ambient.new_id()
