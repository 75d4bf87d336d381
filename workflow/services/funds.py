"""Where does the money come from that somebody is given?

Every sum that can be reserved is a row: the allocation, a refinancing, and
whatever a file sets free. The oldest is used up first. What is free of all of
them is the residual of the call, to the cent.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from models.tables import Application, Call, Fund
from workflow.services.lookups import named


@dataclass(frozen=True, slots=True)
class Source:
    """A part of a sum, in cents, and the entry that made the sum available."""

    entry: int
    event: str
    application: str | None
    cents: int

    def told(self) -> dict[str, str | int | None]:
        """Return what an entry says of it."""
        return {
            "entry": self.entry,
            "event": self.event,
            "application": self.application,
            "cents": self.cents,
        }


def add(  # noqa: PLR0913 - a sum and where it comes from
    session: Session,
    call: Call,
    *,
    entry_seq: int,
    event: str,
    amount: int,
    application_id: UUID | None = None,
) -> None:
    """Make a sum available; the entry of the register that did it names it."""
    if amount:
        session.add(
            Fund(
                call_id=call.id,
                entry_seq=entry_seq,
                event=event,
                application_id=application_id,
                amount=amount,
                free=amount,
            )
        )
        session.flush()


def take(session: Session, call: Call, amount: int) -> tuple[Source, ...]:
    """Use an amount up, the oldest sums first, and tell from where it came."""
    return _used(session, call, amount, newest_first=False)


def shrink(session: Session, call: Call, amount: int) -> None:
    """Take an amount away from what is free: the allocation was lowered."""
    _used(session, call, amount, newest_first=True)


def _used(
    session: Session, call: Call, amount: int, *, newest_first: bool
) -> tuple[Source, ...]:
    order = col(Fund.entry_seq).desc() if newest_first else col(Fund.entry_seq)
    query = (
        select(Fund)
        .where(Fund.call_id == call.id)
        .where(col(Fund.free) > 0)
        .order_by(order)
    )
    sources, missing = [], amount
    for fund in session.exec(query):
        if not missing:
            break
        cents = min(missing, fund.free)
        fund.free -= cents
        missing -= cents
        session.add(fund)
        sources.append(_source(session, fund, cents))
    if missing:
        message = f"{missing} cents of call {call.code} come from nowhere"
        raise AssertionError(message)
    return tuple(sources)


def _source(session: Session, fund: Fund, cents: int) -> Source:
    freed = (
        session.get_one(Application, fund.application_id)
        if fund.application_id
        else None
    )
    return Source(
        fund.entry_seq, fund.event, named(freed) if freed is not None else None, cents
    )
