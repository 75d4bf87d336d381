"""How is one value of a call file written, and what does it become?"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
)
from pydantic import ValidationInfo as Info

from config.families import families
from models.vocabulary import Cents, Family

ROME = ZoneInfo("Europe/Rome")
"""Where the civil time of every call is read."""

_YEARS = range(1900, 2101)
_EUROS = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,2}))?")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?")
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_CALL_CODE = re.compile(r"RL[A-Z]1[0-9]{4}[0-9]{6}")
_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")
_COMPANY = re.compile(r"[0-9]{11}")
_PERSON = re.compile(
    r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"
)
_SHORTEST_CONTROL = 32
_LEAP_YEAR = 2024
_MIDNIGHT = "00:00"
_LONGEST_SHOWN = 60
_HUNDRED = Decimal(100)


class WritingError(ValueError):
    """A value is not written the way a call file wants it."""


def euros(cents: int) -> str:
    """Write an amount of cents as the files do: `1000000.00`."""
    return f"{cents // 100}.{cents % 100:02d}"


def hour(value: time) -> str:
    """Write an hour as the files do: `12:00`."""
    return f"{value:%H:%M}"


def shown(value: object) -> str:
    """Show a value in a message, close to how the file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "[...]" if isinstance(value, list) else "{...}"
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def roughly(value: object) -> datetime | None:
    """Return about when a civil time is that Rome has not, or has twice.

    Good enough to tell what comes before what, and for nothing else.
    """
    if not isinstance(value, datetime) or value.year not in _YEARS:
        return None
    return value.replace(tzinfo=value.tzinfo or ROME).astimezone(UTC)


def only(*, wanted: bool, why: str) -> AfterValidator:
    """Take one answer to a question, while the other cannot be carried out."""

    def check(answer: bool) -> bool:  # noqa: FBT001 - pydantic calls it
        if answer is not wanted:
            msg = f"write {str(wanted).lower()}: {why}"
            raise WritingError(msg)
        return answer

    return AfterValidator(check)


def is_tax_code(code: str) -> bool:
    """Tell whether *code* can be a tax code (*codice fiscale*).

    Eleven digits end with their check digit; sixteen characters are only held
    against their pattern, which includes the letters used for namesakes.
    """
    if _COMPANY.fullmatch(code):
        return _check_digit(code) == int(code[-1])
    return _PERSON.fullmatch(code) is not None


def _check_digit(code: str) -> int:
    odd = sum(int(digit) for digit in code[0:10:2])
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in code[1:10:2])
    return -(odd + even) % 10


def _cents(value: object) -> Cents:
    match = _EUROS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        msg = (
            f"`{shown(value)}` is not an amount: write euros between quotes with a dot "
            'and at most two decimals, not negative, as "30000.00"'
        )
        raise WritingError(msg)
    return Cents(int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")))


def _percent(value: object) -> Decimal:
    written = str(value) if _is_number_or_text(value) else ""
    if not _PERCENT.fullmatch(written) or Decimal(written) > _HUNDRED:
        msg = (
            f"`{shown(value)}` is not a percentage: write a number from 0 to 100 "
            'between quotes with at most two decimals, as "85.00"'
        )
        raise WritingError(msg)
    return Decimal(written).quantize(Decimal("0.01"))


def _is_number_or_text(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _day(value: object, info: Info) -> date:
    if info.mode == "json":
        value = _parsed(value, date.fromisoformat)
    if not isinstance(value, date) or isinstance(value, datetime):
        msg = f"`{shown(value)}` is not a day: write it without quotes, as 2025-12-22"
        raise WritingError(msg)
    _check_year(value)
    return value


def _instant(value: object, info: Info) -> datetime:
    if info.mode == "json":
        value = _parsed(value, datetime.fromisoformat)
    if not isinstance(value, datetime):
        msg = (
            f"`{shown(value)}` is not a date and time: write it without quotes, "
            "as 2026-01-20T10:00:00"
        )
        raise WritingError(msg)
    _check_year(value)
    if value.tzinfo is None:
        value = _in_rome(value)
    return value.astimezone(UTC)


def _in_rome(local: datetime) -> datetime:
    """Place a civil time on the clock of Rome, refusing the two odd hours."""
    first = local.replace(tzinfo=ROME, fold=0)
    if first.astimezone(UTC).astimezone(ROME).replace(tzinfo=None) != local:
        msg = (
            f"{local.isoformat()} does not exist in Italy: that night the clocks "
            "are put forward by an hour; write a time outside it"
        )
        raise WritingError(msg)
    second = local.replace(tzinfo=ROME, fold=1)
    if first.utcoffset() != second.utcoffset():
        msg = (
            f"{local.isoformat()} happens twice in Italy: that night the clocks are "
            f"put back; write {first.isoformat()} or {second.isoformat()}"
        )
        raise WritingError(msg)
    return first


def _parsed(value: object, read: Callable[[str], date]) -> object:
    """Read back an instant or a day from the frozen form, where it is a text."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        return read(value)
    return value


def _check_year(value: date) -> None:
    if value.year not in _YEARS:
        msg = f"the year {value.year} is not between {_YEARS[0]} and {_YEARS[-1]}"
        raise WritingError(msg)


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"`{shown(value)}` is not a text: write it between quotes"
        raise WritingError(msg)
    text = value.strip()
    if not text:
        msg = "this text is empty: write something between the quotes"
        raise WritingError(msg)
    if any(ord(character) < _SHORTEST_CONTROL for character in text):
        msg = "this text holds a line break or another control character: remove it"
        raise WritingError(msg)
    return text


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        msg = (
            f"`{shown(text)}` is not a short name: write small letters and digits "
            "joined by underscores, beginning with a letter, as plan_proposal"
        )
        raise WritingError(msg)
    return text


def _family(value: object) -> Family:
    known = families()
    if value in known:
        return Family(str(value))
    listed = ", ".join(f'"{name}"' for name in known)
    close = get_close_matches(str(value), known, n=1)
    meant = f"; did you mean `{close[0]}`?" if close else ": remove it or correct it"
    msg = (
        f"`{shown(value)}` is not one of the words allowed here{meant} "
        f"(allowed: {listed})"
    )
    raise WritingError(msg)


def _call_code(text: str) -> str:
    if not _CALL_CODE.fullmatch(text):
        msg = (
            f"`{shown(text)}` is not the code of a call: it is made of RL, a letter, "
            "1, the year and six digits, as RLF12025051244"
        )
        raise WritingError(msg)
    return text


def _tax_code(text: str) -> str:
    if not is_tax_code(text):
        msg = (
            f"`{shown(text)}` is not a tax code: write eleven digits of which the last "
            "is the right check digit, or sixteen capital letters and digits"
        )
        raise WritingError(msg)
    return text


def _hour(value: object) -> time:
    if not isinstance(value, str) or not _HOUR.fullmatch(value):
        msg = (
            f"`{shown(value)}` is not an hour of the day: write hours and minutes "
            'between quotes, as "12:00"'
        )
        raise WritingError(msg)
    if value == _MIDNIGHT:
        msg = (
            f"`{value}` is the beginning of the day, and nothing of it would be left: "
            "for its end, leave this key out"
        )
        raise WritingError(msg)
    return time.fromisoformat(value)


def _month_day(text: str) -> str:
    try:
        if _MONTH_DAY.fullmatch(text):
            date.fromisoformat(f"{_LEAP_YEAR}-{text}")
            return text
    except ValueError:
        pass
    msg = f'`{shown(text)}` is not a day of the year: write month and day, as "12-07"'
    raise WritingError(msg)


Text = Annotated[str, PlainValidator(_text), Field(examples=['"..."'])]
"""A text of one line, never empty."""
Slug = Annotated[Text, AfterValidator(_slug), Field(examples=['"plan_proposal"'])]
"""A short name that programs use too."""
FamilyName = Annotated[
    Family, PlainValidator(_family), Field(examples=['"plain_counter"'])
]
"""The name of a family of procedures that there is."""
CallCode = Annotated[
    Text, AfterValidator(_call_code), Field(examples=['"RLF12025051244"'])
]
TaxCode = Annotated[Text, AfterValidator(_tax_code), Field(examples=['"01234567897"'])]
MonthDay = Annotated[Text, AfterValidator(_month_day), Field(examples=['"12-07"'])]
Euros = Annotated[
    Cents,
    PlainValidator(_cents),
    PlainSerializer(euros, return_type=str, when_used="json"),
    Field(examples=['"30000.00"']),
]
"""Euros in the file, whole cents in the program."""
Percent = Annotated[Decimal, BeforeValidator(_percent), Field(examples=['"85.00"'])]
Day = Annotated[date, BeforeValidator(_day), Field(examples=["2025-12-22"])]
Instant = Annotated[
    datetime, BeforeValidator(_instant), Field(examples=["2026-01-20T10:00:00"])
]
"""Civil time of Rome in the file, an aware instant in UTC in the program."""
Hour = Annotated[
    time,
    PlainValidator(_hour),
    PlainSerializer(hour, return_type=str, when_used="json"),
    Field(examples=['"12:00"']),
]
"""An hour of any day, on the clocks of Rome."""
Whole = Annotated[int, Field(strict=True, ge=0, le=1_000_000, examples=["10"])]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000, examples=["30"])]
Length = Annotated[int, Field(strict=True, ge=1, examples=["30"])]
"""Of a term: how long it may be depends on its unit, see `config.terms`."""
Year = Annotated[int, Field(strict=True, ge=2000, le=2100, examples=["2025"])]
Flag = Annotated[bool, Field(strict=True, examples=["true"])]
