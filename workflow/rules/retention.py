"""Until when is personal data kept, and from when may it be erased?"""

from dataclasses import dataclass
from datetime import date

from workflow.rules.calendar import ONE_DAY, months_later


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the personal data of a call is kept (*conservazione*)."""

    over_since: date
    """The day of the last thing that was done in the call."""
    years: int

    @property
    def last_day(self) -> date:
        """The last day on which it is kept; a 29 February ends on the 28th."""
        return months_later(self.over_since, 12 * self.years)

    @property
    def may_be_erased_from(self) -> date:
        """The first day on which it may be erased."""
        return self.last_day + ONE_DAY

    def has_ended(self, today: date) -> bool:
        """Tell whether it may be erased today."""
        return today > self.last_day
