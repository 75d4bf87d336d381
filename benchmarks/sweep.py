"""How fast is done what is due, beside the same code one by one?

Run by `make bench`, or as `python benchmarks/sweep.py [--quick] [--check]`.
In many calls the term has ended in which applicants were to complete their files.
Two contestants take turns with two processes each, on one PostgreSQL and one Redis:

- sweep: two workers take the calls from the broker, as in production;
- one by one: the same code with a transaction for each file.

What task queues make of such work, `benchmarks/peers/run.py` says.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from benchmarks import crews
from benchmarks.awaited import NOTICED, as_it_is, multiply, open_calls, settle
from benchmarks.figures import Line, Target, parser, show, surroundings
from benchmarks.offices import Databases, Raw, databases
from models.session import transaction
from models.vocabulary import Event
from tests.processes import Ended, Place, attempt, together
from tests.servers import running
from workers.stopping import Stop
from workers.ticking import Ticker
from workflow.services import expiries, sweep
from workflow.services.lookups import find_call

KIND = "postgresql"

AGAINST_ONE_BY_ONE = Target(floor=4)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    calls: int
    files: int
    """In each call, and something is due in each of them."""
    alone: int
    """Files of two of the calls that are done one by one."""

    @property
    def due(self) -> int:
        """Count what is due in all."""
        return self.calls * self.files


THOROUGH = Plan(rounds=3, calls=20, files=500, alone=150)
QUICK = Plan(rounds=1, calls=8, files=150, alone=30)


def fill(url: str, plan: Plan) -> tuple[str, ...]:
    """Make the calls with their files; return their codes."""
    codes = open_calls(url, plan.calls)
    with Raw(url) as raw:
        for number, code in enumerate(codes):
            first, end = number * plan.files + 1, (number + 1) * plan.files
            multiply(raw, code, range(first, end), as_it_is)
        settle(raw)
    return codes


# The system


def by_workers(url: str, address: str, _codes: Sequence[str], plan: Plan) -> float:
    """Have workers sweep all calls; return how many effects there are in a second."""
    place = Place.at(url, NOTICED)
    with (
        crews.at_work(place, address, threads=1) as there,
        place.desk() as desk,
        Raw(url) as raw,
        closing(Stop()) as never,
    ):
        begun = time.perf_counter()
        Ticker(there, desk).tick(never)
        crews.until(lambda: not _is_something_due(raw))
        took = time.perf_counter() - begun
        _check(raw, plan)
    return plan.due / took


def _is_something_due(raw: Raw) -> bool:
    found = raw.connection.execute(
        "SELECT 1 FROM terms WHERE kind = 'completion' AND next_check IS NOT NULL"
        " ORDER BY next_check LIMIT 1"
    )
    return found.fetchone() is not None


def _check(raw: Raw, plan: Plan) -> None:
    """Make sure that each was done once, or nothing is measured."""
    found = raw.connection.execute(
        "SELECT count(*) FROM entries WHERE event = %s", (Event.EXPIRE_COMPLETION,)
    )
    (count,) = found.fetchone()
    assert count == plan.due, count  # noqa: S101 - as above


# The same code, one by one


def one_by_one(url: str, _address: str, codes: Sequence[str], plan: Plan) -> float:
    """Do some with a transaction each; return how many there are in a second."""
    share = plan.alone // crews.WORKERS
    ended = together(
        _do_one_by_one, [(url, code, share) for code in codes[: crews.WORKERS]]
    )
    return float(sum(one.value for (one,) in ended))


def _do_one_by_one(barrier: Any, url: str, code: str, count: int) -> list[Ended]:  # noqa: ANN401 - of multiprocessing
    with Place.at(url, NOTICED).desk() as desk:
        sweep.due_calls(desk)  # as above
        barrier.wait()

        def rate() -> float:
            begun = time.perf_counter()
            for _ in range(count):
                with transaction(desk.engine) as session:
                    call = find_call(session, code, lock=True)
                    now = desk.ambient.now()
                    found = expiries.run(session, desk, call, by=now, most=1)
                assert len(found.done) == 1, found  # noqa: S101 - as above
            return count / (time.perf_counter() - begun)

        return [attempt(rate)]


# All of it


def compare(plan: Plan) -> bool:
    """Measure, and tell whether the targets were met."""
    rates: dict[str, list[float]] = {}
    with (
        databases(KIND) as made,
        made.empty() as template,
        running("redis") as address,
    ):
        codes = fill(template, plan)
        for _ in range(plan.rounds):
            for name, rate in _round(made, template, address, codes, plan).items():
                rates.setdefault(name, []).append(rate)
    return _report(plan, rates)


def _round(
    made: Databases, template: str, address: str, codes: Sequence[str], plan: Plan
) -> dict[str, float]:
    """Let each take its turn."""
    found = {}
    for name, do in {"sweep": by_workers, "one by one": one_by_one}.items():
        with made.copied(template) as copy:
            found[name] = do(copy, address, codes, plan)
    return found


def _report(plan: Plan, rates: Mapping[str, Sequence[float]]) -> bool:
    ours, alone = [Line(f"  {name}", values) for name, values in rates.items()]
    ratio = ours.median / alone.median
    remark = f"the sweep reaches {AGAINST_ONE_BY_ONE.told(ratio)}"
    print(
        f"{KIND}: {plan.due} effects due in {plan.calls} calls, {crews.WORKERS} "
        f"processes, {plan.rounds} alternating rounds; {surroundings()}"
    )
    show("effects per second", [ours, Line(alone.name, alone.values, remark)])
    return AGAINST_ONE_BY_ONE.is_met(ratio)


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    if KIND not in (options.database or [KIND]):
        print(f"nothing to measure: two workers share the work on {KIND} alone")
        return 0
    met = compare(QUICK if options.quick else THOROUGH)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
