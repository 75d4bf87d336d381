"""Did anybody act on a file from which a conflict of interests kept them?

A conflict stands from the entry that declares it to the one that takes it back. The
call need not ask for it: the law does (art. 6-bis L. 241/1990).
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

from models.vocabulary import Event, Outcome
from workflow.moves import guards
from workflow.moves.families import TABLES
from workflow.register import shown


class Abstentions:
    """Follows who abstains from which files of one call (*astensione*)."""

    def __init__(
        self, family: object, standing: MutableMapping[str, dict[str, int]]
    ) -> None:
        self._standing = standing
        table = TABLES.get(str(family))
        self._impartial = {
            (move.event.value, source.value)
            for move in (table.moves if table else ())
            if guards.people.abstains_not in move.accepts
            for source in move.sources
        }

    def fault(self, body: Mapping[str, Any]) -> str | None:
        """Say whether who has to abstain has not, of what was carried out."""
        event, application = body["event"], body["application"]
        if body["outcome"] != Outcome.OK:
            return None
        if event in {Event.DECLARE_CONFLICT, Event.END_CONFLICT}:
            self._follow(event, application, body)
        if (event, body["from"]) not in self._impartial:
            return None
        actor, standing = body["actor"], self._standing.get(application, {})
        for officer in (actor["id"], actor.get("on_behalf_of")):
            if officer in standing:
                return (
                    f"the officer {shown(officer)} has a conflict of interests, by "
                    f"entry {standing[officer]}, and acts all the same, or somebody on "
                    f"their behalf: `{shown(event)}`"
                )
        return None

    def _follow(self, event: str, application: str, body: Mapping[str, Any]) -> None:
        officer = body["inputs"]["officer"]
        standing = {
            one: seq
            for one, seq in self._standing.get(application, {}).items()
            if one != officer
        }
        if event == Event.DECLARE_CONFLICT:
            standing[officer] = body["seq"]
        self._standing[application] = standing
