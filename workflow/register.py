"""What does an entry of the register look like, and what is a fault in it?

An entry is canonical JSON (RFC 8785) that names the hash of the entry before
it; its own hash is the SHA-256 of those bytes. Pure: no database, no clock.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from models.canonical import digest, encode

FORMAT = 1
"""The version of the form of an entry; it stands in each of them."""

GENESIS = "0" * 64
"""What the first entry of a call names as the hash before it."""

_LONGEST = 80

MOST = 100
"""Faults of a kind that are kept, and told one by one."""


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
    kind: str = field(default="other", compare=False)
    """What it is like: of many of a kind the first says enough."""


class Faults(list[Fault]):
    """What does not verify: all of it is counted, of each kind some are kept.

    Where a chain was wrecked there may be as many faults as entries.
    """

    def __init__(
        self, found: Iterable[Fault] = (), counts: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(found)
        self.counts: Counter[str] = Counter(counts or {})

    def append(self, fault: Fault) -> None:
        """Note a fault."""
        self.counts[fault.kind] += 1
        if self.counts[fault.kind] <= MOST:
            super().append(fault)

    def note(self, seq: int, fault: str | None, kind: str) -> None:
        """Note what was found, if it was anything."""
        if fault is not None:
            self.append(Fault(seq, fault, kind))


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


def asked_at_first(findings: Mapping[str, Any]) -> int | None:
    """Return what was asked for, in cents, while a part of it is all that is requested.

    Who asks for all of it again says what the part was.
    """
    before: int | None = findings.get("requested_before")
    return before if before is not None and before > findings["requested"] else None


def act_of(body: Mapping[str, Any]) -> str | None:
    """Write the act of an entry as people do."""
    act = body.get("act")
    return f"{act['kind']} {act['number']}/{act['signed_on']}" if act else None


def shown(value: object) -> str:
    """Show what may be anything at all: a terminal must stand it."""
    if value is None:
        return "nothing"
    text = str(value)
    fits = text if text.isprintable() else ascii(text)
    return fits if len(fits) <= _LONGEST else f"{fits[:_LONGEST]}…"
