"""What does a call file declare?"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
)

from config.values import (
    CallCode,
    Count,
    Day,
    Euros,
    FamilyName,
    Flag,
    Hour,
    Instant,
    Length,
    MonthDay,
    Percent,
    Slug,
    TaxCode,
    Text,
    Whole,
    WritingError,
    Year,
    only,
)
from models.vocabulary import (
    Cents,
    Channel,
    Counting,
    Decision,
    Leftover,
    Letter,
    OrderPolicy,
    ReceiptClock,
    ShortMoneyPolicy,
    SourceStatus,
    StepKind,
    TermEffect,
    TermKind,
    TermStart,
    TieRule,
    WaitingPhase,
)

OF_THE_APPLICANT = (
    TermKind.COMPLETION,
    TermKind.OBSERVATIONS,
    TermKind.DEFINITIVE_PLAN,
    TermKind.PLAN_CORRECTION,
    TermKind.ACCEPTANCE,
    TermKind.START,
    TermKind.REPORT,
)
"""The terms that run for the applicant; all others are for the office."""

MOST_PARTNERS = 500
"""In one application: what a line, and an entry of the register, can hold well."""
MOST_MEMBERS = MOST_PARTNERS + 1
"""With the lead."""


_CRITERION = "criterion:"


def _tie_break(text: str) -> str:
    if text in set(TieRule) or text.removeprefix(_CRITERION) not in {text, ""}:
        return text
    listed = ", ".join(f'"{rule}"' for rule in TieRule)
    msg = (
        f"`{text}` tells nobody apart: write one of {listed}, or a criterion of merit "
        'by its code, as "criterion:quality"'
    )
    raise WritingError(msg)


TieBreak = Annotated[Text, AfterValidator(_tie_break)]
"""What decides between equals: a rule, or a criterion of merit."""


def criterion_of(rule: str) -> str | None:
    """Return the criterion of merit by which a rule tells equals apart, if it does."""
    code = rule.removeprefix(_CRITERION)
    return None if code == rule else code


class UnreadError(Exception):
    """A value is asked for that could not be read; the fault of it is told already."""


class Part(BaseModel):
    """A part of a call file: closed to unknown keys, never changed once read.

    One that was salvaged from a faulty file may lack values: see `config.salvage`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    if not TYPE_CHECKING:  # a type checker would take any name for an attribute

        def __getattr__(self, name: str) -> object:
            if name in type(self).model_fields:
                raise UnreadError(name)
            return super().__getattr__(name)


class Sourced(Part):
    """A part that says where its values come from (*fonte*).

    `found` means read in a document, `assumed` chosen so that the call can run.
    In a part that was found, `assumed` lists the keys that nevertheless were not.
    """

    source: SourceStatus
    basis: Text
    assumed: tuple[Slug, ...] = ()

    @field_validator("assumed")
    @classmethod
    def _are_keys_of_this_part(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = cls.model_fields.keys() - Sourced.model_fields.keys()
        strangers = [name for name in names if name not in known]
        if strangers:
            msg = f"`{strangers[0]}` is not a key of this section: remove it"
            raise WritingError(msg)
        return names


class LegalReference(Sourced):
    """A rule that the call rests on (*riferimento normativo*)."""

    citation: Text


class ActReference(Sourced):
    """An act that made or changed the call (*provvedimento*)."""

    kind: Text
    number: Text | None = None
    date: Day
    subject: Text
    approves_call: Flag = False


class Window(Sourced):
    """When applications may be filed (*apertura e chiusura dello sportello*).

    An instant equal to `closes_at` is still in time; anything after it is late.
    """

    published_at: Instant
    opens_at: Instant
    closes_at: Instant


class Allocation(Sourced):
    """The money of the call (*dotazione finanziaria*)."""

    amount: Euros
    short_money: ShortMoneyPolicy


class Aid(Sourced):
    """How much one applicant may get (*agevolazione*), and under which ceiling."""

    regime: Literal["de_minimis", "none"]
    fixed: Euros
    fixed_matures_on: StepKind | None = None
    variable_percent: Percent
    cap: Euros | None = None
    ceiling: Euros | None = None
    """Of a *de minimis* aid only."""
    ceiling_years: Annotated[Count, Field(le=100)] | None = None


class Counter(Sourced):
    """How the counter keeps the order and gives the money out (*sportello*).

    Requests beyond the allocation are taken in up to the *overbooking*, a share of
    it or an amount; with neither, there is no limit. `jump_ahead` lets a smaller
    later request pass one that the money does not cover.
    """

    order: OrderPolicy
    waiting_list: WaitingPhase
    overbooking_percent: Percent | None = None
    overbooking_amount: Euros | None = None
    jump_ahead: Annotated[Flag, Field(examples=["false"])]


class Ranking(Sourced):
    """How a closed set is ranked and the money given out (*graduatoria*).

    Equal scores are told apart by the rules of `tie_break`, one after the other; the
    last one leaves nobody equal. `minimum_cost` is the least that a project may cost:
    what is left is too little where it is less than the aid on that, or, without
    `partial`, than the whole request.
    """

    tie_break: Annotated[
        tuple[TieBreak, ...],
        Field(min_length=1, examples=['["criterion:quality", "earlier_arrival"]']),
    ]
    partial: Flag
    minimum_cost: Euros | None = None
    below_minimum: Leftover


class Filing(Sourced):
    """How an application is filed (*presentazione della domanda*)."""

    channel: Channel
    clock: ReceiptClock
    one_per_applicant: Annotated[
        Flag,
        only(
            wanted=True,
            why="an applicant can have only one open application in a call",
        ),
    ]


class RequiredDocument(Sourced):
    """A document without which an application is not complete (*allegato*)."""

    kind: Slug
    title: Text


class Criterion(Part):
    """One criterion of merit (*criterio di valutazione*)."""

    code: Slug
    title: Text
    max_points: Count


class Merit(Sourced):
    """How merit is scored (*valutazione di merito*)."""

    total: Count
    threshold: Whole
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]


class AssessmentCriterion(Part):
    """What makes a proposal worthy (*criterio di meritevolezza*), without points."""

    code: Slug
    title: Text


class Assessment(Sourced):
    """How a proposal is found worthy of the list (*valutazione di meritevolezza*)."""

    minimum: Whole
    """How many of the criteria it has to meet."""
    criteria: Annotated[tuple[AssessmentCriterion, ...], Field(min_length=1)]


class ListRequirement(Sourced):
    """What it is worth to stand on the list of another call (*elenco*).

    Required, only who stands on it may apply; rewarded, the points are added to those
    of the board, up to the total. It counts who stood on it when this call opened, or
    closed, or at the end of a `day`.
    """

    call: CallCode
    effect: Literal["require", "reward"]
    as_of: Literal["opening", "closing", "day"]
    day: Day | None = None
    points: Count | None = None


class TermRule(Sourced):
    """How long a term runs, from which fact, and what its end brings (*termine*).

    It ends with its last day, unless an hour is set. `escalate_after` tells the
    manager of a missed one, so many days after its end (*potere sostitutivo*).
    """

    count: Length
    counting: Counting
    starts_on: TermStart
    from_receipt: Flag
    effect: TermEffect
    peremptory: Flag
    until: Hour | None = None
    not_after: Day | None = None
    """A day on which it ends at the latest, however long it is."""
    escalate_after: Annotated[Whole, Field(le=365)] | None = None


class TermPolicy(Sourced):
    """What all terms of the call have in common (*computo dei termini*)."""

    roll_saturday: Flag
    local_holidays: tuple[MonthDay, ...]
    full_box_counts: Annotated[Flag, Field(examples=["false"])]
    """Whether a notice refused by a full mailbox (*casella piena*) counts as
    delivered."""


class Procedure(Sourced):
    """The choices that the family of procedures leaves to the call.

    `refusal_notice` switches the *preavviso di rigetto* (art. 10-bis L. 241/1990),
    `acceptance` whether the applicant has to accept the grant (*accettazione*).
    """

    refusal_notice: Flag
    acceptance: Flag
    skip_when_suspended: Flag
    plan_returns: Whole
    max_suspension_days: Annotated[Whole, Field(le=365)]
    extension_months: Annotated[Whole, Field(le=60)]
    extensions: Annotated[Whole, Field(le=60)]


class Notices(Sourced):
    """How applicants are written to (*comunicazioni*).

    `held` letters wait until an officer releases them. `reminders` are sent so many
    days before the end of the terms listed in `reminded`, and have no legal effect.
    """

    officer: Text | None = None
    """The responsible officer (*responsabile del procedimento*) that letters name."""
    held: Annotated[tuple[Letter, ...], Field(examples=["[]"])] = ()
    reminders: Annotated[
        tuple[Annotated[Whole, Field(le=365)], ...], Field(examples=["[10, 3, 0]"])
    ] = (10, 3, 0)
    reminded: Annotated[tuple[TermKind, ...], Field(examples=['["completion"]'])] = (
        OF_THE_APPLICANT
    )


class Roles(Sourced):
    """Who may do what only beside another (*separazione dei ruoli*).

    Whoever proposed one of the *separate* decisions does not adopt it. With more
    *evaluators* each gives a score, and the mean, cut to whole points, is that of the
    board (*nucleo di valutazione*).
    """

    separate: Annotated[tuple[Decision, ...], Field(examples=['["grant"]'])] = tuple(
        Decision
    )
    evaluators: Annotated[Count, Field(le=20)] = 1


class Retention(Sourced):
    """How long personal data is kept (*conservazione*), once the call is over."""

    years: Annotated[Count, Field(le=100, examples=["10"])]


class Partnership(Sourced):
    """That several may apply together (*partenariato, aggregazione*), and how many.

    They are counted with the lead (*capofila*), who is the applicant. The part being
    there allows it; with a minimum of one, an applicant may also be alone.
    """

    minimum: Annotated[Count, Field(le=MOST_MEMBERS)] = 1
    minimum_firms: Annotated[Whole, Field(le=MOST_MEMBERS)] = 0
    maximum: Annotated[Count, Field(le=MOST_MEMBERS)] | None = None
    one_application_each: Flag
    """Whether nobody, lead or partner, may be in two open applications."""
    invited_only: Flag
    """Whether each of them has to be one of the `beneficiaries`."""


class Beneficiary(Sourced):
    """Somebody on the closed list of those who may apply (*soggetto beneficiario*)."""

    tax_code: TaxCode
    name: Text
    members: Whole
    firms: Whole
    research_bodies: Whole
    others: Whole


class Statement(Part):
    """What one source says where another says something else."""

    value: Text
    source: Text


class Conflict(Part):
    """A contradiction between sources, kept in sight instead of settled."""

    subject: Text
    statements: Annotated[tuple[Statement, ...], Field(min_length=2)]


_NOT_OF_THE_FAMILY = "the family of the call has nothing of the kind"

NO_MONEY = Allocation.model_construct(
    amount=Cents(0),
    short_money=ShortMoneyPolicy.WAITING_LIST,
    source=SourceStatus.ASSUMED,
    basis=_NOT_OF_THE_FAMILY,
)
NO_COUNTER = Counter.model_construct(
    order=OrderPolicy.RANKING,
    waiting_list=WaitingPhase.AFTER_REVIEW,
    jump_ahead=False,
    source=SourceStatus.ASSUMED,
    basis=_NOT_OF_THE_FAMILY,
)
NO_RANKING = Ranking.model_construct(
    tie_break=(TieRule.EARLIER_ARRIVAL.value,),
    partial=False,
    below_minimum=Leftover.HOLD,
    source=SourceStatus.ASSUMED,
    basis=_NOT_OF_THE_FAMILY,
)
NO_AID = Aid.model_construct(
    regime="none",
    fixed=Cents(0),
    variable_percent=Decimal(0),
    source=SourceStatus.ASSUMED,
    basis=_NOT_OF_THE_FAMILY,
)
NO_MERIT = Merit.model_construct(
    total=0,
    threshold=0,
    criteria=(),
    source=SourceStatus.ASSUMED,
    basis=_NOT_OF_THE_FAMILY,
)

NO_ASSESSMENT = Assessment.model_construct(
    minimum=0,
    criteria=(),
    source=SourceStatus.ASSUMED,
    basis=_NOT_OF_THE_FAMILY,
)

OF_SOME_FAMILIES = ("allocation", "counter", "ranking", "aid", "merit", "assessment")
"""The sections that only some families have, and those all of their calls.

Where there is none, what it would say stands for nothing: no money, no score.
"""

AS_BEFORE = Counter(
    order=OrderPolicy.EXACT_INSTANT,
    waiting_list=WaitingPhase.AFTER_REVIEW,
    jump_ahead=False,
    source=SourceStatus.ASSUMED,
    basis="how every call was run before calls could say it",
)
"""What a call frozen before there was a `counter` section stands for."""


UNSAID = Notices(
    source=SourceStatus.ASSUMED, basis="what holds where a call says nothing of letters"
)
"""What a call without a section `notices` stands for."""


SEPARATED = Roles(
    source=SourceStatus.ASSUMED, basis="what holds where a call says nothing of roles"
)
"""What a call file without a section `roles` stands for."""

TOGETHER = Roles(
    separate=(),
    source=SourceStatus.ASSUMED,
    basis="how every call was run before calls could say it",
)
"""What a call frozen before there was such a section stands for."""

AS_DE_MINIMIS = Retention(
    years=10,
    source=SourceStatus.ASSUMED,
    basis="what holds where a call says nothing: as records of de minimis aid are kept",
)
"""What a call without a section `retention` stands for."""


def _in_order(terms: Mapping[TermKind, TermRule]) -> Mapping[TermKind, TermRule]:
    """Close the terms and put them in the order of the vocabulary.

    So the order in which a file lists them changes nothing.
    """
    return MappingProxyType({kind: terms[kind] for kind in TermKind if kind in terms})


class CallDefinition(Part):
    """One call (*avviso, bando*), as its file declares it.

    What a single value must look like is checked here; what values owe to one
    another is in `config.checks`, so that all faults are reported at once.
    """

    code: CallCode
    year: Year
    title: Text
    family: FamilyName
    responsible_office: Text
    contact: Text
    legal_basis: Annotated[tuple[LegalReference, ...], Field(min_length=1)]
    acts: Annotated[tuple[ActReference, ...], Field(min_length=1)]
    window: Window
    allocation: Allocation = NO_MONEY
    counter: Counter = NO_COUNTER
    ranking: Ranking = NO_RANKING
    aid: Aid = NO_AID
    filing: Filing
    documents: tuple[RequiredDocument, ...]
    merit: Merit = NO_MERIT
    assessment: Assessment = NO_ASSESSMENT
    procedure: Procedure
    counting_rules: TermPolicy
    terms: Annotated[Mapping[TermKind, TermRule], AfterValidator(_in_order)]
    beneficiaries: tuple[Beneficiary, ...]
    """The closed list of who may apply; written empty, the call is open to all."""
    conflicts: tuple[Conflict, ...] = ()
    notices: Notices | None = None
    roles: Roles | None = None
    retention: Retention | None = None
    partnership: Partnership | None = None
    """Without it an applicant applies alone."""
    lists: tuple[ListRequirement, ...] | None = None

    @property
    def list_requirements(self) -> tuple[ListRequirement, ...]:
        """What it is worth to stand on the list of another call, if anything."""
        return self.lists or ()

    @property
    def keeping(self) -> Retention:
        """How long personal data is kept, whether the call says it or not."""
        return self.retention or AS_DE_MINIMIS

    @property
    def letters(self) -> Notices:
        """How applicants are written to, whether the call says it or not."""
        return self.notices or UNSAID

    @property
    def duties(self) -> Roles:
        """Who may do what only beside another, as it was frozen."""
        return self.roles or TOGETHER

    def __hash__(self) -> int:
        """Hash by the code alone: a mapping of terms cannot be hashed."""
        return hash(self.code)

    @field_serializer("terms", mode="wrap")
    def _plain_terms(
        self, terms: Mapping[TermKind, TermRule], handler: SerializerFunctionWrapHandler
    ) -> object:
        return handler(dict(terms))
