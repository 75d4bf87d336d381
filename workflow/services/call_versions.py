"""Which version of a call is in force, and which is announced?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from config.loader import CallFileError, dump, fingerprint, parse
from config.schema import CallDefinition
from models.tables import Act, Call, CallVersion
from workflow.errors import RefusedError
from workflow.register import written
from workflow.rules.differences import Difference, differences
from workflow.rules.windows import Announced
from workflow.services import lookups
from workflow.services.officers import Actor

# Made once: to make a statement takes longer than to send it.
_FROM_NUMBER = (
    select(CallVersion)
    .where(col(CallVersion.call_id) == bindparam("call"))
    .where(col(CallVersion.number) >= bindparam("number"))
    .order_by(col(CallVersion.number))
)


@dataclass(frozen=True, slots=True)
class Known:
    """The rules in force, and those that wait to be."""

    rules: CallDefinition
    fingerprint: str
    announced: Announced | None = None


def known(session: Session, call: Call) -> Known:
    """Return the version in force and the one announced, if there is one."""
    about = {"call": call.id, "number": call.version}
    rows = session.exec(_FROM_NUMBER, params=about).all()
    present, *later = rows
    rules = lookups.rules_of(session, call.id, present.number)
    if not later:
        return Known(rules, present.fingerprint)
    waiting = later[0]
    return Known(
        rules,
        present.fingerprint,
        Announced(
            waiting.number,
            waiting.effective_at or waiting.loaded_at,
            lookups.rules_of(session, call.id, waiting.number),
        ),
    )


def starts(session: Session, call: Call) -> tuple[tuple[datetime, int], ...]:
    """Return from when each version was in force, of those that have been so far."""
    rows = session.exec(
        select(CallVersion.effective_at, CallVersion.loaded_at, CallVersion.number)
        .where(CallVersion.call_id == call.id)
        .where(col(CallVersion.number) <= call.version)
        .order_by(col(CallVersion.number))
    )
    return tuple((effective or loaded, number) for effective, loaded, number in rows)


def fingerprint_of(session: Session, call_id: UUID, version: int) -> str:
    """Return the hash under which a version was frozen."""
    return session.get_one(CallVersion, (call_id, version)).fingerprint


def changed(rules: CallDefinition, **parts: Mapping[str, object]) -> CallDefinition:
    """Return other rules that differ in some values of some parts, all checked.

    Raises:
        RefusedError: a file that said so would have faults.
    """
    other = rules.model_copy(
        update={
            name: getattr(rules, name).model_copy(update=dict(values))
            for name, values in parts.items()
        }
    )
    try:
        return parse(dump(other))
    except CallFileError as error:
        listed = "; ".join(str(fault) for fault in error.faults)
        raise RefusedError(
            "call.faults",
            f"the call cannot be changed so: {listed}",
            {"faults": [str(fault) for fault in error.faults]},
        ) from error


def between(before: CallDefinition, after: CallDefinition) -> tuple[Difference, ...]:
    """Return what differs between two versions."""
    bodies: tuple[Any, Any] = orjson.loads(dump(before)), orjson.loads(dump(after))
    return tuple(differences(*bodies))


def freeze(  # noqa: PLR0913 - what a version is known by
    session: Session,
    call: Call,
    rules: CallDefinition,
    *,
    actor: Actor,
    act: Act | None,
    reason: str | None,
    at: datetime,
    effective_at: datetime,
) -> CallVersion:
    """Keep a new version under its hash; in force it is when that is said."""
    assert actor.id is not None  # noqa: S101 - only persons hold these roles
    row = CallVersion(
        call_id=call.id,
        number=call.version + 1,
        fingerprint=fingerprint(rules),
        body=dump(rules).decode(),
        act_id=act.id if act else None,
        reason=reason,
        loaded_at=at,
        loaded_by=actor.id,
        effective_at=effective_at,
    )
    session.add(row)
    return row


def put_in_force(call: Call, version: int, rules: CallDefinition) -> int:
    """Let a version hold from now on; return by how much the money changes."""
    more = rules.allocation.amount - call.allocation
    call.version = version
    call.allocation = rules.allocation.amount
    return more


def told(
    row: CallVersion, rules: CallDefinition, changes: tuple[Difference, ...]
) -> dict[str, Any]:
    """Return what an entry says of a version that is loaded."""
    effective_at = row.effective_at or row.loaded_at
    return {
        "allocation": rules.allocation.amount,
        "differences": [str(difference) for difference in changes],
        "effective_at": written(effective_at),
    }
