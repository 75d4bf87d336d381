import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from datetime import time as hour

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.vocabulary import Counting
from workflow.rules.calendar import (
    Calendar,
    civil_day,
    end_of_day,
    frozen_calendar,
    italian_calendar,
    start_of_day,
)
from workflow.rules.terms import (
    Suspension,
    TermFacts,
    backwards,
    compute,
    escalates_from,
    merged,
)


class NoHolidays(Calendar):
    """A calendar that never moves an end: not even Sundays are holidays."""

    def is_working(self, day: date) -> bool:
        return day == day  # noqa: PLR0124


NEVER_MOVES = NoHolidays(frozenset(), roll_saturday=False, edition="no holidays")

days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@st.composite
def suspensions(draw):
    first = draw(days)
    later = st.integers(0, 60).map(lambda length: first + timedelta(days=length))
    limit = draw(st.none() | later)
    until = draw(st.none() | later)
    if limit is not None and until is not None:
        until = min(until, limit)
    return Suspension(first, until, limit)


facts = st.builds(
    TermFacts,
    starts_on=days,
    count=st.integers(1, 24),
    counting=st.sampled_from(Counting),
    suspensions=st.lists(suspensions(), max_size=4).map(tuple),
    restarts_on=st.none() | days,
    extension_days=st.integers(0, 30),
    extension_months=st.integers(0, 6),
    until=st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
calendars = st.builds(
    italian_calendar,
    st.just(2025),
    st.just(2035),
    roll_saturday=st.booleans(),
    local=st.sampled_from([(), ("12-07",)]),
)
ZONES = (
    "UTC",
    "Europe/Rome",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "Asia/Kolkata",
)
zones = st.sampled_from(ZONES)


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
    assert after.over_at >= before.over_at


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
        compute.cache_clear()  # or the second would be the very same answer
        in_rome = compute(facts, calendar, today=today)
    with host_in(zone):
        compute.cache_clear()
        elsewhere = compute(facts, calendar, today=today)

    assert elsewhere is not in_rome
    assert elsewhere == in_rome
    assert elsewhere.due_at.isoformat() == in_rome.due_at.isoformat()


BATTERY = """
from datetime import date, time
from models.vocabulary import Counting
from workflow.rules.calendar import civil_day, italian_calendar
from workflow.rules.terms import Suspension, TermFacts, compute, escalates_from

calendar = italian_calendar(2025, 2030)
stopped = Suspension(date(2026, 3, 11), None, date(2026, 3, 28))
for start in (date(2026, 1, 31), date(2026, 3, 18), date(2026, 10, 15)):
    for counting in Counting:
        for until in (None, time(2, 30), time(12)):
            for stops in ((), (stopped,)):
                term = compute(
                    TermFacts(start, 9, counting, suspensions=stops, until=until),
                    calendar,
                    today=date(2026, 3, 29),
                )
                print(term, civil_day(term.over_at), escalates_from(term.due_at, 10))
"""


def test_programs_in_every_time_zone_compute_the_same_terms():
    told = {
        subprocess.run(
            [sys.executable, "-c", BATTERY],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "TZ": zone},
        ).stdout
        for zone in ZONES
    }

    assert len(told) == 1
    assert told.pop().count("ComputedTerm(") == 36


@given(facts, calendars, days)
def test_a_term_is_over_right_after_its_last_instant_on_the_same_day_or_at_midnight(
    facts, calendar, today
):
    term = compute(facts, calendar, today=today)

    assert civil_day(term.due_at) == term.last_day
    assert term.due_at < term.over_at <= start_of_day(term.last_day + timedelta(days=1))
    if facts.until is None:
        assert term.due_at == end_of_day(term.last_day)
        assert civil_day(term.over_at) == term.last_day + timedelta(days=1)


@given(facts, calendars, days, st.times())
def test_an_hour_never_lengthens_a_term_nor_moves_its_last_day(
    facts, calendar, today, at
):
    whole = compute(replace(facts, until=None), calendar, today=today)
    at = at.replace(second=0, microsecond=0)
    cut = compute(replace(facts, until=at), calendar, today=today)

    assert cut.last_day == whole.last_day
    assert cut.over_at < whole.over_at


@given(facts, calendars, days, st.integers(0, 365))
def test_the_manager_is_never_told_before_the_term_is_over(
    facts, calendar, today, after
):
    term = compute(facts, calendar, today=today)

    told = escalates_from(term.due_at, after)

    assert told >= term.over_at
    assert civil_day(told) - term.last_day == timedelta(days=after + 1)


@given(days, st.integers(0, 400), calendars)
def test_a_backward_term_never_ends_later_than_asked_nor_on_a_holiday(
    day, count, calendar
):
    asked = day - timedelta(days=count)
    if asked < calendar.first + timedelta(days=7):
        return

    last = backwards(day, count, calendar)

    assert last <= asked
    assert calendar.is_working(last)
    skipped = (last + timedelta(days=n + 1) for n in range((asked - last).days))
    assert not any(calendar.is_working(one) for one in skipped)


@given(facts, calendars, days, st.integers(0, 60), st.integers(0, 400))
def test_from_its_limit_on_an_open_suspension_is_as_one_that_ended_there(
    facts, calendar, first, length, later
):
    limit = first + timedelta(days=length)
    others = tuple(one for one in facts.suspensions if one.until is not None)
    opened = replace(facts, suspensions=(*others, Suspension(first, None, limit)))
    closed = replace(facts, suspensions=(*others, Suspension(first, limit)))
    today = limit + timedelta(days=later)

    still = compute(opened, calendar, today=today)
    then = compute(closed, calendar, today=today)

    told = [s for s in still.steps if not s.rule.startswith("term.suspension_")]
    reached = len(told) < len(still.steps)
    assert still.resumes_at == (
        start_of_day(limit + timedelta(days=1)) if reached else None
    )
    assert still.provisional is (reached and later == 0)
    assert then == replace(still, steps=then.steps, provisional=False, resumes_at=None)
    assert tuple(told) == then.steps


@given(facts, calendars, days)
def test_an_open_suspension_never_adds_more_than_its_limit(facts, calendar, today):
    shut = tuple(
        one
        if one.at_most is None or one.until is not None
        else Suspension(one.first, one.at_most)
        for one in facts.suspensions
    )

    now = compute(facts, calendar, today=today)
    at_last = compute(replace(facts, suspensions=shut), calendar, today=today)

    assert now.last_day <= at_last.last_day


@given(facts, calendars, days)
@example(
    TermFacts(
        date(2026, 3, 6),
        30,
        Counting.DAYS,
        (Suspension(date(2026, 4, 7), date(2026, 4, 25)),),
        until=hour(12),
    ),
    italian_calendar(2025, 2035, roll_saturday=True, local=["12-07"]),
    date(2026, 3, 6),
)
def test_the_days_kept_with_a_term_are_enough_to_compute_it_again(
    facts, calendar, today
):
    term = compute(facts, calendar, today=today)

    rebuilt = frozen_calendar(
        term.edition,
        term.holidays,
        roll_saturday=calendar.roll_saturday,
        first=term.starts_on,
        last=term.last_day,
    )

    assert compute(facts, rebuilt, today=today) == term


@given(facts, days)
def test_a_term_that_would_have_ended_later_is_refused_by_the_days_of_another(
    facts, today
):
    term = compute(facts, NEVER_MOVES, today=today)
    rebuilt = frozen_calendar(
        term.edition,
        term.holidays,
        roll_saturday=False,
        first=term.starts_on,
        last=term.last_day,
    )
    longer = replace(facts, extension_days=facts.extension_days + 1)

    with pytest.raises(ValueError, match="build it for more days"):
        compute(longer, rebuilt, today=today)


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
        until = stopped.until or min(today, stopped.limit)
        assert not stopped.first < term.last_day < until or until <= term.starts_on


@given(facts, calendars, days)
def test_waiting_a_day_never_brings_a_provisional_end_forward(facts, calendar, today):
    now = compute(facts, calendar, today=today)
    tomorrow = compute(facts, calendar, today=today + timedelta(days=1))

    assert tomorrow.last_day >= now.last_day
    assert now.provisional or tomorrow == now
