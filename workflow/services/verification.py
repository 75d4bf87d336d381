"""Does the register hold, and does all that stands beside it?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlmodel import Session

from models.session import reading
from workflow.desk import Desk
from workflow.register import Fault, Faults
from workflow.services import lookups, office
from workflow.services import verified_rows as kept
from workflow.services.anchor_checks import Anchored, Check
from workflow.services.anchor_copies import NOTHING, Trusted
from workflow.services.claims import Claims
from workflow.services.office import VerifiedOffice
from workflow.services.spills import spills
from workflow.services.verified_chains import Progress, Reader, Verified, silent
from workflow.services.verified_rows import identity, printable, rows
from workflow.staff import OFFICE


@dataclass(frozen=True, slots=True)
class Examined:
    """Whether the chains hold, and the anchors that saw them."""

    calls: tuple[Verified, ...]
    anchors: Anchored
    office: VerifiedOffice
    """The chain of the officers, who act in all of them."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        whole = self.office.ok and self.anchors.ok
        return whole and all(one.ok for one in self.calls)


def examine(
    desk: Desk,
    code: str | None = None,
    *,
    trusted: Trusted = NOTHING,
    tell: Progress = silent,
) -> Examined:
    """Check chain, count, anchors, and that all that stands beside is as they say.

    What is *trusted* came to whoever verifies in another way.

    Everything is read as it was at one moment, whoever writes meanwhile.

    Raises:
        RefusedError: there is no such call.
        UnavailableError: the file of the anchors cannot be read, or there is no room.
    """
    with reading(desk.engine, verbatim=True) as session:
        check = Check(session, desk.anchor_files, only=code, trusted=trusted)
        with spills() as room:
            reader = Reader(session, room, desk=desk, check=check, tell=tell)
            found = reader.verify_all(code)
            if not found and code is not None:
                lookups.find_call(session, code)
            staff = office.verify(session, check.marks(OFFICE))
            if code is None:
                found = [_with_acts(one, reader.claims) for one in found]
                found += _without_call(session)
        return Examined(tuple(found), check.close(desk), staff)


def _with_acts(verified: Verified, claims: Claims) -> Verified:
    """Add what is known of acts only once all calls that may name them were read."""
    found = Faults(verified.faults, verified.counts)
    for call, fault in claims.rest():
        if printable(call) == verified.call:
            found.append(fault)
    return replace(verified, faults=tuple(found), counts=found.counts)


def _without_call(session: Session) -> Iterator[Verified]:
    """Tell of chains whose call is gone."""
    for row in rows(session, kept.WITHOUT_CALL).all():
        fault = Fault(0, "its entries are there, the call itself is not", "call")
        yield Verified(printable(identity(row.call_id)), row.entries, "", (fault,))
