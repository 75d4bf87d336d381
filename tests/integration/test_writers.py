"""Is exactly one process at a time the writer of a call, whatever happens to it?"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models.session import open_engine
from tests.builders import CTL, Office
from tests.editions import SECOND
from tests.processes import start
from workflow.errors import UnavailableError
from workflow.services import writers

PATIENCE = 60.0


# What the processes do


def holding(url: str, code: str, sign: Path) -> None:
    engine = open_engine(url)
    with writers.seat(engine, code, patience=PATIENCE):
        sign.write_text(str(os.getpid()), encoding="utf-8")
        time.sleep(PATIENCE)


def passing(url: str, code: str, sign: Path) -> None:
    """Take the seat as soon as it is free, and say so."""
    engine = open_engine(url)
    with writers.seat(engine, code, patience=PATIENCE):
        sign.write_text("taken", encoding="utf-8")


def until(sign: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (sign.exists() and sign.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline, f"nobody wrote {sign.name}"
        time.sleep(0.01)


@contextmanager
def held(url: str, folder: Path, code: str = CTL) -> Iterator[Any]:
    """Have another process hold the seat of a call."""
    sign = folder / "held"
    process = start(holding, url, code, sign)
    try:
        until(sign)
        yield process
    finally:
        process.kill()
        process.join(PATIENCE)


def test_patience_ends_with_a_refusal_that_may_be_tried_again(
    work: Office, office_url: str, tmp_path: Path
):
    with (
        held(office_url, tmp_path),
        pytest.raises(UnavailableError) as caught,
        writers.seat(work.desk.engine, CTL, patience=0.1),
    ):
        pytest.fail("two had the seat at once")

    assert caught.value.code == "intake.taken"
    assert f"another process is taking submissions in for {CTL}" in caught.value.message
    assert "try again" in caught.value.message


def test_whoever_waits_takes_over_from_one_that_is_killed(
    office_url: str, tmp_path: Path
):
    taken = tmp_path / "taken"
    with held(office_url, tmp_path) as holder:
        waiting = start(passing, office_url, CTL, taken)
        time.sleep(0.3)
        waited = not taken.exists()

        os.kill(holder.pid, signal.SIGKILL)
        until(taken)
        waiting.join(PATIENCE)

    assert waited, "it did not wait"
    assert waiting.exitcode == 0


def test_a_call_has_its_own_seat(work: Office, office_url: str, tmp_path: Path):
    with held(office_url, tmp_path), writers.seat(work.desk.engine, SECOND, patience=0):
        pass


def test_the_seat_is_free_again_after_use_and_after_an_error(work: Office):
    with pytest.raises(ZeroDivisionError), writers.seat(work.desk.engine, CTL):
        raise ZeroDivisionError

    with writers.seat(work.desk.engine, CTL, patience=0):
        pass
    with writers.seat(work.desk.engine, CTL, patience=0):
        pass


def test_threads_of_one_process_wait_for_each_other_too(work: Office):
    with (
        writers.seat(work.desk.engine, CTL),
        pytest.raises(UnavailableError, match="has not finished"),
        writers.seat(work.desk.engine, CTL, patience=0),
    ):
        pytest.fail("two had the seat at once")


def test_a_session_that_the_server_ended_hides_nothing_that_was_done(
    postgres_office_url: str,
):
    engine = open_engine(postgres_office_url)
    other = open_engine(postgres_office_url)

    with writers.seat(engine, CTL):
        with other.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks"
                    " WHERE locktype = 'advisory'"
                )
            )
        with writers.seat(other, CTL, patience=5):
            pass

    engine.dispose()
    other.dispose()


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'sportello.db'}")

    with (
        pytest.raises(UnavailableError, match="check the permissions of the folder"),
        writers.seat(engine, CTL),
    ):
        pytest.fail("there is no such folder")
