"""Which sums can still be reserved, if the entries of a call are gone through again?"""

from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any

from models.vocabulary import Outcome
from workflow.moves.editions import edition
from workflow.verification.beside import Key

_WITHOUT_FUNDS = "0.1"
"""The version that kept only the residual: all of it became one sum afterwards."""


class FundFold:
    """Puts sums in and takes from the oldest first, as the counter does.

    A sum is kept under the entry that made it available. Of a call of many files
    there may be many: those used up are in a mapping with room, the others here.
    """

    def __init__(self, rows: MutableMapping[Key, dict[str, Any]]) -> None:
        self._rows = rows
        self._free: deque[tuple[int, int]] = deque()
        """What is left of sums, the oldest first: the entry, and cents."""
        self._allocation = 0

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        if body["outcome"] != Outcome.OK:
            return None
        if body["application"] is None:
            more = self._more(body)
        else:
            more = -sum(
                moved["reserved"] + moved["granted"]
                for moved in (body["money"] or {"movements": ()})["movements"]
            )
        is_old = edition(body["software"]) == _WITHOUT_FUNDS
        if is_old and self._free:
            self._grow(more)
        elif more > 0:
            self._put(body, more)
        elif more < 0:
            return self._take(-more, newest_first=body["application"] is None)
        return None

    def _more(self, body: Mapping[str, Any]) -> int:
        """Return by how much the allocation changes when rules come into force."""
        findings = body["findings"] or {}
        allocation = findings.get("allocation")
        if allocation is None or findings.get("effective_at", "") > body["at"]:
            return 0
        before, self._allocation = self._allocation, allocation
        return int(allocation) - before

    def _put(self, body: Mapping[str, Any], cents: int) -> None:
        self._rows[body["seq"],] = {
            "event": body["event"],
            "application_id": body["application"],
            "amount": cents,
            "free": cents,
        }
        self._free.append((body["seq"], cents))

    def _grow(self, more: int) -> None:
        seq, free = self._free[0]
        self._free[0] = seq, free + more
        self._rows[seq,]["amount"] = self._rows[seq,]["free"] = free + more

    def _take(self, cents: int, *, newest_first: bool) -> str | None:
        while cents and self._free:
            seq, free = self._free.pop() if newest_first else self._free.popleft()
            taken = min(cents, free)
            cents -= taken
            self._rows[seq,]["free"] = free - taken
            if free > taken:
                left = (seq, free - taken)
                (self._free.append if newest_first else self._free.appendleft)(left)
        return f"{cents} cents of it come from no sum" if cents else None
