"""Is what a portal pushes answered once and for good, whatever happens to a worker?"""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dramatiq import Broker, Message
from psycopg import sql
from sqlalchemy import make_url

from models.schema import HEAD
from tests.builders import Office
from tests.contents import entries, rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_races import lines_of
from tests.integration.test_relay import until
from tests.terminals import Terminal
from workers import broker as brokers
from workflow.services import calls, groupings, intake

PATIENCE = 60
READY = "taking messages from"
THREADS = "8"


@pytest.fixture
def portal(redis_url: str) -> Iterator[Broker]:
    """Sit where the portal does."""
    built = brokers.build(redis_url)
    built.declare_queue("intake")
    yield built
    built.close()


@pytest.fixture
def counter(work: Office, tmp_path: Path) -> Office:
    """Open a counter to which anybody may apply."""
    calls.register_call(work.desk, open_to_all(tmp_path))
    return work


def push(portal: Broker, line: bytes, call: str = SECOND) -> Message[Any]:
    message: Message[Any] = Message(
        queue_name="intake",
        actor_name="receive_submission",
        args=(call, line.decode()),
        kwargs={},
        options={},
    )
    portal.enqueue(message)
    return message


def answer(portal: Broker, message: Message[Any]) -> dict[str, Any]:
    backend = next(one for one in portal.middleware if hasattr(one, "backend")).backend
    told = message.get_result(backend=backend, block=True, timeout=PATIENCE * 1_000)
    assert isinstance(told, dict)
    return told


@contextmanager
def worker(
    url: str, redis_url: str, folder: Path, *more: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a worker in a process of its own, ready to take messages."""
    terminal = Terminal(
        folder / "home",
        {
            "SPORTELLO_DATABASE_URL": url,
            "SPORTELLO_BROKER_URL": redis_url,
            "SPORTELLO_LOCK_WAIT": "5",
        },
    )
    process = terminal.start(
        *("worker", "--threads", THREADS, "--heartbeat", "2", "--json", *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr
        assert READY in process.stderr.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> dict[str, Any]:
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    told: dict[str, Any] = json.loads(out)
    return told


def test_what_a_portal_pushes_is_answered_as_the_command_would(
    counter: Office, office_url, redis_url, portal, tmp_path
):
    lines = lines_of(0, 40)
    with worker(office_url, redis_url, tmp_path) as process:
        messages = [push(portal, line) for line in lines]
        told = [answer(portal, message) for message in messages]
        again = answer(portal, push(portal, lines[7]))
        refused = answer(portal, push(portal, b"{x"))
        nowhere = answer(portal, push(portal, lines[0], "RLF00000000000"))
        ended = end(process)

    assert {one["outcome"] for one in told} == {"submitted"}
    assert sorted(one["protocol"] for one in told) == [
        f"2026/{number:07d}" for number in range(1, 41)
    ]
    assert (again["outcome"], again["protocol"]) == ("duplicate", told[7]["protocol"])
    assert (refused["outcome"], refused["line"]) == ("refused", 1)
    assert nowhere["error"]["code"] == "call.unknown"
    assert nowhere["portal_id"] == "A-00000"
    assert ended["ended_by"] == "SIGTERM"
    assert counter.verified()
    taken = entries(counter, event="submit", outcome="ok")
    assert {(one["actor"]["kind"], one["actor"]["role"]) for one in taken} == {
        ("worker", "system")
    }


def test_a_killed_worker_loses_no_answer_and_another_one_finishes(
    counter: Office, office_url, redis_url, portal, tmp_path
):
    lines = lines_of(0, 120)
    with worker(office_url, redis_url, tmp_path) as first:
        messages = [push(portal, line) for line in lines]
        before = answer(portal, messages[0])
        first.kill()
        first.wait(PATIENCE)
    with worker(office_url, redis_url, tmp_path):
        told = [answer(portal, message) for message in messages]

    assert told[0] == before
    numbers = Counter(one["protocol"] for one in told)
    assert sorted(numbers) == [f"2026/{number:07d}" for number in range(1, 121)]
    stored = dict(
        rows(
            counter.desk.engine,
            "SELECT portal_id, protocol_number FROM applications",
        )
    )
    assert [stored[one["portal_id"]] for one in told] == [
        int(str(one["protocol"]).partition("/")[2]) for one in told
    ]
    assert counter.verified()


def test_two_workers_share_one_counter_without_a_gap(
    tmp_path, redis_url, portal, postgres_office_url
):
    from tests.builders import office  # noqa: PLC0415 - only one database here

    lines = lines_of(0, 100)
    with office(postgres_office_url) as opened:
        calls.register_call(opened.desk, open_to_all(tmp_path))
        with (
            worker(postgres_office_url, redis_url, tmp_path) as one,
            worker(postgres_office_url, redis_url, tmp_path) as other,
        ):
            messages = [push(portal, line) for line in lines]
            told = [answer(portal, message) for message in messages]
            end(one, signal.SIGINT)
            end(other)

        assert {line["outcome"] for line in told} == {"submitted"}
        assert sorted(line["protocol"] for line in told) == [
            f"2026/{number:07d}" for number in range(1, 101)
        ]
        assert opened.verified()


def test_what_comes_while_the_database_is_away_is_taken_in_afterwards(
    tmp_path, redis_url, portal, postgres_office_url, postgres_server
):
    from tests.builders import office  # noqa: PLC0415 - only one database here

    lines = lines_of(0, 10)
    address = make_url(postgres_office_url)
    name = sql.Identifier(str(address.database))
    admin = make_url(postgres_server).set(drivername="postgresql")
    with office(postgres_office_url) as opened:
        calls.register_call(opened.desk, open_to_all(tmp_path))
    with (
        worker(postgres_office_url, redis_url, tmp_path),
        psycopg.connect(
            admin.render_as_string(hide_password=False), autocommit=True
        ) as connection,
    ):
        first = answer(portal, push(portal, lines[0]))
        switch = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        connection.execute(switch.format(name, sql.SQL("false")))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [address.database],
        )
        messages = [push(portal, line) for line in lines[1:]]
        time.sleep(1)
        connection.execute(switch.format(name, sql.SQL("true")))
        told = [first, *(answer(portal, message) for message in messages)]

    assert {line["outcome"] for line in told} == {"submitted"}
    assert sorted(line["protocol"] for line in told) == [
        f"2026/{number:07d}" for number in range(1, 11)
    ]


# Several processes


def children(process: subprocess.Popen[str]) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return sorted(pid for pid, parent in pairs if parent == process.pid)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_processes_share_the_work_and_one_that_dies_is_replaced(
    counter: Office, office_url, redis_url, portal, tmp_path
):
    lines = lines_of(0, 60)
    with worker(office_url, redis_url, tmp_path, "--processes", "2") as process:
        until(lambda: len(children(process)) == 2)
        first, other = children(process)
        messages = [push(portal, line) for line in lines]
        told = [answer(portal, messages[0])]
        os.kill(first, signal.SIGKILL)
        told += [answer(portal, message) for message in messages[1:]]
        until(lambda: len(set(children(process)) - {first, other}) == 1)
        ended = end(process)
        left = children(process)

    assert sorted(one["protocol"] for one in told) == [
        f"2026/{number:07d}" for number in range(1, 61)
    ]
    assert (ended["processes"], ended["replaced"]) == (2, 1)
    assert left == []
    assert counter.verified()


def test_processes_end_with_the_one_that_started_them(
    sqlite_office_url, redis_url, tmp_path
):
    more = ("--processes", "2")
    with worker(sqlite_office_url, redis_url, tmp_path, *more) as process:
        until(lambda: len(children(process)) == 2)
        hands = children(process)
        process.kill()
        process.communicate()

        until(lambda: gone(hands))


def test_ctrl_c_that_comes_to_all_at_once_ends_them_in_order(
    sqlite_office_url, redis_url, tmp_path
):
    more = ("--processes", "2")
    with worker(sqlite_office_url, redis_url, tmp_path, *more) as process:
        until(lambda: len(children(process)) == 2)
        hands = children(process)
        for hand in hands:
            os.kill(hand, signal.SIGINT)
            os.kill(hand, signal.SIGTERM)  # as who stops a whole group of processes
        ended = end(process, signal.SIGINT)

    assert ended["ended_by"] == "SIGINT"
    assert gone(hands)


# What is said


def test_a_worker_says_nothing_personal_of_what_goes_wrong(
    sqlite_office_url, redis_url, portal, tmp_path
):
    broken: Message[Any] = Message(
        queue_name="intake",
        actor_name="receive_submission",
        args=(SECOND, {"tax_code": "80000000001"}),
        kwargs={},
        options={},
    )
    with worker(sqlite_office_url, redis_url, tmp_path) as process:
        portal.enqueue(broken)
        assert process.stderr
        said = json.loads(process.stderr.readline())

    assert said["event"] == "worker_trouble"
    assert said["error"] == "AttributeError"
    assert "80000000001" not in str(said)


def test_a_broker_that_nobody_can_reach_is_refused(terminal: Terminal):
    said = terminal.refused("worker", code="broker.memory", exit_code=2)

    assert "set it to redis://host:6379/0" in said


def test_a_broker_that_does_not_answer_is_told_in_words(terminal: Terminal):
    terminal.settings["SPORTELLO_BROKER_URL"] = "redis://:secret@127.0.0.1:1/0"

    done = terminal.type("worker")

    assert done.exit_code == 3
    assert "Error [broker.unreachable]" in done.stderr
    assert "secret" not in done.stderr


def test_more_threads_than_a_group_holds_are_all_answered(counter: Office):
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only here

    grouping = groupings.Grouping(counter.desk, SECOND)
    lines = lines_of(0, intake.GROUP + 50)

    with ThreadPoolExecutor(len(lines)) as pool:
        told = list(pool.map(grouping.file, lines))

    assert {one["outcome"] for one in told} == {"submitted"}
    assert len({one["protocol"] for one in told}) == len(lines)
    assert counter.verified()


def test_workers_end_when_somebody_upgrades_the_database_and_leave_the_work_to_others(
    tmp_path, redis_url, portal, sqlite_office_url
):
    from tests.builders import office  # noqa: PLC0415 - only one database here

    ours, theirs = (
        f"UPDATE alembic_version SET version_num = '{form}'"  # noqa: S608 - words of ours
        for form in (HEAD, "9999")
    )
    with office(sqlite_office_url) as opened:
        calls.register_call(opened.desk, open_to_all(tmp_path))
        with worker(
            sqlite_office_url, redis_url, tmp_path, "--processes", "2"
        ) as process:
            with opened.desk.engine.begin() as connection:
                connection.exec_driver_sql(theirs)
            message = push(portal, lines_of(0, 1)[0])
            out, _ = process.communicate(timeout=PATIENCE)
        filed = rows(opened.desk.engine, "SELECT count(*) FROM applications")
        with opened.desk.engine.begin() as connection:
            connection.exec_driver_sql(ours)
        with worker(sqlite_office_url, redis_url, tmp_path):
            told = answer(portal, message)

    assert (process.returncode, filed) == (3, [(0,)])
    assert json.loads(out)["error"]["code"] == "database.newer"
    assert told["protocol"] == "2026/0000001"
