"""Is everything there that the work stands on?"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import col, select

from config.settings import masked
from models import triggers
from models.schema import HEAD
from models.session import DatabaseUnavailableError, reading
from models.tables import Call
from models.vocabulary import NoticeStatus
from workflow import register
from workflow.desk import Desk, IdentityKind
from workflow.errors import (
    RefusedError,
    SportelloError,
    TamperedError,
    TemporaryError,
    UnavailableError,
)
from workflow.services import (
    anchor_checks,
    installation,
    lookups,
    notices,
    officers,
    privacy,
    rights,
    stamping,
    ticks,
)
from workflow.services.backlog import backlog

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SLACK = timedelta(seconds=1)
"""A simulated clock starts at the same instant in every command."""

_LATE = timedelta(minutes=5)
"""So late nothing is where somebody sees to it."""


_STUCK = timedelta(hours=1)
"""So long no letter waits where all is in order."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def examine(desk: Desk, home: Path, *, keeps_data: bool) -> tuple[Check, ...]:
    """Look at everything, also after something was found wrong (*diagnosi*).

    The home matters only where something is kept in it.
    """
    database = _check("database", lambda: _database(desk))
    rest: tuple[tuple[str, Callable[[], str]], ...] = (
        *_of_server(desk),
        ("clock", lambda: _clock(desk)),
        ("identity", lambda: _identity(desk)),
        ("triggers", lambda: _triggers(desk)),
        ("scheduler", lambda: _scheduler(desk)),
        ("due", lambda: _due(desk)),
        ("parked", lambda: _parked(desk)),
        ("jobs", lambda: _jobs(desk)),
        ("anchor", lambda: anchor_checks.standing(desk)),
        ("stamp", lambda: stamping.standing(desk)),
    )
    return (
        _check("home", lambda: _private(home))
        if keeps_data
        else Check("home", ok=True, detail=f"{home}, nothing is kept there"),
        _check("files", lambda: privacy.standing(desk)),
        database,
        *(
            _check(name, look)
            if database.ok
            else Check(name, ok=False, detail="not checked: the database comes first")
            for name, look in rest
        ),
    )


def _of_server(desk: Desk) -> tuple[tuple[str, Callable[[], str]], ...]:
    """Return what there is to look at where the database has roles."""
    if desk.engine.dialect.name != "postgresql":
        return ()
    return (("rights", lambda: rights.standing(desk)),)


def mail(desk: Desk, how: Callable[[], str], *, answered: bool) -> Check:
    """See whether letters can be sent, and whether all that were have arrived.

    *answered* tells whether providers say what became of them.
    """
    return _check("mail", lambda: _mail(desk, how, answered=answered))


def behind(
    desk: Desk, *, call: str | None = None, application: str | None = None
) -> datetime | None:
    """Return the last instant of a call if the clock is before it.

    The register does not go back: what is written now is dated then.
    """
    now = desk.ambient.now()
    query = select(Call.last_instant)
    with reading(desk.engine) as session:
        if application is None:
            query = query.where(Call.code == call)
        else:
            try:
                found = lookups.find_application(session, application)
            except RefusedError:
                return None  # the command itself will say so
            query = query.where(Call.id == found.call_id)
        last = session.exec(query).first()
    return last if last is not None and last - now > _SLACK else None


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=look())
    except (SportelloError, DatabaseUnavailableError) as error:
        return Check(name, ok=False, detail=error.message)


def _database(desk: Desk) -> str:
    installation.check_form(desk.engine)
    kind = "rehearsal" if installation.is_rehearsal(desk.engine) else "real"
    shown = masked(desk.engine.url.render_as_string(hide_password=True))
    return f"{shown}, form {HEAD}, {kind} files"


def _clock(desk: Desk) -> str:
    """Compare the clock with the register, which does not go back."""
    now = desk.ambient.now()
    if desk.ambient.simulated:
        installation.refuse_simulated_clock(desk.engine)
    elif installation.is_rehearsal(desk.engine):
        raise RefusedError(
            "clock.missing",
            "this is a rehearsal and the clock is the host's; set SPORTELLO_CLOCK to "
            "the instant it is to be",
        )
    with reading(desk.engine) as session:
        last = session.exec(
            select(Call.last_instant).order_by(col(Call.last_instant).desc()).limit(1)
        ).first()
    if last is not None and last - now > _SLACK:
        raise RefusedError(
            "clock.behind",
            f"the clock says {register.written(now)}, before the last entry of the "
            f"register, {register.written(last)}; set the clock right",
        )
    kind = "simulated" if desk.ambient.simulated else "the host's"
    return f"{kind}, {register.written(now)}"


def _identity(desk: Desk) -> str:
    with reading(desk.engine) as session:
        actor = officers.identify(session, desk, only_looks=True)
    how = IdentityKind(actor.identity)
    roles = ", ".join(sorted(actor.roles)) or "no role"
    who = desk.identity.login or "the user of the database"
    told = f"{who} ({how}): {roles}"
    shared = desk.engine.dialect.name == "postgresql"
    if shared and how == IdentityKind.DECLARED:
        told += "; anybody who connects can say to be anybody: see `db grants`"
    return told


def _triggers(desk: Desk) -> str:
    """Look for what keeps the register from being changed by hand."""
    with reading(desk.engine) as session:
        absent = triggers.missing(session)
    if absent:
        raise TamperedError(
            "triggers.missing",
            f"somebody has taken away what keeps the register: {', '.join(absent)}; "
            "find out who and why, run `sportello log verify`, and restore the "
            "database from a backup or copy it with `sportello copy`",
        )
    return "the register and the officers are kept from being changed"


def _scheduler(desk: Desk) -> str:
    """Tell when a scheduler was last at work; nobody needs one who has nothing due."""
    seen = ticks.last(desk, ticks.SCHEDULER)
    waits = backlog(desk)
    if seen is None:
        told = "no scheduler has ever run here"
    else:
        told = f"last tick {_ago(waits.now, seen.at)} by {seen.holder}"
    is_away = seen is None or waits.now - seen.at > _LATE
    if is_away and _is_late(waits.oldest, waits.now):
        raise UnavailableError(
            "scheduler.missing",
            f"{told}, and things are due: start `sportello run` or `sportello "
            "scheduler`, or do them once with `sportello sweep`",
        )
    return told


def _due(desk: Desk) -> str:
    waits = backlog(desk)
    if waits.oldest is None:
        return "nothing is due"
    told = f"oldest due item: {_span(waits.now - waits.oldest)} late"
    if waits.due_terms:
        told += f"; {waits.due_terms} term(s) due"
    if _is_late(waits.oldest, waits.now):
        raise UnavailableError(
            "due.late", f"{told}; `sportello sweep` does it, or says what is in the way"
        )
    return told


def _parked(desk: Desk) -> str:
    parked = backlog(desk).parked
    if parked:
        raise UnavailableError(
            "terms.parked", f"{parked} parked: `sportello terms --parked`"
        )
    return "nothing was put aside"


def _jobs(desk: Desk) -> str:
    """Tell what workers have not done yet; where none ever ran nobody expects it."""
    waits = backlog(desk)
    if waits.oldest_job is None:
        return "all done"
    told = (
        f"{waits.unsent} not sent, {waits.undone} sent and not done; the oldest has "
        f"waited {_span(waits.now - waits.oldest_job)}"
    )
    if ticks.last(desk, ticks.SCHEDULER) is None:
        return f"{told}, for `sportello run`"
    if _is_late(waits.oldest_job, waits.now):
        raise UnavailableError(
            "jobs.late", f"{told}; see whether `sportello worker` and Redis are running"
        )
    return told


def _mail(desk: Desk, how: Callable[[], str], *, answered: bool) -> str:
    letters, is_closed = notices.standing(desk), False
    try:
        told = [how()]
    except TemporaryError as error:
        told, is_closed = [error.message], True
    if letters.since is not None:
        waited = _span(letters.now - letters.since)
        told.append(f"{letters.queued} to be sent, the oldest since {waited}")
    told += [f"{number} {status}" for status, number in letters.unsettled.items()]
    if letters.memos:
        told.append(f"{letters.memos} to the office could not be sent")
    is_stuck = letters.since is not None and letters.now - letters.since > _STUCK
    # Where letters are files nobody ever answers for them: that is no fault.
    unanswered = set() if answered else {NoticeStatus.UNKNOWN}
    failed = letters.unsettled.keys() - unanswered
    if is_stuck or failed or letters.memos:
        told.append("`sportello notices` says which, and why")
    elif not is_closed:
        return "; ".join(told)
    raise UnavailableError("mail.stuck", "; ".join(told))


def _is_late(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since > _LATE


def _ago(now: datetime, then: datetime) -> str:
    if now - then < -_SLACK:
        return f"at {register.written(then)}, which is still to come,"
    return f"{_span(now - then)} ago"


def _span(passed: timedelta) -> str:
    """Say a span of time as people do: its largest unit, cut off."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _private(home: Path) -> str:
    """Check that only the owner reads the home: it holds personal data."""
    if not home.is_dir():
        raise RefusedError(
            "home.missing", f"{home} is not there; `sportello init` makes it"
        )
    if not os.access(home, os.W_OK | os.X_OK):
        raise RefusedError("home.read_only", f"{home} cannot be written to")
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & _OTHERS:
        raise RefusedError(
            "home.open_to_others",
            f"{home} can be entered by others (mode {mode:o}); run `chmod 700 {home}`",
        )
    return str(home)
