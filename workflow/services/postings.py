"""How is a letter handed over, at least once, and twice only if nobody can know?

In three steps: that an attempt begins is written and committed; the transport is
given the letter, outside of any transaction; what came of it is written. Whoever
comes after an attempt that broke off finds the first and not the third.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import (
    Case,
    Column,
    Table,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    select,
    update,
)
from sqlmodel import SQLModel

from config.logs import log
from models.session import asking, transaction
from models.tables import Application, Call, Memo, Notice, OutboxMessage, Term
from models.vocabulary import Letter, NoticeStatus
from workflow.desk import Desk
from workflow.errors import (
    PermanentError,
    TemporaryError,
    UnavailableError,
    UnknownOutcomeError,
)
from workflow.rules import postings as rules
from workflow.services import lookups
from workflow.services.reminders import is_too_late

_LOOKS = 3
"""Somebody may change a letter between the look at it and the beginning."""

_LONGEST_FAULT = 300
_BROKEN_OFF = "every attempt has broken off: the log of the workers says why"
_NO_TEXT = "no text was kept: deliver it by other means, and record its delivery"
_IS_OVER = (
    "its term is over or met, ends at another instant, or a later reminder was written"
)
_FOUND = "it was sent before, by a copy that was found: nothing was sent now"
_OFFICE = "office"
"""Where the mail to those who work here stands, beside that of the calls."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What a transport is given."""

    id: UUID
    message_id: str
    recipient: str
    subject: str
    body: str
    at: datetime
    folder: str
    """The code of the call."""
    name: str
    """What a person may call it: `2026-0000001-grant`."""


class Transport(Protocol):
    """A way for letters to leave (*trasmissione*), with a record of its own.

    The record stands outside of the database: a backup that is restored does not
    take it back.
    """

    @property
    def domain(self) -> str:
        """The domain of the sender."""

    @property
    def is_certain(self) -> bool:
        """Whether what its record does not have was certainly not sent."""

    def was_sent(self, mail: Mail) -> bool:
        """Tell whether its record has this letter."""

    def admits(self, recipient: str) -> bool:
        """Tell whether one more may be sent to the recipient's domain now."""

    def send(self, mail: Mail) -> None:
        """Hand a letter over.

        Raises:
            TemporaryError: it was not taken; it may be later.
            PermanentError: it will never be taken.
            UnknownOutcomeError: it may have been taken.
        """

    def close(self) -> None:
        """Leave nothing open."""

    def examine(self) -> str:
        """Tell how it stands, for who looks whether all is in order.

        Raises:
            TemporaryError: nothing could be sent now.
        """


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the outbox that asks for something to be sent."""

    id: UUID
    kind: str
    subject: UUID


@dataclass(frozen=True, slots=True)
class _Seen:
    """A letter as it was found."""

    mail: Mail
    has_text: bool
    attempts: int
    begun_at: datetime | None
    created_at: datetime
    maybe_double: bool
    may_be_gone: bool
    """An attempt broke off, and nobody knows after how much of it."""
    has_elders: bool
    """An earlier letter of the same application has not left yet."""
    application: UUID | None
    entry_seq: int | None
    is_moot: bool
    """It is a reminder, and there is nothing left to be reminded of."""


class _Ending(NamedTuple):
    """How a letter ends, and why if it did not leave."""

    status: NoticeStatus
    fault: str | None = None
    may_come_twice: bool = False
    """If another attempt has begun meanwhile."""


class _Wait(NamedTuple):
    """That a letter waits, and until when."""

    until: datetime | None


def post(desk: Desk, transport: Transport, job: Job) -> bool:
    """Send what a job asks for; tell whether the job is done."""
    for _ in range(_LOOKS):
        seen = _look(desk, transport, job)
        if seen is None:
            return _forget(desk, job)
        if ending := _ending(desk, transport, job, seen):
            return _end(desk, job, seen, ending)
        if waits := _waiting(desk, transport, seen):
            return _put_off(desk, job, waits.until)
        if begun := _begin(desk, job, seen):
            return _hand_over(desk, transport, job, begun)
    return False


def _hand_over(desk: Desk, transport: Transport, job: Job, seen: _Seen) -> bool:
    about = {"kind": job.kind, "subject": str(job.subject)}
    try:
        transport.send(seen.mail)
    except PermanentError as error:
        log.warn("mail_refused", code=error.code, **about)
        return _end(desk, job, seen, _Ending(NoticeStatus.UNDELIVERED, error.message))
    except (TemporaryError, UnknownOutcomeError) as error:
        log.info("mail_put_off", code=error.code, attempts=seen.attempts, **about)
        return _try_again(desk, job, seen, error)
    log.info("mail_sent", **about)
    twice = not transport.is_certain
    return _end(desk, job, seen, _Ending(NoticeStatus.SENT, may_come_twice=twice))


# The first step: look, and begin


def _look(desk: Desk, transport: Transport, job: Job) -> _Seen | None:
    """Return a letter that is to be sent; None if there is nothing to send."""
    now = desk.ambient.now()
    with asking(desk.engine) as session:
        query = _LOOK[job.kind]
        row = session.connection().execute(query, {"subject": job.subject}).first()
        if row is None or row.status != NoticeStatus.QUEUED:
            return None
        named = row.message_id or rules.message_id(job.subject, transport.domain)
        is_memo = job.kind == "send_memo"
        mail = Mail(
            id=job.subject,
            message_id=named,
            recipient=row.recipient,
            subject=row.subject or "",
            body=row.body or "",
            at=now,
            folder=_OFFICE if is_memo else row.code,
            name=row.kind.value if is_memo else _name(row),
        )
        is_reminder = not is_memo and row.letter == Letter.REMINDER
        return _Seen(
            mail=mail,
            has_text=row.body is not None,
            attempts=row.attempts,
            begun_at=row.begun_at,
            created_at=row.created_at,
            maybe_double=row.maybe_double,
            may_be_gone=row.maybe_double
            or (row.begun_at is not None and not transport.is_certain),
            has_elders=not is_memo and row.has_elders,
            application=None if is_memo else row.application_id,
            entry_seq=None if is_memo else row.entry_seq,
            is_moot=is_reminder
            and is_too_late(session, session.get_one(Notice, job.subject), now=now),
        )


def _name(row: Any) -> str:  # noqa: ANN401 - a row of the query
    """Name a letter as it was when it was written: a draft has no number yet."""
    was_filed = row.received_at is not None and row.received_at <= row.created_at
    file = lookups.protocol(row) if was_filed else None
    return f"{(file or 'draft').replace('/', '-')}-{row.letter.value}"


def _ending(desk: Desk, transport: Transport, job: Job, seen: _Seen) -> _Ending | None:
    """Return what becomes of a letter that is not to be sent, or not any more."""
    if transport.was_sent(seen.mail):
        # Not by an attempt of this database: it was restored from a backup.
        found = None if seen.attempts else _FOUND
        return _Ending(NoticeStatus.SENT, found)
    if not seen.has_text:
        return _Ending(NoticeStatus.UNDELIVERED, _NO_TEXT)
    if _is_leaving(desk, transport, seen.begun_at):
        return None
    if seen.is_moot:
        gone = seen.may_be_gone
        status = NoticeStatus.UNKNOWN if gone else NoticeStatus.DROPPED
        return _Ending(status, _IS_OVER)
    if rules.is_given_up(seen.attempts):
        return _given_up(job, seen, _BROKEN_OFF)
    return None


def _waiting(desk: Desk, transport: Transport, seen: _Seen) -> _Wait | None:
    """Return how a letter waits for others; None if it need not."""
    begun = seen.begun_at
    if begun is not None and _is_leaving(desk, transport, begun):
        return _Wait(begun + rules.UNKNOWN_FOR)
    if seen.has_elders and not _lead(desk, transport, seen):
        return _soon(desk, seen)
    if not transport.admits(seen.mail.recipient):
        # A simulated clock may stand still, and providers count by a real one.
        return _Wait(None) if desk.ambient.simulated else _soon(desk, seen)
    return None


def _lead(desk: Desk, transport: Transport, seen: _Seen) -> bool:
    """Send the earlier letters of its application first; tell whether they are gone.

    So they leave in the order of the moves, in whatever order the jobs come. One that
    has no job would never leave, and is not waited for.

    Raises:
        UnavailableError: somebody is sending one; in a moment it is gone.
    """
    tried: set[UUID] = set()
    while (elder := _eldest(desk, seen)) is not None:
        rests = elder.not_before
        if rests is not None and rests > desk.ambient.now():
            return False
        if elder.id in tried or _is_leaving(desk, transport, elder.begun_at):
            raise UnavailableError(
                "mail.not_in_turn",
                "an earlier letter of the same application is leaving; this one "
                "follows",
            )
        tried.add(elder.id)
        post(desk, transport, Job(elder.job, "send_notice", elder.id))
    return True


def _eldest(desk: Desk, seen: _Seen) -> Any:  # noqa: ANN401 - a row of the query
    about = {"application": seen.application, "seq": seen.entry_seq}
    with asking(desk.engine) as session:
        return session.connection().execute(_ELDEST, about).first()


def _is_leaving(desk: Desk, transport: Transport, begun: datetime | None) -> bool:
    """Tell whether an attempt may still go on.

    One that began in the future did so by a clock that ran ahead: nobody knows when.
    """
    if begun is None or transport.is_certain:
        return False
    return abs(desk.ambient.now() - begun) < rules.UNKNOWN_FOR


def _soon(desk: Desk, seen: _Seen) -> _Wait:
    """Look again soon: the sooner, the younger the letter is."""
    now = desk.ambient.now()
    age = now - seen.created_at
    return _Wait(now + rules.wait(age, noise=desk.ambient.new_id().int))


def _begin(desk: Desk, job: Job, seen: _Seen) -> _Seen | None:
    """Note that an attempt begins, and return it; None if somebody was faster."""
    now = desk.ambient.now()
    begun = replace(
        seen,
        attempts=seen.attempts + 1,
        begun_at=now,
        maybe_double=seen.may_be_gone,
    )
    noted = {
        **_as_seen(job, seen),
        "now": now,
        "tried": begun.attempts,
        "named": seen.mail.message_id,
        "double": begun.maybe_double,
    }
    with transaction(desk.engine) as session:
        has_begun = session.connection().execute(_BEGINS[job.kind], noted).rowcount
    return begun if has_begun else None


def _as_seen(job: Job, seen: _Seen) -> dict[str, Any]:
    """Find a letter, unless another attempt has begun or an officer wants one."""
    return {"letter_id": job.subject, "had": seen.attempts, "since": seen.begun_at}


# The third step: note what came of it


def _try_again(
    desk: Desk, job: Job, seen: _Seen, error: TemporaryError | UnknownOutcomeError
) -> bool:
    """Let a letter rest, until it has been tried often enough."""
    unknown = isinstance(error, UnknownOutcomeError)
    noise = desk.ambient.new_id().int
    resting = rules.rest(seen.attempts, noise=noise, unknown=unknown)
    seen = replace(seen, maybe_double=seen.maybe_double or unknown)
    if resting is None:
        # It has told how it ended: only of those before may nobody know it.
        told = replace(seen, may_be_gone=seen.maybe_double)
        return _end(desk, job, seen, _given_up(job, told, error.message))
    now = desk.ambient.now()
    noted = {
        **_as_seen(job, seen),
        "double": seen.maybe_double,
        "said": _fault(error.message),
    }
    with transaction(desk.engine) as session:
        connection = session.connection()
        if connection.execute(_RESTS[job.kind], noted).rowcount:
            connection.execute(_REST, {"job": job.id, "until": now + resting})
    return False


def _given_up(job: Job, seen: _Seen, why: str) -> _Ending:
    """Leave a letter to an officer."""
    log.warn("mail_given_up", kind=job.kind, subject=str(job.subject))
    gone = seen.may_be_gone
    status = NoticeStatus.UNKNOWN if gone else NoticeStatus.UNDELIVERED
    return _Ending(status, why)


def _put_off(desk: Desk, job: Job, until: datetime | None) -> bool:
    """Have the job given to the workers again, not before that."""
    with transaction(desk.engine) as session:
        session.connection().execute(_REST, {"job": job.id, "until": until})
    return False


def _end(desk: Desk, job: Job, seen: _Seen, ending: _Ending) -> bool:
    """Note how a letter ended, and that nothing is left to be done about it.

    What was noted of it meanwhile, such as its delivery, is known better. If another
    attempt has begun since, it is for that one to tell how the letter ended.
    """
    noted = {
        **_as_seen(job, seen),
        "ended": ending.status,
        "said": _fault(ending.fault),
    }
    ends = _ENDS[job.kind]
    if ending.status is NoticeStatus.SENT:
        ends, noted["now"] = _LEAVES[job.kind], desk.ambient.now()
    with transaction(desk.engine) as session:
        connection = session.connection()
        if connection.execute(ends, noted).rowcount:
            return bool(connection.execute(_DONE, {"job": job.id}).rowcount)
        if ending.may_come_twice:
            connection.execute(_TWICE[job.kind], {"letter_id": job.subject})
        return False


def _forget(desk: Desk, job: Job) -> bool:
    """Do nothing about a letter that needs nothing any more."""
    with transaction(desk.engine) as session:
        return bool(session.connection().execute(_DONE, {"job": job.id}).rowcount)


def _fault(message: str | None) -> str | None:
    return message and message[:_LONGEST_FAULT]


# Made once: to make a statement takes longer than to send it.


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


_JOBS, _NOTICES, _MEMOS = _table(OutboxMessage), _table(Notice), _table(Memo)
_CALLS, _FILES, _TERMS = _table(Call), _table(Application), _table(Term)
_TABLES: Mapping[str, Table] = {"send_notice": _NOTICES, "send_memo": _MEMOS}
KINDS = frozenset(_TABLES)
"""The jobs that ask for something to be sent."""

_ELDERS = _NOTICES.alias()
_ELDEST = (
    select(
        _NOTICES.c.id,
        _NOTICES.c.begun_at,
        _JOBS.c.id.label("job"),
        _JOBS.c.not_before,
    )
    .join(
        _JOBS,
        (_JOBS.c.subject_id == _NOTICES.c.id) & (_JOBS.c.call_id == _NOTICES.c.call_id),
    )
    .where(
        _NOTICES.c.application_id == bindparam("application"),
        _NOTICES.c.status == NoticeStatus.QUEUED,
        _NOTICES.c.entry_seq < bindparam("seq"),
    )
    .order_by(_NOTICES.c.entry_seq, _NOTICES.c.id)
    .limit(1)
)


def _common(rows: Table) -> tuple[Any, ...]:
    names = ("status", "recipient", "subject", "body", "message_id", "attempts")
    more = ("begun_at", "created_at", "maybe_double")
    return tuple(rows.c[name] for name in (*names, *more))


_LOOK = {
    "send_memo": select(*_common(_MEMOS), _MEMOS.c.kind).where(
        _MEMOS.c.id == bindparam("subject")
    ),
    "send_notice": select(
        *_common(_NOTICES),
        _NOTICES.c.letter,
        _NOTICES.c.application_id,
        _CALLS.c.code,
        _FILES.c.protocol_year,
        _FILES.c.protocol_number,
        _FILES.c.received_at,
        _NOTICES.c.entry_seq,
        exists()
        .where(
            _ELDERS.c.application_id == _NOTICES.c.application_id,
            _ELDERS.c.status == NoticeStatus.QUEUED,
            _ELDERS.c.entry_seq < _NOTICES.c.entry_seq,
        )
        .label("has_elders"),
    )
    .join(_CALLS, _CALLS.c.id == _NOTICES.c.call_id)
    .join(_FILES, _FILES.c.id == _NOTICES.c.application_id)
    .where(_NOTICES.c.id == bindparam("subject")),
}


def _if_waiting(column: Column[Any], name: str) -> Case[Any]:
    """Note a value, unless somebody has told more of the letter meanwhile."""
    is_waiting = column.table.c.status == NoticeStatus.QUEUED
    return case((is_waiting, bindparam(name, type_=column.type)), else_=column)


def _noted(rows: Table, **values: object) -> Update:
    since = bindparam("since", type_=rows.c.begun_at.type)
    as_seen = and_(
        rows.c.id == bindparam("letter_id"),
        rows.c.attempts == bindparam("had"),
        rows.c.begun_at.is_not_distinct_from(since),
    )
    return update(rows).where(as_seen).values(values)


def _ending_as(rows: Table, **more: object) -> Update:
    status = _if_waiting(rows.c.status, "ended")
    fault = _if_waiting(rows.c.fault, "said")
    return _noted(rows, begun_at=None, status=status, fault=fault, **more)


_BEGINS = {
    kind: _noted(
        rows,
        begun_at=bindparam("now"),
        attempts=bindparam("tried"),
        message_id=bindparam("named"),
        maybe_double=bindparam("double"),
    ).where(rows.c.status == NoticeStatus.QUEUED)
    for kind, rows in _TABLES.items()
}
_RESTS = {
    kind: _noted(
        rows,
        begun_at=None,
        maybe_double=bindparam("double"),
        fault=_if_waiting(rows.c.fault, "said"),
    )
    for kind, rows in _TABLES.items()
}
_ENDS = {kind: _ending_as(rows) for kind, rows in _TABLES.items()}
_LEAVES = {
    kind: _ending_as(rows, sent_at=bindparam("now")) for kind, rows in _TABLES.items()
}
_TWICE = {
    kind: update(rows)
    .where(rows.c.id == bindparam("letter_id"))
    .values(maybe_double=True)
    for kind, rows in _TABLES.items()
}
_REST = (
    update(_JOBS)
    .where(_JOBS.c.id == bindparam("job"))
    .values(sent_at=None, not_before=bindparam("until"))
)
_DONE = delete(_JOBS).where(_JOBS.c.id == bindparam("job"))
