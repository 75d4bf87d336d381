"""What does a line of submissions say?"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from config.handed_in import doubled
from config.kinds import said
from models import addresses
from models.addresses import AddressError
from models.canonical import digest
from models.vocabulary import Cents, Channel, MemberKind
from workflow.errors import RefusedError
from workflow.moves.inputs import Name, Partners, TaxCode
from workflow.rules.amounts import parse_money

LONGEST_LINE = 1_000_000
"""Bytes; a longer line is refused before it is read."""

_LONGEST_MESSAGE = 2_000
"""Characters; the message stands in the register for good."""

_PORTAL_ID = r"^[!-~]{1,80}$"
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(2000, 2200)
"""Beyond the ends of the calendar an instant has no civil time in Rome."""


def _money(value: object) -> object:
    if isinstance(value, str):
        return parse_money(value)
    message = 'write the amount as text with two decimals, such as "30000.00"'
    raise ValueError(message)


def _instant(value: object) -> object:
    # Left to itself pydantic also takes seconds since 1970, and drops what is
    # finer than a microsecond.
    if not isinstance(value, str) or not _INSTANT.fullmatch(value.strip()):
        message = (
            'write the instant as text, such as "2026-01-20T10:00:00.000000+01:00", '
            "with at most six decimals"
        )
        raise ValueError(message)
    return value


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        message = 'write the day as text, such as "2025-01-31"'
        raise ValueError(message)
    return value


def _address(value: str) -> str:
    try:
        known = addresses.read(value)
    except AddressError as error:
        message = f"{error}; write an address, such as {addresses.EXAMPLE}"
        raise ValueError(message) from error
    if not known.local.isascii():  # RFC 5322, by which certified mail goes
        message = f"certified mail has only ASCII before the @: {addresses.EXAMPLE}"
        raise ValueError(message)
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        message = "an instant needs its offset, such as +01:00"
        raise ValueError(message)
    if value.year not in _YEARS:
        message = f"the year {value.year} is no year of an application"
        raise ValueError(message)
    return value.astimezone(UTC)


Euros = Annotated[Cents, BeforeValidator(_money), Field(ge=0)]
Day = Annotated[date, BeforeValidator(_day)]
Address = Annotated[str, AfterValidator(_address)]
_MOST_LINKED = 100


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class FiledApplicant(_Part):
    """Who applies (*richiedente*)."""

    tax_code: TaxCode
    name: Name
    pec: Address
    linked: Annotated[tuple[TaxCode, ...], Field(max_length=_MOST_LINKED)] = ()
    """Tax codes of those who are one undertaking with it (*impresa unica*)."""
    kind: MemberKind | None = None
    """What it is, as the lead (*capofila*) of those who apply together."""


class FiledDocument(_Part):
    """A document, by its hash (*impronta*)."""

    kind: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
    name: Name
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class DeclaredAid(_Part):
    """A *de minimis* aid the applicant declares."""

    granted_on: Day
    amount: Euros
    grantor: Name


class Submission(_Part):
    """One line: an application as the portal hands it over."""

    portal_id: str = Field(pattern=_PORTAL_ID)
    applicant: FiledApplicant
    partners: Partners = ()
    """Those who apply together with it (*partner*)."""
    requested: Euros
    investment: Euros
    documents: tuple[FiledDocument, ...] = ()
    aids: tuple[DeclaredAid, ...] = ()
    key: str | None = Field(default=None, max_length=100, pattern=r"^[ -~]+$")
    received_at: (
        Annotated[datetime, BeforeValidator(_instant), AfterValidator(_aware)] | None
    ) = None
    channel: Channel = Channel.PORTAL
    accepts_less: StrictBool = False
    """Whether the applicant agrees to be granted only a part, if money is short."""
    draft: StrictBool = False

    @field_validator("partners")
    @classmethod
    def _are_others(cls, partners: Partners, info: ValidationInfo) -> Partners:
        lead = info.data.get("applicant")
        for number, partner in enumerate(partners, start=1):
            if lead is not None and partner.tax_code == lead.tax_code:
                message = (
                    f"partner {number} has the tax code of the applicant, who leads "
                    "and is counted already; leave it out"
                )
                raise ValueError(message)
        return partners

    @property
    def idempotency_key(self) -> str:
        """Under which key a repetition is recognised."""
        if self.draft and self.key is None:
            # A draft may be announced again with other contents.
            return f"draft:{self.fingerprint}"
        purpose = "draft" if self.draft else "submission"
        return f"{purpose}:{self.key or self.portal_id}"

    @property
    def fingerprint(self) -> str:
        """What makes a repetition the same submission."""
        content = self.model_dump(mode="json", exclude={"key"})
        # Fields that came later count only if they say something: a submission
        # filed before there were any is still the same one.
        if not self.accepts_less:
            del content["accepts_less"]
        if not self.applicant.linked:
            del content["applicant"]["linked"]
        if self.applicant.kind is None:
            del content["applicant"]["kind"]
        if not self.partners:
            del content["partners"]
        return digest(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


def read(line: bytes, *, gives_money: bool = True) -> Submission:
    """Read a line; where no money is given, none is asked for, said or not.

    Raises:
        RefusedError: it cannot be read; the message names the field and the rule.
    """
    if len(line) > LONGEST_LINE:
        raise RefusedError(
            "line.too_long",
            f"the line has more than {LONGEST_LINE} bytes, which no submission needs: "
            "write each on a line of its own, and of documents only the hash",
        )
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RefusedError(
            "line.unreadable",
            f"the line is not a JSON document: {error.msg}; correct it and file again",
        ) from error
    if not isinstance(content, dict):
        raise RefusedError(
            "line.unreadable", "the line is not a JSON object; write {...}"
        )
    if not gives_money:
        content = {"requested": "0.00", "investment": "0.00", **content}
    try:
        filed = Submission.model_validate(content)
    except ValidationError as error:
        faults = error.errors()
        told = "; ".join(_sentence(fault) for fault in faults)  # type: ignore[arg-type]
        if len(told) > _LONGEST_MESSAGE:
            told = f"{told[:_LONGEST_MESSAGE]} ..."
        raise RefusedError(
            "line.invalid", told, recorded=_without_contents(faults)
        ) from error
    if name := doubled(line):
        raise RefusedError(
            "line.invalid",
            f"`{name}` is given twice; leave one of the two",
            recorded="a field is given twice",
        )
    return filed


def portal_id(line: bytes) -> str | None:
    """Return the portal's id of a line that could not be taken in, if it has one."""
    try:
        content = orjson.loads(line[:LONGEST_LINE])
    except orjson.JSONDecodeError:
        return None
    named = content.get("portal_id") if isinstance(content, dict) else None
    if not isinstance(named, str) or not re.fullmatch(_PORTAL_ID, named):
        return None
    return named


_WRITTEN = {
    "tax_code": "write 11 digits, or the 16 signs of a personal code",
    "linked": "write 11 digits, or the 16 signs of a personal code",
    "portal_id": "write 1 to 80 printable ASCII signs without spaces",
    "key": "write 1 to 100 printable ASCII signs",
    "sha256": "write the 64 lower-case hexadecimal digits of the SHA-256",
}


def _sentence(fault: dict[str, Any]) -> str:
    where = f"`{'.'.join(str(part) for part in fault['loc']) or 'line'}`"
    match fault["loc"]:
        case ("partners", int(index), *_):
            where = f"{where} (partner {index + 1})"
    kind = fault["type"]
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is not a field of a submission"
    if kind == "string_pattern_mismatch":
        name = next(part for part in reversed(fault["loc"]) if isinstance(part, str))
        return f"{where}: {_WRITTEN.get(name) or said(fault)}"
    return f"{where}: {said(fault)}"


def _without_contents(faults: Iterable[Any]) -> str:
    """Name the fields at fault, and nothing of what the applicant wrote in them."""
    names = {
        ".".join(str(part) for part in fault["loc"])
        for fault in faults
        if fault["type"] != "extra_forbidden"
    }
    strangers = any(fault["type"] == "extra_forbidden" for fault in faults)
    told = [f"`{name}`" for name in sorted(names)] + ["unknown fields"] * strangers
    return f"the line is wrong in: {', '.join(told)}"
