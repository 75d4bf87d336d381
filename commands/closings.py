"""How is a waiting list closed by one act?"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from commands.confirmation import Said, do_once_confirmed
from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option
from commands.output import clean
from commands.plain import say
from commands.receipts import written_to
from workflow.desk import Desk
from workflow.services import closings

_NAMED = 10


@click.command("unfund")
@click.argument("call")
@click.option("--act", required=True, help='The act: "TYPE NUMBER/DATE".')
@click.option("--reason", help="Why, in words.")
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@at_desk
def unfund_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    call: str,
    *,
    act: str,
    reason: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Close the whole waiting list, because the money has run out (non finanziate).

    Everybody who is on the waiting list of a call whose counter is over, by one
    act: all of them or none. It first shows who they are, and asks you to type the
    code of the call.

    \b
    Example:
        sportello unfund RLF12025051244 --dry-run --act "decreto 1234/2026-03-10"
    """
    warn_of_clock(desk, call=call)
    do_once_confirmed(
        call,
        partial(closings.close_waiting_list, desk, call, act=act, reason=reason),
        _show,
        said=Said("Would close", "This will close", "Closed"),
        written=lambda told: (
            f"{len(told['unfunded'])} application(s) of {call} closed unfunded"
        ),
        dry_run=dry_run,
        yes=yes,
    )


def _show(told: Mapping[str, Any], verb: str, *, err: bool = False) -> None:
    names = told["unfunded"]
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    count = f"{len(names)} application(s) of {told['call']}"
    lines = [
        f"{verb} {count} unfunded on {told['act']}:",
        f"  {listed}",
        *(f"  writes to {clean(line)}" for line in written_to(told["notices"])),
    ]
    say("\n".join(lines), err=err)
