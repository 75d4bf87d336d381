"""Effects: what does the register say of a proposal for a list?"""

from typing import Any

from models.vocabulary import ApplicationState, StepKind, StepStatus
from workflow.facts import Facts, ListAnswer
from workflow.machine import Consequences, Effect, Inputs, StepChange
from workflow.moves import inputs as stated
from workflow.moves.effects import partnerships
from workflow.register import written
from workflow.rules.calendar import civil_day


def take_in(facts: Facts, _given: Inputs) -> Consequences:
    """Note what was filed; there is nothing to reserve."""
    about = facts.application
    came = about.received_at
    return Consequences(
        # Its terms run from its receipt, however late a portal hands it over.
        since=None if came is None else civil_day(came),
        findings={
            "requested": about.requested,
            "documents": sorted(about.documents),
            "channel": about.channel.value,
            **partnerships.told(facts),
            **told(facts),
        },
    )


def start_review(_facts: Facts, _given: Inputs) -> Consequences:
    """Open the review: there is no turn that anybody could be passed over in."""
    return Consequences(
        steps=(StepChange(StepKind.REVIEW, StepStatus.OPEN),),
        updates={"review_started": True},
    )


def assessing(*, worthy: bool) -> Effect:
    """Make an effect that keeps what the board has found, and by which criteria."""

    def effect(facts: Facts, given: Any) -> Consequences:  # noqa: ANN401 - see below
        return Consequences(
            steps=_again(facts), findings={"assessment": _found(facts, given, worthy)}
        )

    return effect


def _again(facts: Facts) -> tuple[StepChange, ...]:
    """Close the notice of refusal whose observations brought the file back."""
    if facts.application.state is not ApplicationState.EVALUATED:
        return ()
    closed = StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "scored_again")
    return (closed,)


def _found(
    facts: Facts,
    given: stated.AssessmentInputs,
    worthy: bool,  # noqa: FBT001 - private, and named where it is made
) -> dict[str, object]:
    return {
        "worthy": worthy,
        "criteria": sorted(set(given.criterion)),
        "minimum": facts.call.assessment.minimum,
    }


def note(facts: Facts, _given: Inputs) -> Consequences:
    """Keep what was known of the lists of other calls that this one looks at."""
    return Consequences(findings=told(facts))


def told(facts: Facts) -> dict[str, object]:
    """Return the same, for the register; nothing where the call looks at none."""
    known = [_answer(one) for one in facts.lists if one.is_known]
    return {"lists": known} if known else {}


def bonus(facts: Facts) -> int:
    """Return the points for being on a list, whatever the board gives."""
    return sum(one.wanted.points or 0 for one in facts.lists if one.member)


def _answer(one: ListAnswer) -> dict[str, object]:
    return {
        "call": one.wanted.call,
        "effect": one.wanted.effect,
        "as_of": None if one.at is None else written(one.at),
        "version": one.version,
        "act": one.act,
        "member": one.member,
        **({"points": one.wanted.points} if one.wanted.points else {}),
    }
