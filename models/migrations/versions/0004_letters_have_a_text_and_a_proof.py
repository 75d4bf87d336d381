"""Letters have a text, a proof of delivery, and every chain its anchors."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import remade, widen

revision = "0004"
down_revision = "0003"
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
STATUSES = (
    "held",
    "queued",
    "sent",
    "accepted",
    "delivered",
    "undelivered",
    "full_box",
    "unknown",
    "dropped",
)
RECEIPTS = (
    "accepted",
    "not_accepted",
    "delivered",
    "delayed",
    "undelivered",
    "full_box",
)
MEMOS = ("digest", "anchor")
UNWRITTEN = (
    "written by a version that kept no text: if it did not reach the applicant, "
    "deliver it by other means, and record its delivery"
)


def upgrade() -> None:
    """Bring the database to this form."""
    # No letter is taken up without being sent any more; both are told of below.
    op.execute("UPDATE notices SET status = 'queued' WHERE status = 'ready'")
    widen("notices", "ck_notices_letter", "letter", LETTERS)
    widen("notices", "ck_notices_status", "status", STATUSES)
    _new_columns()
    _free_the_outbox_of_its_call()
    _new_tables()
    _tell_of_letters_without_text()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _new_columns() -> None:
    op.add_column("officers", sa.Column("email", sa.String(length=254), nullable=True))
    op.add_column("terms", sa.Column("reminded", sa.Integer(), nullable=True))
    # Of what runs already nobody is reminded: a worker looks at its end alone.
    op.execute("UPDATE terms SET reminded = 0 WHERE status IN ('running', 'suspended')")
    op.add_column("outbox", sa.Column("not_before", sa.BigInteger(), nullable=True))
    for column in (
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("message_id", sa.String(length=254), nullable=True),
        sa.Column(
            "attempts", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "maybe_double",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column("fault", sa.String(length=300), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
    ):
        op.add_column("notices", column)


def _free_the_outbox_of_its_call() -> None:
    """Let a job be about no call."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("outbox", "call_id", nullable=True)
        return

    def freed(sql: str) -> str:
        new = sql.replace("call_id CHAR(32) NOT NULL", "call_id CHAR(32)", 1)
        if new == sql:
            message = "the column call_id of the outbox is not where it should be"
            raise RuntimeError(message)
        return new

    remade("outbox", freed)


def _new_tables() -> None:
    op.create_table(
        "delivery_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _word(RECEIPTS, "ck_delivery_receipts_kind"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("identifier", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("original", sa.LargeBinary(), nullable=False),
        sa.Column("taken_in_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256", name="uq_delivery_receipts_original"),
        sa.UniqueConstraint(
            "notice_id", "kind", "identifier", name="uq_delivery_receipts_said"
        ),
    )
    op.create_table(
        "memos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", _word(MEMOS, "ck_memos_kind"), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", _word(STATUSES, "ck_memos_status"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.String(length=254), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column("maybe_double", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.String(length=300), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cause", name="uq_memos_cause"),
    )
    op.create_table(
        "anchors",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("endorsement", sa.String(length=128), nullable=True),
        sa.CheckConstraint("number > 0", name="ck_anchors_number"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("hash"),
    )
    _keep_anchors()


def _word(words: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(
        *words, name=name, native_enum=False, create_constraint=True, length=40
    )


APPEND_ONLY = ("anchors",)


def _keep_anchors() -> None:
    """Let nobody change or delete an anchor, not even by hand."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER anchors_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON anchors FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER anchors_no_{action.lower()} BEFORE {action} "
            "ON anchors BEGIN SELECT RAISE(ABORT, 'anchors is append-only'); END"
        )
    # REPLACE deletes the row that is in its way without asking that trigger.
    op.execute(
        "CREATE TRIGGER anchors_no_replace BEFORE INSERT ON anchors "
        "WHEN EXISTS (SELECT 1 FROM anchors WHERE number = NEW.number "
        "OR hash = NEW.hash) "
        "BEGIN SELECT RAISE(ABORT, 'anchors is append-only'); END"
    )


def _tell_of_letters_without_text() -> None:
    """Leave to an officer what was written when no text was kept.

    The jobs that were to send it stay, and find nothing to do.
    """
    op.execute(
        sa.text(
            "UPDATE notices SET status = 'unknown', fault = :why "
            "WHERE status = 'queued'"
        ).bindparams(why=UNWRITTEN)
    )
