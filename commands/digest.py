"""What waits for me today?"""

from itertools import groupby

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.output import Table, emit
from commands.plain import say
from workflow.desk import Desk
from workflow.rules.calendar import italian_date
from workflow.services import digests
from workflow.services.digests import Digest


@click.command("digest")
@click.argument("login", required=False)
@json_option
@at_desk
def digest_command(desk: Desk, login: str | None) -> None:
    """Show what waits for an officer today (promemoria del giorno).

    Without LOGIN, for whoever types it: terms that were missed or are about to end,
    who is next in turn, answers and proposals to decide on, letters that did not
    arrive. Every morning the same goes by mail to each officer who has an address
    (`sportello officer add LOGIN --email`), unless nothing waits.

    \b
    Example:
        sportello digest rossi
    """
    found = digests.of(desk, login)
    emit(
        {
            "officer": found.login,
            "day": found.day.isoformat(),
            "waiting": [one._asdict() for one in found.waiting],
        },
        lambda: _tell(found),
    )


def _tell(found: Digest) -> None:
    say(f"{found.login}, {italian_date(found.day)}")
    if not found.waiting:
        say("nothing waits")
    for heading, some in groupby(found.waiting, key=lambda one: one.heading):
        table = Table(("application", "what+", "call"), title=heading, indent="  ")
        for one in some:
            table.add(one.application, one.what, one.call)
        table.print()
