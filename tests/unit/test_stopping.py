"""Does whoever waits learn at once that it is time to end?"""

import os
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from workers.stopping import Stop

LONG = 60.0


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
