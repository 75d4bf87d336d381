"""Where is something tried that must leave no trace?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, event

from models.schema import make_scratch_tables
from models.session import normalised, open_engine, told_in_words, transaction

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
            with transaction(engine, any_form=True) as session:
                make_scratch_tables(session)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def rehearsal_database(address: str, name: str) -> Iterator[Engine]:
    """Make an empty database beside another one, of its kind and as durable.

    It is gone afterwards. What a killed process leaves behind has the *name* too.

    Raises:
        DatabaseForbiddenError: our role may make none on that server.
        DatabaseUnavailableError: the server, or the folder, is not there.
    """
    beside = normalised(address)
    if beside.get_backend_name() == "sqlite":
        folder = Path(beside.database or ".").resolve().parent
        where = folder if folder.is_dir() else None  # the same disk, if there is one
        with (
            TemporaryDirectory(prefix=f"{name}-", dir=where) as place,
            _opened(f"sqlite:///{Path(place) / 'rehearsal.db'}") as engine,
        ):
            yield engine
        return
    with _opened(address) as server, told_in_words():
        _on(server, f'CREATE DATABASE "{name}"')
    try:
        made = beside.set(database=name).render_as_string(hide_password=False)
        with _opened(made) as engine:
            yield engine
    finally:
        with _opened(address) as server, told_in_words():
            _on(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def _opened(address: str) -> Iterator[Engine]:
    engine = open_engine(address)
    try:
        yield engine
    finally:
        engine.dispose()


def _on(server: Engine, statement: str) -> None:
    """Tell a server something that it takes in no transaction."""
    with server.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.exec_driver_sql(statement)


def _hasten(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver connection has no common type
    cursor = connection.cursor()
    for pragma in _HASTE:
        cursor.execute(pragma)
    cursor.close()
