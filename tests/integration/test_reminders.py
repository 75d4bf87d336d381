"""Is an applicant reminded of a term in time, once, and never in vain?"""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from models.vocabulary import Event
from tests.builders import CTL, TO_GRANT, Office, rome
from tests.contents import entries, rows
from tests.due_terms import unwatched
from tests.editions import edited
from tests.postboxes import Postbox
from tests.twins import Twins, advance, deliver, do, file, move, twins_of
from workflow.services import call_acts, calls, forecasts, outbox, sweep

REMINDING = ("reminders = []", "reminders = [10, 3, 0]")
SIGNED = rome(2026, 1, 30, 9)
"""The definitive plan is due thirty days later, on 2 March, a Monday."""
MORNINGS = [rome(2026, 2, 20, 9), rome(2026, 2, 27, 9), rome(2026, 3, 2, 9)]
TO_MINUTES = (*TO_GRANT, Event.RECORD_PUBLICATION, Event.CONVENE_NEGOTIATION)


@pytest.fixture
def reminding(work: Office, tmp_path: Path) -> Office:
    """Load a version of the call that reminds."""
    calls.register_call(
        work.desk, edited(tmp_path, REMINDING), act="decreto 1/2026-01-20", reason="so"
    )
    return work


def planned(work: Office) -> str:
    """Bring a file to where its definitive plan is due."""
    protocol = work.file()
    work.clock.move_to(SIGNED)
    work.routine(protocol, *TO_MINUTES, Event.SIGN_MINUTES)
    return protocol


def reminded(work: Office, protocol: str) -> list[tuple[datetime, int]]:
    """Return as of when somebody was reminded of the plan, and of how many days."""
    return [
        (
            datetime.fromisoformat(entry["findings"]["due_at"]),
            entry["findings"]["days"],
        )
        for entry in entries(work, target=protocol, event=Event.REMIND_TERM.value)
        if entry["findings"]["term"] == "definitive_plan"
    ]


def pass_to(work: Office, instant: datetime) -> None:
    work.clock.move_to(instant)
    sweep.sweep(work.desk)


def test_who_is_waited_for_is_reminded_ten_and_three_days_before_and_on_the_last(
    reminding: Office,
):
    protocol = planned(reminding)
    before = [reminded(reminding, protocol)]
    for morning in MORNINGS:
        pass_to(reminding, morning - timedelta(microseconds=1))
        before.append(reminded(reminding, protocol))
        pass_to(reminding, morning)
        pass_to(reminding, morning + timedelta(hours=3))

    told = list(zip(MORNINGS, (10, 3, 0), strict=True))
    assert before == [[], [], told[:1], told[:2]]
    assert reminded(reminding, protocol) == told
    bodies = rows(
        reminding.desk.engine,
        "SELECT body FROM notices WHERE letter = 'reminder' ORDER BY entry_seq",
    )
    assert len(bodies) == 3
    for (body,) in bodies:
        assert "entro le ore 23:59:59 di lunedì 2 marzo 2026 (ora di Roma)" in body
        assert "la presentazione del Piano di attività definitivo" in body
    ((status, due_at),) = rows(
        reminding.desk.engine,
        "SELECT status, due_at FROM terms WHERE kind = 'definitive_plan'",
    )
    assert status == "running"
    assert due_at == rome(2026, 3, 2, 23, 59, 59).timestamp() * 1_000_000
    assert unwatched(reminding.desk.engine) == []
    assert reminding.verified()


def test_of_what_was_done_nobody_is_reminded_any_more(reminding: Office):
    protocol = planned(reminding)
    pass_to(reminding, MORNINGS[0])
    reminding.routine(protocol, Event.FILE_PLAN)

    pass_to(reminding, MORNINGS[2])

    assert reminded(reminding, protocol) == [(MORNINGS[0], 10)]


def test_an_extension_moves_the_reminders_that_are_still_to_come(reminding: Office):
    protocol = planned(reminding)
    pass_to(reminding, MORNINGS[0])
    reminding.routine(protocol, Event.EXTEND_TERM)
    later = [rome(2026, 3, 13, 9), rome(2026, 3, 16, 9)]

    for morning in (*MORNINGS, *later):
        pass_to(reminding, morning)

    # Fifteen days more: of ten days the applicant was reminded already.
    assert reminded(reminding, protocol) == [
        (MORNINGS[0], 10),
        (later[0], 3),
        (later[1], 0),
    ]


def test_what_was_past_when_the_term_started_is_left_out(reminding: Office):
    protocol = reminding.file()
    reminding.clock.move_to(rome(2026, 2, 28, 9))
    reminding.routine(protocol, *TO_MINUTES)
    signed = {"minutes": "V-1", "signed_on": "2026-02-28"}
    reminding.move(protocol, Event.SIGN_MINUTES, inputs=signed)
    reminding.move(
        protocol,
        Event.FILE_PLAN,
        inputs={"document": "a" * 64, "investment": "95424.84"},
    )
    reminding.clock.move_to(rome(2026, 3, 10, 12))
    reminding.routine(protocol, Event.DETERMINE_AMOUNT)
    reminding.clock.move_to(rome(2026, 4, 8, 12))
    # Its thirty days began a month before the receipt was recorded.
    reminding.move(
        protocol,
        Event.RECORD_DELIVERY,
        inputs={
            "letter": "amount_determined",
            "receipt": "R",
            "delivered_on": "2026-03-10",
        },
    )

    pass_to(reminding, rome(2026, 4, 9, 8))
    pass_to(reminding, rome(2026, 4, 9, 20))

    days = [
        entry["findings"]["days"]
        for entry in entries(reminding, event=Event.REMIND_TERM.value)
    ]
    assert days == [0]


def test_nobody_is_reminded_of_a_call_that_was_annulled(reminding: Office):
    protocol = planned(reminding)
    call_acts.annul(
        reminding.desk, CTL, act="decreto 9/2026-01-30", reason="self-protection"
    )

    pass_to(reminding, MORNINGS[2])

    assert [days for _, days in reminded(reminding, protocol)] == [10, 3, 0]
    assert not rows(
        reminding.desk.engine, "SELECT id FROM notices WHERE letter = 'reminder'"
    )
    assert reminding.verified()


def test_a_forecast_tells_who_will_be_reminded(reminding: Office):
    protocol = planned(reminding)
    reminding.desk.engine.dispose()

    forecast = forecasts.forecast(reminding.desk, until=MORNINGS[2], code=CTL)

    told = [
        (effect.at, effect.application, effect.term, effect.letters)
        for effect in forecast.effects
        if effect.event is Event.REMIND_TERM
    ]
    assert told == [
        (morning, protocol, "definitive_plan", ("reminder",)) for morning in MORNINGS
    ]


def test_who_sleeps_reminds_as_who_never_does(
    reminding: Office, tmp_path: Path, request: pytest.FixtureRequest
):
    on_postgresql = reminding.desk.engine.dialect.name == "postgresql"
    admin = request.getfixturevalue("postgres_server") if on_postgresql else None
    do(reminding, SIGNED, file(0), file(1), file(2))
    do(reminding, SIGNED, *advance(1, *TO_MINUTES, Event.SIGN_MINUTES))
    do(reminding, SIGNED, *advance(2, Event.START_REVIEW, Event.REQUEST_COMPLETION))
    do(reminding, SIGNED, deliver(2, "completion_request"))
    do(reminding, SIGNED, *advance(3, Event.START_REVIEW, Event.REQUEST_COMPLETION))
    do(reminding, SIGNED, deliver(3, "completion_request"))

    with twins_of(reminding, tmp_path, admin) as twins:
        half_asleep(twins)

        sent = [
            entry["protocol"]
            for entry in entries(twins.sleepy, event=Event.REMIND_TERM.value)
        ]
        assert sent.count("2026/0000001") == 3
        assert sent.count("2026/0000002") == 2
        assert sent.count("2026/0000003") == 1


def half_asleep(twins: Twins) -> None:
    """Let one answer before the last reminder, and all else go by."""
    twins.at(rome(2026, 2, 8, 10), move(3, Event.ANSWER_COMPLETION))
    twins.wake(rome(2026, 2, 9, 7))
    twins.wake(rome(2026, 3, 4, 12))


@pytest.mark.parametrize(("filed", "status"), [(False, "sent"), (True, "dropped")])
def test_nobody_is_reminded_of_what_was_done_before_the_reminder_left(
    reminding: Office, *, filed: bool, status: str
):
    protocol, postbox = planned(reminding), Postbox()
    pass_to(reminding, MORNINGS[0])
    if filed:
        reminding.routine(protocol, Event.FILE_PLAN)

    for job in outbox.to_send(reminding.desk, most=99):
        outbox.do(reminding.desk, job.id, postbox)

    found = rows(
        reminding.desk.engine, "SELECT status FROM notices WHERE letter = 'reminder'"
    )
    assert found == [(status,)]
    assert len([one for one in postbox.mails if "Promemoria" in one.subject]) == (
        0 if filed else 1
    )


def sent_reminders(work: Office) -> tuple[list[str], int]:
    """Send all that waits; return how the reminders stand, and how many left."""
    postbox = Postbox()
    for job in outbox.to_send(work.desk, most=99):
        outbox.do(work.desk, job.id, postbox)
    found = rows(
        work.desk.engine,
        "SELECT status FROM notices WHERE letter = 'reminder' ORDER BY entry_seq",
    )
    left = [one for one in postbox.mails if "Promemoria" in one.subject]
    return [status for (status,) in found], len(left)


def test_after_a_rest_only_the_last_reminder_of_a_term_leaves(reminding: Office):
    planned(reminding)
    pass_to(reminding, MORNINGS[-1] + timedelta(hours=1))

    assert sent_reminders(reminding) == (["dropped", "dropped", "sent"], 1)


def test_a_reminder_of_an_end_that_was_put_off_never_leaves(reminding: Office):
    protocol = planned(reminding)
    pass_to(reminding, MORNINGS[0])
    reminding.move(
        protocol,
        Event.EXTEND_TERM,
        inputs={"term": "definitive_plan", "days": 20},
        act="decreto 77/2026-02-20",
        reason="the partner is ill",
    )

    assert sent_reminders(reminding) == (["dropped"], 0)
