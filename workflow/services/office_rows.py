"""What do the tables say of officers, roles and delegations, whatever they may hold?

An export has no name and no login: officers are what entries call them.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlmodel import Session

from workflow.services.as_stored import day, identity, instant, rows, text

ENTRIES = "SELECT seq, hash, at, body FROM office_entries ORDER BY seq"
_OFFICERS = "SELECT id, created_at, retired_at FROM officers ORDER BY created_at, id"
_LOGINS = "SELECT id, login FROM officers"
_ROLES = """
SELECT officer_id, role, since, ended_at FROM officer_roles
ORDER BY officer_id, role, since
"""
_DELEGATIONS = """
SELECT delegations.id, delegator_id, delegate_id, role, first_day, last_day, made_at,
    ended_at, kind, number, signed_on
FROM delegations LEFT JOIN acts ON acts.id = act_id ORDER BY made_at, delegations.id
"""


def officers(session: Session) -> Iterator[dict[str, Any]]:
    """Return every officer, with the roles they hold or held."""
    roles: dict[object, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(session, _ROLES):
        roles[row.officer_id].append(
            {
                "role": row.role,
                "since": instant(row.since),
                "until": instant(row.ended_at),
            }
        )
    for row in rows(session, _OFFICERS):
        yield {
            "id": identity(row.id),
            "roles": roles[row.id],
            "since": instant(row.created_at),
            "retired_at": instant(row.retired_at),
        }


def logins(session: Session) -> Iterator[tuple[str, str]]:
    """Return the login of every officer: only to compare it with its hash."""
    for row in rows(session, _LOGINS):
        yield identity(row.id), text(row.login)


def delegations(session: Session) -> Iterator[dict[str, Any]]:
    """Return every delegation, the ended ones too."""
    for row in rows(session, _DELEGATIONS):
        yield {
            "id": identity(row.id),
            "delegator": identity(row.delegator_id),
            "delegate": identity(row.delegate_id),
            "role": row.role,
            "first_day": day(row.first_day),
            "last_day": day(row.last_day),
            "made_at": instant(row.made_at),
            "ended_at": instant(row.ended_at),
            "act": {
                "kind": row.kind,
                "number": row.number,
                "signed_on": day(row.signed_on),
            },
        }
