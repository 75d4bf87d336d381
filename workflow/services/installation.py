"""Is the database there, in the right form, and what is it for?"""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session

from config.settings import masked
from models.schema import HEAD, Form, form, revision, unusable, upgrade
from models.session import (
    DatabaseForbiddenError,
    DatabaseUnavailableError,
    add_unless_there,
    keep_readers_going,
    reading,
    told_in_words,
    transaction,
)
from models.tables import Installation
from workflow.ambient import Ambient
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError, UnavailableError
from workflow.services import office
from workflow.services.privacy import file_of, make_file

_NOBODY = Identity(IdentityKind.SYSTEM, None)


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` leaves behind."""

    database: str
    revision: str
    rehearsal: bool
    created: bool


def initialise(
    engine: Engine, ambient: Ambient, *, rehearsal: bool = False
) -> Initialised:
    """Create the database, or bring an older one to the present form.

    Raises:
        RefusedError: it exists and is not for rehearsals, or the other way round; or
            we may not make its tables.
        UnavailableError: a later version of the system made it, or another one did.
    """
    make_file(engine)
    before, found = _form(engine)
    if before in {Form.NEWER, Form.UNKNOWN}:
        raise UnavailableError(*unusable(before, found))
    try:
        if engine.dialect.name == "sqlite":
            keep_readers_going(engine)
        with told_in_words():
            upgrade(engine)
    except DatabaseForbiddenError as error:
        raise RefusedError(
            "init.not_owner",
            "only the role that owns the tables can make them or bring them to the "
            f"form {HEAD}; run `sportello init` as that one, and `sportello db grants` "
            f"after it ({error.message})",
        ) from error
    except DatabaseUnavailableError as error:
        if error.code != "database.locked":
            raise
        raise UnavailableError(
            error.code,
            "somebody is at work on the database, and nothing was changed; stop the "
            "scheduler and the workers, let a verification or a backup end, and try "
            "again",
        ) from error
    with transaction(engine) as session:
        # Whoever only works here may not add this row, nor does it have to.
        created = session.get(Installation, 1) is None and add_unless_there(
            session,
            Installation(id=1, rehearsal=rehearsal, created_at=ambient.now()),
        )
        row = session.get_one(Installation, 1)
        if rehearsal and not row.rehearsal:
            raise RefusedError(
                "installation.not_rehearsal",
                "this database holds real files and cannot become a rehearsal; "
                "choose another one with SPORTELLO_HOME or SPORTELLO_DATABASE_URL",
            )
        desk = Desk(engine, ambient, _NOBODY, ambient.now(), channel="init")
        office.begin(session, desk)
        return Initialised(
            masked(engine.url.render_as_string(hide_password=True)),
            HEAD,
            row.rehearsal,
            created,
        )


def check_form(engine: Engine) -> None:
    """Refuse a database that is not in the form this version needs.

    Raises:
        UnavailableError: it was never initialised, is older or newer, or not ours.
    """
    _refuse_missing_file(engine)
    standing, found = _form(engine)
    if standing != Form.PRESENT:
        raise UnavailableError(*unusable(standing, found))


def _form(engine: Engine) -> tuple[Form, str | None]:
    with reading(engine) as session:
        return form(session), revision(session)


def is_rehearsal(engine: Engine) -> bool:
    """Tell whether the database obeys a simulated clock."""
    with reading(engine) as session:
        return _rehearsal(session)


def _rehearsal(session: Session) -> bool:
    row = session.get(Installation, 1)
    return row is not None and row.rehearsal


def refuse_simulated_clock(engine: Engine) -> None:
    """Refuse to date real files with an invented instant.

    Raises:
        RefusedError: the database is not a rehearsal.
    """
    if not is_rehearsal(engine):
        raise RefusedError(
            "clock.not_rehearsal",
            "SPORTELLO_CLOCK is set, but only a rehearsal database obeys it; unset it, "
            "or make a rehearsal with `sportello init --rehearsal`",
        )


def _refuse_missing_file(engine: Engine) -> None:
    # SQLite would create an empty file at the first look.
    file = file_of(engine)
    if file is not None and not file.exists():
        raise UnavailableError(
            "database.not_initialised",
            f"there is no database at {file}; make it with `sportello init`",
        )
