"""How did a call, its queue or an application stand at an instant?

From the register alone: its entries up to then are added up, and read under the
rules whose hash they name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlmodel import Session, select

from models.session import reading
from models.tables import Call
from models.vocabulary import Cents, Event
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.facts import MoneyFacts
from workflow.moves.words import rome
from workflow.services import histories, lookups, moments
from workflow.services.calls import CallView
from workflow.services.chronicles import Chronicle
from workflow.services.moments import Cut, Moment
from workflow.services.past_calls import call_of, queue_of
from workflow.services.past_files import PastFile, key_of
from workflow.services.queues import QueueView

_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True)
class Past(Generic[_Seen]):
    """Something as it stood, and after which entry."""

    seen: _Seen
    cut: Cut


@dataclass(frozen=True, slots=True)
class PastMovement:
    """A movement of money as its entry tells it, in cents."""

    seq: int
    at: str
    kind: str
    reserved: int
    granted: int
    residual: int
    """What was left of the allocation afterwards."""


@dataclass(frozen=True, slots=True)
class FileView:
    """An application as the register tells it; money in cents."""

    file: PastFile
    call: str
    money: MoneyFacts
    """That of the call."""
    position: int | None
    """Its place in the order of arrival; a draft has none."""
    filed: int
    """How many had been filed by then."""
    entries: tuple[Mapping[str, Any], ...]
    """All about it, the refused ones too."""

    @property
    def earlier_waiting(self) -> int | None:
        """How many before it held a place, when it was last moved in its turn."""
        told = (
            entry["order"]["earlier_waiting"]
            for entry in reversed(self.entries)
            if entry["order"] and "earlier_waiting" in entry["order"]
        )
        return next(told, None)

    @property
    def movements(self) -> tuple[PastMovement, ...]:
        """The movements of its money, in their order."""
        return tuple(one for entry in self.entries for one in _movements(entry))


def _movements(entry: Mapping[str, Any]) -> Iterator[PastMovement]:
    if not entry["money"]:
        return
    left = entry["money"]["before"]["residual"]
    for told in entry["money"]["movements"]:
        reserved, granted = told["reserved"], told["granted"]
        left -= reserved + granted
        yield PastMovement(
            entry["seq"], entry["at"], told["kind"], reserved, granted, left
        )


def is_call(desk: Desk, name: str) -> bool:
    """Tell whether somebody means a call, and not an application."""
    with reading(desk.engine) as session:
        return (
            session.exec(select(Call.id).where(Call.code == name)).first() is not None
        )


def queue(desk: Desk, code: str, moment: Moment) -> Past[QueueView]:
    """Return who waited for a grant at a moment: who was next, who blocked whom.

    Raises:
        RefusedError: no such call, or the register tells nothing of that moment.
        TamperedError: an entry cannot be read.
    """
    with _told(desk, code, moment) as told:
        return Past(told.queue(), told.cut)


def call(desk: Desk, code: str, moment: Moment) -> Past[CallView]:
    """Return a call as it stood at a moment.

    Raises:
        RefusedError: no such call, or the register tells nothing of that moment.
        TamperedError: an entry cannot be read.
    """
    with _told(desk, code, moment) as told:
        return Past(told.call(), told.cut)


def both(desk: Desk, code: str, moment: Moment) -> Past[tuple[CallView, QueueView]]:
    """Return a call and its queue as they stood at a moment.

    Raises:
        RefusedError: no such call, or the register tells nothing of that moment.
        TamperedError: an entry cannot be read.
    """
    with _told(desk, code, moment) as told:
        return Past((told.call(), told.queue()), told.cut)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the entries of a call add up to, at a moment."""

    session: Session
    row: Call
    chronicle: Chronicle
    cut: Cut

    def call(self) -> CallView:
        return call_of(self.session, self.row, self.chronicle, self.cut)

    def queue(self) -> QueueView:
        return queue_of(self.session, self.row, self.chronicle, self.cut.at)


@contextmanager
def _told(desk: Desk, code: str, moment: Moment) -> Iterator[_Told]:
    """Add the entries of a call up, from the first one to a moment."""
    with reading(desk.engine) as session:
        row = lookups.find_call(session, code)
        cut = moments.cut(session, desk, row, moment)
        yield _Told(session, row, moments.told_until(session, row, cut.seq), cut)


def file(desk: Desk, name: str, moment: Moment) -> Past[FileView]:
    """Return an application as it stood at a moment.

    Raises:
        RefusedError: no such application, or it was not there at that moment.
        TamperedError: an entry cannot be read.
    """
    with reading(desk.engine) as session:
        row = lookups.find_application(session, name)
        its_call = session.get_one(Call, row.call_id)
        found = moments.cut(session, desk, its_call, moment)
        chronicle, own = moments.told_of_file(session, its_call, row.id, found.seq)
        told = chronicle.files.get(str(row.id))
        if told is None:
            raise RefusedError(
                "moment.too_early",
                f"{name} was not there yet at {rome(found.at)} (Rome), after entry "
                f"{found.seq} of {its_call.code}; see `sportello log show {name}`",
            )
        position, filed = _position(session, its_call.id, told, found.seq)
        money = MoneyFacts(
            Cents(chronicle.allocation),
            Cents(chronicle.reserved),
            Cents(chronicle.granted),
        )
        view = FileView(told, its_call.code, money, position, filed, tuple(own))
        return Past(view, found)


def _position(
    session: Session, call_id: UUID, told: PastFile, seq: int
) -> tuple[int | None, int]:
    """Return the place in the order of arrival, and how many had arrived."""
    filed, earlier = 0, 0
    for body in histories.of_event(session, call_id, Event.SUBMIT, until=seq):
        filed += 1
        earlier += told.key is not None and key_of(body["order"]) < told.key
    return (None if told.key is None else earlier + 1), filed
