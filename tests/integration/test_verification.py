"""Is it found when what stands beside the register was changed, or makes no sense?"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError, DBAPIError, InternalError, OperationalError
from sqlmodel import SQLModel

from models import schema
from models.session import (
    DatabaseUnavailableError,
    open_engine,
    reading,
    told_in_words,
    transaction,
)
from models.vocabulary import Event
from tests.builders import CTL, PAPER, Office, office, submission, usual
from tests.contents import dump, rows
from tests.editions import SECOND as OTHER
from tests.editions import edited, open_to_all
from tests.terminals import Terminal
from workflow.errors import TamperedError, UnavailableError
from workflow.services import calls, installation, intake, log, sweep

FIRST = "(SELECT id FROM applications WHERE protocol_number = 1)"
SECOND = "(SELECT id FROM applications WHERE protocol_number = 2)"
OF_MERIT = f"WHERE kind = 'merit' AND application_id = {FIRST}"
OPENING_ENTRY, FILING_ENTRY, GRANT_ENTRY = 2, 3, 9
"""Where they stand in the register of `history`."""
RICHER = ('amount = "1000000.00"', 'amount = "1000001.00"')


@pytest.fixture
def history(work: Office, tmp_path: Path) -> Office:
    """Give an office with files in progress, waiting and drafted, and two versions."""
    sweep.sweep(work.desk)
    first = work.file(0, aids=[AID])
    work.file(1)
    work.take(submission(2, draft=True))
    work.routine(first, Event.START_REVIEW, Event.ADMIT, Event.EVALUATE, Event.GRANT)
    calls.register_call(
        work.desk.as_officer("director"),
        edited(tmp_path, RICHER),
        act="decreto 2/2026-01-20",
    )
    assert faults(work) == []
    return work


def on_postgresql(work: Office) -> bool:
    return work.desk.engine.dialect.name == "postgresql"


def by_hand(work: Office, *statements: str) -> None:
    """Do what only the owner of a database can: no trigger, no reference holds."""
    if on_postgresql(work):
        with work.desk.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                connection.exec_driver_sql(statement)
        return
    file = str(work.desk.engine.url.database)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(named).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def faults(work: Office) -> list[tuple[int, str]]:
    """Return what the verification finds; it can be printed and sent."""
    found = []
    for verified in log.verify(work.desk):
        assert verified.ok is (not verified.faults)
        told = [verified.call, verified.head, *(one.fault for one in verified.faults)]
        assert all(words.isprintable() for words in told)
        orjson.dumps(told)
        found += [(fault.seq, fault.fault) for fault in verified.faults]
    return found


# --- what stands beside the register ------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            "received_at = received_at - 1",
            "has received_at 2026-01-20T08:59:59.999999Z",
        ),
        ("protocol_year = 2025", "has protocol_year 2025, the register says 2026"),
        ("filed_seq = 9", "has filed_seq 9, the register says 1"),
        ("score = 100", "has score 100, the register says 80"),
        ("score = NULL", "has score nothing, the register says 80"),
        ("cor = '7'", "has cor 7, the register says"),
        ("cup = 'X'", "has cup X, the register says"),
        ("cor_on = '2020-01-01'", "has cor_on 2020-01-01, the register says 2026"),
        ("cup_on = '2020-01-01'", "has cup_on 2020-01-01, the register says 2026"),
        ("channel = 'pec'", "has channel pec, the register says portal"),
        ("rank = 1", "has rank 1, the register says nothing"),
        ("accepts_less = true", "has accepts_less True, the register says False"),
        ("review_started = false", "has review_started False, the register says True"),
        ("call_version = 2", "has call_version 2, the register says 1"),
        ("requested = 7", "has requested 0.07, the register says 111111.11"),
        ("investment = 7", "has investment 0.07, the register says 95424.84"),
        (
            "admitted_investment = 7",
            "has admitted_investment 0.07, the register says 954",
        ),
        ("plan_investment = 7", "has plan_investment 0.07, the register says nothing"),
        ("asked = 7", "has asked 0.07, the register says nothing"),
        ("waits_for_applicant = true", "owes an answer, its steps say otherwise"),
        ("matured = 7", "has matured 0.07, the register says 0.00"),
        (
            "granted_on = '2020-01-01'",
            "has granted_on 2020-01-01, the register says 20",
        ),
        ("published_on = '2020-01-01'", "has published_on 2020-01-01, the register"),
        ("started_on = '2020-01-01'", "has started_on 2020-01-01, the register says"),
    ],
)
def test_a_file_that_differs_from_its_entries_is_named(history, change, fault):
    ((stored,),) = rows(
        history.desk.engine, "SELECT id FROM applications WHERE protocol_number = 1"
    )

    by_hand(
        history,
        f"UPDATE applications SET {change} WHERE protocol_number = 1",  # noqa: S608 - ours
    )

    ((seq, found),) = faults(history)
    assert seq == 0
    assert f" ({UUID(str(stored))}) {fault}" in found


WHOSE = "(SELECT applicant_id FROM applications WHERE protocol_number = 1)"
STRANGER = f"{7:032x}"
OF_FIRST = "WHERE protocol_number = 1"
AID = {"granted_on": "2025-01-31", "amount": "1.00", "grantor": "Comune"}


@pytest.mark.parametrize(
    ("statements", "count", "fault"),
    [
        (
            [f"UPDATE applicants SET tax_code = '01234567890' WHERE id = {WHOSE}"],  # noqa: S608 - ours
            1,
            "has a tax code of hash",
        ),
        (
            [
                f"UPDATE applicants SET id = '{STRANGER}' WHERE id = {WHOSE}",  # noqa: S608 - ours
                f"UPDATE applications SET applicant_id = '{STRANGER}' {OF_FIRST}",  # noqa: S608 - ours
            ],
            1,
            "has applicant 00000000-0000-0000-0000-000000000007, the register says",
        ),
        (["UPDATE applicants SET salt = 'other'"], 2, "has a tax code of hash"),
        (
            [f"UPDATE documents SET sha256 = '{PAPER}'"],  # noqa: S608 - ours
            2,
            "has documents of hash",
        ),
        (["UPDATE documents SET kind = 'other'"], 2, "has documents of hash"),
        (["DELETE FROM documents"], 2, "has documents of hash"),
        (["UPDATE aids SET amount = 1"], 1, "has declared aids of hash"),
        (["DELETE FROM aids"], 1, "has declared aids of hash nothing, the register"),
    ],
    ids=range(8),
)
def test_an_application_is_held_to_who_filed_it_and_with_what(
    history, statements, count, fault
):
    by_hand(history, *statements)

    told = [found for _, found in faults(history)]
    assert len(told) == count, told
    assert all(fault in found for found in told)


def test_two_files_that_changed_places_are_both_named(history):
    by_hand(
        history,
        "UPDATE applications SET protocol_number = 3 - protocol_number + 10 "
        "WHERE protocol_number IS NOT NULL",
        "UPDATE applications SET protocol_number = protocol_number - 10 "
        "WHERE protocol_number IS NOT NULL",
    )

    assert sorted(found.partition(" has ")[2] for _, found in faults(history)) == [
        "protocol_number 1, the register says 2",
        "protocol_number 2, the register says 1",
    ]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            f"UPDATE terms SET due_at = due_at + 1 WHERE application_id = {FIRST}",  # noqa: S608 - ours
            ["term", "has due_at", "the register says"],
        ),
        (
            "UPDATE terms SET status = 'expired' WHERE kind = 'conclusion'",
            ["term conclusion 1 has status expired"],
        ),
        (
            f"DELETE FROM terms WHERE application_id = {FIRST}",  # noqa: S608 - ours
            ["term", "is in the entries only"],
        ),
        (
            f"UPDATE terms SET application_id = {SECOND}, ordinal = 7 {OF_MERIT}",  # noqa: S608 - ours
            ["term merit 7 is in no entry", "term merit 1 is in the entries only"],
        ),
        (
            "UPDATE steps SET status = 'open' WHERE kind = 'review'",
            ["step review 1 has status open, the register says closed"],
        ),
        (
            "UPDATE steps SET outcome = 'other' WHERE kind = 'review'",
            ["step review 1 has outcome other, the register says"],
        ),
        ("DELETE FROM steps", ["step review 1 is in the entries only"]),
        (
            "DELETE FROM notices WHERE letter = 'grant'",
            ["notice grant", "is in the entries only"],
        ),
        (
            "UPDATE notices SET letter = 'settled' WHERE letter = 'grant'",
            ["notice settled", "is in no entry"],
        ),
        (
            "UPDATE notices SET entry_seq = 99 WHERE letter = 'grant'",
            ["has entry_seq 99, the register says"],
        ),
        (
            "UPDATE calls SET allocation = allocation + 1",
            ["the call has allocation 1000001.01, the register says 1000001.00"],
        ),
        (
            "UPDATE calls SET filed = 0",
            ["the call has filed 0, the register says 2"],
        ),
        (
            "UPDATE calls SET waiting = 7",
            ["the call has waiting 7, its applications without money ask for 0"],
        ),
        (
            "UPDATE calls SET version = 1",
            ["the call has version 1, the register says 2"],
        ),
        (
            "UPDATE calls SET state = 'concluded'",
            ["the call has state concluded, the register says open"],
        ),
        (
            "UPDATE calls SET closed_at = 0",
            ["the call has closed_at 1970-01-01T00:00:00.000000Z"],
        ),
        (
            "UPDATE openings SET ended_at = opened_at",
            ["opening 1 of the call has ended_at", "the register says nothing"],
        ),
        ("DELETE FROM openings", ["opening 1 of the call is in the entries only"]),
        (
            "UPDATE terms SET started_seq = 2 WHERE kind = 'conclusion'",
            ["term conclusion 1 has started_seq 2, the register says 3"],
        ),
        (
            "UPDATE terms SET extra_days = 9 WHERE kind = 'conclusion'",
            ["term conclusion 1 has extra_days 9, the register says 0"],
        ),
        (
            "UPDATE terms SET holidays = '[]' WHERE kind = 'conclusion'",
            ["term conclusion 1 has holidays [], the register says"],
        ),
        (
            "UPDATE terms SET suspensions = '[1]' WHERE kind = 'conclusion'",
            ["term conclusion 1 has suspensions [1], the register says []"],
        ),
        (
            (
                "UPDATE terms SET attempts = 1, next_check = next_check + 90000000000 "
                "WHERE status = 'running'"
            ),
            ["conclusion runs and nobody will look at its end"],
        ),
        (
            (
                "UPDATE notices SET status = 'delivered', delivered_at = created_at "
                "WHERE letter = 'grant'"
            ),
            ["has delivered_at 2026-01-20", "the register says nothing"],
        ),
        (
            "UPDATE notices SET delivered_at = created_at WHERE letter = 'grant'",
            ["has delivered_at 2026-01-20", "the register says nothing"],
        ),
        (
            "UPDATE notices SET status = 'delivered' WHERE letter = 'grant'",
            ["has delivered True, the register says False"],
        ),
        (
            "UPDATE notices SET created_at = 7 WHERE letter = 'grant'",
            ["has created_at 1970-01-01T00:00:00.000007Z, the register says"],
        ),
        (
            (
                "UPDATE terms SET settled_at = 7, escalated_at = 8 "
                "WHERE kind = 'conclusion'"
            ),
            ["has settled_at 1970-01-01T00:00:00.000007Z", "has escalated_at 1970"],
        ),
        (
            "UPDATE steps SET opened_at = 7, closed_at = 8 WHERE kind = 'review'",
            ["has opened_at 1970-01-01T00:00:00.000007Z", "has closed_at 1970"],
        ),
        (
            "UPDATE call_versions SET loaded_at = 7 WHERE number = 2",
            ["version 2 of the rules has loaded_at 1970"],
        ),
        (
            "UPDATE notices SET receipt = 'x' WHERE letter = 'grant'",
            ["notice grant", "has receipt x, the register says nothing"],
        ),
        (
            "UPDATE call_versions SET act_id = NULL WHERE number = 2",
            ["version 2 of the rules has act nothing, the register says decreto 2/"],
        ),
        (
            "UPDATE call_versions SET reason = 'x' WHERE number = 2",
            ["version 2 of the rules has reason x, the register says nothing"],
        ),
        (
            (
                "UPDATE call_versions SET loaded_by = (SELECT id FROM officers "
                "WHERE login = 'director') WHERE number = 1"
            ),
            ["version 1 of the rules has loaded_by"],
        ),
        (
            "UPDATE funds SET free = free - 1 WHERE entry_seq = 1",
            ["the sum that entry 1 made available has free", "the register says"],
        ),
        (
            "DELETE FROM funds WHERE entry_seq > 1",
            ["the sum that entry", "is in the entries only"],
        ),
        (
            "INSERT INTO funds SELECT id, 2, 'open_call', NULL, 1, 1 FROM calls",
            ["the sum that entry 2 made available is in no entry"],
        ),
        (
            "INSERT INTO openings SELECT id, 7, 0, 1 FROM calls",
            ["opening 7 of the call is in no entry"],
        ),
    ],
)
def test_a_row_beside_the_register_that_was_changed_is_found(history, statement, found):
    by_hand(history, statement)

    told = "\n".join(fault for _, fault in faults(history))
    for words in found:
        assert words in told
    assert {seq for seq, _ in faults(history)} == {0}


def test_who_leaves_while_an_answer_is_owed_owes_none(work: Office):
    name = work.file(0)
    for event in (Event.START_REVIEW, Event.REQUEST_COMPLETION, Event.WITHDRAW):
        work.move(name, event, **usual(event, work.today))

    owed = rows(work.desk.engine, "SELECT waits_for_applicant FROM applications")
    assert [bool(one) for (one,) in owed] == [False]
    assert faults(work) == []
    by_hand(work, "UPDATE applications SET waits_for_applicant = true")
    assert faults(work) == []  # as versions before this one left it


def test_an_act_that_was_entered_after_what_stands_on_it_is_found(history):
    by_hand(history, "UPDATE acts SET registered_at = registered_at + 86400000000")

    assert any("which was entered later" in fault for _, fault in faults(history))


def test_an_act_of_two_calls_is_no_alarm_if_a_clock_went_back(
    work: Office, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    first, act = work.file(0), {"act": "decreto 5/2026-01-20", "reason": "so"}
    (other,) = intake.take_in(work.desk, OTHER, [orjson.dumps(submission(0))])
    work.wait(hours=5)
    work.move(other["protocol"], Event.ANNUL, **act)

    work.wait(hours=-3)
    work.move(first, Event.ANNUL, **act)

    assert faults(work) == []


def test_one_fault_of_a_kind_is_told_for_each_file(history):
    by_hand(history, "DELETE FROM terms", "UPDATE notices SET entry_seq = 99")

    told = [
        re.sub(r"^application [^:]+: (\w+) .*", r"\1", fault)
        for _, fault in faults(history)
    ]
    assert sorted(told) == ["notice", "notice", "term", "term"]


# --- the frozen rules ---------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            "body = replace(body, '\"', '''')",
            "version 1 of the rules has a content of hash ",
        ),
        ("fingerprint = 'f'", "version 1 of the rules has fingerprint f, the register"),
        ("number = 7", "version 7 of the rules is in no entry"),
    ],
)
def test_rules_that_are_not_those_frozen_are_found(history, change, fault):
    by_hand(history, f"UPDATE call_versions SET {change} WHERE number = 1")  # noqa: S608 - ours

    assert any(found.startswith(fault) for _, found in faults(history))


def test_a_version_of_the_rules_that_is_gone_is_found(history):
    by_hand(history, "DELETE FROM call_versions WHERE number = 2")

    assert faults(history) == [
        (0, "version 2 of the rules is in the entries only"),
    ]


def test_a_call_that_is_gone_is_found_by_its_entries(history):
    by_hand(history, "DELETE FROM calls")

    assert faults(history) == [
        (0, "its entries are there, the call itself is not"),
    ]


# --- rows that make no sense --------------------------------------------------

GARBAGE = [
    "",
    "{",
    "7",
    "null",
    "[]",
    '"text"',
    "{}",
    '{"outcome":"ok"}',
    "'" + "[" * 3000,
]
FORGED = [
    ("money", []),
    ("money", [1]),
    ("money", 7),
    ("money", {"after": None, "movements": None}),
    ("money", {"after": {}, "movements": [None]}),
    ("application", []),
    ("application", {"a": 1}),
    ("event", []),
    ("outcome", {}),
    ("order", None),
    ("order", "x"),
    ("findings", []),
    ("findings", None),
    ("inputs", None),
    ("terms", 7),
    ("terms", [7]),
    ("terms", [{"kind": [], "ordinal": {}}]),
    ("steps", {"a": 1}),
    ("notices", [None]),
    ("notices", "abc"),
    ("version", "one"),
    ("call_version", []),
    ("call_version", "\u001b[31m"),
    ("rules", None),
    ("actor", 1),
    ("from", "\u001b[31m"),
]


@pytest.mark.parametrize("seq", [OPENING_ENTRY, FILING_ENTRY])
@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_a_body_that_is_no_entry_is_a_fault(history, body, seq):
    quoted = body.replace("'", "''")

    by_hand(history, f"UPDATE entries SET body = '{quoted}' WHERE seq = {seq}")  # noqa: S608 - ours

    assert seq in {found for found, _ in faults(history)}


@pytest.mark.parametrize(
    ("seq", "name", "value"),
    [
        (seq, name, value)
        for seq in (OPENING_ENTRY, FILING_ENTRY, GRANT_ENTRY)
        for name, value in FORGED
        # An entry about the call itself has no place in the order.
        if (seq, name, value) != (OPENING_ENTRY, "order", None)
    ],
)
def test_an_entry_with_values_of_another_kind_is_a_fault(history, seq, name, value):
    ((body,),) = rows(
        history.desk.engine, "SELECT body FROM entries WHERE seq = :seq", seq=seq
    )
    forged = orjson.dumps({**orjson.loads(body), name: value}).decode()

    escaped = forged.replace("'", "''").replace("%", "%%")
    by_hand(history, f"UPDATE entries SET body = '{escaped}' WHERE seq = {seq}")  # noqa: S608 - ours

    assert (seq, "its content does not match its hash") in faults(history)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("entries", "body = x'fffe'"),
        ("entries", "body = cast(x'fffe' AS TEXT)"),
        ("entries", "hash = x'ff'"),
        ("entries", "hash = cast(x'ff' AS TEXT)"),
        ("entries", "at = 'noon'"),
        ("entries", "at = 9e300"),
        ("entries", "event = cast(x'ff' AS TEXT)"),
        ("entries", "outcome = 'perhaps'"),
        ("entries", "application_id = 'x'"),
        ("entries", "application_id = x'00'"),
        ("entries", "actor_id = 3"),
        ("entries", "seq = 'two'"),
        ("entries", "seq = 2.5"),
        ("movements", "entry_seq = 'two'"),
        ("movements", "kind = 'gift'"),
        ("movements", "reserved = 'much'"),
        ("movements", "application_id = 'x'"),
        ("calls", "code = cast(x'ff' AS TEXT)"),
        ("calls", "code = char(27) || '[31m'"),
        ("calls", "family = 'lottery'"),
        ("calls", "allocation = 'much'"),
        ("calls", "reserved = x'00'"),
        ("calls", "head_seq = 'last'"),
        ("calls", "head_hash = x'ff'"),
        ("calls", "state = 'lost'"),
        ("calls", "suspended_for = 'rain'"),
        ("calls", "waiting = 'much'"),
        ("calls", "waiting = cast(x'ff' AS TEXT)"),
        ("calls", "reopens_at = 'noon'"),
        ("calls", "closed_at = 9e300"),
        ("openings", "opened_at = 'noon'"),
        ("openings", "ordinal = 'one'"),
        ("openings", "ended_at = cast(x'ff' AS TEXT)"),
        ("calls", "id = 'x'"),
        ("calls", "id = cast(x'ff' AS TEXT)"),
        ("applications", "id = 'x'"),
        ("applications", "id = cast(x'ff' AS TEXT)"),
        ("applications", "state = 'lost'"),
        ("applications", "version = 'one'"),
        ("applications", "received_at = 'noon'"),
        ("applications", "rank = 'first'"),
        ("applications", "channel = cast(x'ff' AS TEXT)"),
        ("applications", "accepts_less = 'perhaps'"),
        ("applications", "review_started = x'ff'"),
        ("applications", "cor_on = cast(x'ff' AS TEXT)"),
        ("applications", "requested = 'much'"),
        ("applications", "cor = cast(x'ff' AS TEXT)"),
        ("applications", "call_version = 'x'"),
        ("terms", "status = 'paused'"),
        ("terms", "due_at = 'noon'"),
        ("terms", "due_at = 9e300"),
        ("terms", "starts_on = x'ff'"),
        ("terms", "ordinal = 'x'"),
        ("terms", "application_id = 'x'"),
        ("steps", "kind = 'x'"),
        ("steps", "status = cast(x'ff' AS TEXT)"),
        ("notices", "id = 'x'"),
        ("notices", "letter = 'love'"),
        ("notices", "entry_seq = 'x'"),
        ("call_versions", "body = x'ff'"),
        ("call_versions", "number = 'one'"),
        ("call_versions", "fingerprint = x'ff'"),
    ],
)
def test_whatever_a_file_of_sqlite_holds_is_a_fault(
    sqlite_office_url: str, table: str, change: str
):
    with office(sqlite_office_url) as work:
        sweep.sweep(work.desk)
        protocol = work.file(0)
        work.routine(protocol, Event.START_REVIEW)
        last = f"rowid = (SELECT max(rowid) FROM {table})"  # noqa: S608 - a name of ours

        by_hand(work, f"UPDATE {table} SET {change} WHERE {last}")  # noqa: S608 - ours

        if change != "family = 'lottery'":  # no entry tells of it
            assert faults(work)
        faults(work)


def test_a_body_that_is_missing_is_a_fault(history):
    if on_postgresql(history):
        loosen = ["ALTER TABLE entries ALTER COLUMN body DROP NOT NULL"]
    else:
        loosen = [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'TEXT NOT NULL', 'TEXT')",
            "PRAGMA writable_schema = RESET",
        ]

    by_hand(history, *loosen, "UPDATE entries SET body = NULL WHERE seq = 2")

    assert (2, "it cannot be read") in faults(history)


@pytest.mark.parametrize("body", ["{", "7"])
def test_an_entry_that_cannot_be_read_is_not_shown_as_if_nothing_were(history, body):
    by_hand(history, f"UPDATE entries SET body = '{body}' WHERE seq = 2")  # noqa: S608 - ours

    with pytest.raises(TamperedError, match="entry 2 of the register cannot be read"):
        list(log.entries(history.desk, log.Wanted()))


def test_the_command_tells_garbage_and_ends_with_5(terminal: Terminal):
    with closing(sqlite3.connect(terminal.database)) as connection, connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET body = x'fffe' WHERE seq = 2")

    plain, answered = terminal.type("log", "verify"), terminal.ask("log", "verify")

    assert plain.exit_code == 5
    assert "entry 2: it cannot be read" in plain.stdout
    assert not answered["ok"]


# --- a database that init must not touch --------------------------------------


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def initialised(engine: Engine, work: Office) -> str:
    """Try to initialise; return the code of what is said."""
    with pytest.raises(UnavailableError) as error:
        installation.initialise(engine, work.clock)
    with pytest.raises(UnavailableError) as again:
        installation.check_form(engine)
    assert again.value.code == error.value.code
    return error.value.code


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM alembic_version",
        "UPDATE alembic_version SET version_num = '0000'",
        "UPDATE alembic_version SET version_num = 'ae1027a6acf'",
        "UPDATE alembic_version SET version_num = ''",
        "INSERT INTO alembic_version VALUES ('0001')",
        "DROP TABLE alembic_version",
    ],
)
def test_a_database_whose_form_nobody_knows_is_left_alone(work, change):
    execute(work.desk.engine, change)
    before = dump(work.desk.engine)

    code = initialised(work.desk.engine, work)

    assert code == "database.unknown_form"
    assert dump(work.desk.engine) == before


def test_a_file_with_the_tables_of_others_is_left_alone(tmp_path: Path):
    file = tmp_path / "others.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = file.read_bytes()

    with office(f"sqlite:///{file}") as empty:
        code = initialised(empty.desk.engine, empty)

    assert code == "database.unknown_form"
    assert file.read_bytes() == before


def test_on_postgresql_the_tables_of_an_extension_are_in_nobodys_way(
    postgres_server: str, postgres_office_url: str
):
    with office(postgres_office_url) as work:
        execute(
            work.desk.engine,
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
            "CREATE TABLE spatial_ref_sys (srid INTEGER)",
        )

        made = installation.initialise(work.desk.engine, work.clock)

        assert made.created
        assert "spatial_ref_sys" in inspect(work.desk.engine).get_table_names()


def test_an_older_form_that_is_known_is_told_with_its_way_out(work, monkeypatch):
    monkeypatch.setattr(schema, "FORMS", ("0000", "0001"))
    execute(work.desk.engine, "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(UnavailableError) as error:
        installation.check_form(work.desk.engine)

    assert error.value.code == "database.older"
    assert "run `sportello init`" in error.value.message


def test_the_forms_that_are_known_are_those_of_the_migrations():
    scripts = ScriptDirectory.from_config(schema.alembic_configuration())
    found = [script.revision for script in scripts.walk_revisions()]

    assert [*reversed(found)] == [*schema.FORMS]


def test_initialising_a_database_that_is_busy_is_told_in_words(
    office_url: str, work: Office
):
    impatient = open_engine(office_url, lock_wait=1)
    with transaction(work.desk.engine) as session:
        session.execute(
            text("SELECT pg_advisory_xact_lock(7011980)")
            if on_postgresql(work)
            else text("SELECT 1")
        )

        with pytest.raises(UnavailableError) as error:
            installation.initialise(impatient, work.clock)

    assert error.value.code == "database.locked"
    impatient.dispose()


def test_a_new_file_that_is_busy_is_told_in_words_by_init(bare_terminal: Terminal):
    bare_terminal.home.mkdir(mode=0o700)
    with closing(
        sqlite3.connect(bare_terminal.database, isolation_level=None)
    ) as somebody:
        somebody.execute("BEGIN IMMEDIATE")

        bare_terminal.refused(
            "init", "--rehearsal", code="database.locked", exit_code=3
        )


# --- a file that is damaged ---------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    """Give a database of which only the first part is left."""
    file = tmp_path / "half.db"
    content = sqlite_template.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    engine = open_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


def test_half_a_file_is_told_to_be_damaged(damaged: Engine):
    with pytest.raises(DatabaseUnavailableError) as error:
        read_everything(damaged)

    assert error.value.code == "database.damaged"
    assert "restore a backup" in error.value.message


def read_everything(engine: Engine) -> None:
    with reading(engine) as session:
        for table in SQLModel.metadata.tables:
            session.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608 - ours


def test_commands_on_half_a_file_end_with_3(terminal: Terminal):
    content = terminal.database.read_bytes()
    terminal.database.write_bytes(content[:100_000])

    for words in (("log", "verify"), ("list", CTL), ("init", "--rehearsal")):
        terminal.refused(*words, code="database.damaged", exit_code=3)


def test_a_text_that_is_none_is_damage_to_everybody_but_the_verification(
    sqlite_office_url: str,
):
    with office(sqlite_office_url) as work:
        by_hand(work, "UPDATE entries SET body = cast(x'fffe' AS TEXT) WHERE seq = 1")

        with pytest.raises(DatabaseUnavailableError) as error:
            list(log.entries(work.desk, log.Wanted()))

        assert error.value.code == "database.damaged"
        assert (1, "it cannot be read") in faults(work)


class _Cause(Exception):  # noqa: N818 - stands for what a driver raises
    sqlstate = "XX001"


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (InternalError, _Cause("could not read block 7")),
        (OperationalError, _Cause("invalid page in block 7")),
        (OperationalError, Exception("database disk image is malformed")),
        (OperationalError, Exception("disk I/O error")),
        (OperationalError, Exception("no such table: calls")),
        (DatabaseError, sqlite3.DatabaseError("anything at all")),
        (DatabaseError, sqlite3.DatabaseError("malformed database schema (calls)")),
        (DatabaseError, sqlite3.DatabaseError("file is not a database")),
    ],
)
def test_what_drivers_say_of_damage_is_told_as_damage(
    kind: type[DBAPIError], cause: Exception
):
    with pytest.raises(DatabaseUnavailableError) as error, told_in_words():
        raise kind("SELECT 1", {}, cause)

    assert error.value.code == "database.damaged"


@pytest.mark.parametrize(
    "said",
    [
        "database or disk is full",
        'could not extend file "base/5/2608": No space left on device',
    ],
)
def test_a_full_disk_is_told_as_a_full_disk(said: str):
    with pytest.raises(DatabaseUnavailableError) as error, told_in_words():
        raise OperationalError("INSERT", {}, Exception(said))

    assert error.value.code == "database.full"


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("55P03", "database.locked"),
        ("25006", "database.read_only"),
        ("25P03", "database.timed_out"),
        ("40001", "database.cancelled"),
    ],
)
def test_what_postgresql_says_in_any_language_is_told_in_ours(sqlstate: str, code: str):
    said = Exception("istruzione annullata")
    said.sqlstate = sqlstate  # type: ignore[attr-defined]

    with pytest.raises(DatabaseUnavailableError) as error, told_in_words():
        raise OperationalError("UPDATE calls", {}, said)

    assert error.value.code == code


def test_what_a_driver_says_beside_its_errors_is_not_told(
    caplog: pytest.LogCaptureFixture,
):
    driver = logging.getLogger("psycopg")
    driver.setLevel(logging.NOTSET)

    open_engine("postgresql://nobody@127.0.0.1:1/none").dispose()
    driver.warning("error ignored: the connection is lost")

    assert caplog.records == []


def test_what_a_constraint_refuses_is_a_bug_and_stays_one(work):
    with pytest.raises(DatabaseError), transaction(work.desk.engine) as session:
        session.execute(text("UPDATE calls SET reserved = -1"))


def test_a_file_that_cannot_be_opened_may_stand_in_a_folder_that_is_read_only():
    cause = sqlite3.OperationalError("unable to open database file")

    with pytest.raises(DatabaseUnavailableError) as error, told_in_words():
        raise OperationalError("SELECT 1", {}, cause)

    assert error.value.code == "database.unreachable"
    assert "its folder is read-only" in error.value.message
