"""The call has a state of its own, and each sum of money its origin."""

import json

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import among, remade, widen

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CALL_STATES = ("published", "open", "suspended", "closed", "concluded", "annulled")
CAUSES = ("exhaustion", "malfunction", "act")
DECISIONS = ("no_effect", "extension", "annulment")
FAMILIES = ("negotiated_counter", "plain_counter")
APPLICATION_STATES = (
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
)


def upgrade() -> None:
    """Bring the database to this form."""
    _new_tables()
    widen("calls", "ck_calls_family", "family", FAMILIES)
    widen("applications", "ck_applications_state", "state", APPLICATION_STATES)
    _new_columns()
    _new_checks()
    _count_what_is_there()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _word(name: str, *words: str) -> sa.Enum:
    return sa.Enum(
        *words, name=name, native_enum=False, create_constraint=True, length=40
    )


def _new_tables() -> None:
    op.create_table(
        "openings",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ended_at >= opened_at", name="ck_openings_ends"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"]),
        sa.PrimaryKeyConstraint("call_id", "ordinal"),
    )
    op.create_table(
        "malfunctions",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "decision", _word("ck_malfunctions_decision", *DECISIONS), nullable=True
        ),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ended_at >= began_at", name="ck_malfunctions_interval"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"]),
        sa.PrimaryKeyConstraint("call_id", "ordinal"),
    )
    op.create_table(
        "draws",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.String(length=8), nullable=False),
        sa.Column("seed", sa.String(length=200), nullable=False),
        sa.Column("drawn_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"]),
        sa.PrimaryKeyConstraint("call_id", "week"),
    )
    op.create_table(
        "funds",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("free >= 0 AND free <= amount", name="ck_funds_free"),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"]),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"]),
        sa.PrimaryKeyConstraint("call_id", "entry_seq"),
    )
    op.create_index(
        "ix_funds_free",
        "funds",
        ["call_id", "entry_seq"],
        sqlite_where=sa.text("free > 0"),
        postgresql_where=sa.text("free > 0"),
    )
    op.create_table(
        "applicant_links",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("tax_code", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"]),
        sa.PrimaryKeyConstraint("application_id", "tax_code"),
    )
    op.create_index("ix_applicant_links_tax_code", "applicant_links", ["tax_code"])


def _new_columns() -> None:
    op.add_column(
        "calls",
        sa.Column(
            "state",
            sa.String(length=40),
            server_default="published",
            nullable=False,
        ),
    )
    op.add_column(
        "calls",
        sa.Column("suspended_for", sa.String(length=40), nullable=True),
    )
    op.add_column("calls", sa.Column("reopens_at", sa.BigInteger(), nullable=True))
    op.add_column("calls", sa.Column("closed_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "calls",
        sa.Column("waiting", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column(
        "call_versions", sa.Column("effective_at", sa.BigInteger(), nullable=True)
    )
    op.add_column(
        "applications",
        sa.Column(
            "accepts_less",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
    )
    op.add_column("applications", sa.Column("asked", sa.BigInteger(), nullable=True))
    op.add_column("applications", sa.Column("rank", sa.Integer(), nullable=True))
    op.add_column("applications", sa.Column("cor_on", sa.Date(), nullable=True))
    op.add_column("applications", sa.Column("cup_on", sa.Date(), nullable=True))
    waits = (
        "state IN ('admissible', 'evaluated', 'submitted', 'waiting') "
        "AND reserved < requested"
    )
    op.create_index(
        "ix_applications_waiting",
        "applications",
        ["call_id", "received_at", "protocol_year", "protocol_number"],
        sqlite_where=sa.text(waits),
        postgresql_where=sa.text(waits),
    )


def _new_checks() -> None:
    _check("calls", "ck_calls_state", among("state", CALL_STATES))
    _check("calls", "ck_calls_suspended_for", among("suspended_for", CAUSES))
    _check(
        "calls",
        "ck_calls_suspension",
        "(state = 'suspended') = (suspended_for IS NOT NULL)",
    )
    _check("calls", "ck_calls_waiting", "waiting >= 0")


def _check(table: str, name: str, condition: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_check_constraint(name, table, condition)
    else:
        remade(table, lambda sql: _before_the_end(sql, name, condition))


def _before_the_end(sql: str, name: str, condition: str) -> str:
    body, closing, _ = sql.rpartition(")")
    return f"{body}, CONSTRAINT {name} CHECK ({condition}){closing}"


def _count_what_is_there() -> None:
    """Count who waits for money, and take what is left as one sum."""
    connection = op.get_bind()
    calls = sa.table(
        "calls",
        sa.column("id", sa.Uuid()),
        sa.column("version"),
        sa.column("allocation"),
        sa.column("reserved"),
        sa.column("granted"),
        sa.column("waiting"),
    )
    versions = sa.table(
        "call_versions",
        sa.column("call_id", sa.Uuid()),
        sa.column("number"),
        sa.column("body"),
    )
    funds = sa.table(
        "funds",
        sa.column("call_id", sa.Uuid()),
        sa.column("entry_seq"),
        sa.column("event"),
        sa.column("amount"),
        sa.column("free"),
    )
    files = sa.table(
        "applications",
        sa.column("call_id", sa.Uuid()),
        sa.column("channel"),
        sa.column("state"),
        sa.column("requested"),
        sa.column("reserved"),
    )
    for call in connection.execute(sa.select(calls)).all():
        body = connection.execute(
            sa.select(versions.c.body).where(
                versions.c.call_id == call.id, versions.c.number == call.version
            )
        ).scalar()
        if body is None:
            continue
        waiting = connection.execute(
            sa.select(sa.func.coalesce(sa.func.sum(files.c.requested), 0)).where(
                files.c.call_id == call.id,
                files.c.channel == json.loads(body)["filing"]["channel"],
                files.c.state.in_(("submitted", "admissible", "evaluated", "waiting")),
                files.c.reserved < files.c.requested,
            )
        ).scalar_one()
        connection.execute(
            sa.update(calls).where(calls.c.id == call.id).values(waiting=int(waiting))
        )
        left = call.allocation - call.reserved - call.granted
        connection.execute(
            sa.insert(funds).values(
                call_id=call.id,
                entry_seq=1,
                event="load_call",
                amount=left,
                free=left,
            )
        )
