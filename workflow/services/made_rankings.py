"""What does an entry tell of a ranking that was made?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from workflow.facts import ActFacts


@dataclass(frozen=True, slots=True)
class Made:
    """The last version of a ranking, and the act that made it."""

    version: int
    entry: int
    act: str
    sha256: str
    members: frozenset[str]
    """Who has a place in it, by protocol number."""


def made(body: Mapping[str, Any]) -> Made:
    """Read which ranking an entry has made."""
    told = body["findings"]["ranking"]
    return Made(
        told["version"],
        body["seq"],
        str(act_of(body)),
        told["sha256"],
        frozenset(one["application"] for one in told["order"]),
    )


def act_of(body: Mapping[str, Any]) -> ActFacts:
    """Read on which act it was made."""
    act = body["act"]
    return ActFacts(act["kind"], act["number"], date.fromisoformat(act["signed_on"]))
