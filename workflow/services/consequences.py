"""How are the consequences of a move written beside its state?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from models.batch import unwatched
from models.tables import (
    Fund,
    Movement,
    Notice,
    OutboxMessage,
    Step,
    Term,
)
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    Event,
    Letter,
    NoticeStatus,
    Role,
    StepStatus,
    TermEffect,
    TermKind,
    TermStatus,
)
from workflow import register
from workflow.facts import Facts
from workflow.machine import Consequences, Move, StepChange, TermChange
from workflow.moves.calendars import calendar_of
from workflow.moves.expiries import due_instant, reminders_of
from workflow.rules import terms as calculus
from workflow.rules.calendar import civil_day, end_of_day
from workflow.rules.reminders import too_late_for
from workflow.services import funds, letters, suspensions
from workflow.services.case_files import CaseFile
from workflow.services.open_calls import OpenCall

_GOING = (TermStatus.RUNNING, TermStatus.SUSPENDED)
_ABOUT_LETTERS = {Event.RECORD_DELIVERY, Event.RELEASE_NOTICE}
"""Events that decide nothing about the file."""


@dataclass
class Written:
    """What a move wrote, as its entry and its answer tell it; money in cents."""

    money: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    terms: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    recipients: list[dict[str, str]] = field(default_factory=list)
    findings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Writer:
    """Writes what a move brings about, in the transaction of the move."""

    work: OpenCall
    case: CaseFile
    facts: Facts
    without_money: int
    """What the file waited for before the move, in cents."""
    at: datetime
    """When it is written; the facts speak of when it was due."""

    @property
    def _entry_seq(self) -> int:
        return self.work.call.head_seq + 1

    def write(
        self, move: Move, brought: Consequences, texts: Iterable[letters.Written]
    ) -> Written:
        """Write everything; the application's state is already the new one."""
        application = self.case.application
        for column, value in brought.updates.items():
            setattr(application, column, value)
        ended = application.state in FINAL_STATES
        self._deliver(brought)
        self._release(brought)
        money = self._move_money(brought)
        return Written(
            money=money,
            steps=self._change_steps(brought.steps, ended=ended),
            terms=self._change_terms(move, brought),
            **self._write_notices(texts),
            findings={**brought.findings, **self._fund(move, brought)},
        )

    # Money

    def _move_money(self, brought: Consequences) -> dict[str, Any]:
        call, application = self.work.call, self.case.application
        before = self._balance()
        movements = []
        for ordinal, change in enumerate(brought.money, start=1):
            for row in (call, application):
                if change.reserved:
                    row.reserved += change.reserved
                if change.granted:
                    row.granted += change.granted
            self.work.batch.add(
                Movement,
                call_id=call.id,
                entry_seq=self._entry_seq,
                ordinal=ordinal,
                call_version=application.call_version,
                application_id=application.id,
                kind=change.kind,
                reserved=change.reserved,
                granted=change.granted,
                residual=self._balance()["residual"],
                at=self.at,
            )
            movements.append(
                {
                    "kind": change.kind.value,
                    "reserved": change.reserved,
                    "granted": change.granted,
                }
            )
        waits = self.work.without_money(application) - self.without_money
        if waits:
            call.waiting += waits
        return {"before": before, "movements": movements, "after": self._balance()}

    def _balance(self) -> dict[str, int]:
        call = self.work.call
        return {
            "allocation": call.allocation,
            "reserved": call.reserved,
            "granted": call.granted,
            "residual": call.allocation - call.reserved - call.granted,
        }

    def _fund(self, move: Move, brought: Consequences) -> dict[str, Any]:
        """Put back what was set free, or take what is needed from the funds.

        Only a promotion has to tell from where its money came: the others wait
        until everything is written.
        """
        taken = sum(change.reserved + change.granted for change in brought.money)
        if taken < 0:
            self.work.batch.add(
                Fund,
                call_id=self.work.call.id,
                entry_seq=self._entry_seq,
                event=move.event.value,
                application_id=self.case.application.id,
                amount=-taken,
                free=-taken,
            )
        elif move.event != Event.PROMOTE:
            self.work.unfunded += taken
        else:
            sources = funds.take(self.work.session, self.work.call, taken)
            return {"funded_by": [source.told() for source in sources]}
        return {}

    # Steps

    def _change_steps(
        self, changes: Iterable[StepChange], *, ended: bool
    ) -> list[dict[str, Any]]:
        changed = [self._change_step(change) for change in changes]
        if ended:
            changed += [
                self._close(step, "ended")
                for step in self._steps()
                if step.status != StepStatus.CLOSED
            ]
        return changed

    def _change_step(self, change: StepChange) -> dict[str, Any]:
        same = [step for step in self._steps() if step.kind == change.kind]
        if change.status == StepStatus.OPEN:
            step = unwatched(
                Step,
                id=self.work.desk.ambient.new_id(),
                application_id=self.case.application.id,
                kind=change.kind,
                ordinal=len(same) + 1,
                status=StepStatus.OPEN,
                opened_at=self.facts.now,
                subject=change.subject,
            )
            self.work.batch.keep(Step, step)
            self.case.steps.append(step)
            return _step(step)
        step = same[-1]
        if change.status == StepStatus.CLOSED:
            return self._close(step, change.outcome)
        step.status, step.outcome = change.status, None
        step.closed_at = self.facts.now
        return _step(step)

    def _close(self, step: Step, outcome: str | None) -> dict[str, Any]:
        step.status, step.outcome = StepStatus.CLOSED, outcome
        step.closed_at = step.closed_at or self.facts.now
        return _step(step)

    def _steps(self) -> list[Step]:
        return sorted(self.case.steps, key=lambda step: step.ordinal)

    # Terms

    def _change_terms(self, move: Move, brought: Consequences) -> list[dict[str, Any]]:
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
        decides = not move.by_sweep and move.event not in _ABOUT_LETTERS
        return stops and decides and self.facts.role is not Role.SYSTEM

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
            started_seq=self._entry_seq,
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
        return self.facts.now >= calculus.over_from(term.due_at, rule.until)

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
        term.settled_at = self.facts.now
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
            today=self.facts.today,
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
        term.reminded = too_late_for(term.due_at, days, term.reminded, self.facts.now)
        return due_instant(suspensions.record(term), rules.terms[term.kind], days)

    def _terms(self, kind: TermKind) -> list[Term]:
        return [term for term in self.case.terms if term.kind == kind]

    def _going(self) -> list[Term]:
        return [term for term in self.case.terms if term.status in _GOING]

    # Notices

    def _deliver(self, brought: Consequences) -> None:
        if brought.delivered is None:
            return
        letter, receipt = brought.delivered
        written = [notice for notice in self.case.notices if notice.letter == letter]
        if not written:
            return
        notice = written[-1]
        day = brought.since or self.facts.today
        notice.status = NoticeStatus.DELIVERED
        notice.delivered_at = min(self.facts.now, end_of_day(day))
        notice.receipt = receipt

    def _release(self, brought: Consequences) -> None:
        """Let a letter go that was held back."""
        for notice in self.case.notices:
            if notice.id == brought.released:
                notice.status = NoticeStatus.QUEUED
                self._send(notice, 0)

    def _write_notices(self, texts: Iterable[letters.Written]) -> dict[str, Any]:
        notices, recipients = [], []
        call, application = self.work.call, self.case.application
        held = self.case.rules.letters.held
        for ordinal, written in enumerate(texts):
            letter, text = written.letter, written.text
            notice = unwatched(
                Notice,
                id=self.work.desk.ambient.new_id(),
                call_id=call.id,
                application_id=application.id,
                letter=letter,
                entry_seq=self._entry_seq,
                recipient=self.case.applicant.pec,
                subject=text.subject,
                body=text.body,
                digest=text.digest,
                status=NoticeStatus.HELD if letter in held else NoticeStatus.QUEUED,
                created_at=self.at,
            )
            self.work.batch.keep(Notice, notice)
            self.case.notices.append(notice)
            if notice.status is NoticeStatus.QUEUED:
                self._send(notice, ordinal)
            notices.append(
                {
                    "letter": letter.value,
                    "id": str(notice.id),
                    "sha256": notice.digest,
                }
            )
            recipients.append(
                {
                    "letter": letter.value,
                    "to": notice.recipient,
                    "status": notice.status.value,
                }
            )
        return {"notices": notices, "recipients": recipients}

    def _send(self, notice: Notice, ordinal: int) -> None:
        """Leave it to a worker to send a letter, after the commit."""
        self.work.batch.add(
            OutboxMessage,
            id=self.work.desk.ambient.new_id(),
            call_id=notice.call_id,
            application_id=notice.application_id,
            kind="send_notice",
            subject_id=notice.id,
            entry_seq=self._entry_seq,
            ordinal=ordinal,
            created_at=self.at,
            sent_at=None,
            not_before=None,
        )


def _is_missed(term: Term) -> bool:
    """Tell whether a term has ended and nobody has done yet what it was for."""
    return term.status is TermStatus.EXPIRED and term.settled_at is None


def _step(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind.value,
        "ordinal": step.ordinal,
        "status": step.status.value,
        "outcome": step.outcome,
        "subject": step.subject,
    }


def _term(term: Term, change: str) -> dict[str, Any]:
    return {
        "kind": term.kind.value,
        "ordinal": term.ordinal,
        "change": change,
        "status": term.status.value,
        "starts_on": term.starts_on.isoformat(),
        "due_at": register.written(term.due_at),
        "suspended_days": term.suspended_days,
    }
