from datetime import timedelta

import pytest

from models.vocabulary import CallState
from tests.builders import CLOSING, OPENING, ctl
from workflow.rules.windows import call_state

MICROSECOND = timedelta(microseconds=1)


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
    assert call_state(ctl().window, now) == state
