"""Which days of Rome went without an anchor?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from workflow.rules.calendar import ONE_DAY, civil_day


@dataclass(frozen=True, slots=True)
class Span:
    """Days that follow one another: a date may be forged that is millennia away."""

    first: date
    last: date

    def __str__(self) -> str:
        """Write it as a fault does."""
        if self.first == self.last:
            return f"for {self.first}"
        return f"from {self.first} to {self.last}"

    def __contains__(self, day: date) -> bool:
        """Tell whether a day is one of them."""
        return self.first <= day <= self.last

    def days(self) -> Iterator[date]:
        """Return the days one after the other."""
        for ordinal in range(self.first.toordinal(), self.last.toordinal() + 1):
            yield date.fromordinal(ordinal)


@dataclass(frozen=True, slots=True)
class Explained:
    """A day without an anchor of which a later one says why."""

    day: date
    because: str
    by: str
    """The reference of the officer who said so."""
    at: str
    anchor: int
    """When and in which anchor."""


@dataclass
class Gaps:
    """Follows the days of anchors, and keeps the spans between them."""

    found: list[tuple[int, Span]] = field(default_factory=list)
    """Each with the anchor at which it was found."""
    _why: dict[date, Explained] = field(default_factory=dict)
    """Of days of which a later anchor says why: what was said first."""
    _day: date | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return all of them, explained or not."""
        return tuple(span for _, span in self.found)

    @property
    def explained(self) -> tuple[Explained, ...]:
        """Return the missed days that are explained, in their order."""
        said = (one for _, one in sorted(self._why.items()))
        return tuple(one for one in said if any(one.day in span for span in self.spans))

    def take(self, number: int, body: Mapping[str, Any]) -> None:
        """Go on to the day of an anchor, and take in what it says of days before.

        Raises:
            ValueError, LookupError, TypeError: it says it in no form that one has.
        """
        self.reach(number, civil_day(datetime.fromisoformat(body["at"])))
        for one in _explained(number, body):
            self._why.setdefault(one.day, one)

    def reach(self, number: int, day: date) -> None:
        """Go on to the day of an anchor, or of an entry after the last."""
        if self._day is None or day <= self._day:
            self._day = self._day or day
            return
        if day - self._day > ONE_DAY:
            self.found.append((number, Span(self._day + ONE_DAY, day - ONE_DAY)))
        self._day = day

    def unexplained(self) -> Iterator[tuple[int, Span]]:
        """Return the days of which no anchor says why."""
        for number, span in self.found:
            first = span.first
            for day in sorted(day for day in self._why if day in span):
                if first < day:
                    yield number, Span(first, day - ONE_DAY)
                first = day + ONE_DAY
            if first <= span.last:
                yield number, Span(first, span.last)


def _explained(number: int, body: Mapping[str, Any]) -> Iterator[Explained]:
    for one in body.get("missed", ()):
        day, said = date.fromisoformat(one["day"]), str(one["because"])
        yield Explained(day, said, str(one["by"]), str(body["at"]), number)
