"""For whom is money kept, given back and taken away at a counter?"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from models.vocabulary import ApplicationState, Cents, Event
from tests.builders import Office, rome
from tests.click_days import Counter, publish, stated
from tests.editions import edited
from workflow.errors import RefusedError
from workflow.services import call_acts, closings, explanations

SECOND = timedelta(seconds=1)
OPEN = rome(2025, 1, 15, 10, 30)
CLOSED = rome(2026, 12, 23, 12)
UNFUNDED = "decreto 9/2026-12-23"
DAY = timedelta(days=1)
PARTS = ('short_money = "waiting_list"', 'short_money = "partial"')
AFTER = ('waiting_list = "before_review"', 'waiting_list = "after_review"')
DRAWN = ('order = "exact_instant"', 'order = "same_week_draw"')
JUMPS = ("jump_ahead = false", "jump_ahead = true")
NO_LIMIT = (
    'overbooking_percent = "50.00" # requests are taken in up to 10.5 million\n',
    "",
)


def counter(
    work: Office, tmp_path: Path, allocation: str, *changes: tuple[str, str]
) -> Counter:
    """Publish a plain counter without a limit on what is taken in."""
    amount = ('amount = "7000000.00"', f'amount = "{allocation}"')
    file = edited(
        tmp_path, amount, NO_LIMIT, *changes, of="competenze-innovazione-2025"
    )
    return publish(work, file)


def filed(call: Counter, *requests: str) -> list[str]:
    """File a request each second, and return their protocols."""
    return [
        call.take_at(OPEN + number * SECOND, call.request(number, requested))[
            "protocol"
        ]
        for number, requested in enumerate(requests, start=1)
    ]


def test_who_jumped_ahead_is_granted_what_it_holds(work: Office, tmp_path: Path):
    call = counter(work, tmp_path, "120000.00", JUMPS)
    names = filed(call, "50000.00", "50000.00", "50000.00", "20000.00")
    work.clock.move_to(OPEN + DAY)
    call.examine(names[0], names[1], names[3])
    call.decree(dict.fromkeys(names[:2]))

    (item,) = [item for item in call.queue.items if item.protocol == names[3]]
    told = explanations.turn(work.desk, names[3])
    call.decree({names[3]: None})

    assert item.may_grant
    assert "0.00 is set aside for the 0 before it" in told.steps[-1].text
    assert call.file(names[3]).summary.state is ApplicationState.GRANTED


def test_in_an_annulled_call_nobody_is_next(work: Office, tmp_path: Path):
    call = counter(work, tmp_path, "120000.00")
    (name,) = filed(call, "50000.00")
    call_acts.annul(work.desk, call.code, act="decreto 9/2025-01-15", reason="void")

    (item,) = call.queue.items
    told = explanations.turn(work.desk, name)

    assert not item.may_review
    assert item.next_step == "none: the call was annulled"
    assert told.result.endswith("the call was annulled: nothing is taken up any more")
    assert "annulled" in told.steps[-1].text


def test_nobody_is_next_before_the_draw_of_the_week(work: Office, tmp_path: Path):
    call = counter(work, tmp_path, "120000.00", DRAWN, AFTER)
    (name,) = filed(call, "50000.00")

    (before,) = call.queue.items
    told = explanations.turn(work.desk, name)
    work.clock.move_to(OPEN + 7 * DAY)
    act = "verbale 3/2025-01-22"
    call_acts.draw(work.desk, call.code, week="2025-W03", seed="s", act=act)
    (after,) = call.queue.items

    assert (before.may_review, before.next_step) == (False, "waits for the draw")
    assert told.result == f"{name}: it waits for the public draw of its week"
    assert after.may_review
    assert explanations.turn(work.desk, name).result.endswith("may start now")


def test_who_gives_a_part_back_asks_for_all_again(work: Office, tmp_path: Path):
    call = counter(work, tmp_path, "70000.00", PARTS)
    work.clock.move_to(OPEN + 60 * SECOND)

    def file(number: int, requested: str, after: int, **more: bool) -> str:
        received = stated(OPEN + after * SECOND)
        line = call.request(number, requested, received_at=received, **more)
        (answer,) = call.take(line)
        return str(answer["protocol"])

    file(1, "40000.00", 1)
    content = file(2, "50000.00", 9, accepts_less=True)
    part = call.file(content).summary
    file(3, "50000.00", 5)
    waiting = call.file(content).summary
    act = "decreto 9/2025-01-15"
    call_acts.refinance(work.desk, call.code, allocation=Cents(100_000_000), act=act)
    served = call.file(content).summary

    assert (part.requested, part.reserved) == (3_000_000, 3_000_000)
    assert (waiting.requested, waiting.reserved) == (5_000_000, 0)
    assert (served.requested, served.reserved) == (5_000_000, 5_000_000)
    assert call.call.waiting_amount == 0
    assert work.verified()


def state(call: Counter, name: str) -> ApplicationState:
    return call.file(name).summary.state


def unfunded(call: Counter, name: str) -> str:
    """Declare one unfunded that may not be, and return why."""
    with pytest.raises(RefusedError) as error:
        call.work.move(name, Event.DECLARE_UNFUNDED, act=UNFUNDED)
    return error.value.code


def test_nobody_is_closed_unfunded_while_money_may_become_its_own(
    work: Office, tmp_path: Path
):
    call = counter(work, tmp_path, "50000.00")
    names = filed(call, "50000.00", "50000.00", "50000.00")
    work.clock.move_to(CLOSED)

    code = unfunded(call, names[1])
    work.routine(names[0], Event.WITHDRAW)

    assert code == "money.may_be_freed"
    assert [state(call, name) for name in names] == [
        "withdrawn",
        "submitted",
        "waiting",
    ]


def test_nobody_is_closed_unfunded_before_those_that_wait_after_it(
    work: Office, tmp_path: Path
):
    call = counter(work, tmp_path, "80000.00")
    names = filed(call, "50000.00", "50000.00", "20000.00")
    work.clock.move_to(OPEN + DAY)
    call.examine(names[0])
    call.decree({names[0]: None})
    work.clock.move_to(CLOSED)

    code = unfunded(call, names[1])
    closings.close_waiting_list(work.desk, call.code, act=UNFUNDED)

    assert code == "money.later_waiting"
    assert [state(call, name) for name in names] == ["granted", "unfunded", "unfunded"]
    assert call.call.residual == 3_000_000


@pytest.mark.parametrize("order", ["same_day_merit", "same_week_draw"])
def test_who_waits_is_closed_from_the_last_in_the_order_of_the_call(
    work: Office, tmp_path: Path, order: str
):
    ordered = (DRAWN[0], f'order = "{order}"')
    call = counter(work, tmp_path, "50000.00", ordered, AFTER)
    filed(call, *["50000.00"] * 4)
    work.clock.move_to(OPEN + 7 * DAY)
    if order == "same_week_draw":
        act = "verbale 3/2025-01-22"
        call_acts.draw(work.desk, call.code, week="2025-W03", seed="s", act=act)
    for points, item in zip((90, 80, 70, 60), call.queue.items, strict=True):
        call.examine(item.protocol, points=points)
    head, *names = [item.protocol for item in call.queue.items]
    call.decree({head: None})
    for name in names:
        work.move(name, Event.PUT_ON_WAITING_LIST)
    work.clock.move_to(CLOSED)
    *first, last = [item.protocol for item in call.queue.items]

    codes = {unfunded(call, name) for name in first}
    work.move(last, Event.DECLARE_UNFUNDED, act=UNFUNDED)
    closings.close_waiting_list(work.desk, call.code, act=UNFUNDED)

    assert codes == {"money.later_waiting"}
    assert {state(call, name) for name in names} == {ApplicationState.UNFUNDED}
    assert work.verified()


@pytest.mark.parametrize("changes", [(), (JUMPS,)], ids=["in order", "jumping ahead"])
def test_the_queue_is_read_once_however_many_are_promoted(
    work: Office, tmp_path: Path, changes: tuple[tuple[str, str], ...]
):
    call = counter(work, tmp_path, "50000.00", *changes)
    filed(call, *["50000.00"] * 7)

    def refinanced(euros: int) -> tuple[int, int]:
        """Return how many are promoted, and how often the queue is read."""
        act = "decreto 9/2025-01-15"
        before = len(call.entries(event="promote"))
        with places_read(work) as read:
            call_acts.refinance(
                work.desk, call.code, allocation=Cents(euros * 100), act=act
            )
        return len(call.entries(event="promote")) - before, len(read)

    one, of_one = refinanced(100_000)
    more, of_more = refinanced(350_000)

    assert (one, more) == (1, 5)
    assert of_more == of_one


@contextmanager
def places_read(work: Office) -> Iterator[list[str]]:
    """Collect the statements that read everybody who holds a place."""
    read: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        in_order = "ORDER BY applications.received_at" in statement
        if in_order and "LIMIT" not in statement:
            read.append(statement)

    event.listen(work.desk.engine, "before_cursor_execute", note)
    try:
        yield read
    finally:
        event.remove(work.desk.engine, "before_cursor_execute", note)
