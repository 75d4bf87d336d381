"""Who stands on an approved list, after each of its versions (*elenco*)?

A version is the one before it, plus what was added, minus what was taken off. Who
stands behind a member (its lead and its partners) is as it was approved, until an act
approves a change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.canonical import digest, encode
from models.vocabulary import ListChange


@dataclass(frozen=True, slots=True)
class Listed:
    """A member of a list, and who stands behind it; by reference."""

    application: str
    protocol: str
    behind: tuple[str, ...]
    """The applicants, the lead first."""
    since: int
    """The version that put it on the list."""

    @property
    def lead(self) -> str:
        """Who leads it (*capofila*)."""
        return self.behind[0]

    @property
    def partners(self) -> tuple[str, ...]:
        """Who stands behind it beside the lead."""
        return self.behind[1:]


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does with one member."""

    kind: ListChange
    application: str
    protocol: str
    behind: tuple[str, ...]


Members = Mapping[str, Listed]
"""Who stands on a list, by application."""


def after(members: Members, version: int, changes: Iterable[Change]) -> Members:
    """Return who stands on a list after its next version.

    Raises:
        ValueError: it adds who is there already, or changes who is not.
    """
    then = dict(members)
    for change in changes:
        known = then.pop(change.application, None)
        if (known is None) != (change.kind is ListChange.ADDED):
            message = f"{change.kind} {change.protocol} makes no sense on this list"
            raise ValueError(message)
        if change.kind is not ListChange.REMOVED:
            since = known.since if known else version
            then[change.application] = Listed(
                change.application, change.protocol, change.behind, since
            )
    return then


def in_order(members: Members) -> tuple[Listed, ...]:
    """Return who stands on a list, by protocol number: it has no ranking."""
    return tuple(sorted(members.values(), key=lambda one: one.protocol))


def fingerprint(members: Members) -> str:
    """Return the hash of a whole list, which its act and its entry carry.

    Of the canonical JSON (RFC 8785) of its members in order: application, protocol
    and who stands behind it.
    """
    listed = [
        {
            "application": one.application,
            "protocol": one.protocol,
            "behind": list(one.behind),
        }
        for one in in_order(members)
    ]
    return digest(encode(listed))


def by_applicant(members: Members) -> dict[str, Listed]:
    """Return the member that each leads, or else is a partner of."""
    listed = in_order(members)
    partners = {who: one for one in reversed(listed) for who in one.partners}
    return partners | {one.lead: one for one in reversed(listed)}
