"""How is a fault said to somebody who only knows the call, or the plan?"""

from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from config.findings import Finding
from config.places import Loc
from config.schema import CallDefinition
from config.values import shown

_WANTED = {
    "int_type": "write a whole number without quotes",
    "int_from_float": "write a whole number without a dot",
    "bool_type": "write true or false, without quotes",
    "tuple_type": "write a list, between [ and ]",
    "greater_than_equal": "write a number not below {ge}",
    "less_than_equal": "write a number not above {le}",
    "json_invalid": "this is not the frozen form of a call: it is not JSON",
    "too_short": "there are {actual_length} of these: write at least {min_length}",
}
_WRONG = {
    "missing": "missing",
    "mapping_type": "this is not a section",
    "dict_type": "this is not a section",
    "model_type": "this is not a section",
    "model_attributes_type": "this is not a section",
}
_CHOICE = "enum", "literal_error"
_KEY = "[key]"

Details = Mapping[str, Any]
"""One error, as pydantic details it."""


def where(loc: Loc) -> str:
    """Write a place as officials count: `acts[2].date` is in the second act."""
    text = ""
    for step in loc:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "file"


def findings_of(
    error: ValidationError, root: type[BaseModel] = CallDefinition
) -> tuple[Finding, ...]:
    """Return all that is wrong with the contents of a file, in plain words."""
    details = error.errors(include_url=False)
    return tuple(
        Finding(place(detail), sentence(detail, root))
        for detail in details
        if is_true(detail)
    )


def place(error: Details) -> Loc:
    """Return where an error stands; that a name is wrong stands at the name."""
    loc: Loc = error["loc"]
    return loc[:-1] if loc and loc[-1] == _KEY else loc


def is_true(error: Details) -> bool:
    """Tell whether a list is really as short as the error says.

    Pydantic counts only the items that are right; each of the others has its own
    error.
    """
    if error["type"] != "too_short":
        return True
    return len(error["input"]) < int(error["ctx"]["min_length"])


def sentence(error: Details, root: type[BaseModel]) -> str:
    """Say in plain words what is wrong and what to write instead."""
    kind, loc, context = error["type"], place(error), error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "tuple_type" and (listed := _sections(loc, root)):
        return listed
    if kind in _WANTED:
        return _WANTED[kind].format(**context)
    if kind == "extra_forbidden":
        return _unknown(loc, root)
    if kind in _CHOICE:
        return _not_a_choice(shown(error["input"]), loc, root)
    return f"{_WRONG.get(kind, 'not written right')}: {_how_to_write(loc, root)}"


def _unknown(loc: Loc, root: type[BaseModel]) -> str:
    name = str(loc[-1])
    return f"unknown key `{name}`" + _nearest(name, _keys(_inside(loc[:-1], root)))


def _not_a_choice(written: str, loc: Loc, root: type[BaseModel]) -> str:
    # A wrong name in a mapping stands where a right one would: try that first.
    choices = _choices(_names(_inside(loc[:-1], root))) or _choices(_inside(loc, root))
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return (
        f"`{written}` is not one of the words allowed here"
        f"{_nearest(written, choices)} (allowed: {listed})"
    )


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ": remove it or correct it"


def _how_to_write(loc: Loc, root: type[BaseModel]) -> str:
    if not loc:
        return "write its sections"
    kind = _inside(loc, root)
    dotted = ".".join(str(step) for step in loc if isinstance(step, str))
    if _keys(kind) and isinstance(loc[-1], int):
        return f"write it as [[{dotted}]]"
    if _keys(kind) or get_origin(kind) is Mapping:
        return f"write a section [{dotted}]"
    if listed := _sections(loc, root):
        return listed
    return f"write it, as {loc[-1]} = {_example(loc, root)}"


def _sections(loc: Loc, root: type[BaseModel]) -> str:
    """Say how to write a list of sections; nothing, if it is of something else."""
    kind = _inside(loc, root)
    if get_origin(kind) is not tuple or not _keys(get_args(kind)[0]):
        return ""
    dotted = ".".join(str(step) for step in loc if isinstance(step, str))
    field = _field(loc, root)
    none = "" if field and field.metadata else f", or {loc[-1]} = [] for none"
    return f"write one section [[{dotted}]] for each{none}"


def _example(loc: Loc, root: type[BaseModel]) -> str:
    field = _field(loc, root)
    if field and field.examples:
        return str(field.examples[0])
    return " or ".join(f'"{choice}"' for choice in _choices(_inside(loc, root))) or "[]"


def _field(loc: Loc, root: type[BaseModel]) -> FieldInfo | None:
    owner = _inside(loc[:-1], root)
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        return owner.model_fields.get(str(loc[-1]))
    return None


def _inside(loc: Loc, root: type[BaseModel]) -> Any:  # noqa: ANN401 - an annotation is of any type
    """Follow *loc* through the schema to the type declared there."""
    kind: Any = root
    for step in loc:
        if get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif get_origin(kind) is Mapping:
            kind = get_args(kind)[1]
        elif field := getattr(kind, "model_fields", {}).get(step):
            kind = _without_none(field.annotation)
        else:
            return NoneType
    return kind


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - as above
    rest = [part for part in get_args(kind) if part is not NoneType]
    return rest[0] if NoneType in get_args(kind) else kind


def _keys(kind: Any) -> list[str]:  # noqa: ANN401 - as above
    return list(getattr(kind, "model_fields", ()))


def _names(kind: Any) -> Any:  # noqa: ANN401 - as above
    return get_args(kind)[0] if get_origin(kind) is Mapping else NoneType


def _choices(kind: Any) -> list[str]:  # noqa: ANN401 - as above
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(choice.value) for choice in kind]
    return []
