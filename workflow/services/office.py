"""What is written down of officers and their roles, and does it hold?

Their chain is written under the lock of the installation: one at a time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
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
from workflow.staff import FORMAT, OfficeChain, Staff, login_digest

_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
            yield {**orjson.loads(row.body), "hash": row.hash}


# What is verified may hold anything: it is read as it is stored.
_ENTRIES = "SELECT seq, hash, at, body FROM office_entries ORDER BY seq"
_OFFICERS = "SELECT id, login, retired_at FROM officers ORDER BY id"
_ROLES = "SELECT officer_id, role, since, ended_at FROM officer_roles"
_DELEGATIONS = """
SELECT id, delegator_id, delegate_id, role, first_day, last_day, made_at, ended_at
FROM delegations ORDER BY id
"""


def verify(session: Session, marks: Marks) -> VerifiedOffice:
    """Check the chain, what the anchors saw of it, and the rows that it tells of."""
    chain = OfficeChain()
    for row in session.execute(text(_ENTRIES)):
        chain.feed(_stored(row), _read(row.at))
        marks.check(row.seq, row.hash)
    marks.close(chain.seq)
    staff = chain.staff
    rows = session.execute(text(_OFFICERS)).all()
    officers = {_id(row.id): _read(row.retired_at) for row in rows}
    logins = {_id(row.id): login_digest(_id(row.id), str(row.login)) for row in rows}
    if not chain.seq and officers:
        chain.faults.append(Fault(0, "it tells of none of the officers that are there"))
    if chain.seq:
        chain.compare("officer", staff.retired, officers)
        known = {one: logins[one] for one in logins if one in staff.logins}
        chain.compare("login of", staff.logins, known)
        chain.compare("role", staff.roles, dict(_roles(session)))
        chain.compare("delegation", staff.delegations, dict(_delegations(session)))
    return VerifiedOffice(chain.seq, chain.head, tuple(chain.faults))


def history(session: Session) -> tuple[Staff, str | None]:
    """Return what the entries add up to, and since when there are any."""
    chain, began = OfficeChain(), None
    for row in session.execute(text(_ENTRIES)):
        chain.feed(_stored(row), _read(row.at))
        began = began or _read(row.at)
    return chain.staff, began if isinstance(began, str) else None


def _stored(row: Any) -> Stored:  # noqa: ANN401 - a row
    content = row.body if isinstance(row.body, bytes) else str(row.body).encode()
    return Stored(row.seq, str(row.hash), content)


def _roles(session: Session) -> Iterable[tuple[tuple[str, str, Any], Any]]:
    for row in session.execute(text(_ROLES)):
        yield (
            (_id(row.officer_id), str(row.role), _read(row.since)),
            _read(row.ended_at),
        )


def _delegations(session: Session) -> Iterable[tuple[str, dict[str, Any]]]:
    for row in session.execute(text(_DELEGATIONS)):
        yield (
            _id(row.id),
            {
                "delegator_id": _id(row.delegator_id),
                "delegate_id": _id(row.delegate_id),
                "role": row.role,
                "first_day": _day(row.first_day),
                "last_day": _day(row.last_day),
                "made_at": _read(row.made_at),
                "ended_at": _read(row.ended_at),
            },
        )


def _written(at: datetime | None) -> str | None:
    return None if at is None else written(at)


def _read(microseconds: object) -> Any:  # noqa: ANN401 - or what is no instant, as it is
    if not isinstance(microseconds, int):
        return microseconds
    try:
        return written(_EPOCH + microseconds * _TICK)
    except OverflowError:
        return microseconds


def _id(stored: object) -> str:
    try:
        return str(UUID(str(stored)))
    except ValueError:
        return str(stored)


def _day(stored: object) -> object:
    return stored.isoformat() if isinstance(stored, date) else stored
