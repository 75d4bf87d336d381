"""What does a plan of indicators declare, and do its parts agree?"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import Field, PlainValidator, ValidationError

from config.findings import Finding, as_far_as_read, repeated
from config.messages import findings_of
from config.salvage import salvaged
from config.schema import Conflict, Part, Sourced
from config.values import Day, Slug, Text, WritingError, shown

UNKNOWN = "n.d."
"""How a source says that a value was not available (*non disponibile*)."""

_FIGURE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


class Unit(StrEnum):
    """In what an indicator is measured (*unità di misura*)."""

    NUMBER = "number"
    EUROS = "euros"
    MILLION_EUROS = "million_euros"


class Measure(StrEnum):
    """Which figure of the register measures an indicator too."""

    GRANTED = "granted"
    MEAN_GRANT = "mean_grant"
    UNDERTAKINGS = "undertakings"


def _figure(value: object) -> Decimal | None:
    if value == UNKNOWN:
        return None
    if isinstance(value, str) and _FIGURE.fullmatch(value):
        return Decimal(value)
    msg = (
        f"`{shown(value)}` is not a figure: write digits between quotes, with a dot "
        f'before decimals, as "22.37", or "{UNKNOWN}" where the source has none'
    )
    raise WritingError(msg)


Figure = Annotated[
    Decimal | None, PlainValidator(_figure), Field(examples=['"22.37"', f'"{UNKNOWN}"'])
]
"""A figure as its source writes it; None where that says that there is none."""


class Reading(Part):
    """What an indicator was measured to be on a day (*valore rilevato*)."""

    on: Day
    value: Figure
    source: Text


class Indicator(Sourced):
    """What a plan measures, and where it wants to get (*indicatore*).

    `measure` names the figure of the register that should be the same.
    """

    code: Slug
    title: Text
    unit: Annotated[Unit, Field(examples=['"number"'])]
    measure: Measure | None = None
    baseline: Figure
    target: Figure
    target_on: Day
    note: Text | None = None
    values: tuple[Reading, ...]


class Quotient(Part):
    """A figure that follows from two others: one divided by the other."""

    code: Slug
    title: Text
    dividend: Slug
    divisor: Slug


class Plan(Part):
    """The indicators of a plan (*piano degli indicatori*), with their sources."""

    code: Slug
    title: Text
    source: Text
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1)]
    quotients: tuple[Quotient, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def read_plan(contents: Mapping[str, object]) -> Plan | tuple[Finding, ...]:
    """Read the contents of a plan file, or return all that is wrong with them."""
    try:
        plan = Plan.model_validate(contents)
    except ValidationError as error:
        return findings_of(error, Plan) + _disagreements(salvaged(contents, Plan))
    return _disagreements(plan) or plan


def _disagreements(plan: Plan) -> tuple[Finding, ...]:
    return tuple(found for check in _CHECKS for found in as_far_as_read(check(plan)))


def _codes_are_not_repeated(plan: Plan) -> Iterator[Finding]:
    yield from repeated(plan.indicators, ("indicators",), "code")


def _quotients_are_not_repeated(plan: Plan) -> Iterator[Finding]:
    yield from repeated(plan.quotients, ("quotients",), "code")


def _readings_follow_one_another(plan: Plan) -> Iterator[Finding]:
    for number, indicator in enumerate(plan.indicators):
        loc = ("indicators", number, "values")
        yield from as_far_as_read(_in_order(indicator, loc))


def _in_order(indicator: Indicator, loc: tuple[str | int, ...]) -> Iterator[Finding]:
    for index, (before, after) in enumerate(pairwise(indicator.values), start=1):
        if after.on <= before.on:
            yield Finding(
                (*loc, index, "on"),
                f"{after.on} does not come after {before.on}: write the values in the "
                "order of their days, each day once",
            )


def _measures_have_their_unit(plan: Plan) -> Iterator[Finding]:
    for number, indicator in enumerate(plan.indicators):
        yield from as_far_as_read(_has_its_unit(indicator, number))


def _has_its_unit(indicator: Indicator, number: int) -> Iterator[Finding]:
    if indicator.measure is None:
        return
    counts = indicator.measure is Measure.UNDERTAKINGS
    if counts is not (indicator.unit is Unit.NUMBER):
        wanted = f'"{Unit.NUMBER}"'
        if not counts:
            wanted = f'"{Unit.EUROS}" or "{Unit.MILLION_EUROS}"'
        yield Finding(
            ("indicators", number, "unit"),
            f'"{indicator.measure}" is not measured in "{indicator.unit}": '
            f"write {wanted}",
        )


def _quotients_are_of_indicators(plan: Plan) -> Iterator[Finding]:
    known = {vars(one).get("code") for one in plan.indicators}
    for number, quotient in enumerate(plan.quotients):
        for key in ("dividend", "divisor"):
            name = vars(quotient).get(key)
            if name is not None and name not in known:
                yield Finding(
                    ("quotients", number, key),
                    f"`{name}` is the code of no indicator: write one that is above",
                )


_CHECKS: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
    _codes_are_not_repeated,
    _quotients_are_not_repeated,
    _readings_follow_one_another,
    _measures_have_their_unit,
    _quotients_are_of_indicators,
)
