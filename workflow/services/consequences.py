"""How are the consequences of a move written beside its state?"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.tables import (
    Applicant,
    Application,
    Call,
    Movement,
    Notice,
    OutboxMessage,
    Step,
    Term,
)
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    Letter,
    NoticeStatus,
    StepStatus,
    TermKind,
    TermStatus,
)
from workflow import register
from workflow.desk import Desk
from workflow.facts import Facts
from workflow.machine import Consequences, Move, StepChange, TermChange
from workflow.rules import terms as calculus
from workflow.rules.calendar import Calendar, end_of_day, italian_calendar

_GOING = (TermStatus.RUNNING, TermStatus.SUSPENDED)
_YEARS_AHEAD = 20


@dataclass
class Written:
    """What a move wrote, as its entry and its answer tell it; money in cents."""

    money: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    terms: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    recipients: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Writer:
    """Writes what a move brings about, in the transaction of the move."""

    session: Session
    desk: Desk
    call: Call
    application: Application
    facts: Facts

    @property
    def _at(self) -> datetime:
        return self.facts.now

    @property
    def _rules(self) -> CallDefinition:
        return self.facts.call

    @property
    def _entry_seq(self) -> int:
        return self.call.head_seq + 1

    def write(self, move: Move, brought: Consequences) -> Written:
        """Write everything; the application's state is already the new one."""
        self.application.sqlmodel_update(dict(brought.updates))
        ended = self.application.state in FINAL_STATES
        self._deliver(brought)
        return Written(
            money=self._move_money(brought),
            steps=self._change_steps(brought.steps, ended=ended),
            terms=self._change_terms(move, brought),
            **self._write_notices((*move.letters, *brought.letters)),
        )

    # Money

    def _move_money(self, brought: Consequences) -> dict[str, Any]:
        before = self._balance()
        movements = []
        for ordinal, change in enumerate(brought.money, start=1):
            self.call.reserved += change.reserved
            self.call.granted += change.granted
            self.application.reserved += change.reserved
            self.application.granted += change.granted
            self.session.add(
                Movement(
                    call_id=self.call.id,
                    entry_seq=self._entry_seq,
                    ordinal=ordinal,
                    call_version=self.application.call_version,
                    application_id=self.application.id,
                    kind=change.kind,
                    reserved=change.reserved,
                    granted=change.granted,
                    residual=self._balance()["residual"],
                    at=self._at,
                )
            )
            movements.append(
                {
                    "kind": change.kind.value,
                    "reserved": change.reserved,
                    "granted": change.granted,
                }
            )
        return {"before": before, "movements": movements, "after": self._balance()}

    def _balance(self) -> dict[str, int]:
        call = self.call
        return {
            "allocation": call.allocation,
            "reserved": call.reserved,
            "granted": call.granted,
            "residual": call.allocation - call.reserved - call.granted,
        }

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
            step = Step(
                id=self.desk.ambient.new_id(),
                application_id=self.application.id,
                kind=change.kind,
                ordinal=len(same) + 1,
                status=StepStatus.OPEN,
                opened_at=self._at,
                subject=change.subject,
            )
            self.session.add(step)
            return _step(step)
        step = same[-1]
        if change.status == StepStatus.CLOSED:
            return self._close(step, change.outcome)
        step.status = change.status
        step.closed_at = self._at
        self.session.add(step)
        return _step(step)

    def _close(self, step: Step, outcome: str | None) -> dict[str, Any]:
        step.status, step.outcome = StepStatus.CLOSED, outcome
        step.closed_at = step.closed_at or self._at
        self.session.add(step)
        return _step(step)

    def _steps(self) -> list[Step]:
        query = (
            select(Step)
            .where(Step.application_id == self.application.id)
            .order_by(col(Step.ordinal))
        )
        return list(self.session.exec(query))

    # Terms

    def _change_terms(self, move: Move, brought: Consequences) -> list[dict[str, Any]]:
        changed = [self._end(kind, TermStatus.MET) for kind in move.meets]
        changed += [self._change_term(change) for change in brought.terms]
        started = (*move.starts, *brought.starts)
        since = brought.since or self.facts.today
        changed += [
            self._start(kind, since)
            for kind, rule in self._rules.terms.items()
            if rule.starts_on in started or kind in brought.restarts
        ]
        if self._is_over():
            changed += [
                self._end(term.kind, TermStatus.CANCELLED) for term in self._going()
            ]
        return [told for told in changed if told]

    def _is_over(self) -> bool:
        state = self.application.state
        return state in FINAL_STATES or state == ApplicationState.COMPLETED

    def _start(self, kind: TermKind, since: date) -> dict[str, Any]:
        ordinal = len(self._terms(kind)) + 1
        term = Term(
            id=self.desk.ambient.new_id(),
            call_id=self.call.id,
            application_id=self.application.id,
            kind=kind,
            ordinal=ordinal,
            starts_on=since,
            due_at=self._at,
            status=TermStatus.RUNNING,
            suspensions=[],
            calendar="",
        )
        return self._recompute(term, "started")

    def _change_term(self, change: TermChange) -> dict[str, Any] | None:
        term = next(reversed(self._terms(change.kind)), None)
        if term is None or term.status not in _GOING:
            return None
        if change.expired:
            term.status = TermStatus.EXPIRED
            self.session.add(term)
            return _term(term, "expired")
        if change.suspension is not None:
            first = change.suspension.first.isoformat()
            until = change.suspension.until
            others = [span for span in term.suspensions if span["first"] != first]
            term.suspensions = [
                *others,
                {"first": first, "until": until.isoformat() if until else None},
            ]
            term.status = TermStatus.SUSPENDED if until is None else TermStatus.RUNNING
            return self._recompute(term, "suspended" if until is None else "resumed")
        term.extra_months += change.extra_months
        return self._recompute(term, "extended")

    def _end(self, kind: TermKind, status: TermStatus) -> dict[str, Any] | None:
        term = next(reversed(self._terms(kind)), None)
        if term is None or term.status not in _GOING:
            return None
        term.status = status
        self.session.add(term)
        return _term(term, status.value)

    def _recompute(self, term: Term, change: str) -> dict[str, Any]:
        rule = self._rules.terms[term.kind]
        computed = calculus.compute(
            calculus.TermFacts(
                starts_on=term.starts_on,
                count=rule.count,
                counting=rule.counting,
                suspensions=tuple(_suspension(span) for span in term.suspensions),
                extension_months=term.extra_months,
            ),
            self._calendar(term.starts_on),
            today=self.facts.today,
        )
        term.due_at = computed.due_at
        term.suspended_days = computed.suspended_days
        term.calendar = computed.edition
        self.session.add(term)
        self.session.flush()
        return {
            **_term(term, change),
            "source": rule.source.value,
            "provisional": computed.provisional,
            "calendar": computed.edition,
            "holidays": [day.isoformat() for day in computed.holidays],
            "steps": [
                {"rule": step.rule, "source": step.source, "text": step.text}
                for step in computed.steps
            ],
        }

    def _calendar(self, start: date) -> Calendar:
        policy = self._rules.counting_rules
        return italian_calendar(
            start.year,
            max(start.year, self.facts.today.year) + _YEARS_AHEAD,
            roll_saturday=policy.roll_saturday,
            local=policy.local_holidays,
        )

    def _terms(self, kind: TermKind) -> list[Term]:
        query = (
            select(Term)
            .where(Term.application_id == self.application.id, Term.kind == kind)
            .order_by(col(Term.ordinal))
        )
        return list(self.session.exec(query))

    def _going(self) -> list[Term]:
        query = (
            select(Term)
            .where(Term.application_id == self.application.id)
            .where(col(Term.status).in_(_GOING))
            .order_by(col(Term.kind), col(Term.ordinal))
        )
        return list(self.session.exec(query))

    # Notices

    def _deliver(self, brought: Consequences) -> None:
        if brought.delivered is None:
            return
        letter, receipt = brought.delivered
        notice = self.session.exec(
            select(Notice)
            .where(Notice.application_id == self.application.id)
            .where(Notice.letter == letter)
            .order_by(col(Notice.entry_seq).desc())
        ).first()
        if notice is None:
            return
        day = brought.since or self.facts.today
        notice.status = NoticeStatus.DELIVERED
        notice.delivered_at = min(self._at, end_of_day(day))
        notice.receipt = receipt
        self.session.add(notice)

    def _write_notices(self, letters: Iterable[Letter]) -> dict[str, Any]:
        applicant = self.session.get_one(Applicant, self.application.applicant_id)
        notices, recipients = [], []
        for letter in letters:
            notice = Notice(
                id=self.desk.ambient.new_id(),
                call_id=self.call.id,
                application_id=self.application.id,
                letter=letter,
                entry_seq=self._entry_seq,
                recipient=applicant.pec,
                status=NoticeStatus.QUEUED,
                created_at=self._at,
            )
            self.session.add(notice)
            self.session.add(
                OutboxMessage(
                    id=self.desk.ambient.new_id(),
                    call_id=self.call.id,
                    application_id=self.application.id,
                    kind="send_notice",
                    subject_id=notice.id,
                    created_at=self._at,
                )
            )
            notices.append({"letter": letter.value, "id": str(notice.id)})
            recipients.append({"letter": letter.value, "to": notice.recipient})
        return {"notices": notices, "recipients": recipients}


def _suspension(span: dict[str, Any]) -> calculus.Suspension:
    until = span["until"]
    return calculus.Suspension(
        date.fromisoformat(span["first"]),
        date.fromisoformat(until) if until else None,
    )


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
