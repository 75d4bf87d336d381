"""Can auditors be sent to a replica of the database, which only reads?"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.builders import office
from tests.engines import create_engine
from tests.servers import fresh_postgres
from tests.terminals import Terminal

FIRST = "2026/0000001"


@pytest.fixture
def replica(
    postgres_server: str, postgres_template: str, tmp_path: Path
) -> Iterator[Terminal]:
    """Give a terminal on a database that says of each write what a replica says."""
    with fresh_postgres(postgres_server, postgres_template) as url:
        with office(url) as work:
            work.file(0)
            now = work.clock.now().isoformat()
        _only_reads(url)
        yield Terminal(
            tmp_path,
            {
                "SPORTELLO_DATABASE_URL": url,
                "SPORTELLO_CLOCK": now,
                "SPORTELLO_OFFICER": "rossi",
                "SPORTELLO_IDENTITY": "declared",
            },
        )


def _only_reads(url: str) -> None:
    name = make_url(url).database
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
        )
    engine.dispose()


def test_a_replica_answers_whoever_reads_and_refuses_whoever_writes(replica: Terminal):
    for words in (
        ("log", "verify"),
        ("log", "show", FIRST),
        ("show", FIRST, "--as-of", "2026-01-20T10:00"),
        ("explain", "turn", FIRST),
        ("queue", "RLF12025051244"),
        ("report", "RLF12025051244"),
    ):
        typed = replica.type(*words)
        assert typed.exit_code == 0, (words, typed.output)

    replica.refused(
        "advance",
        FIRST,
        "start_review",
        "--yes",
        code="database.read_only",
        exit_code=3,
    )
