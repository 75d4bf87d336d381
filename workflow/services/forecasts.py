"""What would the workers do by an instant, if nobody did anything meanwhile?

They do it, on a copy of what they would look at and by a clock that jumps from one
due instant to the next: so it is the same code that does it in earnest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from config.logs import log
from models.scratch import scratch_database
from models.session import reading, transaction
from models.tables import Application, Call, RegisterEntry, Term
from models.vocabulary import (
    ApplicationState,
    CallEvent,
    CallState,
    Event,
    Letter,
    Role,
    TermKind,
)
from workflow.ambient import FrozenAmbient
from workflow.desk import Desk
from workflow.errors import InputError
from workflow.moves import calls
from workflow.moves.words import rome
from workflow.rules.windows import next_due
from workflow.services import copies, histories, lookups, sweep
from workflow.services.call_moves import agenda_of
from workflow.services.clocks import agreed
from workflow.services.windows import Applied

_OURS = 1 << 73
"""Where our identifiers begin: those that are copied end before, but by a chance
that is as good as none."""

_NO_PROGRESS = "sweep.no_progress"
_DRAFT_STAYS = "draft.not_expired"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that the workers would do, or try to do."""

    at: datetime
    """The instant as of which it would be done."""
    call: str
    application: str | None
    """None for what concerns the call as a whole."""
    event: CallEvent | Event | None
    """None if it would fail."""
    term: TermKind | None = None
    """The term that it is about."""
    wakes: Role | None = None
    """Who would have to act then."""
    instead_of: Event | None = None
    """What the call declares for the end of the term, and is not possible then."""
    letters: tuple[Letter, ...] = ()
    version: int | None = None
    """The version that takes effect."""
    fault: str | None = None
    """Why it would fail: it would be put aside, and tried again now and then."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """All that would be done between two instants, and what is late at the first."""

    now: datetime
    until: datetime
    effects: tuple[Effect, ...]


def forecast(desk: Desk, *, until: datetime, code: str | None = None) -> Forecast:
    """Tell what the workers would do by an instant, in all calls or in one.

    Nothing is written, and nobody is kept from working meanwhile.

    Raises:
        InputError: the instant is over.
        RefusedError: there is no such call.
        TamperedError: the rules of a call are not what was frozen.
    """
    with scratch_database() as scratch:
        now = _copied(desk, scratch, code=code, until=until)
        clock = FrozenAmbient(now, seed=_OURS)
        there = replace(desk, engine=scratch, ambient=clock, typed_at=now)
        log.bind(forecast=True)  # or somebody would look for it in the real files
        try:
            effects = [
                effect
                for call in _codes(scratch)
                for effect in _Played(there, clock, call, now=now, until=until)
            ]
        finally:
            log.forget()
    return Forecast(now, until, tuple(sorted(effects, key=lambda one: one.at)))


def _copied(
    desk: Desk, scratch: Engine, *, code: str | None, until: datetime
) -> datetime:
    """Copy what is needed, as it stands at one moment; return the instant it is."""
    with reading(desk.engine) as source:
        now = agreed(source, desk)
        if until < now:
            raise InputError(
                "forecast.past",
                f"{rome(until.replace(microsecond=0))} is over, in Rome it is "
                f"{rome(now.replace(microsecond=0))}: name an instant to come; what "
                "was done so far is told by `sportello log show`",
            )
        if code is not None:
            lookups.find_call(source, code)
        with transaction(scratch) as session:
            copies.copy_calls(source, session, code=code, until=until)
    return now


def _codes(scratch: Engine) -> Sequence[str]:
    with reading(scratch) as session:
        return session.exec(select(Call.code).order_by(col(Call.code))).all()


class _Played:
    """One call of the copy, from due instant to due instant."""

    def __init__(
        self,
        desk: Desk,
        clock: FrozenAmbient,
        code: str,
        *,
        now: datetime,
        until: datetime,
    ) -> None:
        self._desk, self._clock, self._code = desk, clock, code
        self._now, self._until = now, until
        self._told = self._head()
        self._stuck: set[str] = set()

    def __iter__(self) -> Iterator[Effect]:
        """Do what is due at each instant, and tell it.

        What fails is told once: it would fail again and again, and nothing else
        would come of it.
        """
        at: datetime | None = self._now
        while at is not None:
            self._clock.move_to(at)
            swept = sweep.sweep_call(self._desk, self._code)
            with transaction(self._desk.engine) as session:
                call = lookups.find_call(session, self._code)
                effects = [
                    *self._done(session, call, swept.applied),
                    *self._put_aside(session, call),
                ]
                following = self._next(session, call)
            yield from effects
            if swept.remaining or (not effects and following == at):
                fault = swept.failed[0].code if swept.failed else _NO_PROGRESS
                yield self._failed(None, None, fault)
                return
            at = following

    def _head(self) -> int:
        with reading(self._desk.engine) as session:
            return lookups.find_call(session, self._code).head_seq

    def _done(
        self, session: Session, call: Call, applied: Sequence[Applied]
    ) -> Iterator[Effect]:
        """Tell each entry that the sweep has written.

        What follows from another one, as a promotion does, is done with it.
        """
        done = {one.seq: one for one in applied}
        found = session.exec(
            select(RegisterEntry.seq, RegisterEntry.body)
            .where(RegisterEntry.call_id == call.id)
            .where(RegisterEntry.seq > self._told)
            .order_by(col(RegisterEntry.seq))
        )
        at = self._clock.now()
        for seq, body in found:
            entry, one = histories.content(seq, body), done.get(seq)
            at = one.due_at if one else at
            yield _effect(at, entry, one)
            self._told = seq

    def _put_aside(self, session: Session, call: Call) -> Iterator[Effect]:
        """Tell what could not be done, and do not try it again."""
        failed = session.exec(
            select(Term, Application)
            .join(Application, col(Application.id) == col(Term.application_id))
            .where(Term.call_id == call.id)
            .where(col(Term.attempts) > 0)
            .where(col(Term.next_check).is_not(None))
            .order_by(col(Application.filed_seq), col(Term.kind))
        ).all()
        for term, application in failed:
            yield self._failed(lookups.named(application), term.kind, term.fault)
            term.next_check = None
        if call.state not in {CallState.CLOSED, CallState.CONCLUDED}:
            return
        drafts = session.exec(
            select(Application.portal_id)
            .where(Application.call_id == call.id)
            .where(Application.state == ApplicationState.DRAFT)
            .order_by(col(Application.portal_id))
        )
        for draft in drafts:
            if draft not in self._stuck:
                self._stuck.add(draft)
                yield self._failed(draft, None, _DRAFT_STAYS)

    def _failed(
        self, application: str | None, term: TermKind | None, fault: str | None
    ) -> Effect:
        return Effect(
            self._clock.now(), self._code, application, None, term, fault=fault
        )

    def _next(self, session: Session, call: Call) -> datetime | None:
        """Return the next instant at which something is due, if it is in time.

        A draft has none of its own: it expires with the window.
        """
        term = session.exec(
            select(func.min(col(Term.next_check))).where(Term.call_id == call.id)
        ).one()
        instants = [term] if term else []
        if window := next_due(agenda_of(session, call), self._until):
            closing = window.event is CallEvent.CLOSE_CALL
            # The instant of closing itself is still open.
            instants.append(window.at + datetime.resolution * closing)
        due = min((at for at in instants if at <= self._until), default=None)
        return max(due, self._clock.now()) if due else None


def _effect(at: datetime, entry: Mapping[str, Any], one: Applied | None) -> Effect:
    of_call = entry["application"] is None
    found = entry["findings"]
    applies = entry["event"] == CallEvent.APPLY_VERSION
    return Effect(
        at=at,
        call=entry["call"],
        application=one.application if one else entry["protocol"],
        event=CallEvent(entry["event"]) if of_call else Event(entry["event"]),
        term=_term(entry),
        wakes=Role(found["wakes"]) if "wakes" in found else None,
        instead_of=Event(found["instead_of"]) if "instead_of" in found else None,
        letters=_letters(entry),
        version=entry["call_version"] if applies else None,
    )


def _letters(entry: Mapping[str, Any]) -> tuple[Letter, ...]:
    """Return the letters of an entry; one of a call is written to many."""
    if entry["application"] is not None:
        return tuple(Letter(notice["letter"]) for notice in entry["notices"])
    rows = calls.TABLE.of_event(CallEvent(entry["event"]))
    return rows[0].letters


def _term(entry: Mapping[str, Any]) -> TermKind | None:
    """Return the term that an entry is about: the one stated, or that has ended."""
    if stated := entry["inputs"].get("term"):
        return TermKind(stated)
    ended = (term["kind"] for term in entry["terms"] if term["change"] in _ENDED)
    kind = next(ended, None)
    return TermKind(kind) if kind else None


_ENDED = {"expired", "met"}
