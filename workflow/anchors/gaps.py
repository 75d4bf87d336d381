"""Which days of Rome went without an anchor?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from workflow.rules.calendar import ONE_DAY


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


@dataclass
class Gaps:
    """Follows the days of anchors, and keeps the spans between them."""

    found: list[tuple[int, Span]] = field(default_factory=list)
    """Each with the anchor at which it was found."""
    _why: dict[date, str] = field(default_factory=dict)
    """Of days of which a later anchor says why: what was said first."""
    _day: date | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return all of them, explained or not."""
        return tuple(span for _, span in self.found)

    @property
    def explained(self) -> tuple[tuple[date, str], ...]:
        """Return the missed days that are explained, each with why."""
        said = sorted(self._why.items())
        return tuple(one for one in said if any(one[0] in span for span in self.spans))

    def reach(self, number: int, day: date) -> None:
        """Go on to the day of an anchor, or of an entry after the last."""
        if self._day is None or day <= self._day:
            self._day = self._day or day
            return
        if day - self._day > ONE_DAY:
            self.found.append((number, Span(self._day + ONE_DAY, day - ONE_DAY)))
        self._day = day

    def explain(self, told: Iterable[tuple[date, str]]) -> None:
        """Take in what an anchor says of days that were missed before it."""
        for day, why in told:
            self._why.setdefault(day, why)

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


def missed(body: Mapping[str, Any]) -> Iterator[tuple[date, str]]:
    """Return the days that an anchor explains, each with why."""
    for one in body.get("missed", ()):
        yield date.fromisoformat(one["day"]), str(one["because"])
