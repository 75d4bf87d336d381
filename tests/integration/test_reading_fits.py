"""Does what is read of the past fit a terminal of 100 columns, whatever it holds?"""

import re
from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from cli import main
from models.vocabulary import Event, Role
from tests.builders import CTL, Office, office
from tests.played import play, sealing
from workflow.errors import RefusedError
from workflow.services import calls, conflicts, officers

WIDTH = 100
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
LONG = "a very long reason of somebody who had a lot to say about it " * 6
FIRST, SECOND = "2026/0000002", "2026/0000003"
DAYS = ("2026-01-19", "2026-01-21")
READ = (
    ("log", "show"),
    ("log", "show", CTL, "--as-of", "#9"),
    ("log", "show", FIRST, "--as-of", "2026-01-21"),
    ("log", "diff", *DAYS),
    ("log", "diff", "2026-01-16", "2026-01-21", CTL),
    ("log", "diff", "2026-01-16", "2026-01-21", FIRST),
    ("log", "verify"),
    ("call", "show", CTL, "--as-of", "2026-01-21"),
    ("call", "history", CTL),
    ("queue", CTL, "--as-of", "2026-01-20"),
    ("show", FIRST, "--as-of", "2026-01-21"),
    ("explain", "turn", FIRST),
    ("explain", "money", CTL),
    ("explain", "aid", FIRST),
    ("officer", "list"),
    ("officer", "list", "--at", "2026-01-20"),
    ("officer", "history"),
    ("retention", CTL),
)


@pytest.fixture
def played(sqlite_office_url: str, tmp_path: Path) -> Iterator[Office]:
    """Give an office in which somebody has worked and written a lot."""
    with office(sqlite_office_url) as opened:
        work = sealing(opened, tmp_path)
        play(work)
        conflicts.declare(work.desk, "board", SECOND, reason=LONG)
        with pytest.raises(RefusedError):
            work.move(SECOND, Event.ANNUL, reason=LONG)
        bianchi = work.desk.as_officer("bianchi")
        officers.retire(bianchi, "clerk")
        roles = [role for role in Role if role is not Role.SYSTEM]
        officers.add(
            bianchi,
            "annamaria.benedetta.rossi@regione.lombardia.it",
            "Anna Maria Benedetta " * 9,
            roles,
        )
        yield work


def test_what_is_read_of_the_past_fits_a_terminal(
    played: Office, monkeypatch: pytest.MonkeyPatch
):
    on_screen = click.testing._NamedTextIOWrapper
    monkeypatch.setattr(on_screen, "isatty", lambda _: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    last = calls.shown(played.desk, CTL).entries
    explained = [("explain", "entry", f"{CTL}#{seq}") for seq in range(1, last + 1)]

    wide = []
    for words in (*READ, *explained):
        shown = CliRunner().invoke(main, words, obj=played.desk)
        assert shown.exit_code == 0, (words, shown.output)
        lines = ESCAPE.sub("", shown.stdout).splitlines()
        wide += [(words, line) for line in lines if cell_len(line) > WIDTH]

    assert last > 10
    assert wide == []
