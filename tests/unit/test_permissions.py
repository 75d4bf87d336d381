"""May each role make the moves that the documentation says, and no other?"""

from pathlib import Path
from uuid import UUID

import pytest

from models.vocabulary import Role
from tests.builders import usual
from tests.builders_facts import facts
from workflow.errors import RefusedError
from workflow.facts import BY_WORKER, Hands, holds
from workflow.machine import fire
from workflow.moves import permissions
from workflow.moves.calls import MOVES
from workflow.moves.families import TABLES
from workflow.services.officers import WORKER

DOCS = Path(__file__).parents[2] / "docs" / "roles-matrix.md"
FROZEN = DOCS.read_text(encoding="utf-8")


def marked(title: str) -> dict[str, set[Role]]:
    """Read the marks of one matrix of the page, as a reader does."""
    part = FROZEN.partition(f"## Moves of {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {
        row[0].strip("`"): {
            role for role, mark in zip(Role, row[1:], strict=True) if mark == "x"
        }
        for row in cells
        if len(row) == len(Role) + 1
    }


def test_the_page_of_the_documentation_is_up_to_date():
    assert permissions.page() == FROZEN


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_event_is_for_its_roles_and_refused_to_all_others(table):
    frozen, wrong = marked("an application"), []

    for move in table.moves:
        for state in move.sources:
            for role in Role:
                person = Hands(frozenset({role}), UUID(int=9))
                hands = BY_WORKER if role is Role.SYSTEM else person
                known = facts(state=state, by=hands)
                stated = usual(move.event, known.today).get("inputs", {})
                given = move.inputs.model_validate(stated)
                try:
                    fire(table, move.event, state, known, given)
                    code = ""
                except RefusedError as error:
                    code = error.code
                if (code != "role.missing") is not (role in frozen[move.event]):
                    wrong.append((move.event, state, role, code))

    assert wrong == []


def test_every_event_of_a_call_is_for_its_roles_and_refused_to_all_others():
    frozen = marked("a call")

    allowed: dict[str, set[Role]] = {event: set() for event in frozen}
    for move in MOVES:
        allowed[move.event] |= {
            role for role in Role if holds(Hands(frozenset({role})), move.roles)
        }

    assert allowed == frozen


def test_whoever_controls_moves_nothing_and_who_administers_no_application():
    of_files, of_calls = marked("an application"), marked("a call")
    taking_away = of_calls.pop("export_register")  # it leaves everything as it is

    assert Role.AUDITOR in taking_away
    for roles in (*of_files.values(), *of_calls.values()):
        assert Role.AUDITOR not in roles
    assert not any(Role.ADMINISTRATOR in one for one in of_files.values())


def test_nobody_is_let_through_whom_nobody_has_looked_at():
    assert holds(None, tuple(Role)).code == "role.missing"
    assert holds(Hands(frozenset()), tuple(Role)).code == "role.missing"


def test_whatever_a_worker_makes_names_no_person():
    automatic = [
        move.roles
        for table in TABLES.values()
        for move in table.moves
        if move.automatic
    ]
    automatic += [move.roles for move in MOVES if move.automatic]

    told = [WORKER.entered(WORKER.hands.capacity(roles)) for roles in automatic]

    nobody = {"kind": "worker", "id": None, "role": "system", "identity": "system"}
    assert told == [nobody] * len(automatic)
    assert len(automatic) > 10
