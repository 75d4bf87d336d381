"""Does a database of an older version, with its files, come to the present form?"""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    JSON,
    Date,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Uuid,
    insert,
)

from models import triggers
from models.schema import HEAD, upgrade
from models.session import open_engine, reading, transaction
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
    installation,
    log,
    pasts,
    queues,
    sweep,
    views,
)
from workflow.services import office as office_chain
from workflow.services.moments import Moment

HELD = Path(__file__).with_name("database_v01.json")
"""What version 0.1 wrote: nine applications of 120,000.00 to the call CTL.

The first is granted, the next two are scored, the fourth has to complete its
file, the ninth waits for money; one move and one line were refused.
"""

GROWING = {"funds", "office_entries", "outbox"}
"""Tables to which an upgrade, or its first reader, may add."""

Held = dict[str, list[dict[str, Any]]]
"""The rows of each table, as SQLite keeps them."""

RICHER = {
    "0001": ("2026/0000011", Event.START_REVIEW),
    "0007": ("2026/0000003", Event.WITHDRAW),
}
"""What the program of a form wrote with more to tell, and what can be done next.

Files in eleven states, one that came twice, drafts, two versions of the rules; what
was asked for, answered, refused, overtaken, proposed, dismissed; terms that were met,
missed and extended; officers who left. From the seventh form on letters that were sent
and proven, anchors, malfunctions, digests, delegations.
"""


@pytest.fixture
def old(database_url: str) -> Iterator[Engine]:
    """Give a database in the form of version 0.1, with what it held."""
    engine = open_engine(database_url)
    fill(engine, "0001", json.loads(HELD.read_text(encoding="utf-8")))
    yield engine
    engine.dispose()


def fill(engine: Engine, form: str, held: Held) -> None:
    """Make the tables of an older version, with all that it had in them."""
    upgrade(engine, form)
    found = MetaData()
    found.reflect(engine)
    with engine.execution_options(writes=True).begin() as connection:
        for table in found.sorted_tables:
            if kept := held.get(table.name):
                connection.execute(insert(table), [stored(table, row) for row in kept])


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
    if isinstance(kind, JSON):
        return json.loads(value)
    if isinstance(kind, LargeBinary):
        return bytes.fromhex(value)
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

    granting = usual(Event.GRANT, upgraded.today)
    # Codes that no test gives: those of the old database come from the same row.
    granting["inputs"] |= {"cor": "9000001", "cup": "E41B99999999991"}
    upgraded.move(second, Event.GRANT, **granting)
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


@pytest.mark.parametrize("form", RICHER)
def test_whatever_an_older_version_had_written_holds_and_work_goes_on(
    form: str, database_url: str
):
    kept = HELD.with_name(f"database_{form}.json.gz").read_bytes()
    held: Held = json.loads(gzip.decompress(kept))
    (call,) = held["calls"]
    last = datetime.fromtimestamp(call["last_instant"] // 1_000_000, UTC)
    engine = open_engine(database_url)
    fill(engine, form, held)

    with office(database_url, at=last + timedelta(days=1)) as work:
        installation.initialise(engine, work.clock, rehearsal=True)
        with reading(engine) as session:
            missing = triggers.missing(session)
        at_first = [result.faults for result in log.verify(work.desk)]
        lost = {
            table: len(before)
            for table, before in held.items()
            if table not in GROWING
            and rows(engine, f"SELECT count(*) FROM {table}") != [(len(before),)]  # noqa: S608 - names of ours
        }
        name, event = RICHER[form]
        filed = work.file(8)
        work.routine(name, event)
        work.wait(days=60)
        swept = sweep.sweep(work.desk)

        assert (missing, at_first, lost) == ([], [()], {})
        assert filed == f"2026/{call['filed'] + 1:07d}"
        assert swept.applied
        assert (swept.failed, swept.remaining) == ((), 0)
        assert work.verified()
    engine.dispose()
