"""Whose turn is it?

Applications are examined in the exact order of arrival (art. 5 c. 3
D.Lgs. 123/1998, *procedura a sportello*).
"""

from collections.abc import Iterable

from models.vocabulary import ApplicationState
from workflow.facts import ALLOWED, Place, Verdict

_NAMED = 5
_UNSCORED = frozenset({ApplicationState.SUBMITTED, ApplicationState.ADMISSIBLE})


def unreviewed(earlier: Iterable[Place], *, skip_waiting: bool) -> tuple[Place, ...]:
    """Return the earlier applications whose formal check has not started."""
    return _pending(
        place for place in earlier if awaits_review(place, skip_waiting=skip_waiting)
    )


def unevaluated(earlier: Iterable[Place], *, skip_waiting: bool) -> tuple[Place, ...]:
    """Return the earlier applications that the review board has not scored."""
    return _pending(
        place for place in earlier if awaits_score(place, skip_waiting=skip_waiting)
    )


def awaits_review(place: Place, *, skip_waiting: bool) -> bool:
    """Tell whether the formal check of later ones has to wait for this one."""
    return (
        place.state == ApplicationState.SUBMITTED
        and not place.review_started
        and not (skip_waiting and place.waits_for_applicant)
    )


def awaits_score(place: Place, *, skip_waiting: bool) -> bool:
    """Tell whether the scoring of later ones has to wait for this one."""
    return place.state in _UNSCORED and not (skip_waiting and place.waits_for_applicant)


def may_proceed(overtaken: tuple[Place, ...]) -> Verdict:
    """Tell whether an application may be taken up now (*turno*).

    Everyone earlier must have been taken up, have ended, or wait for their own
    answer; overtaking (*sorpasso*) takes an act.
    """
    if not overtaken:
        return ALLOWED
    return Verdict(
        "order.turn",
        f"it is not its turn: {named(overtaken)} "
        f"{'comes' if len(overtaken) == 1 else 'come'} earlier and "
        f"{'is' if len(overtaken) == 1 else 'are'} not taken up yet; take up the "
        "earlier ones first, or overtake with --overtake and an act",
        {"blocked_by": [place.protocol for place in overtaken]},
    )


def named(places: tuple[Place, ...]) -> str:
    """Name the first few applications, and how many more there are."""
    shown = ", ".join(place.protocol for place in places[:_NAMED])
    more = len(places) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _pending(behind: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted(behind, key=lambda place: place.key))
