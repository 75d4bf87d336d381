"""What do the entries of a call add up to, in a period and at its end?

Pure: it is fed every entry that was carried out, in order, from the first one on.
What is not in an entry has no part in it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from models.vocabulary import (
    FINAL_STATES,
    QUEUED_STATES,
    ApplicationState,
    Channel,
    Event,
    MovementKind,
    TermStatus,
)
from workflow.errors import TamperedError
from workflow.moves.families import TABLES
from workflow.reports.flows import Flows, Overtaking
from workflow.rules.calendar import civil_day

_MEETS = frozenset(
    (move.event.value, kind.value)
    for table in TABLES.values()
    for move in table.moves
    for kind in move.meets
)
"""Which events do what which terms are for."""

_PAID_BACK = frozenset(
    {ApplicationState.REVOKED, ApplicationState.ANNULLED, ApplicationState.LAPSED}
)
"""Of what these still have granted nothing may be paid: it has to come back."""

_DAY = len("YYYY-MM-DD")
_MONTH = len("YYYY-MM")


@dataclass(slots=True)
class Counted:
    """What has to be known of an application to count it; money in cents."""

    stands: str = ApplicationState.DRAFT.value
    call_version: int = 0
    channel: str = ""
    """Empty until it is filed."""
    requested: int = 0
    reserved: int = 0
    granted: int = 0
    matured: int = 0
    was_granted: bool = False
    cor_lapsed: bool = False
    missed: list[str] = field(default_factory=list)
    """Its terms that are held to be missed."""
    partners: list[str] = field(default_factory=list)
    """Who applies together with its lead, by reference."""

    @property
    def disbursable(self) -> int:
        """What may be paid to it (*erogabile*), of what it has granted."""
        if self.stands in _PAID_BACK or self.cor_lapsed:
            return 0
        if self.stands == ApplicationState.COMPLETED:
            return self.granted
        return min(self.matured, self.granted)


@dataclass(slots=True)
class Stock:
    """How applications stood at the end; money in cents."""

    standing: Counter[str] = field(default_factory=Counter)
    """How many, by state."""
    waiting: int = 0
    """How many hold a place and have not all the money that they ask for."""
    waiting_amount: int = 0
    disbursable: int = 0

    def add(self, other: "Stock") -> None:
        """Add how those of another call stood."""
        self.standing.update(other.standing)
        self.waiting += other.waiting
        self.waiting_amount += other.waiting_amount
        self.disbursable += other.disbursable


class Tally:
    """Adds entries up; *files* keeps what is known of each application."""

    def __init__(
        self,
        call: str,
        files: MutableMapping[str, Counted],
        *,
        since: str = "",
        bounds: Sequence[str] = (),
    ) -> None:
        self._call, self._files = call, files
        self._since, self._bounds = since, bounds
        self._before = Flows()
        self.flows = Flows()
        """What happened in the period, which begins with the instant *since*."""
        self.granted_by_mark = [0] * (len(bounds) + 1)
        """What was granted in the period before each of *bounds*, and after all."""
        self.grantees: dict[str, int] = {}
        """To whom, and before which of *bounds* for the first time in the period."""
        self.partners: set[str] = set()
        """Who stood behind a lead when something was granted in the period."""

    @property
    def to_date(self) -> Flows:
        """Everything that happened up to the end, before the period too."""
        both = Flows()
        both.add(self._before)
        both.add(self.flows)
        return both

    def feed(self, body: Mapping[str, Any]) -> None:
        """Take in an entry that was carried out.

        Raises:
            TamperedError: it is none that this program writes.
        """
        try:
            self._feed(body)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TamperedError(
                "register.unreadable",
                f"entry {body.get('seq')} of {self._call} does not say what an entry "
                "must: somebody has changed it; look at `sportello log verify` and "
                "call the auditor",
            ) from error

    def _feed(self, body: Mapping[str, Any]) -> None:
        inside = body["at"] >= self._since
        flows = self.flows if inside else self._before
        movements = body["money"]["movements"] if body["money"] else ()
        for movement in movements:
            flows.reserved[movement["kind"]] += movement["reserved"]
            flows.granted[movement["kind"]] += movement["granted"]
        if body["application"] is None:
            return
        file = self._files.get(body["application"])
        if file is None:
            file = self._files[body["application"]] = Counted()
        _count(flows, body)
        given = _book(file, movements)
        if given is not None:
            self._grant(flows, file, body, given, inside=inside)
        _follow(file, body)
        _time(flows, file, body)
        if overtaken := body["findings"].get("overtaken"):
            named = (body["seq"], body["event"], body["protocol"])
            told = Overtaking(self._call, *named, len(overtaken), body["act"])
            flows.overtakings.append(told)

    def _grant(
        self,
        flows: Flows,
        file: Counted,
        body: Mapping[str, Any],
        given: int,
        *,
        inside: bool,
    ) -> None:
        month = flows.month(body["local"][:_MONTH])
        month.granted += given
        if not file.was_granted:
            file.was_granted = True
            flows.grants += 1
            month.grants += 1
        if inside:
            mark = bisect_right(self._bounds, body["at"])
            self.granted_by_mark[mark] += given
            self.grantees.setdefault(body["application"], mark)
            self.partners.update(file.partners)


def _count(flows: Flows, body: Mapping[str, Any]) -> None:
    """Count what the entry says that happened."""
    event, found, target = body["event"], body["findings"], body["to"]
    if event == Event.SUBMIT:
        flows.submitted += 1
        flows.month(body["local"][:_MONTH]).submitted += 1
        # Who has agreed to a part has asked for all of it.
        flows.requested += found.get("requested_before", found.get("requested")) or 0
    elif event == Event.ADMIT:
        flows.admitted += 1
    if target != body["from"] and target in FINAL_STATES:
        flows.exits[target] += 1
    flows.to_recover += found.get("to_recover", 0)


def _book(file: Counted, movements: Iterable[Mapping[str, Any]]) -> int | None:
    """Move the money of a file; return what was granted to it, if anything was."""
    given = None
    for movement in movements:
        file.reserved += movement["reserved"]
        file.granted += movement["granted"]
        if movement["kind"] == MovementKind.GRANT:
            given = (given or 0) + movement["granted"]
    return given


def _follow(file: Counted, body: Mapping[str, Any]) -> None:
    """Note where an entry brings a file."""
    event, found = body["event"], body["findings"]
    file.stands, file.call_version = body["to"], body["call_version"]
    file.requested = found.get("requested", file.requested) or 0
    file.matured = found.get("fixed_part_matured", file.matured)
    if together := found.get("partnership"):
        file.partners = [one["applicant"] for one in together["partners"]]
    if event == Event.SUBMIT:
        # Version 0.1 knew one channel only, and did not say it.
        file.channel = found.get("channel", Channel.PORTAL.value)
    elif event == Event.RELEASE_COR:
        file.cor_lapsed = True
    elif event in {Event.RENEW_COR, Event.CONFIRM_COR}:
        file.cor_lapsed = False


def _time(flows: Flows, file: Counted, body: Mapping[str, Any]) -> None:
    """Count the terms that were met, and those that were missed."""
    for told in body["terms"]:
        kind, name = told["kind"], f"{told['kind']} {told['ordinal']}"
        if told["status"] == TermStatus.EXPIRED:
            if name not in file.missed:
                file.missed.append(name)
                flows.missed[kind] += 1
        elif name in file.missed:  # a receipt, or a document, came to light
            file.missed.remove(name)
            flows.missed[kind] -= 1
        late = told["change"] == "settled" and (body["event"], kind) in _MEETS
        if late or told["change"] == TermStatus.MET:
            times = flows.times_of(kind)
            times.days[_duration(told, body)] += 1
            times.late += late


def _duration(told: Mapping[str, Any], body: Mapping[str, Any]) -> int:
    """Return how many days something took, without those of suspensions."""
    took = _day_of(body) - date.fromisoformat(told["starts_on"])
    stood_still: int = told["suspended_days"]
    return max(0, took.days - stood_still)


def _day_of(body: Mapping[str, Any]) -> date:
    """Return the day that counts: on which it came in, or was due to be done."""
    said = body["inputs"].get("received_on") or body["findings"].get("due_at")
    if said is None:
        return date.fromisoformat(body["local"][:_DAY])
    if len(said) > _DAY:
        return civil_day(datetime.fromisoformat(said))
    return date.fromisoformat(said)


def stock_of(
    files: Iterable[Counted],
    channels: Mapping[int, Channel],
    *,
    is_ranked: bool = False,
) -> Stock:
    """Return how everybody stands; *channels* by the versions of the call.

    Where an act ranks them nobody waits for money before it has said so.
    """
    stock = Stock()
    for file in files:
        stock.standing[file.stands] += 1
        stock.disbursable += file.disbursable
        holds = file.stands in QUEUED_STATES and (
            file.channel == channels.get(file.call_version)
        )
        if is_ranked:
            holds &= file.stands == ApplicationState.WAITING
        if holds and file.reserved < file.requested:
            stock.waiting += 1
            stock.waiting_amount += file.requested
    return stock
