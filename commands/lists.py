"""Who is on the approved list of a call, and by which act?"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import click

from commands import moments
from commands.confirmation import Said, do_once_confirmed
from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option
from commands.moments import read_moment
from commands.output import Table, civil, clean, emit, instant, print_pairs
from commands.plain import say
from commands.receipts import written_to
from models.vocabulary import ListChange
from workflow.desk import Desk
from workflow.rules.lists import Listed
from workflow.services import list_acts, memberships
from workflow.services.list_acts import Wanted
from workflow.services.memberships import ListView
from workflow.services.moments import Moment

_NAMES = "A proposal, by its protocol number or the portal's id; once for each."


@click.command("update-list")
@click.argument("call")
@click.option("--add", multiple=True, metavar="APP", help=f"Put on it. {_NAMES}")
@click.option(
    "--change",
    multiple=True,
    metavar="APP",
    help="Put on it who stands behind a member now, once its partners have changed.",
)
@click.option("--remove", multiple=True, metavar="APP", help="Take off it.")
@click.option(
    "--all-worthy",
    is_flag=True,
    help="Put on it all that were found worthy; so it is if nobody is named.",
)
@click.option("--act", required=True, help='The act: "TYPE NUMBER/DATE".')
@click.option("--reason", required=True, help="Why, in words.")
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@at_desk
def update_list_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    call: str,
    *,
    add: tuple[str, ...],
    change: tuple[str, ...],
    remove: tuple[str, ...],
    all_worthy: bool,
    act: str,
    reason: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Approve the list of a call, or its next version (aggiornamento dell'elenco).

    Without names it puts on the list all proposals that were found worthy. Who is
    taken off it was heard before (notify_refusal), where the call says so, or has
    asked for it. It first shows what will happen, and asks you to type the code of
    the call.

    \b
    Example:
        sportello call update-list RLO12022099901 --dry-run \\
            --act "decreto 1234/2022-07-01" --reason "worthy, as the board found"
    """
    warn_of_clock(desk, call=call)
    wanted = Wanted(add=add, change=change, remove=remove, all_worthy=all_worthy)
    do_once_confirmed(
        call,
        partial(list_acts.update, desk, call, wanted, act=act, reason=reason),
        _show,
        said=Said("Would make", "This will make", "Made"),
        written=lambda told: f"version {told['version']} of the list of {call}",
        dry_run=dry_run,
        yes=yes,
    )


def _show(told: Mapping[str, Any], verb: str, *, err: bool = False) -> None:
    made = f"version {told['version']} of the list of {told['call']} on {told['act']}"
    lines = [
        f"{verb} {made}: {told['size']} member(s)",
        *_changes(told),
        f"  hash of the list {told['sha256']}",
        *(f"  writes to {clean(line)}" for line in written_to(told["notices"])),
    ]
    say("\n".join(lines), err=err)


def _changes(told: Mapping[str, Any]) -> Iterator[str]:
    for kind in ListChange:
        for protocol in told[kind.value]:
            yield f"  {kind.value:>7}  {protocol}"


@click.command("list-of")
@click.argument("call")
@click.option(
    "--at",
    metavar="DATE",
    callback=read_moment,
    help="As it stood at the end of a day of Rome, at an instant, or right after an "
    "entry (#12); now, if nothing is said.",
)
@json_option
@at_desk
def list_of_command(desk: Desk, call: str, at: Moment | None) -> None:
    """Show who was on the approved list of a call at a date (elenco).

    By the register alone: the acts up to then are added up. A day counts as it
    was at its end.

    \b
    Example:
        sportello list-of RLO12022099901 --at 2023-12-31
    """
    view = memberships.on(desk, call, at)
    emit(_as_json(view), partial(_tell, view))


def _as_json(view: ListView) -> dict[str, object]:
    standing = view.standing
    return {
        "call": view.call,
        "at": instant(view.cut.at),
        "entry": view.cut.seq,
        "version": standing.version,
        "act": standing.act,
        "approved_at": instant(standing.approved_at),
        "annulled_at": instant(standing.annulled_at),
        "sha256": view.sha256,
        "members": [
            {
                "protocol": one.protocol,
                "application": one.application,
                "since_version": one.since,
                "lead": {"applicant": one.lead, "name": view.names.get(one.lead)},
                "partners": len(one.partners),
            }
            for one in view.members
        ],
    }


def _tell(view: ListView) -> None:
    standing = view.standing
    say(f"list of {view.call} {moments.headline(view.cut, view.call)}")
    if not standing.version:
        say("  no list was approved by then")
        return
    print_pairs(
        (
            ("version", standing.version),
            ("act", standing.act),
            (
                "approved",
                civil(standing.approved_at) if standing.approved_at else None,
            ),
            ("annulled", _annulled(view)),
            ("members", len(view.members)),
            ("hash", view.sha256),
        ),
        indent="  ",
    )
    table = Table(("protocol", "since version>", "partners>", "lead+"), indent="  ")
    for one in view.members:
        table.add(*_cells(one), clean(view.names.get(one.lead, "")))
    table.print()


def _cells(one: Listed) -> tuple[object, ...]:
    return one.protocol, one.since, len(one.partners)


def _annulled(view: ListView) -> str | None:
    at = view.standing.annulled_at
    return f"{civil(at)}, with the call: nobody is on it since" if at else None
