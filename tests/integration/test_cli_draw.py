"""Can an officer hold a public draw, and anybody redo it?"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.builders import CTL, submission
from tests.editions import edited
from tests.integration.test_cli_help import EVERY, examples
from tests.terminals import PUBLISHED, Terminal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def weekly(bare_terminal: Terminal, tmp_path: Path) -> Terminal:
    """Sit at a terminal whose call has three applications of a week that is over."""
    file = edited(tmp_path, ('order = "exact_instant"', 'order = "same_week_draw"'))
    home = bare_terminal.home
    early = Terminal(home, {"SPORTELLO_CLOCK": PUBLISHED})
    roles = ("administrator", "manager", "intake")
    flags = [word for role in roles for word in ("--role", role)]
    for words in (
        ("init", "--rehearsal"),
        ("officer", "add", "bianchi", "--name", "Bianchi", *flags),
        ("call", "load", str(file)),
    ):
        assert early.type(*words).exit_code == 0
    lines = "\n".join(json.dumps(submission(number)) for number in range(3))
    assert Terminal(home).type("intake", CTL, "-", text=lines).exit_code == 0
    return Terminal(home, {"SPORTELLO_CLOCK": "2026-01-27T12:00:00+01:00"})


def redone() -> list[str]:
    """Redo the draw as the documentation says."""
    text = (ROOT / "docs" / "counter.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("Anybody can redo the draw:\n\n")
    script, _, _ = rest.partition("\n\n")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split()[-1] for line in ran.stdout.splitlines()]


def test_the_draw_of_the_help_gives_the_order_that_a_shell_gives(weekly):
    (words,) = examples(EVERY["call", "draw"])

    done = weekly.type(*words[1:])

    assert done.exit_code == 0, done.output
    shown = [line.split()[1] for line in done.stdout.splitlines() if "2026/" in line]
    drawn = [name for name in shown if name.startswith("2026/")]
    assert drawn == redone()
    queued = weekly.ask("queue", CTL)["items"]
    assert [item["protocol"] for item in queued] == drawn
    assert "draw" in weekly.ask("call", "show", CTL)["acts"]
    assert weekly.ask("log", "verify")["ok"]


def test_a_week_is_drawn_once(weekly):
    (words,) = examples(EVERY["call", "draw"])
    weekly.type(*words[1:])

    said = weekly.refused(*words[1:], code="draw.held", exit_code=1)

    assert "a draw is held once" in said


def test_a_call_by_the_exact_instant_has_no_draw(terminal):
    terminal.settings["SPORTELLO_CLOCK"] = "2026-01-27T12:00:00+01:00"
    (words,) = examples(EVERY["call", "draw"])

    done = terminal.type(*words[1:])

    assert done.exit_code == 1
    assert "draw" not in terminal.ask("call", "show", CTL)["acts"]
