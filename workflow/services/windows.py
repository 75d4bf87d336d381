"""Is a call where it has to be by now, and what has to be done about it?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from models.session import transaction
from models.tables import Call
from models.vocabulary import CallEvent, CallState, Event, SuspensionCause
from workflow.desk import Desk
from workflow.facts import CounterFacts
from workflow.moves.calls import SuspendInputs
from workflow.register import written
from workflow.rules.windows import Due, as_of, next_due
from workflow.services import clocks, expiries
from workflow.services.call_asked import Asked
from workflow.services.call_moves import agenda_of, make
from workflow.services.lookups import find_call
from workflow.services.officers import WORKER
from workflow.services.open_calls import OpenCall

_INSTANT = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Applied:
    """Something that was due and is done now."""

    call: str
    event: CallEvent | Event
    due_at: datetime
    seq: int
    application: str | None = None
    """None for what concerns the call as a whole."""


def bring_up_to_date(
    session: Session,
    desk: Desk,
    call: Call,
    *,
    until: datetime | None = None,
    most: int | None = None,
) -> tuple[Applied, ...]:
    """Do all that is due on a locked call, in order, each as of its instant.

    *until* is a later instant that a clock that counts shows already: that of the
    portal may be ahead of ours; only the window follows it. *most* is how much is
    done at once by whoever comes back for the rest.

    Whoever is about to act on a call calls it first. When nothing is due it costs
    a few queries, by keys.

    Raises:
        UnavailableError: our clock is ahead of that of the database.
    """
    clocks.refuse_ahead(session, desk)
    done: list[Applied] = []
    while most is None or len(done) < most:
        due = _window_due(session, desk, call, until)
        files = _files(session, desk, call, before=due.at if due else None)
        done += (
            Applied(call.code, one.event, one.due_at, one.seq, one.application)
            for one in files.done
        )
        if not files.is_last:
            continue
        if due is None:
            break
        done.append(_moved(session, desk, call, due))
    return tuple(done)


def _window_due(
    session: Session, desk: Desk, call: Call, until: datetime | None
) -> Due | None:
    """Return what the window has to do first, if its instant has come.

    The clock is the real one: the register may be dated ahead of it, by a clock
    that was wrong, and nothing is done early for that.
    """
    now = desk.ambient.now()
    agenda = agenda_of(session, call)
    if next_due(agenda, max(now, until or now)) is None:
        return None
    now = clocks.agreed(session, desk)
    return next_due(agenda, max(now, until or now))


def _moved(session: Session, desk: Desk, call: Call, due: Due) -> Applied:
    moved = make(
        session,
        desk.as_worker(desk.channel),
        call,
        WORKER,
        Asked(due.event, as_of=due.at, findings={"due_at": written(due.at)}),
    )
    return Applied(call.code, due.event, due.at, moved.entry.seq)


def _files(
    session: Session, desk: Desk, call: Call, *, before: datetime | None
) -> expiries.Round:
    """Do what is due in the files before the window moves."""
    if expiries.first_due(session, call, desk.ambient.now()) is None:
        return expiries.Round((), is_last=True)
    now = clocks.agreed(session, desk)
    by = now if before is None else min(now, before - _INSTANT)
    return expiries.run(session, desk, call, by=by)


@contextmanager
def opened(desk: Desk, code: str, *, keep: bool = True) -> Iterator[OpenCall]:
    """Lock a call for one transaction, with all that is due on it done.

    Raises:
        RefusedError: there is no such call.
    """
    with transaction(desk.engine, keep=keep) as session:
        call = find_call(session, code, lock=True)
        desk = desk.at_one_instant()
        work = OpenCall(session, desk, call)
        bring_up_to_date(session, desk, call)
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
