"""When is the register sealed, and how?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from config.logs import log
from models.session import reading, transaction
from models.tables import Anchor, Call, Installation
from models.vocabulary import MemoKind, Role
from workflow.anchors.gaps import Span
from workflow.anchors.manifests import (
    Head,
    Missed,
    Rotated,
    Setting,
    Signed,
    line,
    make,
)
from workflow.desk import SOFTWARE, Desk
from workflow.errors import RefusedError, TamperedError
from workflow.facts import Hands
from workflow.rules.calendar import ONE_DAY, civil_day, start_of_day
from workflow.services import (
    anchor_lines,
    keys,
    lookups,
    memos,
    office,
    officers,
    rosters,
)
from workflow.services.anchor_rows import stored
from workflow.services.clocks import agreed
from workflow.services.signing import places, signer_after, successor_of
from workflow.staff import OFFICE

MAY_EXPLAIN = (Role.ADMINISTRATOR, Role.MANAGER)
"""Who may say why a day went without an anchor, and who may change the key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How an anchor is to be made."""

    if_due: bool = False
    """Only if none was made today."""
    new_key: bool = False
    """From this one on with another key."""
    lost: bool = False
    """The key so far is gone: it cannot endorse the new one."""
    missed: tuple[Span, ...] = ()
    """Spans whose days without an anchor are explained in this one."""
    because: str = ""


def is_due(desk: Desk) -> bool:
    """Tell whether today, in Rome, nothing was sealed yet and there is something."""
    if desk.anchor_files is None:
        return False
    with reading(desk.engine) as session:
        if session.exec(select(Call.id).limit(1)).first() is None:
            return False
        last = session.exec(
            select(Anchor.at).order_by(col(Anchor.number).desc()).limit(1)
        ).first()
        return _is_before_today(session, desk, last)


def seal_day(desk: Desk) -> Signed | None:
    """Make the anchor of today, unless it is there.

    Raises:
        RefusedError: there is no key here, or another one.
        TamperedError: the file holds other anchors than the database.
        UnavailableError: the file cannot be written.
    """
    return _seal(desk, Asked(if_due=True))


def seal(desk: Desk) -> Signed:
    """Say where every chain stands, sign it, and keep it in two places (*ancora*).

    Raises:
        RefusedError: there is no key here, or another one.
        TamperedError: the file holds other anchors than the database.
        UnavailableError: the file cannot be written.
    """
    return _asked(desk, Asked())


def rotate(desk: Desk, *, because: str, lost: bool = False) -> Signed:
    """Seal with a new key, which the one before endorses unless it is *lost*.

    Who changed it and why is signed with it: whoever trusts the first key has to
    believe that the second is its successor.

    Raises:
        RefusedError: whoever asks has no role for it; else as for any anchor.
        InputError: the reason cannot be read.
    """
    lookups.refuse_unwritable("because", because, lookups.LONGEST_REASON)
    return _asked(desk, Asked(new_key=True, lost=lost, because=because))


def explain(desk: Desk, spans: Sequence[Span], *, because: str) -> Signed:
    """Say in a new anchor why days went without one: they are no fault any more.

    Of a span it is the days in it that were missed. They are still told, and by whom
    and why they were explained is signed.

    Raises:
        RefusedError: no day of a span was missed, or whoever asks has no role for it;
            else as for any anchor.
        InputError: the reason cannot be read.
    """
    lookups.refuse_unwritable("because", because, lookups.LONGEST_REASON)
    return _asked(desk, Asked(missed=tuple(spans), because=because))


def _asked(desk: Desk, asked: Asked) -> Signed:
    made = _seal(desk, asked)
    if made is None:
        raise AssertionError  # only what is asked for if due may be left undone
    return made


def _seal(desk: Desk, asked: Asked) -> Signed | None:
    files = places(desk)
    # The file is held from before the commit until its line is there: whoever
    # compares the two waits, and lines come in the order of their numbers.
    with anchor_lines.writing(files.lines, patience=desk.patience) as file:
        with transaction(desk.engine) as session:
            _wait_for_others(session)
            anchors = tuple(stored(session))
            compared = anchor_lines.compare(file, anchors)
            anchor_lines.refuse(files.lines, compared)
            missed = _missed(session, desk, anchors, asked)
            last = anchors[-1] if anchors else None
            made = _make(session, desk, last, asked, missed)
        if compared.rest:
            log.warn(
                "anchors_written_again",
                file=str(files.lines),
                first=compared.first,
                last=compared.last,
            )
        rest = compared.rest + (line(made) if made else b"")
        if rest:
            anchor_lines.append(files.lines, file, rest)
        if asked.new_key:
            keys.put_in_force(files.key)
    if made is not None:
        log.info("register_sealed", number=made.number, hash=made.hash)
    return made


def _wait_for_others(session: Session) -> None:
    """Let one at a time seal: SQLite lets no other write anyway."""
    query = select(Installation).where(Installation.id == 1)
    session.exec(query.with_for_update()).one()


def _missed(
    session: Session, desk: Desk, anchors: Sequence[Signed], asked: Asked
) -> tuple[Missed, ...]:
    """Return what is to be said of days without an anchor, if anything."""
    if not asked.missed:
        return ()
    actor = _in_own_right(session, desk)
    last = civil_day(agreed(session, desk)) - ONE_DAY
    sealed = {_day(one) for one in anchors}
    days: dict[date, Missed] = {}
    for span in asked.missed:
        within = Span(max(span.first, min(sealed, default=last)), min(span.last, last))
        found = [day for day in within.days() if day not in sealed]
        if not sealed or not found:
            raise RefusedError(
                "anchor.not_missed",
                f"no day without an anchor is to be explained {span}: `sportello log "
                "verify` names those that are",
                {"day": span.first.isoformat(), "until": span.last.isoformat()},
            )
        days |= {day: Missed(day, asked.because, str(actor.id)) for day in found}
    return tuple(days.values())


def _in_own_right(session: Session, desk: Desk) -> officers.Actor:
    """Return who explains: an anchor has no place for on whose behalf.

    Raises:
        RefusedError: they hold no role for it themselves.
    """
    actor = officers.identify(session, desk)
    own = actor.hands.roles - actor.hands.behalf.keys()
    officers.require(replace(actor, hands=Hands(own, actor.id)), *MAY_EXPLAIN)
    return actor


def _rotated(session: Session, desk: Desk, asked: Asked) -> Rotated | None:
    """Return what is to be said of a change of the key, if it is one."""
    if not asked.new_key:
        return None
    actor = _in_own_right(session, desk)
    return Rotated(asked.because, str(actor.id))


def _make(
    session: Session,
    desk: Desk,
    last: Signed | None,
    asked: Asked,
    missed: tuple[Missed, ...],
) -> Signed | None:
    before = None if last is None else _instant(last)
    if asked.if_due and not _is_before_today(session, desk, before):
        return None
    files = places(desk)
    rotated = _rotated(session, desk, asked)
    if asked.new_key:
        signer, old = successor_of(files, last, lost=asked.lost)
    else:
        signer, old = signer_after(files, last), None
    # One statement: all chains are seen at one and the same moment.
    rows = session.exec(
        select(Call.code, Call.head_seq, Call.head_hash, Call.last_instant)
    ).all()
    instants = (row[3] for row in rows)
    at = _latest(agreed(session, desk), (before, *instants))
    heads = [Head(row[0], row[1], row[2]) for row in rows]
    if (staff := office.head(session)) is not None:
        heads.append(Head(OFFICE, *staff))
    setting = Setting(at, SOFTWARE, desk.ambient.simulated, missed, rotated)
    made = make(heads, setting, signer, last=last, old=old)
    session.add(_row(made, at))
    _tell_auditors(session, desk, made)
    return made


def _tell_auditors(session: Session, desk: Desk, made: Signed) -> None:
    """Write the line of an anchor to the auditors: one more place to keep it in."""
    for login, address in rosters.addresses(session, Role.AUDITOR):
        memos.write(
            session,
            desk,
            MemoKind.ANCHOR,
            cause=f"anchor {made.number} {login}",
            recipient=address,
            subject=f"sportello: anchor {made.number} of the register",
            body=line(made).decode(),
        )


def _row(made: Signed, at: datetime) -> Anchor:
    return Anchor(
        number=made.number,
        at=at,
        hash=made.hash,
        body=made.body,
        key=made.key,
        signature=made.signature,
        endorsement=made.endorsement,
    )


def _latest(now: datetime, others: Iterable[datetime | None]) -> datetime:
    """Return now, or the last instant that is written: neither chain goes back."""
    return max([now, *(one for one in others if one is not None)])


def _is_before_today(session: Session, desk: Desk, last: datetime | None) -> bool:
    return last is None or last < start_of_day(civil_day(agreed(session, desk)))


def _instant(anchor: Signed) -> datetime:
    try:
        return datetime.fromisoformat(anchor.at)
    except ValueError:
        raise _damaged(anchor) from None


def _day(anchor: Signed) -> date:
    try:
        return civil_day(_instant(anchor))
    except OverflowError:
        raise _damaged(anchor) from None


def _damaged(anchor: Signed) -> TamperedError:
    return TamperedError(
        "anchors.damaged",
        f"the instant of anchor {anchor.number} makes no sense: somebody has changed "
        "it; look at `sportello log verify` and call the auditor",
    )
