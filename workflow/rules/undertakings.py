"""Which tax codes are one single undertaking, and which aids count for it?"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from models.vocabulary import Cents
from workflow.facts import PriorAid

_ENOUGH_WORDS = 2
"""A single word, as `Regione`, is that of many."""


def closure(start: str, links: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return all tax codes that are one with a tax code (*impresa unica*).

    A link holds both ways and through others too (art. 2 par. 2 Reg. (UE)
    2023/2831).
    """
    linked: dict[str, set[str]] = defaultdict(set)
    for one, other in links:
        linked[one].add(other)
        linked[other].add(one)
    found, to_visit = {start}, [start]
    while to_visit:
        new = linked[to_visit.pop()] - found
        found |= new
        to_visit += new
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class OwnGrant:
    """A grant of this administration, as it counts now and as it was given."""

    aid: PriorAid
    """What counts: nothing, if all of it was taken back."""
    at_first: Cents
    """What its act granted, before anything was determined anew or taken back."""
    office: str
    """Who answers for the call, and so whom an applicant would name."""


def counted(
    declared: Iterable[Iterable[PriorAid]], ours: Iterable[OwnGrant]
) -> tuple[PriorAid, ...]:
    """Return the aids of a single undertaking, each of them once.

    *declared* holds one list for each declaration. The same day, amount and
    grantor in the declarations of two linked applicants is one aid. A declared aid
    is a grant of ours only if its grantor plainly names the office of that grant,
    and its day and amount, at first or now, are the same: in doubt it counts beside
    it, because an aid too many can be corrected before the grant, and one too few
    makes the grant unlawful. What looks alike within one declaration, or among our
    own grants, is more than one aid.
    """
    grants = sorted(ours, key=_place_of_grant)
    found = [grant.aid for grant in grants if grant.aid.amount]
    for aid in sorted(_merged(declared).elements(), key=_place):
        same = next((grant for grant in grants if _is_same(aid, grant)), None)
        if same is None:
            found.append(aid)
        else:
            grants.remove(same)
    return tuple(sorted(found, key=_place))


def is_named(office: str, grantor: str) -> bool:
    """Tell whether a grantor, as an applicant writes it, is plainly an office.

    One has to begin with all the words of the other, at least two: `Regione
    Lombardia, DG Sviluppo` names `Regione Lombardia`, and `Comune` names nobody.
    """
    one, other = _words(office), _words(grantor)
    if one == other:
        return True
    shared = min(len(one), len(other))
    return shared >= _ENOUGH_WORDS and one[:shared] == other[:shared]


def _words(name: str) -> list[str]:
    return re.findall(r"\w+", name.casefold())


def _is_same(aid: PriorAid, grant: OwnGrant) -> bool:
    return (
        aid.granted_on == grant.aid.granted_on
        and aid.amount in {grant.at_first, grant.aid.amount}
        and is_named(grant.office, aid.grantor)
    )


def _merged(declared: Iterable[Iterable[PriorAid]]) -> Counter[PriorAid]:
    """Count each aid as often as the declaration that has it most often."""
    merged: Counter[PriorAid] = Counter()
    for declaration in declared:
        merged |= Counter(declaration)
    return merged


def _place(aid: PriorAid) -> tuple[date, str, Cents]:
    return aid.granted_on, aid.grantor, aid.amount


def _place_of_grant(grant: OwnGrant) -> tuple[date, str, Cents, Cents, str]:
    return *_place(grant.aid), grant.at_first, grant.office
