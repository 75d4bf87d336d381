"""Does nobody get two letters of which one takes the other back?"""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from models.session import transaction
from models.vocabulary import (
    CallEvent,
    Event,
    Letter,
    MalfunctionDecision,
    NoticeStatus,
    SuspensionCause,
)
from tests.builders import (
    CLOSING,
    CTL,
    OPENING,
    ROME,
    TO_GRANT,
    Office,
    rome,
    submission,
    usual,
)
from tests.contents import entries, rows
from tests.editions import edited
from tests.postboxes import send_all
from workflow.errors import InputError, RefusedError
from workflow.services import call_acts, calls, drops, releases, sweep, views

PLANNING = (
    *TO_GRANT,
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
    Event.CONFIRM_COR,
)
EXTENSION = MalfunctionDecision.EXTENSION
FORMAL: dict[str, Any] = {"act": "decreto 2/2026-01-20", "reason": "fine"}


def standing(work: Office, application: str) -> dict[str, tuple[str, str | None]]:
    """Return the letters of a file: how each stands, and why."""
    found = rows(
        work.desk.engine,
        "SELECT letter, status, fault, protocol_number FROM notices "
        "JOIN applications ON applications.id = application_id "
        "ORDER BY entry_seq",
    )
    return {
        letter: (status, fault)
        for letter, status, fault, number in found
        if application.endswith(f"{number:07d}")
    }


def missed_plan(work: Office, *, sent: bool, days: int = 35) -> tuple[str, date]:
    """Let the term of a plan end, and a lapse be proposed; return its last day."""
    application = work.file()
    work.routine(application, *PLANNING)
    plan = next(
        one
        for one in views.shown(work.desk, application).terms
        if one.kind == "definitive_plan"
    )
    work.clock.move_to(OPENING + timedelta(days=35))
    sweep.sweep(work.desk)
    if sent:
        send_all(work)
    work.clock.move_to(OPENING + timedelta(days=days))
    sweep.sweep(work.desk)
    return application, plan.due_at.astimezone(ROME).date()


def plan_of(work: Office, day: date) -> dict[str, Any]:
    stated = usual(Event.FILE_PLAN, work.today)
    said = {"received_on": day.isoformat(), "proof": "PEC 7"}
    return {**stated, "inputs": {**stated["inputs"], **said}}


def body(work: Office, letter: str) -> str:
    found = rows(
        work.desk.engine,
        "SELECT subject, body FROM notices WHERE letter = :letter",
        letter=letter,
    )
    ((subject, text),) = found
    return f"{subject}\n{text}"


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("days", [36, 120], ids=["proposed", "fallen"])
def test_a_proposal_that_proves_groundless_is_answered_if_it_left_and_dropped_if_not(
    work: Office, *, days: int, sent: bool
):
    application, last = missed_plan(work, sent=sent, days=days)

    receipt = work.move(application, Event.FILE_PLAN, **plan_of(work, last))

    told = standing(work, application)
    assert told["lapse_proposed"][0] == ("sent" if sent else "dropped")
    written = [one["letter"] for one in receipt["notices"]]
    assert written == (["lapse_dismissed"] if sent else [])
    if sent:
        assert "perché priva di oggetto" in body(work, "lapse_dismissed")
    else:
        why = "the proposal of lapse was over before it left"
        assert told["lapse_proposed"] == ("dropped", why)
        (entry,) = (
            entry
            for entry in entries(work)
            for one in entry["findings"].get("dropped", ())
            if one["letter"] == "lapse_proposed"
        )
        assert entry["event"] == ("file_plan" if days == 36 else "expire_proposal")
    assert work.verified()


@pytest.mark.parametrize("sent", [False, True])
def test_who_is_excused_is_told_of_the_new_end_and_of_no_proposal_that_never_came(
    work: Office, *, sent: bool
):
    application, _ = missed_plan(work, sent=sent)

    receipt = work.move(
        application, Event.DISMISS_LAPSE, **usual(Event.DISMISS_LAPSE, work.today)
    )

    told = body(work, "lapse_dismissed")
    assert ("proposta di decadenza" in told) is sent
    assert "il ritardo è scusato" in told or "è scusato." in told
    assert "decorre di nuovo per intero" in told
    assert ("dropped" in receipt["findings"]) is not sent
    assert standing(work, application)["lapse_proposed"][0] == (
        "sent" if sent else "dropped"
    )
    assert work.verified()


def test_what_is_held_back_is_dropped_once_what_it_asks_for_has_come(
    work: Office, tmp_path
):
    holding = ("held = []", 'held = ["completion_request"]')
    calls.register_call(
        work.desk, edited(tmp_path, holding), act="decreto 1/2026-01-20", reason="hold"
    )
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)

    receipt = work.move(
        application,
        Event.ANSWER_COMPLETION,
        **usual(Event.ANSWER_COMPLETION, work.today),
    )
    (dropped,) = receipt["findings"]["dropped"]
    with pytest.raises(RefusedError) as refused:
        releases.release(work.desk, UUID(dropped["id"]))

    why = "what it asks for came in before it left"
    assert (dropped["letter"], dropped["why"]) == ("completion_request", why)
    assert standing(work, application)["completion_request"] == ("dropped", why)
    assert refused.value.code == "notice.not_held"
    assert standing(work, application)["submission_receipt"] == ("queued", None)
    assert [mail.subject.partition(" - ")[0] for mail in send_all(work).mails] == [
        "Ricevuta di presentazione della domanda",
        "Comunicazione di avvio dell'istruttoria",
    ]
    assert work.verified()


def test_of_a_file_that_is_over_only_what_still_makes_sense_leaves(work: Office):
    application = work.file()
    work.routine(application, *TO_GRANT, Event.WITHDRAW)

    told = standing(work, application)

    assert told["grant"][0] == "dropped"
    assert told["withdrawal_acknowledged"][0] == "queued"
    left = [mail.name.partition("-0000001-")[2] for mail in send_all(work).mails]
    assert left == [
        "submission_receipt",
        "procedure_start",
        "withdrawal_acknowledged",
    ]
    assert work.verified()


@pytest.mark.parametrize(
    "begun", ["attempts = 1", "begun_at = created_at", "status = 'sent'"]
)
def test_a_letter_that_has_begun_to_leave_is_never_dropped(work: Office, begun: str):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    asking = "letter = 'completion_request'"
    ((identity,),) = rows(
        work.desk.engine,
        f"SELECT id FROM notices WHERE {asking}",  # noqa: S608 - ours
    )
    with work.desk.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE notices SET {begun} WHERE {asking}")  # noqa: S608 - ours
    as_it_was = SimpleNamespace(
        id=UUID(str(identity)),
        letter="completion_request",
        status=NoticeStatus.QUEUED,
        attempts=0,
        begun_at=None,
    )

    with transaction(work.desk.engine) as session:  # a worker was faster than the move
        found = drops.found(session, [as_it_was], {Letter.COMPLETION_REQUEST: "why"})  # type: ignore[list-item]  # its columns
    work.routine(application, Event.ANSWER_COMPLETION)

    assert found == {}
    assert standing(work, application)["completion_request"][0] != "dropped"


def test_of_a_counter_that_stops_and_opens_only_the_last_letter_leaves(work: Office):
    work.file()

    def stop() -> dict[str, Any]:
        return call_acts.suspend(
            work.desk, CTL, cause=SuspensionCause.MALFUNCTION, reason="verifica"
        )

    def letters() -> list[tuple[Any, ...]]:
        return rows(
            work.desk.engine,
            "SELECT letter, status FROM notices WHERE letter LIKE 'counter%' "
            "ORDER BY entry_seq",
        )

    stop()
    call_acts.announce_reopening(work.desk, CTL, at=rome(2026, 1, 21, 9), **FORMAL)
    work.wait(days=1)
    sweep.sweep(work.desk)
    opened = letters()
    again = stop()
    stopped = letters()
    send_all(work)
    call_acts.close(work.desk, CTL, act="decreto 3/2026-01-21", reason="basta")

    assert opened == [("counter_suspended", "dropped"), ("counter_reopened", "queued")]
    assert stopped[1:] == [
        ("counter_reopened", "dropped"),
        ("counter_suspended", "queued"),
    ]
    assert letters()[2] == ("counter_suspended", "sent")
    (reopening,) = entries(work, event=CallEvent.REOPEN_CALL.value)
    assert [
        (one["letter"], one["why"])
        for entry in (reopening, again)
        for one in entry["findings"]["dropped"]
    ] == [
        ("counter_suspended", "the counter opened again before it left"),
        ("counter_reopened", "the counter was suspended again before it left"),
    ]
    assert work.verified()


def test_a_closed_counter_that_is_extended_is_told_to_all_that_wait_for_it(
    work: Office,
):
    work.file(0)
    gone = work.file(1)
    work.take(
        {**submission(2), "draft": True},
        {**submission(3), "draft": True},
    )
    work.move(gone, Event.WITHDRAW, **usual(Event.WITHDRAW, work.today))
    work.clock.move_to(CLOSING + timedelta(minutes=30))
    call_acts.record_malfunction(
        work.desk,
        CTL,
        began_at=CLOSING - timedelta(hours=1),
        ended_at=CLOSING,
        evidence="ticket 4711",
    )
    formal: dict[str, Any] = {"act": "decreto 2/2026-03-05", "reason": "no"}
    call_acts.decide_malfunction(
        work.desk, CTL, malfunction=1, decision=EXTENSION, **formal
    )

    entry = call_acts.extend(
        work.desk, CTL, closes_at=CLOSING + timedelta(days=1), **formal
    )

    sent = rows(
        work.desk.engine,
        "SELECT portal_id, state, body FROM notices "
        "JOIN applications ON applications.id = application_id "
        "WHERE letter = 'counter_reopened' ORDER BY portal_id",
    )
    assert [row[:2] for row in sent] == [
        ("DOM-0001", "submitted"),
        ("DOM-0003", "expired"),
        ("DOM-0004", "expired"),
    ]
    assert [one["application"] for one in entry["letters"]] == [
        "2026/0000001",
        "DOM-0003",
        "DOM-0004",
    ]
    assert "conserva il suo posto" in sent[0][2]
    assert "può essere presentata una nuova domanda" in sent[1][2]
    for _, _, text in sent:
        assert "ore 16:30:00 di giovedì 5 marzo 2026" in text
        assert "dopo le ore 16:00:00 di venerdì 6 marzo 2026" in text
    assert work.verified()


def test_who_files_anew_after_an_extension_gets_one_letter_alone(work: Office):
    """Of two expired drafts the later counts, and of a new application only that."""
    work.take({**submission(0), "draft": True}, {**submission(1), "draft": True})
    closing = CLOSING
    for number in (1, 2):
        work.clock.move_to(closing + timedelta(minutes=30))
        call_acts.record_malfunction(
            work.desk,
            CTL,
            began_at=closing - timedelta(hours=1),
            ended_at=closing,
            evidence="ticket",
        )
        day = work.today.isoformat()
        formal: dict[str, Any] = {"act": f"decreto {number}/{day}", "reason": "no"}
        call_acts.decide_malfunction(
            work.desk,
            CTL,
            malfunction=number,
            decision=EXTENSION,
            **formal,
        )
        closing += timedelta(days=1)
        call_acts.extend(work.desk, CTL, closes_at=closing, **formal)
        if number == 1:
            work.take(
                {**submission(0), "portal_id": "DOM-0101"},
                {**submission(1), "portal_id": "DOM-0102", "draft": True},
            )

    sent = rows(
        work.desk.engine,
        "SELECT portal_id FROM notices "
        "JOIN applications ON applications.id = application_id "
        "WHERE letter = 'counter_reopened' ORDER BY entry_seq, portal_id",
    )
    assert sent == [("DOM-0001",), ("DOM-0002",), ("DOM-0101",), ("DOM-0102",)]


def test_a_second_answer_and_a_proof_that_plays_tricks_are_refused_in_true_words(
    work: Office,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    stated = usual(Event.ANSWER_COMPLETION, work.today)
    said = {"received_on": work.today.isoformat(), "proof": "PEC \x1b[2J7"}
    tricky = {**stated, "inputs": {**stated["inputs"], **said}}

    with pytest.raises(InputError) as unreadable:
        work.move(application, Event.ANSWER_COMPLETION, **tricky)
    work.move(application, Event.ANSWER_COMPLETION, **stated)
    with pytest.raises(RefusedError) as again:
        work.move(application, Event.ANSWER_COMPLETION, **stated)

    assert unreadable.value.message == (
        "--proof: must be words on one line, without control characters"
    )
    assert again.value.code == "completion_request.not_open"
    assert again.value.message == (
        "the completion request was answered already, and nothing more is awaited"
    )
