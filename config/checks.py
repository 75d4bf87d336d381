"""Do the parts of a call agree with one another?"""

from collections.abc import Callable, Iterator

from config.counters import (
    comparing_examines_all,
    comparing_lets_nobody_pass,
    comparing_never_stops,
    comparing_refuses_nobody,
    overbooking_is_said_once,
    overbooking_is_something,
    stopping_lets_nobody_pass,
    stopping_takes_nothing_beyond,
)
from config.families import form
from config.findings import Finding, as_far_as_read, repeated
from config.lists import (
    criteria_can_be_met,
    lists_are_asked_in_one_way,
    lists_are_of_other_calls,
    lists_reward_what_is_scored,
    one_board_where_nothing_is_scored,
)
from config.notices import (
    letters_are_not_held_too_long,
    lists_of_notices_repeat_nothing,
    reminders_are_of_the_applicant,
)
from config.partnerships import partnerships_fit_their_maximum, somebody_is_invited
from config.rankings import CHECKS as RANKINGS
from config.schema import OF_SOME_FAMILIES, CallDefinition
from config.terms import (
    extensions_stay_short,
    terms_are_those_of_the_family,
    terms_fit_their_kind,
)
from config.values import ROME, euros
from models.vocabulary import OrderPolicy, StepKind

NO_NUMBER = "000000"
"""How the code of a model ends (`config.families`): no call has such a number."""

_ONLY_NEGOTIATED = frozenset(
    {StepKind.NEGOTIATION, StepKind.DEFINITIVE_PLAN, StepKind.DETERMINATION}
)
"""The steps that a procedure without negotiation never takes."""


def disagreements(call: CallDefinition) -> tuple[Finding, ...]:
    """Return every disagreement between the parts that could be read.

    A comparison that lacks a value is left out; the others are made all the same.
    """
    return tuple(
        finding for check in _CHECKS for finding in as_far_as_read(check(call))
    )


def _sections_are_those_of_the_family(call: CallDefinition) -> Iterator[Finding]:
    wanted, written = form(call.family).sections, call.model_fields_set
    for name in OF_SOME_FAMILIES:
        if name in wanted and name not in written:
            yield Finding((name,), f"missing: write a section [{name}]")
        if name in written and name not in wanted:
            yield Finding(
                (name,), f'the family "{call.family}" has no such section: remove it'
            )


def _opens_once_published(call: CallDefinition) -> Iterator[Finding]:
    if call.window.published_at > call.window.opens_at:
        yield Finding(
            ("window", "published_at"), "the call opens before it is published"
        )


def _closes_once_open(call: CallDefinition) -> Iterator[Finding]:
    if call.window.opens_at >= call.window.closes_at:
        yield Finding(("window", "closes_at"), "the call closes before it opens")


def _closes_once_published(call: CallDefinition) -> Iterator[Finding]:
    if "opens_at" in vars(call.window):
        return  # the two checks above say the same, and more exactly
    if call.window.published_at >= call.window.closes_at:
        yield Finding(("window", "closes_at"), "the call closes before it is published")


def _code_is_its_own(call: CallDefinition) -> Iterator[Finding]:
    if call.code.endswith(NO_NUMBER):
        yield Finding(
            ("code",),
            f"{call.code} is the code of a model of call files: write the one of "
            "your call",
        )


def _year_stands_in_the_code(call: CallDefinition) -> Iterator[Finding]:
    in_code = call.code[4:8]
    if in_code != str(call.year):
        yield Finding(
            ("year",), f"the year is {call.year}, but the code says {in_code}"
        )


def _one_act_approves(call: CallDefinition) -> Iterator[Finding]:
    approving = _approving(call)
    for index in approving[1:]:
        yield Finding(
            ("acts", index, "approves_call"),
            "another act approves the call already: only one does",
        )
    if call.acts and not approving and not any(act.approves_call for act in call.acts):
        yield Finding(
            ("acts",), "no act approves the call: write approves_call = true in one"
        )


def _approving(call: CallDefinition) -> list[int]:
    acts = enumerate(call.acts)
    return [index for index, act in acts if vars(act).get("approves_call")]


def _approval_is_of_the_year(call: CallDefinition) -> Iterator[Finding]:
    for index in _approving(call)[:1]:
        year = call.acts[index].date.year
        if year != call.year:
            yield Finding(
                ("acts", index, "date"),
                f"the call is approved in {year}, but its year is {call.year}",
            )


def _approval_comes_first(call: CallDefinition) -> Iterator[Finding]:
    for index in _approving(call)[:1]:
        published = call.window.published_at.astimezone(ROME).date()
        if call.acts[index].date > published:
            yield Finding(
                ("acts", index, "date"),
                f"the call is approved after it is published ({published})",
            )


def _ceiling_is_that_of_the_regime(call: CallDefinition) -> Iterator[Finding]:
    """Tell a *de minimis* aid without its ceiling, and a ceiling of nothing."""
    de_minimis = call.aid.regime == "de_minimis"
    for key in ("ceiling", "ceiling_years"):
        there = vars(call.aid).get(key) is not None
        if de_minimis and not there and key not in call.aid.model_fields_set:
            yield Finding(("aid", key), f'missing: "de_minimis" is given under {key}')
        if there and not de_minimis:
            yield Finding(
                ("aid", key), 'the regime "none" has no ceiling: leave this key out'
            )


def _fixed_part_is_within_the_cap(call: CallDefinition) -> Iterator[Finding]:
    cap = call.aid.cap
    if cap is not None and call.aid.fixed > cap:
        yield Finding(
            ("aid", "fixed"), f"the fixed part is above the cap of {euros(cap)}"
        )


def _aid_is_within_the_allocation(call: CallDefinition) -> Iterator[Finding]:
    amount = call.allocation.amount
    for key in ("fixed", "cap"):
        most = vars(call.aid).get(key)
        if most is not None and most > amount:
            yield Finding(
                ("aid", key),
                f"{euros(most)} is above the allocation of {euros(amount)}",
            )


def _fixed_part_matures_once(call: CallDefinition) -> Iterator[Finding]:
    fixed, matures = call.aid.fixed, call.aid.fixed_matures_on
    if fixed and matures is None:
        step = StepKind.REPORT if _is_plain(call) else StepKind.DEFINITIVE_PLAN
        yield Finding(
            ("aid", "fixed_matures_on"),
            "missing: say with which step the fixed part matures, "
            f'as fixed_matures_on = "{step}"',
        )
    if not fixed and matures is not None:
        yield Finding(
            ("aid", "fixed_matures_on"),
            "there is no fixed part that could mature: remove it",
        )


def _fixed_part_matures_on_a_step(call: CallDefinition) -> Iterator[Finding]:
    matures = call.aid.fixed_matures_on
    if matures in _ONLY_NEGOTIATED and _is_plain(call):
        yield Finding(
            ("aid", "fixed_matures_on"),
            f'this procedure has no step "{matures}": write another, as "report"',
        )


def _acceptance_follows_negotiation(call: CallDefinition) -> Iterator[Finding]:
    if not call.procedure.acceptance and not _is_plain(call):
        yield Finding(
            ("procedure", "acceptance"),
            "write true: what was negotiated is always accepted before the start",
        )


def _plans_are_returned_where_they_are(call: CallDefinition) -> Iterator[Finding]:
    if call.procedure.plan_returns and _is_plain(call):
        yield Finding(
            ("procedure", "plan_returns"),
            "this procedure has no definitive plan to return: write 0",
        )


def _is_plain(call: CallDefinition) -> bool:
    return not form(call.family).negotiates


def _order_is_that_of_a_counter(call: CallDefinition) -> Iterator[Finding]:
    """Tell a counter that would keep no order at all."""
    if "counter" in call.model_fields_set and call.counter.order is OrderPolicy.RANKING:
        yield Finding(
            ("counter", "order"),
            f'"{OrderPolicy.RANKING}" is what calls without a counter have: write '
            'another, as "exact_instant"',
        )


def _criteria_add_up(call: CallDefinition) -> Iterator[Finding]:
    merit = call.merit
    most = sum(criterion.max_points for criterion in merit.criteria)
    if merit.criteria and most != merit.total:
        yield Finding(
            ("merit", "total"),
            f"the criteria add up to {most} points, but the total is {merit.total}",
        )


def _threshold_can_be_reached(call: CallDefinition) -> Iterator[Finding]:
    total = call.merit.total
    if call.merit.threshold > total:
        yield Finding(
            ("merit", "threshold"), f"the threshold is above the total of {total}"
        )


def _criteria_are_different(call: CallDefinition) -> Iterator[Finding]:
    yield from repeated(call.merit.criteria, ("merit", "criteria"), "code")


def _documents_are_different(call: CallDefinition) -> Iterator[Finding]:
    yield from repeated(call.documents, ("documents",), "kind")


def _data_outlasts_the_ceiling(call: CallDefinition) -> Iterator[Finding]:
    """Tell data that would be erased while the ceiling still has to count it."""
    counted = call.aid.ceiling_years
    if call.retention is not None and counted and call.retention.years < counted:
        yield Finding(
            ("retention", "years"),
            f"the ceiling counts the aids of {counted} years "
            "(aid.ceiling_years): keep the data at least as long",
        )


def _beneficiaries_are_different(call: CallDefinition) -> Iterator[Finding]:
    yield from repeated(call.beneficiaries, ("beneficiaries",), "tax_code")


def _members_add_up(call: CallDefinition) -> Iterator[Finding]:
    for index in range(len(call.beneficiaries)):
        yield from as_far_as_read(_members_of_one(call, index))


def _members_of_one(call: CallDefinition, index: int) -> Iterator[Finding]:
    listed = call.beneficiaries[index]
    parts = listed.firms + listed.research_bodies + listed.others
    if parts != listed.members:
        yield Finding(
            ("beneficiaries", index, "members"),
            f"firms, research bodies and others add up to {parts}, "
            f"but the members are {listed.members}",
        )


def _conflicts_conflict(call: CallDefinition) -> Iterator[Finding]:
    for index in range(len(call.conflicts)):
        yield from as_far_as_read(_sources_differ(call, index))


def _sources_differ(call: CallDefinition, index: int) -> Iterator[Finding]:
    said = [one.value for one in call.conflicts[index].statements]
    if len(said) > 1 and len(set(said)) == 1:
        yield Finding(("conflicts", index), "all the sources say the same: remove it")


_CHECKS: tuple[Callable[[CallDefinition], Iterator[Finding]], ...] = (
    _sections_are_those_of_the_family,
    _opens_once_published,
    _closes_once_open,
    _closes_once_published,
    _code_is_its_own,
    _year_stands_in_the_code,
    _one_act_approves,
    _approval_is_of_the_year,
    _approval_comes_first,
    _ceiling_is_that_of_the_regime,
    _fixed_part_is_within_the_cap,
    _aid_is_within_the_allocation,
    _fixed_part_matures_once,
    _fixed_part_matures_on_a_step,
    _acceptance_follows_negotiation,
    _plans_are_returned_where_they_are,
    _order_is_that_of_a_counter,
    *RANKINGS,
    overbooking_is_said_once,
    overbooking_is_something,
    stopping_takes_nothing_beyond,
    stopping_lets_nobody_pass,
    comparing_never_stops,
    comparing_refuses_nobody,
    comparing_lets_nobody_pass,
    comparing_examines_all,
    _criteria_add_up,
    _threshold_can_be_reached,
    _criteria_are_different,
    _documents_are_different,
    _beneficiaries_are_different,
    terms_are_those_of_the_family,
    terms_fit_their_kind,
    extensions_stay_short,
    letters_are_not_held_too_long,
    reminders_are_of_the_applicant,
    lists_of_notices_repeat_nothing,
    _data_outlasts_the_ceiling,
    _members_add_up,
    partnerships_fit_their_maximum,
    somebody_is_invited,
    _conflicts_conflict,
    lists_are_of_other_calls,
    lists_are_asked_in_one_way,
    lists_reward_what_is_scored,
    one_board_where_nothing_is_scored,
    criteria_can_be_met,
)
