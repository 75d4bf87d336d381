"""Is every effect there exactly once, however many sweep and however they end?"""

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from models.session import open_engine
from models.vocabulary import Event
from tests.builders import OPENING, TO_GRANT, Office, office, rome, submission
from tests.contents import entries
from tests.due_terms import DAY, Row, deeds, standing, unwatched
from tests.editions import SECOND, open_to_all
from tests.integration.test_races import lines_of
from tests.processes import (
    Ended,
    acknowledge,
    acknowledged,
    attempt,
    start,
    together,
)
from tests.servers import fresh_postgres
from tests.twins import differing, twins_of
from workflow.ambient import ShiftedAmbient
from workflow.desk import Desk, Identity, IdentityKind
from workflow.services import calls, intake, sweep

KILLS = int(os.environ.get("SWEEP_KILLS", "13"))
"""On each of the two databases."""

THIRD = "RLF12025051246"
DAYS = 31
"""From the first day on which something is due to the last."""

FIRST = rome(2026, 4, 20)
A_DAY = 5
"""Files of one day, in each of two calls."""

PATIENCE = 60.0
SEED = 20260421


# What the processes do


@contextmanager
def desk_on(url: str, instant: datetime) -> Iterator[Desk]:
    """Sit at a desk of this process, on a day to come."""
    engine = open_engine(url)
    identity = Identity(IdentityKind.SYSTEM, None)
    try:
        yield Desk(engine, ShiftedAmbient(instant), identity, instant, "worker")
    finally:
        engine.dispose()


def sweeping(url: str, began: Path) -> None:
    """Sweep day after day, until somebody kills it."""
    day = 0
    while True:
        with desk_on(url, FIRST + day * DAY) as desk:
            if day == 0:
                acknowledge(began, b"began")
            sweep.sweep(desk)
        day = min(day + 1, DAYS)


def sweeping_in_step(barrier: Any, url: str) -> list[Ended]:
    """Sweep each day at once with others."""
    ended = []
    for day in range(DAYS + 1):
        with desk_on(url, FIRST + day * DAY) as desk:
            barrier.wait(PATIENCE)
            ended.append(attempt(lambda: _told(desk)))
    return ended


def _told(desk: Desk) -> tuple[int, tuple[str, ...]]:
    swept = sweep.sweep(desk)
    return len(swept.applied), tuple(one.code for one in swept.failed)


# An office in which something is due on each of thirty days


def many_terms(work: Office, folder: Path) -> None:
    """Hundreds of terms of three calls: of the office, of plans, of codes."""
    for code in (SECOND, THIRD):
        calls.register_call(work.desk, open_to_all(folder, code))
    for number in range(20):
        work.clock.move_to(OPENING + number * DAY)
        for code in (SECOND, THIRD):
            lines = lines_of(A_DAY * number, A_DAY, code)
            list(intake.take_in(work.desk, code, lines))
    work.take(submission(8, draft=True))
    files = [work.file(number) for number in range(6)]
    work.clock.move_to(rome(2026, 3, 28, 12))
    for name in files:
        work.routine(name, *TO_GRANT, Event.RECORD_PUBLICATION)
        work.routine(name, Event.CONVENE_NEGOTIATION, Event.SIGN_MINUTES)
        work.wait(hours=12)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Give that office, for others to copy."""
    folder = tmp_path_factory.mktemp("busy")
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = folder / "sportello.db"
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            url = f"sqlite:///{path}"
        else:
            server = request.getfixturevalue("postgres_server")
            template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(fresh_postgres(server, template))
        work = stack.enter_context(office(url))
        many_terms(work, folder)
        yield work


@dataclass(frozen=True)
class Copies:
    """A copy to disturb, and what an undisturbed one holds in the end."""

    url: str
    work: Office
    entries: list[Row]
    rows: dict[str, list[Row]]


@pytest.fixture
def copies(
    busy: Office, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Copies]:
    """Give a copy of that office, and what is there if nobody disturbs its sweeps."""
    sqlite = busy.desk.engine.dialect.name == "sqlite"
    admin = None if sqlite else request.getfixturevalue("postgres_server")
    with twins_of(busy, tmp_path, admin) as twins:
        calm, work = twins.diligent, twins.sleepy
        for day in range(DAYS + 1):
            calm.clock.move_to(FIRST + day * DAY)
            assert sweep.sweep(calm.desk).remaining == 0
        work.desk.engine.dispose()
        yield Copies(
            work.desk.engine.url.render_as_string(hide_password=False),
            work,
            deeds(calm),
            standing(calm.desk.engine),
        )


def as_if_undisturbed(copies: Copies) -> None:
    """Hold everything against what is there if nobody disturbs the sweeps."""
    work = copies.work
    for mine, calm in zip(deeds(work), copies.entries, strict=True):
        assert mine == calm, differing(mine, calm)
    for table, rows in standing(work.desk.engine).items():
        for mine, calm in zip(rows, copies.rows[table], strict=True):
            assert mine == calm, f"{table}: {differing(mine, calm)}"
    effects = Counter(
        (entry["call"], entry["protocol"], entry["event"], str(entry["inputs"]))
        for entry in entries(work)
        if entry["findings"].get("due_at") and entry["protocol"]
    )
    assert set(effects.values()) == {1}
    assert len(effects) > 2 * 2 * 20 * A_DAY
    assert unwatched(work.desk.engine) == []
    assert work.verified()


# The promises


def test_whenever_a_sweeping_process_is_killed_every_effect_is_there_exactly_once(
    copies: Copies, tmp_path: Path
):
    began, chance = tmp_path / "began", random.Random(SEED)  # noqa: S311 - a seeded test
    last = FIRST + DAYS * DAY
    halfway = 0

    for number in range(KILLS):
        process = start(sweeping, copies.url, began)
        wait_for(lambda: len(acknowledged(began)) > number or not process.is_alive())  # noqa: B023
        time.sleep(chance.random() * 0.25)
        process.kill()
        process.join(PATIENCE)
        assert process.exitcode == -9
        with desk_on(copies.url, last) as desk:
            halfway += bool(sweep.due_calls(desk))
    with desk_on(copies.url, last) as desk:
        assert sweep.sweep(desk).remaining == 0
        assert sweep.sweep(desk).applied == ()

    assert halfway > min(KILLS, 13) // 2, "all was done before the kills"
    as_if_undisturbed(copies)


def test_of_several_that_sweep_at_once_none_does_what_another_has_done(
    copies: Copies,
):
    ended = together(sweeping_in_step, [(copies.url,)] * 3)

    with desk_on(copies.url, FIRST + DAYS * DAY) as desk:
        assert sweep.sweep(desk).applied == ()
    told = [one for all_ in ended for one in all_]
    assert {one.outcome for one in told} == {"done"}
    assert {failed for one in told for failed in one.value[1]} == set()
    as_if_undisturbed(copies)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nobody began"
        time.sleep(0.003)
