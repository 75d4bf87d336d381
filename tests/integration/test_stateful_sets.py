"""Do a ranked call and a list stay what plain rules say, after any sequence?

Hypothesis gives officers' commands in any order, on both databases. Models of a few
lines, which share nothing with the product, say beforehand what each command does or
with which code it is refused, and after it what must stand.
"""

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import col, select

from cli import main
from config.loader import load
from config.schema import CallDefinition
from models.tables import Call, RegisterEntry
from models.tables import Officer as Person
from models.vocabulary import CallEvent, Cents, Event, Role
from tests import exports, filiere, journals
from tests.builders import EVERYBODY, Office, office, shipped, usual
from tests.counters_rows import Content, name_of
from tests.driven import drives, moving
from tests.integration.test_ranked_call import CODE, SMART, grant_of, line
from tests.integration.test_stateful import beside_the_register, content_of, copies
from tests.journals import ALWAYS, Journal, Period, Reported, euros
from tests.people import WHO, Loan, Officer, Staff
from tests.servers import fresh_postgres
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.register import written
from workflow.rules.amounts import format_money
from workflow.services import (
    call_acts,
    calls,
    delegations,
    intake,
    list_acts,
    memberships,
    officers,
    rankings,
    sweep,
)
from workflow.services.list_acts import Wanted
from workflow.services.moments import Moment

NIGHT = settings.get_current_profile_name() == "night"
WRONG = "machine.wrong_state"
Expected = str | set[str] | None
"""The code by which something is refused, or one of several that are in its way."""

OVER = {"withdrawn", "rejected", "inadmissible", "lapsed", "revoked", "annulled"}
OVER |= {"unfunded", "removed"}


class AnyOrder(RuleBasedStateMachine):
    """What both have in common: an office, and how a command is watched."""

    code: str
    succeeded: Counter[str]
    luck: Any

    def __init__(self, database: AbstractContextManager[str]) -> None:
        super().__init__()
        self.stack = ExitStack()
        url = self.stack.enter_context(database)
        self.work: Office = self.stack.enter_context(office(url))
        self.known: Content | None = None
        self.acts = self.happened = 0
        self.stories: dict[int, str] = {}
        self.journal = Journal(lambda: self.work.today)
        self.verified: list[str] = []

    def teardown(self) -> None:
        self.stack.close()

    @property
    def content(self) -> Content:
        """Read every row, unless nothing was done since it was read."""
        if self.known is None:
            self.known = content_of(self.work.desk.engine)
        return self.known

    @property
    def own(self) -> dict[str, Any]:
        return next(row for row in self.content["calls"] if row["code"] == self.code)

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        return {name_of(row): row for row in self.content["applications"]}

    @property
    def formal(self) -> dict[str, Any]:
        """Return an act that nobody has used, and its reason."""
        self.acts += 1
        act = f"decreto {self.acts}/{self.work.today}"
        return {"act": act, "reason": "so it was decided"}

    def wait(self, **span: int) -> None:
        self.work.wait(**span)
        sweep.sweep(self.work.desk)
        self.known = None

    def give(self, expected: Expected, do: Callable[[], Any], told: str) -> Any:
        """Give a command: done if nothing is expected in its way, or else refused.

        What is refused changes nothing, and has one entry that says so.
        """
        codes = {expected} if isinstance(expected, str) else expected or set()
        before = self.content if codes else {}
        self.known = None
        try:
            answer = do()
        except RefusedError as refused:
            error = refused
        else:
            assert not codes, (told, codes, answer)
            self.succeeded[told] += 1
            return answer
        assert error.code in codes, (told, codes, error)
        self.expect_one_refused_entry(before, error.code)
        return None

    def expect_one_refused_entry(self, before: Content, code: str) -> None:
        after = self.content
        assert beside_the_register(after) == beside_the_register(before)
        assert len(after["entries"]) == len(before["entries"]) + 1
        heads = {row["code"]: row["head_seq"] for row in before["calls"]}
        assert self.own["head_seq"] == heads[self.code] + 1
        (last,) = [
            orjson.loads(row["body"])
            for row in after["entries"]
            if (row["call_id"], row["seq"]) == (self.own["id"], self.own["head_seq"])
        ]
        assert (last["outcome"], last["refusal"]["code"]) == ("refused", code)
        self.succeeded[code] += 1

    def move(
        self, name: str, event: Event, expected: Expected = None, **stated: Any
    ) -> Any:
        given = {**usual(event, self.work.today), **stated}
        return self.give(
            expected, lambda: self.work.move(name, event, **given), event.value
        )

    def whatever_comes(self, *happenings: str) -> str:
        """Return what happens next: by luck, unless it is the turn of a story."""
        self.happened += 1
        by_luck = str(any_of(self.luck, *happenings))
        return self.stories.pop(self.happened, by_luck)

    def is_to_come(self, story: str) -> bool:
        """Tell whether nothing may happen yet that would leave no room for a story."""
        return story in self.stories.values()

    # --- what officers and auditors are told

    def typed(self, *words: str) -> str:
        """Type a command, and return what it answers."""
        told = CliRunner().invoke(main, words, obj=self.work.desk)
        if told.exit_code == RefusedError.exit_code:
            raise RefusedError(orjson.loads(told.stdout)["error"]["code"], "")
        assert told.exit_code == 0, (words, told.output)
        return told.stdout

    def some_period(self, data: Any) -> Period:
        first, last = sorted(any_of(data, *self.journal.days) for _ in range(2))
        always = (ALWAYS,) * 3
        period: Period = any_of(
            data, *always, (first, None), (None, last), (first, last)
        )
        return period

    def reported(self, data: Any, period: Period) -> Reported:
        """Ask how the call went; scripts and spreadsheets are told the same."""
        words = ["report", self.code]
        for option, day in zip(("--from", "--to"), period, strict=True):
            words += [option, day.isoformat()] if day else []
        self.succeeded["report"] += 1
        if any_of(data, True, False, False):
            text = self.typed(*words, "--format", "csv")
            return journals.from_csv(text, self.code)
        told = orjson.loads(self.typed(*words, "--json"))
        (own,) = told["calls"]
        assert (own["call"], told["faults"]) == (self.code, [])
        assert journals.from_json(told["total"]) == journals.from_json(own)
        return journals.from_json(own)

    def taken_away(
        self, stands: dict[str, tuple[str, int, int]], *, by_hand: bool
    ) -> tuple[list[dict[str, Any]], dict[str, list[exports.Line]]]:
        """Export the register, verify that, and return what it says."""
        with TemporaryDirectory() as home:
            folder = Path(home) / "export"
            words = ("log", "export", self.code, "--to", str(folder), "--json")
            told = self.give(None, lambda: orjson.loads(self.typed(*words)), "export")
            state = orjson.loads((folder / "state.json").read_bytes())
            page = (folder / "index.html").read_text(encoding="utf-8")
            lines = {path.stem: exports.read(path) for path in folder.glob("*.jsonl")}
            with (folder / "entries.csv").open(newline="", encoding="utf-8") as file:
                table = list(csv.DictReader(file))
            if by_hand:
                self.verified_by_hand(folder, entries=told["entries"])
            assert exports.faults(folder) == []
        made = [orjson.loads(line["body"]) for line in lines["entries"]]
        assert (told["ok"], told["faults"]) == (True, [])
        assert told["entries"] == told["entry"]["seq"] == self.own["head_seq"]
        assert len(made) == len(table) == told["entries"]
        assert made[-1]["findings"]["exported"]["entries"] == told["entries"] - 1
        for key in ("state", "allocation", "reserved", "granted"):
            assert state[key] == self.own[key]
        assert stands == {
            one["protocol"]: (one["state"], one["reserved"], one["granted"])
            for one in state["applications"]
        }
        assert all(name in page for name in stands)
        return made, lines

    def verified_by_hand(self, folder: Path, *, entries: int) -> None:
        """Verify it as an auditor does, with Python and nothing else."""
        words = [sys.executable, "-I", "verify.py"]
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        about = f"{self.code}: {entries} entries, {len(self.files)} applications"
        assert done.stdout.startswith(about)
        assert done.stdout.endswith("everything holds\n")
        self.succeeded["verify.py"] += 1

    @invariant()
    def the_register_verifies(self) -> None:
        heads = [row["head_hash"] for row in self.content["calls"]]
        if heads != self.verified:
            assert self.work.verified()
            self.verified = heads


LUCK = st.randoms(use_true_random=True)
"""One draw for all that happens in a walk.

Of few walks Hypothesis makes most out of parts of others, repeated: hardly any would
come to what takes many different steps. So each walk is drawn whole.
"""

THOROUGH = st.sampled_from((True, *(False,) * 7))
"""Whether a walk goes by all that has to come about, in the midst of anything else.

Hypothesis begins with the first of what it may draw: so the first walk does.
"""


def any_of(luck: Any, *values: Any) -> Any:
    return luck.choice(values)


# --- a ranked call -------------------------------------------------------------------

ALLOCATION = 500_000_000
LEAST, MOST = 80_000_000, 250_000_000
ASKS = (80_000_000, 90_000_001, 150_000_000, 200_000_000, 240_000_000, 250_000_000)
GIVES_PARTS = ("offer", True)
POLICIES = (
    *(GIVES_PARTS,) * 3,
    ("skip", True),
    ("hold", True),
    ("skip", False),
    ("hold", False),
)
"""What is done with less than the next one asks for, and whether a part is given."""

SCORES = (59, 60, 75, 75, 75, 80)
READY = {"evaluated", "waiting", "granted", "in_progress", "completed"}
RANKED = {"closed", "concluded"}
"""In which states of the call acts rank and fund: late ones come after its end too."""


OF_MANAGERS = (
    Event.ANNUL,
    Event.FUND,
    Event.ADMIT_UNFUNDED,
    Event.RAISE_GRANT,
    Event.SETTLE,
    CallEvent.CLOSE_CALL,
    CallEvent.RANK_CALL,
    CallEvent.FUND_CALL,
    CallEvent.REFINANCE_CALL,
    CallEvent.CONCLUDE_CALL,
)
WHO_HERE: dict[str, tuple[Role, ...]] = {
    **WHO,
    **dict.fromkeys(OF_MANAGERS, (Role.MANAGER,)),
    Event.DECLARE_END: (Role.INTAKE,),
    Event.FILE_REPORT: (Role.INTAKE,),
    CallEvent.CHANGE_CALL: (Role.MANAGER, Role.ADMINISTRATOR),
    CallEvent.EXPORT_REGISTER: (
        Role.AUDITOR,
        Role.RESPONSIBLE,
        Role.MANAGER,
        Role.ADMINISTRATOR,
    ),
}
"""The matrix of the documentation, as far as a ranked call goes."""

ON_CALL = {
    "close": CallEvent.CLOSE_CALL,
    "rank": CallEvent.RANK_CALL,
    "fund": CallEvent.FUND_CALL,
    "load": CallEvent.CHANGE_CALL,
    "refinance": CallEvent.REFINANCE_CALL,
    "end": CallEvent.CONCLUDE_CALL,
    "export": CallEvent.EXPORT_REGISTER,
}
HELD_BY_PEOPLE = tuple(role for role in Role if role is not Role.SYSTEM)


@lru_cache(maxsize=8)
def mobility(leftover: str, partial: bool) -> CallDefinition:
    """Return the ranked call with 5,000,000.00, and a policy for what is left.

    It begins when those who work in the office have come.
    """
    text = shipped(SMART).replace('amount = "25000000.00"', 'amount = "5000000.00"')
    text = text.replace("_at = 2024-", "_at = 2026-")
    text = text.replace("not_after = 2026-", "not_after = 2028-")
    text = text.replace('below_minimum = "offer"', f'below_minimum = "{leftover}"')
    text = text.replace("partial = true", f"partial = {str(partial).lower()}")
    path = Path(mkdtemp(prefix="sportello-")) / "sets.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@dataclass
class File:
    """What must stand of an application to the ranked call."""

    asked: int
    cost: int
    arrived: tuple[datetime, int]
    """When it was received, and the how manieth it was to be handed over."""
    request: int
    """By which equals are told apart, whatever is admitted of it later."""
    number: int = 0
    """Of who applied."""
    state: str = "submitted"
    reviewed: bool = False
    score: int | None = None
    quality: int = 0
    rank: int | None = None
    reserved: int = 0
    granted: int = 0
    last: int = 0
    """What the last act on the ranking gave it in all."""
    late: bool = False
    """Its lapse is proposed."""
    revocable: bool = False
    """Its revocation is proposed."""
    delivered: bool = False

    @property
    def proposed(self) -> bool:
        return self.late or self.revocable

    @property
    def too_low(self) -> bool:
        return self.state == "evaluated" and (self.score or 0) < 60

    @property
    def may_have_a_part(self) -> bool:
        return not self.granted and self.wanted > LEAST

    @property
    def held(self) -> int:
        return self.reserved + self.granted

    @property
    def wanted(self) -> int:
        """All that it may have; a grant in full is never filled up again."""
        in_full = self.granted and not self.reserved and self.last >= self.asked
        if in_full or self.state == "completed":
            return self.granted
        return min(self.asked, self.cost, MOST)

    @property
    def stands(self) -> tuple[str, int, int]:
        return self.state, self.reserved, self.granted


@dataclass
class Ranking:
    """A ranked call as plain rules have it."""

    leftover: str
    partial: bool
    journal: Journal
    allocation: int = ALLOCATION
    state: str = "open"
    files: dict[str, File] = field(default_factory=dict)
    versions: list[list[tuple[int, str, int]]] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.allocation - sum(one.held for one in self.files.values())

    def lacks(self, one: File, has: int) -> int:
        """Return how much more it may have."""
        most = one.wanted
        if one.granted and one.proposed:
            most = min(most, one.held)
        return max(0, most - has)

    def given(self, one: File, has: int, left: int) -> int | None:
        """Return how much more it gets; none, if what is left is kept for it."""
        lacks = self.lacks(one, has)
        if lacks <= left or has:
            return min(lacks, left)
        if left and ((self.partial and left >= LEAST) or self.leftover == "offer"):
            return left
        return None if self.leftover == "hold" else 0

    def walk(self, order: list[tuple[str, int]], left: int) -> dict[str, int]:
        """Walk the money down, each having something for sure; return the amounts."""
        amounts, stopped = {}, False
        for name, has in order:
            more = 0 if stopped else self.given(self.files[name], has, left)
            if more is None:
                more, stopped = 0, True
            left -= more
            amounts[name] = has + more
        return amounts

    def may_rank(self) -> str | None:
        if self.state not in RANKED:
            return "machine.wrong_state"
        states = {one.state for one in self.files.values()}
        if states & {"submitted", "admissible"}:
            return "ranking.undecided"
        return None if states & READY else "ranking.nobody"

    def in_order(self) -> list[tuple[str, File]]:
        """Order who is there by score, quality, the smaller request, arrival."""
        there = [
            (n, one)
            for n, one in self.files.items()
            if one.state in READY and not one.too_low
        ]
        there.sort(
            key=lambda it: (
                -(it[1].score or 0),
                -it[1].quality,
                it[1].request,
                it[1].arrived,
            )
        )
        return there

    def rank(self) -> list[tuple[int, str, int]]:
        """Rank who is there, and let the money go down."""
        for one in self.files.values():
            if one.too_low:
                self.end(one, "rejected")
        there = self.in_order()
        paid = sum(one.granted for one in self.files.values())
        order = [(name, one.granted) for name, one in there]
        amounts = self.walk(order, self.allocation - paid)
        told = [
            (place, name, amounts[name]) for place, (name, _) in enumerate(there, 1)
        ]
        for place, name, amount in told:
            self.files[name].rank = place
            self.fund_one(name, amount)
        self.versions.append(told)
        return told

    def moves_down(self) -> dict[str, int]:
        """Return who gets more of what is free: the partial ones first."""
        there = [
            (name, one)
            for name, one in self.files.items()
            if one.state in READY and one.rank
        ]
        there.sort(key=lambda it: (not it[1].held, it[1].rank))
        amounts = self.walk([(name, one.held) for name, one in there], self.free)
        return {n: got for n, got in amounts.items() if got > self.files[n].held}

    def may_fund(self) -> str | None:
        if self.state not in RANKED:
            return "machine.wrong_state"
        if not self.versions:
            return "ranking.missing"
        return None if self.moves_down() else "ranking.nothing_moves"

    def fund(self) -> list[tuple[int, str, int]]:
        moved = self.moves_down()
        for name, amount in moved.items():
            self.fund_one(name, amount)
        return [(self.files[n].rank or 0, n, amount) for n, amount in moved.items()]

    def end(self, one: File, state: str, keeps: int = 0) -> None:
        self.journal.note(state)
        self.journal.note("released", one.held - keeps)
        one.state, one.reserved, one.granted = state, 0, keeps

    def grants(self, one: File, amount: int) -> None:
        """Grant an amount of what is reserved; the rest of that is reserved no more."""
        if not one.granted:
            self.journal.note("grants")
        self.journal.note("granted", amount)
        self.journal.note("grantee", one.number)
        one.granted, one.reserved = one.granted + amount, 0

    def settles(self, one: File, recognised: int) -> None:
        self.journal.note("redetermined", one.granted - recognised)
        self.journal.note("released", one.reserved)
        one.state, one.reserved, one.granted = "completed", 0, recognised

    def at_end(self) -> dict[str, str]:
        """Return the figures of a report that tell how all stands."""
        files = self.files.values()
        waiting = [one.asked for one in files if one.state == "waiting"]
        requested = self.journal.sums(ALWAYS)["requested"]
        paid = sum(one.granted for one in files if one.state == "completed")
        return {
            "allocation": euros(self.allocation),
            "requested_beyond_allocation": euros(max(0, requested - self.allocation)),
            "waiting": str(len(waiting)),
            "waiting_amount": euros(sum(waiting)),
            "reserved_at_end": euros(sum(one.reserved for one in files)),
            "granted_at_end": euros(sum(one.granted for one in files)),
            "disbursable": euros(paid),
            "residual": euros(self.free),
        }

    def fund_one(self, name: str, amount: int) -> None:
        one = self.files[name]
        self.journal.note("released", max(0, one.held - amount))
        one.last, one.reserved = amount, amount - one.granted
        if one.state in {"evaluated", "waiting"}:
            one.state = "evaluated" if amount else "waiting"

    def may_conclude(self) -> str | None:
        if self.state not in RANKED:
            return "machine.wrong_state"
        waits = {"submitted", "admissible", "evaluated"}
        if any(one.state in waits or one.reserved for one in self.files.values()):
            return "call.undecided"
        if self.moves_down():
            return "call.money_is_due"
        return None

    def conclude(self) -> None:
        self.state = "concluded"
        for one in self.files.values():
            if one.state == "waiting":
                self.end(one, "unfunded")


RANKED_HAPPENINGS = (
    "somebody_files",
    *("somebody_is_examined",) * 2,
    *("all_are_examined",) * 3,
    *("it_is_ranked",) * 4,
    *("money_moves_down",) * 3,
    *("one_is_granted",) * 4,
    *("a_grant_grows",) * 3,
    *("somebody_goes",) * 2,
    *("there_is_other_money",) * 2,
    *("nobody_accepts_in_time",) * 2,
    *("a_lapse_is_decided",) * 3,
    "one_is_settled",
    "it_is_concluded",
    "hours_pass",
    *("somebody_asks_how_it_went",) * 2,
    "it_is_taken_away",
    *("the_office_changes",) * 4,
)


STORIES = {
    2: "somebody_asks_how_it_went",
    4: "somebody_stands_in_for_another",
    6: "one_goes_all_the_way",
    8: "somebody_asks_how_it_went",
    10: "an_auditor_verifies_it",
}
"""What happens in a thorough walk, and at which step."""


class AnyRanking(AnyOrder):
    """A ranked call, under whatever officers do with it, and whoever they are."""

    code = CODE

    def __init__(self, database: AbstractContextManager[str]) -> None:
        super().__init__(database)
        self.staff = Staff({who: Officer(set(held)) for who, held in EVERYBODY.items()})
        self.looked_at = 0
        self.known_staff: dict[str, str] = {}

    @initialize(data=LUCK, thorough=THOROUGH)
    def the_call_takes_some_in_and_closes(self, data: Any, *, thorough: bool) -> None:
        self.luck, self.stories = data, dict(STORIES) if thorough else {}
        policy, by_act = any_of(data, *POLICIES), any_of(data, True, False)
        if thorough:
            policy = GIVES_PARTS
        asks = [any_of(data, *ASKS) for _ in range(any_of(data, 3, 4, 5))]
        leftover, partial = policy
        self.definition = mobility(leftover, partial)
        self.model = Ranking(leftover, partial, self.journal)
        self.jumped = self.lapsed = False
        self.used = ""
        window = self.definition.window
        self.work.clock.move_to(window.published_at)
        calls.register_rules(self.work.desk, self.definition)
        assert self.entered()
        self.work.clock.move_to(window.opens_at)
        self.wait(minutes=1)
        self.began = self.work.clock.now()
        for asked in asks:
            self.file(asked, asked, None)
        first = next(iter(self.model.files))
        self.move(first, Event.START_REVIEW, "window.open")
        self.rank()
        if by_act:
            formal = self.formal
            self.give(
                None, lambda: call_acts.close(self.work.desk, CODE, **formal), "close"
            )
        else:
            self.work.clock.move_to(window.closes_at)
        self.in_time = self.work.clock.now() - timedelta(seconds=1)
        self.wait(minutes=5)
        self.model.state = "closed"
        if any_of(data, True, True, False):
            self.all_are_examined(data)
            self.it_is_ranked(data)

    def file(self, asked: int, cost: int, refused: str | None, **changes: Any) -> None:
        number = changes.pop("number", len(self.model.files) + 1)
        given = line(
            number,
            format_money(Cents(asked)),
            self.definition,
            investment=format_money(Cents(cost)),
            **changes,
        )

        def take() -> dict[str, Any]:
            (answer,) = intake.take_in(self.work.desk, CODE, [given])
            if answer["outcome"] == "refused":
                raise RefusedError(answer["error"]["code"], "")
            return answer

        if answer := self.give(refused, take, "submit"):
            received = self.in_time if "received_at" in changes else self.began
            arrived = (received, len(self.model.files))
            self.model.files[answer["protocol"]] = File(
                asked, cost, arrived, min(asked, cost), number
            )
            self.journal.note("submitted")
            self.journal.note("requested", asked)

    @rule()
    def something_happens(self) -> None:
        getattr(self, self.whatever_comes(*RANKED_HAPPENINGS))(self.luck)

    def somebody_files(self, data: Any) -> None:
        """After the closing: what came in time is in the set, whenever it is known."""
        asked = any_of(data, *ASKS)
        in_time = {"received_at": written(self.in_time)}
        kind = any_of(data, "in time", "late", "again", "too much", "too cheap")
        self.work.wait(seconds=1)
        if kind == "late":
            self.file(asked, asked, "window.too_late")
        elif kind == "too much":
            self.file(MOST + 1, MOST + 1, "amount.out_of_range", **in_time)
        elif kind == "too cheap":
            self.file(asked, LEAST - 1, "investment.below_minimum", **in_time)
        elif kind == "again":
            first, *_ = self.model.files.values()
            has_one = None if first.state in OVER else "applicant.already_applied"
            portal = {"portal_id": f"SM-again-{self.acts}-{len(self.model.files)}"}
            self.file(asked, asked, has_one, number=1, **in_time, **portal)
        else:
            cost = any_of(data, asked, asked, max(LEAST, asked - 40_000_000))
            self.file(asked, cost, None, **in_time)

    # --- each file

    def a_name(self, data: Any) -> tuple[str, File]:
        name = any_of(data, *self.model.files)
        return name, self.model.files[name]

    def of_state(self, data: Any, *states: str) -> tuple[str, File]:
        """Return one that stands there, if there is one; now and then any."""
        fit = [n for n, one in self.model.files.items() if one.state in states]
        name = any_of(data, *(fit or self.model.files), *self.model.files)
        if fit and any_of(data, 0, 1, 2):
            name = any_of(data, *fit)
        return name, self.model.files[name]

    def examine(
        self,
        name: str,
        one: File,
        event: Event,
        data: Any,
        scores: tuple[int, ...] = SCORES,
    ) -> None:
        begins = event is Event.START_REVIEW
        expected: Expected = None
        if event is Event.EVALUATE:
            expected = {
                "admissible": None,
                "evaluated": {"score.given", "score.ranked"},
            }.get(one.state, WRONG)
        elif one.state != "submitted":
            expected = WRONG
        elif one.reviewed is begins:
            expected = "review.started" if begins else "review.not_started"
        quality = any_of(data, 30, 35, 35, 40)
        score = any_of(data, *scores)
        sheet = {"quality": quality, "impact": min(30, score - quality)}
        sheet["data"] = score - sum(sheet.values())
        scored = [f"{code}={given}" for code, given in sheet.items()]
        checked = [document.kind for document in self.definition.documents]
        stated = {
            Event.START_REVIEW: {},
            Event.ADMIT: {"inputs": {"checked": checked}},
            Event.DECLARE_INADMISSIBLE: self.formal,
            Event.EVALUATE: {"inputs": {"minutes": "3/2024", "score": scored}},
        }
        if not self.move(name, event, expected, **stated[event]):
            return
        if event is Event.START_REVIEW:
            one.reviewed = True
        elif event is Event.ADMIT:
            one.state = "admissible"
            self.journal.note("admitted")
        elif event is Event.EVALUATE:
            one.state, one.score, one.quality = "evaluated", score, quality
        else:
            self.model.end(one, "inadmissible")

    def somebody_is_examined(self, data: Any) -> None:
        name, one = self.of_state(data, "submitted", "admissible")
        event = any_of(
            data,
            Event.START_REVIEW,
            Event.ADMIT,
            Event.DECLARE_INADMISSIBLE,
            Event.EVALUATE,
        )
        self.examine(name, one, event, data)

    def all_are_examined(self, data: Any, scores: tuple[int, ...] = SCORES) -> None:
        for name, one in self.model.files.items():
            if one.state == "submitted" and not one.reviewed:
                self.examine(name, one, Event.START_REVIEW, data)
            if one.state == "submitted":
                self.examine(name, one, Event.ADMIT, data)
            if one.state == "admissible":
                self.examine(name, one, Event.EVALUATE, data, scores)

    def one_is_granted(self, data: Any) -> None:
        name, one = self.of_state(data, "evaluated")
        less = any_of(data, None, None, LEAST - 1, LEAST, one.cost - 1)
        self.grant(name, one, less)
        if one.granted and not one.delivered and any_of(data, 0, 1):
            self.publish_and_deliver(name, one)

    def grant(self, name: str, one: File, less: int | None = None) -> None:
        stated = grant_of(self.work, int(name[-7:]))
        expected = None
        if one.state != "evaluated":
            expected = "machine.wrong_state"
        elif not one.rank:
            expected = "ranking.missing"
        elif less is not None and less < LEAST:
            expected = "investment.below_minimum"
        if less is not None:
            stated["inputs"]["admitted_investment"] = format_money(Cents(less))
        if self.move(name, Event.GRANT, expected, **stated):
            one.cost = one.cost if less is None else less
            one.state = "granted"
            self.model.grants(one, min(one.reserved, one.cost))

    def publish_and_deliver(self, name: str, one: File) -> None:
        published = {"published_on": self.work.today.isoformat(), "reference": "B 1"}
        self.move(name, Event.RECORD_PUBLICATION, inputs=published)
        receipt = {"letter": "grant", "receipt": f"R-{name}"}
        self.move(name, Event.RECORD_DELIVERY, inputs=receipt)
        one.delivered = True

    def a_grant_grows(self, data: Any) -> None:
        if not self.grown:
            self.a_part_is_granted_before_there_is_more()
        name = any_of(data, *(self.grown or self.model.files))
        self.raise_grant(name, self.model.files[name])

    def raise_grant(self, name: str, one: File) -> None:
        expected: Expected = None
        if one.state not in {"granted", "in_progress"}:
            expected = "machine.wrong_state"
        elif not one.reserved:
            expected = "grant.nothing_added"
        elif one.proposed:
            expected = {"lapse_proposal.open", "revocation_proposal.open"}
        if self.move(name, Event.RAISE_GRANT, expected):
            self.model.grants(one, one.reserved)

    @property
    def grown(self) -> list[str]:
        """Return to whose grants an act has added something."""
        files = self.model.files
        return [name for name, one in files.items() if one.granted and one.reserved]

    def a_part_is_granted_before_there_is_more(self) -> None:
        files = self.model.files.items()
        parts = [n for n, one in files if one.rank and 0 < one.reserved < one.wanted]
        if parts and self.model.state == "closed":
            self.grant(parts[0], self.model.files[parts[0]])
            self.money_comes(self.model.allocation + MOST)
            self.it_moves_down()

    def somebody_goes(self, data: Any) -> None:
        name, _ = self.a_name(data)
        event = any_of(
            data,
            *(Event.WITHDRAW,) * 2,
            Event.ANNUL,
            *(Event.PROPOSE_REVOCATION, Event.REVOKE) * 2,
        )
        self.goes(name, event)

    def goes(self, name: str, event: Event) -> None:
        one = self.model.files[name]
        granted = {"granted", "in_progress", "completed"}
        filed = {"submitted", "admissible", "evaluated", "waiting"} | granted
        may = {
            Event.WITHDRAW: filed - {"completed"},
            Event.ANNUL: filed,
            Event.REVOKE: granted,
            Event.PROPOSE_REVOCATION: granted,
        }[event]
        expected = None if one.state in may else "machine.wrong_state"
        if event is Event.PROPOSE_REVOCATION:
            if one.revocable:
                expected = expected or "revocation_proposal.open"
            if self.move(name, event, expected):
                one.revocable = True
            return
        stated = {} if event is Event.WITHDRAW else self.formal
        if self.move(name, event, expected, **stated):
            # What was paid stays out until it comes back.
            keeps = one.granted if one.state == "completed" else 0
            self.journal.note("to_recover", keeps)
            told = {Event.WITHDRAW: "withdrawn", Event.ANNUL: "annulled"}
            self.model.end(one, told.get(event, "revoked"), keeps)

    def nobody_accepts_in_time(self, _data: Any) -> None:
        """Workers propose a lapse of each grant that was delivered a month ago."""
        if self.jumped or self.is_to_come("one_goes_all_the_way"):
            return
        if not any(one.granted and one.delivered for one in self.model.files.values()):
            return
        self.jumped = True
        self.wait(days=40)
        for one in self.model.files.values():
            if one.state == "granted" and one.delivered:
                one.late = True
                self.succeeded["lapse proposed"] += 1

    def a_lapse_is_decided(self, data: Any) -> None:
        late = [
            name
            for name, row in self.files.items()
            for step in self.content["steps"]
            if (step["application_id"], step["kind"], step["status"])
            == (row["id"], "lapse_proposal", "open")
        ]
        if not late or self.lapsed:
            return
        name = any_of(data, *late)
        one = self.model.files[name]
        assert one.late
        if any_of(data, True, False, False):
            self.move(name, Event.DISMISS_LAPSE, **self.formal)
            one.late = False
            return
        self.lapse(name)

    def lapse(self, name: str) -> None:
        self.move(name, Event.LAPSE, "lapse_proposal.not_delivered", **self.formal)
        receipt = {"letter": "lapse_proposed", "receipt": f"L-{name}"}
        self.move(name, Event.RECORD_DELIVERY, inputs=receipt)
        self.move(name, Event.LAPSE, "lapse_proposal.pending", **self.formal)
        self.lapsed = True
        self.wait(days=14)
        self.move(name, Event.LAPSE, **self.formal)
        self.model.end(self.model.files[name], "lapsed")

    def one_is_settled(self, data: Any) -> None:
        """It is carried out at once, and not all of its expense is recognised."""
        done = [
            name
            for name, one in self.model.files.items()
            if one.state == "granted" and not one.proposed
        ]
        if not done:
            return
        name = any_of(data, *done)
        self.settle(name, self.model.files[name], data)

    def settle(self, name: str, one: File, data: Any) -> None:
        if not one.delivered:
            self.publish_and_deliver(name, one)
        elif self.files[name]["published_on"] is None:
            published = {"published_on": self.work.today.isoformat(), "reference": "B"}
            self.move(name, Event.RECORD_PUBLICATION, inputs=published)
        for event in (Event.ACCEPT, Event.START, Event.DECLARE_END, Event.FILE_REPORT):
            self.move(name, event)
        recognised = any_of(data, one.granted, one.granted - 1, one.granted // 2)
        inputs = {"recognised": format_money(Cents(one.granted + 1))}
        above = "amount.above_grant"
        self.move(name, Event.SETTLE, above, inputs=inputs, **self.formal)
        inputs = {"recognised": format_money(Cents(recognised))}
        self.move(name, Event.SETTLE, inputs=inputs, act=self.formal["act"])
        self.model.settles(one, recognised)

    def one_goes_all_the_way(self, data: Any) -> None:
        """Grant a part to somebody, then the rest, and settle it; another lapses."""
        model, in_time = self.model, {"received_at": written(self.in_time)}
        for name, one in model.files.items():
            if one.state == "evaluated" and one.reserved:
                self.grant(name, one)
        for _ in range(3):
            self.file(MOST, MOST, None, **in_time)
        self.all_are_examined(data, (75, 80))
        order = model.in_order()
        new = [place for place, (_, one) in enumerate(order) if one.may_have_a_part]
        name, one = order[new[-1]]
        above = sum(model.lacks(other, other.granted) for _, other in order[: new[-1]])
        paid = sum(other.granted for other in model.files.values())
        self.money_is(paid + above + LEAST)
        self.rank()
        assert one.reserved == LEAST
        self.grant(name, one)
        lacking = sum(model.lacks(other, other.held) for _, other in order)
        self.money_comes(model.allocation + lacking)
        self.it_moves_down()
        self.it_moves_down()
        self.raise_grant(name, one)
        assert one.granted == one.wanted
        self.settle(name, one, data)
        lapses, gives_up, *_ = (
            name for name, one in order if one.state == "evaluated" and one.reserved
        )
        self.grant(lapses, model.files[lapses])
        self.publish_and_deliver(lapses, model.files[lapses])
        self.nobody_accepts_in_time(data)
        self.lapse(lapses)
        self.goes(gives_up, Event.WITHDRAW)
        self.it_is_ranked(data)
        self.it_is_ranked(data)

    # --- the whole call

    def rank(self) -> None:
        expected = self.model.may_rank()
        formal = self.formal
        told = self.give(
            expected, lambda: rankings.rank(self.work.desk, CODE, **formal), "rank"
        )
        if told:
            below = {
                n for n, one in self.model.files.items() if one.state == "rejected"
            }
            self.used = formal["act"]
            self.expect_told(told, self.model.rank())
            self.succeeded[f"rank {min(2, told['version'])}"] += 1
            then = {n for n, one in self.model.files.items() if one.state == "rejected"}
            assert set(told["rejected"]) == then - below

    def it_is_ranked(self, data: Any) -> None:
        if any_of(data, True, True, False):
            self.all_are_examined(data)
        if len(self.model.versions) > 1:
            used: dict[str, Any] = {"act": self.used, "reason": "once more"}
            expected = self.model.may_rank() or "ranking.act_used"
            self.give(
                expected, lambda: rankings.rank(self.work.desk, CODE, **used), "rank"
            )
        self.rank()

    def money_moves_down(self, data: Any) -> None:
        if any_of(data, 0, 1):
            self.there_is_other_money(data)
        self.it_moves_down()

    def it_moves_down(self) -> None:
        formal, expected = self.formal, self.model.may_fund()
        foreseen = None
        if not expected:
            with self.sitting(self.whoever_may("fund")):
                foreseen = rankings.fund(self.work.desk, CODE, **formal, dry_run=True)
        told = self.give(
            expected, lambda: rankings.fund(self.work.desk, CODE, **formal), "fund"
        )
        if told and foreseen:
            assert told["order"] == foreseen["order"]
            self.expect_told(told, self.model.fund())

    def expect_told(
        self, told: dict[str, Any], expected: list[tuple[int, str, int]]
    ) -> None:
        assert [
            (one["place"], one["application"], one["amount"]) for one in told["order"]
        ] == [
            (place, name, format_money(Cents(amount)))
            for place, name, amount in expected
        ]
        assert told["residual"] == format_money(Cents(self.model.free))

    def there_is_other_money(self, data: Any) -> None:
        model = self.model
        if any_of(data, 0, 1):
            self.money_comes(
                model.allocation + any_of(data, 1, LEAST, 170_000_000, 0, -1)
            )
            return
        amount = model.allocation + any_of(
            data,
            *(1, LEAST, 170_000_000) * 2,
            *(-1, -LEAST, -model.free, -model.free - 1),
        )
        if amount >= MOST:  # else nobody could ask for so much any more
            self.money_is(amount)

    def money_is(self, amount: int) -> None:
        model, formal = self.model, self.formal
        if amount == model.allocation:
            return
        committed = model.allocation - model.free
        expected = None if amount >= committed else "call.allocation_below_committed"
        if model.state == "concluded":
            expected = WRONG
        money = self.definition.allocation.model_copy(update={"amount": Cents(amount)})
        # The window may have been closed earlier by an act: the file says so not.
        rules = self.definition.model_copy(update={"allocation": money})
        if self.give(
            expected,
            lambda: calls.register_rules(self.work.desk, rules, **formal),
            "load",
        ):
            model.allocation = amount

    def money_comes(self, amount: int, by: str | None = None) -> None:
        model, formal = self.model, self.formal
        expected = None if amount > model.allocation else "call.not_refinanced"
        if self.give(
            WRONG if model.state == "concluded" else expected,
            lambda: call_acts.refinance(
                self.work.desk, CODE, allocation=Cents(amount), **formal
            ),
            "refinance",
            by=by,
        ):
            model.allocation = amount

    def it_is_concluded(self, _data: Any) -> None:
        if self.is_to_come("one_goes_all_the_way"):
            return
        formal, expected = self.formal, self.model.may_conclude()
        if self.give(
            expected, lambda: call_acts.conclude(self.work.desk, CODE, **formal), "end"
        ):
            self.model.conclude()

    def hours_pass(self, _data: Any) -> None:
        self.wait(hours=5)

    # --- who does it

    @contextmanager
    def sitting(self, login: str) -> Iterator[None]:
        """Let somebody sit at the desk."""
        desk = self.work.desk
        self.work.desk = desk.as_officer(login)
        try:
            yield
        finally:
            self.work.desk = desk

    def in_their_way(self, told: str, login: str) -> set[str]:
        roles = WHO_HERE[ON_CALL.get(told, told)]
        return self.staff.in_the_way(login, roles, self.work.today)

    def whoever_may(self, told: str) -> str:
        serving = self.staff.officers
        fit = [who for who in serving if not self.in_their_way(told, who)]
        return str(any_of(self.luck, *fit))

    def give(
        self,
        expected: Expected,
        do: Callable[[], Any],
        told: str,
        *,
        by: str | None = None,
    ) -> Any:
        """Let whoever may give it, or one that is named; now and then another tries."""
        if by is None:
            others = [
                who
                for who in (*self.staff.officers, "nobody")
                if self.in_their_way(told, who)
            ]
            could = [who for who in others if self.could(told, who)]
            if not any_of(self.luck, *range(5 if could else 10)):
                self.given_by(any_of(self.luck, *(could or others)), expected, do, told)
            by = self.whoever_may(told)
        return self.given_by(by, expected, do, told)

    def given_by(
        self, login: str, expected: Expected, do: Callable[[], Any], told: str
    ) -> Any:
        stands = self.in_their_way(told, login)
        codes = {expected} if isinstance(expected, str) else expected or set()
        with self.sitting(login):
            answer = super().give(codes | stands, do, told)
        if answer:
            self.all_of_it_was_made_by(login)
        elif stands:
            self.succeeded["no longer"] += self.could(told, login)
        return answer

    def could(self, told: str, login: str) -> bool:
        """Tell whether somebody who has no role for it had one once."""
        own = EVERYBODY.get(login, ())
        lent = [loan.role for loan in self.staff.loans if loan.taker == login]
        return any(role in WHO_HERE[ON_CALL.get(told, told)] for role in (*own, *lent))

    def entered(self) -> list[dict[str, Any]]:
        """Return what was entered since it was last asked."""
        seq, body = col(RegisterEntry.seq), col(RegisterEntry.body)
        query = (
            select(seq, body)
            .join(Call, col(Call.id) == col(RegisterEntry.call_id))
            .where(col(Call.code) == CODE, seq > self.looked_at)
            .order_by(seq)
        )
        with self.work.desk.engine.connect() as connection:
            rows = connection.execute(query).all()
        self.looked_at = max((row[0] for row in rows), default=self.looked_at)
        return [orjson.loads(row[1]) for row in rows]

    def all_of_it_was_made_by(self, login: str) -> None:
        """Look in the register who has made it, in which role, and for whom."""
        today, ids = self.work.today, self.references
        made = [body for body in self.entered() if body["outcome"] == "ok"]
        made = [body for body in made if body["actor"]["kind"] != "worker"]
        assert made
        for body in made:
            role = self.staff.role_of(login, WHO_HERE[body["event"]], today)
            assert role is not None
            behalf = self.staff.lent(login, today).get(role)
            actor = body["actor"]
            assert (actor["id"], actor["role"]) == (ids[login], role)
            assert actor.get("on_behalf_of") == (behalf and ids[behalf])
            self.succeeded["on behalf of another"] += behalf is not None

    @property
    def references(self) -> dict[str, str]:
        """Return how entries name everybody who works here."""
        if self.known_staff.keys() != self.staff.officers.keys():
            query = select(col(Person.login), col(Person.id))
            with self.work.desk.engine.connect() as connection:
                rows = connection.execute(query).all()
            self.known_staff = {row[0]: str(row[1]) for row in rows}
        return self.known_staff

    # --- who works here

    @property
    def held(self) -> set[tuple[str, Role]]:
        return {
            (login, role)
            for login, one in self.staff.officers.items()
            for role in one.roles
        }

    @property
    def loans(self) -> list[tuple[str, str, Role, date, date, bool]]:
        return [
            (one.giver, one.taker, one.role, one.first, one.last, one.ended)
            for one in self.staff.loans
        ]

    def the_office_changes(self, data: Any) -> None:
        getattr(
            self,
            any_of(
                data,
                *("a_role_ends", "a_role_is_given", "somebody_retires"),
                *("a_role_is_lent", "a_loan_ends") * 2,
            ),
        )(data)

    def kept(self, do: Callable[[Desk], Any], told: str) -> None:
        """Have it done by an administrator; whoever is none is refused before."""
        self.work.wait(microseconds=1)  # a role begins once at an instant
        others = sorted(self.staff.officers.keys() - self.staff.administrators)
        if others and any_of(self.luck, 0, 0, 1):
            login = any_of(self.luck, *others)
            stands = self.staff.in_the_way(
                login, (Role.ADMINISTRATOR,), self.work.today
            )
            before = self.content
            with pytest.raises(RefusedError) as refused:
                do(self.work.desk.as_officer(login))
            self.known = None
            assert refused.value.code in stands
            after = dict(self.content)
            *after["office_entries"], last = after["office_entries"]
            assert after == before
            body = orjson.loads(last["body"])
            assert (body["outcome"], body["refusal"]["code"]) == (
                "refused",
                refused.value.code,
            )
        login = any_of(self.luck, *sorted(self.staff.administrators))
        do(self.work.desk.as_officer(login))
        self.known = None
        self.succeeded[told] += 1

    def serving(self) -> list[str]:
        return [who for who, one in self.staff.officers.items() if not one.retired]

    def holders(self, role: Role) -> list[str]:
        return [who for who in self.staff.officers if role in self.staff.own(who)]

    def is_needed(self, login: str) -> bool:
        return self.staff.administrators == {login}

    def a_role_ends(self, data: Any) -> None:
        held = [
            (who, role)
            for who in self.serving()
            for role in sorted(self.staff.own(who))
            if role is not Role.ADMINISTRATOR or not self.is_needed(who)
        ]
        self.role_ends(*any_of(data, *held))

    def role_ends(self, login: str, role: Role) -> None:
        self.kept(lambda desk: officers.end_roles(desk, login, [role]), "role ended")
        self.staff.officers[login].roles.discard(role)
        self.the_office_goes_on()

    def somebody_retires(self, data: Any) -> None:
        may = [who for who in self.serving() if not self.is_needed(who)]
        if len(may) > 4:
            self.retires(any_of(data, *may))

    def retires(self, login: str) -> None:
        self.kept(lambda desk: officers.retire(desk, login), "retired")
        self.staff.retire(login)
        self.the_office_goes_on()

    def the_office_goes_on(self) -> None:
        """Give to others what nobody holds any more."""
        for role in HELD_BY_PEOPLE:
            if not self.holders(role):
                self.role_is_given(any_of(self.luck, *self.serving()), role)

    def a_role_is_given(self, data: Any) -> None:
        login = any_of(data, *self.serving(), "second")
        if not (one := self.staff.officers.get(login)) or not one.retired:
            self.role_is_given(login, any_of(data, *HELD_BY_PEOPLE))

    def role_is_given(self, login: str, role: Role) -> None:
        self.kept(
            lambda desk: officers.add(desk, login, login.title(), [role]), "role given"
        )
        self.staff.officers.setdefault(login, Officer(set())).roles.add(role)

    def a_role_is_lent(self, data: Any) -> None:
        giver, taker = any_of(data, *self.serving()), any_of(data, *self.serving())
        own = self.staff.own(giver) - self.staff.own(taker) - {Role.ADMINISTRATOR}
        if own:
            days = any_of(data, 0, 1, 20, 60)
            self.role_is_lent(giver, taker, any_of(data, *sorted(own)), days)

    def role_is_lent(self, giver: str, taker: str, role: Role, days: int) -> None:
        first = self.work.today
        last = first + timedelta(days=days)
        if any(
            (loan.taker, loan.role) == (taker, role) for loan in self.running_loans()
        ):
            return
        wanted = delegations.Wanted(giver, taker, role, first, last, self.formal["act"])
        self.kept(lambda desk: delegations.delegate(desk, wanted), "delegated")
        self.staff.loans.append(Loan(giver, taker, role, first, last))

    def running_loans(self) -> list[Loan]:
        """Return those that are not over: also where the giver has nothing to lend."""
        today = self.work.today
        return [one for one in self.staff.loans if not one.ended and one.last >= today]

    def a_loan_ends(self, data: Any) -> None:
        if running := self.running_loans():
            self.loan_ends(any_of(data, *running))

    def loan_ends(self, one: Loan) -> None:
        named = (one.giver, one.taker, one.role)
        self.kept(lambda desk: delegations.end(desk, *named), "delegation ended")
        for loan in self.staff.loans:
            if (loan.giver, loan.taker, loan.role) == named:
                loan.ended |= loan.last >= self.work.today

    def somebody_stands_in_for_another(self, data: Any) -> None:
        """Let one act for a manager, and no more once that is over, in two ways."""
        self.somebody_acts_for_a_manager(data, "of the giver")
        over = any_of(data, "ended", "retired", "days")
        self.somebody_acts_for_a_manager(data, over)

    def somebody_acts_for_a_manager(self, data: Any, over: str) -> None:
        taker = next(
            (who for who in self.serving() if self.in_their_way("refinance", who)), ""
        )
        if not taker:
            taker = "deputy"
            self.role_is_given(taker, Role.INTAKE)
        if len(self.holders(Role.MANAGER)) == 1:
            (taken,) = self.holders(Role.MANAGER)
            others = [who for who in self.serving() if who not in {taken, taker}]
            self.role_is_given(any_of(data, *others), Role.MANAGER)
        may_go = [who for who in self.holders(Role.MANAGER) if not self.is_needed(who)]
        giver = any_of(data, *may_go)
        for loan in self.running_loans():
            if (loan.taker, loan.role) == (taker, Role.MANAGER):
                self.loan_ends(loan)
        self.role_is_lent(giver, taker, Role.MANAGER, 0)
        self.money_comes(self.model.allocation + 1, by=taker)
        if over == "ended":
            self.loan_ends(self.staff.loans[-1])
        elif over == "of the giver":
            self.role_ends(giver, Role.MANAGER)
        elif over == "retired":
            self.retires(giver)
        else:
            self.wait(days=1)
        self.money_comes(self.model.allocation + 1, by=taker)

    # --- what officers and auditors are told

    def somebody_asks_how_it_went(self, data: Any) -> None:
        period = self.some_period(data)
        told = self.reported(data, period)
        happened = self.journal.counts(period) | self.journal.money(period)
        at_end = self.model.at_end()
        if period[1] is None:
            assert told.figures == happened | at_end
            states = [one.state for one in self.model.files.values()]
            assert told.standing == Counter(states)
        else:
            meanwhile = told.figures.keys() - at_end.keys()
            assert {key: told.figures[key] for key in meanwhile} == happened
        assert told.months == self.journal.months(period, with_money=True)
        self.it_is_told_who_stands_where()

    def it_is_told_who_stands_where(self) -> None:
        told = orjson.loads(self.typed("queue", CODE, "--json"))
        keys = ("rank", "state", "reserved", "granted")
        last = self.model.versions[-1] if self.model.versions else []
        places = {name: place for place, name, _ in last}
        assert {
            one["protocol"]: tuple(one[key] for key in keys) for one in told["items"]
        } == {
            name: (places.get(name), one.state, euros(one.reserved), euros(one.granted))
            for name, one in self.model.files.items()
            if one.rank or one.state not in OVER
        }
        assert {
            one["application"]: one["would_have"] for one in told["moves_down"]
        } == {name: euros(amount) for name, amount in self.model.moves_down().items()}
        assert told["residual"] == euros(self.model.free)

    def it_is_taken_away(self, data: Any, *, by_hand: bool = False) -> None:
        stands = {name: one.stands for name, one in self.model.files.items()}
        made, lines = self.taken_away(stands, by_hand=by_hand)
        assert [
            [
                (one["place"], one["application"], one["amount"])
                for one in body["findings"]["ranking"]["order"]
            ]
            for body in made
            if (body["event"], body["outcome"]) == ("rank_call", "ok")
        ] == self.model.versions
        granted = Counter(
            body["protocol"]
            for body in made
            if (body["event"], body["outcome"]) == ("grant", "ok")
        )
        assert granted.total() == self.journal.sums(ALWAYS)["grants"]
        assert {n for n, one in self.model.files.items() if one.granted} <= {*granted}
        self.who_works_here_is_told(lines)

    def who_works_here_is_told(self, lines: dict[str, list[exports.Line]]) -> None:
        logins = {reference: login for login, reference in self.references.items()}
        assert {
            (logins[one["id"]], held["role"])
            for one in lines["officers"]
            for held in one["roles"]
            if held["until"] is None
        } == self.held
        assert {one["id"] for one in lines["officers"]} == logins.keys()
        days = [loan[3:5] for loan in self.loans]
        assert [
            (logins[one["delegator"]], logins[one["delegate"]], one["role"])
            for one in lines["delegations"]
        ] == [loan[:3] for loan in self.loans]
        assert [
            (one["first_day"], one["last_day"]) for one in lines["delegations"]
        ] == [tuple(day.isoformat() for day in both) for both in days]

    def an_auditor_verifies_it(self, data: Any) -> None:
        self.it_is_taken_away(data, by_hand=True)

    # --- what is true after every step

    @invariant()
    def roles_and_delegations_are_as_in_the_model(self) -> None:
        logins = {row["id"]: row["login"] for row in self.content["officers"]}
        assert {
            (logins[row["officer_id"]], row["role"])
            for row in self.content["officer_roles"]
            if row["ended_at"] is None
        } == self.held
        assert [
            (
                *(logins[row[end]] for end in ("delegator_id", "delegate_id")),
                *(row["role"], row["first_day"], row["last_day"]),
                row["ended_at"] is not None,
            )
            for row in self.content["delegations"]
        ] == self.loans

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        stands = {
            name: (row["state"], row["reserved"], row["granted"])
            for name, row in self.files.items()
        }
        assert stands == {name: one.stands for name, one in self.model.files.items()}
        living = {
            n: one for n, one in self.model.files.items() if one.state not in OVER
        }
        assert {n: self.files[n]["rank"] for n in living} == {
            n: one.rank for n, one in living.items()
        }
        assert self.own["state"] == self.model.state
        assert self.own["allocation"] == self.model.allocation
        ids = {row["id"]: name for name, row in self.files.items()}
        told = [
            (row["version"], row["place"], ids[row["application_id"]], row["amount"])
            for row in self.content["ranked_places"]
        ]
        assert sorted(told) == [
            (version, *place)
            for version, places in enumerate(self.model.versions, 1)
            for place in places
        ]

    @invariant()
    def money_never_passes_the_allocation(self) -> None:
        own, rows = self.own_or_none(), self.content["applications"]
        if own is None:
            return
        for column in ("reserved", "granted"):
            assert all(row[column] >= 0 for row in rows)
            assert own[column] == sum(row[column] for row in rows)
        assert own["reserved"] + own["granted"] <= own["allocation"]

    def own_or_none(self) -> dict[str, Any] | None:
        return next((c for c in self.content["calls"] if c["code"] == CODE), None)


# --- a call that ends in a list ------------------------------------------------------

EXAMINED = {"submitted", "admissible", "evaluated", "worthy"}


OBSERVED = {"submitted", "evaluated", "listed"}
PROPOSAL_STARTS: dict[Event, set[str]] = {
    Event.START_REVIEW: {"submitted"},
    Event.ADMIT: {"submitted"},
    Event.FIND_WORTHY: {"admissible", "evaluated"},
    Event.FIND_UNWORTHY: {"admissible", "evaluated"},
    Event.NOTIFY_REFUSAL: OBSERVED,
    Event.FILE_OBSERVATIONS: OBSERVED,
    Event.UPHOLD_OBSERVATIONS: OBSERVED,
    Event.REJECT: {"evaluated"},
    Event.DECLARE_INADMISSIBLE: {"submitted"},
    Event.ASK_TO_LEAVE_LIST: {"listed"},
    Event.CHANGE_PARTNERS: EXAMINED | {"listed"},
    Event.WITHDRAW: EXAMINED,
    Event.ANNUL: EXAMINED | {"listed"},
}
"""From which states a move is made."""


@dataclass
class Proposal:
    """What must stand of a proposal."""

    number: int
    minimum: int
    """How many criteria it has to meet, by the version under which it came."""
    behind: int = 10
    state: str = "submitted"
    reviewed: bool = False
    notice: str | None = None
    """None, `open`, `answered`, or `over`: then the file has gone on."""
    on_merit: bool = False
    upheld: bool = False
    leaving: bool = False

    def in_the_way(self, event: Event, *, met: int, partners: int) -> set[str]:
        """Return why plain rules do not let it happen; nothing, if they do."""
        if self.state not in PROPOSAL_STARTS[event]:
            return {WRONG}
        heard = {
            None: "refusal_notice.missing",
            "open": "refusal_notice.pending",
            "over": "refusal_notice.upheld",
        }.get(self.notice, "")
        going = {
            "open": "refusal_notice.open",
            "answered": "refusal_notice.not_upheld",
        }.get(str(self.notice), "")
        again = self.on_merit and self.upheld
        given = "assessment.given" if self.state == "evaluated" and not again else ""
        unreviewed = "" if self.reviewed else "review.not_started"
        few = "assessment.too_few_criteria" if met < self.minimum else ""
        ways: dict[Event, tuple[str, ...]] = {
            Event.START_REVIEW: ("review.started" if self.reviewed else "",),
            Event.ADMIT: (unreviewed, going),
            Event.FIND_WORTHY: (given, going, few),
            Event.FIND_UNWORTHY: (given, going),
            Event.NOTIFY_REFUSAL: (unreviewed, "refusal_notice.once" if going else ""),
            Event.FILE_OBSERVATIONS: (
                "" if self.notice == "open" else "refusal_notice.not_open",
            ),
            Event.UPHOLD_OBSERVATIONS: (
                "" if self.notice == "answered" else "refusal_notice.not_answered",
            ),
            Event.REJECT: (heard,),
            Event.DECLARE_INADMISSIBLE: (unreviewed, heard),
            Event.ASK_TO_LEAVE_LIST: ("removal_request.open" if self.leaving else "",),
            Event.CHANGE_PARTNERS: (
                "partnership.too_few" if partners < 9 else "",
                "partnership.unchanged" if partners + 1 == self.behind else "",
            ),
            Event.ANNUL: ("list.member" if self.state == "listed" else "",),
        }
        return {code for code in ways.get(event, ()) if code}

    def happens(self, event: Event, *, partners: int) -> None:
        match event:
            case Event.START_REVIEW:
                self.reviewed = True
            case Event.FIND_WORTHY | Event.FIND_UNWORTHY:
                if self.state == "evaluated":
                    self.notice, self.upheld = "over", False
                worthy = event is Event.FIND_WORTHY
                self.state = "worthy" if worthy else "evaluated"
            case Event.NOTIFY_REFUSAL:
                self.notice, self.upheld = "open", False
                self.on_merit = self.state == "evaluated"
            case Event.FILE_OBSERVATIONS:
                self.notice = "answered"
            case Event.UPHOLD_OBSERVATIONS:
                self.notice, self.upheld = "over", True
            case Event.ASK_TO_LEAVE_LIST:
                self.leaving = True
            case Event.CHANGE_PARTNERS:
                self.behind = partners + 1
            case _:
                ends = {Event.ADMIT: "admissible", Event.REJECT: "rejected"}
                ends[Event.DECLARE_INADMISSIBLE] = "inadmissible"
                ends[Event.WITHDRAW] = "withdrawn"
                self.state = ends.get(event, "annulled")


LIST_HAPPENINGS = (
    *("somebody_proposes",) * 2,
    *("something_in_a_file",) * 4,
    *("all_are_assessed",) * 2,
    *("the_list_is_updated",) * 5,
    *("somebody_may_leave",) * 4,
    *("partners_change",) * 2,
    "criteria_change",
    "the_call_closes",
    "it_is_extended",
    "it_is_concluded",
    *("somebody_asks_about_a_date",) * 2,
    *("somebody_asks_how_it_went",) * 2,
    "it_is_taken_away",
)
LIST_STORIES = {
    6: "some_come_and_go",
    8: "somebody_asks_how_it_went",
    12: "an_auditor_verifies_it",
}
"""What happens in a thorough walk, and at which step."""

OF_FILES = (
    Event.START_REVIEW,
    Event.ADMIT,
    Event.FIND_WORTHY,
    Event.FIND_UNWORTHY,
    Event.NOTIFY_REFUSAL,
    Event.FILE_OBSERVATIONS,
    Event.UPHOLD_OBSERVATIONS,
    Event.REJECT,
    Event.DECLARE_INADMISSIBLE,
    Event.ASK_TO_LEAVE_LIST,
    Event.WITHDRAW,
    Event.ANNUL,
)


@lru_cache(maxsize=2)
def criteria(minimum: int) -> CallDefinition:
    """Return the expression of interest, which wants so many criteria met."""
    changed = ("minimum = 1 ", f"minimum = {minimum} ")
    return load(filiere.file(filiere.TOGETHER, changed))


class AnyList(AnyOrder):
    """An expression of interest, under whatever officers do with it."""

    code = filiere.FILIERE

    @initialize(data=LUCK, thorough=THOROUGH)
    def the_call_opens(self, data: Any, *, thorough: bool) -> None:
        self.luck, self.stories = data, dict(LIST_STORIES) if thorough else {}
        self.proposals: dict[str, Proposal] = {}
        self.versions: list[tuple[datetime, dict[str, int]]] = []
        self.minimum, self.state = 1, "open"
        self.closes = filiere.CLOSES
        self.work.clock.move_to(filiere.OPENS)
        self.began = self.work.clock.now()
        calls.register_rules(self.work.desk, criteria(1))
        self.wait(minutes=1)
        for _ in range(any_of(data, 1, 2, 3)):
            self.propose(None)
        if any_of(data, True, True, False):
            self.all_are_assessed(data)
            self.the_list_is_updated(data)

    @rule()
    def something_happens(self) -> None:
        self.work.wait(seconds=1)
        getattr(self, self.whatever_comes(*LIST_HAPPENINGS))(self.luck)

    def propose(self, refused: str | None, **changes: Any) -> None:
        number = changes.pop("number", len(self.files) + 1)
        given = filiere.proposal(number, **changes)
        lines = [orjson.dumps(given)]
        (answer,) = intake.take_in(self.work.desk, self.code, lines)
        self.known = None
        told = (answer.get("error") or {}).get("code")
        assert told == refused, (refused, answer)
        if not refused:
            self.proposals[answer["protocol"]] = Proposal(number, self.minimum)
            self.journal.note("submitted")
        self.succeeded[f"file: {refused}"] += 1

    def somebody_proposes(self, data: Any) -> None:
        kind = any_of(data, "new", "new", "again", "few", "money")
        late = None if self.state == "open" else "window.too_late"
        if kind == "again":
            first, *_ = self.proposals.values()
            has_one = None if first.state in OVER else "applicant.already_applied"
            portal = f"FIL-again-{self.acts}-{len(self.files)}"
            self.propose(late or has_one, number=1, portal_id=portal)
        elif kind == "few":
            number = len(self.files) + 1
            few = filiere.partners(number, 8)
            self.propose(late or "partnership.too_few", number=number, partners=few)
        elif kind == "money":
            self.propose(late or "amount.none", requested="1.00")
        else:
            self.propose(late)

    def in_file(
        self, name: str, event: Event, data: Any, met: int = 0, partners: int = 0
    ) -> None:
        one, met = self.proposals[name], met or any_of(data, 1, 2, 2)
        stated: dict[str, Any] = filiere.stated(event, self.work.today)
        if event is Event.FIND_WORTHY:
            fields = ["innovation", "skills"][:met]
            stated["inputs"] = {"minutes": "1/2022", "criterion": fields}
        if stated.get("act"):
            stated |= self.formal
        partners = partners or any_of(data, 8, 9, 10, 11)
        if event is Event.CHANGE_PARTNERS:
            named = filiere.partners(one.number, partners)
            stated["inputs"] = {"partners": named}
        expected = one.in_the_way(event, met=met, partners=partners)
        if self.move(name, event, expected, **stated):
            one.happens(event, partners=partners)
            if event is Event.ADMIT:
                self.journal.note("admitted")
            if one.state in OVER:
                self.journal.note(one.state)

    def any_file(self, data: Any, *states: str) -> str:
        fit = [n for n, one in self.proposals.items() if one.state in states]
        return str(any_of(data, *(fit or self.proposals)))

    def something_in_a_file(self, data: Any) -> None:
        self.in_file(any_of(data, *self.proposals), any_of(data, *OF_FILES), data)

    def all_are_assessed(self, data: Any) -> None:
        for name, one in self.proposals.items():
            if one.state == "submitted" and not one.reviewed:
                self.in_file(name, Event.START_REVIEW, data)
            if one.state == "submitted":
                self.in_file(name, Event.ADMIT, data)
            if one.state == "admissible":
                found = any_of(data, *(Event.FIND_WORTHY,) * 3, Event.FIND_UNWORTHY)
                self.in_file(name, found, data)

    def somebody_may_leave(self, data: Any) -> None:
        name = self.any_file(data, "listed")
        for event in any_of(
            data,
            (Event.ASK_TO_LEAVE_LIST,),
            (Event.NOTIFY_REFUSAL,),
            (Event.NOTIFY_REFUSAL, Event.FILE_OBSERVATIONS),
        ):
            self.in_file(name, event, data)
        if any_of(data, 0, 1):
            self.the_list_is_updated(data)

    def partners_change(self, data: Any) -> None:
        self.in_file(self.any_file(data, "listed"), Event.CHANGE_PARTNERS, data)

    # --- the list

    @property
    def members(self) -> dict[str, int]:
        return self.versions[-1][1] if self.versions else {}

    def in_the_way(self, kind: str, name: str) -> set[str]:
        """Return why an act does not do this with a proposal."""
        one = self.proposals[name]
        if one.state != ("worthy" if kind == "add" else "listed"):
            return {WRONG}
        if kind == "change" and one.behind == self.members[name]:
            return {"list.member_unchanged"}
        if kind != "remove" or one.leaving or one.notice == "answered":
            return set()
        return {
            {
                None: "refusal_notice.missing",
                "open": "refusal_notice.pending",
                "over": "refusal_notice.upheld",
            }[one.notice]
        }

    def the_list_is_updated(self, data: Any) -> None:
        """Do mostly what may be done with some of them, and now and then anything."""
        wanted: dict[str, list[str]] = {"add": [], "change": [], "remove": []}
        for name in self.proposals:
            fit: list[str | None] = [k for k in wanted if not self.in_the_way(k, name)]
            kind = any_of(data, *(fit or [None]) * 3, None, *wanted)
            if kind and (fit or any_of(data, *range(4)) == 0):
                wanted[kind].append(name)
        self.update(wanted)

    def update(self, wanted: dict[str, list[str]]) -> None:
        adds_all = not any(wanted.values())
        if adds_all:
            wanted["add"] = [
                n for n, one in self.proposals.items() if one.state == "worthy"
            ]
        done = {n: kind for kind, names in wanted.items() for n in names}
        expected = set[str]().union(
            *(self.in_the_way(kind, name) for name, kind in done.items())
        )
        if not done:
            expected = {"list.unchanged"}
        named: dict[str, Any] = {k: tuple(names) for k, names in wanted.items()}
        formal = self.formal
        told = self.give(
            expected,
            lambda: list_acts.update(
                self.work.desk,
                self.code,
                Wanted(**({} if adds_all else named)),
                **formal,
            ),
            "update",
        )
        if not told:
            return
        then = dict(self.members)
        for name, kind in done.items():
            one = self.proposals[name]
            if kind == "remove":
                del then[name]
                one.state = "withdrawn" if one.leaving else "removed"
                self.succeeded[one.state] += 1
                self.journal.note(one.state)
            else:
                then[name], one.state = one.behind, "listed"
        self.versions.append((self.work.clock.now(), then))
        assert (told["version"], told["size"]) == (len(self.versions), len(then))
        answered = {"add": "added", "change": "changed", "remove": "removed"}
        for kind, names in wanted.items():
            assert told[answered[kind]] == sorted(names)
            self.succeeded[kind] += bool(names)

    def stood(self, at: datetime | None) -> dict[str, int]:
        """Ask the product who stood on the list then."""
        moment = None if at is None else Moment(at=at)
        view = memberships.on(self.work.desk, self.code, moment)
        return {one.protocol: len(one.behind) for one in view.members}

    def somebody_asks_about_a_date(self, data: Any) -> None:
        now = self.work.clock.now()
        edges = [at for at, _ in self.versions]
        just_before = [at - timedelta(microseconds=1) for at in edges]
        at = any_of(data, self.began, now, *edges, *just_before)
        replayed = [members for made, members in self.versions if made <= at]

        assert self.stood(at) == (replayed[-1] if replayed else {})

        self.succeeded["asked"] += 1

    def some_come_and_go(self, data: Any) -> None:
        """Put some on the list; one changes, one asks to leave, one is taken off."""
        known = {*self.proposals}
        for _ in range(3):
            self.propose(None)
        stays, leaves, goes = (name for name in self.proposals if name not in known)
        for event in filiere.TO_WORTHY:
            for name in (stays, leaves, goes):
                self.in_file(name, event, data, met=2)
        self.update({"add": [stays, leaves, goes], "change": [], "remove": []})
        self.in_file(stays, Event.CHANGE_PARTNERS, data, partners=11)
        self.in_file(leaves, Event.ASK_TO_LEAVE_LIST, data)
        self.in_file(goes, Event.NOTIFY_REFUSAL, data)
        self.in_file(goes, Event.FILE_OBSERVATIONS, data)
        self.work.wait(seconds=1)
        self.update({"add": [], "change": [stays], "remove": [leaves, goes]})
        self.extend(timedelta(days=30))
        self.somebody_asks_about_a_date(data)

    # --- what officers and auditors are told

    def somebody_asks_how_it_went(self, data: Any) -> None:
        period = self.some_period(data)
        told = self.reported(data, period)
        assert told.figures == self.journal.counts(period)
        assert told.months == self.journal.months(period, with_money=False)
        if period[1] is None:
            states = [one.state for one in self.proposals.values()]
            assert told.standing == Counter(states)

    def it_is_taken_away(self, data: Any, *, by_hand: bool = False) -> None:
        stands = {name: (one.state, 0, 0) for name, one in self.proposals.items()}
        _, lines = self.taken_away(stands, by_hand=by_hand)
        assert [
            (
                datetime.fromisoformat(version["approved_at"]),
                {one["protocol"]: len(one["behind"]) for one in version["members"]},
            )
            for version in lines.get("lists", [])
        ] == self.versions

    def an_auditor_verifies_it(self, data: Any) -> None:
        self.it_is_taken_away(data, by_hand=True)

    # --- the whole call

    def criteria_change(self, data: Any) -> None:
        """They hold for what comes from then on, and for nothing before."""
        minimum = any_of(data, 1, 2)
        window = criteria(1).window.model_copy(update={"closes_at": self.closes})
        rules = criteria(minimum).model_copy(update={"window": window})
        expected = (
            WRONG if self.state == "concluded" and minimum != self.minimum else None
        )
        formal = self.formal
        if self.give(
            expected,
            lambda: calls.register_rules(self.work.desk, rules, **formal),
            "load",
        ):
            self.minimum = minimum

    def the_call_closes(self, _data: Any) -> None:
        if self.state == "open" and not self.is_to_come("some_come_and_go"):
            self.work.clock.move_to(self.closes)
            self.wait(seconds=1)
            self.state = "closed"

    def it_is_extended(self, data: Any) -> None:
        self.extend(any_of(data, -timedelta(days=1), timedelta(days=30)))

    def extend(self, later: timedelta) -> None:
        until = self.closes + later
        expected: str | None = "call.not_extended"
        if self.state == "concluded":
            expected = WRONG
        elif until > self.closes:
            past = until <= self.work.clock.now()
            expected = "call.closing_in_the_past" if past else None
        formal = self.formal
        if self.give(
            expected,
            lambda: call_acts.extend(
                self.work.desk, self.code, closes_at=until, **formal
            ),
            "extend",
        ):
            self.closes, self.state = until, "open"

    def it_is_concluded(self, _data: Any) -> None:
        waits = any(one.state in EXAMINED for one in self.proposals.values())
        expected = "machine.wrong_state" if self.state == "open" else None
        if expected is None and waits:
            expected = "call.undecided"
        formal = self.formal
        if self.give(
            expected,
            lambda: call_acts.conclude(self.work.desk, self.code, **formal),
            "conclude",
        ):
            self.state = "concluded"

    # --- what is true after every step

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        if not hasattr(self, "proposals"):
            return
        assert {name: row["state"] for name, row in self.files.items()} == {
            name: one.state for name, one in self.proposals.items()
        }
        assert self.own["state"] == self.state
        assert self.stood(None) == self.members
        listed = {n for n, one in self.proposals.items() if one.state == "listed"}
        assert listed == self.members.keys()
        assert [row["size"] for row in self.content["approved_lists"]] == [
            len(members) for _, members in self.versions
        ]
        assert not self.content["movements"]


# --- on both databases ---------------------------------------------------------------


def run(machine: type[AnyOrder], databases: Any, examples: int) -> Counter[str]:
    """Try sequences, each on a database of its own; count what happened."""
    chosen = (
        settings() if NIGHT else settings(max_examples=examples, stateful_step_count=18)
    )
    counted: Counter[str] = Counter()

    class Machine(machine):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            self.succeeded = counted
            super().__init__(databases())

    run_state_machine_as_test(Machine, settings=chosen)
    return counted


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Give a database of its own to each sequence, and how many there are."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        template = request.getfixturevalue("postgres_template")
        return (lambda: fresh_postgres(server, template)), 3
    furnished = request.getfixturevalue("sqlite_template")
    return copies(furnished, tmp_path), 7


TOLD = {"report", "export", "verify.py"}
STAFFED = {"delegated", "on behalf of another", "no longer", "role.missing"}


@pytest.mark.timeout(0 if NIGHT else 240)
@drives(
    "call_acts.close",
    "call_acts.conclude",
    "rankings.fund",
    "rankings.rank",
    *moving(
        Event.RAISE_GRANT,
    ),
    among=lambda given: given["databases"][1] > 3,
)
def test_a_ranking_is_what_plain_rules_make_of_any_sequence(databases: Any):
    counted = run(AnyRanking, *databases)

    # Otherwise the sequences were too short to mean anything.
    wanted = {"rank 1", "rank 2", "fund", "load", "refinance"}
    wanted |= {"grant", "raise_grant", "settle", "lapse", "withdraw"}
    wanted |= (
        {"ranking.act_used", "ranking.nothing_moves", "amount.above_grant"}
        | TOLD
        | STAFFED
    )
    assert not {one for one in wanted if not counted[one]}


@pytest.mark.timeout(0 if NIGHT else 240)
@drives(
    "call_acts.extend",
    "list_acts.update",
    "memberships.on",
    *moving(
        Event.ASK_TO_LEAVE_LIST,
        Event.CHANGE_PARTNERS,
        Event.FILE_OBSERVATIONS,
        Event.FIND_UNWORTHY,
        Event.FIND_WORTHY,
        Event.NOTIFY_REFUSAL,
    ),
    among=lambda given: given["databases"][1] > 3,
)
def test_a_list_is_what_its_acts_made_of_it_after_any_sequence(databases: Any):
    counted = run(AnyList, *databases)

    wanted = {"update", "add", "change", "remove", "withdrawn", "removed"}
    wanted |= {"find_worthy", "extend", "asked"} | TOLD
    assert not {one for one in wanted if not counted[one]}
