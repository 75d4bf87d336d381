"""Does an older version stop where a newer one has upgraded the database?"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import click
import pytest
from alembic.config import Config
from sqlalchemy import text

from models import schema
from models.schema import FORMS, HEAD, alembic_configuration
from models.session import DatabaseUnavailableError, transaction
from tests.builders import Office, office
from tests.contents import rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_cli_help import EVERY, examples
from tests.integration.test_races import lines_of
from tests.integration.test_relay import PATIENCE, until
from tests.processes import Place, acknowledge, acknowledged, start
from tests.terminals import FIRST, Terminal
from workflow.services import calls, installation, intake

LATER = f"{int(HEAD) + 1:04d}"
THIRD = "RLF12025051246"
MIGRATION = f'''
"""What a later version changes; it counts what it finds."""

from alembic import op

revision = "{LATER}"
down_revision = "{HEAD}"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("ALTER TABLE calls ADD COLUMN later INTEGER")
    op.execute("CREATE TABLE found AS SELECT count(*) AS filed FROM applications")
'''  # noqa: S608 - words of ours
UPGRADED = f"UPDATE alembic_version SET version_num = '{LATER}'"  # noqa: S608 - as above
SOME = 3
"""Answers after which somebody is at work."""

NEEDS_NO_DATABASE = {
    *(("call", "check"), ("call", "new"), ("demo",), ("letters", "list")),
    ("rehearse",),
    ("db", "grants"),  # of SQLite it says that it has no roles
}


def become_later(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have this process be of a later version, which knows one form more."""
    folder.mkdir()
    (folder / "later.py").write_text(MIGRATION, encoding="utf-8")

    def configuration() -> Config:
        found = alembic_configuration()
        ours = Path(str(found.get_main_option("script_location"))) / "versions"
        found.set_main_option("path_separator", "os")
        found.set_main_option("version_locations", f"{ours}{os.pathsep}{folder}")
        return found

    patch.setattr(schema, "alembic_configuration", configuration)
    patch.setattr(schema, "FORMS", (*FORMS, LATER))
    patch.setattr(schema, "HEAD", LATER)


def filing(place: Place, call: str, said: Path) -> None:
    """File one after the other, until that is refused; by the rules of this version."""
    with place.desk() as desk:
        for first in count(0 if call == SECOND else 10_000):
            try:
                (answer,) = intake.take_in(desk, call, lines_of(first, 1))
            except DatabaseUnavailableError as error:
                acknowledge(said, error.code.encode())
                return
            acknowledge(said, str(answer["outcome"]).encode())


def test_who_writes_while_the_database_is_upgraded_stops_and_writes_nothing_more(
    work: Office, office_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    engine, said = work.desk.engine, {code: tmp_path / code for code in (SECOND, THIRD)}
    place = Place.at(office_url, work.clock.now())
    for code in said:
        calls.register_call(work.desk, open_to_all(tmp_path, code))
    older = [start(filing, place, code, file) for code, file in said.items()]
    until(lambda: all(len(acknowledged(file)) >= SOME for file in said.values()))

    become_later(tmp_path / "versions", monkeypatch)
    installation.initialise(engine, work.clock)
    for process in older:
        process.join(PATIENCE)
        process.kill()

    told = [acknowledged(file) for file in said.values()]
    assert [one[-1] for one in told] == [b"database.newer"] * 2
    taken = sum(len(one) - 1 for one in told)
    assert rows(engine, "SELECT filed FROM found") == [(taken,)]
    assert work.file() == f"2026/{taken + 1:07d}"
    assert work.verified()


def test_an_upgrade_waits_for_whoever_has_begun_to_write(
    postgres_office_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with office(postgres_office_url) as work, ThreadPoolExecutor(1) as pool:
        engine = work.desk.engine
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"

        with transaction(engine) as session:
            become_later(tmp_path / "versions", monkeypatch)
            upgrading = pool.submit(schema.upgrade, engine)
            until(lambda: upgrading.done() or bool(rows(engine, waiting)))
            has_waited = not upgrading.done()
            session.execute(text("UPDATE calls SET filed = filed"))
        upgrading.result(PATIENCE)

        assert has_waited
        assert rows(engine, "SELECT version_num FROM alembic_version") == [(LATER,)]


def is_group(command: click.Command) -> bool:
    return isinstance(command, click.Group)


def test_every_command_refuses_a_database_of_a_later_version(terminal: Terminal):
    terminal.query(UPGRADED)
    for name in ("decree.jsonl", "submissions.jsonl"):
        Path(name).touch()
    Path("Maildir").mkdir()
    before = terminal.query("SELECT * FROM calls")

    ended = {
        path: terminal.type(*examples(command)[0][1:])
        for path, command in EVERY.items()
        if path not in NEEDS_NO_DATABASE
        and (path[1:] == () if path[0] == "advance" else not is_group(command))
    }

    refused = f"made by a later version of the system than this one ({HEAD})"
    told = {path: " ".join(done.output.split()) for path, done in ended.items()}
    assert {path for path in told if refused not in told[path]} == set(), told
    assert {done.exit_code for done in ended.values()} == {3}
    assert terminal.query("SELECT * FROM calls") == before


def test_a_command_that_the_upgrade_overtakes_says_what_to_do(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    def checked(_engine: object) -> None:
        terminal.query(UPGRADED)

    monkeypatch.setattr(installation, "check_form", checked)

    said = terminal.refused(
        *("advance", FIRST, "start_review", "--yes"), code="database.newer", exit_code=3
    )

    assert "use that version, or restore the backup from before the upgrade" in said
    assert terminal.query("SELECT DISTINCT review_started FROM applications") == [(0,)]
