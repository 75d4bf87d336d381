"""Does what is due on a call happen at its instant, and nothing else?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import CallDefinition
from models.vocabulary import CallEvent, CallState, SuspensionCause
from tests.builders import CLOSING, OPENING, ctl
from workflow.facts import Opening
from workflow.rules.windows import (
    Agenda,
    Announced,
    Due,
    as_of,
    may_change_window,
    next_due,
    openings_after,
)

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
PUBLISHED = Agenda(CallState.PUBLISHED, ctl())
OPEN = Agenda(CallState.OPEN, ctl(), (Opening(OPENING, None),))
SUSPENDED = Agenda(
    CallState.SUSPENDED,
    ctl(),
    (Opening(OPENING, OPENING + HOUR),),
    suspended_for=SuspensionCause.EXHAUSTION,
)


def moved(**window: object) -> CallDefinition:
    """Return the call with another window."""
    return ctl().model_copy(update={"window": ctl().window.model_copy(update=window)})


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (OPENING - MICROSECOND, CallState.PUBLISHED),
        (OPENING, CallState.OPEN),
        (CLOSING, CallState.OPEN),
        (CLOSING + MICROSECOND, CallState.CLOSED),
    ],
)
def test_a_call_is_open_from_its_opening_to_its_closing_instant_included(now, state):
    assert as_of(PUBLISHED, now).state == state


def test_a_call_that_nobody_looked_at_was_open_all_the_same():
    late = as_of(PUBLISHED, CLOSING + timedelta(days=3))

    assert late.openings == (Opening(OPENING, CLOSING),)
    assert late.closed_at == CLOSING


def test_a_suspended_call_stays_so_until_a_reopening_is_announced():
    assert as_of(SUSPENDED, CLOSING).state == CallState.SUSPENDED

    announced = replace(SUSPENDED, reopens_at=OPENING + 2 * HOUR)
    reopened = as_of(announced, OPENING + 2 * HOUR)

    assert reopened.state == CallState.OPEN
    assert reopened.openings[-1] == Opening(OPENING + 2 * HOUR, None)
    assert (reopened.suspended_for, reopened.reopens_at) == (None, None)


def test_a_version_of_the_instant_of_closing_comes_before_the_closing():
    extended = Announced(2, CLOSING, moved(closes_at=CLOSING + HOUR))
    agenda = replace(OPEN, announced=extended)

    assert next_due(agenda, CLOSING + MICROSECOND) == Due(
        CallEvent.APPLY_VERSION, CLOSING
    )
    assert as_of(agenda, CLOSING + HOUR).state == CallState.OPEN


def test_nothing_of_a_call_that_is_annulled_or_concluded_is_ever_due():
    waiting = Announced(2, OPENING, ctl())

    for state in (CallState.ANNULLED, CallState.CONCLUDED):
        agenda = Agenda(state, ctl(), announced=waiting)

        assert next_due(agenda, CLOSING + HOUR) is None


def test_a_stretch_does_not_end_before_it_began():
    openings = (Opening(OPENING, OPENING), Opening(OPENING + HOUR, None))

    ended = openings_after(openings, CallEvent.SUSPEND_CALL, OPENING)

    assert ended[-1] == Opening(OPENING + HOUR, OPENING + HOUR)
    assert openings_after(ended, CallEvent.CLOSE_CALL, CLOSING) == ended


@pytest.mark.parametrize(
    ("agenda", "window", "effective", "code"),
    [
        (PUBLISHED, {"opens_at": OPENING + HOUR}, OPENING - HOUR, ""),
        (PUBLISHED, {"opens_at": OPENING + HOUR}, OPENING, "call.already_open"),
        (OPEN, {"opens_at": OPENING + HOUR}, OPENING, "call.already_open"),
        (
            PUBLISHED,
            {"opens_at": OPENING - HOUR},
            OPENING - HOUR / 2,
            "call.opening_in_the_past",
        ),
        (OPEN, {"closes_at": CLOSING + HOUR}, CLOSING, ""),
        (
            OPEN,
            {"closes_at": CLOSING + HOUR},
            CLOSING + MICROSECOND,
            "call.closed_by_then",
        ),
        (OPEN, {"closes_at": OPENING + HOUR}, OPENING + HOUR, ""),
        (
            OPEN,
            {"closes_at": OPENING + HOUR},
            OPENING + 2 * HOUR,
            "call.closing_in_the_past",
        ),
        (
            replace(OPEN, state=CallState.CLOSED),
            {"closes_at": CLOSING + HOUR},
            OPENING,
            "call.closed",
        ),
        (
            replace(SUSPENDED, reopens_at=OPENING + 3 * HOUR),
            {"closes_at": OPENING + 3 * HOUR},
            OPENING,
            "call.closing_before_reopening",
        ),
        (OPEN, {}, CLOSING + HOUR, ""),
    ],
)
def test_a_version_changes_no_window_that_has_happened(agenda, window, effective, code):
    verdict = may_change_window(agenda, moved(**window), effective_at=effective)

    assert verdict.code == code


@given(
    st.lists(
        st.tuples(
            st.integers(1, 500),
            st.sampled_from(
                [
                    CallEvent.OPEN_CALL,
                    CallEvent.REOPEN_CALL,
                    CallEvent.SUSPEND_CALL,
                    CallEvent.CLOSE_CALL,
                ]
            ),
        )
    )
)
def test_stretches_follow_one_another_whatever_happens(steps):
    openings: tuple[Opening, ...] = ()
    now = OPENING
    for minutes, event in steps:
        now += timedelta(minutes=minutes)
        is_open = bool(openings) and openings[-1].ended_at is None
        if is_open and event in {CallEvent.OPEN_CALL, CallEvent.REOPEN_CALL}:
            continue  # the table has no such move
        openings = openings_after(openings, event, now)

    ends = [opening.ended_at for opening in openings[:-1]]
    begins = [opening.opened_at for opening in openings[1:]]
    assert all(
        end is not None and end < begin for end, begin in zip(ends, begins, strict=True)
    )


@given(days=st.integers(0, 80), steps=st.lists(st.integers(0, 20), max_size=6))
def test_looking_often_or_once_gives_the_same(days, steps):
    extended = Announced(2, OPENING + HOUR, moved(closes_at=CLOSING + 5 * HOUR))
    agenda = replace(PUBLISHED, announced=extended)
    looked, now = agenda, OPENING - timedelta(days=5)
    for step in steps:
        now = min(now + timedelta(days=step), OPENING + timedelta(days=days))
        looked = as_of(looked, now)

    last = OPENING + timedelta(days=days)

    assert as_of(looked, last) == as_of(agenda, last)
