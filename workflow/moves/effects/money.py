"""Effects: which money is reserved, and which is set free?"""

from models.vocabulary import ApplicationState, Cents, MovementKind
from workflow.facts import Facts
from workflow.machine import Consequences, Inputs, MoneyChange
from workflow.moves import inputs as stated
from workflow.rules import counter


def release(facts: Facts, _given: Inputs) -> Consequences:
    """Set free whatever is reserved or granted (*economia*)."""
    held = facts.application
    if not held.reserved and not held.granted:
        return Consequences()
    return Consequences(
        money=(
            MoneyChange(
                MovementKind.RELEASE, reserved=-held.reserved, granted=-held.granted
            ),
        ),
        findings={"freed": held.reserved + held.granted},
    )


def promote(facts: Facts, _given: Inputs) -> Consequences:
    """Reserve the money that was set free (*scorrimento*), all of it or a part."""
    asked = facts.application.requested
    taken = counter.share_of_free(
        asked,
        facts.before,
        facts.money,
        rules=facts.call.counter,
        allocation=facts.call.allocation,
        accepts_less=facts.application.accepts_less,
    )
    less = lowered(asked, taken)
    return Consequences(
        money=(MoneyChange(MovementKind.RESERVE, reserved=taken),),
        updates=less.updates,
        findings={"residual_before": facts.money.residual, **less.findings},
    )


def lowered(asked: Cents, given: Cents) -> Consequences:
    """Lower a request to the part that is given, if it is less.

    For good, unless it has to give the part back: then it asks for all again.
    """
    if given >= asked:
        return Consequences()
    return Consequences(
        updates={"requested": given, "asked": asked},
        findings={"requested": given, "requested_before": asked},
    )


def take_back(facts: Facts, given: stated.RecoveryInputs) -> Consequences:
    """Release what was not paid; what was paid stays out until it comes back.

    After the settlement everything was paid: nothing is set free before the
    recovery (*recupero*).
    """
    held = facts.application
    paid = given.recover
    if held.state == ApplicationState.COMPLETED:
        paid = held.granted
    unpaid = held.granted - paid
    freed = unpaid + held.reserved
    return Consequences(
        money=(
            (
                MoneyChange(
                    MovementKind.RELEASE, reserved=-held.reserved, granted=-unpaid
                ),
            )
            if freed
            else ()
        ),
        findings={"to_recover": paid, "freed": freed},
    )


def withdraw(facts: Facts, given: stated.DocumentInputs) -> Consequences:
    """Release what is held, but for the part whose right has matured."""
    held = facts.application
    if not held.matured:
        return release(facts, given)
    unmatured = held.granted - held.matured
    freed = unmatured + held.reserved
    return Consequences(
        money=(
            (
                MoneyChange(
                    MovementKind.RELEASE, reserved=-held.reserved, granted=-unmatured
                ),
            )
            if freed
            else ()
        ),
        findings={"freed": freed, "kept": held.matured},
    )
