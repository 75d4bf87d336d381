"""Which role may make which move?"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from models.vocabulary import Role
from workflow.machine import Row
from workflow.moves.calls import MOVES as OF_CALLS
from workflow.moves.families import TABLES

_SHOWN = {Role.SYSTEM: "workers"}


def of_applications() -> Mapping[StrEnum, frozenset[Role]]:
    """Return who may make each move of an application, in any family."""
    return _by_event(move for table in TABLES.values() for move in table.moves)


def of_calls() -> Mapping[StrEnum, frozenset[Role]]:
    """Return who may make each move of a call."""
    return _by_event(OF_CALLS)


def _by_event(moves: Iterable[Row]) -> Mapping[StrEnum, frozenset[Role]]:
    found: dict[StrEnum, frozenset[Role]] = {}
    for move in moves:
        found[move.event] = found.get(move.event, frozenset()) | {*move.roles}
    return found


def page() -> str:
    """Write the page of the documentation about who may do what."""
    return "\n".join(
        (
            _HEAD,
            *_matrix(of_applications()),
            _SEPARATION,
            *_separated(),
            _CALLS,
            *_matrix(of_calls()),
            "",
        )
    )


_HEAD = """\
# Who may do what

Generated from the tables of moves; `make docs` writes it again. What has no mark is
refused (`role.missing`), whoever asks and by whatever way, and the refusal is an entry
of the register.

## Moves of an application
"""

_SEPARATION = """
Where a call separates them (`roles.separate`), whoever made one of the moves that
propose, or on whose behalf it was made, does not make the one that decides:
"""

_CALLS = """
## Moves of a call

Some of these a worker makes only when they are due, and the responsible officer
suspends a counter only for a malfunction.
"""


def _matrix(allowed: Mapping[StrEnum, frozenset[Role]]) -> Iterator[str]:
    yield f"| event | {' | '.join(_SHOWN.get(role, role.value) for role in Role)} |"
    yield f"| --- |{' --- |' * len(Role)}"
    for event, roles in allowed.items():
        marks = " | ".join("x" if role in roles else " " for role in Role)
        yield f"| `{event}` | {marks} |"


def _separated() -> Iterator[str]:
    yield "| decides | proposed by | decision |"
    yield "| --- | --- | --- |"
    rows = {
        (move.event, move.proposed_by, move.decides)
        for table in TABLES.values()
        for move in table.moves
        if move.decides
    }
    for event, proposed_by, decision in sorted(rows):
        proposing = ", ".join(f"`{one}`" for one in proposed_by)
        yield f"| `{event}` | {proposing} | {decision} |"
