"""Does a rehearsal play the opening as it would be, and leave no trace?"""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from config.loader import shipped
from tests.builders import CTL
from tests.editions import edited, together
from tests.terminals import Terminal

URLS = ["sqlite", "postgresql"]
PATIENCE = 60


@pytest.fixture(params=URLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Terminal:
    """Sit at a terminal whose database is on one of the two."""
    if request.param == "sqlite":
        return Terminal(tmp_path)
    server = request.getfixturevalue("postgres_server")
    return Terminal(tmp_path, {"SPORTELLO_DATABASE_URL": server})


def played(terminal: Terminal, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = terminal.ask("rehearse", *arguments)
    return document


def scratches(terminal: Terminal) -> list[str]:
    """Name the scratch databases that there are at the place of the terminal."""
    url = terminal.settings.get("SPORTELLO_DATABASE_URL")
    if url is None:
        return [one.name for one in terminal.home.rglob("*") if "rehears" in one.name]
    with asked(url) as names:
        found = names("SELECT datname FROM pg_database WHERE datname ~ 'rehears'")
        return list(found.scalars())


@contextmanager
def asked(url: str) -> Iterator[Any]:
    """Ask a server, or tell it something, outside of any transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as connection:
        yield connection.exec_driver_sql
    engine.dispose()


def test_everybody_is_answered_in_order_until_the_money_is_gone(terminal):
    felt = played(terminal, "competenze-innovazione-2025", "--applications", "215")

    # 7 million in parts of 50,000, and half as much again for those who wait.
    assert felt["covered"] == 140
    assert felt["placed"] == 210
    assert sum(felt["refused"].values()) == 5
    assert felt["exhausted_after_seconds"] > 0
    assert (felt["requested"], felt["requested_by"]) == ("50000.00", "cap")
    assert felt["ok"]
    # The instants of the register are those of the schedule, and the first is 0.001.
    assert 0 < felt["last_instant_after_seconds"] <= felt["seconds"] + 0.01
    assert 0 < felt["instants"] <= felt["placed"]
    assert felt["ties"] == 0 or felt["instants"] < felt["placed"]
    assert (felt["clock"], felt["clock_of_call"]) == ("register", "portal")
    assert felt["beside"]


def test_it_says_who_is_in_which_order_what_each_asks_for_and_where(tmp_path: Path):
    plain = Terminal(tmp_path).type("rehearse", "ctl-2025", "--applications", "3")

    assert plain.exit_code == 0
    each = "10000.00 each: 1/100 of the allocation, as the call has no cap"
    assert each in plain.stdout
    assert "  order      as they came to us" in plain.stdout
    assert "by our clock; on the day by the portal's\n" in plain.stdout
    assert f"  in         {tmp_path.resolve()}\n" in plain.stdout
    assert plain.stderr == ""
    lines = [one for one in plain.stdout.splitlines() if str(tmp_path) not in one]
    assert max(map(len, lines)) <= 95


def test_it_says_loudly_that_it_is_not_where_the_real_database_is(tmp_path: Path):
    nowhere = {"SPORTELLO_DATABASE_URL": f"sqlite:///{tmp_path}/typo/sportello.db"}

    told = Terminal(tmp_path, nowhere).type(
        *("rehearse", "ctl-2025", "--applications", "1", "--json")
    )

    document = json.loads(told.stdout)
    assert "Warning: the folder of the real database is not there" in told.stderr
    assert document["place"] in told.stderr
    assert not document["beside"]


@pytest.mark.parametrize("call", ["ctl-2025", CTL])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:s3c@r3t:s3cr3t@127.0.0.1:1/db",
        "postgresql://bob:s3cr3t@[::1/db",
        "postgresql://bob:s3cr3t@h:port/db",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(
    call, url, tmp_path: Path
):
    terminal = Terminal(tmp_path, {"SPORTELLO_DATABASE_URL": url})

    said = terminal.refused("rehearse", call, code="settings.invalid", exit_code=2)

    assert "SPORTELLO_DATABASE_URL" in said
    assert "r3t" not in said


def test_a_database_that_cannot_be_used_is_no_unknown_call(tmp_path: Path):
    dead = {"SPORTELLO_DATABASE_URL": "postgresql://127.0.0.1:1/db"}
    terminal = Terminal(tmp_path)
    assert terminal.type("init", "--rehearsal").exit_code == 0

    terminal.query("UPDATE alembic_version SET version_num = '0003'")
    terminal.refused("rehearse", CTL, code="database.older", exit_code=3)
    terminal.database.write_bytes(b"no database at all, " * 100)
    terminal.refused("rehearse", CTL, code="database.damaged", exit_code=3)
    gone = Terminal(tmp_path, dead)
    gone.refused("rehearse", CTL, code="database.unreachable", exit_code=3)


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path):
    terminal = Terminal(tmp_path, {"SPORTELLO_DATABASE_URL": "sqlite:////proc/x.db"})

    said = terminal.refused(
        "rehearse", "ctl-2025", code="database.unreachable", exit_code=3
    )

    assert "nothing can be written in /proc" in said


def test_one_that_a_killed_rehearsal_has_left_is_in_nobodys_way(
    postgres_server, tmp_path
):
    left = f"sportello_rehearsal_{os.getpid()}"
    terminal = Terminal(tmp_path, {"SPORTELLO_DATABASE_URL": postgres_server})

    with asked(postgres_server) as tell:
        tell(f'CREATE DATABASE "{left}"')
        try:
            felt = played(terminal, "ctl-2025", "--applications", "1")
        finally:
            tell(f'DROP DATABASE "{left}"')

    assert felt["ok"]


@pytest.mark.parametrize(
    ("terminal", "number"),
    [
        ("sqlite", signal.SIGINT),
        ("sqlite", signal.SIGTERM),
        ("postgresql", signal.SIGTERM),
    ],
    indirect=["terminal"],
)
def test_whoever_interrupts_it_is_told_that_nothing_is_left(terminal, number):
    # They would come for a thousand seconds, and nobody waits for them.
    words = ("rehearse", "ctl-2025", "--applications", "1000", "--rate", "1")
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with terminal.start(*words, **piped) as process:
        try:
            patient = time.monotonic() + PATIENCE
            while not scratches(terminal) and time.monotonic() < patient:
                time.sleep(0.05)
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()

    assert process.returncode == 128 + number
    assert (out, err) == (
        "",
        "Stopped: the scratch database is gone, nothing is left behind\n",
    )
    assert not scratches(terminal)


@pytest.mark.parametrize("terminal", ["sqlite"], indirect=True)
def test_it_ends_with_the_window_in_which_it_runs_and_leaves_nothing(terminal):
    words = ("rehearse", "ctl-2025", "--applications", "1000", "--rate", "1")
    window, inside = pty.openpty()
    streams = {"stdin": inside, "stdout": inside, "stderr": inside}
    with terminal.start(*words, **streams, start_new_session=True) as process:
        try:
            os.close(inside)
            patient = time.monotonic() + PATIENCE
            while not scratches(terminal) and time.monotonic() < patient:
                time.sleep(0.05)
            os.close(window)
            process.send_signal(signal.SIGHUP)
            process.wait(PATIENCE)
        finally:
            process.kill()

    assert process.returncode > 0  # by itself; nobody is left to be told
    assert not scratches(terminal)


@pytest.mark.parametrize("call", shipped())
def test_whatever_its_family_the_opening_of_a_call_is_played(call, tmp_path: Path):
    felt = played(Terminal(tmp_path), call, "--applications", "3")

    gives_in_order = call in {"ctl-2025", "competenze-innovazione-2025"}
    assert (felt["placed"], felt["refused"], felt["ok"]) == (3, {}, True)
    assert felt["covered"] == (3 if gives_in_order else 0)


LISTED = """
[[lists]]
call = "RLO12022099901"
effect = "require"
as_of = "opening"
source = "assumed"
basis = "a test"
"""


def test_anybody_may_apply_with_as_many_others_as_the_call_wants(tmp_path: Path):
    call = together(tmp_path, minimum=3, minimum_firms=4, invited=True)
    call.write_text(call.read_text(encoding="utf-8") + LISTED, encoding="utf-8")

    felt = played(Terminal(tmp_path), str(call), "--applications", "3")

    assert (felt["placed"], felt["refused"]) == (3, {})


def test_one_in_which_nobody_is_taken_in_is_no_success(tmp_path: Path):
    opens = "opens_at = 2026-01-20T10:00:00"
    closes = "closes_at = 2026-03-05T16:00:00"
    at_once = "closes_at = 2026-01-20T10:00:00.000001"
    call = edited(tmp_path, (closes, at_once))
    assert opens in call.read_text(encoding="utf-8")
    terminal = Terminal(tmp_path)
    words = ("rehearse", str(call), "--applications", "3")

    plain = terminal.type(*words)
    answered = terminal.type(*words, "--json")

    told = "Error [rehearsal.nobody_placed]: nobody was taken in: 3 [window.too_late]"
    assert (plain.exit_code, answered.exit_code) == (1, 1)
    assert told in plain.stderr
    assert "NOBODY" in plain.stdout
    assert "order" not in plain.stdout
    assert "after the opening" not in plain.stdout
    (document,) = map(json.loads, answered.stdout.splitlines())
    assert (document["ok"], document["placed"]) == (False, 0)
    assert document["refused"] == {"window.too_late": 3}


def test_it_leaves_nothing_behind(terminal):
    played(terminal, "ctl-2025", "--applications", "3", "--requested", "10.00")

    assert not scratches(terminal)


def test_an_unknown_call_and_an_amount_that_cannot_be_are_refused(tmp_path: Path):
    terminal = Terminal(tmp_path)

    unknown = terminal.type("rehearse", "nothing")
    too_much = terminal.type("rehearse", "ctl-2025", "--requested", "1000000.01")
    nothing = terminal.type("rehearse", "filiere-2022", "--requested", "1.00")

    assert [one.exit_code for one in (unknown, too_much, nothing)] == [2, 2, 2]
    assert "nor the code of a call that is loaded" in unknown.output
    assert "at most 1000000.00" in too_much.output
    assert "gives no money: leave --requested out" in nothing.output
