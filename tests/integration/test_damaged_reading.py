"""What is whoever reads told, where somebody has changed what is read?"""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.builders import CTL
from tests.terminals import FIRST, Terminal, furnish
from workflow import register

FILING = 3
TODAY = "2026-01-20"
OF_FILE = ("show {app}", "log show {app}", "log diff 2026-01-16 {today} {app}")
OF_CALL = ("log show", "queue {call} --as-of {today}", "explain money {call}")
ENTRY = "explain entry {call}#{filing}"
EXPORT = "log export {call} --to out"
LISTS = ("list", "call show {call}", "doctor")

BODIES = ("", "[]", "5", '{"a":NaN}', "[" * 3000, "{}", b"\xff\xfe")
SAID: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a state that is a list": ({"to": [1]}, (*OF_FILE, ENTRY, EXPORT)),
    "a source that is a list": ({"from": [1]}, (EXPORT, "log show {app}")),
    "an actor without a word": ({"actor": {}}, (*OF_FILE, *OF_CALL, ENTRY)),
    "money of nothing": (
        {"money": {"after": {}, "movements": [None]}},
        ("explain money {call}", "show {app} --as-of {today}", EXPORT),
    ),
    "an act of nothing": ({"act": {}}, (*OF_FILE, ENTRY)),
    "terms that are numbers": ({"terms": [7]}, (*OF_FILE, *OF_CALL, ENTRY)),
    "an instant that is none": ({"at": "noon"}, (*OF_FILE, ENTRY, EXPORT)),
    "a place in the order of nothing": (
        {"order": {}},
        ("explain turn {app}", ENTRY, "queue {call} --as-of {today}"),
    ),
}
ROWS = {
    "UPDATE entries SET at = 'abc' WHERE seq = 3": (ENTRY, *OF_CALL),
    "UPDATE entries SET at = 9223372036854775807 WHERE seq = 3": (ENTRY, *OF_CALL),
    "UPDATE entries SET application_id = 'x' WHERE seq = 3": OF_FILE,
    "UPDATE calls SET reopens_at = 'noon'": LISTS,
    "UPDATE calls SET suspended_for = 'rain'": LISTS,
    "UPDATE applications SET state = 'lost'": LISTS,
    "UPDATE terms SET due_at = 9e300": ("terms", "show {app}"),
    "UPDATE call_versions SET body = '[]'": ("call history {call}", "show {app}"),
    "UPDATE officer_roles SET role = 'king' WHERE role = 'auditor'": (
        "officer list",
        "events {app}",
    ),
    "UPDATE office_entries SET body = '[]'": ("officer history",),
    "UPDATE movements SET reserved = 'much'": ("show {app}",),
    "UPDATE notices SET status = 'lost'": ("notices", "show {app}"),
}
"""What can be put into a file of SQLite by hand, and who reads it."""


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home in which a grant was given, for others to copy."""
    home = tmp_path_factory.mktemp("granted") / "home"
    terminal = Terminal(home)
    furnish(terminal)
    terminal.to_negotiation()
    return home


@pytest.fixture
def damaged(
    granted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "Damaged":
    """Sit at a terminal whose database somebody can change as they like."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    for folder in (home, home / "keys"):
        folder.chmod(0o700)
    for name in ("sportello.db", "keys/register.pem"):
        (home / name).write_bytes((granted / name).read_bytes())
        (home / name).chmod(0o600)
    return Damaged(home)


class Damaged(Terminal):
    """Somebody who types commands where a hand was at work."""

    def change(self, statement: str, *values: object) -> None:
        """Change the database as only its owner can: no trigger holds."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as file:
            file.execute("PRAGMA ignore_check_constraints = ON")
            named = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in file.execute(named).fetchall():
                file.execute(f"DROP TRIGGER {name}")
            file.execute(statement, values)

    def forge(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what the filing says, and hash all after it again."""
        head = register.GENESIS
        for seq, body, found in self.query("SELECT seq, body, hash FROM entries"):
            head = found
            if seq < FILING:
                continue
            said = {**json.loads(body), "previous": self.head(seq - 1)}
            if seq == FILING:
                change(said)
            made = register.seal(said)
            head = made.hash
            self.change(
                "UPDATE entries SET body = ?, hash = ? WHERE seq = ?",
                *(made.body.decode(), head, seq),
            )
        self.change("UPDATE calls SET head_hash = ?", head)

    def head(self, seq: int) -> str:
        """Return the hash of an entry."""
        ((found,),) = self.query(f"SELECT hash FROM entries WHERE seq = {seq}")  # noqa: S608 - ours
        return str(found)

    def read(self, command: str) -> None:
        """Type a command; it tells nothing wrong, or that somebody was at work."""
        words = command.format(app=FIRST, call=CTL, filing=FILING, today=TODAY).split()
        result = self.type(*words)  # which lets no traceback pass
        assert result.exit_code in {0, 3, 5}, (words, result.output)
        if result.exit_code == 5 and "FAULT" not in result.stdout:
            assert re.search(r"^Error \[.+\]: .+\n\Z", result.stderr), result.stderr


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_entry_is_told_to_whoever_reads_it(damaged, body):
    damaged.change("UPDATE entries SET body = ? WHERE seq = 3", body)

    for command in (*OF_FILE, *OF_CALL, ENTRY):
        damaged.read(command)

    refusal = damaged.refused("show", FIRST, code="register.unreadable", exit_code=5)
    assert f"entry {FILING} of the register cannot be read" in refusal


@pytest.mark.parametrize("name", SAID)
def test_an_entry_that_was_hashed_again_is_told_to_whoever_reads_it(damaged, name):
    said, commands = SAID[name]

    damaged.forge(lambda body: body.update(said))

    for command in commands:
        damaged.read(command)


@pytest.mark.parametrize("statement", ROWS)
def test_a_row_that_makes_no_sense_is_told_to_whoever_reads_it(damaged, statement):
    damaged.change(statement)

    for command in ROWS[statement]:
        damaged.read(command)


def test_what_does_not_verify_is_named_where_a_command_cannot_go_on(damaged):
    damaged.change("UPDATE entries SET at = 'abc' WHERE seq = 3")

    told = damaged.refused(
        *("explain", "entry", f"{CTL}#{FILING}"), code="register.damaged", exit_code=5
    )

    assert f"{CTL}#{FILING}: the columns beside it say something else" in told
    assert "`sportello log verify`" in told


def test_a_row_of_which_no_entry_tells_is_damage_too(damaged):
    damaged.change("UPDATE notices SET status = 'lost'")

    damaged.refused("notices", code="database.changed", exit_code=5)


def test_a_folder_in_the_place_of_the_key_is_told_in_words(damaged):
    damaged.type("log", "anchor")
    key = damaged.home / "keys" / "register.pem"
    key.unlink()
    key.mkdir()

    verified = damaged.type("log", "verify")
    told = damaged.refused("log", "anchor", code="key.unreadable", exit_code=3)

    assert verified.exit_code == 0  # nothing that is signed changes by it
    assert "restore the key from its backup" in told


def test_a_bug_keeps_its_traceback_where_the_register_verifies(
    damaged, monkeypatch: pytest.MonkeyPatch
):
    def stumble(*_anything: object) -> None:
        raise TypeError

    monkeypatch.setattr("commands.applications.views.listed", stumble)

    with pytest.raises(TypeError):
        damaged.type("list")
