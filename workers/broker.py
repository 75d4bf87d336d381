"""Through which broker do messages reach the workers?

Built by whoever starts the program, never by importing something.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    CurrentMessage,
    Middleware,
    Pipelines,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from dramatiq.results import Results
from dramatiq.results.backends.redis import RedisBackend
from dramatiq.results.backends.stub import StubBackend
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from workflow.errors import UnavailableError

HEARTBEAT = 30
"""Seconds of silence after which a worker's messages go to another one."""

_ALWAYS = 1_000_000
"""Of a million: at each command Redis is asked whether a worker has died."""

_RESULTS = 24 * 3_600_000
"""Milliseconds for which a portal may ask for an answer; afterwards it files again."""

_PATIENCE = 5
"""Seconds in which Redis answers, or does not: nobody waits longer for it."""


def build(address: str, *, heartbeat: int = HEARTBEAT) -> Broker:
    """Build the broker of an address: `memory://`, or a Redis."""
    if is_in_memory(address):
        return StubBroker(middleware=[*_middleware(), Results(backend=StubBackend())])
    redis_client = client(address)
    backend = RedisBackend(client=redis_client)
    return RedisBroker(
        client=redis_client,
        middleware=[*_middleware(), Results(backend=backend, result_ttl=_RESULTS)],
        maintenance_chance=_ALWAYS,
        heartbeat_timeout=heartbeat * 1_000,
    )


def client(address: str) -> redis.Redis:
    """Open a Redis of which nobody waits for an answer for ever."""
    return redis.Redis.from_url(
        address,
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 3),
    )


def is_in_memory(address: str) -> bool:
    """Tell whether nobody outside of this process could leave a message."""
    return address.startswith("memory:")


def refuse_absent(broker: Broker) -> None:
    """Make sure that the broker is there.

    Raises:
        UnavailableError: it does not answer.
    """
    if isinstance(broker, RedisBroker):
        with told_in_words():
            broker.client.ping()


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn what a broker that is not there brings about into a sentence."""
    try:
        yield
    except redis.RedisError as error:
        raise UnavailableError(
            "broker.unreachable",
            f"the broker does not answer: {error}; check SPORTELLO_BROKER_URL and "
            "whether Redis is running",
        ) from error


def _middleware() -> list[Middleware]:
    return [
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        CurrentMessage(),
        Pipelines(),
        Retries(),
    ]
