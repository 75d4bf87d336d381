"""Effects: what starts when a letter reaches the applicant?"""

from dataclasses import replace
from datetime import date

from models.vocabulary import (
    ApplicationState,
    Letter,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
    TermStatus,
)
from workflow.facts import Facts
from workflow.machine import Consequences, Delivery, TermChange
from workflow.moves import inputs as stated
from workflow.moves.effects.clocks import resumes, stopped
from workflow.register import written
from workflow.rules.terms import Suspension

STARTED_BY_DELIVERY = {
    Letter.COMPLETION_REQUEST: TermStart.COMPLETION_DELIVERED,
    Letter.REFUSAL_NOTICE: TermStart.REFUSAL_NOTICE_DELIVERED,
    Letter.GRANT: TermStart.GRANT_DELIVERED,
    Letter.PLAN_RETURNED: TermStart.PLAN_RETURN_DELIVERED,
    Letter.AMOUNT_DETERMINED: TermStart.DETERMINATION_DELIVERED,
}
"""Which term a letter starts when it reaches the applicant."""

_AWAITED = {
    Letter.COMPLETION_REQUEST: StepKind.COMPLETION_REQUEST,
    Letter.REFUSAL_NOTICE: StepKind.REFUSAL_NOTICE,
    Letter.GRANT: StepKind.NEGOTIATION,
    Letter.PLAN_RETURNED: StepKind.DEFINITIVE_PLAN,
    Letter.AMOUNT_DETERMINED: StepKind.DETERMINATION,
}
"""Which step a letter waits for: its term starts only while that step is open."""

_JUST_GRANTED = {ApplicationState.GRANTED, ApplicationState.NEGOTIATING}
"""Until a meeting is convened nothing is open yet, and what the grant starts runs."""

_STOPS_THE_CLOCK = {Letter.COMPLETION_REQUEST, Letter.REFUSAL_NOTICE}


def record_delivery(facts: Facts, given: stated.DeliveryInputs) -> Consequences:
    """Start what runs from receipt, and stop the clock of the office if it must.

    A receipt may come after the answer: then nothing is left to start, and the
    clock is found to have stood still between the two. Of a letter in whose place
    another was written since, it is only noted.
    """
    letter, day = given.letter, given.day() or facts.today
    noted = Consequences(
        delivered=Delivery(letter, given.receipt, given.notice, given.delivered_at),
        since=day,
        findings=_findings(given, day),
    )
    if facts.letter_meant(letter, given.notice) != facts.notice(letter):
        return noted
    awaited = _AWAITED.get(letter)
    step = facts.step(awaited) if awaited else None
    waiting = (
        step.status == StepStatus.OPEN
        if step is not None
        else letter == Letter.GRANT and facts.application.state in _JUST_GRANTED
    )
    terms: tuple[TermChange, ...] = ()
    clock = facts.term(TermKind.CONCLUSION)
    is_met = clock is not None and clock.status is TermStatus.MET
    if letter in _STOPS_THE_CLOCK and clock and not is_met:
        if waiting:
            stop = Suspension(day, None, resumes(facts, letter, day, None))
            terms = (TermChange(TermKind.CONCLUSION, suspension=stop, letter=letter),)
        elif step is not None and step.closed_on is not None:
            terms = stopped(facts, letter, day, max(day, step.closed_on))
    return replace(
        noted,
        starts=(STARTED_BY_DELIVERY[letter],) if waiting else (),
        restarts=_still_to_start(facts, letter),
        terms=terms,
    )


def _findings(given: stated.DeliveryInputs, day: date) -> dict[str, object]:
    """Return what the register says of a delivery: the day counts, by law."""
    found = {"delivered_on": day.isoformat(), "letter": given.letter.value}
    if given.delivered_at is not None:
        found["delivered_at"] = written(given.delivered_at)
    if given.notice is not None:
        found["notice"] = str(given.notice)
    return {**found}


def release_notice(facts: Facts, given: stated.ReleaseInputs) -> Consequences:
    """Let a letter go that was held back; what it says is as it was written."""
    letter = next(one.letter for one in facts.notices if one.id == given.notice)
    return Consequences(released=given.notice, findings={"letter": letter.value})


def _still_to_start(facts: Facts, letter: Letter) -> tuple[TermKind, ...]:
    """Return the start of the plan, if the grant was accepted before its receipt.

    The acceptance is filed already: what the receipt starts is only the rest.
    """
    accepted = facts.application.state is ApplicationState.ACCEPTED
    rule = facts.call.terms.get(TermKind.START)
    runs_from_it = rule is not None and rule.starts_on is TermStart.GRANT_DELIVERED
    if letter is Letter.GRANT and accepted and runs_from_it:
        return () if facts.term(TermKind.START) else (TermKind.START,)
    return ()
