"""What stands in the way of a command on a file at a counter?

A model by the law, the documentation and the frozen call alone: it asks no rule, no
table of moves and no fold of the product. It reads rows and names every reason that
holds. With none a command is to be carried out; else it is refused for one of them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any
from unicodedata import category

from config.schema import CallDefinition
from models.vocabulary import Event, Role
from tests.builders import EVERYBODY, ROME
from tests.counters_rows import (
    BY_ANY_OTHER_CHANNEL,
    OVER,
    QUEUED,
    Content,
    Row,
    earlier_than,
    in_conflict,
    is_over,
    key_of,
    last_day,
    members_elsewhere,
    passed_over,
    queue_of,
    rome_day,
)
from tests.people import IMPARTIAL, WHO
from workflow.services.moves import MoveCommand

Reasons = dict[str, bool]
"""What may stand in the way, by its code, and whether it does."""

DECIDED = OVER - {"expired", "withdrawn"}
"""Where an act has led, which no document undoes."""

BY_WHAT_IS_STATED = {
    *("input.invalid", "act.unreadable", "act.missing", "act.future", "act.too_early"),
    *("reason.missing", "conflict.declared", "conflict.known", "conflict.unknown"),
    *("conflict.of_another", "date.future", "date.past", "date.too_early"),
    *("checklist.incomplete", "checklist.unknown", "score.invalid"),
    *("order.nobody_to_overtake", "order.overtaking_needs_act"),
    *("cor.expired", "cor.late", "durc.expired", "antimafia.missing"),
    *("amount.above_declared", "amount.above_grant", "grant.code_used"),
    *("extension.too_long", "extension.used", "extension.not_for_applicant"),
    *("term.not_running", "term.no_lapse", "term.met", "term.not_started"),
    *("notice.not_written", "notice.delivered", "notice.not_sent", "notice.not_held"),
    *("partnership.unchanged", "partnership.lead_twice", "partnership.in_two"),
}
"""Reasons that another statement might take out of the way."""

SECOND = timedelta(seconds=1)

UNREAD = {"input.invalid", "act.unreadable", "event.unknown"}
"""Why something is not even understood."""

# --- from where, and by whom ----------------------------------------------------------

_E = Event
_REVIEW = {"submitted"}
_PHASE_1 = {"submitted", "admissible", "evaluated"}
_OBSERVED = {"submitted", "evaluated"}

BY_INTAKE = {_E.REGISTER_DRAFT, _E.SUBMIT, _E.YIELD_RESERVATION}
BY_TIME = {
    *(_E.EXPIRE_TERM, _E.RESUME_TERM, _E.REMIND_TERM, _E.ESCALATE_TERM),
    *(_E.EXPIRE_PROPOSAL, _E.RELEASE_COR),
}


@lru_cache(maxsize=2)
def starts_from(granted: str) -> dict[Event, set[str]]:
    """Return from where each event starts, where a grant leads to *granted*.

    An event that is not there is none of the procedure. Where nothing is negotiated
    the grant is what is carried out: it is accepted if the call wants that, started
    and revoked.
    """
    negotiates = granted == "negotiating"
    after = {granted, "accepted", "in_progress"}
    alive = QUEUED | after
    carried_out = after - {granted} if negotiates else after
    anywhere = alive | OVER | {"draft", "completed"}
    found = {
        **dict.fromkeys(BY_INTAKE | BY_TIME, anywhere),
        _E.EXPIRE: {"draft"},
        _E.DECLARE_NOT_RECEIVABLE: _REVIEW,
        _E.CHANGE_PARTNERS: QUEUED,
        _E.START_REVIEW: _REVIEW,
        _E.REQUEST_COMPLETION: _REVIEW,
        _E.ANSWER_COMPLETION: _REVIEW,
        _E.EXPIRE_COMPLETION: _REVIEW,
        _E.ADMIT: _REVIEW,
        _E.DECLARE_INADMISSIBLE: _REVIEW,
        _E.NOTIFY_REFUSAL: _OBSERVED,
        _E.FILE_OBSERVATIONS: _OBSERVED,
        _E.EXPIRE_OBSERVATIONS: _OBSERVED,
        _E.UPHOLD_OBSERVATIONS: _OBSERVED,
        _E.DECLARE_CONFLICT: alive,
        _E.END_CONFLICT: alive,
        _E.EVALUATE: {"admissible", "evaluated"},
        _E.REJECT: {"evaluated"},
        _E.PUT_ON_WAITING_LIST: {"evaluated"},
        _E.PROMOTE: QUEUED,
        _E.DECLARE_UNFUNDED: {"waiting"},
        _E.GRANT: {"evaluated"},
        _E.RECORD_PUBLICATION: {granted},
        _E.CONFIRM_COR: after,
        _E.RENEW_COR: after,
        _E.ACCEPT: {granted},
        _E.START: carried_out - {"in_progress"},
        _E.APPROVE_VARIATION: {"in_progress"},
        _E.GRANT_EXTENSION: {"in_progress"},
        _E.DECLARE_END: {"in_progress"},
        _E.FILE_REPORT: {"in_progress"},
        _E.SETTLE: {"in_progress"},
        _E.EXTEND_TERM: alive,
        _E.RECORD_DELIVERY: anywhere,
        _E.RELEASE_NOTICE: anywhere,
        _E.PROPOSE_LAPSE: after,
        _E.DISMISS_LAPSE: after,
        _E.LAPSE: after,
        _E.WITHDRAW: alive,
        _E.PROPOSE_REVOCATION: carried_out | {"completed"},
        _E.REVOKE: carried_out | {"completed"},
        _E.ANNUL: alive | {"completed"},
    }
    negotiation = (
        *(_E.CONVENE_NEGOTIATION, _E.SIGN_MINUTES, _E.FILE_PLAN),
        *(_E.RETURN_PLAN, _E.DETERMINE_AMOUNT),
    )
    return found | ({one: {granted} for one in negotiation} if negotiates else {})


ROLES: dict[str, tuple[Role, ...]] = {
    **WHO,
    _E.EXPIRE: (Role.RESPONSIBLE, Role.SYSTEM),
    _E.CHANGE_PARTNERS: (Role.RESPONSIBLE,),
    _E.REQUEST_COMPLETION: (Role.RESPONSIBLE,),
    _E.ANSWER_COMPLETION: (Role.INTAKE,),
    _E.EXPIRE_COMPLETION: (Role.RESPONSIBLE, Role.SYSTEM),
    _E.EXPIRE_OBSERVATIONS: (Role.RESPONSIBLE, Role.SYSTEM),
    _E.UPHOLD_OBSERVATIONS: (Role.RESPONSIBLE,),
    _E.PUT_ON_WAITING_LIST: (Role.RESPONSIBLE, Role.SYSTEM),
    _E.PROMOTE: (Role.RESPONSIBLE, Role.SYSTEM),
    _E.CONFIRM_COR: (Role.OFFICER,),
    _E.RENEW_COR: (Role.OFFICER,),
    _E.RETURN_PLAN: (Role.RESPONSIBLE,),
    _E.APPROVE_VARIATION: (Role.RESPONSIBLE,),
    _E.GRANT_EXTENSION: (Role.MANAGER,),
    _E.DECLARE_END: (Role.INTAKE, Role.SYSTEM),
    _E.FILE_REPORT: (Role.INTAKE,),
    _E.SETTLE: (Role.MANAGER,),
    _E.EXTEND_TERM: (Role.MANAGER,),
    _E.RECORD_DELIVERY: (Role.OFFICER, Role.SYSTEM),
    _E.PROPOSE_LAPSE: (Role.RESPONSIBLE, Role.SYSTEM),
    _E.ANNUL: (Role.MANAGER,),
}
"""The matrix of the documentation; what is by time may be done by workers too."""

BY_ACT = IMPARTIAL - {_E.EVALUATE}
WITH_REASON = {
    *(_E.DECLARE_NOT_RECEIVABLE, _E.CHANGE_PARTNERS, _E.NOTIFY_REFUSAL),
    *(_E.UPHOLD_OBSERVATIONS, _E.DECLARE_INADMISSIBLE, _E.REJECT),
    *(_E.DECLARE_CONFLICT, _E.END_CONFLICT, _E.RETURN_PLAN, _E.APPROVE_VARIATION),
    *(_E.GRANT_EXTENSION, _E.EXTEND_TERM, _E.DISMISS_LAPSE, _E.LAPSE),
    *(_E.PROPOSE_REVOCATION, _E.REVOKE, _E.ANNUL),
}

EVEN_IF_ANNULLED = {_E.WITHDRAW, _E.ANNUL, _E.RECORD_DELIVERY, _E.RELEASE_NOTICE}
EVEN_IF_ANNULLED |= {_E.EXPIRE}

OF_THE_APPLICANT = {
    *("completion", "definitive_plan", "plan_correction", "acceptance", "start"),
    "report",
}
"""The terms that an act may extend for one."""


# --- what is stated -------------------------------------------------------------------

_MONEY = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,2}))?", re.ASCII)
_POINTS = re.compile(r"[!-<>-~]{1,60}=[0-9]{1,4}", re.ASCII)


def cents(text: str) -> int | None:
    """Read an amount; none, if it is not written as one, or is beyond all money."""
    found = _MONEY.fullmatch(text)
    if not found:
        return None
    total = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    return total if total < 2**53 else None


def is_on_one_line(words: str, longest: int) -> bool:
    unseen = {"Cc", "Cs", "Zl", "Zp"}
    clean = not any(category(sign) in unseen for sign in words)
    return bool(words.strip()) and clean and len(words) <= longest


def points_of(sheet: Any) -> dict[str, int] | None:
    """Read a score sheet; none, if it cannot be read."""
    if isinstance(sheet, dict):
        return sheet if all(0 <= one <= 9_999 for one in sheet.values()) else None
    if not all(_POINTS.fullmatch(pair) for pair in sheet):
        return None
    return {code: int(given) for code, given in (pair.split("=") for pair in sheet)}


def _is_amount(least: int) -> Callable[[Any], bool]:
    return lambda text: (found := cents(text)) is not None and found >= least


def _each_once(partners: list[dict[str, str]]) -> bool:
    return len({one["tax_code"] for one in partners}) == len(partners)


_READABLE: Mapping[str, Callable[[Any], bool]] = {
    "admitted_investment": _is_amount(1),
    "investment": _is_amount(1),
    "recognised": _is_amount(0),
    "recover": _is_amount(0),
    "score": lambda sheet: points_of(sheet) is not None,
    "checked": bool,
    "receipt": lambda words: is_on_one_line(words, 120),
    "months": lambda months: 0 < months <= 999,
    "days": lambda days: 0 < days <= 365,
    "partners": _each_once,
}


def is_readable(event: Event, inputs: Mapping[str, Any]) -> bool:
    """Tell whether all is stated that an event needs, and each as it is written."""
    if event == _E.GRANT and "durc_until" not in inputs:
        return False
    if ("received_on" in inputs) != ("proof" in inputs):
        return False
    return all(
        _READABLE[name](said) for name, said in inputs.items() if name in _READABLE
    )


# --- one command ----------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """A command on a file, and what the rows say that is in its way."""

    content: Content
    rules: CallDefinition
    own: Row
    command: MoveCommand
    login: str | None
    """Who gives it; none for a worker."""
    now: datetime
    used: Mapping[str, object] = field(default_factory=dict)
    """The keys of commands that were carried out."""
    today: date = date.min
    met: frozenset[str] = frozenset()
    """Terms that were held to be missed, before it was known what had come in."""
    lapse: Any = None
    """The proposal of lapse that came only of them."""

    # Who and what

    @property
    def event(self) -> Event:
        return self.command.event

    @property
    def call(self) -> Row:
        (call,) = self.content["calls"]
        return call

    @property
    def granted(self) -> str:
        negotiates = self.rules.family == "negotiated_counter"
        return "negotiating" if negotiates else "granted"

    @property
    def roles(self) -> set[Role]:
        return {Role.SYSTEM} if self.login is None else {*EVERYBODY[self.login]}

    @property
    def me(self) -> str | None:
        found = {row["login"]: str(row["id"]) for row in self.content["officers"]}
        return None if self.login is None else found[self.login]

    def stated(self, name: str) -> Any:
        return self.command.inputs.get(name)

    def day(self, name: str) -> date:
        return date.fromisoformat(self.command.inputs[name])

    def money(self, name: str) -> int:
        found = cents(self.command.inputs.get(name, "0"))
        assert found is not None
        return found

    @property
    def signed_on(self) -> date | None:
        """Return the day of the act, if one is stated that can be read."""
        act = self.command.act
        return date.fromisoformat(act[-10:]) if act else None

    # The file

    def rows(self, table: str) -> list[Row]:
        mine = self.own["id"]
        return [row for row in self.content[table] if row["application_id"] == mine]

    def steps(self, kind: str) -> list[Row]:
        found = [row for row in self.rows("steps") if row["kind"] == kind]
        found = [row for row in found if row["id"] != self.lapse]
        return sorted(found, key=lambda row: row["ordinal"])

    def step(self, kind: str) -> Row:
        """Return the last step of a kind; an empty row, if there was none."""
        found: Row = (self.steps(kind) or [{"status": None, "outcome": None}])[-1]
        given_up = found["outcome"] in {"unanswered", "answered_late"}
        waits_again = self.met and kind == AWAITED[self.event].step
        if waits_again and (given_up or found["status"] == "answered"):
            return found | {"status": "open", "outcome": None}
        return found

    def stands(self, kind: str) -> bool:
        """Tell whether a step is open, or answered and not closed."""
        return self.step(kind)["status"] in {"open", "answered"}

    def term(self, kind: str) -> Row | None:
        found = [row for row in self.rows("terms") if row["kind"] == kind]
        last = max(found, key=lambda row: row["ordinal"], default=None)
        if last is not None and kind in self.met:
            return last | {"status": "running", "settled_at": None}
        return last

    def letter(self, *letters: str) -> Row | None:
        """Return the last letter of some kinds."""
        found = [row for row in self.rows("notices") if row["letter"] in letters]
        return max(
            found, key=lambda row: (row["created_at"], row["entry_seq"]), default=None
        )

    def is_over(self, term: Row) -> bool:
        """Tell whether a term has ended: with the whole of its last second."""
        return bool(term["due_at"] + SECOND <= self.now)

    # All of it, one after the other

    def reasons(self) -> set[str]:
        """Return why it is refused: what is looked at first, of all that holds."""
        for look in (
            self.unreadable,
            self.by_nobody,
            self.repeats,
            self.not_by_hand,
            self.out_of_place,
            self.without_role,
            self.against_rules,
            self.against_dates,
            self.with_used_codes,
        ):
            if found := {code for code, holds in look().items() if holds}:
                return found
        return set()

    def unreadable(self) -> Reasons:
        act, reason, key = self.command.act, self.command.reason, self.command.key
        known = self.event in starts_from(self.granted)
        words = ((act, 200), (reason, 2_000), (key, 100))
        unwritable = any(
            said is not None and not is_on_one_line(said, most) for said, most in words
        )
        return {
            "input.invalid": unwritable
            or (known and not is_readable(self.event, self.command.inputs)),
            "event.unknown": not known,
            "act.unreadable": act == "?",
        }

    def by_nobody(self) -> Reasons:
        known = self.login is None or self.login in EVERYBODY
        return {"officer.unknown": not known}

    def repeats(self) -> Reasons:
        """The key was used for something else, or the file is not as it was seen."""
        expected, key = self.command.expected_version, self.command.key
        return {
            "key.reused": key in self.used,
            "application.changed": expected not in {None, self.own["version"]},
        }

    def not_by_hand(self) -> Reasons:
        return {
            "event.by_intake": self.event in BY_INTAKE,
            "event.by_sweep": self.event in BY_TIME,
        }

    def out_of_place(self) -> Reasons:
        state = self.own["state"]
        decided = self.stated("received_on") is not None and state in DECIDED
        starts = starts_from(self.granted)[self.event]
        if decided:
            return {"received.decided": True}
        return {"machine.wrong_state": state not in starts}

    def without_role(self) -> Reasons:
        return {"role.missing": not self.roles & {*ROLES[self.event]}}

    def against_rules(self) -> Reasons:
        way = replace(self, today=rome_day(self.now))
        found = [way.formal()]
        if self.event in AWAITED:
            found.append(way.arrival())
            way = way.as_it_came_in()
        if self.event in IN_THE_WAY:
            found.append(IN_THE_WAY[self.event](way))
        return {code: True for one in found for code, holds in one.items() if holds}

    def formal(self) -> Reasons:
        annulled = self.call["state"] == "annulled"
        conflicts = in_conflict(self.content, self.own)
        return {
            "call.annulled": annulled and self.event not in EVEN_IF_ANNULLED,
            "act.missing": self.event in BY_ACT and not self.command.act,
            "reason.missing": self.event in WITH_REASON and not self.command.reason,
            "conflict.declared": self.event in IMPARTIAL and self.me in conflicts,
        }

    def against_dates(self) -> Reasons:
        """A person brings an act, that was signed after the file came in and by now."""
        signed, received = self.signed_on, self.own["received_at"]
        if signed is None:
            return {}
        acts = {
            f"{row['kind']} {row['number']}/{row['signed_on']}"
            for row in self.content["acts"]
        }
        return {
            "act.future": signed > rome_day(self.now),
            "act.too_early": received is not None and signed < rome_day(received),
            "act.no_person": self.login is None and self.command.act not in acts,
        }

    def with_used_codes(self) -> Reasons:
        others = [
            row for row in self.content["applications"] if row["id"] != self.own["id"]
        ]
        codes = ("cor", "cup") if self.event == _E.GRANT else ("cor",)
        used = any(
            row[code] == self.stated(code)
            for row in others
            for code in codes
            if self.event in {_E.GRANT, _E.RENEW_COR}
        )
        return {"grant.code_used": used}

    # What came in before it was typed

    def arrival(self) -> Reasons:
        """It came in by now, and after what it answers."""
        if self.stated("received_on") is None:
            return {}
        said, awaited = self.day("received_on"), AWAITED[self.event]
        at, asked = self.came_at(), self.letter(*awaited.letters_in(self.rules))
        if asked is not None:
            reached = asked["delivered_at"] or asked["created_at"]
            early = at < asked["created_at"] or rome_day(at) < rome_day(reached)
        else:
            began = [
                row["starts_on"]
                for row in self.rows("terms")
                if row["kind"] in awaited.terms
            ]
            early = bool(began) and rome_day(at) < min(began)
        return {"date.future": said > self.today, "date.too_early": early}

    def came_at(self) -> datetime:
        said = self.day("received_on")
        return min(self.now, datetime.combine(said, time(23, 59, 59), ROME))

    def as_it_came_in(self) -> "Way":
        """Return the same on the day on which it came in."""
        if self.stated("received_on") is None:
            return self
        at, awaited = self.came_at(), AWAITED[self.event]
        asked = self.letter(*awaited.letters_in(self.rules))
        delivered = asked and asked["delivered_at"] and rome_day(asked["delivered_at"])
        met = frozenset(
            kind
            for kind in awaited.terms
            if (term := self.term(kind)) is not None
            if term["status"] == "expired" and term["due_at"] + SECOND > at
            if term["settled_at"] is None
            or (awaited.step and term["starts_on"] == delivered)
        )
        proposals = self.steps("lapse_proposal")
        fallen = [
            row["id"]
            for row in proposals[-1:]
            if row["subject"] in met
            and (row["status"] != "closed" or row["outcome"] == "expired")
        ]
        return replace(
            self,
            now=at,
            today=rome_day(at),
            met=met,
            lapse=fallen[0] if fallen else None,
        )

    # What several have in common

    def begun(self) -> Reasons:
        return {"review.not_started": not self.own["review_started"]}

    def complete(self) -> Reasons:
        return {"completion_request.open": self.stands("completion_request")}

    def not_refused(self) -> Reasons:
        """A file under a notice of refusal goes on only once that gave way."""
        notice = self.step("refusal_notice")
        gave_way = notice["outcome"] in {"upheld", "scored_again"}
        is_open = notice["status"] == "open"
        there = notice["status"] is not None and not gave_way
        return {
            "refusal_notice.open": is_open,
            "refusal_notice.not_upheld": there and not is_open,
        }

    def heard(self) -> Reasons:
        """Nobody is refused who was not told why, and could not answer."""
        notice = self.step("refusal_notice")
        return {
            "refusal_notice.missing": notice["status"] is None,
            "refusal_notice.pending": notice["status"] == "open",
            "refusal_notice.upheld": notice["outcome"] in {"upheld", "scored_again"},
        }

    def answers(self, kind: str) -> Reasons:
        """It is awaited; or late, and nobody has decided yet."""
        step = self.step(kind)
        late = (step["status"], step["outcome"]) == ("closed", "unanswered")
        return {f"{kind}.not_open": step["status"] != "open" and not late}

    def no_lapse(self) -> Reasons:
        return {"lapse_proposal.open": self.stands("lapse_proposal")}

    def in_time(self, *kinds: str) -> Reasons:
        """A peremptory term has not ended."""
        terms = [term for kind in kinds if (term := self.term(kind)) is not None]
        missed = any(
            (term["status"] == "expired" or self.is_over(term))
            and term["status"] not in {"met", "cancelled"}
            and term["settled_at"] is None
            for term in terms
        )
        return {"term.expired": missed}

    def ended(self, kind: str) -> Reasons:
        term = self.term(kind)
        past = term is None or term["status"] in {"met", "cancelled"}
        past = past or (term is not None and term["settled_at"] is not None)
        running = not past and term is not None and not self.is_over(term)
        return {"term.not_started": past, "term.running": running}

    def has_come(self, name: str, *letters: str, began: str = "") -> Reasons:
        """A stated day is not to come, nor before a letter or what came before it."""
        day, letter = self.day(name), self.letter(*letters)
        early = False
        if letter is not None:
            starts = [r["starts_on"] for r in self.rows("terms") if r["kind"] == began]
            early = day < min([rome_day(letter["created_at"]), *starts])
        return {"date.future": day > self.today, "date.too_early": early}

    def within(self, name: str, most: int | None, code: str) -> Reasons:
        return {code: most is not None and self.money(name) > most}

    # Money

    def aid(self, investment: int) -> int:
        """Return what may be given: never above request, cap and ceiling."""
        given = self.rules.aid
        percent = Fraction(given.variable_percent) / 100
        due = given.fixed + round(Fraction(investment) * percent)
        due = min(due, self.own["requested"], given.cap or due)
        year, month, day = self.today.year, self.today.month, self.today.day
        others = [
            row
            for row in self.content["applications"]
            if row["applicant_id"] == self.own["applicant_id"]
            if row["id"] != self.own["id"] and row["granted_on"] is not None
        ]
        amounts = [(row["granted_on"], row["granted"]) for row in others]
        amounts += [(row["granted_on"], row["amount"]) for row in self.rows("aids")]
        counted = sum(
            amount
            for on, amount in amounts
            if (on.year + 3, on.month, on.day) > (year, month, day)
        )
        assert given.ceiling is not None
        return max(0, int(min(due, given.ceiling - counted)))

    def ground(self) -> Reasons:
        """Whoever was scored is refused for the score, or if nothing can be given."""
        score = self.own["score"]
        enough = score is not None and score >= self.rules.merit.threshold
        reaches = enough and self.aid(self.own["investment"]) > 0
        return {"score.reaches_threshold": reaches}

    def below(self) -> Reasons:
        low = (self.own["score"] or 0) < self.rules.merit.threshold
        return {"score.below_threshold": low}

    def has_its_money(self) -> Reasons:
        return {"money.reserved": self.own["reserved"] >= self.own["requested"]}

    def free(self) -> int:
        call = self.call
        return int(call["allocation"] - call["reserved"] - call["granted"])

    def is_elsewhere(self) -> bool:
        """Tell whether it came another way, or while the counter was not open."""
        at = self.own["received_at"]
        open_then = any(
            one["opened_at"] <= at <= (one["ended_at"] or at)
            for one in self.content["openings"]
        )
        return self.own["channel"] in BY_ANY_OTHER_CHANNEL or not open_then

    # Its turn

    def turn(self) -> Reasons:
        behind = passed_over(self.content, self.own, self.event)
        overtakes = bool(self.stated("overtake"))
        formal = self.command.act and self.command.reason
        return {
            "order.turn": bool(behind) and not overtakes,
            "order.nobody_to_overtake": overtakes and not behind,
            "order.overtaking_needs_act": overtakes and bool(behind) and not formal,
        }


@dataclass(frozen=True)
class Awaited:
    """What an applicant files: within which terms, in answer to what."""

    terms: tuple[str, ...]
    letters: tuple[str, ...] = ()
    """Where the amount is negotiated."""
    plain: tuple[str, ...] | None = None
    """Where it is not, if that is another one."""
    step: str = ""

    def letters_in(self, rules: CallDefinition) -> tuple[str, ...]:
        other = self.plain is not None and rules.family == "plain_counter"
        return self.plain or () if other else self.letters


AWAITED: Mapping[Event, Awaited] = {
    _E.ANSWER_COMPLETION: Awaited(
        ("completion",), ("completion_request",), step="completion_request"
    ),
    _E.FILE_OBSERVATIONS: Awaited(
        ("observations",), ("refusal_notice",), step="refusal_notice"
    ),
    _E.FILE_PLAN: Awaited(("definitive_plan", "plan_correction"), ("plan_returned",)),
    _E.ACCEPT: Awaited(("acceptance",), ("amount_determined",), plain=("grant",)),
    _E.START: Awaited(("start",), (), plain=("grant",)),
    _E.FILE_REPORT: Awaited(("report",)),
}


def _admit(way: Way) -> Reasons:
    wanted = {one.kind for one in way.rules.documents}
    checked = set(way.stated("checked"))
    return {
        **way.begun(),
        **way.complete(),
        **way.not_refused(),
        "checklist.incomplete": not wanted <= checked,
        "checklist.unknown": not checked <= wanted,
    }


def _evaluate(way: Way) -> Reasons:
    notice, sheet = way.step("refusal_notice"), points_of(way.stated("score"))
    upheld = (notice["outcome"], notice.get("subject")) == ("upheld", "evaluated")
    maxima = {one.code: one.max_points for one in way.rules.merit.criteria}
    assert sheet is not None
    fits = sheet.keys() == maxima.keys() and all(
        points <= maxima[code] for code, points in sheet.items()
    )
    return {
        **way.not_refused(),
        **way.turn(),
        "score.given": way.own["score"] is not None and not upheld,
        "score.invalid": not fits,
    }


def _promote(way: Way) -> Reasons:
    before = earlier_than(way.content, way.own)
    return {
        **way.has_its_money(),
        "receivability.not_receivable": way.is_elsewhere(),
        "money.not_head": any(row["reserved"] < row["requested"] for row in before),
        "money.short": way.own["requested"] > way.free(),
    }


def _declare_unfunded(way: Way) -> Reasons:
    before, left = earlier_than(way.content, way.own), way.free()
    for row in before:
        if row["reserved"] < row["requested"]:
            left -= row["requested"]
    later = [row for row in queue_of(way.content) if key_of(row) > key_of(way.own)]
    return {
        **way.has_its_money(),
        "window.open": not is_over(way.content, way.now),
        "money.free": left >= way.own["requested"],
        "money.may_be_freed": any(row["reserved"] for row in before),
        "money.later_waiting": any(r["reserved"] < r["requested"] for r in later),
    }


def _grant(way: Way) -> Reasons:
    own, call = way.own, way.call
    admitted = way.stated("admitted_investment")
    investment = own["investment"] if admitted is None else cents(admitted)
    assert investment is not None
    amount = way.aid(investment)
    before = sum(row["requested"] for row in earlier_than(way.content, own))
    return {
        **way.below(),
        **way.not_refused(),
        "money.not_reserved": own["reserved"] < own["requested"],
        "date.future": max(way.day("cor_on"), way.day("cup_on")) > way.today,
        "cor.expired": last_day(way.day("cor_on"), 20) < way.today,
        "amount.above_declared": investment > own["investment"],
        "aid.nothing_left": not amount,
        "money.short": amount > max(0, call["allocation"] - call["granted"] - before),
        "durc.expired": way.day("durc_until") < way.today,
        "antimafia.missing": amount >= 15_000_000 and not way.stated("antimafia"),
    }


def _confirm_cor(way: Way) -> Reasons:
    term = way.term("aid_registry")
    told = term is not None and (term["status"] == "met" or term["settled_at"])
    late = term is not None and way.day("sent_on") > rome_day(term["due_at"])
    return {
        **way.has_come("sent_on", "grant"),
        "cor.confirmed": bool(told),
        "cor.late": late,
    }


def _cor_has_lapsed(way: Way) -> bool:
    term = way.term("aid_registry")
    return bool(term and term["status"] == "expired" and term["settled_at"] is None)


def _return_plan(way: Way) -> Reasons:
    plans = way.steps("definitive_plan")
    returned = sum(step["outcome"] == "returned" for step in plans)
    often = returned >= way.rules.procedure.plan_returns
    return {**_plan_is_there(way), "definitive_plan.returned_before": often}


def _plan_is_there(way: Way) -> Reasons:
    return {
        "definitive_plan.not_answered": way.step("definitive_plan")["status"]
        != "answered",
        "determination.open": way.stands("determination"),
    }


def _determine(way: Way) -> Reasons:
    most = way.own["plan_investment"] or way.own["investment"]
    above = way.within("admitted_investment", most, "amount.above_declared")
    return _plan_is_there(way) | above


def _accept(way: Way) -> Reasons:
    negotiates = way.granted == "negotiating"
    return {
        **_is_published(way),
        **way.in_time("acceptance"),
        **way.no_lapse(),
        "determination.missing": negotiates and not way.stands("determination"),
        "acceptance.not_wanted": not way.rules.procedure.acceptance,
    }


def _start(way: Way) -> Reasons:
    from_grant = way.own["state"] == "granted"
    after = "grant" if from_grant else "acceptance_received"
    return {
        **(_is_published(way) if from_grant else {}),
        **way.in_time("start"),
        **way.no_lapse(),
        **way.has_come("started_on", after, began="start"),
    }


def _is_published(way: Way) -> Reasons:
    return {"grant.not_published": way.own["published_on"] is None}


def _goes_on(way: Way) -> Reasons:
    """The plan runs, and nobody has noted its end."""
    duration = way.term("duration")
    return {
        **way.no_lapse(),
        "report.open": way.stands("report"),
        "term.expired": duration is not None and way.is_over(duration),
    }


def _extend(way: Way) -> Reasons:
    given = [row for row in way.rows("notices") if row["letter"] == "extension_granted"]
    may = way.rules.procedure
    return {
        **_goes_on(way),
        "extension.too_long": way.stated("months") > may.extension_months,
        "extension.used": len(given) >= may.extensions,
    }


def _settle(way: Way) -> Reasons:
    return {
        **way.no_lapse(),
        **way.within("recognised", way.own["granted"], "amount.above_grant"),
        "report.not_answered": way.step("report")["status"] != "answered",
        "cor.lapsed": _cor_has_lapsed(way),
    }


def _extend_term(way: Way) -> Reasons:
    kind = way.stated("term")
    term = way.term(kind)
    going = term is not None and term["status"] in {"running", "suspended"}
    runs = going and term is not None and not way.is_over(term)
    return {
        "extension.not_for_applicant": kind not in OF_THE_APPLICANT,
        "term.not_running": not runs,
    }


def _record_delivery(way: Way) -> Reasons:
    letter, stated = way.letter(way.stated("letter")), way.stated("delivered_on")
    day = date.fromisoformat(stated) if stated else way.today
    if letter is None:
        return {"notice.not_written": True, "date.future": day > way.today}
    return {
        "date.future": day > way.today,
        "date.too_early": day < rome_day(letter["created_at"]),
        "notice.delivered": letter["delivered_at"] is not None,
        "notice.not_sent": letter["status"] == "held",
    }


def _release(way: Way) -> Reasons:
    found = [r for r in way.rows("notices") if str(r["id"]) == way.stated("notice")]
    return {
        "notice.not_written": not found,
        "notice.not_held": any(row["status"] != "held" for row in found),
    }


def _propose_lapse(way: Way) -> Reasons:
    kind = way.stated("term")
    rule, term = way.rules.terms.get(kind), way.term(kind)
    over = term is not None and term["status"] in {"met", "cancelled"}
    found = {"term.met": True} if over else way.ended(kind)
    if rule is None or rule.effect != "propose_lapse":
        found = {"term.no_lapse": True}
    return way.no_lapse() | found


def _lapse(way: Way) -> Reasons:
    """The applicant was told of the proposal, and had ten days to answer."""
    told = way.letter("lapse_proposed")
    delivered = told and told["delivered_at"]
    days = way.rules.terms["observations"].count  # type: ignore[index]
    until = last_day(rome_day(delivered), days) if delivered else None
    return {
        "lapse_proposal.not_open": way.step("lapse_proposal")["status"] != "open",
        "lapse_proposal.not_delivered": not delivered,
        "lapse_proposal.pending": until is not None and way.today <= until,
    }


def _change_partners(way: Way) -> Reasons:
    if way.rules.partnership is None:
        return {"partnership.not_foreseen": True}
    codes = {row["id"]: row["tax_code"] for row in way.content["applicants"]}
    now = {
        (codes[row["applicant_id"]], row["kind"])
        for row in way.rows("partners")
        if row["left_at"] is None
    }
    then = {(one["tax_code"], one["kind"]) for one in way.stated("partners")}
    lead = codes[way.own["applicant_id"]]
    members = {code for code, _ in then} | {lead}
    away = {codes[who] for who in members_elsewhere(way.content, but=way.own["id"])}
    return {
        "partnership.unchanged": now == then,
        "partnership.lead_twice": lead in {code for code, _ in then},
        "partnership.in_two": bool(members & away),
    }


def _declare_conflict(way: Way) -> Reasons:
    """Everybody declares their own; that of another a manager alone."""
    whose = way.stated("officer")
    of_another = whose != way.me and Role.MANAGER not in way.roles
    return {
        "conflict.of_another": of_another,
        "conflict.known": whose in in_conflict(way.content, way.own),
    }


def _end_conflict(way: Way) -> Reasons:
    """Whoever declared their own takes it back; else one whom it does not concern."""
    whose = way.stated("officer")
    found = in_conflict(way.content, way.own)
    own = way.me == whose == found.get(whose)
    other = way.me != whose and way.roles & {Role.RESPONSIBLE, Role.MANAGER}
    if whose not in found:
        return {"conflict.unknown": True}
    return {"conflict.of_another": not (own or other)}


def _not_above_grant(way: Way) -> Reasons:
    return way.within("recover", way.own["granted"], "amount.above_grant")


IN_THE_WAY: Mapping[Event, Callable[[Way], Reasons]] = {
    _E.EXPIRE: lambda way: {"window.open": not is_over(way.content, way.now)},
    _E.DECLARE_NOT_RECEIVABLE: lambda way: {
        "receivability.no_ground": not way.is_elsewhere(),
        "review.started": way.own["review_started"],
    },
    _E.CHANGE_PARTNERS: _change_partners,
    _E.START_REVIEW: lambda way: {
        **way.turn(),
        "receivability.not_receivable": way.is_elsewhere(),
        "review.started": way.own["review_started"],
    },
    _E.REQUEST_COMPLETION: lambda way: {
        **way.begun(),
        **way.not_refused(),
        "completion_request.once": bool(way.steps("completion_request")),
    },
    _E.ANSWER_COMPLETION: lambda way: way.answers("completion_request"),
    _E.EXPIRE_COMPLETION: lambda way: {
        **way.ended("completion"),
        "completion_request.not_open": way.step("completion_request")["status"]
        != "open",
    },
    _E.ADMIT: _admit,
    _E.NOTIFY_REFUSAL: lambda way: {
        **way.begun(),
        **way.complete(),
        **way.ground(),
        "refusal_notice.once": any(way.not_refused().values()),
    },
    _E.FILE_OBSERVATIONS: lambda way: way.answers("refusal_notice"),
    _E.EXPIRE_OBSERVATIONS: lambda way: {
        **way.ended("observations"),
        "refusal_notice.not_open": way.step("refusal_notice")["status"] != "open",
    },
    _E.UPHOLD_OBSERVATIONS: lambda way: {
        "refusal_notice.not_answered": (
            (notice := way.step("refusal_notice"))["status"] != "answered"
            and notice["outcome"] != "unanswered"
        )
    },
    _E.DECLARE_INADMISSIBLE: lambda way: {
        **way.begun(),
        **way.heard(),
        **way.complete(),
    },
    _E.DECLARE_CONFLICT: _declare_conflict,
    _E.END_CONFLICT: _end_conflict,
    _E.EVALUATE: _evaluate,
    _E.REJECT: lambda way: way.ground() | way.heard(),
    _E.PUT_ON_WAITING_LIST: lambda way: {
        **way.below(),
        **way.has_its_money(),
        **way.not_refused(),
    },
    _E.PROMOTE: _promote,
    _E.DECLARE_UNFUNDED: _declare_unfunded,
    _E.GRANT: _grant,
    _E.RECORD_PUBLICATION: lambda way: {
        **way.has_come("published_on", "grant"),
        "grant.published": way.own["published_on"] is not None,
    },
    _E.CONFIRM_COR: _confirm_cor,
    _E.RENEW_COR: lambda way: {
        **way.has_come("cor_on", "grant"),
        "cor.valid": not _cor_has_lapsed(way),
        "cor.expired": last_day(way.day("cor_on"), 20) < way.today,
    },
    _E.CONVENE_NEGOTIATION: lambda way: {
        **_is_published(way),
        "negotiation.signed": way.step("negotiation")["outcome"] == "signed",
        "date.past": way.day("meeting_on") < way.today,
    },
    _E.SIGN_MINUTES: lambda way: {
        **way.no_lapse(),
        **way.has_come("signed_on", "convocation"),
        "negotiation.not_open": way.step("negotiation")["status"] != "open",
    },
    _E.FILE_PLAN: lambda way: {
        **way.in_time("definitive_plan", "plan_correction"),
        "definitive_plan.not_open": way.step("definitive_plan")["status"] != "open",
    },
    _E.RETURN_PLAN: _return_plan,
    _E.DETERMINE_AMOUNT: _determine,
    _E.ACCEPT: _accept,
    _E.START: _start,
    _E.APPROVE_VARIATION: _goes_on,
    _E.GRANT_EXTENSION: _extend,
    _E.DECLARE_END: lambda way: {
        **way.no_lapse(),
        "report.once": bool(way.steps("report")),
    },
    _E.FILE_REPORT: lambda way: {
        **way.in_time("report"),
        **way.no_lapse(),
        "report.not_open": way.step("report")["status"] != "open",
    },
    _E.SETTLE: _settle,
    _E.EXTEND_TERM: _extend_term,
    _E.RECORD_DELIVERY: _record_delivery,
    _E.RELEASE_NOTICE: _release,
    _E.PROPOSE_LAPSE: _propose_lapse,
    _E.DISMISS_LAPSE: lambda way: {
        "lapse_proposal.not_open": way.step("lapse_proposal")["status"] != "open"
    },
    _E.LAPSE: _lapse,
    _E.PROPOSE_REVOCATION: lambda way: {
        "revocation_proposal.open": way.stands("revocation_proposal")
    },
    _E.REVOKE: _not_above_grant,
    _E.ANNUL: _not_above_grant,
}
"""What the state of the file, and what is stated, may have against each event."""
