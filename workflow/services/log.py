"""What does the register say, and does it verify?"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy
from sqlmodel import Session, col, select

from models.canonical import digest
from models.session import reading
from models.tables import HOLDS_A_PLACE, LACKS_MONEY, Call, Officer, RegisterEntry
from workflow import register
from workflow.desk import Desk
from workflow.errors import RefusedError, TamperedError
from workflow.register import Chain, Fault, Key, RowKind, Standing, Stored
from workflow.rules import reminders
from workflow.rules.calendar import ROME
from workflow.services import lookups
from workflow.services.anchor_checks import Anchored, Check

_BATCH = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the register of a call holds, and what does not."""

    call: str
    entries: int
    head: str
    faults: tuple[Fault, ...]
    erased: int = 0
    """Letters of which only the hash is left."""
    erased_under: str | None = None
    """The act that says so; without one nobody knows why they are gone."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Examined:
    """Whether the chains hold, and the anchors that saw them."""

    calls: tuple[Verified, ...]
    anchors: Anchored

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return self.anchors.ok and all(one.ok for one in self.calls)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries somebody wants to read."""

    target: str | None = None
    """A call's code, or an application."""
    since: datetime | None = None
    actor: str | None = None
    event: str | None = None
    outcome: str | None = None


def entries(desk: Desk, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Return the entries somebody asks for, in the order of the register.

    Raises:
        RefusedError: no such call, application or officer.
        TamperedError: an entry cannot be read.
    """
    with reading(desk.engine) as session:
        query = select(
            RegisterEntry.seq, RegisterEntry.hash, RegisterEntry.body
        ).order_by(col(RegisterEntry.call_id), col(RegisterEntry.seq))
        query = _of_target(session, query, wanted.target)
        if wanted.since is not None:
            query = query.where(col(RegisterEntry.at) >= wanted.since)
        if wanted.actor is not None:
            query = query.where(
                RegisterEntry.actor_id == _officer(session, wanted.actor)
            )
        if wanted.event is not None:
            query = query.where(RegisterEntry.event == wanted.event)
        if wanted.outcome is not None:
            query = query.where(RegisterEntry.outcome == wanted.outcome)
        with closing(session.exec(query.execution_options(yield_per=_BATCH))) as rows:
            for row in rows:
                yield {**content(row.seq, row.body), "hash": row.hash}


def content(seq: int, body: str) -> dict[str, Any]:
    """Return what an entry says.

    Raises:
        TamperedError: it cannot be read.
    """
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict):
        return said
    raise TamperedError(
        "register.unreadable",
        f"entry {seq} of the register cannot be read: somebody has changed it; look "
        "at `sportello log verify` and call the auditor",
    )


def logins(desk: Desk) -> dict[str, str]:
    """Return the login behind each reference that entries carry."""
    with reading(desk.engine) as session:
        return {
            str(officer.id): officer.login for officer in session.exec(select(Officer))
        }


def verify(desk: Desk, code: str | None = None) -> tuple[Verified, ...]:
    """Check the chains alone, and what stands beside them.

    Raises:
        RefusedError: there is no such call.
    """
    return examine(desk, code).calls


def examine(desk: Desk, code: str | None = None) -> Examined:
    """Check chain, count, anchors, and that all that stands beside is as they say.

    Raises:
        RefusedError: there is no such call.
        UnavailableError: the file of the anchors cannot be read.
    """
    with reading(desk.engine, verbatim=True) as session:
        check = Check(session, only=code)
        calls = _rows(session, _CALLS)
        if code is None:
            found = [_verify(session, call, check) for call in calls.all()]
            found += _without_call(session)
        else:
            named = [call for call in calls if call.code == code]
            if not named:
                lookups.find_call(session, code)
            found = [_verify(session, call, check) for call in named]
    return Examined(tuple(found), check.close(desk))


# What is verified may hold anything: it is read as it is stored, in words of SQL,
# so that what is no instant or no word of ours becomes a fault and not an error.
_CALLS = """
SELECT id, code, state, suspended_for, reopens_at, closed_at, version, allocation,
    reserved, granted, waiting, filed, erased_seq, head_seq, head_hash
FROM calls ORDER BY code
"""
_ENTRIES = """
SELECT seq, hash, at, application_id, event, outcome, actor_id, body
FROM entries WHERE call_id = :call ORDER BY seq
"""
_WITHOUT_CALL = """
SELECT call_id, count(*) AS entries FROM entries
WHERE call_id NOT IN (SELECT id FROM calls) GROUP BY call_id
"""
_MOVEMENTS = """
SELECT entry_seq, kind, reserved, granted, application_id
FROM movements WHERE call_id = :call ORDER BY entry_seq, ordinal
"""
_STANDINGS = """
SELECT id, state, version, reserved, granted FROM applications WHERE call_id = :call
"""
_WITHOUT_MONEY = f"""
SELECT call_version, channel, sum(requested) AS requested FROM applications
WHERE call_id = :call AND {HOLDS_A_PLACE} AND {LACKS_MONEY}
GROUP BY call_version, channel
"""  # noqa: S608 - words of ours
_UNWATCHED = """
SELECT application_id, kind, due_at, next_check FROM terms
WHERE call_id = :call AND status = 'running' AND (next_check IS NULL
    OR attempts = 0 AND next_check NOT IN (due_at + 1, due_at + 1000000))
ORDER BY application_id, kind
"""
_BESIDE: Mapping[RowKind, str] = {
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
    "application": """
SELECT id, call_version, channel, received_at, protocol_year, protocol_number,
    filed_seq, rank, requested, accepts_less, review_started, score, cor, cup, cor_on,
    cup_on
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
    "notice": """
SELECT application_id, letter, id, entry_seq, digest,
    CASE WHEN subject IS NOT NULL OR body IS NOT NULL THEN
        coalesce(subject, '') || '\n\n' || coalesce(body, '')
    END AS "a text of hash"
FROM notices
WHERE application_id IN (SELECT id FROM applications WHERE call_id = :call)
ORDER BY application_id, entry_seq
""",
}
_KEYS: Mapping[RowKind, tuple[str, ...]] = {
    "version": ("number",),
    "opening": ("ordinal",),
    "malfunction": ("ordinal",),
    "draw": ("week",),
    "application": ("id",),
    "term": ("application_id", "kind", "ordinal"),
    "step": ("application_id", "kind", "ordinal"),
    "notice": ("application_id", "letter", "id"),
}
_NOWHERE = sys.maxsize


def _rows(session: Session, query: str, **values: object) -> Any:  # noqa: ANN401 - rows of whatever was asked
    return session.execute(
        sqlalchemy.text(query), values, execution_options={"yield_per": _BATCH}
    )


def _verify(session: Session, call: Any, check: Check) -> Verified:  # noqa: ANN401 - a row
    chain, ledger = Chain(call.code), _Ledger(session, call)
    marks = check.marks(_printable(call.code))
    for row in _rows(session, _ENTRIES, call=call.id):
        if not isinstance(row.seq, int):
            chain.faults.append(Fault(chain.seq, "an entry after it has no number"))
            continue
        body = chain.feed(Stored(row.seq, row.hash, _bytes(row.body)))
        marks.check(row.seq, row.hash)
        check.saw(row.at)
        if body is not None and not _repeats(row, body):
            chain.faults.append(
                Fault(row.seq, "the columns beside it say something else")
            )
        if fault := ledger.fault(row.seq, body):
            chain.faults.append(fault)
    chain.close(count=call.head_seq, head=call.head_hash)
    marks.close(chain.seq)
    chain.compare(
        (_identity(row.id), Standing(row.state, row.version, row.reserved, row.granted))
        for row in _rows(session, _STANDINGS, call=call.id)
    )
    _check_money(call, chain)
    _check_watch(session, call, chain)
    _check_waiting(session, call, chain)
    chain.compare_call(_read(call))
    for kind in _BESIDE:
        chain.compare_rows(kind, _beside(session, kind, call))
    if fault := ledger.rest():
        chain.faults.append(fault)
    return Verified(
        _printable(call.code),
        chain.seq,
        _printable(chain.head),
        tuple(chain.faults),
        chain.erased,
        _maybe_printable(chain.beside.erased_under),
    )


def _without_call(session: Session) -> Iterator[Verified]:
    """Tell of chains whose call is gone."""
    for row in _rows(session, _WITHOUT_CALL).all():
        fault = Fault(0, "its entries are there, the call itself is not")
        yield Verified(_printable(_identity(row.call_id)), row.entries, "", (fault,))


def _beside(
    session: Session,
    kind: RowKind,
    call: Any,  # noqa: ANN401 - a row
) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Read the rows that stand beside the register, in the words of its entries."""
    for row in _rows(session, _BESIDE[kind], call=call.id):
        read = _read(row)
        yield tuple(read[name] for name in _KEYS[kind]), read


def _read(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return a row in the words of the entries."""
    return {
        name: _READ[name](value) if name in _READ else value
        for name, value in row._asdict().items()
    }


def _repeats(row: Any, body: Any) -> bool:  # noqa: ANN401 - a row of a query, JSON
    actor = body.get("actor")
    return bool(
        body.get("at") == _instant(row.at)
        and body.get("event") == row.event
        and body.get("outcome") == row.outcome
        and body.get("application") == _identity(row.application_id)
        and isinstance(actor, dict)
        and actor.get("id") == _identity(row.actor_id)
    )


def _check_money(call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    fold = chain.fold
    if (call.reserved, call.granted) != (fold.reserved, fold.granted):
        chain.faults.append(
            Fault(0, "the money of the call is not what its entries add up to")
        )


def _check_watch(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Find the terms that run and that no worker will ever look at."""
    for row in _rows(session, _UNWATCHED, call=call.id):
        if _reminds(row.next_check, row.due_at):
            continue
        name = f"{_printable(_identity(row.application_id))} {_printable(row.kind)}"
        chain.faults.append(
            Fault(0, f"the term {name} runs and nobody will look at its end")
        )


def _reminds(next_check: object, due_at: object) -> bool:
    """Tell whether a worker looks at a term to remind of it, before its end."""
    if not isinstance(next_check, int) or not isinstance(due_at, int):
        return False
    try:
        local = (_EPOCH + next_check * _MICROSECOND).astimezone(ROME)
    except OverflowError:
        return False
    return next_check < due_at and local.time() == reminders.HOUR


def _check_waiting(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Compare the sum kept of what is asked for without money with the files.

    Where it is nothing nobody is promoted. What came by another channel than
    that of its rules holds no place.
    """
    channels = {
        row.number: _channel(row._asdict()["a content of hash"])
        for row in _rows(session, _BESIDE["version"], call=call.id)
    }
    waiting = sum(
        row.requested
        for row in _rows(session, _WITHOUT_MONEY, call=call.id)
        if row.channel == channels.get(row.call_version)
    )
    if call.waiting != waiting:
        chain.faults.append(
            Fault(
                0,
                f"the call has waiting {_printable(call.waiting)}, its applications "
                f"without money ask for {waiting}",
            )
        )


def _channel(body: object) -> object:
    """Return the channel of frozen rules; nothing if they make no sense."""
    try:
        return orjson.loads(_bytes(body))["filing"]["channel"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


class _Ledger:
    """Compares the ledger of movements with the entries, both read in order."""

    def __init__(self, session: Session, call: Any) -> None:  # noqa: ANN401 - a row
        rows = _rows(session, _MOVEMENTS, call=call.id)
        self._groups = groupby(rows, key=lambda row: _place(row.entry_seq))
        self._next = next(self._groups, None)

    def fault(self, seq: int, body: Any) -> Fault | None:  # noqa: ANN401 - JSON
        """Say whether an entry and the movements kept under it differ."""
        kept: list[Any] = []
        while self._next is not None and self._next[0] <= seq:
            kept += [
                {
                    "kind": row.kind,
                    "reserved": row.reserved,
                    "granted": row.granted,
                    "application": _identity(row.application_id),
                }
                for row in self._next[1]
            ]
            self._next = next(self._groups, None)
        if kept == _movements_of(body):
            return None
        return Fault(seq, "the ledger of movements says something else")

    def rest(self) -> Fault | None:
        """Say whether there are movements that no entry tells of."""
        if self._next is None:
            return None
        seq = self._next[0]
        for _ in self._groups:
            pass  # read to its end, the cursor closes by itself
        return Fault(
            0 if seq == _NOWHERE else seq,
            "the ledger has a movement that no entry tells of",
        )


def _movements_of(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
    """Return the movements that an entry tells of; nothing if it makes no sense."""
    try:
        return [
            {**movement, "application": body["application"]}
            for movement in (body["money"] or {"movements": ()})["movements"]
        ]
    except (KeyError, TypeError):
        return None


def _place(seq: object) -> int:
    return seq if isinstance(seq, int) else _NOWHERE


def _bytes(stored: object) -> bytes:
    """Return the bytes of a text, or of whatever else stands in its place."""
    if isinstance(stored, bytes):
        return stored
    return b"" if stored is None else str(stored).encode()


def _hash(stored: object) -> str:
    return digest(_bytes(stored))


def _instant(stored: object) -> object:
    """Write whole microseconds as entries do; leave what is no instant as it is."""
    try:
        return register.written(_EPOCH + stored * _MICROSECOND)  # type: ignore[operator]
    except (TypeError, OverflowError):
        return stored


def _flag(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Read a truth value, which SQLite keeps as a number."""
    return {0: False, 1: True}.get(stored, stored)


def _day(stored: object) -> object:
    return None if stored is None else str(stored)


def _identity(stored: Any) -> Any:  # noqa: ANN401 - whatever is stored
    """Write an identifier as entries do; leave what is none as it is."""
    if isinstance(stored, UUID):
        return str(stored)
    try:
        return str(UUID(hex=stored))
    except (AttributeError, TypeError, ValueError):
        return stored


_READ: Mapping[str, Callable[[Any], Any]] = {
    "id": _identity,
    "application_id": _identity,
    "received_at": _instant,
    "due_at": _instant,
    "reopens_at": _instant,
    "closed_at": _instant,
    "effective_at": _instant,
    "opened_at": _instant,
    "began_at": _instant,
    "ended_at": _instant,
    "drawn_at": _instant,
    "accepts_less": _flag,
    "review_started": _flag,
    "starts_on": str,
    "cor_on": _day,
    "cup_on": _day,
    "a content of hash": _hash,
    register.TEXT_OF_LETTER: lambda text: None if text is None else _hash(text),
}
"""How a column is read, where entries write it in another way."""


def _maybe_printable(stored: str | None) -> str | None:
    return None if stored is None else _printable(stored)


def _printable(stored: object) -> str:
    text = str(stored)
    return text if text.isprintable() else ascii(text)


def _of_target(session: Session, query: Any, target: str | None) -> Any:  # noqa: ANN401 - a query
    if target is None:
        return query
    call = session.exec(select(Call).where(Call.code == target)).first()
    if call is not None:
        return query.where(RegisterEntry.call_id == call.id)
    application = lookups.find_application(session, target)
    return query.where(
        RegisterEntry.call_id == application.call_id,
        RegisterEntry.application_id == application.id,
    )


def _officer(session: Session, login: str) -> UUID:
    officer = session.exec(select(Officer).where(Officer.login == login)).first()
    if officer is None:
        raise RefusedError("officer.unknown", f"`{login}` is not an officer")
    return officer.id
