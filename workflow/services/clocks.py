"""What time is it, if the clocks of two machines do not agree?"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from workflow.desk import Desk
from workflow.errors import UnavailableError

_APART = timedelta(seconds=5)
"""How far clocks that follow NTP may be apart."""


def agreed(session: Session, desk: Desk) -> datetime:
    """Return an instant that has come by our clock and by that of the database.

    A worker whose host runs ahead must do nothing early. A file of SQLite has the
    clock of the host, and a simulated one is the only one there is.
    """
    ours = desk.ambient.now()
    theirs = of_database(session, desk)
    return ours if theirs is None else min(ours, theirs)


def refuse_ahead(session: Session, desk: Desk) -> None:
    """Let nobody write whose clock runs ahead of that of the database.

    The register does not go back: it would be dated ahead for everybody, and what
    is still in time would seem late.

    Raises:
        UnavailableError: our clock is ahead.
    """
    theirs = of_database(session, desk)
    if theirs is None or desk.ambient.now() - theirs <= _APART:
        return
    raise UnavailableError(
        "clock.ahead",
        f"the clock of this machine is ahead of that of the database, which says "
        f"{theirs.isoformat(timespec='seconds')}; set it right (NTP), then try again",
    )


def of_database(session: Session, desk: Desk) -> datetime | None:
    """Return the clock of the database server, where it has one of its own."""
    if desk.ambient.simulated or session.get_bind().dialect.name != "postgresql":
        return None
    found: datetime = session.connection().execute(_CLOCK).scalar_one()
    return found


_CLOCK = text("SELECT clock_timestamp()")
