"""Do the anchors hold, one after the other?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from models.canonical import CanonicalError, digest, encode
from workflow.anchors.gaps import Gaps
from workflow.anchors.manifests import Signed
from workflow.anchors.signatures import holds
from workflow.register import GENESIS
from workflow.rules.calendar import civil_day


@dataclass(frozen=True, slots=True)
class AnchorFault:
    """Something that does not verify, and at which anchor (0: none of them)."""

    number: int
    fault: str


@dataclass
class Series:
    """Checks anchors in the order of their numbers."""

    count: int = 0
    last: Signed | None = None
    keys: dict[str, int] = field(default_factory=dict)
    """Every key that has signed, with the first anchor that is signed with it."""
    hashes: dict[int, str] = field(default_factory=dict)
    faults: list[AnchorFault] = field(default_factory=list)
    gaps: Gaps = field(default_factory=Gaps)
    """Days of Rome on which none was made, since the first."""
    _heads: dict[str, tuple[int, str]] = field(default_factory=dict)

    def feed(self, anchor: Signed) -> Mapping[str, Any] | None:
        """Check an anchor against the one before it; return what it says."""
        self.count += 1
        expected = self.last.number + 1 if self.last else 1
        if anchor.number != expected:
            self._fault(anchor.number, f"anchor {expected} is missing")
        body = read(anchor.body)
        if body is None:
            self._fault(anchor.number, "it cannot be read, or is not in canonical form")
        else:
            for fault in _sensible(self._found(anchor, body)):
                self._fault(anchor.number, fault)
        self.last = anchor
        self.keys.setdefault(anchor.key, anchor.number)
        self.hashes[anchor.number] = anchor.hash
        return body

    def close(self, last_entry: datetime | None) -> None:
        """Look for days without an anchor, up to the last on which anything happened.

        Not up to today: a backup may be looked at long after it was made.
        """
        number = self.last.number if self.last else 0
        try:
            if last_entry is not None:
                self.gaps.reach(number, civil_day(last_entry))
        except OverflowError:
            self._fault(0, "the last entry is dated where days have their end")
        for found, span in self.gaps.unexplained():
            self._fault(found, f"no anchor {span}")
        self.faults.sort(key=lambda fault: fault.number)

    def _found(self, anchor: Signed, body: Mapping[str, Any]) -> Iterator[str]:
        content = anchor.body.encode()
        if digest(content) != anchor.hash:
            yield "its content does not match its hash"
        if not holds(content, anchor.signature, anchor.key):
            yield "its signature does not hold"
        if (body["number"], body["at"], body["key"]) != (
            anchor.number,
            anchor.at,
            anchor.key,
        ):
            yield "the columns beside it say something else"
        if body["previous"] != (self.last.hash if self.last else GENESIS):
            yield "it does not follow the anchor before it"
        yield from self._of_key(anchor, body, content)
        if self.last is not None and body["at"] < self.last.at:
            yield "it is dated before the anchor before it"
        yield from self._of_calls(body)
        self.gaps.take(anchor.number, body)

    def _of_key(
        self, anchor: Signed, body: Mapping[str, Any], content: bytes
    ) -> Iterator[str]:
        before = self.last.key if self.last else anchor.key
        if before == anchor.key:
            if anchor.endorsement is not None or "rotated_from" in body:
                yield "it names a key before it, and the key is the same"
        elif body.get("rotated_from") != before or not holds(
            content, anchor.endorsement, before
        ):
            yield "the key changed, and the one before does not endorse it"

    def _of_calls(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Compare the chains with those of the anchor before: they only grow."""
        told = {one["call"]: (one["entries"], one["head"]) for one in body["calls"]}
        if list(told) != sorted(told) or len(told) != len(body["calls"]):
            yield "its calls are not in order"
        for call, (entries, head) in self._heads.items():
            now, hash_now = told.get(call, (0, ""))
            if now < entries or (now == entries and hash_now != head):
                yield f"{call}: the anchor before it saw more, or something else"
        self._heads = told

    def _fault(self, number: int, fault: str) -> None:
        self.faults.append(AnchorFault(number, fault))


def read(content: str) -> Mapping[str, Any] | None:
    """Return what an anchor says; nothing if it is not in canonical form."""
    try:
        body = orjson.loads(content)
        canonical = isinstance(body, dict) and encode(body) == content.encode()
    except (orjson.JSONDecodeError, CanonicalError, UnicodeEncodeError):
        return None
    return body if canonical else None


def _sensible(faults: Iterator[str]) -> Iterator[str]:
    """Return what is wrong with an anchor, also when it makes no sense at all."""
    try:
        yield from faults
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        yield "it says something in a form that no anchor has"
