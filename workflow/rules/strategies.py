"""Who counts as arrived before whom, under the policy that the call has chosen?

Those of one period, a civil day or an ISO week in Rome, count as arrived together
where the call says so; merit or a public draw then decides among them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Protocol, TypeAlias

from config.schema import Allocation, Counter
from models.vocabulary import Cents, OrderPolicy, ShortMoneyPolicy
from workflow.facts import ALLOWED, OrderKey, Place, Verdict
from workflow.rules.calendar import ONE_DAY, civil_day, italian_date, start_of_day

_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_SUNDAY = 7

_Rank: TypeAlias = "tuple[str, bool, int, OrderKey]"
"""Period, whether it is undecided in it, what was decided, key."""


class Ordered(Protocol):
    """What the order of an application depends on; a `Place` is one."""

    @property
    def key(self) -> OrderKey:
        """The instant of receipt and the protocol, frozen at filing."""

    @property
    def score(self) -> int | None:
        """What the review board gave."""

    @property
    def rank(self) -> int | None:
        """What the draw gave."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application as the order sees it, where there is no `Place` of it."""

    key: OrderKey
    score: int | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A place in the order, with what stands before it counted already."""

    place: Place
    turn: int
    """How many, from the first in order, must be taken up before it."""
    set_aside: Cents
    """What those ask for whose money is set aside before it."""
    together: str | None = None
    """The day or week in which it counts as arrived."""


def period(policy: OrderPolicy, received_at: datetime) -> str | None:
    """Return the day or week (*giorno, settimana*) in which it counts as arrived.

    None under the exact instant: there nobody arrives together.
    """
    day = civil_day(received_at)
    if policy is OrderPolicy.SAME_DAY_MERIT:
        return day.isoformat()
    if policy is OrderPolicy.SAME_WEEK_DRAW:
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return None


def in_order(policy: OrderPolicy, places: Iterable[Place]) -> tuple[Place, ...]:
    """Return the places in the order in which money is given (*ordine*).

    Of one day, those with a score come first, the best before all; of one week,
    those that were drawn. A tie is broken by the key, as among the others.
    """
    return tuple(sorted(places, key=lambda place: _rank(policy, place)))


def earlier_in_turn(
    policy: OrderPolicy, one: Ordered, places: Iterable[Place]
) -> tuple[Place, ...]:
    """Return who must be taken up before an application (*turno*), in order.

    Nobody of its own day, and nobody of its own week while that is not drawn:
    they arrived together.
    """
    return in_order(
        policy, (place for place in places if is_earlier(policy, place, one))
    )


def is_earlier(policy: OrderPolicy, other: Ordered, one: Ordered) -> bool:
    """Tell whether another must be taken up before an application."""
    return _turn(policy, other) < _turn(policy, one)


def claims_before(
    policy: OrderPolicy, one: Ordered, places: Iterable[Place]
) -> tuple[Place, ...]:
    """Return whose money is set aside before an application gets any, in order.

    Also those of its day without a score, and those of its week while it is not
    drawn: each of them may still turn out to come first.
    """
    return in_order(policy, (place for place in places if _claims(policy, place, one)))


def lined_up(policy: OrderPolicy, places: Iterable[Place]) -> tuple[Line, ...]:
    """Return all places in order, each with its turn and the money before it.

    The same as `earlier_in_turn` and `claims_before` of each of them, in one pass:
    who is earlier in turn always stands first in the order.
    """
    ranked = sorted(
        ((_rank(policy, place), place) for place in places), key=itemgetter(0)
    )
    return tuple(_lines(policy, ranked))


def rebalance(
    places: Iterable[Place],
    residual: Cents,
    *,
    rules: Counter,
    allocation: Allocation,
) -> tuple[Place, ...]:
    """Return who has to give its reservation up, last first (*riequilibrio*).

    After a draw, or once all of a day have their score, money may be kept for
    those who now come after others without it. Once they have given it up, the
    promotions lead to what a plain walk in the new order would have given. As
    long as a day or a week is undecided, nobody of it yields to another of it:
    the next score could give the money back.
    """
    ordered = _settled(rules.order, places)
    left = residual + sum(place.reserved for place in ordered)
    partial = allocation.short_money is ShortMoneyPolicy.PARTIAL
    yields, passed_over = [], False
    for place in ordered:
        if place.requested <= left:
            left -= place.requested
            continue
        if place.reserved:
            yields.append(place)
        takes_part = partial and place.accepts_less and not passed_over
        if takes_part or not rules.jump_ahead:
            left = 0  # it takes the rest, or waits for more
        passed_over = True
    return tuple(reversed(yields))


def undecided(policy: OrderPolicy, places: Iterable[Place]) -> frozenset[str]:
    """Return the days with somebody without a score, or the weeks not drawn yet."""
    decided: dict[str, list[bool]] = {}
    for place in places:
        together = period(policy, place.key.received_at)
        if together is not None:
            marks = decided.setdefault(together, [])
            marks.append(_decided(policy, place) is not None)
    enough = all if policy is OrderPolicy.SAME_DAY_MERIT else any
    return frozenset(name for name, marks in decided.items() if not enough(marks))


def awaits_draw(policy: OrderPolicy, rank: int | None) -> bool:
    """Tell whether nobody examines or grants it before the draw of its week."""
    return policy is OrderPolicy.SAME_WEEK_DRAW and rank is None


def draw(seed: str, protocols: Iterable[str]) -> tuple[str, ...]:
    r"""Order protocol numbers by a public draw (*sorteggio*) that anyone can redo.

    By the SHA-256, in hexadecimal, of the seed, a colon and the protocol number.
    With the numbers in a file, one on each line, a shell does the same:

        while read -r p; do printf '%s:%s' "$SEED" "$p" | sha256sum |
        sed "s|-|$p|"; done < protocols.txt | LC_ALL=C sort
    """
    return tuple(sorted(set(protocols), key=lambda name: lot(seed, name)))


def lot(seed: str, protocol: str) -> str:
    """Return what was drawn for a protocol number: the smaller comes first."""
    return sha256(f"{seed}:{protocol}".encode()).hexdigest()


def may_be_drawn(week: str, now: datetime) -> Verdict:
    """Tell whether the draw of a week may be held: it must be over in Rome."""
    last = last_day_of(week)
    if last is None:
        return Verdict(
            "draw.no_week",
            f"`{week}` is not a week: write the ISO year and week, as in 2026-W04",
        )
    if civil_day(now) > last:
        return ALLOWED
    return Verdict(
        "draw.week_not_over",
        f"week {week} ends with Sunday {italian_date(last)} (Rome) and somebody may "
        "still arrive in it; draw it from the day after on",
        {"last_day": last.isoformat()},
    )


def last_day_of(week: str) -> date | None:
    """Return the Sunday of a week, if it is one."""
    written = _WEEK.fullmatch(week)
    if written is None:
        return None
    try:
        return date.fromisocalendar(int(written[1]), int(written[2]), _SUNDAY)
    except ValueError:
        return None


def week_around(instant: datetime) -> tuple[datetime, datetime]:
    """Return when the week of an instant begins, and when the next one does, in UTC.

    Each is the midnight of a Monday in Rome: a week in which the clocks change is
    an hour shorter or longer than the others.
    """
    day = civil_day(instant)
    monday = day - day.weekday() * ONE_DAY
    return start_of_day(monday), start_of_day(monday + 7 * ONE_DAY)


def _decided(policy: OrderPolicy, one: Ordered) -> int | None:
    """Return what puts it before others of its period, less being better."""
    if policy is OrderPolicy.SAME_DAY_MERIT:
        return None if one.score is None else -one.score
    return None if policy is OrderPolicy.EXACT_INSTANT else one.rank


def _settled(policy: OrderPolicy, places: Iterable[Place]) -> list[Place]:
    """Return the places in order, holders of money first where it is undecided."""
    ordered = in_order(policy, places)
    still_open = undecided(policy, ordered)

    def standing(place: Place) -> tuple[str, bool]:
        together = period(policy, place.key.received_at) or ""
        return together, together in still_open and not place.reserved

    return sorted(ordered, key=standing)


def _rank(policy: OrderPolicy, one: Ordered) -> _Rank:
    decided = _decided(policy, one)
    together = period(policy, one.key.received_at) or ""
    return together, decided is None, decided or 0, one.key


def _turn(policy: OrderPolicy, one: Ordered) -> tuple[object, ...]:
    together, undecided, decided, key = _rank(policy, one)
    if policy is OrderPolicy.SAME_DAY_MERIT:
        return (together,)
    if policy is OrderPolicy.SAME_WEEK_DRAW:
        return (together, undecided, decided)
    if policy is OrderPolicy.RANKING:
        return ()  # nobody is taken up before anybody
    return (key,)


def _claims(policy: OrderPolicy, place: Place, one: Ordered) -> bool:
    if place.key == one.key or policy is OrderPolicy.RANKING:
        return False  # each is given what the ranking says
    theirs, mine = _rank(policy, place), _rank(policy, one)
    if theirs < mine:
        return True
    return theirs[0] == mine[0] and _may_come_first(policy, place, one)


def _may_come_first(policy: OrderPolicy, place: Ordered, one: Ordered) -> bool:
    """Tell whether one that stands behind in its period may still pass ahead.

    A score can be better than one already given; who is drawn keeps its rank.
    """
    if policy is OrderPolicy.SAME_DAY_MERIT:
        return place.score is None
    if policy is OrderPolicy.SAME_WEEK_DRAW:
        return place.rank is None and one.rank is None
    return False


def _lines(policy: OrderPolicy, ranked: list[tuple[_Rank, Place]]) -> Iterator[Line]:
    if policy is OrderPolicy.RANKING:
        yield from (Line(place, 0, Cents(0)) for _, place in ranked)
        return
    if policy is OrderPolicy.EXACT_INSTANT:
        before = 0
        for index, (_, place) in enumerate(ranked):
            yield Line(place, index, Cents(before))
            before += place.requested
        return
    start, before = 0, 0
    for together, run in groupby(ranked, lambda pair: pair[0][0]):
        group = [place for _, place in run]
        yield from _lines_of_period(policy, together, group, start=start, before=before)
        start += len(group)
        before += sum(place.requested for place in group)


def _lines_of_period(
    policy: OrderPolicy,
    together: str,
    group: list[Place],
    *,
    start: int,
    before: int,
) -> Iterator[Line]:
    merit = policy is OrderPolicy.SAME_DAY_MERIT
    decided = [place for place in group if _decided(policy, place) is not None]
    still_open = sum(place.requested for place in group[len(decided) :])
    served = before
    for index, place in enumerate(decided):
        turn = start if merit else start + index
        claims = served + (still_open if merit else 0)
        yield Line(place, turn, Cents(claims), together)
        served += place.requested
    turn = start if merit else start + len(decided)
    for place in group[len(decided) :]:
        claims = served + still_open - place.requested
        yield Line(place, turn, Cents(claims), together)
