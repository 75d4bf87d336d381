"""Effects: what do the closing of a set and the act on its ranking bring about?"""

from models.vocabulary import Cents, MovementKind, TermKind, TermStart
from workflow.facts import Facts
from workflow.machine import Consequences, Inputs, MoneyChange
from workflow.moves import inputs as stated
from workflow.moves.effects import lists, partnerships
from workflow.moves.effects.money import lowered, release
from workflow.moves.windows import closing_of
from workflow.register import written
from workflow.rules.calendar import civil_day


def file(facts: Facts, _given: Inputs) -> Consequences:
    """Take it in: nothing is reserved, and it has no place before the ranking."""
    about = facts.application
    return Consequences(
        findings={
            "requested": about.requested,
            "reserved": False,
            "documents": sorted(about.documents),
            "channel": about.channel.value,
            "set_closes": written(closing_of(facts)),
            **partnerships.told(facts),
            **lists.told(facts),
        },
    )


def enter(facts: Facts, _given: Inputs) -> Consequences:
    """Let the term of the whole procedure run from the closing, for all alike.

    If a closed call was opened again it runs in full from the new closing.
    """
    running = facts.term(TermKind.CONCLUSION) is not None
    return Consequences(
        starts=() if running else (TermStart.CLOSING,),
        restarts=(TermKind.CONCLUSION,) if running else (),
        since=civil_day(facts.now),
    )


def fund(facts: Facts, given: stated.FundingInputs) -> Consequences:
    """Reserve for it what the ranking says: more than it has, or less.

    What was granted grows by an act of its own, on papers of its own.
    """
    held = facts.application
    more = given.amount - held.reserved - held.granted
    asked = held.asked or held.requested
    less = lowered(asked, Cents(given.amount))
    return Consequences(
        money=_moved(more),
        changes_nothing=not more and _stays(facts, given),
        updates={"asked": None, "requested": asked, **less.updates, **_place(given)},
        findings={
            "requested": asked,
            "more": more,
            **({"freed": -more} if more < 0 else {}),
            **less.findings,
            **_place(given),
        },
    )


def raise_grant(facts: Facts, _given: stated.RaiseInputs) -> Consequences:
    """Grant what was added, and have the grant published again as it is then."""
    added = facts.application.reserved
    return Consequences(
        money=(MoneyChange(MovementKind.GRANT, reserved=-added, granted=added),),
        updates={"published_on": None},
        findings={"added": added},
    )


def leave_unfunded(facts: Facts, given: stated.FundingInputs) -> Consequences:
    """Admit it without money, and take back what a ranking before had reserved."""
    freed = release(facts, given)
    asked = facts.application.asked or facts.application.requested
    return Consequences(
        money=freed.money,
        changes_nothing=not freed.money and _stays(facts, given),
        updates={"asked": None, "requested": asked, **_place(given)},
        findings={**freed.findings, "requested": asked, **_place(given)},
    )


def _stays(facts: Facts, given: stated.FundingInputs) -> bool:
    """Tell whether another ranking leaves it where it was."""
    return facts.application.rank == given.place


def _place(given: stated.FundingInputs) -> dict[str, object]:
    return {"rank": given.place}


def _moved(more: int) -> tuple[MoneyChange, ...]:
    if not more:
        return ()
    kind = MovementKind.RESERVE if more > 0 else MovementKind.RELEASE
    return (MoneyChange(kind, reserved=more),)
