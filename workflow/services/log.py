"""What does the register say, and does it verify?"""

from sqlmodel import select

from models.session import reading
from models.tables import Officer
from workflow.desk import Desk
from workflow.services import verification
from workflow.services.anchor_copies import NOTHING, Trusted
from workflow.services.readings import Wanted, entries
from workflow.services.verification import Examined
from workflow.services.verified_chains import Progress, Verified, silent

__all__ = ["Examined", "Verified", "Wanted", "entries", "examine", "logins", "verify"]


def logins(desk: Desk) -> dict[str, str]:
    """Return the login behind each reference that entries carry."""
    with reading(desk.engine) as session:
        return {
            str(officer.id): officer.login for officer in session.exec(select(Officer))
        }


def verify(desk: Desk, code: str | None = None) -> tuple[Verified, ...]:
    """Check the chains alone, and what stands beside them.

    Raises:
        RefusedError: there is no such call.
    """
    return verification.examine(desk, code).calls


def examine(
    desk: Desk,
    code: str | None = None,
    *,
    trusted: Trusted = NOTHING,
    tell: Progress = silent,
) -> Examined:
    """Check everything that can be checked; see `verification.examine`.

    Raises:
        RefusedError: there is no such call.
        UnavailableError: the file of the anchors cannot be read, or there is no room.
    """
    return verification.examine(desk, code, trusted=trusted, tell=tell)
