"""Effects: what does filing bring about, for it and for whoever it overtakes?"""

from dataclasses import replace

from models.vocabulary import MovementKind, TermKind
from workflow.facts import Facts
from workflow.machine import Consequences, Inputs, MoneyChange, TermChange
from workflow.moves import placements, windows
from workflow.moves.effects import lists, partnerships
from workflow.moves.effects.money import lowered, release
from workflow.rules.calendar import civil_day


def submit(facts: Facts, _given: Inputs) -> Consequences:
    """Reserve what the counter gives to the request, if anything.

    What came by another channel reserves nothing: it will not be examined.
    """
    filing, received = placements.filing_of(facts), placements.decision(facts)
    asked = facts.application.requested
    requested = asked if received is None else received.requested
    reserved = 0 if received is None else received.reserved
    came = facts.application.received_at
    return Consequences(
        # Its terms run from its receipt, however late a portal hands it over.
        since=None if came is None else civil_day(came),
        money=(
            (MoneyChange(MovementKind.RESERVE, reserved=reserved),) if reserved else ()
        ),
        updates=lowered(asked, requested).updates,
        findings={
            "earlier_waiting": filing.ahead,
            "requested": requested,
            "reserved": bool(reserved),
            "documents": sorted(facts.application.documents),
            **({"placement": received.placement.value} if received else {}),
            **lowered(asked, requested).findings,
            **({"tie_broken": True} if filing.ties else {}),
            **_stands_for(facts),
            **partnerships.told(facts),
            **lists.told(facts),
        },
    )


def _stands_for(facts: Facts) -> dict[str, object]:
    """Return what else will decide its turn and its money, for the register."""
    about = facts.application
    return {
        "channel": about.channel.value,
        **({"accepts_less": True} if about.accepts_less else {}),
        **({} if about.rank is None else {"rank": about.rank}),
    }


def yield_reservation(facts: Facts, _given: Inputs) -> Consequences:
    """Give the reservation up for an application that arrived earlier.

    The portal may hand an earlier arrival over late; the money follows the order
    of arrival (art. 5 c. 3 D.Lgs. 123/1998), not that of handing over. Who had
    agreed to a part, and has to give it back, asks for all again.
    """
    held, asked = facts.application, facts.application.asked
    freed = Consequences(
        money=(MoneyChange(MovementKind.RELEASE, reserved=-held.reserved),),
        findings={"freed": held.reserved},
    )
    if asked is None:
        return freed
    return replace(
        freed,
        updates={"requested": asked, "asked": None},
        findings={
            **freed.findings,
            "requested": asked,
            "requested_before": held.requested,
        },
    )


def yield_and_wait(facts: Facts, given: Inputs) -> Consequences:
    """Give the reservation up and wait: its review and its clock have no title.

    Its conclusion term starts anew if it is promoted.
    """
    yielded = yield_reservation(facts, given)
    return replace(yielded, terms=(TermChange(TermKind.CONCLUSION, cancelled=True),))


def not_receivable(facts: Facts, given: Inputs) -> Consequences:
    """Release the money and say on which ground it was not receivable."""
    received = facts.application.received_at or facts.now
    late = windows.lateness(windows.counter_of(facts), received)
    freed = release(facts, given)
    return Consequences(
        money=freed.money,
        findings={
            **freed.findings,
            "channel": facts.application.channel.value,
            "late_microseconds": late // late.resolution,
        },
    )
