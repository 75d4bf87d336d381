"""Guards: how far has the work gone after the grant?"""

from models.vocabulary import StepKind
from workflow.facts import ALLOWED, Facts, Verdict


def not_signed(facts: Facts) -> Verdict:
    """A meeting may be convened again until its minutes are signed."""
    step = facts.step(StepKind.NEGOTIATION)
    if step is None or step.outcome != "signed":
        return ALLOWED
    return Verdict(
        "negotiation.signed", "the minutes are signed; wait for the definitive plan"
    )


def end_not_noted(facts: Facts) -> Verdict:
    """A plan ends once, by a declaration or when its time is up."""
    if facts.step(StepKind.REPORT) is None:
        return ALLOWED
    return Verdict(
        "report.once",
        "the end of the plan is noted already; what is awaited is the report, "
        "`file_report`",
    )


def plan_may_be_returned(facts: Facts) -> Verdict:
    """A definitive plan goes back for corrections as often as the call allows."""
    returned = sum(
        1
        for step in facts.steps
        if step.kind == StepKind.DEFINITIVE_PLAN and step.outcome == "returned"
    )
    if returned < facts.call.procedure.plan_returns:
        return ALLOWED
    return Verdict(
        "definitive_plan.returned_before",
        f"the plan was already returned {returned} time(s), which is all the call "
        "allows; determine the amount, or propose a lapse",
    )


def determined(facts: Facts) -> Verdict:
    """The final amount is known."""
    if facts.open_step(StepKind.DETERMINATION) is None:
        return Verdict(
            "determination.missing",
            "the amount is not determined yet; `determine_amount` comes first",
        )
    return ALLOWED
