"""Is there money for it, once everyone earlier is provided for?

Amounts are whole euro cents.
"""

from collections.abc import Iterable

from models.vocabulary import Cents
from workflow.facts import ALLOWED, MoneyFacts, Place, Verdict
from workflow.rules.amounts import format_money


def provided_for(earlier: Iterable[Place], *, jump_ahead: bool) -> tuple[Place, ...]:
    """Return for whom of the earlier ones money is set aside.

    For all of them, unless smaller requests may jump ahead: whoever was passed
    over for want of money keeps its place, but nothing of what others hold.
    """
    return tuple(place for place in earlier if place.reserved or not jump_ahead)


def set_aside(earlier: Iterable[Place]) -> Cents:
    """Return what the earlier applications still waiting for a grant ask for."""
    return Cents(sum(place.requested for place in earlier))


def available(money: MoneyFacts, earlier: Iterable[Place]) -> Cents:
    """Return what may be granted to an application without hurting earlier ones."""
    return Cents(max(0, money.allocation - money.granted - set_aside(earlier)))


def may_grant(amount: Cents, money: MoneyFacts, earlier: Iterable[Place]) -> Verdict:
    """Tell whether a grant (*concessione*) is covered (art. 5 c. 3 D.Lgs. 123/1998).

    The requested amount of every earlier application still open is set aside
    first, so the outcome does not depend on who is examined first.
    """
    left = available(money, earlier)
    if amount <= left:
        return ALLOWED
    return Verdict(
        "money.short",
        f"{format_money(amount)} is not covered: {format_money(left)} is left of "
        f"{format_money(money.allocation)} after {format_money(money.granted)} "
        f"granted and {format_money(set_aside(earlier))} set aside for earlier "
        "applications; decide the earlier ones first",
        {"available": format_money(left), "amount": format_money(amount)},
    )


def yielding(
    requested: Cents,
    money: MoneyFacts,
    earlier: Iterable[Place],
    later: Iterable[Place],
    *,
    jump_ahead: bool = False,
) -> tuple[Place, ...]:
    """Return who gives its reservation up for one that arrived earlier, last first.

    Also when what they hold is not enough for it: whoever held money behind one
    without it could neither be granted nor let it be promoted. Where smaller ones
    may jump ahead they could, so that they give up only what is enough for it.
    """
    if not jump_ahead and any(place.reserved < place.requested for place in earlier):
        return ()
    short = requested - money.residual
    given_up: list[Place] = []
    for place in sorted(later, key=lambda place: place.key, reverse=True):
        if short > 0 and place.reserved:
            given_up.append(place)
            short -= place.reserved
    if jump_ahead and short > 0:
        return ()
    return tuple(given_up)
