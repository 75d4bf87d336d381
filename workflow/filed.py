"""What proves whose an application is, and with what it was filed?

Hashes only: the register says who applied without naming them. Pure: no database, no
clock.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from models.canonical import digest

OWNER, WHO = "applicant", "a tax code of hash"
PAPERS, AIDS = "documents of hash", "declared aids of hash"
"""What faults call the columns."""


def who(salt: str, tax_code: str) -> str:
    """Return the hash of who applies; without the salt nobody finds them by trying."""
    return digest(f"{salt}|{tax_code}".encode())


def documents(found: Iterable[tuple[str, str]]) -> str:
    """Return the hash of all documents, by their kinds and hashes."""
    listed = [{"kind": kind, "sha256": hashed} for kind, hashed in sorted(found)]
    return digest(orjson.dumps(listed))


def aids(found: Iterable[tuple[str, int, str]]) -> str | None:
    """Return the hash of the aids that were declared, of each its day and cents."""
    listed = [
        {"amount": amount, "granted_on": day, "grantor": grantor}
        for day, amount, grantor in sorted(found)
    ]
    return digest(orjson.dumps(listed)) if listed else None


def told(findings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return what an entry of a filing says of it; nothing before it was said."""
    said = findings.get("filed")
    if said is None:
        return {}
    return {
        OWNER: said["applicant"],
        WHO: said["who"],
        PAPERS: said["documents"],
        AIDS: said["aids"],
    }
