"""Did anybody decide on what they had proposed, in a call that does not allow it?

Each entry is held to what the version of the call separates that it names.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

from models.vocabulary import Decision, Outcome
from workflow.machine import Table
from workflow.moves.families import TABLES
from workflow.register import shown

Deed = tuple[str, str | None, str | None]
"""An event, who made it, and on whose behalf."""


class Separations:
    """Follows who proposed what on the files of one call."""

    def __init__(
        self,
        family: object,
        separated: Mapping[int, frozenset[str]],
        deeds: MutableMapping[str, list[Deed]],
    ) -> None:
        self._separated, self._deeds = separated, deeds
        table = TABLES.get(str(family))
        is_wanted = table is not None and any(separated.values())
        self._deciding = _deciding(table) if table and is_wanted else {}
        self._proposing = {
            event for _, events in self._deciding.values() for event in events
        }

    def fault(self, body: Mapping[str, Any]) -> str | None:
        """Say whether who decides has proposed, of what was carried out."""
        event = body["event"]
        decides = (event, body["from"]) in self._deciding
        if not (decides or event in self._proposing) or body["outcome"] != Outcome.OK:
            return None
        actor, application = body["actor"], body["application"]
        deed = event, actor["id"], actor.get("on_behalf_of")
        deeds = self._deeds.get(application, [])
        fault = self._decided(body, deed, deeds) if decides else None
        if event in self._proposing and actor["id"] is not None:
            self._deeds[application] = [*deeds, deed]
        return fault

    def _decided(
        self, body: Mapping[str, Any], deed: Deed, deeds: list[Deed]
    ) -> str | None:
        decision, proposing = self._deciding[body["event"], body["from"]]
        if decision not in self._separated.get(body["call_version"], ()):
            return None
        theirs = {*deed[1:]} - {None}
        for event, *others in deeds:
            if event in proposing and theirs & {*others}:
                return (
                    f"the officer {shown(deed[1])} decides on what they, or whom they "
                    f"act for, had proposed: `{event}` and `{shown(deed[0])}`"
                )
        return None


def _deciding(
    table: Table,
) -> Mapping[tuple[str, str], tuple[Decision, frozenset[str]]]:
    """Return what each move that decides from a state decides, and who proposes it."""
    return {
        (move.event.value, source.value): (
            move.decides,
            frozenset(event.value for event in move.proposed_by),
        )
        for move in table.moves
        if move.decides
        for source in move.sources
    }
