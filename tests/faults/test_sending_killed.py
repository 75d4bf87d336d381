"""Does every letter leave, and none twice unawares, whoever is killed on the way?"""

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from models.vocabulary import NoticeStatus
from tests.builders import Office
from tests.faults.storms import PATIENCE, Post, at_work, until, wait_for_some, working
from tests.mailservers import MailServer, mail_server
from tests.processes import start
from workers.relay import Relay
from workers.transports.smtp import Smtp
from workflow.services import notices, outbox
from workflow.services.postings import Mail

LETTERS = 3
KILLS = 6
SEED = 20260120
LATER = timedelta(minutes=6)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """Run a mail server."""
    with mail_server() as running:
        yield running


@pytest.fixture
def written(work: Office) -> Office:
    """Have letters wait."""
    for number in range(LETTERS):
        work.file(number)
    return work


def post_of(work: Office, server: MailServer, folder: Path) -> Post:
    post = Post.of(work, "redis://127.0.0.1:1/0", folder)
    return replace(post, mail_port=server.port)


def sending(post: Post, dies: bool) -> None:
    """Send what waits; or die when the first is sent, before that is noted."""
    with post.desk() as desk, closing(post.transport()) as transport:
        if dies:
            assert isinstance(transport, Smtp)
            _die_after(transport)
        while jobs := outbox.to_send(desk, most=1_000, resend=None):
            for job in jobs:
                outbox.do(desk, job.id, transport)


def _die_after(transport: Smtp) -> None:
    send = transport.send

    def send_and_die(mail: Mail) -> None:
        send(mail)
        os.kill(os.getpid(), signal.SIGKILL)

    transport.send = send_and_die  # type: ignore[method-assign]


def run(post: Post, *, dies: bool = False) -> Any:
    process = start(sending, post, dies)
    process.join(PATIENCE)
    return process.exitcode


def left(work: Office) -> int:
    return len(notices.listed(work.desk, status=NoticeStatus.QUEUED))


def test_who_dies_after_the_server_said_yes_has_sent_it_and_it_is_known(
    written: Office, server: MailServer, tmp_path: Path
):
    post = post_of(written, server, tmp_path)

    ended = [run(post, dies=True) for _ in range(LETTERS)]
    last = run(post)

    sent = notices.listed(written.desk)
    assert (ended, last) == ([-signal.SIGKILL] * LETTERS, 0)
    assert sorted(server.ids()) == sorted(one.id for one in sent)
    assert {(one.status, one.maybe_double) for one in sent} == {("sent", False)}


def test_who_dies_before_the_answer_leaves_a_letter_that_may_come_twice(
    written: Office, server: MailServer, tmp_path: Path
):
    post = post_of(written, server, tmp_path)
    working_now: list[Any] = []

    def kill(_received: object) -> None:
        working_now[-1].kill()

    server.when_it_has_one = kill
    for _ in range(LETTERS):
        working_now.append(start(sending, post, False))
        working_now[-1].join(PATIENCE)
    server.when_it_has_one = lambda _: None
    at_once = run(post)
    early = Counter(server.ids())
    post.clock.move_to(post.clock.now() + LATER)
    written.clock.move_to(post.clock.now())
    later = run(post)

    sent = notices.listed(written.desk)
    assert [one.exitcode for one in working_now] == [-signal.SIGKILL] * LETTERS
    assert (at_once, later) == (0, 0)
    assert early == {one.id: 1 for one in sent}, (
        "nobody waits for who may still be at it"
    )
    assert Counter(server.ids()) == {one.id: 2 for one in sent}
    assert {(one.status, one.maybe_double) for one in sent} == {("sent", True)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [SEED])
def test_whoever_is_killed_no_letter_is_lost_and_none_comes_twice_unawares(
    seed: int,
    postgres_office_url: str,
    redis_server: str,
    server: MailServer,
    tmp_path: Path,
):
    from tests.builders import office  # noqa: PLC0415 - only one database here

    chance = random.Random(seed)  # noqa: S311 - a seeded test
    with (
        office(postgres_office_url) as work,
        closing(redis.Redis.from_url(redis_server)) as client,
    ):
        client.flushall()
        post = replace(Post.of(work, redis_server, tmp_path), mail_port=server.port)
        with closing(post.broker()) as broker, at_work(post, working, working) as crowd:
            relay = Relay(broker, work.desk)
            for number in range(KILLS):
                work.file(number)
                relay.step()
                wait_for_some(lambda: left(work), chance)
                crowd.kill_one(chance)
                later(work, post)
            until(lambda: relay_on(relay, work, post) and not left(work))

        sent = notices.listed(work.desk)

    came = Counter(server.ids())
    assert len(sent) == KILLS
    for one in sent:
        assert came[one.id] == 1 or (came[one.id] > 1 and one.maybe_double), one.name


def later(work: Office, post: Post) -> None:
    work.clock.move_to(work.clock.now() + LATER)
    post.clock.move_to(work.clock.now())


def relay_on(relay: Relay, work: Office, post: Post) -> bool:
    later(work, post)
    return relay.step() >= 0
