"""Can the order of a click day be defended, and does the money follow it?

The days are like those that ended in court or in the newspapers: Sardegna Ricerche
2017 (annulled because its order could not be relied on), Pordenone 2024 (gone in
three seconds), a new year, and a host whose clock goes back.
"""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import ApplicationState
from tests.builders import Office, rome
from tests.click_days import Counter, protocols, publish, stated
from tests.editions import edited
from workflow.rules.calendar import ROME
from workflow.services import accounts, explanations

NO_LIMIT = (
    'overbooking_percent = "50.00" # requests are taken in up to 10.5 million\n',
    "",
)
OPENING = rome(2025, 1, 15, 10, 30)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def poor(work: Office, folder: Path, amount: str, *changes: tuple[str, str]) -> Counter:
    """Publish the plain counter with another allocation and no limit beyond it."""
    allocation = ('amount = "7000000.00"', f'amount = "{amount}"')
    file = edited(
        folder, allocation, NO_LIMIT, *changes, of="competenze-innovazione-2025"
    )
    return publish(work, file)


def submitted(counter: Counter) -> list[dict[str, Any]]:
    """The entries of what was taken in, as the register has them."""
    return counter.entries(event="submit", outcome="ok")


def key(entry: dict[str, Any]) -> tuple[str, int, int]:
    """The key of the order, as an entry keeps it."""
    order = entry["order"]
    return order["received_at"], order["protocol_year"], order["protocol_number"]


# 53 in 59 minutes, for 23 million on 6.5

SARDEGNA = "6500000.00"
UP_TO_500_000 = ('cap = "50000.00"', 'cap = "500000.00"')
SHARES = ("433962.26",) * 52 + ("433962.48",)
FIT = 14


def minutes() -> list[datetime]:
    """Return when the 53 arrive: the fifteenth in the twenty-ninth minute."""
    before = [OPENING + timedelta(minutes=2 * n, milliseconds=7) for n in range(FIT)]
    end = OPENING + timedelta(minutes=29, seconds=14)
    after = [end + timedelta(seconds=47 * n) for n in range(53 - FIT)]
    return [*before, *after]


def sardegna(work: Office, folder: Path, *, shuffled: bool = False) -> Counter:
    """Let 53 file, and the portal hand them over in their order or in none."""
    counter = poor(work, folder, SARDEGNA, UP_TO_500_000)
    lines = [
        counter.request(number, amount, received_at=stated(at))
        for number, (amount, at) in enumerate(
            zip(SHARES, minutes(), strict=True), start=1
        )
    ]
    work.clock.move_to(OPENING + HOUR)
    if shuffled:
        random.Random(2017).shuffle(lines)  # noqa: S311 - the same every time
    counter.take(*lines)
    return counter


def test_the_order_of_53_in_59_minutes_is_that_of_the_register(
    work: Office, tmp_path: Path
):
    counter = sardegna(work, tmp_path)

    entries = submitted(counter)
    assert [key(entry) for entry in entries] == sorted(key(e) for e in entries)
    assert [item.protocol for item in counter.queue.items] == [
        entry["protocol"] for entry in entries
    ]
    assert [item.position for item in counter.queue.items] == list(range(1, 54))
    assert minutes()[-1] - minutes()[0] < timedelta(minutes=59)
    assert counter.queue.items[-1].running_total == 2_300_000_000
    assert work.verified()


def test_the_queue_shows_at_which_minute_the_money_ended(work: Office, tmp_path: Path):
    counter = sardegna(work, tmp_path)

    end = counter.queue.first_without_money

    assert end is not None
    assert end.position == FIT + 1
    assert (end.received_at - OPENING) // timedelta(minutes=1) == 29
    before = counter.queue.items[FIT - 1].running_total
    assert before <= 650_000_000 < end.running_total
    assert [item.reserved > 0 for item in counter.queue.items] == (
        [True] * FIT + [False] * (53 - FIT)
    )


def test_queue_and_explain_money_agree_on_where_the_money_ended(
    work: Office, tmp_path: Path
):
    counter = sardegna(work, tmp_path)
    queue = counter.queue
    last = queue.items[FIT - 1]

    told = accounts.money(work.desk, counter.code, everything=True)

    assert told.faults == ()
    reserved = [step.text for step in told.steps if "reserved for" in step.text]
    assert len(reserved) == FIT
    assert last.protocol in reserved[-1]
    assert "424528.36" in reserved[-1]
    assert (queue.residual, queue.waiting) == (42_452_836, 1_692_452_836)
    assert "424528.36 residual; 16924528.36 is asked for" in told.result


def test_the_order_of_handing_over_changes_neither_the_order_nor_the_money(
    work: Office, tmp_path: Path
):
    counter = sardegna(work, tmp_path, shuffled=True)

    items = counter.queue.items
    assert [item.received_at for item in items] == minutes()
    assert [item.reserved > 0 for item in items] == [True] * FIT + [False] * (53 - FIT)
    assert [file.state for file in counter.files] == (
        [ApplicationState.SUBMITTED] * FIT + [ApplicationState.WAITING] * (53 - FIT)
    )
    assert sorted(key(entry)[2] for entry in submitted(counter)) == list(range(1, 54))
    assert "424528.36 residual" in counter.residual_told()
    assert work.verified()


# 60 in three seconds, 160,000.00 in all

THOUSANDTH = timedelta(milliseconds=1)


def instants() -> list[datetime]:
    """Return when the 60 arrive: most share a millisecond, some the very instant.

    Numbers 39 to 42 are received at one instant, and the money ends between them.
    """
    at: list[datetime] = []
    for number in range(60):
        group, within = divmod(number, 6)
        if within == 5:
            at.append(at[-1])  # to the microsecond
        else:
            at.append(OPENING + group * 311 * THOUSANDTH + within * THOUSANDTH / 10)
    at[38:42] = [at[38]] * 4
    return at


def pordenone(work: Office, folder: Path) -> tuple[Counter, list[str]]:
    """Let 60 ask for 4,000 each, of 160,000 in all."""
    counter = poor(work, folder, "160000.00")
    work.clock.move_to(OPENING + 3 * SECOND)
    answers = counter.take(
        *(
            counter.request(number, "4000.00", received_at=stated(at))
            for number, at in enumerate(instants(), start=1)
        )
    )
    return counter, protocols(answers)


def test_of_60_in_three_seconds_the_first_40_have_the_money(
    work: Office, tmp_path: Path
):
    counter, names = pordenone(work, tmp_path)

    assert instants()[-1] - instants()[0] < 3 * SECOND
    assert (
        len({at.replace(microsecond=at.microsecond // 1000) for at in instants()}) < 60
    )
    assert [file.protocol for file in counter.files if file.reserved] == names[:40]
    assert counter.call.residual == 0
    assert counter.call.waiting_amount == 8_000_000
    entries = submitted(counter)
    assert [key(entry) for entry in entries] == sorted(key(e) for e in entries)
    assert work.verified()


def test_a_tie_is_broken_by_protocol_and_the_entry_says_so(
    work: Office, tmp_path: Path
):
    counter, names = pordenone(work, tmp_path)
    at = instants()
    tied = [n for n in range(1, 60) if at[n] == at[n - 1]]

    marked = [
        number
        for number, entry in enumerate(submitted(counter))
        if entry["findings"].get("tie_broken")
    ]

    assert marked == tied
    assert {39, 40, 41} <= set(tied)
    (said,) = [
        step.text
        for step in explanations.turn(work.desk, names[40]).steps
        if step.rule == "order.tie"
    ]
    assert said == (
        f"received at the same instant as {names[38]}, {names[39]}, {names[41]}: the "
        "protocol number, given one by one, breaks the tie"
    )


def test_those_of_one_instant_of_the_office_clock_keep_the_order_of_the_lines(
    work: Office, tmp_path: Path
):
    counter = poor(work, tmp_path, "160000.00")

    names = protocols(
        counter.take(*(counter.request(n, "4000.00") for n in range(1, 61)))
    )

    assert [item.protocol for item in counter.queue.items] == names
    assert {item.received_at for item in counter.queue.items} == {OPENING}
    assert sum("tie_broken" in e["findings"] for e in submitted(counter)) == 59


# A new year


def test_the_numbers_begin_again_and_the_order_goes_on(work: Office, tmp_path: Path):
    counter = poor(work, tmp_path, "100000.00")
    midnight = rome(2026, 1, 1)

    before = [
        counter.take_at(midnight - at, counter.request(number, "50000.00"))
        for number, at in enumerate((SECOND, timedelta(microseconds=1)), start=1)
    ]
    after = counter.take_at(midnight, counter.request(3, "50000.00"))

    names = protocols([*before, after])
    assert names == ["2025/0000001", "2025/0000002", "2026/0000001"]
    assert [item.protocol for item in counter.queue.items] == names
    assert [item.position for item in counter.queue.items] == [1, 2, 3]
    assert [item.reserved > 0 for item in counter.queue.items] == [True, True, False]


def test_what_came_before_midnight_and_is_handed_over_after_stays_before(
    work: Office, tmp_path: Path
):
    counter = poor(work, tmp_path, "50000.00")
    midnight = rome(2026, 1, 1)
    later = counter.take_at(midnight, counter.request(1, "50000.00"))

    earlier = counter.take_at(
        midnight + SECOND,
        counter.request(2, "50000.00", received_at=stated(midnight - SECOND)),
    )

    assert (later["protocol"], earlier["protocol"]) == ("2026/0000001", "2026/0000002")
    assert (later["position"], earlier["position"]) == (1, 1)
    queue = counter.queue
    assert [item.protocol for item in queue.items] == ["2026/0000002", "2026/0000001"]
    assert [item.state for item in queue.items] == [
        ApplicationState.SUBMITTED,
        ApplicationState.WAITING,
    ]
    assert queue.items[0].received_at.astimezone(ROME).year == 2025


# A host whose clock goes back


def test_an_hour_less_on_the_host_moves_nobody_ahead(work: Office, tmp_path: Path):
    office = ('clock = "portal"', 'clock = "register"')
    counter = poor(work, tmp_path, "100000.00", office)
    noon = rome(2025, 1, 15, 12)
    shown = (noon, noon - HOUR, noon - HOUR + SECOND, noon + SECOND)

    answers = [
        counter.take_at(at, counter.request(number, "50000.00"))
        for number, at in enumerate(shown, start=1)
    ]

    names = protocols(answers)
    assert [item.protocol for item in counter.queue.items] == names
    assert [item.received_at for item in counter.queue.items] == [
        noon,
        noon,
        noon,
        noon + SECOND,
    ]
    entries = submitted(counter)
    assert [entry["at"] for entry in entries] == sorted(e["at"] for e in entries)
    assert ["tie_broken" in e["findings"] for e in entries] == [
        False,
        True,
        True,
        False,
    ]
    assert [file.reserved for file in counter.files] == [5_000_000, 5_000_000, 0, 0]
    assert work.verified()


def test_an_hour_less_on_the_host_changes_no_instant_of_the_portal(
    work: Office, tmp_path: Path
):
    counter = poor(work, tmp_path, "100000.00")
    noon = rome(2025, 1, 15, 12)
    received = [noon + n * 15 * SECOND for n in range(4)]
    shown = (noon, *(at - HOUR for at in received[1:]))

    answers = [
        counter.take_at(
            at, counter.request(number, "50000.00", received_at=stated(instant))
        )
        for number, (at, instant) in enumerate(
            zip(shown, received, strict=True), start=1
        )
    ]

    assert [item.protocol for item in counter.queue.items] == protocols(answers)
    assert [item.received_at for item in counter.queue.items] == received
    entries = submitted(counter)
    assert [entry["at"] for entry in entries] == [entries[0]["at"]] * 4
    assert not any("tie_broken" in entry["findings"] for entry in entries)
    assert work.verified()


def test_who_is_refused_for_the_hosts_clock_files_again_and_keeps_its_place(
    work: Office, tmp_path: Path
):
    counter = poor(work, tmp_path, "100000.00")
    noon = rome(2025, 1, 15, 12)
    lines = [
        counter.request(
            number, "50000.00", received_at=stated(noon + minute * 60 * SECOND)
        )
        for number, minute in ((1, 0), (2, 5), (3, 61))
    ]
    counter.take_at(noon, lines[0])
    refused = counter.take_at(noon - HOUR + 5 * MINUTE, lines[1])
    counter.take_at(noon + HOUR + MINUTE, lines[2])

    again = counter.take_at(noon + HOUR + 2 * MINUTE, lines[1])

    assert refused["error"]["code"] == "window.future"
    assert again["outcome"] == "submitted"
    assert again["position"] == 2
    assert [file.portal_id for file in counter.files] == ["P-0001", "P-0002", "P-0003"]
    assert [file.reserved for file in counter.files] == [5_000_000, 5_000_000, 0]


@pytest.mark.parametrize("at", [OPENING - timedelta(microseconds=1), OPENING])
def test_who_is_a_microsecond_early_is_no_part_of_the_order(
    work: Office, tmp_path: Path, at: datetime
):
    counter = poor(work, tmp_path, "160000.00")

    answer = counter.take_at(
        OPENING + SECOND, counter.request(1, "4000.00", received_at=stated(at))
    )

    assert bool(answer["protocol"]) == (at == OPENING)
    assert len(counter.queue.items) == (at == OPENING)
