"""How fast is the work done by the tasks of Procrastinate, a queue in PostgreSQL?

All is in the queue before the workers begin. It has no machine: a task does what
it is named after. Each worker does several at a time, which its documentation
advises for asynchronous tasks. What a lock has done one by one, in its order, is left
to one worker that does one at a time: others would wait for the lock until they look
again, which is after five seconds.
"""

import json
import logging
from typing import Any

import psycopg
import psycopg_pool
from procrastinate import App, PsycopgConnector

from benchmarks.peers import work

_COUNT = "UPDATE calls SET filed = filed + 1 WHERE id = 1 RETURNING filed"
_FILE = """
INSERT INTO files (call_id, number, portal_id, tax_code, requested, content, stage)
VALUES (1, %s, %s, %s, %s, %s, 'submitted') RETURNING id
"""
_SEND = """
UPDATE notices SET status = 'sent', sent_at = now() WHERE id = %s AND status = 'queued'
RETURNING file_id
"""
_EXPIRE = """
UPDATE files SET stage = 'lapsed', due_at = NULL WHERE id = %s AND stage = 'awaiting'
RETURNING id
"""
_NOTE = """
INSERT INTO history (file_id, event, source, target) VALUES (%s, %s, %s, %s)
"""


def _app(order: work.Order) -> App:
    connector = PsycopgConnector(conninfo=order.database, max_size=work.AT_ONCE)
    queue = App(connector=connector)
    pool = psycopg_pool.AsyncConnectionPool(
        order.database, open=False, max_size=work.AT_ONCE
    )

    @queue.task(name="take")
    async def take(line: str) -> None:
        told = json.loads(line)
        requested = round(float(told["requested"]) * 100)
        await pool.open()
        async with pool.connection() as connection:
            cursor = await connection.execute(_COUNT)
            (number,) = await cursor.fetchone() or (0,)
            code = told["applicant"]["tax_code"]
            filed = (number, told["portal_id"], code, requested, json.dumps(told))
            cursor = await connection.execute(_FILE, filed)
            (file,) = await cursor.fetchone() or (0,)
            await connection.execute(_NOTE, (file, "file", None, "submitted"))

    @queue.task(name="send")
    async def send(number: int) -> None:
        await pool.open()
        async with pool.connection() as connection:
            cursor = await connection.execute(_SEND, (number,))
            if found := await cursor.fetchone():
                await connection.execute(_NOTE, (found[0], "send", "queued", "sent"))

    @queue.task(name="expire")
    async def expire(number: int) -> None:
        await pool.open()
        async with pool.connection() as connection:
            cursor = await connection.execute(_EXPIRE, (number,))
            if await cursor.fetchone():
                noted = (number, "expire", "awaiting", "lapsed")
                await connection.execute(_NOTE, noted)

    return queue


def _serve(order: work.Order, at_once: int) -> None:
    logging.disable()
    _app(order).run_worker(concurrency=at_once)


def _worked_off(
    order: work.Order, task: str, asked: list[dict[str, Any]], **how: object
) -> float:
    queue = _app(order)
    with queue.open():
        queue.schema_manager.apply_schema()
        queue.configure_task(task, **how).batch_defer(*asked)
    with psycopg.connect(order.database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    many = [(order, work.AT_ONCE)] * work.HANDS
    workers = [(order, 1)] if "lock" in how else many
    return work.worked_off(order, _serve, workers)


def intake(order: work.Order) -> float:
    """Take submissions in, one after the other, by the lock of their call."""
    asked = [{"line": line.decode()} for line in order.submissions()]
    return _worked_off(order, "take", asked, lock="call 1")


def jobs(order: work.Order) -> float:
    """Send notices."""
    return _worked_off(order, "send", [{"number": n} for n in order.everything])


def sweep(order: work.Order) -> float:
    """Do what was put off until an instant that has come."""
    asked = [{"number": n} for n in order.everything]
    with psycopg.connect(order.database) as connection:
        found = connection.execute("SELECT min(due_at) FROM files").fetchone()
    return _worked_off(order, "expire", asked, schedule_at=found and found[0])


if __name__ == "__main__":
    work.do({"intake": intake, "jobs": jobs, "sweep": sweep})
