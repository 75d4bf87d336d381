"""Tell when a term ends, and by which steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from models.vocabulary import Counting
from workflow.rules.calendar import (
    ONE_DAY,
    ROME,
    Calendar,
    civil_day,
    end_of_day,
    hour_of_day,
    italian_date,
    months_later,
    start_of_day,
)
from workflow.rules.steps import Step

COUNTING_LAW = "art. 2963 c.c.; art. 155 c.p.c."
SUSPENSION_LAW = "art. 2 c. 7 e art. 10-bis L. 241/1990"
HOUR_LAW = "Cons. Stato 8546/2024"
LONGEST_SUSPENSION = 30
"""Days: the law allows no more, whatever a call says (art. 2 c. 7 L. 241/1990)."""

ACT = "the act"
CALL = "the call"
ONE_SECOND = timedelta(seconds=1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Suspension:
    """A stretch in which the clock of a term stands still (*sospensione*)."""

    first: date
    """The day of the fact that stops the clock; it is still counted."""
    until: date | None
    """The clock goes on after this day; None while nobody knows when."""
    at_most: date | None = None
    """The clock goes on after this day by itself; None if it never does.

    The thirty days of art. 2 c. 7, or the ten for observations of art. 10-bis, which
    whoever files them replaces: then the clock stands still for ten days more.
    """

    def __post_init__(self) -> None:
        """Refuse a suspension that would give days back, or pass its own limit.

        Cutting it at the limit would hide a day that was reckoned wrongly:
        `resumes_after_reply` and `resumes_after_observations` know better.
        """
        for end in (self.until, self.at_most):
            if end is not None and end < self.first:
                raise ValueError(
                    f"a suspension of {italian_date(self.first)} cannot end before, "
                    f"on {italian_date(end)}"
                )
        if self.until is not None and self.until > self.limit:
            raise ValueError(
                f"a suspension that ends by itself after {italian_date(self.limit)} "
                f"cannot last until {italian_date(self.until)}"
            )

    @property
    def limit(self) -> date:
        """The day after which it is over, whatever happens."""
        return self.at_most or date.max


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
    until: time | None = None
    """The hour of the last day, in Rome, at which it ends; else with the day."""
    not_after: date | None = None
    """A day set by the call, on which it ends at the latest: it is not moved."""

    def __post_init__(self) -> None:
        """Refuse to suspend or extend what is not counted, or give it two hours."""
        if self.fixed is not None and (self.until or self.not_after):
            raise ValueError("a fixed instant has its hour already, and its day")
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
    over_at: datetime
    """The first instant at which it is over, in UTC: see `over_from`."""
    suspended_days: int
    rolled_by: int
    steps: tuple[Step, ...]
    provisional: bool
    """An open suspension was counted as if it ended on the day of the reckoning."""
    resumes_at: datetime | None
    """When a clock that nobody sets going again goes on by itself, in UTC.

    It stays, and may be past, until the end of the suspension is recorded; None if
    no suspension is open, or one of them has no limit.
    """
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
    stretches = merged(facts.suspensions)
    raw = _counted_end(facts, start)
    steps = [_start_step(facts), _count_step(facts, start)]
    if facts.extension_months or facts.extension_days:
        steps.append(_extension_step(facts, raw))
    suspended = 0
    for first, until in _stops(stretches, start, today):
        if first > calendar.first_working_from(raw):
            break  # the term was over: the clock had nothing left to stop
        suspended += (until - first).days
        # A clock stopped on the day a holiday had moved the end to has no day
        # left, and a term does not end while its clock stands still.
        raw = max(raw + (until - first), until)
        steps.append(_suspension_step(first, until, raw))
    last = calendar.first_working_from(raw)
    opened = [s for s in stretches if s.until is None and s.first <= last]
    standing = [s for s in opened if today <= s.limit]
    steps += [_limit_step(s.first, s.limit) for s in opened if today > s.limit]
    if standing:
        steps.append(_open_step(standing[0].first, today, standing[-1].at_most))
    if last > raw:
        steps.append(_roll_step(raw, last, calendar))
    if facts.not_after is not None:
        steps.append(_latest_step(last, facts.not_after))
        last = min(last, facts.not_after)
    due_at = _last_instant(last, facts.until)
    return ComputedTerm(
        starts_on=start,
        raw=raw,
        last_day=last,
        due_at=due_at,
        over_at=over_from(due_at, facts.until),
        suspended_days=suspended,
        rolled_by=max(0, (last - raw).days),
        steps=(*steps, _end_step(last, due_at, facts.until)),
        provisional=bool(standing),
        resumes_at=_after(opened[-1].at_most) if opened else None,
        edition=calendar.edition,
        holidays=calendar.between(start, last),
    )


def over_from(due_at: datetime, until: time | None) -> datetime:
    """Return the first instant at which a term is over.

    An instant equal to the last one is in time. A day ends with the whole of its
    last second. An hour ends as it strikes: what comes a fraction of a second
    later is late (Cons. Stato 8546/2024).
    """
    return due_at + (ONE_SECOND if until is None else datetime.resolution)


def escalates_from(due_at: datetime, days: int) -> datetime:
    """Return the first instant at which the manager is told of a missed term.

    *Potere sostitutivo* (art. 2 c. 9-bis L. 241/1990): whole days after the end, at
    none the day of the end is over all the same. It is no term for anybody, so
    that a holiday does not move it.
    """
    return start_of_day(civil_day(due_at) + timedelta(days=days) + ONE_DAY)


def merged(suspensions: Iterable[Suspension]) -> tuple[Suspension, ...]:
    """Return the same stretches without overlaps, so that no day counts twice.

    Open ones stay apart, at the end: how far they reach is not known. Each of them
    begins later and may last longer than the one before.
    """
    stretches = tuple(suspensions)
    known = _union((s.first, s.until) for s in stretches if s.until is not None)
    opened: list[Suspension] = []
    for one in sorted(stretches, key=lambda s: (s.first, date.max - s.limit)):
        if one.until is None and (not opened or one.limit > opened[-1].limit):
            opened.append(one)
    return (*(Suspension(first, until) for first, until in known), *opened)


def resumes_after_reply(delivered: date, replied: date | None, *, days: int) -> date:
    """Return the day after which a clock stopped for papers goes on.

    With the reply, or by itself after *days* (30 in art. 2 c. 7 L. 241/1990). A
    holiday does not move it: it is a limit to the office, and nobody acts on it.
    """
    limit = delivered + timedelta(days=min(days, LONGEST_SUSPENSION))
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
    known = (
        (s.first, s.until or max(s.first, min(today, s.limit))) for s in suspensions
    )
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


def _last_instant(last: date, until: time | None) -> datetime:
    # A counted term never ends on a night in which the clocks change: that is
    # always a Sunday. The calendar could change; the answer is there all the same.
    return end_of_day(last) if until is None else hour_of_day(last, until)


def _after(day: date | None) -> datetime | None:
    return None if day is None else start_of_day(day + ONE_DAY)


def _fixed(starts_on: date, instant: datetime, edition: str) -> ComputedTerm:
    day = civil_day(instant)
    return ComputedTerm(
        starts_on=starts_on,
        raw=day,
        last_day=day,
        due_at=instant.astimezone(UTC),
        over_at=instant.astimezone(UTC) + datetime.resolution,
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
        resumes_at=None,
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


def _limit_step(first: date, limit: date) -> Step:
    return Step(
        "term.suspension_limit",
        SUSPENSION_LAW,
        f"the clock stopped on {_named(first)} went on by itself after "
        f"{_named(limit)}: it may not stand still longer",
    )


def _open_step(first: date, today: date, limit: date | None) -> Step:
    text = (
        f"the clock stopped on {_named(first)} and has not started again: "
        f"reckoned as if it did after {_named(max(first, today))}"
    )
    if limit is not None:
        text += f"; it does so by itself after {_named(limit)}"
    return Step("term.suspension_open", SUSPENSION_LAW, text)


def _roll_step(raw: date, last: date, calendar: Calendar) -> Step:
    skipped = (raw + timedelta(days=n) for n in range((last - raw).days))
    return Step(
        "term.moved_off_holiday",
        COUNTING_LAW,
        f"{', '.join(_named(day) for day in skipped)} not working ({calendar.edition}):"
        f" moved to {_named(last)}",
    )


def _latest_step(last: date, latest: date) -> Step:
    text = f"the call sets {_named(latest)} as the latest day: "
    if last > latest:
        text += f"it comes before {_named(last)}, and is the end"
    else:
        text += f"{_named(last)} is not after it, and stays the end"
    return Step("term.latest_day", CALL, text)


def _end_step(last: date, due_at: datetime, until: time | None) -> Step:
    if until is None:
        text = f"{_named(last)} is counted to its end, 23:59:59 in Rome"
        return Step("term.last_instant", HOUR_LAW, text)
    text = (
        f"{_named(last)} is counted until {due_at.astimezone(ROME):%H:%M:%S} in Rome, "
        f"as set: what comes later is late"
    )
    return Step("term.last_hour", f"{CALL}; {HOUR_LAW}", text)


def _named(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {italian_date(day)}"
