"""Does a rehearsal play the opening as it would be, and leave no trace?"""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from config.loader import shipped
from tests.editions import edited, together
from tests.terminals import Terminal

URLS = ["sqlite", "postgresql"]


@pytest.fixture(params=URLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Terminal:
    """Sit at a terminal whose database is on one of the two."""
    if request.param == "sqlite":
        return Terminal(tmp_path)
    server = request.getfixturevalue("postgres_server")
    return Terminal(tmp_path, {"SPORTELLO_DATABASE_URL": server})


def played(terminal: Terminal, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = terminal.ask("rehearse", *arguments)
    return document


def test_everybody_is_answered_in_order_until_the_money_is_gone(terminal):
    felt = played(terminal, "competenze-innovazione-2025", "--applications", "215")

    # 7 million in parts of 50,000, and half as much again for those who wait.
    assert felt["covered"] == 140
    assert felt["placed"] == 210
    assert sum(felt["refused"].values()) == 5
    assert felt["exhausted_after_seconds"] > 0
    assert felt["ok"]


@pytest.mark.parametrize("call", shipped())
def test_whatever_its_family_the_opening_of_a_call_is_played(call, tmp_path: Path):
    felt = played(Terminal(tmp_path), call, "--applications", "3")

    gives_in_order = call in {"ctl-2025", "competenze-innovazione-2025"}
    assert (felt["placed"], felt["refused"], felt["ok"]) == (3, {}, True)
    assert felt["covered"] == (3 if gives_in_order else 0)


LISTED = """
[[lists]]
call = "RLO12022099901"
effect = "require"
as_of = "opening"
source = "assumed"
basis = "a test"
"""


def test_anybody_may_apply_with_as_many_others_as_the_call_wants(tmp_path: Path):
    call = together(tmp_path, minimum=3, minimum_firms=4, invited=True)
    call.write_text(call.read_text(encoding="utf-8") + LISTED, encoding="utf-8")

    felt = played(Terminal(tmp_path), str(call), "--applications", "3")

    assert (felt["placed"], felt["refused"]) == (3, {})


def test_one_in_which_nobody_is_taken_in_is_no_success(tmp_path: Path):
    opens = "opens_at = 2026-01-20T10:00:00"
    closes = "closes_at = 2026-03-05T16:00:00"
    at_once = "closes_at = 2026-01-20T10:00:00.000001"
    call = edited(tmp_path, (closes, at_once))
    assert opens in call.read_text(encoding="utf-8")
    terminal = Terminal(tmp_path)
    words = ("rehearse", str(call), "--applications", "3")

    plain = terminal.type(*words)
    answered = terminal.type(*words, "--json")

    told = "Error [rehearsal.nobody_placed]: nobody was taken in: 3 [window.too_late]"
    assert (plain.exit_code, answered.exit_code) == (1, 1)
    assert told in plain.stderr
    assert "NOBODY" in plain.stdout
    (document,) = map(json.loads, answered.stdout.splitlines())
    assert (document["ok"], document["placed"]) == (False, 0)
    assert document["refused"] == {"window.too_late": 3}


def test_it_leaves_nothing_behind(terminal, tmp_path: Path):
    played(terminal, "ctl-2025", "--applications", "3", "--requested", "10.00")

    assert not [one for one in tmp_path.rglob("*") if "rehears" in one.name]
    if url := terminal.settings.get("SPORTELLO_DATABASE_URL"):
        with create_engine(url).connect() as connection:
            names = connection.scalars(text("SELECT datname FROM pg_database")).all()
        assert not [name for name in names if "rehears" in name]


def test_an_unknown_call_and_an_amount_that_cannot_be_are_refused(tmp_path: Path):
    terminal = Terminal(tmp_path)

    unknown = terminal.type("rehearse", "nothing")
    too_much = terminal.type("rehearse", "ctl-2025", "--requested", "1000000.01")
    nothing = terminal.type("rehearse", "filiere-2022", "--requested", "1.00")

    assert [one.exit_code for one in (unknown, too_much, nothing)] == [2, 2, 2]
    assert "nor the code of a call that is loaded" in unknown.output
    assert "at most 1000000.00" in too_much.output
    assert "gives no money: leave --requested out" in nothing.output
