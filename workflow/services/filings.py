"""What happens to a group of submissions, while the call is locked?

Each line is checked before it gets a number, so that one that is refused leaves
no gap and disturbs no other. What the lines need and bring is in their `Bundle`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, tuple_

from config.schema import CallDefinition
from models.canonical import digest
from models.tables import Application
from models.vocabulary import (
    ActorKind,
    CallEvent,
    CallState,
    Cents,
    Event,
    OrderPolicy,
    Outcome,
    ReceiptClock,
    Role,
)
from workflow import filed as proofs
from workflow import register
from workflow.errors import RefusedError
from workflow.facts import (
    ApplicantFacts,
    Facts,
    FilingFacts,
    OrderKey,
    PartnershipFacts,
    Place,
)
from workflow.machine import Inputs
from workflow.moves import placements
from workflow.moves.guards.receipt import CLOCKS_APART
from workflow.rules import money
from workflow.rules.calendar import civil_day
from workflow.services import (
    answers,
    call_moves,
    call_versions,
    case_files,
    draws,
    erasures,
    lookups,
    memberships,
    officers,
    partnerships,
    promotions,
    sets,
    submissions,
    windows,
)
from workflow.services.bundles import Bundle, Contents
from workflow.services.call_asked import Asked
from workflow.services.entries import Draft, chain, dated, refusal
from workflow.services.making import NO_NOTES, carry_out, required_role
from workflow.services.open_calls import OpenCall
from workflow.services.partnerships import Leading
from workflow.services.standings import KEY, Memory, Standing, bound
from workflow.services.submissions import Submission

_CLOSED = (CallState.CLOSED, CallState.CONCLUDED)
_MOMENT = timedelta(microseconds=1)
_COLUMNS = Application.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it


@dataclass(frozen=True, slots=True)
class Line:
    """One line of submissions, as far as it can be read."""

    number: int
    content: bytes
    filed: Submission | None
    error: RefusedError | None = None


def read(number: int, content: bytes, *, gives_money: bool = True) -> Line:
    """Read a line; what is wrong with it is kept and answered in its turn."""
    try:
        filed = submissions.read(content, gives_money=gives_money)
        return Line(number, content, filed)
    except RefusedError as error:
        return Line(number, content, None, error)


def take(work: OpenCall, lines: Iterable[Line], memory: Memory) -> list[dict[str, Any]]:
    """Take a group of submissions in and answer each; the call is locked."""
    lines, filed = tuple(lines), work.call.filed
    _follow_the_portal(work, lines)
    group = _Group(work, lines, memory.standing(work))
    told = [group.answer(line) for line in group.lines]
    group.bundle.close()
    if (
        work.call.filed > filed
        and work.call.state in _CLOSED
        and sets.is_ranked(work.call)
    ):
        _freeze_again(work)
    memory.keep(group.standing)
    return told


def _follow_the_portal(work: OpenCall, lines: Iterable[Line]) -> None:
    """Open and close the counter by the clock of the portal, where that one counts.

    It may be ahead of ours: who comes at the opening finds the counter open, and
    who comes after the closing finds it closed.
    """
    filing = work.rules().definition.filing
    if filing.clock != ReceiptClock.PORTAL:
        return
    latest = max(
        (
            line.filed.received_at
            for line in lines
            if line.filed is not None
            and line.filed.received_at is not None
            and line.filed.channel == filing.channel
        ),
        default=None,
    )
    now = dated(work.call, work.desk)
    if latest is not None and latest > now:
        windows.bring_up_to_date(
            work.session, work.desk, work.call, until=min(latest, now + CLOCKS_APART)
        )


def _freeze_again(work: OpenCall) -> None:
    """Close a set again that somebody entered in time, and was handed over late."""
    work.flush()
    call_moves.make(
        work.session,
        work.desk.as_worker("intake"),
        work.call,
        officers.WORKER,
        Asked(CallEvent.FREEZE_SET),
    )


def refuse_file(work: OpenCall, error: RefusedError) -> None:
    """Record that a whole file was refused, because of who brought it."""
    line = Line(0, b"", None, error)
    _Group(work, (line,), Standing(work)).answer(line)


class _Group:
    """The lines of a group, and how the counter stands for them."""

    def __init__(
        self, work: OpenCall, lines: tuple[Line, ...], standing: Standing
    ) -> None:
        self.work, self.lines, self.standing = work, lines, standing
        self.actor = officers.whoever(work.session, work.desk)
        filed = [line.filed for line in lines if line.filed is not None]
        self.bundle = Bundle(work, filed)
        self._idempotency_key = ""
        self._starts: tuple[tuple[datetime, int], ...] = ()

    # One line

    def answer(self, line: Line) -> dict[str, Any]:
        """Take a line in, or refuse it; both are entries of the register."""
        try:
            if line.error is not None:
                raise line.error
            assert line.filed is not None  # noqa: S101 - it is, if there is no error
            return {"line": line.number, **self._take(line.filed)}
        except RefusedError as error:
            return self._refuse(line, error)

    def _take(self, filed: Submission) -> dict[str, Any]:
        if known := self._answered(filed):
            return {**known, "outcome": "duplicate"}
        if self.actor.kind == ActorKind.UNKNOWN:
            officers.identify(self.work.session, self.work.desk)
        self._idempotency_key = filed.idempotency_key
        told = self._note_draft(filed) if filed.draft else self._submit(filed)
        self.bundle.given[filed.idempotency_key] = answers.remember(
            self.work.batch,
            self.work.call.id,
            filed.idempotency_key,
            filed.fingerprint,
            told,
        )
        return told

    def _answered(self, filed: Submission) -> dict[str, Any] | None:
        """Return the answer that this submission already had."""
        known = self.bundle.given.get(filed.idempotency_key)
        try:
            if known is None:
                return None
            return answers.same(filed.idempotency_key, known, filed.fingerprint)
        except RefusedError as error:
            if filed.key is not None:
                raise
            raise RefusedError(
                "submission.portal_id_used",
                f"`portal_id` {filed.portal_id} was already filed with other "
                "contents; a new application needs a new `portal_id`",
            ) from error

    def _submit(self, filed: Submission) -> dict[str, Any]:
        key = self._next_key(filed)
        case, before = self._case(filed, key)
        try:
            yielding = self._yielding(filed, key)
            if yielding:
                self._check(case, key, yielding)
                self.bundle.write()
                for place in yielding:
                    promotions.give_back(
                        self.work.as_worker("intake"),
                        place,
                        f"{lookups.numbered(key)} arrived earlier, and was handed over "
                        f"later: received {register.written(key.received_at)}",
                    )
            filing = self.standing.filing(key)
            self._settle_members(case, key)
            facts = self._make(case, Event.SUBMIT, key, filing, _proof(filed, case))
        except RefusedError:
            _undo(case, before)
            raise
        self.bundle.number(key.protocol_year).last = key.protocol_number
        self.bundle.keep(filed, case, facts.partnership)
        name = lookups.named(case.application)
        self.bundle.active[case.applicant.id] = name
        members = (filed.applicant.tax_code, *(one.tax_code for one in filed.partners))
        self.bundle.held.update(dict.fromkeys(members, name))
        position = self._placed(case.application, key)
        decision = placements.decision(facts)
        if decision is not None and decision.suspends:
            self._suspend(key.received_at)
        ranked = self.standing.rules.counter.order is OrderPolicy.RANKING
        taken = ranked or _has_its_place(case.application)
        outcome = "submitted" if taken else "waiting"
        return _told(filed, outcome, case.application, position)

    def _note_draft(self, filed: Submission) -> dict[str, Any]:
        case, before = self._case(filed, None)
        try:
            self._make(case, Event.REGISTER_DRAFT)
        except RefusedError:
            _undo(case, before)
            raise
        self.bundle.keep(filed, case)
        self.bundle.write()
        return _told(filed, "draft", case.application, None)

    def _case(
        self, filed: Submission, key: OrderKey | None
    ) -> tuple[case_files.CaseFile, "_Before"]:
        """Return the file that a line is about, and what stood in it before.

        A draft has the contents of the line from here on: the guards read them
        in its row.
        """
        contents = self._contents(filed, key)
        rules = self.work.rules(contents["call_version"])
        application, applicant = self.bundle.find(filed, contents)
        stood = {name: getattr(application, name) for name in contents}
        before = _Before(stood, applicant.name, applicant.pec)
        _set(application, contents)
        if not applicant.pec:  # known so far only because another has named it
            applicant.name, applicant.pec = filed.applicant.name, filed.applicant.pec
        case = case_files.CaseFile(
            application=application,
            applicant=applicant,
            rules=rules.definition,
            fingerprint=rules.fingerprint,
            documents=frozenset(document.kind for document in filed.documents),
            partners=self.bundle.partners(filed),
        )
        return case, before

    def _contents(self, filed: Submission, key: OrderKey | None) -> Contents:
        """Return what a line says of an application; a draft has no rank yet."""
        work = self.work
        contents: Contents = {
            "call_version": work.call.version,
            "channel": filed.channel,
            "requested": filed.requested,
            "investment": filed.investment,
            "accepts_less": filed.accepts_less,
            "lead_kind": filed.applicant.kind,
        }
        if key is not None:
            contents["call_version"] = self._version_at(key.received_at)
            policy = self.standing.rules.counter.order
            contents["rank"] = draws.rank_of_latecomer(
                work.session, work.call, policy, key
            )
        return contents

    def _version_at(self, received: datetime) -> int:
        """Return the version under which somebody applies: that of the receipt.

        Not of the handing over: who came before new criteria is held to the old ones.
        """
        call = self.work.call
        if call.version == 1:
            return 1
        self._starts = self._starts or call_versions.starts(self.work.session, call)
        first = self._starts[0][1]
        return max((one for at, one in self._starts if at <= received), default=first)

    def _make(
        self,
        case: case_files.CaseFile,
        event: Event,
        key: OrderKey | None = None,
        filing: FilingFacts | None = None,
        notes: Mapping[str, object] = NO_NOTES,
    ) -> Facts:
        """Make a move, and return the facts on which it was decided."""
        facts = self._facts(case, key, filing)
        carry_out(
            self.work,
            case,
            facts,
            event,
            given=Inputs(),
            actor=self.actor,
            key=self._idempotency_key if key else None,
            notes=notes,
            files=key is not None,
        )
        return facts

    def _check(
        self, case: case_files.CaseFile, key: OrderKey, yielding: tuple[Place, ...]
    ) -> None:
        """Refuse a line before anybody gives money up for it.

        Raises:
            RefusedError: it would not be taken in, with that money either.
        """
        given_up = sum(place.reserved for place in yielding)
        waiting = sum(place.requested for place in yielding)
        facts = self._facts(case, key, self.standing.filing(key))
        money_then = replace(
            facts.money,
            reserved=Cents(facts.money.reserved - given_up),
            waiting=Cents(facts.money.waiting + waiting),
        )
        facts = replace(facts, money=money_then)
        move = self.work.table.find(Event.SUBMIT, case.application.state, facts)
        if not (verdict := move.verdict(facts, Inputs())):
            raise RefusedError(verdict.code, verdict.message, verdict.details)

    def _settle_members(self, case: case_files.CaseFile, key: OrderKey) -> None:
        """Have the members of a partnership written, for the register names them.

        Raises:
            RefusedError: the line is refused; then nobody is kept of it.
        """
        if self._together(case) is None:
            return
        self._check(case, key, ())
        erasures.refuse_erased(self.work.call)
        self.bundle.settle((case.applicant, *(one.applicant for one in case.partners)))

    def _together(self, case: case_files.CaseFile) -> PartnershipFacts | None:
        """Return who applies together; None where each applies alone, and does."""
        rules, held = case.rules, self.bundle.held
        if rules.partnership is None and not case.partners:
            return None
        lead = Leading(case.applicant, case.application.lead_kind)
        who = (case.applicant, *(one.applicant for one in case.partners))
        others = {one.id: held[code] for one in who if (code := one.tax_code) in held}
        return partnerships.about(rules, lead, case.partners, others)

    def _placed(self, application: Application, key: OrderKey) -> int:
        """Note who was taken in, and return its position in the order of arrival."""
        standing = self.standing
        if standing.is_late(key):
            self.bundle.write()
            promotions.run(self.work)
            self.standing = Standing(self.work)
            return self._position(key)
        is_last = (
            standing.last_of_all is None or key.received_at >= standing.last_of_all
        )
        standing.note(application)
        if is_last:
            return self.work.call.filed
        self.bundle.write()
        return self._position(key)

    def _facts(
        self,
        case: case_files.CaseFile,
        key: OrderKey | None,
        filing: FilingFacts | None,
    ) -> Facts:
        work, rules, in_force = self.work, case.rules, self.standing.rules
        row = work.table.of_event(Event.SUBMIT if key else Event.REGISTER_DRAFT)[0]
        required_role(self.actor, row)
        now = dated(work.call, work.desk)
        return Facts(
            now=now,
            today=civil_day(now),
            call=rules if rules is in_force else _sharing(rules, in_force),
            application=case_files.about(case, key),
            applicant=ApplicantFacts(
                recognised=case_files.is_recognised(rules, case.applicant.tax_code),
                other_active=self.bundle.active.get(case.applicant.id),
            ),
            money=case_files.money_of(work.call),
            counter=self.standing.counter,
            filing=filing,
            by=self.actor.hands,
            partnership=self._together(case),
            lists=memberships.answers(
                work.session, work.call, rules, applicant=case.applicant.id, now=now
            ),
        )

    # The order

    def _next_key(self, filed: Submission) -> OrderKey:
        at = dated(self.work.call, self.work.desk)
        filing = self.standing.rules.filing
        counts = filing.clock == ReceiptClock.PORTAL and filed.channel == filing.channel
        if filed.received_at is not None and not counts:
            raise RefusedError(
                "submission.received_at",
                "`received_at` counts only where the call wants the clock of the "
                "portal, and for what comes through it; leave the field out: the "
                "register gives the instant",
            )
        year = civil_day(at).year
        number = self.bundle.number(year).last + 1
        return OrderKey(filed.received_at or self._stamped(at), year, number)

    def _stamped(self, at: datetime) -> datetime:
        """Return when a line came that the register itself gives its instant.

        The clock of this host may have fallen behind the register. What comes then
        came after all that stands there: after an end of the counter too, though
        whoever came at that very instant was in time.
        """
        openings = self.standing.counter.openings
        is_behind = self.work.desk.ambient.now() < at
        has_just_ended = bool(openings) and openings[-1].ended_at == at
        return at + _MOMENT if is_behind and has_just_ended else at

    def _yielding(self, filed: Submission, key: OrderKey) -> tuple[Place, ...]:
        """Return who gives money up for an earlier arrival that is handed over now."""
        standing, call = self.standing, self.work.call
        if filed.channel != standing.rules.filing.channel or not standing.is_late(key):
            return ()
        if standing.rules.counter.order is not OrderPolicy.EXACT_INSTANT:
            return ()  # who comes first is settled once it is taken in
        if filed.requested <= case_files.money_of(call).residual:
            return ()  # nobody has to
        self.bundle.write()
        queued = case_files.queue(
            self.work.session, call.id, standing.rules.filing.channel
        )
        return money.yielding(
            filed.requested,
            case_files.money_of(call),
            [place for place in queued if place.key < key],
            [place for place in queued if place.key > key],
            jump_ahead=standing.rules.counter.jump_ahead,
        )

    def _position(self, key: OrderKey) -> int:
        count = self.work.session.execute(
            select(func.count())
            .where(_COLUMNS.call_id == self.work.call.id)
            .where(tuple_(*KEY) <= tuple_(*bound(key)))
        )
        return int(count.scalar_one())

    # What stops the counter

    def _suspend(self, last: datetime) -> None:
        """Suspend the counter: after this instant nothing more is taken in.

        Never before the instant of somebody who was taken in: they came in time,
        also if the one that exhausts the money was handed over after them.
        """
        work = self.work
        if work.call.state != CallState.OPEN:
            return
        self.bundle.write()  # who was taken in by now is told as well
        last = max(last, self.standing.last or last)
        windows.suspend_for_exhaustion(
            work.session,
            work.desk,
            work.call,
            last,
            {
                "last_received_at": register.written(last),
                "reserved": work.call.reserved,
                "granted": work.call.granted,
                "waiting": work.call.waiting,
            },
        )
        self.standing.counter = case_files.counter_of(work.session, work.call)

    # What is refused

    def _refuse(self, line: Line, error: RefusedError) -> dict[str, Any]:
        """Record an attempt that was refused: its instant is evidence in court."""
        work = self.work
        at = dated(work.call, work.desk)
        received = self._received(line)
        counted = {"received_at": register.written(received)} if received else {}
        version = self._version_at(received) if received else work.call.version
        chain(
            work.batch,
            work.desk,
            work.call,
            at,
            Draft(
                event=Event.SUBMIT.value,
                outcome=Outcome.REFUSED,
                actor=self.actor.entered(Role.INTAKE),
                call_version=version,
                rules=work.rules(version).fingerprint,
                findings={
                    "portal_id": submissions.portal_id(line.content),
                    "sha256": digest(line.content),
                    **counted,
                    **error.details,
                },
                refusal=refusal(error),
            ),
        )
        if error.code == "counter.exhausted":
            self._suspend((received or at) - _MOMENT)
        return {
            "line": line.number,
            "portal_id": submissions.portal_id(line.content),
            "outcome": "refused",
            "protocol": None,
            "received_at": register.written(received or at),
            "position": None,
            "error": {
                "code": error.code,
                "message": error.message,
                "details": error.details,
            },
        }

    def _received(self, line: Line) -> datetime | None:
        """Return the instant that the portal states, where its clock counts."""
        filing = self.standing.rules.filing
        if line.filed is None or filing.clock != ReceiptClock.PORTAL:
            return None
        if line.filed.channel != filing.channel:
            return None
        return line.filed.received_at


class _Before(NamedTuple):
    """What stood in a file, and of its applicant, before a line about it."""

    contents: Contents
    name: str
    pec: str


def _sharing(rules: CallDefinition, in_force: CallDefinition) -> CallDefinition:
    """Return older rules that share the money out as all others have it now."""
    shares = {"allocation": in_force.allocation, "counter": in_force.counter}
    return rules.model_copy(update=shares)


def _has_its_place(application: Application) -> bool:
    """Tell whether it waits for no money; where nothing is asked for, nobody does."""
    return bool(application.reserved) or not application.requested


def _proof(filed: Submission, case: case_files.CaseFile) -> dict[str, object]:
    """Return what proves whose the application is, and what it was filed with."""
    who, declared = case.applicant, filed.aids
    documents = [(one.kind, one.sha256) for one in filed.documents]
    aids = [(one.granted_on.isoformat(), one.amount, one.grantor) for one in declared]
    assert who.tax_code is not None  # noqa: S101 - nobody who was erased files
    return {
        "filed": {
            "applicant": str(who.id),
            "who": proofs.who(str(who.salt), who.tax_code),
            "documents": proofs.documents(documents),
            "aids": proofs.aids(aids),
        },
        "investment": filed.investment,
    }


def _undo(case: case_files.CaseFile, before: _Before) -> None:
    """Leave a draft as it was before the line that is refused.

    To read it again would not do: it may have been written in the meantime.
    """
    _set(case.application, before.contents)
    case.applicant.name, case.applicant.pec = before.name, before.pec


def _set(application: Application, contents: Contents) -> None:
    for name, value in contents.items():
        setattr(application, name, value)


def _told(
    filed: Submission, outcome: str, application: Application, position: int | None
) -> dict[str, Any]:
    received = application.received_at
    return {
        "portal_id": filed.portal_id,
        "outcome": outcome,
        "protocol": lookups.protocol(application),
        "received_at": register.written(received) if received else None,
        "position": position,
        "error": None,
    }
