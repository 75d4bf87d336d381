"""Does a call change by an act of the right officer, and leave its entry?"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from models.vocabulary import (
    CallState,
    Cents,
    Event,
    MalfunctionDecision,
    SuspensionCause,
)
from tests.builders import CLOSING, CTL, OPENING, Office, submission
from tests.contents import entries, refusals, rows
from workflow.errors import ConflictError, InputError, RefusedError
from workflow.register import written
from workflow.services import call_acts, calls, sweep

ACT = "decreto 9/2026-01-20"
FORMAL: dict[str, Any] = {"act": ACT, "reason": "because"}
DAY = timedelta(days=1)
RICH = Cents(200_000_000)


def suspend(work: Office, cause: str = "act", **stated: Any) -> dict[str, Any]:
    formal = stated or FORMAL
    return call_acts.suspend(work.desk, CTL, cause=SuspensionCause(cause), **formal)


def state(work: Office) -> CallState:
    return calls.shown(work.desk, CTL).state


def refused(command: Callable[..., object], work: Office, /, **stated: Any) -> str:
    with pytest.raises(RefusedError) as error:
        command(work.desk, CTL, **stated)
    return error.value.code


def record(work: Office, **stated: Any) -> dict[str, Any]:
    minutes: dict[str, datetime] = {
        "began_at": OPENING + timedelta(minutes=3),
        "ended_at": OPENING + timedelta(minutes=9),
    }
    return call_acts.record_malfunction(
        work.desk, CTL, **{**minutes, "evidence": "ticket 4711", **stated}
    )


def test_an_act_answers_with_the_entry_that_it_left(work: Office):
    entry = suspend(work)

    told = {"promotions": [], "letters": [], "dry_run": False}
    assert entry == {**entries(work)[-1], **told}
    assert (entry["from"], entry["to"]) == ("open", "suspended")
    assert entry["act"]["number"] == "9"
    assert entry["inputs"] == {"cause": "act"}
    assert entry["application"] is None
    assert entry["version"] is None
    assert entry["basis"]


@pytest.mark.parametrize(
    ("login", "cause", "stated", "code"),
    [
        ("rup", "malfunction", {"reason": "it is down"}, None),
        ("director", "malfunction", {"reason": "it is down"}, None),
        ("director", "malfunction", {"act": ACT}, "reason.missing"),
        ("director", "act", FORMAL, None),
        ("director", "exhaustion", FORMAL, None),
        ("director", "act", {"reason": "because"}, "act.missing"),
        ("director", "exhaustion", {"act": ACT}, "reason.missing"),
        ("rup", "act", FORMAL, "role.missing"),
        ("rup", "exhaustion", FORMAL, "role.missing"),
        ("clerk", "malfunction", {"reason": "it is down"}, "role.missing"),
        ("bianchi", "act", FORMAL, "role.missing"),
    ],
)
def test_who_suspends_and_with_what_depends_on_the_cause(
    work: Office, login: str, cause: str, stated: dict[str, str], code: str | None
):
    desk = work.sit(login)
    if code is None:
        suspend(desk, cause, **stated)
        assert state(work) == CallState.SUSPENDED
    else:
        said = refused(call_acts.suspend, desk, cause=SuspensionCause(cause), **stated)
        assert said == code
        assert state(work) == CallState.OPEN
        assert refusals(work) == [code]
    assert work.verified()


@pytest.mark.parametrize(
    ("act", "stated"),
    [
        (call_acts.extend, {"closes_at": CLOSING + DAY}),
        (call_acts.refinance, {"allocation": RICH}),
        (call_acts.close, {}),
        (call_acts.annul, {}),
    ],
)
def test_only_a_manager_adopts_an_act(
    work: Office, act: Callable[..., object], stated: dict[str, Any]
):
    for login in ("clerk", "examiner", "rup", "board", "controller", "bianchi"):
        assert refused(act, work.sit(login), **stated, **FORMAL) == "role.missing"

    act(work.sit("director").desk, CTL, **stated, **FORMAL)

    assert work.verified()


def test_a_refused_act_is_undone_and_recorded_after_what_was_due(work: Office):
    code = refused(call_acts.close, work, reason="no act")

    opened, entry = entries(work)[-2:]
    assert code == entry["refusal"]["code"] == "act.missing"
    assert opened["event"] == "open_call"
    assert (entry["event"], entry["outcome"], entry["from"]) == (
        "close_call",
        "refused",
        "open",
    )
    assert entry["to"] is None
    assert work.verified()


def test_what_was_shown_of_an_act_is_done_or_nothing_is(work: Office):
    close = partial(call_acts.close, work.desk, CTL, act=ACT, reason="full")
    tried = close(dry_run=True)
    with pytest.raises(RefusedError):
        call_acts.close(work.desk, CTL, act=ACT, dry_run=True)
    stood = calls.shown(work.desk, CTL)
    with pytest.raises(RefusedError):
        call_acts.close(work.desk, CTL, act=ACT, dry_run=True, meant=True)
    suspend(work)

    with pytest.raises(ConflictError, match="would not do any more what was shown"):
        close(seen=tried)

    assert tried["dry_run"]
    assert (stood.state, stood.entries) == (CallState.OPEN, 1)
    assert calls.shown(work.desk, CTL).state is CallState.SUSPENDED
    assert refusals(work) == ["reason.missing"]


def test_an_act_by_nobody_is_recorded_without_the_login(work: Office):
    stranger = work.sit("qwzlogin")

    assert refused(call_acts.annul, stranger, **FORMAL) == "officer.unknown"

    entry = entries(work)[-1]
    assert entry["actor"]["kind"] == "unknown"
    assert "qwzlogin" not in str(entry)


@pytest.mark.parametrize(
    ("login", "role"),
    [("clerk", None), ("rup", "responsible"), ("director", "manager")],
)
def test_a_refused_act_names_no_role_that_its_author_does_not_hold(
    work: Office, login: str, role: str | None
):
    with pytest.raises(RefusedError):
        suspend(work.sit(login), "act", reason="no act")

    entry = entries(work)[-1]
    assert (entry["outcome"], entry["actor"]["role"]) == ("refused", role)
    assert work.verified()


def test_an_act_on_a_call_that_is_not_there_writes_nothing(work: Office):
    before = entries(work)

    with pytest.raises(RefusedError, match="there is no call"):
        call_acts.annul(work.desk, "RLF12025059999", **FORMAL)

    assert entries(work) == before


def test_an_act_of_tomorrow_changes_nothing(work: Office):
    tomorrow = {**FORMAL, "act": "decreto 9/2026-01-21"}

    assert refused(call_acts.annul, work, **tomorrow) == "act.future"
    assert state(work) == CallState.OPEN


def test_a_reason_that_no_register_can_hold_is_a_wrong_command(work: Office):
    with pytest.raises(InputError):
        suspend(work, act=ACT, reason="two\nlines")

    assert len(entries(work)) == 1


def test_an_extension_is_a_new_version_in_force_at_once(work: Office):
    entry = call_acts.extend(work.desk, CTL, closes_at=CLOSING + DAY, **FORMAL)

    shown = calls.shown(work.desk, CTL)
    _, second = calls.history(work.desk, CTL)
    assert (shown.version, shown.rules.window.closes_at) == (2, CLOSING + DAY)
    assert entry["call_version"] == 2
    assert entry["rules"] == second.hash
    assert (second.event, second.act, second.reason) == ("extend_call", ACT, "because")
    assert [str(one) for one in second.differences] == [
        "window.closes_at: 2026-03-05T15:00:00Z -> 2026-03-06T15:00:00Z"
    ]
    assert work.verified()


@pytest.mark.parametrize("closes_at", [CLOSING, CLOSING - DAY])
def test_an_extension_that_extends_nothing_is_refused(
    work: Office, closes_at: datetime
):
    code = refused(call_acts.extend, work, closes_at=closes_at, **FORMAL)

    assert code == "call.not_extended"


def test_a_call_that_would_close_before_it_opens_is_faulty(work: Office):
    code = refused(call_acts.extend, work, closes_at=OPENING - DAY, **FORMAL)

    assert code == "call.faults"
    assert refusals(work) == ["call.faults"]


def test_money_that_was_announced_is_there_from_its_instant(work: Office):
    later = OPENING + DAY
    call_acts.refinance(work.desk, CTL, allocation=RICH, effective_at=later, **FORMAL)
    before = calls.shown(work.desk, CTL)

    work.clock.move_to(later)
    sweep.sweep(work.desk)

    after = calls.shown(work.desk, CTL)
    assert before.announced is not None
    assert (before.announced.number, before.allocation) == (2, 100_000_000)
    assert (after.announced, after.version, after.allocation) == (None, 2, RICH)
    funds = rows(work.desk.engine, "SELECT event, amount FROM funds ORDER BY entry_seq")
    assert funds == [("load_call", 100_000_000), ("apply_version", 100_000_000)]
    assert work.verified()


def test_a_smaller_allocation_is_no_refinancing(work: Office):
    code = refused(call_acts.refinance, work, allocation=Cents(5_000_000), **FORMAL)

    assert code == "call.not_refinanced"


def test_a_closed_call_may_get_money_and_no_more_time(work: Office):
    work.clock.move_to(CLOSING + DAY)

    call_acts.refinance(work.desk, CTL, allocation=RICH, **FORMAL)
    code = refused(call_acts.extend, work, closes_at=CLOSING + 5 * DAY, **FORMAL)

    assert code == "call.closed"
    assert calls.shown(work.desk, CTL).allocation == RICH


def decide(work: Office, decision: str = "extension", number: int = 1) -> None:
    call_acts.decide_malfunction(
        work.desk,
        CTL,
        malfunction=number,
        decision=MalfunctionDecision(decision),
        **FORMAL,
    )


def test_a_malfunction_at_the_closing_lets_the_counter_open_again(work: Office):
    work.clock.move_to(CLOSING + timedelta(minutes=30))
    record(work, began_at=CLOSING - timedelta(hours=1), ended_at=CLOSING)
    decide(work)

    entry = call_acts.extend(work.desk, CTL, closes_at=CLOSING + DAY, **FORMAL)

    shown, extended_at = calls.shown(work.desk, CTL), work.clock.now()
    assert (entry["from"], entry["to"]) == ("closed", "open")
    assert (shown.state, shown.closed_at, shown.version) == (CallState.OPEN, None, 2)
    assert [one.ended_at for one in shown.openings] == [CLOSING, None]
    assert shown.openings[-1].opened_at == extended_at
    assert work.file(0)
    work.clock.move_to(CLOSING + 2 * DAY)
    sweep.sweep(work.desk)
    assert calls.shown(work.desk, CTL).openings[-1].ended_at == CLOSING + DAY
    assert work.verified()


def test_a_decision_gives_one_extension_and_only_that_decision_does(work: Office):
    work.clock.move_to(CLOSING + timedelta(minutes=30))
    longer: dict[str, Any] = {"closes_at": CLOSING + DAY, **FORMAL}
    record(work)
    assert refused(call_acts.extend, work, **longer) == "call.closed"
    decide(work, "no_effect")
    assert refused(call_acts.extend, work, **longer) == "call.closed"
    record(work)
    decide(work, number=2)
    late = {**longer, "effective_at": CLOSING + timedelta(hours=3)}
    assert refused(call_acts.extend, work, **late) == "call.reopens_at_once"
    past = {**longer, "closes_at": CLOSING + timedelta(minutes=10)}
    assert refused(call_acts.extend, work, **past) == "call.closing_in_the_past"
    call_acts.extend(work.desk, CTL, **longer)
    work.clock.move_to(CLOSING + 2 * DAY)

    again = refused(call_acts.extend, work, closes_at=CLOSING + 3 * DAY, **FORMAL)

    assert again == "call.closed"
    assert state(work) == CallState.CLOSED
    assert work.verified()


def test_a_call_closed_by_act_keeps_both_instants(work: Office):
    work.wait(hours=3)
    closed_at = work.clock.now()

    entry = call_acts.close(work.desk, CTL, **FORMAL)
    work.clock.move_to(CLOSING + DAY)

    shown = calls.shown(work.desk, CTL)
    assert sweep.sweep(work.desk).applied == ()
    assert shown.closed_at == closed_at
    assert shown.rules.window.closes_at == CLOSING
    assert entry["findings"]["planned_closing"] == "2026-03-05T15:00:00.000000Z"
    assert work.verified()


def test_a_call_is_concluded_once_everything_in_it_is_decided(work: Office):
    filed = [work.file(number) for number in range(2)]
    work.take(submission(2, draft=True))
    work.clock.move_to(CLOSING + DAY)
    today: dict[str, Any] = {"act": "decreto 9/2026-03-06"}

    with pytest.raises(RefusedError) as error:
        call_acts.conclude(work.desk, CTL, **today)
    for application in filed:
        work.routine(application, Event.WITHDRAW)
    call_acts.conclude(work.desk, CTL, **today)

    # The draft was never filed: it ended by itself with the call.
    (expired,) = entries(work, event="expire")
    assert expired["actor"]["role"] == "system"
    assert expired["findings"]["due_at"] == written(CLOSING)
    assert error.value.code == "call.undecided"
    assert error.value.details == {"undecided": 2, "first": filed}
    assert state(work) == CallState.CONCLUDED
    assert work.verified()


def test_of_many_undecided_the_register_keeps_the_count_and_the_first_few(work: Office):
    filed = [work.file(number) for number in range(7)]
    work.clock.move_to(CLOSING + DAY)

    code = refused(call_acts.conclude, work, act="decreto 9/2026-03-06")

    kept = entries(work)[-1]["findings"]
    assert code == "call.undecided"
    assert kept == {"undecided": 7, "first": filed[:5]}


def test_an_annulled_call_takes_nothing_more_and_changes_no_more(work: Office):
    work.wait(hours=1)

    call_acts.annul(work.desk, CTL, **FORMAL)

    shown = calls.shown(work.desk, CTL)
    assert shown.state == CallState.ANNULLED
    assert shown.openings[-1].ended_at == work.clock.now()
    for act in (call_acts.close, call_acts.annul):
        assert refused(act, work, **FORMAL) == "machine.wrong_state"
    work.clock.move_to(CLOSING + DAY)
    assert sweep.sweep(work.desk).applied == ()
    assert work.verified()


def test_a_malfunction_is_recorded_by_who_is_responsible_and_decided_by_act(
    work: Office,
):
    work.wait(hours=1)
    record(work.sit("rup"))
    call_acts.decide_malfunction(
        work.sit("director").desk,
        CTL,
        malfunction=1,
        decision=MalfunctionDecision.EXTENSION,
        **FORMAL,
    )

    (one,) = calls.shown(work.desk, CTL).malfunctions
    assert (one.began_at, one.ended_at) == (
        OPENING + timedelta(minutes=3),
        OPENING + timedelta(minutes=9),
    )
    assert one.decision == MalfunctionDecision.EXTENSION
    assert one.decided_at == work.clock.now()
    assert state(work) == CallState.OPEN
    assert work.verified()


def test_who_records_a_malfunction_does_not_decide_on_it(work: Office):
    work.wait(hours=1)
    record(work.sit("rup"))
    decided: dict[str, Any] = {
        "malfunction": 1,
        "decision": MalfunctionDecision.NO_EFFECT,
    }

    code = refused(call_acts.decide_malfunction, work.sit("rup"), **decided, **FORMAL)

    assert code == "role.missing"


@pytest.mark.parametrize(
    ("ended_at", "code"),
    [
        (OPENING + timedelta(minutes=3), "malfunction.interval"),
        (OPENING + timedelta(days=1), "malfunction.not_over"),
    ],
)
def test_a_malfunction_is_over_when_it_is_recorded(
    work: Office, ended_at: datetime, code: str
):
    work.wait(hours=1)
    with pytest.raises(RefusedError) as error:
        record(work, ended_at=ended_at)

    assert error.value.code == code
    assert refusals(work) == [code]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE calls SET state = 'closed'",
        "UPDATE calls SET closed_at = 5",
        "UPDATE calls SET reopens_at = 5",
        "UPDATE openings SET ended_at = opened_at",
        "UPDATE openings SET opened_at = opened_at - 1",
        "DELETE FROM openings",
        "UPDATE malfunctions SET evidence = 'none'",
        "UPDATE malfunctions SET decision = 'no_effect'",
        "DELETE FROM malfunctions",
        "UPDATE call_versions SET effective_at = effective_at + 1 WHERE number = 2",
    ],
)
def test_the_verification_finds_what_was_changed_about_a_call(
    work: Office, change: str
):
    work.wait(hours=1)
    record(work)
    call_acts.extend(work.desk, CTL, closes_at=CLOSING + DAY, **FORMAL)
    assert work.verified()

    engine = work.desk.engine.execution_options(writes=True)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER call_versions_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE call_versions DISABLE TRIGGER USER")
        connection.exec_driver_sql(change)

    assert not work.verified()


def test_a_call_that_has_not_opened_is_suspended_and_opens_when_announced(work: Office):
    work.clock.move_to(OPENING - timedelta(hours=1))
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.MALFUNCTION, reason="the portal is down"
    )
    work.clock.move_to(OPENING + timedelta(minutes=1))
    (refused,) = work.take(submission(0))
    announced = OPENING + timedelta(minutes=30)
    call_acts.announce_reopening(
        work.desk, CTL, at=announced, act="decreto 10/2026-01-20", reason="it is up"
    )
    work.clock.move_to(announced)

    (filed,) = work.take(submission(1))

    assert refused["error"]["code"] == "window.never_open"
    assert filed["outcome"] == "submitted"
    assert work.verified()
