"""Do several hosts work on one database, and go on while one of them is cut off?"""

import random
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
import redis
from sqlalchemy import make_url

from tests.builders import Office
from tests.contents import rows
from tests.faults.counters import (
    a_minute_later,
    as_if_undisturbed,
    begin,
    left,
    let_it_end,
    steps,
)
from tests.faults.storms import (
    Post,
    WallClock,
    at_work,
    scheduling,
    until,
    wait_for_some,
    working,
)
from tests.twins import Twins

HOSTS = "127.0.0.2", "127.0.0.3"
"""Each reaches the servers by an address of its own, and by no other."""

CUTS = 6
SEED = 20260120
_BYTES = 1 << 16


class Net:
    """What a host reaches one server through, until it is cut."""

    def __init__(self, address: str, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listens = socket.create_server((address, 0))
        self.port = self._listens.getsockname()[1]
        self.is_cut = False
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and let nobody make another.

        The servers hear of it; what they do about a silence is tried elsewhere.
        """
        self.is_cut = True
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let everybody through again."""
        self.is_cut = False

    def close(self) -> None:
        """End for good."""
        self.cut()
        self._listens.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                near, _ = self._listens.accept()
                threading.Thread(
                    target=self._pass_on, args=(near,), daemon=True
                ).start()

    def _pass_on(self, near: socket.socket) -> None:
        with suppress(OSError), near:
            if self.is_cut:
                return
            with socket.create_connection(self._server) as far, self._held(near, far):
                ways = {near: far, far: near}
                with selectors.DefaultSelector() as ready:
                    for way in ways:
                        ready.register(way, selectors.EVENT_READ)
                    while not self.is_cut:
                        for key, _ in ready.select():
                            end = cast("socket.socket", key.fileobj)
                            said = end.recv(_BYTES)
                            if not said:
                                return
                            ways[end].sendall(said)

    @contextmanager
    def _held(self, *ends: socket.socket) -> Iterator[None]:
        self._open |= {*ends}
        try:
            yield
        finally:
            self._open -= {*ends}


class Host:
    """A machine with a scheduler and a worker, and its net."""

    def __init__(self, address: str, post: Post) -> None:
        database, broker = make_url(post.url), urlsplit(post.redis_url)
        assert database.port
        assert broker.port
        self.nets = [Net(address, port) for port in (database.port, broker.port)]
        to_database, to_broker = (net.port for net in self.nets)
        there = database.set(host=address, port=to_database)
        self.post = replace(
            post,
            url=there.render_as_string(hide_password=False),
            redis_url=f"redis://{address}:{to_broker}{broker.path}",
        )


@contextmanager
def hosts(post: Post) -> Iterator[list[Host]]:
    """Have machines at work that share servers, a folder of letters and the time."""
    with ExitStack() as stack:
        made = [Host(address, post) for address in HOSTS]
        for host in made:
            for net in host.nets:
                stack.enter_context(closing(net))
            stack.enter_context(at_work(host.post, scheduling, working))
        yield made


def who_ticks(work: Office, clock: WallClock) -> str:
    """Return who ticks from now on: who is cut off can note nothing."""
    a_minute_later(work, clock)
    since = round(clock.now().timestamp() * 1_000_000)
    found: list[str] = []

    def has_ticked() -> bool:
        ((holder, at),) = rows(work.desk.engine, "SELECT holder, at FROM ticks")
        found.append(holder)
        return bool(at >= since)

    until(has_ticked)
    return found[-1]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [SEED])
def test_whichever_host_is_cut_off_all_is_as_if_nothing_had_been(
    seed: int, twins: Twins, redis_server: str, tmp_path: Path
):
    chance = random.Random(seed)  # noqa: S311 - a seeded test
    work, script = twins.sleepy, steps(twins, CUTS)
    post = Post.of(work, redis_server, tmp_path)
    holders = set()

    with closing(redis.Redis.from_url(redis_server)) as client, hosts(post) as both:
        client.flushall()
        for number, step in enumerate(script):
            off = both[number % len(both)]
            begin(work, step, post.clock)
            wait_for_some(lambda: left(work), chance)
            for net in off.nets:
                net.cut()
            let_it_end(work, post.clock)  # the other does all of it
            holders.add(who_ticks(work, post.clock))
            for net in off.nets:
                net.mend()

    assert len(holders) > 1, "the same scheduler was active all the time"
    as_if_undisturbed(twins, script)
