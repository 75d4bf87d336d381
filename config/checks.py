"""Do the parts of a call agree with one another?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from config.places import Loc
from config.schema import (
    ActReference,
    Aid,
    Allocation,
    Beneficiary,
    CallDefinition,
    Conflict,
    Merit,
    RequiredDocument,
    TermRule,
    Window,
)
from config.values import ROME, euros
from models.vocabulary import ProcedureFamily, TermEffect, TermKind, TermStart

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


@dataclass(frozen=True)
class Finding:
    """Something that does not agree, and where."""

    loc: Loc
    message: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What could be read of a call; `None` stands for what could not."""

    code: str | None
    year: int | None
    family: ProcedureFamily | None
    acts: tuple[ActReference | None, ...] | None
    window: Window | None
    allocation: Allocation | None
    aid: Aid | None
    documents: tuple[RequiredDocument | None, ...] | None
    merit: Merit | None
    terms: Mapping[str, TermRule | None] | None
    beneficiaries: tuple[Beneficiary | None, ...] | None
    conflicts: tuple[Conflict | None, ...] | None

    @classmethod
    def of(cls, call: CallDefinition) -> "Draft":
        """Take everything from a call that could be read entirely."""
        return cls(
            code=call.code,
            year=call.year,
            family=call.family,
            acts=call.acts,
            window=call.window,
            allocation=call.allocation,
            aid=call.aid,
            documents=call.documents,
            merit=call.merit,
            terms={kind.value: rule for kind, rule in call.terms.items()},
            beneficiaries=call.beneficiaries,
            conflicts=call.conflicts,
        )


def disagreements(draft: Draft) -> tuple[Finding, ...]:
    """Return every disagreement between the parts that could be read.

    A check that lacks a part is left out; the others are made all the same.
    """
    return tuple(finding for check in _CHECKS for finding in check(draft))


def _window_is_in_order(draft: Draft) -> Iterator[Finding]:
    window = draft.window
    if window is None:
        return
    if window.published_at > window.opens_at:
        yield Finding(
            ("window", "published_at"), "the call opens before it is published"
        )
    if window.opens_at >= window.closes_at:
        yield Finding(("window", "closes_at"), "the call closes before it opens")


def _year_stands_in_the_code(draft: Draft) -> Iterator[Finding]:
    if draft.code is None or draft.year is None:
        return
    in_code = draft.code[4:8]
    if in_code != str(draft.year):
        yield Finding(
            ("year",), f"the year is {draft.year}, but the code says {in_code}"
        )


def _one_act_approves(draft: Draft) -> Iterator[Finding]:
    acts = draft.acts or ()
    approving = [(i, act) for i, act in enumerate(acts) if act and act.approves_call]
    if acts and None not in acts and not approving:
        yield Finding(
            ("acts",), "no act approves the call: write approves_call = true in one"
        )
    for index, _ in approving[1:]:
        yield Finding(
            ("acts", index, "approves_call"),
            "another act approves the call already: only one does",
        )
    for index, act in approving[:1]:
        yield from _approval_fits(draft, index, act)


def _approval_fits(draft: Draft, index: int, act: ActReference) -> Iterator[Finding]:
    place = ("acts", index, "date")
    if draft.year is not None and act.date.year != draft.year:
        yield Finding(
            place,
            f"the call is approved in {act.date.year}, but its year is {draft.year}",
        )
    if draft.window is None:
        return
    published = draft.window.published_at.astimezone(ROME).date()
    if act.date > published:
        yield Finding(
            place, f"the call is approved after it is published ({published})"
        )


def _aid_fits_the_money(draft: Draft) -> Iterator[Finding]:
    aid = draft.aid
    if aid is None:
        return
    if aid.cap is not None and aid.fixed > aid.cap:
        yield Finding(
            ("aid", "fixed"), f"the fixed part is above the cap of {euros(aid.cap)}"
        )
    if draft.allocation is None:
        return
    key, most = ("fixed", aid.fixed) if aid.cap is None else ("cap", aid.cap)
    if most > draft.allocation.amount:
        yield Finding(
            ("aid", key),
            f"{euros(most)} is above the allocation of "
            f"{euros(draft.allocation.amount)}",
        )


def _criteria_add_up(draft: Draft) -> Iterator[Finding]:
    merit = draft.merit
    if merit is None:
        return
    most = sum(criterion.max_points for criterion in merit.criteria)
    if most != merit.total:
        yield Finding(
            ("merit", "total"),
            f"the criteria add up to {most} points, but the total is {merit.total}",
        )
    if merit.threshold > merit.total:
        yield Finding(
            ("merit", "threshold"), f"the threshold is above the total of {merit.total}"
        )
    codes = [criterion.code for criterion in merit.criteria]
    yield from _repeated(codes, ("merit", "criteria"), "code")


def _names_are_unique(draft: Draft) -> Iterator[Finding]:
    kinds = [part.kind if part else None for part in draft.documents or ()]
    yield from _repeated(kinds, ("documents",), "kind")
    codes = [part.tax_code if part else None for part in draft.beneficiaries or ()]
    yield from _repeated(codes, ("beneficiaries",), "tax_code")


def _repeated(names: Iterable[str | None], loc: Loc, key: str) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        if name is None:
            continue
        if seen[name]:
            yield Finding(
                (*loc, index, key), f"`{name}` is already used above: write it once"
            )
        seen[name] += 1


def _terms_are_those_of_the_family(draft: Draft) -> Iterator[Finding]:
    if draft.family is None or draft.terms is None:
        return
    wanted = FAMILY_TERMS[draft.family]
    for kind in TermKind:
        written = kind.value in draft.terms
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


def _terms_fit_their_kind(draft: Draft) -> Iterator[Finding]:
    for kind in TermKind:
        rule = (draft.terms or {}).get(kind.value)
        if rule is not None:
            yield from _term_fits(kind, rule)


def _term_fits(kind: TermKind, rule: TermRule) -> Iterator[Finding]:
    loc = ("terms", kind.value)
    start = STARTS[kind]
    if rule.starts_on is not start:
        yield Finding((*loc, "starts_on"), f'this term starts on "{start}": write that')
    delivered = start.value.endswith("_delivered")
    if rule.from_receipt is not delivered:
        yield Finding(
            (*loc, "from_receipt"),
            f"write {str(delivered).lower()}: "
            + ("its start is" if delivered else "its start is not")
            + " the delivery of a notice",
        )
    if kind not in EFFECTS.get(rule.effect, frozenset(TermKind)):
        yield Finding(
            (*loc, "effect"),
            f'"{rule.effect}" is not an effect that this term can have',
        )
    if rule.effect is TermEffect.PROPOSE_LAPSE and not rule.peremptory:
        yield Finding(
            (*loc, "effect"),
            "only a peremptory term can end in a proposal of lapse: "
            "write peremptory = true or another effect",
        )


def _members_add_up(draft: Draft) -> Iterator[Finding]:
    for index, listed in enumerate(draft.beneficiaries or ()):
        if listed is None:
            continue
        parts = listed.firms + listed.research_bodies + listed.others
        if parts != listed.members:
            yield Finding(
                ("beneficiaries", index, "members"),
                f"firms, research bodies and others add up to {parts}, "
                f"but the members are {listed.members}",
            )


def _conflicts_conflict(draft: Draft) -> Iterator[Finding]:
    for index, conflict in enumerate(draft.conflicts or ()):
        if conflict and len({said.value for said in conflict.statements}) == 1:
            yield Finding(
                ("conflicts", index), "all the sources say the same: remove it"
            )


_CHECKS: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    _window_is_in_order,
    _year_stands_in_the_code,
    _one_act_approves,
    _aid_fits_the_money,
    _criteria_add_up,
    _names_are_unique,
    _terms_are_those_of_the_family,
    _terms_fit_their_kind,
    _members_add_up,
    _conflicts_conflict,
)
