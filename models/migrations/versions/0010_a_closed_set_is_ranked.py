"""A closed set of applications is ranked by an act, and every ranking is kept."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import widen

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LETTERS = (
    "submission_receipt",
    "procedure_start",
    "completion_request",
    "refusal_notice",
    "observations_upheld",
    "not_receivable",
    "inadmissible",
    "rejected",
    "waiting_list",
    "promoted",
    "funded",
    "admitted_unfunded",
    "funding_changed",
    "unfunded",
    "grant",
    "convocation",
    "plan_due",
    "plan_returned",
    "amount_determined",
    "acceptance_received",
    "start_due",
    "variation_approved",
    "extension_granted",
    "term_extended",
    "lapse_proposed",
    "lapse_dismissed",
    "lapsed",
    "withdrawal_acknowledged",
    "revoked",
    "annulled",
    "settled",
    "reminder",
    "counter_suspended",
    "counter_reopened",
)
APPEND_ONLY = ("rankings", "ranked_places")
SAME_ROW = {
    "rankings": "call_id = NEW.call_id AND version = NEW.version",
    "ranked_places": "call_id = NEW.call_id AND version = NEW.version "
    "AND (place = NEW.place OR application_id = NEW.application_id)",
}


def upgrade() -> None:
    """Bring the database to this form."""
    widen("notices", "ck_notices_letter", "letter", LETTERS)
    op.create_table(
        "rankings",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.String(length=200), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("ranked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"]),
        sa.PrimaryKeyConstraint("call_id", "version"),
    )
    op.create_table(
        "ranked_places",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("place > 0 AND amount >= 0", name="ck_ranked_places_given"),
        sa.ForeignKeyConstraint(
            ["call_id", "version"],
            ["rankings.call_id", "rankings.version"],
            name="fk_ranked_places_ranking",
        ),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"]),
        sa.PrimaryKeyConstraint("call_id", "version", "place"),
        sa.UniqueConstraint(
            "call_id", "version", "application_id", name="uq_ranked_places_application"
        ),
    )
    for table in APPEND_ONLY:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE "
                f"OR TRUNCATE ON {table} FOR EACH STATEMENT "
                "EXECUTE FUNCTION refuse_change()"
            )
        else:
            _keep_on_sqlite(table)


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _keep_on_sqlite(table: str) -> None:
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} "
            f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names of ours
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {SAME_ROW[table]}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
