"""Do a ranked call and a list stay what plain rules say, after any sequence?

Hypothesis gives officers' commands in any order, on both databases. Models of a few
lines, which share nothing with the product, say beforehand what each command does or
with which code it is refused, and after it what must stand.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from config.loader import load
from config.schema import CallDefinition
from models.vocabulary import Cents, Event
from tests import filiere
from tests.builders import Office, office, shipped, usual
from tests.driven import drives, moving
from tests.integration.test_ranked_call import CODE, SMART, grant_of, line
from tests.integration.test_stateful import (
    Content,
    beside_the_register,
    content_of,
    copies,
    name_of,
)
from tests.servers import fresh_postgres
from workflow.errors import RefusedError
from workflow.register import written
from workflow.rules.amounts import format_money
from workflow.services import (
    call_acts,
    calls,
    intake,
    list_acts,
    memberships,
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

    def __init__(self, database: AbstractContextManager[str]) -> None:
        super().__init__()
        self.stack = ExitStack()
        url = self.stack.enter_context(database)
        self.work: Office = self.stack.enter_context(office(url))
        self.known: Content | None = None
        self.acts = 0
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


def any_of(luck: Any, *values: Any) -> Any:
    return luck.choice(values)


# --- a ranked call -------------------------------------------------------------------

ALLOCATION = 500_000_000
LEAST, MOST = 80_000_000, 250_000_000
ASKS = (80_000_000, 90_000_001, 150_000_000, 200_000_000, 240_000_000, 250_000_000)
POLICIES = (
    *(("offer", True),) * 3,
    ("skip", True),
    ("hold", True),
    ("skip", False),
    ("hold", False),
)
"""What is done with less than the next one asks for, and whether a part is given."""

SCORES = (59, 60, 75, 75, 75, 80)
READY = {"evaluated", "waiting", "granted", "in_progress", "completed"}


@lru_cache(maxsize=8)
def mobility(leftover: str, partial: bool) -> CallDefinition:
    """Return the ranked call with 5,000,000.00, and a policy for what is left."""
    text = shipped(SMART).replace('amount = "25000000.00"', 'amount = "5000000.00"')
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
    arrived: int
    request: int
    """By which equals are told apart, whatever is admitted of it later."""
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
    def held(self) -> int:
        return self.reserved + self.granted

    @property
    def wanted(self) -> int:
        """All that it may have; a grant in full is never filled up again."""
        in_full = self.granted and not self.reserved and self.last >= self.asked
        if in_full or self.state == "completed":
            return self.granted
        return min(self.asked, self.cost, MOST)

    def end(self, state: str, keeps: int = 0) -> None:
        self.state, self.reserved, self.granted = state, 0, keeps


@dataclass
class Ranking:
    """A ranked call as plain rules have it."""

    leftover: str
    partial: bool
    allocation: int = ALLOCATION
    state: str = "open"
    files: dict[str, File] = field(default_factory=dict)
    versions: list[list[tuple[int, str, int]]] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.allocation - sum(one.held for one in self.files.values())

    def given(self, one: File, has: int, left: int) -> int | None:
        """Return how much more it gets; none, if what is left is kept for it."""
        most = one.wanted
        if one.granted and one.proposed:
            most = min(most, one.held)
        lacks = max(0, most - has)
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
        if self.state != "closed":
            return "machine.wrong_state"
        states = {one.state for one in self.files.values()}
        if states & {"submitted", "admissible"}:
            return "ranking.undecided"
        return None if states & READY else "ranking.nobody"

    def rank(self) -> list[tuple[int, str, int]]:
        """Rank who is there, by score, quality, the smaller request, arrival."""
        for one in self.files.values():
            if one.state == "evaluated" and (one.score or 0) < 60:
                one.end("rejected")
        there = [(n, one) for n, one in self.files.items() if one.state in READY]
        there.sort(
            key=lambda it: (
                -(it[1].score or 0),
                -it[1].quality,
                it[1].request,
                it[1].arrived,
            )
        )
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
        if self.state != "closed":
            return "machine.wrong_state"
        if not self.versions:
            return "ranking.missing"
        return None if self.moves_down() else "ranking.nothing_moves"

    def fund(self) -> list[tuple[int, str, int]]:
        moved = self.moves_down()
        for name, amount in moved.items():
            self.fund_one(name, amount)
        return [(self.files[n].rank or 0, n, amount) for n, amount in moved.items()]

    def fund_one(self, name: str, amount: int) -> None:
        one = self.files[name]
        one.last, one.reserved = amount, amount - one.granted
        if one.state in {"evaluated", "waiting"}:
            one.state = "evaluated" if amount else "waiting"

    def may_conclude(self) -> str | None:
        if self.state not in {"closed", "concluded"}:
            return "machine.wrong_state"
        waits = {"submitted", "admissible", "evaluated"}
        if any(one.state in waits or one.reserved for one in self.files.values()):
            return "call.undecided"
        if self.state == "closed" and self.moves_down():
            return "call.money_is_due"
        return None

    def conclude(self) -> None:
        self.state = "concluded"
        for one in self.files.values():
            if one.state == "waiting":
                one.end("unfunded")


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
)


class AnyRanking(AnyOrder):
    """A ranked call, under whatever officers do with it."""

    code = CODE

    @initialize(data=LUCK)
    def the_call_takes_some_in_and_closes(self, data: Any) -> None:
        self.luck = data
        policy, by_act = any_of(data, *POLICIES), any_of(data, True, False)
        asks = [any_of(data, *ASKS) for _ in range(any_of(data, 3, 4, 5))]
        self.definition = mobility(*policy)
        self.model = Ranking(*policy)
        self.jumped = self.lapsed = False
        self.used = ""
        window = self.definition.window
        self.work.clock.move_to(window.published_at)
        calls.register_rules(self.work.desk, self.definition)
        self.work.clock.move_to(window.opens_at)
        self.wait(minutes=1)
        for asked in asks:
            self.file(asked, asked, None)
        first = next(iter(self.model.files))
        self.move(first, Event.START_REVIEW, "window.open")
        self.rank()
        if by_act:
            call_acts.close(self.work.desk, CODE, **self.formal)
            self.known = None
        else:
            self.work.clock.move_to(window.closes_at)
        self.in_time = self.work.clock.now() - timedelta(seconds=1)
        self.wait(minutes=5)
        self.model.state = "closed"
        if any_of(data, True, True, False):
            self.all_are_examined(data)
            self.it_is_ranked(data)

    def file(self, asked: int, cost: int, refused: str | None, **changes: Any) -> None:
        number = changes.pop("number", len(self.files) + 1)
        given = line(
            number,
            format_money(Cents(asked)),
            self.definition,
            investment=format_money(Cents(cost)),
            **changes,
        )
        (answer,) = intake.take_in(self.work.desk, CODE, [given])
        self.known = None
        told = answer.get("error") or {}
        assert told.get("code") == refused, (refused, answer)
        if not refused:
            arrived = len(self.model.files)
            self.model.files[answer["protocol"]] = File(
                asked, cost, arrived, min(asked, cost)
            )
        self.succeeded[f"file: {refused}"] += 1

    @rule()
    def something_happens(self) -> None:
        getattr(self, any_of(self.luck, *RANKED_HAPPENINGS))(self.luck)

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
            portal = {"portal_id": f"SM-again-{self.acts}-{len(self.files)}"}
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

    def examine(self, name: str, one: File, event: Event, data: Any) -> None:
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
        score = any_of(data, *SCORES)
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
        elif event is Event.EVALUATE:
            one.state, one.score, one.quality = "evaluated", score, quality
        else:
            one.end("inadmissible")

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

    def all_are_examined(self, data: Any) -> None:
        for name, one in self.model.files.items():
            if one.state == "submitted" and not one.reviewed:
                self.examine(name, one, Event.START_REVIEW, data)
            if one.state == "submitted":
                self.examine(name, one, Event.ADMIT, data)
            if one.state == "admissible":
                self.examine(name, one, Event.EVALUATE, data)

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
            one.granted = min(one.reserved, one.cost)
            one.reserved, one.state = 0, "granted"

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
        one = self.model.files[name]
        expected: Expected = None
        if one.state not in {"granted", "in_progress"}:
            expected = "machine.wrong_state"
        elif not one.reserved:
            expected = "grant.nothing_added"
        elif one.proposed:
            expected = {"lapse_proposal.open", "revocation_proposal.open"}
        if self.move(name, Event.RAISE_GRANT, expected):
            one.granted, one.reserved = one.held, 0

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
        name, one = self.a_name(data)
        event = any_of(
            data,
            *(Event.WITHDRAW,) * 2,
            Event.ANNUL,
            *(Event.PROPOSE_REVOCATION, Event.REVOKE) * 2,
        )
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
            told = {Event.WITHDRAW: "withdrawn", Event.ANNUL: "annulled"}
            one.end(told.get(event, "revoked"), keeps)

    def nobody_accepts_in_time(self, _data: Any) -> None:
        """Workers propose a lapse of each grant that was delivered a month ago."""
        if self.jumped:
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
        self.move(name, Event.LAPSE, "lapse_proposal.not_delivered", **self.formal)
        receipt = {"letter": "lapse_proposed", "receipt": f"L-{name}"}
        self.move(name, Event.RECORD_DELIVERY, inputs=receipt)
        self.move(name, Event.LAPSE, "lapse_proposal.pending", **self.formal)
        self.lapsed = True
        self.wait(days=14)
        self.move(name, Event.LAPSE, **self.formal)
        one.end("lapsed")

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
        one = self.model.files[name]
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
        one.end("completed", recognised)

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
        self.used = f"decreto {self.acts}/{self.work.today}"

    def money_moves_down(self, data: Any) -> None:
        if any_of(data, 0, 1):
            self.there_is_other_money(data)
        self.it_moves_down()

    def it_moves_down(self) -> None:
        formal, expected = self.formal, self.model.may_fund()
        foreseen = None
        if not expected:
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
        model, formal = self.model, self.formal
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
        if amount < MOST:  # then nobody could ask for so much any more
            return
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

    def money_comes(self, amount: int) -> None:
        model, formal = self.model, self.formal
        expected = None if amount > model.allocation else "call.not_refinanced"
        if self.give(
            WRONG if model.state == "concluded" else expected,
            lambda: call_acts.refinance(
                self.work.desk, CODE, allocation=Cents(amount), **formal
            ),
            "refinance",
        ):
            model.allocation = amount

    def it_is_concluded(self, _data: Any) -> None:
        formal, expected = self.formal, self.model.may_conclude()
        if self.give(
            expected, lambda: call_acts.conclude(self.work.desk, CODE, **formal), "end"
        ):
            self.model.conclude()

    def hours_pass(self, _data: Any) -> None:
        self.wait(hours=5)

    # --- what is true after every step

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        stands = {
            name: (row["state"], row["reserved"], row["granted"])
            for name, row in self.files.items()
        }
        assert stands == {
            name: (one.state, one.reserved, one.granted)
            for name, one in self.model.files.items()
        }
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
)
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

    @initialize(data=LUCK)
    def the_call_opens(self, data: Any) -> None:
        self.luck = data
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
        getattr(self, any_of(self.luck, *LIST_HAPPENINGS))(self.luck)

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

    def in_file(self, name: str, event: Event, data: Any) -> None:
        one, met = self.proposals[name], any_of(data, 1, 2, 2)
        stated: dict[str, Any] = filiere.stated(event, self.work.today)
        if event is Event.FIND_WORTHY:
            fields = ["innovation", "skills"][:met]
            stated["inputs"] = {"minutes": "1/2022", "criterion": fields}
        if stated.get("act"):
            stated |= self.formal
        partners = any_of(data, 8, 9, 10, 11)
        if event is Event.CHANGE_PARTNERS:
            named = filiere.partners(one.number, partners)
            stated["inputs"] = {"partners": named}
        expected = one.in_the_way(event, met=met, partners=partners)
        if self.move(name, event, expected, **stated):
            one.happens(event, partners=partners)

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
        if self.state == "open":
            self.work.clock.move_to(self.closes)
            self.wait(seconds=1)
            self.state = "closed"

    def it_is_extended(self, data: Any) -> None:
        later = any_of(data, -timedelta(days=1), timedelta(days=30))
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
    wanted = {"rank 1", "rank 2", "grant"}
    if databases[1] > 3:
        wanted |= {"fund", "load", "lapse", "withdraw"}
        wanted |= {"ranking.act_used", "ranking.nothing_moves"}
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

    wanted = {"update", "add", "find_worthy", "asked"}
    if databases[1] > 3:
        wanted |= {"remove", "withdrawn", "removed", "change", "extend"}
    assert not {one for one in wanted if not counted[one]}
