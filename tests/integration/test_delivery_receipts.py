"""Do receipts of certified mail say what became of a letter, in whatever order?"""

import errno
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from threading import Barrier, local
from threading import Event as Signal
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import event, text

from cli import main
from models.session import reading, transaction
from models.tables import Notice
from models.vocabulary import Event, Letter, NoticeStatus, TermKind, TermStatus
from tests.builders import Office, office, rome, usual
from tests.contents import dump, entries, rows, written
from tests.editions import edited
from tests.pec import NOBODY, SENDER, Pec, accepted, delivered, failed, full
from tests.postboxes import Postbox
from workflow.ambient import FrozenAmbient
from workflow.desk import Desk
from workflow.errors import (
    PermanentError,
    RefusedError,
    TemporaryError,
    UnavailableError,
    UnknownOutcomeError,
)
from workflow.register import written as written_instant
from workflow.rules import postings
from workflow.services import (
    calls,
    mailboxes,
    outbox,
    receipts,
    silences,
    term_explanations,
    views,
)
from workflow.services.postings import Mail, Transport
from workflow.services.receipts import Outcome, TakenIn

ASKED = (Event.START_REVIEW, Event.REQUEST_COMPLETION)
SECOND = timedelta(seconds=1)


def notice(work: Office, application: str, letter: Letter) -> UUID:
    """Return the id of the latest letter of a kind."""
    found = rows(
        work.desk.engine,
        "SELECT n.id FROM notices n JOIN applications a ON a.id = n.application_id "
        "WHERE a.protocol_number = :number AND n.letter = :letter "
        "ORDER BY n.entry_seq DESC",
        number=int(application.split("/")[1]),
        letter=letter.value,
    )
    return UUID(str(found[0][0]))


def sent(
    work: Office, number: int = 0, letter: Letter = Letter.COMPLETION_REQUEST
) -> Any:
    """File an application and write a letter about it; return both names."""
    application = work.file(number)
    if letter is Letter.COMPLETION_REQUEST:
        work.routine(application, *ASKED)
    return application, notice(work, application, letter)


def come(work: Office, pec: Pec, number: int = 0, **changes: Any) -> TakenIn:
    """Take a receipt in, by the applicant's own address and of this moment."""
    changes = {"at": work.clock.now(), "zone": "+0000", **changes}
    if pec.to is not None:
        changes.setdefault("to", f"cluster{number + 1}@pec.example.it")
    return receipts.take_in(work.desk, pec.but(**changes).mail())


def stands(work: Office, identity: UUID, *columns: str) -> tuple[Any, ...]:
    """Return columns of a notice, as they are kept."""
    with reading(work.desk.engine) as session:
        row = session.get_one(Notice, identity)
        return tuple(getattr(row, column) for column in columns)


def running(work: Office, application: str, kind: TermKind) -> list[date]:
    """Return since when terms of a kind run."""
    return [
        one.starts_on
        for one in views.shown(work.desk, application).terms
        if (one.kind, one.status) == (kind, TermStatus.RUNNING)
    ]


# What the register and the tables say


def test_a_delivery_is_a_move_of_the_system_with_its_proof(work: Office):
    application, identity = sent(work)
    work.wait(minutes=5)
    at = work.clock.now()
    mail = delivered(identity, at=at, zone="+0000", identifier="opec1").mail()

    taken = receipts.take_in(work.desk, mail)

    (entry,) = entries(work, event="record_delivery")
    assert (taken.outcome, taken.application, taken.status) == (
        Outcome.TAKEN_IN,
        application,
        "delivered",
    )
    assert entry["actor"] == {
        "kind": "worker", "id": None, "role": "system", "identity": "system",
    }  # fmt: skip
    assert entry["channel"] == "receipts"
    assert entry["findings"] == {
        "delivered_on": "2026-01-20",
        "delivered_at": "2026-01-20T09:05:00.000000Z",
        "letter": "completion_request",
        "notice": str(identity),
        "receipt_sha256": hashlib.sha256(mail).hexdigest(),
        "delivered": {
            "at": "2026-01-20T09:05:00.000000Z",
            "id": str(identity),
            "letter": "completion_request",
            "receipt": "opec1",
        },
    }
    assert entry["inputs"]["receipt"] == "opec1"
    assert stands(work, identity, "status", "receipt") == ("delivered", "opec1")
    ((original, kind),) = rows(
        work.desk.engine, "SELECT original, kind FROM delivery_receipts"
    )
    assert (bytes(original), kind) == (mail, "delivered")
    assert SENDER not in json.dumps(entry)
    assert running(work, application, TermKind.COMPLETION) == [date(2026, 1, 20)]
    assert work.verified()


def test_a_term_is_explained_by_the_receipt_that_started_it(work: Office):
    application, identity = sent(work)
    work.wait(hours=3)
    come(work, delivered(identity, identifier="opec1"))

    steps = term_explanations.term(work.desk, f"{application}/completion").steps

    told = next(step.text for step in steps if step.rule == "term.started")
    assert "was delivered on Tue 20/01/2026 13:00:00 (Rome)" in told
    assert "the receipt `opec1` proves" in told


def test_the_term_starts_on_the_civil_day_of_the_delivery(work: Office):
    """Also in the night in which an hour comes twice."""
    late = rome(2026, 10, 24, 10)
    cases = (
        (rome(2026, 1, 20, 23, 59, 59), date(2026, 1, 20)),
        (rome(2026, 1, 21), date(2026, 1, 21)),
        (rome(2026, 10, 25, 2, 30) + timedelta(hours=1), date(2026, 10, 25)),
    )
    files = [work.file(number) for number in range(3)]
    for application in files:
        work.routine(application, Event.START_REVIEW)
    for application in files[:2]:
        work.routine(application, Event.REQUEST_COMPLETION)
    started = []
    for number, (instant, _) in enumerate(cases):
        if number == 2:
            work.clock.move_to(late)
            work.routine(files[number], Event.REQUEST_COMPLETION)
        work.clock.move_to(max(work.clock.now(), instant))
        identity = notice(work, files[number], Letter.COMPLETION_REQUEST)
        assert come(work, delivered(identity), number, at=instant).code is None
        started += running(work, files[number], TermKind.COMPLETION)

    assert started == [day for _, day in cases]


def test_in_whatever_order_they_come_and_however_often_the_rows_are_the_same(
    work: Office,
):
    orders = list(permutations(("accepted", "delayed", "delivered")))
    ends = []
    for number, order in enumerate(orders):
        _, identity = sent(work, number, Letter.SUBMISSION_RECEIPT)
        made = {
            "accepted": accepted(identity, identifier="o"),
            "delayed": Pec(
                "preavviso-errore-consegna", identity, error="altro", identifier="o"
            ),
            "delivered": delivered(identity, identifier="o"),
        }
        outcomes = [come(work, made[name], number).outcome for name in order]
        again = [
            # Fetched again, by another program: the lines of transport differ.
            come(work, made[name].but(headers=(("Received", "by x"),)), number).outcome
            for name in order
        ]
        same = [come(work, made[name], number).outcome for name in reversed(order)]
        assert outcomes == [Outcome.TAKEN_IN] * 3
        assert {*again, *same} == {Outcome.REPEATED}
        ends.append(stands(work, identity, "status", "fault", "receipt", "accepted_at"))

    assert len(ends) == 6
    assert set(ends) == {("delivered", None, "o", ends[0][3])}
    assert len(rows(work.desk.engine, "SELECT id FROM delivery_receipts")) == 18
    assert len(entries(work, event="record_delivery")) == 6
    assert work.verified()


def test_a_failure_outlives_the_acceptance_and_a_delivery_outlives_both(work: Office):
    _, identity = sent(work)

    statuses = []
    for pec in (
        failed(identity, NOBODY, identifier="a"),
        accepted(identity, identifier="a"),
    ):
        come(work, pec)
        statuses.append(stands(work, identity, "status", "fault"))
    come(work, delivered(identity, identifier="b"))

    why = "no-dest 5.1.1 (there is no such mailbox)"
    assert statuses == [("undelivered", why)] * 2
    assert stands(work, identity, "status", "fault") == ("delivered", None)
    come(work, failed(identity, NOBODY, identifier="c"))
    assert stands(work, identity, "status", "fault") == ("delivered", None)


def test_a_receipt_after_the_answer_starts_nothing(work: Office):
    application, identity = sent(work)
    work.wait(days=1)
    at = work.clock.now()
    work.wait(days=1)
    work.routine(application, Event.ANSWER_COMPLETION)
    work.wait(days=1)

    taken = come(work, delivered(identity), at=at)

    (entry,) = entries(work, event="record_delivery")
    assert taken.outcome is Outcome.TAKEN_IN
    assert running(work, application, TermKind.COMPLETION) == []
    ((told),) = entry["terms"]
    assert (told["kind"], told["change"], told["suspended_days"]) == (
        "conclusion",
        "resumed",
        1,
    )


def test_a_receipt_after_the_delivery_was_recorded_by_hand_is_kept(work: Office):
    application, identity = sent(work)
    by_hand = {"letter": "completion_request", "receipt": "by hand"}
    work.move(application, Event.RECORD_DELIVERY, inputs=by_hand)

    taken = come(work, delivered(identity))

    assert (taken.outcome, taken.status) == (Outcome.TAKEN_IN, "delivered")
    assert len(entries(work, event="record_delivery")) == 1
    assert stands(work, identity, "receipt") == ("by hand",)


@pytest.mark.parametrize("counts", [False, True])
def test_a_full_mailbox_counts_as_the_call_says(
    work: Office, tmp_path: Path, counts: bool
):
    if counts:
        yes = ("full_box_counts = false", "full_box_counts = true")
        act = "decreto 2/2026-01-20"
        calls.register_call(work.desk, edited(tmp_path, yes), act=act)
    application, identity = sent(work)

    taken = come(work, full(identity, identifier="f"))

    made = entries(work, event="record_delivery")
    if counts:
        assert taken.status == "delivered"
        assert made[0]["findings"]["full_box"] is True
        assert running(work, application, TermKind.COMPLETION) == [date(2026, 1, 20)]
        explained = term_explanations.term(work.desk, f"{application}/completion")
        assert "the mailbox was full, and the call says" in explained.steps[0].text
    else:
        assert stands(work, identity, "status", "fault") == (
            "full_box",
            "altro 5.2.2 (the mailbox is full)",
        )
        assert not made
        assert not running(work, application, TermKind.COMPLETION)


def test_what_does_not_fit_a_letter_of_ours_changes_nothing(work: Office):
    _, identity = sent(work)
    work.wait(hours=1)
    before = dump(work.desk.engine)
    now, unknown = work.clock.now(), UUID(int=7)

    refused = [
        come(work, delivered(unknown)),
        come(work, Pec(notice="<somebody@else>")),
        come(work, delivered(identity), to="other@pec.example.it"),
        come(work, delivered(identity).but(to=None)),
        come(work, full(identity).but(to=None)),
        come(work, failed(identity).but(to=None)),
        come(work, delivered(identity), at=now + SECOND),
        come(work, delivered(identity), at=now - timedelta(hours=2)),
        come(work, delivered(identity), certified=b"<postacert"),
        come(work, Pec("posta-certificata", headers=(("X-Trasporto", "errore"),))),
    ]

    assert [(one.outcome.value, one.code) for one in refused] == [
        ("unmatched", "receipt.unknown_letter"),
        ("unmatched", "receipt.unknown_letter"),
        ("unmatched", "receipt.other_recipient"),
        *[("unreadable", "receipt.unreadable")] * 3,
        ("unmatched", receipts.TOO_SOON),
        ("unmatched", "date.too_early"),
        ("unreadable", "receipt.unreadable"),
        ("ignored", None),
    ]
    assert written(before, dump(work.desk.engine)) == set()


def test_a_letter_bears_one_message_id(work: Office):
    _, identity = sent(work)
    with transaction(work.desk.engine) as session:
        session.execute(
            text("UPDATE notices SET message_id = :name"),
            {"name": f"<{identity}@pec.ente.example.it>"},
        )

    other = come(work, delivered(identity), notice=f"<{identity}@elsewhere.example>")
    ours = come(work, delivered(identity))

    assert other.code == "receipt.other_letter"
    assert ours.outcome is Outcome.TAKEN_IN


def test_clocks_that_are_a_little_apart_refuse_no_delivery(work: Office):
    _, identity = sent(work)

    taken = come(work, delivered(identity), at=work.clock.now() - timedelta(minutes=4))

    assert taken.outcome is Outcome.TAKEN_IN
    (entry,) = entries(work, event="record_delivery")
    assert entry["findings"]["delivered_at"] == "2026-01-20T09:00:00.000000Z"


def test_what_nobody_answered_for_in_a_day_is_unknown_until_a_receipt_comes(
    work: Office,
):
    letters = [sent(work, number, Letter.SUBMISSION_RECEIPT)[1] for number in range(3)]
    for number in (0, 1):
        come(work, accepted(letters[number]), number)
    come(work, delivered(letters[1]), 1)
    before = stands(work, letters[0], "status", "sent_at")
    work.wait(hours=24, seconds=-1)

    early = silences.note(work.desk)
    work.wait(seconds=1)
    late, again = silences.note(work.desk), silences.note(work.desk)

    assert before[0] == "accepted"
    assert before[1] is not None, "who accepted it had been sent it"
    assert (early, late, again) == (0, 1, 0)
    assert [stands(work, one, "status")[0] for one in letters] == [
        "unknown",
        "delivered",
        "queued",
    ]
    assert "no receipt came within a day" in stands(work, letters[0], "fault")[0]
    come(work, delivered(letters[0]))
    assert stands(work, letters[0], "status", "fault") == ("delivered", None)


def test_every_state_lets_a_delivery_be_recorded(work: Office):
    application, identity = sent(work)
    work.move(application, Event.WITHDRAW, **usual(Event.WITHDRAW, work.today))

    taken = come(work, delivered(identity))

    assert (taken.outcome, taken.status) == (Outcome.TAKEN_IN, "delivered")
    assert running(work, application, TermKind.COMPLETION) == []


def test_workers_that_read_the_same_mailbox_at_once_take_each_receipt_in_once(
    work: Office,
):
    _, identity = sent(work)
    now = work.clock.now()
    mails = [pec(identity, at=now).mail() for pec in (accepted, delivered)]
    desks = [
        replace(work.desk, ambient=FrozenAmbient(now, seed=1_000 * number))
        for number in range(1, 5)
    ]

    def read(desk: Desk) -> list[Outcome]:
        return [receipts.take_in(desk, mail).outcome for mail in mails]

    with ThreadPoolExecutor(len(desks)) as workers:
        outcomes = Counter(one for read in workers.map(read, desks) for one in read)

    assert outcomes == {Outcome.TAKEN_IN: 2, Outcome.REPEATED: 6}
    assert len(entries(work, event="record_delivery")) == 1
    assert stands(work, identity, "status", "accepted_at") == ("delivered", now)
    assert work.verified()


# While it is being sent


@dataclass
class Meanwhile(Postbox):
    """A transport in whose hands a letter is while other things happen."""

    domain: str = SENDER.rpartition("@")[2]
    happens: Callable[[UUID], object] = lambda _: None
    error: UnavailableError | RefusedError | None = None

    def send(self, mail: Mail) -> None:
        super().send(mail)
        self.happens(mail.id)
        if self.error is not None:
            raise self.error


def post(work: Office, transport: Transport) -> None:
    for job in outbox.to_send(work.desk, most=100, resend=None):
        outbox.do(work.desk, job.id, transport)


def by_receipt(work: Office, identity: UUID) -> object:
    with ThreadPoolExecutor(1) as mailbox:  # and so by a session of its own
        return mailbox.submit(come, work, delivered(identity)).result()


def by_hand(work: Office, _: UUID) -> object:
    stated = {"letter": "submission_receipt", "receipt": "by hand"}
    return work.move("2026/0000001", Event.RECORD_DELIVERY, inputs=stated)


@pytest.mark.parametrize("arrives", [by_receipt, by_hand])
@pytest.mark.parametrize(
    "error",
    [
        None,
        PermanentError("mail.refused", "no"),
        TemporaryError("mail.not_now", "later"),
        UnknownOutcomeError("mail.cut", "who knows"),
    ],
)
def test_a_letter_that_arrives_before_its_sender_knows_has_arrived(
    work: Office, arrives: Any, error: Any
):
    """Receipts may be faster than the answer to what they are about."""
    _, identity = sent(work, 0, Letter.SUBMISSION_RECEIPT)
    begun: list[tuple[Any, ...]] = []

    def happens(letter: UUID) -> None:
        begun.append(stands(work, letter, "status", "attempts"))
        arrives(work, letter)

    transport = Meanwhile(is_certain=False, happens=happens, error=error)
    post(work, transport)
    left = stands(work, identity, "status", "delivered_at", "fault")
    work.wait(hours=5)
    post(work, transport)

    assert begun == [(NoticeStatus.QUEUED, 1)]
    assert (left[0], left[2]) == (NoticeStatus.DELIVERED, None)
    assert left[1] is not None
    assert stands(work, identity, "status", "delivered_at", "fault") == left
    assert len(transport.mails) == 1, "it is not sent again"
    assert len(entries(work, event="record_delivery")) == 1
    assert rows(work.desk.engine, "SELECT id FROM outbox") == []


def test_an_answer_that_waits_for_a_delivery_to_be_written_does_not_undo_it(
    work: Office,
):
    """The third step of sending begins while the receipt holds its locks."""
    letters = [sent(work, number, Letter.SUBMISSION_RECEIPT)[1] for number in range(4)]
    now, together = work.clock.now(), Barrier(2)
    reader = replace(work.desk, ambient=FrozenAmbient(now, seed=1_000))
    here = local()

    @event.listens_for(work.desk.engine, "after_cursor_execute")
    def _(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        is_written = statement.startswith("INSERT INTO delivery_receipts")
        if is_written and getattr(here, "is_delivery", False):
            together.wait(60)
            time.sleep(0.05)  # and then most likely somebody waits for the lock

    def take_in(number: int) -> list[Outcome]:
        outcomes = []
        for pec in (accepted, delivered):
            mail = pec(letters[number], at=now)
            if mail.to is not None:
                here.is_delivery = True
                mail = mail.but(to=f"cluster{number + 1}@pec.example.it")
            outcomes.append(receipts.take_in(reader, mail.mail()).outcome)
        here.is_delivery = False
        return outcomes

    with ThreadPoolExecutor(1) as mailbox:
        reads: list[Future[list[Outcome]]] = []

        def happens(letter: UUID) -> None:
            reads.append(mailbox.submit(take_in, letters.index(letter)))
            together.wait(60)

        post(work, Meanwhile(is_certain=False, happens=happens))
        outcomes = [read.result() for read in reads]

    assert outcomes == [[Outcome.TAKEN_IN, Outcome.TAKEN_IN]] * len(letters)
    for letter in letters:
        found = stands(work, letter, "status", "fault", "delivered_at", "begun_at")
        assert found == (NoticeStatus.DELIVERED, None, now, None)
    assert len(entries(work, event="record_delivery")) == len(letters)
    assert rows(work.desk.engine, "SELECT id FROM outbox") == []
    assert work.verified()


def test_a_delivery_recorded_by_hand_leaves_nothing_of_what_its_sender_noted(
    postgres_office_url: str,
):
    """The sender gives up between the moments at which the hand reads and writes."""
    begun, read = Signal(), Signal()

    def happens(_letter: UUID) -> None:
        begun.set()
        assert read.wait(60)

    refused = PermanentError("mail.refused", "no")
    transport = Meanwhile(is_certain=False, happens=happens, error=refused)
    with (
        office(postgres_office_url) as work,
        office(postgres_office_url) as hand,
        ThreadPoolExecutor(1) as courier,
    ):
        application, identity = sent(work, 0, Letter.SUBMISSION_RECEIPT)
        sending = courier.submit(post, work, transport)

        @event.listens_for(hand.desk.engine, "after_cursor_execute")
        def _(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if "FROM notices" in statement and not read.is_set():
                read.set()
                sending.result(60)

        assert begun.wait(60)
        stated = {"letter": Letter.SUBMISSION_RECEIPT.value, "receipt": "R-1"}
        hand.move(application, Event.RECORD_DELIVERY, inputs=stated)

        found = stands(work, identity, "status", "fault", "receipt", "begun_at")
        assert found == (NoticeStatus.DELIVERED, None, "R-1", None)
        assert work.verified()


# What had left before a backup was restored


def test_a_letter_entered_again_takes_the_receipt_of_its_first_time(work: Office):
    application, identity = sent(work)
    long_ago = work.clock.now() - timedelta(days=1)
    with transaction(work.desk.engine) as session:
        letter = session.get_one(Notice, identity)
        letter.status, letter.sent_at = NoticeStatus.SENT, work.clock.now()
        session.add(letter)

    taken = come(work, delivered(identity), at=long_ago)

    (entry,) = entries(work, event="record_delivery")
    assert taken.outcome is Outcome.TAKEN_IN, taken
    assert stands(work, identity, "attempts", "delivered_at")[0] == 0
    assert entry["findings"]["certified_at"] == written_instant(long_ago)
    assert running(work, application, TermKind.COMPLETION) == [work.today]
    assert work.verified()


@pytest.mark.parametrize(("days", "code"), [(-1, "date.too_early"), (1, "date.future")])
@pytest.mark.parametrize("was_delivered", [False, True])
def test_an_impossible_instant_is_refused_in_whatever_order(
    days, code, was_delivered, work: Office
):
    _, identity = sent(work)
    if was_delivered:
        assert come(work, delivered(identity)).outcome is Outcome.TAKEN_IN
    at = work.clock.now() + timedelta(days=days)

    taken = come(work, delivered(identity, identifier="other"), at=at)

    assert (taken.outcome, taken.code) == (Outcome.UNMATCHED, code)


def test_of_two_instants_it_is_said_which_one_counts(work: Office):
    _, identity = sent(work)
    first = work.clock.now()
    assert come(work, delivered(identity)).outcome is Outcome.TAKEN_IN
    work.wait(seconds=9)

    taken = come(work, delivered(identity, identifier="other"))

    assert taken.outcome is Outcome.TAKEN_IN
    assert taken.why is not None
    assert taken.why.endswith("was recorded before, and counts")
    assert stands(work, identity, "delivered_at") == (first,)


# Folders


def maildir(folder: Path, *mails: bytes) -> Path:
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, mail in enumerate(mails):
        (folder / "new" / f"17000000{number}.M1.host").write_bytes(mail)
    return folder


def test_a_maildir_is_emptied_of_what_was_looked_at(work: Office, tmp_path: Path):
    _, identity = sent(work)
    now = work.clock.now()
    box = maildir(
        tmp_path / "box",
        accepted(identity, at=now).mail(),
        delivered(identity, at=now + timedelta(minutes=1)).mail(),
        b"a letter of somebody",
        Pec(certified=b"<").mail(),
    )

    mailboxes.take_new(work.desk, box, set())
    left = sorted(file.name for file in (box / "new").iterdir())
    work.wait(minutes=2)
    mailboxes.take_new(work.desk, box, set())

    assert mailboxes._moved(box / "new" / "170000001.M1.host", box / "cur"), (
        "it is where it belongs, whoever moved it"
    )
    assert left == ["170000001.M1.host"], "it was not written yet, by our clock"
    assert not list((box / "new").iterdir())
    assert len(list((box / "cur").glob("*:2,S"))) == 4
    assert stands(work, identity, "status") == ("delivered",)


@pytest.fixture
def locked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may not be read; the administrator of a machine may read all."""
    folder = tmp_path / "locked"
    folder.mkdir()
    may_iterate = Path.iterdir

    def iterate(self: Path) -> Iterator[Path]:
        if self == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return may_iterate(self)

    monkeypatch.setattr(Path, "iterdir", iterate)
    return folder


def test_a_folder_that_cannot_be_read_keeps_no_other_mail_out(
    work: Office, locked_folder: Path
):
    files = list(mailboxes.files_of(locked_folder))
    (taken,) = (mailboxes.take_file(work.desk, file) for file in files)

    assert (taken.outcome, taken.code) == (Outcome.UNREADABLE, "receipt.unreadable")
    with pytest.raises(UnavailableError) as error:
        mailboxes.take_new(work.desk, locked_folder, set())
    assert error.value.code == "receipts.no_folder"
    assert "Permission denied" in error.value.message


def test_what_is_no_mail_in_a_maildir_is_passed_over_and_keeps_none_out(
    work: Office, tmp_path: Path
):
    _, identity = sent(work)
    good = accepted(identity, at=work.clock.now()).mail()
    elsewhere = tmp_path / "elsewhere.eml"
    elsewhere.write_bytes(delivered(identity, at=work.clock.now()).mail())
    box = maildir(tmp_path / "box")
    os.mkfifo(box / "new" / "1.pipe")
    (box / "new" / "2.folder").mkdir()
    (box / "new" / "3.nowhere").symlink_to(tmp_path / "nowhere")
    (box / "new" / "4.endless").symlink_to("/dev/zero")
    (box / "new" / "5.link").symlink_to(elsewhere)
    (box / "new" / "6.mail").write_bytes(good)

    mailboxes.take_new(work.desk, box, set())

    left = sorted(file.name for file in (box / "new").iterdir())
    assert left == ["1.pipe", "2.folder", "3.nowhere", "4.endless"]
    assert stands(work, identity, "status") == ("delivered",)
    assert elsewhere.exists()


def test_a_folder_is_left_as_it_is_and_read_once(work: Office, tmp_path: Path):
    _, identity = sent(work)
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "receipt.eml"
    file.write_bytes(accepted(identity, at=work.clock.now()).mail())
    seen: set[mailboxes.Mark] = set()

    mailboxes.take_new(work.desk, file.parent, seen)
    once = set(seen)
    mailboxes.take_new(work.desk, file.parent, seen)

    assert file.exists()
    assert len(once) == 1
    assert seen == once
    assert stands(work, identity, "status") == ("accepted",)


def test_the_command_takes_in_what_it_can_and_names_the_rest(
    work: Office, tmp_path: Path
):
    application, identity = sent(work)
    box = maildir(tmp_path / "box", accepted(identity, at=work.clock.now()).mail())
    read = box / "cur" / "17000009.M1.host:2,S"
    read.write_bytes(delivered(identity, at=work.clock.now()).mail())
    other = tmp_path / "note.eml"
    other.write_bytes(b"Subject: ciao\r\n\r\nciao")

    good = CliRunner().invoke(main, ["receipts", str(box), str(other)], obj=work.desk)
    bad = CliRunner().invoke(
        main,
        ["receipts", str(read), "-", "--json"],
        obj=work.desk,
        input=Pec(notice=UUID(int=1)).mail(),
    )
    nowhere = CliRunner().invoke(main, ["receipts", "nowhere"], obj=work.desk)

    assert good.exit_code == 0, good.output
    lines = good.stdout.splitlines()
    assert lines[1].startswith(
        f"taken_in    {application} completion_request: delivered at 20/01/2026 "
        "10:00:00, now delivered ("
    )
    assert lines[2:] == [
        f"ignored     {other}: it is no receipt of certified mail",
        "3 mail(s): 2 taken_in, 1 ignored",
    ]
    assert bad.exit_code == 1
    first, second = json.loads(bad.stdout)["receipts"]
    assert (first["file"], first["outcome"], first["kind"]) == (
        str(read),
        "repeated",
        "delivered",
    )
    assert (first["application"], first["status"], first["notice"]) == (
        application,
        "delivered",
        str(identity),
    )
    assert (second["file"], second["outcome"]) == ("-", "unmatched")
    assert second["error"]["code"] == "receipt.unknown_letter"
    assert nowhere.exit_code == 2
    assert read.exists()


def test_the_first_attempt_of_a_letter_that_was_sent_again_may_have_arrived(
    work: Office,
):
    application, identity = sent(work)
    first = f"<{identity}@{SENDER.rpartition('@')[2]}>"
    again = postings.next_message_id(first)
    with transaction(work.desk.engine) as session:
        letter = session.get_one(Notice, identity)
        letter.status, letter.message_id = NoticeStatus.SENT, again
        session.add(letter)

    refused = come(work, failed(identity), identifier="of the first")
    left = stands(work, identity, "status", "fault")
    arrived = come(work, delivered(identity), identifier="of the first, late")

    assert (refused.outcome, arrived.outcome) == (Outcome.TAKEN_IN, Outcome.TAKEN_IN)
    assert left == (NoticeStatus.SENT, None)
    assert stands(work, identity, "status") == (NoticeStatus.DELIVERED,)
    assert TermKind.COMPLETION in {
        term.kind for term in views.shown(work.desk, application).terms
    }


def test_what_is_held_back_can_have_reached_nobody(work: Office):
    application, identity = sent(work)
    with transaction(work.desk.engine) as session:
        letter = session.get_one(Notice, identity)
        letter.status = NoticeStatus.HELD
        session.add(letter)

    by_receipt = come(work, delivered(identity))
    with pytest.raises(RefusedError) as by_hand:
        work.move(
            application,
            Event.RECORD_DELIVERY,
            inputs={"letter": "completion_request", "receipt": "by hand"},
        )

    assert by_receipt.outcome is not Outcome.TAKEN_IN
    assert by_hand.value.code == "notice.not_sent"
    assert stands(work, identity, "status") == (NoticeStatus.HELD,)
