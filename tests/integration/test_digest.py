"""Is each officer told what waits for them, and nothing else?"""

from datetime import timedelta

import pytest
from sqlmodel import select

from models.session import transaction
from models.tables import Notice
from models.vocabulary import Event, NoticeStatus, Role
from tests.builders import CTL, Office, usual
from tests.terminals import FIRST, Terminal
from workflow.errors import RefusedError
from workflow.services import digests, moves, officers, sweep

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
