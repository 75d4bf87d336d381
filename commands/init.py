"""How is a database made?"""

import stat
from dataclasses import replace
from pathlib import Path

import click

from commands.entry import open_desk, told_in_words
from commands.lazy import json_option, note_done
from commands.output import emit, print_wrapped
from commands.plain import say
from config.settings import read_settings
from workflow.ambient import SystemAmbient
from workflow.services import installation, rosters, signing


@click.command("init")
@click.option(
    "--rehearsal",
    is_flag=True,
    help="Make it for rehearsals: it obeys SPORTELLO_CLOCK and holds nothing real.",
)
@json_option
def init_command(*, rehearsal: bool) -> None:
    """Create the database, or bring an older one to the present form.

    It also makes the key with which the register is sealed, unless it is sealed
    with another one already. A second time it changes nothing. What is in the
    database stays there; all the same, make a copy of it before you bring it to a
    newer form.

    \b
    Example:
        sportello init
    """
    with told_in_words():
        desk = open_desk()
        settings = read_settings()
        if not rehearsal:
            # A real database is never dated with an invented instant.
            desk = replace(desk, ambient=SystemAmbient())
        made = installation.initialise(desk.engine, desk.ambient, rehearsal=rehearsal)
        if settings.clock is not None and not made.rehearsal:
            say(
                "Warning: SPORTELLO_CLOCK is set, and a real database has no other "
                "time than that of the host: commands will be refused until it is "
                "unset; for a rehearsal, `sportello init --rehearsal` on another "
                "database",
                err=True,
            )
        note_done(f"database {made.database}")
        signer = signing.prepare(desk)
        empty = not rosters.listed(desk)
        _warn_of_home(settings.home)

    def tell() -> None:
        kind = "rehearsal database" if made.rehearsal else "database"
        done = "created" if made.created else "is in the present form"
        say(f"{kind} {made.database} {done} (form {made.revision})")
        _tell_of_key(signer)
        if empty:
            say(
                "Now say who may act; the first one should be an administrator:\n"
                "  sportello officer add LOGIN --name NAME --role administrator"
            )

    emit(
        {
            "database": made.database,
            "revision": made.revision,
            "rehearsal": made.rehearsal,
            "created": made.created,
            "key": signer.key,
            "key_notice": signer.notice,
        },
        tell,
    )


def _warn_of_home(home: Path) -> None:
    """Say that others can look into a home that was there before."""
    if home.is_dir() and (mode := stat.S_IMODE(home.stat().st_mode)) & 0o077:
        say(
            f"Warning: {home} can be looked into by others (mode {mode:o}); close it "
            f"with `chmod 700 {home}`",
            err=True,
        )


def _tell_of_key(signer: signing.Signing) -> None:
    if signer.notice is not None:
        print_wrapped("Note: ", signer.notice)
    elif signer.created:
        say(f"signing key {signer.path} created; keep a copy of it elsewhere")
