"""Is the register sealed, and is it found when what was sealed is changed?"""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from models.session import open_engine, reading
from models.vocabulary import Event, Role
from tests.builders import CTL, Office, rome
from tests.contents import rows
from tests.integration.test_verification import by_hand
from tests.processes import Ended, Place, attempt, start, together
from workflow.anchors import signatures
from workflow.anchors.gaps import Span
from workflow.anchors.manifests import Signed, line
from workflow.anchors.series import Series
from workflow.desk import SOFTWARE, AnchorFiles, Desk
from workflow.errors import (
    InputError,
    RefusedError,
    TamperedError,
    UnavailableError,
)
from workflow.services import (
    anchor_checks,
    anchor_lines,
    anchoring,
    delegations,
    keys,
    log,
    office,
    signing,
)
from workflow.services.anchor_copies import Trusted
from workflow.services.anchor_rows import stored
from workflow.services.delegations import Wanted
from workflow.staff import OFFICE


@pytest.fixture
def files(tmp_path: Path) -> AnchorFiles:
    """Give a place with a key, and for the file of the anchors."""
    places = AnchorFiles(tmp_path / "keys" / "register.pem", tmp_path / "anchors.jsonl")
    keys.make(places.key)
    return places


@pytest.fixture
def sealing(work: Office, files: AnchorFiles) -> Office:
    """Give an office that seals, with one file."""
    opened = Office(replace(work.desk, anchor_files=files), work.clock)
    opened.file(0)
    return opened


@pytest.fixture
def sealed(sealing: Office) -> Office:
    """Give an office with three days of work, each of them sealed."""
    for number in (1, 2, 3):
        sealing.file(number)
        anchoring.seal(sealing.desk)
        sealing.wait(days=1)
    sealing.file(4)
    assert faults(sealing) == []
    return sealing


def faults(work: Office, call: str | None = None) -> list[str]:
    """Return what the verification finds wrong with the anchors."""
    anchored = log.examine(work.desk, call).anchors
    assert anchored.ok is (not anchored.faults)
    return [f"{one.number}: {one.fault}" for one in anchored.faults]


def anchors(work: Office) -> list[Signed]:
    with reading(work.desk.engine) as session:
        return list(stored(session))


def lines(work: Office) -> list[bytes]:
    return signing.places(work.desk).lines.read_bytes().splitlines(keepends=True)


def foreign(work: Office, tmp_path: Path) -> Desk:
    """Return the desk of somebody with a key and a file of their own."""
    places = AnchorFiles(tmp_path / "foreign" / "key.pem", tmp_path / "foreign.jsonl")
    keys.make(places.key)
    return replace(work.desk, anchor_files=places)


# --- making them --------------------------------------------------------------


def test_an_anchor_says_where_every_chain_stands_in_two_places(sealed: Office):
    ((seq, head),) = rows(sealed.desk.engine, "SELECT head_seq, head_hash FROM calls")

    made = anchoring.seal(sealed.desk)

    manifest = orjson.loads(made.body)
    with reading(sealed.desk.engine) as session:
        officers, chain = office.head(session) or (0, "")
    assert manifest["calls"] == [
        {"call": CTL, "entries": seq, "head": head},
        {"call": OFFICE, "entries": officers, "head": chain},
    ]
    assert (manifest["number"], manifest["simulated"]) == (4, True)
    assert [line(one) for one in anchors(sealed)] == lines(sealed)
    assert anchors(sealed)[-1] == made
    assert faults(sealed) == faults(sealed, CTL) == []
    found = log.examine(sealed.desk).anchors
    assert (found.count, found.last, found.gaps) == (4, made, ())


def test_nothing_personal_is_in_the_file(sealed: Office):
    content = b"".join(lines(sealed)).decode()

    for name, code in rows(sealed.desk.engine, "SELECT name, tax_code FROM applicants"):
        assert name not in content
        assert code not in content
    assert "rossi" not in content


def test_the_file_can_be_read_by_a_group_and_the_key_by_nobody(
    sealed: Office, files: AnchorFiles
):
    modes = [
        path.stat().st_mode & 0o777
        for path in (files.lines, files.key, files.key.parent)
    ]

    assert modes == [0o640, 0o600, 0o700]


def test_the_register_goes_on_and_raises_no_false_alarm(sealed: Office):
    sealed.routine("2026/0000001", Event.START_REVIEW)

    assert faults(sealed) == faults(sealed, CTL) == []
    assert sealed.verified()


def test_a_clock_that_goes_back_dates_no_anchor_before_the_last(sealed: Office):
    sealed.wait(days=-9)

    made = anchoring.seal(sealed.desk)

    ((last,),) = rows(sealed.desk.engine, "SELECT max(at) FROM entries")
    assert rows(sealed.desk.engine, "SELECT at FROM anchors WHERE number = 4") == [
        (last,)
    ]
    assert made.at > anchors(sealed)[2].at
    assert faults(sealed) == []


def test_a_register_without_anchors_verifies(work: Office, files: AnchorFiles):
    desk = replace(work.desk, anchor_files=files)

    found = log.examine(desk)

    assert found.ok
    assert (found.anchors.count, found.anchors.last) == (0, None)


# --- the matrix: what is changed, and what finds it ---------------------------


CUT = (
    "UPDATE calls SET head_seq = {0}, "
    "head_hash = (SELECT hash FROM entries WHERE seq = {0})"
)
MORE = "0: the file holds {0} anchor(s) more than the database"
OTHER = "{0}: the file holds another anchor in its place"

MATRIX: dict[str, tuple[list[str], list[str]]] = {
    "one removed": (
        ["DELETE FROM anchors WHERE number = 2"],
        ["3: anchor 2 is missing", OTHER.format(3)],
    ),
    "the last removed": (
        ["DELETE FROM anchors WHERE number = 3"],
        [MORE.format(1)],
    ),
    "all removed": (["DELETE FROM anchors"], [MORE.format(3)]),
    "reordered": (
        [
            "UPDATE anchors SET number = 9 WHERE number = 2",
            "UPDATE anchors SET number = 2 WHERE number = 3",
            "UPDATE anchors SET number = 3 WHERE number = 9",
        ],
        ["2: it does not follow the anchor before it", OTHER.format(2)],
    ),
    "content changed": (
        ["UPDATE anchors SET body = replace(body, '0.', '7.') WHERE number = 1"],
        [
            "1: its content does not match its hash",
            "1: its signature does not hold",
            OTHER.format(1),
        ],
    ),
    "instant changed": (
        ["UPDATE anchors SET at = at + 1 WHERE number = 1"],
        ["1: the columns beside it say something else"],
    ),
    "made unreadable": (
        ["UPDATE anchors SET body = 'x', at = -1 WHERE number = 1"],
        ["1: it cannot be read, or is not in canonical form", OTHER.format(1)],
    ),
    "tail of the chain cut": (
        ["DELETE FROM entries WHERE seq > 3", CUT.format(3)],
        [f"1: {CTL}: it saw entry 4, the chain ends with 3"],
    ),
    "entry deleted": (
        ["DELETE FROM entries WHERE seq = 4"],
        [f"1: {CTL}: it saw entry 4, it is gone"],
    ),
    "chain written again": (
        ["UPDATE entries SET hash = substr(hash, 2) || 'x' WHERE seq > 3"],
        [f"1: {CTL}: entry 4 is not the one it saw"],
    ),
    "call renamed": (
        ["UPDATE calls SET code = 'RLF12025059999'"],
        [f"1: {CTL}: it saw entry 4, the chain ends with 0"],
    ),
}
TABLES = ("anchors", "entries", "calls")


def test_whatever_is_changed_behind_the_triggers_is_found(sealed: Office):
    for table in TABLES:
        by_hand(sealed, f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608 - ours

    missed = {}
    for name, (statements, found) in MATRIX.items():
        by_hand(sealed, *statements)
        told = faults(sealed)
        if not set(found) <= set(told):
            missed[name] = told
        for table in TABLES:
            by_hand(
                sealed,
                f"DELETE FROM {table}",  # noqa: S608 - ours
                f"INSERT INTO {table} SELECT * FROM kept_{table}",  # noqa: S608 - ours
            )

    assert missed == {}
    assert faults(sealed) == []


def test_an_anchor_signed_again_with_another_key_is_found(
    sealed: Office, tmp_path: Path
):
    ours = lines(sealed)
    by_hand(sealed, "DELETE FROM anchors WHERE number = 3")
    desk = foreign(sealed, tmp_path)
    with pytest.raises(RefusedError) as refused:
        anchoring.seal(desk)
    anchoring.rotate(desk.as_officer("bianchi"), because="lost", lost=True)

    told = faults(sealed)

    assert refused.value.code == "key.other"
    assert "3: the key changed, and the one before does not endorse it" in told
    assert "3: the file holds another anchor in its place" in told
    assert lines(sealed) == ours


def test_all_of_them_signed_again_with_another_key_are_found(
    sealed: Office, tmp_path: Path
):
    by_hand(sealed, "DELETE FROM anchors")
    anchoring.seal(foreign(sealed, tmp_path))

    assert faults(sealed) == [
        "1: the file holds another anchor in its place",
        "1: the key that is kept here has signed none of the anchors",
    ]


def test_a_file_that_was_changed_is_found_and_never_written_over(sealed: Office):
    path = signing.places(sealed.desk).lines
    whole = b"".join(lines(sealed))
    changed = whole.replace(SOFTWARE.encode(), b"9.9.9", 1)
    path.write_bytes(changed)

    with pytest.raises(TamperedError) as error:
        anchoring.seal(sealed.desk)

    assert (error.value.code, error.value.details) == ("anchors.differ", {"number": 1})
    assert faults(sealed) == ["1: the file holds another anchor in its place"]
    assert path.read_bytes() == changed
    assert len(anchors(sealed)) == 3


def test_a_file_that_was_cut_or_deleted_is_found_and_written_again(sealed: Office):
    path, whole = signing.places(sealed.desk).lines, lines(sealed)

    told = {}
    for kept in (2, 1, 0, None):
        if kept is None:
            path.unlink()
        else:
            path.write_bytes(b"".join(whole[:kept]))
        (told[kept],) = faults(sealed)
        with pytest.raises(UnavailableError, match="lacks what the database has"):
            anchor_checks.standing(sealed.desk)
        anchoring.seal_day(sealed.desk)
        path.write_bytes(b"".join(lines(sealed)[:3]))
        by_hand(sealed, "DELETE FROM anchors WHERE number > 3")

    lacks = {kept: fault.partition("number ")[2] for kept, fault in told.items()}
    assert {kept: fault.partition(";")[0] for kept, fault in lacks.items()} == {
        2: "3",
        1: "from 2 to 3",
        0: "from 1 to 3",
        None: "from 1 to 3",
    }
    assert lines(sealed) == whole
    assert faults(sealed) == []


def test_a_line_that_a_crash_cut_short_is_completed(sealed: Office):
    path, whole = signing.places(sealed.desk).lines, b"".join(lines(sealed))
    path.write_bytes(whole[:-100])

    anchoring.seal(sealed.desk)

    assert path.read_bytes().startswith(whole)
    assert faults(sealed) == []


def test_an_older_backup_that_was_restored_is_found(sealed: Office):
    # What a backup of two days ago did not hold yet.
    by_hand(
        sealed,
        "DELETE FROM anchors WHERE number > 1",
        "DELETE FROM entries WHERE seq > 4",
        CUT.format(4),
    )
    before = lines(sealed)

    with pytest.raises(TamperedError) as error:
        anchoring.seal_day(sealed.desk)
    with pytest.raises(TamperedError):
        anchor_checks.standing(sealed.desk)

    assert error.value.code == "anchors.file_ahead"
    assert faults(sealed) == ["0: the file holds 2 anchor(s) more than the database"]
    assert (lines(sealed), len(anchors(sealed))) == (before, 1)


def test_a_line_of_the_file_that_is_no_anchor_is_named(sealed: Office):
    files = sealed.desk.anchor_files
    assert files is not None
    before = files.lines.read_bytes()
    files.lines.write_bytes(before + b"garbage\n")
    sealed.wait(days=1)

    with pytest.raises(TamperedError) as error:
        anchoring.seal_day(sealed.desk)

    number = before.count(b"\n") + 1
    assert error.value.code == "anchors.line_unreadable"
    assert f"line {number} cannot be read" in error.value.message
    assert "backup" not in error.value.message
    assert faults(sealed) == [f"0: line {number} of the file cannot be read"]
    assert files.lines.read_bytes() == before + b"garbage\n"


def test_after_a_restore_the_file_put_aside_lets_one_go_on(sealed: Office):
    by_hand(sealed, "DELETE FROM anchors WHERE number > 1")
    path = signing.places(sealed.desk).lines
    path.rename(path.with_name("before.jsonl"))

    anchoring.seal(sealed.desk)

    assert len(lines(sealed)) == 2
    assert faults(sealed) == ["2: no anchor from 2026-01-21 to 2026-01-22"]


# --- many at once, and killed in between --------------------------------------


def sealing_at_once(
    barrier: Any, place: Place, files: AnchorFiles, times: int
) -> list[Ended]:
    with place.desk() as opened:
        desk = replace(opened, anchor_files=files)
        barrier.wait()
        return [attempt(lambda: anchoring.seal(desk).number) for _ in range(times)]


def dying_before_the_file(place: Place, files: AnchorFiles) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with place.desk() as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr(anchor_lines, "append", die)
        anchoring.seal(replace(opened, anchor_files=files))


def test_four_that_seal_at_once_make_one_series(
    sealing: Office, office_url: str, files: AnchorFiles
):
    place = Place.at(office_url, sealing.clock.now())

    ended = together(sealing_at_once, [(place, files, 3)] * 4)

    numbers = sorted(one.value for all_ in ended for one in all_)
    assert numbers == list(range(1, 13))
    assert [line(one) for one in anchors(sealing)] == lines(sealing)
    assert faults(sealing) == []


def test_one_that_is_killed_before_it_writes_the_file_is_made_up_for(
    sealing: Office, office_url: str, files: AnchorFiles
):
    place = Place.at(office_url, sealing.clock.now())
    anchoring.seal(sealing.desk)
    process = start(dying_before_the_file, place, files)
    process.join()
    after_the_kill = len(anchors(sealing)), len(lines(sealing))

    anchoring.seal(sealing.desk)

    assert process.exitcode == -signal.SIGKILL
    assert after_the_kill == (2, 1)
    assert [line(one) for one in anchors(sealing)] == lines(sealing)
    assert len(lines(sealing)) == 3
    assert faults(sealing) == []


def test_whoever_verifies_waits_for_who_is_sealing_and_no_longer(
    sealed: Office, files: AnchorFiles
):
    impatient = replace(sealed.desk, patience=0)

    with anchor_lines.writing(files.lines, patience=0):
        with pytest.raises(UnavailableError) as error:
            log.examine(impatient)
        with pytest.raises(UnavailableError):
            anchoring.seal(impatient)

    assert error.value.code == "anchors.busy"
    assert len(anchors(sealed)) == 3


# --- the key ------------------------------------------------------------------


def test_a_key_is_made_once(files: AnchorFiles):
    before = files.key.read_bytes()

    keys.make(files.key)

    assert files.key.read_bytes() == before
    assert [path.name for path in files.key.parent.iterdir()] == ["register.pem"]


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_whatever_the_umask_a_key_is_private(tmp_path: Path, umask):
    path = tmp_path / "home" / "keys" / "register.pem"
    path.parent.parent.mkdir()
    before = os.umask(umask)
    try:
        keys.make(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("loose", ["register.pem", "."])
def test_a_key_that_others_can_read_is_refused(files: AnchorFiles, loose):
    (files.key.parent / loose).chmod(0o750)

    with pytest.raises(RefusedError, match=r"mode 750\), who could sign") as error:
        signing.signer_after(files, None)

    assert error.value.code == "key.open_to_others"


def test_what_is_no_key_is_refused(files: AnchorFiles):
    files.key.write_bytes(b"no key")

    with pytest.raises(RefusedError) as error:
        signing.signer_after(files, None)

    assert error.value.code == "key.damaged"


def test_a_key_is_changed_with_the_word_of_the_one_before(
    sealed: Office, files: AnchorFiles
):
    before = files.key.read_bytes()

    made = anchoring.rotate(sealed.sit("bianchi").desk, because="leaked")
    after = anchoring.seal(sealed.desk)

    assert made.key == after.key != anchors(sealed)[2].key
    assert orjson.loads(made.body)["rotated_from"] == anchors(sealed)[2].key
    assert files.key.read_bytes() != before
    assert [path.name for path in files.key.parent.iterdir()] == ["register.pem"]
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert faults(sealed) == []


def test_a_change_of_key_that_was_interrupted_is_finished(
    sealed: Office, files: AnchorFiles, monkeypatch
):
    monkeypatch.setattr(keys, "put_in_force", lambda _path: None)
    made = anchoring.rotate(sealed.sit("bianchi").desk, because="leaked")
    monkeypatch.undo()

    after = anchoring.seal(sealed.desk)

    assert after.key == made.key
    assert signatures.read(files.key.read_bytes()).public == made.key
    assert not keys.successor(files.key).exists()
    assert faults(sealed) == []


def test_a_key_that_is_lost_is_replaced_only_when_that_is_said(
    sealed: Office, files: AnchorFiles
):
    with pytest.raises(RefusedError) as there:
        anchoring.rotate(sealed.sit("bianchi").desk, because="leaked", lost=True)
    files.key.unlink()
    with pytest.raises(RefusedError) as missing:
        anchoring.seal(sealed.desk)
    with pytest.raises(RefusedError) as unsaid:
        anchoring.rotate(sealed.sit("bianchi").desk, because="leaked")

    anchoring.rotate(sealed.sit("bianchi").desk, because="leaked", lost=True)
    anchoring.seal(sealed.desk)

    codes = [one.value.code for one in (there, missing, unsaid)]
    assert codes == ["key.not_lost", "key.missing", "key.missing"]
    assert "--lost" in unsaid.value.message
    assert faults(sealed) == [
        "4: the key changed, and the one before does not endorse it"
    ]


def test_a_machine_without_key_and_file_leaves_that_to_others(
    sealed: Office, tmp_path: Path
):
    elsewhere = AnchorFiles(tmp_path / "no" / "key.pem", tmp_path / "no" / "file")
    desk = replace(sealed.desk, anchor_files=elsewhere)

    found = log.examine(desk).anchors

    assert (found.ok, found.file, found.count) == (True, None, 3)
    with pytest.raises(RefusedError):
        anchor_checks.standing(desk)


def test_a_folder_that_is_not_there_is_not_made(sealing: Office, tmp_path: Path):
    places = signing.places(sealing.desk)
    away = replace(places, lines=tmp_path / "share" / "anchors.jsonl")

    with pytest.raises(UnavailableError) as error:
        anchoring.seal(replace(sealing.desk, anchor_files=away))

    assert error.value.code == "anchors.unwritable"
    assert "SPORTELLO_ANCHORS" in error.value.message
    assert anchors(sealing) == []


def test_only_who_answers_for_it_changes_the_key_and_the_anchor_says_who(
    sealed: Office, files: AnchorFiles
):
    before, refused = files.key.read_bytes(), []
    for login in ("nobody-at-all", "clerk", "controller"):
        for lost in (False, True):
            with pytest.raises(RefusedError) as error:
                anchoring.rotate(sealed.sit(login).desk, because="mine", lost=lost)
            refused.append(error.value.code)
    with pytest.raises(InputError):
        anchoring.rotate(sealed.sit("bianchi").desk, because=" ")

    made = anchoring.rotate(sealed.sit("bianchi").desk, because="a colleague left")

    said = orjson.loads(made.body)["rotated"]
    bianchi = "SELECT id FROM officers WHERE login = 'bianchi'"
    ((officer,),) = rows(sealed.desk.engine, bianchi)
    assert set(refused) <= {"role.missing", "officer.unknown", "key.not_lost"}
    assert "key.not_lost" not in refused[:2]
    assert said == {"because": "a colleague left", "by": str(UUID(str(officer)))}
    assert before != files.key.read_bytes()
    assert len(anchors(sealed)) == 4
    assert log.examine(sealed.desk).anchors.keys == (
        (anchors(sealed)[0].key, 1),
        (made.key, 4),
    )


def test_a_key_that_changes_while_somebody_verifies_is_no_fault(
    sealed: Office, monkeypatch: pytest.MonkeyPatch
):
    outside = anchor_checks._outside

    def rotated_first(desk: Desk, series: Series) -> Any:
        anchoring.rotate(desk.as_officer("bianchi"), because="it is time")
        return outside(desk, series)

    monkeypatch.setattr(anchor_checks, "_outside", rotated_first)

    assert faults(sealed) == []


# --- what somebody else has kept ----------------------------------------------


def test_a_copy_of_the_file_that_lags_is_no_fault_where_nobody_seals(
    sealed: Office, tmp_path: Path
):
    copy = tmp_path / "mine.jsonl"
    copy.write_bytes(lines(sealed)[0])
    elsewhere = AnchorFiles(tmp_path / "no" / "key.pem", copy)
    auditor = Office(replace(sealed.desk, anchor_files=elsewhere), sealed.clock)

    found = faults(auditor)
    copy.write_bytes(lines(sealed)[1])

    assert found == []
    assert faults(auditor) == ["1: the file holds another anchor in its place"]


def test_all_written_anew_with_another_key_is_found_by_what_an_auditor_has(
    sealed: Office, files: AnchorFiles, tmp_path: Path
):
    mine, key = tmp_path / "mine.jsonl", anchors(sealed)[0].key
    mine.write_bytes(b"".join(lines(sealed)[:2]))
    trusted = Trusted(key.upper(), mine)
    before = log.examine(sealed.desk, trusted=trusted).anchors
    by_hand(
        sealed,
        "DELETE FROM anchors",
        "UPDATE entries SET hash = substr(hash, 2) || 'x' WHERE seq = 4",
    )
    files.key.unlink()
    files.lines.unlink()
    keys.make(files.key)
    anchoring.seal(sealed.desk)

    alone = log.examine(sealed.desk).anchors
    found = log.examine(sealed.desk, trusted=trusted).anchors
    mine.write_bytes(b"{}\n")
    no_anchor = log.examine(sealed.desk, trusted=Trusted(anchors=mine)).anchors

    assert (before.ok, before.own) == (True, 2)
    assert alone.ok
    assert found.own == 0
    assert [(one.number, one.fault) for one in found.faults] == [
        (0, "the key that you trust has signed none of them"),
        (1, f"{CTL}: entry 4 is not the one it saw"),
        (1, "you have kept another one than the database has"),
        (2, "you have kept it, and the database lacks it"),
    ]
    assert [one.fault for one in no_anchor.faults] == [
        "a line of your own copy is no anchor"
    ]


# --- every day ----------------------------------------------------------------


def test_a_day_has_its_anchor_once(sealing: Office):
    due = [anchoring.is_due(sealing.desk)]
    first = anchoring.seal_day(sealing.desk)
    due.append(anchoring.is_due(sealing.desk))
    again = anchoring.seal_day(sealing.desk)
    sealing.clock.move_to(rome(2026, 1, 21) - timedelta(microseconds=1))
    due.append(anchoring.is_due(sealing.desk))
    sealing.clock.move_to(rome(2026, 1, 21))
    due.append(anchoring.is_due(sealing.desk))
    second = anchoring.seal_day(sealing.desk)

    assert due == [True, False, False, True]
    assert first is not None
    assert again is None
    assert second is not None
    assert (first.number, second.number) == (1, 2)


def test_what_has_been_asleep_for_three_days_seals_once_and_they_are_told(
    sealing: Office,
):
    anchoring.seal_day(sealing.desk)
    sealing.wait(days=4)

    made = [anchoring.seal_day(sealing.desk), anchoring.seal_day(sealing.desk)]

    assert [one.number for one in made if one] == [2]
    found = log.examine(sealing.desk).anchors
    assert [day.day for span in found.gaps for day in span.days()] == [21, 22, 23]
    assert faults(sealing) == ["2: no anchor from 2026-01-21 to 2026-01-23"]


def test_a_day_that_was_missed_is_no_fault_once_somebody_says_why(sealing: Office):
    anchoring.seal_day(sealing.desk)
    sealing.wait(days=4)
    anchoring.seal_day(sealing.desk)
    lost, other = date(2026, 1, 21), date(2026, 1, 23)
    today, act = date(2026, 1, 24), "decreto 7/2026-01-19"
    manager = Wanted("director", "clerk", Role.MANAGER, today, today, act)
    delegations.delegate(sealing.desk.as_officer("bianchi"), manager)

    refused = []  # an anchor has no place for on whose behalf
    for login, day in (
        ("clerk", lost),
        ("bianchi", date(2026, 1, 20)),
        ("bianchi", date(2026, 1, 24)),
        ("bianchi", date(2026, 1, 19)),
    ):
        spans = [Span(day, day)]
        with pytest.raises(RefusedError) as error:
            anchoring.explain(sealing.sit(login).desk, spans, because="power cut")
        refused.append(error.value.code)
    spans = [Span(lost, lost), Span(other, date(2026, 2, 1))]
    with pytest.raises(InputError):
        anchoring.explain(sealing.sit("director").desk, spans, because="\ud800")
    with pytest.raises(UnavailableError) as alarm:
        anchor_checks.standing(sealing.desk)
    made = anchoring.explain(sealing.sit("director").desk, spans, because="power cut")

    found = log.examine(sealing.desk).anchors
    (said, _) = orjson.loads(made.body)["missed"]
    assert refused == ["role.missing", *["anchor.not_missed"] * 3]
    assert faults(sealing) == ["2: no anchor for 2026-01-22"]
    assert [day.day for span in found.gaps for day in span.days()] == [21, 22, 23]
    assert [(one.day, one.because) for one in found.explained] == [
        (lost, "power cut"),
        (other, "power cut"),
    ]
    assert {(one.at, one.anchor) for one in found.explained} == {(made.at, 3)}
    assert [found.logins[one.by] for one in found.explained] == ["director"] * 2
    assert (said["day"], said["because"]) == ("2026-01-21", "power cut")
    assert str(UUID(said["by"])) == said["by"]
    assert alarm.value.code == "anchors.missed"
    assert "no anchor from 2026-01-21 to 2026-01-23" in alarm.value.message
    all_of_them = [Span(date(2026, 1, 1), date(2026, 12, 31))]
    anchoring.explain(sealing.sit("bianchi").desk, all_of_them, because="as")
    assert faults(sealing) == []
    told = anchor_checks.standing(sealing.desk)
    assert "; 3 day(s) without an anchor are explained" in told
    assert told.endswith(f"the last 2026-01-23 by director at {made.at}")


def test_an_anchor_that_is_overdue_is_told_by_both(sealed: Office):
    sealed.wait(hours=3)

    with pytest.raises(UnavailableError) as error:
        anchor_checks.standing(sealed.desk)
    (told,) = faults(sealed)
    anchoring.seal(sealed.desk)

    assert error.value.code == "anchors.late"
    assert told.startswith("3: nothing was sealed since 2026-01-22T09:00:00.000000Z")
    assert told.partition("nothing")[2] in error.value.message
    assert faults(sealed) == []
    anchor_checks.standing(sealed.desk)


def test_where_nothing_was_ever_sealed_a_day_is_an_alarm_but_in_a_rehearsal(
    sealing: Office,
):
    told = []
    for statement in ("SELECT 1", "UPDATE installation SET rehearsal = false"):
        by_hand(sealing, statement)
        told.append((faults(sealing), log.examine(sealing.desk).ok))
    since = log.examine(sealing.desk).anchors.unsealed_since
    nobody = faults(Office(replace(sealing.desk, anchor_files=None), sealing.clock))
    sealing.clock.move_to(rome(2026, 1, 16, 19, 38))
    in_time = faults(sealing)

    fault = "0: no anchor yet, and nothing was sealed since 2026-01-15T16:38:00.000000Z"
    (late,) = told[1][0]
    assert told[0] == ([], True)
    assert late.startswith(fault)
    assert (told[1][1], since) == (False, rome(2026, 1, 15, 17, 38))
    assert nobody == [late]  # it stands in the database, whoever looks
    assert in_time == []
    anchoring.seal(sealing.desk)
    assert faults(sealing) == []


def test_after_a_restore_from_before_a_change_of_key_the_way_out_is_told(
    sealed: Office,
):
    anchoring.rotate(sealed.sit("bianchi").desk, because="leaked")
    by_hand(sealed, "DELETE FROM anchors WHERE number > 3")
    path = signing.places(sealed.desk).lines

    with pytest.raises(TamperedError) as ahead:
        anchoring.seal(sealed.desk)
    path.rename(path.with_name("before.jsonl"))
    with pytest.raises(RefusedError) as other:
        anchoring.seal(sealed.desk)
    made = anchoring.rotate(sealed.sit("bianchi").desk, because="leaked", lost=True)

    way_out = "`sportello log anchor --new-key --lost --because WHY`"
    assert way_out in ahead.value.message
    assert (other.value.code, way_out in other.value.message) == ("key.other", True)
    assert made.number == 4
    assert faults(sealed) == [
        "4: the key changed, and the one before does not endorse it"
    ]


def test_nothing_is_due_where_no_call_is_loaded_or_nobody_seals(
    work: Office, files: AnchorFiles, tmp_path: Path
):
    empty = tmp_path / "empty.db"
    if work.desk.engine.dialect.name == "sqlite":
        shutil.copyfile(str(work.desk.engine.url.database), empty)
        with closing(sqlite3.connect(empty)) as connection, connection:
            triggers = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for (name,) in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute("DELETE FROM calls")
        engine = open_engine(f"sqlite:///{empty}")
        assert not anchoring.is_due(
            replace(work.desk, engine=engine, anchor_files=files)
        )

    assert anchoring.is_due(replace(work.desk, anchor_files=files))
    assert not anchoring.is_due(work.desk)


def test_doctor_tells_when_a_day_went_without(sealing: Office):
    sealing.clock.move_to(rome(2026, 1, 16, 19))
    young = anchor_checks.standing(sealing.desk)
    sealing.clock.move_to(rome(2026, 1, 28, 10))
    with pytest.raises(UnavailableError) as never:
        anchor_checks.standing(sealing.desk)
    anchoring.seal(sealing.desk)
    sealing.wait(hours=26)
    in_time = anchor_checks.standing(sealing.desk)
    sealing.wait(seconds=1)
    with pytest.raises(UnavailableError) as late:
        anchor_checks.standing(sealing.desk)

    assert young.startswith("no anchor yet, in ")
    assert in_time.startswith("anchor 1 of 2026-01-28T09:00:00.000000Z, in ")
    assert never.value.message.startswith("no anchor yet, and nothing was sealed since")
    assert late.value.message.startswith("anchor 1 of 2026-01-28")
