"""How are the terms of a file changed by a move?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.batch import unwatched
from models.tables import Term
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    Event,
    Letter,
    TermEffect,
    TermKind,
    TermStatus,
)
from workflow import register
from workflow.facts import Facts
from workflow.machine import Consequences, Move, TermChange
from workflow.moves.calendars import calendar_of
from workflow.moves.expiries import due_instant, reminders_of
from workflow.rules import terms as calculus
from workflow.rules.calendar import civil_day
from workflow.rules.reminders import too_late_for
from workflow.services import suspensions
from workflow.services.case_files import CaseFile
from workflow.services.open_calls import OpenCall

_GOING = (TermStatus.RUNNING, TermStatus.SUSPENDED)
_DECIDE_NOTHING = {
    Event.RECORD_DELIVERY,
    Event.RELEASE_NOTICE,
    Event.DECLARE_CONFLICT,
    Event.END_CONFLICT,
    Event.PROPOSE_REVOCATION,
}
"""Events that decide nothing about the file."""


@dataclass(frozen=True)
class TermWriter:
    """Writes what a move changes in the terms, in the transaction of the move."""

    work: OpenCall
    case: CaseFile
    facts: Facts
    at: datetime
    """When it is written; the facts speak of when it was due, or came in."""

    @property
    def _noticed(self) -> datetime:
        """When the office learns of it: what came in before is noticed now."""
        return self.facts.now if self.facts.arrival is None else self.at

    def run_again(self) -> None:
        """Let the terms run that were held to be missed before it was typed."""
        stood = {(term.kind, term.ordinal): term.status for term in self.facts.terms}
        for term in self.case.terms:
            if term.status is stood.get((term.kind, term.ordinal)):
                continue
            term.status = TermStatus.RUNNING
            term.settled_at = term.escalated_at = None

    def change(self, move: Move, brought: Consequences) -> list[dict[str, Any]]:
        """Change everything that a move changes in them, and tell it."""
        started = (*move.starts, *brought.starts)
        anew = [
            kind
            for kind, rule in self.case.rules.terms.items()
            if rule.starts_on in started or kind in brought.restarts
        ]
        changed = [self._end(kind, TermStatus.MET) for kind in move.meets]
        changed += [self._change_term(change) for change in brought.terms]
        changed += [
            self._settle(term)
            for term in self.case.terms
            if _is_missed(term) and self._deals_with(term, move, anew)
        ]
        since = brought.since or self.facts.today
        changed += [self._start(kind, since) for kind in anew]
        if self._is_closed():
            changed += [
                self._end(term.kind, TermStatus.CANCELLED) for term in self._going()
            ]
        return [told for told in changed if told]

    def _deals_with(self, term: Term, move: Move, anew: Sequence[TermKind]) -> bool:
        """Tell whether a move does, late, what has to be done about a missed term."""
        if self._is_closed() or term.kind in anew or term.kind in move.meets:
            return True
        stops = self.case.rules.terms[term.kind].effect is TermEffect.STOP_WAITING
        decides = not move.by_sweep and move.event not in _DECIDE_NOTHING
        return stops and decides and not self._is_by_worker()

    def _is_by_worker(self) -> bool:
        return self.facts.by is not None and self.facts.by.is_worker

    def _is_closed(self) -> bool:
        state = self.case.application.state
        return state in FINAL_STATES or state == ApplicationState.COMPLETED

    def _start(self, kind: TermKind, since: date) -> dict[str, Any]:
        term = unwatched(
            Term,
            id=self.work.desk.ambient.new_id(),
            call_id=self.work.call.id,
            application_id=self.case.application.id,
            kind=kind,
            ordinal=len(self._terms(kind)) + 1,
            started_seq=self.work.call.head_seq + 1,
            starts_on=since,
            due_at=self.facts.now,
            status=TermStatus.RUNNING,
            suspensions=[],
            holidays=[],
            calendar="",
        )
        told = self._recompute(term, "started")
        self.work.batch.keep(Term, term)
        self.case.terms.append(term)
        return told

    def _change_term(self, change: TermChange) -> dict[str, Any] | None:
        term = next(reversed(self._terms(change.kind)), None)
        if term is None:
            return None
        if change.escalated:
            return self._escalate(term)
        if change.reminded is not None:
            return self._remind(term, change.reminded)
        if change.settled:
            return self._settle(term) if _is_missed(term) else None
        if change.expired or change.cancelled:
            status = TermStatus.EXPIRED if change.expired else TermStatus.CANCELLED
            return self._end(change.kind, status)
        return self._move_end(term, change)

    def _move_end(self, term: Term, change: TermChange) -> dict[str, Any] | None:
        """Recompute a term that was stopped, let go on or extended."""
        if change.suspension is not None and _is_missed(term):
            if change.suspension.first > civil_day(term.due_at):
                return None  # it was over: its clock had nothing left to stop
            return self._suspend_late(term, change.suspension, change.letter)
        if term.status not in _GOING:
            return None
        if change.suspension is not None:
            return self._suspend(term, change.suspension, change.letter)
        term.extra_months += change.extra_months
        term.extra_days += change.extra_days
        return self._recompute(term, "extended")

    def _suspend(
        self, term: Term, suspension: calculus.Suspension, letter: Letter | None
    ) -> dict[str, Any]:
        """Write a suspension down, or the end of one; another may go on."""
        term.suspensions = suspensions.with_it(term.suspensions, suspension, letter)
        stands_still = any(span["until"] is None for span in term.suspensions)
        term.status = TermStatus.SUSPENDED if stands_still else TermStatus.RUNNING
        change = "suspended" if suspension.until is None else "resumed"
        return self._recompute(term, change)

    def _suspend_late(
        self, term: Term, suspension: calculus.Suspension, letter: Letter | None
    ) -> dict[str, Any]:
        """Take in what had stopped the clock of a term that was held to be missed.

        A receipt may come after the end. If the end moves on it runs again, and
        nobody was late; else it stays missed, with the end that it has by then.
        """
        told = self._suspend(term, suspension, letter)
        if term.status is TermStatus.RUNNING and self._is_over(term):
            told = {**told, **self._missed_again(term)}
        else:
            term.escalated_at = None
        return told

    def _missed_again(self, term: Term) -> dict[str, Any]:
        term.status = TermStatus.EXPIRED
        after = None if term.escalated_at else self._escalates_at(term)
        self._watch(term, after)
        return {"status": term.status.value}

    def _is_over(self, term: Term) -> bool:
        rule = self.case.rules.terms[term.kind]
        return self._noticed >= calculus.over_from(term.due_at, rule.until)

    def _end(self, kind: TermKind, status: TermStatus) -> dict[str, Any] | None:
        term = next(reversed(self._terms(kind)), None)
        if term is None or term.status not in _GOING:
            return None
        if status is TermStatus.MET and self._is_missed_unnoticed(term):
            term.status = TermStatus.EXPIRED
            return self._settle(term)
        term.status = status
        self._watch(term, self._escalates_at(term))
        return _term(term, status.value)

    def _is_missed_unnoticed(self, term: Term) -> bool:
        """Tell whether a term has ended that no worker could deal with.

        What is done as of its very end is what the end itself brings.
        """
        rule = self.case.rules.terms[term.kind]
        over = calculus.over_from(term.due_at, rule.until)
        return term.status is TermStatus.RUNNING and self.facts.now > over

    def _settle(self, term: Term) -> dict[str, Any]:
        term.settled_at = self._noticed
        self._watch(term, None)
        return _term(term, "settled")

    def _escalate(self, term: Term) -> dict[str, Any]:
        term.escalated_at = self.facts.now
        self._watch(term, None)
        return _term(term, "escalated")

    def _remind(self, term: Term, days: int) -> dict[str, Any]:
        term.reminded = days
        self._watch(term, self._next_look(term))
        return _term(term, "reminded")

    def _escalates_at(self, term: Term) -> datetime | None:
        """Return when the manager has to be told of a term that was missed."""
        after = self.case.rules.terms[term.kind].escalate_after
        if term.status is not TermStatus.EXPIRED or after is None:
            return None
        return calculus.escalates_from(term.due_at, after)

    def _watch(self, term: Term, at: datetime | None) -> None:
        """Have a worker look at a term then; what failed before is forgotten."""
        term.next_check, term.attempts, term.fault = at, 0, None

    def _recompute(self, term: Term, change: str) -> dict[str, Any]:
        rule = self.case.rules.terms[term.kind]
        computed = calculus.compute(
            suspensions.facts_of(term, rule),
            calendar_of(self.case.rules, term.starts_on, self.facts.today),
            today=civil_day(self._noticed),
        )
        term.due_at = computed.due_at
        term.suspended_days = computed.suspended_days
        term.calendar = computed.edition
        term.holidays = [day.isoformat() for day in computed.holidays]
        still = term.status is TermStatus.SUSPENDED
        self._watch(term, computed.resumes_at if still else self._next_look(term))
        return {
            **_term(term, change),
            "source": rule.source.value,
            "provisional": computed.provisional,
            "calendar": computed.edition,
            "holidays": term.holidays,
            "extra_months": term.extra_months,
            "extra_days": term.extra_days,
            "suspensions": term.suspensions,
            "steps": [
                {"rule": step.rule, "source": step.source, "text": step.text}
                for step in computed.steps
            ],
        }

    def _next_look(self, term: Term) -> datetime | None:
        """Return when a worker has to look at a term that runs.

        Reminders whose instant has passed by then are left out for good.
        """
        rules, days = self.case.rules, reminders_of(term.kind, self.case.rules)
        term.reminded = too_late_for(term.due_at, days, term.reminded, self._noticed)
        return due_instant(suspensions.record(term), rules.terms[term.kind], days)

    def _terms(self, kind: TermKind) -> list[Term]:
        return [term for term in self.case.terms if term.kind == kind]

    def _going(self) -> list[Term]:
        return [term for term in self.case.terms if term.status in _GOING]


def _is_missed(term: Term) -> bool:
    """Tell whether a term has ended and nobody has done yet what it was for."""
    return term.status is TermStatus.EXPIRED and term.settled_at is None


def _term(term: Term, change: str) -> dict[str, Any]:
    return {
        "kind": term.kind.value,
        "ordinal": term.ordinal,
        "change": change,
        "status": term.status.value,
        "starts_on": term.starts_on.isoformat(),
        "due_at": register.written(term.due_at),
        "suspended_days": term.suspended_days,
        "settled_at": _maybe(term.settled_at),
        "escalated_at": _maybe(term.escalated_at),
    }


def _maybe(instant: datetime | None) -> str | None:
    return None if instant is None else register.written(instant)
