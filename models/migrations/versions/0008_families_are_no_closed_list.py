"""A family of procedures is whatever has a table of moves: no list in the database."""

import re

from alembic import op

from models.migrations.remaking import remade

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_RULE = re.compile(r",\s*CONSTRAINT ck_calls_family CHECK \(family IN \([^()]*\)\)")


def upgrade() -> None:
    """Bring the database to this form."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("ck_calls_family", "calls", type_="check")
        return
    remade("calls", _freed)


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _freed(sql: str) -> str:
    new, found = _RULE.subn("", sql)
    if found != 1:
        message = "the constraint on the family of a call is not where it should be"
        raise RuntimeError(message)
    return new
