"""Do the rules of a ranking fit one another and the rest of the call?"""

from collections.abc import Callable, Iterator

from config.findings import Finding
from config.schema import CallDefinition, criterion_of
from models.vocabulary import Leftover, ShortMoneyPolicy, TieRule

_LEAVES_NOBODY_EQUAL = (TieRule.EARLIER_ARRIVAL, TieRule.DRAW)


def ties_are_told_apart_by_criteria(call: CallDefinition) -> Iterator[Finding]:
    """Tell a criterion that the call does not score."""
    known = [one.code for one in call.merit.criteria]
    for index, rule in enumerate(call.ranking.tie_break):
        code = criterion_of(rule)
        if _is_ranked(call) and code is not None and code not in known:
            yield Finding(
                ("ranking", "tie_break", index),
                f"`{code}` is no criterion of merit of this call: write one of "
                f"{', '.join(known)}",
            )


def ties_are_told_apart_once(call: CallDefinition) -> Iterator[Finding]:
    """Tell a rule that stands there twice."""
    rules = call.ranking.tie_break
    for index, rule in enumerate(rules):
        if rule in rules[:index]:
            yield Finding(
                ("ranking", "tie_break", index), f'"{rule}" stands there already'
            )


def nobody_stays_equal(call: CallDefinition) -> Iterator[Finding]:
    """Tell rules that could leave two in the same place, or that decide nothing."""
    rules = call.ranking.tie_break
    if not rules:
        return  # said already
    if rules[-1] not in _LEAVES_NOBODY_EQUAL:
        wanted = " or ".join(f'"{rule}"' for rule in _LEAVES_NOBODY_EQUAL)
        yield Finding(
            ("ranking", "tie_break"),
            f"two could still be equal: write {wanted} as the last one",
        )
    for index, rule in enumerate(rules[:-1]):
        if rule in _LEAVES_NOBODY_EQUAL:
            yield Finding(
                ("ranking", "tie_break", index),
                f'nobody is equal after "{rule}": leave out what follows it',
            )


def a_part_is_offered_where_parts_are_given(call: CallDefinition) -> Iterator[Finding]:
    """Tell a rest that would be offered where nothing is given in part."""
    rules = call.ranking
    if rules.below_minimum is Leftover.OFFER and not rules.partial:
        yield Finding(
            ("ranking", "below_minimum"),
            "partial is false, so that nobody is offered less than the whole: write "
            '"hold" or "skip"',
        )


def who_has_no_money_waits(call: CallDefinition) -> Iterator[Finding]:
    """Tell a ranked call that would not let those without money wait."""
    if not _is_ranked(call):
        return
    if call.allocation.short_money is not ShortMoneyPolicy.WAITING_LIST:
        yield Finding(
            ("allocation", "short_money"),
            "a ranking says what becomes of the rest (ranking.below_minimum), and who "
            'is admitted without money waits: write "waiting_list"',
        )


def _is_ranked(call: CallDefinition) -> bool:
    return "ranking" in call.model_fields_set


CHECKS: tuple[Callable[[CallDefinition], Iterator[Finding]], ...] = (
    ties_are_told_apart_by_criteria,
    ties_are_told_apart_once,
    nobody_stays_equal,
    a_part_is_offered_where_parts_are_given,
    who_has_no_money_waits,
)
