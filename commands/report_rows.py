"""Which figures of a report are told, by which names, in which order?"""

from collections.abc import Iterator
from dataclasses import dataclass

from config.schema import OF_THE_APPLICANT
from models.vocabulary import FINAL_STATES, ApplicationState, TermKind
from workflow.reports.flows import Flows
from workflow.rules.amounts import format_money
from workflow.services.reports import CallReport, Figures

REFUSED = (
    ApplicationState.NOT_RECEIVABLE,
    ApplicationState.INADMISSIBLE,
    ApplicationState.REJECTED,
    ApplicationState.UNFUNDED,
)
"""The exits by which the office says no."""

OTHER_EXITS = tuple(
    state for state in ApplicationState if state in FINAL_STATES - {*REFUSED}
)

NO_MONEY = "no money (senza dotazione)"
"""What is told instead of sums of a call that gives none."""

_OF_THE_APPLICANT = frozenset(kind.value for kind in OF_THE_APPLICANT)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its names."""

    key: str
    english: str
    italian: str
    value: str | int | None
    """None where it is not defined: a mean of nobody."""
    unit: str
    at_end: bool = False
    """It tells how things stood at the end, and not what happened meanwhile."""

    @property
    def label(self) -> str:
        """Name it for people."""
        return f"{self.english} ({self.italian})"


def counts(figures: Figures) -> Iterator[Row]:
    """Return how many applications did what, and how many stood where."""
    flows, stock = figures.flows, figures.stock
    yield _number("submitted", "submitted", "presentate", flows.submitted)
    yield _number("admitted", "admitted", "ammesse", flows.admitted)
    yield _number("refused", "refused", "respinte", refused(flows))
    for state in (*REFUSED, *OTHER_EXITS):
        if flows.exits[state]:
            name, italian = state.replace("_", " "), _ITALIAN.get(state, state.value)
            yield _number(state.value, f"  {name}", italian, flows.exits[state])
    if figures.money:
        yield _number(
            "waiting", "waiting for money", "in attesa", stock.waiting, at_end=True
        )


def sums(figures: Figures) -> Iterator[Row]:
    """Return the money; nothing where there is none in the call."""
    money, flows, stock = figures.money, figures.flows, figures.stock
    if money is None:
        return
    yield _euros("allocation", "allocation", "dotazione", money.allocation, at_end=True)
    yield _euros("requested", "requested", "richiesto", flows.requested)
    yield _euros(
        "requested_beyond_allocation",
        "requested beyond the allocation",
        "oltre dotazione",
        money.beyond,
        at_end=True,
    )
    yield _euros(
        "waiting_amount",
        "requested by who waits",
        "in attesa",
        stock.waiting_amount,
        at_end=True,
    )
    yield _number("grants", "grants", "concessioni", flows.grants)
    yield _euros("granted", "granted", "concesso", flows.granted_amount)
    yield _number(
        "undertakings",
        "supported undertakings",
        "soggetti sostenuti",
        money.undertakings,
    )
    yield _number(
        "supported_members",
        "  with their partners",
        "con i partner",
        money.members,
    )
    yield _euros("mean_grant", "mean grant of each", "importo medio", money.mean_grant)
    yield _euros("redetermined", "redetermined by", "rideterminato", flows.redetermined)
    yield _euros("released", "released", "economie", flows.released)
    yield _euros("to_recover", "to be recovered", "da recuperare", flows.to_recover)
    yield _euros("recovered", "recovered", "recuperato", flows.recovered)
    yield _euros(
        "reserved_at_end", "reserved", "prenotato", money.reserved, at_end=True
    )
    yield _euros(
        "granted_at_end", "granted, net", "concesso netto", money.granted, at_end=True
    )
    yield _euros(
        "disbursable", "disbursable", "erogabile", stock.disbursable, at_end=True
    )
    yield _euros("residual", "residual", "residuo", money.residual, at_end=True)


def refused(flows: Flows) -> int:
    """Return to how many the office said no."""
    return sum(flows.exits[state] for state in REFUSED)


def missed(flows: Flows, *, by_applicants: bool) -> dict[str, int]:
    """Return the terms that one side missed, by kind, in the order of the vocabulary.

    One that turned out in a later period not to have been missed counts less there.
    """
    return {
        kind.value: flows.missed[kind]
        for kind in TermKind
        if flows.missed[kind] and (kind in _OF_THE_APPLICANT) is by_applicants
    }


def steps(flows: Flows) -> list[str]:
    """Name the steps that were done, in the order of the vocabulary."""
    return [kind.value for kind in TermKind if kind in flows.times]


def term_of(one: CallReport | None, step: str) -> str | None:
    """Say how long the call lets a step take; calls together have no one term."""
    rule = one.rules.terms.get(TermKind(step)) if one else None
    return f"{rule.count} {rule.counting}" if rule else None


def share(part: int, whole: int) -> str | None:
    """Write a part of a whole in percent, with one decimal, half rounded up."""
    if not whole:
        return None
    tenths = (2_000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}"


def _number(
    key: str, english: str, italian: str, value: int, *, at_end: bool = False
) -> Row:
    return Row(key, english, italian, value, "number", at_end)


def _euros(
    key: str, english: str, italian: str, cents: int | None, *, at_end: bool = False
) -> Row:
    value = None if cents is None else format_money(cents)
    return Row(key, english, italian, value, "euros", at_end)


_ITALIAN = {
    ApplicationState.NOT_RECEIVABLE: "irricevibili",
    ApplicationState.INADMISSIBLE: "inammissibili",
    ApplicationState.REJECTED: "non ammesse",
    ApplicationState.UNFUNDED: "non finanziate",
    ApplicationState.WITHDRAWN: "rinunciate",
    ApplicationState.LAPSED: "decadute",
    ApplicationState.REVOKED: "revocate",
    ApplicationState.ANNULLED: "annullate",
    ApplicationState.EXPIRED: "bozze scadute",
}
