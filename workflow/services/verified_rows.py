"""What stands in the tables that `log verify` looks at, whatever they may hold?

They are read as they are stored, in words of SQL, so that what is no instant or no
word of ours becomes a fault and not an error.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlmodel import Session

from models.canonical import digest
from models.tables import HOLDS_A_PLACE, LACKS_MONEY
from workflow import register
from workflow.register import Key, RowKind

_BATCH = 2_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all of them are in UTC

CALLS = """
SELECT id, code, family, state, suspended_for, reopens_at, closed_at, version,
    allocation, reserved, granted, waiting, filed, erased_seq, head_seq, head_hash
FROM calls ORDER BY code
"""
_ENTRIES = """
SELECT seq, hash, at, application_id, event, outcome, actor_id, {body}
FROM entries WHERE call_id = :call ORDER BY seq
"""
WITHOUT_CALL = """
SELECT call_id, count(*) AS entries FROM entries
WHERE call_id NOT IN (SELECT id FROM calls) GROUP BY call_id
"""
MOVEMENTS = """
SELECT entry_seq, kind, reserved, granted, application_id
FROM movements WHERE call_id = :call ORDER BY entry_seq, ordinal
"""
STANDINGS = """
SELECT id, state, version, reserved, granted FROM applications WHERE call_id = :call
"""
WITHOUT_MONEY = f"""
SELECT call_version, channel, sum(requested) AS requested FROM applications
WHERE call_id = :call AND {HOLDS_A_PLACE} AND {LACKS_MONEY}
GROUP BY call_version, channel
"""  # noqa: S608 - words of ours
UNWATCHED = """
SELECT application_id, kind, due_at, next_check FROM terms
WHERE call_id = :call AND status = 'running' AND (next_check IS NULL
    OR attempts = 0 AND next_check NOT IN (due_at + 1, due_at + 1000000))
ORDER BY application_id, kind
"""
ACTS = "SELECT kind, number, signed_on, signed_by FROM acts"
OFFICERS = "SELECT id FROM officers"
BESIDE: Mapping[RowKind, str] = {
    "version": """
SELECT number, fingerprint, body AS "a content of hash", effective_at
FROM call_versions WHERE call_id = :call ORDER BY number
""",
    "opening": """
SELECT ordinal, opened_at, ended_at FROM openings
WHERE call_id = :call ORDER BY ordinal
""",
    "malfunction": """
SELECT ordinal, began_at, ended_at, evidence, decision FROM malfunctions
WHERE call_id = :call ORDER BY ordinal
""",
    "draw": """
SELECT week, seed, drawn_at FROM draws WHERE call_id = :call ORDER BY week
""",
    "ranking": """
SELECT version, entry_seq, seed, sha256, ranked_at FROM rankings
WHERE call_id = :call ORDER BY version
""",
    "ranked_place": """
SELECT version, place, application_id, score, amount FROM ranked_places
WHERE call_id = :call ORDER BY version, place
""",
    "application": """
SELECT id, call_version, channel, received_at, protocol_year, protocol_number,
    filed_seq, rank, requested, accepts_less, review_started, score, cor, cup, cor_on,
    cup_on, lead_kind
FROM applications WHERE call_id = :call
""",
    "term": """
SELECT application_id, kind, ordinal, status, due_at, starts_on, suspended_days
FROM terms WHERE application_id IN
    (SELECT id FROM applications WHERE call_id = :call)
ORDER BY application_id, kind, ordinal
""",
    "step": """
SELECT application_id, kind, ordinal, status, outcome, subject
FROM steps WHERE application_id IN
    (SELECT id FROM applications WHERE call_id = :call)
ORDER BY application_id, kind, ordinal
""",
    "partner": """
SELECT application_id, applicant_id, kind, ordinal, left_at
FROM partners WHERE application_id IN
    (SELECT id FROM applications WHERE call_id = :call)
ORDER BY application_id, ordinal
""",
    "notice": """
SELECT application_id, letter, id, entry_seq, digest,
    CASE WHEN subject IS NOT NULL OR body IS NOT NULL THEN
        coalesce(subject, '') || '\n\n' || coalesce(body, '')
    END AS "a text of hash"
FROM notices
WHERE application_id IN (SELECT id FROM applications WHERE call_id = :call)
ORDER BY application_id, entry_seq
""",
    "list": """
SELECT version, entry_seq, approved_at, size, sha256 FROM approved_lists
WHERE call_id = :call ORDER BY version
""",
    "listed": """
SELECT version, application_id, change, behind FROM list_changes
WHERE call_id = :call ORDER BY version, application_id
""",
}
_NOTICES_WITHOUT_TEXT = """
SELECT application_id, letter, id, entry_seq, digest, NULL AS "a text of hash"
FROM notices
WHERE application_id IN (SELECT id FROM applications WHERE call_id = :call)
ORDER BY application_id, entry_seq
"""
_KEYS: Mapping[RowKind, tuple[str, ...]] = {
    "version": ("number",),
    "opening": ("ordinal",),
    "malfunction": ("ordinal",),
    "draw": ("week",),
    "ranking": ("version",),
    "ranked_place": ("version", "place"),
    "application": ("id",),
    "term": ("application_id", "kind", "ordinal"),
    "step": ("application_id", "kind", "ordinal"),
    "partner": ("application_id", "applicant_id"),
    "notice": ("application_id", "letter", "id"),
    "list": ("version",),
    "listed": ("version", "application_id"),
}


def rows(session: Session, query: str, **values: object) -> Any:  # noqa: ANN401 - rows of whatever was asked
    """Return rows a batch at a time: whoever reads them all needs no more memory."""
    return session.execute(
        sqlalchemy.text(query), values, execution_options={"yield_per": _BATCH}
    )


def entries(session: Session, call: object) -> Iterator[Any]:
    """Return the entries of a call; of SQLite as bytes, which are not decoded first."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    body = "CAST(body AS BLOB)" if is_sqlite else "body"
    for part in rows(session, _ENTRIES.format(body=body), call=call).partitions():
        yield from part


def beside_queries(*, reads_letters: bool) -> Mapping[RowKind, str]:
    """Return what is read of each table; auditors do not read what letters say."""
    if reads_letters:
        return BESIDE
    return {**BESIDE, "notice": _NOTICES_WITHOUT_TEXT}


def beside(
    session: Session,
    kind: RowKind,
    query: str,
    call: Any,  # noqa: ANN401 - a row
) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Read the rows that stand beside the register, in the words of its entries."""
    for part in rows(session, query, call=call.id).partitions():
        for row in part:
            found = read(row)
            yield tuple(found[name] for name in _KEYS[kind]), found


def read(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return a row in the words of the entries."""
    return {
        name: _READ[name](value) if name in _READ else value
        for name, value in row._asdict().items()
    }


def in_bytes(stored: object) -> bytes:
    """Return the bytes of a text, or of whatever else stands in its place."""
    if isinstance(stored, bytes):
        return stored
    return b"" if stored is None else str(stored).encode()


def _hash(stored: object) -> str:
    return digest(in_bytes(stored))


def instant(stored: object) -> object:
    """Write whole microseconds as entries do; leave what is no instant as it is."""
    try:
        at = _EPOCH + timedelta(microseconds=stored)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return stored
    # As `register.written` does, which takes four times as long.
    return f"{at.isoformat(timespec='microseconds')}Z"


def _flag(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Read a truth value, which SQLite keeps as a number."""
    return {0: False, 1: True}.get(stored, stored)


def _day(stored: object) -> object:
    return None if stored is None else str(stored)


@lru_cache(maxsize=4_096)  # one file bears its own many times
def identity(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an identifier as entries do; leave what is none as it is."""
    if isinstance(stored, UUID):
        return str(stored)
    try:
        return str(UUID(hex=stored))
    except (AttributeError, TypeError, ValueError):
        return stored


_READ: Mapping[str, Callable[[Any], Any]] = {
    "id": identity,
    "application_id": identity,
    "applicant_id": identity,
    "received_at": instant,
    "due_at": instant,
    "reopens_at": instant,
    "closed_at": instant,
    "effective_at": instant,
    "opened_at": instant,
    "began_at": instant,
    "ended_at": instant,
    "drawn_at": instant,
    "ranked_at": instant,
    "approved_at": instant,
    "left_at": instant,
    "accepts_less": _flag,
    "review_started": _flag,
    "starts_on": str,
    "cor_on": _day,
    "cup_on": _day,
    "a content of hash": _hash,
    register.TEXT_OF_LETTER: lambda text: None if text is None else _hash(text),
}
"""How a column is read, where entries write it in another way."""


def printable(stored: object) -> str:
    """Return whatever is stored as a text that a terminal stands."""
    text = str(stored)
    return text if text.isprintable() else ascii(text)


def repeats(row: Any, body: Any) -> bool:  # noqa: ANN401 - a row of a query, JSON
    """Tell whether the columns beside an entry say the same as it does."""
    _, _, at, application, event, outcome, officer, _ = row
    actor = body.get("actor")
    return bool(
        body.get("at") == instant(at)
        and body.get("event") == event
        and body.get("outcome") == outcome
        and body.get("application") == identity(application)
        and isinstance(actor, dict)
        and actor.get("id") == identity(officer)
    )
