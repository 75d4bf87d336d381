"""How are many applications granted by one act?"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from commands.confirmation import Said, do_once_confirmed
from commands.entry import at_desk, warn_of_clock
from commands.handed_in import HandedIn
from commands.lazy import json_option
from commands.output import Table, clean
from commands.plain import say
from commands.receipts import written_to
from config.handed_in import lines
from workflow.desk import Desk
from workflow.services import decrees

_WAITS = {
    "applicant": "waits for its own answer",
    "money": "waits for money",
}


@click.command("grant")
@click.argument("call")
@click.argument("file", type=HandedIn(path_type=Path))
@click.option("--act", required=True, help='The decree: "TYPE NUMBER/DATE".')
@click.option("--reason", help="Why, in words.")
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@at_desk
def grant_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    call: str,
    file: Path,
    *,
    act: str,
    reason: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Grant many applications by one decree, all of them or none (concessione).

    FILE holds one JSON object a line: `application`, and what each grant must
    carry: `cor`, `cor_on`, `cup`, `cup_on`, `durc_until`, and where they are
    needed `admitted_investment` and `antimafia`, all of them as text. Where the call
    gives no State aid `cor` and `cor_on` are left out.

    The list passes nobody over: whoever comes before its last one is on it, or
    waits for money or for an answer of its own. It first shows what will happen,
    and asks you to type the code of the call.

    \b
    Example:
        sportello grant RLF12025051244 decree.jsonl --dry-run \\
            --act "decreto 1234/2026-01-20"
    """
    warn_of_clock(desk, call=call)
    with file.open("rb") as stream:
        listed = (line for line, _ in lines(stream, decrees.LONGEST_LINE))
        grants = decrees.read(listed, decrees.carries(desk, call))
    do_once_confirmed(
        call,
        partial(decrees.grant, desk, call, grants, act=act, reason=reason),
        _show,
        said=Said("Would grant", "This will grant", "Granted"),
        written=lambda told: f"{told['count']} grant(s) of {call}",
        dry_run=dry_run,
        yes=yes,
    )


def _show(told: Mapping[str, Any], verb: str, *, err: bool = False) -> None:
    headline = (
        f"{verb} {told['count']} application(s) of {told['call']} on {told['act']}: "
        f"{told['total']} in all"
    )
    say("\n".join([headline, *_table(told), *_told(told)]), err=err)


def _table(told: Mapping[str, Any]) -> list[str]:
    table = Table(("protocol", "requested>", "granted>", "to", "entry>"), indent="  ")
    for one in told["granted"]:
        # A dry run has no entry: the number would be somebody else's by then.
        seq = None if told["dry_run"] else one["seq"]
        table.add(one["application"], one["requested"], one["granted"], one["to"], seq)
    return table.lines()


def _told(told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["skipped"]:
        yield f"  passed over: {one['application']} {_WAITS[one['waits_for']]}"
    for one in told["promotions"]:
        yield f"  promoted: {one['application']}, reserved {one['amount']}"
    yield f"  residual of the call {told['residual']}"
    for line in written_to(told["notices"]):
        yield f"  writes to {clean(line)}"
