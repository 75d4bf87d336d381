"""How are the consequences of a move written beside its state?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from models.batch import unwatched
from models.tables import (
    Fund,
    Movement,
    Notice,
    OutboxMessage,
    Step,
)
from models.vocabulary import (
    FINAL_STATES,
    Event,
    NoticeStatus,
    StepStatus,
)
from workflow import register
from workflow.facts import Facts
from workflow.machine import Consequences, Move, StepChange
from workflow.rules.calendar import end_of_day
from workflow.services import drops, funds, letters, lookups, mailings, partnerships
from workflow.services.case_files import CaseFile
from workflow.services.open_calls import OpenCall
from workflow.services.term_changes import TermWriter

_TELL_THE_SOURCE = (Event.PROMOTE, Event.FUND)
"""Events by which money that was set free moves down an order."""


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
    dropped: Mapping[UUID, str]
    """Letters that do not leave any more because of the move, and why."""

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
        if brought.partners is not None:
            partnerships.change(self.work, application.id, brought.partners, self.at)
        ended = application.state in FINAL_STATES
        application.waits_for_applicant &= not ended
        delivered = self._deliver(brought)
        self._release(brought)
        dropped = self._drop()
        money = self._move_money(brought)
        terms = TermWriter(self.work, self.case, self.facts, self.at)
        if self.facts.arrival is not None:
            self._wait_again()
            terms.run_again()
        return Written(
            money=money,
            steps=self._change_steps(brought.steps, ended=ended),
            terms=terms.change(move, brought),
            **self._write_notices(texts),
            findings={
                **brought.findings,
                **self._fund(move, brought),
                **dropped,
                **delivered,
            },
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

        Only what moves down has to tell from where its money came: the others wait
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
        elif move.event not in _TELL_THE_SOURCE:
            self.work.unfunded += taken
        else:
            sources = funds.take(self.work.session, self.work.call, taken)
            return {"funded_by": [source.told() for source in sources]}
        return {}

    # Steps

    def _wait_again(self) -> None:
        """Open what the office had given up, or taken as late, before it was typed."""
        stood = {(step.kind, step.ordinal): step.status for step in self.facts.steps}
        for step in self.case.steps:
            if stood.get((step.kind, step.ordinal)) is StepStatus.OPEN:
                step.status, step.outcome = StepStatus.OPEN, None
                step.closed_at = None

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
        # What came in may end a step that was opened only afterwards.
        ended = self.at if self.facts.now < step.opened_at else self.facts.now
        step.closed_at = step.closed_at or ended
        return _step(step)

    def _steps(self) -> list[Step]:
        return sorted(self.case.steps, key=lambda step: step.ordinal)

    # Notices

    def _deliver(self, brought: Consequences) -> dict[str, Any]:
        if brought.delivered is None:
            return {}
        delivery = brought.delivered
        written = [
            notice
            for notice in self.case.notices
            if notice.letter == delivery.letter and delivery.notice in {None, notice.id}
        ]
        if not written:
            return {}
        notice = self._as_it_stands(written[-1])
        day = brought.since or self.facts.today
        notice.status, notice.fault = NoticeStatus.DELIVERED, None
        notice.delivered_at = delivery.at or min(self.facts.now, end_of_day(day))
        notice.receipt = delivery.receipt
        told = {
            "letter": notice.letter.value,
            "id": str(notice.id),
            "at": register.written(notice.delivered_at),
            "receipt": notice.receipt,
        }
        return {"delivered": told}

    def _as_it_stands(self, notice: Notice) -> Notice:
        """Keep whoever sends a letter from noting anything more of it, and look again.

        What a batch has read is locked already.
        """
        if not isinstance(notice, Notice):
            return notice
        return self.work.session.get_one(
            Notice, notice.id, with_for_update=True, populate_existing=True
        )

    def _release(self, brought: Consequences) -> None:
        """Let a letter go that was held back."""
        for notice in self.case.notices:
            if notice.id == brought.released:
                notice.status = NoticeStatus.QUEUED
                self._send(notice, 0)

    def _drop(self) -> dict[str, Any]:
        """Keep letters from leaving that the move leaves without an object."""
        told = []
        for notice in self.case.notices:
            if why := self.dropped.get(notice.id):
                notice.status, notice.fault = NoticeStatus.DROPPED, why
                told.append(drops.told(notice.letter, notice.id, why))
        return {"dropped": told} if told else {}

    def _write_notices(self, texts: Iterable[letters.Written]) -> dict[str, Any]:
        notices, recipients = [], []
        call, application = self.work.call, self.case.application
        held = self.case.rules.letters.held
        for ordinal, written in enumerate(texts):
            letter, text = written.letter, written.text
            notice = unwatched(
                Notice,
                id=self._identity(written),
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
                mailings.letter(
                    lookups.named(application), letter, notice.recipient, notice.status
                )
            )
        return {"notices": notices, "recipients": recipients}

    def _identity(self, written: letters.Written) -> UUID:
        same = written.letter, written.text.digest
        return letters.identity(
            self.work.call,
            self.case.application,
            *same,
            before=sum((one.letter, one.digest) == same for one in self.case.notices),
        )

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


def _step(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind.value,
        "ordinal": step.ordinal,
        "status": step.status.value,
        "outcome": step.outcome,
        "subject": step.subject,
        "opened_at": register.written(step.opened_at),
        "closed_at": register.written(step.closed_at) if step.closed_at else None,
    }
