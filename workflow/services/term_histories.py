"""What do the entries of the register tell of a term?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from models.tables import Term
from models.vocabulary import ActorKind, Event, Letter
from workflow.moves.words import rome
from workflow.register import act_of
from workflow.rules.calendar import civil_day, italian_date
from workflow.rules.terms import WEEKDAYS, Suspension
from workflow.services import histories

_STARTED: Mapping[str, str] = {
    Event.GRANT: "it was granted with a COR of {day}",
    Event.RENEW_COR: "the aid was registered again, with a COR of {day}",
    Event.SIGN_MINUTES: "the minutes were signed on {day}",
    Event.START: "the plan started on {day}",
    Event.DECLARE_END: "the plan ended on {day}",
}
_RESUMED: Mapping[str, str] = {
    Event.ANSWER_COMPLETION: "the answer was filed on {day}",
    Event.EXPIRE_COMPLETION: "no answer came within its term",
    Event.FILE_OBSERVATIONS: "observations were filed on {day}",
    Event.EXPIRE_OBSERVATIONS: "no observations came within their term",
    Event.RESUME_TERM: "it had stood still for as long as it may",
}
_NOT_KNOWN: Mapping[str, str] = {
    Event.EXPIRE_COMPLETION: "no answer was known yet when its term ended",
    Event.EXPIRE_OBSERVATIONS: "no observations were known yet when their term ended",
}
"""The same of what turned out to have come in time, and was typed later."""
_OF_LETTER: Mapping[str, str] = {
    Event.ANSWER_COMPLETION: Letter.COMPLETION_REQUEST,
    Event.EXPIRE_COMPLETION: Letter.COMPLETION_REQUEST,
    Event.FILE_OBSERVATIONS: Letter.REFUSAL_NOTICE,
    Event.EXPIRE_OBSERVATIONS: Letter.REFUSAL_NOTICE,
}
"""Which letter each of them answers, or stops waiting for an answer to."""
_BY_THE_APPLICANT = {Event.ANSWER_COMPLETION, Event.FILE_OBSERVATIONS}
"""The clock goes on by their day; by what a worker notices, as of another."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an entry says that it changed in a term, and in whose words."""

    entry: Mapping[str, Any]
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the change is: `started`, `suspended`, and so on."""
        return str(self.told["change"])

    @property
    def seq(self) -> int:
        """The entry."""
        return int(self.entry["seq"])

    @property
    def event(self) -> str:
        """The move that brought it."""
        return str(self.entry["event"])

    @property
    def at(self) -> datetime:
        """When it was executed."""
        return datetime.fromisoformat(self.entry["at"])

    @property
    def due_at(self) -> datetime:
        """The last instant of the term after it."""
        return datetime.fromisoformat(self.told["due_at"])

    @property
    def by_worker(self) -> bool:
        """Tell whether no person made the move."""
        return bool(self.entry["actor"]["kind"] == ActorKind.WORKER)

    @property
    def source(self) -> str:
        """Name the entry, the act it stands on and the law behind it."""
        named = f"entry {self.seq}, {self.event}"
        act, basis = act_of(self.entry), self.entry["basis"]
        return "; ".join(filter(None, (named, act, basis)))

    @property
    def delivered_on(self) -> date | None:
        """The day on which a receipt proves delivery, if the change is about one."""
        day = self.entry["findings"].get("delivered_on")
        return date.fromisoformat(day) if day else None

    @property
    def letter(self) -> str | None:
        """The letter that stopped the clock, of what stops it or lets it go on."""
        told = self.entry["findings"].get("letter")
        return told or _OF_LETTER.get(self.event)

    @property
    def received(self) -> str | None:
        """When what was filed came in, and what proves it, if it was typed later."""
        if "received_on" not in self.entry["inputs"]:
            return None
        said, proof = (self.entry["inputs"][key] for key in ("received_on", "proof"))
        when = f"on {named(self._arrived)}"
        if len(said) > len("YYYY-MM-DD"):
            when = f"at {rome(datetime.fromisoformat(said))} (Rome)"
        return f"it came in {when}, as `{proof}` proves"

    @property
    def _arrived(self) -> date:
        """The day on which it came in: that of the entry unless it says another."""
        said = self.entry["inputs"].get("received_on")
        if said is None:
            return civil_day(self.at)
        if len(said) > len("YYYY-MM-DD"):
            return civil_day(datetime.fromisoformat(said))
        return date.fromisoformat(said)

    def started(self, day: date) -> str:
        """Say what started the term, and what proves it."""
        if self.event == Event.SUBMIT:
            received = datetime.fromisoformat(self.entry["order"]["received_at"])
            return f"it was received at {rome(received)} (Rome), on {named(day)}"
        if self.delivered_on is not None:
            return self._delivery()
        if self.received is not None:
            made = f"`{self.event}` was made on {named(civil_day(self.at))}"
            return self._with_arrival(made)
        said = _STARTED.get(self.event, f"`{self.event}` was made on {{day}}")
        return said.format(day=named(day))

    def stopped(self) -> str:
        """Say what stopped its clock, and what proves it."""
        return f"{self._delivery()}: the clock stops after that day"

    def resumed(self, span: Suspension | None, *, corrected: bool = False) -> str:
        """Say what let its clock go on, and after which day.

        If a later entry has *corrected* it, only what was known then.
        """
        day = self._arrived
        if self.delivered_on is not None:
            why = f"{self._delivery()}, when it had been answered already"
        else:
            said = _RESUMED.get(self.event, f"`{self.event}` was made on {{day}}")
            if corrected:
                said = _NOT_KNOWN.get(self.event, said)
            why = self._with_arrival(said.format(day=named(civil_day(self.at))))
        until = span.until if span else None
        if until is None:
            return f"{why}: the clock goes on"
        goes_on = f"{why}: the clock goes on after {named(until)}"
        if self.event not in _BY_THE_APPLICANT or until == day:
            return goes_on
        if until < day:
            return f"{goes_on}, for it may not stand still longer"
        return f"{goes_on}, {(until - day).days} days later"

    def extended(self) -> str:
        """Say how much more time was given, and why."""
        found = self.entry["findings"]
        more = (f"{found[unit]} {unit}" for unit in ("months", "days") if unit in found)
        day, reason = named(civil_day(self.at)), self.entry["reason"]
        return f"{' and '.join(more)} more were given on {day}: {reason}"

    def ended(self, due: datetime) -> str:
        """Say what came of its end, when that was due and when it was executed."""
        at, event = f"{rome(self.at)} (Rome)", self.event
        if self.name == "met":
            return self._with_arrival(f"what it was for was done: `{event}`, at {at}")
        if self.name == "cancelled":
            return f"it has no object any more since `{event}`, at {at}"
        if self.name == "settled":
            return f"what had to be done about it was done: `{event}`, at {at}"
        who = "a worker" if self.by_worker else "an officer"
        when = f"due from {rome(due)} (Rome) on, executed at {at}"
        if self.name == "escalated":
            return f"{who} told the manager that it was missed: {when}"
        found = self.entry["findings"]
        instead = (
            f", because `{found['instead_of']}` was not possible ({found['because']})"
            if "instead_of" in found
            else ""
        )
        return f"{who} made `{event}`{instead}: {when}"

    def _with_arrival(self, told: str) -> str:
        return told if self.received is None else f"{told}; {self.received}"

    def _delivery(self) -> str:
        letter, receipt = (self.entry["inputs"][key] for key in ("letter", "receipt"))
        found = self.entry["findings"]
        day = "" if self.delivered_on is None else f" on {named(self.delivered_on)}"
        if self.delivered_on is not None and "delivered_at" in found:
            weekday = WEEKDAYS[self.delivered_on.weekday()]
            at = datetime.fromisoformat(found["delivered_at"])
            day = f" on {weekday} {rome(at)} (Rome)"
        full = " (the mailbox was full, and the call says that this counts)"
        return (
            f"the letter `{letter}` was delivered{day}, as the receipt `{receipt}` "
            f"proves{full if found.get('full_box') else ''}"
        )


def changes_of(session: Session, row: Term) -> Iterator[Change]:
    """Return what the register says of a term, in its order.

    Raises:
        TamperedError: an entry cannot be read.
    """
    for entry in histories.carried_out(
        session, row.call_id, application=row.application_id
    ):
        for told in entry["terms"] or ():
            if (told["kind"], told["ordinal"]) == (row.kind, row.ordinal):
                yield Change(entry, told)


def named(day: date) -> str:
    """Write a day with its weekday, as the reckoning does."""
    return f"{WEEKDAYS[day.weekday()]} {italian_date(day)}"
