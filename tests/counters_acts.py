"""What stands in the way of a filing at a counter, or of an act on its call?

A model like that of the commands on files, and as independent: it reads rows, and the
frozen call, and names every reason that holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config.schema import CallDefinition
from tests.counters_model import Reasons, cents
from tests.counters_rows import (
    BY_ANY_OTHER_CHANNEL,
    OVER,
    QUEUED,
    Content,
    Row,
    bodies,
    claims,
    closing,
    members_elsewhere,
)

APART = timedelta(minutes=1)
"""By how much the clock of the portal may be ahead of ours."""

WINDOW = {"published", "open", "suspended"}
LIVING = WINDOW | {"closed"}


def held(reasons: Reasons) -> set[str]:
    return {code for code, holds in reasons.items() if holds}


def call_of(content: Content) -> Row:
    (call,) = content["calls"]
    return call


def taken_up_to(content: Content, rules: CallDefinition) -> float:
    """Return up to how much is taken in, in cents; half a cent to the even one."""
    percent = rules.counter.overbooking_percent
    if percent is None:
        return float("inf")
    allocation = call_of(content)["allocation"]
    return float(allocation + round(allocation * percent / 100))


# --- filings --------------------------------------------------------------------------


@dataclass(frozen=True)
class Filing:
    """A line of submissions, and what the rows say that is in its way."""

    content: Content
    rules: CallDefinition
    line: Row
    now: datetime
    is_behind: bool
    """Whether the clock here has fallen behind the register."""
    used: Mapping[str, object]
    """What was filed under each number of the portal."""

    @property
    def portals(self) -> bool:
        return self.line.get("channel", "portal") not in BY_ANY_OTHER_CHANNEL

    @property
    def stated_at(self) -> datetime | None:
        said = self.line.get("received_at")
        return datetime.fromisoformat(said) if said else None

    @property
    def lead(self) -> str:
        return str(self.line["applicant"]["tax_code"])

    @property
    def partners(self) -> list[str]:
        return [one["tax_code"] for one in self.line.get("partners", ())]

    def meets_a_version(self) -> bool:
        """Tell whether an announced version takes effect while the portal is ahead."""
        number = call_of(self.content)["version"]
        return any(
            self.stated_at is not None and row["effective_at"] <= self.stated_at
            for row in self.content["call_versions"]
            if row["number"] > number
        )

    def is_repeated(self) -> bool:
        """Tell whether this very line was taken in before."""
        if held(self.unreadable()):
            return False
        said = meant_by(self.line)
        draft = self.line.get("draft", False)
        return said in self.used.values() if draft else self.used_before() == said

    def used_before(self) -> object:
        return self.used.get(self.line["portal_id"])

    def reasons(self) -> set[str]:
        """Return why it is refused: what is looked at first, of all that holds."""
        draft = self.line.get("draft", False)
        looks: list[Callable[[], Reasons]] = [self.unreadable, self.as_another]
        looks += [self.against_drafts] if draft else [self.undatable, self.another_file]
        looks += [] if draft else [self.against_rules]
        for look in looks:
            if found := held(look()):
                return found
        return set()

    def unreadable(self) -> Reasons:
        twice = len({*self.partners}) < len(self.partners)
        return {"line.invalid": twice or self.lead in self.partners}

    def as_another(self) -> Reasons:
        filed = not self.line.get("draft", False) and self.used_before() is not None
        return {"submission.portal_id_used": filed}

    def undatable(self) -> Reasons:
        """The clock of the portal counts for what comes through it alone."""
        return {
            "submission.received_at": self.stated_at is not None and not self.portals
        }

    def another_file(self) -> Reasons:
        """A number of the portal is that of one file, but for a draft that ended."""
        tax_codes = {row["id"]: row["tax_code"] for row in self.content["applicants"]}
        other = any(
            row["state"] != "draft" or tax_codes[row["applicant_id"]] != self.lead
            for row in self.content["applications"]
            if row["portal_id"] == self.line["portal_id"] and row["state"] != "expired"
        )
        return {"submission.portal_id_used": other}

    def who(self) -> Reasons:
        leads = {
            row["applicant_id"]
            for row in self.content["applications"]
            if row["state"] not in {*OVER, "draft"}
        }
        ids = {row["tax_code"]: row["id"] for row in self.content["applicants"]}
        away = members_elsewhere(self.content, but=None)
        members = {ids.get(code) for code in (self.lead, *self.partners)}
        together = self.rules.partnership is not None
        return {
            "applicant.already_applied": ids.get(self.lead) in leads,
            "partnership.in_two": together and bool(members & away),
        }

    def against_drafts(self) -> Reasons:
        if found := held(self.another_file()):
            return dict.fromkeys(found, True)
        state, stretches = self.counter()
        over = state not in WINDOW or self.now > closing(self.content)
        who = self.who()
        return {
            "call.annulled": state == "annulled",
            "window.never_open": over and not stretches,
            "window.too_late": over and bool(stretches),
            "applicant.already_applied": who["applicant.already_applied"],
        }

    def against_rules(self) -> Reasons:
        state, _ = self.counter()
        asked = cents(self.line["requested"])
        assert asked is not None
        allocation = call_of(self.content)["allocation"]
        most = min(allocation, self.rules.aid.cap or allocation)
        return {
            **self.who(),
            **(self.untimely() if self.portals else {}),
            "call.annulled": state == "annulled",
            "amount.out_of_range": not 0 < asked <= most,
            "counter.exhausted": self.portals and self.is_beyond(asked),
        }

    @property
    def received(self) -> datetime:
        """Return when it came: after all that stands in a register that is ahead."""
        _, stretches = self.counter()
        ended = bool(stretches) and stretches[-1][1] == self.now
        moment = timedelta(microseconds=self.is_behind and ended)
        return self.stated_at or self.now + moment

    def untimely(self) -> Reasons:
        """It comes in a stretch in which the counter is open, ends included."""
        state, stretches = self.counter()
        at = self.received
        early = {"window.future": at > self.now + APART}
        if not stretches:
            return early | {"window.never_open": True}
        if any(since <= at <= (until or at) for since, until in stretches):
            return early
        if at < stretches[0][0]:
            return early | {"window.too_early": True}
        between = at < stretches[-1][0] or state == "suspended"
        return early | {"call.suspended" if between else "window.too_late": True}

    def counter(self) -> tuple[str, list[tuple[datetime, datetime | None]]]:
        """Return how the counter stands by the clock of the portal, if it is ahead."""
        call = call_of(self.content)
        rows = sorted(self.content["openings"], key=lambda row: row["ordinal"])
        stretches = [(row["opened_at"], row["ended_at"]) for row in rows]
        at, state = self.stated_at, str(call["state"])
        if at is None or at <= self.now or not self.portals:
            return state, stretches
        at, closes = min(at, self.now + APART), closing(self.content)
        reopens = call["reopens_at"] if state == "suspended" else None
        if reopens is not None and reopens <= min(at, closes):
            state, stretches = "open", [*stretches, (reopens, None)]
        if state in WINDOW and closes < at:
            since, until = stretches[-1]
            state, stretches[-1] = "closed", (since, until or closes)
        return state, stretches

    def is_beyond(self, asked: int) -> bool:
        earlier = [
            row
            for row in self.content["applications"]
            if row["received_at"] is not None and row["received_at"] <= self.received
        ]
        return claims(earlier) + asked > taken_up_to(self.content, self.rules)


_UNSAID: Row = {"aids": [], "partners": [], "received_at": None, "channel": "portal"}
_UNSAID |= {"draft": False}


def meant_by(line: Row) -> object:
    """Return what makes a line the same one again: what is left out is as usual."""
    return {**_UNSAID, **line}


# --- acts on the call -----------------------------------------------------------------


@dataclass(frozen=True)
class ActOnCall:
    """What an officer does with a call, and what the rows say that is in the way."""

    content: Content
    event: str
    stated: Mapping[str, Any]
    act: str | None
    now: datetime

    def reasons(self) -> set[str]:
        starts, wants_act, look = _ACTS[self.event]
        found = {
            "machine.wrong_state": call_of(self.content)["state"] not in starts,
            "act.missing": wants_act and not self.act,
        }
        return held(found | look(self))

    @property
    def call(self) -> Row:
        return call_of(self.content)

    def version_waits(self) -> Reasons:
        last = max(row["number"] for row in self.content["call_versions"])
        return {"call.version_waits": last > self.call["version"]}

    def money(self) -> Reasons:
        """A call never has less than was given; and less of it only at once."""
        call, amount = self.call, self.stated["allocation"]
        later = self.stated.get("effective_at") or self.now
        return {
            **self.version_waits(),
            "call.effective_in_the_past": later < self.now,
            "call.allocation_below_committed": amount
            < call["reserved"] + call["granted"],
            "call.decrease_later": amount < call["allocation"] and later > self.now,
        }

    def refinanced(self) -> Reasons:
        less = self.stated["allocation"] <= self.call["allocation"]
        return self.money() | {"call.not_refinanced": less}

    def reopened(self) -> Reasons:
        at = self.stated["at"]
        return {
            "call.reopening_in_the_past": at <= self.now,
            "call.reopening_after_closing": at >= closing(self.content, announced=True),
        }

    def extended(self) -> Reasons:
        before, after = closing(self.content), self.stated["closes_at"]
        reopens = self.call["reopens_at"]
        closed = self.call["state"] == "closed"
        past = after <= self.now if closed else before != after and after < self.now
        return {
            **self.version_waits(),
            "call.not_extended": after <= before,
            "call.closed": closed and not self.owes_time(),
            "call.closing_in_the_past": past,
            "call.closed_by_then": not closed and self.now > before,
            "call.closing_before_reopening": reopens is not None and after <= reopens,
        }

    def owes_time(self) -> bool:
        """Tell whether an extension was decided for a malfunction, and is to come."""
        decided = [
            row["decided_at"]
            for row in self.content["malfunctions"]
            if row["decision"] == "extension"
        ]
        extended = [
            datetime.fromisoformat(body["at"])
            for body in bodies(self.content)
            if (body["event"], body["outcome"]) == ("extend_call", "ok")
        ]
        return bool(decided) and all(at < max(decided) for at in extended)

    def undecided(self) -> Reasons:
        waits = any(
            row["state"] in {*QUEUED, "draft"} or row["reserved"]
            for row in self.content["applications"]
        )
        return {**self.version_waits(), "call.undecided": waits}

    def interval(self) -> Reasons:
        began, ended = self.stated["began_at"], self.stated["ended_at"]
        return {
            "malfunction.interval": began >= ended,
            "malfunction.not_over": ended > self.now,
        }

    def decision(self) -> Reasons:
        number = self.stated["malfunction"]
        found = [r for r in self.content["malfunctions"] if r["ordinal"] == number]
        return {
            "malfunction.unknown": not found,
            "malfunction.decided": any(row["decision"] for row in found),
        }

    def kept(self) -> Reasons:
        """Data is kept for ten years after the last thing was done."""
        (*_, last) = [
            datetime.fromisoformat(body["at"])
            for body in bodies(self.content)
            if body["outcome"] == "ok"
        ]
        states = {row["state"] for row in self.content["applications"]}
        unsent = any(row["status"] == "queued" for row in self.content["notices"])
        return {
            "retention.runs": self.now < last + timedelta(days=3_650),
            "call.unfinished": bool(states - {*OVER, "completed", "draft"}),
            "call.letters_unsent": unsent,
        }


_Look = Callable[[ActOnCall], Reasons]
_ANY_STATE = LIVING | {"concluded", "annulled"}
_NOTHING: _Look = lambda _: {}  # noqa: E731 - as the others in the table

_ACTS: Mapping[str, tuple[set[str], bool, _Look]] = {
    "suspend_call": (
        {"published", "open"},
        True,
        # When the platform does not work nobody waits for an act.
        lambda it: (
            {"act.missing": False} if it.stated["cause"] == "malfunction" else {}
        ),
    ),
    "announce_reopening": ({"suspended"}, True, ActOnCall.reopened),
    "refinance_call": (LIVING, True, ActOnCall.refinanced),
    "change_call": (LIVING, True, ActOnCall.money),
    "extend_call": (LIVING, True, ActOnCall.extended),
    "close_call": (WINDOW, True, _NOTHING),
    "conclude_call": ({"closed", "concluded"}, True, ActOnCall.undecided),
    "annul_call": (_ANY_STATE - {"annulled"}, True, _NOTHING),
    "record_malfunction": (LIVING, False, ActOnCall.interval),
    "decide_malfunction": (LIVING, True, ActOnCall.decision),
    "record_draw": (
        {"open", "suspended", "closed"},
        True,
        lambda _: {"draw.not_this_call": True},
    ),
    "erase_personal_data": ({"concluded", "annulled"}, True, ActOnCall.kept),
    "export_register": (_ANY_STATE, False, _NOTHING),
}
"""From where each act starts, whether it wants one that is signed, and what else."""
