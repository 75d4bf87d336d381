"""What does an auditor take away of the register of a call?"""

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from config.logs import log
from models.session import reading, transaction
from models.tables import Call
from models.vocabulary import CallEvent
from workflow.desk import Desk
from workflow.errors import RefusedError, SportelloError
from workflow.moves.calls import TABLE
from workflow.services import lookups, officers, stamping
from workflow.services.call_acts import record_refusal
from workflow.services.call_asked import Asked
from workflow.services.call_moves import make
from workflow.services.entries import EntryRef
from workflow.services.export_files import Progress, Wanted, Written, write
from workflow.services.folders import vacant, whole
from workflow.services.log import Examined, examine

_ASKED = Asked(CallEvent.EXPORT_REGISTER)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was taken away, and whether it verified."""

    folder: Path
    entry: EntryRef | None
    """That of the export itself; none where a changed register takes no entry."""
    written: Written
    examined: Examined

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return self.examined.ok and self.entry is not None


def export(
    desk: Desk,
    code: str,
    to: Path,
    *,
    tell: Progress = lambda _done, _total: None,
) -> Exported:
    """Write the register of a call for whoever audits it (*estrazione del registro*).

    The export is an entry first, and then part of what is exported. A register that
    does not verify is written as it is: an auditor needs it most then.

    Raises:
        InputError: there is something already where it should be written.
        RefusedError: there is no such call, or whoever asks may not.
        UnavailableError: it cannot be written.
    """
    folder = vacant(to)
    _allow(desk, code)
    with whole(folder) as place:
        examined = examine(desk, code)
        entry = _entered(desk, code, examined)
        stamps = stamping.kept(desk.anchor_files)
        wanted = Wanted(code, entry.seq if entry else None, stamps, tell)
        with reading(desk.engine, verbatim=True) as session:
            written = write(session, place, wanted)
    log.info("register_exported", call=code, entries=written.entries, ok=examined.ok)
    return Exported(folder, entry, written, examined)


def _allow(desk: Desk, code: str) -> None:
    """Ask for the role before anything is read; it counts again at the entry."""
    (move,) = TABLE.of_event(CallEvent.EXPORT_REGISTER)
    try:
        with reading(desk.engine) as session:
            there = select(Call.id).where(col(Call.code) == code)
            if session.exec(there).first() is None:
                lookups.find_call(session, code)
            officers.require(officers.identify(session, desk), *move.roles)
    except RefusedError as error:
        record_refusal(desk, code, _ASKED, error)
        raise


def _entered(desk: Desk, code: str, examined: Examined) -> EntryRef | None:
    """Enter the export in the register; where that does not verify, if it can be.

    What was changed by hand may make anything fail: then the copy is what counts,
    and it says itself that this entry is missing.
    """
    if examined.ok:
        return _enter(desk, code)
    try:
        return _enter(desk, code)
    except (SportelloError, SQLAlchemyError, LookupError, ValueError) as error:
        log.warn("export_not_entered", call=code, cause=type(error).__name__)
        return None


def _enter(desk: Desk, code: str) -> EntryRef:
    with transaction(desk.engine) as session:
        call = lookups.find_call(session, code, lock=True)
        actor = officers.identify(session, desk)
        asked = replace(_ASKED, findings={"exported": _reached(call)})
        return make(session, desk, call, actor, asked).entry


def _reached(call: Call) -> dict[str, object]:
    """Return up to where the register stood: the entry of the export comes next."""
    return {"entries": call.head_seq, "head": call.head_hash}
