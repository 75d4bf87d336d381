"""How fast is the work done with what somebody would otherwise pick?

Run by `make bench`, or as `python benchmarks/peers/run.py [--quick] [--check]`, for
some of the work only as `... --contest advance`. Each peer runs in a virtual
environment of its own, which is made when it is first wanted, on the same PostgreSQL
and the same Redis. All take turns in each round. What is printed are the tables of
`docs/performance.md`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import redis

from benchmarks.figures import Line, parser, surroundings
from benchmarks.offices import Databases, contents, databases
from benchmarks.peers import environments, grounds, ours
from benchmarks.peers.contests import CONTESTS, MINE, Contest, Peer
from benchmarks.peers.environments import NotInstalledError
from benchmarks.peers.work import Order
from tests.servers import running

_PATIENCE = 400
_LINES = 6_000
"""Submissions, more than anybody takes in."""


@dataclass(slots=True)
class Result:
    """How fast somebody was in each round, or why there is nothing to tell."""

    name: str
    note: str
    is_comparable: bool = True
    rates: list[float] = field(default_factory=list)
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """On what they all work."""

    made: Databases
    broker: str
    lines: Path


# One after the other


def compare(stage: Stage, contest: Contest, *, count: int, rounds: int) -> bool:
    """Let all do the work in turn; tell whether we are ahead of those who compare."""
    with ExitStack() as stack:
        turns: list[tuple[Result, Callable[[], float]]] = []
        for name in contest.mine:
            does = stack.enter_context(ours.prepared(stage.made, name, count))
            turns.append((Result(*MINE[name]), partial(does, stage.broker)))
        for peer in contest.peers:
            result = Result(peer.name, peer.note, peer.is_comparable)
            turns.append((result, partial(_rate, stage, contest, peer, count)))
        for _ in range(rounds):
            for result, run in turns:
                _take_turn(result, run)
    results = [result for result, _ in turns]
    _show(contest, results, count=count, rounds=rounds)
    return _is_ahead(results)


def _take_turn(result: Result, run: Callable[[], float]) -> None:
    if result.absent:
        return
    try:
        rate = run()
    except NotInstalledError as error:
        result.absent = f"not installed: {error}"
        return
    result.rates.append(rate)
    # Whoever stops it halfway has seen so much of it.
    print(f"{result.name}: {rate:,.0f}", file=sys.stderr, flush=True)


def _rate(stage: Stage, contest: Contest, peer: Peer, count: int) -> float:
    """Have a peer do the work; return how much of it in a second."""
    name, count = peer.does or contest.name, round(count * peer.scale)
    interpreter = _interpreter(peer)
    with redis.Redis.from_url(stage.broker) as client:
        client.flushall()
    with grounds.prepared(stage.made, name, count) as database:
        order = Order(name, database, stage.broker, count, str(stage.lines))
        command = [interpreter, "-m", f"benchmarks.peers.{peer.module}"]
        done = subprocess.run(
            [*command, order.encoded()],
            capture_output=True,
            text=True,
            cwd=environments.ROOT,
            env=_environment(),
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            message = f"{peer.name} failed:\n{done.stderr[-3000:]}"
            raise AssertionError(message)
        return count / float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def _interpreter(peer: Peer) -> str:
    """Return what runs a peer: our own, where it has no packages of its own."""
    if (environments.HERE / f"{peer.module}.lock").exists():
        return str(environments.python(peer.module))
    return sys.executable


def _environment() -> dict[str, str]:
    """Leave out where our own packages are, and say where Django's settings are."""
    here = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**here, "DJANGO_SETTINGS_MODULE": "benchmarks.peers.viewflow_settings"}


# The table


def _show(
    contest: Contest, results: Sequence[Result], *, count: int, rounds: int
) -> None:
    print(f"\n{contest.name}: {count} in {rounds} round(s); {surroundings()}\n")
    print(f"| {contest.title} | per second | least, most | ours is | how |")
    print("| --- | ---: | ---: | ---: | --- |")
    mine = Line("", results[0].rates)
    for result in results:
        if result.absent:
            print(f"| {result.name} | | | | {result.absent} |")
            continue
        line = Line("", result.rates)
        ratio = "" if result is results[0] else f"{mine.median / line.median:.2f}"
        spread = f"{min(line.values):,.0f}, {max(line.values):,.0f}"
        told = f"{line.median:,.0f} | {spread} | {ratio} | {result.note}"
        print(f"| {result.name} | {told} |")
    print(flush=True)


def _is_ahead(results: Sequence[Result]) -> bool:
    """Tell whether we are ahead of all who compare; nobody is of one who is absent."""
    mine = Line("", results[0].rates).median
    return all(
        result.rates and mine >= Line("", result.rates).median
        for result in results
        if result.is_comparable
    )


def main() -> int:
    """Measure and print; with --check, exit with 1 where a peer is ahead of us."""
    options = parser(str(__doc__).splitlines()[0])
    names = [contest.name for contest in CONTESTS]
    options.add_argument("--contest", action="append", choices=names)
    options.add_argument("--rounds", type=int, help="instead of 3, or 1 with --quick")
    chosen = options.parse_args()
    if "postgresql" not in (chosen.database or ["postgresql"]):
        print("nothing to measure: the peers are measured on postgresql alone")
        return 0
    rounds = chosen.rounds or (1 if chosen.quick else 3)
    ahead = []
    with (
        databases("postgresql") as made,
        running("redis") as broker,
        tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder,
    ):
        lines = Path(folder) / "lines"
        lines.write_bytes(b"\n".join(contents(1_000, _LINES)))
        stage = Stage(made, broker, lines)
        for contest in CONTESTS:
            if contest.name in (chosen.contest or names):
                count = contest.quick if chosen.quick else contest.thorough
                ahead.append(compare(stage, contest, count=count, rounds=rounds))
    return 1 if chosen.check and not all(ahead) else 0


if __name__ == "__main__":
    sys.exit(main())
