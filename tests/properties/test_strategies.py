"""Is the order the same for everybody, and the money that of a plain walk?"""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from config.schema import AS_BEFORE
from models.vocabulary import Cents, OrderPolicy, ShortMoneyPolicy
from tests.builders import OPENING, ctl
from tests.builders_facts import place
from workflow.facts import NOTHING, MoneyFacts, OrderKey
from workflow.rules.counter import next_promotion
from workflow.rules.money import set_aside
from workflow.rules.strategies import (
    claims_before,
    draw,
    earlier_in_turn,
    in_order,
    lined_up,
    period,
    rebalance,
    undecided,
)

EXACT, DAY, WEEK, _ = OrderPolicy

policies = st.sampled_from((EXACT, DAY, WEEK))
"""Those of a counter: a ranking has its own tests."""
protocol_numbers = st.lists(
    st.integers(1, 10_000).map(lambda n: f"2026/{n:07d}"), unique=True, max_size=12
)


@st.composite
def queues(draw_):
    """Draw places of some days and weeks: ties of instant, of score, some drawn."""
    places = []
    for number in range(1, draw_(st.integers(0, 8)) + 1):
        received = OPENING + timedelta(
            days=draw_(st.sampled_from((0, 1, 6, 7))), minutes=draw_(st.integers(0, 2))
        )
        requested = draw_(st.integers(1, 12))
        places.append(
            place(
                number,
                key=OrderKey(received, 2026, number),
                requested=Cents(requested),
                reserved=Cents(requested if draw_(st.booleans()) else 0),
                score=draw_(st.none() | st.integers(60, 63)),
                rank=draw_(st.none() | st.just(draw_(st.integers(1, 3)) * 10 + number)),
                accepts_less=draw_(st.booleans()),
            )
        )
    return draw_(st.permutations(places))


def same_period(policy, one, other):
    mine = period(policy, one.key.received_at)
    return mine is not None and mine == period(policy, other.key.received_at)


def earlier_period(policy, one, other):
    if policy is EXACT:
        return one.key < other.key
    first, second = (period(policy, p.key.received_at) for p in (one, other))
    return bool(first and second and first < second)


@given(policies, queues(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_in_which_rows_are_read(
    policy, queue, chance
):
    shuffled = list(queue)
    chance.shuffle(shuffled)

    assert in_order(policy, shuffled) == in_order(policy, queue)
    assert lined_up(policy, shuffled) == lined_up(policy, queue)
    assert sorted(in_order(policy, queue), key=str) == sorted(queue, key=str)


@given(policies, queues())
def test_an_earlier_period_always_comes_first(policy, queue):
    ordered = in_order(policy, queue)

    for index, later in enumerate(ordered):
        assert not any(earlier_period(policy, later, one) for one in ordered[:index])
    for one in queue:
        before = [other for other in queue if earlier_period(policy, other, one)]
        assert set(before) <= set(earlier_in_turn(policy, one, queue))
        assert set(before) <= set(claims_before(policy, one, queue))


@given(queues())
def test_under_the_exact_instant_everything_goes_by_the_key(queue):
    ordered = in_order(EXACT, queue)

    assert list(ordered) == sorted(queue, key=lambda one: one.key)
    for index, one in enumerate(ordered):
        assert earlier_in_turn(EXACT, one, queue) == ordered[:index]
        assert claims_before(EXACT, one, queue) == ordered[:index]


@given(policies, queues())
def test_nobody_waits_for_itself_nor_two_for_each_other(policy, queue):
    turns = {one: set(earlier_in_turn(policy, one, queue)) for one in queue}

    for one in queue:
        assert one not in turns[one]
        assert one not in claims_before(policy, one, queue)
        assert all(one not in turns[other] for other in turns[one])


@given(policies, queues())
def test_of_any_two_at_least_one_has_a_claim_before_the_other(policy, queue):
    claims = {one: set(claims_before(policy, one, queue)) for one in queue}

    for one in queue:
        for other in queue:
            assert one is other or one in claims[other] or other in claims[one]


@given(policies, queues())
def test_whoever_comes_first_in_turn_has_a_claim_before(policy, queue):
    for one in queue:
        assert set(earlier_in_turn(policy, one, queue)) <= set(
            claims_before(policy, one, queue)
        )


@given(queues())
def test_a_score_given_later_never_takes_money_from_one_already_granted(queue):
    for one in queue:
        before = set(claims_before(DAY, one, queue))
        for other in queue:
            if other.score is not None or not same_period(DAY, one, other):
                continue
            for score in (0, 100):
                scored = replace(other, score=score)
                others = [p if p != other else scored for p in queue]
                after = {p.key for p in claims_before(DAY, one, others)}
                assert one == other or after <= {p.key for p in before}


@given(policies, queues())
def test_one_pass_says_the_same_as_asking_for_each(policy, queue):
    lines = lined_up(policy, queue)

    ordered = tuple(line.place for line in lines)
    assert ordered == in_order(policy, queue)
    for line in lines:
        assert line.together == period(policy, line.place.key.received_at)
        assert ordered[: line.turn] == earlier_in_turn(policy, line.place, queue)
        assert line.set_aside == set_aside(claims_before(policy, line.place, queue))


def plain_walk(places, money, *, jump_ahead, partial):
    """Give money in order, as if nobody had any: what a rebalancing must lead to."""
    given_out, passed_over = {}, False
    for one in places:
        part = one.requested
        if part > money and partial and one.accepts_less and not passed_over:
            part = money
        if (passed_over and not jump_ahead) or part > money or not part:
            passed_over = True
            continue
        given_out[one.key] = part
        money -= part
    return given_out


def settled(queue, residual, *, rules, allocation):
    """Let those yield who have to, and promote until nobody comes next."""
    total = residual + sum(one.reserved for one in queue)
    held = {one.key: one for one in in_order(rules.order, queue)}
    for one in rebalance(queue, Cents(residual), rules=rules, allocation=allocation):
        held[one.key] = replace(one, reserved=NOTHING)
    while True:
        reserved = Cents(sum(one.reserved for one in held.values()))
        money = MoneyFacts(Cents(total), reserved, NOTHING)
        promotion = next_promotion(
            held.values(), money, rules=rules, allocation=allocation
        )
        if promotion is None:
            return list(held.values()), Cents(money.residual)
        held[promotion.place.key] = replace(
            promotion.place, requested=promotion.amount, reserved=promotion.amount
        )


def rules_of(policy, *, jump_ahead, partial):
    short = ShortMoneyPolicy.PARTIAL if partial else ShortMoneyPolicy.WAITING_LIST
    return {
        "rules": AS_BEFORE.model_copy(
            update={"order": policy, "jump_ahead": jump_ahead}
        ),
        "allocation": ctl().allocation.model_copy(update={"short_money": short}),
    }


@given(policies, queues(), st.integers(0, 25), st.booleans(), st.booleans())
def test_rebalancing_and_promoting_leads_to_the_plain_walk(
    policy, queue, residual, jump_ahead, partial
):
    decided = [
        replace(one, score=one.score or 60, rank=one.rank or one.key.protocol_number)
        for one in queue
    ]

    given_out, _ = settled(
        decided,
        residual,
        **rules_of(policy, jump_ahead=jump_ahead, partial=partial),
    )

    assert undecided(policy, decided) == frozenset()
    assert {one.key: one.reserved for one in given_out if one.reserved} == plain_walk(
        in_order(policy, decided),
        residual + sum(one.reserved for one in decided),
        jump_ahead=jump_ahead,
        partial=partial,
    )


@given(policies, queues(), st.integers(0, 25), st.booleans(), st.booleans())
def test_what_was_rebalanced_stays_as_it_is(
    policy, queue, residual, jump_ahead, partial
):
    rules = rules_of(policy, jump_ahead=jump_ahead, partial=partial)

    once, left = settled(queue, residual, **rules)

    assert rebalance(once, left, **rules) == ()
    assert settled(once, left, **rules) == (once, left)


@given(queues(), st.integers(0, 25), st.booleans())
def test_nobody_yields_to_one_of_its_day_before_all_have_their_score(
    queue, residual, jump_ahead
):
    rules = AS_BEFORE.model_copy(update={"order": DAY, "jump_ahead": jump_ahead})
    together = [
        replace(one, key=replace(one.key, received_at=OPENING)) for one in queue
    ]

    if any(one.score is None for one in together):
        assert undecided(DAY, together) == {"2026-01-20"}
        assert not rebalance(
            together, Cents(residual), rules=rules, allocation=ctl().allocation
        )


@given(policies, queues(), st.integers(0, 25))
def test_only_those_who_hold_money_give_it_up_and_the_last_first(
    policy, queue, residual
):
    rules = AS_BEFORE.model_copy(update={"order": policy})

    yields = rebalance(queue, Cents(residual), rules=rules, allocation=ctl().allocation)

    assert all(one.reserved for one in yields)
    periods = [period(policy, one.key.received_at) or "" for one in yields]
    assert periods == sorted(periods, reverse=True)
    if not undecided(policy, queue):
        assert yields == in_order(policy, yields)[::-1]


@given(st.text(min_size=1, max_size=10), protocol_numbers)
def test_a_draw_does_not_depend_on_the_order_of_the_list(seed, protocols):
    drawn = draw(seed, protocols)

    assert draw(seed, reversed(protocols)) == drawn
    assert sorted(drawn) == sorted(protocols)


@given(st.text(min_size=1, max_size=10), protocol_numbers)
def test_who_is_left_out_of_a_draw_does_not_change_the_order_of_the_rest(
    seed, protocols
):
    drawn = draw(seed, protocols)

    assert draw(seed, drawn[1:]) == drawn[1:]
