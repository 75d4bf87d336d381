"""What an officer did is found without reading the whole register."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_IS_A_PERSON = sa.text("actor_id IS NOT NULL")


def upgrade() -> None:
    """Find the entries of one officer by an index; workers have no need of it."""
    op.create_index(
        "ix_entries_actor",
        "entries",
        ["actor_id", "call_id", "seq"],
        sqlite_where=_IS_A_PERSON,
        postgresql_where=_IS_A_PERSON,
    )


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)
