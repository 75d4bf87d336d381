"""When did the counter take applications in, as far as the facts tell?"""

from datetime import datetime, timedelta

from models.vocabulary import CallState
from workflow.facts import CounterFacts, Facts, Opening


def counter_of(facts: Facts) -> CounterFacts:
    """Return the counter with its openings.

    Before its first one a counter has none yet: then the window that the call
    plans tells when it will open. One that was closed before it opened has none.
    """
    known, window = facts.counter, facts.call.window
    if known.openings or known.state is not CallState.PUBLISHED:
        return known
    planned = (Opening(window.opens_at, window.closes_at),)
    return CounterFacts(
        known.state, planned, known.suspended_for, known.reopens_at, known.closes_at
    )


def closing_of(facts: Facts) -> datetime:
    """Return when the counter is to close: an extension counts for everybody."""
    return facts.counter.closes_at or facts.call.window.closes_at


def is_over(facts: Facts) -> bool:
    """Tell whether the counter has closed for good, noticed or not."""
    closed = facts.counter.state in {
        CallState.CLOSED,
        CallState.CONCLUDED,
        CallState.ANNULLED,
    }
    return closed or facts.now > closing_of(facts)


def lateness(counter: CounterFacts, received: datetime) -> timedelta:
    """Return for how long the counter was no longer open when something came."""
    ended = [
        opening.ended_at
        for opening in counter.openings
        if opening.ended_at is not None and opening.ended_at < received
    ]
    if not ended or counter.was_open_at(received):
        return timedelta(0)
    return received - max(ended)
