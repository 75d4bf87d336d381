"""How are many rows written at once?"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Table,
    Update,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

Row = TypeVar("Row", bound=SQLModel)
Values = dict[str, Any]

_FEW = 3
"""Rows for which one statement each costs less than a copy."""


def unwatched(table: type[Row], **values: object) -> Row:
    """Return a new row that no session follows: it goes to the database by a batch.

    It has every column of its table and nothing else of a row. What a session
    keeps beside each row costs more than all the rest of taking a submission in.
    """
    return cast("Row", SimpleNamespace(**{**_usual(table), **values}))


@cache
def _usual(table: type[SQLModel]) -> Values:
    return {
        name: field.default
        for name, field in table.model_fields.items()
        if not field.is_required()
    }


@cache
def _tables() -> Sequence[Table]:
    """Return all tables, each after those that it refers to."""
    return SQLModel.metadata.sorted_tables


class Batch:
    """Rows of one transaction, written table by table when it is flushed.

    The unit of work of the ORM would write them one class at a time as well, and
    spend more on looking after each of them than the database on keeping it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: dict[str, list[Values]] = defaultdict(list)
        self._followed: list[tuple[Table, Values, Values]] = []

    def read(self, model: type[Row], condition: ColumnElement[bool]) -> list[Row]:
        """Read rows and lock them; what is changed in them is written with the rest.

        No session follows them: whoever has one of these rows from a session has to
        read it again afterwards.
        """
        table = SQLModel.metadata.tables[str(model.__tablename__)]
        query = select(table).where(condition).order_by(*table.primary_key)
        self._session.flush()
        found = self._session.connection().execute(query.with_for_update())
        names = tuple(found.keys())
        return [
            self._follow(table, dict(zip(names, row, strict=True))) for row in found
        ]

    def _follow(self, table: Table, values: Values) -> Any:  # noqa: ANN401 - a row of any table
        row = SimpleNamespace(**values)
        self._followed.append((table, values, vars(row)))
        return row

    def add(self, table: type[SQLModel], **values: object) -> None:
        """Keep a row for later; every column of the table has to be said."""
        self._rows[str(table.__tablename__)].append(values)

    def keep(self, table: type[Row], row: Row) -> None:
        """Keep an unwatched row; what is changed in it until then counts."""
        self._rows[str(table.__tablename__)].append(vars(row))

    def flush(self) -> None:
        """Write everything: first what was changed, then what is new."""
        self._session.flush()
        if not self._rows and not self._followed:
            return
        connection = self._session.connection()
        self._write_changes(connection)
        for table in _tables():
            if rows := self._rows.pop(table.name, None):
                write(connection, table, rows)

    def _write_changes(self, connection: Connection) -> None:
        """Write what differs from what was read, the same columns at once."""
        changes: dict[tuple[Table, tuple[str, ...]], list[Values]] = defaultdict(list)
        for table, before, now in self._followed:
            if now == before:
                continue
            changed = tuple(name for name in before if now[name] != before[name])
            if changed:
                wanted = {name: now[name] for name in changed}
                changes[table, changed].append({_KEY: now["id"], **wanted})
                before.update(wanted)
        for (table, names), rows in changes.items():
            connection.execute(_update(table, names), rows)


_KEY = "the row"
"""The parameter that no column is called like."""


@cache
def _update(table: Table, names: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(table).where(table.c.id == bindparam(_KEY)).values(values)


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


def write(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows of one table, the fastest way that there is."""
    if len(rows) > _FEW and connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.execute(_insert(table), rows)


def _copy(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Send rows to PostgreSQL as one stream: several times as fast as statements.

    SQLAlchemy has no word for it, so values and errors are turned by hand into
    what they are everywhere else.
    """
    names = [column.name for column in table.columns]
    listed = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table.name}" ({listed}) FROM STDIN'
    turned = _turned(table, connection)
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - it is, of a connection in use
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as stream:
            for row in rows:
                stream.write_row([turned[name](row[name]) for name in names])
    except errors as error:
        raise DBAPIError.instance(
            statement, None, error, errors, dialect=connection.dialect
        ) from error


def _turned(table: Table, connection: Connection) -> Mapping[str, Callable[[Any], Any]]:
    dialect = connection.dialect
    return {
        column.name: column.type.dialect_impl(dialect).bind_processor(dialect)
        or _as_it_is
        for column in table.columns
    }


def _as_it_is(value: object) -> object:
    return value
