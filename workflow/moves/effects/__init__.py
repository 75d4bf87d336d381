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
    phase_2,
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
    "phase_2",
    "review",
    "steps",
]
