"""Is exactly one scheduler at work, and is what is due done whatever happens to it?"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from psycopg import sql
from sqlalchemy import make_url, text
from sqlmodel import select

from config.logs import log as logger
from models.session import transaction
from models.tables import Notice
from models.vocabulary import NoticeStatus
from tests.builders import CLOSING, CTL, OPENING, Office, office
from tests.contents import entries, rows
from tests.integration.test_register_promises import by_hand, unlock
from tests.integration.test_relay import NOWHERE, PATIENCE, until
from tests.pec import accepted
from tests.postboxes import Postbox
from tests.processes import Place, acknowledge, acknowledged, start
from tests.terminals import Terminal
from workers import actors, serving
from workers import broker as brokers
from workers.scheduler import Scheduler
from workers.stopping import Stop, on_signals
from workers.ticking import Ticker
from workflow.desk import AnchorFiles
from workflow.register import written
from workflow.services import keys, log, seats, ticks

ACTIVE = b"active: a tick every 0.2 s"
WAITING = b"waiting: another scheduler is active"
LOST = b"not active any more: the database has let go of its seat"


# What the processes do


def scheduling(place: Place, redis_url: str, said: Path) -> None:
    stop = Stop()
    on_signals(stop)
    with place.desk() as desk:
        Scheduler(
            brokers.build(redis_url),
            desk,
            every=0.2,
            resend=timedelta(seconds=1),
            say=lambda standing: acknowledge(said, standing.encode()),
        ).run(stop)


@contextmanager
def scheduler(place: Place, redis_url: str, said: Path) -> Iterator[Any]:
    process = start(scheduling, place, redis_url, said)
    try:
        until(lambda: bool(acknowledged(said)))
        yield process
    finally:
        process.kill()
        process.join(PATIENCE)


def state(work: Office) -> str:
    ((found,),) = rows(work.desk.engine, "SELECT state FROM calls")
    return str(found)


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisBroker]:
    """Give a broker over an empty Redis."""
    with closing(brokers.build(redis_url)) as built:
        assert isinstance(built, RedisBroker)
        yield built


# One among many


def test_one_is_active_and_when_it_is_killed_the_one_that_waits_takes_over(
    work: Office, office_url: str, redis_url: str, tmp_path: Path
):
    place = Place.at(office_url, OPENING - timedelta(days=1))
    first, second = tmp_path / "first", tmp_path / "second"

    with (
        scheduler(place, redis_url, first) as one,
        scheduler(place, redis_url, second) as other,
    ):
        before = acknowledged(first), acknowledged(second)
        until(lambda: holder(work) == one.pid)
        os.kill(one.pid, signal.SIGKILL)
        until(lambda: acknowledged(second) == [WAITING, ACTIVE])
        until(lambda: holder(work) == other.pid)

    assert before == ([ACTIVE], [WAITING])


def holder(work: Office) -> int:
    seen = ticks.last(work.desk, ticks.SCHEDULER)
    return int(seen.holder.rpartition(":")[2]) if seen else 0


def test_one_that_ends_leaves_its_seat_to_the_next(
    office_url: str, redis_url: str, tmp_path: Path
):
    place = Place.at(office_url, OPENING)
    first, second = tmp_path / "first", tmp_path / "second"

    with (
        scheduler(place, redis_url, first) as one,
        scheduler(place, redis_url, second),
    ):
        os.kill(one.pid, signal.SIGTERM)
        until(lambda: acknowledged(second) == [WAITING, ACTIVE])
        one.join(PATIENCE)

    assert one.exitcode == 0


def test_one_whose_session_the_server_ended_is_not_active_any_more(
    postgres_office_url: str, broker: RedisBroker
):
    said: list[str] = []
    with office(postgres_office_url) as work:
        engine = work.desk.engine
        mine = Scheduler(broker, work.desk, say=said.append)
        mine._turn(Stop())
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks"
                    " WHERE locktype = 'advisory'"
                )
            )
        with closing(seats.seat(engine, ticks.SCHEDULER)) as other:
            until(other.take)
            mine._turn(Stop())
            meanwhile = list(said)
        until(lambda: _turned(mine, said) != meanwhile)
        mine._seat.close()

    active, lost, waiting = "active: a tick every 15 s", LOST.decode(), WAITING.decode()
    assert meanwhile == [active, lost, waiting]
    assert said == [active, lost, waiting, active]


def _turned(mine: Scheduler, said: list[str]) -> list[str]:
    mine._turn(Stop())
    return list(said)


# What is due


def tick(work: Office, broker: Broker) -> int:
    """Tick once; return how many calls were swept by the scheduler itself."""
    ticker = Ticker(broker, work.desk.as_worker())
    ticker.tick(Stop())
    return ticker.swept_here


def swept_by_workers(work: Office, broker: RedisBroker, url: str) -> None:
    """Let a worker sweep what it was asked to, and end."""
    with serving.serving(brokers.build(url), work.desk, Postbox(), threads=2):
        until(lambda: not broker.client.exists("dramatiq:sweep.msgs"))


def test_the_workers_do_what_is_due(work: Office, broker: RedisBroker, redis_url: str):
    here = tick(work, broker)
    before = state(work)
    swept_by_workers(work, broker, redis_url)

    assert (here, before, state(work)) == (0, "published", "open")
    (opened,) = entries(work, event="open_call")
    assert opened["actor"]["kind"] == "worker"
    assert tick(work, broker) == 0
    assert not broker.client.exists("dramatiq:sweep.msgs"), "nothing is due any more"


def test_a_worker_looks_for_receipts_at_each_tick(
    work: Office, broker: RedisBroker, redis_url: str, tmp_path: Path
):
    identity = first_letter(work)
    mail = accepted(identity, at=work.clock.now(), zone="+0000").mail()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1.M1.host").write_bytes(mail)
    ticker = Ticker(broker, work.desk.as_worker(), receipts=tmp_path)

    ticker.tick(Stop())
    ticker.tick(Stop())
    asked = broker.client.llen("dramatiq:receipts")
    there = brokers.build(redis_url)
    desk = replace(work.desk, receipts=tmp_path)
    with serving.serving(there, desk, Postbox(), threads=2):
        until(lambda: not broker.client.exists("dramatiq:receipts.msgs"))

    assert asked == 1, "who was asked already is not asked again"
    assert (tmp_path / "cur" / "1.M1.host:2,S").read_bytes() == mail
    assert rows(work.desk.engine, "SELECT status FROM notices") == [("accepted",)]


def test_of_several_that_are_asked_for_receipts_one_at_a_time_reads_them(
    work: Office, tmp_path: Path
):
    mail = accepted(first_letter(work), at=work.clock.now(), zone="+0000").mail()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1.M1.host").write_bytes(mail)
    desk = replace(work.desk.as_worker(), receipts=tmp_path)
    take_in = actors.JOBS["take_receipts_in"].made(desk, Postbox())
    with closing(seats.seat(work.desk.engine, "receipts")) as somebody:
        assert somebody.take()

        take_in(str(tmp_path))
        left = list((tmp_path / "new").iterdir())
        somebody.free()
        take_in(str(tmp_path))

    assert [file.name for file in left] == ["1.M1.host"]
    assert rows(work.desk.engine, "SELECT status FROM notices") == [("accepted",)]


def first_letter(work: Office) -> UUID:
    """File an application and return the id of its first letter."""
    work.file()
    ((found,),) = rows(work.desk.engine, "SELECT id FROM notices")
    return UUID(str(found))


def test_a_letter_that_nobody_answers_for_is_unknown_after_a_day(
    work: Office, broker: RedisBroker
):
    first_letter(work)
    with transaction(work.desk.engine) as session:
        (letter,) = session.exec(select(Notice))
        letter.status, letter.sent_at = NoticeStatus.SENT, work.clock.now()
    work.wait(days=1)

    tick(work, broker)

    assert rows(work.desk.engine, "SELECT status FROM notices") == [("unknown",)]


def test_a_flushed_broker_costs_one_tick(
    work: Office, broker: RedisBroker, redis_url: str
):
    tick(work, broker)
    broker.client.flushall()

    tick(work, broker)
    swept_by_workers(work, broker, redis_url)

    assert state(work) == "open"


def test_where_no_broker_answers_the_scheduler_does_what_is_due(work: Office):
    with closing(brokers.build(NOWHERE)) as nobody:
        assert tick(work, nobody) == 1

    assert state(work) == "open"
    assert work.verified()


def test_a_call_whose_rules_were_altered_does_not_count_as_swept(
    work: Office, capsys, monkeypatch
):
    monkeypatch.setattr(logger, "_inner", None)
    unlock(work)
    by_hand(work, "UPDATE call_versions SET fingerprint = substr(fingerprint, 2)")

    with closing(brokers.build(NOWHERE)) as nobody:
        assert tick(work, nobody) == 0

    assert state(work) == "published"
    assert "call_not_swept" in capsys.readouterr().err


def test_where_no_worker_takes_what_is_due_the_scheduler_does_it(
    work: Office, broker: RedisBroker
):
    first = tick(work, broker)
    meanwhile = state(work)
    second = tick(work, broker)

    assert (first, meanwhile) == (0, "published")
    assert (second, state(work)) == (1, "open")
    assert broker.client.llen("dramatiq:sweep") == 1, "what is asked twice piles up"


def test_a_message_that_comes_twice_or_too_late_does_nothing_twice(
    work: Office, broker: RedisBroker, redis_url: str
):
    for number in range(3):
        asked = actors.message("sweep_call", CTL, identity=f"{number}", about={})
        broker.enqueue(asked)
    nowhere = actors.message("sweep_call", "RLF10000000000", identity="4", about={})
    broker.enqueue(nowhere)

    swept_by_workers(work, broker, redis_url)
    broker.enqueue(asked)
    swept_by_workers(work, broker, redis_url)

    assert len(entries(work, event="open_call")) == 1
    assert not broker.client.exists("dramatiq:sweep.XQ")
    assert work.verified()


def test_what_was_missed_is_caught_up_with_as_of_its_instant(work: Office):
    work.clock.move_to(CLOSING + timedelta(days=3))

    with closing(brokers.build(NOWHERE)) as nobody:
        tick(work, nobody)

    assert state(work) == "closed"
    (closed,) = entries(work, event="close_call")
    assert closed["findings"]["due_at"] == written(CLOSING)


def test_each_tick_is_seen(work: Office, broker: RedisBroker):
    tick(work, broker)

    seen = ticks.last(work.desk, ticks.SCHEDULER)
    assert seen is not None
    assert (seen.at, seen.found) == (work.clock.now(), 1)
    assert seen.holder.endswith(f":{os.getpid()}")


def test_what_fails_is_told_once_and_keeps_nothing_else_from_being_done(
    work: Office, capsys, monkeypatch
):
    monkeypatch.setattr(logger, "_inner", None)
    work.file()
    said: list[str] = []
    with closing(brokers.build(NOWHERE)) as nobody:
        mine = Scheduler(nobody, work.desk, every=0.01, say=said.append)
        for _ in range(3):
            mine._at["relay"] = 0.0
            mine._turn(Stop())
        mine._seat.close()

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    troubles = [line for line in lines if line["event"] == "scheduler_trouble"]
    assert [(one["what"], one["why"]) for one in troubles] == [
        ("relay", "broker.unreachable")
    ]
    assert ticks.last(work.desk, ticks.SCHEDULER) is not None
    assert said == ["active: a tick every 0.01 s"]


def test_a_scheduler_survives_a_database_that_is_away_for_a_while(
    tmp_path, redis_url, postgres_office_url, postgres_server
):
    place = Place.at(postgres_office_url, OPENING - timedelta(days=1))
    said = tmp_path / "said"
    with office(postgres_office_url) as work, scheduler(place, redis_url, said):
        until(lambda: holder(work) > 0)
        with database_away(postgres_office_url, postgres_server):
            until(lambda: acknowledged(said) == [ACTIVE, LOST])
        until(lambda: ACTIVE in acknowledged(said)[2:])
        work.desk.engine.dispose()
        before = ticks.last(work.desk, ticks.SCHEDULER)
        until(lambda: ticks.last(work.desk, ticks.SCHEDULER) != before)


@contextmanager
def database_away(url: str, server: str) -> Iterator[None]:
    """Keep everybody out of a database, and show those out who are in it."""
    name = sql.Identifier(str(make_url(url).database))
    switch = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    admin = make_url(server).set(drivername="postgresql")
    address = admin.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(switch.format(name, sql.SQL("false")))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [make_url(url).database],
        )
        time.sleep(0.5)
        yield
        connection.execute(switch.format(name, sql.SQL("true")))


# The command


def test_the_command_ends_in_order_and_tells_what_it_did(
    terminal: Terminal, redis_url: str
):
    terminal.settings["SPORTELLO_BROKER_URL"] = redis_url
    process = terminal.start(
        *("scheduler", "--every", "0.2", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr
        assert process.stderr.readline() == "scheduler active: a tick every 0.2 s\n"
        unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
        until(lambda: terminal.query(unsent) == [(0,)])
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()

    told = json.loads(out)
    assert process.returncode == 0
    assert (told["ended_by"], told["every"], told["broker"]) == (
        "SIGTERM",
        0.2,
        redis_url,
    )
    assert told["ticks"] >= 1
    assert told["sent"] == 3


def test_a_broker_that_nobody_can_reach_is_refused(terminal: Terminal):
    said = terminal.refused("scheduler", code="broker.memory", exit_code=2)

    assert "`sportello run`" in said


# The anchor of the day


@pytest.fixture
def sealing(work: Office, tmp_path: Path) -> Office:
    """Give an office that seals; nothing else is due in it."""
    files = AnchorFiles(tmp_path / "keys" / "register.pem", tmp_path / "anchors.jsonl")
    keys.make(files.key)
    work.clock.move_to(OPENING - timedelta(days=2))
    return Office(replace(work.desk, anchor_files=files), work.clock)


def made(work: Office) -> list[int]:
    return [
        number
        for (number,) in rows(
            work.desk.engine, "SELECT number FROM anchors ORDER BY number"
        )
    ]


def test_the_workers_seal_each_day_once(
    sealing: Office, broker: RedisBroker, redis_url: str
):
    ticker = Ticker(broker, sealing.desk.as_worker())
    ticker.tick(Stop())
    ticker.tick(Stop())
    asked = broker.client.llen("dramatiq:sweep")
    swept_by_workers(sealing, broker, redis_url)
    first = made(sealing)
    ticker._asks_at = dict.fromkeys(ticker._asks_at, 0.0)
    ticker.tick(Stop())
    asked_again = broker.client.llen("dramatiq:sweep")
    sealing.wait(days=1)
    ticker.tick(Stop())
    broker.enqueue(actors.message("seal_register", "", identity="twice", about={}))
    swept_by_workers(sealing, broker, redis_url)

    assert (asked, first, asked_again) == (1, [1], 0)
    assert made(sealing) == [1, 2]
    assert log.examine(sealing.desk).ok


def test_where_no_worker_answers_the_scheduler_seals_and_tells_of_days_missed(
    sealing: Office,
):
    with closing(brokers.build(NOWHERE)) as nobody:
        Ticker(nobody, sealing.desk.as_worker()).tick(Stop())
        sealing.wait(days=4)
        Ticker(nobody, sealing.desk.as_worker()).tick(Stop())

    found = log.examine(sealing.desk).anchors
    assert made(sealing) == [1, 2]
    (span,) = found.gaps
    assert [day.isoformat() for day in span.days()] == [
        "2026-01-19",
        "2026-01-20",
        "2026-01-21",
    ]


def test_without_a_key_the_scheduler_goes_on_and_says_so(
    sealing: Office, capsys, monkeypatch
):
    monkeypatch.setattr(logger, "_inner", None)
    assert sealing.desk.anchor_files is not None
    sealing.desk.anchor_files.key.unlink()

    with closing(brokers.build(NOWHERE)) as nobody:
        Ticker(nobody, sealing.desk.as_worker()).tick(Stop())

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["code"] for line in lines if line["event"] == "job_failed"] == [
        "key.missing"
    ]
    assert made(sealing) == []
    assert ticks.last(sealing.desk, ticks.SCHEDULER) is not None
