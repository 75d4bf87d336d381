"""Effects: what does the register say of a proposal for a list?"""

from typing import Any

from models.vocabulary import ApplicationState, StepKind, StepStatus
from workflow.facts import Facts
from workflow.machine import Consequences, Effect, Inputs, StepChange
from workflow.moves import inputs as stated
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
