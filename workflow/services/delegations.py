"""Who acts on behalf of whom, and on which days (*deleghe*)?"""

from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from models.tables import Delegation, Officer
from models.vocabulary import OfficeEvent, Role
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.facts import ActFacts
from workflow.rules.calendar import civil_day
from workflow.services import lookups, officers, rosters

_NOT_DELEGATED = {
    Role.ADMINISTRATOR: "an administrator adds another one",
    Role.SYSTEM: "it is the role of the workers",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who delegates which role to whom, from which day to which, by which act."""

    delegator: str
    delegate: str
    role: Role
    first_day: date
    last_day: date
    act: str


def delegate(desk: Desk, wanted: Wanted) -> rosters.OfficerView:
    """Let an officer act in a role of another's, on some days (*delega*).

    Both ends are civil days of Rome and belong to it. It works from when it is
    entered at the earliest. Only one's own role is delegated, and not further.

    Raises:
        RefusedError: not an administrator; unknown or retired officers; the role is
            not held, or cannot be delegated; or another delegation overlaps.
        InputError: the act cannot be read.
    """
    lookups.refuse_unwritable("act", wanted.act, lookups.LONGEST_ACT)
    act = lookups.read_act(wanted.act)
    role = wanted.role
    days = (wanted.first_day, wanted.last_day)
    about = officers.About(wanted.delegator, wanted.delegate, days, act)
    with officers.changing(desk, OfficeEvent.DELEGATE_ROLE, (role,), about) as change:
        session = change.session
        _refuse_impossible(wanted, act, civil_day(change.at))
        delegator = change.serving(wanted.delegator)
        delegate = change.serving(wanted.delegate)
        if role not in rosters.own_roles(session, delegator.id):
            raise RefusedError(
                "role.not_held",
                f"`{delegator.login}` does not hold `{role}`, and delegates only what "
                "they hold themselves",
                recorded="the officer does not hold the role",
            )
        if role in rosters.own_roles(session, delegate.id):
            raise RefusedError(
                "delegation.needless",
                f"`{delegate.login}` holds `{role}` already, and acts in their own "
                "right",
                recorded="the delegate holds the role already",
            )
        _refuse_overlap(change, wanted, delegate)
        row = Delegation(
            id=desk.ambient.new_id(),
            delegator_id=delegator.id,
            delegate_id=delegate.id,
            role=role,
            first_day=wanted.first_day,
            last_day=wanted.last_day,
            act_id=lookups.keep_act(session, desk, act, change.actor).id,
            made_at=change.at,
        )
        session.add(row)
        session.flush()
        change.note(
            OfficeEvent.DELEGATE_ROLE,
            delegator.id,
            {
                "delegation": str(row.id),
                "to": str(delegate.id),
                "role": role.value,
                "first_day": wanted.first_day.isoformat(),
                "last_day": wanted.last_day.isoformat(),
            },
            act,
        )
        return rosters.view(session, desk, delegate)


def end(desk: Desk, delegator: str, delegate: str, role: Role) -> rosters.OfficerView:
    """Take a delegation back before its last day, from now on (*revoca*).

    Raises:
        RefusedError: not an administrator, or there is no such delegation.
    """
    about = officers.About(delegator, delegate)
    with officers.changing(desk, OfficeEvent.END_DELEGATION, (role,), about) as change:
        session = change.session
        giver, taker = change.officer(delegator), change.resting(delegate)
        rows = session.exec(
            select(Delegation)
            .where(Delegation.delegator_id == giver.id)
            .where(Delegation.delegate_id == taker.id)
            .where(Delegation.role == role)
            .where(col(Delegation.ended_at).is_(None))
            .where(Delegation.last_day >= civil_day(change.at))
        ).all()
        if not rows:
            raise RefusedError(
                "delegation.unknown",
                f"`{delegator}` delegates `{role}` to `{delegate}` neither now nor "
                "later; see `sportello officer list`",
                recorded="there is no such delegation",
            )
        for row in rows:
            row.ended_at = change.at
            session.add(row)
            session.flush()
            change.note(
                OfficeEvent.END_DELEGATION,
                giver.id,
                {"delegation": str(row.id)},
            )
        return rosters.view(session, desk, taker)


def _refuse_impossible(wanted: Wanted, act: ActFacts, today: date) -> None:
    if wanted.role in _NOT_DELEGATED:
        raise RefusedError(
            "delegation.not_this_role",
            f"`{wanted.role}` is not delegated: {_NOT_DELEGATED[wanted.role]}",
        )
    if wanted.delegator == wanted.delegate:
        raise RefusedError(
            "delegation.to_oneself", "a role is delegated to somebody else"
        )
    if wanted.first_day > wanted.last_day or wanted.last_day < today:
        raise RefusedError(
            "delegation.days",
            f"--to {wanted.last_day.isoformat()} is before --from or before today, "
            f"{today.isoformat()}; a delegation lasts at least one day that is to come",
        )
    if act.signed_on > today:
        raise RefusedError(
            "act.future",
            f"--act {act} is dated after today, {today.isoformat()}; an act is "
            "brought once it is signed",
        )


def _refuse_overlap(change: officers.Change, wanted: Wanted, delegate: Officer) -> None:
    """Let nobody act in one role for two at once: it would not be told for whom."""
    other = change.session.exec(
        select(Delegation)
        .where(Delegation.delegate_id == delegate.id)
        .where(Delegation.role == wanted.role)
        .where(col(Delegation.ended_at).is_(None))
        .where(Delegation.first_day <= wanted.last_day)
        .where(Delegation.last_day >= wanted.first_day)
    ).first()
    if other is not None:
        raise RefusedError(
            "delegation.overlaps",
            f"`{delegate.login}` has `{wanted.role}` delegated already from "
            f"{other.first_day.isoformat()} to {other.last_day.isoformat()}; end that "
            "one first, or choose other days",
            recorded="the delegate has that role delegated already on such a day",
        )
