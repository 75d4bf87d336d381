"""Is there money for it, once everyone earlier is provided for?

Amounts are whole euro cents.
"""

from collections.abc import Iterable

from models.vocabulary import Cents
from workflow.facts import ALLOWED, MoneyFacts, Place, Verdict
from workflow.rules.amounts import format_money


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
        "applications; decide the earlier ones, or put it on the waiting list",
        {"available": format_money(left), "amount": format_money(amount)},
    )


def fits(requested: Cents, money: MoneyFacts, earlier: Iterable[Place]) -> bool:
    """Tell whether a request can be reserved without overtaking anybody.

    Nobody jumps ahead: while an earlier one has no money, a smaller later one
    gets none either.
    """
    return requested <= money.residual and first_without_money(earlier) is None


def first_without_money(earlier: Iterable[Place]) -> Place | None:
    """Return the first application in order that has nothing reserved."""
    lacking = (place for place in earlier if place.reserved < place.requested)
    return min(lacking, key=lambda place: place.key, default=None)


def lacking(earlier: Iterable[Place]) -> Cents:
    """Return what the earlier applications still ask for and have not reserved."""
    return Cents(sum(max(0, place.requested - place.reserved) for place in earlier))


def yielding(
    requested: Cents,
    money: MoneyFacts,
    earlier: Iterable[Place],
    later: Iterable[Place],
) -> tuple[Place, ...]:
    """Return who gives its reservation up for one that arrived earlier, last first.

    Also when what they hold is not enough for it: whoever held money behind one
    without it could neither be granted nor let it be promoted.
    """
    if first_without_money(earlier) is not None:
        return ()
    short = requested - money.residual
    given_up: list[Place] = []
    for place in sorted(later, key=lambda place: place.key, reverse=True):
        if short > 0 and place.reserved:
            given_up.append(place)
            short -= place.reserved
    return tuple(given_up)


def may_reserve(
    requested: Cents, money: MoneyFacts, earlier: Iterable[Place]
) -> Verdict:
    """Tell whether money set free goes to this application now (*scorrimento*)."""
    first = first_without_money(earlier)
    if first is not None:
        return Verdict(
            "money.not_head",
            f"{first.protocol} comes first on the waiting list; promote it first",
            {"blocked_by": [first.protocol]},
        )
    if requested > money.residual:
        return Verdict(
            "money.short",
            f"it asks for {format_money(requested)} and {format_money(money.residual)} "
            "is free; wait until money is set free or the call is refinanced",
            {"available": format_money(money.residual)},
        )
    return ALLOWED
