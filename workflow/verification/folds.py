"""What do the entries of a call add up to?"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from models.vocabulary import ApplicationState, Outcome
from workflow.register import shown


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

    applications: MutableMapping[str, Standing] = field(default_factory=dict)
    """Of many files: whoever has to fold them all gives a mapping with room."""
    reserved: int = 0
    granted: int = 0
    allocation: int = 0

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        if body["outcome"] != Outcome.OK:
            return None
        fault = self.count_money(body["money"])
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
            source, stood = shown(body["from"]), shown(standing.state)
            return f"it starts from `{source}` but stood at `{stood}`"
        if body["version"] != standing.version + 1:
            version = shown(body["version"])
            return f"version {version} follows version {standing.version}"
        return fault

    def count_money(self, money: Mapping[str, Any] | None) -> str | None:
        """Add what an entry moved; return what is wrong with it, if anything."""
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
