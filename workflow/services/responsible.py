"""Who is named as responsible in the letters of a file?"""

from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.tables import Officer, OfficerRole, RegisterEntry
from models.vocabulary import Outcome, Role
from workflow.services.officers import Actor
from workflow.services.open_calls import OpenCall

HEAD_OF_OFFICE = "il dirigente preposto all'ufficio"


def named(
    work: OpenCall, rules: CallDefinition, actor: Actor, *, file: UUID | None = None
) -> str:
    """Return the *responsabile del procedimento* by name.

    Whom the call names comes first, then the only officer who has the role. Of
    several it is whoever makes the move, or was the last of them to act on the file,
    or was registered first. Until somebody has it, it is by law the head of the office
    (art. 5 c. 2 L. 241/1990): nobody's application is refused for lack of a name.
    """
    if rules.letters.officer:
        return rules.letters.officer
    if work.responsible is None:
        work.responsible = registered(work.session)
    return among(work.session, work.responsible, actor.id, file=file)


def registered(session: Session) -> dict[UUID, str]:
    """Return who has the role, by name, the first registered first."""
    return {row.id: row.name for row in session.exec(_REGISTERED)}


def among(
    session: Session,
    known: dict[UUID, str],
    actor: UUID | None = None,
    *,
    file: UUID | None = None,
) -> str:
    """Return one of those who have the role: see `named`."""
    if actor in known:
        return known[actor]
    if len(known) > 1 and file is not None:
        acted = session.exec(
            _ACTED, params={"file": file, "officers": list(known)}
        ).first()
        if acted is not None:
            return known[acted]
    return next(iter(known.values()), HEAD_OF_OFFICE)


# Made once: to make a statement takes longer than to send it.
_REGISTERED = (
    select(Officer)
    .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
    .where(OfficerRole.role == Role.RESPONSIBLE)
    .where(col(Officer.retired_at).is_(None))
    .order_by(col(Officer.created_at), col(Officer.id))
)
_ACTED = (
    select(RegisterEntry.actor_id)
    .where(col(RegisterEntry.application_id) == bindparam("file"))
    .where(col(RegisterEntry.actor_id).in_(bindparam("officers", expanding=True)))
    .where(RegisterEntry.outcome == Outcome.OK)
    .order_by(col(RegisterEntry.seq).desc())
    .limit(1)
)
