"""Personal data has its end: an applicant may have no name any more."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import remade

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_RULE = "(tax_code IS NULL) = (erased_at IS NOT NULL)"


def upgrade() -> None:
    """Bring the database to this form."""
    op.add_column("calls", sa.Column("erased_seq", sa.BigInteger(), nullable=True))
    op.add_column("applicants", sa.Column("erased_at", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("applicants", "tax_code", nullable=True)
        op.create_check_constraint("ck_applicants_erased", "applicants", _RULE)
        return
    remade("applicants", _freed)


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _freed(sql: str) -> str:
    """Let a tax code be absent, for who was erased alone."""
    new = sql.replace("tax_code VARCHAR(16) NOT NULL", "tax_code VARCHAR(16)", 1)
    before, last, after = new.rpartition(")")
    if new == sql or not last:
        message = "the column tax_code of the applicants is not where it should be"
        raise RuntimeError(message)
    return f"{before}, CONSTRAINT ck_applicants_erased CHECK ({_RULE})){after}"
