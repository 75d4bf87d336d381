"""Who may act, and in what capacity?"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlmodel import Session, col, select

from models.session import reading, transaction
from models.tables import Delegation, Installation, Officer, OfficerRole
from models.vocabulary import ActorKind, OfficeEvent, Role
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.facts import BY_WORKER, ActFacts, Hands, holds
from workflow.rules.calendar import ONE_DAY, civil_day, start_of_day
from workflow.services import office
from workflow.staff import login_digest


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever makes a move, as the register names them."""

    kind: ActorKind
    hands: Hands
    identity: IdentityKind

    @property
    def id(self) -> UUID | None:
        """The officer; none behind a worker, and behind whoever nobody knows."""
        return self.hands.id

    @property
    def roles(self) -> frozenset[Role]:
        """What may be done now: in one's own right, or on behalf of another."""
        return self.hands.roles

    def entered(self, role: Role | None) -> dict[str, str | None]:
        """Return what an entry says of the actor: no name, only references."""
        told = {
            "kind": self.kind.value,
            "id": str(self.id) if self.id else None,
            "role": role.value if role else None,
            "identity": self.identity.value,
        }
        if role is not None and role in self.hands.behalf:
            told["on_behalf_of"] = str(self.hands.behalf[role])
        return told


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


WORKER = Actor(ActorKind.WORKER, BY_WORKER, IdentityKind.SYSTEM)


# Made once: to make a statement takes longer than to send it.
_BY_LOGIN = select(
    Officer, select(Installation.identity).scalar_subquery().label("least")
).where(col(Officer.login) == bindparam("login"))
# Whoever retires an officer, or ends a role of theirs, waits for what is being made.
_BY_LOGIN_KEPT = _BY_LOGIN.with_for_update(read=True, of=Officer)
_ROLES = (
    select(OfficerRole.role)
    .where(col(OfficerRole.officer_id) == bindparam("officer"))
    .where(col(OfficerRole.ended_at).is_(None))
)
_DELEGATED = (
    select(Delegation.role, Delegation.delegator_id)
    .join(OfficerRole, col(OfficerRole.officer_id) == col(Delegation.delegator_id))
    .where(col(OfficerRole.role) == col(Delegation.role))
    .where(col(OfficerRole.ended_at).is_(None))
    .where(col(Delegation.delegate_id) == bindparam("officer"))
    .where(col(Delegation.ended_at).is_(None))
    .where(col(Delegation.first_day) <= bindparam("today"))
    .where(col(Delegation.last_day) >= bindparam("today"))
)
_KEPT = (
    select(Officer.id)
    .where(col(Officer.id).in_(bindparam("delegators", expanding=True)))
    .order_by(col(Officer.id))
    .with_for_update(read=True)
)


def unknown(identity: Identity) -> Actor:
    """Return the actor of a command by somebody who is not an officer."""
    return Actor(ActorKind.UNKNOWN, Hands(frozenset()), identity.kind)


def identify(session: Session, desk: Desk, *, only_looks: bool = False) -> Actor:
    """Return who is acting, with the roles held at this moment.

    They are held until the transaction ends: nobody loses a role under a move that
    is being made. Whoever *only_looks* locks nothing.

    Raises:
        RefusedError: nobody is declared, or it is no officer, or a retired one.
    """
    identity = desk.identity
    if identity.kind == IdentityKind.SYSTEM:
        return WORKER
    login = _login(session, identity)
    query = _BY_LOGIN if only_looks else _BY_LOGIN_KEPT
    found = session.exec(
        query, params={"login": login}, execution_options={"populate_existing": True}
    ).first()
    officer, least = found or (None, None)
    if officer is None:
        raise RefusedError(
            "officer.unknown",
            f"`{login}` is not an officer of this database; add them with "
            f"`sportello officer add {login} --name NAME --role ROLE`",
            recorded="whoever asks is not an officer of this database",
        )
    _refuse_weak(identity.kind, least)
    if officer.retired_at is not None:
        raise RefusedError(
            "officer.retired",
            f"`{login}` is retired and can do nothing new",
            recorded="the officer is retired and can do nothing new",
        )
    own = own_roles(session, officer.id)
    today = civil_day(desk.ambient.now())
    behalf = _delegated(session, officer.id, today, own, only_looks=only_looks)
    hands = Hands(own | behalf.keys(), officer.id, behalf)
    return Actor(ActorKind.PERSON, hands, identity.kind)


STRENGTH = (IdentityKind.DECLARED, IdentityKind.OS, IdentityKind.DATABASE)
"""The ways to know who acts, the weakest first."""


def _refuse_weak(kind: IdentityKind, least: str | None) -> None:
    """Refuse whoever only says who they are, where more than that is wanted."""
    wanted = IdentityKind(least) if least else IdentityKind.DECLARED
    if STRENGTH.index(kind) < STRENGTH.index(wanted):
        raise RefusedError(
            "identity.too_weak",
            f"this database wants to know who acts by `{wanted}`, and here it is "
            f"`{kind}`: set SPORTELLO_IDENTITY={wanted}",
        )


def _delegated(
    session: Session,
    officer: UUID,
    today: date,
    own: frozenset[Role],
    *,
    only_looks: bool,
) -> Mapping[Role, UUID]:
    """Return on whose behalf an officer acts today, in roles not held themselves."""

    def found() -> dict[Role, UUID]:
        rows = session.exec(_DELEGATED, params={"officer": officer, "today": today})
        return {Role(role): delegator for role, delegator in rows if role not in own}

    behalf = found()
    if not behalf or only_looks:
        return behalf
    # What was found may have ended before its delegators were held: look again.
    session.exec(_KEPT, params={"delegators": sorted(set(behalf.values()))}).all()
    return found()


def whoever(session: Session, desk: Desk) -> Actor:
    """Return who is acting, also if nobody knows them: a refusal has to name one."""
    try:
        return identify(session, desk)
    except RefusedError:
        return unknown(desk.identity)


def require(actor: Actor, *roles: Role) -> Role:
    """Return the first of the roles that the actor holds.

    Raises:
        RefusedError: the actor holds none of them.
    """
    if not (verdict := holds(actor.hands, roles)):
        raise RefusedError(verdict.code, verdict.message, verdict.details)
    role = actor.hands.capacity(roles)
    assert role is not None  # noqa: S101 - it holds one, or it was refused
    return role


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
    with changing(desk, OfficeEvent.GIVE_ROLES, wanted) as change:
        if Role.SYSTEM in wanted:
            raise RefusedError(
                "role.system", "`system` is the role of the workers; no person holds it"
            )
        session = change.session
        officer = session.exec(select(Officer).where(Officer.login == login)).first()
        event = OfficeEvent.GIVE_ROLES
        if officer is None:
            event = OfficeEvent.ADD_OFFICER
            officer = Officer(
                id=desk.ambient.new_id(),
                login=login,
                name=name,
                created_at=change.at,
            )
            session.add(officer)
            session.flush()
        elif officer.retired_at is not None:
            raise RefusedError(
                "officer.retired",
                f"`{login}` is retired; choose another login",
                recorded="the login is that of a retired officer",
            )
        officer.name = name
        if email is not None:
            officer.email = email or None
        session.add(officer)
        new = sorted(wanted - own_roles(session, officer.id))
        for role in new:
            session.add(OfficerRole(officer_id=officer.id, role=role, since=change.at))
        session.flush()
        if new or event is OfficeEvent.ADD_OFFICER:
            change.note(event, officer.id, _said(event, officer, new))
        return view(session, officer)


def _said(event: OfficeEvent, officer: Officer, new: Iterable[Role]) -> dict[str, Any]:
    roles: dict[str, Any] = {"roles": _words(new)}
    if event is OfficeEvent.ADD_OFFICER:
        return roles | {"login": login_digest(officer.id, officer.login)}
    return roles


def end_roles(desk: Desk, login: str, roles: Iterable[Role]) -> OfficerView:
    """End some roles of an officer, from now on (*cessazione*).

    Raises:
        RefusedError: unknown officer, not an administrator, or the last one; or
            the officer does not hold the role.
    """
    ended = sorted(frozenset(roles))
    with changing(desk, OfficeEvent.END_ROLES, ended) as change:
        session = change.session
        officer = change.resting(login)
        held = own_roles(session, officer.id)
        if missing := [role for role in ended if role not in held]:
            raise RefusedError(
                "role.not_held",
                f"`{login}` does not hold {', '.join(f'`{one}`' for one in missing)}; "
                "see `sportello officer list`",
                recorded="the officer does not hold the role",
            )
        if Role.ADMINISTRATOR in ended:
            _refuse_last(session, officer)
        _end(session, officer, ended, change.at)
        change.note(OfficeEvent.END_ROLES, officer.id, {"roles": _words(ended)})
        return view(session, officer)


def retire(desk: Desk, login: str) -> OfficerView:
    """Retire an officer: past entries stay, nothing new can be done.

    Raises:
        RefusedError: unknown officer, not an administrator, or the last one.
    """
    with changing(desk, OfficeEvent.RETIRE_OFFICER, ()) as change:
        session = change.session
        officer = change.resting(login)
        _refuse_last(session, officer)
        if officer.retired_at is None:
            held = sorted(own_roles(session, officer.id))
            _end(session, officer, held, change.at)
            delegations = _end_delegations(session, officer, change.at)
            officer.retired_at = change.at
            session.add(officer)
            change.note(
                OfficeEvent.RETIRE_OFFICER,
                officer.id,
                {"roles": _words(held), "delegations": delegations},
            )
        return view(session, officer)


def _refuse_last(session: Session, officer: Officer) -> None:
    if _administrators(session) == {officer.id}:
        raise RefusedError(
            "officer.last_administrator",
            f"`{officer.login}` is the only administrator; add another one first",
            recorded="the officer is the only administrator",
        )


def _end(
    session: Session, officer: Officer, roles: Iterable[Role], at: datetime
) -> None:
    rows = session.exec(
        select(OfficerRole)
        .where(OfficerRole.officer_id == officer.id)
        .where(col(OfficerRole.role).in_(list(roles)))
        .where(col(OfficerRole.ended_at).is_(None))
    )
    for row in rows:
        row.ended_at = at
        session.add(row)
    session.flush()


def _end_delegations(session: Session, officer: Officer, at: datetime) -> list[str]:
    """End what an officer delegates, and what is delegated to them."""
    rows = session.exec(
        select(Delegation)
        .where(
            (col(Delegation.delegator_id) == officer.id)
            | (col(Delegation.delegate_id) == officer.id)
        )
        .where(col(Delegation.ended_at).is_(None))
        .order_by(col(Delegation.made_at))
    ).all()
    for row in rows:
        row.ended_at = at
        session.add(row)
    session.flush()
    return [str(row.id) for row in rows]


@dataclass
class Change:
    """A change of officers that is being made, by an administrator."""

    session: Session
    desk: Desk
    actor: Actor
    at: datetime

    def resting(self, login: str) -> Officer:
        """Return such an officer, once whatever they are doing just now is done.

        One of them only, in a transaction: whoever acts holds themselves and those
        on whose behalf they act.
        """
        found = self.officer(login)
        query = select(Officer).where(Officer.id == found.id).with_for_update()
        officer = self.session.exec(
            query, execution_options={"populate_existing": True}
        ).one()
        self.at = office.instant(self.session, self.desk)  # after what they have done
        return officer

    def officer(self, login: str) -> Officer:
        """Return an officer by their login.

        Raises:
            RefusedError: there is no such officer.
        """
        officer = self.session.exec(
            select(Officer).where(Officer.login == login)
        ).first()
        if officer is None:
            raise RefusedError(
                "officer.unknown",
                f"`{login}` is not an officer",
                recorded="there is no such officer",
            )
        return officer

    def serving(self, login: str) -> Officer:
        """Return such an officer who is not retired.

        Raises:
            RefusedError: there is no such officer, or a retired one.
        """
        officer = self.officer(login)
        if officer.retired_at is not None:
            raise RefusedError(
                "officer.retired",
                f"`{login}` is retired and can do nothing new",
                recorded="the officer is retired and can do nothing new",
            )
        return officer

    def note(
        self,
        event: OfficeEvent,
        officer: UUID,
        details: Mapping[str, object],
        act: ActFacts | None = None,
    ) -> None:
        """Write the entry of what was changed."""
        role = self.actor.hands.capacity((Role.ADMINISTRATOR,))
        entered = self.actor.entered(role)
        office.append(
            self.session,
            self.desk,
            self.at,
            office.Note(event, entered, officer, details, act),
        )


@contextmanager
def changing(desk: Desk, event: OfficeEvent, roles: Iterable[Role]) -> Iterator[Change]:
    """Change officers in a transaction; what is refused is an entry of its own."""
    try:
        with transaction(desk.engine) as session:
            yield _change(session, desk)
    except RefusedError as error:
        with transaction(desk.engine) as session:
            office.lock(session)
            office.begin(session, desk)
            actor = whoever(session, desk)
            note = office.Note(
                event,
                actor.entered(actor.hands.capacity((Role.ADMINISTRATOR,))),
                details={"roles": _words(sorted(roles))},
                refusal={"code": error.code, "message": error.recorded},
            )
            office.append(session, desk, office.instant(session, desk), note)
        raise


def _change(session: Session, desk: Desk) -> Change:
    # One at a time: two administrators who retire each other at once would leave
    # none, and then anybody could make himself one.
    office.lock(session)
    office.begin(session, desk)
    if _administrators(session):
        actor = identify(session, desk)
        require(actor, Role.ADMINISTRATOR)
    else:
        actor = whoever(session, desk)
    return Change(session, desk, actor, office.instant(session, desk))


def _words(roles: Iterable[Role]) -> list[str]:
    return [role.value for role in roles]


def listed(desk: Desk, *, at: date | None = None) -> tuple[OfficerView, ...]:
    """Return every officer, retired ones too, by login; or as it was on a day."""
    with reading(desk.engine) as session:
        officers = session.exec(select(Officer).order_by(col(Officer.login))).all()
        if at is None:
            return tuple(view(session, officer) for officer in officers)
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
        name = _login(session, desk.identity) if login is None else login
        found = session.exec(_BY_LOGIN, params={"login": name}).first()
        officer = found[0] if found else None
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
        return view(session, officer)


def _login(session: Session, identity: Identity) -> str:
    if identity.kind == IdentityKind.DATABASE:
        return str(session.execute(text("SELECT session_user")).scalar_one())
    if not identity.login:
        raise RefusedError(
            "officer.undeclared",
            "nobody says who is acting; set SPORTELLO_OFFICER to your login",
        )
    return identity.login


def _administrators(session: Session) -> set[UUID]:
    rows = session.exec(
        select(Officer.id)
        .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
        .where(OfficerRole.role == Role.ADMINISTRATOR)
        .where(col(OfficerRole.ended_at).is_(None))
        .where(col(Officer.retired_at).is_(None))
    )
    return set(rows.all())


def own_roles(session: Session, officer: UUID) -> frozenset[Role]:
    """Return the roles that an officer holds now, delegations left aside."""
    rows = session.exec(_ROLES, params={"officer": officer})
    return frozenset(Role(role) for role in rows)


def view(session: Session, officer: Officer) -> OfficerView:
    """Return an officer as they stand now."""
    return OfficerView(
        officer.id,
        officer.login,
        officer.name,
        tuple(sorted(own_roles(session, officer.id))),
        officer.retired_at is not None,
        officer.email,
        _delegations(session, officer, None),
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
        _delegations(session, officer, day),
    )


def _delegations(
    session: Session, officer: Officer, day: date | None
) -> tuple[DelegationView, ...]:
    """Return what is delegated to an officer: on a day, or as long as it stands."""
    query = (
        select(Delegation, Officer.login)
        .join(Officer, col(Officer.id) == col(Delegation.delegator_id))
        .where(Delegation.delegate_id == officer.id)
        .order_by(col(Delegation.first_day), col(Delegation.made_at))
    )
    if day is None:
        query = query.where(col(Delegation.ended_at).is_(None))
    else:
        begins, after = start_of_day(day), start_of_day(day + ONE_DAY)
        query = (
            query.where(Delegation.made_at < after)
            .where(Delegation.first_day <= day)
            .where(Delegation.last_day >= day)
            .where(col(Delegation.ended_at).is_(None) | (Delegation.ended_at > begins))  # type: ignore[operator]  # a column, not a value
        )
    return tuple(
        DelegationView(row.role, login, row.first_day, row.last_day, row.ended_at)
        for row, login in session.exec(query)
    )
