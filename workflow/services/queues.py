"""Who waits for a grant, who is next, and who blocks whom?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.session import reading
from models.tables import Application, Call
from models.vocabulary import (
    QUEUED_STATES,
    ApplicationState,
    CallState,
    Cents,
    OrderPolicy,
    SuspensionCause,
)
from workflow.desk import Desk
from workflow.facts import CounterFacts, MoneyFacts, Place
from workflow.moves.families import TABLES
from workflow.rules import order, strategies
from workflow.rules.calendar import civil_day
from workflow.rules.ranking import Award
from workflow.rules.strategies import Line
from workflow.rules.windows import WINDOW_CHANGES
from workflow.services import candidates, case_files, lookups, rankings, windows
from workflow.services.made_rankings import Made

_NAMED = 10


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A place in the order, and who stands in its way; money in cents."""

    position: int | None
    """Its place among all that arrived, those that ended included; where an act ranks
    them its place in the last ranking, if it has one."""
    application: str
    protocol: str
    received_at: datetime
    state: ApplicationState
    requested: int
    reserved: int
    running_total: int
    may_review: bool
    may_grant: bool
    blocked_by: tuple[str, ...]
    """The first of those that must be taken up before it."""
    blocked_by_count: int
    next_step: str
    together_with: str | None
    """The day or the week whose others count as arrived together with it."""
    score: int | None
    rank: int | None
    granted: int = 0
    asked: int = 0
    """What it asked for at first; more than is requested, if a part is all it gets."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """Everyone who waits for a grant, in the order of the call; money in cents."""

    call: str
    state: CallState
    suspended_for: SuspensionCause | None
    reopens_at: datetime | None
    policy: OrderPolicy
    allocation: int
    reserved: int
    granted: int
    waiting: int
    items: tuple[QueueItem, ...]
    not_receivable: tuple[str, ...]
    """Files by another channel: they hold no place and await the act that says so."""
    ranking: Made | None = None
    """The last ranking, where an act makes one."""
    moves_down: tuple[Award, ...] = ()
    """Who would get more of the money that is free, if an act said so."""

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted

    @property
    def first_without_money(self) -> QueueItem | None:
        """Where the money ends: the first that has none, and that none will reach.

        What is free goes down to those who come next, by an act or once their day or
        week is decided. Before the first ranking it ends nowhere.
        """
        if self.policy is OrderPolicy.RANKING and self.ranking is None:
            return None
        left = self.moves_down[-1].left if self.moves_down else self.residual
        reached = {one.candidate.protocol for one in self.moves_down}
        for item in self.items:
            lacks = item.requested - item.reserved
            if (
                item.state not in QUEUED_STATES
                or lacks <= 0
                or item.protocol in reached
            ):
                continue
            if lacks > left:
                return item
            left -= lacks
        return None


def queue(desk: Desk, code: str) -> QueueView:
    """Return who waits for a grant: who is next, and who blocks whom.

    Raises:
        RefusedError: there is no such call.
    """
    with reading(desk.engine) as session:
        call = lookups.find_call(session, code)
        rules = lookups.rules_of(session, call.id, call.version)
        read = case_files.ranked if _ranks(rules) else case_files.queue
        seen = lined_up(
            call.code,
            rules,
            windows.counter_as_of(session, call, desk.ambient.now()),
            case_files.money_of(call),
            Arrived(
                read(session, call.id, rules.filing.channel),
                positions(session, call),
                _by_another_channel(session, call, rules),
                rankings.latest(session, call),
            ),
        )
        return replace(
            seen,
            moves_down=candidates.next_down(
                session, call, civil_day(desk.ambient.now())
            ),
        )


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who has come to a counter so far."""

    places: tuple[Place, ...]
    """Everybody who holds a place."""
    positions: dict[tuple[int, int], int]
    """The place in the order of arrival by year and number of protocol."""
    not_receivable: tuple[str, ...]
    """Who came by another channel."""
    ranking: Made | None = None


def lined_up(
    code: str,
    rules: CallDefinition,
    counter: CounterFacts,
    money: MoneyFacts,
    arrived: Arrived,
) -> QueueView:
    """Return the queue of those who have come, as it stands on these facts."""
    return QueueView(
        call=code,
        state=counter.state,
        suspended_for=counter.suspended_for,
        reopens_at=counter.reopens_at,
        policy=rules.counter.order,
        allocation=money.allocation,
        reserved=money.reserved,
        granted=money.granted,
        waiting=(
            sum(one.requested for one in arrived.places if one.state in _UNFUNDED)
            if _ranks(rules)
            else money.waiting
        ),
        ranking=arrived.ranking,
        items=tuple(
            _ranked(arrived, counter, rules)
            if _ranks(rules)
            else _items(
                strategies.lined_up(rules.counter.order, arrived.places),
                arrived.positions,
                money=money,
                rules=rules,
                annulled=counter.state is CallState.ANNULLED,
            )
        ),
        not_receivable=arrived.not_receivable,
    )


_UNFUNDED = {ApplicationState.WAITING}
"""In a ranked call: nobody waits for money before an act has said so."""


def _ranks(rules: CallDefinition) -> bool:
    """Tell whether an act ranks all who came; a list has room for all of them."""
    return TABLES[rules.family].ranked is not None


def positions(session: Session, call: Call) -> dict[tuple[int, int], int]:
    """Return the place in the order of arrival by year and number of protocol."""
    rows = session.exec(
        select(Application.protocol_year, Application.protocol_number)
        .where(Application.call_id == call.id)
        .where(col(Application.received_at).is_not(None))
        .order_by(
            col(Application.received_at),
            col(Application.protocol_year),
            col(Application.protocol_number),
        )
    )
    return {
        (year or 0, number or 0): position
        for position, (year, number) in enumerate(rows, start=1)
    }


@dataclass(frozen=True)
class _Blockers:
    """Who holds up whoever comes later, so that each answer takes no search."""

    names: tuple[str, ...]
    before: tuple[int, ...]
    """How many of them stand among the first so many places in order."""

    @classmethod
    def among(
        cls, lines: tuple[Line, ...], pending: Callable[[Place], bool]
    ) -> "_Blockers":
        marks = [pending(line.place) for line in lines]
        return cls(
            tuple(
                line.place.protocol
                for line, mark in zip(lines, marks, strict=True)
                if mark
            ),
            tuple(accumulate(marks, initial=0)),
        )

    def of(self, line: Line) -> int:
        return self.before[line.turn]


def _items(
    lines: tuple[Line, ...],
    positions: dict[tuple[int, int], int],
    *,
    money: MoneyFacts,
    rules: CallDefinition,
    annulled: bool,
) -> Iterator[QueueItem]:
    skip = rules.procedure.skip_when_suspended
    has_turns = "counter" in rules.model_fields_set
    behind_review = _Blockers.among(
        lines,
        lambda place: has_turns and order.awaits_review(place, skip_waiting=skip),
    )
    behind_merit = _Blockers.among(
        lines, lambda place: has_turns and order.awaits_score(place, skip_waiting=skip)
    )
    total = 0
    for line in lines:
        place = line.place
        total += place.requested
        blockers = behind_merit if _is_to_score(place) else behind_review
        taken_up = not (_is_to_review(place) or _is_to_score(place))
        blocked = 0 if taken_up else blockers.of(line)
        stopped = _stopped(place, rules, annulled=annulled)
        yield QueueItem(
            position=positions[place.key.protocol_year, place.key.protocol_number],
            application=str(place.application),
            protocol=place.protocol,
            received_at=place.key.received_at,
            state=place.state,
            requested=place.requested,
            reserved=place.reserved,
            running_total=total,
            may_review=_is_to_review(place) and not blocked and not stopped,
            may_grant=_may_be_granted(line, money, rules) and not stopped,
            blocked_by=blockers.names[: min(blocked, _NAMED)],
            blocked_by_count=blocked,
            next_step=stopped or _next_step(place, blocked=bool(blocked)),
            together_with=line.together,
            score=place.score,
            rank=place.rank,
        )


def _ranked(
    arrived: Arrived, counter: CounterFacts, rules: CallDefinition
) -> Iterator[QueueItem]:
    """Tell of everybody in a set that an act ranks: in its order, once there is one."""
    total, made = 0, arrived.ranking
    # Who gave up, or was handed over late, has no place in the last version.
    placed = [
        one if made and one.protocol in made.members else replace(one, rank=None)
        for one in arrived.places
    ]
    for place in strategies.in_order(rules.counter.order, placed):
        is_open = place.state in QUEUED_STATES
        total += place.requested if is_open else place.reserved + place.granted
        step = _next_in_set(place, counter, rules)
        yield QueueItem(
            position=place.rank,
            application=str(place.application),
            protocol=place.protocol,
            received_at=place.key.received_at,
            state=place.state,
            requested=place.requested,
            reserved=place.reserved,
            running_total=total,
            may_review=step == _REVIEW,
            may_grant=step == _GRANT,
            blocked_by=(),
            blocked_by_count=0,
            next_step=step,
            together_with=None,
            score=place.score,
            rank=place.rank,
            granted=place.granted,
            asked=place.asked or place.requested,
        )


_REVIEW, _SCORE, _GRANT = "review it now", "score it now", "grant it"
_MONEY = "waits for money"
RANK_IT, RAISE_IT = "waits for the ranking", "grant what was added"
LIST_IT = "put it on the list"
"""What an act of the manager brings further."""

EXAMINED = frozenset({RANK_IT, _GRANT, _MONEY})
"""What comes next for whoever is examined to the end, where an act ranks them."""


def _next_in_set(place: Place, counter: CounterFacts, rules: CallDefinition) -> str:  # noqa: PLR0911 - one for each standing
    if counter.state is CallState.ANNULLED:
        return "none: the call was annulled"
    if place.state not in QUEUED_STATES:
        if place.granted:
            return RAISE_IT if place.reserved else "granted"
        return "none: it is over"
    if place.waits_for_applicant:
        return "waits for the applicant"
    if place.state is ApplicationState.WAITING:
        return _MONEY
    ranked = TABLES[rules.family].ranked
    if ranked is not None and place.state is ranked.ready:
        return RANK_IT if place.rank is None else _GRANT
    if place.state is ApplicationState.ADMISSIBLE:
        return _SCORE
    if place.review_started:
        return "under review"
    is_closed = counter.state not in WINDOW_CHANGES
    return _REVIEW if is_closed else "waits for the closing"


def _is_to_review(place: Place) -> bool:
    return place.state == ApplicationState.SUBMITTED and not place.review_started


def _is_to_score(place: Place) -> bool:
    return place.state == ApplicationState.ADMISSIBLE


def _may_be_granted(line: Line, money: MoneyFacts, rules: CallDefinition) -> bool:
    place = line.place
    left = Cents(money.allocation - money.granted - line.set_aside)
    if rules.counter.jump_ahead:  # who was passed over has no claim on what it holds
        left = Cents(money.residual + place.reserved)
    return (
        place.state == ApplicationState.EVALUATED
        and rules.allocation.amount > 0
        and place.requested <= left
        and place.reserved >= place.requested
        and (place.score or 0) >= rules.merit.threshold
        and not place.waits_for_applicant
    )


def _stopped(place: Place, rules: CallDefinition, *, annulled: bool) -> str | None:
    """Return what keeps anything from being decided on it, whatever its turn is."""
    if annulled:
        return "none: the call was annulled"
    if strategies.awaits_draw(rules.counter.order, place.rank):
        return "waits for the draw"
    return None


def _next_step(place: Place, *, blocked: bool) -> str:
    if place.waits_for_applicant:
        return "waits for the applicant"
    if place.state == ApplicationState.SUBMITTED:
        if place.review_started:
            return "under review"
        return "waits for its turn" if blocked else "review it now"
    if place.state == ApplicationState.ADMISSIBLE:
        return "waits for its turn" if blocked else "score it now"
    if not place.requested:
        return _ON_NO_MONEY.get(place.state, "decide on its refusal")
    decides = place.state is not ApplicationState.WAITING and place.reserved
    return "decide on the grant" if decides else _MONEY


_ON_NO_MONEY = {ApplicationState.WORTHY: LIST_IT}
"""What follows where nothing is asked for, and no grant is decided on."""


def _by_another_channel(
    session: Session, call: Call, rules: CallDefinition
) -> tuple[str, ...]:
    rows = session.exec(
        select(Application)
        .where(Application.call_id == call.id)
        .where(Application.state == ApplicationState.SUBMITTED)
        .where(Application.channel != rules.filing.channel)
        .order_by(col(Application.filed_seq))
    )
    return tuple(lookups.named(row) for row in rows)
