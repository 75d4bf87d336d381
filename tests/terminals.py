"""How do tests type commands?"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from cli import main  # noqa: TID251 - these tests drive the command line
from models.vocabulary import Event
from tests.builders import CTL, TO_GRANT, submission, usual

SPORTELLO = Path(sys.executable).with_name("sportello")
PUBLISHED = "2026-01-15T18:00:00+01:00"
OPENING = "2026-01-20T10:00:00+01:00"
FIRST, SECOND, THIRD = (f"2026/000000{number}" for number in (1, 2, 3))
ALL_ROLES = ("intake", "officer", "responsible", "evaluator", "manager")
ACT = ("--act", "decreto 1/2026-01-20")


@dataclass
class Terminal:
    """Somebody who types commands; the database is a rehearsal."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every command."""
        return {
            "SPORTELLO_HOME": str(self.home),
            "SPORTELLO_OFFICER": "bianchi",
            "SPORTELLO_CLOCK": OPENING,
            "SPORTELLO_LOCK_WAIT": "0",
            **self.settings,
        }

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.home / "sportello.db"

    def type(self, *words: str, text: str | bytes | None = None) -> Result:
        """Type a command; what goes wrong on the way is not hidden."""
        runner = CliRunner(env=self.environment)
        result = runner.invoke(main, words, input=text)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ask(self, *words: str, text: str | bytes | None = None) -> Any:
        """Type a command with `--json` and read the one document it answers."""
        return json.loads(self.type(*words, "--json", text=text).stdout)

    def refused(self, *words: str, code: str, exit_code: int) -> str:
        """Type a command twice, for people and for scripts; return what it says."""
        plain = self.type(*words)
        answered = self.type(*words, "--json")
        error = json.loads(answered.stdout)["error"]
        assert (plain.exit_code, answered.exit_code) == (exit_code, exit_code), plain
        assert error["code"] == code, error
        assert set(error) == {"code", "message", "details"}
        assert plain.stdout == ""
        assert plain.stderr.endswith(f"Error [{code}]: {error['message']}\n")
        return str(error["message"])

    def as_(self, login: str) -> "Terminal":
        """Return the terminal of another officer."""
        return Terminal(self.home, {**self.settings, "SPORTELLO_OFFICER": login})

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Type a command in a process of its own."""
        return subprocess.run(
            [SPORTELLO, *words],
            env={**self._outside(), **self.environment},
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [SPORTELLO, *words],
            env={**self._outside(), **self.environment},
            text=True,
            **more,
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Look into the database, or change it behind the program's back."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return list(connection.execute(statement))

    def to_negotiation(self) -> None:
        """Bring the first application to the grant, which another officer gives."""
        added = ("officer", "add", "gialli", "--name", "G", "--role", "manager")
        assert self.type(*added).exit_code == 0
        for event in TO_GRANT:
            sits = self.as_("gialli") if event is Event.GRANT else self
            done = sits.type("advance", FIRST, event.value, "--yes", *options(event))
            assert done.exit_code == 0, done.output

    def _outside(self) -> dict[str, str]:
        names = {"PATH", "HOME", "PYTHONPATH"} & os.environ.keys()
        return {name: os.environ[name] for name in names}


def every_command(
    group: click.Group = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Return each command that there is, with its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name), command


def options(event: Event) -> list[str]:
    """Return what is usually typed for an event: options, each before its value."""
    words = []
    stated = usual(event, date(2026, 1, 20))
    for name, value in {**stated.pop("inputs", {}), **stated}.items():
        for one in value if isinstance(value, list) else [value]:
            words += [f"--{name.replace('_', '-')}", str(one)]
    return words


def furnish(terminal: Terminal) -> None:
    """Make a database with two officers, a call and three applications."""
    early = Terminal(terminal.home, {"SPORTELLO_CLOCK": PUBLISHED})
    roles = [word for role in ALL_ROLES for word in ("--role", role)]
    lines = "\n".join(json.dumps(submission(number)) for number in range(3))
    for done in (
        early.type("init", "--rehearsal"),
        early.type(
            *("officer", "add", "bianchi", "--name", "Anna Bianchi"),
            *("--role", "administrator", *roles),
        ),
        early.type(
            *("officer", "add", "verdi", "--name", "Ugo Verdi"),
            *("--role", "auditor"),
        ),
        early.type("call", "load", "ctl-2025"),
        terminal.type("intake", CTL, "-", text=lines),
    ):
        assert done.exit_code == 0, done.output
