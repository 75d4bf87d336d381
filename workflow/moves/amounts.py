"""How much aid may an application have, on these facts?"""

from models.vocabulary import Cents
from workflow.facts import Facts, Place
from workflow.rules import aid, money


def aid_rules(facts: Facts) -> aid.AidRules:
    """Return what the call gives, as the computation wants it."""
    rules = facts.call.aid
    return aid.AidRules(
        fixed=rules.fixed,
        variable_percent=rules.variable_percent,
        cap=rules.cap,
        ceiling=rules.ceiling,
        ceiling_years=rules.ceiling_years,
    )


def aid_on(facts: Facts, investment: Cents) -> aid.AidComputation:
    """Compute what may be granted on an admitted investment, with its steps."""
    if facts.aids is None:
        message = "the aid is reckoned by a move that does not say so"
        raise AssertionError(message)
    return aid.compute_aid(
        aid_rules(facts),
        investment=investment,
        requested=facts.application.requested,
        prior=facts.aids,
        on=facts.today,
    )


def declared_aid(facts: Facts) -> aid.AidComputation:
    """Compute what may be granted if all that was declared is admitted."""
    return aid_on(facts, facts.application.investment)


def provided_for(facts: Facts) -> tuple[Place, ...]:
    """Return whose money is set aside before this one is granted any."""
    return money.provided_for(facts.before, jump_ahead=facts.call.counter.jump_ahead)
