"""Which terms run, stand still or were missed, and who has to act?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, case, func, literal, literal_column, update
from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.columns import Instant
from models.session import reading, transaction
from models.tables import Application, Call, Term
from models.vocabulary import Role, TermKind, TermStatus
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.moves.calendars import calendar_of
from workflow.moves.expiries import WAKES
from workflow.rules.calendar import civil_day, end_of_day
from workflow.rules.terms import ComputedTerm, TermFacts, compute
from workflow.services import clocks, lookups, suspensions

NOT_OVER = (TermStatus.RUNNING, TermStatus.SUSPENDED, TermStatus.EXPIRED)
"""What somebody still has to do something about, if an expired one was missed."""

_COLUMNS = (
    col(Term.id),
    col(Term.call_id),
    col(Term.application_id),
    col(Term.kind),
    col(Term.ordinal),
    col(Term.starts_on),
    col(Term.extra_months),
    col(Term.extra_days),
    col(Term.due_at),
    col(Term.status),
    col(Term.suspended_days),
    col(Term.suspensions),
    col(Term.next_check),
    col(Term.settled_at),
    col(Term.escalated_at),
    col(Term.attempts),
    col(Term.fault),
    col(Application.call_version),
    col(Application.portal_id),
    col(Application.protocol_year),
    col(Application.protocol_number),
    col(Call.code),
)


@dataclass(frozen=True, slots=True)
class TermView:
    """One line of the list of terms (*scadenzario*)."""

    id: str
    call: str
    application: str
    protocol: str | None
    portal_id: str
    kind: TermKind
    ordinal: int
    starts_on: date
    due_at: datetime
    """Its last instant; as if its clock went on now, if it stands still."""
    provisional: bool
    status: TermStatus
    suspended_days: int
    next_check: datetime | None
    settled_at: datetime | None
    escalated_at: datetime | None
    waits_for: Role | None
    """Who has to act because it was missed."""
    attempts: int
    fault: str | None

    @property
    def name(self) -> str:
        """Name its application as people do."""
        return self.protocol or self.portal_id

    @property
    def parked(self) -> bool:
        """Tell whether a worker has failed on it, and tries again."""
        return self.attempts > 0 and self.next_check is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which terms somebody wants to see; without a word, those that are not over."""

    target: str | None = None
    """A call's code, or an application."""
    due_by: date | None = None
    """Only those whose last instant is within this civil day in Rome."""
    status: TermStatus | None = None
    missed: bool = False
    """Only those that have ended and that nobody settled."""
    parked: bool = False
    """Only those on which a worker has failed."""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """The first of the terms that were asked for, and how many more there are."""

    terms: tuple[TermView, ...]
    more: int
    now: datetime


def listed(desk: Desk, wanted: Wanted) -> Listed:
    """Return terms in the order of their last instants.

    However many there are, those that run are read from the index, no more than
    the limit. All those whose clock stands still are reckoned: where they stand in
    the order changes every day, and they are as few as who is waited for.

    Raises:
        RefusedError: there is no such call, or application.
    """
    with reading(desk.engine) as session:
        reader = _Reader(session, desk.ambient.now())
        target = _target(session, wanted.target)
        shown: list[TermView] = []
        total = 0
        for status in _statuses(wanted):
            where = (*target, *_conditions(wanted, status))
            if status is TermStatus.SUSPENDED:
                found = [one for one in reader.read(where) if _is_due(one, wanted)]
                total += len(found)
            else:
                found = list(reader.read(where, wanted.limit))
                total += reader.count(where, found, wanted.limit)
            shown += found
    shown = sorted(shown, key=_last_instant)[: wanted.limit]
    return Listed(tuple(shown), total - len(shown), reader.now)


def of_file(desk: Desk, name: str) -> tuple[TermView, ...]:
    """Return every term of one application, by last instant.

    Raises:
        RefusedError: there is no such application.
    """
    with reading(desk.engine) as session:
        row = lookups.find_application(session, name)
        reader = _Reader(session, desk.ambient.now())
        mine = (col(Term.application_id) == row.id,)
        return tuple(sorted(reader.read(mine), key=_last_instant))


def waits_for(term: Any, rules: CallDefinition) -> Role | None:  # noqa: ANN401 - or its columns
    """Return who has to act about a term that was missed, until somebody does."""
    if term.status is not TermStatus.EXPIRED or term.settled_at is not None:
        return None
    if term.escalated_at is not None:
        return Role.MANAGER
    return WAKES[rules.terms[term.kind].effect]


def facts_of(term: Any, rules: CallDefinition) -> TermFacts:  # noqa: ANN401 - or its columns
    """Return all that the end of a term is reckoned from.

    Raises:
        TamperedError: what is kept of it makes no sense.
    """
    try:
        return suspensions.facts_of(term, rules.terms[term.kind])
    except (KeyError, TypeError, ValueError) as error:
        raise TamperedError(
            "term.altered",
            f"what is kept of the term {term.id} makes no sense: somebody has changed "
            "it; look at `sportello log verify` and call the auditor",
        ) from error


def reckoned_now(term: Any, rules: CallDefinition, now: datetime) -> ComputedTerm:  # noqa: ANN401 - or its columns
    """Compute a term whose clock stands still as if it went on now.

    With the holidays that are known now: the move that sets it going again will
    reckon with them.

    Raises:
        TamperedError: what is kept of it makes no sense.
    """
    today = civil_day(now)
    calendar = calendar_of(rules, term.starts_on, today)
    return compute(facts_of(term, rules), calendar, today=today)


def retry_parked(desk: Desk) -> int:
    """Let workers try at once what they put aside; return how many terms it is.

    Raises:
        DatabaseUnavailableError: somebody else's command holds one of the calls.
    """
    with reading(desk.engine) as session:
        codes = session.exec(
            select(Call.code)
            .join(Term, col(Term.call_id) == col(Call.id))
            .where(*_PARKED)
            .distinct()
            .order_by(col(Call.code))
        ).all()
    return sum(_retry(desk, code) for code in codes)


def parked(desk: Desk) -> int:
    """Count the terms that workers put aside."""
    with reading(desk.engine) as session:
        return session.exec(select(func.count()).where(*_PARKED)).one()


def _retry(desk: Desk, code: str) -> int:
    due_at = col(Term.due_at)
    with transaction(desk.engine) as session:
        call = lookups.find_call(session, code, lock=True)
        mine = col(Term.call_id) == call.id
        waiting = session.exec(select(func.count()).where(mine, *_PARKED)).one()
        now = clocks.agreed(session, desk)
        session.exec(
            update(Term)
            .where(mine, *_PARKED, col(Term.next_check) > now)
            # In the order in which they were due.
            .values(
                next_check=case((due_at < now, due_at), else_=literal(now, Instant))
            )
        )
    return waiting


class _Reader:
    """Reads terms as people see them, at one moment."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self.now = now
        self._rules: dict[tuple[UUID, int], CallDefinition] = {}

    def read(
        self, where: Iterable[ColumnElement[bool]], limit: int | None = None
    ) -> Iterator[TermView]:
        query = (
            sqlalchemy.select(*_COLUMNS)
            .join(Application, col(Application.id) == col(Term.application_id))
            .join(Call, col(Call.id) == col(Term.call_id))
            .where(*where)
            # The index has the first alone: many may end at the same instant.
            .order_by(
                col(Term.due_at),
                col(Application.protocol_year),
                col(Application.protocol_number),
                col(Term.kind),
                col(Term.ordinal),
            )
            .limit(limit)
        )
        for row in self._session.connection().execute(query):
            yield self._view(row)

    def count(
        self,
        where: Iterable[ColumnElement[bool]],
        found: list[TermView],
        limit: int | None,
    ) -> int:
        """Count them all, unless *found* are all."""
        if limit is None or len(found) < limit:
            return len(found)
        return self._session.exec(select(func.count()).where(*where)).one()

    def _view(self, row: Any) -> TermView:  # noqa: ANN401 - columns of a term
        due_at, suspended, provisional = row.due_at, row.suspended_days, False
        if row.status is TermStatus.SUSPENDED:
            computed = reckoned_now(row, self._rules_of(row), self.now)
            due_at, suspended = computed.due_at, computed.suspended_days
            provisional = computed.provisional
        missed = row.status is TermStatus.EXPIRED and row.settled_at is None
        return TermView(
            id=str(row.id),
            call=row.code,
            application=str(row.application_id),
            protocol=lookups.protocol(row),
            portal_id=row.portal_id,
            kind=row.kind,
            ordinal=row.ordinal,
            starts_on=row.starts_on,
            due_at=due_at,
            provisional=provisional,
            status=row.status,
            suspended_days=suspended,
            next_check=row.next_check,
            settled_at=row.settled_at,
            escalated_at=row.escalated_at,
            waits_for=waits_for(row, self._rules_of(row)) if missed else None,
            attempts=row.attempts,
            fault=row.fault,
        )

    def _rules_of(self, row: Any) -> CallDefinition:  # noqa: ANN401 - as above
        key = (row.call_id, row.call_version)
        if key not in self._rules:
            self._rules[key] = lookups.rules_of(self._session, *key)
        return self._rules[key]


def _target(session: Session, name: str | None) -> tuple[ColumnElement[bool], ...]:
    if name is None:
        return ()
    call = session.exec(select(Call).where(Call.code == name)).first()
    if call is not None:
        return (col(Term.call_id) == call.id,)
    application = lookups.find_application(session, name)
    return (col(Term.application_id) == application.id,)


def _statuses(wanted: Wanted) -> tuple[TermStatus, ...]:
    if wanted.missed:
        return (TermStatus.EXPIRED,)
    return NOT_OVER if wanted.status is None else (wanted.status,)


def _conditions(wanted: Wanted, status: TermStatus) -> Iterator[ColumnElement[bool]]:
    # Written out: only so do both databases use the index of what was missed.
    yield col(Term.status) == literal_column(f"'{status.value}'")
    if status is TermStatus.EXPIRED and (wanted.missed or wanted.status is None):
        yield col(Term.settled_at).is_(None)
    if wanted.due_by is not None:
        # A clock that stands still only moves the end on: none is left out.
        yield col(Term.due_at) <= end_of_day(wanted.due_by)
    if wanted.parked:
        yield from _PARKED


def _is_due(term: TermView, wanted: Wanted) -> bool:
    return wanted.due_by is None or term.due_at <= end_of_day(wanted.due_by)


def _last_instant(term: TermView) -> datetime:
    return term.due_at


_PARKED = (col(Term.next_check).is_not(None), col(Term.attempts) > 0)
