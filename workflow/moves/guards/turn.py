"""Guards: is it its turn?"""

from models.vocabulary import OrderPolicy
from workflow.facts import ALLOWED, Facts, Place, Verdict
from workflow.moves import inputs as stated
from workflow.rules import order, strategies
from workflow.rules.calendar import civil_day


def review_not_started(facts: Facts) -> Verdict:
    """The formal check starts once."""
    if not facts.application.review_started:
        return ALLOWED
    return Verdict("review.started", "its review has already started; go on with it")


def review_started(facts: Facts) -> Verdict:
    """The formal check is under way."""
    if facts.application.review_started:
        return ALLOWED
    return Verdict(
        "review.not_started", "its review has not started; `start_review` comes first"
    )


def takes_its_turn(facts: Facts, given: stated.ReviewInputs) -> Verdict:
    """Start reviews in the order of arrival, unless an act says otherwise."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unreviewed(facts.earlier, skip_waiting=skip)
    return _turn(facts, overtaken, overtake=given.overtake)


def is_scored_in_turn(facts: Facts, given: stated.EvaluationInputs) -> Verdict:
    """Score in the order of arrival, unless an act says otherwise."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unevaluated(facts.earlier, skip_waiting=skip)
    return _turn(facts, overtaken, overtake=given.overtake)


def has_its_turn(facts: Facts) -> Verdict:
    """Tell beforehand whether its review may start without an act."""
    return takes_its_turn(facts, stated.ReviewInputs())


def has_its_turn_on_merit(facts: Facts) -> Verdict:
    """Tell beforehand whether it may be scored without an act."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unevaluated(facts.earlier, skip_waiting=skip)
    return order.may_proceed(overtaken)


def _turn(facts: Facts, overtaken: tuple[Place, ...], *, overtake: bool) -> Verdict:
    if not overtake:
        return order.may_proceed(overtaken)
    if not overtaken:
        return Verdict(
            "order.nobody_to_overtake",
            "it is its turn and nobody would be overtaken; leave --overtake out",
        )
    if facts.act is None or not facts.reason:
        return Verdict(
            "order.overtaking_needs_act",
            f"overtaking {order.named(overtaken)} needs the act that orders it and "
            "its reason; give --act and --reason",
        )
    return ALLOWED


def day_is_over(facts: Facts) -> Verdict:
    """Grant nobody of a day in which others may still arrive with more merit."""
    key = facts.application.key
    by_day = facts.call.counter.order is OrderPolicy.SAME_DAY_MERIT
    if not by_day or key is None or civil_day(key.received_at) < facts.today:
        return ALLOWED
    return Verdict(
        "order.day_not_over",
        "those of one day count as arrived together and merit decides among them; "
        "wait until the day after, when nobody can arrive in it any more",
    )


def was_drawn(facts: Facts) -> Verdict:
    """Examine nobody of a week before the public draw among them (*sorteggio*)."""
    if not strategies.awaits_draw(facts.call.counter.order, facts.application.rank):
        return ALLOWED
    return Verdict(
        "order.not_drawn",
        "those of one week count as arrived together, and no draw among those of its "
        f"week is recorded; record it with `sportello call draw {facts.call.code}`",
    )
