"""How fast is the work done with nothing but the driver, or the database's own tool?

The floor: no machine, no models, no queue, and each statement is written by hand.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from benchmarks.peers import work
from benchmarks.peers.grounds import CALLS
from tests.servers import postgres_program

_LENGTH = 1_500
"""Characters of a submission, about: pgbench makes its own."""

_FILE = """
INSERT INTO files (call_id, number, portal_id, tax_code, requested, content, stage)
VALUES (1, %s, %s, %s, %s, %s, 'submitted') RETURNING id
"""
_FILED = """
INSERT INTO history (file_id, event, target) VALUES (%s, 'file', 'submitted')
"""
_MOVE = "UPDATE files SET stage = %s WHERE id = %s AND stage = %s"
_MOVED = "INSERT INTO history (file_id, event, source, target) VALUES (%s, %s, %s, %s)"
_NEXT = """
UPDATE notices SET status = 'sent', sent_at = now() WHERE id = (
    SELECT id FROM notices WHERE status = 'queued'
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING file_id
"""
_EXPIRE = """
WITH done AS (
    UPDATE files SET stage = 'lapsed', due_at = NULL
    WHERE call_id = %s AND stage = 'awaiting' AND due_at <= now() RETURNING id
)
INSERT INTO history (file_id, event, source, target)
SELECT id, 'expire', 'awaiting', 'lapsed' FROM done
"""
_STAGES = ("submitted", "in_review", "admissible", "evaluated")


def _connected(order: work.Order) -> psycopg.Connection[Any]:
    return psycopg.connect(order.database, autocommit=True)


# psycopg


def intake(order: work.Order) -> float:
    """Take submissions in, each in a transaction of its own."""

    def clerk() -> Callable[[bytes], None]:
        connection = _connected(order)

        def take(line: bytes) -> None:
            with connection.transaction():
                number = _counted(connection, 1)
                cursor = connection.execute(_FILE, _filed(line, number))
                connection.execute(_FILED, cursor.fetchone())

        return take

    return work.shared(clerk, order.submissions(), hands=work.HANDS)


def intake_in_groups(order: work.Order) -> float:
    """Take submissions in, many in a transaction."""

    def clerk() -> Callable[[Sequence[bytes]], None]:
        connection = _connected(order)

        def take(lines: Sequence[bytes]) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                last = _counted(connection, len(lines))
                first = last - len(lines) + 1
                rows = [_filed(line, n) for n, line in enumerate(lines, start=first)]
                cursor.executemany(_FILE, rows, returning=True)
                ids = [one.fetchone() for one in cursor.results()]
                cursor.executemany(_FILED, [one for one in ids if one])

        return take

    return work.shared(clerk, work.grouped(order.submissions()), hands=1)


def _counted(connection: psycopg.Connection[Any], more: int) -> int:
    counting = "UPDATE calls SET filed = filed + %s WHERE id = 1 RETURNING filed"
    return _only(connection.execute(counting, (more,)))


def _only(cursor: psycopg.Cursor[Any]) -> int:
    (number,) = cursor.fetchone() or (0,)
    return int(number)


def _filed(line: bytes, number: int) -> tuple[Any, ...]:
    told = json.loads(line)
    requested = round(float(told["requested"]) * 100)
    code = told["applicant"]["tax_code"]
    return number, told["portal_id"], code, requested, json.dumps(told)


def advance(order: work.Order) -> float:
    """Move files, one after the other."""

    def officer() -> Callable[[int], None]:
        connection = _connected(order)

        def move(number: int) -> None:
            for event, source, target in zip(
                work.MOVES, _STAGES, _STAGES[1:], strict=False
            ):
                with connection.transaction():
                    connection.execute(_MOVE, (target, number, source))
                    connection.execute(_MOVED, (number, event, source, target))

        return move

    return work.shared(officer, order.files, hands=1)


def jobs(order: work.Order) -> float:
    """Send notices, each in a transaction that takes the next one."""
    with _connected(order) as connection:
        connection.execute("CREATE INDEX ON notices (id) WHERE status = 'queued'")

    def hand() -> Callable[[int], None]:
        connection = _connected(order)

        def send(_number: int) -> None:
            with connection.transaction():
                file = _only(connection.execute(_NEXT))
                connection.execute(_MOVED, (file, "send", "queued", "sent"))

        return send

    return work.shared(hand, order.everything, hands=work.HANDS * work.AT_ONCE)


def sweep(order: work.Order) -> float:
    """Do what is due, all of a call in one statement."""

    def hand() -> Callable[[int], None]:
        connection = _connected(order)

        def expire(call: int) -> None:
            connection.execute(_EXPIRE, (call,))

        return expire

    return work.shared(hand, range(1, CALLS + 1), hands=work.HANDS)


# pgbench


_PGBENCH_INTAKE = f"""
BEGIN;
UPDATE calls SET filed = filed + 1 WHERE id = 1 RETURNING filed \\gset
INSERT INTO files (call_id, number, portal_id, tax_code, requested, content, stage)
    VALUES (1, :filed, 'P-' || :filed, lpad(:filed::text, 11, '0'), 11500000,
    repeat('x', {_LENGTH}), 'submitted') RETURNING id \\gset
INSERT INTO history (file_id, event, target) VALUES (:id, 'file', 'submitted');
COMMIT;
"""  # noqa: S608 - a number of ours
_PGBENCH_ADVANCE = (
    "\\set n :n + 1\n"
    + "".join(
        f"""
BEGIN;
UPDATE files SET stage = '{target}' WHERE id = :n AND stage = '{source}';
INSERT INTO history (file_id, event, source, target)
    VALUES (:n, '{event}', '{source}', '{target}');
COMMIT;
"""  # noqa: S608 - names of ours
        for event, source, target in zip(work.MOVES, _STAGES, _STAGES[1:], strict=False)
    )
)


def intake_by_pgbench(order: work.Order) -> float:
    """Take submissions in that the tool makes up."""
    return _pgbench(order, _PGBENCH_INTAKE, order.count, hands=work.HANDS)


def advance_by_pgbench(order: work.Order) -> float:
    """Move files, one after the other."""
    return _pgbench(order, _PGBENCH_ADVANCE, len(order.files), hands=1)


def _pgbench(order: work.Order, script: str, count: int, *, hands: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        clients = ("--client", str(hands), "--jobs", str(hands))
        how = ("--no-vacuum", "--protocol", "prepared", "--define", "n=0", *clients)
        command = [str(postgres_program("pgbench")), *how, "--file", file.name]
        command += ["--transactions", str(count // hands), order.database]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"^tps = ([0-9.]+)", told.stdout, re.MULTILINE)
    if found is None:
        raise AssertionError(told.stdout)
    return count / float(found[1])


if __name__ == "__main__":
    work.do(
        {
            "intake": intake,
            "intake in groups": intake_in_groups,
            "intake by pgbench": intake_by_pgbench,
            "advance": advance,
            "advance by pgbench": advance_by_pgbench,
            "jobs": jobs,
            "sweep": sweep,
        }
    )
