"""How does a letter go that is held back?"""

from typing import Any
from uuid import UUID

from models.session import reading
from models.tables import Notice
from models.vocabulary import Event
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import moves


def release(desk: Desk, notice: UUID) -> dict[str, Any]:
    """Let a letter go, by a move on its application; return the receipt of that.

    Raises:
        RefusedError: there is no such letter, or it is not held back.
    """
    with reading(desk.engine) as session:
        found = session.get(Notice, notice)
    if found is None:
        raise RefusedError(
            "notice.unknown",
            f"there is no letter `{notice}`; `sportello show APP` shows those of an "
            "application, with what identifies each",
        )
    return moves.advance(
        desk,
        moves.MoveCommand(
            str(found.application_id),
            Event.RELEASE_NOTICE,
            {"notice": str(notice)},
        ),
    )
