"""What does a database hold, looked at past the services?"""

from typing import Any

from sqlalchemy import Engine, select, text
from sqlmodel import SQLModel

from models.session import reading
from tests.builders import Office
from workflow.services import log


def dump(engine: Engine) -> dict[str, list[str]]:
    """Return every row of every table, in an order that does not depend on luck."""
    with reading(engine) as session:
        return {
            table.name: sorted(
                repr(tuple(row)) for row in session.execute(select(table))
            )
            for table in SQLModel.metadata.sorted_tables
        }


def written(before: dict[str, list[str]], after: dict[str, list[str]]) -> set[str]:
    """Name the tables that are not the same."""
    return {name for name in before if before[name] != after[name]}


def rows(engine: Engine, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run a query as a person with a database client would."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql), values)]


def alter_rules(engine: Engine) -> None:
    """Change the frozen rules of calls, as only the owner of a database can."""
    free = {
        "sqlite": "DROP TRIGGER call_versions_no_update",
        "postgresql": "ALTER TABLE call_versions DISABLE TRIGGER USER",
    }
    with engine.begin() as connection:
        connection.exec_driver_sql(free[engine.dialect.name])
        connection.exec_driver_sql("UPDATE call_versions SET body = body || ' '")


def entries(office: Office, **wanted: Any) -> list[dict[str, Any]]:
    """Return entries of the register, the oldest first."""
    return list(log.entries(office.desk, log.Wanted(**wanted)))


def refusals(office: Office) -> list[str]:
    """Return the code of every refused entry, the oldest first."""
    return [entry["refusal"]["code"] for entry in entries(office, outcome="refused")]
