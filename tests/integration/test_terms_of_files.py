"""Do the terms of a file start, stop, end and fall when the law says?"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import ApplicationState, Event, TermKind, TermStatus
from tests.builders import (
    ROME,
    TO_ACCEPTANCE,
    TO_GRANT,
    TO_PROGRESS,
    TO_THE_END,
    Office,
    rome,
    usual,
)
from tests.contents import entries
from tests.editions import edited
from workflow.errors import RefusedError
from workflow.services import calls, sweep, views

DAY = timedelta(days=1)
PUBLISHED = (
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
)
TO_ASKED = (Event.START_REVIEW, Event.REQUEST_COMPLETION)
TO_CONVENED = (*TO_GRANT, *PUBLISHED[:2])
TO_MINUTES = (*TO_GRANT, *PUBLISHED)
TO_FILED = (*TO_MINUTES, Event.FILE_PLAN)


def term(work: Office, application: str, kind: TermKind) -> Any:
    """Return the latest term of a kind."""
    return next(
        one
        for one in reversed(views.shown(work.desk, application).terms)
        if one.kind == kind
    )


def kinds(work: Office, application: str) -> dict[TermKind, TermStatus]:
    return {one.kind: one.status for one in views.shown(work.desk, application).terms}


def last_day(work: Office, application: str, kind: TermKind) -> date:
    """Return the civil day on which a term ends, at 23:59:59 in Rome."""
    local: datetime = term(work, application, kind).due_at.astimezone(ROME)
    assert (local.hour, local.minute, local.second) == (23, 59, 59)
    return local.date()


def delivered(work: Office, application: str, letter: str, **stated: str) -> None:
    work.move(
        application,
        Event.RECORD_DELIVERY,
        inputs={"letter": letter, "receipt": "R-1", **stated},
    )


def refused(work: Office, application: str, event: Event, **changes: Any) -> str:
    with pytest.raises(RefusedError) as error:
        work.move(application, event, **{**usual(event, work.today), **changes})
    return error.value.code


def by_time(work: Office, application: str) -> list[str]:
    """Have a worker do what is due by now; return what it did on a file."""
    applied = sweep.sweep(work.desk).applied
    return [one.event for one in applied if one.application == application]


def asked(work: Office, number: int = 0) -> str:
    """File an application and ask for its completion."""
    application = work.file(number)
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    return application


# Started by moves


def test_each_move_starts_and_meets_its_terms(work: Office):
    application = work.file()
    seen = [kinds(work, application)]

    for event in TO_PROGRESS:
        work.routine(application, event)
        seen.append(kinds(work, application))

    running, met = TermStatus.RUNNING, TermStatus.MET
    assert seen[0] == {TermKind.CONCLUSION: running}
    assert seen[1] == {**seen[0], TermKind.FORMAL_CHECK: running}
    assert seen[2] == {**seen[1], TermKind.FORMAL_CHECK: met, TermKind.MERIT: running}
    assert seen[3] == {**seen[2], TermKind.MERIT: met}
    assert seen[4] == {
        **seen[3],
        TermKind.CONCLUSION: met,
        TermKind.AID_REGISTRY: running,
    }
    assert seen[7] == {**seen[4], TermKind.DEFINITIVE_PLAN: running}
    assert seen[8] == {
        **seen[7],
        TermKind.DEFINITIVE_PLAN: met,
        TermKind.PLAN_CHECK: running,
    }
    assert seen[9] == {**seen[8], TermKind.PLAN_CHECK: met}
    assert seen[10] == {**seen[9], TermKind.START: running}
    assert seen[11] == {
        **seen[10],
        TermKind.START: met,
        TermKind.DURATION: running,
    }
    work.move(application, Event.DECLARE_END)
    assert kinds(work, application)[TermKind.REPORT] == running


def test_the_term_of_a_submission_is_counted_from_its_day_in_rome(work: Office):
    work.clock.move_to(rome(2026, 1, 21, 0, 30))  # still the 20th in Greenwich
    application = work.file()

    found = term(work, application, TermKind.CONCLUSION)

    assert found.starts_on == date(2026, 1, 21)
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 21)


def test_an_entry_shows_how_its_term_was_computed(work: Office):
    work.file()

    (entry,) = entries(work, event="submit")

    (started,) = entry["terms"]
    assert started["kind"] == "conclusion"
    assert started["due_at"] == "2026-04-20T21:59:59.000000Z"
    assert started["source"] == "assumed"
    assert "2026-04-06" in started["holidays"]
    assert started["steps"]


# From receipt


def test_a_term_from_receipt_exists_only_after_proof_of_delivery(work: Office):
    application = asked(work)
    assert TermKind.COMPLETION not in kinds(work, application)
    work.wait(days=40)

    code = refused(work, application, Event.EXPIRE_COMPLETION)
    delivered(work, application, "completion_request")

    assert code == "term.not_started"
    assert kinds(work, application)[TermKind.COMPLETION] == TermStatus.RUNNING
    assert term(work, application, TermKind.COMPLETION).starts_on == work.today


def test_a_delivery_is_counted_from_the_day_it_was_made(work: Office):
    application = asked(work)
    work.wait(days=5)

    delivered(work, application, "completion_request", delivered_on="2026-01-22")

    assert last_day(work, application, TermKind.COMPLETION) == date(2026, 2, 2)


def test_a_delivery_is_neither_before_its_letter_nor_in_the_future(work: Office):
    application = asked(work)

    codes = [
        refused(
            work,
            application,
            Event.RECORD_DELIVERY,
            inputs={
                "letter": "completion_request",
                "receipt": "R-1",
                "delivered_on": day,
            },
        )
        for day in ("2026-01-19", "2026-01-21")
    ]

    assert codes == ["date.too_early", "date.future"]
    assert TermKind.COMPLETION not in kinds(work, application)


def test_a_letter_is_delivered_once_and_only_if_it_was_written(work: Office):
    application = asked(work)
    delivered(work, application, "completion_request")

    codes = [
        refused(
            work,
            application,
            Event.RECORD_DELIVERY,
            inputs={"letter": letter, "receipt": "R-2"},
        )
        for letter in ("completion_request", "grant")
    ]

    assert codes == ["notice.delivered", "notice.not_written"]


# From receipt, but only while something is awaited


@pytest.mark.parametrize(
    ("before", "letter", "after", "kind"),
    [
        ((*TO_GRANT, *PUBLISHED), "grant", (), TermKind.NEGOTIATION),
        (
            (*TO_FILED, Event.RETURN_PLAN, Event.FILE_PLAN),
            "plan_returned",
            (),
            TermKind.PLAN_CORRECTION,
        ),
        (TO_ACCEPTANCE, "amount_determined", (), TermKind.ACCEPTANCE),
        (TO_ASKED, "completion_request", (Event.WITHDRAW,), TermKind.COMPLETION),
        (TO_GRANT, "grant", (Event.ANNUL,), TermKind.NEGOTIATION),
    ],
    ids=["signed", "filed again", "accepted", "withdrawn", "annulled"],
)
def test_a_receipt_that_comes_when_nothing_is_awaited_starts_no_term(
    work: Office,
    before: tuple[Event, ...],
    letter: str,
    after: tuple[Event, ...],
    kind: TermKind,
):
    application = work.file()
    work.routine(application, *before, *after)

    delivered(work, application, letter)

    assert kind not in kinds(work, application)
    assert work.verified()


@pytest.mark.parametrize(
    ("before", "letter", "kind"),
    [
        (TO_GRANT, "grant", TermKind.NEGOTIATION),
        (TO_CONVENED, "grant", TermKind.NEGOTIATION),
        ((*TO_FILED, Event.RETURN_PLAN), "plan_returned", TermKind.PLAN_CORRECTION),
        (TO_ACCEPTANCE[:-1], "amount_determined", TermKind.ACCEPTANCE),
    ],
    ids=["granted", "convened", "returned", "determined"],
)
def test_a_receipt_starts_its_term_while_the_step_is_open(
    work: Office, before: tuple[Event, ...], letter: str, kind: TermKind
):
    application = work.file()
    work.routine(application, *before)

    delivered(work, application, letter)

    assert kinds(work, application)[kind] == TermStatus.RUNNING


@pytest.mark.parametrize(
    ("before", "letter"),
    [
        ((Event.WITHDRAW,), "withdrawal_acknowledged"),
        ((*TO_GRANT, Event.ANNUL), "annulled"),
        (TO_THE_END, "settled"),
        ((*TO_PROGRESS, Event.REVOKE), "revoked"),
    ],
)
def test_the_letter_of_a_final_act_is_delivered_too(
    work: Office, before: tuple[Event, ...], letter: str
):
    application = work.file()
    work.routine(application, *before)
    terms = kinds(work, application)

    delivered(work, application, letter)

    assert kinds(work, application) == terms
    assert refused(
        work,
        application,
        Event.RECORD_DELIVERY,
        inputs={"letter": letter, "receipt": "R-2"},
    ) == ("notice.delivered")
    assert work.verified()


# Suspended: the term of the office, 90 days from 20/01/2026, ends on 20/04/2026


def test_a_completion_request_stops_the_clock_from_delivery_to_answer(work: Office):
    application = asked(work)
    work.clock.move_to(rome(2026, 2, 9, 12))
    delivered(work, application, "completion_request")
    stopped = term(work, application, TermKind.CONCLUSION).status
    work.clock.move_to(rome(2026, 2, 19, 12))

    work.routine(application, Event.ANSWER_COMPLETION)

    found = term(work, application, TermKind.CONCLUSION)
    assert stopped == TermStatus.SUSPENDED
    assert (found.status, found.suspended_days) == (TermStatus.RUNNING, 10)
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 30)
    assert kinds(work, application)[TermKind.COMPLETION] == TermStatus.MET


def test_an_unanswered_request_stops_the_clock_until_the_end_of_its_term(work: Office):
    application = asked(work)
    work.clock.move_to(rome(2026, 2, 9, 12))
    delivered(work, application, "completion_request")
    work.clock.move_to(rome(2026, 2, 20))

    swept = by_time(work, application)

    # The thirty days of the formal check end on the same day.
    assert swept == [Event.EXPIRE_COMPLETION, Event.EXPIRE_TERM]
    found = term(work, application, TermKind.CONCLUSION)
    assert (found.status, found.suspended_days) == (TermStatus.RUNNING, 10)
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 30)
    assert kinds(work, application)[TermKind.COMPLETION] == TermStatus.EXPIRED


@pytest.mark.parametrize("event", [Event.EXPIRE_COMPLETION, Event.ANSWER_COMPLETION])
def test_however_long_its_term_a_request_stops_the_clock_thirty_days_at_most(
    work: Office, tmp_path: Path, event: Event
):
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    calls.register_call(work.desk, edited(tmp_path, longer), act="decreto 2/2026-01-20")
    application = asked(work)
    work.clock.move_to(rome(2026, 2, 9, 12))
    delivered(work, application, "completion_request")
    answered = event == Event.ANSWER_COMPLETION
    work.clock.move_to(rome(2026, 3, 11, 23, 59, 59))
    by_time(work, application)
    work.clock.move_to(rome(2026, 3, 12))
    resumed = by_time(work, application)
    clock = term(work, application, TermKind.CONCLUSION)
    work.clock.move_to(rome(2026, 3, 15 if answered else 25))

    if answered:
        work.routine(application, event)
    else:
        assert by_time(work, application) == [event]

    assert resumed == [Event.RESUME_TERM]
    assert (clock.status, clock.suspended_days) == (TermStatus.RUNNING, 30)
    assert term(work, application, TermKind.CONCLUSION).suspended_days == 30
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 5, 20)


@pytest.mark.parametrize("day", [1, 28])
def test_stopping_to_wait_late_gives_the_same_result_as_on_time(work: Office, day: int):
    application = asked(work)
    delivered(work, application, "completion_request")
    work.clock.move_to(rome(2026, 2, day))

    assert by_time(work, application)[0] == Event.EXPIRE_COMPLETION

    found = term(work, application, TermKind.CONCLUSION)
    (entry,) = entries(work, event="expire_completion")
    assert (found.status, found.suspended_days) == (TermStatus.RUNNING, 10)
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 30)
    assert entry["findings"]["due_at"] == "2026-01-30T22:59:59.000000Z"
    assert entry["actor"]["role"] == "system"


def test_the_clock_is_stopped_for_papers_only_once(work: Office):
    application = asked(work)
    delivered(work, application, "completion_request")
    work.routine(application, Event.ANSWER_COMPLETION)

    assert refused(work, application, Event.REQUEST_COMPLETION) == (
        "completion_request.once"
    )


def test_a_request_that_was_never_delivered_stops_no_clock(work: Office):
    application = asked(work)
    work.wait(days=5)

    work.routine(application, Event.ANSWER_COMPLETION)

    assert term(work, application, TermKind.CONCLUSION).suspended_days == 0
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 20)


def test_a_receipt_recorded_after_the_answer_still_stops_the_clock(work: Office):
    application = asked(work)
    work.clock.move_to(rome(2026, 2, 19, 12))
    work.routine(application, Event.ANSWER_COMPLETION)
    work.clock.move_to(rome(2026, 2, 25, 12))

    delivered(work, application, "completion_request", delivered_on="2026-02-09")

    found = term(work, application, TermKind.CONCLUSION)
    assert (found.status, found.suspended_days) == (TermStatus.RUNNING, 10)
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 30)
    assert TermKind.COMPLETION not in kinds(work, application)


def test_the_receipt_of_a_notice_recorded_after_the_observations_stops_it_too(
    work: Office,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.NOTIFY_REFUSAL)
    work.clock.move_to(rome(2026, 3, 18, 12))
    work.routine(application, Event.FILE_OBSERVATIONS)
    work.clock.move_to(rome(2026, 3, 25, 12))

    delivered(work, application, "refusal_notice", delivered_on="2026-03-11")

    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 5, 7)
    assert TermKind.OBSERVATIONS not in kinds(work, application)


def test_observations_let_the_clock_go_on_ten_days_later(work: Office):
    application = notified(work)
    work.clock.move_to(rome(2026, 3, 18, 12))

    work.routine(application, Event.FILE_OBSERVATIONS)

    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 5, 7)


def test_without_observations_the_clock_goes_on_at_the_end_of_their_term(work: Office):
    application = notified(work)
    assert last_day(work, application, TermKind.OBSERVATIONS) == date(2026, 3, 21)
    work.clock.move_to(rome(2026, 3, 22))

    swept = by_time(work, application)

    # The end of the ten days sets the clock going: it need not do so by itself.
    assert swept == [Event.EXPIRE_OBSERVATIONS]
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 30)


def notified(work: Office) -> str:
    """Give notice of refusal, delivered on the fiftieth day."""
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.NOTIFY_REFUSAL)
    work.clock.move_to(rome(2026, 3, 11, 12))
    delivered(work, application, "refusal_notice")
    return application


# The last instant


@pytest.mark.parametrize(
    ("answered", "in_time"),
    [
        (rome(2026, 3, 30, 23, 59, 59), True),
        (rome(2026, 3, 30, 23, 59, 59, 999_999), True),
        (rome(2026, 3, 31), False),
    ],
    ids=["23:59:59", "23:59:59.999999", "midnight"],
)
def test_a_plan_is_in_time_until_midnight_in_rome_also_across_summer_time(
    work: Office, answered: datetime, in_time: bool
):
    application = work.file()
    work.clock.move_to(rome(2026, 2, 28, 12))  # in winter; the end is in summer
    work.routine(application, *TO_MINUTES)
    assert term(work, application, TermKind.DEFINITIVE_PLAN).due_at == datetime(
        2026, 3, 30, 21, 59, 59, tzinfo=UTC
    )
    work.clock.move_to(answered)

    if in_time:
        work.routine(application, Event.FILE_PLAN)
        assert kinds(work, application)[TermKind.DEFINITIVE_PLAN] == TermStatus.MET
    else:
        assert refused(work, application, Event.FILE_PLAN) == "term.expired"


PERMISSIVE = {
    "completion": 'effect = "stop_waiting"\nperemptory = false\nsource = "assumed"',
    "observations": 'effect = "stop_waiting"\nperemptory = false\nsource = "found"',
}
LATE_ANSWERS = pytest.mark.parametrize(
    ("asking", "letter", "answering", "stopping"),
    [
        (
            Event.REQUEST_COMPLETION,
            "completion_request",
            Event.ANSWER_COMPLETION,
            Event.EXPIRE_COMPLETION,
        ),
        (
            Event.NOTIFY_REFUSAL,
            "refusal_notice",
            Event.FILE_OBSERVATIONS,
            Event.EXPIRE_OBSERVATIONS,
        ),
    ],
    ids=["completion", "observations"],
)


@LATE_ANSWERS
def test_a_late_answer_is_taken_in_as_late_while_nothing_is_decided(
    work: Office, asking: Event, letter: str, answering: Event, stopping: Event
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, asking)
    delivered(work, application, letter)
    work.clock.move_to(rome(2026, 2, 15))

    work.routine(application, answering)

    (stopped,) = entries(work, event=stopping.value, outcome="ok")
    (answered,) = entries(work, event=answering.value, outcome="ok")
    assert stopped["seq"] < answered["seq"]
    assert stopped["actor"]["role"] == "system"
    assert answered["findings"]["late"] is True
    found = term(work, application, TermKind.CONCLUSION)
    assert (found.status, found.suspended_days) == (TermStatus.RUNNING, 10)
    assert last_day(work, application, TermKind.CONCLUSION) == date(2026, 4, 30)
    assert refused(work, application, answering).endswith(".not_open")
    assert work.verified()


@LATE_ANSWERS
def test_the_last_instant_of_the_term_is_not_late(
    work: Office, asking: Event, letter: str, answering: Event, stopping: Event
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, asking)
    delivered(work, application, letter)
    work.clock.move_to(rome(2026, 1, 30, 23, 59, 59, 999_999))

    work.routine(application, answering)

    (answered,) = entries(work, event=answering.value, outcome="ok")
    assert "late" not in answered["findings"]
    assert entries(work, event=stopping.value) == []


@LATE_ANSWERS
def test_a_late_answer_is_refused_once_something_was_decided_on_the_file(
    work: Office, asking: Event, letter: str, answering: Event, stopping: Event
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, asking)
    delivered(work, application, letter)
    work.clock.move_to(rome(2026, 2, 15))
    decided = (
        Event.ADMIT if asking == Event.REQUEST_COMPLETION else Event.UPHOLD_OBSERVATIONS
    )

    work.routine(application, decided)

    assert refused(work, application, answering) in {
        "machine.wrong_state",
        "refusal_notice.not_open",
    }
    assert entries(work, event=stopping.value, outcome="ok")


@LATE_ANSWERS
def test_a_late_answer_to_a_peremptory_term_is_refused(
    work: Office,
    tmp_path: Path,
    asking: Event,
    letter: str,
    answering: Event,
    stopping: Event,
):
    kind = "completion" if asking == Event.REQUEST_COMPLETION else "observations"
    text = PERMISSIVE[kind]
    strict = (text, text.replace("peremptory = false", "peremptory = true"))
    calls.register_call(work.desk, edited(tmp_path, strict), act="decreto 2/2026-01-20")
    application = work.file()
    work.routine(application, Event.START_REVIEW, asking)
    delivered(work, application, letter)
    work.clock.move_to(rome(2026, 2, 15))

    code = refused(work, application, answering)

    assert code.endswith(".not_open")
    assert entries(work, event=stopping.value, outcome="ok")


def test_a_term_that_would_end_on_the_day_of_23_hours_ends_on_monday(work: Office):
    application = asked(work)
    work.clock.move_to(rome(2026, 3, 19, 12))

    delivered(work, application, "completion_request")

    assert last_day(work, application, TermKind.COMPLETION) == date(2026, 3, 30)


def test_a_worker_stops_waiting_only_after_the_last_second(work: Office):
    application = asked(work)
    delivered(work, application, "completion_request")
    worker = Office(work.desk.as_worker(), work.clock)
    due = term(work, application, TermKind.COMPLETION).due_at

    work.clock.move_to(due + timedelta(microseconds=999_999))
    early = refused(worker, application, Event.EXPIRE_COMPLETION)
    swept_early = by_time(work, application)
    work.clock.move_to(due + timedelta(seconds=1))
    swept = by_time(work, application)

    assert (early, swept_early) == ("term.running", [])
    assert swept == [Event.EXPIRE_COMPLETION]
    assert kinds(work, application)[TermKind.COMPLETION] == TermStatus.EXPIRED


# Left behind


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), Event.WITHDRAW),
        ((Event.START_REVIEW, Event.REQUEST_COMPLETION), Event.WITHDRAW),
        (TO_MINUTES, Event.ANNUL),
        (TO_PROGRESS, Event.REVOKE),
    ],
    ids=["submitted", "waiting for papers", "negotiating", "in progress"],
)
def test_leaving_to_a_final_state_cancels_every_running_term(
    work: Office, before: tuple[Event, ...], event: Event
):
    application = work.file()
    work.routine(application, *before)

    work.routine(application, event)

    going = {TermStatus.RUNNING, TermStatus.SUSPENDED}
    assert not going & set(kinds(work, application).values())
    assert TermStatus.CANCELLED in kinds(work, application).values()
    assert {step.status for step in views.shown(work.desk, application).steps} <= {
        "closed"
    }


# What is stated


def test_no_day_of_tomorrow_is_recorded(work: Office):
    application = work.file()
    work.routine(application, *TO_GRANT)
    tomorrow = (work.today + DAY).isoformat()
    codes = [
        refused(work, application, event, inputs={**inputs})
        for event, inputs in (
            (Event.RECORD_PUBLICATION, {"published_on": tomorrow, "reference": "B"}),
            (Event.CONFIRM_COR, {"sent_on": tomorrow}),
        )
    ]
    work.routine(application, Event.RECORD_PUBLICATION, Event.CONVENE_NEGOTIATION)
    codes.append(
        refused(
            work,
            application,
            Event.SIGN_MINUTES,
            inputs={"minutes": "V-1", "signed_on": tomorrow},
        )
    )
    work.routine(application, *TO_ACCEPTANCE[6:])

    codes.append(
        refused(work, application, Event.START, inputs={"started_on": tomorrow})
    )
    codes.append(refused(work, application, Event.REVOKE, act=f"decreto 1/{tomorrow}"))

    assert codes == ["date.future"] * 4 + ["act.future"]


def test_no_day_before_the_fact_it_follows_is_recorded(work: Office):
    application = work.file()
    work.wait(days=3)
    work.routine(application, *TO_GRANT)
    yesterday = (work.today - DAY).isoformat()

    codes = [
        refused(work, application, event, inputs={**inputs})
        for event, inputs in (
            (Event.RECORD_PUBLICATION, {"published_on": yesterday, "reference": "B"}),
            (Event.CONFIRM_COR, {"sent_on": yesterday}),
        )
    ]

    assert codes == ["date.too_early"] * 2


def test_no_more_than_the_grant_is_recognised_or_recovered(work: Office):
    application = work.file()
    work.routine(application, *TO_PROGRESS, Event.DECLARE_END, Event.FILE_REPORT)

    codes = [
        refused(work, application, Event.SETTLE, inputs={"recognised": "111111.12"}),
        refused(work, application, Event.REVOKE, inputs={"recover": "111111.12"}),
    ]
    work.routine(application, Event.SETTLE)

    assert codes == ["amount.above_grant"] * 2
    assert calls.listed(work.desk)[0].granted == 10_000_000


def test_no_act_is_older_than_the_application_it_decides_on(work: Office):
    application = work.file()
    work.routine(application, *TO_GRANT[:3])

    code = refused(work, application, Event.GRANT, act="decreto 1/2026-01-19")
    work.routine(application, Event.GRANT)

    assert code == "act.too_early"
    assert kinds(work, application)[TermKind.CONCLUSION] == TermStatus.MET


def test_the_aid_registry_is_told_once(work: Office):
    application = work.file()
    work.routine(application, *TO_GRANT, Event.CONFIRM_COR)

    assert refused(work, application, Event.CONFIRM_COR) == "cor.confirmed"


# Money that is out


def free(work: Office) -> int:
    """Return what is left of the allocation, in cents."""
    return calls.listed(work.desk)[0].residual


@pytest.mark.parametrize("event", [Event.REVOKE, Event.ANNUL])
def test_what_was_settled_is_not_free_again_whatever_is_stated(
    work: Office, event: Event
):
    application = work.file()
    work.routine(application, *TO_THE_END)

    receipt = work.move(application, event, **usual(event, work.today))

    assert receipt["money"]["movements"] == []
    found = receipt["findings"]
    assert (found["to_recover"], found["freed"]) == (10_000_000, 0)
    assert found.keys() == {"to_recover", "freed", "dropped"}
    assert free(work) == 90_000_000
    assert work.verified()


@pytest.mark.parametrize("event", [Event.REVOKE, Event.ANNUL])
def test_what_was_paid_is_not_free_again_before_it_comes_back(
    work: Office, event: Event
):
    application = work.file()
    work.routine(application, *TO_PROGRESS)
    stated = {**usual(event, work.today), "inputs": {"recover": "30000.00"}}

    work.move(application, event, **stated)

    assert views.shown(work.desk, application).summary.granted == 3_000_000
    assert free(work) == 97_000_000
    assert work.verified()


@pytest.mark.parametrize(
    ("before", "kept"),
    [((), 0), (TO_MINUTES, 0), (TO_FILED, 3_000_000), (TO_PROGRESS, 3_000_000)],
    ids=["submitted", "granted", "plan filed", "in progress"],
)
def test_a_withdrawal_leaves_the_part_whose_right_has_matured(
    work: Office, before: tuple[Event, ...], kept: int
):
    application = work.file()
    work.routine(application, *before)

    work.routine(application, Event.WITHDRAW)

    assert views.shown(work.desk, application).summary.granted == kept
    assert free(work) == 100_000_000 - kept
    assert work.verified()


# Lapse


def missed(work: Office) -> str:
    """Let the term for the definitive plan pass; a worker is about to notice."""
    application = work.file()
    work.routine(application, *TO_MINUTES)
    work.clock.move_to(rome(2026, 2, 20))
    return application


def test_a_lapse_is_proposed_only_after_the_end_of_the_term(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES)
    assert last_day(work, application, TermKind.DEFINITIVE_PLAN) == date(2026, 2, 19)
    worker = Office(work.desk.as_worker(), work.clock)

    work.clock.move_to(rome(2026, 2, 19, 23, 59, 59, 999_999))
    early = refused(worker, application, Event.PROPOSE_LAPSE)
    swept_early = by_time(work, application)
    work.clock.move_to(rome(2026, 2, 20))
    swept = by_time(work, application)

    assert (early, swept_early) == ("term.running", [])
    assert Event.PROPOSE_LAPSE in swept
    assert kinds(work, application)[TermKind.DEFINITIVE_PLAN] == TermStatus.EXPIRED
    (entry,) = entries(work, event="propose_lapse", outcome="ok")
    assert entry["to"] == "negotiating"
    assert entry["money"]["movements"] == []


def test_a_met_term_and_one_that_brings_no_lapse_are_no_ground(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.FILE_PLAN)
    work.wait(days=200)

    codes = [
        refused(work, application, Event.PROPOSE_LAPSE, inputs={"term": kind})
        for kind in ("definitive_plan", "plan_check", "acceptance")
    ]

    assert codes == ["term.met", "term.no_lapse", "term.not_started"]


def test_after_the_term_the_plan_is_late_and_while_a_lapse_is_proposed_too(
    work: Office,
):
    application = missed(work)

    late = refused(work, application, Event.FILE_PLAN)
    proposed = refused(work, application, Event.FILE_PLAN)

    assert (late, proposed) == ("term.expired", "term.expired")
    assert entries(work, event="propose_lapse", outcome="ok")


def test_a_dismissed_lapse_lets_the_file_go_on(work: Office):
    application = missed(work)
    work.routine(application, Event.DISMISS_LAPSE)

    work.routine(application, Event.FILE_PLAN)

    assert views.shown(work.desk, application).summary.granted == 11_111_111
    assert work.verified()


def test_a_dismissed_lapse_gives_the_missed_term_again_and_no_other(work: Office):
    application = work.file()
    work.routine(application, *TO_FILED, Event.RETURN_PLAN)
    delivered(work, application, "plan_returned")
    work.clock.move_to(rome(2026, 3, 12))
    assert Event.PROPOSE_LAPSE in by_time(work, application)
    before = every_term(work, application)

    work.routine(application, Event.DISMISS_LAPSE)

    assert every_term(work, application) - before == {
        (TermKind.PLAN_CORRECTION, 2, TermStatus.RUNNING),
        (TermKind.LAPSE_DECISION, 1, TermStatus.MET),
    }
    assert before - every_term(work, application) == {
        (TermKind.LAPSE_DECISION, 1, TermStatus.RUNNING)
    }
    assert last_day(work, application, TermKind.PLAN_CORRECTION) == date(2026, 3, 23)


def every_term(work: Office, application: str) -> set[tuple[TermKind, int, TermStatus]]:
    shown = views.shown(work.desk, application).terms
    return {(one.kind, one.ordinal, one.status) for one in shown}


def proposed(work: Office) -> str:
    """Propose a lapse on 20/02/2026, received on that day."""
    application = missed(work)
    delivered(work, application, "lapse_proposed")
    return application


def test_a_lapse_waits_for_receipt_of_its_proposal_and_for_the_ten_days(work: Office):
    application = missed(work)
    assert Event.PROPOSE_LAPSE in by_time(work, application)
    work.wait(days=40)
    unproven = refused(work, application, Event.LAPSE)
    delivered(work, application, "lapse_proposed", delivered_on="2026-03-30")
    work.clock.move_to(rome(2026, 4, 9, 23, 59, 59))
    early = refused(work, application, Event.LAPSE)
    work.clock.move_to(rome(2026, 4, 10))

    work.routine(application, Event.LAPSE)

    assert unproven == "lapse_proposal.not_delivered"
    assert early == "lapse_proposal.pending"
    assert views.shown(work.desk, application).summary.state == ApplicationState.LAPSED


def test_days_that_end_on_a_holiday_end_on_the_next_working_day(work: Office):
    application = missed(work)
    assert Event.PROPOSE_LAPSE in by_time(work, application)
    work.wait(days=40)
    delivered(work, application, "lapse_proposed", delivered_on="2026-03-26")
    work.clock.move_to(rome(2026, 4, 6, 12))  # Easter Monday

    pending = refused(work, application, Event.LAPSE)
    work.clock.move_to(rome(2026, 4, 8))
    work.routine(application, Event.LAPSE)

    assert pending == "lapse_proposal.pending"


def test_the_receipt_of_an_earlier_proposal_is_not_that_of_the_next(work: Office):
    application = proposed(work)
    work.routine(application, Event.DISMISS_LAPSE)
    work.wait(days=40)
    assert Event.PROPOSE_LAPSE in by_time(work, application)
    work.wait(days=40)

    assert refused(work, application, Event.LAPSE) == "lapse_proposal.not_delivered"


def test_only_a_person_adopts_a_lapse_and_its_money_is_free_again(work: Office):
    application = proposed(work)
    work.clock.move_to(rome(2026, 3, 3))
    worker = Office(work.desk.as_worker(), work.clock)

    by_worker = refused(worker, application, Event.LAPSE)
    work.routine(application, Event.LAPSE)

    assert by_worker == "role.missing"
    assert views.shown(work.desk, application).summary.state == ApplicationState.LAPSED
    assert calls.listed(work.desk)[0].residual == 100_000_000
    assert work.verified()


def test_a_lapse_is_not_adopted_without_a_proposal(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES)
    work.clock.move_to(rome(2026, 2, 19, 23, 59, 59))

    assert refused(work, application, Event.LAPSE) == "lapse_proposal.not_open"


def test_a_proposal_that_time_made_is_not_made_again_by_hand(work: Office):
    application = missed(work)

    code = refused(work, application, Event.PROPOSE_LAPSE)

    assert code == "lapse_proposal.open"
    (entry,) = entries(work, event="propose_lapse", outcome="ok")
    assert entry["actor"]["role"] == "system"
    assert entry["findings"]["term"] == "definitive_plan"
    assert refused(work, application, Event.LAPSE) == "lapse_proposal.not_delivered"
