"""Tell when a term ends, and by which steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from models.vocabulary import Counting
from workflow.rules.calendar import (
    ROME,
    Calendar,
    civil_day,
    end_of_day,
    italian_date,
    months_later,
)
from workflow.rules.steps import Step

COUNTING_LAW = "art. 2963 c.c.; art. 155 c.p.c."
SUSPENSION_LAW = "art. 2 c. 7 e art. 10-bis L. 241/1990"
ACT = "the act"
CALL = "the call"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Suspension:
    """A stretch in which the clock of a term stands still (*sospensione*)."""

    first: date
    """The day of the fact that stops the clock; it is still counted."""
    until: date | None
    """The clock goes on after this day; None while nobody knows when."""

    def __post_init__(self) -> None:
        """Refuse a suspension that would give days back."""
        if self.until is not None and self.until < self.first:
            raise ValueError(
                f"a suspension of {italian_date(self.first)} cannot end before, "
                f"on {italian_date(self.until)}"
            )


@dataclass(frozen=True, slots=True)
class TermFacts:
    """What is known about a term (*termine*), before any reckoning."""

    starts_on: date
    """*Dies a quo*: not counted."""
    count: int
    counting: Counting
    suspensions: tuple[Suspension, ...] = ()
    restarts_on: date | None = None
    """*Interruzione*: the whole count begins again from this day, not counted."""
    extension_days: int = 0
    extension_months: int = 0
    """*Proroga*, by an act."""
    fixed: datetime | None = None
    """A date and hour set by the call: nothing is counted then."""

    def __post_init__(self) -> None:
        """Refuse to suspend or extend what is not counted."""
        stretched = self.suspensions or self.extension_days or self.extension_months
        if self.fixed is not None and (stretched or self.restarts_on):
            raise ValueError(
                "a fixed instant is not counted, so that it is neither suspended, "
                "interrupted nor extended: an act sets another one"
            )


@dataclass(frozen=True, slots=True)
class ComputedTerm:
    """Where a term ends (*scadenza*), with the calculation that says so."""

    starts_on: date
    """The day the count begins from, after an interruption if there was one."""
    raw: date
    """Where the count ends, suspensions and extensions included."""
    last_day: date
    """*Dies ad quem*: `raw`, moved to a working day."""
    due_at: datetime
    """The last useful instant, in UTC."""
    suspended_days: int
    rolled_by: int
    steps: tuple[Step, ...]
    provisional: bool
    """An open suspension was counted as if it ended on the day of the reckoning."""
    edition: str
    """The calendar that was used."""
    holidays: tuple[date, ...]
    """The holidays it lists between the first day and the last."""


@lru_cache(maxsize=256)
def compute(facts: TermFacts, calendar: Calendar, *, today: date) -> ComputedTerm:
    """Compute the end of a term (*computo dei termini*, art. 2963 c.c.).

    The starting day is not counted and the last one is. What stops the clock or
    gives more time is added first and the end is moved off a holiday once, at the
    last: moving it before would give the moved days twice.
    """
    if facts.fixed is not None:
        return _fixed(facts.starts_on, facts.fixed, calendar.edition)
    start = facts.restarts_on or facts.starts_on
    raw = _counted_end(facts, start)
    steps = [_start_step(facts), _count_step(facts, start)]
    if facts.extension_months or facts.extension_days:
        steps.append(_extension_step(facts, raw))
    suspended = 0
    for first, until in _stops(facts.suspensions, start, today):
        if first > calendar.first_working_from(raw):
            break  # the term was over: the clock had nothing left to stop
        suspended += (until - first).days
        # A clock stopped on the day a holiday had moved the end to has no day
        # left, and a term does not end while its clock stands still.
        raw = max(raw + (until - first), until)
        steps.append(_suspension_step(first, until, raw))
    last = calendar.first_working_from(raw)
    opened = [s.first for s in facts.suspensions if s.until is None and s.first <= last]
    if opened:
        steps.append(_open_step(min(opened), today))
    if last > raw:
        steps.append(_roll_step(raw, last, calendar))
    return ComputedTerm(
        starts_on=start,
        raw=raw,
        last_day=last,
        due_at=end_of_day(last),
        suspended_days=suspended,
        rolled_by=(last - raw).days,
        steps=(*steps, _end_step(last)),
        provisional=bool(opened),
        edition=calendar.edition,
        holidays=calendar.between(start, last),
    )


def merged(suspensions: Iterable[Suspension]) -> tuple[Suspension, ...]:
    """Return the same stretches without overlaps, so that no day counts twice.

    An open one stays by itself, at the end: how far it reaches is not known.
    """
    stretches = tuple(suspensions)
    known = _union((s.first, s.until) for s in stretches if s.until is not None)
    opened = sorted(s.first for s in stretches if s.until is None)
    return (
        *(Suspension(first, until) for first, until in known),
        *(Suspension(first, None) for first in opened[:1]),
    )


def may_suspend(earlier: Iterable[Suspension], *, at_most: int = 1) -> bool:
    """Tell whether the office may stop its clock for papers once more.

    *Sospensione per acquisizione di informazioni*: once only, whatever the papers
    (art. 2 c. 7 L. 241/1990). Pass the suspensions of this kind, not the others.
    """
    return len(tuple(earlier)) < at_most


def resumes_after_reply(delivered: date, replied: date | None, *, days: int) -> date:
    """Return the day after which a clock stopped for papers goes on.

    With the reply, or by itself after *days* (30 in art. 2 c. 7 L. 241/1990). A
    holiday does not move it: it is a limit to the office, and nobody acts on it.
    """
    limit = delivered + timedelta(days=days)
    return limit if replied is None else min(replied, limit)


def resumes_after_observations(
    delivered: date, filed: date | None, days: int, calendar: Calendar
) -> date:
    """Return the day after which a notice of refusal lets the clock go on.

    Ten days after the observations (*osservazioni*), or at the end of the ten days
    for filing them (art. 10-bis L. 241/1990). The term for filing them is moved off
    holidays; the ten days after it are not a term for anybody. Observations filed
    late do not stop the clock again.
    """
    last = calendar.first_working_from(delivered + timedelta(days=days))
    if filed is None or filed > last:
        return last
    return filed + timedelta(days=days)


def backwards(day: date, days: int, calendar: Calendar) -> date:
    """Return the last day for acting at least *days* before *day*.

    *Termine a ritroso*: on a holiday it ends earlier, not later.
    """
    return calendar.last_working_until(day - timedelta(days=days))


def _counted_end(facts: TermFacts, start: date) -> date:
    # Months of an extension are added to those of the term, from the same day:
    # one at a time, 31/01 would lose its 31 in February and not find it again.
    end = start
    months = facts.extension_months
    if facts.counting is Counting.DAYS:
        end += timedelta(days=facts.count)
    else:
        months += facts.count
    return months_later(end, months) + timedelta(days=facts.extension_days)


def _stops(
    suspensions: Iterable[Suspension], start: date, today: date
) -> list[tuple[date, date]]:
    """Return the stretches after *start*, an open one as if it ended *today*."""
    known = ((s.first, s.until or max(s.first, today)) for s in suspensions)
    return _union((max(first, start), max(until, start)) for first, until in known)


def _union(stretches: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    union: list[tuple[date, date]] = []
    for first, until in sorted(stretches):
        if first == until:
            continue
        if union and first <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], until))
        else:
            union.append((first, until))
    return union


def _fixed(starts_on: date, instant: datetime, edition: str) -> ComputedTerm:
    day = civil_day(instant)
    return ComputedTerm(
        starts_on=starts_on,
        raw=day,
        last_day=day,
        due_at=instant.astimezone(UTC),
        suspended_days=0,
        rolled_by=0,
        steps=(
            Step(
                "term.fixed",
                CALL,
                f"{_named(day)}, {instant.astimezone(ROME):%H:%M:%S} in Rome, as set: "
                f"a fixed instant is not moved off a holiday",
            ),
        ),
        provisional=False,
        edition=edition,
        holidays=(),
    )


def _start_step(facts: TermFacts) -> Step:
    if facts.restarts_on is None:
        text = f"{_named(facts.starts_on)} starts the term and is not counted"
        return Step("term.start_excluded", COUNTING_LAW, text)
    return Step(
        "term.interrupted",
        ACT,
        f"interrupted: the count of {_named(facts.starts_on)} begins again from "
        f"{_named(facts.restarts_on)}, which is not counted",
    )


def _count_step(facts: TermFacts, start: date) -> Step:
    if facts.counting is Counting.DAYS:
        end = start + timedelta(days=facts.count)
        text = f"{facts.count} days, holidays included, end on {_named(end)}"
        return Step("term.days", COUNTING_LAW, text)
    end = months_later(start, facts.count)
    lacking = "" if end.day == start.day else f", a month without a day {start.day}"
    text = f"{facts.count} months by the calendar end on {_named(end)}{lacking}"
    return Step("term.months", COUNTING_LAW, text)


def _extension_step(facts: TermFacts, raw: date) -> Step:
    return Step(
        "term.extended",
        ACT,
        f"extended by {facts.extension_months} months and {facts.extension_days} "
        f"days: {_named(raw)}",
    )


def _suspension_step(first: date, until: date, raw: date) -> Step:
    return Step(
        "term.suspended",
        SUSPENSION_LAW,
        f"the clock stood still after {_named(first)} and until {_named(until)}, "
        f"{(until - first).days} days: {_named(raw)}",
    )


def _open_step(first: date, today: date) -> Step:
    return Step(
        "term.suspension_open",
        SUSPENSION_LAW,
        f"the clock stopped on {_named(first)} and has not started again: "
        f"reckoned as if it did after {_named(max(first, today))}",
    )


def _roll_step(raw: date, last: date, calendar: Calendar) -> Step:
    skipped = (raw + timedelta(days=n) for n in range((last - raw).days))
    return Step(
        "term.moved_off_holiday",
        COUNTING_LAW,
        f"{', '.join(_named(day) for day in skipped)} not working ({calendar.edition}):"
        f" moved to {_named(last)}",
    )


def _end_step(last: date) -> Step:
    text = f"{_named(last)} is counted to its end, 23:59:59 in Rome"
    return Step("term.last_instant", "Cons. Stato 8546/2024", text)


def _named(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {italian_date(day)}"
