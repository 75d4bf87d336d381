"""Which moves did the version of the program allow that wrote an entry?

The tables of moves change from version to version, the register does not: an entry
is judged by the table of its own time.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeAlias

from models.vocabulary import CallEvent, CallState
from workflow.moves.calls import MAY_LOAD, MOVES
from workflow.moves.families import TABLES
from workflow.moves.released import RELEASED

CALL = "call"
"""What the table of the calls themselves is called here, beside the families."""

Row: TypeAlias = "tuple[str, str, str | None, str | None, str]"
"""Which table, which event, from where, to where, in which role."""

Allowed: TypeAlias = "frozenset[Row]"

NONE = "none"
"""How the frozen tables write that a call had no state yet."""

SAME = "="
"""How they write that the state stays."""


def edition(software: object) -> str:
    """Return what of a version counts here: a correction changes no table."""
    return ".".join(str(software).split(".")[:2])


@cache
def known(running: str) -> Mapping[str, Allowed]:
    """Return what each version allows that the running one knows of.

    Its own moves are those of the tables themselves, also before it is released.
    """
    return {**frozen(), edition(running): present()}


@cache
def frozen() -> Mapping[str, Allowed]:
    """Return what each version allowed that was released."""
    rows: dict[str, set[Row]] = {}
    for line in RELEASED.split("\n"):
        if line:
            for version, row in _rows(line):
                rows.setdefault(version, set()).add(row)
    return {version: frozenset(found) for version, found in rows.items()}


@cache
def present() -> Allowed:
    """Return what the tables allow now."""
    return frozenset((*_of_files(), *_of_calls()))


def _rows(line: str) -> Iterator[tuple[str, Row]]:
    tables, event, leads, roles, versions = line.split(" | ")
    sources, target = leads.split(" > ")
    for version in versions.split():
        for table in tables.split():
            for source in sources.split():
                start = None if source == NONE else source
                end = start if target == SAME else target
                for role in roles.split():
                    yield version, (table, event, start, end, role)


def _of_files() -> Iterator[Row]:
    for family, table in TABLES.items():
        for move in table.moves:
            for source in move.sources:
                target = move.target or source
                for role in move.roles:
                    yield (
                        family,
                        move.event.value,
                        source.value,
                        target.value,
                        role.value,
                    )


def _of_calls() -> Iterator[Row]:
    loaded = CallEvent.LOAD_CALL.value, None, CallState.PUBLISHED.value
    for role in MAY_LOAD:
        yield (CALL, *loaded, role.value)
    for move in MOVES:
        for source in move.sources:
            target = (move.target or source).value
            for role in move.roles:
                yield CALL, move.event.value, source.value, target, role.value
