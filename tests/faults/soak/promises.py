"""What has to be true of everything, once it has come to rest?

By models of a few lines, which share nothing with the product: the rows of the
database are read past it, the entries in their order, and what stands beside them is
held against what they tell. Only then is the product asked whether it finds the same.
"""

import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.builders import Office
from tests.contents import rows
from tests.due_terms import content_of, unwatched
from tests.faults.soak import notebooks, walks
from tests.faults.soak.notebooks import BEGINS, BUG, DONE, REFUSED
from tests.faults.soak.officers import FIRST_ACT, OF_DAYS_THAT_WERE_JUMPED_OVER
from tests.faults.soak.towns import ENOUGH, Town, waiting
from workflow.services import sweep, verification

Entry = dict[str, Any]
_DECIDED = {DONE, REFUSED}


def hold(town: Town) -> Counter[str]:
    """Hold every promise against what is there; return what they were held against."""
    books = notebooks.notebooks(town.folder)
    with town.looked_at() as work:
        content = content_of(work.desk.engine)
        made = _chained(content)
        kept = "\n".join(json.dumps(entry) for entry in made)
        (town.folder / "entries.jsonl").write_text(kept, encoding="utf-8")
        _no_bug(town, books)
        walks.all_stands_where_the_entries_say(made, content)
        _answers_are_kept(made, books)
        _acts_are_kept(made, books)
        _submissions_are_kept(made, content, books)
        walks.nobody_was_overtaken_without_an_act(made)
        walks.nobody_filed_at_a_closed_counter(made)
        walks.money_was_there(made, content)
        _what_was_due_was_done_once(work, made)
        _nothing_was_done_early(work, made)
        _letters_left(town, made, content)
        _the_register_verifies(work, town)
    return _reached(town, made, content, books)


def _chained(content: Any) -> list[Entry]:
    """Read the entries, each of which names the one before, up to the heads."""
    made = []
    for call in content["calls"]:
        head, count = "0" * 64, 0
        mine = [row for row in content["entries"] if row["call_id"] == call["id"]]
        for row in sorted(mine, key=lambda row: row["seq"]):
            body = json.loads(row["body"])
            count += 1
            assert (body["call"], body["seq"]) == (call["code"], count), row
            assert body["previous"] == head, row
            head = hashlib.sha256(row["body"].encode()).hexdigest()
            assert row["hash"] == head, row
            made.append({**body, "hash": head})
        assert (call["head_seq"], call["head_hash"]) == (count, head)
    return sorted(made, key=lambda one: (one["call"], one["seq"]))


def _no_bug(town: Town, books: dict[str, list[Entry]]) -> None:
    """Whatever is not there is told in words, to people and in the log."""
    bugs = [
        line["told"] for book in books.values() for line in book if line["did"] == BUG
    ]
    assert not bugs, "\n".join(bugs)
    told = [line for line in _logged(town) if _is_bug(line)]
    assert not told, "\n".join(told)


def _logged(town: Town) -> list[str]:
    return (town.folder / "log").read_text(encoding="utf-8").splitlines()


_SAID_TO_PEOPLE = re.compile(
    r"scheduler |taking messages from |Error \[(broker|database)\.[a-z_]+\]: "
)
"""By the commands that run there."""

_AWAY = re.compile(r"(broker|database|mail)\.[a-z_]+|clock\.ahead")
"""The codes of what is not there, or not now."""

_CUT_OFF = {"ConnectionError", "TimeoutError", "BusyLoadingError"}
"""What the library of the broker says then, and never our own code."""


def _is_bug(line: str) -> bool:
    """Tell whether something failed of which nobody has thought."""
    if not line.startswith("{"):
        return not _SAID_TO_PEOPLE.match(line)
    said = json.loads(line)
    code = said.get("code") or ""
    match said["event"]:
        case "job_failed" | "call_not_swept" | "worker_ended" | "digest_failed":
            return not _AWAY.fullmatch(code)
        case "scheduler_trouble":
            return not _AWAY.fullmatch(said["why"])
        case "worker_trouble":
            is_cut_off = said.get("error") in _CUT_OFF or _is_of_the_broker(said)
            return not (is_cut_off or _AWAY.fullmatch(code))
        case "receipt_failed" | "term_put_aside" | "export_not_entered":
            return True
    return False


def _is_of_the_broker(said: Entry) -> bool:
    return "error" not in said and "connection error" in said["said"]


def _the_register_verifies(work: Office, town: Town) -> None:
    """Chain, count, and that all that stands beside is the fold of the entries."""
    desk = replace(work.desk, anchor_files=town.machines[0].anchor_files)
    examined = verification.examine(desk)
    found = [(one.call, one.faults) for one in examined.calls if not one.ok]
    assert not found, found
    assert examined.office.ok, examined.office
    faults = [
        one
        for one in examined.anchors.faults
        if not one.fault.startswith(OF_DAYS_THAT_WERE_JUMPED_OVER)
    ]
    assert not faults, faults


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
            if line["did"] == DONE and "entry" in line:
                entry = kept[line["entry"]["call"], line["entry"]["seq"]]
                assert entry["hash"] == line["entry"]["hash"], (who, line)
                assert (entry["key"], entry["outcome"]) == (line["key"], "ok")
            elif line["did"] == REFUSED:
                assert line["key"] not in keys, line


def _acts_are_kept(made: list[Entry], books: dict[str, list[Entry]]) -> None:
    """What an act decides is done once, of all that it names or of nothing.

    It has no key: who got no answer types it again, and may be refused then for what
    the first time has done.
    """
    done = Counter(
        one["act"]["number"]
        for one in made
        if one["outcome"] == "ok" and one["act"] and one["event"] in _OF_ACTS
    )
    begun = {
        line["key"]: line
        for book in books.values()
        for line in book
        if line["did"] == BEGINS and "number" in line
    }
    for line in (line for book in books.values() for line in book):
        if line["did"] not in _DECIDED or line["key"] not in begun:
            continue
        act = begun.pop(line["key"])
        times = {0, act["count"]} if line["did"] == REFUSED else {act["count"]}
        assert done.pop(act["number"], 0) in times, act
    assert not begun
    assert [number for number in done if int(number) >= FIRST_ACT] == []


_OF_ACTS = {"suspend_call", "announce_reopening", "refinance_call", "grant"}


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
    told = set()
    for line in (line for book in books.values() for line in reversed(book)):
        answer = line.get("answer")
        if answer is None:
            continue
        about = (line["call"], answer["portal_id"])
        if answer["outcome"] == "refused":
            # The counter may have been open again when it was brought once more.
            assert about not in filed or about in told, answer
            continue
        told.add(about)
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


def _nothing_was_done_early(work: Office, made: list[Entry]) -> None:
    """Whoever goes by a clock that counts waits for that of the database."""
    query = "SELECT code, seq, at FROM town.written JOIN calls ON calls.id = call_id"
    showed = {(code, seq): at for code, seq, at in rows(work.desk.engine, query)}
    for entry in made:
        due = entry["findings"].get("due_at")
        if due and entry["application"] and not entry["simulated"]:
            at = showed[entry["call"], entry["seq"]]
            assert datetime.fromisoformat(due) <= at, entry


# Letters


def undelivered_are_told(town: Town) -> int:
    """Hold what did not leave against what the mail server refused for good."""
    with town.looked_at() as work:
        kept = {str(row["id"]): row for row in _letters(work)}
    came = {one.id for one in town.mail.received}
    refused = {
        said["subject"]
        for said in map(json.loads, _events(town, "mail_refused"))
        if said["kind"] == "send_notice"
    }
    for name in refused - came:
        row = kept[name]
        about = (row["letter"], row["status"], row["fault"])
        # Or an officer noted that it was delivered by other means.
        assert row["delivered_at"] or row["status"] == "undelivered", about
        assert row["delivered_at"] or "550" in row["fault"], about
    return len(refused - came)


def _events(town: Town, name: str) -> list[str]:
    return [line for line in _logged(town) if f'"{name}"' in line]


def _letters(work: Office) -> Any:
    return content_of(work.desk.engine, "notices")["notices"]


def _letters_left(town: Town, made: list[Entry], content: Any) -> None:
    """Each letter of a committed move left, or a move kept it back; no other did."""
    promised = {
        (told["id"], entry["call"], entry["seq"], told["letter"])
        for entry in made
        if entry["outcome"] == "ok"
        for told in entry["notices"]
    }
    findings = [entry["findings"] for entry in made if entry["outcome"] == "ok"]
    dropped = {told["id"] for one in findings for told in one.get("dropped", ())}
    by_hand = {one["delivered"]["id"] for one in findings if "delivered" in one}
    codes = {row["id"]: row["code"] for row in content["calls"]}
    kept = {str(row["id"]): row for row in content["notices"]}
    assert promised == {
        (name, codes[row["call_id"]], row["entry_seq"], row["letter"].value)
        for name, row in kept.items()
    }
    came = Counter(one.id for one in town.mail.received)
    assert came.keys() <= kept.keys(), "a letter left of which nobody knows"
    for one in town.mail.received:
        assert one.recipient == kept[one.id]["recipient"]
    for name, row in kept.items():
        about = (name, row["letter"], row["status"], row["fault"], came[name])
        assert row["status"] != "queued", about
        if row["status"] == "dropped":
            assert (name in dropped, came[name]) == (True, 0), about
        elif name not in by_hand:
            assert came[name], about
        assert came[name] <= 1 or row["maybe_double"], about


# Was anything tried?


def _reached(
    town: Town, made: list[Entry], content: Any, books: dict[str, list[Entry]]
) -> Counter[str]:
    """Count against what the promises of an episode were held."""
    done = [entry for entry in made if entry["outcome"] == "ok"]
    by_people = [entry for entry in done if entry["actor"]["kind"] == "person"]
    told = town.told()
    return Counter(
        {
            "answers": told[DONE],
            "refusals": told[REFUSED],
            "submissions": sum(one["event"] == "submit" for one in done),
            "letters": len(town.mail.received),
            "done by time": sum(
                "due_at" in one["findings"] for one in done if one["application"]
            ),
            "done by a clock that counts": sum(not one["simulated"] for one in done),
            "overtakings": sum(bool(one["findings"].get("overtaken")) for one in done),
            "grants": sum(
                one["event"] == "grant"
                and bool(one["key"] or int(one["act"]["number"]) >= FIRST_ACT)
                for one in by_people
            ),
            "filed without money": sum(
                one["event"] == "submit" and not one["money"]["movements"]
                for one in done
            ),
            "maybe double": sum(row["maybe_double"] for row in content["notices"]),
            "acts": sum(
                line["did"] == DONE and "number" in line
                for book in books.values()
                for line in book
            ),
            "people": sum(map(bool, books.values())),
        }
    )


LEAST = {
    "answers": ENOUGH,
    "refusals": 1,
    "submissions": ENOUGH,
    "letters": ENOUGH,
    "done by time": 1,
    "done by a clock that counts": 1,
    "overtakings": 1,
    "grants": 1,
    "filed without money": 1,
    "maybe double": 1,
    "acts": 1,
    "sent after all": 1,
}
"""What each soak reaches: otherwise some promise was held against nothing."""


def much_was_done(reached: Counter[str]) -> None:
    """Otherwise nothing was tried."""
    short = {name: reached[name] for name in LEAST if reached[name] < LEAST[name]}
    assert not short, (short, dict(reached))
