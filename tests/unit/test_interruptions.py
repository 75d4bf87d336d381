"""Does an interrupted command tidy up, and say so?"""

import signal
import sys
import time
from collections.abc import Callable

import click
import pytest

from commands.interruptions import ended_with

PATIENCE = 60


class Deaf:
    """Is interrupted where nothing can be raised."""

    def __del__(self) -> None:
        """Lose what comes now."""
        signal.raise_signal(signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers():
    """Compare who is asked before and after."""
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = (*map(signal.getsignal, asked), sys.unraisablehook)

    yield

    assert (*map(signal.getsignal, asked), sys.unraisablehook) == before


def ended(work: Callable[[], None]) -> int:
    """Do something until it is interrupted, and return with which code it ended."""
    with click.Context(click.Command("x")):
        try:
            with ended_with("Stopped"):
                work()
        except click.exceptions.Exit as ending:
            return ending.exit_code
    return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_is_tidied_up_once_and_then_told(number, capsys):
    done = []

    def work() -> None:
        try:
            signal.raise_signal(number)
            done.append("went on")
        finally:
            signal.raise_signal(number)  # whoever is impatient
            done.append(f"tidied up{capsys.readouterr().err}")

    code = ended(work)

    assert code == 128 + number
    assert (done, capsys.readouterr().err) == (["tidied up"], "Stopped\n")


def test_one_that_comes_where_nothing_can_be_raised_is_not_lost(capsys):
    def work() -> None:
        Deaf()
        patient = time.monotonic() + PATIENCE
        while time.monotonic() < patient:
            time.sleep(0.01)

    code = ended(work)

    assert code == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "Stopped\n"


def test_what_was_to_be_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ended_with("Stopped"):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
