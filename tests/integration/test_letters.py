"""Is a letter kept as it was written, and sent when it may be?"""

import json
from hashlib import sha256
from uuid import UUID

import pytest

from models.vocabulary import CallEvent, Event, SuspensionCause
from tests.builders import CTL, PAPER, TO_GRANT, Office, rome, submission, usual
from tests.contents import dump, entries, refusals, rows, written
from tests.editions import edited
from tests.terminals import ACT, Terminal
from workflow.errors import RefusedError
from workflow.moves.families import TABLES
from workflow.services import call_acts, calls, log, releases, sweep

HOLDING = ("held = []", 'held = ["grant"]')


def notices(work: Office, *columns: str) -> list[tuple[object, ...]]:
    listed = ", ".join(columns)
    return rows(
        work.desk.engine,
        f"SELECT {listed} FROM notices ORDER BY entry_seq, letter",  # noqa: S608 - ours
    )


def jobs(work: Office) -> list[str]:
    """Return the letters that wait to be sent, in the order of sending."""
    return [
        letter
        for (letter,) in rows(
            work.desk.engine,
            "SELECT letter FROM outbox JOIN notices ON notices.id = subject_id "
            "WHERE outbox.kind = 'send_notice' "
            "ORDER BY outbox.entry_seq, outbox.ordinal",
        )
    ]


def change(work: Office, statement: str) -> None:
    """Change the database behind the program's back."""
    with work.desk.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_the_register_holds_the_hash_of_every_letter(work: Office):
    work.routine(work.file(), *TO_GRANT)

    told = [item for entry in entries(work) for item in entry["notices"]]

    kept = notices(work, "letter", "subject", "body", "digest", "status")
    assert [item["letter"] for item in told] == [
        "submission_receipt",
        "procedure_start",
        "grant",
    ]
    assert [(item["letter"], item["sha256"]) for item in told] == [
        (letter, digest) for letter, _, _, digest, _ in kept
    ]
    for _, subject, body, digest, status in kept:
        assert sha256(f"{subject}\n\n{body}".encode()).hexdigest() == digest
        assert status == "queued"
    assert work.verified()


@pytest.mark.parametrize(
    ("column", "value"), [("body", "altro"), ("subject", "altro"), ("subject", None)]
)
def test_a_text_that_was_changed_is_found(column, value, work: Office):
    work.file()
    said = "NULL" if value is None else f"'{value}'"
    change(work, f"UPDATE notices SET {column} = {said}")  # noqa: S608 - ours

    (verified,) = log.verify(work.desk)

    (fault,) = verified.faults
    assert "submission_receipt" in fault.fault
    assert "a text of hash" in fault.fault
    assert verified.erased == 0


def test_a_text_that_no_act_erased_is_counted_and_a_fault(work: Office):
    work.file()
    change(work, "UPDATE notices SET subject = NULL, body = NULL, recipient = ''")

    (verified,) = log.verify(work.desk)

    assert [fault.kind for fault in verified.faults] == ["erasure"]
    assert verified.erased == 1


def test_a_letter_that_lacks_a_fact_refuses_its_move_before_anything_is_written(
    work: Office,
):
    protocol = work.file()
    change(work, "UPDATE applicants SET name = ''")
    before = dump(work.desk.engine)

    with pytest.raises(RefusedError) as refused:
        work.move(protocol, Event.START_REVIEW)

    assert refused.value.code == "letter.fact_missing"
    assert written(before, dump(work.desk.engine)) == {"calls", "entries"}
    assert refusals(work) == ["letter.fact_missing"]
    change(work, "UPDATE applicants SET name = 'Anna'")
    assert work.verified()


def test_a_submission_of_nobody_is_refused_and_disturbs_no_other(work: Office):
    nobody = submission(1)
    nobody["applicant"] = {**nobody["applicant"], "name": "\u202e\u200b"}

    answers = work.take(submission(0), nobody, submission(2))

    assert [answer["outcome"] for answer in answers] == [
        "submitted",
        "refused",
        "submitted",
    ]
    assert answers[1]["error"]["code"] == "letter.fact_missing"
    assert [answer["protocol"] for answer in answers if answer["protocol"]] == [
        "2026/0000001",
        "2026/0000002",
    ]
    assert work.verified()


# --- held back ----------------------------------------------------------------


def test_a_letter_that_is_held_back_goes_once_it_is_released(work: Office, tmp_path):
    calls.register_call(
        work.desk, edited(tmp_path, HOLDING), act="decreto 1/2026-01-20", reason="hold"
    )
    protocol = work.file()
    work.routine(protocol, *TO_GRANT[:-1])
    granted = work.move(protocol, Event.GRANT, **usual(Event.GRANT, work.today))
    ((said, identity),) = rows(
        work.desk.engine, "SELECT status, id FROM notices WHERE letter = 'grant'"
    )
    notice, held = UUID(str(identity)), jobs(work)

    with pytest.raises(RefusedError, match="responsible"):
        releases.release(work.sit("clerk").desk, notice)
    receipt = releases.release(work.sit("rup").desk, notice)
    with pytest.raises(RefusedError) as again:
        releases.release(work.desk, notice)

    assert said == granted["notices"][0]["status"] == "held"
    assert held == ["submission_receipt", "procedure_start"]
    assert receipt["from"] == receipt["to"] == "negotiating"
    assert receipt["findings"] == {"letter": "grant"}
    assert jobs(work) == [*held, "grant"]
    assert notices(work, "letter", "status")[-1] == ("grant", "queued")
    assert again.value.code == "notice.not_held"
    assert work.verified()


def test_a_letter_that_nobody_wrote_cannot_be_released(work: Office):
    protocol = work.file()
    stranger = UUID(int=1)

    with pytest.raises(RefusedError) as unknown:
        releases.release(work.desk, stranger)
    with pytest.raises(RefusedError) as elsewhere:
        work.move(protocol, Event.RELEASE_NOTICE, inputs={"notice": str(stranger)})

    assert unknown.value.code == "notice.unknown"
    assert elsewhere.value.code == "notice.not_written"


# --- to all -------------------------------------------------------------------


def test_everybody_is_written_to_when_the_counter_stops_and_opens_again(work: Office):
    first, gone = work.file(0), work.file(1)
    work.take({**submission(2), "draft": True})
    work.move(gone, Event.WITHDRAW, **usual(Event.WITHDRAW, work.today))
    stopped = call_acts.suspend(
        work.desk,
        CTL,
        cause=SuspensionCause.MALFUNCTION,
        reason="verifica tecnica",
    )
    again = rome(2026, 1, 22, 9)
    call_acts.announce_reopening(
        work.desk, CTL, at=again, act="decreto 2/2026-01-20", reason="fine"
    )

    work.wait(days=3)
    sweep.sweep(work.desk)

    (reopened,) = entries(work, event=CallEvent.REOPEN_CALL.value)
    sent = rows(
        work.desk.engine,
        "SELECT letter, portal_id, entry_seq, recipient, body FROM notices "
        "JOIN applications ON applications.id = application_id "
        "WHERE letter LIKE 'counter%' ORDER BY entry_seq, portal_id",
    )
    assert [row[:4] for row in sent] == [
        (letter, f"DOM-000{number}", seq, f"cluster{number}@pec.example.it")
        for letter, seq in (
            ("counter_suspended", stopped["seq"]),
            ("counter_reopened", reopened["seq"]),
        )
        for number in (1, 3)
    ]
    assert [len(entry["notices"]) for entry in (stopped, reopened)] == [2, 2]
    for _, portal_id, _, _, body in sent:
        assert ("conserva il suo posto" in body) is (portal_id == "DOM-0001")
        assert ("domanda in preparazione" in body) is (portal_id == "DOM-0003")
        assert (first in body) is (portal_id == "DOM-0001")
    assert "Motivazione: verifica tecnica" in sent[0][4]
    assert "ore 09:00:00 di giovedì 22 gennaio 2026" in sent[2][4]
    assert "Provvedimento: decreto n. 2 del 20/01/2026" in sent[2][4]
    assert jobs(work).count("counter_reopened") == 2
    assert work.verified()


def test_who_exhausts_the_money_is_told_with_all_others_once(work: Office, tmp_path):
    stopping = edited(
        tmp_path,
        ('short_money = "waiting_list"', 'short_money = "stop"'),
        ('amount = "1000000.00"', 'amount = "222222.22"'),
    )
    calls.register_call(
        work.desk, stopping, act="decreto 1/2026-01-20", reason="less money"
    )

    work.take(submission(0), submission(1), submission(2))
    work.take(submission(3))

    told = rows(
        work.desk.engine,
        "SELECT portal_id, count(*) FROM notices "
        "JOIN applications ON applications.id = application_id "
        "WHERE letter = 'counter_suspended' GROUP BY portal_id ORDER BY portal_id",
    )
    assert told == [("DOM-0001", 1), ("DOM-0002", 1)]
    assert work.verified()


# --- at the terminal ----------------------------------------------------------


def test_a_letter_is_shown_before_it_is_sent_and_nothing_is_kept(terminal: Terminal):
    before = terminal.query("SELECT count(*) FROM notices")

    shown = terminal.ask(
        *("letters", "render", "grant", "--application", "2026/0000001")
    )
    told = terminal.type(
        *("letters", "render", "submission_receipt", "--application", "2026/0000001")
    )

    assert shown["to"] == "cluster1@pec.example.it"
    assert shown["unknown"] == ["act", "granted", "admitted_investment", "cor", "cup"]
    assert "Provvedimento: «provvedimento»" in shown["body"]
    assert "Only the move will bring" not in told.stdout
    assert "Oggetto: Ricevuta di presentazione della domanda" in told.stdout
    assert terminal.query("SELECT count(*) FROM notices") == before


def test_every_letter_is_listed_with_the_moves_that_send_it(bare_terminal: Terminal):
    listed = bare_terminal.ask("letters", "list")["letters"]

    senders = {one["letter"]: one["sent_by"] for one in listed}
    assert len(senders) == 38
    assert all(senders.values())
    reminding = [one["event"] for one in senders["reminder"]]
    assert reminding == ["remind_term"] * len(TABLES)
    assert {one["procedure"] for one in senders["counter_reopened"]} == {"call"}


def test_what_is_held_back_is_shown_with_how_to_let_it_go(terminal: Terminal, tmp_path):
    held = ("held = []", 'held = ["withdrawal_acknowledged"]')
    file = str(edited(tmp_path, held))
    late = "2026/0000004"
    for words in (
        ("call", "load", file, *ACT, "--reason", "hold"),
        ("intake", CTL, "-"),
        ("advance", late, "withdraw", "--document", PAPER, "--yes"),
    ):
        done = terminal.type(*words, text=json.dumps(submission(3)))
        assert done.exit_code == 0, done.output
    ((notice,),) = terminal.query("SELECT id FROM notices WHERE status = 'held'")

    shown = terminal.type("show", late).stdout
    released = terminal.type("notices", "release", str(UUID(notice)))

    assert "held back until it is released" in done.stdout
    assert f"sportello notices release {UUID(notice)}" in shown
    assert released.stdout == f"{late}/withdrawal_acknowledged: may go\n"
    assert "held back" not in terminal.type("show", late).stdout
    terminal.refused(
        *("notices", "release", str(UUID(notice))), code="notice.not_held", exit_code=1
    )
    terminal.refused(
        *("notices", "release", str(UUID(int=1))), code="notice.unknown", exit_code=1
    )
