"""Who may act, and in what capacity?"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlmodel import Session, col, select

from models.session import reading, transaction
from models.tables import Installation, Officer, OfficerRole
from models.vocabulary import ActorKind, Role
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever makes a move, as the register names them."""

    kind: ActorKind
    id: UUID | None
    roles: frozenset[Role]
    identity: IdentityKind

    def entered(self, role: Role | None) -> dict[str, str | None]:
        """Return what an entry says of the actor: no name, only a reference."""
        return {
            "kind": self.kind.value,
            "id": str(self.id) if self.id else None,
            "role": role.value if role else None,
            "identity": self.identity.value,
        }


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


WORKER = Actor(ActorKind.WORKER, None, frozenset({Role.SYSTEM}), IdentityKind.SYSTEM)


# Made once: to make a statement takes longer than to send it.
_BY_LOGIN = select(Officer).where(col(Officer.login) == bindparam("login"))
_ROLES = select(OfficerRole.role).where(
    col(OfficerRole.officer_id) == bindparam("officer")
)


def unknown(identity: Identity) -> Actor:
    """Return the actor of a command by somebody who is not an officer."""
    return Actor(ActorKind.UNKNOWN, None, frozenset(), identity.kind)


def identify(session: Session, identity: Identity) -> Actor:
    """Return who is acting, with the roles held at this moment.

    Raises:
        RefusedError: nobody is declared, or it is no officer, or a retired one.
    """
    if identity.kind == IdentityKind.SYSTEM:
        return WORKER
    login = _login(session, identity)
    officer = session.exec(_BY_LOGIN, params={"login": login}).first()
    if officer is None:
        raise RefusedError(
            "officer.unknown",
            f"`{login}` is not an officer of this database; add them with "
            f"`sportello officer add {login} --name NAME --role ROLE`",
            recorded="whoever asks is not an officer of this database",
        )
    if officer.retired_at is not None:
        raise RefusedError(
            "officer.retired",
            f"`{login}` is retired and can do nothing new",
            recorded="the officer is retired and can do nothing new",
        )
    return Actor(
        ActorKind.PERSON, officer.id, _roles(session, officer.id), identity.kind
    )


def whoever(session: Session, identity: Identity) -> Actor:
    """Return who is acting, also if nobody knows them: a refusal has to name one."""
    try:
        return identify(session, identity)
    except RefusedError:
        return unknown(identity)


def require(actor: Actor, *roles: Role) -> Role:
    """Return the first of the roles that the actor holds.

    Raises:
        RefusedError: the actor holds none of them.
    """
    for role in roles:
        if role in actor.roles:
            return role
    held = ", ".join(sorted(actor.roles)) or "none"
    wanted = " or ".join(f"`{role}`" for role in roles)
    raise RefusedError(
        "role.missing",
        f"this needs the role {wanted} and the roles held are: {held}; "
        "ask somebody who has it, or an administrator to give it",
        {"required": [role.value for role in roles]},
    )


def add(
    desk: Desk,
    login: str,
    name: str,
    roles: Iterable[Role],
    *,
    email: str | None = None,
) -> OfficerView:
    """Add an officer, or give more roles to one who is there.

    Until there is an administrator anybody may: somebody has to be the first. An
    address that is not given stays as it is; an empty one is forgotten.

    Raises:
        RefusedError: not an administrator, or the login belongs to a retired one.
    """
    wanted = frozenset(roles)
    if Role.SYSTEM in wanted:
        raise RefusedError(
            "role.system", "`system` is the role of the workers; no person holds it"
        )
    with transaction(desk.engine) as session:
        _require_administrator(session, desk)
        officer = session.exec(select(Officer).where(Officer.login == login)).first()
        if officer is None:
            officer = Officer(
                id=desk.ambient.new_id(),
                login=login,
                name=name,
                created_at=desk.ambient.now(),
            )
            session.add(officer)
            session.flush()
        elif officer.retired_at is not None:
            raise RefusedError(
                "officer.retired", f"`{login}` is retired; choose another login"
            )
        officer.name = name
        if email is not None:
            officer.email = email or None
        session.add(officer)
        for role in wanted - _roles(session, officer.id):
            session.add(OfficerRole(officer_id=officer.id, role=role))
        session.flush()
        return _view(session, officer)


def retire(desk: Desk, login: str) -> OfficerView:
    """Retire an officer: past entries stay, nothing new can be done.

    Raises:
        RefusedError: unknown officer, not an administrator, or the last one.
    """
    with transaction(desk.engine) as session:
        _require_administrator(session, desk)
        officer = session.exec(select(Officer).where(Officer.login == login)).first()
        if officer is None:
            raise RefusedError("officer.unknown", f"`{login}` is not an officer")
        administrators = _administrators(session)
        if administrators == {officer.id}:
            raise RefusedError(
                "officer.last_administrator",
                f"`{login}` is the only administrator; add another one first",
            )
        if officer.retired_at is None:
            officer.retired_at = desk.ambient.now()
            session.add(officer)
        return _view(session, officer)


def listed(desk: Desk) -> tuple[OfficerView, ...]:
    """Return every officer, retired ones too, by login."""
    with reading(desk.engine) as session:
        officers = session.exec(select(Officer).order_by(col(Officer.login))).all()
        return tuple(_view(session, officer) for officer in officers)


def addresses(session: Session, role: Role) -> list[tuple[str, str]]:
    """Return the logins and addresses of those who hold a role and have one."""
    rows = session.exec(
        select(Officer.login, Officer.email)
        .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
        .where(OfficerRole.role == role)
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
        name = _login(session, desk.identity) if login is None else login
        officer = session.exec(_BY_LOGIN, params={"login": name}).first()
        if officer is None:
            raise RefusedError(
                "officer.unknown",
                f"`{name}` is not an officer of this database; see `sportello officer "
                "list`",
            )
        if officer.retired_at is not None:
            raise RefusedError(
                "officer.retired", f"`{name}` is retired: nothing waits for them"
            )
        return _view(session, officer)


def _login(session: Session, identity: Identity) -> str:
    if identity.kind == IdentityKind.DATABASE:
        return str(session.execute(text("SELECT session_user")).scalar_one())
    if not identity.login:
        raise RefusedError(
            "officer.undeclared",
            "nobody says who is acting; set SPORTELLO_OFFICER to your login",
        )
    return identity.login


def _require_administrator(session: Session, desk: Desk) -> None:
    # One at a time: two administrators who retire each other at once would leave
    # none, and then anybody could make himself one.
    session.get(Installation, 1, with_for_update=True)
    if _administrators(session):
        require(identify(session, desk.identity), Role.ADMINISTRATOR)


def _administrators(session: Session) -> set[UUID]:
    rows = session.exec(
        select(Officer.id)
        .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
        .where(OfficerRole.role == Role.ADMINISTRATOR)
        .where(col(Officer.retired_at).is_(None))
    )
    return set(rows.all())


def _roles(session: Session, officer: UUID) -> frozenset[Role]:
    rows = session.exec(_ROLES, params={"officer": officer})
    return frozenset(Role(role) for role in rows)


def _view(session: Session, officer: Officer) -> OfficerView:
    return OfficerView(
        officer.id,
        officer.login,
        officer.name,
        tuple(sorted(_roles(session, officer.id))),
        officer.retired_at is not None,
        officer.email,
    )
