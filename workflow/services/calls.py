"""How is a call registered, changed and shown?"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlmodel import Session, col, select

from config.loader import dump, fingerprint, load, parse
from config.logs import log
from config.schema import CallDefinition
from models.session import add_unless_there, reading, transaction
from models.tables import Act, Application, Call, CallVersion, Officer
from models.vocabulary import ApplicationState, CallState, Outcome, Role
from workflow import register
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.facts import ActFacts
from workflow.rules.amounts import format_money
from workflow.rules.calendar import civil_day
from workflow.rules.differences import Difference, differences
from workflow.rules.windows import call_state
from workflow.services import lookups, officers
from workflow.services.entries import Draft, append, dated, refusal

_MAY_CHANGE = (Role.MANAGER, Role.ADMINISTRATOR)
_MAY_LOAD = (Role.ADMINISTRATOR, Role.MANAGER, Role.RESPONSIBLE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version of a call that is in the database now."""

    call: str
    version: int
    hash: str
    changed: bool
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as shown to people; money in cents."""

    code: str
    title: str
    state: CallState
    version: int
    rules: CallDefinition
    allocation: int
    reserved: int
    granted: int
    waiting: int
    filed: int
    entries: int

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a call, and what it changed."""

    number: int
    hash: str
    loaded_at: datetime
    loaded_by: str
    act: str | None
    reason: str | None
    differences: tuple[Difference, ...]


def register_call(
    desk: Desk, path: Path, *, act: str | None = None, reason: str | None = None
) -> Loaded:
    """Register a call, or a new version of it, from its file.

    What is loaded is frozen under its hash. The same file again changes nothing;
    another file under the same code needs an act.

    Raises:
        RefusedError: no role for it, no act, or money already given out would
            pass the new allocation.
        CallFileError: the file has faults.
        InputError: the act or the reason cannot be read.
    """
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    rules = load(path)
    given = lookups.read_act(act) if act else None
    try:
        loaded = _load(desk, rules, given, reason)
    except RefusedError as error:
        _record_refusal(desk, rules, error, given, reason)
        raise
    log.info("call_loaded", call=loaded.call, version=loaded.version)
    return loaded


def _load(
    desk: Desk, rules: CallDefinition, given: ActFacts | None, reason: str | None
) -> Loaded:
    with transaction(desk.engine) as session:
        actor = officers.identify(session, desk.identity)
        role = officers.require(actor, *_MAY_LOAD)
        query = select(Call).where(Call.code == rules.code).with_for_update()
        loading = _Loading(session, desk, rules, actor, role, given, reason)
        call = session.exec(query).first()
        if call is None:
            add_unless_there(session, loading.empty())
            call = session.exec(query).one()
        return loading.next(call) if call.version else loading.first(call)


def _record_refusal(
    desk: Desk,
    rules: CallDefinition,
    error: RefusedError,
    act: ActFacts | None,
    reason: str | None,
) -> None:
    """Record the refusal in the call's chain, if the call is there."""
    with transaction(desk.engine) as session:
        query = select(Call).where(Call.code == rules.code).with_for_update()
        call = session.exec(query).first()
        if call is None:
            return
        version = session.get_one(CallVersion, (call.id, call.version))
        try:
            actor = officers.identify(session, desk.identity)
        except RefusedError:
            actor = officers.unknown(desk.identity)
        append(
            session,
            desk,
            call,
            dated(call, desk),
            Draft(
                event="change_call",
                outcome=Outcome.REFUSED,
                actor=actor.entered(None),
                call_version=call.version,
                rules=version.fingerprint,
                act=act,
                reason=reason,
                findings={"file": fingerprint(rules)},
                refusal=refusal(error),
            ),
        )


@dataclass(frozen=True)
class _Loading:
    session: Session
    desk: Desk
    rules: CallDefinition
    actor: officers.Actor
    role: Role
    act: ActFacts | None
    reason: str | None

    def empty(self) -> Call:
        """Return a call that has no version yet."""
        return Call(
            id=self.desk.ambient.new_id(),
            code=self.rules.code,
            family=self.rules.family,
            version=0,
            allocation=self.rules.allocation.amount,
            head_hash=register.GENESIS,
            last_instant=self.desk.ambient.now(),
        )

    def first(self, call: Call) -> Loaded:
        """Give a call that was not there its first version."""
        return self._add_version(call, "load_call", ())

    def next(self, call: Call) -> Loaded:
        """Add a version to a call, if the file says something else."""
        kept = self.session.get_one(CallVersion, (call.id, call.version))
        if kept.fingerprint == fingerprint(self.rules):
            return Loaded(call.code, call.version, kept.fingerprint, changed=False)
        changed = tuple(
            differences(orjson.loads(kept.body), orjson.loads(dump(self.rules)))
        )
        shown = "; ".join(str(difference) for difference in changed[:3])
        if self.act is None:
            raise RefusedError(
                "act.missing",
                f"{call.code} is already loaded and this file differs ({shown}); a "
                'new version needs its act: --act "decreto 1234/2026-03-10"',
                {"differences": [str(difference) for difference in changed]},
            )
        officers.require(self.actor, *_MAY_CHANGE)
        self._check(call, parse(kept.body.encode()))
        return self._add_version(call, "change_call", changed)

    def _check(self, call: Call, before: CallDefinition) -> None:
        now = dated(call, self.desk)
        closes = self.rules.window.closes_at
        if closes < now and closes != before.window.closes_at:
            raise RefusedError(
                "call.closing_in_the_past",
                "window.closes_at has already passed; an act takes effect from now on",
            )
        committed = call.reserved + call.granted
        if self.rules.allocation.amount < committed:
            raise RefusedError(
                "call.allocation_below_committed",
                f"allocation.amount {format_money(self.rules.allocation.amount)} is "
                f"less than the {format_money(committed)} already reserved and "
                "granted; release that money first",
            )
        if self.rules.family != call.family:
            raise RefusedError(
                "call.family_changed",
                f"family: {call.code} follows {call.family} and running files cannot "
                "change procedure; load it under another code",
            )

    def _add_version(
        self, call: Call, event: str, changed: tuple[Difference, ...]
    ) -> Loaded:
        at = dated(call, self.desk)
        today = civil_day(at)
        if self.act is not None and self.act.signed_on > today:
            raise RefusedError(
                "act.future",
                f"--act {self.act} is dated after today, {today.isoformat()}",
            )
        act = (
            lookups.keep_act(self.session, self.desk, self.act, self.actor)
            if self.act
            else None
        )
        call.version += 1
        call.allocation = self.rules.allocation.amount
        hashed = fingerprint(self.rules)
        assert self.actor.id is not None  # noqa: S101 - only persons hold these roles
        self.session.add(
            CallVersion(
                call_id=call.id,
                number=call.version,
                fingerprint=hashed,
                body=dump(self.rules).decode(),
                act_id=act.id if act else None,
                reason=self.reason,
                loaded_at=at,
                loaded_by=self.actor.id,
            )
        )
        self.session.add(call)
        append(
            self.session,
            self.desk,
            call,
            at,
            Draft(
                event=event,
                outcome=Outcome.OK,
                actor=self.actor.entered(self.role),
                call_version=call.version,
                rules=hashed,
                act=self.act,
                reason=self.reason,
                findings={
                    "allocation": call.allocation,
                    "differences": [str(difference) for difference in changed],
                },
            ),
        )
        return Loaded(
            call.code, call.version, hashed, changed=True, differences=changed
        )


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
        call = lookups.find_call(session, code)
        rows = session.exec(
            select(CallVersion)
            .where(CallVersion.call_id == call.id)
            .order_by(col(CallVersion.number))
        ).all()
        bodies: list[Any] = [None, *(orjson.loads(row.body) for row in rows)]
        return tuple(
            VersionView(
                number=row.number,
                hash=row.fingerprint,
                loaded_at=row.loaded_at,
                loaded_by=session.get_one(Officer, row.loaded_by).login,
                act=_act(session, row),
                reason=row.reason,
                differences=tuple(differences(before, after)) if before else (),
            )
            for row, before, after in zip(rows, bodies, bodies[1:], strict=False)
        )


def _act(session: Session, row: CallVersion) -> str | None:
    if row.act_id is None:
        return None
    act = session.get_one(Act, row.act_id)
    return str(ActFacts(act.kind, act.number, act.signed_on))


def _view(session: Session, desk: Desk, call: Call) -> CallView:
    rules = lookups.rules_of(session, call.id, call.version)
    waiting = session.exec(
        select(Application.id)
        .where(Application.call_id == call.id)
        .where(Application.state == ApplicationState.WAITING)
    ).all()
    return CallView(
        code=call.code,
        title=rules.title,
        state=call_state(rules.window, desk.ambient.now()),
        version=call.version,
        rules=rules,
        allocation=call.allocation,
        reserved=call.reserved,
        granted=call.granted,
        waiting=len(waiting),
        filed=call.filed,
        entries=call.head_seq,
    )
