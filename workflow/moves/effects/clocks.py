"""Effects: how does the clock of the office go on after the applicant was heard?"""

from datetime import date

from models.vocabulary import (
    Letter,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
    TermStatus,
)
from workflow.facts import ANSWERED, ANSWERED_LATE, UNANSWERED, Facts
from workflow.machine import Consequences, Inputs, StepChange, TermChange
from workflow.moves.calendars import calendar_from
from workflow.rules.calendar import civil_day
from workflow.rules.terms import (
    Suspension,
    resumes_after_observations,
    resumes_after_reply,
)

_GOING = {TermStatus.RUNNING, TermStatus.SUSPENDED}


def answer_completion(facts: Facts, _given: Inputs) -> Consequences:
    """Close the request and let the clock of the office go on.

    Late, it is filed and nothing else: the clock has gone on already.
    """
    if facts.open_step(StepKind.COMPLETION_REQUEST) is None:
        late = StepChange(StepKind.COMPLETION_REQUEST, StepStatus.CLOSED, ANSWERED_LATE)
        return Consequences(steps=(late,), findings={"late": True})
    return Consequences(
        steps=(StepChange(StepKind.COMPLETION_REQUEST, StepStatus.CLOSED, ANSWERED),),
        terms=_resume(facts, Letter.COMPLETION_REQUEST, facts.today),
        updates={"waits_for_applicant": _waits_for_observations(facts)},
    )


def expire_completion(facts: Facts, _given: Inputs) -> Consequences:
    """Close the request unanswered, as of the end of its term."""
    return Consequences(
        steps=(StepChange(StepKind.COMPLETION_REQUEST, StepStatus.CLOSED, UNANSWERED),),
        terms=(
            TermChange(TermKind.COMPLETION, expired=True),
            *_resume(facts, Letter.COMPLETION_REQUEST, _end_of_wait(facts)),
        ),
        updates={"waits_for_applicant": False},
    )


def file_observations(facts: Facts, _given: Inputs) -> Consequences:
    """Take the observations in; the clock goes on ten days later (art. 10-bis).

    Late, they are read and do not stop it again.
    """
    if facts.open_step(StepKind.REFUSAL_NOTICE) is None:
        late = StepChange(StepKind.REFUSAL_NOTICE, StepStatus.ANSWERED)
        return Consequences(steps=(late,), findings={"late": True})
    return Consequences(
        steps=(StepChange(StepKind.REFUSAL_NOTICE, StepStatus.ANSWERED),),
        terms=_resume(facts, Letter.REFUSAL_NOTICE, facts.today),
        updates={"waits_for_applicant": False},
    )


def expire_observations(facts: Facts, _given: Inputs) -> Consequences:
    """Stop waiting for observations, as of the end of their term."""
    return Consequences(
        steps=(StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, UNANSWERED),),
        terms=(
            TermChange(TermKind.OBSERVATIONS, expired=True),
            *_resume(facts, Letter.REFUSAL_NOTICE, None),
        ),
        updates={"waits_for_applicant": False},
    )


def uphold(_facts: Facts, _given: Inputs) -> Consequences:
    """Give way, even if the notice was closed because nobody answered it."""
    return Consequences(
        steps=(StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "upheld"),)
    )


def _waits_for_observations(facts: Facts) -> bool:
    """Tell whether a notice of refusal went out meanwhile: typed late, it may have."""
    step = facts.step(StepKind.REFUSAL_NOTICE)
    return step is not None and step.status is StepStatus.OPEN


def _end_of_wait(facts: Facts) -> date | None:
    """Return the day on which the term for the answer ended.

    The clock of the office goes on from there, whenever somebody notices.
    """
    term = facts.term(TermKind.COMPLETION)
    return civil_day(term.due_at) if term is not None else None


def _resume(
    facts: Facts, letter: Letter, replied: date | None
) -> tuple[TermChange, ...]:
    notice = facts.notice(letter)
    if notice is None or notice.delivered_at is None:
        return ()  # delivery is not proven yet: it will stop the clock afterwards
    return stopped(facts, letter, civil_day(notice.delivered_at), replied)


def stopped(
    facts: Facts, letter: Letter, delivered: date, replied: date | None
) -> tuple[TermChange, ...]:
    """Return the stretch in which the clock of the office stood still."""
    term = facts.term(TermKind.CONCLUSION)
    if term is None or term.status is TermStatus.MET:
        return ()  # what is heard after the decision stops no clock
    until = max(delivered, resumes(facts, letter, delivered, replied))
    stop = Suspension(delivered, until)
    return (TermChange(TermKind.CONCLUSION, suspension=stop, letter=letter),)


def resumes(
    facts: Facts, letter: Letter, delivered: date, replied: date | None
) -> date:
    """Return the day after which a letter that stopped the clock lets it go on.

    Without a reply, the last one: it goes on by itself then.
    """
    if letter != Letter.REFUSAL_NOTICE:
        return resumes_after_reply(
            delivered, replied, days=facts.call.procedure.max_suspension_days
        )
    return resumes_after_observations(
        delivered,
        replied,
        facts.call.terms[TermKind.OBSERVATIONS].count,
        calendar_from(facts, delivered),
    )


def start_conclusion(facts: Facts, _given: Inputs) -> Consequences:
    """Start the term of the whole procedure, unless it is going already."""
    term = facts.term(TermKind.CONCLUSION)
    if term is not None and term.status in _GOING:
        return Consequences()
    return Consequences(starts=(TermStart.PROTOCOL,))
