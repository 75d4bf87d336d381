"""How fast does an officer's move go through, beside the bare driver?

Run by `make bench`, or as `python benchmarks/advance.py [--quick] [--check]`.
One run of the system is recorded, each statement with its parameters and each
beginning and end of a transaction. Then the two take turns on fresh copies of
the same database: the system makes the moves, the driver repeats the record. The
driver so does the same reading, locking and writing; it decides nothing.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

from benchmarks.figures import DATABASES, Line, Target, parser, show, surroundings
from benchmarks.offices import (
    Databases,
    Raw,
    databases,
    open_for_all,
    served,
    taken,
)
from models.vocabulary import Event
from tests.builders import OPENING, usual
from workflow.desk import Desk
from workflow.services import moves
from workflow.services.moves import MoveCommand

FIRST = 1_000
EVENTS = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)
"""The moves that are made on each application, in its turn."""

AGAINST_RAW = Target(floor=0.5)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    applications: int


THOROUGH = Plan(rounds=7, applications=60)
QUICK = Plan(rounds=3, applications=15)


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as the driver got it."""

    statement: str
    parameters: Any = None
    many: bool = False


# The system


def prepare(url: str, plan: Plan) -> list[str]:
    """Make a database whose applications wait for review; return their protocols."""
    open_for_all(url)
    with served(url) as desk:
        told = taken(desk, FIRST, plan.applications)
        protocols = [str(answer["protocol"]) for answer in told]
        first = int(protocols[0].partition("/")[2])
        for number in range(1, first):  # those who came before are taken up first
            _advance(desk, f"2026/{number:07}")
        return protocols


def _advance(desk: Desk, protocol: str) -> None:
    today = OPENING.date()
    for made in EVENTS:
        command = MoveCommand(protocol, made, **usual(made, today))
        moves.advance(desk, command)


def _warm(desk: Desk, protocol: str) -> None:
    """Open a connection and fill what is kept in memory, without a trace."""
    moves.advance(desk, MoveCommand(protocol, EVENTS[0], dry_run=True))


def by_the_system(url: str, protocols: Sequence[str]) -> float:
    """Make every move; return how many in a second."""
    with served(url) as desk:
        _warm(desk, protocols[0])
        start = time.perf_counter()
        for protocol in protocols:
            _advance(desk, protocol)
        return len(protocols) * len(EVENTS) / (time.perf_counter() - start)


# The bare driver


def recorded(url: str, protocols: Sequence[str]) -> list[Sent]:
    """Make every move, and return all that was sent to the database."""
    with served(url) as desk:
        _warm(desk, protocols[0])
        with _listening(desk.engine) as sent:
            for protocol in protocols:
                _advance(desk, protocol)
        return sent


@contextmanager
def _listening(engine: Engine) -> Iterator[list[Sent]]:
    sent: list[Sent] = []

    def execute(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: object,
        _context: object,
        executemany: bool,  # noqa: FBT001 - SQLAlchemy calls it so
    ) -> None:
        sent.append(Sent(statement, parameters, executemany))

    def bound(word: str) -> Callable[[Connection], None]:
        def found(connection: Connection) -> None:
            # SQLAlchemy speaks of a transaction also where there is none.
            if (
                connection.get_execution_options().get("isolation_level")
                != "AUTOCOMMIT"
            ):
                sent.append(Sent(word))

        return found

    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": execute,
        "commit": bound("COMMIT"),
        "rollback": bound("ROLLBACK"),
    }
    if engine.dialect.name == "postgresql":  # on SQLite it is a statement of ours
        listeners["begin"] = bound("BEGIN")
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    yield sent
    for name, listener in listeners.items():
        event.remove(engine, name, listener)


def by_the_driver(url: str, sent: Sequence[Sent], count: int) -> float:
    """Repeat what was sent; return how many moves in a second."""
    with Raw(url) as raw:
        cursor = raw.connection.cursor()
        start = time.perf_counter()
        for one in sent:
            _repeat(cursor, one)
        return count / (time.perf_counter() - start)


def _repeat(cursor: Any, one: Sent) -> None:  # noqa: ANN401 - of either driver
    if one.many:
        cursor.executemany(one.statement, one.parameters)
        return
    if one.parameters:
        cursor.execute(one.statement, one.parameters)
    else:
        cursor.execute(one.statement)
    if cursor.description:
        cursor.fetchall()


# All of it


def compare(kind: str, plan: Plan) -> bool:
    """Measure on one kind of database, and tell whether the target was met."""
    with databases(kind) as made, made.empty() as template:
        protocols = prepare(template, plan)
        with made.copied(template) as copy:
            sent = recorded(copy, protocols)
        count = plan.applications * len(EVENTS)
        ours, raw = _rounds(
            made,
            template,
            lambda url: by_the_system(url, protocols),
            lambda url: by_the_driver(url, sent, count),
            plan.rounds,
        )
    ratio = Line("", ours).median / Line("", raw).median
    print(
        f"{kind}: {len(sent) / count:.1f} statements for each move, {count} moves, "
        f"{plan.rounds} alternating rounds; {surroundings()}"
    )
    # SQLite works in our own process: no trip to a server hides what we add.
    wanted = kind == "postgresql"
    told = AGAINST_RAW.told(ratio) if wanted else f"{ratio:.2f}"
    remark = f"the system reaches {told}"
    lines = [Line("  moves.advance", ours), Line("  raw driver", raw, remark)]
    show("moves per second", lines)
    return not wanted or AGAINST_RAW.is_met(ratio)


def _rounds(
    made: Databases,
    template: str,
    ours: Callable[[str], float],
    theirs: Callable[[str], float],
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Let both take their turns, after one round that does not count."""
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for run, found in zip((ours, theirs), rates, strict=True):
            with made.copied(template) as copy:
                found.append(run(copy))
    return rates[0][1:], rates[1][1:]


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [compare(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
