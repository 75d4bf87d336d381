"""Is everything watched and done in time after any sequence of moves and of instants?

Hypothesis files, moves, delivers and lets time pass; who sweeps in time and who
never does hold the same in the end. What is watched is held against what the facts
say by a model of a few lines (`tests.due_terms`).
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from models.vocabulary import Event, Letter, TermKind, TermStatus
from tests.builders import (
    CTL,
    TO_THE_END,
    Office,
    office,
    submission,
    usual,
)
from tests.contents import entries
from tests.due_terms import (
    DAY,
    MOMENT,
    Row,
    content_of,
    name_of,
    next_instant,
    unwatched,
    watch,
)
from tests.integration.test_stateful import _next_in_negotiation
from tests.servers import fresh_postgres
from tests.twins import protocol, same
from workflow.errors import SportelloError
from workflow.moves.guards.terms import OF_THE_APPLICANT
from workflow.register import written
from workflow.services import call_acts, sweep, views

NIGHT = settings.get_current_profile_name() == "night"

GOING = {TermStatus.RUNNING, TermStatus.SUSPENDED}
NAPS = (
    MOMENT,
    timedelta(hours=9),
    DAY,
    11 * DAY,
    35 * DAY,
    400 * DAY,
)
BACK = (timedelta(hours=-1), -DAY, -4 * DAY)
"""How far the clock of a host goes back, if it does."""

HAPPENINGS = (
    "file",
    "goes_on",
    *("a_likely_event",) * 4,
    *("a_letter_is_delivered",) * 3,
    *("something_becomes_due",) * 5,
    "time_passes",
    *("somebody_sweeps",) * 2,
    "the_call_is_done_with",
)
"""What may happen next, the more often the more of it is named."""


_ASKED = (Event.START_REVIEW, Event.REQUEST_COMPLETION)
_SCORED = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)
PATHS = (
    (),
    *(_ASKED,) * 2,
    (Event.START_REVIEW, Event.NOTIFY_REFUSAL),
    *((*_ASKED, Event.ANSWER_COMPLETION, Event.NOTIFY_REFUSAL),) * 2,
    (*_SCORED, Event.NOTIFY_REFUSAL),
    TO_THE_END[:4],
    TO_THE_END[:7],
    (*TO_THE_END[:8], Event.RETURN_PLAN),
    *(TO_THE_END[:steps] for steps in (9, 10, 11, 12, 13)),
)
"""How far files have come: papers or observations are awaited, plans are late."""


_LETTERS = {
    Event.REQUEST_COMPLETION: Letter.COMPLETION_REQUEST,
    Event.NOTIFY_REFUSAL: Letter.REFUSAL_NOTICE,
    Event.RETURN_PLAN: Letter.PLAN_RETURNED,
    Event.DETERMINE_AMOUNT: Letter.AMOUNT_DETERMINED,
}
"""What the last move of a path sends; every second one is delivered at once."""

ENDS = (
    Event.WITHDRAW,
    Event.ANNUL,
    Event.REVOKE,
    Event.DECLARE_INADMISSIBLE,
    Event.REJECT,
)
"""What leaves nothing to wait for: seldom, so that sequences come further."""


class Walk(RuleBasedStateMachine):
    """One office under any sequence, or two of which one is never swept."""

    clocks_go_back = True
    seen: Counter[str]

    def __init__(self, places: list[AbstractContextManager[str]]) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.offices = [
            self.stack.enter_context(office(self.stack.enter_context(place)))
            for place in places
        ]
        self.numbers = count(1)
        self.written = 0
        self.last_at = ""

    @property
    def work(self) -> Office:
        """The office that is looked at; it is always up to date."""
        return self.offices[0]

    def teardown(self) -> None:
        try:
            self.at_last()
        finally:
            self.stack.close()

    def at_last(self) -> None:
        """Look at everything once more."""
        for work in self.offices:
            sweep.sweep(work.desk)
            assert not (wrong := unwatched(work.desk.engine)), wrong
            assert work.verified()
        if len(self.offices) > 1:
            same(*self.offices)

    # What may happen

    @initialize(paths=st.lists(st.sampled_from(PATHS), min_size=2, max_size=4))
    def some_files(self, paths: list[tuple[Event, ...]]) -> None:
        """Begin with a few files that stand where it matters."""
        for number, path in enumerate(paths):
            self.do(taking(submission(number)))
            for event in path:
                self.move(protocol(number + 1), event)
            letter = _LETTERS.get(path[-1]) if path else None
            if letter is not None and number % 2 == 0:
                inputs = {"letter": letter, "receipt": "R"}
                self.move(protocol(number + 1), Event.RECORD_DELIVERY, inputs=inputs)

    @rule(data=st.data(), happening=st.sampled_from(HAPPENINGS))
    def something_happens(self, data: Any, happening: str) -> None:
        """One rule with weights of ours, as in `test_stateful`."""
        getattr(self, happening)(data)
        self.look()

    def do(self, command: Callable[[Office], object]) -> str:
        """Do something everywhere; return how it ended, the same in each."""
        told = {_attempt(command, work) for work in self.offices}
        assert len(told) == 1, told
        (ended,) = told
        return ended

    def move(self, name: str, event: Event, **stated: Any) -> None:
        usually = {**usual(event, self.work.today), **stated}
        if event is Event.GRANT:
            number = next(self.numbers)
            usually["inputs"] |= {"cor": f"{number}", "cup": f"E41B{number:011d}"}
        if event is Event.RENEW_COR:
            number = next(self.numbers)
            day = self.work.today.isoformat()
            usually["inputs"] = {"cor": f"{number}", "cor_on": day}
        ended = self.do(lambda work: work.move(name, event, **usually))
        self.seen[f"{event} {ended}".split(":")[0]] += 1

    def file(self, data: Any) -> None:
        number = data.draw(st.integers(0, 8))
        changes = {"draft": data.draw(st.booleans())}
        line = submission(number, portal_id=f"P-{next(self.numbers)}", **changes)
        self.do(taking(line))

    def any_row(self, data: Any) -> Row | None:
        rows = self.content("applications")["applications"]
        named = {name_of(row): row for row in rows if row["protocol_number"]}
        return named[data.draw(st.sampled_from(sorted(named)))] if named else None

    def content(self, *names: str) -> dict[str, list[Row]]:
        return content_of(self.work.desk.engine, *names)

    def goes_on(self, data: Any) -> None:
        """Make the next move of the main line."""
        row = self.any_row(data)
        if row is not None and (event := self._next_of(row)):
            self.move(name_of(row), event)

    def _next_of(self, row: Row) -> Event | None:
        steps = {
            step["kind"]: step["status"]
            for step in self.content("steps")["steps"]
            if step["application_id"] == row["id"]
        }
        if row["state"] == "submitted":
            return Event.ADMIT if row["review_started"] else Event.START_REVIEW
        if row["state"] == "negotiating":
            return _next_in_negotiation(row, steps)
        if row["state"] == "in_progress":
            next_after = {None: Event.DECLARE_END, "open": Event.FILE_REPORT}
            return next_after.get(steps.get("report"), Event.SETTLE)
        following = {
            "admissible": Event.EVALUATE,
            "evaluated": Event.GRANT,
            "accepted": Event.START,
        }
        return following.get(row["state"])

    def a_likely_event(self, data: Any) -> None:
        """Make a move that `events` says can be made now."""
        row = self.any_row(data)
        if row is None:
            return
        _, known = views.events(self.work.desk, name_of(row))
        may_end = data.draw(st.integers(0, 5)) == 0
        events = [
            one.event
            for one in known
            if one.allowed and (may_end or one.event not in ENDS)
        ]
        if not events:
            return
        event = data.draw(st.sampled_from(events))
        self.move(name_of(row), event, **self._stated(data, event))

    def _stated(self, data: Any, event: Event) -> dict[str, Any]:
        if event is Event.PROPOSE_LAPSE:
            kind = data.draw(st.sampled_from(TermKind))
            return {"inputs": {"term": kind.value}}
        if event is Event.EXTEND_TERM:
            kind = data.draw(st.sampled_from(OF_THE_APPLICANT))
            days = data.draw(st.sampled_from((1, 30)))
            act = f"decreto 3/{self.work.today.isoformat()}"
            inputs = {"term": kind.value, "days": days}
            return {"inputs": inputs, "act": act, "reason": "illness"}
        if event is Event.RECORD_DELIVERY:
            letter = data.draw(st.sampled_from(Letter))
            return {"inputs": {"letter": letter.value, "receipt": "R"}}
        return {}

    def a_letter_is_delivered(self, data: Any) -> None:
        """Most terms start at delivery; some receipts are recorded much later."""
        content = self.content("applications", "notices")
        names = {row["id"]: row for row in content["applications"]}
        waiting = sorted(
            (row["entry_seq"], row["letter"], name_of(names[row["application_id"]]))
            for row in content["notices"]
            if not row["delivered_at"]
        )
        if not waiting:
            return
        _, letter, name = data.draw(st.sampled_from(waiting))
        days = data.draw(st.sampled_from((0, 0, 1, 12, 40)))
        if letter == Letter.LAPSE_PROPOSED:
            days = 0  # a worker wrote it, whenever it came: nobody has it before
        day = (self.work.today - timedelta(days=days)).isoformat()
        inputs = {"letter": letter, "receipt": "R", "delivered_on": day}
        self.move(name, Event.RECORD_DELIVERY, inputs=inputs)

    def something_becomes_due(self, data: Any) -> None:
        """Go to where something is due, or just before, or beyond a few of them."""
        instant = self.work.clock.now()
        for _ in range(data.draw(st.sampled_from((1, 1, 1, 4)))):
            instant = next_instant(self.work.desk.engine, instant) or instant
        late = data.draw(st.sampled_from((-MOMENT, MOMENT * 0, MOMENT, DAY)))
        self.go_to(max(instant + late, self.work.clock.now()))

    def time_passes(self, data: Any) -> None:
        naps = NAPS + (BACK if self.clocks_go_back else ())
        self.go_to(self.work.clock.now() + data.draw(st.sampled_from(naps)))

    def go_to(self, instant: datetime) -> None:
        """Let the time come everywhere; nobody sweeps unless there are two."""
        if len(self.offices) > 1:
            watch(self.work, instant)
        for work in self.offices:
            work.clock.move_to(instant)

    def somebody_sweeps(self, data: Any) -> None:
        """Sweep, and leave nothing undone; a second time nothing is there to do."""
        del data
        before = len(self.register())
        now = self.work.clock.now()
        swept = sweep.sweep(self.work.desk)
        made = self.register()[before:]
        assert len(made) == len(swept.applied)
        assert swept.remaining == 0
        assert sweep.due_calls(self.work.desk) == ()
        assert sweep.sweep(self.work.desk).applied == ()
        assert not [
            row["kind"]
            for row in self.content("terms")["terms"]
            if row["status"] == TermStatus.RUNNING and row["next_check"] <= now
        ]

    def the_call_is_done_with(self, data: Any) -> None:
        """Close it before its time, or, seldom, annul it."""
        if data.draw(st.integers(0, 9)):
            return
        act = f"decreto 5/{self.work.today.isoformat()}"
        ends = data.draw(st.sampled_from((call_acts.close, call_acts.annul)))
        ended = self.do(lambda work: ends(work.desk, CTL, act=act, reason="so it is"))
        self.seen[f"{ends.__name__} {ended}"] += 1

    # What is true after every step

    def register(self) -> list[Row]:
        return entries(self.work)

    def look(self) -> None:
        for work in self.offices:
            assert not (wrong := unwatched(work.desk.engine)), wrong
        self.of_one_kind_one_goes()
        self.nothing_is_done_early_and_the_register_is_in_order()

    def of_one_kind_one_goes(self) -> None:
        """It is the latest, and the only one that a worker looks at."""
        latest: dict[Any, int] = {}
        terms = self.content("terms")["terms"]
        for row in terms:
            key = row["application_id"], row["kind"]
            latest[key] = max(latest.get(key, 0), row["ordinal"])
        for row in terms:
            if row["status"] in GOING or row["next_check"]:
                key = row["application_id"], row["kind"]
                assert row["ordinal"] == latest[key], row

    def nothing_is_done_early_and_the_register_is_in_order(self) -> None:
        register = self.register()
        now = written(self.work.clock.now())
        for entry in register[self.written :]:
            due_at = entry["findings"].get("due_at")
            if entry["actor"]["kind"] == "worker" and due_at:
                assert due_at <= now, entry["event"]
                self.seen[f"due {entry['event']}"] += 1
            assert entry["at"] >= self.last_at
            self.last_at = entry["at"]
        self.written = len(register)


def _attempt(command: Callable[[Office], object], work: Office) -> str:
    try:
        command(work)
    except SportelloError as error:
        return f"refused: {error.code}"
    return "done"


def taking(line: Row) -> Callable[[Office], object]:
    return lambda work: work.take(line)


class Twins(Walk):
    """Two offices: in the first everything is swept as it becomes due."""

    clocks_go_back = False


# --- on both databases --------------------------------------------------------


def run(machine: type[Walk], places: Any, *, examples: int, steps: int) -> Counter[str]:
    """Try sequences, each on databases of its own; count what happened."""
    chosen = (
        settings()
        if NIGHT
        else settings(max_examples=examples, stateful_step_count=steps)
    )
    seen: Counter[str] = Counter()

    class Machine(machine):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            self.seen = seen
            super().__init__(places())

    run_state_machine_as_test(Machine, settings=chosen)
    return seen


@contextmanager
def on_sqlite(template: Path, folder: Path, number: int) -> Iterator[str]:
    path = folder / f"sportello{number}.db"
    shutil.copyfile(template, path)
    yield f"sqlite:///{path}"
    for left in folder.glob(f"sportello{number}.db*"):
        left.unlink()


def effects(seen: Counter[str]) -> set[str]:
    """Return what time has brought about: without any a walk would mean nothing."""
    return {name for name in seen if name.startswith("due ")}


@pytest.mark.timeout(0 if NIGHT else 240)
def test_after_any_sequence_all_that_is_due_is_watched_and_done_on_sqlite(
    sqlite_template: Path, tmp_path: Path
):
    def places():
        return [on_sqlite(sqlite_template, tmp_path, 0)]

    seen = run(Walk, places, examples=10, steps=25)

    assert len(effects(seen)) >= 5, seen


@pytest.mark.timeout(0 if NIGHT else 240)
def test_after_any_sequence_all_that_is_due_is_watched_and_done_on_postgresql(
    postgres_server: str, postgres_template: str
):
    def places():
        return [fresh_postgres(postgres_server, postgres_template)]

    assert effects(run(Walk, places, examples=3, steps=25))


@pytest.mark.timeout(0 if NIGHT else 240)
def test_who_never_sweeps_comes_to_the_same_as_who_always_does_on_sqlite(
    sqlite_template: Path, tmp_path: Path
):
    def places():
        return [on_sqlite(sqlite_template, tmp_path, number) for number in range(2)]

    seen = run(Twins, places, examples=8, steps=20)

    assert len(effects(seen)) >= 5, seen


@pytest.mark.timeout(0 if NIGHT else 240)
def test_who_never_sweeps_comes_to_the_same_as_who_always_does_on_postgresql(
    postgres_server: str, postgres_template: str
):
    def places():
        return [fresh_postgres(postgres_server, postgres_template) for _ in range(2)]

    assert effects(run(Twins, places, examples=2, steps=20))
