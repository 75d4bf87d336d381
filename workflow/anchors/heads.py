"""Is every chain still where the anchors saw it?"""

from collections.abc import Mapping
from typing import Any

from workflow.anchors.series import AnchorFault


class Marks:
    """The places of one chain that anchors speak of, each with its hash."""

    def __init__(self, call: str) -> None:
        self.call = call
        self.fault: AnchorFault | None = None
        """The first thing that does not hold: all after it would follow from it."""
        self._hashes: dict[int, tuple[int, str]] = {}

    def add(self, number: int, *, entries: int, head: str) -> None:
        """Note where an anchor saw the chain; what was seen before is known."""
        if not entries:
            return
        seen = self._hashes.setdefault(entries, (number, head))
        if seen[1] != head:
            self._found(number, f"{self.call}: entry {entries} is told in two ways")

    def check(self, seq: int, found: object) -> None:
        """Compare an entry with what the anchors say of it."""
        number, head = self._hashes.pop(seq, (0, found))
        if head != found:
            self._found(number, f"{self.call}: entry {seq} is not the one it saw")

    def close(self, entries: int) -> None:
        """Find the places that the chain does not reach, or that it skips."""
        if self._hashes:
            seq, (number, _) = min(self._hashes.items())
            told = f"{self.call}: it saw entry {seq}"
            lacks = f"the chain ends with {entries}" if seq > entries else "it is gone"
            self._found(number, f"{told}, {lacks}")

    def _found(self, number: int, fault: str) -> None:
        if self.fault is None:
            self.fault = AnchorFault(number, fault)


class Heads:
    """Where the anchors saw every chain.

    It holds one place for each day on which something happened, however long the
    chains are.
    """

    def __init__(self) -> None:
        self._calls: dict[str, Marks] = {}

    def note(self, number: int, body: Mapping[str, Any]) -> None:
        """Take in what an anchor says; what makes no sense is told elsewhere."""
        try:
            seen = [(one["call"], one["entries"], one["head"]) for one in body["calls"]]
        except (KeyError, TypeError):
            return
        for call, entries, head in seen:
            if isinstance(call, str) and isinstance(entries, int):
                self.of(call).add(number, entries=entries, head=head)

    def of(self, call: str) -> Marks:
        """Return the places of a call, for its chain to be checked."""
        return self._calls.setdefault(call, Marks(call))

    def faults(self) -> list[AnchorFault]:
        """Return what does not hold, once every chain was checked to its end."""
        return [marks.fault for marks in self._calls.values() if marks.fault]

    def unseen(self, seen: set[str]) -> list[Marks]:
        """Return the places of calls that are not there any more."""
        return [marks for call, marks in self._calls.items() if call not in seen]
