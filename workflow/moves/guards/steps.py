"""Guards: does a step beside the state stand as it must?"""

from models.vocabulary import StepKind, StepStatus
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.machine import Guard
from workflow.moves.words import spoken


def step_open(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants a step open, not yet answered."""

    def guard(facts: Facts) -> Verdict:
        step = facts.open_step(kind)
        if step is not None and step.status == StepStatus.OPEN:
            return ALLOWED
        return Verdict(f"{kind}.not_open", f"no {spoken(kind)} is open; {way_out}")

    return guard


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
