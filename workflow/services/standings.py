"""How does a counter stand for whoever comes next?"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, literal, select, text, tuple_

from models.tables import HOLDS_A_PLACE, Application
from models.vocabulary import QUEUED_STATES, Cents
from workflow.facts import FilingFacts, OrderKey
from workflow.services import case_files
from workflow.services.open_calls import OpenCall

_COLUMNS = Application.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
KEY = (_COLUMNS.received_at, _COLUMNS.protocol_year, _COLUMNS.protocol_number)


def bound(key: OrderKey) -> tuple[object, ...]:
    """Return a key as a statement compares it with the columns of `KEY`."""
    return tuple(literal(getattr(key, column.name), column.type) for column in KEY)


class Standing:
    """How the counter stands for whoever comes next, kept up while a group is taken."""

    def __init__(self, work: OpenCall) -> None:
        self.work = work
        rules = work.rules()
        self.rules, self.fingerprint = rules.definition, rules.fingerprint
        self.counter = case_files.counter_of(work.session, work.call)
        channel = self.rules.filing.channel
        session = work.session
        self.ahead = self._holding()
        self.first = case_files.first_without_money(session, work.call.id, channel)
        self.last = self._last(_COLUMNS.channel == channel)
        """The last instant of those who came by the call's channel."""
        self.last_of_all = self._last()
        self.ties = self._at(self.last) if self.last else 0

    def _holding(self, *narrowed: ColumnElement[bool]) -> int:
        """Count who holds a place."""
        counted = self.work.session.execute(
            select(func.count())
            .where(_COLUMNS.call_id == self.work.call.id)
            .where(_COLUMNS.channel == self.rules.filing.channel)
            .where(_COLUMNS.received_at.is_not(None))  # so SQLite finds its index
            .where(text(HOLDS_A_PLACE), *narrowed)
        )
        return int(counted.scalar_one())

    def _last(self, *narrowed: ColumnElement[bool]) -> datetime | None:
        last: datetime | None = self.work.session.execute(
            select(_COLUMNS.received_at)
            .where(_COLUMNS.call_id == self.work.call.id)
            .where(_COLUMNS.received_at.is_not(None), *narrowed)
            .order_by(_COLUMNS.received_at.desc())
            .limit(1)
        ).scalar()
        return last

    def is_late(self, key: OrderKey) -> bool:
        """Tell whether somebody by the call's channel was received after it."""
        return self.last is not None and key.received_at < self.last

    def _at(self, instant: datetime) -> int:
        """Count who was received at an instant."""
        return int(
            self.work.session.execute(
                select(func.count())
                .where(_COLUMNS.call_id == self.work.call.id)
                .where(_COLUMNS.received_at == instant)
            ).scalar_one()
        )

    def filing(self, key: OrderKey) -> FilingFacts:
        """Return where an application with a key would stand."""
        if self.is_late(key):
            return self._in_between(key)
        return FilingFacts(
            ahead=self.ahead,
            first_without_money=self.first,
            ties=self.ties if key.received_at == self.last else 0,
        )

    def _in_between(self, key: OrderKey) -> FilingFacts:
        """Return the same for one that is handed over late, from the database."""
        where = (self.work.session, self.work.call.id, self.rules.filing.channel)
        return FilingFacts(
            ahead=self._holding(tuple_(*KEY) < tuple_(*bound(key))),
            first_without_money=case_files.first_without_money(*where, key),
            later=self._asked_after(key),
            ties=self._at(key.received_at),
        )

    def _asked_after(self, key: OrderKey) -> Cents:
        """Return what those ask for, or were granted, who arrived after a key."""
        holds = text(HOLDS_A_PLACE)
        claims = self.work.session.execute(
            select(
                func.coalesce(
                    func.sum(case((holds, _COLUMNS.requested), else_=_COLUMNS.granted)),
                    0,
                )
            )
            .where(_COLUMNS.call_id == self.work.call.id)
            .where(_COLUMNS.channel == self.rules.filing.channel)
            .where(tuple_(*KEY) > tuple_(*bound(key)))
        )
        return Cents(int(claims.scalar_one()))

    def note(self, application: Application) -> None:
        """Count an application that was just taken in behind all others."""
        received = application.received_at
        if self.last_of_all is None or (received and received > self.last_of_all):
            self.last_of_all = received
        if application.channel != self.rules.filing.channel:
            return
        if received == self.last:
            self.ties += 1
        else:
            self.last, self.ties = received, 1
        if application.state in QUEUED_STATES:
            self.ahead += 1
            if application.reserved < application.requested and self.first is None:
                self.first = case_files.place_of(application)


@dataclass
class Memory:
    """What one group leaves to the next, as long as nobody writes in between."""

    _standing: Standing | None = None
    _head: str | None = None

    def standing(self, work: OpenCall) -> Standing:
        """Return how the counter stands; read again if its chain has moved on."""
        if self._standing is None or self._head != work.call.head_hash:
            return Standing(work)
        self._standing.work = work
        return self._standing

    def keep(self, standing: Standing) -> None:
        """Remember how the counter was left."""
        self._standing, self._head = standing, standing.work.call.head_hash

    def forget(self) -> None:
        """Trust nothing of what was kept: it may never have been written."""
        self._standing = None
