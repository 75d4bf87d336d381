"""Which moves exist, and may this one be made now?

`fire` is the only way to change a state. `transitions` stays inside this
module: one machine is shared by everybody who uses the same table of moves,
and rows are never bound to it, because binding resets the state and leaks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict
from transitions import EventData
from transitions import Machine as StateMachine

from models.vocabulary import (
    ApplicationState,
    Event,
    Letter,
    MovementKind,
    ProcedureFamily,
    Role,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
)
from workflow.errors import RefusedError
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.rules.terms import Suspension


class Inputs(BaseModel):
    """What a person must state to make a move; each field is an option."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class MoneyChange:
    """A movement of the ledger, in cents, as the move wants it."""

    kind: MovementKind
    reserved: int = 0
    granted: int = 0


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step that is opened (`OPEN`), answered or closed."""

    kind: StepKind
    status: StepStatus
    outcome: str | None = None
    subject: str | None = None
    """What an opened step is about."""


@dataclass(frozen=True, slots=True)
class TermChange:
    """What a move does to a term beside starting and meeting those of its row."""

    kind: TermKind
    suspension: Suspension | None = None
    """A new suspension, or the same one with its end."""
    expired: bool = False
    extra_months: int = 0


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a move brings about beside the state; written with it or not at all."""

    money: tuple[MoneyChange, ...] = ()
    steps: tuple[StepChange, ...] = ()
    terms: tuple[TermChange, ...] = ()
    starts: tuple[TermStart, ...] = ()
    restarts: tuple[TermKind, ...] = ()
    """Terms that begin again, in full."""
    since: date | None = None
    """The civil day from which the terms that start now are counted, if not today."""
    letters: tuple[Letter, ...] = ()
    delivered: tuple[Letter, str] | None = None
    """A letter that has reached the applicant, and what proves it."""
    updates: Mapping[str, object] = field(default_factory=dict)
    """Columns of the application to set."""
    findings: Mapping[str, object] = field(default_factory=dict)
    """What the register must say about how it was decided."""


Guard = Callable[[Facts], Verdict]
Check = Callable[[Facts, Any], Verdict]
Effect = Callable[[Facts, Any], Consequences]


def no_effect(_facts: Facts, _inputs: Inputs) -> Consequences:
    """Bring about nothing but the state."""
    return Consequences()


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the table of moves.

    `target` is `None` when the state stays: only a step beside it changes.
    """

    event: Event
    sources: tuple[ApplicationState, ...]
    target: ApplicationState | None
    role: Role
    help: str
    basis: str
    inputs: type[Inputs] = Inputs
    needs: tuple[Guard, ...] = ()
    """What must be true whatever is stated."""
    accepts: tuple[Check, ...] = ()
    """What must be true of what is stated."""
    foresees: tuple[Guard, ...] = ()
    """What can be told beforehand of what is accepted, for those who look ahead."""
    act: bool = False
    reason: bool = False
    automatic: bool = False
    """A worker may make it too: it is no act with effect on the applicant."""
    by_intake: bool = False
    """Made by taking a submission in, never by hand: it needs a place in the order."""
    effect: Effect = no_effect
    letters: tuple[Letter, ...] = ()
    starts: tuple[TermStart, ...] = ()
    meets: tuple[TermKind, ...] = ()

    def standing(self, facts: Facts) -> tuple[Verdict, ...]:
        """Return everything that stands in the way now, whatever is stated."""
        standing = tuple(found for need in self.needs if not (found := need(facts)))
        if standing:
            return standing
        return tuple(found for ahead in self.foresees if not (found := ahead(facts)))

    def verdict(self, facts: Facts, inputs: Inputs) -> Verdict:
        """Return the first thing that stands in the way."""
        for need in self.needs:
            if not (verdict := need(facts)):
                return verdict
        if self.act and facts.act is None:
            return Verdict(
                "act.missing",
                f"`{self.event}` needs the act it stands on; "
                'give it as --act "decreto 1234/2026-03-10"',
            )
        if self.reason and not facts.reason:
            return Verdict(
                "reason.missing",
                f"`{self.event}` needs its reason in words; give it with --reason",
            )
        for check in self.accepts:
            if not (verdict := check(facts, inputs)):
                return verdict
        return ALLOWED


class _Carrier:
    """Lends a state to the machine for one move."""

    __slots__ = ("state",)

    def __init__(self, state: ApplicationState) -> None:
        self.state = state.value


class Table:
    """The moves of a procedure family (*tipo di procedura*)."""

    def __init__(self, family: ProcedureFamily, moves: Iterable[Move]) -> None:
        self.family = family
        self.moves = tuple(moves)

    @cached_property
    def machine(self) -> StateMachine:
        """The one machine that everybody who uses this table shares."""
        machine = StateMachine(
            model=None,
            states=[state.value for state in ApplicationState],
            initial=ApplicationState.DRAFT.value,
            auto_transitions=False,
            send_event=True,
        )
        for move in self.moves:
            machine.add_transition(
                trigger=move.event.value,
                source=[source.value for source in move.sources],
                dest=move.target.value if move.target else "=",
                conditions=_condition(move),
            )
        return machine

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event of the family, in the order of the table."""
        return tuple(dict.fromkeys(move.event for move in self.moves))

    def from_state(self, state: ApplicationState) -> tuple[Move, ...]:
        """Return the moves that start from a state."""
        return tuple(move for move in self.moves if state in move.sources)

    def of_event(self, event: Event) -> tuple[Move, ...]:
        """Return the rows of an event."""
        return tuple(move for move in self.moves if move.event == event)

    def find(self, event: Event, state: ApplicationState) -> Move:
        """Return the move that an event makes from a state.

        Raises:
            RefusedError: no row of the table says that.
        """
        rows = self.of_event(event)
        for move in rows:
            if state in move.sources:
                return move
        if not rows:
            raise RefusedError(
                "machine.unknown_event",
                f"`{event}` is no event of this procedure; "
                "see `sportello events APP` for those that are",
            )
        sources = ", ".join(f"`{source}`" for move in rows for source in move.sources)
        raise RefusedError(
            "machine.wrong_state",
            f"`{event}` cannot be made from `{state}`: it starts from {sources}; "
            "see `sportello events APP` for what can be done now",
            {"state": state.value, "event": event.value},
        )


def fire(
    table: Table,
    event: Event,
    state: ApplicationState,
    facts: Facts,
    inputs: Inputs,
) -> ApplicationState:
    """Make a move and return the new state: the only way to change one.

    Raises:
        RefusedError: no row allows it, or a guard stands in the way.
    """
    table.find(event, state)
    carrier = _Carrier(state)
    done = table.machine.events[event.value].trigger(
        carrier, facts=facts, inputs=inputs
    )
    if not done:  # pragma: no cover - guards raise, so it cannot say no
        message = f"the machine refused {event} from {state} without a word"
        raise AssertionError(message)
    return ApplicationState(carrier.state)


def _condition(move: Move) -> Callable[[EventData], bool]:
    """Make a guard that raises: a plain "no" would only return `False`."""

    def allowed(data: EventData) -> bool:
        verdict = move.verdict(data.kwargs["facts"], data.kwargs["inputs"])
        if not verdict:
            raise RefusedError(verdict.code, verdict.message, verdict.details)
        return True

    return allowed
