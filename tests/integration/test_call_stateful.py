"""Does a call hold together, whatever officers do and whenever workers wake up?"""

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.session import transaction
from models.vocabulary import Cents, SuspensionCause
from tests.builders import CTL, Office, office, rome
from workflow.errors import RefusedError
from workflow.register import written
from workflow.services import call_acts, calls, lookups, sweep, windows

START = rome(2026, 1, 19, 10)
FORMAL: dict[str, Any] = {"act": "decreto 9/2026-01-19", "reason": "because"}
HOUR = timedelta(hours=1)


class Step(NamedTuple):
    """Something that is done some time after the last thing."""

    hours: int
    what: str
    ahead: int
    """Hours from then to the instant that is named, if one is."""


steps = st.builds(
    Step,
    st.integers(0, 300),
    st.sampled_from(
        [
            "suspend",
            "reopen",
            "reopen",
            "extend",
            "extend later",
            "refinance later",
            "exhaust",
            "close",
            "annul",
            "malfunction",
        ]
    ),
    st.integers(-20, 400),
)


def carry_out(work: Office, step: Step) -> None:
    """Do one thing, or be refused."""
    now, desk = work.clock.now(), work.desk
    named = now + step.ahead * HOUR
    match step.what:
        case "suspend":
            call_acts.suspend(desk, CTL, cause=SuspensionCause.ACT, **FORMAL)
        case "reopen":
            call_acts.announce_reopening(desk, CTL, at=named, **FORMAL)
        case "extend":
            call_acts.extend(desk, CTL, closes_at=named, **FORMAL)
        case "extend later":
            later = now + step.ahead / 3 * HOUR
            call_acts.extend(desk, CTL, closes_at=named, effective_at=later, **FORMAL)
        case "refinance later":
            money = Cents(100_000_000 + step.ahead * 100)
            call_acts.refinance(
                desk, CTL, allocation=money, effective_at=named, **FORMAL
            )
        case "exhaust":
            _exhaust(work)
        case "close":
            call_acts.close(desk, CTL, **FORMAL)
        case "annul":
            call_acts.annul(desk, CTL, **FORMAL)
        case _:
            call_acts.record_malfunction(
                desk, CTL, began_at=now - 2 * HOUR, ended_at=now - HOUR, evidence="x"
            )


def _exhaust(work: Office) -> None:
    with transaction(work.desk.engine) as session:
        call = lookups.find_call(session, CTL, lock=True)
        windows.bring_up_to_date(session, work.desk, call)
        at = work.clock.now() - HOUR
        windows.suspend_for_exhaustion(session, work.desk, call, at, {})


def lived(url: str, story: list[Step], *, sweeps: int) -> list[object]:
    """Live through a story, sweeping so often between its steps; tell its end."""
    with office(url, at=START) as work:
        for step in story:
            for _ in range(sweeps):
                work.clock.advance(step.hours * HOUR / sweeps)
                sweep.sweep(work.desk)
            if not sweeps:
                work.clock.advance(step.hours * HOUR)
            with suppress(RefusedError):
                carry_out(work, step)
        seen = calls.shown(work.desk, CTL)
        sweep.sweep(work.desk)
        swept = calls.shown(work.desk, CTL)

        assert work.verified()
        assert (seen.state, seen.openings, seen.version) == (
            swept.state,
            swept.openings,
            swept.version,
        )
        for before, after in zip(swept.openings, swept.openings[1:], strict=False):
            assert before.ended_at is not None
            assert before.ended_at < after.opened_at
        open_now = bool(swept.openings) and swept.openings[-1].ended_at is None
        assert open_now == (swept.state == "open")
        return [
            swept.state,
            swept.openings,
            swept.version,
            swept.allocation,
            swept.closed_at and written(swept.closed_at),
            swept.reopens_at,
            swept.suspended_for,
        ]


@pytest.mark.timeout(300)
@settings(max_examples=40)
@given(story=st.lists(steps, max_size=10))
def test_whenever_workers_wake_up_the_counter_was_open_at_the_same_instants(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, story: list[Step]
):
    folder = tmp_path_factory.mktemp("lived")
    ends = []

    for sweeps in (0, 2):
        file = folder / f"{sweeps}.db"
        shutil.copyfile(sqlite_template, file)
        ends.append(lived(f"sqlite:///{file}", story, sweeps=sweeps))

    assert ends[0] == ends[1]
