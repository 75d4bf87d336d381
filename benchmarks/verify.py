"""How fast is the register verified, in how much memory, and what does it cost to keep?

Run by `make bench`, or as `python benchmarks/verify.py [--quick] [--check]`.
One file goes its whole way, and the chain is grown with copies of it, each under
identifiers of its own and chained anew. Each contestant has a process of its own:

- verify: `log verify`, all it checks;
- bare loop: reads the same entries the fastest way and hashes their bytes;
- bare loop that parses: the same, and reads the JSON of each.

Then submissions are taken in as they are, and with neither triggers nor a chain.
"""

import hashlib
import itertools
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import orjson

from benchmarks import intake
from benchmarks.awaited import Row, identity, models_of, multiply, settle
from benchmarks.figures import DATABASES, Line, Target, parser, show, surroundings
from benchmarks.offices import (
    CODE,
    EUROS,
    Databases,
    Raw,
    databases,
    open_for_all,
    served,
    taken,
)
from models.canonical import encode
from models.session import open_engine
from tests.builders import OPENING, TO_THE_END, furnish, office, usual
from tests.editions import open_to_all
from workflow import register
from workflow.register import Sealed
from workflow.services import calls, log, moves
from workflow.services.moves import MoveCommand

AGAINST_BARE = Target(floor=0.6)
FLAT = Target(ceiling=1.1)
KEPT = Target(ceiling=1.25)

_PORTION = 20_000
"""Rows that are written at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    entries: int
    rounds: int
    written: intake.Plan


THOROUGH = Plan(200_000, 3, intake.Plan(rounds=7, grouped=2_000, alone=0))
QUICK = Plan(20_000, 3, intake.Plan(rounds=3, grouped=1_000, alone=0))


# A long chain


def fill(url: str, entries: int) -> int:
    """Make a call with about so many entries; return how many there are."""
    furnish(url)
    with tempfile.TemporaryDirectory() as folder, office(url) as opened:
        calls.register_call(opened.desk, open_to_all(Path(folder), CODE, EUROS))
    with served(url) as desk:
        (answer,) = taken(desk, 0, 1)
        for event in TO_THE_END:
            stated = usual(event, OPENING.date())
            moves.advance(desk, MoveCommand(answer["protocol"], event, **stated))
    with Raw(url) as raw:
        chain = _Chain(raw)
        chain.grow(entries // len(chain.entries))
        settle(raw)
        return int(chain.seq)


class _Chain:
    """The chain of the call, and the entries of its one file to copy."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        found = models_of(raw, "entries", "application_id IS NOT NULL")
        self.entries = sorted(found, key=itemgetter("seq"))
        self._bodies = [orjson.loads(row["body"]) for row in self.entries]
        moved = models_of(raw, "movements", "true")
        self._movements = sorted(moved, key=itemgetter("entry_seq", "ordinal"))
        self._freed = models_of(raw, "funds", "application_id IS NOT NULL")
        self._money: dict[str, int] = self._bodies[-1]["money"]["after"]
        self.seq, self._head = self.entries[-1]["seq"], self.entries[-1]["hash"]

    def grow(self, copies: int) -> None:
        """Copy the file so often, with all that stands beside the register."""
        numbers = range(1, copies)
        multiply(self._raw, CODE, numbers, self._own)
        self._pour("entries", self.entries, self._rows(numbers))
        self._pour("movements", self._movements, self._moved(numbers))
        self._pour("funds", self._freed, self._funds(numbers))
        used = (copies - 1) * sum(max(0, cents) for cents in self._nets().values())
        self._raw.connection.execute(
            f"UPDATE funds SET free = free - {used} WHERE application_id IS NULL "  # noqa: S608 - ours
            f"AND call_id = (SELECT id FROM calls WHERE code = '{CODE}')"
        )
        granted = copies * self._money["granted"]
        self._raw.connection.execute(
            f"UPDATE calls SET granted = {granted}, head_seq = {self.seq}, "  # noqa: S608 - ours
            f"head_hash = '{self._head}' WHERE code = '{CODE}'"
        )

    def _pour(
        self, table: str, models: list[Row], rows: Iterator[tuple[Any, ...]]
    ) -> None:
        while portion := list(itertools.islice(rows, _PORTION)):
            with self._raw.transaction() as cursor:
                self._raw.pour(cursor, table, tuple(models[0]), portion)

    def _nets(self) -> Counter[int]:
        """Return what each entry takes from what is free, or gives back to it."""
        nets: Counter[int] = Counter()
        for row in self._movements:
            nets[row["entry_seq"]] += row["reserved"] + row["granted"]
        return nets

    def _own(self, table: str, row: Row, number: int) -> Row:
        later = number * len(self.entries)
        if table == "notices":
            written = self.entries[-1]["at"]
            return {"entry_seq": row["entry_seq"] + later, "created_at": written}
        if table == "terms":
            return {"started_seq": row["started_seq"] + later}
        return self._codes(number) if table == "applications" else {}

    @staticmethod
    def _codes(number: int) -> dict[str, str]:
        return {"cor": str(3_000_000 + number), "cup": f"E42C{number:011d}"}

    def _rows(self, numbers: range) -> Iterator[tuple[Any, ...]]:
        for number in numbers:
            for row, body in zip(self.entries, self._bodies, strict=True):
                self.seq += 1
                content = encode(self._said(body, number))
                self._head = hashlib.sha256(content).hexdigest()
                changed = {
                    "seq": self.seq,
                    "hash": self._head,
                    "at": self.entries[-1]["at"],
                    "application_id": identity(row["application_id"], number),
                    "body": content.decode(),
                }
                yield tuple({**row, **changed}.values())

    def _said(self, body: dict[str, Any], number: int) -> dict[str, Any]:
        inputs = body["inputs"]
        # As before version 0.5: what was filed is not written for each copy anew.
        findings = {
            name: found for name, found in body["findings"].items() if name != "filed"
        }
        if body["event"] == "grant":
            inputs = {**inputs, **self._codes(number)}
        return {
            **body,
            "findings": findings,
            "seq": self.seq,
            "previous": self._head,
            "at": self._bodies[-1]["at"],  # a register does not go back
            "application": _renamed(body["application"], number),
            "protocol": f"2025/{number:07}",
            "inputs": inputs,
            "money": self._shifted(body["money"], number),
            "notices": [
                {**one, "id": _renamed(one["id"], number)} for one in body["notices"]
            ],
            "order": {
                **body["order"],
                "protocol_year": 2025,
                "protocol_number": number,
            },
        }

    def _shifted(self, money: dict[str, Any], number: int) -> dict[str, Any]:
        granted = number * self._money["granted"]
        return {
            **money,
            **{
                when: {
                    **money[when],
                    "granted": money[when]["granted"] + granted,
                    "residual": money[when]["residual"] - granted,
                }
                for when in ("before", "after")
            },
        }

    def _moved(self, numbers: range) -> Iterator[tuple[Any, ...]]:
        for number, row in itertools.product(numbers, self._movements):
            changed = {
                "entry_seq": row["entry_seq"] + number * len(self.entries),
                "application_id": identity(row["application_id"], number),
                "residual": row["residual"] - number * self._money["granted"],
                "at": self.entries[-1]["at"],
            }
            yield tuple({**row, **changed}.values())

    def _funds(self, numbers: range) -> Iterator[tuple[Any, ...]]:
        for number, row in itertools.product(numbers, self._freed):
            changed = {
                "entry_seq": row["entry_seq"] + number * len(self.entries),
                "application_id": identity(row["application_id"], number),
            }
            yield tuple({**row, **changed}.values())


def _renamed(written: str, number: int) -> str:
    return str(identity(UUID(written), number))


# Who reads it


def verify(url: str) -> int:
    """Verify everything, as the command does; return how many entries there were."""
    with served(url) as desk:
        examined = log.examine(desk)
    assert examined.ok, [one.first for one in examined.calls]  # noqa: S101 - else nothing is measured
    return sum(one.entries for one in examined.calls)


def bare(url: str) -> int:
    """Read and hash, and nothing else."""
    count = 0
    for hashed, body in _stored(url):
        assert hashlib.sha256(body).hexdigest() == hashed  # noqa: S101 - as above
        count += 1
    return count


def parsing(url: str) -> int:
    """Read, hash and parse, and look at nothing."""
    count = 0
    for hashed, body in _stored(url):
        assert hashlib.sha256(body).hexdigest() == hashed  # noqa: S101 - as above
        orjson.loads(body)
        count += 1
    return count


def _stored(url: str) -> Iterator[tuple[str, bytes]]:
    with Raw(url) as raw:
        if not raw.is_postgresql:
            yield from raw.connection.execute(
                "SELECT hash, CAST(body AS BLOB) FROM entries ORDER BY call_id, seq"
            )
            return
        query = "SELECT hash, body FROM entries ORDER BY call_id, seq"
        with (
            raw.connection.transaction(),
            raw.connection.cursor(name="entries") as cursor,
        ):
            cursor.itersize = 2_000
            cursor.execute(query)
            for hashed, body in cursor:
                yield hashed, body.encode()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process of its own did it."""

    rate: float
    megabytes: float


def apart(work: Callable[[str], int], url: str) -> Ran:
    """Do something in a process of its own, and see what it needed."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(_measured, work, url).result()


def _measured(work: Callable[[str], int], url: str) -> Ran:
    start = time.perf_counter()
    count = work(url)
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Ran(count / took, peak / 1024)


READERS: dict[str, Callable[[str], int]] = {
    "verify": verify,
    "bare loop": bare,
    "bare loop that parses": parsing,
}


def read_back(kind: str, plan: Plan) -> bool:
    """Measure how chains are read on one kind of database."""
    with databases(kind) as made, made.empty() as few, made.empty() as many:
        fill(few, plan.entries // 10)
        count = fill(many, plan.entries)
        small = apart(verify, few).megabytes
        rates: dict[str, list[float]] = {name: [] for name in READERS}
        peak = 0.0
        for _ in range(plan.rounds):
            for name, work in READERS.items():
                ran = apart(work, many)
                rates[name].append(ran.rate)
                peak = max(peak, ran.megabytes) if name == "verify" else peak
    ours = Line("verify", rates["verify"]).median
    ratios = {name: ours / Line(name, found).median for name, found in rates.items()}
    bare_ratio, growth = ratios["bare loop"], peak / small
    print(f"{kind}: {count} entries; {surroundings()}")
    show(
        "entries per second",
        [
            Line("  verify", rates["verify"]),
            Line(
                "  bare loop",
                rates["bare loop"],
                f"verify reaches {AGAINST_BARE.told(bare_ratio)}",
            ),
            Line(
                "  bare loop that parses",
                rates["bare loop that parses"],
                f"verify reaches {ratios['bare loop that parses']:.2f}",
            ),
        ],
    )
    show(
        "megabytes at most",
        [
            Line(f"  {plan.entries // 10} entries", [small]),
            Line(f"  {plan.entries} entries", [peak], f"times {FLAT.told(growth)}"),
        ],
    )
    return AGAINST_BARE.is_met(bare_ratio) and FLAT.is_met(growth)


# What it costs to keep it


def without(url: str, plan: intake.Plan) -> float:
    """Take submissions in without triggers; entries are written, but not chained."""
    _drop_triggers(url)
    numbers = itertools.count(1)

    def plain(body: dict[str, Any]) -> Sealed:
        return Sealed(orjson.dumps(body), f"{next(numbers):064d}")

    with patch.object(register, "seal", plain):
        return intake.in_groups(url, plan)


def _drop_triggers(url: str) -> None:
    engine = open_engine(url)
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            for table in ("entries", "movements"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            named = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.exec_driver_sql(named).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
    engine.dispose()


def keep(kind: str, plan: Plan) -> bool:
    """Measure what chain and triggers cost on one kind of database."""
    written = plan.written
    with databases(kind) as made, made.empty() as template:
        open_for_all(template)
        rates = _taking_turns(made, template, written)
    ratio = Line("", rates["without"]).median / Line("", rates["with"]).median
    print(f"{kind}: {written.grouped} submissions in groups, {written.rounds} rounds")
    show(
        "submissions per second",
        [
            Line("  without chain and triggers", rates["without"]),
            Line(
                "  with them",
                rates["with"],
                f"they cost {KEPT.told(ratio)} times as much",
            ),
        ],
    )
    return KEPT.is_met(ratio)


def _taking_turns(
    made: Databases, template: str, plan: intake.Plan
) -> dict[str, list[float]]:
    contestants = {"without": without, "with": intake.in_groups}
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for counts in [False] + [True] * plan.rounds:
        for name, run in contestants.items():
            with made.copied(template) as copy:
                rate = run(copy, plan)
            if counts:
                rates[name].append(rate)
    return rates


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = []
    for kind in options.database or DATABASES:
        met += [read_back(kind, plan), keep(kind, plan)]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
