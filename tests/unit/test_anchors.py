"""Is an anchor always the same bytes, and is a series of them checked whole?"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from models.canonical import digest, encode
from workflow.anchors import signatures
from workflow.anchors.gaps import Explained, Gaps
from workflow.anchors.heads import Heads
from workflow.anchors.manifests import Head, Setting, Signed, line, make
from workflow.anchors.series import AnchorFault, Series
from workflow.anchors.signatures import NotAKeyError, Signer, holds

NOON = datetime(2026, 3, 10, 11, tzinfo=UTC)
DAY = timedelta(days=1)


def signer(number: int) -> Signer:
    return Signer(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)))


MINE, NEW, FOREIGN = signer(1), signer(2), signer(3)


def head(entries: int, call: str = "A", *, seen: str = "") -> Head:
    return Head(call, entries, digest(f"{call}{entries}{seen}".encode()))


def anchor(last: Signed | None = None, by: Signer = MINE, **more) -> Signed:
    """Make the anchor of the day after the last one."""
    at = NOON + DAY * (last.number if last else 0)
    heads = more.pop("heads", [head(3 + (last.number if last else 0))])
    setting = Setting(more.pop("at", at), "0.3.0", simulated=False)
    return make(heads, setting, by, last=last, **more)


def series(count: int = 4) -> list[Signed]:
    made: list[Signed] = []
    for _ in range(count):
        made.append(anchor(made[-1] if made else None))
    return made


def faults(anchors: list[Signed], last_entry: datetime | None = None) -> list[str]:
    checked = Series()
    for one in anchors:
        checked.feed(one)
    checked.close(last_entry)
    return [f"{found.number}: {found.fault}" for found in checked.faults]


# --- the form -----------------------------------------------------------------


def test_an_anchor_is_canonical_and_always_the_same_bytes():
    first = anchor(heads=[head(2, "B"), head(5, "A")])

    assert json.loads(first.body) == {
        "at": "2026-03-10T11:00:00.000000Z",
        "calls": [
            {"call": "A", "entries": 5, "head": digest(b"A5")},
            {"call": "B", "entries": 2, "head": digest(b"B2")},
        ],
        "format": 1,
        "key": "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "number": 1,
        "previous": "0" * 64,
        "simulated": False,
        "software": "0.3.0",
    }
    assert encode(json.loads(first.body)) == first.body.encode()
    assert first.hash == (
        "be1f21cc883a14ae21cad06f4cdd6d3850472cadb1e51e1531871f392a9a0fc5"
    )
    assert first.signature == (
        "593b47d840aa4ed61e0628ff277131551eba510d483f3ceefab51828c0173a96"
        "f931759563499e29da996cd4b2afec285e8530fd7355e4bad27a8fe9b1a67800"
    )
    assert first == anchor(heads=[head(5, "A"), head(2, "B")])


def test_a_line_holds_all_that_is_needed_to_check_it():
    told = json.loads(line(anchor()))

    assert set(told) == {"body", "endorsement", "hash", "key", "signature"}
    assert digest(told["body"].encode()) == told["hash"]
    assert holds(told["body"].encode(), told["signature"], told["key"])
    assert line(anchor()).endswith(b"}\n")


def test_a_key_is_written_and_read_back():
    assert signatures.read(MINE.written()).public == MINE.public
    assert signatures.fresh().public != signatures.fresh().public
    assert b"PRIVATE KEY" in MINE.written()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff"])
def test_what_is_no_key_is_told_as_such(content):
    with pytest.raises(NotAKeyError):
        signatures.read(content)


@pytest.mark.parametrize(
    ("signature", "key"),
    [("", MINE.public), ("zz", MINE.public), ("00" * 64, "1"), (None, None)],
)
def test_what_is_no_signature_does_not_hold(signature, key):
    assert not holds(b"", signature, key)


def test_what_signs_is_loaded_only_when_something_is_signed():
    code = (
        "import sys, workflow.services.log, workflow.services.anchoring; "
        "print('cryptography' in sys.modules)"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "False\n"


# --- a series that holds ------------------------------------------------------


def test_a_series_holds_with_its_keys():
    made = series(2)
    made.append(anchor(made[-1], NEW, old=MINE))
    made.append(anchor(made[-1], NEW))

    assert faults(made, NOON + 3 * DAY) == []
    assert [before.hash for before, _ in pairwise(made)] == [
        json.loads(after.body)["previous"] for _, after in pairwise(made)
    ]
    assert json.loads(made[2].body)["rotated_from"] == MINE.public
    assert made[2].endorsement is not None
    assert made[3].endorsement is None


def test_nothing_holds_too():
    assert faults([], NOON) == []


def test_two_in_a_day_and_midnight_in_rome_make_no_gap():
    first = anchor(at=datetime(2026, 3, 10, 22, 59, tzinfo=UTC))
    same = anchor(first, at=datetime(2026, 3, 10, 22, 59, tzinfo=UTC))
    next_day = anchor(same, at=datetime(2026, 3, 10, 23, 0, tzinfo=UTC))
    after = anchor(next_day, at=datetime(2026, 3, 12, 22, 59, tzinfo=UTC))

    assert faults([first, same, next_day, after]) == []


# --- what was changed ---------------------------------------------------------


def rewritten(one: Signed, by: Signer | None = None, **changes) -> Signed:
    """Change what an anchor says, its hash too; its signature only with a key."""
    body = encode({**json.loads(one.body), **changes})
    changed = replace(one, body=body.decode(), hash=digest(body))
    if by is None:
        return changed
    return replace(changed, key=by.public, signature=by.sign(body))


def resigned(made: list[Signed]) -> list[Signed]:
    """Sign the third and all that follow with a key of one's own."""
    third = anchor(made[1], FOREIGN)
    return [*made[:2], third, anchor(third, FOREIGN)]


CHANGES: dict[str, tuple[Callable[[list[Signed]], list[Signed]], list[str]]] = {
    "removed": (
        lambda made: [made[0], *made[2:]],
        [
            "3: anchor 2 is missing",
            "3: it does not follow the anchor before it",
            "3: no anchor for 2026-03-11",
        ],
    ),
    "the first removed": (
        lambda made: made[1:],
        ["2: anchor 1 is missing", "2: it does not follow the anchor before it"],
    ),
    "reordered": (
        lambda made: [
            made[0],
            replace(made[2], number=2),
            replace(made[1], number=3),
            made[3],
        ],
        [
            "2: the columns beside it say something else",
            "2: it does not follow the anchor before it",
            "2: no anchor for 2026-03-11",
            "3: the columns beside it say something else",
            "3: it does not follow the anchor before it",
            "3: it is dated before the anchor before it",
            "3: A: the anchor before it saw more, or something else",
            "4: it does not follow the anchor before it",
        ],
    ),
    "signed again with another key": (
        resigned,
        ["3: the key changed, and the one before does not endorse it"],
    ),
    "the key of one replaced": (
        lambda made: [*made[:3], replace(made[3], key=FOREIGN.public)],
        [
            "4: its signature does not hold",
            "4: the columns beside it say something else",
            "4: the key changed, and the one before does not endorse it",
        ],
    ),
    "endorsed by itself": (
        lambda made: [*made[:3], anchor(made[2], FOREIGN, old=FOREIGN)],
        ["4: the key changed, and the one before does not endorse it"],
    ),
    "an endorsement more": (
        lambda made: [*made[:3], replace(made[3], endorsement=made[3].signature)],
        ["4: it names a key before it, and the key is the same"],
    ),
    "content": (
        lambda made: [
            *made[:3],
            replace(made[3], body=made[3].body.replace("0.3.0", "0.3.1")),
        ],
        [
            "4: its content does not match its hash",
            "4: its signature does not hold",
        ],
    ),
    "content and hash": (
        lambda made: [*made[:3], rewritten(made[3], software="x")],
        ["4: its signature does not hold"],
    ),
    "signature": (
        lambda made: [*made[:3], replace(made[3], signature="00" * 64)],
        ["4: its signature does not hold"],
    ),
    "form": (
        lambda made: [*made[:3], replace(made[3], body=made[3].body + " ")],
        ["4: it cannot be read, or is not in canonical form"],
    ),
    "sense": (
        lambda made: [*made[:3], rewritten(made[3], MINE, calls=7)],
        ["4: it says something in a form that no anchor has"],
    ),
    "dated back": (
        lambda made: [*made[:3], anchor(made[2], at=NOON)],
        ["4: it is dated before the anchor before it"],
    ),
    "a call forgotten": (
        lambda made: [*made[:3], anchor(made[2], heads=[])],
        ["4: A: the anchor before it saw more, or something else"],
    ),
    "a chain rewritten": (
        lambda made: [*made[:3], anchor(made[2], heads=[head(5, seen="other")])],
        ["4: A: the anchor before it saw more, or something else"],
    ),
    "calls out of order": (
        lambda made: [
            *made[:3],
            rewritten(
                made[3],
                MINE,
                calls=[{"call": call, "entries": 9, "head": "0" * 64} for call in "BA"],
            ),
        ],
        ["4: its calls are not in order"],
    ),
    "a day left out": (
        lambda made: [*made[:3], anchor(made[2], at=NOON + 4 * DAY)],
        ["4: no anchor for 2026-03-13"],
    ),
    "days left out": (
        lambda made: [*made[:3], anchor(made[2], at=NOON + 9 * DAY)],
        ["4: no anchor from 2026-03-13 to 2026-03-18"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_in_a_series_is_found(change):
    changed, found = CHANGES[change]

    assert faults(changed(series())) == found


def test_a_day_without_an_anchor_is_found_up_to_the_last_entry_and_no_further():
    made = series(2)

    assert faults(made, NOON + 2 * DAY) == []
    assert faults(made, NOON + 3 * DAY) == ["2: no anchor for 2026-03-12"]


@pytest.mark.parametrize("at", ["9999-12-31T10:00:00", "9999-12-31T23:59:59.999999"])
def test_a_date_that_was_forged_is_a_fault_at_once(at):
    made = series(2)
    made.append(rewritten(made[1], MINE, number=3, at=f"{at}Z", previous=made[1].hash))
    made.append(anchor(made[1]))
    end = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)

    checked = Series()
    for one in made:
        checked.feed(one)
    checked.close(end)

    told = [found.fault for found in checked.faults]
    assert len(checked.gaps.spans) <= 1
    assert "the last entry is dated where days have their end" in told
    assert [one for one in told if "9999" in one or "no anchor has" in one]


def test_days_that_are_explained_are_taken_out_of_what_is_missing():
    gaps = Gaps()
    for number, day in enumerate((1, 6, 7, 10), start=1):
        gaps.reach(number, date(2026, 1, day))
    told = [{"day": f"2026-01-{day:02}", "because": "why"} for day in (2, 4, 9, 20)]
    at = "2026-01-10T23:30:00.000000Z"
    gaps.take(5, {"at": at, "missed": [{**one, "by": "x"} for one in told]})

    assert [(number, str(span)) for number, span in gaps.unexplained()] == [
        (2, "for 2026-01-03"),
        (2, "for 2026-01-05"),
        (4, "for 2026-01-08"),
    ]
    assert [str(span) for span in gaps.spans] == [
        "from 2026-01-02 to 2026-01-05",
        "from 2026-01-08 to 2026-01-09",
    ]
    assert [one.day.day for one in gaps.explained] == [2, 4, 9]
    assert gaps.explained[0] == Explained(date(2026, 1, 2), "why", "x", at, 5)


# --- the chains that the anchors saw ------------------------------------------


def held(anchors: list[Signed], hashes: list[str]) -> list[AnchorFault]:
    """Hold a chain against the anchors, as the verification does."""
    heads = Heads()
    for one in anchors:
        heads.note(one.number, json.loads(one.body))
    marks = heads.of("A")
    for seq, found in enumerate(hashes, start=1):
        marks.check(seq, found)
    marks.close(len(hashes))
    return heads.faults()


def chain(count: int, *, rewritten_from: int = 99) -> list[str]:
    return [
        head(seq, seen="" if seq < rewritten_from else "other").hash
        for seq in range(1, count + 1)
    ]


def test_a_chain_that_only_grew_holds():
    assert held(series(), chain(6)) == []
    assert held(series(), chain(60)) == []
    assert held([anchor(heads=[Head("A", 0, "0" * 64)])], []) == []


@pytest.mark.parametrize(
    ("hashes", "number", "fault"),
    [
        (chain(5), 4, "A: it saw entry 6, the chain ends with 5"),
        (chain(2), 1, "A: it saw entry 3, the chain ends with 2"),
        ([], 1, "A: it saw entry 3, the chain ends with 0"),
        (chain(9, rewritten_from=5), 3, "A: entry 5 is not the one it saw"),
        (chain(9, rewritten_from=1), 1, "A: entry 3 is not the one it saw"),
    ],
)
def test_a_chain_that_was_cut_or_written_again_is_found(hashes, number, fault):
    assert held(series(), hashes) == [AnchorFault(number, fault)]


def test_a_call_that_is_gone_is_found():
    heads = Heads()
    heads.note(1, json.loads(anchor().body))

    (marks,) = heads.unseen({"B"})

    assert marks.call == "A"


@pytest.mark.parametrize("body", [{}, {"calls": 7}, {"calls": [{"call": 7}]}])
def test_an_anchor_that_makes_no_sense_says_nothing_of_chains(body):
    heads = Heads()

    heads.note(1, body)

    assert heads.faults() == []
    assert heads.unseen(set()) == []
