"""What has to be done about a term whose instant has come?

A worker does it, as of that instant; never an act with effect on the applicant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from config.schema import CallDefinition, TermRule
from models.vocabulary import Event, Role, TermEffect, TermKind, TermStatus
from workflow.facts import Facts, TermRecord
from workflow.machine import Inputs, Table
from workflow.moves.inputs import LapseInputs, ReminderInputs, TermInputs
from workflow.rules.calendar import ONE_DAY, start_of_day
from workflow.rules.reminders import next_reminder
from workflow.rules.terms import escalates_from, over_from

WAKES: Mapping[TermEffect, Role] = {
    TermEffect.WARN: Role.RESPONSIBLE,
    TermEffect.STOP_WAITING: Role.RESPONSIBLE,
    TermEffect.PROPOSE_LAPSE: Role.MANAGER,
    TermEffect.RELEASE_COR: Role.OFFICER,
    TermEffect.END_PLAN: Role.RESPONSIBLE,
    TermEffect.EXPIRE_PROPOSAL: Role.MANAGER,
}
"""Who has to act once a term has ended."""

_STOPS_WAITING: Mapping[TermKind, Event] = {
    TermKind.COMPLETION: Event.EXPIRE_COMPLETION,
    TermKind.OBSERVATIONS: Event.EXPIRE_OBSERVATIONS,
}


@dataclass(frozen=True, slots=True)
class Expiry:
    """A move that a worker makes because an instant has come."""

    event: Event
    inputs: Inputs
    wakes: Role | None
    notes: Mapping[str, object]
    """What its entry says beside the move's own findings."""


OF_DRAFT = Expiry(Event.EXPIRE, Inputs(), None, {})
"""A draft that was never submitted ends with the window."""


def reminders_of(kind: TermKind, call: CallDefinition) -> tuple[int, ...]:
    """Return how many days before the end of a term the applicant is reminded."""
    letters = call.letters
    return letters.reminders if kind in letters.reminded else ()


def due_instant(
    term: TermRecord, rule: TermRule, reminders: tuple[int, ...] = ()
) -> datetime | None:
    """Return as of when something has to be done about a term, if it is to be.

    However often it failed, and whenever it is tried again.
    """
    if term.status is TermStatus.RUNNING:
        coming = next_reminder(term.due_at, reminders, term.reminded)
        return coming.at if coming else over_from(term.due_at, rule.until)
    if term.status is TermStatus.SUSPENDED and term.resumes_after is not None:
        return start_of_day(term.resumes_after + ONE_DAY)
    if term.status is TermStatus.EXPIRED and rule.escalate_after is not None:
        return escalates_from(term.due_at, rule.escalate_after)
    return None


def of_term(term: TermRecord, facts: Facts, table: Table) -> Expiry:
    """Return what a term brings about, at the instant of which the facts speak.

    What the call declares for its end may not be possible any more: a lapse is
    being decided on, or the step that was waited for is closed. Then the end is
    noted all the same and whoever has to act is woken.
    """
    about = TermInputs(term=term.kind)
    if term.status is TermStatus.SUSPENDED:
        return Expiry(Event.RESUME_TERM, about, None, {})
    if term.status is TermStatus.EXPIRED:
        return Expiry(Event.ESCALATE_TERM, about, Role.MANAGER, {})
    days = reminders_of(term.kind, facts.call)
    if coming := next_reminder(term.due_at, days, term.reminded):
        reminder = ReminderInputs(term=term.kind, days=coming.days)
        return Expiry(Event.REMIND_TERM, reminder, None, {})
    effect = facts.call.terms[term.kind].effect
    wakes = WAKES[effect]
    event, inputs = _declared(effect, term.kind)
    because = _in_the_way(event, inputs, facts, table)
    if because is None:
        # The report is due from the applicant now, and the office waits for it.
        ended = event is Event.DECLARE_END
        return Expiry(event, inputs, None if ended else wakes, {})
    notes = {"instead_of": event.value, "because": because}
    return Expiry(Event.EXPIRE_TERM, about, wakes, notes)


def _declared(effect: TermEffect, kind: TermKind) -> tuple[Event, Inputs]:
    if effect is TermEffect.STOP_WAITING and kind in _STOPS_WAITING:
        return _STOPS_WAITING[kind], Inputs()
    if effect is TermEffect.PROPOSE_LAPSE:
        return Event.PROPOSE_LAPSE, LapseInputs(term=kind)
    if effect is TermEffect.END_PLAN:
        return Event.DECLARE_END, Inputs()
    if effect is TermEffect.RELEASE_COR:
        return Event.RELEASE_COR, Inputs()
    if effect is TermEffect.EXPIRE_PROPOSAL:
        return Event.EXPIRE_PROPOSAL, Inputs()
    return Event.EXPIRE_TERM, TermInputs(term=kind)


def _in_the_way(event: Event, inputs: Inputs, facts: Facts, table: Table) -> str | None:
    """Return the code of what keeps a move from being made, if anything does."""
    state = facts.application.state
    if not any(state in move.sources for move in table.of_event(event)):
        return "machine.wrong_state"
    return table.find(event, state, facts).verdict(facts, inputs).code or None
