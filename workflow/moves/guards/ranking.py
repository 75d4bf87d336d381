"""Guards: what does the act on a ranking owe to each application?"""

from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves import inputs as stated
from workflow.moves import placements
from workflow.rules.amounts import format_money


def cost_is_enough(facts: Facts) -> Verdict:
    """A project costs at least what the call says."""
    least, cost = facts.call.ranking.minimum_cost, facts.application.investment
    if least is None or cost >= least or placements.comes_by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "investment.below_minimum",
        f"`investment` is {format_money(cost)}: the call takes projects of at least "
        f"{format_money(least)}; correct the amount and file again",
    )


def admitted_cost_is_enough(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """What is admitted of a project costs that much as well."""
    least, cost = facts.call.ranking.minimum_cost, given.admitted_investment
    if least is None or cost is None or cost >= least:
        return ALLOWED
    return Verdict(
        "investment.below_minimum",
        f"--admitted-investment {format_money(cost)} is less than "
        f"{format_money(least)}, the least that a project may cost in this call; "
        "correct the amount, or take it out of the ranking with `annul`",
        {"admitted": format_money(cost), "least": format_money(least)},
    )


def money_is_free(facts: Facts, given: stated.FundingInputs) -> Verdict:
    """What it gets is free, and what was granted is not taken away."""
    held = facts.application
    more = given.amount - held.reserved - held.granted
    if more > facts.money.residual:
        return Verdict(
            "money.short",
            f"{format_money(more)} more is not covered: "
            f"{format_money(facts.money.residual)} is free",
        )
    if given.amount < held.granted:
        return Verdict(
            "ranking.takes_back",
            f"{format_money(held.granted)} was granted to it, and no ranking takes "
            "that back; revoke it first",
        )
    return ALLOWED


def registry_knows_no_more(facts: Facts, given: stated.FundingInputs) -> Verdict:
    """A grant that the aid registry knows does not grow by itself."""
    held = facts.application
    grows = held.granted and given.amount > held.granted
    if facts.call.aid.regime == "none" or not grows:
        return ALLOWED
    return Verdict(
        "ranking.registered",
        f"{format_money(held.granted)} is registered under the COR {held.cor}, and an "
        "aid grows only with a registration of its own; complete it before the grant",
    )


def something_was_added(facts: Facts) -> Verdict:
    """An act on the ranking has added to a grant what is to be granted still."""
    if facts.application.reserved:
        return ALLOWED
    return Verdict(
        "grant.nothing_added",
        "nothing was added to its grant by an act on the ranking; see `sportello call "
        "fund` for what would be",
    )


def cor_is_there_if_wanted(facts: Facts, given: stated.RankedGrantInputs) -> Verdict:
    """A State aid has its COR; what is none has no such code."""
    wanted = facts.call.aid.regime != "none"
    if {given.cor is not None, given.cor_on is not None} == {wanted}:
        return ALLOWED
    return Verdict(
        "cor.missing" if wanted else "cor.not_wanted",
        "the aid has to be registered first: state --cor and --cor-on"
        if wanted
        else "the call gives no State aid (aid.regime), so nothing is registered: "
        "leave --cor and --cor-on out",
    )


def not_ranked(facts: Facts) -> Verdict:
    """What was put in the ranking is scored no more."""
    if facts.application.rank is None:
        return ALLOWED
    return Verdict(
        "score.ranked",
        f"it is number {facts.application.rank} of the ranking, which was made on its "
        "score; only another act on the ranking can follow another score",
    )


def is_ranked(facts: Facts) -> Verdict:
    """It has its place in the ranking, and money with it."""
    if facts.application.rank is not None:
        return ALLOWED
    return Verdict(
        "ranking.missing",
        "it is in no ranking yet, so that nothing is due to it; approve the ranking "
        f"with `sportello call rank {facts.call.code}` first",
    )
