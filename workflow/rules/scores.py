"""Tell what the score of an application is."""

from collections.abc import Mapping, Sequence
from fractions import Fraction


def faults(points: Mapping[str, int], maxima: Mapping[str, int]) -> tuple[str, ...]:
    """Say what is wrong with the points of a review board, in words.

    Every criterion (*criterio di valutazione*) of the call has to be scored, and
    only those: criteria are fixed in advance (art. 12 L. 241/1990). Nothing is
    said when the points are good.
    """
    missing = (f"criterion {name!r} has no points" for name in maxima.keys() - points)
    unknown = (
        f"criterion {name!r} is not in the call" for name in points.keys() - maxima
    )
    outside = (
        f"criterion {name!r} has {points[name]} points: "
        f"it takes from 0 to {maxima[name]}"
        for name in points.keys() & maxima
        if not 0 <= points[name] <= maxima[name]
    )
    # By name, whatever the order of the two mappings: the text is registered.
    return (*sorted(missing), *sorted(unknown), *sorted(outside))


def total(points: Mapping[str, int]) -> int:
    """Return the score (*punteggio*): the plain sum, in whole points."""
    return sum(points.values())


def mean(totals: Sequence[int]) -> Fraction:
    """Return what a board gave: the mean of its members' scores, to the last part."""
    return Fraction(sum(totals), len(totals))


def with_bonus(board: Fraction, bonus: int, *, most: int) -> Fraction:
    """Add what the call rewards, within the most that a score can be."""
    return min(board + bonus, max(board, Fraction(most)))
