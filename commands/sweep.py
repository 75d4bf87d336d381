"""What is due by now?"""

from dataclasses import asdict

import click

from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option, note_done
from commands.output import Table, civil, emit, instant
from commands.plain import say
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import sweep, terms


@click.command("sweep")
@click.option(
    "--parked",
    is_flag=True,
    help="Try again now what workers failed on, instead of waiting.",
)
@json_option
@click.pass_context
@at_desk
def sweep_command(desk: Desk, context: click.Context, *, parked: bool) -> None:
    """Do all that is due by now, once (scadenzario).

    Counters open, reopen and close, versions that were announced take effect, and
    terms that have ended bring what the call says, each as of the instant at which
    it was due. Doing it twice changes nothing. It ends with 3 if a call was busy,
    or something failed in one: do it again.

    A term on which it fails is parked and disturbs nobody: `sportello terms
    --parked` says why, and --parked tries it again.

    \b
    Example:
        sportello sweep
    """
    warn_of_clock(desk)
    retried = terms.retry_parked(desk) if parked else 0
    swept = sweep.sweep(desk)
    if swept.applied:
        note_done(f"{len(swept.applied)} thing(s) that were due")
    failing = terms.parked(desk)
    table = Table(("call", "application", "what", "due", "entry>"))
    for one in swept.applied:
        due = civil(one.due_at)
        table.add(one.call, one.application, one.event, due, one.seq)

    def tell() -> None:
        table.print()
        if not swept.applied and not swept.remaining:
            say("nothing is due")
        if failing:
            say(f"{failing} parked: see `sportello terms --parked`")
        for code in swept.busy:
            say(f"{code}: busy with somebody else's command; sweep again")
        for one in swept.failed:
            say(f"{one.call}: not swept [{one.code}]: {one.message}")

    emit(
        {
            "applied": len(swept.applied),
            "remaining": swept.remaining,
            "done": [
                {
                    "call": one.call,
                    "application": one.application,
                    "event": one.event.value,
                    "due_at": instant(one.due_at),
                    "seq": one.seq,
                }
                for one in swept.applied
            ],
            "busy": list(swept.busy),
            "failed": [asdict(one) for one in swept.failed],
            "retried": retried,
            "parked": failing,
        },
        tell,
    )
    if swept.remaining or (parked and failing):
        context.exit(UnavailableError.exit_code)
