"""How do the rows of a table come into another database?"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, select
from sqlmodel import Session

from models.batch import write

_AT_ONCE = 1_000
"""Rows that are in memory together, however many there are."""

_SIZE = 1 << 256

Rows = list[dict[str, Any]]


def copy(  # noqa: PLR0913 - what, from where, to where, and how
    source: Session,
    target: Session,
    table: Table,
    *,
    where: ColumnElement[bool] | None = None,
    blank: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _row: {},
    told: Callable[[Rows], None] = lambda _rows: None,
) -> None:
    """Copy rows of a table, a part of them at a time; *told* is told each part.

    *blank* says what stands in the copy of a row instead of what is not for it.
    """
    query = select(table) if where is None else select(table).where(where)
    for part in _parts(source, query):
        rows = [{**row, **blank(row)} for row in part]
        write(target.connection(), table, rows)
        told(rows)


def read(session: Session, table: Table) -> Iterator[Rows]:
    """Return the rows of a table, a part of them at a time."""
    return _parts(session, select(table))


def _parts(session: Session, query: Select[Any]) -> Iterator[Rows]:
    found = session.connection().execute(
        query, execution_options={"yield_per": _AT_ONCE}
    )
    for part in found.mappings().partitions():
        yield [dict(row) for row in part]


class Content:
    """What rows hold, in whatever order they come.

    Two databases sort texts differently, so each row is hashed and hashes are added.
    """

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, rows: Rows) -> None:
        """Take rows in."""
        self.rows += len(rows)
        for row in rows:
            said = repr(tuple(row.values())).encode()
            self._sum = (self._sum + int.from_bytes(sha256(said).digest())) % _SIZE

    @property
    def total(self) -> tuple[int, int]:
        """Return what is the same for the same rows, and for no others."""
        return self.rows, self._sum
