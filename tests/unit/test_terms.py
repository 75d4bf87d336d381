from datetime import UTC, date, datetime, time, timedelta

import pytest

from models.vocabulary import Counting
from workflow.rules.calendar import ROME, frozen_calendar, italian_calendar
from workflow.rules.steps import Step
from workflow.rules.terms import (
    Suspension,
    TermFacts,
    backwards,
    compute,
    escalates_from,
    merged,
    over_from,
    resumes_after_observations,
    resumes_after_reply,
)

NATIONAL = italian_calendar(2025, 2029)
WITH_SATURDAYS = italian_calendar(2025, 2029, roll_saturday=True)
WITH_PATRON = italian_calendar(2025, 2029, local=["12-07"])
OPENING = date(2026, 1, 20)
LATER = date(2029, 1, 1)

DAYS = [
    ("2026-01-20", 10, "2026-01-30", "2026-01-30", "2026-01-30"),
    ("2026-01-20", 60, "2026-03-21", "2026-03-21", "2026-03-23"),
    ("2026-03-05", 30, "2026-04-04", "2026-04-04", "2026-04-07"),
    ("2026-03-06", 30, "2026-04-05", "2026-04-07", "2026-04-07"),
    ("2026-04-15", 10, "2026-04-25", "2026-04-27", "2026-04-27"),
    ("2026-07-16", 30, "2026-08-15", "2026-08-17", "2026-08-17"),
    ("2026-09-04", 30, "2026-10-04", "2026-10-05", "2026-10-05"),
    ("2027-09-04", 30, "2027-10-04", "2027-10-05", "2027-10-05"),
    ("2026-11-27", 10, "2026-12-07", "2026-12-07", "2026-12-07"),
    ("2026-11-28", 10, "2026-12-08", "2026-12-09", "2026-12-09"),
    ("2026-12-16", 10, "2026-12-26", "2026-12-28", "2026-12-28"),
    ("2025-12-27", 10, "2026-01-06", "2026-01-07", "2026-01-07"),
]


def days(count=90, starts_on=OPENING, **facts):
    return TermFacts(starts_on, count, Counting.DAYS, **facts)


def months(count, starts_on, **facts):
    return TermFacts(starts_on, count, Counting.MONTHS, **facts)


def stop(first, until=None, at_most=None):
    return Suspension(
        *(one and date.fromisoformat(one) for one in (first, until, at_most))
    )


def end_of(facts, calendar=NATIONAL):
    return compute(facts, calendar, today=LATER).last_day


# --- counting ---


@pytest.mark.parametrize(("start", "count", "raw", "last", "_saturday"), DAYS)
def test_days_are_counted_and_the_end_is_moved_off_holidays(
    start, count, raw, last, _saturday
):
    term = compute(days(count, date.fromisoformat(start)), NATIONAL, today=LATER)

    assert term.raw == date.fromisoformat(raw)
    assert term.last_day == date.fromisoformat(last)
    assert term.rolled_by == (term.last_day - term.raw).days


@pytest.mark.parametrize(("start", "count", "_raw", "_last", "saturday"), DAYS)
def test_the_end_is_moved_off_saturdays_too_where_the_call_says_so(
    start, count, _raw, _last, saturday
):
    end = end_of(days(count, date.fromisoformat(start)), WITH_SATURDAYS)

    assert end == date.fromisoformat(saturday)


def test_the_patron_of_milan_moves_the_end_only_where_the_call_names_it():
    facts = days(10, date(2026, 11, 27))

    assert end_of(facts) == date(2026, 12, 7)
    assert end_of(facts, WITH_PATRON) == date(2026, 12, 9)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-03-31", 12, "2027-03-31"),
        ("2026-02-28", 1, "2026-03-28"),
        ("2026-06-15", 2, "2026-08-17"),  # 15 August, a Saturday
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-01-31", 13, "2027-03-01"),  # 28 February, a Sunday
        ("2027-01-31", 13, "2028-02-29"),
        ("2026-08-31", 6, "2027-03-01"),
        ("2026-07-04", 3, "2026-10-05"),  # 4 October, a Sunday
        ("2027-07-04", 3, "2027-10-05"),  # 4 October, a Monday
    ],
)
def test_months_are_counted_by_the_calendar(start, count, end):
    assert end_of(months(count, date.fromisoformat(start))) == date.fromisoformat(end)


def test_the_last_day_is_useful_until_its_last_second_in_rome():
    winter = compute(days(10), NATIONAL, today=LATER)
    summer = compute(days(100), NATIONAL, today=LATER)

    assert winter.due_at == datetime(2026, 1, 30, 22, 59, 59, tzinfo=UTC)
    assert summer.due_at == datetime(2026, 4, 30, 21, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-03-18", 10, "2026-03-28T22:59:59+00:00"),  # the Saturday before
        ("2026-03-19", 10, "2026-03-30T21:59:59+00:00"),  # the day of 23 hours
        ("2026-03-20", 10, "2026-03-30T21:59:59+00:00"),
        ("2026-03-23", 10, "2026-04-02T21:59:59+00:00"),
        ("2026-10-14", 10, "2026-10-24T21:59:59+00:00"),
        ("2026-10-15", 10, "2026-10-26T22:59:59+00:00"),  # the day of 25 hours
        ("2026-10-16", 10, "2026-10-26T22:59:59+00:00"),
        ("2026-10-20", 10, "2026-10-30T22:59:59+00:00"),
    ],
)
def test_a_term_across_the_change_of_the_clocks_ends_on_the_civil_day(
    start, count, due
):
    term = compute(days(count, date.fromisoformat(start)), NATIONAL, today=LATER)

    assert term.due_at == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-01-20", "2026-01-30T11:00:00+00:00"),
        ("2026-07-20", "2026-07-30T10:00:00+00:00"),
        ("2026-03-19", "2026-03-30T10:00:00+00:00"),
        ("2026-10-15", "2026-10-26T11:00:00+00:00"),
        ("2026-02-26", "2026-03-09T11:00:00+00:00"),  # 08/03 is a Sunday
    ],
)
def test_where_an_hour_is_set_the_last_day_ends_at_it(start, due):
    facts = days(10, date.fromisoformat(start), until=time(12))

    term = compute(facts, NATIONAL, today=LATER)

    assert term.due_at == datetime.fromisoformat(due)
    assert term.steps[-1] == Step(
        "term.last_hour",
        "the call; Cons. Stato 8546/2024",
        f"{term.last_day:%a %d/%m/%Y} is counted until 12:00:00 in Rome, as set: "
        "what comes later is late",
    )


def test_an_hour_moves_only_the_instant_at_which_the_last_day_ends():
    whole = compute(days(30, date(2026, 3, 6)), NATIONAL, today=LATER)
    until_noon = days(30, date(2026, 3, 6), until=time(12))
    half = compute(until_noon, NATIONAL, today=LATER)

    assert (half.raw, half.last_day) == (whole.raw, whole.last_day)
    assert half.steps[:-1] == whole.steps[:-1]
    assert half.due_at < whole.due_at


@pytest.mark.parametrize(
    ("until", "arrives", "over"),
    [
        (None, "2026-01-30T23:59:59+01:00", False),
        (None, "2026-01-30T23:59:59.000001+01:00", False),
        (None, "2026-01-30T23:59:59.999999+01:00", False),
        (None, "2026-01-31T00:00:00+01:00", True),
        (time(12), "2026-01-30T11:59:59.999999+01:00", False),
        (time(12), "2026-01-30T12:00:00+01:00", False),
        (time(12), "2026-01-30T12:00:00.000001+01:00", True),
        (time(12), "2026-01-30T12:00:00.999999+01:00", True),
        (time(12), "2026-01-30T12:00:33+01:00", True),
        (time(16), "2026-01-30T16:00:00+01:00", False),
        (time(16), "2026-01-30T16:00:33+01:00", True),
    ],
)
def test_the_last_instant_is_in_time_and_the_next_one_is_late(until, arrives, over):
    term = compute(days(10, until=until), NATIONAL, today=LATER)

    assert (datetime.fromisoformat(arrives) >= term.over_at) is over
    assert term.over_at == over_from(term.due_at, until)
    assert term.due_at < term.over_at


@pytest.mark.parametrize(
    ("late_by", "over"),
    [(timedelta(0), False), (timedelta(microseconds=1), True)],
)
def test_a_fixed_instant_is_in_time_itself_and_nothing_later_is(late_by, over):
    instant = datetime(2022, 12, 31, 16, tzinfo=ROME)

    term = compute(days(fixed=instant), NATIONAL, today=LATER)

    assert (instant + late_by >= term.over_at) is over


@pytest.mark.parametrize(
    ("due", "after", "told"),
    [
        ("2026-04-20T21:59:59+00:00", 10, "2026-04-30T22:00:00+00:00"),
        ("2026-04-20T21:59:59+00:00", 0, "2026-04-20T22:00:00+00:00"),
        ("2026-04-20T10:00:00+00:00", 0, "2026-04-20T22:00:00+00:00"),  # at noon
        ("2026-03-27T22:59:59+00:00", 1, "2026-03-28T23:00:00+00:00"),
        ("2026-03-27T22:59:59+00:00", 2, "2026-03-29T22:00:00+00:00"),  # 23 hours
        ("2026-10-23T21:59:59+00:00", 2, "2026-10-25T23:00:00+00:00"),  # 25 hours
        ("2026-04-24T21:59:59+00:00", 1, "2026-04-25T22:00:00+00:00"),  # a holiday
    ],
)
def test_the_manager_is_told_when_whole_days_after_the_end_are_over(due, after, told):
    found = escalates_from(datetime.fromisoformat(due), after)

    assert found == datetime.fromisoformat(told)
    assert found.tzinfo is UTC


def test_a_fixed_instant_is_neither_counted_nor_moved_off_a_saturday():
    instant = datetime(2022, 12, 31, 16, tzinfo=ROME)

    term = compute(days(fixed=instant), WITH_SATURDAYS, today=LATER)

    assert term.due_at == datetime(2022, 12, 31, 15, tzinfo=UTC)
    assert term.due_at.tzinfo is UTC
    assert term.raw == term.last_day == date(2022, 12, 31)
    assert (term.suspended_days, term.rolled_by, term.provisional) == (0, 0, False)
    assert (term.starts_on, term.holidays) == (OPENING, ())
    assert term.edition == WITH_SATURDAYS.edition
    assert term.steps == (
        Step(
            "term.fixed",
            "the call",
            "Sat 31/12/2022, 16:00:00 in Rome, as set: "
            "a fixed instant is not moved off a holiday",
        ),
    )


@pytest.mark.parametrize(
    "stretched",
    [
        {"suspensions": (stop("2026-02-09"),)},
        {"restarts_on": OPENING},
        {"extension_days": 1},
        {"extension_months": 1},
    ],
)
def test_a_fixed_instant_is_not_suspended_interrupted_or_extended(stretched):
    instant = datetime(2026, 3, 5, 16, tzinfo=ROME)

    with pytest.raises(ValueError, match="an act sets another one"):
        days(fixed=instant, **stretched)


def test_a_fixed_instant_has_no_other_hour():
    instant = datetime(2026, 3, 5, 16, tzinfo=ROME)

    with pytest.raises(ValueError, match="has its hour already"):
        days(fixed=instant, until=time(12))


def test_a_fixed_instant_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="has no offset"):
        compute(
            days(fixed=datetime.fromisoformat("2026-03-05T16:00:00")),
            NATIONAL,
            today=LATER,
        )


# --- suspension, interruption, extension ---


@pytest.mark.parametrize(
    ("filed", "resumes", "end"),
    [
        ("2026-03-18", "2026-03-28", "2026-05-07"),
        (None, "2026-03-21", "2026-04-30"),
        ("2026-03-21", "2026-03-31", "2026-05-11"),  # the last day; 10/05 is a Sunday
        ("2026-03-22", "2026-03-21", "2026-04-30"),  # late
    ],
)
def test_a_notice_of_refusal_stops_the_clock_until_ten_days_after_observations(
    filed, resumes, end
):
    delivered = date(2026, 3, 11)

    resumption = resumes_after_observations(
        delivered, date.fromisoformat(filed) if filed else None, 10, NATIONAL
    )
    facts = days(suspensions=(Suspension(delivered, resumption),))

    assert resumption == date.fromisoformat(resumes)
    assert end_of(facts) == date.fromisoformat(end)


def test_the_term_for_observations_is_moved_off_a_saturday_where_the_call_says_so():
    delivered = date(2026, 3, 11)

    resumption = resumes_after_observations(delivered, None, 10, WITH_SATURDAYS)
    facts = days(suspensions=(Suspension(delivered, resumption),))
    term = compute(facts, WITH_SATURDAYS, today=LATER)

    assert resumption == date(2026, 3, 23)
    assert term.raw == date(2026, 5, 2)
    # A Saturday itself, so that on this calendar the term ends on the Monday.
    assert term.last_day == date(2026, 5, 4)
    assert end_of(facts) == date(2026, 5, 2)


def test_ten_days_after_observations_are_not_moved_off_a_holiday():
    delivered = date(2026, 3, 18)

    resumption = resumes_after_observations(delivered, date(2026, 3, 26), 10, NATIONAL)

    assert resumption == date(2026, 4, 5)  # Easter


@pytest.mark.parametrize(
    ("replied", "resumes", "suspended", "end"),
    [
        ("2026-02-19", "2026-02-19", 10, "2026-04-30"),
        (None, "2026-03-11", 30, "2026-05-20"),
        ("2026-03-12", "2026-03-11", 30, "2026-05-20"),
    ],
)
def test_a_request_for_papers_stops_the_clock_until_the_reply_and_thirty_days_at_most(
    replied, resumes, suspended, end
):
    delivered = date(2026, 2, 9)

    resumption = resumes_after_reply(
        delivered, date.fromisoformat(replied) if replied else None, days=30
    )
    facts = days(suspensions=(Suspension(delivered, resumption),))
    term = compute(facts, NATIONAL, today=LATER)

    assert resumption == date.fromisoformat(resumes)
    assert term.suspended_days == suspended
    assert term.last_day == date.fromisoformat(end)


def test_a_suspension_does_not_end_before_it_begins():
    with pytest.raises(ValueError, match="09/02/2026 cannot end before, on 08/02/2026"):
        stop("2026-02-09", "2026-02-08")


def test_a_suspension_is_not_limited_to_a_day_before_it_begins():
    with pytest.raises(ValueError, match="09/02/2026 cannot end before, on 08/02/2026"):
        stop("2026-02-09", at_most="2026-02-08")


def test_a_suspension_does_not_outlast_its_limit():
    with pytest.raises(ValueError, match="after 11/03/2026 cannot last until 12/03"):
        stop("2026-02-09", "2026-03-12", "2026-03-11")

    assert stop("2026-02-09", "2026-03-11", "2026-03-11").limit == date(2026, 3, 11)


def test_days_suspended_twice_are_added_once():
    overlapping = (stop("2026-03-11", "2026-03-28"), stop("2026-02-20", "2026-03-15"))

    term = compute(days(suspensions=overlapping), NATIONAL, today=LATER)

    assert term.suspended_days == 36
    assert term.raw == date(2026, 5, 26)


def test_suspended_days_are_added_before_the_end_is_moved_off_a_holiday():
    # 05/04 is Easter: moved first, the end would be the 8th.
    facts = days(30, date(2026, 3, 6), suspensions=(stop("2026-03-20", "2026-03-21"),))

    term = compute(facts, NATIONAL, today=LATER)

    assert term.raw == date(2026, 4, 6)
    assert term.last_day == date(2026, 4, 7)


def test_a_suspension_of_the_last_day_still_counts():
    facts = days(10, suspensions=(stop("2026-01-30", "2026-02-04"),))

    assert end_of(facts) == date(2026, 2, 4)


def test_a_suspension_after_the_last_day_changes_nothing():
    late = (stop("2026-01-31", "2026-02-04"), stop("2026-03-01"))

    term = compute(days(10, suspensions=late), NATIONAL, today=LATER)

    assert term.last_day == date(2026, 1, 30)
    assert (term.suspended_days, term.provisional) == (0, False)


def test_a_suspension_may_reach_a_term_that_an_earlier_one_has_lengthened():
    chain = (stop("2026-02-05", "2026-02-10"), stop("2026-01-30", "2026-02-04"))

    # The first goes to 04/02, and on 05/02 the clock has nothing left to stop.
    assert end_of(days(10, suspensions=chain)) == date(2026, 2, 4)
    # With one day more it reaches the second.
    assert end_of(days(11, suspensions=chain)) == date(2026, 2, 10)


def test_a_suspension_of_the_day_a_holiday_moved_the_end_to_lasts_to_its_own_end():
    # The count ends on Easter Sunday; the clock is stopped on Tuesday, the last day.
    facts = days(30, date(2026, 3, 6), suspensions=(stop("2026-04-07", "2026-04-10"),))

    term = compute(facts, NATIONAL, today=LATER)

    assert term.last_day == date(2026, 4, 10)
    assert term.suspended_days == 3


def test_a_suspension_before_the_start_counts_only_from_the_start():
    facts = days(10, suspensions=(stop("2026-01-10", "2026-01-22"), stop("2025-12-01")))

    closed_before = days(10, suspensions=(stop("2026-01-01", "2026-01-20"),))
    term = compute(facts, NATIONAL, today=date(2026, 1, 5))

    assert end_of(closed_before) == date(2026, 1, 30)
    assert term.suspended_days == 2
    assert term.last_day == date(2026, 2, 2)  # 01/02 is a Sunday


def test_an_open_suspension_is_counted_as_if_it_ended_today_and_says_so():
    facts = days(suspensions=(stop("2026-02-09"),))

    term = compute(facts, NATIONAL, today=date(2026, 2, 19))

    assert term.provisional
    assert term.suspended_days == 10
    assert term.last_day == date(2026, 4, 30)
    assert (
        Step(
            "term.suspension_open",
            "art. 2 c. 7 e art. 10-bis L. 241/1990",
            "the clock stopped on Mon 09/02/2026 and has not started again: "
            "reckoned as if it did after Thu 19/02/2026",
        )
        in term.steps
    )


def test_a_suspension_opened_today_is_provisional_before_it_adds_a_day():
    term = compute(
        days(suspensions=(stop("2026-02-09"),)), NATIONAL, today=date(2026, 2, 9)
    )

    assert term.provisional
    assert term.suspended_days == 0


def test_a_suspension_opened_on_the_last_day_is_provisional_that_very_day():
    last = date(2026, 1, 30)

    term = compute(days(10, suspensions=(stop("2026-01-30"),)), NATIONAL, today=last)

    assert term.provisional
    assert term.last_day == last


def test_an_open_suspension_that_is_still_to_come_adds_nothing_yet():
    facts = days(suspensions=(stop("2026-02-09"),))

    term = compute(facts, NATIONAL, today=date(2026, 1, 25))

    assert term.provisional
    assert term.suspended_days == 0
    assert "as if it did after Mon 09/02/2026" in term.steps[-2].text


@pytest.mark.parametrize(
    ("today", "suspended", "end", "provisional"),
    [
        ("2026-02-09", 0, "2026-04-20", True),
        ("2026-02-19", 10, "2026-04-30", True),
        ("2026-03-10", 29, "2026-05-19", True),
        ("2026-03-11", 30, "2026-05-20", True),  # the reply may still come today
        ("2026-03-12", 30, "2026-05-20", False),
        ("2027-03-12", 30, "2026-05-20", False),
    ],
)
def test_a_request_for_papers_that_nobody_answers_stops_the_clock_for_thirty_days(
    today, suspended, end, provisional
):
    delivered = date(2026, 2, 9)
    limit = resumes_after_reply(delivered, None, days=30)
    facts = days(suspensions=(Suspension(delivered, None, limit),))

    term = compute(facts, NATIONAL, today=date.fromisoformat(today))

    assert term.suspended_days == suspended
    assert term.last_day == date.fromisoformat(end)
    assert term.provisional is provisional
    assert term.resumes_at == datetime(2026, 3, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "resumes", "end"),
    [
        (NATIONAL, datetime(2026, 3, 21, 23, tzinfo=UTC), date(2026, 4, 30)),
        (WITH_SATURDAYS, datetime(2026, 3, 23, 23, tzinfo=UTC), date(2026, 5, 4)),
    ],
)
def test_a_notice_that_nobody_answers_stops_the_clock_to_the_end_of_the_ten_days(
    calendar, resumes, end
):
    delivered = date(2026, 3, 11)
    limit = resumes_after_observations(delivered, None, 10, calendar)
    facts = days(suspensions=(Suspension(delivered, None, limit),))

    term = compute(facts, calendar, today=LATER)

    assert term.resumes_at == resumes
    assert term.last_day == end
    assert not term.provisional


def test_a_clock_that_goes_on_in_the_night_of_a_change_does_so_at_midnight_in_rome():
    facts = days(suspensions=(stop("2026-03-19", at_most="2026-03-29"),))

    term = compute(facts, NATIONAL, today=date(2026, 3, 20))

    assert term.resumes_at == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_the_steps_say_when_a_stopped_clock_goes_on_by_itself():
    facts = days(suspensions=(stop("2026-02-09", at_most="2026-03-11"),))

    standing = compute(facts, NATIONAL, today=date(2026, 2, 19))
    over = compute(facts, NATIONAL, today=date(2026, 3, 12))

    law = "art. 2 c. 7 e art. 10-bis L. 241/1990"
    assert standing.steps[-2] == Step(
        "term.suspension_open",
        law,
        "the clock stopped on Mon 09/02/2026 and has not started again: reckoned as "
        "if it did after Thu 19/02/2026; it does so by itself after Wed 11/03/2026",
    )
    assert over.steps[-2] == Step(
        "term.suspension_limit",
        law,
        "the clock stopped on Mon 09/02/2026 went on by itself after Wed 11/03/2026: "
        "it may not stand still longer",
    )


@pytest.mark.parametrize(
    "suspensions",
    [
        (),
        (stop("2026-02-09"),),
        (stop("2026-02-09", "2026-02-19", "2026-03-11"),),
        (stop("2026-02-09", at_most="2026-03-11"), stop("2026-02-20")),
        (stop("2026-05-09", at_most="2026-06-08"),),  # after the end of the term
    ],
)
def test_a_clock_without_an_open_limited_stop_does_not_go_on_by_itself(suspensions):
    facts = days(suspensions=suspensions)

    assert compute(facts, NATIONAL, today=date(2026, 3, 1)).resumes_at is None


def test_of_two_open_stops_the_clock_goes_on_after_the_later_one():
    two = (
        stop("2026-02-09", at_most="2026-02-19"),
        stop("2026-02-16", at_most="2026-02-26"),
    )

    first = compute(days(suspensions=two), NATIONAL, today=date(2026, 2, 18))
    second = compute(days(suspensions=two), NATIONAL, today=date(2026, 2, 20))
    over = compute(days(suspensions=two), NATIONAL, today=date(2026, 2, 27))

    assert (first.suspended_days, first.provisional) == (9, True)
    assert (second.suspended_days, second.provisional) == (11, True)
    assert (over.suspended_days, over.provisional) == (17, False)
    resumed = datetime(2026, 2, 26, 23, tzinfo=UTC)
    assert first.resumes_at == second.resumes_at == over.resumes_at == resumed
    assert [step.rule for step in second.steps if "suspension_" in step.rule] == [
        "term.suspension_limit",
        "term.suspension_open",
    ]


def test_an_interrupted_term_begins_again_whole():
    facts = days(
        10,
        date(2025, 12, 22),
        restarts_on=date(2026, 3, 6),
        suspensions=(stop("2026-01-22", "2026-02-01"),),
    )

    term = compute(facts, NATIONAL, today=LATER)

    assert term.starts_on == date(2026, 3, 6)
    assert term.last_day == date(2026, 3, 16)
    assert (term.suspended_days, term.holidays) == (0, ())
    assert term.steps[0] == Step(
        "term.interrupted",
        "the act",
        "interrupted: the count of Mon 22/12/2025 begins again from "
        "Fri 06/03/2026, which is not counted",
    )


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        (days(10, extension_days=5), "2026-02-04"),
        (days(10, extension_months=1), "2026-02-28"),
        (months(1, date(2026, 1, 31), extension_months=1), "2026-03-31"),
        (months(1, date(2026, 1, 31), extension_days=2), "2026-03-02"),
    ],
)
def test_an_extension_lengthens_the_count(facts, end):
    assert end_of(facts) == date.fromisoformat(end)


def test_a_suspension_during_the_extension_counts():
    stopped = (stop("2026-02-02", "2026-02-04"),)

    assert end_of(days(10, suspensions=stopped)) == date(2026, 1, 30)
    assert end_of(days(10, suspensions=stopped, extension_days=5)) == date(2026, 2, 6)


# --- backwards, intervals ---


@pytest.mark.parametrize(
    ("day", "count", "last", "saturday"),
    [
        ("2026-03-05", 10, "2026-02-23", "2026-02-23"),
        ("2026-04-16", 10, "2026-04-04", "2026-04-03"),  # Easter Monday
        ("2026-03-31", 10, "2026-03-21", "2026-03-20"),  # a Saturday
    ],
)
def test_a_backward_term_goes_back_from_a_holiday(day, count, last, saturday):
    day = date.fromisoformat(day)

    assert backwards(day, count, NATIONAL) == date.fromisoformat(last)
    assert backwards(day, count, WITH_SATURDAYS) == date.fromisoformat(saturday)


def test_overlapping_and_touching_suspensions_are_one():
    stretches = [
        stop("2026-03-11", "2026-03-28"),
        stop("2026-02-01", "2026-02-10"),
        stop("2026-02-10", "2026-02-12"),
        stop("2026-02-03", "2026-02-05"),
        stop("2026-02-13", "2026-02-14"),
        stop("2026-02-20", "2026-02-20"),
    ]

    assert merged(stretches) == (
        stop("2026-02-01", "2026-02-12"),
        stop("2026-02-13", "2026-02-14"),
        stop("2026-03-11", "2026-03-28"),
    )


def test_of_open_suspensions_the_earliest_stays_apart():
    stretches = [
        stop("2026-03-01"),
        stop("2026-02-01"),
        stop("2026-02-15", "2026-02-20"),
    ]

    assert merged(stretches) == (stop("2026-02-15", "2026-02-20"), stop("2026-02-01"))


def test_of_open_suspensions_those_are_kept_that_may_last_longer():
    stretches = [
        stop("2026-02-10", at_most="2026-03-12"),
        stop("2026-02-01", at_most="2026-02-20"),
        stop("2026-02-05", at_most="2026-02-15"),
        stop("2026-02-01", at_most="2026-02-11"),
        stop("2026-04-01"),
        stop("2026-04-02", at_most="2026-04-30"),
    ]

    assert merged(stretches) == (
        stop("2026-02-01", at_most="2026-02-20"),
        stop("2026-02-10", at_most="2026-03-12"),
        stop("2026-04-01"),
    )


# --- explanation ---


def test_the_steps_can_be_redone_by_hand():
    facts = days(
        30,
        date(2026, 3, 6),
        extension_days=1,
        suspensions=(stop("2026-03-09", "2026-03-27"),),
    )

    term = compute(facts, NATIONAL, today=LATER)

    law, suspended = (
        "art. 2963 c.c.; art. 155 c.p.c.",
        "art. 2 c. 7 e art. 10-bis L. 241/1990",
    )
    assert term.steps == (
        Step(
            "term.start_excluded",
            law,
            "Fri 06/03/2026 starts the term and is not counted",
        ),
        Step("term.days", law, "30 days, holidays included, end on Sun 05/04/2026"),
        Step(
            "term.extended",
            "the act",
            "extended by 0 months and 1 days: Mon 06/04/2026",
        ),
        Step(
            "term.suspended",
            suspended,
            "the clock stood still after Mon 09/03/2026 and until Fri 27/03/2026, "
            "18 days: Fri 24/04/2026",
        ),
        Step(
            "term.last_instant",
            "Cons. Stato 8546/2024",
            "Fri 24/04/2026 is counted to its end, 23:59:59 in Rome",
        ),
    )
    assert term.edition == NATIONAL.edition
    assert term.holidays == (date(2026, 4, 5), date(2026, 4, 6))


def test_what_was_computed_is_explained_again_with_the_list_of_then():
    # The list of a day on which 7 April was thought to be a holiday.
    of_then = frozen_calendar(
        "holidays 0.1 IT",
        [date(2026, 4, 6), date(2026, 4, 7)],
        roll_saturday=False,
        first=date(2026, 3, 6),
        last=date(2026, 4, 8),
    )

    term = compute(days(30, date(2026, 3, 6)), of_then, today=LATER)

    assert term.last_day == date(2026, 4, 8)
    assert term.edition == "holidays 0.1 IT"
    assert "Tue 07/04/2026 not working (holidays 0.1 IT)" in term.steps[-2].text


def test_the_steps_say_which_days_the_end_was_moved_off():
    term = compute(days(30, date(2026, 3, 6)), NATIONAL, today=LATER)

    assert term.steps[-2] == Step(
        "term.moved_off_holiday",
        "art. 2963 c.c.; art. 155 c.p.c.",
        f"Sun 05/04/2026, Mon 06/04/2026 not working ({NATIONAL.edition}): "
        f"moved to Tue 07/04/2026",
    )


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("2026-01-28", "1 months by the calendar end on Sat 28/02/2026"),
        (
            "2026-01-31",
            "1 months by the calendar end on Sat 28/02/2026, a month without a day 31",
        ),
    ],
)
def test_the_steps_say_when_a_month_is_too_short(start, text):
    term = compute(months(1, date.fromisoformat(start)), NATIONAL, today=LATER)

    assert term.steps[1] == Step("term.months", "art. 2963 c.c.; art. 155 c.p.c.", text)


def test_the_window_of_the_call_is_as_long_as_the_notice_says():
    opens = compute(
        days(fixed=datetime(2026, 1, 20, 10, tzinfo=ROME)), NATIONAL, today=LATER
    )
    closes = compute(
        days(fixed=datetime(2026, 3, 5, 16, tzinfo=ROME)), NATIONAL, today=LATER
    )

    assert closes.due_at - opens.due_at == timedelta(seconds=3_823_200)


@pytest.mark.parametrize(
    ("published", "last", "told"),
    [
        (date(2024, 12, 16), date(2026, 6, 16), "is not after it, and stays the end"),
        (date(2025, 1, 20), date(2026, 6, 30), "it comes before Mon 20/07/2026"),
    ],
)
def test_a_plan_ends_with_its_months_or_on_the_latest_day_whichever_comes_first(
    published, last, told
):
    eighteen = TermFacts(published, 18, Counting.MONTHS, not_after=date(2026, 6, 30))

    computed = compute(eighteen, NATIONAL, today=LATER)

    assert computed.last_day == last
    (both,) = [step for step in computed.steps if step.rule == "term.latest_day"]
    assert "the call sets Tue 30/06/2026 as the latest day" in both.text
    assert told in both.text
