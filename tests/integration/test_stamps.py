"""Does an authority outside say when the anchors existed?"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from dramatiq.brokers.stub import StubBroker

from config.settings import SettingsError, read_settings
from tests import exports
from tests.authorities import Signatory, TimeServer, time_server
from tests.builders import CTL, OPENING, Office
from tests.terminals import Terminal
from workers.ticking import Ticker
from workers.transports import authorities
from workflow.anchors import stamps
from workflow.anchors.stamps import StampError
from workflow.desk import AnchorFiles
from workflow.errors import RefusedError, SportelloError, UnavailableError
from workflow.services import (
    anchoring,
    doctor,
    exporting,
    keys,
    log,
    signing,
    stamping,
)


@pytest.fixture
def server() -> Iterator[TimeServer]:
    """Run an authority."""
    with time_server(now=OPENING) as running:
        yield running


@pytest.fixture
def stamped(
    work: Office, server: TimeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """Give an office that seals, and that knows the authority."""
    monkeypatch.setenv("SPORTELLO_TSA_URL", server.address)
    monkeypatch.setenv("SPORTELLO_TSA_ROOTS", str(server.roots(tmp_path)))
    files = AnchorFiles(
        tmp_path / "keys" / "register.pem",
        tmp_path / "anchors.jsonl",
        authorities.build(read_settings()),
    )
    keys.make(files.key)
    opened = Office(replace(work.desk, anchor_files=files), work.clock)
    opened.file(0)
    anchoring.seal(opened.desk)
    return opened


def standing(work: Office) -> str | None:
    """Return what is said of the stamps: nothing if one is missing."""
    checks = doctor.examine(work.desk, Path(), keeps_data=False)
    (found,) = (one for one in checks if one.name == "stamp")
    return found.detail if found.ok else None


def test_the_last_anchor_is_stamped_once_and_outside_of_the_database(
    stamped: Office, server: TimeServer, tmp_path: Path
):
    was_due, stood = stamping.is_due(stamped.desk), standing(stamped)

    made = stamping.stamp(stamped.desk)
    again = stamping.stamp(stamped.desk)

    assert (was_due, stood) == (True, None)
    assert made is not None
    assert (made.number, made.at, again) == (1, server.now, None)
    assert made.file == tmp_path / "anchors-stamps" / "00000001.tsr"
    assert len(server.asked) == 1
    assert not stamping.is_due(stamped.desk)
    assert standing(stamped) == f"anchor 1 is stamped by {server.address}"


def test_a_worker_asks_for_it_until_there_is_one(stamped: Office, server: TimeServer):
    server.answers = [503]
    for _ in range(2):
        Ticker(StubBroker(), stamped.desk)._do_here("stamp_anchor", "a test")

    assert len(server.asked) == 2
    assert not stamping.is_due(stamped.desk)


def test_stamps_are_verified_with_the_anchors(stamped: Office, server: TimeServer):
    made = stamping.stamp(stamped.desk)
    assert made is not None
    stamped.wait(days=1)
    anchoring.seal(stamped.desk)
    good = log.examine(stamped.desk).anchors

    other = server.stamp(stamps.request(b"another anchor").content)
    made.file.write_bytes(other)
    swapped = log.examine(stamped.desk).anchors
    made.file.rename(made.file.with_name("00000009.tsr"))
    moved = log.examine(stamped.desk).anchors

    assert good.ok, good.faults
    assert (good.stamps, good.stamped) == (1, (made,))
    assert [(one.number, one.fault) for one in swapped.faults] == [
        (1, "its time stamp does not hold: Mismatch between messages")
    ]
    assert [(one.number, one.fault) for one in moved.faults] == [
        (9, "it was stamped, and is not there any more")
    ]


def test_a_stamp_of_another_time_than_its_anchor_is_found_by_both(
    stamped: Office, server: TimeServer, tmp_path: Path
):
    stamped.clock.simulated = False
    anchoring.seal(stamped.desk)
    content = orjson.loads(
        signing.places(stamped.desk).lines.read_bytes().splitlines()[1]
    )
    asked = stamps.request(content["body"].encode()).content
    stamping.stamp(stamped.desk)
    (file,) = stamping.kept(stamped.desk.anchor_files).values()
    told = {}

    for name, passed in (
        ("early", timedelta(days=-9)),
        ("in time", timedelta(hours=47)),
        ("late", timedelta(days=700)),
    ):
        server.now = OPENING + passed
        file.write_bytes(server.stamp(asked))
        made = exporting.export(stamped.desk, CTL, tmp_path / name)
        anchored = made.examined.anchors
        told[name] = [one.fault for one in anchored.faults], exports.faults(made.folder)
    file.write_bytes(server.stamp(stamps.request(b"something else").content))
    other = exporting.export(stamped.desk, CTL, tmp_path / "other")

    assert told == {
        "early": (
            ["it was stamped at 2026-01-11T09:00:00.000000Z, before it was made"],
            [
                (
                    "time stamp 00000002: it is of 2026-01-11 09:00:00+00:00, before "
                    "its anchor was made"
                )
            ],
        ),
        "in time": ([], []),
        "late": (
            [
                (
                    "it was stamped at 2027-12-21T09:00:00.000000Z, long after it was "
                    "made: it may have been dated back"
                )
            ],
            [
                (
                    "time stamp 00000002: it is of 2027-12-21 09:00:00+00:00, long "
                    "after its anchor was made"
                )
            ],
        ),
    }
    assert exports.faults(other.folder) == [
        "time stamp 00000002: it is of other bytes than its anchor"
    ]


def test_anchors_that_nobody_stamps_are_a_fault_until_a_later_one_is(
    stamped: Office, server: TimeServer
):
    def found() -> list[tuple[int, str]]:
        faults = log.examine(stamped.desk).anchors.faults
        return [(one.number, one.fault[:30]) for one in faults]

    stamped.wait(days=1)
    anchoring.seal(stamped.desk)
    young = found()
    stamped.wait(days=1)
    anchoring.seal(stamped.desk)
    old = found()
    server.now = stamped.clock.now()
    stamping.stamp(stamped.desk)
    (file,) = stamping.kept(stamped.desk.anchor_files).values()
    good = found()
    file.unlink()

    assert young == good == []
    assert old == found() == [(1, "neither it nor a later one has")]


def test_nobody_asks_for_a_stamp_that_would_come_too_late(
    stamped: Office, server: TimeServer
):
    stamped.wait(days=2)

    assert stamping.stamp(stamped.desk) is None
    assert (server.asked, standing(stamped)) == ([], None)
    anchoring.seal(stamped.desk)
    assert stamping.is_due(stamped.desk)


@pytest.mark.parametrize("answer", [b"", b"no stamp", 500, 404, b"x" * 100_001])
def test_what_is_no_stamp_is_not_kept(answer, stamped: Office, server: TimeServer):
    server.answers = [answer or b"\x00"]

    with pytest.raises(SportelloError) as error:
        stamping.stamp(stamped.desk)

    assert error.value.code in {"stamp.wrong", "stamp.refused"}
    assert stamping.is_due(stamped.desk)
    assert stamping.stamp(stamped.desk)


def test_a_stamp_of_another_request_is_refused(stamped: Office, server: TimeServer):
    content = b"something else"
    asked = stamps.request(content)
    server.answers = [server.stamp(asked.content)]

    with pytest.raises(RefusedError, match="is no stamp that holds"):
        stamping.stamp(stamped.desk)

    assert stamping.is_due(stamped.desk)


def test_who_is_not_trusted_proves_nothing(stamped: Office, server: TimeServer):
    server.signatory = Signatory()

    with pytest.raises(RefusedError) as error:
        stamping.stamp(stamped.desk)

    assert error.value.code == "stamp.wrong"
    assert "\n" not in error.value.message


def test_who_does_not_answer_is_told_without_the_password(
    stamped: Office, monkeypatch: pytest.MonkeyPatch
):
    port = urlsplit(stamped.desk.anchor_files.authority.name).port  # type: ignore[union-attr]
    monkeypatch.setenv("SPORTELLO_TSA_URL", f"https://us:secret@127.0.0.1:{port}/")
    known = authorities.build(read_settings())
    files = replace(stamped.desk.anchor_files, authority=known)  # type: ignore[type-var]

    with pytest.raises(UnavailableError) as error:
        stamping.stamp(replace(stamped.desk, anchor_files=files))

    assert error.value.code == "stamp.unreachable"
    assert "secret" not in error.value.message


def test_a_stamp_is_bound_to_its_bytes_and_to_who_is_trusted(server, tmp_path: Path):
    roots = server.roots(tmp_path).read_bytes()
    stamp = server.stamp(stamps.request(b"anchor").content)

    at = stamps.stamped_at(stamp, b"anchor", roots)

    assert at == server.now
    broken = stamp[:-1] + bytes([stamp[-1] ^ 1])
    for wrong, content, trusted in (
        (stamp, b"Anchor", roots),
        (broken, b"anchor", roots),
        (stamp, b"anchor", b"no certificate"),
    ):
        with pytest.raises(StampError):
            stamps.stamped_at(wrong, content, trusted)


def test_an_authority_without_certificates_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("SPORTELLO_TSA_URL", "http://127.0.0.1:1/")

    with pytest.raises(SettingsError, match="SPORTELLO_TSA_ROOTS is missing"):
        authorities.build(read_settings())


def test_certificates_that_are_not_there_are_named(
    stamped: Office, server: TimeServer, tmp_path: Path
):
    (tmp_path / "roots.pem").unlink()

    with pytest.raises(UnavailableError, match="SPORTELLO_TSA_ROOTS"):
        stamping.stamp(stamped.desk)

    assert server.asked == []


def test_who_seals_by_hand_is_told_when_it_was_stamped(
    terminal: Terminal, server: TimeServer, tmp_path: Path
):
    known = {
        "SPORTELLO_TSA_URL": server.address,
        "SPORTELLO_TSA_ROOTS": str(server.roots(tmp_path)),
    }
    asking = Terminal(terminal.home, {**terminal.settings, **known})
    server.answers = [503]

    without = asking.type("log", "anchor", "--json")
    stamped = asking.type("log", "anchor")

    assert "no time stamp yet" in without.stderr
    assert json.loads(without.stdout)["stamped_at"] is None
    assert "stamped  20/01/2026 10:00" in " ".join(stamped.stdout.split("\n"))
