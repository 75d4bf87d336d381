"""Guards: may they apply together?"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from uuid import UUID

from models.vocabulary import MemberKind
from workflow.facts import ALLOWED, Facts, Member, Verdict
from workflow.machine import Check, Guard
from workflow.moves import inputs as stated
from workflow.moves import placements

_MOST = 10
"""Of those at fault: as many are named in a sentence."""


def is_foreseen(facts: Facts) -> Verdict:
    """Only where the call says so does anybody apply together with others."""
    partners = facts.partnership.partners if facts.partnership else ()
    if not partners or facts.call.partnership is not None or _is_elsewhere(facts):
        return ALLOWED
    return Verdict(
        "partnership.not_foreseen",
        f"`partners` names {len(partners)}, and in this call each applies alone; "
        "leave `partners` out",
    )


def has_enough_members(facts: Facts) -> Verdict:
    """They are as many as the call wants, the lead included."""
    rules, members = facts.call.partnership, _members(facts)
    if rules is None or len(members) >= rules.minimum or _is_elsewhere(facts):
        return ALLOWED
    return Verdict(
        "partnership.too_few",
        f"they are {len(members)} with the applicant, and the call wants at least "
        f"{rules.minimum}; name all the others in `partners`",
        {"members": len(members), "wanted": rules.minimum},
    )


def has_enough_firms(facts: Facts) -> Verdict:
    """As many of them are firms as the call wants, the lead included."""
    rules, members = facts.call.partnership, _members(facts)
    firms = sum(one.kind is MemberKind.FIRM for one in members)
    if rules is None or firms >= rules.minimum_firms or _is_elsewhere(facts):
        return ALLOWED
    unsaid = any(one.kind is None for one in members)
    more = ", and what the applicant is in `applicant.kind`" if unsaid else ""
    return Verdict(
        "partnership.too_few_firms",
        f"{firms} of the {len(members)} members are firms, and the call wants at "
        f"least {rules.minimum_firms}; name more `partners` of the kind `firm`{more}",
        {"firms": firms, "wanted": rules.minimum_firms},
    )


def has_not_too_many(facts: Facts) -> Verdict:
    """They are no more than the call lets apply together, the lead included."""
    rules, members = facts.call.partnership, _members(facts)
    most = rules.maximum if rules else None
    if most is None or len(members) <= most or _is_elsewhere(facts):
        return ALLOWED
    return Verdict(
        "partnership.too_many",
        f"they are {len(members)} with the applicant, and the call takes at most "
        f"{most}; leave some of `partners` out",
        {"members": len(members), "most": most},
    )


def has_only_invited(facts: Facts) -> Verdict:
    """Each of them is on the closed list, where the call invites all members."""
    rules, members = facts.call.partnership, _members(facts)
    if rules is None or not rules.invited_only or _is_elsewhere(facts):
        return ALLOWED
    strangers = [n for n, one in enumerate(members) if not one.is_invited]
    if not strangers:
        return ALLOWED
    return Verdict(
        "partnership.not_invited",
        "each member has to be on the call's list of those who may apply, and these "
        f"are not: {_listed(map(_member, strangers))}; leave them out, see `sportello "
        "call show CALL` for the list",
        {"partners": strangers},
    )


def nobody_is_in_two(facts: Facts) -> Verdict:
    """Nobody, lead or partner, is in another open application, where that is barred."""
    rules, members = facts.call.partnership, _members(facts)
    if rules is None or not rules.one_application_each:
        return ALLOWED
    held = {number: one.other for number, one in enumerate(members) if one.other}
    if not held:
        return ALLOWED
    named = (f"{_member(one)} is already in {other}" for one, other in held.items())
    return Verdict(
        "partnership.in_two",
        f"{_listed(named)}: in this call nobody is in two open applications; leave "
        "out whoever is, or have that application withdrawn first",
        {"held": [{"partner": n, "application": other} for n, other in held.items()]},
    )


FILING: tuple[Guard, ...] = (
    is_foreseen,
    has_enough_members,
    has_enough_firms,
    has_not_too_many,
    has_only_invited,
    nobody_is_in_two,
)
"""What must be true of those who apply together; of who applies alone, too."""


def call_lets_them(facts: Facts) -> Verdict:
    """There are partners to change only where the call lets several apply together."""
    if facts.call.partnership is not None:
        return ALLOWED
    return Verdict(
        "partnership.not_foreseen",
        "in this call each applies alone: there are no partners to change",
    )


def _lead_is_no_partner(facts: Facts) -> Verdict:
    """Whoever leads is counted already."""
    if facts.partnership is None or facts.partnership.lead.id not in {
        one.id for one in facts.partnership.partners
    }:
        return ALLOWED
    return Verdict(
        "partnership.lead_twice",
        "one of the partners has the tax code of the applicant, who leads and is "
        "counted already; leave it out",
    )


def _as_stated(guard: Guard) -> Check:
    """Hold a guard against the partners that are stated, instead of those there are."""

    def check(facts: Facts, _given: stated.PartnersInputs) -> Verdict:
        return guard(_then(facts))

    return check


def something_changes(facts: Facts, _given: stated.PartnersInputs) -> Verdict:
    """What is stated is not what there is: else the register would tell nothing."""
    if facts.partnership is None or facts.partnership.stated is None:
        return ALLOWED
    now, then = facts.partnership.partners, facts.partnership.stated
    if {(one.id, one.kind) for one in now} != {(one.id, one.kind) for one in then}:
        return ALLOWED
    return Verdict(
        "partnership.unchanged",
        "these are the partners already; see `sportello show APP`",
    )


CHANGE: tuple[Check, ...] = (
    *map(_as_stated, (_lead_is_no_partner, *FILING)),
    something_changes,
)
"""What must be true of the partners that there will be."""


def _then(facts: Facts) -> Facts:
    together = facts.partnership
    if together is None or together.stated is None:
        return facts
    return replace(facts, partnership=replace(together, partners=together.stated))


def _members(facts: Facts) -> tuple[Member, ...]:
    """Return all of them; whoever is not looked at with others is alone."""
    return facts.partnership.members if facts.partnership else (_ALONE,)


_ALONE = Member(UUID(int=0), None, is_invited=True, other=None)


def _is_elsewhere(facts: Facts) -> bool:
    """Tell whether it came another way: then it is protocolled, and not examined."""
    return placements.comes_by_another_channel(facts)


def _member(number: int) -> str:
    """Name a member by its place: who it is, an entry of the register does not say."""
    return f"partner {number} (`partners.{number - 1}`)" if number else "the applicant"


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = len(known) - _MOST
    shown = ", ".join(islice(known, _MOST))
    return f"{shown} and {more} more" if more > 0 else shown
