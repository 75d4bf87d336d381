"""Each term says when somebody has to look at it, and jobs stay until they are done."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import widen

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TERM_KINDS = (
    "conclusion",
    "formal_check",
    "merit",
    "completion",
    "observations",
    "negotiation",
    "definitive_plan",
    "plan_check",
    "plan_correction",
    "acceptance",
    "start",
    "duration",
    "report",
    "payment",
    "aid_registry",
    "lapse_decision",
)
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
)
STATUSES = ("queued", "ready", "delivered")
SECOND = 1_000_000
"""Microseconds: a term is over one second after its last one begins."""


def upgrade() -> None:
    """Bring the database to this form."""
    widen("terms", "ck_terms_kind", "kind", TERM_KINDS)
    widen("notices", "ck_notices_letter", "letter", LETTERS)
    widen("notices", "ck_notices_status", "status", STATUSES)
    _new_columns()
    _new_indexes()
    _new_tables()
    _watch_what_runs()
    _settle_what_was_decided()
    _order_what_waits()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _new_columns() -> None:
    zero = sa.text("0")
    for column in (
        sa.Column("started_seq", sa.BigInteger(), nullable=True),
        sa.Column("extra_days", sa.Integer(), server_default=zero, nullable=False),
        sa.Column(
            "holidays", sa.JSON(), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("next_check", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("escalated_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("fault", sa.String(length=300), nullable=True),
    ):
        op.add_column("terms", column)
    for column in (
        sa.Column("entry_seq", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
    ):
        op.add_column("outbox", column)


def _new_indexes() -> None:
    awaited = sa.text("next_check IS NOT NULL")
    op.create_index(
        "ix_terms_next_check",
        "terms",
        ["next_check", "call_id"],
        sqlite_where=awaited,
        postgresql_where=awaited,
    )
    op.create_index(
        "ix_terms_call_next_check",
        "terms",
        ["call_id", "next_check"],
        sqlite_where=awaited,
        postgresql_where=awaited,
    )
    missed = sa.text("status = 'expired' AND settled_at IS NULL")
    op.create_index(
        "ix_terms_missed",
        "terms",
        ["due_at"],
        sqlite_where=missed,
        postgresql_where=missed,
    )
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"])


def _new_tables() -> None:
    op.create_table(
        "ticks",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _watch_what_runs() -> None:
    """Have what runs looked at when it ends.

    What is suspended goes on with the move that ends the suspension.
    """
    op.execute(
        sa.text(
            "UPDATE terms SET next_check = due_at + :second WHERE status = 'running'"
        ).bindparams(second=SECOND)
    )


def _settle_what_was_decided() -> None:
    """Take what had ended for settled, unless a lapse is still being decided on.

    An officer ended it by hand then, and knew.
    """
    op.execute(
        "UPDATE terms SET settled_at = due_at WHERE status = 'expired' AND NOT EXISTS "
        "(SELECT 1 FROM steps WHERE steps.application_id = terms.application_id "
        "AND steps.kind = 'lapse_proposal' AND steps.status <> 'closed' "
        "AND steps.subject = terms.kind)"
    )


def _order_what_waits() -> None:
    """Say of each job which entry of the register caused it."""
    op.execute(
        "UPDATE outbox SET entry_seq = (SELECT notices.entry_seq FROM notices "
        "WHERE notices.id = outbox.subject_id) WHERE EXISTS "
        "(SELECT 1 FROM notices WHERE notices.id = outbox.subject_id)"
    )
