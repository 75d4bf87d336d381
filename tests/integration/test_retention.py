"""Is personal data gone once its time is over, and does the register still hold?"""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, event, text

from cli import main
from config.logs import log as logger
from models.session import transaction
from models.vocabulary import Event, Letter, Role, SuspensionCause
from tests.builders import CLOSING, CTL, OPENING, Office, ctl, office, rome, submission
from tests.contents import dump, entries, refusals, rows
from tests.editions import SECOND, open_to_all
from tests.pec import Pec, accepted, failed
from tests.postboxes import files
from tests.processes import start
from workers.transports import erasing
from workflow.desk import AnchorFiles
from workflow.errors import ConflictError, RefusedError
from workflow.services import (
    anchoring,
    call_acts,
    calls,
    digests,
    erasures,
    forecasts,
    intake,
    keys,
    log,
    lookups,
    officers,
    outbox,
    pasts,
    previews,
    receipts,
    retention,
    sweep,
    term_explanations,
    views,
)
from workflow.services import notices as letters
from workflow.services.moments import Moment

ACT = "decreto 77/2036-03-07"
ENDS = rome(2036, 3, 6, 12)
"""The last day on which the data of the call is kept."""
NEXT = ENDS + timedelta(days=1)
FORMAL = {"act": ACT, "reason": "its time is over"}
FORMAL_WORDS = ("--act", ACT, "--reason", "its time is over")
MARKS = (
    "Qwzname",
    "qwzaddress",
    "Qwzpaper",
    "Qwzreason",
    "98765432103",
)
"""What only personal data says: name, address, paper, receipt, linked tax code."""


def marked(number: int, **changes: Any) -> dict[str, Any]:
    """Return a submission in which everything personal bears a mark."""
    line = submission(number, **changes)
    line["applicant"] |= {
        "name": f"Qwzname {number} di Qwzsurname",
        "pec": f"qwzaddress{number}@pec.example.it",
        "linked": ["98765432103"],
    }
    line["documents"] = [
        {**paper, "name": "Qwzpaper Rossi.pdf"} for paper in line["documents"]
    ]
    return line


def post(work: Office, folder: Path) -> None:
    """Send all letters, as files."""
    transport = files(folder)
    while jobs := outbox.to_send(work.desk, most=1_000, resend=None):
        for job in jobs:
            outbox.do(work.desk, job.id, transport)


@pytest.fixture
def over(work: Office, tmp_path: Path) -> Office:
    """Give a call that is concluded, with all that is personal."""
    return finish(work, tmp_path)


def finish(work: Office, tmp_path: Path) -> Office:
    """Play a call to its end: two files, their letters and receipts."""
    filed = work.take(marked(0), marked(1))
    post(work, tmp_path)
    to = dict(rows(work.desk.engine, "SELECT id, recipient FROM notices"))
    for identity, recipient in [(UUID(str(one)), to[one]) for one in to]:
        came: dict[str, Any] = {"at": work.clock.now(), "zone": "+0000"}
        for pec in (
            accepted(sent_as(identity), identifier=f"a-{identity}", **came),
            failed(
                sent_as(identity),
                headers=(("X-Said", "Qwzreason"),),
                identifier=f"f-{identity}",
                to=recipient,
                **came,
            ),
        ):
            assert take_in(work, pec) == "taken_in"
    work.clock.move_to(CLOSING + timedelta(days=1))
    for number, answer in enumerate(filed, start=1):
        work.move(
            str(answer["protocol"]),
            Event.WITHDRAW,
            inputs={"document": "a" * 64},
            key=f"withdrawn-{number}",
        )
    post(work, tmp_path)
    call_acts.conclude(work.desk, CTL, act="decreto 9/2026-03-06")
    return work


def sent_as(identity: UUID) -> Any:
    """Return the Message-ID under which a letter was written to a file."""
    return f"<{identity}@sportello.invalid>"


def take_in(work: Office, pec: Pec) -> str:
    return receipts.take_in(work.desk, pec.mail()).outcome.value


def _letters(work: Office) -> list[tuple[UUID, str]]:
    found = rows(work.desk.engine, "SELECT id, letter FROM notices ORDER BY id")
    return [(UUID(str(identity)), letter) for identity, letter in found]


def erase(work: Office, **changes: Any) -> dict[str, Any] | None:
    return retention.erase(work.desk, CTL, **{**FORMAL, **changes})


def kept(engine: Engine) -> str:
    """Return all that the database says, past the rules of the call."""
    tables = dump(engine)
    del tables["call_versions"]  # the closed list of who may apply is a published act
    return repr(tables)


# --- when ---------------------------------------------------------------------------


def test_nothing_is_erased_before_its_time_and_the_refusal_names_the_day(over: Office):
    over.clock.move_to(ENDS)
    before = kept(over.desk.engine)

    plan = retention.plan(over.desk, CTL)
    with pytest.raises(RefusedError) as error:
        erase(over)

    assert error.value.code == "retention.runs"
    assert "from 07/03/2036 on" in error.value.message
    assert error.value.details == {"may_be_erased_from": "2036-03-07"}
    assert plan.in_the_way is not None
    assert plan.in_the_way.code == "retention.runs"
    assert refusals(over) == ["retention.runs"]
    assert all(mark in before for mark in MARKS)
    assert all(mark in kept(over.desk.engine) for mark in MARKS)


@pytest.mark.parametrize(
    ("login", "changes", "code"),
    [
        ("controller", {}, "role.missing"),
        ("rup", {}, "role.missing"),
        ("director", {"act": None}, "act.missing"),
        ("director", {"reason": None}, "reason.missing"),
    ],
)
def test_only_the_manager_erases_by_an_act_and_with_a_reason(
    over: Office, login, changes, code
):
    over.clock.move_to(NEXT)

    plan = retention.plan(over.sit(login).desk, CTL)
    with pytest.raises(RefusedError) as error:
        erase(over.sit(login), **changes)

    assert error.value.code == code
    assert plan.in_the_way is None
    assert MARKS[0] in kept(over.desk.engine)


def test_a_call_that_is_not_over_keeps_everything(work: Office):
    work.take(marked(0))
    plan = retention.plan(work.desk, CTL)

    with pytest.raises(RefusedError) as error:
        erase(work)

    assert error.value.code == "machine.wrong_state"
    assert plan.in_the_way is not None
    assert plan.over_on is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE applications SET state = 'in_progress'", "call.unfinished"),
        ("UPDATE notices SET status = 'queued'", "call.letters_unsent"),
    ],
)
def test_what_is_not_over_yet_is_named(over: Office, change, code):
    over.clock.move_to(NEXT)
    with over.desk.engine.begin() as connection:
        connection.exec_driver_sql(change)

    with pytest.raises(RefusedError) as error:
        erase(over)

    assert error.value.code == code


# --- what ---------------------------------------------------------------------------


def test_what_is_personal_is_gone_and_the_register_still_holds(over: Office):
    over.clock.move_to(NEXT)
    plan = retention.plan(over.desk, CTL)
    untouched = rows(over.desk.engine, MONEY), rows(over.desk.engine, HASHES)

    entry = erase(over, seen=plan.held)

    assert entry is not None
    assert entry["findings"] == {
        "retention": {
            "over_since": "2026-03-06",
            "years": 10,
            "last_day": "2036-03-06",
        },
        "erased": {
            "applicants": 2,
            "links": 2,
            "letters": 4,
            "receipts": 4,
            "documents": 2 * len(ctl().documents),
            "answers": 2,
        },
        "kept_for": {},
    }
    left = kept(over.desk.engine)
    for mark in (*MARKS, *(one.tax_code for one in ctl().beneficiaries[:2])):
        assert mark.lower() not in left.lower(), mark
    assert (rows(over.desk.engine, MONEY), rows(over.desk.engine, HASHES)) == untouched
    (verified,) = log.verify(over.desk)
    assert verified.ok, verified.faults
    assert (verified.erased, verified.erased_under) == (4, ACT)


MONEY = "SELECT state, version, requested, reserved, granted FROM applications"
HASHES = (
    "SELECT n.digest, r.sha256 FROM notices n "
    "LEFT JOIN delivery_receipts r ON r.notice_id = n.id ORDER BY n.id, r.sha256"
)


def test_whatever_is_shown_says_under_which_act_it_was_erased(over: Office):
    over.clock.move_to(NEXT)
    erase(over)
    told = f"erased under {ACT}"

    listed = views.listed(over.desk, call=CTL)
    shown = views.shown(over.desk, "2026/0000001")
    written = letters.listed(over.desk)
    preview = previews.preview(over.desk, Letter.PROCEDURE_START, "2026/0000001")
    _, events = views.events(over.desk, "2026/0000001")
    foreseen = forecasts.forecast(over.desk, until=NEXT + timedelta(days=1), code=CTL)
    explained = term_explanations.term(over.desk, _a_term(over))

    assert {(one.applicant, one.erased_under) for one in listed} == {(told, ACT)}
    assert shown.summary.applicant == told
    assert {(one.to, one.subject) for one in written} == {(told, None)}
    assert preview.to == told
    assert told in preview.text.body
    assert not any(event.allowed for event in events)
    assert explained.steps
    assert foreseen.effects == ()


def _a_term(work: Office) -> str:
    return str(rows(work.desk.engine, "SELECT id FROM terms ORDER BY id")[0][0])


def test_erasing_twice_changes_nothing(over: Office):
    over.clock.move_to(NEXT)
    erase(over)
    before = dump(over.desk.engine)

    again = retention.erase(over.desk, CTL, act=None, reason=None)
    with pytest.raises(RefusedError):
        retention.erase(over.sit("rup").desk, CTL, act=None, reason=None)

    assert again is None
    after = dump(over.desk.engine)
    assert {name for name in before if before[name] != after[name]} == {
        "calls",  # the refusal is an entry
        "entries",
    }


def test_what_is_more_than_was_seen_is_not_erased(over: Office):
    over.clock.move_to(NEXT)
    seen = retention.plan(over.desk, CTL).held
    with over.desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE documents SET name = '' ")

    with pytest.raises(ConflictError) as error:
        erase(over, seen=seen)

    assert error.value.code == "retention.changed"
    assert MARKS[0] in kept(over.desk.engine)


# --- afterwards -----------------------------------------------------------------------


def test_nothing_personal_comes_back_to_a_call_that_was_erased(over: Office):
    sql = "SELECT id FROM notices WHERE status <> 'sent' ORDER BY id"
    identity = UUID(str(rows(over.desk.engine, sql)[0][0]))
    over.clock.move_to(NEXT)
    erase(over)
    before = kept(over.desk.engine)

    for attempted in (
        lambda: over.routine("2026/0000001", Event.RECORD_DELIVERY),
        lambda: over.move(
            "2026/0000001",
            Event.WITHDRAW,
            inputs={"document": "a" * 64},
            key="withdrawn-1",
        ),
        lambda: letters.retry(over.desk, [str(identity)]),
    ):
        with pytest.raises(RefusedError) as error:
            attempted()
        assert error.value.code in {"call.erased", "key.erased", "notice.erased"}
    answers = [
        receipts.take_in(over.desk, accepted(sent_as(identity), identifier=name).mail())
        for name in (f"a-{identity}", "another")
    ]
    repeated, late = over.take(marked(0), marked(3, portal_id="DOM-late"))

    assert [answer.code for answer in answers] == ["receipt.erased"] * 2
    assert repeated["outcome"] == "duplicate"
    assert late["outcome"] == "refused"
    assert not any(mark in kept(over.desk.engine) for mark in MARKS)
    assert before != kept(over.desk.engine)  # the refusals are entries
    assert over.verified()


def test_who_applied_to_another_call_is_kept_for_that_one_alone(
    work: Office, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    assert file_elsewhere(work, 0) == "submitted"
    finish(work, tmp_path)
    work.clock.move_to(NEXT)

    plan = retention.plan(work.desk, CTL)
    entry = erase(work)
    seen = {(one.call, one.applicant) for one in views.listed(work.desk)}
    work.clock.move_to(OPENING + timedelta(hours=1))  # the other call still takes in
    newcomer = file_elsewhere(work, 1)

    assert plan.kept_for == {SECOND: 1}
    assert plan.held is not None
    assert (plan.held.applicants, plan.held.letters) == (1, 4)
    assert entry is not None
    assert entry["findings"]["kept_for"] == {SECOND: 1}
    assert seen == {
        (CTL, f"erased under {ACT}"),
        (SECOND, "Qwzname 0 di Qwzsurname"),
    }
    assert newcomer == "submitted"
    assert len(rows(work.desk.engine, "SELECT id FROM applicants")) == 3
    assert work.verified()


def file_elsewhere(work: Office, number: int) -> str:
    """Let one of the applicants file in another call as well."""
    line = orjson.dumps(marked(number))
    (answer,) = intake.take_in(work.desk, SECOND, [line])
    return str(answer["outcome"])


# --- while others are at work ---------------------------------------------------------


@pytest.fixture
def two_calls(postgres_office_url: str, tmp_path: Path) -> Iterator[Office]:
    """Give a call that is over and one that takes applications in, on PostgreSQL."""
    with office(postgres_office_url) as work:
        calls.register_call(work.desk, open_to_all(tmp_path))
        finish(work, tmp_path)
        yield work


def wait_for_a_lock(engine: Engine) -> None:
    """Return once somebody waits for somebody else."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    for _ in range(600):
        if rows(engine, waiting):
            return
        time.sleep(0.05)
    pytest.fail("nobody waits for anybody")


def test_who_is_filing_elsewhere_while_a_call_is_erased_is_kept(two_calls: Office):
    engine = two_calls.desk.engine
    two_calls.clock.move_to(NEXT)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            connection.execute(text(FILED_ELSEWHERE), {"code": SECOND})
            erasing = pool.submit(erase, two_calls)
            wait_for_a_lock(engine)
        entry = erasing.result(60)

    assert entry is not None
    assert entry["findings"]["kept_for"] == {SECOND: 1}
    left = "SELECT count(*) FROM applicants WHERE name <> '' AND tax_code IS NOT NULL"
    assert rows(engine, left) == [(1,)]


FILED_ELSEWHERE = """
INSERT INTO applications (id, call_id, call_version, applicant_id, portal_id, channel,
    state, version, changed_at, requested, investment, reserved, granted, matured,
    accepts_less, review_started, waits_for_applicant)
SELECT gen_random_uuid(), c.id, 1, a.applicant_id, 'elsewhere', a.channel, 'draft', 0,
    a.changed_at, 0, 0, 0, 0, 0, false, false, false
FROM applications a, calls c
WHERE c.code = :code AND a.protocol_number = 1
"""


def test_who_files_elsewhere_just_after_an_erasure_is_somebody_new(two_calls: Office):
    desk = two_calls.desk
    two_calls.clock.move_to(OPENING + timedelta(hours=1))
    with ThreadPoolExecutor(1) as pool:
        with transaction(desk.engine) as session:
            call = lookups.find_call(session, CTL, lock=True)
            erasures.erase(session, call, NEXT)
            filing = pool.submit(file_elsewhere, two_calls, 0)
            wait_for_a_lock(desk.engine)
        outcome = filing.result(60)

    assert outcome == "submitted"
    names = {one.applicant for one in views.listed(desk, call=SECOND)}
    assert names == {"Qwzname 0 di Qwzsurname"}


# --- the command ----------------------------------------------------------------------


def type_(work: Office, home: Path, *words: str, typed: str | None = None) -> Result:
    environment = {"SPORTELLO_HOME": str(home), "SPORTELLO_SMTP_URL": ""}
    runner = CliRunner(env=environment)
    return runner.invoke(main, ["retention", CTL, *words], obj=work.desk, input=typed)


def leave_in_free_pages(engine: Engine) -> None:
    """Delete something the way most builds of SQLite do: its bytes stay."""
    with engine.connect() as connection:
        for statement in (
            "CREATE TABLE before (name TEXT)",
            "INSERT INTO before SELECT 'Qwzname' || hex(randomblob(9000))",
            "COMMIT",
            "PRAGMA secure_delete = OFF",
            "DROP TABLE before",
        ):
            connection.exec_driver_sql(statement)


def test_the_command_tells_first_asks_and_leaves_no_byte_behind(
    over: Office, tmp_path: Path
):
    home = tmp_path / "home"
    is_file = over.desk.engine.dialect.name == "sqlite"
    over.clock.move_to(NEXT)
    formal = ("--erase", *FORMAL_WORDS)
    stranger = home / "letters" / CTL / "note.eml"
    stranger.write_text("of somebody else")
    if is_file:
        leave_in_free_pages(over.desk.engine)

    told = type_(over, home)
    refused = type_(over, home, *formal, typed="no\n")
    unasked = type_(over, home, *formal, "--json")
    half = type_(over, home, "--act", ACT)
    before = kept(over.desk.engine)
    done = type_(over, home, *formal, typed=f"{CTL}\n")
    again = type_(over, home, "--erase", "--json")

    assert [one.exit_code for one in (told, refused, unasked, half)] == [0, 1, 2, 2]
    assert "10 year(s), until 06/03/2036" in told.stdout
    assert "copies as files 4" in " ".join(told.stdout.split())
    assert MARKS[0] in before
    assert done.exit_code == 0, done.output
    assert f"personal data erased under {ACT}" in done.stdout
    assert "4 copies as files erased" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert again.exit_code == 0
    answer = json.loads(again.stdout)
    assert (answer["done"], answer["entry"], answer["pages"]) == (True, None, is_file)
    assert answer["erased_under"] == ACT
    assert list((home / "letters").rglob("*.eml")) == [stranger]
    files_left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not is_file or any(path.name == "sportello.db" for path in files_left)
    for path in files_left:
        for mark in MARKS:
            assert mark.encode() not in path.read_bytes(), (path, mark)


def test_what_was_cut_off_after_the_commit_is_done_by_the_same_command_again(
    over: Office, tmp_path: Path
):
    home = tmp_path / "home"
    over.clock.move_to(NEXT)
    erase(over)  # and the process was killed here: files and pages are still there
    left = type_(over, home)

    done = type_(over, home, "--erase", "--yes")

    assert "copies as files 4" in " ".join(left.stdout.split())
    assert f"nothing was left, erased under {ACT}" in done.stdout
    assert list((home / "letters").rglob("*.eml")) == []


def dying(url: str, home: Path, point: str) -> None:
    """Erase by the command, until a statement begins so; or once it is committed."""

    def die(*said: Any) -> None:
        if point == "files" or str(said[2]).startswith(point):
            os.kill(os.getpid(), signal.SIGKILL)

    with office(url, at=NEXT) as work:
        if point == "files":
            erasing.erase = die  # type: ignore[assignment]  # it dies instead
        else:
            event.listen(work.desk.engine, "before_cursor_execute", die)
        type_(work, home, "--erase", *FORMAL_WORDS, "--yes")


def killed(work: Office, home: Path, point: str) -> int:
    url = work.desk.engine.url.render_as_string(hide_password=False)
    process = start(dying, url, home, point)
    process.join(60)
    return int(process.exitcode)


def test_an_erasure_that_is_killed_is_whole_or_not_at_all_and_can_be_finished(
    over: Office, tmp_path: Path
):
    home = tmp_path / "home"
    over.clock.move_to(NEXT)
    before = dump(over.desk.engine)

    halfway = killed(over, home, "UPDATE applicants")
    untouched, verified = dump(over.desk.engine), over.verified()
    committed = killed(over, home, "files")
    left = kept(over.desk.engine), len(list((home / "letters").rglob("*.eml")))
    done = type_(over, home, "--erase", "--yes")

    assert (halfway, committed) == (-signal.SIGKILL, -signal.SIGKILL)
    assert (untouched, verified) == (before, True)
    assert not [mark for mark in MARKS if mark in left[0]]
    assert left[1] == 4
    assert f"nothing was left, erased under {ACT}" in done.stdout
    assert list((home / "letters").rglob("*.eml")) == []
    assert [one["event"] for one in entries(over, event="erase_personal_data")] == [
        "erase_personal_data"
    ]
    assert over.verified()


def test_a_call_says_under_which_act_its_data_was_erased_then_and_now(over: Office):
    over.clock.move_to(NEXT)
    erase(over)

    now = calls.shown(over.desk, CTL)
    then = pasts.call(over.desk, CTL, Moment(seq=now.entries))
    earlier = pasts.call(over.desk, CTL, Moment(seq=now.entries - 1))
    shown = CliRunner().invoke(main, ["call", "show", CTL], obj=over.desk)
    past = CliRunner().invoke(
        main, ["call", "show", CTL, "--as-of", f"#{now.entries}"], obj=over.desk
    )

    assert (now.erased_under, then.seen.erased_under) == (ACT, ACT)
    assert earlier.seen.erased_under is None
    for said in (shown.stdout, past.stdout):
        assert f"erased under {ACT}" in " ".join(said.split())
    assert ("acts now" in shown.stdout, "acts now" in past.stdout) == (True, False)


def test_log_verify_says_under_which_act_data_was_erased(over: Office):
    over.clock.move_to(NEXT)
    erase(over)

    answer = CliRunner().invoke(main, ["log", "verify", CTL], obj=over.desk)

    assert (
        f"personal data erased under {ACT}: of 4 letter(s) only the hash is left, "
        "and nobody can tell any more who filed 2 application(s)"
    ) in " ".join(answer.stdout.split())


def test_an_erasure_that_no_entry_tells_of_is_found(over: Office):
    with over.desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calls SET erased_seq = head_seq")

    (verified,) = log.verify(over.desk)

    (fault,) = verified.faults
    assert "erased_seq" in fault.fault


def test_what_an_erasure_did_not_take_is_not_credited_to_it(over: Office):
    first = "(SELECT id FROM notices ORDER BY id LIMIT 1)"
    emptied = "recipient = '', subject = NULL, body = NULL, fault = NULL"
    with over.desk.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE notices SET {emptied} WHERE id = {first}"  # noqa: S608 - ours
        )
    over.clock.move_to(NEXT)
    entry = erase(over)

    (before,) = log.verify(over.desk)
    with over.desk.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE notices SET entry_seq = 99 WHERE id = {first}"  # noqa: S608 - ours
        )
    (after,) = log.verify(over.desk)

    assert entry is not None
    told = {(one.seq, one.fault) for one in before.faults}
    assert told == {(entry["seq"], "4 letter(s) have no text, 3 were erased")}
    (lost,) = {one.fault for one in after.faults if "lost its text" in one.fault}
    assert lost.endswith("has lost its text, and no entry erased it")


# --- what was never there -------------------------------------------------------------


def test_from_filing_to_erasure_nothing_personal_is_in_what_stays_or_is_logged(
    work: Office, tmp_path: Path, capsys, monkeypatch
):
    monkeypatch.setattr(logger, "_inner", None)
    monkeypatch.setattr(logger, "_lowest", 0)
    sealing = AnchorFiles(tmp_path / "keys" / "register.pem", tmp_path / "anchors")
    keys.make(sealing.key)
    work = Office(replace(work.desk, anchor_files=sealing), work.clock)
    with_address = {"email": "rossi@ente.example.it"}
    bianchi = work.desk.as_officer("bianchi")
    officers.add(bianchi, "rossi", "Rossi", [Role.AUDITOR], **with_address)
    work.take(marked(3, draft=True, portal_id="DOM-draft"), marked(4, channel="pec"))
    # What is refused, or goes wrong, has its words too.
    broken = marked(5)
    broken["applicant"]["pec"] = "qwzaddress"
    work.take(broken, marked(3, portal_id="DOM-draft", requested="9999999999.00"))
    call_acts.suspend(
        work.desk, CTL, cause=SuspensionCause.ACT, act=TODAY, reason="an act"
    )
    call_acts.announce_reopening(
        work.desk, CTL, at=OPENING + timedelta(hours=1), act=TODAY, reason="an act"
    )
    work.wait(hours=2)
    sweep.sweep(work.desk)
    post(work, tmp_path)
    for row in letters.listed(work.desk):
        taken = receipts.take_in(work.desk, failed(sent_as(UUID(row.id))).mail())
        assert taken.outcome.value == "unmatched"  # it speaks of another address
        with suppress(RefusedError):
            letters.retry(work.desk, [row.id])
    digests.write(work.desk)
    work.routine("2026/0000001", Event.DECLARE_NOT_RECEIVABLE)
    finish(work, tmp_path)
    anchoring.seal(work.desk)
    work.clock.move_to(NEXT)
    erase(work)
    anchoring.seal(work.desk)

    logged = capsys.readouterr().err
    tables = dump(work.desk.engine)
    what_stays = {name: tables[name] for name in ("entries", "anchors", "memos")}
    assert all(what_stays.values())
    assert logged.count("\n") > len(tables["notices"])
    private = [*MARKS, "Qwzsurname", *(one.tax_code for one in ctl().beneficiaries[:6])]
    for word in private:
        assert word.lower() not in logged.lower(), word
        assert word.lower() not in repr(what_stays).lower(), word
        assert word.lower() not in sealing.lines.read_text().lower(), word
    assert log.examine(work.desk).calls[0].ok


TODAY = "decreto 1/2026-01-20"
