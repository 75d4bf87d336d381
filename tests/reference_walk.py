"""Who gets the money of a counter, told again without a line of the product?

A list of dicts, walked from the first to the last: money goes in the order of the
call to whoever is not refused or withdrawn, and what somebody gives back goes to the
next. `Walk` tells it step by step, `final` only from how everything ended.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

_ROME = ZoneInfo("Europe/Rome")
_MOMENT = timedelta(microseconds=1)
_EVER, _NEVER = (datetime(year, 1, 1, tzinfo=UTC) for year in (1970, 2970))


class Walk:
    """The money of a call whose order is the exact instant; amounts in cents."""

    def __init__(
        self,
        money: int,
        *,
        short: str = "waiting_list",
        jumps: bool = False,
        beyond: tuple[str, int] | None = None,
    ) -> None:
        self.money, self.short, self.jumps, self.beyond = money, short, jumps, beyond
        self.rows: list[Row] = []
        self.open: list[tuple[datetime, datetime]] = [(_EVER, _NEVER)]
        """From when until when the counter takes applications in, ends included."""

    # What is said of the money

    @property
    def free(self) -> int:
        """What nobody holds."""
        given = sum(int(row["held"]) + int(row["granted"]) for row in self.rows)
        return self.money - given

    @property
    def waiting(self) -> int:
        """What those ask for who have nothing."""
        return sum(int(row["asked"]) for row in self.queue() if not row["held"])

    @property
    def limit(self) -> int | None:
        """Up to how much may be asked for in all."""
        if self.short == "stop":
            return self.money
        if self.beyond is None:
            return None
        kind, amount = self.beyond
        return self.money + (self.money * amount // 100 if kind == "%" else amount)

    def queue(self) -> list[Row]:
        """Return who still waits for a decision, in order."""
        waiting = (row for row in self.rows if row["open"] and row["place"])
        return sorted(waiting, key=lambda row: row["key"])

    def row(self, name: str) -> Row:
        """Return a row by its name."""
        return next(row for row in self.rows if row["name"] == name)

    # What happens

    def file(
        self, name: str, at: datetime, asked: int, *, less: bool, place: bool
    ) -> str:
        """Take a request in; tell what became of it."""
        row: Row = {
            "name": name,
            "key": (at, len(self.rows)),
            "asked": asked,
            "wanted": asked,
            "less": less,
            "place": place,
            "held": 0,
            "granted": 0,
            "open": True,
        }
        if not place:
            self.rows.append(row)
            return "no place"
        if not any(first <= at <= last for first, last in self.open):
            return "suspended"
        after = [other for other in self.rows if other["key"] > row["key"]]
        after = [other for other in after if other["place"]]
        before = [other for other in self.queue() if other["key"] < row["key"]]
        first = all(other["held"] for other in before)
        kept = [(other, other["held"]) for other in after]
        if after:
            self._make_room(row, first=first)
        taken = self._part(row, alone=first) if first or self.jumps else 0
        if self._is_refused(taken, asked, after):
            for other, held in kept:
                other["held"] = held
            self._suspend(at - _MOMENT)
            return "refused"
        self.rows.append(row)
        if taken:
            row["asked"] = row["held"] = taken
        if self.limit is not None and self._claimed() >= self.limit:
            self._suspend(at)
        if after:
            self.serve()
        return "held" if taken else "waiting"

    def grant(self, name: str, cents: int) -> None:
        """Grant what is held, or less of it."""
        self.row(name).update(held=0, granted=cents, open=False)

    def lower(self, name: str, cents: int) -> None:
        """Leave less of a grant."""
        self.row(name)["granted"] = cents

    def end(self, name: str) -> None:
        """Refuse somebody, or let them withdraw: they keep nothing."""
        self.row(name).update(held=0, granted=0, open=False)

    def refinance(self, money: int) -> None:
        """Give the call more money."""
        self.money = money

    @property
    def suspended(self) -> bool:
        """Whether the counter takes nothing in that comes now."""
        return self.open[-1][1] != _NEVER

    def reopen(self, at: datetime) -> None:
        """Let the counter take applications in again."""
        self.open.append((at, _NEVER))

    def serve(self) -> None:
        """Give what is free to those who have nothing, the first one first."""
        while (row := self._next()) is not None:
            taken = self._part(row, alone=row["first"])
            row["asked"] = row["held"] = taken

    # How

    def _next(self) -> Row | None:
        first = True
        for row in self.queue():
            if row["held"]:
                continue
            row["first"] = first
            if self._part(row, alone=first):
                return row
            if not self.jumps:
                return None
            first = False
        return None

    def _part(self, row: Row, *, alone: bool) -> int:
        if int(row["asked"]) <= self.free:
            return int(row["asked"])
        consents = self.short == "partial" and row["less"] and alone
        return max(0, self.free) if consents else 0

    def _claimed(self) -> int:
        return self.money - self.free + self.waiting

    def _is_refused(self, taken: int, asked: int, after: list[Row]) -> bool:
        """Tell whether those who came before it leave no room for it."""
        stops = self.short == "stop"
        if stops and not taken and not after:
            return True
        limit = self.money if stops else self.limit
        later = sum(
            other["asked"] if other["open"] else other["granted"] for other in after
        )
        wanted: int = taken or asked
        return limit is not None and self._claimed() - later + wanted > limit

    def _suspend(self, last: datetime) -> None:
        """Nobody after the last one who was taken in comes in time any more."""
        if not self.suspended:
            begun, _ = self.open[-1]
            arrived = [row["key"][0] for row in self.rows]
            self.open[-1] = (begun, max([last, begun, *arrived]))

    def _make_room(self, row: Row, *, first: bool) -> None:
        if not first and not self.jumps:
            return
        short, giving = row["asked"] - self.free, []
        for other in reversed(self.queue()):
            if short > 0 and other["held"] and other["key"] > row["key"]:
                giving.append(other)
                short -= other["held"]
        if self.jumps and short > 0:
            return
        for other in giving:
            other.update(held=0, asked=other["wanted"])


def final(rows: list[Row], money: int, order: str = "exact_instant") -> dict[str, int]:
    """Tell who has what once everything is decided.

    Each row says when it came (`at`, `number`), what it `asked`, what is left to it
    if it gets its money (`gets`), and whether it has to get it to be decided at all
    (`needs`). Under the other orders it has a `score`, or its `draw`.
    """
    given = {}
    for row in sorted(rows, key=lambda row: place_in(order, row)):
        if row["needs"] and row["asked"] > money:
            break  # nobody passes it
        given[row["name"]] = row["gets"]
        money -= row["gets"]
    return {name: cents for name, cents in given.items() if cents}


def place_in(order: str, row: Row) -> tuple[Any, ...]:
    """Return what decides who comes first, less being earlier."""
    day = row["at"].astimezone(_ROME).date()
    arrived = (row["at"], row["number"])
    if order == "same_day_merit":
        return (day, -row["score"], *arrived)
    if order == "same_week_draw":
        return (*day.isocalendar()[:2], row["draw"], *arrived)
    return arrived


def drawn(seed: str, protocols: list[str]) -> dict[str, int]:
    """Draw lots: everyone's number is the hash of the seed and their protocol."""
    lots = {sha256(f"{seed}:{name}".encode()).hexdigest(): name for name in protocols}
    return {lots[lot]: rank for rank, lot in enumerate(sorted(lots), start=1)}
