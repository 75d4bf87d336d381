from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from models.vocabulary import Cents
from workflow.facts import PriorAid
from workflow.rules.aid import AidRules, compute_aid, redetermine

RULES = AidRules(
    fixed=Cents(3_000_000),
    variable_percent=Decimal(85),
    cap=None,
    ceiling=Cents(30_000_000),
    ceiling_years=3,
)
INVESTMENT = Cents(9_542_484)
FULL = Cents(11_111_111)
DAY = date(2028, 4, 20)


def aid_of(amount, granted_on=DAY):
    return PriorAid(granted_on, Cents(amount), "Regione Lombardia")


def compute(*prior, rules=RULES, investment=INVESTMENT, requested=FULL, on=DAY):
    return compute_aid(
        rules, investment=investment, requested=requested, prior=prior, on=on
    )


def test_a_grant_is_the_fixed_part_and_the_share_of_the_investment():
    aid = compute()

    assert aid.variable == 8_111_111
    assert aid.total == 11_111_111
    assert aid.requested == FULL
    assert aid.residual_ceiling == 30_000_000
    assert aid.reduced_by_ceiling == 0


def test_no_more_is_granted_than_was_asked_for():
    assert compute(requested=Cents(5_000_000)).total == 5_000_000


def test_no_more_is_granted_than_the_call_gives():
    assert compute(requested=Cents(99_999_999)).total == FULL


def test_no_more_is_granted_than_the_cap():
    aid = compute(rules=replace(RULES, cap=Cents(5_000_000)))

    assert aid.total == 5_000_000
    assert aid.reduced_by_ceiling == 0


def test_a_cap_above_the_grant_changes_nothing():
    assert compute(rules=replace(RULES, cap=Cents(50_000_000))).total == FULL


def test_three_editions_for_one_cluster_meet_the_ceiling_in_the_third():
    editions = [date(2026, 4, 20), date(2027, 4, 20), date(2028, 4, 20)]
    prior: list[PriorAid] = []
    aids = []

    for on in editions:
        aids.append(compute(*prior, on=on))
        prior.append(aid_of(aids[-1].total, on))

    assert [aid.total for aid in aids] == [11_111_111, 11_111_111, 7_777_778]
    assert aids[2].residual_ceiling == 7_777_778
    assert aids[2].reduced_by_ceiling == 3_333_333


def test_an_aid_of_exactly_three_years_before_does_not_count():
    assert compute(aid_of(1, date(2025, 4, 20))).residual_ceiling == 30_000_000
    assert compute(aid_of(1, date(2025, 4, 21))).residual_ceiling == 29_999_999


def test_an_aid_of_the_same_day_counts_and_a_later_one_does_not():
    assert compute(aid_of(1, DAY)).residual_ceiling == 29_999_999
    assert compute(aid_of(1, date(2028, 4, 21))).residual_ceiling == 30_000_000


def test_three_years_before_a_29_february_are_the_28():
    on = date(2028, 2, 29)

    assert compute(aid_of(1, date(2025, 2, 28)), on=on).residual_ceiling == 30_000_000
    assert compute(aid_of(1, date(2025, 3, 1)), on=on).residual_ceiling == 29_999_999


def test_years_of_the_ceiling_are_those_of_the_call():
    prior = aid_of(1, date(2026, 4, 21))

    two = compute(prior, rules=replace(RULES, ceiling_years=2))
    one = compute(prior, rules=replace(RULES, ceiling_years=1))

    assert (two.residual_ceiling, one.residual_ceiling) == (29_999_999, 30_000_000)


def test_a_ceiling_that_is_passed_already_leaves_nothing_and_never_less():
    aid = compute(aid_of(20_000_000), aid_of(20_000_000))

    assert aid.residual_ceiling == 0
    assert aid.total == 0
    assert aid.reduced_by_ceiling == FULL


def test_the_steps_show_a_whole_grant():
    steps = compute().steps

    assert [(step.rule, step.source) for step in steps] == [
        ("aid.due", "the call"),
        ("aid.within_request_and_cap", "the call"),
        ("aid.residual_ceiling", "art. 3 par. 2 Reg. (UE) 2023/2831"),
        ("aid.total", "the call"),
    ]
    assert [step.text for step in steps] == [
        (
            "30000.00 fixed + 85% of 95424.84 = 81111.11 "
            "(half a cent to the even cent): 111111.11"
        ),
        "requested 111111.11, no cap: 111111.11",
        (
            "ceiling 300000.00 less the aids granted after 20/04/2025 "
            "and until 20/04/2028: 300000.00 left"
        ),
        "111111.11 may be granted",
    ]


def test_the_steps_show_a_grant_reduced_to_the_ceiling_with_every_prior_aid():
    rules = replace(RULES, cap=Cents(10_000_000))
    prior = (
        aid_of(15_000_000, date(2027, 5, 3)),
        aid_of(10_000_000, date(2026, 5, 4)),
        aid_of(99_000_000, date(2020, 1, 1)),
    )

    steps = compute(*prior, rules=rules).steps

    assert [(step.rule, step.source) for step in steps[2:]] == [
        ("aid.prior", "art. 3 par. 2 Reg. (UE) 2023/2831"),
        ("aid.prior", "art. 3 par. 2 Reg. (UE) 2023/2831"),
        ("aid.residual_ceiling", "art. 3 par. 2 Reg. (UE) 2023/2831"),
        ("aid.reduced_to_ceiling", "art. 14 c. 4 DM 115/2017"),
    ]
    assert [step.text for step in steps[1:4]] == [
        "requested 111111.11, cap 100000.00: 100000.00",
        "100000.00 granted on 04/05/2026 by Regione Lombardia",
        "150000.00 granted on 03/05/2027 by Regione Lombardia",
    ]
    assert steps[-1].text == "reduced by 50000.00 to 50000.00"


@pytest.mark.parametrize(
    ("investment", "granted", "total"),
    [
        (INVESTMENT, FULL, FULL),
        (Cents(1_000_000), FULL, 3_850_000),
        (Cents(99_000_000), FULL, FULL),
        (INVESTMENT, Cents(5_000_000), 5_000_000),
    ],
)
def test_a_final_amount_is_what_the_call_gives_and_never_above_the_grant(
    investment, granted, total
):
    aid = redetermine(RULES, investment=investment, granted=granted)

    assert aid.total == total
    assert (aid.requested, aid.residual_ceiling) == (granted, granted)
    assert aid.reduced_by_ceiling == 0


def test_the_steps_show_a_final_amount():
    aid = redetermine(RULES, investment=Cents(99_000_000), granted=FULL)

    assert aid.variable == 84_150_000
    assert [(step.rule, step.source) for step in aid.steps] == [
        ("aid.due", "the call"),
        ("aid.within_grant", "the call"),
    ]
    assert aid.steps[1].text == "never above the grant, 111111.11: 111111.11"
