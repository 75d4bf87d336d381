"""Do merit and a public draw decide among those who count as arrived together?"""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from models.vocabulary import Event
from tests.builders import Office, rome
from tests.click_days import Counter, protocols, publish, stated
from tests.editions import edited
from tests.integration.test_verification import by_hand
from workflow.errors import RefusedError
from workflow.rules.calendar import ROME
from workflow.services import call_acts, log

ASKED = "50000.00"
NO_LIMIT = (
    'overbooking_percent = "50.00" # requests are taken in up to 10.5 million\n',
    "",
)
ALL_EXAMINED = ('waiting_list = "before_review"', 'waiting_list = "after_review"')
WEDNESDAY = rome(2025, 1, 15, 10, 30)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def ordered(work: Office, folder: Path, order: str, amount: str) -> Counter:
    """Publish the plain counter with another order and another allocation."""
    file = edited(
        folder,
        ('order = "exact_instant"', f'order = "{order}"'),
        ('amount = "7000000.00"', f'amount = "{amount}"'),
        NO_LIMIT,
        ALL_EXAMINED,
        of="competenze-innovazione-2025",
    )
    return publish(work, file)


def arrive(counter: Counter, first: int, count: int, at: datetime) -> list[str]:
    """Let some file, a minute apart, and return their protocols."""
    return protocols(
        counter.take_at(at + n * MINUTE, counter.request(first + n, ASKED))
        for n in range(count)
    )


def funded(counter: Counter) -> list[str | None]:
    """Who has money, in the order in which money is given."""
    return [item.protocol for item in counter.queue.items if item.reserved]


# Same day, then merit

POINTS = (61, 88, 70, 75, 60, 93, 82, 75, 66, 99, 71, 64)
POINTS_OF_THE_DAY = (*POINTS, 79, 75, 90, 62, 85, 75, 68, 97, 73, 65, 80)


def a_day_too_many(work: Office, folder: Path) -> tuple[Counter, list[str], list[str]]:
    """Let four come on one day, 23 on the next and two on a third, for 14 of them."""
    counter = ordered(work, folder, "same_day_merit", "700000.00")
    before = arrive(counter, 1, 4, WEDNESDAY)
    together = arrive(counter, 5, 23, WEDNESDAY + DAY)
    arrive(counter, 28, 2, WEDNESDAY + 2 * DAY)
    work.clock.move_to(WEDNESDAY + 20 * DAY)
    return counter, before, together


def by_score(together: list[str]) -> list[str]:
    """Order those of the day as a person would: by score, then by protocol."""
    scored = sorted(zip(POINTS_OF_THE_DAY, together, strict=True), key=lambda p: -p[0])
    return [name for _, name in scored]


def test_of_23_of_one_day_those_with_the_best_scores_have_the_money(
    work: Office, tmp_path: Path
):
    counter, before, together = a_day_too_many(work, tmp_path)
    counter.examine(*before, points=60)
    assert funded(counter) == [*before, *together[:10]]

    for name, points in zip(together, POINTS_OF_THE_DAY, strict=True):
        counter.examine(name, points=points)

    best = by_score(together)
    order = [item.protocol for item in counter.queue.items]
    assert order[:27] == [*before, *best]
    assert funded(counter) == [*before, *best[:10]]
    assert counter.call.residual == 0
    assert "residual" in counter.residual_told()
    given_up = [e["protocol"] for e in counter.entries(event="yield_reservation")]
    assert set(given_up) == set(together[:10]) - set(best[:10])
    assert work.verified()


def test_who_comes_a_minute_earlier_of_one_day_takes_no_turn_from_the_others(
    work: Office, tmp_path: Path
):
    counter, before, together = a_day_too_many(work, tmp_path)

    with pytest.raises(RefusedError) as error:
        counter.start(together[-1])
    assert error.value.code == "order.turn"
    counter.start(*before)
    counter.start(together[-1])

    assert counter.file(together[-1]).steps


def test_the_decree_of_a_day_goes_by_score_and_not_by_the_clock(
    work: Office, tmp_path: Path
):
    counter, before, together = a_day_too_many(work, tmp_path)
    counter.examine(*before, points=60)
    for name, points in zip(together, POINTS_OF_THE_DAY, strict=True):
        counter.examine(name, points=points)
    best = by_score(together)

    with pytest.raises(RefusedError) as error:
        counter.decree(dict.fromkeys([*before, best[1]]))
    told = counter.decree(dict.fromkeys([*before, *best[:10]]))

    assert error.value.code == "decree.passes_over"
    assert error.value.details["passed_over"] == [best[0]]
    assert [one["application"] for one in told["granted"]] == [*before, *best[:10]]
    assert told["residual"] == "0.00"


# Same week, then a public draw

SEED = "Lotto, ruota di Milano, 21/01/2025: 4 18 33 57 90"
ACT = "verbale 3/2025-01-21"


def two_weeks(work: Office, folder: Path) -> tuple[Counter, list[str], list[str]]:
    """Let nine come in one week and four in the next, for six of them."""
    counter = ordered(work, folder, "same_week_draw", "300000.00")
    first = [
        *arrive(counter, 1, 5, WEDNESDAY),
        *arrive(counter, 6, 4, rome(2025, 1, 19, 23, 56)),
    ]
    second = arrive(counter, 10, 4, rome(2025, 1, 20))
    work.clock.move_to(rome(2025, 1, 21, 9))
    return counter, first, second


def redone(counter: Counter, week: str) -> list[str]:
    """Redo the draw of a week with nothing but the register and SHA-256."""
    (drawn,) = [
        entry
        for entry in counter.entries(event="record_draw", outcome="ok")
        if entry["inputs"]["week"] == week
    ]
    year, number = int(week[:4]), int(week[-2:])
    arrived = [
        entry["protocol"]
        for entry in counter.entries(event="submit", outcome="ok")
        if datetime.fromisoformat(entry["order"]["received_at"])
        .astimezone(ROME)
        .isocalendar()[:2]
        == (year, number)
    ]
    seed = drawn["inputs"]["seed"]
    lots = {
        hashlib.sha256(f"{seed}:{protocol}".encode()).hexdigest(): protocol
        for protocol in arrived
    }
    order = [lots[lot] for lot in sorted(lots)]
    assert drawn["findings"]["order"] == order
    return order


def test_anyone_can_redo_the_draw_from_what_the_register_holds(
    work: Office, tmp_path: Path
):
    counter, first, second = two_weeks(work, tmp_path)

    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)

    order = redone(counter, "2025-W03")
    assert sorted(order) == first
    assert order != first
    queued = [item.protocol for item in counter.queue.items]
    assert queued == [*order, *second]
    assert [item.rank for item in counter.queue.items[:9]] == list(range(1, 10))


def test_after_the_draw_the_money_is_of_those_who_were_drawn_first(
    work: Office, tmp_path: Path
):
    counter, first, _ = two_weeks(work, tmp_path)
    assert funded(counter) == first[:6]

    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)

    order = redone(counter, "2025-W03")
    assert funded(counter) == order[:6]
    assert counter.call.residual == 0
    assert counter.residual_told()
    promoted = counter.entries(event="promote")
    assert {entry["protocol"] for entry in promoted} == set(order[:6]) - set(first[:6])
    for entry in promoted:
        (source,) = entry["findings"]["funded_by"]
        assert (source["event"], source["cents"]) == ("yield_reservation", 5_000_000)
    assert work.verified()


def test_reviews_follow_the_draw_and_none_begins_before_it(
    work: Office, tmp_path: Path
):
    counter, first, _ = two_weeks(work, tmp_path)
    with pytest.raises(RefusedError) as undrawn:
        counter.start(first[0])
    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)
    order = redone(counter, "2025-W03")

    with pytest.raises(RefusedError) as too_soon:
        counter.start(order[1])
    counter.start(*order[:2])

    assert undrawn.value.code == "order.not_drawn"
    assert too_soon.value.code == "order.turn"
    started = counter.entries(event=Event.START_REVIEW.value, outcome="ok")
    assert [entry["protocol"] for entry in started] == order[:2]


def test_a_week_is_drawn_once_and_not_before_it_is_over(work: Office, tmp_path: Path):
    counter, _, _ = two_weeks(work, tmp_path)

    with pytest.raises(RefusedError) as early:
        call_acts.draw(work.desk, counter.code, week="2025-W04", seed=SEED, act=ACT)
    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)
    with pytest.raises(RefusedError) as again:
        call_acts.draw(work.desk, counter.code, week="2025-W03", seed="1", act=ACT)

    assert early.value.code == "draw.week_not_over"
    assert again.value.code == "draw.held"
    assert len(redone(counter, "2025-W03")) == 9


def test_no_statement_of_a_draw_grows_with_those_who_came(work: Office, tmp_path: Path):
    counter, _, _ = two_weeks(work, tmp_path)
    ranked: list[int] = []

    @sqlalchemy.event.listens_for(work.desk.engine, "before_cursor_execute")
    def note(*about: Any) -> None:
        _, _, statement, values, _, of_many = about
        about_files = "UPDATE applications SET rank" in statement
        if about_files or "applications.id IN" in statement:
            ranked.append(max(map(len, values)) if of_many else len(values))

    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)

    assert ranked == [2]  # one statement for all: a rank and whose it is
    assert [item.rank for item in counter.queue.items[:9]] == list(range(1, 10))


def test_the_rank_of_who_is_handed_over_after_the_draw_stands_in_its_entry(
    work: Office, tmp_path: Path
):
    counter, _, _ = two_weeks(work, tmp_path)
    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)

    counter.take(counter.request(20, ASKED, received_at=stated(WEDNESDAY)))

    (late,) = counter.entries(event="submit", outcome="ok")[-1:]
    assert late["findings"]["rank"] == 10
    assert counter.queue.items[9].protocol == late["protocol"]
    assert work.verified()


def test_who_is_handed_over_late_comes_last_of_its_own_week_when_the_clocks_change(
    work: Office, tmp_path: Path
):
    counter = ordered(work, tmp_path, "same_week_draw", "300000.00")
    sunday, monday = rome(2026, 3, 29, 23, 50), rome(2026, 3, 30)
    arrive(counter, 1, 3, sunday)
    arrive(counter, 4, 5, monday)
    work.clock.move_to(rome(2026, 4, 7, 9))
    for week in ("2026-W13", "2026-W14"):
        call_acts.draw(
            work.desk, counter.code, week=week, seed=SEED, act="verbale 3/2026-04-07"
        )

    for number, instant in enumerate((sunday, monday, sunday, monday), start=20):
        counter.take(counter.request(number, ASKED, received_at=stated(instant)))

    late = counter.entries(event="submit", outcome="ok")[-4:]
    assert [entry["findings"]["rank"] for entry in late] == [4, 6, 5, 7]
    assert work.verified()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE applications SET rank = 10 - rank", "has rank"),
        ("UPDATE applications SET rank = NULL", "has rank nothing, the register says"),
        ("UPDATE draws SET seed = 'other'", "has seed other, the register says Lotto"),
        ("UPDATE draws SET drawn_at = 0", "the draw of 2025-W03 has drawn_at 1970"),
        ("DELETE FROM draws", "the draw of 2025-W03 is in the entries only"),
        ("UPDATE calls SET waiting = 0", "applications without money ask for 35000000"),
    ],
)
def test_a_draw_that_was_changed_afterwards_is_found(
    work: Office, tmp_path: Path, change: str, found: str
):
    counter, _, _ = two_weeks(work, tmp_path)
    call_acts.draw(work.desk, counter.code, week="2025-W03", seed=SEED, act=ACT)
    assert work.verified()

    by_hand(work, change)

    (verified,) = log.verify(work.desk, counter.code)
    assert found in "; ".join(fault.fault for fault in verified.faults)
