"""What do the files, a case file and the queue look like to people?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.session import reading
from models.tables import (
    Applicant,
    Application,
    Call,
    Movement,
    Notice,
    Officer,
    RegisterEntry,
    Step,
    Term,
)
from models.vocabulary import ApplicationState, Event, MemberKind, Role
from workflow.desk import Desk
from workflow.facts import Facts, Verdict
from workflow.machine import Move
from workflow.moves.families import TABLES
from workflow.services import (
    case_files,
    deeds,
    erasures,
    histories,
    lookups,
    partnerships,
)
from workflow.services.queues import QueueItem, QueueView, queue

__all__ = [
    "ApplicationView",
    "CaseView",
    "EventView",
    "PartnerView",
    "QueueItem",
    "QueueView",
    "events",
    "listed",
    "queue",
    "shown",
]


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """One line of the list of files; money in cents."""

    id: str
    call: str
    protocol: str | None
    portal_id: str
    applicant: str
    """Their name; once it is erased, under which act that was."""
    erased_under: str | None
    state: ApplicationState
    version: int
    received_at: datetime | None
    requested: int
    reserved: int
    granted: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PartnerView:
    """One of those who apply together with the applicant."""

    id: str
    """By which the register refers to it."""
    name: str
    """Once it is erased, under which act that was."""
    kind: MemberKind


@dataclass(frozen=True, slots=True)
class CaseView:
    """A whole case file (*fascicolo*)."""

    summary: ApplicationView
    lead_kind: MemberKind | None
    partners: tuple[PartnerView, ...]
    channel: str
    call_version: int
    investment: int
    admitted_investment: int | None
    plan_investment: int | None
    matured: int
    score: int | None
    rank: int | None
    cor: str | None
    cup: str | None
    published_on: str | None
    published_in: str | None
    started_on: str | None
    steps: tuple[Step, ...]
    terms: tuple[Term, ...]
    movements: tuple[Movement, ...]
    notices: tuple[Notice, ...]
    history: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class EventView:
    """An event of the machine, seen from one application."""

    event: Event
    role: Role
    allowed: bool
    missing: tuple[str, ...]
    needs: tuple[str, ...]
    may: tuple[str, ...]
    """What may be stated beside that."""
    help: str
    target: ApplicationState | None
    also: tuple[Role, ...] = ()
    """Other roles in which it may be made."""
    not_by: tuple[str, ...] = ()
    """Who proposed it, and so leaves it to another."""


def listed(
    desk: Desk, *, call: str | None = None, state: ApplicationState | None = None
) -> tuple[ApplicationView, ...]:
    """Return the files, by call and order of arrival; drafts last.

    Raises:
        RefusedError: there is no such call.
    """
    with reading(desk.engine) as session:
        erased = erasures.erased_under(session)
        query = (
            select(Application, Call, Applicant)
            .join(Call, col(Call.id) == col(Application.call_id))
            .join(Applicant, col(Applicant.id) == col(Application.applicant_id))
            .order_by(
                col(Call.code),
                col(Application.received_at).is_(None),
                col(Application.received_at),
                col(Application.protocol_year),
                col(Application.protocol_number),
                col(Application.id),
            )
        )
        if call is not None:
            query = query.where(
                Application.call_id == lookups.find_call(session, call).id
            )
        if state is not None:
            query = query.where(Application.state == state)
        return tuple(
            _summary(application, its_call, applicant, erased)
            for application, its_call, applicant in session.exec(query)
        )


def shown(desk: Desk, name: str) -> CaseView:
    """Return one case file with everything in it.

    Raises:
        RefusedError: there is no such application.
    """
    with reading(desk.engine) as session:
        application = lookups.find_application(session, name)
        call = session.get_one(Call, application.call_id)
        applicant = session.get_one(Applicant, application.applicant_id)
        history = _history(session, application)
        summary = _summary(application, call, applicant, erasures.erased_under(session))
        return CaseView(
            summary=summary,
            lead_kind=application.lead_kind,
            partners=_partners(session, application, summary.erased_under),
            channel=application.channel.value,
            call_version=application.call_version,
            investment=application.investment,
            admitted_investment=application.admitted_investment,
            plan_investment=application.plan_investment,
            matured=application.matured,
            score=application.score,
            rank=application.rank,
            cor=application.cor,
            cup=application.cup,
            published_on=_day(application.published_on),
            published_in=_published_in(history),
            started_on=_day(application.started_on),
            steps=_rows(session, Step, application, col(Step.opened_at)),
            terms=_rows(session, Term, application, col(Term.due_at)),
            movements=_rows(session, Movement, application, col(Movement.entry_seq)),
            notices=_rows(session, Notice, application, col(Notice.entry_seq)),
            history=history,
        )


def events(desk: Desk, name: str) -> tuple[ApplicationView, tuple[EventView, ...]]:
    """Return what can be done now with an application, and what the rest lacks.

    Raises:
        RefusedError: there is no such application.
    """
    with reading(desk.engine) as session:
        application = lookups.find_application(session, name)
        call = session.get_one(Call, application.call_id)
        case = case_files.read(session, application)
        people = deeds.of(session, TABLES[call.family], application)
        facts = case_files.collect(
            session, call, case, now=desk.ambient.now(), people=people
        )
        moves = [
            move
            for move in TABLES[call.family].possible(application.state, facts)
            if move.by_hand
        ]
        return (
            _summary(application, call, case.applicant, erasures.erased_under(session)),
            tuple(
                _event(
                    move,
                    facts,
                    _proposers(session, move, facts),
                    erasures.is_open(call),
                )
                for move in moves
            ),
        )


def _proposers(session: Session, move: Move, facts: Facts) -> tuple[str, ...]:
    """Return the logins of those who proposed what is for another to decide."""
    if move.decides not in facts.call.duties.separate:
        return ()
    deeds_of = [deed for deed in facts.people.deeds if deed.event in move.proposed_by]
    who = {one for deed in deeds_of for one in (deed.by, deed.behalf) if one}
    rows = session.exec(select(Officer.login).where(col(Officer.id).in_(who)))
    return tuple(sorted(rows))


def _event(
    move: Move, facts: Facts, not_by: tuple[str, ...], is_open: Verdict
) -> EventView:
    missing = [verdict.message for verdict in move.standing(facts)]
    if not is_open:
        missing = [is_open.message]
    fields = {
        f"--{name.replace('_', '-')}": field.is_required()
        for name, field in move.inputs.model_fields.items()
    }
    needs = [flag for flag, is_required in fields.items() if is_required]
    needs += ["--act"] if move.act else []
    needs += ["--reason"] if move.reason else []
    return EventView(
        event=move.event,
        role=move.role,
        also=move.also,
        not_by=not_by,
        allowed=not missing,
        missing=tuple(missing),
        needs=tuple(needs),
        may=tuple(flag for flag, is_required in fields.items() if not is_required),
        help=move.help,
        target=move.target,
    )


def _partners(
    session: Session, application: Application, erased_under: str | None
) -> tuple[PartnerView, ...]:
    act = erased_under
    return tuple(
        PartnerView(
            id=str(one.applicant.id),
            name=one.applicant.name if act is None else erasures.told(act),
            kind=one.kind,
        )
        for one in partnerships.partners_of(session, application.id)
    )


def _rows(session: Session, table: Any, application: Application, by: Any) -> Any:  # noqa: ANN401 - any table of the file
    query = select(table).where(table.application_id == application.id).order_by(by)
    return tuple(session.exec(query))


def _history(session: Session, application: Application) -> tuple[dict[str, Any], ...]:
    rows = session.exec(
        select(RegisterEntry.seq, RegisterEntry.body)
        .where(RegisterEntry.call_id == application.call_id)
        .where(RegisterEntry.application_id == application.id)
        .order_by(col(RegisterEntry.seq))
    )
    return tuple(histories.content(seq, body) for seq, body in rows)


def _published_in(history: tuple[dict[str, Any], ...]) -> str | None:
    """Return where the grant was published: only the register keeps it."""
    for entry in reversed(history):
        if entry["event"] == Event.RECORD_PUBLICATION and entry["to"]:
            return str(entry["inputs"]["reference"])
    return None


def _summary(
    application: Application,
    call: Call,
    applicant: Applicant,
    erased: Mapping[UUID, str],
) -> ApplicationView:
    act = erased.get(call.id)
    return ApplicationView(
        id=str(application.id),
        call=call.code,
        protocol=lookups.protocol(application),
        portal_id=application.portal_id,
        applicant=applicant.name if act is None else erasures.told(act),
        erased_under=act,
        state=application.state,
        version=application.version,
        received_at=application.received_at,
        requested=application.requested,
        reserved=application.reserved,
        granted=application.granted,
        changed_at=application.changed_at,
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
