"""Does the counter open and close when the acts say, whoever notices, and when?"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.loader import find
from models.vocabulary import (
    ApplicationState,
    Cents,
    MalfunctionDecision,
    SuspensionCause,
)
from tests.builders import Office, rome
from tests.click_days import Counter, protocols, publish, stated
from tests.editions import edited
from workflow.services import call_acts
from workflow.services.sweep import sweep

PLAIN = "competenze-innovazione-2025"
OPENING = rome(2025, 1, 15, 10, 30)
CLOSING = rome(2026, 12, 22, 12)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)


def competenze(work: Office) -> Counter:
    return publish(work, find(PLAIN))


def file_at(counter: Counter, at: datetime, number: int) -> dict[str, Any]:
    return counter.take_at(at, counter.request(number, "50000.00"))


def code(answer: dict[str, Any]) -> str | None:
    """The code of a refusal."""
    return answer["error"]["code"] if answer["error"] else None


def made(counter: Counter) -> list[tuple[str, str]]:
    """What the call did, and who made it do so."""
    return [
        (entry["event"], entry["actor"]["kind"])
        for entry in counter.entries(outcome="ok")
        if entry["application"] is None and entry["event"] != "load_call"
    ]


def spans(counter: Counter) -> list[tuple[datetime, datetime | None]]:
    """When the counter took applications in."""
    return [(one.opened_at, one.ended_at) for one in counter.call.openings]


def test_the_intake_itself_opens_a_window_nobody_opened(work: Office):
    counter = competenze(work)
    assert made(counter) == []

    answer = file_at(counter, OPENING + 3 * MINUTE, 1)

    assert answer["position"] == 1
    assert made(counter) == [("open_call", "worker")]
    assert spans(counter) == [(OPENING, None)]
    (entry,) = counter.entries(event="open_call")
    assert datetime.fromisoformat(entry["findings"]["due_at"]) == OPENING
    assert datetime.fromisoformat(entry["at"]) == OPENING + 3 * MINUTE


def test_who_came_at_the_opening_is_first_though_the_window_was_opened_late(
    work: Office,
):
    counter = competenze(work)
    late = OPENING + 3 * MINUTE
    file_at(counter, late, 1)

    (first,) = counter.take(counter.request(2, "50000.00", received_at=stated(OPENING)))
    (early,) = counter.take(
        counter.request(3, "50000.00", received_at=stated(OPENING - MICROSECOND))
    )

    assert first["position"] == 1
    assert code(early) == "window.too_early"


def test_the_intake_itself_closes_a_window_nobody_closed(work: Office):
    counter = competenze(work)
    file_at(counter, OPENING, 1)

    late = file_at(counter, CLOSING + MINUTE, 2)
    (in_time,) = counter.take(
        counter.request(3, "50000.00", received_at=stated(CLOSING))
    )

    assert code(late) == "window.too_late"
    assert late["error"]["details"]["late_microseconds"] == 60_000_000
    assert in_time["outcome"] == "submitted"
    assert spans(counter) == [(OPENING, CLOSING)]
    assert counter.call.closed_at == CLOSING
    assert made(counter)[-1] == ("close_call", "worker")
    assert sweep(work.desk).remaining == 0


def test_a_malfunction_suspends_is_recorded_decided_and_made_good(work: Office):
    counter, desk = competenze(work), work.desk
    noon = rome(2026, 12, 22, 10)  # two hours before the closing
    file_at(counter, noon - MINUTE, 1)
    work.clock.move_to(noon)
    call_acts.suspend(
        desk,
        counter.code,
        cause=SuspensionCause.MALFUNCTION,
        reason="the portal answers 503",
    )
    during = file_at(counter, noon + 5 * MINUTE, 2)
    back = noon + 30 * MINUTE
    work.clock.move_to(back)
    call_acts.record_malfunction(
        desk, counter.code, began_at=noon, ended_at=back, evidence="log of the portal"
    )
    act = "decreto 900/2026-12-22"
    call_acts.decide_malfunction(
        desk,
        counter.code,
        malfunction=1,
        decision=MalfunctionDecision.EXTENSION,
        act=act,
        reason="half an hour was lost",
    )
    longer = CLOSING + 60 * MINUTE
    call_acts.extend(desk, counter.code, closes_at=longer, act=act)
    reopening = back + 10 * MINUTE
    call_acts.announce_reopening(
        desk, counter.code, at=reopening, act=act, reason="the portal works again"
    )

    too_soon = file_at(counter, reopening - MICROSECOND, 2)
    again = file_at(counter, reopening + MINUTE, 2)
    extra_time = file_at(counter, longer, 3)
    too_late = file_at(counter, longer + MICROSECOND, 4)

    assert [code(one) for one in (during, too_soon, too_late)] == [
        "call.suspended",
        "call.suspended",
        "window.too_late",
    ]
    assert too_soon["error"]["details"]["reopens_at"] == "2026-12-22T09:40:00.000000Z"
    assert protocols([again, extra_time]) == ["2026/0000002", "2026/0000003"]
    assert spans(counter) == [(OPENING, noon), (reopening, longer)]
    (malfunction,) = counter.call.malfunctions
    assert malfunction.decision == MalfunctionDecision.EXTENSION
    assert made(counter) == [
        ("open_call", "worker"),
        ("suspend_call", "person"),
        ("record_malfunction", "person"),
        ("decide_malfunction", "person"),
        ("extend_call", "person"),
        ("announce_reopening", "person"),
        ("reopen_call", "worker"),
        ("close_call", "worker"),
    ]
    refused = counter.entries(event="submit", outcome="refused")
    assert [e["findings"]["received_at"] for e in refused] == [
        one["received_at"] for one in (during, too_soon, too_late)
    ]
    assert work.verified()


def test_an_extension_says_what_it_changes_and_takes_more_in(work: Office):
    counter = competenze(work)
    work.clock.move_to(CLOSING - MINUTE)
    longer = rome(2027, 1, 29, 12)

    call_acts.extend(
        work.desk, counter.code, closes_at=longer, act="decreto 900/2026-12-22"
    )
    answer = file_at(counter, longer, 1)

    assert answer["protocol"] == "2027/0000001"
    (entry,) = counter.entries(event="extend_call")
    (difference,) = entry["findings"]["differences"]
    assert difference.startswith("window.closes_at: ")
    assert counter.call.version == 2


def test_the_planned_closing_is_kept_beside_the_one_that_an_act_made(work: Office):
    counter = competenze(work)
    file_at(counter, CLOSING - 60 * MINUTE, 1)

    call_acts.close(
        work.desk,
        counter.code,
        act="decreto 900/2026-12-22",
        reason="the money went to another measure",
    )
    late = file_at(counter, CLOSING - 59 * MINUTE, 2)

    (entry,) = counter.entries(event="close_call")
    planned = datetime.fromisoformat(entry["findings"]["planned_closing"])
    assert planned == CLOSING
    assert counter.call.closed_at == CLOSING - 60 * MINUTE
    assert code(late) == "window.too_late"


def test_a_refinancing_promotes_in_order_until_its_money_ends(
    work: Office, tmp_path: Path
):
    poor = ('amount = "7000000.00"', 'amount = "200000.00"')
    counter = publish(work, edited(tmp_path, poor, of=PLAIN))
    names = protocols(
        file_at(counter, OPENING + number * MINUTE, number) for number in range(1, 7)
    )
    assert [file.reserved > 0 for file in counter.files] == [True] * 4 + [False] * 2

    call_acts.refinance(
        work.desk,
        counter.code,
        allocation=Cents(27_000_000),
        act="DGR 4000/2025-01-15",
    )

    (money,) = counter.entries(event="refinance_call")
    (promoted,) = counter.entries(event="promote")
    assert promoted["protocol"] == names[4]
    assert promoted["findings"]["funded_by"] == [
        {
            "entry": money["seq"],
            "event": "refinance_call",
            "application": None,
            "cents": 5_000_000,
        }
    ]
    assert [file.state for file in counter.files[4:]] == [
        ApplicationState.SUBMITTED,
        ApplicationState.WAITING,
    ]
    assert counter.call.residual == 2_000_000
    assert counter.residual_told().startswith("270000.00 allocated")
    assert counter.file(names[4]).terms
    assert not counter.file(names[5]).terms


def test_a_refinancing_announced_for_later_promotes_when_it_takes_effect(
    work: Office, tmp_path: Path
):
    poor = ('amount = "7000000.00"', 'amount = "100000.00"')
    counter = publish(work, edited(tmp_path, poor, of=PLAIN))
    names = protocols(
        file_at(counter, OPENING + number * MINUTE, number) for number in range(1, 4)
    )
    effective = OPENING + timedelta(days=1)
    call_acts.refinance(
        work.desk,
        counter.code,
        allocation=Cents(15_000_000),
        effective_at=effective,
        act="DGR 4000/2025-01-15",
    )
    assert not counter.files[2].reserved

    work.clock.move_to(effective + MINUTE)
    sweep(work.desk)

    (promoted,) = counter.entries(event="promote")
    assert promoted["protocol"] == names[2]
    (source,) = promoted["findings"]["funded_by"]
    assert (source["event"], source["cents"]) == ("apply_version", 5_000_000)
    assert counter.call.residual == 0
    assert work.verified()
