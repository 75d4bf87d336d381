"""Do the terms of a call fit its procedure and their own kind?"""

from collections.abc import Callable, Iterator, Mapping

from config.findings import Finding, as_far_as_read
from config.schema import CallDefinition
from models.vocabulary import (
    Counting,
    ProcedureFamily,
    TermEffect,
    TermKind,
    TermStart,
)

_OF_EVERY_FAMILY: Mapping[TermKind, TermStart] = {
    TermKind.CONCLUSION: TermStart.PROTOCOL,
    TermKind.FORMAL_CHECK: TermStart.REVIEW_STARTED,
    TermKind.MERIT: TermStart.ADMITTED,
    TermKind.COMPLETION: TermStart.COMPLETION_DELIVERED,
    TermKind.OBSERVATIONS: TermStart.REFUSAL_NOTICE_DELIVERED,
    TermKind.START: TermStart.ACCEPTED,
    TermKind.DURATION: TermStart.STARTED,
    TermKind.REPORT: TermStart.ENDED,
    TermKind.AID_REGISTRY: TermStart.GRANTED,
}

STARTS: Mapping[ProcedureFamily, Mapping[TermKind, TermStart]] = {
    ProcedureFamily.NEGOTIATED_COUNTER: {
        **_OF_EVERY_FAMILY,
        TermKind.NEGOTIATION: TermStart.GRANT_DELIVERED,
        TermKind.DEFINITIVE_PLAN: TermStart.MINUTES_SIGNED,
        TermKind.PLAN_CHECK: TermStart.PLAN_FILED,
        TermKind.PLAN_CORRECTION: TermStart.PLAN_RETURN_DELIVERED,
        TermKind.ACCEPTANCE: TermStart.DETERMINATION_DELIVERED,
    },
    ProcedureFamily.PLAIN_COUNTER: {
        **_OF_EVERY_FAMILY,
        TermKind.ACCEPTANCE: TermStart.GRANT_DELIVERED,
        TermKind.PAYMENT: TermStart.REPORT_FILED,
    },
}
"""The terms that the moves of a family start, each with the one fact that does.

All of them must be set, and no others; `start_of` knows the one exception.
"""

_WITHOUT_ACCEPTANCE: Mapping[TermKind, TermStart | None] = {
    TermKind.ACCEPTANCE: None,
    TermKind.START: TermStart.GRANT_DELIVERED,
}
"""What is different in a plain counter where nobody has to accept the grant."""

EFFECTS: Mapping[TermEffect, frozenset[TermKind]] = {
    TermEffect.STOP_WAITING: frozenset({TermKind.COMPLETION, TermKind.OBSERVATIONS}),
    TermEffect.RELEASE_COR: frozenset({TermKind.AID_REGISTRY}),
    TermEffect.END_PLAN: frozenset({TermKind.DURATION}),
}
"""The effects that make sense for some terms only."""

LONGEST: Mapping[Counting, int] = {Counting.DAYS: 3650, Counting.MONTHS: 120}
"""Ten years: a longer term is a slip, and no calendar of holidays reaches its end."""

_MOST_MONTHS_MORE = 60


def start_of(kind: TermKind, call: CallDefinition) -> TermStart | None:
    """Return the fact that starts a term in the procedure of this call.

    None, if the procedure never starts it.
    """
    plain = call.family is ProcedureFamily.PLAIN_COUNTER
    if plain and kind in _WITHOUT_ACCEPTANCE and not call.procedure.acceptance:
        return _WITHOUT_ACCEPTANCE[kind]
    return STARTS[call.family].get(kind)


def terms_are_those_of_the_family(call: CallDefinition) -> Iterator[Finding]:
    """Tell the terms that the procedure needs, and those that it never starts."""
    for kind in TermKind:
        yield from as_far_as_read(_is_there_if_wanted(kind, call))


def terms_fit_their_kind(call: CallDefinition) -> Iterator[Finding]:
    """Tell what a term of each kind cannot have."""
    for kind in call.terms:
        for check in _CHECKS:
            yield from as_far_as_read(check(kind, call))


def extensions_stay_short(call: CallDefinition) -> Iterator[Finding]:
    """Tell extensions (*proroghe*) that together are longer than any plan's."""
    each, most = call.procedure.extension_months, call.procedure.extensions
    if each * most > _MOST_MONTHS_MORE:
        yield Finding(
            ("procedure", "extensions"),
            f"{most} extensions of {each} months are {each * most} months in all: "
            f"keep them within {_MOST_MONTHS_MORE}",
        )


def _is_there_if_wanted(kind: TermKind, call: CallDefinition) -> Iterator[Finding]:
    wanted, written = start_of(kind, call) is not None, kind in call.terms
    if wanted and not written:
        yield Finding(
            ("terms", kind.value),
            f"missing: this procedure needs it, write a section [terms.{kind}]",
        )
    if written and not wanted:
        yield Finding(
            ("terms", kind.value),
            "this procedure never starts this term: remove it",
        )


def _is_not_endless(kind: TermKind, call: CallDefinition) -> Iterator[Finding]:
    rule = call.terms[kind]
    # Without its unit, a term is only too long if it is so in either.
    counting = vars(rule).get("counting", Counting.DAYS)
    most = LONGEST[counting]
    if rule.count > most:
        yield Finding(
            ("terms", kind.value, "count"),
            f"this term is longer than ten years: write at most {most} {counting}",
        )


def _starts_on_its_fact(kind: TermKind, call: CallDefinition) -> Iterator[Finding]:
    start = start_of(kind, call)
    if start is not None and call.terms[kind].starts_on is not start:
        yield Finding(
            ("terms", kind.value, "starts_on"),
            f'this term starts on "{start}": write that',
        )


def _starts_from_receipt(kind: TermKind, call: CallDefinition) -> Iterator[Finding]:
    start = start_of(kind, call)
    if start is None:
        return
    delivered = start.value.endswith("_delivered")
    if call.terms[kind].from_receipt is not delivered:
        yield Finding(
            ("terms", kind.value, "from_receipt"),
            f"write {str(delivered).lower()}: "
            + ("its start is" if delivered else "its start is not")
            + " the delivery of a notice",
        )


def _has_an_effect_of_its_own(
    kind: TermKind, call: CallDefinition
) -> Iterator[Finding]:
    rule = call.terms[kind]
    if kind not in EFFECTS.get(rule.effect, frozenset(TermKind)):
        yield Finding(
            ("terms", kind.value, "effect"),
            f'"{rule.effect}" is not an effect that this term can have',
        )


def _lapses_only_if_peremptory(
    kind: TermKind, call: CallDefinition
) -> Iterator[Finding]:
    rule = call.terms[kind]
    if rule.effect is TermEffect.PROPOSE_LAPSE and not rule.peremptory:
        yield Finding(
            ("terms", kind.value, "effect"),
            "only a peremptory term can end in a proposal of lapse: "
            "write peremptory = true or another effect",
        )


_CHECKS: tuple[Callable[[TermKind, CallDefinition], Iterator[Finding]], ...] = (
    _is_not_endless,
    _starts_on_its_fact,
    _starts_from_receipt,
    _has_an_effect_of_its_own,
    _lapses_only_if_peremptory,
)
