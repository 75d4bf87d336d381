"""How is an entry shown in a table: for a spreadsheet, and on a page?"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from workflow.rules.amounts import format_money

COLUMNS = (
    *("seq", "at", "local", "protocol", "application", "event", "outcome", "from"),
    *("to", "version", "actor", "officer", "role", "identity", "channel"),
    *("call_version", "act", "basis", "reason", "refused_for", "reserved_after"),
    *("granted_after", "allocation", "hash"),
)
"""Of entries.csv; money in euros with two decimals."""

_COMMANDS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - signs that a spreadsheet takes for the others


def said(body: str) -> Mapping[str, Any]:
    """Return what an entry says; nothing if it makes no sense."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def cells(seq: object, hashed: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the cells of an entry, in the order of the columns.

    Spreadsheets take a text that begins like a formula for one: an apostrophe
    before it keeps it a text (CWE-1236).
    """
    for value in _values(seq, hashed, body):
        text = "" if value is None else str(value)
        yield f"'{text}" if text.startswith(_COMMANDS) else text


def row(seq: object, body: Mapping[str, Any]) -> dict[str, object]:
    """Return what the page tells of an entry."""
    actor, refusal = _part(body, "actor"), _part(body, "refusal")
    after = _part(_part(body, "money"), "after")
    why = (_act(body), body.get("reason"), refusal.get("message"))
    return {
        "seq": seq,
        "local": str(body.get("local"))[:19].replace("T", " "),
        "event": body.get("event"),
        "moved": _moved(body, refusal),
        "refused": bool(refusal),
        "who": " ".join(str(actor.get(name) or "")[:13] for name in ("role", "id")),
        "why": "; ".join(str(part) for part in why if part),
        "residual": _residual(after),
    }


def money(cents: object) -> str:
    """Write an amount; what is none as it is."""
    return format_money(cents) if isinstance(cents, int) else str(cents)


def _values(seq: object, hashed: str, body: Mapping[str, Any]) -> Iterator[object]:
    actor = _part(body, "actor")
    after = _part(_part(body, "money"), "after")
    yield seq
    for name in COLUMNS[1:10]:
        yield body.get(name)
    for name in ("kind", "id", "role", "identity"):
        yield actor.get(name)
    yield body.get("channel")
    yield body.get("call_version")
    yield _act(body)
    yield body.get("basis")
    yield body.get("reason")
    yield _part(body, "refusal").get("code")
    for name in ("reserved", "granted", "allocation"):
        yield money(after[name]) if name in after else None
    yield hashed


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
