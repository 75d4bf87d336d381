"""What work are all peers given, and how do they tell how long it took?

It needs the standard library and psycopg, which every peer's environment has.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg

HANDS = 2
"""Processes that work at a time: as many as the machine has processors."""
AT_ONCE = 8
"""Jobs that each of them has in hand at a time: ours has as many threads."""
GROUP = 200
"""Submissions in one transaction, where somebody groups them."""
MOVES = ("start_review", "admit", "evaluate")
"""What is done with each file, each in a transaction of its own."""

PATIENCE = 300
_CONTEXT = multiprocessing.get_context("fork")
# Forked: what is imported is there, and a process costs no start.


@dataclass(frozen=True, slots=True)
class Order:
    """What a peer is to do, and where."""

    contest: str
    database: str
    """As `postgresql://…`."""
    broker: str
    """As `redis://…`."""
    count: int
    """Submissions, moves, jobs or files that are due."""
    lines: str
    """The file of the submissions."""

    @property
    def files(self) -> range:
        """Return the identifiers of the files that are moved."""
        return range(1, self.count // len(MOVES) + 1)

    @property
    def everything(self) -> range:
        """Return the identifiers of the files, or notices, that are due."""
        return range(1, self.count + 1)

    def submissions(self) -> list[bytes]:
        """Return what is taken in, a line each."""
        return Path(self.lines).read_bytes().splitlines()[: self.count]

    def encoded(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))


def order() -> Order:
    """Read what this program was told to do."""
    return Order(**json.loads(sys.argv[1]))


def do(contests: Mapping[str, Callable[[Order], float]]) -> None:
    """Do what this program was told to, and print how many seconds it took."""
    told = order()
    print(json.dumps({"seconds": contests[told.contest](told)}), flush=True)


# Processes that share out what there is to do


def shared(
    made: Callable[[], Callable[[Any], None]], items: Sequence[Any], *, hands: int
) -> float:
    """Do something with each item; return the seconds from the first to the last.

    Each process makes what does it for itself, with a connection of its own, before
    the clock runs.
    """
    barrier, told = _CONTEXT.Barrier(hands), _CONTEXT.SimpleQueue()
    processes = [
        _CONTEXT.Process(target=_hand, args=(made, items[n::hands], barrier, told))
        for n in range(hands)
    ]
    for process in processes:
        process.start()
    spans = [told.get() for _ in processes]
    for process in processes:
        process.join()
    return float(max(end for _, end in spans) - min(start for start, _ in spans))


def _hand(
    made: Callable[[], Callable[[Any], None]],
    items: Sequence[Any],
    barrier: Barrier,
    told: Any,  # noqa: ANN401 - a queue, whose class has no name
) -> None:
    does = made()
    barrier.wait(PATIENCE)
    start = time.perf_counter()
    for item in items:
        does(item)
    told.put((start, time.perf_counter()))


def grouped(lines: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return the submissions in groups."""
    return [lines[first : first + GROUP] for first in range(0, len(lines), GROUP)]


# Workers of a queue


def worked_off(
    told: Order, serve: Callable[..., None], each: Sequence[tuple[Any, ...]]
) -> float:
    """Have workers do all that waits; return the seconds from the first to the last.

    By the clock of the database, so that the start of the workers does not count.
    """
    with _at_work(serve, each), psycopg.connect(told.database) as connection:
        connection.autocommit = True
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            time.sleep(0.25)
            done, seconds = connection.execute(_DONE).fetchone() or (0, None)
            if done == told.count:
                return float(seconds)
    message = f"{done} of {told.count} were done in {PATIENCE} seconds"
    raise TimeoutError(message)


def begin(connection: Any) -> None:  # noqa: ANN401 - of whatever library
    """Note that what is due is being looked for: from here the clock runs."""
    connection.execute(BEGUN)


BEGUN = "INSERT INTO marks DEFAULT VALUES"
_DONE = """
SELECT count(*),
    extract(epoch FROM max(at) - coalesce((SELECT min(at) FROM marks), min(at)))
FROM history
"""


@contextmanager
def _at_work(
    serve: Callable[..., None], each: Sequence[tuple[Any, ...]]
) -> Iterator[None]:
    processes = [_CONTEXT.Process(target=serve, args=job) for job in each]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(10)
            process.kill()
