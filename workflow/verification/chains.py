"""Does a chain hold, and is all that stands beside it as it says?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from models.canonical import CanonicalError, digest, encode, is_canonical
from workflow import filed
from workflow.register import GENESIS, Fault, Faults, Stored, shown
from workflow.verification.beside import TEXT_OF_LETTER, Beside, Key, RowKind
from workflow.verification.folds import Fold, Standing

_MONEY = frozenset(
    (
        *("allocation", "reserved", "granted", "waiting", "requested", "matured"),
        *("investment", "admitted_investment", "plan_investment", "asked"),
        *("amount", "free", "residual"),
    )
)


@dataclass
class Chain:
    """Checks the entries of a call one after the other, in order."""

    call: str
    seq: int = 0
    head: str = GENESIS
    fold: Fold = field(default_factory=Fold)
    beside: Beside = field(default_factory=Beside)
    faults: Faults = field(default_factory=Faults)
    erased: int = 0
    """Letters whose text is gone: personal data has its end, their hash stays."""
    nameless: int = 0
    """Applications of which nobody can tell any more, or us, who filed them."""
    _at: str = ""
    _faulty: dict[RowKind, set[Any]] = field(default_factory=dict)

    def feed(self, entry: Stored) -> Mapping[str, Any] | None:
        """Check an entry against the one before it; return what it says."""
        if entry.seq != self.seq + 1:
            self._fault(entry.seq, f"entry {self.seq + 1} is missing", "gap")
        self.seq = entry.seq
        body = self._read(entry)
        if body is not None:
            self._check(entry, body)
        self.head = entry.hash
        return body

    def _check(self, entry: Stored, body: Mapping[str, Any]) -> None:
        if digest(entry.body) != entry.hash:
            self._fault(entry.seq, "its content does not match its hash", "content")
        if body.get("previous") != self.head:
            self._fault(entry.seq, "it does not follow the entry before it", "link")
        if body.get("call") != self.call or body.get("seq") != entry.seq:
            self._fault(entry.seq, "it belongs to another call or place", "place")
        at = body.get("at")
        if isinstance(at, str):
            if at < self._at:
                told = "it is dated before the entry before it"
                self._fault(entry.seq, told, "instant")
            self._at = at
        self.ask("fold", self.fold.feed, entry.seq, body)
        self.ask("beside", self.beside.feed, entry.seq, body)

    def ask(
        self,
        kind: str,
        feed: Callable[[Mapping[str, Any]], str | None],
        seq: int,
        body: Mapping[str, Any],
    ) -> None:
        """Note what somebody finds wrong with an entry, also if it makes no sense."""
        try:
            fault = feed(body)
        except KeyError as error:
            fault = f"it lacks what an entry must say: {error}"
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            fault = "it says something in a form that no entry has"
        self.faults.note(seq, fault, kind)

    def _read(self, entry: Stored) -> Mapping[str, Any] | None:
        try:
            body = orjson.loads(entry.body)
            if isinstance(body, dict) and is_canonical(entry.body, body):
                return body
            encode(body)
        except (orjson.JSONDecodeError, CanonicalError):
            self._fault(entry.seq, "it cannot be read", "unreadable")
        else:
            self._fault(entry.seq, "it is not in canonical form", "form")
        return None

    def close(self, *, count: int, head: str) -> None:
        """Compare the chain with the count and the head kept beside the call."""
        if self.seq != count:
            told = f"{count} entries were written, {self.seq} are there"
            self._fault(self.seq, told, "count")
        if self.head != head:
            told = "the last entry is not the head of the call"
            self._fault(self.seq, told, "head")

    def compare(
        self, applications: Iterable[tuple[str, Standing]], *, more: bool = False
    ) -> None:
        """Compare where the applications stand with what the entries say, and forget.

        Unless *more* of them come later, what is left is in the entries only.
        """
        folded = self.fold.applications
        for identity, actual in applications:
            told = folded.pop(identity, None)
            if told is None:
                self._fault(0, f"application {identity} has no entry", "state")
            elif told != actual:
                differs = difference(asdict(told), asdict(actual))
                self._fault(0, f"application {identity} {differs}", "state")
        for identity in () if more else folded:
            told_only = f"application {shown(identity)} is in the entries only"
            self._fault(0, told_only, "state")

    def compare_call(self, actual: Mapping[str, Any]) -> None:
        """Compare the row of the call with what the entries say of it."""
        if differs := difference(self.beside.call, actual):
            self._fault(0, f"the call {differs}", "call")

    def compare_rows(
        self,
        kind: RowKind,
        rows: Iterable[tuple[Key, Mapping[str, Any]]],
        *,
        more: bool = False,
    ) -> None:
        """Compare rows of a kind with what was said last of each, and forget that.

        One fault for each file is enough: whoever looks at it sees the others. Unless
        *more* of them come later, what is left is in the entries only.
        """
        told, known = self.beside.rows[kind], kind == "application"
        faulty = self._faulty.setdefault(kind, set())
        for key, actual in rows:
            said = told.pop(key, None)
            if said and known:
                self.forgive(said, actual)
            if said and kind == "notice" and key[:2] in self.beside.undated:
                for name in ("delivered_at", "delivered", "receipt"):
                    del said[name]
            if said and kind == "notice" and actual.get(TEXT_OF_LETTER) is None:
                self.erased += said.pop(TEXT_OF_LETTER, None) is not None
            if said is None:
                differs = "" if known else "is in no entry"
            else:
                differs = difference(said, actual)
            if differs and key[0] not in faulty:
                faulty.add(key[0])
                self._fault(0, f"{_name(kind, key)} {differs}", kind)
        for key in () if known or more else told:
            if key[0] not in faulty:
                faulty.add(key[0])
                self._fault(0, f"{_name(kind, key)} is in the entries only", kind)

    def forgive(self, said: dict[str, Any], actual: Mapping[str, Any]) -> None:
        """Leave aside what cannot be compared: who was erased, or may not be read."""
        if filed.WHO in said and filed.WHO not in actual:
            self.nameless += 1
            for name in (filed.WHO, filed.PAPERS, filed.AIDS):
                if name not in actual:
                    del said[name]

    def _fault(self, seq: int, fault: str, kind: str) -> None:
        self.faults.append(Fault(seq, fault, kind))


def difference(told: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    """Say in which columns a row is not what was told of it; nothing if in none."""
    if told.items() <= actual.items():
        return ""
    return "; ".join(
        f"has {name} {_written(name, actual[name])}, the register says "
        f"{_written(name, said)}"
        for name, said in told.items()
        if actual[name] != said
    )


def _written(name: str, value: object) -> str:
    return euros(value) if name in _MONEY else shown(value)


def euros(cents: object) -> str:
    """Write an amount as people do, whatever stands in its place."""
    if type(cents) is not int:
        return shown(cents)
    return f"{'-' * (cents < 0)}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _name(kind: RowKind, key: Key) -> str:
    first, *rest = map(shown, key)
    last = " ".join(rest)
    named: Mapping[RowKind, str] = {
        "version": f"version {first} of the rules",
        "opening": f"opening {first} of the call",
        "malfunction": f"malfunction {first} of the call",
        "draw": f"the draw of {first}",
        "ranking": f"version {first} of the ranking",
        "ranked_place": f"place {last} of version {first} of the ranking",
        "fund": f"the sum that entry {first} made available",
        "list": f"version {first} of the list",
        "listed": f"version {first} of the list, {last}",
        "application": f"application {first}",
    }
    return named.get(kind, f"application {first}: {kind} {last}")
