"""Is every way of changing the register found, and nothing else taken for one?"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from cli import main
from models.vocabulary import Event, Role
from tests.builders import CTL, Office, office, submission, usual
from tests.contents import rows
from tests.integration.test_anchors import CUT, foreign
from tests.integration.test_verification import by_hand, on_postgresql
from tests.processes import Place, start
from tests.servers import fresh_postgres, postgres_program
from workflow import register
from workflow.desk import AnchorFiles
from workflow.errors import InputError, RefusedError
from workflow.register import GENESIS
from workflow.services import anchoring, keys, log, officers, rosters, sweep

TABLES = (
    "entries",
    "movements",
    "calls",
    "applications",
    "acts",
    "officers",
    "notices",
    "applicants",
    "anchors",
)
LAST = "(SELECT max(seq) FROM entries)"
FILES = "UPDATE applications SET"
OF_FIRST = "WHERE protocol_number = 1"


@pytest.fixture
def sealed(work: Office, tmp_path: Path) -> Office:
    """Give an office that has worked for two days and sealed both."""
    files = AnchorFiles(tmp_path / "keys" / "register.pem", tmp_path / "anchors.jsonl")
    keys.make(files.key)
    opened = Office(replace(work.desk, anchor_files=files), work.clock)
    sweep.sweep(opened.desk)
    first = opened.file(0)
    anchoring.seal(opened.desk)
    opened.wait(days=1)
    opened.file(1)
    opened.routine(first, Event.START_REVIEW, Event.ADMIT, Event.EVALUATE, Event.GRANT)
    opened.sit("director").move(
        "2026/0000002", Event.ANNUL, act="decreto 7/2026-01-21", reason="judgment"
    )
    anchoring.seal(opened.desk)
    assert told(opened) == []
    return opened


def told(work: Office) -> list[str]:
    """Return everything that the verification finds wrong."""
    found = log.examine(work.desk)
    faults = [one.fault for call in found.calls for one in call.faults]
    faults += [one.fault for one in found.anchors.faults]
    assert found.ok is (not faults)
    return faults


def exit_code(work: Office, tmp_path: Path) -> int:
    """Return how the command ends."""
    url = work.desk.engine.url.render_as_string(hide_password=False)
    environment = {
        "SPORTELLO_HOME": str(tmp_path),
        "SPORTELLO_DATABASE_URL": url,
        "SPORTELLO_CLOCK": work.clock.now().isoformat(),
    }
    ended = CliRunner(env=environment).invoke(main, ["log", "verify"])
    assert isinstance(ended.exception, SystemExit | None), ended.exception
    return ended.exit_code


# --- what is changed ----------------------------------------------------------


def forge(
    work: Office, change: Callable[[dict[str, Any]], None], *, first: str
) -> list[str]:
    """Change an entry and chain all after it again, with the head of the call."""
    (start_at,) = rows(work.desk.engine, f"SELECT {first}")[0]
    statements, head = [], GENESIS
    for seq, body, found in rows(
        work.desk.engine, "SELECT seq, body, hash FROM entries ORDER BY seq"
    ):
        if seq < start_at:
            head = found
            continue
        said = {**orjson.loads(body), "previous": head}
        if seq == start_at:
            change(said)
        made = register.seal(said)
        text, head = made.body.decode().replace("'", "''"), made.hash
        text = text.replace("%", "%%") if on_postgresql(work) else text
        statements.append(
            f"UPDATE entries SET body = '{text}', hash = '{head}', "  # noqa: S608 - ours
            f"event = '{said['event']}' WHERE seq = {seq}"
        )
    return [*statements, f"UPDATE calls SET head_hash = '{head}'"]  # noqa: S608 - ours


def saying(**said: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.update(said)


def by(**said: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["actor"].update(said)


STRANGER = "00000000-0000-7000-8000-000000000000"
BY_SQL: dict[str, tuple[list[str], str]] = {
    "one field of an old entry": (
        ["UPDATE entries SET body = replace(body, 'portal', 'papers') WHERE seq = 3"],
        "its content does not match its hash",
    ),
    "a middle entry deleted": (
        ["DELETE FROM entries WHERE seq = 4"],
        "entry 4 is missing",
    ),
    "the last ones deleted": (
        ["DELETE FROM entries WHERE seq > 6"],
        "9 entries were written, 6 are there",
    ),
    "the last ones deleted, and the count with them": (
        [
            "DELETE FROM entries WHERE seq > 6",
            CUT.format(6),
        ],
        f"{CTL}: it saw entry 9, the chain ends with 6",
    ),
    "all deleted": (
        ["DELETE FROM entries"],
        "9 entries were written, 0 are there",
    ),
    "one inserted": (
        [
            """
            INSERT INTO entries SELECT call_id, seq + 7, substr(hash, 2) || 'x', at,
                application_id, event, outcome, actor_id, body
            FROM entries WHERE seq = 3
            """
        ],
        "9 entries were written, 10 are there",
    ),
    "two swapped": (
        [
            "UPDATE entries SET seq = 99 WHERE seq = 4",
            "UPDATE entries SET seq = 4 WHERE seq = 5",
            "UPDATE entries SET seq = 5 WHERE seq = 99",
        ],
        "it belongs to another call or place",
    ),
    "only the state": (
        [f"{FILES} state = 'completed' {OF_FIRST}"],
        "has state completed, the register says negotiating",
    ),
    "only the money of a file": (
        [f"{FILES} granted = granted - 1 {OF_FIRST}"],
        "has granted 111111.10, the register says 111111.11",
    ),
    "only the money of the call": (
        ["UPDATE calls SET granted = granted - 1"],
        "its entries add up to",
    ),
    "a move without an entry": (
        [f"{FILES} state = 'accepted', version = version + 1 {OF_FIRST}"],
        "has state accepted, the register says negotiating",
    ),
    "an act deleted": (
        ["DELETE FROM acts WHERE number = '7'"],
        "it stands on the act decreto 7/2026-01-21, which does not exist",
    ),
    "an act renumbered": (
        ["UPDATE acts SET number = '8' WHERE number = '7'"],
        "it stands on the act decreto 7/2026-01-21, which does not exist",
    ),
    "an act said to be of somebody else": (
        [
            """
            UPDATE acts SET signed_by =
                (SELECT id FROM officers WHERE login = 'clerk') WHERE number = '7'
            """
        ],
        "the act decreto 7/2026-01-21 was brought by another officer",
    ),
    "an officer deleted": (
        ["DELETE FROM officers WHERE login = 'director'"],
        "who does not exist",
    ),
    "a letter emptied": (
        ["UPDATE notices SET subject = NULL, body = NULL WHERE letter = 'grant'"],
        "grant has lost its text, and no entry erased it",
    ),
    "an applicant emptied": (
        ["UPDATE applicants SET name = '', tax_code = NULL, erased_at = 1"],
        "its applicant is gone, and no entry erased it",
    ),
    "an anchor removed": (
        ["DELETE FROM anchors WHERE number = 1"],
        "anchor 1 is missing",
    ),
    "anchors reordered": (
        [
            "UPDATE anchors SET number = 9 WHERE number = 1",
            "UPDATE anchors SET number = 1 WHERE number = 2",
            "UPDATE anchors SET number = 2 WHERE number = 9",
        ],
        "it does not follow the anchor before it",
    ),
}
REWRITTEN: dict[str, tuple[str, Callable[[dict[str, Any]], None], str]] = {
    "everything chained again from the first": (
        "1",
        saying(reason="another one"),
        f"{CTL}: entry 3 is not the one it saw",
    ),
    "an event that does not lead there": (
        LAST,
        saying(event="withdraw"),
        "`withdraw` does not lead from `submitted` to `annulled` in version 0.4",
    ),
    "an event that nobody knows": (
        LAST,
        saying(event="bless"),
        "`bless` is no event of version 0.4",
    ),
    "an event that an older version had not": (
        "2",
        saying(software="0.1.0"),
        "`open_call` is no event of version 0.1",
    ),
    "a version that nobody knows": (
        LAST,
        saying(software="7.0.0"),
        "it was written by version 7.0.0, whose moves are not known here",
    ),
    "another role": (
        LAST,
        by(role="auditor"),
        "`annul` is not made in the role `auditor`",
    ),
    "an officer that nobody knows": (
        LAST,
        by(id=STRANGER),
        f"it names the officer {STRANGER}, who does not exist",
    ),
    "a person without a reference": (
        LAST,
        by(id=None),
        "a person made it, and it does not say which",
    ),
    "a worker that is somebody": (
        LAST,
        by(kind="worker"),
        "worker made it, and it names an officer",
    ),
    "an act that nobody kept": (
        LAST,
        saying(act={"kind": "decreto", "number": "9", "signed_on": "2026-01-21"}),
        "it stands on the act decreto 9/2026-01-21, which does not exist",
    ),
    "an instant before the one before": (
        LAST,
        saying(at="2026-01-20T00:00:00.000000Z"),
        "it is dated before the entry before it",
    ),
}


def by_others(
    work: Office,
) -> dict[str, tuple[str, Callable[[dict[str, Any]], None], str]]:
    """Say of the last entry that officers made it who could not."""
    known = {one.login: str(one.id) for one in rosters.listed(work.desk)}
    examiner, director = known["examiner"], known["director"]
    fault = f"the role `manager` was not held by the officer {examiner} then"
    return {
        "an officer who did not hold the role": (LAST, by(id=examiner), fault),
        "on behalf of who delegated nothing": (
            LAST,
            by(id=examiner, on_behalf_of=director),
            f"{fault} on behalf of {director}",
        ),
    }


@contextmanager
def put_back(work: Office) -> Iterator[None]:
    """Keep what the tables hold, and put it there again."""
    for name in TABLES:
        by_hand(work, f"CREATE TABLE kept_{name} AS SELECT * FROM {name}")  # noqa: S608 - ours
    yield
    for name in TABLES:
        by_hand(
            work,
            f"DELETE FROM {name}",  # noqa: S608 - ours
            f"INSERT INTO {name} SELECT * FROM kept_{name}",  # noqa: S608 - ours
            f"DROP TABLE kept_{name}",
        )


def test_every_change_is_found_and_ends_with_5(sealed: Office, tmp_path: Path):
    matrix = {
        **BY_SQL,
        **{
            name: (forge(sealed, change, first=first), fault)
            for name, (first, change, fault) in {
                **REWRITTEN,
                **by_others(sealed),
            }.items()
        },
    }

    missed = {}
    for name, (statements, fault) in matrix.items():
        with put_back(sealed):
            by_hand(sealed, *statements)
            found, code = told(sealed), exit_code(sealed, tmp_path)
        if code != 5 or not any(one.startswith(fault) or fault in one for one in found):
            missed[name] = code, found

    assert missed == {}
    assert (told(sealed), exit_code(sealed, tmp_path)) == ([], 0)


def test_a_forged_anchor_is_found_and_ends_with_5(sealed: Office, tmp_path: Path):
    with put_back(sealed):
        by_hand(sealed, "DELETE FROM anchors WHERE number = 2")
        desk = foreign(sealed, tmp_path).as_officer("bianchi")
        anchoring.rotate(desk, because="lost", lost=True)
        found, code = told(sealed), exit_code(sealed, tmp_path)

    assert "the key changed, and the one before does not endorse it" in found
    assert "the file holds another anchor in its place" in found
    assert code == 5
    assert told(sealed) == []


# --- what is no change --------------------------------------------------------

REASONS = (
    "qualita\u0300 e\u0301",  # combining
    "\U0001f3db\ufe0f \U00020000",  # astral
    "una\u00a0riga\u2003nuova",
    "\u05d2\u05d9\u05e8\u05d5 \u200d\ufeff\u200b",  # written from the right
    "\uffff \ufdd0 \U0010ffff",
    "\"\\/ <>&'%",
)


@contextmanager
def restored(work: Office, admin_url: str, tmp_path: Path) -> Iterator[str]:
    """Dump the database as its own tools do, and load it into another."""
    url = work.desk.engine.url
    if not on_postgresql(work):
        file = tmp_path / "restored.db"
        with (
            closing(sqlite3.connect(str(url.database))) as one,
            closing(sqlite3.connect(file)) as other,
        ):
            other.executescript("\n".join(one.iterdump()))
        yield f"sqlite:///{file}"
        return
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    dump = subprocess.run(
        [postgres_program("pg_dump"), "--no-owner", plain],
        capture_output=True,
        check=True,
    )
    with fresh_postgres(admin_url) as empty:
        target = make_url(empty).set(drivername="postgresql")
        subprocess.run(
            [
                *(postgres_program("psql"), "-q", "-v", "ON_ERROR_STOP=1"),
                target.render_as_string(hide_password=False),
            ],
            input=dump.stdout,
            capture_output=True,
            check=True,
        )
        yield empty


def test_what_is_no_change_raises_no_alarm(
    sealed: Office, request: pytest.FixtureRequest, tmp_path: Path
):
    protocol = sealed.file(2)
    for reason in REASONS:
        with pytest.raises(RefusedError):  # it lacks its act; the entry stays
            sealed.move(protocol, Event.ANNUL, reason=reason)
    sealed.move(protocol, Event.ANNUL, act="decreto 8/2026-01-21", reason=REASONS[1])
    with pytest.raises(InputError):
        sealed.move(protocol, Event.ANNUL, reason="\ud800")
    desk = sealed.desk.as_officer("bianchi")
    officers.add(desk, "rossi", "Another Name", (Role.INTAKE,))
    by_hand(sealed, "UPDATE officers SET name = 'Ünüsual' WHERE login = 'board'")
    anchoring.seal(sealed.desk)
    admin = request.getfixturevalue("postgres_server") if on_postgresql(sealed) else ""

    said = {entry["reason"] for entry in log.entries(sealed.desk, log.Wanted())}
    with (
        restored(sealed, admin, tmp_path) as url,
        office(url, at=sealed.clock.now()) as copy,
    ):
        found = told(
            Office(
                replace(copy.desk, anchor_files=sealed.desk.anchor_files), copy.clock
            )
        )

    assert set(REASONS) <= said
    assert found == told(sealed) == []


@pytest.mark.parametrize(
    ("zone", "locale"), [("Pacific/Auckland", "tr_TR.UTF-8"), ("America/Lima", "C")]
)
def test_another_time_zone_and_locale_verify_the_same(
    sealed: Office, tmp_path: Path, zone, locale
):
    url = sealed.desk.engine.url.render_as_string(hide_password=False)

    ended = subprocess.run(
        [Path(sys.executable).with_name("sportello"), "log", "verify"],
        env={
            **{name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")},
            "TZ": zone,
            "LC_ALL": locale,
            "SPORTELLO_HOME": str(tmp_path),
            "SPORTELLO_DATABASE_URL": url,
            "SPORTELLO_CLOCK": sealed.clock.now().isoformat(),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "9 entries" in ended.stdout


# --- while others write -------------------------------------------------------


def writing(place: Place, files: AnchorFiles, until: Path) -> None:
    """Work without a pause until somebody says that it is enough."""
    with place.desk() as desk:
        clock: Any = desk.ambient
        work = Office(replace(desk, anchor_files=files), clock)
        number = 0
        while not until.exists():
            protocol = work.file(
                0,
                portal_id=f"BUSY-{number}",
                applicant=submission(number % 7 + 2)["applicant"],
            )
            work.move(protocol, Event.START_REVIEW)
            work.move(protocol, Event.ANNUL, **usual(Event.ANNUL, work.today))
            if number % 3 == 0:
                anchoring.seal(work.desk)
            number += 1


def test_whoever_writes_meanwhile_raises_no_alarm(
    sealed: Office, office_url: str, tmp_path: Path
):
    files, enough = sealed.desk.anchor_files, tmp_path / "enough"
    writer = start(writing, Place.at(office_url, sealed.clock.now()), files, enough)

    counted: list[tuple[int, int]] = []
    found: list[str] = []
    try:
        while len(set(counted)) < 12 and writer.is_alive():
            examined = log.examine(sealed.desk)
            counted.append((examined.calls[0].entries, examined.anchors.count))
            found += [one.fault for one in examined.calls[0].faults]
            found += [one.fault for one in examined.anchors.faults]
    finally:
        enough.touch()
        writer.join()

    assert (writer.exitcode, found) == (0, [])
    assert len(set(counted)) >= 12
    assert told(sealed) == []
