"""Which options does an event take, and what was stated with them?"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin
from uuid import UUID

import click
from pydantic import AwareDatetime, ValidationError
from pydantic.fields import FieldInfo

from commands.handed_in import HandedIn
from config.handed_in import doubled, lines
from config.kinds import said
from config.schema import MOST_PARTNERS
from models.vocabulary import Cents
from workflow.errors import InputError
from workflow.machine import Inputs
from workflow.moves.inputs import Partner

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "admitted_investment": ("90000.00",),
    "checked": (
        "de_minimis_declaration",
        "contribution_regularity_declaration",
        "plan_proposal",
        "plan_summary_sheet",
    ),
    "cor": ("12345678",),
    "cor_on": ("2026-03-09",),
    "cup": ("E41B26000010009",),
    "cup_on": ("2026-03-09",),
    "document": ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",),
    "investment": ("95424.84",),
    "criterion": ("innovation",),
    "durc_until": ("2026-06-30",),
    "item": ("signature of the plan summary sheet",),
    "letter": ("grant",),
    "partners": ("partners.jsonl",),
    "officer": ("019bdaa1-de80-7000-8000-000000000001",),
    "notice": ("019bdaa1-de80-7000-8000-000000000002",),
    "meeting_on": ("2026-03-25",),
    "minutes": ("3/2026",),
    "months": ("3",),
    "days": ("10",),
    "proof": ("A1.2026.0012345",),
    "published_on": ("2026-03-12",),
    "received_on": ("2026-03-10",),
    "receipt": ("opec2941.20260310.pec.example.it",),
    "recognised": ("85000.00",),
    "recover": ("30000.00",),
    "reference": ("BURL 11/2026",),
    "score": (
        "strategy=20",
        "quality=25",
        "impact=20",
        "international=8",
        "governance=8",
    ),
    "sent_on": ("2026-03-12",),
    "signed_on": ("2026-03-25",),
    "started_on": ("2026-06-03",),
    "term": ("definitive_plan",),
}
"""How each thing that must be stated is written, for the help.

Together they are complete for the call that comes with the program.
"""

_MOST = 10
"""Of the faults of a file: as many are told."""

_LONGEST_LINE = 10_000
"""Bytes; a partner has some two hundred."""

CODES = "sportello call show"
"""Where the codes of documents and criteria are."""

_PATTERNS: Mapping[str, str] = {
    "cor": "it must be 1 to 12 digits",
    "cup": "it must be 15 characters, capital letters and digits",
    "document": "it must be 64 characters, digits and letters from a to f",
}
_METAVARS: Mapping[Any, str] = {
    date | datetime: "WHEN",
    AwareDatetime: "INSTANT",
    UUID: "ID",
    Cents: "EUROS.CENTS",
    int: "NUMBER",
}


def options_of(model: type[Inputs]) -> list[click.Option]:
    """Make one option for each thing that may be stated; what must be comes first."""
    fields = sorted(
        model.model_fields.items(), key=lambda one: not one[1].is_required()
    )
    return [_option(name, field) for name, field in fields]


def read(model: type[Inputs], given: Mapping[str, object]) -> dict[str, object]:
    """Return what was stated, leaving out what was not.

    Raises:
        InputError: something is missing, or is not written right; all at once.
    """
    stated = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if name in model.model_fields and _is_stated(value)
    }
    try:
        model.model_validate(stated)
    except ValidationError as error:
        faults = [
            _sentence(model, fault, stated)
            for fault in error.errors()  # one line each
        ]
        raise InputError("input.invalid", "; ".join(dict.fromkeys(faults))) from error
    return stated


def _is_stated(value: object) -> bool:
    """Tell whether an option was given: an empty file is something, too."""
    return value is not None and value is not False and value != ()


def flag(name: str) -> str:
    """Write a name as an option."""
    return f"--{name.replace('_', '-')}"


def _option(name: str, field: FieldInfo) -> click.Option:
    kind = _without_none(field.annotation)
    text = (field.description or "").removesuffix(".")
    settings: dict[str, Any] = {
        "help": f"{text}. [required]" if field.is_required() else f"{text}.",
    }
    if kind is bool:
        return click.Option([flag(name)], is_flag=True, **settings)
    if kind == tuple[Partner, ...]:
        file = HandedIn(path_type=Path)
        settings |= {"type": file, "callback": _partners, "metavar": "FILE"}
    elif isinstance(kind, type) and issubclass(kind, Enum):
        words = [str(word.value) for word in kind]
        settings |= {"type": click.Choice(words), "metavar": "WORD"}
        settings["help"] += f" One of: {', '.join(words)}."
    elif kind is date:
        settings |= {"callback": _day, "metavar": "YYYY-MM-DD"}
    elif kind in _METAVARS:
        settings |= {"metavar": _METAVARS[kind]}
    elif get_origin(kind) in {dict, tuple}:
        metavar = "TEXT" if get_origin(kind) is tuple else "CRITERION=POINTS"
        settings |= {"metavar": metavar, "multiple": True}
    return click.Option([flag(name)], **settings)


def _day(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> str | None:
    """Check that there is such a day, written in the one way that is not misread."""
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(
            f"`{text}` is no day; write it as YYYY-MM-DD, such as 2026-01-20"
        ) from None


def _partners(
    _context: click.Context, _option: click.Parameter, file: Path | None
) -> list[Partner] | None:
    """Read partners, one a line; a fault names its line."""
    if file is None:
        return None
    partners, faults = [], []
    with file.open("rb") as stream:
        for number, (line, _) in enumerate(lines(stream, _LONGEST_LINE), start=1):
            if not line.strip():
                continue
            try:
                partners.append(_partner(line))
            except ValidationError as error:
                told = map(_fault, error.errors())
                faults += [f"line {number}: {one}" for one in told]
            except ValueError as error:
                faults.append(f"line {number}: {error}")
            if len(partners) > MOST_PARTNERS:
                faults = [f"there are more than {MOST_PARTNERS}: no more are taken"]
            if len(faults) >= _MOST or len(partners) > MOST_PARTNERS:
                break
    if faults:
        raise InputError("input.invalid", f"--partners: {'; '.join(faults[:_MOST])}")
    return partners


def _partner(line: bytes) -> Partner:
    if len(line) > _LONGEST_LINE:
        message = f"it has more than {_LONGEST_LINE} bytes; write one partner a line"
        raise ValueError(message)
    partner = Partner.model_validate_json(line)
    if name := doubled(line):
        message = f"`{name}` is given twice; leave one of the two"
        raise ValueError(message)
    return partner


def _fault(fault: Mapping[str, Any]) -> str:
    """Say what is wrong in a line, and nothing of what stands there."""
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"`{name}` is missing"
    if fault["type"] == "extra_forbidden":
        return f"`{name}` is no field of a partner"
    if fault["type"] == "string_pattern_mismatch" and name == "tax_code":
        return "`tax_code`: write 11 digits, or the 16 signs of a personal code"
    if not name:
        return 'write {"tax_code": ..., "name": ..., "kind": ...}'
    return f"`{name}`: {said(fault)}"


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - an annotation is of any type
    parts = [part for part in get_args(kind) if part is not NoneType]
    if NoneType not in get_args(kind):
        return kind
    return getattr(parts[0], "__origin__", parts[0])


def _sentence(
    model: type[Inputs], fault: Mapping[str, Any], stated: Mapping[str, object]
) -> str:
    """Name the option, the rule and how to write it."""
    name = str(fault["loc"][0])
    text = str(model.model_fields[name].description)
    text = (
        f"{text[:1].lower()}{text[1:]}".removesuffix(".")
        if text[1:2].islower()
        else text.removesuffix(".")
    )
    if fault["type"] == "missing":
        return f"{flag(name)} is missing: {text}"
    if fault["type"] == "value_error":
        return f"{flag(name)}: {fault['ctx']['error']}"
    value = stated[name]
    shown = value if isinstance(value, str) else fault["input"]
    return f"{flag(name)} `{shown}`: {_rule(name, fault)}: {text}"


def _rule(name: str, fault: Mapping[str, Any]) -> str:
    if fault["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(name, "it holds a character that cannot be kept")
    return said(fault)
