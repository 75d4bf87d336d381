"""Is nothing lost, and nobody stopped, while the broker loses all or is not there?"""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from tests.builders import Office
from tests.contents import rows
from tests.due_terms import unwatched
from tests.faults.brokers import Server
from tests.faults.counters import (
    a_minute_later,
    as_if_undisturbed,
    begin,
    is_done,
    left,
    let_it_end,
    once_each,
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
)
from tests.terminals import Terminal
from tests.twins import Twins
from workers.relay import Relay
from workers.stopping import Stop
from workers.ticking import Ticker
from workflow.services import moves, sweep

FLUSHES = 30
TYPED = 6
SEED = 20260120


# Everything that it holds is lost


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [SEED])
def test_whenever_redis_is_flushed_two_ticks_are_enough(
    seed: int, twins: Twins, redis_server: str, tmp_path: Path
):
    """Counted in ticks, which the test gives: one before the flush, one after it."""
    chance = random.Random(seed)  # noqa: S311 - a seeded test
    work, script = twins.sleepy, steps(twins, FLUSHES)
    post = Post.of(work, redis_server, tmp_path)
    lost = {"sweep": 0, "notices": 0}

    with (
        closing(redis.Redis.from_url(redis_server)) as client,
        closing(post.broker()) as broker,
        at_work(post, working, working),
    ):
        client.flushall()
        ticker, relay = Ticker(broker, work.desk.as_worker()), Relay(broker, work.desk)
        for step in script:
            begin(work, step, post.clock)
            ticker.tick(Stop())
            relay.step()
            wait_for_some(lambda: left(work), chance)
            for queue in lost:
                lost[queue] += int(client.hlen(f"dramatiq:{queue}.msgs"))
            client.flushall()
            a_minute_later(work, post.clock)
            ticker.tick(Stop())
            until(lambda: relay.step() >= 0 and is_done(work))

    as_if_undisturbed(twins, script)
    assert min(lost.values()) > 0, f"nothing was ever lost: {lost}"


# It is not there, or it does not answer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a broker of this test's own."""
    own = Server(tmp_path / "broker")
    try:
        yield own
    finally:
        own.end()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("goes", "comes_back"),
    [
        pytest.param(Server.kill, Server.replace, id="stopped"),
        pytest.param(Server.freeze, Server.thaw, id="hanging"),
    ],
)
def test_commands_are_done_without_the_broker_and_their_jobs_when_it_is_back(
    goes: Callable[[Server], None],
    comes_back: Callable[[Server], None],
    twins: Twins,
    server: Server,
    tmp_path: Path,
):
    work, (first, meanwhile, last) = twins.sleepy, steps(twins, 3)
    post = Post.of(work, server.url, tmp_path)
    with at_work(post, scheduling, scheduling, working) as crowd:
        begin(work, first, post.clock)
        let_it_end(work, post.clock)
        pids = [process.pid for process in crowd.running]

        goes(server)
        promised = [
            job for one in meanwhile.commands[:TYPED] for job in type_(post, one)
        ]
        waiting = jobs(work)
        begin(work, replace(meanwhile, commands=()), post.clock)
        until(lambda: not sweep.due_calls(work.desk), within=2 * PATIENCE)
        comes_back(server)

        let_it_end(work, post.clock)
        begin(work, replace(last, commands=()), post.clock)
        let_it_end(work, post.clock)
        assert [process.pid for process in crowd.running if process.is_alive()] == pids

    assert len(promised) == TYPED
    assert waiting == sorted(promised)
    once_each(work)
    assert unwatched(work.desk.engine) == []
    assert work.verified()


def type_(post: Post, one: moves.MoveCommand) -> list[tuple[str, int]]:
    """Type a command of an officer in a process; return the jobs that it leaves."""
    settings = {
        "SPORTELLO_DATABASE_URL": post.url,
        "SPORTELLO_BROKER_URL": post.redis_url,
        "SPORTELLO_CLOCK": post.clock.now().isoformat(),
        "SPORTELLO_LOCK_WAIT": "60",
        "SPORTELLO_OFFICER": "rossi",
    }
    words = [one.application, one.event.value, "--yes", "--json"]
    for name, value in one.inputs.items():
        words += [f"--{name}", value[0]]
    if one.reason is not None:
        words += ["--reason", one.reason]

    done = Terminal(post.folder / "home", settings).run("advance", *words)

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    return [(told["entry"]["call"], told["entry"]["seq"]) for _ in told["notices"]]


def jobs(work: Office) -> list[tuple[str, int]]:
    """Return the entries that have left a job which is not done."""
    query = (
        "SELECT code, entry_seq FROM outbox JOIN calls ON calls.id = call_id"
        " ORDER BY code, entry_seq"
    )
    return [(code, seq) for code, seq in rows(work.desk.engine, query)]
