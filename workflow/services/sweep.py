"""What is due by now, and is all of it done?"""

from dataclasses import dataclass
from traceback import format_tb

from sqlmodel import Session, col, select

from config.logs import log
from models.session import DatabaseUnavailableError, reading, transaction
from models.tables import Call
from workflow.desk import Desk
from workflow.errors import SportelloError, TamperedError
from workflow.rules.windows import next_due
from workflow.services import lookups
from workflow.services.call_moves import agenda_of
from workflow.services.entries import dated
from workflow.services.windows import Applied, bring_up_to_date

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
    """Do all that is due, each call in a transaction of its own.

    A call that somebody else holds, or in which anything fails, is left for the
    next time and disturbs no other. Sweeping twice changes nothing.

    Raises:
        TamperedError: the rules of a call are not what was frozen; what is due in
            the others is done all the same.
    """
    applied: list[Applied] = []
    busy: list[str] = []
    failed: list[Failed] = []
    tampered: list[TamperedError] = []
    for code in _due(desk):
        try:
            with transaction(desk.engine) as session:
                call = lookups.find_call(session, code, lock=True)
                done = bring_up_to_date(session, desk, call)
        except DatabaseUnavailableError as error:
            log.info("call_not_swept", call=code, code=error.code)
            if error.code == "database.locked":
                busy.append(code)
            else:
                failed.append(Failed(code, error.code, error.message))
        except TamperedError as error:
            tampered.append(error)
        except SportelloError as error:
            log.warn("call_not_swept", call=code, code=error.code)
            failed.append(Failed(code, error.code, error.message))
        except Exception as error:  # noqa: BLE001 - told, and not hidden
            # A bug in one call must not keep the counters of the others shut.
            where = format_tb(error.__traceback__)
            log.warn("call_not_swept", call=code, kind=_kind(error), where=where)
            failed.append(Failed(code, "sweep.failed", _BUG % _kind(error)))
        else:
            applied += done
    if tampered:
        raise tampered[0]
    return Swept(tuple(applied), tuple(busy), tuple(failed))


def _kind(error: Exception) -> str:
    """Name the kind of an error and no more: its words may hold personal data."""
    return type(error).__name__


def _due(desk: Desk) -> tuple[str, ...]:
    """Name the calls in which something is due, without locking any."""
    with reading(desk.engine) as session:
        calls = session.exec(select(Call).order_by(col(Call.code))).all()
        return tuple(call.code for call in calls if _has_something(session, desk, call))


def _has_something(session: Session, desk: Desk, call: Call) -> bool:
    try:
        return next_due(agenda_of(session, call), dated(call, desk)) is not None
    except TamperedError:
        return True  # whoever opens it will tell
