"""How fast are submissions taken in, beside one by one and beside the bare driver?

Run by `make bench`, or as `python benchmarks/intake.py [--quick] [--check]`.
Four contestants take turns, each on a fresh copy of the same database:

- groups: the system, as many submissions in one transaction as it takes at most;
- singles: the same code with one submission in each transaction;
- raw driver: a script that writes the very rows that a run of the system wrote,
  already made, in groups of the same size (`executemany`);
- raw COPY: the same with PostgreSQL's fastest way to write.

The last two decide nothing, check nothing, number nothing and sign nothing.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import SQLModel

from benchmarks.figures import DATABASES, Line, Target, parser, show, surroundings
from benchmarks.offices import (
    CODE,
    Databases,
    Raw,
    checked,
    contents,
    databases,
    open_for_all,
    read,
    served,
)
from workflow.services import intake

FIRST = 1_000
"""The number of the first submission; those before it were there already."""

AGAINST_SINGLES = Target(floor=8)
AGAINST_RAW = Target(floor=0.4)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    grouped: int
    """Submissions that the system takes in in groups, and the scripts write."""
    alone: int
    """Submissions that it takes in one by one."""

    def groups(self) -> Iterator[range]:
        """Return the numbers of the submissions of each group."""
        end = FIRST + self.grouped
        for first in range(FIRST, end, intake.GROUP):
            yield range(first, min(first + intake.GROUP, end))


THOROUGH = Plan(rounds=7, grouped=4_000, alone=300)
QUICK = Plan(rounds=3, grouped=1_000, alone=60)


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of one table that were written together."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Written:
    """What one transaction wrote: new rows, and rows that it changed."""

    new: Sequence[Change]
    changed: Sequence[Change]

    @property
    def size(self) -> int:
        """Count the rows."""
        return sum(len(change.rows) for change in (*self.new, *self.changed))


# The system


def in_groups(url: str, plan: Plan) -> float:
    """Take submissions in as the system does; return how many in a second."""
    return _rate(url, [contents(group.start, len(group)) for group in plan.groups()])


def one_by_one(url: str, plan: Plan) -> float:
    """Take submissions in with a transaction each; return how many in a second."""
    return _rate(url, [[line] for line in contents(FIRST, plan.alone)])


def _rate(url: str, groups: Sequence[list[bytes]]) -> float:
    with served(url) as desk:
        desk.engine.connect().close()  # as that of the driver, which stays open too
        start = time.perf_counter()
        for lines in groups:
            checked(intake.take_group(desk, CODE, read(lines)))
        return sum(map(len, groups)) / (time.perf_counter() - start)


# The bare driver


def recorded(url: str, plan: Plan) -> list[Written]:
    """Let the system take submissions in, and return the rows of each transaction."""
    with served(url) as desk, Raw(url) as raw:
        known = _contents(raw)
        told = []
        for group in plan.groups():
            lines = read(contents(group.start, len(group)))
            checked(intake.take_group(desk, CODE, lines))
            before, known = known, _contents(raw)
            told.append(_difference(before, known))
        return told


@dataclass(frozen=True, slots=True)
class _Content:
    columns: tuple[str, ...]
    rows: dict[Row, Row]
    """By their primary keys."""


def _contents(raw: Raw) -> dict[str, _Content]:
    found = {}
    for table in SQLModel.metadata.sorted_tables:
        columns = tuple(column.name for column in table.columns)
        key = tuple(columns.index(column.name) for column in table.primary_key)
        cursor = raw.connection.cursor()
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table.name}")  # noqa: S608 - names of ours
        rows = {tuple(row[place] for place in key): row for row in cursor.fetchall()}
        found[table.name] = _Content(columns, rows)
    return found


def _difference(before: dict[str, _Content], after: dict[str, _Content]) -> Written:
    new, changed = [], []
    for name, content in after.items():
        old = before[name].rows
        fresh = [row for key, row in content.rows.items() if key not in old]
        other = [
            (*row, *key)
            for key, row in content.rows.items()
            if key in old and old[key] != row
        ]
        if fresh:
            new.append(Change(name, content.columns, fresh))
        if other:
            changed.append(Change(name, content.columns, other))
    return Written(new, changed)


def by_executemany(raw: Raw, groups: Sequence[Written]) -> None:
    """Write what was recorded with the driver's usual way for many rows."""
    for group in groups:
        with raw.transaction() as cursor:
            _change(raw, cursor, group)
            for change in group.new:
                raw.insert(cursor, change.table, change.columns, change.rows)


def by_copy(raw: Raw, groups: Sequence[Written]) -> None:
    """Write what was recorded with `COPY`, which only PostgreSQL has."""
    for group in groups:
        with raw.transaction() as cursor:
            _change(raw, cursor, group)
            for change in group.new:
                names = ", ".join(change.columns)
                with cursor.copy(f"COPY {change.table} ({names}) FROM STDIN") as copy:
                    for row in change.rows:
                        copy.write_row(row)


def _change(raw: Raw, cursor: Any, group: Written) -> None:  # noqa: ANN401 - of either driver
    tables = SQLModel.metadata.tables
    for change in group.changed:
        sets = ", ".join(f"{column} = {raw.mark}" for column in change.columns)
        key = [column.name for column in tables[change.table].primary_key]
        where = " AND ".join(f"{column} = {raw.mark}" for column in key)
        for row in change.rows:
            cursor.execute(f"UPDATE {change.table} SET {sets} WHERE {where}", row)  # noqa: S608 - names of ours


def _raw_rate(
    url: str, groups: Sequence[Written], write: Callable[[Raw, Sequence[Written]], None]
) -> float:
    with Raw(url) as raw:
        filed = raw.connection.cursor().execute("SELECT count(*) FROM applications")
        before = filed.fetchone()[0]
        start = time.perf_counter()
        write(raw, groups)
        took = time.perf_counter() - start
        filed = raw.connection.cursor().execute("SELECT count(*) FROM applications")
        return float((filed.fetchone()[0] - before) / took)


# All of it


def compare(kind: str, plan: Plan) -> bool:
    """Measure on one kind of database, and tell whether the targets were met."""
    with databases(kind) as made, made.empty() as template:
        open_for_all(template)
        with made.copied(template) as copy:
            groups = recorded(copy, plan)
        contestants = _contestants(groups, plan, kind)
        rates = _rounds(made, template, contestants, plan.rounds)
    return _report(kind, plan, groups, rates)


def _contestants(
    groups: Sequence[Written], plan: Plan, kind: str
) -> dict[str, Callable[[str], float]]:
    contestants: dict[str, Callable[[str], float]] = {
        "groups": lambda url: in_groups(url, plan),
        "singles": lambda url: one_by_one(url, plan),
        "raw driver": lambda url: _raw_rate(url, groups, by_executemany),
    }
    if kind == "postgresql":
        contestants["raw COPY"] = lambda url: _raw_rate(url, groups, by_copy)
    return contestants


def _rounds(
    made: Databases,
    template: str,
    contestants: dict[str, Callable[[str], float]],
    rounds: int,
) -> dict[str, list[float]]:
    """Let each take its turn, after one round that does not count."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for counts in [False] + [True] * rounds:
        for name, run in contestants.items():
            with made.copied(template) as copy:
                rate = run(copy)
            if counts:
                rates[name].append(rate)
    return rates


def _report(
    kind: str, plan: Plan, groups: Sequence[Written], rates: dict[str, list[float]]
) -> bool:
    ours = Line("groups", rates["groups"])
    targets = {"singles": AGAINST_SINGLES}
    if kind == "postgresql":  # SQLite writes in our own process: no trip to a server
        targets["raw driver"] = AGAINST_RAW
    lines, met = [], []
    for name, values in rates.items():
        line = Line(name, values)
        remark = ""
        if name in targets:
            ratio = ours.median / line.median
            remark = f"groups reach {targets[name].told(ratio)}"
            met.append(targets[name].is_met(ratio))
        elif name != ours.name:
            remark = f"groups reach {ours.median / line.median:.2f}"
        lines.append(Line(f"  {name}", values, remark))
    rows = sum(group.size for group in groups) / plan.grouped
    print(
        f"{kind}: {rows:.1f} rows for each submission, groups of {intake.GROUP}, "
        f"{plan.rounds} alternating rounds; {surroundings()}"
    )
    show("submissions per second", lines)
    return all(met)


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [compare(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
