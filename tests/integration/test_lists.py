"""Is a list approved and kept up to date by acts, and who was on it when?"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import ApplicationState, CallState, Event
from tests import exports
from tests.builders import Office, furnish, office, rome
from tests.contents import dump, entries, refusals, rows
from tests.filiere import (
    CLOSES,
    FILIERE,
    OPENS,
    TO_WORTHY,
    TOGETHER,
    Filiere,
    file,
    partners,
    proposal,
    published,
    separated,
    stated,
)
from tests.terminals import Terminal
from workflow.errors import ConflictError, RefusedError
from workflow.services import (
    call_acts,
    calls,
    decrees,
    digests,
    exporting,
    list_acts,
    log,
    memberships,
    sweep,
    views,
)
from workflow.services.list_acts import Wanted
from workflow.services.moments import Moment

AMOUNTS = {"requested", "investment"}


@pytest.fixture
def call(work: Office) -> Filiere:
    """Open the call of 2022, with one officer who may do everything."""
    return published(work)


def on_list(call: Filiere, at: Moment | None = None) -> list[str]:
    view = memberships.on(call.work.desk, FILIERE, at)
    return [one.protocol for one in view.members]


def state_of(call: Filiere, name: str) -> ApplicationState:
    return views.shown(call.work.desk, name).summary.state


# --- from the filing to the list ----------------------------------------------


def test_worthy_proposals_enter_the_list_by_act_in_any_order_of_arrival(call: Filiere):
    first, second, third = (call.file(number) for number in (1, 2, 3))
    for name in (third, first):  # nobody has a turn
        call.routine(name, *TO_WORTHY)
    call.routine(second, Event.START_REVIEW, Event.ADMIT, Event.FIND_UNWORTHY)

    told = call.update()

    assert told["added"] == [first, third]
    assert (told["version"], told["size"]) == (1, 2)
    assert on_list(call) == [first, third]
    assert [state_of(call, one) for one in (first, second, third)] == [
        ApplicationState.LISTED,
        ApplicationState.EVALUATED,
        ApplicationState.LISTED,
    ]
    (entry,) = entries(call.work, event="update_list")
    assert entry["findings"]["list"]["sha256"] == told["sha256"]
    assert [one["protocol"] for one in entry["findings"]["list"]["changes"]] == [
        first,
        third,
    ]
    assert "Filiera" not in str(entries(call.work))  # names stay out of the register
    assert call.work.verified()


def test_what_the_board_finds_not_worthy_is_refused_after_a_notice(call: Filiere):
    name = call.file()
    call.routine(name, Event.START_REVIEW, Event.ADMIT, Event.FIND_UNWORTHY)

    with pytest.raises(RefusedError) as early:
        call.routine(name, Event.REJECT)
    call.routine(name, Event.NOTIFY_REFUSAL, Event.FILE_OBSERVATIONS, Event.REJECT)

    assert early.value.code == "refusal_notice.missing"
    assert state_of(call, name) is ApplicationState.REJECTED
    letters = {notice.letter for notice in views.shown(call.work.desk, name).notices}
    assert "not_worthy" in letters
    assert call.work.verified()


def test_the_board_may_change_its_mind_once_observations_are_upheld(call: Filiere):
    name = call.file()
    call.routine(name, Event.START_REVIEW, Event.ADMIT, Event.FIND_UNWORTHY)
    call.routine(name, Event.NOTIFY_REFUSAL, Event.FILE_OBSERVATIONS)

    call.routine(name, Event.UPHOLD_OBSERVATIONS, Event.FIND_WORTHY)

    assert call.update()["added"] == [name]
    assert call.work.verified()


def test_who_finds_a_proposal_worthy_does_not_put_it_on_the_list(work: Office):
    with separated(work) as call:
        name = call.file()
        for event in TO_WORTHY:
            call.work.sit("rossi").move(name, event, **stated(event, work.today))

        with pytest.raises(RefusedError) as same:
            call.update()
        told = Filiere(work.sit("director")).update()

    assert same.value.code == "role.same_person"
    assert same.value.message.startswith(f"{name}: ")
    assert told["added"] == [name]
    assert refusals(work)[-1] == "role.same_person"
    assert work.verified()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "list.unchanged"),
        ({"add": ["FIL-0002"]}, "machine.wrong_state"),
        ({"remove": ["FIL-0002"]}, "machine.wrong_state"),
        ({"remove": ["FIL-0001"]}, "refusal_notice.missing"),
        ({"change": ["FIL-0001"]}, "list.member_unchanged"),
        ({"add": ["FIL-0001"]}, "machine.wrong_state"),
        ({"add": ["FIL-0002"], "remove": ["FIL-0002"]}, "list.doubled"),
        ({"add": ["FIL-9999"]}, "application.unknown"),
    ],
)
def test_an_act_that_cannot_be_carried_out_leaves_the_list_as_it_is(
    call: Filiere, wanted, code
):
    call.worthy(1)
    call.update()
    call.file(2)
    before = dump(call.work.desk.engine)["list_changes"]

    with pytest.raises(RefusedError) as refused:
        call.update(dry_run=False, **wanted)

    assert refused.value.code == code
    assert dump(call.work.desk.engine)["list_changes"] == before
    assert refusals(call.work)[-1] == code
    assert call.work.verified()


def test_a_counter_keeps_no_list(work: Office):
    with pytest.raises(RefusedError) as refused:
        list_acts.update(
            work.desk,
            "RLF12025051244",
            Wanted(),
            act="decreto 1/2026-01-20",
            reason="none",
        )

    assert refused.value.code == "list.none"
    with pytest.raises(RefusedError, match="which keeps no list"):
        memberships.on(work.desk, "RLF12025051244")


# --- off the list -------------------------------------------------------------


def for_the_manager(call: Filiere) -> list[tuple[str, str]]:
    """Return what waits for an act, by application."""
    headings = {"Acts to make", "Proposals to decide on"}
    return [
        (one.application, one.what)
        for one in digests.of(call.work.desk, "director").waiting
        if one.heading in headings
    ]


def test_who_leaves_was_heard_before_or_has_asked_for_it(call: Filiere):
    first, second, third = (call.worthy(number) for number in (1, 2, 3))
    worthy = for_the_manager(call)
    call.update()
    call.routine(first, Event.ASK_TO_LEAVE_LIST)
    call.work.move(second, Event.NOTIFY_REFUSAL, reason="fewer than ten firms")
    call.routine(second, Event.FILE_OBSERVATIONS)
    asked = for_the_manager(call)

    told = call.update(remove=(first, second))

    update = "`sportello call update-list`"
    assert worthy == [(first, f"was found worthy of the list: {update} (and 2 more)")]
    assert asked == [(first, f"it asks to leave the list: {update}")]
    assert for_the_manager(call) == []

    assert told["removed"] == [first, second]
    assert on_list(call) == [third]
    assert state_of(call, first) is ApplicationState.WITHDRAWN
    assert state_of(call, second) is ApplicationState.REMOVED
    assert call.work.verified()


def test_whoever_stands_on_the_list_is_not_withdrawn_or_annulled_beside_it(
    call: Filiere,
):
    name = call.worthy()
    call.update()

    for event, code in (
        (Event.WITHDRAW, "machine.wrong_state"),
        (Event.ANNUL, "list.member"),
        (Event.LEAVE_LIST, "event.by_call"),
    ):
        with pytest.raises(RefusedError) as refused:
            call.routine(name, event)
        assert refused.value.code == code


def test_the_list_falls_with_its_call(call: Filiere):
    name, before = call.worthy(), call.work.clock.now()
    call.update()
    call.work.wait(days=1)

    call_acts.annul(
        call.work.desk,
        FILIERE,
        act=f"decreto 9/{call.work.today}",
        reason="by a judgment",
    )
    call.routine(name, Event.ANNUL)

    assert on_list(call) == []
    assert on_list(call, Moment(at=before)) == [name]
    assert call.work.verified()


# --- at a date ----------------------------------------------------------------


def test_membership_at_any_date_is_a_replay_of_the_acts_up_to_then(call: Filiere):
    begins = call.work.clock.now()
    first, second = call.worthy(1), call.worthy(2)
    call.update(add=(first,))
    call.work.wait(days=10)
    call.update(add=(second,))
    call.work.wait(days=10)
    call.routine(first, Event.ASK_TO_LEAVE_LIST)
    call.update(remove=(first,))

    stood = {
        days: on_list(call, Moment(at=begins + timedelta(days=days)))
        for days in (0, 5, 10, 19, 20)
    }

    assert stood == {
        0: [first],
        5: [first],
        10: [first, second],
        19: [first, second],
        20: [second],
    }
    with pytest.raises(RefusedError) as future:
        on_list(call, Moment(at=begins + timedelta(days=21)))
    assert future.value.code == "moment.future"
    made = rows(
        call.work.desk.engine, "SELECT version, size FROM approved_lists ORDER BY 1"
    )
    assert made == [(1, 1), (2, 2), (3, 1)]
    view = memberships.on(call.work.desk, FILIERE, Moment(at=begins))
    assert view.standing.version == 1
    assert set(view.names.values()) == {"Filiera 1 S.r.l."}


def test_a_dry_run_tells_what_would_happen_and_does_nothing(call: Filiere):
    call.worthy()
    before = dump(call.work.desk.engine)

    would = call.update(dry_run=True)
    unchanged = dump(call.work.desk.engine) == before
    done = call.update()

    assert unchanged
    assert would["sha256"] == done["sha256"]
    assert would["dry_run"]
    assert [notice["letter"] for notice in would["notices"]] == ["listed"]


def test_what_was_shown_is_done_or_nothing_is(call: Filiere):
    call.worthy(1)
    seen = call.update(dry_run=True)
    call.worthy(2)

    with pytest.raises(ConflictError) as changed:
        list_acts.update(
            call.work.desk,
            FILIERE,
            Wanted(),
            act=seen["act"],
            reason="as the board found",
            seen=seen,
        )

    assert changed.value.code == "list.changed"
    assert on_list(call) == []


# --- what somebody else has changed -------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("DELETE FROM list_changes", "is in the entries only"),
        ("UPDATE approved_lists SET size = 7", "has size 7"),
        ("UPDATE list_changes SET change = 'removed'", "has change removed"),
        ("UPDATE list_changes SET behind = 'somebody'", "has behind somebody"),
    ],
)
def test_a_list_that_is_not_what_its_acts_made_is_found_out(
    call: Filiere, change: str, fault: str
):
    call.worthy()
    call.update()
    engine = call.work.desk.engine
    with engine.begin() as connection:
        for table in ("approved_lists", "list_changes"):
            if engine.dialect.name == "sqlite":
                for action in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{action}")
            else:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.exec_driver_sql(change)

    (found,) = [one for one in log.verify(call.work.desk) if one.call == FILIERE]

    assert any(fault in one.fault for one in found.faults)


# --- the window ---------------------------------------------------------------


def test_a_fixed_instant_on_a_saturday_stays_where_it_is(call: Filiere):
    line = proposal(1, received_at="2022-12-31T16:00:00+01:00")
    late = proposal(2, received_at="2022-12-31T16:00:01+01:00")
    call.work.clock.move_to(CLOSES + timedelta(minutes=1))

    taken, refused = call.take(line, late)

    assert taken["outcome"] == "submitted"
    assert refused["error"]["code"] == "window.too_late"


def test_extensions_reopen_the_call_and_new_criteria_hold_for_new_proposals(
    call: Filiere,
):
    desk, clock = call.work.desk, call.work.clock
    old = call.file(1)
    until_2023 = ("closes_at = 2022-12-31T16:00:00", "closes_at = 2023-12-31T16:00:00")
    call_acts.extend(
        desk, FILIERE, closes_at=rome(2023, 12, 31, 16), act="DGR 7/2022-03-30"
    )
    clock.move_to(rome(2025, 11, 24, 9))
    sweep.sweep(desk)
    closed = calls.shown(desk, FILIERE).state
    (refused,) = call.take(proposal(2))
    harder = file(TOGETHER, until_2023, ("minimum = 1 ", "minimum = 2 "))
    calls.register_call(desk, harder, act="decreto 8/2025-11-24")
    call_acts.extend(
        desk, FILIERE, closes_at=rome(2027, 12, 31, 16), act="DGR 5377/2025-11-24"
    )
    in_time = proposal(4, received_at="2023-12-31T16:00:00+01:00")
    (handed_over_late,) = call.take(in_time)
    new = call.file(3)

    call.routine(old, *TO_WORTHY)
    call.routine(str(handed_over_late["protocol"]), *TO_WORTHY)
    call.routine(new, Event.START_REVIEW, Event.ADMIT)
    with pytest.raises(RefusedError) as too_few:
        call.routine(new, Event.FIND_WORTHY)

    assert closed is CallState.CLOSED
    assert refused["error"]["code"] == "window.too_late"
    assert calls.shown(desk, FILIERE).state is CallState.OPEN
    assert too_few.value.code == "assessment.too_few_criteria"
    assert call.update()["added"] == [old, handed_over_late["protocol"]]
    assert [one.event for one in calls.history(desk, FILIERE)] == [
        "load_call",
        "extend_call",
        "change_call",
        "extend_call",
    ]
    bound = "SELECT call_version FROM applications ORDER BY filed_seq"
    assert rows(desk.engine, bound) == [(1,), (2,), (4,)]
    assert call.work.verified()


def test_a_call_is_concluded_once_all_worthy_ones_are_listed_and_its_list_lives_on(
    call: Filiere,
):
    desk, name = call.work.desk, call.worthy()
    call.work.clock.move_to(CLOSES + timedelta(hours=1))
    sweep.sweep(desk)
    act: dict[str, Any] = {"act": f"decreto 8/{call.work.today}"}
    with pytest.raises(RefusedError) as undecided:
        call_acts.conclude(desk, FILIERE, **act)
    call.update()

    call_acts.conclude(desk, FILIERE, **act)
    call.routine(name, Event.ASK_TO_LEAVE_LIST)
    call.update(remove=(name,))

    assert undecided.value.code == "call.undecided"
    assert calls.shown(desk, FILIERE).state is CallState.CONCLUDED
    assert on_list(call) == []
    assert call.work.verified()


# --- at a terminal -----------------------------------------------------------


def test_the_list_is_made_and_asked_for_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url = f"sqlite:///{tmp_path / 'home' / 'sportello.db'}"
    (tmp_path / "home").mkdir(mode=0o700)
    furnish(url)
    with office(url) as work:
        call = published(work)
        name = call.worthy()
    monkeypatch.chdir(tmp_path)
    clock = {"SPORTELLO_CLOCK": OPENS.isoformat(), "SPORTELLO_OFFICER": "rossi"}
    seat = Terminal(tmp_path / "home", clock)
    act = ("--act", "decreto 7/2022-03-30", "--reason", "as the board found")

    before = seat.ask("list-of", FILIERE, "--at", "2022-03-29")
    would = seat.type("call", "update-list", FILIERE, *act, "--dry-run")
    made = seat.ask("call", "update-list", FILIERE, *act, "--yes")
    told = seat.type("list-of", FILIERE)
    listed = seat.ask("list-of", FILIERE)
    shown = seat.ask("call", "show", FILIERE)
    entry = seat.type("explain", "entry", f"{FILIERE}#{made['entry']['seq']}")
    money = seat.type("explain", "money", FILIERE)
    turn = seat.type("explain", "turn", name)
    aid = seat.type("explain", "aid", name)

    assert (before["version"], before["act"], before["members"]) == (0, None, [])
    assert "Would make version 1 of the list" in would.output
    assert {"call", "version", "act", "members"} <= listed.keys()
    (member,) = listed["members"]
    assert member["protocol"] == name
    assert member["lead"]["name"] == "Filiera 1 S.r.l."
    assert listed["sha256"] == made["sha256"]
    assert "Filiera 1 S.r.l." in told.output
    assert shown["list"] == {"version": 1, "act": made["act"], "members": 1}
    assert "refinance" not in shown["acts"]
    assert f"added {name}, with 9 partner(s)" in entry.output
    assert "there is no money in this call" in money.output
    assert "nobody has a turn" in turn.output
    assert aid.exit_code == 0
    for shown_to_people in (would, told, entry, money):
        assert "Traceback" not in shown_to_people.output
    longest = seat.type("call", "show", FILIERE).output.splitlines()[1:]
    assert max(map(len, longest)) <= 100
    refused = seat.refused(
        *("call", "refinance", FILIERE, "--allocation", "5.00"),
        *("--act", "decreto 8/2022-03-30"),
        code="call.faults",
        exit_code=1,
    )
    assert "has no such section" in refused


# --- nothing about money ------------------------------------------------------


def test_a_proposal_that_asks_for_money_is_refused(call: Filiere):
    (answer,) = call.take(proposal(1, requested="1.00"))

    assert answer["error"]["code"] == "amount.none"


def test_where_there_is_no_money_nothing_need_be_said_of_it(call: Filiere):
    line = proposal(1)
    said = call.take({name: line[name] for name in line if name not in AMOUNTS})
    again = call.take(line)

    assert (said[0]["outcome"], said[0]["error"]) == ("submitted", None)
    assert again[0]["outcome"] == "duplicate"


def test_an_act_that_grants_is_none_of_a_call_without_grants(call: Filiere):
    with pytest.raises(RefusedError, match="which grants nothing"):
        decrees.carries(call.work.desk, FILIERE)


def test_the_queue_of_a_call_without_money_has_no_turns_and_no_grants(call: Filiere):
    first, second = call.file(1), call.worthy(2)

    items = {item.protocol: item for item in views.queue(call.work.desk, FILIERE).items}

    assert items[first].next_step == "review it now"
    assert items[second].next_step == "put it on the list"
    assert not any(item.may_grant or item.blocked_by for item in items.values())


def test_the_answer_and_the_letter_speak_of_no_money(call: Filiere):
    (answer,) = call.take(proposal(1))

    (notice,) = views.shown(call.work.desk, answer["protocol"]).notices
    assert answer["outcome"] == "submitted"
    assert "importo" not in str(notice.body).lower()
    assert "agevolazione" not in str(notice.body)


def test_an_export_tells_the_list_and_verifies_without_the_program(
    call: Filiere, tmp_path
):
    name = call.worthy()
    made = call.update()

    told = exporting.export(call.work.desk, FILIERE, tmp_path / "out")

    (version,) = exports.read(tmp_path / "out" / "lists.jsonl")
    assert told.ok
    assert exports.faults(tmp_path / "out") == []
    assert (version["version"], version["sha256"]) == (1, made["sha256"])
    assert [one["protocol"] for one in version["members"]] == [name]


def test_a_list_that_was_changed_in_an_export_is_found_out(call: Filiere, tmp_path):
    call.worthy()
    call.update()
    exporting.export(call.work.desk, FILIERE, tmp_path / "out")

    def other(body):
        if body["event"] == "update_list":
            body["findings"]["list"]["changes"][0]["behind"] = ["somebody"]

    exports.change(tmp_path / "out" / "entries.jsonl", lambda lines: edit(lines, other))

    assert "the list is not the one before it with these changes" in str(
        exports.faults(tmp_path / "out")
    )


def edit(lines, how):
    """Change what entries say, and chain them anew as a forger would."""
    for line in lines:
        body = json.loads(line["body"])
        how(body)
        line["body"] = json.dumps(body)
    exports.chained(lines)


# --- who stands behind a member -----------------------------------------------


def changed_partners(call: Filiere, name: str, people: list[dict[str, str]]) -> None:
    """Change who stands behind a proposal."""
    call.work.move(
        name,
        Event.CHANGE_PARTNERS,
        inputs={"partners": people},
        reason="one has left",
    )


def test_fewer_than_ten_firms_enter_no_list_and_leave_none(call: Filiere):
    (few,) = call.take(proposal(1, partners=partners(1, 8)))
    (research,) = call.take(
        proposal(2, partners=[*partners(2, 8), {**partners(3)[0], "kind": "research"}])
    )
    name = call.worthy(4)
    call.update()

    with pytest.raises(RefusedError) as refused:
        changed_partners(call, name, partners(4, 8))

    assert few["error"]["code"] == "partnership.too_few"
    assert research["error"]["code"] == "partnership.too_few_firms"
    assert refused.value.code == "partnership.too_few"


def test_the_list_follows_a_change_of_partners_by_the_act_that_approves_it(
    call: Filiere,
):
    name = call.worthy(1)
    first = call.update()
    others = [*partners(1, 8), partners(7)[0], partners(8)[0]]
    changed_partners(call, name, others)
    before = memberships.on(call.work.desk, FILIERE)
    call.work.wait(days=1)

    second = call.update(change=(name,))

    after = memberships.on(call.work.desk, FILIERE)
    assert second["changed"] == [name]
    assert (first["size"], second["size"]) == (1, 1)
    assert before.sha256 == first["sha256"] != second["sha256"] == after.sha256
    assert [len(one.partners) for one in (*before.members, *after.members)] == [9, 10]
    (member,) = after.members
    assert member.since == 1
    assert call.work.verified()
    with pytest.raises(RefusedError) as again:
        call.update(change=(name,))
    assert again.value.code == "list.member_unchanged"
