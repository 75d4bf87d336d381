"""Which one of many processes does something that only one may do?

Whoever holds the seat loses it with its life: another takes over at once,
without anybody's help.
"""

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from models.session import silence_of, told_in_words, unpooled
from workflow.errors import UnavailableError


class Seat(Protocol):
    """A place for one process at a time."""

    def take(self) -> bool:
        """Sit down if nobody else sits there; tell whether it is ours."""

    def is_held(self) -> bool:
        """Tell whether it still is ours: the database may have been restarted."""

    def free(self) -> None:
        """Get up, to sit down again soon."""

    def close(self) -> None:
        """Get up, and leave nothing open."""


def seat(engine: Engine, name: str) -> Seat:
    """Return the seat of a name; one database has it once."""
    if engine.dialect.name == "postgresql":
        return _OnPostgreSQL(engine, name)
    return _OnSQLite(engine, name)


_TAKE = text(
    "WITH tried AS MATERIALIZED (SELECT pg_try_advisory_lock(:number) AS is_ours) "
    "SELECT is_ours, set_config('idle_session_timeout', "
    "CASE WHEN is_ours THEN :silence ELSE '0' END, false) FROM tried"
)
_FREE = text(
    "SELECT pg_advisory_unlock(:number), set_config('idle_session_timeout', '0', false)"
)
"""Whoever does not sit there may be silent: a portal may have nothing to hand over."""


class _OnPostgreSQL:
    """A lock of the session: the server frees it when the session is gone.

    The session is its own, not one of the pool: those who write take theirs there.
    The server ends it, too, when whoever sits there says nothing for as long as one
    who writes may: a process that hangs keeps nobody waiting.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = unpooled(engine)
        self._connection: Connection | None = None
        self._key = {
            "number": int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
        }
        self._silence = {"silence": f"{silence_of(engine)}s"}

    def take(self) -> bool:
        with told_in_words():
            try:
                return self._is_locked()
            except DBAPIError:
                self.close()
                raise

    def _is_locked(self) -> bool:
        if self._connection is None:
            self._connection = self._engine.connect()
        found = self._connection.execute(_TAKE, self._key | self._silence)
        return bool(found.scalars().one())

    def is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self.close()
            return False
        return True

    def free(self) -> None:
        # A session that is gone holds nothing, and what was written is written.
        if self._connection is not None:
            try:
                self._connection.execute(_FREE, self._key)
            except DBAPIError:
                self.close()

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(DBAPIError):
                connection.close()


class _OnSQLite:
    """A file beside the database: the system frees it with the process."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._database = Path(str(engine.url.database))
        self._path = Path(f"{self._database}.{name}")
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        file = self._opened()
        if _is_locked(file):
            self._file = file
            return True
        file.close()
        return False

    def is_held(self) -> bool:
        return self._file is not None

    def _opened(self) -> IO[bytes]:
        try:
            # Whoever may not open the database cannot keep a seat of it either.
            mode = self._database.stat().st_mode & 0o666
            return os.fdopen(os.open(self._path, os.O_CREAT | os.O_WRONLY, mode), "wb")
        except OSError as error:
            raise UnavailableError(
                "database.read_only",
                f"{self._path} cannot be written; check the permissions of the folder "
                "of the database",
            ) from error

    def free(self) -> None:
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_locked(file: IO[bytes]) -> bool:
    """Lock a file, unless another process has; tell whether it is ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
