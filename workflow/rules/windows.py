"""What is due on a call, and what may be changed about its window?

What is due takes effect as of its due instant, whenever somebody notices: the
same functions tell what is read before it is written, and what is then written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from config.schema import CallDefinition
from models.vocabulary import CallEvent, CallState, SuspensionCause
from workflow.facts import ALLOWED, Opening, Verdict

_BEGINS = (CallEvent.OPEN_CALL, CallEvent.REOPEN_CALL)
ENDS = (CallEvent.SUSPEND_CALL, CallEvent.CLOSE_CALL, CallEvent.ANNUL_CALL)
"""What makes a counter take nothing more."""

WINDOW_CHANGES = frozenset({CallState.PUBLISHED, CallState.OPEN, CallState.SUSPENDED})
"""States in which there is still a window to change."""

OVER = frozenset({CallState.CONCLUDED, CallState.ANNULLED})
"""States in which nothing of a call changes any more."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A version of the call that waits to take effect."""

    number: int
    effective_at: datetime
    rules: CallDefinition


@dataclass(frozen=True, slots=True)
class Agenda:
    """Where a call stands, and everything that will change it by itself."""

    state: CallState
    rules: CallDefinition
    """Those in force."""
    openings: tuple[Opening, ...] = ()
    suspended_for: SuspensionCause | None = None
    reopens_at: datetime | None = None
    closed_at: datetime | None = None
    announced: Announced | None = None

    @property
    def closes_at(self) -> datetime:
        """When it is planned to close, by the latest version that is known."""
        latest = self.announced.rules if self.announced else self.rules
        return latest.window.closes_at


@dataclass(frozen=True, slots=True)
class Due:
    """Something that happens by itself, and as of when."""

    event: CallEvent
    at: datetime


def next_due(agenda: Agenda, now: datetime) -> Due | None:
    """Return the first thing that is due at an instant and was not done yet.

    Of two of one instant the closing comes last: it is still in time.
    """
    due = [one for one in _planned(agenda) if _has_come(one, now)]
    last = CallEvent.CLOSE_CALL
    return min(due, key=lambda one: (one.at, one.event == last), default=None)


def _planned(agenda: Agenda) -> Iterable[Due]:
    if agenda.announced is not None and agenda.state not in OVER:
        yield Due(CallEvent.APPLY_VERSION, agenda.announced.effective_at)
    if agenda.state == CallState.PUBLISHED:
        yield Due(CallEvent.OPEN_CALL, agenda.rules.window.opens_at)
    if agenda.state == CallState.SUSPENDED and agenda.reopens_at is not None:
        yield Due(CallEvent.REOPEN_CALL, agenda.reopens_at)
    if agenda.state in WINDOW_CHANGES:
        yield Due(CallEvent.CLOSE_CALL, agenda.rules.window.closes_at)


def _has_come(due: Due, now: datetime) -> bool:
    """Tell whether it is time: the instant of closing itself is still open."""
    if due.event == CallEvent.CLOSE_CALL:
        return due.at < now
    return due.at <= now


def as_of(agenda: Agenda, now: datetime) -> Agenda:
    """Return where a call stands at an instant, whoever has noticed so far."""
    while (due := next_due(agenda, now)) is not None:
        agenda = _after(agenda, due)
    return agenda


_LEADS_TO = {
    CallEvent.OPEN_CALL: CallState.OPEN,
    CallEvent.REOPEN_CALL: CallState.OPEN,
    CallEvent.CLOSE_CALL: CallState.CLOSED,
}
"""What is due, read from the table of moves: a test holds the two together."""


def _after(agenda: Agenda, due: Due) -> Agenda:
    if due.event == CallEvent.APPLY_VERSION and agenda.announced is not None:
        return replace(agenda, rules=agenda.announced.rules, announced=None)
    return replace(
        agenda,
        state=_LEADS_TO[due.event],
        openings=openings_after(agenda.openings, due.event, due.at),
        suspended_for=None,
        reopens_at=None,
        closed_at=due.at if due.event == CallEvent.CLOSE_CALL else None,
    )


def openings_after(
    openings: tuple[Opening, ...], event: CallEvent, at: datetime
) -> tuple[Opening, ...]:
    """Return when the counter took applications in, after an event.

    A stretch cannot end before it began, even if what exhausted the money was
    received, by the clock of the portal, in an earlier one.
    """
    if event in _BEGINS:
        return (*openings, Opening(at, None))
    if event in ENDS and openings and openings[-1].ended_at is None:
        last = openings[-1]
        ended = Opening(last.opened_at, max(at, last.opened_at))
        return (*openings[:-1], ended)
    return openings


def may_change_window(
    agenda: Agenda, new: CallDefinition, *, effective_at: datetime
) -> Verdict:
    """Tell whether a new version may move the opening or the closing.

    Nothing changes what has already happened, nor what will have happened when
    the version takes effect.
    """
    before, after = agenda.rules.window, new.window
    if before.opens_at != after.opens_at and not (
        agenda.state == CallState.PUBLISHED and effective_at < before.opens_at
    ):
        return Verdict(
            "call.already_open",
            "window.opens_at cannot change once the call has opened; leave it as it is",
        )
    if before.opens_at != after.opens_at and after.opens_at < effective_at:
        return Verdict(
            "call.opening_in_the_past",
            "window.opens_at has already passed when the version takes effect; "
            "name a later instant",
        )
    if before.closes_at == after.closes_at:
        return ALLOWED
    return _may_move_closing(agenda, after.closes_at, effective_at)


def _may_move_closing(
    agenda: Agenda, closes_at: datetime, effective_at: datetime
) -> Verdict:
    if agenda.state not in WINDOW_CHANGES:
        return Verdict(
            "call.closed",
            "window.closes_at cannot change once the call is closed; what comes "
            "afterwards needs another call",
        )
    if effective_at > agenda.rules.window.closes_at:
        return Verdict(
            "call.closed_by_then",
            "the call will have closed when the version takes effect; let it take "
            "effect before",
        )
    if closes_at < effective_at:
        return Verdict(
            "call.closing_in_the_past",
            "window.closes_at has already passed; an act takes effect from now on",
        )
    if agenda.reopens_at is not None and closes_at <= agenda.reopens_at:
        return Verdict(
            "call.closing_before_reopening",
            "the call would close before the reopening that was announced; announce "
            "an earlier one first, or close it later",
        )
    return ALLOWED
