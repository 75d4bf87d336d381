"""Who applies together, and in which other applications are they?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy
from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.batch import unwatched
from models.session import add_all_unless_there, add_unless_there
from models.tables import Applicant, Application, Partner, ProtocolCounter
from models.vocabulary import NOT_ACTIVE, MemberKind
from workflow.facts import Facts, Member, PartnershipFacts
from workflow.machine import Inputs
from workflow.moves.inputs import Partner as StatedPartner
from workflow.moves.inputs import PartnersInputs
from workflow.rules.calendar import civil_day
from workflow.services import lookups
from workflow.services.open_calls import OpenCall


class Joined(NamedTuple):
    """A partner, with who that is."""

    applicant: Applicant
    kind: MemberKind


class Leading(NamedTuple):
    """The lead, with who that is."""

    applicant: Applicant
    kind: MemberKind | None


def partners_of(session: Session, application: UUID) -> tuple[Joined, ...]:
    """Return the partners of an application as they are now, in their order."""
    rows = session.exec(
        select(Applicant, Partner)
        .join(Partner, col(Partner.applicant_id) == col(Applicant.id))
        .where(Partner.application_id == application)
        .where(col(Partner.left_at).is_(None))
        .order_by(col(Partner.ordinal))
    )
    return tuple(Joined(applicant, row.kind) for applicant, row in rows)


def elsewhere(
    session: Session, call: UUID, who: Iterable[UUID], *, but: UUID | None = None
) -> dict[UUID, str]:
    """Return who of some is in an open application to a call, and in which.

    As its lead or as a partner; *but* is the one that is not looked at. The call
    must be locked to decide on it.
    """
    wanted = tuple(who)
    name = (
        col(Application.protocol_year),
        col(Application.protocol_number),
        col(Application.portal_id),
    )
    is_open = (
        col(Application.call_id) == call,
        col(Application.state).not_in(NOT_ACTIVE),
        *(() if but is None else (col(Application.id) != but,)),
    )
    as_lead = (
        sqlalchemy.select(col(Application.applicant_id), *name)
        .where(*is_open)
        .where(col(Application.applicant_id).in_(wanted))
    )
    as_partner = (
        sqlalchemy.select(col(Partner.applicant_id), *name)
        .join(Application, col(Application.id) == col(Partner.application_id))
        .where(*is_open)
        .where(col(Partner.applicant_id).in_(wanted))
        .where(col(Partner.left_at).is_(None))
    )
    rows = [*session.execute(as_lead), *session.execute(as_partner)]
    return {row.applicant_id: lookups.named(row) for row in rows}


def about(
    rules: CallDefinition,
    lead: Leading,
    partners: Iterable[Joined],
    others: Mapping[UUID, str],
) -> PartnershipFacts:
    """Return what rules ask of those who apply together; *others* is where they are."""
    listed = {one.tax_code for one in rules.beneficiaries}

    def member(joined: Joined | Leading) -> Member:
        who = joined.applicant
        return Member(
            who.id,
            joined.kind,
            is_invited=not listed or who.tax_code in listed,
            other=others.get(who.id),
        )

    return PartnershipFacts(member(lead), tuple(map(member, partners)))


def of_file(
    session: Session, rules: CallDefinition, application: Application, lead: Applicant
) -> PartnershipFacts | None:
    """Return who applies together in a filed application; None if all apply alone."""
    if rules.partnership is None:
        return None
    partners = partners_of(session, application.id)
    leading = Leading(lead, application.lead_kind)
    return about(rules, leading, partners, _others(session, application, partners))


def _others(
    session: Session, application: Application, partners: Iterable[Joined]
) -> dict[UUID, str]:
    who = (application.applicant_id, *(one.applicant.id for one in partners))
    return elsewhere(session, application.call_id, who, but=application.id)


# What a command wants instead


def with_stated(
    work: OpenCall, facts: Facts, application: Application, given: Inputs
) -> Facts:
    """Add the partners that a command wants, if it does.

    Those whom nobody knows yet are written already: the register refers to them. If
    the command is refused they are gone with it.
    """
    together = facts.partnership
    if not isinstance(given, PartnersInputs) or together is None:
        return facts
    kinds = {one.tax_code: one.kind for one in given.partners}
    known = _known(work, given.partners)
    partners = tuple(Joined(known[code], kind) for code, kind in kinds.items())
    others = _others(work.session, application, partners)
    lead = Leading(
        work.session.get_one(Applicant, application.applicant_id), together.lead.kind
    )
    then = about(facts.call, lead, partners, others)
    return replace(facts, partnership=replace(together, stated=then.partners))


def _known(work: OpenCall, partners: Iterable[StatedPartner]) -> dict[str, Applicant]:
    """Return who they are, new ones too, and keep them from being erased meanwhile.

    The protocol counter is locked before anybody is written, as the intake does: so
    nobody waits for somebody who waits for them.
    """
    named = sorted(partners, key=lambda one: one.tax_code)
    if not named:
        return {}
    session, year = work.session, civil_day(work.call.last_instant).year
    add_unless_there(session, ProtocolCounter(year=year, last=0))
    counter = session.get_one(ProtocolCounter, year, with_for_update=True)
    new = [vars(newcomer(one, work.desk.ambient.new_id)) for one in named]
    add_all_unless_there(session, Applicant, new)
    if not counter.last:
        session.delete(counter)
    found = session.exec(
        select(Applicant)
        .where(col(Applicant.tax_code).in_([one.tax_code for one in named]))
        .order_by(col(Applicant.id))
        .with_for_update(read=True, key_share=True)
    )
    return {str(one.tax_code): one for one in found}


# What is written


def newcomer(stated: StatedPartner, new_id: Callable[[], UUID]) -> Applicant:
    """Return one whom nobody knew before, and whom another has named.

    Without an address: nobody writes to partners, and who applies gives its own.
    """
    return unwatched(
        Applicant,
        id=new_id(),
        tax_code=stated.tax_code,
        name=stated.name,
        pec="",
        salt=new_id().hex,
    )


def join(work: OpenCall, application: UUID, partners: Iterable[Member]) -> None:
    """Write who applies together with the applicant from the beginning."""
    for ordinal, one in enumerate(partners, start=1):
        _add(work, application, one, ordinal)


def change(
    work: OpenCall, application: UUID, partners: Iterable[Member], at: datetime
) -> None:
    """Write who applies together with the applicant from now on."""
    rows = work.session.exec(
        select(Partner).where(Partner.application_id == application)
    )
    there = {row.applicant_id: row for row in rows}
    for ordinal, one in enumerate(partners, start=1):
        row = there.pop(one.id, None)
        if row is None:
            _add(work, application, one, ordinal)
        else:
            row.ordinal, row.kind, row.left_at = ordinal, _kind(one), None
    for row in there.values():
        row.left_at = row.left_at or at


def _add(work: OpenCall, application: UUID, one: Member, ordinal: int) -> None:
    work.batch.add(
        Partner,
        application_id=application,
        applicant_id=one.id,
        ordinal=ordinal,
        kind=_kind(one),
        left_at=None,
    )


def _kind(one: Member) -> MemberKind:
    """Return what a partner is: only a lead need not say it."""
    assert one.kind is not None  # noqa: S101 - see above
    return one.kind
