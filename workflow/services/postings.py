"""How is a letter handed over, at least once, and twice only if nobody can know?

In three steps: that an attempt begins is written and committed; the transport is
given the letter, outside of any transaction; what came of it is written. Whoever
comes after an attempt that broke off finds the first and not the third.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    Table,
    bindparam,
    case,
    delete,
    exists,
    literal,
    select,
    update,
)
from sqlmodel import SQLModel

from config.logs import log
from models.session import reading, transaction
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
    attempts: int
    begun_at: datetime | None
    created_at: datetime
    maybe_double: bool
    has_elders: bool
    """An earlier letter of the same application has not left yet."""
    application: UUID | None
    entry_seq: int | None
    is_moot: bool
    """It is a reminder, and there is nothing left to be reminded of."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """That a letter waits, and until when."""

    until: datetime | None


def post(desk: Desk, transport: Transport, job: Job) -> bool:
    """Send what a job asks for; tell whether the job is done."""
    for _ in range(_LOOKS):
        seen = _look(desk, transport, job)
        if seen is None:
            return _end(desk, job, None)
        if status := _without_sending(transport, seen):
            return _end(desk, job, status)
        if rules.is_given_up(seen.attempts):  # every attempt has broken off
            return _give_up(desk, job, seen)
        if waits := _waiting(desk, transport, seen):
            return _put_off(desk, job, waits.until)
        if _begin(desk, transport, job, seen):
            return _hand_over(desk, transport, job, seen)
    return False


def _hand_over(desk: Desk, transport: Transport, job: Job, seen: _Seen) -> bool:
    about = {"kind": job.kind, "subject": str(job.subject)}
    try:
        transport.send(seen.mail)
    except PermanentError as error:
        log.warn("mail_refused", code=error.code, **about)
        return _end(desk, job, NoticeStatus.UNDELIVERED, error.message)
    except (TemporaryError, UnknownOutcomeError) as error:
        log.info("mail_put_off", code=error.code, attempts=seen.attempts + 1, **about)
        return _try_again(desk, job, seen, error)
    log.info("mail_sent", **about)
    return _end(desk, job, NoticeStatus.SENT)


# The first step: look, and begin


def _look(desk: Desk, transport: Transport, job: Job) -> _Seen | None:
    """Return a letter that is to be sent; None if there is nothing to send."""
    now = desk.ambient.now()
    with reading(desk.engine) as session:
        query = _LOOK[job.kind]
        row = session.connection().execute(query, {"subject": job.subject}).first()
        if row is None or row.status != NoticeStatus.QUEUED or row.body is None:
            return None
        named = row.message_id or rules.message_id(job.subject, transport.domain)
        is_memo = job.kind == "send_memo"
        mail = Mail(
            id=job.subject,
            message_id=named,
            recipient=row.recipient,
            subject=row.subject or "",
            body=row.body,
            at=now,
            folder=_OFFICE if is_memo else row.code,
            name=row.kind.value if is_memo else _name(row),
        )
        is_reminder = not is_memo and row.letter == Letter.REMINDER
        return _Seen(
            mail=mail,
            attempts=row.attempts,
            begun_at=row.begun_at,
            created_at=row.created_at,
            maybe_double=row.maybe_double,
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


def _without_sending(transport: Transport, seen: _Seen) -> NoticeStatus | None:
    """Return what becomes of a letter that need not be sent."""
    if transport.was_sent(seen.mail):
        return NoticeStatus.SENT
    return NoticeStatus.DROPPED if seen.is_moot else None


def _waiting(desk: Desk, transport: Transport, seen: _Seen) -> _Wait | None:
    """Return how a letter waits for others; None if it need not."""
    begun = seen.begun_at
    if seen.has_elders and not _lead(desk, transport, seen):
        return _soon(desk, seen)
    if begun is not None and not transport.is_certain and _is_young(desk, begun):
        return _Wait(begun + rules.UNKNOWN_FOR)
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
        now, begun = desk.ambient.now(), elder.begun_at
        if elder.not_before is not None and elder.not_before > now:
            return False
        is_leaving = begun is not None and not transport.is_certain
        if elder.id in tried or (is_leaving and _is_young(desk, begun or now)):
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
    with reading(desk.engine) as session:
        return session.connection().execute(_ELDEST, about).first()


def _is_young(desk: Desk, begun: datetime) -> bool:
    """Tell whether an attempt may still go on.

    One that began in the future did so by a clock that ran ahead: nobody knows when.
    """
    return abs(desk.ambient.now() - begun) < rules.UNKNOWN_FOR


def _soon(desk: Desk, seen: _Seen) -> _Wait:
    """Look again soon: the sooner, the younger the letter is."""
    now = desk.ambient.now()
    age = now - seen.created_at
    return _Wait(now + rules.wait(age, noise=desk.ambient.new_id().int))


def _begin(desk: Desk, transport: Transport, job: Job, seen: _Seen) -> bool:
    """Note that an attempt begins, unless somebody was faster."""
    rows = _TABLES[job.kind]
    broke_off = seen.begun_at is not None and not transport.is_certain
    begins = (
        update(rows)
        .where(
            rows.c.id == job.subject,
            rows.c.status == NoticeStatus.QUEUED,
            rows.c.attempts == seen.attempts,
            rows.c.begun_at.is_not_distinct_from(seen.begun_at),
        )
        .values(
            begun_at=desk.ambient.now(),
            attempts=seen.attempts + 1,
            message_id=seen.mail.message_id,
            maybe_double=seen.maybe_double or broke_off,
        )
    )
    with transaction(desk.engine) as session:
        return bool(session.connection().execute(begins).rowcount)


# The third step: note what came of it


def _try_again(
    desk: Desk, job: Job, seen: _Seen, error: TemporaryError | UnknownOutcomeError
) -> bool:
    """Let a letter rest, until it has been tried often enough."""
    unknown = isinstance(error, UnknownOutcomeError)
    attempts, noise = seen.attempts + 1, desk.ambient.new_id().int
    resting = rules.rest(attempts, noise=noise, unknown=unknown)
    seen = replace(seen, maybe_double=seen.maybe_double or unknown)
    if resting is None:
        return _give_up(desk, job, seen, error.message)
    rows, now = _TABLES[job.kind], desk.ambient.now()
    noted: dict[str, Any] = {"begun_at": None, "fault": _fault(error.message)}
    if unknown:
        noted["maybe_double"] = True
    notes = update(rows).where(rows.c.id == job.subject).values(noted)
    with transaction(desk.engine) as session:
        connection = session.connection()
        connection.execute(notes)
        connection.execute(_REST, {"job": job.id, "until": now + resting})
    return False


def _give_up(desk: Desk, job: Job, seen: _Seen, why: str = _BROKEN_OFF) -> bool:
    """Leave a letter to an officer; it may have arrived if an attempt broke off."""
    log.warn("mail_given_up", kind=job.kind, subject=str(job.subject))
    unknown = seen.maybe_double or seen.begun_at is not None
    status = NoticeStatus.UNKNOWN if unknown else NoticeStatus.UNDELIVERED
    return _end(desk, job, status, why)


def _put_off(desk: Desk, job: Job, until: datetime | None) -> bool:
    """Have the job given to the workers again, not before that."""
    with transaction(desk.engine) as session:
        session.connection().execute(_REST, {"job": job.id, "until": until})
    return False


def _end(
    desk: Desk, job: Job, status: NoticeStatus | None, fault: str | None = None
) -> bool:
    """Note how a letter ended, and that nothing is left to be done about it.

    What was noted of it meanwhile, such as its delivery, is known better.
    """
    rows = _TABLES[job.kind]
    noted: dict[str, Any] = {"begun_at": None}
    if status is not None:
        is_waiting = rows.c.status == NoticeStatus.QUEUED
        for column, value in ((rows.c.status, status), (rows.c.fault, _fault(fault))):
            known = literal(value, column.type)
            noted[column.name] = case((is_waiting, known), else_=column)
    if status is NoticeStatus.SENT:
        noted["sent_at"] = desk.ambient.now()
    with transaction(desk.engine) as session:
        connection = session.connection()
        if status is not None:
            connection.execute(
                update(rows).where(rows.c.id == job.subject).values(noted)
            )
        return bool(connection.execute(_DONE, {"job": job.id}).rowcount)


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
_REST = (
    update(_JOBS)
    .where(_JOBS.c.id == bindparam("job"))
    .values(sent_at=None, not_before=bindparam("until"))
)
_DONE = delete(_JOBS).where(_JOBS.c.id == bindparam("job"))
