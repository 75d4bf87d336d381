"""Do people, pipes and scripts see the same files?"""

import json
import re

import pytest

from tests.builders import CTL, submission
from tests.terminals import FIRST, SECOND, THIRD, Terminal

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MONEY = re.compile(r"-?\d+\.\d\d")


def test_applications_are_listed_in_the_order_of_arrival(terminal):
    listed = terminal.ask("list", CTL)["applications"]

    assert [one["protocol"] for one in listed] == [FIRST, SECOND, THIRD]
    assert all(INSTANT.fullmatch(one["received_at"]) for one in listed)
    assert all(MONEY.fullmatch(one["requested"]) for one in listed)


def test_applications_are_listed_by_state(terminal):
    withdrawn = ("withdraw", "--document", "a" * 64, "--yes")
    terminal.type("advance", SECOND, *withdrawn)

    listed = terminal.ask("list", "--state", "withdrawn")["applications"]

    assert [one["protocol"] for one in listed] == [SECOND]
    assert terminal.type("list", "--state", "lapsed").stdout == "no application\n"


def test_an_application_is_found_by_each_of_its_names(terminal):
    shown = terminal.ask("show", FIRST)

    for name in (shown["portal_id"], shown["application"], "2026/1"):
        assert terminal.ask("show", name) == shown


def test_an_unknown_application_is_refused_with_how_to_name_one(terminal):
    for words in (("show",), ("events",)):
        said = terminal.refused(
            *words, "2026/99", code="application.unknown", exit_code=1
        )

        assert "2026/0000001" in said


def test_a_file_is_shown_whole(terminal):
    terminal.type("advance", FIRST, "start_review", "--yes")
    terminal.type("advance", FIRST, "admit", "--checked", "nothing", "--yes")

    shown = terminal.ask("show", FIRST)
    text = terminal.type("show", FIRST).stdout

    assert shown["state"] == "submitted"
    assert [step["kind"] for step in shown["steps"]] == ["review"]
    assert {term["kind"]: term["due_at"] for term in shown["terms"]} == {
        "conclusion": "2026-04-20T21:59:59.000000Z",
        "formal_check": "2026-02-19T22:59:59.000000Z",
    }
    assert [one["kind"] for one in shown["money"]] == ["reserve"]
    assert [one["letter"] for one in shown["notices"]] == [
        "submission_receipt",
        "procedure_start",
    ]
    assert [(one["event"], one["outcome"], one["by"]) for one in shown["history"]] == [
        ("submit", "ok", "bianchi"),
        ("start_review", "ok", "bianchi"),
        ("admit", "refused", "bianchi"),
    ]
    assert "19/02/2026 23:59:59" in text
    assert "refused: " in text
    assert "Associazione Fabbrica Intelligente" in text


def test_the_queue_says_who_is_next_and_who_blocks_whom(terminal):
    queue = terminal.ask("queue", CTL)
    text = terminal.type("queue", CTL).stdout.splitlines()

    first, second, third = queue["items"]
    assert (queue["call"], queue["residual"]) == (CTL, "666666.67")
    assert first["may_review"]
    assert not first["may_grant"]
    assert not second["may_review"]
    assert second["blocked_by"] == [FIRST]
    assert third["blocked_by"] == [FIRST, SECOND]
    assert third["running_total"] == "333333.33"
    assert set(first) >= {
        *("position", "application", "protocol", "received_at", "state"),
        *("requested", "may_review", "may_grant", "blocked_by"),
    }
    assert text[:2] == [
        f"{CTL} is {queue['state']}",
        (
            "allocation 1000000.00, reserved 333333.33, granted 0.00, "
            "residual 666666.67, waiting 0.00"
        ),
    ]
    assert text[3].endswith("review it now")
    assert text[5].endswith(f"after {FIRST} +1")
    assert re.search(r"20/01/2026 10:00:00\.\d{3} ", text[3])


def test_the_queue_marks_where_the_money_ends(terminal):
    terminal.query("UPDATE calls SET allocation = 33333333")
    terminal.query(
        "UPDATE applications SET requested = 20000000 WHERE protocol_number = 3"
    )

    lines = terminal.type("queue", CTL).stdout.splitlines()

    assert lines[5] == "--- the money ends here ---"
    assert THIRD in lines[6]


def test_the_queue_names_the_first_without_money(terminal):
    assert terminal.ask("queue", CTL)["first_without_money"] is None

    terminal.query("UPDATE applications SET reserved = 0 WHERE protocol_number = 2")

    assert terminal.ask("queue", CTL)["first_without_money"] is None  # it is free
    terminal.query("UPDATE calls SET allocation = 33333333")  # now nothing is
    assert terminal.ask("queue", CTL)["first_without_money"] == SECOND


def test_the_queue_says_that_the_counter_is_suspended_and_what_waits(terminal):
    terminal.query(
        "UPDATE calls SET state = 'suspended', suspended_for = 'exhaustion', "
        "waiting = 11111111"
    )

    queue = terminal.ask("queue", CTL)
    text = terminal.type("queue", CTL).stdout

    assert (queue["state"], queue["suspended_for"]) == ("suspended", "exhaustion")
    assert queue["waiting"] == "111111.11"
    assert text.startswith(f"{CTL} is suspended (exhaustion)\n")
    assert ", waiting 111111.11\n" in text


def test_an_announced_reopening_stands_in_the_queue(terminal):
    terminal.query(  # microseconds: 21/01/2026 15:00 in Rome
        "UPDATE calls SET state = 'suspended', suspended_for = 'act', "
        "reopens_at = 1769004000000000"
    )

    assert terminal.ask("queue", CTL)["reopens_at"] == "2026-01-21T14:00:00.000000Z"
    assert " is suspended (act) until 21/01/2026 15:00:00\n" in (
        terminal.type("queue", CTL).stdout
    )


def test_a_long_queue_is_cut_short_and_says_how_many_more_there_are(terminal):
    terminal.query("UPDATE applications SET reserved = 0 WHERE protocol_number = 3")
    terminal.query("UPDATE calls SET allocation = 33333333")

    queue = terminal.ask("queue", CTL, "--limit", "1")
    text = terminal.type("queue", CTL, "--limit", "1").stdout.splitlines()

    assert [item["protocol"] for item in queue["items"]] == [FIRST]
    assert queue["more"] == 2
    assert queue["first_without_money"] == THIRD
    assert len(text) == 5
    assert text[-1] == (
        f"2 more: see them with --limit 3; the money ends before {THIRD}"
    )
    assert terminal.ask("queue", CTL)["more"] == 0
    terminal.refused("queue", CTL, "--limit", "0", code="usage", exit_code=2)


def test_the_total_of_those_in_the_way_is_told_even_if_not_all_are_named(terminal):
    items = terminal.ask("queue", CTL)["items"]

    assert [item["blocked_by_count"] for item in items] == [0, 1, 2]


def test_events_say_what_can_be_done_and_what_is_missing(terminal):
    found = terminal.ask("events", SECOND)
    text = terminal.type("events", SECOND).stdout

    events = {one["event"]: one for one in found["events"]}
    assert (found["application"], found["state"]) == (SECOND, "submitted")
    assert not events["start_review"]["allowed"]
    assert FIRST in events["start_review"]["missing"][0]
    assert events["annul"]["allowed"]
    assert events["annul"]["needs"] == ["--act", "--reason"]
    assert events["annul"]["role"] == "manager"
    assert "grant" not in events
    assert text.index("Can be made now") < text.index("Not now")


def test_events_say_where_the_codes_are(terminal):
    terminal.type("advance", FIRST, "start_review", "--yes")

    text = terminal.type("events", FIRST).stdout

    assert f"codes: sportello call show {CTL}" in text
    assert terminal.ask("events", FIRST)["codes"] == f"sportello call show {CTL}"
    for event in ("admit", "evaluate"):
        shown = terminal.type("advance", FIRST, event, "--help").stdout
        assert "sportello call show CALL" in shown


def test_events_tell_beforehand_of_turn_money_and_missed_terms(terminal):
    terminal.to_negotiation()

    events = {one["event"]: one for one in terminal.ask("events", FIRST)["events"]}
    behind = {one["event"]: one for one in terminal.ask("events", THIRD)["events"]}

    assert not events["propose_lapse"]["allowed"]
    assert events["propose_lapse"]["missing"]
    assert SECOND in behind["start_review"]["missing"][0]


def test_the_queue_names_what_came_by_another_channel(terminal):
    line = json.dumps(submission(3, channel="pec"))
    terminal.type("intake", CTL, "-", text=line)

    queue = terminal.ask("queue", CTL)
    text = terminal.type("queue", CTL).stdout

    assert queue["not_receivable"] == ["2026/0000004"]
    assert len(queue["items"]) == 3
    assert text.splitlines()[-1] == (
        "1 by another channel, without a place, to be declared not receivable by "
        "act: 2026/0000004"
    )


def test_a_granted_file_is_shown_with_investments_publication_and_reasons(terminal):
    terminal.type("advance", SECOND, "start_review", "--yes")
    terminal.to_negotiation()
    terminal.type(
        *("advance", FIRST, "record_publication", "--published-on", "2026-01-20"),
        *("--reference", "BURL 4/2026", "--yes"),
    )
    annul = ("annul", "--act", "decreto 5/2026-01-20", "--reason", "by judgment")
    terminal.type("advance", FIRST, *annul, "--yes")

    shown = terminal.ask("show", FIRST)
    text = terminal.type("show", FIRST).stdout
    refused = terminal.type("show", SECOND).stdout

    assert shown["published_in"] == "BURL 4/2026"
    assert set(shown) >= {"admitted_investment", "plan_investment", "matured"}
    assert "requested" in text
    assert "111111.11, declared investment 95424.84" in text
    assert "admitted investment  95424.84" in text
    assert "20/01/2026, BURL 4/2026" in text
    assert "by judgment" in text
    assert f"1 refused attempt(s): `sportello log show {SECOND}" in refused


def test_events_of_other_states_are_named_on_request(terminal):
    found = terminal.ask("events", SECOND, "--all")

    (grant,) = (one for one in found["events"] if one["event"] == "grant")
    assert not grant["allowed"]
    assert grant["missing"] == ["it starts from evaluated"]


def test_in_a_final_state_only_what_was_sent_is_followed(terminal):
    terminal.type("advance", FIRST, "withdraw", "--document", "a" * 64, "--yes")

    found = terminal.ask("events", FIRST)

    assert found["state"] == "withdrawn"
    assert {one["event"] for one in found["events"]} <= {
        "record_delivery",
        "release_notice",
    }


# --- the register -------------------------------------------------------------


def entries(terminal: Terminal, *words: str) -> list[dict[str, object]]:
    shown = terminal.type("log", "show", *words, "--json")
    assert shown.exit_code == 0, shown.output
    return [json.loads(line) for line in shown.stdout.splitlines()]


def test_entries_are_json_lines_with_their_hashes(terminal):
    found = entries(terminal, CTL)

    assert [one["seq"] for one in found] == [1, 2, 3, 4, 5]
    assert [one["previous"] for one in found[1:]] == [one["hash"] for one in found[:-1]]


def test_entries_are_chosen_by_file_event_outcome_and_officer(terminal):
    terminal.as_("verdi").type("advance", FIRST, "start_review", "--yes")

    assert len(entries(terminal, FIRST)) == 2
    assert len(entries(terminal, "--event", "load-call")) == 1
    assert len(entries(terminal, "--outcome", "refused")) == 1
    assert len(entries(terminal, "--actor", "verdi")) == 1
    assert len(entries(terminal, "--since", "2026-01-20")) == 5
    assert len(entries(terminal, "--since", "2026-01-20T10:00:01+01:00")) == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--since", "20/01/2026"),
        ("--since", "2026-03-29T02:30:00"),
        ("--until", "2026-02-30"),
        ("--event", "grnt"),
    ],
)
def test_what_cannot_be_searched_for_is_a_wrong_command_line(option, value, terminal):
    terminal.refused("log", "show", option, value, code="usage", exit_code=2)


def test_an_officer_who_does_not_exist_has_no_entries_to_show(terminal):
    terminal.refused(
        "log", "show", "--actor", "ghost", code="officer.unknown", exit_code=1
    )


def test_the_register_is_shown_to_people(terminal):
    lines = terminal.type("log", "show").stdout.splitlines()

    assert lines[0].split() == [
        "seq",
        "when",
        "protocol",
        "event",
        "who",
        "what",
        "act",
    ]
    assert re.split(r"\s{2,}", lines[2].strip()) == [
        *("2", "20/01/2026 10:00:00", CTL, "open_call"),
        "worker",
        (
            "published -> open; takes applications in from 20/01/2026 10:00:00; "
            "as of 20/01/2026 10:00:00"
        ),
        "-",
    ]
    assert re.split(r"\s{2,}", lines[3].strip()) == [
        *("3", "20/01/2026 10:00:00", FIRST, "submit"),
        *("bianchi", "draft -> submitted", "-"),
    ]


def test_the_register_verifies(terminal):
    verified = terminal.ask("log", "verify")
    text = terminal.type("log", "verify", CTL)

    (call,) = verified["calls"]
    assert verified["ok"]
    assert verified["anchors"] == {
        "count": 0,
        "last": None,
        "ok": True,
        "faults": [],
        "gaps": [],
        "gap_spans": [],
        "explained": [],
        "keys": [],
        "own": None,
        "stamps": 0,
        "stamped": [],
        "stamped_at": None,
        "file": str(terminal.home / "anchors.jsonl"),
    }
    assert (call["call"], call["entries"], call["faults"]) == (CTL, 5, [])
    assert text.exit_code == 0
    assert text.stdout == (
        f"{CTL}: 5 entries: ok\n  head {call['head']}\nanchors: none yet: ok\n"
    )


def test_a_register_that_was_tampered_with_does_not_verify(terminal):
    terminal.query("UPDATE applications SET state = 'evaluated'")

    shown = terminal.type("log", "verify")
    verified = terminal.type("log", "verify", "--json")

    assert (shown.exit_code, verified.exit_code) == (5, 5)
    assert "3 FAULT(S)" in shown.stdout
    document = json.loads(verified.stdout)
    assert not document["ok"]
    assert set(document["calls"][0]["faults"][0]) == {"seq", "fault", "kind"}
    assert document["calls"][0]["counts"] == {"state": 3}
    assert "; and 2 more like it\n" in shown.stdout
