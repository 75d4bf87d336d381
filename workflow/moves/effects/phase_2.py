"""Effects: how does the work go on after the grant?"""

from models.vocabulary import StepKind, StepStatus, TermKind
from workflow.facts import Facts
from workflow.machine import Consequences, Effect, Inputs, StepChange, TermChange
from workflow.moves import inputs as stated
from workflow.moves.effects.steps import closing
from workflow.rules.calendar import civil_day


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
    """Take the definitive plan in; the fixed part of the aid may mature with it."""
    matured = maturing(StepKind.DEFINITIVE_PLAN)(facts, given)
    return Consequences(
        steps=(StepChange(StepKind.DEFINITIVE_PLAN, StepStatus.ANSWERED),),
        updates={"plan_investment": given.investment, **matured.updates},
        findings={"plan_investment": given.investment, **matured.findings},
    )


def maturing(kind: StepKind) -> Effect:
    """Make an effect by which the fixed part matures with a step, once.

    Only where the call names that step: where it names none, nothing matures.
    """

    def effect(facts: Facts, _given: Inputs) -> Consequences:
        rules, held = facts.call.aid, facts.application
        if rules.fixed_matures_on != kind or held.matured:
            return Consequences()
        fixed = min(rules.fixed, held.granted)
        return Consequences(
            updates={"matured": fixed}, findings={"fixed_part_matured": fixed}
        )

    return effect


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


def declare_end(facts: Facts, _given: Inputs) -> Consequences:
    """Open the report; a plan that ran over its time ended when that was up."""
    term = facts.term(TermKind.DURATION)
    ended = min(facts.today, civil_day(term.due_at)) if term else facts.today
    return Consequences(
        steps=(StepChange(StepKind.REPORT, StepStatus.OPEN),),
        since=ended,
        findings={"ended_on": ended.isoformat()},
    )


def extend(_facts: Facts, given: stated.ExtensionInputs) -> Consequences:
    """Give the plan more months (*proroga*)."""
    return Consequences(
        terms=(TermChange(TermKind.DURATION, extra_months=given.months),),
        findings={"months": given.months},
    )
