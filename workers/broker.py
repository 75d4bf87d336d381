"""Through which broker do messages reach the workers?

Built by whoever starts the program, never by importing something.
"""

from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    Middleware,
    Pipelines,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from dramatiq.results import Results
from dramatiq.results.backends.redis import RedisBackend
from dramatiq.results.backends.stub import StubBackend

HEARTBEAT = 30
"""Seconds of silence after which a worker's messages go to another one."""

_ALWAYS = 1_000_000
"""Of a million: at each command Redis is asked whether a worker has died."""

_RESULTS = 24 * 3_600_000
"""Milliseconds for which a portal may ask for an answer; afterwards it files again."""


def build(address: str, *, heartbeat: int = HEARTBEAT) -> Broker:
    """Build the broker of an address: `memory://`, or a Redis."""
    if address.startswith("memory:"):
        return StubBroker(middleware=[*_middleware(), Results(backend=StubBackend())])
    backend = RedisBackend(url=address)
    return RedisBroker(
        url=address,
        middleware=[*_middleware(), Results(backend=backend, result_ttl=_RESULTS)],
        maintenance_chance=_ALWAYS,
        heartbeat_timeout=heartbeat * 1_000,
    )


def _middleware() -> list[Middleware]:
    return [
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        Retries(),
    ]
