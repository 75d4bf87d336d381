"""What does the register say, and does it verify?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy
from sqlmodel import Session, SQLModel, col, select

from models.session import reading
from models.tables import Application, Call, Movement, Officer, RegisterEntry
from workflow import register
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.register import Chain, Fault, Standing, Stored
from workflow.services import lookups

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the register of a call holds, and what does not."""

    call: str
    entries: int
    head: str
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not self.faults


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
    """
    with reading(desk.engine) as session:
        query = select(RegisterEntry).order_by(
            col(RegisterEntry.call_id), col(RegisterEntry.seq)
        )
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
        for row in session.exec(query.execution_options(yield_per=_BATCH)):
            yield {**orjson.loads(row.body), "hash": row.hash}


def logins(desk: Desk) -> dict[str, str]:
    """Return the login behind each reference that entries carry."""
    with reading(desk.engine) as session:
        return {
            str(officer.id): officer.login for officer in session.exec(select(Officer))
        }


def verify(desk: Desk, code: str | None = None) -> tuple[Verified, ...]:
    """Check chain, count, and that the files stand where the entries say.

    Raises:
        RefusedError: there is no such call.
    """
    with reading(desk.engine) as session:
        if code is not None:
            return (_verify(session, lookups.find_call(session, code)),)
        calls = session.exec(select(Call).order_by(col(Call.code))).all()
        return tuple(_verify(session, call) for call in calls)


def _verify(session: Session, call: Call) -> Verified:
    chain, ledger = Chain(call.code), _Ledger(session, call)
    rows = session.execute(
        # Whole columns, not rows of the ORM: five times faster over a long chain.
        sqlalchemy.select(*_columns(RegisterEntry))
        .where(col(RegisterEntry.call_id) == call.id)
        .order_by(col(RegisterEntry.seq))
        .execution_options(yield_per=_BATCH)
    )
    for row in rows:
        body = chain.feed(Stored(row.seq, row.hash, row.body.encode()))
        if body is not None and not _repeats(row, body):
            chain.faults.append(
                Fault(row.seq, "the columns beside it say something else")
            )
        if fault := ledger.fault(row.seq, body):
            chain.faults.append(fault)
    chain.close(count=call.head_seq, head=call.head_hash)
    chain.compare(_standings(session, call))
    _check_money(call, chain)
    if fault := ledger.rest():
        chain.faults.append(fault)
    return Verified(call.code, chain.seq, chain.head, tuple(chain.faults))


def _columns(table: type[SQLModel]) -> tuple[Any, ...]:
    return tuple(SQLModel.metadata.tables[str(table.__tablename__)].c)


def _repeats(row: Any, body: Any) -> bool:  # noqa: ANN401 - a row of a query, JSON
    actor = body.get("actor")
    return bool(
        body.get("at") == register.written(row.at)
        and body.get("event") == row.event
        and body.get("outcome") == row.outcome.value
        and body.get("application") == _text(row.application_id)
        and isinstance(actor, dict)
        and actor.get("id") == _text(row.actor_id)
    )


def _standings(session: Session, call: Call) -> Iterator[tuple[str, Standing]]:
    rows = session.execute(
        sqlalchemy.select(*_columns(Application))
        .where(col(Application.call_id) == call.id)
        .execution_options(yield_per=_BATCH)
    )
    for row in rows:
        yield (
            str(row.id),
            Standing(row.state.value, row.version, row.reserved, row.granted),
        )


def _check_money(call: Call, chain: Chain) -> None:
    fold = chain.fold
    if (call.reserved, call.granted) != (fold.reserved, fold.granted):
        chain.faults.append(
            Fault(0, "the money of the call is not what its entries add up to")
        )


class _Ledger:
    """Compares the ledger of movements with the entries, both read in order."""

    def __init__(self, session: Session, call: Call) -> None:
        rows = session.execute(
            sqlalchemy.select(*_columns(Movement))
            .where(col(Movement.call_id) == call.id)
            .order_by(col(Movement.entry_seq), col(Movement.ordinal))
            .execution_options(yield_per=_BATCH)
        )
        self._groups = groupby(rows, key=lambda row: row.entry_seq)
        self._next = next(self._groups, None)

    def fault(self, seq: int, body: Any) -> Fault | None:  # noqa: ANN401 - JSON
        """Say whether an entry and the movements kept under it differ."""
        kept: list[Any] = []
        while self._next is not None and self._next[0] <= seq:
            kept += [
                {
                    "kind": row.kind.value,
                    "reserved": row.reserved,
                    "granted": row.granted,
                    "application": _text(row.application_id),
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
        return Fault(seq, "the ledger has a movement that no entry tells of")


def _movements_of(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
    """Return the movements that an entry tells of; nothing if it makes no sense."""
    try:
        return [
            {**movement, "application": body["application"]}
            for movement in (body["money"] or {"movements": ()})["movements"]
        ]
    except (KeyError, TypeError):
        return None


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


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None
