"""Is it said why it is somebody's turn, where the money went, and how much aid?"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy
from click.testing import CliRunner, Result
from sqlmodel import select

from commands.explain import explain_group
from models.session import transaction
from models.tables import Application, Call, Draw, Fund
from models.vocabulary import ApplicationState, Event
from tests.builders import CTL, TO_GRANT, Office, rome, submission, usual
from tests.editions import SECOND, edited
from workflow.errors import RefusedError
from workflow.services import accounts, calls, explanations, histories, intake, views

REVIEW, ADMIT, EVALUATE, GRANT = TO_GRANT
OVERTAKING = {"inputs": {"overtake": True}, "reason": "urgent by judgment"}


def said(told: histories.Explanation, rule: str) -> list[str]:
    return [step.text for step in told.steps if step.rule == rule]


def turn(work: Office, name: str) -> histories.Explanation:
    return explanations.turn(work.desk, name)


def typed(work: Office, *words: str) -> Result:
    return CliRunner().invoke(explain_group, list(words), obj=work.desk)


def arranged(work: Office, folder: Path, order: str) -> None:
    """Load a call that keeps the order in another way."""
    path = edited(
        folder,
        (f'code = "{CTL}"', f'code = "{SECOND}"'),
        ('order = "exact_instant"', f'order = "{order}"'),
    )
    calls.register_call(work.desk, path)


def taken(work: Office, *lines: dict[str, Any]) -> list[str]:
    """Take submissions in to the other call, a second apart."""
    protocols = []
    for line in lines:
        (answer,) = intake.take_in(work.desk, SECOND, [orjson.dumps(line)])
        protocols.append(str(answer["protocol"]))
        work.wait(seconds=1)
    return protocols


def put(work: Office, protocol: str, **changes: Any) -> UUID:
    """Bring an application to where the moves would bring it; return its call."""
    number = int(protocol.partition("/")[2])
    with transaction(work.desk.engine) as session:
        (row,) = session.exec(
            select(Application).where(Application.protocol_number == number)
        )
        row.sqlmodel_update(changes)
        session.add(row)
        return row.call_id


# --- turn ---------------------------------------------------------------------


def test_the_first_may_be_reviewed_and_the_second_is_told_whom_it_waits_for(work):
    first, second = work.file(0), work.file(1)

    assert turn(work, first).result == f"{first}: its review may start now"
    told = turn(work, second)
    assert told.result == f"{second}: its review has to wait for {first}"
    assert said(told, "order.earlier") == [f"not taken up yet: {first}"]
    assert said(told, "order.turn")[0].startswith(f"it is not its turn: {first}")
    assert said(told, "order.overtaking") == [
        "it overtook nobody and nobody overtook it"
    ]


def test_the_place_is_told_with_its_instant_to_the_microsecond(work):
    work.wait(microseconds=7)
    name = work.file(0)

    assert said(turn(work, name), "order.key") == [
        (
            f"received at 20/01/2026 10:00:00.000007 (Rome), protocol {name}: "
            "number 1 of 1 in the order of arrival"
        )
    ]
    assert said(turn(work, name), "order.tie") == []


def test_a_tie_is_told_with_what_breaks_it(work):
    first, second = work.file(0), work.file(1)

    (text,) = said(turn(work, second), "order.tie")

    assert f"at the same instant as {first}" in text
    assert "protocol number" in text


def test_each_of_the_earlier_is_told_as_it_stands(work):
    names = [work.file(number) for number in range(6)]
    work.routine(names[0], *TO_GRANT)
    work.routine(names[1], REVIEW, ADMIT, EVALUATE)
    work.routine(names[2], REVIEW, ADMIT)
    work.routine(names[3], REVIEW, Event.REQUEST_COMPLETION)
    work.routine(names[4], REVIEW)

    told = turn(work, names[5])

    assert said(told, "order.earlier") == [
        f"past their turn, negotiating: {names[0]}",
        f"scored, not decided on yet: {names[1]}",
        f"admissible, not scored yet: {names[2]}",
        f"wait for their applicant and are skipped: {names[3]}",
        f"under review: {names[4]}",
    ]
    assert told.result == f"{names[5]}: its review may start now"


@pytest.mark.parametrize(
    ("events", "result", "reason"),
    [
        ((), "its review may start now", "nobody who comes before it"),
        ((REVIEW,), "submitted", "formal check has started"),
        ((REVIEW, ADMIT), "its score may start now", "nobody who comes before it"),
        ((REVIEW, ADMIT, EVALUATE), "evaluated", "1000000.00 is left for it"),
        ((REVIEW, Event.REQUEST_COMPLETION), "submitted", "its own applicant"),
        (TO_GRANT, "negotiating", "its turn is over"),
        ((Event.WITHDRAW,), "withdrawn", "its turn is over"),
    ],
)
def test_wherever_it_stands_it_is_told_what_its_turn_depends_on(
    work, events, result, reason
):
    name = work.file(0)
    work.routine(name, *events)

    told = turn(work, name)

    assert told.result.endswith(result)
    assert reason in said(told, "order.turn")[0]


def test_what_is_told_of_the_turn_is_what_the_machine_allows(work):
    names = [work.file(number) for number in range(4)]
    work.routine(names[0], REVIEW, ADMIT)
    work.routine(names[1], REVIEW)

    for name in names:
        _, known = views.events(work.desk, name)
        allowed = {one.event for one in known if one.allowed}
        may_start = turn(work, name).result.endswith("may start now")

        assert may_start is bool(allowed & {REVIEW, EVALUATE}), name


def test_an_overtaking_is_told_to_both_with_its_act(work):
    first, second = work.file(0), work.file(1)
    act = f"decreto 9/{work.today.isoformat()}"
    work.move(second, REVIEW, act=act, **OVERTAKING)

    for name, text in (
        (second, f"it overtook {first} at"),
        (first, f"{second} overtook it at"),
    ):
        (step,) = (
            step for step in turn(work, name).steps if step.rule == "order.overtaking"
        )
        assert step.text.startswith(text)
        assert step.text.endswith("by start_review: urgent by judgment")
        assert step.source.startswith("decreto 9/2026-01-20, entry ")


def test_a_draft_and_what_came_by_another_channel_have_no_place(work):
    work.take(submission(0, draft=True))
    other = work.file(1, channel="pec")

    for name in ("DOM-0001", other):
        told = turn(work, name)
        assert told.result == "it has no place in the order"
        assert [step.rule for step in told.steps] == ["order.no_place"]


def test_long_lists_are_cut_short_unless_all_are_wanted(work, monkeypatch):
    monkeypatch.setattr(explanations, "_NAMED", 2)
    names = [work.file(number) for number in range(4)]

    short = turn(work, names[3])
    full = explanations.turn(work.desk, names[3], everything=True)

    assert said(short, "order.earlier")[0].endswith(f"{names[1]} and 1 more")
    assert said(full, "order.earlier")[0].endswith(f"{names[1]}, {names[2]}")


def test_those_of_one_day_do_not_wait_for_each_other(work, tmp_path):
    arranged(work, tmp_path, "same_day_merit")
    first, second = taken(work, submission(0), submission(1))
    assert turn(work, second).result == f"{second}: its review may start now"

    put(work, second, review_started=True)
    work.wait(days=1)
    (third,) = taken(work, submission(2))

    assert said(turn(work, second), "order.together") == [
        "2026-01-20: it has no score yet"
    ]
    assert turn(work, third).result == f"{third}: its review has to wait for {first}"


def test_a_draw_is_told_with_its_seed(work, tmp_path):
    arranged(work, tmp_path, "same_week_draw")
    (name,) = taken(work, submission(0))
    assert said(turn(work, name), "order.together") == [
        "2026-W04: the week is not drawn yet"
    ]

    call_id = put(work, name, rank=1)
    with transaction(work.desk.engine) as session:
        session.add(
            Draw(
                call_id=call_id,
                week="2026-W04",
                seed="lotto 27/01/2026",
                drawn_at=rome(2026, 1, 27, 9),
            )
        )

    (text,) = said(turn(work, name), "order.together")
    assert "27/01/2026 09:00:00 (Rome) with the seed `lotto 27/01/2026`, rank 1" in text


# --- money --------------------------------------------------------------------


def test_the_money_is_told_from_the_allocation_to_what_is_left(work):
    first, second = work.file(0), work.file(1)
    work.routine(first, *TO_GRANT)
    work.routine(second, Event.WITHDRAW)

    told = accounts.money(work.desk, CTL)

    assert [step.rule for step in told.steps] == [
        "money.allocation",
        "money.reserve",
        "money.grant",
        "money.release",
    ]
    assert "222222.22 reserved for 2 filed one after the other" in told.steps[1].text
    assert "decreto 100/2026-01-20" in told.steps[2].source
    assert told.steps[-1].text.endswith(
        "reserved 0.00, granted 111111.11, residual 888888.89"
    )
    assert told.result == (
        "1000000.00 allocated - 0.00 reserved - 111111.11 granted = 888888.89 residual,"
        " which is that of the call"
    )
    assert told.faults == ()


def test_each_reservation_is_told_on_request(work):
    names = [work.file(number) for number in range(3)]

    told = accounts.money(work.desk, CTL, everything=True)

    assert len(told.steps) == 4
    assert names[1] in told.steps[2].text


def test_a_new_allocation_is_told_with_its_act(work, tmp_path):
    path = edited(tmp_path, ('amount = "1000000.00"', 'amount = "1500000.00"'))
    calls.register_call(
        work.desk.as_officer("director"), path, act="decreto 7/2026-01-20"
    )

    told = accounts.money(work.desk, CTL)

    assert told.steps[-1].text.startswith(
        "the allocation goes from 1000000.00 to 1500000.00;"
    )
    assert "decreto 7/2026-01-20" in told.steps[-1].source
    assert told.faults == ()


def test_the_result_is_the_residual_of_the_call_after_a_whole_procedure(work):
    names = [work.file(number) for number in range(9)]
    for name in names[:3]:
        work.routine(name, REVIEW, ADMIT, EVALUATE)
        work.move(
            name,
            GRANT,
            **{
                **usual(GRANT, work.today),
                "inputs": {
                    **usual(GRANT, work.today)["inputs"],
                    "admitted_investment": "50000.00",
                },
            },
        )
    work.routine(names[4], Event.WITHDRAW)

    told = accounts.money(work.desk, CTL)

    assert told.faults == ()
    residual = views.queue(work.desk, CTL).residual
    assert f"= {residual // 100}.{residual % 100:02d} residual" in told.result


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE calls SET reserved = reserved - 1",
            "the call has 1000000.00 allocated, reserved 111111.10",
        ),
        (
            "UPDATE calls SET allocation = allocation + 1",
            "the call has 1000000.01 allocated",
        ),
    ],
)
def test_a_call_that_is_not_what_its_entries_add_up_to_exits_with_5(
    work, statement, fault
):
    work.file(0)
    with work.desk.engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement))

    told = typed(work, "money", CTL, "--json")
    plain = typed(work, "money", CTL)

    assert (told.exit_code, plain.exit_code) == (5, 5)
    of_the_call, of_the_sums = json.loads(told.stdout)["faults"]
    assert fault in of_the_call
    assert of_the_sums == (
        "the sums still free add up to 888888.89, the residual of the call is 888888.90"
    )
    assert "IT DOES NOT ADD UP" in plain.stdout.splitlines()[-1]


def test_sums_that_are_free_and_not_the_residual_are_a_fault(work):
    work.file(0)
    with transaction(work.desk.engine) as session:
        found = session.exec(select(Call)).one()
        for fund in session.exec(select(Fund)):
            session.delete(fund)
        session.flush()
        session.add(
            Fund(call_id=found.id, entry_seq=1, event="load_call", amount=1, free=1)
        )

    (fault,) = accounts.money(work.desk, CTL).faults

    assert fault == (
        "the sums still free add up to 0.01, the residual of the call is 888888.89"
    )


def test_a_movement_that_no_entry_tells_of_is_a_fault(work):
    work.file(0)
    with work.desk.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "INSERT INTO movements SELECT call_id, 99, ordinal, call_version, "
                "application_id, kind, reserved, granted, residual, at FROM movements"
            )
        )

    told = accounts.money(work.desk, CTL)

    assert told.faults == ("no entry tells of the movements under 99",)


# --- aid ----------------------------------------------------------------------


def test_before_the_grant_the_aid_is_told_as_it_would_be_now(work):
    aids = [{"granted_on": "2025-05-04", "amount": "250000.00", "grantor": "Comune"}]
    name = work.file(0, aids=aids)

    told = explanations.aid(work.desk, name)

    assert said(told, "aid.prior") == ["250000.00 granted on 04/05/2025 by Comune"]
    assert said(told, "aid.residual_ceiling")[0].endswith("50000.00 left")
    assert told.result.startswith("nothing is granted; on 20/01/2026 50000.00 could be")


def test_after_the_grant_the_aid_is_told_as_it_was_computed_then(work):
    name = work.file(0)
    work.routine(name, *TO_GRANT)
    before = explanations.aid(work.desk, name)
    work.wait(days=400)

    told = explanations.aid(work.desk, name)

    assert told == before
    assert said(told, "aid.total") == ["111111.11 may be granted"]
    assert told.result.startswith("111111.11 is granted; computed by grant in entry ")


def test_the_final_amount_is_told_after_that_of_the_grant(work):
    name = work.file(0)
    work.routine(name, *TO_GRANT, *TO_DETERMINATION)

    told = explanations.aid(work.desk, name)

    assert [step.rule for step in told.steps][-1] == "aid.within_grant"
    assert "computed by determine_amount" in told.result


TO_DETERMINATION = (
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
    Event.FILE_PLAN,
    Event.DETERMINE_AMOUNT,
)


# --- the command --------------------------------------------------------------


def test_every_explanation_has_its_steps_with_their_sources(work):
    name = work.file(0)

    for words in (("turn", name), ("money", CTL), ("aid", name)):
        told = json.loads(typed(work, *words, "--json").stdout)
        plain = typed(work, *words).stdout.splitlines()

        assert set(told) >= {"steps", "result"}
        assert all(set(step) == {"rule", "source", "text"} for step in told["steps"])
        assert plain[0] == f"1. {told['steps'][0]['text']}"
        assert plain[1] == f"   [{told['steps'][0]['source']}]"
        assert plain[-1] == told["result"]


def test_an_explanation_names_no_applicant(work):
    name = work.file(0)
    applicant = submission(0)["applicant"]

    for words in (("turn", name), ("money", CTL), ("aid", name)):
        plain = typed(work, *words).stdout

        assert not any(value in plain for value in applicant.values())


def test_what_does_not_exist_is_refused(work):
    for explain, code in (
        (lambda: explanations.turn(work.desk, "2026/99"), "application.unknown"),
        (lambda: explanations.aid(work.desk, "2026/99"), "application.unknown"),
        (lambda: accounts.money(work.desk, "ghost"), "call.unknown"),
    ):
        with pytest.raises(RefusedError) as error:
            explain()
        assert error.value.code == code


# --- the queue under other policies ---------------------------------------------


def test_of_one_day_the_better_score_stands_first_in_the_queue(work, tmp_path):
    arranged(work, tmp_path, "same_day_merit")
    first, second, third = taken(work, *map(submission, range(3)))
    for name, points in ((first, 70), (third, 90)):
        put(work, name, state=ApplicationState.EVALUATED, score=points)

    items = views.queue(work.desk, SECOND).items

    assert [(one.protocol, one.position, one.score) for one in items] == [
        (third, 3, 90),
        (first, 1, 70),
        (second, 2, None),
    ]
    assert {one.together_with for one in items} == {"2026-01-20"}
    assert items[2].may_review
    assert items[0].may_grant


def test_the_one_without_a_score_keeps_money_from_the_others_of_its_day(work, tmp_path):
    arranged(work, tmp_path, "same_day_merit")
    first, _ = taken(work, submission(0), submission(1, requested="900000.00"))
    put(work, first, state=ApplicationState.EVALUATED, score=80)

    (item, _) = views.queue(work.desk, SECOND).items

    assert (item.protocol, item.state) == (first, "evaluated")
    assert not item.may_grant
