"""Effects: how does a step beside the state open and close?"""

from typing import Any

from models.vocabulary import StepKind, StepStatus
from workflow.facts import Facts
from workflow.machine import Consequences, Effect, Inputs, StepChange


def opening(kind: StepKind, **updates: object) -> Effect:
    """Make an effect that opens a step about the phase in which the file stands."""

    def effect(facts: Facts, _given: Inputs) -> Consequences:
        phase = facts.application.state.value
        return Consequences(
            steps=(StepChange(kind, StepStatus.OPEN, subject=phase),), updates=updates
        )

    return effect


def closing(kind: StepKind, outcome: str) -> Effect:
    """Make an effect that closes a step if it is open."""

    def effect(facts: Facts, _given: Inputs) -> Consequences:
        if facts.open_step(kind) is None:
            return Consequences()
        return Consequences(steps=(StepChange(kind, StepStatus.CLOSED, outcome),))

    return effect


def answering(kind: StepKind) -> Effect:
    """Make an effect that notes the applicant's reply in a step."""

    def effect(_facts: Facts, _given: Inputs) -> Consequences:
        return Consequences(steps=(StepChange(kind, StepStatus.ANSWERED),))

    return effect


def both(first: Effect, second: Effect) -> Effect:
    """Join two effects that touch different things."""

    def effect(facts: Facts, given: Any) -> Consequences:  # noqa: ANN401 - each effect knows its own inputs
        one, other = first(facts, given), second(facts, given)
        return Consequences(
            money=one.money + other.money,
            steps=one.steps + other.steps,
            terms=one.terms + other.terms,
            starts=one.starts + other.starts,
            restarts=one.restarts + other.restarts,
            since=one.since or other.since,
            letters=one.letters + other.letters,
            changes_nothing=one.changes_nothing and other.changes_nothing,
            delivered=one.delivered or other.delivered,
            released=one.released or other.released,
            updates={**one.updates, **other.updates},
            findings={**one.findings, **other.findings},
        )

    return effect
