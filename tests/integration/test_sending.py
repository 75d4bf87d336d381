"""Does each letter leave at least once, and twice only if nobody could know?"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import select

from config.logs import log as logger
from models.session import reading, transaction
from models.tables import Memo, Notice, OutboxMessage
from models.vocabulary import Event, MemoKind, NoticeStatus
from tests.builders import Office, furnish, office
from tests.contents import rows
from tests.mailservers import CUT, MailServer, mail_server
from tests.postboxes import Postbox
from tests.terminals import FIRST, Terminal
from workers.transports.smtp import Smtp
from workflow.errors import RefusedError, TemporaryError, UnavailableError
from workflow.rules import postings as rules
from workflow.services import doctor, memos, notices, outbox
from workflow.services.notices import NoticeView
from workflow.services.postings import Transport

MINUTE = timedelta(minutes=1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """Run a mail server."""
    with mail_server() as running:
        yield running


@pytest.fixture
def smtp(server: MailServer, tmp_path: Path) -> Iterator[Smtp]:
    """Return what sends to it."""
    transport = server.transport(tmp_path)
    yield transport
    transport.close()


def post(work: Office, transport: Transport) -> None:
    """Do every job that is to be done now, as relay and workers do."""
    while jobs := outbox.to_send(work.desk, most=1_000, resend=None):
        for job in jobs:
            outbox.do(work.desk, job.id, transport)


def letters(work: Office, **wanted: Any) -> list[NoticeView]:
    return list(notices.listed(work.desk, **wanted))


def letter(work: Office, name: str) -> NoticeView:
    return notices.shown(work.desk, name)


def write(work: Office, statement: str, **values: Any) -> None:
    with transaction(work.desk.engine) as session:
        session.execute(text(statement), values)


def post_one(work: Office, transport: Transport) -> bool:
    """Do the one job that waits, if one does, whoever has it."""
    identities = rows(work.desk.engine, "SELECT id FROM outbox")
    done = [outbox.do(work.desk, UUID(str(one)), transport) for (one,) in identities]
    return any(done)


@dataclass
class Failing(Postbox):
    """Takes nothing."""

    error: Exception = field(kw_only=True)

    def send(self, mail: Any) -> None:
        raise self.error


def waiting(work: Office) -> int:
    ((found,),) = rows(work.desk.engine, "SELECT count(*) FROM outbox")
    return int(found)


# All goes well


def test_each_letter_arrives_once_in_the_order_of_the_moves(
    work: Office, server: MailServer, smtp: Smtp
):
    first, _ = work.file(0), work.file(1)
    work.routine(first, Event.START_REVIEW)

    post(work, smtp)
    post(work, smtp)

    sent = letters(work)
    assert server.ids() == [one.id for one in sent]
    assert {one.recipient for one in server.received} == {one.to for one in sent}
    assert {(one.status, one.attempts) for one in sent} == {(NoticeStatus.SENT, 1)}
    assert [one.message_id for one in sent] == [
        f"<{one.id}@pec.regione.example.it>" for one in sent
    ]
    assert {one.sent_at for one in sent} == {work.clock.now()}
    assert waiting(work) == 0
    assert work.verified()


def test_nothing_is_sent_for_a_move_that_was_not_made(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    post(work, smtp)

    work.move(name, Event.START_REVIEW, dry_run=True)
    with pytest.raises(RefusedError):
        work.routine(name, Event.GRANT)
    post(work, smtp)

    assert len(server.received) == 1


def test_the_letters_of_one_application_do_not_overtake_each_other(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    work.routine(name, Event.START_REVIEW)
    _, younger = outbox.to_send(work.desk, most=9)
    server.answers["RCPT"] = ["450 greylisted"]

    follows = [outbox.do(work.desk, younger.id, smtp) for _ in range(2)]
    early = list(server.received)
    work.wait(minutes=1)
    done = outbox.do(work.desk, younger.id, smtp)

    assert (follows, early, done) == ([False, False], [], True)
    assert server.ids() == [one.id for one in letters(work)]
    assert waiting(work) == 0


def test_a_letter_waits_for_one_that_is_just_leaving(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    work.routine(name, Event.START_REVIEW)
    now = int(work.clock.now().timestamp() * 1_000_000)
    write(
        work,
        "UPDATE notices SET begun_at = :now WHERE letter = 'submission_receipt'",
        now=now,
    )
    _, younger = outbox.to_send(work.desk, most=9)

    with pytest.raises(UnavailableError, match="is leaving; this one follows"):
        outbox.do(work.desk, younger.id, smtp)

    assert server.received == []


# Something goes wrong


def test_what_is_not_taken_now_is_taken_later(
    work: Office, server: MailServer, smtp: Smtp
):
    work.file()
    server.answers["RCPT"] = ["450 greylisted", "421 busy"]

    post(work, smtp)
    (rests,) = letters(work)
    work.wait(seconds=44)
    post(work, smtp)
    (too_early,) = letters(work)
    work.wait(seconds=16)
    post(work, smtp)
    work.wait(minutes=2)
    post(work, smtp)

    (sent,) = letters(work)
    assert (rests.status, rests.attempts, rests.sent_at) == ("queued", 1, None)
    assert rests.fault == "the mail server refuses it: 450 greylisted"
    assert too_early == rests
    assert (sent.status, sent.attempts, sent.fault) == ("sent", 3, None)
    assert not sent.maybe_double
    assert server.ids() == [sent.id]


def test_one_bad_address_among_many_hinders_nobody(
    work: Office, server: MailServer, smtp: Smtp
):
    for number in range(5):
        work.file(number)
    server.answers["cluster3@pec.example.it"] = ["550 5.1.1 no such user"]

    post(work, smtp)

    (bad,) = letters(work, status=NoticeStatus.UNDELIVERED)
    assert bad.to == "cluster3@pec.example.it"
    assert bad.fault == "the mail server refuses it: 550 5.1.1 no such user"
    assert len(letters(work, status=NoticeStatus.SENT)) == len(server.received) == 4
    assert waiting(work) == 0


def test_a_server_that_is_down_for_two_hours_costs_two_hours(
    work: Office, server: MailServer, smtp: Smtp
):
    for number in range(3):
        work.file(number)
    server.stop()

    for _ in range(24):
        post(work, smtp)
        work.wait(minutes=5)
    down = letters(work)
    server.start()
    for _ in range(13):  # no rest has become longer than that by then
        post(work, smtp)
        work.wait(minutes=10)

    sent = letters(work)
    assert {(one.status, one.maybe_double) for one in down} == {("queued", False)}
    assert all(5 <= one.attempts <= 9 for one in down)
    assert sorted(server.ids()) == sorted(one.id for one in sent)
    assert {(one.status, one.maybe_double) for one in sent} == {("sent", False)}


def test_what_nobody_takes_for_two_days_is_left_to_an_officer(
    work: Office, server: MailServer, smtp: Smtp
):
    work.file()
    server.stop()
    began = work.clock.now()

    while waiting(work):
        post(work, smtp)
        work.wait(minutes=30)

    (given_up,) = letters(work)
    assert given_up.status == NoticeStatus.UNDELIVERED
    assert given_up.fault is not None
    assert "does not answer" in given_up.fault
    assert work.clock.now() - began <= timedelta(hours=49)


def test_a_letter_that_may_have_left_is_sent_again_and_says_so(
    work: Office, server: MailServer, smtp: Smtp
):
    work.file()
    server.answers["TEXT"] = [CUT]

    post(work, smtp)
    (unknown,) = letters(work)
    work.wait(seconds=299)
    post(work, smtp)
    before = server.ids()
    work.wait(seconds=1)
    post(work, smtp)

    (sent,) = letters(work)
    assert (unknown.status, unknown.maybe_double) == ("queued", True)
    assert before == [sent.id]
    assert server.ids() == [sent.id, sent.id]
    assert (sent.status, sent.maybe_double) == ("sent", True)


def test_an_attempt_that_broke_off_is_waited_for_before_it_is_made_again(
    work: Office, server: MailServer, smtp: Smtp
):
    work.file()
    now = int(work.clock.now().timestamp() * 1_000_000)
    write(work, "UPDATE notices SET begun_at = :now, attempts = 1", now=now)

    post(work, smtp)
    early = list(server.received)
    work.wait(minutes=5)
    post(work, smtp)

    (sent,) = letters(work)
    assert early == []
    assert server.ids() == [sent.id]
    assert (sent.status, sent.maybe_double) == ("sent", True)


def test_an_attempt_to_write_a_file_that_broke_off_is_made_again_at_once(work: Office):
    work.file()
    write(work, "UPDATE notices SET begun_at = 1, attempts = 1")
    postbox = Postbox()

    post(work, postbox)

    (sent,) = letters(work)
    assert [str(mail.id) for mail in postbox.mails] == [sent.id]
    assert (sent.status, sent.maybe_double) == ("sent", False)


@pytest.mark.parametrize(
    ("is_certain", "status"),
    [(True, NoticeStatus.UNDELIVERED), (False, NoticeStatus.UNKNOWN)],
)
def test_a_letter_that_always_breaks_its_worker_is_given_up(
    is_certain, status, work: Office
):
    work.file()
    write(work, "UPDATE notices SET begun_at = 1, attempts = 19")
    postbox = Postbox(is_certain=is_certain)

    post(work, postbox)

    (given_up,) = letters(work)
    assert postbox.mails == []
    assert (given_up.status, waiting(work)) == (status, 0)


def test_of_two_workers_with_the_same_job_one_sends(work: Office):
    work.file()
    (job,) = outbox.to_send(work.desk, most=1)

    class Slow(Postbox):
        def send(self, mail: Any) -> None:
            again.append(outbox.do(work.desk, job.id, other))
            super().send(mail)

    mine, other = Slow(is_certain=False), Postbox(is_certain=False)
    again: list[bool] = []

    assert outbox.do(work.desk, job.id, mine)

    assert (again, other.mails, len(mine.mails)) == ([False], [], 1)
    assert waiting(work) == 0


def test_yesterdays_backup_sends_nothing_again(
    work: Office, server: MailServer, smtp: Smtp
):
    work.file()
    with reading(work.desk.engine) as session:
        kept = [
            type(row)(**row.model_dump())
            for table in (Notice, OutboxMessage)
            for row in session.exec(select(table))
        ]
    post(work, smtp)

    write(work, "DELETE FROM notices")
    with transaction(work.desk.engine) as session:
        session.add_all(kept)
    work.wait(hours=20)
    post(work, smtp)

    (sent,) = letters(work)
    assert server.ids() == [sent.id]
    assert (sent.status, waiting(work)) == (NoticeStatus.SENT, 0)


# What is not to be sent


def test_a_letter_that_was_delivered_by_hand_is_not_sent(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    by_hand = {"letter": "submission_receipt", "receipt": "by hand, 20/01/2026"}

    work.move(name, Event.RECORD_DELIVERY, inputs=by_hand)
    post(work, smtp)

    (delivered,) = letters(work)
    assert (delivered.status, server.received) == (NoticeStatus.DELIVERED, [])
    assert waiting(work) == 0


def test_a_letter_that_could_not_be_sent_may_be_delivered_by_hand(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    server.answers["RCPT"] = ["550 no"]
    post(work, smtp)
    by_hand = {"letter": "submission_receipt", "receipt": "by hand, 20/01/2026"}

    work.move(name, Event.RECORD_DELIVERY, inputs=by_hand)

    (delivered,) = letters(work)
    assert (delivered.status, delivered.receipt) == ("delivered", by_hand["receipt"])


@pytest.mark.parametrize(
    ("before", "after"), [("unknown", "unknown"), ("queued", "undelivered")]
)
def test_a_letter_without_a_text_is_not_sent(
    before, after, work: Office, server: MailServer, smtp: Smtp
):
    work.file()
    without = "UPDATE notices SET subject = NULL, body = NULL, status = :status"
    write(work, without, status=before)

    post(work, smtp)

    (kept,) = letters(work)
    assert (server.received, waiting(work), kept.status) == ([], 0, after)


# An attempt that goes on while something else happens


class Meanwhile(Postbox):
    """Takes a letter, and lets something happen before it says so."""

    def __init__(self, happens: Callable[[], object], **options: Any) -> None:
        super().__init__(is_certain=False, **options)
        self._happens = happens

    def send(self, mail: Any) -> None:
        super().send(mail)
        self._happens()


def test_who_comes_back_late_does_not_end_the_attempt_of_another(work: Office):
    work.file()

    def another_worker_begins() -> None:
        work.wait(minutes=6)
        fails = Failing(error=TemporaryError("mail.not_now", "it is busy"))
        post_one(work, fails)
        seen.append(letters(work)[0])

    seen: list[NoticeView] = []
    ended = post_one(work, Meanwhile(another_worker_begins))
    (now,) = letters(work)

    assert [one.status for one in seen] == ["queued"]
    assert (ended, now.status, now.attempts, now.maybe_double) == (
        False,
        "queued",
        2,
        True,
    )


def test_a_retry_leaves_alone_what_is_leaving(work: Office):
    name = work.file()

    def somebody_is_impatient() -> None:
        notices.retry(work.desk, [f"{name}/submission_receipt"])

    post_one(work, Meanwhile(somebody_is_impatient))

    (sent,) = letters(work)
    assert (sent.status, sent.attempts, sent.maybe_double) == ("sent", 1, False)
    assert waiting(work) == 0


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_receipt_said_meanwhile_is_known_better(fails, work: Office):
    work.file()

    def receipt_comes() -> None:
        write(work, "UPDATE notices SET status = 'accepted'")
        if fails:
            raise TemporaryError("mail.not_now", "it is busy")

    post_one(work, Meanwhile(receipt_comes))
    post_one(work, Postbox(is_certain=False))

    (known,) = letters(work)
    assert (known.status, known.fault, waiting(work)) == ("accepted", None, 0)


@pytest.mark.parametrize(
    ("status", "doubtful"), [("unknown", True), ("undelivered", False)]
)
def test_what_may_have_arrived_may_arrive_twice_if_it_is_sent_again(
    status, doubtful, work: Office
):
    name = work.file()
    post(work, Postbox(is_certain=False))
    write(work, "UPDATE notices SET status = :status", status=status)

    (queued,) = notices.retry(work.desk, [f"{name}/submission_receipt"])

    assert queued.maybe_double is doubtful


# What is entered again


def test_what_is_entered_again_after_a_restore_is_the_same_letter(
    tmp_path: Path,
):
    """Not only what the backup holds: also what was written after it was made."""
    ids = []
    for again in (0, 1):
        url = f"sqlite:///{tmp_path}/{again}.db"
        furnish(url)
        with office(url) as work:
            for _ in range(again):  # what is drawn by chance is never the same again
                work.clock.new_id()
            name, _ = work.file(0), work.file(1)
            work.routine(name, Event.START_REVIEW, Event.REQUEST_COMPLETION)
            ids.append({(one.name, one.id) for one in letters(work)})

    assert ids[0] == ids[1]
    assert len({identity for _, identity in ids[0]}) == len(ids[0]) > 2


def test_what_is_more_than_a_provider_takes_waits(
    work: Office, server: MailServer, tmp_path: Path
):
    for number in range(3):
        work.file(number)
    transport = server.transport(tmp_path, a_minute=2)

    done = [
        outbox.do(work.desk, job.id, transport)
        for job in outbox.to_send(work.desk, most=9)
    ]

    transport.close()
    assert done == [True, True, False]
    assert [one.attempts for one in letters(work)] == [1, 1, 0]


# Again


def test_what_came_back_is_sent_again_and_only_once(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    post(work, smtp)
    write(work, "UPDATE notices SET status = 'undelivered', fault = 'no such box'")

    (queued,) = notices.retry(work.desk, [f"{name}/submission_receipt"])
    post(work, smtp)
    write(work, "UPDATE notices SET status = 'undelivered', sent_at = NULL")
    notices.retry(work.desk, [queued.id])
    post(work, smtp)

    (sent,) = letters(work)
    assert (queued.status, queued.attempts, queued.fault) == ("queued", 0, None)
    assert server.ids() == [sent.id, sent.id], "the record has the second one too"
    assert sent.message_id == f"<{sent.id}@again-2.pec.regione.example.it>"
    assert sent.status == NoticeStatus.SENT


def test_a_letter_that_rests_is_sent_at_once_by_whoever_asks(
    work: Office, server: MailServer, smtp: Smtp
):
    name = work.file()
    server.answers["RCPT"] = ["450 later"]
    post(work, smtp)

    notices.retry(work.desk, [f"{name}/submission_receipt"])
    post(work, smtp)

    (sent,) = letters(work)
    assert (sent.status, sent.attempts) == ("sent", 1)
    assert server.ids() == [sent.id]


@pytest.mark.parametrize("status", ["held", "sent", "accepted", "delivered", "dropped"])
def test_what_may_have_arrived_is_not_sent_again(status, work: Office):
    name = work.file()
    write(work, f"UPDATE notices SET status = '{status}'")  # noqa: S608 - words of ours

    with pytest.raises(RefusedError, match=f"is {status} and is not sent again"):
        notices.retry(work.desk, [f"{name}/submission_receipt"])

    assert letter(work, f"{name}/submission_receipt").status == status


def test_who_only_looks_on_sends_nothing_again(work: Office):
    name = work.file()

    with pytest.raises(RefusedError, match="this needs the role"):
        notices.retry(work.sit("controller").desk, [f"{name}/submission_receipt"])


# Those who work here


def test_a_memo_is_written_once_and_sent_like_a_letter(
    work: Office, server: MailServer, smtp: Smtp
):
    said = {
        "cause": "digest 2026-01-20 rossi",
        "recipient": "rossi@regione.example.it",
        "subject": "Oggi",
        "body": "Niente attende.",
    }

    with transaction(work.desk.engine) as session:
        new = [memos.write(session, work.desk, MemoKind.DIGEST, **said) for _ in "12"]
    post(work, smtp)

    with reading(work.desk.engine) as session:
        (memo,) = session.exec(select(Memo))
    assert (new, memo.status) == ([True, False], NoticeStatus.SENT)
    assert server.ids() == [str(memo.id)]
    assert waiting(work) == 0


# What is said


def test_the_log_names_no_one(
    work: Office, server: MailServer, smtp: Smtp, capsys, monkeypatch
):
    monkeypatch.setattr(logger, "_inner", None)
    monkeypatch.setattr(logger, "_lowest", 0)
    for number in range(2):
        work.file(number)
    server.answers["cluster1@pec.example.it"] = ["550 <cluster1@pec.example.it> no"]

    post(work, smtp)

    said = capsys.readouterr().err
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert {"mail_refused", "mail_sent"} <= set(events)
    assert "cluster" not in said
    assert "@" not in said


def test_doctor_tells_how_the_mail_stands(work: Office, server: MailServer, smtp: Smtp):
    work.file(0)
    work.file(1)
    fresh = doctor.mail(work.desk, smtp.examine, answered=True)
    work.wait(minutes=61)
    late = doctor.mail(work.desk, smtp.examine, answered=True)
    server.answers["cluster1@pec.example.it"] = ["550 no"]
    post(work, smtp)
    refused = doctor.mail(work.desk, smtp.examine, answered=True)
    server.stop()
    away = doctor.mail(work.desk, smtp.examine, answered=True)

    takes = f"127.0.0.1:{server.port} takes mail from bandi@pec.regione.example.it"
    assert (fresh.ok, fresh.detail) == (
        True,
        f"{takes}; 2 to be sent, the oldest since 0 s",
    )
    assert not late.ok
    assert "2 to be sent, the oldest since 61 min" in late.detail
    assert (refused.ok, "1 undelivered" in refused.detail) == (False, True)
    assert (away.ok, "does not answer" in away.detail) == (False, True)


def test_show_says_why_a_letter_was_not_sent(terminal: Terminal):
    why = "the mail server refuses it: 550 no"
    terminal.query(f"UPDATE notices SET status = 'undelivered', fault = '{why}'")  # noqa: S608 - words of ours

    shown = terminal.type("show", FIRST)
    (told,) = terminal.ask("show", FIRST)["notices"]
    listed = terminal.type("notices", FIRST, "--status", "undelivered")
    (same,) = terminal.ask("notices", FIRST)["notices"]

    assert f"submission_receipt: {why}" in shown.stdout
    assert (told["status"], told["fault"]) == ("undelivered", why)
    assert (same["id"], same["fault"], same["attempts"]) == (told["id"], why, 0)
    assert listed.stdout.splitlines()[1].endswith(why)
    assert max(map(len, listed.stdout.splitlines())) <= 120


def test_a_letter_is_shown_as_it_was_written(terminal: Terminal):
    name = f"{FIRST}/submission_receipt"
    terminal.query("UPDATE notices SET subject = 'Ricevuta', body = 'Si comunica.'")

    shown = terminal.ask("notices", "show", name)
    told = terminal.type("notices", "show", name).stdout
    by_id = terminal.ask("notices", "show", shown["id"])

    assert (shown["subject"], shown["body"]) == ("Ricevuta", "Si comunica.")
    assert "Si comunica." in told
    assert by_id == shown
    said = terminal.refused(
        "notices", "show", f"{FIRST}/grant", code="notice.unknown", exit_code=1
    )
    assert said.endswith(f"there are: {name}")


def test_a_sender_is_needed_where_there_is_a_server(terminal: Terminal):
    terminal.settings["SPORTELLO_SMTP_URL"] = "smtp://127.0.0.1:25"

    said = terminal.refused("run", code="settings.invalid", exit_code=2)

    assert said.startswith("SPORTELLO_SENDER is missing")


# The rules


def test_rests_become_longer_and_end_within_two_days():
    whole = [rules.rest(number, noise=0) for number in range(1, 20)]
    least = [rules.rest(number, noise=65_535) for number in range(1, 20)]

    rests = [one for one in whole if one is not None]
    assert rests[:4] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert max(rests) == timedelta(hours=4)
    assert sum(rests, timedelta()) <= timedelta(hours=48)
    assert whole[-1] is None
    for most, one in zip(whole, least, strict=True):
        assert (most is None) == (one is None)
        if most is not None and one is not None:
            assert most * 3 / 4 <= one <= most


def test_a_message_keeps_what_it_is_matched_by():
    identity = UUID(int=1)
    first = rules.message_id(identity, "163.com")
    third = rules.next_message_id(rules.next_message_id(first))

    assert third == f"<{identity}@again-3.163.com>"
    assert rules.record_name(first) == str(identity)
    assert rules.record_name(third) == f"{identity}-again-3"
