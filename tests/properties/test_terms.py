import os
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from models.vocabulary import Counting
from workflow.rules.calendar import Calendar, italian_calendar
from workflow.rules.terms import Suspension, TermFacts, compute, merged


class NoHolidays(Calendar):
    """A calendar that never moves an end: not even Sundays are holidays."""

    def is_working(self, day: date) -> bool:
        return day == day  # noqa: PLR0124


NEVER_MOVES = NoHolidays(frozenset(), roll_saturday=False, edition="no holidays")

days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@st.composite
def suspensions(draw):
    first = draw(days)
    until = st.integers(0, 60).map(lambda length: first + timedelta(days=length))
    return Suspension(first, draw(st.none() | until))


facts = st.builds(
    TermFacts,
    starts_on=days,
    count=st.integers(1, 24),
    counting=st.sampled_from(Counting),
    suspensions=st.lists(suspensions(), max_size=4).map(tuple),
    restarts_on=st.none() | days,
    extension_days=st.integers(0, 30),
    extension_months=st.integers(0, 6),
)
calendars = st.builds(
    italian_calendar,
    st.just(2025),
    st.just(2035),
    roll_saturday=st.booleans(),
    local=st.sampled_from([(), ("12-07",)]),
)
zones = st.sampled_from(
    ["UTC", "Europe/Rome", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata"]
)


@contextmanager
def host_in(zone):
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


@given(facts, calendars, days)
def test_one_more_to_count_never_brings_the_end_forward(facts, calendar, today):
    longer = replace(facts, count=facts.count + 1)

    before = compute(facts, calendar, today=today)
    after = compute(longer, calendar, today=today)

    assert after.last_day >= before.last_day
    assert after.due_at >= before.due_at


@given(facts, calendars, days)
def test_merging_suspensions_changes_nothing(facts, calendar, today):
    once = replace(facts, suspensions=merged(facts.suspensions))

    assert compute(once, calendar, today=today) == compute(facts, calendar, today=today)
    assert merged(once.suspensions) == once.suspensions


@given(facts, days, st.data())
def test_suspending_some_days_moves_an_end_that_is_not_rolled_by_as_many(
    facts, today, data
):
    plain = replace(facts, suspensions=())
    before = compute(plain, NEVER_MOVES, today=today)
    first = data.draw(st.dates(before.starts_on, before.last_day))
    length = data.draw(st.integers(0, 60))

    stopped = Suspension(first, first + timedelta(days=length))
    after = compute(replace(plain, suspensions=(stopped,)), NEVER_MOVES, today=today)

    assert after.last_day - before.last_day == timedelta(days=length)
    assert after.suspended_days == length


@given(facts, calendars, days, zones)
@example(
    TermFacts(date(2026, 1, 20), 10, Counting.DAYS),
    italian_calendar(2025, 2035),
    date(2026, 1, 20),
    "Pacific/Kiritimati",
)
def test_the_same_facts_give_the_same_instant_in_any_host_time_zone(
    facts, calendar, today, zone
):
    with host_in("Europe/Rome"):
        in_rome = compute(facts, calendar, today=today)
    with host_in(zone):
        elsewhere = compute(facts, calendar, today=today)

    assert elsewhere == in_rome
    assert elsewhere.due_at.isoformat() == in_rome.due_at.isoformat()


@given(facts, calendars, days)
def test_a_term_never_ends_on_a_holiday_nor_later_than_the_next_working_day(
    facts, calendar, today
):
    term = compute(facts, calendar, today=today)

    skipped = [term.raw + timedelta(days=n) for n in range(term.rolled_by)]
    assert calendar.is_working(term.last_day)
    assert not any(calendar.is_working(day) for day in skipped)


@given(facts, calendars, days)
def test_a_term_that_is_moved_already_is_not_moved_again(facts, calendar, today):
    term = compute(facts, calendar, today=today)

    assert calendar.first_working_from(term.last_day) == term.last_day
    assert compute(facts, calendar, today=today) == term


@given(facts, calendars, days)
def test_a_term_never_ends_while_its_clock_stands_still(facts, calendar, today):
    term = compute(facts, calendar, today=today)

    for stopped in facts.suspensions:
        until = stopped.until or today
        assert not stopped.first < term.last_day < until or until <= term.starts_on


@given(facts, calendars, days)
def test_waiting_a_day_never_brings_a_provisional_end_forward(facts, calendar, today):
    now = compute(facts, calendar, today=today)
    tomorrow = compute(facts, calendar, today=today + timedelta(days=1))

    assert tomorrow.last_day >= now.last_day
    assert now.provisional or tomorrow == now
