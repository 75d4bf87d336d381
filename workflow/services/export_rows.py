"""What does the database hold of a call, whatever it may hold?

Read as it is stored, in words of SQL: an auditor needs a copy most when something
in it makes no sense any more.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlmodel import Session

from workflow.errors import RefusedError
from workflow.register import written
from workflow.services.lookups import numbered

_BATCH = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_CALL = """
SELECT id, code, state, version, allocation, reserved, granted, filed, head_seq,
    head_hash
FROM calls WHERE code = :code
"""
_ENTRIES = """
SELECT seq, hash, body FROM entries WHERE call_id = :call ORDER BY seq
"""
_VERSIONS = """
SELECT number, fingerprint, body, effective_at, loaded_at FROM call_versions
WHERE call_id = :call ORDER BY number
"""
_APPLICATIONS = """
SELECT id, protocol_year, protocol_number, state, version, reserved, granted
FROM applications WHERE call_id = :call ORDER BY filed_seq, id
"""
_LISTS = """
SELECT l.version, l.entry_seq, l.approved_at, l.size, l.sha256, c.application_id,
    c.change, c.behind, a.protocol_year, a.protocol_number
FROM approved_lists l JOIN list_changes c
    ON c.call_id = l.call_id AND c.version = l.version
JOIN applications a ON a.id = c.application_id
WHERE l.call_id = :call ORDER BY l.version, a.protocol_year, a.protocol_number
"""
_ACTS = """
SELECT kind, number, signed_on, signed_by, registered_at FROM acts
ORDER BY signed_on, kind, number
"""
_OFFICERS = "SELECT id, created_at, retired_at FROM officers ORDER BY created_at, id"
_ROLES = "SELECT * FROM officer_roles ORDER BY officer_id, role"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored: its canonical text, and the hash beside it."""

    seq: object
    hash: str
    body: str


@dataclass(frozen=True, slots=True)
class Copied:
    """Where a call stood when it was copied."""

    id: object
    said: Mapping[str, Any]


def call_of(session: Session, code: str) -> Copied:
    """Return where a call stands.

    Raises:
        RefusedError: it is not there any more.
    """
    row = _rows(session, _CALL, code=code).first()
    if row is None:
        raise RefusedError("call.unknown", f"there is no call `{code}` any more")
    return Copied(
        row.id,
        {
            "call": row.code,
            "state": row.state,
            "version": row.version,
            "allocation": row.allocation,
            "reserved": row.reserved,
            "granted": row.granted,
            "filed": row.filed,
            "entries": row.head_seq,
            "head": row.head_hash,
        },
    )


def entries(session: Session, call: Copied) -> Iterator[Entry]:
    """Return the entries of a call in their order."""
    for row in _rows(session, _ENTRIES, call=call.id):
        yield Entry(row.seq, text(row.hash), text(row.body))


def versions(session: Session, call: Copied) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Return the versions of a call: what is known of each, and its frozen text."""
    for row in _rows(session, _VERSIONS, call=call.id):
        said = {
            "number": row.number,
            "sha256": row.fingerprint,
            "effective_at": instant(row.effective_at),
            "loaded_at": instant(row.loaded_at),
        }
        yield said, row.body if isinstance(row.body, bytes) else text(row.body).encode()


def applications(session: Session, call: Copied) -> Iterator[dict[str, Any]]:
    """Return where the applications of a call stand, in the order of arrival."""
    for row in _rows(session, _APPLICATIONS, call=call.id):
        number = row.protocol_number
        yield {
            "application": identity(row.id),
            "protocol": numbered(row) if isinstance(number, int) else None,
            "state": row.state,
            "version": row.version,
            "reserved": row.reserved,
            "granted": row.granted,
        }


def lists(session: Session, call: Copied) -> Iterator[dict[str, Any]]:
    """Return the versions of the list of a call, each with all who stand on it."""
    members: dict[Any, dict[str, Any]] = {}
    stored = _rows(session, _LISTS, call=call.id)
    for version, changes in groupby(stored, key=lambda row: row.version):
        for row in changes:
            application = identity(row.application_id)
            members.pop(application, None)
            if row.change != "removed":
                members[application] = {
                    "protocol": numbered(row),
                    "application": application,
                    "behind": text(row.behind).split(),
                }
            said = {
                "version": version,
                "entry": row.entry_seq,
                "approved_at": instant(row.approved_at),
                "size": row.size,
                "sha256": row.sha256,
            }
        listed = sorted(members.values(), key=lambda one: str(one["protocol"]))
        yield {**said, "members": listed}


def acts(session: Session) -> Iterator[dict[str, Any]]:
    """Return the acts that were entered, of whatever call."""
    for row in _rows(session, _ACTS):
        yield {
            "kind": row.kind,
            "number": row.number,
            "signed_on": str(row.signed_on),
            "signed_by": identity(row.signed_by),
            "registered_at": instant(row.registered_at),
        }


def officers(session: Session) -> Iterator[dict[str, Any]]:
    """Return who may act: no name and no login, only what entries call them."""
    roles: dict[object, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(session, _ROLES):
        held = row._asdict()
        roles[held["officer_id"]].append(
            {
                "role": held["role"],
                "since": instant(held.get("since")),
                "until": instant(held.get("ended_at")),
            }
        )
    for row in _rows(session, _OFFICERS):
        yield {
            "id": identity(row.id),
            "roles": roles[row.id],
            "since": instant(row.created_at),
            "retired_at": instant(row.retired_at),
        }


def text(stored: object) -> str:
    """Return a text, or whatever stands in its place as one."""
    if isinstance(stored, bytes):
        return stored.decode(errors="backslashreplace")
    return "" if stored is None else str(stored)


def identity(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an identifier as entries do; leave what is none as it is."""
    if isinstance(stored, UUID):
        return str(stored)
    try:
        return str(UUID(hex=stored))
    except (AttributeError, TypeError, ValueError):
        return stored


def instant(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an instant as entries do; leave what is none as it is."""
    try:
        return written(_EPOCH + stored * _MICROSECOND)
    except (TypeError, OverflowError):
        return stored


def _rows(session: Session, query: str, **values: object) -> Any:  # noqa: ANN401 - rows of whatever was asked
    return session.execute(
        sqlalchemy.text(query), values, execution_options={"yield_per": _BATCH}
    )
