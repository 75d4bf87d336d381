"""How does a process take work from the broker?"""

import signal
import threading
from types import FrameType

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.output import emit
from config.settings import masked, read_settings
from workers import broker, serving
from workflow.desk import Desk
from workflow.errors import InputError

_THREADS = 32


@click.command("worker")
@click.option(
    "--threads",
    type=click.IntRange(1, 500),
    default=_THREADS,
    show_default=True,
    metavar="N",
    help="Submissions that it has in hand at once, written together.",
)
@click.option(
    "--heartbeat",
    type=click.IntRange(1, 3_600),
    default=broker.HEARTBEAT,
    show_default=True,
    metavar="SECONDS",
    help="Silence after which others take its messages; the same for all workers.",
)
@json_option
@at_desk
def worker_command(desk: Desk, threads: int, heartbeat: int) -> None:
    """Take submissions in that a portal pushes through Redis (presentazione).

    SPORTELLO_BROKER_URL says which Redis. The portal asks for
    `receive_submission` with the code of the call and a line, as in a file of
    `sportello intake`; the answer is the result of the message. Several workers
    may run, on several machines: what one leaves behind another takes.

    It runs until SIGTERM or Ctrl-C, and finishes what it has in hand.

    \b
    Example:
        sportello worker --threads 32
    """
    address = read_settings().broker_url
    if address.startswith("memory:"):
        raise InputError(
            "broker.memory",
            "SPORTELLO_BROKER_URL is memory://, where nobody outside of this process "
            "could leave a message; set it to redis://host:6379/0",
        )
    stop, reasons = threading.Event(), []

    def end(number: int, _frame: FrameType | None) -> None:
        reasons.append(signal.Signals(number).name)
        for known in (signal.SIGTERM, signal.SIGINT):
            signal.signal(known, signal.SIG_DFL)  # a second one does not wait
        stop.set()

    for known in (signal.SIGTERM, signal.SIGINT):
        signal.signal(known, end)
    click.echo(
        f"taking messages from {masked(address)} with {threads} thread(s); SIGTERM or "
        "Ctrl-C ends it",
        err=True,
    )
    serving.serve(
        broker.build(address, heartbeat=heartbeat), desk, threads=threads, stop=stop
    )
    emit(
        {"broker": masked(address), "threads": threads, "ended_by": reasons[0]},
        lambda: click.echo(f"ended by {reasons[0]}; nothing was left half done"),
    )
