"""How are two workers put to work on what is measured, as in production?"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dramatiq.brokers.redis import RedisBroker

from tests.processes import Place, start
from workers import actors, broker
from workers.serving import serving
from workflow.services import outbox, sweep
from workflow.services.postings import Mail

WORKERS = 2

_PATIENCE = 300
_READY = "workers that are ready"


@contextmanager
def at_work(place: Place, address: str, *, threads: int) -> Iterator[RedisBroker]:
    """Have workers ready in processes of their own; yield their broker."""
    there = _built(address)
    there.client.flushall()
    workers = [start(_serve, place, address, threads) for _ in range(WORKERS)]
    try:
        until(lambda: there.client.scard(_READY) == WORKERS)
        with place.desk() as desk:
            actors.declare(there, desk, Nowhere())
        yield there
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
        there.close()


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, looking often."""
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            message = f"the workers have not come to an end in {_PATIENCE} seconds"
            raise AssertionError(message)
        time.sleep(0.05)


def _serve(place: Place, address: str, threads: int) -> None:
    """Work until killed."""
    with place.desk() as desk:
        there = _built(address)
        with serving(there, desk, Nowhere(), threads=threads):
            # They have been at work before: they are connected, and know the calls.
            sweep.due_calls(desk)
            outbox.to_send(desk, most=1)
            there.client.sadd(_READY, str(desk.ambient.new_id()))
            time.sleep(_PATIENCE)


def _built(address: str) -> RedisBroker:
    there = broker.build(address)
    assert isinstance(there, RedisBroker)  # noqa: S101 - it was built for a Redis
    return there


class Nowhere:
    """A transport that takes everything and keeps nothing: the rest is measured."""

    is_certain, domain = False, "pec.example.it"

    def was_sent(self, mail: Mail) -> bool:  # noqa: ARG002 - a transport is asked so
        """Remember nothing."""
        return False

    def admits(self, recipient: str) -> bool:  # noqa: ARG002 - as above
        """Take any number."""
        return True

    def send(self, mail: Mail) -> None:
        """Do nothing with it."""

    def close(self) -> None:
        """Leave nothing open."""

    def examine(self) -> str:
        """Tell how it stands."""
        return "nowhere"
