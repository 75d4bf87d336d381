"""Up to which entry does the register go, at an instant somebody names?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.tables import Call, RegisterEntry
from models.vocabulary import Outcome
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.moves.words import rome
from workflow.services import histories
from workflow.services.chronicles import Chronicle


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody asks about: an instant, or right after an entry."""

    at: datetime | None = None
    seq: int | None = None
    since: datetime | None = None
    """Where a whole day is meant: its first instant. Of today it is now."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a chain is cut: the entries up to *seq* had been written by then."""

    seq: int
    at: datetime


def cut(session: Session, desk: Desk, call: Call, moment: Moment) -> Cut:
    """Return where the chain of a call is cut at a moment.

    Entries of that very instant are within.

    Raises:
        RefusedError: the moment is still to come, or before the first entry.
    """
    found = cut_or_nothing(session, desk, call, moment)
    if found.seq:
        return found
    first = _entry(session, call.id, 0)
    raise RefusedError(
        "moment.too_early",
        f"the register of {call.code} had no entry yet at {rome(found.at)} (Rome)"
        + (f": it begins at {rome(first.at)}" if first else ""),
    )


def cut_or_nothing(session: Session, desk: Desk, call: Call, moment: Moment) -> Cut:
    """Return the same; before the first entry it is cut at 0.

    Raises:
        RefusedError: the moment is still to come.
    """
    last = _last(session, call.id)
    if moment.seq is not None:
        return Cut(moment.seq, _at_entry(session, call, moment.seq))
    assert moment.at is not None  # noqa: S101 - it is, without a number
    ends = max(desk.ambient.now(), last.at) if last else desk.ambient.now()
    at = moment.at
    if moment.since is not None and moment.since <= ends:
        at = min(at, ends)
    if at > ends:
        raise RefusedError(
            "moment.future",
            f"{rome(at)} (Rome) is still to come, it is {rome(ends)}: the "
            "register tells only what has happened; `sportello forecast` looks ahead",
        )
    return Cut(last_by(session, call.id, at), at)


def _at_entry(session: Session, call: Call, seq: int) -> datetime:
    found = _entry(session, call.id, seq)
    if found is None or found.seq != seq:
        last = _last(session, call.id)
        raise RefusedError(
            "entry.unknown",
            f"{call.code} has no entry {seq}; the last one is {last.seq if last else 0}"
            f": see `sportello log show {call.code}`",
        )
    at: datetime = found.at
    return at


def last_by(session: Session, call: UUID, instant: datetime) -> int:
    """Return the number of the last entry not later than an instant; 0 if none is.

    The register is never dated back, so that a search by halves finds it: a few
    looks by the key, and no index on the instant.
    """
    head = _last(session, call)
    low, high = 0, head.seq if head else 0
    while low < high:
        middle = (low + high + 1) // 2
        found = _entry(session, call, middle)
        if found is not None and found.at <= instant:
            low = found.seq
        else:
            high = middle - 1
    return int(low)


def _entry(session: Session, call: UUID, seq: int) -> Any:  # noqa: ANN401 - a row
    """Return the number and the instant of an entry, or of the first after it."""
    query = (
        select(RegisterEntry.seq, RegisterEntry.at)
        .where(RegisterEntry.call_id == call)
        .where(col(RegisterEntry.seq) >= seq)
        .order_by(col(RegisterEntry.seq))
        .limit(1)
    )
    return session.exec(query).first()


def _last(session: Session, call: UUID) -> Any:  # noqa: ANN401 - a row
    query = (
        select(RegisterEntry.seq, RegisterEntry.at)
        .where(RegisterEntry.call_id == call)
        .order_by(col(RegisterEntry.seq).desc())
        .limit(1)
    )
    return session.exec(query).first()


def told_until(session: Session, call: Call, seq: int) -> Chronicle:
    """Add up the entries of a call, up to one of them.

    Raises:
        TamperedError: an entry cannot be read.
    """
    chronicle = Chronicle(call.code)
    for body in histories.between(session, call.id, after=0, until=seq):
        chronicle.feed(body)
    return chronicle


def told_of_file(
    session: Session, call: Call, application: UUID, seq: int
) -> tuple[Chronicle, list[dict[str, Any]]]:
    """Add up the entries of one application, and those of the call itself.

    The others are not read; the money of the call is that of the last entry that
    tells it. The entries of the application come with it, the refused ones too.
    """
    chronicle, own = Chronicle(call.code), []
    for body in histories.of_file_and_call(session, call.id, application, until=seq):
        if body["application"] is not None:
            own.append(body)
        if body["outcome"] == Outcome.OK:
            chronicle.feed(body)
    chronicle.reserved, chronicle.granted = money_at(session, call.id, seq)
    return chronicle, own


def money_at(session: Session, call: UUID, seq: int) -> tuple[int, int]:
    """Return what was reserved and granted: the last move of any file tells it."""
    body = histories.last_with_money(session, call, until=seq)
    if body is None:
        return 0, 0
    after = body["money"]["after"]
    return after["reserved"], after["granted"]
