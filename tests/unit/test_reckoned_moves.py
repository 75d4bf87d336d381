"""Is given aid looked up for every move that reckons with it, and for no other?"""

from dataclasses import replace

import pytest

from tests.builders_facts import facts
from workflow.moves.amounts import declared_aid
from workflow.moves.families import TABLES

MOVES = [
    pytest.param(move, id=f"{family}-{move.event}-{number}")
    for family, table in TABLES.items()
    for number, move in enumerate(table.moves)
]


def names_in(function):
    """Return what the code of a rule calls; of one made by another, what that holds."""
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    inner = [names_in(one) for one in held if hasattr(one, "__code__")]
    return set(function.__code__.co_names).union(*inner)


@pytest.mark.parametrize("move", MOVES)
def test_a_move_says_that_it_reckons_the_aid_exactly_if_a_rule_of_it_does(move):
    rules = (*move.needs, *move.accepts, *move.foresees, move.effect)

    called = set().union(*(names_in(one) for one in rules if hasattr(one, "__code__")))

    assert move.reckons == bool(called & {"aid_on", "declared_aid"})


def test_no_aid_is_reckoned_where_nobody_has_looked_for_what_was_given_before():
    known = replace(facts(), aids=None)

    with pytest.raises(AssertionError, match="does not say so"):
        declared_aid(known)
