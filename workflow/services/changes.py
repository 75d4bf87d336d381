"""What changed between two moments, by the register alone?"""

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.session import reading
from models.tables import Call
from models.vocabulary import CallState, Outcome
from workflow.desk import Desk
from workflow.errors import InputError
from workflow.services import histories, lookups, moments
from workflow.services.chronicles import Chronicle, Overtaking
from workflow.services.moments import Cut, Moment
from workflow.services.past_files import PastFile, PastTerm


@dataclass(frozen=True, slots=True)
class Balance:
    """The money of a call at a moment, in cents."""

    allocation: int
    reserved: int
    granted: int

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted


@dataclass(frozen=True, slots=True)
class Stand:
    """How a call stood at one of the two moments."""

    cut: Cut
    state: CallState | None
    """None before its first entry."""
    version: int
    money: Balance


@dataclass(frozen=True, slots=True)
class FileChange:
    """An application that moved between the two moments."""

    before: PastFile | None
    """None if it was not there yet."""
    after: PastFile
    entries: tuple[Mapping[str, Any], ...]
    """By which it moved."""

    @property
    def changes_state(self) -> bool:
        """Tell whether it stands elsewhere afterwards."""
        return self.before is not None and self.before.stands is not self.after.stands

    @property
    def started(self) -> tuple[PastTerm, ...]:
        """The terms that began in between."""
        known = self.before.terms if self.before else {}
        return tuple(term for key, term in self.after.terms.items() if key not in known)

    @property
    def ended(self) -> tuple[PastTerm, ...]:
        """The terms that were over afterwards, and had not been before."""
        known = self.before.terms if self.before else {}
        return tuple(
            term
            for key, term in self.after.terms.items()
            if not term.is_going and (key not in known or known[key].is_going)
        )

    @property
    def moved(self) -> tuple[tuple[PastTerm, PastTerm], ...]:
        """The terms that go on, with another end."""
        known = self.before.terms if self.before else {}
        return tuple(
            (known[key], term)
            for key, term in self.after.terms.items()
            if key in known and term.is_going and term.due_at != known[key].due_at
        )


@dataclass(frozen=True, slots=True)
class CallChange:
    """What changed in a call between two moments."""

    call: str
    before: Stand
    after: Stand
    acts: tuple[Mapping[str, Any], ...]
    """The entries about the call itself."""
    files: tuple[FileChange, ...]
    overtakings: tuple[Overtaking, ...]
    refused: int

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all was written in between."""
        return not (self.acts or self.files or self.refused)


def between(
    desk: Desk, since: Moment, until: Moment, target: str | None
) -> tuple[CallChange, ...]:
    """Tell what changed between two moments, in one call, one file or all calls.

    Each chain is read once, up to the later moment.

    Raises:
        RefusedError: no such call or application, or a moment is still to come.
        InputError: the first moment is after the second one.
        TamperedError: an entry cannot be read.
    """
    _refuse_backwards(since.at, until.at)
    if target is None and (since.seq is not None or until.seq is not None):
        raise InputError(
            "range.of_nothing",
            "an entry is one of one call: name the call or the application too",
        )
    with reading(desk.engine) as session:
        if target is None:
            calls = session.exec(select(Call).order_by(col(Call.code))).all()
            found = [_of_call(session, desk, one, since, until) for one in calls]
            return tuple(one for one in found if not one.is_empty)
        call = session.exec(select(Call).where(Call.code == target)).first()
        if call is not None:
            return (_of_call(session, desk, call, since, until),)
        row = lookups.find_application(session, target)
        call = session.get_one(Call, row.call_id)
        return (_of_call(session, desk, call, since, until, only=row.id),)


def _refuse_backwards(since: Any, until: Any) -> None:  # noqa: ANN401 - what can be ordered
    if since is not None and until is not None and since > until:
        raise InputError(
            "range.backwards",
            "FROM is after TO: nothing is between them; exchange the two",
        )


def _of_call(  # noqa: PLR0913 - which call, which file, from when to when
    session: Session,
    desk: Desk,
    call: Call,
    since: Moment,
    until: Moment,
    *,
    only: UUID | None = None,
) -> CallChange:
    start = moments.cut_or_nothing(session, desk, call, since)
    end = moments.cut_or_nothing(session, desk, call, until)
    _refuse_backwards(start.seq, end.seq)
    if only is None:
        told = moments.told_until(session, call, start.seq)
        bodies = histories.between(session, call.id, after=start.seq, until=end.seq)
    else:
        told, _ = moments.told_of_file(session, call, only, start.seq)
        bodies = _of_file(session, call, only, start, end)
    before = _stand(told, start)
    overtaken = len(told.overtakings)
    touched, entries, acts = _follow(told, bodies)
    if only is not None:
        told.reserved, told.granted = moments.money_at(session, call.id, end.seq)
    return CallChange(
        call.code,
        before,
        _stand(told, end),
        tuple(acts),
        tuple(
            FileChange(touched[one], told.files[one], tuple(entries[one]))
            for one in sorted(touched, key=lambda one: _arrival(told.files[one]))
        ),
        tuple(told.overtakings[overtaken:]),
        histories.refused(session, call.id, only, after=start.seq, until=end.seq),
    )


def _of_file(
    session: Session, call: Call, application: UUID, start: Cut, end: Cut
) -> Iterator[dict[str, Any]]:
    told = histories.of_file_and_call(session, call.id, application, until=end.seq)
    for body in told:
        if body["seq"] > start.seq and body["outcome"] == Outcome.OK:
            yield body


_Entries = dict[str, list[Mapping[str, Any]]]


def _follow(
    told: Chronicle, bodies: Iterator[dict[str, Any]]
) -> tuple[dict[str, PastFile | None], _Entries, list[Mapping[str, Any]]]:
    """Add entries up; return how each file that moves stood before, and by what."""
    touched: dict[str, PastFile | None] = {}
    entries: _Entries = {}
    acts: list[Mapping[str, Any]] = []
    for body in bodies:
        identity = body["application"]
        if identity is None:
            acts.append(body)
        elif identity not in touched:
            touched[identity] = _copied(told.files.get(identity))
        told.feed(body)
        if identity is not None:
            entries.setdefault(identity, []).append(_brief(body))
    return touched, entries, acts


def _arrival(file: PastFile) -> tuple[bool, tuple[Any, ...]]:
    """Put files in the order of their arrival; drafts come last."""
    return file.key is None, astuple(file.key) if file.key else (file.application,)


def _copied(file: PastFile | None) -> PastFile | None:
    if file is None:
        return None
    beside = (dict(file.stated), dict(file.terms), dict(file.steps))
    before = replace(file, stated=beside[0], terms=beside[1], steps=beside[2])
    return replace(before, conflicts=[*file.conflicts])


def _brief(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep of an entry what names it: a million of them may be in between."""
    return {name: body[name] for name in ("seq", "at", "event", "act")}


def _stand(told: Chronicle, cut: Cut) -> Stand:
    money = Balance(told.allocation, told.reserved, told.granted)
    return Stand(cut, told.stands if told.seq else None, told.version, money)
