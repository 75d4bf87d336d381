"""How is what is stored written down, whatever it may be?

What somebody changed by hand may make no sense: it is written as it is then.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlmodel import Session

from workflow.register import written

_BATCH = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored: its canonical text, and the hash beside it."""

    seq: object
    hash: str
    body: str


def rows(session: Session, query: str, **values: object) -> Any:  # noqa: ANN401 - rows of whatever was asked
    """Ask in words of SQL, and read a part of the answer at a time."""
    return session.execute(
        sqlalchemy.text(query), values, execution_options={"yield_per": _BATCH}
    )


def text(stored: object) -> str:
    """Return a text, or whatever stands in its place as one."""
    if isinstance(stored, bytes):
        return stored.decode(errors="backslashreplace")
    return "" if stored is None else str(stored)


def identity(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an identifier as entries do; leave what is none as it is."""
    if isinstance(stored, UUID):
        return str(stored)
    try:
        return str(UUID(hex=stored))
    except (AttributeError, TypeError, ValueError):
        return stored


def instant(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an instant as entries do; leave what is none as it is."""
    try:
        return written(_EPOCH + stored * _MICROSECOND)
    except (TypeError, OverflowError):
        return stored


def day(stored: object) -> object:
    """Write a civil day as entries do; leave what is none as it is."""
    return stored.isoformat() if isinstance(stored, date) else stored
