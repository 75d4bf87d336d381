"""Which bytes stand for a value, so that everyone gets the same hash?"""

import re
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from types import NoneType
from typing import TypeAlias

import orjson

JsonValue: TypeAlias = (
    "str | int | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
"""What an entry may hold: no floats, and only ASCII keys."""

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_SCALARS = frozenset({str, int, bool, NoneType})
_LARGEST = 2**53 - 1
_LIKE_A_FLOAT = re.compile(rb'(?:^|":|[\[,])-?[0-9]+[.eE]')
"""Where a float would stand; a text may hold the same, so it tells where to look."""


class CanonicalError(ValueError):
    """A value has no canonical form; the message names its place."""


def encode(value: JsonValue) -> bytes:
    """Write *value* as canonical JSON (RFC 8785).

    Without floats and with ASCII keys, sorting by bytes is sorting by UTF-16
    units, and a fast encoder gives what a reference encoder gives.

    Raises:
        CanonicalError: a float, a foreign type, a key that is not ASCII text, an
            integer of 2**53 or more, a lone surrogate, or a value nested too deeply.
    """
    try:
        if _is_plain(value):
            return orjson.dumps(value, option=_OPTIONS)
    except (TypeError, RecursionError):
        pass  # the slow way below finds the place, and says it
    try:
        return orjson.dumps(_copied(value, "$"), option=_OPTIONS)
    except (TypeError, RecursionError):
        msg = "$: nested too deeply, or within itself"
        raise CanonicalError(msg) from None


def is_canonical(data: bytes, value: JsonValue) -> bool:
    """Tell whether *data* is the canonical form of *value*, which was read from it.

    Faster than `encode`: what was read holds plain types only, and the encoder gives
    the same bytes again if keys are in order and nothing is written in two ways. It
    would write floats too, and keys in any alphabet: those are looked for.
    """
    if not data.isascii():
        try:
            return encode(value) == data
        except CanonicalError:
            return False
    try:
        if orjson.dumps(value, option=_OPTIONS) != data:
            return False
        return not (_LIKE_A_FLOAT.search(data) and _has_float(value))
    except (TypeError, RecursionError):
        return False


def digest(data: bytes) -> str:
    """Return the SHA-256 of *data* in lower-case hex (*impronta*)."""
    return sha256(data).hexdigest()


def _is_plain(value: object) -> bool:
    """Tell, at the speed of C for flat values, whether only plain types are inside.

    The size of integers and lone surrogates are left to the encoder; joining the
    keys fails on those that are not text.
    """
    items: Collection[object]
    if isinstance(value, dict):
        if not "".join(value).isascii():
            return False
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    else:
        return type(value) in _SCALARS
    if _SCALARS.issuperset(map(type, items)):
        return True
    return all(type(item) in _SCALARS or _is_plain(item) for item in items)


def _has_float(value: object) -> bool:
    """Look into lists and objects; one comparison for each value, and no call."""
    items: Collection[object] = ()
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list):
        items = value
    elif type(value) is float:
        return True
    for item in items:
        kind = type(item)
        if kind is float:
            return True
        if (kind is dict or kind is list) and item and _has_float(item):
            return True
    return False


def _copied(value: object, place: str) -> object:
    """Copy *value* into plain types (a word of the vocabulary is a text)."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, int):
        return _integer(value, place)
    if isinstance(value, dict):
        return {
            _key(key, place): _copied(item, f"{place}.{key}")
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_copied(item, f"{place}[{index}]") for index, item in enumerate(value)]
    msg = f"{place}: a {type(value).__name__} has no canonical form"
    raise CanonicalError(msg)


def _text(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        msg = f"{place}: a lone surrogate is not text"
        raise CanonicalError(msg) from None
    return str(value)


def _integer(value: int, place: str) -> int:
    if abs(value) > _LARGEST:
        msg = f"{place}: the integer is not below 2**53"
        raise CanonicalError(msg)
    return int(value)


def _key(key: object, place: str) -> str:
    if not isinstance(key, str) or not key.isascii():
        msg = f"{place}: the key {key!r} is not ASCII text"
        raise CanonicalError(msg)
    return str(key)
