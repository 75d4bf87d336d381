"""Are the triggers there that keep what is never to be changed?"""

from sqlalchemy import text
from sqlmodel import Session

from models.tables import APPEND_ONLY

_KEPT = frozenset(
    {
        "delegations_kept",
        "delegations_only_ended",
        "officer_roles_kept",
        "officer_roles_only_ended",
        "officers_kept",
        "officers_same",
    }
)
EXPECTED = {
    "postgresql": _KEPT
    | {f"{table}_append_only" for table in (*APPEND_ONLY, "acts", "draws")},
    "sqlite": _KEPT
    | {
        f"{table}_no_{action}"
        for table in (*APPEND_ONLY, "draws")
        for action in ("update", "delete", "replace")
    }
    | {"acts_no_delete", "acts_no_update"}
    | {f"{table}_no_replace" for table in ("delegations", "officer_roles", "officers")},
}
"""The triggers that the migrations make, on either database."""
THERE = {
    "postgresql": (
        "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') "
        "AND relnamespace = CAST(current_schema() AS regnamespace)"
    ),
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}


def missing(session: Session) -> list[str]:
    """Return the triggers that are not there, or are switched off."""
    dialect = session.get_bind().dialect.name
    there = set(session.execute(text(THERE[dialect])).scalars())
    return sorted(EXPECTED[dialect] - there)
