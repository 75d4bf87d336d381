"""Does a decision cost the same when most files are closed?

Run by `make bench`, or as `python benchmarks/decisions.py [--quick] [--check]`.
Two calls of the same kind are measured in turn: one with few closed files, one
with a hundred times as many. A decision is a dry run: everything is read, decided
and written, and then undone.
"""

import itertools
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from benchmarks.figures import (
    DATABASES,
    Line,
    Target,
    grown,
    parser,
    show,
    surroundings,
)
from benchmarks.offices import Raw, databases, open_for_all, served, taken
from models.vocabulary import ApplicationState, Event, TermStatus
from tests.builders import OPENING, usual
from workflow.desk import Desk
from workflow.services import moves
from workflow.services.moves import MoveCommand

SAME = Target(ceiling=1.5)
HEAD, NEXT = "2026/0000001", "2026/0000002"
"""Who is evaluated already, and who is next to be reviewed."""
READY = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)
FIRST = 1_000
LONG_AGO = 10_000_000
"""What numbers the rows of closed files, so that nothing new has their numbers."""
IDENTITIES = ("id", "application_id", "applicant_id")
PORTION = 5_000
"""Closed files that are written at once."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    few: int
    many: int
    runs: int


THOROUGH = Plan(few=1_000, many=100_000, runs=101)
QUICK = Plan(few=100, many=5_000, runs=21)


# Calls with closed files


def fill(url: str, closed: int) -> None:
    """Make a call at which one waits for a grant, some for review, and many ended."""
    open_for_all(url)
    with served(url) as desk:
        for event in READY:
            command = MoveCommand(HEAD, event, **usual(event, OPENING.date()))
            moves.advance(desk, command)
    with Raw(url) as raw:
        numbers = iter(range(1, closed + 1))
        patterns = _patterns(raw)
        while portion := list(itertools.islice(numbers, PORTION)):
            with raw.transaction() as cursor:
                for table, pattern in patterns.items():
                    rows = [_copied(table, pattern, number) for number in portion]
                    raw.insert(cursor, table, pattern, rows)
        raw.connection.execute("VACUUM")
        raw.connection.execute("ANALYZE")


def _patterns(raw: Raw) -> dict[str, Row]:
    """Return a row of each table about the application at the head of the call."""
    mine = _first(raw, "applications", f"protocol_number = {HEAD.partition('/')[2]}")
    about = f"application_id = '{mine['id']}'"
    return {
        "applicants": _first(raw, "applicants", f"id = '{mine['applicant_id']}'"),
        "applications": mine,
        **{
            table: _first(raw, table, about)
            for table in ("documents", "entries", "movements", "terms", "notices")
        },
    }


def _first(raw: Raw, table: str, where: str) -> Row:
    columns = [column.name for column in SQLModel.metadata.tables[table].columns]
    cursor = raw.connection.execute(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {where} LIMIT 1"  # noqa: S608 - names of ours
    )
    return dict(zip(columns, cursor.fetchone(), strict=True))


def _copied(table: str, pattern: Row, number: int) -> tuple[Any, ...]:
    """Return a row like another one, of a file that ended long ago."""
    changed = {
        "tax_code": f"9{number:010}",
        "portal_id": f"CLOSED-{number}",
        "protocol_year": 2025,
        "protocol_number": number,
        "filed_seq": LONG_AGO + number,
        "seq": LONG_AGO + number,
        "entry_seq": LONG_AGO + number,
        "hash": f"{number:064x}",
    }
    if table == "applications":
        changed["received_at"] = pattern["received_at"] - number
        changed["state"] = ApplicationState.COMPLETED.value
        changed["reserved"] = 0
    if table == "terms":
        changed["status"] = TermStatus.MET.value
    return tuple(
        _identity(value, number) if name in IDENTITIES else changed.get(name, value)
        for name, value in pattern.items()
    )


def _identity(value: UUID | str, number: int) -> UUID | str:
    """Return the identifier of the same thing in another file, some time before."""
    old = value if isinstance(value, UUID) else UUID(value)
    new = UUID(int=old.int - (number << 80))
    return new if isinstance(value, UUID) else new.hex


# Decisions


def review_next(desk: Desk) -> None:
    """Decide whether it is somebody's turn."""
    moves.advance(desk, MoveCommand(NEXT, Event.START_REVIEW, dry_run=True))


def grant_head(desk: Desk) -> None:
    """Decide whether the money covers a grant."""
    stated = usual(Event.GRANT, OPENING.date())
    moves.advance(desk, MoveCommand(HEAD, Event.GRANT, dry_run=True, **stated))


def take_another(desk: Desk) -> None:
    """Decide on the place and the money of a new application; this one is kept."""
    taken(desk, next(_numbers), 1)


_numbers = itertools.count(FIRST)

DECISIONS: Mapping[str, Callable[[Desk], None]] = {
    "turn (start_review, dry)": review_next,
    "grant (dry)": grant_head,
    "taking one application in": take_another,
}


def measure(kind: str, plan: Plan) -> bool:
    """Measure on one kind of database, and tell whether the target was met."""
    sizes = (plan.few, plan.many)
    lines: list[Line] = []
    met = []
    with ExitStack() as stack:
        made = stack.enter_context(databases(kind))
        desks = []
        for size in sizes:
            url = stack.enter_context(made.empty())
            fill(url, size)
            desks.append(stack.enter_context(served(url)))
        for name, decide in DECISIONS.items():
            asked = [partial(decide, desk) for desk in desks]
            is_met, told = grown(name, asked, sizes, SAME, plan.runs)
            met.append(is_met)
            lines += told
    print(f"{kind}: {plan.runs} alternating runs; {surroundings()}")
    show("milliseconds, with closed files", lines)
    return all(met)


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [measure(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
