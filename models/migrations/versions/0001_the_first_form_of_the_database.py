"""The first form of the database."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this form."""
    op.create_table(
        "applicants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tax_code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("pec", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tax_code"),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column(
            "family",
            sa.Enum(
                "negotiated_counter",
                name="ck_calls_family",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("allocation", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("filed", sa.BigInteger(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(length=64), nullable=False),
        sa.Column("last_instant", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("head_seq >= 0 AND filed >= 0", name="ck_calls_counts"),
        sa.CheckConstraint(
            "reserved + granted <= allocation", name="ck_calls_allocation"
        ),
        sa.CheckConstraint("reserved >= 0 AND granted >= 0", name="ck_calls_money"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_installation_single"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "officers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )
    op.create_table(
        "protocol_counters",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last >= 0", name="ck_protocol_last"),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["signed_by"],
            ["officers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "number", "signed_on", name="uq_acts_identity"),
    )
    op.create_table(
        "commands",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("call_id", "key"),
    )
    op.create_table(
        "entries",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "ok",
                "refused",
                name="ck_entries_outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("seq > 0", name="ck_entries_seq"),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("call_id", "seq"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index(
        "ix_entries_application", "entries", ["application_id", "seq"], unique=False
    )
    op.create_table(
        "officer_roles",
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "intake",
                "officer",
                "responsible",
                "evaluator",
                "manager",
                "auditor",
                "administrator",
                "system",
                name="ck_officer_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"],
            ["officers.id"],
        ),
        sa.PrimaryKeyConstraint("officer_id", "role"),
    )
    op.create_table(
        "call_versions",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("act_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.Column("loaded_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act_id"],
            ["acts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.ForeignKeyConstraint(
            ["loaded_by"],
            ["officers.id"],
        ),
        sa.PrimaryKeyConstraint("call_id", "number"),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("call_version", sa.Integer(), nullable=False),
        sa.Column("applicant_id", sa.Uuid(), nullable=False),
        sa.Column("portal_id", sa.String(length=80), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "portal",
                "pec",
                "paper",
                name="ck_applications_channel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "admissible",
                "evaluated",
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
                name="ck_applications_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        sa.Column("protocol_year", sa.Integer(), nullable=True),
        sa.Column("protocol_number", sa.BigInteger(), nullable=True),
        sa.Column("filed_seq", sa.BigInteger(), nullable=True),
        sa.Column("requested", sa.BigInteger(), nullable=False),
        sa.Column("investment", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("review_started", sa.Boolean(), nullable=False),
        sa.Column("waits_for_applicant", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("admitted_investment", sa.BigInteger(), nullable=True),
        sa.Column("plan_investment", sa.BigInteger(), nullable=True),
        sa.Column("matured", sa.BigInteger(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.Column("cor", sa.String(length=20), nullable=True),
        sa.Column("cup", sa.String(length=15), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'expired') OR (received_at IS NOT NULL AND protocol_number IS NOT NULL AND protocol_year IS NOT NULL AND filed_seq IS NOT NULL)",
            name="ck_applications_protocolled",
        ),
        sa.CheckConstraint(
            "requested >= 0 AND investment >= 0 AND reserved >= 0 AND granted >= 0",
            name="ck_applications_money",
        ),
        sa.ForeignKeyConstraint(
            ["applicant_id"],
            ["applicants.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id", "call_version"],
            ["call_versions.call_id", "call_versions.number"],
            name="fk_applications_version",
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id", "filed_seq", name="uq_applications_filed"),
        sa.UniqueConstraint(
            "protocol_year", "protocol_number", name="uq_applications_protocol"
        ),
    )
    op.create_index(
        op.f("ix_applications_applicant_id"),
        "applications",
        ["applicant_id"],
        unique=False,
    )
    op.create_index(
        "ix_applications_order",
        "applications",
        ["call_id", "received_at", "protocol_year", "protocol_number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_applications_portal_id"), "applications", ["portal_id"], unique=False
    )
    op.create_index(
        "ix_applications_queue",
        "applications",
        ["call_id", "received_at", "protocol_year", "protocol_number"],
        unique=False,
        sqlite_where=sa.text(
            "state IN ('admissible', 'evaluated', 'submitted', 'waiting')"
        ),
        postgresql_where=sa.text(
            "state IN ('admissible', 'evaluated', 'submitted', 'waiting')"
        ),
    )
    op.create_index(
        "ix_applications_state", "applications", ["call_id", "state"], unique=False
    )
    op.create_index(
        "uq_applications_active",
        "applications",
        ["call_id", "applicant_id"],
        unique=True,
        sqlite_where=sa.text(
            "NOT (state IN ('annulled', 'draft', 'expired', 'inadmissible', 'lapsed', 'not_receivable', 'rejected', 'revoked', 'unfunded', 'withdrawn'))"
        ),
        postgresql_where=sa.text(
            "NOT (state IN ('annulled', 'draft', 'expired', 'inadmissible', 'lapsed', 'not_receivable', 'rejected', 'revoked', 'unfunded', 'withdrawn'))"
        ),
    )
    op.create_index("uq_applications_cor", "applications", ["cor"], unique=True)
    op.create_index("uq_applications_cup", "applications", ["cup"], unique=True)
    op.create_index(
        "uq_applications_portal",
        "applications",
        ["call_id", "portal_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'expired'"),
        postgresql_where=sa.text("state <> 'expired'"),
    )
    op.create_table(
        "aids",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("grantor", sa.String(length=200), nullable=False),
        sa.CheckConstraint("amount >= 0", name="ck_aids_amount"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_aids_application_id"), "aids", ["application_id"], unique=False
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_documents_application_id"),
        "documents",
        ["application_id"],
        unique=False,
    )
    op.create_table(
        "movements",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("call_version", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reserve",
                "grant",
                "redetermine",
                "release",
                "recover",
                name="ck_movements_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("residual", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("residual >= 0", name="ck_movements_residual"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("call_id", "entry_seq", "ordinal"),
    )
    op.create_index(
        op.f("ix_movements_application_id"),
        "movements",
        ["application_id"],
        unique=False,
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "letter",
            sa.Enum(
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
                "lapse_proposed",
                "lapse_dismissed",
                "lapsed",
                "withdrawal_acknowledged",
                "revoked",
                "annulled",
                "settled",
                name="ck_notices_letter",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "delivered",
                name="ck_notices_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "application_id", "letter", "entry_seq", name="uq_notices_cause"
        ),
    )
    op.create_index(
        op.f("ix_notices_application_id"), "notices", ["application_id"], unique=False
    )
    op.create_index(op.f("ix_notices_call_id"), "notices", ["call_id"], unique=False)
    op.create_index("ix_notices_status", "notices", ["status"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_outbox_call_id"), "outbox", ["call_id"], unique=False)
    op.create_table(
        "steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "review",
                "completion_request",
                "refusal_notice",
                "negotiation",
                "definitive_plan",
                "determination",
                "report",
                "lapse_proposal",
                name="ck_steps_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "answered",
                "closed",
                name="ck_steps_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "application_id", "kind", "ordinal", name="uq_steps_ordinal"
        ),
    )
    op.create_index(
        op.f("ix_steps_application_id"), "steps", ["application_id"], unique=False
    )
    op.create_table(
        "terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
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
                name="ck_terms_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("extra_months", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "running",
                "suspended",
                "met",
                "expired",
                "cancelled",
                name="ck_terms_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("suspended_days", sa.Integer(), nullable=False),
        sa.Column("suspensions", sa.JSON(), nullable=False),
        sa.Column("calendar", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "application_id", "kind", "ordinal", name="uq_terms_ordinal"
        ),
    )
    op.create_index(
        op.f("ix_terms_application_id"), "terms", ["application_id"], unique=False
    )
    op.create_index(op.f("ix_terms_call_id"), "terms", ["call_id"], unique=False)
    op.create_index("ix_terms_due", "terms", ["status", "due_at"], unique=False)
    _keep_append_only()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


APPEND_ONLY = ("entries", "movements", "call_versions")
SAME_ROW = {
    "entries": "call_id = NEW.call_id AND seq = NEW.seq OR hash = NEW.hash",
    "movements": "call_id = NEW.call_id AND entry_seq = NEW.entry_seq "
    "AND ordinal = NEW.ordinal",
    "call_versions": "call_id = NEW.call_id AND number = NEW.number",
}


def _keep_append_only() -> None:
    """Let nobody change or delete what was written, not even by hand."""
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
    else:
        _on_sqlite()


def _on_sqlite() -> None:
    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} "
                f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # REPLACE deletes the row that is in its way without asking that trigger.
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names of ours
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {SAME_ROW[table]}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
