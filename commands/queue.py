"""Who is next, and who waits for whom?"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from commands import moments
from commands.entry import at_desk
from commands.lazy import json_option
from commands.moments import as_of_option
from commands.numbers import WholeNumber
from commands.output import Table, civil, emit, euros, instant
from commands.plain import say
from models.vocabulary import OrderPolicy
from workflow.desk import Desk
from workflow.rules.amounts import format_money
from workflow.services import pasts, views
from workflow.services.moments import Moment

_IN_A_TERMINAL = 40
_ORDERS = {
    OrderPolicy.SAME_DAY_MERIT: "those of one day count as arrived together: "
    "the better score first",
    OrderPolicy.SAME_WEEK_DRAW: "those of one week count as arrived together: "
    "in the order of the draw",
}


@click.command("queue")
@click.argument("call")
@click.option(
    "--limit",
    type=WholeNumber(min=1),
    metavar="N",
    help=f"Only the first N; without it {_IN_A_TERMINAL} in a terminal, else all.",
)
@as_of_option
@json_option
@at_desk
def queue_command(
    desk: Desk, call: str, limit: int | None, as_of: Moment | None
) -> None:
    """Show who waits for a grant, in order: who is next, who blocks whom.

    The order is the one of the call (ordine cronologico, unless the call lets
    merit or a draw decide among those of one day or week, or an act ranks all who
    came until the closing: then the ranking is shown). A line marks where
    the money ends: whoever stands behind it has nothing reserved yet. With --as-of
    it is shown as it stood at an instant, by the register alone.

    \b
    Example:
        sportello queue RLF12025051244
    """
    if as_of is None:
        queue = views.queue(desk, call)
        shown = queue.items[:limit]
        emit(queue_as_json(queue, shown), lambda: tell_queue(queue, limit))
        return
    past = pasts.queue(desk, call, as_of)

    def tell() -> None:
        say(moments.headline(past.cut, call))
        tell_queue(past.seen, limit)

    told = queue_as_json(past.seen, past.seen.items[:limit])
    emit({"as_of": moments.as_json(past.cut), **told}, tell)


def queue_as_json(
    queue: views.QueueView, shown: Sequence[views.QueueItem]
) -> dict[str, object]:
    """Return a queue as scripts read it."""
    end = queue.first_without_money
    return {
        "call": queue.call,
        "state": queue.state.value,
        "suspended_for": queue.suspended_for.value if queue.suspended_for else None,
        "reopens_at": instant(queue.reopens_at),
        "order": queue.policy.value,
        "allocation": format_money(queue.allocation),
        "reserved": format_money(queue.reserved),
        "granted": format_money(queue.granted),
        "residual": format_money(queue.residual),
        "waiting": format_money(queue.waiting),
        "first_without_money": end.protocol if end else None,
        "ranking": asdict(queue.ranking) if queue.ranking else None,
        "moves_down": [
            {
                "application": one.candidate.protocol,
                "has": format_money(one.candidate.held),
                "would_have": format_money(one.amount),
            }
            for one in queue.moves_down
        ],
        "items": [
            {
                "position": item.position,
                "application": item.application,
                "protocol": item.protocol,
                "received_at": instant(item.received_at),
                "together_with": item.together_with,
                "score": item.score,
                "rank": item.rank,
                "state": item.state.value,
                "requested": format_money(item.requested),
                "reserved": format_money(item.reserved),
                "granted": format_money(item.granted),
                "running_total": format_money(item.running_total),
                "may_review": item.may_review,
                "may_grant": item.may_grant,
                "blocked_by": list(item.blocked_by),
                "blocked_by_count": item.blocked_by_count,
                "next": item.next_step,
            }
            for item in shown
        ],
        "more": len(queue.items) - len(shown),
        "not_receivable": list(queue.not_receivable),
    }


def tell_queue(queue: views.QueueView, limit: int | None) -> None:
    """Show a queue to people."""
    if limit is None and sys.stdout.isatty():
        limit = _IN_A_TERMINAL
    say(f"{queue.call} is {_standing(queue)}")
    say(
        _NO_MONEY
        if not queue.allocation
        else f"allocation {euros(queue.allocation)}, reserved {euros(queue.reserved)}, "
        f"granted {euros(queue.granted)}, residual {euros(queue.residual)}, "
        f"waiting {euros(queue.waiting)}"
    )
    if queue.policy in _ORDERS:
        say(_ORDERS[queue.policy])
    shown = queue.items[:limit]
    if queue.policy is OrderPolicy.RANKING and queue.allocation:
        say(_of_set(queue))
        _ranked(queue, shown).print()
    else:
        _table(queue, shown).print()
    if not queue.items:
        say(f"nobody waits for {'a grant' if queue.allocation else 'the list'}")
    for line in _moves_down(queue):
        say(line)
    if len(shown) < len(queue.items):
        say(_more(queue, len(shown)))
    if queue.not_receivable:
        say(
            f"\n{len(queue.not_receivable)} by another channel, without a place, to be "
            f"declared not receivable by act: {', '.join(queue.not_receivable)}"
        )


_NO_MONEY = "no money: nobody has a turn, and worthy proposals enter the list by act"


def _standing(queue: views.QueueView) -> str:
    told = queue.state.value
    if queue.suspended_for:
        told += f" ({queue.suspended_for})"
    if queue.reopens_at:
        told += f" until {civil(queue.reopens_at)}"
    return told


def _table(queue: views.QueueView, shown: Sequence[views.QueueItem]) -> Table:
    together, has_money = queue.policy in _ORDERS, bool(queue.allocation)
    table = Table(
        (
            "#>",
            "protocol",
            "received",
            *(("with", "by>") if together else ()),
            "state",
            *(("requested>", "total>") if has_money else ()),
            "next+",
        )
    )
    end = queue.first_without_money
    for item in shown:
        if item is end:
            table.rule("the money ends here")
        decided = item.rank or item.score
        table.add(
            item.position,
            item.protocol,
            civil(item.received_at, digits=3),
            *((item.together_with, decided) if together else ()),
            item.state,
            *((euros(item.requested), euros(item.running_total)) if has_money else ()),
            _next(item),
        )
    return table


def _of_set(queue: views.QueueView) -> str:
    """Say what the order of the lines is worth."""
    made = queue.ranking
    if made is None:
        return (
            "an act ranks all who came until the closing; until then nobody is before\n"
            "anybody, and they are listed as they came"
        )
    return (
        f"version {made.version} of the ranking, by {made.act} (entry {made.entry}); "
        "who has no place yet stands at the end"
    )


def _ranked(queue: views.QueueView, shown: Sequence[views.QueueItem]) -> Table:
    table = Table(("#>", "protocol", "score>", "state", "asks>", "has>", "next+"))
    end = queue.first_without_money
    for item in shown:
        if item is end:
            table.rule("the money ends here")
        table.add(
            item.rank or "-",
            item.protocol,
            item.score,
            item.state,
            euros(item.asked),
            euros(item.reserved + item.granted),
            item.next_step,
        )
    return table


def _moves_down(queue: views.QueueView) -> Iterator[str]:
    """Tell what an act on the ranking would do with the money that is free."""
    if not queue.moves_down:
        return
    yield f"{euros(queue.residual)} is free; `sportello call fund` would give"
    for one in queue.moves_down:
        more, held = euros(one.more), euros(one.candidate.held)
        yield f"  {more} to {one.candidate.protocol}, which has {held}"


def _more(queue: views.QueueView, shown: int) -> str:
    more = f"{len(queue.items) - shown} more: see them with --limit {len(queue.items)}"
    end = queue.first_without_money
    if end is None or end in queue.items[:shown]:
        return more
    return f"{more}; the money ends before {end.protocol}"


def _next(item: views.QueueItem) -> str:
    if not item.blocked_by:
        return item.next_step
    others = item.blocked_by_count - 1
    more = f" +{others}" if others else ""
    return f"after {item.blocked_by[0]}{more}"
