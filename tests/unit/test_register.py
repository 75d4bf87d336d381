"""Is every tampering with the register found, and at the right entry?"""

import hashlib
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.canonical import CanonicalError, digest, encode
from tests.builders import rome
from tests.unit.golden_entries import ENTRIES, HASHES
from workflow.register import (
    FORMAT,
    GENESIS,
    Fault,
    Stored,
    asked_at_first,
    seal,
    written,
)
from workflow.verification.beside import Beside
from workflow.verification.chains import Chain
from workflow.verification.folds import Fold, Standing

CALL = "RLF12025051244"
ONE, TWO = "one", "two"


def independent_hash(entry):
    """Compute a hash with the standard library alone.

    Equal to RFC 8785 for what entries hold: without floats there is no number to
    format; keys are ASCII, so sorting code points is sorting UTF-16 units; and
    `json` escapes exactly what the standard escapes (quote, backslash, and the
    controls below U+0020, the short way where there is one), once told to leave
    all other characters alone.
    """
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# --- golden vectors -----------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"), [*zip(ENTRIES, HASHES, strict=True)], ids=itertools.count(1)
)
def test_an_entry_gives_the_hash_it_has_always_given(entry, expected):
    sealed = seal(entry)

    assert sealed.hash == expected
    assert independent_hash(entry) == expected


def test_the_golden_entries_follow_one_another():
    chain = Chain(CALL)

    for entry, expected in zip(ENTRIES, HASHES, strict=True):
        previous = chain.head
        chain.feed(Stored(entry["seq"], expected, seal(entry).body))
        assert entry["previous"] == previous

    assert chain.head == HASHES[-1]
    assert {entry["format"] for entry in ENTRIES} == {FORMAT}
    assert not [fault for fault in chain.faults if "hash" in fault.fault]


def test_the_order_in_which_an_entry_is_written_does_not_change_its_hash():
    for entry, expected in zip(ENTRIES, HASHES, strict=True):
        assert seal(dict(reversed(entry.items()))).hash == expected


def test_what_has_no_canonical_form_is_not_sealed():
    for value in (1.0, 2**53, "\ud800", {"é": 1}, {1: 1}):
        with pytest.raises(CanonicalError):
            seal({"reason": value})


def test_an_instant_is_written_with_all_its_decimals():
    assert written(rome(2026, 1, 20, 10)) == "2026-01-20T09:00:00.000000Z"
    assert written(rome(2026, 7, 1, 10, 0, 0, 5)) == "2026-07-01T08:00:00.000005Z"


# --- a chain of a whole call --------------------------------------------------


def body(seq, previous, application=None, **said):
    return {
        "seq": seq,
        "previous": previous,
        "call": CALL,
        "event": "any",
        "outcome": "ok",
        "actor": {"id": "clerk"},
        "act": None,
        "reason": None,
        "application": application,
        "from": None,
        "to": None,
        "version": None,
        "money": None,
        **said,
    }


def money(reserved, granted, after, allocation=100):
    return {
        "movements": [{"reserved": reserved, "granted": granted}],
        "after": dict(
            zip(("reserved", "granted"), after, strict=True), allocation=allocation
        ),
    }


SAYINGS = (
    {"event": "load_call"},
    {
        "application": ONE,
        "from": "draft",
        "to": "submitted",
        "version": 1,
        "money": money(40, 0, (40, 0)),
    },
    {
        "application": TWO,
        "from": "draft",
        "to": "submitted",
        "version": 1,
        "money": money(60, 0, (100, 0)),
    },
    {
        "application": ONE,
        "outcome": "refused",
        "from": "submitted",
        "version": 1,
        "reason": "qualità 🏛️",
    },
    {
        "application": ONE,
        "from": "submitted",
        "to": "negotiating",
        "version": 2,
        "money": money(-40, 30, (60, 30)),
    },
    {
        "application": TWO,
        "from": "submitted",
        "to": "withdrawn",
        "version": 2,
        "money": money(-60, 0, (0, 30)),
    },
)
STANDINGS = {
    ONE: Standing("negotiating", 2, 0, 30),
    TWO: Standing("withdrawn", 2, 0, 0),
}


def chained(sayings=SAYINGS):
    """Seal entries one after the other."""
    entries, head = [], GENESIS
    for seq, said in enumerate(sayings, start=1):
        sealed = seal(body(seq, head, **said))
        entries.append(Stored(seq, sealed.hash, sealed.body))
        head = sealed.hash
    return entries


ENTRIES_THERE = chained()
HEAD = ENTRIES_THERE[-1].hash


def verify(entries, *, count=6, head=HEAD, standings=STANDINGS):
    """Return the faults of a chain, as `log verify` finds them."""
    chain = Chain(CALL)
    for entry in entries:
        chain.feed(entry)
    chain.close(count=count, head=head)
    chain.compare(standings.items())
    return chain.faults


def sealed_again(seq, **changes):
    """Forge an entry: other words, with their right hash."""
    genuine = json.loads(ENTRIES_THERE[seq - 1].body)
    forged = seal({**genuine, **changes})
    return Stored(seq, forged.hash, forged.body)


def replaced(seq, entry):
    return [*ENTRIES_THERE[: seq - 1], entry, *ENTRIES_THERE[seq:]]


def test_an_honest_chain_has_no_fault():
    assert verify(ENTRIES_THERE) == []


def test_a_chain_adds_up_states_versions_and_money():
    chain = Chain(CALL)

    for entry in ENTRIES_THERE:
        chain.feed(entry)

    assert chain.fold.applications == STANDINGS
    assert (chain.fold.reserved, chain.fold.granted) == (0, 30)
    assert chain.fold.allocation == 100


def test_a_field_that_changed_is_found_at_its_entry():
    genuine = ENTRIES_THERE[2]
    changed = genuine.body.replace(b'"event":"any"', b'"event":"ant"')

    faults = verify(replaced(3, Stored(3, genuine.hash, changed)))

    assert faults == [Fault(3, "its content does not match its hash")]


def test_a_field_that_changed_with_its_hash_is_found_at_the_next_entry():
    faults = verify(replaced(3, sealed_again(3, event="other")))

    assert faults == [Fault(4, "it does not follow the entry before it")]


def test_an_entry_removed_from_the_middle_is_named():
    faults = verify([*ENTRIES_THERE[:3], *ENTRIES_THERE[4:]])

    assert faults == [
        Fault(5, "entry 4 is missing"),
        Fault(5, "it does not follow the entry before it"),
    ]


def test_a_last_entry_that_is_gone_is_found_by_the_count_and_by_the_head():
    faults = verify(ENTRIES_THERE[:-1])

    assert faults[:2] == [
        Fault(5, "6 entries were written, 5 are there"),
        Fault(5, "the last entry is not the head of the call"),
    ]


def test_all_entries_gone_is_found():
    assert Fault(0, "6 entries were written, 0 are there") in verify([])


def test_an_entry_put_in_is_found():
    extra = seal(body(7, HEAD, event="any"))
    entries = [*ENTRIES_THERE, Stored(7, extra.hash, extra.body)]

    faults = verify(entries)

    assert Fault(7, "6 entries were written, 7 are there") in faults
    assert Fault(7, "the last entry is not the head of the call") in faults


def test_an_entry_put_in_the_middle_is_found():
    twice = [*ENTRIES_THERE[:3], ENTRIES_THERE[2], *ENTRIES_THERE[3:]]

    faults = verify(twice)

    assert Fault(3, "it does not follow the entry before it") in faults


def test_two_entries_that_changed_places_are_found():
    third, fourth = ENTRIES_THERE[2:4]
    swapped = [
        *ENTRIES_THERE[:2],
        Stored(3, fourth.hash, fourth.body),
        Stored(4, third.hash, third.body),
        *ENTRIES_THERE[4:],
    ]

    faults = verify(swapped)

    assert Fault(3, "it belongs to another call or place") in faults
    assert Fault(4, "it belongs to another call or place") in faults


def test_a_chain_made_again_from_its_first_entry_is_found_by_the_head():
    rewritten = ({"event": "load_another"}, *SAYINGS[1:])

    faults = verify(chained(rewritten))

    assert faults == [Fault(6, "the last entry is not the head of the call")]


def test_an_entry_of_another_call_is_found():
    faults = verify(replaced(6, sealed_again(6, call="OTHER")), head=None)

    assert Fault(6, "it belongs to another call or place") in faults


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it cannot be read"),
        (b"{", "it cannot be read"),
        (b"\xff", "it cannot be read"),
        (b'{"a":1.5}', "it cannot be read"),
        (b"[]", "it is not in canonical form"),
        (b'"text"', "it is not in canonical form"),
        (b'{"b":1,"a":1}', "it is not in canonical form"),
        (b'{"a": 1}', "it is not in canonical form"),
        (b'{"a":1,"a":1}', "it is not in canonical form"),
        (b'{"a":"\\u0041"}', "it is not in canonical form"),
    ],
)
def test_what_is_no_canonical_entry_is_found_even_with_its_right_hash(content, fault):
    faults = verify(replaced(2, Stored(2, digest(content), content)))

    assert Fault(2, fault) in faults


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": 1},
        {"money": "none"},
        {"money": {"movements": 1, "after": {}}},
        {"money": {"movements": [1], "after": {}}},
        {"application": []},
    ],
)
def test_an_entry_that_says_nonsense_is_found_and_stops_nobody(changes):
    entries = replaced(6, sealed_again(6, **changes))

    faults = verify(entries)

    assert {fault.seq for fault in faults} & {0, 6}


def test_an_entry_that_lacks_what_it_must_say_is_found():
    forged = seal({"seq": 6, "call": CALL, "previous": ENTRIES_THERE[4].hash})

    faults = verify(replaced(6, Stored(6, forged.hash, forged.body)))

    assert Fault(6, "it lacks what an entry must say: 'outcome'") in faults


# --- what the entries add up to -----------------------------------------------


def fed(*sayings):
    """Return what a fold says of the last of some entries."""
    fold = Fold()
    return [fold.feed(body(seq, "", **said)) for seq, said in enumerate(sayings, 1)][-1]


def test_a_move_from_a_state_where_the_file_was_not_is_found():
    fault = fed(SAYINGS[1], {**SAYINGS[4], "from": "evaluated"})

    assert fault == "it starts from `evaluated` but stood at `submitted`"


def test_a_version_left_out_is_found():
    fault = fed(SAYINGS[1], {**SAYINGS[4], "version": 3})

    assert fault == "version 3 follows version 1"


def test_money_that_does_not_add_up_is_found():
    fault = fed(SAYINGS[1], {**SAYINGS[4], "money": money(-40, 30, (0, 31))})

    assert fault == "the money after it is not what the movements add up to"


def test_money_beyond_the_allocation_is_found():
    fault = fed({**SAYINGS[1], "money": money(101, 0, (101, 0))})

    assert fault == "the money passes the allocation"
    assert fed({**SAYINGS[1], "money": money(100, 0, (100, 0))}) is None


def test_a_refused_entry_changes_nothing():
    fold = Fold()

    assert fold.feed(body(1, "", **{**SAYINGS[3], "to": "granted"})) is None
    assert fold == Fold()


@pytest.mark.parametrize(
    ("actual", "fault"),
    [
        (
            Standing("accepted", 2, 0, 30),
            "application one has state accepted, the register says negotiating",
        ),
        (
            Standing("negotiating", 3, 0, 30),
            "application one has version 3, the register says 2",
        ),
        (
            Standing("negotiating", 2, 1, 31),
            (
                "application one has reserved 0.01, the register says 0.00; "
                "has granted 0.31, the register says 0.30"
            ),
        ),
    ],
)
def test_a_file_that_is_not_where_its_entries_say_is_found(actual, fault):
    assert verify(ENTRIES_THERE, standings={**STANDINGS, ONE: actual}) == [
        Fault(0, fault)
    ]


def test_a_file_without_entries_and_entries_without_a_file_are_found():
    faults = verify(
        ENTRIES_THERE, standings={ONE: STANDINGS[ONE], "three": Standing("draft", 0)}
    )

    assert faults == [
        Fault(0, "application three has no entry"),
        Fault(0, "application two is in the entries only"),
    ]


# --- what the entries say of the rows beside them -----------------------------

LOADED = {
    "event": "load_call",
    "call_version": 1,
    "rules": "abc",
    "findings": {"allocation": 100},
}
PUBLISHED = {
    "state": "published",
    "suspended_for": None,
    "reopens_at": None,
    "closed_at": None,
    "erased_seq": None,
}
SUBMITTED = {
    "event": "submit",
    "application": ONE,
    "call_version": 1,
    "rules": "abc",
    "order": {
        "received_at": "2026-01-20T09:00:00.000000Z",
        "protocol_year": 2026,
        "protocol_number": 1,
        "earlier_waiting": 0,
    },
    "findings": {"requested": 60},
    "notices": [{"letter": "submission_receipt", "id": "n"}],
    "terms": [
        {
            "kind": "merit",
            "ordinal": 1,
            "change": change,
            "status": status,
            "due_at": "2026-03-01T22:59:59.999999Z",
            "starts_on": "2026-01-20",
            "suspended_days": 0,
        }
        for change, status in (("started", "running"), ("met", "met"))
    ],
}
TERM = {
    "status": "met",
    "due_at": "2026-03-01T22:59:59.999999Z",
    "starts_on": "2026-01-20",
    "suspended_days": 0,
}

LETTER = {
    "entry_seq": 2,
    "created_at": None,
    "delivered": False,
    "delivered_at": None,
    "receipt": None,
}
RULES = {
    "fingerprint": "abc",
    "a content of hash": "abc",
    "act": None,
    "reason": None,
    "loaded_at": None,
    "loaded_by": "clerk",
}


def heard(*sayings):
    """Return a chain that has heard some entries, whatever their hashes."""
    chain = Chain(CALL)
    for seq, said in enumerate(sayings, start=1):
        assert chain.beside.feed(body(seq, "", **said)) is None
    return chain


def test_entries_tell_the_place_the_codes_and_the_score_of_a_file():
    chain = heard(
        LOADED,
        SUBMITTED,
        {"event": "evaluate", "application": ONE, "findings": {"score": {"total": 7}}},
        {"event": "grant", "application": ONE, "inputs": {"cor": "1", "cup": "2"}},
    )

    assert chain.beside.call == {
        "filed": 1,
        "version": 1,
        "allocation": 100,
        **PUBLISHED,
    }
    assert chain.beside.rows["application"][(ONE,)] == {
        "received_at": "2026-01-20T09:00:00.000000Z",
        "protocol_year": 2026,
        "protocol_number": 1,
        "filed_seq": 1,
        "requested": 60,
        "score": 7,
        "rank": None,
        "asked": None,
        "accepts_less": False,
        "review_started": False,
        "cor_on": None,
        "cup_on": None,
        "cor": "1",
        "cup": "2",
        "plan_investment": None,
        "matured": 0,
        "published_on": None,
        "started_on": None,
        "call_version": None,
    }


OPENED = {
    "event": "open_call",
    "call_version": 1,
    "rules": "abc",
    "from": "published",
    "to": "open",
    "findings": {
        "suspended_for": None,
        "reopens_at": None,
        "closed_at": None,
        "opening": {"ordinal": 1, "opened_at": "a", "ended_at": None},
    },
}
SUSPENDED = {
    **OPENED,
    "event": "suspend_call",
    "from": "open",
    "to": "suspended",
    "findings": {
        "suspended_for": "act",
        "reopens_at": None,
        "closed_at": None,
        "opening": {"ordinal": 1, "opened_at": "a", "ended_at": "b"},
    },
}


def test_entries_tell_where_the_call_stands_and_when_it_was_open():
    chain = heard(LOADED, OPENED, SUSPENDED)

    assert chain.beside.call["state"] == "suspended"
    assert chain.beside.call["suspended_for"] == "act"
    assert chain.beside.rows["opening"] == {(1,): {"opened_at": "a", "ended_at": "b"}}


def test_a_call_that_moves_from_where_it_was_not_is_found():
    chain = heard(LOADED, OPENED)

    fault = chain.beside.feed(body(3, "", **OPENED))

    assert fault == "it starts from `published` but the call stood at `open`"


def test_an_entry_about_a_call_that_says_no_state_moves_it_nowhere():
    chain = heard(LOADED, OPENED, {**LOADED, "event": "change_call"})

    assert chain.beside.call["state"] == "open"


def test_a_version_that_is_announced_is_in_force_once_it_is_applied():
    announced = {
        "event": "refinance_call",
        "call_version": 2,
        "rules": "abd",
        "at": "2026-01-20T09:00:00.000000Z",
        "findings": {"allocation": 150, "effective_at": "2026-01-21T09:00:00.000000Z"},
    }
    chain = heard(LOADED, announced)
    before = dict(chain.beside.call)

    chain.beside.feed(
        body(
            3,
            "",
            event="apply_version",
            call_version=2,
            rules="abd",
            findings={"allocation": 150},
        )
    )

    assert (before["version"], before["allocation"]) == (1, 100)
    assert (chain.beside.call["version"], chain.beside.call["allocation"]) == (2, 150)
    assert (2,) in chain.beside.rows["version"]


def test_a_promotion_may_lower_what_is_asked_for():
    promoted = {
        "event": "promote",
        "application": ONE,
        "call_version": 1,
        "rules": "abc",
        "findings": {"requested": 40},
    }

    chain = heard(LOADED, SUBMITTED, promoted)

    assert chain.beside.rows["application"][(ONE,)]["requested"] == 40


def test_what_was_said_last_of_a_term_counts():
    chain = heard(LOADED, SUBMITTED)

    chain.compare_rows("term", [((ONE, "merit", 1), {**TERM, "status": "running"})])

    assert chain.faults == [
        Fault(
            0,
            "application one: term merit 1 has status running, the register says met",
        )
    ]


def test_rows_that_are_as_the_entries_say_are_no_fault():
    chain = heard(LOADED, SUBMITTED)

    chain.compare_rows("term", [((ONE, "merit", 1), TERM)])
    chain.compare_rows("notice", [((ONE, "submission_receipt", "n"), LETTER)])
    chain.compare_rows("version", [((1,), RULES)])
    chain.compare_call(
        {"filed": 1, "version": 1, "allocation": 100, "code": CALL, **PUBLISHED}
    )

    assert chain.faults == []


def test_one_fault_of_a_kind_is_enough_for_a_file():
    chain = heard(LOADED, SUBMITTED)

    chain.compare_rows("term", [((ONE, "merit", 2), TERM), ((TWO, "merit", 1), TERM)])

    assert [fault.fault for fault in chain.faults] == [
        "application one: term merit 2 is in no entry",
        "application two: term merit 1 is in no entry",
    ]


@pytest.mark.parametrize("changes", [{"rules": "abd"}, {"call_version": 2}])
@pytest.mark.parametrize("outcome", ["ok", "refused"])
def test_rules_that_are_not_those_loaded_are_found_at_the_entry(changes, outcome):
    beside = Beside()
    beside.feed(body(1, "", **LOADED))

    fault = beside.feed(body(2, "", **{**SUBMITTED, **changes, "outcome": outcome}))

    number = changes.get("call_version", 1)
    assert fault == f"its rules are not those of version {number} of the call"


def test_a_refused_entry_says_nothing_of_the_rows():
    chain = heard(LOADED, {**SUBMITTED, "outcome": "refused"})

    assert chain.beside.call["filed"] == 0
    assert not chain.beside.rows["application"]
    assert not chain.beside.rows["term"]


@pytest.mark.parametrize("value", ["\x1b[31m", "\ud800", b"\xff", "x" * 500])
def test_whatever_a_row_holds_a_terminal_stands_the_fault(value):
    chain = heard(LOADED, SUBMITTED)

    chain.compare_rows("term", [((ONE, "merit", 1), {**TERM, "status": value})])

    ((_, told),) = ((fault.seq, fault.fault) for fault in chain.faults)
    assert told.isprintable()
    assert len(told) < 300


# --- any single byte ----------------------------------------------------------


@given(
    which=st.integers(0, len(ENTRIES_THERE) - 1),
    where=st.integers(0),
    other=st.integers(1, 255),
)
def test_any_single_byte_that_changed_is_found_at_its_entry(which, where, other):
    genuine = ENTRIES_THERE[which]
    content = bytearray(genuine.body)
    content[where % len(content)] ^= other

    faults = verify(
        replaced(which + 1, Stored(which + 1, genuine.hash, bytes(content)))
    )

    assert any(fault.seq == genuine.seq for fault in faults)


@given(which=st.integers(0, len(ENTRIES_THERE) - 1), where=st.integers(0, 63))
def test_any_digit_of_a_hash_that_changed_is_found(which, where):
    genuine = ENTRIES_THERE[which]
    digit = "0" if genuine.hash[where] != "0" else "1"
    forged = genuine.hash[:where] + digit + genuine.hash[where + 1 :]

    faults = verify(replaced(which + 1, Stored(which + 1, forged, genuine.body)))

    assert Fault(genuine.seq, "its content does not match its hash") in faults


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(max_codepoint=127)), inner, max_size=3
            )
        ),
        max_leaves=12,
    )
)
def test_the_standard_library_agrees_on_the_hash_of_anything_an_entry_may_hold(value):
    entry = {"findings": value}

    assert seal(entry).hash == independent_hash(entry)
    assert encode(json.loads(seal(entry).body)) == seal(entry).body


@pytest.mark.parametrize(
    ("findings", "asked"),
    [
        ({"requested": 40, "requested_before": 60}, 60),
        ({"requested": 60, "requested_before": 40}, None),  # all of it again
        ({"requested": 60}, None),
    ],
)
def test_what_was_asked_for_at_first_is_told_while_less_is_requested(findings, asked):
    assert asked_at_first(findings) == asked
