"""How fast is the work done by the workflows of DBOS, which keeps each step?

A workflow's transactions are steps of a datasource, at the isolation that the others
have, for all lock the row that they read. The system tables stand in the same database.
A request runs its workflow at once; jobs go through a queue to two processes.
"""

import json
import os
import time
from collections.abc import Callable, Sequence

from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    EnqueueOptions,
    SQLAlchemyDatasource,
    run_dbos_database_migrations,
)
from sqlalchemy import text

from benchmarks.peers import work

ADDRESS = work.order().database.replace("postgresql:", "postgresql+psycopg:")

_POLLS_EVERY = 0.1
"""Seconds: the default of one second would leave the workers idle most of the time."""

_COUNT = text("UPDATE calls SET filed = filed + 1 WHERE id = 1 RETURNING filed")
_FILE = text("""
INSERT INTO files (call_id, number, portal_id, tax_code, requested, content, stage)
VALUES (1, :number, :portal, :code, :requested, :content, 'submitted') RETURNING id
""")
_STAGE = text("SELECT stage FROM files WHERE id = :file FOR UPDATE")
_MOVE = text("UPDATE files SET stage = :target, due_at = NULL WHERE id = :file")
_SEND = text("""
UPDATE notices SET status = 'sent', sent_at = now()
WHERE id = :notice AND status = 'queued' RETURNING file_id
""")
_DUE = text("SELECT id FROM files WHERE due_at <= now() ORDER BY due_at")
_NOTE = text("""
INSERT INTO history (file_id, event, source, target)
VALUES (:file, :event, :source, :target)
""")
_TARGETS = {
    ("submitted", "start_review"): "in_review",
    ("in_review", "admit"): "admissible",
    ("admissible", "evaluate"): "evaluated",
    ("awaiting", "expire"): "lapsed",
}


source = SQLAlchemyDatasource.create(ADDRESS)
committed = source.transaction(isolation_level="READ COMMITTED")


def _note(file: int, event: str, stage: str | None, target: str) -> None:
    about = {"file": file, "event": event, "source": stage, "target": target}
    source.sql_session().execute(_NOTE, about)


# Steps, each a transaction


@committed
def _take(line: str) -> int:
    told, session = json.loads(line), source.sql_session()
    number = int(session.execute(_COUNT).scalar_one())
    filed = {
        "number": number,
        "portal": told["portal_id"],
        "code": told["applicant"]["tax_code"],
        "requested": round(float(told["requested"]) * 100),
        "content": json.dumps(told),
    }
    _note(session.execute(_FILE, filed).scalar_one(), "file", None, "submitted")
    return number


@committed
def _move(file: int, event: str) -> str:
    session = source.sql_session()
    stage = session.execute(_STAGE, {"file": file}).scalar_one()
    target = _TARGETS[stage, event]
    session.execute(_MOVE, {"file": file, "target": target})
    _note(file, event, stage, target)
    return target


@committed
def _send(notice: int) -> None:
    session = source.sql_session()
    file = session.execute(_SEND, {"notice": notice}).scalar_one_or_none()
    if file is not None:
        _note(file, "send", "queued", "sent")


@committed
def _look() -> list[int]:
    session = source.sql_session()
    session.execute(text(work.BEGUN))
    return list(session.execute(_DUE).scalars())


# Workflows


@DBOS.workflow(name="take")
def _taken(line: str) -> int:
    return int(_take(line))


@DBOS.workflow(name="review")
def _reviewed(file: int) -> None:
    for event in work.MOVES:
        _move(file, event)


@DBOS.workflow(name="send")
def _sent(notice: int) -> None:
    _send(notice)


@DBOS.workflow(name="expire")
def _expired(file: int) -> None:
    _move(file, "expire")


@DBOS.workflow(name="sweep")
def _swept() -> None:
    for file in _look():
        DBOS.enqueue_workflow("work", _expired, file)


# What is done


def _launch() -> None:
    source.engine.dispose(close=False)  # its connections are those of the parent
    config: DBOSConfig = {
        "name": "peers",
        "system_database_url": ADDRESS,
        "executor_id": f"process {os.getpid()}",
        "application_version": "1",
        "log_level": "CRITICAL",
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(
        "work", worker_concurrency=work.AT_ONCE, polling_interval_sec=_POLLS_EVERY
    )


def intake(order: work.Order) -> float:
    """Take submissions in, each by a workflow that the request waits for."""

    def clerk() -> Callable[[bytes], None]:
        _launch()
        return lambda line: _taken(line.decode())

    return work.shared(clerk, order.submissions(), hands=work.HANDS)


def advance(order: work.Order) -> float:
    """Move files, one after the other, all moves of one in a workflow."""

    def officer() -> Callable[[int], None]:
        _launch()
        return lambda file: _reviewed(file)  # noqa: PLW0108 - it has lost its types

    return work.shared(officer, order.files, hands=1)


def jobs(order: work.Order) -> float:
    """Send notices, which are in the queue already."""
    return _worked_off(order, "send", [(number,) for number in order.everything])


def sweep(order: work.Order) -> float:
    """Look for all that is due, as a scheduled workflow does, and do it."""
    return _worked_off(order, "sweep", [()])


def _worked_off(
    order: work.Order, workflow: str, asked: Sequence[tuple[int, ...]]
) -> float:
    client = DBOSClient(system_database_url=ADDRESS)
    for given in asked:
        how: EnqueueOptions = {
            "queue_name": "work",
            "workflow_name": workflow,
            "app_version": "1",
        }
        client.enqueue(how, *given)
    client.destroy()
    return work.worked_off(order, _serve, [()] * work.HANDS)


def _serve() -> None:
    _launch()
    time.sleep(work.PATIENCE)


if __name__ == "__main__":
    run_dbos_database_migrations(ADDRESS)
    work.do({"intake": intake, "advance": advance, "jobs": jobs, "sweep": sweep})
