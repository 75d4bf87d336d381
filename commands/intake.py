"""How are submissions handed over?"""

import sys
from array import array
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from pathlib import Path
from typing import IO, Any

import click

from commands.entry import at_desk, warn_of_clock
from commands.handed_in import HandedIn
from commands.lazy import json_lines_option, note_done, wants_json
from commands.output import civil, clean, emit_json
from commands.plain import say
from config.handed_in import EndlessLineError, lines
from workflow.desk import Desk
from workflow.errors import InputError, RefusedError
from workflow.services import intake
from workflow.services.submissions import LONGEST_LINE

_IN_WORDS = {"waiting": "taken in, no money for it now"}
"""An application in state `submitted` may still wait for money."""


@click.command("intake")
@click.argument("call")
@click.argument("file", type=HandedIn(pipes=True, allow_dash=True))
@json_lines_option
@click.pass_context
@at_desk
def intake_command(desk: Desk, context: click.Context, call: str, file: str) -> None:
    """Take submissions in, in the order of the file (presentazione).

    FILE holds one JSON object a line; `-` is the standard input. Each line is
    answered as soon as it is written to the database, on the same line number: a
    line that is refused, or cannot be read, is recorded as such and stops
    nothing. The same submission again is a duplicate and changes nothing: after
    an interruption the same file goes on from where it was.

    In a pipe, and with --json, the answers are JSON Lines: one document a line.
    It exits with 1 if any was refused.

    \b
    Example:
        sportello intake RLF12025051244 submissions.jsonl
    """
    as_json = wants_json() or not sys.stdout.isatty()
    outcomes: Counter[str] = Counter()
    with _opened(file) as stream:
        submitted = _Submissions(stream)
        warn_of_clock(desk, call=call)
        try:
            with _progress(file) as bar:
                for answers in intake.take_in_groups(desk, call, submitted):
                    note_done(f"the lines up to {answers[-1]['line']}")
                    for answer in answers:
                        outcomes[answer["outcome"]] += 1
                        if as_json:
                            emit_json(answer)
                        else:
                            say(_told(answer))
                    bar(submitted.end_of(answers[-1]["line"]))
        except KeyboardInterrupt:
            _tell_interrupted(outcomes)
            raise
    _tell_outcomes(outcomes)
    if outcomes["refused"]:
        context.exit(RefusedError.exit_code)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """Open a file, or the standard input."""
    if file != "-":
        with Path(file).open("rb") as stream:
            yield stream
        return
    try:
        descriptor = sys.stdin.fileno()
    except UnsupportedOperation:  # a test's own
        yield sys.stdin.buffer
        return
    # Not the interpreter's own reader: it is closed at the end, and could not be
    # while the thread that reads ahead waits in it for another line.
    yield open(descriptor, "rb", closefd=False)  # noqa: SIM115 - see above


class _Submissions:
    """The lines of a file, and how far each of them reaches."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ends = array("Q")

    def __iter__(self) -> Iterator[bytes]:
        """Return the lines, without the mark that some editors put first."""
        read = 0
        try:
            for number, (line, size) in enumerate(lines(self._stream, LONGEST_LINE)):
                read += size
                self._ends.append(read)
                yield line if number else line.removeprefix(BOM_UTF8)
        except EndlessLineError:
            raise InputError(
                "file.endless",
                f"line {len(self._ends)} has no end: what stands before it was taken "
                "in, and nothing after it was read; write one submission a line, and "
                "bring the same file again",
            ) from None

    def end_of(self, line: int) -> int:
        """Return how many bytes were read up to the end of a line."""
        return self._ends[line - 1]


@contextmanager
def _progress(file: str) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far a file has come, unless the answers show it."""
    size = 0 if file == "-" else Path(file).stat().st_size
    if not size or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _end: None
        return
    with click.progressbar(length=size, label="taken in", file=sys.stderr) as bar:
        yield lambda end: bar.update(end - bar.pos)


def _tell_interrupted(outcomes: Counter[str]) -> None:
    say(
        f"\nInterrupted: {outcomes.total()} line(s) were answered, and what was "
        "answered is kept. Bring the same lines again: whatever was taken in is "
        "answered with the number it has, and the rest is taken in.",
        err=True,
    )


def _tell_outcomes(outcomes: Counter[str]) -> None:
    listed = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    say(f"{outcomes.total()} line(s): {listed or 'nothing to take in'}", err=True)


def _told(answer: dict[str, Any]) -> str:
    named = clean(answer["portal_id"] or "?")
    outcome = _IN_WORDS.get(answer["outcome"], answer["outcome"])
    head = f"{answer['line']:>5}  {named}  {outcome}"
    if error := answer["error"]:
        return f"{head}  [{error['code']}] {clean(error['message'])}"
    if answer["protocol"] is None:
        return head
    received = civil(answer["received_at"], digits=6)
    return f"{head}  {answer['protocol']}  {received}  place {answer['position']}"
