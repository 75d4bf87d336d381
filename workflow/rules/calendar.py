"""Tell which days are working days, and when a day ends in Rome."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
SATURDAY, SUNDAY = 5, 6
ONE_DAY = timedelta(days=1)
LAST_SECOND = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The public holidays (*festività*) that a call reckons with, in an edition.

    Sundays are holidays without being listed. A Saturday is an ordinary day
    unless the call says otherwise: art. 155 c. 5 c.p.c. is for court acts only.
    """

    holidays: frozenset[date]
    roll_saturday: bool
    edition: str
    first: date = date.min
    last: date = date.max

    def is_working(self, day: date) -> bool:
        """Tell whether *day* is neither a holiday (*giorno festivo*) nor rolled.

        Raises:
            ValueError: the calendar says nothing about that day.
        """
        if not self.first <= day <= self.last:
            raise ValueError(
                f"the calendar goes from {italian_date(self.first)} to "
                f"{italian_date(self.last)} and cannot tell whether "
                f"{italian_date(day)} is a holiday: build it for more days"
            )
        closed = (SATURDAY, SUNDAY) if self.roll_saturday else (SUNDAY,)
        return day.weekday() not in closed and day not in self.holidays

    def first_working_from(self, day: date) -> date:
        """Return *day*, or the next working day (art. 2963 c. 3 c.c.)."""
        while not self.is_working(day):
            day += ONE_DAY
        return day

    def last_working_until(self, day: date) -> date:
        """Return *day*, or the working day before it, for backward terms.

        Moving these forward would shorten the time of whom they protect
        (Cons. Stato 4454/2011; TAR Campania 6425/2018).
        """
        while not self.is_working(day):
            day -= ONE_DAY
        return day

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """Return the listed holidays from *first* to *last*, in order."""
        return tuple(sorted(day for day in self.holidays if first <= day <= last))


def italian_calendar(
    first_year: int,
    last_year: int,
    *,
    roll_saturday: bool = False,
    local: Iterable[str] = (),
) -> Calendar:
    """Return the national holidays of these years (L. 260/1949 and later).

    *local* adds days of a town (*santo patrono*) as `MM-DD`: they are not in the
    national list, so that a term rolls over them only where a call says so.

    Raises:
        ValueError: a local day is not written as `MM-DD`.
    """
    return _built(first_year, last_year, roll_saturday, tuple(sorted(set(local))))


def frozen_calendar(
    edition: str,
    holidays: Iterable[date],
    *,
    roll_saturday: bool,
    first: date,
    last: date,
) -> Calendar:
    """Rebuild the calendar that a term was computed with, from what was kept of it.

    A later edition of the list may differ: what was computed is explained with its
    own. It knows the days of that term only, from *first* to *last*, and refuses
    to tell about any other.
    """
    return Calendar(frozenset(holidays), roll_saturday, edition, first, last)


def civil_day(instant: datetime) -> date:
    """Return the day (*giorno civile*) that it is in Rome at *instant*.

    Raises:
        ValueError: without an offset, it would be the day of the host.
    """
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no offset: no telling its day")
    return instant.astimezone(ROME).date()


def end_of_day(day: date) -> datetime:
    """Return the last second of *day* in Rome, in UTC.

    23:59:59 and not midnight, which is the next day already (Cons. Stato
    8546/2024). Days of 23 and of 25 hours end there too.
    """
    return datetime.combine(day, LAST_SECOND, ROME).astimezone(UTC)


def start_of_day(day: date) -> datetime:
    """Return the first instant of *day* in Rome, in UTC."""
    return datetime.combine(day, time(), ROME).astimezone(UTC)


def hour_of_day(day: date, hour: time) -> datetime:
    """Return an hour of *day* in Rome, in UTC.

    In the nights in which the clocks change it may be there twice, or not at all.
    Then the later reading holds, so that nobody has less time than was promised.
    """
    local = datetime.combine(day, hour, ROME)
    return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def months_later(day: date, months: int) -> date:
    """Return the same day, *months* later, or earlier if they are negative.

    A month without that day gives its last one (art. 2963 c. 5 c.c.).
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def italian_date(day: date) -> str:
    """Write a day as acts write it: `07/04/2026`."""
    return f"{day:%d/%m/%Y}"


@lru_cache(maxsize=32)
def _built(
    first_year: int,
    last_year: int,
    roll_saturday: bool,  # noqa: FBT001 - a key of the cache; callers use the keyword
    local: tuple[str, ...],
) -> Calendar:
    # Here and not above: the package costs as much as all the rest at start-up,
    # and most commands compute no term.
    from holidays import country_holidays  # noqa: PLC0415
    from holidays.version import __version__ as version  # noqa: PLC0415

    years = range(first_year, last_year + 1)
    patron = (_local_day(year, text) for year in years for text in local)
    return Calendar(
        holidays=frozenset(country_holidays("IT", years=years)).union(patron),
        roll_saturday=roll_saturday,
        edition=" + ".join((f"holidays {version} IT", *local)),
        first=date(first_year, 1, 1),
        last=date(last_year, 12, 31),
    )


def _local_day(year: int, text: str) -> date:
    try:
        month, day = text.split("-")
        return date(year, int(month), int(day))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a day of {year}: write a local holiday as MM-DD, "
            f"as in 12-07"
        ) from None
