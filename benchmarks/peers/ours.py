"""How is the same work done by the system itself, with all that it does besides?

Each submission and each move is checked, numbered, chained into the register, counted
against the money, given its terms and its letters. Templates are made once; each round
works on a copy.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import advance, crews, intake, sweep
from benchmarks.awaited import settle
from benchmarks.offices import (
    SERVED,
    Databases,
    Raw,
    open_for_all,
    served,
    taken,
)
from benchmarks.peers.grounds import CALLS
from benchmarks.peers.work import AT_ONCE, MOVES
from tests.processes import Place
from workers.relay import Relay

Does = Callable[[str, str], float]
"""Does the work on a database, with a broker; returns how many it does in a second."""


@contextmanager
def prepared(
    made: Databases, contest: str, count: int
) -> Iterator[Callable[[str], float]]:
    """Prepare a template for a contest; yield what does the work on a copy of it."""
    with made.empty() as template:
        does = _PREPARED[contest](template, count)

        def on_a_copy(address: str) -> float:
            with made.copied(template) as url:
                return does(url, address)

        yield on_a_copy


def _intake(template: str, count: int) -> Does:
    open_for_all(template)
    plan = intake.Plan(rounds=1, grouped=0, alone=count // 4)
    return lambda url, _: intake.one_by_one(url, plan)


def _intake_in_groups(template: str, count: int) -> Does:
    open_for_all(template)
    plan = intake.Plan(rounds=1, grouped=2 * count, alone=0)
    return lambda url, _: intake.in_groups(url, plan)


def _advance(template: str, count: int) -> Does:
    plan = advance.Plan(rounds=1, applications=count // len(MOVES))
    protocols = advance.prepare(template, plan)
    return lambda url, _: advance.by_the_system(url, protocols)


def _jobs(template: str, count: int) -> Does:
    plan = intake.Plan(rounds=1, grouped=count, alone=0)
    open_for_all(template)
    with Raw(template) as raw:
        raw.connection.execute("DELETE FROM outbox")
        with served(template) as desk:
            for group in plan.groups():
                taken(desk, group.start, len(group))
        settle(raw)
    return lambda url, address: _send(url, address, count)


def _send(url: str, address: str, count: int) -> float:
    """Have workers send letters as in production, but to nowhere."""
    place = Place.at(url, SERVED)
    with (
        crews.at_work(place, address, threads=AT_ONCE) as there,
        place.desk() as desk,
        Raw(url) as raw,
    ):
        begun = time.perf_counter()
        while Relay(there, desk).step():
            pass
        crews.until(lambda: not _found(raw, "SELECT count(*) FROM outbox"))
        took = time.perf_counter() - begun
        sent = _found(raw, "SELECT count(*) FROM notices WHERE status = 'sent'")
        assert sent == count, sent  # noqa: S101 - else something else is measured
    return count / took


def _found(raw: Raw, question: str) -> int:
    (number,) = raw.connection.execute(question).fetchone()
    return int(number)


def _sweep(template: str, count: int) -> Does:
    plan = sweep.Plan(rounds=1, calls=CALLS, files=count // CALLS, alone=0)
    codes = sweep.fill(template, plan)
    return lambda url, address: sweep.by_workers(url, address, codes, plan)


_PREPARED: dict[str, Callable[[str, int], Does]] = {
    "intake": _intake,
    "intake in groups": _intake_in_groups,
    "advance": _advance,
    "jobs": _jobs,
    "sweep": _sweep,
}
