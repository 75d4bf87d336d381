"""How does a process take work from the broker?"""

from contextlib import closing

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.numbers import WholeNumber
from commands.output import emit
from commands.plain import say
from config.settings import masked, read_settings
from workers import broker as brokers
from workers import crew, serving
from workers.stopping import Stop, on_signals
from workers.transports import choice
from workflow.desk import Desk
from workflow.errors import InputError
from workflow.services import installation

_THREADS = 32


@click.command("worker")
@click.option(
    "--processes",
    type=WholeNumber(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that share the work; one that dies is replaced.",
)
@click.option(
    "--threads",
    type=WholeNumber(1, 500),
    default=_THREADS,
    show_default=True,
    metavar="N",
    help="Jobs that each has in hand; submissions among them are written together.",
)
@click.option(
    "--heartbeat",
    type=WholeNumber(1, 3_600),
    default=brokers.HEARTBEAT,
    show_default=True,
    metavar="SECONDS",
    help="Silence after which others take its messages; the same for all workers.",
)
@json_option
@at_desk
def worker_command(desk: Desk, processes: int, threads: int, heartbeat: int) -> None:
    """Do the jobs that wait in Redis: submissions, what is due, letters (lavori).

    SPORTELLO_BROKER_URL says which Redis. `sportello scheduler` puts there what is
    due and what commands have left to be done; a portal asks for
    `receive_submission` with the code of the call and a line, as in a file of
    `sportello intake`, and the answer is the result of the message. Several workers
    may run, on several machines: what one leaves behind another takes.

    It runs until SIGTERM or Ctrl-C, and finishes what it has in hand; a second one
    does not wait for that.

    \b
    Example:
        sportello worker --processes 2 --threads 32
    """
    address, settings = broker_address(), read_settings()

    def work(stop: Stop) -> None:
        built = brokers.build(address, heartbeat=heartbeat)
        # Each process has its own connections.
        transport = choice.build(settings)
        with serving.serving(built, desk, transport, threads=threads, stop=stop):
            stop.wait()

    choice.build(settings).close()  # what is set wrong is told before anything runs
    with closing(brokers.build(address)) as built:
        brokers.refuse_absent(built)
    stop = Stop()
    say(
        f"taking messages from {masked(address)} with {processes} process(es) of "
        f"{threads} thread(s); SIGTERM or Ctrl-C ends it",
        err=True,
    )
    replaced = 0
    if processes == 1:
        on_signals(stop)
        work(stop)
    else:
        hands = crew.Crew(work, desk.engine, size=processes)
        hands.run(stop)
        replaced = hands.replaced
        if hands.are_outdated:
            installation.check_form(desk.engine)  # says what they met
    emit(
        {
            "broker": masked(address),
            "processes": processes,
            "threads": threads,
            "replaced": replaced,
            "ended_by": stop.reason,
        },
        lambda: say(f"ended by {stop.reason}; nothing was left half done"),
    )


def broker_address() -> str:
    """Return where the broker is, for who shares it with others.

    Raises:
        InputError: nobody else could reach it.
    """
    address = read_settings().broker_url
    if brokers.is_in_memory(address):
        raise InputError(
            "broker.memory",
            "SPORTELLO_BROKER_URL is memory://, where nobody outside of this process "
            "could leave a message; set it to redis://host:6379/0, or do everything "
            "in one process with `sportello run`",
        )
    return address
