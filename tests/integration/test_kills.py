"""Is everything done once, however often what does it is killed?"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, delete, select, update

from models.session import transaction
from models.tables import OutboxMessage, Term
from tests.builders import OPENING, Office
from tests.contents import entries, rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_races import lines_of
from tests.integration.test_relay import PATIENCE, until
from tests.processes import Place, start
from workers import broker as brokers
from workers import serving
from workers.scheduler import Scheduler
from workers.stopping import Stop
from workflow.services import calls, intake, sweep

KILLS = 50
"""On each of the two databases: a hundred in all."""

WAVE = 4
"""Applications of which something is due between one kill and the next."""

SEED = 20260120
LATE = OPENING + timedelta(days=150)


# What the processes do until they are killed


def scheduling(place: Place, redis_url: str) -> None:
    """Tick and relay, if nobody else does, and be quick to send again."""
    with place.desk() as desk:
        Scheduler(
            brokers.build(redis_url),
            desk,
            every=0.1,
            resend=timedelta(seconds=1),
            say=lambda _: None,
        ).run(Stop())


def working(place: Place, redis_url: str) -> None:
    """Do little in each transaction, so that a kill finds one at any point."""
    sweep.AT_ONCE = 1
    built = brokers.build(redis_url, heartbeat=1)
    with place.desk() as desk, serving.serving(built, desk, threads=4):
        time.sleep(PATIENCE * 10)


@contextmanager
def at_work(*job: Any) -> Iterator[Callable[[random.Random], None]]:
    """Run two of each, and give a way to kill one and start another in its place."""
    does = [scheduling, scheduling, working, working]
    running = [start(one, *job) for one in does]

    def kill_one(chance: random.Random) -> None:
        number = chance.randrange(len(does))
        running[number].kill()
        running[number].join(PATIENCE)
        running[number] = start(does[number], *job)

    try:
        yield kill_one
    finally:
        for process in running:
            process.kill()
            process.join(PATIENCE)


def held_back(session: Session) -> tuple[list[Term], list[OutboxMessage]]:
    """Take what is due and what is to be done away, to bring it back bit by bit."""
    terms = session.exec(select(Term).order_by(col(Term.id))).all()
    jobs = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all()
    session.expunge_all()
    session.exec(update(Term).values(next_check=None))
    session.exec(delete(OutboxMessage))
    return list(terms), list(jobs)


def bring(session: Session, terms: list[Term], jobs: list[OutboxMessage]) -> None:
    for term in terms:
        again = update(Term).where(col(Term.id) == term.id)
        session.exec(again.values(next_check=term.next_check))
    session.add_all([OutboxMessage(**job.model_dump()) for job in jobs])


def test_a_hundred_kills_lose_nothing_and_do_nothing_twice(
    work: Office, office_url: str, redis_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    list(intake.take_in(work.desk, SECOND, lines_of(0, KILLS * WAVE)))
    engine, chance = work.desk.engine, random.Random(SEED)  # noqa: S311 - a seeded test
    with transaction(engine) as session:
        terms, jobs = held_back(session)

    with at_work(Place.at(office_url, LATE), redis_url) as kill_one:
        for first in range(0, KILLS * WAVE, WAVE):
            with transaction(engine) as session:
                bring(session, terms[first:][:WAVE], jobs[first:][:WAVE])
            time.sleep(chance.random() * 0.2)
            kill_one(chance)
        work.clock.move_to(LATE)
        until(lambda: not sweep.due_calls(work.desk))
        until(lambda: rows(engine, "SELECT count(*) FROM outbox") == [(0,)])

    made = Counter(
        (entry["protocol"], entry["event"])
        for event in ("expire_term", "escalate_term")
        for entry in entries(work, event=event, outcome="ok")
    )
    assert set(made.values()) == {1}
    assert len(made) == 2 * KILLS * WAVE
    assert rows(engine, "SELECT DISTINCT status FROM notices") == [("ready",)]
    assert rows(engine, "SELECT count(*) FROM terms WHERE attempts > 0") == [(0,)]
    assert work.verified()
