"""Does the register answer what an auditor asks of it?"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy

from models.vocabulary import (
    CallEvent,
    Cents,
    Event,
    MalfunctionDecision,
    SuspensionCause,
)
from tests.builders import (
    CLOSING,
    CTL,
    OPENING,
    TO_ACCEPTANCE,
    TO_GRANT,
    Office,
    rome,
    submission,
)
from tests.contents import entries
from tests.editions import SECOND, edited
from tests.explained import explain_all
from tests.filiere import everything_on_a_list
from tests.stories import STORY
from tests.terminals import FIRST, Terminal
from workflow.errors import InputError, RefusedError
from workflow.services import (
    call_acts,
    calls,
    changes,
    entry_explanations,
    exporting,
    intake,
    log,
    pasts,
    readings,
    sweep,
    views,
)
from workflow.services.moments import Moment

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REMINDERS = ("reminders = []", "reminders = [3]")
PATIENT = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
DRAWN = (
    (f'code = "{CTL}"', f'code = "{SECOND}"'),
    ('order = "exact_instant"', 'order = "same_week_draw"'),
)


def by_act(work: Office) -> dict[str, Any]:
    return {"act": f"decreto 7/{work.today.isoformat()}", "reason": "as decided"}


def everything_that_happens_to_a_call(work: Office, folder) -> None:
    """Move a call by all that officers, workers and time can do to it."""
    desk, call = work.desk, dict[str, Any](code=CTL)
    reminding = edited(folder, REMINDERS, PATIENT)
    calls.register_call(desk, reminding, **by_act(work))
    later = work.clock.now() + HOUR
    longer: dict[str, Any] = {"closes_at": CLOSING + DAY, "effective_at": later}
    call_acts.extend(desk, **call, **longer, **by_act(work))
    work.take({**submission(8), "draft": True})
    work.wait(hours=2)
    work.file(0, requested="900000.00")
    work.file(1, requested="450000.00", received_at=OPENING.isoformat())
    call_acts.refinance(desk, **call, allocation=Cents(200_000_000), **by_act(work))
    call_acts.suspend(desk, **call, cause=SuspensionCause.ACT, **by_act(work))
    reopening: dict[str, Any] = {"at": work.clock.now() + HOUR}
    call_acts.announce_reopening(desk, **call, **reopening, **by_act(work))
    work.wait(hours=2)
    sweep.sweep(desk)
    span: dict[str, Any] = {
        "began_at": OPENING,
        "ended_at": OPENING + HOUR,
        "evidence": "T-1",
    }
    call_acts.record_malfunction(desk, **call, **span)
    decided: dict[str, Any] = {
        "malfunction": 1,
        "decision": MalfunctionDecision.NO_EFFECT,
    }
    call_acts.decide_malfunction(desk, **call, **decided, **by_act(work))


def everything_that_happens_by_time(work: Office) -> None:
    first, second, third = "2026/0000002", "2026/0000001", work.file(2)
    work.routine(first, *TO_ACCEPTANCE[:7])
    work.routine(second, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    request = {"letter": "completion_request", "receipt": "R-2"}
    work.move(second, Event.RECORD_DELIVERY, inputs=request)
    work.routine(third, *TO_GRANT[:1])
    for _ in range(60):
        work.wait(days=3)
        sweep.sweep(work.desk)
    call_acts.annul(work.desk, CTL, **by_act(work))


def a_week_is_drawn(work: Office, folder) -> None:
    """Let three come in a week of another call, and draw their order."""
    calls.register_call(work.desk, edited(folder, *DRAWN, name="drawn"))
    lines = [orjson.dumps(submission(number)) for number in range(3, 6)]
    drawn = [one["protocol"] for one in intake.take_in(work.desk, SECOND, lines)]
    work.clock.move_to(rome(2026, 1, 27, 12))
    act = "verbale 3/2026-01-27"
    call_acts.draw(work.desk, SECOND, week="2026-W04", seed="4 18 33", act=act)
    at = work.clock.now()
    assert pasts.queue(work.desk, SECOND, Moment(at)).seen == views.queue(
        work.desk, SECOND
    )
    ranks = [pasts.file(work.desk, name, Moment(at)).seen.file.rank for name in drawn]
    assert set(ranks) == {1, 2, 3}
    for name in drawn:
        work.routine(name, Event.WITHDRAW)
    call_acts.close(work.desk, SECOND, **by_act(work))
    call_acts.conclude(work.desk, SECOND, **by_act(work))


ELSEWHERE = {
    CallEvent.ERASE_PERSONAL_DATA,
    CallEvent.FREEZE_SET,
    CallEvent.RANK_CALL,
    CallEvent.FUND_CALL,
}
OF_RANKINGS = {
    Event.ENTER_SET,
    Event.FUND,
    Event.ADMIT_UNFUNDED,
    Event.RAISE_GRANT,
}


def test_every_entry_answers_by_whom_under_what_with_which_money_and_who_was_next(
    work: Office, tmp_path: Path
):
    everything_that_happens_to_a_call(work, tmp_path)
    a_week_is_drawn(work, tmp_path)
    everything_that_happens_by_time(work)
    exporting.export(work.sit("controller").desk, CTL, tmp_path / "export")
    everything_on_a_list(work)

    told = explain_all(work)

    # Personal data is erased years later: see the tests of that, and of rankings.
    assert set(CallEvent) - ELSEWHERE <= told.keys()
    # Those are explained with their examples; each of the others is here.
    assert set(Event) - told.keys() <= STORY.keys() | OF_RANKINGS


def test_an_overtaking_is_told_of_both_and_a_refusal_by_its_rule(work: Office):
    first, second = work.file(0), work.file(1)
    with pytest.raises(RefusedError):
        work.routine(second, Event.START_REVIEW)
    act = "decreto 9/2026-01-20"
    stated: dict[str, Any] = {"act": act, "reason": "urgent"}
    work.move(second, Event.START_REVIEW, inputs={"overtake": True}, **stated)
    work.routine(first, Event.START_REVIEW)

    explain_all(work)
    refused, overtaking, overtaken = (
        [step.text for step in explained.steps]
        for explained in (explain(work, seq) for seq in (5, 6, 7))
    )

    assert f"it was not its turn: {first} had to be taken up first" in refused
    assert f"1 before it still waited for a grant: {first} (submitted)" in overtaking
    assert f"it overtook {first}, under the act {act}" in overtaking
    assert f"{second} had been taken up before it, under the act {act}" in overtaken
    assert any("it was its turn" in text for text in overtaken)


def explain(work: Office, seq: int):
    return entry_explanations.entry(work.desk, f"{CTL}#{seq}")


def test_what_changed_between_two_instants_is_told(work: Office):
    started, quiet = work.clock.now(), Moment(rome(2026, 1, 19))
    first = work.file(0)
    work.wait(days=1)
    opened = Moment(work.clock.now())
    second = work.file(1)
    act = {"act": "decreto 9/2026-01-21", "reason": "urgent"}
    overtake: dict[str, Any] = {"inputs": {"overtake": True}, **act}
    work.move(second, Event.START_REVIEW, **overtake)
    work.routine(first, *TO_GRANT[:2])
    with pytest.raises(RefusedError):
        work.routine(first, Event.GRANT)
    work.wait(hours=1)
    now = Moment(work.clock.now())

    (all_of_it,) = changes.between(work.desk, quiet, now, None)
    # The entries of the very instant are within what had happened by then.
    (the_rest,) = changes.between(work.desk, Moment(started), now, CTL)
    (of_one,) = changes.between(work.desk, Moment(seq=3), now, first)

    assert [entry["event"] for entry in all_of_it.acts] == ["open_call"]
    assert [file.before for file in all_of_it.files] == [None, None]
    moved, new = the_rest.files
    assert new.after.name == second
    assert moved.before is not None
    assert (moved.before.stands, moved.after.stands) == ("submitted", "admissible")
    assert [entry["event"] for entry in moved.entries] == ["start_review", "admit"]
    assert {term.kind for term in moved.started} == {"formal_check", "merit"}
    assert [(term.kind, term.status) for term in moved.ended] == [
        ("formal_check", "met")
    ]
    (overtaking,) = the_rest.overtakings
    assert (overtaking.protocol, overtaking.overtaken) == (second, (first,))
    assert the_rest.before.money.residual - the_rest.after.money.residual == 11_111_111
    assert (the_rest.refused, of_one.refused) == (1, 1)
    assert of_one.after.money == the_rest.after.money
    assert [file.after.name for file in of_one.files] == [first]
    assert changes.between(work.desk, now, now, None) == ()
    with pytest.raises(InputError, match="FROM is after TO"):
        changes.between(work.desk, now, opened, CTL)


def test_entries_are_chosen_by_their_ends_their_number_and_whoever_acted(
    work: Office,
):
    first = work.file(0)
    work.wait(days=1)
    clerk = work.sit("clerk")
    clerk.file(1)
    (officer,) = {entry["actor"]["id"] for entry in entries(work, actor="clerk")}

    def numbers(**wanted) -> list[int]:
        return [entry["seq"] for entry in entries(work, **wanted)]

    assert numbers() == [1, 2, 3, 4]
    assert numbers(until=OPENING) == [1, 2, 3]
    assert numbers(since=OPENING, until=OPENING) == [2, 3]
    assert numbers(since=OPENING + HOUR) == [4]
    assert numbers(limit=2) == [1, 2]
    assert numbers(target=CTL, last=2) == [3, 4]
    assert numbers(target=first, last=5) == [3]
    assert numbers(actor=readings.SYSTEM) == [2]
    assert numbers(actor=officer) == numbers(actor="clerk") == [4]
    assert numbers(actor="clerk", outcome="refused") == []
    for wrong in (
        {"since": OPENING, "until": OPENING - HOUR},
        {"last": 1},
        {"target": CTL, "last": 1, "limit": 1},
    ):
        with pytest.raises(InputError):
            numbers(**wrong)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"target": FIRST}, "ix_entries_application"),
        ({"actor": "clerk"}, "ix_entries_actor"),
    ],
)
def test_the_entries_of_a_file_or_of_an_officer_are_found_by_an_index(
    work: Office, wanted, index
):
    work.file(0)
    asked = []

    def note(_connection, _cursor, statement, values, *_more):
        if "FROM entries" in statement and "body" in statement:
            asked.append((statement, values))

    engine = work.desk.engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", note)
    list(log.entries(work.desk, log.Wanted(**wanted)))
    sqlalchemy.event.remove(engine, "before_cursor_execute", note)

    ((statement, values),) = asked
    with engine.connect() as connection:
        how = "EXPLAIN QUERY PLAN "
        if engine.dialect.name == "postgresql":  # of a few rows it would read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            how = "EXPLAIN "
        plan = connection.exec_driver_sql(how + statement, values).all()
    assert index in str(plan)


# --- at a terminal -------------------------------------------------------------


def later(terminal: Terminal) -> Terminal:
    """Return the same terminal at noon."""
    noon = {"SPORTELLO_CLOCK": "2026-01-20T12:00:00+01:00"}
    return Terminal(terminal.home, {**terminal.settings, **noon})


def test_a_call_its_queue_and_a_file_are_shown_as_they_stood(terminal: Terminal):
    before = {
        words: terminal.ask(*words)
        for words in (("queue", CTL), ("call", "show", CTL), ("show", FIRST))
    }
    terminal.type("advance", FIRST, "start_review", "--yes")

    for words, said in before.items():
        told = terminal.ask(*words, "--as-of", "#5")
        assert told["as_of"]["entry"] == 5
        same = ("items", "reserved", "state", "version", "entries", "granted")
        assert {name: told.get(name) for name in same} == {
            name: said.get(name) for name in same
        }
    at_noon = later(terminal)
    both = at_noon.ask("log", "show", CTL, "--as-of", "2026-01-20T11:00")
    assert both["queue"]["items"][0]["next"] == "under review"
    assert both["call"]["state"] == "open"
    assert terminal.ask("log", "show", FIRST, "--as-of", "#3")["version"] == 1
    today = at_noon.ask("queue", CTL, "--as-of", "2026-01-20")
    assert today["as_of"]["at"].startswith("2026-01-20T11:00:")
    for words in (*before, ("log", "show", CTL), ("log", "show", FIRST)):
        shown = terminal.type(*words, "--as-of", "entry 5").stdout
        assert "as of 20/01/2026 10:00:00." in shown
        assert "(Rome), after entry 5 of" in shown


def test_an_entry_and_a_difference_are_told_to_people(terminal: Terminal):
    explained = terminal.type("explain", "entry", f"{CTL}#3").stdout
    changed = terminal.type("log", "diff", "#2", "#5", CTL).stdout
    until = ("2026-01-16", "2026-01-20T11:00")
    scripted = later(terminal).ask("log", "diff", *until, FIRST)

    assert f"`submit` brought {FIRST} from `draft` to `submitted`" in explained
    assert "state open" in changed
    assert "Terms" in changed
    assert FIRST in changed
    (call,) = scripted["calls"]
    assert [one["protocol"] for one in call["new"]] == [FIRST]
    assert call["from"]["money"]["residual"] == "1000000.00"


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("queue", CTL, "--as-of", "2099-01-01"), "moment.future", 1),
        (("queue", CTL, "--as-of", "2020-01-01"), "moment.too_early", 1),
        (("call", "show", CTL, "--as-of", "#99"), "entry.unknown", 1),
        (("queue", "RLF12025059999", "--as-of", "#1"), "call.unknown", 1),
        (("show", "2026/99", "--as-of", "#1"), "application.unknown", 1),
        (("show", FIRST, "--as-of", "#1"), "moment.too_early", 1),
        (("show", FIRST, "--as-of", "0001-01-01"), "usage", 2),
        (("show", FIRST, "--as-of", "yesterday"), "usage", 2),
        (("log", "show", "--as-of", "#1"), "usage", 2),
        (("log", "show", CTL, "--as-of", "#1", "--limit", "1"), "usage", 2),
        (("log", "show", "--last", "1"), "range.of_nothing", 2),
        (("log", "diff", "2026-01-20T10:00", "2026-01-19"), "range.backwards", 2),
        (("log", "diff", "#3", "#2", CTL), "range.backwards", 2),
        (("log", "diff", "#1", "#2"), "range.of_nothing", 2),
        (("log", "diff", "2026-01-19", "2099-01-01"), "moment.future", 1),
        (("log", "diff", "#1", "#99", CTL), "entry.unknown", 1),
        (("explain", "entry", CTL), "entry.unreadable", 2),
        (("explain", "entry", f"{CTL}#99"), "entry.unknown", 1),
        (("explain", "entry", f"{CTL}#0"), "entry.unknown", 1),
        (("explain", "entry", "RLF12025059999#1"), "call.unknown", 1),
    ],
)
def test_what_the_register_cannot_tell_is_said(words, code, exit_code, terminal):
    terminal.refused(*words, code=code, exit_code=exit_code)
