"""What is at work while the tests do harm, by which clock, and how is it killed?

Light to import: every process that takes the place of a killed one imports it.
"""

import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from dramatiq import Broker, Middleware
from dramatiq.brokers.redis import RedisBroker

from models.session import open_engine
from tests.builders import Office
from tests.mailservers import MailServer
from tests.postboxes import files
from tests.processes import acknowledge, start
from workers import broker as brokers
from workers import serving
from workers.crew import Crew
from workers.scheduler import Scheduler
from workers.stopping import Stop
from workflow.ambient import SystemAmbient
from workflow.desk import Desk, Identity, IdentityKind
from workflow.services.postings import Transport

PATIENCE = 60.0
HEARTBEAT = 1
HANDS = 2
LONGEST = 0.2
"""Seconds for which what is at work is left alone, if it does nothing."""

Does = Callable[[Any], None]
"""What somebody does at a post, until it ends."""


@dataclass
class WallClock:
    """A clock that hangs where all processes see it, and that only tests move.

    It takes the place of the ambient clock, the one that the product goes by.
    """

    path: Path
    simulated: bool = True
    """Whether it counts as that of a rehearsal, or as that of the host."""

    def now(self) -> datetime:
        """Return the instant at which it was set."""
        return datetime.fromisoformat(self.path.read_text(encoding="ascii"))

    def new_id(self) -> UUID:
        """Return an identifier that no process gives twice."""
        return SystemAmbient().new_id()

    def move_to(self, instant: datetime) -> None:
        """Set it, so that nobody ever sees a half of it."""
        beside = self.path.with_suffix(".new")
        beside.write_text(instant.isoformat(), encoding="ascii")
        beside.replace(self.path)


class Witness(Middleware):
    """Writes down what is delivered, before anything comes of it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def before_process_message(self, _broker: Broker, message: Any) -> None:
        said = f"{message.actor_name} {message.args[0]} {os.getpid()}"
        acknowledge(self._file, said.encode())


@dataclass(frozen=True)
class Post:
    """Where a process works: its database, its broker, and its clock on the wall."""

    url: str
    redis_url: str
    folder: Path
    mail_port: int | None = None
    ticks_every = 0.1
    is_witnessed = True
    """Whether what is delivered is written down."""

    @classmethod
    def of(cls, work: Office, redis_url: str, folder: Path) -> "Post":
        """Return a post at an office, whose clock shows the same instant."""
        url = work.desk.engine.url.render_as_string(hide_password=False)
        post = cls(url, redis_url, folder)
        post.clock.move_to(work.clock.now())
        return post

    @property
    def clock(self) -> WallClock:
        return WallClock(self.folder / "clock")

    def start(self, does: Does) -> Any:
        """Start somebody there, who is going to be killed."""
        return start(does, self)

    @property
    def delivered(self) -> Path:
        """What was delivered to workers, line by line."""
        return self.folder / "delivered"

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Sit down at a desk of this process's own."""
        engine = open_engine(self.url)
        clock = self.clock
        identity = Identity(IdentityKind.DECLARED, "rossi")
        try:
            yield Desk(engine, clock, identity, clock.now())
        finally:
            engine.dispose()

    def transport(self) -> Transport:
        """Return what takes letters: files, or a mail server."""
        if self.mail_port is None:
            return files(self.folder)
        return MailServer(self.mail_port).transport(self.folder)

    def broker(self) -> RedisBroker:
        """Build a broker whose workers are given up soon, and seen at work."""
        built = brokers.build(self.redis_url, heartbeat=HEARTBEAT)
        assert isinstance(built, RedisBroker)
        built.broker_id = f"process-{os.getpid()}"
        if self.is_witnessed:
            built.add_middleware(Witness(self.delivered))
        return built


# What the processes do until they are killed, or the tests end


def scheduling(post: Post) -> None:
    be_impatient()
    with post.desk() as desk:
        Scheduler(
            post.broker(),
            desk,
            every=post.ticks_every,
            receipts=desk.receipts,
            say=lambda _: None,
        ).run(_stop())


def working(post: Post) -> None:
    _work(post, _stop(), threads=3)


def working_together(post: Post) -> None:
    """Have hands, as `worker --processes` does."""
    hands = Crew(
        lambda stop: _work(post, stop, threads=2), open_engine(post.url), size=HANDS
    )
    hands.run(_stop())


def _work(post: Post, stop: Stop, *, threads: int) -> None:
    be_impatient()
    with (
        post.desk() as desk,
        serving.serving(post.broker(), desk, post.transport(), threads=threads),
    ):
        stop.wait()


def be_impatient() -> None:
    """Give a broker that hangs up soon, in this process and no other."""
    brokers._PATIENCE = 1


def _stop() -> Stop:
    """End with the tests, if they die without having killed this process."""
    tests = multiprocessing.parent_process()
    assert tests is not None
    return Stop(lifeline=tests.sentinel)


# How they are killed


class AtWork:
    """Processes at a post; one that is killed is replaced at once."""

    def __init__(self, post: Post, does: Sequence[Does], crews: Sequence[Does]) -> None:
        self._post, self._does, self._crews = post, does, crews
        self.running = [post.start(one) for one in does]
        self._hands: set[int] = set()

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of them, or a hand of a crew."""
        number, hand = chance.randrange(len(self._does) + 1), chance.randrange(HANDS)
        hands = self._living_hands()
        if number == len(self._does) and hands:
            os.kill(hands[hand % len(hands)], signal.SIGKILL)
            return  # its crew replaces it
        self._hands |= set(hands)  # those of a crew that is killed end by themselves
        number %= len(self._does)
        self.running[number].kill()
        self.running[number].join(PATIENCE)
        self.running[number] = self._post.start(self._does[number])

    def kill_a_hand(self, chance: random.Random) -> bool:
        """Kill a hand of a crew, if there is one."""
        hands = self._living_hands()
        if hands:
            os.kill(chance.choice(hands), signal.SIGKILL)
        return bool(hands)

    def restart_the_ended(self) -> None:
        """Start again what has ended by itself, as a service manager does."""
        for number, process in enumerate(self.running):
            if not process.is_alive():
                self.running[number] = self._post.start(self._does[number])

    def _living_hands(self) -> list[int]:
        """Return the hands of the crews; who starts them again is their business."""
        crews = [
            process.pid
            for process, does in zip(self.running, self._does, strict=True)
            if does in self._crews
        ]
        return children(crews)

    def end(self) -> None:
        """Leave nobody behind."""
        self._hands |= set(self._living_hands())
        for process in self.running:
            process.kill()
            process.join(PATIENCE)
        until(lambda: gone(self._hands))


@contextmanager
def at_work(
    post: Post, *does: Does, crews: Sequence[Does] = (working_together,)
) -> Iterator[AtWork]:
    """Have processes at work meanwhile; *crews* are those of them that have hands."""
    crowd = AtWork(post, does, crews)
    try:
        yield crowd
    finally:
        crowd.end()


def children(parents: Sequence[int]) -> list[int]:
    if not parents:
        return []
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split() for line in listed.stdout.splitlines())
    return sorted(
        int(pid)
        for pid, parent, status in rows
        if int(parent) in parents and not status.startswith("Z")
    )


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def until(condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Wait for something to happen; that it takes long is no fault."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def wait_for_some(
    left: Callable[[], int], chance: random.Random, *, longest: float = LONGEST
) -> None:
    """Wait until some part of what is left is done, or for a while, by chance."""
    share, more = chance.random(), chance.random() * 0.02
    wanted = share * left()
    deadline = time.monotonic() + longest
    while left() > wanted and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(more)
