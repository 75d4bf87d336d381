"""Can an auditor take the register away by a command, and is told how it stands?"""

from pathlib import Path

import pytest

from tests.builders import CTL
from tests.exports import faults
from tests.terminals import Terminal


def test_an_export_is_told_to_people_and_to_scripts(terminal: Terminal, tmp_path: Path):
    terminal.type("log", "anchor")
    auditor = terminal.as_("verdi")

    plain = auditor.type("log", "export", CTL, "--to", "first")
    asked = auditor.ask("log", "export", CTL, "--to", str(tmp_path / "second"))

    assert plain.exit_code == 0, plain.output
    assert "entries     6\n" in plain.stdout
    assert "entered as  entry 6\n" in plain.stdout
    assert plain.stderr == ""
    assert asked["call"] == CTL
    assert asked["directory"] == str(tmp_path / "second")
    assert (asked["entries"], asked["ok"], asked["faults"]) == (7, True, [])
    assert asked["entry"]["hash"] == asked["head"]
    assert asked["files"] == len(
        [path for path in (tmp_path / "second").rglob("*") if path.is_file()]
    )
    assert (asked["anchors"]["count"], asked["anchors"]["ok"]) == (1, True)
    assert faults(tmp_path / "first") == faults(tmp_path / "second") == []
    shown = auditor.type("log", "show", CTL, "--event", "export_register").stdout
    assert "exported up to entry 6" in shown


def test_what_does_not_verify_is_exported_and_ends_with_5(
    terminal: Terminal, tmp_path: Path
):
    terminal.query("UPDATE applications SET version = 7 WHERE protocol_number = 1")

    plain = terminal.type("log", "export", CTL, "--to", "first")
    asked = terminal.type("log", "export", CTL, "--to", "second", "--json")

    assert (plain.exit_code, asked.exit_code) == (5, 5)
    assert "  FAULT the call: application " in plain.stdout
    assert "has version 7, the register says 1" in plain.stdout
    assert '"ok":false' in asked.stdout
    assert len(faults(tmp_path / "first")) == 1


def test_what_cannot_be_is_refused_in_words(terminal: Terminal, tmp_path: Path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    export = ("log", "export")

    terminal.refused(*export, CTL, "--to", "kept", code="export.not_empty", exit_code=2)
    terminal.refused(*export, CTL, "--to", "a/b", code="export.no_parent", exit_code=2)
    terminal.refused(*export, "X", "--to", "new", code="call.unknown", exit_code=1)
    terminal.refused(*export, CTL, code="usage", exit_code=2)

    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["kept"]


@pytest.mark.parametrize("login", ["nobody"])
def test_who_may_not_is_refused_and_entered(terminal: Terminal, login: str):
    stranger = terminal.as_(login)

    stranger.refused(
        "log", "export", CTL, "--to", "new", code="officer.unknown", exit_code=1
    )

    told = terminal.type("log", "show", CTL, "--outcome", "refused").stdout
    assert told.count("export_register") == 2
