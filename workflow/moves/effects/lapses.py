"""Effects: what does a missed term bring about?"""

from models.vocabulary import StepKind, StepStatus, TermKind
from workflow.facts import Facts
from workflow.machine import Consequences, Inputs, StepChange, TermChange
from workflow.moves import inputs as stated
from workflow.moves.effects.money import release
from workflow.register import written


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
