"""Roles have a beginning and an end, are delegated, and stand in a chain."""

import sqlalchemy as sa
from alembic import op

from models.migrations.remaking import widen

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLES = (
    "intake",
    "officer",
    "responsible",
    "evaluator",
    "manager",
    "auditor",
    "administrator",
    "system",
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
)
STANDS = "ended_at IS NULL"
APPEND_ONLY = ("office_entries",)
KEPT = ("officers", "officer_roles", "delegations")
ENDED = ("officer_roles", "delegations")


def upgrade() -> None:
    """Bring the database to this form."""
    widen("steps", "ck_steps_kind", "kind", STEPS)
    _date_the_roles()
    _new_tables()
    if op.get_bind().dialect.name == "postgresql":
        _keep_on_postgresql()
    else:
        _keep_on_sqlite()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _date_the_roles() -> None:
    """Let each role that is there have stood since its officer was added.

    Nobody wrote down when it was given. Whoever was retired holds it no more.
    """
    op.execute(
        "CREATE TEMPORARY TABLE roles_before AS SELECT officer_id, role "
        "FROM officer_roles"
    )
    op.drop_table("officer_roles")
    op.create_table(
        "officer_roles",
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("role", _word(ROLES, "ck_officer_role"), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ended_at >= since", name="ck_officer_roles_ends"),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"]),
        sa.PrimaryKeyConstraint("officer_id", "role", "since"),
    )
    op.execute(
        "INSERT INTO officer_roles (officer_id, role, since, ended_at) "
        "SELECT officer_id, role, created_at, CASE WHEN retired_at < created_at "
        "THEN created_at ELSE retired_at END FROM roles_before "
        "JOIN officers ON officers.id = officer_id"
    )
    op.execute("DROP TABLE roles_before")
    op.create_index(
        "uq_officer_roles_held",
        "officer_roles",
        ["officer_id", "role"],
        unique=True,
        sqlite_where=sa.text(STANDS),
        postgresql_where=sa.text(STANDS),
    )


def _new_tables() -> None:
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delegator_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.Uuid(), nullable=False),
        sa.Column("role", _word(ROLES, "ck_delegations_role"), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("act_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name="ck_delegations_days"),
        sa.CheckConstraint("delegator_id <> delegate_id", name="ck_delegations_others"),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"]),
        sa.ForeignKeyConstraint(["delegate_id"], ["officers.id"]),
        sa.ForeignKeyConstraint(["delegator_id"], ["officers.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_delegations_delegate", "delegations", ["delegate_id", "role"])
    op.create_table(
        "office_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("seq > 0", name="ck_office_entries_seq"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("hash"),
    )


def _word(words: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(
        *words, name=name, native_enum=False, create_constraint=True, length=40
    )


def _keep_on_postgresql() -> None:
    """Let nobody rewrite the chain, delete an officer or change a role that was held.

    What was held may be ended, once.
    """
    op.execute(
        "CREATE TRIGGER office_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON office_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is kept for ever', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_all_but_an_end() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF OLD.ended_at IS NOT NULL OR to_jsonb(OLD) - 'ended_at' "
        "IS DISTINCT FROM to_jsonb(NEW) - 'ended_at' THEN "
        "RAISE EXCEPTION '% is only ended', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END IF; "
        "RETURN NEW; END $$"
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal()"
        )
    for table in ENDED:
        op.execute(
            f"CREATE TRIGGER {table}_only_ended BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_all_but_an_end()"
        )


def _keep_on_sqlite() -> None:
    """Do the same where REPLACE deletes without asking the trigger for it."""
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER office_entries_no_{action.lower()} BEFORE {action} "
            "ON office_entries "
            "BEGIN SELECT RAISE(ABORT, 'office_entries is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER office_entries_no_replace BEFORE INSERT ON office_entries "
        "WHEN EXISTS (SELECT 1 FROM office_entries WHERE seq = NEW.seq "
        "OR hash = NEW.hash) "
        "BEGIN SELECT RAISE(ABORT, 'office_entries is append-only'); END"
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is kept for ever'); END"
        )
    keys = {
        "officer_roles": ("officer_id", "role", "since"),
        "delegations": (
            "id",
            "delegator_id",
            "delegate_id",
            "role",
            "first_day",
            "last_day",
            "act_id",
            "made_at",
        ),
    }
    for table in ENDED:
        changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in keys[table])
        op.execute(
            f"CREATE TRIGGER {table}_only_ended BEFORE UPDATE ON {table} "
            f"WHEN OLD.ended_at IS NOT NULL OR {changed} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is only ended'); END"
        )
