"""Was a move one that the program allowed when its entry was written?

Only what was carried out is judged: whoever was refused may have asked for
anything. Guards are not asked again, because what they looked at is gone.
"""

from collections.abc import Mapping
from typing import Any

from models.vocabulary import ActorKind, Outcome
from workflow.moves.editions import CALL, Allowed, edition, known
from workflow.register import shown


class Judge:
    """Compares the entries of one call with the tables of moves, each of its time."""

    def __init__(self, family: object, *, running: str) -> None:
        self._family = family
        self._known = known(running)
        self._editions: dict[object, Allowed | None] = {}
        """What each text found as `software` allows: there are few of them."""

    def fault(self, body: Mapping[str, Any]) -> str | None:
        """Say what no version of the program would have done."""
        actor = body["actor"]
        if fault := _of_actor(actor):
            return fault
        if body["outcome"] != Outcome.OK:
            return None
        software = body["software"]
        if software not in self._editions:
            self._editions[software] = self._known.get(edition(software))
        allowed = self._editions[software]
        if allowed is None:
            return (
                f"it was written by version {shown(software)}, whose moves are not "
                "known here: verify with that version or a later one"
            )
        table = CALL if body["application"] is None else self._family
        event, role = body["event"], actor["role"]
        source, target = body["from"], body["to"]
        if (table, event, source, target, role) in allowed:
            return None
        return _why(allowed, (table, event, source, target, role), edition(software))


def _of_actor(actor: Mapping[str, Any]) -> str | None:
    """Say whether a person is not named, or whether somebody else is."""
    kind, identity = actor["kind"], actor["id"]
    if kind == ActorKind.PERSON and identity is None:
        return "a person made it, and it does not say which"
    if kind in {ActorKind.WORKER, ActorKind.UNKNOWN} and identity is not None:
        return f"{shown(kind)} made it, and it names an officer"
    return None


def _why(allowed: Allowed, row: tuple[object, Any, Any, Any, Any], version: str) -> str:
    """Say which part of a move the tables do not have."""
    table, event, source, target, role = row
    of_event = [one for one in allowed if one[:2] == (table, event)]
    if not of_event:
        return f"`{shown(event)}` is no event of version {version}"
    leads = [one for one in of_event if one[2:4] == (source, target)]
    if not leads:
        return (
            f"`{shown(event)}` does not lead from `{shown(source)}` to "
            f"`{shown(target)}` in version {version}"
        )
    return f"`{shown(event)}` is not made in the role `{shown(role)}`"
