"""Where is something tried that must leave no trace?"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import ColumnElement, Engine, event, insert, select
from sqlmodel import Session, SQLModel

from models.session import open_engine, transaction

_AT_ONCE = 1_000
"""Rows that are in memory together, however many there are."""

_HASTE = (
    "PRAGMA synchronous = OFF",
    "PRAGMA journal_mode = MEMORY",
    "PRAGMA temp_store = MEMORY",
)
"""Nothing of it has to outlive the program; nor does it write any other file."""


@contextmanager
def scratch_database() -> Iterator[Engine]:
    """Make an empty database that only we can read, and is gone afterwards."""
    with TemporaryDirectory(prefix="sportello-scratch-") as folder:
        file = Path(folder) / "scratch.db"
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        engine = open_engine(f"sqlite:///{file}")
        event.listen(engine, "connect", _hasten)
        try:
            with transaction(engine) as session:
                SQLModel.metadata.create_all(session.connection())
            yield engine
        finally:
            engine.dispose()


def copy(
    source: Session,
    scratch: Session,
    model: type[SQLModel],
    where: ColumnElement[bool],
    blank: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _row: {},
) -> None:
    """Copy some rows of a table, a part of them at a time.

    *blank* says what stands in the copy of a row instead of what is not for it.
    """
    table = SQLModel.metadata.tables[str(model.__tablename__)]
    found = source.connection().execute(
        select(table).where(where), execution_options={"yield_per": _AT_ONCE}
    )
    for part in found.mappings().partitions():
        rows = [{**row, **blank(dict(row))} for row in part]
        scratch.connection().execute(insert(table), rows)


def _hasten(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver connection has no common type
    cursor = connection.cursor()
    for pragma in _HASTE:
        cursor.execute(pragma)
    cursor.close()
