"""Do the entries tell, read in their order, that turn and money were kept?"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Entry = dict[str, Any]
_QUEUED = {"submitted", "admissible", "evaluated", "waiting"}
_AWAITED = {"completion_request", "refusal_notice"}
_FREE = {"start_review": {"submitted"}, "evaluate": {"submitted", "admissible"}}
"""Whom each of the events would pass over, if nothing was done about them yet."""


def place(row: Entry) -> tuple[Any, ...]:
    return (row["received_at"], row["protocol_year"], row["protocol_number"])


@dataclass
class _File:
    place: tuple[Any, ...]
    name: str
    state: str
    is_begun: bool = False
    steps: dict[tuple[str, int], str] = field(default_factory=dict)

    def is_passed_over_by(self, other: "_File", event: str) -> bool:
        """Tell whether it is before another, and nobody has taken it up."""
        waits = any(
            kind in _AWAITED and status == "open"
            for (kind, _), status in self.steps.items()
        )
        is_begun = event == "start_review" and self.is_begun
        return (
            self.place < other.place
            and self.state in _FREE[event]
            and not is_begun
            and not waits
        )


def nobody_was_overtaken_without_an_act(made: list[Entry]) -> None:
    files: dict[str, dict[str, _File]] = defaultdict(dict)
    for entry in made:
        if not entry["application"] or entry["outcome"] != "ok":
            continue
        of_call, name = files[entry["call"]], entry["application"]
        if entry["event"] == "submit":
            order = entry["order"]
            place = (
                order["received_at"],
                order["protocol_year"],
                order["protocol_number"],
            )
            of_call[name] = _File(place, entry["protocol"], entry["to"])
        if name not in of_call:
            continue
        own = of_call[name]
        if entry["event"] in _FREE:
            behind = [
                one
                for one in of_call.values()
                if one.is_passed_over_by(own, entry["event"])
            ]
            named = [one.name for one in sorted(behind, key=lambda one: one.place)]
            assert entry["findings"].get("overtaken", []) == named, entry
            assert not behind or (entry["act"] and entry["reason"])
        own.state = entry["to"]
        own.is_begun |= entry["event"] == "start_review"
        for step in entry["steps"]:
            own.steps[step["kind"], step["ordinal"]] = step["status"]


def all_stands_where_the_entries_say(made: list[Entry], content: Any) -> None:
    """Each file moved once from each version on, and stands where the last move led."""
    standing: dict[str, list[Any]] = {}
    for entry in made:
        if entry["outcome"] != "ok" or not entry["application"]:
            continue
        now = standing.setdefault(entry["application"], ["draft", 0, 0, 0])
        assert (entry["from"], entry["version"]) == (now[0], now[1] + 1), entry
        now[0], now[1] = entry["to"], entry["version"]
        for moved in entry["money"]["movements"]:
            now[2] += moved["reserved"]
            now[3] += moved["granted"]
    columns = ("state", "version", "reserved", "granted")
    assert standing == {
        str(row["id"]): [row[name] for name in columns]
        for row in content["applications"]
    }


def nobody_filed_at_a_closed_counter(made: list[Entry]) -> None:
    """Each was received in a stretch in which the counter had been opened by then."""
    stretches: dict[tuple[str, int], Entry] = {}
    for entry in (entry for entry in made if entry["outcome"] == "ok"):
        if opening := entry["findings"].get("opening"):
            stretches[entry["call"], opening["ordinal"]] = opening
        if entry["event"] == "submit":
            received = entry["order"]["received_at"]
            assert any(
                one["opened_at"] <= received <= (one["ended_at"] or received)
                for (call, _), one in stretches.items()
                if call == entry["call"]
            ), entry


def money_was_there(made: list[Entry], content: Any) -> None:
    """At no entry was there more than the allocation, and it is where it belongs."""
    for call in content["calls"]:
        reserved = granted = allocation = 0
        for entry in made:
            if entry["call"] != call["code"] or entry["outcome"] != "ok":
                continue
            allocation = entry["findings"].get("allocation", allocation)
            for moved in (entry["money"] or {"movements": ()})["movements"]:
                reserved += moved["reserved"]
                granted += moved["granted"]
            assert min(reserved, granted) >= 0
            assert reserved + granted <= allocation, entry
        assert allocation == call["allocation"]
        assert (reserved, granted) == (call["reserved"], call["granted"])
        rows = [row for row in content["applications"] if row["call_id"] == call["id"]]
        assert reserved == sum(row["reserved"] for row in rows)
        assert granted == sum(row["granted"] for row in rows)
        covered = True
        for row in sorted(rows, key=place):
            if row["state"] in _QUEUED:
                assert row["reserved"] in {0, row["requested"]}
                assert covered or not row["reserved"], "a later one has the money"
                covered = bool(row["reserved"])
