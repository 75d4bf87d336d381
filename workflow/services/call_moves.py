"""How does a call itself move: one entry, and all that stands beside it?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from config.logs import log
from models.tables import Act, Application, Call, RegisterEntry
from models.vocabulary import (
    QUEUED_STATES,
    ApplicationState,
    CallEvent,
    MalfunctionDecision,
    Outcome,
)
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.facts import ActFacts
from workflow.letters.contradictions import BY_CALL
from workflow.machine import fire
from workflow.moves import calls as moves
from workflow.moves.calls import CallFacts
from workflow.rules.calendar import civil_day
from workflow.rules.windows import Agenda
from workflow.services import (
    call_versions,
    candidates,
    case_files,
    counter_letters,
    draws,
    drops,
    erasures,
    funds,
    lookups,
    promotions,
    sets,
)
from workflow.services.call_asked import Asked
from workflow.services.call_effects import Effects, malfunctions_of, mark
from workflow.services.entries import Draft, EntryRef, append, dated, refusal
from workflow.services.officers import Actor
from workflow.services.open_calls import OpenCall


def agenda_of(session: Session, call: Call, *, with_openings: bool = False) -> Agenda:
    """Return where a call stands and what will change it by itself."""
    known = call_versions.known(session, call)
    return Agenda(
        state=call.state,
        rules=known.rules,
        openings=(
            case_files.counter_of(session, call).openings if with_openings else ()
        ),
        suspended_for=call.suspended_for,
        reopens_at=call.reopens_at,
        closed_at=call.closed_at,
        announced=known.announced,
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move of a call left behind."""

    entry: EntryRef
    promotions: list[dict[str, Any]]
    """Who took the money that it brought."""


def make(session: Session, desk: Desk, call: Call, actor: Actor, asked: Asked) -> Moved:
    """Make a move of a locked call.

    Raises:
        RefusedError: the role, the state or a guard says no.
    """
    at, source = dated(call, desk), call.state
    facts = collect(session, call, asked, now=at, actor=actor)
    move = moves.TABLE.find(asked.event, source, facts)
    call.state = fire(moves.TABLE, asked.event, source, facts, asked.inputs)
    mark(call, asked, at)
    act = keep_act(session, desk, asked.act, actor, at)
    brought = Effects(session, call, asked, facts, actor, act).bring()
    session.flush()
    version = brought.version or call.version
    work = OpenCall(session, desk, call)
    dropped = drops.drop_of_call(session, call.id, BY_CALL.get(asked.event))
    notices = counter_letters.write(work, move.letters, asked, actor, at=at)
    entry = append(
        session,
        desk,
        call,
        at,
        Draft(
            event=asked.event.value,
            outcome=Outcome.OK,
            actor=actor.entered(actor.hands.capacity(move.roles)),
            call_version=version,
            rules=call_versions.fingerprint_of(session, call.id, version),
            source=source.value,
            target=call.state.value,
            act=asked.act,
            reason=asked.reason,
            basis=move.basis,
            inputs=asked.inputs.model_dump(mode="json", exclude_none=True),
            notices=notices,
            findings={
                **asked.findings,
                **brought.findings,
                **({"dropped": dropped} if dropped else {}),
            },
        ),
    )
    session.add(call)
    session.flush()
    if sets.is_ranked(call):
        _follow_in_files(work, asked, actor, at)
    _change_money(session, call, entry, asked.event, brought.more_money)
    promoted = (
        promotions.run(work, as_of=asked.as_of)
        if brought.more_money > 0 or brought.reorders
        else []
    )
    log.info("call_moved", call=call.code, event_name=asked.event.value, seq=entry.seq)
    return Moved(entry, promoted)


def _follow_in_files(work: OpenCall, asked: Asked, actor: Actor, at: datetime) -> None:
    """Make in the files what a closing, or the end, of a ranked call brings about."""
    if asked.event is CallEvent.CLOSE_CALL:
        sets.enter(work, asked.as_of or at)
    elif asked.event is CallEvent.FREEZE_SET:
        sets.enter(work, work.call.closed_at or at, only_new=True)
    elif asked.event is CallEvent.CONCLUDE_CALL:
        sets.leave(work, asked, actor)


def record_refused(  # noqa: PLR0913 - the parts of one entry
    session: Session,
    desk: Desk,
    call: Call,
    actor: Actor,
    *,
    asked: Asked,
    error: RefusedError,
) -> EntryRef:
    """Write a refused entry in the chain of a locked call."""
    rows = [
        move
        for move in moves.TABLE.of_event(asked.event)
        if call.state in move.sources and not move.automatic
    ]
    # In which role it was asked: one that is not held would be a false statement.
    roles = [role for move in rows for role in move.roles]
    entry = append(
        session,
        desk,
        call,
        dated(call, desk),
        Draft(
            event=asked.event.value,
            outcome=Outcome.REFUSED,
            actor=actor.entered(actor.hands.capacity(roles)),
            call_version=call.version,
            rules=call_versions.fingerprint_of(session, call.id, call.version),
            source=call.state.value,
            act=asked.act,
            reason=asked.reason,
            basis=rows[0].basis if rows else None,
            inputs=asked.inputs.model_dump(mode="json", exclude_none=True),
            findings={**asked.findings, **error.details},
            refusal=refusal(error),
        ),
    )
    log.info(
        "call_command_refused",
        call=call.code,
        event_name=asked.event.value,
        code=error.code,
        seq=entry.seq,
    )
    return entry


def collect(
    session: Session,
    call: Call,
    asked: Asked,
    *,
    now: datetime,
    actor: Actor | None = None,
) -> CallFacts:
    """Collect what a guard may look at; without an actor, for who only asks."""
    about = asked.inputs
    malfunction = isinstance(about, moves.DecisionInputs)
    erases = asked.event == CallEvent.ERASE_PERSONAL_DATA
    effective_at = (
        about.effective_at if isinstance(about, moves.VersionInputs) else None
    )
    return CallFacts(
        now=now,
        agenda=agenda_of(session, call),
        money=case_files.money_of(call),
        filed=call.filed,
        by=None if actor is None else actor.hands,
        cause=about.cause if isinstance(about, moves.SuspendInputs) else None,
        new=asked.new,
        effective_at=effective_at or now,
        undecided=(
            _undecided(session, call) if asked.event == CallEvent.CONCLUDE_CALL else ()
        ),
        entitled=(
            tuple(
                one.candidate.protocol
                for one in candidates.next_down(session, call, civil_day(now))
            )
            if asked.event == CallEvent.CONCLUDE_CALL
            else ()
        ),
        malfunctions=(
            tuple(row.decision for row in malfunctions_of(session, call))
            if malfunction
            else ()
        ),
        extension_owed=(
            asked.event == CallEvent.EXTEND_CALL and _extension_owed(session, call)
        ),
        arrived=(
            draws.arrived(session, call, about.week)
            if isinstance(about, moves.DrawInputs)
            else ()
        ),
        is_drawn=(
            isinstance(about, moves.DrawInputs)
            and draws.is_held(session, call, about.week)
        ),
        ranked=asked.ranked,
        retention=erasures.retention_of(session, call) if erases else None,
        unfinished=erasures.unfinished(session, call) if erases else (),
        unsent=erasures.unsent(session, call) if erases else 0,
        act=asked.act,
        reason=asked.reason,
    )


def _extension_owed(session: Session, call: Call) -> bool:
    """Tell whether an extension was decided after the last one that was made."""
    decided_at = [
        row.decided_at
        for row in malfunctions_of(session, call)
        if row.decision is MalfunctionDecision.EXTENSION and row.decided_at
    ]
    if not decided_at:
        return False
    made = session.exec(
        select(RegisterEntry.seq)
        .where(RegisterEntry.call_id == call.id)
        .where(RegisterEntry.event == CallEvent.EXTEND_CALL)
        .where(RegisterEntry.outcome == Outcome.OK)
        .where(RegisterEntry.at >= max(decided_at))
    )
    return made.first() is None


def _undecided(session: Session, call: Call) -> tuple[str, ...]:
    waits = {ApplicationState.WAITING} if sets.is_ranked(call) else set()
    rows = session.exec(
        select(Application)
        .where(Application.call_id == call.id)
        .where(
            or_(
                col(Application.state).in_(
                    {*QUEUED_STATES, ApplicationState.DRAFT} - waits
                ),
                col(Application.reserved) > 0,  # added to a grant, and not granted yet
            )
        )
        .order_by(
            col(Application.received_at).is_(None),
            col(Application.received_at),
            col(Application.portal_id),
        )
    )
    return tuple(lookups.named(row) for row in rows)


def keep_act(
    session: Session, desk: Desk, act: ActFacts | None, actor: Actor, at: datetime
) -> Act | None:
    """Keep the record of an act that is signed already.

    Raises:
        RefusedError: it bears a day that has not come.
    """
    if act is None:
        return None
    today = civil_day(at)
    if act.signed_on > today:
        raise RefusedError(
            "act.future",
            f"--act {act} is dated after today, {today.isoformat()}; an act is "
            "brought once it is signed",
        )
    return lookups.keep_act(session, desk, act, actor)


def _change_money(
    session: Session, call: Call, entry: EntryRef, event: CallEvent, more: int
) -> None:
    if more < 0:
        funds.shrink(session, call, -more)
    elif more > 0:
        funds.add(session, call, entry_seq=entry.seq, event=event.value, amount=more)
