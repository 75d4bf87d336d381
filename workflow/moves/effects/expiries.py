"""Effects: what comes of a term whose instant has come?"""

from models.vocabulary import StepKind, StepStatus, TermKind
from workflow.facts import FALLEN, Facts
from workflow.machine import Consequences, Inputs, StepChange, TermChange
from workflow.moves import inputs as stated
from workflow.rules.terms import Suspension


def expire_term(_facts: Facts, given: stated.TermInputs) -> Consequences:
    """Note that a term has ended; nothing else follows by itself (*scadenza*)."""
    return Consequences(
        terms=(TermChange(given.term, expired=True),),
        findings={"term": given.term.value},
    )


def remind_term(_facts: Facts, given: stated.ReminderInputs) -> Consequences:
    """Note that the applicant is reminded of a term; it stays as it is."""
    return Consequences(
        terms=(TermChange(given.term, reminded=given.days),),
        findings={"term": given.term.value, "days": given.days},
    )


def escalate_term(_facts: Facts, given: stated.TermInputs) -> Consequences:
    """Note that the manager was told of a term that the office missed."""
    return Consequences(
        terms=(TermChange(given.term, escalated=True),),
        findings={"term": given.term.value},
    )


def resume_term(facts: Facts, given: stated.TermInputs) -> Consequences:
    """Let a clock go on whose suspension has lasted as long as it may."""
    term = facts.term(given.term)
    if term is None or term.stopped_on is None or term.resumes_after is None:
        return Consequences()
    last = term.resumes_after
    return Consequences(
        terms=(
            TermChange(given.term, suspension=Suspension(term.stopped_on, last, last)),
        ),
        findings={"term": given.term.value, "suspended_until": last.isoformat()},
    )


def extend_term(_facts: Facts, given: stated.TermExtensionInputs) -> Consequences:
    """Give one applicant more days (*proroga di un termine*)."""
    return Consequences(
        terms=(TermChange(given.term, extra_days=given.days),),
        findings={"term": given.term.value, "days": given.days},
    )


def expire_proposal(facts: Facts, _given: Inputs) -> Consequences:
    """Let a proposal fall on which nobody decided; it can be made again."""
    step = facts.open_step(StepKind.LAPSE_PROPOSAL)
    return Consequences(
        steps=(StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, FALLEN),),
        terms=(TermChange(TermKind.LAPSE_DECISION, expired=True),),
        findings={"subject": step.subject if step else None},
    )


def release_cor(facts: Facts, _given: Inputs) -> Consequences:
    """Let the code of the aid registry lapse, which was not told of the act in time.

    The grant stands; nothing is paid on it until the aid is registered again, or
    it turns out that the act was sent in time (art. 9 DM 115/2017).
    """
    return Consequences(
        terms=(TermChange(TermKind.AID_REGISTRY, expired=True),),
        findings={"cor": facts.application.cor},
    )


def renew_cor(_facts: Facts, given: stated.RenewalInputs) -> Consequences:
    """Take the new code, from whose day the term to send the act runs again."""
    return Consequences(
        updates={"cor": given.cor, "cor_on": given.cor_on},
        restarts=(TermKind.AID_REGISTRY,),
        since=given.cor_on,
    )
