"""Where did the money of a call go, from its allocation to what is left?

Pure: it adds up what the entries say and holds it against what is kept beside
them. Amounts are whole euro cents.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from models.vocabulary import Event, MovementKind
from workflow.rules.amounts import format_money
from workflow.rules.steps import Step


@dataclass(frozen=True, slots=True)
class Balance:
    """How the money of a call stands."""

    allocation: int = 0
    reserved: int = 0
    granted: int = 0

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted

    def __str__(self) -> str:
        return (
            f"reserved {format_money(self.reserved)}, "
            f"granted {format_money(self.granted)}, "
            f"residual {format_money(self.residual)}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """By how much one movement (*movimento*) moved the totals."""

    kind: MovementKind
    reserved: int
    granted: int


@dataclass(frozen=True, slots=True)
class Origin:
    """A sum set free before, from which a promotion took its money."""

    seq: int
    event: str
    protocol: str | None
    amount: int

    def __str__(self) -> str:
        of = f" of {self.protocol}" if self.protocol else ""
        return f"{format_money(self.amount)} from {self.event}{of} (entry {self.seq})"


@dataclass(frozen=True, slots=True)
class Booking:
    """What one entry of the register did to the money of the call."""

    seq: int
    when: str
    event: str
    protocol: str | None = None
    act: str | None = None
    allocation: int | None = None
    """The allocation from here on, if the entry changes it."""
    changes: tuple[Change, ...] = ()
    kept: tuple[tuple[Change, int], ...] = ()
    """The movements kept under the entry, each with the residual after it."""
    origins: tuple[Origin, ...] = ()
    after: Balance | None = None
    """How the money stood afterwards, as the entry says."""

    @property
    def is_plain(self) -> bool:
        """Tell whether it is one of the many reservations made at the filing."""
        kinds = [change.kind for change in self.changes]
        return self.event == Event.SUBMIT and kinds == [MovementKind.RESERVE]


@dataclass(frozen=True, slots=True)
class Account:
    """The movements in words (*estratto conto*), and what does not add up."""

    steps: tuple[Step, ...]
    balance: Balance
    faults: tuple[str, ...]


def account(bookings: Iterable[Booking], *, grouped: bool) -> Account:
    """Tell where the money went, entry by entry, with the running totals.

    *grouped* puts the reservations that were made one after the other at the
    filing together in one line.
    """
    balance = Balance()
    steps: list[Step] = []
    faults: list[str] = []
    for run in _runs(bookings, grouped=grouped):
        before = balance
        for booking in run:
            faults += _faults(booking, balance)
            balance = _booked(booking, balance)
        steps += [
            _step(run[0], before, balance) if len(run) == 1 else _run(run, balance)
        ]
    return Account(tuple(steps), balance, tuple(faults))


def _runs(
    bookings: Iterable[Booking], *, grouped: bool
) -> Iterator[tuple[Booking, ...]]:
    for plain, run in groupby(bookings, lambda booking: booking.is_plain):
        if plain and grouped:
            yield tuple(run)
        else:
            yield from ((booking,) for booking in run)


def _booked(booking: Booking, balance: Balance) -> Balance:
    allocation = booking.allocation
    return Balance(
        balance.allocation if allocation is None else allocation,
        balance.reserved + sum(change.reserved for change in booking.changes),
        balance.granted + sum(change.granted for change in booking.changes),
    )


def _faults(booking: Booking, before: Balance) -> Iterator[str]:
    after = _booked(booking, before)
    if booking.after is not None and booking.after != after:
        yield (
            f"entry {booking.seq} says that afterwards the allocation is "
            f"{format_money(booking.after.allocation)}, {booking.after}; it adds up to "
            f"{format_money(after.allocation)}, {after}"
        )
    if tuple(change for change, _ in booking.kept) != booking.changes:
        yield f"the movements kept under entry {booking.seq} are not those it tells of"
    elif booking.kept and booking.kept[-1][1] != after.residual:
        yield (
            f"the movements kept under entry {booking.seq} leave "
            f"{format_money(booking.kept[-1][1])}; it adds up to "
            f"{format_money(after.residual)}"
        )
    taken = sum(origin.amount for origin in booking.origins)
    reserved = sum(change.reserved for change in booking.changes)
    if booking.origins and taken != reserved:
        yield (
            f"entry {booking.seq} reserves {format_money(reserved)} and names sums of "
            f"{format_money(taken)} that it took it from"
        )


def _step(booking: Booking, before: Balance, after: Balance) -> Step:
    said = [_said(change, booking) for change in booking.changes]
    if booking.allocation is not None:
        said.insert(0, _allocated(before.allocation, after.allocation))
    if booking.origins:
        said.append(f"paid by {', '.join(map(str, booking.origins))}")
    kind = booking.changes[0].kind if booking.changes else "allocation"
    promoted = booking.event == Event.PROMOTE or bool(booking.origins)
    act = f", {booking.act}" if booking.act else ""
    return Step(
        f"money.{'promote' if promoted else kind}",
        f"entry {booking.seq} of {booking.when}, {booking.event}{act}",
        f"{'; '.join(said)}; {after}",
    )


def _run(run: tuple[Booking, ...], after: Balance) -> Step:
    first, last = run[0], run[-1]
    total = sum(change.reserved for booking in run for change in booking.changes)
    return Step(
        "money.reserve",
        f"entries {first.seq} of {first.when} to {last.seq} of {last.when}, "
        f"{first.event}",
        f"{format_money(total)} reserved for {len(run)} filed one after the other, "
        f"{first.protocol} to {last.protocol}; {after}",
    )


def _allocated(before: int, after: int) -> str:
    if not before:
        return f"{format_money(after)} allocated"
    return f"the allocation goes from {format_money(before)} to {format_money(after)}"


def _said(change: Change, booking: Booking) -> str:
    name = booking.protocol or "the call"
    reserved, granted = (
        format_money(abs(part)) for part in (change.reserved, change.granted)
    )
    if change.kind is MovementKind.RESERVE:
        return f"{reserved} reserved for {name}"
    if change.kind is MovementKind.GRANT:
        freed = format_money(-change.reserved - change.granted)
        return f"{granted} granted to {name} of {reserved} reserved: {freed} set free"
    if change.kind is MovementKind.REDETERMINE:
        return f"the grant of {name} lowered by {granted}: set free"
    verb = "recovered from" if change.kind is MovementKind.RECOVER else "set free by"
    held = [
        f"{amount} {word}"
        for amount, word, part in (
            (reserved, "reserved", change.reserved),
            (granted, "granted", change.granted),
        )
        if part
    ]
    return f"{' and '.join(held) or format_money(0)} {verb} {name}"
