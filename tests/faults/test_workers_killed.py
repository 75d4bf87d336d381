"""Is everything done, and done once, whatever is killed in the middle of it?"""

import os
import random
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from tests.builders import Office
from tests.contents import rows
from tests.faults.counters import (
    Step,
    as_if_undisturbed,
    begin,
    is_done,
    left,
    let_it_end,
    steps,
)
from tests.faults.storms import (
    PATIENCE,
    Post,
    at_work,
    scheduling,
    until,
    wait_for_some,
    working,
    working_together,
)
from tests.processes import acknowledged
from tests.terminals import Terminal
from tests.twins import Twins
from workflow.rules.postings import record_name

KILLS = int(os.environ.get("WORKER_KILLS", "100"))
KILLS_OF_ALL_IN_ONE = max(KILLS // 10, 4)
SEED = int(os.environ.get("WORKER_SEED", "20260120"))
A_STEP = 2
"""Kills while the work of one step is done."""

SAID = "said"
FLUSH_EVERY = 4
"""Steps between one loss of all that Redis holds and the next."""


@pytest.mark.timeout(600 + 5 * KILLS)
@pytest.mark.parametrize("seed", [SEED])
def test_whatever_is_killed_or_flushed_all_is_as_if_nothing_had_been(
    seed: int, twins: Twins, redis_server: str, tmp_path: Path
):
    chance = random.Random(seed)  # noqa: S311 - a seeded test
    work, script = twins.sleepy, steps(twins, max(KILLS // A_STEP, 1))
    post = Post.of(work, redis_server, tmp_path)
    crew = (scheduling, scheduling, working, working_together)
    halfway = 0

    with (
        closing(redis.Redis.from_url(redis_server)) as client,
        at_work(post, *crew) as crowd,
    ):
        client.flushall()
        for number, step in enumerate(script):
            begin(work, step, post.clock)
            for _ in range(A_STEP):
                wait_for_some(lambda: left(work), chance)
                halfway += bool(left(work))
                crowd.kill_one(chance)
            if number % FLUSH_EVERY == 0:
                wait_for_some(lambda: left(work), chance)
                client.flushall()
        let_it_end(work, post.clock)
        assert client.keys("*.XQ") == []

    as_if_undisturbed(twins, script)
    assert halfway > KILLS // 3, "all was done before the kills"
    delivered(post, work, script)


def delivered(post: Post, work: Office, script: Sequence[Step]) -> None:
    """Every letter left, and some of the jobs came to workers more than once.

    Not each letter by a job of its own: one that follows takes it along.
    """
    left = "SELECT id, message_id FROM notices WHERE status <> 'dropped'"
    named = dict(rows(work.desk.engine, left))
    jobs = [job for step in script for job in step.jobs]
    wanted = {named[job.subject_id] for job in jobs if job.subject_id in named}
    there = [file.stem for file in (post.folder / "home" / "letters").rglob("*.eml")]
    assert wanted, "there was nothing to send"
    assert not [
        used
        for used in wanted
        if not any(name.endswith(record_name(used)) for name in there)
    ]
    said = [line.decode().split()[:2] for line in acknowledged(post.delivered)]
    came = [job for name, job in said if name == "do_message"]
    assert len(came) > len(set(came)), "the faults have cost nobody anything"


# All in one process, on a file


@contextmanager
def running(work: Office, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `sportello run` by the clock of an office; what it says is in a file."""
    settings = {
        "SPORTELLO_DATABASE_URL": str(work.desk.engine.url),
        "SPORTELLO_CLOCK": work.clock.now().isoformat(),
        "SPORTELLO_LOCK_WAIT": "30",
    }
    with (folder / SAID).open("wb") as said:
        process = Terminal(folder / "home", settings).start(
            *("run", "--every", "0.1", "--json"),
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)


@pytest.mark.timeout(300 + 15 * KILLS_OF_ALL_IN_ONE)
@pytest.mark.parametrize("seed", [SEED])
def test_however_often_the_one_process_is_killed_all_is_as_if_it_never_was(
    seed: int, twins_on_file: Twins, tmp_path: Path
):
    chance = random.Random(seed)  # noqa: S311 - a seeded test
    work, script = twins_on_file.sleepy, steps(twins_on_file, KILLS_OF_ALL_IN_ONE)
    halfway = 0

    for step in script:
        begin(work, step)
        with running(work, tmp_path):
            wait_for_some(lambda: left(work), chance, longest=PATIENCE)
            halfway += bool(left(work))
    with running(work, tmp_path) as last:
        # With nothing left to do it may not even hear signals yet.
        until(lambda: "scheduler active" in (tmp_path / SAID).read_text("utf-8"))
        until(lambda: is_done(work))
        last.send_signal(signal.SIGTERM)
        assert last.wait(PATIENCE) == 0

    as_if_undisturbed(twins_on_file, script)
    assert halfway > len(script) // 3, "all was done before the kills"
