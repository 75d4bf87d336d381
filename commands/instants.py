"""How does somebody type an instant?"""

import re
from datetime import datetime

import click
from pydantic import TypeAdapter, ValidationError

from config.values import Instant

_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def read_instant(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> datetime | None:
    """Read day and hour in the civil time of Rome, or with an offset.

    An hour that Rome has not, or has twice, is refused: nobody knows which one is
    meant.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text) if _WRITTEN.match(text) else None
    except ValueError:
        instant = None
    if instant is None:
        raise click.BadParameter(
            f"`{text}`: write day and hour of Rome, such as 2026-03-05T16:00, or with "
            "an offset, such as 2026-03-05T15:00:00+00:00"
        )
    try:
        return _INSTANT.validate_python(instant)
    except (ValidationError, OverflowError) as error:
        raise click.BadParameter(_sentence(error)) from None


def _sentence(error: ValidationError | OverflowError) -> str:
    if isinstance(error, ValidationError):
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return "it is no instant of the calendar"
