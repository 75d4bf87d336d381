"""Is each officer told what waits for them, and nothing else?"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from dramatiq.brokers.stub import StubBroker
from sqlmodel import select

from models.session import transaction
from models.tables import Notice, Term
from models.vocabulary import Event, NoticeStatus, Role, TermStatus
from tests.builders import CTL, Office, rome, usual
from tests.contents import alter_rules, rows
from tests.terminals import FIRST, Terminal
from workers.ticking import Ticker
from workflow.ambient import FrozenAmbient
from workflow.anchors.manifests import line
from workflow.desk import AnchorFiles
from workflow.errors import RefusedError, SportelloError, UnavailableError
from workflow.services import anchoring, digests, keys, moves, officers, sweep

HEADINGS = {
    "examiner": ["Next in turn"],
    "rup": ["Letters"],
    "director": [],
    "clerk": [],
}


def headings(work: Office, login: str) -> list[str]:
    waiting = digests.of(work.desk, login).waiting
    return list(dict.fromkeys(one.heading for one in waiting))


def staff(work: Office) -> None:
    people = {
        "clerk": Role.INTAKE,
        "examiner": Role.OFFICER,
        "rup": Role.RESPONSIBLE,
        "board": Role.EVALUATOR,
        "director": Role.MANAGER,
    }
    for login, role in people.items():
        officers.add(work.desk.as_officer("bianchi"), login, login.title(), [role])


def make(work: Office, name: str, *events: Event) -> None:
    for event in events:
        today = work.clock.now().date()
        moves.advance(work.desk, moves.MoveCommand(name, event, **usual(event, today)))


def test_each_role_is_told_of_its_own_work(work: Office):
    staff(work)
    name = work.file()
    with transaction(work.desk.engine) as session:
        for notice in session.exec(select(Notice)).all():
            notice.status = NoticeStatus.UNDELIVERED
            session.add(notice)

    told = {login: headings(work, login) for login in HEADINGS}

    assert told == HEADINGS
    (next_one,) = digests.of(work.desk, "examiner").waiting
    assert (next_one.call, next_one.application) == (CTL, name)
    (letter,) = digests.of(work.desk, "rup").waiting
    assert letter.what.startswith("submission receipt could not be delivered")


def test_a_call_that_does_not_verify_is_told_of_and_keeps_no_other_out(work: Office):
    staff(work)
    work.file()
    alter_rules(work.desk.engine)

    waiting = digests.of(work.desk, "examiner").waiting

    assert [one.heading for one in waiting] == ["What does not verify"]
    assert "log verify" in waiting[0].what


def test_a_term_of_the_office_is_told_of_before_its_end_and_after_it(work: Office):
    staff(work)
    name = work.file()
    make(work, name, Event.START_REVIEW)
    assert headings(work, "rup") == ["Reviews to close"]

    work.clock.advance(timedelta(days=28))
    before = headings(work, "rup"), headings(work, "director")
    work.clock.advance(timedelta(days=4))
    sweep.sweep(work.desk)
    after = headings(work, "rup"), headings(work, "director")

    assert before == (["Terms of the office", "Reviews to close"], [])
    assert after == (["Terms that were missed", "Reviews to close"], [])


def test_an_answer_waits_until_it_is_decided_on(work: Office):
    staff(work)
    name = work.file()
    make(work, name, Event.START_REVIEW)
    assert headings(work, "rup") == headings(work, "examiner") == ["Reviews to close"]

    make(work, name, Event.NOTIFY_REFUSAL)
    assert headings(work, "rup") == []

    make(work, name, Event.FILE_OBSERVATIONS)
    answered = headings(work, "rup")
    make(work, name, Event.UPHOLD_OBSERVATIONS, Event.ADMIT)

    assert answered == ["Reviews to close", "Answers to decide on"]
    assert headings(work, "rup") == []


def mails(work: Office) -> list[tuple[str, str, str]]:
    return rows(
        work.desk.engine,
        "SELECT kind, recipient, subject FROM memos ORDER BY created_at, recipient",
    )


def test_every_morning_who_is_waited_for_is_written_to_once(work: Office):
    staff(work)
    for login in ("examiner", "director"):
        officers.add(
            work.desk.as_officer("bianchi"),
            login,
            login.title(),
            [],
            email=f"{login}@regione.example.it",
        )
    work.file()
    ticker = Ticker(StubBroker(), work.desk.as_worker())
    work.clock.move_to(rome(2026, 1, 21, 6, 59))
    night = digests.write(work.desk)

    work.clock.move_to(rome(2026, 1, 21, 7, 0))
    due = digests.are_due(work.desk)
    ticker._do_here("write_digests", "nobody else is there")
    again = digests.write(work.desk)
    first = mails(work)
    work.clock.move_to(rome(2026, 1, 25, 12, 0))
    late = digests.write(work.desk)

    assert (night, due, again, late) == (0, True, 0, 1)
    assert [(kind, to) for kind, to, _ in first] == [
        ("digest", "examiner@regione.example.it")
    ]
    assert first[0][2] == "sportello: 1 thing(s) wait for you, 21/01/2026"
    jobs = rows(work.desk.engine, "SELECT kind FROM outbox WHERE kind = 'send_memo'")
    assert len(jobs) == 2


def write_to(work: Office, *logins: str) -> None:
    for login in logins:
        email = f"{login}@regione.example.it"
        desk = work.desk.as_officer("bianchi")
        officers.add(desk, login, login.title(), [], email=email)


@dataclass
class Faltering(FrozenAmbient):
    """Gives no identifier the first time that it is asked for one."""

    error: SportelloError = field(kw_only=True)
    has_failed: bool = False

    def new_id(self) -> UUID:
        if not self.has_failed:
            self.has_failed = True
            raise self.error
        return super().new_id()


@pytest.mark.parametrize(
    ("error", "is_asked_again"),
    [(UnavailableError("x.away", "later"), True), (RefusedError("x.no", "no"), False)],
)
def test_where_one_digest_fails_the_others_are_written(
    work: Office, error: SportelloError, is_asked_again: bool
):
    staff(work)
    write_to(work, "director", "examiner", "rup")
    make(work, work.file(), Event.START_REVIEW)
    work.clock.move_to(rome(2026, 1, 21, 8))
    desk = replace(
        work.desk, ambient=Faltering(work.clock.now(), seed=9_000, error=error)
    )

    if is_asked_again:
        with pytest.raises(UnavailableError):
            digests.write(desk)
    else:
        digests.write(desk)
    first = [to for _, to, _ in mails(work)]
    again = digests.write(desk)

    assert first == ["rup@regione.example.it"]
    assert again == is_asked_again
    assert len(mails(work)) == 1 + is_asked_again


def test_what_does_not_verify_is_told_of_beside_the_rest(work: Office):
    staff(work)
    make(work, work.file(), Event.START_REVIEW, Event.REQUEST_COMPLETION)
    work.file(1)
    backwards = {"first": "2026-02-09", "until": "2026-02-01", "at_most": None}
    with transaction(work.desk.engine) as session:
        for term in session.exec(select(Term)).all():
            term.status, term.due_at = TermStatus.SUSPENDED, work.clock.now()
            term.suspensions = [backwards]
            session.add(term)

    waiting = digests.of(work.desk, "examiner").waiting

    assert [one.heading for one in waiting] == ["What does not verify", "Next in turn"]
    assert "call the auditor" in waiting[0].what


def test_where_nobody_has_an_address_no_digest_is_due(work: Office):
    staff(work)
    work.file()

    assert not digests.are_due(work.desk)


def test_the_auditors_are_sent_each_anchor(work: Office, tmp_path: Path):
    files = AnchorFiles(tmp_path / "register.pem", tmp_path / "anchors.jsonl")
    keys.make(files.key)
    officers.add(
        work.desk.as_officer("bianchi"),
        "controller",
        "Controller",
        [Role.AUDITOR],
        email="orac@regione.example.it",
    )

    made = anchoring.seal(replace(work.desk, anchor_files=files))

    ((kind, to, subject),) = mails(work)
    assert (kind, to) == ("anchor", "orac@regione.example.it")
    assert subject == "sportello: anchor 1 of the register"
    ((body,),) = rows(work.desk.engine, "SELECT body FROM memos")
    assert body.encode() == files.lines.read_bytes() == line(made)


@pytest.mark.parametrize("login", ["nobody", "rossi"])
def test_nothing_waits_for_who_is_no_officer_any_more(work: Office, login: str):
    staff(work)
    if login == "rossi":
        officers.retire(work.desk.as_officer("bianchi"), login)

    with pytest.raises(RefusedError) as refused:
        digests.of(work.desk, login)

    assert refused.value.code in {"officer.unknown", "officer.retired"}


def test_a_mail_names_what_waits_and_is_cut_where_it_would_be_too_long(work: Office):
    staff(work)
    one = digests.Waiting("Next in turn", CTL, FIRST, "may be reviewed")
    found = digests.of(work.desk, "examiner")

    subject, text = digests.as_mail(digests.Digest(found.login, found.day, (one,) * 60))

    assert subject.startswith("sportello: 60 thing(s) wait for you, ")
    assert text.startswith(f"Next in turn\n\n- {CTL}: {FIRST} may be reviewed\n")
    assert "- and 10 more: `sportello digest`" in text


def test_it_is_shown_to_who_asks_and_to_scripts(terminal: Terminal):
    shown = terminal.type("digest").stdout
    told = terminal.ask("digest", "bianchi")

    assert shown.startswith("bianchi, 20/01/2026\n")
    assert f"{FIRST}" in shown
    assert told["officer"] == "bianchi"
    assert told["waiting"][0]["application"] == FIRST


def test_an_address_is_kept_changed_and_forgotten(terminal: Terminal):
    verdi = ("officer", "add", "verdi", "--name", "Verdi", "--role", "officer")
    terminal.type(*verdi, "--email", "verdi@regione.example.it")
    terminal.type(*verdi)
    kept = terminal.ask("officer", "list")["officers"]
    terminal.type(*verdi, "--email", "")
    forgotten = terminal.ask("officer", "list")["officers"]

    said = terminal.refused(*verdi, "--email", "verdi@", code="usage", exit_code=2)

    assert {one["login"]: one["email"] for one in kept}["verdi"] == (
        "verdi@regione.example.it"
    )
    assert all(one["email"] is None for one in forgotten)
    assert "is no address" in said
