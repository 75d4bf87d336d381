"""Does the ledger of movements say the same as the entries?"""

import sys
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from sqlmodel import Session

from workflow.register import Fault
from workflow.services.verified_rows import MOVEMENTS, identity, instant, tuples
from workflow.verification.chains import difference

_NOWHERE = sys.maxsize
_NOTHING: Mapping[str, Any] = {"before": {"residual": 0}, "movements": ()}


class Ledger:
    """Compares the ledger of movements with the entries, both read in order."""

    def __init__(self, session: Session, call: Any) -> None:  # noqa: ANN401 - a row
        kept = tuples(session, MOVEMENTS, call=call.id)
        self._groups = groupby(kept, key=lambda row: _place(row[0]))
        self._next = next(self._groups, None)

    def fault(self, seq: int, body: Any) -> str | None:  # noqa: ANN401 - JSON
        """Say whether an entry and the movements kept under it differ."""
        kept = [
            {
                "kind": kind,
                "reserved": reserved,
                "granted": granted,
                "application": identity(application),
                "residual": residual,
                "at": instant(at),
                "call_version": version,
            }
            for _, kind, reserved, granted, application, residual, at, version in (
                self._until(seq)
            )
        ]
        told = _movements_of(body)
        return None if kept == told else _difference(kept, told)

    def _until(self, seq: int) -> list[Any]:
        kept: list[Any] = []
        while self._next is not None and self._next[0] <= seq:
            kept += self._next[1]
            self._next = next(self._groups, None)
        return kept

    def rest(self) -> Fault | None:
        """Say whether there are movements that no entry tells of."""
        if self._next is None:
            return None
        seq = self._next[0]
        for _ in self._groups:
            pass  # read to its end, the cursor closes by itself
        return Fault(
            0 if seq == _NOWHERE else seq,
            "the ledger has a movement that no entry tells of",
            "ledger",
        )


def _difference(kept: list[Any], told: list[Any] | None) -> str:
    if told is None:  # nobody can read what it tells
        return "the ledger of movements says something else"
    if len(kept) != len(told):
        return (
            f"the ledger of movements has {len(kept)} under it, it tells of {len(told)}"
        )
    differs = (
        difference(said, row)
        for row, said in zip(kept, told, strict=True)
        if row != said
    )
    return f"the ledger of movements {next(differs)}"


def _movements_of(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
    """Return the movements that an entry tells of; nothing if it makes no sense."""
    try:
        money = body["money"] or _NOTHING
        left, found = money["before"]["residual"], []
        for movement in money["movements"]:
            left -= movement["reserved"] + movement["granted"]
            told = {name: body[name] for name in ("application", "at", "call_version")}
            found.append({**movement, **told, "residual": left})
    except (KeyError, TypeError):
        return None
    else:
        return found


def _place(seq: object) -> int:
    return seq if isinstance(seq, int) else _NOWHERE
