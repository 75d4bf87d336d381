"""What does the register say, and does it verify?"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, select

from models.session import reading
from models.tables import Call, Officer, RegisterEntry
from workflow.desk import Desk
from workflow.errors import RefusedError, TamperedError
from workflow.services import lookups, verification
from workflow.services.verification import Examined, Progress, Verified

_BATCH = 2_000


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
    return verification.examine(desk, code).calls


def examine(
    desk: Desk, code: str | None = None, *, tell: Progress = verification.silent
) -> Examined:
    """Check everything that can be checked; see `verification.examine`.

    Raises:
        RefusedError: there is no such call.
        UnavailableError: the file of the anchors cannot be read, or there is no room.
    """
    return verification.examine(desk, code, tell=tell)


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
