"""Several may apply together: a lead and its partners."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import among

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = ("firm", "research", "public", "other")


def upgrade() -> None:
    """Bring the database to this form."""
    # In these words both databases take it, and no table is made again for it.
    op.execute(
        "ALTER TABLE applications ADD COLUMN lead_kind VARCHAR(40) CONSTRAINT "
        f"ck_applications_lead_kind CHECK ({among('lead_kind', KINDS)})"
    )
    kind = sa.Enum(
        *KINDS,
        name="ck_partners_kind",
        native_enum=False,
        create_constraint=True,
        length=40,
    )
    op.create_table(
        "partners",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("applicant_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"]),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicants.id"]),
        sa.PrimaryKeyConstraint("application_id", "applicant_id"),
    )
    op.create_index("ix_partners_applicant_id", "partners", ["applicant_id"])


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)
