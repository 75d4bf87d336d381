"""Does every command say what it does, with an example that works?"""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli import COMMANDS, main
from commands.advance import rows_by_event
from commands.examples import example
from commands.lazy import LazyGroup
from commands.options import EXAMPLES, read
from tests.builders import submission
from tests.terminals import Terminal
from workflow.desk import SOFTWARE
from workflow.services import lookups

EVENTS = {event.value: rows for event, rows in rows_by_event().items()}
_FREE_TO_RUN_ELSEWHERE = {"demo", "grant", "run", "scheduler", "worker"}


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


EVERY = dict(commands(main))


def examples(command: click.Command) -> list[list[str]]:
    text = (command.help or "").replace("\b", "").replace("\\\n", " ")
    _, _, block = text.partition("Example:")
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    return [shlex.split(line) for line in lines]


_CONFLICT = ("officer", "conflict", "verdi", "2026/0000001", "--reason", "kin")
_MANAGER = ("officer", "add", "rossi", "--name", "R", "--role", "manager")
_DELEGATED = (
    *("officer", "delegate", "rossi", "verdi", "--role", "manager"),
    *("--from", "2026-01-20", "--to", "2026-01-21", "--act", "decreto 1/2026-01-20"),
)
_BEFORE: dict[tuple[str, ...], list[tuple[str, ...]]] = {
    ("officer", "end-role"): [_MANAGER],
    ("officer", "delegate"): [_MANAGER],
    ("officer", "end-delegation"): [_MANAGER, _DELEGATED],
    ("officer", "end-conflict"): [_CONFLICT],
    ("call", "reopen"): [
        (
            "call",
            "suspend",
            "RLF12025051244",
            "--cause",
            "malfunction",
            "--reason",
            "it is down",
        )
    ],
    ("doctor",): [("log", "anchor")],
}
_ELSEWHERE = {
    ("call", "conclude"),
    ("call", "draw"),
    ("call", "update-list"),
    ("list-of",),
    ("copy",),
    ("db",),
    ("db", "grants"),
    ("notices", "release"),
    ("unfund",),
    ("call", "rank"),
    ("call", "fund"),
}
"""Their own tests run them: what the terminal has is not what they are for."""


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_an_example_and_answers_in_json(path):
    command = EVERY[path]

    options = [word for param in command.params for word in param.opts]

    assert examples(command), path
    assert all(words[0] == "sportello" for words in examples(command))
    assert "--json" in options


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_command_says(name):
    command = EVERY[name,]

    first = (command.help or "").strip().partition("\n")[0]

    assert COMMANDS[name].help == first


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in EVERY
        if path[0] not in _FREE_TO_RUN_ELSEWHERE
        and path not in _ELSEWHERE
        and not (path[0] == "advance" and len(path) > 1)
    ],
    ids=" ".join,
)
def test_every_example_runs(path, terminal: Terminal):
    for before in _BEFORE.get(path, ()):
        assert terminal.type(*before).exit_code == 0
    late = {**submission(3), "portal_id": "LATE"}
    Path("submissions.jsonl").write_text(json.dumps(late), encoding="utf-8")
    Path("Maildir").mkdir()
    terminal.type("officer", "add", "rossi", "--name", "Rossi", "--role", "officer")

    for words in examples(EVERY[path]):
        done = terminal.type(*words[1:])

        assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", EVENTS)
def test_the_example_of_every_event_is_written_right(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("partners.jsonl").touch()
    command = EVERY["advance", name]
    (words,) = examples(command)
    row = EVENTS[name][0]

    context = command.make_context(name, words[4:])

    named = "DOM-0001" if name == "expire" else "2026/0000001"
    assert words[:4] == ["sportello", "advance", named, name]
    assert words == example(row.event, row)
    read(row.inputs, context.params)
    if row.act:
        lookups.read_act(context.params["act"])
    assert bool(context.params["reason"]) == row.reason


def test_there_is_no_example_of_something_that_is_never_stated():
    stated = {
        name
        for rows in EVENTS.values()
        for row in rows
        for name in row.inputs.model_fields
    }

    assert set(EXAMPLES) <= stated


@pytest.mark.parametrize("name", EVENTS)
def test_the_help_of_every_event_needs_no_database(name, bare_terminal: Terminal):
    shown = bare_terminal.type("advance", "2026/0000001", name, "--help")

    row = EVENTS[name][0]
    assert shown.exit_code == 0
    assert row.help.split()[0] in shown.stdout
    assert f"Role: {row.role}." in shown.stdout


def test_an_event_may_be_asked_about_without_an_application(bare_terminal: Terminal):
    short = bare_terminal.type("advance", "grant", "-h")
    whole = bare_terminal.type("advance", "2026/0000001", "grant", "--help")

    assert short.stdout == whole.stdout
    assert "--cup" in short.stdout


def test_the_help_of_advance_lists_events_by_where_they_start(bare_terminal: Terminal):
    _, _, shown = bare_terminal.type("advance", "--help").stdout.partition("Options:")

    assert shown.index("From submitted:") < shown.index("start_review")
    assert shown.index("start_review") < shown.index("From evaluated:")
    assert "submit " not in shown.replace("From submitted", "")


def test_the_version_is_told(bare_terminal: Terminal):
    shown = bare_terminal.type("--version")

    assert shown.exit_code == 0
    assert SOFTWARE in shown.stdout


def test_the_shell_completes_commands_and_options():
    completed = subprocess.run(
        [Path(sys.executable).with_name("sportello")],
        env={
            "_SPORTELLO_COMPLETE": "bash_complete",
            "COMP_WORDS": "sportello sh",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.stdout.split() == ["plain,show"]


# What is loaded is what costs time; a test by the clock would tell of the machine.


def loaded(terminal: Terminal, *words: str) -> set[str]:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from cli import main\n"
        f"main({list(words)!r})\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=terminal.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stderr.splitlines()[-1].split())


def test_help_loads_only_click_and_the_standard_library(terminal: Terminal):
    names = {name.partition(".")[0] for name in loaded(terminal, "--help")}

    strangers = {
        name
        for name in names - sys.stdlib_module_names
        if not name.startswith(("_", "sitecustomize"))
    }
    assert strangers <= {"cli", "click", "commands", "workflow"}


@pytest.mark.parametrize(
    "words",
    [
        ("show", "2026/0000001", "--json"),
        ("show", "2026/0000001"),
        ("queue", "RLF12025051244"),
        (
            *("advance", "2026/0000002", "annul", "--dry-run"),
            *("--act", "decreto 1/2026-01-20", "--reason", "x"),
        ),
    ],
    ids=" ".join,
)
def test_what_a_command_does_not_need_is_not_loaded(words, terminal: Terminal):
    names = loaded(terminal, *words)

    assert not names & {
        *("rich", "alembic", "holidays", "dramatiq", "structlog", "cryptography")
    }


def test_every_group_is_listed_without_loading_its_commands():
    assert isinstance(main, LazyGroup)
    assert main.list_commands(click.Context(main)) == list(COMMANDS)
