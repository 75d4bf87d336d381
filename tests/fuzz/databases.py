"""What does a database hold, looked at fast and past the program?"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

Contents = dict[str, list[tuple[Any, ...]]]

CHAINS = ("entries", "office_entries")
HEADS = {"calls": ("head_seq", "head_hash", "last_instant")}
"""What a call remembers of the last entry of its chain."""
REMEMBERED = "heads of chains"
"""Under this name they stand beside the tables."""

_NAMED = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


@dataclass(frozen=True)
class Left:
    """What something has left behind: the tables, and the entries of the register."""

    tables: frozenset[str]
    """Those that are not the same, but for entries that came after the others."""
    entries: int


NOTHING, ONE_ENTRY = Left(frozenset(), 0), Left(frozenset(), 1)


def contents(place: Path | Engine) -> Contents:
    """Return every row of every table, of a file of SQLite or of either database."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as opened:
            return dict(_read(opened.cursor(), _NAMED["sqlite"]))
    with closing(place.raw_connection()) as opened:
        return dict(_read(opened.cursor(), _NAMED[place.dialect.name]))


def left(before: Contents, after: Contents) -> Left:
    """Tell what came between; a head may have moved only with an entry."""
    changed = {one for one in before | after if before.get(one) != after.get(one)}
    entries = 0
    for chain in changed.intersection(CHAINS):
        if set(before[chain]) <= set(after[chain]):
            entries += len(after[chain]) - len(before[chain])
            changed.remove(chain)
    if entries:
        changed.discard(REMEMBERED)
    return Left(frozenset(changed), entries)


def _read(cursor: Any, named: str) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    cursor.execute(named)
    remembered = []
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - of ours
        heads = HEADS.get(table, ())
        names = [column[0] for column in cursor.description]
        rows = sorted(cursor.fetchall(), key=repr)
        if not heads:
            yield table, rows
            continue
        apart = [names.index(head) for head in heads]
        kept = [place for place in range(len(names)) if place not in apart]
        remembered += [tuple(row[place] for place in apart) for row in rows]
        yield table, [tuple(row[place] for place in kept) for row in rows]
    yield REMEMBERED, remembered
