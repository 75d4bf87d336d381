"""Where is something tried that must leave no trace?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, NamedTuple

from sqlalchemy import URL, Engine, event

from models.schema import make_scratch_tables
from models.session import (
    DatabaseUnavailableError,
    normalised,
    open_engine,
    told_in_words,
    transaction,
)

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


class Beside(NamedTuple):
    """An empty database, and where it is."""

    engine: Engine
    place: str
    """The folder, or the server."""
    is_beside: bool
    """Whether the real one is there too, or would be."""


@contextmanager
def rehearsal_database(address: str, name: str) -> Iterator[Beside]:
    """Make an empty database beside another one, of its kind and as durable.

    It is gone afterwards. What a killed process leaves behind has the *name*, which
    nothing else may have.

    Raises:
        DatabaseForbiddenError: our role may make none on that server.
        DatabaseUnavailableError: the server is not there, or the folder takes no file.
    """
    beside = normalised(address)
    if beside.get_backend_name() == "sqlite":
        folder = Path(beside.database or ".").resolve().parent
        is_beside = folder.is_dir()
        where = str(folder) if is_beside else gettempdir()
        with (
            _folder(name, where) as made,
            _opened(f"sqlite:///{Path(made) / 'rehearsal.db'}") as engine,
        ):
            yield Beside(engine, where, is_beside)
        return
    made = beside.set(database=name).render_as_string(hide_password=False)
    with _database(address, name), _opened(made) as engine:
        yield Beside(engine, _server(beside), is_beside=True)


@contextmanager
def _database(address: str, name: str) -> Iterator[None]:
    may_be_there = True
    try:
        try:
            _tell(address, f'CREATE DATABASE "{name}"')
        except DatabaseUnavailableError:
            may_be_there = False  # whoever is interrupted cannot know that
            raise
        yield
    finally:
        if may_be_there:
            _tell(address, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _server(address: URL) -> str:
    if not address.host:
        return "the server that SPORTELLO_DATABASE_URL names"
    port = f":{address.port}" if address.port else ""
    return f"the server {address.host}{port}"


def _folder(name: str, where: str) -> "TemporaryDirectory[str]":
    try:
        return TemporaryDirectory(prefix=f"{name}-", dir=where)
    except OSError as error:
        raise DatabaseUnavailableError(
            "database.unreachable",
            f"nothing can be written in {where}, where the scratch database would be "
            f"({error.strerror})",
        ) from error


@contextmanager
def _opened(address: str) -> Iterator[Engine]:
    engine = open_engine(address)
    try:
        yield engine
    finally:
        engine.dispose()


def _tell(address: str, statement: str) -> None:
    """Tell a server something that it takes in no transaction."""
    with (
        _opened(address) as server,
        told_in_words(),
        server.connect() as connection,
    ):
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.exec_driver_sql(statement)


def _hasten(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver connection has no common type
    cursor = connection.cursor()
    for pragma in _HASTE:
        cursor.execute(pragma)
    cursor.close()
