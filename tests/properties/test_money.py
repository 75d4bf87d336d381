"""Does the money go to whoever came first, in whatever order officers work?"""

from dataclasses import dataclass, replace

from hypothesis import event, example, given
from hypothesis import strategies as st

from config.schema import AS_BEFORE
from models.vocabulary import ApplicationState, Cents
from tests.builders import ctl
from tests.builders_facts import place
from workflow.facts import FilingFacts, MoneyFacts, Place
from workflow.rules.counter import decide, first_without_money, may_promote
from workflow.rules.money import (
    available,
    may_grant,
    provided_for,
    set_aside,
    yielding,
)

S = ApplicationState
cents = st.integers(0, 200).map(Cents)
asked = st.integers(1, 60).map(Cents)


def filing(requested, budget, earlier):
    """Return what a counter without choices of its own reserves at the filing."""
    return decide(
        requested,
        budget,
        FilingFacts(len(earlier), first_without_money(earlier)),
        rules=AS_BEFORE,
        allocation=ctl().allocation,
        accepts_less=False,
    ).reserved


def promotion(requested, budget, earlier):
    """Tell whether such a counter gives money set free to a request now."""
    return may_promote(
        requested,
        earlier,
        budget,
        rules=AS_BEFORE,
        allocation=ctl().allocation,
        accepts_less=False,
    )


@st.composite
def queues(draw):
    """Draw earlier applications, some with money and some without."""
    requests = draw(st.lists(asked, max_size=6))
    return [
        place(
            number,
            requested=requested,
            reserved=draw(st.sampled_from((Cents(0), requested))),
        )
        for number, requested in enumerate(requests, start=1)
    ]


@st.composite
def budgets(draw):
    """Draw the money of a call: never more given out than there is."""
    allocation = draw(cents)
    granted = draw(st.integers(0, allocation))
    reserved = draw(st.integers(0, allocation - granted))
    return MoneyFacts(Cents(allocation), Cents(reserved), Cents(granted))


# --- the single rules ---------------------------------------------------------


@given(queues(), budgets(), asked, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_read_changes_nothing(
    queue, budget, amount, chance
):
    shuffled = list(queue)
    chance.shuffle(shuffled)

    assert may_grant(amount, budget, shuffled) == may_grant(amount, budget, queue)
    assert available(budget, shuffled) == available(budget, queue)
    assert yielding(amount, budget, (), shuffled) == yielding(amount, budget, (), queue)


@given(queues(), asked)
def test_one_more_earlier_application_sets_more_aside(queue, requested):
    more = [*queue, place(99, requested=requested)]

    assert set_aside(more) == set_aside(queue) + requested


@given(queues(), budgets(), asked)
def test_one_more_earlier_application_never_leaves_more(queue, budget, requested):
    more = [*queue, place(99, requested=requested)]

    assert 0 <= available(budget, more) <= available(budget, queue)


@given(queues(), budgets(), asked)
@example([], MoneyFacts(Cents(10), Cents(0), Cents(0)), Cents(10))
def test_a_grant_never_passes_what_is_left_after_the_earlier_ones(
    queue, budget, amount
):
    verdict = may_grant(amount, budget, queue)

    promised = sum(one.requested for one in queue)
    assert bool(verdict) is (budget.granted + promised + amount <= budget.allocation)


@given(queues(), budgets(), asked)
def test_money_is_reserved_only_if_it_is_free_and_nobody_earlier_lacks_it(
    queue, budget, amount
):
    free = budget.allocation - budget.reserved - budget.granted
    without = [one for one in queue if one.reserved < one.requested]

    verdict = promotion(amount, budget, queue)

    assert bool(verdict) is (amount <= free and not without)
    assert bool(verdict) is (filing(amount, budget, queue) == amount)
    if without:
        assert verdict.code == "money.not_head"
        assert verdict.details["blocked_by"] == [without[0].protocol]


@given(queues(), queues(), budgets(), asked, st.randoms(use_true_random=False))
def test_the_last_to_arrive_gives_up_first_and_no_more_than_is_needed(
    earlier, arrived, budget, requested, chance
):
    later = [
        replace(one, key=replace(one.key, protocol_number=100 + number))
        for number, one in enumerate(arrived)
    ]
    shuffled = list(later)
    chance.shuffle(shuffled)

    gives = yielding(requested, budget, earlier, shuffled)

    holding = [one for one in reversed(later) if one.reserved]
    assert list(gives) == holding[: len(gives)]
    freed = [one.reserved for one in gives]
    if freed:
        assert first_without_money(earlier) is None
        assert budget.residual + sum(freed[:-1]) < requested
    if first_without_money(earlier) is None and len(gives) < len(holding):
        assert budget.residual + sum(freed) >= requested


@given(queues(), queues(), budgets(), asked)
def test_where_smaller_ones_jump_ahead_nobody_gives_up_in_vain(
    earlier, arrived, budget, requested
):
    later = [
        replace(one, key=replace(one.key, protocol_number=100 + number))
        for number, one in enumerate(arrived)
    ]

    gives = yielding(requested, budget, earlier, later, jump_ahead=True)

    free = budget.residual + sum(one.reserved for one in gives)
    if gives:
        assert free >= requested
        assert free - gives[-1].reserved < requested
    else:
        all_of_it = budget.residual + sum(one.reserved for one in later)
        assert requested <= budget.residual or all_of_it < requested


# --- a whole counter ----------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """What an applicant asks for and what the officers will decide."""

    requested: int
    granted: int
    """What is granted if there is money; nothing means a refusal."""


cases = st.lists(
    st.builds(
        lambda requested, part: Case(requested, min(requested, part)),
        st.integers(1, 40),
        st.integers(0, 60),
    ),
    max_size=7,
)


def _in_any_order(arrivals):
    """Draw also the order in which the portal hands the arrivals over."""
    return st.tuples(st.just(arrivals), st.permutations(range(len(arrivals))))


def first_come_first_served(allocation: int, arrivals: list[Case]) -> list[int | None]:
    """Walk the list once: refusals take nothing, and nobody jumps ahead."""
    answers: list[int | None] = []
    left, stuck = allocation, False
    for case in arrivals:
        if not case.granted:
            answers.append(0)
            continue
        stuck = stuck or case.requested > left
        answers.append(None if stuck else case.granted)
        left -= 0 if stuck else case.granted
    return answers


class Counter:
    """The counter as the rules of the product run it, decision by decision."""

    def __init__(self, allocation: int) -> None:
        self.money = MoneyFacts(Cents(allocation), Cents(0), Cents(0))
        self.queue: dict[int, tuple[Case, int]] = {}
        self.answers: dict[int, int] = {}

    def places(self) -> dict[int, Place]:
        return {
            other: place(other, requested=case.requested, reserved=Cents(reserved))
            for other, (case, reserved) in self.queue.items()
        }

    def earlier(self, number: int) -> list[Place]:
        places = sorted(self.places().items())
        return [one for other, one in places if other < number]

    def giving_up(self, number: int, requested: Cents) -> list[int]:
        places = self.places()
        later = [one for other, one in places.items() if other > number]
        gives = yielding(requested, self.money, self.earlier(number), later)
        return [other for other, one in places.items() if one in gives]

    def arrive(self, number: int, case: Case) -> None:
        requested = Cents(case.requested)
        for other in self.giving_up(number, requested):
            yielded, reserved = self.queue[other]
            self.queue[other] = (yielded, 0)
            self.move(-reserved, 0)
        reserved = filing(requested, self.money, self.earlier(number))
        self.queue[number] = (case, reserved)
        self.move(reserved, 0)

    def move(self, reserved: int, granted: int) -> None:
        self.money = replace(
            self.money,
            reserved=Cents(self.money.reserved + reserved),
            granted=Cents(self.money.granted + granted),
        )
        assert 0 <= self.money.reserved + self.money.granted <= self.money.allocation
        assert self.money.residual >= 0

    def decide(self, number: int) -> bool:
        """Refuse, grant or promote one application; tell whether it was done."""
        case, reserved = self.queue[number]
        if not case.granted:
            return self.close(number, 0)
        earlier = self.earlier(number)
        if not reserved:
            if not promotion(Cents(case.requested), self.money, earlier):
                return False
            self.queue[number] = (case, case.requested)
            self.move(case.requested, 0)
            return True
        if not may_grant(Cents(case.granted), self.money, earlier):
            return False
        return self.close(number, case.granted)

    def may_be_granted_now(self, number: int) -> bool:
        case, reserved = self.queue[number]
        return bool(case.granted and reserved)

    def check_that_nobody_holds_money_before_one_without(self) -> None:
        held = [bool(reserved) for _, (_, reserved) in sorted(self.queue.items())]
        assert held == sorted(held, reverse=True)

    def close(self, number: int, granted: int) -> bool:
        _, reserved = self.queue.pop(number)
        self.move(-reserved, granted)
        self.answers[number] = granted
        return True


@given(st.integers(0, 120), cases, st.data())
@example(10, [Case(10, 5), Case(10, 10)], None)
def test_any_order_of_work_ends_as_first_come_first_served(allocation, arrivals, data):
    counter = Counter(allocation)
    coming = list(enumerate(arrivals))
    idle: set[int] = set()
    while coming or counter.queue.keys() - idle:
        waiting = sorted(counter.queue.keys() - idle)
        options = [*waiting, *([-1] if coming else [])]
        chosen = data.draw(st.sampled_from(options)) if data else options[-1]
        if chosen == -1:
            counter.arrive(*coming.pop(0))
            idle.clear()
        elif counter.decide(chosen):
            idle.clear()
        else:
            idle.add(chosen)  # nothing can be done about it until something changes

    answers = [counter.answers.get(number) for number in range(len(arrivals))]
    event(f"{sum(answer is None for answer in answers)} without money")
    assert answers == first_come_first_served(allocation, arrivals)


LATE_AND_TOO_BIG = [Case(20, 0), Case(60, 60), Case(30, 30)]
"""All that the last holds does not do for the second, until the first is refused."""


@given(st.integers(0, 120), cases.flatmap(_in_any_order), st.data())
@example(60, (LATE_AND_TOO_BIG, [0, 2, 1]), None)
def test_arrivals_handed_over_late_still_end_as_first_come_first_served(
    allocation, case, data
):
    arrivals, handed_over = case
    counter = Counter(allocation)
    coming = list(handed_over)
    idle: set[int] = set()
    while coming or counter.queue.keys() - idle:
        # What is granted stays granted: nobody is granted while an earlier arrival
        # is still to be handed over. Refusing and promoting may go on.
        waiting = [
            number
            for number in sorted(counter.queue.keys() - idle)
            if not counter.may_be_granted_now(number)
            or all(number < other for other in coming)
        ]
        options = [*waiting, *([-1] if coming else [])]
        chosen = data.draw(st.sampled_from(options)) if data else options[-1]
        if chosen == -1:
            number = coming.pop(0)
            counter.arrive(number, arrivals[number])
            idle.clear()
        elif counter.decide(chosen):
            idle.clear()
        else:
            idle.add(chosen)
        counter.check_that_nobody_holds_money_before_one_without()

    answers = [counter.answers.get(number) for number in range(len(arrivals))]
    event(f"handed over in order: {handed_over == sorted(handed_over)}")
    assert answers == first_come_first_served(allocation, arrivals)


def test_who_was_passed_over_has_no_claim_on_what_others_hold():
    poor, rich = place(1, reserved=Cents(0)), place(2)

    assert provided_for((poor, rich), jump_ahead=False) == (poor, rich)
    assert provided_for((poor, rich), jump_ahead=True) == (rich,)
