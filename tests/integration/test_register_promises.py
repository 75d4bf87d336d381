"""Can the register be changed without anybody noticing?"""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from config.logs import log as logger
from models.vocabulary import Event, Role
from tests.builders import (
    CTL,
    TO_GRANT,
    TO_THE_END,
    Office,
    office,
    submission,
    usual,
)
from tests.contents import dump
from workflow.errors import RefusedError, TamperedError
from workflow.services import log, officers, views

APPEND_ONLY = ("entries", "movements", "call_versions")

UPDATES = (
    "UPDATE entries SET body = body",
    "UPDATE entries SET event = 'other' WHERE seq = 3",
    "UPDATE movements SET reserved = 0",
    "UPDATE movements SET at = at",
    "UPDATE call_versions SET body = body",
)
DELETES = (
    "DELETE FROM entries",
    "DELETE FROM entries WHERE seq = 3",
    "DELETE FROM movements",
    "DELETE FROM call_versions",
)

ANOTHER_FILE = (
    "UPDATE movements SET application_id = "
    "(SELECT id FROM applications WHERE protocol_number = 2) WHERE entry_seq = 3"
)
EVENED_OUT = (
    "UPDATE movements SET reserved = reserved + 5 - 2 * (entry_seq - 3) * 5 "
    "WHERE entry_seq IN (3, 4)"
)


@pytest.fixture
def history(work: Office) -> Office:
    """Give an office with two applications, one of them granted, and a refusal."""
    first, second = work.file(0), work.file(1)
    work.routine(first, *TO_GRANT)
    with pytest.raises(RefusedError):
        work.move(second, Event.ANNUL, reason="no act")
    assert work.verified()
    return work


def on_postgresql(work: Office) -> bool:
    return work.desk.engine.dialect.name == "postgresql"


def by_hand(work: Office, *statements: str) -> None:
    """Do what somebody with a database console could do."""
    with work.desk.engine.execution_options(writes=True).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def unlock(work: Office) -> None:
    """Take the triggers off, as only the owner of the tables can."""
    if on_postgresql(work):
        by_hand(
            work, *(f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in APPEND_ONLY)
        )
        return
    with work.desk.engine.connect() as connection:
        triggers = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).scalars()
        drops = [f"DROP TRIGGER {name}" for name in triggers]
    by_hand(work, *drops)


def faults(work: Office) -> list[tuple[int, str]]:
    """Return what the verification finds, on the one call there is."""
    (verified,) = log.verify(work.desk)
    assert verified.ok is (not verified.faults)
    return [(fault.seq, fault.fault) for fault in verified.faults]


# --- what the database refuses ------------------------------------------------


@pytest.mark.parametrize("statements", [UPDATES, DELETES], ids=["update", "delete"])
def test_nobody_changes_or_deletes_what_was_written(history, statements):
    for statement in statements:
        with pytest.raises(DatabaseError, match="is append-only"):
            by_hand(history, statement)

    assert faults(history) == []


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_nobody_replaces_a_row_by_inserting_it_again(history, table):
    copy = f"SELECT * FROM {table} LIMIT 1"  # noqa: S608 - a name of ours
    if on_postgresql(history):
        statement = f"INSERT INTO {table} {copy}"
    else:
        statement = f"INSERT OR REPLACE INTO {table} {copy}"

    with pytest.raises(DatabaseError, match=r"append-only|duplicate key"):
        by_hand(history, statement)

    assert faults(history) == []


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_nobody_empties_the_register_at_once(postgres_office_url, table):
    with office(postgres_office_url) as work:
        work.file()

        with pytest.raises(DatabaseError, match="is append-only"):
            by_hand(work, f"TRUNCATE {table} CASCADE")

        assert faults(work) == []


# --- what the verification finds ----------------------------------------------


@pytest.mark.parametrize(
    ("statement", "seq", "fault"),
    [
        (
            "UPDATE entries SET body = replace(body, 'submit', 'other') WHERE seq = 3",
            3,
            "its content does not match its hash",
        ),
        (
            "UPDATE entries SET body = body || ' ' WHERE seq = 3",
            3,
            "it is not in canonical form",
        ),
        ("UPDATE entries SET body = '' WHERE seq = 3", 3, "it cannot be read"),
        (
            "UPDATE entries SET hash = replace(hash, '0', '1') WHERE seq = 3",
            3,
            "its content does not match its hash",
        ),
        ("DELETE FROM entries WHERE seq = 4", 5, "entry 4 is missing"),
        (
            "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
            8,
            "9 entries were written, 8 are there",
        ),
        ("DELETE FROM entries", 0, "9 entries were written, 0 are there"),
        (
            "UPDATE entries SET seq = 99 WHERE seq = 4",
            99,
            "it belongs to another call or place",
        ),
    ],
)
def test_an_entry_changed_behind_the_triggers_is_found(history, statement, seq, fault):
    unlock(history)

    by_hand(history, statement)

    assert (seq, fault) in faults(history)


@pytest.mark.parametrize(
    "change",
    [
        "at = at + 1",
        "event = 'grant'",
        "outcome = 'refused'",
        "application_id = NULL",
        "application_id = (SELECT max(id) FROM applications)",
        "actor_id = NULL",
    ],
)
def test_a_copied_column_changed_behind_the_triggers_is_found(history, change):
    if on_postgresql(history):
        change = change.replace("max(id)", "max(id::text)::uuid")
    unlock(history)

    by_hand(history, f"UPDATE entries SET {change} WHERE seq = 3")  # noqa: S608 - ours

    assert faults(history) == [(3, "the columns beside it say something else")]


def test_an_entry_forged_with_an_actor_of_another_shape_is_found_all_the_same(history):
    unlock(history)

    by_hand(
        history,
        'UPDATE entries SET body = \'{"actor":null,"money":7}\' WHERE seq = 3',
    )

    assert (3, "its content does not match its hash") in faults(history)
    assert (3, "the columns beside it say something else") in faults(history)


def test_a_chain_cut_together_with_its_count_is_found_by_the_files(history):
    unlock(history)

    by_hand(
        history,
        "DELETE FROM entries WHERE seq > 4",
        "UPDATE calls SET head_seq = 4, "
        "head_hash = (SELECT hash FROM entries WHERE seq = 4)",
    )

    found = faults(history)
    assert any("the register says submitted" in fault for _, fault in found)
    assert any(
        seq == 0 and "granted, its entries add up to" in fault for seq, fault in found
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("state = 'completed'", "has state completed, the register says negotiating"),
        ("version = 9", "has version 9, the register says 5"),
        ("reserved = 1", "has reserved 0.01, the register says 0.00"),
        ("granted = 1", "has granted 0.01, the register says 111111.11"),
    ],
)
def test_a_file_changed_by_hand_is_found(history, change, fault):
    by_hand(
        history,
        f"UPDATE applications SET {change} WHERE protocol_number = 1",  # noqa: S608 - ours
    )

    ((seq, found),) = faults(history)
    assert seq == 0
    assert found.endswith(fault)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("reserved = reserved - 1", "111111.10 reserved"),
        ("granted = granted + 1", "111111.12 granted"),
    ],
)
def test_the_money_of_a_call_changed_by_hand_is_found(history, change, told):
    by_hand(history, f"UPDATE calls SET {change}")  # noqa: S608 - ours

    assert faults(history) == [
        (0, f"the call has {told}, its entries add up to 111111.11")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE movements SET reserved = reserved - 1 WHERE entry_seq = 3",
        "UPDATE movements SET kind = 'recover' WHERE entry_seq = 3",
        "UPDATE movements SET residual = residual - 1 WHERE entry_seq = 3",
        "UPDATE movements SET at = at + 1 WHERE entry_seq = 3",
        "UPDATE movements SET call_version = 7 WHERE entry_seq = 3",
        # From one file to another, and back: what they add up to stays the same.
        ANOTHER_FILE,
        "DELETE FROM movements WHERE entry_seq = 3",
        EVENED_OUT,
    ],
)
def test_a_movement_of_money_changed_behind_the_triggers_is_found(history, statement):
    unlock(history)

    by_hand(history, statement)

    assert any(
        seq == 3 and fault.startswith("the ledger of movements has ")
        for seq, fault in faults(history)
    )


def test_a_movement_that_no_entry_tells_of_is_found(history):
    unlock(history)

    by_hand(history, "UPDATE movements SET entry_seq = 99 WHERE entry_seq = 3")

    assert faults(history) == [
        (3, "the ledger of movements has 0 under it, it tells of 1"),
        (99, "the ledger has a movement that no entry tells of"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        "body = replace(body, '60', '10')",
        "fingerprint = substr(fingerprint, 2) || substr(fingerprint, 1, 1)",
    ],
)
def test_nothing_is_decided_on_rules_altered_behind_the_triggers(history, change):
    unlock(history)
    by_hand(history, f"UPDATE call_versions SET {change}")  # noqa: S608 - ours
    before = dump(history.desk.engine)

    for attempted in (
        lambda: history.move("2026/0000002", Event.START_REVIEW),
        lambda: history.file(2),
        lambda: views.queue(history.desk, CTL),
    ):
        with pytest.raises(TamperedError) as error:
            attempted()
        assert error.value.code == "call.altered"

    assert dump(history.desk.engine) == before


# --- what it must not hold ----------------------------------------------------


def test_no_personal_data_reaches_the_register_or_the_log(work, capsys, monkeypatch):
    monkeypatch.setattr(logger, "_inner", None)
    monkeypatch.setattr(logger, "_lowest", 0)
    officers.add(
        work.desk.as_officer("bianchi"),
        "qwzlogin",
        "Qwzname Qwzsurname",
        [role for role in Role if role != Role.SYSTEM],
    )
    mine = work.sit("qwzlogin")
    aid = {"granted_on": "2025-01-01", "amount": "1000.00", "grantor": "Comune"}
    lines = [
        submission(0, aids=[aid]),
        submission(1, requested="0.00"),
        submission(2, channel="pec"),
        submission(3, received_at="2026-01-20T09:59:59.999+01:00"),
        {**submission(4), "applicant": {**submission(4)["applicant"], "pec": "no"}},
        submission(0, portal_id="DOM-9999"),
        submission(5, requested="1,qwz"),
        submission(5, aids=[{**aid, "grantor": "Qwzbank\n"}, {**aid, "amount": "qwz"}]),
        {**submission(5), "qwzfield": "qwz"},
        {**submission(5), "draft": "qwz", "channel": "qwz", "documents": "qwz"},
        {**submission(5), "received_at": "qwz"},
    ]
    answers = mine.take(*lines)
    application = str(answers[0]["protocol"])

    mine.routine(application, *TO_THE_END)
    with pytest.raises(RefusedError):
        mine.move(application, Event.GRANT, **usual(Event.GRANT, mine.today))

    retire(work, "qwzlogin")
    for login in ("qwzlogin", "qwznobody"):
        with pytest.raises(RefusedError):
            work.sit(login).move(application, Event.REVOKE)
        with pytest.raises(RefusedError):
            work.sit(login).take(submission(6))

    said = capsys.readouterr().err
    entries = list(log.entries(work.desk, log.Wanted()))
    written = json.dumps(entries, ensure_ascii=False)
    assert [entry["event"] for entry in entries][-6:-4] == ["settle", "grant"]
    assert said.count("\n") >= len(TO_THE_END) + len(lines)
    private = ["qwz", "99000000", "@pec", "Cluster ", "Associazione", "Lombardi"]
    for line in lines:
        private += [line["applicant"]["name"], line["applicant"]["tax_code"]]
    for word in private:
        assert word.lower() not in written.lower()
        assert word.lower() not in said.lower()


def retire(work: Office, login: str) -> None:
    officers.retire(work.desk.as_officer("bianchi"), login)
