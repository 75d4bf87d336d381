"""What does an auditor take away of the register of a call?"""

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from config.logs import log
from models.session import reading, transaction
from models.tables import Call
from models.vocabulary import CallEvent
from workflow.anchors.signatures import Signer
from workflow.desk import Desk
from workflow.errors import RefusedError, SportelloError
from workflow.moves.calls import TABLE
from workflow.services import anchor_lines, lookups, officers, stamping
from workflow.services.anchor_rows import stored
from workflow.services.call_acts import record_refusal
from workflow.services.call_asked import Asked
from workflow.services.call_moves import make
from workflow.services.entries import EntryRef
from workflow.services.export_files import Progress, Wanted, Written, write
from workflow.services.folders import vacant, whole
from workflow.services.log import Examined, examine
from workflow.services.rights import may_add
from workflow.services.signing import signer_after

_ASKED = Asked(CallEvent.EXPORT_REGISTER)
(_MOVE,) = TABLE.of_event(CallEvent.EXPORT_REGISTER)
_ROLES = _MOVE.roles


@dataclass(frozen=True, slots=True)
class Exported:
    """What was taken away, and whether it verified."""

    folder: Path
    entry: EntryRef | None
    """That of the export itself; none where a changed register takes no entry."""
    written: Written
    examined: Examined
    only_read: bool = False
    """It was taken by somebody who can only read, so that no entry was made."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return self.examined.ok and (self.only_read or self.entry is not None)


def export(
    desk: Desk,
    code: str,
    to: Path,
    *,
    only_read: bool = False,
    tell: Progress = lambda _done, _total: None,
) -> Exported:
    """Write the register of a call for whoever audits it (*estrazione del registro*).

    The export is an entry first, and then part of what is exported; unless whoever
    makes it can *only read*, which it says then. A register that does not verify is
    written as it is: an auditor needs it most then.

    Raises:
        InputError: there is something already where it should be written.
        RefusedError: there is no such call, or whoever asks may not.
        UnavailableError: it cannot be written.
    """
    folder = vacant(to)
    _allow(desk, code, only_read=only_read)
    with whole(folder) as place:
        examined, signer = examine(desk, code), _signer(desk)
        entry = None if only_read else _entered(desk, code, examined, signer)
        with reading(desk.engine, verbatim=True) as session:
            wanted = Wanted(
                code,
                entry.seq if entry else None,
                stamping.kept(desk.anchor_files),
                outside=_outside(session, desk),
                signer=signer,
                only_read_at=desk.ambient.now() if only_read else None,
                tell=tell,
            )
            written = write(session, place, wanted)
    log.info("register_exported", call=code, entries=written.entries, ok=examined.ok)
    return Exported(folder, entry, written, examined, only_read)


def _allow(desk: Desk, code: str, *, only_read: bool) -> None:
    """Ask for the role before anything is read; it counts again at the entry."""
    with reading(desk.engine) as session:
        _refuse_unknown(session, code)
        enters = may_add(session)
    if not enters and not only_read:
        raise RefusedError(
            "export.only_read",
            "an export is an entry of the register, and this database, or its user, "
            "can only read it: take it with --without-entry, which the export says "
            "then, or have an officer take it",
        )
    if enters and only_read:
        raise RefusedError(
            "export.entered",
            "whoever can add to the register enters what they export: leave out "
            "--without-entry",
        )
    try:
        with reading(desk.engine) as session:
            actor = officers.identify(session, desk, only_looks=only_read)
            officers.require(actor, *_ROLES)
    except RefusedError as error:
        if enters:
            record_refusal(desk, code, _ASKED, error)
        raise


def _refuse_unknown(session: Session, code: str) -> None:
    """Find the call by its code alone: what else stands there may make no sense."""
    if session.exec(select(Call.id).where(col(Call.code) == code)).first() is None:
        lookups.find_call(session, code)


def _signer(desk: Desk) -> Signer | None:
    """Return the key of the register, if it is here and has signed the last anchor."""
    if desk.anchor_files is None:
        return None
    with reading(desk.engine, verbatim=True) as session:
        last = max(stored(session), key=lambda one: one.number, default=None)
    try:
        return None if last is None else signer_after(desk.anchor_files, last)
    except SportelloError:
        return None  # the export says that its sums are not signed


def _outside(session: Session, desk: Desk) -> bytes | None:
    """Return the file of the anchors, where it is not what the database holds.

    It is held from before anything is read: nobody seals in between.
    """
    files = desk.anchor_files
    if files is None:
        return None
    with anchor_lines.reading(files.lines, patience=desk.patience) as file:
        compared = anchor_lines.compare(file, stored(session))
        if file is None or compared.fault is None:
            return None
        file.seek(0)
        return file.read()


def _entered(
    desk: Desk, code: str, examined: Examined, signer: Signer | None
) -> EntryRef | None:
    """Enter the export in the register; where that does not verify, if it can be.

    What was changed by hand may make anything fail: then the copy is what counts,
    and it says itself that this entry is missing.
    """
    if examined.ok:
        return _enter(desk, code, signer)
    try:
        return _enter(desk, code, signer)
    except (SportelloError, SQLAlchemyError, LookupError, ValueError) as error:
        log.warn("export_not_entered", call=code, cause=type(error).__name__)
        return None


def _enter(desk: Desk, code: str, signer: Signer | None) -> EntryRef:
    with transaction(desk.engine) as session:
        call = lookups.find_call(session, code, lock=True)
        actor = officers.identify(session, desk)
        exported = {**_reached(call), "key": signer.public if signer else None}
        asked = replace(_ASKED, findings={"exported": exported})
        return make(session, desk, call, actor, asked).entry


def _reached(call: Call) -> dict[str, object]:
    """Return up to where the register stood: the entry of the export comes next."""
    return {"entries": call.head_seq, "head": call.head_hash}
