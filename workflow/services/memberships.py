"""Who stands on the list of a call, and since when?

The tables answer whoever decides; the register alone whoever asks about a date. Both
are what the acts up to then have made of the list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from config.schema import CallDefinition, ListRequirement
from models.rights import legible
from models.session import reading
from models.tables import (
    Act,
    Applicant,
    Application,
    ApprovedList,
    Call,
    ListedChange,
    Partner,
)
from models.vocabulary import CallEvent, CallState, ListChange
from workflow.desk import Desk
from workflow.errors import RefusedError, TamperedError
from workflow.facts import ActFacts, ListAnswer
from workflow.moves.calls import keeps_a_list
from workflow.register import act_of
from workflow.rules import lists
from workflow.rules.calendar import start_of_day
from workflow.rules.lists import Change, Listed
from workflow.services import histories, lookups, moments
from workflow.services.moments import Cut, Moment

_CLOSED = (CallState.CLOSED, CallState.CONCLUDED)


@dataclass(frozen=True, slots=True)
class Standing:
    """A list as its last version left it; version 0 where no act has made one."""

    version: int = 0
    act: str | None = None
    approved_at: datetime | None = None
    members: lists.Members = field(default_factory=dict)
    annulled_at: datetime | None = None
    """When the call was annulled, and its list with it."""


@dataclass(frozen=True, slots=True)
class ListView:
    """Who stood on a list at a moment, by protocol number."""

    call: str
    standing: Standing
    cut: Cut
    names: Mapping[str, str]
    """Of the leads, by reference; only for who may read them."""

    @property
    def members(self) -> tuple[Listed, ...]:
        """The members, in order."""
        return lists.in_order(self.standing.members)

    @property
    def sha256(self) -> str | None:
        """The hash that the act carries; none where there is no list."""
        stands = self.standing.version and self.standing.annulled_at is None
        return lists.fingerprint(self.standing.members) if stands else None


def on(desk: Desk, code: str, moment: Moment | None = None) -> ListView:
    """Return who stood on the list of a call at a moment, by the register alone.

    Before its first act nobody did; without a moment it is as it stands now.

    Raises:
        RefusedError: no such call, it keeps no list, or the moment is still to come.
        TamperedError: an entry cannot be read.
    """
    with reading(desk.engine) as session:
        call = lookups.find_call(session, code)
        _refuse_without_list(lookups.rules_of(session, call.id, call.version))
        found = (
            moments.cut_or_nothing(session, desk, call, moment)
            if moment
            else Cut(call.head_seq, call.last_instant)
        )
        standing = told_until(session, call.id, found.seq)
        return ListView(call.code, standing, found, _names(session, standing))


def _refuse_without_list(rules: CallDefinition) -> None:
    if not keeps_a_list(rules):
        raise RefusedError(
            "list.none", f"{rules.code} follows {rules.family}, which keeps no list"
        )


def told_until(session: Session, call: UUID, seq: int) -> Standing:
    """Add up the acts on a list that the entries tell, up to one of them.

    Raises:
        TamperedError: an entry cannot be read, or does not fit those before it.
    """
    standing = Standing()
    for body in histories.of_event(session, call, CallEvent.UPDATE_LIST, until=seq):
        standing = _after(standing, body)
    for body in histories.of_event(session, call, CallEvent.ANNUL_CALL, until=seq):
        at = datetime.fromisoformat(body["at"])
        standing = Standing(
            standing.version, standing.act, standing.approved_at, annulled_at=at
        )
    return standing


def _after(before: Standing, body: Mapping[str, Any]) -> Standing:
    try:
        told = body["findings"]["list"]
        return Standing(
            told["version"],
            act_of(body),
            datetime.fromisoformat(body["at"]),
            lists.after(before.members, told["version"], changes_of(told)),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TamperedError(
            "register.unreadable",
            f"entry {body.get('seq')} does not say what an act makes of the list: "
            "look at `sportello log verify` and call the auditor",
        ) from error


def changes_of(told: Mapping[str, Any]) -> Iterator[Change]:
    """Return what an entry says that its act did with the members of a list."""
    for one in told["changes"]:
        yield Change(
            ListChange(one["change"]),
            one["application"],
            one["protocol"],
            tuple(one["behind"]),
        )


def standing(session: Session, call: UUID, at: datetime | None = None) -> Standing:
    """Return a list as the tables hold it, now or at an instant that has passed.

    That of an instant that has passed never changes any more.
    """
    found, members = Standing(), dict[str, Listed]()
    for version, rows in groupby(_rows(session, call, at), key=lambda row: row[0]):
        changes = [_change(row, application) for _, row, application in rows]
        members = dict(lists.after(members, version, changes))
        found = Standing(version, members=members)
    if not found.version:
        return _unless_annulled(session, call, at, found)
    head = session.get_one(ApprovedList, (call, found.version))
    act = session.get_one(Act, head.act_id)
    words = str(ActFacts(act.kind, act.number, act.signed_on))
    stands = Standing(found.version, words, head.approved_at, members)
    return _unless_annulled(session, call, at, stands)


def _rows(
    session: Session, call: UUID, at: datetime | None
) -> Iterator[tuple[int, ListedChange, Application]]:
    query = (
        select(ListedChange.version, ListedChange, Application)
        .join(Application, col(Application.id) == col(ListedChange.application_id))
        .where(ListedChange.call_id == call)
        .order_by(col(ListedChange.version))
    )
    if at is not None:
        query = query.join(
            ApprovedList,
            (col(ApprovedList.call_id) == col(ListedChange.call_id))
            & (col(ApprovedList.version) == col(ListedChange.version)),
        ).where(col(ApprovedList.approved_at) <= at)
    yield from session.exec(query)


def _change(row: ListedChange, application: Application) -> Change:
    return Change(
        row.change,
        str(row.application_id),
        lookups.numbered(application),
        tuple(row.behind.split()),
    )


def _unless_annulled(
    session: Session, call: UUID, at: datetime | None, found: Standing
) -> Standing:
    entry = histories.last(session, call, CallEvent.ANNUL_CALL)
    if entry is None:
        return found
    annulled = datetime.fromisoformat(entry["at"])
    if at is not None and at < annulled:
        return found
    return Standing(found.version, found.act, found.approved_at, annulled_at=annulled)


def behind(session: Session, application: Application) -> tuple[str, ...]:
    """Return who stands behind a proposal now, by reference: the lead first.

    The partners in an order of their own: who is named first means nothing.
    """
    partners = session.exec(
        select(Partner.applicant_id)
        .where(Partner.application_id == application.id)
        .where(col(Partner.left_at).is_(None))
    )
    return (str(application.applicant_id), *sorted(map(str, partners)))


def answers(
    session: Session,
    call: Call,
    rules: CallDefinition,
    *,
    applicant: UUID,
    now: datetime,
) -> tuple[ListAnswer, ...]:
    """Return whether an applicant stands on the lists that a call looks at.

    The other calls are only read, as of an instant that has passed. An act that is
    written meanwhile and bears an earlier one is not seen; the entry says on which
    version it was decided. To lock them as well would let two calls that look at
    each other wait for one another, and every filing here for every act there.
    """
    return tuple(
        _answer(session, wanted, str(applicant), _counts_at(call, rules, wanted, now))
        for wanted in rules.list_requirements
    )


def _counts_at(
    call: Call, rules: CallDefinition, wanted: ListRequirement, now: datetime
) -> datetime | None:
    """Return the instant that counts, or nothing while it is still to come."""
    if wanted.as_of == "closing":
        return call.closed_at if call.state in _CLOSED else None
    at = rules.window.opens_at
    if wanted.as_of == "day" and wanted.day is not None:
        at = start_of_day(wanted.day + timedelta(days=1)) - timedelta.resolution
    return at if at <= now else None


def _answer(
    session: Session, wanted: ListRequirement, applicant: str, at: datetime | None
) -> ListAnswer:
    known = session.info.setdefault("lists", {})
    key = wanted.call, at
    if key not in known:
        query = select(Call.id).where(Call.code == wanted.call)
        found = session.exec(query).first()
        stood = standing(session, found, at) if found and at else Standing()
        known[key] = found is not None, stood, lists.by_applicant(stood.members)
    is_there, stood, whose = known[key]
    member = whose.get(applicant)
    return ListAnswer(
        wanted,
        at,
        is_there,
        stood.version,
        stood.act,
        None if member is None else member.protocol,
    )


def _names(session: Session, found: Standing) -> dict[str, str]:
    if not legible(session, "applicants", ("id", "name", "erased_at")):
        return {}
    leads = [UUID(one.lead) for one in found.members.values()]
    rows = session.exec(
        select(Applicant.id, Applicant.name)
        .where(col(Applicant.id).in_(leads))
        .where(col(Applicant.erased_at).is_(None))
    )
    return {str(identity): name for identity, name in rows}
