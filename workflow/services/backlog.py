"""What should be done by now and is not, and since when?"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from models.session import reading
from models.tables import Call, OutboxMessage, Term
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.rules.windows import next_due
from workflow.services import expiries
from workflow.services.call_moves import agenda_of
from workflow.services.clocks import agreed


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is late, what was put aside, and what waits for a worker."""

    now: datetime
    """The instant at which it was looked at."""
    oldest: datetime | None
    """Since when the oldest of what is due is due; none if nothing is."""
    due_terms: int
    parked: int
    """Terms that a worker could not deal with; it tries again by itself."""
    unsent: int
    """Jobs that were never given to the broker."""
    undone: int
    """Jobs that were, and are not done."""
    oldest_job: datetime | None
    """Since when the oldest of these jobs has been waiting; none of them rests."""


def backlog(desk: Desk) -> Backlog:
    """Look at everything that waits, without locking anything."""
    with reading(desk.engine) as session:
        now = agreed(session, desk)
        awaited = col(Term.next_check)
        due = session.exec(select(func.count()).where(awaited <= now)).one()
        parked = session.exec(
            select(func.count()).where(awaited.is_not(None), col(Term.attempts) > 0)
        ).one()
        rests = col(OutboxMessage.not_before)
        jobs, sent, oldest_job = session.exec(
            select(
                func.count(),
                func.count(col(OutboxMessage.sent_at)),
                func.min(func.coalesce(rests, col(OutboxMessage.created_at))),
            ).where(rests.is_(None) | (rests <= now))
        ).one()
        calls = session.exec(select(Call)).all()
        instants = [at for call in calls for at in _due(session, call, now)]
    return Backlog(
        now=now,
        oldest=min(instants, default=None),
        due_terms=due,
        parked=parked,
        unsent=jobs - sent,
        undone=sent,
        oldest_job=oldest_job,
    )


def _due(session: Session, call: Call, now: datetime) -> Iterator[datetime]:
    """Return since when a call should have moved, and its drafts have expired."""
    with suppress(TamperedError):  # `log verify` tells
        if window := next_due(agenda_of(session, call), now):
            yield window.at
    if files := expiries.first_due(session, call, now):
        yield files
