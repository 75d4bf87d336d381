"""Can whoever runs the program seal the register, and see that it is sealed?"""

import json
import subprocess
from pathlib import Path

import orjson
import pytest

from models.canonical import digest
from tests.builders import CTL
from tests.terminals import SECOND, Terminal
from workflow.anchors import signatures


def anchor_check(terminal: Terminal) -> dict[str, object]:
    checks = terminal.ask("doctor")["checks"]
    return next(check for check in checks if check["name"] == "anchor")


def test_an_anchor_is_shown_as_it_was_signed(terminal: Terminal):
    first = terminal.ask("log", "anchor")
    second = terminal.type("log", "anchor").stdout

    (kept, next_one) = map(
        json.loads, (terminal.home / "anchors.jsonl").read_text().splitlines()
    )
    said = {"hash", "signature", "endorsement", "file", "stamped_at"}
    manifest = {name: value for name, value in first.items() if name not in said}
    assert orjson.loads(kept["body"]) == manifest
    assert [manifest["number"], manifest["calls"][0]["call"]] == [1, CTL]
    assert manifest["calls"][0]["entries"] == 5
    assert first["hash"] == kept["hash"] == digest(kept["body"].encode())
    assert first["file"] == str(terminal.home / "anchors.jsonl")
    assert "anchor  2 of 20/01/2026 10:00:00\n" in second
    assert f"hash    {next_one['hash']}\n" in second
    assert all(len(row) <= 100 for row in second.splitlines()[:-1])


def test_openssl_verifies_an_anchor_by_hand(terminal: Terminal, tmp_path):
    terminal.type("log", "anchor")
    kept = json.loads((terminal.home / "anchors.jsonl").read_text())
    (tmp_path / "body").write_text(kept["body"])
    (tmp_path / "signature").write_bytes(bytes.fromhex(kept["signature"]))
    prefix = bytes.fromhex("302a300506032b6570032100")
    (tmp_path / "key").write_bytes(prefix + bytes.fromhex(kept["key"]))

    verified = subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER"),
            *("-inkey", "key", "-rawin", "-in", "body", "-sigfile", "signature"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert verified.stdout == "Signature Verified Successfully\n", verified.stderr


def test_a_rehearsal_in_which_nothing_was_sealed_verifies_and_says_so(terminal):
    plain = terminal.type("log", "verify")

    assert plain.exit_code == 0
    assert "nothing was sealed since 15/01/2026 18:00:00; elsewhere" in plain.stderr


def test_the_verification_tells_of_the_anchors(terminal: Terminal):
    terminal.type("log", "anchor")
    terminal.type("advance", SECOND, "start_review", "--yes")

    verified = terminal.ask("log", "verify")
    text = terminal.type("log", "verify", CTL)

    anchors = verified["anchors"]
    assert (verified["ok"], anchors["ok"], anchors["count"]) == (True, True, 1)
    assert anchors["last"]["number"] == 1
    assert (
        text.stdout.splitlines()[2]
        == f"anchors: 1, the last of {anchors['last']['at']}: ok"
    )


def test_what_does_not_verify_ends_with_5(terminal: Terminal):
    terminal.type("log", "anchor")
    (terminal.home / "anchors.jsonl").write_text("{}\n")

    text = terminal.type("log", "verify")
    answered = terminal.type("log", "verify", "--json")

    fault = "the file holds another anchor in its place"
    anchors = json.loads(answered.stdout)["anchors"]
    assert (text.exit_code, answered.exit_code) == (5, 5)
    assert (
        f"anchors: 1, the last of {anchors['last']['at']}: 1 FAULT(S)\n" in text.stdout
    )
    assert f"  anchor 1: {fault}\n" in text.stdout
    assert anchors["faults"] == [{"number": 1, "fault": fault}]
    assert not anchor_check(terminal)["ok"]
    terminal.refused("log", "anchor", code="anchors.differ", exit_code=5)
    assert (terminal.home / "anchors.jsonl").read_text() == "{}\n"


def test_the_file_may_stand_on_another_disk(terminal: Terminal, tmp_path):
    elsewhere = tmp_path / "share" / "anchors.jsonl"
    terminal.settings["SPORTELLO_ANCHORS"] = str(elsewhere)

    said = terminal.refused("log", "anchor", code="anchors.unwritable", exit_code=3)
    elsewhere.parent.mkdir()
    made = terminal.ask("log", "anchor")

    assert str(elsewhere) in said
    assert (made["number"], made["file"]) == (1, str(elsewhere))
    assert elsewhere.exists()
    assert terminal.ask("log", "verify")["anchors"]["file"] == str(elsewhere)


def test_the_key_is_made_once_and_kept_when_something_is_sealed(terminal: Terminal):
    key = terminal.home / "keys" / "register.pem"
    before = key.read_bytes()

    again = terminal.ask("init", "--rehearsal")
    terminal.type("log", "anchor")
    key.unlink()
    missing = terminal.ask("init", "--rehearsal")
    told = terminal.type("init", "--rehearsal").stdout

    public = signatures.read(before).public
    assert (again["key"], again["key_notice"]) == (public, None)
    assert missing["key"] is None
    assert f"copy the one of {public[:16]}… there" in missing["key_notice"]
    assert told.splitlines()[1].startswith("Note: there is no key at ")
    assert not key.exists()
    assert not anchor_check(terminal)["ok"]
    terminal.refused("log", "anchor", code="key.missing", exit_code=1)


def test_another_key_than_that_of_the_anchors_is_told(terminal: Terminal):
    terminal.type("log", "anchor")
    key = terminal.home / "keys" / "register.pem"
    key.write_bytes(signatures.fresh().written())

    told = terminal.ask("init", "--rehearsal")

    assert told["key_notice"].startswith("the anchors are signed with the key ")
    assert not anchor_check(terminal)["ok"]
    assert terminal.type("log", "verify").exit_code == 5
    terminal.refused("log", "anchor", code="key.other", exit_code=1)


def test_doctor_finds_a_key_that_others_can_read(terminal: Terminal):
    terminal.type("log", "anchor")
    good = anchor_check(terminal)
    (terminal.home / "keys" / "register.pem").chmod(0o644)

    loose = anchor_check(terminal)

    assert good["ok"]
    assert str(good["detail"]).startswith("anchor 1 of 2026-01-20T09:00:00")
    assert not loose["ok"]
    assert "chmod 600" in str(loose["detail"])


def test_a_key_is_changed_by_command(terminal: Terminal):
    first = terminal.ask("log", "anchor")
    second = terminal.ask("log", "anchor", "--new-key", "--because", "left")

    assert second["rotated_from"] == first["key"] != second["key"]
    assert second["endorsement"] is not None
    assert terminal.type("log", "verify").exit_code == 0


def test_what_an_auditor_has_kept_is_held_against_the_register(
    terminal: Terminal, tmp_path: Path
):
    first = terminal.ask("log", "anchor")
    mine = tmp_path / "mine.jsonl"
    mine.write_bytes((terminal.home / "anchors.jsonl").read_bytes())
    other = mine.read_text().replace('"hash":"', '"hash":"0')

    good = terminal.type(
        *("log", "verify", "--key", first["key"].upper(), "--anchors", str(mine))
    )
    wrong = terminal.ask("log", "verify", "--key", "2" * 64)
    mine.write_text(other)
    broken = terminal.type("log", "verify", "--anchors", str(mine))

    assert good.exit_code == 0
    assert f"  key {first['key']} since anchor 1\n" in good.stdout
    assert "  1 of your own anchors agree\n" in good.stdout
    assert wrong["anchors"]["keys"] == [{"key": first["key"], "since": 1}]
    assert wrong["anchors"]["faults"] == [
        {"number": 0, "fault": "the key that you trust has signed none of them"}
    ]
    assert broken.exit_code == 5
    assert "your own copy of it does not hold by itself" in broken.stdout
    for words in (("--key", "x"), ("--anchors", "nowhere")):
        terminal.refused("log", "verify", *words, code="usage", exit_code=2)


def test_an_entry_that_was_changed_is_told_in_words_by_all_that_read_it(
    terminal: Terminal,
):
    ((body,),) = terminal.query("SELECT body FROM entries WHERE seq = 3")
    terminal.query("DROP TRIGGER entries_no_update")
    terminal.settings["SPORTELLO_CLOCK"] = "2026-01-22T10:00:00+01:00"
    forged: tuple[dict[str, object], ...] = (
        {"actor": "x"},
        {"actor": {}},
        {"at": "x"},
        {"seq": None},
        {"act": {"kind": "decreto"}},
        {"money": {"x": 1}},
        {"money": "x"},
        {"terms": "x"},
    )
    texts = ["{}", "[]", *(json.dumps({**json.loads(body), **one}) for one in forged)]

    told = set()
    for text in texts:
        stored = text.replace("'", "''")
        terminal.query(f"UPDATE entries SET body = '{stored}' WHERE seq = 3")  # noqa: S608 - ours
        for words in (
            ("log", "show", CTL),
            ("log", "show", CTL, "--as-of", "2026-01-21"),
            ("log", "diff", "2026-01-01", "2026-01-21"),
            ("explain", "entry", f"{CTL}#3"),
        ):
            ended = terminal.type(*words)
            told.add((ended.exit_code, ended.stderr.partition("]:")[0]))

    assert told == {(5, "Error [register.unreadable")}


def test_a_missed_day_is_explained_by_command(terminal: Terminal):
    terminal.type("log", "anchor")
    terminal.settings["SPORTELLO_CLOCK"] = "2026-01-22T10:00:00+01:00"
    terminal.type("log", "anchor")
    terminal.type("advance", SECOND, "start_review", "--yes")
    before = terminal.type("log", "verify")

    made = terminal.ask(
        *("log", "anchor", "--missed", "2026-01-20..2026-01-22"),
        *("--because", "no power"),
    )
    after = terminal.type("log", "verify")

    assert (before.exit_code, after.exit_code) == (5, 0)
    assert "  anchor 2: no anchor for 2026-01-21\n" in before.stdout
    assert (
        "  no anchor for 2026-01-21, explained by bianchi at "
        "22/01/2026 10:00:00 in anchor 3: no power\n"
    ) in after.stdout
    (missed,) = made["missed"]
    assert missed["day"] == "2026-01-21"
    assert terminal.ask("log", "verify")["anchors"]["explained"] == [
        {**missed, "login": "bianchi", "at": made["at"], "anchor": 3}
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--lost",),
        ("--new-key", "--new-kay"),
        ("--missed", "2026-01-21"),
        ("--missed", "2026-01-21..2026-01-20", "--because", "no power"),
        ("--missed", "2026-01-21..", "--because", "no power"),
        ("--because", "no power"),
        ("--new-key",),
        ("--missed", "2026-01-21", "--because", "no power", "--new-key"),
    ],
)
def test_a_wrong_command_line_changes_no_key(words, terminal: Terminal):
    terminal.refused("log", "anchor", *words, code="usage", exit_code=2)

    assert terminal.query("SELECT * FROM anchors") == []
