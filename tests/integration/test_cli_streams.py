"""Is it told truly what happened when the answer cannot be printed?"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.builders import CTL, submission
from tests.terminals import FIRST, SPORTELLO, Terminal

REVIEW = ("advance", FIRST, "start_review")
LOST = [">&-", ">/dev/full"]


def shell(
    terminal: Terminal, *words: str, redirect: str
) -> subprocess.CompletedProcess[str]:
    """Type a command in a shell that redirects its streams."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirect}', "bash", SPORTELLO, *words],
        env={"PATH": os.environ["PATH"], **terminal.environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("redirect", LOST)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_was_done_is_said_though_the_answer_is_lost(redirect, form, terminal):
    ran = shell(terminal, *REVIEW, "--yes", *form, redirect=redirect)

    assert ran.returncode == 3
    assert ran.stderr == (
        f"Error [output.lost]: it was done (entry 6 of {CTL}), but the result could "
        "not be printed\n"
    )
    assert terminal.ask("show", FIRST)["version"] == 2


def test_a_reader_that_went_away_leaves_no_traceback(terminal):
    ran = shell(terminal, *REVIEW, "--yes", redirect="> >(exec true); exit 0")

    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("redirect", LOST)
@pytest.mark.parametrize(
    "words",
    [
        ("show", FIRST),
        ("show", FIRST, "--json"),
        ("list",),
        ("log", "show", "--json"),
        ("log", "verify"),
        ("doctor",),
        ("--help",),
        (*REVIEW, "--help"),
        (*REVIEW, "--dry-run"),
    ],
    ids=" ".join,
)
def test_an_answer_that_is_lost_is_unavailable(words, redirect, terminal):
    ran = shell(terminal, *words, redirect=redirect)

    assert ran.returncode == 3
    assert ran.stderr == ("Error [output.lost]: the result could not be printed\n")


@pytest.mark.parametrize("redirect", LOST)
def test_intake_says_how_far_it_came(redirect, terminal):
    text = "\n".join(json.dumps(submission(number)) for number in (3, 4))
    Path("two.jsonl").write_text(text, encoding="utf-8")

    ran = shell(terminal, "intake", CTL, "two.jsonl", redirect=redirect)

    assert ran.returncode == 3
    (written,) = re.findall(r"it was done \(the lines up to (\d)\)", ran.stderr)
    assert len(terminal.ask("list")["applications"]) == 3 + int(written)


@pytest.mark.parametrize("redirect", LOST)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_refusal_stays_a_refusal(form, redirect, terminal):
    ran = shell(terminal, "show", "2026/99", *form, redirect=redirect)

    assert ran.returncode == 1
    assert ran.stderr.startswith("Error [application.unknown]: ")


def test_where_nothing_can_be_said_the_exit_code_says_it(terminal):
    ran = shell(terminal, *REVIEW, "--yes", redirect=">&- 2>&-")

    assert ran.returncode == 3
    assert ran.stderr == ""


@pytest.mark.parametrize("redirect", ["<&-", "</dev/null"])
def test_where_nobody_can_answer_nothing_is_done(redirect, terminal):
    ran = shell(terminal, *REVIEW, redirect=redirect)

    assert ran.returncode == 2
    assert "Error [confirmation.missing]" in ran.stderr
    assert "--yes" in ran.stderr
    assert terminal.ask("show", FIRST)["version"] == 1
