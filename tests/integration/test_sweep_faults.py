"""Is what fails put aside, so that the rest goes on, and done when it is mended?"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from config import logs
from models.vocabulary import Event, TermKind, TermStatus
from tests.builders import (
    CLOSING,
    OPENING,
    TO_PROGRESS,
    Office,
    rome,
    submission,
)
from tests.contents import dump, entries
from tests.due_terms import DAY, MOMENT, SECOND, terms_of, unwatched, watch
from tests.editions import SECOND as SECOND_CALL
from tests.editions import open_to_all
from tests.integration.test_races import lines_of
from tests.twins import Twins, advance, do, file, move, protocol, twins_of
from workflow.register import written
from workflow.services import calls, expiries, intake, making, sweep, views

MINUTE = timedelta(minutes=1)
PAUSES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360)
"""Minutes between one attempt and the next: six hours at the most."""


def spoil(work: Office, number: int, kind: TermKind) -> None:
    """Make a term of a kind that no call declares: its move cannot be made."""
    _execute(
        work,
        "UPDATE terms SET kind = 'payment' WHERE kind = :kind AND application_id = "
        "(SELECT id FROM applications WHERE protocol_number = :number)",
        kind=kind.value,
        number=number,
    )


def mend(work: Office, number: int, kind: TermKind) -> None:
    """Give a spoilt term its kind again."""
    _execute(
        work,
        "UPDATE terms SET kind = :kind WHERE kind = 'payment' AND application_id = "
        "(SELECT id FROM applications WHERE protocol_number = :number)",
        kind=kind.value,
        number=number,
    )


def _execute(work: Office, statement: str, **values: Any) -> None:
    engine = work.desk.engine.execution_options(writes=True)
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def _execute_all(work: Office, statement: str) -> None:
    engine = work.desk.engine.execution_options(writes=True)
    with engine.begin() as connection:
        connection.execute(text(statement))


def parked(work: Office) -> list[dict[str, Any]]:
    return [row for row in terms_of(work.desk.engine) if row["attempts"]]


def test_what_fails_is_put_aside_and_disturbs_nobody_else(
    work: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs.log, "_inner", None)  # it writes where it first wrote
    for number in range(5):
        work.file(number)
    spoil(work, 2, TermKind.CONCLUSION)
    instant = rome(2026, 4, 21)
    work.clock.move_to(instant)

    swept = sweep.sweep(work.desk)

    warned = entries(work, event="expire_term")
    assert [one["protocol"] for one in warned] == [
        protocol(number) for number in (1, 3, 4, 5)
    ]
    assert swept.failed == ()
    (aside,) = parked(work)
    assert (aside["attempts"], aside["fault"]) == (1, "KeyError")
    assert aside["next_check"] == instant + MINUTE
    assert aside["due_at"] == instant - SECOND
    assert aside["status"] == TermStatus.RUNNING
    assert sweep.due_calls(work.desk) == ()
    personal = submission(1)["applicant"]
    told = "".join(capsys.readouterr()) + repr(aside)
    assert not any(str(value) in told for value in personal.values())


def test_what_was_put_aside_is_tried_again_after_longer_and_longer_pauses(
    work: Office,
):
    work.file()
    spoil(work, 1, TermKind.CONCLUSION)
    work.clock.move_to(rome(2026, 4, 21))
    sweep.sweep(work.desk)

    seen = []
    for _ in PAUSES:
        (aside,) = parked(work)
        seen.append((aside["attempts"], aside["next_check"] - work.clock.now()))
        before = dump(work.desk.engine)
        work.clock.move_to(aside["next_check"] - MOMENT)
        sweep.sweep(work.desk)
        assert dump(work.desk.engine) == before, "not tried before its time"
        work.clock.move_to(aside["next_check"])
        sweep.sweep(work.desk)

    assert seen == [
        (attempts, timedelta(minutes=pause))
        for attempts, pause in enumerate(PAUSES, start=1)
    ]


@pytest.mark.parametrize("officer", [False, True], ids=["worker", "officer"])
def test_once_mended_it_is_done_as_of_its_due_instant(
    work: Office, tmp_path: Path, request: pytest.FixtureRequest, officer: bool
):
    """The diligent office never had the fault; the other mends it days later."""
    do(work, OPENING, file(0), file(1))
    do(work, OPENING, *advance(1, *TO_PROGRESS[:7]), move(1, Event.CONFIRM_COR))
    postgres = work.desk.engine.dialect.name == "postgresql"
    admin = request.getfixturevalue("postgres_server") if postgres else None
    with twins_of(work, tmp_path, admin) as twins:
        _mended_late(twins, officer=officer)


def _mended_late(twins: Twins, *, officer: bool) -> None:
    instant = rome(2026, 2, 20)
    spoil(twins.sleepy, 1, TermKind.DEFINITIVE_PLAN)
    twins.sleepy.clock.move_to(instant)
    sweep.sweep(twins.sleepy.desk)
    while twins.sleepy.clock.now() < instant + 2 * DAY:
        (aside,) = parked(twins.sleepy)
        twins.sleepy.clock.move_to(aside["next_check"])
        sweep.sweep(twins.sleepy.desk)

    mend(twins.sleepy, 1, TermKind.DEFINITIVE_PLAN)
    later = instant + 5 * DAY
    watch(twins.diligent, later)
    twins.sleepy.clock.move_to(later)
    if officer:
        twins.at(later, move(2, Event.START_REVIEW))
    twins.wake(later)

    assert parked(twins.sleepy) == []
    (proposal,) = entries(twins.sleepy, event="propose_lapse")
    assert proposal["findings"]["due_at"] == written(instant - SECOND)


def test_what_fails_in_one_call_leaves_the_others_alone(work: Office, tmp_path: Path):
    calls.register_call(work.desk, open_to_all(tmp_path))
    work.file()
    (answer,) = intake.take_in(work.desk, SECOND_CALL, lines_of(0, 1))
    spoil(work, 1, TermKind.CONCLUSION)
    work.clock.move_to(rome(2026, 4, 21))

    swept = sweep.sweep(work.desk)

    assert swept.remaining == 0
    warned = [one["protocol"] for one in entries(work, event="expire_term")]
    assert warned == [answer["protocol"]]


def test_more_than_a_batch_that_fails_does_not_keep_the_rest_back(
    work: Office, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    bad = expiries.MOST + 5
    list(intake.take_in(work.desk, SECOND_CALL, lines_of(0, bad)))
    _execute_all(work, "UPDATE terms SET kind = 'payment'")
    work.wait(days=1)
    list(intake.take_in(work.desk, SECOND_CALL, lines_of(bad, 5)))
    work.clock.move_to(rome(2026, 4, 22))

    swept = sweep.sweep(work.desk)

    assert len(parked(work)) == bad
    assert len(entries(work, event="expire_term")) == 5
    assert swept.remaining == 0


def failing_for(monkeypatch: pytest.MonkeyPatch, portal_id: str) -> None:
    """Have every move of a worker fail for one applicant, whose name it tells."""
    made = making.carry_out

    def carry_out(work: Any, case: Any, *arguments: Any, **named: Any) -> Any:
        if case.application.portal_id == portal_id:
            raise RuntimeError(f"{case.applicant.name} {case.applicant.tax_code}")
        return made(work, case, *arguments, **named)

    monkeypatch.setattr(expiries, "carry_out", carry_out)


def test_nothing_personal_is_kept_or_said_of_what_failed(
    work: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs.log, "_inner", None)  # it writes where it first wrote
    work.file(0)
    work.file(1)
    failing_for(monkeypatch, "DOM-0001")
    work.clock.move_to(rome(2026, 4, 21))

    sweep.sweep(work.desk)

    (aside,) = parked(work)
    assert (aside["attempts"], aside["fault"]) == (1, "RuntimeError")
    told = "".join(capsys.readouterr())
    assert "term_put_aside" in told
    personal = submission(0)["applicant"]
    assert not any(str(value) in told for value in personal.values())
    assert [one["protocol"] for one in entries(work, event="expire_term")] == [
        protocol(2)
    ]
    assert work.verified()


def refused_by_the_database(work: Office, application: str) -> None:
    """Have the database refuse that the terms of a file end."""
    (row,) = (one for one in views.listed(work.desk) if one.protocol == application)
    sqlite = work.desk.engine.dialect.name == "sqlite"
    name = UUID(row.id).hex if sqlite else row.id
    told = f"{row.applicant} may not"
    condition = f"NEW.status = 'expired' AND NEW.application_id = '{name}'"
    if sqlite:
        _execute_all(
            work,
            f"CREATE TRIGGER refusing BEFORE UPDATE ON terms WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{told}'); END",
        )
        return
    _execute_all(
        work,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{told}' USING ERRCODE = 'check_violation'; END $$",
    )
    _execute_all(
        work,
        "CREATE TRIGGER refusing BEFORE UPDATE ON terms FOR EACH ROW "
        f"WHEN ({condition}) EXECUTE FUNCTION refuse()",
    )


def test_what_the_database_refuses_is_put_aside_too(work: Office):
    for number in range(4):
        work.file(number)
    refused_by_the_database(work, protocol(2))
    instant = rome(2026, 4, 21)
    work.clock.move_to(instant)

    swept = sweep.sweep(work.desk)
    (aside,) = parked(work)
    on_table = " ON terms" if work.desk.engine.dialect.name == "postgresql" else ""
    _execute_all(work, f"DROP TRIGGER refusing{on_table}")
    work.wait(minutes=1)
    sweep.sweep(work.desk)

    assert swept.remaining == 0
    assert (aside["attempts"], aside["fault"]) == (1, "IntegrityError")
    warned = entries(work, event="expire_term")
    assert [one["protocol"] for one in warned] == [
        protocol(number) for number in (1, 3, 4, 2)
    ]
    assert {one["findings"]["due_at"] for one in warned} == {written(instant - SECOND)}
    assert parked(work) == []
    assert unwatched(work.desk.engine) == []
    assert work.verified()


def test_a_draft_that_cannot_be_closed_does_not_keep_the_terms_back(
    work: Office, monkeypatch: pytest.MonkeyPatch
):
    work.file(0)
    work.take(submission(1, draft=True), submission(2, draft=True))
    with monkeypatch.context() as meanwhile:
        failing_for(meanwhile, "DOM-0002")
        work.clock.move_to(rome(2026, 4, 21))
        sweep.sweep(work.desk)
        made = [entry["event"] for entry in entries(work)]
        assert made[-3:] == ["close_call", "expire", "expire_term"]

    sweep.sweep(work.desk)

    (late,) = entries(work)[len(made) :]
    assert late["event"] == "expire"
    assert late["findings"]["due_at"] == written(CLOSING)
    assert sweep.due_calls(work.desk) == ()
    assert work.verified()


def test_an_officer_is_not_kept_from_a_call_in_which_something_fails(
    work: Office, monkeypatch: pytest.MonkeyPatch
):
    work.file(0)
    work.file(1)
    failing_for(monkeypatch, "DOM-0001")
    work.clock.move_to(rome(2026, 4, 21))

    work.routine(protocol(2), Event.WITHDRAW)

    assert [row["attempts"] for row in parked(work)] == [1]
    assert len(entries(work, event="expire_term")) == 1
    assert work.verified()


def test_a_move_that_ends_a_term_forgets_that_it_was_put_aside(
    work: Office, monkeypatch: pytest.MonkeyPatch
):
    work.file(0)
    failing_for(monkeypatch, "DOM-0001")
    work.clock.move_to(rome(2026, 4, 21))
    sweep.sweep(work.desk)
    assert parked(work)

    work.routine(protocol(1), Event.WITHDRAW)

    assert parked(work) == []
    assert unwatched(work.desk.engine) == []
