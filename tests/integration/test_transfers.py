"""Is everything the same in another database, or nothing there at all?"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from models.schema import Form, form
from models.session import open_engine, reading
from models.tables import APPEND_ONLY
from tests.builders import OPENING, Office, office
from tests.contents import dump, rows
from tests.played import UNUSUAL, play, sealing
from tests.processes import Place, start
from tests.servers import fresh_postgres, postgres_program
from tests.terminals import Terminal
from workflow.errors import ConflictError, RefusedError, TamperedError
from workflow.services import installation, log, ticks, transfers

_PATIENCE = 60
OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.fixture
def played(work: Office, tmp_path: Path) -> Office:
    """Give an office in which there is something of everything."""
    sealed = sealing(work, tmp_path / "home")
    play(sealed)
    return sealed


def database(
    kind: str, postgres_server: str, tmp_path: Path
) -> AbstractContextManager[str]:
    if kind == "postgresql":
        return fresh_postgres(postgres_server)
    return nullcontext(f"sqlite:///{tmp_path / 'new' / 'other.db'}")


@pytest.fixture
def target(
    request: pytest.FixtureRequest, work: Office, tmp_path: Path
) -> Iterator[Engine]:
    """Give an empty database of the other kind."""
    kind = OTHER[work.desk.engine.dialect.name]
    server = request.getfixturevalue("postgres_server")
    with database(kind, server, tmp_path) as url, opened(url) as engine:
        yield engine


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def is_empty(engine: Engine) -> bool:
    file = engine.url.database or ""
    if engine.dialect.name == "sqlite" and not Path(file).exists():
        return True
    with reading(engine) as session:
        return form(session) is Form.EMPTY


def test_everything_is_the_same_in_a_database_of_the_other_kind(
    played: Office, target: Engine
):
    before, told = dump(played.desk.engine), []

    moved = transfers.transfer(
        played.desk, target, tell=lambda done, total: told.append((done, total))
    )

    there = dump(target)
    assert there == before
    elsewhere = {"draws", "openings", "partners", "rankings", "ranked_places"}
    assert {name for name, held in there.items() if not held} <= elsewhere
    assert (UNUSUAL,) in rows(target, "SELECT name FROM applicants")
    assert dump(played.desk.engine) == before
    assert moved.rows == {name: len(held) for name, held in before.items()}
    assert told[0][0] == 0
    assert told[-1] == (2 * sum(moved.rows.values()),) * 2
    assert moved.examined == log.examine(played.desk)
    assert moved.examined.ok
    assert moved.examined.anchors.count


def test_work_goes_on_there_and_the_way_back_leads_to_the_same(
    played: Office, target: Engine, tmp_path: Path, request: pytest.FixtureRequest
):
    transfers.transfer(played.desk, target)
    there = Office(replace(played.desk, engine=target), played.clock)

    for table in (name for name in APPEND_ONLY if "rank" not in name):  # none there
        column = SQLModel.metadata.tables[table].columns.keys()[-1]
        changed = f"UPDATE {table} SET {column} = {column}"  # noqa: S608 - ours
        for change in (changed, f"DELETE FROM {table}"):  # noqa: S608 - ours
            with (
                pytest.raises(DatabaseError, match="is append-only"),
                target.begin() as connection,
            ):
                connection.exec_driver_sql(change)
    there.file(4)
    kind = played.desk.engine.dialect.name
    server = request.getfixturevalue("postgres_server")
    with database(kind, server, tmp_path / "back") as url, opened(url) as back:
        returned = transfers.transfer(there.desk, back)

        assert dump(back) == dump(target)
        assert returned.examined.ok
        assert returned.examined.anchors == log.examine(there.desk).anchors


def test_a_dump_restored_under_other_settings_raises_no_alarm(
    postgres_office_url: str, postgres_server: str, tmp_path: Path
):
    with office(postgres_office_url) as work:
        sealed = sealing(work, tmp_path / "home")
        play(sealed)
        before = log.examine(sealed.desk)
        with fresh_postgres(postgres_server) as url, opened(url) as restored:
            with restored.begin() as connection:
                for setting in (
                    "timezone TO 'Asia/Kathmandu'",
                    "datestyle TO 'SQL, DMY'",
                    "bytea_output TO 'escape'",
                    "extra_float_digits TO 0",
                ):
                    name = restored.url.database
                    connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET {setting}')
            file = str(tmp_path / "dump")
            dumped = [
                str(postgres_program("pg_dump")),
                "--format=custom",
                f"--file={file}",
            ]
            subprocess.run([*dumped, plain(postgres_office_url)], check=True)
            command = [
                str(postgres_program("pg_restore")),
                f"--dbname={plain(url)}",
                file,
            ]
            subprocess.run(command, check=True)
            restored.dispose()

            after = log.examine(replace(sealed.desk, engine=restored))

            assert dump(restored) == dump(sealed.desk.engine)
    assert before.ok
    assert after == before


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


# --- all or nothing -----------------------------------------------------------


def copy_and_stop(place: Place, to: str, mark: Path) -> None:
    """Copy for ever: the last rows are written, and nothing is kept yet."""

    def tell(done: int, total: int) -> None:
        if done > total // 2:
            mark.touch()
            time.sleep(_PATIENCE)

    with place.desk() as desk, opened(to) as engine:
        transfers.transfer(desk, engine, tell=tell)


def test_a_copy_that_is_killed_leaves_nothing_and_can_be_made_again(
    played: Office, target: Engine, office_url: str, tmp_path: Path
):
    mark, to = tmp_path / "mark", target.url.render_as_string(hide_password=False)
    process = start(copy_and_stop, Place.at(office_url, OPENING), to, mark)
    deadline = time.monotonic() + _PATIENCE
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    process.kill()
    process.join(_PATIENCE)

    assert mark.exists()
    assert is_empty(target)
    assert transfers.transfer(played.desk, target).examined.ok


def test_what_fails_at_the_last_moment_leaves_nothing_and_says_why(
    played: Office, target: Engine
):
    def meddle(done: int, total: int) -> None:
        if done == total:
            ticks.note(played.desk, "scheduler", holder="back:2", found=0)

    with pytest.raises(ConflictError, match="stop scheduler and workers") as error:
        transfers.transfer(played.desk, target, tell=meddle)

    assert error.value.code == "copy.source_moved"
    assert is_empty(target)
    assert not Path(str(target.url.database)).exists()  # no file is left behind


def test_a_target_that_is_initialised_and_empty_will_do(played: Office, target: Engine):
    installation.initialise(target, played.desk.ambient)

    transfers.transfer(played.desk, target)

    assert dump(target) == dump(played.desk.engine)


def test_nothing_is_copied_over_anything(played: Office, target: Engine):
    transfers.transfer(played.desk, target)
    before = dump(target)

    with pytest.raises(RefusedError) as taken:
        transfers.transfer(played.desk, target)
    with pytest.raises(RefusedError) as same:
        transfers.transfer(played.desk, played.desk.engine)
    with target.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(RefusedError) as older:
        transfers.transfer(played.desk, target)

    assert taken.value.code == "copy.target_not_empty"
    assert same.value.code == "copy.same_database"
    assert older.value.code == "copy.target_form"
    assert dump(target) == before


def test_what_the_other_kind_cannot_hold_is_told_without_the_row(
    sqlite_office_url: str, postgres_server: str
):
    with office(sqlite_office_url) as work, fresh_postgres(postgres_server) as url:
        work.file()
        with work.desk.engine.begin() as connection:
            connection.execute(
                text("UPDATE applicants SET name = :name"), {"name": "Rossi\0Anna"}
            )
        with opened(url) as engine:
            with pytest.raises(RefusedError) as refused:
                transfers.transfer(work.desk, engine)
            assert is_empty(engine)
        with work.desk.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE applicants SET name = 'Anna'")
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            connection.exec_driver_sql("UPDATE applications SET channel = 'fax'")
        with opened(url) as engine:
            with pytest.raises(TamperedError) as damaged:
                transfers.transfer(work.desk, engine)
            assert is_empty(engine)

    assert refused.value.code == "copy.row_refused"
    assert "applicants" in refused.value.message
    assert "Rossi" not in refused.value.message
    assert damaged.value.code == "copy.source_damaged"


def test_what_did_not_verify_here_does_not_there_and_is_copied_all_the_same(
    played: Office, target: Engine
):
    with played.desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE applications SET reserved = 1, granted = 0")

    moved = transfers.transfer(played.desk, target)

    assert not moved.examined.ok
    assert moved.examined == log.examine(played.desk)


def test_rows_by_the_thousand_are_copied_a_part_at_a_time(
    work: Office, target: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("models.copying._AT_ONCE", 2)
    told: list[int] = []
    for number in range(5):
        work.file(number)

    transfers.transfer(work.desk, target, tell=lambda done, _total: told.append(done))

    assert dump(target) == dump(work.desk.engine)
    assert {after - before for before, after in pairwise(told)} == {1, 2}


# --- the command --------------------------------------------------------------


def test_the_command_copies_and_says_what_comes_next(
    terminal: Terminal, postgres_server: str, tmp_path: Path
):
    with fresh_postgres(postgres_server) as url:
        asked = terminal.ask("copy", "--to", url)
        terminal.refused("copy", "--to", url, code="copy.target_not_empty", exit_code=1)
        there = Terminal(terminal.home, {"SPORTELLO_DATABASE_URL": url})
        verified = there.ask("log", "verify")
        told = there.type("copy", "--to", f"sqlite:///{tmp_path / 'back.db'}")

    assert asked["ok"]
    assert asked["rows"] == sum(asked["tables"].values())
    assert asked["tables"].keys() == SQLModel.metadata.tables.keys()
    assert verified["ok"]
    assert told.exit_code == 0, told.output
    assert f"set SPORTELLO_DATABASE_URL to sqlite:///{tmp_path / 'back.db'}" in (
        told.stdout
    )
    assert "start scheduler and workers again" in told.stdout
    assert (tmp_path / "back.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("to", "code", "exit_code"),
    [
        ("nowhere", "usage", 2),
        ("mysql://u:segreto@host/x", "usage", 2),
        ("sqlite://", "settings.invalid", 2),
        ("postgresql://u:segreto@host:port/x", "settings.invalid", 2),
        ("postgresql://u:segreto@127.0.0.1:1/x", "database.unreachable", 3),
        ("sqlite:////proc/nowhere/x.db", "database.unreachable", 3),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(
    terminal: Terminal, to: str, code: str, exit_code: int
):
    said = terminal.refused("copy", "--to", to, code=code, exit_code=exit_code)

    assert "--to" in said
    assert "segreto" not in said


def test_a_source_of_an_older_form_is_brought_up_to_date_first(
    terminal: Terminal, tmp_path: Path
):
    terminal.query("UPDATE alembic_version SET version_num = '0003'")

    said = terminal.refused(
        *("copy", "--to", f"sqlite:///{tmp_path / 'new.db'}"),
        code="database.older",
        exit_code=3,
    )

    assert "sportello init" in said
    assert not (tmp_path / "new.db").exists()
