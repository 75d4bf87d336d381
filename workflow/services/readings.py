"""Which entries of the register does somebody want to read?"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.session import reading
from models.tables import Call, Officer, RegisterEntry
from models.vocabulary import ActorKind
from workflow.desk import Desk
from workflow.errors import InputError, RefusedError
from workflow.moves.words import rome
from workflow.services import histories, lookups, moments

_BATCH = 2_000
_MOMENT = timedelta.resolution

SYSTEM = "system"
"""How the workers are named, who are no person."""

_NO_OFFICERS = {
    SYSTEM: ActorKind.WORKER,
    "worker": ActorKind.WORKER,
    "unknown": ActorKind.UNKNOWN,
}
"""Names that no officer has: an older one who does is asked for by reference."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries somebody wants to read."""

    target: str | None = None
    """A call's code, or an application."""
    since: datetime | None = None
    actor: str | None = None
    """A login, the reference that entries carry, or `system`."""
    event: str | None = None
    outcome: str | None = None
    until: datetime | None = None
    limit: int | None = None
    """Only the first so many."""
    last: int | None = None
    """Only the last so many, of one call or application."""


def entries(desk: Desk, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Return the entries somebody asks for, in the order of the register.

    Call by call and as they are read: nothing is kept of those that were given out.

    Raises:
        RefusedError: no such call, application or officer.
        InputError: the bounds contradict each other.
        TamperedError: an entry cannot be read.
    """
    _refuse_bounds(wanted)
    with reading(desk.engine) as session:
        application, calls = _of_target(session, wanted.target)
        by = _by(session, wanted.actor)
        with closing(_told(session, wanted, calls, application, by)) as told:
            if wanted.last is not None:
                yield from reversed(list(islice(told, wanted.last)))
            else:
                yield from islice(told, wanted.limit)


def _refuse_bounds(wanted: Wanted) -> None:
    if wanted.since and wanted.until and wanted.since > wanted.until:
        raise InputError(
            "range.backwards",
            f"--since {rome(wanted.since)} is after --until {rome(wanted.until)}: "
            "nothing is between them; exchange the two",
        )
    if wanted.last is not None and wanted.limit is not None:
        raise InputError(
            "range.both_ends",
            "--limit wants the first entries and --last the last ones: give one",
        )
    if wanted.last is not None and wanted.target is None:
        raise InputError(
            "range.of_nothing",
            "--last is about one chain: name a call or an application with it",
        )


def _of_target(session: Session, target: str | None) -> tuple[UUID | None, list[UUID]]:
    """Return the application that is meant, if one is, and in which calls to look."""
    if target is None:
        return None, list(session.exec(select(Call.id).order_by(col(Call.id))))
    call = session.exec(select(Call.id).where(Call.code == target)).first()
    if call is not None:
        return None, [call]
    try:
        application = lookups.find_application(session, target)
    except RefusedError as error:
        if error.code != "application.unknown":
            raise
        raise RefusedError(
            error.code,
            f"there is no application and no call `{target}`; see `sportello list` "
            "and `sportello call list`",
        ) from error
    return application.id, [application.call_id]


@dataclass(frozen=True, slots=True)
class _By:
    """Who acted."""

    anybody: bool = True
    officer: UUID | None = None
    kind: ActorKind = ActorKind.PERSON
    """Of who is no officer."""

    def made(self, body: Mapping[str, Any]) -> bool:
        """Tell workers from somebody unknown, whom no column tells apart."""
        is_theirs = self.anybody or self.officer is not None
        return is_theirs or bool(body["actor"]["kind"] == self.kind)


def _by(session: Session, actor: str | None) -> _By:
    if actor is None:
        return _By()
    if actor in _NO_OFFICERS:
        return _By(anybody=False, kind=_NO_OFFICERS[actor])
    query = select(Officer.id).where(Officer.login == actor)
    found = session.exec(query).first() or _by_reference(session, actor)
    if found is None:
        raise RefusedError(
            "officer.unknown",
            f"`{actor}` is not an officer; give a login or the reference that entries "
            f"carry, or `{SYSTEM}` for the workers, or `unknown`: see `sportello "
            "officer list`",
        )
    return _By(anybody=False, officer=found)


def _by_reference(session: Session, actor: str) -> UUID | None:
    try:
        reference = UUID(actor)
    except ValueError:
        return None
    return session.exec(select(Officer.id).where(Officer.id == reference)).first()


def _told(
    session: Session,
    wanted: Wanted,
    calls: list[UUID],
    application: UUID | None,
    by: _By,
) -> Generator[dict[str, Any], None, None]:
    for call in calls:
        query = _query(session, wanted, call)
        if application is not None:
            query = query.where(RegisterEntry.application_id == application)
        if not by.anybody:
            query = query.where(RegisterEntry.actor_id == by.officer)
        with closing(session.exec(query.execution_options(yield_per=_BATCH))) as rows:
            for row in rows:
                body = histories.content(row.seq, row.body)
                if by.made(body):
                    yield {**body, "hash": row.hash}


def _query(session: Session, wanted: Wanted, call: UUID) -> Any:  # noqa: ANN401 - a query
    number = col(RegisterEntry.seq)
    query = (
        select(RegisterEntry.seq, RegisterEntry.hash, RegisterEntry.body)
        .where(RegisterEntry.call_id == call)
        .order_by(number if wanted.last is None else number.desc())
    )
    # An instant is a place in the chain: no index on instants is needed.
    if wanted.since is not None:
        before = moments.last_by(session, call, wanted.since - _MOMENT)
        query = query.where(number > before)
    if wanted.until is not None:
        query = query.where(number <= moments.last_by(session, call, wanted.until))
    if wanted.event is not None:
        query = query.where(RegisterEntry.event == wanted.event)
    if wanted.outcome is not None:
        query = query.where(RegisterEntry.outcome == wanted.outcome)
    return query
