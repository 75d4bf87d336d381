"""Does the database itself keep everybody from what their role may not do?"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import CheckViolation, InsufficientPrivilege
from sqlalchemy import make_url
from sqlmodel import SQLModel

from config.exports import verify
from models import rights as policy
from models.tables import APPEND_ONLY
from models.vocabulary import Role
from tests.builders import CTL, Office, furnish, office, submission
from tests.contents import entries
from tests.integration.test_relay import until
from tests.integration.test_workers import answer, push
from tests.played import play, sealing
from tests.servers import fresh_postgres
from tests.terminals import FIRST, Terminal
from workers import broker as brokers
from workflow.desk import Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.services import log, officers, rights
from workflow.services.rights import APPLICATION, AUDITOR, Roles

OWNER = "keeper"
"""Who owns the tables: no superuser."""
LOGINS = {"rossi": APPLICATION, "controller": AUDITOR}
"""Of persons: each is a member of the role in which they connect."""
TABLES = sorted(SQLModel.metadata.tables)


def connect(url: str) -> closing[Connection[Any]]:
    """Connect as a person with a database client would."""
    address = make_url(url).set(drivername="postgresql")
    shown = address.render_as_string(hide_password=False)
    return closing(psycopg.connect(shown, autocommit=True))


def run(url: str, *statements: str) -> None:
    """Carry statements out."""
    with connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def as_(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give where the key and the anchors of that database are."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def template(postgres_server: str, home: Path) -> Iterator[str]:
    """Give the name of a database with roles, in which somebody has worked."""
    run(postgres_server, f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
    try:
        with fresh_postgres(postgres_server) as url:
            run(url, f'ALTER DATABASE "{make_url(url).database}" OWNER TO {OWNER}')
            furnish(as_(url, OWNER))
            with office(as_(url, OWNER)) as opened:
                rights.grant(opened.desk, Roles())
            for login, role in LOGINS.items():
                run(url, f"CREATE ROLE {login} LOGIN IN ROLE {role}")
            with office(as_(url, "rossi")) as opened:
                by_login = Identity(IdentityKind.DATABASE, None)
                desk = replace(opened.desk, identity=by_login)
                play(sealing(Office(desk, opened.clock), home))
            yield str(make_url(url).database)
    finally:
        for role in (*LOGINS, APPLICATION, AUDITOR, OWNER):
            run(postgres_server, f"DROP ROLE IF EXISTS {role}")


@pytest.fixture
def url(postgres_server: str, template: str) -> Iterator[str]:
    """Give a database with roles of this test's own, as the server's administrator."""
    with fresh_postgres(postgres_server, template) as address:
        run(address, f'ALTER DATABASE "{make_url(address).database}" OWNER TO {OWNER}')
        yield address


@pytest.fixture(scope="module")
def kept(postgres_server: str, template: str) -> Iterator[str]:
    """Give a database with roles in which everything that is tried is refused."""
    with fresh_postgres(postgres_server, template) as address:
        yield address


@pytest.fixture
def owner(url: str) -> Iterator[Office]:
    with office(as_(url, OWNER)) as opened:
        yield opened


def refused_by_database(url: str, *statements: str) -> None:
    """Try each of them; it is the database that says no, before any trigger does."""
    with connect(url) as connection:
        for statement in statements:
            try:
                connection.execute(statement.encode())
            except InsufficientPrivilege:
                continue
            pytest.fail(f"not refused: {statement}")


# --- what is refused, whoever writes the statement ----------------------------


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_nobody_who_works_or_reads_can_change_the_register(kept, table, login):
    column = SQLModel.metadata.tables[table].columns.keys()[-1]

    refused_by_database(
        as_(kept, login),
        f"UPDATE {table} SET {column} = {column}",  # noqa: S608 - ours
        f"DELETE FROM {table}",  # noqa: S608 - ours
        f"TRUNCATE {table}",
        f"TRUNCATE {table} CASCADE",
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only",
        f"ALTER TABLE {table} DROP COLUMN {column}",
        f"ALTER TABLE {table} OWNER TO {login}",
        f"DROP TRIGGER {table}_append_only ON {table}",
        f"CREATE TRIGGER x BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_change()",
        f"CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"DROP TABLE {table} CASCADE",
        f"ALTER TABLE {table} RENAME TO other",
    )


@pytest.mark.parametrize("login", LOGINS)
def test_nobody_who_works_or_reads_gets_around_it(kept, login):
    refused_by_database(
        as_(kept, login),
        "SET session_replication_role = replica",
        f"SET ROLE {OWNER}",
        f"SET SESSION AUTHORIZATION {OWNER}",
        f"ALTER ROLE {login} SUPERUSER",
        f"GRANT {OWNER} TO {login}",
        "DROP FUNCTION refuse_change() CASCADE",
        "ALTER FUNCTION refuse_change() RENAME TO other",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TABLE mine (id int)",
        "UPDATE installation SET rehearsal = true",
        "UPDATE installation SET created_at = 0",
        "INSERT INTO installation (id, rehearsal, created_at) VALUES (2, true, 0)",
        "DELETE FROM installation",
        "UPDATE alembic_version SET version_num = '0001'",
        "UPDATE acts SET number = '2'",
        "UPDATE draws SET seed = '2'",
        *(f"TRUNCATE {table} CASCADE" for table in TABLES),
        *(f"DELETE FROM {table}" for table in TABLES if table not in policy.ERASABLE),  # noqa: S608 - ours
    )


def test_the_one_column_that_is_locked_can_have_no_other_value(kept):
    with (
        connect(as_(kept, "rossi")) as connection,
        pytest.raises(CheckViolation),
    ):
        connection.execute("UPDATE installation SET id = 2")


def test_an_auditor_writes_nothing_and_reads_nothing_of_who_applied(kept):
    reader = as_(kept, "controller")

    refused_by_database(
        reader,
        *(f"INSERT INTO {table} DEFAULT VALUES" for table in TABLES),
        *(f"DELETE FROM {table}" for table in TABLES),  # noqa: S608 - ours
        *(f"SELECT * FROM {table} LIMIT 1" for table in policy.WITHHELD),  # noqa: S608 - ours
        *(
            f"SELECT {column} FROM notices"  # noqa: S608 - ours
            for column in ("recipient", "subject", "body", "*")
        ),
        "UPDATE installation SET id = id",
        "SELECT 1 FROM entries FOR UPDATE",
        "SELECT pg_read_file('/etc/passwd')",
    )
    with connect(reader) as connection:
        for table in policy.AUDITED:
            connection.execute(f"SELECT * FROM {table}".encode())  # noqa: S608 - ours
        told = connection.execute("SELECT digest, status FROM notices").fetchall()
    assert told


def test_every_table_is_either_audited_or_withheld():
    parts = (policy.AUDITED, policy.AUDITED_IN_PART.keys(), policy.WITHHELD)

    assert sorted(name for part in parts for name in part) == TABLES
    assert policy.ERASABLE.isdisjoint(policy.WRITTEN_ONCE)
    assert set(TABLES) >= policy.ERASABLE | policy.WRITTEN_ONCE


# --- what goes on -------------------------------------------------------------


def test_commands_and_workers_have_all_that_they_need(kept):
    with office(as_(kept, "rossi")) as opened:
        verified = log.verify(opened.desk)
        moves = entries(opened, event="grant")
        standing = rights.standing(opened.desk)

    assert all(one.ok and not one.unread for one in verified)
    assert [move["actor"]["identity"] for move in moves] == ["database"]
    assert standing == "rossi cannot change it"


@contextmanager
def going_on(seat: Terminal, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run something beside the test, that may not end by itself."""
    pipe = subprocess.PIPE
    process = seat.start(*words, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_intake_workers_and_scheduler_need_no_more_than_the_applications_role(
    url, home, redis_url, tmp_path
):
    shutil.copytree(home, tmp_path / "home")
    seat = Terminal(
        tmp_path / "home",
        {
            "SPORTELLO_DATABASE_URL": as_(url, "rossi"),
            "SPORTELLO_IDENTITY": "database",
            "SPORTELLO_BROKER_URL": redis_url,
            "SPORTELLO_CLOCK": "2026-02-20T12:00:00+01:00",
            "SPORTELLO_LOCK_WAIT": "20",
        },
    )
    lines = [orjson.dumps(submission(number)) for number in (3, 4)]

    def left() -> Any:
        with connect(url) as connection:
            return connection.execute(_STILL_TO_DO).fetchone()

    with (
        closing(brokers.build(redis_url)) as portal,
        going_on(seat, "intake", CTL, "-") as taking,
        going_on(seat, "worker", "--threads", "2", "--json"),
        going_on(seat, "scheduler", "--every", "0.2", "--json"),
    ):
        portal.declare_queue("intake")
        message = push(portal, lines[1], CTL)
        _, told = taking.communicate(lines[0].decode(), timeout=60)
        pushed = answer(portal, message)
        until(lambda: left() == (0, 0, 4))
    with office(as_(url, "rossi")) as opened:
        verified = log.examine(opened.desk)
        expired = entries(opened, event="expire_term")

    assert (taking.returncode, told) == (0, "1 line(s): 1 submitted\n")
    assert pushed["outcome"] == "submitted"
    assert all(one.ok for one in verified.calls)
    assert verified.office.ok
    assert [one.fault[:14] for one in verified.anchors.faults] == ["no anchor from"]
    assert {one["actor"]["id"] for one in expired} == {None}


_STILL_TO_DO = """
SELECT (SELECT count(*) FROM outbox),
    (SELECT count(*) FROM terms WHERE next_check < 1771585200000000),
    (SELECT count(*) FROM anchors)
"""
"""Letters that wait, terms that are due by then, and the anchors there are."""


def test_an_auditor_reads_and_verifies_by_the_command_line(kept, tmp_path):
    (tmp_path / "home").mkdir()
    seat = Terminal(
        tmp_path / "home",
        {
            "SPORTELLO_DATABASE_URL": as_(kept, "controller"),
            "SPORTELLO_IDENTITY": "database",
            "SPORTELLO_CLOCK": "2026-01-22T12:00:00+01:00",
        },
    )

    verified = seat.type("log", "verify")
    as_json = seat.ask("log", "verify")
    reported = seat.ask("report", CTL)
    read = [
        seat.type("log", "show", *words)
        for words in ((), (CTL,), (FIRST,), ("--actor", "rossi"))
    ]

    assert verified.exit_code == 0, verified.output
    assert "letter(s) not compared" in verified.stdout
    (call,) = [one for one in as_json["calls"] if one["call"] == CTL]
    assert call["ok"]
    assert (call["unread_letters"] > 0, call["erased_letters"]) == (True, 0)
    assert reported["total"]["money"]["grants"] == 1
    assert [one.exit_code for one in read] == [0] * 4
    assert all("rossi" in one.stdout for one in read)
    for asked in _READING:
        shown = seat.type(*asked)
        assert shown.exit_code == 0, (asked, shown.output)
    kept_until = seat.ask("retention", CTL)
    assert (kept_until["personal_data"], kept_until["possible"]) == (None, False)
    assert "may not read who applied" in seat.type("retention", CTL).stdout
    for words in (("show", FIRST), ("list",), ("log", "anchor")):
        said = seat.refused(*words, code="database.not_allowed", exit_code=1)
        assert "permission denied for table" in said
    again = seat.type("init")  # where all is there it changes nothing
    assert again.exit_code == 0, again.output


GRANTED = "2026/0000002"
_READING = (
    ("log", "verify", CTL),
    ("log", "show", CTL, "--as-of", "2026-01-21"),
    ("call", "show", CTL),
    ("call", "show", CTL, "--as-of", "2026-01-21"),
    ("call", "history", CTL),
    ("queue", CTL, "--as-of", "2026-01-21"),
    ("show", GRANTED, "--as-of", "2026-01-21"),
    ("log", "diff", "2026-01-20", "2026-01-21"),
    ("log", "diff", "2026-01-20", "2026-01-21", GRANTED),
    ("explain", "entry", f"{CTL}#9"),
    ("explain", "turn", GRANTED),
    ("explain", "money", CTL),
    ("explain", "aid", GRANTED),
    ("terms", GRANTED),
    ("officer", "list", "--at", "2026-01-20"),
    ("officer", "history"),
)
"""What an auditor asks, beside what is tried above."""


def test_an_auditor_who_only_reads_takes_an_export_that_says_so(kept, tmp_path):
    (tmp_path / "home").mkdir()
    settings = {
        "SPORTELLO_IDENTITY": "database",
        "SPORTELLO_CLOCK": "2026-01-22T12:00:00+01:00",
    }
    seat = Terminal(
        tmp_path / "home",
        {**settings, "SPORTELLO_DATABASE_URL": as_(kept, "controller")},
    )
    writer = Terminal(
        tmp_path / "home", {**settings, "SPORTELLO_DATABASE_URL": as_(kept, "rossi")}
    )
    folder = tmp_path / "audit"
    words = ("log", "export", CTL, "--to", str(folder))

    said = seat.refused(*words, code="export.only_read", exit_code=1)
    before = entry_count(kept)
    made = seat.ask(*words, "--without-entry")
    _, report = verify.verify(folder, key=None, own=folder / "anchors.jsonl")
    again = ("log", "export", CTL, "--to", str(tmp_path / "more"), "--without-entry")
    other = writer.refused(*again, code="export.entered", exit_code=1)

    assert "--without-entry" in said
    assert (made["ok"], made["entry"]) == (True, None)
    assert not report.kinds
    assert [told for told in report.notes if "only read the register" in told]
    assert "leave out --without-entry" in other
    assert entry_count(kept) == before


DOCS = Path(__file__).parents[2] / "docs"
_IN_ENGLISH = {
    "UTENZA": "LOGIN",
    "CHIAVE": "KEY",
    "BANDO": "CALL",
    "DOMANDA": "APP",
    "mia-copia-delle-ancore": "my-copy-of-anchors",
}


def first_commands(guide: str) -> list[str]:
    """Return the commands with which a guide begins."""
    text = (DOCS / guide).read_text(encoding="utf-8")
    section = text.partition("\n## ")[2].partition("\n## ")[0]
    return [line[4:] for line in section.splitlines() if line.startswith("    ")]


def test_whoever_only_reads_does_what_their_guide_begins_with(
    kept, home, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(home / "anchors.jsonl", "my-copy-of-anchors.jsonl")
    (last, *_) = reversed(Path("my-copy-of-anchors.jsonl").read_bytes().splitlines())
    meant = {"KEY": orjson.loads(last)["key"], "CALL": CTL, "APP": GRANTED}
    settings = {
        "SPORTELLO_DATABASE_URL": as_(kept, "controller"),
        "SPORTELLO_IDENTITY": "database",
        "SPORTELLO_CLOCK": "2026-01-22T12:00:00+01:00",
    }
    seat = Terminal(tmp_path / "home", settings)
    set_up, *typed = first_commands("auditors.md")

    italian = "\n".join(first_commands("revisori.md"))
    for word, english in _IN_ENGLISH.items():
        italian = italian.replace(word, english)

    assert italian == "\n".join((set_up, *typed))
    assert all(name in set_up for name in ("SPORTELLO_DATABASE_URL", "=database"))
    for line in typed:
        for word, value in meant.items():
            line = line.replace(word, value)  # noqa: PLW2901 - what is typed in its place
        program, *words = line.split()
        if program == "cd":
            monkeypatch.chdir(words[0])
        elif program == "sportello":
            done = seat.type(*words)
            assert done.exit_code == 0, (line, done.output)
        else:
            subprocess.run([program, *words], check=True, capture_output=True)
    assert len(typed) == 9


def entry_count(url: str) -> Any:
    with connect(url) as connection:
        return connection.execute("SELECT count(*) FROM entries").fetchall()


def test_who_does_not_own_the_tables_is_told_who_brings_them_to_a_new_form(
    url, tmp_path
):
    run(as_(url, OWNER), "UPDATE alembic_version SET version_num = '0003'")
    run(url, f"ALTER ROLE {APPLICATION} LOGIN")
    seat = Terminal(
        tmp_path / "home", {"SPORTELLO_DATABASE_URL": as_(url, APPLICATION)}
    )

    said = seat.refused("init", "--rehearsal", code="init.not_owner", exit_code=1)

    assert "alembic_version" in said
    assert "as that one" in said


# --- giving rights ------------------------------------------------------------


def test_given_once_more_rights_are_the_same_and_nothing_beyond(owner, url):
    run(
        url,
        f"GRANT UPDATE, DELETE ON entries TO {APPLICATION}, PUBLIC",
        f"GRANT SELECT ON applicants TO {AUDITOR}",
        f"REVOKE ALL ON calls FROM {APPLICATION}",
    )

    with pytest.raises(RefusedError) as broken, office(as_(url, "rossi")) as worker:
        rights.standing(worker.desk)
    first = rights.grant(owner.desk, Roles())
    second = rights.grant(owner.desk, Roles())

    assert broken.value.code == "grants.missing"
    assert "SELECT on calls" in broken.value.message
    assert first.statements == second.statements
    with office(as_(url, "rossi")) as worker:
        assert rights.standing(worker.desk) == "rossi cannot change it"
    with office(as_(url, "controller")) as reader:
        assert rights.standing(reader.desk) == "controller reads the register only"
    assert "keeper owns the tables" in rights.standing(owner.desk)


def test_of_a_table_to_come_only_what_every_table_has_is_given(url):
    run(as_(url, OWNER), "CREATE TABLE later (id int)")

    refused_by_database(
        as_(url, "rossi"), "UPDATE later SET id = 1", "DELETE FROM later"
    )
    refused_by_database(as_(url, "controller"), "SELECT * FROM later")
    with connect(as_(url, "rossi")) as connection:
        connection.execute("INSERT INTO later VALUES (1)")
        assert connection.execute("SELECT * FROM later").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("role", "member_of", "code", "said"),
    [
        (OWNER, "", "grants.above", "owner of the tables"),
        ("postgres", "", "grants.above", "superuser"),
        ("climber", OWNER, "grants.above", "become one"),
        ("climber", "pg_write_all_data", "grants.beyond", "UPDATE on acts"),
    ],
)
def test_a_role_from_which_nothing_can_be_kept_is_refused(
    owner, url, role, member_of, code, said
):
    run(url, f"CREATE ROLE climber IN ROLE {member_of}" if member_of else "SELECT 1")
    try:
        with pytest.raises(RefusedError) as error:
            rights.grant(owner.desk, Roles(application=role))
    finally:
        run(url, "DROP ROLE IF EXISTS climber")  # nothing was given to it

    assert error.value.code == code
    assert said in error.value.message


def test_who_may_not_make_roles_is_told_how_somebody_else_does(owner, url):
    named = Roles("another_app", "another_audit")
    run(url, f"ALTER ROLE {OWNER} NOCREATEROLE")
    try:
        with pytest.raises(RefusedError) as error:
            rights.grant(owner.desk, named)
    finally:
        run(url, f"ALTER ROLE {OWNER} CREATEROLE")
    printed = rights.planned(owner.desk, named).statements
    run(url, *printed)

    assert error.value.code == "grants.not_allowed"
    assert "permission denied to create role" in error.value.message
    rights.grant(owner.desk, named)  # they are there now
    run(url, *(f"DROP OWNED BY {role}" for role in ("another_app", "another_audit")))
    run(url, "DROP ROLE another_app, another_audit")


def test_the_command_prints_gives_and_refuses(url, terminal, tmp_path):
    seat = Terminal(tmp_path / "elsewhere", {"SPORTELLO_DATABASE_URL": as_(url, OWNER)})

    printed = seat.type("db", "grants", "--print").stdout
    told = seat.type("db", "grants")
    asked = seat.ask("db", "grants")

    assert printed.splitlines() == [f"{one};" for one in asked["statements"]]
    assert (asked["owner"], asked["application"], asked["auditor"]) == (
        OWNER,
        APPLICATION,
        AUDITOR,
    )
    assert asked["executed"]
    assert f"IN ROLE {APPLICATION}" in told.stdout
    assert json.loads(seat.type("db", "grants", "--print", "--json").stdout) == {
        **asked,
        "executed": False,
    }
    seat.settings["SPORTELLO_DATABASE_URL"] = as_(url, "rossi")
    seat.refused("db", "grants", code="grants.not_owner", exit_code=1)
    said = terminal.refused("db", "grants", code="grants.no_roles", exit_code=1)
    assert "SQLite has no roles" in said
    same = ("db", "grants", "--application", "one", "--auditor", "one")
    seat.refused(*same, code="grants.same_role", exit_code=2)
    for name in ("public", "pg_mine", 'a"b', "", "Capital", "a" * 64):
        seat.refused("db", "grants", "--application", name, code="usage", exit_code=2)


# Who acts


def test_nobody_can_merely_say_who_they_are_where_the_login_counts(url: str):
    with office(as_(url, OWNER)) as opened:
        rights.grant(opened.desk, Roles(identity=IdentityKind.DATABASE))

    with office(as_(url, "rossi")) as opened:  # declares to be somebody
        with pytest.raises(RefusedError) as refusal:
            officers.add(opened.desk, "mole", "Mole", [Role.MANAGER])
        by_login = replace(opened.desk, identity=Identity(IdentityKind.DATABASE, None))
        added = officers.add(by_login, "mole", "Mole", [Role.AUDITOR])

    assert refusal.value.code == "identity.too_weak"
    assert added.login == "mole"


def test_whoever_works_cannot_become_another_officer(url: str):
    refused_by_database(
        as_(url, "rossi"),
        "UPDATE officers SET login = 'x' WHERE login = 'rossi'",
        "UPDATE officers SET created_at = 0",
        "UPDATE installation SET identity = NULL",
    )


def test_a_right_on_one_column_is_found_too(url: str):
    run(url, f"GRANT UPDATE (number) ON acts TO {APPLICATION}")

    with office(as_(url, "rossi")) as opened, pytest.raises(RefusedError) as refusal:
        rights.standing(opened.desk)

    assert "UPDATE (number) on acts" in refusal.value.message
