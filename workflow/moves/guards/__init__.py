"""What must be true before a move, whoever asks for it?

Guards of `needs` look at the facts alone; those of `accepts` also at what was
stated. Each answers with the rule, what stands in the way and the way out.
"""

from workflow.moves.guards import (
    days,
    filing,
    grants,
    lists,
    merit,
    money,
    partnerships,
    people,
    phase_2,
    ranking,
    receipt,
    refusals,
    steps,
    terms,
    turn,
)

__all__ = [
    "days",
    "filing",
    "grants",
    "lists",
    "merit",
    "money",
    "partnerships",
    "people",
    "phase_2",
    "ranking",
    "receipt",
    "refusals",
    "steps",
    "terms",
    "turn",
]
