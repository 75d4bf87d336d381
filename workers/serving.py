"""How does a worker begin, and how does it end?"""

import logging
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis
from dramatiq import Broker, Worker

from config.logs import log
from models.session import DatabaseUnavailableError
from workers import actors
from workers import broker as brokers
from workers.stopping import Stop
from workflow.desk import Desk
from workflow.errors import SportelloError
from workflow.services.postings import Transport

_LOOKS_EVERY = 200
"""Milliseconds after which an idle worker looks for messages again."""

_AHEAD = 8
"""Messages that are fetched for each thread: most jobs are shorter than a fetch."""

_ENDS_WITHIN = 60_000
"""Milliseconds in which what was begun is finished; the rest goes to others."""

_OUTDATED = "another form of the database"

_AWAY = "Consumer encountered a connection error"
_GAP = re.compile(r"%[0-9.]*[a-z]")
_QUIET = 60.0
"""Seconds without such a line after which the next one is news."""


@contextmanager
def serving(  # noqa: PLR0913 - each is decided by whoever starts it
    broker: Broker,
    desk: Desk,
    transport: Transport,
    *,
    threads: int,
    patient: bool = False,
    stop: Stop | None = None,
) -> Iterator[None]:
    """Do what messages ask for meanwhile; at the end finish what was begun.

    Who is *patient* waits for a broker that does not answer yet, too.

    As many submissions as there are threads can be written in one transaction.

    If somebody brings the database to another form than ours, it is time to *stop*.

    Raises:
        DatabaseUnavailableError: that was why it stopped.
        UnavailableError: the broker does not answer at the beginning. Later it is
            waited for.
    """
    met: list[Exception] = []

    def outdated(error: Exception) -> None:
        met.append(error)
        if stop is not None:
            stop.set(_OUTDATED)

    if not patient:
        brokers.refuse_absent(broker)
    _keep_messages_out_of_the_log()
    actors.declare(broker, desk, transport, outdated=outdated)
    worker = Worker(broker, worker_threads=threads, worker_timeout=_LOOKS_EVERY)
    worker.queue_prefetch = threads * _AHEAD
    worker.start()
    try:
        yield
    finally:
        # What was fetched and not begun goes back now, or with the next heartbeat.
        with suppress(redis.RedisError):
            worker.stop(timeout=_ENDS_WITHIN)
        broker.close()
        transport.close()
    if met and stop is not None:
        raise met[0]


class _WithoutPersonalData(logging.Handler):
    """Notes what the broker's library has to say, without what messages hold.

    It would print them whole, and the errors with the values of statements.
    """

    _quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # What would fill its gaps may be a whole message.
        said = _GAP.sub("...", str(record.msg).partition("\n")[0])
        about: dict[str, object] = {"said": said}
        if self._is_known(str(record.msg)):
            return
        if error is not None:
            last = traceback.extract_tb(error.__traceback__)[-1:]
            about["error"] = type(error).__name__
            about["where"] = ", ".join(f"{at.filename}:{at.lineno}" for at in last)
        if isinstance(error, SportelloError | DatabaseUnavailableError):
            about["code"] = error.code
        log.warn("worker_trouble", **about)

    def _is_known(self, said: str) -> bool:
        """Tell whether each queue says, every few seconds, what was just said."""
        if not said.startswith(_AWAY):
            return False
        now = time.monotonic()
        is_known = now < self._quiet_until
        self._quiet_until = now + _QUIET
        return is_known


def _keep_messages_out_of_the_log() -> None:
    library = logging.getLogger("dramatiq")
    library.handlers = [_WithoutPersonalData(logging.WARNING)]
    library.propagate = False
