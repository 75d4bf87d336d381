"""Does an auditor get everything, nothing personal, and find what was changed?"""

import csv
import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import make_url

from config.exports import verify
from models.canonical import encode
from models.session import reading
from models.vocabulary import Event, Role
from tests import exports
from tests.builders import CTL, OPENING, TO_GRANT, Office, office, submission
from tests.contents import rows
from tests.editions import SECOND, open_to_all
from tests.exports import (
    behead,
    chained,
    change,
    copied,
    faults,
    reworded,
    summed,
)
from tests.integration.test_verification import by_hand
from tests.integration.test_verification import on_postgresql as is_postgresql
from tests.processes import Place, start
from tests.servers import fresh_postgres
from workflow.anchors.gaps import Span
from workflow.anchors.manifests import line
from workflow.desk import AnchorFiles, Desk
from workflow.errors import InputError, RefusedError, UnavailableError
from workflow.services import (
    anchoring,
    calls,
    delegations,
    export_files,
    export_lines,
    exporting,
    intake,
    keys,
    log,
    officers,
    signing,
    sweep,
)
from workflow.services.anchor_rows import stored
from workflow.services.exporting import Exported

FILES = [
    "README.txt",
    "SHA256SUMS",
    "SHA256SUMS.sig",
    "acts.jsonl",
    "anchors.jsonl",
    "call-versions/1.json",
    "delegations.jsonl",
    "entries.csv",
    "entries.jsonl",
    "index.html",
    "keys.pem",
    "moves.json",
    "office.jsonl",
    "officers.jsonl",
    "state.json",
    "verify.py",
]
DAY = date(2026, 1, 20)
DELEGATED = "decreto 7/2026-01-19"
FORMULA = '=HYPERLINK("http://example.it","x")'
SCRIPT = "<script>alert('è')</script>"


def furnished(url: str, files: AnchorFiles) -> None:
    """Do some work, refuse some, and seal three days."""
    keys.make(files.key)
    with office(url) as work:
        opened = Office(replace(work.desk, anchor_files=files), work.clock)
        sweep.sweep(opened.desk)
        first = opened.file(0)
        opened.file(1)
        staffed(opened.desk.as_officer("bianchi"))
        anchoring.seal(opened.desk)
        opened.wait(days=1)
        opened.routine(first, *TO_GRANT)
        for reason in (FORMULA, SCRIPT):
            with pytest.raises(RefusedError):
                opened.move("2026/0000002", Event.ANNUL, reason=reason)
        anchoring.seal(opened.desk)
        opened.wait(days=1)
        anchoring.seal(opened.desk)


def staffed(desk: Desk) -> None:
    """Delegate a role, delegate another and end it; give, end, retire."""
    officers.add(desk, "neri", "Carla Neri", [Role.EVALUATOR, Role.MANAGER])
    for role in (Role.OFFICER, Role.EVALUATOR):
        delegated = delegations.Wanted(
            "rossi", "clerk", role, DAY, DAY + timedelta(days=9), DELEGATED
        )
        delegations.delegate(desk, delegated)
    delegations.end(desk, "rossi", "clerk", Role.EVALUATOR)
    officers.end_roles(desk, "neri", [Role.EVALUATOR])
    officers.retire(desk, "neri")


@contextmanager
def at_work(url: str, home: Path, to: Path) -> Iterator[Office]:
    """Open a copy of a furnished office, with a copy of its key and its anchors."""
    shutil.copytree(home / "keys", to / "keys")
    shutil.copyfile(home / "anchors.jsonl", to / "anchors.jsonl")
    with office(url, at=OPENING + timedelta(days=2)) as work:
        yield Office(replace(work.desk, anchor_files=outside(to)), work.clock)


def outside(folder: Path) -> AnchorFiles:
    return AnchorFiles(folder / "keys" / "register.pem", folder / "anchors.jsonl")


@pytest.fixture(scope="module")
def on_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Furnish one SQLite database, beside its key and its anchors."""
    home = tmp_path_factory.mktemp("furnished")
    shutil.copyfile(sqlite_template, home / "sportello.db")
    furnished(f"sqlite:///{home / 'sportello.db'}", outside(home))
    return home


@pytest.fixture(scope="module")
def on_postgresql(
    postgres_server: str,
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Path]]:
    """Furnish one PostgreSQL database, with its key and its anchors."""
    home = tmp_path_factory.mktemp("furnished")
    with fresh_postgres(postgres_server, postgres_template) as url:
        furnished(url, outside(home))
        yield str(make_url(url).database), home


@pytest.fixture
def sqlite_history(on_sqlite: Path, tmp_path: Path) -> Iterator[Office]:
    file = tmp_path / "sportello.db"
    shutil.copyfile(on_sqlite / "sportello.db", file)
    with at_work(f"sqlite:///{file}", on_sqlite, tmp_path) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """Give a furnished office of this test's own, on each of the two engines."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_history")
        return
    template, home = request.getfixturevalue("on_postgresql")
    server = request.getfixturevalue("postgres_server")
    with (
        fresh_postgres(server, template) as url,
        at_work(url, home, tmp_path) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def exported(on_sqlite: Path) -> Path:
    """Export once what tests copy and change."""
    url = f"sqlite:///{on_sqlite / 'exported.db'}"
    shutil.copyfile(on_sqlite / "sportello.db", on_sqlite / "exported.db")
    with office(url, at=OPENING + timedelta(days=2)) as work:
        sealing = replace(work.desk, anchor_files=outside(on_sqlite))
        return taken(Office(sealing, work.clock), on_sqlite).folder


@pytest.fixture
def package(exported: Path, tmp_path: Path) -> Path:
    """Give a copy of an export that one test may change."""
    return copied(exported, tmp_path / "package")


def taken(work: Office, folder: Path, name: str = "audit") -> Exported:
    return exporting.export(work.desk, CTL, folder / name)


def run(
    folder: Path, *words: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run the verifier as an auditor does: nothing of this tree is within reach."""
    return subprocess.run(
        [python, "-I", "-S", "verify.py", *words],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def key_of(folder: Path) -> str:
    return str(exports.read(folder / "anchors.jsonl")[0]["key"])


def entry(work: Office) -> dict[str, Any]:
    ((body,),) = rows(
        work.desk.engine, "SELECT body FROM entries ORDER BY seq DESC LIMIT 1"
    )
    return dict(orjson.loads(body))


# --- what is taken away -------------------------------------------------------


def test_an_export_holds_everything_and_verifies_without_the_program(
    history: Office, tmp_path: Path
):
    made = taken(history, tmp_path)

    folder = tmp_path / "elsewhere" / "audit"
    copied(made.folder, folder)
    verified = run(folder, ".", "--key", key_of(folder))
    summed = subprocess.run(
        ["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=False
    )
    names = sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )
    assert made.ok
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    assert verified.stdout.endswith("everything holds\n")
    assert summed.returncode == 0
    assert names == FILES
    assert log.examine(history.desk).ok


def test_every_entry_is_there_byte_for_byte_and_its_hash_beside_it(
    history: Office, tmp_path: Path
):
    folder = taken(history, tmp_path).folder

    kept = rows(history.desk.engine, "SELECT seq, hash, body FROM entries ORDER BY seq")
    lines = exports.read(folder / "entries.jsonl")
    assert [(one["seq"], one["hash"], one["body"]) for one in lines] == kept
    with reading(history.desk.engine) as session:
        anchors = b"".join(map(line, stored(session)))
    assert (folder / "anchors.jsonl").read_bytes() == anchors
    assert signing.places(history.desk).lines.read_bytes() == anchors


def test_the_export_is_an_entry_and_part_of_what_is_exported(
    history: Office, tmp_path: Path
):
    ((seq, head),) = rows(history.desk.engine, "SELECT head_seq, head_hash FROM calls")

    made = taken(history.sit("controller"), tmp_path)

    said = entry(history)
    state = json.loads((made.folder / "state.json").read_text())
    assert made.entry is not None
    assert (said["event"], said["outcome"]) == ("export_register", "ok")
    exported = {"entries": seq, "head": head, "key": key_of(made.folder)}
    assert said["findings"] == {"exported": exported}
    assert (said["actor"]["role"], said["from"], said["to"]) == (
        "auditor",
        "open",
        "open",
    )
    assert said["channel"] == "cli"
    assert state["exported_by"] == state["entries"] == made.entry.seq == seq + 1
    assert state["head"] == made.entry.hash == made.written.head


def test_what_happens_meanwhile_is_in_it_or_not_but_never_in_part(
    history: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        if not seen:
            history.file(2)
        seen.append((done, total))

    made = exporting.export(history.desk, CTL, tmp_path / "audit", tell=tell)
    again = taken(history, tmp_path, "again")

    assert faults(made.folder) == faults(again.folder) == []
    assert again.written.entries == made.written.entries + 2
    assert seen == [(made.written.entries, made.written.entries)]


def test_the_text_of_every_version_has_the_hash_that_entries_name(
    history: Office, tmp_path: Path
):
    folder = taken(history, tmp_path).folder

    content = (folder / "call-versions" / "1.json").read_bytes()
    named = {
        json.loads(one["body"])["rules"]
        for one in exports.read(folder / "entries.jsonl")
    }
    assert named == {sha256(content).hexdigest()}


def test_who_audits_or_answers_for_a_call_may_export_it(
    history: Office, tmp_path: Path
):
    for login in ("controller", "rup", "director", "bianchi"):
        assert taken(history.sit(login), tmp_path, login).ok


def test_nobody_else_may_and_the_refusal_is_an_entry(history: Office, tmp_path: Path):
    for login in ("clerk", "examiner", "board", "nobody", None):
        identity = replace(history.desk.identity, login=login)
        desk = replace(history.desk, identity=identity)

        with pytest.raises(RefusedError) as error:
            exporting.export(desk, CTL, tmp_path / "audit")

        said = entry(history)
        assert error.value.code.startswith(("role.", "officer.")), error.value
        assert (said["event"], said["outcome"]) == ("export_register", "refused")
        assert said["refusal"]["code"] == error.value.code
        assert not (tmp_path / "audit").exists()


def test_of_an_unknown_call_nothing_is_made(history: Office, tmp_path: Path):
    with pytest.raises(RefusedError, match="there is no call `X`"):
        exporting.export(history.desk, "X", tmp_path / "audit")

    assert not (tmp_path / "audit").exists()


# --- nothing personal ---------------------------------------------------------


def test_nothing_personal_of_any_applicant_or_officer_is_in_any_file(
    work: Office, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    sweep.sweep(work.desk)
    applicant = {
        "tax_code": "RSSMRA80A01F205X",
        "name": "Quadrelli Zefirino",
        "pec": "zefirino@pec.example.it",
    }
    aid = {"granted_on": "2025-01-31", "amount": "1.00", "grantor": "Comune"}
    lines = [
        submission(0, applicant=applicant, aids=[aid]),
        submission(1, applicant={**applicant, "tax_code": "WRONG-CODE"}),
    ]
    answer, wrong = intake.take_in(work.desk, SECOND, map(orjson.dumps, lines))
    assert (answer["outcome"], wrong["outcome"]) == ("submitted", "refused")
    officers.add(
        work.desk.as_officer("bianchi"), "rup", "Rup", [], email="rup@example.it"
    )
    work.routine(answer["protocol"], Event.START_REVIEW, Event.ADMIT)

    made = exporting.export(work.desk.as_officer("rup"), SECOND, tmp_path / "audit")

    content = b"".join(
        path.read_bytes()
        for path in made.folder.rglob("*")
        if path.is_file() and path.name not in {"verify.py", "README.txt"}
    ).decode()
    private = [*applicant.values(), "WRONG-CODE", "Comune", "rup@example.it"]
    private += [cell for row in rows(work.desk.engine, _OF_OFFICERS) for cell in row]
    found = [word for word in private if re.search(rf"\b{re.escape(word)}\b", content)]
    assert set(found) <= {"board", "Board"}, found
    assert made.ok
    assert faults(made.folder) == []


_OF_OFFICERS = "SELECT login, name FROM officers"


def test_the_time_stamps_that_are_kept_here_go_with_the_anchors(
    sqlite_history: Office, tmp_path: Path
):
    stamps = tmp_path / "anchors-stamps"
    stamps.mkdir()
    for number in (2, 9):
        (stamps / f"{number:08}.tsr").write_bytes(b"stamp")

    folder = taken(sqlite_history, tmp_path).folder

    (copy,) = (folder / "anchors-stamps").iterdir()
    assert (copy.name, copy.read_bytes()) == ("00000002.tsr", b"stamp")
    assert copy.name in (folder / "SHA256SUMS").read_text()


# --- for people ---------------------------------------------------------------


def test_no_cell_of_the_table_is_taken_for_a_formula(package: Path):
    text = (package / "entries.csv").read_bytes().decode()
    table = list(csv.DictReader(io.StringIO(text, newline="")))

    assert [row["seq"] for row in table] == [
        str(one["seq"]) for one in exports.read(package / "entries.jsonl")
    ]
    assert [row["reason"] for row in table if row["reason"]] == [f"'{FORMULA}", SCRIPT]
    assert not [
        cell
        for row in table
        for cell in row.values()
        if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]
    granted = next(row for row in table if row["event"] == "grant")
    assert (granted["granted_after"], granted["allocation"]) == (
        "111111.11",
        "1000000.00",
    )


def test_the_page_stands_by_itself_and_runs_nothing_but_its_own_script(package: Path):
    page = (package / "index.html").read_text(encoding="utf-8")

    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{allowed}&#39;" in policy
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href)\s*=|url\(|@import|\son\w+\s*=""", page)
    assert "&lt;script&gt;alert(&#39;è&#39;)&lt;/script&gt;" in page


def test_the_page_has_a_timeline_of_each_application(package: Path):
    page = (package / "index.html").read_text(encoding="utf-8")

    staff, *parts = re.findall(r"<details.*?</details>", page, re.DOTALL)
    lines = exports.read(package / "entries.jsonl")
    roles = [
        role
        for one in exports.read(package / "officers.jsonl")
        for role in one["roles"]
    ]
    assert len(parts) == 3
    assert sum(part.count("<tr data-row>") for part in parts) == len(lines)
    assert staff.count("<tr data-row>") == len(roles) + staff.count(DELEGATED)
    assert staff.count(DELEGATED) == 2
    assert "<b>2026/0000001</b> negotiating" in parts[1]
    assert [">grant<" in part for part in parts] == [False, True, False]
    assert ">export_register<" in parts[0]


@pytest.mark.parametrize(("most", "shown"), [(2, ["data-part"]), (1, [])])
def test_a_page_of_very_many_refers_to_the_table(
    history: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    shown: list[str],
):
    monkeypatch.setattr(export_files, "MOST_ON_A_PAGE", most)

    made = taken(history, tmp_path)

    page = (made.folder / "index.html").read_text(encoding="utf-8")
    assert re.findall("<table (data-part)", page) == shown
    assert ("2026/0000002" in page) is bool(shown)
    assert "<code>entries.csv</code>" in page
    assert faults(made.folder) == []


# --- whole, or not there ------------------------------------------------------


def test_an_empty_directory_is_filled(history: Office, tmp_path: Path):
    (tmp_path / "audit").mkdir()

    assert faults(taken(history, tmp_path).folder) == []


@pytest.mark.parametrize("is_file", [True, False])
def test_nothing_that_is_there_is_overwritten(history, tmp_path, is_file):
    there = tmp_path / "audit"
    if not is_file:
        there.mkdir()
    (there if is_file else there / "kept").write_text("mine")
    before = entry(history)

    with pytest.raises(InputError, match="not an empty directory") as error:
        taken(history, tmp_path)

    assert error.value.code == "export.not_empty"
    assert entry(history) == before
    assert (there if is_file else there / "kept").read_text() == "mine"


def test_a_place_in_no_directory_is_refused(history: Office, tmp_path: Path):
    with pytest.raises(InputError, match="is no directory"):
        exporting.export(history.desk, CTL, tmp_path / "not" / "there")


def test_a_disk_that_takes_nothing_is_told_in_words(history, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UnavailableError, match="No space left on device"):
        exporting.export(history.desk, CTL, tmp_path / "audit", tell=full)

    assert not list(tmp_path.glob("*audit*"))


def dying(place: Place, to: Path) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with place.desk() as desk:
        exporting.export(desk, CTL, to, tell=die)


def test_one_that_is_killed_leaves_nothing_that_looks_whole(
    history: Office, tmp_path: Path
):
    url = history.desk.engine.url.render_as_string(hide_password=False)
    process = start(dying, Place.at(url, history.clock.now()), tmp_path / "a")
    process.join()
    (left,) = tmp_path.glob(".a.*")

    again = taken(history, tmp_path, "a")

    assert process.exitcode == -signal.SIGKILL
    assert left.suffix == ".partial"
    assert not (left / "SHA256SUMS").exists()
    assert faults(left) != []
    assert faults(again.folder) == []
    events = rows(
        history.desk.engine,
        "SELECT count(*) FROM entries WHERE event = 'export_register'",
    )
    assert events == [(2,)]


# --- a database that was changed ----------------------------------------------


def rechain(work: Office, first: int) -> None:
    """Write a chain again from an entry on, as the owner of a database could."""
    kept = rows(work.desk.engine, "SELECT body FROM entries ORDER BY seq")
    lines = [{"body": body, "hash": "", "seq": 0} for (body,) in kept]
    reworded(lines[first - 1], reason="never said")
    before = rows(work.desk.engine, "SELECT hash FROM entries ORDER BY seq")
    for place in range(first - 1):
        lines[place]["hash"] = before[place][0]
    chained(lines, first)
    updates = [
        f"UPDATE entries SET hash = '{one['hash']}', "  # noqa: S608 - ours
        f"body = '{one['body'].replace(chr(39), chr(39) * 2)}' "
        f"WHERE seq = {one['seq']}"
        for one in lines[first - 1 :]
    ]
    head = f"UPDATE calls SET head_hash = '{lines[-1]['hash']}'"  # noqa: S608 - ours
    if is_postgresql(work):
        updates = [one.replace("%", "%%") for one in updates]
    by_hand(work, *updates, head)


def in_the_tail(**said: Any) -> Callable[[Office], None]:
    """Review the second file, and change what the entry says before it is sealed."""

    def how(work: Office) -> None:
        work.move("2026/0000002", Event.START_REVIEW)
        ((seq, body),) = rows(
            work.desk.engine, "SELECT seq, body FROM entries ORDER BY seq DESC LIMIT 1"
        )
        changed = {**json.loads(body)}
        for name, value in said.items():
            (changed if name in changed else changed["actor"])[name] = value
        content = encode(changed)
        text = content.decode().replace("'", "''")
        text = text.replace("%", "%%") if is_postgresql(work) else text
        hashed = sha256(content).hexdigest()
        by_hand(
            work,
            f"UPDATE entries SET body = '{text}', hash = '{hashed}', "  # noqa: S608 - ours
            f"event = '{changed['event']}' WHERE seq = {seq}",
            f"UPDATE calls SET head_hash = '{hashed}'",  # noqa: S608 - ours
        )

    return how


def raw(*statements: str) -> Callable[[Office], None]:
    return lambda work: by_hand(work, *statements)


LAST = "(SELECT max(seq) FROM entries)"
CHANGES: dict[str, tuple[Callable[[Office], None], str]] = {
    "a field of an entry": (
        raw("UPDATE entries SET body = replace(body, 'submit', 'other') WHERE seq = 3"),
        "entry 3: its content does not match its hash",
    ),
    "its form": (
        raw("UPDATE entries SET body = body || ' ' WHERE seq = 3"),
        "entry 3: it is not in canonical form",
    ),
    "no entry any more": (
        raw("UPDATE entries SET body = '' WHERE seq = 3"),
        "entry 3: it cannot be read",
    ),
    "one deleted": (
        raw("DELETE FROM entries WHERE seq = 4"),
        "entry 5: entry 4 is missing",
    ),
    "the last two deleted": (
        raw(f"DELETE FROM entries WHERE seq > {LAST} - 2"),  # noqa: S608 - ours
        "is missing",
    ),
    "the last two deleted, and the head": (
        raw(
            f"DELETE FROM entries WHERE seq > {LAST} - 2",  # noqa: S608 - ours
            f"UPDATE calls SET head_seq = {LAST}, head_hash = "  # noqa: S608 - ours
            f"(SELECT hash FROM entries WHERE seq = {LAST})",
        ),
        "anchor 2: it saw entry 10, the chain has 9",
    ),
    "all deleted": (raw("DELETE FROM entries"), "is missing"),
    "two swapped": (
        raw(
            "UPDATE entries SET seq = 99 WHERE seq = 4",
            "UPDATE entries SET seq = 4 WHERE seq = 5",
            "UPDATE entries SET seq = 5 WHERE seq = 99",
        ),
        "entry 4: it does not follow the entry before it",
    ),
    "one inserted": (
        raw(
            "INSERT INTO entries (call_id, seq, hash, at, application_id, event, "
            "outcome, actor_id, body) SELECT call_id, head_seq + 1, "
            "replace(hash, '0', '1'), at, application_id, event, outcome, actor_id, "
            "body FROM entries JOIN calls ON calls.id = call_id WHERE seq = 3"
        ),
        "it belongs to another call or place",
    ),
    "everything written again": (lambda work: rechain(work, 1), "not the one it saw"),
    "all from the fourth on": (lambda work: rechain(work, 4), "not the one it saw"),
    "the state": (
        raw("UPDATE applications SET state = 'withdrawn' WHERE protocol_number = 1"),
        "has state withdrawn, the register says negotiating",
    ),
    "the version": (
        raw("UPDATE applications SET version = 9 WHERE protocol_number = 1"),
        "has version 9, the register says 5",
    ),
    "the money of an application": (
        raw("UPDATE applications SET granted = 7 WHERE protocol_number = 1"),
        "has granted 7, the register says",
    ),
    "the money of the call": (
        raw("UPDATE calls SET granted = granted - 1"),
        "the call: has granted",
    ),
    "how many were filed": (
        raw("UPDATE calls SET filed = 9"),
        "the call: has filed 9, the register says 2",
    ),
    "the state of the call": (
        raw("UPDATE calls SET state = 'closed'"),
        "it starts from `closed` but the call stood at `open`",
    ),
    "the head": (
        raw(f"UPDATE calls SET head_hash = '{'1' * 64}'"),  # noqa: S608 - ours
        "it does not follow the entry before it",
    ),
    "the rules": (
        raw("UPDATE call_versions SET body = replace(body, 'a', 'b')"),
        "the text of version 1 is not the one it froze",
    ),
    "their hash": (
        raw(f"UPDATE call_versions SET fingerprint = '{'1' * 64}'"),  # noqa: S608 - ours
        "it is not kept under the hash that its entry says",
    ),
    "a version deleted": (
        raw("DELETE FROM call_versions"),
        "the text of version 1 is not the one it froze",
    ),
    "an anchor removed": (
        raw("DELETE FROM anchors WHERE number = 2"),
        "anchor 3: anchor 2 is missing",
    ),
    "anchors reordered": (
        raw(
            "UPDATE anchors SET number = 9 WHERE number = 1",
            "UPDATE anchors SET number = 1 WHERE number = 2",
            "UPDATE anchors SET number = 2 WHERE number = 9",
        ),
        "anchor 2: it does not follow the anchor before it",
    ),
    "a signature": (
        raw("UPDATE anchors SET signature = replace(signature, '0', '1')"),
        "anchor 1: its signature does not hold",
    ),
    "a role": (
        raw(
            "UPDATE officer_roles SET role = 'manager' WHERE role = 'intake' AND "
            "officer_id IN (SELECT id FROM officers WHERE login = 'clerk')"
        ),
        "it is in no entry of the officers",
    ),
    "since when a role": (
        raw("UPDATE officer_roles SET since = since - 1 WHERE role = 'intake'"),
        "it is in the entries of the officers only",
    ),
    "its end": (
        raw("UPDATE officer_roles SET ended_at = NULL WHERE role = 'evaluator'"),
        "it is not as the entries of the officers say",
    ),
    "who retired": (
        raw("UPDATE officers SET retired_at = NULL"),
        "it is not as the entries of the officers say",
    ),
    "a delegation": (
        raw("UPDATE delegations SET last_day = '2026-12-31' WHERE role = 'officer'"),
        "it is not as the entries of the officers say",
    ),
    "the act of a delegation": (
        raw("UPDATE acts SET number = '8' WHERE number = '7'"),
        "it names an act that is not there",
    ),
    "an entry of the officers": (
        raw("UPDATE office_entries SET body = replace(body, 'intake', 'manager')"),
        "officers' entry 2: its content does not match its hash",
    ),
    "one of them deleted": (
        raw("DELETE FROM office_entries WHERE seq = 3"),
        "officers' entry 4: officers' entry 3 is missing",
    ),
    "all of them deleted": (
        raw("DELETE FROM office_entries"),
        "officers: no entry tells of any of them",
    ),
    "the last of them deleted": (
        raw(
            "DELETE FROM office_entries WHERE seq = "
            "(SELECT max(seq) FROM office_entries)"
        ),
        "it saw entry of the officers 14, the chain has 13",
    ),
    "the protocols": (
        raw(
            "UPDATE applications SET protocol_number = 9 - protocol_number",
            "UPDATE applications SET protocol_number = protocol_number - 6",
        ),
        "has protocol 2026/0000002, the register says 2026/0000001",
    ),
    "all anchors": (
        raw("DELETE FROM anchors"),
        "anchor 1 of the file outside of the database: the package lacks it",
    ),
    "the last anchor dated where days end": (
        raw(
            "UPDATE anchors SET body = replace(body, '2026-01-22T', '9999-12-31T'), "
            "at = 253402300799000000 WHERE number = 3"
        ),
        "anchor 3: its content does not match its hash",
    ),
    "an event that nobody knows": (in_the_tail(event="bless"), "`bless` is no event"),
    "a role that may not": (
        in_the_tail(role="auditor"),
        "`start_review` is not made in the role `auditor`",
    ),
    "a key": (
        raw(f"UPDATE anchors SET key = '{'2' * 64}' WHERE number = 2"),  # noqa: S608 - ours
        "anchor 2: its signature does not hold",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_log_verify_finds_the_verifier_finds_in_an_export_of_it(
    history: Office, tmp_path: Path, name: str
):
    by, told = CHANGES[name]
    by(history)

    made = taken(history, tmp_path)

    found = faults(made.folder)
    assert not made.examined.ok
    assert [one for one in found if told in one], found
    assert not [one for one in found if one.startswith(("SHA256SUMS", "file"))]


def test_a_move_by_hand_without_an_entry_is_found_by_both(
    history: Office, tmp_path: Path
):
    by_hand(
        history,
        "UPDATE applications SET state = 'admissible', version = version + 1 "
        "WHERE protocol_number = 2",
    )

    made = taken(history, tmp_path)

    assert not made.ok
    assert [one.partition(":")[2] for one in faults(made.folder)] == [
        " has state admissible, the register says submitted",
        " has version 2, the register says 1",
    ]


def test_a_register_that_takes_no_entry_any_more_is_copied_as_it_is(
    sqlite_history: Office, tmp_path: Path
):
    by_hand(sqlite_history, "UPDATE calls SET state = 'nonsense'")

    made = taken(sqlite_history, tmp_path)

    assert (made.ok, made.entry) == (False, None)
    assert faults(made.folder) == [
        "entries: the export itself is no entry of the register",
        "the call: has state nonsense, the register says open",
    ]


def test_what_may_differ_raises_no_false_alarm(history: Office, tmp_path: Path):
    unusual = "«reason» \U0001f4a1 e\u0301 \ufdfd \u00a0."
    with pytest.raises(RefusedError):
        history.move("2026/0000002", Event.ANNUL, reason=unusual)
    by_hand(
        history,
        "UPDATE officers SET name = 'Another' WHERE login = 'rup'",
    )

    made = taken(history, tmp_path)

    assert made.ok
    assert faults(made.folder) == []
    assert (
        unusual
        in json.loads(exports.read(made.folder / "entries.jsonl")[-2]["body"]).values()
    )


def test_a_register_that_nobody_seals_for_a_day_is_a_fault_for_both(
    work: Office, tmp_path: Path
):
    by_hand(work, "UPDATE installation SET rehearsal = false")
    work.clock.simulated = False
    work.file()

    made = taken(work, tmp_path)

    told = "anchors: no anchor: nothing proves that all of it was not written anew, and"
    assert not made.ok
    assert [one for one in faults(made.folder) if one.startswith(told)]


def test_days_that_are_explained_are_no_fault_for_either(
    history: Office, tmp_path: Path
):
    history.wait(days=4)
    anchoring.seal(history.desk)
    lost = [Span(date(2026, 1, day), date(2026, 1, day)) for day in (23, 25)]
    anchoring.explain(history.sit("director").desk, lost, because="power cut")

    some = taken(history, tmp_path)
    rest = [Span(date(2026, 1, 23), date(2026, 1, 25))]
    anchoring.explain(history.sit("director").desk, rest, because="still")
    made = taken(history, tmp_path, "all")

    _, report = verify.verify(made.folder, key=None, own=None)
    assert [one.fault for one in some.examined.anchors.faults] == [
        "no anchor for 2026-01-24"
    ]
    assert faults(some.folder) == ["anchor 4: no anchor for 2026-01-24"]
    assert made.ok
    assert not report.kinds
    assert [told for told in report.notes if told.startswith("no anchor")] == [
        "no anchor for 2026-01-23, explained in an anchor: power cut",
        "no anchor for 2026-01-24, explained in an anchor: still",
        "no anchor for 2026-01-25, explained in an anchor: power cut",
    ]


def test_what_is_dated_where_days_end_is_a_fault_and_no_crash(package: Path):
    at = "9999-12-31T23:59:59.999999Z"
    change(package / "entries.jsonl", lambda lines: reworded(lines[-1], at=at))
    change(package / "entries.jsonl", lambda lines: chained(lines, len(lines)))
    behead(package)
    change(package / "anchors.jsonl", lambda lines: reworded(lines[0], at=at))

    found = faults(package)

    assert "entries: the last instant makes no sense" in found
    assert "anchor 1: it says something in a form that it cannot have" in found


def test_a_changed_key_holds_where_the_one_before_endorsed_it(
    history: Office, tmp_path: Path
):
    first = keys.find(signing.places(history.desk).key)
    assert first is not None
    anchoring.rotate(history.sit("bianchi").desk, because="leaked")

    made = taken(history, tmp_path)

    assert faults(made.folder, key=first.public) == []
    assert (made.folder / "keys.pem").read_text().count("BEGIN PUBLIC KEY") == 2


def test_a_changed_key_that_nobody_endorsed_is_a_fault(history, tmp_path):
    first = keys.find(signing.places(history.desk).key)
    assert first is not None
    signing.places(history.desk).key.unlink()
    anchoring.rotate(history.sit("bianchi").desk, because="leaked", lost=True)

    found = faults(taken(history, tmp_path).folder, key=first.public)

    assert found == [
        "anchor 4: the key changed, and the one before does not endorse it"
    ]


# --- a package that was changed -----------------------------------------------


def of_entries(how: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    return lambda folder: change(folder / "entries.jsonl", how)


def of_anchors(how: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    return lambda folder: change(folder / "anchors.jsonl", how)


def of_office(how: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    return lambda folder: change(folder / "office.jsonl", how)


def of_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def how(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return how


def without_tail(folder: Path) -> None:
    of_entries(lambda lines: lines.__delitem__(slice(-4, None)))(folder)
    behead(folder)


def swap(lines: list[Any]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


EXPORTED_BY_OTHERS = {"exported": {"entries": 0, "head": "", "key": "2" * 64}}
FORGERIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one byte": (
        of_entries(lambda lines: reworded(lines[3], reason="x")),
        "entry 4: its content does not match its hash",
    ),
    "its hash too": (
        of_entries(lambda lines: lines[3].update(hash="0" * 64)),
        "entry 4: its content does not match its hash",
    ),
    "one removed": (
        of_entries(lambda lines: lines.pop(4)),
        "entry 6: entry 5 is missing",
    ),
    "two swapped": (of_entries(swap), "entry 5: entry 4 is missing"),
    "the last four removed": (without_tail, "it saw entry"),
    "one repeated": (
        of_entries(lambda lines: lines.append(lines[-1])),
        "is missing",
    ),
    "no number": (of_entries(lambda lines: lines[3].pop("seq")), "it has no number"),
    "no text": (
        of_entries(lambda lines: lines[3].pop("body")),
        "entry 4: it cannot be read",
    ),
    "a fraction": (
        of_entries(lambda lines: lines[3].update(body='{"a":1.5}')),
        "entry 4: it cannot be read",
    ),
    "white space": (
        of_entries(lambda lines: lines[3].update(body='{"a": 1}')),
        "entry 4: it is not in canonical form",
    ),
    "another thing": (
        of_entries(lambda lines: lines[3].update(body='{"a":1}')),
        "entry 4: it says something in a form that it cannot have",
    ),
    "no json": (
        lambda folder: (folder / "entries.jsonl").write_bytes(b"\xff\n{\n"),
        "file entries.jsonl: line 1 of it cannot be read",
    ),
    "no state": (of_text("state.json", "{", "["), "file state.json: it cannot be read"),
    "another state": (
        of_text("state.json", '"negotiating"', '"completed"'),
        "has state completed, the register says negotiating",
    ),
    "an application fewer": (
        of_text("state.json", '"application":"', '"application":"0'),
        "it is in the entries only",
    ),
    "another version": (
        of_text("call-versions/1.json", "a", "b"),
        "the text of version 1 is not the one it froze",
    ),
    "no acts": (
        lambda folder: (folder / "acts.jsonl").write_text(""),
        "it names an act that is not there",
    ),
    "no officers": (
        lambda folder: (folder / "officers.jsonl").write_text(""),
        "it names an officer who is not there",
    ),
    "an officers' entry reworded": (
        of_office(lambda lines: reworded(lines[3], officer="x")),
        "officers' entry 4: its content does not match its hash",
    ),
    "an officers' entry of a call": (
        of_office(lambda lines: reworded(lines[3], chain="RLF12025051244")),
        "officers' entry 4: it belongs to another chain or place",
    ),
    "an officers' entry of another kind": (
        of_office(lambda lines: reworded(lines[3], event="promote")),
        "officers' entry 4: it says something in a form that it cannot have",
    ),
    "no delegations": (
        lambda folder: (folder / "delegations.jsonl").write_text(""),
        "it is in the entries of the officers only",
    ),
    "another end of that chain": (
        of_text("state.json", '"office":{"entries":', '"office":{"entries":1'),
        "officers: the last entry is not the one that state.json names",
    ),
    "an anchor removed": (
        of_anchors(lambda lines: lines.pop(1)),
        "anchor 3: anchor 2 is missing",
    ),
    "the first anchor removed": (
        of_anchors(lambda lines: lines.pop(0)),
        "anchor 2: it does not follow the anchor before it",
    ),
    "anchors reordered": (
        of_anchors(lambda lines: lines.reverse()),
        "anchor 3: it does not follow the anchor before it",
    ),
    "an anchor reworded": (
        of_anchors(lambda lines: reworded(lines[1], calls=[])),
        "anchor 2: its signature does not hold",
    ),
    "the export not entered": (
        of_text("state.json", '"exported_by":', '"exported_by":null,"x":'),
        "entries: the export itself is no entry of the register",
    ),
}


def with_a_row_more(folder: Path) -> None:
    with (folder / "entries.csv").open("ab") as file:
        file.write(b'"x"\r\n')


def in_every_text(folder: Path) -> None:
    for name in ("index.html", "entries.csv", "README.txt"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("1", "7"), encoding="utf-8")


FORGERIES |= {
    "the table": (
        of_text("entries.csv", "111111.11", "999999.99"),
        "file entries.csv: the row of entry ",
    ),
    "a row more": (
        with_a_row_more,
        "file entries.csv: it has more rows than entries",
    ),
    "what people read": (in_every_text, "SHA256SUMS: its signature does not hold"),
    "no moves": (
        lambda folder: (folder / "moves.json").write_text("[]"),
        "file moves.json: it cannot be read",
    ),
    "the key of the export": (
        of_entries(lambda lines: reworded(lines[-1], findings=EXPORTED_BY_OTHERS)),
        "SHA256SUMS: the key that signed it has signed no anchor",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_changed_package_is_found_also_if_its_sums_are_right(package, name):
    forge, told = FORGERIES[name]
    forge(package)
    before = faults(package)

    summed(package)

    found = faults(package)
    assert [one for one in before if "SHA256SUMS says" in one]
    assert [one for one in found if told in one], found
    assert not [one for one in found if "SHA256SUMS says" in one]
    assert not [one for one in found if "SHA256SUMS does not" in one]
    assert [one for one in found if one.startswith("SHA256SUMS: ")]


@pytest.mark.parametrize(
    "name",
    ["{}/victim", "../victim", "call-versions/../../victim", "a\0b", "a\tb", ""],
)
def test_sums_that_lead_out_of_the_package_make_no_sense(package, tmp_path, name):
    (tmp_path / "victim").write_text("whole")
    whole = sha256(b"whole").hexdigest()
    with (package / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        sums.write(f"{whole}  {name.format(tmp_path)}\n")

    found = faults(package)

    assert [one for one in found if one.startswith(f"SHA256SUMS: a line of it {NO}")]


NO = "makes no sense: "


def test_sums_that_name_a_file_twice_or_one_that_cannot_be_are_a_fault(package):
    sums = package / "SHA256SUMS"
    last = sums.read_text(encoding="utf-8").splitlines()[-1]
    sums.write_text(
        sums.read_text(encoding="utf-8") + f"{last}\n{'0' * 64}  {'x' * 5_000}\n",
        encoding="utf-8",
    )

    found = faults(package)

    twice = last.partition("  ")[2]
    assert f"file {twice}: SHA256SUMS names it more than once" in found
    assert f"file {'x' * 80}...: it is not there, or cannot be read" in found


def linked(name: str) -> Callable[[Path], None]:
    """Put a link to what is just the same, elsewhere, in the place of something."""

    def how(folder: Path) -> None:
        elsewhere = folder.parent / "elsewhere"
        (folder / name).rename(elsewhere)
        (folder / name).symlink_to(elsewhere)

    return how


def endless(name: str) -> Callable[[Path], None]:
    """Put a link to what has no end in the place of something."""

    def to_zero(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")

    return to_zero


def piped(folder: Path) -> None:
    (folder / "state.json").unlink()
    os.mkfifo(folder / "state.json")


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (linked("entries.jsonl"), "entries.jsonl"),
        (linked("call-versions"), "call-versions"),
        (linked("SHA256SUMS"), "SHA256SUMS"),
        (lambda folder: (folder / "x").symlink_to("/dev/zero"), "x"),
        (endless("entries.jsonl"), "entries.jsonl"),
        (endless("anchors.jsonl"), "anchors.jsonl"),
        (piped, "state.json"),
    ],
)
def test_of_a_package_with_a_link_or_a_pipe_nothing_is_read(package, how, name):
    how(package)

    ended = run(package)

    told = "it is no file but a link, a pipe or the like: nothing was read"
    assert f"FAULT file {name}: {told}\n" in ended.stdout
    assert (ended.returncode, ended.stderr) == (verify.FAULTY, "")


def test_what_is_too_large_to_be_read_at_once_is_a_fault(package, monkeypatch):
    most = max(path.stat().st_size for path in package.glob("*.json*"))
    monkeypatch.setattr(verify, "LONGEST", most)
    for name in ("state.json", "call-versions/1.json", "SHA256SUMS.sig"):
        with (package / name).open("ab") as file:
            file.write(b" " * most)
    with (package / "entries.jsonl").open("ab") as file:
        file.write(b" " * (most + 1))

    found = faults(package)

    assert "file state.json: it cannot be read" in found
    assert "SHA256SUMS: it was signed, and the signature is not there" in found
    assert [one for one in found if one.endswith("of it has no end")]


def test_a_time_stamp_with_a_name_that_none_has_is_a_fault(package: Path):
    stamps = package / "anchors-stamps"
    stamps.mkdir()
    for name in ("x", "-1", "\u0661", "9" * 99, "1"):
        (stamps / f"{name}.tsr").write_bytes(b"0")

    found = [one for one in faults(package) if one.startswith("time stamp ")]

    assert found == ["time stamp -1: it cannot be read, or its anchor is not there"]


def test_openssl_verifies_the_signature_as_the_manual_of_the_package_says(
    package: Path,
):
    manual = (package / "README.txt").read_text(encoding="utf-8")
    commands = re.findall(
        r"^    (tail .*|openssl .* SHA256SUMS\.sig)$", manual, re.MULTILINE
    )

    ran = subprocess.run(
        ["sh", "-ec", "\n".join(commands)],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(commands) == 2
    assert ran.stdout == "Signature Verified Successfully\n", ran.stderr


def test_sums_that_were_signed_need_their_signature_and_others_say_so(
    package: Path, history: Office, tmp_path: Path
):
    (package / "SHA256SUMS.sig").unlink()
    signing.places(history.desk).key.unlink()

    made = taken(history, tmp_path)

    _, report = verify.verify(made.folder, key=None, own=None)
    assert faults(package) == [
        "SHA256SUMS: it was signed, and the signature is not there"
    ]
    assert not report.kinds
    assert [one for one in report.notes if one.startswith("SHA256SUMS is not signed")]


@pytest.mark.parametrize("name", sorted({*FILES} - {"SHA256SUMS", "SHA256SUMS.sig"}))
def test_each_file_that_is_changed_or_gone_is_named(package, name):
    with (package / name).open("ab") as file:
        file.write(b" ")
    changed = faults(package)
    (package / name).unlink()

    gone = faults(package)

    assert f"file {name}: it is not what SHA256SUMS says" in changed
    assert f"file {name}: it is not there, or cannot be read" in gone


ODD: tuple[Any, ...] = (None, [], {"a": []}, "x", -1, ["a"], 7)


@pytest.mark.parametrize(
    "name",
    [
        "entries.jsonl",
        "anchors.jsonl",
        "acts.jsonl",
        "office.jsonl",
        "officers.jsonl",
        "delegations.jsonl",
    ],
)
def test_whatever_stands_in_a_line_is_a_fault_and_no_crash(package, name):
    first, *rest = exports.read(package / name)
    inside = json.loads(first["body"]) if "body" in first else {}
    odd = itertools.cycle(ODD)

    for key in [*first, *inside] * 3:
        changed = {**first, key: next(odd)}
        if key in inside and key not in first:
            body = encode({**inside, key: next(odd)}).decode()
            changed = {**first, "body": body, "hash": sha256(body.encode()).hexdigest()}
        exports.write(package / name, [changed, *rest])

        found = faults(package)

        assert f"file {name}: it is not what SHA256SUMS says" in found
        same = changed.get("hash") == first.get("hash")
        assert len(found) > 1 or same, changed


def forged(package: Path, folder: Path) -> None:
    """Write everything anew: entries, anchors under another key, state, sums."""
    change(package / "entries.jsonl", lambda lines: reworded(lines[2], reason="no"))
    change(package / "entries.jsonl", chained)
    lines = exports.read(package / "entries.jsonl")
    said = json.loads(lines[-1]["body"])
    signer = keys.make(folder / "other" / "key.pem")
    said["findings"]["exported"] |= {"head": lines[-2]["hash"], "key": signer.public}
    reworded(lines[-1], findings=said["findings"])
    chained(lines, len(lines))
    exports.write(package / "entries.jsonl", lines)
    retabled(package)
    behead(package)
    heads = {one["seq"]: one["hash"] for one in lines}
    anchors: list[Any] = exports.read(package / "anchors.jsonl")
    previous = "0" * 64
    for one in anchors:
        body = json.loads(one["body"])
        for call in (one for one in body["calls"] if one["call"] == CTL):
            call["head"] = heads[call["entries"]]
        reworded(one, previous=previous, calls=body["calls"], key=signer.public)
        content = one["body"].encode()
        one["hash"] = previous = sha256(content).hexdigest()
        one |= {"key": signer.public, "signature": signer.sign(content)}
    exports.write(package / "anchors.jsonl", anchors)
    summed(package, signer)


def retabled(folder: Path) -> None:
    """Write the table of the entries again."""
    with (folder / "entries.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow(export_lines.COLUMNS)
        for one in exports.read(folder / "entries.jsonl"):
            body = export_lines.said(one["body"])
            table.writerow(export_lines.cells(one["seq"], one["hash"], body))


def test_what_was_written_anew_is_found_by_the_key_or_by_anchors_of_ones_own(
    package: Path, tmp_path: Path
):
    key, mine = key_of(package), tmp_path / "mine.jsonl"
    mine.write_bytes((package / "anchors.jsonl").read_bytes())
    assert faults(package, key=key.upper(), own=mine) == []

    forged(package, tmp_path)

    assert faults(package) == []  # nothing in it could tell
    assert faults(package, key=key) == [
        "anchors: the key that you trust has signed none of them"
    ]
    assert faults(package, own=mine) == [
        "anchor 1 of your own: the package has another one in its place",
        "anchor 1 of your own: entry 4 is told in two ways",
    ]


def test_a_package_that_is_dated_back_does_not_escape_ones_own_anchors(
    package: Path, tmp_path: Path
):
    mine, lines = tmp_path / "mine.jsonl", exports.read(package / "entries.jsonl")
    mine.write_bytes((package / "anchors.jsonl").read_bytes())
    for number, one in enumerate(lines):
        reworded(one, at=f"2026-01-10T00:00:{number:02}.000000Z")
    chained(lines)
    exports.write(package / "entries.jsonl", lines)
    exports.write(package / "anchors.jsonl", [])
    behead(package)

    found = faults(package, own=mine)
    exports.write(package / "entries.jsonl", lines[:2])
    of_text(
        "state.json",
        '"exported_by":',
        '"not_entered":"2026-01-10T00:01:00.000000Z","exported_by":null,"x":',
    )(package)
    shorter = faults(package, own=mine)

    told = f"it is later than the package, and saw 4 entries of {len(lines)}"
    assert "anchor 1 of your own: entry 4 is not the one it saw" in found
    assert f"anchor 1 of your own: {told}" in found
    assert (
        "anchors of your own: none of them says anything of this package: they prove "
        "nothing" in shorter
    )


def test_a_file_without_an_anchor_proves_nothing(package: Path, tmp_path: Path):
    (tmp_path / "mine.jsonl").write_bytes(b"")

    (found,) = faults(package, own=tmp_path / "mine.jsonl")

    assert found.startswith("anchors of your own: none of them says anything")


def test_anchors_of_ones_own_may_be_some_of_them_and_later(
    history: Office, tmp_path: Path
):
    made = taken(history, tmp_path)
    history.wait(days=1)
    anchoring.seal(history.desk)
    mine = tmp_path / "mine.jsonl"
    lines = exports.read(signing.places(history.desk).lines)

    exports.write(mine, lines[1:])
    _, report = verify.verify(made.folder, key=None, own=mine)

    assert not report.kinds
    assert [told for told in report.notes if "1 of your own anchors are later" in told]


def test_an_anchor_that_the_package_lacks_is_found(
    package: Path, on_sqlite: Path, tmp_path: Path
):
    mine = tmp_path / "mine.jsonl"
    mine.write_bytes((package / "anchors.jsonl").read_bytes())
    change(package / "anchors.jsonl", lambda lines: lines.pop())
    summed(package, keys.find(outside(on_sqlite).key))

    assert faults(package) == []
    assert faults(package, own=mine) == ["anchor 3 of your own: the package lacks it"]


def test_an_anchor_of_ones_own_that_does_not_hold_proves_nothing(package, tmp_path):
    mine = tmp_path / "mine.jsonl"
    lines = exports.read(package / "anchors.jsonl")
    lines[1]["signature"] = lines[0]["signature"]
    exports.write(mine, lines)

    assert faults(package, own=mine) == [
        "anchor 2 of your own: it does not hold by itself"
    ]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((".",), 0, "everything holds\n"),
        ((".", "--key", "2" * 64), 5, "it does NOT hold\n"),
        ((".", "--key", "x"), 2, ""),
        ((".", "--anchors", "nowhere"), 2, ""),
        (("nowhere",), 2, ""),
        (("--unknown",), 2, ""),
    ],
)
def test_the_verifier_says_by_its_exit_code_what_it_found(package, words, code, told):
    ended = run(package, *words)

    assert ended.returncode == code, ended.stderr
    assert ended.stdout.endswith(told)
    assert "Traceback" not in ended.stderr


def test_the_verifier_runs_nothing_that_lies_beside_it(package: Path):
    for name in ("json", "hashlib", "argparse", "re", "typing"):
        (package / f"{name}.py").write_text("raise SystemExit(77)")

    ended = subprocess.run(
        [sys.executable, package / "verify.py", package], check=False
    )

    assert ended.returncode in {verify.HOLDS, verify.FAULTY}


# --- what the documentation says ----------------------------------------------

MANUAL = (Path(__file__).parents[2] / "docs" / "register.md").read_text()


def test_the_example_of_the_manual_has_the_hash_that_stands_beneath_it():
    (body,) = re.findall(r'^    (\{"act":null,.*\})$', MANUAL, re.MULTILINE)
    (hashed,) = re.findall(r"^Its SHA-256 is `([0-9a-f]{64})`", MANUAL, re.MULTILINE)

    said = verify.canonical(body)

    assert sha256(body.encode()).hexdigest() == hashed
    assert (said["seq"], said["previous"]) == (1, "0" * 64)
    assert [key for key in said if f"`{key}`" not in MANUAL] == []


def test_the_verifier_of_the_manual_finds_the_head(package: Path):
    _, _, rest = MANUAL.partition("This is enough to check a chain:\n\n")
    lines = rest[: rest.index("\nThen add up")].splitlines()
    script = "\n".join(one[4:] for one in lines)
    head = exports.read(package / "entries.jsonl")[-1]["hash"]

    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    change(package / "entries.jsonl", lambda found: reworded(found[2], reason="x"))
    changed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.rstrip().endswith(head), ran.stderr
    assert changed.stderr.endswith("AssertionError: 3\n")
