"""Do the terms of a call fit its procedure and their own kind?"""

from collections.abc import Callable, Iterator, Mapping

from config.families import form
from config.findings import Finding, as_far_as_read
from config.schema import CallDefinition
from models.vocabulary import (
    Counting,
    TermEffect,
    TermKind,
    TermStart,
)

OPTIONAL = frozenset({TermKind.LAPSE_DECISION})
"""Without them nothing happens by itself: calls that are older have none."""

_WITHOUT_ACCEPTANCE: Mapping[TermKind, TermStart | None] = {
    TermKind.ACCEPTANCE: None,
    TermKind.START: TermStart.GRANT_DELIVERED,
}
"""What is different where a grant could be accepted, and nobody has to."""

EFFECTS: Mapping[TermEffect, frozenset[TermKind]] = {
    TermEffect.STOP_WAITING: frozenset({TermKind.COMPLETION, TermKind.OBSERVATIONS}),
    TermEffect.RELEASE_COR: frozenset({TermKind.AID_REGISTRY}),
    TermEffect.END_PLAN: frozenset({TermKind.DURATION}),
    TermEffect.EXPIRE_PROPOSAL: frozenset({TermKind.LAPSE_DECISION}),
}
"""The effects that make sense for some terms only."""

ONLY_EFFECTS: Mapping[TermKind, frozenset[TermEffect]] = {
    TermKind.LAPSE_DECISION: frozenset({TermEffect.WARN, TermEffect.EXPIRE_PROPOSAL}),
}
"""The terms for which some effects only make sense."""

MAY_END_AT_AN_HOUR = frozenset(
    {
        TermKind.COMPLETION,
        TermKind.DEFINITIVE_PLAN,
        TermKind.PLAN_CORRECTION,
        TermKind.ACCEPTANCE,
        TermKind.START,
        TermKind.REPORT,
    }
)
"""The terms that the call gives the applicant.

Those of the law are in whole days, which no call can cut (artt. 2 and 10-bis
L. 241/1990, art. 9 DM 115/2017); the other terms of the office, and the time of a
plan, are reckoned by days too.
"""

LONGEST: Mapping[Counting, int] = {Counting.DAYS: 3650, Counting.MONTHS: 120}
"""Ten years: a longer term is a slip, and no calendar of holidays reaches its end."""

_MOST_MONTHS_MORE = 60


def start_of(kind: TermKind, call: CallDefinition) -> TermStart | None:
    """Return the fact that starts a term in the procedure of this call.

    None, if the procedure never starts it.
    """
    wanted = form(call.family)
    if kind is TermKind.AID_REGISTRY and call.aid.regime == "none":
        return None  # what is no State aid is not registered
    if (
        wanted.accepts_the_grant
        and kind in _WITHOUT_ACCEPTANCE
        and not call.procedure.acceptance
    ):
        return _WITHOUT_ACCEPTANCE[kind]
    return wanted.starts.get(kind)


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
    if wanted and not written and kind not in OPTIONAL:
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
    effect = call.terms[kind].effect
    fits = kind in EFFECTS.get(effect, frozenset(TermKind))
    if not fits or effect not in ONLY_EFFECTS.get(kind, frozenset(TermEffect)):
        yield Finding(
            ("terms", kind.value, "effect"),
            f'"{effect}" is not an effect that this term can have',
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


def _ends_at_an_hour_for_the_applicant(
    kind: TermKind, call: CallDefinition
) -> Iterator[Finding]:
    if call.terms[kind].until is not None and kind not in MAY_END_AT_AN_HOUR:
        yield Finding(
            ("terms", kind.value, "until"),
            "this term ends with its day: leave this key out; only what the call "
            "asks of the applicant can be due at an hour",
        )


def _ends_on_a_day_if_it_is_of_the_plan(
    kind: TermKind, call: CallDefinition
) -> Iterator[Finding]:
    if call.terms[kind].not_after is not None and kind is not TermKind.DURATION:
        yield Finding(
            ("terms", kind.value, "not_after"),
            "only the time of a plan ends on a fixed day: leave this key out",
        )


def _escalates_only_what_it_warns_of(
    kind: TermKind, call: CallDefinition
) -> Iterator[Finding]:
    # Any other effect settles the term, or leaves it to a named officer: then the
    # manager has no omission of the office to make good.
    rule = call.terms[kind]
    if rule.escalate_after is not None and rule.effect is not TermEffect.WARN:
        yield Finding(
            ("terms", kind.value, "escalate_after"),
            f'its effect is "{rule.effect}", so that the office has missed nothing: '
            'leave this key out, or write effect = "warn"',
        )


_CHECKS: tuple[Callable[[TermKind, CallDefinition], Iterator[Finding]], ...] = (
    _is_not_endless,
    _starts_on_its_fact,
    _starts_from_receipt,
    _has_an_effect_of_its_own,
    _lapses_only_if_peremptory,
    _ends_at_an_hour_for_the_applicant,
    _ends_on_a_day_if_it_is_of_the_plan,
    _escalates_only_what_it_warns_of,
)
