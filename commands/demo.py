"""How is the main job shown from end to end, on a fresh machine?"""

import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from commands.demonstration import ctl
from commands.demonstration.stage import CALL, Line, Stage, stage
from commands.lazy import json_option, wants_json
from commands.output import emit
from models.vocabulary import ApplicationState
from workflow.register import written
from workflow.rules.amounts import format_money
from workflow.services import calls, log, views

_TRY = (
    ("show 2026/0000004", "the file that overtook, with terms, money and letters"),
    ("log show 2026/0000006", "a rejection, from the submission to the decree"),
    ("log show --outcome refused", "what was refused, by which rule"),
    ("events 2026/0000001", "what can be done now, and by which role"),
    ("advance 2026/0000001 declare_end --dry-run", "what a move would do"),
    ("log verify", "does the register hold?"),
)


@click.command("demo")
@click.argument("scenario", type=click.Choice(["ctl"]), default="ctl")
@json_option
def demo_command(scenario: str) -> None:
    """Show one real call from publication to plans in progress (dimostrazione).

    Plays the call CTL 2025 with its nine clusters in simulated time, on a
    scratch database that is kept, so that you can go on from where it ends.

    \b
    Example:
        sportello demo
    """
    del scenario
    home = Path(tempfile.mkdtemp(prefix="sportello-demo-"))
    with stage(home, _silence if wants_json() else _say) as scene:
        ctl.play(scene)
        verified = log.verify(scene.desk)
        emit(
            _document(home, scene, verified),
            lambda: _close(home, scene, verified),
        )
    if not all(result.ok for result in verified):
        sys.exit(5)


def _say(line: Line) -> None:
    click.echo(str(line))


def _silence(_line: Line) -> None:
    pass


def _close(home: Path, scene: Stage, verified: tuple[log.Verified, ...]) -> None:
    _show_files(scene)
    _show_money(scene)
    _show_what_next(home, scene)
    (result,) = verified
    if result.ok:
        click.echo(f"The register verifies: {result.entries} entries, {result.head}")
        return
    for fault in result.faults:
        click.echo(f"entry {fault.seq}: {fault.fault}")
    click.echo("The register DOES NOT verify.")


def _show_files(scene: Stage) -> None:
    click.echo("\nThe queue, in the order of arrival")
    click.echo(f"{'protocol':<14}{'state':<16}{'asked':>12}{'granted':>12}  applicant")
    for file in views.listed(scene.desk):
        click.echo(
            f"{file.protocol:<14}{file.state:<16}"
            f"{format_money(file.requested):>12}{format_money(file.granted):>12}"
            f"  {file.applicant[:43]}"
        )
    waiting = views.queue(scene.desk, CALL).items
    click.echo(f"Waiting for a grant: {len(waiting) or 'nobody'}")


def _show_money(scene: Stage) -> None:
    call = calls.shown(scene.desk, CALL)
    click.echo("\nThe money")
    for name, cents in (
        ("allocation", call.allocation),
        ("granted", call.granted),
        ("reserved", call.reserved),
        ("residual", call.residual),
    ):
        click.echo(f"{name:<14}{format_money(cents):>12}")


def _show_what_next(home: Path, scene: Stage) -> None:
    program = shutil.which("sportello") or str(Path(sys.argv[0]).resolve())
    click.echo(f"\nThe database is {home / 'sportello.db'}. To go on from here:")
    for name, value in _settings(home, scene).items():
        click.echo(f"  export {name}={shlex.quote(value)}")
    for words, why in _TRY:
        click.echo(f"  {shlex.quote(program)} {words}\n      {why}")
    click.echo("")


def _settings(home: Path, scene: Stage) -> dict[str, str]:
    """Return the settings that open the database where the play ends."""
    return {
        "SPORTELLO_HOME": str(home),
        "SPORTELLO_DATABASE_URL": f"sqlite:///{home / 'sportello.db'}",
        "SPORTELLO_OFFICER": "protocollo",
        "SPORTELLO_CLOCK": written(scene.clock.now()),
    }


def _document(
    home: Path, scene: Stage, verified: tuple[log.Verified, ...]
) -> dict[str, Any]:
    call = calls.shown(scene.desk, CALL)
    files = views.listed(scene.desk)
    return {
        "directory": str(home),
        "database": str(home / "sportello.db"),
        "settings": _settings(home, scene),
        "timeline": [
            {
                "at": written(line.at),
                "officer": line.who,
                "file": line.file,
                "what": line.what,
            }
            for line in scene.lines
        ],
        "files": [
            {
                "protocol": file.protocol,
                "state": file.state.value,
                "requested": format_money(file.requested),
                "granted": format_money(file.granted),
            }
            for file in files
        ],
        "in_progress": sum(
            file.state == ApplicationState.IN_PROGRESS for file in files
        ),
        "money": {
            "allocation": format_money(call.allocation),
            "granted": format_money(call.granted),
            "reserved": format_money(call.reserved),
            "residual": format_money(call.residual),
        },
        "ok": all(result.ok for result in verified),
    }
