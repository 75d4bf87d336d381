"""Does each line say what it is about, and nothing of what went before?"""

import errno
import io
import json
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from config.logs import Logger
from models.session import DatabaseUnavailableError
from workers import serving

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def journal() -> Logger:
    made = Logger()
    made.forget()
    return made


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_what_is_bound_stands_on_every_line_until_it_is_forgotten(
    journal: Logger, lines: Lines
):
    journal.bind(call="RLF", cause="due")
    journal.warn("first")
    journal.bind(application="0190")
    journal.warn("second", cause="something else")
    journal.forget()
    journal.warn("third")

    first, second, third = lines()
    assert (first["call"], first["cause"]) == ("RLF", "due")
    assert (second["call"], second["application"]) == ("RLF", "0190")
    assert second["cause"] == "something else"
    assert not {"call", "application", "cause"} & third.keys()


def test_what_one_thread_binds_no_other_says(journal: Logger, lines: Lines):
    journal.bind(call="RLF")

    other = threading.Thread(target=journal.warn, args=("from another thread",))
    other.start()
    other.join()
    journal.forget()

    (line,) = lines()
    assert "call" not in line


def test_what_is_not_important_enough_is_not_said(journal: Logger, lines: Lines):
    journal.info("quiet")
    journal.speak_from("info")
    journal.info("loud")

    assert [line["event"] for line in lines()] == ["loud"]


class FullDisk(io.StringIO):
    def write(self, _said: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing(
    journal: Logger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stderr", FullDisk())

    journal.warn("what is told of is done all the same")


def test_what_keeps_a_message_from_being_done_is_told_by_its_code(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
):
    library = logging.getLogger("dramatiq")
    monkeypatch.setattr(library, "handlers", [])
    monkeypatch.setattr(library, "propagate", False)
    serving._keep_messages_out_of_the_log()
    away = DatabaseUnavailableError("database.unreachable", "it does not answer")

    library.warning("Failed to process %s", "80000000001", exc_info=away)

    (line,) = lines()
    assert (line["error"], line["code"]) == (
        "DatabaseUnavailableError",
        "database.unreachable",
    )
    assert "80000000001" not in str(line)
