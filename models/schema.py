"""In which form is a database, and how is it brought to the present one?"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlmodel import Session, SQLModel

import models.tables  # noqa: F401 - the names of our tables are known once it is read

if TYPE_CHECKING:
    from alembic.config import Config

FORMS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
)
"""Every form there has been, the oldest first; a test holds them to Alembic's."""

HEAD = FORMS[-1]
"""The form that this version of the system needs."""

_UPGRADING = 7_011_980
"""The lock of whoever upgrades; any number that nobody else uses would do."""

FORM_TABLE = "alembic_version"
"""The table of Alembic, which tells in which form the database is."""

_WRITTEN = "SELECT version_num{} FROM alembic_version"

_MIGRATIONS = Path(__file__).parent / "migrations"


class Form(StrEnum):
    """How a database stands to this version of the system."""

    EMPTY = "empty"
    PRESENT = "present"
    OLDER = "older"
    NEWER = "newer"
    UNKNOWN = "unknown"
    """It holds something, but not what any version of the system has made."""


def form(session: Session) -> Form:
    """Tell in which form a database is; nothing in it is changed."""
    found = revision(session)
    if found is None:
        return Form.UNKNOWN if _is_taken(session) else Form.EMPTY
    if found in FORMS:
        return Form.PRESENT if found == HEAD else Form.OLDER
    later = found.isdecimal() and len(found) == len(HEAD) and found > HEAD
    return Form.NEWER if later else Form.UNKNOWN


_CODES = {
    Form.EMPTY: "database.not_initialised",
    Form.OLDER: "database.older",
    Form.NEWER: "database.newer",
    Form.UNKNOWN: "database.unknown_form",
}
OTHER_FORM = frozenset(_CODES.values())
"""What is told of a database in another form: to try again does not help."""


def unusable(standing: Form, found: str | None) -> tuple[str, str]:
    """Say what is wrong with a database, and the way out: a code and a sentence."""
    sentences = {
        Form.EMPTY: "the database is empty; make it with `sportello init`",
        Form.OLDER: f"the database is in form {found} and this version needs {HEAD}; "
        "back it up and run `sportello init`",
        Form.NEWER: f"the database is in form {found}, made by a later version of the "
        f"system than this one ({HEAD}); use that version, or restore the backup from "
        "before the upgrade: no form is taken back",
        Form.UNKNOWN: f"the database holds tables in {_named(found)}; if it is yours, "
        "restore a backup of it, otherwise choose another file or database with "
        "SPORTELLO_HOME or SPORTELLO_DATABASE_URL",
    }
    return _CODES[standing], sentences[standing]


def _named(found: str | None) -> str:
    return f"the unknown form {found!r}" if found else "no form of this system"


def held_in_form(session: Session, *, beside: str = "") -> tuple[str, str] | None:
    """Keep the present form until a transaction ends; if it is another, say what.

    Whoever upgrades waits for all who have read the form in theirs, and whoever reads
    it meanwhile waits for the upgrade: see `upgrade`. What is to be asked *beside* it
    goes the same way.
    """
    asked = _WRITTEN.format(beside)
    if session.connection().exec_driver_sql(asked).scalars().all() == [HEAD]:
        return None
    return unusable(form(session), revision(session))


def _is_taken(session: Session) -> bool:
    """Tell whether a database without a form holds something all the same.

    On PostgreSQL tables of others may stand beside ours (those of an extension
    do); a file of SQLite is all ours or somebody else's.
    """
    tables = set(inspect(session.connection()).get_table_names())
    if session.get_bind().dialect.name == "postgresql":
        tables &= SQLModel.metadata.tables.keys()
    return bool(tables - {FORM_TABLE})


def revision(session: Session) -> str | None:
    """Return the form of a database, or nothing if it names none, or more."""
    return _revision(session.connection())


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(FORM_TABLE):
        return None
    found = connection.exec_driver_sql(_WRITTEN.format("")).all()
    return str(found[0][0]) if len(found) == 1 else None


def upgrade(engine: Engine, target: str = "head") -> None:
    """Create the tables, or bring older ones to the present form."""
    # Alembic takes 0.15 s to import and only `init` needs it.
    from alembic import command  # noqa: PLC0415 - see above

    with engine.connect().execution_options(writes=True) as connection:
        if engine.dialect.name == "sqlite":
            _let_tables_be_remade(connection)
        with connection.begin():
            hold(connection)
            _wait_for_who_writes(connection)
            configuration = alembic_configuration()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, target)
            if engine.dialect.name == "sqlite":
                _refuse_orphans(connection)


def make_tables(session: Session) -> None:
    """Create the tables of an empty database, in the transaction of a session."""
    from alembic import command  # noqa: PLC0415 - see `upgrade`

    configuration = alembic_configuration()
    configuration.attributes["connection"] = session.connection()
    command.upgrade(configuration, "head")


def make_scratch_tables(session: Session) -> None:
    """Create the tables of a scratch database; it never sees another form."""
    SQLModel.metadata.create_all(session.connection())
    noted = f"CREATE TABLE {FORM_TABLE} AS SELECT '{HEAD}' AS version_num"
    session.connection().exec_driver_sql(noted)


def hold(connection: Connection) -> None:
    """Let one at a time change tables, or who may do what with them.

    Two that upgrade at once would both make the first one. SQLite lets no other
    write anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))


def _wait_for_who_writes(connection: Connection) -> None:
    """Let those end who write by the rules of the form so far, and keep others out.

    Each transaction has read the form and so holds its table (`held_in_form`). Without
    this one that began before the upgrade would go on after it. SQLite has one writer
    at a time anyway.
    """
    is_older = _revision(connection) not in {None, HEAD}
    if is_older and connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {FORM_TABLE} IN ACCESS EXCLUSIVE MODE"))


def _let_tables_be_remade(connection: Connection) -> None:
    """Stop watching over foreign keys, on this connection of SQLite alone.

    A table whose constraints change is dropped and made again, and its rows would
    be missed meanwhile. Inside a transaction it would be too late to say so.
    """
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute("PRAGMA foreign_keys = OFF")


def _refuse_orphans(connection: Connection) -> None:
    """Undo an upgrade after which a row would name one that is not there."""
    if orphans := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        message = f"the upgrade would leave {len(orphans)} row(s) without their owner"
        raise RuntimeError(message)


def alembic_configuration() -> "Config":
    """Return Alembic's configuration, without any file of its own."""
    from alembic.config import Config  # noqa: PLC0415 - see `upgrade`

    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    return configuration
