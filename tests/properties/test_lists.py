"""What holds for every list that acts approve and keep up to date?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import ListChange
from workflow.rules import lists
from workflow.rules.lists import Change, Listed

APPLICATIONS = [f"A{number}" for number in range(6)]
PEOPLE = [f"P{number}" for number in range(8)]


@st.composite
def histories(draw):
    """Draw acts one after the other, each of which makes sense on what stands."""
    there: set[str] = set()
    acts = []
    for _ in range(draw(st.integers(0, 6))):
        chosen = draw(
            st.lists(st.sampled_from(APPLICATIONS), unique=True, min_size=1, max_size=6)
        )
        act = []
        for name in chosen:
            kinds = [ListChange.CHANGED, ListChange.REMOVED]
            kind = draw(st.sampled_from(kinds)) if name in there else ListChange.ADDED
            behind = draw(
                st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1, max_size=4)
            )
            act.append(Change(kind, name, f"2022/{name}", tuple(behind)))
            if kind is ListChange.REMOVED:
                there.discard(name)
            else:
                there.add(name)
        acts.append(act)
    return acts


def replayed(acts):
    """Return who stands on the list after each act, the empty one first."""
    members: dict[str, Listed] = {}
    found = [members]
    for version, act in enumerate(acts, start=1):
        members = dict(lists.after(members, version, act))
        found.append(members)
    return found


@given(histories())
def test_each_version_is_the_one_before_with_what_was_added_and_without_what_left(acts):
    versions = replayed(acts)

    for before, then, act in zip(versions, versions[1:], acts, strict=False):
        named = {
            kind: {one.application for one in act if one.kind is kind}
            for kind in ListChange
        }
        added, removed = named[ListChange.ADDED], named[ListChange.REMOVED]
        assert then.keys() == (before.keys() | added) - removed
        assert added.isdisjoint(before)
        assert removed <= before.keys()
        untouched = before.keys() - {one.application for one in act}
        assert all(then[name] == before[name] for name in untouched)


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_an_act_names_its_members_changes_nothing(acts, chance):
    shuffled = [chance.sample(act, len(act)) for act in acts]

    one, other = replayed(acts)[-1], replayed(shuffled)[-1]

    assert one == other
    assert lists.fingerprint(one) == lists.fingerprint(other)
    assert lists.in_order(one) == lists.in_order(other)


@given(histories())
def test_two_lists_with_the_same_hash_have_the_same_members(acts):
    hashes: dict[str, object] = {}
    for members in replayed(acts):
        plain = {(one.application, one.behind) for one in members.values()}
        assert hashes.setdefault(lists.fingerprint(members), plain) == plain


@given(histories())
def test_somebody_stands_on_the_list_where_they_lead_or_else_are_a_partner(acts):
    members = replayed(acts)[-1]

    whose = lists.by_applicant(members)

    assert whose.keys() == {who for one in members.values() for who in one.behind}
    leads = {one.lead for one in members.values()}
    for who, member in whose.items():
        assert who in member.behind
        assert (member.lead == who) is (who in leads)


@given(histories(), st.sampled_from(APPLICATIONS), st.sampled_from(ListChange))
def test_an_act_that_makes_no_sense_on_the_list_is_no_version(acts, name, kind):
    members = replayed(acts)[-1]
    change = Change(kind, name, f"2022/{name}", ("P0",))

    if (kind is ListChange.ADDED) is (name not in members):
        lists.after(members, len(acts) + 1, [change])
        return

    with pytest.raises(ValueError, match="makes no sense"):
        lists.after(members, len(acts) + 1, [change])
