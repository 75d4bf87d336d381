"""Does the program say what is wrong with the place where it runs?"""

import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from models.schema import HEAD
from tests.servers import fresh_postgres
from tests.terminals import FIRST, Terminal


def plain(bare: Terminal, **settings: str) -> Terminal:
    """Return a terminal with the host's clock: nothing is a rehearsal."""
    return Terminal(bare.home, {"SPORTELLO_CLOCK": "", **settings})


# --- init ---------------------------------------------------------------------


def test_init_makes_a_private_database_and_says_what_comes_next(bare_terminal):
    terminal = plain(bare_terminal)

    made = terminal.type("init")

    assert made.exit_code == 0
    assert f"created (form {HEAD})" in made.stdout
    assert "sportello officer add LOGIN" in made.stdout
    assert terminal.home.stat().st_mode & 0o777 == 0o700
    assert terminal.database.stat().st_mode & 0o777 == 0o600


def test_init_a_second_time_changes_nothing(bare_terminal):
    terminal = plain(bare_terminal)

    first, second = terminal.ask("init"), terminal.ask("init")

    assert first == {
        "database": f"sqlite:///{terminal.database}",
        "revision": HEAD,
        "rehearsal": False,
        "created": True,
        "key": first["key"],
        "key_notice": None,
    }
    assert second == {**first, "created": False}


def test_a_real_database_does_not_become_a_rehearsal(bare_terminal):
    terminal = plain(bare_terminal)
    terminal.type("init")

    terminal.refused(
        "init", "--rehearsal", code="installation.not_rehearsal", exit_code=1
    )


def test_a_real_database_refuses_a_simulated_clock(bare_terminal):
    plain(bare_terminal).type("init")

    said = bare_terminal.refused("list", code="clock.not_rehearsal", exit_code=1)

    assert "sportello init --rehearsal" in said


@pytest.mark.parametrize(
    "words",
    [("list",), ("advance", FIRST, "start_review", "--yes"), ("log", "verify")],
)
def test_a_rehearsal_does_not_take_the_host_clock(words, terminal):
    terminal.settings["SPORTELLO_CLOCK"] = ""

    said = terminal.refused(*words, code="clock.missing", exit_code=1)

    assert "set SPORTELLO_CLOCK" in said
    assert terminal.type("init").exit_code == 0
    assert terminal.type("call", "check", "ctl-2025").exit_code == 0
    assert "SPORTELLO_CLOCK" in terminal.type("doctor").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("advance", FIRST, "start_review", "--dry-run"),
        ("call", "load", "ctl-2025"),
        ("intake", "RLF12025051244", "-"),
    ],
)
def test_a_clock_before_the_register_is_warned_of(words, terminal):
    terminal.settings["SPORTELLO_CLOCK"] = "2026-01-19T10:00:00+01:00"

    done = terminal.type(*words, text="")

    assert done.exit_code == 0
    assert done.stderr.startswith("Warning: SPORTELLO_CLOCK is before the last entry")
    assert "20/01/2026 10:00:00 (Rome)" in done.stderr


# --- states of the database ---------------------------------------------------


@pytest.mark.parametrize("words", [("list",), ("show", FIRST), ("log", "verify")])
def test_a_database_that_was_never_initialised_says_how_to_make_one(
    words, bare_terminal
):
    said = bare_terminal.refused(*words, code="database.not_initialised", exit_code=3)

    assert "`sportello init`" in said
    assert not bare_terminal.database.exists()


def test_an_empty_file_is_not_initialised_either(bare_terminal):
    bare_terminal.home.mkdir()
    bare_terminal.database.touch()

    bare_terminal.refused("list", code="database.not_initialised", exit_code=3)


@pytest.mark.parametrize(
    ("form", "code", "way_out"),
    [
        ("0000", "database.unknown_form", "restore a backup"),
        ("9999", "database.newer", "use that version"),
    ],
)
def test_a_database_of_another_version_is_not_touched(form, code, way_out, terminal):
    terminal.query(f"UPDATE alembic_version SET version_num = '{form}'")  # noqa: S608 - our own words

    said = terminal.refused("list", code=code, exit_code=3)

    assert way_out in said


def test_a_file_that_is_no_database_is_named_as_such(bare_terminal):
    bare_terminal.home.mkdir()
    bare_terminal.database.write_text("not a database\n" * 100, encoding="utf-8")

    bare_terminal.refused("list", code="database.damaged", exit_code=3)


def test_a_locked_database_is_tried_again_later(terminal):
    with closing(sqlite3.connect(terminal.database)) as other:
        other.execute("BEGIN IMMEDIATE")

        said = terminal.refused(
            "advance",
            FIRST,
            "start_review",
            "--yes",
            code="database.locked",
            exit_code=3,
        )

    assert "try again" in said
    assert terminal.type("advance", FIRST, "start_review", "--yes").exit_code == 0


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_an_upgrade_waits_for_who_writes_as_long_as_it_was_told_to(terminal, mode):
    with closing(sqlite3.connect(terminal.database)) as first:
        first.execute(f"PRAGMA journal_mode = {mode}")
    other = sqlite3.connect(
        terminal.database, isolation_level=None, check_same_thread=False
    )
    with closing(other):
        other.execute("BEGIN IMMEDIATE")
        ends = threading.Timer(1, other.execute, ["ROLLBACK"])
        ends.start()

        patient = Terminal(
            terminal.home, {**terminal.settings, "SPORTELLO_LOCK_WAIT": "60"}
        )
        done = patient.type("init", "--rehearsal")

        assert (done.exit_code, ends.is_alive()) == (0, False)
        ends.join()


def test_an_upgrade_that_finds_somebody_at_work_says_whom_to_stop(terminal):
    with closing(sqlite3.connect(terminal.database)) as other:
        other.execute("BEGIN IMMEDIATE")

        said = terminal.refused("init", code="database.locked", exit_code=3)

    assert "stop the scheduler and the workers" in said


def test_whoever_only_reads_does_not_wait_for_the_writer(terminal):
    with closing(sqlite3.connect(terminal.database)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert terminal.type("show", FIRST).exit_code == 0


def test_a_read_only_database_can_be_read_but_not_changed(terminal):
    # Permissions do not stop root. A later format of writing, in the header of
    # the file, stops everybody: SQLite then only reads.
    terminal.query("PRAGMA wal_checkpoint(TRUNCATE)")
    with terminal.database.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")

    terminal.refused(
        "advance",
        FIRST,
        "start_review",
        "--yes",
        code="database.read_only",
        exit_code=3,
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_home_that_cannot_be_written_to_is_named(bare_terminal, tmp_path):
    tmp_path.chmod(0o500)
    try:
        bare_terminal.refused("init", code="database.unreachable", exit_code=3)
    finally:
        tmp_path.chmod(0o700)


def test_a_home_that_is_a_file_is_named(bare_terminal):
    bare_terminal.home.write_text("", encoding="utf-8")

    said = bare_terminal.refused("init", code="database.unreachable", exit_code=3)

    assert "SPORTELLO_HOME" in said


def test_a_server_that_does_not_answer_is_unavailable(bare_terminal):
    bare_terminal.settings["SPORTELLO_DATABASE_URL"] = (
        "postgresql://maria:segreto@127.0.0.1:1/sportello"
    )

    said = bare_terminal.refused("list", code="database.unreachable", exit_code=3)

    assert "segreto" not in said


def test_the_same_commands_work_on_a_server(bare_terminal, postgres_server):
    with fresh_postgres(postgres_server) as address:
        bare_terminal.settings |= {
            "SPORTELLO_DATABASE_URL": address,
            "SPORTELLO_IDENTITY": "database",
        }
        made = bare_terminal.ask("init", "--rehearsal")
        login = bare_terminal.ask(
            *("officer", "add", "postgres", "--name", "Anna Bianchi"),
            *("--role", "administrator"),
        )["login"]
        loaded = bare_terminal.type("call", "load", "ctl-2025")
        examined = bare_terminal.type("doctor")
        verified = bare_terminal.ask("log", "verify")

    assert "revision" in made
    assert login == "postgres"
    assert loaded.exit_code == 0, loaded.output
    assert examined.exit_code == 0, examined.output
    assert [path.name for path in bare_terminal.home.iterdir()] == ["keys"]
    assert verified["ok"]


# --- settings -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "way_out"),
    [
        ("DATABASE_URL", "mysql://u:segreto@host/x", "sqlite:////folder/file.db"),
        ("DATABASE_URL", "segreto", "sqlite:////folder/file.db"),
        ("DATABASE_URL", "postgresql://u:segreto@host:port/x", "postgresql://"),
        ("DATABASE_URL", "sqlite://", "name a file"),
        ("BROKER_URL", "amqp://segreto", "memory://"),
        ("SMTP_URL", "segreto", "smtp://host:25"),
        ("IDENTITY", "nobody", "declared, os or database"),
        ("IDENTITY", "database", "use PostgreSQL"),
        ("CLOCK", "2026-01-20T10:00:00", "+01:00"),
        ("CLOCK", "yesterday", "+01:00"),
        ("CLOCK", "9999-12-31T23:59:59-01:00", "from 2000 to 2199"),
        ("CLOCK", "0001-01-01T00:00:00+01:00", "from 2000 to 2199"),
        ("LOCK_WAIT", "-1", "0 to 3600"),
        ("LOG_LEVEL", "loud", "warning"),
        ("OFFICER", "two words", "without spaces"),
    ],
)
def test_a_wrong_setting_is_a_wrong_command_line(name, value, way_out, terminal):
    terminal.settings[f"SPORTELLO_{name}"] = value

    said = terminal.refused("list", code="settings.invalid", exit_code=2)

    assert f"SPORTELLO_{name}" in said
    assert way_out in said
    assert "segreto" not in said


def test_settings_are_read_from_a_file_in_this_folder_too(terminal):
    Path(".env").write_text("SPORTELLO_OFFICER=ghost\nOTHER=1\n", encoding="utf-8")
    terminal.settings["SPORTELLO_OFFICER"] = ""

    terminal.refused("officer", "retire", "verdi", code="officer.unknown", exit_code=1)


def test_a_settings_file_that_cannot_be_read_is_named(terminal):
    Path(".env").write_bytes(b"SPORTELLO_OFFICER=\xff\xfe\n")

    said = terminal.refused("list", code="settings.invalid", exit_code=2)

    assert ".env" in said


@pytest.fixture(autouse=True)
def audited(monkeypatch, tmp_path) -> Path:
    """Let the kernel keep no account of who logged in, unless a test says it."""
    file: Path = tmp_path / "loginuid"
    monkeypatch.setattr("commands.entry._AUDITED", file)
    return file


@pytest.mark.parametrize("behind", ["4294967295", "nothing"])
def test_without_an_account_of_logins_the_user_of_the_process_counts(
    terminal, monkeypatch, audited, behind
):
    terminal.settings["SPORTELLO_IDENTITY"] = "os"
    monkeypatch.setattr("os.getuid", lambda: 1)
    audited.write_text(behind, encoding="ascii")

    terminal.refused(
        "advance", FIRST, "start_review", "--yes", code="officer.unknown", exit_code=1
    )


def test_who_logged_in_acts_whatever_user_they_became(terminal, monkeypatch, audited):
    terminal.type("officer", "add", "daemon", "--name", "D", "--role", "officer")
    terminal.settings["SPORTELLO_IDENTITY"] = "os"
    terminal.settings["SUDO_USER"] = "bianchi"
    monkeypatch.setattr("os.getuid", lambda: 0)
    audited.write_text("1", encoding="ascii")

    shown = terminal.ask("doctor")

    (identity,) = (check for check in shown["checks"] if check["name"] == "identity")
    assert identity["detail"].startswith("daemon (os): officer")


def test_the_officer_may_be_the_user_of_the_system(terminal, monkeypatch):
    terminal.settings["SPORTELLO_IDENTITY"] = "os"
    monkeypatch.setattr("os.getuid", lambda: 0)
    terminal.settings["SUDO_USER"] = "bianchi"

    shown = terminal.ask("doctor")

    (identity,) = (check for check in shown["checks"] if check["name"] == "identity")
    assert identity["ok"]
    assert identity["detail"].startswith("bianchi (os): administrator")


def test_only_root_may_say_who_is_behind_sudo(terminal, monkeypatch):
    terminal.settings["SPORTELLO_IDENTITY"] = "os"
    terminal.settings["SUDO_USER"] = "bianchi"
    monkeypatch.setattr("os.getuid", lambda: 1)

    said = terminal.refused(
        "advance", FIRST, "start_review", "--yes", code="officer.unknown", exit_code=1
    )

    assert "`daemon`" in said or "`bin`" in said


# --- officers -----------------------------------------------------------------


def test_only_an_administrator_adds_officers(terminal):
    terminal.as_("verdi").refused(
        *("officer", "add", "neri", "--name", "Neri", "--role", "manager"),
        code="role.missing",
        exit_code=1,
    )


def test_the_last_administrator_is_not_retired(terminal):
    terminal.refused(
        "officer", "retire", "bianchi", code="officer.last_administrator", exit_code=1
    )


def test_officers_are_listed_with_their_roles(terminal):
    terminal.type("officer", "retire", "verdi")

    listed = terminal.ask("officer", "list")["officers"]
    text = terminal.type("officer", "list").stdout

    assert [one["login"] for one in listed] == ["bianchi", "verdi"]
    assert [one["retired"] for one in listed] == [False, True]
    assert text.splitlines()[2].split() == [
        "verdi",
        "Ugo",
        "Verdi",
        "-",
        "retired",
        "-",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("two words", "--name", "X", "--role", "officer"),
        ("x" * 65, "--name", "X", "--role", "officer"),
        ("x", "--name", " ", "--role", "officer"),
        ("x", "--name", "X", "--role", "system"),
        ("x", "--name", "X"),
    ],
)
def test_an_officer_is_written_right_or_not_at_all(words, terminal):
    terminal.refused("officer", "add", *words, code="usage", exit_code=2)


# --- doctor -------------------------------------------------------------------


def doctor(terminal: Terminal) -> dict[str, dict[str, object]]:
    checks = terminal.ask("doctor")["checks"]
    assert all(set(check) == {"name", "ok", "detail"} for check in checks)
    return {check["name"]: check for check in checks}


def test_doctor_finds_everything_in_order(terminal):
    terminal.type("log", "anchor")

    checks = doctor(terminal)

    assert all(check["ok"] for check in checks.values()), checks
    assert terminal.type("doctor").exit_code == 0
    assert set(checks) == {
        *("settings", "home", "files", "database", "clock", "identity", "broker"),
        *("triggers", "scheduler", "due", "parked", "jobs", "anchor", "stamp", "mail"),
    }


def test_doctor_goes_on_where_there_is_no_database(bare_terminal):
    checks = doctor(bare_terminal)

    assert not checks["database"]["ok"]
    assert not checks["clock"]["ok"]
    assert checks["settings"]["ok"]
    assert bare_terminal.type("doctor").exit_code == 3


def test_doctor_finds_a_clock_behind_the_register(terminal):
    terminal.settings["SPORTELLO_CLOCK"] = "2026-01-19T10:00:00+01:00"

    checks = doctor(terminal)

    assert not checks["clock"]["ok"]
    assert "set the clock right" in str(checks["clock"]["detail"])


def test_doctor_finds_a_home_that_others_can_enter(terminal):
    terminal.home.chmod(0o755)

    assert not doctor(terminal)["home"]["ok"]


@pytest.mark.parametrize(
    ("name", "mode", "way_out"),
    [
        ("sportello.db", 0o644, "chmod 600"),
        ("sportello.db", 0o660, "chmod 600"),
        ("anchors.jsonl", 0o660, "chmod go-w"),
    ],
)
def test_doctor_finds_a_file_that_is_open_to_others(name, mode, way_out, terminal):
    terminal.type("log", "anchor")
    file = terminal.home / name
    file.chmod(mode)

    check = doctor(terminal)["files"]
    file.chmod(0o640 if name.endswith("jsonl") else 0o600)

    assert not check["ok"]
    assert f"{way_out} {file}" in str(check["detail"])
    assert doctor(terminal)["files"]["ok"]


def test_whatever_the_umask_nobody_else_gets_at_what_init_makes(bare_terminal):
    bare_terminal.home = bare_terminal.home / "of" / "the" / "office"

    made = bare_terminal.run("init", umask=0)

    assert made.returncode == 0, made.stderr
    top = bare_terminal.home.parents[2]
    everything = {top, *top.rglob("*")}
    assert bare_terminal.home / "keys" / "register.pem" in everything
    assert bare_terminal.database in everything
    assert not [path for path in everything if path.stat().st_mode & 0o077]


def test_doctor_finds_a_setting_that_is_misspelt(terminal):
    terminal.settings["SPORTELLO_DATABSE_URL"] = "sqlite:////elsewhere.db"

    checks = doctor(terminal)

    assert not checks["settings"]["ok"]
    assert "SPORTELLO_DATABASE_URL" in str(checks["settings"]["detail"])


def test_doctor_hides_passwords(terminal):
    terminal.settings["SPORTELLO_SMTP_URL"] = "smtps://maria:segreto@mail.example:465"

    shown = terminal.type("doctor").stdout

    assert "smtps://maria:***@mail.example:465" in shown
    assert "segreto" not in shown


def test_doctor_says_when_the_officer_is_unknown(terminal):
    assert not doctor(terminal.as_("ghost"))["identity"]["ok"]


# --- wrong command lines ------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("shw", FIRST),
        ("show",),
        ("show", FIRST, "--colour"),
        ("list", "--state", "nowhere"),
        ("log", "show", "--outcome", "maybe"),
        ("call", "lod", "ctl-2025"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_or_one_document(words, terminal):
    said = terminal.refused(*words, code="usage", exit_code=2)

    assert "sportello" in said


def test_json_may_stand_before_the_command(terminal):
    before = terminal.type("--json", "show", FIRST)
    between = terminal.type("log", "--json", "verify")

    assert json.loads(before.stdout)["protocol"] == FIRST
    assert json.loads(between.stdout)["ok"]


def test_a_database_address_may_name_a_file_elsewhere(terminal, tmp_path):
    elsewhere = tmp_path / "elsewhere.db"
    shutil.copyfile(terminal.database, elsewhere)
    terminal.database.unlink()
    terminal.settings["SPORTELLO_DATABASE_URL"] = f"sqlite:///{elsewhere}"

    assert terminal.ask("show", FIRST)["protocol"] == FIRST
