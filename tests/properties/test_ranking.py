"""Does a ranking follow its rules alone, and the money the ranking?"""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from config.loader import load
from config.schema import NO_RANKING
from models.vocabulary import Cents, Leftover
from tests.builders import OPENING, quiet
from workflow.facts import OrderKey
from workflow.rules.ranking import Candidate, by_merit, moved_down, shared_out

CALL = load(quiet("smart-mobility-2024"))
TIES = (
    ("criterion:quality", "lower_request", "earlier_arrival"),
    ("higher_request", "criterion:impact", "draw"),
    ("earlier_arrival",),
    ("draw",),
)

calls = st.sampled_from(TIES).map(
    lambda ties: CALL.model_copy(
        update={"ranking": CALL.ranking.model_copy(update={"tie_break": ties})}
    )
)
rules = st.builds(
    lambda partial, below: NO_RANKING.model_copy(
        update={"partial": partial, "below_minimum": below}
    ),
    st.booleans(),
    st.sampled_from(Leftover),
)
minima = st.integers(0, 8).map(Cents)
seeds = st.sampled_from(("", "lotto 12-33-41"))


@st.composite
def candidates(draw):
    """Draw applications that nobody has funded yet: many of them are equal."""
    found = []
    for number in range(1, draw(st.integers(0, 9)) + 1):
        received = OPENING + timedelta(minutes=draw(st.integers(0, 1)))
        found.append(
            Candidate(
                protocol=f"2024/{number:07d}",
                key=OrderKey(received, 2024, number),
                wanted=Cents(draw(st.integers(1, 9))),
                score=draw(st.integers(60, 62)),
                points={
                    "quality": draw(st.integers(30, 31)),
                    "impact": draw(st.integers(20, 21)),
                },
            )
        )
    return found


def given_to(awards):
    return {one.candidate.protocol: one.amount for one in awards}


@given(candidates(), calls, seeds, st.randoms(use_true_random=False))
def test_a_ranking_does_not_depend_on_the_order_of_the_rows(found, call, seed, chance):
    shuffled = list(found)
    chance.shuffle(shuffled)

    assert by_merit(shuffled, call, seed) == by_merit(found, call, seed)


@given(candidates().filter(bool), calls, seeds, st.data(), st.integers(1, 3))
def test_raising_one_score_never_lowers_its_own_place(found, call, seed, data, more):
    one = data.draw(st.sampled_from(found))
    better = replace(one, score=(one.score or 0) + more)
    others = [other for other in found if other is not one]

    before = [place.candidate for place in by_merit(found, call, seed)].index(one)
    after = [place.candidate for place in by_merit([*others, better], call, seed)]

    assert after.index(better) <= before


@given(candidates(), st.integers(0, 40), rules, minima)
def test_grants_never_exceed_the_money_nor_what_is_asked_for(
    found, money, ruling, minimum
):
    awards = shared_out(found, Cents(money), ruling, minimum=minimum)

    assert sum(one.amount for one in awards) <= money
    assert all(0 <= one.amount <= one.candidate.wanted for one in awards)
    assert [one.candidate for one in awards] == found
    if awards:
        spent = sum(one.amount for one in awards)
        assert min(one.left for one in awards) == money - spent
    parts = [one for one in awards if 0 < one.amount < one.candidate.wanted]
    assert len(parts) <= 1
    assert ruling.partial or ruling.below_minimum is Leftover.OFFER or not parts


def as_they_stand(awards, is_granted):
    """Return who was given something as they stand for the next act."""
    return [
        replace(
            one.candidate,
            held=one.amount,
            kept=one.amount if is_granted(one) else one.candidate.kept,
        )
        for one in awards
    ]


@st.composite
def histories(draw, ruling, minimum):
    """Draw a ranking, and what renunciations and new money made of it since.

    Where what is too little is passed on, whoever was funded was granted it: who is
    passed over takes back by another ranking what is only reserved for those below.
    """
    order, free = draw(candidates()), Cents(draw(st.integers(0, 40)))
    awards = shared_out(order, free, ruling, minimum=minimum)
    skips = ruling.below_minimum is Leftover.SKIP
    for _ in range(draw(st.integers(0, 4))):
        free = Cents(free - sum(one.more for one in awards))
        order = as_they_stand(awards, lambda _: skips or draw(st.booleans()))
        if order:
            gone = draw(st.sampled_from(order))
            order.remove(gone)
            free = Cents(free + gone.held)
        free = Cents(free + draw(st.integers(0, 6)))
        awards = moved_down(order, free, ruling, minimum=minimum)
    return order, free


def reserved(order):
    return sum(one.held - one.kept for one in order)


@given(rules, minima, st.data())
def test_moving_down_equals_ranking_again_once_parts_are_completed(
    ruling, minimum, data
):
    order, free = data.draw(histories(ruling, minimum))

    moved = moved_down(order, free, ruling, minimum=minimum)
    again = shared_out(order, Cents(free + reserved(order)), ruling, minimum=minimum)

    parts = [one for one in order if 0 < one.held < one.wanted]
    if all(given_to(again)[one.protocol] == one.wanted for one in parts):
        assert given_to(moved) == given_to(again)


@given(rules, minima, st.data())
def test_nobody_loses_by_moving_down_and_by_a_ranking_only_to_those_above(
    ruling, minimum, data
):
    order, free = data.draw(histories(ruling, minimum))
    shuffled = data.draw(st.permutations(order))

    moved = moved_down(order, free, ruling, minimum=minimum)
    again = shared_out(shuffled, Cents(free + reserved(order)), ruling, minimum=minimum)

    assert all(one.more >= 0 for one in moved)
    assert all(one.amount >= one.candidate.kept for one in again)
    for number, one in enumerate(again):
        if one.more < 0:
            # They have more now, or what is left is kept for them.
            assert any(
                other.more > 0
                or (ruling.below_minimum is Leftover.HOLD and not other.amount)
                for other in again[:number]
            )
