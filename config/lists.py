"""Does what a call wants of the list of another one fit the call?"""

from collections.abc import Iterator

from config.families import form
from config.findings import Finding, as_far_as_read
from config.schema import CallDefinition


def lists_are_of_other_calls(call: CallDefinition) -> Iterator[Finding]:
    """Tell what a call wants of itself."""
    for index in range(len(call.list_requirements)):
        yield from as_far_as_read(_is_of_another(call, index))


def lists_are_asked_in_one_way(call: CallDefinition) -> Iterator[Finding]:
    """Tell points where nothing is rewarded, and a day where none is meant."""
    for index in range(len(call.list_requirements)):
        for key, wanted in (("points", "reward"), ("day", "day")):
            yield from as_far_as_read(_goes_with(call, index, key, wanted))


def lists_reward_what_is_scored(call: CallDefinition) -> Iterator[Finding]:
    """Tell a reward in points where there are none, or more than there are."""
    for index in range(len(call.list_requirements)):
        yield from as_far_as_read(_can_be_reached(call, index))


def one_board_where_nothing_is_scored(call: CallDefinition) -> Iterator[Finding]:
    """Tell several evaluators where the board gives no score to take the mean of."""
    gives_points = "merit" in form(call.family).sections
    if call.roles is not None and call.roles.evaluators > 1 and not gives_points:
        yield Finding(
            ("roles", "evaluators"),
            "the board gives no points here, so there is no mean of several: write 1",
        )


def criteria_can_be_met(call: CallDefinition) -> Iterator[Finding]:
    """Tell a minimum of criteria that nothing can meet."""
    there = len(call.assessment.criteria)
    if there and call.assessment.minimum > there:
        yield Finding(
            ("assessment", "minimum"), f"there are only {there} criteria to meet"
        )


def _is_of_another(call: CallDefinition, index: int) -> Iterator[Finding]:
    if call.list_requirements[index].call == call.code:
        yield Finding(
            ("lists", index, "call"), "this is the call itself: name the other one"
        )


def _goes_with(
    call: CallDefinition, index: int, key: str, wanted: str
) -> Iterator[Finding]:
    one = call.list_requirements[index]
    said = one.effect if key == "points" else one.as_of
    name = "effect" if key == "points" else "as_of"
    written = getattr(one, key) is not None
    if said == wanted and not written:
        yield Finding(("lists", index, key), f'missing: {name} is "{said}", so say it')
    if said != wanted and written:
        yield Finding(("lists", index, key), f'{name} is "{said}": leave this key out')


def _can_be_reached(call: CallDefinition, index: int) -> Iterator[Finding]:
    points = call.list_requirements[index].points
    if points is not None and points > call.merit.total:
        yield Finding(
            ("lists", index, "points"),
            f"more than the total of {call.merit.total} points (merit.total)",
        )
