"""What does an entry tell of a ranking that was made?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Made:
    """The last version of a ranking, and the act that made it."""

    version: int
    entry: int
    act: str
    sha256: str


def made(body: Mapping[str, Any]) -> Made:
    """Read which ranking an entry has made."""
    told, act = body["findings"]["ranking"], body["act"]
    named = f"{act['kind']} {act['number']}/{act['signed_on']}"
    return Made(told["version"], body["seq"], named, told["sha256"])
