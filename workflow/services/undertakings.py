"""Which aids count for an applicant: its own, and those of who is one with it?"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import BindParameter, CompoundSelect, bindparam, union
from sqlmodel import Session, and_, col, or_, select

from models.tables import Aid, Applicant, ApplicantLink, Application, Movement
from models.vocabulary import ApplicationState, Cents, MovementKind
from workflow.facts import PriorAid
from workflow.rules import undertakings
from workflow.services import lookups

_OURS = "this administration"

# Made once: to make a statement takes longer than to send it.
_CODES: BindParameter[Any] = bindparam("codes", expanding=True)
_COUNTS = col(Application.state).not_in(
    [
        ApplicationState.DRAFT,
        ApplicationState.EXPIRED,
        ApplicationState.NOT_RECEIVABLE,
        ApplicationState.ANNULLED,
    ]
)
"""What is declared in a file that was never filed, or is as if it were not, binds
nobody else."""
_LINK = (
    select(Applicant.tax_code, ApplicantLink.tax_code)
    .join(Application, col(Application.applicant_id) == col(Applicant.id))
    .join(ApplicantLink, col(ApplicantLink.application_id) == col(Application.id))
    .where(_COUNTS)
)
# Two searches by an index each: one condition on both tables would read them whole.
_LINKS: CompoundSelect[Any] = union(
    _LINK.where(col(Applicant.tax_code).in_(_CODES)),
    _LINK.where(col(ApplicantLink.tax_code).in_(_CODES)),
)
_DECLARED = (
    select(Aid)
    .join(Application, col(Application.id) == col(Aid.application_id))
    .where(
        or_(
            col(Application.id) == bindparam("application"),
            and_(
                col(Application.applicant_id).in_(bindparam("others", expanding=True)),
                _COUNTS,
            ),
        )
    )
    .order_by(col(Aid.granted_on), col(Aid.id))
)
# The first movement of its kind: what is determined anew is of another kind.
_AT_FIRST = (
    select(Movement.granted)
    .where(col(Movement.application_id) == col(Application.id))
    .where(col(Movement.kind) == MovementKind.GRANT)
    .order_by(col(Movement.entry_seq))
    .limit(1)
    .scalar_subquery()
)
# Also what was taken back to the last cent: a declaration may still name it.
_GIVEN = (
    sqlalchemy.select(
        col(Application.granted_on),
        col(Application.granted),
        _AT_FIRST,
        col(Application.call_id),
        col(Application.call_version),
    )
    .where(col(Application.applicant_id).in_(bindparam("together", expanding=True)))
    .where(col(Application.id) != bindparam("application"))
    .where(col(Application.granted_on).is_not(None))
    .order_by(col(Application.granted_on), col(Application.id))
)


def members(session: Session, applicant: Applicant) -> tuple[UUID, ...]:
    """Return all applicants that are one single undertaking (*impresa unica*).

    In the order of their identifiers, in which they are locked.
    """
    if applicant.tax_code is None:  # nobody knows who it was
        return (applicant.id,)
    codes = frozenset({applicant.tax_code})
    while True:
        links = _links(session, codes)
        if not links:
            return (applicant.id,)
        wider = undertakings.closure(applicant.tax_code, links)
        if wider <= codes:
            break
        codes = wider
    found = session.exec(
        select(Applicant.id)
        .where(col(Applicant.tax_code).in_(codes))
        .order_by(col(Applicant.id))
    )
    return tuple(found)


def lock(session: Session, applicants: Iterable[Applicant]) -> None:
    """Lock whole undertakings: the ceiling counts the grants of all calls.

    The lock of one call is not enough: two could use up the same room at once.
    All of a command at once, so that nobody waits for somebody who waits for them.
    """
    applicants, locked = list(applicants), frozenset[UUID]()
    while True:
        together = frozenset(
            member for applicant in applicants for member in members(session, applicant)
        )
        if together <= locked:
            return  # nobody was linked while we waited for the others
        _lock(session, together)
        locked = together


def _lock(session: Session, together: Iterable[UUID]) -> None:
    # Not against those who only refer to an applicant: they may go on filing.
    session.exec(
        select(Applicant)
        .where(col(Applicant.id).in_(together))
        .order_by(col(Applicant.id))
        .with_for_update(key_share=True)
    ).all()


def aids(
    session: Session, application: Application, applicant: Applicant
) -> tuple[PriorAid, ...]:
    """Return the aids declared, and those that this administration gave itself."""
    together = members(session, applicant)
    return undertakings.counted(
        _declared(session, application, together),
        _given(session, application, together),
    )


def _declared(
    session: Session, application: Application, together: Iterable[UUID]
) -> tuple[list[PriorAid], ...]:
    """Return what this application declares, and what linked applicants declare."""
    others = [member for member in together if member != application.applicant_id]
    declared: dict[UUID, list[PriorAid]] = defaultdict(list)
    about = {"application": application.id, "others": others}
    for row in session.exec(_DECLARED, params=about):
        aid = PriorAid(row.granted_on, Cents(row.amount), row.grantor)
        declared[row.application_id].append(aid)
    return tuple(declared.values())


def _given(
    session: Session, application: Application, together: Iterable[UUID]
) -> tuple[undertakings.OwnGrant, ...]:
    about = {"application": application.id, "together": list(together)}
    rows = session.execute(_GIVEN, about).all()
    return tuple(
        undertakings.OwnGrant(
            PriorAid(granted_on, Cents(granted), _OURS),
            at_first=Cents(granted if at_first is None else at_first),
            office=lookups.rules_of(session, call_id, version).responsible_office,
        )
        for granted_on, granted, at_first, call_id, version in rows
    )


def _links(session: Session, codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    rows = session.execute(_LINKS, {"codes": list(codes)})
    return tuple((one, other) for one, other in rows)
