"""Guards: did it come while the counter was open, and by its channel?"""

from datetime import datetime, timedelta

from models.vocabulary import CallState
from workflow.facts import ALLOWED, CounterFacts, Facts, Verdict
from workflow.moves import placements, windows
from workflow.moves.words import rome
from workflow.register import written

CLOCKS_APART = timedelta(minutes=1)
"""How far the clock of the portal may run ahead: no submission is lost for that."""


def window_has_begun(facts: Facts) -> Verdict:
    """Refuse what arrives before the call is published."""
    published = facts.call.window.published_at
    if facts.now >= published:
        return ALLOWED
    return Verdict(
        "window.not_published",
        f"the call is published on {rome(published)} (Rome); wait until then",
    )


def within_window(facts: Facts) -> Verdict:
    """Take in only what arrives while the counter is open (*apertura*).

    The closing hour is a whole hour: 16:00:00 is in time, a microsecond more is
    late (Cons. Stato 8546/2024). What comes by another channel is protocolled
    all the same (art. 53 DPR 445/2000) and decided by an act.
    """
    received = facts.application.received_at or facts.now
    counter = windows.counter_of(facts)
    if placements.comes_by_another_channel(facts) or counter.was_open_at(received):
        return ALLOWED
    if not counter.openings:
        return Verdict(
            "window.never_open",
            f"the counter has not opened and is {counter.state}; "
            + (
                f"file it again from {rome(counter.reopens_at)} on"
                if counter.reopens_at
                else "the call takes nothing"
            ),
            {"received_at": written(received)},
        )
    first, last = counter.openings[0], counter.openings[-1]
    if received < first.opened_at:
        return Verdict(
            "window.too_early",
            f"received at {rome(received)} (Rome), before the window opens at "
            f"{rome(first.opened_at)}; file it again from that instant on",
            {"received_at": written(received)},
        )
    came_between = received < last.opened_at
    if came_between or counter.state is CallState.SUSPENDED:
        return _suspended(counter, received)
    late = windows.lateness(counter, received)
    return Verdict(
        "window.too_late",
        f"received at {rome(received)} (Rome), {late} (hours:minutes:seconds) "
        f"after the window closed at {rome(received - late)}; the call takes "
        "nothing more",
        {
            "received_at": written(received),
            "late_microseconds": late // late.resolution,
        },
    )


def _suspended(counter: CounterFacts, received: datetime) -> Verdict:
    """Say since when the counter was suspended, why, and when it opens again.

    One that has opened again since may have been closed, and extended later.
    """
    since = received - windows.lateness(counter, received)
    reopened = [one.opened_at for one in counter.openings if one.opened_at > received]
    opens = min(reopened) if reopened else counter.reopens_at
    cause = None if reopened else counter.suspended_for
    was = "not open" if reopened else "suspended"
    return Verdict(
        "call.suspended",
        f"received at {rome(received)} (Rome), while the counter was {was} from "
        f"{rome(since)} on{f' ({cause})' if cause else ''}; "
        + (
            f"file it again from {rome(opens)} on"
            if opens
            else "file it again if it is reopened"
        ),
        {
            "received_at": written(received),
            "suspended_at": written(since),
            **({"suspended_for": cause.value} if cause else {}),
            **({"reopens_at": written(opens)} if opens else {}),
        },
    )


def not_in_the_future(facts: Facts) -> Verdict:
    """Refuse an instant of receipt that has not come yet."""
    received = facts.application.received_at
    if received is None or received <= facts.now + CLOCKS_APART:
        return ALLOWED
    return Verdict(
        "window.future",
        f"`received_at` {rome(received)} (Rome) is later than now, "
        f"{rome(facts.now)}; check the clock of the portal",
    )


def window_not_over(facts: Facts) -> Verdict:
    """Note no draft that can no longer be submitted."""
    if not windows.is_over(facts):
        return ALLOWED
    if not (openings := windows.counter_of(facts).openings):
        return Verdict(
            "window.never_open",
            "the call was closed before it opened; it takes nothing",
        )
    # When it closed in fact: an act may have brought it forward.
    closed_at = openings[-1].ended_at or windows.closing_of(facts)
    return Verdict(
        "window.too_late",
        f"the window closed at {rome(closed_at)} (Rome); the call takes nothing more",
    )


def window_is_over(facts: Facts) -> Verdict:
    """Wait for the closing of the call."""
    if windows.is_over(facts):
        return ALLOWED
    return Verdict(
        "window.open",
        f"the window closes at {rome(windows.closing_of(facts))} (Rome); "
        "wait until then, or have it closed by an act (`sportello call close`)",
    )


def not_receivable(facts: Facts) -> Verdict:
    """Something makes the application not receivable (*irricevibile*)."""
    received = facts.application.received_at
    counter = windows.counter_of(facts)
    untimely = received is not None and not counter.was_open_at(received)
    if untimely or placements.comes_by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "receivability.no_ground",
        "it arrived in the window and by the channel of the call, so it is "
        "receivable; start its review instead",
    )


def is_receivable(facts: Facts) -> Verdict:
    """Examine only what may be examined: the rest is declared not receivable."""
    has_ground = bool(not_receivable(facts))
    if facts.applicant.recognised and not has_ground:
        return ALLOWED
    return Verdict(
        "receivability.not_receivable",
        "it came late, or by another channel, or from somebody who may not apply; "
        "`declare_not_receivable` by act",
    )
