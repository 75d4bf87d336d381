"""Does the sweep keep its order and its time, whatever the clocks of hosts show?"""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from models.session import transaction
from models.vocabulary import Event
from tests.builders import CTL, ROME, TO_GRANT, Office, office, rome, submission
from tests.contents import dump, entries
from tests.due_terms import DAY, MOMENT, SECOND, unwatched
from tests.editions import SECOND as SECOND_CALL
from tests.editions import edited
from tests.processes import Place, RealClock
from tests.twins import protocol
from workflow.ambient import FrozenAmbient, SystemAmbient
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import calls, intake, lookups, moves, sweep

MINUTE = timedelta(minutes=1)


def test_a_host_that_was_a_day_ahead_and_went_back_does_nothing_twice(work: Office):
    work.file(0)
    work.routine(protocol(1), *TO_GRANT)
    due = rome(2026, 2, 10)
    work.clock.move_to(due + DAY)
    ahead = sweep.sweep(work.desk)

    for back in (due, due - SECOND, due - 2 * DAY, due + 2 * DAY):
        work.clock.move_to(back)
        assert sweep.sweep(work.desk).applied == ()

    assert [one.event for one in ahead.applied] == [Event.RELEASE_COR]
    assert len(entries(work, event="release_cor")) == 1
    in_order(work)


def test_a_host_that_went_back_over_an_event_still_writes_in_order(work: Office):
    """Its clock shows again what it had shown already when the entry was written."""
    for number in range(2):
        work.file(number)
        work.routine(protocol(number + 1), *TO_GRANT)
        work.wait(days=1)
    first, second = rome(2026, 2, 10), rome(2026, 2, 11)
    work.clock.move_to(first + timedelta(hours=30))
    sweep.sweep(work.desk)
    work.clock.move_to(first - timedelta(hours=6))
    early = sweep.sweep(work.desk)
    work.routine(protocol(1), Event.RECORD_PUBLICATION)

    work.clock.move_to(second)
    again = sweep.sweep(work.desk)

    assert (early.applied, again.applied) == ((), ())
    assert len(entries(work, event="release_cor")) == 2
    in_order(work)


def test_a_register_that_is_ahead_of_the_clock_makes_nothing_due(work: Office):
    """Somebody wrote in it on a host that was ahead; the others know the time."""
    work.file(0)
    work.routine(protocol(1), *TO_GRANT)
    due = rome(2026, 2, 10)
    work.clock.move_to(due - timedelta(hours=1))
    ahead = Office(work.desk, work.clock)
    ahead.clock.move_to(due - timedelta(minutes=1))
    ahead.file(1)
    with transaction(work.desk.engine) as session:
        call = lookups.find_call(session, CTL, lock=True)
        call.last_instant = due + DAY
    work.clock.move_to(due - timedelta(minutes=30))

    early = sweep.sweep(work.desk)
    work.routine(protocol(1), Event.RECORD_PUBLICATION)
    work.clock.move_to(due)
    late = sweep.sweep(work.desk)

    assert early.applied == ()
    assert [one.event for one in late.applied] == [Event.RELEASE_COR]
    in_order(work)


def in_order(work: Office) -> None:
    """The register has its own order, whatever the clocks show."""
    written_in = [(entry["seq"], entry["at"]) for entry in entries(work)]
    assert [seq for seq, _ in written_in] == list(range(1, len(written_in) + 1))
    instants = [at for _, at in written_in]
    assert instants == sorted(instants)
    assert unwatched(work.desk.engine) == []
    assert work.verified()


# A host whose clock is ahead of that of the database server


AHEAD = timedelta(days=4)


@pytest.fixture
def today(postgres_office_url: str, tmp_path: Path) -> Iterator[Office]:
    """Open a counter that is open now, by the true time, and closes in three days."""
    now = SystemAmbient().now().astimezone(ROME).replace(microsecond=0)
    noon = now.replace(hour=12, minute=0, second=0, tzinfo=None)
    window = (
        ("2026-01-15T17:38:00", (noon - 9 * DAY).isoformat()),
        ("2026-01-20T10:00:00", (noon - 8 * DAY).isoformat()),
        ("2026-03-05T16:00:00", (noon + 3 * DAY).isoformat()),
    )
    renamed = (f'code = "{CTL}"', f'code = "{SECOND_CALL}"')
    path = edited(tmp_path, renamed, *window)
    with office(postgres_office_url, at=now - 8 * DAY) as work:
        calls.register_call(work.desk, path)
        sweep.sweep(work.desk)
    with Place(postgres_office_url, timedelta(0)).desk() as desk:
        yield Office(desk, FrozenAmbient(now))


def filed_today(today: Office) -> str:
    line = orjson.dumps(submission(0, draft=False))
    (answer,) = intake.take_in(today.desk, SECOND_CALL, [line])
    return str(answer["protocol"])


def ahead_of(today: Office, ahead: timedelta = AHEAD) -> Desk:
    clock = RealClock(ahead)
    return replace(today.desk, ambient=clock, typed_at=clock.now())


def test_a_host_ahead_of_the_database_server_does_nothing_early(today: Office):
    filed_today(today)
    line = orjson.dumps(submission(1, draft=True))
    list(intake.take_in(today.desk, SECOND_CALL, [line]))
    _becomes_due(today, SystemAmbient().now() + 2 * DAY)
    before = dump(today.desk.engine)

    early = sweep.sweep(ahead_of(today))

    assert early.applied == ()
    assert sweep.due_calls(ahead_of(today)) == ()
    assert dump(today.desk.engine) == before


def test_a_host_a_little_ahead_does_nothing_early_either(today: Office):
    """Less than anybody notices, and more than is left until the end of a term."""
    filed_today(today)
    _becomes_due(today, SystemAmbient().now() + 3 * SECOND)

    early = sweep.sweep(ahead_of(today, 4 * SECOND))
    time.sleep(3)
    late = sweep.sweep(ahead_of(today, 4 * SECOND))

    assert early.applied == ()
    assert [one.event for one in late.applied] == [Event.EXPIRE_TERM]


def test_a_host_that_is_ahead_leaves_what_is_due_to_the_others(today: Office):
    """It would date the register ahead for everybody, so that it writes nothing."""
    filed_today(today)
    _becomes_due(today, SystemAmbient().now() - MINUTE)
    before = dump(today.desk.engine)

    swept = sweep.sweep(ahead_of(today))
    untouched = dump(today.desk.engine) == before
    by_another = sweep.sweep(today.desk)

    assert swept.applied == ()
    assert [one.code for one in swept.failed] == ["clock.ahead"]
    assert untouched
    assert [one.event for one in by_another.applied] == [Event.EXPIRE_TERM]


def test_an_officer_on_a_host_that_is_ahead_is_told_and_writes_nothing(today: Office):
    name = filed_today(today)
    _becomes_due(today, SystemAmbient().now() + 2 * DAY)
    command = moves.MoveCommand(name, Event.START_REVIEW)
    before = dump(today.desk.engine)

    with pytest.raises(UnavailableError) as error:
        moves.advance(ahead_of(today), command)

    assert (error.value.code, error.value.exit_code) == ("clock.ahead", 3)
    assert dump(today.desk.engine) == before
    moves.advance(ahead_of(today, SECOND), command)
    assert entries(today)[-1]["event"] == "start_review"


def _becomes_due(work: Office, instant: datetime) -> None:
    """Have the only term end at an instant, which no call could ask for."""
    micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // MOMENT
    moved = "UPDATE terms SET due_at = :due, next_check = :due + 1000000"
    engine = work.desk.engine.execution_options(writes=True)
    with engine.begin() as connection:
        connection.execute(text(moved), {"due": micros - 1_000_000})
