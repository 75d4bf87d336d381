"""What has to be true of everything, once it has come to rest?

By models of a few lines, which share nothing with the product: the entries are read in
their order, and what stands beside them is held against what they tell.
"""

import json
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from tests.builders import Office
from tests.contents import entries
from tests.due_terms import content_of, unwatched
from tests.faults.soak import notebooks, walks
from tests.faults.soak.notebooks import BEGINS, BUG, DONE, REFUSED
from tests.faults.soak.towns import ENOUGH, Town, waiting
from workflow.services import sweep, verification

Entry = dict[str, Any]
_DECIDED = {DONE, REFUSED}
_OF_DAYS_THAT_WERE_JUMPED_OVER = ("no anchor", "nothing was sealed since")


def hold(town: Town) -> None:
    """Hold every promise against what is there."""
    books = notebooks.notebooks(town.folder)
    with town.looked_at() as work:
        made = sorted(entries(work), key=lambda one: (one["call"], one["seq"]))
        content = content_of(work.desk.engine)
        _no_bug(town, books)
        _the_register_verifies(work, town)
        _one_move_for_each_version(made, content)
        _answers_are_kept(made, books)
        _submissions_are_kept(made, content, books)
        walks.nobody_was_overtaken_without_an_act(made)
        walks.money_was_there(made, content)
        _what_was_due_was_done_once(work, made)
        _letters_left(town, made, content)
    _much_was_done(town, made, books)


def _no_bug(town: Town, books: dict[str, list[Entry]]) -> None:
    """Whatever is not there is told in words, to people and in the log."""
    bugs = [
        line["told"] for book in books.values() for line in book if line["did"] == BUG
    ]
    assert not bugs, "\n".join(bugs)
    said = (town.folder / "log").read_text(encoding="utf-8").splitlines()
    told = [line for line in said if not line.startswith("{")]
    told += [line for line in said if line.startswith("{") and _is_bug(line)]
    assert not told, "\n".join(told)


def _is_bug(line: str) -> bool:
    """Tell whether something failed of which nobody has thought."""
    said = json.loads(line)
    if said["event"] in {"job_failed", "call_not_swept"}:
        return said.get("code") is None
    if said["event"] == "scheduler_trouble":
        return ":" in said["why"]
    return False


def _the_register_verifies(work: Office, town: Town) -> None:
    """Chain, count, and that all that stands beside is the fold of the entries."""
    desk = replace(work.desk, anchor_files=town.machines[0].anchor_files)
    examined = verification.examine(desk)
    assert [(one.call, one.faults) for one in examined.calls if not one.ok] == []
    assert examined.office.ok
    faults = [
        one
        for one in examined.anchors.faults
        if not one.fault.startswith(_OF_DAYS_THAT_WERE_JUMPED_OVER)
    ]
    assert not faults, faults


def _one_move_for_each_version(made: list[Entry], content: Any) -> None:
    versions = defaultdict(list)
    for entry in made:
        if entry["application"] and entry["outcome"] == "ok":
            versions[entry["application"]].append(entry["version"])
    for row in content["applications"]:
        assert versions[str(row["id"])] == list(range(1, row["version"] + 1))


def _answers_are_kept(made: list[Entry], books: dict[str, list[Entry]]) -> None:
    """What an officer was told is in the register, once, and where they were told."""
    kept = {(one["call"], one["seq"]): one for one in made}
    keys = Counter(one["key"] for one in made if one["outcome"] == "ok" and one["key"])
    assert [key for key, times in keys.items() if times > 1] == []
    for who, book in books.items():
        told = Counter(line["key"] for line in book if line["did"] in _DECIDED)
        begun = {line["key"] for line in book if line["did"] == BEGINS}
        assert told == dict.fromkeys(begun, 1), who
        for line in book:
            if line["did"] == DONE:
                entry = kept[line["entry"]["call"], line["entry"]["seq"]]
                assert entry["hash"] == line["entry"]["hash"], (who, line)
                assert (entry["key"], entry["outcome"]) == (line["key"], "ok")
            elif line["did"] == REFUSED:
                assert line["key"] not in keys, line


def _submissions_are_kept(
    made: list[Entry], content: Any, books: dict[str, list[Entry]]
) -> None:
    """Each that was answered has its number; each number is there once, in order."""
    codes = {row["id"]: row["code"] for row in content["calls"]}
    filed = {
        (codes[row["call_id"]], row["portal_id"]): row
        for row in content["applications"]
    }
    assert len(filed) == len(content["applications"])
    for line in (line for book in books.values() for line in book):
        answer = line.get("answer")
        if answer is None:
            continue
        about = (line["call"], answer["portal_id"])
        if answer["outcome"] == "refused":
            assert about not in filed, answer
            continue
        row = filed[about]
        number = f"{row['protocol_year']}/{row['protocol_number']:07d}"
        assert (number, row["received_at"].isoformat(timespec="microseconds")) == (
            answer["protocol"],
            answer["received_at"].replace("Z", "+00:00"),
        )
    numbers = sorted(row["protocol_number"] for row in filed.values())
    assert numbers == list(range(1, len(numbers) + 1))
    for code in codes.values():
        rows = [row for (call, _), row in filed.items() if call == code]
        rows.sort(key=walks.place)
        assert [row["filed_seq"] for row in rows] == list(range(1, len(rows) + 1))
    submitted = Counter(
        one["application"]
        for one in made
        if (one["event"], one["outcome"]) == ("submit", "ok")
    )
    assert submitted == Counter(str(row["id"]) for row in filed.values())


def _what_was_due_was_done_once(work: Office, made: list[Entry]) -> None:
    done = Counter(
        (
            entry["call"],
            entry["application"],
            entry["event"],
            str(entry["inputs"]),
            entry["findings"]["due_at"],
        )
        for entry in made
        if entry["outcome"] == "ok" and "due_at" in entry["findings"]
    )
    assert [what for what, times in done.items() if times > 1] == []
    assert (waiting(work), sweep.sweep(work.desk).applied) == (0, ())
    assert unwatched(work.desk.engine) == []


_WITHOUT_A_COPY = {"dropped", "undelivered", "unknown"}


def _letters_left(town: Town, made: list[Entry], content: Any) -> None:
    """Each letter of a committed move left, or it is said why not; no other did."""
    promised = {
        (told["id"], entry["call"], entry["seq"], told["letter"])
        for entry in made
        if entry["outcome"] == "ok"
        for told in entry["notices"]
    }
    codes = {row["id"]: row["code"] for row in content["calls"]}
    rows = {str(row["id"]): row for row in content["notices"]}
    assert promised == {
        (name, codes[row["call_id"]], row["entry_seq"], row["letter"].value)
        for name, row in rows.items()
    }
    came = Counter(one.id for one in town.mail.received)
    assert came.keys() <= rows.keys(), "a letter left of which nobody knows"
    for one in town.mail.received:
        assert one.recipient == rows[one.id]["recipient"]
    for name, row in rows.items():
        about = (name, row["letter"], row["status"], row["fault"], came[name])
        if not came[name]:
            by_hand = row["delivered_at"] is not None and row["sent_at"] is None
            assert by_hand or (row["status"] in _WITHOUT_A_COPY and row["fault"]), about
        assert came[name] <= 1 or row["maybe_double"], about
        assert row["status"] != "queued", about


def _much_was_done(
    town: Town, made: list[Entry], books: dict[str, list[Entry]]
) -> None:
    """Otherwise nothing was tried."""
    events = Counter(entry["event"] for entry in made if entry["outcome"] == "ok")
    assert min(town.told()[DONE], events["submit"]) >= ENOUGH, events
    assert len(town.mail.received) >= ENOUGH
    assert any("due_at" in entry["findings"] for entry in made if entry["application"])
    assert all(books.values()), "somebody has done nothing"
