"""Does what somebody with bad intentions tries come to nothing?"""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dramatiq import Message
from sqlalchemy.exc import IntegrityError

from models.session import transaction
from models.tables import Officer
from models.vocabulary import Event
from tests.builders import CTL, Office, shipped, submission
from tests.contents import dump, entries, rows
from tests.integration.test_relay import until
from tests.pec import accepted
from tests.postboxes import Postbox, files
from tests.terminals import ACT, FIRST, SECOND, Terminal
from workers import broker as brokers
from workers import serving
from workflow.services import exporting, outbox, receipts

ROOT = Path(__file__).parents[2]
SQL = (
    "'; DROP TABLE entries; --",
    "' OR '1'='1' --",
    '" OR ""="',
    "%' OR portal_id LIKE '%",
    "\\'; SELECT 1; --",
)
COMMANDS = "Qwz\x1b]0;x\x07\x9b31m\u202ez"
"""It names a window, colours what follows, and writes from right to left."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


# --- words that are commands to a database ------------------------------------


def test_words_that_are_sql_are_kept_as_words(work: Office):
    words = " ".join(SQL)
    named = words.replace(" ", "_")[:80]
    applicant = {**submission(0)["applicant"], "name": words}
    aid = {"granted_on": "2025-01-31", "amount": "1.00", "grantor": words}

    (answer,) = work.take(
        submission(0, portal_id=named, applicant=applicant, aids=[aid], key=words[:80])
    )
    (again,) = work.take(
        submission(0, portal_id=named, applicant=applicant, aids=[aid], key=words[:80])
    )
    work.move(named, Event.START_REVIEW, key=words[:80])
    work.move(named, Event.ANNUL, act="decreto 1/2026-01-20", reason=words)

    assert (answer["outcome"], again["outcome"]) == ("submitted", "duplicate")
    assert entries(work)[-1]["reason"] == words
    assert rows(work.desk.engine, "SELECT name FROM applicants") == [(words,)]
    assert rows(work.desk.engine, "SELECT grantor FROM aids") == [(words,)]
    assert work.verified()


def test_a_word_finds_only_what_is_called_so(terminal: Terminal):
    for words in (*SQL, "%", "_%", "DOM-000_", "2026/000000%"):
        terminal.refused("show", words, code="application.unknown", exit_code=1)
        terminal.refused("call", "show", words, code="call.unknown", exit_code=1)


_CARRIED_OUT = re.compile(
    r"(?<![.\w])(eval|exec|__import__)\(|\.(like|ilike|popen|system|from_string)\("
    r"|^\s*(?:import|from) (pickle|marshal|shelve|yaml|subprocess|ctypes)\b",
    re.MULTILINE,
)


def test_nothing_that_is_read_is_ever_carried_out():
    source = [ROOT / "cli.py"]
    for folder in ("commands", "config", "models", "workers", "workflow"):
        source += (ROOT / folder).rglob("*.py")

    found = {
        (file.name, "".join(match.groups(default="")))
        for file in source
        for match in _CARRIED_OUT.finditer(file.read_text(encoding="utf-8"))
    }

    own = {("spills.py", "marshal")}  # a file without a name, of this process alone
    assert found == own


def test_an_error_of_the_database_does_not_tell_what_it_was_given(work: Office):
    twice = Officer(
        id=work.desk.ambient.new_id(),
        login="rossi",
        name="Qwzname",
        created_at=work.desk.ambient.now(),
    )

    with pytest.raises(IntegrityError) as refused:
        _add(work, twice)

    assert "Qwzname" not in str(refused.value)


def _add(work: Office, row: Officer) -> None:
    with transaction(work.desk.engine) as session:
        session.add(row)


# --- what is shown ------------------------------------------------------------

_FREE = {
    "applicants": ("name", "pec"),
    "officers": ("name", "email"),
    "acts": ("kind", "number"),
    "notices": ("recipient", "subject", "body", "fault"),
    "documents": ("name",),
}
_SHOWN = (
    ("list",),
    ("show", FIRST),
    ("queue", CTL),
    ("events", FIRST),
    ("log", "show"),
    ("log", "verify"),
    ("log", "diff", "2026-01-15", "2026-01-20"),
    ("officer", "list"),
    ("officer", "history"),
    ("call", "show", CTL),
    ("call", "history", CTL),
    ("notices",),
    ("notices", "show", f"{FIRST}/submission_receipt"),
    ("explain", "turn", SECOND),
    ("explain", "money", CTL),
    ("letters", "render", "submission_receipt", "--application", FIRST),
    ("retention", CTL),
    ("report", CTL),
    ("digest",),
    ("advance", FIRST, "annul", "--dry-run", *ACT, "--reason", "x"),
    ("show", COMMANDS),
    ("advance", COMMANDS, COMMANDS),
    (COMMANDS,),
)


def test_nothing_that_is_stored_or_typed_commands_the_terminal(terminal: Terminal):
    because = ("--act", "decreto 1/2026-01-20", "--reason")
    turned = terminal.type("call", "suspend", CTL, *because, "x\u202ey")
    assert turned.exit_code == 2
    assert _CONTROL.search(turned.stderr) is None
    assert terminal.type("call", "suspend", CTL, *because, "x").exit_code == 0
    with closing(sqlite3.connect(terminal.database)) as database, database:
        triggers = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for (name,) in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for table, columns in _FREE.items():
            for column in columns:
                put_in = f"UPDATE {table} SET {column} = ? || rowid"  # noqa: S608 - of ours
                database.execute(put_in, (COMMANDS,))

    told = 0
    for words in _SHOWN:
        shown = terminal.type(*words)

        assert _CONTROL.search(shown.stdout + shown.stderr) is None, words
        told += "Qwz" in shown.stdout + shown.stderr
    assert told > len(_SHOWN) // 3, "what somebody has stored or typed is shown"


def test_bytes_that_are_no_text_are_refused_and_shown(terminal: Terminal):
    odd = "mail-\udcff.eml"
    Path(odd).write_bytes(b"Subject: x\n\nx")

    plain = terminal.type("call", "show", "\udcff")
    told = terminal.ask("call", "show", "\udcff")
    looked_at = terminal.ask("receipts", odd)

    assert "Error [call.unknown]" in plain.stderr
    assert told["error"]["code"] == "call.unknown"
    assert looked_at["receipts"][0]["file"] == odd


# --- files --------------------------------------------------------------------


def test_whatever_the_umask_nobody_else_changes_what_is_written(terminal: Terminal):
    adds = ("officer", "add", "neri", "--name", "N", "--role", "auditor")
    assert terminal.type(*adds).exit_code == 0
    before = os.umask(0)
    try:
        done = [
            terminal.as_("neri").type("log", "export", CTL, "--to", "audit"),
            terminal.type("report", CTL, "--format", "html", "--out", "report.html"),
            terminal.type("copy", "--to", "sqlite:///copies/copy.db"),
            terminal.type("log", "anchor"),
            terminal.type("call", "new", "plain_counter", "new.toml"),
            terminal.type("intake", CTL, "-", text=json.dumps(submission(4))),
        ]
    finally:
        os.umask(before)

    assert [one.exit_code for one in done] == [0] * 6, done
    written = [Path("audit"), *Path("audit").rglob("*"), Path("report.html")]
    written.append(Path("new.toml"))
    assert not [path for path in written if path.stat().st_mode & 0o022]
    private = [Path("copies"), *Path("copies").rglob("*")]
    private += terminal.home.glob("sportello.db*")
    assert len(private) > 3, "with what is kept beside the database"
    assert not [path for path in private if path.stat().st_mode & 0o077]
    assert not (terminal.home / "anchors.jsonl").stat().st_mode & 0o022


def test_a_link_that_somebody_has_laid_is_not_written_through(terminal: Terminal):
    Path("victim").write_text("whole", encoding="utf-8")
    Path("nowhere.html").symlink_to("made")
    for name in ("report.html", "new.toml", "audit"):
        Path(name).symlink_to("victim")

    done = [
        terminal.type("report", CTL, "--out", "report.html"),
        terminal.type("report", CTL, "--out", "nowhere.html"),
        terminal.type("call", "new", "plain_counter", "new.toml"),
        terminal.as_("verdi").type("log", "export", CTL, "--to", "audit"),
    ]

    assert all(one.exit_code in {2, 3} for one in done), done
    assert Path("victim").read_text(encoding="utf-8") == "whole"
    assert not Path("made").exists()


def test_an_address_with_an_option_that_there_is_not_is_told_without_its_password(
    terminal: Terminal,
):
    address = "postgresql://u:segreto@127.0.0.1:1/x?nosuch=1&password=segreto"
    terminal.settings["SPORTELLO_DATABASE_URL"] = address

    said = terminal.refused("list", code="database.unreachable", exit_code=3)
    looked_at = terminal.type("doctor")

    assert "nosuch" in said
    assert "segreto" not in said + looked_at.stdout + looked_at.stderr


UP = "../../../up"


def test_no_name_that_is_taken_in_leads_anywhere(work: Office, tmp_path: Path):
    applicant = {**submission(0)["applicant"], "name": UP}
    documents = [{**one, "name": UP} for one in submission(0)["documents"]]
    of_theirs = {"applicant": applicant, "documents": documents, "key": UP}
    (filed, drafted) = work.take(
        submission(0, portal_id=UP, **of_theirs),
        submission(1, portal_id=f"/{UP}", draft=True),
    )
    ((found,),) = rows(work.desk.engine, "SELECT id FROM notices")
    letter = UUID(str(found))
    post, home = files(tmp_path), tmp_path / "home"

    for job in outbox.to_send(work.desk, most=99, resend=None):
        outbox.do(work.desk, job.id, post)
    receipt = accepted(letter, at=work.clock.now(), zone="+0000").mail()
    named = receipt.replace(b'="daticert.xml"', f'="{UP}/daticert.xml"'.encode())
    taken = receipts.take_in(work.desk, named)
    made = exporting.export(work.sit("controller").desk, CTL, tmp_path / "audit")

    assert (filed["outcome"], drafted["outcome"]) == ("submitted", "draft")
    assert named != receipt
    assert taken.outcome in receipts.Outcome
    (sent,) = (home / "letters" / CTL).iterdir()
    assert sent.name == f"2026-0000001-submission_receipt-{letter}.eml"
    everything = {path for path in tmp_path.rglob("*") if path.is_file()}
    ours = {sent, *made.folder.rglob("*"), *tmp_path.glob("sportello.db*")}
    assert everything <= ours


def test_no_word_of_a_call_file_or_of_a_command_names_a_file(terminal: Terminal):
    whole = shipped("ctl-2025").splitlines()
    for key in ("code", "family", "held"):
        place = next(n for n, one in enumerate(whole) if one.startswith(f"{key} = "))
        said = f'["{UP}"]' if key == "held" else f'"{UP}"'
        lines = [*whole[:place], f"{key} = {said}", *whole[place + 1 :]]
        Path("led.toml").write_text("\n".join(lines), encoding="utf-8")

        (found,) = terminal.ask("call", "check", "led.toml")["files"]

        (fault, *_) = found["faults"]
        assert fault["where"].removeprefix("notices.").startswith(key), fault
    for words in (
        ("call", "new", UP, "new.toml"),
        ("letters", "render", UP, "--application", FIRST),
        ("letters", "render", "base", "--application", FIRST),
    ):
        assert terminal.type(*words).exit_code == 2
    assert not Path("new.toml").exists()


# --- messages that somebody else has put into Redis ---------------------------


@pytest.fixture
def queues(redis_url: str) -> Iterator[Any]:
    """Sit where somebody does who can write to the Redis."""
    built = brokers.build(redis_url)
    for name in ("intake", "sweep", "notices", "receipts"):
        built.declare_queue(name)

    def push(queue: str, actor: str, *args: Any, **options: Any) -> None:
        built.enqueue(
            Message(
                queue_name=queue,
                actor_name=actor,
                args=args,
                kwargs={},
                options=options,
            )
        )

    push.broker = built  # type: ignore[attr-defined]
    yield push
    built.close()


def test_a_forged_message_changes_nothing_that_the_database_does_not_say(
    work: Office, queues: Any, redis_url: str, tmp_path: Path
):
    work.file()
    ((letter,),) = rows(work.desk.engine, "SELECT id FROM notices")
    laid, ours = tmp_path / "laid", tmp_path / "ours"
    for folder in (laid, ours):
        (folder / "new").mkdir(parents=True)
    receipt = accepted(letter, at=work.clock.now(), zone="+0000").mail()
    (laid / "new" / "1.M1.host").write_bytes(receipt)
    before = dump(work.desk.engine)
    for actor, *args in (
        ("sweep_call", "no such call"),
        ("sweep_call", SQL[0]),
        ("sweep_call", {"a": 1}),
        ("sweep_call", "a", "b", "c"),
        ("sweep_call", CTL),
    ):
        queues("sweep", actor, *args)
    queues("sweep", "sweep_call", CTL, about={"event": "forged", "level": "x"})
    for identity in ("no id", str(letter), "00000000-0000-0000-0000-000000000000"):
        queues("notices", "do_message", identity)
    queues("receipts", "take_receipts_in", str(laid))
    queues("receipts", "take_receipts_in", "/etc")
    queues("intake", "receive_submission", "no such call", json.dumps(submission(1)))
    desk, postbox = replace(work.desk, receipts=ours), Postbox()

    with serving.serving(brokers.build(redis_url), desk, postbox, threads=2):
        client = queues.broker.client
        names = ("intake", "sweep", "notices", "receipts")
        until(lambda: not any(client.exists(f"dramatiq:{name}.msgs") for name in names))

    assert dump(work.desk.engine) == before
    assert postbox.mails == []
    assert (laid / "new" / "1.M1.host").exists()
