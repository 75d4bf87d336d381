"""Is an auditor told what to type, where something was typed wrong?"""

from pathlib import Path

import pytest

from tests.builders import CTL
from tests.terminals import Terminal


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200f"])
def test_signs_that_turn_what_is_read_are_refused_in_a_reason(
    terminal: Terminal, sign: str
):
    words = ("call", "suspend", CTL, "--act", "decreto 1/2026-01-20", "--reason")

    told = terminal.refused(*words, f"a{sign}b", code="input.invalid", exit_code=2)

    assert f"--reason has the invisible sign U+{ord(sign):04X}" in told


def test_what_is_neither_a_call_nor_an_application_is_told_so(terminal: Terminal):
    words = ("log", "show", "NOPE")

    told = terminal.refused(*words, code="application.unknown", exit_code=1)

    assert told.startswith("there is no application and no call `NOPE`")


def test_an_export_to_nowhere_is_refused(terminal: Terminal):
    terminal.refused("log", "export", CTL, "--to", "", code="usage", exit_code=2)

    assert not list(Path.cwd().glob("verify.py"))


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("0001-01-01", "a year is one from 0002 to 9998"),
        ("2026-02-30", "no day of the calendar; write a day, such as 2026-03-05, or"),
    ],
)
def test_a_day_that_cannot_be_meant_is_told_with_its_rule(
    terminal: Terminal, day: str, told: str
):
    said = terminal.refused("log", "show", "--since", day, code="usage", exit_code=2)

    assert told in said


def test_a_change_of_which_nothing_more_is_said_ends_without_a_colon(
    terminal: Terminal,
):
    shown = terminal.type("log", "diff", "2026-01-14", "2026-01-20").stdout

    assert "1 load_call" in shown
    assert not [line for line in shown.splitlines() if line.endswith((": ", ":"))]


def test_an_explanation_of_a_grant_is_in_words(terminal: Terminal):
    terminal.to_negotiation()
    ((seq,),) = terminal.query("SELECT seq FROM entries WHERE event = 'grant'")

    shown = terminal.type("explain", "entry", f"{CTL}#{seq}").stdout

    assert "money that could be granted before it: " in shown
    assert "available before" not in shown


def test_init_says_that_a_real_database_does_not_obey_the_clock(
    bare_terminal: Terminal,
):
    made = bare_terminal.type("init")

    assert made.exit_code == 0
    assert "SPORTELLO_CLOCK is set" in made.stderr


def test_init_says_how_to_close_a_home_that_was_open(bare_terminal: Terminal):
    bare_terminal.home.mkdir()
    bare_terminal.home.chmod(0o755)

    made = bare_terminal.type("init", "--rehearsal")

    assert f"`chmod 700 {bare_terminal.home}`" in made.stderr
