"""What may the roles of the database do, and who gives it to them?"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session

from models import rights
from models.rights import Setting
from models.schema import hold
from models.session import (
    DatabaseForbiddenError,
    reading,
    refuse_other_form,
    transaction,
)
from workflow.desk import Desk, IdentityKind
from workflow.errors import RefusedError
from workflow.services import installation

APPLICATION = "sportello_app"
AUDITOR = "sportello_audit"

_SHOWN = 5
"""Rights that are named in a sentence; there may be many."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The two roles, beside the owner, by the names that they have here."""

    application: str = APPLICATION
    auditor: str = AUDITOR
    identity: IdentityKind | None = None
    """How it must be established at least who acts; none leaves that as it is."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What was given to whom, in the statements that did it."""

    owner: str
    roles: Roles
    statements: Sequence[str]


def planned(desk: Desk, roles: Roles) -> Granted:
    """Return what would be done, for somebody else to do it.

    Raises:
        RefusedError: the database has no roles.
        UnavailableError: it is not in the present form.
    """
    _refuse_sqlite(desk.engine)
    installation.check_form(desk.engine)
    with reading(desk.engine) as session:
        return _granted(rights.setting(session), roles)


def grant(desk: Desk, roles: Roles) -> Granted:
    """Make the roles and give each what it may do, or nothing of it all.

    Raises:
        RefusedError: the database has no roles, we are not who may give them
            rights, or one of them could do more by another way.
        UnavailableError: it is not in the present form.
    """
    _refuse_sqlite(desk.engine)
    installation.check_form(desk.engine)
    try:
        with transaction(desk.engine, any_form=True) as session:
            return _grant(session, roles)
    except DatabaseForbiddenError as error:
        raise RefusedError(
            "grants.not_allowed",
            "the roles can neither be made nor given rights from here; have whoever "
            "runs the server carry out what `sportello db grants --print` prints "
            f"({error.message})",
        ) from error


def _refuse_sqlite(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        raise RefusedError(
            "grants.no_roles",
            "SQLite has no roles: there whoever can write to the file can write "
            "everything, and triggers keep the register; for roles move to PostgreSQL "
            "with `sportello copy`",
        )


def _grant(session: Session, roles: Roles) -> Granted:
    # In the order of an upgrade, or each of the two could wait for the other.
    hold(session.connection())
    refuse_other_form(session)
    setting = rights.setting(session)
    user = rights.user(session)
    if not rights.is_above(session, user, setting.owner):
        raise RefusedError(
            "grants.not_owner",
            f"`{user}` may not: the tables belong to `{setting.owner}`; run it as that "
            "one, by the SPORTELLO_DATABASE_URL that `sportello init` was run with",
        )
    granted = _granted(setting, roles)
    for name in (roles.application, roles.auditor):
        if rights.is_there(session, name):
            _refuse_above(session, name, setting)
    for statement in granted.statements:
        session.connection().exec_driver_sql(statement.replace("%", "%%"))
    _refuse_more(session, roles.application, rights.of_application())
    _refuse_more(session, roles.auditor, rights.of_auditor())
    return granted


def _granted(setting: Setting, roles: Roles) -> Granted:
    made = rights.statements(
        setting,
        application=roles.application,
        auditor=roles.auditor,
        identity=roles.identity,
    )
    return Granted(setting.owner, roles, tuple(made))


def _refuse_above(session: Session, role: str, setting: Setting) -> None:
    if rights.is_above(session, role, setting.owner):
        raise RefusedError(
            "grants.above",
            f"`{role}` is the owner of the tables, a superuser, or can become one: no "
            "right can be kept from it; name another role",
        )


def _refuse_more(session: Session, role: str, wanted: rights.Rights) -> None:
    """Refuse to leave a role with what it has by another one that it belongs to."""
    if more := rights.beyond(session, role, wanted):
        raise RefusedError(
            "grants.beyond",
            f"`{role}` has more than that by another role of which it is a member: "
            f"{_few(more)}; take it out of that one (REVOKE … FROM {role}) and try "
            "again; nothing was changed",
        )


def letters_are_legible(session: Session) -> bool:
    """Tell whether we may read what letters say, and to whom."""
    return rights.legible(session, "notices", ("subject", "body"))


def may_read_of_people(session: Session) -> bool:
    """Tell whether we may read who applied, and what was written to them."""
    return letters_are_legible(session) and rights.legible(
        session, "applicants", ("tax_code",)
    )


def may_add(session: Session) -> bool:
    """Tell whether we may add to the register; a file takes whoever can open it.

    To a replica nobody may, whatever they may do on its primary.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    if rights.is_read_only(session):
        return False
    wanted = {_REGISTER: ("INSERT",)}
    return not rights.missing(session, rights.user(session), wanted)


def applicants_are_legible(session: Session) -> bool:
    """Tell whether we may read who applied, and with what."""
    return all(
        rights.legible(session, table, columns) for table, columns in _OF_APPLICANTS
    )


_OF_APPLICANTS = (
    ("applicants", ("id", "tax_code", "name", "salt", "erased_at")),
    ("documents", ("application_id", "kind", "sha256")),
    ("aids", ("application_id", "granted_on", "amount", "grantor")),
)


def standing(desk: Desk) -> str:
    """Tell what whoever works here may do in the database itself (*diagnosi*).

    Raises:
        RefusedError: something that the program needs, or too much for its safety.
    """
    with reading(desk.engine) as session:
        user, setting = rights.user(session), rights.setting(session)
        if rights.is_above(session, user, setting.owner):
            return (
                f"{user} owns the tables, and could change the register; work as a "
                "role that cannot (`sportello db grants`)"
            )
        missing = rights.missing(session, user, rights.of_application())
        beyond = rights.beyond(session, user, rights.of_application())
        reads = not rights.missing(session, user, rights.of_auditor())
    if missing and not (reads and f"INSERT on {_REGISTER}" in missing):
        raise RefusedError(
            "grants.missing",
            f"{user} may not do what is needed: {_few(missing)}; the owner gives it "
            "with `sportello db grants`, once more after each upgrade",
        )
    if beyond:
        raise RefusedError(
            "grants.beyond", f"{user} may do more than it should: {_few(beyond)}"
        )
    return f"{user} {'reads the register only' if missing else 'cannot change it'}"


_REGISTER = "entries"


def _few(rights_: Sequence[str]) -> str:
    rest = len(rights_) - _SHOWN
    return ", ".join(rights_[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
