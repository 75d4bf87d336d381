"""How is a call registered, changed and shown?"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack

import orjson
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from config.loader import fingerprint, load
from config.logs import log
from config.schema import CallDefinition
from models.session import add_unless_there, reading, transaction
from models.tables import (
    HOLDS_A_PLACE,
    LACKS_MONEY,
    Act,
    Application,
    Call,
    CallVersion,
    Malfunction,
    Officer,
    RegisterEntry,
)
from models.vocabulary import (
    ApplicationState,
    CallEvent,
    CallState,
    Channel,
    Outcome,
    Role,
    SuspensionCause,
)
from workflow import register
from workflow.desk import Desk
from workflow.errors import InputError, RefusedError
from workflow.facts import ActFacts, Opening
from workflow.moves.calls import MAY_LOAD, VersionInputs, keeps_a_list
from workflow.rules.differences import Difference, differences
from workflow.rules.windows import as_of
from workflow.services import (
    call_acts,
    call_moves,
    call_versions,
    case_files,
    erasures,
    funds,
    histories,
    lookups,
    memberships,
    officers,
    sets,
    windows,
)
from workflow.services.call_acts import Formal
from workflow.services.call_asked import Asked
from workflow.services.call_effects import malfunctions_of
from workflow.services.entries import Draft, append, dated
from workflow.services.memberships import Standing
from workflow.verification.beside import LOADING


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version of a call that is in the database now."""

    call: str
    version: int
    hash: str
    changed: bool
    differences: tuple[Difference, ...] = ()
    effective_at: datetime | None = None
    waits: bool = False
    """Whether it is only announced, and not in force yet."""
    residual: int | None = None
    """What nobody has a claim on, in cents, of an allocation that it changes."""


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a call, and what it changed."""

    number: int
    hash: str
    event: str
    loaded_at: datetime
    loaded_by: str
    effective_at: datetime
    act: str | None
    reason: str | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as it stands now, whoever has noticed; money in cents."""

    code: str
    title: str
    state: CallState
    version: int
    rules: CallDefinition
    allocation: int
    reserved: int
    granted: int
    waiting: int
    """How many hold a place and have no money, examined or not."""
    waiting_amount: int
    """What they ask for."""
    filed: int
    entries: int
    openings: tuple[Opening, ...]
    suspended_for: SuspensionCause | None
    suspended_because: str | None
    """The reason that stands in the register, if an officer gave one."""
    reopens_at: datetime | None
    closed_at: datetime | None
    """When it closed in fact; when it should, its rules say."""
    announced: VersionView | None
    malfunctions: tuple[Malfunction, ...]
    listed: Standing | None = None
    """Its approved list, where the procedure ends in one."""
    erased_under: str | None = None
    """The act under which the personal data of its applicants was erased."""

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted

    @property
    def suspended_since(self) -> datetime | None:
        """The last instant that was still in time."""
        if self.state != CallState.SUSPENDED or not self.openings:
            return None
        return self.openings[-1].ended_at


def register_call(
    desk: Desk,
    path: Path,
    *,
    effective_at: datetime | None = None,
    **formal: Unpack[Formal],
) -> Loaded:
    """Register a call, or a new version of it, from its file.

    What is loaded is frozen under its hash. The same file again changes nothing;
    another file under the same code (*rettifica*) needs an act, and may wait to
    take effect.

    Raises:
        RefusedError: no role for it, no act, or money already given out would
            pass the new allocation.
        CallFileError: the file has faults.
        InputError: the act or the reason cannot be read.
    """
    return register_rules(desk, load(path), effective_at=effective_at, **formal)


def register_rules(
    desk: Desk,
    rules: CallDefinition,
    *,
    effective_at: datetime | None = None,
    **formal: Unpack[Formal],
) -> Loaded:
    """Register a call, or a new version of it, that has been read.

    Raises:
        RefusedError: no role for it, no act, or money already given out would
            pass the new allocation.
        InputError: the act or the reason cannot be read.
        ConflictError: what it does is not any more what was seen.
    """
    act, reason = formal.get("act"), formal.get("reason")
    dry_run = formal.get("dry_run", False)
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    asked = Asked(
        CallEvent.CHANGE_CALL,
        VersionInputs(effective_at=effective_at),
        lookups.read_act(act) if act else None,
        reason,
        rules,
    )
    try:
        with transaction(desk.engine, keep=not dry_run) as session:
            loaded = _load(session, desk, rules, asked)
            seen = formal.get("seen") or {"version": loaded.version}
            if seen["version"] != loaded.version:
                raise call_acts.changed_meanwhile(rules.code)
    except RefusedError as error:
        if dry_run and not formal.get("meant"):
            raise
        file = {"file": fingerprint(rules)}
        call_acts.record_refusal(desk, rules.code, replace(asked, findings=file), error)
        raise
    if not dry_run:
        log.info("call_loaded", call=loaded.call, version=loaded.version)
    return loaded


def _load(session: Session, desk: Desk, rules: CallDefinition, asked: Asked) -> Loaded:
    actor = officers.identify(session, desk)
    role = officers.require(actor, *MAY_LOAD)
    query = select(Call).where(Call.code == rules.code).with_for_update()
    call = session.exec(query).first()
    if call is None:
        add_unless_there(session, _without_version(desk, rules))
        call = session.exec(query).one()
    if call.version:
        return _change(session, desk, call, actor, asked=asked, rules=rules)
    return _first(session, desk, call, actor, asked=asked, role=role, rules=rules)


def _without_version(desk: Desk, rules: CallDefinition) -> Call:
    """Return a call that has no version yet."""
    return Call(
        id=desk.ambient.new_id(),
        code=rules.code,
        family=rules.family,
        version=0,
        allocation=rules.allocation.amount,
        head_hash=register.GENESIS,
        last_instant=desk.ambient.now(),
    )


def _change(  # noqa: PLR0913 - the parts of one command
    session: Session,
    desk: Desk,
    call: Call,
    actor: officers.Actor,
    *,
    asked: Asked,
    rules: CallDefinition,
) -> Loaded:
    """Add a version to a call, if the file says something else."""
    windows.bring_up_to_date(session, desk, call)
    known, hashed = call_versions.known(session, call), fingerprint(rules)
    if hashed == known.fingerprint:
        return Loaded(call.code, call.version, hashed, changed=False)
    waiting = known.announced
    if waiting is not None and hashed == fingerprint(waiting.rules):
        return Loaded(call.code, waiting.number, hashed, changed=False)
    changed = call_versions.between(known.rules, rules)
    shown = "; ".join(str(difference) for difference in changed[:3])
    if asked.act is None:
        raise RefusedError(
            "act.missing",
            f"{call.code} is already loaded and this file differs ({shown}); a "
            'new version needs its act: --act "decreto 1234/2026-03-10"',
            {"differences": [str(difference) for difference in changed]},
        )
    entry = call_moves.make(session, desk, call, actor, asked).entry
    stated = asked.inputs
    later = stated.effective_at if isinstance(stated, VersionInputs) else None
    waits = later is not None and later > entry.at
    moves_money = rules.allocation.amount != known.rules.allocation.amount
    return Loaded(
        call.code,
        call.version + 1 if waits else call.version,
        hashed,
        changed=True,
        differences=changed,
        effective_at=later if waits else entry.at,
        waits=waits,
        residual=(
            case_files.money_of(call).residual if moves_money and not waits else None
        ),
    )


def _first(  # noqa: PLR0913 - the parts of one command
    session: Session,
    desk: Desk,
    call: Call,
    actor: officers.Actor,
    *,
    asked: Asked,
    role: Role,
    rules: CallDefinition,
) -> Loaded:
    """Give a call that was not there its first version."""
    if asked.inputs != VersionInputs():
        raise InputError(
            "effective.first",
            "--effective is for a new version of a call; the first one is in force "
            "once it is loaded",
        )
    at = dated(call, desk)
    act = call_moves.keep_act(session, desk, asked.act, actor, at)
    row = call_versions.freeze(
        session,
        call,
        rules,
        actor=actor,
        act=act,
        reason=asked.reason,
        at=at,
        effective_at=at,
    )
    call_versions.put_in_force(call, row.number, rules)
    session.flush()
    entry = append(
        session,
        desk,
        call,
        at,
        Draft(
            event=CallEvent.LOAD_CALL.value,
            outcome=Outcome.OK,
            actor=actor.entered(role),
            call_version=row.number,
            rules=row.fingerprint,
            target=call.state.value,
            act=asked.act,
            reason=asked.reason,
            findings=call_versions.told(row, rules, ()),
        ),
    )
    funds.add(
        session,
        call,
        entry_seq=entry.seq,
        event=CallEvent.LOAD_CALL.value,
        amount=call.allocation,
    )
    return Loaded(call.code, row.number, row.fingerprint, changed=True, effective_at=at)


def listed(desk: Desk) -> tuple[CallView, ...]:
    """Return every call, by code."""
    with reading(desk.engine) as session:
        calls = session.exec(select(Call).order_by(col(Call.code))).all()
        return tuple(_view(session, desk, call) for call in calls)


def shown(desk: Desk, code: str) -> CallView:
    """Return one call.

    Raises:
        RefusedError: there is no such call.
    """
    with reading(desk.engine) as session:
        return _view(session, desk, lookups.find_call(session, code))


def history(desk: Desk, code: str) -> tuple[VersionView, ...]:
    """Return the versions of a call with their differences, oldest first.

    Raises:
        RefusedError: there is no such call.
    """
    with reading(desk.engine) as session:
        return _versions(session, lookups.find_call(session, code))


def _versions(session: Session, call: Call) -> tuple[VersionView, ...]:
    rows = session.exec(
        select(CallVersion)
        .where(CallVersion.call_id == call.id)
        .order_by(col(CallVersion.number))
    ).all()
    bodies: list[Any] = [None, *(orjson.loads(row.body) for row in rows)]
    events = _loading_events(session, call)
    return tuple(
        VersionView(
            number=row.number,
            hash=row.fingerprint,
            event=events.get(row.number, CallEvent.CHANGE_CALL.value),
            loaded_at=row.loaded_at,
            loaded_by=session.get_one(Officer, row.loaded_by).login,
            effective_at=row.effective_at or row.loaded_at,
            act=_act(session, row),
            reason=row.reason,
            differences=tuple(differences(before, after)) if before else (),
        )
        for row, before, after in zip(rows, bodies, bodies[1:], strict=False)
    )


def _loading_events(session: Session, call: Call) -> dict[int, str]:
    """Return by which event each version came: they are numbered as they come."""
    events = session.exec(
        select(RegisterEntry.event)
        .where(RegisterEntry.call_id == call.id)
        .where(RegisterEntry.outcome == Outcome.OK)
        .where(col(RegisterEntry.event).in_(LOADING))
        .order_by(col(RegisterEntry.seq))
    )
    return dict(enumerate(events, start=1))


def _act(session: Session, row: CallVersion) -> str | None:
    if row.act_id is None:
        return None
    act = session.get_one(Act, row.act_id)
    return str(ActFacts(act.kind, act.number, act.signed_on))


def _view(session: Session, desk: Desk, call: Call) -> CallView:
    stored = call_moves.agenda_of(session, call, with_openings=True)
    now = as_of(stored, dated(call, desk))
    in_force = call.version
    if stored.announced is not None and now.announced is None:
        in_force = stored.announced.number
    return CallView(
        code=call.code,
        title=now.rules.title,
        state=now.state,
        version=in_force,
        rules=now.rules,
        allocation=now.rules.allocation.amount,
        reserved=call.reserved,
        granted=call.granted,
        **_waiting(session, call, now.rules.filing.channel),
        filed=call.filed,
        entries=call.head_seq,
        openings=now.openings,
        suspended_for=now.suspended_for,
        suspended_because=_suspension(session, call) if now.suspended_for else None,
        reopens_at=now.reopens_at,
        closed_at=now.closed_at,
        announced=_versions(session, call)[-1] if now.announced else None,
        malfunctions=tuple(malfunctions_of(session, call)),
        listed=(
            memberships.standing(session, call.id) if keeps_a_list(now.rules) else None
        ),
        erased_under=erasures.erased_under(session).get(call.id),
    )


def _waiting(session: Session, call: Call, channel: Channel) -> dict[str, int]:
    """Return how many hold a place and have no money, and what they ask for.

    Where an act ranks them nobody waits for money before it has said so.
    """
    query = (
        select(func.count(), func.coalesce(func.sum(Application.requested), 0))
        .where(Application.call_id == call.id)
        .where(Application.channel == channel)
        .where(text(HOLDS_A_PLACE))
        .where(text(LACKS_MONEY))
    )
    if not sets.is_ranked(call):
        return {
            "waiting": session.exec(query).one()[0],
            "waiting_amount": call.waiting,
        }
    query = query.where(Application.state == ApplicationState.WAITING)
    count, amount = session.exec(query).one()
    return {"waiting": count, "waiting_amount": int(amount)}


def _suspension(session: Session, call: Call) -> str | None:
    """Return why the counter was suspended, in the words of the register."""
    entry = session.exec(
        select(RegisterEntry)
        .where(RegisterEntry.call_id == call.id)
        .where(RegisterEntry.event == CallEvent.SUSPEND_CALL)
        .where(RegisterEntry.outcome == Outcome.OK)
        .order_by(col(RegisterEntry.seq).desc())
        .limit(1)
    ).first()
    reason = histories.content(entry.seq, entry.body)["reason"] if entry else None
    return str(reason) if reason else None
