"""Do the rules of the house bite?

A check that never fails checks nothing: each one is shown a piece of code that
breaks it, and one that does not.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, inspect, make_url, text

from tests.servers import fresh_postgres

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHIPPED = ("commands", "config", "models", "workers", "workflow")


def run(*command: object, cwd: Path, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


# --- shape of the code (ast-grep) ---------------------------------------------


def house_rules_broken(tmp_path: Path, path: str, code: str) -> set[str]:
    shutil.copy(ROOT / "sgconfig.yml", tmp_path)
    shutil.copytree(ROOT / "lint" / "rules", tmp_path / "lint" / "rules")
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")
    result = run(BIN / "ast-grep", "scan", "--json=compact", cwd=tmp_path)
    return {match["ruleId"] for match in json.loads(result.stdout)}


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        ("state-only-by-fire", "workflow/services/a.py", "row.state = State.GRANTED"),
        ("state-only-by-fire", "workflow/services/a.py", "row.state: State = other"),
        ("state-only-by-fire", "workflow/services/a.py", "row.state += 'x'"),
        ("state-only-by-fire", "workflow/services/a.py", "row.state, b = State.A, 1"),
        ("state-only-by-fire", "workflow/services/a.py", "row.state = misfire(a)"),
        ("state-only-by-fire", "commands/a.py", "setattr(row, 'state', new)"),
        (
            "state-only-by-fire",
            "workflow/services/a.py",
            "s.execute(update(Row).where(Row.id == i).values(state=new))",
        ),
        ("transaction-only-in-session", "workflow/services/a.py", "session.commit()"),
        ("transaction-only-in-session", "commands/a.py", "desk.session.rollback()"),
        (
            "no-swallowed-error",
            "workers/a.py",
            "try:\n    f()\nexcept Exception:\n    pass\n",
        ),
        (
            "no-swallowed-error",
            "workers/a.py",
            "try:\n    f()\nexcept (OSError, BaseException) as error:\n    ...\n",
        ),
        (
            "no-swallowed-error",
            "workers/a.py",
            "while x:\n  try: f()\n  except:  # why\n    # no reason\n    continue\n",
        ),
        (
            "no-swallowed-error",
            "workers/a.py",
            "def g():\n  try: f()\n  except Exception:\n    return None\n",
        ),
        ("no-swallowed-error", "workers/a.py", "with suppress(Exception):\n    f()\n"),
    ],
)
def test_code_that_breaks_a_house_rule_is_found(tmp_path, rule, path, code):
    broken = house_rules_broken(tmp_path, path, code)

    assert broken == {rule}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("workflow/services/a.py", "row.state = fire(Event.GRANT, row.state, facts)"),
        ("workflow/services/a.py", "row.state = machine.fire(e, row.state, facts)"),
        ("workflow/services/a.py", "state = row.state\nrow.stated = state"),
        ("workflow/services/a.py", "Row(state=State.DRAFT)"),
        ("workflow/services/a.py", "insert(Row).values(state=State.DRAFT)"),
        ("models/session.py", "session.commit()\nsession.rollback()"),
        ("tests/integration/a.py", "row.state = State.GRANTED\nsession.commit()"),
        ("benchmarks/a.py", "row.state = State.GRANTED"),
        ("workers/a.py", "try:\n    f()\nexcept FileNotFoundError:\n    pass\n"),
        (
            "workers/a.py",
            "try:\n    f()\nexcept Exception:\n    park()\n    raise\n",
        ),
        ("workers/a.py", "with suppress(FileNotFoundError):\n    f()\n"),
    ],
)
def test_code_that_keeps_the_house_rules_is_left_alone(tmp_path, path, code):
    broken = house_rules_broken(tmp_path, path, code)

    assert broken == set()


# --- banned names (ruff) ------------------------------------------------------


def banned(path: str, code: str) -> bool:
    result = run(
        *(BIN / "ruff", "check", "--config", ROOT / "pyproject.toml", "--no-cache"),
        *("--select", "TID251", "--output-format", "concise"),
        *("--stdin-filename", ROOT / path, "-"),
        cwd=ROOT,
        input=code,
    )
    assert result.returncode in {0, 1}, result.stderr
    return "TID251" in result.stdout


CLOCKS_AND_CHANCE = [
    "from datetime import datetime\ndatetime.now()\n",
    "import datetime as dt\ndt.datetime.utcnow()\n",
    "from datetime import date\ndate.today()\n",
    "import time\ntime.time()\n",
    "from uuid import uuid4\n",
    "import uuid\nuuid.uuid1()\n",
    "import random\n",
    "from secrets import token_hex\n",
]


@pytest.mark.parametrize("code", CLOCKS_AND_CHANCE)
@pytest.mark.parametrize(
    "path",
    ["workflow/services/grants.py", "models/tables.py", "cli.py", "tests/unit/a.py"],
)
def test_clocks_and_chance_are_banned_outside_the_ambient(path, code):
    assert banned(path, code)


@pytest.mark.parametrize("code", CLOCKS_AND_CHANCE)
def test_the_ambient_may_use_clocks_and_chance(code):
    assert not banned("workflow/ambient.py", code)


@pytest.mark.parametrize("path", ["commands/queue.py", "workers/relay.py"])
@pytest.mark.parametrize("code", ["import cli\n", "from cli import main\n"])
def test_nothing_imports_the_command_line(path, code):
    assert banned(path, code)


# --- imports point one way (import-linter) ------------------------------------


MODULES = (
    "commands/__init__",
    "config/__init__",
    "config/loader",
    "config/schema",
    "models/__init__",
    "models/session",
    "models/tables",
    "models/vocabulary",
    "workers/__init__",
    "workflow/__init__",
    "workflow/ambient",
    "workflow/anchors/__init__",
    "workflow/desk",
    "workflow/errors",
    "workflow/facts",
    "workflow/filed",
    "workflow/letters/__init__",
    "workflow/machine",
    "workflow/moves/__init__",
    "workflow/register",
    "workflow/reports/__init__",
    "workflow/rules/__init__",
    "workflow/services/__init__",
    "workflow/staff",
    "workflow/verification/__init__",
)


def imports_checked(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return run(
        *(BIN / "lint-imports", "--no-cache"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Build the layout with empty modules: import-linter reads, imports nothing."""
    for module in MODULES:
        path = tmp_path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_the_bare_layout_keeps_every_contract(tree):
    result = imports_checked(tree)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("contract", "path", "code"),
    [
        ("Imports point one way", "models/offender.py", "import config.schema"),
        ("Imports point one way", "config/offender.py", "import workflow.errors"),
        ("Imports point one way", "workflow/desk.py", "import workers"),
        ("Inside workflow", "workflow/rules/offender.py", "import workflow.machine"),
        ("Inside workflow", "workflow/register.py", "import workflow.facts"),
        ("Inside workflow", "workflow/helpers.py", ""),
        ("touch nothing outside", "workflow/anchors/offender.py", "import sqlalchemy"),
        ("touch nothing outside", "workflow/rules/offender.py", "import sqlmodel"),
        ("touch nothing outside", "workflow/facts.py", "import models.tables"),
        ("touch nothing outside", "workflow/moves/offender.py", "import click"),
        ("touch nothing outside", "workflow/letters/offender.py", "import sqlmodel"),
        ("Inside workflow", "workflow/moves/offender.py", "import workflow.letters"),
        ("transitions stays", "workflow/services/offender.py", "import transitions"),
    ],
)
def test_an_import_that_points_the_wrong_way_is_found(tree, contract, path, code):
    (tree / path).write_text(f"{code}\n", encoding="utf-8")

    result = imports_checked(tree)

    broken = [line for line in result.stdout.splitlines() if line.endswith("BROKEN")]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in line for line in broken), result.stdout


# --- locks and packages -------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--find-links /somewhere/wheels",
        "#    uv pip compile /home/somebody/sportello/pyproject.toml",
        "click @ file:///home/somebody/click.whl",
        "click>=8.2",
    ],
)
def test_a_lock_file_with_more_than_pins_and_hashes_is_found(tmp_path, line):
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    with (tmp_path / "requirements.lock").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")

    result = run(sys.executable, ROOT / "lint" / "lock_files.py", tmp_path, cwd=ROOT)

    assert result.returncode == 1
    assert line in result.stdout


def test_the_lock_file_of_a_peer_is_held_to_the_same(tmp_path):
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    peers = tmp_path / "benchmarks" / "peers"
    peers.mkdir(parents=True)
    (peers / "celery.lock").write_text("--index-url https://packages.example/simple\n")

    result = run(sys.executable, ROOT / "lint" / "lock_files.py", tmp_path, cwd=ROOT)

    assert result.returncode == 1
    assert "celery.lock:1" in result.stdout


def test_the_wheel_holds_every_file_of_the_program_and_no_other(tmp_path):
    result = run(
        *(BIN / "hatchling", "build", "--target", "wheel", "--directory", tmp_path),
        cwd=ROOT,
    )

    assert result.returncode == 0, result.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = {
        name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name
    }
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in SHIPPED
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == {"cli.py", *ours}


# --- servers and network ------------------------------------------------------


def test_a_test_database_is_empty_and_can_be_written(database_url):
    engine = create_engine(database_url)

    with engine.begin() as connection:
        before = inspect(connection).get_table_names()
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT n FROM t")) == 1
    engine.dispose()
    assert before == []


def test_a_database_made_from_a_template_holds_what_the_template_holds(
    postgres_server,
):
    with fresh_postgres(postgres_server) as template:
        with psycopg.connect(template.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS n")

        with (
            fresh_postgres(postgres_server, make_url(template).database) as copy,
            psycopg.connect(copy.replace("+psycopg", "")) as connection,
        ):
            found = connection.execute("SELECT n FROM t").fetchone()

    assert found == (7,)


def test_redis_answers(redis_server):
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping()


@pytest.mark.parametrize("kind", ["postgresql", "redis"])
def test_a_server_goes_away_when_the_tests_are_killed(kind):
    script = (
        "import sys; from tests.servers import running\n"
        f"with running({kind!r}) as address: print(address, flush=True); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        port = make_url(tests.stdout.readline().strip()).port
        assert port is not None
        assert _answers(port)

        tests.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 30
    while _answers(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _answers(port)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_test_cannot_reach_the_network():
    # The plugin warns before it raises, and a warning is an error here.
    with pytest.raises((UserWarning, RuntimeError), match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 9), timeout=0.1)
