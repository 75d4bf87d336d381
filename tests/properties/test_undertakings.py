"""Is a single undertaking the same from wherever it is looked at?"""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Cents
from workflow.facts import PriorAid
from workflow.rules.undertakings import OwnGrant, closure, counted

codes = st.sampled_from("ABCDEFG")
links = st.lists(st.tuples(codes, codes), max_size=8)
aids = st.builds(
    PriorAid,
    st.sampled_from((date(2026, 1, 1), date(2026, 1, 2))),
    st.sampled_from((Cents(1), Cents(2))),
    st.sampled_from(("Comune", "Provincia")),
)
lists_of_aids = st.lists(aids, max_size=4)
grants = st.builds(
    lambda aid, more, office: OwnGrant(aid, Cents(aid.amount + more), office),
    aids,
    st.sampled_from((0, 1)),
    st.sampled_from(("Comune", "Provincia")),
)
lists_of_grants = st.lists(grants, max_size=4)
declarations = st.lists(lists_of_aids, max_size=3)


def total(found):
    return sum(aid.amount for aid in found)


def now(grant):
    return grant.aid


def lowered(grants):
    return sum(grant.at_first - grant.aid.amount for grant in grants)


@given(codes, links)
def test_whoever_is_one_with_another_is_so_from_both_sides(start, known):
    found = closure(start, known)

    assert start in found
    assert all(closure(other, known) == found for other in found)


@given(codes, links, st.tuples(codes, codes))
def test_one_more_link_never_makes_an_undertaking_smaller(start, known, more):
    assert closure(start, known) <= closure(start, [*known, more])


@given(codes, links)
def test_no_link_leads_out_of_an_undertaking(start, known):
    found = closure(start, known)

    assert all((one in found) == (other in found) for one, other in known)


@given(codes, links, st.randoms(use_true_random=False))
def test_the_order_and_the_direction_of_links_change_nothing(start, known, chance):
    turned = [
        (other, one) if chance.random() < 0.5 else (one, other) for one, other in known
    ]
    chance.shuffle(turned)

    assert closure(start, turned) == closure(start, known)


@given(declarations, lists_of_grants, st.randoms(use_true_random=False))
def test_the_order_in_which_aids_are_read_changes_nothing(declared, ours, chance):
    shuffled = [list(declaration) for declaration in declared]
    for declaration in shuffled:
        chance.shuffle(declaration)
    chance.shuffle(shuffled)
    given_ = list(ours)
    chance.shuffle(given_)

    assert counted(shuffled, given_) == counted(declared, ours)


@given(declarations, lists_of_grants)
def test_no_more_counts_than_was_declared_and_given(declared, ours):
    found, given_ = total(counted(declared, ours)), total(map(now, ours))

    assert found <= sum(map(total, declared)) + given_
    assert found >= max([given_, *(total(one) - lowered(ours) for one in declared)])


@given(declarations, lists_of_grants)
def test_every_grant_of_ours_counts(declared, ours):
    assert Counter(map(now, ours)) <= Counter(counted(declared, ours))


@given(declarations, lists_of_grants, lists_of_aids)
def test_one_more_declaration_never_lowers_what_counts(declared, ours, more):
    assert total(counted(declared, ours)) <= total(counted([*declared, more], ours))


@given(declarations, lists_of_grants, grants)
def test_one_more_grant_of_ours_lowers_what_counts_only_by_what_was_taken_back(
    declared, ours, more
):
    with_one_more = total(counted(declared, [*ours, more]))

    assert total(counted(declared, ours)) <= with_one_more + lowered([*ours, more])


@given(declarations, lists_of_grants)
def test_a_declaration_made_twice_counts_once(declared, ours):
    assert counted([*declared, *declared], ours) == counted(declared, ours)
