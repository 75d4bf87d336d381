"""Do the terms of a call fit its procedure and their own kind?"""

from collections.abc import Callable, Iterator, Mapping

from config.findings import Finding, as_far_as_read
from config.schema import CallDefinition, TermRule
from models.vocabulary import (
    Counting,
    ProcedureFamily,
    TermEffect,
    TermKind,
    TermStart,
)

STARTS: Mapping[TermKind, TermStart] = {
    TermKind.CONCLUSION: TermStart.PROTOCOL,
    TermKind.FORMAL_CHECK: TermStart.REVIEW_STARTED,
    TermKind.MERIT: TermStart.ADMITTED,
    TermKind.COMPLETION: TermStart.COMPLETION_DELIVERED,
    TermKind.OBSERVATIONS: TermStart.REFUSAL_NOTICE_DELIVERED,
    TermKind.NEGOTIATION: TermStart.GRANT_DELIVERED,
    TermKind.DEFINITIVE_PLAN: TermStart.MINUTES_SIGNED,
    TermKind.PLAN_CHECK: TermStart.PLAN_FILED,
    TermKind.PLAN_CORRECTION: TermStart.PLAN_RETURN_DELIVERED,
    TermKind.ACCEPTANCE: TermStart.DETERMINATION_DELIVERED,
    TermKind.START: TermStart.ACCEPTED,
    TermKind.DURATION: TermStart.STARTED,
    TermKind.REPORT: TermStart.ENDED,
    TermKind.PAYMENT: TermStart.ACCEPTED,
    TermKind.AID_REGISTRY: TermStart.GRANTED,
}
"""The one fact that can start each term."""

FAMILY_TERMS: Mapping[ProcedureFamily, frozenset[TermKind]] = {
    ProcedureFamily.NEGOTIATED_COUNTER: frozenset(TermKind) - {TermKind.PAYMENT},
}
"""The terms that the moves of a family start: all must be set, and no others."""

EFFECTS: Mapping[TermEffect, frozenset[TermKind]] = {
    TermEffect.STOP_WAITING: frozenset({TermKind.COMPLETION, TermKind.OBSERVATIONS}),
    TermEffect.RELEASE_COR: frozenset({TermKind.AID_REGISTRY}),
    TermEffect.END_PLAN: frozenset({TermKind.DURATION}),
}
"""The effects that make sense for some terms only."""

LONGEST: Mapping[Counting, int] = {Counting.DAYS: 3650, Counting.MONTHS: 120}
"""Ten years: a longer term is a slip, and no calendar of holidays reaches its end."""

_MOST_MONTHS_MORE = 60


def terms_are_those_of_the_family(call: CallDefinition) -> Iterator[Finding]:
    """Tell the terms that the procedure needs, and those that it never starts."""
    wanted = FAMILY_TERMS[call.family]
    for kind in TermKind:
        written = kind in call.terms
        if kind in wanted and not written:
            yield Finding(
                ("terms", kind.value),
                f"missing: this procedure needs it, write a section [terms.{kind}]",
            )
        if written and kind not in wanted:
            yield Finding(
                ("terms", kind.value),
                "this procedure never starts this term: remove it",
            )


def terms_fit_their_kind(call: CallDefinition) -> Iterator[Finding]:
    """Tell what a term of each kind cannot have."""
    for kind, rule in call.terms.items():
        for check in _CHECKS:
            yield from as_far_as_read(check(kind, rule))


def extensions_stay_short(call: CallDefinition) -> Iterator[Finding]:
    """Tell extensions (*proroghe*) that together are longer than any plan's."""
    each, most = call.procedure.extension_months, call.procedure.extensions
    if each * most > _MOST_MONTHS_MORE:
        yield Finding(
            ("procedure", "extensions"),
            f"{most} extensions of {each} months are {each * most} months in all: "
            f"keep them within {_MOST_MONTHS_MORE}",
        )


def _is_not_endless(kind: TermKind, rule: TermRule) -> Iterator[Finding]:
    # Without its unit, a term is only too long if it is so in either.
    counting = vars(rule).get("counting", Counting.DAYS)
    most = LONGEST[counting]
    if rule.count > most:
        yield Finding(
            ("terms", kind.value, "count"),
            f"this term is longer than ten years: write at most {most} {counting}",
        )


def _starts_on_its_fact(kind: TermKind, rule: TermRule) -> Iterator[Finding]:
    start = STARTS[kind]
    if rule.starts_on is not start:
        yield Finding(
            ("terms", kind.value, "starts_on"),
            f'this term starts on "{start}": write that',
        )


def _starts_from_receipt(kind: TermKind, rule: TermRule) -> Iterator[Finding]:
    delivered = STARTS[kind].value.endswith("_delivered")
    if rule.from_receipt is not delivered:
        yield Finding(
            ("terms", kind.value, "from_receipt"),
            f"write {str(delivered).lower()}: "
            + ("its start is" if delivered else "its start is not")
            + " the delivery of a notice",
        )


def _has_an_effect_of_its_own(kind: TermKind, rule: TermRule) -> Iterator[Finding]:
    if kind not in EFFECTS.get(rule.effect, frozenset(TermKind)):
        yield Finding(
            ("terms", kind.value, "effect"),
            f'"{rule.effect}" is not an effect that this term can have',
        )


def _lapses_only_if_peremptory(kind: TermKind, rule: TermRule) -> Iterator[Finding]:
    if rule.effect is TermEffect.PROPOSE_LAPSE and not rule.peremptory:
        yield Finding(
            ("terms", kind.value, "effect"),
            "only a peremptory term can end in a proposal of lapse: "
            "write peremptory = true or another effect",
        )


_CHECKS: tuple[Callable[[TermKind, TermRule], Iterator[Finding]], ...] = (
    _is_not_endless,
    _starts_on_its_fact,
    _starts_from_receipt,
    _has_an_effect_of_its_own,
    _lapses_only_if_peremptory,
)
