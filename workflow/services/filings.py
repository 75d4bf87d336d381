"""What happens to a group of submissions, while the call is locked?

Everything that the lines of a group need is read at once, and everything they
bring is written at once. Each line is checked before it gets a number, so that
one that is refused leaves no gap and disturbs no other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlmodel import col, delete
from sqlmodel import select as rows

from models.batch import unwatched
from models.canonical import digest
from models.session import add_all_unless_there, add_unless_there
from models.tables import (
    Aid,
    Applicant,
    ApplicantLink,
    Application,
    Command,
    Document,
    ProtocolCounter,
)
from models.vocabulary import (
    NOT_ACTIVE,
    ActorKind,
    ApplicationState,
    CallState,
    Cents,
    Event,
    OrderPolicy,
    Outcome,
    ReceiptClock,
    Role,
)
from workflow import register
from workflow.errors import RefusedError
from workflow.facts import ApplicantFacts, Facts, FilingFacts, OrderKey, Place
from workflow.machine import Inputs
from workflow.moves.guards.receipt import CLOCKS_APART
from workflow.rules import counter, money
from workflow.rules.calendar import civil_day
from workflow.services import (
    answers,
    case_files,
    draws,
    lookups,
    officers,
    promotions,
    submissions,
    windows,
)
from workflow.services.entries import Draft, chain, dated, refusal
from workflow.services.making import carry_out, required_role
from workflow.services.open_calls import OpenCall
from workflow.services.standings import KEY, Memory, Standing, bound
from workflow.services.submissions import FiledApplicant, Submission

_MOMENT = timedelta(microseconds=1)
_COLUMNS = Application.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it


@dataclass(frozen=True, slots=True)
class Line:
    """One line of submissions, as far as it can be read."""

    number: int
    content: bytes
    filed: Submission | None
    error: RefusedError | None = None


def read(number: int, content: bytes) -> Line:
    """Read a line; what is wrong with it is kept and answered in its turn."""
    try:
        return Line(number, content, submissions.read(content))
    except RefusedError as error:
        return Line(number, content, None, error)


def take(work: OpenCall, lines: Iterable[Line], memory: Memory) -> list[dict[str, Any]]:
    """Take a group of submissions in and answer each; the call is locked."""
    lines = tuple(lines)
    _follow_the_portal(work, lines)
    group = _Group(work, lines, memory.standing(work))
    told = [group.answer(line) for line in group.lines]
    group.close()
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


def refuse_file(work: OpenCall, error: RefusedError) -> None:
    """Record that a whole file was refused, because of who brought it."""
    line = Line(0, b"", None, error)
    _Group(work, (line,), Standing(work)).answer(line)


class _Group:
    """The lines of a group, with all that the database knows about them."""

    def __init__(
        self, work: OpenCall, lines: tuple[Line, ...], standing: Standing
    ) -> None:
        self.work, self.lines, self.standing = work, lines, standing
        self.actor = officers.whoever(work.session, work.desk.identity)
        self.numbers: dict[int, ProtocolCounter] = {}
        filed = [line.filed for line in lines if line.filed is not None]
        self.given = self._given({one.idempotency_key for one in filed})
        self.files = self._files({one.portal_id for one in filed})
        self.applicants = self._applicants({one.applicant.tax_code for one in filed})
        self.active = self._active()
        self.new: list[tuple[Application, Applicant]] = []
        self.newcomers: list[Applicant] = []
        self._idempotency_key = ""

    # What is known

    def _given(self, keys: set[str]) -> dict[str, answers.Given]:
        found = self.work.session.exec(
            rows(Command)
            .where(Command.call_id == self.work.call.id)
            .where(col(Command.key).in_(keys))
        )
        return {one.key: answers.Given(one.digest, one.answer) for one in found}

    def _files(self, portal_ids: set[str]) -> dict[str, Application]:
        found = self.work.session.exec(
            rows(Application)
            .where(Application.call_id == self.work.call.id)
            .where(col(Application.portal_id).in_(portal_ids))
            .where(Application.state != ApplicationState.EXPIRED)
        )
        return {application.portal_id: application for application in found}

    def _applicants(self, tax_codes: set[str]) -> dict[str, Applicant]:
        found = self.work.session.exec(
            rows(Applicant).where(col(Applicant.tax_code).in_(tax_codes))
        )
        return {applicant.tax_code: applicant for applicant in found}

    def _active(self) -> dict[UUID, str]:
        found = self.work.session.exec(
            rows(Application)
            .where(Application.call_id == self.work.call.id)
            .where(
                col(Application.applicant_id).in_(
                    [applicant.id for applicant in self.applicants.values()]
                )
            )
            .where(col(Application.state).not_in(NOT_ACTIVE))
        )
        return {
            application.applicant_id: lookups.named(application)
            for application in found
        }

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
            officers.identify(self.work.session, self.work.desk.identity)
        self._idempotency_key = filed.idempotency_key
        told = self._note_draft(filed) if filed.draft else self._submit(filed)
        self.given[filed.idempotency_key] = answers.remember(
            self.work.batch,
            self.work.call.id,
            filed.idempotency_key,
            filed.fingerprint,
            told,
        )
        return told

    def _answered(self, filed: Submission) -> dict[str, Any] | None:
        """Return the answer that this submission already had."""
        known = self.given.get(filed.idempotency_key)
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
        case, is_new = self._case(filed, key)
        try:
            yielding = self._yielding(filed, key)
            if yielding:
                self._check(case, key, yielding)
                self.write()
                for place in yielding:
                    promotions.give_back(
                        self.work.as_worker("intake"),
                        place,
                        f"{lookups.numbered(key)} arrived earlier, and was handed over "
                        f"later: received {register.written(key.received_at)}",
                    )
            filing = self.standing.filing(key)
            suspends = self._would_suspend(filed, filing)
            self._make(case, Event.SUBMIT, key, filing)
        except RefusedError:
            self._undo(case, is_new=is_new)
            raise
        self.numbers[key.protocol_year].last = key.protocol_number
        self._keep(filed, case, is_new=is_new)
        self.active[case.applicant.id] = lookups.named(case.application)
        position = self._placed(case.application, key)
        if suspends:
            self._suspend(key.received_at)
        outcome = "submitted" if case.application.reserved else "waiting"
        return _told(filed, outcome, case.application, position)

    def _note_draft(self, filed: Submission) -> dict[str, Any]:
        case, is_new = self._case(filed, None)
        try:
            self._make(case, Event.REGISTER_DRAFT)
        except RefusedError:
            self._undo(case, is_new=is_new)
            raise
        self._keep(filed, case, is_new=is_new)
        self.write()
        return _told(filed, "draft", case.application, None)

    def _would_suspend(self, filed: Submission, filing: FilingFacts) -> bool:
        """Tell whether the counter is full once this one is taken in."""
        rules = self.standing.rules
        if filed.channel != rules.filing.channel:
            return False
        return counter.decide(
            filed.requested,
            case_files.money_of(self.work.call),
            filing,
            rules=rules.counter,
            allocation=rules.allocation,
            accepts_less=filed.accepts_less,
        ).suspends

    def _case(
        self, filed: Submission, key: OrderKey | None
    ) -> tuple[case_files.CaseFile, bool]:
        """Return the file that a line is about, and whether it is new."""
        applicant = self._applicant(filed.applicant)
        known = self._known(filed, applicant)
        application = known or self._empty(filed, applicant)
        application.call_version = self.work.call.version
        application.channel = filed.channel
        application.requested = filed.requested
        application.investment = filed.investment
        application.accepts_less = filed.accepts_less
        if key is not None:
            policy = self.standing.rules.counter.order
            application.rank = draws.rank_of_latecomer(
                self.work.session, self.work.call, policy, key
            )
        case = case_files.CaseFile(
            application=application,
            applicant=applicant,
            rules=self.standing.rules,
            fingerprint=self.standing.fingerprint,
            documents=frozenset(document.kind for document in filed.documents),
        )
        return case, known is None

    def _undo(self, case: case_files.CaseFile, *, is_new: bool) -> None:
        """Leave a draft as it was before the line that is refused."""
        if not is_new:
            self.work.session.expire(case.application)

    def _make(
        self,
        case: case_files.CaseFile,
        event: Event,
        key: OrderKey | None = None,
        filing: FilingFacts | None = None,
    ) -> None:
        facts = self._facts(case, key, filing)
        carry_out(
            self.work,
            case,
            facts,
            event,
            given=Inputs(),
            actor=self.actor,
            key=self._idempotency_key if key else None,
            files=key is not None,
        )

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

    def _placed(self, application: Application, key: OrderKey) -> int:
        """Note who was taken in, and return its position in the order of arrival."""
        standing = self.standing
        if standing.is_late(key):
            self.write()
            promotions.run(self.work)
            self.standing = Standing(self.work)
            return self._position(key)
        is_last = (
            standing.last_of_all is None or key.received_at >= standing.last_of_all
        )
        standing.note(application)
        if is_last:
            return self.work.call.filed
        self.write()
        return self._position(key)

    def _facts(
        self,
        case: case_files.CaseFile,
        key: OrderKey | None,
        filing: FilingFacts | None,
    ) -> Facts:
        work, rules = self.work, self.standing.rules
        row = work.table.of_event(Event.SUBMIT if key else Event.REGISTER_DRAFT)[0]
        role = required_role(self.actor, row)
        now = dated(work.call, work.desk)
        return Facts(
            now=now,
            today=civil_day(now),
            call=rules,
            application=case_files.about(case, key),
            applicant=ApplicantFacts(
                recognised=case_files.is_recognised(rules, case.applicant.tax_code),
                other_active=self.active.get(case.applicant.id),
            ),
            money=case_files.money_of(work.call),
            counter=self.standing.counter,
            filing=filing,
            role=role,
        )

    def _applicant(self, filed: FiledApplicant) -> Applicant:
        known = self.applicants.get(filed.tax_code)
        if known is not None:
            return known
        return unwatched(
            Applicant,
            id=self.work.desk.ambient.new_id(),
            tax_code=filed.tax_code,
            name=filed.name,
            pec=filed.pec,
        )

    def _known(self, filed: Submission, applicant: Applicant) -> Application | None:
        """Return the draft that the line is about, if there is one."""
        known = self.files.get(filed.portal_id)
        if known is not None and (
            known.state != ApplicationState.DRAFT or known.applicant_id != applicant.id
        ):
            raise RefusedError(
                "submission.portal_id_used",
                f"`portal_id` {filed.portal_id} is already that of "
                f"{lookups.named(known)}; a new application needs a new `portal_id`",
            )
        return known

    def _empty(self, filed: Submission, applicant: Applicant) -> Application:
        call = self.work.call
        return unwatched(
            Application,
            id=self.work.desk.ambient.new_id(),
            call_id=call.id,
            call_version=call.version,
            applicant_id=applicant.id,
            portal_id=filed.portal_id,
            channel=filed.channel,
            state=ApplicationState.DRAFT,
            changed_at=call.last_instant,
            requested=filed.requested,
            investment=filed.investment,
        )

    def _keep(
        self, filed: Submission, case: case_files.CaseFile, *, is_new: bool
    ) -> None:
        """Keep what the line brought, to be written with the group."""
        application, applicant, told = case.application, case.applicant, filed.applicant
        if not is_new:
            self._forget_papers(application)
        if (applicant.name, applicant.pec) != (told.name, told.pec):
            applicant.name, applicant.pec = told.name, told.pec
        if applicant.tax_code not in self.applicants:
            self.applicants[applicant.tax_code] = applicant
            self.newcomers.append(applicant)
        self.files[filed.portal_id] = application
        if is_new:
            self.new.append((application, applicant))
        batch, ambient = self.work.batch, self.work.desk.ambient
        for document in filed.documents:
            batch.add(
                Document,
                id=ambient.new_id(),
                application_id=application.id,
                kind=document.kind,
                name=document.name,
                sha256=document.sha256,
                filed_at=application.changed_at,
            )
        for aid in filed.aids:
            batch.add(
                Aid,
                id=ambient.new_id(),
                application_id=application.id,
                granted_on=aid.granted_on,
                amount=aid.amount,
                grantor=aid.grantor,
            )
        for code in dict.fromkeys(told.linked):
            if code != told.tax_code:
                batch.add(ApplicantLink, application_id=application.id, tax_code=code)

    def _forget_papers(self, application: Application) -> None:
        """Let a line replace what an earlier one about the same draft brought."""
        self.write()
        session = self.work.session
        session.exec(
            delete(Document).where(col(Document.application_id) == application.id)
        )
        for table in (Aid, ApplicantLink):
            session.exec(
                delete(table).where(col(table.application_id) == application.id)
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
        return OrderKey(filed.received_at or at, year, self._number(year).last + 1)

    def _number(self, year: int) -> ProtocolCounter:
        """Lock the counter of a civil year (art. 57 DPR 445/2000).

        It is one for the whole administration, so it is locked last; it moves on
        only once an application is taken in, so that a refusal leaves no gap.
        """
        if year not in self.numbers:
            session = self.work.session
            add_unless_there(session, ProtocolCounter(year=year, last=0))
            self.numbers[year] = session.get_one(
                ProtocolCounter, year, with_for_update=True, populate_existing=True
            )
        return self.numbers[year]

    def _yielding(self, filed: Submission, key: OrderKey) -> tuple[Place, ...]:
        """Return who gives money up for an earlier arrival that is handed over now."""
        standing, call = self.standing, self.work.call
        if filed.channel != standing.rules.filing.channel or not standing.is_late(key):
            return ()
        if standing.rules.counter.order is not OrderPolicy.EXACT_INSTANT:
            return ()  # who comes first is settled once it is taken in
        if filed.requested <= case_files.money_of(call).residual:
            return ()  # nobody has to
        self.write()
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
        chain(
            work.batch,
            work.desk,
            work.call,
            at,
            Draft(
                event=Event.SUBMIT.value,
                outcome=Outcome.REFUSED,
                actor=self.actor.entered(Role.INTAKE),
                call_version=work.call.version,
                rules=self.standing.fingerprint,
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

    # All of it

    def write(self) -> None:
        """Write what was gathered so far."""
        self._write_newcomers()
        for application, applicant in self.new:
            application.applicant_id = applicant.id
            self.work.batch.keep(Application, application)
        self.work.flush()
        drafts = [one for one, _ in self.new if one.state == ApplicationState.DRAFT]
        for draft in drafts:  # a later line of the group may be about it
            stored = self.work.session.get_one(Application, draft.id)
            self.files[draft.portal_id] = stored
        self.new.clear()

    def close(self) -> None:
        """Write the rest, and leave no counter that only refused lines asked for."""
        self.write()
        for number in self.numbers.values():
            if not number.last:
                self.work.session.delete(number)

    def _write_newcomers(self) -> None:
        """Write who has never applied before.

        Another call may be taking the same applicant in at this moment: whoever
        is first gives it its identifier. In the order of tax codes, so that nobody
        waits for somebody who waits for them.
        """
        if not self.newcomers:
            return
        # The protocol counter first: whoever has it waits for no applicant that
        # somebody else is writing, and nobody waits the other way round.
        self._number(civil_day(self.work.call.last_instant).year)
        session = self.work.session
        named = sorted(self.newcomers, key=lambda applicant: applicant.tax_code)
        add_all_unless_there(session, Applicant, [vars(one) for one in named])
        found = session.exec(
            rows(Applicant).where(
                col(Applicant.tax_code).in_([one.tax_code for one in named])
            )
        )
        stored = {applicant.tax_code: applicant for applicant in found}
        for applicant in named:
            kept = stored[applicant.tax_code]
            if (kept.name, kept.pec) != (applicant.name, applicant.pec):
                kept.name, kept.pec = applicant.name, applicant.pec
            applicant.id = kept.id
            self.applicants[applicant.tax_code] = kept
        self.newcomers.clear()


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
