"""Did whoever made a move hold the role in which they made it, at that instant?

The chain of the officers tells from when to when a role was held, and delegated. What
is older than that chain is not judged by it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from models.vocabulary import ActorKind, Outcome
from workflow.register import shown, written
from workflow.rules.calendar import ONE_DAY, start_of_day
from workflow.staff import Staff

CLOCKS_APART = timedelta(minutes=1)
"""How far the clocks of two hosts may be from each other."""

Span: TypeAlias = "tuple[datetime, datetime]"

_ALWAYS: Span = (datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Tenures:
    """Holds entries to who held which role, and on whose behalf."""

    def __init__(self, staff: Staff, began: str | None) -> None:
        self._staff, self._began = staff, began
        self._known: dict[tuple[str, str, str | None], list[tuple[str, str]]] = {}

    def fault(self, body: Mapping[str, Any]) -> str | None:
        """Say whether somebody acted who could not, of what was carried out."""
        actor, at = body["actor"], body["at"]
        if actor["kind"] != ActorKind.PERSON or body["outcome"] != Outcome.OK:
            return None
        if self._began is None or at < self._began:
            return None
        who = actor["id"], actor["role"], actor.get("on_behalf_of")
        spans = self._known.get(who)
        if spans is None:
            spans = self._known[who] = self._held(*who)
        if any(first <= at <= last for first, last in spans):
            return None
        officer, role, behalf = map(shown, who)
        held = f"the role `{role}` was not held by the officer {officer} then"
        return held if who[2] is None else f"{held} on behalf of {behalf}"

    def _held(
        self, officer: str, role: str, behalf: str | None
    ) -> list[tuple[str, str]]:
        spans = self._own(officer, role)
        if behalf is not None:
            spans = _common(self._own(behalf, role), self._given(officer, role, behalf))
        return [
            (written(first - CLOCKS_APART), written(last + CLOCKS_APART))
            for first, last in spans
        ]

    def _own(self, officer: str, role: str) -> Iterator[Span]:
        for (holder, held, since), ended in self._staff.roles.items():
            if (holder, held) == (officer, role):
                yield _span(since, ended)

    def _given(self, officer: str, role: str, behalf: str) -> Iterator[Span]:
        for row in self._staff.delegations.values():
            parties = row["delegate"], row["role"], row["delegator"]
            if parties == (officer, role, behalf):
                first, last = (
                    date.fromisoformat(row[name]) for name in ("first_day", "last_day")
                )
                days = start_of_day(first), start_of_day(last + ONE_DAY)
                yield from _common([days], [_span(row["made_at"], row["ended_at"])])


def _span(since: str, ended: str | None) -> Span:
    begins, always = datetime.fromisoformat(since), _ALWAYS[1]
    return begins, always if ended is None else datetime.fromisoformat(ended)


def _common(some: Any, others: Any) -> Iterator[Span]:  # noqa: ANN401 - spans
    others = list(others)
    for first, last in some:
        for begins, ends in others:
            if max(first, begins) <= min(last, ends):
                yield max(first, begins), min(last, ends)
