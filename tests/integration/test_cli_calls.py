"""Are calls checked, loaded and shown as an officer needs it?"""

import json
from pathlib import Path

import pytest

from config.loader import find
from tests.builders import CTL
from tests.terminals import Terminal


@pytest.fixture
def changed() -> Path:
    """Write a copy of the shipped call with another threshold."""
    text = find("ctl-2025").read_text(encoding="utf-8")
    file = Path("changed.toml")
    file.write_text(text.replace("threshold = 60", "threshold = 65"), encoding="utf-8")
    return file


@pytest.fixture
def broken() -> Path:
    """Write a copy of the shipped call with two faults."""
    text = find("ctl-2025").read_text(encoding="utf-8")
    file = Path("broken.toml")
    text = text.replace('amount = "1000000.00"', 'amount = "1,0"')
    file.write_text(text.replace("total = 100", "total = 90"), encoding="utf-8")
    return file


def test_a_good_call_file_is_ok(bare_terminal):
    checked = bare_terminal.ask("call", "check", "ctl-2025")

    assert checked == {"files": [{"file": "ctl-2025", "ok": True, "faults": []}]}


def test_all_faults_of_all_files_are_told_with_their_lines(bare_terminal, broken):
    shown = bare_terminal.type("call", "check", "ctl-2025", str(broken), "none.toml")
    checked = bare_terminal.ask("call", "check", str(broken))["files"][0]

    assert shown.exit_code == 1
    assert shown.stdout.startswith("ctl-2025: ok\nbroken.toml: ")
    assert "none.toml: 1 fault(s)" in shown.stdout
    assert not checked["ok"]
    places = {fault["where"]: fault["line"] for fault in checked["faults"]}
    amount = broken.read_text(encoding="utf-8").splitlines().index('amount = "1,0"')
    assert places["allocation.amount"] == amount + 1
    assert "merit.total" in places or "merit.criteria" in places or "merit" in places


def test_a_call_with_faults_is_not_loaded(terminal, broken):
    said = terminal.refused(
        "call", "load", str(broken), code="call.faults", exit_code=1
    )

    assert "allocation.amount" in said
    assert terminal.ask("call", "show", CTL)["version"] == 1


def test_the_same_call_again_changes_nothing(terminal):
    loaded = terminal.ask("call", "load", "ctl-2025")

    assert loaded["call"] == CTL
    assert loaded["version"] == 1
    assert loaded["changed"] is False


def test_an_act_on_an_unchanged_call_is_said_not_to_be_recorded(terminal):
    words = ("call", "load", "ctl-2025", "--act", "decreto 7/2026-01-19")

    done = terminal.type(*words, "--reason", "again")

    assert "unchanged: the act was not recorded" in done.stdout
    assert terminal.ask(*words)["act_recorded"] is False


def test_a_new_version_needs_its_act(terminal, changed):
    said = terminal.refused(
        "call", "load", str(changed), code="act.missing", exit_code=1
    )

    assert "merit.threshold: 60 -> 65" in said


def test_a_new_version_shows_what_it_changed_and_by_which_act(terminal, changed):
    loaded = terminal.ask(
        *("call", "load", str(changed)),
        *("--act", "decreto 7/2026-01-19", "--reason", "raised"),
    )
    history = terminal.ask("call", "history", CTL)["versions"]
    text = terminal.type("call", "history", CTL).stdout

    difference = {"where": "merit.threshold", "before": 60, "after": 65}
    assert loaded["version"] == 2
    assert loaded["differences"] == [difference]
    assert history[1]["hash"] == loaded["hash"]
    assert history[1]["act"] == "decreto 7/2026-01-19"
    assert "version 2, 20/01/2026 10:00:00, bianchi on decreto 7/2026-01-19" in text


def test_an_act_is_written_in_one_way(terminal, changed):
    said = terminal.refused(
        "call",
        "load",
        str(changed),
        "--act",
        "D.D.7",
        code="act.unreadable",
        exit_code=2,
    )

    assert '"decreto 1234/2026-03-10"' in said


def test_an_unknown_call_is_refused_with_those_that_are_known(terminal):
    for words in (("call", "show"), ("call", "history"), ("queue",), ("list",)):
        said = terminal.refused(*words, "CTL", code="call.unknown", exit_code=1)

        assert CTL in said


def test_a_call_is_shown_with_its_money(terminal):
    shown = terminal.ask("call", "show", CTL)

    assert list(shown)[:2] == ["call", "title"]
    assert shown["state"] == "open"
    assert shown["opens_at"] == "2026-01-20T09:00:00.000000Z"
    assert shown["closes_at"] == "2026-03-05T15:00:00.000000Z"
    assert {name: shown[name] for name in ("allocation", "reserved", "granted")} == {
        "allocation": "1000000.00",
        "reserved": "333333.33",
        "granted": "0.00",
    }
    assert shown["residual"] == "666666.67"
    assert (shown["waiting"], shown["version"], shown["filed"]) == (0, 1, 3)


def test_a_call_is_shown_with_who_may_apply(terminal):
    text = terminal.type("call", "show", CTL).stdout

    assert "99000000010  Associazione Fabbrica Intelligente Lombardia" in text
    assert "20/01/2026 10:00:00" in text


def test_calls_are_listed(terminal):
    listed = terminal.ask("call", "list")["calls"]

    assert [one["call"] for one in listed] == [CTL]
    assert json.dumps(listed)


def test_where_nothing_is_loaded_the_list_says_how_to_load(bare_terminal: Terminal):
    bare_terminal.type("init", "--rehearsal")

    assert "sportello call load" in bare_terminal.type("call", "list").stdout
