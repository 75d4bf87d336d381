"""What stands in the whole of it, how does time pass there, and when is all done?"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from models.session import DatabaseUnavailableError
from models.vocabulary import Event, NoticeStatus
from tests.builders import OPENING, TO_GRANT, Office, furnish, office
from tests.editions import open_to_all
from tests.faults.brokers import Server
from tests.faults.counters import left
from tests.faults.soak import applicants, hostclocks, notebooks, officers
from tests.faults.soak.machines import (
    Machine,
    scheduling_by_command,
    serving_by_command,
)
from tests.faults.soak.notebooks import BEGINS, DONE, FILED, RICH, SCARCE
from tests.faults.storms import AtWork, at_work, scheduling, until, working
from tests.mailservers import MailServer, Received, mail_server
from tests.pec import Pec
from tests.servers import Supervised
from tests.terminals import Terminal
from workflow.services import calls, keys, notices, sweep

_LONGEST = 1.5
"""Seconds for which one waits for some work to be done, if none is."""

_EUROS = 1_000_000
"""Of the scarce call: enough for nine."""

_GIVEN_UP = {NoticeStatus.UNDELIVERED, NoticeStatus.UNKNOWN}
_TRIES = 5
_PATIENCE = 240.0
_LOOKS_EVERY = 0.2
ENOUGH = 20
"""Moves, submissions and letters of an episode."""


@dataclass
class Town:
    """A database, a broker, a mail server, two machines, and people at a third."""

    database: Supervised
    url: str
    redis: Server
    mail: MailServer
    folder: Path
    machines: tuple[Machine, ...]
    now: datetime = OPENING
    skews: dict[str, timedelta] = field(default_factory=dict)
    crowds: list[AtWork] = field(default_factory=list)
    at_desks: AtWork = field(init=False)
    _receipts: int = 0

    # Time

    def pass_time(self, span: timedelta) -> None:
        """Let it be later, or earlier, on all machines; each may be wrong by itself."""
        self.now += span
        self._set_the_clock_of_the_database()
        for machine in self.machines:
            wrong = self.skews.get(machine.name, timedelta())
            machine.be_wrong_by(wrong.total_seconds())
            machine.clock.move_to(self.now + wrong)

    def _set_the_clock_of_the_database(self) -> None:
        def is_set() -> bool:
            with suppress(psycopg.OperationalError), connected(self.url) as connection:
                connection.execute(
                    "UPDATE town.clock SET before = shows, shows = %s", [self.now]
                )
                return True
            return False

        soon(is_set, within=_PATIENCE)

    # Work

    def told(self) -> Counter[str]:
        """Count the answers that were given so far, by what they were."""
        books = notebooks.notebooks(self.folder)
        return Counter(
            line["did"]
            for book in books.values()
            for line in book
            if line["did"] != BEGINS
        )

    def some_work(self, answers: int, *, within: float = _LONGEST) -> None:
        """Wait until so many answers were given, or for a while."""
        wanted = self.told().total() + answers
        soon(lambda: self.told().total() >= wanted, within=within)

    def enough_work(self) -> None:
        """Wait until what was done means something, on however slow a machine."""
        soon(self._is_enough, within=_PATIENCE / 2)

    def _is_enough(self) -> bool:
        self.keep_going()
        told = self.told()
        if told[DONE] < ENOUGH or told[FILED] < ENOUGH:
            return False
        with suppress(psycopg.OperationalError), connected(self.url) as connection:
            (rarest,) = connection.execute(_RAREST).fetchone() or (0,)
            return bool(rarest)
        return False

    def keep_going(self) -> None:
        """Start again what has ended by itself, as a service manager does."""
        for crowd in self.crowds:
            crowd.restart_the_ended()

    def post_receipts(self, chance: random.Random) -> None:
        """Have the providers tell what became of the letters that came since."""
        received = self.mail.received
        for one in received[self._receipts : len(received)]:
            self._receipts += 1
            kinds = ("avvenuta-consegna", "errore-consegna", "")
            (kind,) = chance.choices(kinds, (4, 1, 5))
            if kind:
                self._post(one, kind)

    def _post(self, one: Received, kind: str) -> None:
        receipt = Pec(
            kind,
            str(one.mail["Message-ID"]),
            at=self.now,
            zone="+0000",
            error="nessuno" if kind == "avvenuta-consegna" else "no-dest",
            reason=None if kind == "avvenuta-consegna" else "5.1.1 - no such address",
            identifier=f"opec.{self._receipts}@pec.provider.example.it",
            to=one.recipient,
        )
        maildir = self.machines[0].receipts
        beside = maildir / "tmp" / f"{self._receipts}"
        beside.write_bytes(receipt.mail())
        beside.rename(maildir / "new" / beside.name)

    # The end

    def come_to_rest(self, chance: random.Random) -> None:
        """Put everything right, let all finish what they began, and wait for it."""
        self.skews.clear()
        self.pass_time(timedelta())
        notebooks.send_home(self.folder)
        until(self._all_are_home, within=_PATIENCE)
        assert {one.exitcode for one in self.at_desks.running} == {0}
        self.be_done(chance)

    def send_what_is_parked(self, chance: random.Random) -> int:
        """Have an operator send again what has not left, until all of it has."""
        sent = 0
        for _ in range(_TRIES):
            parked = self._parked()
            if not parked:
                break
            settings = {**self.machines[0].settings(), "SPORTELLO_OFFICER": "rup"}
            typed = Terminal(self.folder / "home", settings)
            done = typed.run("notices", "retry", *parked)
            assert done.returncode == 0, done.stderr
            sent += len(parked)
            self.be_done(chance)
        return sent

    def _parked(self) -> list[str]:
        """Name the letters that no machine sends any more, and that never came."""
        came = {one.id for one in self.mail.received}
        with self.looked_at() as work:
            listed = notices.listed(work.desk)
        return [
            one.id
            for one in listed
            if one.status in _GIVEN_UP and one.id not in came and not one.delivered_at
        ]

    def be_done(self, chance: random.Random) -> None:
        """Wait until nothing is left to be done."""
        with self.looked_at() as work:
            until(lambda: self._nothing_is_left(work, chance), within=_PATIENCE)

    def _all_are_home(self) -> bool:
        self.keep_going()
        return not any(one.is_alive() for one in self.at_desks.running)

    def _nothing_is_left(self, work: Office, chance: random.Random) -> bool:
        """Look whether nothing is left to be done; if there is, let time pass."""
        self.keep_going()
        self.post_receipts(chance)
        work.clock.move_to(self.now)
        with suppress(DatabaseUnavailableError):
            new = self.machines[0].receipts / "new"
            if not waiting(work) and not any(new.iterdir()):
                return True
        self.pass_time(timedelta(minutes=10))
        time.sleep(0.5)
        return False

    @contextmanager
    def looked_at(self) -> Iterator[Office]:
        """Look at what is there, with the clock that is right."""
        with office(self.url, at=self.now) as work:
            yield work


def waiting(work: Office) -> int:
    """Count what is due, and what is to be sent."""
    return left(work) + len(sweep.due_calls(work.desk))


# How it is built


@contextmanager
def town(database: Supervised, folder: Path, seed: int) -> Iterator[Town]:
    """Build all of it, and have everybody at work."""
    url = _database(database.address, f"soak_{seed}")
    for name in ("notebooks", "maildir/new", "maildir/cur", "maildir/tmp", "home/keys"):
        (folder / name).mkdir(parents=True, mode=0o700)
    keys.make(folder / "home" / "keys" / "register.pem")
    with ExitStack() as stack:
        stack.enter_context(hostclocks.swept())
        with office(url) as work:
            for code, euros in ((SCARCE, _EUROS), (RICH, 90_000_000)):
                calls.register_call(work.desk, open_to_all(folder, code, euros))
            _begin(work)
        redis = stack.enter_context(_redis(folder / "broker"))
        mail = stack.enter_context(mail_server())
        machines = tuple(
            Machine(url, redis.url, folder, mail.port, name, counts)
            for name, counts in (("front", False), ("one", True), ("two", False))
        )
        found = Town(database, url, redis, mail, folder, machines)
        found.pass_time(timedelta())
        front, one, two = machines
        for machine, *does in (
            (one, scheduling, working),
            (two, scheduling_by_command, serving_by_command),
        ):
            crowd = at_work(machine, *does, crews=[serving_by_command])
            found.crowds.append(stack.enter_context(crowd))
        found.at_desks = stack.enter_context(at_work(front, *_everybody(seed)))
        yield found


def _begin(work: Office) -> None:
    """Have files that were granted, whose terms will end, and some that may be."""
    for number in range(8):
        name = work.file(number)
        work.routine(name, *TO_GRANT[:-1])
        if number < 4:
            work.routine(name, Event.GRANT, Event.RECORD_PUBLICATION)
            work.routine(name, Event.CONVENE_NEGOTIATION, Event.SIGN_MINUTES)
        if number < 2:
            work.routine(name, Event.CONFIRM_COR, Event.FILE_PLAN)


def _everybody(seed: int) -> list[Callable[[Any], None]]:
    return [
        partial(officers.operating, who="verdi", seed=seed),
        partial(officers.operating, who="gialli", seed=seed),
        partial(officers.typing, who="neri", seed=seed),
        partial(officers.directing, who="bruni", seed=seed),
        partial(applicants.handing_in, who="desk", call=SCARCE, seed=seed),
        partial(applicants.pushing, who="portal", call=RICH, seed=seed),
        partial(applicants.pushing, who="site", call=RICH, seed=seed),
    ]


def _database(admin: str, name: str) -> str:
    address = make_url(admin)
    with connected(admin) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = address.set(database=name).render_as_string(hide_password=False)
    furnish(url)
    with connected(url) as connection:
        connection.execute(_CLOCK_OF_THE_DATABASE)
        connection.execute(
            "INSERT INTO town.clock VALUES (%(at)s, %(at)s)", {"at": OPENING}
        )
        connection.execute(
            f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog'
        )
    return url


_CLOCK_OF_THE_DATABASE = """
    CREATE SCHEMA town;
    CREATE TABLE town.clock (shows timestamptz NOT NULL, before timestamptz NOT NULL);
    CREATE TABLE town.written (call_id uuid, seq bigint, at timestamptz);
    CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
        VOLATILE AS 'SELECT shows FROM town.clock';
    CREATE FUNCTION town.note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO town.written
                SELECT new.call_id, new.seq, greatest(shows, before) FROM town.clock;
            RETURN NULL;
        END
    $$;
    CREATE TRIGGER town_notes AFTER INSERT ON public.entries
        FOR EACH ROW EXECUTE FUNCTION town.note();
"""
"""The server has the time of the town: it is asked by a machine whose clock counts.

And it notes beside each entry what its clock showed when that was written, or just
before, for whoever began when it was later.
"""

_RAREST = """
    WITH made AS (SELECT body::jsonb AS body FROM entries WHERE outcome = 'ok')
    SELECT least(
        count(*) FILTER (WHERE jsonb_array_length(body->'findings'->'overtaken') > 0),
        count(*) FILTER (WHERE body->>'event' = 'grant' AND body->>'key' IS NOT NULL),
        count(*) FILTER (
            WHERE body->>'event' = 'submit' AND body->'money'->'movements' = '[]'
        ),
        (SELECT count(*) FROM notices WHERE maybe_double)
    ) FROM made
"""
"""What an episode goes on for, if it has not come yet: without it a promise of turn,
money or letters is held against nothing.
"""


@contextmanager
def connected(address: str) -> Iterator[psycopg.Connection[Any]]:
    """Look past the product, once the server is there: it may be recovering."""
    plain = make_url(address).set(drivername="postgresql")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection = psycopg.connect(
                plain.render_as_string(hide_password=False), autocommit=True
            )
            break
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with closing(connection):
        yield connection


def soon(condition: Callable[[], bool], *, within: float = _LONGEST) -> bool:
    """Wait for something, now and then, but not for long; tell whether it came."""
    deadline = time.monotonic() + within
    while not (is_so := condition()) and time.monotonic() < deadline:
        time.sleep(_LOOKS_EVERY)
    return is_so


@contextmanager
def _redis(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    try:
        yield server
    finally:
        server.end()
