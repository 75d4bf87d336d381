"""Does the register hold, and does all that stands beside it?"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

import orjson
from sqlmodel import Session

from models.session import reading
from workflow.desk import SOFTWARE, Desk
from workflow.register import (
    Beside,
    Chain,
    Fault,
    Faults,
    Fold,
    RowKind,
    Standing,
    Stored,
)
from workflow.rules import reminders
from workflow.rules.calendar import ROME
from workflow.services import lookups, office
from workflow.services import verified_rows as kept
from workflow.services.anchor_checks import Anchored, Check
from workflow.services.claims import Claims
from workflow.services.office import VerifiedOffice
from workflow.services.rights import letters_are_legible
from workflow.services.spills import Spills, spills
from workflow.services.verified_ledgers import Ledger
from workflow.services.verified_rows import identity, printable, rows
from workflow.staff import OFFICE
from workflow.verification.judged import Judge
from workflow.verification.listed import ListFold

_TELLS_EVERY = 1_000
"""Entries between two words on how far it has come."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OF_FILES: tuple[RowKind, ...] = (
    "application",
    "term",
    "step",
    "partner",
    "notice",
)
"""Rows of which there are as many as files: they may not fit in memory."""

Progress = Callable[[int, int], None]
"""Is told how many entries were read, and of how many."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the register of a call holds, and what does not."""

    call: str
    entries: int
    head: str
    faults: tuple[Fault, ...]
    """Of each kind those that were found first."""
    erased: int = 0
    """Letters of which only the hash is left."""
    erased_under: str | None = None
    """The act that says so; without one nobody knows why they are gone."""
    unread: int = 0
    """Letters whose text whoever verifies may not read."""
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many faults of each kind there are in all."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not self.faults

    @property
    def first(self) -> tuple[tuple[Fault, int], ...]:
        """Return the first fault of each kind, and how many more there are."""
        firsts: dict[str, Fault] = {}
        for fault in self.faults:
            firsts.setdefault(fault.kind, fault)
        return tuple(
            (fault, self.counts.get(kind, 1) - 1) for kind, fault in firsts.items()
        )


@dataclass(frozen=True, slots=True)
class Examined:
    """Whether the chains hold, and the anchors that saw them."""

    calls: tuple[Verified, ...]
    anchors: Anchored
    office: VerifiedOffice | None = None
    """The chain of the officers; not looked at for one call alone."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        whole = self.office is None or self.office.ok
        return whole and self.anchors.ok and all(one.ok for one in self.calls)


def silent(_done: int, _all: int) -> None:
    """Tell nobody how far it has come."""


def examine(
    desk: Desk, code: str | None = None, *, tell: Progress = silent
) -> Examined:
    """Check chain, count, anchors, and that all that stands beside is as they say.

    Everything is read as it was at one moment, whoever writes meanwhile.

    Raises:
        RefusedError: there is no such call.
        UnavailableError: the file of the anchors cannot be read, or there is no room.
    """
    with spills() as room, reading(desk.engine, verbatim=True) as session:
        check = Check(session, desk.anchor_files, only=code)
        calls = rows(session, kept.CALLS).all()
        if code is not None:
            calls = [call for call in calls if call.code == code]
            if not calls:
                lookups.find_call(session, code)
        reader = _Reader(session, check, Claims(session, room), room, calls, tell)
        found, staff = [reader.verify(call) for call in calls], None
        if code is None:
            staff = office.verify(session, check.marks(OFFICE))
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


class _Reader:
    """Reads the calls one after the other, each from its first entry to its last."""

    def __init__(  # noqa: PLR0913, PLR0917 - what they have in common
        self,
        session: Session,
        check: Check,
        claims: Claims,
        room: Spills,
        calls: list[Any],
        tell: Progress,
    ) -> None:
        self._session, self._check, self.claims = session, check, claims
        self._room, self._tell = room, tell
        heads = (call.head_seq for call in calls)
        self._all = sum(head for head in heads if isinstance(head, int))
        self._done = 0

    def verify(self, call: Any) -> Verified:  # noqa: ANN401 - a row
        """Check one call."""
        session, chain = self._session, _chain(self._room, call.code)
        family = _family(session, call)
        self._read(call, chain, Judge(family, running=SOFTWARE))
        chain.compare(
            (
                identity(row.id),
                Standing(row.state, row.version, row.reserved, row.granted),
            )
            for row in rows(session, kept.STANDINGS, call=call.id)
        )
        _check_money(call, chain)
        _check_family(call, family, chain)
        _check_watch(session, call, chain)
        _check_waiting(session, call, chain)
        chain.compare_call(kept.read(call))
        reads_letters = letters_are_legible(session)
        for kind, query in kept.beside_queries(reads_letters=reads_letters).items():
            chain.compare_rows(kind, kept.beside(session, kind, query, call))
        return Verified(
            printable(call.code),
            chain.seq,
            printable(chain.head),
            tuple(chain.faults),
            erased=chain.erased if reads_letters else 0,
            erased_under=_maybe_printable(chain.beside.erased_under),
            unread=0 if reads_letters else chain.erased,
            counts=chain.faults.counts,
        )

    def _read(self, call: Any, chain: Chain, judge: Judge) -> None:  # noqa: ANN401 - a row
        """Check the entries of a call, in their order."""
        ledger = Ledger(self._session, call)
        marks = self._check.marks(printable(call.code))
        faults, claims, listed = chain.faults, self.claims, ListFold()
        for row in kept.entries(self._session, call.id):
            seq, hashed, at, *_, stored = row
            if not isinstance(seq, int):
                faults.note(chain.seq, "an entry after it has no number", "gap")
                continue
            body = chain.feed(Stored(seq, hashed, kept.in_bytes(stored)))
            marks.check(seq, hashed)
            self._check.saw(at)
            faults.note(seq, ledger.fault(seq, body), "ledger")
            if body is not None:
                if not kept.repeats(row, body):
                    told = "the columns beside it say something else"
                    faults.note(seq, told, "columns")
                chain.ask("move", judge.fault, seq, body)
                chain.ask("list", listed.feed, seq, body)
                chain.ask("officer", claims.of_officer, seq, body)
                chain.ask("act", claims.of_act, seq, body)
            self._count()
        chain.close(count=call.head_seq, head=call.head_hash)
        marks.close(chain.seq)
        if fault := ledger.rest():
            faults.append(fault)

    def _count(self) -> None:
        self._done += 1
        if self._done % _TELLS_EVERY == 0:
            self._tell(self._done, self._all)


def _chain(room: Spills, code: str) -> Chain:
    """Return a chain that folds any number of files in the same memory."""
    standings = room.mapping(pack=astuple, unpack=lambda said: Standing(*said))
    beside = Beside(protocols=room.mapping())
    for kind in _OF_FILES:
        beside.rows[kind] = room.mapping()
    return Chain(code, fold=Fold(standings), beside=beside)


def _without_call(session: Session) -> Iterator[Verified]:
    """Tell of chains whose call is gone."""
    for row in rows(session, kept.WITHOUT_CALL).all():
        fault = Fault(0, "its entries are there, the call itself is not", "call")
        yield Verified(printable(identity(row.call_id)), row.entries, "", (fault,))


def _family(session: Session, call: Any) -> object:  # noqa: ANN401 - a row
    """Return which table of moves the frozen rules of a call name."""
    first = next(iter(rows(session, kept.BESIDE["version"], call=call.id).all()), None)
    return _of_rules(first._asdict()["a content of hash"], "family") if first else None


def _check_money(call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    fold = chain.fold
    if (call.reserved, call.granted) != (fold.reserved, fold.granted):
        told = "the money of the call is not what its entries add up to"
        chain.faults.note(0, told, "money")


def _check_family(call: Any, family: object, chain: Chain) -> None:  # noqa: ANN401 - a row
    if family is not None and call.family != family:
        told = f"the call has family {printable(call.family)}, its rules say {family}"
        chain.faults.note(0, told, "call")


def _check_watch(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Find the terms that run and that no worker will ever look at."""
    for row in rows(session, kept.UNWATCHED, call=call.id):
        if _reminds(row.next_check, row.due_at):
            continue
        name = f"{printable(identity(row.application_id))} {printable(row.kind)}"
        told = f"the term {name} runs and nobody will look at its end"
        chain.faults.note(0, told, "watch")


def _reminds(next_check: object, due_at: object) -> bool:
    """Tell whether a worker looks at a term to remind of it, before its end."""
    if not isinstance(next_check, int) or not isinstance(due_at, int):
        return False
    try:
        local = (_EPOCH + next_check * _MICROSECOND).astimezone(ROME)
    except OverflowError:
        return False
    return next_check < due_at and local.time() == reminders.HOUR


def _check_waiting(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Compare the sum kept of what is asked for without money with the files.

    Where it is nothing nobody is promoted. What came by another channel than
    that of its rules holds no place.
    """
    channels = {
        row.number: _channel(row._asdict()["a content of hash"])
        for row in rows(session, kept.BESIDE["version"], call=call.id)
    }
    waiting = sum(
        row.requested
        for row in rows(session, kept.WITHOUT_MONEY, call=call.id)
        if row.channel == channels.get(row.call_version)
    )
    if call.waiting != waiting:
        chain.faults.note(
            0,
            f"the call has waiting {printable(call.waiting)}, its applications "
            f"without money ask for {waiting}",
            "waiting",
        )


def _maybe_printable(stored: str | None) -> str | None:
    return None if stored is None else printable(stored)


def _channel(body: object) -> object:
    """Return the channel of frozen rules; nothing if they make no sense."""
    filing = _of_rules(body, "filing")
    return filing.get("channel") if isinstance(filing, dict) else None


def _of_rules(body: object, name: str) -> object:
    try:
        return cast("object", orjson.loads(kept.in_bytes(body))[name])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
