"""Who is next, and who waits for whom?"""

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.output import Table, civil, emit, euros, instant
from workflow.desk import Desk
from workflow.rules.amounts import format_money
from workflow.services import views


@click.command("queue")
@click.argument("call")
@json_option
@at_desk
def queue_command(desk: Desk, call: str) -> None:
    """Show who waits for a grant, in order: who is next, who blocks whom.

    The order is that of arrival (ordine cronologico): it is frozen when an
    application is filed. A line marks where the money ends, if everybody were
    granted what they ask for.

    \b
    Example:
        sportello queue RLF12025051244
    """
    queue = views.queue(desk, call)
    emit(_as_json(queue), lambda: _tell(queue))


def _as_json(queue: views.QueueView) -> dict[str, object]:
    return {
        "call": queue.call,
        "allocation": format_money(queue.allocation),
        "reserved": format_money(queue.reserved),
        "granted": format_money(queue.granted),
        "residual": format_money(queue.residual),
        "items": [
            {
                "position": item.position,
                "application": item.application,
                "protocol": item.protocol,
                "received_at": instant(item.received_at),
                "state": item.state.value,
                "requested": format_money(item.requested),
                "reserved": format_money(item.reserved),
                "running_total": format_money(item.running_total),
                "may_review": item.may_review,
                "may_grant": item.may_grant,
                "blocked_by": list(item.blocked_by),
                "next": item.next_step,
            }
            for item in queue.items
        ],
        "not_receivable": list(queue.not_receivable),
    }


def _tell(queue: views.QueueView) -> None:
    click.echo(
        f"{queue.call}: allocation {euros(queue.allocation)}, "
        f"reserved {euros(queue.reserved)}, granted {euros(queue.granted)}, "
        f"residual {euros(queue.residual)}"
    )
    table = Table(
        (
            "#>",
            "protocol",
            "received",
            "state",
            "requested>",
            "total>",
            "next+",
        )
    )
    left = queue.allocation - queue.granted
    enough = True
    for item in queue.items:
        if enough and item.running_total > left:
            enough = False
            table.rule("the money ends here")
        table.add(
            item.position,
            item.protocol,
            civil(item.received_at, digits=3),
            item.state,
            euros(item.requested),
            euros(item.running_total),
            _next(item),
        )
    table.print()
    if not queue.items:
        click.echo("nobody waits for a grant")
    if queue.not_receivable:
        click.echo(
            f"\n{len(queue.not_receivable)} by another channel, without a place, to be "
            f"declared not receivable by act: {', '.join(queue.not_receivable)}"
        )


def _next(item: views.QueueItem) -> str:
    if not item.blocked_by:
        return item.next_step
    first, *others = item.blocked_by
    more = f" +{len(others)}" if others else ""
    return f"after {first}{more}"
