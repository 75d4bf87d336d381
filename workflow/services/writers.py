"""Who is the one that takes submissions in?

Several processes may try to be the writer of a call. One holds its seat, and
loses it with its life: another takes over at once, without anybody's help.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from models.session import told_in_words, unpooled
from workflow.errors import UnavailableError

_PATIENCE = 30.0
"""Seconds for which a seat is waited for."""

_PAUSE = 0.02


class Seat:
    """The place of the one that takes submissions in for a call.

    Taken with `with`, as often as there is something to write.
    """

    def __init__(
        self, engine: Engine, code: str, *, patience: float = _PATIENCE
    ) -> None:
        self._code, self._patience = code, patience
        self._lock: _Lock
        if engine.dialect.name == "postgresql":
            self._lock = _OnPostgreSQL(engine, code)
        else:
            self._lock = _OnSQLite(engine, code)

    def __enter__(self) -> None:
        """Sit down.

        Raises:
            UnavailableError: somebody else sits there, and does not get up.
        """
        until = time.monotonic() + self._patience
        while not self._lock.take():
            if time.monotonic() >= until:
                raise UnavailableError(
                    "intake.taken",
                    f"another process is taking submissions in for {self._code} and "
                    f"has not finished in {self._patience:.0f} seconds; try again: "
                    "nothing of these lines was taken in",
                )
            time.sleep(_PAUSE)

    def __exit__(self, *_: object) -> None:
        """Get up."""
        self._lock.free()

    def close(self) -> None:
        """Leave nothing open."""
        self._lock.close()


@contextmanager
def seat(engine: Engine, code: str, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Take the seat of a call once.

    Raises:
        UnavailableError: somebody else sits there, and does not get up.
    """
    with closing(Seat(engine, code, patience=patience)) as taken, taken:
        yield


class _Lock(Protocol):
    def take(self) -> bool:
        """Try to lock; tell whether it is ours."""

    def free(self) -> None:
        """Let others have it."""

    def close(self) -> None:
        """Leave nothing open."""


class _OnPostgreSQL:
    """A lock of the session: the server frees it when the session is gone.

    The session is its own, not one of the pool: those who write take theirs there.
    """

    def __init__(self, engine: Engine, code: str) -> None:
        self._engine = unpooled(engine)
        self._connection: Connection | None = None
        self._key = {
            "number": int.from_bytes(sha256(code.encode()).digest()[:8], signed=True)
        }

    def take(self) -> bool:
        with told_in_words():
            if self._connection is None:
                self._connection = self._engine.connect()
            try:
                found = self._connection.execute(
                    text("SELECT pg_try_advisory_lock(:number)"), self._key
                )
                return bool(found.scalar_one())
            except DBAPIError:
                self.close()
                raise

    def free(self) -> None:
        # A session that is gone holds nothing, and what was written is written.
        if self._connection is not None:
            try:
                self._connection.execute(
                    text("SELECT pg_advisory_unlock(:number)"), self._key
                )
            except DBAPIError:
                self.close()

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(DBAPIError):
                connection.close()


class _OnSQLite:
    """A file beside the database: the system frees it with the process."""

    def __init__(self, engine: Engine, code: str) -> None:
        self._path = Path(f"{engine.url.database}.{code}.writer")
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        if self._file is None:
            self._file = self._opened()
        return _is_locked(self._file)

    def _opened(self) -> IO[bytes]:
        try:
            return self._path.open("ab")
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
