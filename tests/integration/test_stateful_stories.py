"""What walks at random seldom come to, the model of the counter is led to.

It says beforehand, as in any walk, whether each command on the way is carried out, and
why not if it is not; at the end every promise is held against all that came of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Event, MalfunctionDecision
from tests.builders import PAPER, furnish, rome
from tests.counters_rows import name_of
from tests.driven import drives, moving
from tests.integration.test_stateful import AnySequence, copies, plain, taken_away
from tests.servers import fresh_postgres
from tests.stories import STORY
from workflow.services import call_acts
from workflow.services.moves import MoveCommand

Databases = Callable[[], AbstractContextManager[str]]

ON_THE_WAY = (
    Event.APPROVE_VARIATION,
    Event.CONFIRM_COR,
    Event.DECLARE_INADMISSIBLE,
    Event.DISMISS_LAPSE,
    Event.EXPIRE_COMPLETION,
    Event.EXPIRE_OBSERVATIONS,
    Event.EXTEND_TERM,
    Event.GRANT_EXTENSION,
    Event.LAPSE,
    Event.PROPOSE_LAPSE,
    Event.RENEW_COR,
    Event.RETURN_PLAN,
    Event.UPHOLD_OBSERVATIONS,
)
"""Those to which a file comes by itself, without others."""

BY_ITSELF = {
    Event.EXPIRE_COMPLETION: "completion_request.not_open",
    Event.EXPIRE_OBSERVATIONS: "refusal_notice.not_open",
}
"""What time has brought about before anybody types it, and what they are told."""


class Story(AnySequence):
    """A walk that is led."""

    @classmethod
    @contextmanager
    def told(cls, databases: Databases, **more: Any) -> Iterator["Story"]:
        """Lead a walk, and hold every promise at its end."""
        cls.succeeded = Counter()
        walk = cls(databases(), **more)
        try:
            yield walk
            for promise in walk.invariants:
                promise.function(walk)
        finally:
            walk.teardown()

    def takes(self, number: int, requested: str, **more: Any) -> str:
        """File an application; return what it is called."""
        known = {row["id"] for row in self.content["applications"]}
        self.work.wait(microseconds=1)
        self.take(number, "rossi", {"requested": requested, "aids": [], **more})
        (row,) = (row for row in self.content["applications"] if row["id"] not in known)
        return name_of(row)

    def does(self, name: str, *events: Event, **changes: Any) -> None:
        """Make moves, with what is usually stated, or otherwise."""
        for event in events:
            stated = {**self.usual(event), **changes}
            self.advance(
                self.work.desk.as_officer("rossi"), MoveCommand(name, event, **stated)
            )

    def after_the_closing(self) -> None:
        self.work.clock.move_to(self.call.rules.window.closes_at + timedelta(days=1))

    def on(self, day: str) -> None:
        """Let it be nine o'clock of a day, or go on."""
        nine = rome(*date.fromisoformat(day).timetuple()[:3], 9)
        self.work.clock.move_to(max(nine, self.work.clock.now()))


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    if request.param == "sqlite":
        return copies(request.getfixturevalue("sqlite_template"), tmp_path)
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    return lambda: fresh_postgres(server, template)


@drives(*moving(*ON_THE_WAY))
def test_what_a_file_comes_to_is_as_the_model_says(databases: Databases):
    for event in ON_THE_WAY:
        with Story.told(databases) as walk:
            name = walk.takes(0, "300000.00")
            day, before = STORY[event]
            for at, step, *changes in before:
                walk.on(at)
                walk.does(name, step, **(changes[0] if changes else {}))
                assert walk.succeeded[step], (event, step, walk.succeeded)
            walk.on(day)
            walk.does(name, event)
            told = f"refused: {BY_ITSELF[event]}" if event in BY_ITSELF else event
            assert walk.succeeded[told], (event, walk.succeeded)


@drives(*moving(Event.EXPIRE))
def test_a_draft_is_over_with_the_time_and_by_nobody(databases: Databases):
    with Story.told(databases) as walk:
        name = walk.takes(0, "300000.00", draft=True)
        walk.does(name, Event.EXPIRE)
        walk.after_the_closing()
        walk.does(name, Event.EXPIRE)

        assert walk.succeeded["refused: window.open"], walk.succeeded
        assert walk.row(name)["state"] == "expired"


@drives(*moving(Event.DECLARE_UNFUNDED, Event.PROMOTE))
def test_for_whom_there_is_no_money_waits_and_goes_empty(databases: Databases):
    with Story.told(databases) as walk:
        names = [walk.takes(number, "999999.99") for number in range(2)]
        to_the_list = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)
        for name in names:
            walk.does(name, *to_the_list)
        walk.does(names[1], Event.PUT_ON_WAITING_LIST, Event.PROMOTE)
        walk.does(names[0], Event.GRANT)
        walk.after_the_closing()
        walk.does(names[1], Event.DECLARE_UNFUNDED)

        assert walk.succeeded["refused: money.short"], walk.succeeded
        assert walk.succeeded[Event.DECLARE_UNFUNDED], walk.succeeded


@drives(
    "call_acts.record_malfunction", "call_acts.decide_malfunction", "exporting.export"
)
def test_a_malfunction_is_decided_on_and_the_register_taken_away(databases: Databases):
    with Story.told(databases) as walk:
        walk.takes(0, "300000.00")
        now, act = walk.work.clock.now(), f"decreto 5/{walk.work.today}"
        span = {"began_at": now - timedelta(minutes=2), "ended_at": now}
        found = {**span, "evidence": "the log of the portal"}
        decided = {"malfunction": 1, "decision": MalfunctionDecision.EXTENSION}

        walk.act_on_the_call(
            "decide_malfunction", call_acts.decide_malfunction, decided, act
        )
        walk.act_on_the_call(
            "record_malfunction", call_acts.record_malfunction, found, None
        )
        for stated in (None, act, act):
            walk.act_on_the_call(
                "decide_malfunction", call_acts.decide_malfunction, decided, stated
            )
        walk.act_on_the_call("export_register", taken_away, {}, None)

        refused = {one for one in walk.succeeded if one.startswith("refused: ")}
        assert refused == {
            "refused: malfunction.unknown",
            "refused: act.missing",
            "refused: malfunction.decided",
        }
        assert walk.succeeded["decide_malfunction"] == 1
        assert walk.succeeded["export_register"] == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def plain_databases(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Databases]:
    if request.param == "sqlite":
        furnished = tmp_path / "furnished.db"
        furnish(f"sqlite:///{furnished}", plain().rules)
        yield copies(furnished, tmp_path)
        return
    server = request.getfixturevalue("postgres_server")
    with fresh_postgres(server) as address:
        furnish(address, plain().rules)
        template = address.rpartition("/")[2]
        yield lambda: fresh_postgres(server, template)


@drives(*moving(Event.RELEASE_NOTICE))
def test_a_letter_that_is_held_leaves_once_it_is_released(plain_databases: Databases):
    with Story.told(plain_databases, call=plain()) as walk:
        names = [walk.takes(number, "50000.00") for number in range(2)]
        walk.does(names[0], Event.WITHDRAW, inputs={"document": PAPER})
        (held,) = walk.held_of(names[1])
        walk.does(names[1], Event.RELEASE_NOTICE, inputs={"notice": held})

        assert walk.succeeded[Event.RELEASE_NOTICE]
        assert walk.held_of(names[1]) == []
