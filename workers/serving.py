"""How does a worker process begin, and how does it end?"""

import logging
import threading
import traceback

import redis
from dramatiq import Broker, Worker
from dramatiq.brokers.redis import RedisBroker

from config.logs import log
from workers import actors
from workflow.desk import Desk
from workflow.errors import SportelloError, UnavailableError

_LOOKS_EVERY = 200
"""Milliseconds after which an idle worker looks for messages again."""

_ENDS_WITHIN = 60_000
"""Milliseconds in which what was begun is finished; the rest goes to others."""


def serve(broker: Broker, desk: Desk, *, threads: int, stop: threading.Event) -> None:
    """Do what messages ask for until it is told to stop, then finish what was begun.

    As many submissions as there are threads can be written in one transaction.

    Raises:
        UnavailableError: the broker does not answer at the beginning. Later it is
            waited for.
    """
    _refuse_absent(broker)
    _keep_messages_out_of_the_log()
    actors.declare(broker, desk)
    worker = Worker(broker, worker_threads=threads, worker_timeout=_LOOKS_EVERY)
    worker.start()
    try:
        stop.wait()
    finally:
        worker.stop(timeout=_ENDS_WITHIN)
        broker.close()


def _refuse_absent(broker: Broker) -> None:
    if not isinstance(broker, RedisBroker):
        return
    try:
        broker.client.ping()
    except redis.RedisError as error:
        raise UnavailableError(
            "broker.unreachable",
            f"the broker does not answer: {error}; check SPORTELLO_BROKER_URL and "
            "whether Redis is running",
        ) from error


class _WithoutPersonalData(logging.Handler):
    """Notes what the broker's library has to say, without what messages hold.

    It would print them whole, and the errors with the values of statements.
    """

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        about: dict[str, object] = {"said": str(record.msg).partition("\n")[0]}
        if error is not None:
            last = traceback.extract_tb(error.__traceback__)[-1:]
            about["error"] = type(error).__name__
            about["where"] = ", ".join(f"{at.filename}:{at.lineno}" for at in last)
        if isinstance(error, SportelloError):
            about["code"] = error.code
        log.warn("worker_trouble", **about)


def _keep_messages_out_of_the_log() -> None:
    library = logging.getLogger("dramatiq")
    library.handlers = [_WithoutPersonalData(logging.WARNING)]
    library.propagate = False
