"""Is a list what the acts that the register tells of have made of it?"""

from collections.abc import Mapping
from typing import Any

from models.vocabulary import ApplicationState, CallEvent, ListChange, Outcome
from workflow.register import shown
from workflow.rules import lists
from workflow.rules.lists import Change, Listed


class ListFold:
    """Adds up the versions of the list of one call, entry after entry."""

    def __init__(self) -> None:
        self._version = 0
        self._members: lists.Members = dict[str, Listed]()
        self._is_annulled = False

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        if body["outcome"] != Outcome.OK:
            return None
        if body["event"] == CallEvent.ANNUL_CALL:
            self._is_annulled = True
        if body["event"] == CallEvent.UPDATE_LIST:
            return self._update(body["findings"]["list"])
        if body["application"] is not None:
            return self._moved(body)
        return None

    def _update(self, told: Mapping[str, Any]) -> str | None:
        if told["version"] != self._version + 1:
            return (
                f"version {shown(told['version'])} of the list follows version "
                f"{self._version}"
            )
        self._version += 1
        changes = [
            Change(
                ListChange(one["change"]),
                one["application"],
                one["protocol"],
                tuple(one["behind"]),
            )
            for one in told["changes"]
        ]
        self._members = lists.after(self._members, self._version, changes)
        whole = len(self._members), lists.fingerprint(self._members)
        if whole != (told["size"], told["sha256"]):
            return "the list is not the one before it with the changes of this act"
        return None

    def _moved(self, body: Mapping[str, Any]) -> str | None:
        """Say whether a proposal stands on the list, and its state says otherwise."""
        source, target = body["from"], body["to"]
        listed = ApplicationState.LISTED.value
        if listed not in {source, target} or self._is_annulled:
            return None
        is_there = body["application"] in self._members
        if (target == listed) == is_there:
            return None
        where = "stands" if is_there else "does not stand"
        return f"it leads to `{shown(target)}`, and {where} on the list"
