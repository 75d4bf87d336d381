"""Is a call what its file said, until an act says something else?"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.loader import CallFileError, dump, fingerprint
from models.vocabulary import ApplicationState, CallState, Event
from tests.builders import (
    CLOSING,
    CTL,
    OPENING,
    Office,
    ctl,
    office,
    quiet,
    rome,
    scores,
    submission,
)
from tests.click_days import publish
from tests.contents import dump as contents
from tests.contents import entries, refusals, rows, written
from tests.editions import SECOND, edited
from workflow.errors import InputError, RefusedError
from workflow.services import calls, sweep, views

ACT = "decreto 200/2026-01-20"
HIGHER = ("threshold = 60", "threshold = 75")
ORDERED = ('order = "exact_instant"', 'order = "same_day_merit"')
RICHER = ('amount = "1000000.00"', 'amount = "1500000.00"')


def up_to_date(work: Office) -> dict[str, list[str]]:
    """Do what is due, and return what the database then holds."""
    sweep.sweep(work.desk)
    return contents(work.desk.engine)


def allocation(euros: str) -> tuple[str, str]:
    return ('amount = "1000000.00"', f'amount = "{euros}"')


def refusal(work: Office, path: Path, **stated: Any) -> RefusedError:
    with pytest.raises(RefusedError) as error:
        calls.register_call(work.desk, path, **stated)
    return error.value


def test_a_call_in_the_database_is_the_call_of_its_file(work: Office):
    shown = calls.shown(work.desk, CTL)
    ((body, hashed),) = rows(
        work.desk.engine, "SELECT body, fingerprint FROM call_versions"
    )

    assert shown.rules == ctl()
    assert body.encode() == dump(ctl())
    assert hashed == fingerprint(ctl())
    assert (shown.version, shown.residual) == (1, 100_000_000)


def test_the_same_file_again_changes_nothing(work: Office):
    before = up_to_date(work)

    again = calls.register_call(work.desk, quiet())
    with_an_act = calls.register_call(work.desk, quiet(), act=ACT)

    assert (again.changed, again.version) == (False, 1)
    assert (with_an_act.changed, with_an_act.version) == (False, 1)
    assert contents(work.desk.engine) == before


def test_comments_and_the_order_of_the_terms_are_not_a_change(
    work: Office, tmp_path: Path
):
    path = edited(tmp_path, ("# --- Legal basis", "# --- In other words"))

    assert not calls.register_call(work.desk, path).changed


def test_another_file_under_the_same_code_needs_an_act_and_is_told_what_changed(
    work: Office, tmp_path: Path
):
    before = up_to_date(work)

    error = refusal(work, edited(tmp_path, HIGHER, RICHER))

    assert error.code == "act.missing"
    assert error.details["differences"] == [
        "allocation.amount: 1000000.00 -> 1500000.00",
        "merit.threshold: 60 -> 75",
    ]
    assert "merit.threshold: 60 -> 75" in error.message
    assert written(before, contents(work.desk.engine)) == {"calls", "entries"}
    assert refusals(work) == ["act.missing"]
    assert work.verified()


def test_an_act_makes_a_new_version_with_its_entry_and_its_history(
    work: Office, tmp_path: Path
):
    path = edited(tmp_path, RICHER)

    loaded = calls.register_call(work.desk, path, act=ACT, reason="refinanced")

    first, second = calls.history(work.desk, CTL)
    assert (loaded.version, loaded.changed) == (2, True)
    assert (first.number, first.act, first.differences) == (1, None, ())
    assert (second.number, second.act, second.reason) == (2, ACT, "refinanced")
    assert [str(one) for one in second.differences] == [
        "allocation.amount: 1000000.00 -> 1500000.00"
    ]
    assert second.hash == loaded.hash != first.hash
    (entry,) = entries(work, event="change_call")
    assert entry["call_version"] == 2
    assert entry["rules"] == loaded.hash
    assert entry["act"]["number"] == "200"
    assert entry["reason"] == "refinanced"
    assert entry["findings"]["allocation"] == 150_000_000
    assert calls.shown(work.desk, CTL).allocation == 150_000_000
    assert work.verified()


def test_running_applications_stay_bound_to_the_version_they_were_filed_under(
    work: Office, tmp_path: Path
):
    old = work.file(0)
    calls.register_call(work.desk, edited(tmp_path, HIGHER), act=ACT)
    new = work.file(1)
    for application in (old, new):
        work.routine(application, Event.START_REVIEW, Event.ADMIT)
        work.move(
            application,
            Event.EVALUATE,
            inputs={"minutes": "3/2026", "score": scores(70)},
        )

    work.routine(old, Event.GRANT)
    with pytest.raises(RefusedError) as error:
        work.routine(new, Event.GRANT)

    assert error.value.code == "score.below_threshold"
    assert [views.shown(work.desk, name).call_version for name in (old, new)] == [1, 2]
    (granted,) = entries(work, event="grant", outcome="ok")
    assert granted["call_version"] == 1
    assert granted["rules"] == fingerprint(ctl())
    assert work.verified()


def test_a_draft_is_filed_under_the_version_in_force_when_it_is_submitted(
    work: Office, tmp_path: Path
):
    work.take(submission(0, draft=True))
    calls.register_call(work.desk, edited(tmp_path, HIGHER), act=ACT)

    work.file(0)

    assert views.shown(work.desk, "DOM-0001").call_version == 2


EXTENDED = ("closes_at = 2026-03-05T16:00:00", "closes_at = 2026-03-06T16:00:00")


def test_an_extended_window_takes_what_the_old_one_would_have_refused(
    work: Office, tmp_path: Path
):
    work.clock.move_to(CLOSING)
    calls.register_call(
        work.desk, edited(tmp_path, EXTENDED), act="decreto 5/2026-03-05"
    )
    work.wait(hours=1)

    assert work.file() == "2026/0000001"
    assert calls.shown(work.desk, CTL).state == CallState.OPEN


def test_a_window_that_is_over_is_not_opened_again_by_another_file(
    work: Office, tmp_path: Path
):
    work.clock.move_to(CLOSING + timedelta(microseconds=1))

    error = refusal(work, edited(tmp_path, EXTENDED), act="decreto 5/2026-03-05")

    assert error.code == "call.closed"
    assert calls.shown(work.desk, CTL).state == CallState.CLOSED
    assert refusals(work) == ["call.closed"]


def test_money_already_given_out_cannot_be_taken_from_the_allocation(
    work: Office, tmp_path: Path
):
    work.file(0, requested="120000.00")
    granted = work.file(1, requested="120000.00")
    below = edited(tmp_path, allocation("239999.99"), name="below")
    exactly = edited(tmp_path, allocation("240000.00"), name="exactly")

    error = refusal(work, below, act=ACT)
    calls.register_call(work.desk, exactly, act=ACT)

    assert error.code == "call.allocation_below_committed"
    assert "240000.00 reserved and 0.00 granted" in error.message
    assert calls.shown(work.desk, CTL).residual == 0
    assert views.shown(work.desk, granted).summary.state == ApplicationState.SUBMITTED
    assert work.verified()


def test_new_money_reaches_who_was_waiting(work: Office, tmp_path: Path):
    filed = [work.file(number, requested="120000.00") for number in range(9)]
    waiting = views.shown(work.desk, filed[8]).summary.reserved

    calls.register_call(work.desk, edited(tmp_path, RICHER), act=ACT)

    assert waiting == 0
    assert views.shown(work.desk, filed[8]).summary.reserved == 12_000_000
    assert work.verified()


def test_an_act_of_tomorrow_changes_nothing(work: Office, tmp_path: Path):
    before = up_to_date(work)

    error = refusal(work, edited(tmp_path, HIGHER), act="decreto 1/2026-01-21")

    assert error.code == "act.future"
    assert written(before, contents(work.desk.engine)) == {"calls", "entries"}
    assert refusals(work) == ["act.future"]


def test_the_day_of_an_act_is_the_day_in_rome(work: Office, tmp_path: Path):
    work.clock.move_to(rome(2026, 1, 21, 0, 30))  # still the 20th in Greenwich

    loaded = calls.register_call(
        work.desk, edited(tmp_path, HIGHER), act="decreto 1/2026-01-21"
    )

    assert loaded.version == 2


@pytest.mark.parametrize(
    "act", ["decreto", "1/2026-01-20", "decreto 1/20-01-2026", "decreto 1/2026-02-30"]
)
def test_an_act_that_cannot_be_read_is_a_wrong_command(
    sqlite_office_url: str, tmp_path: Path, act: str
):
    with office(sqlite_office_url) as work, pytest.raises(InputError) as error:
        calls.register_call(work.desk, edited(tmp_path, HIGHER), act=act)

    assert error.value.code == "act.unreadable"
    assert error.value.exit_code == 2


def test_only_some_roles_load_a_call(work: Office, tmp_path: Path):
    may = {}

    for login in ("clerk", "examiner", "board", "controller"):
        error = refusal(work.sit(login), edited(tmp_path, (CTL, SECOND)), act=ACT)
        may[login] = error.code
    for number, login in enumerate(("bianchi", "director", "rup")):
        code = f"RLF1202505200{number}"
        new = edited(tmp_path, (CTL, code))
        may[login] = str(calls.register_call(work.sit(login).desk, new).version)

    assert may == {
        "clerk": "role.missing",
        "examiner": "role.missing",
        "board": "role.missing",
        "controller": "role.missing",
        "bianchi": "1",
        "director": "1",
        "rup": "1",
    }


def test_a_new_version_is_loaded_by_a_manager_or_an_administrator(
    work: Office, tmp_path: Path
):
    path = edited(tmp_path, HIGHER)
    may = {}

    for login in ("clerk", "examiner", "board", "controller", "rup"):
        error = refusal(work.sit(login), path, act=ACT)
        may[login] = error.code
    for number, login in enumerate(("bianchi", "director"), start=1):
        changed = edited(tmp_path, ("threshold = 60", f"threshold = 6{number}"))
        loaded = calls.register_call(work.sit(login).desk, changed, act=ACT)
        may[login] = str(loaded.version)

    assert may == {
        "clerk": "role.missing",
        "examiner": "role.missing",
        "board": "role.missing",
        "controller": "role.missing",
        "rup": "role.missing",
        "bianchi": "2",
        "director": "3",
    }
    assert refusals(work) == ["role.missing"] * 5


def test_a_refused_load_is_recorded_in_the_chain_of_the_call_without_the_login(
    work: Office, tmp_path: Path
):
    before = up_to_date(work)

    refusal(work.sit("qwzlogin"), edited(tmp_path, HIGHER), act=ACT, reason="so")

    entry = entries(work)[-1]
    assert (entry["event"], entry["outcome"]) == ("change_call", "refused")
    assert entry["refusal"]["code"] == "officer.unknown"
    assert entry["actor"]["kind"] == "unknown"
    assert (entry["act"]["number"], entry["reason"]) == ("200", "so")
    assert "qwzlogin" not in str(entry)
    assert written(before, contents(work.desk.engine)) == {"calls", "entries"}
    assert work.verified()


def test_a_refused_load_of_a_call_that_is_not_there_writes_nothing(
    work: Office, tmp_path: Path
):
    before = contents(work.desk.engine)

    refusal(work.sit("clerk"), edited(tmp_path, (CTL, SECOND)))

    assert contents(work.desk.engine) == before


def test_a_window_is_not_closed_in_the_past(work: Office, tmp_path: Path):
    def closing(instant: str) -> Path:
        return edited(tmp_path, ("2026-03-05T16:00:00", instant))

    work.clock.move_to(rome(2026, 2, 1, 12))

    error = refusal(work, closing("2026-02-01T11:59:59"), act=ACT)
    loaded = calls.register_call(work.desk, closing("2026-02-01T12:00:01"), act=ACT)

    assert error.code == "call.closing_in_the_past"
    assert loaded.version == 2
    assert refusals(work) == ["call.closing_in_the_past"]


def test_a_closed_call_may_still_be_changed_in_what_is_not_its_window(
    work: Office, tmp_path: Path
):
    work.clock.move_to(CLOSING + timedelta(days=1))

    loaded = calls.register_call(work.desk, edited(tmp_path, RICHER), act=ACT)

    assert loaded.version == 2


@pytest.mark.parametrize("reason", ["", "  ", "a\x00b", "two\nlines", "x" * 2_001])
def test_a_reason_that_no_register_can_hold_is_a_wrong_command(
    work: Office, tmp_path: Path, reason: str
):
    before = contents(work.desk.engine)

    with pytest.raises(InputError) as error:
        calls.register_call(work.desk, edited(tmp_path, HIGHER), act=ACT, reason=reason)

    assert error.value.code == "input.invalid"
    assert contents(work.desk.engine) == before


def test_a_faulty_file_is_refused_before_the_database_is_touched(
    work: Office, tmp_path: Path
):
    before = contents(work.desk.engine)

    with pytest.raises(CallFileError):
        calls.register_call(
            work.desk, edited(tmp_path, ("threshold = 60", "threshold = 600")), act=ACT
        )

    assert contents(work.desk.engine) == before


def test_two_calls_have_each_their_own_chain_and_money(work: Office, tmp_path: Path):
    calls.register_call(work.desk, edited(tmp_path, (CTL, SECOND)))

    sweep.sweep(work.desk)
    work.file()

    first, second = calls.listed(work.desk)
    assert (first.code, first.filed, first.entries) == (CTL, 1, 3)
    assert (second.code, second.filed, second.entries) == (SECOND, 0, 2)
    assert work.verified()


def test_an_opening_that_was_taken_is_not_moved(work: Office, tmp_path: Path):
    later = ("opens_at = 2026-01-20T10:00:00", "opens_at = 2026-01-27T10:00:00")

    error = refusal(work, edited(tmp_path, later), act=ACT)

    assert error.code == "call.already_open"


def test_an_opening_still_to_come_may_be_moved(work: Office, tmp_path: Path):
    later = ("opens_at = 2026-01-20T10:00:00", "opens_at = 2026-01-27T10:00:00")
    work.clock.move_to(OPENING - timedelta(days=1))
    calls.register_call(work.desk, edited(tmp_path, later), act="decreto 9/2026-01-19")

    work.clock.move_to(OPENING + timedelta(days=1))

    assert calls.shown(work.desk, CTL).state == CallState.PUBLISHED
    assert not sweep.sweep(work.desk).applied


def test_a_version_may_wait_to_take_effect_and_is_then_the_only_one(
    work: Office, tmp_path: Path
):
    higher = edited(tmp_path, HIGHER, name="higher")
    later = OPENING + timedelta(days=2)

    loaded = calls.register_call(work.desk, higher, act=ACT, effective_at=later)
    again = calls.register_call(work.desk, higher, act=ACT)
    error = refusal(work, edited(tmp_path, RICHER, name="richer"), act=ACT)

    assert (loaded.version, loaded.waits, again.changed) == (2, True, False)
    assert error.code == "call.version_waits"
    assert calls.shown(work.desk, CTL).version == 1
    work.clock.move_to(later)
    assert calls.shown(work.desk, CTL).version == 2
    assert work.file() == "2026/0000001"
    assert work.verified()


def test_the_first_version_of_a_call_does_not_wait(work: Office, tmp_path: Path):
    with pytest.raises(InputError) as error:
        calls.register_call(
            work.desk,
            edited(tmp_path, (CTL, SECOND)),
            effective_at=OPENING + timedelta(days=2),
        )

    assert error.value.code == "effective.first"


def test_who_was_filed_is_not_put_in_another_order(work: Office, tmp_path: Path):
    other = edited(tmp_path, ORDERED)
    work.file()

    error = refusal(work, other, act=ACT)

    assert error.code == "call.order_changed"


@pytest.mark.parametrize("waits", ["before_review", "after_review"])
def test_who_is_counted_as_waiting_is_who_the_amount_sums_up(
    work: Office, tmp_path: Path, waits: str
):
    counter = publish(
        work,
        edited(
            tmp_path,
            ('amount = "7000000.00"', 'amount = "80000.00"'),
            ('overbooking_percent = "50.00"', 'overbooking_percent = "100.00"'),
            ('waiting_list = "before_review"', f'waiting_list = "{waits}"'),
            of="competenze-innovazione-2025",
        ),
    )
    work.clock.move_to(rome(2025, 1, 15, 11))
    pec = counter.request(4, "50000.00", channel="pec")

    counter.take(*(counter.request(one, "50000.00") for one in (1, 2, 3)), pec)

    assert (counter.call.waiting, counter.call.waiting_amount) == (2, 10_000_000)


def test_a_call_is_published_then_open_then_closed(work: Office):
    states = []

    for instant in (
        OPENING - timedelta(microseconds=1),
        OPENING,
        CLOSING,
        CLOSING + timedelta(microseconds=1),
    ):
        work.clock.move_to(instant)
        states.append(calls.shown(work.desk, CTL).state)

    assert states == [
        CallState.PUBLISHED,
        CallState.OPEN,
        CallState.OPEN,
        CallState.CLOSED,
    ]
