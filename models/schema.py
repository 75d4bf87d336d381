"""In which form is a database, and how is it brought to the present one?"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, text
from sqlmodel import Session

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The form that this version of the system needs; a test holds it to Alembic's."""

_UPGRADING = 7_011_980
"""The lock of whoever upgrades; any number that nobody else uses would do."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def revision(session: Session) -> str | None:
    """Return the form of a database, or nothing if it was never initialised."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return None
    row = session.execute(text("SELECT version_num FROM alembic_version")).first()
    return str(row[0]) if row else None


def upgrade(engine: Engine, target: str = "head") -> None:
    """Create the tables, or bring older ones to the present form."""
    # Alembic takes 0.15 s to import and only `init` needs it.
    from alembic import command  # noqa: PLC0415 - see above

    with (
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        if engine.dialect.name == "postgresql":
            # Two that upgrade at once would both make the first table.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))
        configuration = alembic_configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, target)


def alembic_configuration() -> "Config":
    """Return Alembic's configuration, without any file of its own."""
    from alembic.config import Config  # noqa: PLC0415 - see `upgrade`

    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    return configuration
