"""What does a move bring about beside the state?

Pure: each effect reads the facts and says what has to be written.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from models.vocabulary import (
    ApplicationState,
    Cents,
    Letter,
    MovementKind,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
)
from workflow.facts import Facts, Place
from workflow.machine import (
    Consequences,
    Effect,
    Inputs,
    MoneyChange,
    StepChange,
    TermChange,
)
from workflow.moves import inputs as stated
from workflow.moves.amounts import aid_on, aid_rules
from workflow.register import written
from workflow.rules import aid, money, order, scores
from workflow.rules.calendar import Calendar, civil_day, italian_calendar
from workflow.rules.steps import Step
from workflow.rules.terms import (
    Suspension,
    resumes_after_observations,
    resumes_after_reply,
)

STARTED_BY_DELIVERY = {
    Letter.COMPLETION_REQUEST: TermStart.COMPLETION_DELIVERED,
    Letter.REFUSAL_NOTICE: TermStart.REFUSAL_NOTICE_DELIVERED,
    Letter.GRANT: TermStart.GRANT_DELIVERED,
    Letter.PLAN_RETURNED: TermStart.PLAN_RETURN_DELIVERED,
    Letter.AMOUNT_DETERMINED: TermStart.DETERMINATION_DELIVERED,
}
"""Which term a letter starts when it reaches the applicant."""

_AWAITED: dict[Letter, tuple[StepKind, Callable[[Facts], bool]]] = {
    Letter.COMPLETION_REQUEST: (StepKind.COMPLETION_REQUEST, lambda _: False),
    Letter.REFUSAL_NOTICE: (StepKind.REFUSAL_NOTICE, lambda _: False),
    Letter.GRANT: (
        StepKind.NEGOTIATION,
        # Until the meeting is convened nothing is open yet, and the term runs.
        lambda facts: facts.application.state == ApplicationState.NEGOTIATING,
    ),
    Letter.PLAN_RETURNED: (StepKind.DEFINITIVE_PLAN, lambda _: False),
    Letter.AMOUNT_DETERMINED: (StepKind.DETERMINATION, lambda _: False),
}
"""Which step a letter waits for: its term starts only while that step is open."""

_STOPS_THE_CLOCK = {Letter.COMPLETION_REQUEST, Letter.REFUSAL_NOTICE}


def opening(kind: StepKind, **updates: object) -> Effect:
    """Make an effect that opens a step about the phase in which the file stands."""

    def effect(facts: Facts, _given: Inputs) -> Consequences:
        phase = facts.application.state.value
        return Consequences(
            steps=(StepChange(kind, StepStatus.OPEN, subject=phase),), updates=updates
        )

    return effect


def closing(kind: StepKind, outcome: str) -> Effect:
    """Make an effect that closes a step if it is open."""

    def effect(facts: Facts, _given: Inputs) -> Consequences:
        if facts.open_step(kind) is None:
            return Consequences()
        return Consequences(steps=(StepChange(kind, StepStatus.CLOSED, outcome),))

    return effect


def answering(kind: StepKind) -> Effect:
    """Make an effect that notes the applicant's reply in a step."""

    def effect(_facts: Facts, _given: Inputs) -> Consequences:
        return Consequences(steps=(StepChange(kind, StepStatus.ANSWERED),))

    return effect


def calendar_of(facts: Facts) -> Calendar:
    """Return the calendar of the call, wide enough for any of its terms."""
    rules = facts.call.counting_rules
    return italian_calendar(
        facts.today.year - 2,
        facts.today.year + 6,
        roll_saturday=rules.roll_saturday,
        local=rules.local_holidays,
    )


# Filing


def submit(facts: Facts, _given: Inputs) -> Consequences:
    """Reserve the requested amount, if nobody earlier is without money.

    What came by another channel reserves nothing: it will not be examined.
    """
    requested = facts.application.requested
    covered = facts.application.channel == facts.call.filing.channel and money.fits(
        requested, facts.money, facts.earlier
    )
    return Consequences(
        money=(
            (MoneyChange(MovementKind.RESERVE, reserved=requested),) if covered else ()
        ),
        findings={
            "earlier_waiting": len(facts.earlier),
            "requested": requested,
            "reserved": covered,
            "documents": sorted(facts.application.documents),
        },
    )


def yield_reservation(facts: Facts, _given: Inputs) -> Consequences:
    """Give the reservation up for an application that arrived earlier.

    The portal may hand an earlier arrival over late; the money follows the order
    of arrival (art. 5 c. 3 D.Lgs. 123/1998), not that of handing over.
    """
    held = facts.application.reserved
    return Consequences(
        money=(MoneyChange(MovementKind.RELEASE, reserved=-held),),
        findings={"freed": held},
    )


def release(facts: Facts, _given: Inputs) -> Consequences:
    """Set free whatever is reserved or granted (*economia*)."""
    held = facts.application
    if not held.reserved and not held.granted:
        return Consequences()
    return Consequences(
        money=(
            MoneyChange(
                MovementKind.RELEASE, reserved=-held.reserved, granted=-held.granted
            ),
        ),
        findings={"freed": held.reserved + held.granted},
    )


def not_receivable(facts: Facts, given: Inputs) -> Consequences:
    """Release the money and say on which ground it was not receivable."""
    received, window = facts.application.received_at, facts.call.window
    late = received - window.closes_at if received is not None else None
    freed = release(facts, given)
    return Consequences(
        money=freed.money,
        findings={
            **freed.findings,
            "channel": facts.application.channel.value,
            "late_microseconds": (
                max(0, late // late.resolution) if late is not None else 0
            ),
        },
    )


# Review and merit


def start_review(facts: Facts, given: stated.ReviewInputs) -> Consequences:
    """Open the review and name whoever is overtaken."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unreviewed(facts.earlier, skip_waiting=skip)
    return Consequences(
        steps=(StepChange(StepKind.REVIEW, StepStatus.OPEN),),
        updates={"review_started": True},
        findings=_order_findings(facts, overtaken if given.overtake else ()),
    )


def evaluate(facts: Facts, given: stated.EvaluationInputs) -> Consequences:
    """Give the score and name whoever is overtaken."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unevaluated(facts.earlier, skip_waiting=skip)
    total = scores.total(given.score)
    again = facts.application.score is not None
    return Consequences(
        steps=(
            (StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "scored_again"),)
            if again
            else ()
        ),
        updates={"score": total},
        findings={
            **_order_findings(facts, overtaken if given.overtake else ()),
            "score": {
                "total": total,
                "threshold": facts.call.merit.threshold,
                "criteria": dict(given.score),
            },
        },
    )


def _order_findings(facts: Facts, overtaken: tuple[Place, ...]) -> dict[str, object]:
    findings: dict[str, object] = {"earlier_waiting": len(facts.earlier)}
    if overtaken:
        findings["overtaken"] = [place.protocol for place in overtaken]
    return findings


# Waiting for the applicant


def answer_completion(facts: Facts, _given: Inputs) -> Consequences:
    """Close the request and let the clock of the office go on."""
    return Consequences(
        steps=(StepChange(StepKind.COMPLETION_REQUEST, StepStatus.CLOSED, "answered"),),
        terms=_resume(facts, Letter.COMPLETION_REQUEST, facts.today),
        updates={"waits_for_applicant": False},
    )


def expire_completion(facts: Facts, _given: Inputs) -> Consequences:
    """Close the request unanswered, as of the end of its term."""
    return Consequences(
        steps=(
            StepChange(StepKind.COMPLETION_REQUEST, StepStatus.CLOSED, "unanswered"),
        ),
        terms=(
            TermChange(TermKind.COMPLETION, expired=True),
            *_resume(facts, Letter.COMPLETION_REQUEST, _end_of_wait(facts)),
        ),
        updates={"waits_for_applicant": False},
    )


def _end_of_wait(facts: Facts) -> date | None:
    """Return the day on which the term for the answer ended.

    The clock of the office goes on from there, whenever somebody notices.
    """
    term = facts.term(TermKind.COMPLETION)
    return civil_day(term.due_at) if term is not None else None


def uphold(_facts: Facts, _given: Inputs) -> Consequences:
    """Give way, even if the notice was closed because nobody answered it."""
    return Consequences(
        steps=(StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "upheld"),)
    )


def file_observations(facts: Facts, _given: Inputs) -> Consequences:
    """Take the observations in; the clock goes on ten days later (art. 10-bis)."""
    return Consequences(
        steps=(StepChange(StepKind.REFUSAL_NOTICE, StepStatus.ANSWERED),),
        terms=_resume(facts, Letter.REFUSAL_NOTICE, facts.today),
        updates={"waits_for_applicant": False},
    )


def expire_observations(facts: Facts, _given: Inputs) -> Consequences:
    """Stop waiting for observations, as of the end of their term."""
    return Consequences(
        steps=(StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "unanswered"),),
        terms=(
            TermChange(TermKind.OBSERVATIONS, expired=True),
            *_resume(facts, Letter.REFUSAL_NOTICE, None),
        ),
        updates={"waits_for_applicant": False},
    )


def _resume(
    facts: Facts, letter: Letter, replied: date | None
) -> tuple[TermChange, ...]:
    notice = facts.notice(letter)
    if notice is None or notice.delivered_at is None:
        return ()  # delivery is not proven yet: it will stop the clock afterwards
    return _stopped(facts, letter, civil_day(notice.delivered_at), replied)


def _stopped(
    facts: Facts, letter: Letter, delivered: date, replied: date | None
) -> tuple[TermChange, ...]:
    """Return the stretch in which the clock of the office stood still."""
    if facts.term(TermKind.CONCLUSION) is None:
        return ()
    if letter == Letter.REFUSAL_NOTICE:
        until = resumes_after_observations(
            delivered,
            replied,
            facts.call.terms[TermKind.OBSERVATIONS].count,
            calendar_of(facts),
        )
    else:
        until = resumes_after_reply(
            delivered, replied, days=facts.call.procedure.max_suspension_days
        )
    return (
        TermChange(
            TermKind.CONCLUSION, suspension=Suspension(delivered, max(delivered, until))
        ),
    )


def record_delivery(facts: Facts, given: stated.DeliveryInputs) -> Consequences:
    """Start what runs from receipt, and stop the clock of the office if it must.

    A receipt may come after the answer: then nothing is left to start, and the
    clock is found to have stood still between the two.
    """
    letter, day = given.letter, given.delivered_on or facts.today
    awaited = _AWAITED.get(letter)
    step = facts.step(awaited[0]) if awaited else None
    waiting = awaited is not None and (
        awaited[1](facts) if step is None else step.status == StepStatus.OPEN
    )
    terms: tuple[TermChange, ...] = ()
    if letter in _STOPS_THE_CLOCK and facts.term(TermKind.CONCLUSION):
        if waiting:
            terms = (TermChange(TermKind.CONCLUSION, suspension=Suspension(day, None)),)
        elif step is not None and step.closed_on is not None:
            terms = _stopped(facts, letter, day, max(day, step.closed_on))
    return Consequences(
        delivered=(letter, given.receipt),
        starts=(STARTED_BY_DELIVERY[letter],) if waiting else (),
        since=day,
        terms=terms,
        findings={"delivered_on": day.isoformat(), "letter": letter.value},
    )


# Money


def promote(facts: Facts, _given: Inputs) -> Consequences:
    """Reserve the money that was set free (*scorrimento*)."""
    return Consequences(
        money=(
            MoneyChange(MovementKind.RESERVE, reserved=facts.application.requested),
        ),
        findings={"residual_before": facts.money.residual},
    )


def grant(facts: Facts, given: stated.GrantInputs) -> Consequences:
    """Turn the reservation into a grant; what is not granted is set free."""
    admitted = given.admitted_investment or facts.application.investment
    computed = aid_on(facts, admitted)
    return Consequences(
        money=(
            MoneyChange(
                MovementKind.GRANT,
                reserved=-facts.application.reserved,
                granted=computed.total,
            ),
        ),
        updates={
            "cor": given.cor,
            "cup": given.cup,
            "admitted_investment": admitted,
            "granted_on": facts.today,
        },
        findings={
            "aid": _written(computed.steps),
            "available_before": money.available(facts.money, facts.earlier),
            "set_aside_for_earlier": money.set_aside(facts.earlier),
        },
    )


def determine(facts: Facts, given: stated.DeterminationInputs) -> Consequences:
    """Fix the final amount, never above the grant (*rideterminazione*)."""
    granted = facts.application.granted
    computed = aid.redetermine(
        aid_rules(facts), investment=given.admitted_investment, granted=Cents(granted)
    )
    lowered = granted - computed.total
    return Consequences(
        steps=(StepChange(StepKind.DETERMINATION, StepStatus.OPEN),),
        money=(
            (MoneyChange(MovementKind.REDETERMINE, granted=-lowered),)
            if lowered
            else ()
        ),
        updates={"admitted_investment": given.admitted_investment},
        findings={"aid": _written(computed.steps), "freed": lowered},
    )


def settle(facts: Facts, given: stated.SettlementInputs) -> Consequences:
    """Close the report; what is not recognised is set free (*economia*)."""
    lowered = facts.application.granted - given.recognised
    return Consequences(
        steps=(StepChange(StepKind.REPORT, StepStatus.CLOSED, "settled"),),
        money=(
            (MoneyChange(MovementKind.REDETERMINE, granted=-lowered),)
            if lowered
            else ()
        ),
        findings={"freed": lowered},
    )


def take_back(facts: Facts, given: stated.RecoveryInputs) -> Consequences:
    """Release what was not paid; what was paid stays out until it comes back.

    After the settlement everything was paid: nothing is set free before the
    recovery (*recupero*).
    """
    held = facts.application
    paid = given.recover
    if held.state == ApplicationState.COMPLETED:
        paid = held.granted
    unpaid = held.granted - paid
    freed = unpaid + held.reserved
    return Consequences(
        money=(
            (
                MoneyChange(
                    MovementKind.RELEASE, reserved=-held.reserved, granted=-unpaid
                ),
            )
            if freed
            else ()
        ),
        findings={"to_recover": paid, "freed": freed},
    )


def withdraw(facts: Facts, given: stated.DocumentInputs) -> Consequences:
    """Release what is held, but for the part whose right has matured."""
    held = facts.application
    if not held.matured:
        return release(facts, given)
    freed = held.granted - held.matured
    return Consequences(
        money=(MoneyChange(MovementKind.RELEASE, granted=-freed),) if freed else (),
        findings={"freed": freed, "kept": held.matured},
    )


# Phase 2


def convene(facts: Facts, given: Inputs) -> Consequences:
    """Open the negotiation, in place of a meeting convened before."""
    closed = closing(StepKind.NEGOTIATION, "convened_again")(facts, given)
    return Consequences(
        steps=(*closed.steps, StepChange(StepKind.NEGOTIATION, StepStatus.OPEN))
    )


def sign_minutes(facts: Facts, given: stated.MinutesInputs) -> Consequences:
    """Close the negotiation and wait for the definitive plan."""
    closed = closing(StepKind.NEGOTIATION, "signed")(facts, given)
    return Consequences(
        steps=(*closed.steps, StepChange(StepKind.DEFINITIVE_PLAN, StepStatus.OPEN)),
        since=given.signed_on,
    )


def file_plan(facts: Facts, given: stated.PlanInputs) -> Consequences:
    """Take the definitive plan in; the fixed part of the aid matures with it."""
    rules, held = facts.call.aid, facts.application
    fixed = min(rules.fixed, held.granted)
    matures = rules.fixed_matures_on == StepKind.DEFINITIVE_PLAN and not held.matured
    return Consequences(
        steps=(StepChange(StepKind.DEFINITIVE_PLAN, StepStatus.ANSWERED),),
        updates={
            "plan_investment": given.investment,
            **({"matured": fixed} if matures else {}),
        },
        findings={
            "plan_investment": given.investment,
            **({"fixed_part_matured": fixed} if matures else {}),
        },
    )


def return_plan(_facts: Facts, _given: Inputs) -> Consequences:
    """Send the plan back and wait for it again."""
    return Consequences(
        steps=(
            StepChange(StepKind.DEFINITIVE_PLAN, StepStatus.CLOSED, "returned"),
            StepChange(StepKind.DEFINITIVE_PLAN, StepStatus.OPEN),
        )
    )


def start_plan(_facts: Facts, given: stated.StartInputs) -> Consequences:
    """Record the day on which the plan started."""
    return Consequences(
        updates={"started_on": given.started_on}, since=given.started_on
    )


def publish(_facts: Facts, given: stated.PublicationInputs) -> Consequences:
    """Record where and when the grant was published."""
    return Consequences(updates={"published_on": given.published_on})


def declare_end(facts: Facts, _given: Inputs) -> Consequences:
    """Open the report; a plan that ran over its time ended when that was up."""
    term = facts.term(TermKind.DURATION)
    ended = min(facts.today, civil_day(term.due_at)) if term else facts.today
    return Consequences(
        steps=(StepChange(StepKind.REPORT, StepStatus.OPEN),),
        since=ended,
        findings={"ended_on": ended.isoformat()},
    )


def propose_lapse(facts: Facts, given: stated.LapseInputs) -> Consequences:
    """Open the proposal and mark the missed term as expired."""
    term = facts.term(given.term)
    return Consequences(
        steps=(
            StepChange(
                StepKind.LAPSE_PROPOSAL, StepStatus.OPEN, subject=given.term.value
            ),
        ),
        terms=(TermChange(given.term, expired=True),),
        findings={
            "term": given.term.value,
            "due_at": written(term.due_at) if term is not None else None,
        },
    )


def dismiss_lapse(facts: Facts, _given: Inputs) -> Consequences:
    """Excuse the delay: the missed term begins again from the day of the act."""
    step = facts.open_step(StepKind.LAPSE_PROPOSAL)
    return Consequences(
        steps=(StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "dismissed"),),
        restarts=(TermKind(step.subject),) if step and step.subject else (),
    )


def lapse(facts: Facts, given: Inputs) -> Consequences:
    """Adopt the lapse and release the money."""
    freed = release(facts, given)
    return Consequences(
        steps=(StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "adopted"),),
        money=freed.money,
        findings=freed.findings,
    )


def extend(_facts: Facts, given: stated.ExtensionInputs) -> Consequences:
    """Give the plan more months (*proroga*)."""
    return Consequences(
        terms=(TermChange(TermKind.DURATION, extra_months=given.months),),
        findings={"months": given.months},
    )


def both(first: Effect, second: Effect) -> Effect:
    """Join two effects that touch different things."""

    def effect(facts: Facts, given: Any) -> Consequences:  # noqa: ANN401 - each effect knows its own inputs
        one, other = first(facts, given), second(facts, given)
        return Consequences(
            money=one.money + other.money,
            steps=one.steps + other.steps,
            terms=one.terms + other.terms,
            starts=one.starts + other.starts,
            restarts=one.restarts + other.restarts,
            since=one.since or other.since,
            letters=one.letters + other.letters,
            delivered=one.delivered or other.delivered,
            updates={**one.updates, **other.updates},
            findings={**one.findings, **other.findings},
        )

    return effect


def _written(steps: tuple[Step, ...]) -> list[dict[str, str]]:
    return [
        {"rule": step.rule, "source": step.source, "text": step.text} for step in steps
    ]
