"""Tell how much aid one applicant may still be granted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.vocabulary import Cents
from workflow.facts import PriorAid
from workflow.rules.amounts import format_money, share
from workflow.rules.calendar import italian_date, months_later
from workflow.rules.steps import Step

CALL = "the call"
DE_MINIMIS = "art. 3 par. 2 Reg. (UE) 2023/2831"
REDUCTION = "art. 14 c. 4 DM 115/2017"


@dataclass(frozen=True, slots=True)
class AidRules:
    """What a call gives (*agevolazione*) and the ceiling it is given under."""

    fixed: Cents
    variable_percent: Decimal
    cap: Cents | None
    ceiling: Cents | None
    """None where the aid is under no ceiling (*regime*)."""
    ceiling_years: int | None


@dataclass(frozen=True, slots=True)
class AidComputation:
    """What may be granted (*contributo concedibile*), and why not more."""

    variable: Cents
    """The share of the investment (*quota variabile*)."""
    total: Cents
    """What may be granted."""
    requested: Cents
    residual_ceiling: Cents | None
    """What the ceiling left before this grant (*massimale residuo*), if any is."""
    reduced_by_ceiling: Cents
    """How much more it would have been without the ceiling."""
    steps: tuple[Step, ...]


def compute_aid(
    rules: AidRules,
    *,
    investment: Cents,
    requested: Cents,
    prior: Iterable[PriorAid],
    on: date,
) -> AidComputation:
    """Return the aid that may be granted on a day (*determinazione dell'aiuto*).

    It is the least of what was asked for, what the call gives, its cap, and what
    is left under the *de minimis* ceiling: an aid above the ceiling is reduced to
    it, not refused (art. 14 c. 4 DM 115/2017).
    """
    variable = share(investment, rules.variable_percent)
    due = rules.fixed + variable
    given = min(due, requested, due if rules.cap is None else rules.cap)
    steps = (
        _due_step(rules, investment, variable),
        _given_step(rules, requested, given),
    )
    if rules.ceiling is None or rules.ceiling_years is None:
        return AidComputation(
            variable=variable,
            total=Cents(given),
            requested=requested,
            residual_ceiling=None,
            reduced_by_ceiling=Cents(0),
            steps=(*steps, _total_step(given, 0)),
        )
    since = _window_start(rules.ceiling_years, on)
    counted = _counted(prior, since=since, on=on)
    residual = max(0, rules.ceiling - sum(aid.amount for aid in counted))
    total = min(given, residual)
    return AidComputation(
        variable=variable,
        total=Cents(total),
        requested=requested,
        residual_ceiling=Cents(residual),
        reduced_by_ceiling=Cents(given - total),
        steps=(
            *steps,
            *(_prior_step(aid) for aid in counted),
            _residual_step(rules.ceiling, residual, since=since, on=on),
            _total_step(total, given - total),
        ),
    )


def redetermine(
    rules: AidRules, *, investment: Cents, granted: Cents
) -> AidComputation:
    """Return the final amount on the definitive plan (*rideterminazione*).

    What the call gives on the investment admitted in the plan, never above the
    grant: the ceiling was answered for on the day of the grant, from which the
    aid counts.
    """
    variable = share(investment, rules.variable_percent)
    total = min(granted, rules.fixed + variable)
    return AidComputation(
        variable=variable,
        total=Cents(total),
        requested=granted,
        residual_ceiling=granted,
        reduced_by_ceiling=Cents(0),
        steps=(
            _due_step(rules, investment, variable),
            Step(
                "aid.within_grant",
                CALL,
                f"never above the grant, {format_money(granted)}: "
                f"{format_money(total)}",
            ),
        ),
    )


def _window_start(years: int, on: date) -> date:
    """Return the day after which an aid counts.

    "Over three years" is a moving period that ends on the day of the grant. Three
    years before 20/04/2028 is 20/04/2025: with that day the period would be three
    years and one day long, so that an aid of that very day is out.
    """
    return months_later(on, -12 * years)


def _counted(prior: Iterable[PriorAid], *, since: date, on: date) -> list[PriorAid]:
    inside = (aid for aid in prior if since < aid.granted_on <= on)
    return sorted(inside, key=lambda aid: (aid.granted_on, aid.grantor, aid.amount))


def _due_step(rules: AidRules, investment: Cents, variable: Cents) -> Step:
    return Step(
        "aid.due",
        CALL,
        f"{format_money(rules.fixed)} fixed + {rules.variable_percent}% of "
        f"{format_money(investment)} = {format_money(variable)} (half a cent to the "
        f"even cent): {format_money(rules.fixed + variable)}",
    )


def _given_step(rules: AidRules, requested: Cents, given: int) -> Step:
    cap = "no cap" if rules.cap is None else f"cap {format_money(rules.cap)}"
    return Step(
        "aid.within_request_and_cap",
        CALL,
        f"requested {format_money(requested)}, {cap}: {format_money(given)}",
    )


def _prior_step(aid: PriorAid) -> Step:
    return Step(
        "aid.prior",
        DE_MINIMIS,
        f"{format_money(aid.amount)} granted on {italian_date(aid.granted_on)} "
        f"by {aid.grantor}",
    )


def _residual_step(ceiling: Cents, residual: int, *, since: date, on: date) -> Step:
    return Step(
        "aid.residual_ceiling",
        DE_MINIMIS,
        f"ceiling {format_money(ceiling)} less the aids granted after "
        f"{italian_date(since)} and until {italian_date(on)}: "
        f"{format_money(residual)} left",
    )


def _total_step(total: int, reduction: int) -> Step:
    if reduction:
        return Step(
            "aid.reduced_to_ceiling",
            REDUCTION,
            f"reduced by {format_money(reduction)} to {format_money(total)}",
        )
    return Step("aid.total", CALL, f"{format_money(total)} may be granted")
