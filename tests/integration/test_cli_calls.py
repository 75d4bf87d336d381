"""Are calls checked, loaded and shown as an officer needs it?"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import click.testing
import pytest

from config.loader import find
from tests.builders import CTL
from tests.editions import SECOND, open_to_all
from tests.terminals import ACT, FIRST, Terminal


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


def test_of_very_many_faults_the_first_are_told_and_all_are_counted(bare_terminal):
    keys = "".join(f"unknown_{number} = 1\n" for number in range(200))
    text = keys + find("ctl-2025").read_text(encoding="utf-8")
    Path("many.toml").write_text(text, encoding="utf-8")

    shown = bare_terminal.type("call", "check", "many.toml").stdout.splitlines()
    (checked,) = bare_terminal.ask("call", "check", "many.toml")["files"]

    assert shown[0] == "many.toml: 200 fault(s)"
    assert (len(shown), shown[-1]) == (1 + 50 + 1, "  and 150 more")
    assert len(checked["faults"]) == 200


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


@pytest.fixture
def sitting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody sit in front of what is typed."""
    stream = click.testing._NamedTextIOWrapper
    monkeypatch.setattr(stream, "isatty", lambda _: True, raising=False)


@pytest.mark.usefixtures("sitting")
def test_whoever_types_an_act_sees_what_it_does_and_confirms_it(terminal):
    suspend = ("call", "suspend", CTL, *ACT, "--reason", "the platform moves")

    tried = terminal.type(*suspend, "--dry-run")
    wrong = terminal.type(*suspend, text="yes\n")
    nobody = terminal.type(*suspend, text="")
    stood = terminal.ask("call", "show", CTL)["state"]
    done = terminal.type(*suspend, text=f"{CTL}\n")
    annulled = terminal.type("call", "annul", *suspend[2:], "--yes", text="")
    again = terminal.ask("call", "annul", *suspend[2:])

    moved = f"{CTL} suspend_call: `open` -> `suspended`"
    assert tried.stdout.startswith(f"Would do: {moved}\n")
    assert "confirmation.wrong" in wrong.stderr
    assert "confirmation.missing" in nobody.stderr
    assert (wrong.exit_code, nobody.exit_code, stood) == (1, 2, "open")
    assert f"This will happen: {moved}\n" in done.stderr
    assert f"  writes to {FIRST}: counter_suspended to " in done.stderr
    assert done.stdout.startswith(f"{moved}\n")
    assert annulled.exit_code == 0
    assert again["error"]["code"] == "machine.wrong_state"  # a script is not asked


@pytest.mark.usefixtures("sitting")
def test_whoever_loads_a_new_version_sees_what_it_changes_and_confirms_it(terminal):
    text = find("ctl-2025").read_text(encoding="utf-8")
    less = text.replace('amount = "1000000.00"', 'amount = "400000.00"')
    Path("less.toml").write_text(less, encoding="utf-8")
    load = ("call", "load", "less.toml", *ACT)

    wrong = terminal.type(*load, text="yes\n")
    stood = terminal.ask("call", "show", CTL)["version"]
    done = terminal.type(*load, text=f"{CTL}\n")
    again = terminal.type(*load, text="")

    changes = "  allocation.amount: 1000000.00 -> 400000.00\n  residual of the call "
    assert (wrong.exit_code, stood) == (1, 1)
    assert f"{CTL} will be loaded: version 2\n" in done.stderr
    assert f"{changes}66666.67\n" in done.stderr
    assert f"{changes}66666.67\n" in done.stdout
    assert "unchanged: the act was not recorded" in again.stdout  # nobody was asked


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


def test_an_application_in_the_place_of_a_call_is_told_with_its_call(terminal):
    said = terminal.refused("explain", "money", FIRST, code="call.unknown", exit_code=1)

    assert f"`{FIRST}` is an application to {CTL}, and no call" in said
    assert f"`sportello show {FIRST}`" in said


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


# --- acts on a call ------------------------------------------------------------

FORMAL = (*ACT, "--reason", "because")


def at(terminal: Terminal, instant: str) -> Terminal:
    """Return the same terminal at another instant."""
    return Terminal(terminal.home, {**terminal.settings, "SPORTELLO_CLOCK": instant})


def test_an_act_prints_its_entry(terminal):
    entry = terminal.ask("call", "suspend", CTL, *FORMAL)
    shown = terminal.ask("call", "show", CTL)

    assert (entry["event"], entry["from"], entry["to"]) == (
        "suspend_call",
        "open",
        "suspended",
    )
    assert len(entry["hash"]) == 64
    assert shown["state"] == "suspended"
    assert shown["suspended_for"] == "act"
    assert shown["suspended_because"] == "because"
    assert shown["acts"] == [
        "reopen",
        "extend",
        "refinance",
        "load",
        "close",
        "annul",
        "malfunction",
    ]


def test_an_officer_reads_in_words_where_a_call_stands(terminal):
    terminal.type(
        *("call", "suspend", CTL, "--cause", "malfunction"), "--reason", "it is down"
    )
    reopening = terminal.type(
        *("call", "reopen", CTL, "--at", "2026-01-22T10:00"), *FORMAL
    ).stdout
    suspended = terminal.type("call", "show", CTL).stdout
    reopened = at(terminal, "2026-01-25T10:00:00+01:00").type("call", "show", CTL)

    assert "reopens by itself 22/01/2026 10:00:00" in reopening
    assert "suspended since 20/01/2026 10:00:00: the platform does not" in suspended
    assert "because       it is down" in suspended
    assert "reopens       22/01/2026 10:00:00" in suspended
    assert "open since 22/01/2026 10:00:00" in reopened.stdout
    assert all(len(line) <= 100 for line in suspended.splitlines())


def test_a_pending_version_and_a_malfunction_are_shown(terminal):
    terminal.type(
        *("call", "extend", CTL, "--closes-at", "2026-03-20T16:00"),
        *("--effective", "2026-02-01T00:00", *FORMAL),
    )
    terminal.type(
        *("call", "malfunction", CTL, "--evidence", "ticket 4711"),
        *("--from", "2026-01-19T18:03", "--to", "2026-01-19T18:09"),
    )
    shown = terminal.type("call", "show", CTL).stdout
    told = terminal.ask("call", "show", CTL)
    history = terminal.type("call", "history", CTL).stdout

    assert "Announced" in shown
    assert "not decided yet  ticket 4711" in shown
    assert told["announced"]["effective_at"] == "2026-01-31T23:00:00.000000Z"
    assert told["malfunctions"][0]["decision"] is None
    assert told["closes_at"] == "2026-03-05T15:00:00.000000Z"
    assert "extended (proroga), in force from 01/02/2026 00:00:00" in history
    assert "window.closes_at: 05/03/2026 16:00:00 -> 20/03/2026 16:00:00" in history


def test_a_call_closed_by_act_shows_both_instants(terminal):
    terminal.type("call", "close", CTL, *FORMAL)

    shown = terminal.type("call", "show", CTL).stdout

    assert "20/01/2026 10:00:00 by act; it was planned for 05/03/2026" in shown


def test_a_call_without_applications_is_concluded(bare_terminal):
    bare_terminal.settings["SPORTELLO_CLOCK"] = "2026-01-15T18:00:00+01:00"
    bare_terminal.type("init", "--rehearsal")
    roles = ("--role", "administrator", "--role", "manager")
    bare_terminal.type("officer", "add", "bianchi", "--name", "Anna", *roles)
    bare_terminal.type("call", "load", "ctl-2025")
    closed = at(bare_terminal, "2026-03-06T10:00:00+01:00")

    swept = closed.ask("sweep")
    done = closed.type("call", "conclude", CTL, *ACT)

    assert [one["event"] for one in swept["done"]] == ["open_call", "close_call"]
    assert (swept["applied"], swept["remaining"]) == (2, 0)
    assert "`closed` -> `concluded`" in done.stdout
    assert closed.type("sweep").stdout == "nothing is due\n"
    assert closed.ask("log", "verify")["ok"]


def test_the_register_of_a_call_is_read_in_words(terminal):
    terminal.type("call", "suspend", CTL, *FORMAL)
    terminal.type("call", "suspend", CTL, *FORMAL)

    shown = terminal.type("log", "show", "--event", "suspend-call").stdout

    assert "open -> suspended; because an act says so; took applications" in shown
    assert "refused: machine.wrong_state" in shown
    assert "decreto 1/2026-01-20" in shown


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-03-29T02:30", "does not exist in Italy"),
        ("2026-10-25T02:30", "happens twice in Italy"),
        ("2026-03-20", "write day and hour of Rome"),
        ("soon", "write day and hour of Rome"),
        ("2026-13-01T10:00", "write day and hour of Rome"),
        ("2200-01-01T10:00", "the year 2200 is not between"),
        ("0001-01-01T00:00+14:00", "the year 1 is not between"),
    ],
)
def test_an_instant_that_nobody_can_place_is_a_wrong_command(terminal, instant, said):
    words = ("call", "extend", CTL, "--closes-at", instant, *FORMAL)

    assert said in terminal.refused(*words, code="usage", exit_code=2)


@pytest.mark.parametrize("amount", ["1.500.000,00", "-5", "much", "1e9", ""])
def test_an_amount_that_cannot_be_read_is_a_wrong_command(terminal, amount):
    words = ("call", "refinance", CTL, "--allocation", amount, *FORMAL)

    assert "is not an amount" in terminal.refused(*words, code="usage", exit_code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--from is missing"),
        (("--evidence", "x"), "--from is missing"),
        (("--decide", "1"), "--decision is missing"),
        (("--decide", "0"), "--decide"),
        (
            ("--decide", "1", "--decision", "no_effect", "--evidence", "x"),
            "--evidence does not belong here",
        ),
    ],
)
def test_a_malfunction_is_recorded_or_decided_not_half_of_each(terminal, words, said):
    stated = ("call", "malfunction", CTL, *words)

    assert said in terminal.refused(*stated, code="usage", exit_code=2)


def test_a_busy_call_is_left_for_the_next_sweep(terminal):
    late = at(terminal, "2026-03-06T10:00:00+01:00")
    with closing(sqlite3.connect(terminal.database, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        busy = late.type("sweep")
        told = late.ask("sweep")

    assert busy.exit_code == 3
    assert "busy with somebody else's command; sweep again" in busy.stdout
    assert (told["applied"], told["remaining"], told["busy"]) == (0, 1, [CTL])
    assert late.ask("sweep")["remaining"] == 0


def test_a_call_in_which_something_fails_disturbs_no_other(terminal):
    terminal.type("call", "load", str(open_to_all(terminal.home.parent)))
    late = at(terminal, "2026-03-06T10:00:00+01:00")
    with closing(sqlite3.connect(terminal.database, isolation_level=None)) as somebody:
        somebody.execute(f"UPDATE calls SET head_seq = 0 WHERE code = '{CTL}'")  # noqa: S608 - ours
        typed = late.type("sweep")
        told = late.ask("sweep")

    assert typed.exit_code == 3
    assert f"{CTL}: not swept [sweep.failed]" in typed.stdout
    assert SECOND in typed.stdout
    assert '"where"' in typed.stderr
    assert told["busy"] == []
    assert [one["call"] for one in told["failed"]] == [CTL]
