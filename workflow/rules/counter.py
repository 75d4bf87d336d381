"""What does the counter do with a request that arrives, and with money set free?

Amounts are whole euro cents. The same walk decides at the filing and afterwards:
first come, first served, and nobody jumps ahead unless the call says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from config.schema import Allocation, Counter
from models.vocabulary import Cents, ShortMoneyPolicy
from workflow.facts import (
    ALLOWED,
    NOTHING,
    FilingFacts,
    MoneyFacts,
    Place,
    Verdict,
)
from workflow.rules.amounts import format_money, share


class Placement(StrEnum):
    """How a request is received."""

    RESERVED = "reserved"
    """*Prenotata*: the money is kept for it."""
    PARTLY_RESERVED = "partly_reserved"
    """It takes what is left and gives the rest up, as its applicant has agreed."""
    WAITING = "waiting"
    """*Oltre dotazione*: it holds its place and has no money."""
    REFUSED = "refused"
    """The counter can take nothing more."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the counter does with a request, in cents."""

    placement: Placement
    requested: Cents
    """What it asks for from now on: less than before, if a part is all it gets."""
    suspends: bool = False
    """Whether the counter has to be suspended for exhaustion, here and now."""
    verdict: Verdict = ALLOWED

    @property
    def reserved(self) -> Cents:
        """What is reserved for it."""
        if self.placement in {Placement.RESERVED, Placement.PARTLY_RESERVED}:
            return self.requested
        return NOTHING


@dataclass(frozen=True, slots=True)
class Promotion:
    """Who takes money set free next, and how much of it."""

    place: Place
    amount: Cents


def overbooking(rules: Counter, allocation: Cents) -> Cents | None:
    """Return how much may be asked for beyond the allocation; none: no limit."""
    if rules.overbooking_percent is not None:
        return share(allocation, rules.overbooking_percent)
    return rules.overbooking_amount


def decide(  # noqa: PLR0913 - what a decision at the counter stands on
    requested: Cents,
    money: MoneyFacts,
    filing: FilingFacts,
    *,
    rules: Counter,
    allocation: Allocation,
    accepts_less: bool,
) -> Decision:
    """Receive a request: reserve, let it wait, give a part, or refuse it.

    What was handed over late is measured on what arrived before it: it is never
    refused for money that later ones took, and passes no limit that they have not.
    """
    first = filing.first_without_money is None
    limit = _limit(money, rules, allocation)
    taken = (
        free_for(requested, money, allocation, accepts_less=accepts_less and first)
        if first or rules.jump_ahead
        else NOTHING
    )
    if taken and not _is_beyond(limit, money, taken, filing.later):
        part = taken < requested
        return Decision(
            Placement.PARTLY_RESERVED if part else Placement.RESERVED,
            taken,
            suspends=_is_full(limit, money, taken),
        )
    stops = allocation.short_money is ShortMoneyPolicy.STOP and not filing.later
    if stops or _is_beyond(limit, money, requested, filing.later):
        return _refused(requested, money, limit or money.allocation, filing.later)
    return Decision(
        Placement.WAITING, requested, suspends=_is_full(limit, money, requested)
    )


def free_for(
    requested: Cents, money: MoneyFacts, allocation: Allocation, *, accepts_less: bool
) -> Cents:
    """Return how much of what is free a request takes: all, a part, or nothing."""
    if requested <= money.residual:
        return requested
    if allocation.short_money is ShortMoneyPolicy.PARTIAL and accepts_less:
        return Cents(max(0, money.residual))
    return NOTHING


def first_without_money(places: Iterable[Place]) -> Place | None:
    """Return the first of those in order that has less than it asks for."""
    return next((place for place in places if place.reserved < place.requested), None)


def next_promotion(
    places: Iterable[Place],
    money: MoneyFacts,
    *,
    rules: Counter,
    allocation: Allocation,
) -> Promotion | None:
    """Return who takes money set free next (*scorrimento*), one at a time.

    The head of those who have none, or the first that fits if the call lets
    smaller ones jump ahead. A part goes to the head alone: it would leave nothing
    to whom it jumps ahead of. *places* are in the order in which money is given.
    """
    passed_over = False
    for place in places:
        if place.reserved >= place.requested:
            continue
        less = place.accepts_less and not passed_over
        taken = free_for(place.requested, money, allocation, accepts_less=less)
        if taken:
            return Promotion(place, taken)
        if not rules.jump_ahead:
            return None
        passed_over = True
    return None


def may_promote(  # noqa: PLR0913 - what a decision at the counter stands on
    requested: Cents,
    before: Iterable[Place],
    money: MoneyFacts,
    *,
    rules: Counter,
    allocation: Allocation,
    accepts_less: bool,
) -> Verdict:
    """Tell whether money set free goes to this request now (*scorrimento*)."""
    places = tuple(before)
    ahead = _served_first(places, money, rules=rules, allocation=allocation)
    if ahead is not None:
        return Verdict(
            "money.not_head",
            f"{ahead.protocol} comes first on the waiting list; promote it first",
            {"blocked_by": [ahead.protocol]},
        )
    if share_of_free(
        requested,
        places,
        money,
        rules=rules,
        allocation=allocation,
        accepts_less=accepts_less,
    ):
        return ALLOWED
    return Verdict(
        "money.short",
        f"it asks for {format_money(requested)} and {format_money(money.residual)} "
        "is free; wait until money is set free or the call is refinanced",
        {"available": format_money(money.residual)},
    )


def share_of_free(  # noqa: PLR0913 - what a decision at the counter stands on
    requested: Cents,
    before: Iterable[Place],
    money: MoneyFacts,
    *,
    rules: Counter,
    allocation: Allocation,
    accepts_less: bool,
) -> Cents:
    """Return what a request takes of the money set free, if it is its turn to."""
    places = tuple(before)
    if _served_first(places, money, rules=rules, allocation=allocation) is not None:
        return NOTHING
    less = accepts_less and first_without_money(places) is None
    return free_for(requested, money, allocation, accepts_less=less)


def is_within_reach(  # noqa: PLR0913 - what a decision at the counter stands on
    requested: Cents,
    before: Iterable[Place],
    money: MoneyFacts,
    *,
    rules: Counter,
    allocation: Allocation,
    accepts_less: bool,
) -> bool:
    """Tell whether what is free does for those before it and for this one too."""
    places = list(before)
    while found := next_promotion(places, money, rules=rules, allocation=allocation):
        places.remove(found.place)
        money = replace(money, reserved=Cents(money.reserved + found.amount))
    taken = share_of_free(
        requested,
        places,
        money,
        rules=rules,
        allocation=allocation,
        accepts_less=accepts_less,
    )
    return taken > NOTHING


def _served_first(
    before: tuple[Place, ...],
    money: MoneyFacts,
    *,
    rules: Counter,
    allocation: Allocation,
) -> Place | None:
    """Return who takes money before whoever comes after all of these."""
    if not rules.jump_ahead:
        return first_without_money(before)
    found = next_promotion(before, money, rules=rules, allocation=allocation)
    return None if found is None else found.place


def _asked(money: MoneyFacts) -> int:
    """Return what is asked for so far, with money or without."""
    return money.reserved + money.granted + money.waiting


def _limit(money: MoneyFacts, rules: Counter, allocation: Allocation) -> Cents | None:
    """Return up to how much the counter takes requests in; none: no limit."""
    if allocation.short_money is ShortMoneyPolicy.STOP:
        return money.allocation
    beyond = overbooking(rules, money.allocation)
    return None if beyond is None else Cents(money.allocation + beyond)


def _is_beyond(
    limit: Cents | None, money: MoneyFacts, requested: Cents, later: Cents
) -> bool:
    """Tell whether a request asks for more than the counter may take in."""
    return limit is not None and _asked(money) - later + requested > limit


def _is_full(limit: Cents | None, money: MoneyFacts, requested: Cents) -> bool:
    """Tell whether nothing more can be taken in after this request."""
    return limit is not None and _asked(money) + requested >= limit


def _refused(
    requested: Cents, money: MoneyFacts, limit: Cents, later: Cents
) -> Decision:
    taken = _asked(money) - later
    return Decision(
        Placement.REFUSED,
        requested,
        suspends=True,
        verdict=Verdict(
            "counter.exhausted",
            f"it asks for {format_money(requested)} and the call takes requests up to "
            f"{format_money(limit)}, of which {format_money(taken)} are taken; "
            "the counter is suspended: file again if it is reopened",
            {"limit": format_money(limit), "taken": format_money(taken)},
        ),
    )
