"""Where the clock of the portal counts: is anybody late, or early, because of ours?"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import CallState, Event, SuspensionCause
from tests.builders import Office, rome
from tests.click_days import Counter, publish, stated
from tests.contents import entries, rows
from tests.editions import edited
from workflow.errors import RefusedError
from workflow.services import call_acts, calls

SECOND = timedelta(seconds=1)
OPENS = rome(2025, 1, 15, 10, 30)
CLOSES = rome(2026, 12, 22, 12)
POOR = ('amount = "7000000.00"', 'amount = "100000.00"')
STOP = ('short_money = "waiting_list"', 'short_money = "stop"')
NO_OVERBOOKING = (
    'overbooking_percent = "50.00" # requests are taken in up to 10.5 million\n',
    "",
)
ACT: dict[str, Any] = {"act": "decreto 9/2025-01-15", "reason": "the platform moves"}


def counter(work: Office, folder: Path, *changes: tuple[str, str]) -> Counter:
    return publish(work, edited(folder, *changes, of="competenze-innovazione-2025"))


def file(opened: Counter, number: int, at: timedelta, euros: str = "50000.00"):
    """File one application that the portal received so long after the opening."""
    (answer,) = opened.take(
        opened.request(number, euros, received_at=stated(OPENS + at))
    )
    return answer


def test_who_uses_the_money_up_by_a_clock_ahead_of_ours_is_in_time(
    work: Office, tmp_path: Path
):
    opened = counter(work, tmp_path, POOR, STOP, NO_OVERBOOKING)
    work.clock.move_to(OPENS + 10 * SECOND)

    filed = [file(opened, number, (39 + number) * SECOND) for number in (1, 2)]

    assert opened.call.state is CallState.SUSPENDED
    work.clock.move_to(OPENS + timedelta(days=1))
    opened.start(*(str(answer["protocol"]) for answer in filed))
    assert work.verified()


@pytest.mark.parametrize("stop", ["suspend", "close"])
def test_an_act_that_stops_the_counter_makes_nobody_late(
    work: Office, tmp_path: Path, stop: str
):
    opened = counter(work, tmp_path)
    work.clock.move_to(OPENS + 10 * SECOND)
    filed = file(opened, 1, 40 * SECOND)
    work.clock.move_to(OPENS + 20 * SECOND)

    if stop == "suspend":
        call_acts.suspend(work.desk, opened.code, cause=SuspensionCause.ACT, **ACT)
    else:
        call_acts.close(work.desk, opened.code, **ACT)

    work.clock.move_to(OPENS + timedelta(days=1))
    with pytest.raises(RefusedError) as error:
        work.move(
            str(filed["protocol"]),
            Event.DECLARE_NOT_RECEIVABLE,
            act="decreto 10/2025-01-16",
            reason="late",
        )
    assert error.value.code == "receivability.no_ground"
    opened.start(str(filed["protocol"]))
    assert file(opened, 2, 41 * SECOND)["outcome"] == "refused"
    assert work.verified()


def test_the_portal_opens_a_counter_that_our_clock_has_not_opened_yet(
    work: Office, tmp_path: Path
):
    opened = counter(work, tmp_path, POOR, STOP, NO_OVERBOOKING)
    work.clock.move_to(OPENS - 30 * SECOND)

    told = [
        file(opened, number, number * SECOND, euros)
        for number, euros in enumerate(
            ("50000.00", "30000.00", "50000.00", "20000.00"), start=1
        )
    ]

    # The third does not fit and stops the counter: the fourth does not overtake it.
    outcomes = [answer["outcome"] for answer in told]
    assert outcomes == ["submitted", "submitted", "refused", "refused"]
    assert [answer["error"] and answer["error"]["code"] for answer in told[2:]] == [
        "counter.exhausted",
        "call.suspended",
    ]
    (entry,) = entries(work, event="open_call")
    assert entry["findings"]["due_at"] > entry["at"]
    assert work.verified()


def test_who_came_before_a_change_is_under_older_rules_and_has_the_room_of_all(
    work: Office, tmp_path: Path
):
    little = ('amount = "7000000.00"', 'amount = "60000.00"')
    half = 'overbooking_percent = "50.00"'
    no_room, room = (half.replace("50.00", share) for share in ("10.00", "100.00"))
    opened = counter(work, tmp_path, little, (half, no_room))
    work.clock.move_to(OPENS + 60 * SECOND)
    file(opened, 1, 10 * SECOND)
    wider = edited(tmp_path, little, (half, room), of="competenze-innovazione-2025")
    calls.register_call(work.desk, wider, act=ACT["act"])

    before = file(opened, 2, 30 * SECOND)

    assert before["outcome"] == "waiting"
    versions = rows(work.desk.engine, "SELECT call_version FROM applications")
    assert versions == [(1,), (1,)]
    assert work.verified()


def test_who_comes_before_the_opening_by_the_portal_does_not_open_it(
    work: Office, tmp_path: Path
):
    opened = counter(work, tmp_path)
    work.clock.move_to(OPENS - 30 * SECOND)

    told = file(opened, 1, -SECOND)

    assert told["error"]["code"] == "window.too_early"
    assert entries(work, event="open_call") == []


def test_who_comes_after_the_closing_by_the_portal_finds_it_closed(
    work: Office, tmp_path: Path
):
    opened = counter(work, tmp_path)
    work.clock.move_to(CLOSES - 30 * SECOND)
    after, before = CLOSES + SECOND - OPENS, CLOSES - SECOND - OPENS

    late, in_time = file(opened, 1, after), file(opened, 2, before)

    assert late["error"]["code"] == "window.too_late"
    assert in_time["outcome"] == "submitted"
    assert opened.call.state is CallState.CLOSED
    assert work.verified()


def test_a_portal_that_is_too_far_ahead_moves_nothing(work: Office, tmp_path: Path):
    opened = counter(work, tmp_path)
    work.clock.move_to(OPENS - timedelta(hours=1))

    told = file(opened, 1, SECOND)

    assert told["error"]["code"] == "window.future"
    assert entries(work, event="open_call") == []


def test_a_call_that_was_closed_before_it_opened_takes_nothing(
    work: Office, tmp_path: Path
):
    opened = counter(work, tmp_path)
    work.clock.move_to(OPENS - timedelta(days=1))
    call_acts.close(
        work.desk, opened.code, act="decreto 9/2025-01-08", reason="no money"
    )
    work.clock.move_to(OPENS + SECOND)

    told = file(opened, 1, SECOND)

    assert told["error"]["code"] == "window.never_open"
    assert work.verified()


def test_what_came_by_another_channel_makes_nobody_late(work: Office, tmp_path: Path):
    capped = (
        NO_OVERBOOKING[0],
        'overbooking_amount = "50000.00"\n',
    )
    opened = counter(work, tmp_path, POOR, capped)
    work.clock.move_to(OPENS + 10 * SECOND)
    held = [file(opened, number, number * SECOND) for number in (1, 2)]
    opened.take(opened.request(9, "50000.00", channel="pec"))

    told = [file(opened, number, number * SECOND) for number in (3, 4)]

    # The limit is 150,000.00, whatever was protocolled after them by another way.
    assert [answer["outcome"] for answer in (*held, *told)] == [
        "submitted",
        "submitted",
        "waiting",
        "refused",
    ]
    assert work.verified()


def test_a_late_hand_over_passes_no_limit_that_those_before_it_have_filled(
    work: Office, tmp_path: Path
):
    opened = counter(work, tmp_path, POOR, STOP, NO_OVERBOOKING)
    work.clock.move_to(OPENS + 30 * SECOND)
    file(opened, 1, SECOND, "50000.00")
    file(opened, 2, 2 * SECOND, "40000.00")
    file(opened, 4, 20 * SECOND, "4000.00")

    told = file(opened, 3, 10 * SECOND, "50000.00")

    assert told["error"]["code"] == "counter.exhausted"
    assert [item.reserved for item in opened.queue.items] == [
        5_000_000,
        4_000_000,
        400_000,
    ]
    assert work.verified()
