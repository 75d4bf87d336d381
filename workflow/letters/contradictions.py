"""Which letters say nothing true any more once a move is made?

A letter that has not begun to leave by then never does: nobody gets two letters of
which one takes the other back. One that has left is answered by another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    CallEvent,
    Event,
    Letter,
    NoticeStatus,
    StepKind,
    StepStatus,
)
from workflow.facts import Facts
from workflow.machine import Consequences, Move

NOT_LEFT = frozenset({NoticeStatus.HELD, NoticeStatus.QUEUED})
"""What may still be kept from leaving, if no attempt has begun."""

_REACHED_NOBODY = frozenset({NoticeStatus.HELD, NoticeStatus.DROPPED})


@dataclass(frozen=True, slots=True)
class Groundless:
    """Letters without an object (*prive di oggetto*), and why they are."""

    letters: tuple[Letter, ...]
    why: str


BY_EVENT: Mapping[Event, Groundless] = {
    Event.ANSWER_COMPLETION: Groundless(
        (Letter.COMPLETION_REQUEST,), "what it asks for came in before it left"
    ),
    Event.UPHOLD_OBSERVATIONS: Groundless(
        (Letter.REFUSAL_NOTICE,), "the observations were upheld before it left"
    ),
    Event.YIELD_RESERVATION: Groundless(
        (Letter.PROMOTED,), "the money was given back before it left"
    ),
    Event.PROMOTE: Groundless((Letter.WAITING_LIST,), "the money came before it left"),
    Event.FUND: Groundless(
        (Letter.ADMITTED_UNFUNDED,), "the money came before it left"
    ),
    Event.CONVENE_NEGOTIATION: Groundless(
        (Letter.CONVOCATION,), "another meeting was convened before it left"
    ),
    Event.SIGN_MINUTES: Groundless(
        (Letter.CONVOCATION,), "the minutes of the meeting were signed before it left"
    ),
    Event.FILE_PLAN: Groundless(
        (Letter.PLAN_DUE, Letter.PLAN_RETURNED), "the plan came in before it left"
    ),
    Event.START: Groundless((Letter.START_DUE,), "the plan started before it left"),
}
"""What an event makes of letters of the same file."""

PROPOSAL_IS_OVER = Groundless(
    (Letter.LAPSE_PROPOSED,), "the proposal of lapse was over before it left"
)

AT_THE_END = Groundless(
    (
        Letter.COMPLETION_REQUEST,
        Letter.REFUSAL_NOTICE,
        Letter.WAITING_LIST,
        Letter.ADMITTED_UNFUNDED,
        Letter.CONVOCATION,
        Letter.PLAN_DUE,
        Letter.PLAN_RETURNED,
        Letter.START_DUE,
        Letter.TERM_EXTENDED,
        Letter.LAPSE_PROPOSED,
        Letter.REMINDER,
        Letter.COUNTER_SUSPENDED,
        Letter.COUNTER_REOPENED,
    ),
    "the file was over before it left",
)
"""What asks for something, or tells how to go on."""

TAKEN_AWAY = Groundless(
    (
        Letter.OBSERVATIONS_UPHELD,
        Letter.PROMOTED,
        Letter.GRANT,
        Letter.AMOUNT_DETERMINED,
        Letter.VARIATION_APPROVED,
        Letter.EXTENSION_GRANTED,
        Letter.LAPSE_DISMISSED,
        Letter.SETTLED,
    ),
    "what it gives was taken away or given up before it left",
)
"""What gives something, that a file which ends without it has no more."""

BY_CALL: Mapping[CallEvent, Groundless] = {
    CallEvent.SUSPEND_CALL: Groundless(
        (Letter.COUNTER_REOPENED,), "the counter was suspended again before it left"
    ),
    CallEvent.REOPEN_CALL: Groundless(
        (Letter.COUNTER_SUSPENDED,), "the counter opened again before it left"
    ),
    CallEvent.CLOSE_CALL: Groundless(
        (Letter.COUNTER_SUSPENDED, Letter.COUNTER_REOPENED),
        "the counter closed before it left",
    ),
    CallEvent.ANNUL_CALL: Groundless(
        (Letter.COUNTER_SUSPENDED, Letter.COUNTER_REOPENED),
        "the call was annulled before it left",
    ),
}
"""What an event of the call makes of the letters to all."""

_ANSWERED: Mapping[Letter, Letter] = {Letter.LAPSE_DISMISSED: Letter.LAPSE_PROPOSED}
"""Letters that take back what another has said."""


def groundless(move: Move, brought: Consequences) -> dict[Letter, str]:
    """Return which letters of the file lose their object by a move, each with why."""
    found = reversed(_found(move, brought))
    return {letter: one.why for one in found for letter in one.letters}


def _found(move: Move, brought: Consequences) -> list[Groundless]:
    """Return what applies; what comes first tells more."""
    found = [BY_EVENT[move.event]] if move.event in BY_EVENT else []
    if Letter.LAPSE_DISMISSED in brought.letters or any(
        change.kind is StepKind.LAPSE_PROPOSAL and change.status is StepStatus.CLOSED
        for change in brought.steps
    ):
        found.append(PROPOSAL_IS_OVER)
    if move.target in FINAL_STATES:
        found.append(TAKEN_AWAY)
    if move.target in FINAL_STATES or move.target is ApplicationState.COMPLETED:
        found.append(AT_THE_END)
    return found


def reached_nobody(letter: Letter, facts: Facts) -> bool:
    """Tell whether the latest letter of a kind is one that was kept from leaving."""
    notice = facts.notice(letter)
    return notice is not None and notice.status in _REACHED_NOBODY


def worth_writing(letters: Iterable[Letter], facts: Facts) -> tuple[Letter, ...]:
    """Leave out what takes back a letter that reached nobody."""
    return tuple(
        letter
        for letter in letters
        if letter not in _ANSWERED or not reached_nobody(_ANSWERED[letter], facts)
    )
