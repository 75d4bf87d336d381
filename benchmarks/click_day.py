"""Is everybody answered at once on the day on which everybody clicks?

Run by `make bench`, or as `python benchmarks/click_day.py [--quick] [--check]`.
Submissions are offered on a schedule, whether or not earlier ones were answered
(an open loop): each by one of many threads that waits for its answer. A latency
counts from the instant at which the submission was due, so that a system that
falls behind cannot hide it. Offering happens in the process of the system and
takes from its time. Afterwards short runs look for the highest rate it sustains.
"""

import itertools
import sys
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.figures import DATABASES, Target, parser, surroundings
from benchmarks.offices import (
    CODE,
    Databases,
    checked,
    content,
    databases,
    open_for_all,
    served,
)
from workflow.errors import UnavailableError
from workflow.services.groupings import Grouping
from workflow.services.schedules import do_on_schedule

FIRST = 1_000
"""The number of the first submission; those before it were there already."""
CLERKS = 500
"""Threads that offer: as many may wait for their answer at a time."""
WARM = 200
"""Submissions offered first, at an easy rate, that do not count."""

LATENCY = Target(ceiling=150)
GROWTH = Target(ceiling=1.1)
LOWEST = 100
"""The easy rate, from which the search for the highest one starts."""
HALVINGS = 3
"""How often the search narrows the gap between what is sustained and what is not."""
LAG = 1.05
"""How much longer than the schedule a rate that is sustained may take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many submissions are offered, how fast."""

    rate: int
    """In a second."""
    seconds: float

    @property
    def count(self) -> int:
        """Return how many there are in all."""
        return round(self.rate * self.seconds)


@dataclass(frozen=True, slots=True)
class Day:
    """How a run went; latencies in milliseconds."""

    plan: Plan
    latencies: "array[float]"
    refused: int
    """Told to try again, because too many waited."""
    took: float
    """Seconds from the first one due to the last one answered."""
    memory: tuple[float, ...]
    """Megabytes of the process, from its start to its end."""

    def percentile(self, hundredth: int) -> float:
        """Return the latency within which so many of a hundred were answered."""
        return quantiles(self.latencies, n=100)[hundredth - 1]

    @property
    def is_sustained(self) -> bool:
        """Tell whether all were answered, soon enough and without falling behind."""
        return (
            not self.refused
            and LATENCY.is_met(self.percentile(99))
            and self.took <= self.plan.seconds * LAG + 1
        )

    @property
    def growth(self) -> float:
        """Tell by what the memory was multiplied since the first tenth of the run."""
        return self.memory[-1] / self.memory[0]

    def told(self) -> str:
        """Return it as a line of the table."""
        middle, late = self.percentile(50), self.percentile(99)
        answered = len(self.latencies)
        first, *_, last = self.memory
        return (
            f"{self.plan.rate:>9}{answered:>10}{self.refused:>9}"
            f"{answered / self.took:>10.0f}{middle:>9.0f}{late:>9.0f}"
            f"{max(self.latencies):>9.0f}  {first:.0f} to {last:.0f}"
        )


TABLE = (
    f"{'offered/s':>9}{'answered':>10}{'refused':>9}{'answ./s':>10}"
    f"{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}  memory, MB"
)


def offered(url: str, plan: Plan) -> Day:
    """Offer submissions on schedule, and return how it went."""
    with served(url) as desk:
        grouping = Grouping(desk, CODE)
        _offer(grouping, FIRST, Plan(rate=LOWEST, seconds=WARM / LOWEST))
        return _offer(grouping, FIRST + WARM, plan)


def _offer(grouping: Grouping, first: int, plan: Plan) -> Day:
    latencies = array("d", bytes(8 * plan.count))  # made before: it does not grow
    refused = itertools.count()
    memory: list[float] = []

    def file(number: int, due: float) -> None:
        try:
            checked([grouping.file(content(first + number))])
        except UnavailableError:
            next(refused)
            return
        latencies[number] = (time.perf_counter() - due) * 1000
        if number % max(1, plan.count // 10) == plan.count // 10 - 1:
            memory.append(_resident())

    took = do_on_schedule(file, plan.count, rate=plan.rate, clerks=CLERKS)
    answered = array("d", (latency for latency in latencies if latency))
    return Day(plan, answered, next(refused), took, (*memory, _resident()))


def _resident() -> float:
    """Return the memory of this process in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


# All of it


@dataclass(frozen=True, slots=True)
class Programme:
    """What is run on one database."""

    day: Plan
    search_seconds: float


THOROUGH = Programme(Plan(rate=1_000, seconds=60), search_seconds=8)
QUICK = Programme(Plan(rate=200, seconds=5), search_seconds=3)


def measure(kind: str, programme: Programme) -> bool:
    """Run a click day on a database, and tell whether the targets were met."""
    with databases(kind) as made, made.empty() as template:
        open_for_all(template)
        print(f"{kind}, {CLERKS} threads; {surroundings()}\n{TABLE}", flush=True)
        day = _run(made, template, programme.day)
        highest = _highest(made, template, programme.search_seconds)
    late = day.percentile(99)
    print(f"99 of 100 within {LATENCY.told(late)}")
    print(f"memory at the end {GROWTH.told(day.growth)} times that at the start")
    print(f"sustained: {highest} per second; {surroundings()}\n", flush=True)
    return day.is_sustained and GROWTH.is_met(day.growth)


def _run(made: Databases, template: str, plan: Plan) -> Day:
    with made.copied(template) as copy:
        day = offered(copy, plan)
    print(day.told(), flush=True)
    return day


def _highest(made: Databases, template: str, seconds: float) -> int:
    """Return the highest rate that short runs sustain: double, then halve the gap."""
    low, high = 0, LOWEST
    while _run(made, template, Plan(high, seconds)).is_sustained:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) // 2
        if _run(made, template, Plan(middle, seconds)).is_sustained:
            low = middle
        else:
            high = middle
    return low


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    programme = QUICK if options.quick else THOROUGH
    met = [measure(kind, programme) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
