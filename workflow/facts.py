"""What does a rule know when it decides?

A service reads the rows under lock and hands them over as these frozen values;
rules and guards see nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from config.schema import CallDefinition, ListRequirement
from models.vocabulary import (
    ApplicationState,
    CallState,
    Cents,
    Channel,
    Event,
    Letter,
    MemberKind,
    NoticeStatus,
    Role,
    StepKind,
    StepStatus,
    SuspensionCause,
    TermKind,
    TermStatus,
)

NOTHING = Cents(0)


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
    accepts_less: bool = False
    rank: int | None = None
    """Its place among those who count as arrived together, once it was drawn; or in
    the ranking, once there is one."""
    granted: Cents = NOTHING
    """Only of those who hold a place in a ranking beyond the grant."""
    asked: Cents | None = None
    """What was asked for at first, while a part of it is all that is requested."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch in which the counter takes applications in; its ends included."""

    opened_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CounterFacts:
    """The counter (*sportello*) of the call, as it stands now."""

    state: CallState
    openings: tuple[Opening, ...] = ()
    suspended_for: SuspensionCause | None = None
    reopens_at: datetime | None = None
    closes_at: datetime | None = None
    """When the version in force plans to close it; an extension counts for all."""

    def was_open_at(self, instant: datetime) -> bool:
        """Tell whether applications were taken in at an instant."""
        return any(
            opening.opened_at <= instant
            and (opening.ended_at is None or instant <= opening.ended_at)
            for opening in self.openings
        )


@dataclass(frozen=True, slots=True)
class FilingFacts:
    """Where an application that is being filed would stand in the order."""

    ahead: int
    """How many before it hold a place."""
    first_without_money: Place | None
    """The first of them that waits for money."""
    later: Cents = NOTHING
    """What those ask for, or were granted, who arrived later than it."""
    ties: int = 0
    """How many others have exactly its instant: the protocol number breaks the tie."""


@dataclass(frozen=True, slots=True)
class MoneyFacts:
    """The money of the call, in cents, before the move."""

    allocation: Cents
    reserved: Cents
    granted: Cents
    waiting: Cents = NOTHING
    """What those ask for who hold a place and have no money."""

    @property
    def residual(self) -> Cents:
        """What nobody has a claim on."""
        return Cents(self.allocation - self.reserved - self.granted)


ANSWERED = "answered"
"""The outcome of a step whose answer came while it was awaited."""
UNANSWERED = "unanswered"
"""The outcome of a step for whose answer the office has stopped waiting."""
ANSWERED_LATE = "answered_late"
"""The outcome of such a step whose answer was read all the same."""
FALLEN = "expired"
"""The outcome of a proposal on which nobody decided in time."""


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
    stopped_on: date | None = None
    """Since when its clock stands still, if it does."""
    resumes_after: date | None = None
    """The day after which it goes on by itself."""
    settled: bool = False
    """Missed, and what it was for was done afterwards, or has no object any more."""
    reminded: int | None = None
    """For how many days before its end, or more, no reminder follows any more."""
    extra_months: int = 0
    """What extensions have given it."""


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """A letter already written to the applicant."""

    letter: Letter
    created_at: datetime
    delivered_at: datetime | None
    id: UUID | None = None
    status: NoticeStatus | None = None


@dataclass(frozen=True, slots=True)
class ArrivalFacts:
    """What is seen otherwise because it came in (*arrivo*) before it was typed."""

    met: tuple[TermKind, ...] = ()
    """The terms that were held to be missed, and were met."""
    lapse: StepRecord | None = None
    """The proposal of lapse that came only of them; it is not among the steps."""


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
class Hands:
    """Who makes a move, and in which roles they may at this moment."""

    roles: frozenset[Role]
    id: UUID | None = None
    """None for the workers, and for whoever nobody knows."""
    behalf: Mapping[Role, UUID] = field(default_factory=dict)
    """On whose behalf, in the roles that are held only by delegation (*delega*)."""

    @property
    def is_worker(self) -> bool:
        """Tell whether no person makes it."""
        return Role.SYSTEM in self.roles

    def capacity(self, roles: Iterable[Role]) -> Role | None:
        """Return the first of some roles that is held."""
        return next((role for role in roles if role in self.roles), None)


BY_WORKER = Hands(frozenset({Role.SYSTEM}))


def holds(hands: Hands | None, roles: Iterable[Role]) -> Verdict:
    """Tell whether whoever acts holds one of some roles now."""
    wanted = tuple(roles)
    if hands is not None and hands.capacity(wanted) is not None:
        return ALLOWED
    held = ", ".join(sorted(hands.roles if hands else ())) or "none"
    shown = " or ".join(f"`{role}`" for role in wanted if role is not Role.SYSTEM)
    return Verdict(
        "role.missing",
        f"this needs the role {shown or '`system`'} and the roles held are: {held}; "
        "ask somebody who has it, or an administrator to give it",
        {"required": [role.value for role in wanted]},
    )


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person did on a file, as far as it says who may do what follows."""

    event: Event
    by: UUID
    behalf: UUID | None = None
    """On whose behalf, if it was delegated."""

    def is_of(self, hands: Hands, role: Role | None) -> bool:
        """Tell whether it was done by those hands, or for the same officer."""
        theirs = {hands.id, hands.behalf.get(role) if role else None}
        return bool({self.by, self.behalf} & theirs - {None})


@dataclass(frozen=True, slots=True)
class Sheet:
    """The score that one of the evaluators has given (*scheda di valutazione*)."""

    by: UUID
    total: int
    behalf: UUID | None = None
    criteria: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Abstention:
    """A conflict of interests that stands, as it was declared (*astensione*)."""

    by: UUID
    """Who declared it, for themselves or for another."""
    at: datetime
    seq: int
    """The entry that says so."""


@dataclass(frozen=True, slots=True)
class PeopleFacts:
    """Who has done what on the file so far, and who must abstain."""

    deeds: tuple[Deed, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    """Those that count, of the score that several evaluators are giving."""
    conflicts: Mapping[UUID, Abstention] = field(default_factory=dict)
    """Whoever has a conflict of interests now."""
    is_known: bool = True
    """Whether whoever is said to have one is an officer at all."""


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """What the eligibility rules ask of the applicant; stays out of the register."""

    recognised: bool
    other_active: str | None
    """The protocol, or portal id, of another open application to the call."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of those who apply together; by reference, without a name."""

    id: UUID
    kind: MemberKind | None
    """None only for a lead that has not said it."""
    is_invited: bool
    other: str | None
    """The protocol of another open application to the call that has it."""


@dataclass(frozen=True, slots=True)
class PartnershipFacts:
    """Who applies together (*partenariato*): the lead (*capofila*) and the partners."""

    lead: Member
    partners: tuple[Member, ...] = ()
    stated: tuple[Member, ...] | None = None
    """The partners that a command wants instead."""

    @property
    def members(self) -> tuple[Member, ...]:
        """All of them, the lead first."""
        return (self.lead, *self.partners)


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """Whether the applicant stood on the list of another call, when that counts."""

    wanted: ListRequirement
    at: datetime | None
    """When it counts; none while that is still to come."""
    is_there: bool = True
    """Whether there is such a call at all."""
    version: int = 0
    """Of the list then; 0 where no act had approved one."""
    act: str | None = None
    member: str | None = None
    """The proposal that stood on it, and that the applicant leads or is in."""

    @property
    def is_known(self) -> bool:
        """Tell whether the instant has passed, so that the answer never changes."""
        return self.at is not None and self.is_there


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
    accepts_less: bool = False
    asked: Cents | None = None
    """What was asked for at first, while a part of it is all that is requested."""
    rank: int | None = None


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
    counter: CounterFacts
    filing: FilingFacts | None = None
    """Only for what is being filed: afterwards `earlier` and `claims` tell."""
    earlier: tuple[Place, ...] = ()
    """Who is taken up before this one and still holds a place, in order."""
    claims: tuple[Place, ...] | None = None
    """Who is served with money before this one, if others than `earlier`."""
    later_waiting: Place | None = None
    """Who waits for money next after this one, if this one is on the waiting list."""
    steps: tuple[StepRecord, ...] = ()
    terms: tuple[TermRecord, ...] = ()
    notices: tuple[NoticeRecord, ...] = ()
    aids: tuple[PriorAid, ...] | None = ()
    """None where nobody has looked: then no aid can be reckoned."""
    act: ActFacts | None = None
    reason: str | None = None
    by: Hands | None = None
    """Who makes the move; whoever only looks ahead has none."""
    people: PeopleFacts = PeopleFacts()
    """Only for who decides, scores or abstains: others need not know."""
    alone: bool = False
    """Nobody else was looked at: `earlier` says nothing."""
    partnership: PartnershipFacts | None = None
    """Only where the call lets several apply together, or somebody tries to."""
    lists: tuple[ListAnswer, ...] = ()
    """Only where the call requires or rewards to be on the list of another."""
    arrival: ArrivalFacts | None = None
    """Only if the facts speak of when something came in, and it is typed later."""

    @property
    def before(self) -> tuple[Place, ...]:
        """Whoever has a claim on the money before this one."""
        return self.earlier if self.claims is None else self.claims

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

    def letter_meant(self, letter: Letter, notice: UUID | None) -> NoticeRecord | None:
        """Return one letter of a kind: the one that is named, or else the latest."""
        if notice is None:
            return self.notice(letter)
        return next(
            (one for one in self.notices if (one.id, one.letter) == (notice, letter)),
            None,
        )
