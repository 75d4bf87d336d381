"""What becomes slower when ten times as many apply?

Run by `make bench`, or as `python benchmarks/growth.py [--quick] [--check]`.
Two calls, one with ten times as many applications, all of them still open, are asked
the same in turn. What is done with one file ought to cost the same in both; what shows
or checks all of them ought to cost ten times as much, and not more.
"""

import itertools
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.figures import (
    DATABASES,
    WARM,
    Line,
    Target,
    grown,
    parser,
    show,
    surroundings,
)
from benchmarks.offices import CODE, Raw, databases, open_for_all, served, taken
from models.vocabulary import Event
from tests.builders import OPENING, usual
from workflow.desk import Desk
from workflow.services import intake, log, moves, sweep, views
from workflow.services.moves import MoveCommand

TIMES = 10
SAME = Target(ceiling=1.5)
IN_PROPORTION = Target(ceiling=1.25 * TIMES)
FIRST = 1_000
NEXT = "2026/0000001"
"""Whose turn it is; everybody else waits."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    files: int
    """In the smaller call."""
    runs: int
    slow_runs: int
    """Of what looks at all of them."""


THOROUGH = Plan(files=2_000, runs=31, slow_runs=3)
QUICK = Plan(files=200, runs=7, slow_runs=3)


def fill(url: str, files: int) -> None:
    """Take so many applications in."""
    open_for_all(url)
    with served(url) as desk:
        for first in range(FIRST, FIRST + files, intake.GROUP):
            taken(desk, first, min(intake.GROUP, FIRST + files - first))
    with Raw(url) as raw:
        raw.connection.execute("VACUUM")
        raw.connection.execute("ANALYZE")


# With one file


_numbers = itertools.count(1_000_000)


def _take_another(desk: Desk) -> None:
    taken(desk, next(_numbers), 1)


def _review_next(desk: Desk) -> None:
    stated = usual(Event.START_REVIEW, OPENING.date())
    command = MoveCommand(NEXT, Event.START_REVIEW, dry_run=True, **stated)
    moves.advance(desk, command)


ONE: Mapping[str, Callable[[Desk], object]] = {
    "one more taken in": _take_another,
    "next one reviewed (dry)": _review_next,
    "file shown": lambda desk: views.shown(desk, NEXT),
    "what is due, asked by a tick": sweep.due_calls,
}
ALL: Mapping[str, Callable[[Desk], object]] = {
    "queue shown, all of it": lambda desk: views.queue(desk, CODE),
    "register verified": log.verify,
}


def measure(kind: str, plan: Plan) -> bool:
    """Measure on one kind of database, and tell whether the targets were met."""
    sizes = (plan.files, TIMES * plan.files)
    lines: list[Line] = []
    met = []
    with ExitStack() as stack:
        made = stack.enter_context(databases(kind))
        desks = []
        for size in sizes:
            url = stack.enter_context(made.empty())
            fill(url, size)
            desks.append(stack.enter_context(served(url)))
        questions = [(*one, plan.runs, WARM, SAME) for one in ONE.items()]
        slow = (plan.slow_runs, 1, IN_PROPORTION)
        questions += [(*one, *slow) for one in ALL.items()]
        for name, ask, runs, warm, target in questions:
            asked = [partial(ask, desk) for desk in desks]
            is_met, told = grown(name, asked, sizes, target, runs, warm)
            met.append(is_met)
            lines += told
    print(f"{kind}: {plan.runs} alternating runs; {surroundings()}")
    show("milliseconds, with open files", lines)
    return all(met)


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [measure(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
