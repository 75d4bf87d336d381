"""Does a counter keep its promises, whatever it is asked and whatever its policies?"""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from hypothesis import assume, event, given
from hypothesis import strategies as st

from config.schema import AS_BEFORE, Allocation, Counter
from models.vocabulary import Cents, ShortMoneyPolicy
from tests.builders import ctl
from tests.builders_facts import place
from workflow.facts import FilingFacts, MoneyFacts, Place
from workflow.rules.counter import (
    Decision,
    Placement,
    decide,
    first_without_money,
    is_within_reach,
    may_promote,
    next_promotion,
    overbooking,
    share_of_free,
)

amounts = st.integers(1, 60).map(Cents)


@st.composite
def policies(draw, *, jump_ahead=None):
    """Draw how a counter gives its money out: its rules and what is short."""
    limits = draw(
        st.sampled_from(
            (
                {},
                {"overbooking_percent": Decimal(0)},
                {"overbooking_percent": Decimal(50)},
                {"overbooking_amount": Cents(30)},
            )
        )
    )
    jumps = draw(st.booleans()) if jump_ahead is None else jump_ahead
    rules = AS_BEFORE.model_copy(update={**limits, "jump_ahead": jumps})
    short = draw(st.sampled_from(ShortMoneyPolicy))
    return rules, ctl().allocation.model_copy(update={"short_money": short})


@dataclass
class Desk:
    """A counter as the services run it: requests in, money out, promotions."""

    rules: Counter
    allocation: Allocation
    money: MoneyFacts
    places: list[Place] = field(default_factory=list)
    filed: int = 0

    def file(self, requested: Cents, *, accepts_less: bool) -> Decision:
        filing = FilingFacts(len(self.places), first_without_money(self.places))
        decided = decide(
            requested,
            self.money,
            filing,
            rules=self.rules,
            allocation=self.allocation,
            accepts_less=accepts_less,
        )
        if decided.placement is Placement.REFUSED:
            return decided
        self.filed += 1
        self.places.append(
            place(
                self.filed,
                requested=decided.requested,
                reserved=decided.reserved,
                accepts_less=accepts_less,
            )
        )
        self.add(reserved=decided.reserved)
        return decided

    def leave(self, index: int, granted: Cents) -> None:
        """Take one out of the queue; what it held and is not granted is free."""
        left = self.places.pop(index)
        self.add(reserved=-left.reserved, granted=granted)

    def refinance(self, more: Cents) -> None:
        allocation = Cents(self.money.allocation + more)
        self.money = replace(self.money, allocation=allocation)

    def promote(self) -> bool:
        found = next_promotion(
            self.places, self.money, rules=self.rules, allocation=self.allocation
        )
        if found is None:
            return False
        index = self.places.index(found.place)
        self.check_the_turn(index)
        self.places[index] = replace(
            found.place, requested=found.amount, reserved=found.amount
        )
        self.add(reserved=found.amount)
        return True

    def add(self, *, reserved: int = 0, granted: int = 0) -> None:
        waiting = sum(one.requested for one in self.places if not one.reserved)
        self.money = replace(
            self.money,
            reserved=Cents(self.money.reserved + reserved),
            granted=Cents(self.money.granted + granted),
            waiting=Cents(waiting),
        )

    def limit(self) -> int | None:
        if self.allocation.short_money is ShortMoneyPolicy.STOP:
            return self.money.allocation
        beyond = overbooking(self.rules, self.money.allocation)
        return None if beyond is None else self.money.allocation + beyond

    def asked(self) -> int:
        return self.money.reserved + self.money.granted + self.money.waiting

    def check_the_turn(self, index: int) -> None:
        """Nobody is passed over whom the call does not let be passed over."""
        passed = [one for one in self.places[:index] if not one.reserved]
        assert self.rules.jump_ahead or not passed
        assert all(one.requested > self.money.residual for one in passed)

    def check(self) -> None:
        assert self.money.reserved == sum(one.reserved for one in self.places)
        assert 0 <= self.money.residual <= self.money.allocation
        limit = self.limit()
        assert limit is None or self.asked() <= limit
        if not self.rules.jump_ahead:
            held = [bool(one.reserved) for one in self.places]
            assert held == sorted(held, reverse=True)


@st.composite
def desks(draw, *, jump_ahead=None):
    """Draw a counter on which some work has been done."""
    rules, allocation = draw(policies(jump_ahead=jump_ahead))
    money = MoneyFacts(Cents(draw(st.integers(0, 150))), Cents(0), Cents(0))
    desk = Desk(rules, allocation, money)
    for requested, less in draw(
        st.lists(st.tuples(amounts, st.booleans()), max_size=6)
    ):
        desk.file(requested, accepts_less=less)
    for _ in range(draw(st.integers(0, 2))):
        if desk.places:
            index = draw(st.integers(0, len(desk.places) - 1))
            granted = draw(st.integers(0, desk.places[index].reserved))
            desk.leave(index, Cents(granted))
    return desk


# --- the whole walk -----------------------------------------------------------


@given(policies(), st.integers(0, 150), st.data())
def test_no_walk_passes_the_money_the_order_or_the_overbooking(
    policy, allocation, data
):
    rules, short = policy
    desk = Desk(rules, short, MoneyFacts(Cents(allocation), Cents(0), Cents(0)))
    for _ in range(data.draw(st.integers(1, 12))):
        happens = data.draw(st.sampled_from(("file", "file", "leave", "refinance")))
        if happens == "file":
            desk.file(data.draw(amounts), accepts_less=data.draw(st.booleans()))
        elif happens == "refinance":
            desk.refinance(data.draw(amounts))
        elif desk.places:
            index = data.draw(st.integers(0, len(desk.places) - 1))
            granted = data.draw(st.integers(0, desk.places[index].reserved))
            desk.leave(index, Cents(granted))
        desk.check()
        while data.draw(st.booleans()) and desk.promote():
            desk.check()

    while desk.promote():
        desk.check()
    event(f"{sum(not one.reserved for one in desk.places)} left without money")


@given(desks())
def test_promotions_end_when_nobody_else_can_be_served(desk):
    while desk.promote():
        desk.check()

    without = [one for one in desk.places if not one.reserved]
    reached = without if desk.rules.jump_ahead else without[:1]
    assert all(one.requested > desk.money.residual for one in reached)
    partial = desk.allocation.short_money is ShortMoneyPolicy.PARTIAL
    if without and partial and without[0].accepts_less:
        assert desk.money.residual == 0


# --- at the filing ------------------------------------------------------------


@given(desks(), amounts, st.booleans())
def test_a_part_is_given_only_with_consent_and_is_all_that_is_left(
    desk, requested, less
):
    free = desk.money.residual

    decided = desk.file(requested, accepts_less=less)

    if decided.placement is Placement.PARTLY_RESERVED:
        assert less
        assert desk.allocation.short_money is ShortMoneyPolicy.PARTIAL
        assert decided.requested == decided.reserved == free < requested
    else:
        assert decided.requested == requested
        assert decided.reserved in {0, requested}


@given(desks(), amounts, st.booleans())
def test_the_counter_is_suspended_exactly_when_nothing_more_can_be_taken_in(
    desk, requested, less
):
    decided = desk.file(requested, accepts_less=less)

    limit = desk.limit()
    if decided.placement is Placement.REFUSED:
        assert decided.suspends
        assert decided.verdict.code == "counter.exhausted"
    else:
        assert decided.verdict
        assert decided.suspends is (limit is not None and desk.asked() >= limit)


@given(desks(), amounts)
def test_where_the_money_stops_the_counter_nobody_waits_for_it(desk, requested):
    stop = desk.allocation.model_copy(update={"short_money": ShortMoneyPolicy.STOP})
    desk.allocation = stop

    decided = desk.file(requested, accepts_less=True)

    assert decided.placement in {Placement.RESERVED, Placement.REFUSED}


@given(desks(), amounts, st.booleans())
def test_what_came_first_of_all_is_never_refused_for_money_of_later_ones(
    desk, requested, less
):
    money = desk.money
    requested = min(requested, money.allocation)
    later = Cents(money.reserved + money.granted + money.waiting)
    assume(requested > 0 and later > 0)

    decided = decide(
        requested,
        money,
        FilingFacts(0, None, later=later),
        rules=desk.rules,
        allocation=desk.allocation,
        accepts_less=less,
    )

    assert decided.placement is not Placement.REFUSED


# --- money set free -----------------------------------------------------------


@given(desks(), amounts, st.booleans())
def test_the_next_to_be_promoted_is_whoever_may_be(desk, requested, less):
    own = place(99, requested=requested, reserved=Cents(0), accepts_less=less)
    said = {"rules": desk.rules, "allocation": desk.allocation}

    found = next_promotion((*desk.places, own), desk.money, **said)
    verdict = may_promote(requested, desk.places, desk.money, **said, accepts_less=less)
    share = share_of_free(requested, desk.places, desk.money, **said, accepts_less=less)

    is_next = found is not None and found.place is own
    assert bool(verdict) is is_next
    assert share == (found.amount if found is not None and is_next else 0)


@given(desks(), amounts, st.booleans())
def test_money_is_within_reach_of_whoever_the_promotions_come_to(desk, requested, less):
    own = place(99, requested=requested, reserved=Cents(0), accepts_less=less)
    within = is_within_reach(
        requested,
        desk.places,
        desk.money,
        rules=desk.rules,
        allocation=desk.allocation,
        accepts_less=less,
    )

    desk.places.append(own)
    while desk.promote():
        pass

    assert within is bool(desk.places[-1].reserved)


@given(desks(jump_ahead=False), amounts)
def test_without_leave_to_jump_a_smaller_request_takes_nothing_before_the_head(
    desk, requested
):
    head = first_without_money(desk.places)

    verdict = may_promote(
        requested,
        desk.places,
        desk.money,
        rules=desk.rules,
        allocation=desk.allocation,
        accepts_less=True,
    )

    assert (verdict.code == "money.not_head") is (head is not None)
    if head is not None:
        assert verdict.details == {"blocked_by": [head.protocol]}
