"""How are submissions handed over?"""

import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

import click

from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_lines_option, note_done, wants_json
from commands.output import civil, clean, emit_json
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import intake
from workflow.services.submissions import LONGEST_LINE

_READ_AT_MOST = LONGEST_LINE + 2
"""A line that is too long is still seen to be too long."""

_IN_WORDS = {"waiting": "taken in, no money for it now"}
"""An application in state `submitted` may still wait for money."""


@click.command("intake")
@click.argument("call")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
)
@json_lines_option
@click.pass_context
@at_desk
def intake_command(desk: Desk, context: click.Context, call: str, file: str) -> None:
    """Take submissions in, in the order of the file (presentazione).

    FILE holds one JSON object a line; `-` is the standard input. Each line is
    answered as soon as it is written to the database, on the same line number: a
    line that is refused, or cannot be read, is recorded as such and stops
    nothing. The same submission again is a duplicate and changes nothing.

    In a pipe, and with --json, the answers are JSON Lines: one document a line.
    It exits with 1 if any was refused.

    \b
    Example:
        sportello intake RLF12025051244 submissions.jsonl
    """
    as_json = wants_json() or not sys.stdout.isatty()
    outcomes: Counter[str] = Counter()
    with click.open_file(file, "rb") as stream:
        lines = _submissions(stream)
        warn_of_clock(desk, call=call)
        for answer in intake.take_in(desk, call, lines):
            note_done(f"the lines up to {answer['line']}")
            outcomes[answer["outcome"]] += 1
            if as_json:
                emit_json(answer)
            else:
                click.echo(_told(answer))
    listed = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    click.echo(
        f"{outcomes.total()} line(s): {listed or 'nothing to take in'}", err=True
    )
    if outcomes["refused"]:
        context.exit(RefusedError.exit_code)


def _submissions(stream: IO[bytes]) -> Iterator[bytes]:
    """Return the lines of a file, without the mark that some editors put first."""
    for number, line in enumerate(_lines(stream)):
        yield line if number else line.removeprefix(BOM_UTF8)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Read lines without ever holding one of any length in memory."""
    while line := stream.readline(_READ_AT_MOST):
        rest = line
        while len(rest) == _READ_AT_MOST and not rest.endswith(b"\n"):
            rest = stream.readline(_READ_AT_MOST)
        yield line


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
