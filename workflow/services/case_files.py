"""What is in the case file (*fascicolo*) of an application right now?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy
from sqlalchemy import BindParameter, Select, Tuple, bindparam, or_, text, tuple_
from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.batch import Batch
from models.tables import (
    HOLDS_A_PLACE,
    LACKS_MONEY,
    Applicant,
    Application,
    Call,
    CallVersion,
    Document,
    Notice,
    Opening,
    Step,
    Term,
)
from models.vocabulary import (
    NOT_ACTIVE,
    QUEUED_STATES,
    ApplicationState,
    Cents,
    Channel,
    OrderPolicy,
)
from workflow import facts
from workflow.facts import (
    ActFacts,
    ApplicantFacts,
    ApplicationFacts,
    CounterFacts,
    Facts,
    MoneyFacts,
    NoticeRecord,
    OrderKey,
    Place,
    StepRecord,
)
from workflow.rules import counter, strategies
from workflow.rules.calendar import civil_day
from workflow.services import (
    lookups,
    memberships,
    partnerships,
    suspensions,
    undertakings,
)
from workflow.services.lookups import named

NOBODY = facts.PeopleFacts()
_Row = TypeVar("_Row", Step, Term, Notice)
_COLUMNS = Application.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_ORDER = (_COLUMNS.received_at, _COLUMNS.protocol_year, _COLUMNS.protocol_number)
_COLUMNS_OF_PLACE = (
    _COLUMNS.id,
    *_ORDER,
    _COLUMNS.portal_id,
    _COLUMNS.state,
    _COLUMNS.requested,
    _COLUMNS.reserved,
    _COLUMNS.review_started,
    _COLUMNS.waits_for_applicant,
    _COLUMNS.score,
    _COLUMNS.accepts_less,
    _COLUMNS.rank,
    _COLUMNS.granted,
    _COLUMNS.asked,
)
_RANKED = (
    sqlalchemy.select(*_COLUMNS_OF_PLACE)
    .where(_COLUMNS.call_id == bindparam("call"))
    .where(_COLUMNS.channel == bindparam("channel"))
    .where(or_(text(HOLDS_A_PLACE), _COLUMNS.rank.is_not(None)))
    .order_by(*_ORDER)
)

# Made once: to make a statement takes longer than to send it.
_OF_FILE: BindParameter[Any] = bindparam("application")
_DOCUMENTS = select(Document.kind).where(col(Document.application_id) == _OF_FILE)
_STEPS = (
    select(Step)
    .where(col(Step.application_id) == _OF_FILE)
    .order_by(col(Step.kind), col(Step.ordinal))
)
_TERMS = (
    select(Term)
    .where(col(Term.application_id) == _OF_FILE)
    .order_by(col(Term.kind), col(Term.ordinal))
)
_NOTICES = (
    select(Notice)
    .where(col(Notice.application_id) == _OF_FILE)
    .order_by(col(Notice.entry_seq))
)
_OPENINGS = (
    select(Opening)
    .where(col(Opening.call_id) == bindparam("call"))
    .order_by(col(Opening.ordinal))
)
_OTHER_ACTIVE = (
    select(
        Application.protocol_year,
        Application.protocol_number,
        Application.portal_id,
    )
    .where(col(Application.call_id) == bindparam("call"))
    .where(col(Application.applicant_id) == bindparam("applicant"))
    .where(col(Application.id) != _OF_FILE)
    .where(col(Application.state).not_in(NOT_ACTIVE))
)


@dataclass(frozen=True)
class CaseFile:
    """The rows of one application, read once for a move."""

    application: Application
    applicant: Applicant
    rules: CallDefinition
    fingerprint: str
    documents: frozenset[str] = frozenset()
    steps: list[Step] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    partners: tuple[partnerships.Joined, ...] = ()
    """Of a line that is taken in; of a file they are read where they matter."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What comes with a command beside its inputs."""

    act: ActFacts | None = None
    reason: str | None = None
    by: facts.Hands | None = None


def read(session: Session, application: Application) -> CaseFile:
    """Read everything that stands in the file of an application."""
    version = session.get_one(
        CallVersion, (application.call_id, application.call_version)
    )
    mine = {"application": application.id}
    return CaseFile(
        application=application,
        applicant=session.get_one(Applicant, application.applicant_id),
        rules=lookups.rules_of(session, application.call_id, application.call_version),
        fingerprint=version.fingerprint,
        documents=frozenset(session.exec(_DOCUMENTS, params=mine)),
        steps=list(session.exec(_STEPS, params=mine)),
        terms=list(session.exec(_TERMS, params=mine)),
        notices=list(session.exec(_NOTICES, params=mine)),
    )


def read_many(
    session: Session, batch: Batch, applications: Sequence[UUID]
) -> dict[UUID, CaseFile]:
    """Read many files of one locked call at once, and lock them.

    As `read` does each, but for the documents that were filed. What is changed in
    them is written with the batch.
    """
    rows = batch.read(Application, col(Application.id).in_(applications))
    who = {row.applicant_id for row in rows}
    applicants = {
        applicant.id: applicant
        for applicant in session.exec(
            select(Applicant).where(col(Applicant.id).in_(who))
        )
    }
    versions = {(row.call_id, row.call_version) for row in rows}
    rules = {known: lookups.rules_of(session, *known) for known in versions}
    steps = _grouped(batch, Step, applications)
    terms = _grouped(batch, Term, applications)
    notices = _grouped(batch, Notice, applications)
    return {
        row.id: CaseFile(
            application=row,
            applicant=applicants[row.applicant_id],
            rules=rules[row.call_id, row.call_version],
            fingerprint=session.get_one(
                CallVersion, (row.call_id, row.call_version)
            ).fingerprint,
            steps=sorted(steps[row.id], key=lambda one: (one.kind, one.ordinal)),
            terms=sorted(terms[row.id], key=lambda one: (one.kind, one.ordinal)),
            notices=sorted(notices[row.id], key=lambda one: one.entry_seq),
        )
        for row in rows
    }


def _grouped(
    batch: Batch, table: type[_Row], applications: Sequence[UUID]
) -> dict[UUID, list[_Row]]:
    found: dict[UUID, list[_Row]] = defaultdict(list)
    for row in batch.read(table, col(table.application_id).in_(applications)):
        found[row.application_id].append(row)
    return found


def alone(
    call: Call, case: CaseFile, counter_facts: CounterFacts, *, now: datetime
) -> Facts:
    """Gather what a move of a worker looks at that concerns one file alone."""
    stated = Stated(by=facts.BY_WORKER)
    return replace(
        _facts(call, case, counter_facts, now=now, stated=stated), alone=True
    )


def collect(  # noqa: PLR0913 - what is there, and what was read already
    session: Session,
    call: Call,
    case: CaseFile,
    *,
    now: datetime,
    stated: Stated = Stated(),
    queued: Sequence[Place] | None = None,
    people: facts.PeopleFacts = NOBODY,
    reckons: bool = True,
) -> Facts:
    """Gather all that a guard may look at; the call must be locked to decide on it.

    *queued* is everyone who holds a place, for who has read them already; *people*
    what was done by whom, where that matters. Who *reckons* the aid has to know what
    was given before.
    """
    application = case.application
    earlier, claims = _before(session, call, case, queued)
    files = application.state is ApplicationState.DRAFT
    return replace(
        _facts(call, case, counter_of(session, call), now=now, stated=stated),
        applicant=ApplicantFacts(
            recognised=is_recognised(case.rules, case.applicant.tax_code),
            other_active=_other_active(session, application) if files else None,
        ),
        earlier=earlier,
        claims=claims,
        later_waiting=_later_waiting(session, call, case, queued),
        aids=(
            undertakings.aids(session, application, case.applicant) if reckons else None
        ),
        partnership=partnerships.of_file(
            session, case.rules, application, case.applicant
        ),
        people=people,
        lists=memberships.answers(
            session, call, case.rules, applicant=case.applicant.id, now=now
        ),
    )


def _facts(
    call: Call,
    case: CaseFile,
    counter_facts: CounterFacts,
    *,
    now: datetime,
    stated: Stated,
) -> Facts:
    return Facts(
        now=now,
        today=civil_day(now),
        call=case.rules,
        application=about(case, order_key(case.application)),
        applicant=ApplicantFacts(
            recognised=is_recognised(case.rules, case.applicant.tax_code),
            other_active=None,
        ),
        money=money_of(call),
        counter=counter_facts,
        steps=tuple(
            StepRecord(
                row.kind,
                row.ordinal,
                row.status,
                row.outcome,
                row.subject,
                civil_day(row.closed_at) if row.closed_at else None,
            )
            for row in case.steps
        ),
        terms=tuple(suspensions.record(row) for row in case.terms),
        notices=tuple(
            NoticeRecord(
                row.letter, row.created_at, row.delivered_at, row.id, row.status
            )
            for row in case.notices
        ),
        act=stated.act,
        reason=stated.reason,
        by=stated.by,
        aids=None,
    )


def _before(
    session: Session, call: Call, case: CaseFile, queued: Sequence[Place] | None
) -> tuple[tuple[Place, ...], tuple[Place, ...] | None]:
    """Return who is taken up before a file, and who has money before it.

    Under the exact instant they are the same, and the database finds them.
    """
    key = order_key(case.application)
    if key is None or case.application.state not in QUEUED_STATES:
        return (), None
    channel, policy = case.rules.filing.channel, case.rules.counter.order
    if policy is OrderPolicy.RANKING:
        return (), None  # nobody comes before anybody
    if policy is OrderPolicy.EXACT_INSTANT:
        if queued is not None:
            return tuple(place for place in queued if place.key < key), None
        return earlier(session, call.id, channel, key), None
    places = queue(session, call.id, channel) if queued is None else queued
    mine = place_of(case.application)
    return (
        strategies.earlier_in_turn(policy, mine, places),
        strategies.claims_before(policy, mine, places),
    )


def _later_waiting(
    session: Session, call: Call, case: CaseFile, queued: Sequence[Place] | None
) -> Place | None:
    """Return who waits for money next after a file that is on the waiting list."""
    key = order_key(case.application)
    if key is None or case.application.state is not ApplicationState.WAITING:
        return None
    channel, policy = case.rules.filing.channel, case.rules.counter.order
    if policy is OrderPolicy.RANKING:
        return None
    if policy is OrderPolicy.EXACT_INSTANT and queued is None:
        return first_without_money(session, call.id, channel, after=key)
    places = strategies.in_order(
        policy, queue(session, call.id, channel) if queued is None else queued
    )
    mine = places.index(place_of(case.application))
    return counter.first_without_money(places[mine + 1 :])


def is_recognised(rules: CallDefinition, tax_code: str | None) -> bool:
    """Tell whether somebody is on the call's list of who may apply, if it has one."""
    if not rules.beneficiaries:
        return True
    return any(tax_code == listed.tax_code for listed in rules.beneficiaries)


def money_of(call: Call) -> MoneyFacts:
    """Return the money of a call as rules read it."""
    return MoneyFacts(
        Cents(call.allocation),
        Cents(call.reserved),
        Cents(call.granted),
        Cents(call.waiting),
    )


def counter_of(session: Session, call: Call) -> CounterFacts:
    """Return how the counter of a call stands, and when it was open."""
    rows = session.exec(_OPENINGS, params={"call": call.id})
    return CounterFacts(
        call.state,
        tuple(facts.Opening(row.opened_at, row.ended_at) for row in rows),
        call.suspended_for,
        call.reopens_at,
        lookups.rules_of(session, call.id, call.version).window.closes_at,
    )


def order_key(application: Any) -> OrderKey | None:  # noqa: ANN401 - or its columns
    """Return the frozen place in the order; a draft has none."""
    if (
        application.received_at is None
        or application.protocol_year is None
        or application.protocol_number is None
    ):
        return None
    return OrderKey(
        application.received_at, application.protocol_year, application.protocol_number
    )


def queue(session: Session, call_id: UUID, channel: Channel) -> tuple[Place, ...]:
    """Return everyone who still holds a place, by instant of arrival."""
    return _places(session, call_id, channel)


def ranked(session: Session, call_id: UUID, channel: Channel) -> tuple[Place, ...]:
    """Return everyone who holds a place, or has one in a ranking, ended or not."""
    rows = session.execute(_RANKED, {"call": call_id, "channel": channel})
    return tuple(place_of(row) for row in rows)


def earlier(
    session: Session, call_id: UUID, channel: Channel, key: OrderKey
) -> tuple[Place, ...]:
    """Return who still holds a place before a key, by instant of arrival."""
    return _places(session, call_id, channel, before=key)


def first_without_money(
    session: Session,
    call_id: UUID,
    channel: Channel,
    before: OrderKey | None = None,
    after: OrderKey | None = None,
) -> Place | None:
    """Return the first of those who hold a place and have no money."""
    found = _places(
        session,
        call_id,
        channel,
        before=before,
        after=after,
        only_first_without_money=True,
    )
    return found[0] if found else None


def _places(  # noqa: PLR0913 - which of the places are wanted
    session: Session,
    call_id: UUID,
    channel: Channel,
    *,
    before: OrderKey | None = None,
    after: OrderKey | None = None,
    only_first_without_money: bool = False,
) -> tuple[Place, ...]:
    query = _places_query(
        ends=before is not None,
        begins=after is not None,
        only_first_without_money=only_first_without_money,
    )
    values = {"call": call_id, "channel": channel}
    rows = session.execute(
        query, {**values, **_bound("before", before), **_bound("after", after)}
    )
    return tuple(place_of(row) for row in rows)


def _bound(side: str, key: OrderKey | None) -> dict[str, Any]:
    if key is None:
        return {}
    return {f"{side}_{name}": value for name, value in asdict(key).items()}


@cache
def _places_query(
    *, ends: bool, begins: bool, only_first_without_money: bool
) -> Select[Any]:
    # What came by another channel is protocolled and will be declared not
    # receivable: it holds up nobody. Columns and not rows: the queue is long.
    query = (
        sqlalchemy.select(*_COLUMNS_OF_PLACE)
        .where(_COLUMNS.call_id == bindparam("call"))
        .where(text(HOLDS_A_PLACE))
        .where(_COLUMNS.channel == bindparam("channel"))
        .order_by(*_ORDER)
    )
    if ends:
        query = query.where(tuple_(*_ORDER) < _bound_key("before"))
    if begins:
        query = query.where(tuple_(*_ORDER) > _bound_key("after"))
    if only_first_without_money:
        query = query.where(text(LACKS_MONEY)).limit(1)
    return query


def _bound_key(side: str) -> Tuple:
    return tuple_(
        *(bindparam(f"{side}_{column.name}", type_=column.type) for column in _ORDER)
    )


def place_of(row: Any) -> Place:  # noqa: ANN401 - an application, or its columns
    """Return the place of a filed application in the order."""
    key = order_key(row)
    if key is None:
        message = f"application {row.id} is queued without a place"
        raise AssertionError(message)
    return Place(
        application=row.id,
        protocol=named(row),
        key=key,
        state=row.state,
        requested=row.requested,
        reserved=row.reserved,
        review_started=row.review_started,
        waits_for_applicant=row.waits_for_applicant,
        score=row.score,
        accepts_less=row.accepts_less,
        rank=row.rank,
        granted=row.granted,
        asked=row.asked,
    )


def about(case: CaseFile, key: OrderKey | None) -> ApplicationFacts:
    """Return what rules ask of the application itself."""
    row = case.application
    return ApplicationFacts(
        state=row.state,
        channel=row.channel,
        received_at=key.received_at if key else row.received_at,
        key=key,
        requested=Cents(row.requested),
        investment=Cents(row.investment),
        reserved=Cents(row.reserved),
        granted=Cents(row.granted),
        review_started=row.review_started,
        waits_for_applicant=row.waits_for_applicant,
        score=row.score,
        admitted_investment=_cents(row.admitted_investment),
        plan_investment=_cents(row.plan_investment),
        matured=Cents(row.matured),
        cor=row.cor,
        cup=row.cup,
        published_on=row.published_on,
        started_on=row.started_on,
        documents=case.documents,
        accepts_less=row.accepts_less,
        asked=_cents(row.asked),
        rank=row.rank,
    )


def _cents(amount: int | None) -> Cents | None:
    return None if amount is None else Cents(amount)


def _other_active(session: Session, row: Application) -> str | None:
    about = {
        "call": row.call_id,
        "applicant": row.applicant_id,
        "application": row.id,
    }
    other = session.exec(_OTHER_ACTIVE, params=about).first()
    return named(other) if other else None
