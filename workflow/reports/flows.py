"""What happened in a stretch of time, counted?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from models.vocabulary import MovementKind
from workflow.rules import spans

SLOW = 90
"""Of a hundred: the slow end of the times of a step is told by this percentile."""


@dataclass(slots=True)
class Times:
    """How long a step took, each time that it was done, in civil days."""

    days: Counter[int] = field(default_factory=Counter)
    late: int = 0
    """How often after its term."""

    @property
    def count(self) -> int:
        """How often it was done."""
        return self.days.total()

    @property
    def within(self) -> int:
        """How often in its term."""
        return self.count - self.late

    @property
    def median(self) -> Decimal | None:
        """The middle one."""
        return spans.median(self.days)

    @property
    def slow(self) -> int | None:
        """What nine of ten do not pass."""
        return spans.nearest_rank(self.days, SLOW)


@dataclass(frozen=True, slots=True)
class Overtaking:
    """Somebody was taken up before others who came earlier (*sorpasso*)."""

    call: str
    seq: int
    event: str
    protocol: str
    overtaken: int
    act: Mapping[str, Any] | None


@dataclass(slots=True)
class Month:
    """What happened in a civil month of Rome; money in cents."""

    submitted: int = 0
    grants: int = 0
    granted: int = 0


@dataclass(slots=True)
class Flows:
    """What happened in a stretch of time: of two that follow, the sum is of both.

    Money in cents.
    """

    submitted: int = 0
    admitted: int = 0
    requested: int = 0
    grants: int = 0
    """Applications to which money was granted for the first time."""
    to_recover: int = 0
    """What acts ordered to be paid back (*da recuperare*)."""
    exits: Counter[str] = field(default_factory=Counter)
    """How many left the procedure, by the state to which."""
    reserved: Counter[str] = field(default_factory=Counter)
    """By how much each kind of movement moved what is reserved."""
    granted: Counter[str] = field(default_factory=Counter)
    """By how much each kind of movement moved what is granted."""
    missed: Counter[str] = field(default_factory=Counter)
    """Terms found to be missed, less those that turned out not to be, by kind."""
    times: dict[str, Times] = field(default_factory=dict)
    months: dict[str, Month] = field(default_factory=dict)
    overtakings: list[Overtaking] = field(default_factory=list)

    @property
    def granted_amount(self) -> int:
        """What was granted, whatever became of it later."""
        return self.granted[MovementKind.GRANT]

    @property
    def redetermined(self) -> int:
        """By how much grants were lowered (*rideterminazione*)."""
        return -self.granted[MovementKind.REDETERMINE]

    @property
    def released(self) -> int:
        """What was set free of reservations and grants (*economie*)."""
        kind = MovementKind.RELEASE
        return -self.reserved[kind] - self.granted[kind]

    @property
    def recovered(self) -> int:
        """What was paid and came back (*recuperi*)."""
        kind = MovementKind.RECOVER
        return -self.reserved[kind] - self.granted[kind]

    def times_of(self, step: str) -> Times:
        """Return the times of a step, to be added to."""
        if step not in self.times:
            self.times[step] = Times()
        return self.times[step]

    def month(self, name: str) -> Month:
        """Return what happened in a month, to be added to."""
        if name not in self.months:
            self.months[name] = Month()
        return self.months[name]

    def add(self, other: "Flows") -> None:
        """Add what happened in another stretch, or in another call."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Counter):
                # `+=` would drop what is not above zero.
                mine.update(theirs)
            elif isinstance(mine, int | list):
                setattr(self, one.name, mine + theirs)
        for step, times in other.times.items():
            own = self.times_of(step)
            own.days.update(times.days)
            own.late += times.late
        for name, month in other.months.items():
            into = self.month(name)
            into.submitted += month.submitted
            into.grants += month.grants
            into.granted += month.granted
