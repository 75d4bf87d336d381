"""What personal data is kept of a call, and how is it erased?

Names, tax codes and addresses are erased of whoever has applied to no other call
whose data is still kept; letters, receipts and what else stands in the files of
the call, of everybody. What was decided stays, with the hashes of all texts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    union,
    union_all,
    update,
)
from sqlmodel import Session, SQLModel

from models.tables import (
    Applicant,
    ApplicantLink,
    Application,
    Call,
    Command,
    DeliveryReceipt,
    Document,
    Notice,
    Partner,
    RegisterEntry,
    Term,
)
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    CallEvent,
    NoticeStatus,
    Outcome,
)
from workflow.errors import RefusedError
from workflow.facts import ALLOWED, Verdict
from workflow.register import act_of
from workflow.rules.calendar import civil_day
from workflow.rules.retention import Retention
from workflow.services import lookups
from workflow.services.histories import content


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


_CALLS, _FILES, _WHO = _table(Call), _table(Application), _table(Applicant)
_LINKS, _PAPERS, _LETTERS = _table(ApplicantLink), _table(Document), _table(Notice)
_RECEIPTS, _ANSWERS, _TERMS = _table(DeliveryReceipt), _table(Command), _table(Term)
_ENTRIES = _table(RegisterEntry)
_PARTNERS = _table(Partner)
_OTHERS, _THEIRS = _FILES.alias(), _PARTNERS.alias()

_ENDS = (CallEvent.CONCLUDE_CALL, CallEvent.ANNUL_CALL)
_ENDED = {*FINAL_STATES, ApplicationState.COMPLETED, ApplicationState.DRAFT}
"""A draft was never filed: it has nothing to end."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much personal data is kept of a call, and would be erased."""

    applicants: int
    """Names, tax codes and addresses."""
    links: int
    """Tax codes declared to be of one and the same undertaking."""
    letters: int
    receipts: int
    documents: int
    """Names of the files that were handed in."""
    answers: int
    """Answers kept for who repeats a command, with addresses in them."""

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing is left."""
        return not any(asdict(self).values())


def held(session: Session, call: Call) -> Held:
    """Count what would be erased now."""
    return Held(
        applicants=_count(session, _WHO, _goes(call)),
        links=_count(session, _LINKS, _of_files(_LINKS, call)),
        letters=_count(session, _LETTERS, _tells(call)),
        receipts=_count(session, _RECEIPTS, _proves(call)),
        documents=_count(session, _PAPERS, _is_named(call)),
        answers=_count(session, _ANSWERS, _answers(call)),
    )


def kept_for(session: Session, call: Call) -> dict[str, int]:
    """Count who is not erased yet, by the call to which they have applied too."""
    here = _applied(call)
    as_lead = select(_OTHERS.c.call_id, _OTHERS.c.applicant_id).where(
        _OTHERS.c.applicant_id.in_(here)
    )
    as_partner = (
        select(_OTHERS.c.call_id, _THEIRS.c.applicant_id)
        .join(_THEIRS, _THEIRS.c.application_id == _OTHERS.c.id)
        .where(_THEIRS.c.applicant_id.in_(here))
    )
    applied = union(as_lead, as_partner).subquery()
    rows = session.execute(
        select(_CALLS.c.code, func.count())
        .join(applied, applied.c.call_id == _CALLS.c.id)
        .where(_CALLS.c.id != call.id, _CALLS.c.erased_seq.is_(None))
        .group_by(_CALLS.c.code)
        .order_by(_CALLS.c.code)
    )
    return {row[0]: row[1] for row in rows}


def erase(session: Session, call: Call, at: datetime) -> dict[str, Any]:
    """Erase it, in a call that is locked; return what its entry says of that."""
    _lock_applicants(session, call)
    counted, kept = held(session, call), kept_for(session, call)
    for statement in (
        # Who it was goes last: the rest is found by their files.
        delete(_LINKS).where(_of_files(_LINKS, call)),
        update(_PAPERS).where(_is_named(call)).values(name=""),
        update(_RECEIPTS).where(_proves(call)).values(reason=None, original=b""),
        update(_LETTERS)
        .where(_tells(call))
        .values(recipient="", subject=None, body=None, fault=None),
        update(_ANSWERS).where(_answers(call)).values(answer=""),
        update(_WHO)
        .where(_goes(call))
        .values(tax_code=None, name="", pec="", salt=None, erased_at=at),
    ):
        session.connection().execute(statement)
    return {"erased": asdict(counted), "kept_for": kept}


def _lock_applicants(session: Session, call: Call) -> None:
    """Keep anybody from applying elsewhere while it is judged whether they go.

    In the order in which intake locks those it knows, and before anything is
    counted: what others have written meanwhile is seen afterwards.
    """
    session.flush()
    session.execute(
        select(_WHO.c.id)
        .where(_WHO.c.id.in_(_applied(call)), _WHO.c.erased_at.is_(None))
        .order_by(_WHO.c.id)
        .with_for_update()
    ).all()


def retention_of(session: Session, call: Call) -> Retention:
    """Return how long the personal data of a call is kept, by its rules in force.

    Since the last thing that was done: an application may be settled, or revoked,
    long after the call was concluded.
    """
    keeping = lookups.rules_of(session, call.id, call.version).keeping
    return Retention(civil_day(_last_move(session, call)), keeping.years)


def _last_move(session: Session, call: Call) -> datetime:
    """Return when a file was last moved, or the call was ended, if that was later.

    Whoever only looks, and leaves an entry, does not let it be kept for longer.
    """
    counts = or_(_ENTRIES.c.application_id.is_not(None), _ENTRIES.c.event.in_(_ENDS))
    query = (
        select(func.max(_ENTRIES.c.at))
        .where(_ENTRIES.c.call_id == call.id, _ENTRIES.c.outcome == Outcome.OK)
        .where(counts)
    )
    found: datetime | None = session.execute(query).scalar_one()
    return call.last_instant if found is None else found


def over_on(session: Session, call: Call) -> datetime | None:
    """Return when a call was concluded or annulled, if it was."""
    query = (
        select(func.max(_ENTRIES.c.at))
        .where(_ENTRIES.c.call_id == call.id, _ENTRIES.c.outcome == Outcome.OK)
        .where(_ENTRIES.c.event.in_(_ENDS))
    )
    found: datetime | None = session.execute(query).scalar_one()
    return found


def unfinished(session: Session, call: Call) -> tuple[str, ...]:
    """Name the files in which something is still to happen."""
    awaited = select(_TERMS.c.application_id).where(
        _TERMS.c.call_id == call.id, _TERMS.c.next_check.is_not(None)
    )
    rows = session.execute(
        select(_FILES.c.protocol_year, _FILES.c.protocol_number, _FILES.c.portal_id)
        .where(_FILES.c.call_id == call.id)
        .where(or_(_FILES.c.state.not_in(_ENDED), _FILES.c.id.in_(awaited)))
        .order_by(_FILES.c.protocol_year, _FILES.c.protocol_number, _FILES.c.portal_id)
    )
    return tuple(lookups.named(row) for row in rows)


def unsent(session: Session, call: Call) -> int:
    """Count the letters that are still to be sent."""
    waits = _LETTERS.c.status == NoticeStatus.QUEUED
    return _count(session, _LETTERS, and_(_LETTERS.c.call_id == call.id, waits))


def letters_of(session: Session, call: Call) -> frozenset[UUID]:
    """Name all letters of a call: their copies are called after them."""
    query = select(_LETTERS.c.id).where(_LETTERS.c.call_id == call.id)
    return frozenset(session.execute(query).scalars())


# What is said where a name stood


def erased_under(session: Session) -> Mapping[UUID, str]:
    """Return the act under which the data of each call was erased, where it was."""
    rows = session.execute(
        select(_CALLS.c.id, _ENTRIES.c.seq, _ENTRIES.c.body)
        .join(
            _ENTRIES,
            (_ENTRIES.c.call_id == _CALLS.c.id)
            & (_ENTRIES.c.seq == _CALLS.c.erased_seq),
        )
        .where(_CALLS.c.erased_seq.is_not(None))
    )
    return {call: act_of(content(seq, body)) or "no act" for call, seq, body in rows}


def told(act: str) -> str:
    """Say it where a name or an address stood."""
    return f"erased under {act}"


def is_open(call: Call) -> Verdict:
    """Say no to moving a file of whom nobody could be told any more."""
    if call.erased_seq is None:
        return ALLOWED
    return Verdict(
        "call.erased",
        f"the personal data of {call.code} was erased (entry {call.erased_seq} of "
        "its register): nobody can be told, so its files stay as they are",
        {"seq": call.erased_seq},
    )


def refuse_erased(call: Call) -> None:
    """Refuse to move a file of whom nobody could be told any more.

    Raises:
        RefusedError: the personal data of the call was erased.
    """
    if not (verdict := is_open(call)):
        raise RefusedError(verdict.code, verdict.message, verdict.details)


# Which rows


def _count(session: Session, table: Table, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(which)
    return int(session.execute(query).scalar_one())


def _applied(call: Call) -> Any:  # noqa: ANN401 - a query
    """Find who has applied here, as a partner too, also one that has left."""
    as_lead = select(_FILES.c.applicant_id).where(_FILES.c.call_id == call.id)
    as_partner = select(_PARTNERS.c.applicant_id).where(_of_files(_PARTNERS, call))
    return union_all(as_lead, as_partner)


def _of_files(table: Table, call: Call) -> ColumnElement[bool]:
    files = select(_FILES.c.id).where(_FILES.c.call_id == call.id)
    return table.c.application_id.in_(files)


def _goes(call: Call) -> ColumnElement[bool]:
    """Find who has applied here, and to no other call whose data is kept."""
    kept = exists().where(
        _OTHERS.c.call_id != call.id,
        _CALLS.c.id == _OTHERS.c.call_id,
        _CALLS.c.erased_seq.is_(None),
    )
    as_lead = kept.where(_OTHERS.c.applicant_id == _WHO.c.id)
    as_partner = kept.where(
        _THEIRS.c.application_id == _OTHERS.c.id, _THEIRS.c.applicant_id == _WHO.c.id
    )
    is_known = _WHO.c.erased_at.is_(None)
    return and_(_WHO.c.id.in_(_applied(call)), is_known, ~as_lead, ~as_partner)


def _tells(call: Call) -> ColumnElement[bool]:
    names = ("subject", "body", "fault")
    has_words = (_LETTERS.c[name].is_not(None) for name in names)
    is_addressed = _LETTERS.c.recipient != ""
    return and_(_LETTERS.c.call_id == call.id, or_(is_addressed, *has_words))


def _proves(call: Call) -> ColumnElement[bool]:
    letters = select(_LETTERS.c.id).where(_LETTERS.c.call_id == call.id)
    is_whole = or_(_RECEIPTS.c.original != b"", _RECEIPTS.c.reason.is_not(None))
    return and_(_RECEIPTS.c.notice_id.in_(letters), is_whole)


def _is_named(call: Call) -> ColumnElement[bool]:
    return and_(_of_files(_PAPERS, call), _PAPERS.c.name != "")


def _answers(call: Call) -> ColumnElement[bool]:
    """Find the answers to moves; those to submissions name nobody."""
    is_move = _ANSWERS.c.key.startswith("move:", autoescape=True)
    return and_(_ANSWERS.c.call_id == call.id, is_move, _ANSWERS.c.answer != "")
