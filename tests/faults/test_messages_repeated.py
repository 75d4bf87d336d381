"""Does a message that comes again, or in another order, change nothing?"""

import os
import random
import signal
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from dramatiq import Broker, Message

from tests.builders import Office
from tests.contents import dump
from tests.faults.counters import (
    a_minute_later,
    as_if_undisturbed,
    begin,
    is_done,
    left,
    steps,
)
from tests.faults.storms import (
    HEARTBEAT,
    Post,
    at_work,
    until,
    wait_for_some,
    working,
)
from tests.processes import acknowledged
from tests.twins import Twins
from workers import actors, sending
from workers.relay import Relay
from workers.stopping import Stop
from workers.ticking import Ticker
from workflow.services import outbox, sweep

COPIES = 5
PAUSES = 8
SEED = 20260120


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [SEED])
def test_messages_that_come_many_times_and_backwards_change_nothing_but_once(
    seed: int, twins: Twins, redis_server: str, tmp_path: Path
):
    chance = random.Random(seed)  # noqa: S311 - a seeded test
    work, script = twins.sleepy, steps(twins, 5)
    post = Post.of(work, redis_server, tmp_path)
    sent: list[Message[Any]] = []

    with (
        closing(redis.Redis.from_url(redis_server)) as client,
        closing(post.broker()) as broker,
        at_work(post, working, working),
    ):
        client.flushall()
        for step in script:
            begin(work, step, post.clock)
            while wanted := asked(work):  # what is due may leave something to be sent
                sent += wanted
                backwards = sent[::-1] + wanted[::-1] * COPIES
                send(broker, backwards)
                chance.shuffle(backwards)
                send(broker, backwards)
                until(lambda: drained(client))
            assert is_done(work)
        before = dump(work.desk.engine)
        send(broker, sent[::-1])
        send(broker, sent)
        until(lambda: drained(client))

    assert dump(work.desk.engine) == before
    as_if_undisturbed(twins, script)


def asked(work: Office) -> list[Message[Any]]:
    """Ask for all that is due, and for all that is to be sent."""
    wanted = [("sweep_call", code) for code in sweep.due_calls(work.desk)]
    jobs = outbox.to_send(work.desk, most=10_000)
    wanted += [("do_message", str(job.id)) for job in jobs]
    return [
        actors.message(name, argument, identity=f"{name}-{argument}", about={})
        for name, argument in wanted
    ]


def send(broker: Broker, messages: list[Message[Any]]) -> None:
    """Give the broker messages in that order, each queue by itself."""
    queues: dict[str, list[Message[Any]]] = defaultdict(list)
    for message in messages:
        queues[message.queue_name].append(message)
    for queue, of_it in queues.items():
        sending.send(broker, queue, of_it, under=f"copy-{time.monotonic_ns()}")


def drained(client: redis.Redis) -> bool:
    """Tell whether workers have acknowledged everything."""
    return not client.exists("dramatiq:sweep.msgs", "dramatiq:notices.msgs")


# A worker that was given up, and comes back


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [SEED])
def test_what_a_worker_had_in_hand_when_it_was_given_up_is_not_done_twice(
    seed: int, twins: Twins, redis_server: str, tmp_path: Path
):
    chance = random.Random(seed)  # noqa: S311 - a seeded test
    work, script = twins.sleepy, steps(twins, PAUSES)
    post = Post.of(work, redis_server, tmp_path)

    with (
        closing(redis.Redis.from_url(redis_server)) as client,
        closing(post.broker()) as broker,
        at_work(post, working, working) as crowd,
    ):
        client.flushall()
        ticker, relay = Ticker(broker, work.desk.as_worker()), Relay(broker, work.desk)
        paused = crowd.running[0].pid
        for step in script:
            begin(work, step, post.clock)
            ticker.tick(Stop())
            relay.step()
            wait_for_some(lambda: left(work), chance)
            os.kill(paused, signal.SIGSTOP)
            try:
                time.sleep(HEARTBEAT * 1.5)
                until(lambda: not client.keys(f"dramatiq:__acks__.process-{paused}.*"))
            finally:
                os.kill(paused, signal.SIGCONT)
            a_minute_later(work, post.clock)
            ticker.tick(Stop())
            until(lambda: relay.step() >= 0 and is_done(work))

    as_if_undisturbed(twins, script)
    workers = defaultdict(set)
    for line in acknowledged(post.delivered):
        name, argument, worker = line.decode().split()
        workers[name, argument].add(worker)
    twice = [
        one for one, at in workers.items() if one[0] == "do_message" and len(at) > 1
    ]
    assert twice, "nothing that was in hand came to the other worker"
