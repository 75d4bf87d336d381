"""Does the walk down a ranking give each what the rules of the call say?"""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from config.loader import load
from config.schema import NO_RANKING
from models.vocabulary import Cents, Leftover
from tests.builders import OPENING, quiet
from workflow.facts import OrderKey
from workflow.rules.ranking import (
    Candidate,
    Stays,
    by_merit,
    exactly,
    least,
    moved_down,
    shared_out,
    ties_are_drawn,
)
from workflow.rules.strategies import lot

SMART = load(quiet("smart-mobility-2024"))
COLLABORA = load(quiet("collabora-innova-2024"))
MILLION = 100_000_000


def candidate(number, wanted, score=None, **changes):
    received = OPENING + timedelta(minutes=number)
    key = OrderKey(received, 2024, number)
    return Candidate(f"2024/{number:07d}", key, Cents(wanted), score, **changes)


def with_rules(**changes):
    return NO_RANKING.model_copy(update=changes)


def amounts(awards):
    return [one.amount for one in awards]


def after(awards):
    """Return those who were given something as they stand for the next act."""
    return [replace(one.candidate, held=one.amount) for one in awards]


# --- the numbers of the sources ------------------------------------------------


def test_fourteen_projects_of_28_9_million_on_25_as_smart_mobility_funded_them():
    asked = [2 * MILLION] * 12 + [240_000_000, 250_000_000]
    order = [candidate(number, each) for number, each in enumerate(asked, start=1)]
    minimum = least(SMART)

    first = shared_out(order, SMART.allocation.amount, SMART.ranking, minimum=minimum)
    stayed = [one for one in after(first) if one.protocol != "2024/0000005"]
    moved = moved_down(stayed, Cents(2 * MILLION), SMART.ranking, minimum=minimum)

    assert minimum == 80_000_000
    assert amounts(first) == [2 * MILLION] * 12 + [MILLION, 0]
    assert amounts(moved)[-2:] == [240_000_000, 60_000_000]
    assert [one.left for one in moved][-2:] == [60_000_000, 0]


def test_59_of_138_are_funded_once_30_million_came_to_the_100_of_collabora():
    # The applications are made up: the sources tell how many, how much and no more.
    asked = [220_000_000] * 58 + [240_000_000] + [248_000_000] * 78 + [256_000_000]
    order = [candidate(number, each) for number, each in enumerate(asked, start=1)]
    rules, minimum = COLLABORA.ranking, least(COLLABORA)

    first = shared_out(order, COLLABORA.allocation.amount, rules, minimum=minimum)
    moved = moved_down(after(first), Cents(30 * MILLION), rules, minimum=minimum)

    assert (len(asked), sum(asked)) == (138, 326 * MILLION)
    assert sum(1 for amount in amounts(first) if amount) == 46  # the last in part
    assert sum(1 for amount in amounts(moved) if amount) == 59
    assert sum(amounts(moved)) == 130 * MILLION
    assert amounts(moved)[:59] == asked[:59]


# --- what is left ------------------------------------------------------------------

ORDER = [candidate(1, 60), candidate(2, 70), candidate(3, 30), candidate(4, 10)]


@pytest.mark.parametrize(
    ("partial", "below", "minimum", "expected"),
    [
        (True, Leftover.OFFER, 50, [60, 40, 0, 0]),
        (True, Leftover.HOLD, 40, [60, 40, 0, 0]),
        (True, Leftover.HOLD, 41, [60, 0, 0, 0]),
        (True, Leftover.SKIP, 41, [60, 0, 30, 10]),
        (False, Leftover.HOLD, 0, [60, 0, 0, 0]),
        (False, Leftover.SKIP, 0, [60, 0, 30, 10]),
    ],
)
def test_what_is_too_little_is_offered_kept_or_passed_on(
    partial, below, minimum, expected
):
    rules = with_rules(partial=partial, below_minimum=below)

    awards = shared_out(ORDER, Cents(100), rules, minimum=Cents(minimum))

    assert amounts(awards) == expected
    assert awards[-1].left == 100 - sum(expected)


def test_who_has_a_part_is_completed_before_anybody_gets_anything_new():
    order = [candidate(1, 60), candidate(2, 70, held=Cents(20)), candidate(3, 30)]
    rules = with_rules(partial=True, below_minimum=Leftover.OFFER)

    awards = moved_down(order, Cents(55), rules, minimum=Cents(0))

    assert amounts(awards) == [5, 70, 0]
    assert [one.more for one in awards] == [5, 50, 0]


def test_a_new_ranking_goes_by_place_and_leaves_only_what_was_granted():
    above = candidate(1, 60, held=Cents(60))
    reserved = candidate(2, 70, held=Cents(40))
    granted = candidate(3, 80, held=Cents(30), kept=Cents(30))
    rules = with_rules(partial=True, below_minimum=Leftover.OFFER)

    first = shared_out([above, reserved, granted], Cents(100), rules, minimum=Cents(0))
    new = candidate(9, 50)
    other = shared_out(
        [new, above, reserved, granted], Cents(100), rules, minimum=Cents(0)
    )

    # What was granted in part is not completed before those above it.
    assert [one.more for one in first] == [0, 0, 0]
    assert [(one.amount, one.more) for one in other] == [
        (50, 50),
        (50, -10),
        (0, -40),
        (30, 0),
    ]


@pytest.mark.parametrize("stays", Stays)
def test_who_was_granted_a_part_that_stays_gets_no_more_and_the_rest_moves_on(stays):
    part = candidate(1, 60, held=Cents(20), kept=Cents(20), stays=stays)
    order = [part, candidate(2, 30)]
    rules = with_rules(partial=True, below_minimum=Leftover.OFFER)

    moved = moved_down(order, Cents(25), rules, minimum=Cents(0))
    ranked_again = shared_out(order, Cents(25), rules, minimum=Cents(0))

    assert amounts(moved) == amounts(ranked_again) == [20, 25]


# --- ties --------------------------------------------------------------------------


def ranked(ties, *candidates, seed=""):
    ranking = SMART.ranking.model_copy(update={"tie_break": ties})
    call = SMART.model_copy(update={"ranking": ranking})
    found = by_merit(candidates, call, seed)
    return [int(one.candidate.protocol[-1]) for one in found], found


def test_equal_scores_are_told_apart_by_the_rules_in_their_order():
    one = candidate(1, 50, 70, points={"quality": 40})
    two = candidate(2, 50, 70, points={"quality": 45})
    three = candidate(3, 40, 70, points={"quality": 40})
    best = candidate(4, 90, 71, points={"quality": 10})

    declared = ("criterion:quality", "lower_request", "earlier_arrival")
    order, found = ranked(declared, one, two, three, best)

    assert order == [4, 2, 3, 1]
    assert list(found[2].decided.items())[:3] == [
        ("score", 70),
        ("criterion:quality", 40),
        ("lower_request", 40),
    ]
    assert ranked(("higher_request", "earlier_arrival"), one, three)[0] == [1, 3]


def test_half_a_point_of_the_board_decides_though_both_are_shown_with_the_same_score():
    better = candidate(1, 90, 70, mean=Fraction(141, 2))
    cheaper = candidate(2, 50, 70, mean=Fraction(211, 3))

    order, found = ranked(("lower_request", "earlier_arrival"), cheaper, better)

    assert order == [1, 2]
    assert [one.decided["score"] for one in found] == ["141/2", "211/3"]
    assert exactly(Fraction(140, 2)) == 70


def test_a_lot_is_the_hash_of_the_seed_and_the_protocol_as_anyone_can_reckon():
    equals = [candidate(number, 50, 70) for number in range(1, 6)]

    order, found = ranked(("draw",), *equals, seed="12-33-41")

    lots = [one.decided["draw"] for one in found]
    assert lots == sorted(lot("12-33-41", one.protocol) for one in equals)
    assert lot("12-33-41", "2024/0000001") == (
        "439a659e0e8a473acbcb8d767321e6178c79e9f929355eeb5a19695f538bf7bb"
    )
    assert order != [1, 2, 3, 4, 5]
    assert not ties_are_drawn(SMART)
