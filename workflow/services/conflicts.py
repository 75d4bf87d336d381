"""How is a conflict of interests declared, and taken back?"""

from typing import Any

from sqlmodel import select

from models.session import reading
from models.tables import Officer
from models.vocabulary import Event
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import moves


def declare(desk: Desk, login: str, application: str, *, reason: str) -> dict[str, Any]:
    """Record that an officer abstains, by a move on the application; return it.

    The register names the officer by reference (*obbligo di astensione*).

    Raises:
        RefusedError: there is no such officer; or as for every move.
    """
    return _move(desk, Event.DECLARE_CONFLICT, login, application, reason)


def end(desk: Desk, login: str, application: str, *, reason: str) -> dict[str, Any]:
    """Record that an officer need not abstain any more; return the move.

    Raises:
        RefusedError: there is no such officer; or as for every move.
    """
    return _move(desk, Event.END_CONFLICT, login, application, reason)


def _move(
    desk: Desk, event: Event, login: str, application: str, reason: str
) -> dict[str, Any]:
    with reading(desk.engine) as session:
        officer = session.exec(select(Officer.id).where(Officer.login == login)).first()
    if officer is None:
        raise RefusedError(
            "officer.unknown",
            f"`{login}` is not an officer of this database; see `sportello officer "
            "list`",
        )
    stated = {"officer": str(officer)}
    command = moves.MoveCommand(application, event, stated, reason=reason)
    return moves.advance(desk, command)
