"""What is due in the files of a locked call, and how is it done?

Each is a move that a worker makes as of the instant at which it was due: noticed
late, it leaves the same as noticed at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import format_tb
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import Integer, String, bindparam, cast, func
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session, col, select

from config.logs import log
from models.tables import Application, Call, Term
from models.vocabulary import ApplicationState, CallState, Event, TermStatus
from workflow.desk import Desk
from workflow.errors import RefusedError, TamperedError
from workflow.facts import CounterFacts, TermRecord
from workflow.moves import expiries
from workflow.register import written
from workflow.services import case_files, suspensions
from workflow.services.case_files import CaseFile
from workflow.services.entries import dated
from workflow.services.making import carry_out
from workflow.services.officers import WORKER
from workflow.services.open_calls import OpenCall

MOST = 200
"""Files that are read and written together."""

_FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
"""After whatever failed, somebody looks again at the latest then."""
_CLOSED = (CallState.CLOSED, CallState.CONCLUDED)


@dataclass(frozen=True, slots=True)
class Due:
    """Something that has to be done in a file, and since when."""

    application: UUID
    at: datetime
    """The instant as of which it is done."""
    term: UUID | None = None
    """None for a draft, which expires with the window."""
    order: tuple[Any, ...] = ()
    """What is done before what, of the terms."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done about it."""

    application: str
    event: Event
    due_at: datetime
    """As of when it was done: from the moment on that follows the end of a term."""
    seq: int


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round over what is due."""

    done: tuple[Done, ...]
    is_last: bool
    """Nothing more can be done now."""


def run(
    session: Session, desk: Desk, call: Call, *, by: datetime, most: int = MOST
) -> Round:
    """Do the first of what is due by an instant, in order.

    What fails is put aside with its error and tried again later: it disturbs
    nobody else. Whoever wants all of it calls until that was the last round.
    """
    drafts = _drafts(session, call, by, most)
    due = _in_order(drafts, _terms(session, call, by, most))[:most]
    found = _round(session, desk, call, due)
    if found.is_last and drafts:
        # Drafts that cannot be expired must not keep the terms after them.
        return _round(session, desk, call, _terms(session, call, by, most))
    return found


def _round(session: Session, desk: Desk, call: Call, due: Sequence[Due]) -> Round:
    if not due:
        return Round((), is_last=True)
    try:
        with session.begin_nested():
            return Round(_together(session, desk, call, due), is_last=False)
    except _BROKEN:
        raise
    except Exception as error:  # noqa: BLE001 - each is tried by itself and told of there
        log.info("batch_split", call=call.code, kind=type(error).__name__)
    done = _one_by_one(session, desk, call, due)
    only_drafts = all(one.term is None for one in due)
    return Round(done, is_last=not done and only_drafts)


_BROKEN = (OperationalError, InterfaceError, TamperedError)
"""What is no fault of one file: the transaction as a whole has failed."""


def first_due(session: Session, call: Call, by: datetime) -> datetime | None:
    """Return since when something is due in the files of a call, if anything is."""
    due = _in_order(_drafts(session, call, by, 1), _terms(session, call, by, 1))
    return due[0].at if due else None


def _terms(session: Session, call: Call, by: datetime, most: int) -> tuple[Due, ...]:
    """Return the terms about which something is due, in the order of doing it.

    Of two of one instant the file that was received first comes first, and in one
    file what a term brings about before what starts again by itself.
    """
    found = session.execute(_DUE, {"call": call.id, "by": by, "most": most})
    return tuple(
        Due(application, at, term, (at, *rest))
        for term, application, at, *rest in found
    )


_IN_ORDER = (
    col(Term.next_check),
    col(Application.filed_seq),
    col(Term.status) == TermStatus.SUSPENDED,
    # Letters alone come in the same order in every collation.
    func.replace(cast(col(Term.kind), String), "_", ""),
)
# Made once: to make a statement takes longer than to send it.
_DUE = (
    sqlalchemy.select(col(Term.id), col(Term.application_id), *_IN_ORDER)
    .join(Application, col(Application.id) == col(Term.application_id))
    .where(col(Term.call_id) == bindparam("call"))
    .where(col(Term.next_check) <= bindparam("by"))
    .order_by(*_IN_ORDER)
    .limit(bindparam("most", type_=Integer))
)


def _order(case: CaseFile, term: Term) -> tuple[Any, ...]:
    """Return the same order of a term that is being worked on."""
    return (
        term.next_check,
        case.application.filed_seq,
        term.status is TermStatus.SUSPENDED,
        term.kind.replace("_", ""),
    )


def _drafts(session: Session, call: Call, by: datetime, most: int) -> tuple[Due, ...]:
    """Return the drafts of a call that has closed: they expired when it did."""
    closed = _closed(session, call)
    if closed is None or closed > by:
        return ()
    query = (
        select(Application.id)
        .where(Application.call_id == call.id)
        .where(Application.state == ApplicationState.DRAFT)
        .order_by(col(Application.id))
        .limit(most)
    )
    return tuple(Due(draft, closed) for draft in session.exec(query))


def _closed(session: Session, call: Call) -> datetime | None:
    """Return when the window of a call was over: an annulment ends it as well."""
    if call.state is not CallState.ANNULLED:
        return call.closed_at if call.state in _CLOSED else None
    openings = case_files.counter_of(session, call).openings
    return openings[-1].ended_at if openings else None


def _in_order(drafts: Sequence[Due], terms: Sequence[Due]) -> tuple[Due, ...]:
    """Put drafts, all of one instant, among terms that are in order."""
    if not drafts:
        return tuple(terms)
    closing = drafts[0].at
    earlier = [one for one in terms if one.at < closing]
    return (*earlier, *drafts, *terms[len(earlier) :])


def _together(
    session: Session, desk: Desk, call: Call, due: Sequence[Due]
) -> tuple[Done, ...]:
    work = OpenCall(session, desk.as_worker(desk.channel), call)
    files = _files(work, due)
    counter = case_files.counter_of(session, call)
    done: list[Done] = []
    known = _known(due)
    for one in due:
        case = files[one.application]
        done += _done(work, case, counter, one)
        if _comes_first(case, due[-1], known):
            break
    work.flush()
    session.expire_all()  # somebody may have read one of these files before
    return tuple(done)


def _known(due: Sequence[Due]) -> frozenset[tuple[UUID | None, datetime]]:
    return frozenset((one.term, one.at) for one in due)


def _comes_first(
    case: CaseFile, last: Due, known: frozenset[tuple[UUID | None, datetime]]
) -> bool:
    """Tell whether something in a file has become due before the last of a round.

    After a long rest what a term starts, or what follows its end, is late as well.
    """
    return last.term is not None and any(
        term.next_check is not None
        and (term.id, term.next_check) not in known
        and _order(case, term) < last.order
        for term in case.terms
    )


def _one_by_one(
    session: Session, desk: Desk, call: Call, due: Sequence[Due]
) -> tuple[Done, ...]:
    done: list[Done] = []
    known = _known(due)
    for one in due:
        try:
            with session.begin_nested():
                work = OpenCall(session, desk.as_worker(desk.channel), call)
                counter = case_files.counter_of(session, call)
                case = _files(work, [one])[one.application]
                made = tuple(_done(work, case, counter, one))
                work.flush()
                session.expire_all()
        except _BROKEN:
            raise
        except Exception as error:  # noqa: BLE001 - put aside and told, not hidden
            _put_aside(session, desk, call, one, error)
            continue
        done += made
        if _comes_first(case, due[-1], known):
            break
    return tuple(done)


def _files(work: OpenCall, due: Sequence[Due]) -> Mapping[UUID, CaseFile]:
    applications = list(dict.fromkeys(one.application for one in due))
    return case_files.read_many(work.session, work.batch, applications)


def _done(
    work: OpenCall, case: CaseFile, counter: CounterFacts, due: Due
) -> Iterator[Done]:
    term = next((term for term in case.terms if term.id == due.term), None)
    if term is not None and term.next_check != due.at:
        return  # what was done just before about the same file has dealt with it
    about = None if term is None else suspensions.record(term)
    at, counts = _instants(case, due, about)
    facts = case_files.alone(work.call, case, counter, now=at)
    expiry = (
        expiries.OF_DRAFT
        if about is None
        else expiries.of_term(about, facts, work.table)
    )
    receipt = carry_out(
        work,
        case,
        facts,
        expiry.event,
        given=expiry.inputs,
        actor=WORKER,
        at=dated(work.call, work.desk),
        notes={
            "due_at": written(counts),
            **({"wakes": expiry.wakes.value} if expiry.wakes else {}),
            **expiry.notes,
        },
    )
    yield Done(receipt.application, expiry.event, at, receipt.entry.seq)


def _instants(
    case: CaseFile, due: Due, term: TermRecord | None
) -> tuple[datetime, datetime]:
    """Return as of when it is done, and the instant that counts by law.

    A term that runs is over after its last instant. One that was put aside is
    looked at later, and done as of then all the same.
    """
    if term is None:
        return due.at, due.at
    days = expiries.reminders_of(term.kind, case.rules)
    at = expiries.due_instant(term, case.rules.terms[term.kind], days) or due.at
    is_over = term.status is TermStatus.RUNNING and at > term.due_at
    return at, term.due_at if is_over else at


def _put_aside(
    session: Session, desk: Desk, call: Call, due: Due, error: Exception
) -> None:
    """Note what failed, and when it is tried again; the log says where."""
    code = error.code if isinstance(error, RefusedError) else type(error).__name__
    log.warn(
        "term_put_aside",
        call=call.code,
        application=str(due.application),
        code=code,
        where=format_tb(error.__traceback__)[-1:],
    )
    if due.term is None:
        return  # a draft has nothing to note it on: it is tried again each time
    term = session.get_one(Term, due.term)
    term.attempts += 1
    term.fault = code
    pause = min(_FIRST_PAUSE * 2 ** min(term.attempts - 1, 10), LONGEST_PAUSE)
    term.next_check = desk.ambient.now() + pause
    session.flush()
