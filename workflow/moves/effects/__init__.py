"""What does a move bring about beside the state?

Pure: each effect reads the facts and says what has to be written.
"""

from workflow.moves.effects import (
    arrivals,
    clocks,
    deliveries,
    expiries,
    filing,
    grants,
    lapses,
    lists,
    money,
    partnerships,
    phase_2,
    ranking,
    review,
    steps,
)

__all__ = [
    "arrivals",
    "clocks",
    "deliveries",
    "expiries",
    "filing",
    "grants",
    "lapses",
    "lists",
    "money",
    "partnerships",
    "phase_2",
    "ranking",
    "review",
    "steps",
]
