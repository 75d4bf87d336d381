"""Which anchors does the database hold, whatever they may hold?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy
from sqlmodel import Session

from workflow import register
from workflow.anchors.manifests import Signed

_BATCH = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# As it is stored, in words of SQL: what is no instant becomes a fault, not an error.
_ANCHORS = sqlalchemy.text(
    "SELECT number, at, hash, body, key, signature, endorsement FROM anchors "
    "ORDER BY number"
)


def stored(session: Session) -> Iterator[Signed]:
    """Return the anchors in the order of their numbers."""
    for row in session.execute(_ANCHORS, execution_options={"yield_per": _BATCH}):
        yield Signed(
            row.number if isinstance(row.number, int) else 0,
            _instant(row.at),
            _text(row.hash),
            _text(row.body),
            _text(row.key),
            _text(row.signature),
            None if row.endorsement is None else _text(row.endorsement),
        )


def _instant(value: object) -> str:
    try:
        return register.written(_EPOCH + value * _MICROSECOND)  # type: ignore[operator]
    except (TypeError, OverflowError):
        return _text(value)


def _text(value: object) -> str:
    """Return a text, or whatever stands in its place as one."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value)
