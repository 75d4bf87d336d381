"""Does a rehearsal play the opening as it would be, and leave no trace?"""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

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

    assert (unknown.exit_code, too_much.exit_code) == (2, 2)
    assert "nor the code of a call that is loaded" in unknown.output
    assert "at most 1000000.00" in too_much.output
