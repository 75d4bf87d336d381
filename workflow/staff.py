"""Who held which role, and on whose behalf, as the chain of the office tells?

The chain (*registro del personale*) is one more beside those of the calls: an entry
is canonical JSON that names the hash of the one before. Pure: no database, no clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from models.canonical import CanonicalError, digest, encode
from models.vocabulary import OfficeEvent, Outcome
from workflow.register import GENESIS, Fault, Stored

FORMAT = 1
"""The version of the form of an entry; it stands in each of them."""

OFFICE = "~office"
"""What anchors call this chain; no call can have such a code."""

Row = dict[str, Any]


@dataclass
class Staff:
    """What the entries add up to: officers, roles and delegations, by their keys."""

    retired: dict[str, str | None] = field(default_factory=dict)
    """Each officer, with the instant at which they retired."""
    logins: dict[str, str] = field(default_factory=dict)
    """The hash of the login of each, as far as it was written down."""
    roles: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    """Officer, role and since when, with the end."""
    delegations: dict[str, Row] = field(default_factory=dict)
    brought: list[tuple[Row, str]] = field(default_factory=list)
    """The acts that delegations stand on, each with the officer who named it."""

    def feed(self, body: Mapping[str, Any]) -> None:
        """Take in an entry; one that was refused changes nothing."""
        if body["outcome"] == Outcome.OK:
            self._TAKE[OfficeEvent(body["event"])](self, body)

    def _begin(self, body: Mapping[str, Any]) -> None:
        for one in body["details"]["officers"]:
            self.retired[one["officer"]] = one["retired_at"]
            self._know(one["officer"], one)
            for held in one["roles"]:
                key = (one["officer"], held["role"], held["since"])
                self.roles[key] = held["ended_at"]

    def _add(self, body: Mapping[str, Any]) -> None:
        self.retired[body["officer"]] = None
        self._know(body["officer"], body["details"])
        self._give(body)

    def _know(self, officer: str, said: Mapping[str, Any]) -> None:
        if "login" in said:
            self.logins[officer] = said["login"]

    def _give(self, body: Mapping[str, Any]) -> None:
        for role in body["details"]["roles"]:
            self.roles[body["officer"], role, body["at"]] = None

    def _end(self, body: Mapping[str, Any]) -> None:
        self._end_roles(body, body["details"]["roles"])

    def _end_roles(self, body: Mapping[str, Any], ended: list[str]) -> None:
        for (officer, role, since), end in self.roles.items():
            if officer == body["officer"] and role in ended and end is None:
                self.roles[officer, role, since] = body["at"]

    def _retire(self, body: Mapping[str, Any]) -> None:
        self.retired[body["officer"]] = body["at"]
        self._end_roles(body, body["details"]["roles"])
        for delegation in body["details"]["delegations"]:
            self.delegations[delegation]["ended_at"] = body["at"]

    def _delegate(self, body: Mapping[str, Any]) -> None:
        said = body["details"]
        self.delegations[said["delegation"]] = {
            "delegator": body["officer"],
            "delegate": said["to"],
            "role": said["role"],
            "first_day": said["first_day"],
            "last_day": said["last_day"],
            "made_at": body["at"],
            "ended_at": None,
            "act": body["act"],
        }
        self.brought.append((body["act"], body["actor"]["id"]))

    def _end_delegation(self, body: Mapping[str, Any]) -> None:
        self.delegations[body["details"]["delegation"]]["ended_at"] = body["at"]

    _TAKE: ClassVar[dict[OfficeEvent, Callable[..., None]]] = {
        OfficeEvent.BEGIN_OFFICE: _begin,
        OfficeEvent.ADD_OFFICER: _add,
        OfficeEvent.GIVE_ROLES: _give,
        OfficeEvent.END_ROLES: _end,
        OfficeEvent.RETIRE_OFFICER: _retire,
        OfficeEvent.DELEGATE_ROLE: _delegate,
        OfficeEvent.END_DELEGATION: _end_delegation,
    }


def login_digest(officer: object, login: str) -> str:
    """Return the hash of a login, salted with whose it is: no name is told."""
    return digest(f"{officer}:{login}".encode())


@dataclass
class OfficeChain:
    """Checks the entries one after the other, in order."""

    seq: int = 0
    head: str = GENESIS
    at: str = ""
    staff: Staff = field(default_factory=Staff)
    faults: list[Fault] = field(default_factory=list)

    def feed(self, entry: Stored, at: object) -> None:
        """Check an entry against the one before it, and the instant beside it."""
        if entry.seq != self.seq + 1:
            self._fault(entry.seq, f"entry {self.seq + 1} is missing")
        self.seq = entry.seq
        if digest(entry.body) != entry.hash:
            self._fault(entry.seq, "its content does not match its hash")
        try:
            body = orjson.loads(entry.body)
            if encode(body) != entry.body:
                self._fault(entry.seq, "it is not in canonical form")
            if body["previous"] != self.head:
                self._fault(entry.seq, "it does not follow the entry before it")
            if (body["seq"], body["chain"]) != (entry.seq, "office"):
                self._fault(entry.seq, "it belongs to another chain or place")
            if body["at"] != at:
                self._fault(entry.seq, "the columns beside it say something else")
            if body["at"] < self.at:
                self._fault(entry.seq, "it is dated before the entry before it")
            self.at = max(self.at, body["at"])
            self.staff.feed(body)
        except (orjson.JSONDecodeError, CanonicalError):
            self._fault(entry.seq, "it cannot be read")
        except (AttributeError, KeyError, TypeError, ValueError):
            self._fault(entry.seq, "it says something in a form that no entry has")
        self.head = entry.hash

    def compare(
        self, what: str, told: Mapping[Any, Any], rows: Mapping[Any, Any]
    ) -> None:
        """Compare rows with what the entries say of them, one fault for each."""
        for key in [*rows, *(key for key in told if key not in rows)]:
            words = map(str, key) if isinstance(key, tuple) else (str(key),)
            name = " ".join((what, *words))
            if key not in told:
                self._fault(0, f"{name} is in no entry")
            elif key not in rows:
                self._fault(0, f"{name} is in the entries only")
            elif told[key] != rows[key]:
                self._fault(0, f"{name} is not as the entries say")

    def _fault(self, seq: int, fault: str) -> None:
        self.faults.append(Fault(seq, fault))
