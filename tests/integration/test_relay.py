"""Is every job given to the workers, and done once, whatever the broker does?"""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
import redis
from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import text

from config.logs import log as logger
from models.session import transaction
from models.vocabulary import Event
from tests.builders import TO_GRANT, Office
from tests.contents import rows
from tests.postboxes import Postbox
from tests.terminals import FIRST, Terminal
from workers import actors, sending, serving
from workers import broker as brokers
from workers.relay import GROUP, Relay
from workflow.errors import UnavailableError
from workflow.services import outbox

PATIENCE = 60.0
AT_ONCE = timedelta(0)
NOWHERE = "redis://127.0.0.1:1/0"
HELD = ("dramatiq:notices.msgs", "dramatiq:notices.DQ.msgs")
"""Where the broker has the messages that are not done, those put off as well."""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisBroker]:
    """Give a broker over an empty Redis."""
    with closing(brokers.build(redis_url)) as built:
        assert isinstance(built, RedisBroker)
        yield built


@pytest.fixture
def written(work: Office) -> Office:
    """Have letters of three applications wait in the outbox."""
    first, _ = work.file(0), work.file(1)
    work.routine(first, Event.START_REVIEW)
    return work


def waiting_jobs(work: Office) -> list[UUID]:
    return [one.id for one in outbox.to_send(work.desk, most=5_000, resend=AT_ONCE)]


def letters(work: Office) -> dict[str, int]:
    query = "SELECT status, count(*) FROM notices GROUP BY status"
    return dict(rows(work.desk.engine, query))


def in_queue(broker: RedisBroker) -> list[str]:
    """Return what waits in the broker, in its order: the jobs, by their row."""
    names = broker.client.lrange("dramatiq:notices", 0, -1)
    stored = [broker.client.hget("dramatiq:notices.msgs", name) for name in names]
    return [orjson.loads(one)["args"][0] for one in stored if one]


def work_off(work: Office, url: str) -> None:
    """Let a worker do all that waits in the broker, and end."""
    with (
        closing(redis.Redis.from_url(url)) as client,
        serving.serving(brokers.build(url), work.desk, Postbox(), threads=4),
    ):
        until(lambda: not client.exists(*HELD))


# Order, groups, what is sent again


def test_jobs_are_sent_in_the_order_in_which_they_were_caused(
    written: Office, broker: RedisBroker
):
    caused = rows(
        written.desk.engine,
        "SELECT entry_seq, ordinal FROM outbox ORDER BY entry_seq, ordinal",
    )

    sent = Relay(broker, written.desk).step()

    assert sent == len(caused) == len(set(caused))
    assert in_queue(broker) == [str(job) for job in waiting_jobs(written)]
    in_order = [
        one.entry_seq
        for one in outbox.to_send(written.desk, most=5_000, resend=AT_ONCE)
    ]
    assert in_order == [seq for seq, _ in caused]


def test_what_was_sent_is_not_sent_again_before_its_time(
    written: Office, broker: RedisBroker
):
    relay = Relay(broker, written.desk, resend=timedelta(seconds=60))
    sent = relay.step()
    broker.client.flushall()

    assert relay.step() == 0
    written.wait(seconds=59)
    assert relay.step() == 0
    written.wait(seconds=1)
    assert relay.step() == sent


def test_what_a_clock_that_ran_ahead_sent_is_sent_again(
    written: Office, broker: RedisBroker
):
    relay = Relay(broker, written.desk)
    written.wait(days=1)
    sent = relay.step()
    broker.client.flushall()
    written.wait(days=-1)

    assert relay.step() == sent


def test_nothing_is_sent_again_while_the_broker_still_has_much(
    written: Office, broker: RedisBroker
):
    relay = Relay(broker, written.desk, resend=AT_ONCE)
    relay.step()
    for number in range(GROUP):
        broker.enqueue(asked(f"other-{number}"))

    assert relay.step() == 0


def test_a_new_relay_sends_what_its_predecessor_had_sent(
    written: Office, broker: RedisBroker
):
    sent = Relay(broker, written.desk).step()
    broker.client.flushall()

    assert Relay(broker, written.desk).step() == sent


def test_more_than_a_group_is_sent_whole_and_in_order(
    work: Office, broker: RedisBroker
):
    work.file()
    with transaction(work.desk.engine) as session:
        (call, application) = session.execute(
            text("SELECT call_id, id FROM applications")
        ).one()
        session.execute(
            text(
                "INSERT INTO outbox (id, call_id, application_id, kind, subject_id,"
                " entry_seq, ordinal, created_at)"
                " VALUES (:id, :call, :application, 'send_notice', :id, :seq, 0, 0)"
            ),
            [
                {"id": _as(call, n), "call": call, "application": application, "seq": n}
                for n in range(100, 100 + GROUP * 2)
            ],
        )

    sent = Relay(broker, work.desk).step()

    assert sent == 1 + GROUP * 2
    assert in_queue(broker) == [str(job) for job in waiting_jobs(work)]


def _as(example: Any, number: int) -> Any:
    """Write an identifier as the database at hand writes them."""
    return UUID(int=number) if isinstance(example, UUID) else UUID(int=number).hex


# What may go wrong with the broker


def test_a_broker_that_is_down_loses_nothing(written: Office, broker: RedisBroker):
    before = waiting_jobs(written)
    relay = Relay(brokers.build(NOWHERE), written.desk)

    with pytest.raises(UnavailableError, match="the broker does not answer"):
        relay.step()

    assert waiting_jobs(written) == before
    assert Relay(broker, written.desk).step() == len(before)


def test_a_command_is_done_while_the_broker_is_down_and_its_jobs_follow(
    terminal: Terminal, redis_url: str
):
    terminal.settings["SPORTELLO_BROKER_URL"] = NOWHERE
    waiting = "SELECT count(*) FROM outbox"
    ((before,),) = terminal.query(waiting)

    done = terminal.type("advance", FIRST, "start_review", "--yes")

    assert done.exit_code == 0, done.output
    assert "1 letter waits for the workers" in done.stdout
    assert terminal.query(waiting) == [(before + 1,)]
    terminal.settings["SPORTELLO_BROKER_URL"] = redis_url
    running = terminal.start("run", "--json")
    try:
        until(lambda: terminal.query(waiting) == [(0,)])
    finally:
        running.terminate()
        assert running.wait(PATIENCE) == 0


def test_what_is_flushed_between_relay_and_worker_is_sent_again_and_done_once(
    written: Office, broker: RedisBroker, redis_url: str
):
    relay = Relay(broker, written.desk, resend=AT_ONCE)
    sent = relay.step()
    broker.client.flushall()

    again = relay.step()
    work_off(written, redis_url)

    assert again == sent
    assert waiting_jobs(written) == []
    assert letters(written) == {"sent": sent}
    assert written.verified()


def test_a_message_that_comes_twice_or_out_of_order_changes_nothing(
    written: Office, broker: RedisBroker, redis_url: str
):
    messages = [asked(str(job)) for job in waiting_jobs(written)]
    shuffled = [*messages, *messages, *messages]
    random.Random(20260120).shuffle(shuffled)  # noqa: S311 - a seeded test

    sending.send(broker, "notices", shuffled, under="here")
    work_off(written, redis_url)
    work_off(written, redis_url)

    assert letters(written) == {"sent": len(messages)}
    assert resting(broker) == 0
    assert written.verified()


def test_a_letter_whose_delivery_is_known_already_stays_delivered(
    work: Office, broker: RedisBroker, redis_url: str
):
    name = work.file()
    work.routine(name, *TO_GRANT)
    work.routine(name, Event.RECORD_DELIVERY)
    Relay(broker, work.desk).step()

    work_off(work, redis_url)

    assert letters(work)["delivered"] == 1
    assert "queued" not in letters(work)


# What fails


def asked(job: str) -> Any:
    about = {"call": "RLF12025051244", "cause": "entry 3", "application": "0190"}
    return actors.message("do_message", job, identity=job, about=about)


def resting(broker: Broker) -> int:
    assert isinstance(broker, RedisBroker)
    return int(broker.client.exists("dramatiq:notices.XQ", "dramatiq:sweep.XQ"))


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        (
            "UPDATE outbox SET kind = 'of_tomorrow'",
            "UnavailableError",
            "outbox.unknown_kind",
        ),
        ("ALTER TABLE notices RENAME TO letters", "ProgrammingError", None),
    ],
)
def test_what_fails_stays_in_the_outbox_and_never_rests_in_the_broker(
    change,
    error,
    code,
    written: Office,
    broker: RedisBroker,
    redis_url: str,
    capsys,
    monkeypatch,
):
    monkeypatch.setattr(logger, "_inner", None)
    monkeypatch.setattr(actors, "_SOON", 1)
    if "notices" in change and written.desk.engine.dialect.name == "sqlite":
        error, code = "DatabaseUnavailableError", "database.damaged"
    before = waiting_jobs(written)
    with transaction(written.desk.engine) as session:
        session.execute(text(change))
    Relay(broker, written.desk).step()

    work_off(written, redis_url)

    assert waiting_jobs(written) == before
    assert resting(broker) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    failed = [line for line in lines if line["event"] == "job_failed"]
    assert {(line["error"], line["code"]) for line in failed} == {(error, code)}
    assert all(
        {"call", "application", "cause", "job", "where"} <= line.keys()
        for line in failed
    )


def test_a_job_that_somebody_is_doing_holds_up_no_other(
    tmp_path, postgres_office_url, redis_url
):
    from tests.builders import office  # noqa: PLC0415 - only one database here

    with (
        office(postgres_office_url) as work,
        closing(brokers.build(redis_url)) as broker,
    ):
        work.file(0)
        work.file(1)
        jobs = waiting_jobs(work)
        with transaction(work.desk.engine) as session:
            lock = text("SELECT 1 FROM outbox WHERE id = :job FOR UPDATE")
            session.execute(lock, {"job": jobs[0]})

            sent = Relay(broker, work.desk).step()

        assert sent == len(jobs)
        ((unmarked,),) = rows(
            work.desk.engine, "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
        )
        assert unmarked == 1
