"""Does the operator learn in words what is late, and whether anybody sees to it?"""

from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from models import triggers
from models.session import transaction
from models.vocabulary import Event
from tests.builders import CLOSING, OPENING, Office
from tests.integration.test_relay import NOWHERE
from tests.postboxes import Postbox
from tests.terminals import Terminal
from workflow.services import doctor, outbox, sweep, ticks
from workflow.services.backlog import backlog
from workflow.services.doctor import Check

SECONDS = timedelta(seconds=1)


def examined(work: Office, tmp_path) -> dict[str, Check]:
    checks = doctor.examine(work.desk, tmp_path, keeps_data=False)
    return {check.name: check for check in checks}


def seen(work: Office) -> None:
    """Have a scheduler tick now."""
    ticks.note(work.desk, ticks.SCHEDULER, holder="front:4711", found=0)


def write(work: Office, statement: str) -> None:
    with transaction(work.desk.engine) as session:
        session.execute(text(statement))


def do_all_jobs(work: Office) -> None:
    for job in outbox.to_send(work.desk, most=1_000):
        outbox.do(work.desk, job.id, Postbox())


def test_each_trigger_that_was_taken_away_is_named(work: Office, tmp_path):
    with work.desk.engine.connect() as connection:
        kind = connection.dialect.name
        there = set(connection.scalars(text(triggers.THERE[kind])))
    assert there == triggers.EXPECTED[kind]
    assert examined(work, tmp_path)["triggers"].ok

    write(
        work,
        "ALTER TABLE officers DISABLE TRIGGER officers_same"
        if kind == "postgresql"
        else "DROP TRIGGER officers_same",
    )

    found = examined(work, tmp_path)["triggers"]
    assert not found.ok
    assert "officers_same" in found.detail


def test_who_has_nothing_due_needs_no_scheduler(work: Office, tmp_path):
    work.file()
    work.wait(hours=1)

    checks = examined(work, tmp_path)

    assert checks["scheduler"].ok
    assert checks["scheduler"].detail == "no scheduler has ever run here"
    assert (checks["due"].ok, checks["due"].detail) == (True, "nothing is due")
    assert checks["parked"].ok
    assert checks["jobs"].ok
    assert checks["jobs"].detail == (
        "1 not sent, 0 sent and not done; the oldest has waited 60 min, "
        "for `sportello run`"
    )


def test_a_scheduler_that_is_missed_is_found_only_when_something_is_late(
    work: Office, tmp_path
):
    work.clock.move_to(OPENING + 300 * SECONDS)
    in_time = examined(work, tmp_path)
    work.clock.move_to(OPENING + 301 * SECONDS)
    late = examined(work, tmp_path)

    assert (in_time["scheduler"].ok, in_time["due"].ok) == (True, True)
    assert in_time["due"].detail == "oldest due item: 5 min late"
    assert (late["scheduler"].ok, late["due"].ok) == (False, False)
    assert late["scheduler"].detail.startswith("no scheduler has ever run here, and")
    assert "`sportello sweep`" in late["scheduler"].detail


def test_the_last_tick_is_told_with_who_made_it(work: Office, tmp_path):
    sweep.sweep(work.desk)
    seen(work)
    work.wait(seconds=14)
    soon = examined(work, tmp_path)["scheduler"]
    work.wait(hours=5)
    later = examined(work, tmp_path)["scheduler"]

    assert (soon.ok, soon.detail) == (True, "last tick 14 s ago by front:4711")
    assert (later.ok, later.detail) == (True, "last tick 5 h ago by front:4711")


def test_a_tick_of_a_clock_that_ran_ahead_is_told_as_it_is(work: Office, tmp_path):
    work.wait(days=1)
    seen(work)
    work.wait(days=-1)

    told = examined(work, tmp_path)["scheduler"]

    assert "2026-01-21T09:00:00.000000Z, which is still to come" in told.detail


def test_what_is_late_is_found_also_where_a_scheduler_is_at_work(
    work: Office, tmp_path
):
    work.clock.move_to(CLOSING + timedelta(days=2))
    seen(work)

    checks = examined(work, tmp_path)

    assert checks["scheduler"].ok
    assert not checks["due"].ok
    assert checks["due"].detail.startswith("oldest due item: 46 d late")


def test_terms_that_are_due_are_counted(work: Office, tmp_path):
    work.routine(work.file(), Event.START_REVIEW)
    sweep.sweep(work.desk)
    before = backlog(work.desk).due_terms
    write(work, "UPDATE terms SET next_check = 1 WHERE kind = 'conclusion'")

    after = backlog(work.desk)

    assert (before, after.due_terms) == (0, 1)
    assert after.oldest is not None
    assert after.oldest.year == 1970
    assert "; 1 term(s) due" in examined(work, tmp_path)["due"].detail


def test_what_was_put_aside_is_told_with_the_way_to_see_it(work: Office, tmp_path):
    work.routine(work.file(), Event.START_REVIEW)
    write(work, "UPDATE terms SET attempts = 2 WHERE next_check IS NOT NULL")
    parked = backlog(work.desk).parked

    told = examined(work, tmp_path)["parked"]

    assert parked > 0
    assert (told.ok, told.detail) == (
        False,
        f"{parked} parked: `sportello terms --parked`",
    )


def test_jobs_that_nobody_does_are_found_where_somebody_should(work: Office, tmp_path):
    work.file(0)
    work.file(1)
    seen(work)
    outbox.mark_sent(work.desk, outbox.to_send(work.desk, most=1))
    fresh = examined(work, tmp_path)["jobs"]
    work.wait(minutes=6)
    late = examined(work, tmp_path)["jobs"]
    do_all_jobs(work)
    done = examined(work, tmp_path)["jobs"]

    assert fresh.ok
    assert not late.ok
    assert late.detail == (
        "1 not sent, 1 sent and not done; the oldest has waited 6 min; "
        "see whether `sportello worker` and Redis are running"
    )
    assert (done.ok, done.detail) == (True, "all done")


# The broker


def broker_check(terminal: Terminal) -> dict[str, object]:
    checks = terminal.ask("doctor")["checks"]
    return next(check for check in checks if check["name"] == "broker")


def test_a_broker_that_answers_is_told(terminal: Terminal, redis_url: str):
    terminal.settings["SPORTELLO_BROKER_URL"] = redis_url

    check = broker_check(terminal)

    assert (check["ok"], check["detail"]) == (True, f"{redis_url} answers")


def test_a_broker_that_does_not_answer_is_told_in_words(terminal: Terminal):
    terminal.settings["SPORTELLO_BROKER_URL"] = NOWHERE.replace("//", "//:secret@")

    check = broker_check(terminal)

    assert not check["ok"]
    assert "the broker does not answer" in str(check["detail"])
    assert "secret" not in str(check)
    assert terminal.type("doctor").exit_code == 3


def test_submissions_that_only_the_broker_keeps_are_told(
    terminal: Terminal, redis_url: str
):
    terminal.settings["SPORTELLO_BROKER_URL"] = redis_url
    client = redis.Redis.from_url(redis_url)
    client.zadd("dramatiq:intake.XQ", {"one": 1, "two": 2})
    client.close()

    check = broker_check(terminal)

    assert not check["ok"]
    assert "2 submission(s) failed for good" in str(check["detail"])


def test_the_folder_of_receipts_is_looked_at_if_there_is_to_be_one(
    terminal: Terminal, tmp_path: Path
):
    def told() -> list[tuple[bool, str]]:
        checks = terminal.ask("doctor")["checks"]
        return [
            (one["ok"], one["detail"]) for one in checks if one["name"] == "receipts"
        ]

    unset = told()
    terminal.settings["SPORTELLO_RECEIPTS"] = str(tmp_path / "box")
    missing = told()
    (tmp_path / "box").mkdir()
    folder = told()
    (tmp_path / "box" / "new").mkdir()
    (tmp_path / "box" / "new" / "1").touch()

    assert unset == []
    assert (missing[0][0], "SPORTELLO_RECEIPTS" in missing[0][1]) == (False, True)
    assert folder == [(True, f"{tmp_path}/box, a folder of mails")]
    assert told() == [(True, f"{tmp_path}/box, a maildir with 1 new mail(s)")]


@pytest.mark.parametrize("name", ["scheduler", "due", "parked", "jobs"])
def test_what_needs_the_database_is_not_looked_at_without_one(
    name, bare_terminal: Terminal
):
    checks = {one["name"]: one for one in bare_terminal.ask("doctor")["checks"]}

    assert not checks[name]["ok"]
    assert "the database comes first" in checks[name]["detail"]
