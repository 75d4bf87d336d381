"""Does a sweep do everything that is due, once, as if it had come on time?"""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import event, text

from models.session import transaction
from models.vocabulary import Event
from tests.builders import (
    CTL,
    OPENING,
    ROME,
    TO_GRANT,
    TO_PROGRESS,
    Office,
    office,
    rome,
)
from tests.contents import dump, entries
from tests.due_terms import DAY, MOMENT, deeds, unwatched
from tests.editions import SECOND, edited, open_to_all
from tests.integration.test_races import lines_of
from tests.integration.test_upgrade import old, upgraded  # noqa: F401 - fixtures
from tests.servers import fresh_postgres
from tests.twins import Twins, advance, deliver, do, file, move, protocol, twins_of
from workflow.ambient import SystemAmbient
from workflow.register import written
from workflow.services import call_acts, calls, expiries, intake, lookups, sweep

ACT = "decreto 9/2026-01-20"
NIGHT = settings.get_current_profile_name() == "night"


# An office in which something of every kind is due in the days around 06/03/2026


def a_busy_winter(work: Office) -> None:
    start = rome(2026, 2, 13, 10)
    do(work, start, *(file(number) for number in range(7)))
    do(work, start, file(7, draft=True), file(8, draft=True))
    do(work, start, *advance(1, Event.START_REVIEW, Event.REQUEST_COMPLETION))
    do(work, start, *advance(2, Event.START_REVIEW, Event.NOTIFY_REFUSAL))
    for number in (3, 4, 5):
        do(work, start, *advance(number, *TO_GRANT))
    do(work, start, *advance(6, *TO_PROGRESS), move(6, Event.CONFIRM_COR))
    do(
        work,
        rome(2026, 2, 23, 12),
        deliver(1, "completion_request"),
        deliver(2, "refusal_notice"),
    )
    do(
        work,
        rome(2026, 3, 4, 12),
        *advance(3, *TO_PROGRESS[4:7]),
        move(4, Event.CONFIRM_COR),
    )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Give the office of that winter, for others to copy."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = tmp_path_factory.mktemp("busy") / "sportello.db"
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            url = f"sqlite:///{path}"
        else:
            server = request.getfixturevalue("postgres_server")
            template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(fresh_postgres(server, template))
        work = stack.enter_context(office(url))
        a_busy_winter(work)
        yield work


@pytest.fixture
def admin(request: pytest.FixtureRequest) -> str | None:
    """Give the server on which databases are copied, if not as files."""
    chosen = {"busy", "work"} & set(request.fixturenames)
    dialect = request.getfixturevalue(chosen.pop()).desk.engine.dialect.name
    if dialect == "sqlite":
        return None
    return str(request.getfixturevalue("postgres_server"))


@pytest.fixture
def twins(busy: Office, admin: str | None, tmp_path: Path) -> Iterator[Twins]:
    """Give two offices that are the same until 04/03/2026 at noon."""
    with twins_of(busy, tmp_path, admin) as pair:
        yield pair


# A worker that slept


def test_three_days_of_sleep_leave_what_sweeps_every_minute_leave(twins: Twins):
    before = len(deeds(twins.diligent))
    end = rome(2026, 3, 7, 12)

    while twins.diligent.clock.now() < end:
        twins.diligent.clock.advance(_step(twins.diligent.clock.now()))
        sweep.sweep(twins.diligent.desk)

    twins.wake(end)
    made = {entry["event"] for entry in deeds(twins.diligent)[before:]}
    assert made == {
        "close_call",
        "expire",
        "expire_completion",
        "expire_observations",
        "release_cor",
    }


def _step(now: datetime) -> timedelta:
    """Go minute by minute, at night; by day only around what is due."""
    hour, minute = now.astimezone(ROME).hour, now.minute
    near = (hour, minute >= 50) in {(23, True), (15, True)}
    near |= (hour, minute < 10) in {(0, True), (16, True)}
    return timedelta(minutes=1 if near or NIGHT else 10)


@pytest.mark.parametrize("days", [3, 200, 1500])
def test_however_long_nobody_came_the_register_is_as_if_somebody_had(
    twins: Twins, days: int
):
    twins.wake(rome(2026, 3, 4, 12) + days * DAY)


def test_officers_who_come_between_bring_the_call_up_to_date_as_a_worker_does(
    twins: Twins,
):
    twins.at(rome(2026, 3, 9, 9), *advance(7, Event.START_REVIEW))
    twins.at(
        rome(2026, 3, 20, 9),
        move(1, Event.ANSWER_COMPLETION),
        move(4, Event.RECORD_PUBLICATION),
        move(5, Event.RENEW_COR, inputs={"cor": "77", "cor_on": "2026-03-20"}),
    )
    twins.at(rome(2026, 4, 8, 9), move(3, Event.DISMISS_LAPSE))
    twins.at(rome(2026, 5, 2, 9), move(2, Event.WITHDRAW))
    twins.at(rome(2026, 6, 30, 9), *advance(1, Event.ADMIT, Event.EVALUATE))

    twins.wake(rome(2026, 12, 31, 9))


def test_sweeping_twice_changes_nothing(twins: Twins):
    work = twins.sleepy
    work.clock.move_to(rome(2026, 9, 1))
    first = sweep.sweep(work.desk)
    before = dump(work.desk.engine)

    again = sweep.sweep(work.desk)
    work.wait(seconds=1)
    later = sweep.sweep(work.desk)

    assert first.applied
    assert (again.applied, later.applied) == ((), ())
    assert dump(work.desk.engine) == before
    assert sweep.due_calls(work.desk) == ()


def test_what_goes_on_again_and_ends_between_others_is_done_between_them(
    work: Office, admin: str | None, tmp_path: Path
):
    """Its clock stood still when the others were found due, and ends before them."""
    do(work, OPENING, file(0))
    do(work, OPENING, *advance(1, Event.START_REVIEW, Event.REQUEST_COMPLETION))
    do(work, OPENING + 20 * DAY, file(1))
    do(work, OPENING + 28 * DAY, file(2), file(3))
    do(work, OPENING + 75 * DAY, deliver(1, "completion_request"))

    with twins_of(work, tmp_path, admin) as twins:
        twins.wake(OPENING + 200 * DAY)

        due = [
            (entry["protocol"], entry["findings"]["due_at"])
            for entry in deeds(twins.sleepy)
            if entry["event"] == "expire_term"
            and entry["findings"]["term"] == "conclusion"
        ]
    assert [name for name, _ in due] == [protocol(number) for number in (1, 2, 3, 4)]
    assert [at for _, at in due] == sorted(at for _, at in due)


def test_the_manager_is_told_between_the_terms_that_others_miss(
    work: Office, admin: str | None, tmp_path: Path
):
    for number in range(6):
        do(work, OPENING + 6 * number * DAY, file(number))

    with twins_of(work, tmp_path, admin) as twins:
        twins.wake(OPENING + 200 * DAY)

        told = [(entry["event"], entry["protocol"]) for entry in deeds(twins.sleepy)]
    first = told.index(("escalate_term", protocol(1)))
    assert first < told.index(("expire_term", protocol(6)))


# Each alone of hundreds


def test_hundreds_that_are_due_at_one_instant_are_done_in_the_order_of_arrival(
    work: Office, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    many = sweep.AT_ONCE + expiries.MOST + 7
    list(intake.take_in(work.desk, SECOND, lines_of(0, many)))
    work.clock.move_to(rome(2026, 4, 21))

    swept = sweep.sweep(work.desk)

    assert swept.remaining == 0
    warned = entries(work, event="expire_term")
    assert [one["protocol"] for one in warned] == [
        protocol(number) for number in range(1, many + 1)
    ]
    assert unwatched(work.desk.engine) == []
    assert work.verified()


# The nights in which the clocks change


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


SPRING = (
    utc(2026, 3, 29, 0, 59, 59),  # 01:59:59, the last second of winter
    utc(2026, 3, 29, 1),  # 03:00: what would be 02:30 is not there
    utc(2026, 3, 29, 1, 30),
)
AUTUMN = (
    utc(2026, 10, 25, 0, 30),  # 02:30 for the first time
    utc(2026, 10, 25, 1, 30),  # 02:30 for the second time
)


ENDS_IN_AUTUMN = {
    date(2026, 10, 23): utc(2026, 10, 23, 22),
    date(2026, 10, 24): utc(2026, 10, 24, 22),
    date(2026, 10, 25): utc(2026, 10, 25, 23),
    date(2026, 10, 26): utc(2026, 10, 26, 23),
}


@pytest.mark.parametrize(
    ("nights", "closing", "ends"),
    [
        (
            SPRING,
            utc(2026, 3, 29, 1),
            {
                date(2026, 3, 27): utc(2026, 3, 27, 23),
                date(2026, 3, 28): utc(2026, 3, 28, 23),
                date(2026, 3, 29): utc(2026, 3, 29, 22),
                date(2026, 3, 30): utc(2026, 3, 30, 22),
            },
        ),
        (AUTUMN, AUTUMN[0], ENDS_IN_AUTUMN),
        (AUTUMN, AUTUMN[1], ENDS_IN_AUTUMN),
    ],
    ids=["29/03", "25/10, first", "25/10, second"],
)
def test_days_of_23_and_25_hours_end_when_they_do_and_are_swept_at_any_hour_of_them(
    work: Office,
    admin: str | None,
    tmp_path: Path,
    nights: tuple[datetime, ...],
    closing: datetime,
    ends: dict[date, datetime],
):
    """Clocks go on after each of these days; the window closes in the night itself."""
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    version = edited(tmp_path, longer)
    calls.register_call(work.desk, version, act=ACT)
    call_acts.extend(work.desk, CTL, closes_at=closing, act=ACT)
    for number, day in enumerate(ends):
        delivered = datetime.combine(day - 30 * DAY, time(12), ROME).astimezone(UTC)
        do(
            work,
            delivered,
            file(number),
            *advance(number + 1, Event.START_REVIEW, Event.REQUEST_COMPLETION),
            deliver(number + 1, "completion_request"),
        )
    do(work, nights[0] - 20 * DAY, file(8, draft=True))

    with twins_of(work, tmp_path, admin) as twins:
        for night in sorted({*nights, closing, closing + MOMENT}):
            twins.wake(night)
        twins.wake(closing + 5 * DAY)
        made = entries(twins.diligent)

    went_on = [entry for entry in made if entry["event"] == "resume_term"]
    assert [entry["at"] for entry in went_on] == [
        written(instant) for instant in ends.values()
    ]
    (closed,) = [entry for entry in made if entry["event"] == "close_call"]
    (expired,) = [entry for entry in made if entry["event"] == "expire"]
    assert closed["findings"]["due_at"] == written(closing)
    assert expired["findings"]["due_at"] == written(closing)
    assert closed["at"] == expired["at"] == written(closing + MOMENT)


# Which call comes first


def test_the_call_that_waits_longest_is_named_first(work: Office, tmp_path: Path):
    calls.register_call(work.desk, open_to_all(tmp_path))
    list(intake.take_in(work.desk, SECOND, lines_of(0, 1)))
    do(work, OPENING + DAY, file(0))
    work.clock.move_to(rome(2026, 4, 21))
    assert sweep.due_calls(work.desk)[0] == SECOND
    sweep.sweep_call(work.desk, SECOND)
    before = len(entries(work))

    work.clock.move_to(rome(2026, 5, 1))
    named = sweep.due_calls(work.desk)
    swept = [sweep.sweep_call(work.desk, code).applied for code in named]

    # Here a term has ended; there the manager is told only now.
    assert named == (CTL, SECOND)
    assert all(swept)
    assert len(entries(work)) == before + sum(len(applied) for applied in swept)


# Finding what is due


OPEN_TERMS = 20_000


def test_what_is_due_is_found_in_the_index_alone(work: Office, tmp_path: Path):
    calls.register_call(work.desk, open_to_all(tmp_path))
    list(intake.take_in(work.desk, SECOND, lines_of(0, 5)))
    _fill(work, OPEN_TERMS)
    work.clock.move_to(rome(2026, 4, 21))

    asked = _queries(work, lambda: sweep.due_calls(work.desk))
    with transaction(work.desk.engine, keep=False) as session:
        call = lookups.find_call(session, SECOND, lock=True)
        asked += _queries(
            work, lambda: expiries.first_due(session, call, work.clock.now())
        )

    about_terms = [one for one in asked if "terms.next_check" in one[0]]
    assert len(about_terms) >= 2
    for statement, values in about_terms:
        plan = _plan(work, statement, values)
        assert re.search("ix_terms_(call_)?next_check", plan), plan
        assert not re.search("(?i)(seq scan on|scan) terms(?! using index)", plan), plan


def _fill(work: Office, count: int) -> None:
    """Put many open terms beside the few, most of them due long after."""
    far = 4_000_000_000_000_000
    with work.desk.engine.execution_options(writes=True).begin() as connection:
        (model,) = connection.execute(text("SELECT * FROM terms LIMIT 1")).mappings()
        columns = ", ".join(model.keys())
        changed = ", ".join(
            {
                "id": ":id",
                "ordinal": ":ordinal",
                "next_check": ":next_check",
                "due_at": ":next_check",
            }.get(name, name)
            for name in model
        )
        dialect = connection.dialect.name
        ids = [SystemAmbient().new_id() for _ in range(count)]
        connection.execute(
            text(
                f"INSERT INTO terms ({columns}) SELECT {changed} FROM terms "  # noqa: S608
                "WHERE id = :model"
            ),
            [
                {
                    "id": one.hex if dialect == "sqlite" else one,
                    "ordinal": number,
                    "next_check": far + number,
                    "model": model["id"],
                }
                for number, one in enumerate(ids, start=100)
            ],
        )
    with work.desk.engine.connect().execution_options(
        outside=True, isolation_level="AUTOCOMMIT"
    ) as connection:
        connection.execute(text("ANALYZE"))


def _queries(work: Office, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    asked: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, values, _context, _many):
        asked.append((statement, values))

    event.listen(work.desk.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(work.desk.engine, "before_cursor_execute", note)
    return asked


def _plan(work: Office, statement: str, values: Any) -> str:
    with work.desk.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        rows = connection.exec_driver_sql(explain + statement, values)
        return "\n".join(str(tuple(row)) for row in rows)


# A database of version 0.1


def test_the_terms_of_version_0_1_are_swept_as_their_rules_say(
    upgraded: Office,  # noqa: F811 - the fixture
):
    """Nine files: one granted, two scored, one that has to complete its papers."""
    assert unwatched(upgraded.desk.engine) == []
    deliver_to = protocol(4)
    upgraded.move(
        deliver_to,
        Event.RECORD_DELIVERY,
        inputs={"letter": "completion_request", "receipt": "R-1"},
    )
    before = len(entries(upgraded))

    upgraded.clock.move_to(rome(2026, 8, 1))
    swept = sweep.sweep(upgraded.desk)

    assert swept.remaining == 0
    made = Counter(entry["event"] for entry in entries(upgraded)[before:])
    assert made == {
        "close_call": 1,
        "release_cor": 1,
        "expire_completion": 1,
        # The completion started after the upgrade, with ten days: three and none left.
        "remind_term": 2,
        # The meeting, the formal check of the fourth file, and eight conclusions.
        "expire_term": 10,
    }
    assert unwatched(upgraded.desk.engine) == []
    assert upgraded.verified()
    assert sweep.sweep(upgraded.desk).applied == ()
