"""Can anybody apply together as the call wants them to?"""

from collections.abc import Iterator

from config.findings import Finding
from config.schema import CallDefinition


def partnerships_fit_their_maximum(call: CallDefinition) -> Iterator[Finding]:
    """Tell a partnership that has to have more members than it may have."""
    rules = call.partnership
    if rules is None or rules.maximum is None:
        return
    for key in ("minimum", "minimum_firms"):
        least = vars(rules)[key]
        if least > rules.maximum:
            yield Finding(
                ("partnership", key),
                f"{least} is more than the maximum of {rules.maximum} members",
            )


def somebody_is_invited(call: CallDefinition) -> Iterator[Finding]:
    """Tell a call that is for those invited, and invites nobody."""
    rules = call.partnership
    if rules is not None and rules.invited_only and not call.beneficiaries:
        yield Finding(
            ("partnership", "invited_only"),
            "the list of beneficiaries is empty, so nobody is invited: write those "
            "who are, or false",
        )
