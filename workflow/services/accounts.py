"""Where did the money of a call go, as the register tells it?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from models.session import reading
from models.tables import Call, Fund, Movement
from models.vocabulary import MovementKind
from workflow.desk import Desk
from workflow.moves.words import rome
from workflow.register import act_of
from workflow.rules.amounts import format_money
from workflow.rules.ledgers import Account, Balance, Booking, Change, Origin, account
from workflow.rules.steps import Step
from workflow.services import histories, lookups
from workflow.services.histories import Explanation

_Kept = dict[int, list[tuple[Change, int]]]


_NONE = Step("money.none", "the call", "the procedure of this call gives no money")


def money(desk: Desk, code: str, *, everything: bool = False) -> Explanation:
    """Tell how the money of a call came to stand as it does, movement by movement.

    It reads the entries and the movements kept under them, and holds what they
    add up to against the call as it stands. Reservations made one after the other
    are one step, unless *everything* is asked for.

    Raises:
        RefusedError: there is no such call.
        TamperedError: an entry cannot be read.
    """
    with reading(desk.engine) as session:
        call = lookups.find_call(session, code)
        kept = _kept(session, call.id)
        told = account(_bookings(session, call, kept), grouped=not everything)
        faults = (
            *told.faults,
            *(f"no entry tells of the movements under {seq}" for seq in kept),
            *_differences(session, call, told.balance),
        )
        rules = lookups.rules_of(session, call.id, call.version)
        if "allocation" not in rules.model_fields_set and not faults:
            return Explanation((_NONE,), "there is no money in this call")
        return Explanation(told.steps, _result(call, told, faults), faults)


def _bookings(session: Session, call: Call, kept: _Kept) -> Iterator[Booking]:
    """Return what each entry did to the money; *kept* is used up meanwhile."""
    for entry in histories.carried_out(session, call.id):
        allocation = _allocation(entry)
        money = entry["money"] or {"movements": ()}
        under = tuple(kept.pop(entry["seq"], ()))
        if allocation is None and not money["movements"] and not under:
            continue
        yield Booking(
            seq=entry["seq"],
            when=rome(datetime.fromisoformat(entry["at"])),
            event=entry["event"],
            protocol=entry["protocol"],
            act=act_of(entry),
            allocation=allocation,
            changes=tuple(_change(movement) for movement in money["movements"]),
            kept=under,
            origins=tuple(_origins(entry)),
            after=_balance(money.get("after")),
        )


def _allocation(entry: Mapping[str, Any]) -> int | None:
    """Return the allocation that an entry puts in force.

    A version that takes effect later is announced by one entry and put in force
    by another.
    """
    findings = entry["findings"] or {}
    starts = findings.get("effective_at")
    if entry["application"] is not None or (starts and starts > entry["at"]):
        return None
    allocation = findings.get("allocation")
    return allocation if isinstance(allocation, int) else None


def _change(movement: Mapping[str, Any]) -> Change:
    return Change(
        MovementKind(movement["kind"]), movement["reserved"], movement["granted"]
    )


def _origins(entry: Mapping[str, Any]) -> Iterator[Origin]:
    for fund in (entry["findings"] or {}).get("funded_by", ()):
        yield Origin(fund["entry"], fund["event"], fund["application"], fund["cents"])


def _balance(after: Mapping[str, Any] | None) -> Balance | None:
    if after is None:
        return None
    return Balance(after["allocation"], after["reserved"], after["granted"])


def _kept(session: Session, call: UUID) -> _Kept:
    """Return the movements under each entry, and the residual after each of them."""
    rows = session.exec(
        select(Movement)
        .where(Movement.call_id == call)
        .order_by(col(Movement.entry_seq), col(Movement.ordinal))
    )
    kept: _Kept = defaultdict(list)
    for row in rows:
        change = Change(row.kind, row.reserved, row.granted)
        kept[row.entry_seq].append((change, row.residual))
    return kept


def _differences(session: Session, call: Call, told: Balance) -> Iterator[str]:
    actual = Balance(call.allocation, call.reserved, call.granted)
    if told != actual:
        yield (
            f"the entries add up to {format_money(told.allocation)} allocated, {told}; "
            f"the call has {format_money(actual.allocation)} allocated, {actual}"
        )
    free = session.exec(
        select(func.sum(Fund.free)).where(Fund.call_id == call.id)
    ).first()
    if free is not None and free != actual.residual:
        yield (
            f"the sums still free add up to {format_money(int(free))}, the residual of "
            f"the call is {format_money(actual.residual)}"
        )


def _result(call: Call, told: Account, faults: tuple[str, ...]) -> str:
    balance = told.balance
    result = (
        f"{format_money(balance.allocation)} allocated - "
        f"{format_money(balance.reserved)} reserved - "
        f"{format_money(balance.granted)} granted = "
        f"{format_money(balance.residual)} residual"
    )
    if faults:
        return f"{result}; IT DOES NOT ADD UP: {'; '.join(faults)}"
    if call.waiting:
        result += f"; {format_money(call.waiting)} is asked for without money"
    return f"{result}, which is that of the call"
