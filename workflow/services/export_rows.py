"""What does the database hold of a call, whatever it may hold?

Read as it is stored, in words of SQL: an auditor needs a copy most when something
in it makes no sense any more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlmodel import Session

from workflow.errors import RefusedError
from workflow.services.as_stored import Entry, identity, instant, rows, text
from workflow.services.lookups import numbered

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
    row = rows(session, _CALL, code=code).first()
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
    for row in rows(session, _ENTRIES, call=call.id):
        yield Entry(row.seq, text(row.hash), text(row.body))


def versions(session: Session, call: Copied) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Return the versions of a call: what is known of each, and its frozen text."""
    for row in rows(session, _VERSIONS, call=call.id):
        said = {
            "number": row.number,
            "sha256": row.fingerprint,
            "effective_at": instant(row.effective_at),
            "loaded_at": instant(row.loaded_at),
        }
        yield said, row.body if isinstance(row.body, bytes) else text(row.body).encode()


def applications(session: Session, call: Copied) -> Iterator[dict[str, Any]]:
    """Return where the applications of a call stand, in the order of arrival."""
    for row in rows(session, _APPLICATIONS, call=call.id):
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
    stored = rows(session, _LISTS, call=call.id)
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
    for row in rows(session, _ACTS):
        yield {
            "kind": row.kind,
            "number": row.number,
            "signed_on": str(row.signed_on),
            "signed_by": identity(row.signed_by),
            "registered_at": instant(row.registered_at),
        }
