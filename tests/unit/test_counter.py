"""What does the counter do with one request, at the edges of its money?"""

from decimal import Decimal

import pytest

from config.schema import AS_BEFORE
from models.vocabulary import Cents, ShortMoneyPolicy
from tests.builders import ctl
from tests.builders_facts import place
from workflow.facts import FilingFacts, MoneyFacts
from workflow.rules.counter import (
    Placement,
    Promotion,
    decide,
    free_for,
    next_promotion,
    overbooking,
)

WAIT, PART, STOP = (
    ShortMoneyPolicy.WAITING_LIST,
    ShortMoneyPolicy.PARTIAL,
    ShortMoneyPolicy.STOP,
)
RESERVED, PARTLY, WAITING, REFUSED = Placement
MONEY = MoneyFacts(Cents(100), Cents(50), Cents(20))
"""Thirty are free."""
CAPPED = {"overbooking_amount": Cents(10)}


def rules(**changes):
    return AS_BEFORE.model_copy(update=changes)


def short(policy):
    return ctl().allocation.model_copy(update={"short_money": policy})


def received(requested, policy=WAIT, money=MONEY, **said):
    filing = FilingFacts(
        1, place(1) if said.pop("behind", False) else None, said.pop("late", False)
    )
    return decide(
        Cents(requested),
        money,
        filing,
        accepts_less=said.pop("less", False),
        rules=rules(**said),
        allocation=short(policy),
    )


EDGES = [
    # requested, policy, what else is so, placement, reserved, suspends
    (30, WAIT, {}, RESERVED, 30, False),
    (31, WAIT, {}, WAITING, 0, False),
    (1, WAIT, {"behind": True}, WAITING, 0, False),
    (1, WAIT, {"behind": True, "jump_ahead": True}, RESERVED, 1, False),
    # Taken in up to the overbooking and no further; at it, the counter is full.
    (39, WAIT, CAPPED, WAITING, 0, False),
    (40, WAIT, CAPPED, WAITING, 0, True),
    (41, WAIT, CAPPED, REFUSED, 0, True),
    (41, WAIT, {**CAPPED, "late": True}, WAITING, 0, True),
    (30, WAIT, {"overbooking_percent": Decimal(0)}, RESERVED, 30, True),
    (31, WAIT, {"overbooking_percent": Decimal(0)}, REFUSED, 0, True),
    # A part, to the head, who agrees to it.
    (31, PART, {}, WAITING, 0, False),
    (31, PART, {"less": True}, PARTLY, 30, False),
    (31, PART, {"less": True, "behind": True}, WAITING, 0, False),
    (31, PART, {"less": True, "behind": True, "jump_ahead": True}, WAITING, 0, False),
    (30, PART, {"less": True}, RESERVED, 30, False),
    (31, WAIT, {"less": True}, WAITING, 0, False),
    (
        31,
        PART,
        {"less": True, "overbooking_percent": Decimal(0)},
        PARTLY,
        30,
        True,
    ),
    # The counter stops with the money.
    (29, STOP, {}, RESERVED, 29, False),
    (30, STOP, {}, RESERVED, 30, True),
    (31, STOP, {}, REFUSED, 0, True),
    (31, STOP, {"late": True}, WAITING, 0, True),
    (1, STOP, {"behind": True}, REFUSED, 0, True),
]


@pytest.mark.parametrize(
    ("requested", "policy", "said", "placement", "reserved", "suspends"),
    [pytest.param(*row, id=f"{n}-{row[0]}-{row[1]}") for n, row in enumerate(EDGES)],
)
def test_a_request_is_received_as_its_call_says(
    requested, policy, said, placement, reserved, suspends
):
    decided = received(requested, policy, **said)

    assert decided.placement is placement
    assert decided.reserved == reserved
    assert decided.suspends is suspends
    assert bool(decided.verdict) is (placement is not REFUSED)


def test_what_jumps_ahead_does_not_pass_the_overbooking():
    waiting = MoneyFacts(Cents(100), Cents(80), Cents(0), Cents(25))

    decided = received(
        6, money=waiting, behind=True, jump_ahead=True, overbooking_amount=Cents(10)
    )

    assert decided.placement is REFUSED


def test_a_refusal_says_how_much_is_taken_in_and_how_much_is_taken():
    decided = received(4_100, money=MoneyFacts(Cents(10_000), Cents(7_000), Cents(0)))
    refused = received(
        4_100,
        money=MoneyFacts(Cents(10_000), Cents(7_000), Cents(0)),
        overbooking_amount=Cents(1_000),
    )

    assert decided.verdict
    assert refused.verdict.details == {"limit": "110.00", "taken": "70.00"}
    assert "takes requests up to 110.00, of which 70.00 are taken" in (
        refused.verdict.message
    )


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ({}, None),
        ({"overbooking_amount": Cents(7)}, 7),
        ({"overbooking_percent": Decimal(50)}, 500),
        ({"overbooking_percent": Decimal(0)}, 0),
    ],
)
def test_the_overbooking_is_a_share_an_amount_or_no_limit(said, limit):
    assert overbooking(rules(**said), Cents(1_000)) == limit


@pytest.mark.parametrize(
    ("requested", "policy", "less", "taken"),
    [
        (30, WAIT, False, 30),
        (31, WAIT, True, 0),
        (31, PART, False, 0),
        (31, PART, True, 30),
    ],
)
def test_of_what_is_free_a_request_takes_all_a_part_or_nothing(
    requested, policy, less, taken
):
    assert free_for(Cents(requested), MONEY, short(policy), accepts_less=less) == taken


def without(number, requested, **changes):
    return place(number, requested=Cents(requested), reserved=Cents(0), **changes)


SERVED = place(1, requested=Cents(5))
BIG, SMALL = without(2, 31), without(3, 30)
CONTENT = without(4, 31, accepts_less=True)


@pytest.mark.parametrize(
    ("places", "policy", "jump", "found"),
    [
        ((SERVED,), WAIT, False, None),
        ((SERVED, SMALL), WAIT, False, Promotion(SMALL, Cents(30))),
        ((SERVED, BIG, SMALL), WAIT, False, None),
        ((SERVED, BIG, SMALL), WAIT, True, Promotion(SMALL, Cents(30))),
        ((CONTENT, SMALL), PART, False, Promotion(CONTENT, Cents(30))),
        ((CONTENT, SMALL), WAIT, False, None),
        # A part would leave nothing to whom it jumps ahead of.
        ((BIG, CONTENT), PART, True, None),
        ((BIG, CONTENT, SMALL), PART, True, Promotion(SMALL, Cents(30))),
    ],
)
def test_money_set_free_goes_to_the_next_in_order(places, policy, jump, found):
    promotion = next_promotion(
        places, MONEY, rules=rules(jump_ahead=jump), allocation=short(policy)
    )

    assert promotion == found
