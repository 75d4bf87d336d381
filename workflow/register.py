"""What does an entry of the register look like, and does the chain hold?

An entry is canonical JSON (RFC 8785) that names the hash of the entry before
it; its own hash is the SHA-256 of those bytes. Pure: no database, no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from models.canonical import CanonicalError, digest, encode
from models.vocabulary import ApplicationState, Outcome

FORMAT = 1
"""The version of the form of an entry; it stands in each of them."""

GENESIS = "0" * 64
"""What the first entry of a call names as the hash before it."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it is stored: the bytes that were hashed, and their hash."""

    body: bytes
    hash: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it is read back."""

    seq: int
    hash: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not verify, and at which entry (0: the call itself)."""

    seq: int
    fault: str


def written(instant: datetime) -> str:
    """Write an instant as entries do: UTC, always six decimals, `Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def seal(body: Mapping[str, Any]) -> Sealed:
    """Turn an entry into its canonical bytes and their hash.

    Raises:
        CanonicalError: it holds something that has no canonical form.
    """
    content = encode(dict(body))
    return Sealed(content, digest(content))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an application stands according to the register alone."""

    state: str = ApplicationState.DRAFT.value
    version: int = 0
    reserved: int = 0
    granted: int = 0


@dataclass
class Fold:
    """Everything that the entries of a call add up to."""

    applications: dict[str, Standing] = field(default_factory=dict)
    reserved: int = 0
    granted: int = 0
    allocation: int = 0

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        if body["outcome"] != Outcome.OK:
            return None
        fault = self._count_money(body["money"])
        identity = body["application"]
        if identity is None:
            return fault
        standing = self.applications.get(identity, Standing())
        moved = body["money"]["movements"] if body["money"] else ()
        self.applications[identity] = Standing(
            body["to"],
            body["version"],
            standing.reserved + sum(movement["reserved"] for movement in moved),
            standing.granted + sum(movement["granted"] for movement in moved),
        )
        if body["from"] != standing.state:
            return f"it starts from `{body['from']}` but stood at `{standing.state}`"
        if body["version"] != standing.version + 1:
            return f"version {body['version']} follows version {standing.version}"
        return fault

    def _count_money(self, money: Mapping[str, Any] | None) -> str | None:
        if money is None:
            return None
        for movement in money["movements"]:
            self.reserved += movement["reserved"]
            self.granted += movement["granted"]
        after = money["after"]
        self.allocation = after["allocation"]
        if (after["reserved"], after["granted"]) != (self.reserved, self.granted):
            return "the money after it is not what the movements add up to"
        if self.reserved + self.granted > self.allocation:
            return "the money passes the allocation"
        return None


@dataclass
class Chain:
    """Checks the entries of a call one after the other, in order."""

    call: str
    seq: int = 0
    head: str = GENESIS
    fold: Fold = field(default_factory=Fold)
    faults: list[Fault] = field(default_factory=list)

    def feed(self, entry: Stored) -> Mapping[str, Any] | None:
        """Check an entry against the one before it; return what it says."""
        if entry.seq != self.seq + 1:
            self._fault(entry.seq, f"entry {self.seq + 1} is missing")
        self.seq = entry.seq
        body = self._read(entry)
        if body is not None:
            self._check(entry, body)
        self.head = entry.hash
        return body

    def _check(self, entry: Stored, body: Mapping[str, Any]) -> None:
        if digest(entry.body) != entry.hash:
            self._fault(entry.seq, "its content does not match its hash")
        if body.get("previous") != self.head:
            self._fault(entry.seq, "it does not follow the entry before it")
        if body.get("call") != self.call or body.get("seq") != entry.seq:
            self._fault(entry.seq, "it belongs to another call or place")
        try:
            fault = self.fold.feed(body)
        except (KeyError, TypeError) as error:
            fault = f"it lacks what an entry must say: {error}"
        if fault:
            self._fault(entry.seq, fault)

    def _read(self, entry: Stored) -> Mapping[str, Any] | None:
        try:
            body = orjson.loads(entry.body)
            canonical = isinstance(body, dict) and encode(body) == entry.body
        except (orjson.JSONDecodeError, CanonicalError):
            self._fault(entry.seq, "it cannot be read")
            return None
        if not canonical:
            self._fault(entry.seq, "it is not in canonical form")
            return None
        return body  # type: ignore[no-any-return]  # orjson.loads returns Any

    def close(self, *, count: int, head: str) -> None:
        """Compare the chain with the count and the head kept beside the call."""
        if self.seq != count:
            self._fault(self.seq, f"{count} entries were written, {self.seq} are there")
        if self.head != head:
            self._fault(self.seq, "the last entry is not the head of the call")

    def compare(self, applications: Iterable[tuple[str, Standing]]) -> None:
        """Compare where the applications stand with what the entries say."""
        seen = set()
        for identity, actual in applications:
            seen.add(identity)
            told = self.fold.applications.get(identity)
            if told is None:
                self._fault(0, f"application {identity} has no entry")
            elif told != actual:
                self._fault(0, f"application {identity} {_difference(told, actual)}")
        for identity in self.fold.applications.keys() - seen:
            self._fault(0, f"application {identity} is in the entries only")

    def _fault(self, seq: int, fault: str) -> None:
        self.faults.append(Fault(seq, fault))


def _difference(told: Standing, actual: Standing) -> str:
    names = ("state", "version", "reserved", "granted")
    return "; ".join(
        f"has {name} {getattr(actual, name)}, the register says {getattr(told, name)}"
        for name in names
        if getattr(told, name) != getattr(actual, name)
    )
