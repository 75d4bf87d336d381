"""Who applied is proven: each applicant gets the salt of a hash in the register."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SALT = {
    "postgresql": "replace(CAST(gen_random_uuid() AS TEXT), '-', '')",
    "sqlite": "lower(hex(randomblob(16)))",
}


def upgrade() -> None:
    """Bring the database to this form."""
    op.add_column("applicants", sa.Column("salt", sa.String(length=32), nullable=True))
    salt = _SALT[op.get_bind().dialect.name]
    op.execute(f"UPDATE applicants SET salt = {salt} WHERE tax_code IS NOT NULL")  # noqa: S608 - words of ours


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)
