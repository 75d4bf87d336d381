"""Is it readable in a terminal, plain in a pipe, and quiet when interrupted?"""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.builders import CTL, submission
from tests.terminals import FIRST, SECOND, SPORTELLO, Terminal

WIDTH = 100
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

TABLES = [
    ("list",),
    ("show", FIRST),
    ("queue", CTL),
    ("events", FIRST),
    ("events", FIRST, "--all"),
    ("log", "show"),
    ("officer", "list"),
    ("call", "list"),
    ("call", "show", CTL),
    ("terms",),
    ("notices",),
    ("notices", "show", f"{FIRST}/submission_receipt"),
    ("explain", "term", f"{FIRST}/conclusion"),
    ("explain", "turn", SECOND),
    ("explain", "money", CTL),
]


def seen(
    terminal: Terminal, *words: str, columns: int = WIDTH, exit_code: int = 0
) -> str:
    """Type a command in a real terminal and return what is on the screen."""
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    terminal.settings["TERM"] = "xterm-256color"
    with terminal.start(*words, stdin=inside, stdout=inside, stderr=inside) as process:
        os.close(inside)
        screen = b""
        while True:
            try:
                part = os.read(outside, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            screen += part
    os.close(outside)
    assert process.returncode == exit_code, screen
    return screen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("words", TABLES, ids=" ".join)
def test_a_terminal_of_100_columns_is_enough(words, terminal):
    terminal.type("advance", FIRST, "start_review", "--yes")

    screen = ESCAPE.sub("", seen(terminal, *words))

    lines = screen.splitlines()
    assert max(map(len, lines)) <= WIDTH
    if words[0] in {"list", "queue"}:
        assert len([line for line in lines if FIRST[:5] in line]) == 3


def test_an_error_breaks_between_words_in_a_terminal_of_100_columns(terminal):
    overtaking = ("advance", SECOND, "start_review", "--yes")

    screen = seen(terminal, *overtaking, exit_code=1)

    lines = screen.splitlines()
    assert lines[0].startswith("Error [")
    assert len(lines) > 1
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines) == terminal.type(*overtaking).stderr.strip()


def test_nothing_disappears_from_a_terminal_of_100_columns(terminal):
    refused = terminal.type("advance", SECOND, "start_review", "--yes")
    reason = "filed by PEC instead of through the portal of the call, as it had to be"
    annul = ("--act", "ordine di servizio 7/2026-01-20", "--reason", reason)
    terminal.type("advance", SECOND, "annul", *annul, "--yes")

    shown = ESCAPE.sub("", seen(terminal, "show", SECOND))
    log = ESCAPE.sub("", seen(terminal, "log", "show"))
    of_refused = ESCAPE.sub("", seen(terminal, "log", "show", "--outcome", "refused"))

    assert refused.exit_code == 1
    words = {*["seq", "order.turn", "annulled", "cluster2@pec.example.it"]}
    words |= {*reason.split(), *["ordine", "di", "servizio", "7/2026-01-20"]}
    assert [word for word in words if word not in shown] == []
    assert re.search(r"^ +7  20/01/2026 10:00:00  annul ", shown, re.MULTILINE)
    assert "7/2026-01-20" in log
    assert re.search(rf"^ +6  .*  {SECOND}  .*order\.turn", of_refused, re.MULTILINE)
    assert "…" not in shown + log + of_refused


def test_a_narrow_terminal_wraps_only_names(terminal):
    screen = ESCAPE.sub("", seen(terminal, "list", columns=90))

    assert "2026/0000003" in screen
    assert "111111.11" in screen
    assert "…" not in screen
    assert "Intelligente" in screen


def test_names_cannot_command_the_terminal_nor_its_markup(terminal):
    terminal.query("UPDATE applicants SET name = '[bold]Cluster[/bold] \u009b31m red'")

    screen = seen(terminal, "list", columns=200)

    assert "[bold]Cluster[/bold]" in screen
    assert "\u009b" not in screen


@pytest.mark.parametrize("words", TABLES, ids=" ".join)
def test_a_pipe_gets_plain_text(words, terminal):
    shown = terminal.run(*words)

    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout
    assert not re.search(r"[ \t]$", shown.stdout, re.MULTILINE)
    assert "─" not in shown.stdout


def test_intake_answers_people_in_a_terminal(terminal):
    lines = f"{json.dumps(submission(3))}\n{{x\n"
    Path("two.jsonl").write_text(lines, encoding="utf-8")

    screen = seen(terminal, "intake", CTL, "two.jsonl", exit_code=1)

    assert "DOM-0004  submitted  2026/0000004  20/01/2026 10:00:00." in screen
    assert "?  refused  [line.unreadable]" in screen
    assert "2 line(s): 1 submitted, 1 refused" in screen


def test_intake_says_in_words_that_there_is_no_money_now(terminal):
    terminal.query("UPDATE calls SET allocation = reserved")
    line = json.dumps(submission(3, requested="1000.00"))
    Path("one.jsonl").write_text(line, encoding="utf-8")

    screen = seen(terminal, "intake", CTL, "one.jsonl")

    assert "DOM-0004  taken in, no money for it now  2026/0000004" in screen


def test_a_reader_that_goes_away_is_no_error(terminal):
    command = f"{SPORTELLO} log show --json | head -n 1"

    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        env={**os.environ, **terminal.environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert json.loads(ran.stdout)["seq"] == 1
    assert ran.stderr == ""
    assert ran.returncode in {0, 141}


def test_an_interruption_leaves_no_traceback(terminal):
    with terminal.start(
        *("advance", FIRST, "start_review"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asking:
        assert asking.stderr
        shown = ""
        while "to confirm" not in shown:
            shown += asking.stderr.read(1)
        asking.send_signal(signal.SIGINT)
        _, err = asking.communicate()

    assert asking.returncode == 130
    assert "Traceback" not in err


def test_a_bug_keeps_its_traceback(terminal, monkeypatch):
    monkeypatch.setattr("workflow.services.views.queue", lambda *_: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        terminal.type("queue", CTL, "--json")


def test_officers_are_not_disturbed_by_logs(terminal):
    quiet = terminal.run("advance", FIRST, "start_review", "--yes")

    assert quiet.stderr == ""


def test_logs_are_json_lines_without_personal_data(terminal):
    terminal.settings["SPORTELLO_LOG_LEVEL"] = "info"

    told = terminal.run("advance", FIRST, "start_review", "--yes", "--json")

    (line,) = told.stderr.splitlines()
    entry = json.loads(line)
    assert entry["event"] == "application_advanced"
    assert entry["level"] == "info"
    assert "pec.example.it" not in line
    assert "Fabbrica" not in line
    assert json.loads(told.stdout)["event"] == "start_review"
