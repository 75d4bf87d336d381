"""Is a call file told what is wrong with what it says of lists?"""

import pytest

from config.loader import check, dump, load, parse
from tests.builders import shipped
from tests.editions import edited
from tests.filiere import file, filiere

PART = """[[lists]]
call = "RLO12022099901"
effect = "reward"
as_of = "closing"
points = 5
source = "assumed"
basis = "a test"

[window]
"""


@pytest.mark.parametrize(
    ("before", "after", "where", "said"),
    [
        ("points = 5\n", "", "lists[1].points", "missing"),
        ("points = 5", "points = 101", "lists[1].points", "more than the total"),
        ('"reward"', '"require"', "lists[1].points", "leave this key out"),
        ('"closing"', '"day"', "lists[1].day", "missing"),
        ("points = 5", "points = 5\nday = 2026-01-01", "lists[1].day", "leave"),
        ("RLO12022099901", "RLF12025051244", "lists[1].call", "the call itself"),
        ('"closing"', '"today"', "lists[1].as_of", "opening"),
    ],
)
def test_what_a_call_wants_of_a_list_makes_sense_or_is_told(
    tmp_path, before, after, where, said
):
    assert PART.count(before) == 1
    part = PART.replace(before, after)

    (fault,) = check(edited(tmp_path, ("[window]\n", part)))

    assert fault.where == where
    assert said in fault.message


def test_what_a_call_wants_of_a_list_is_frozen_with_it(tmp_path):
    call = load(edited(tmp_path, ("[window]\n", PART)))

    assert call.list_requirements[0].points == 5
    assert parse(dump(call)) == call
    assert b'"lists"' not in dump(filiere())
    assert "[[lists]]" not in shipped()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("minimum = 1 ", "minimum = 6 "), "assessment.minimum"),
        (("evaluators = 1 ", "evaluators = 3 "), "roles.evaluators"),
        (("[assessment]\n", "[merit]\ntotal = 10\n[assessment]\n"), "merit"),
    ],
)
def test_what_a_list_cannot_have_is_told(change, where):
    faults = check(file(change))

    assert any(fault.where.startswith(where) for fault in faults), faults


def test_a_call_without_money_is_the_same_once_it_is_frozen():
    assert parse(dump(filiere())) == filiere()
