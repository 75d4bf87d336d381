"""What has to be done after a commit, and is it done?

A row of the outbox stays until its job is done, and goes in the transaction of
its effect: so it is done once, however often the broker delivers it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Table,
    Update,
    Uuid,
    any_,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlmodel import SQLModel

from config.logs import log
from models.session import reading, transaction
from models.tables import Call, Notice, OutboxMessage
from models.vocabulary import NoticeStatus
from workflow.desk import Desk
from workflow.errors import UnavailableError

RESEND = timedelta(seconds=60)
"""How long the broker is believed to have what it was given."""


class Waiting(NamedTuple):
    """A job that is to be given to the broker, and what it is about."""

    id: UUID
    call: str
    application: UUID | None
    entry_seq: int


def to_send(
    desk: Desk, *, most: int, resend: timedelta | None = RESEND
) -> list[Waiting]:
    """Return what is to be given to the broker, in the order in which it was caused.

    That is what never was, and what was longer ago than *resend* and is not done.
    """
    query = (
        select(_JOBS.c.id, _CALLS.c.code, _JOBS.c.application_id, _JOBS.c.entry_seq)
        .join(_CALLS, _CALLS.c.id == _JOBS.c.call_id)
        .where(_is_wanted(desk.ambient.now(), resend))
        .order_by(_JOBS.c.call_id, _JOBS.c.entry_seq, _JOBS.c.ordinal)
        .limit(most)
    )
    with reading(desk.engine) as session:
        return [Waiting(*row) for row in session.connection().execute(query)]


def mark_sent(desk: Desk, sent: Sequence[Waiting]) -> None:
    """Note that the broker has them now.

    Those that a worker is doing at this moment are left alone: they are as good
    as done, and a worker that is slow must not hold up the rest.
    """
    values = {"given": [one.id for one in sent], "at": desk.ambient.now()}
    mark = _MARK_SENT[desk.engine.dialect.name]
    with transaction(desk.engine) as session:
        session.connection().execute(mark, values)


def forget_sent(desk: Desk) -> None:
    """Take it that the broker has nothing of what it was given."""
    with transaction(desk.engine) as session:
        session.connection().execute(_FORGET_SENT)


def do(desk: Desk, job: UUID) -> bool:
    """Do one job; tell whether it was still to be done.

    Raises:
        UnavailableError: this version does not know how.
    """
    with transaction(desk.engine) as session:
        connection = session.connection()
        taken = connection.execute(_TAKE, {"job": job}).first()
        if taken is None:
            return False
        if taken.kind not in _EFFECTS:
            raise UnavailableError(
                "outbox.unknown_kind",
                f"nobody here knows how to do {taken.kind!r}: a later version asked "
                "for it; start workers of that version",
            )
        _EFFECTS[taken.kind](connection, taken.subject_id)
    log.info("job_done", kind=taken.kind, subject=str(taken.subject_id))
    return True


def _is_wanted(now: datetime, resend: timedelta | None) -> ColumnElement[bool]:
    sent = _JOBS.c.sent_at
    if resend is None:
        return sent.is_(None)
    # Sent in the future: by a clock that ran ahead, nobody knows how long ago.
    return or_(sent.is_(None), sent <= now - resend, sent > now + RESEND)


def _take_up(connection: Connection, notice: UUID) -> None:
    """Take a notice up, unless its delivery is known already (*presa in carico*)."""
    connection.execute(_TAKE_UP, {"notice": notice})


_EFFECTS: Mapping[str, Callable[[Connection, UUID], None]] = MappingProxyType(
    {"send_notice": _take_up}
)
"""What each kind of job does; a new kind is a new line."""


def _mark(given: ColumnElement[bool]) -> Update:
    """Build what notes those of the given rows as sent that nobody has locked."""
    free = select(_JOBS.c.id).where(given).with_for_update(skip_locked=True)
    return update(_JOBS).where(_JOBS.c.id.in_(free)).values(sent_at=bindparam("at"))


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


# The ORM would spend more on building these anew for each job than on doing it.
_JOBS, _CALLS, _NOTICES = _table(OutboxMessage), _table(Call), _table(Notice)
_MARK_SENT = {
    # One array: to read a statement with a mark for each takes longer than to run it.
    "postgresql": _mark(_JOBS.c.id == any_(bindparam("given", type_=ARRAY(Uuid)))),
    "sqlite": _mark(_JOBS.c.id.in_(bindparam("given", expanding=True))),
}
_FORGET_SENT = update(_JOBS).where(_JOBS.c.sent_at.is_not(None)).values(sent_at=None)
_TAKE = (
    delete(_JOBS)
    .where(_JOBS.c.id == bindparam("job"))
    .returning(_JOBS.c.kind, _JOBS.c.subject_id)
)
_TAKE_UP = (
    update(_NOTICES)
    .where(
        _NOTICES.c.id == bindparam("notice"),
        _NOTICES.c.status == NoticeStatus.QUEUED,
    )
    .values(status=NoticeStatus.READY)
)
