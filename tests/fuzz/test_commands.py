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
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cli import main
from commands.lazy import LazyGroup
from tests.builders import CTL
from tests.fuzz.databases import REGISTER, changed, contents
from tests.fuzz.words import hostile
from tests.terminals import ALL_ROLES, FIRST, SECOND, Terminal, furnish

_RUN_ON = {"demo", "rehearse", "run", "scheduler", "worker"}
"""What goes on for long if it is typed right: it is only read."""

_REPORTS = {"call check", "doctor", "log verify"}
"""What answers with all that is wrong, and writes nothing."""

_IN_PART = {"intake", "receipts", "notices retry", "notices release"}
"""What may do one part of what was asked and refuse another; each is answered."""

_EXAMPLES = settings().max_examples // 2
"""A command takes a tenth of a second; `HYPOTHESIS_PROFILE=night` tries a thousand."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


EVERY = dict(commands(main))
TRIED = [path for path in EVERY if path[0] not in _RUN_ON]
READ = [path for path in EVERY if path[0] in _RUN_ON]

likely = st.sampled_from(
    [CTL, FIRST, SECOND, "verdi", "decreto 7/2026-01-20", *ALL_ROLES]
)
word = hostile | hostile | likely


def values_of(param: click.Parameter) -> st.SearchStrategy[str]:
    if isinstance(param.type, click.Choice):
        return st.sampled_from([str(one) for one in param.type.choices]) | hostile
    return word


@st.composite
def stated(draw: st.DrawFn, path: tuple[str, ...]) -> list[str]:
    """Draw what follows the name of a command: its options, and its arguments."""
    options, arguments = [], []
    for param in EVERY[path].params:
        times = draw(st.sampled_from([0, 0, 1, 1, 2]))
        if isinstance(param, click.Argument) or param.required:
            times = max(times, 1)
        values = [draw(values_of(param)) for _ in range(times)]
        if isinstance(param, click.Argument):
            arguments += values
        elif getattr(param, "is_flag", False):
            options += [param.opts[0]] * min(times, 1)
        else:
            options += [part for value in values for part in (param.opts[0], value)]
    return [*options, *draw(st.sampled_from([[], ["--"]])), *arguments]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    path = draw(st.sampled_from(TRIED))
    follows = draw(stated(path))
    if path[0] == "advance" and len(path) > 1:
        return [path[0], draw(likely | hostile), path[1], *follows]
    return [*path, *follows]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzz") / "home"
    furnish(Terminal(made))
    return made


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


@given(words=command_lines())
@example(words=["call", "history", "\udcff"])
@example(words=["show", "\x1b[2J", "--json"])
@settings(
    max_examples=_EXAMPLES,
    suppress_health_check=[*HealthCheck],
)
def test_whatever_is_typed_is_done_or_refused_and_never_half_done(words, home: Path):
    with sitting(home) as terminal:
        before = contents(terminal.database)

        done = terminal.type(*words)

        told = done.stdout + done.stderr
        named = {words[0], " ".join(words[:2])}
        assert done.exit_code in range(6), told
        if done.exit_code and not named & (_REPORTS | _IN_PART):
            assert "Error [" in told or '{"error": {' in told, told
        if done.exit_code and not named & _IN_PART:
            assert changed(before, terminal.database) <= REGISTER
        assert not _CONTROL.search(done.stderr)
        assert "--json" in words or not _CONTROL.search(done.stdout)


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
