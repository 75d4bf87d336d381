"""In which order does a closed set stand, and how far does the money go?

Amounts are whole euro cents.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from config.schema import CallDefinition, Ranking, criterion_of
from models.vocabulary import Cents, Leftover, TieRule
from workflow.facts import NOTHING, OrderKey
from workflow.register import written
from workflow.rules.amounts import share
from workflow.rules.strategies import lot

SCORE = "score"
"""How a ranking calls the points that decided before any other rule."""


class Stays(StrEnum):
    """Why one who was granted a part gets no more of it by an act on the ranking."""

    REGISTERED = "registered"
    """A registry knows the aid, which does not grow by itself."""
    PROPOSED = "proposal_open"
    """It is to lapse, or to be revoked, and nobody has decided on that yet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application of the closed set, as far as the ranking looks at it."""

    protocol: str
    key: OrderKey
    wanted: Cents
    """All that it may be given: its request, or the aid on what was admitted."""
    score: int | None = None
    """As it is shown, in whole points."""
    mean: Fraction | None = None
    """The same before it was cut to whole points, if several evaluators gave it."""
    points: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """By criterion, of all evaluators together."""
    held: Cents = NOTHING
    """What it was given already."""
    kept: Cents = NOTHING
    """The part of that which no ranking takes away: it was granted."""
    stays: Stays | None = None
    """Why it gets no more than it has, if it does not."""
    filed: Cents | None = None
    """All that it might be given as it was filed, if that is not what is wanted."""

    @property
    def request(self) -> Cents:
        """By what equals are told apart: no decision on a file changes its place."""
        return self.wanted if self.filed is None else self.filed

    @property
    def merit(self) -> Fraction:
        """The score that decides: nobody comes before another by a rounding."""
        return Fraction(self.score or 0) if self.mean is None else self.mean

    @property
    def due(self) -> Cents:
        """All that an act may give it now."""
        return self.wanted if self.stays is None else min(self.wanted, self.held)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A candidate in its place, with what decided, in words of the rules."""

    candidate: Candidate
    decided: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Award:
    """What the money does for a candidate, and what is left after it."""

    candidate: Candidate
    amount: Cents
    """All that it has then, what it held before included."""
    left: Cents

    @property
    def more(self) -> int:
        """By how much it has more than before; less, if it is negative."""
        return self.amount - self.candidate.held


def by_merit(
    candidates: Sequence[Candidate], rules: CallDefinition, seed: str
) -> tuple[Ordered, ...]:
    """Rank by score, ties by the rules that the call declares (*graduatoria*).

    The last of these leaves nobody equal, so that the order in which the candidates
    are handed over changes nothing.
    """
    ties = rules.ranking.tie_break

    def standing(one: Candidate) -> tuple[Any, ...]:
        return (-one.merit, *(_tie(rule, one, seed) for rule in ties))

    return tuple(
        Ordered(one, {SCORE: exactly(one.merit)} | _told(ties, one, seed))
        for one in sorted(candidates, key=standing)
    )


def exactly(score: Fraction) -> int | str:
    """Return a score as an entry holds it: what is no whole number as a fraction."""
    return int(score) if score.denominator == 1 else str(score)


def ties_are_drawn(rules: CallDefinition) -> bool:
    """Tell whether a call may tell equals apart by lot."""
    return TieRule.DRAW in rules.ranking.tie_break


def _tie(rule: str, one: Candidate, seed: str) -> Any:  # noqa: ANN401 - compared with its like alone
    """Return by what a rule compares, less being better."""
    code = criterion_of(rule)
    return -one.points.get(code, 0) if code is not None else _TIES[rule](one, seed)


_TIES: Mapping[str, Callable[[Candidate, str], Any]] = {
    TieRule.LOWER_REQUEST: lambda one, _: one.request,
    TieRule.HIGHER_REQUEST: lambda one, _: -one.request,
    TieRule.EARLIER_ARRIVAL: lambda one, _: one.key,
    TieRule.DRAW: lambda one, seed: lot(seed, one.protocol),
}


def _told(ties: Iterable[str], one: Candidate, seed: str) -> dict[str, int | str]:
    """Return what the rules looked at, as an entry of the register holds it."""
    told: dict[str, int | str] = {}
    for rule in ties:
        code = criterion_of(rule)
        if code is not None:
            told[rule] = one.points.get(code, 0)
        elif rule == TieRule.EARLIER_ARRIVAL:
            told[rule] = written(one.key.received_at)
        else:
            told[rule] = (
                lot(seed, one.protocol) if rule == TieRule.DRAW else one.request
            )
    return told


def least(rules: CallDefinition) -> Cents:
    """Return the aid on the least that a project may cost; nothing, if no least is."""
    cost = rules.ranking.minimum_cost
    if cost is None:
        return NOTHING
    return Cents(rules.aid.fixed + share(cost, rules.aid.variable_percent))


def shared_out(
    order: Iterable[Candidate], money: Cents, rules: Ranking, *, minimum: Cents
) -> tuple[Award, ...]:
    """Walk the money down the order, by place alone, and return the awards in it.

    What was granted stays where it is, and *money* is all the rest: what was only
    reserved is given out anew. Nobody can lose that but to those above.
    """
    places = ((one, one.kept) for one in order)
    return tuple(_walked(places, money, rules, minimum))


def moved_down(
    order: Iterable[Candidate], free: Cents, rules: Ranking, *, minimum: Cents
) -> tuple[Award, ...]:
    """Let what is free go down the order (*scorrimento*), and return the awards in it.

    Who has a part is completed first, then those who have nothing follow one after
    the other. Nobody loses anything.
    """
    places = tuple(order)
    first = sorted(places, key=lambda one: not one.held)
    walked = _walked(((one, one.held) for one in first), free, rules, minimum)
    awards = {award.candidate.protocol: award for award in walked}
    return tuple(awards[one.protocol] for one in places)


def _walked(
    places: Iterable[tuple[Candidate, Cents]],
    money: Cents,
    rules: Ranking,
    minimum: Cents,
) -> Iterator[Award]:
    """Give each more than it has for sure, as long as there is money."""
    left, stopped = money, False
    for one, has in places:
        given = NOTHING if stopped else _given(one, has, left, rules, minimum)
        if given is None:  # kept for it, and not given to another
            given, stopped = NOTHING, True
        left = Cents(left - given)
        yield Award(one, Cents(has + given), left)


def _given(
    one: Candidate, has: Cents, left: Cents, rules: Ranking, minimum: Cents
) -> Cents | None:
    """Return how much more a candidate gets; none: what is left is kept for it."""
    lacks = Cents(max(0, one.due - has))
    if has or lacks <= left:
        return min(lacks, left)
    enough = rules.partial and left >= minimum
    if left and (enough or rules.below_minimum is Leftover.OFFER):
        return left
    return None if rules.below_minimum is Leftover.HOLD else NOTHING
