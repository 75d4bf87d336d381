"""Does the register agree with what an auditor has kept of it?"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from config.handed_in import EndlessLineError, lines
from models.canonical import digest
from workflow.anchors.heads import Heads
from workflow.anchors.series import AnchorFault, Series, read
from workflow.anchors.signatures import holds
from workflow.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Trusted:
    """What whoever verifies got in another way, and believes."""

    key: str | None = None
    """The public key of the register, in hex."""
    anchors: Path | None = None
    """Their own copies of anchors, one a line."""


NOTHING = Trusted()

_LONGEST = 16 * 2**20
"""Bytes of a line; an anchor has two hundred for each call."""


@dataclass(frozen=True, slots=True)
class Held:
    """How the register stands to it."""

    agree: int | None
    """Own copies that are anchors of the register; none if there was no file."""
    faults: tuple[AnchorFault, ...]


def hold(trusted: Trusted, series: Series, heads: Heads) -> Held:
    """Compare the anchors that were read with what is trusted.

    What the copies saw of the chains is noted, so that the chains are held against
    them too, whatever the database has in their place.

    Raises:
        UnavailableError: the file of the copies cannot be read.
    """
    faults, agree = [], None
    if trusted.key is not None and trusted.key.lower() not in series.keys:
        faults.append(AnchorFault(0, "the key that you trust has signed none of them"))
    if trusted.anchors is not None:
        found = [_held(copy, series, heads) for copy in _copies(trusted.anchors)]
        faults += [fault for fault in found if fault is not None]
        agree = found.count(None)
        if not found:
            faults.append(AnchorFault(0, "your own copy holds no anchor"))
    return Held(agree, tuple(faults))


def _copies(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file, suppress(EndlessLineError):
            yield from (line for line, _ in lines(file, _LONGEST))
    except OSError as error:
        raise UnavailableError(
            "anchors.unreadable",
            f"your own copy of the anchors, {path}, cannot be read: {error.strerror}",
        ) from error


def _held(line: bytes, series: Series, heads: Heads) -> AnchorFault | None:
    """Hold the register against one of them; return what does not agree."""
    try:
        copy = orjson.loads(line[:_LONGEST])
        content = str(copy["body"])
        body = read(content)
    except (orjson.JSONDecodeError, LookupError, TypeError):
        body = None
    if body is None:
        return AnchorFault(0, "a line of your own copy is no anchor")
    number = body.get("number")
    number = number if isinstance(number, int) else 0
    if (
        digest(content.encode()) != copy.get("hash")
        or body.get("key") != copy.get("key")
        or not holds(content.encode(), copy.get("signature"), copy.get("key"))
    ):
        return AnchorFault(number, "your own copy of it does not hold by itself")
    heads.note(number, body)
    kept = series.hashes.get(number)
    if kept is None:
        return AnchorFault(number, "you have kept it, and the database lacks it")
    if kept != copy["hash"]:
        return AnchorFault(number, "you have kept another one than the database has")
    return None
