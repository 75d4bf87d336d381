"""May the personal data of a call be erased, how much is there, and is it gone?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from models.session import forget_pages, reading, transaction
from models.tables import Call
from models.vocabulary import CallEvent, CallState, Role
from workflow.desk import Desk
from workflow.errors import ConflictError, RefusedError
from workflow.facts import Verdict
from workflow.moves import calls as moves
from workflow.rules.retention import Retention
from workflow.services import call_moves, erasures, lookups, officers, windows
from workflow.services.call_acts import as_written, record_refusal
from workflow.services.call_asked import Asked
from workflow.services.erasures import Held
from workflow.services.rights import may_read_of_people

_ERASE = CallEvent.ERASE_PERSONAL_DATA


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be erased of a call, and from when that may be done."""

    call: str
    state: CallState
    over_on: datetime | None
    """When it was concluded or annulled."""
    retention: Retention
    basis: str
    """Where the number of years comes from."""
    held: Held | None
    """Nothing is known of it where whoever asks may not read who applied."""
    kept_for: Mapping[str, int]
    """Who is kept, by the other call to which they have applied."""
    erased_under: str | None
    in_the_way: Verdict | None
    """Why it may not be erased now, if it may not."""
    letters: frozenset[UUID]
    """All letters of the call: copies of them may be kept as files."""


def plan(desk: Desk, code: str) -> Plan:
    """Tell what would be erased; nothing is.

    Raises:
        RefusedError: there is no such call.
    """
    with reading(desk.engine) as session:
        call = lookups.find_call(session, code)
        keeping = lookups.rules_of(session, call.id, call.version).keeping
        return Plan(
            call=call.code,
            state=call.state,
            over_on=erasures.over_on(session, call),
            retention=erasures.retention_of(session, call),
            basis=keeping.basis,
            held=erasures.held(session, call) if may_read_of_people(session) else None,
            kept_for=erasures.kept_for(session, call),
            erased_under=erasures.erased_under(session).get(call.id),
            in_the_way=_in_the_way(session, desk, call),
            letters=erasures.letters_of(session, call),
        )


def _in_the_way(session: Session, desk: Desk, call: Call) -> Verdict | None:
    """Return what the rules say against it, whoever would do it."""
    facts = call_moves.collect(session, call, Asked(_ERASE), now=desk.ambient.now())
    try:
        move = moves.TABLE.find(_ERASE, call.state, facts)
    except RefusedError as error:
        return Verdict(error.code, error.message, error.details)
    said = (need(facts) for need in move.needs)
    return next((verdict for verdict in said if not verdict), None)


def erase(
    desk: Desk,
    code: str,
    *,
    act: str | None,
    reason: str | None,
    seen: Held | None = None,
) -> dict[str, Any] | None:
    """Erase the personal data of a call; return its entry, or None if none is left.

    *seen* is what the operator was shown: nothing else is erased.

    Raises:
        RefusedError: the role, the state or a guard says no.
        InputError: the act or the reason cannot be read.
        ConflictError: there is more, or less, than was seen.
    """
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    given = lookups.read_act(act) if act else None
    asked = Asked(_ERASE, act=given, reason=reason)
    try:
        with transaction(desk.engine) as session:
            call = lookups.find_call(session, code, lock=True)
            actor = officers.identify(session, desk)
            windows.bring_up_to_date(session, desk, call)
            there = erasures.held(session, call)
            if seen is not None and there != seen:
                raise ConflictError(
                    "retention.changed",
                    f"what is kept of {code} changed meanwhile, nothing was erased; "
                    f"look at it again with `sportello retention {code}`",
                    {"there": asdict(there)},
                )
            if call.erased_seq is not None and there.is_nothing:
                officers.require(actor, Role.MANAGER)
                return None
            moved = call_moves.make(session, desk, call, actor, asked)
            return as_written(session, call, moved)
    except RefusedError as error:
        record_refusal(desk, code, asked, error)
        raise


def forget(desk: Desk) -> bool:
    """Leave no trace of it in the file of the database; tell if that was done.

    Raises:
        UnavailableError: somebody is using the database.
    """
    return forget_pages(desk.engine)
