"""How does everything move to another database?"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from commands.anchors import tell_of_anchors, verified_anchors
from commands.entry import at_desk, engine_of
from commands.lazy import json_option, note_done
from commands.output import emit, print_wrapped
from commands.plain import say
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.services import transfers
from workflow.services.transfers import Progress, Transferred


def _address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.startswith(("sqlite", "postgres")) or "://" not in text:
        raise click.BadParameter(
            "write sqlite:////folder/file.db or postgresql://user@host/database"
        )
    return text


@click.command("copy")
@click.option(
    "--to",
    required=True,
    metavar="URL",
    callback=_address,
    help="The other database, empty: postgresql://… or sqlite:////…",
)
@json_option
@click.pass_context
@at_desk
def copy_command(desk: Desk, context: click.Context, to: str) -> None:
    """Move everything to another database, and verify it there (trasloco).

    From SQLite to PostgreSQL, back, or to another one of the same kind. Stop
    scheduler and workers before. The other database has to be empty; it gets all or
    nothing, and what it got is read again and compared. This one stays as it is.

    Keep a password out of the command line: PostgreSQL reads it from ~/.pgpass.

    \b
    Example:
        sportello copy --to postgresql://sportello@db.example.it/sportello
    """
    target = engine_of(to, "--to", lock_wait=int(desk.patience))
    try:
        with _progress() as tell:
            moved = transfers.transfer(desk, target, tell=tell)
    finally:
        target.dispose()
    note_done(f"everything is in {moved.target}")
    emit(
        {
            "from": moved.source,
            "to": moved.target,
            "rows": sum(moved.rows.values()),
            "tables": moved.rows,
            "calls": [
                {"call": one.call, "entries": one.entries, "ok": one.ok}
                for one in moved.examined.calls
            ],
            "anchors": verified_anchors(moved.examined.anchors),
            "ok": moved.examined.ok,
        },
        lambda: _tell(moved),
    )
    if not moved.examined.ok:
        context.exit(TamperedError.exit_code)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show on a terminal how far it has come."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=1, label="copied", file=sys.stderr) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield tell


def _tell(moved: Transferred) -> None:
    print_wrapped("", f"{sum(moved.rows.values())} row(s) are now in {moved.target}")
    for one in moved.examined.calls:
        standing = "verifies" if one.ok else f"{len(one.faults)} FAULT(S)"
        say(f"{one.call}: {one.entries} entries: {standing}")
    tell_of_anchors(moved.examined.anchors)
    if not moved.examined.ok:
        print_wrapped(
            "",
            "What does not verify there does not here either: both hold the same. Look "
            "at `sportello log verify` before you go on.",
        )
    print_wrapped("Now: ", f"set SPORTELLO_DATABASE_URL to {moved.target}", hanging=2)
    for step in (
        "on every machine; the home stays, with its key, its anchors and its letters",
        "on PostgreSQL say who may do what: sportello db grants",
        "look at `sportello doctor`, then start scheduler and workers again",
        f"keep {moved.source} as it is, and let nobody write to it any more",
    ):
        print_wrapped("  ", step)
