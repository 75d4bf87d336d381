"""How is a move made inside a transaction that holds the call's lock?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from models.tables import Applicant, Application, Call
from models.vocabulary import (
    ApplicationState,
    Event,
    NoticeStatus,
    Outcome,
    Role,
)
from workflow import register
from workflow.errors import RefusedError
from workflow.facts import ActFacts, Facts, Place
from workflow.letters.contradictions import groundless
from workflow.letters.gathering import Making
from workflow.machine import Consequences, Inputs, Move, fire
from workflow.moves.arrivals import not_decided
from workflow.rules.amounts import format_money
from workflow.rules.calendar import civil_day
from workflow.services import (
    case_files,
    deeds,
    drops,
    erasures,
    letters,
    lookups,
    officers,
    partnerships,
    responsible,
    undertakings,
)
from workflow.services.consequences import Writer, Written
from workflow.services.entries import Draft, EntryRef, chain, dated
from workflow.services.open_calls import OpenCall

NO_NOTES: Mapping[str, object] = MappingProxyType({})


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
    notices: list[dict[str, str]]
    """The letters: those about this file, then all others of the same command."""
    steps: list[dict[str, Any]]
    findings: dict[str, Any]
    promotions: list[dict[str, Any]] = field(default_factory=list)
    """Who took the money that the move set free."""
    dry_run: bool = False

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
            "promotions": self.promotions,
            "dry_run": self.dry_run,
        }


def make(  # noqa: PLR0913 - the parts of one move
    work: OpenCall,
    application: Application,
    actor: officers.Actor,
    event: Event,
    *,
    given: Inputs,
    act: ActFacts | None = None,
    reason: str | None = None,
    key: str | None = None,
    notes: Mapping[str, object] = NO_NOTES,
    queued: Sequence[Place] | None = None,
    as_of: datetime | None = None,
) -> Receipt:
    """Make a move on a filed application of a locked call.

    *queued* is everyone who holds a place, for who has read them already; *as_of*
    the instant that counts, if it is noticed later.

    Raises:
        RefusedError: the role, the state or a guard says no.
    """
    session = work.session
    if not (verdict := not_decided(application.state, given)):
        raise RefusedError(verdict.code, verdict.message, verdict.details)
    if event == Event.GRANT:
        applicant = session.get_one(Applicant, application.applicant_id)
        undertakings.lock(session, [applicant])
    case = case_files.read(session, application)
    facts = case_files.collect(
        session,
        work.call,
        case,
        now=as_of or dated(work.call, work.desk),
        stated=case_files.Stated(act, reason, actor.hands),
        queued=queued,
        reckons=any(move.reckons for move in work.table.of_event(event)),
        people=(
            deeds.of(
                session, work.table, application, about=getattr(given, "officer", None)
            )
            if deeds.matter(work.table, event)
            else case_files.NOBODY
        ),
    )
    facts = partnerships.with_stated(work, facts, application, given)
    receipt = carry_out(
        work,
        case,
        facts,
        event,
        given=given,
        actor=actor,
        key=key,
        notes=notes if as_of is None else {"due_at": register.written(as_of), **notes},
        at=dated(work.call, work.desk),
    )
    work.flush()
    return receipt


def carry_out(  # noqa: PLR0913 - the parts of one move
    work: OpenCall,
    case: case_files.CaseFile,
    facts: Facts,
    event: Event,
    *,
    given: Inputs,
    actor: officers.Actor,
    key: str | None = None,
    notes: Mapping[str, object] = NO_NOTES,
    files: bool = False,
    at: datetime | None = None,
) -> Receipt:
    """Make a move on gathered facts; what is new waits in the batch.

    *at* is when it is written, if the facts speak of an earlier instant as of
    which it is made.

    *notes* are what the entry finds beside the move's own findings. With
    ``files=True`` the application gets the place that the facts speak of.

    Raises:
        RefusedError: the state or a guard says no.
    """
    call, application = work.call, case.application
    erasures.refuse_erased(call)
    source, without_money = application.state, work.without_money(application)
    planned = _Planned(work, case, facts, given, actor)
    application.state = fire(
        work.table, event, source, facts, given, prepare=planned.prepare
    )
    brought = planned.brought
    if files:
        _freeze_place(call, application, facts)
    if facts.act is not None:
        _refuse_untimely(facts.act, facts)
        lookups.keep_act(work.session, work.desk, facts.act, actor)
    _take_codes(work.session, application, brought)
    at = at or facts.now
    application.version += 1
    application.changed_at = at
    writer = Writer(work, case, planned.seen, without_money, at, planned.dropped)
    written = writer.write(planned.move, brought, planned.letters)
    entry = chain(
        work.batch,
        work.desk,
        call,
        at,
        Draft(
            event=event.value,
            outcome=Outcome.OK,
            actor=actor.entered(actor.hands.capacity(planned.move.roles)),
            call_version=application.call_version,
            rules=case.fingerprint,
            application=application.id,
            protocol=lookups.protocol(application),
            source=source.value,
            target=application.state.value,
            version=application.version,
            act=facts.act,
            reason=facts.reason,
            basis=planned.move.basis,
            inputs=given.entered(),
            order=_order(facts),
            money=written.money,
            steps=written.steps,
            terms=written.terms,
            notices=written.notices,
            findings={**written.findings, **notes},
            key=key,
        ),
    )
    return _receipt(application, event, source, entry, written)


class _Planned:
    """What a move will bring, and its letters: made before anything is changed."""

    move: Move
    seen: Facts
    """The facts on which it is made: those of when it came in, if that was before."""
    brought: Consequences
    letters: tuple[letters.Written, ...]
    dropped: Mapping[UUID, str]
    """Letters that do not leave any more, and why."""

    def __init__(
        self,
        work: OpenCall,
        case: case_files.CaseFile,
        facts: Facts,
        given: Inputs,
        actor: officers.Actor,
    ) -> None:
        self._work, self._case, self._actor = work, case, actor
        self._facts, self._given = facts, given

    def prepare(self, move: Move) -> None:
        """Reckon what the move brings, and write its letters."""
        self.move, seen = move, move.seen(self._facts, self._given)
        self.brought = move.effect(seen, self._given)
        self.dropped = drops.found(
            self._work.session, self._case.notices, groundless(move, self.brought)
        )
        self.seen = _without(seen, self.dropped) if self.dropped else seen
        terms = letters.terms_to_reckon(self._case, move.event)
        writes = move.letters or self.brought.letters
        making = Making(
            move,
            self.seen,
            self._given,
            self.brought,
            terms,
            self._responsible() if writes else None,
        )
        self.letters = letters.write(self._case, making)

    def _responsible(self) -> str:
        application = self._case.application
        was_filed = application.received_at is not None
        return responsible.named(
            self._work,
            self._case.rules,
            self._actor,
            file=application.id if was_filed else None,
        )


def _without(facts: Facts, dropped: Mapping[UUID, str]) -> Facts:
    """Return the facts in which letters have been kept from leaving."""
    notices = tuple(
        replace(one, status=NoticeStatus.DROPPED) if one.id in dropped else one
        for one in facts.notices
    )
    return replace(facts, notices=notices)


def required_role(actor: officers.Actor, move: Move) -> Role:
    """Return the role in which a move is made.

    Raises:
        RefusedError: the actor does not hold it.
    """
    return officers.require(actor, *move.roles)


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


def _freeze_place(call: Call, application: Application, facts: Facts) -> None:
    key = facts.application.key
    if key is None:
        message = f"application {application.id} is filed without a place"
        raise AssertionError(message)
    call.filed += 1
    application.received_at = key.received_at
    application.protocol_year = key.protocol_year
    application.protocol_number = key.protocol_number
    application.filed_seq = call.filed


def _order(facts: Facts) -> dict[str, Any] | None:
    key = facts.application.key
    if key is None:
        return None
    return {
        "received_at": register.written(key.received_at),
        "protocol_year": key.protocol_year,
        "protocol_number": key.protocol_number,
        **({} if facts.alone else {"earlier_waiting": _ahead(facts)}),
    }


def _ahead(facts: Facts) -> int:
    return facts.filing.ahead if facts.filing else len(facts.earlier)


def _receipt(
    application: Application,
    event: Event,
    source: ApplicationState,
    entry: EntryRef,
    written: Written,
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
        findings=written.findings,
    )
