"""What harm is done to the whole, for a while?

Each tells how often it met something that it could hurt: a harm that met nothing has
tried nothing.
"""

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy import make_url

from tests.faults.soak.towns import Town, connected, soon
from tests.faults.storms import HEARTBEAT, PATIENCE, AtWork, children
from tests.mailservers import CUT

Harm = Callable[[Town, random.Random], int]

_A_MOMENT = timedelta(seconds=5)
_A_WHILE = 20.0
"""Seconds in which something turns up that can be hurt."""


# Processes


def somebody_at_a_machine_is_killed(town: Town, chance: random.Random) -> int:
    for crowd in town.crowds:
        crowd.kill_one(chance)
        town.some_work(2)
    return len(town.crowds)


def a_hand_is_killed(town: Town, chance: random.Random) -> int:
    """One process of a worker: the others go on, and it is replaced."""
    crew = town.crowds[-1]
    return sum(
        soon(lambda: _kept_going(town) and crew.kill_a_hand(chance), within=_A_WHILE)
        for _ in range(2)
    )


def a_machine_is_restarted(town: Town, _chance: random.Random) -> int:
    """As for an upgrade: what was begun is finished, and each ends well."""
    crowd = town.crowds[-1]
    asked = [one for one in crowd.running if one.is_alive()]
    for one in asked:
        one.terminate()
    for one in asked:
        one.join(PATIENCE)
    for one in asked:
        if one.is_alive():  # the log will show what keeps it
            for pid in (one.pid, *children([one.pid])):
                _signalled(pid, signal.SIGUSR1)
    # Where it had not begun to listen, or what it needs is not there, it just ends.
    assert {one.exitcode for one in asked} <= {0, 3, -signal.SIGTERM}, asked
    town.keep_going()
    return sum(one.exitcode == 0 for one in asked)


def somebody_at_a_desk_is_killed(town: Town, chance: random.Random) -> int:
    for _ in range(3):
        town.at_desks.kill_one(chance)
        town.some_work(2)
    return 3


def a_typed_command_is_killed(town: Town, chance: random.Random) -> int:
    killed = 0
    for _ in range(3):
        time.sleep(chance.random())
        killed += soon(lambda: _are_killed(town), within=_A_WHILE)
    return killed


def _are_killed(town: Town) -> bool:
    pids = children([one.pid for one in town.at_desks.running])
    return sum(_signalled(pid, signal.SIGKILL) for pid in pids) > 0


def somebody_falls_asleep(town: Town, chance: random.Random) -> int:
    """Longer than the others believe that it is still at work."""
    crowd = chance.choice([*town.crowds, town.at_desks])
    pid = chance.choice(_all_of(crowd))
    slept = _signalled(pid, signal.SIGSTOP)
    time.sleep(HEARTBEAT * (1 + chance.random()))
    _signalled(pid, signal.SIGCONT)
    return slept


def _kept_going(town: Town) -> bool:
    town.keep_going()
    return True


def _all_of(crowd: AtWork) -> list[int]:
    pids = [one.pid for one in crowd.running]
    return [*pids, *children(pids)]


def _signalled(pid: int, number: signal.Signals) -> bool:
    """Send a signal; tell whether anybody was there to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


# The broker


def the_broker_forgets(town: Town, chance: random.Random) -> int:
    forgot = 0
    with redis.Redis.from_url(town.redis.url) as client:
        for _ in range(3):
            forgot += bool(client.dbsize())
            client.flushall()
            town.some_work(chance.randrange(4))
    return forgot


def the_broker_hangs(town: Town, chance: random.Random) -> int:
    town.redis.freeze()
    time.sleep(chance.uniform(0.3, 2.5))
    town.redis.thaw()
    return 1


def the_broker_is_replaced(town: Town, chance: random.Random) -> int:
    town.redis.kill()
    time.sleep(chance.random())
    town.redis.replace()
    return 1


# The database


def connections_are_cut(town: Town, chance: random.Random) -> int:
    cut = 0
    for _ in range(4):
        for pid in _backends(town, chance):
            if chance.random() < 0.8:
                cut += _is_cut(town, pid)
        time.sleep(chance.random() * 0.4)
    return cut


def _is_cut(town: Town, pid: int) -> bool:
    with _administrator(town) as connection:
        query = "SELECT pg_terminate_backend(%s)"
        (is_cut,) = connection.execute(query, [pid]).fetchone() or (False,)
        return bool(is_cut)


def the_database_is_restarted(town: Town, _chance: random.Random) -> int:
    town.database.crash()
    return 1


def the_database_crashes(town: Town, chance: random.Random) -> int:
    """One of its processes is killed: it ends all others, and recovers."""
    killed = soon(
        lambda: any(
            _signalled(pid, signal.SIGKILL) for pid in _backends(town, chance)[:1]
        ),
        within=_A_WHILE,
    )
    town.some_work(2)
    return killed


def the_disk_of_the_database_is_full(town: Town, chance: random.Random) -> int:
    """Processes of the database find no room, be it for the log or for a table."""
    room = chance.choice((0, 1 << 16, 1 << 20))
    soon(lambda: bool(_backends(town, chance)), within=_A_WHILE)
    full = [pid for pid in _backends(town, chance)[:6] if _has_room(pid, room)]
    town.some_work(4)
    for pid in full:
        _has_room(pid, None)
    return len(full)


def the_disk_of_the_database_is_slow(town: Town, _chance: random.Random) -> int:
    _set_delay(town, 100_000)
    town.some_work(4)
    _set_delay(town, 0)
    return 1


def _set_delay(town: Town, microseconds: int) -> None:
    with _administrator(town) as connection:
        connection.execute("ALTER SYSTEM SET commit_siblings = 0")
        connection.execute(f"ALTER SYSTEM SET commit_delay = {microseconds}")
        connection.execute("SELECT pg_reload_conf()")


def _backends(town: Town, chance: random.Random) -> list[int]:
    with _administrator(town) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s",
            [make_url(town.url).database],
        ).fetchall()
    pids = sorted(pid for (pid,) in rows)
    chance.shuffle(pids)
    return pids


@contextmanager
def _administrator(town: Town) -> Iterator[psycopg.Connection[Any]]:
    with connected(town.database.address) as connection:
        yield connection


# The mail server


def letters_are_refused_for_now(town: Town, chance: random.Random) -> int:
    stages = ("EHLO", "MAIL", "RCPT", "DATA", "TEXT")
    said = []
    for _ in range(8):
        what = chance.choice((CUT, "451 later", "421 later"))
        said.append(("EHLO" if what == CUT else chance.choice(stages), what))
    return _answered(town, said)


def letters_are_refused_for_good(town: Town, _chance: random.Random) -> int:
    no = "550 5.1.1 no such address"
    refused = [(stage, no) for stage in ("RCPT", "DATA", "TEXT")]
    return _answered(town, refused, within=3 * _A_WHILE)


def letters_are_cut_off(town: Town, _chance: random.Random) -> int:
    """After the whole text: nobody can know."""
    return _answered(town, [("TEXT", CUT)] * 4)


def _answered(
    town: Town, said: Iterable[tuple[str, str]], *, within: float = _A_WHILE
) -> int:
    """Have the mail server answer this; return how often it did."""
    answers, prepared = town.mail.answers, list(said)

    def left() -> int:
        return sum(map(len, answers.values()))

    for stage, what in prepared:
        answers[stage].append(what)

    def has_answered() -> bool:
        town.pass_time(_A_MOMENT)  # letters rest until an instant
        return _kept_going(town) and left() < len(prepared)

    soon(has_answered, within=within)
    town.some_work(4)
    answered = len(prepared) - left()
    answers.clear()
    return answered


def the_mail_server_hangs(town: Town, chance: random.Random) -> int:
    span, held = chance.uniform(0.5, 2), []

    def hang(one: object) -> None:
        held.append(one)
        time.sleep(span)

    town.mail.when_it_has_one = hang
    soon(lambda: bool(held), within=_A_WHILE)
    town.some_work(4)
    town.mail.when_it_has_one = lambda _: None
    return len(held)


def the_mail_server_is_away(town: Town, _chance: random.Random) -> int:
    town.mail.stop()
    town.some_work(4)
    town.mail.start()
    return 1


# Disks and clocks


def the_disk_of_a_machine_is_full(town: Town, chance: random.Random) -> int:
    crowd = chance.choice(town.crowds)
    full = sum([_has_room(pid, 0) for pid in _all_of(crowd)])
    town.some_work(6)
    # Whoever was started meanwhile has as little room: parents first, then all.
    for _ in range(2):
        for pid in _all_of(crowd):
            _has_room(pid, None)
    return full


def a_clock_is_wrong(town: Town, chance: random.Random) -> int:
    """On one machine, until another harm finds it."""
    name = chance.choice([machine.name for machine in town.machines])
    wrong = chance.choice((-86_400, -600, -60, 30, 600, 7_200))
    town.skews[name] = timedelta(seconds=wrong)
    town.pass_time(timedelta())
    town.some_work(6)
    return 1


def a_clock_that_counts_runs_ahead(town: Town, chance: random.Random) -> int:
    """Whoever goes by it may write nothing, and says so; the others go on."""
    (name,) = [machine.name for machine in town.machines if machine.counts]
    told = _refused_for_their_clock(town)
    _come_near_to_what_is_due(town)
    town.skews[name] = timedelta(seconds=chance.choice((30, 7_200, 7_200)))
    town.pass_time(timedelta())
    soon(lambda: _refused_for_their_clock(town) > told, within=_A_WHILE)
    town.some_work(4)
    del town.skews[name]
    town.pass_time(timedelta())
    return _refused_for_their_clock(town) - told


def _come_near_to_what_is_due(town: Town) -> None:
    """Have something be due by a clock that is two hours ahead, and by no other."""
    query = "SELECT min(next_check) - %(now)s FROM terms WHERE next_check > %(now)s"
    now = (town.now - _EPOCH) // timedelta(microseconds=1)
    with connected(town.url) as connection:
        (left,) = connection.execute(query, {"now": now}).fetchone() or (None,)
    if left is not None and (span := timedelta(microseconds=left)) < _NEAR:
        town.pass_time(span - timedelta(hours=1))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEAR = timedelta(days=12)


def _refused_for_their_clock(town: Town) -> int:
    return (town.folder / "log").read_bytes().count(b'"clock.ahead"')


def all_clocks_go_back(town: Town, chance: random.Random) -> int:
    town.pass_time(-timedelta(hours=chance.choice((1, 3, 30))))
    town.some_work(6)
    return 1


def much_time_passes_unnoticed(town: Town, chance: random.Random) -> int:
    town.pass_time(timedelta(days=chance.choice((30, 40))))
    town.some_work(6)
    return 1


def _has_room(pid: int, size: int | None) -> bool:
    """Let a process write no file beyond a size, or of any again.

    Tells whether there was such a process. That of another user is told by a program
    that runs as that user: nobody else may, not even root in every container.
    """
    try:
        owner = Path(f"/proc/{pid}").stat()
    except FileNotFoundError:
        return False
    if owner.st_uid == os.geteuid():
        with suppress(ProcessLookupError):
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            room = most if size is None else size
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, most))
            return True
        return False
    said = "unlimited" if size is None else size
    done = subprocess.run(
        ["prlimit", f"--pid={pid}", f"--fsize={said}:"],
        user=owner.st_uid,
        group=owner.st_gid,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0 or not Path(f"/proc/{pid}").exists(), done.stderr
    return done.returncode == 0


HARMS: tuple[Harm, ...] = (
    somebody_at_a_machine_is_killed,
    a_hand_is_killed,
    a_machine_is_restarted,
    somebody_at_a_desk_is_killed,
    a_typed_command_is_killed,
    somebody_falls_asleep,
    the_broker_forgets,
    the_broker_hangs,
    the_broker_is_replaced,
    connections_are_cut,
    the_database_is_restarted,
    the_database_crashes,
    the_disk_of_the_database_is_full,
    the_disk_of_the_database_is_slow,
    letters_are_refused_for_now,
    letters_are_refused_for_good,
    letters_are_cut_off,
    the_mail_server_hangs,
    the_mail_server_is_away,
    the_disk_of_a_machine_is_full,
    a_clock_is_wrong,
    a_clock_that_counts_runs_ahead,
    all_clocks_go_back,
    much_time_passes_unnoticed,
)
