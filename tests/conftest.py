"""What does every test find ready?"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.util import Finalize
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from sqlalchemy import make_url

from config.logs import log
from models import session
from tests.builders import Office, furnish, office
from tests.engines import create_engine
from tests.servers import fresh_postgres, in_memory, running

HERE = Path(__file__).parent
WITH_SERVERS = (HERE / "integration", HERE / "faults")
_AFTER_POOLS = -200
"""What `multiprocessing` puts there it takes away at -100."""

LOOPBACK = ["127.0.0.1", "::1"]

# Where pytest makes its folders, unless somebody has said it already.
if FOLDERS := in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", FOLDERS)

# A slow machine is not a wrong program: what is slow is measured in benchmarks/.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "night",
    max_examples=int(os.environ.get("NIGHT_EXAMPLES", "2000")),
    stateful_step_count=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
settings.load_profile(PROFILE)
if PROFILE == "ci":
    # It draws constants of whatever of ours is loaded: then a test that is run alone
    # would draw other examples than in the suite, and a new module change those of all.
    vars(providers)["is_local_module_file"] = lambda _: False


def pytest_configure() -> None:
    """Keep whatever tests put aside in one folder, which goes last of all."""
    folder = tempfile.mkdtemp(prefix="sportello-tests-")
    os.environ["TMPDIR"], tempfile.tempdir = folder, None
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=_AFTER_POOLS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open the loopback, and nothing else, to the tests that talk to servers.

    All others have no network at all (pytest-socket, in pyproject.toml).
    """
    for item in items:
        if any(folder in item.path.parents for folder in WITH_SERVERS):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
    # The longest first: none is left over at the end, for one process alone.
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Forget the settings of whoever runs the tests: their database is real."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("SPORTELLO_"):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _log_where_the_test_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the standard error of an earlier test: a log keeps the one it met."""
    monkeypatch.setattr(log, "_inner", None)


@pytest.fixture(scope="session", autouse=True)
def _statements_are_translated_once() -> Iterator[None]:
    """Give every engine of this process what another one has translated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_engine", create_engine)
        yield


@pytest.fixture(scope="session", autouse=True)
def _interruptions_arrive() -> None:
    """Hear Ctrl-C again where whoever started the tests let it be ignored.

    A shell does so with what it starts in the background, and so would every
    program that a test starts and interrupts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run PostgreSQL; the address is that of its administrator.

    One server for each pytest-xdist worker, started by the first test that asks:
    it takes about two seconds, and a worker that copies a template database
    never meets the connection of another.
    """
    with running("postgresql") as address:
        yield address


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Run Valkey, which speaks the protocol of Redis."""
    with running("redis") as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'sportello.db'}"
        return
    with fresh_postgres(request.getfixturevalue("postgres_server")) as address:
        yield address


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Furnish one SQLite database; tests copy the file."""
    path = tmp_path_factory.mktemp("template") / "furnished.db"
    furnish(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Furnish one PostgreSQL database; tests clone it."""
    with fresh_postgres(postgres_server) as address:
        furnish(address)
        yield str(make_url(address).database)


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """Give a folder that is never in memory, for files on which processes are killed.

    In memory they are done too soon: half of the kills would come to nothing.
    """
    with tempfile.TemporaryDirectory(prefix="sportello-tests-") as folder:
        yield Path(folder)


@pytest.fixture
def sqlite_office_url(tmp_path: Path, sqlite_template: Path) -> str:
    """Give the address of a furnished SQLite database of this test's own."""
    path = tmp_path / "sportello.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_office_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """Give the address of a furnished PostgreSQL database of this test's own."""
    with fresh_postgres(postgres_server, postgres_template) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def office_url(request: pytest.FixtureRequest) -> str:
    """Give the address of a furnished database, on each of the two engines."""
    short = "postgres" if request.param == "postgresql" else "sqlite"
    return str(request.getfixturevalue(f"{short}_office_url"))


@pytest.fixture
def work(office_url: str) -> Iterator[Office]:
    """Open the office on the day the call opens, at 10:00 in Rome."""
    with office(office_url) as opened:
        yield opened
