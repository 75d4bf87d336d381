"""Where does the time of a submission, of a move, of a letter, of verifying one go?

Run as `python benchmarks/where.py [--quick]`, on PostgreSQL unless another is named.
Each is done over and over while a clock looks, every millisecond, at what is being
carried out: waiting for the database, the driver, SQLAlchemy, our code, the rest. A
look costs little, so that it does not change what it looks at, as a tracer would.
"""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from benchmarks import advance, intake, verify
from benchmarks.awaited import settle
from benchmarks.crews import Nowhere
from benchmarks.figures import parser, surroundings
from benchmarks.offices import Databases, Raw, databases, open_for_all, served, taken
from workflow.services import log, outbox

_OURS = Path(__file__).resolve().parents[1]
_EVERY = 0.001
_MOST = 24
"""Functions of ours that are told, with all that they call."""

_LAYERS = (
    ("waiting for the database", ("psycopg/connection.py", "sqlite3")),
    ("driver", ("/psycopg",)),
    ("SQLAlchemy", ("/sqlalchemy/", "/sqlmodel/")),
    ("our code", (f"{_OURS}/workflow", f"{_OURS}/models", f"{_OURS}/config")),
)
"""The first whose path is in that of what is being carried out."""


class Looks:
    """What was being carried out whenever the clock looked."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    def look(self, _signal: int, frame: FrameType | None) -> None:
        """Note what is being carried out, and by which functions of ours."""
        if frame is None:
            return
        file = frame.f_code.co_filename
        self.layers[_layer(file)] += 1
        seen: set[str] = set()
        while frame is not None:
            code = frame.f_code
            if _layer(code.co_filename) == "our code":
                module = Path(code.co_filename).relative_to(_OURS)
                seen.add(f"{module}: {code.co_qualname}")
            frame = frame.f_back
        self.functions.update(seen)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Look all the time."""
        signal.signal(signal.SIGALRM, self.look)
        signal.setitimer(signal.ITIMER_REAL, _EVERY, _EVERY)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def show(self) -> None:
        """Print the shares, in hundredths."""
        total = self.layers.total()
        for name, looks in self.layers.most_common():
            print(f"  {100 * looks / total:5.1f}  {name}")
        for name, looks in self.functions.most_common(_MOST):
            print(f"  {100 * looks / total:5.1f}    in {name}")


def _layer(file: str) -> str:
    for name, paths in _LAYERS:
        if any(path in file for path in paths):
            return name
    return "the rest of Python"


# What is looked at


def _submissions(made: Databases, size: int) -> Iterator[Callable[[], int]]:
    plan = intake.Plan(rounds=1, grouped=10 * size, alone=0)
    with made.empty() as url:
        open_for_all(url)

        def filed() -> int:
            intake.in_groups(url, plan)
            return plan.grouped

        yield filed


def _moves(made: Databases, size: int) -> Iterator[Callable[[], int]]:
    plan = advance.Plan(rounds=1, applications=size)
    with made.empty() as url:
        protocols = advance.prepare(url, plan)

        def made_all() -> int:
            advance.by_the_system(url, protocols)
            return len(protocols) * len(advance.EVENTS)

        yield made_all


def _letters(made: Databases, size: int) -> Iterator[Callable[[], int]]:
    with made.empty() as url:
        open_for_all(url)
        with served(url) as desk, Raw(url) as raw:
            taken(desk, intake.FIRST, 4 * size)
            settle(raw)
            transport = Nowhere()
            jobs = outbox.to_send(desk, most=4 * size)

            def sent() -> int:
                return sum(outbox.do(desk, job.id, transport) for job in jobs)

            yield sent


def _entries(made: Databases, size: int) -> Iterator[Callable[[], int]]:
    with made.empty() as url:
        count = verify.fill(url, 100 * size)

        def verified() -> int:
            with served(url) as desk:
                log.verify(desk)
            return count

        yield verified


_WORK = {
    "submissions in groups": _submissions,
    "moves": _moves,
    "letters, by one thread": _letters,
    "entries verified": _entries,
}


def main() -> int:
    """Look at each, and print."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    size = 20 if options.quick else 100
    for kind in options.database or ["postgresql"]:
        with databases(kind) as made:
            print(f"{kind}; hundredths of the time; {surroundings()}")
            for name, prepared in _WORK.items():
                looks = Looks()
                for does in prepared(made, size):
                    begun = time.perf_counter()
                    with looks.open():
                        count = does()
                    took = time.perf_counter() - begun
                print(f"{name}: {count / took:,.0f} in a second")
                looks.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
