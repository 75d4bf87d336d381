"""How long does it take to reckon anew all the terms of an application?

Run by `make bench`, or as `python benchmarks/terms.py [--quick] [--check]`.
Pure code: nothing is read, and the memory of what was reckoned before is emptied
each time. Beside it stands a bare loop with the same dates: it adds days or months
and looks for the next day that is no holiday, and says nothing of how.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from benchmarks.figures import Line, Target, parser, show, surroundings
from models.vocabulary import Counting, TermKind
from tests.builders import OPENING, ctl
from workflow.rules import terms
from workflow.rules.calendar import (
    SUNDAY,
    Calendar,
    civil_day,
    end_of_day,
    italian_calendar,
    months_later,
)
from workflow.rules.terms import Suspension, TermFacts

A_MILLISECOND = Target(ceiling=1_000)
"""In microseconds."""
DAY = timedelta(days=1)

KINDS = (
    TermKind.CONCLUSION,
    TermKind.FORMAL_CHECK,
    TermKind.COMPLETION,
    TermKind.MERIT,
    TermKind.AID_REGISTRY,
    TermKind.DURATION,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    applications: int
    """Reckoned in one run, each filed on another day."""
    runs: int


THOROUGH = Plan(applications=365, runs=21)
QUICK = Plan(applications=60, runs=5)

Files = Sequence[Sequence[TermFacts]]


def files(count: int) -> Files:
    """Return what the terms of some applications are reckoned from."""
    opened = civil_day(OPENING)
    return [_terms(opened + number * DAY) for number in range(count)]


def _terms(filed: date) -> list[TermFacts]:
    """Return the terms of a file that was asked for papers while it was reviewed."""
    asked = Suspension(filed + 9 * DAY, filed + 17 * DAY)
    return [
        TermFacts(
            starts_on=filed + place * 7 * DAY,
            count=ctl().terms[kind].count,
            counting=ctl().terms[kind].counting,
            suspensions=(asked,) if kind is TermKind.CONCLUSION else (),
        )
        for place, kind in enumerate(KINDS)
    ]


def reckoned(all_files: Files, calendar: Calendar) -> None:
    """Reckon every term with its steps."""
    for facts in all_files:
        terms.compute.cache_clear()
        for one in facts:
            terms.compute(one, calendar, today=one.starts_on)


def bare(all_files: Files, calendar: Calendar) -> None:
    """Find the same ends."""
    for facts in all_files:
        for one in facts:
            days = one.counting is Counting.DAYS
            end = (
                one.starts_on + one.count * DAY
                if days
                else months_later(one.starts_on, one.count)
            )
            for still in one.suspensions:
                if still.until is not None:
                    end += still.until - still.first
            while end.weekday() == SUNDAY or end in calendar.holidays:
                end += DAY
            end_of_day(end)


def measure(plan: Plan) -> bool:
    """Measure, and tell whether the target was met."""
    start = civil_day(OPENING).year
    calendar, all_files = italian_calendar(start, start + 20), files(plan.applications)
    ours, theirs = _alternating((reckoned, bare), plan.runs, all_files, calendar)
    median = Line("", ours).median
    lines = [
        Line(f"  {len(KINDS)} terms, with steps", ours, A_MILLISECOND.told(median)),
        Line("  a bare loop, the ends alone", theirs),
    ]
    print(f"{plan.runs} alternating runs; {surroundings()}")
    show("microseconds per application", lines)
    return A_MILLISECOND.is_met(median)


def _alternating(
    ways: Sequence[Callable[[Files, Calendar], None]],
    runs: int,
    all_files: Files,
    calendar: Calendar,
) -> list[list[float]]:
    """Let each take its turn, after one round that does not count."""
    times: list[list[float]] = [[] for _ in ways]
    for counts in [False] + [True] * runs:
        for way, found in zip(ways, times, strict=True):
            start = time.perf_counter()
            way(all_files, calendar)
            took = time.perf_counter() - start
            if counts:
                found.append(took / len(all_files) * 1_000_000)
    return times


def main() -> int:
    """Measure and print; with --check, exit with 1 when the target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    met = measure(QUICK if options.quick else THOROUGH)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
