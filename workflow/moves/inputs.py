"""What does a person state when making a move?

Each field becomes an option of `sportello advance`, its description the help.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from unicodedata import category
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
)

from config.schema import MOST_PARTNERS
from models.vocabulary import Cents, Letter, MemberKind, TermKind
from workflow.machine import Inputs
from workflow.register import written
from workflow.rules.amounts import format_money, parse_money
from workflow.rules.calendar import civil_day

_SHORT = 200
_RECEIPT = 120
"""As wide as its column."""
_MOST_POINTS = 9_999
_MOST_MONTHS = 999
_MOST_DAYS = 365
_NO_TEXT = {"Cc", "Cs"}
"""Control characters, and halves of pairs: they play with who reads them."""
COR = r"^[0-9]{1,12}$"
_POINTS = re.compile(r"[!-<>-~]{1,60}=[0-9]{1,4}")
"""The register holds only ASCII keys, and no integer of 2**53 or more."""


def _money(value: object) -> object:
    return parse_money(value) if isinstance(value, str) else value


Money = Annotated[
    Cents,
    BeforeValidator(_money),
    PlainSerializer(format_money, return_type=str),
]
"""Euro with two decimals outside (`30000.00`), whole cents inside."""


def _arrived(value: object) -> object:
    """Read a day, or an instant that nobody can misread."""
    if not isinstance(value, str):
        return value
    try:
        if len(value) == len("YYYY-MM-DD"):
            return date.fromisoformat(value)
        instant = datetime.fromisoformat(value)
        return instant.astimezone(UTC) if instant.tzinfo else _unreadable(value)
    except (ValueError, OverflowError):
        return _unreadable(value)


def _unreadable(value: str) -> object:
    message = (
        f"`{value}` is no day and no instant with an offset; write 2026-03-10 or "
        "2026-03-10T11:30+01:00"
    )
    raise ValueError(message)


def _dated(value: date) -> str:
    return written(value) if isinstance(value, datetime) else value.isoformat()


Arrived = Annotated[
    date | datetime,
    BeforeValidator(_arrived),
    PlainSerializer(_dated, when_used="json"),
]
"""A civil day in Rome, or an instant where a term ends at an hour."""

Sha256 = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the document.")
]


def _on_one_line(words: str) -> str:
    if not words.strip() or any(category(sign) in _NO_TEXT for sign in words):
        message = "must be words on one line, without control characters"
        raise ValueError(message)
    return words


Reference = Annotated[
    str, Field(min_length=1, max_length=_SHORT), AfterValidator(_on_one_line)
]
Code = Annotated[str, Field(pattern=r"^[!-~]{1,60}$")]
Name = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
]
"""What somebody, or something, is called; in whatever letters."""
TaxCode = Annotated[str, Field(pattern=r"^([0-9]{11}|[A-Z]{6}[0-9A-Z]{10})$")]
Points = Annotated[int, Field(ge=0, le=_MOST_POINTS)]


class Overtaking(Inputs):
    """Taking an application up, in its turn or by an act."""

    overtake: bool = Field(
        default=False, description="Overtake earlier applications; needs --act."
    )


class ReviewInputs(Overtaking):
    """Start of the formal check."""


class EvaluationInputs(Overtaking):
    """A score sheet of the review board (*verbale del nucleo*)."""

    score: dict[Code, Points] = Field(
        description="Points of one criterion, CRITERION=POINTS; once for each."
    )
    minutes: Reference = Field(description="Number of the board's minutes.")

    @field_validator("score", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if isinstance(value, dict):
            return value
        stated = [str(pair) for pair in value or ()]  # type: ignore[attr-defined]
        for pair in stated:
            if not _POINTS.fullmatch(pair):
                message = f"`{pair}`: write CRITERION=POINTS, such as quality=25"
                raise ValueError(message)
        pairs = [pair.split("=") for pair in stated]
        names = [code for code, _ in pairs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            message = f"given twice: {', '.join(doubled)}"
            raise ValueError(message)
        return {code: int(points) for code, points in pairs}


class AssessmentInputs(Inputs):
    """What the review board has found (*verbale del nucleo*), without points."""

    criterion: tuple[Code, ...] = Field(
        default=(),
        description="A criterion of the call that it meets; once for each.",
    )
    minutes: Reference = Field(description="Number of the board's minutes.")


class WorthinessInputs(AssessmentInputs):
    """The same of a proposal that is worthy: then it meets something."""

    criterion: tuple[Code, ...] = Field(
        description="A criterion of the call that it meets; once for each."
    )


class CompletionInputs(Inputs):
    """What is asked of the applicant."""

    item: tuple[Reference, ...] = Field(
        min_length=1, description="What is missing; once for each thing."
    )


class ArrivalInputs(Inputs):
    """When what an applicant files came in, if it is typed later (*arrivo*)."""

    received_on: Arrived | None = Field(
        default=None,
        description="When it came in, if before today: YYYY-MM-DD, or an instant "
        "with its offset; it is in time as of then.",
    )
    proof: Reference | None = Field(
        default=None,
        max_length=_RECEIPT,
        validate_default=True,
        description="What proves --received-on: protocol number or PEC receipt.",
    )

    @field_validator("proof")
    @classmethod
    def _goes_with_its_day(cls, proof: str | None, info: ValidationInfo) -> str | None:
        received_on = info.data.get("received_on", ...)
        if proof is None and isinstance(received_on, date):
            message = (
                "state what proves --received-on, a protocol number or a PEC receipt"
            )
            raise ValueError(message)
        if proof is not None and received_on is None:
            message = "it proves when something came in: state --received-on too"
            raise ValueError(message)
        return proof


class DocumentInputs(Inputs):
    """A document that the applicant files."""

    document: Sha256


class AdmissionInputs(Inputs):
    """The checklist of the formal check."""

    checked: tuple[Reference, ...] = Field(
        min_length=1,
        description="A required document found in order; once for each.",
    )


class GrantInputs(Inputs):
    """What an act of grant must carry."""

    cor: str = Field(
        pattern=COR,
        description="COR: the code of the aid registry (art. 9 DM 115/2017).",
    )
    cup: str = Field(
        pattern=r"^[A-Z0-9]{15}$",
        description="CUP: the project's code, 15 capitals and digits (L. 3/2003).",
    )
    cor_on: date = Field(description="Day the registry gave the COR, YYYY-MM-DD.")
    cup_on: date = Field(description="Day the CUP was given, YYYY-MM-DD.")
    durc_until: date = Field(
        description="Last day of validity of the DURC, YYYY-MM-DD."
    )
    admitted_investment: Money | None = Field(
        default=None,
        gt=0,
        description="Admitted investment, if lower than the declared one.",
    )
    antimafia: Reference | None = Field(
        default=None,
        description="Antimafia information, from a grant of 150000.00 on.",
    )


class RankedGrantInputs(GrantInputs):
    """The same where an aid need not be one that the registry knows."""

    cor: str | None = Field(  # type: ignore[assignment]  # a guard knows when it is wanted
        default=None,
        pattern=COR,
        description="COR: the code of the aid registry, if the regime wants one.",
    )
    cor_on: date | None = Field(  # type: ignore[assignment]  # as above
        default=None, description="Day the registry gave the COR, YYYY-MM-DD."
    )


class RaiseInputs(Inputs):
    """What the act carries that grants what a ranking has added."""

    durc_until: date = Field(
        description="Last day of validity of the DURC, YYYY-MM-DD."
    )
    antimafia: Reference | None = Field(
        default=None,
        description="Antimafia information, from a grant of 150000.00 in all on.",
    )


class FundingInputs(Inputs):
    """What the act on a ranking says of one application."""

    ranking: int = Field(description="Version of the ranking.")
    place: int = Field(description="Its place in it.")
    amount: int = Field(description="What it is funded with in all, in cents.")


class PublicationInputs(Inputs):
    """Where the grant was published (artt. 26-27 D.Lgs. 33/2013)."""

    published_on: date = Field(description="Day of publication, YYYY-MM-DD.")
    reference: Reference = Field(description="Where: the page or the bulletin.")


class RegistrationInputs(Inputs):
    """The act of grant sent to the aid registry."""

    sent_on: date = Field(description="Day it was sent, YYYY-MM-DD.")


class DeliveryInputs(Inputs):
    """Proof that a letter reached the applicant."""

    letter: Letter = Field(description="Which letter was delivered.")
    receipt: Reference = Field(
        max_length=_RECEIPT,
        description="What proves it: the delivery receipt, or the act.",
    )
    delivered_on: date | None = Field(
        default=None, description="Civil day of delivery, YYYY-MM-DD; today if absent."
    )
    delivered_at: AwareDatetime | None = Field(
        default=None,
        description="Instead of the day, the instant that the receipt tells, such as "
        "2026-03-10T10:00:00+01:00.",
    )
    notice: UUID | None = Field(
        default=None,
        description="Which letter of that kind, by its id; the latest if absent.",
    )

    @field_validator("delivered_at", mode="before")
    @classmethod
    def _written_out(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:  # nothing that could be read as seconds since some year
            return datetime.fromisoformat(value)
        except ValueError:
            message = f"`{value}`: write an instant as 2026-03-10T10:00:00+01:00"
            raise ValueError(message) from None

    @field_validator("delivered_at")
    @classmethod
    def _instead_of_the_day(
        cls, value: datetime | None, info: ValidationInfo
    ) -> datetime | None:
        if value is not None and info.data.get("delivered_on") is not None:
            message = "give the day of delivery or its instant, not both"
            raise ValueError(message)
        return value

    def day(self) -> date | None:
        """Return the civil day of delivery, if one is stated."""
        if self.delivered_at is not None:
            return civil_day(self.delivered_at)
        return self.delivered_on


class ReleaseInputs(Inputs):
    """Which letter may go."""

    notice: UUID = Field(description="Identifier of the letter that is held back.")


class MeetingInputs(Inputs):
    """The negotiation meeting (*incontro di negoziazione*)."""

    meeting_on: date = Field(description="Day of the meeting, YYYY-MM-DD.")


class MinutesInputs(Inputs):
    """The signed minutes of the negotiation."""

    minutes: Reference = Field(description="Number of the minutes.")
    signed_on: date = Field(description="Day both parties signed, YYYY-MM-DD.")


class ReplyInputs(ArrivalInputs, DocumentInputs):
    """A document that the applicant files within a term."""


class PlanInputs(ReplyInputs):
    """The definitive plan (*Piano di attività definitivo*)."""

    investment: Money = Field(gt=0, description="Investment of the definitive plan.")


class DeterminationInputs(Inputs):
    """The final amount."""

    admitted_investment: Money = Field(
        gt=0, description="Investment admitted in the definitive plan."
    )


class StartInputs(ArrivalInputs):
    """The start of the plan."""

    started_on: date = Field(description="Day the plan started, YYYY-MM-DD.")


class ExtensionInputs(Inputs):
    """More time for the plan (*proroga*)."""

    months: int = Field(gt=0, le=_MOST_MONTHS, description="Months to add to the plan.")


class SettlementInputs(Inputs):
    """The amount recognised after the expense report (*saldo*)."""

    recognised: Money = Field(ge=0, description="Amount of grant recognised.")


class LapseInputs(Inputs):
    """The missed term on which a lapse stands."""

    term: TermKind = Field(description="The peremptory term that was missed.")


class Partner(BaseModel):
    """One who applies together with the applicant (*partner*), as it is stated."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    tax_code: TaxCode
    name: Name
    kind: MemberKind


def _each_once(partners: tuple[Partner, ...]) -> tuple[Partner, ...]:
    first: dict[str, int] = {}
    for number, partner in enumerate(partners, start=1):
        if partner.tax_code in first:
            message = (
                f"partner {number} has the tax code of partner "
                f"{first[partner.tax_code]}; name each once"
            )
            raise ValueError(message)
        first[partner.tax_code] = number
    return partners


Partners = Annotated[
    tuple[Partner, ...], Field(max_length=MOST_PARTNERS), AfterValidator(_each_once)
]


class PartnersInputs(Inputs):
    """Who applies together with the applicant from now on."""

    partners: Partners = Field(
        description="File of all the partners there will be, one JSON object a line: "
        '{"tax_code", "name", "kind"}; an empty one leaves the applicant alone.'
    )

    def entered(self) -> dict[str, Any]:
        """Return how many: who they are the entry finds, by reference."""
        return {"partners": len(self.partners)}


class TermInputs(Inputs):
    """The term whose instant has come."""

    term: TermKind = Field(description="The term whose instant has come.")


class ReminderInputs(TermInputs):
    """The reminder of a term whose instant has come."""

    days: int = Field(ge=0, le=_MOST_DAYS, description="Days before its last one.")


class TermExtensionInputs(Inputs):
    """More time for one applicant (*proroga di un termine*)."""

    term: TermKind = Field(description="The term of the applicant that is running.")
    days: int = Field(gt=0, le=_MOST_DAYS, description="Days to add to it.")


class RenewalInputs(Inputs):
    """The aid registered again, after the first code lapsed."""

    cor: str = Field(pattern=COR, description="COR: the new code of the aid registry.")
    cor_on: date = Field(description="Day the registry gave it, YYYY-MM-DD.")


class ConflictInputs(Inputs):
    """Whose conflict of interests it is (*conflitto di interessi*)."""

    officer: UUID = Field(
        description="The officer's id, as `sportello officer list --json` tells it."
    )


class RecoveryInputs(Inputs):
    """What has to come back (*recupero*)."""

    recover: Money = Field(
        default=Cents(0), ge=0, description="Amount already paid, to be recovered."
    )
