"""What does an auditor take away of the register?"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from commands.anchors import tell_of_anchors, verified_anchors
from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option, note_done
from commands.offices import tell_of_office, verified_office
from commands.output import emit, print_pairs, print_wrapped
from commands.plain import say
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.register import Fault
from workflow.services import exporting
from workflow.services.exporting import Exported

_ONLY_READ = "whoever took it can only read, and the export says so"
_NOT_ENTERED = Fault(0, "the register could not take the entry of this export")


def _folder(_context: click.Context, _option: click.Parameter, to: Path) -> Path:
    """Refuse an empty name, which would mean wherever one happens to be."""
    if str(to) in {"", "."}:
        raise click.BadParameter("name a directory that is new, or empty")
    return to


@click.command("export")
@click.argument("call", metavar="CALL")
@click.option(
    "--to",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    callback=_folder,
    help="Where to: a directory that is new, or empty.",
)
@click.option(
    "--without-entry",
    is_flag=True,
    help="Make no entry of it: for who can only read the database.",
)
@json_option
@click.pass_context
@at_desk
def export_command(
    desk: Desk, context: click.Context, call: str, to: Path, *, without_entry: bool
) -> None:
    """Write the register of a call for an auditor (estrazione).

    The directory holds the entries, the anchors with their keys, the versions of
    the call, acts, who acted by identifiers, a page to read, and verify.py, which
    checks all of it on any machine with Python and without this program. Who held
    which role, and on whose behalf, is there too. Nothing in it names an applicant.
    The export is an entry of the register itself. If the register does not verify
    it is written as it is, and the command ends with 5.

    \b
    Example:
        sportello log export RLF12025051244 --to audit-2026
    """
    warn_of_clock(desk, call=call)
    with _progress() as tell:
        made = exporting.export(desk, call, to, only_read=without_entry, tell=tell)
    note_done(f"the export to {made.folder}")
    faults = _faults(made)

    def text() -> None:
        _tell(made, faults)

    emit(
        {
            "call": call,
            "directory": str(made.folder),
            "entries": made.written.entries,
            "head": made.written.head,
            "files": made.written.files,
            "entry": (
                {"call": call, "seq": made.entry.seq, "hash": made.entry.hash}
                if made.entry
                else None
            ),
            "ok": made.ok,
            "faults": [{"seq": one.seq, "fault": one.fault} for one in faults],
            "office": verified_office(made.examined.office),
            "anchors": verified_anchors(made.examined.anchors),
        },
        text,
    )
    if not made.ok:
        context.exit(TamperedError.exit_code)


def _faults(made: Exported) -> list[Fault]:
    found = [fault for one in made.examined.calls for fault in one.faults]
    return found if made.entry or made.only_read else [*found, _NOT_ENTERED]


def _tell(made: Exported, faults: list[Fault]) -> None:
    entry = made.entry
    print_pairs(
        (
            ("written to", made.folder),
            ("entries", made.written.entries),
            ("head", made.written.head),
            ("anchors", made.written.anchors),
            ("entered as", f"entry {entry.seq}" if entry else None),
            ("not entered", _ONLY_READ if made.only_read else None),
        )
    )
    for fault in faults:
        where = f"entry {fault.seq}" if fault.seq else "the call"
        print_wrapped(f"  FAULT {where}: ", fault.fault)
    if not made.examined.office.ok:
        tell_of_office(made.examined.office)
    if not made.examined.anchors.ok:
        tell_of_anchors(made.examined.anchors)
    say("verify it with: python3 verify.py, in that directory")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far the entries have come."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=0, label="exported", file=sys.stderr) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield tell
