"""Which letters does a move keep from leaving?"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlmodel import Session, SQLModel, col

from models.tables import Notice
from models.vocabulary import Letter, NoticeStatus
from workflow.letters.contradictions import NOT_LEFT, Groundless


def found(
    session: Session, notices: Iterable[Notice], groundless: Mapping[Letter, str]
) -> dict[UUID, str]:
    """Return the letters of a file that are not to leave any more, each with why.

    Whoever sends one notes first that an attempt begins: they are locked and looked
    at again, so that either the move or the attempt finds the other.
    """
    wanted = {
        notice.id: groundless[notice.letter]
        for notice in notices
        if notice.letter in groundless and has_not_begun(notice)
    }
    if not wanted:
        return {}
    query = sqlalchemy.select(*_SEEN).where(col(Notice.id).in_(wanted))
    locked = session.execute(query.order_by(col(Notice.id)).with_for_update())
    begun = {row.id for row in locked if not has_not_begun(row)}
    # What this transaction has written is not in the database yet, and never begun.
    return {identity: why for identity, why in wanted.items() if identity not in begun}


def drop_of_call(
    session: Session, call_id: UUID, groundless: Groundless | None
) -> list[dict[str, Any]]:
    """Keep letters to all from leaving; return what the entry of the call says."""
    if groundless is None:
        return []
    query = (
        sqlalchemy.select(*_SEEN, col(Notice.letter), col(Notice.application_id))
        .where(col(Notice.status) == NoticeStatus.QUEUED)
        .where(col(Notice.call_id) == call_id)
        .where(col(Notice.letter).in_(groundless.letters))
        .order_by(col(Notice.id))
        .with_for_update()
    )
    rows = [row for row in session.execute(query) if has_not_begun(row)]
    if rows:
        dropping = [{"row": row.id, "why": groundless.why} for row in rows]
        session.connection().execute(_DROP, dropping)
    return [
        {
            "application": str(row.application_id),
            **told(row.letter, row.id, groundless.why),
        }
        for row in rows
    ]


def told(letter: str, identity: UUID, why: str) -> dict[str, str]:
    """Return what an entry says of a letter that is dropped."""
    return {"letter": str(letter), "id": str(identity), "why": why}


def has_not_begun(row: Any) -> bool:  # noqa: ANN401 - a letter, or its columns
    """Tell whether no attempt to send a letter has begun."""
    return row.status in NOT_LEFT and not row.attempts and row.begun_at is None


_SEEN = (
    col(Notice.id),
    col(Notice.status),
    col(Notice.attempts),
    col(Notice.begun_at),
)
_ROWS = SQLModel.metadata.tables[str(Notice.__tablename__)]
_DROP = (
    sqlalchemy.update(_ROWS)
    .where(_ROWS.c.id == sqlalchemy.bindparam("row"))
    .values(status=NoticeStatus.DROPPED, fault=sqlalchemy.bindparam("why"))
)
