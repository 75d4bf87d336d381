"""Nobody becomes another: a login is never changed, nor an act, nor a draw."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNCHANGED = ("acts", "draws")
SAME_ROW = {
    "officers": "id = NEW.id OR login = NEW.login",
    "officer_roles": "officer_id = NEW.officer_id AND role = NEW.role "
    "AND (since = NEW.since OR ended_at IS NULL AND NEW.ended_at IS NULL)",
    "delegations": "id = NEW.id",
    "draws": "call_id = NEW.call_id AND week = NEW.week",
}
"""Which row of SQLite would go without asking a trigger, where one is replaced.

Not of an act: one that is brought again is left as it is, and that cannot be told
from one that is replaced.
"""


def upgrade() -> None:
    """Bring the database to this form."""
    op.add_column(
        "installation", sa.Column("identity", sa.String(length=20), nullable=True)
    )
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
    else:
        _on_sqlite()


def downgrade() -> None:
    """Refuse: the register does not go back."""
    message = "a downgrade would lose entries; restore a backup instead"
    raise RuntimeError(message)


def _on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_another_officer() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF (NEW.id, NEW.login, NEW.created_at) IS DISTINCT FROM "
        "(OLD.id, OLD.login, OLD.created_at) OR (OLD.retired_at IS NOT NULL "
        "AND NEW.retired_at IS DISTINCT FROM OLD.retired_at) THEN "
        "RAISE EXCEPTION 'an officer stays who they are' "
        "USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER officers_same BEFORE UPDATE ON officers "
        "FOR EACH ROW EXECUTE FUNCTION refuse_another_officer()"
    )
    for table in UNCHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _on_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER officers_same BEFORE UPDATE ON officers "
        "WHEN OLD.id IS NOT NEW.id OR OLD.login IS NOT NEW.login "
        "OR OLD.created_at IS NOT NEW.created_at "
        "OR OLD.retired_at IS NOT NULL AND OLD.retired_at IS NOT NEW.retired_at "
        "BEGIN SELECT RAISE(ABORT, 'an officer stays who they are'); END"
    )
    for table in UNCHANGED:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} "
                f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    for table, same in SAME_ROW.items():
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names of ours
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never replaced'); END"
        )
