"""How long did it take: in the middle, and for most?"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

Days = Mapping[int, int]
"""How often it took so many days: as small as there are different numbers."""


def median(days: Days) -> Decimal | None:
    """Return the middle value (*mediana*), of two in the middle half their sum."""
    count = sum(days.values())
    if not count:
        return None
    low, high = _ranked(days, (count + 1) // 2), _ranked(days, count // 2 + 1)
    return Decimal(low + high) / 2


def nearest_rank(days: Days, percent: int) -> int | None:
    """Return the smallest value that so many of a hundred do not pass (*percentile*).

    It is always one that occurred; nothing is interpolated.
    """
    count = sum(days.values())
    return _ranked(days, -(-count * percent // 100)) if count else None


def _ranked(days: Days, rank: int) -> int:
    """Return the value of a rank, counted from 1."""
    return next(value for value, last in _last_ranks(days) if last >= rank)


def _last_ranks(days: Days) -> Iterator[tuple[int, int]]:
    last = 0
    for value in sorted(days):
        last += days[value]
        yield value, last
