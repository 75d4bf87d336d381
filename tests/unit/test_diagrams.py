"""Do the drawings of the documentation say what the tables say?"""

from pathlib import Path

import pytest

from models.vocabulary import Family
from workflow.moves.diagrams import mermaid, page
from workflow.moves.families import TABLES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("family", list(TABLES))
def test_the_page_of_the_documentation_is_up_to_date(family: Family):
    written = (DOCS / f"moves-{family}.md").read_text(encoding="utf-8")

    assert written == page(TABLES[family])


@pytest.mark.parametrize("family", list(TABLES))
def test_every_move_that_changes_the_state_is_drawn_once(family: Family):
    table = TABLES[family]

    arrows = [line for line in mermaid(table).splitlines() if ": " in line]

    moving = [
        (source, move)
        for move in table.moves
        for source in move.sources
        if move.target not in {None, source}
    ]
    assert len(arrows) == len(set(arrows)) == len(moving)
