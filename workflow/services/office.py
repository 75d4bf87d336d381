"""What is written down of officers and their roles, and does it hold?

Their chain is written under the lock of the installation: one at a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.session import reading
from models.tables import Installation, OfficeEntry, Officer, OfficerRole
from models.vocabulary import OfficeEvent, Outcome
from workflow import register
from workflow.anchors.heads import Marks
from workflow.desk import SOFTWARE, Desk
from workflow.facts import ActFacts
from workflow.register import Fault, Stored, written
from workflow.rules.calendar import ROME
from workflow.services import as_stored, histories, office_rows
from workflow.staff import FORMAT, OfficeChain, Staff, login_digest

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Note:
    """What an entry says beside its place in the chain."""

    event: OfficeEvent
    actor: Mapping[str, str | None]
    officer: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    act: ActFacts | None = None
    refusal: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class VerifiedOffice:
    """Whether the chain of the office holds, and what does not."""

    entries: int
    head: str
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not self.faults


def lock(session: Session) -> None:
    """Wait for whoever else changes officers, or seals the register."""
    session.get(Installation, 1, with_for_update=True)


def begin(session: Session, desk: Desk) -> None:
    """Write down who is there already, in a chain that has no entry yet.

    Those were added by a version that kept no account of it.
    """
    if _last(session) is not None:
        return
    there = session.exec(select(Officer).order_by(col(Officer.login))).all()
    if not there:
        return
    lock(session)
    details = {"officers": [_inventory(session, officer) for officer in there]}
    nobody = {"kind": "worker", "id": None, "role": "system", "identity": "system"}
    at = instant(session, desk)
    append(session, desk, at, Note(OfficeEvent.BEGIN_OFFICE, nobody, details=details))


def _inventory(session: Session, officer: Officer) -> dict[str, Any]:
    held = session.exec(
        select(OfficerRole)
        .where(OfficerRole.officer_id == officer.id)
        .order_by(col(OfficerRole.role), col(OfficerRole.since))
    )
    return {
        "officer": str(officer.id),
        "login": login_digest(officer.id, officer.login),
        "retired_at": _written(officer.retired_at),
        "roles": [
            {
                "role": row.role.value,
                "since": written(row.since),
                "ended_at": _written(row.ended_at),
            }
            for row in held
        ],
    }


def instant(session: Session, desk: Desk) -> datetime:
    """Return when what is about to be written happens: after all that is there."""
    last = _last(session)
    now = desk.ambient.now()
    return now if last is None else max(now, last.at + _TICK)


def append(session: Session, desk: Desk, at: datetime, note: Note) -> None:
    """Add an entry at the head of the chain; the installation is locked."""
    last = _last(session)
    seq = last.seq + 1 if last else 1
    sealed = register.seal(
        {
            "format": FORMAT,
            "chain": "office",
            "seq": seq,
            "previous": last.hash if last else register.GENESIS,
            "at": written(at),
            "local": at.astimezone(ROME).isoformat(timespec="microseconds"),
            "simulated": desk.ambient.simulated,
            "event": note.event.value,
            "outcome": (Outcome.REFUSED if note.refusal else Outcome.OK).value,
            "actor": dict(note.actor),
            "channel": desk.channel,
            "officer": str(note.officer) if note.officer else None,
            "details": dict(note.details),
            "act": (
                {
                    "kind": note.act.kind,
                    "number": note.act.number,
                    "signed_on": note.act.signed_on.isoformat(),
                }
                if note.act
                else None
            ),
            "refusal": dict(note.refusal) if note.refusal else None,
            "software": SOFTWARE,
        }
    )
    session.add(
        OfficeEntry(seq=seq, hash=sealed.hash, at=at, body=sealed.body.decode())
    )
    session.flush()


def _last(session: Session) -> OfficeEntry | None:
    return session.exec(
        select(OfficeEntry).order_by(col(OfficeEntry.seq).desc()).limit(1)
    ).first()


def head(session: Session) -> tuple[int, str] | None:
    """Return how many entries there are, and the hash of the last one."""
    last = _last(session)
    return None if last is None else (last.seq, last.hash)


def entries(desk: Desk) -> Iterator[dict[str, Any]]:
    """Return every entry, the oldest first, each with its hash."""
    with reading(desk.engine) as session:
        for row in session.exec(select(OfficeEntry).order_by(col(OfficeEntry.seq))):
            yield {**histories.content(row.seq, row.body), "hash": row.hash}


def verify(session: Session, marks: Marks) -> VerifiedOffice:
    """Check the chain, what the anchors saw of it, and the rows that it tells of.

    What is verified may hold anything: it is read as it is stored.
    """
    chain = OfficeChain()
    for row in as_stored.rows(session, office_rows.ENTRIES):
        chain.feed(_stored(row), as_stored.instant(row.at))
        marks.check(row.seq, row.hash)
    marks.close(chain.seq)
    staff, officers = chain.staff, list(office_rows.officers(session))
    if not chain.seq and officers:
        chain.faults.append(Fault(0, "it tells of none of the officers that are there"))
    if chain.seq:
        retired = {one["id"]: one["retired_at"] for one in officers}
        logins = {
            officer: login_digest(officer, login)
            for officer, login in office_rows.logins(session)
            if officer in staff.logins
        }
        roles = {
            (one["id"], held["role"], held["since"]): held["until"]
            for one in officers
            for held in one["roles"]
        }
        delegations = {one.pop("id"): one for one in office_rows.delegations(session)}
        chain.compare("officer", staff.retired, retired)
        chain.compare("login of", staff.logins, logins)
        chain.compare("role", staff.roles, roles)
        chain.compare("delegation", staff.delegations, delegations)
    return VerifiedOffice(chain.seq, chain.head, tuple(chain.faults))


def history(session: Session) -> tuple[Staff, str | None]:
    """Return what the entries add up to, and since when there are any."""
    chain, began = OfficeChain(), None
    for row in as_stored.rows(session, office_rows.ENTRIES):
        at = as_stored.instant(row.at)
        chain.feed(_stored(row), at)
        began = began or at
    return chain.staff, began if isinstance(began, str) else None


def _stored(row: Any) -> Stored:  # noqa: ANN401 - a row
    content = row.body if isinstance(row.body, bytes) else str(row.body).encode()
    return Stored(row.seq, str(row.hash), content)


def _written(at: datetime | None) -> str | None:
    return None if at is None else written(at)
