"""How is a move made: one transaction, all of it or nothing?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import bindparam
from sqlmodel import col, select

from config.kinds import said
from config.logs import log
from models.canonical import digest, encode
from models.session import asking, transaction
from models.tables import Application, Call, Officer, RegisterEntry
from models.vocabulary import Event, Outcome
from workflow.desk import Desk
from workflow.errors import ConflictError, InputError, RefusedError
from workflow.facts import ActFacts
from workflow.machine import Inputs, Table
from workflow.moves.families import TABLES
from workflow.moves.words import rome
from workflow.services import (
    answers,
    lookups,
    mailings,
    officers,
    promotions,
    windows,
)
from workflow.services.entries import Draft, EntryRef, chain, dated, refusal
from workflow.services.making import make, required_role
from workflow.services.open_calls import OpenCall

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


def advance(desk: Desk, command: MoveCommand) -> dict[str, Any]:
    """Make one move on an application and return the receipt as JSON.

    State, entry, money, terms and notices are written together or not at all.
    A refused command is undone and then recorded as a refused entry.

    Raises:
        RefusedError: a rule says no, or the application is unknown.
        InputError: what was stated cannot be read.
        ConflictError: somebody changed the application meanwhile.
    """
    given, meant, seen = read_inputs(desk, command)
    act = lookups.read_act(command.act) if command.act else None
    try:
        with opened_file(desk, meant, keep=not command.dry_run) as file:
            return _carry_out(file, command, given=given, act=act, seen=seen)
    except RefusedError as error:
        if command.meant or not command.dry_run:
            _record_refusal(desk, command, error, meant, given=given, act=act)
        raise


class Meant(NamedTuple):
    """Which file somebody means, and of which call it is: neither ever changes."""

    call: UUID
    application: UUID


def read_inputs(desk: Desk, command: MoveCommand) -> tuple[Inputs, Meant, int]:
    """Read what was stated, on which file, and the version the operator can see.

    Raises:
        InputError: an option is missing, or cannot be read.
        RefusedError: the application is unknown, or its call has no such event.
    """
    _refuse_unwritable(command)
    with asking(desk.engine) as session:
        found = lookups.find_application(session, command.application)
        family = session.exec(_FAMILY, params={"call": found.call_id}).one()
        rows = TABLES[family].of_event(command.event)
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
    seen = command.expected_version
    meant = Meant(found.call_id, found.id)
    return given, meant, found.version if seen is None else seen


# Made once: to make a statement takes longer than to send it.
_FAMILY = select(Call.family).where(col(Call.id) == bindparam("call"))


def _refuse_unwritable(command: MoveCommand) -> None:
    lookups.refuse_unwritable("act", command.act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", command.reason, lookups.LONGEST_REASON)
    lookups.refuse_unwritable("key", command.key, LONGEST_KEY)


class OpenFile(NamedTuple):
    """A file that is locked, with its call, and all that was due on it done."""

    work: OpenCall
    application: Application
    version: int
    """At which version it was found, before what was due."""
    changed_at: datetime
    """When it had last changed by then."""


@contextmanager
def opened_file(desk: Desk, meant: Meant, *, keep: bool = True) -> Iterator[OpenFile]:
    """Lock the call, then the application: always in this order.

    What is due on the call by then is done first: nothing is decided on rules that
    are no longer in force, nor on a term that has ended unnoticed.
    """
    with transaction(desk.engine, keep=keep) as session:
        call = session.get_one(Call, meant.call, with_for_update=True)
        found = session.get_one(Application, meant.application, with_for_update=True)
        version, changed_at = found.version, found.changed_at
        desk = desk.at_one_instant()
        work = OpenCall(session, desk, call)
        windows.bring_up_to_date(session, desk, call)
        yield OpenFile(work, found, version, changed_at)
        work.flush()


def _carry_out(
    file: OpenFile,
    command: MoveCommand,
    *,
    given: Inputs,
    act: ActFacts | None,
    seen: int,
) -> dict[str, Any]:
    work, application = file.work, file.application
    session, desk = work.session, work.desk
    actor = officers.identify(session, desk)
    fingerprint = _fingerprint(application.id, command, given)
    key = f"move:{command.key}" if command.key else None
    if key and (answer := answers.repeated(session, work.call.id, key, fingerprint)):
        required_role(actor, work.table.of_event(command.event)[0])
        return answer
    if conflict := _moved_since(file, command, seen):
        raise conflict
    _refuse_filing(work.table, command.event)
    try:
        receipt = make(
            work,
            application,
            actor,
            command.event,
            given=given,
            act=act,
            reason=command.reason,
            key=command.key,
        )
    except RefusedError as error:
        if conflict := _changed_meanwhile(file, desk):
            raise conflict from error
        raise
    promoted = promotions.run(work)
    notices = receipt.notices
    if work.call.head_seq > work.began + 1:  # others may be written to as well
        notices = mailings.written_since(
            session, work.call, work.began, first=application.id
        )
    answer = replace(
        receipt, promotions=promoted, notices=notices, dry_run=command.dry_run
    ).as_json()
    if key:
        answers.remember(work.batch, work.call.id, key, fingerprint, answer)
    if not command.dry_run:
        log.info(
            "application_advanced",
            application=str(application.id),
            event_name=command.event.value,
            seq=receipt.entry.seq,
        )
    return answer


def _record_refusal(  # noqa: PLR0913 - the parts of one entry
    desk: Desk,
    command: MoveCommand,
    error: RefusedError,
    meant: Meant,
    *,
    given: Inputs,
    act: ActFacts | None,
) -> None:
    """Write a refused entry: refusals are evidence too."""
    with opened_file(desk, meant) as file:
        entry = _refused_entry(
            file.work, file.application, command, error, given=given, act=act
        )
    log.info(
        "command_refused",
        application=str(meant.application),
        event_name=command.event.value,
        code=error.code,
        seq=entry.seq,
    )


def _refused_entry(  # noqa: PLR0913 - the parts of one entry
    work: OpenCall,
    application: Application,
    command: MoveCommand,
    error: RefusedError,
    *,
    given: Inputs,
    act: ActFacts | None,
) -> EntryRef:
    rows = [
        move
        for move in work.table.of_event(command.event)
        if application.state in move.sources
    ]
    return chain(
        work.batch,
        work.desk,
        work.call,
        dated(work.call, work.desk),
        Draft(
            event=command.event.value,
            outcome=Outcome.REFUSED,
            actor=officers.whoever(work.session, work.desk).entered(
                rows[0].role if rows else None
            ),
            call_version=application.call_version,
            rules=work.rules(application.call_version).fingerprint,
            application=application.id,
            protocol=lookups.protocol(application),
            source=application.state.value,
            version=application.version,
            act=act,
            reason=command.reason,
            basis=rows[0].basis if rows else None,
            inputs=given.entered(),
            findings=dict(error.details),
            key=command.key,
            refusal=refusal(error),
        ),
    )


def _refuse_filing(table: Table, event: Event) -> None:
    """Keep what only a submission line, or time, can bring out of officers' hands."""
    if all(move.by_intake for move in table.of_event(event)):
        raise RefusedError(
            "event.by_intake",
            f"`{event}` is made by taking a submission in, with its place in the "
            "order; use `sportello intake CALL FILE`",
        )
    if all(move.by_call for move in table.of_event(event)):
        raise RefusedError(
            "event.by_call",
            f"`{event}` is made by an act on the ranking of the whole call; use "
            "`sportello call rank`, `call fund` or `call conclude`",
        )
    if all(move.by_sweep for move in table.of_event(event)):
        raise RefusedError(
            "event.by_sweep",
            f"`{event}` is made by the workers when its instant has come; "
            "`sportello sweep` does all that is due",
        )


def _moved_since(
    file: OpenFile, command: MoveCommand, seen: int
) -> ConflictError | None:
    """Tell whether somebody moved the file since the version that was seen.

    What the workers did meanwhile is nobody's: on that the guards decide, unless
    the operator said which version is expected.
    """
    application = file.application
    if seen in {file.version, application.version}:
        return None
    made = _made(file, application.version - seen)
    if command.expected_version is not None:
        return _conflict(file, made)
    by_people = [entry for entry in made if entry.actor_id is not None]
    return _conflict(file, by_people) if by_people else None


def _changed_meanwhile(file: OpenFile, desk: Desk) -> ConflictError | None:
    """Tell whether somebody changed the file after the command was given.

    What was due is not somebody. A simulated clock stands still between commands
    and cannot tell.
    """
    if desk.ambient.simulated or file.changed_at <= desk.typed_at:
        return None
    file.work.session.expire_all()  # what was refused may have been begun
    made = [
        entry
        for entry in _made(file, file.application.version)
        if entry.at > desk.typed_at and entry.actor_id is not None
    ]
    return _conflict(file, made) if made else None


def _made(file: OpenFile, most: int) -> Sequence[RegisterEntry]:
    """Return the last moves that were made on a file, the latest first."""
    return file.work.session.exec(
        select(RegisterEntry)
        .where(RegisterEntry.call_id == file.work.call.id)
        .where(RegisterEntry.application_id == file.application.id)
        .where(RegisterEntry.outcome == Outcome.OK)
        .order_by(col(RegisterEntry.seq).desc())
        .limit(max(most, 1))
    ).all()


def _conflict(file: OpenFile, made: Sequence[RegisterEntry]) -> ConflictError:
    """Say who changed the application, what they did and when."""
    name, application = lookups.named(file.application), file.application
    if not made:
        return ConflictError("application.changed", f"{name} changed meanwhile")
    last = made[0]
    officer = file.work.session.get(Officer, last.actor_id) if last.actor_id else None
    who = officer.login if officer else "a worker"
    return ConflictError(
        "application.changed",
        f"{name} changed meanwhile: {who} made `{last.event}` at {rome(last.at)} "
        f"(Rome) and it is now `{application.state}`; look at it with "
        f"`sportello show {name}`, then decide again",
        {"version": application.version, "seq": last.seq, "by": who},
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
    return f"{where} `{fault['input']}`: {said(fault)}"
