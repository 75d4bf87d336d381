"""Does a call hold together, whatever officers do and whenever workers wake up?

The same story is lived twice, by an office that sweeps all the time and by one that
never does, and is held against plain rules that ask none of the product.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.session import transaction
from models.vocabulary import CallState, Cents, Event, SuspensionCause
from tests.builders import (
    CLOSING,
    CTL,
    OPENING,
    ROME,
    Office,
    office,
    rome,
    submission,
    usual,
)
from tests.driven import drives
from tests.integration.test_stateful import content_of
from tests.servers import fresh_postgres
from workflow.errors import RefusedError
from workflow.register import written
from workflow.services import call_acts, calls, lookups, sweep, windows

NIGHT = settings.get_current_profile_name() == "night"
START = rome(2026, 1, 19, 10)
FORMAL: dict[str, Any] = {"act": "decreto 9/2026-01-19", "reason": "because"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALLOCATION = 100_000_000
MONEY = "1000.00"
"""So little that there is always enough of it."""

HOLIDAYS = {
    date(2026, month, day)
    for month, day in ((4, 6), (4, 25), (5, 1), (6, 2), (8, 15), (10, 4))
}


class Step(NamedTuple):
    """Something that is done some time after the last thing."""

    hours: int
    what: str
    ahead: int
    """Hours from then to the instant that is named, if one is."""


ACTS = (
    "suspend",
    "reopen",
    "reopen",
    "extend",
    "extend later",
    "refinance later",
    "exhaust",
    "close",
    "annul",
    "malfunction",
)
ABOUT_FILES = (*("file",) * 6, *("ask",) * 3, *("answer",) * 2)

steps = st.builds(
    Step,
    st.integers(0, 150),
    st.sampled_from((*ACTS, *ABOUT_FILES)),
    st.integers(-20, 400),
)


# --- plain rules ---------------------------------------------------------------------


@dataclass
class Filed:
    """What must stand of an application that was taken in."""

    received: datetime
    since: date
    """The day on which its procedure began to run."""
    asked: date | None = None
    answered: date | None = None

    def waits_until(self) -> date | None:
        """Return the last day on which the clock stands still for the applicant."""
        if self.asked is None:
            return None
        last = off_holidays(self.asked + 10 * DAY)
        return last if self.answered is None else min(last, self.answered)

    def due(self) -> date:
        until = self.waits_until()
        stood = timedelta() if until is None else until - (self.asked or until)
        return off_holidays(self.since + 90 * DAY + stood)


@dataclass
class Plain:
    """A call as plain rules have it."""

    state: str = "published"
    closes: datetime = CLOSING
    allocation: int = ALLOCATION
    stretches: list[list[datetime | None]] = field(default_factory=list)
    """In which it takes applications in; both ends belong to it."""
    reopens: datetime | None = None
    waits: tuple[datetime, datetime | None, int | None] | None = None
    """A version that is announced: from when, until when it is open, its money."""
    filed: list[Filed] = field(default_factory=list)

    def goes_on(self, now: datetime) -> None:
        """Do all that is due, in order; of one instant the closing comes last."""
        while due := self.due(now):
            at, _, do = min(due, key=lambda one: one[:2])
            do(at)

    def due(self, now: datetime) -> list[tuple[datetime, int, Any]]:
        living = {"published", "open", "suspended"}
        planned: list[tuple[datetime, int, Any]] = []
        if self.waits and self.state != "annulled":
            planned.append((self.waits[0], 0, self.changes))
        if self.state == "published":
            planned.append((OPENING, 0, self.opens))
        if self.state == "suspended" and self.reopens:
            planned.append((self.reopens, 0, self.opens))
        if self.state in living and self.closes < now:
            planned.append((self.closes, 1, lambda at: self.ends("closed", at)))
        return [one for one in planned if one[0] <= now]

    def changes(self, _at: datetime) -> None:
        assert self.waits
        _, closes, money = self.waits
        self.closes, self.waits = closes or self.closes, None
        self.allocation = money or self.allocation

    def opens(self, at: datetime) -> None:
        self.state, self.reopens = "open", None
        self.stretches.append([at, None])

    def ends(self, state: str, at: datetime) -> None:
        self.state, self.reopens = state, None
        if self.stretches and self.stretches[-1][1] is None:
            opened = self.stretches[-1][0]
            assert opened is not None
            self.stretches[-1][1] = max(at, opened)

    def was_open_at(self, instant: datetime) -> bool:
        return any(
            opened is not None
            and opened <= instant
            and (ended is None or instant <= ended)
            for opened, ended in self.stretches
        )

    # What stands in the way of what is asked for; nothing, if it is done.

    def files(self, received: datetime) -> set[str]:
        codes = {"call.annulled"} if self.state == "annulled" else set()
        if self.was_open_at(received):
            return codes
        opened = [one[0] for one in self.stretches if one[0] is not None]
        if not opened:
            code = "too_early" if self.state == "published" else "never_open"
            return codes | {f"window.{code}"}
        if received < opened[0]:
            return codes | {"window.too_early"}
        is_between = received < opened[-1] or self.state == "suspended"
        return codes | {"call.suspended" if is_between else "window.too_late"}

    def suspends(self, now: datetime) -> set[str]:
        if self.state not in {"published", "open"}:
            return {"machine.wrong_state"}
        self.ends("suspended", now)
        return set()

    def reopens_at(self, now: datetime, at: datetime) -> set[str]:
        if self.state != "suspended":
            return {"machine.wrong_state"}
        closes = (self.waits and self.waits[1]) or self.closes
        if at <= now:
            return {"call.reopening_in_the_past"}
        if at >= closes:
            return {"call.reopening_after_closing"}
        self.reopens = at
        return set()

    def is_extended(
        self, now: datetime, closes: datetime, since: datetime | None
    ) -> set[str]:
        since = since or now
        if self.state == "annulled":
            return {"machine.wrong_state"}
        codes = {
            code
            for code, stands in {
                "call.faults": closes <= OPENING,
                "call.closed": self.state == "closed",
                "call.not_extended": closes <= self.closes,
                "call.version_waits": self.waits is not None,
                "call.effective_in_the_past": since < now,
                "call.closed_by_then": since > self.closes,
                "call.closing_in_the_past": closes < since,
                "call.closing_before_reopening": self.reopens is not None
                and closes <= self.reopens,
            }.items()
            if stands
        }
        if not codes:
            self.waits = (since, closes, None)
        return codes

    def is_refinanced(self, now: datetime, money: int, since: datetime) -> set[str]:
        if self.state == "annulled":
            return {"machine.wrong_state"}
        codes = {
            code
            for code, stands in {
                "call.not_refinanced": money <= self.allocation,
                "call.version_waits": self.waits is not None,
                "call.effective_in_the_past": since < now,
            }.items()
            if stands
        }
        if not codes:
            self.waits = (since, None, money)
        return codes

    def closes_now(self, now: datetime) -> set[str]:
        if self.state not in {"published", "open", "suspended"}:
            return {"machine.wrong_state"}
        self.ends("closed", now)
        return set()

    def is_over(self) -> set[str]:
        return {"machine.wrong_state"} if self.state == "annulled" else set()

    def is_annulled(self, now: datetime) -> set[str]:
        codes = self.is_over()
        if not codes:
            self.ends("annulled", now)
        return codes


def off_holidays(day: date) -> date:
    while day.isoweekday() == 7 or day in HOLIDAYS:
        day += DAY
    return day


# --- the same with the product -------------------------------------------------------


Act = tuple[Callable[[], set[str]], Callable[..., Any], dict[str, Any]]
"""What is in its way, how it is adopted, and what it is about."""


@dataclass
class Life:
    """One office that lives through a story, and what it must have come to."""

    work: Office
    counted: Counter[str]
    plain: Plain = field(default_factory=Plain)

    def carry_out(self, step: Step) -> None:
        """Do one thing, or be refused, as plain rules say."""
        now = self.work.clock.now()
        self.plain.goes_on(now)
        if step.what == "file":
            self.file(min(now, now + step.ahead * HOUR))
        elif step.what == "exhaust":
            if self.plain.state == "open":
                self.plain.ends("suspended", now - HOUR)
            _exhaust(self.work)
        elif step.what in ABOUT_FILES:
            getattr(self, step.what)()
        else:
            self.expect(*self.act(step, now))

    def act(self, step: Step, now: datetime) -> tuple[set[str], Callable[[], Any]]:
        """Return what is in the way of an act on the call, and how it is adopted."""
        plain, named = self.plain, now + step.ahead * HOUR
        later = now + step.ahead / 3 * HOUR if step.what == "extend later" else None
        money = Cents(ALLOCATION + step.ahead * 100)
        extended: Act = (
            lambda: plain.is_extended(now, named, later),
            call_acts.extend,
            {"closes_at": named, "effective_at": later},
        )
        acts: dict[str, Act] = {
            "suspend": (
                lambda: plain.suspends(now),
                call_acts.suspend,
                {"cause": SuspensionCause.ACT},
            ),
            "reopen": (
                lambda: plain.reopens_at(now, named),
                call_acts.announce_reopening,
                {"at": named},
            ),
            "extend": extended,
            "extend later": extended,
            "refinance later": (
                lambda: plain.is_refinanced(now, money, named),
                call_acts.refinance,
                {"allocation": money, "effective_at": named},
            ),
            "close": (lambda: plain.closes_now(now), call_acts.close, {}),
            "annul": (lambda: plain.is_annulled(now), call_acts.annul, {}),
            "malfunction": (
                plain.is_over,
                call_acts.record_malfunction,
                {"began_at": now - 2 * HOUR, "ended_at": now - HOUR, "evidence": "x"},
            ),
        }
        judge, adopt, about = acts[step.what]
        return judge(), lambda: adopt(self.work.desk, CTL, **FORMAL, **about)

    def expect(self, codes: set[str], do: Callable[[], Any]) -> None:
        try:
            do()
        except RefusedError as refused:
            error = refused
        else:
            assert not codes, codes
            # What takes effect now has taken it.
            self.plain.goes_on(self.work.clock.now())
            return
        assert error.code in codes, (error, codes)
        self.counted[error.code] += 1

    def file(self, received: datetime) -> None:
        """Hand over what has come to the portal, now or some hours ago."""
        number = len(self.plain.filed)
        if number == 9:  # everybody who may has applied
            return
        codes = self.plain.files(received)
        line = submission(number, received_at=written(received), requested=MONEY)
        (answer,) = self.work.take(line)
        if codes:
            assert answer["outcome"] == "refused"
            assert answer["error"]["code"] in codes
            self.counted[answer["error"]["code"]] += 1
            return
        assert answer["outcome"] == "submitted", answer
        assert answer["protocol"] == _protocol(number)
        # From the receipt on, whenever it is handed over.
        self.plain.filed.append(Filed(received, today(received)))
        self.counted["filed"] += 1

    @property
    def first(self) -> tuple[str, Filed] | None:
        """Return who arrived first; of one instant, who was handed over first."""
        if not self.plain.filed or self.plain.state == "annulled":
            return None
        number = min(
            range(len(self.plain.filed)), key=lambda one: self.plain.filed[one].received
        )
        return _protocol(number), self.plain.filed[number]

    def ask(self) -> None:
        """Ask the first for what is missing; the letter is there the same day."""
        if self.first is None or self.first[1].asked:
            return
        application, one = self.first
        receipt = {"letter": "completion_request", "receipt": "R-1"}
        self.work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
        self.work.move(application, Event.RECORD_DELIVERY, inputs=receipt)
        one.asked = self.work.today
        self.counted["asked"] += 1

    def answer(self) -> None:
        """An answer counts from its day; one that is late moves nothing."""
        for number, one in enumerate(self.plain.filed):
            if one.asked and not one.answered and self.plain.state != "annulled":
                usually = usual(Event.ANSWER_COMPLETION, self.work.today)
                self.work.move(_protocol(number), Event.ANSWER_COMPLETION, **usually)
                one.answered = self.work.today
                self.counted["answered"] += 1

    def expect_all_as_told(self) -> None:
        """Hold what the database has against plain rules."""
        now, plain = self.work.clock.now(), self.plain
        plain.goes_on(now)
        content = content_of(self.work.desk.engine)
        (call,) = content["calls"]
        assert (call["state"], call["allocation"]) == (plain.state, plain.allocation)
        assert call["reopens_at"] == plain.reopens
        assert plain.stretches == [
            [row["opened_at"], row["ended_at"]] for row in content["openings"]
        ]
        assert {
            row["protocol_number"]: row["received_at"]
            for row in content["applications"]
        } == {number: one.received for number, one in enumerate(plain.filed, start=1)}
        if plain.state == CallState.ANNULLED:
            return
        files = {row["id"]: row["protocol_number"] for row in content["applications"]}
        ends = {
            files[row["application_id"]]: row
            for row in content["terms"]
            if row["kind"] == "conclusion"
        }
        for number, one in enumerate(plain.filed, start=1):
            row, until = ends[number], one.waits_until()
            assert row["starts_on"] == one.since
            stands_still = (
                until is not None and not one.answered and today(now) <= until
            )
            assert (row["status"] == "suspended") == stands_still
            if not stands_still:
                assert today(row["due_at"]) == one.due()


def today(instant: datetime) -> date:
    return instant.astimezone(ROME).date()


def _protocol(number: int) -> str:
    return f"2026/{number + 1:07d}"


def _exhaust(work: Office) -> None:
    with transaction(work.desk.engine) as session:
        call = lookups.find_call(session, CTL, lock=True)
        windows.bring_up_to_date(session, work.desk, call)
        at = work.clock.now() - HOUR
        windows.suspend_for_exhaustion(session, work.desk, call, at, {})


def lived(
    url: str, story: list[Step], counted: Counter[str], *, sweeps: int
) -> list[object]:
    """Live through a story, sweeping so often between its steps; tell its end."""
    with office(url, at=START) as work:
        life = Life(work, counted)
        for step in story:
            for _ in range(sweeps):
                work.clock.advance(step.hours * HOUR / sweeps)
                sweep.sweep(work.desk)
            if not sweeps:
                work.clock.advance(step.hours * HOUR)
            life.carry_out(step)
        seen = calls.shown(work.desk, CTL)
        sweep.sweep(work.desk)
        swept = calls.shown(work.desk, CTL)

        assert work.verified()
        assert (seen.state, seen.openings, seen.version) == (
            swept.state,
            swept.openings,
            swept.version,
        )
        life.expect_all_as_told()
        return [
            swept.state,
            swept.openings,
            swept.version,
            swept.allocation,
            swept.closed_at and written(swept.closed_at),
            swept.reopens_at,
            swept.suspended_for,
        ]


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Give a database of its own to each life, and how many stories are lived."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        template = request.getfixturevalue("postgres_template")
        yield (lambda: fresh_postgres(server, template)), 5
        return
    furnished = request.getfixturevalue("sqlite_template")
    folder = tmp_path_factory.mktemp("lived")

    @contextmanager
    def database() -> Iterator[str]:
        shutil.copyfile(furnished, folder / "lived.db")
        yield f"sqlite:///{folder / 'lived.db'}"
        for left in folder.glob("lived.db*"):
            left.unlink()

    yield database, 45


@pytest.mark.timeout(0 if NIGHT else 300)
@drives(
    "call_acts.announce_reopening",
    "call_acts.annul",
    "call_acts.close",
    "call_acts.extend",
    "call_acts.record_malfunction",
    "call_acts.refinance",
    "call_acts.suspend",
    "calls.shown",
    "intake.take_in",
    "sweep.sweep",
    among=lambda given: given["databases"][1] > 5,
)
def test_whenever_workers_wake_up_the_call_is_what_plain_rules_make_of_it(
    databases: tuple[Any, int],
):
    database, examples = databases
    counted: Counter[str] = Counter()

    @settings() if NIGHT else settings(max_examples=examples)
    @given(story=st.lists(steps, min_size=6, max_size=14))
    def lives(story: list[Step]) -> None:
        ends = []
        for sweeps in (0, 2):
            opened: AbstractContextManager[str] = database()
            with opened as url:
                ends.append(lived(url, story, counted, sweeps=sweeps))

        assert ends[0] == ends[1]

    lives()

    # Otherwise the stories were too dull to mean anything.
    assert counted["filed"] >= examples // 2
    wanted = {"filed", "machine.wrong_state"}
    if examples > 5:
        wanted |= {"asked", "answered", "call.suspended", "call.not_extended"}
        wanted |= {"window.too_early", "window.too_late"}
    assert not {one for one in wanted if not counted[one]}
