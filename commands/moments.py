"""How does somebody name a moment that has passed, and how is it told?"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import click

from commands.instants import read_instant
from commands.output import civil, instant
from workflow.rules.calendar import start_of_day
from workflow.services.moments import Cut, Moment

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ENTRY = re.compile(r"(?:#|entry\s+)([0-9]{1,18})", re.IGNORECASE)
_MOMENT = timedelta.resolution
_NO_YEARS = ("0000", f"{date.min.year:04}", f"{date.max.year}")
"""Nothing is before the first year of the calendar, nor after its last."""

_Decorated = TypeVar("_Decorated", bound="Callable[..., Any]")


def as_of_option(function: _Decorated) -> _Decorated:
    """Give a command `--as-of`: how something stood, by the register alone."""
    return click.option(
        "--as-of",
        metavar="INSTANT",
        callback=read_moment,
        help="As it stood then, by the register alone: at an instant, at the end of "
        "a day, or right after an entry (#12).",
    )(function)


def read_moment(
    context: click.Context, option: click.Parameter, text: str | None
) -> Moment | None:
    """Read an instant, a day of Rome (its end), or an entry (`#12`, `entry 12`)."""
    if text is None:
        return None
    if found := _ENTRY.fullmatch(text.strip()):
        return Moment(seq=int(found[1]))
    day = _day(text)
    since = start_of_day(day) if day else None
    return Moment(read_until(context, option, text), since=since)


def read_since(
    context: click.Context, option: click.Parameter, text: str | None
) -> datetime | None:
    """Read an instant, or the first one of a day of Rome."""
    if text is None or (day := _day(text)) is None:
        return _read_instant(context, option, text)
    return start_of_day(day)


def read_until(
    context: click.Context, option: click.Parameter, text: str | None
) -> datetime | None:
    """Read an instant, or the last one of a day of Rome."""
    if text is None or (day := _day(text)) is None:
        return _read_instant(context, option, text)
    return start_of_day(day + timedelta(days=1)) - _MOMENT


def read_day(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> date | None:
    """Read a civil day of Rome."""
    day = None if text is None else _day(text)
    if text is None or day is not None:
        return day
    raise click.BadParameter(
        f"`{text}` is no day; write it as YYYY-MM-DD, such as 2026-01-20"
    )


def _read_instant(
    context: click.Context, option: click.Parameter, text: str | None
) -> datetime | None:
    """Read an instant where a plain day could have been written too."""
    if text is None or not _DAY.fullmatch(text):
        return read_instant(context, option, text)
    if text[:4] in _NO_YEARS:
        raise click.BadParameter(
            f"`{text}`: a year is one from 0002 to 9998; leave the option out to set "
            "no bound"
        )
    raise click.BadParameter(
        f"`{text}` is no day of the calendar; write a day, such as 2026-03-05, or day "
        "and hour of Rome, such as 2026-03-05T16:00"
    )


def _day(text: str) -> date | None:
    """Read a day; what only looks like one is told as any other mistake."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    # The calendar of the machine ends with its last year, and begins with its first.
    return day if day and date.min.year < day.year < date.max.year else None


def as_json(cut: Cut) -> dict[str, object]:
    """Return as scripts read it how far the register was read."""
    return {"at": instant(cut.at), "entry": cut.seq}


def headline(cut: Cut, call: str) -> str:
    """Say how far the register was read."""
    return f"as of {civil(cut.at, digits=6)} (Rome), after entry {cut.seq} of {call}"
