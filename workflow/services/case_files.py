"""What is in the case file (*fascicolo*) of an application right now?"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, text, tuple_
from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.tables import (
    HOLDS_A_PLACE,
    Aid,
    Applicant,
    Application,
    Call,
    Document,
    Notice,
    Step,
    Term,
)
from models.vocabulary import (
    NOT_ACTIVE,
    QUEUED_STATES,
    ApplicationState,
    Cents,
    Channel,
    Role,
)
from workflow.facts import (
    ActFacts,
    ApplicantFacts,
    ApplicationFacts,
    Facts,
    MoneyFacts,
    NoticeRecord,
    OrderKey,
    Place,
    PriorAid,
    StepRecord,
    TermRecord,
)
from workflow.rules.calendar import civil_day
from workflow.services.lookups import named

_ORDER = (
    col(Application.received_at),
    col(Application.protocol_year),
    col(Application.protocol_number),
)


def collect(  # noqa: PLR0913 - what a decision stands on has this many sides
    session: Session,
    call: Call,
    rules: CallDefinition,
    application: Application,
    *,
    now: datetime,
    act: ActFacts | None = None,
    reason: str | None = None,
    role: Role | None = None,
    key: OrderKey | None = None,
) -> Facts:
    """Read everything a guard may look at; the call must be locked to decide on it."""
    key = key or order_key(application)
    holds_place = (
        application.state in QUEUED_STATES
        or application.state == ApplicationState.DRAFT
    )
    return Facts(
        now=now,
        today=civil_day(now),
        call=rules,
        application=_application(session, application, key),
        applicant=_applicant(session, rules, application),
        money=money_of(call),
        earlier=(
            earlier(session, call.id, rules.filing.channel, key)
            if key and holds_place
            else ()
        ),
        steps=_steps(session, application.id),
        terms=_terms(session, application.id),
        notices=_notices(session, application.id),
        aids=_aids(session, application),
        act=act,
        reason=reason,
        role=role,
    )


def money_of(call: Call) -> MoneyFacts:
    """Return the money of a call as rules read it."""
    return MoneyFacts(Cents(call.allocation), Cents(call.reserved), Cents(call.granted))


def order_key(application: Application) -> OrderKey | None:
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
    """Return everyone who still holds a place, in the order of arrival."""
    return _places(session, call_id, channel, None)


def earlier(
    session: Session, call_id: UUID, channel: Channel, key: OrderKey
) -> tuple[Place, ...]:
    """Return who still holds a place before a key, in the order of arrival."""
    return _places(session, call_id, channel, key)


def _places(
    session: Session, call_id: UUID, channel: Channel, before: OrderKey | None
) -> tuple[Place, ...]:
    # What came by another channel is protocolled and will be declared not
    # receivable: it holds up nobody.
    query = (
        select(Application)
        .where(Application.call_id == call_id)
        .where(text(HOLDS_A_PLACE))
        .where(Application.channel == channel)
        .order_by(*_ORDER)
    )
    if before is not None:
        columns = Application.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
        query = query.where(
            tuple_(columns.received_at, columns.protocol_year, columns.protocol_number)
            < tuple_(*_bound(before))
        )
    return tuple(_place(row) for row in session.exec(query))


def _bound(key: OrderKey) -> tuple[object, ...]:
    columns = Application.__table__.c  # type: ignore[attr-defined]
    return (
        literal(key.received_at, columns.received_at.type),
        literal(key.protocol_year, columns.protocol_year.type),
        literal(key.protocol_number, columns.protocol_number.type),
    )


def _place(row: Application) -> Place:
    key = order_key(row)
    if key is None:
        message = f"application {row.id} is queued without a place"
        raise AssertionError(message)
    return Place(
        application=row.id,
        protocol=named(row),
        key=key,
        state=row.state,
        requested=Cents(row.requested),
        reserved=Cents(row.reserved),
        review_started=row.review_started,
        waits_for_applicant=row.waits_for_applicant,
        score=row.score,
    )


def _application(
    session: Session, row: Application, key: OrderKey | None
) -> ApplicationFacts:
    kinds = session.exec(
        select(Document.kind).where(Document.application_id == row.id)
    ).all()
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
        admitted_investment=(
            None if row.admitted_investment is None else Cents(row.admitted_investment)
        ),
        plan_investment=(
            None if row.plan_investment is None else Cents(row.plan_investment)
        ),
        matured=Cents(row.matured),
        cor=row.cor,
        cup=row.cup,
        published_on=row.published_on,
        started_on=row.started_on,
        documents=frozenset(kinds),
    )


def _applicant(
    session: Session, rules: CallDefinition, row: Application
) -> ApplicantFacts:
    applicant = session.get_one(Applicant, row.applicant_id)
    listed = {beneficiary.tax_code for beneficiary in rules.beneficiaries}
    other = session.exec(
        select(Application)
        .where(Application.call_id == row.call_id)
        .where(Application.applicant_id == row.applicant_id)
        .where(Application.id != row.id)
        .where(col(Application.state).not_in(NOT_ACTIVE))
    ).first()
    return ApplicantFacts(
        recognised=not listed or applicant.tax_code in listed,
        other_active=named(other) if other else None,
    )


def _steps(session: Session, application: UUID) -> tuple[StepRecord, ...]:
    rows = session.exec(
        select(Step)
        .where(Step.application_id == application)
        .order_by(col(Step.kind), col(Step.ordinal))
    )
    return tuple(
        StepRecord(
            row.kind,
            row.ordinal,
            row.status,
            row.outcome,
            row.subject,
            civil_day(row.closed_at) if row.closed_at else None,
        )
        for row in rows
    )


def _terms(session: Session, application: UUID) -> tuple[TermRecord, ...]:
    rows = session.exec(
        select(Term)
        .where(Term.application_id == application)
        .order_by(col(Term.kind), col(Term.ordinal))
    )
    return tuple(
        TermRecord(row.kind, row.ordinal, row.status, row.starts_on, row.due_at)
        for row in rows
    )


def _notices(session: Session, application: UUID) -> tuple[NoticeRecord, ...]:
    rows = session.exec(
        select(Notice)
        .where(Notice.application_id == application)
        .order_by(col(Notice.entry_seq))
    )
    return tuple(
        NoticeRecord(row.letter, row.created_at, row.delivered_at) for row in rows
    )


def _aids(session: Session, application: Application) -> tuple[PriorAid, ...]:
    """Return the aids declared, and those that this administration gave itself.

    A grant of ours that the applicant declares too is counted once.
    """
    rows = session.exec(
        select(Aid)
        .where(Aid.application_id == application.id)
        .order_by(col(Aid.granted_on), col(Aid.id))
    )
    declared = [
        PriorAid(row.granted_on, Cents(row.amount), row.grantor) for row in rows
    ]
    known = {(aid.granted_on, aid.amount) for aid in declared}
    ours = session.exec(
        select(Application)
        .where(Application.applicant_id == application.applicant_id)
        .where(Application.id != application.id)
        .where(col(Application.granted) > 0)
        .order_by(col(Application.granted_on), col(Application.id))
    )
    given = [
        PriorAid(row.granted_on, Cents(row.granted), "this administration")
        for row in ours
        if row.granted_on and (row.granted_on, row.granted) not in known
    ]
    return (*declared, *given)
