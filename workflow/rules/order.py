"""Whose turn is it?

Applications are examined in the exact order of arrival (art. 5 c. 3
D.Lgs. 123/1998, *procedura a sportello*).
"""

from collections.abc import Callable, Iterable

from models.vocabulary import ApplicationState
from workflow.facts import ALLOWED, Place, Verdict

_NAMED = 5


def unreviewed(earlier: Iterable[Place], *, skip_waiting: bool) -> tuple[Place, ...]:
    """Return the earlier applications whose formal check has not started."""
    return _pending(
        earlier,
        skip_waiting=skip_waiting,
        behind=lambda place: (
            place.state == ApplicationState.SUBMITTED and not place.review_started
        ),
    )


def unevaluated(earlier: Iterable[Place], *, skip_waiting: bool) -> tuple[Place, ...]:
    """Return the earlier applications that the review board has not scored."""
    return _pending(
        earlier,
        skip_waiting=skip_waiting,
        behind=lambda place: (
            place.state in {ApplicationState.SUBMITTED, ApplicationState.ADMISSIBLE}
        ),
    )


def may_proceed(overtaken: tuple[Place, ...]) -> Verdict:
    """Tell whether an application may be taken up now (*turno*).

    Everyone earlier must have been taken up, have ended, or wait for their own
    answer; overtaking (*sorpasso*) takes an act.
    """
    if not overtaken:
        return ALLOWED
    return Verdict(
        "order.turn",
        f"it is not its turn: {named(overtaken)} arrived earlier and "
        f"{'is' if len(overtaken) == 1 else 'are'} not taken up yet; take up the "
        "earlier ones first, or overtake with --overtake and an act",
        {"blocked_by": [place.protocol for place in overtaken]},
    )


def named(places: tuple[Place, ...]) -> str:
    """Name the first few applications, and how many more there are."""
    shown = ", ".join(place.protocol for place in places[:_NAMED])
    more = len(places) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _pending(
    earlier: Iterable[Place], *, skip_waiting: bool, behind: Callable[[Place], bool]
) -> tuple[Place, ...]:
    return tuple(
        place
        for place in sorted(earlier, key=lambda place: place.key)
        if behind(place) and not (skip_waiting and place.waits_for_applicant)
    )
