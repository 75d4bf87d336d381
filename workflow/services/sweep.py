"""What is due by now, and is all of it done?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from traceback import format_tb

from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from config.loader import CallFileError
from config.logs import log
from models.schema import OTHER_FORM
from models.session import DatabaseUnavailableError, reading, transaction
from models.tables import Application, Call, Term
from models.vocabulary import ApplicationState, CallState
from workflow.desk import Desk
from workflow.errors import SportelloError, TamperedError
from workflow.rules.windows import OVER, next_due
from workflow.services.call_moves import agenda_of
from workflow.services.clocks import agreed
from workflow.services.windows import Applied, bring_up_to_date

AT_ONCE = 500
"""How much of one call is done in a transaction: others wait for it meanwhile."""

_BUG = (
    "something went wrong that should not (%s); the other calls are swept: report it "
    "with the line of the log that says where"
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that could not be swept, and what stood in the way."""

    call: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Swept:
    """What was done, and the calls in which something due could not be."""

    applied: tuple[Applied, ...]
    busy: tuple[str, ...]
    """Held by somebody else's command."""
    failed: tuple[Failed, ...]

    @property
    def remaining(self) -> int:
        """Count the calls in which something is still due."""
        return len(self.busy) + len(self.failed)


def sweep(desk: Desk) -> Swept:
    """Do all that is due, each call in transactions of its own.

    A call that somebody else holds, or in which anything fails, is left for the
    next time and disturbs no other. Sweeping twice changes nothing.

    Raises:
        TamperedError: the rules of a call are not what was frozen; what is due in
            the others is done all the same.
    """
    swept: list[Swept] = []
    tampered: list[TamperedError] = []
    for code in due_calls(desk):
        try:
            swept.append(sweep_call(desk, code))
        except TamperedError as error:
            tampered.append(error)
    if tampered:
        raise tampered[0]
    return _joined(swept)


def sweep_call(desk: Desk, code: str) -> Swept:
    """Do all that is due on one call, some of it in each transaction.

    Raises:
        DatabaseUnavailableError: somebody has upgraded the database meanwhile.
        TamperedError: its rules are not what was frozen.
    """
    applied: list[Applied] = []
    try:
        for done in _in_turns(desk, code):
            if done is None:
                log.info("call_busy", call=code)
                return Swept(tuple(applied), (code,), ())
            applied += done
    except DatabaseUnavailableError as error:
        log.info("call_not_swept", call=code, code=error.code)
        if error.code in OTHER_FORM:
            raise
        if error.code == "database.locked":
            return Swept(tuple(applied), (code,), ())
        return Swept(tuple(applied), (), (Failed(code, error.code, error.message),))
    except TamperedError:
        raise
    except SportelloError as error:
        log.warn("call_not_swept", call=code, code=error.code)
        return Swept(tuple(applied), (), (Failed(code, error.code, error.message),))
    except Exception as error:  # noqa: BLE001 - told, and not hidden
        # A bug in one call must not keep the counters of the others shut.
        where = format_tb(error.__traceback__)
        log.warn("call_not_swept", call=code, kind=_kind(error), where=where)
        failed = Failed(code, "sweep.failed", _BUG % _kind(error))
        return Swept(tuple(applied), (), (failed,))
    return Swept(tuple(applied), (), ())


def due_calls(desk: Desk) -> tuple[str, ...]:
    """Name the calls in which something is due, without locking any.

    Those in whose files something is due come first, by how long it has been;
    finding them reads the index of what is due and nothing else.
    """
    with reading(desk.engine) as session:
        now = agreed(session, desk)
        since = func.min(col(Term.next_check))
        terms = session.exec(
            select(Call.code, since)
            .join(Term, col(Term.call_id) == col(Call.id))
            .where(col(Term.next_check) <= now)
            .group_by(col(Call.code))
            .order_by(since, col(Call.code))
        )
        codes = [code for code, _ in terms]
        codes += _with_drafts(session)
        codes += _with_windows(session, now)
        return tuple(dict.fromkeys(codes))


def _in_turns(desk: Desk, code: str) -> Iterator[tuple[Applied, ...] | None]:
    """Do what is due in one transaction after the other; none if the call is held."""
    while True:
        with transaction(desk.engine) as session:
            # Whoever holds it brings it up to date: there is nothing to wait for.
            query = select(Call).where(Call.code == code)
            call = session.exec(query.with_for_update(skip_locked=True)).first()
            done: tuple[Applied, ...] | None = ()
            if call is not None:
                done = bring_up_to_date(session, desk, call, most=AT_ONCE)
            elif _is_there(session, code):
                done = None
        for one in done or ():
            log.info(
                "due_effect",
                call=one.call,
                application=one.application,
                event_name=one.event.value,
                seq=one.seq,
            )
        yield done
        if not done:
            return


def _is_there(session: Session, code: str) -> bool:
    return session.exec(select(Call.id).where(Call.code == code)).first() is not None


def _with_drafts(session: Session) -> Iterable[str]:
    """Name the calls that have closed with drafts in them."""
    draft = exists().where(
        col(Application.call_id) == col(Call.id),
        col(Application.state) == ApplicationState.DRAFT,
    )
    over = {CallState.CLOSED, *OVER}
    query = select(Call.code).where(col(Call.state).in_(over)).where(draft)
    return session.exec(query.order_by(col(Call.code))).all()


def _with_windows(session: Session, now: datetime) -> Iterator[str]:
    """Name the calls that open, reopen, close or change by themselves."""
    query = select(Call).where(col(Call.state).not_in(OVER)).order_by(col(Call.code))
    for call in session.exec(query):
        if _has_something(session, call, now):
            yield call.code


def _has_something(session: Session, call: Call, now: datetime) -> bool:
    try:
        return next_due(agenda_of(session, call), now) is not None
    except (TamperedError, CallFileError):
        return True  # whoever opens it will tell


def _joined(parts: Iterable[Swept]) -> Swept:
    swept = tuple(parts)
    return Swept(
        tuple(one for part in swept for one in part.applied),
        tuple(code for part in swept for code in part.busy),
        tuple(one for part in swept for one in part.failed),
    )


def _kind(error: Exception) -> str:
    """Name the kind of an error and no more: its words may hold personal data."""
    return type(error).__name__
