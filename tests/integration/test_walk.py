"""Does the money end with those to whom a plain walk in order would give it?

Hypothesis invents calls of both families, applications, and any interleaving of
reviews, refusals, suspensions, withdrawals, grants lower than asked, late
hand-overs and refinancing. The walk it is compared with shares nothing with the
product: see `tests.reference_walk`.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.loader import load
from models.vocabulary import Cents, Event
from tests.builders import (
    CLOSING,
    OPENING,
    ROME,
    Office,
    ctl,
    office,
    shipped,
    usual,
)
from tests.contents import rows
from tests.driven import drives, moving
from tests.editions import PLAIN, SECOND
from tests.reference_walk import Walk, drawn, final
from tests.servers import fresh_postgres
from workflow.errors import RefusedError
from workflow.services import call_acts, calls, decrees, intake

NIGHT = settings.get_current_profile_name() == "night"
MONEY = 100_000_00
FAMILIES = {"negotiated": "ctl-2025", "plain": "competenze-innovazione-2025"}
CODES = {"negotiated": SECOND, "plain": PLAIN}

ASKS = (10_000_00, 20_000_00, 25_000_00, 33_333_33, 40_000_00, 70_000_00, 100_000_00)
PARTS = (100, 100, 100, 60, 33)
"""How much of what is asked for may be granted, in per cent."""

NAPS = (
    timedelta(microseconds=1),
    timedelta(minutes=1),
    timedelta(hours=7),
    timedelta(days=1),
    timedelta(days=3),
)

WAITS = {"decree.passes_over", "money.short", "order.day_not_over"}
"""Why several cannot be granted together yet."""

TO_GRANT = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE, Event.GRANT)
LOWERED = {
    "negotiated": (
        Event.RECORD_PUBLICATION,
        Event.CONVENE_NEGOTIATION,
        Event.SIGN_MINUTES,
        Event.FILE_PLAN,
        Event.DETERMINE_AMOUNT,
    ),
    "plain": (
        Event.RECORD_PUBLICATION,
        Event.START,
        Event.DECLARE_END,
        Event.FILE_REPORT,
        Event.SETTLE,
    ),
}
ENDS = {
    "granted": TO_GRANT,
    "completed": (
        Event.START_REVIEW,
        Event.REQUEST_COMPLETION,
        Event.ANSWER_COMPLETION,
        *TO_GRANT[1:],
    ),
    "inadmissible": (Event.START_REVIEW, Event.DECLARE_INADMISSIBLE),
    "rejected": (*TO_GRANT[:3], Event.REJECT),
    "withdrawn": (Event.WITHDRAW,),
    "withdrawn after its score": (*TO_GRANT[:3], Event.WITHDRAW),
    "withdrawn after its grant": (*TO_GRANT, Event.WITHDRAW),
}
"""What happens to an application, if it comes to that; `lowered` goes on."""

LOSES = (
    Event.DECLARE_INADMISSIBLE,
    Event.REJECT,
    Event.WITHDRAW,
    Event.DECLARE_NOT_RECEIVABLE,
)


# --- the call -----------------------------------------------------------------


@dataclass(frozen=True)
class Rules:
    """What a call says, as far as the walk depends on it."""

    family: str = "negotiated"
    order: str = "exact_instant"
    waiting_list: str = "after_review"
    short: str = "waiting_list"
    jumps: bool = False
    beyond: tuple[str, int] | None = None

    @property
    def compares(self) -> bool:
        """Whether some count as arrived together."""
        return self.order != "exact_instant"


def written(folder: Path, rules: Rules) -> Path:
    """Write a call with some rules, all else being of a shipped one."""
    text = shipped(FAMILIES[rules.family])
    window = ctl().window
    text = re.sub(r"(?m)^\[\[beneficiaries\]\]\n(?:.+\n)+\n?", "", text)
    text = re.sub(
        r"(?m)^(cap|fixed_matures_on|overbooking_\w+|beneficiaries) = .*\n", "", text
    )
    text = re.sub(
        r'(?m)^code = "RL.*',
        f'code = "{CODES[rules.family]}"\nbeneficiaries = []',
        text,
    )
    changes = {
        "order": rules.order,
        "waiting_list": rules.waiting_list,
        "short_money": rules.short,
        "amount": f"{MONEY // 100}.00",
        "fixed": "0.00",
        "variable_percent": "100.00",
    }
    for key, value in changes.items():
        text = re.sub(rf'(?m)^{key} = "[^"]*"', f'{key} = "{value}"', text)
    for key in ("published_at", "opens_at", "closes_at"):
        instant = getattr(window, key).astimezone(ROME).replace(tzinfo=None)
        text = re.sub(rf"(?m)^{key} = \S+", f"{key} = {instant.isoformat()}", text)
    jumps = f"jump_ahead = {str(rules.jumps).lower()}"
    if rules.beyond is not None:
        kind, amount = rules.beyond
        key = "overbooking_percent" if kind == "%" else "overbooking_amount"
        said = amount if kind == "%" else amount // 100
        jumps += f'\n{key} = "{said}.00"'
    text = re.sub(r"(?m)^jump_ahead = .*", jumps, text)
    text = re.sub(r"(?m)^assumed = \[.*jump_ahead.*\n", "", text)
    text = re.sub(r"(?m)^refusal_notice = true", "refusal_notice = false", text)
    path = folder / "walk.toml"
    path.write_text(text, encoding="utf-8")
    return path


# --- what Hypothesis invents --------------------------------------------------


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    """Invent a call that has no faults."""
    family = draw(st.sampled_from(sorted(FAMILIES)))
    order = draw(
        st.sampled_from(
            ("exact_instant",) * 3 + ("same_day_merit", "same_week_draw"),
        )
    )
    if order != "exact_instant":
        return Rules(family, order)
    short = draw(st.sampled_from(("waiting_list", "partial", "stop")))
    stops = short == "stop"
    beyond = st.sampled_from((None, None, ("%", 50), ("cents", 30_000_00)))
    return Rules(
        family,
        order,
        draw(st.sampled_from(("before_review", "after_review"))),
        short,
        jumps=False if stops else draw(st.booleans()),
        beyond=None if stops else draw(beyond),
    )


def any_application() -> st.SearchStrategy[dict[str, Any]]:
    """Invent an application, and what is going to happen to it."""
    return st.fixed_dictionaries(
        {
            "asked": st.sampled_from(ASKS),
            "less": st.booleans(),
            "end": st.sampled_from(("granted", "granted", "lowered", *ENDS)),
            "part": st.sampled_from(PARTS),
            "left": st.sampled_from((100, 50, 1)),
            "score": st.integers(60, 100),
            "channel": st.sampled_from(("portal",) * 9 + ("pec",)),
            "late": st.none() | st.sampled_from((0.0, 0.3, 0.9)),
        }
    )


def any_happening() -> st.SearchStrategy[tuple[str, Any]]:
    """Invent something that happens next."""
    return st.one_of(
        st.tuples(st.just("file"), any_application()),
        st.tuples(st.just("file"), any_application()),
        st.tuples(st.just("go_on"), st.tuples(st.integers(0, 9), st.integers(1, 4))),
        st.tuples(st.just("go_on"), st.tuples(st.integers(0, 9), st.integers(3, 9))),
        st.tuples(st.just("grant_together"), st.integers(1, 4)),
        st.tuples(st.just("refinance"), st.sampled_from((1, 15_000_00, 50_000_00))),
        st.tuples(st.just("nap"), st.sampled_from(NAPS)),
        st.tuples(st.just("draw_lots"), st.none()),
        st.tuples(st.just("reopen"), st.none()),
    )


MORNINGS = st.lists(any_application(), min_size=3, max_size=6)
HAPPENINGS = st.lists(any_happening(), max_size=14)


# --- the office and the walk, side by side ------------------------------------


@dataclass
class Dossier:
    """An application, and what is going to happen to it."""

    name: str
    at: datetime
    plan: dict[str, Any]
    script: tuple[Event, ...]
    asked: int
    made: int = 0
    granted: int = 0

    @property
    def next(self) -> Event | None:
        """What is going to happen next."""
        return self.script[self.made] if self.made < len(self.script) else None

    @property
    def is_decided(self) -> bool:
        """Whether it was granted, or has ended."""
        return bool({Event.GRANT, *LOSES} & set(self.script[: self.made]))

    @property
    def gets(self) -> int:
        """What is left to it in the end, if it gets its money."""
        if set(LOSES) & set(self.script):
            return 0
        granted = part(self.asked, self.plan["part"])
        lowered = self.plan["end"] == "lowered"
        return part(granted, self.plan["left"]) if lowered else granted


class Comparison:
    """Does everything twice: in the product, and in the walk."""

    def __init__(self, work: Office, rules: Rules, folder: Path) -> None:
        self.work, self.rules, self.code = work, rules, CODES[rules.family]
        path = written(folder, rules)
        self.definition = load(path)
        calls.register_call(work.desk, path)
        self.walk = Walk(
            MONEY, short=rules.short, jumps=rules.jumps, beyond=rules.beyond
        )
        self.files: list[Dossier] = []
        self.filed = 0
        self.seen: Counter[str] = Counter()
        self.too_late = False
        """Whether somebody was handed over when later ones were decided already."""

    # What happens

    def file(self, plan: dict[str, Any]) -> None:
        """File an application, now or at an instant that is past."""
        self.work.wait(microseconds=1)
        now = at = self.work.clock.now()
        place = plan["channel"] == "portal"
        if plan["late"] is not None and self.files and place:
            at = self._past(now, plan["late"])
        self.filed += 1
        line = self.line(plan, at if at != now else None)
        (answer,) = intake.take_in(self.work.desk, self.code, [orjson.dumps(line)])
        expected = self.walk.file(
            str(answer["protocol"]), at, plan["asked"], less=plan["less"], place=place
        )
        self.seen[expected] += 1
        if expected in {"refused", "suspended"}:
            code = {"refused": "counter.exhausted", "suspended": "call.suspended"}
            assert answer["outcome"] == "refused"
            assert answer["error"]["code"] == code[expected]
            return
        assert answer["outcome"] != "refused", answer["error"]
        if any(at < other.at for other in self.files):
            self.seen["late"] += 1
            self.too_late |= any(one.is_decided for one in self.files)
        name, script = str(answer["protocol"]), self._script(plan)
        self.files.append(Dossier(name, at, plan, script, plan["asked"]))

    def go_on(self, drawn: tuple[int, int]) -> None:
        """Make the next moves of a file, as far as the product lets it go."""
        which, steps = drawn
        if self.files:
            self.advance(self.files[which % len(self.files)], steps)

    def grant_together(self, count: int) -> None:
        """Grant the first of those who are ready by one act."""
        ready = [
            one
            for one in self._in_order()
            if one.next == Event.GRANT and self.money[one.name]["reserved"]
        ][:count]
        if not ready:
            return
        lines = []
        for one in ready:
            inputs = self._stated(one, Event.GRANT)["inputs"]
            lines.append(orjson.dumps({"application": one.name, **inputs}))
        act = f"decreto 200/{self.work.today}"
        try:
            decrees.grant(self.work.desk, self.code, decrees.read(lines), act=act)
        except RefusedError as error:
            assert error.code in WAITS  # noqa: PT017
            return
        self.seen["granted together"] += len(ready)
        for one in ready:
            self._made(one, Event.GRANT, serve=False)
        self.walk.serve()
        self.look()

    def refinance(self, more: int) -> None:
        """Give the call more money."""
        self.walk.refinance(self.walk.money + more)
        self.walk.serve()
        call_acts.refinance(
            self.work.desk,
            self.code,
            allocation=Cents(self.walk.money),
            **self._act("more money"),
        )

    def nap(self, span: timedelta) -> None:
        """Let time pass, but not until the counter closes."""
        if self.work.clock.now() + span < CLOSING - timedelta(days=3):
            self.work.clock.advance(span)

    def reopen(self, _drawn: None) -> None:
        """Let a counter that was suspended open again, a minute from now."""
        if not self.walk.suspended or self.work.clock.now() > CLOSING:
            return
        at = self.work.clock.now() + timedelta(minutes=1)
        call_acts.announce_reopening(
            self.work.desk, self.code, at=at, **self._act("more room")
        )
        self.work.clock.move_to(at)
        self.walk.reopen(at)

    def draw_lots(self, _drawn: None) -> None:
        """Draw every week that is over."""
        if self.rules.order != "same_week_draw":
            return
        for week in sorted({_week(one.at) for one in self.files}):
            try:
                entry = call_acts.draw(
                    self.work.desk,
                    self.code,
                    week=week,
                    seed=f"lotto {week}",
                    **self._act(),
                )
            except RefusedError as error:
                told = {"draw.week_not_over", "draw.held", "draw.nobody"}
                assert error.code in told  # noqa: PT017
                continue
            mine = [one for one in self.files if _week(one.at) == week]
            names = [one.name for one in mine if one.name in entry["findings"]["order"]]
            assert set(names) == {
                one.name for one in mine if self.money[one.name]["state"] in QUEUED
            } - {one.name for one in mine if one.plan["channel"] != "portal"}
            lots = drawn(f"lotto {week}", names)
            for one in mine:
                one.plan = {**one.plan, "draw": lots.get(one.name, 0)}
            self.seen["drawn"] += 1

    # How a file goes on

    def advance(self, one: Dossier, steps: int = 1) -> bool:
        """Make the next moves of a file; tell whether one was made."""
        before = one.made
        for _ in range(steps):
            if (event := one.next) is None:
                break
            try:
                self.work.move(one.name, event, **self._stated(one, event))
            except RefusedError as error:
                self.seen[error.code] += 1
                break
            self._made(one, event)
        return one.made > before

    def _made(self, one: Dossier, event: Event, *, serve: bool = True) -> None:
        """Tell the walk what has happened to a file."""
        one.made += 1
        self.seen[event.value] += 1
        if event == Event.GRANT:
            one.asked = self.money[one.name]["requested"]
            one.granted = part(one.asked, one.plan["part"])
            self.walk.grant(one.name, one.granted)
        elif event in {Event.DETERMINE_AMOUNT, Event.SETTLE}:
            one.granted = part(one.granted, one.plan["left"])
            self.walk.lower(one.name, one.granted)
        elif event in LOSES:
            one.granted = 0
            self.walk.end(one.name)
        if serve:
            self.walk.serve()
            self.look()

    def finish(self) -> None:
        """Decide everything that can be decided."""
        if self.rules.order == "same_week_draw":
            self.work.wait(days=8)
            self.draw_lots(None)
        if self.rules.order == "same_day_merit":
            self.work.wait(days=1)  # until then somebody may still arrive in it
        for one in self._in_order():
            if Event.GRANT in one.script[one.made :]:
                self.advance(one, one.script.index(Event.GRANT) - one.made)
        self.grant_together(3)
        moving = True
        while moving:
            moved = [self.advance(one, 9) for one in self._in_order()]
            moving = any(moved)

    def _script(self, plan: dict[str, Any]) -> tuple[Event, ...]:
        if plan["channel"] != "portal":
            return (Event.DECLARE_NOT_RECEIVABLE,)
        if plan["end"] == "lowered":
            return (*TO_GRANT, *LOWERED[self.rules.family])
        return ENDS[plan["end"]]

    def _stated(self, one: Dossier, event: Event) -> dict[str, Any]:
        today = self.work.today
        stated = usual(event, today)
        inputs = dict(stated.get("inputs", {}))
        if event == Event.ADMIT:
            inputs["checked"] = [paper.kind for paper in self.definition.documents]
        if event == Event.EVALUATE:
            points = 10 if one.plan["end"] == "rejected" else one.plan["score"]
            inputs["score"] = self._sheet(points)
        if event == Event.GRANT:
            admitted = part(self.money[one.name]["requested"], one.plan["part"])
            inputs |= {"admitted_investment": _euros(admitted), "antimafia": "BDNA 7"}
        if event == Event.FILE_PLAN:
            inputs["investment"] = _euros(one.granted)
        if event == Event.DETERMINE_AMOUNT:
            inputs["admitted_investment"] = _euros(part(one.granted, one.plan["left"]))
        if event == Event.SETTLE:
            inputs["recognised"] = _euros(part(one.granted, one.plan["left"]))
        return {**stated, "inputs": inputs}

    def _sheet(self, points: int) -> list[str]:
        sheet = []
        for criterion in self.definition.merit.criteria:
            given = min(points, criterion.max_points)
            sheet.append(f"{criterion.code}={given}")
            points -= given
        return sheet

    def line(self, plan: dict[str, Any], at: datetime | None) -> dict[str, Any]:
        return {
            "portal_id": f"W-{self.filed:04d}",
            "channel": plan["channel"],
            "applicant": {
                "tax_code": f"{80_000_000_000 + self.filed}",
                "name": f"Ente {self.filed}",
                "pec": f"ente{self.filed}@pec.example.it",
            },
            "requested": _euros(plan["asked"]),
            "investment": _euros(plan["asked"]),
            "accepts_less": plan["less"],
            "documents": [
                {"kind": paper.kind, "name": f"{paper.kind}.pdf", "sha256": "a" * 64}
                for paper in self.definition.documents
            ],
            **({"received_at": at.isoformat()} if at else {}),
        }

    def _past(self, now: datetime, share: float) -> datetime:
        """Return an instant between the opening and now, often that of another."""
        others = sorted(one.at for one in self.files)
        if share:
            return others[int(share * len(others))]
        return max(OPENING, others[0] - timedelta(microseconds=1))

    def _act(self, reason: str | None = None) -> dict[str, Any]:
        return {"act": f"decreto 300/{self.work.today}", "reason": reason}

    def _in_order(self) -> list[Dossier]:
        return sorted(self.files, key=lambda one: (one.at, one.name))

    # What is compared

    def look(self) -> None:
        """Read what everybody has, and hold it against the walk."""
        engine = self.work.desk.engine
        (call,) = rows(engine, f"{_CALL} WHERE code = :code", code=self.code)
        identity, allocation, reserved, granted, waiting = call
        (free,) = rows(engine, _FREE, call=identity)
        held = rows(engine, f"{_FILES} WHERE call_id = :call", call=identity)
        self.money = {
            f"{year}/{number:07d}": dict(zip(_COLUMNS, columns, strict=True))
            for year, number, *columns in held
        }
        files = self.money.values()
        residual = allocation - reserved - granted

        assert residual >= 0
        assert residual == free[0], "the funds do not add up to the residual"
        assert reserved == sum(file["reserved"] for file in files)
        assert granted == sum(file["granted"] for file in files)
        assert waiting == sum(
            file["requested"]
            for file in files
            if file["state"] in QUEUED
            and file["channel"] == "portal"
            and file["reserved"] < file["requested"]
        )
        if not self.rules.compares:
            self.expect_the_walk(free=residual, waiting=waiting)

    def expect_the_walk(self, *, free: int, waiting: int) -> None:
        """Everybody has what the walk gives."""
        told = {
            row["name"]: (row["asked"], row["held"], row["granted"])
            for row in self.walk.rows
        }
        assert told == {
            name: (file["requested"], file["reserved"], file["granted"])
            for name, file in self.money.items()
        }
        assert (self.walk.free, self.walk.waiting) == (free, waiting)

    def expect_the_end(self) -> None:
        """Whoever has a grant in the end is whom the order gives it to."""
        granted = {name: file["granted"] for name, file in self.money.items()}
        assert {one.name: one.granted for one in self.files} == granted
        for one in self.files:
            held = self.money[one.name]["reserved"]
            assert not held, f"{one.name} holds money and cannot be decided"
        history = self.rules.jumps or self.rules.short != "waiting_list"
        if self.too_late or history or self.rules.beyond:
            return
        self.seen["told from the end"] += 1
        rows = [
            {
                "name": one.name,
                "at": one.at,
                "number": one.name,
                "asked": one.asked,
                "gets": one.gets,
                "needs": self._needs_money(one),
                "score": one.plan["score"],
                "draw": one.plan.get("draw", 0),
            }
            for one in self.files
            if one.plan["channel"] == "portal"
        ]
        expected = final(rows, self.walk.money, self.rules.order)
        assert {name: cents for name, cents in granted.items() if cents} == expected

    def _needs_money(self, one: Dossier) -> bool:
        """Tell whether it cannot come to its end without money."""
        if self.rules.waiting_list == "before_review":
            return one.script[0] != Event.WITHDRAW
        return Event.GRANT in one.script

    def expect_every_cent_has_its_origin(self) -> None:
        """A promotion names whose money it took, and nobody gave more than it had."""
        engine = self.work.desk.engine
        bodies = [
            json.loads(body)
            for (body,) in rows(engine, "SELECT body FROM entries ORDER BY seq")
        ]
        mine = {body["seq"]: body for body in bodies if body["call"] == self.code}
        given: Counter[int] = Counter()
        for body in mine.values():
            if (body["event"], body["outcome"]) != ("promote", "ok"):
                continue
            self.seen["promoted"] += 1
            sources = body["findings"]["funded_by"]
            (moved,) = body["money"]["movements"]
            assert sum(source["cents"] for source in sources) == moved["reserved"]
            assert body["actor"]["kind"] == "worker"
            for source in sources:
                origin = mine[source["entry"]]
                assert source["entry"] < body["seq"]
                assert origin["event"] == source["event"]
                assert origin["protocol"] == source["application"]
                given[source["entry"]] += source["cents"]
        had = {
            seq: (amount, free)
            for seq, amount, free in rows(
                engine,
                "SELECT entry_seq, amount, free FROM funds JOIN calls "
                "ON calls.id = call_id WHERE code = :code",
                code=self.code,
            )
        }
        for entry, cents in given.items():
            amount, free = had[entry]
            assert cents <= amount - free


# --- small words --------------------------------------------------------------

QUEUED = {"submitted", "admissible", "evaluated", "waiting"}
_COLUMNS = ("requested", "reserved", "granted", "state", "channel")
_CALL = "SELECT id, allocation, reserved, granted, waiting FROM calls"
_FILES = (
    f"SELECT protocol_year, protocol_number, {', '.join(_COLUMNS)} FROM applications"  # noqa: S608 - ours
)
_FREE = "SELECT sum(free) FROM funds WHERE call_id = :call"


def part(cents: int, percent: int) -> int:
    """Return some per cent of an amount, cents cut off."""
    return cents * percent // 100


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _week(at: datetime) -> str:
    year, week, _ = at.astimezone(ROME).isocalendar()
    return f"{year}-W{week:02d}"


# --- on both databases --------------------------------------------------------


def compare(
    database: Callable[[], AbstractContextManager[str]], folder: Path, *, examples: int
) -> Counter[str]:
    """Try interleavings, each on a database of its own; count what happened."""
    seen: Counter[str] = Counter()
    profile = settings() if NIGHT else settings(max_examples=examples)

    @profile
    @given(any_rules(), MORNINGS, HAPPENINGS)
    def tried(
        rules: Rules, morning: list[dict[str, Any]], happenings: list[tuple[str, Any]]
    ) -> None:
        with database() as url, office(url) as work:
            compared = Comparison(work, rules, folder)
            for plan in morning:
                compared.file(plan)
                compared.look()
            for happening, drawn in happenings:
                getattr(compared, happening)(drawn)
                compared.look()
            compared.finish()
            compared.expect_the_end()
            compared.expect_every_cent_has_its_origin()
            assert work.verified()
        seen.update(compared.seen)

    tried()
    return seen


@pytest.mark.timeout(0 if NIGHT else 280)
@drives(
    "call_acts.announce_reopening",
    "call_acts.draw",
    "call_acts.refinance",
    "calls.register_call",
    "decrees.grant",
    "intake.take_in",
    *moving(
        Event.ANSWER_COMPLETION,
        Event.DECLARE_NOT_RECEIVABLE,
        Event.REQUEST_COMPLETION,
    ),
)
def test_the_final_grants_are_those_of_a_plain_walk_on_sqlite(
    sqlite_template: Path, tmp_path: Path
):
    @contextmanager
    def database():
        path = tmp_path / "sportello.db"
        shutil.copyfile(sqlite_template, path)
        yield f"sqlite:///{path}"
        for left in tmp_path.glob("sportello.db*"):
            left.unlink()

    seen = compare(database, tmp_path, examples=30)

    # Otherwise the interleavings were too plain to mean anything.
    assert {"late", "waiting", "refused", "drawn", "withdraw", "reject"} <= seen.keys()
    assert {"granted together", "suspended", "told from the end"} <= seen.keys()
    assert seen["promoted"] >= 10
    assert seen["determine_amount"] + seen["settle"]


@pytest.mark.timeout(0 if NIGHT else 280)
def test_the_final_grants_are_those_of_a_plain_walk_on_postgresql(
    postgres_server: str, postgres_template: str, tmp_path: Path
):
    seen = compare(
        lambda: fresh_postgres(postgres_server, postgres_template),
        tmp_path,
        examples=4,
    )

    assert seen["grant"]


# --- interleavings that once went wrong ---------------------------------------


def plan(asked: int, **changes: Any) -> dict[str, Any]:
    """Return an application that is granted in full."""
    return {
        "asked": asked,
        "less": False,
        "end": "granted",
        "part": 100,
        "left": 100,
        "score": 70,
        "channel": "portal",
        "late": None,
        **changes,
    }


def walked(
    work: Office, folder: Path, rules: Rules, *plans: dict[str, Any]
) -> Comparison:
    """Let a few applications come, and decide them all."""
    compared = Comparison(work, rules, folder)
    for one in plans:
        compared.file(one)
        compared.look()
    compared.finish()
    compared.expect_the_end()
    compared.expect_every_cent_has_its_origin()
    return compared


def test_who_jumped_ahead_of_one_that_the_money_does_not_cover_is_granted(
    work: Office, tmp_path: Path
):
    plans = [plan(40_000_00), plan(70_000_00), plan(25_000_00)]

    compared = walked(work, tmp_path, Rules(jumps=True), *plans)

    assert [one.granted for one in compared.files] == [40_000_00, 0, 25_000_00]


def test_a_refusal_at_the_very_instant_of_another_leaves_that_one_in_time(
    work: Office, tmp_path: Path
):
    plans = [plan(40_000_00), plan(70_000_00, late=0.9), plan(25_000_00, late=0.9)]

    compared = walked(work, tmp_path, Rules(short="stop"), *plans)

    assert [one.granted for one in compared.files] == [40_000_00, 25_000_00]


def test_a_late_one_that_fills_the_counter_leaves_those_after_it_in_time(
    work: Office, tmp_path: Path
):
    late = plan(100_000_00, late=0.3, end="withdrawn")
    plans = [plan(25_000_00), plan(25_000_00), late]

    compared = walked(work, tmp_path, Rules(beyond=("%", 50)), *plans)

    assert compared.walk.suspended
    assert [one.granted for one in compared.files] == [25_000_00, 25_000_00, 0]


def test_a_late_one_that_is_refused_takes_no_money_from_those_after_it(
    work: Office, tmp_path: Path
):
    compared = Comparison(work, Rules(), tmp_path)
    for asked in (60_000_00, 40_000_00):
        compared.file(plan(asked))
    held = rows(work.desk.engine, "SELECT reserved FROM applications ORDER BY id")
    compared.filed += 1
    line = compared.line(plan(100_000_00), OPENING)

    (answer,) = intake.take_in(
        work.desk, compared.code, [orjson.dumps({**line, "documents": []})]
    )

    assert answer["error"]["code"] == "documents.missing"
    still = rows(work.desk.engine, "SELECT reserved FROM applications ORDER BY id")
    assert still == held == [(60_000_00,), (40_000_00,)]
