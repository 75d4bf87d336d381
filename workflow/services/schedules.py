"""How is something done on a schedule, however long each of it takes (*open loop*)?"""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_AHEAD = 0.2
"""Seconds before the first is due: by then the threads are there."""


def do_on_schedule(
    do: Callable[[int, float], None],
    count: int,
    *,
    rate: float,
    clerks: int,
    start: float | None = None,
) -> float:
    """Do something so many times, so many in a second; return how long it took.

    Each is begun when it is due, whether or not earlier ones are done, by one of the
    threads of the *clerks*; it is given its number, and the instant at which it was
    due (`time.perf_counter`). Who measures from that instant sees falling behind. All
    of it happens in this process and takes from its time. The first is due at *start*,
    by the same clock; if nothing is said, in a moment.

    Whoever interrupts it waits only for those that are begun.
    """
    numbers, ended = itertools.count(), threading.Event()
    first = time.perf_counter() + _AHEAD if start is None else start

    def clerk() -> None:
        """Take the next one that is due, until there are no more."""
        while (number := next(numbers)) < count:
            due = first + number / rate
            while (early := due - time.perf_counter()) > 0 and not ended.is_set():
                ended.wait(early)
            if ended.is_set():
                return
            do(number, due)

    with ThreadPoolExecutor(clerks) as threads:
        try:
            for done in [threads.submit(clerk) for _ in range(clerks)]:
                done.result()
        finally:
            ended.set()
    return time.perf_counter() - first
