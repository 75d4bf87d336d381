"""Does the ledger of movements say the same as the entries?"""

import sys
from itertools import groupby
from typing import Any

from sqlmodel import Session

from workflow.register import Fault
from workflow.services.verified_rows import MOVEMENTS, identity, tuples

_NOWHERE = sys.maxsize


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
            }
            for _, kind, reserved, granted, application in self._until(seq)
        ]
        if kept == _movements_of(body):
            return None
        return "the ledger of movements says something else"

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


def _movements_of(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
    """Return the movements that an entry tells of; nothing if it makes no sense."""
    try:
        return [
            {**movement, "application": body["application"]}
            for movement in (body["money"] or {"movements": ()})["movements"]
        ]
    except (KeyError, TypeError):
        return None


def _place(seq: object) -> int:
    return seq if isinstance(seq, int) else _NOWHERE
