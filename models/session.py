"""How is a transaction begun, and how does it end?

The only module that commits or rolls back.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, SQLModel

from models.schema import held_in_form

_LOCK_WAIT_SECONDS = 30
_NONE = "AUTOCOMMIT"
"""No isolation: each statement sees the moment in which it is made."""
_SILENCE_SECONDS = 60
"""For which whoever writes may say nothing in the middle: all that time others wait."""

_WE_ASK = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_THE_SERVER_ASKS = (
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=20s"
)
"""A host that loses its power, or its net, says nothing: after 20 seconds it is gone.

That is sooner than anybody gives up waiting for a lock that it held. By themselves
the systems would ask after two hours. It is they who ask and answer, so that a
statement may take as long as it likes.
"""

_NOT_ALLOWED = "42501"
"""What PostgreSQL says where a role lacks a right."""

_DAMAGED = (
    "the database is damaged; put it aside, do not delete it, and restore a backup"
)

# What PostgreSQL says may be in any language; its codes are not.
_MEANINGS = (
    (
        "locked",
        "database.locked",
        "the database is busy with somebody else's command; try again in a moment",
    ),
    *(
        (
            sign,
            "database.locked",
            "the call is busy with somebody else's command; try again in a moment",
        )
        for sign in ("lock timeout", "[55p03]")
    ),
    (
        "[25p03]",
        "database.timed_out",
        (
            "this said nothing for so long in the middle that the database has ended "
            "it, because others may be waiting; nothing of it was kept: give it again"
        ),
    ),
    (
        "[40001]",  # who only reads meets it on a replica, and there alone
        "database.cancelled",
        (
            "the replica has ended this in order to keep up with its primary; give it "
            "again, or read from the primary"
        ),
    ),
    (
        "readonly",
        "database.read_only",
        "the database cannot be written to; check its file's permissions",
    ),
    *(
        (
            sign,
            "database.read_only",
            "the database cannot be written to; ask who runs it",
        )
        for sign in ("read-only", "[25006]")
    ),
    (
        "unable to open",
        "database.unreachable",
        (
            "the database file cannot be opened; check SPORTELLO_DATABASE_URL, and "
            "whether its folder is read-only: also reading writes beside the file"
        ),
    ),
    *(
        (sign, "database.full", "the disk of the database is full; free space")
        for sign in ("disk is full", "no space left on device")
    ),
    *(
        (
            f"[sqlite_ioerr_{sign}]",
            "database.full",
            (
                "the file of the database cannot be written any further: a quota or a "
                "limit is reached (`ulimit -f`), or its disk fails; nothing of this "
                "was kept: make room and give it again"
            ),
        )
        for sign in ("write", "truncate", "fsync", "shmsize", "shmmap")
    ),
    (
        "not a database",
        "database.damaged",
        "the file is not a database of this system; check SPORTELLO_DATABASE_URL",
    ),
    ("malformed", "database.damaged", _DAMAGED),
    ("disk i/o error", "database.damaged", _DAMAGED),
    ("could not decode", "database.damaged", _DAMAGED),
    ("no such table", "database.damaged", _DAMAGED),
    ("no such column", "database.damaged", _DAMAGED),
)


class DatabaseUnavailableError(Exception):
    """The database cannot be used now: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class DatabaseForbiddenError(DatabaseUnavailableError):
    """The database does not let its user do that, whoever that is for the program."""


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn what a driver says of the database into a code and a sentence.

    A wrong statement, or a row that a constraint refuses, is a bug and stays one.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseUnavailableError(
            "database.busy",
            "too many are at work on the database at once; try again in a moment",
        ) from error
    except (OperationalError, InternalError) as error:
        raise _unavailable(error) from error
    except DatabaseError as error:
        if _sqlstate(error) == _NOT_ALLOWED:
            raise _forbidden(error) from error
        # Without a statement it is about the address: an option that there is not.
        if not _is_damage(error) and error.statement is not None:
            raise
        raise _unavailable(error) from error


def _is_damage(error: DBAPIError) -> bool:
    """Tell whether the content of the database makes no sense to its engine.

    SQLite says so with the root of its errors, which it uses for nothing else;
    PostgreSQL with its class XX.
    """
    by_class = _sqlstate(error).startswith("XX")
    return type(error.orig).__name__ == "DatabaseError" or by_class


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _forbidden(error: DBAPIError) -> DatabaseForbiddenError:
    return DatabaseForbiddenError(
        "database.not_allowed",
        f"the database does not let its user do this: {first_line(error)}; ask who "
        "runs it: `sportello db grants` says who may do what",
    )


def _code(error: DBAPIError) -> str:
    """Return the code of a failure: what is said of it may be of several."""
    return str(getattr(error.orig, "sqlite_errorname", None) or _sqlstate(error))


def first_line(error: DBAPIError) -> str:
    """Return what a driver says, without the rows that it tells of after that."""
    return (str(error.orig).strip().splitlines() or ["no answer"])[0]


def _unavailable(error: DBAPIError) -> DatabaseUnavailableError:
    cause = f"{error.orig} [{_code(error)}]".lower()
    for sign, code, message in _MEANINGS:
        if sign in cause:
            return DatabaseUnavailableError(code, message)
    first = first_line(error)
    if _is_damage(error):
        return DatabaseUnavailableError("database.damaged", f"{_DAMAGED} ({first})")
    return DatabaseUnavailableError(
        "database.unreachable",
        f"the database does not answer: {first}; check SPORTELLO_DATABASE_URL",
    )


def normalised(url: str) -> URL:
    """Return the address with the driver that the system uses.

    Raises:
        sqlalchemy.exc.ArgumentError: it is not the address of a database.
    """
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def open_engine(
    url: str, *, lock_wait: int = _LOCK_WAIT_SECONDS, silence: int = _SILENCE_SECONDS
) -> Engine:
    """Open a database; nothing is sent to it until the first statement.

    Whoever writes waits *lock_wait* seconds for others, and keeps them waiting in
    *silence* no longer than that.
    """
    address = normalised(url)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(
            address,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"timeout": lock_wait, "isolation_level": None},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # What fails is raised; what it says beside that would stand among our lines.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    return create_engine(
        address,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # they name people, and a bug is told with its statement
        execution_options={"silence": silence},
        connect_args={
            **_WE_ASK,
            "options": f"-c lock_timeout={lock_wait}s -c timezone=UTC "
            + _THE_SERVER_ASKS,
        },
    )


def silence_of(engine: Engine) -> int:
    """Return for how many seconds whoever keeps others waiting may say nothing."""
    silence: int = engine.get_execution_options().get("silence", _SILENCE_SECONDS)
    return silence


def unpooled(engine: Engine) -> Engine:
    """Return the same database, by connections of their own that commit at once."""
    return create_engine(
        engine.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={**_WE_ASK, "options": _THE_SERVER_ASKS},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver connection has no common type
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once
    # when somebody wrote in between, whatever the timeout; taking the write
    # lock at the start waits instead.
    options = connection.get_execution_options()
    if not options.get("outside", False):
        writes = options.get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def transaction(
    engine: Engine, *, keep: bool = True, any_form: bool = False
) -> Iterator[Session]:
    """Run a unit of work: all of it is written, or nothing.

    With ``keep=False`` everything is done and then undone: a dry run is the
    same transaction, so what it predicts is what happens.

    The database may have been upgraded since this process began, and then nothing is
    written by rules that hold no more. With ``any_form=True`` the caller looks itself.

    Raises:
        DatabaseUnavailableError: it cannot be used now, or has another form.
    """
    with told_in_words(), _session(engine, writes=True) as session:
        if not any_form:
            refuse_other_form(session)
        try:
            yield session
            session.flush()
        except BaseException:
            session.rollback()
            raise
        if keep:
            session.commit()
        else:
            session.rollback()


def refuse_other_form(session: Session) -> None:
    """Keep the database in the form that we know until the transaction ends.

    Raises:
        DatabaseUnavailableError: it has another one by now.
    """
    if other := held_in_form(session, beside=_may_fall_silent(session)):
        raise DatabaseUnavailableError(*other)


def _may_fall_silent(session: Session) -> str:
    """Say for how long; in the words of another statement, so that it costs none.

    A process that is stopped, and not gone, answers when the server asks whether it
    is there: only its silence tells. Whoever reads keeps nobody waiting, and may be
    as slow as whoever looks at what it prints.
    """
    silence = session.connection().get_execution_options().get("silence")
    if silence is None:
        return ""
    return f", set_config('idle_in_transaction_session_timeout', '{silence}s', true)"


@contextmanager
def reading(engine: Engine, *, verbatim: bool = False) -> Iterator[Session]:
    """Read without locking anybody out, and see one and the same moment.

    SQLite does so by itself. PostgreSQL would show each query what was committed
    meanwhile, so that a chain read before its head would seem to lack entries.

    With ``verbatim=True`` a text of SQLite that is none comes as its bytes, for
    whoever has to judge it; everybody else is told that the database is damaged.
    """
    with told_in_words(), _session(engine, writes=False) as session:
        if verbatim and engine.dialect.name == "sqlite":
            driver = session.connection().connection.driver_connection
            if driver is not None:
                driver.text_factory = _text_or_bytes  # this connection is not pooled
        yield session


@contextmanager
def asking(engine: Engine) -> Iterator[Session]:
    """Ask for what is checked again under its lock: no transaction, no more ways."""
    with told_in_words(), _session(engine, writes=False, isolation=_NONE) as session:
        yield session


def keep_readers_going(engine: Engine) -> None:
    """Use SQLite's write-ahead log: readers and writer do not wait for each other."""
    options = {"outside": True}  # the mode cannot change inside a transaction
    with told_in_words(), engine.connect().execution_options(**options) as connection:
        # The change itself waits for nobody; until it is made one who writes holds it.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def forget_pages(engine: Engine) -> bool:
    """Write the file of SQLite anew, without what was deleted; tell if it was done.

    What is deleted stays in free pages and in the write-ahead log until others take
    their place. The pages of PostgreSQL belong to whoever administers it.

    Raises:
        DatabaseUnavailableError: somebody else is using it.
    """
    if engine.dialect.name != "sqlite":
        return False
    options = {"outside": True}  # neither can be done inside a transaction
    with told_in_words(), engine.connect().execution_options(**options) as connection:
        connection.exec_driver_sql("VACUUM")
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if busy:
        raise DatabaseUnavailableError(
            "database.locked",
            "somebody is reading the database; try again in a moment",
        )
    return True


def _text_or_bytes(stored: bytes) -> str | bytes:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def add_unless_there(session: Session, row: SQLModel) -> bool:
    """Insert a row unless one with its key is there; tell whether it was inserted.

    Whoever is inserting the same key is waited for: looking first and inserting
    afterwards would fail for one of two that do it at once.
    """
    inserted = session.connection().execute(
        _unless_there(session, type(row)).values(row.model_dump()),
        execution_options={"preserve_rowcount": True},
    )
    return inserted.rowcount == 1


def add_all_unless_there(
    session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows of one table, those whose key is there already left out."""
    session.connection().execute(_unless_there(session, table), rows)


def _unless_there(session: Session, model: type[SQLModel]) -> Any:  # noqa: ANN401 - of either dialect
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = SQLModel.metadata.tables[str(model.__tablename__)]
    return insert(table).on_conflict_do_nothing()


@contextmanager
def _session(
    engine: Engine, *, writes: bool, isolation: str = "REPEATABLE READ"
) -> Iterator[Session]:
    options: dict[str, Any] = {"writes": writes, "outside": isolation == _NONE}
    if not writes and engine.dialect.name == "postgresql":
        options["isolation_level"] = isolation
    with (
        engine.connect().execution_options(**options) as connection,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session
