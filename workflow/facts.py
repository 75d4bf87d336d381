"""What does a rule know when it decides?

A service reads the rows under lock and hands them over as these frozen values;
rules and guards see nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from config.schema import CallDefinition
from models.vocabulary import (
    ApplicationState,
    Cents,
    Channel,
    Letter,
    Role,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule answers: nothing against it, or a code and a sentence."""

    code: str = ""
    message: str = ""
    details: Mapping[str, object] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return not self.code


ALLOWED = Verdict()


@dataclass(frozen=True, slots=True, order=True)
class OrderKey:
    """The place in the order of arrival, frozen when the application is filed.

    The number alone would not do: it restarts every civil year.
    """

    received_at: datetime
    protocol_year: int
    protocol_number: int


@dataclass(frozen=True, slots=True)
class Place:
    """Another application of the same call that still waits for a grant."""

    application: UUID
    protocol: str
    key: OrderKey
    state: ApplicationState
    requested: Cents
    reserved: Cents
    review_started: bool
    waits_for_applicant: bool
    score: int | None


@dataclass(frozen=True, slots=True)
class MoneyFacts:
    """The money of the call, in cents, before the move."""

    allocation: Cents
    reserved: Cents
    granted: Cents

    @property
    def residual(self) -> Cents:
        """What nobody has a claim on."""
        return Cents(self.allocation - self.reserved - self.granted)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step beside the state."""

    kind: StepKind
    ordinal: int
    status: StepStatus
    outcome: str | None
    subject: str | None
    closed_on: date | None
    """The civil day on which it stopped waiting."""


@dataclass(frozen=True, slots=True)
class TermRecord:
    """A term as it was last computed."""

    kind: TermKind
    ordinal: int
    status: TermStatus
    starts_on: date
    due_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """A letter already written to the applicant."""

    letter: Letter
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class PriorAid:
    """An aid already given (*aiuto "de minimis"*) to the single undertaking.

    It counts from the day on which the right to it was given, not from payment.
    """

    granted_on: date
    amount: Cents
    grantor: str


@dataclass(frozen=True, slots=True)
class ActFacts:
    """The formal act (*provvedimento*) that the move stands on."""

    kind: str
    number: str
    signed_on: date

    def __str__(self) -> str:
        return f"{self.kind} {self.number}/{self.signed_on.isoformat()}"


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """What the eligibility rules ask of the applicant; stays out of the register."""

    recognised: bool
    other_active: str | None
    """The protocol, or portal id, of another open application to the call."""


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """The application itself."""

    state: ApplicationState
    channel: Channel
    received_at: datetime | None
    key: OrderKey | None
    requested: Cents
    investment: Cents
    reserved: Cents
    granted: Cents
    review_started: bool
    waits_for_applicant: bool
    score: int | None
    admitted_investment: Cents | None
    plan_investment: Cents | None
    matured: Cents
    cor: str | None
    cup: str | None
    published_on: date | None
    started_on: date | None
    documents: frozenset[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a guard or an effect may look at."""

    now: datetime
    today: date
    """The civil day in Rome."""
    call: CallDefinition
    application: ApplicationFacts
    applicant: ApplicantFacts
    money: MoneyFacts
    earlier: tuple[Place, ...] = ()
    """Applications before this one that still hold their place, in order."""
    steps: tuple[StepRecord, ...] = ()
    terms: tuple[TermRecord, ...] = ()
    notices: tuple[NoticeRecord, ...] = ()
    aids: tuple[PriorAid, ...] = ()
    act: ActFacts | None = None
    reason: str | None = None
    role: Role | None = None

    def step(self, kind: StepKind) -> StepRecord | None:
        """Return the latest step of a kind."""
        found = [step for step in self.steps if step.kind == kind]
        return max(found, key=lambda step: step.ordinal, default=None)

    def open_step(self, kind: StepKind) -> StepRecord | None:
        """Return the latest step of a kind unless it is closed."""
        step = self.step(kind)
        if step is None or step.status == StepStatus.CLOSED:
            return None
        return step

    def term(self, kind: TermKind) -> TermRecord | None:
        """Return the latest term of a kind."""
        found = [term for term in self.terms if term.kind == kind]
        return max(found, key=lambda term: term.ordinal, default=None)

    def notice(self, letter: Letter) -> NoticeRecord | None:
        """Return the latest letter of a kind."""
        found = [notice for notice in self.notices if notice.letter == letter]
        # The host's clock may stand still: of two of one instant, the later written.
        return max(reversed(found), key=lambda notice: notice.created_at, default=None)
