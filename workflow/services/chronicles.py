"""How did a call and its applications stand, after any of its entries?

The entries of a chain are added up one after the other, and nothing else is
read: what the tables say today has no part in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.vocabulary import CallEvent, CallState, Event, SuspensionCause
from workflow.errors import TamperedError
from workflow.facts import Opening
from workflow.services.made_rankings import Made, made
from workflow.services.past_files import PastFile
from workflow.verification.beside import LOADING

_CAN_MAKE_NO_SENSE = (AssertionError, AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version of the call, as the entry that loaded it tells it."""

    number: int
    fingerprint: str
    allocation: int
    effective_at: str
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Overtaking:
    """Somebody was taken up before others who came earlier (*sorpasso*)."""

    seq: int
    event: str
    protocol: str
    overtaken: tuple[str, ...]
    act: Mapping[str, str] | None


@dataclass(slots=True)
class Chronicle:
    """What the entries of a call add up to; money in cents."""

    call: str
    seq: int = 0
    at: str = ""
    """Of the last entry that was taken in."""
    stands: CallState = CallState.PUBLISHED
    suspended_for: SuspensionCause | None = None
    suspended_because: str | None = None
    reopens_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 0
    allocation: int = 0
    reserved: int = 0
    granted: int = 0
    filed: int = 0
    openings: dict[int, Opening] = field(default_factory=dict)
    malfunctions: dict[int, dict[str, Any]] = field(default_factory=dict)
    versions: dict[int, PastVersion] = field(default_factory=dict)
    files: dict[str, PastFile] = field(default_factory=dict)
    protocols: dict[str, str] = field(default_factory=dict)
    """Which application bears each protocol number."""
    overtakings: list[Overtaking] = field(default_factory=list)
    ranking: Made | None = None
    """The last ranking, where an act had made one."""
    erasure: Mapping[str, Any] | None = None
    """The entry under which personal data was erased."""

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted

    @property
    def announced(self) -> PastVersion | None:
        """The version that waits to take effect, if there is one."""
        return self.versions.get(self.version + 1)

    def in_order_of_arrival(self) -> Iterator[PastFile]:
        """Return everybody who was filed, whatever became of them."""
        filed = (file for file in self.files.values() if file.key is not None)
        return iter(sorted(filed, key=lambda file: file.key))  # type: ignore[arg-type,return-value]  # those without are left out

    def feed(self, body: Mapping[str, Any]) -> None:
        """Take in an entry that was carried out.

        Raises:
            TamperedError: it is none that this program writes.
        """
        try:
            self._feed(body)
        except _CAN_MAKE_NO_SENSE as error:
            raise TamperedError(
                "register.unreadable",
                f"entry {body.get('seq')} of {self.call} does not say what an entry "
                "must: somebody has changed it; look at `sportello log verify` and "
                "call the auditor",
            ) from error

    def _feed(self, body: Mapping[str, Any]) -> None:
        self.seq, self.at = body["seq"], body["at"]
        for movement in body["money"]["movements"] if body["money"] else ():
            self.reserved += movement["reserved"]
            self.granted += movement["granted"]
        if body["application"] is None:
            self._feed_call(body, body["findings"])
        else:
            self._feed_file(body)

    def _feed_file(self, body: Mapping[str, Any]) -> None:
        identity = body["application"]
        file = self.files.get(identity)
        if file is None:
            file = self.files[identity] = PastFile(identity)
        file.feed(body)
        if body["event"] == Event.SUBMIT:
            self.filed += 1
            file.filed_seq = self.filed
            self.protocols[body["protocol"]] = identity
        if overtaken := body["findings"].get("overtaken"):
            self.overtakings.append(
                Overtaking(
                    self.seq,
                    body["event"],
                    body["protocol"],
                    tuple(overtaken),
                    body["act"],
                )
            )

    def _feed_call(self, body: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        event = body["event"]
        if body["to"] is not None:
            self.stands = CallState(body["to"])
        if event in LOADING:
            self._load(body, found)
        elif event == CallEvent.APPLY_VERSION:
            self._put_in_force(body["call_version"], found["allocation"])
        elif event == CallEvent.SUSPEND_CALL:
            self.suspended_because = body["reason"]
        elif event == CallEvent.ERASE_PERSONAL_DATA:
            self.erasure = body
        elif event == CallEvent.RECORD_DRAW:
            self._draw(found["order"])
        elif event == CallEvent.RANK_CALL:
            self.ranking = made(body)
        self._move_counter(found)
        if told := found.get("malfunction"):
            noted = self.malfunctions.get(told["ordinal"], {"noted_at": body["at"]})
            decided = body["at"] if told["decision"] else None
            self.malfunctions[told["ordinal"]] = {
                **noted,
                **told,
                "decided_at": decided,
            }

    def _draw(self, order: Iterable[str]) -> None:
        for rank, protocol in enumerate(order, start=1):
            if identity := self.protocols.get(protocol):
                self.files[identity].rank = rank

    def _move_counter(self, found: Mapping[str, Any]) -> None:
        if "suspended_for" in found:
            cause = found["suspended_for"]
            self.suspended_for = SuspensionCause(cause) if cause else None
            self.reopens_at = _instant(found["reopens_at"])
            self.closed_at = _instant(found["closed_at"])
        if told := found.get("opening"):
            self.openings[told["ordinal"]] = Opening(
                datetime.fromisoformat(told["opened_at"]), _instant(told["ended_at"])
            )

    def _load(self, body: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        number, effective_at = body["call_version"], found.get("effective_at", self.at)
        self.versions[number] = PastVersion(
            number, body["rules"], found["allocation"], effective_at, body
        )
        if effective_at <= self.at:
            self._put_in_force(number, found["allocation"])

    def _put_in_force(self, number: int, allocation: int) -> None:
        self.version, self.allocation = number, allocation


def _instant(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
