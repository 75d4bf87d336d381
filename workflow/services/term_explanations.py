"""Why does a term end when it does?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from config.schema import CallDefinition, TermRule
from models.session import reading
from models.tables import Application, Term
from models.vocabulary import Role, SourceStatus, TermEffect, TermStatus
from workflow.desk import Desk
from workflow.moves.expiries import WAKES
from workflow.moves.words import rome
from workflow.rules.calendar import civil_day, frozen_calendar
from workflow.rules.steps import Step
from workflow.rules.terms import ComputedTerm, Suspension, compute, escalates_from
from workflow.services import lookups, suspensions, terms
from workflow.services.histories import Explanation
from workflow.services.term_histories import Change, changes_of, named
from workflow.services.term_names import find_term

HOLIDAYS_LAW = "L. 260/1949"
ESCALATION_LAW = "art. 2 c. 9-bis L. 241/1990"
_ENDINGS = ("met", "expired", "cancelled", "settled", "escalated")
_COUNTED = ("term.start_excluded", "term.interrupted", "term.days", "term.months")
_CLOSING = ("term.moved_off_holiday", "term.last_instant", "term.last_hour")
_DOES: Mapping[TermEffect, str] = {
    TermEffect.WARN: "notes that it has ended",
    TermEffect.STOP_WAITING: "stops waiting for the answer",
    TermEffect.PROPOSE_LAPSE: "proposes the lapse, which only an act can adopt,",
    TermEffect.RELEASE_COR: "drops the code of the aid registry (COR)",
    TermEffect.END_PLAN: "notes that the plan has ended: the report is due",
    TermEffect.EXPIRE_PROPOSAL: "lets the proposal of lapse fall",
}


def term(desk: Desk, name: str) -> Explanation:
    """Tell when a term ends, and by which steps (*computo del termine*).

    It is told as it was computed, with the holidays that were known then. A clock
    that stands still is reckoned as if it went on now, and that is said.

    Raises:
        RefusedError: there is no such application, or no such term of it.
        TamperedError: an entry cannot be read, or the term makes no sense.
    """
    with reading(desk.engine) as session:
        row = find_term(session, name)
        application = session.get_one(Application, row.application_id)
        reckoning = _Reckoning(
            row=row,
            rules=lookups.rules_of(session, row.call_id, application.call_version),
            changes=tuple(changes_of(session, row)),
            now=desk.ambient.now(),
        )
    told = _Told(reckoning, application)
    return Explanation(tuple(told.steps()), told.result(), reckoning.faults)


@dataclass(frozen=True)
class _Reckoning:
    """A term reckoned anew, and whether it comes to what was kept of it."""

    row: Term
    rules: CallDefinition
    changes: tuple[Change, ...]
    """All that the register says of it."""
    now: datetime

    @property
    def rule(self) -> TermRule:
        return self.rules.terms[self.row.kind]

    @cached_property
    def shown(self) -> ComputedTerm:
        """What is told: as of now, if its clock stands still."""
        if self.row.status is TermStatus.SUSPENDED:
            return terms.reckoned_now(self.row, self.rules, self.now)
        return self.kept

    @cached_property
    def kept(self) -> ComputedTerm:
        """As it was reckoned last, with the holidays of then.

        The calendar is not cut off at the end that is kept: one that somebody has
        changed has to be found out.
        """
        calendar = frozen_calendar(
            self.row.calendar,
            map(date.fromisoformat, self.row.holidays or self._recorded),
            roll_saturday=self.rules.counting_rules.roll_saturday,
            first=self.row.starts_on,
            last=date.max,
        )
        facts, last = terms.facts_of(self.row, self.rules), self._last
        return compute(facts, calendar, today=civil_day(last.at if last else self.now))

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What of the row, the register and the reckoning does not agree."""
        return tuple(self._differences())

    @cached_property
    def _last(self) -> Change | None:
        """The last change for which it was reckoned."""
        reckoned = [change for change in self.changes if "steps" in change.told]
        return reckoned[-1] if reckoned else None

    @property
    def _recorded(self) -> list[str]:
        """The holidays that the register tells: at first the row did not keep them."""
        return list(self._last.told.get("holidays", ())) if self._last else []

    def _differences(self) -> Iterator[str]:
        row, kept = self.row, self.kept
        if (kept.due_at, kept.suspended_days) != (row.due_at, row.suspended_days):
            yield (
                f"the steps lead to {_instant(kept.due_at)} with {kept.suspended_days} "
                f"days of suspension, and {_instant(row.due_at)} with "
                f"{row.suspended_days} are kept"
            )
        if not self.changes or self.changes[0].name != "started":
            yield "no entry of the register says what started it"
            return
        first, last = self.changes[0], self.changes[-1]
        if row.started_seq not in {None, first.seq}:
            yield f"entry {first.seq} started it, and {row.started_seq} is kept"
        if last.due_at != row.due_at:
            yield f"entry {last.seq} says that it ends on {_instant(last.due_at)}"
        is_old = row.started_seq is None and not row.holidays
        if row.holidays != self._recorded and not is_old:
            yield "the holidays that are kept are not those that the register tells"


@dataclass(frozen=True)
class _Told:
    """A term in words."""

    reckoning: _Reckoning
    application: Application

    def steps(self) -> Iterator[Step]:
        """Tell what started it, how it is counted, and what comes of its end."""
        yield from self._start()
        yield self._length()
        yield from self._count()
        yield from self._end()
        yield from self._escalation()
        yield from self._missed()
        yield from self._parked()

    def result(self) -> str:
        """Answer in one line."""
        ends = _instant(self._shown.due_at)
        said = {
            TermStatus.RUNNING: f"it ends on {ends}",
            TermStatus.SUSPENDED: "its clock stands still; if it went on now, it would "
            f"end on {ends}: provisional",
            TermStatus.MET: f"it was met; its last instant was {ends}",
            TermStatus.EXPIRED: f"it ended on {ends}",
            TermStatus.CANCELLED: f"it was cancelled; its last instant was {ends}",
        }[self._row.status]
        if self._row.status is TermStatus.SUSPENDED and not self._shown.provisional:
            said = f"its clock has gone on by itself; it ends on {ends}"
        if faults := self.reckoning.faults:
            said += f"; IT DOES NOT AGREE: {'; '.join(faults)}"
        ordinal = f"/{self._row.ordinal}" if self._row.ordinal > 1 else ""
        return f"{lookups.named(self.application)}/{self._row.kind}{ordinal}: {said}"

    @property
    def _row(self) -> Term:
        return self.reckoning.row

    @property
    def _rule(self) -> TermRule:
        return self.reckoning.rule

    @property
    def _shown(self) -> ComputedTerm:
        return self.reckoning.shown

    def _of_call(self, key: str = "") -> str:
        version = self.application.call_version
        return f"version {version} of the call, terms.{self._row.kind}{key}"

    # What started it

    def _start(self) -> Iterator[Step]:
        for change in self.reckoning.changes[:1]:
            fact = change.started(self._row.starts_on)
            entered = f"{fact}; entered at {rome(change.at)} (Rome)"
            yield Step("term.started", change.source, entered)

    def _length(self) -> Step:
        rule = self._rule
        chosen = rule.source is SourceStatus.ASSUMED or "count" in rule.assumed
        standing = SourceStatus.ASSUMED if chosen else SourceStatus.FOUND
        receipt = ", once a receipt proves it" if rule.from_receipt else ""
        return Step(
            "term.length",
            f"{self._of_call()}; {standing}: {rule.basis}",
            f"{rule.count} {rule.counting} run from `{rule.starts_on}`{receipt}; the "
            f"term is {'' if rule.peremptory else 'not '}peremptory",
        )

    # How it is counted

    def _count(self) -> Iterator[Step]:
        """Tell the reckoning, each part after the entries that brought it."""
        extended = stopped = reckoned = False
        for step in self._shown.steps:
            if step.rule not in _COUNTED and not extended:
                extended = True
                yield from self._extensions()
            if step.rule not in {*_COUNTED, "term.extended"} and not stopped:
                stopped = True
                yield from self._suspensions()
            if step.rule in _CLOSING and not reckoned:
                reckoned = True
                yield self._holidays()
            yield step

    def _extensions(self) -> Iterator[Step]:
        for change in self.reckoning.changes:
            if change.name == "extended":
                yield Step("term.extension", change.source, change.extended())

    def _suspensions(self) -> Iterator[Step]:
        """Tell what stopped the clock, and what let it go on."""
        spans = {
            span.first: span for span in map(suspensions.read, self._row.suspensions)
        }
        span: Suspension | None = None
        of_letter: dict[str | None, Suspension | None] = {}
        told: list[tuple[Change, Suspension | None]] = []
        for change in self.reckoning.changes:
            if change.name not in {"suspended", "resumed"}:
                continue
            if (day := change.delivered_on) is not None:
                span = of_letter[change.letter] = spans.get(day)
            told.append((change, of_letter.get(change.letter, span)))
        # What came in before it was typed says anew when the clock went on.
        last = {(change.letter, span): change for change, span in told}
        for change, span in told:
            if change.name == "suspended":
                yield Step("term.clock_stops", change.source, change.stopped())
                continue
            is_last = last[change.letter, span] is change
            text = change.resumed(span if is_last else None, corrected=not is_last)
            yield Step("term.clock_goes_on", change.source, text)

    def _holidays(self) -> Step:
        known = "then" if self._shown is self.reckoning.kept else "now"
        saturday = self.reckoning.rules.counting_rules.roll_saturday
        days = ", ".join(map(named, self._shown.holidays)) or "nothing"
        return Step(
            "term.calendar",
            f"{HOLIDAYS_LAW}, {self._shown.edition}",
            f"beside {'Saturdays and ' if saturday else ''}Sundays the calendar known "
            f"{known} lists, from its start to its end: {days}",
        )

    # What comes of its end

    def _end(self) -> Iterator[Step]:
        endings = [one for one in self.reckoning.changes if one.name in _ENDINGS]
        for change in endings:
            text = change.ended(self._since(change))
            yield Step(f"term.{change.name}", change.source, text)
        if not endings:
            yield Step("term.effect", self._of_call(".effect"), self._effect())

    def _since(self, change: Change) -> datetime:
        """Return the instant from which what came of its end was due."""
        after = self._rule.escalate_after
        if change.name == "escalated" and after is not None:
            return escalates_from(self._shown.due_at, after)
        return self._shown.over_at

    def _effect(self) -> str:
        if self._shown.provisional:
            at = self._shown.resumes_at
            by_itself = (
                f"; it goes on by itself from {rome(at)} (Rome) on" if at else ""
            )
            return f"while its clock stands still nothing is due{by_itself}"
        over = f"{rome(self._shown.over_at)} (Rome)"
        effect = self._rule.effect
        does = f"a worker {_DOES[effect]}"
        if effect is not TermEffect.END_PLAN:  # then it is for the applicant to act
            does += f" and wakes the {WAKES[effect]}"
        if self.reckoning.now < self._shown.over_at:
            return f"from {over} on {does}, unless it is met before"
        return f"it is over since {over}: {does}, or `sportello sweep` does at once"

    def _escalation(self) -> Iterator[Step]:
        after, row = self._rule.escalate_after, self._row
        ends = row.status in {TermStatus.RUNNING, TermStatus.EXPIRED}
        done = row.settled_at is not None or row.escalated_at is not None
        if after is None or done or not ends:
            return
        yield Step(
            "term.escalation",
            f"{self._of_call('.escalate_after')}; {ESCALATION_LAW}",
            f"from {rome(escalates_from(self._shown.due_at, after))} (Rome) on, "
            f"{after} days after its end, the manager is told, unless somebody has "
            "acted",
        )

    def _missed(self) -> Iterator[Step]:
        role = terms.waits_for(self._row, self.reckoning.rules)
        if role is None:
            return
        escalated = role is Role.MANAGER and self._row.escalated_at is not None
        yield Step(
            "term.missed",
            ESCALATION_LAW if escalated else self._of_call(".effect"),
            f"it was missed and nobody has settled it yet: the {role} has to act",
        )

    def _parked(self) -> Iterator[Step]:
        row = self._row
        if not row.attempts or row.next_check is None:
            return
        yield Step(
            "term.parked",
            "the workers",
            f"a worker has failed on it {row.attempts} time(s), last with "
            f"`{row.fault}`; it tries again at {rome(row.next_check)} (Rome), or at "
            "once with `sportello sweep --parked`",
        )


def _instant(instant: datetime) -> str:
    return f"{named(civil_day(instant)).partition(' ')[0]} {rome(instant)} (Rome)"
