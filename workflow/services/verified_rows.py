"""What stands in the tables that `log verify` looks at, whatever they may hold?

They are read as they are stored, in words of SQL, so that what is no instant or no
word of ours becomes a fault and not an error.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count, islice
from typing import Any, cast
from uuid import UUID

import orjson
import sqlalchemy
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models.canonical import digest
from models.tables import HOLDS_A_PLACE, LACKS_MONEY
from models.vocabulary import FINAL_STATES
from workflow import filed
from workflow.services.rights import applicants_are_legible
from workflow.verification.beside import TEXT_OF_LETTER, Key, RowKind

_BATCH = 100
"""Rows at one time: what they hold then is still near the processor."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all of them are in UTC
_NAMED = re.compile(r"(?<!:):(\w+)")
_numbers = count(1)
_SECOND = 1_000_000
"""In microseconds."""
_HEX = 32
"""Digits of an identifier."""

CALLS = """
SELECT id, code, family, state, suspended_for, reopens_at, closed_at, version,
    allocation, reserved, granted, waiting, filed, erased_seq, head_seq, head_hash
FROM calls ORDER BY code
"""
_ENTRIES = """
SELECT seq, hash, at, CAST(application_id AS TEXT), event, outcome,
    CAST(actor_id AS TEXT), {body}
FROM entries WHERE call_id = :call ORDER BY seq
"""
WITHOUT_CALL = """
SELECT call_id, count(*) AS entries FROM entries
WHERE call_id NOT IN (SELECT id FROM calls) GROUP BY call_id
"""
MOVEMENTS = """
SELECT entry_seq, kind, reserved, granted, CAST(application_id AS TEXT), residual, at,
    call_version
FROM movements WHERE call_id = :call ORDER BY entry_seq, ordinal
"""
_OVER = ", ".join(f"'{state.value}'" for state in sorted(FINAL_STATES))
WAITS = f"""
SELECT id, waits_for_applicant FROM applications
WHERE call_id = :call AND state NOT IN ({_OVER}) AND waits_for_applicant <> EXISTS (
    SELECT 1 FROM steps WHERE application_id = applications.id
    AND status = 'open' AND kind IN ('completion_request', 'refusal_notice')
) ORDER BY id
"""  # noqa: S608 - words of ours
WITHOUT_MONEY = f"""
SELECT call_version, channel, sum(requested) AS requested FROM applications
WHERE call_id = :call AND {HOLDS_A_PLACE} AND {LACKS_MONEY}
GROUP BY call_version, channel
"""  # noqa: S608 - words of ours
UNWATCHED = """
SELECT application_id, kind, due_at, next_check FROM terms
WHERE call_id = :call AND status = 'running' AND (next_check IS NULL
    OR attempts = 0 AND next_check NOT IN (due_at + 1, due_at + 1000000)
    OR attempts > 0 AND next_check > :latest)
ORDER BY application_id, kind
"""
ACTS = "SELECT kind, number, signed_on, signed_by, registered_at FROM acts"
OFFICERS = "SELECT id FROM officers"
_PROTOCOL = """
SELECT protocol_year, protocol_number FROM applications WHERE id = CAST(:id AS UUID)
"""
RULES = "SELECT number, body FROM call_versions WHERE call_id = :call ORDER BY number"
BESIDE: Mapping[RowKind, str] = {
    "version": """
SELECT call_versions.number, fingerprint, body AS "a content of hash", effective_at,
    loaded_at,
    acts.kind || ' ' || acts.number || '/' || {signed_on} AS act, reason,
    CAST(loaded_by AS TEXT) AS loaded_by
FROM call_versions LEFT JOIN acts ON acts.id = act_id
WHERE call_id = :call ORDER BY call_versions.number
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
SELECT version, place, CAST(application_id AS TEXT) AS application_id, score, amount
FROM ranked_places WHERE call_id = :call ORDER BY version, place
""",
    "fund": """
SELECT entry_seq, event, CAST(application_id AS TEXT) AS application_id, amount, free
FROM funds WHERE call_id = :call ORDER BY entry_seq
""",
    "list": """
SELECT version, entry_seq, approved_at, size, sha256,
    acts.kind || ' ' || acts.number || '/' || {signed_on} AS act
FROM approved_lists LEFT JOIN acts ON acts.id = act_id
WHERE call_id = :call ORDER BY version
""",
    "listed": """
SELECT version, CAST(application_id AS TEXT) AS application_id, change, behind
FROM list_changes WHERE call_id = :call ORDER BY version, application_id
""",
}
_FILES = """
SELECT CAST(applications.id AS TEXT) AS stored,
    CAST(applications.id AS TEXT) AS id,
    CAST(applicant_id AS TEXT) AS applicant, {owner}
    state, version, reserved, granted, call_version, channel,
    received_at, protocol_year, protocol_number, filed_seq, rank, requested, asked,
    investment, admitted_investment, plan_investment, matured,
    {granted_on} AS granted_on,
    {published_on} AS published_on, {started_on} AS started_on,
    accepts_less, review_started, score, cor, cup, {cor_on} AS cor_on,
    {cup_on} AS cup_on, lead_kind
FROM applications {owners} WHERE call_id = :call ORDER BY applications.id
"""
_DAYS = ("granted_on", "cor_on", "cup_on", "published_on", "started_on")
_OWNERS = "LEFT JOIN applicants ON applicants.id = applicant_id"
_FILED = {
    filed.PAPERS: "SELECT CAST(application_id AS TEXT), kind, sha256 FROM documents",
    filed.AIDS: """
SELECT CAST(application_id AS TEXT), {granted_on}, amount, grantor
FROM aids""",
}
_OF_FILES = """application_id IN (
    SELECT id FROM applications WHERE call_id = :call
    AND id BETWEEN {first} AND {last}
)"""
_BESIDE_FILES: Mapping[RowKind, str] = {
    "term": """
SELECT CAST(application_id AS TEXT) AS application_id, kind, ordinal, status, due_at,
    {starts_on} AS starts_on, started_seq, suspended_days, extra_months, extra_days,
    calendar, CAST(holidays AS TEXT) AS holidays,
    CAST(suspensions AS TEXT) AS suspensions, settled_at, escalated_at
FROM terms WHERE {of_files} ORDER BY terms.application_id, kind, ordinal
""",
    "step": """
SELECT CAST(application_id AS TEXT) AS application_id, kind, ordinal, status, outcome,
    subject, opened_at, closed_at
FROM steps WHERE {of_files} ORDER BY steps.application_id, kind, ordinal
""",
    "partner": """
SELECT CAST(application_id AS TEXT) AS application_id,
    CAST(applicant_id AS TEXT) AS applicant_id, kind, ordinal, left_at
FROM partners WHERE {of_files} ORDER BY partners.application_id, ordinal
""",
    "notice": """
SELECT CAST(application_id AS TEXT) AS application_id, letter, CAST(id AS TEXT) AS id,
    entry_seq, digest, {text} AS "a text of hash",
    delivered_at, receipt, created_at,
    CASE WHEN status = 'delivered' THEN 1 ELSE 0 END AS delivered
FROM notices WHERE {of_files} ORDER BY notices.application_id, entry_seq
""",
}
_TEXT = """CASE WHEN subject IS NOT NULL OR body IS NOT NULL THEN
        coalesce(subject, '') || '\n\n' || coalesce(body, '')
    END"""
_KEYS: Mapping[RowKind, tuple[str, ...]] = {
    "version": ("number",),
    "opening": ("ordinal",),
    "malfunction": ("ordinal",),
    "draw": ("week",),
    "ranking": ("version",),
    "ranked_place": ("version", "place"),
    "fund": ("entry_seq",),
    "application": ("id",),
    "term": ("application_id", "kind", "ordinal"),
    "step": ("application_id", "kind", "ordinal"),
    "partner": ("application_id", "applicant_id"),
    "notice": ("application_id", "letter", "id"),
    "list": ("version",),
    "listed": ("version", "application_id"),
}

Row = Mapping[str, Any]
"""A row in the words of the entries."""


def rows(session: Session, query: str, **values: object) -> Any:  # noqa: ANN401 - rows of whatever was asked
    """Return rows a batch at a time: whoever reads them all needs no more memory."""
    return session.execute(
        sqlalchemy.text(query), values, execution_options={"yield_per": _BATCH}
    )


def tuples(session: Session, query: str, **values: object) -> Iterator[Any]:
    """Return rows as the driver gives them, which is several times as fast."""
    with _cursor(session, query, values) as cursor:
        while part := cursor.fetchmany(_BATCH):
            yield from part


@contextmanager
def _cursor(
    session: Session, query: str, values: Mapping[str, object]
) -> Iterator[Any]:
    """Give a cursor of the driver that holds a batch of rows at most."""
    dialect = session.get_bind().dialect
    driver: Any = session.connection().connection.driver_connection
    if _is_sqlite(session):
        cursor = driver.cursor()
    else:  # it stays on the server, under a name that no other one has
        cursor = driver.cursor(name=f"verified_{next(_numbers)}")
        query = _NAMED.sub(r"%(\1)s", query.replace("%", "%%"))
    try:
        yield cursor.execute(query, values)
    except dialect.loaded_dbapi.Error as error:
        root = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(query, None, error, root) from error
    finally:
        with suppress(dialect.loaded_dbapi.Error):  # who gave up has closed all
            cursor.close()


def entries(session: Session, call: object) -> Iterator[Any]:
    """Return the entries of a call; SQLite gives bytes, which are not decoded first."""
    body = "CAST(body AS BLOB)" if _is_sqlite(session) else "body"
    return tuples(session, _ENTRIES.format(body=body), call=call)


def beside(
    session: Session,
    kind: RowKind,
    call: Any,  # noqa: ANN401 - a row
) -> Iterator[tuple[Key, Row]]:
    """Read the rows that stand beside the register, in the words of its entries."""
    signed_on = _day("signed_on", is_sqlite=_is_sqlite(session))
    query = BESIDE[kind].format(signed_on=signed_on)
    return _keyed(kind, _told(session, query, call=call.id))


class Files:
    """The files of a call and what is theirs, some hundred at a time.

    So what the entries say of them is looked for once, in one place.
    """

    def __init__(self, session: Session, call: object, *, reads_letters: bool) -> None:
        self._session, self._call = session, call
        alone = _is_sqlite(session)
        self.knows_who = applicants_are_legible(session)
        """Whether we may read who filed them, and with what."""
        self._files = _FILES.format(
            owner="salt, tax_code," if self.knows_who else "",
            owners=_OWNERS if self.knows_who else "",
            **{name: _day(name, is_sqlite=alone) for name in _DAYS},
        )
        bound = "{}" if alone else "CAST({} AS UUID)"
        self._of_files = of_files = _OF_FILES.format(
            first=bound.format(":first"), last=bound.format(":last")
        )
        text = f"CAST({_TEXT} AS BLOB)" if alone else _TEXT
        self._queries = {
            kind: query.format(
                of_files=of_files,
                starts_on=_day("starts_on", is_sqlite=alone),
                text=text if reads_letters else "CAST(NULL AS TEXT)",
            )
            for kind, query in _BESIDE_FILES.items()
        }

    def parts(self) -> Iterator[list[tuple[Key, Row]]]:
        """Return the files themselves, in the order of their identifiers."""
        found = _keyed(
            "application", _told(self._session, self._files, call=self._call)
        )
        while part := list(islice(found, _BATCH)):
            if self.knows_who:
                self._prove(part)
            yield part

    def _prove(self, part: list[tuple[Key, Row]]) -> None:
        """Say of some files whose they are and what came with them, as proofs do."""
        found = {kind: self._filed(query, part) for kind, query in _FILED.items()}
        for _, row in part:
            said = cast("dict[str, Any]", row)
            for kind, make in _PROOFS.items():
                said[kind] = _proven(make, found[kind].get(row["stored"], []))
            if row["tax_code"] is not None:
                said[filed.WHO] = filed.who(row["salt"], row["tax_code"])

    def _filed(self, query: str, part: list[tuple[Key, Row]]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        day = _day("granted_on", is_sqlite=_is_sqlite(self._session))
        query = query.format(granted_on=day)
        values = self._between(part)
        for row in tuples(self._session, f"{query} WHERE {self._of_files}", **values):
            found.setdefault(row[0], []).append(row[1:])
        return found

    def beside(
        self, part: list[tuple[Key, Row]]
    ) -> Iterator[tuple[RowKind, Iterator[tuple[Key, Row]]]]:
        """Return what stands beside some files, kind by kind."""
        values = self._between(part)
        for kind, query in self._queries.items():
            yield kind, _keyed(kind, _told(self._session, query, **values))

    def _between(self, part: list[tuple[Key, Row]]) -> dict[str, object]:
        first, last = part[0][1]["stored"], part[-1][1]["stored"]
        return {"call": self._call, "first": first, "last": last}


_PROOFS: Mapping[str, Callable[[Any], object]] = {
    filed.PAPERS: filed.documents,
    filed.AIDS: filed.aids,
}


def _proven(make: Callable[[Any], object], found: list[Any]) -> object:
    try:
        return make(found)
    except (TypeError, ValueError):
        return "what makes no sense"


def _day(column: str, *, is_sqlite: bool) -> str:
    """Have a day written as entries do, in whatever style the server writes days."""
    return column if is_sqlite else f"to_char({column}, 'YYYY-MM-DD')"


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _keyed(kind: RowKind, found: Iterator[dict[str, Any]]) -> Iterator[tuple[Key, Row]]:
    names = _KEYS[kind]
    return ((tuple([row[name] for name in names]), row) for row in found)


def _told(session: Session, query: str, **values: object) -> Iterator[dict[str, Any]]:
    """Return rows in the words of the entries."""
    with _cursor(session, query, values) as cursor:
        names = [column[0] for column in cursor.description]
        readers = [(name, _READ[name]) for name in names if name in _READ]
        while part := cursor.fetchmany(_BATCH):
            for row in part:
                found = dict(zip(names, row, strict=True))
                for name, reader in readers:
                    found[name] = reader(found[name])
                yield found


def read(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return a row in the words of the entries."""
    return {
        name: _READ[name](value) if name in _READ else value
        for name, value in row._asdict().items()
    }


def protocols(session: Session, identifiers: Iterable[str]) -> dict[str, str]:
    """Return the protocol numbers of applications, of those that have one."""
    found = {}
    for name in identifiers:
        query, asked = _PROTOCOL, name
        if _is_sqlite(session):
            query, asked = query.replace("CAST(:id AS UUID)", ":id"), UUID(name).hex
        for year, number in tuples(session, query, id=asked):
            if isinstance(year, int) and isinstance(number, int):
                found[name] = f"{year}/{number:07}"
    return found


def in_bytes(stored: object) -> bytes:
    """Return the bytes of a text, or of whatever else stands in its place."""
    if isinstance(stored, bytes):
        return stored
    return b"" if stored is None else str(stored).encode()


def _hash(stored: object) -> str:
    return digest(in_bytes(stored))


@lru_cache(maxsize=4_096)  # what was done in one second is read together
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def instant(stored: object) -> object:
    """Write whole microseconds as entries do; leave what is no instant as it is."""
    if not isinstance(stored, int):
        return stored
    seconds, rest = divmod(stored, _SECOND)
    try:
        return f"{_second(seconds)}.{rest:06}Z"
    except OverflowError:
        return stored


def _flag(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Read a truth value, which SQLite keeps as a number."""
    return {0: False, 1: True}.get(stored, stored)


def hyphenated(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an identifier as entries do; leave what is none as it is."""
    if isinstance(stored, str) and len(stored) == _HEX:
        return "-".join(
            (stored[:8], stored[8:12], stored[12:16], stored[16:20], stored[20:])
        )
    return str(stored) if isinstance(stored, UUID) else stored


identity = lru_cache(maxsize=4_096)(hyphenated)
"""The same, for a file that bears its own many times."""


def _parsed(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Read what is kept as JSON; leave what is none as it is."""
    try:
        return orjson.loads(stored)
    except (TypeError, ValueError):
        return stored


_READ: Mapping[str, Callable[[Any], Any]] = {
    "id": identity,
    "applicant": identity,
    "application_id": identity,
    "applicant_id": identity,
    "loaded_by": identity,
    "delivered_at": instant,
    "delivered": _flag,
    "created_at": instant,
    "settled_at": instant,
    "escalated_at": instant,
    "loaded_at": instant,
    "holidays": _parsed,
    "suspensions": _parsed,
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
    "a content of hash": _hash,
    TEXT_OF_LETTER: lambda text: None if text is None else _hash(text),
}
"""How a column is read, where entries write it in another way."""


def printable(stored: object) -> str:
    """Return whatever is stored as a text that a terminal stands."""
    text = str(stored)
    return text if text.isprintable() else ascii(text)


def repeats(row: Any, body: Any) -> bool:  # noqa: ANN401 - a row of a query, JSON
    """Tell whether the columns beside an entry say the same as it does."""
    _, _, at, application, event, outcome, officer, *_ = row
    actor = body.get("actor")
    return bool(
        body.get("at") == instant(at)
        and body.get("event") == event
        and body.get("outcome") == outcome
        and body.get("application") == identity(application)
        and isinstance(actor, dict)
        and actor.get("id") == identity(officer)
    )
