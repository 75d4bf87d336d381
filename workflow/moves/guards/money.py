"""Guards: is there money for it, and is it this one's turn to take it?"""

from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves import inputs as stated
from workflow.rules import counter
from workflow.rules.amounts import format_money


def has_money(facts: Facts) -> Verdict:
    """Money is reserved for it, in the order of arrival."""
    if facts.application.reserved >= facts.application.requested:
        return ALLOWED
    held = facts.application.reserved
    return Verdict(
        "money.not_reserved",
        f"{format_money(facts.application.requested)} is asked for and "
        f"{f'only {format_money(held)}' if held else 'nothing'} is reserved; put it on "
        "the waiting list, or promote it when money is set free",
    )


def has_no_money(facts: Facts) -> Verdict:
    """Less is reserved for it than it asks for, or nothing."""
    if facts.application.reserved < facts.application.requested:
        return ALLOWED
    return Verdict(
        "money.reserved",
        f"{format_money(facts.application.reserved)} is reserved for it; grant it",
    )


def comes_first_for_money(facts: Facts) -> Verdict:
    """Money set free goes to the next one who waits for it."""
    return counter.may_promote(
        facts.application.requested,
        facts.before,
        facts.money,
        rules=facts.call.counter,
        allocation=facts.call.allocation,
        accepts_less=facts.application.accepts_less,
    )


def no_money_for_it(facts: Facts) -> Verdict:
    """The money has run out for it: nothing free would be its own.

    It need not come first: what is free may do for the earlier ones and for it.
    """
    if not counter.is_within_reach(
        facts.application.requested,
        facts.before,
        facts.money,
        rules=facts.call.counter,
        allocation=facts.call.allocation,
        accepts_less=facts.application.accepts_less,
    ):
        return ALLOWED
    return Verdict(
        "money.free",
        f"{format_money(facts.money.residual)} is free, enough for the earlier ones "
        "and for it; promote them in their order",
    )


def no_money_is_due_to_it(facts: Facts) -> Verdict:
    """Nothing that may yet be set free would be its own.

    While those before it are not decided on, their money may still become its own;
    and once it is closed, whatever is set free would be given to those after it.
    """
    holder = next((place for place in facts.before if place.reserved), None)
    if holder is not None:
        return Verdict(
            "money.may_be_freed",
            f"{holder.protocol} comes first and holds {format_money(holder.reserved)}, "
            "which may still be set free for it; decide on those before it first",
            {"blocked_by": [holder.protocol]},
        )
    later = facts.later_waiting
    if later is None:
        return ALLOWED
    return Verdict(
        "money.later_waiting",
        f"{later.protocol} comes after it and waits for money too, and would overtake "
        "it; close the last of them first, or all of them with "
        f"`sportello unfund {facts.call.code}`",
        {"blocked_by": [later.protocol]},
    )


def within_grant(facts: Facts, given: stated.SettlementInputs) -> Verdict:
    """What is recognised is part of what was granted."""
    if given.recognised <= facts.application.granted:
        return ALLOWED
    return Verdict(
        "amount.above_grant",
        f"--recognised {format_money(given.recognised)} is more than the grant, "
        f"{format_money(facts.application.granted)}",
    )


def recovery_within_grant(facts: Facts, given: stated.RecoveryInputs) -> Verdict:
    """What is recovered is part of what was granted."""
    if given.recover <= facts.application.granted:
        return ALLOWED
    return Verdict(
        "amount.above_grant",
        f"--recover {format_money(given.recover)} is more than the grant, "
        f"{format_money(facts.application.granted)}",
    )
