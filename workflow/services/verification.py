"""Does the register hold, and does all that stands beside it?"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from sqlalchemy import Engine
from sqlmodel import Session

from models.session import DatabaseUnavailableError, reading
from workflow.desk import Desk
from workflow.register import Fault, Faults
from workflow.services import lookups, office
from workflow.services import verified_rows as kept
from workflow.services.anchor_checks import Anchored, Check
from workflow.services.anchor_copies import NOTHING, Trusted
from workflow.services.claims import Claims
from workflow.services.glances import DoubtError
from workflow.services.helpers import Helpers, available, helpers
from workflow.services.office import VerifiedOffice
from workflow.services.shares import ALL
from workflow.services.spills import spills
from workflow.services.verified_chains import Progress, Reader, Verified, silent
from workflow.services.verified_rows import identity, printable, rows
from workflow.staff import OFFICE

LONG = 20_000
"""Entries from which on several processes read, and say only whether all holds."""


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
    if _length(desk.engine, code) >= LONG:
        # Where they doubt that it holds one reader goes over all of it, and tells.
        with suppress(DoubtError, DatabaseUnavailableError):
            return at_a_glance(
                desk, code, trusted=trusted, tell=tell, count=available()
            )
    return with_care(desk, code, trusted=trusted, tell=tell)


def at_a_glance(
    desk: Desk,
    code: str | None,
    *,
    trusted: Trusted = NOTHING,
    tell: Progress,
    count: int,
) -> Examined:
    """Check everything with so many helpers, and tell nothing of what is wrong.

    Raises:
        DoubtError: something may not hold.
    """
    with (
        helpers(desk.engine, code, count=count) as others,
        others.reading(desk.engine) as session,
        _uncollected(),
    ):
        examined = _examine(desk, session, code, trusted, tell, others)
    if not all(one.ok for one in examined.calls):
        raise DoubtError
    return examined


def with_care(
    desk: Desk,
    code: str | None,
    *,
    trusted: Trusted = NOTHING,
    tell: Progress,
) -> Examined:
    """Check everything alone, and tell all that is wrong."""
    with reading(desk.engine, verbatim=True) as session:
        return _examine(desk, session, code, trusted, tell, None)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let nobody look for cycles: entries have none, and there are many of them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _examine(  # noqa: PLR0913, PLR0917 - what is verified, against what, by whom
    desk: Desk,
    session: Session,
    code: str | None,
    trusted: Trusted,
    tell: Progress,
    others: Helpers | None,
) -> Examined:
    check = Check(session, desk.anchor_files, only=code, trusted=trusted)
    with spills() as room:
        reader = Reader(
            session,
            room,
            share=others.share if others else ALL,
            check=check,
            tell=tell,
            glances=others is not None,
        )
        found = reader.verify_all(code)
        if not found and code is not None:
            lookups.find_call(session, code)
        if others:
            found = others.agreed(found, reader, whole=code is None)
        staff = office.verify(session, check.marks(OFFICE))
        if code is None:
            if not others:
                found = [_with_acts(one, reader.claims) for one in found]
            found += _without_call(session)
    return Examined(tuple(found), check.close(desk), staff)


def _length(engine: Engine, code: str | None) -> int:
    """Return how many entries there are to verify, as far as the calls say."""
    with reading(engine, verbatim=True) as session:
        calls = rows(session, kept.CALLS).all()
    heads = (call.head_seq for call in calls if code is None or call.code == code)
    return sum(head for head in heads if isinstance(head, int))


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
