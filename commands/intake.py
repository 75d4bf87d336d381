"""How are submissions handed over?"""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

import click

from commands.entry import at_desk
from commands.lazy import json_option, wants_json
from commands.output import civil, clean, emit_json
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import intake
from workflow.services.submissions import LONGEST_LINE

_READ_AT_MOST = LONGEST_LINE + 2
"""A line that is too long is still seen to be too long."""


@click.command("intake")
@click.argument("call")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
)
@json_option
@click.pass_context
@at_desk
def intake_command(desk: Desk, context: click.Context, call: str, file: str) -> None:
    """Take submissions in, in the order of the file (presentazione).

    FILE holds one JSON object a line; `-` is the standard input. Each line is
    answered as soon as it is written to the database, on the same line number: a
    line that is refused, or cannot be read, is recorded as such and stops
    nothing. The same submission again is a duplicate and changes nothing.

    In a pipe the answers are JSON Lines. It exits with 1 if any was refused.

    \b
    Example:
        sportello intake RLF12025051244 submissions.jsonl
    """
    as_json = wants_json() or not sys.stdout.isatty()
    outcomes: Counter[str] = Counter()
    try:
        with click.open_file(file, "rb") as stream:
            for answer in intake.take_in(desk, call, _lines(stream)):
                outcomes[answer["outcome"]] += 1
                if as_json:
                    emit_json(answer)
                else:
                    click.echo(_told(answer))
    except IsADirectoryError as error:
        raise click.BadParameter(f"`{file}` is a folder") from error
    listed = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    click.echo(
        f"{outcomes.total()} line(s): {listed or 'nothing to take in'}", err=True
    )
    if outcomes["refused"]:
        context.exit(RefusedError.exit_code)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Read lines without ever holding one of any length in memory."""
    while line := stream.readline(_READ_AT_MOST):
        rest = line
        while len(rest) == _READ_AT_MOST and not rest.endswith(b"\n"):
            rest = stream.readline(_READ_AT_MOST)
        yield line


def _told(answer: dict[str, Any]) -> str:
    named = clean(answer["portal_id"] or "?")
    head = f"{answer['line']:>5}  {named}  {answer['outcome']}"
    if error := answer["error"]:
        return f"{head}  [{error['code']}] {clean(error['message'])}"
    if answer["protocol"] is None:
        return head
    received = civil(answer["received_at"], exact=True)
    return f"{head}  {answer['protocol']}  {received}  place {answer['position']}"
