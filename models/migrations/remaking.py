"""How does a table get other constraints than it was made with?"""

import re
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op


def widen(table: str, name: str, column: str, words: tuple[str, ...]) -> None:
    """Let a column hold more words than before."""
    condition = among(column, words)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, condition)
        return
    old = re.compile(rf"CONSTRAINT {name} CHECK \({column} IN \([^()]*\)\)")

    def widened(sql: str) -> str:
        new, found = old.subn(f"CONSTRAINT {name} CHECK ({condition})", sql)
        if found != 1:
            message = f"the constraint {name} is not where it should be"
            raise RuntimeError(message)
        return new

    remade(table, widened)


def among(column: str, words: tuple[str, ...]) -> str:
    """Write the condition that a column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


def remade(table: str, change: Callable[[str], str]) -> None:
    """Make a table of SQLite again with another text, keeping rows and indexes.

    SQLite cannot change a constraint. No table made so has a trigger.
    """
    connection = op.get_bind()
    about = sa.text(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL"
    )
    stored = connection.execute(about, {"name": table}).all()
    (made,) = [sql for kind, sql in stored if kind == "table"]
    indexes = [sql for kind, sql in stored if kind == "index"]
    columns = ", ".join(
        f'"{column["name"]}"' for column in sa.inspect(connection).get_columns(table)
    )
    new = change(made).replace(f"CREATE TABLE {table}", f"CREATE TABLE {table}_new", 1)
    new = new.replace(f'CREATE TABLE "{table}"', f"CREATE TABLE {table}_new", 1)
    op.execute(new)
    op.execute(f"INSERT INTO {table}_new ({columns}) SELECT {columns} FROM {table}")  # noqa: S608 - names of ours
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_new RENAME TO {table}")
    for index in indexes:
        op.execute(index)
