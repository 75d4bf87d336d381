"""Who is the one that takes submissions in?

Several processes may try to be the writer of a call: one at a time is.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Engine

from workflow.errors import UnavailableError
from workflow.services import seats

_PATIENCE = 30.0
"""Seconds for which a seat is waited for."""

_PAUSE = 0.02


class Seat:
    """The place of the one that takes submissions in for a call.

    Taken with `with`, as often as there is something to write.
    """

    def __init__(
        self, engine: Engine, code: str, *, patience: float = _PATIENCE
    ) -> None:
        self._code, self._patience = code, patience
        self._seat = seats.seat(engine, f"{code}.writer")

    def __enter__(self) -> None:
        """Sit down.

        Raises:
            UnavailableError: somebody else sits there, and does not get up.
        """
        until = time.monotonic() + self._patience
        while not self._seat.take():
            if time.monotonic() >= until:
                raise UnavailableError(
                    "intake.taken",
                    f"another process is taking submissions in for {self._code} and "
                    f"has not finished in {self._patience:.0f} seconds; try again: "
                    "nothing of these lines was taken in",
                )
            time.sleep(_PAUSE)

    def __exit__(self, *_: object) -> None:
        """Get up."""
        self._seat.free()

    def close(self) -> None:
        """Leave nothing open."""
        self._seat.close()


@contextmanager
def seat(engine: Engine, code: str, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Take the seat of a call once.

    Raises:
        UnavailableError: somebody else sits there, and does not get up.
    """
    with closing(Seat(engine, code, patience=patience)) as taken, taken:
        yield
