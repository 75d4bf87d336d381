"""Does it cost the same to find what is due among a hundred times as many terms?

Run by `make bench`, or as `python benchmarks/due.py [--quick] [--check]`.
Two databases are asked in turn: one with few open terms, one with a hundred times
as many. In both the same number is due; the others come due on later days. Asked
is what a tick of the scheduler asks of all calls, and what a sweep asks of one.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.awaited import (
    NOTICED,
    as_it_is,
    later,
    multiply,
    open_calls,
    settle,
)
from benchmarks.figures import (
    DATABASES,
    Line,
    Target,
    grown,
    parser,
    show,
    surroundings,
)
from benchmarks.offices import Raw, databases
from models.session import reading
from tests.processes import Place
from workflow.desk import Desk
from workflow.services import expiries, sweep
from workflow.services.lookups import find_call

SAME = Target(ceiling=1.5)
CALLS = 20
DUE = 10
"""Files of each call in which something is due."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    few: int
    """Files of each call; in each of them three terms are open."""
    many: int
    runs: int


THOROUGH = Plan(few=167, many=16_700, runs=101)
QUICK = Plan(few=20, many=500, runs=21)


# Calls with open terms


def fill(url: str, files: int) -> tuple[tuple[str, ...], int]:
    """Make calls with so many files in each; return their codes and all open terms."""
    codes = open_calls(url, CALLS)
    with Raw(url) as raw:
        for number, code in enumerate(codes):
            first, end = number * files + 1, (number + 1) * files
            split = first + DUE - 1  # the file that is copied is due as well
            multiply(raw, code, range(first, split), as_it_is)
            multiply(raw, code, range(split, end), later)
        settle(raw)
        found = raw.connection.execute("SELECT count(next_check) FROM terms")
        return codes, int(found.fetchone()[0])


# What is asked


def calls_with_something_due(desk: Desk, codes: Sequence[str]) -> None:
    """Ask as a tick does; what is due must be found, or nothing is measured."""
    found = sweep.due_calls(desk)
    assert set(codes) <= set(found), found  # noqa: S101 - else nothing is measured


def terms_due_in_one_call(desk: Desk, codes: Sequence[str]) -> None:
    """Ask as a sweep does that has locked a call."""
    with reading(desk.engine) as session:
        call = find_call(session, codes[0])
        now = desk.ambient.now()
        found = expiries._terms(session, call, now, expiries.MOST)  # noqa: SLF001 - the query itself
    assert len(found) == DUE, len(found)  # noqa: S101 - as above


Question = Callable[[Desk, Sequence[str]], None]
QUESTIONS: Mapping[str, Question] = {
    "due calls": calls_with_something_due,
    "due terms of a call": terms_due_in_one_call,
}


def measure(kind: str, plan: Plan) -> bool:
    """Measure on one kind of database, and tell whether the target was met."""
    lines: list[Line] = []
    met = []
    with ExitStack() as stack:
        made = stack.enter_context(databases(kind))
        desks, terms = [], []
        for files in (plan.few, plan.many):
            url = stack.enter_context(made.empty())
            codes, count = fill(url, files)
            desks.append(stack.enter_context(Place.at(url, NOTICED).desk()))
            terms.append(count)
        for name, ask in QUESTIONS.items():
            asked = [partial(ask, desk, codes) for desk in desks]
            is_met, told = grown(name, asked, terms, SAME, plan.runs)
            met.append(is_met)
            lines += told
    print(
        f"{kind}: {CALLS * DUE} terms due in {CALLS} calls, "
        f"{plan.runs} alternating runs; {surroundings()}"
    )
    show("milliseconds, with open terms", lines)
    return all(met)


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [measure(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
