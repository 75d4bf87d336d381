"""How is a closed set ranked, and how does money go down the ranking?"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import click

from commands.confirmation import Said, do_once_confirmed
from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option
from commands.output import Table, clean
from commands.plain import say
from commands.receipts import written_to
from workflow.desk import Desk
from workflow.rules.ranking import Stays
from workflow.services import rankings

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def _formal(function: _Decorated) -> _Decorated:
    """Give a command what an act on a whole ranking needs."""
    for option in (
        click.option("--yes", is_flag=True, help="Do it without asking."),
        click.option("--dry-run", is_flag=True, help="Only show what would happen."),
        click.option("--reason", required=True, help="Why, in words."),
        click.option("--act", required=True, help='The act: "TYPE NUMBER/DATE".'),
    ):
        function = option(function)
    return function


@click.command("rank")
@click.argument("call")
@_formal
@click.option("--seed", help="What was drawn in public, if the call draws lots.")
@json_option
@at_desk
def rank_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    call: str,
    *,
    act: str,
    reason: str,
    seed: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Rank the closed set of a call and give the money out (graduatoria).

    Everybody in the set must be examined to the end. Who is below the threshold is
    refused; the others are funded in order, all of it or a part, as far as the money
    goes. What is funded is reserved: the grant follows, with its CUP. Made again it
    is a new version, on an act of its own, which takes back nothing that was granted.
    It first shows what will happen, and asks you to type the code of the call.

    \b
    Example:
        sportello call rank RLF12024099902 --dry-run \\
            --act "decreto 1234/2024-10-01" --reason "the board has scored all of them"
    """
    warn_of_clock(desk, call=call)
    do_once_confirmed(
        call,
        partial(rankings.rank, desk, call, act=act, reason=reason, seed=seed),
        partial(_show, _ranked),
        said=Said("Would rank", "This will rank", "Ranked"),
        written=lambda told: f"version {told['version']} of the ranking of {call}",
        dry_run=dry_run,
        yes=yes,
    )


@click.command("fund")
@click.argument("call")
@_formal
@json_option
@at_desk
def fund_command(  # noqa: PLR0913 - each is an option
    desk: Desk, call: str, *, act: str, reason: str, dry_run: bool, yes: bool
) -> None:
    """Let money that is free go down the ranking (scorrimento).

    What was set free by withdrawals, or brought by a refinancing. Who was funded in
    part is completed first, then the next ones follow. What it adds to a grant is
    reserved, and `advance APP raise_grant` grants it. It first shows what will happen,
    and asks you to type the code of the call.

    \b
    Example:
        sportello call fund RLF12024099902 --dry-run \\
            --act "decreto 2345/2024-12-01" --reason "a beneficiary has withdrawn"
    """
    warn_of_clock(desk, call=call)
    do_once_confirmed(
        call,
        partial(rankings.fund, desk, call, act=act, reason=reason),
        partial(_show, _funded),
        said=Said("Would fund", "This will fund", "Funded"),
        written=lambda told: f"{len(told['order'])} application(s) of {call} funded",
        dry_run=dry_run,
        yes=yes,
    )


COMMANDS = (rank_command, fund_command)


_WHY: Mapping[str, str] = {
    Stays.REGISTERED: "its aid is registered, and does not grow by itself",
    Stays.PROPOSED: "a lapse or a revocation is proposed, and is not decided yet",
}


def _show(
    headline: Callable[[Mapping[str, Any]], str],
    told: Mapping[str, Any],
    verb: str,
    *,
    err: bool = False,
) -> None:
    lines = [f"{verb} {headline(told)}:", *_table(told), *_rest(told)]
    say("\n".join(lines), err=err)


def _ranked(told: Mapping[str, Any]) -> str:
    return (
        f"{len(told['order'])} application(s) of {told['call']} on {told['act']}, "
        f"version {told['version']}"
    )


def _funded(told: Mapping[str, Any]) -> str:
    return (
        f"{len(told['order'])} application(s) of {told['call']} with what is left of "
        f"{told['free']} on {told['act']}"
    )


def _table(told: Mapping[str, Any]) -> list[str]:
    table = Table(
        ("#>", "protocol", "score>", "asks>", "before>", "gets>", "left>", "outcome"),
        indent="  ",
    )
    for one in told["order"]:
        table.add(
            one["place"],
            one["application"],
            one["score"],
            one["requested"],
            one["before"],
            one["amount"],
            one["left"],
            one["outcome"].replace("_", " "),
        )
    return table.lines()


def _rest(told: Mapping[str, Any]) -> Iterator[str]:
    for name in told["rejected"]:
        yield f"  below the threshold, refused: {name}"
    for one in told["passed_over"]:
        yield f"  {one['application']} gets no more: {_WHY[one['why']]}"
    yield f"  residual of the call {told['residual']}"
    for line in written_to(told["notices"]):
        yield f"  writes to {clean(line)}"
