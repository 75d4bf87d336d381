"""What do officers do with a call: one transaction each, all of it or nothing?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict, Unpack

import orjson
from sqlmodel import Session

from config.schema import CallDefinition
from models.session import transaction
from models.tables import Call, RegisterEntry
from models.vocabulary import CallEvent, Cents, MalfunctionDecision, SuspensionCause
from workflow.desk import Desk
from workflow.errors import ConflictError, RefusedError
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


class Formal(TypedDict, total=False):
    """What comes with every act: on what it stands, and whether it is only tried.

    *meant* and *seen* are those of `decrees.grant`.
    """

    act: str | None
    reason: str | None
    dry_run: bool
    meant: bool
    seen: Mapping[str, Any] | None


def suspend(
    desk: Desk,
    code: str,
    *,
    cause: SuspensionCause,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Suspend the counter of a call from now on (*sospensione*).

    Raises:
        RefusedError: as for every act: no role, a rule says no, an unknown call.
    """
    asked = Asked(CallEvent.SUSPEND_CALL, SuspendInputs(cause=cause))
    return _carry_out(desk, code, asked, **formal)


def announce_reopening(
    desk: Desk,
    code: str,
    *,
    at: datetime,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Announce when a suspended counter opens again by itself (*riapertura*)."""
    asked = Asked(CallEvent.ANNOUNCE_REOPENING, ReopenInputs(at=at))
    return _carry_out(desk, code, asked, **formal)


def extend(
    desk: Desk,
    code: str,
    *,
    closes_at: datetime,
    effective_at: datetime | None = None,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Let a call close later (*proroga*): a new version of it."""
    stated = ExtendInputs(closes_at=closes_at, effective_at=effective_at)
    return _carry_out(
        desk,
        code,
        Asked(CallEvent.EXTEND_CALL, stated),
        lambda rules: call_versions.changed(rules, window={"closes_at": closes_at}),
        **formal,
    )


def refinance(
    desk: Desk,
    code: str,
    *,
    allocation: Cents,
    effective_at: datetime | None = None,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Give a call a larger allocation (*rifinanziamento*): a new version of it."""
    stated = RefinanceInputs(allocation=allocation, effective_at=effective_at)
    return _carry_out(
        desk,
        code,
        Asked(CallEvent.REFINANCE_CALL, stated),
        lambda rules: call_versions.changed(rules, allocation={"amount": allocation}),
        **formal,
    )


def draw(
    desk: Desk,
    code: str,
    *,
    week: str,
    seed: str,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Draw the order of a week (*sorteggio pubblico*), so that anyone can redo it.

    The seed was drawn in public, or is a number that nobody could foresee: the
    act says which.
    """
    lookups.refuse_unwritable("seed", seed, LONGEST_SEED)
    asked = Asked(CallEvent.RECORD_DRAW, DrawInputs(week=week, seed=seed))
    return _carry_out(desk, code, asked, **formal)


def close(desk: Desk, code: str, **formal: Unpack[Formal]) -> dict[str, Any]:
    """Close the counter of a call now, before its time (*chiusura anticipata*)."""
    return _carry_out(desk, code, Asked(CallEvent.CLOSE_CALL), **formal)


def conclude(desk: Desk, code: str, **formal: Unpack[Formal]) -> dict[str, Any]:
    """Conclude a closed call, once everything in it is decided (*conclusione*)."""
    asked = Asked(CallEvent.CONCLUDE_CALL)
    return _carry_out(desk, code, asked, **formal)


def annul(desk: Desk, code: str, **formal: Unpack[Formal]) -> dict[str, Any]:
    """Annul a call, in self-protection (*autotutela*) or by a judgment."""
    return _carry_out(desk, code, Asked(CallEvent.ANNUL_CALL), **formal)


def record_malfunction(
    desk: Desk,
    code: str,
    *,
    began_at: datetime,
    ended_at: datetime,
    evidence: str,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Record that the platform did not work (*disservizio*), and what proves it."""
    lookups.refuse_unwritable("evidence", evidence, lookups.LONGEST_REASON)
    stated = MalfunctionInputs(began_at=began_at, ended_at=ended_at, evidence=evidence)
    return _carry_out(desk, code, Asked(CallEvent.RECORD_MALFUNCTION, stated), **formal)


def decide_malfunction(
    desk: Desk,
    code: str,
    *,
    malfunction: int,
    decision: MalfunctionDecision,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    """Decide what follows from a malfunction; an extension is an act of its own."""
    stated = DecisionInputs(malfunction=malfunction, decision=decision)
    asked = Asked(CallEvent.DECIDE_MALFUNCTION, stated)
    return _carry_out(desk, code, asked, **formal)


def _carry_out(
    desk: Desk,
    code: str,
    asked: Asked,
    change: Change | None = None,
    **formal: Unpack[Formal],
) -> dict[str, Any]:
    act, reason = formal.get("act"), formal.get("reason")
    seen, dry_run = formal.get("seen"), formal.get("dry_run", False)
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    given = lookups.read_act(act) if act else None
    asked = replace(asked, act=given, reason=reason)
    try:
        with transaction(desk.engine, keep=not dry_run) as session:
            call = lookups.find_call(session, code, lock=True)
            began, actor = call.head_seq, officers.identify(session, desk)
            windows.bring_up_to_date(session, desk, call)
            if change is not None:
                rules = call_versions.known(session, call).rules
                asked = replace(asked, new=change(rules))
            moved = make(session, desk, call, actor, asked)
            letters = mailings.written_since(session, call, began)
            told = as_written(session, call, moved)
            told |= {"letters": letters, "dry_run": dry_run}
            if seen is not None and _essence(told) != _essence(seen):
                raise changed_meanwhile(code)
            return told
    except RefusedError as error:
        if formal.get("meant") or not dry_run:
            record_refusal(desk, code, asked, error)
        raise


def _essence(told: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what an act does, without when and where it stands in the register."""
    findings = told["findings"]
    found = findings.get("differences"), findings.get("order")
    return told["from"], told["to"], *found, told["promotions"], told["letters"]


def changed_meanwhile(code: str) -> ConflictError:
    """Return what is said where an act would not do any more what was shown."""
    return ConflictError(
        "call.changed",
        f"{code} changed meanwhile, and the act would not do any more what was shown: "
        "nothing was done; look at it again",
    )


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
