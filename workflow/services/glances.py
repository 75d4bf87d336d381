"""Does the chain of a call hold, for whoever only wants to know whether it does?

What `verified_chains` checks entry by entry is checked here in the shortest way, for
registers that are long. Nothing is told of what is wrong: at the first thing that is
not as it always is somebody else reads all of it again. So this may doubt too much,
and never too little; tests hold the two against each other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, cast

import orjson
from sqlmodel import Session

from models.canonical import is_canonical
from models.vocabulary import ApplicationState, Event, Outcome
from workflow.register import TELLING, UNTOLD, Chain, RowKind
from workflow.services import verified_rows as kept
from workflow.services.claims import Claims
from workflow.services.spills import Spills
from workflow.services.verified_ledgers import Ledger
from workflow.verification.judged import Judge

_TAIL = b',"simulated":'
"""From here on an entry says what many others of the same day do: which terms run."""

_TAILS = 500
"""Of these, how many are kept."""

_BEFORE_TAIL = "seq"
_OF_OTHERS = frozenset(
    {
        Event.CHANGE_ON_LIST,
        Event.CHANGE_PARTNERS,
        Event.ENTER_LIST,
        Event.LEAVE_LIST,
    }
)
"""Moves by which a file says something of other files, or of other people: in these
somebody else looks."""
_STATE, _VERSION, _RESERVED, _GRANTED, _ROW, _TERMS, _STEPS, _LETTERS = range(8)
"""What is kept of a file; plain values only, so that it can be put aside."""

_due = lru_cache(maxsize=4_096)(kept.instant)  # many terms end with the same day


class DoubtError(Exception):
    """Something may not hold, or cannot be read like this."""


NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What is raised where a row or an entry has a form that none has."""


@dataclass(frozen=True, slots=True)
class _Tail:
    """The second part of an entry, and what it says of the rows of any file."""

    body: dict[str, Any]
    terms: list[tuple[object, object]]
    steps: list[tuple[object, object]]


class Glance:
    """Reads one call; what is about the call itself it leaves in the chain."""

    def __init__(
        self,
        session: Session,
        call: Any,  # noqa: ANN401 - a row
        chain: Chain,
        room: Spills,
        people: Callable[[Mapping[str, Any]], str | None],
    ) -> None:
        self._chain, self._ledger = chain, Ledger(session, call)
        self._people = people
        self._files = room.mapping()
        self._tails: dict[bytes, _Tail] = {}
        self._rules: set[tuple[object, object]] = set()
        self._judged: set[tuple[object, ...]] = set()
        self._at = ""

    def take(self, row: Any, judge: Judge, claims: Claims) -> None:  # noqa: ANN401 - a row
        """Take in the next entry.

        Raises:
            DoubtError: it may not hold; anything of `NONSENSE` means the same.
        """
        if row[7]:
            self._take(row, judge, claims)
        else:
            self._pass_over(row)

    def close(self, *, count: int, head: str) -> None:
        """Take in that there are no more.

        Raises:
            DoubtError: some are missing.
        """
        chain = self._chain
        _hold(chain.seq == count and chain.head == head and not self._ledger.rest())

    def _pass_over(self, row: Any) -> None:  # noqa: ANN401 - a row
        seq, hashed, at, _, event, outcome, *_ = row
        chain, written = self._chain, str(kept.instant(at))
        _hold(seq == chain.seq + 1 and self._at <= written)
        self._at, chain.seq, chain.head = written, seq, hashed
        chain.beside.call["filed"] += event == Event.SUBMIT and outcome == Outcome.OK
        chain.fold.add(*self._ledger.moved(seq))

    def _take(self, row: Any, judge: Judge, claims: Claims) -> None:  # noqa: ANN401 - a row
        seq, hashed, at, application, event, outcome, officer, _, stored = row
        chain, content = self._chain, kept.in_bytes(stored)
        _hold(seq == chain.seq + 1 and sha256(content).hexdigest() == hashed)
        body, tail = self._read(content)
        said_at, money = body["at"], body["money"]
        _hold(
            body["previous"] == chain.head
            and body["seq"] == seq
            and body["call"] == chain.call
            and said_at == kept.instant(at)
            and self._at <= said_at
            and body["event"] == event
            and body["outcome"] == outcome
            and body["application"] == kept.identity(application)
            and body["actor"]["id"] == kept.identity(officer)
        )
        self._at, chain.seq, chain.head = said_at, seq, hashed
        self._judge(body, tail, judge)
        _hold(claims.of_officer(body) is None and self._people(body) is None)
        if body["act"] is not None:
            _hold(claims.of_act(body) is None)
        if application is None:
            self._take_of_call({**body, **tail.body})
        else:
            number = body["call_version"]
            _hold(number is None or (number, body["rules"]) in self._rules)
            if outcome == Outcome.OK:
                self._take_of_file(body, tail)
        if self._ledger.waits_for(seq) or (money is not None and money["movements"]):
            _hold(self._ledger.fault(seq, body) is None)

    def _read(self, content: bytes) -> tuple[dict[str, Any], _Tail]:
        """Read an entry in two parts, of which the second is nearly always known.

        Each is an object in canonical form, and the keys of the second come after
        those of the first: so is the whole.
        """
        cut = content.rindex(_TAIL)
        ending = content[cut:]
        tail = self._tails.get(ending)
        if tail is None:
            if len(self._tails) >= _TAILS:
                self._tails.clear()
            tail = self._tails[ending] = _tail(_canonical(b"{" + ending[1:]))
        body = _canonical(content[:cut] + b"}")
        _hold(next(reversed(body)) == _BEFORE_TAIL)
        return body, tail

    def _judge(self, body: dict[str, Any], tail: _Tail, judge: Judge) -> None:
        """Have a move judged once, however often it was made."""
        actor = body["actor"]
        key = (
            body["application"] is None,
            body["outcome"],
            body["event"],
            body["from"],
            tail.body["to"],
            actor["kind"],
            actor["id"] is None,
            actor["role"],
            tail.body["software"],
        )
        if key not in self._judged:
            _hold(judge.fault({**body, **tail.body}) is None)
            self._judged.add(key)

    def _take_of_call(self, body: dict[str, Any]) -> None:
        """Take in what is about the call: there is little, and it is done with care."""
        beside = self._chain.beside
        _hold(self._chain.fold.feed(body) is None and beside.feed(body) is None)
        versions = beside.rows["version"].items()
        self._rules = {(key[0], said["fingerprint"]) for key, said in versions}
        for (identity, *name), said in beside.rows["notice"].items():
            letters = self._file(identity)[_LETTERS]
            letters[tuple(name)] = said["entry_seq"], said.get("digest")
        beside.rows["notice"].clear()

    def _take_of_file(self, body: dict[str, Any], tail: _Tail) -> None:
        fold, money = self._chain.fold, body["money"]
        file = self._file(body["application"])
        version = tail.body["version"]
        _hold(body["from"] == file[_STATE] and version == file[_VERSION] + 1)
        _hold(body["event"] not in _OF_OTHERS)
        file[_STATE], file[_VERSION] = tail.body["to"], version
        if money is not None:
            for moved in money["movements"]:
                file[_RESERVED] += moved["reserved"]
                file[_GRANTED] += moved["granted"]
            _hold(fold.count_money(money) is None)
        said = file[_ROW]
        said["call_version"] = body["call_version"]
        if body["event"] in TELLING:
            _hold("partnership" not in body["findings"])
            self._chain.beside.tell(said, body)
        file[_TERMS].update(tail.terms)
        file[_STEPS].update(tail.steps)
        for item in body["notices"] or ():
            letter = item["letter"], item["id"]
            file[_LETTERS][letter] = body["seq"], item.get("sha256")

    def _file(self, identity: str) -> list[Any]:
        file = self._files.get(identity)
        if file is None:
            file = [ApplicationState.DRAFT.value, 0, 0, 0, dict(UNTOLD), {}, {}, {}]
            self._files[identity] = file
        return cast("list[Any]", file)

    def compare(self, files: kept.Files) -> None:
        """Compare what is kept of the files with what was told of them.

        Raises:
            DoubtError: something may differ; anything of `NONSENSE` means the same.
        """
        for part in files.parts():
            told = {row["stored"]: self._files.pop(row["id"]) for _, row in part}
            for _, row in part:
                self._chain.forgive(told[row["stored"]][_ROW], row)
                _compare_file(told[row["stored"]], row)
            for kind, found in files.plain(part):
                if kind == "notice":
                    self._compare_letters(told, found)
                elif kind == "partner":
                    _hold(not any(True for _ in found))
                else:
                    _compare_rows(kind, told, found)
            _hold(not any(any(file[_TERMS:]) for file in told.values()))
        _hold(not any(True for _ in self._files))

    def _compare_letters(
        self, told: dict[str, list[Any]], found: Iterable[Any]
    ) -> None:
        for application, letter, identity, seq, kept_digest, text in found:
            name = letter, kept.hyphenated(identity)
            said_seq, said_digest = told[application][_LETTERS].pop(name)
            _hold(seq == said_seq)
            if said_digest is None:  # letters had no text before version 0.4
                continue
            _hold(kept_digest == said_digest)
            if text is None:
                self._chain.erased += 1
            else:
                _hold(sha256(kept.in_bytes(text)).hexdigest() == said_digest)


def _tail(body: dict[str, Any]) -> _Tail:
    """Say what the second part of an entry tells, in the order of the columns."""
    return _Tail(
        body,
        [
            (
                (one["kind"], one["ordinal"]),
                (
                    one["status"],
                    one["due_at"],
                    one["starts_on"],
                    one["suspended_days"],
                ),
            )
            for one in body["terms"] or ()
        ],
        [
            (
                (one["kind"], one["ordinal"]),
                (one["status"], one["outcome"], one["subject"]),
            )
            for one in body["steps"] or ()
        ],
    )


def _compare_file(told: list[Any], row: Mapping[str, Any]) -> None:
    _hold(
        told[_VERSION] > 0
        and told[:_ROW]
        == [row["state"], row["version"], row["reserved"], row["granted"]]
        and told[_ROW].items() <= row.items()
    )


def _compare_rows(
    kind: RowKind, told: dict[str, list[Any]], found: Iterable[Any]
) -> None:
    if kind == "term":
        for application, name, ordinal, status, due_at, starts_on, days in found:
            said = told[application][_TERMS].pop((name, ordinal))
            _hold(said == (status, _due(due_at), starts_on, days))
    else:
        for application, name, ordinal, *rest in found:
            said = told[application][_STEPS].pop((name, ordinal))
            _hold(said == tuple(rest))


def _canonical(content: bytes) -> dict[str, Any]:
    body = orjson.loads(content)
    _hold(type(body) is dict and is_canonical(content, body))
    return cast("dict[str, Any]", body)


def _hold(holds: object) -> None:
    if not holds:
        raise DoubtError
