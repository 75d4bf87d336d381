"""Where is something measured: which database, which call, which applications?"""

import itertools
import shutil
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import make_url

from tests.builders import OPENING, furnish, office, submission
from tests.editions import SECOND, open_to_all
from tests.processes import Place
from tests.servers import fresh_postgres, running
from workflow.desk import Desk
from workflow.services import calls, filings, intake
from workflow.services.filings import Line

CODE = SECOND
"""A call like the shipped one, rich and for everybody."""

EUROS = 9_000_000_000
"""The allocation of a call whose money nobody uses up."""

SERVED = OPENING + timedelta(minutes=5)
"""An instant at which the counter is open."""


# Databases


class Databases(ABC):
    """Where databases of one kind are made."""

    @abstractmethod
    def empty(self) -> AbstractContextManager[str]:
        """Make an empty database, yield its address, drop it at the end."""

    @abstractmethod
    def copied(self, url: str) -> AbstractContextManager[str]:
        """Make a copy of a database that nobody is connected to."""


@contextmanager
def databases(kind: str) -> Iterator[Databases]:
    """Make databases of a kind possible: durable ones, as in production."""
    if kind == "postgresql":
        with running("durable-postgresql") as server:
            yield _OnServer(server)
        return
    with tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder:
        yield _InFolder(Path(folder))


class _OnServer(Databases):
    def __init__(self, server: str) -> None:
        self._server = server

    def empty(self) -> AbstractContextManager[str]:
        return fresh_postgres(self._server)

    def copied(self, url: str) -> AbstractContextManager[str]:
        return fresh_postgres(self._server, make_url(url).database)


class _InFolder(Databases):
    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count(1)

    @contextmanager
    def empty(self) -> Iterator[str]:
        home = self._folder / str(next(self._numbers))
        home.mkdir()
        yield f"sqlite:///{home / 'sportello.db'}"
        shutil.rmtree(home)

    @contextmanager
    def copied(self, url: str) -> Iterator[str]:
        with self.empty() as copy:
            shutil.copyfile(str(make_url(url).database), str(make_url(copy).database))
            yield copy


# The raw driver


class Raw:
    """A connection of the bare driver, set up like the system's own."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        self.is_postgresql = address.get_backend_name() == "postgresql"
        self.mark = "%s" if self.is_postgresql else "?"
        self.connection: Any = (
            _postgresql(url) if self.is_postgresql else _sqlite(str(address.database))
        )

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Write with a cursor, and keep what was written."""
        cursor = self.connection.cursor()
        cursor.execute("BEGIN" if self.is_postgresql else "BEGIN IMMEDIATE")
        yield cursor
        cursor.execute("COMMIT")

    def insert(
        self,
        cursor: Any,  # noqa: ANN401 - the two drivers share no type
        table: str,
        columns: Iterable[str],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Write new rows with the driver's usual way for many."""
        names = tuple(columns)
        marks = ", ".join([self.mark] * len(names))
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - names of ours
            rows,
        )

    def pour(
        self,
        cursor: Any,  # noqa: ANN401 - the two drivers share no type
        table: str,
        columns: Iterable[str],
        rows: Iterable[tuple[Any, ...]],
    ) -> None:
        """Write new rows with the fastest way that the database has."""
        if not self.is_postgresql:
            self.insert(cursor, table, columns, tuple(rows))
            return
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _postgresql(url: str) -> Any:  # noqa: ANN401 - the two drivers share no type
    address = make_url(url).set(drivername="postgresql")
    connection = psycopg.connect(
        address.render_as_string(hide_password=False), autocommit=True
    )
    # What is read is written again: as text it is the same for both.
    connection.adapters.register_loader("json", TextLoader)
    return connection


def _sqlite(path: str) -> Any:  # noqa: ANN401 - the two drivers share no type
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


# The office


def open_for_all(url: str) -> None:
    """Make the tables, the officers and a call at which everybody may apply.

    Some have applied already, so that the counter is open and everything is warm.
    """
    furnish(url)
    with tempfile.TemporaryDirectory() as folder, office(url) as opened:
        calls.register_call(opened.desk, open_to_all(Path(folder), CODE, EUROS))
    with served(url) as desk:
        taken(desk, 0, 20)


def served(url: str) -> AbstractContextManager[Desk]:
    """Sit down while the counter is open; the clock is the host's, moved there."""
    return Place.at(url, SERVED).desk()


def taken(desk: Desk, first: int, count: int, code: str = CODE) -> list[dict[str, Any]]:
    """Take some applications in as one group and return their answers."""
    group = read(contents(first, count))
    return checked(intake.take_group(desk, code, group))


def checked(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers, all of which must have a place: else nothing is measured."""
    refused = [answer for answer in told if answer["outcome"] != "submitted"]
    if refused:
        message = f"{len(refused)} were not taken in: {refused[0]}"
        raise AssertionError(message)
    return told


def read(lines: list[bytes]) -> list[Line]:
    """Read lines as the intake does."""
    return [filings.read(number, line) for number, line in enumerate(lines, start=1)]


def contents(first: int, count: int) -> list[bytes]:
    """Return good submissions, each by an applicant of its own."""
    return [content(number) for number in range(first, first + count)]


def content(number: int) -> bytes:
    """Return a good submission by an applicant that nobody else is."""
    return _TEMPLATE.replace(b"12345678901", b"%011d" % number)


_TEMPLATE = orjson.dumps(
    submission(
        portal_id="BENCH-12345678901",
        applicant={
            "tax_code": "12345678901",
            "name": "Ditta 12345678901",
            "pec": "ditta12345678901@pec.example.it",
        },
        requested="115000.00",
        investment="100000.00",
    )
)
