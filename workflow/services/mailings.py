"""Who is written to by all that one transaction does?"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import Select
from sqlmodel import Session, col, select

from models.tables import Application, Call, Notice, RegisterEntry
from workflow.services import histories, lookups

_AT_ONCE = 500
"""Letters that are looked for together."""


def written_since(
    session: Session, call: Call, seq: int, *, first: UUID | None = None
) -> list[dict[str, str]]:
    """Return every letter that entries of a locked call after *seq* have caused.

    The entries name them, those of other files and those to all too; everything must
    be in the database by then. Those about the file *first* come first.
    """
    order = [UUID(told["id"]) for told in _told(session, call, seq)]
    found: dict[UUID, tuple[UUID, dict[str, str]]] = {}
    for start in range(0, len(order), _AT_ONCE):
        query = _LETTERS.where(col(Notice.id).in_(order[start : start + _AT_ONCE]))
        for row in session.execute(query):
            found[row.id] = (
                row.file,
                letter(lookups.named(row), row.letter, row.recipient, row.status),
            )
    listed = sorted((found[one] for one in order), key=lambda one: one[0] != first)
    return [one for _, one in listed]


def letter(application: str, kind: str, to: str, status: str) -> dict[str, str]:
    """Return what a receipt says of a letter."""
    return {
        "application": application,
        "letter": str(kind),
        "to": to,
        "status": str(status),
    }


def _told(session: Session, call: Call, seq: int) -> Iterator[dict[str, Any]]:
    bodies = session.exec(
        select(RegisterEntry.seq, RegisterEntry.body)
        .where(RegisterEntry.call_id == call.id)
        .where(RegisterEntry.seq > seq)
        .order_by(col(RegisterEntry.seq))
    )
    for number, body in bodies:
        yield from histories.content(number, body)["notices"] or ()


_LETTERS: Select[*tuple[Any, ...]] = sqlalchemy.select(
    col(Notice.id),
    col(Notice.letter),
    col(Notice.recipient),
    col(Notice.status),
    col(Application.id).label("file"),
    col(Application.portal_id),
    col(Application.protocol_year),
    col(Application.protocol_number),
    col(Application.received_at),
).join(Application, col(Application.id) == col(Notice.application_id))
