"""Which letters were written, and what became of them?"""

from uuid import UUID

import click

from commands.entry import at_desk
from commands.lazy import Listing, json_option, note_done
from commands.output import emit
from workflow.desk import Desk
from workflow.services import releases


@click.group("notices", cls=Listing)
@json_option
def notices_group() -> None:
    """Look after the letters to applicants (comunicazioni).

    \b
    Example:
        sportello notices release --help
    """


@notices_group.command("release")
@click.argument("notices", metavar="ID...", nargs=-1, required=True, type=click.UUID)
@json_option
@at_desk
def release_command(desk: Desk, notices: tuple[UUID, ...]) -> None:
    """Let letters go that the call holds back (rilascio).

    Each is a move on its application, by the responsible officer. What a letter says
    is as it was written. `sportello show APP` shows what is held back.

    \b
    Example:
        sportello notices release 019bdaa1-de80-7000-8000-000000000002
    """
    done = []
    for notice in notices:
        done.append(releases.release(desk, notice))
        note_done(f"{len(done)} of {len(notices)} letter(s) released")

    def tell() -> None:
        for notice, receipt in zip(notices, done, strict=True):
            letter = receipt["findings"]["letter"]
            click.echo(f"{receipt['application']}: `{letter}` may go ({notice})")

    emit({"released": done}, tell)
