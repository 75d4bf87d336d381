"""When did it come in, and how did the file stand by then?

An applicant's document may come in on the last day and be typed the day after. What
counts is when it came in (art. 45 D.Lgs. 82/2005): it is filed on the facts as they
would have stood then, without what was noted only because nobody had typed it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from models.vocabulary import (
    ApplicationState,
    Letter,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from workflow.facts import (
    ALLOWED,
    ANSWERED_LATE,
    FALLEN,
    UNANSWERED,
    ArrivalFacts,
    Facts,
    NoticeRecord,
    StepRecord,
    TermRecord,
    Verdict,
)
from workflow.machine import Inputs
from workflow.moves import inputs as stated
from workflow.moves.words import rome, spoken
from workflow.rules.calendar import civil_day, end_of_day
from workflow.rules.terms import over_from

_BY_ACT = {
    ApplicationState.NOT_RECEIVABLE,
    ApplicationState.INADMISSIBLE,
    ApplicationState.REJECTED,
    ApplicationState.UNFUNDED,
    ApplicationState.LAPSED,
    ApplicationState.REVOKED,
    ApplicationState.ANNULLED,
}
"""Where only an act leads, and no document leads away from."""
_NOT_MET = {TermStatus.RUNNING, TermStatus.EXPIRED}


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is awaited from the applicant: until when, and after what."""

    terms: tuple[TermKind, ...]
    letters: tuple[Letter, ...] = ()
    """What it answers; without one, what started its first term."""
    step: StepKind | None = None
    """Which step the end of the term closes, if it does."""

    def verdict(self, facts: Facts, given: Inputs) -> Verdict:
        """Tell whether it can have come in when it is said to have."""
        said = _said(given)
        if said is None:
            return ALLOWED
        for verdict in self._verdicts(facts, said):
            if not verdict:
                return verdict
        return ALLOWED

    def as_of(self, facts: Facts, given: Inputs) -> Facts:
        """Return the facts as they stood when it came in."""
        said = _said(given)
        if said is None:
            return facts
        at = _instant(said, facts)
        met = [term for term in self._latest(facts) if self._was_met(facts, term, at)]
        kinds = tuple(term.kind for term in met)
        lapse = facts.step(StepKind.LAPSE_PROPOSAL)
        if lapse is not None and not _stands_on(lapse, kinds):
            lapse = None
        return replace(
            facts,
            now=at,
            today=civil_day(at),
            terms=tuple(
                replace(term, status=TermStatus.RUNNING, settled=False)
                if term in met
                else term
                for term in facts.terms
            ),
            steps=tuple(
                self._put_back(facts, step) if met else step
                for step in facts.steps
                if step is not lapse
            ),
            arrival=ArrivalFacts(kinds, lapse),
        )

    # When it came in

    def _verdicts(self, facts: Facts, said: date) -> Iterator[Verdict]:
        yield _has_come(facts, said)
        yield self._comes_after(facts, said)
        yield self._is_told_apart(facts, said)

    def _comes_after(self, facts: Facts, said: date) -> Verdict:
        """Nobody answers what was not asked yet."""
        at, notice = _instant(said, facts), self._answered(facts)
        if notice is not None:
            reached = notice.delivered_at or notice.created_at
            what, since = spoken(notice.letter), civil_day(reached)
            if at >= notice.created_at and civil_day(at) >= since:
                return ALLOWED
            done = "delivered" if notice.delivered_at else "written"
            return _too_early(said, f"the {what} was {done}", since)
        started = [term for term in facts.terms if term.kind in self.terms]
        if not started or civil_day(at) >= min(term.starts_on for term in started):
            return ALLOWED
        first = min(started, key=lambda term: term.starts_on)
        return _too_early(said, f"the term `{first.kind}` began", first.starts_on)

    def _is_told_apart(self, facts: Facts, said: date) -> Verdict:
        """On the last day of a term that ends at an hour, the day does not tell."""
        if isinstance(said, datetime):
            return ALLOWED
        for term in self._latest(facts):
            rule = facts.call.terms[term.kind]
            over = over_from(term.due_at, rule.until) <= _instant(said, facts)
            ended = civil_day(term.due_at) == said and term.status in _NOT_MET
            if rule.until and over and ended:
                return Verdict(
                    "received.hour_missing",
                    f"the term `{term.kind}` ended on that day at "
                    f"{rome(term.due_at)} (Rome); state --received-on with its hour "
                    f"and offset, such as {said.isoformat()}T10:30+01:00",
                )
        return ALLOWED

    def _answered(self, facts: Facts) -> NoticeRecord | None:
        found = [facts.notice(letter) for letter in self.letters]
        return max(
            (notice for notice in found if notice is not None),
            key=lambda notice: notice.created_at,
            default=None,
        )

    # How the file stood by then

    def _latest(self, facts: Facts) -> list[TermRecord]:
        found = (facts.term(kind) for kind in self.terms)
        return [term for term in found if term is not None]

    def _was_met(self, facts: Facts, term: TermRecord, at: datetime) -> bool:
        """Tell whether a term that is held to be missed had not ended by then."""
        ended = over_from(term.due_at, facts.call.terms[term.kind].until) <= at
        if term.status is not TermStatus.EXPIRED or ended:
            return False
        return not term.settled or self._is_of_this_request(facts, term)

    def _is_of_this_request(self, facts: Facts, term: TermRecord) -> bool:
        """Tell a term that was settled since from that of an earlier request."""
        notice = self._answered(facts)
        if self.step is None or notice is None or notice.delivered_at is None:
            return False
        return term.starts_on == civil_day(notice.delivered_at)

    def _put_back(self, facts: Facts, step: StepRecord) -> StepRecord:
        """Wait again for what the office had stopped waiting for, or took as late."""
        if self.step is None or step != facts.step(self.step):
            return step
        given_up = step.outcome in {UNANSWERED, ANSWERED_LATE}
        if not given_up and step.status is not StepStatus.ANSWERED:
            return step
        return replace(step, status=StepStatus.OPEN, outcome=None, closed_on=None)


def not_decided(state: ApplicationState, given: Inputs) -> Verdict:
    """Refuse to undo an act by what came in before it: only an act can."""
    if _said(given) is None or state not in _BY_ACT:
        return ALLOWED
    return Verdict(
        "received.decided",
        f"the file is `{state}` by an act, which stands whatever came in before it; "
        "have that act annulled in self-protection (art. 21-nonies L. 241/1990)",
        {"state": state.value},
    )


def _said(given: Inputs) -> date | None:
    return given.received_on if isinstance(given, stated.ArrivalInputs) else None


def _instant(said: date, facts: Facts) -> datetime:
    """Return the instant that counts; of a day alone its end, if that has come."""
    return said if isinstance(said, datetime) else min(facts.now, end_of_day(said))


def _has_come(facts: Facts, said: date) -> Verdict:
    if isinstance(said, datetime):
        if said <= facts.now:
            return ALLOWED
        return Verdict(
            "date.future",
            f"--received-on {rome(said)} (Rome) is after now, {rome(facts.now)}; "
            "state an instant that has come",
        )
    if said <= facts.today:
        return ALLOWED
    return Verdict(
        "date.future",
        f"--received-on {said.isoformat()} is after today, "
        f"{facts.today.isoformat()}; state a day that has come",
    )


def _too_early(said: date, what: str, since: date) -> Verdict:
    written = f"{rome(said)} (Rome)" if isinstance(said, datetime) else said.isoformat()
    return Verdict(
        "date.too_early",
        f"--received-on {written} is before {what}, {since.isoformat()}; state when "
        "the answer to it came in",
    )


def _stands_on(lapse: StepRecord, met: tuple[TermKind, ...]) -> bool:
    """Tell whether a proposal that nobody decided came only of such a term."""
    undecided = lapse.status is not StepStatus.CLOSED or lapse.outcome == FALLEN
    return undecided and lapse.subject in met
