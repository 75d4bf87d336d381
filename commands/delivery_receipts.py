"""What do the receipts of certified mail say?"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option, note_done, wants_json
from commands.output import civil, clean, emit_json, instant, print_wrapped
from commands.plain import say
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.rules.receipts import LARGEST
from workflow.services import mailboxes, receipts
from workflow.services.receipts import Outcome, TakenIn

_STANDARD_INPUT = "-"
_FAILED = (Outcome.UNMATCHED, Outcome.UNREADABLE)
_WIDTH = max(map(len, Outcome)) + 2


@click.command("receipts")
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(exists=True, allow_dash=True),
)
@json_option
@click.pass_context
@at_desk
def receipts_command(
    desk: Desk, context: click.Context, paths: tuple[str, ...]
) -> None:
    """Take receipts of certified mail in (ricevute PEC).

    PATH is a mail in a file, a folder of such files, a maildir (what is new and what
    was read), or `-` for one mail on the standard input. Files are left where they
    are. A delivery is recorded and starts the terms that run from it; any other
    receipt says how far its letter has come. The same receipt again changes nothing.

    It exits with 1 if any could not be read, or fits no letter of ours; all the
    others are taken in.

    \b
    Example:
        sportello receipts Maildir
    """
    warn_of_clock(desk)
    found: list[dict[str, Any]] = []
    outcomes: Counter[Outcome] = Counter()
    for name, taken in _taken_in(desk, paths):
        outcomes[taken.outcome] += 1
        note_done(f"{outcomes.total()} mail(s) were looked at")
        found.append(_as_json(name, taken))
        if not wants_json():
            print_wrapped(f"{taken.outcome:<{_WIDTH}}", _told(name, taken))
    if wants_json():
        emit_json({"receipts": found})
    else:
        listed = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        say(f"{outcomes.total()} mail(s): {listed or 'nothing to take in'}")
    if any(outcomes[outcome] for outcome in _FAILED):
        context.exit(RefusedError.exit_code)


def _taken_in(desk: Desk, paths: tuple[str, ...]) -> Iterator[tuple[str, TakenIn]]:
    for path in paths:
        if path == _STANDARD_INPUT:
            content = sys.stdin.buffer.read(LARGEST + 1)
            yield path, receipts.take_in(desk, content)
            continue
        for file in mailboxes.files_of(Path(path)):
            yield str(file), mailboxes.take_file(desk, file)


def _as_json(name: str, taken: TakenIn) -> dict[str, Any]:
    return {
        "file": name,
        "outcome": taken.outcome.value,
        "kind": taken.kind.value if taken.kind else None,
        "notice": str(taken.notice) if taken.notice else None,
        "letter": taken.letter,
        "application": taken.application,
        "status": taken.status.value if taken.status else None,
        "at": instant(taken.at),
        "error": {"code": taken.code, "message": taken.why} if taken.code else None,
    }


def _told(name: str, taken: TakenIn) -> str:
    shown = clean(name)
    if taken.why is not None:
        code = f" [{taken.code}]" if taken.code else ""
        return f"{shown}:{code} {clean(taken.why)}"
    return (
        f"{taken.application} {taken.letter}: {taken.kind} at {civil(taken.at)}, "
        f"now {taken.status} ({shown})"
    )
