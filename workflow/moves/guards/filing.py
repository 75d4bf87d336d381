"""Guards: may it be filed, as it is?"""

from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves import placements
from workflow.rules.amounts import format_money


def applicant_is_eligible(facts: Facts) -> Verdict:
    """Take in only those on the closed list of the call, if it has one."""
    if facts.applicant.recognised or placements.comes_by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "applicant.not_eligible",
        "`applicant.tax_code` is not on the call's list of those who may apply; "
        "see `sportello call show CALL` for the list",
    )


def only_one_application(facts: Facts) -> Verdict:
    """One open application for each applicant and call."""
    if facts.applicant.other_active is None:
        return ALLOWED
    return Verdict(
        "applicant.already_applied",
        f"the applicant already has an open application to this call, "
        f"{facts.applicant.other_active}; withdraw that one first",
        {"other": facts.applicant.other_active},
    )


def comes_from_intake(facts: Facts) -> Verdict:
    """A place in the order is given by the intake, with the protocol number."""
    if facts.application.key is not None:
        return ALLOWED
    return Verdict(
        "submission.no_place",
        "only the intake gives a protocol number and a place in the order; "
        "file it with `sportello intake`",
    )


def documents_are_there(facts: Facts) -> Verdict:
    """All required documents are attached."""
    required = {document.kind for document in facts.call.documents}
    missing = sorted(required - facts.application.documents)
    if not missing or placements.comes_by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "documents.missing",
        f"`documents` lacks {', '.join(missing)}; attach them and file again",
        {"missing": missing},
    )


def request_is_sound(facts: Facts) -> Verdict:
    """The amount asked for is positive and can ever be granted."""
    requested, call = facts.application.requested, facts.call
    limit = min(call.allocation.amount, call.aid.cap or call.allocation.amount)
    if 0 < requested <= limit:
        return ALLOWED
    return Verdict(
        "amount.out_of_range",
        f"`requested` is {format_money(requested)}: it must be more than 0.00 and "
        f"at most {format_money(limit)}; correct the amount and file again",
    )


def counter_takes_it(facts: Facts) -> Verdict:
    """Take in only what the money, or the room for those who wait, is enough for."""
    received = placements.decision(facts)
    return ALLOWED if received is None else received.verdict
