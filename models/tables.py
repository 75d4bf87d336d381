"""Which rows does the database keep?

Amounts are whole euro cents (`BIGINT`), instants whole UTC microseconds,
words are stored by value. What must never be false is a constraint.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.vocabulary import (
    NOT_ACTIVE,
    QUEUED_STATES,
    ApplicationState,
    CallState,
    Channel,
    Letter,
    ListChange,
    MalfunctionDecision,
    MemberKind,
    MemoKind,
    MovementKind,
    NoticeStatus,
    Outcome,
    ReceiptKind,
    Role,
    StepKind,
    StepStatus,
    SuspensionCause,
    TermKind,
    TermStatus,
)


def _among(column: str, states: frozenset[ApplicationState]) -> str:
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    return f"{column} IN ({listed})"


HOLDS_A_PLACE = _among("state", QUEUED_STATES)
"""Text, not parameters: only so do both databases use the partial index."""

LACKS_MONEY = "reserved < requested"
"""Of those who hold a place: who waits for money."""

IS_AWAITED = "next_check IS NOT NULL"
"""Of the terms: those about which a worker will have to do something."""

IS_MISSED = "status = 'expired' AND settled_at IS NULL"
"""Of the terms: those after whose end somebody still has to act."""

IS_A_PERSON = "actor_id IS NOT NULL"
"""Of the entries: those that an officer caused."""
STANDS = "ended_at IS NULL"
"""Of roles and delegations: those that nobody has ended."""

_IS_OPEN = f"NOT ({_among('state', NOT_ACTIVE)})"


class Installation(SQLModel, table=True):
    """The one row that says what this database is for."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="ck_installation_single"),)

    id: int = Field(default=1, primary_key=True)
    rehearsal: bool
    """Only a rehearsal database obeys a simulated clock."""
    created_at: datetime = Field(sa_type=Instant)
    identity: str | None = Field(default=None, max_length=20)
    """How it has to be established at least who acts; none leaves it open."""


class Officer(SQLModel, table=True):
    """Somebody who may act (*operatore*); never deleted, only retired."""

    __tablename__ = "officers"

    id: UUID = Field(primary_key=True)
    login: str = Field(unique=True, max_length=64)
    name: str = Field(max_length=200)
    email: str | None = Field(default=None, max_length=254)
    """Where the digest of each day goes; none if there is none to send."""
    created_at: datetime = Field(sa_type=Instant)
    retired_at: datetime | None = Field(default=None, sa_type=Instant)


class OfficerRole(SQLModel, table=True):
    """In what capacity an officer may act, from when and until when.

    It is ended, never deleted: who held which role on a day can be asked for ever.
    """

    __tablename__ = "officer_roles"
    __table_args__ = (
        CheckConstraint("ended_at >= since", name="ck_officer_roles_ends"),
        Index(
            "uq_officer_roles_held",
            "officer_id",
            "role",
            unique=True,
            sqlite_where=text(STANDS),
            postgresql_where=text(STANDS),
        ),
    )

    officer_id: UUID = Field(primary_key=True, foreign_key="officers.id")
    role: Role = Field(primary_key=True, sa_type=word(Role, "ck_officer_role"))
    since: datetime = Field(primary_key=True, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Delegation(SQLModel, table=True):
    """A role in which one officer acts on behalf of another (*delega*).

    It works on the civil days from its first to its last; it too is only ended.
    """

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="ck_delegations_days"),
        CheckConstraint("delegator_id <> delegate_id", name="ck_delegations_others"),
        Index("ix_delegations_delegate", "delegate_id", "role"),
    )

    id: UUID = Field(primary_key=True)
    delegator_id: UUID = Field(foreign_key="officers.id")
    delegate_id: UUID = Field(foreign_key="officers.id")
    role: Role = Field(sa_type=word(Role, "ck_delegations_role"))
    first_day: date
    last_day: date
    act_id: UUID = Field(foreign_key="acts.id")
    made_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was taken back before its last day."""


class OfficeEntry(SQLModel, table=True):
    """One entry of the chain in which officers and their roles stand; append-only.

    It is as those of a call are, and anchors seal it with them.
    """

    __tablename__ = "office_entries"
    __table_args__ = (CheckConstraint("seq > 0", name="ck_office_entries_seq"),)

    seq: int = Field(
        primary_key=True,
        sa_type=BigInteger,
        sa_column_kwargs={"autoincrement": False},
    )
    hash: str = Field(max_length=64, unique=True)
    at: datetime = Field(sa_type=Instant)
    body: str = Field(sa_type=Text)


class Act(SQLModel, table=True):
    """A formal act (*provvedimento, decreto*) and who entered it."""

    __tablename__ = "acts"
    __table_args__ = (
        UniqueConstraint("kind", "number", "signed_on", name="uq_acts_identity"),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(max_length=60)
    number: str = Field(max_length=60)
    signed_on: date
    signed_by: UUID = Field(foreign_key="officers.id")
    registered_at: datetime = Field(sa_type=Instant)


class Call(SQLModel, table=True):
    """A call (*bando*): where it stands, its money, the head of its chain.

    Every command of a call locks this row first.
    """

    __tablename__ = "calls"
    __table_args__ = (
        CheckConstraint("reserved >= 0 AND granted >= 0", name="ck_calls_money"),
        CheckConstraint("reserved + granted <= allocation", name="ck_calls_allocation"),
        CheckConstraint("waiting >= 0", name="ck_calls_waiting"),
        CheckConstraint(
            "(state = 'suspended') = (suspended_for IS NOT NULL)",
            name="ck_calls_suspension",
        ),
        CheckConstraint("head_seq >= 0 AND filed >= 0", name="ck_calls_counts"),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(unique=True, max_length=40)
    family: str = Field(max_length=40)
    state: CallState = Field(
        default=CallState.PUBLISHED,
        sa_type=word(CallState, "ck_calls_state"),
        sa_column_kwargs={"server_default": CallState.PUBLISHED.value},
    )
    suspended_for: SuspensionCause | None = Field(
        default=None, sa_type=word(SuspensionCause, "ck_calls_suspended_for")
    )
    reopens_at: datetime | None = Field(default=None, sa_type=Instant)
    """Announced by an act; it opens again by itself then."""
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was closed in fact; when it should close, its rules say."""
    version: int
    """The version in force; a later one may be announced (`CallVersion`)."""
    allocation: int = Field(sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    granted: int = Field(default=0, sa_type=BigInteger)
    waiting: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    """What those ask for who hold a place and have no money, in cents."""
    filed: int = Field(default=0, sa_type=BigInteger)
    """How many applications were protocolled so far."""
    head_seq: int = Field(default=0, sa_type=BigInteger)
    head_hash: str = Field(max_length=64)
    last_instant: datetime = Field(sa_type=Instant)
    """No entry of this call is dated before it, whatever the host's clock says."""
    erased_seq: int | None = Field(default=None, sa_type=BigInteger)
    """The entry of the register under which its personal data was erased."""


class CallVersion(SQLModel, table=True):
    """The rules of a call, frozen under their hash."""

    __tablename__ = "call_versions"

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    number: int = Field(primary_key=True)
    fingerprint: str = Field(max_length=64)
    body: str = Field(sa_type=Text)
    act_id: UUID | None = Field(default=None, foreign_key="acts.id")
    reason: str | None = Field(default=None, sa_type=Text)
    loaded_at: datetime = Field(sa_type=Instant)
    loaded_by: UUID = Field(foreign_key="officers.id")
    effective_at: datetime | None = Field(default=None, sa_type=Instant)
    """From when it is in force; from when it was loaded, if nothing else is said."""


class Opening(SQLModel, table=True):
    """A stretch of time in which a counter takes applications in (*apertura*).

    Its ends are the instants that count by law, whenever a worker noticed them.
    """

    __tablename__ = "openings"
    __table_args__ = (
        CheckConstraint("ended_at >= opened_at", name="ck_openings_ends"),
    )

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    ordinal: int = Field(primary_key=True)
    opened_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Its last instant, still in time; none while it is open."""


class Malfunction(SQLModel, table=True):
    """An interval in which the platform did not work (*disservizio*)."""

    __tablename__ = "malfunctions"
    __table_args__ = (
        CheckConstraint("ended_at >= began_at", name="ck_malfunctions_interval"),
    )

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    ordinal: int = Field(primary_key=True)
    began_at: datetime = Field(sa_type=Instant)
    ended_at: datetime = Field(sa_type=Instant)
    evidence: str = Field(sa_type=Text)
    """What proves it: a reference, never personal data."""
    recorded_at: datetime = Field(sa_type=Instant)
    decision: MalfunctionDecision | None = Field(
        default=None, sa_type=word(MalfunctionDecision, "ck_malfunctions_decision")
    )
    decided_at: datetime | None = Field(default=None, sa_type=Instant)


class Draw(SQLModel, table=True):
    """A public draw (*sorteggio*) among those of one week: anyone can redo it."""

    __tablename__ = "draws"

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    week: str = Field(primary_key=True, max_length=8)
    """The ISO week, such as `2026-W04`."""
    seed: str = Field(max_length=200)
    drawn_at: datetime = Field(sa_type=Instant)


class Ranking(SQLModel, table=True):
    """A version of the ranking (*graduatoria*) of a call, made by one act."""

    __tablename__ = "rankings"

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    version: int = Field(primary_key=True)
    entry_seq: int = Field(sa_type=BigInteger)
    """The entry of the register that holds the whole of it, and its act."""
    seed: str | None = Field(default=None, max_length=200)
    """What was drawn in public, where something is drawn."""
    sha256: str = Field(max_length=64)
    ranked_at: datetime = Field(sa_type=Instant)


class RankedPlace(SQLModel, table=True):
    """A place in a version of a ranking (*posizione*), as it was given."""

    __tablename__ = "ranked_places"
    __table_args__ = (
        ForeignKeyConstraint(
            ["call_id", "version"],
            ["rankings.call_id", "rankings.version"],
            name="fk_ranked_places_ranking",
        ),
        UniqueConstraint(
            "call_id", "version", "application_id", name="uq_ranked_places_application"
        ),
        CheckConstraint("place > 0 AND amount >= 0", name="ck_ranked_places_given"),
    )

    call_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    place: int = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="applications.id")
    score: int | None = None
    amount: int = Field(sa_type=BigInteger)
    """What it was funded with, in cents; what moved afterwards the ledger tells."""


class Fund(SQLModel, table=True):
    """A sum that can be reserved: the allocation, or money set free (*economia*).

    What is reserved takes from the oldest sum first, so that each promotion can
    tell from where its money came, to the cent. What is still free of all of them
    is the residual of the call.
    """

    __tablename__ = "funds"
    __table_args__ = (
        CheckConstraint("free >= 0 AND free <= amount", name="ck_funds_free"),
        Index(
            "ix_funds_free",
            "call_id",
            "entry_seq",
            sqlite_where=text("free > 0"),
            postgresql_where=text("free > 0"),
        ),
    )

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    entry_seq: int = Field(primary_key=True, sa_type=BigInteger)
    """The entry of the register that made the sum available."""
    event: str = Field(max_length=40)
    application_id: UUID | None = Field(default=None, foreign_key="applications.id")
    """Whose money was set free; none for the allocation and its changes."""
    amount: int = Field(sa_type=BigInteger)
    free: int = Field(sa_type=BigInteger)


class Applicant(SQLModel, table=True):
    """Who applies (*richiedente*).

    Names and tax codes stand here only; addresses also on the letters written to
    them. Never in the register, nor in a log. Once they are erased the row stays,
    empty, for the files that refer to it; who comes again is somebody new.
    """

    __tablename__ = "applicants"
    __table_args__ = (
        CheckConstraint(
            "(tax_code IS NULL) = (erased_at IS NOT NULL)", name="ck_applicants_erased"
        ),
    )

    id: UUID = Field(primary_key=True)
    tax_code: str | None = Field(default=None, unique=True, max_length=16)
    """None once it is erased."""
    name: str = Field(max_length=200)
    pec: str = Field(max_length=254)
    salt: str | None = Field(default=None, max_length=32)
    """Of the hash by which the register tells who filed; it is erased with them."""
    erased_at: datetime | None = Field(default=None, sa_type=Instant)


class Application(SQLModel, table=True):
    """One application (*domanda*): where it stands and what it was given."""

    __tablename__ = "applications"
    __table_args__ = (
        ForeignKeyConstraint(
            ["call_id", "call_version"],
            ["call_versions.call_id", "call_versions.number"],
            name="fk_applications_version",
        ),
        UniqueConstraint(
            "protocol_year", "protocol_number", name="uq_applications_protocol"
        ),
        UniqueConstraint("call_id", "filed_seq", name="uq_applications_filed"),
        CheckConstraint(
            "requested >= 0 AND investment >= 0 AND reserved >= 0 AND granted >= 0",
            name="ck_applications_money",
        ),
        CheckConstraint(
            "state IN ('draft', 'expired') OR (received_at IS NOT NULL "
            "AND protocol_number IS NOT NULL AND protocol_year IS NOT NULL "
            "AND filed_seq IS NOT NULL)",
            name="ck_applications_protocolled",
        ),
        Index(
            "uq_applications_portal",
            "call_id",
            "portal_id",
            unique=True,
            sqlite_where=text("state <> 'expired'"),
            postgresql_where=text("state <> 'expired'"),
        ),
        Index("uq_applications_cup", "cup", unique=True),
        Index("uq_applications_cor", "cor", unique=True),
        Index(
            "uq_applications_active",
            "call_id",
            "applicant_id",
            unique=True,
            sqlite_where=text(_IS_OPEN),
            postgresql_where=text(_IS_OPEN),
        ),
        # The decisions on turn and money read only what still waits: their
        # cost must not grow with the closed files.
        Index(
            "ix_applications_queue",
            "call_id",
            "received_at",
            "protocol_year",
            "protocol_number",
            sqlite_where=text(HOLDS_A_PLACE),
            postgresql_where=text(HOLDS_A_PLACE),
        ),
        Index(
            "ix_applications_waiting",
            "call_id",
            "received_at",
            "protocol_year",
            "protocol_number",
            sqlite_where=text(f"{HOLDS_A_PLACE} AND {LACKS_MONEY}"),
            postgresql_where=text(f"{HOLDS_A_PLACE} AND {LACKS_MONEY}"),
        ),
        Index(
            "ix_applications_order",
            "call_id",
            "received_at",
            "protocol_year",
            "protocol_number",
        ),
        Index("ix_applications_state", "call_id", "state"),
    )

    id: UUID = Field(primary_key=True)
    call_id: UUID = Field(foreign_key="calls.id")
    call_version: int
    applicant_id: UUID = Field(foreign_key="applicants.id", index=True)
    portal_id: str = Field(max_length=80, index=True)
    channel: Channel = Field(sa_type=word(Channel, "ck_applications_channel"))
    state: ApplicationState = Field(
        sa_type=word(ApplicationState, "ck_applications_state")
    )
    version: int = 0
    """One more at every accepted move."""
    changed_at: datetime = Field(sa_type=Instant)

    received_at: datetime | None = Field(default=None, sa_type=Instant)
    protocol_year: int | None = None
    protocol_number: int | None = Field(default=None, sa_type=BigInteger)
    filed_seq: int | None = Field(default=None, sa_type=BigInteger)

    requested: int = Field(sa_type=BigInteger)
    investment: int = Field(sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    granted: int = Field(default=0, sa_type=BigInteger)
    accepts_less: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}
    )
    """Whether the applicant has agreed to be granted only a part."""
    asked: int | None = Field(default=None, sa_type=BigInteger)
    """What was asked for at first, while a part of it is all that is requested."""
    rank: int | None = None
    """Its place among those who count as arrived together, once it was drawn."""
    lead_kind: MemberKind | None = Field(
        default=None, sa_type=word(MemberKind, "ck_applications_lead_kind")
    )
    """What the applicant is, if it said so: as the lead it is one of the members."""

    review_started: bool = False
    waits_for_applicant: bool = False
    """A completion or observations are awaited: the clock is the applicant's."""
    score: int | None = None
    admitted_investment: int | None = Field(default=None, sa_type=BigInteger)
    plan_investment: int | None = Field(default=None, sa_type=BigInteger)
    """What the definitive plan invests, in cents."""
    matured: int = Field(default=0, sa_type=BigInteger)
    """The part of the grant to which the right has already matured, in cents."""
    granted_on: date | None = None
    cor: str | None = Field(default=None, max_length=20)
    cup: str | None = Field(default=None, max_length=15)
    cor_on: date | None = None
    """When the aid registry gave the COR."""
    cup_on: date | None = None
    published_on: date | None = None
    started_on: date | None = None


class Document(SQLModel, table=True):
    """A document filed with an application, by its hash (*impronta*)."""

    __tablename__ = "documents"

    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="applications.id", index=True)
    kind: str = Field(max_length=60)
    name: str = Field(max_length=255)
    """As the applicant called it; empty once it is erased."""
    sha256: str = Field(max_length=64)
    filed_at: datetime = Field(sa_type=Instant)


class Aid(SQLModel, table=True):
    """A *de minimis* aid that the applicant has declared."""

    __tablename__ = "aids"
    __table_args__ = (CheckConstraint("amount >= 0", name="ck_aids_amount"),)

    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="applications.id", index=True)
    granted_on: date
    amount: int = Field(sa_type=BigInteger)
    grantor: str = Field(max_length=200)


class ApplicantLink(SQLModel, table=True):
    """A tax code declared to be one undertaking with the applicant (*impresa unica*).

    It stands in the application that declares it, and falls with it.
    """

    __tablename__ = "applicant_links"

    application_id: UUID = Field(primary_key=True, foreign_key="applications.id")
    tax_code: str = Field(primary_key=True, max_length=16, index=True)
    """The other one; who bears it need not have applied for anything."""


class Partner(SQLModel, table=True):
    """Somebody who applies together with the applicant (*partner*), by reference.

    Who they are stands where it stands of applicants. The row of one who is no
    longer a partner stays: the personal data of who was one has its end with the
    others of the call.
    """

    __tablename__ = "partners"

    application_id: UUID = Field(primary_key=True, foreign_key="applications.id")
    applicant_id: UUID = Field(
        primary_key=True, foreign_key="applicants.id", index=True
    )
    ordinal: int
    """Its place among the partners, as they were told."""
    kind: MemberKind = Field(sa_type=word(MemberKind, "ck_partners_kind"))
    left_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was taken out, if it was."""


class Step(SQLModel, table=True):
    """Something open beside the state: a request, a notice, a proposal."""

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("application_id", "kind", "ordinal", name="uq_steps_ordinal"),
    )

    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="applications.id", index=True)
    kind: StepKind = Field(sa_type=word(StepKind, "ck_steps_kind"))
    ordinal: int
    status: StepStatus = Field(sa_type=word(StepStatus, "ck_steps_status"))
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it stopped waiting: answered, or closed."""
    outcome: str | None = Field(default=None, max_length=40)
    subject: str | None = Field(default=None, max_length=40)
    """What it is about: a term, or a phase of the procedure."""


class Term(SQLModel, table=True):
    """A term (*termine*) of an application, derived from recorded facts."""

    __tablename__ = "terms"
    __table_args__ = (
        UniqueConstraint("application_id", "kind", "ordinal", name="uq_terms_ordinal"),
        Index("ix_terms_due", "status", "due_at"),
        # What is due is found by its instant alone, however many others there are.
        Index(
            "ix_terms_next_check",
            "next_check",
            "call_id",
            sqlite_where=text(IS_AWAITED),
            postgresql_where=text(IS_AWAITED),
        ),
        Index(
            "ix_terms_call_next_check",
            "call_id",
            "next_check",
            sqlite_where=text(IS_AWAITED),
            postgresql_where=text(IS_AWAITED),
        ),
        Index(
            "ix_terms_missed",
            "due_at",
            sqlite_where=text(IS_MISSED),
            postgresql_where=text(IS_MISSED),
        ),
    )

    id: UUID = Field(primary_key=True)
    call_id: UUID = Field(foreign_key="calls.id", index=True)
    application_id: UUID = Field(foreign_key="applications.id", index=True)
    kind: TermKind = Field(sa_type=word(TermKind, "ck_terms_kind"))
    ordinal: int
    starts_on: date
    started_seq: int | None = Field(default=None, sa_type=BigInteger)
    """The entry of the register that started it."""
    extra_months: int = 0
    """Given by an extension (*proroga*)."""
    extra_days: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    due_at: datetime = Field(sa_type=Instant)
    status: TermStatus = Field(sa_type=word(TermStatus, "ck_terms_status"))
    suspended_days: int = 0
    suspensions: list[dict[str, Any]] = Field(sa_type=JSON)
    calendar: str = Field(max_length=80)
    """Which edition of the list of holidays it was computed with."""
    holidays: list[str] = Field(
        sa_type=JSON, sa_column_kwargs={"server_default": text("'[]'")}
    )
    """The days of that list between its start and its end, as they were then."""
    next_check: datetime | None = Field(default=None, sa_type=Instant)
    """When a worker has to do something about it; none if nothing is to come."""
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    """When somebody did, after its end, what had to be done about it."""
    escalated_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the manager was told that it was missed."""
    reminded: int | None = None
    """For how many days before its end, or more, no reminder follows any more."""
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often in a row a worker failed to do what is due; 0 unless it is parked."""
    fault: str | None = Field(default=None, max_length=300)
    """Why the last attempt failed, without personal data."""


class Movement(SQLModel, table=True):
    """One movement of money (*movimento*); append-only."""

    __tablename__ = "movements"
    __table_args__ = (CheckConstraint("residual >= 0", name="ck_movements_residual"),)

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    entry_seq: int = Field(primary_key=True, sa_type=BigInteger)
    """The entry of the register that moves the money."""
    ordinal: int = Field(primary_key=True)
    call_version: int
    application_id: UUID = Field(foreign_key="applications.id", index=True)
    kind: MovementKind = Field(sa_type=word(MovementKind, "ck_movements_kind"))
    reserved: int = Field(sa_type=BigInteger)
    """By how much the reserved total moves, in cents."""
    granted: int = Field(sa_type=BigInteger)
    """By how much the granted total moves, in cents."""
    residual: int = Field(sa_type=BigInteger)
    """What is left of the allocation afterwards, in cents."""
    at: datetime = Field(sa_type=Instant)


class Notice(SQLModel, table=True):
    """A letter (*comunicazione*) that a move causes."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint(
            "application_id", "letter", "entry_seq", name="uq_notices_cause"
        ),
        Index("ix_notices_status", "status"),
    )

    id: UUID = Field(primary_key=True)
    call_id: UUID = Field(foreign_key="calls.id", index=True)
    application_id: UUID = Field(foreign_key="applications.id", index=True)
    letter: Letter = Field(sa_type=word(Letter, "ck_notices_letter"))
    entry_seq: int = Field(sa_type=BigInteger)
    """The entry of the register that causes the letter."""
    recipient: str = Field(max_length=254)
    subject: str | None = Field(default=None, sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    """The letter as it was written; none before letters had a text."""
    digest: str | None = Field(default=None, max_length=64)
    """SHA-256 of subject and body; the register holds it too."""
    status: NoticeStatus = Field(sa_type=word(NoticeStatus, "ck_notices_status"))
    created_at: datetime = Field(sa_type=Instant)
    message_id: str | None = Field(default=None, max_length=254)
    """Under which it was first sent; every later attempt bears the same."""
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    begun_at: datetime | None = Field(default=None, sa_type=Instant)
    """When an attempt began whose outcome nobody has noted yet."""
    maybe_double: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}
    )
    """An attempt broke off after the text had gone: it may arrive twice."""
    fault: str | None = Field(default=None, max_length=300)
    """Why it could not be sent or delivered, without personal data."""
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    receipt: str | None = Field(default=None, max_length=120)
    """What proves the delivery: the receipt's identifier, or the act."""


class DeliveryReceipt(SQLModel, table=True):
    """What the providers of certified mail say of a notice (*ricevuta*).

    The original is kept as it came: it is the proof. It names people, so it goes
    when they are erased; what it proved stays in the register.
    """

    __tablename__ = "delivery_receipts"
    __table_args__ = (
        UniqueConstraint("sha256", name="uq_delivery_receipts_original"),
        # The same receipt, fetched twice, differs by the lines of its transport.
        UniqueConstraint(
            "notice_id", "kind", "identifier", name="uq_delivery_receipts_said"
        ),
    )

    id: UUID = Field(primary_key=True)
    notice_id: UUID = Field(foreign_key="notices.id")
    kind: ReceiptKind = Field(sa_type=word(ReceiptKind, "ck_delivery_receipts_kind"))
    at: datetime = Field(sa_type=Instant)
    """When it happened, as the provider says."""
    identifier: str = Field(max_length=200)
    reason: str | None = Field(default=None, max_length=300)
    sha256: str = Field(max_length=64)
    original: bytes = Field(sa_type=LargeBinary)
    taken_in_at: datetime = Field(sa_type=Instant)


class Memo(SQLModel, table=True):
    """A mail to those who work here, about no application (*promemoria interno*).

    The digest of a day, the anchor of the register: it has no legal effect.
    """

    __tablename__ = "memos"
    __table_args__ = (UniqueConstraint("cause", name="uq_memos_cause"),)

    id: UUID = Field(primary_key=True)
    kind: MemoKind = Field(sa_type=word(MemoKind, "ck_memos_kind"))
    cause: str = Field(max_length=120)
    """What it is about, so that it is written once: `digest 2026-03-10 rossi`."""
    recipient: str = Field(max_length=254)
    subject: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    status: NoticeStatus = Field(sa_type=word(NoticeStatus, "ck_memos_status"))
    created_at: datetime = Field(sa_type=Instant)
    message_id: str | None = Field(default=None, max_length=254)
    attempts: int = 0
    begun_at: datetime | None = Field(default=None, sa_type=Instant)
    maybe_double: bool = False
    fault: str | None = Field(default=None, max_length=300)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)


class OutboxMessage(SQLModel, table=True):
    """Something a worker has to do after the commit.

    It stays until it is done: whoever does it deletes it, in the transaction of
    what it asks for. So it is done once, however often the broker delivers it, and
    asked for again if the broker loses it.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_sent", "sent_at"),)

    id: UUID = Field(primary_key=True)
    call_id: UUID | None = Field(default=None, foreign_key="calls.id", index=True)
    """None for what is about no call: a memo."""
    application_id: UUID | None = Field(default=None, foreign_key="applications.id")
    kind: str = Field(max_length=40)
    subject_id: UUID
    entry_seq: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    """The entry of the register that causes it: the order within a call."""
    ordinal: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """The order within that entry."""
    created_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last given to the broker."""
    not_before: datetime | None = Field(default=None, sa_type=Instant)
    """It rests until then: it was tried, and will be tried again."""


class Tick(SQLModel, table=True):
    """When a process that works by itself was last seen at work."""

    __tablename__ = "ticks"

    name: str = Field(primary_key=True, max_length=40)
    holder: str = Field(max_length=200)
    """Which process, on which host."""
    at: datetime = Field(sa_type=Instant)
    found: int = 0
    """In how many calls it found something due."""


class RegisterEntry(SQLModel, table=True):
    """One entry of the register of transitions; append-only.

    The body is the canonical text that was hashed, byte for byte; the columns
    beside it repeat parts of it so that it can be searched.
    """

    __tablename__ = "entries"
    __table_args__ = (
        Index("ix_entries_application", "application_id", "seq"),
        Index(
            "ix_entries_actor",
            "actor_id",
            "call_id",
            "seq",
            sqlite_where=text(IS_A_PERSON),
            postgresql_where=text(IS_A_PERSON),
        ),
        CheckConstraint("seq > 0", name="ck_entries_seq"),
    )

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    hash: str = Field(max_length=64, unique=True)
    at: datetime = Field(sa_type=Instant)
    application_id: UUID | None = Field(default=None)
    event: str = Field(max_length=40)
    outcome: Outcome = Field(sa_type=word(Outcome, "ck_entries_outcome"))
    actor_id: UUID | None = Field(default=None)
    body: str = Field(sa_type=Text)


class Command(SQLModel, table=True):
    """A command that was carried out under an idempotency key."""

    __tablename__ = "commands"

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    key: str = Field(primary_key=True, max_length=120)
    digest: str = Field(max_length=64)
    answer: str = Field(sa_type=Text)
    """JSON; it tells to whom letters go, and is empty once that is erased."""


class ProtocolCounter(SQLModel, table=True):
    """The last protocol number of a civil year (art. 57 DPR 445/2000)."""

    __tablename__ = "protocol_counters"
    __table_args__ = (CheckConstraint("last >= 0", name="ck_protocol_last"),)

    year: int = Field(primary_key=True)
    last: int = Field(sa_type=BigInteger)


class Anchor(SQLModel, table=True):
    """A signed manifest of where every chain stood (*ancora*); append-only.

    The same lines stand in a file outside the database: whoever changes one of the
    two is found out by the other.
    """

    __tablename__ = "anchors"
    __table_args__ = (CheckConstraint("number > 0", name="ck_anchors_number"),)

    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=Instant)
    hash: str = Field(max_length=64, unique=True)
    body: str = Field(sa_type=Text)
    """The canonical text that was hashed and signed, byte for byte."""
    key: str = Field(max_length=64)
    """The public key (Ed25519) with which it verifies, in hex."""
    signature: str = Field(max_length=128)
    endorsement: str | None = Field(default=None, max_length=128)
    """The signature of the key before, over the first manifest of a new one."""


class ApprovedList(SQLModel, table=True):
    """A version of the list of a call (*elenco*), approved by an act; append-only."""

    __tablename__ = "approved_lists"
    __table_args__ = (
        CheckConstraint("version > 0 AND size >= 0", name="ck_approved_lists_counts"),
    )

    call_id: UUID = Field(primary_key=True, foreign_key="calls.id")
    version: int = Field(primary_key=True)
    entry_seq: int = Field(sa_type=BigInteger)
    """The entry of the register that made it."""
    approved_at: datetime = Field(sa_type=Instant)
    act_id: UUID = Field(foreign_key="acts.id")
    size: int
    """How many members it has."""
    sha256: str = Field(max_length=64)
    """Of all of them, and of who stands behind each."""


class ListedChange(SQLModel, table=True):
    """What a version of a list did with one member; append-only.

    A version is all of them up to it: nothing is written twice.
    """

    __tablename__ = "list_changes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["call_id", "version"],
            ["approved_lists.call_id", "approved_lists.version"],
            name="fk_list_changes_version",
        ),
    )

    call_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    application_id: UUID = Field(primary_key=True, foreign_key="applications.id")
    change: ListChange = Field(sa_type=word(ListChange, "ck_list_changes_change"))
    behind: str = Field(sa_type=Text)
    """Who stands behind it, by reference and between spaces: the lead first."""


APPEND_ONLY = (
    "entries",
    "movements",
    "call_versions",
    "anchors",
    "office_entries",
    "rankings",
    "ranked_places",
    "approved_lists",
    "list_changes",
)
"""Tables whose rows no one may change or delete."""
