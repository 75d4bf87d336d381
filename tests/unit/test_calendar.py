import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest

from workflow.rules.calendar import (
    ROME,
    civil_day,
    end_of_day,
    frozen_calendar,
    hour_of_day,
    italian_calendar,
    italian_date,
    months_later,
    start_of_day,
)

NATIONAL = italian_calendar(2024, 2028)


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01",
        "2026-01-06",
        "2026-04-06",  # Easter Monday
        "2026-04-25",
        "2026-05-01",
        "2026-06-02",
        "2026-08-15",
        "2026-10-04",
        "2027-10-04",  # a Monday
        "2026-11-01",
        "2026-12-08",
        "2026-12-25",
        "2026-12-26",
        "2026-03-22",  # any Sunday
    ],
)
def test_a_national_holiday_is_not_a_working_day(day):
    assert not NATIONAL.is_working(date.fromisoformat(day))


@pytest.mark.parametrize(
    "day",
    [
        "2025-10-04",  # the year before it became a holiday
        "2024-10-04",
        "2026-03-19",  # abolished by L. 54/1977, as the four below
        "2026-05-14",
        "2026-06-04",
        "2026-06-29",
        "2026-11-04",
        "2026-12-07",  # of Milan, not of the nation
        "2026-03-21",  # any Saturday
    ],
)
def test_a_day_that_is_no_national_holiday_is_a_working_day(day):
    assert NATIONAL.is_working(date.fromisoformat(day))


def test_a_saturday_is_not_a_working_day_where_the_call_says_so():
    calendar = italian_calendar(2026, 2026, roll_saturday=True)

    assert not calendar.is_working(date(2026, 3, 21))
    assert not calendar.is_working(date(2026, 3, 22))
    assert calendar.is_working(date(2026, 3, 23))


def test_a_local_holiday_counts_where_the_call_names_it():
    calendar = italian_calendar(2025, 2026, local=["12-07"])

    assert not calendar.is_working(date(2026, 12, 7))
    assert calendar.edition == f"{NATIONAL.edition} + 12-07"


@pytest.mark.parametrize("text", ["13-01", "02-30", "7 December", "12-07-01", "x-y"])
def test_a_local_holiday_that_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match="write a local holiday as MM-DD"):
        italian_calendar(2026, 2026, local=[text])


def test_a_year_outside_the_calendar_is_refused_rather_than_guessed():
    calendar = italian_calendar(2026, 2026)

    for day in (date(2025, 12, 31), date(2027, 1, 1)):
        with pytest.raises(ValueError, match="goes from 01/01/2026 to 31/12/2026"):
            calendar.is_working(day)


def test_the_edition_names_the_package_and_its_version():
    name, version, country = NATIONAL.edition.split()

    assert (name, country) == ("holidays", "IT")
    assert version[0].isdigit()


def test_the_same_calendar_is_built_once():
    built = italian_calendar(2024, 2028)

    assert italian_calendar(2024, 2028, local=iter(())) is built


def test_a_frozen_calendar_knows_the_holidays_it_was_given_and_no_others():
    calendar = frozen_calendar(
        "holidays 0.1 IT",
        [date(2026, 4, 6)],
        roll_saturday=False,
        first=date(2026, 3, 6),
        last=date(2026, 5, 1),
    )

    assert calendar.edition == "holidays 0.1 IT"
    assert calendar.first_working_from(date(2026, 4, 5)) == date(2026, 4, 7)
    assert calendar.is_working(date(2026, 5, 1))  # a holiday in today's list
    assert calendar.is_working(date(2026, 4, 4))  # a Saturday


def test_a_frozen_calendar_moves_off_saturdays_if_the_call_did():
    calendar = frozen_calendar(
        "holidays 0.1 IT",
        [],
        roll_saturday=True,
        first=date(2026, 4, 1),
        last=date(2026, 4, 30),
    )

    assert calendar.first_working_from(date(2026, 4, 4)) == date(2026, 4, 6)


@pytest.mark.parametrize("day", ["2026-03-05", "2026-05-02"])
def test_a_frozen_calendar_refuses_to_tell_about_other_days(day):
    calendar = frozen_calendar(
        "holidays 0.1 IT",
        [],
        roll_saturday=False,
        first=date(2026, 3, 6),
        last=date(2026, 5, 1),
    )

    with pytest.raises(ValueError, match="goes from 06/03/2026 to 01/05/2026"):
        calendar.is_working(date.fromisoformat(day))


def test_the_package_of_holidays_is_not_loaded_until_a_calendar_is_built():
    code = "import sys, workflow.rules.terms; print('holidays' in sys.modules)"

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout == "False\n"


def test_the_nearest_working_day_is_the_day_itself_when_it_is_one():
    saturday = date(2026, 4, 4)

    assert NATIONAL.first_working_from(saturday) == saturday
    assert NATIONAL.last_working_until(saturday) == saturday


def test_easter_is_moved_past_easter_monday_and_back_to_the_saturday():
    easter = date(2026, 4, 5)

    assert NATIONAL.first_working_from(easter) == date(2026, 4, 7)
    assert NATIONAL.last_working_until(easter) == date(2026, 4, 4)


def test_holidays_between_two_days_come_in_order_with_both_ends():
    days = NATIONAL.between(date(2026, 12, 8), date(2026, 12, 26))

    assert days == (date(2026, 12, 8), date(2026, 12, 25), date(2026, 12, 26))


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-01-20T22:59:59+00:00", "2026-01-20"),
        ("2026-01-20T23:00:00+00:00", "2026-01-21"),
        ("2026-07-20T21:59:59+00:00", "2026-07-20"),
        ("2026-07-20T22:00:00+00:00", "2026-07-21"),
        ("2026-01-20T23:30:00-05:00", "2026-01-21"),
        ("2025-12-31T23:30:00+00:00", "2026-01-01"),
    ],
)
def test_the_civil_day_is_the_one_in_rome(instant, day):
    assert civil_day(datetime.fromisoformat(instant)) == date.fromisoformat(day)


def test_an_instant_without_an_offset_has_no_civil_day():
    with pytest.raises(ValueError, match="has no offset"):
        civil_day(datetime.fromisoformat("2026-01-20T10:00:00"))


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        ("2026-01-30", "2026-01-30T22:59:59+00:00"),
        ("2026-07-30", "2026-07-30T21:59:59+00:00"),
        ("2026-03-28", "2026-03-28T22:59:59+00:00"),
        ("2026-03-29", "2026-03-29T21:59:59+00:00"),
        ("2026-10-24", "2026-10-24T21:59:59+00:00"),
        ("2026-10-25", "2026-10-25T22:59:59+00:00"),
    ],
)
def test_a_day_ends_at_its_last_second_in_rome(day, instant):
    end = end_of_day(date.fromisoformat(day))

    assert end == datetime.fromisoformat(instant)
    assert end.tzinfo is UTC
    assert end.astimezone(ROME).strftime("%H:%M:%S") == "23:59:59"


@pytest.mark.parametrize(
    "day", ["2026-01-30", "2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"]
)
def test_a_day_begins_when_the_one_before_is_over(day):
    today = date.fromisoformat(day)
    yesterday = today - timedelta(days=1)

    start = start_of_day(today)

    assert start == end_of_day(yesterday) + timedelta(seconds=1)
    assert start.tzinfo is UTC
    assert start.astimezone(ROME).strftime("%H:%M:%S") == "00:00:00"


@pytest.mark.parametrize(
    ("day", "hour", "instant"),
    [
        ("2026-01-30", "12:00", "2026-01-30T11:00:00+00:00"),
        ("2026-07-30", "12:00", "2026-07-30T10:00:00+00:00"),
        ("2026-03-29", "01:59", "2026-03-29T00:59:00+00:00"),
        ("2026-03-29", "02:00", "2026-03-29T01:00:00+00:00"),  # 03:00, an hour on
        ("2026-03-29", "02:30", "2026-03-29T01:30:00+00:00"),  # 03:30
        ("2026-03-29", "03:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25", "01:59", "2026-10-24T23:59:00+00:00"),
        ("2026-10-25", "02:00", "2026-10-25T01:00:00+00:00"),  # the second of two
        ("2026-10-25", "02:30", "2026-10-25T01:30:00+00:00"),
        ("2026-10-25", "03:00", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_an_hour_that_the_clocks_skip_or_strike_twice_is_the_later_one(
    day, hour, instant
):
    found = hour_of_day(date.fromisoformat(day), time.fromisoformat(hour))

    assert found == datetime.fromisoformat(instant)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_the_days_on_which_the_clocks_change_keep_their_length(day, hours):
    today = date.fromisoformat(day)
    yesterday = today - timedelta(days=1)

    assert end_of_day(today) - end_of_day(yesterday) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-11-30", 13, "2027-12-30"),
        ("2026-05-31", 12, "2027-05-31"),
        ("2028-02-29", -36, "2025-02-28"),
        ("2026-01-10", -1, "2025-12-10"),
        ("2026-05-31", 0, "2026-05-31"),
    ],
)
def test_months_follow_the_calendar_and_stop_at_the_end_of_a_short_one(
    day, months, later
):
    assert months_later(date.fromisoformat(day), months) == date.fromisoformat(later)


def test_a_day_is_written_as_acts_write_it():
    assert italian_date(date(2026, 4, 7)) == "07/04/2026"
