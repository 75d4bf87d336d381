"""How does the counter receive what is being filed?"""

from config.schema import Counter
from models.vocabulary import OrderPolicy, WaitingPhase
from workflow.facts import Facts, FilingFacts
from workflow.rules import counter
from workflow.rules.counter import Decision


def comes_by_another_channel(facts: Facts) -> bool:
    """Tell whether it did not come the way that the call wants."""
    return facts.application.channel != facts.call.filing.channel


def filing_of(facts: Facts) -> FilingFacts:
    """Return where it would stand; whoever only looks ahead stands at the end."""
    if facts.filing is not None:
        return facts.filing
    return FilingFacts(len(facts.before), counter.first_without_money(facts.before))


def decision(facts: Facts) -> Decision | None:
    """Return what the counter does with the request that is being filed.

    None for what comes by another channel: it is protocolled (art. 53 DPR 445/2000),
    reserves nothing and never waits, because it will not be examined. None as well
    where no counter gives the money out.
    """
    if (
        comes_by_another_channel(facts)
        or facts.call.counter.order is OrderPolicy.RANKING
    ):
        return None
    return counter.decide(
        facts.application.requested,
        facts.money,
        filing_of(facts),
        rules=facts.call.counter,
        allocation=facts.call.allocation,
        accepts_less=facts.application.accepts_less,
    )


def waits_before_review(rules: Counter) -> bool:
    """Tell whether the call examines only what has money."""
    return rules.waiting_list is WaitingPhase.BEFORE_REVIEW
