"""What disagrees, and how far could it be looked for?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from config.places import Loc
from config.schema import Part, UnreadError


@dataclass(frozen=True)
class Finding:
    """Something that does not agree, and where."""

    loc: Loc
    message: str


def as_far_as_read(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Go on until a value is needed that could not be read.

    One comparison, one such walk: then a bad value silences only what needs it.
    """
    with suppress(UnreadError):
        yield from findings


def repeated(parts: Sequence[Part], loc: Loc, key: str) -> Iterator[Finding]:
    """Tell every part that has the same *key* as one above it."""
    seen: Counter[str] = Counter()
    for index, part in enumerate(parts):
        name = vars(part).get(key)
        if name is None:
            continue
        if seen[name]:
            yield Finding(
                (*loc, index, key), f"`{name}` is already used above: write it once"
            )
        seen[name] += 1
