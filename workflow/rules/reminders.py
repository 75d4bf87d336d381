"""Tell when somebody is reminded of a term before its end."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import NamedTuple

from models.vocabulary import TermStatus
from workflow.rules.calendar import civil_day, hour_of_day

HOUR = time(9)
"""In Rome, on the day: when an office opens."""


class Reminder(NamedTuple):
    """A reminder (*promemoria*) so many days before the end of a term."""

    days: int
    at: datetime


def next_reminder(
    due_at: datetime, days: Iterable[int], reminded: int | None
) -> Reminder | None:
    """Return the first reminder of a term that is still to come, if there is one.

    *reminded* is for how many days before the end the last one was: none follows for
    as many, or more, also if the end has moved on since. On the day of an end that
    comes before the hour of reminders there is none.
    """
    left = (
        Reminder(number, _at(due_at, number))
        for number in days
        if reminded is None or number < reminded
    )
    return max((one for one in left if one.at < due_at), default=None)


def too_late_for(
    due_at: datetime, days: Iterable[int], reminded: int | None, now: datetime
) -> int | None:
    """Return for how many days before the end, or more, no reminder follows any more.

    Those whose instant has passed when a term starts, or when it goes on, are left out.
    """
    passed = [number for number in days if _at(due_at, number) <= now]
    known = [] if reminded is None else [reminded]
    return min((*passed, *known), default=None)


def is_of_no_use(status: TermStatus, due_at: datetime, now: datetime) -> bool:
    """Tell whether a reminder comes too late: its term is over, or stands still."""
    return status is not TermStatus.RUNNING or due_at < now


def _at(due_at: datetime, days: int) -> datetime:
    return hour_of_day(civil_day(due_at) - timedelta(days=days), HOUR)
