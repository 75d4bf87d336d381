"""What do officers do with a call: one transaction each, all of it or nothing?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlmodel import Session

from config.schema import CallDefinition
from models.session import transaction
from models.tables import Call, RegisterEntry
from models.vocabulary import CallEvent, Cents, MalfunctionDecision, SuspensionCause
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.moves.calls import (
    DecisionInputs,
    DrawInputs,
    ExtendInputs,
    MalfunctionInputs,
    RefinanceInputs,
    ReopenInputs,
    SuspendInputs,
)
from workflow.services import call_versions, lookups, mailings, officers, windows
from workflow.services.call_asked import Asked
from workflow.services.call_moves import Moved, make, record_refused

LONGEST_SEED = 200
"""Characters; as wide as its column."""

Change = Callable[[CallDefinition], CallDefinition]


def suspend(
    desk: Desk,
    code: str,
    *,
    cause: SuspensionCause,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Suspend the counter of a call from now on (*sospensione*).

    Raises:
        RefusedError: as for every act: no role, a rule says no, an unknown call.
    """
    asked = Asked(CallEvent.SUSPEND_CALL, SuspendInputs(cause=cause))
    return _carry_out(desk, code, asked, act=act, reason=reason)


def announce_reopening(
    desk: Desk,
    code: str,
    *,
    at: datetime,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Announce when a suspended counter opens again by itself (*riapertura*)."""
    asked = Asked(CallEvent.ANNOUNCE_REOPENING, ReopenInputs(at=at))
    return _carry_out(desk, code, asked, act=act, reason=reason)


def extend(  # noqa: PLR0913 - what is stated
    desk: Desk,
    code: str,
    *,
    closes_at: datetime,
    effective_at: datetime | None = None,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Let a call close later (*proroga*): a new version of it."""
    stated = ExtendInputs(closes_at=closes_at, effective_at=effective_at)
    return _carry_out(
        desk,
        code,
        Asked(CallEvent.EXTEND_CALL, stated),
        lambda rules: call_versions.changed(rules, window={"closes_at": closes_at}),
        act=act,
        reason=reason,
    )


def refinance(  # noqa: PLR0913 - what is stated
    desk: Desk,
    code: str,
    *,
    allocation: Cents,
    effective_at: datetime | None = None,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Give a call a larger allocation (*rifinanziamento*): a new version of it."""
    stated = RefinanceInputs(allocation=allocation, effective_at=effective_at)
    return _carry_out(
        desk,
        code,
        Asked(CallEvent.REFINANCE_CALL, stated),
        lambda rules: call_versions.changed(rules, allocation={"amount": allocation}),
        act=act,
        reason=reason,
    )


def draw(  # noqa: PLR0913 - what is stated
    desk: Desk,
    code: str,
    *,
    week: str,
    seed: str,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Draw the order of a week (*sorteggio pubblico*), so that anyone can redo it.

    The seed was drawn in public, or is a number that nobody could foresee: the
    act says which.
    """
    lookups.refuse_unwritable("seed", seed, LONGEST_SEED)
    asked = Asked(CallEvent.RECORD_DRAW, DrawInputs(week=week, seed=seed))
    return _carry_out(desk, code, asked, act=act, reason=reason)


def close(
    desk: Desk, code: str, *, act: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    """Close the counter of a call now, before its time (*chiusura anticipata*)."""
    return _carry_out(desk, code, Asked(CallEvent.CLOSE_CALL), act=act, reason=reason)


def conclude(
    desk: Desk, code: str, *, act: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    """Conclude a closed call, once everything in it is decided (*conclusione*)."""
    asked = Asked(CallEvent.CONCLUDE_CALL)
    return _carry_out(desk, code, asked, act=act, reason=reason)


def annul(
    desk: Desk, code: str, *, act: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    """Annul a call, in self-protection (*autotutela*) or by a judgment."""
    return _carry_out(desk, code, Asked(CallEvent.ANNUL_CALL), act=act, reason=reason)


def record_malfunction(
    desk: Desk, code: str, *, began_at: datetime, ended_at: datetime, evidence: str
) -> dict[str, Any]:
    """Record that the platform did not work (*disservizio*), and what proves it."""
    lookups.refuse_unwritable("evidence", evidence, lookups.LONGEST_REASON)
    stated = MalfunctionInputs(began_at=began_at, ended_at=ended_at, evidence=evidence)
    return _carry_out(desk, code, Asked(CallEvent.RECORD_MALFUNCTION, stated))


def decide_malfunction(  # noqa: PLR0913 - what is stated
    desk: Desk,
    code: str,
    *,
    malfunction: int,
    decision: MalfunctionDecision,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Decide what follows from a malfunction; an extension is an act of its own."""
    stated = DecisionInputs(malfunction=malfunction, decision=decision)
    asked = Asked(CallEvent.DECIDE_MALFUNCTION, stated)
    return _carry_out(desk, code, asked, act=act, reason=reason)


def _carry_out(  # noqa: PLR0913 - the parts of one command
    desk: Desk,
    code: str,
    asked: Asked,
    change: Change | None = None,
    *,
    act: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    given = lookups.read_act(act) if act else None
    asked = replace(asked, act=given, reason=reason)
    try:
        with transaction(desk.engine) as session:
            call = lookups.find_call(session, code, lock=True)
            began, actor = call.head_seq, officers.identify(session, desk)
            windows.bring_up_to_date(session, desk, call)
            if change is not None:
                rules = call_versions.known(session, call).rules
                asked = replace(asked, new=change(rules))
            moved = make(session, desk, call, actor, asked)
            letters = mailings.written_since(session, call, began)
            return as_written(session, call, moved) | {"letters": letters}
    except RefusedError as error:
        record_refusal(desk, code, asked, error)
        raise


def record_refusal(desk: Desk, code: str, asked: Asked, error: RefusedError) -> None:
    """Record a refused command in the chain of its call, if the call is there."""
    with transaction(desk.engine) as session:
        try:
            call = lookups.find_call(session, code, lock=True)
        except RefusedError:
            return  # there is no chain to write to
        try:
            actor = officers.identify(session, desk)
        except RefusedError:
            actor = officers.unknown(desk.identity)
        windows.bring_up_to_date(session, desk, call)
        record_refused(session, desk, call, actor, asked=asked, error=error)


def as_written(session: Session, call: Call, moved: Moved) -> dict[str, Any]:
    """Return an entry as it was hashed, with its hash and who was promoted."""
    row = session.get_one(RegisterEntry, (call.id, moved.entry.seq))
    content: dict[str, Any] = orjson.loads(row.body)
    return {**content, "hash": row.hash, "promotions": moved.promotions}
