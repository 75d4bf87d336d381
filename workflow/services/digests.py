"""What waits for an officer today?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from sqlmodel import Session, col, select

from config.logs import log
from models.session import reading, transaction
from models.tables import Application, Call, Notice, Step
from models.vocabulary import (
    NOT_ACTIVE,
    QUEUED_STATES,
    CallState,
    MemoKind,
    NoticeStatus,
    Role,
    StepKind,
    StepStatus,
    TermKind,
)
from workflow.desk import Desk
from workflow.errors import SportelloError, TamperedError, UnavailableError
from workflow.moves.words import rome, spoken
from workflow.rules.amounts import format_money
from workflow.rules.calendar import ROME, civil_day, italian_date
from workflow.services import lookups, memos, rosters, terms, ticks
from workflow.services.queues import (
    EXAMINED,
    LIST_IT,
    RAISE_IT,
    RANK_IT,
    QueueItem,
    queue,
)

SOON = timedelta(days=3)
"""How long before its end a term of the office is told of."""

_MORNING = time(7)
"""In Rome; from then on the digest of the day is written."""

_TICK = "digest"
_MOST = 50
"""Lines under one heading of a mail."""

_OFFICE: Mapping[TermKind, frozenset[Role]] = MappingProxyType(
    {
        TermKind.CONCLUSION: frozenset({Role.RESPONSIBLE}),
        TermKind.FORMAL_CHECK: frozenset({Role.OFFICER, Role.RESPONSIBLE}),
        TermKind.MERIT: frozenset({Role.EVALUATOR, Role.RESPONSIBLE}),
        TermKind.NEGOTIATION: frozenset({Role.RESPONSIBLE}),
        TermKind.PLAN_CHECK: frozenset({Role.RESPONSIBLE}),
        TermKind.PAYMENT: frozenset({Role.MANAGER}),
        TermKind.AID_REGISTRY: frozenset({Role.OFFICER}),
        TermKind.LAPSE_DECISION: frozenset({Role.MANAGER}),
    }
)
"""Who has to keep the terms that bind the office and not the applicant."""

_ENDED = {CallState.CONCLUDED, CallState.ANNULLED}

_LETTERS: Mapping[NoticeStatus, str] = MappingProxyType(
    {
        NoticeStatus.HELD: "waits to be released: `sportello notices release`",
        NoticeStatus.UNDELIVERED: "could not be delivered: `sportello notices retry`, "
        "or deliver it by other means and record it",
        NoticeStatus.FULL_BOX: "met a full mailbox: `sportello notices retry`, or "
        "deliver it by other means and record it",
        NoticeStatus.UNKNOWN: "has no receipt after a day: find out what became of it",
    }
)
"""What a letter waits for, by how far it has come."""


class Waiting(NamedTuple):
    """Something that somebody has to do."""

    heading: str
    call: str
    application: str
    """By its protocol number; empty if it is about the whole call."""
    what: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that waits for one officer (*promemoria del giorno*)."""

    login: str
    day: date
    """The civil day in Rome."""
    waiting: tuple[Waiting, ...]


def of(desk: Desk, login: str | None = None) -> Digest:
    """Return what waits for an officer now; without a login, for who is sitting here.

    Raises:
        RefusedError: there is no such officer, or a retired one.
    """
    officer = rosters.found(desk, login)
    return _digest(desk, officer.login, _roles(desk, officer))


def are_due(desk: Desk) -> bool:
    """Tell whether it is morning in Rome, and nobody was written to today."""
    now = desk.ambient.now().astimezone(ROME)
    if now.time() < _MORNING:
        return False
    last = ticks.last(desk, _TICK)
    if last is not None and civil_day(last.at) >= now.date():
        return False
    return bool(_reached(desk))


def write(desk: Desk) -> int:
    """Write to every officer who has an address what waits for them, once a day.

    Nobody is written to for whom nothing waits. Where one digest fails the others
    are written all the same. Tells how many letters are new.

    Raises:
        UnavailableError: one could not be written now. Asked again, nobody is written
            to twice.
    """
    if not are_due(desk):
        return 0
    written, missing = 0, None
    for officer in _reached(desk):
        try:
            found = _digest(desk, officer.login, _roles(desk, officer))
            if found.waiting:
                written += _write(desk, officer, found)
        except UnavailableError as error:
            missing = error
        except SportelloError as error:
            log.warn("digest_failed", officer=str(officer.id), code=error.code)
    if missing is not None:
        raise missing
    ticks.note(desk, _TICK, holder=_TICK, found=written)
    return written


def _roles(desk: Desk, officer: rosters.OfficerView) -> frozenset[Role]:
    """Return in which roles somebody acts today, also on behalf of others."""
    today = civil_day(desk.ambient.now())
    delegated = {
        one.role
        for one in officer.delegations
        if one.first_day <= today <= one.last_day
    }
    return frozenset(delegated.union(officer.roles))


def _reached(desk: Desk) -> list[rosters.OfficerView]:
    return [one for one in rosters.listed(desk) if one.email and not one.retired]


def _write(desk: Desk, officer: rosters.OfficerView, found: Digest) -> bool:
    subject, body = as_mail(found)
    with transaction(desk.engine) as session:
        return memos.write(
            session,
            desk,
            MemoKind.DIGEST,
            cause=f"digest {found.day.isoformat()} {officer.id}",
            recipient=officer.email or "",
            subject=subject,
            body=body,
        )


def as_mail(found: Digest) -> tuple[str, str]:
    """Write a digest as the subject and the text of a mail."""
    count = len(found.waiting)
    subject = f"sportello: {count} thing(s) wait for you, {italian_date(found.day)}"
    lines = []
    for heading, some in groupby(found.waiting, key=lambda one: one.heading):
        named = [one._replace(what=f"{one.application} {one.what}") for one in some]
        lines += ["", heading, ""]
        lines += [f"- {one.call}: {one.what}".strip() for one in named[:_MOST]]
        if len(named) > _MOST:
            lines.append(f"- and {len(named) - _MOST} more: `sportello digest`")
    lines += ["", "`sportello digest` shows what waits now."]
    return subject, "\n".join(lines).lstrip() + "\n"


def _digest(desk: Desk, login: str, roles: frozenset[Role]) -> Digest:
    """Return what waits for whoever holds these roles."""
    found: list[Waiting] = []
    for part in (_missed, _ending, _next, _beside, _parked):
        try:
            found += part(desk, roles)
        except TamperedError as error:  # the rest of the work goes on
            told = _altered(error)
            found += [told] if told not in found else []
    return Digest(login, civil_day(desk.ambient.now()), tuple(found))


def _altered(error: TamperedError, call: str = "") -> Waiting:
    return Waiting("What does not verify", call, "", error.message)


def _missed(desk: Desk, roles: frozenset[Role]) -> Iterator[Waiting]:
    for one in terms.listed(desk, terms.Wanted(missed=True)).terms:
        if one.waits_for in roles:
            what = f"{spoken(one.kind)}: ended at {rome(one.due_at)} (Rome)"
            yield Waiting("Terms that were missed", one.call, one.name, what)


def _ending(desk: Desk, roles: frozenset[Role]) -> Iterator[Waiting]:
    last = civil_day(desk.ambient.now()) + SOON
    for one in terms.listed(desk, terms.Wanted(due_by=last)).terms:
        is_missed = one.waits_for is not None
        if not is_missed and roles & _OFFICE.get(one.kind, frozenset()):
            what = f"{spoken(one.kind)}: ends at {rome(one.due_at)} (Rome)"
            yield Waiting("Terms of the office", one.call, one.name, what)


def _next(desk: Desk, roles: frozenset[Role]) -> Iterator[Waiting]:
    """Tell who is next in each queue."""
    if not roles & {Role.OFFICER, Role.MANAGER}:
        return
    with reading(desk.engine) as session:
        codes = session.exec(
            select(Call.code)
            .where(col(Call.state).not_in(_ENDED))
            .where(col(Call.filed) > 0)
            .order_by(col(Call.code))
        ).all()
    for code in codes:
        try:
            seen = queue(desk, code)
        except TamperedError as error:  # the other calls go on
            yield _altered(error, code)
            continue
        items = seen.items
        if Role.MANAGER in roles:
            for award in seen.moves_down[:1]:
                free = format_money(seen.residual)
                more = format_money(award.more)
                what = f"would get {more} of {free} that is free: `sportello call fund`"
                name = award.candidate.protocol
                yield Waiting("Money for the ranking", code, name, what)
        if Role.OFFICER in roles:
            for one in [one for one in items if one.may_review][:1]:
                yield Waiting("Next in turn", code, one.protocol, "may be reviewed")
        if Role.MANAGER in roles:
            for one in [one for one in items if one.may_grant][:1]:
                yield Waiting("Next in turn", code, one.protocol, "may be granted")
            yield from _by_act(code, items)


_BY_ACT = {
    RANK_IT: "waits for the ranking: `sportello call rank`",
    RAISE_IT: "was given more, which may be granted: `advance APP raise_grant`",
    LIST_IT: "was found worthy of the list: `sportello call update-list`",
}


def _by_act(code: str, items: Iterable[QueueItem]) -> Iterator[Waiting]:
    """Tell what only an act of the manager brings further; all are ranked at once."""
    is_ready = all(
        one.next_step in EXAMINED or one.state not in QUEUED_STATES for one in items
    )
    for step, what in _BY_ACT.items():
        names = [one.protocol for one in items if one.next_step == step]
        if names and (is_ready or step != RANK_IT):
            more = f" (and {len(names) - 1} more)" if names[1:] else ""
            yield Waiting("Acts to make", code, names[0], f"{what}{more}")


def _beside(desk: Desk, roles: frozenset[Role]) -> Iterator[Waiting]:
    """Tell of steps that wait for a decision, and of letters."""
    with reading(desk.engine) as session:
        if roles & {Role.OFFICER, Role.RESPONSIBLE}:
            yield from _reviews(session)
        if Role.RESPONSIBLE in roles:
            yield from _answers(session)
            yield from _letters(session)
        if Role.MANAGER in roles:
            yield from _proposals(session)


def _steps(session: Session) -> list[tuple[Step, Application, str]]:
    query = (
        select(Step, Application, Call.code)
        .join(Application, col(Application.id) == col(Step.application_id))
        .join(Call, col(Call.id) == col(Application.call_id))
        .where(col(Step.status) != StepStatus.CLOSED)
        .where(col(Application.state).not_in(NOT_ACTIVE))
        .order_by(col(Step.opened_at), col(Step.id))
    )
    return list(session.exec(query).all())


def _reviews(session: Session) -> Iterator[Waiting]:
    for step, application, code in _steps(session):
        if step.kind is StepKind.REVIEW and not application.waits_for_applicant:
            name = lookups.named(application)
            what = "its formal check is under way"
            yield Waiting("Reviews to close", code, name, what)


def _answers(session: Session) -> Iterator[Waiting]:
    for step, application, code in _steps(session):
        if step.status is StepStatus.ANSWERED and step.kind != StepKind.LAPSE_PROPOSAL:
            name = lookups.named(application)
            what = f"{spoken(step.kind)}: the applicant has answered"
            yield Waiting("Answers to decide on", code, name, what)


_PROPOSED = {
    StepKind.LAPSE_PROPOSAL: "a lapse was proposed: declare it, or dismiss it",
    StepKind.REVOCATION_PROPOSAL: "a revocation was proposed: adopt it, or leave it",
    StepKind.REMOVAL_REQUEST: "it asks to leave the list: `sportello call update-list`",
}


def _proposals(session: Session) -> Iterator[Waiting]:
    for step, application, code in _steps(session):
        if what := _PROPOSED.get(step.kind):
            name = lookups.named(application)
            yield Waiting("Proposals to decide on", code, name, what)


def _letters(session: Session) -> Iterator[Waiting]:
    query = (
        select(Notice, Application, Call.code)
        .join(Application, col(Application.id) == col(Notice.application_id))
        .join(Call, col(Call.id) == col(Notice.call_id))
        .where(col(Notice.status).in_(list(_LETTERS)))
        .order_by(col(Notice.created_at), col(Notice.id))
    )
    for notice, application, code in session.exec(query).all():
        what = f"{spoken(notice.letter)} {_LETTERS[notice.status]}"
        yield Waiting("Letters", code, lookups.named(application), what)


def _parked(desk: Desk, roles: frozenset[Role]) -> Iterator[Waiting]:
    count = terms.parked(desk) if Role.ADMINISTRATOR in roles else 0
    if count:
        what = f"{count} put aside: see `sportello terms --parked`"
        yield Waiting("What workers failed on", "", "", what)
