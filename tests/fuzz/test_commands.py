"""Does any command line end in anything but a result, or a clear refusal?"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.lazy import LazyGroup
from models.vocabulary import Event
from tests.builders import CTL
from tests.fuzz.databases import Contents, contents, left
from tests.fuzz.words import hostile_to
from tests.terminals import (
    ALL_ROLES,
    FIRST,
    SECOND,
    Terminal,
    every_command,
    furnish,
    options,
)

_RUN_ON = {"demo", "rehearse", "run", "scheduler", "worker"}
"""What goes on for long if it is typed right: it is only read."""

_REPORTS = {"call check", "doctor", "log verify"}
"""What answers with all that is wrong, and writes nothing."""

_IN_PART = {"intake", "receipts", "notices retry", "notices release"}
"""What may do one part of what was asked and refuse another; each is answered."""

_EACH = max(3, settings().max_examples // 40)
"""For each command; `HYPOTHESIS_PROFILE=night` tries fifty."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


EVERY = dict(every_command())
TRIED = [path for path in EVERY if path[0] not in _RUN_ON]
READ = [path for path in EVERY if path[0] in _RUN_ON]

LIKELY = [FIRST, CTL, SECOND, "verdi", "decreto 7/2026-01-20", *ALL_ROLES]


def values_of(
    param: click.Parameter, hostile: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    if isinstance(param.type, click.Choice):
        return st.sampled_from([str(one) for one in param.type.choices]) | hostile
    return hostile | hostile | st.sampled_from(LIKELY)


@st.composite
def stated(draw: st.DrawFn, path: tuple[str, ...]) -> list[str]:
    """Draw what follows the name of a command: its options, and its arguments."""
    options, arguments = [], []
    hostile = hostile_to(" ".join(path))
    for param in EVERY[path].params:
        times = draw(st.sampled_from([0, 0, 1, 1, 2]))
        if isinstance(param, click.Argument) or param.required:
            times = max(times, 1)
        values = [draw(values_of(param, hostile)) for _ in range(times)]
        if isinstance(param, click.Argument):
            arguments += values
        elif getattr(param, "is_flag", False):
            options += [param.opts[0]] * min(times, 1)
        else:
            options += [part for value in values for part in (param.opts[0], value)]
    return [*options, *draw(st.sampled_from([[], ["--"]])), *arguments]


@st.composite
def nearly_right(draw: st.DrawFn, event: str) -> list[str]:
    """Draw what is usually typed for a move, with other words here and there."""
    hostile = hostile_to(event)
    usual = options(Event(event))
    words = [draw(st.one_of(*map(st.just, [word] * 5), hostile)) for word in usual]
    return ["--yes", *words]


@st.composite
def command_lines(draw: st.DrawFn, path: tuple[str, ...]) -> list[str]:
    """Draw a whole line; a move needs its file before its name."""
    if path[0] != "advance":
        return [*path, *draw(stated(path))]
    _, event = path
    file = draw(st.sampled_from(LIKELY) | hostile_to(event))
    return ["advance", file, event, *draw(nearly_right(event) | stated(path))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzz") / "home"
    furnish(Terminal(made))
    return made


@pytest.fixture(scope="module")
def held(home: Path) -> Contents:
    """Return what the database holds that everybody starts from."""
    return contents(Terminal(home).database)


@contextmanager
def sitting(home: Path) -> Iterator[Terminal]:
    """Sit in a folder of one's own, with the same database each time."""
    before = Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Terminal(shutil.copytree(home, Path(folder) / "home"))
        finally:
            os.chdir(before)


def type_it(words: list[str], home: Path, before: Contents) -> None:
    """Type a command, and hold what it says against what it has done."""
    with sitting(home) as terminal:
        done = terminal.type(*words)

        told = done.stdout + done.stderr
        named = {words[0], " ".join(words[:2])}
        assert done.exit_code in range(6), told
        assert not _CONTROL.search(done.stderr)
        assert "--json" in words or not _CONTROL.search(done.stdout)
        if done.exit_code and not named & (_REPORTS | _IN_PART):
            assert "Error [" in told or '{"error": {' in told, told
        behind = left(before, contents(terminal.database))
        if done.exit_code and not named & _IN_PART:
            assert not behind.tables, told
            assert behind.entries <= 1, told
        if behind.tables or behind.entries:
            assert terminal.type("log", "verify").exit_code == 0, told


@pytest.mark.parametrize("path", TRIED, ids=" ".join)
@given(data=st.data())
@settings(max_examples=_EACH, suppress_health_check=[*HealthCheck])
def test_whatever_is_typed_is_done_or_refused_and_never_half_done(
    home: Path, held: Contents, path: tuple[str, ...], data: st.DataObject
):
    type_it(data.draw(command_lines(path)), home, held)


@pytest.mark.parametrize(
    "words",
    [
        ["call", "history", "\udcff"],
        ["show", "\x1b[2J", "--json"],
        ["officer", "list", "--at", "9999-12-31"],
        ["call", "check", "\udcff", "\x1b[2J"],
        ["call", "new", "plain_counter", "\x1b[2J.toml"],
        ["report", CTL, "--out", "\x1b[2J.txt"],
    ],
)
def test_what_once_was_not_told_in_words_is(
    home: Path, held: Contents, words: list[str]
):
    type_it(words, home, held)


@given(data=st.data(), path=st.sampled_from(READ))
def test_whatever_is_typed_after_what_runs_on_is_read_or_refused(data, path):
    words = data.draw(stated(path))
    group = LazyGroup(lazy={}, name="sportello")

    with (
        click.Context(group) as above,
        suppress(click.UsageError, click.exceptions.Exit),
    ):
        read = EVERY[path].make_context(path[-1], words, parent=above)

        assert set(read.params) <= {param.name for param in EVERY[path].params}
