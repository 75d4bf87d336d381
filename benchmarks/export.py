"""How long does it take to write an export of a long register, beside verifying it?

Run by `make bench`, or as `python benchmarks/export.py [--quick] [--check]`.
Half of the entries are filings, each with its application, its terms, its money and
its letter; the others are refusals, chained and written past the ORM. What is
measured is the whole command: an export verifies the register first. In the same
rounds stand `log verify` alone, and the verifier that goes with the package.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.figures import DATABASES, Line, Target, parser, show, surroundings
from benchmarks.offices import CODE, Raw, databases, open_for_all, served, taken
from models.canonical import digest, encode
from models.vocabulary import Event
from tests.builders import usual
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import exporting, log, moves
from workflow.services.moves import MoveCommand

TWICE_A_VERIFICATION = Target(ceiling=2)
"""The export over one verification."""

_GROUP = 500
_COLUMNS = (
    *("call_id", "seq", "hash", "at", "application_id", "event", "outcome"),
    *("actor_id", "body"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    entries: int
    rounds: int


THOROUGH = Plan(entries=100_000, rounds=3)
QUICK = Plan(entries=10_000, rounds=1)


def fill(url: str, plan: Plan) -> None:
    """Make a register with so many entries."""
    open_for_all(url)
    with served(url) as desk:
        for first in range(20, plan.entries // 2, _GROUP):
            taken(desk, first, min(_GROUP, plan.entries // 2 - first))
        _refuse(desk.as_officer("rossi"))
    with Raw(url) as raw, raw.transaction() as cursor:
        _lengthen(raw, cursor, plan.entries)


def _refuse(desk: Desk) -> None:
    """Have one command refused: what the others are copied from."""
    try:
        stated = usual(Event.ADMIT, desk.ambient.now().date())
        moves.advance(desk, MoveCommand("2026/0000001", Event.ADMIT, **stated))
    except RefusedError:
        return
    message = "what no state allows was done"
    raise AssertionError(message)


def _lengthen(raw: Raw, cursor: Any, entries: int) -> None:  # noqa: ANN401 - the two drivers share no type
    """Chain copies of the last entry after it, and move the head of the call."""
    listed = ", ".join(_COLUMNS)
    found = raw.connection.execute(
        f"SELECT {listed} FROM entries WHERE call_id = "  # noqa: S608 - names of ours
        f"(SELECT id FROM calls WHERE code = '{CODE}') ORDER BY seq DESC LIMIT 1"
    )
    last = dict(zip(_COLUMNS, found.fetchone(), strict=True))
    head = [last["seq"], last["hash"]]

    def copies() -> Iterator[tuple[Any, ...]]:
        body = orjson.loads(last["body"])
        while head[0] < entries:
            content = encode({**body, "seq": head[0] + 1, "previous": head[1]})
            head[:] = [head[0] + 1, digest(content)]
            changed = {"seq": head[0], "hash": head[1], "body": content.decode()}
            yield tuple({**last, **changed}.values())

    raw.pour(cursor, "entries", _COLUMNS, copies())
    cursor.execute(
        f"UPDATE calls SET head_seq = {head[0]}, head_hash = '{head[1]}' "  # noqa: S608 - ours
        f"WHERE code = '{CODE}'"
    )


def measure(kind: str, plan: Plan) -> bool:
    """Measure on a kind of database, and tell whether the target was met."""
    with (
        databases(kind) as place,
        place.empty() as url,
        tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder,
    ):
        fill(url, plan)
        verified, exported, offline, size = [], [], [], 0.0
        for number in range(plan.rounds):
            to = Path(folder) / str(number)
            with served(url) as desk:
                verified.append(_seconds(lambda: _verify(desk)))
                exported.append(_seconds(lambda: _export(desk, to)))  # noqa: B023 - as above
            offline.append(_seconds(lambda: _verify_offline(to)))  # noqa: B023 - as above
            size = sum(one.stat().st_size for one in to.rglob("*") if one.is_file())
            shutil.rmtree(to)
    ratio = Line("", exported).median / Line("", verified).median
    megabytes = f"{size / 1_000_000:.0f} MB"
    print(f"{kind}: {plan.entries} entries, {plan.rounds} rounds; {surroundings()}")
    show(
        "seconds",
        [
            Line("  log verify", verified),
            Line("  log export", exported, TWICE_A_VERIFICATION.told(ratio)),
            Line("  verify.py, without the program", offline, megabytes),
        ],
    )
    return TWICE_A_VERIFICATION.is_met(ratio)


def _seconds(do: Callable[[], None]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def _verify(desk: Desk) -> None:
    _check(all(one.ok for one in log.verify(desk, CODE)))


def _export(desk: Desk, to: Path) -> None:
    made = exporting.export(desk, CODE, to)
    _check(made.ok)


def _verify_offline(to: Path) -> None:
    command = [sys.executable, "-I", "-S", str(to / "verify.py"), str(to)]
    _check(subprocess.run(command, capture_output=True, check=False).returncode == 0)


def _check(holds: bool) -> None:  # noqa: FBT001 - it is all that it is told
    if not holds:
        message = "it does not verify: nothing is measured"
        raise AssertionError(message)


def main() -> int:
    """Measure; fail on a missed target if that is asked for."""
    options = parser("How long an export takes beside a verification.").parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [measure(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
