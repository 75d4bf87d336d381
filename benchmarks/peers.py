"""How do task queues that others use run as many small tasks of a database?

Each task changes one row and adds another in one transaction: less than what is
done about a term that has ended. All tasks are in the queue before the workers
begin, so that neither sending nor starting counts. What does, by the clock of the
database, is the time from the first row that was added to the last one.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
from celery import Celery
from procrastinate import App, PsycopgConnector

from tests.processes import start

WORKERS = 2

_CHANGE = "UPDATE small_files SET state = 'done' WHERE id = %s"
_ADD = "INSERT INTO small_entries (file, at) VALUES (%s, clock_timestamp())"
_PATIENCE = 300
_TASKS_AT_ONCE = 10
"""Of one worker of Procrastinate, which waits for its database most of the time."""


def prepare(address: str, count: int) -> None:
    """Make the rows that tasks are about."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE small_files (id int PRIMARY KEY, state text)")
        connection.execute(
            "CREATE TABLE small_entries"
            " (id bigserial PRIMARY KEY, file int, at timestamptz)"
        )
        connection.execute(
            "INSERT INTO small_files SELECT n, 'open' FROM generate_series(1, %s) AS n",
            (count,),
        )
        connection.execute("VACUUM ANALYZE")


# Celery


def by_celery(address: str, broker: str, count: int) -> float:
    """Return how many tasks Celery does in a second, through Redis."""
    prepare(address, count)
    queue = _celery(address, broker)
    with queue.producer_or_acquire() as producer:
        for number in range(1, count + 1):
            queue.send_task("small", (number,), producer=producer)
    # One of them, that makes as many processes as are wanted: its usual way.
    with _at_work(_serve_celery, [(address, broker)]):
        return _rate(address, count)


def _celery(address: str, broker: str) -> Celery:
    queue = Celery("peer", broker=broker, set_as_current=False)
    queue.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
    kept: list[Any] = []

    @queue.task(name="small")  # type: ignore[untyped-decorator] # it has no types
    def small(number: int) -> None:
        if not kept:
            kept.append(psycopg.connect(address))
        (connection,) = kept
        with connection.transaction():
            connection.execute(_CHANGE, (number,))
            connection.execute(_ADD, (number,))

    return queue


def _serve_celery(address: str, broker: str) -> None:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    processes = ("--pool", "prefork", "--concurrency", str(WORKERS))
    with Path(os.devnull).open("wb") as nowhere:
        # It greets, says goodbye, and warns of containers, where one is always root.
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
        _celery(address, broker).worker_main(["--quiet", "worker", *quiet, *processes])


# Procrastinate


def by_procrastinate(address: str, _broker: str, count: int) -> float:
    """Return how many tasks Procrastinate does in a second, through PostgreSQL."""
    prepare(address, count)
    queue = _procrastinate(address)
    with queue.open():
        queue.schema_manager.apply_schema()
        jobs: list[dict[str, Any]] = [{"number": one} for one in range(1, count + 1)]
        queue.tasks["small"].batch_defer(*jobs)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    with _at_work(_serve_procrastinate, [(address,)] * WORKERS):
        return _rate(address, count)


def _procrastinate(address: str) -> App:
    queue = App(connector=PsycopgConnector(conninfo=address, max_size=_TASKS_AT_ONCE))
    pool = psycopg_pool.AsyncConnectionPool(
        address, open=False, max_size=_TASKS_AT_ONCE
    )

    @queue.task(name="small")
    async def small(number: int) -> None:
        await pool.open()
        async with pool.connection() as connection:
            await connection.execute(_CHANGE, (number,))
            await connection.execute(_ADD, (number,))

    return queue


def _serve_procrastinate(address: str) -> None:
    logging.disable()
    _procrastinate(address).run_worker(concurrency=_TASKS_AT_ONCE)


# Both


@contextmanager
def _at_work(
    serve: Callable[..., None], each: Sequence[tuple[Any, ...]]
) -> Iterator[None]:
    processes = [start(serve, *job) for job in each]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _rate(address: str, count: int) -> float:
    """Wait until all is done, looking seldom; return how many were in a second."""
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(address, autocommit=True) as connection:
        while time.monotonic() < deadline:
            time.sleep(0.5)
            done, seconds = connection.execute(
                "SELECT count(*), extract(epoch FROM max(at) - min(at))::float"
                " FROM small_entries"
            ).fetchone() or (0, None)
            if done == count:
                return float(count / seconds)
    message = f"{done} tasks of {count} were done in {_PATIENCE} seconds"
    raise AssertionError(message)
