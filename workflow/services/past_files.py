"""Where had the entries of an application brought it, after any one of them?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from models.vocabulary import (
    QUEUED_STATES,
    ApplicationState,
    Cents,
    Channel,
    Event,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from workflow.facts import OrderKey, Place
from workflow.register import asked_at_first
from workflow.services.lookups import numbered

_WAITS = (StepKind.COMPLETION_REQUEST.value, StepKind.REFUSAL_NOTICE.value)
"""While one of these is open the clock is the applicant's."""
_GOING = (TermStatus.RUNNING, TermStatus.SUSPENDED)


class PastTerm(NamedTuple):
    """A term as an entry left it (*termine*)."""

    kind: TermKind
    ordinal: int
    status: TermStatus
    starts_on: str
    due_at: str
    suspended_days: int
    seq: int
    """The entry that said so last."""

    @property
    def is_going(self) -> bool:
        """Tell whether it runs or stands still."""
        return self.status in _GOING


class PastStep(NamedTuple):
    """A step beside the state, as an entry left it."""

    kind: StepKind
    ordinal: int
    status: StepStatus
    outcome: str | None
    subject: str | None
    seq: int
    """The entry that said so last."""


@dataclass(slots=True)
class PastFile:
    """An application as its entries tell it; money in cents."""

    application: str
    protocol: str | None = None
    stands: ApplicationState = ApplicationState.DRAFT
    version: int = 0
    call_version: int = 0
    key: OrderKey | None = None
    filed_seq: int = 0
    """How many had been filed with it."""
    channel: Channel | None = None
    requested: int = 0
    asked: int | None = None
    """What it asked for at first, while it gets a part."""
    reserved: int = 0
    granted: int = 0
    matured: int = 0
    accepts_less: bool = False
    review_started: bool = False
    score: int | None = None
    rank: int | None = None
    plan_investment: int | None = None
    changed_at: str = ""
    seq: int = 0
    """The last entry by which it moved."""
    stated: dict[str, Any] = field(default_factory=dict)
    """COR, CUP, where and when it was published, when it started."""
    together: Mapping[str, Any] | None = None
    """Who applied together, by reference, where the call lets several."""
    terms: dict[tuple[str, int], PastTerm] = field(default_factory=dict)
    steps: dict[tuple[str, int], PastStep] = field(default_factory=dict)
    conflicts: list[Mapping[str, Any]] = field(default_factory=list)
    """The entries by which one of interests was declared, or taken back."""

    @property
    def name(self) -> str:
        """Name it by its protocol; the register has no other name of a draft."""
        return self.protocol or self.application

    @property
    def waits_for_applicant(self) -> bool:
        """Tell whether a completion or observations are awaited."""
        return any(
            step.status is StepStatus.OPEN and kind in _WAITS
            for (kind, _), step in self.steps.items()
        )

    def holds_a_place(self, channel: Channel) -> bool:
        """Tell whether it waits for a grant, and came as the call wants."""
        return (
            self.key is not None
            and self.channel is channel
            and self.stands in QUEUED_STATES
        )

    @property
    def lacks_money(self) -> bool:
        """Tell whether not all that it asks for is reserved."""
        return self.reserved < self.requested

    def place(self) -> Place:
        """Return its place in the order, as rules see it."""
        if self.key is None:
            message = f"application {self.application} is queued without a place"
            raise AssertionError(message)
        return Place(
            application=UUID(self.application),
            protocol=numbered(self.key),
            key=self.key,
            state=self.stands,
            requested=Cents(self.requested),
            reserved=Cents(self.reserved),
            review_started=self.review_started,
            waits_for_applicant=self.waits_for_applicant,
            score=self.score,
            accepts_less=self.accepts_less,
            rank=self.rank,
            granted=Cents(self.granted),
            asked=None if self.asked is None else Cents(self.asked),
        )

    def feed(self, body: Mapping[str, Any]) -> None:
        """Take in an entry about it that was carried out."""
        self.protocol = body["protocol"]
        self.stands = ApplicationState(body["to"])
        self.version, self.call_version = body["version"], body["call_version"]
        self.changed_at, self.seq = body["at"], body["seq"]
        for movement in body["money"]["movements"] if body["money"] else ():
            self.reserved += movement["reserved"]
            self.granted += movement["granted"]
        self._take_findings(body["event"], body["findings"], body["inputs"])
        self.together = body["findings"].get("partnership", self.together)
        if body["event"] in {Event.DECLARE_CONFLICT, Event.END_CONFLICT}:
            self.conflicts.append(body)
        if body["event"] == Event.SUBMIT:
            self._take_place(body["order"], body["findings"])
        for told in body["terms"]:
            term = _term(told, self.seq)
            self.terms[term.kind, term.ordinal] = term
        for told in body["steps"]:
            step = self._step(told)
            self.steps[step.kind, step.ordinal] = step

    def _take_place(self, order: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        self.key = key_of(order)
        # Version 0.1 knew one channel only, and did not say it.
        self.channel = Channel(found.get("channel", Channel.PORTAL))
        self.accepts_less = found.get("accepts_less", False)
        self.rank = found.get("rank")

    def _take_findings(
        self, event: str, found: Mapping[str, Any], stated: Mapping[str, Any]
    ) -> None:
        self.requested = found.get("requested", self.requested)
        self.rank = found.get("rank", self.rank)
        if "requested" in found:
            self.asked = asked_at_first(found)
        self.matured = found.get("fixed_part_matured", self.matured)
        self.plan_investment = found.get("plan_investment", self.plan_investment)
        if event == Event.START_REVIEW:
            self.review_started = True
        elif event == Event.EVALUATE and "score" in found:  # the last of the board's
            self.score = found["score"]["total"]
        if event == Event.RAISE_GRANT:  # it has to be published again
            for name in _STATED[Event.RECORD_PUBLICATION]:
                self.stated.pop(name, None)
        self.stated.update(
            {
                name: stated[name]
                for name in _STATED.get(event, ())
                if stated.get(name) is not None
            }
        )

    def _step(self, told: Mapping[str, Any]) -> PastStep:
        before = self.steps.get((told["kind"], told["ordinal"]))
        subject = told.get("subject", before.subject if before else None)
        return PastStep(
            StepKind(told["kind"]),
            told["ordinal"],
            StepStatus(told["status"]),
            told.get("outcome"),
            subject,
            self.seq,
        )


_STATED: Mapping[str, tuple[str, ...]] = {
    Event.GRANT: ("cor", "cor_on", "cup", "cup_on"),
    Event.RENEW_COR: ("cor", "cor_on"),
    Event.RECORD_PUBLICATION: ("published_on", "reference"),
    Event.START: ("started_on",),
}
"""What is stated with an event and stays in the file."""


def key_of(order: Mapping[str, Any]) -> OrderKey:
    """Read the place in the order of arrival that an entry tells."""
    return OrderKey(
        datetime.fromisoformat(order["received_at"]),
        order["protocol_year"],
        order["protocol_number"],
    )


def _term(told: Mapping[str, Any], seq: int) -> PastTerm:
    return PastTerm(
        TermKind(told["kind"]),
        told["ordinal"],
        TermStatus(told["status"]),
        told["starts_on"],
        told["due_at"],
        told["suspended_days"],
        seq,
    )


def in_order(terms: Mapping[tuple[str, int], PastTerm]) -> Iterator[PastTerm]:
    """Return terms by their last instants."""
    yield from sorted(terms.values(), key=lambda term: (term.due_at, term.kind))
