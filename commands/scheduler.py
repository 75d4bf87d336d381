"""How is the work given out, wherever it is done?"""

import math
from dataclasses import asdict
from typing import Any

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.output import emit
from commands.plain import say
from commands.workers import broker_address
from config.settings import masked, read_settings
from workers import broker as brokers
from workers.scheduler import EVERY, Scheduler
from workers.stopping import Stop, on_signals
from workflow.desk import Desk


class _Seconds(click.FloatRange):
    """A number of seconds; `nan`, which is in no range, is in none of ours either."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - whatever was typed
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return found


every_option = click.option(
    "--every",
    type=_Seconds(0.1, 60),
    default=EVERY,
    show_default=True,
    metavar="SECONDS",
    help="How often to look for what is due; at most a minute.",
)


@click.command("scheduler")
@every_option
@json_option
@at_desk
def scheduler_command(desk: Desk, every: float) -> None:
    """Give out what is due, and what commands have left to be done (scadenzario).

    One of all that run is active, whatever machine they are on; the others wait,
    and one of them takes over when it dies. What was missed meanwhile is caught up
    with, as of the instant at which it was due. If Redis does not answer, or no
    worker takes anything from it, it does itself what is due.

    It runs until SIGTERM or Ctrl-C.

    \b
    Example:
        sportello scheduler --every 15
    """
    address = broker_address()
    stop = Stop()
    on_signals(stop)
    done = Scheduler(
        brokers.build(address),
        desk,
        every=every,
        receipts=read_settings().receipts,
        say=tell_standing,
    ).run(stop)
    emit(
        {
            "broker": masked(address),
            "every": every,
            **asdict(done),
            "ended_by": stop.reason,
        },
        lambda: say(
            f"ended by {stop.reason} after {done.ticks} tick(s); {done.sent} job(s) "
            "were sent"
        ),
    )


def tell_standing(standing: str) -> None:
    """Tell the operator how the scheduler stands."""
    say(f"scheduler {standing}", err=True)
