"""Who may act, and in what capacity?"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import Uuid, bindparam, null, type_coerce, union_all
from sqlmodel import Session, col, select

from models.session import transaction
from models.tables import Delegation, Installation, Officer, OfficerRole
from models.vocabulary import ActorKind, OfficeEvent, Role
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.facts import BY_WORKER, ActFacts, Hands, holds
from workflow.rules.calendar import civil_day
from workflow.services import office, rosters
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


RESERVED_LOGINS = frozenset({"system", "unknown", "worker"})
"""How whoever is no officer is named to people, and in the register."""

WORKER = Actor(ActorKind.WORKER, BY_WORKER, IdentityKind.SYSTEM)


# Made once: to make a statement takes longer than to send it.
_BY_LOGIN = rosters.BY_LOGIN.add_columns(
    select(Installation.identity).scalar_subquery()
)
# Whoever retires an officer, or ends a role of theirs, waits for what is being made.
_BY_LOGIN_KEPT = _BY_LOGIN.with_for_update(read=True, of=Officer)
_HELD = union_all(
    rosters.ROLES.add_columns(type_coerce(null(), Uuid)),
    select(Delegation.role, Delegation.delegator_id)
    .join(OfficerRole, col(OfficerRole.officer_id) == col(Delegation.delegator_id))
    .where(col(OfficerRole.role) == col(Delegation.role))
    .where(col(OfficerRole.ended_at).is_(None))
    .where(col(Delegation.delegate_id) == bindparam("officer"))
    .where(col(Delegation.ended_at).is_(None))
    .where(col(Delegation.first_day) <= bindparam("today"))
    .where(col(Delegation.last_day) >= bindparam("today")),
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
    login = rosters.who(session, identity)
    query = _BY_LOGIN if only_looks else _BY_LOGIN_KEPT
    found = session.execute(
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
    today = civil_day(desk.ambient.now())
    hands = _hands(session, officer.id, today, only_looks=only_looks)
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


def _hands(session: Session, officer: UUID, today: date, *, only_looks: bool) -> Hands:
    """Return the roles of an officer today, and on whose behalf those not their own."""

    def found() -> Hands:
        rows = session.execute(_HELD, {"officer": officer, "today": today}).all()
        own = frozenset(Role(role) for role, delegator in rows if delegator is None)
        behalf = {Role(role): other for role, other in rows if role not in own}
        return Hands(own | behalf.keys(), officer, behalf)

    hands = found()
    if not hands.behalf or only_looks:
        return hands
    # What was found may have ended before its delegators were held: look again.
    held = sorted(set(hands.behalf.values()))
    session.exec(_KEPT, params={"delegators": held}).all()
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
) -> rosters.OfficerView:
    """Add an officer, or give more roles to one who is there.

    Until there is an administrator anybody may: somebody has to be the first. An
    address that is not given stays as it is; an empty one is forgotten.

    Raises:
        RefusedError: not an administrator, or the login belongs to a retired one.
    """
    wanted = frozenset(roles)
    with changing(desk, OfficeEvent.GIVE_ROLES, wanted, About(login)) as change:
        if Role.SYSTEM in wanted:
            raise RefusedError(
                "role.system", "`system` is the role of the workers; no person holds it"
            )
        session = change.session
        officer = session.exec(select(Officer).where(Officer.login == login)).first()
        event = OfficeEvent.GIVE_ROLES
        if officer is None:
            event = OfficeEvent.ADD_OFFICER
            _refuse_reserved(login)
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
        new = sorted(wanted - rosters.own_roles(session, officer.id))
        for role in new:
            session.add(OfficerRole(officer_id=officer.id, role=role, since=change.at))
        session.flush()
        if new or event is OfficeEvent.ADD_OFFICER:
            change.note(event, officer.id, _said(event, officer, new))
        return rosters.view(session, desk, officer)


def _said(event: OfficeEvent, officer: Officer, new: Iterable[Role]) -> dict[str, Any]:
    roles: dict[str, Any] = {"roles": _words(new)}
    if event is OfficeEvent.ADD_OFFICER:
        return roles | {"login": login_digest(officer.id, officer.login)}
    return roles


def _refuse_reserved(login: str) -> None:
    """Keep the names of those who are no person for them, however they are written."""
    if normalize("NFKC", login).casefold() in RESERVED_LOGINS:
        raise RefusedError(
            "login.reserved",
            f"`{login}` is no login for a person: the register names "
            f"{', '.join(f'`{one}`' for one in sorted(RESERVED_LOGINS))} who is no "
            "officer; choose another login",
            recorded="the login is reserved for who is no officer",
        )


def end_roles(desk: Desk, login: str, roles: Iterable[Role]) -> rosters.OfficerView:
    """End some roles of an officer, from now on (*cessazione*).

    Raises:
        RefusedError: unknown officer, not an administrator, or the last one; or
            the officer does not hold the role.
    """
    ended = sorted(frozenset(roles))
    with changing(desk, OfficeEvent.END_ROLES, ended, About(login)) as change:
        session = change.session
        officer = change.resting(login)
        held = rosters.own_roles(session, officer.id)
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
        return rosters.view(session, desk, officer)


def retire(desk: Desk, login: str) -> rosters.OfficerView:
    """Retire an officer: past entries stay, nothing new can be done.

    Raises:
        RefusedError: unknown officer, not an administrator, or the last one.
    """
    with changing(desk, OfficeEvent.RETIRE_OFFICER, (), About(login)) as change:
        session = change.session
        officer = change.resting(login)
        _refuse_last(session, officer)
        if officer.retired_at is None:
            held = sorted(rosters.own_roles(session, officer.id))
            _end(session, officer, held, change.at)
            delegations = _end_delegations(session, officer, change.at)
            officer.retired_at = change.at
            session.add(officer)
            change.note(
                OfficeEvent.RETIRE_OFFICER,
                officer.id,
                {"roles": _words(held), "delegations": delegations},
            )
        return rosters.view(session, desk, officer)


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


@dataclass(frozen=True, slots=True)
class About:
    """Of whom a change is, as it was asked for; a refused one has to say it too."""

    login: str
    to: str | None = None
    days: tuple[date, date] | None = None
    act: ActFacts | None = None

    def officer(self, session: Session) -> UUID | None:
        """Return the officer; none where nobody has that login."""
        return _id(session, self.login)

    def details(self, session: Session) -> dict[str, str | None]:
        """Return what else was asked for: no login, only references."""
        said: dict[str, str | None] = {}
        if self.to is not None:
            to = _id(session, self.to)
            said["to"] = str(to) if to else None
        if self.days is not None:
            said["first_day"], said["last_day"] = (day.isoformat() for day in self.days)
        return said


def _id(session: Session, login: str) -> UUID | None:
    return session.exec(select(Officer.id).where(Officer.login == login)).first()


@contextmanager
def changing(
    desk: Desk, event: OfficeEvent, roles: Iterable[Role], about: About
) -> Iterator[Change]:
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
                about.officer(session),
                {"roles": _words(sorted(roles)), **about.details(session)},
                about.act,
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


def _administrators(session: Session) -> set[UUID]:
    rows = session.exec(
        select(Officer.id)
        .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
        .where(OfficerRole.role == Role.ADMINISTRATOR)
        .where(col(OfficerRole.ended_at).is_(None))
        .where(col(Officer.retired_at).is_(None))
    )
    return set(rows.all())
