"""How fast do letters leave by a mail server, beside a loop that does nothing else?

Run by `make bench`, or as `python benchmarks/notices.py [--quick] [--check]`.
Two contestants take turns with a server that takes everything:

- workers: two processes of eight threads do the jobs of the outbox, each in its three
  steps, with a copy of what was sent, all of it flushed to the disk;
- bare loop: two processes send as many mails by `smtplib`, each over one connection;
  nothing is read, noted or kept.

How near to the loop is near enough, nobody has said: the ratio is told, not judged.
"""

import smtplib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from benchmarks.awaited import open_calls
from benchmarks.figures import DATABASES, Line, parser, show, surroundings
from benchmarks.offices import databases, served, taken
from tests.mailservers import SENDER, MailServer, a_mail, mail_server
from tests.processes import Ended, attempt, start, together
from tests.servers import LOOPBACK
from workers.transports import messages
from workflow.services import outbox

PROCESSES, THREADS = 2, 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    letters: int


THOROUGH = Plan(rounds=5, letters=400)
QUICK = Plan(rounds=2, letters=300)


@contextmanager
def sink(folder: Path) -> Iterator[int]:
    """Run a server that takes everything, in a process of its own; give its port."""
    said = folder / "port"
    process = start(_take_all, said)
    try:
        while not said.exists():
            time.sleep(0.05)
        yield int(said.read_text(encoding="ascii"))
    finally:
        process.kill()
        process.join()


def _take_all(said: Path) -> None:
    with mail_server() as server:
        beside = said.with_suffix(".new")
        beside.write_text(str(server.port), encoding="ascii")
        beside.replace(said)
        while True:
            time.sleep(1)
            server.received.clear()


# The contestants: what each process does


def by_workers(
    barrier: Any,  # noqa: ANN401 - of whatever process
    url: str,
    folder: Path,
    port: int,
    jobs: Sequence[UUID],
) -> list[Ended]:
    """Do jobs as a worker does."""
    transport = MailServer(port).transport(folder)
    with served(url) as desk, closing(transport):
        outbox.to_send(desk, most=1)  # it is connected before it is measured
        barrier.wait()
        begun = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            done = list(pool.map(lambda job: outbox.do(desk, job, transport), jobs))
        took = time.perf_counter() - begun
    return [attempt(lambda: (sum(done), took))]


def by_a_bare_loop(
    barrier: Any,  # noqa: ANN401 - of whatever process
    port: int,
    number: int,
) -> list[Ended]:
    """Send mails and do nothing else."""
    content = messages.written(a_mail(), None)
    with smtplib.SMTP(LOOPBACK, port) as client:
        barrier.wait()
        begun = time.perf_counter()
        for _ in range(number):
            client.sendmail(SENDER, ["cluster1@pec.example.it"], content)
        took = time.perf_counter() - begun
    return [attempt(lambda: (number, took))]


def rate(ended: Sequence[Sequence[Ended]]) -> float:
    """Return how many letters a second left, by all processes together."""
    told = [one.value for (one,) in ended]
    return float(sum(sent for sent, _ in told) / max(took for _, took in told))


# All of it


def compare(kind: str, plan: Plan) -> None:
    """Measure on one kind of database."""
    workers: list[float] = []
    bare: list[float] = []
    with (
        databases(kind) as made,
        made.empty() as url,
        TemporaryDirectory(prefix="sportello-bench-") as name,
        sink(Path(name)) as port,
    ):
        (code,) = open_calls(url, 1)
        for number in range(plan.rounds):
            jobs = _written(url, code, plan, number)
            halves = [jobs[hand::PROCESSES] for hand in range(PROCESSES)]
            posts = [(url, Path(name), port, half) for half in halves]
            workers.append(rate(together(by_workers, posts)))
            each = [(port, plan.letters // PROCESSES)] * PROCESSES
            bare.append(rate(together(by_a_bare_loop, each)))
    system, peer = Line("  workers", workers), Line("  bare loop", bare)
    remark = f"workers reach {system.median / peer.median:.2f}"
    print(f"{kind}: {plan.rounds} alternating rounds; {surroundings()}")
    show("letters per second", [system, Line(peer.name, bare, remark)])


def _written(url: str, code: str, plan: Plan, number: int) -> list[UUID]:
    """Have a letter written to each of some applicants; return what is to be sent."""
    with served(url) as desk:
        before = {one.id for one in outbox.to_send(desk, most=100_000)}
        taken(desk, 1 + number * plan.letters, plan.letters, code)
        jobs = [one.id for one in outbox.to_send(desk, most=100_000)]
    return [job for job in jobs if job not in before]


def main() -> None:
    """Measure and print."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    for kind in options.database or DATABASES:
        compare(kind, plan)


if __name__ == "__main__":
    main()
