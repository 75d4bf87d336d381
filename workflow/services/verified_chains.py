"""Does the chain of a call hold, and does all that stands beside it?"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

import orjson
from sqlmodel import Session

from workflow.desk import SOFTWARE, Desk
from workflow.moves.families import TABLES
from workflow.register import Fault, Faults, Stored
from workflow.rules import reminders
from workflow.rules.calendar import ROME
from workflow.services import office, verified_erasures
from workflow.services import verified_rows as kept
from workflow.services.anchor_checks import Check
from workflow.services.claims import Claims
from workflow.services.expiries import LONGEST_PAUSE
from workflow.services.rights import letters_are_legible
from workflow.services.spills import Spills
from workflow.services.verified_ledgers import Ledger
from workflow.services.verified_rows import identity, printable, rows
from workflow.verification.abstentions import Abstentions
from workflow.verification.beside import Beside, RowKind
from workflow.verification.chains import Chain, euros
from workflow.verification.folds import Fold, Standing
from workflow.verification.funded import FundFold
from workflow.verification.judged import Judge
from workflow.verification.listed import ListFold
from workflow.verification.ranked import RankingFold
from workflow.verification.separations import Separations
from workflow.verification.tenures import CLOCKS_APART, Tenures

_TELLS_EVERY = 1_000
"""Entries between two words on how far it has come."""

_OF_FILE = re.compile(r"application ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
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
    nameless: int = 0
    """Applications whose applicant was erased: nobody can tell any more who filed."""
    unnamed: int = 0
    """Applications of which whoever verifies may not read who filed them."""
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


def silent(_done: int, _all: int) -> None:
    """Tell nobody how far it has come."""


class Reader:
    """Reads the calls one after the other, each from its first entry to its last."""

    def __init__(
        self,
        session: Session,
        room: Spills,
        *,
        desk: Desk,
        check: Check,
        tell: Progress,
    ) -> None:
        self._session, self._room, self._now = session, room, desk.ambient.now()
        self._check, self._tell = check, tell
        self.claims = Claims(session, room)
        staff, began = office.history(session)
        self._tenures = Tenures(staff, began)
        for act, officer in staff.brought:
            self.claims.of_office(act, officer)
        self._reads_letters = letters_are_legible(session)
        self._done = self._all = 0

    def verify_all(self, code: str | None) -> list[Verified]:
        """Check all calls, or the one with a code; nothing if there is none."""
        calls = rows(self._session, kept.CALLS).all()
        calls = [call for call in calls if code is None or call.code == code]
        heads = (call.head_seq for call in calls)
        self._all = sum(head for head in heads if isinstance(head, int))
        return [self._verify(call) for call in calls]

    def _verify(self, call: Any) -> Verified:  # noqa: ANN401 - a row
        session, family = self._session, _family(self._session, call)
        files = kept.Files(session, call.id, reads_letters=self._reads_letters)
        chain = _chain(self._room, call.code)
        self._read(call, chain, Judge(family, running=SOFTWARE))
        _compare_files(files, chain)
        if chain.erased and self._reads_letters:
            verified_erasures.check_letters(session, call, chain)
        verified_erasures.check_applicants(session, call, chain)
        _check_money(call, chain)
        _check_family(call, family, chain)
        _check_watch(session, call, chain, self._now)
        _check_waiting(session, call, chain)
        _check_waits(session, call, chain)
        chain.compare_call(kept.read(call))
        for kind in kept.BESIDE:
            chain.compare_rows(kind, kept.beside(session, kind, call))
        return Verified(
            printable(call.code),
            chain.seq,
            printable(chain.head),
            _with_protocols(session, chain.faults),
            erased=chain.erased if self._reads_letters else 0,
            erased_under=_maybe_printable(chain.beside.erased_under),
            unread=0 if self._reads_letters else chain.erased,
            nameless=chain.nameless if files.knows_who else 0,
            unnamed=0 if files.knows_who else chain.nameless,
            counts=chain.faults.counts,
        )

    def _read(self, call: Any, chain: Chain, judge: Judge) -> None:  # noqa: ANN401 - a row
        """Check the entries of a call, in their order."""
        ledger, faults, claims = Ledger(self._session, call), chain.faults, self.claims
        listed, people = ListFold(), self._people(call)
        funded = FundFold(chain.beside.rows["fund"])
        table = TABLES.get(str(call.family))
        is_ranked = table is not None and table.ranked is not None
        ranked = RankingFold(self._room.mapping(), self._room.mapping())
        for row in self._entries(call):
            seq, hashed, *_, stored = row
            if not isinstance(seq, int):
                faults.note(chain.seq, "an entry after it has no number", "gap")
                continue
            body = chain.feed(Stored(seq, hashed, kept.in_bytes(stored)))
            faults.note(seq, ledger.fault(seq, body), "ledger")
            if body is not None:
                if not kept.repeats(row, body):
                    told = "the columns beside it say something else"
                    faults.note(seq, told, "columns")
                chain.ask("move", judge.fault, seq, body)
                chain.ask("list", listed.feed, seq, body)
                chain.ask("fund", funded.feed, seq, body)
                if is_ranked:
                    chain.ask("ranking", ranked.feed, seq, body)
                chain.ask("officer", claims.of_officer, seq, body)
                chain.ask("act", claims.of_act, seq, body)
                chain.ask("authority", people, seq, body)
        chain.close(count=call.head_seq, head=call.head_hash)
        if fault := ledger.rest():
            faults.append(fault)

    def _people(self, call: Any) -> Callable[[Mapping[str, Any]], str | None]:  # noqa: ANN401 - a row
        """Return what says whether whoever made a move could make it then."""
        tenures, separations = self._tenures, self._separations(call)
        abstentions = Abstentions(call.family, self._room.mapping())

        def fault(body: Mapping[str, Any]) -> str | None:
            # These two follow every entry.
            separated, abstains = separations.fault(body), abstentions.fault(body)
            return tenures.fault(body) or separated or abstains

        return fault

    def _separations(self, call: Any) -> Separations:  # noqa: ANN401 - a row
        separated = {
            row.number: _separated(row.body)
            for row in rows(self._session, kept.RULES, call=call.id)
        }
        return Separations(call.family, separated, self._room.mapping())

    def _entries(self, call: Any) -> Iterator[Any]:  # noqa: ANN401 - a row
        """Read the entries of a call, and hold them against what the anchors saw."""
        check, seq = self._check, 0
        marks = check.marks(printable(call.code))
        for row in kept.entries(self._session, call.id):
            if isinstance(row[0], int):
                seq = row[0]
                marks.check(seq, row[1])
                check.saw(row[2])
            yield row
            self._count()
        marks.close(seq)

    def _count(self) -> None:
        self._done += 1
        if self._done % _TELLS_EVERY == 0:
            self._tell(self._done, self._all)


def _with_protocols(session: Session, faults: Faults) -> tuple[Fault, ...]:
    """Name the applications as people do, too, where faults name them."""
    found = {name for fault in faults for name in _OF_FILE.findall(fault.fault)}
    protocols = kept.protocols(session, found)

    def named(match: re.Match[str]) -> str:
        protocol = protocols.get(match[1])
        return f"application {protocol} ({match[1]})" if protocol else match[0]

    return tuple(
        replace(fault, fault=_OF_FILE.sub(named, fault.fault)) for fault in faults
    )


def _chain(room: Spills, code: str) -> Chain:
    """Return a chain that folds any number of files in the same memory."""
    files = room.groups()
    standings = files.mapping(pack=astuple, unpack=lambda said: Standing(*said))
    beside = Beside(protocols=room.mapping(), undated=room.mapping())
    for kind in _OF_FILES:
        beside.rows[kind] = files.mapping()
    beside.rows["fund"] = room.mapping()
    return Chain(code, fold=Fold(standings), beside=beside)


def _compare_files(files: kept.Files, chain: Chain) -> None:
    """Compare the files and all that is theirs, part by part."""
    for part in files.parts():
        chain.compare((_standing(row) for _, row in part), more=True)
        chain.compare_rows("application", part, more=True)
        for kind, found in files.beside(part):
            chain.compare_rows(kind, found, more=True)
    chain.compare(())
    for kind in _OF_FILES:
        chain.compare_rows(kind, ())


def _standing(row: Mapping[str, Any]) -> tuple[str, Standing]:
    return row["id"], Standing(
        row["state"], row["version"], row["reserved"], row["granted"]
    )


def _family(session: Session, call: Any) -> object:  # noqa: ANN401 - a row
    """Return which table of moves the frozen rules of a call name."""
    first = next(iter(rows(session, kept.RULES, call=call.id).all()), None)
    return _of_rules(first.body, "family") if first else None


def _check_money(call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    fold = chain.fold
    if (call.reserved, call.granted) != (fold.reserved, fold.granted):
        kept, summed = (call.reserved, call.granted), (fold.reserved, fold.granted)
        told = "; ".join(
            f"the call has {euros(had)} {name}, its entries add up to {euros(said)}"
            for name, had, said in zip(
                ("reserved", "granted"), kept, summed, strict=True
            )
            if had != said
        )
        chain.faults.note(0, told, "money")


def _check_family(call: Any, family: object, chain: Chain) -> None:  # noqa: ANN401 - a row
    if family is not None and call.family != family:
        told = f"the call has family {printable(call.family)}, its rules say {family}"
        chain.faults.note(0, told, "call")


def _check_watch(session: Session, call: Any, chain: Chain, now: datetime) -> None:  # noqa: ANN401 - a row
    """Find the terms that run and that no worker will look at in time."""
    latest = (now + LONGEST_PAUSE + CLOCKS_APART - _EPOCH) // _MICROSECOND
    for row in rows(session, kept.UNWATCHED, call=call.id, latest=latest):
        if _reminds(row.next_check, row.due_at):
            continue
        of_file = f"application {printable(identity(row.application_id))}"
        name = f"{of_file}: the term {printable(row.kind)}"
        told = f"{name} runs and nobody will look at its end"
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


def _check_waits(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Find who is said to owe an answer, or not to, against the steps that are open.

    Others may pass over whoever owes one.
    """
    for row in rows(session, kept.WAITS, call=call.id):
        owes = "owes" if row.waits_for_applicant else "does not owe"
        told = (
            f"application {identity(row.id)} {owes} an answer, its steps say otherwise"
        )
        chain.faults.note(0, told, "step")


def _check_waiting(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Compare the sum kept of what is asked for without money with the files.

    Where it is nothing nobody is promoted. What came by another channel than
    that of its rules holds no place.
    """
    channels = {
        row.number: _channel(row.body)
        for row in rows(session, kept.RULES, call=call.id)
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


def _separated(body: object) -> frozenset[str]:
    """Return what frozen rules separate; nothing if they do not say it."""
    roles = _of_rules(body, "roles")
    found = roles.get("separate") if isinstance(roles, dict) else None
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _of_rules(body: object, name: str) -> object:
    try:
        return cast("object", orjson.loads(kept.in_bytes(body))[name])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
