"""Is every command driven by a model that walks at random, or is it said why not?

What a command asks of the services is read from its code; what a model asks of them
is watched while it walks (`tests/driven.py`). A command that is new, or that comes to
ask something new, is driven by a model too, or named here.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

from tests.driven import DRIVEN
from tests.terminals import every_command

for _model in (
    "call_stateful",
    "past_stateful",
    "stateful",
    "stateful_people",
    "stateful_sets",
    "stateful_stories",
    "walk",
):
    import_module(f"tests.integration.test_{_model}")  # each says what it drives

ROOT = Path(__file__).parents[2]

_EXAMPLES = "tests/integration/test_cli_examples.py"

NOT_WALKED = {
    "init": (
        "every walk begins after it",
        "tests/integration/test_cli_setup.py",
        "test_init_a_second_time_changes_nothing",
    ),
    "doctor": (
        "looks at the machine around: disks, clocks, servers",
        "tests/integration/test_cli_setup.py",
        "test_doctor_finds_everything_in_order",
    ),
    "demo": (
        "plays a story of its own, always the same",
        _EXAMPLES,
        "test_the_demonstration_of_a_counter_ends_with_the_public_figures",
    ),
    "rehearse": (
        "plays in a database of its own, against the clock of the host",
        "tests/integration/test_cli_rehearse.py",
        "test_everybody_is_answered_in_order_until_the_money_is_gone",
    ),
    "run": (
        "goes on until it is ended; what it does, walks do as `sweep`",
        "tests/integration/test_run.py",
        "test_everything_is_done_by_one_process_while_commands_are_typed",
    ),
    "scheduler": (
        "goes on until it is ended; what it gives out, walks do as `sweep`",
        "tests/integration/test_scheduler.py",
        "test_the_command_ends_in_order_and_tells_what_it_did",
    ),
    "worker": (
        "goes on until it is ended; it is walked by the soak, as a process",
        "tests/faults/soak/test_soak.py",
        "test_whatever_harm_is_done_to_the_whole_every_promise_holds",
    ),
    "call check": (
        "reads a file, and no database",
        "tests/integration/test_cli_calls.py",
        "test_all_faults_of_all_files_are_told_with_their_lines",
    ),
    "call new": (
        "writes a file, and looks at no database",
        "tests/integration/test_cli_new_calls.py",
        "test_nothing_is_overwritten",
    ),
    "letters list": (
        "says what stands in the tables of moves, whatever was done",
        "tests/integration/test_letters.py",
        "test_every_letter_is_listed_with_the_moves_that_send_it",
    ),
}
"""Why no model walks it, and where it is tried instead."""

BESIDE = {
    "decrees.carries": "what a move may have by an act for many",
    "doctor.behind": "a warning of a simulated clock",
    "export_lines.cell": "how a cell of a table is written",
    "folders.put": "a file beside the answer",
    "log.logins": "the names behind references, to be printed",
    "mailboxes.files_of": "the files of a folder",
    "mailboxes.take_file": "one file of it; what is in it models take in",
    "past_files.in_order": "the order in which facts are printed",
    "pasts.is_call": "whether a word means a call or a file",
    "signing.places": "where keys lie",
    "stamping.stamp": "an authority outside is asked",
    "terms.parked": "what has failed: nothing does in a walk",
    "terms.retry_parked": "the same",
    "terms.of_file": "how terms of one file are printed",
}
"""What commands ask beside what they are for; no command asks this alone."""

THE_SAME = {
    "intake.take_in_groups": "intake.take_in",
}
"""What a model asks instead of what a command does; one of the two asks the other."""


def services_of(path: tuple[str, ...], command: click.Command) -> set[str]:
    """Return what a command asks of the services; of a move, which one."""
    assert command.callback is not None
    found = {*_asked(inspect.unwrap(command.callback), set())}
    if path[0] == "advance":
        found = {
            one.replace("moves.advance", f"moves.advance {path[1]}") for one in found
        }
    return found


def _asked(function: Any, seen: set[Any]) -> Iterator[str]:
    """Tell what a function of the commands asks, and all of them that it calls."""
    if function in seen:
        return
    seen.add(function)
    for module, found in _named_in(function):
        if found.__module__.startswith("commands."):
            yield from _asked(inspect.unwrap(found), seen)
        elif module.startswith("workflow.services."):
            yield f"{module.rpartition('.')[2]}.{found.__name__}"


@cache
def _named_in(function: Any) -> list[tuple[str, Any]]:
    """Read which functions one names, and in which modules."""
    read: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    named = {**function.__globals__, **_imported(read)}
    meant = [_meant(node, named) for part in read.body for node in ast.walk(part)]
    return [(module, found) for module, found in meant if inspect.isfunction(found)]


def _imported(read: ast.AST) -> Mapping[str, Any]:
    """Return what a function imports when it is called."""
    found = {}
    for node in ast.walk(read):
        if isinstance(node, ast.ImportFrom):
            module = import_module(str(node.module))
            for one in node.names:
                if not hasattr(module, one.name):
                    import_module(f"{node.module}.{one.name}")
                found[one.asname or one.name] = getattr(module, one.name)
    return found


def _meant(node: ast.AST, named: Mapping[str, Any]) -> tuple[str, Any]:
    """Return what a name, or that of a thing in a module, means, and where it is."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            module = named.get(name)
            if inspect.ismodule(module):
                return module.__name__, getattr(module, attr, None)
        case ast.Name(id=name):
            found = named.get(name)
            return str(getattr(found, "__module__", "")), found
    return "", None


# --- what is promised -----------------------------------------------------------------


COMMANDS = {" ".join(path): (path, command) for path, command in every_command()}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_walked_by_a_model_or_it_is_said_why_not(name: str):
    asked = services_of(*COMMANDS[name]) - BESIDE.keys()

    walked = {one for one in asked if THE_SAME.get(one, one) in DRIVEN}

    if name in NOT_WALKED:
        assert not asked or walked != asked, "a model walks it by now"
        return
    assert asked, "it asks nothing of which a model would know"
    assert walked == asked, "let a model drive it (tests/driven.py), or say why not"


def test_what_is_not_walked_is_there_and_tried_elsewhere():
    for name, (why, file, test) in NOT_WALKED.items():
        assert name in COMMANDS
        assert why
        assert f"\ndef {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_what_is_said_beside_is_asked_and_driven_by_nobody():
    asked = set[str]().union(*(services_of(*one) for one in COMMANDS.values()))

    assert asked >= BESIDE.keys() | THE_SAME.keys()
    assert not BESIDE.keys() & DRIVEN.keys()
    for typed, walked in THE_SAME.items():
        one, other = function_of(typed), function_of(walked)
        assert one.__name__ in names_in(other) or other.__name__ in names_in(one)


def function_of(service: str) -> Callable[..., Any]:
    module, _, name = service.rpartition(".")
    found: Callable[..., Any] = getattr(
        import_module(f"workflow.services.{module}"), name
    )
    return found


def names_in(function: Callable[..., Any]) -> set[str]:
    read = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return {node.id for node in ast.walk(read) if isinstance(node, ast.Name)}
