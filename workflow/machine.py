"""Which moves exist, and may this one be made now?

`fire` is the only way to change a state. `transitions` stays inside this
module: one machine is shared by everybody who uses the same table of moves,
and rows are never bound to it, because binding resets the state and leaks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from transitions import EventData
from transitions import Machine as StateMachine

from config.schema import CallDefinition
from models.vocabulary import (
    ApplicationState,
    CallState,
    Decision,
    Event,
    Family,
    Letter,
    MovementKind,
    Role,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
)
from workflow.errors import RefusedError
from workflow.facts import ALLOWED, ActFacts, Facts, Hands, Member, Verdict, holds
from workflow.rules.ranking import Candidate, Ordered
from workflow.rules.terms import Suspension

_BY_HAND_IF_ANNULLED = (
    Event.WITHDRAW,
    Event.ANNUL,
    Event.RECORD_DELIVERY,
    Event.RELEASE_NOTICE,
)
_EVEN_IF_ANNULLED = (
    *_BY_HAND_IF_ANNULLED,
    Event.EXPIRE,
    Event.EXPIRE_TERM,
    Event.RESUME_TERM,
    Event.REMIND_TERM,
    Event.ESCALATE_TERM,
)
"""What may still happen to an application once its call was annulled."""


class Inputs(BaseModel):
    """What a person must state to make a move; each field is an option."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def entered(self) -> dict[str, Any]:
        """Return what the register says of it: nothing that names a person."""
        return self.model_dump(mode="json", exclude_none=True)


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
    letter: Letter | None = None
    """Which letter stops the clock: two may do so on one day."""
    expired: bool = False
    extra_months: int = 0
    extra_days: int = 0
    cancelled: bool = False
    """It no longer runs, and may start anew."""
    reminded: int | None = None
    """A reminder is written, so many days before its end."""
    escalated: bool = False
    """The manager is told that it was missed."""
    settled: bool = False
    """It was missed, and nobody has to do anything about that any more."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A letter that has reached the applicant (*consegna*), and what proves it."""

    letter: Letter
    receipt: str
    notice: UUID | None = None
    """Which one of that kind, if it is named; else the latest."""
    at: datetime | None = None
    """The instant, if a receipt tells it; else only the day is known."""


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
    changes_nothing: bool = False
    """For the applicant: the letters of the row are not written either."""
    delivered: Delivery | None = None
    released: UUID | None = None
    """A letter that was held back and may be sent."""
    updates: Mapping[str, object] = field(default_factory=dict)
    """Columns of the application to set."""
    partners: tuple[Member, ...] | None = None
    """Who applies together with the applicant from now on, if that changes."""
    findings: Mapping[str, object] = field(default_factory=dict)
    """What the register must say about how it was decided."""


Guard = Callable[[Facts], Verdict]
Check = Callable[[Facts, Any], Verdict]
Effect = Callable[[Facts, Any], Consequences]
When = Callable[[Facts], bool]


class Arrival(Protocol):
    """How a move looks at what came in before it was typed."""

    def verdict(self, facts: Facts, given: Inputs, /) -> Verdict:
        """Tell whether it can have come in when it is said to have."""

    def as_of(self, facts: Facts, given: Inputs, /) -> Facts:
        """Return the facts as they stood when it came in."""


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
    when: When | None = None
    """Tells this row from another of the same event that starts where it does."""
    also: tuple[Role, ...] = ()
    """Other roles in which it may be made."""
    decides: Decision | None = None
    """What it decides; a call may want another person to have proposed it."""
    proposed_by: tuple[Event, ...] = ()
    """By which moves that is proposed: whoever made one does not decide."""
    reckons: bool = False
    """Its guards or its effect reckon the aid: what was given before is looked up."""
    automatic: bool = False
    """A worker may make it too: it is no act with effect on the applicant."""
    by_intake: bool = False
    """Made by taking a submission in, never by hand: it needs a place in the order."""
    by_sweep: bool = False
    """Made when an instant has come, never by hand: nobody may bring it forward."""
    by_call: bool = False
    """Made with many others by one act of the call, never by hand for one alone."""
    awaited: Arrival | None = None
    """For what the applicant files: it counts from when it came in."""
    effect: Effect = no_effect
    letters: tuple[Letter, ...] = ()
    starts: tuple[TermStart, ...] = ()
    meets: tuple[TermKind, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Every role in which it may be made, that of the workers too."""
        own = (self.role, *self.also)
        return (*own, Role.SYSTEM) if self.automatic and Role.SYSTEM not in own else own

    @property
    def by_hand(self) -> bool:
        """Tell whether somebody can make it by a command."""
        return not (self.by_intake or self.by_sweep or self.by_call)

    def is_meant(self, facts: Facts) -> bool:
        """Tell whether this row, of those of one event and state, is the one."""
        return self.when is None or self.when(facts)

    def standing(self, facts: Facts) -> tuple[Verdict, ...]:
        """Return everything that stands in the way now, whatever is stated."""
        if not (annulled := _call_stands(self.event, facts)):
            return (annulled,)
        standing = tuple(found for need in self.needs if not (found := need(facts)))
        if standing:
            return standing
        return tuple(found for ahead in self.foresees if not (found := ahead(facts)))

    def seen(self, facts: Facts, inputs: Inputs) -> Facts:
        """Return the facts on which it is made: those of when it came in."""
        return self.awaited.as_of(facts, inputs) if self.awaited else facts

    def verdict(self, facts: Facts, inputs: Inputs) -> Verdict:
        """Return the first thing that stands in the way."""
        for first in (
            _call_stands(self.event, facts),
            _decided_by_another(self, facts),
        ):
            if not first:
                return first
        if self.awaited and not (verdict := self.awaited.verdict(facts, inputs)):
            return verdict
        facts = self.seen(facts, inputs)
        for need in self.needs:
            if not (verdict := need(facts)):
                return verdict
        if not (verdict := formalities(self, facts.act, facts.reason)):
            return verdict
        for check in self.accepts:
            if not (verdict := check(facts, inputs)):
                return verdict
        return ALLOWED


def _call_stands(event: Event, facts: Facts) -> Verdict:
    """Tell whether the call still allows an event: once annulled, hardly any."""
    annulled = facts.counter.state is CallState.ANNULLED
    if not annulled or event in _EVEN_IF_ANNULLED:
        return ALLOWED
    return Verdict(
        "call.annulled",
        f"the call was annulled, so `{event}` cannot be made any more; an application "
        f"to it may only {', '.join(f'`{one}`' for one in _BY_HAND_IF_ANNULLED)}",
    )


def _decided_by_another(move: Move, facts: Facts) -> Verdict:
    """Tell whether somebody else has proposed it: neither who acts, nor for whom."""
    hands = facts.by
    if hands is None or move.decides not in facts.call.duties.separate:
        return ALLOWED
    role = hands.capacity(move.roles)
    for deed in facts.people.deeds:
        if deed.event in move.proposed_by and deed.is_of(hands, role):
            return Verdict(
                "role.same_person",
                f"whoever proposes does not decide: `{deed.event}` was made by, or on "
                f"behalf of, the same officer as this `{move.event}`; let another "
                f"`{move.role}` make it",
                {"officer": str(deed.by), "proposed": deed.event.value},
            )
    return ALLOWED


class Row(Protocol):
    """What a row of any table says: of applications, or of calls."""

    @property
    def event(self) -> StrEnum: ...  # noqa: D102 - the docstring above says it
    @property
    def sources(self) -> tuple[StrEnum, ...]: ...  # noqa: D102 - as above
    @property
    def target(self) -> StrEnum | None: ...  # noqa: D102 - as above
    @property
    def act(self) -> bool: ...  # noqa: D102 - as above
    @property
    def reason(self) -> bool: ...  # noqa: D102 - as above
    @property
    def roles(self) -> tuple[Role, ...]: ...  # noqa: D102 - as above

    def is_meant(self, facts: Any, /) -> bool:  # noqa: ANN401 - each table has its own facts
        """Tell whether this row, of those of one event and state, is the one."""

    def verdict(self, facts: Any, inputs: Any, /) -> Verdict:  # noqa: ANN401 - as above
        """Return the first thing that stands in the way."""


def formalities(row: Row, act: ActFacts | None, reason: str | None) -> Verdict:
    """Tell whether a row has the act and the reason that it needs."""
    if row.act and act is None:
        return Verdict(
            "act.missing",
            f"`{row.event}` needs the act it stands on; "
            'give it as --act "decreto 1234/2026-03-10"',
        )
    if row.reason and not reason:
        return Verdict(
            "reason.missing",
            f"`{row.event}` needs its reason in words; give it with --reason",
        )
    return ALLOWED


class Known(Protocol):
    """What is known when a move of any table is made."""

    @property
    def by(self) -> Hands | None:
        """Whoever makes it; nobody is let through whom nobody has looked at."""


_State = TypeVar("_State", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)
_Row = TypeVar("_Row", bound=Row)


class _Carrier:
    """Lends a state to the machine for one move."""

    __slots__ = ("state",)

    def __init__(self, state: StrEnum) -> None:
        self.state = state.value


class Rows(Generic[_State, _Event, _Row]):
    """The rows of one machine: which events lead from which states to which."""

    def __init__(self, states: type[_State], moves: Iterable[_Row], see: str) -> None:
        self.states = states
        self.moves = tuple(moves)
        self.see = see
        """The command that shows what can be done."""

    @cached_property
    def machine(self) -> StateMachine:
        """The one machine that everybody who uses this table shares."""
        machine = StateMachine(
            model=None,
            states=[state.value for state in self.states],
            initial=next(iter(self.states)).value,
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

    def from_state(self, state: _State) -> tuple[_Row, ...]:
        """Return the moves that start from a state."""
        return tuple(move for move in self.moves if state in move.sources)

    def of_event(self, event: _Event) -> tuple[_Row, ...]:
        """Return the rows of an event."""
        return tuple(move for move in self.moves if move.event == event)

    def rows(self, event: _Event, state: _State) -> tuple[_Row, ...]:
        """Return the rows that an event has from a state.

        Raises:
            RefusedError: no row of the table says that.
        """
        rows = self.of_event(event)
        if found := tuple(move for move in rows if state in move.sources):
            return found
        if not rows:
            raise RefusedError(
                "machine.unknown_event",
                f"`{event}` is no event of this procedure; "
                f"see `{self.see}` for those that are",
            )
        starts = dict.fromkeys(source for move in rows for source in move.sources)
        sources = ", ".join(f"`{source}`" for source in starts)
        raise RefusedError(
            "machine.wrong_state",
            f"`{event}` cannot be made from `{state}`: it starts from {sources}; "
            f"see `{self.see}` for what can be done now",
            {"state": state.value, "event": event.value},
        )

    def possible(self, state: _State, facts: object) -> tuple[_Row, ...]:
        """Return the move that each event makes from a state, on these facts."""
        events = dict.fromkeys(move.event for move in self.from_state(state))
        return tuple(self.find(event, state, facts) for event in events)  # type: ignore[arg-type]  # an event of these rows

    def find(self, event: _Event, state: _State, facts: object) -> _Row:
        """Return the move that an event makes from a state, on these facts.

        The last of the rows needs no condition of its own: it is what is left.

        Raises:
            RefusedError: no row of the table says that.
        """
        *rows, last = self.rows(event, state)
        return next((move for move in rows if move.is_meant(facts)), last)


@dataclass(frozen=True, slots=True)
class Ranked:
    """How a family ranks all those that came until the closing (*graduatoria*).

    `order` is pure: it puts the candidates in order, by the rules of the call and a
    seed drawn in public, and says what decided.
    """

    ready: ApplicationState
    """Where an application stands that waits for nothing but the ranking."""
    order: Callable[[Sequence[Candidate], CallDefinition, str], tuple[Ordered, ...]]
    draws: Callable[[CallDefinition], bool]
    """Tells whether a call needs a seed for it."""


class Table(Rows[ApplicationState, Event, Move]):
    """The moves of a procedure family (*tipo di procedura*)."""

    def __init__(
        self, family: Family, moves: Iterable[Move], *, ranked: Ranked | None = None
    ) -> None:
        super().__init__(ApplicationState, moves, "sportello events APP")
        self.family = family
        self.ranked = ranked
        """How an act ranks the closed set; none where the order is that of arrival."""

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event of the family, in the order of the table."""
        return tuple(dict.fromkeys(move.event for move in self.moves))


def reachable(moves: Iterable[Move]) -> tuple[Move, ...]:
    """Leave out the states to which no row leads, and the rows that start there alone.

    A family that takes rows over from others may do without some of their states. It
    says so by calling this: of other tables a test finds such a row as a slip.
    """
    rows, reached = tuple(moves), {ApplicationState.DRAFT}
    while (
        more := {
            move.target
            for move in rows
            if move.target is not None and not reached.isdisjoint(move.sources)
        }
        - reached
    ):
        reached |= more
    kept = (
        replace(move, sources=tuple(one for one in move.sources if one in reached))
        for move in rows
    )
    return tuple(move for move in kept if move.sources)


def fire(  # noqa: PLR0913 - what a move is, and what it is judged on
    table: Rows[_State, _Event, _Row],
    event: _Event,
    state: _State,
    facts: Known,
    inputs: object,
    *,
    prepare: Callable[[_Row], None] = lambda _move: None,
) -> _State:
    """Make a move and return the new state: the only way to change one.

    Once nothing stands in the way *prepare* is called with the row: what it raises
    keeps the state from changing.

    Raises:
        RefusedError: no row allows it, or a guard stands in the way.
    """
    move = table.find(event, state, facts)
    carrier = _Carrier(state)
    done = table.machine.events[event.value].trigger(
        carrier, move=move, facts=facts, inputs=inputs
    )
    if not done:  # pragma: no cover - guards raise, so it cannot say no
        message = f"the machine refused {event} from {state} without a word"
        raise AssertionError(message)
    prepare(move)
    return table.states(carrier.state)


def _condition(move: Row) -> Callable[[EventData], bool]:
    """Make a guard that raises: a plain "no" would only return `False`."""

    def allowed(data: EventData) -> bool:
        if move is not data.kwargs["move"]:
            return False  # another row of the same event: the machine tries the next
        facts = data.kwargs["facts"]
        # First of all the role, whatever table it is and whoever fires: a person by
        # a command, or a worker.
        verdict = holds(facts.by, move.roles)
        if verdict:
            verdict = move.verdict(facts, data.kwargs["inputs"])
        if not verdict:
            raise RefusedError(verdict.code, verdict.message, verdict.details)
        return True

    return allowed
