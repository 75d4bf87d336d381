"""What does a move of a call bring about beside its state?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from models.tables import Act, Application, Call, Malfunction, Opening
from models.vocabulary import CallEvent, CallState
from workflow import facts as recorded
from workflow.moves.calls import (
    CallFacts,
    DecisionInputs,
    DrawInputs,
    MalfunctionInputs,
    ReopenInputs,
    SuspendInputs,
)
from workflow.register import written
from workflow.rules.windows import ENDS, openings_after
from workflow.services import call_versions, case_files, draws, erasures, sets
from workflow.services.call_asked import Asked
from workflow.services.officers import Actor

_LEAVES_SUSPENSION = (
    CallEvent.OPEN_CALL,
    CallEvent.REOPEN_CALL,
    CallEvent.CLOSE_CALL,
    CallEvent.ANNUL_CALL,
)
_CLOSES_SET = (CallEvent.CLOSE_CALL, CallEvent.FREEZE_SET)
_OF_COUNTER = (
    *_LEAVES_SUSPENSION,
    CallEvent.SUSPEND_CALL,
    CallEvent.ANNOUNCE_REOPENING,
)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a move brought about beside the state."""

    findings: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    """The version that the entry is about, if it is not the one in force."""
    more_money: int = 0
    """By how much the allocation grows, in cents."""
    reorders: bool = False
    """Whether the order in which money is given has changed."""


def mark(call: Call, asked: Asked, at: datetime) -> None:
    """Set what stands beside the state in the row of the call.

    In the same breath as the state: the database holds the two together.
    """
    about = asked.inputs
    if isinstance(about, SuspendInputs):
        call.suspended_for = about.cause
    elif isinstance(about, ReopenInputs):
        call.reopens_at = about.at
    elif asked.event in _LEAVES_SUSPENSION:
        call.suspended_for = call.reopens_at = None
    if asked.event == CallEvent.ERASE_PERSONAL_DATA:
        call.erased_seq = call.head_seq + 1
    if call.state == CallState.OPEN:
        call.closed_at = None
    if asked.event == CallEvent.CLOSE_CALL:
        call.closed_at = asked.as_of or at


@dataclass(frozen=True)
class Effects:
    """Writes what a move brings about; the call is locked."""

    session: Session
    call: Call
    asked: Asked
    facts: CallFacts
    actor: Actor
    act: Act | None

    def bring(self) -> Brought:  # noqa: PLR0911 - one way for each kind of event
        """Write it, and return what the entry says of it."""
        about = self.asked.inputs
        if self.asked.new is not None:
            return self._load()
        if self.asked.event == CallEvent.APPLY_VERSION:
            return self._apply()
        if isinstance(about, MalfunctionInputs):
            return self._note_malfunction(about)
        if isinstance(about, DecisionInputs):
            return self._decide_malfunction(about)
        if isinstance(about, DrawInputs):
            drawn = draws.hold(
                self.session, self.call, about, self.facts.arrived, self.facts.now
            )
            return Brought(drawn, reorders=True)
        if self.asked.event == CallEvent.ERASE_PERSONAL_DATA:
            return Brought(self._erase())
        findings: dict[str, Any] = {}
        if self.asked.event in _OF_COUNTER:
            findings = self._move_counter(self.asked.event)
        if self.asked.event in _CLOSES_SET and sets.is_ranked(self.call):
            findings["set"] = sets.frozen(self.session, self.call)
        return Brought(findings)

    def _erase(self) -> dict[str, Any]:
        """Erase the personal data; the entry tells how much, and of nobody."""
        kept = self.facts.retention
        assert kept is not None  # noqa: S101 - the guard has judged it
        return {
            "retention": {
                "over_since": kept.over_since.isoformat(),
                "years": kept.years,
                "last_day": kept.last_day.isoformat(),
            },
            **erasures.erase(self.session, self.call, self.facts.now),
        }

    def _move_counter(self, event: CallEvent) -> dict[str, Any]:
        """Write when the counter began or ceased to take applications in."""
        call, at = self.call, self._counts_from()
        before = case_files.counter_of(self.session, call).openings
        after = openings_after(before, event, at)
        findings: dict[str, Any] = {
            "suspended_for": call.suspended_for.value if call.suspended_for else None,
            "reopens_at": _written(call.reopens_at),
            "closed_at": _written(call.closed_at),
        }
        if event == CallEvent.CLOSE_CALL:
            planned = self.facts.agenda.rules.window.closes_at
            findings["planned_closing"] = written(planned)
        if after != before:
            findings["opening"] = self._write_opening(len(after), after[-1])
        return findings

    def _counts_from(self) -> datetime:
        """Return the instant that counts for the counter.

        By a clock of the portal that is ahead of ours somebody may have been taken
        in at an instant still to come: an act that stops the counter now does not
        make them late.
        """
        at = self.asked.as_of or self.facts.now
        if self.asked.event not in ENDS or self.asked.as_of is not None:
            return at
        last = self.session.exec(
            select(func.max(Application.received_at)).where(
                Application.call_id == self.call.id
            )
        ).one()
        return max(at, last) if last else at

    def _write_opening(self, ordinal: int, opening: recorded.Opening) -> dict[str, Any]:
        row = self.session.get(Opening, (self.call.id, ordinal)) or Opening(
            call_id=self.call.id, ordinal=ordinal, opened_at=opening.opened_at
        )
        row.ended_at = opening.ended_at
        self.session.add(row)
        return {
            "ordinal": ordinal,
            "opened_at": written(opening.opened_at),
            "ended_at": _written(opening.ended_at),
        }

    def _load(self) -> Brought:
        new, effective_at = self.facts.version
        row = call_versions.freeze(
            self.session,
            self.call,
            new,
            actor=self.actor,
            act=self.act,
            reason=self.asked.reason,
            at=self.facts.now,
            effective_at=effective_at,
        )
        changes = call_versions.between(self.facts.agenda.rules, new)
        findings = call_versions.told(row, new, changes)
        if self.call.state != self.facts.agenda.state:  # it was closed, and extended
            findings |= self._move_counter(CallEvent.REOPEN_CALL)
        waits = effective_at > self.facts.now
        more = 0 if waits else call_versions.put_in_force(self.call, row.number, new)
        return Brought(findings, row.number, more)

    def _apply(self) -> Brought:
        announced = self.facts.agenda.announced
        if announced is None:
            message = "no version waits to take effect"
            raise AssertionError(message)
        more = call_versions.put_in_force(self.call, announced.number, announced.rules)
        return Brought({"allocation": self.call.allocation}, more_money=more)

    def _note_malfunction(self, stated: MalfunctionInputs) -> Brought:
        row = Malfunction(
            call_id=self.call.id,
            ordinal=len(malfunctions_of(self.session, self.call)) + 1,
            began_at=stated.began_at,
            ended_at=stated.ended_at,
            evidence=stated.evidence,
            recorded_at=self.facts.now,
        )
        self.session.add(row)
        return Brought({"malfunction": _told(row)})

    def _decide_malfunction(self, stated: DecisionInputs) -> Brought:
        key = (self.call.id, stated.malfunction)
        row = self.session.get_one(Malfunction, key)
        row.decision, row.decided_at = stated.decision, self.facts.now
        self.session.add(row)
        return Brought({"malfunction": _told(row)})


def malfunctions_of(session: Session, call: Call) -> list[Malfunction]:
    """Return the malfunctions recorded for a call, in order."""
    query = (
        select(Malfunction)
        .where(Malfunction.call_id == call.id)
        .order_by(col(Malfunction.ordinal))
    )
    return list(session.exec(query))


def _told(row: Malfunction) -> dict[str, Any]:
    return {
        "ordinal": row.ordinal,
        "began_at": written(row.began_at),
        "ended_at": written(row.ended_at),
        "evidence": row.evidence,
        "decision": row.decision.value if row.decision else None,
    }


def _written(instant: datetime | None) -> str | None:
    return written(instant) if instant else None
