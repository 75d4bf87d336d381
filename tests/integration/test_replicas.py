"""Can auditors be sent to a replica of the database, and what do they learn there?"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from config.exports import verify
from models.session import DatabaseUnavailableError, reading
from tests.builders import CTL, OPENING, Office, office
from tests.integration.test_grants import as_, connect, run
from tests.integration.test_relay import until
from tests.played import sealing
from tests.servers import fresh_postgres, running
from tests.terminals import Terminal
from workflow.services import anchoring, rights
from workflow.services.rights import Roles

FIRST = "2026/0000001"
ROLES = Roles("replica_app", "replica_audit")
AUDITOR = "corte"


@dataclass(frozen=True)
class Pair:
    """A database, in which somebody works, and its replica."""

    primary: str
    replica: str
    home: Path

    @contextmanager
    def at_work(self, *, hours: int) -> Iterator[Office]:
        """Open the office on the primary, so long after the opening."""
        with office(self.primary, at=OPENING + timedelta(hours=hours)) as opened:
            yield sealing(opened, self.home)

    def terminal(self, login: str = "postgres", **settings: str) -> Terminal:
        """Sit at a terminal on the replica, without the key, as an auditor does."""
        usual = {
            "SPORTELLO_DATABASE_URL": as_(self.replica, login),
            "SPORTELLO_CLOCK": (OPENING + timedelta(hours=9)).isoformat(),
            "SPORTELLO_OFFICER": "bianchi",
            "SPORTELLO_IDENTITY": "declared",
        }
        return Terminal(self.home / "elsewhere", {**usual, **settings})

    def catch_up(self) -> None:
        """Wait until the replica knows everything."""
        end = ask(
            self.primary, "SELECT pg_logical_emit_message(false, 'test', '', true)"
        )
        until(lambda: ask(self.replica, f"SELECT pg_last_wal_replay_lsn() >= '{end}'"))


def ask(url: str, query: str) -> Any:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture(scope="module")
def pair(
    postgres_server: str,
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    """Give a database with some work in it, and a replica that follows it."""
    home = tmp_path_factory.mktemp("pair")
    try:
        with fresh_postgres(postgres_server, postgres_template) as url:
            with office(url) as opened:
                rights.grant(opened.desk, ROLES)
            run(url, f"CREATE ROLE {AUDITOR} LOGIN IN ROLE {ROLES.auditor}")
            with running("replica", of=postgres_server) as server:
                there = make_url(server).set(database=make_url(url).database)
                made = Pair(url, there.render_as_string(hide_password=False), home)
                with made.at_work(hours=0) as work:
                    work.file(0)
                    anchoring.seal(work.desk)
                yield made
    finally:
        for role in (AUDITOR, ROLES.application, ROLES.auditor):
            run(postgres_server, f"DROP ROLE IF EXISTS {role}")


def test_a_replica_answers_whoever_reads_and_refuses_whoever_writes(pair: Pair):
    pair.catch_up()
    terminal = pair.terminal()

    for words in (
        ("log", "verify"),
        ("log", "show", FIRST),
        ("show", FIRST),
        ("show", FIRST, "--as-of", "2026-01-20T10:00"),
        ("explain", "turn", FIRST),
        ("queue", CTL),
        ("report", CTL),
    ):
        typed = terminal.type(*words)
        assert typed.exit_code == 0, (words, typed.output)
    written = (
        ("advance", FIRST, "start_review", "--yes"),
        ("officer", "add", "neri", "--name", "N", "--role", "officer"),
    )
    for command in written:
        terminal.refused(*command, code="database.read_only", exit_code=3)


@pytest.mark.parametrize("login", [AUDITOR, "postgres"])
def test_an_export_of_a_replica_says_that_the_register_does_not_know_of_it(
    pair: Pair, login: str, tmp_path: Path
):
    """Whoever takes it: on a replica also they cannot enter it who may elsewhere."""
    pair.catch_up()
    terminal = pair.terminal(login, SPORTELLO_OFFICER="controller")
    words = ("log", "export", CTL, "--to", str(tmp_path / "audit"))

    terminal.refused(*words, code="export.only_read", exit_code=1)
    made = terminal.ask(*words, "--without-entry")
    _, report = verify.verify(tmp_path / "audit", key=None, own=None)

    assert (made["ok"], made["entry"]) == (True, None)
    assert not report.kinds
    assert any("only read the register" in told for told in report.notes)
    assert terminal.type("log", "verify").exit_code == 0


def test_a_replica_that_lags_is_only_shorter_but_for_the_anchors(pair: Pair):
    pair.catch_up()
    alone = pair.terminal(AUDITOR)
    beside = pair.terminal(AUDITOR, SPORTELLO_ANCHORS=str(pair.home / "anchors.jsonl"))
    before = _verified(alone)

    with _behind(pair):
        with pair.at_work(hours=1) as work:
            work.file(1)
            anchoring.seal(work.desk)
        late, compared = _verified(alone), _verified(beside)
    pair.catch_up()

    assert late == before
    assert (before[0], compared[0]) == (0, 5)
    assert "holds 1 anchor(s) more than the database" in compared[2]
    (exit_code, entries, _), again = _verified(alone), _verified(beside)
    assert (exit_code, entries > before[1], again[0]) == (0, True, 0)


def _verified(terminal: Terminal) -> tuple[int, int, str]:
    """Return how it ended, how many entries there were, and what was wrong."""
    typed = terminal.type("log", "verify", "--json")
    told = json.loads(typed.stdout)
    (call,) = [one for one in told["calls"] if one["call"] == CTL]
    return typed.exit_code, call["entries"], str(told["anchors"]["faults"])


@contextmanager
def _behind(pair: Pair) -> Iterator[None]:
    """Keep the replica as it is meanwhile."""
    run(pair.replica, "SELECT pg_wal_replay_pause()")
    paused = "SELECT pg_get_wal_replay_pause_state() = 'paused'"
    until(lambda: ask(pair.replica, paused))
    try:
        yield
    finally:
        run(pair.replica, "SELECT pg_wal_replay_resume()")


def test_what_a_replica_ends_in_order_to_follow_is_told_in_words(pair: Pair):
    pair.catch_up()

    with _in_haste(pair), office(pair.replica) as opened:
        with pytest.raises(DatabaseUnavailableError) as error:
            _read_too_long(opened, pair)
        again = opened.verified()

    assert (error.value.code, again) == ("database.cancelled", True)
    assert "keep up with its primary" in error.value.message


@contextmanager
def _in_haste(pair: Pair) -> Iterator[None]:
    """Have the replica wait for no reader meanwhile."""
    delay, heeded = "max_standby_streaming_delay", "SELECT pg_reload_conf()"
    run(pair.replica, f"ALTER SYSTEM SET {delay} = 0", heeded)
    try:
        yield
    finally:
        run(pair.replica, f"ALTER SYSTEM RESET {delay}", heeded)


def _read_too_long(work: Office, pair: Pair) -> None:
    """Read on, after what was seen at first was taken away."""
    look = text("SELECT count(*) FROM calls")
    with reading(work.desk.engine) as session:
        session.execute(look)
        run(pair.primary, "UPDATE calls SET filed = filed", "VACUUM calls")
        pair.catch_up()
        session.execute(look)


def test_what_a_replica_never_heard_of_is_missing_when_it_takes_the_place(
    pair: Pair, postgres_server: str
):
    with running("replica", of=postgres_server) as server:
        database = make_url(pair.primary).database
        there = make_url(server).set(database=database)
        heir = Pair(
            pair.primary, there.render_as_string(hide_password=False), pair.home
        )
        heir.catch_up()
        run(heir.replica, "ALTER SYSTEM SET primary_conninfo = ''")
        run(heir.replica, "SELECT pg_reload_conf()")
        until(
            lambda: ask(heir.replica, "SELECT count(*) FROM pg_stat_wal_receiver") == 0
        )
        with heir.at_work(hours=2) as work:
            work.file(2)
            anchoring.seal(work.desk)
        run(heir.replica, "SELECT pg_promote()")
        lines = str(heir.home / "anchors.jsonl")
        alone, beside = (
            _verified(heir.terminal(**more))
            for more in ({}, {"SPORTELLO_ANCHORS": lines})
        )
        heir_of_all = heir.terminal(SPORTELLO_OFFICER="rossi")
        moved = heir_of_all.type("advance", FIRST, "start_review", "--yes")

    assert (alone[0], beside[0]) == (0, 5)
    assert "holds 1 anchor(s) more than the database" in beside[2]
    assert moved.exit_code == 0, moved.output
