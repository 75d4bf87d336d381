"""How is an entry shown in a table: for a spreadsheet, and on a page?"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson

from workflow.rules.amounts import format_money

_PLAIN = (
    *("at", "local", "protocol", "application", "event", "outcome", "from", "to"),
    "version",
)
COLUMNS = (
    "seq",
    *_PLAIN,
    *("actor", "officer", "role", "identity", "channel"),
    *("call_version", "act", "basis", "reason", "refused_for", "reserved_after"),
    *("granted_after", "allocation", "hash"),
)
"""Of entries.csv; money in euros with two decimals."""

_COMMANDS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - signs that a spreadsheet takes for the others


Row: TypeAlias = tuple[object, ...]
"""Place, when, event, from where to where, refused, who, why, money left."""


def said(body: str) -> Mapping[str, Any]:
    """Return what an entry says; nothing if it makes no sense."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def cells(seq: object, hashed: str, body: Mapping[str, Any]) -> list[str]:
    """Return the cells of an entry, in the order of the columns."""
    said, actor = body.get, _part(body, "actor").get
    after = _part(_part(body, "money"), "after")
    values = (
        seq,
        *(said(name) for name in _PLAIN),
        *(actor(name) for name in ("kind", "id", "role", "identity")),
        said("channel"),
        said("call_version"),
        _act(body),
        said("basis"),
        said("reason"),
        _part(body, "refusal").get("code"),
        *(_euros(after, name) for name in ("reserved", "granted", "allocation")),
        hashed,
    )
    return [cell(value) for value in values]


def cell(value: object) -> str:
    """Return what stands in a cell; what is absent is empty.

    Spreadsheets take a text that begins like a formula for one: an apostrophe
    before it keeps it a text (CWE-1236).
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_COMMANDS) else text


def row(seq: object, body: Mapping[str, Any]) -> Row:
    """Return what the page tells of an entry."""
    actor, refusal = _part(body, "actor"), _part(body, "refusal")
    after = _part(_part(body, "money"), "after")
    why = (_act(body), body.get("reason"), refusal.get("message"))
    return (
        seq,
        str(body.get("local"))[:19].replace("T", " "),
        body.get("event"),
        _moved(body, refusal),
        bool(refusal),
        f"{actor.get('role') or actor.get('kind')} {str(actor.get('id') or '')[:13]}",
        "; ".join(str(part) for part in why if part),
        _residual(after),
    )


def money(cents: object) -> str:
    """Write an amount; what is none as it is."""
    return format_money(cents) if isinstance(cents, int) else str(cents)


def _euros(after: Mapping[str, Any], name: str) -> str | None:
    return money(after[name]) if name in after else None


def _moved(body: Mapping[str, Any], refusal: Mapping[str, Any]) -> str:
    if refusal:
        return f"refused: {refusal.get('code')}"
    source, target = body.get("from"), body.get("to")
    return str(target) if source in {None, target} else f"{source} → {target}"


def _act(body: Mapping[str, Any]) -> str | None:
    act = _part(body, "act")
    if not act:
        return None
    return f"{act.get('kind')} {act.get('number')}/{act.get('signed_on')}"


def _residual(after: Mapping[str, Any]) -> str:
    try:
        left = after["allocation"] - after["reserved"] - after["granted"]
    except (KeyError, TypeError):
        return ""
    return money(left)


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of an entry; nothing if there is none, or it makes no sense."""
    part = body.get(name)
    return part if isinstance(part, dict) else {}
