"""An act approves a list and keeps it up to date, and every version of it stays."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import widen

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = (
    "draft",
    "submitted",
    "admissible",
    "evaluated",
    "granted",
    "negotiating",
    "accepted",
    "in_progress",
    "completed",
    "not_receivable",
    "inadmissible",
    "rejected",
    "waiting",
    "unfunded",
    "withdrawn",
    "lapsed",
    "revoked",
    "annulled",
    "expired",
    "worthy",
    "listed",
    "removed",
)
STEPS = (
    "review",
    "completion_request",
    "refusal_notice",
    "negotiation",
    "definitive_plan",
    "determination",
    "report",
    "lapse_proposal",
    "revocation_proposal",
    "removal_request",
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
    "not_worthy",
    "listed",
    "list_changed",
    "delisted",
)
CHANGES = ("added", "changed", "removed")

HOLDS_A_PLACE = "state IN ('admissible', 'evaluated', 'submitted', 'waiting', 'worthy')"
LACKS_MONEY = "reserved < requested"
IS_OPEN = (
    "NOT (state IN ('annulled', 'draft', 'expired', 'inadmissible', 'lapsed', "
    "'not_receivable', 'rejected', 'removed', 'revoked', 'unfunded', 'withdrawn'))"
)
PLACE = ("call_id", "received_at", "protocol_year", "protocol_number")

APPEND_ONLY = {
    "approved_lists": "call_id = NEW.call_id AND version = NEW.version",
    "list_changes": "call_id = NEW.call_id AND version = NEW.version "
    "AND application_id = NEW.application_id",
}
"""Tables that nobody changes, with what makes two of their rows the same."""


def upgrade() -> None:
    """Bring the database to this form."""
    widen("steps", "ck_steps_kind", "kind", STEPS)
    widen("notices", "ck_notices_letter", "letter", LETTERS)
    widen("applications", "ck_applications_state", "state", STATES)
    _index("ix_applications_queue", PLACE, HOLDS_A_PLACE)
    _index("ix_applications_waiting", PLACE, f"{HOLDS_A_PLACE} AND {LACKS_MONEY}")
    _index("uq_applications_active", ("call_id", "applicant_id"), IS_OPEN, unique=True)
    _new_tables()
    if op.get_bind().dialect.name == "postgresql":
        _keep_on_postgresql()
    else:
        _keep_on_sqlite()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _index(
    name: str, columns: tuple[str, ...], where: str, *, unique: bool = False
) -> None:
    """Make an index again that holds for other states than before."""
    op.drop_index(name, table_name="applications")
    op.create_index(
        name,
        "applications",
        list(columns),
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _new_tables() -> None:
    op.create_table(
        "approved_lists",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "version > 0 AND size >= 0", name="ck_approved_lists_counts"
        ),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"]),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"]),
        sa.PrimaryKeyConstraint("call_id", "version"),
    )
    op.create_table(
        "list_changes",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "change",
            sa.Enum(
                *CHANGES,
                name="ck_list_changes_change",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("behind", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"]),
        sa.ForeignKeyConstraint(
            ["call_id", "version"],
            ["approved_lists.call_id", "approved_lists.version"],
            name="fk_list_changes_version",
        ),
        sa.PrimaryKeyConstraint("call_id", "version", "application_id"),
    )


def _keep_on_postgresql() -> None:
    """Let nobody change or delete what an act has approved."""
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _keep_on_sqlite() -> None:
    """Do the same where REPLACE deletes without asking the trigger for it."""
    for table, same in APPEND_ONLY.items():
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} "
                f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names of ours
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
