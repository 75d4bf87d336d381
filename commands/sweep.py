"""What is due by now?"""

from dataclasses import asdict

import click

from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option, note_done
from commands.output import Table, civil, emit, instant
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import sweep


@click.command("sweep")
@json_option
@click.pass_context
@at_desk
def sweep_command(desk: Desk, context: click.Context) -> None:
    """Do all that is due by now, once (scadenzario).

    Counters open, reopen and close, and versions that were announced take effect,
    each as of the instant at which it was due. Doing it twice changes nothing. It
    ends with 3 if a call was busy, or something failed in one: do it again.

    \b
    Example:
        sportello sweep
    """
    warn_of_clock(desk)
    swept = sweep.sweep(desk)
    if swept.applied:
        note_done(f"{len(swept.applied)} thing(s) that were due")
    table = Table(("call", "what", "due", "entry>"))
    for one in swept.applied:
        table.add(one.call, one.event, civil(one.due_at), one.seq)

    def tell() -> None:
        table.print()
        if not swept.applied and not swept.remaining:
            click.echo("nothing is due")
        for code in swept.busy:
            click.echo(f"{code}: busy with somebody else's command; sweep again")
        for one in swept.failed:
            click.echo(f"{one.call}: not swept [{one.code}]: {one.message}")

    emit(
        {
            "applied": len(swept.applied),
            "remaining": swept.remaining,
            "done": [
                {
                    "call": one.call,
                    "event": one.event.value,
                    "due_at": instant(one.due_at),
                    "seq": one.seq,
                }
                for one in swept.applied
            ],
            "busy": list(swept.busy),
            "failed": [asdict(one) for one in swept.failed],
        },
        tell,
    )
    if swept.remaining:
        context.exit(UnavailableError.exit_code)
