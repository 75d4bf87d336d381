from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Cents
from workflow.facts import PriorAid
from workflow.rules.aid import AidRules, compute_aid

DAY = date(2028, 2, 29)
cents = st.integers(0, 10**11).map(Cents)
rules = st.builds(
    AidRules,
    fixed=cents,
    variable_percent=st.decimals(0, 100, places=2),
    cap=st.none() | cents,
    ceiling=cents,
    ceiling_years=st.integers(1, 5),
)
aids = st.builds(
    PriorAid,
    granted_on=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    amount=cents,
    grantor=st.sampled_from(["INPS", "Regione Lombardia"]),
)
priors = st.lists(aids, max_size=5)


def compute(rules, investment, requested, prior):
    return compute_aid(
        rules, investment=investment, requested=requested, prior=prior, on=DAY
    )


@given(rules, cents, cents, priors)
def test_a_grant_passes_none_of_its_limits_and_stops_at_one(
    rules, investment, requested, prior
):
    aid = compute(rules, investment, requested, prior)
    limits = [requested, rules.fixed + aid.variable, aid.residual_ceiling]
    if rules.cap is not None:
        limits.append(rules.cap)

    assert aid.total == min(limits)
    assert 0 <= aid.total + aid.reduced_by_ceiling <= requested


@given(rules, cents, cents, priors, aids)
def test_one_more_prior_aid_never_gives_more(
    rules, investment, requested, prior, another
):
    before = compute(rules, investment, requested, prior)
    after = compute(rules, investment, requested, [*prior, another])

    assert after.total <= before.total
    assert 0 <= before.residual_ceiling - after.residual_ceiling <= another.amount


@given(rules, cents, cents, priors, st.randoms(use_true_random=False))
def test_the_order_of_prior_aids_changes_nothing(
    rules, investment, requested, prior, chance
):
    shuffled = list(prior)
    chance.shuffle(shuffled)

    assert compute(rules, investment, requested, shuffled) == compute(
        rules, investment, requested, prior
    )


@given(cents, st.integers(1, 10))
def test_granting_again_and_again_never_passes_the_ceiling(investment, times):
    rules = AidRules(
        fixed=Cents(3_000_000),
        variable_percent=Decimal(85),
        cap=None,
        ceiling=Cents(30_000_000),
        ceiling_years=3,
    )
    prior: list[PriorAid] = []

    for _ in range(times):
        aid = compute(rules, investment, Cents(10**12), prior)
        prior.append(PriorAid(DAY, aid.total, "Regione Lombardia"))

    assert sum(one.amount for one in prior) <= (rules.ceiling or 0)
