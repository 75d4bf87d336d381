"""Is a waiting list closed by one act, all of it or nothing?"""

from datetime import timedelta

import pytest

from models.vocabulary import ApplicationState, Event
from tests.builders import CLOSING, CTL, Office
from tests.contents import dump, entries, refusals, written
from tests.integration.test_intake import ask, scored
from workflow.errors import ConflictError, RefusedError
from workflow.services import closings, views

ACT = "decreto 900/2026-03-05"
LATE = CLOSING + timedelta(microseconds=1)


def waiting(work: Office) -> list[str]:
    """Give a call with seven grants and two who wait for money, one small."""
    filed = ask(work, *[130_000] * 7, 100_000, 30_000, investment="200000.00")
    scored(work, *filed)
    for application in filed[:7]:
        work.routine(application, Event.GRANT)
    for application in filed[7:]:
        work.move(application, Event.PUT_ON_WAITING_LIST)
    return filed[7:]


def states(work: Office, *names: str) -> set[ApplicationState]:
    return {views.shown(work.desk, name).summary.state for name in names}


def test_everybody_who_waits_is_closed_in_order_by_one_act(work: Office):
    names = waiting(work)
    work.clock.move_to(LATE)

    dry = closings.close_waiting_list(work.desk, CTL, act=ACT, dry_run=True)
    told = closings.close_waiting_list(work.desk, CTL, act=ACT, reason="no money")

    assert told["unfunded"] == names
    assert dry["notices"] == told["notices"]
    letters = [
        (one["application"], one["letter"])
        for one in told["notices"]
        if one["letter"] == "unfunded"
    ]
    assert letters == [(name, "unfunded") for name in names[::-1]]
    assert states(work, *names) == {ApplicationState.UNFUNDED}
    closed = entries(work, event="declare_unfunded", outcome="ok")
    assert [entry["protocol"] for entry in closed] == names[::-1]
    assert {entry["act"]["number"] for entry in closed} == {"900"}
    assert work.verified()


def test_what_is_too_little_for_the_first_is_not_given_to_the_next(work: Office):
    names = waiting(work)
    work.clock.move_to(LATE)

    closings.close_waiting_list(work.desk, CTL, act=ACT)

    assert views.queue(work.desk, CTL).residual == 9_000_000
    assert entries(work, event="promote") == []
    assert states(work, names[1]) == {ApplicationState.UNFUNDED}


def test_while_the_counter_is_open_nobody_is_closed(work: Office):
    names = waiting(work)

    with pytest.raises(RefusedError) as error:
        closings.close_waiting_list(work.desk, CTL, act="decreto 900/2026-01-20")

    assert error.value.code == "window.open"
    assert states(work, *names) == {ApplicationState.WAITING}
    assert refusals(work) == ["window.open"]


def test_where_nobody_waits_it_is_refused_and_recorded(work: Office):
    work.clock.move_to(LATE)

    with pytest.raises(RefusedError) as error:
        closings.close_waiting_list(work.desk, CTL, act=ACT)

    assert error.value.code == "waiting_list.empty"
    assert refusals(work) == ["waiting_list.empty"]


def test_it_takes_a_manager(work: Office):
    waiting(work)
    work.clock.move_to(LATE)

    with pytest.raises(RefusedError) as error:
        closings.close_waiting_list(work.sit("rup").desk, CTL, act=ACT)

    assert error.value.code == "role.missing"


def test_a_dry_run_writes_nothing_and_says_the_same(work: Office):
    waiting(work)
    work.clock.move_to(LATE)
    before = dump(work.desk.engine)

    told = closings.close_waiting_list(work.desk, CTL, act=ACT, dry_run=True)

    assert written(before, dump(work.desk.engine)) == set()
    done = closings.close_waiting_list(work.desk, CTL, act=ACT, seen=told)
    assert done == {**told, "dry_run": False}


def test_a_list_that_changed_since_it_was_shown_is_not_closed(work: Office):
    first, second = waiting(work)
    work.clock.move_to(LATE)
    told = closings.close_waiting_list(work.desk, CTL, act=ACT, dry_run=True)
    work.routine(first, Event.WITHDRAW)

    with pytest.raises((ConflictError, RefusedError)):
        closings.close_waiting_list(work.desk, CTL, act=ACT, seen=told)

    assert states(work, second) == {ApplicationState.EVALUATED}
