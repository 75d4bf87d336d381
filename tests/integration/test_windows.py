"""Does a counter open, close and reopen by itself, whoever notices and when?"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.session import transaction
from models.vocabulary import CallState, Cents, SuspensionCause
from tests.builders import CLOSING, CTL, OPENING, Office, rome, submission
from tests.contents import dump as contents
from tests.contents import entries, rows
from workflow.facts import Opening
from workflow.register import written
from workflow.services import call_acts, calls, lookups, sweep, windows

ACT = "decreto 9/2026-01-20"
DAY = timedelta(days=1)


def events(work: Office) -> list[str]:
    return [entry["event"] for entry in entries(work)]


def stretches(work: Office) -> tuple[Opening, ...]:
    """Return the stretches in which the counter was open, as they are stored."""
    with transaction(work.desk.engine, keep=False) as session:
        call = lookups.find_call(session, CTL)
        counter = windows.counter_as_of(session, call, OPENING - 100 * DAY)
        return counter.openings


def timeless(entry: dict[str, Any]) -> dict[str, Any]:
    """Leave out of an entry when it was written, and what depends on that."""
    of_execution = {"at", "local", "hash", "previous"}
    return {name: entry[name] for name in entry.keys() - of_execution}


def exhaust(work: Office, at: datetime) -> None:
    """Do as the intake does when a submission uses the money up."""
    with transaction(work.desk.engine) as session:
        call = lookups.find_call(session, CTL, lock=True)
        windows.bring_up_to_date(session, work.desk, call)
        windows.suspend_for_exhaustion(
            session, work.desk, call, at, {"last_admitted": "2026/0000001"}
        )


def test_a_counter_opens_at_its_instant_and_not_before(work: Office):
    work.clock.move_to(OPENING - timedelta(microseconds=1))
    early = sweep.sweep(work.desk)

    work.clock.move_to(OPENING)
    swept = sweep.sweep(work.desk)

    assert early.applied == ()
    assert [one.due_at for one in swept.applied] == [OPENING]
    entry = entries(work)[-1]
    assert (entry["event"], entry["from"], entry["to"]) == (
        "open_call",
        "published",
        "open",
    )
    assert entry["actor"]["kind"] == "worker"
    assert entry["findings"]["due_at"] == written(OPENING)
    assert work.verified()


def test_a_counter_still_takes_what_comes_at_its_closing_instant(work: Office):
    work.clock.move_to(CLOSING)
    sweep.sweep(work.desk)
    at_the_instant = calls.shown(work.desk, CTL).state

    work.clock.move_to(CLOSING + timedelta(microseconds=1))
    sweep.sweep(work.desk)

    assert at_the_instant == CallState.OPEN
    assert stretches(work) == (Opening(OPENING, CLOSING),)
    assert calls.shown(work.desk, CTL).closed_at == CLOSING


def test_a_worker_that_slept_does_everything_as_of_its_instant_and_once(work: Office):
    work.clock.move_to(CLOSING + 3 * DAY)
    sweep.sweep(work.desk)
    late = [timeless(entry) for entry in entries(work)]

    again = contents(work.desk.engine)
    sweep.sweep(work.desk)

    assert contents(work.desk.engine) == again, "sweeping twice changes nothing"
    assert stretches(work) == (Opening(OPENING, CLOSING),)
    assert [entry["findings"].get("due_at") for entry in late[1:]] == [
        written(OPENING),
        written(CLOSING),
    ]


def test_the_entries_of_a_late_sweep_differ_only_in_when_they_were_written(
    work: Office,
):
    with transaction(work.desk.engine, keep=False) as session:
        work.clock.move_to(OPENING)
        call = lookups.find_call(session, CTL, lock=True)
        windows.bring_up_to_date(session, work.desk, call)
        work.clock.move_to(CLOSING + timedelta(microseconds=1))
        windows.bring_up_to_date(session, work.desk, call)
        punctual = session.connection().exec_driver_sql(
            "SELECT call_id, ordinal, opened_at, ended_at FROM openings"
        )
        stored = [tuple(row) for row in punctual]

    work.clock.move_to(CLOSING + 3 * DAY)
    sweep.sweep(work.desk)

    assert stored == rows(
        work.desk.engine, "SELECT call_id, ordinal, opened_at, ended_at FROM openings"
    )


def test_what_is_read_before_a_sweep_is_what_the_sweep_writes(work: Office):
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )
    call_acts.announce_reopening(
        work.desk, CTL, at=OPENING + 5 * DAY, act=ACT, reason="ready"
    )
    call_acts.refinance(
        work.desk,
        CTL,
        allocation=Cents(200_000_000),
        effective_at=OPENING + 6 * DAY,
        act=ACT,
    )
    seen = []
    for instant in (OPENING, OPENING + 5 * DAY, OPENING + 7 * DAY, CLOSING + DAY):
        work.clock.move_to(instant)
        before = calls.shown(work.desk, CTL)
        sweep.sweep(work.desk)
        after = calls.shown(work.desk, CTL)
        seen.append((before, after))

    for before, after in seen:
        assert (before.state, before.openings, before.version, before.allocation) == (
            after.state,
            after.openings,
            after.version,
            after.allocation,
        )
        assert before.closed_at == after.closed_at
    assert [before.state for before, _ in seen] == [
        CallState.SUSPENDED,
        CallState.OPEN,
        CallState.OPEN,
        CallState.CLOSED,
    ]
    assert work.verified()


def test_a_suspension_ends_the_stretch_and_a_reopening_begins_another(work: Office):
    work.wait(hours=1)
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )
    reopening = OPENING + 2 * DAY
    call_acts.announce_reopening(work.desk, CTL, at=reopening, act=ACT, reason="ready")

    work.clock.move_to(OPENING + 10 * DAY)
    sweep.sweep(work.desk)

    assert stretches(work) == (
        Opening(OPENING, OPENING + timedelta(hours=1)),
        Opening(reopening, None),
    )
    assert events(work)[-1] == "reopen_call"
    assert work.verified()


def test_a_second_announcement_replaces_the_first(work: Office):
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )
    for days in (2, 4):
        at = OPENING + days * DAY
        call_acts.announce_reopening(work.desk, CTL, at=at, act=ACT, reason="ready")

    work.clock.move_to(OPENING + 3 * DAY)

    assert sweep.sweep(work.desk).applied == ()
    assert calls.shown(work.desk, CTL).reopens_at == OPENING + 4 * DAY


def test_a_counter_that_is_never_reopened_closes_in_its_time(work: Office):
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )

    work.clock.move_to(CLOSING + DAY)
    sweep.sweep(work.desk)

    shown = calls.shown(work.desk, CTL)
    assert (shown.state, shown.closed_at) == (CallState.CLOSED, CLOSING)
    assert (shown.suspended_for, shown.suspended_since) == (None, None)
    assert stretches(work) == (Opening(OPENING, OPENING),)
    assert work.verified()


def test_a_host_whose_clock_is_behind_takes_nothing_in_after_a_suspension(work: Office):
    work.clock.advance(timedelta(minutes=10))
    in_time = work.take(submission(0))
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )

    work.clock.advance(timedelta(seconds=-30))
    (late,) = work.take(submission(1))

    assert in_time[0]["outcome"] == "submitted"
    assert (late["outcome"], late["error"]["code"]) == ("refused", "call.suspended")
    assert work.verified()


def test_an_extension_while_suspended_lets_the_reopening_come_later(work: Office):
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )
    call_acts.extend(work.desk, CTL, closes_at=CLOSING + 10 * DAY, act=ACT)
    call_acts.announce_reopening(
        work.desk, CTL, at=CLOSING + 5 * DAY, act=ACT, reason="ready"
    )

    work.clock.move_to(CLOSING + 30 * DAY)
    sweep.sweep(work.desk)

    assert stretches(work)[-1] == Opening(CLOSING + 5 * DAY, CLOSING + 10 * DAY)
    assert work.verified()


def test_an_extension_that_was_announced_counts_even_if_everybody_slept(work: Office):
    call_acts.extend(
        work.desk,
        CTL,
        closes_at=CLOSING + 10 * DAY,
        effective_at=CLOSING,
        act=ACT,
    )

    work.clock.move_to(CLOSING + 9 * DAY)
    sweep.sweep(work.desk)

    assert calls.shown(work.desk, CTL).state == CallState.OPEN
    assert stretches(work) == (Opening(OPENING, None),)
    assert events(work)[-1] == "apply_version"
    assert work.verified()


def test_exhausted_money_suspends_at_the_instant_of_who_used_it_up(work: Office):
    last = OPENING + timedelta(minutes=14)
    work.clock.move_to(OPENING + timedelta(minutes=15))

    exhaust(work, last)
    exhaust(work, last + timedelta(minutes=1))

    shown = calls.shown(work.desk, CTL)
    assert shown.suspended_for == SuspensionCause.EXHAUSTION
    assert shown.suspended_since == last
    assert events(work).count("suspend_call") == 1, "it was suspended already"
    assert entries(work)[-1]["findings"]["last_admitted"] == "2026/0000001"
    assert work.verified()


def test_what_was_received_in_an_earlier_stretch_ends_the_present_one_at_once(
    work: Office,
):
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=ACT, reason="a change"
    )
    reopening = OPENING + DAY
    call_acts.announce_reopening(work.desk, CTL, at=reopening, act=ACT, reason="go")
    work.clock.move_to(reopening + DAY)

    exhaust(work, OPENING)

    assert stretches(work)[-1] == Opening(reopening, reopening)
    assert work.verified()


def test_a_host_whose_clock_went_back_opens_nothing_twice(work: Office):
    sweep.sweep(work.desk)

    work.clock.move_to(OPENING - DAY)

    assert sweep.sweep(work.desk).applied == ()
    assert calls.shown(work.desk, CTL).state == CallState.OPEN


@pytest.mark.parametrize("day", [rome(2026, 3, 29, 3), rome(2026, 10, 25, 3)])
def test_an_instant_is_the_same_whatever_the_clocks_do(work: Office, day: datetime):
    call_acts.extend(work.desk, CTL, closes_at=day, act=ACT)

    work.clock.move_to(day + timedelta(microseconds=1))
    sweep.sweep(work.desk)

    assert stretches(work)[-1].ended_at == day
