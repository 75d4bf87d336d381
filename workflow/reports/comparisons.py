"""How does what a plan says stand beside what the register adds up to?

Where the two say something else, both are shown: nobody here knows which is right.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP as _HALF_UP
from decimal import Decimal

from config.indicators import (
    UNKNOWN,
    Indicator,
    Measure,
    Plan,
    Quotient,
    Reading,
    Unit,
)
from config.schema import Conflict, Statement
from workflow.rules.amounts import mean
from workflow.rules.calendar import italian_date

REGISTER = "the register"
"""Who says what was added up here."""

_EUROS: Mapping[Unit, Decimal] = {
    Unit.EUROS: Decimal(1),
    Unit.MILLION_EUROS: Decimal(1_000_000),
}
_SIGNS: Mapping[Unit, str] = {
    Unit.NUMBER: "",
    Unit.EUROS: " \N{EURO SIGN}",
    Unit.MILLION_EUROS: " M\N{EURO SIGN}",
}
_TENTH, _CENT = Decimal("0.1"), Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Derived:
    """What the register adds up to, from the beginning of a period to a day."""

    granted: int
    """In cents."""
    undertakings: int

    def of(self, indicator: Indicator) -> Decimal | None:
        """Return the figure that measures an indicator, in its unit."""
        if indicator.measure is Measure.UNDERTAKINGS:
            return Decimal(self.undertakings)
        cents: int | None = self.granted
        if indicator.measure is Measure.MEAN_GRANT:
            cents = mean(self.granted, self.undertakings)
        if indicator.measure is None or cents is None:
            return None
        return Decimal(cents) / 100 / _EUROS[indicator.unit]


@dataclass(frozen=True, slots=True)
class Beside:
    """A value of the plan, and what the register has for the same day."""

    reading: Reading
    derived: Decimal | None
    """None where it says nothing: nobody measures it here, or not so far back."""

    @property
    def disagrees(self) -> bool:
        """Tell whether both say something, and not the same.

        Compared with as many decimals as the plan writes.
        """
        value = self.reading.value
        if value is None or self.derived is None:
            return False
        return self.derived.quantize(value, _HALF_UP) != value


@dataclass(frozen=True, slots=True)
class Line:
    """An indicator with its values, and the register's beside them."""

    indicator: Indicator
    values: tuple[Beside, ...]
    derived: Decimal | None
    """At the end of the period."""

    @property
    def latest(self) -> Reading | None:
        """The last value that is known."""
        known = [one.reading for one in self.values if one.reading.value is not None]
        return known[-1] if known else None

    @property
    def reached(self) -> Decimal | None:
        """How much of the target (*quota del target*) that is, in percent."""
        target, latest = self.indicator.target, self.latest
        if not target or latest is None or latest.value is None:
            return None
        return (latest.value * 100 / target).quantize(_TENTH, _HALF_UP)


@dataclass(frozen=True, slots=True)
class Divided:
    """A quotient of two indicators, day by day."""

    quotient: Quotient
    values: tuple[tuple[date, Decimal | None], ...]
    """None where one of the two is not known, or nothing can be divided by it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan beside the register."""

    plan: Plan
    lines: tuple[Line, ...]
    quotients: tuple[Divided, ...]

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """What the register says otherwise, and what sources say otherwise."""
        return (*self.plan.conflicts, *_disagreements(self.lines))


def days_of(plan: Plan) -> tuple[date, ...]:
    """Return the days on which something of a plan was measured."""
    return tuple(sorted({one.on for line in plan.indicators for one in line.values}))


def compare(
    plan: Plan, then: Mapping[date, Derived], at_end: Derived | None
) -> Compared:
    """Put a plan beside what the register adds up to on its days, and at the end.

    A day of which the register knows nothing is not among them; where there is no
    money it knows nothing of the end either.
    """
    lines = tuple(_line(one, then, at_end) for one in plan.indicators)
    by_code = {one.code: one for one in plan.indicators}
    divided = tuple(
        Divided(one, tuple(_divided(by_code[one.dividend], by_code[one.divisor])))
        for one in plan.quotients
    )
    return Compared(plan, lines, divided)


def written(value: Decimal | None, unit: Unit) -> str:
    """Write a figure of an indicator with its unit, as people read it."""
    if value is None:
        return UNKNOWN
    return f"{value:f}{_SIGNS[unit]}"


def rounded(value: Decimal) -> Decimal:
    """Return what was added up with two decimals at most, for people."""
    return value if value == value.to_integral() else value.quantize(_CENT, _HALF_UP)


def _line(
    indicator: Indicator, then: Mapping[date, Derived], end: Derived | None
) -> Line:
    values = (
        Beside(one, then[one.on].of(indicator) if one.on in then else None)
        for one in indicator.values
    )
    return Line(indicator, tuple(values), end.of(indicator) if end else None)


def _divided(
    dividend: Indicator, divisor: Indicator
) -> Iterator[tuple[date, Decimal | None]]:
    others = {one.on: one.value for one in divisor.values}
    for one in dividend.values:
        other = others.get(one.on)
        if one.on not in others:
            continue
        if one.value is None or not other:
            yield one.on, None
            continue
        above = one.value * _EUROS.get(dividend.unit, Decimal(1))
        below = other * _EUROS.get(divisor.unit, Decimal(1))
        yield one.on, (above / below).quantize(_TENTH, _HALF_UP)


def _disagreements(lines: Iterable[Line]) -> Iterator[Conflict]:
    for line in lines:
        unit = line.indicator.unit
        for one in line.values:
            if one.disagrees and one.derived is not None:
                said, counted = one.reading, written(rounded(one.derived), unit)
                yield Conflict(
                    subject=f"{line.indicator.title}, {italian_date(said.on)}",
                    statements=(
                        Statement(value=written(said.value, unit), source=said.source),
                        Statement(value=counted, source=REGISTER),
                    ),
                )
