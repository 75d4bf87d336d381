"""How many letters a minute may go to one domain?"""

from dramatiq.rate_limits import RateLimiterBackend, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend, StubBackend

from workers.broker import client, is_in_memory, told_in_words

_WINDOW = 60
"""Seconds."""


class Pace:
    """Keeps all workers together below what a provider takes from one sender."""

    def __init__(self, broker_url: str, *, a_minute: int) -> None:
        self._limit = a_minute
        self._backend: RateLimiterBackend = (
            StubBackend()
            if is_in_memory(broker_url)
            else RedisBackend(client=client(broker_url))
        )

    def admits(self, domain: str) -> bool:
        """Tell whether one more may go there now; if so, it counts.

        Raises:
            UnavailableError: the broker, which counts for all, does not answer.
        """
        if not self._limit:
            return True
        limiter = WindowRateLimiter(
            self._backend,
            f"sportello-mail:{domain}",
            limit=self._limit,
            window=_WINDOW,
        )
        with told_in_words(), limiter.acquire(raise_on_failure=False) as is_admitted:
            return bool(is_admitted)
