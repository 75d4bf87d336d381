"""Effects: what does a grant give, and what is left of it in the end?"""

from models.vocabulary import Cents, MovementKind, StepKind, StepStatus
from workflow.facts import Facts
from workflow.machine import Consequences, MoneyChange, StepChange
from workflow.moves import inputs as stated
from workflow.moves.amounts import aid_on, aid_rules, provided_for
from workflow.moves.calendars import last_sending
from workflow.rules import aid, money
from workflow.rules.steps import Step


def grant(facts: Facts, given: stated.GrantInputs) -> Consequences:
    """Turn the reservation into a grant; what is not granted is set free.

    The term to send the act to the aid registry runs from the day of the COR.
    """
    send_by = last_sending(facts, given.cor_on)
    admitted = given.admitted_investment or facts.application.investment
    computed, before = aid_on(facts, admitted), provided_for(facts)
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
            "cor_on": given.cor_on,
            "cup": given.cup,
            "cup_on": given.cup_on,
            "admitted_investment": admitted,
            "granted_on": facts.today,
        },
        findings={
            "aid": _written(computed.steps),
            "available_before": money.available(facts.money, before),
            "set_aside_for_earlier": money.set_aside(before),
            **({"send_act_by": send_by.isoformat()} if send_by else {}),
        },
        since=given.cor_on,
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
    """Close the report; what is not recognised is set free (*economia*).

    So is what a ranking has added and nobody has granted in time.
    """
    lowered = facts.application.granted - given.recognised
    added = facts.application.reserved
    return Consequences(
        steps=(StepChange(StepKind.REPORT, StepStatus.CLOSED, "settled"),),
        money=(
            *((MoneyChange(MovementKind.RELEASE, reserved=-added),) if added else ()),
            *(
                (MoneyChange(MovementKind.REDETERMINE, granted=-lowered),)
                if lowered
                else ()
            ),
        ),
        findings={"freed": lowered + added},
    )


def publish(_facts: Facts, given: stated.PublicationInputs) -> Consequences:
    """Record where and when the grant was published."""
    return Consequences(updates={"published_on": given.published_on})


def _written(steps: tuple[Step, ...]) -> list[dict[str, str]]:
    return [
        {"rule": step.rule, "source": step.source, "text": step.text} for step in steps
    ]
