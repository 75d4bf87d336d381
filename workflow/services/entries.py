"""How is an entry added to the register?"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from models.batch import Batch
from models.tables import Call, RegisterEntry
from models.vocabulary import Outcome
from workflow import register
from workflow.desk import SOFTWARE, Desk
from workflow.errors import RefusedError
from workflow.facts import ActFacts
from workflow.rules.calendar import ROME


@dataclass(frozen=True, slots=True)
class EntryRef:
    """Where an entry stands in the register."""

    call: str
    seq: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """What an entry says beside its place in the chain; money in cents."""

    event: str
    outcome: Outcome
    actor: dict[str, str | None]
    call_version: int
    rules: str
    """Fingerprint of the version of the call that was applied."""
    application: UUID | None = None
    protocol: str | None = None
    source: str | None = None
    target: str | None = None
    version: int | None = None
    act: ActFacts | None = None
    reason: str | None = None
    basis: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] | None = None
    money: dict[str, Any] | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    terms: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    findings: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    refusal: dict[str, Any] | None = None


def dated(call: Call, desk: Desk) -> datetime:
    """Return the instant of what is about to be written in a locked call.

    The host's clock may go back; the register does not.
    """
    return max(desk.ambient.now(), call.last_instant)


def append(
    session: Session, desk: Desk, call: Call, at: datetime, draft: Draft
) -> EntryRef:
    """Add an entry at the head of a locked call's chain (*registro*)."""
    batch = Batch(session)
    entry = chain(batch, desk, call, at, draft)
    batch.flush()
    return entry


def chain(batch: Batch, desk: Desk, call: Call, at: datetime, draft: Draft) -> EntryRef:
    """Add an entry like `append`, to be written together with what else is new."""
    seq = call.head_seq + 1
    sealed = register.seal(
        {
            "format": register.FORMAT,
            "call": call.code,
            "seq": seq,
            "previous": call.head_hash,
            "at": register.written(at),
            "local": at.astimezone(ROME).isoformat(timespec="microseconds"),
            "simulated": desk.ambient.simulated,
            "application": str(draft.application) if draft.application else None,
            "protocol": draft.protocol,
            "event": draft.event,
            "outcome": draft.outcome.value,
            "from": draft.source,
            "to": draft.target,
            "version": draft.version,
            "actor": draft.actor,
            "channel": desk.channel,
            "call_version": draft.call_version,
            "rules": draft.rules,
            "act": _act(draft.act),
            "reason": draft.reason,
            "basis": draft.basis,
            "inputs": draft.inputs,
            "order": draft.order,
            "money": draft.money,
            "steps": draft.steps,
            "terms": draft.terms,
            "notices": draft.notices,
            "findings": draft.findings,
            "key": draft.key,
            "refusal": draft.refusal,
            "software": SOFTWARE,
        }
    )
    actor = draft.actor["id"]
    batch.add(
        RegisterEntry,
        call_id=call.id,
        seq=seq,
        hash=sealed.hash,
        at=at,
        application_id=draft.application,
        event=draft.event,
        outcome=draft.outcome,
        actor_id=UUID(actor) if actor else None,
        body=sealed.body.decode(),
    )
    call.head_seq, call.head_hash, call.last_instant = seq, sealed.hash, at
    return EntryRef(call.code, seq, sealed.hash, at)


def refusal(error: RefusedError) -> dict[str, Any]:
    """Return what an entry says of a refusal."""
    return {"code": error.code, "message": error.recorded}


def _act(act: ActFacts | None) -> dict[str, str] | None:
    if act is None:
        return None
    return {
        "kind": act.kind,
        "number": act.number,
        "signed_on": act.signed_on.isoformat(),
    }
