"""Where is something tried that must leave no trace?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import SQLModel

from models.session import open_engine, transaction

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


def _hasten(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver connection has no common type
    cursor = connection.cursor()
    for pragma in _HASTE:
        cursor.execute(pragma)
    cursor.close()
