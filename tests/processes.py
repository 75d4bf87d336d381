"""How do tests run real processes at once, and kill them?"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from models.session import open_engine
from workflow.ambient import SystemAmbient
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import SportelloError

# The fork server has everything imported: a process costs a fork, not a start.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.builders",
        "tests.faults.storms",
        "tests.processes",
        "holidays.countries.italy",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
    ]
)
_PATIENCE = 60


@dataclass
class RealClock(SystemAmbient):
    """The host's own clock, moved to the days of the call: not a simulated one."""

    ahead: timedelta

    def now(self) -> datetime:
        """Return the host's instant, as if it were those days."""
        return super().now() + self.ahead


@dataclass(frozen=True)
class Place:
    """Where a process works, and when it thinks it is."""

    url: str
    ahead: timedelta
    login: str = "rossi"

    @classmethod
    def at(cls, url: str, instant: datetime, login: str = "rossi") -> "Place":
        """Return a place whose clock shows an instant now."""
        return cls(url, instant - SystemAmbient().now(), login)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Sit down at a desk of this process's own."""
        clock = RealClock(self.ahead)
        engine = open_engine(self.url)
        identity = Identity(IdentityKind.DECLARED, self.login)
        try:
            yield Desk(engine, clock, identity, clock.now())
        finally:
            engine.dispose()


@dataclass(frozen=True)
class Ended:
    """How a piece of work ended in its process."""

    outcome: str
    """`done`, the class of an error of ours, or `crash`."""
    value: Any


def attempt(work: Callable[[], Any]) -> Ended:
    """Do something and tell how it ended."""
    try:
        return Ended("done", work())
    except SportelloError as error:
        return Ended(type(error).__name__, error.code)
    except Exception:  # noqa: BLE001 - another process must see it
        return Ended("crash", traceback.format_exc())


Work = Callable[..., list[Ended]]
"""What a process does: a function of a module, of a barrier and its arguments."""


def together(work: Work, jobs: Iterable[tuple[Any, ...]]) -> list[list[Ended]]:
    """Run a function in one process for each job, all at once; return what they say."""
    listed = list(jobs)
    barrier = _CONTEXT.Barrier(len(listed))
    running = [_started(work, barrier, job) for job in listed]
    ended = []
    for process, answers in running:
        ended.append(
            answers.recv()
            if answers.poll(_PATIENCE)
            else [Ended("crash", "no answer in time")]
        )
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
    crashes = [one.value for all_ in ended for one in all_ if one.outcome == "crash"]
    assert not crashes, "\n".join(crashes)
    return ended


def _started(work: Work, barrier: Any, job: tuple[Any, ...]) -> tuple[Any, Any]:
    here, there = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(work, barrier, job, there))
    process.start()
    there.close()
    return process, here


def _run(work: Work, barrier: Any, job: tuple[Any, ...], answers: Any) -> None:
    try:
        answers.send(work(barrier, *job))
    except Exception:  # noqa: BLE001 - the tests must see it
        barrier.abort()
        answers.send([Ended("crash", traceback.format_exc())])


def start(work: Callable[..., None], *job: Any) -> Any:
    """Start a process that is going to be killed."""
    process = _CONTEXT.Process(target=work, args=job)
    process.start()
    return process


def acknowledge(file: Path, line: bytes) -> None:
    """Write an answer down in one piece, outside the reach of a kill."""
    descriptor = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, line + b"\n")
    finally:
        os.close(descriptor)


def acknowledged(file: Path) -> list[bytes]:
    """Return the answers that were written down before a kill."""
    return file.read_bytes().splitlines() if file.exists() else []
