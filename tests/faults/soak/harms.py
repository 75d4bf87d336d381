"""What harm is done to the whole, for a while?"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy import make_url

from tests.faults.soak.towns import Town
from tests.faults.storms import HEARTBEAT, children
from tests.mailservers import CUT

Harm = Callable[[Town, random.Random], None]


# Processes


def somebody_at_a_machine_is_killed(town: Town, chance: random.Random) -> None:
    for crowd in town.crowds:
        crowd.kill_one(chance)
        town.some_work(2)


def somebody_at_a_desk_is_killed(town: Town, chance: random.Random) -> None:
    for _ in range(3):
        town.at_desks.kill_one(chance)
        town.some_work(2)


def a_typed_command_is_killed(town: Town, chance: random.Random) -> None:
    for _ in range(3):
        time.sleep(chance.random())
        for pid in children([one.pid for one in town.at_desks.running]):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def somebody_falls_asleep(town: Town, chance: random.Random) -> None:
    """Longer than the others believe that it is still at work."""
    crowd = chance.choice([*town.crowds, town.at_desks])
    pid = chance.choice([one.pid for one in crowd.running])
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(HEARTBEAT * (1 + chance.random()))
        os.kill(pid, signal.SIGCONT)


# The broker


def the_broker_forgets(town: Town, chance: random.Random) -> None:
    with redis.Redis.from_url(town.redis.url) as client:
        for _ in range(3):
            client.flushall()
            town.some_work(chance.randrange(4))


def the_broker_hangs(town: Town, chance: random.Random) -> None:
    town.redis.freeze()
    time.sleep(chance.uniform(0.3, 2.5))
    town.redis.thaw()


def the_broker_is_replaced(town: Town, chance: random.Random) -> None:
    town.redis.kill()
    time.sleep(chance.random())
    town.redis.replace()


# The database


def connections_are_cut(town: Town, chance: random.Random) -> None:
    with _administrator(town) as connection:
        for _ in range(4):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND random() < 0.8",
                [make_url(town.url).database],
            )
            time.sleep(chance.random() * 0.4)


def the_database_is_restarted(town: Town, chance: random.Random) -> None:
    town.database.crash()


def the_database_crashes(town: Town, chance: random.Random) -> None:
    """One of its processes is killed: it ends all others, and recovers."""
    for pid in _backends(town, chance)[:1]:
        os.kill(pid, signal.SIGKILL)
    town.some_work(2)


def the_disk_of_the_database_is_full(town: Town, chance: random.Random) -> None:
    """Processes of the database find no room, be it for the log or for a table."""
    room = chance.choice((0, 1 << 16, 1 << 20))
    pids = _backends(town, chance)[:6]
    for pid in pids:
        _give_room(pid, room)
    town.some_work(4)
    for pid in pids:
        _give_room(pid, None)


def the_disk_of_the_database_is_slow(town: Town, chance: random.Random) -> None:
    _set_delay(town, 100_000)
    town.some_work(4)
    _set_delay(town, 0)


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
    address = make_url(town.database.address).set(drivername="postgresql")
    plain = address.render_as_string(hide_password=False)
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = psycopg.connect(plain, autocommit=True)
            break
        except psycopg.OperationalError:  # it may be recovering
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with closing(connection):
        yield connection


# The mail server


def letters_are_refused_for_now(town: Town, chance: random.Random) -> None:
    stages = ("EHLO", "MAIL", "RCPT", "DATA", "TEXT")
    for _ in range(8):
        said = chance.choice((CUT, "451 later", "421 later"))
        stage = "EHLO" if said == CUT else chance.choice(stages)
        town.mail.answers[stage].append(said)
    town.some_work(4)
    town.mail.answers.clear()


def letters_are_cut_off(town: Town, chance: random.Random) -> None:
    """After the whole text: nobody can know."""
    town.mail.answers["TEXT"] += [CUT] * 4
    town.some_work(4)
    town.mail.answers.clear()


def the_mail_server_hangs(town: Town, chance: random.Random) -> None:
    span = chance.uniform(0.5, 2)
    town.mail.when_it_has_one = lambda _: time.sleep(span)
    town.some_work(4)
    town.mail.when_it_has_one = lambda _: None


def the_mail_server_is_away(town: Town, chance: random.Random) -> None:
    town.mail.stop()
    town.some_work(4)
    town.mail.start()


# Disks and clocks


def the_disk_of_a_machine_is_full(town: Town, chance: random.Random) -> None:
    crowd = chance.choice(town.crowds)
    pids = [one.pid for one in crowd.running]
    pids += children(pids)
    for pid in pids:
        _give_room(pid, 0)
    town.some_work(6)
    for pid in pids:
        _give_room(pid, None)


def a_clock_is_wrong(town: Town, chance: random.Random) -> None:
    """On one machine, until another harm finds it."""
    name = chance.choice([machine.name for machine in town.machines])
    wrong = chance.choice((-86_400, -600, -60, 30, 600, 7_200))
    town.skews[name] = timedelta(seconds=wrong)
    town.pass_time(timedelta())
    town.some_work(6)


def all_clocks_go_back(town: Town, chance: random.Random) -> None:
    town.pass_time(-timedelta(hours=chance.choice((1, 3, 30))))
    town.some_work(6)


def much_time_passes_unnoticed(town: Town, chance: random.Random) -> None:
    town.pass_time(timedelta(days=chance.choice((30, 40))))
    town.some_work(6)


def _give_room(pid: int, size: int | None) -> None:
    """Let a process write no file beyond a size, or of any again.

    By a program of its own, as whoever runs that process: nobody else may.
    """
    with suppress(FileNotFoundError):  # it has ended
        owner = Path(f"/proc/{pid}").stat()
        room = "unlimited" if size is None else size
        subprocess.run(
            ["prlimit", f"--pid={pid}", f"--fsize={room}:"],
            user=owner.st_uid,
            group=owner.st_gid,
            stderr=subprocess.DEVNULL,
            check=False,
        )


HARMS: tuple[Harm, ...] = (
    somebody_at_a_machine_is_killed,
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
    letters_are_cut_off,
    the_mail_server_hangs,
    the_mail_server_is_away,
    the_disk_of_a_machine_is_full,
    a_clock_is_wrong,
    all_clocks_go_back,
    much_time_passes_unnoticed,
)
