"""How is the main job shown from end to end, on a fresh machine?"""

import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from commands.demonstration import competenze, ctl, endings
from commands.demonstration.stage import Line, Stage, stage
from commands.lazy import json_option, wants_json
from commands.output import emit
from commands.plain import say
from models.vocabulary import ApplicationState
from workflow.register import written
from workflow.rules.amounts import format_money
from workflow.services import calls, log, views
from workflow.services.verified_chains import Verified


@dataclass(frozen=True, slots=True)
class Scenario:
    """A call to play, how its end is shown, and what to try afterwards."""

    file: str
    play: Callable[[Stage], None]
    show: Callable[[Stage], None]
    note: str
    """What of it is real."""
    officer: str
    """Who sits at the desk afterwards."""
    suggestions: tuple[tuple[str, str], ...]


_CTL = Scenario(
    ctl.FILE,
    ctl.play,
    endings.every_file,
    ctl.NOTE,
    "protocollo",
    (
        ("show 2026/0000004", "the file that overtook, with terms, money and letters"),
        ("log show 2026/0000006", "a rejection, from the submission to the decree"),
        ("log show --outcome refused", "what was refused, by which rule"),
        ("events 2026/0000001", "what can be done now, and by which role"),
        ("advance 2026/0000001 declare_end --dry-run", "what a move would do"),
        ("log verify", "does the register hold?"),
    ),
)
_COMPETENZE = Scenario(
    competenze.FILE,
    competenze.play,
    endings.every_state,
    competenze.NOTE,
    "rossi",
    (
        ("queue RLF12024099901 --limit 5", "who waits for a grant, and who is next"),
        ("log show 2025/0000149", "the last promotion, and whose money it took"),
        ("log show --outcome refused", "number 180, and who else was refused"),
        ("explain money RLF12024099901", "every step of the money to the residual"),
        (
            (
                "call refinance RLF12024099901 --allocation 8000000.00 "
                '--act "DGR 4120/2025-04-14"'
            ),
            "a million more: 20 of those who wait are promoted at once",
        ),
        ("log verify", "does the register hold?"),
    ),
)
_SCENARIOS = {"ctl": _CTL, "competenze": _COMPETENZE}


@click.command("demo")
@click.argument("scenario", type=click.Choice(list(_SCENARIOS)), default="ctl")
@json_option
def demo_command(scenario: str) -> None:
    """Show one real call, played in simulated time (dimostrazione).

    `ctl`: the nine clusters, from publication to plans in progress. `competenze`:
    a counter whose money runs out, and who takes what is set free. Either is
    played on a scratch database that is kept, so that you can go on from its end.

    \b
    Example:
        sportello demo competenze
    """
    chosen = _SCENARIOS[scenario]
    home = Path(tempfile.mkdtemp(prefix="sportello-demo-"))
    with stage(home, chosen.file, _silence if wants_json() else _say) as scene:
        chosen.play(scene)
        scene.seal()
        verified = log.verify(scene.desk)
        emit(
            _document(home, chosen, scene, verified),
            lambda: _close(home, chosen, scene, verified),
        )
    if not all(result.ok for result in verified):
        sys.exit(5)


def _say(line: Line) -> None:
    say(str(line).rstrip())


def _silence(_line: Line) -> None:
    pass


def _close(
    home: Path, chosen: Scenario, scene: Stage, verified: tuple[Verified, ...]
) -> None:
    chosen.show(scene)
    endings.money(scene)
    say(f"\n{chosen.note}")
    _show_what_next(home, chosen, scene)
    (result,) = verified
    if result.ok:
        say(f"The register verifies: {result.entries} entries, {result.head}")
        return
    for fault in result.faults:
        say(f"entry {fault.seq}: {fault.fault}")
    say("The register DOES NOT verify.")


def _show_what_next(home: Path, chosen: Scenario, scene: Stage) -> None:
    program = shutil.which("sportello") or str(Path(sys.argv[0]).resolve())
    say(f"\nThe database is {home / 'sportello.db'}. To go on from here:")
    for name, value in _settings(home, chosen, scene).items():
        click.echo(f"  export {name}={shlex.quote(value)}")
    for words, why in chosen.suggestions:
        click.echo(f"  {shlex.quote(program)} {words}\n      {why}")
    say("")


def _settings(home: Path, chosen: Scenario, scene: Stage) -> dict[str, str]:
    """Return the settings that open the database where the play ends."""
    return {
        "SPORTELLO_HOME": str(home),
        "SPORTELLO_DATABASE_URL": f"sqlite:///{home / 'sportello.db'}",
        "SPORTELLO_OFFICER": chosen.officer,
        "SPORTELLO_CLOCK": written(scene.clock.now()),
    }


def _document(
    home: Path, chosen: Scenario, scene: Stage, verified: tuple[Verified, ...]
) -> dict[str, Any]:
    call = calls.shown(scene.desk, scene.call)
    files = views.listed(scene.desk)
    return {
        "directory": str(home),
        "database": str(home / "sportello.db"),
        "settings": _settings(home, chosen, scene),
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
            "waiting": format_money(call.waiting_amount),
        },
        "ok": all(result.ok for result in verified),
    }
