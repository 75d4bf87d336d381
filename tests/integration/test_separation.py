"""Does whoever proposes leave the decision to another person?"""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from config.loader import find, load
from models.vocabulary import Event, Role
from tests.builders import CTL, Office, furnish, office, scores, usual
from tests.contents import entries
from tests.integration.test_tampering import by, forge
from tests.integration.test_verification import by_hand
from tests.servers import fresh_postgres
from workflow.errors import RefusedError
from workflow.services import (
    conflicts,
    delegations,
    digests,
    entry_explanations,
    log,
    officers,
    rosters,
)

ACT = "decreto 7/2026-01-19"
TO_SCORE = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def template(request, tmp_path_factory) -> Iterator[str]:
    """Give an office whose call separates, and wants three scores."""
    folder = tmp_path_factory.mktemp("separate")
    text = find("ctl-2025").read_text(encoding="utf-8")
    file = folder / "call.toml"
    file.write_text(
        text.replace("evaluators = 1", "evaluators = 3").replace(
            "reminders = [10, 3, 0]", "reminders = []"
        ),
        encoding="utf-8",
    )
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'sportello.db'}"
        _furnish(url, file)
        yield url
        return
    with fresh_postgres(request.getfixturevalue("postgres_server")) as url:
        _furnish(url, file)
        yield url


def _furnish(url: str, file: Path) -> None:
    furnish(url, load(file))
    with office(url) as opened:
        for login in ("second", "third"):
            officers.add(
                opened.desk.as_officer("bianchi"), login, login, [Role.EVALUATOR]
            )


@pytest.fixture
def apart(template: str, request, tmp_path: Path) -> Iterator[Office]:
    if template.startswith("sqlite"):
        file = tmp_path / "sportello.db"
        shutil.copyfile(template.removeprefix("sqlite:///"), file)
        with office(f"sqlite:///{file}") as opened:
            yield opened
        return
    server = request.getfixturevalue("postgres_server")
    with (
        fresh_postgres(server, template.rpartition("/")[2]) as url,
        office(url) as opened,
    ):
        yield opened


def code_of(work: Office, application: str, event: Event, **changes: object) -> str:
    try:
        work.move(application, event, **usual(event, work.today, **changes))
    except RefusedError as error:
        return error.code
    return "done"


def evaluate(work: Office, login: str, application: str, points: int) -> str:
    given = {"score": scores(points), "minutes": "3/2026"}
    return code_of(work.sit(login), application, Event.EVALUATE, inputs=given)


def scored(work: Office, points: int = 80) -> str:
    """Bring an application to its score, by those who prepare it."""
    application = work.file()
    work.sit("examiner").routine(application, Event.START_REVIEW)
    work.sit("rup").routine(application, Event.ADMIT)
    for login in ("board", "second", "third"):
        assert evaluate(work, login, application, points) == "done"
    return application


def holding(work: Office, login: str, *roles: Role) -> None:
    officers.add(work.desk.as_officer("bianchi"), login, login, roles)


def identity(work: Office, login: str) -> str:
    (found,) = (one.id for one in rosters.listed(work.desk) if one.login == login)
    return str(found)


def test_whoever_closed_the_check_or_scored_does_not_grant(apart: Office):
    application = scored(apart)
    for login in ("rup", "second"):
        holding(apart, login, Role.MANAGER)

    codes = {
        login: code_of(apart.sit(login), application, Event.GRANT)
        for login in ("rup", "second", "director")
    }

    assert codes == {
        "rup": "role.same_person",
        "second": "role.same_person",
        "director": "done",
    }
    refused = entries(apart, event="grant", outcome="refused")
    assert [entry["findings"]["officer"] for entry in refused] == [
        identity(apart, "rup"),
        identity(apart, "second"),
    ]
    assert "rup" not in refused[0]["refusal"]["message"]
    assert apart.verified()


def test_a_decision_said_to_be_by_who_proposed_it_is_found(apart: Office):
    application = scored(apart)
    assert code_of(apart.sit("director"), application, Event.GRANT) == "done"
    said = by(id=identity(apart, "director"))

    by_hand(
        apart,
        *forge(apart, said, first="seq FROM entries WHERE event = 'admit'"),
    )

    (verified,) = log.verify(apart.desk)
    told = {one.fault for one in verified.faults if one.kind == "authority"}
    assert any("decides on what they, or whom they act for" in one for one in told)
    assert any("the role `responsible` was not held" in one for one in told)


def test_an_act_said_to_be_by_who_abstains_is_found(apart: Office):
    application = apart.file()
    apart.sit("examiner").routine(application, Event.START_REVIEW)
    apart.sit("rup").routine(application, Event.ADMIT)
    desk = apart.desk.as_officer("board")
    conflicts.declare(desk, "board", application, reason="a relative")
    assert evaluate(apart, "second", application, 80) == "done"
    before = apart.verified()
    said = by(id=identity(apart, "board"))

    by_hand(
        apart,
        *forge(apart, said, first="seq FROM entries WHERE event = 'evaluate'"),
    )

    (verified,) = log.verify(apart.desk)
    (told,) = [one for one in verified.faults if one.kind == "authority"]
    assert before
    assert "has a conflict of interests, by entry" in told.fault
    assert "acts all the same" in told.fault


def test_neither_delegate_nor_delegator_may_have_proposed(apart: Office):
    application = scored(apart)
    holding(apart, "rup", Role.MANAGER)
    bianchi = apart.desk.as_officer("bianchi")
    for giver, taker in (("director", "examiner"), ("rup", "clerk")):
        day = date(2026, 1, 20)
        wanted = delegations.Wanted(giver, taker, Role.MANAGER, day, day, ACT)
        delegations.delegate(bianchi, wanted)
    delegations.delegate(
        bianchi,
        delegations.Wanted(
            "director",
            "third",
            Role.MANAGER,
            date(2026, 1, 20),
            date(2026, 1, 20),
            ACT,
        ),
    )

    codes = [
        code_of(apart.sit(login), application, Event.GRANT)
        for login in ("clerk", "third", "examiner")
    ]

    # The first acts for whoever admitted it, the second has scored it.
    assert codes == ["role.same_person", "role.same_person", "done"]
    (granted,) = entries(apart, event="grant", outcome="ok")
    assert granted["actor"]["on_behalf_of"] == identity(apart, "director")


def test_whoever_gave_notice_does_not_refuse(apart: Office):
    application = apart.file()
    apart.sit("examiner").routine(application, Event.START_REVIEW)
    apart.sit("rup").routine(application, Event.NOTIFY_REFUSAL)
    apart.sit("clerk").routine(application, Event.FILE_OBSERVATIONS)
    for login in ("rup", "examiner"):
        holding(apart, login, Role.MANAGER)

    codes = [
        code_of(apart.sit(login), application, Event.DECLARE_INADMISSIBLE)
        for login in ("rup", "examiner", "director")
    ]

    assert codes == ["role.same_person", "role.same_person", "done"]


def test_a_revocation_is_proposed_by_one_and_adopted_by_another(apart: Office):
    application = scored(apart)
    apart.sit("director").routine(application, Event.GRANT)
    for event, login in (
        (Event.RECORD_PUBLICATION, "examiner"),
        (Event.CONVENE_NEGOTIATION, "rup"),
        (Event.SIGN_MINUTES, "rup"),
        (Event.FILE_PLAN, "clerk"),
        (Event.DETERMINE_AMOUNT, "director"),
        (Event.ACCEPT, "clerk"),
    ):
        apart.sit(login).routine(application, event)
    holding(apart, "rup", Role.MANAGER)

    alone = code_of(apart.sit("director"), application, Event.REVOKE)
    apart.sit("rup").routine(application, Event.PROPOSE_REVOCATION)
    today = apart.today
    delegations.delegate(
        apart.desk.as_officer("bianchi"),
        delegations.Wanted("director", "third", Role.MANAGER, today, today, ACT),
    )
    waiting = [
        [one.application for one in digests.of(apart.desk, login).waiting]
        for login in ("director", "third", "second")
    ]
    again = code_of(apart.sit("rup"), application, Event.PROPOSE_REVOCATION)
    codes = [
        code_of(apart.sit(login), application, Event.REVOKE)
        for login in ("rup", "director")
    ]

    assert (alone, again) == (
        "revocation_proposal.missing",
        "revocation_proposal.open",
    )
    assert codes == ["role.same_person", "done"]
    assert waiting == [[application], [application], []]
    assert apart.verified()


def test_a_board_of_three_makes_one_score_by_the_mean(apart: Office):
    application = apart.file()
    apart.sit("examiner").routine(application, Event.START_REVIEW)
    apart.sit("rup").routine(application, Event.ADMIT)

    told = [
        evaluate(apart, login, application, points)
        for login, points in (
            ("board", 61),
            ("board", 90),
            ("second", 60),
            ("third", 60),
        )
    ]

    assert told == ["done", "score.given_by_same", "done", "done"]
    given = entries(apart, event="evaluate", outcome="ok")
    assert [entry["to"] for entry in given] == ["admissible", "admissible", "evaluated"]
    assert given[0]["findings"]["sheet"]["total"] == 61
    assert given[-1]["findings"]["score"]["totals"] == [61, 60, 60]
    assert given[-1]["findings"]["score"]["total"] == 60
    assert apart.verified()


def test_nobody_abstains_who_is_no_officer(apart: Office):
    application = apart.file()
    apart.sit("examiner").routine(application, Event.START_REVIEW)
    stranger = {"officer": "019c0000-0000-7000-8000-000000000001"}

    code = code_of(
        apart.sit("director"),
        application,
        Event.DECLARE_CONFLICT,
        inputs=stranger,
        reason="a typing mistake",
    )

    assert code == "officer.unknown"
    assert entries(apart, event="declare_conflict", outcome="ok") == []
    assert apart.verified()


def test_whoever_declares_a_conflict_neither_scores_nor_counts_nor_decides(
    apart: Office,
):
    application = apart.file()
    apart.sit("examiner").routine(application, Event.START_REVIEW)
    apart.sit("rup").routine(application, Event.ADMIT)
    evaluate(apart, "board", application, 0)
    desk = apart.desk.as_officer

    with pytest.raises(RefusedError) as of_another:
        conflicts.declare(desk("board"), "second", application, reason="a relative")
    with pytest.raises(RefusedError) as unknown:
        conflicts.declare(desk("board"), "nobody", application, reason="a relative")
    with pytest.raises(RefusedError) as by_the_responsible:
        conflicts.declare(desk("rup"), "director", application, reason="told by them")
    conflicts.declare(desk("board"), "board", application, reason="a relative")
    holding(apart, "other", Role.MANAGER)
    conflicts.declare(desk("other"), "director", application, reason="told by them")
    holding(apart, "fourth", Role.EVALUATOR)
    told = [
        evaluate(apart, login, application, 80)
        for login in ("board", "second", "third", "fourth")
    ]
    codes = [
        code_of(apart.sit(login), application, Event.GRANT)
        for login in ("director", "other")
    ]

    assert of_another.value.code == "conflict.of_another"
    assert by_the_responsible.value.code == "conflict.of_another"
    assert unknown.value.code == "officer.unknown"
    assert told == ["conflict.declared", "done", "done", "done"]
    last = entries(apart, event="evaluate", outcome="ok")[-1]
    assert last["findings"]["score"]["totals"] == [80, 80, 80]
    assert codes == ["conflict.declared", "done"]
    recorded = entries(apart, event="declare_conflict", outcome="ok")
    # Who holds several roles acts in the one that may.
    assert [entry["actor"]["role"] for entry in recorded] == ["evaluator", "manager"]
    # After the grant too, for a revocation is decided as impartially.
    conflicts.end(desk("rup"), "director", application, reason="another one")
    conflicts.declare(desk("other"), "other", application, reason="a relative")
    assert apart.verified()


def test_a_conflict_that_is_taken_back_keeps_nobody_from_anything_any_more(
    apart: Office,
):
    application = apart.file()
    apart.sit("examiner").routine(application, Event.START_REVIEW)
    apart.sit("rup").routine(application, Event.ADMIT)
    desk = apart.desk.as_officer
    evaluate(apart, "board", application, 20)
    conflicts.declare(desk("board"), "board", application, reason="a relative")
    conflicts.declare(desk("director"), "second", application, reason="a friend")

    refused = []
    for login, whose in (("third", "board"), ("second", "second"), ("rup", "third")):
        with pytest.raises(RefusedError) as error:
            conflicts.end(desk(login), whose, application, reason="over")
        refused.append(error.value.code)
    kept = evaluate(apart, "second", application, 80)
    conflicts.end(desk("board"), "board", application, reason="she has left")
    conflicts.end(desk("rup"), "second", application, reason="another of that name")
    told = [
        evaluate(apart, login, application, 80)
        for login in ("third", "board", "board", "second")
    ]

    assert refused == ["conflict.of_another", "conflict.of_another", "conflict.unknown"]
    assert kept == "conflict.declared"
    # What was given before the conflict does not count again: it is given anew.
    assert told == ["done", "done", "score.given_by_same", "done"]
    scored = entries(apart, event="evaluate", outcome="ok")[-1]
    assert scored["findings"]["score"]["totals"] == [80, 80, 80]
    explained = entry_explanations.entry(apart.desk, f"{CTL}#{scored['seq']}")
    said = [one.text for one in explained.steps if one.rule == "entry.conflict"]
    assert said == [
        f"a conflict of interests of {whose} was {what} by {who} at "
        f"20/01/2026 10:00:00 (Rome): {why}"
        for whose, what, who, why in (
            ("board", "declared", "board", "a relative"),
            ("second", "declared", "director", "a friend"),
            ("board", "taken back", "board", "she has left"),
            ("second", "taken back", "rup", "another of that name"),
        )
    ]
    assert apart.verified()


def test_whoever_took_it_in_does_not_declare_it_not_receivable(apart: Office):
    application = apart.file(channel="pec")
    holding(apart, "other", Role.RESPONSIBLE)
    conflicts.declare(apart.desk.as_officer("rup"), "rup", application, reason="kin")

    codes = [
        code_of(apart.sit(login), application, Event.DECLARE_NOT_RECEIVABLE)
        for login in ("rossi", "rup", "other")
    ]

    assert codes == ["role.same_person", "conflict.declared", "done"]
    assert apart.verified()
    said = by(id=identity(apart, "rossi"))
    by_hand(apart, *forge(apart, said, first="max(seq) FROM entries"))
    (verified,) = log.verify(apart.desk)
    told = [one.fault for one in verified.faults if one.kind == "authority"]
    assert any("decides on what they, or whom they act for" in one for one in told)


def test_where_the_call_lets_one_person_do_both_one_does(work: Office):
    application = work.file()
    work.routine(application, *TO_SCORE)

    assert code_of(work, application, Event.GRANT) == "done"
