"""Is a call where it has to be by now, and what has to be done about it?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from models.session import transaction
from models.tables import Call
from models.vocabulary import CallEvent, CallState, SuspensionCause
from workflow.desk import Desk
from workflow.facts import CounterFacts
from workflow.moves.calls import SuspendInputs
from workflow.register import written
from workflow.rules.windows import as_of, next_due
from workflow.services.call_asked import Asked
from workflow.services.call_moves import agenda_of, make
from workflow.services.entries import dated
from workflow.services.lookups import find_call
from workflow.services.officers import WORKER
from workflow.services.open_calls import OpenCall


@dataclass(frozen=True, slots=True)
class Applied:
    """Something that was due and is done now."""

    call: str
    event: CallEvent
    due_at: datetime
    seq: int


def bring_up_to_date(
    session: Session, desk: Desk, call: Call, *, until: datetime | None = None
) -> tuple[Applied, ...]:
    """Do all that is due on a locked call, in order, each as of its instant.

    *until* is a later instant that a clock that counts shows already: that of the
    portal may be ahead of ours.

    Whoever is about to act on a call calls it first. When nothing is due it costs
    one query, by the key of the version in force.
    """
    done: list[Applied] = []
    worker = desk.as_worker(desk.channel)
    while True:
        now = dated(call, desk)
        due = next_due(agenda_of(session, call), max(now, until or now))
        if due is None:
            return tuple(done)
        moved = make(
            session,
            worker,
            call,
            WORKER,
            Asked(due.event, as_of=due.at, findings={"due_at": written(due.at)}),
        )
        done.append(Applied(call.code, due.event, due.at, moved.entry.seq))


@contextmanager
def opened(desk: Desk, code: str, *, keep: bool = True) -> Iterator[OpenCall]:
    """Lock a call for one transaction, with all that is due on it done.

    Raises:
        RefusedError: there is no such call.
    """
    with transaction(desk.engine, keep=keep) as session:
        work = OpenCall(session, desk, find_call(session, code, lock=True))
        bring_up_to_date(session, desk, work.call)
        yield work
        work.flush()


def suspend_for_exhaustion(
    session: Session,
    desk: Desk,
    call: Call,
    at: datetime,
    findings: Mapping[str, Any],
) -> None:
    """Suspend the counter of a locked call: there is no more money (*esaurimento*).

    It ends at the instant of whoever used the money up, still in time, also if the
    clock of the portal is ahead of ours. A counter that is not open has nothing to
    suspend.
    """
    if call.state != CallState.OPEN:
        return
    make(
        session,
        desk.as_worker(desk.channel),
        call,
        WORKER,
        Asked(
            CallEvent.SUSPEND_CALL,
            SuspendInputs(cause=SuspensionCause.EXHAUSTION),
            as_of=at,
            findings=findings,
        ),
    )


def counter_as_of(session: Session, call: Call, now: datetime) -> CounterFacts:
    """Return how a counter stands at an instant, for those who only read.

    Nothing is written: it is what the next command would find.
    """
    agenda = as_of(agenda_of(session, call, with_openings=True), now)
    return CounterFacts(
        agenda.state,
        agenda.openings,
        agenda.suspended_for,
        agenda.reopens_at,
        agenda.rules.window.closes_at,
    )
