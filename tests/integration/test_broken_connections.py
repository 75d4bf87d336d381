"""Is it known of every connection that breaks whether the letter has left?"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from tests.badservers import (
    BEFORE,
    CUT,
    HANG,
    LONG,
    STAGES,
    TRICKLE,
    BadServer,
    bad_server,
)
from tests.mailservers import a_mail
from workers.transports.connections import Patience
from workflow.errors import (
    SportelloError,
    TemporaryError,
    UnavailableError,
    UnknownOutcomeError,
)
from workflow.rules.postings import UNKNOWN_FOR

PATIENT = Patience()


def outcome_of(stage: str) -> type[UnavailableError]:
    """Return what has to be known: until its end was sent no letter has left."""
    return UnknownOutcomeError if stage == "dot" else TemporaryError


def outcome(server: BadServer, folder: Path, patience: Patience) -> type[Exception]:
    """Send two letters as far as they are taken; return what became of the last."""
    transport = server.transport(folder, patience)
    text = {"body": LONG} if server.stage == "text" else {}
    mails = [a_mail(id=UUID(int=number), **text) for number in range(server.good + 1)]
    try:
        for mail in mails:
            transport.send(mail)
    except SportelloError as error:
        assert [transport.was_sent(mail) for mail in mails] == [
            mail is not mails[-1] for mail in mails
        ]
        return type(error)
    finally:
        transport.close()
    return AssertionError


@pytest.mark.parametrize("stage", STAGES)
def test_a_connection_that_is_cut_has_taken_nothing_before_the_end(
    stage: str, tmp_path: Path
):
    with bad_server(stage, CUT) as server:
        found = outcome(server, tmp_path, PATIENT)

        assert (found, server.reached) == (outcome_of(stage), True)
        assert (server.received, server.connections) == (stage == "dot", 1)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "text", "dot"])
def test_so_has_one_that_served_another_letter_before(stage: str, tmp_path: Path):
    with bad_server(stage, CUT, good=1) as server:
        found = outcome(server, tmp_path, PATIENT)

        assert found is outcome_of(stage)
        assert (server.received, server.connections) == (1 + (stage == "dot"), 1)


def test_a_server_that_falls_silent_is_not_waited_for_and_nothing_is_guessed(
    tmp_path: Path,
):
    """At every stage at once: each of them costs the patience of one answer."""
    patience = Patience(connects=1.5, answers=1.5)

    def silent(stage: str) -> tuple[type[Exception], bool]:
        with bad_server(stage, HANG) as server:
            return outcome(server, tmp_path, patience), server.reached

    with ThreadPoolExecutor(len(STAGES)) as threads:
        found = dict(zip(STAGES, threads.map(silent, STAGES), strict=True))

    assert found == {stage: (outcome_of(stage), True) for stage in STAGES}


def test_a_letter_has_one_time_for_everything(tmp_path: Path):
    """A server that goes on talking, and one that keeps a second connection waiting.

    With a time for each answer alone the first would never end.
    """
    patience = Patience(whole=2)
    cases = [
        *[(stage, TRICKLE, 0) for stage in ("banner", "MAIL", "dot")],
        ("MAIL", HANG, 1),
    ]

    def slow(case: tuple[str, bytes, int]) -> tuple[type[Exception], bool, int]:
        stage, how, good = case
        with bad_server(stage, how, good=good) as server:
            found = outcome(server, tmp_path, patience)
            return found, server.reached, server.connections

    with ThreadPoolExecutor(len(cases)) as threads:
        found = list(threads.map(slow, cases))

    assert found == [(outcome_of(stage), True, 1) for stage, *_ in cases]
    assert UNKNOWN_FOR.total_seconds() - Patience().whole >= 60


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n",
        b"what?\r\n",
        b"25\r\n",
        b"2500 OK\r\n",
        b"+25 OK\r\n",
        b"250",
        b"150 wait\r\n",
        b"354 go on\r\n",
        b"650 OK\r\n",
        b"250-OK\r\n550 no\r\n",
        b"250 " + b"x" * 9_000 + b"\r\n",
        b"250-x\r\n" * 200,
    ],
)
def test_what_is_neither_a_yes_nor_a_no_says_nothing_of_a_letter(
    answer: bytes, tmp_path: Path
):
    patience = Patience(answers=0.3)  # for what has no end

    with bad_server("dot", answer) as server:
        found = outcome(server, tmp_path, patience)

        assert (found, server.received) == (UnknownOutcomeError, 1)


@pytest.mark.parametrize("stage", [one for one in BEFORE if one != "handshake"])
@pytest.mark.parametrize("answer", [b"what?\r\n", b"334 !\r\n", b"150 wait\r\n"])
def test_what_is_no_answer_to_anything_before_is_tried_again(
    stage: str, answer: bytes, tmp_path: Path
):
    with bad_server(stage, answer) as server:
        found = outcome(server, tmp_path, PATIENT)

        assert (found, server.received) == (TemporaryError, 0)
