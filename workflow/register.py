"""What does an entry of the register look like, and does the chain hold?

An entry is canonical JSON (RFC 8785) that names the hash of the entry before
it; its own hash is the SHA-256 of those bytes. Pure: no database, no clock.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import orjson

from models.canonical import CanonicalError, digest, encode, is_canonical
from models.vocabulary import (
    ApplicationState,
    CallEvent,
    CallState,
    Event,
    Outcome,
)
from workflow import filed

FORMAT = 1
"""The version of the form of an entry; it stands in each of them."""

GENESIS = "0" * 64
"""What the first entry of a call names as the hash before it."""

RowKind: TypeAlias = Literal[
    "version",
    "opening",
    "malfunction",
    "draw",
    "ranking",
    "ranked_place",
    "fund",
    "application",
    "term",
    "step",
    "partner",
    "notice",
    "list",
    "listed",
]
"""Rows that stand beside the register, and of which its entries tell."""

Key: TypeAlias = "tuple[Any, ...]"
"""What names such a row: first of all, the application it belongs to."""

LOADING = (
    CallEvent.LOAD_CALL,
    CallEvent.CHANGE_CALL,
    CallEvent.EXTEND_CALL,
    CallEvent.REFINANCE_CALL,
)
"""Events that add a version of the call."""

TEXT_OF_LETTER = "a text of hash"
"""The column, so called in faults, of the text of a letter; none once it is erased."""

_OF_COUNTER = ("suspended_for", "reopens_at", "closed_at")
_OF_OPENING = ("opened_at", "ended_at")
_OF_MALFUNCTION = ("began_at", "ended_at", "evidence", "decision")
_NOBODY: Mapping[str, Any] = {"partners": ()}
_PLACE = ("received_at", "protocol_year", "protocol_number")
_OF_GRANT = ("cor", "cup", "cor_on", "cup_on")
_UNTOLD: Mapping[str, int | None] = MappingProxyType(
    {"matured": 0}
    | dict.fromkeys(
        (
            *_PLACE,
            *("filed_seq", "rank", "score", "asked"),
            *_OF_GRANT,
            *("published_on", "started_on", "plan_investment"),
            *("granted_on", "admitted_investment"),
        )
    )
)
"""What stands in the row of an application of which nothing was told yet."""

_BY_RANKING = (Event.FUND, Event.ADMIT_UNFUNDED)
_CHANGE_REQUEST = (
    Event.SUBMIT,
    Event.PROMOTE,
    Event.YIELD_RESERVATION,
    *_BY_RANKING,
)
_STATED: Mapping[str | None, tuple[str, ...]] = MappingProxyType(
    {
        Event.RENEW_COR: ("cor", "cor_on"),
        Event.RECORD_PUBLICATION: ("published_on",),
        Event.START: ("started_on",),
    }
)
"""What is stated with an event, and stands in the row of the application."""

_MATURING = (Event.FILE_PLAN, Event.FILE_REPORT)
_MATURED = {"plan_investment": "plan_investment", "fixed_part_matured": "matured"}
"""What their entries find, and the columns in which it stands."""

"""Events after which an application may ask for less than it did, or for all again."""

_OF_RECKONING = ("calendar", "holidays", "extra_months", "extra_days", "suspensions")
_MONEY = frozenset(
    (
        *("allocation", "reserved", "granted", "waiting", "requested", "matured"),
        *("investment", "admitted_investment", "plan_investment", "asked"),
        *("amount", "free"),
    )
)
_OF_STEP = ("status", "outcome", "subject")
_OF_LIST = ("size", "sha256")
_TELLING = frozenset(
    (
        *(*_CHANGE_REQUEST, *_STATED, *_MATURING),
        *(Event.START_REVIEW, Event.EVALUATE, Event.DETERMINE_AMOUNT),
        *(Event.GRANT, Event.RAISE_GRANT),
    )
)
"""Events that say more of the row of an application than its state and version."""

_LONGEST = 80
_DAY = len("2026-01-20")

MOST = 100
"""Faults of a kind that are kept, and told one by one."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it is stored: the bytes that were hashed, and their hash."""

    body: bytes
    hash: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it is read back."""

    seq: int
    hash: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not verify, and at which entry (0: the call itself)."""

    seq: int
    fault: str
    kind: str = field(default="other", compare=False)
    """What it is like: of many of a kind the first says enough."""


class Faults(list[Fault]):
    """What does not verify: all of it is counted, of each kind some are kept.

    Where a chain was wrecked there may be as many faults as entries.
    """

    def __init__(
        self, found: Iterable[Fault] = (), counts: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(found)
        self.counts: Counter[str] = Counter(counts or {})

    def append(self, fault: Fault) -> None:
        """Note a fault."""
        self.counts[fault.kind] += 1
        if self.counts[fault.kind] <= MOST:
            super().append(fault)

    def note(self, seq: int, fault: str | None, kind: str) -> None:
        """Note what was found, if it was anything."""
        if fault is not None:
            self.append(Fault(seq, fault, kind))


def written(instant: datetime) -> str:
    """Write an instant as entries do: UTC, always six decimals, `Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def seal(body: Mapping[str, Any]) -> Sealed:
    """Turn an entry into its canonical bytes and their hash.

    Raises:
        CanonicalError: it holds something that has no canonical form.
    """
    content = encode(dict(body))
    return Sealed(content, digest(content))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an application stands according to the register alone."""

    state: str = ApplicationState.DRAFT.value
    version: int = 0
    reserved: int = 0
    granted: int = 0


@dataclass
class Fold:
    """Everything that the entries of a call add up to."""

    applications: MutableMapping[str, Standing] = field(default_factory=dict)
    """Of many files: whoever has to fold them all gives a mapping with room."""
    reserved: int = 0
    granted: int = 0
    allocation: int = 0

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        if body["outcome"] != Outcome.OK:
            return None
        fault = self.count_money(body["money"])
        identity = body["application"]
        if identity is None:
            return fault
        standing = self.applications.get(identity, Standing())
        moved = body["money"]["movements"] if body["money"] else ()
        self.applications[identity] = Standing(
            body["to"],
            body["version"],
            standing.reserved + sum(movement["reserved"] for movement in moved),
            standing.granted + sum(movement["granted"] for movement in moved),
        )
        if body["from"] != standing.state:
            source, stood = shown(body["from"]), shown(standing.state)
            return f"it starts from `{source}` but stood at `{stood}`"
        if body["version"] != standing.version + 1:
            version = shown(body["version"])
            return f"version {version} follows version {standing.version}"
        return fault

    def count_money(self, money: Mapping[str, Any] | None) -> str | None:
        """Add what an entry moved; return what is wrong with it, if anything."""
        if money is None:
            return None
        for movement in money["movements"]:
            self.reserved += movement["reserved"]
            self.granted += movement["granted"]
        after = money["after"]
        self.allocation = after["allocation"]
        if (after["reserved"], after["granted"]) != (self.reserved, self.granted):
            return "the money after it is not what the movements add up to"
        if self.reserved + self.granted > self.allocation:
            return "the money passes the allocation"
        return None


@dataclass
class Beside:
    """What the entries of a call say of the rows that stand beside them.

    Only what was said last of each row is kept.
    """

    protocols: MutableMapping[str | None, str] = field(default_factory=dict)
    """Which application bears each protocol number: a draw names only that."""
    call: dict[str, Any] = field(
        default_factory=lambda: {
            "filed": 0,
            "state": CallState.PUBLISHED.value,
            "erased_seq": None,
            **dict.fromkeys(_OF_COUNTER),
        }
    )
    undated: MutableMapping[Key, bool] = field(default_factory=dict)
    """Letters of applications of which no entry says when they were delivered."""
    erased_under: str | None = None
    """The act by which the personal data of the call was erased."""
    erased_letters: int = 0
    """How many letters the entries say to have erased."""
    rows: dict[RowKind, MutableMapping[Key, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in get_args(RowKind)}
    )

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        fault = None
        if body["outcome"] == Outcome.OK:
            if body["application"] is not None:
                self._take_application(body)
                self._take_rows(body)
            else:
                fault = self._leads_from_elsewhere(body) or _of_another_list(body)
                self._take_call(body)
                self._take_letters(body)
        return self._foreign_rules(body) or fault

    def _leads_from_elsewhere(self, body: Mapping[str, Any]) -> str | None:
        source, stood = body["from"], self.call["state"]
        if source is None or source == stood:
            return None  # entries of the first version say nothing of it
        return (
            f"it starts from `{shown(source)}` but the call stood at `{shown(stood)}`"
        )

    def _take_call(self, body: Mapping[str, Any]) -> None:
        findings = body.get("findings") or {}
        if body["to"] is not None:
            self.call["state"] = body["to"]
        self.call.update(
            {name: findings[name] for name in _OF_COUNTER & findings.keys()}
        )
        event = body.get("event")
        if event in LOADING:
            self._take_version(body, findings)
        elif event == CallEvent.APPLY_VERSION:
            self._put_in_force(body, findings)
        elif event == CallEvent.RECORD_DRAW:
            self._take_draw(body, findings)
        elif event == CallEvent.RANK_CALL:
            self._take_ranking(body, findings["ranking"])
        elif event == CallEvent.ERASE_PERSONAL_DATA:
            self.call["erased_seq"] = body["seq"]
            self.erased_under = act_of(body)
            self.erased_letters += findings["erased"]["letters"]
        elif event == CallEvent.UPDATE_LIST:
            self._take_list(body, findings["list"])
        self._take_part("opening", findings, _OF_OPENING)
        self._take_part("malfunction", findings, _OF_MALFUNCTION)

    def _take_list(self, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        version = told["version"]
        self.rows["list"][(version,)] = {
            "entry_seq": body["seq"],
            "approved_at": body["at"],
            "act": act_of(body),
            **{name: told[name] for name in _OF_LIST},
        }
        for one in told["changes"]:
            self.rows["listed"][(version, one["application"])] = {
                "change": one["change"],
                "behind": " ".join(one["behind"]),
            }

    def _take_draw(self, body: Mapping[str, Any], findings: Mapping[str, Any]) -> None:
        drawn = body["inputs"]
        self.rows["draw"][(drawn["week"],)] = {
            "seed": drawn["seed"],
            "drawn_at": body["at"],
        }
        for rank, protocol in enumerate(findings["order"], start=1):
            key = (self.protocols[protocol],)
            self.rows["application"][key]["rank"] = rank

    def _take_ranking(self, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        version = told["version"]
        self.rows["ranking"][(version,)] = {
            "entry_seq": body["seq"],
            "seed": body["inputs"].get("seed"),
            "sha256": told["sha256"],
            "ranked_at": body["at"],
        }
        for one in told["order"]:
            self.rows["ranked_place"][version, one["place"]] = {
                "application_id": self.protocols[one["application"]],
                "score": one["score"],
                "amount": one["amount"],
            }

    def _take_part(
        self, kind: RowKind, findings: Mapping[str, Any], names: tuple[str, ...]
    ) -> None:
        if told := findings.get(kind):
            self.rows[kind][(told["ordinal"],)] = {name: told[name] for name in names}

    def _take_version(
        self, body: Mapping[str, Any], findings: Mapping[str, Any]
    ) -> None:
        rules = body.get("rules")
        said = {
            "fingerprint": rules,
            "a content of hash": rules,
            "act": act_of(body),
            "reason": body.get("reason"),
            "loaded_by": body["actor"]["id"],
        }
        if "effective_at" in findings:
            said["effective_at"] = findings["effective_at"]
        self.rows["version"][(body.get("call_version"),)] = said
        if findings.get("effective_at", "") <= body.get("at", ""):
            self._put_in_force(body, findings)  # else it is only announced

    def _put_in_force(
        self, body: Mapping[str, Any], findings: Mapping[str, Any]
    ) -> None:
        self.call["version"] = body.get("call_version")
        self.call["allocation"] = findings.get("allocation")

    def _take_application(self, body: Mapping[str, Any]) -> None:
        said = self.rows["application"].setdefault((body["application"],), {**_UNTOLD})
        said["call_version"] = body.get("call_version")
        if body.get("event") in _TELLING:
            self.tell(said, body)

    def tell(self, said: dict[str, Any], body: Mapping[str, Any]) -> None:
        """Note what an entry says of the row of its application."""
        event = body.get("event")
        if event in _CHANGE_REQUEST and "requested" in body["findings"]:
            said["requested"] = body["findings"]["requested"]
            said["asked"] = asked_at_first(body["findings"])
        if event in _BY_RANKING:
            said["rank"] = body["findings"]["rank"]
        if event == Event.SUBMIT:
            self.call["filed"] += 1
            said.update({name: body["order"][name] for name in _PLACE})
            said["filed_seq"] = self.call["filed"]
            self._take_filing(said, body)
        elif event == Event.START_REVIEW:
            said["review_started"] = True
        elif event == Event.EVALUATE and "score" in body["findings"]:
            said["score"] = body["findings"]["score"]["total"]
        elif event == Event.GRANT:
            _take_grant(said, body)
        elif event == Event.RAISE_GRANT:
            said["published_on"] = None  # it has to be published again
        elif event in _STATED:
            said.update({name: body["inputs"][name] for name in _STATED[event]})
        else:
            _take_amounts(said, body)

    def _take_filing(self, said: dict[str, Any], body: Mapping[str, Any]) -> None:
        findings = body["findings"]
        self.protocols[body.get("protocol")] = body["application"]
        said["review_started"] = False
        said["accepts_less"] = findings.get("accepts_less", False)
        said["rank"] = findings.get("rank")
        if "partnership" in findings:
            said["lead_kind"] = findings["partnership"]["lead"]["kind"]
        said.update(filed.told(findings))
        if "investment" in findings:  # said since version 0.5
            said["investment"] = findings["investment"]
        if "channel" in findings:  # version 0.1 did not say it
            said["channel"] = findings["channel"]

    def _take_rows(self, body: Mapping[str, Any]) -> None:
        identity = body["application"]
        for item in body.get("terms") or ():
            # Written out: a loop over names costs half as much again, and this is
            # done for each term of each entry.
            key = identity, item["kind"], item["ordinal"]
            said = self.rows["term"].setdefault(key, {})
            said["status"] = item["status"]
            said["due_at"] = item["due_at"]
            said["starts_on"] = item["starts_on"]
            said["suspended_days"] = item["suspended_days"]
            if "extra_days" in item:  # said of what was reckoned, since version 0.5
                said.update({name: item[name] for name in _OF_RECKONING})
                if item["change"] == "started":
                    said["started_seq"] = body["seq"]
        for item in body.get("steps") or ():
            key = (identity, item["kind"], item["ordinal"])
            self.rows["step"][key] = {
                name: item[name] for name in _OF_STEP if name in item
            }
        self._take_partners(body)
        self._take_letters(body)
        if body.get("event") == Event.RECORD_DELIVERY:
            self._take_delivery(identity, body["findings"])

    def _take_delivery(self, identity: str, findings: Mapping[str, Any]) -> None:
        told = findings.get("delivered")
        if told is None:  # said since version 0.5
            self.undated[identity, findings["letter"]] = True
            return
        said = self.rows["notice"][identity, told["letter"], told["id"]]
        said["delivered_at"], said["receipt"] = told["at"], told["receipt"]

    def _take_partners(self, body: Mapping[str, Any]) -> None:
        identity, findings = body["application"], body.get("findings") or {}
        rows = self.rows["partner"]
        for one in findings.get("partnership_before", _NOBODY)["partners"]:
            key = (identity, one["applicant"])
            rows[key] = {**rows[key], "left_at": body["at"]}
        together = findings.get("partnership", _NOBODY)
        for ordinal, one in enumerate(together["partners"], start=1):
            key = (identity, one["applicant"])
            rows[key] = {"kind": one["kind"], "ordinal": ordinal, "left_at": None}

    def _take_letters(self, body: Mapping[str, Any]) -> None:
        for item in body.get("notices") or ():
            # A move of the call writes to many: each of its letters says to whom.
            identity = body["application"] or item["application"]
            key = (identity, item["letter"], item["id"])
            said = self.rows["notice"][key] = {"entry_seq": body["seq"]}
            said["delivered_at"] = said["receipt"] = None
            if "sha256" in item:  # letters had no text before version 0.4
                said["digest"] = said[TEXT_OF_LETTER] = item["sha256"]

    def _foreign_rules(self, body: Mapping[str, Any]) -> str | None:
        number = body.get("call_version")
        if number is None:
            return None
        frozen = self.rows["version"].get((number,))
        if frozen is not None and frozen["fingerprint"] == body.get("rules"):
            return None
        return f"its rules are not those of version {shown(number)} of the call"


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
                differs = _difference(asdict(told), asdict(actual))
                self._fault(0, f"application {identity} {differs}", "state")
        for identity in () if more else folded:
            told_only = f"application {shown(identity)} is in the entries only"
            self._fault(0, told_only, "state")

    def compare_call(self, actual: Mapping[str, Any]) -> None:
        """Compare the row of the call with what the entries say of it."""
        if differs := _difference(self.beside.call, actual):
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
                del said["delivered_at"], said["receipt"]
            if said and kind == "notice" and actual.get(TEXT_OF_LETTER) is None:
                self.erased += said.pop(TEXT_OF_LETTER, None) is not None
            if said is None:
                differs = "" if known else "is in no entry"
            else:
                differs = _difference(said, actual)
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


def asked_at_first(findings: Mapping[str, Any]) -> int | None:
    """Return what was asked for, in cents, while a part of it is all that is requested.

    Who asks for all of it again says what the part was.
    """
    before: int | None = findings.get("requested_before")
    return before if before is not None and before > findings["requested"] else None


def _of_another_list(body: Mapping[str, Any]) -> str | None:
    """Tell whether a set, or a ranking, has another hash than its entry says."""
    findings = body.get("findings") or {}
    if closed := findings.get("set"):
        listed = {"applications": closed["applications"]}
        if closed["sha256"] != digest(encode(listed)):
            return "the set that it closes does not match its hash"
    if body.get("event") == CallEvent.RANK_CALL:
        made = findings["ranking"]
        listed = {"order": made["order"], "below": made["below"]}
        if made["sha256"] != digest(encode(listed)):
            return "its ranking does not match its hash"
    return None


def _take_grant(said: dict[str, Any], body: Mapping[str, Any]) -> None:
    stated = body["inputs"]  # version 0.1 asked for no days
    said.update({name: stated.get(name) for name in _OF_GRANT})
    said.pop("granted_on", None)
    if "local" in body:
        said["granted_on"] = body["local"][:_DAY]
    if "admitted_investment" in stated:
        said["admitted_investment"] = _cents(stated["admitted_investment"])
    elif "investment" in said:
        said["admitted_investment"] = said["investment"]
    else:  # before version 0.5 the filing did not say it
        said.pop("admitted_investment", None)


def _take_amounts(said: dict[str, Any], body: Mapping[str, Any]) -> None:
    if body.get("event") == Event.DETERMINE_AMOUNT:
        said["admitted_investment"] = _cents(body["inputs"]["admitted_investment"])
    elif body.get("event") in _MATURING:
        for name, column in _MATURED.items():
            if name in body["findings"]:
                said[column] = body["findings"][name]


def _cents(stated: str) -> int:
    """Read an amount as it is stated: euros with two decimals."""
    return int(stated.replace(".", ""))


def act_of(body: Mapping[str, Any]) -> str | None:
    """Write the act of an entry as people do."""
    act = body.get("act")
    return f"{act['kind']} {act['number']}/{act['signed_on']}" if act else None


def _difference(told: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    if told.items() <= actual.items():
        return ""
    return "; ".join(
        f"has {name} {_written(name, actual[name])}, the register says "
        f"{_written(name, said)}"
        for name, said in told.items()
        if actual[name] != said
    )


def _written(name: str, value: object) -> str:
    """Write a value of a column as people do: euros and not cents."""
    if name in _MONEY and type(value) is int:
        return f"{value // 100}.{value % 100:02}" if value >= 0 else f"{value} cents"
    return shown(value)


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


def shown(value: object) -> str:
    """Show what may be anything at all: a terminal must stand it."""
    if value is None:
        return "nothing"
    text = str(value)
    fits = text if text.isprintable() else ascii(text)
    return fits if len(fits) <= _LONGEST else f"{fits[:_LONGEST]}…"
