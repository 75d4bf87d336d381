"""Are submissions taken in by groups, all or none, and answered truly?"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from models.session import DatabaseUnavailableError
from models.vocabulary import Event
from tests.builders import CTL, Office, office, submission
from tests.contents import entries, rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_races import lines_of
from tests.integration.test_retention import wait_for_a_lock
from workflow.errors import RefusedError, UnavailableError
from workflow.services import calls, filings, groupings, intake, standings, writers

MANY = 450
"""More than two groups."""


@pytest.fixture
def counter(work: Office, tmp_path: Path) -> Office:
    """Give an office with a call that takes any applicant."""
    calls.register_call(work.desk, open_to_all(tmp_path))
    return work


@pytest.fixture
def writes(counter: Office) -> Iterator[list[Any]]:
    """Count the transactions that end well."""
    done: list[Any] = []

    def note(connection: Any) -> None:
        done.append(connection)

    event.listen(counter.desk.engine, "commit", note)
    yield done
    event.remove(counter.desk.engine, "commit", note)


def grouped(*lines: bytes) -> list[filings.Line]:
    return [filings.read(number, line) for number, line in enumerate(lines, start=1)]


def numbers(work: Office) -> list[int]:
    found = rows(
        work.desk.engine,
        "SELECT protocol_number FROM applications ORDER BY filed_seq",
    )
    return [number for (number,) in found]


def refuse_to_store(work: Office, portal_id: str) -> None:
    """Make the database refuse one application, as a constraint would."""
    with work.desk.engine.execution_options(writes=True).begin() as connection:
        if work.desk.engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "RAISE unique_violation; END $$"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON applications FOR EACH ROW "
                f"WHEN (NEW.portal_id = '{portal_id}') EXECUTE FUNCTION refuse()"
            )
        else:
            connection.exec_driver_sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON applications "
                f"WHEN NEW.portal_id = '{portal_id}' "
                "BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )


def lose_sight_of_commits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next commit happen, and its answer get lost on the way."""
    commit = engine.dialect.do_commit

    def done_and_lost(connection: Any) -> None:
        monkeypatch.undo()
        commit(connection)
        message = "server closed the connection unexpectedly"
        raise OperationalError(message, None, Exception(message))

    monkeypatch.setattr(engine.dialect, "do_commit", done_and_lost)


# --- one transaction ------------------------------------------------------------


def test_a_group_is_one_transaction(counter: Office, writes: list[Any]):
    told = intake.take_group(counter.desk, SECOND, grouped(*lines_of(0, 50)))

    assert [answer["outcome"] for answer in told] == ["submitted"] * 50
    assert len(writes) == 1
    assert counter.verified()


def test_a_file_is_taken_in_by_groups_and_answered_line_by_line(
    counter: Office, writes: list[Any]
):
    lines = lines_of(0, MANY)

    told = list(intake.take_in(counter.desk, SECOND, lines))

    assert [answer["line"] for answer in told] == list(range(1, MANY + 1))
    assert [answer["position"] for answer in told] == list(range(1, MANY + 1))
    assert numbers(counter) == list(range(1, MANY + 1))
    assert len(writes) < MANY
    assert counter.verified()


def test_a_line_that_comes_alone_is_answered_before_the_next_one_is_there(
    counter: Office,
):
    lines, answered = lines_of(0, 2), threading.Event()

    def one_by_one() -> Iterator[bytes]:
        yield lines[0]
        assert answered.wait(60), "the first line was not answered by itself"
        yield lines[1]

    told = []
    for answer in intake.take_in(counter.desk, SECOND, one_by_one()):
        told.append(answer["protocol"])
        answered.set()

    assert told == ["2026/0000001", "2026/0000002"]


def test_what_keeps_lines_from_being_read_is_told_after_the_answers(counter: Office):
    def broken() -> Iterator[bytes]:
        yield from lines_of(0, 3)
        message = "the disk is gone"
        raise OSError(message)

    told: list[dict[str, Any]] = []
    with pytest.raises(OSError, match="the disk is gone"):
        told.extend(intake.take_in(counter.desk, SECOND, broken()))

    assert [answer["outcome"] for answer in told] == ["submitted"] * 3


# --- what fails -----------------------------------------------------------------


def test_one_that_cannot_be_written_disturbs_no_other(counter: Office):
    lines = lines_of(0, 6)
    refused_one = orjson.loads(lines[3])["portal_id"]
    refuse_to_store(counter, refused_one)

    told = intake.take_group(counter.desk, SECOND, grouped(*lines))

    outcomes = [answer["outcome"] for answer in told]
    assert outcomes == [*["submitted"] * 3, "refused", *["submitted"] * 2]
    assert told[3]["error"]["code"] == "submission.unwritable"
    assert numbers(counter) == [1, 2, 3, 4, 5]
    (entry,) = entries(counter, outcome="refused")
    assert entry["findings"]["portal_id"] == refused_one
    assert counter.verified()


def test_a_commit_that_was_lost_sight_of_is_answered_from_what_was_kept(
    counter: Office, monkeypatch: pytest.MonkeyPatch
):
    lines = lines_of(0, 20)
    lose_sight_of_commits(counter.desk.engine, monkeypatch)

    told = intake.take_group(counter.desk, SECOND, grouped(*lines))

    again = intake.take_group(counter.desk, SECOND, grouped(*lines))
    assert [answer["outcome"] for answer in told] == ["duplicate"] * 20
    assert [answer["outcome"] for answer in again] == ["duplicate"] * 20
    assert [one["protocol"] for one in told] == [one["protocol"] for one in again]
    assert numbers(counter) == list(range(1, 21))


def test_a_group_that_was_not_written_is_not_answered(
    counter: Office, monkeypatch: pytest.MonkeyPatch
):
    dialect = counter.desk.engine.dialect

    def lost(connection: Any) -> None:
        dialect.do_rollback(connection)  # as the server does when nobody is there
        message = "server closed the connection unexpectedly"
        raise OperationalError(message, None, Exception(message))

    monkeypatch.setattr(dialect, "do_commit", lost)
    with pytest.raises(DatabaseUnavailableError):
        intake.take_group(counter.desk, SECOND, grouped(*lines_of(0, 20)))
    monkeypatch.undo()

    assert numbers(counter) == []
    told = intake.take_group(counter.desk, SECOND, grouped(*lines_of(0, 20)))
    assert [answer["position"] for answer in told] == list(range(1, 21))


def test_what_somebody_else_writes_between_two_groups_is_noticed(counter: Office):
    memory = standings.Memory()
    first, second, third = (lines_of(start, 2) for start in (0, 2, 4))

    intake.take_group(counter.desk, SECOND, grouped(*first), memory)
    intake.take_group(counter.desk, SECOND, grouped(*second))
    told = intake.take_group(counter.desk, SECOND, grouped(*third), memory)

    assert [answer["position"] for answer in told] == [5, 6]
    found = [
        entry["order"]["earlier_waiting"] for entry in entries(counter, event="submit")
    ]
    assert found == [0, 1, 2, 3, 4, 5]


def test_within_a_group_a_repetition_is_a_duplicate(counter: Office):
    (line,) = lines_of(0, 1)

    first, again = intake.take_group(counter.desk, SECOND, grouped(line, line))

    assert (first["outcome"], again["outcome"]) == ("submitted", "duplicate")
    assert first["protocol"] == again["protocol"]
    assert numbers(counter) == [1]


def test_within_a_group_an_applicant_files_once(work: Office):
    first, second = (
        orjson.dumps(submission(0, portal_id=name)) for name in ("DOM-1", "DOM-2")
    )

    told = intake.take_group(work.desk, CTL, grouped(first, second))

    assert [answer["outcome"] for answer in told] == ["submitted", "refused"]
    assert told[1]["error"]["code"] == "applicant.already_applied"
    assert told[0]["protocol"] in told[1]["error"]["message"]


def test_within_a_group_a_draft_may_be_announced_and_filed(work: Office):
    draft = orjson.dumps(submission(0, draft=True))

    told = intake.take_group(
        work.desk, CTL, grouped(draft, orjson.dumps(submission(0)))
    )

    assert [answer["outcome"] for answer in told] == ["draft", "submitted"]
    found = rows(work.desk.engine, "SELECT state, version FROM applications")
    assert found == [("submitted", 2)]
    documents = rows(work.desk.engine, "SELECT count(*) FROM documents")
    assert documents == [(len(submission(0)["documents"]),)]
    assert work.verified()


# --- many at once ---------------------------------------------------------------


def test_threads_that_file_at_once_are_answered_each_with_its_own_number(
    counter: Office, writes: list[Any]
):
    lines, told = lines_of(0, 60), {}
    grouping = groupings.Grouping(counter.desk, SECOND)
    start = threading.Barrier(len(lines))

    def file(line: bytes) -> None:
        start.wait(60)
        told[line] = grouping.file(line)

    threads = [threading.Thread(target=file, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(answer["protocol"] for answer in told.values()) == [
        f"2026/{number:07d}" for number in range(1, 61)
    ]
    assert {orjson.loads(line)["portal_id"]: None for line in told} == {
        answer["portal_id"]: None for answer in told.values()
    }
    assert len(writes) < len(lines)
    assert counter.verified()


def test_who_finds_too_many_waiting_is_told_to_try_again_and_has_no_number(
    counter: Office, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(groupings, "_ROOM", 0)

    with pytest.raises(UnavailableError) as error:
        groupings.Grouping(counter.desk, SECOND).file(lines_of(0, 1)[0])

    assert error.value.code == "intake.busy"
    assert numbers(counter) == []


def test_a_call_that_is_not_there_is_told_to_each_of_a_group(counter: Office):
    with pytest.raises(RefusedError) as error:
        groupings.Grouping(counter.desk, "RLF12026000000").file(lines_of(0, 1)[0])

    assert error.value.code == "call.unknown"


def test_while_somebody_writes_nobody_else_takes_submissions_in(counter: Office):
    engine = counter.desk.engine

    with (
        writers.seat(engine, SECOND),
        pytest.raises(UnavailableError) as error,
        writers.seat(engine, SECOND, patience=0.1),
    ):
        pass

    assert error.value.code == "intake.taken"
    with writers.seat(engine, SECOND, patience=0.1):
        pass  # it is free again


def test_who_was_taken_in_by_another_call_meanwhile_is_named_as_they_are(
    postgres_office_url: str,
):
    line = submission(0)
    known = {"tax_code": line["applicant"]["tax_code"], "id": UUID(int=7)}
    with office(postgres_office_url) as work, ThreadPoolExecutor(1) as pool:
        with work.desk.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO applicants (id, tax_code, name, pec, salt) "
                    "VALUES (:id, :tax_code, 'other', 'other', 'other')"
                ),
                known,
            )
            filing = pool.submit(work.file, 0)
            wait_for_a_lock(work.desk.engine)
        filing.result(60)

        (entry,) = entries(work, event=Event.SUBMIT.value)

        assert entry["findings"]["filed"]["applicant"] == str(known["id"])
        assert work.verified()
