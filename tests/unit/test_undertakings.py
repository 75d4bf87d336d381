"""Which aids count for a single undertaking, and how often?"""

from datetime import date

import pytest

from models.vocabulary import Cents
from workflow.facts import PriorAid
from workflow.rules.undertakings import OwnGrant, closure, counted, is_named

DAY = date(2026, 3, 10)


def aid(amount=100, grantor="Comune di Lecco", granted_on=DAY):
    return PriorAid(granted_on, Cents(amount), grantor)


def our(amount=100, at_first=None):
    """Return a grant of ours, lowered since if it was another at first."""
    return OwnGrant(
        aid(amount, "this administration"),
        at_first=Cents(amount if at_first is None else at_first),
        office="Regione Lombardia",
    )


def test_links_hold_both_ways_and_through_others():
    links = [("B", "A"), ("B", "C"), ("X", "Y")]

    assert closure("A", links) == {"A", "B", "C"}
    assert closure("C", links) == {"A", "B", "C"}
    assert closure("Z", links) == {"Z"}


def test_a_ring_of_links_comes_to_an_end():
    assert closure("A", [("A", "B"), ("B", "A"), ("A", "A")]) == {"A", "B"}


def test_a_grant_of_ours_that_is_declared_too_counts_once():
    ours = our()

    assert counted([[aid(grantor="Regione Lombardia")]], [ours]) == (ours.aid,)


def test_two_grants_of_ours_that_look_alike_count_twice():
    ours = our()
    twice = (ours.aid, ours.aid)

    assert counted([], [ours, ours]) == twice
    assert counted([[aid(grantor="Regione Lombardia")]], [ours, ours]) == twice


def test_the_same_aid_declared_by_two_linked_applicants_counts_once():
    assert counted([[aid()], [aid()]], []) == (aid(),)


def test_two_aids_that_look_alike_in_one_declaration_count_twice():
    assert counted([[aid(), aid()], [aid()]], []) == (aid(), aid())


def test_another_day_amount_or_grantor_is_another_aid():
    others = [
        aid(200),
        aid(grantor="Provincia di Lecco"),
        aid(granted_on=date(2026, 3, 11)),
    ]

    assert len(counted([[aid()], others], [])) == 4


def test_a_declared_aid_beyond_the_one_that_is_ours_still_counts():
    ours = our()

    found = counted([[aid(), aid(grantor="Regione Lombardia")]], [ours])

    assert sum(one.amount for one in found) == 200
    assert ours.aid in found


@pytest.mark.parametrize("amount", [50, 42], ids=["at first", "now"])
def test_a_grant_of_ours_that_was_lowered_counts_as_it_is_now(amount):
    declared = aid(amount, "Regione Lombardia")

    assert counted([[declared]], [our(42, 50)]) == (our(42).aid,)


def test_a_grant_of_ours_that_was_taken_back_counts_no_more_though_declared():
    assert counted([[aid(50, "Regione Lombardia")]], [our(0, 50)]) == ()


def test_the_aid_of_somebody_else_counts_even_if_it_looks_like_ours():
    assert len(counted([[aid(grantor="Comune di Milano")]], [our()])) == 2


@pytest.mark.parametrize(
    ("grantor", "named"),
    [
        ("Regione Lombardia", True),
        ("REGIONE  LOMBARDIA", True),
        ("Regione Lombardia - D.G. Sviluppo", True),
        ("Regione", False),
        ("Regione Liguria", False),
        ("Lombardia Regione", False),
        ("Comune di Milano per conto di Regione Lombardia", False),
        ("", False),
    ],
)
def test_an_office_is_named_only_plainly(grantor, named):
    assert is_named("Regione Lombardia", grantor) is named
    assert is_named(grantor, "Regione Lombardia") is named


def test_an_office_of_one_word_is_named_by_that_word_alone():
    assert is_named("Finlombarda", "finlombarda")
    assert not is_named("Finlombarda", "Finlombarda Gestioni")
