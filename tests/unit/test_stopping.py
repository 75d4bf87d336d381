"""Does whoever waits learn at once that it is time to end?"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from workers.stopping import SIGNALS, Stop, on_signals

LONG = 60.0
A_MOMENT = 0.2
"""Seconds after which somebody waits who is about to."""


@pytest.fixture
def stop() -> Iterator[Stop]:
    with closing(Stop()) as made:
        yield made


def test_it_is_not_time_until_somebody_says_so(stop: Stop):
    assert not stop.wait(0)
    assert stop.reason is None


def test_whoever_waits_is_woken_and_told_why(stop: Stop):
    other = threading.Thread(target=lambda: stop.set("SIGTERM"))

    other.start()

    assert stop.wait(LONG)
    assert stop.reason == "SIGTERM"
    other.join()


def test_it_stays_time_and_the_first_reason_counts(stop: Stop):
    stop.set("SIGTERM")
    stop.set("SIGINT")

    assert stop.wait()
    assert stop.wait()
    assert stop.reason == "SIGTERM"


def test_the_end_of_whoever_holds_the_other_end_is_a_reason():
    lifeline, held = os.pipe()
    with closing(Stop(lifeline=lifeline)) as stop:
        assert not stop.wait(0)
        os.close(held)

        assert stop.wait(LONG)
        assert stop.reason
    os.close(lifeline)


def test_what_else_is_waited_for_is_no_reason_to_end(stop: Stop):
    reads, writes = os.pipe()
    os.write(writes, b"!")

    assert not stop.wait(LONG, also=[reads])
    assert stop.reason is None
    os.close(reads)
    os.close(writes)


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_another_thread_gets_wakes_whoever_waits(stop, number):
    on_signals(stop)
    other = threading.Timer(
        A_MOMENT, lambda: signal.pthread_kill(threading.get_ident(), number)
    )

    other.start()

    assert stop.wait(LONG)
    assert stop.reason == number.name
    other.join()


@pytest.mark.usefixtures("handlers")
def test_nobody_is_woken_by_signals_any_more_once_it_is_closed():
    with closing(Stop()) as stop:
        on_signals(stop)

    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.usefixtures("handlers")
def test_however_often_it_is_told_it_never_waits_to_tell(stop: Stop):
    for _ in range(100_000):
        stop.set("SIGTERM")

    assert stop.wait()
