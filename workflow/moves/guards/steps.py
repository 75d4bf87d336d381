"""Guards: does a step beside the state stand as it must?"""

from models.vocabulary import StepKind, StepStatus, TermKind
from workflow.facts import (
    ALLOWED,
    ANSWERED,
    ANSWERED_LATE,
    UNANSWERED,
    Facts,
    StepRecord,
    Verdict,
)
from workflow.machine import Guard
from workflow.moves.words import spoken


def step_open(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants a step open, not yet answered."""

    def guard(facts: Facts) -> Verdict:
        step = facts.step(kind)
        if step is not None and step.status == StepStatus.OPEN:
            return ALLOWED
        if step is not None and is_unanswered(step):
            return Verdict(
                f"{kind}.not_open",
                f"the {spoken(kind)} was closed, unanswered, when its term ended; "
                "decide on what is in the file",
            )
        if step is not None and _is_answered(step):
            return Verdict(
                f"{kind}.not_open",
                f"the {spoken(kind)} was answered already, and nothing more is awaited",
            )
        return Verdict(f"{kind}.not_open", f"no {spoken(kind)} is open; {way_out}")

    return guard


def _is_answered(step: StepRecord) -> bool:
    return step.status is StepStatus.ANSWERED or step.outcome in {
        ANSWERED,
        ANSWERED_LATE,
    }


def awaited(kind: StepKind, term: TermKind, way_out: str) -> Guard:
    """Make a guard that lets an answer in while it is awaited, or late.

    Once the office has stopped waiting, an answer to a term that is not peremptory
    is still read, as long as nothing is decided (art. 10 lett. b) L. 241/1990).
    """
    in_time = step_open(kind, way_out)

    def guard(facts: Facts) -> Verdict:
        step = facts.step(kind)
        if step is not None and is_unanswered(step):
            rule = facts.call.terms.get(term)
            if rule is not None and not rule.peremptory:
                return ALLOWED
            return Verdict(
                f"{kind}.not_open",
                f"the {spoken(kind)} was closed, unanswered, when its term ended; if "
                "the answer came in by then, state --received-on and --proof; else "
                "decide on what is in the file",
            )
        return in_time(facts)

    return guard


def is_unanswered(step: StepRecord) -> bool:
    """Tell whether the office has stopped waiting for the answer to a step."""
    return step.status is StepStatus.CLOSED and step.outcome == UNANSWERED


def step_answered(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants the applicant's reply to be there."""

    def guard(facts: Facts) -> Verdict:
        step = facts.open_step(kind)
        if step is not None and step.status == StepStatus.ANSWERED:
            return ALLOWED
        return Verdict(
            f"{kind}.not_answered", f"no {spoken(kind)} has been filed; {way_out}"
        )

    return guard


def step_not_open(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants a step closed, or never opened."""

    def guard(facts: Facts) -> Verdict:
        if facts.open_step(kind) is None:
            return ALLOWED
        return Verdict(f"{kind}.open", f"a {spoken(kind)} is open; {way_out}")

    return guard


def never_asked(kind: StepKind) -> Guard:
    """Make a guard that allows a step only once."""

    def guard(facts: Facts) -> Verdict:
        if facts.step(kind) is None:
            return ALLOWED
        return Verdict(
            f"{kind}.once",
            f"a {spoken(kind)} was already made and may be made only once; "
            "decide on what is in the file",
        )

    return guard
