"""Does a database of version 0.1, with its files, come to the present form?"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Date, Engine, MetaData, Table, Uuid, insert

from models.schema import HEAD, upgrade
from models.session import open_engine, transaction
from models.vocabulary import CallState, Event
from tests import exports
from tests.builders import CTL, OPENING, Office, office, submission, usual
from tests.contents import entries, rows
from tests.integration.test_migrations import check
from workflow.services import (
    calls,
    changes,
    entry_explanations,
    exporting,
    log,
    pasts,
    queues,
    views,
)
from workflow.services import office as office_chain
from workflow.services.moments import Moment

HELD = Path(__file__).with_name("database_v01.json")
"""What version 0.1 wrote: nine applications of 120,000.00 to the call CTL.

The first is granted, the next two are scored, the fourth has to complete its
file, the ninth waits for money; one move and one line were refused.
"""


@pytest.fixture
def old(database_url: str) -> Iterator[Engine]:
    """Give a database in the form of version 0.1, with what it held."""
    engine = open_engine(database_url)
    upgrade(engine, "0001")
    found = MetaData()
    found.reflect(engine)
    with engine.execution_options(writes=True).begin() as connection:
        for table in found.sorted_tables:
            held = json.loads(HELD.read_text(encoding="utf-8")).get(table.name, [])
            if held:
                connection.execute(insert(table), [stored(table, row) for row in held])
    yield engine
    engine.dispose()


def stored(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as this database wants it: both kept identifiers as SQLite does."""
    return {name: _value(table, name, value) for name, value in row.items()}


def _value(table: Table, name: str, value: Any) -> Any:
    kind = table.columns[name].type
    if isinstance(kind, Uuid) and isinstance(value, str):
        return UUID(hex=value)
    if kind.python_type is bool and value is not None:
        return bool(value)
    if isinstance(kind, Date) and value is not None:
        return date.fromisoformat(value)
    if name == "suspensions":
        return json.loads(value)
    return value


@pytest.fixture
def upgraded(old: Engine, database_url: str) -> Iterator[Office]:
    upgrade(old)
    with office(database_url, at=OPENING) as work:
        work.wait(days=1)
        yield work


def test_it_is_in_the_present_form_and_its_register_verifies(upgraded: Office):
    assert rows(upgraded.desk.engine, "SELECT version_num FROM alembic_version") == [
        (HEAD,)
    ]
    check(upgraded.desk.engine)
    assert [result.faults for result in log.verify(upgraded.desk)] == [()]


def test_what_is_exported_of_it_verifies_without_the_program(
    upgraded: Office, tmp_path: Path
):
    with transaction(upgraded.desk.engine) as session:
        office_chain.begin(session, upgraded.desk)  # as `init` does

    made = exporting.export(
        upgraded.desk.as_officer("bianchi"), CTL, tmp_path / "audit"
    )

    assert made.ok
    assert exports.faults(made.folder) == []


def test_no_row_is_lost(upgraded: Office):
    held = json.loads(HELD.read_text(encoding="utf-8"))

    counted = {
        table: rows(upgraded.desk.engine, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - names of ours
        for table in held
    }

    assert counted == {table: len(found) for table, found in held.items()}


def test_who_waits_and_what_is_free_is_counted(upgraded: Office):
    (call,) = calls.listed(upgraded.desk)
    free = rows(upgraded.desk.engine, "SELECT sum(free) FROM funds")

    assert free == [(call.residual,)]
    waiting = rows(upgraded.desk.engine, "SELECT waiting FROM calls")
    assert waiting == [(12_000_000,)]


def test_work_goes_on_where_it_was(upgraded: Office):
    second, ninth = "2026/0000002", "2026/0000009"

    upgraded.routine(second, Event.GRANT)
    done = upgraded.move(
        "2026/0000003", Event.WITHDRAW, **usual(Event.WITHDRAW, upgraded.today)
    )

    assert views.shown(upgraded.desk, second).summary.granted == 11_111_111
    assert [one["application"] for one in done["promotions"]] == [ninth]
    assert upgraded.verified()


def test_the_counter_is_found_open_since_the_instant_of_the_call(upgraded: Office):
    (answer,) = upgraded.take(submission(0, portal_id="DOM-0010"))

    assert answer["error"]["code"] == "applicant.already_applied"
    assert calls.shown(upgraded.desk, CTL).state == CallState.OPEN
    (entry,) = entries(upgraded, event="open_call")
    assert entry["findings"]["due_at"] == "2026-01-20T09:00:00.000000Z"
    assert upgraded.verified()


def test_what_it_was_before_the_upgrade_is_told_by_its_entries(upgraded: Office):
    now = calls.shown(upgraded.desk, CTL)
    waiting = queues.queue(upgraded.desk, CTL)

    stood = pasts.both(upgraded.desk, CTL, Moment(seq=now.entries))
    call, queue = stood.seen
    files = [
        (shown, pasts.file(upgraded.desk, shown.protocol, Moment(seq=now.entries)))
        for shown in views.listed(upgraded.desk, call=CTL)
        if shown.protocol is not None
    ]
    (changed,) = changes.between(
        upgraded.desk, Moment(seq=1), Moment(seq=now.entries), CTL
    )
    explained = [
        entry_explanations.entry(upgraded.desk, f"{CTL}#{seq}")
        for seq in range(1, now.entries + 1)
    ]

    assert (call.reserved, call.granted, call.filed, call.waiting) == (
        now.reserved,
        now.granted,
        now.filed,
        now.waiting,
    )
    assert queue.items == waiting.items
    for shown, past in files:
        file = past.seen.file
        assert (file.stands, file.version, file.granted, file.reserved) == (
            shown.state,
            shown.version,
            shown.granted,
            shown.reserved,
        )
    assert len(files) == len(changed.files) == 9
    assert all(explanation.steps for explanation in explained)


def test_the_constraints_hold_afterwards_as_before(upgraded: Office):
    engine = upgraded.desk.engine
    with (
        pytest.raises(Exception, match="ck_calls_allocation"),
        engine.execution_options(writes=True).begin() as connection,
    ):
        connection.exec_driver_sql("UPDATE calls SET reserved = allocation + 1")
    with (
        pytest.raises(Exception, match=r"(?i)foreign key"),
        engine.execution_options(writes=True).begin() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM applicants")
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE applications SET state = 'granted'")
