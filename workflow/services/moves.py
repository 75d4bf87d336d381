"""How is a move made: one transaction, all of it or nothing?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from config.logs import log
from config.schema import CallDefinition
from models.canonical import digest, encode
from models.session import reading, transaction
from models.tables import (
    Applicant,
    Application,
    Call,
    CallVersion,
    Command,
    Officer,
    RegisterEntry,
)
from models.vocabulary import ApplicationState, Event, Outcome, Role
from workflow import register
from workflow.desk import Desk
from workflow.errors import ConflictError, InputError, RefusedError
from workflow.facts import ActFacts, Facts, OrderKey
from workflow.machine import Consequences, Inputs, Move, Table, fire
from workflow.moves import TABLES
from workflow.moves.guards import rome
from workflow.rules.amounts import format_money
from workflow.rules.calendar import civil_day
from workflow.services import case_files, lookups, officers
from workflow.services.consequences import Writer, Written
from workflow.services.entries import Draft, EntryRef, append, dated, refusal

LONGEST_KEY = 100
"""Characters of an idempotency key."""


@dataclass(frozen=True, slots=True)
class MoveCommand:
    """What somebody asks for."""

    application: str
    event: Event
    inputs: Mapping[str, Any] = field(default_factory=dict)
    act: str | None = None
    reason: str | None = None
    key: str | None = None
    dry_run: bool = False
    expected_version: int | None = None
    """The version of the file the operator was looking at, if known."""
    meant: bool = False
    """The dry run of a command that is meant: its refusal is recorded too."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done, or would be (`dry_run`)."""

    application: str
    event: str
    source: str
    target: str
    version: int
    entry: EntryRef
    money: dict[str, Any]
    terms: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    findings: dict[str, Any]
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """Return the document that scripts rely on; money as text."""
        return {
            "application": self.application,
            "event": self.event,
            "from": self.source,
            "to": self.target,
            "version": self.version,
            "entry": {
                "call": self.entry.call,
                "seq": self.entry.seq,
                "hash": self.entry.hash,
            },
            "money": self.money,
            "terms": self.terms,
            "steps": self.steps,
            "notices": self.notices,
            "findings": self.findings,
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True)
class Opened:
    """A call and one of its applications, locked in this order."""

    call: Call
    application: Application
    rules: CallDefinition
    fingerprint: str

    @property
    def table(self) -> Table:
        """The table of moves that the call follows."""
        return TABLES[self.call.family]


def advance(desk: Desk, command: MoveCommand) -> dict[str, Any]:
    """Make one move on an application and return the receipt as JSON.

    State, entry, money, terms and notices are written together or not at all.
    A refused command is undone and then recorded as a refused entry.

    Raises:
        RefusedError: a rule says no, or the application is unknown.
        InputError: what was stated cannot be read.
        ConflictError: somebody changed the application meanwhile.
    """
    given, seen = read_inputs(desk, command)
    act = lookups.read_act(command.act) if command.act else None
    try:
        with transaction(desk.engine, keep=not command.dry_run) as session:
            opened = open_file(session, command.application)
            return _carry_out(
                session, desk, command, opened, given=given, act=act, seen=seen
            )
    except RefusedError as error:
        if command.meant or not command.dry_run:
            _record_refusal(desk, command, error, given=given, act=act)
        raise


def read_inputs(desk: Desk, command: MoveCommand) -> tuple[Inputs, int]:
    """Read what was stated for a move, and the version the operator can see.

    Raises:
        InputError: an option is missing, or cannot be read.
        RefusedError: the application is unknown, or its call has no such event.
    """
    _refuse_unwritable(command)
    with reading(desk.engine) as session:
        found = lookups.find_application(session, command.application)
        call = session.get_one(Call, found.call_id)
        rows = TABLES[call.family].of_event(command.event)
    if not rows:
        raise InputError(
            "event.unknown", f"this procedure has no event `{command.event}`"
        )
    try:
        given = rows[0].inputs.model_validate(dict(command.inputs))
    except ValidationError as error:
        raise InputError(
            "input.invalid",
            "; ".join(_sentence(fault) for fault in error.errors()),
            {"event": command.event.value},
        ) from error
    expected = command.expected_version
    return given, found.version if expected is None else expected


def _refuse_unwritable(command: MoveCommand) -> None:
    lookups.refuse_unwritable("act", command.act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", command.reason, lookups.LONGEST_REASON)
    lookups.refuse_unwritable("key", command.key, LONGEST_KEY)


def open_file(session: Session, name: str) -> Opened:
    """Lock the call, then the application: always in this order."""
    found = lookups.find_application(session, name)
    call = session.get_one(Call, found.call_id, with_for_update=True)
    session.refresh(found, with_for_update=True)
    version = session.get_one(CallVersion, (call.id, found.call_version))
    rules = lookups.rules_of(session, call.id, found.call_version)
    return Opened(call, found, rules, version.fingerprint)


def _carry_out(  # noqa: PLR0913 - the parts of one command
    session: Session,
    desk: Desk,
    command: MoveCommand,
    opened: Opened,
    *,
    given: Inputs,
    act: ActFacts | None,
    seen: int,
) -> dict[str, Any]:
    actor = officers.identify(session, desk.identity)
    fingerprint = _fingerprint(opened.application.id, command, given)
    key = f"move:{command.key}" if command.key else None
    if key and (answer := repeated(session, opened.call.id, key, fingerprint)):
        _role(actor, opened.table.of_event(command.event)[0])
        return answer
    if opened.application.version != seen:
        raise _conflict(session, opened)
    _refuse_filing(opened, command.event)
    try:
        receipt = make(
            session,
            desk,
            opened,
            actor,
            command.event,
            given=given,
            act=act,
            reason=command.reason,
            key=command.key,
            dry_run=command.dry_run,
        )
    except RefusedError as error:
        if _changed_meanwhile(opened, desk):
            raise _conflict(session, opened) from error
        raise
    answer = receipt.as_json()
    if key:
        remember(session, opened.call.id, key, fingerprint, answer)
    if not command.dry_run:
        log.info(
            "application_advanced",
            application=str(opened.application.id),
            event_name=command.event.value,
            seq=receipt.entry.seq,
        )
    return answer


def make(  # noqa: PLR0913 - the parts of one move
    session: Session,
    desk: Desk,
    opened: Opened,
    actor: officers.Actor,
    event: Event,
    *,
    given: Inputs,
    act: ActFacts | None = None,
    reason: str | None = None,
    key: str | None = None,
    dry_run: bool = False,
    order_key: OrderKey | None = None,
) -> Receipt:
    """Make a move inside a transaction that holds the call's lock.

    Raises:
        RefusedError: the role, the state or a guard says no.
    """
    call, application = opened.call, opened.application
    source = application.state
    move = opened.table.find(event, source)
    role = _role(actor, move)
    at = dated(call, desk)
    if event == Event.GRANT:
        # The ceiling counts the grants of all calls, and the lock of one is not
        # enough: two of them could use up the same room at once.
        session.get_one(Applicant, application.applicant_id, with_for_update=True)
    facts = case_files.collect(
        session,
        call,
        opened.rules,
        application,
        now=at,
        act=act,
        reason=reason,
        role=role,
        key=order_key,
    )
    application.state = fire(opened.table, event, source, facts, given)
    brought = move.effect(facts, given)
    if act is not None:
        _refuse_untimely(act, facts)
        lookups.keep_act(session, desk, act, actor)
    _take_codes(session, application, brought)
    if order_key is not None:
        _freeze_place(call, application, order_key)
    application.version += 1
    application.changed_at = at
    written = Writer(session, desk, call, application, facts).write(move, brought)
    session.add(application)
    entry = append(
        session,
        desk,
        call,
        at,
        Draft(
            event=event.value,
            outcome=Outcome.OK,
            actor=actor.entered(role),
            call_version=application.call_version,
            rules=opened.fingerprint,
            application=application.id,
            protocol=lookups.protocol(application),
            source=source.value,
            target=application.state.value,
            version=application.version,
            act=act,
            reason=reason,
            basis=move.basis,
            inputs=given.model_dump(mode="json", exclude_none=True),
            order=_order(facts),
            money=written.money,
            steps=written.steps,
            terms=written.terms,
            notices=written.notices,
            findings=dict(brought.findings),
            key=key,
        ),
    )
    session.flush()
    return _receipt(
        application,
        event,
        source,
        entry,
        written,
        findings=dict(brought.findings),
        dry_run=dry_run,
    )


def repeated(
    session: Session, call_id: UUID, key: str, fingerprint: str
) -> dict[str, Any] | None:
    """Return the answer already given under an idempotency key.

    Raises:
        RefusedError: the key was used for something else.
    """
    known = session.get(Command, (call_id, key))
    if known is None:
        return None
    if known.digest != fingerprint:
        raise RefusedError(
            "key.reused",
            f"the key `{key.partition(':')[2]}` was already used for something else; "
            "choose a new key",
        )
    answer: dict[str, Any] = orjson.loads(known.answer)
    return answer


def remember(
    session: Session,
    call_id: UUID,
    key: str,
    fingerprint: str,
    answer: Mapping[str, Any],
) -> None:
    """Keep the answer to a command under its key, in the command's transaction."""
    session.add(
        Command(
            call_id=call_id,
            key=key,
            digest=fingerprint,
            answer=orjson.dumps(dict(answer)).decode(),
        )
    )
    session.flush()


def record_refused(  # noqa: PLR0913 - the parts of one entry
    session: Session,
    desk: Desk,
    opened: Opened,
    error: RefusedError,
    event: Event,
    *,
    given: Inputs,
    act: ActFacts | None = None,
    reason: str | None = None,
    key: str | None = None,
) -> EntryRef:
    """Write a refused entry: refusals are evidence too."""
    call, application = opened.call, opened.application
    try:
        actor = officers.identify(session, desk.identity)
    except RefusedError:
        actor = officers.unknown(desk.identity)
    at = dated(call, desk)
    rows = [
        move
        for move in opened.table.of_event(event)
        if application.state in move.sources
    ]
    return append(
        session,
        desk,
        call,
        at,
        Draft(
            event=event.value,
            outcome=Outcome.REFUSED,
            actor=actor.entered(rows[0].role if rows else None),
            call_version=application.call_version,
            rules=opened.fingerprint,
            application=application.id,
            protocol=lookups.protocol(application),
            source=application.state.value,
            version=application.version,
            act=act,
            reason=reason,
            basis=rows[0].basis if rows else None,
            inputs=given.model_dump(mode="json", exclude_none=True),
            findings=dict(error.details),
            key=key,
            refusal=refusal(error),
        ),
    )


def _record_refusal(
    desk: Desk,
    command: MoveCommand,
    error: RefusedError,
    *,
    given: Inputs,
    act: ActFacts | None,
) -> None:
    with transaction(desk.engine) as session:
        try:
            opened = open_file(session, command.application)
        except RefusedError:
            return  # no such application: there is no chain to write to
        entry = record_refused(
            session,
            desk,
            opened,
            error,
            command.event,
            given=given,
            act=act,
            reason=command.reason,
            key=command.key,
        )
    log.info(
        "command_refused",
        application=str(opened.application.id),
        event_name=command.event.value,
        code=error.code,
        seq=entry.seq,
    )


def _role(actor: officers.Actor, move: Move) -> Role:
    if move.automatic:
        return officers.require(actor, move.role, Role.SYSTEM)
    return officers.require(actor, move.role)


def _refuse_untimely(act: ActFacts, facts: Facts) -> None:
    """Refuse an act signed before the file was there, or not signed yet."""
    if act.signed_on > facts.today:
        raise RefusedError(
            "act.future",
            f"--act {act} is dated after today, {facts.today.isoformat()}; "
            "an act is brought once it is signed",
        )
    key = facts.application.key
    if key is not None and act.signed_on < civil_day(key.received_at):
        raise RefusedError(
            "act.too_early",
            f"--act {act} is dated before the application was received, "
            f"{civil_day(key.received_at).isoformat()}; check the date of the act",
        )


def _take_codes(
    session: Session, application: Application, brought: Consequences
) -> None:
    """Set the codes of a grant; the database keeps each for one application.

    Looking for them first would miss a grant made at once in another call.
    """
    codes = {"cor", "cup"} & brought.updates.keys()
    if not codes:
        return
    try:
        with session.begin_nested():
            for name in codes:
                setattr(application, name, brought.updates[name])
            session.flush()
    except IntegrityError as error:
        raise RefusedError(
            "grant.code_used",
            "another application already has this COR or this CUP; check the codes",
        ) from error


def _freeze_place(call: Call, application: Application, key: OrderKey) -> None:
    call.filed += 1
    application.received_at = key.received_at
    application.protocol_year = key.protocol_year
    application.protocol_number = key.protocol_number
    application.filed_seq = call.filed


def _refuse_filing(opened: Opened, event: Event) -> None:
    """Keep what only a submission line can bring out of the hands of officers."""
    if all(move.by_intake for move in opened.table.of_event(event)):
        raise RefusedError(
            "event.by_intake",
            f"`{event}` is made by taking a submission in, with its place in the "
            "order; use `sportello intake CALL FILE`",
        )


def _changed_meanwhile(opened: Opened, desk: Desk) -> bool:
    """Tell whether the file changed after the command was given.

    A simulated clock stands still between commands and cannot tell.
    """
    return not desk.ambient.simulated and opened.application.changed_at > desk.typed_at


def _conflict(session: Session, opened: Opened) -> ConflictError:
    """Say who changed the application, what they did and when."""
    application = opened.application
    session.expire_all()
    query = (
        select(RegisterEntry)
        .where(RegisterEntry.call_id == opened.call.id)
        .where(RegisterEntry.application_id == application.id)
        .where(RegisterEntry.outcome == Outcome.OK)
        .order_by(col(RegisterEntry.seq).desc())
    )
    last = session.exec(query).first()
    return _told(session, opened, last)


def _told(
    session: Session, opened: Opened, last: RegisterEntry | None
) -> ConflictError:
    name = lookups.named(opened.application)
    if last is None:
        return ConflictError("application.changed", f"{name} changed meanwhile")
    officer = session.get(Officer, last.actor_id) if last.actor_id else None
    who = officer.login if officer else "a worker"
    return ConflictError(
        "application.changed",
        f"{name} changed meanwhile: {who} made `{last.event}` at {rome(last.at)} "
        f"(Rome) and it is now `{opened.application.state}`; look at it with "
        f"`sportello show {name}`, then decide again",
        {"version": opened.application.version, "seq": last.seq, "by": who},
    )


def _fingerprint(application: UUID, command: MoveCommand, given: Inputs) -> str:
    return digest(
        encode(
            {
                "application": str(application),
                "event": command.event.value,
                "inputs": given.model_dump(mode="json", exclude_none=True),
                "act": command.act,
                "reason": command.reason,
            }
        )
    )


def _order(facts: Facts) -> dict[str, Any] | None:
    key = facts.application.key
    if key is None:
        return None
    return {
        "received_at": register.written(key.received_at),
        "protocol_year": key.protocol_year,
        "protocol_number": key.protocol_number,
        "earlier_waiting": len(facts.earlier),
    }


def _receipt(  # noqa: PLR0913 - the parts of one answer
    application: Application,
    event: Event,
    source: ApplicationState,
    entry: EntryRef,
    written: Written,
    *,
    findings: dict[str, Any],
    dry_run: bool,
) -> Receipt:
    after = written.money["after"]
    return Receipt(
        application=lookups.named(application),
        event=event.value,
        source=source.value,
        target=application.state.value,
        version=application.version,
        entry=entry,
        money={
            "requested": format_money(application.requested),
            "reserved": format_money(application.reserved),
            "granted": format_money(application.granted),
            "residual": format_money(after["residual"]),
            "movements": [
                {
                    "kind": movement["kind"],
                    "reserved": format_money(movement["reserved"]),
                    "granted": format_money(movement["granted"]),
                }
                for movement in written.money["movements"]
            ],
        },
        terms=written.terms,
        notices=written.recipients,
        steps=written.steps,
        findings=findings,
        dry_run=dry_run,
    )


def _sentence(fault: Mapping[str, Any]) -> str:
    """Say what is wrong with an option, in the words of its help."""
    where = "--" + str(fault["loc"][0]).replace("_", "-") if fault["loc"] else "input"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is no option of this event"
    if kind == "value_error":
        return f"{where}: {context['error']}"
    return f"{where} `{fault['input']}`: {str(fault['msg']).lower()}"
