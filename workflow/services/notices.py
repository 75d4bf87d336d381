"""Which letters were written, and what became of each?"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, func, true
from sqlmodel import Session, col, select

from config.logs import log
from models.session import reading, transaction
from models.tables import Application, Call, Memo, Notice, OutboxMessage
from models.vocabulary import Letter, NoticeStatus, Role
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.rules import postings
from workflow.services import erasures, lookups, officers

_NAME = re.compile(
    r"(?P<file>.+?)/(?P<letter>[A-Za-z_-]+)(?:/(?P<ordinal>[0-9]{1,9}))?"
)
_UNSETTLED = (
    NoticeStatus.UNDELIVERED,
    NoticeStatus.UNKNOWN,
    NoticeStatus.FULL_BOX,
)
"""Somebody has to find another way to the recipient, or out what happened."""

_MAY_RETRY = {*_UNSETTLED, NoticeStatus.QUEUED}


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A letter, and how far it has come."""

    name: str
    """How an officer names it: `2026/0000001/grant`."""
    id: str
    call: str
    application: str
    protocol: str | None
    letter: Letter
    to: str
    """The address; once it is erased, under which act that was."""
    erased_under: str | None
    subject: str | None
    body: str | None
    status: NoticeStatus
    attempts: int
    message_id: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    receipt: str | None
    fault: str | None
    maybe_double: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How many letters have not arrived, as far as is known."""

    now: datetime
    queued: int
    since: datetime | None
    """When the oldest of those was written."""
    unsettled: dict[NoticeStatus, int]
    memos: int
    """Mail to those who work here that could not be sent."""


def listed(
    desk: Desk,
    *,
    application: str | None = None,
    status: NoticeStatus | None = None,
    limit: int | None = None,
) -> tuple[NoticeView, ...]:
    """Return letters, the oldest first.

    Raises:
        RefusedError: there is no such application.
    """
    which = col(Notice.status) == status if status else true()
    with reading(desk.engine) as session:
        if application is not None:
            file = lookups.find_application(session, application)
            which = which & (col(Notice.application_id) == file.id)
        return _views(session, which, limit=limit)


def shown(desk: Desk, name: str) -> NoticeView:
    """Return one letter.

    Raises:
        RefusedError: there is no such letter.
    """
    with reading(desk.engine) as session:
        return _one(session, find_notice(session, name))


def standing(desk: Desk) -> Standing:
    """Count what has not arrived."""
    with reading(desk.engine) as session:
        counts = dict(
            session.exec(
                select(Notice.status, func.count()).group_by(col(Notice.status))
            ).all()
        )
        since = session.exec(
            select(func.min(col(Notice.created_at))).where(
                Notice.status == NoticeStatus.QUEUED
            )
        ).one()
        memos = session.exec(
            select(func.count()).where(col(Memo.status).in_(_UNSETTLED))
        ).one()
    return Standing(
        now=desk.ambient.now(),
        queued=counts.get(NoticeStatus.QUEUED, 0),
        since=since,
        unsettled={one: counts[one] for one in _UNSETTLED if one in counts},
        memos=memos,
    )


def retry(desk: Desk, names: Sequence[str]) -> tuple[NoticeView, ...]:
    """Have letters sent again, at once; all of them, or none.

    Raises:
        RefusedError: one of them arrived, or is not to be sent.
    """
    with transaction(desk.engine) as session:
        actor = officers.identify(session, desk)
        officers.require(actor, Role.RESPONSIBLE, Role.OFFICER)
        rows = [find_notice(session, name, lock=True) for name in names]
        for row in rows:
            _refuse_settled(session, row)
            _queue(session, desk, row)
        session.flush()
        views = tuple(_one(session, row) for row in rows)
    for row in rows:
        log.info("notice_retried", id=str(row.id), officer=str(actor.id))
    return views


def find_notice(session: Session, name: str, *, lock: bool = False) -> Notice:
    """Return the letter that somebody means: by its id, or as `APP/LETTER[/ORDINAL]`.

    Without an ordinal, the latest of its kind.

    Raises:
        RefusedError: there is none; the message names those that are there.
    """
    found = _matching(session, name.strip())
    if lock:
        session.refresh(found, with_for_update=True)
    return found


def _matching(session: Session, name: str) -> Notice:
    with suppress(ValueError):
        if row := session.get(Notice, UUID(name)):
            return row
    match = _NAME.fullmatch(name)
    if match is None:
        raise RefusedError(
            "notice.unknown",
            f"there is no letter `{name}`; give APP/LETTER, such as "
            "2026/0000001/grant, or the id that `sportello notices --json` tells",
        )
    file = lookups.find_application(session, match["file"])
    word, ordinal = match["letter"].lower(), int(match["ordinal"] or 0)
    query = select(Notice).where(Notice.application_id == file.id)
    named = [
        row
        for row in session.exec(query.order_by(*_IN_ORDER))
        if row.letter == word.replace("-", "_")
    ]
    if not named or ordinal > len(named):
        there = _views(session, col(Notice.application_id) == file.id)
        listed = ", ".join(one.name for one in there) or "none was written yet"
        raise RefusedError(
            "notice.unknown", f"there is no letter `{name}`; there are: {listed}"
        )
    return named[ordinal - 1]


def _one(session: Session, row: Notice) -> NoticeView:
    (view,) = _views(session, col(Notice.id) == row.id)
    return view


def _refuse_settled(session: Session, row: Notice) -> None:
    if row.status in _MAY_RETRY:
        return
    view = _one(session, row)
    ways = {
        NoticeStatus.HELD: "release it with `sportello notices release`",
        NoticeStatus.DROPPED: "what it reminded of is over",
        NoticeStatus.DELIVERED: "it has arrived",
    }
    way = ways.get(row.status, "a receipt may still come: wait for it")
    raise RefusedError(
        "notice.not_to_retry",
        f"{view.name} is {row.status} and is not sent again: {way}",
    )


def _queue(session: Session, desk: Desk, row: Notice) -> None:
    if not row.recipient:
        raise RefusedError(
            "notice.erased",
            "the text and the recipient of the letter are erased: nobody can be "
            "written to any more",
        )
    if row.body is None:
        raise RefusedError(
            "notice.no_text",
            "the letter was written by a version that kept no text: deliver it by "
            "other means, and record its delivery",
        )
    is_leaving = row.status is NoticeStatus.QUEUED and row.begun_at is not None
    if not is_leaving:  # who sends it will tell what comes of that
        _begin_anew(row)
    session.add(row)
    job = session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.call_id == row.call_id)
        .where(OutboxMessage.application_id == row.application_id)
        .where(OutboxMessage.subject_id == row.id)
        .with_for_update()
    ).first()
    if job is None:
        job = OutboxMessage(
            id=desk.ambient.new_id(),
            call_id=row.call_id,
            application_id=row.application_id,
            kind="send_notice",
            subject_id=row.id,
            entry_seq=row.entry_seq,
            created_at=desk.ambient.now(),
        )
    job.sent_at = job.not_before = None
    session.add(job)


def _begin_anew(row: Notice) -> None:
    if row.sent_at is not None and row.message_id is not None:
        # Under the same identifier the record would say that it was sent already.
        row.message_id = postings.next_message_id(row.message_id)
    row.maybe_double |= row.status is NoticeStatus.UNKNOWN
    row.status, row.attempts, row.fault = NoticeStatus.QUEUED, 0, None
    row.begun_at = row.sent_at = row.accepted_at = None


# How they are named and shown


_SAME = (col(Notice.application_id), col(Notice.letter))
_IN_ORDER = (col(Notice.entry_seq), col(Notice.id))
_ORDINALS = select(
    col(Notice.id),
    func.row_number().over(partition_by=_SAME, order_by=_IN_ORDER).label("ordinal"),
    func.count().over(partition_by=_SAME).label("number"),
).subquery()
_VIEWS = (
    sqlalchemy.select(
        Notice, Application, col(Call.code), _ORDINALS.c.ordinal, _ORDINALS.c.number
    )
    .join(_ORDINALS, _ORDINALS.c.id == col(Notice.id))
    .join(Call, col(Call.id) == col(Notice.call_id))
    .join(Application, col(Application.id) == col(Notice.application_id))
    .order_by(col(Notice.created_at), col(Notice.call_id), *_IN_ORDER)
)


def _views(
    session: Session, which: ColumnElement[bool], *, limit: int | None = None
) -> tuple[NoticeView, ...]:
    erased = erasures.erased_under(session)
    rows = session.execute(_VIEWS.where(which).limit(limit))
    return tuple(_view(row, erased) for row in rows)


def _view(row: Any, erased: Mapping[UUID, str]) -> NoticeView:  # noqa: ANN401 - a row of the query
    notice, file = row.Notice, row.Application
    act = erased.get(notice.call_id)
    name = f"{lookups.named(file)}/{notice.letter}"
    return NoticeView(
        name=name if row.number == 1 else f"{name}/{row.ordinal}",
        id=str(notice.id),
        call=row.code,
        application=str(file.id),
        protocol=lookups.protocol(file),
        letter=notice.letter,
        to=notice.recipient if act is None else erasures.told(act),
        erased_under=act,
        subject=notice.subject,
        body=notice.body,
        status=notice.status,
        attempts=notice.attempts,
        message_id=notice.message_id,
        created_at=notice.created_at,
        sent_at=notice.sent_at,
        delivered_at=notice.delivered_at,
        receipt=notice.receipt,
        fault=notice.fault,
        maybe_double=notice.maybe_double,
    )
