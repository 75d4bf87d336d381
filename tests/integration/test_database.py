"""Is what must never be false refused by the database itself, whoever asks?"""

import resource
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Engine, MetaData, Table, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session

from models.columns import Instant
from models.session import (
    DatabaseUnavailableError,
    open_engine,
    reading,
    transaction,
)
from models.vocabulary import ApplicationState, Event
from tests.builders import OPENING, Office, office, submission
from tests.contents import rows
from tests.editions import SECOND, open_to_all
from workflow.services import calls, installation, intake

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = Table("moments", MetaData(), Column("at", Instant))


def execute(engine: Engine, sql: str, **values: object) -> None:
    """Write as a person with a database client would."""
    with engine.begin() as connection:
        connection.execute(text(sql), values)


@pytest.fixture
def engine(work: Office) -> Engine:
    return work.desk.engine


# What must never be false


def test_an_applicant_has_one_open_application_to_a_call(work: Office, engine: Engine):
    work.file(0)
    work.file(1)

    with pytest.raises(IntegrityError):
        execute(
            engine,
            "UPDATE applications SET applicant_id = (SELECT applicant_id "
            "FROM applications WHERE filed_seq = 1) WHERE filed_seq = 2",
        )


def test_after_a_withdrawal_the_applicant_may_apply_again(work: Office):
    first = work.file(0)
    work.routine(first, Event.WITHDRAW)

    second = work.file(0, portal_id="DOM-0100")

    assert second != first
    assert work.verified()


@pytest.mark.parametrize("state", ["withdrawn", "rejected", "not_receivable"])
def test_two_ended_applications_of_one_applicant_may_stand(
    work: Office, engine: Engine, state: str
):
    work.file(0)
    work.file(1)

    execute(engine, "UPDATE applications SET state = :state", state=state)
    execute(
        engine,
        "UPDATE applications SET applicant_id = "
        "(SELECT id FROM applicants ORDER BY tax_code LIMIT 1)",
    )

    assert rows(engine, "SELECT count(DISTINCT applicant_id) FROM applications") == [
        (1,)
    ]


def test_a_protocol_number_is_given_once_a_year(work: Office, engine: Engine):
    work.file(0)
    work.file(1)

    with pytest.raises(IntegrityError):
        execute(engine, "UPDATE applications SET protocol_number = 7")
    execute(engine, "UPDATE applications SET protocol_year = 2025 WHERE filed_seq = 2")
    execute(engine, "UPDATE applications SET protocol_number = 7")


def test_a_protocol_number_is_one_for_all_calls(
    work: Office, engine: Engine, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    work.file(0)
    list(intake.take_in(work.desk, SECOND, [_line(1)]))

    with pytest.raises(IntegrityError):
        execute(engine, "UPDATE applications SET protocol_number = 1")


def test_a_place_in_the_order_is_given_once_in_a_call(
    work: Office, engine: Engine, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    work.file(0)
    work.file(1)
    list(intake.take_in(work.desk, SECOND, [_line(2)]))

    with pytest.raises(IntegrityError):
        execute(
            engine, "UPDATE applications SET filed_seq = 1 WHERE protocol_number <= 2"
        )
    placed = rows(engine, "SELECT filed_seq FROM applications ORDER BY filed_seq")
    assert placed == [(1,), (1,), (2,)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE applications SET requested = -1",
        "UPDATE applications SET investment = -1",
        "UPDATE applications SET reserved = -1",
        "UPDATE applications SET granted = -1",
        "UPDATE calls SET reserved = -1",
        "UPDATE calls SET granted = -1",
        "UPDATE calls SET filed = -1",
        "UPDATE aids SET amount = -1",
        "UPDATE protocol_counters SET last = -1",
    ],
)
def test_no_amount_and_no_count_is_negative(kept: Engine, change: str):
    with pytest.raises(IntegrityError):
        execute(kept, change)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE calls SET reserved = allocation + 1",
        "UPDATE calls SET granted = allocation - reserved + 1",
        "UPDATE calls SET allocation = reserved - 1",
    ],
)
def test_money_given_out_never_passes_the_allocation(kept: Engine, change: str):
    with pytest.raises(IntegrityError):
        execute(kept, change)


def test_the_last_cent_of_the_allocation_may_be_given_out(engine: Engine):
    execute(engine, "UPDATE calls SET reserved = allocation - 1, granted = 1")

    assert rows(engine, "SELECT allocation - reserved - granted FROM calls") == [(0,)]


@pytest.mark.parametrize(
    ("table", "column", "word"),
    [
        ("applications", "state", "lost"),
        ("applications", "state", "SUBMITTED"),
        ("applications", "channel", "fax"),
        ("officer_roles", "role", "king"),
        ("terms", "status", "paused"),
        ("terms", "kind", "forever"),
        ("notices", "letter", "love"),
    ],
)
def test_a_word_is_one_of_the_vocabulary(
    kept: Engine, table: str, column: str, word: str
):
    with pytest.raises(IntegrityError):
        execute(kept, f"UPDATE {table} SET {column} = :word", word=word)  # noqa: S608 - names of ours


def test_an_application_may_stand_in_every_state_of_the_machine(kept: Engine):
    for state in ApplicationState:
        with kept.connect() as connection:  # undone when it closes
            changed = connection.execute(
                text("UPDATE applications SET state = :state"), {"state": state}
            )

            assert changed.rowcount > 0


def test_words_are_stored_by_value(work: Office, engine: Engine):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)
    work.routine(application, Event.GRANT)

    stored = rows(
        engine,
        "SELECT state, channel, (SELECT min(status) FROM steps), "
        "(SELECT max(kind) FROM movements), (SELECT min(family) FROM calls) "
        "FROM applications",
    )

    assert stored == [
        ("negotiating", "portal", "closed", "reserve", "negotiated_counter")
    ]


def test_only_a_draft_lacks_protocol_and_instant(kept: Engine):
    for column in ("received_at", "protocol_number", "protocol_year", "filed_seq"):
        with pytest.raises(IntegrityError):
            execute(kept, f"UPDATE applications SET {column} = NULL")  # noqa: S608 - names of ours


def test_an_application_is_bound_to_a_version_that_is_there(kept: Engine):
    with pytest.raises(IntegrityError):
        execute(kept, "UPDATE applications SET call_version = 2")


@pytest.mark.parametrize("column", ["cor", "cup"])
def test_the_codes_of_a_grant_are_those_of_one_application(
    work: Office, engine: Engine, column: str
):
    work.file(0)
    work.file(1)

    with pytest.raises(IntegrityError):
        execute(engine, f"UPDATE applications SET {column} = '7'")  # noqa: S608 - ours
    assert rows(engine, f"SELECT count({column}) FROM applications") == [(0,)]  # noqa: S608 - ours


def test_a_draft_is_no_open_application(work: Office, engine: Engine):
    work.take(submission(0, draft=True), submission(0, portal_id="D-2", draft=True))

    assert rows(engine, "SELECT count(*) FROM applications") == [(2,)]


@pytest.mark.parametrize("table", ["calls", "applicants", "officers"])
def test_what_others_refer_to_cannot_be_deleted(kept: Engine, table: str):
    with pytest.raises(IntegrityError):
        execute(kept, f"DELETE FROM {table}")  # noqa: S608 - names of ours


def test_there_is_one_installation(kept: Engine):
    with pytest.raises(IntegrityError):
        execute(
            kept,
            "INSERT INTO installation (id, rehearsal, created_at) VALUES (2, true, 0)",
        )


# Instants


@pytest.fixture(scope="module")
def moments(postgres_server: str) -> Iterator[tuple[Connection, ...]]:
    """Keep a table of instants on each engine, seen only by its connection."""
    lite, postgres = open_engine("sqlite://"), open_engine(postgres_server)
    with lite.connect() as one, postgres.connect() as other:
        for connection in (one, other):
            connection.execute(text("CREATE TEMPORARY TABLE moments (at BIGINT)"))
        yield one, other
    lite.dispose()
    postgres.dispose()


instants = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - the same
    timezones=st.builds(
        timezone, st.integers(-23 * 60, 23 * 60).map(lambda m: timedelta(minutes=m))
    ),
).filter(lambda instant: instant >= EPOCH)


@given(some=st.lists(instants, min_size=2, max_size=6))
@example(some=[EPOCH, EPOCH + timedelta(microseconds=1)])
@example(some=[datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (1, 0)])
def test_instants_come_back_to_the_microsecond_and_sort_alike(
    moments: tuple[Connection, ...], some: list[datetime]
):
    for connection in moments:
        connection.execute(MOMENTS.delete())

        connection.execute(MOMENTS.insert(), [{"at": instant} for instant in some])
        kept = connection.scalars(select(MOMENTS.c.at).order_by(MOMENTS.c.at)).all()

        assert list(kept) == sorted(some)
        assert {instant.utcoffset() for instant in kept} == {timedelta(0)}


def test_an_instant_is_kept_as_whole_microseconds_since_1970(
    work: Office, engine: Engine
):
    work.clock.advance(timedelta(microseconds=1))
    work.file()

    (kept,) = rows(engine, "SELECT received_at FROM applications")

    assert kept == ((OPENING - EPOCH) // timedelta(microseconds=1) + 1,)


def test_an_instant_without_its_offset_is_refused(moments: tuple[Connection, ...]):
    naive = datetime(2026, 1, 20, 10)  # noqa: DTZ001 - the point of the test

    for connection in moments:
        with pytest.raises(StatementError, match="without its offset"):
            connection.execute(MOMENTS.insert(), [{"at": naive}])


# Connections


def test_sqlite_keeps_references_flushes_and_lets_readers_go_on(
    sqlite_office_url: str,
):
    with office(sqlite_office_url) as opened, opened.desk.engine.connect() as one:
        pragmas = {
            name: one.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "synchronous", "journal_mode")
        }

    assert pragmas == {"foreign_keys": 1, "synchronous": 2, "journal_mode": "wal"}


def test_on_sqlite_a_command_that_only_looks_first_already_keeps_others_from_writing(
    sqlite_office_url: str,
):
    impatient = open_engine(sqlite_office_url, lock_wait=0)
    with office(sqlite_office_url) as opened, transaction(opened.desk.engine) as mine:
        count(mine)

        with reading(impatient) as reader:
            seen = count(reader)
        with pytest.raises(DatabaseUnavailableError) as error:
            look_in_order_to_write(impatient)

    assert seen == 1
    assert error.value.code == "database.locked"


def test_a_quota_that_is_used_up_is_told_as_a_full_disk_and_not_as_damage(
    sqlite_office_url: str,
):
    with office(sqlite_office_url) as opened:
        file = Path(str(opened.desk.engine.url.database))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = rows(opened.desk.engine, "SELECT count(*) FROM applications")

        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, limits[1]))
        try:
            with pytest.raises(DatabaseUnavailableError) as error:
                opened.file(0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert error.value.code == "database.full"
        assert file.stat().st_size > 4_096
        assert rows(opened.desk.engine, "SELECT count(*) FROM applications") == before
        assert opened.verified()


def count(session: Session) -> int:
    return int(session.execute(text("SELECT count(*) FROM calls")).scalar_one())


def look_in_order_to_write(engine: Engine) -> None:
    with transaction(engine) as session:
        count(session)


def test_on_postgresql_a_command_sees_what_others_committed_and_a_reader_one_moment(
    postgres_office_url: str,
):
    with office(postgres_office_url) as opened:
        engine = opened.desk.engine
        with transaction(engine) as session:
            writes = session.execute(text("SHOW transaction_isolation")).scalar()
        with reading(engine) as session:
            reads = session.execute(text("SHOW transaction_isolation")).scalar()
        with transaction(engine) as session:  # the same connection, from the pool
            again = session.execute(text("SHOW transaction_isolation")).scalar()

    assert (writes, reads, again) == (
        "read committed",
        "repeatable read",
        "read committed",
    )


def test_a_reader_sees_one_and_the_same_moment(work: Office, office_url: str):
    with office(office_url) as other, reading(other.desk.engine) as session:
        count = text("SELECT count(*) FROM applications")
        before = session.execute(count).scalar()
        work.file()

        after = session.execute(count).scalar()

    assert (before, after) == (0, 0)


def test_a_failure_inside_a_command_leaves_nothing_behind(work: Office):
    with pytest.raises(ZeroDivisionError):
        fail_after_writing(work.desk.engine)

    assert rows(work.desk.engine, "SELECT filed FROM calls") == [(0,)]


def fail_after_writing(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(text("UPDATE calls SET filed = 7"))
        raise ZeroDivisionError


def test_the_database_file_and_its_folder_are_for_their_owner_only(tmp_path: Path):
    file = tmp_path / "home" / "of" / "sportello.db"

    with office(f"sqlite:///{file}") as empty:
        installation.initialise(empty.desk.engine, empty.clock)
        with transaction(empty.desk.engine):  # the log stands beside it now
            modes = {path.name: _mode(path) for path in file.parent.iterdir()}

    assert modes["sportello.db"] == 0o600
    assert set(modes.values()) == {0o600}
    assert _mode(file.parent) == 0o700


def test_the_amounts_of_a_call_are_whole_cents(work: Office, engine: Engine):
    work.file(requested="0.01")

    stored = rows(engine, "SELECT requested, reserved FROM applications")

    assert stored == [(1, 1)]
    assert rows(engine, "SELECT allocation FROM calls") == [(100_000_000,)]


def _line(number: int) -> bytes:
    return orjson.dumps(submission(number))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
