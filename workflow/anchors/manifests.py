"""What does an anchor say, and which of its bytes are signed?

An anchor (*ancora*) says where every chain stood at an instant. It is canonical
JSON, as an entry is; it names the hash of the anchor before it, and it is signed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.canonical import digest, encode
from workflow.anchors.signatures import Signer
from workflow.register import GENESIS, written

FORMAT = 1
"""The version of the form of an anchor; it stands in each of them."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain of a call stood: how many entries, and the last one's hash."""

    call: str
    entries: int
    hash: str


@dataclass(frozen=True, slots=True)
class Signed:
    """An anchor as it is stored, beside what proves it."""

    number: int
    at: str
    hash: str
    body: str
    """The canonical text that was hashed and signed."""
    key: str
    """The public key with which it verifies, in hex."""
    signature: str
    endorsement: str | None
    """The signature of the key before, over the first manifest of a new one."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A day that went without an anchor, and who says why; never a name."""

    day: date
    because: str
    by: str
    """The reference of the officer, as entries bear it."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """Why the key was changed, and who says so; never a name."""

    because: str
    by: str
    """The reference of the officer, as entries bear it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """When an anchor is made, and by which program."""

    at: datetime
    software: str
    simulated: bool
    missed: tuple[Missed, ...] = ()
    """Days without an anchor that are explained in this one."""
    rotated: Rotated | None = None
    """Of a change of the key: who made it, and why."""


def make(
    heads: Iterable[Head],
    setting: Setting,
    signer: Signer,
    *,
    last: Signed | None,
    old: Signer | None = None,
) -> Signed:
    """Write the anchor that follows *last*, and sign it.

    A key that is not that of the last one is named as its successor. If *old* still
    holds that key it endorses the new one, so that whoever trusts it may go on.
    """
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "number": last.number + 1 if last else 1,
        "at": written(setting.at),
        "simulated": setting.simulated,
        "software": setting.software,
        "previous": last.hash if last else GENESIS,
        "calls": [
            {"call": head.call, "entries": head.entries, "head": head.hash}
            for head in sorted(heads, key=lambda head: head.call)
        ],
        "key": signer.public,
    }
    if last is not None and last.key != signer.public:
        manifest["rotated_from"] = last.key
    if setting.rotated:
        told = {"because": setting.rotated.because, "by": setting.rotated.by}
        manifest["rotated"] = told
    if setting.missed:
        manifest["missed"] = [
            {"day": one.day.isoformat(), "because": one.because, "by": one.by}
            for one in setting.missed
        ]
    body = encode(manifest)
    return Signed(
        manifest["number"],
        manifest["at"],
        digest(body),
        body.decode(),
        signer.public,
        signer.sign(body),
        old.sign(body) if old is not None and "rotated_from" in manifest else None,
    )


def line(anchor: Signed) -> bytes:
    """Write an anchor as it stands in the file outside of the database.

    Raises:
        CanonicalError: it holds something that is no text.
    """
    kept: Mapping[str, str | None] = {
        "body": anchor.body,
        "endorsement": anchor.endorsement,
        "hash": anchor.hash,
        "key": anchor.key,
        "signature": anchor.signature,
    }
    return encode(kept) + b"\n"
