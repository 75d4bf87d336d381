"""What happened in a call on which day, and what must a report say of it?

It asks no rule of the product: what is added up here is what a model has foreseen.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

EXITS = {"not_receivable", "inadmissible", "rejected", "unfunded"}
REFUSED = frozenset(EXITS)
EXITS |= {"withdrawn", "lapsed", "revoked", "annulled", "expired", "removed"}

Period = tuple[date | None, date | None]
"""The first day and the last, both within; none means that there is no such end."""

ALWAYS: Period = (None, None)


def euros(cents: int) -> str:
    """Write an amount as scripts read it."""
    return f"{cents // 100}.{cents % 100:02}"


@dataclass(frozen=True)
class Reported:
    """What a report says of one call."""

    figures: Mapping[str, str]
    standing: Mapping[str, int]
    """How many applications stand where."""
    months: Mapping[str, tuple[str, str]]
    """What was submitted in each month, and granted."""


def from_json(told: Mapping[str, Any]) -> Reported:
    """Read what a report tells scripts of a call."""
    money = told["money"] or {}
    figures = {
        **{key: told[key] for key in ("submitted", "admitted", "refused")},
        **{state: count for state, count in told["exits"].items() if count},
        **({"waiting": told["waiting"]} if money else {}),
        **money,
    }
    return Reported(
        {key: "" if value is None else str(value) for key, value in figures.items()},
        told["standing"],
        {
            one["month"]: (str(one["submitted"]), one["granted"] or "")
            for one in told["months"]
        },
    )


def from_csv(text: str, code: str) -> Reported:
    """Read what a report tells spreadsheets of a call."""
    rows = [row[1:4] for row in csv.reader(text.splitlines()) if row[0] == code]
    granted = dict(row[1:] for row in rows if row[0] == "granted_in")
    return Reported(
        {
            figure: value
            for figure, detail, value in rows
            if detail in {"in the period", "at the end"}
        },
        {state: int(count) for told, state, count in rows if told == "standing"},
        {
            month: (count, granted.get(month, ""))
            for told, month, count in rows
            if told == "submitted_in"
        },
    )


@dataclass
class Journal:
    """What happened on which day."""

    today: Callable[[], date]
    lines: list[tuple[date, str, int]] = field(default_factory=list)

    @property
    def days(self) -> list[date]:
        """Return each day on which something happened."""
        return sorted({day for day, _, _ in self.lines})

    def note(self, what: str, amount: int = 1) -> None:
        """Write down what happened today: how much, or how often."""
        self.lines.append((self.today(), what, amount))

    def within(self, period: Period) -> Iterator[tuple[date, str, int]]:
        """Return what happened in a period."""
        first, last = period
        for line in self.lines:
            if (first or line[0]) <= line[0] <= (last or line[0]):
                yield line

    def sums(self, period: Period) -> Counter[str]:
        """Add up how much of each happened."""
        summed: Counter[str] = Counter()
        for _, what, amount in self.within(period):
            summed[what] += amount
        return summed

    def counts(self, period: Period) -> dict[str, str]:
        """Return how many did what, and by which exits they left."""
        summed = self.sums(period)
        left = {state: summed[state] for state in EXITS if summed[state]}
        counted = {
            "submitted": summed["submitted"],
            "admitted": summed["admitted"],
            "refused": sum(count for state, count in left.items() if state in REFUSED),
            **left,
        }
        return {key: str(count) for key, count in counted.items()}

    def money(self, period: Period) -> dict[str, str]:
        """Return what was granted to how many, and what became of it."""
        summed = self.sums(period)
        grantees = {who for _, what, who in self.within(period) if what == "grantee"}
        granted, count = summed["granted"], len(grantees)
        moved = ("requested", "granted", "redetermined", "released", "to_recover")
        return {
            **{key: euros(summed[key]) for key in (*moved, "recovered")},
            "grants": str(summed["grants"]),
            "undertakings": str(count),
            "supported_members": str(count),
            # Half a cent is rounded up.
            "mean_grant": euros((2 * granted + count) // (2 * count)) if count else "",
        }

    def months(self, period: Period, *, with_money: bool) -> dict[str, tuple[str, str]]:
        """Return what was submitted in each month, and granted if there is money."""
        found: dict[str, Counter[str]] = {}
        for day, what, amount in self.within(period):
            if what in {"submitted", "granted"}:
                found.setdefault(f"{day:%Y-%m}", Counter())[what] += amount
        return {
            month: (str(one["submitted"]), euros(one["granted"]) if with_money else "")
            for month, one in found.items()
        }
