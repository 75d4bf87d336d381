"""How is everything done in one process?"""

from dataclasses import asdict

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.numbers import WholeNumber
from commands.output import emit
from commands.plain import say
from commands.scheduler import every_option, tell_standing
from config.settings import masked, read_settings
from workers import broker as brokers
from workers import serving
from workers.scheduler import Scheduler
from workers.stopping import Stop, on_signals
from workers.transports import choice
from workflow.desk import Desk

_THREADS = 4


@click.command("run")
@every_option
@click.option(
    "--threads",
    type=WholeNumber(1, 500),
    default=_THREADS,
    show_default=True,
    metavar="N",
    help="Jobs that it has in hand at once.",
)
@json_option
@at_desk
def run_command(desk: Desk, every: float, threads: int) -> None:
    """Do by itself all that is due and all that commands leave (tutto in uno).

    Scheduler and workers in one process, with no Redis: good for one machine. With
    SPORTELLO_BROKER_URL set, over that Redis, beside other workers. Commands may be
    typed meanwhile, and nothing is lost when it ends: the next one goes on.

    It runs until SIGTERM or Ctrl-C, and finishes what it has in hand.

    \b
    Example:
        sportello run
    """
    settings = read_settings()
    address, transport = settings.broker_url, choice.build(settings)
    stop = Stop()
    on_signals(stop)
    built = brokers.build(address)
    with serving.serving(
        built, desk, transport, threads=threads, patient=True, stop=stop
    ):
        done = Scheduler(
            built, desk, every=every, receipts=settings.receipts, say=tell_standing
        ).run(stop)
    emit(
        {
            "broker": masked(address),
            "every": every,
            "threads": threads,
            **asdict(done),
            "ended_by": stop.reason,
        },
        lambda: say(
            f"ended by {stop.reason} after {done.ticks} tick(s); nothing was left half "
            "done"
        ),
    )
