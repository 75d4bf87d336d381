"""Does everything still hold after any sequence of commands?

Hypothesis files, moves, repeats and lets time pass in any order, on both
databases. After every command the content of the database is compared with
what the promises say, by models of a few lines that share nothing with the
product: no fold, no rule and no query of its own is asked for its opinion.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count, dropwhile, pairwise, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import SQLModel

from config.loader import load
from config.schema import CallDefinition
from models.vocabulary import (
    ApplicationState,
    CallState,
    Cents,
    Event,
    Letter,
    MalfunctionDecision,
    NoticeStatus,
    StepKind,
    StepStatus,
    SuspensionCause,
    TermKind,
    TermStatus,
)
from tests.builders import (
    EVERYBODY,
    PAPER,
    Office,
    ctl,
    furnish,
    office,
    scores,
    submission,
    usual,
)
from tests.counters_acts import ActOnCall, Filing, meant_by, taken_up_to
from tests.counters_model import (
    BY_INTAKE,
    BY_TIME,
    BY_WHAT_IS_STATED,
    UNREAD,
    Way,
    starts_from,
)
from tests.counters_rows import (
    BY_ANY_OTHER_CHANNEL,
    OVER,
    QUEUED,
    Content,
    bodies,
    claims,
    earlier_than,
    in_conflict,
    key_of,
    name_of,
    passed_over,
    queue_of,
)
from tests.driven import drives, moving
from tests.editions import edited
from tests.pec import FULL, NOBODY, Pec
from tests.people import IMPARTIAL
from tests.servers import fresh_postgres
from workflow.desk import Desk
from workflow.errors import ConflictError, InputError, RefusedError, SportelloError
from workflow.services import (
    call_acts,
    call_versions,
    calls,
    closings,
    decrees,
    exporting,
    intake,
    moves,
    receipts,
    retention,
    sweep,
    views,
)
from workflow.services.moves import MoveCommand
from workflow.services.views import EventView

NIGHT = settings.get_current_profile_name() == "night"

Act = tuple[Callable[..., Any], Callable[[], dict[str, Any]]]

_YIELDS = "yield_reservation"
EVERYONE = (*EVERYBODY, "nobody", None)
"""The officers, somebody who is none, and a worker."""

CLERKS = ("rossi", "clerk", None, "board", "nobody")
NO_CLERKS: Mapping[str | None, tuple[str, ...]] = {
    "board": ("role.missing",),
    "nobody": ("officer.unknown",),
}
"""Those who may take nothing in, and why."""

NAPS = (
    timedelta(microseconds=1),
    timedelta(seconds=1),
    timedelta(hours=-1),
    timedelta(hours=7),
    timedelta(days=1),
    timedelta(days=11),
    timedelta(days=31),
    timedelta(days=300),
)
ODD_TEXTS = ("", " ", "é e\u0301 🏛️", "a\x00b", "\udc80", "x" * 300)
"""Nothing, accents written in two ways, what no text may hold, too much."""

MORE = (-1, 1, 5_555_555, 11_111_111, 100_000_000)
LESS = (1, 1_000_000, 2_000_000)
"""By how many cents the allocation may be said to change."""

INVESTMENTS = ("95424.84", "500000.00", "0.00")
AIDS = ("299999.99", "300000.00", "200000.00", "1.00")
HAPPENINGS = (
    *("file",) * 2,
    *("an_earlier_one_is_handed_over_late",) * 2,
    "file_again",
    *("time_passes",) * 3,
    "the_window_is_at_its_edge",
    "the_queue_goes_on",
    "a_file_goes_on",
    *("a_likely_event",) * 5,
    "somebody_has_to_answer",
    *("somebody_is_overtaken",) * 2,
    *("any_event",) * 2,
    *("a_letter_is_delivered",) * 2,
    *("receipts_come",) * 3,
    "a_command_is_repeated",
    *("an_act_is_about_the_call",) * 2,
    "an_act_is_about_many",
    "somebody_has_a_conflict",
)
"""What may happen next, the more often the more of it is named."""

PEC_KINDS = (
    *("avvenuta-consegna",) * 4,
    "accettazione",
    "non-accettazione",
    "errore-consegna",
    "preavviso-errore-consegna",
)
PEC_REASONS = (None, NOBODY, FULL)
RECEIPTS = {
    **{("avvenuta-consegna", full): "delivered" for full in (False, True)},
    **{("accettazione", full): "accepted" for full in (False, True)},
    **{("non-accettazione", full): "not_accepted" for full in (False, True)},
    **{("preavviso-errore-consegna", full): "delayed" for full in (False, True)},
    ("errore-consegna", False): "undelivered",
    ("errore-consegna", True): "full_box",
}
"""What each kind says, if a mailbox is full or not: a full one has received nothing."""


ODD = ("act", "reason", "key", "version")
"""What may be stated otherwise than usual."""

ACTS = (
    *("refinance_call",) * 3,
    *("announce_reopening",) * 3,
    *("change_call",) * 2,
    *("suspend_call",) * 2,
    *("close_call", "extend_call", "conclude_call", "annul_call"),
    *("record_malfunction", "decide_malfunction"),
    *("record_draw", "erase_personal_data", "export_register"),
)
"""What an act may do with the call, the more often the more of it is named."""

DUE = {"open_call", "reopen_call", "close_call", "apply_version"}
"""What happens to a call by itself, as soon as somebody notices."""

DUE_IN_FILES = {
    Event.EXPIRE,
    Event.EXPIRE_COMPLETION,
    Event.EXPIRE_OBSERVATIONS,
    Event.PROPOSE_LAPSE,
    Event.DECLARE_END,
    Event.RELEASE_COR,
    Event.EXPIRE_PROPOSAL,
    Event.EXPIRE_TERM,
    Event.RESUME_TERM,
    Event.ESCALATE_TERM,
}
"""What happens to a file by itself: no act, and nothing that moves money."""

REPLIES = (
    Event.ANSWER_COMPLETION,
    Event.FILE_OBSERVATIONS,
    Event.ACCEPT,
    Event.FILE_REPORT,
)
"""What came in may be typed some days later."""

ONLY_BY_TIME = {
    Event.RELEASE_COR,
    Event.EXPIRE_PROPOSAL,
    Event.EXPIRE_TERM,
    Event.RESUME_TERM,
    Event.ESCALATE_TERM,
}


# --- the calls that are walked through ----------------------------------------

KINDS: Mapping[str, type[SportelloError]] = {
    **dict.fromkeys(UNREAD, InputError),
    "application.changed": ConflictError,
}
"""What is not even understood, or meets somebody else; all else is refused by a rule.

Of those nothing is recorded.
"""

Standing = StepKind | ApplicationState


@dataclass(frozen=True)
class Walked:
    """What a call has of its own, beside what every counter has."""

    rules: CallDefinition
    """What is written in lines and sheets; what must stand is said below."""
    asks: tuple[str, ...]
    late_asks: tuple[str, ...]
    """What is asked for by those who are handed over late: much."""
    declared: str
    """An aid that leaves something under the ceiling, and not all."""
    after_grant: Callable[
        [dict[str, Any], dict[str, str]], dict[ApplicationState, Event]
    ]
    """The main line from the grant to the start of the plan."""
    awaited: Mapping[TermKind, tuple[Letter, set[Standing]]]
    """By which letter each term from receipt starts, and beside what it runs."""
    stated: Mapping[Event, dict[str, Any]] = field(default_factory=dict)
    """What is usually stated otherwise than in the call of the builders."""
    most: int | None = None
    """What one applicant is given at most, in cents."""
    beyond: int | None = None
    """How much is taken in beyond the allocation, in per cent; none: no limit."""
    examines_all: bool = True
    """Whether those are examined too for whom there is no money."""
    together: bool = False
    """Whether several may apply together, each of them once."""
    held: frozenset[Letter] = frozenset()
    """Which letters wait until an officer releases them."""

    @property
    def code(self) -> str:
        return self.rules.code

    @property
    def papers(self) -> list[dict[str, str]]:
        return [
            {"kind": one.kind, "name": f"{one.kind}.pdf", "sha256": PAPER}
            for one in self.rules.documents
        ]


IN_ANY_CALL: Mapping[TermKind, tuple[Letter, set[Standing]]] = {
    TermKind.COMPLETION: (Letter.COMPLETION_REQUEST, {StepKind.COMPLETION_REQUEST}),
    TermKind.OBSERVATIONS: (Letter.REFUSAL_NOTICE, {StepKind.REFUSAL_NOTICE}),
}


@lru_cache(maxsize=1)
def negotiated() -> Walked:
    """Return the call of the clusters: all are examined, and then negotiated with."""
    return Walked(
        ctl(),
        asks=("111111.11", "300000.00", "450000.00", "25000.00", "999999.99"),
        late_asks=("120000.00", "500000.00", "900000.00"),
        declared="200000.00",
        after_grant=lambda own, steps: {
            ApplicationState.NEGOTIATING: _next_in_negotiation(own, steps),
            ApplicationState.ACCEPTED: Event.START,
        },
        awaited={
            **IN_ANY_CALL,
            TermKind.NEGOTIATION: (
                Letter.GRANT,
                {StepKind.NEGOTIATION, ApplicationState.NEGOTIATING},
            ),
            TermKind.PLAN_CORRECTION: (
                Letter.PLAN_RETURNED,
                {StepKind.DEFINITIVE_PLAN},
            ),
            TermKind.ACCEPTANCE: (Letter.AMOUNT_DETERMINED, {StepKind.DETERMINATION}),
        },
    )


TOGETHER = """[partnership]
maximum = 3
one_application_each = true
invited_only = false
source = "assumed"
basis = "chosen for a test"
"""


@lru_cache(maxsize=1)
def plain() -> Walked:
    """Return a plain counter with money for a few, who may apply together.

    What is granted is published and started; nothing beyond the money is examined,
    and half as much again is taken in.
    """
    path = edited(
        Path(mkdtemp(prefix="sportello-")),
        ('amount = "7000000.00"', 'amount = "90000.00"'),
        ("held = []", 'held = ["promoted"]'),
        (
            "[filing]\n",
            f"{TOGETHER}\n[filing]\n",
        ),
        name="plain",
        of="competenze-innovazione-2025",
    )
    rules = load(path)
    return Walked(
        rules,
        asks=("11111.11", "30000.00", "45000.00", "2500.00", "50000.00"),
        late_asks=("12000.00", "40000.00", "50000.00"),
        declared="280000.00",
        after_grant=lambda own, _steps: {
            ApplicationState.GRANTED: (
                Event.START if own["published_on"] else Event.RECORD_PUBLICATION
            ),
        },
        awaited={
            **IN_ANY_CALL,
            TermKind.START: (Letter.GRANT, {ApplicationState.GRANTED}),
        },
        stated={
            Event.ADMIT: {"checked": [one.kind for one in rules.documents]},
            Event.EVALUATE: {"score": scores(80, rules)},
            Event.SETTLE: {"recognised": "2000.00"},
            Event.EXTEND_TERM: {"term": "start"},
            Event.PROPOSE_LAPSE: {"term": "start"},
        },
        most=50_000_00,
        beyond=50,
        examines_all=False,
        together=True,
        held=frozenset({Letter.PROMOTED}),
    )


# --- what the database holds --------------------------------------------------


def content_of(engine: sqlalchemy.Engine) -> Content:
    """Read every row of every table."""
    content = {}
    with engine.connect() as connection:
        for name, query in _queries().items():
            found = connection.execute(query)
            columns = tuple(found.keys())
            content[name] = [dict(zip(columns, row, strict=True)) for row in found]
    return content


@lru_cache(maxsize=1)
def _queries() -> dict[str, sqlalchemy.Select[Any]]:
    return {
        table.name: sqlalchemy.select(table).order_by(*table.primary_key)
        for table in SQLModel.metadata.sorted_tables
    }


def since(before: Content, after: Content) -> list[dict[str, Any]]:
    """Return what was entered in between; what was there stands as it stood."""
    known, now = bodies(before), bodies(after)
    assert now[: len(known)] == known
    return now[len(known) :]


def beside_the_register(content: Content) -> Content:
    """Leave out the entries and what a call remembers of the last of them."""
    head = {"head_seq", "head_hash", "last_instant"}
    kept = {name: rows for name, rows in content.items() if name != "entries"}
    kept["calls"] = [
        {key: value for key, value in row.items() if key not in head}
        for row in content["calls"]
    ]
    return kept


# --- the office under any sequence of commands --------------------------------


class AnySequence(RuleBasedStateMachine):
    """Everything that officers, workers and applicants may do, in any order."""

    succeeded: Counter[str]

    def __init__(
        self, database: AbstractContextManager[str], call: Walked | None = None
    ) -> None:
        super().__init__()
        self.call = call or negotiated()
        self.stack = ExitStack()
        url = self.stack.enter_context(database)
        opens = self.call.rules.window.opens_at
        self.work: Office = self.stack.enter_context(office(url, at=opens))
        self.content = content_of(self.work.desk.engine)
        self.numbers = count(1)
        self.verified: list[str] = []
        self.keyed: list[tuple[MoveCommand, dict[str, Any]]] = []
        self.used: dict[str, object] = {}
        self.lines: dict[str, object] = {}

    def teardown(self) -> None:
        self.stack.close()

    # --- how a command is watched

    def look(self) -> tuple[Content, Content]:
        """Return the content before and after the last command."""
        before, self.content = self.content, content_of(self.work.desk.engine)
        return before, self.content

    def desk_of(self, login: str | None) -> Desk:
        desk = self.work.desk
        return desk.as_worker() if login is None else desk.as_officer(login)

    def row(self, name: str) -> dict[str, Any]:
        rows = self.content["applications"]
        return next(row for row in rows if name_of(row) == name)

    def any_name(self, data: Any) -> str:
        names = [name_of(row) for row in self.content["applications"]]
        return str(data.draw(st.sampled_from(names)))

    def advance(self, desk: Desk, command: MoveCommand) -> dict[str, Any] | None:
        """Give a command: it is carried out, unless the model has a reason against it.

        What is due on the call by then is done first, and looked at by itself.
        """
        self.what_is_due_is_done()
        own = self.row(command.application)
        reasons = self.way(desk.identity.login, command).reasons()
        try:
            answer = moves.advance(desk, command)
        except SportelloError as error:
            self.expect_refused_for(error, reasons, command)
            return None
        assert not reasons, (command, reasons)
        before, after = self.look()
        assert command.event not in ONLY_BY_TIME, "nobody brings an end forward"
        made = self.expect_one_accepted_entry(before, after)
        self.expect_order_kept(before, after, command, own, answer)
        if command.event in IMPARTIAL:
            assert made["actor"]["id"] not in in_conflict(before, own)
        self.succeeded[command.event.value] += 1
        if command.key:
            self.used[command.key] = meant(command)
        return answer

    def way(self, login: str | None, command: MoveCommand) -> Way:
        """Return what the model sees of a command, and of the file it is about."""
        return Way(
            self.content,
            self.call.rules,
            self.row(command.application),
            command,
            login,
            self.now,
            self.used,
        )

    @property
    def now(self) -> datetime:
        """The instant of what is done now: the register never goes back."""
        (call,) = self.content["calls"]
        last: datetime = call["last_instant"]
        return max(self.work.clock.now(), last)

    def expect_refused_for(
        self, error: SportelloError, reasons: set[str], command: MoveCommand
    ) -> None:
        """What is not refused by a rule leaves no trace."""
        assert type(error) is KINDS.get(error.code, RefusedError), (command, error)
        if isinstance(error, RefusedError):
            self.expect_one_refused_entry(error, command.event, reasons)
            return
        assert error.code in reasons, (command, reasons, error)
        self.succeeded[f"refused: {error.code}"] += 1
        before, after = self.look()
        assert after == before

    def expect_one_refused_entry(
        self, error: SportelloError, event: str, reasons: Collection[str]
    ) -> None:
        """It is refused for a reason that holds, and nothing else comes of it."""
        assert error.code in reasons, (event, reasons, error)
        self.succeeded[f"refused: {error.code}"] += 1
        before, after = self.look()
        assert beside_the_register(after) == beside_the_register(before)
        *earlier, last = bodies(after)
        assert earlier == bodies(before)
        assert (last["outcome"], last["event"]) == ("refused", event)
        assert last["refusal"]["code"] == error.code

    def expect_one_accepted_entry(
        self, before: Content, after: Content
    ) -> dict[str, Any]:
        """It may set money free, which goes to others at once; return the first."""
        made, *promotions = since(before, after)
        assert made["outcome"] == "ok"
        self.expect_promotions(promotions)
        self.expect_nothing_undone(before, after)
        return made

    def expect_nothing_undone(self, before: Content, after: Content) -> None:
        standing = {row["id"]: row["state"] for row in after["applications"]}
        for row in before["applications"]:
            if row["state"] in OVER:
                assert standing[row["id"]] == row["state"]

    def expect_promotions(self, entries: list[dict[str, Any]]) -> None:
        """Workers give money away, and say from where they took it."""
        for body in entries:
            assert (body["event"], body["outcome"]) == ("promote", "ok")
            assert (body["actor"]["kind"], body["channel"]) == ("worker", "counter")
            (moved,) = body["money"]["movements"]
            sources = body["findings"]["funded_by"]
            assert sum(source["cents"] for source in sources) == moved["reserved"] > 0
            self.succeeded["promoted by itself"] += 1

    def expect_order_kept(
        self,
        before: Content,
        after: Content,
        command: MoveCommand,
        own: dict[str, Any],
        answer: dict[str, Any],
    ) -> None:
        """Hold turn and money against the plain rules of the counter."""
        overtake = bool(command.inputs.get("overtake"))
        skipped = answer["findings"].get("overtaken", [])
        behind = passed_over(before, own, command.event)
        assert skipped == [name_of(row) for row in behind]
        assert bool(behind) == overtake
        if behind:
            self.succeeded["overtaking"] += 1
            assert command.act
            assert command.reason
        if command.event == Event.GRANT:
            self.expect_grant_covered(before, after, own)
            assert command.inputs["durc_until"] >= self.work.today.isoformat()
            granted = answer["money"]["granted"]
            assert "antimafia" in command.inputs or float(granted) < 150_000
        if command.event == Event.LAPSE:
            self.expect_proposal_received_long_ago(before, own)
        if command.event == Event.EVALUATE and own["score"] is not None:
            assert own["id"] in {
                row["application_id"]
                for row in before["steps"]
                if row["kind"] == StepKind.REFUSAL_NOTICE and row["outcome"] == "upheld"
            }

    def expect_proposal_received_long_ago(
        self, before: Content, own: dict[str, Any]
    ) -> None:
        *_, last = sorted(
            (row["entry_seq"], row["delivered_at"])
            for row in before["notices"]
            if row["application_id"] == own["id"]
            and row["letter"] == Letter.LAPSE_PROPOSED
        )
        assert last[1] is not None
        assert self.work.clock.now() - last[1] > timedelta(days=9)

    def expect_grant_covered(
        self, before: Content, after: Content, own: dict[str, Any]
    ) -> None:
        (call,) = before["calls"]
        now = next(row for row in after["applications"] if row["id"] == own["id"])
        set_aside = sum(row["requested"] for row in earlier_than(before, own))
        left = call["allocation"] - call["granted"] - set_aside
        assert 0 < now["granted"] <= left
        assert own["reserved"] == own["requested"]
        self.expect_ceiling_kept(before, now)
        codes = Counter(
            code
            for row in after["applications"]
            for code in (("cor", row["cor"]), ("cup", row["cup"]))
            if code[1] is not None
        )
        assert set(codes.values()) == {1}

    def expect_ceiling_kept(self, before: Content, now: dict[str, Any]) -> None:
        """What was given in the three years until today counts, and what is given."""
        today = self.work.today
        until = (today.year, today.month, today.day)
        declared = sum(
            row["amount"]
            for row in before["aids"]
            if row["application_id"] == now["id"]
            if (day := row["granted_on"])
            if (day.year + 3, day.month, day.day) > until
        )
        assert now["granted"] + declared <= 30_000_000
        assert self.call.most is None or now["granted"] <= self.call.most
        assert now["admitted_investment"] <= now["investment"]
        if declared:
            self.succeeded["under_the_ceiling"] += 1

    # --- what may happen

    @initialize(data=st.data())
    def a_morning(self, data):
        aid = st.sampled_from(((), (self.call.declared,)))
        asked = st.lists(
            st.tuples(st.sampled_from(self.call.asks), aid), min_size=2, max_size=5
        )
        for number, (requested, declared) in enumerate(data.draw(asked)):
            self.work.wait(microseconds=1)
            aids = [self.aid(amount) for amount in declared]
            self.take(number, "rossi", {"requested": requested, "aids": aids})

    def take(self, number: int, login: str | None, changes: dict[str, Any]) -> None:
        self.what_is_due_is_done()
        line = submission(
            number,
            **{
                "portal_id": f"DOM-{next(self.numbers):04d}",
                "documents": self.call.papers,
                **changes,
            },
        )
        desk, lines = self.desk_of(login), [orjson.dumps(line)]
        filing = Filing(
            self.content,
            self.call.rules,
            line,
            self.now,
            self.work.clock.now() < self.now,
            self.lines,
        )
        reasons, repeated = filing.reasons(), filing.is_repeated()
        try:
            (answer,) = intake.take_in(desk, self.call.code, lines)
        except RefusedError as error:
            self.expect_one_refused_entry(error, Event.SUBMIT, NO_CLERKS[login])
            return
        assert login not in NO_CLERKS
        assert (answer["outcome"] == "duplicate") == repeated
        if answer["outcome"] == "refused":
            code = answer["error"]["code"]
            assert code in reasons or filing.meets_a_version(), (line, reasons, answer)
            self.succeeded[f"refused: {code}"] += 1
            self.expect_filing_refused(line, answer)
            return
        before, after = self.look()
        if repeated:
            assert after == before
            return
        assert not reasons or filing.meets_a_version(), (line, reasons)
        draft = None if answer["protocol"] else f"draft {len(self.lines)}"
        self.lines[draft or line["portal_id"]] = meant_by(line)
        self.expect_filed_and_given_way(before, after)
        self.succeeded["submit" if answer["protocol"] else "draft"] += 1

    def expect_filed_and_given_way(self, before: Content, after: Content) -> None:
        """Before the entry of the filing only later ones give their money up.

        What is left of it goes to others afterwards.
        """
        new = _made_by_the_filing(before, after)
        given_up = list(takewhile(lambda body: body["event"] == _YIELDS, new))
        last, *rest = new[len(given_up) :]
        suspended = [body for body in rest if body["event"] == "suspend_call"]
        promotions = rest[: len(rest) - len(suspended)]
        assert not promotions or given_up
        self.expect_promotions(promotions)
        assert last["outcome"] == "ok"
        if last["event"] == "register_draft":
            assert given_up == suspended == []
            return
        own = next(
            row
            for row in after["applications"]
            if str(row["id"]) == last["application"]
        )
        held = {str(row["id"]): row for row in before["applications"]}
        for body in given_up:
            assert body["channel"] == "intake"
            assert body["actor"]["kind"] == "worker"
            assert own["channel"] not in BY_ANY_OTHER_CHANNEL
            assert key_of(held[body["application"]]) > key_of(own)
            assert held[body["application"]]["reserved"]
            self.succeeded[_YIELDS] += 1
        if own["channel"] in BY_ANY_OTHER_CHANNEL:
            assert own["reserved"] == 0
            assert suspended == []
            return
        earlier = [row for row in self.filed() if key_of(row) < key_of(own)]
        assert claims(earlier) + own["requested"] <= self.limit()
        self.expect_suspended_once_full(after, suspended)

    def expect_filing_refused(
        self, line: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        """Nothing is taken in; it may have been one too many, and stop the counter."""
        before, after = self.look()
        refused, *suspended = _made_by_the_filing(before, after)
        code = answer["error"]["code"]
        assert (refused["outcome"], refused["event"]) == ("refused", Event.SUBMIT)
        assert refused["refusal"]["code"] == code
        if since(before, after) == [refused]:
            assert beside_the_register(after) == beside_the_register(before)
        if code != "counter.exhausted":
            assert not suspended
            return
        at = datetime.fromisoformat(answer["received_at"])
        earlier = [row for row in self.filed() if row["received_at"] <= at]
        asked = round(float(line["requested"]) * 100)
        assert claims(earlier) + asked > self.limit()
        assert [body["event"] for body in suspended] in ([], ["suspend_call"])
        assert after["calls"][0]["state"] != CallState.OPEN
        self.succeeded["exhausted"] += 1

    def expect_suspended_once_full(
        self, after: Content, suspended: list[dict[str, Any]]
    ) -> None:
        """An open counter that has taken in all that it may stops by itself."""
        (call,) = after["calls"]
        if claims(self.filed()) < self.limit():
            assert not suspended
            return
        assert call["state"] != CallState.OPEN
        for body in suspended:
            assert (body["actor"]["kind"], body["from"]) == ("worker", "open")
            assert body["inputs"] == {"cause": "exhaustion"}
            self.succeeded["full"] += 1

    def filed(self) -> list[dict[str, Any]]:
        return [row for row in self.content["applications"] if row["received_at"]]

    def limit(self) -> float:
        """Return up to how much is taken in, in cents."""
        return taken_up_to(self.content, self.call.rules)

    # One rule with weights of ours: Hypothesis switches whole rules off at random,
    # and of few examples hardly any would have those that matter together.
    @rule(data=st.data(), happening=st.sampled_from(HAPPENINGS))
    def something_happens(self, data, happening):
        getattr(self, happening)(data)

    def file(self, data: Any) -> None:
        delay = data.draw(
            st.sampled_from((None, None, 0, 1, 3_600, 86_400, 10**7, -60))
        )
        changes = {
            "requested": data.draw(st.sampled_from(self.call.asks)),
            "investment": data.draw(st.sampled_from(INVESTMENTS)),
            "channel": data.draw(st.sampled_from(("portal", "portal", "pec", "paper"))),
            "draft": data.draw(st.sampled_from((False, True))),
        }
        changes["aids"] = data.draw(self.aids())
        if self.call.together:
            changes["partners"] = data.draw(partners())
        if delay is not None:
            instant = self.work.clock.now() - timedelta(seconds=delay)
            changes["received_at"] = instant.isoformat()
        clerk = data.draw(st.sampled_from(CLERKS))
        self.take(self.somebody(data), clerk, changes)

    def somebody(self, data: Any) -> int:
        """Return the number of who applies: mostly of one who has not applied yet."""
        apply = {
            row["applicant_id"]
            for row in self.content["applications"]
            if row["state"] not in OVER
        }
        rows = self.content["applicants"]
        codes = {row["tax_code"] for row in rows if row["id"] in apply}
        free = [number for number in range(9) if _tax_code(number) not in codes]
        return int(data.draw(st.sampled_from([*range(9), *free * 3])))

    def aids(self) -> st.SearchStrategy[list[dict[str, str]]]:
        aid = st.sampled_from(AIDS).map(self.aid)
        return st.just([]) | st.lists(aid, max_size=2)

    def aid(self, amount: str) -> dict[str, str]:
        day = (self.work.today - timedelta(days=200)).isoformat()
        return {"granted_on": day, "amount": amount, "grantor": "Comune"}

    def an_earlier_one_is_handed_over_late(self, data: Any) -> None:
        """The portal brings what arrived before all others, and asks for much."""
        opens = self.call.rules.window.opens_at
        instant = opens + timedelta(microseconds=data.draw(st.integers(0, 3)))
        changes = {
            "requested": data.draw(st.sampled_from(self.call.late_asks)),
            "received_at": instant.isoformat(),
            "aids": data.draw(self.aids()),
        }
        self.take(self.somebody(data), "rossi", changes)

    def file_again(self, data: Any) -> None:
        """The portal repeats itself, files its draft, or changes its mind."""
        known = self.row(self.any_name(data))
        applicant = next(
            row
            for row in self.content["applicants"]
            if row["id"] == known["applicant_id"]
        )
        numbers = (n for n in range(9) if _tax_code(n) == applicant["tax_code"])
        changes = {
            "portal_id": known["portal_id"],
            "requested": f"{known['requested'] // 100}.{known['requested'] % 100:02d}",
            **data.draw(st.sampled_from(({}, {}, {"investment": "1.00"}))),
            **data.draw(st.sampled_from(({}, {"draft": True}))),
        }
        self.take(next(numbers), "rossi", changes)

    def time_passes(self, data: Any) -> None:
        self.work.clock.advance(data.draw(st.sampled_from(NAPS)))

    def the_window_is_at_its_edge(self, data: Any) -> None:
        window = self.call.rules.window
        edge = data.draw(st.sampled_from((window.opens_at, window.closes_at)))
        step = timedelta(microseconds=data.draw(st.integers(-1, 1)))
        if self.work.clock.now() < edge:
            self.work.clock.move_to(edge + step)

    def a_file_goes_on(self, data: Any) -> None:
        """Make moves of the main line, whoever is earlier."""
        self.go_on(self.any_name(data), data.draw(st.integers(1, 5)))

    def the_queue_goes_on(self, data: Any) -> None:
        """Make moves of the main line in order, so that sequences reach its end."""
        steps = data.draw(st.integers(3, 15))
        rows = self.content["applications"]
        for row in sorted((row for row in rows if row["received_at"]), key=key_of):
            steps = self.go_on(name_of(row), steps)

    def go_on(self, name: str, steps: int) -> int:
        """Make the next moves of a file; return how many were not made."""
        while steps and (event := self.next_of(self.row(name))):
            command = MoveCommand(name, event, **self.usual(event))
            if self.advance(self.work.desk.as_officer("rossi"), command) is None:
                break
            steps -= 1
        return steps

    def usual(self, event: Event) -> dict[str, Any]:
        """Return what is usually stated, with codes that do not depend on the past."""
        stated = usual(event, self.work.today)
        if event in self.call.stated:
            stated["inputs"] |= self.call.stated[event]
        if event == Event.GRANT:
            number = next(self.numbers)
            stated["inputs"] |= {"cor": f"{number}", "cup": f"E41B{number:011d}"}
            stated["inputs"]["antimafia"] = "BDNA 7"
        if event == Event.RENEW_COR:
            stated["inputs"]["cor"] = f"{next(self.numbers)}"
        return stated

    def next_of(self, own: dict[str, Any]) -> Event | None:
        steps = {
            step["kind"]: step["status"]
            for step in self.content["steps"]
            if step["application_id"] == own["id"]
        }
        waiting = {
            ApplicationState.SUBMITTED: (
                Event.ADMIT if own["review_started"] else Event.START_REVIEW
            ),
            ApplicationState.ADMISSIBLE: Event.EVALUATE,
            ApplicationState.EVALUATED: (
                Event.GRANT if own["reserved"] else Event.PUT_ON_WAITING_LIST
            ),
            ApplicationState.WAITING: Event.PROMOTE,
            **self.call.after_grant(own, steps),
            ApplicationState.IN_PROGRESS: {
                None: Event.DECLARE_END,
                StepStatus.OPEN: Event.FILE_REPORT,
            }.get(steps.get(StepKind.REPORT), Event.SETTLE),
        }
        return waiting.get(own["state"])

    def any_event(self, data: Any) -> None:
        """Make any move with any inputs, by anybody, tried dry before."""
        event = data.draw(st.sampled_from(Event))
        login = data.draw(st.sampled_from(EVERYONE))
        command = self.drawn(data, self.any_name(data), event)
        self.expect_dry_run_predicts(self.desk_of(login), command)

    def a_likely_event(self, data: Any) -> None:
        """Make a move that `events` says can be made now: most others are refused."""
        self.what_is_due_is_done()
        name = self.any_name(data)
        _, known = views.events(self.work.desk, name)
        self.expect_shown_as_modelled(name, known)
        events = [view.event for view in known if view.allowed]
        if events:
            command = self.drawn(data, name, data.draw(st.sampled_from(events)))
            self.expect_dry_run_predicts(self.desk_of("rossi"), command)

    def expect_shown_as_modelled(self, name: str, known: Collection[EventView]) -> None:
        """What is shown is what can be made from there; what is not allowed, cannot.

        What is allowed hangs on nothing but what will be stated.
        """
        starts = starts_from(self.way(None, MoveCommand(name, Event.ADMIT)).granted)
        state = self.row(name)["state"]
        possible = {event for event, sources in starts.items() if state in sources}
        assert {view.event for view in known} == possible - BY_INTAKE - BY_TIME
        if self.now > self.work.clock.now():
            return  # it is shown by our clock, and made by that of the register
        for view in known:
            command = MoveCommand(name, view.event, **self.usual(view.event))
            reasons = self.way("rossi", command).reasons()
            if view.allowed:
                reasons -= BY_WHAT_IS_STATED
            assert bool(reasons) is not view.allowed, (name, view, reasons)
            self.succeeded["shown"] += 1

    def somebody_is_overtaken(self, data: Any) -> None:
        """Take up a file by act, as soon as somebody earlier is not taken up."""
        name = self.any_name(data)
        event = {
            ApplicationState.SUBMITTED: Event.START_REVIEW,
            ApplicationState.ADMISSIBLE: Event.EVALUATE,
        }.get(self.row(name)["state"])
        if event is not None:
            stated = self.usual(event)
            inputs = {**stated.get("inputs", {}), "overtake": True}
            act = f"decreto 9/{self.work.today}"
            command = MoveCommand(name, event, inputs=inputs, act=act, reason="so")
            self.expect_dry_run_predicts(self.desk_of("rossi"), command)

    def somebody_has_to_answer(self, data: Any) -> None:
        """Whoever is examined is asked for more, or heard: it keeps nobody waiting."""
        name = self.any_name(data)
        asked = (Event.REQUEST_COMPLETION, Event.NOTIFY_REFUSAL)
        event = data.draw(st.sampled_from(asked))
        own = self.row(name)
        if (own["state"], own["review_started"]) == ("submitted", False):
            self.go_on(name, 1)
        command = MoveCommand(name, event, **self.usual(event))
        self.advance(self.work.desk.as_officer("rossi"), command)

    def expect_dry_run_predicts(self, desk: Desk, command: MoveCommand) -> None:
        self.what_is_due_is_done()
        seed = self.work.clock.seed
        predicted = told(desk, replace(command, dry_run=True))
        before, after = self.look()
        assert after == before

        self.work.clock.seed = seed
        answer = self.advance(desk, command)

        if answer is not None:
            assert predicted == {**answer, "dry_run": True}
            self.succeeded["predicted"] += 1
            if command.key:
                self.keyed.append((command, answer))
            return
        assert isinstance(predicted, tuple)
        *_, last = bodies(self.content)
        if predicted[0] is RefusedError and last["outcome"] == "refused":
            assert last["refusal"] == {"code": predicted[1], "message": predicted[2]}

    def drawn(self, data: Any, name: str, event: Event) -> MoveCommand:
        stated = self.usual(event)
        odd = data.draw(st.sampled_from(("", "", "inputs", "inputs", *ODD)))
        inputs = dict(stated.get("inputs", {}))
        if odd == "inputs":
            inputs |= data.draw(self.inputs_of(event))
            without = data.draw(st.sampled_from((None, "antimafia", "durc_until")))
            inputs.pop(str(without), None)
        if event == Event.RELEASE_NOTICE:
            held = self.held_of(name) or [str(UUID(int=1))]
            inputs["notice"] = data.draw(st.sampled_from(held))
        act, reason = stated.get("act"), stated.get("reason")
        if inputs.get("overtake"):
            act, reason = f"decreto 9/{self.work.today}", "the judge says so"
        if odd == "act":
            acts = (
                None,
                f"decreto 7/{self.work.today}",
                "decreto 8/2999-01-01",
                "decreto 8/2026-01-01",
                "?",
            )
            act = data.draw(st.sampled_from(acts))
        if odd == "reason":
            reason = data.draw(st.sampled_from((None, *ODD_TEXTS)))
        key = data.draw(st.sampled_from((None, f"K{next(self.numbers)}")))
        if odd == "key":
            key = data.draw(st.sampled_from(ODD_TEXTS))
        command = MoveCommand(
            name,
            event,
            inputs=inputs,
            act=act,
            reason=reason,
            key=key,
            expected_version=1 if odd == "version" else None,
        )
        if key is not None and self.used.get(key) == meant(command):
            return replace(command, key=None)  # that one is repeated elsewhere
        return command

    def held_of(self, name: str) -> list[str]:
        file = self.row(name)["id"]
        return [
            str(row["id"])
            for row in self.content["notices"]
            if (row["application_id"], row["status"]) == (file, NoticeStatus.HELD)
        ]

    def inputs_of(self, event: Event) -> st.SearchStrategy[dict[str, Any]]:
        """Return what may be stated instead of the usual."""
        money = st.sampled_from(
            ("0.00", "0.01", "50000.00", "111111.11", "90071992547409.92", "1,5")
        )
        day = st.integers(-40, 5).map(
            lambda shift: (self.work.today + timedelta(days=shift)).isoformat()
        )
        sheet = st.integers(0, 100).map(lambda points: scores(points, self.call.rules))
        came = {"received_on": day, "proof": st.just("PEC 7")}
        odd: dict[Event, dict[str, st.SearchStrategy[Any]]] = {
            Event.START_REVIEW: {"overtake": st.booleans()},
            Event.EVALUATE: {
                "overtake": st.booleans(),
                "score": sheet
                | st.just(["qualità=1"])
                | st.just({"quality": 10**20})
                | st.just(["quality=" + "9" * 20]),
            },
            Event.ADMIT: {"checked": st.sampled_from((["plan_proposal"], ["x"], []))},
            Event.GRANT: {
                "admitted_investment": money,
                "durc_until": day,
                "cor": st.sampled_from(("1", "2", "9" * 12)),
                "cup": st.just("E41B00000000001"),
            },
            Event.RECORD_PUBLICATION: {"published_on": day},
            Event.CONFIRM_COR: {"sent_on": day},
            Event.RECORD_DELIVERY: {
                "letter": st.sampled_from(Letter),
                "delivered_on": day,
                "receipt": st.sampled_from(("R-2", *ODD_TEXTS)),
            },
            Event.CONVENE_NEGOTIATION: {"meeting_on": day},
            Event.SIGN_MINUTES: {"signed_on": day},
            Event.FILE_PLAN: {"investment": money, **came},
            Event.DETERMINE_AMOUNT: {"admitted_investment": money},
            Event.START: {"started_on": day, **came},
            **dict.fromkeys(REPLIES, came),
            Event.CHANGE_PARTNERS: {"partners": partners()},
            Event.GRANT_EXTENSION: {"months": st.sampled_from((1, 6, 7, -1, 10**20))},
            Event.EXTEND_TERM: {
                "term": st.sampled_from(TermKind),
                "days": st.sampled_from((1, 365, 366, -1, 10**20)),
            },
            Event.RENEW_COR: {"cor_on": day},
            Event.EXPIRE_TERM: {"term": st.sampled_from(TermKind)},
            Event.RESUME_TERM: {"term": st.sampled_from(TermKind)},
            Event.ESCALATE_TERM: {"term": st.sampled_from(TermKind)},
            Event.SETTLE: {"recognised": money},
            Event.PROPOSE_LAPSE: {"term": st.sampled_from(TermKind)},
            Event.REVOKE: {"recover": money},
        }
        return st.fixed_dictionaries({}, optional=odd.get(event, {}))

    def a_letter_is_delivered(self, data: Any) -> None:
        """Most terms start at delivery; without this few would ever run."""
        rows = self.content["notices"]
        waiting = [index for index, row in enumerate(rows) if not row["delivered_at"]]
        if not waiting:
            return
        letter = rows[data.draw(st.sampled_from(waiting))]
        rows = self.content["applications"]
        own = next(row for row in rows if row["id"] == letter["application_id"])
        stated = {"letter": letter["letter"], "receipt": "R"}
        command = MoveCommand(name_of(own), Event.RECORD_DELIVERY, inputs=stated)
        self.advance(self.work.desk.as_officer("rossi"), command)

    def receipts_come(self, data: Any) -> None:
        """The mailbox brings receipts, in any order, some again and some false."""
        self.what_is_due_is_done()
        rows = self.content["notices"]
        letters = [row for row in rows if row["status"] != NoticeStatus.HELD]
        letters += [row for row in letters if not row["delivered_at"]]
        if not letters:
            return
        for _ in range(data.draw(st.integers(2, 5))):
            letter = letters[data.draw(st.integers(0, len(letters) - 1))]
            ago = data.draw(st.sampled_from((0, 0, 0, 3_600, 86_400, -1)))
            pec = Pec(
                data.draw(st.sampled_from(PEC_KINDS)),
                letter["id"],
                at=self.work.clock.now() - timedelta(seconds=ago),
                zone="+0000",
                error="altro",
                reason=data.draw(st.sampled_from(PEC_REASONS)),
                identifier=data.draw(st.sampled_from(("one", "another"))),
                to=letter["recipient"],
            )
            if pec.kind == "avvenuta-consegna":
                pec = pec.but(error="nessuno")
            self.take_receipt_in(pec, letter["id"])

    def take_receipt_in(self, pec: Pec, letter: UUID) -> None:
        outcome, code = self.came_of(pec, letter)
        taken = receipts.take_in(self.work.desk, pec.mail())
        assert (taken.outcome, taken.code) == (outcome, code), (pec, taken)
        before, after = self.look()
        new = since(before, after)
        if taken.outcome is not receipts.Outcome.TAKEN_IN:
            assert after == before
            return
        kept = {row["id"] for row in before["delivery_receipts"]}
        (row,) = (one for one in after["delivery_receipts"] if one["id"] not in kept)
        assert (row["notice_id"], row["original"]) == (letter, pec.mail())
        was = next(one for one in before["notices"] if one["id"] == letter)
        assert len(new) == (row["kind"] == "delivered" and not was["delivered_at"])
        for body in new:
            assert (body["event"], body["outcome"]) == ("record_delivery", "ok")
            assert body["actor"]["kind"] == "worker"
            assert body["findings"]["notice"] == str(letter)
            self.succeeded["delivered by a receipt"] += 1
        self.succeeded["receipt"] += 1

    def came_of(self, pec: Pec, letter: UUID) -> tuple[receipts.Outcome, str | None]:
        """Return what comes of a receipt: once each, and no delivery before its time.

        The two clocks may be five minutes apart.
        """
        kind = RECEIPTS[pec.kind, pec.reason == FULL]
        before = {
            (row["notice_id"], row["kind"], row["identifier"])
            for row in self.content["delivery_receipts"]
        }
        if (letter, kind, pec.identifier) in before:
            return receipts.Outcome.REPEATED, None
        written = next(row for row in self.content["notices"] if row["id"] == letter)
        at = pec.at.replace(microsecond=0)
        early = written["created_at"].replace(microsecond=0) - at
        if kind == "delivered" and at > self.work.clock.now():
            return receipts.Outcome.UNMATCHED, "date.future"
        known = written["sent_at"] is not None
        if kind == "delivered" and early > timedelta(minutes=5) and not known:
            return receipts.Outcome.UNMATCHED, "date.too_early"
        return receipts.Outcome.TAKEN_IN, None

    def a_command_is_repeated(self, data: Any) -> None:
        if not self.keyed:
            return
        other = data.draw(st.booleans())
        command, answer = self.keyed[data.draw(st.integers(0, len(self.keyed) - 1))]
        if other:
            command = replace(command, reason=f"{command.reason} or not")
        self.what_is_due_is_done()
        try:
            again = moves.advance(self.work.desk.as_officer("rossi"), command)
        except RefusedError as error:
            assert other
            self.expect_one_refused_entry(error, command.event, {"key.reused"})
            return
        assert not other
        assert again == answer
        before, after = self.look()
        assert after == before

    def what_is_due_is_done(self) -> None:
        """Let the call catch up with the time; a second look finds nothing to do."""
        applied = sweep.sweep(self.work.desk.as_worker("sweep")).applied
        if not applied:
            assert self.what_is_still_due(self.content) == []
            return
        before, after = self.look()
        new = since(before, after)
        due = [body for body in new if body["event"] != "promote"]
        assert [body["event"] for body in due] == [one.event for one in applied]
        assert {body["event"] for body in due} <= DUE | DUE_IN_FILES
        assert {body["actor"]["kind"] for body in new} <= {"worker"}
        assert {body["outcome"] for body in new} <= {"ok"}
        of_files = [body for body in due if body["event"] in DUE_IN_FILES]
        assert not any(body["money"]["movements"] for body in of_files)
        now = self.work.clock.now()
        instants = [one.due_at for one in applied]
        assert instants == sorted(instants)
        assert all(instant < now for instant in instants[:-1])
        assert not sweep.sweep(self.work.desk).applied
        assert self.what_is_still_due(after) == []
        for body in due:
            self.succeeded[body["event"]] += 1
            self.succeeded["by time in a file"] += body["event"] in DUE_IN_FILES

    def what_is_still_due(self, content: Content) -> list[tuple[str, str]]:
        """Return what a clock says that is over and nobody has noted."""
        now, second = self.work.clock.now(), timedelta(seconds=1)
        (call,) = content["calls"]
        shut = call["closed_at"] is not None and call["closed_at"] <= now
        return [
            (str(row["application_id"]), row["kind"])
            for row in content["terms"]
            if row["status"] == TermStatus.RUNNING and row["due_at"] + second <= now
        ] + [
            (str(row["id"]), "draft")
            for row in content["applications"]
            if row["state"] == ApplicationState.DRAFT and shut
        ]

    def acts(self, data: Any) -> dict[str, Act]:
        """Return how each act on the call is carried out, and what it states."""
        now, hour = self.work.clock.now(), timedelta(hours=1)
        (call,) = self.content["calls"]
        return {
            "suspend_call": (
                call_acts.suspend,
                lambda: {"cause": data.draw(st.sampled_from(SuspensionCause))},
            ),
            "announce_reopening": (
                call_acts.announce_reopening,
                lambda: {"at": now + data.draw(st.sampled_from(NAPS))},
            ),
            "refinance_call": (
                call_acts.refinance,
                lambda: {
                    "allocation": Cents(
                        call["allocation"] + data.draw(st.sampled_from(MORE))
                    ),
                    "effective_at": data.draw(
                        st.sampled_from((None, None, *(now + nap for nap in NAPS)))
                    ),
                },
            ),
            "change_call": (
                _lowered,
                lambda: {
                    "allocation": call["allocation"] - data.draw(st.sampled_from(LESS))
                },
            ),
            "extend_call": (
                call_acts.extend,
                lambda: {
                    "closes_at": self.call.rules.window.closes_at
                    + data.draw(st.sampled_from(NAPS))
                },
            ),
            "close_call": (call_acts.close, dict),
            "conclude_call": (call_acts.conclude, dict),
            "annul_call": (call_acts.annul, dict),
            "record_malfunction": (
                call_acts.record_malfunction,
                lambda: {
                    "began_at": now - 2 * hour,
                    "ended_at": now + hour * data.draw(st.sampled_from((-1, -3, 1))),
                    "evidence": "the log of the portal",
                },
            ),
            "decide_malfunction": (
                call_acts.decide_malfunction,
                lambda: {
                    "malfunction": data.draw(st.integers(0, 2)),
                    "decision": data.draw(st.sampled_from(MalfunctionDecision)),
                },
            ),
            "record_draw": (
                call_acts.draw,
                lambda: {"week": "2026-W04", "seed": "12 34 56"},
            ),
            "erase_personal_data": (retention.erase, dict),
            "export_register": (taken_away, dict),
        }

    def an_act_is_about_the_call(self, data: Any) -> None:
        """Whatever an officer may do with a call, with an act or without."""
        self.what_is_due_is_done()
        event = data.draw(st.sampled_from(ACTS))
        act = data.draw(
            st.sampled_from((f"decreto 5/{self.work.today}",) * 3 + (None,))
        )
        do, stated = self.acts(data)[event]
        given = stated()
        if not self.is_no_call(event, given):
            self.act_on_the_call(event, do, given, act)

    def act_on_the_call(
        self, event: str, do: Callable[..., Any], given: dict[str, Any], act: str | None
    ) -> None:
        """Act: it is carried out, unless the model has a reason against it."""
        formal = {"act": act, "reason": "so it was decided"}
        reasons = ActOnCall(self.content, event, given, act, self.now).reasons()
        try:
            do(self.work.desk, self.call.code, **given, **formal)
        except RefusedError as error:
            self.expect_one_refused_entry(error, event, reasons)
            return
        assert not reasons, (event, given, reasons)
        before, after = self.look()
        assert self.expect_one_accepted_entry(before, after)["event"] == event
        self.expect_act_was_due(before, after, event)
        self.succeeded[event] += 1

    def is_no_call(self, event: str, given: Mapping[str, Any]) -> bool:
        """Tell whether the file of a changed call has a fault: it is not even brought.

        Nobody can be given more than there is.
        """
        aid = self.call.rules.aid
        least = max(aid.fixed, aid.cap or 0)
        return event == "change_call" and given["allocation"] < least

    def expect_act_was_due(self, before: Content, after: Content, event: str) -> None:
        (was,), (now,) = before["calls"], after["calls"]
        assert event != "record_draw", "nothing is drawn in this call"
        assert event != "erase_personal_data", "letters are still to be sent"
        if event == "conclude_call":
            assert was["state"] in {CallState.CLOSED, CallState.CONCLUDED}
            states = {row["state"] for row in before["applications"]}
            assert not states & {*QUEUED, "draft"}
        if event == "extend_call":
            assert now["state"] != CallState.CLOSED
        if event == "change_call":
            assert now["allocation"] < was["allocation"]
        if event == "export_register":
            assert beside_the_register(after) == beside_the_register(before)
        if event in {"close_call", "annul_call"}:
            assert all(row["ended_at"] for row in after["openings"])

    def an_act_is_about_many(self, data: Any) -> None:
        """Grant the first of those who are ready, or end the waiting list, at once."""
        self.what_is_due_is_done()
        desk, code = self.work.desk, self.call.code
        act = f"decreto 11/{self.work.today}"
        queued = sorted(queue_of(self.content), key=key_of)
        ready = [
            row for row in queued if row["state"] == "evaluated" and row["reserved"]
        ][: data.draw(st.integers(1, 3))]
        waiting = [row for row in queued if row["state"] == "waiting"]
        grants = bool(ready) and data.draw(st.booleans())
        meant = ready if grants else waiting[::-1]
        event = Event.GRANT if grants else Event.DECLARE_UNFUNDED
        commands = [
            MoveCommand(name_of(row), event, **{**self.usual(event), "act": act})
            for row in meant
        ]
        reasons = self.against_many(commands)
        try:
            if grants:
                stated = [
                    {"application": one.application, **one.inputs} for one in commands
                ]
                lines = decrees.read(map(orjson.dumps, stated))
                decrees.grant(desk, code, lines, act=act)
            else:
                closings.close_waiting_list(desk, code, act=act)
        except RefusedError as error:
            self.expect_one_refused_entry(error, event, reasons)
            return
        assert not reasons, (commands, reasons)
        before, after = self.look()
        made = since(before, after)
        self.expect_promotions(made[len(meant) :])
        self.expect_nothing_undone(before, after)
        for body, own in zip(made[: len(meant)], meant, strict=True):
            about = (body["event"], body["application"], body["outcome"])
            assert about == (event, str(own["id"]), "ok")
            assert body["actor"]["id"] not in in_conflict(before, own)
            if grants:
                self.expect_grant_covered(before, after, own)
        self.succeeded[f"{event.value} of many"] += 1

    def against_many(self, commands: list[MoveCommand]) -> set[str]:
        """Return why one act cannot make all of these, one after the other.

        A decree passes over nobody who has money and waits for nothing; who is closed
        as unfunded waits no more when the one before is looked at.
        """
        if not commands:
            return {"waiting_list.empty"}
        names, event = [one.application for one in commands], commands[0].event
        queued = sorted(queue_of(self.content), key=key_of)
        order = [name_of(row) for row in queued]
        last = max(order.index(name) for name in names)
        over = [
            row
            for row in queued[:last]
            if row["reserved"] and not row["waits_for_applicant"]
            if name_of(row) not in names
        ]
        if event == Event.GRANT and over:
            return {"decree.passes_over"}
        reasons: set[str] = set()
        content, done = self.content, set()
        for command in commands:
            reasons |= replace(self.way("rossi", command), content=content).reasons()
            done.add(command.application)
            if event == Event.DECLARE_UNFUNDED:
                rows = [
                    {**row, "state": "unfunded"} if name_of(row) in done else row
                    for row in self.content["applications"]
                ]
                content = {**self.content, "applications": rows}
        return reasons

    def somebody_has_a_conflict(self, data: Any) -> None:
        """Somebody is to abstain, or need not any more; whoever says so."""
        officers = {row["login"]: str(row["id"]) for row in self.content["officers"]}
        who = data.draw(st.sampled_from(("rossi", "board", "director")))
        says = data.draw(st.sampled_from((who, "rossi", "rup")))
        event = data.draw(st.sampled_from((Event.DECLARE_CONFLICT, Event.END_CONFLICT)))
        about = {"officer": officers[who]}
        name = self.any_name(data)
        command = MoveCommand(name, event, inputs=about, reason="a relative")
        self.advance(self.desk_of(says), command)

    # --- what is true after every step

    @invariant()
    def what_is_free_of_the_funds_is_the_residual(self):
        (call,) = self.content["calls"]
        funds = self.content["funds"]
        residual = call["allocation"] - call["reserved"] - call["granted"]
        assert residual == sum(fund["free"] for fund in funds)
        assert call["waiting"] == sum(
            row["requested"]
            for row in queue_of(self.content)
            if row["reserved"] < row["requested"]
        )

    @invariant()
    def nobody_waits_for_money_that_is_there(self):
        """The first who has none could not take what is free, if the call stands."""
        (call,) = self.content["calls"]
        free = call["allocation"] - call["reserved"] - call["granted"]
        without = [row for row in queue_of(self.content) if not row["reserved"]]
        if without and call["state"] != CallState.ANNULLED:
            assert min(without, key=key_of)["requested"] > free

    @invariant()
    def the_counter_is_open_in_its_last_stretch_or_not_at_all(self):
        (call,) = self.content["calls"]
        stretches = sorted(self.content["openings"], key=lambda row: row["ordinal"])
        assert all(row["ended_at"] for row in stretches[:-1])
        is_open = bool(stretches) and stretches[-1]["ended_at"] is None
        assert is_open == (call["state"] == CallState.OPEN)
        for earlier, later in pairwise(stretches):
            assert earlier["ended_at"] <= later["opened_at"]

    @invariant()
    def applications_stand_where_the_entries_say(self):
        standing: dict[str, list[Any]] = {}
        for body in bodies(self.content):
            if body["outcome"] != "ok" or body["application"] is None:
                continue
            now = standing.setdefault(body["application"], ["draft", 0, 0, 0])
            assert now[0] == body["from"]
            now[0], now[1] = body["to"], now[1] + 1
            for movement in body["money"]["movements"]:
                now[2] += movement["reserved"]
                now[3] += movement["granted"]
        assert standing == {
            str(row["id"]): [
                row["state"],
                row["version"],
                row["reserved"],
                row["granted"],
            ]
            for row in self.content["applications"]
        }

    @invariant()
    def money_adds_up_and_never_passes_the_allocation(self):
        (call,) = self.content["calls"]
        rows, ledger = self.content["applications"], self.content["movements"]
        for column in ("reserved", "granted"):
            assert all(row[column] >= 0 for row in rows)
            assert call[column] == sum(row[column] for row in rows)
            assert call[column] == sum(row[column] for row in ledger)
        assert 0 <= call["reserved"] + call["granted"] <= call["allocation"]
        assert [
            (row["entry_seq"], row["kind"], row["reserved"], row["granted"])
            for row in ledger
        ] == [
            (body["seq"], moved["kind"], moved["reserved"], moved["granted"])
            for body in bodies(self.content)
            for moved in (body["money"] or {"movements": []})["movements"]
        ]

    @invariant()
    def nobody_has_money_while_a_waiting_one_that_arrived_before_has_none(self):
        """Whenever it was handed over."""
        covered = True
        for row in sorted(queue_of(self.content), key=key_of):
            assert row["reserved"] in {0, row["requested"]}
            assert covered or not row["reserved"]
            covered = covered and bool(row["reserved"])

    @invariant()
    def who_has_no_money_waits_where_the_call_says(self):
        """Before the review, which gives title to nothing beyond it; or after it."""
        for row in queue_of(self.content):
            if self.call.examines_all:
                assert row["state"] != "waiting" or row["score"] is not None
            else:
                begun = row["state"] != "submitted" or row["review_started"]
                assert begun or row["reserved"]

    @invariant()
    def whoever_was_taken_in_came_while_the_counter_was_open(self):
        for row in self.filed():
            at = row["received_at"]
            assert row["channel"] in BY_ANY_OTHER_CHANNEL or any(
                one["opened_at"] <= at <= (one["ended_at"] or at)
                for one in self.content["openings"]
            )

    @invariant()
    def nobody_is_in_two_open_applications(self):
        """Neither as who leads nor as a partner."""
        over = {*OVER, ApplicationState.DRAFT}
        leads = {
            row["id"]: row["applicant_id"]
            for row in self.content["applications"]
            if row["state"] not in over
        }
        members = Counter(leads.values())
        members.update(
            row["applicant_id"]
            for row in self.content["partners"]
            if row["application_id"] in leads and row["left_at"] is None
        )
        assert set(members.values()) <= {1}
        self.succeeded["together"] += members.total() > len(leads)

    @invariant()
    def what_came_by_another_channel_holds_neither_money_nor_a_turn(self):
        for row in self.content["applications"]:
            if row["channel"] in BY_ANY_OTHER_CHANNEL:
                assert (row["reserved"], row["granted"]) == (0, 0)
                assert not row["review_started"]

    @invariant()
    def money_that_is_out_is_not_free_again(self):
        paid = {
            body["application"]
            for body in bodies(self.content)
            if (body["outcome"], body["event"]) == ("ok", "settle")
        }
        for row in self.content["applications"]:
            if str(row["id"]) in paid:
                assert row["granted"] == settled_of(self.content, str(row["id"]))

    @invariant()
    def a_term_from_receipt_goes_only_while_its_step_is_open(self):
        """One that goes has its step open; answers close the step and meet it."""
        standing = {
            (row["application_id"], row["kind"])
            for row in self.content["steps"]
            if row["status"] == StepStatus.OPEN
        } | {(row["id"], row["state"]) for row in self.content["applications"]}
        for row in self.content["terms"]:
            if row["kind"] in self.call.awaited and row["status"] == TermStatus.RUNNING:
                _, places = self.call.awaited[row["kind"]]
                assert any((row["application_id"], one) in standing for one in places)

    @invariant()
    def a_term_from_receipt_runs_only_if_its_letter_was_delivered(self):
        """A receipt or an act says so; it starts on that civil day, and not before."""
        days: dict[tuple[str, str], set[str]] = {}
        for body in bodies(self.content):
            if (body["event"], body["outcome"]) == ("record_delivery", "ok"):
                about = (body["application"], body["inputs"]["letter"])
                days.setdefault(about, set()).add(body["findings"]["delivered_on"])
        delivered = {
            (row["application_id"], row["letter"])
            for row in self.content["notices"]
            if row["delivered_at"] is not None and row["status"] == "delivered"
        }
        for row in self.content["terms"]:
            awaited = self.call.awaited.get(row["kind"])
            if awaited is None or row["status"] != TermStatus.RUNNING:
                continue
            letter, _ = awaited
            assert (row["application_id"], letter) in delivered
            recorded = days[str(row["application_id"]), letter]
            assert row["starts_on"].isoformat() in recorded or is_renewed(row)

    @invariant()
    def protocol_numbers_have_no_gap(self):
        for counter in self.content["protocol_counters"]:
            numbers = sorted(
                row["protocol_number"]
                for row in self.content["applications"]
                if row["protocol_year"] == counter["year"]
            )
            assert numbers == list(range(1, counter["last"] + 1))

    @invariant()
    def every_letter_belongs_to_an_accepted_entry_and_is_sent_once(self):
        written = {
            (
                notice["id"],
                body["seq"],
                # What is told to all stands in an entry of the call.
                notice.get("application") or body["application"],
                notice["letter"],
            )
            for body in bodies(self.content)
            if body["outcome"] == "ok"
            for notice in body["notices"]
        }
        rows = self.content["notices"]
        assert written == {
            (
                str(row["id"]),
                row["entry_seq"],
                str(row["application_id"]),
                row["letter"],
            )
            for row in rows
        }
        released = {
            body["inputs"]["notice"]
            for body in bodies(self.content)
            if (body["event"], body["outcome"]) == ("release_notice", "ok")
        }
        assert Counter(row["subject_id"] for row in self.content["outbox"]) == Counter(
            row["id"]
            for row in rows
            if row["letter"] not in self.call.held or str(row["id"]) in released
        )

    @invariant()
    def instants_of_entries_never_go_back(self):
        instants = [body["at"] for body in bodies(self.content)]
        assert instants == sorted(instants)

    @invariant()
    def the_register_verifies(self):
        head = [row["head_hash"] for row in self.content["calls"]]
        if head != self.verified:
            assert self.work.verified()
            self.verified = head


def told(desk: Desk, command: MoveCommand) -> Any:
    """Return the answer to a command, or what the register keeps of the error."""
    try:
        return moves.advance(desk, command)
    except SportelloError as error:
        return (type(error), error.code, error.recorded)


def meant(command: MoveCommand) -> object:
    """Return what makes a command the same one again."""
    stated = {name: said for name, said in command.inputs.items() if said is not False}
    return command.application, command.event, stated, command.act, command.reason


def is_renewed(term: dict[str, Any]) -> bool:
    """Tell whether a dismissed lapse gave a term anew: then an act is its start."""
    return bool(term["ordinal"] > 1)


def settled_of(content: Content, application: str) -> int:
    """Return what the grant came to with its settlement."""
    total = 0
    for body in bodies(content):
        if body["application"] == application and body["outcome"] == "ok":
            moved = body["money"]["movements"]
            total += sum(movement["granted"] for movement in moved)
            if body["event"] == "settle":
                return int(total)
    raise AssertionError(application)


def _made_by_the_filing(before: Content, after: Content) -> list[dict[str, Any]]:
    """Leave out what the clock of the portal, which may be ahead, has made due."""
    return list(
        dropwhile(lambda body: body["event"] in DUE | {"promote"}, since(before, after))
    )


def _lowered(desk: Desk, code: str, *, allocation: int, **formal: Any) -> None:
    """Correct the call by a file that gives it less money."""
    rules = calls.shown(desk, code).rules
    less = call_versions.changed(rules, allocation={"amount": allocation})
    calls.register_rules(desk, less, **formal)


def taken_away(desk: Desk, code: str, **_formal: Any) -> None:
    """Give the register to an auditor, for which no act is wanted."""
    with TemporaryDirectory() as folder:
        assert exporting.export(desk, code, Path(folder) / "export").ok


def partners() -> st.SearchStrategy[list[dict[str, str]]]:
    """Return some with whom somebody applies; two of them apply by themselves too."""
    one = st.integers(7, 12).map(
        lambda number: {
            "tax_code": _tax_code(number) if number < 9 else f"{number:011d}",
            "name": f"Ente {number}",
            "kind": "firm",
        }
    )
    return st.just([]) | st.lists(one, min_size=1, max_size=2)


def _tax_code(number: int) -> str:
    return str(submission(number)["applicant"]["tax_code"])


def _next_in_negotiation(own: dict[str, Any], steps: dict[str, str]) -> Event:
    if own["published_on"] is None:
        return Event.RECORD_PUBLICATION
    if StepKind.NEGOTIATION not in steps:
        return Event.CONVENE_NEGOTIATION
    if steps[StepKind.NEGOTIATION] == StepStatus.OPEN:
        return Event.SIGN_MINUTES
    if steps.get(StepKind.DEFINITIVE_PLAN) == StepStatus.OPEN:
        return Event.FILE_PLAN
    if StepKind.DETERMINATION not in steps:
        return Event.DETERMINE_AMOUNT
    return Event.ACCEPT


# --- on both databases --------------------------------------------------------


def run(
    databases: Any, *, examples: int, steps: int, call: Walked | None = None
) -> Counter[str]:
    """Try sequences, each on a database of its own; count what succeeded."""
    chosen = (
        settings()
        if NIGHT
        else settings(max_examples=examples, stateful_step_count=steps)
    )
    succeeded: Counter[str] = Counter()

    class Machine(AnySequence):
        def __init__(self) -> None:
            self.succeeded = succeeded
            super().__init__(databases(), call)

    run_state_machine_as_test(Machine, settings=chosen)
    return succeeded


def kinds_of_refusals(succeeded: Counter[str]) -> int:
    """Return for how many reasons something was refused, as the model said."""
    return sum(told.startswith("refused: ") for told in succeeded)


def copies(furnished: Path, folder: Path) -> Callable[[], AbstractContextManager[str]]:
    """Return what makes a copy of a database, and takes it away in the end."""

    @contextmanager
    def database():
        path = folder / "sportello.db"
        shutil.copyfile(furnished, path)
        yield f"sqlite:///{path}"
        for left in folder.glob("sportello.db*"):
            left.unlink()

    return database


@pytest.mark.timeout(0 if NIGHT else 240)
@drives(
    "closings.close_waiting_list",
    "intake.take_in",
    "receipts.take_in",
    "sweep.sweep",
    "views.events",
    *moving(
        Event.ACCEPT,
        Event.ADMIT,
        Event.ANNUL,
        Event.CONVENE_NEGOTIATION,
        Event.DECLARE_CONFLICT,
        Event.DECLARE_END,
        Event.DETERMINE_AMOUNT,
        Event.END_CONFLICT,
        Event.EVALUATE,
        Event.FILE_PLAN,
        Event.FILE_REPORT,
        Event.GRANT,
        Event.RECORD_DELIVERY,
        Event.RECORD_PUBLICATION,
        Event.SETTLE,
        Event.SIGN_MINUTES,
        Event.START,
        Event.START_REVIEW,
        Event.WITHDRAW,
    ),
)
def test_every_promise_holds_after_any_sequence_of_commands_on_sqlite(
    sqlite_template: Path, tmp_path: Path
):
    succeeded = run(copies(sqlite_template, tmp_path), examples=28, steps=25)

    # Otherwise the sequences were too short to mean anything.
    assert {"submit", "draft", "grant"} <= succeeded.keys()
    assert succeeded["predicted"] >= 20
    assert succeeded["overtaking"]
    assert succeeded["yield_reservation"]
    assert succeeded["under_the_ceiling"]
    assert succeeded["by time in a file"] >= 20
    assert succeeded["delivered by a receipt"] >= 10
    assert succeeded["shown"] >= 300
    assert kinds_of_refusals(succeeded) >= 20


@pytest.mark.timeout(0 if NIGHT else 240)
def test_every_promise_holds_after_any_sequence_of_commands_on_postgresql(
    postgres_server: str, postgres_template: str
):
    succeeded = run(
        lambda: fresh_postgres(postgres_server, postgres_template),
        examples=4,
        steps=25,
    )

    assert {"submit", "start_review"} <= succeeded.keys()
    assert succeeded["predicted"] >= 2


@pytest.mark.timeout(0 if NIGHT else 240)
def test_the_same_holds_in_a_counter_without_negotiation_on_sqlite(tmp_path: Path):
    furnished = tmp_path / "furnished.db"
    furnish(f"sqlite:///{furnished}", plain().rules)

    succeeded = run(copies(furnished, tmp_path), examples=9, steps=25, call=plain())

    assert {"submit", "draft", "grant", "start", "settle"} <= succeeded.keys()
    assert {"promoted by itself", "withdraw"} <= succeeded.keys()
    assert succeeded["full"] + succeeded["exhausted"]
    assert succeeded["together"]
    assert succeeded["shown"] >= 100
    assert kinds_of_refusals(succeeded) >= 12


@pytest.mark.timeout(0 if NIGHT else 240)
def test_the_same_holds_in_a_counter_without_negotiation_on_postgresql(
    postgres_server: str,
):
    with fresh_postgres(postgres_server) as address:
        furnish(address, plain().rules)
        template = sqlalchemy.make_url(address).database

        succeeded = run(
            lambda: fresh_postgres(postgres_server, template),
            examples=4,
            steps=25,
            call=plain(),
        )

    assert {"submit", "start_review", "grant"} <= succeeded.keys()
