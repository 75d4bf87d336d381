"""Which of the rows that an event has from one state is meant?"""

from models.vocabulary import CallState, StepKind
from workflow.facts import Facts
from workflow.moves import placements
from workflow.rules.counter import Placement


def waits_from_the_filing(facts: Facts) -> bool:
    """Tell whether it is filed without money, in a call that examines only money."""
    if not placements.waits_before_review(facts.call.counter):
        return False
    received = placements.decision(facts)
    return received is not None and received.placement is Placement.WAITING


def goes_back_to_wait(facts: Facts) -> bool:
    """Tell whether without its reservation it is no longer to be examined."""
    waits = placements.waits_before_review(facts.call.counter)
    return waits and not facts.application.review_started


def call_was_annulled(facts: Facts) -> bool:
    """Tell whether the call was annulled: then nobody is written to about its terms."""
    return facts.counter.state is CallState.ANNULLED


def other_scores_follow(facts: Facts) -> bool:
    """Tell whether the board still lacks more than one score."""
    return len(facts.people.sheets) + 1 < facts.call.duties.evaluators


def asked_to_leave(facts: Facts) -> bool:
    """Tell whether a member of the list has asked to be taken off it."""
    return facts.open_step(StepKind.REMOVAL_REQUEST) is not None


def was_never_scored(facts: Facts) -> bool:
    """Tell whether it waits since before its review."""
    return facts.application.score is None
