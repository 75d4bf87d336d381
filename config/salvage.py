"""What can still be read of a file in which something is wrong?"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from config.schema import Part, UnreadError
from config.values import roughly

_Root = TypeVar("_Root", bound=Part)


def salvaged(contents: Mapping[str, object], root: type[_Root]) -> _Root:
    """Read each value by itself; asking for one that is wrong raises `UnreadError`.

    What comes out is only good for being checked: it is not a call, nor a plan.
    """
    part: _Root = _part(root, contents)
    return part


def _part(model: type[Part], contents: object) -> Any:  # noqa: ANN401 - of *model*
    written = contents if isinstance(contents, dict) else {}
    part = model.model_construct()
    values = vars(part)
    # An unknown key may be an optional one, misspelt: then its usual value, put
    # in above, would be a guess.
    if written is not contents or written.keys() - model.model_fields.keys():
        values.clear()
    part.model_fields_set.update(written.keys() & model.model_fields.keys())
    for name, field in model.model_fields.items():
        if name in written:
            values.pop(name, None)
            with suppress(UnreadError):
                values[name] = _value(model, field, name, written[name])
    return part


def _value(model: type[Part], field: FieldInfo, name: str, written: object) -> object:
    declared: Any = field.annotation
    kind, inner = get_origin(declared), get_args(declared)
    if _is_part(declared):
        return _part(declared, written)
    if kind is tuple and _is_part(inner[0]) and isinstance(written, list):
        return tuple(_part(inner[0], item) for item in written)
    if kind is Mapping and isinstance(written, dict):
        return {
            key: _part(inner[1], written[key]) for key in inner[0] if key in written
        }
    try:
        return _reader(model, name).validate_python(written)
    except ValidationError as error:
        if declared is datetime and (rough := roughly(written)):
            return rough
        raise UnreadError(name) from error


@cache
def _reader(model: type[Part], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[name].rebuild_annotation())


def _is_part(kind: Any) -> bool:  # noqa: ANN401 - an annotation is of any type
    return isinstance(kind, type) and issubclass(kind, Part)
