"""Is every decision that hurts an applicant for another person than who proposed it?"""

from dataclasses import replace
from uuid import UUID

import pytest

from models.vocabulary import ApplicationState, Decision
from tests.builders import usual
from tests.builders_facts import NOW, facts
from workflow.facts import Abstention, Deed, PeopleFacts
from workflow.moves.families import TABLES
from workflow.moves.guards.people import abstains_not

S = ApplicationState
ME = UUID(int=1)
"""Whoever facts are about, unless they say otherwise."""

ADVERSE = {
    S.NOT_RECEIVABLE: Decision.REFUSAL,
    S.INADMISSIBLE: Decision.REFUSAL,
    S.REJECTED: Decision.REFUSAL,
    S.UNFUNDED: Decision.REFUSAL,
    S.LAPSED: Decision.LAPSE,
    S.REVOKED: Decision.REVOCATION,
}
"""Where an application ends against the will of its applicant, and by what."""

MOVES = [
    pytest.param(move, id=f"{family}-{move.event}-{number}")
    for family, table in TABLES.items()
    for number, move in enumerate(table.moves)
    if move.target in ADVERSE
]


def code(move, people):
    """Return what stands first in the way where everything is separated."""
    known = facts(people=people)
    roles = known.call.duties.model_copy(update={"separate": tuple(Decision)})
    known = replace(known, call=known.call.model_copy(update={"roles": roles}))
    stated = usual(move.event, known.today).get("inputs", {})
    return move.verdict(known, move.inputs.model_validate(stated)).code


@pytest.mark.parametrize("move", MOVES)
def test_whoever_proposed_an_adverse_decision_does_not_make_it(move):
    proposed = [PeopleFacts((Deed(event, ME),)) for event in move.proposed_by]
    by_another = PeopleFacts(
        tuple(Deed(event, UUID(int=99)) for event in move.proposed_by)
    )

    told = {code(move, people) for people in proposed}

    assert move.decides is ADVERSE[move.target]
    assert told == {"role.same_person"}
    assert code(move, by_another) != "role.same_person"


@pytest.mark.parametrize("move", MOVES)
def test_whoever_has_a_conflict_of_interests_makes_no_adverse_decision(move):
    (abstains,) = (check for check in move.accepts if check.__name__ == "abstains_not")
    people = PeopleFacts(conflicts={ME: Abstention(ME, NOW, 7)})

    verdict = abstains(facts(people=people), None)

    assert verdict.code == "conflict.declared"
    assert "entry 7" in verdict.message


def test_a_worker_makes_nothing_that_another_person_would_have_to_propose():
    automatic = {
        (move.event, move.decides)
        for table in TABLES.values()
        for move in table.moves
        if move.automatic
    }

    assert len(automatic) > 10
    assert {decides for _, decides in automatic} == {None}


@pytest.mark.parametrize("family", TABLES)
def test_whoever_has_a_conflict_of_interests_abstains_from_every_act(family):
    acts = [move for move in TABLES[family].moves if move.act and move.by_hand]

    assert acts
    assert all(abstains_not in move.accepts for move in acts)
