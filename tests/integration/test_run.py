"""Does one process do everything, and does it end in order?"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.test_relay import NOWHERE, PATIENCE, until
from tests.terminals import FIRST, SECOND, Terminal

JOBS = "SELECT count(*) FROM outbox"
LATE = "2026-03-06T10:00:00+01:00"
"""After the closing of the call."""


@contextmanager
def running(terminal: Terminal, *more: str) -> Iterator[subprocess.Popen[str]]:
    process = terminal.start(
        *("run", "--every", "0.2", "--json", *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr
        assert process.stderr.readline().startswith("scheduler active")
        yield process
    finally:
        process.kill()
        process.communicate()


def count(terminal: Terminal, query: str) -> int:
    ((found,),) = terminal.query(query)
    return int(found)


@pytest.fixture
def patient(terminal: Terminal) -> Terminal:
    """Sit where others may be at work on the same file."""
    terminal.settings["SPORTELLO_LOCK_WAIT"] = "20"
    return terminal


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_everything_is_done_by_one_process_while_commands_are_typed(
    kind, patient: Terminal, request: pytest.FixtureRequest
):
    if kind == "redis":
        url = request.getfixturevalue("redis_url")
        patient.settings["SPORTELLO_BROKER_URL"] = url
    before = count(patient, JOBS)

    with running(patient) as process:
        until(lambda: count(patient, JOBS) == 0)
        for name in (FIRST, SECOND):
            done = patient.type("advance", name, "start_review", "--yes")
            assert done.exit_code == 0, done.output
        until(lambda: count(patient, JOBS) == 0)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)

    told = json.loads(out)
    assert process.returncode == 0
    assert (before, told["sent"], told["swept_here"]) == (3, 5, 0)
    assert told["ended_by"] == "SIGTERM"
    letters = "SELECT status, count(*) FROM notices GROUP BY status"
    assert patient.query(letters) == [("sent", 5)]
    assert patient.type("log", "verify").exit_code == 0


def test_what_is_due_is_done(patient: Terminal):
    patient.settings["SPORTELLO_CLOCK"] = LATE

    with running(patient):
        until(lambda: patient.query("SELECT state FROM calls") == [("closed",)])

    assert patient.type("sweep").stdout == "nothing is due\n"


def test_what_was_in_the_memory_of_one_that_is_killed_the_next_one_does(
    patient: Terminal,
):
    patient.query("UPDATE outbox SET sent_at = created_at")

    with running(patient):
        until(lambda: count(patient, JOBS) == 0)


def test_without_an_answer_of_the_broker_what_is_due_is_done_all_the_same(
    patient: Terminal,
):
    patient.settings["SPORTELLO_BROKER_URL"] = NOWHERE
    patient.settings["SPORTELLO_CLOCK"] = LATE
    closed = "SELECT count(*) FROM calls WHERE state = 'closed'"

    with running(patient) as process:
        until(lambda: count(patient, closed) == 1)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert json.loads(out)["swept_here"] >= 1
    assert count(patient, JOBS) > 0, "letters wait for the broker"


def test_a_second_signal_does_not_wait(patient: Terminal):
    with running(patient) as process:
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=PATIENCE)

    assert process.returncode in {-signal.SIGTERM, -signal.SIGINT}


def test_it_ends_by_itself_when_somebody_upgrades_the_database(patient: Terminal):
    with running(patient) as process:
        until(lambda: count(patient, JOBS) == 0)
        patient.query("UPDATE alembic_version SET version_num = '9999'")
        out, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert json.loads(out)["error"]["code"] == "database.newer"
