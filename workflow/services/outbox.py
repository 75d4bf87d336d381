"""What has to be done after a commit, and is it done?

A row of the outbox stays until its job is done, and goes in the transaction of
its effect: so it is done once, however often the broker delivers it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Update,
    Uuid,
    and_,
    any_,
    bindparam,
    or_,
    select,
    update,
)
from sqlmodel import SQLModel

from config.logs import log
from models.session import asking, reading, transaction
from models.tables import Call, OutboxMessage
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import postings
from workflow.services.postings import Job, Transport

RESEND = timedelta(seconds=60)
"""How long the broker is believed to have what it was given."""


class Waiting(NamedTuple):
    """A job that is to be given to the broker, and what it is about."""

    id: UUID
    call: str | None
    application: UUID | None
    entry_seq: int


def to_send(
    desk: Desk, *, most: int, resend: timedelta | None = RESEND
) -> list[Waiting]:
    """Return what is to be given to the broker, in the order in which it was caused.

    That is what never was, and what was longer ago than *resend* and is not done;
    not what rests.
    """
    query = (
        select(_JOBS.c.id, _CALLS.c.code, _JOBS.c.application_id, _JOBS.c.entry_seq)
        .join(_CALLS, _CALLS.c.id == _JOBS.c.call_id, isouter=True)
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


def do(desk: Desk, job: UUID, transport: Transport) -> bool:
    """Do one job; tell whether it was still to be done, and is done now.

    Raises:
        UnavailableError: this version does not know how.
    """
    with asking(desk.engine) as session:
        found = session.connection().execute(_FIND, {"job": job}).first()
    if found is None:
        return False
    if found.kind not in postings.KINDS:
        raise UnavailableError(
            "outbox.unknown_kind",
            f"nobody here knows how to do {found.kind!r}: a later version asked "
            "for it; start workers of that version",
        )
    is_done = postings.post(desk, transport, Job(job, found.kind, found.subject_id))
    if is_done:
        log.info("job_done", kind=found.kind, subject=str(found.subject_id))
    return is_done


def _is_wanted(now: datetime, resend: timedelta | None) -> ColumnElement[bool]:
    sent, rests = _JOBS.c.sent_at, _JOBS.c.not_before
    is_awake = or_(rests.is_(None), rests <= now)
    if resend is None:
        return and_(sent.is_(None), is_awake)
    # Sent in the future: by a clock that ran ahead, nobody knows how long ago.
    is_lost = or_(sent.is_(None), sent <= now - resend, sent > now + RESEND)
    return and_(is_lost, is_awake)


def _mark(given: ColumnElement[bool]) -> Update:
    """Build what notes those of the given rows as sent that nobody has locked.

    Nor those that a worker has put off already: they are not there any more.
    """
    rests = _JOBS.c.not_before
    is_awake = or_(rests.is_(None), rests <= bindparam("at"))
    free = select(_JOBS.c.id).where(given, is_awake)
    free = free.with_for_update(skip_locked=True)
    return update(_JOBS).where(_JOBS.c.id.in_(free)).values(sent_at=bindparam("at"))


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


# The ORM would spend more on building these anew for each job than on doing it.
_JOBS, _CALLS = _table(OutboxMessage), _table(Call)
_MARK_SENT = {
    # One array: to read a statement with a mark for each takes longer than to run it.
    "postgresql": _mark(_JOBS.c.id == any_(bindparam("given", type_=ARRAY(Uuid)))),
    "sqlite": _mark(_JOBS.c.id.in_(bindparam("given", expanding=True))),
}
_FORGET_SENT = update(_JOBS).where(_JOBS.c.sent_at.is_not(None)).values(sent_at=None)
_FIND = select(_JOBS.c.kind, _JOBS.c.subject_id).where(_JOBS.c.id == bindparam("job"))
