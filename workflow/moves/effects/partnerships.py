"""Effects: what does the register say of those who apply together?"""

from collections import Counter
from typing import Any

from models.vocabulary import MemberKind
from workflow.facts import Facts, Member, PartnershipFacts
from workflow.machine import Consequences, Inputs


def told(facts: Facts) -> dict[str, object]:
    """Return who applies together, for the register; nothing where nobody may."""
    if facts.partnership is None:
        return {}
    return {"partnership": _by_reference(facts.partnership, facts.partnership.partners)}


def change(facts: Facts, _given: Inputs) -> Consequences:
    """Put the stated partners in the place of those there are."""
    together = facts.partnership
    if together is None or together.stated is None:
        message = "partners are changed, and nobody has looked at them"
        raise AssertionError(message)
    return Consequences(
        partners=together.stated,
        findings={
            "partnership": _by_reference(together, together.stated),
            "partnership_before": _by_reference(together, together.partners),
        },
    )


def _by_reference(
    together: PartnershipFacts, partners: tuple[Member, ...]
) -> dict[str, Any]:
    kinds = Counter(one.kind for one in (together.lead, *partners))
    return {
        "members": 1 + len(partners),
        "kinds": {kind.value: kinds[kind] for kind in MemberKind if kinds[kind]},
        "lead": _member(together.lead),
        "partners": [_member(one) for one in partners],
    }


def _member(one: Member) -> dict[str, str | None]:
    return {
        "applicant": str(one.id),
        "kind": one.kind.value if one.kind else None,
    }
