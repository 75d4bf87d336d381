"""What does a database of SQLite hold, looked at fast and past the program?"""

import sqlite3
from contextlib import closing
from pathlib import Path

REGISTER = {"entries", "calls", "office_entries", "installation"}
"""Where an attempt that was refused is written down."""


def contents(file: Path) -> dict[str, list[object]]:
    """Return every row of every table."""
    with closing(sqlite3.connect(file)) as opened:
        names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: opened.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608 - of ours
            for (name,) in names.fetchall()
        }


def changed(before: dict[str, list[object]], file: Path) -> set[str]:
    """Name the tables that are not the same any more."""
    after = contents(file)
    return {name for name in before | after if before.get(name) != after.get(name)}
