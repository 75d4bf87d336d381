"""Run the migrations on the connection that `models.schema` hands over."""

from typing import Literal

from alembic import context
from sqlalchemy import BigInteger
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString, SQLModel

import models.tables  # noqa: F401 - the tables enter the metadata when read
from models.columns import Instant


def _plain(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own types as what they are in the database.

    A migration that named them would change meaning when the class does.
    """
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})"
    return False


def _differs(
    _context: object,
    _inspected: object,
    _declared: object,
    found: TypeEngine[object],
    wanted: TypeEngine[object],
) -> bool | None:
    if isinstance(wanted, Instant):
        return not isinstance(found, BigInteger)
    return None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=False,
    render_item=_plain,
    compare_type=_differs,
)
with context.begin_transaction():
    context.run_migrations()
