"""Which officers are there, or were on a day, and what do they hold?"""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlmodel import Session, col, select

from models.session import reading
from models.tables import Delegation, Officer, OfficerRole
from models.vocabulary import Role
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.rules.calendar import ONE_DAY, civil_day, start_of_day


@dataclass(frozen=True, slots=True)
class DelegationView:
    """A role in which an officer acts on behalf of another, as shown to people."""

    role: Role
    delegator: str
    first_day: date
    last_day: date
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class OfficerView:
    """An officer as shown to people."""

    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    retired: bool
    email: str | None
    """Where the digest of each day goes; none if there is none to send."""
    delegations: tuple[DelegationView, ...] = field(default=())
    """What others delegate to them now, or will."""


# Made once: to make a statement takes longer than to send it.
BY_LOGIN = select(Officer).where(col(Officer.login) == bindparam("login"))
ROLES = (
    select(OfficerRole.role)
    .where(col(OfficerRole.officer_id) == bindparam("officer"))
    .where(col(OfficerRole.ended_at).is_(None))
)


def listed(desk: Desk, *, at: date | None = None) -> tuple[OfficerView, ...]:
    """Return every officer, retired ones too, by login; or as it was on a day."""
    with reading(desk.engine) as session:
        officers = session.exec(select(Officer).order_by(col(Officer.login))).all()
        if at is None:
            return tuple(view(session, desk, officer) for officer in officers)
        after = start_of_day(at + ONE_DAY)
        return tuple(
            _view_at(session, officer, at)
            for officer in officers
            if officer.created_at < after
        )


def addresses(session: Session, role: Role) -> list[tuple[str, str]]:
    """Return the logins and addresses of those who hold a role and have one."""
    rows = session.exec(
        select(Officer.login, Officer.email)
        .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
        .where(OfficerRole.role == role)
        .where(col(OfficerRole.ended_at).is_(None))
        .where(col(Officer.retired_at).is_(None))
        .order_by(col(Officer.login))
    )
    return [(login, email) for login, email in rows if email]


def found(desk: Desk, login: str | None) -> OfficerView:
    """Return an officer who may act; without a login, whoever is sitting here.

    Raises:
        RefusedError: there is no such officer, or a retired one.
    """
    with reading(desk.engine) as session:
        named = who(session, desk.identity) if login is None else login
        officer = session.exec(BY_LOGIN, params={"login": named}).first()
        if officer is None:
            raise RefusedError(
                "officer.unknown",
                f"`{named}` is not an officer of this database; see `sportello officer "
                "list`",
            )
        if officer.retired_at is not None:
            raise RefusedError(
                "officer.retired", f"`{named}` is retired: nothing waits for them"
            )
        return view(session, desk, officer)


def who(session: Session, identity: Identity) -> str:
    """Return the login of whoever is sitting here.

    Raises:
        RefusedError: nobody says who it is.
    """
    if identity.kind == IdentityKind.DATABASE:
        return str(session.execute(text("SELECT session_user")).scalar_one())
    if not identity.login:
        raise RefusedError(
            "officer.undeclared",
            "nobody says who is acting; set SPORTELLO_OFFICER to your login",
        )
    return identity.login


def own_roles(session: Session, officer: UUID) -> frozenset[Role]:
    """Return the roles that an officer holds now, delegations left aside."""
    rows = session.exec(ROLES, params={"officer": officer})
    return frozenset(Role(role) for role in rows)


def view(session: Session, desk: Desk, officer: Officer) -> OfficerView:
    """Return an officer as they stand now."""
    return OfficerView(
        officer.id,
        officer.login,
        officer.name,
        tuple(sorted(own_roles(session, officer.id))),
        officer.retired_at is not None,
        officer.email,
        _delegations(session, officer, since=civil_day(desk.ambient.now())),
    )


def _view_at(session: Session, officer: Officer, day: date) -> OfficerView:
    """Return an officer as they stood on a civil day, with all that was held on it."""
    begins, after = start_of_day(day), start_of_day(day + ONE_DAY)
    held = session.exec(
        select(OfficerRole.role)
        .where(OfficerRole.officer_id == officer.id)
        .where(col(OfficerRole.since) < after)
        .where(col(OfficerRole.ended_at).is_(None) | (OfficerRole.ended_at > begins))  # type: ignore[operator]  # a column, not a value
    )
    return OfficerView(
        officer.id,
        officer.login,
        officer.name,
        tuple(sorted({Role(role) for role in held})),
        officer.retired_at is not None and officer.retired_at <= begins,
        officer.email,
        _delegations(session, officer, on=day),
    )


def _delegations(
    session: Session,
    officer: Officer,
    *,
    on: date | None = None,
    since: date | None = None,
) -> tuple[DelegationView, ...]:
    """Return what is delegated to an officer: *on* a day, or now and *since* one."""
    query = (
        select(Delegation, Officer.login)
        .join(Officer, col(Officer.id) == col(Delegation.delegator_id))
        .where(Delegation.delegate_id == officer.id)
        .order_by(col(Delegation.first_day), col(Delegation.made_at))
    )
    if since is not None:
        query = query.where(
            col(Delegation.ended_at).is_(None), Delegation.last_day >= since
        )
    if on is not None:
        begins, after = start_of_day(on), start_of_day(on + ONE_DAY)
        query = (
            query.where(Delegation.made_at < after)
            .where(Delegation.first_day <= on)
            .where(Delegation.last_day >= on)
            .where(col(Delegation.ended_at).is_(None) | (Delegation.ended_at > begins))  # type: ignore[operator]  # a column, not a value
        )
    return tuple(
        DelegationView(row.role, login, row.first_day, row.last_day, row.ended_at)
        for row, login in session.exec(query)
    )
