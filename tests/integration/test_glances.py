"""Do several processes that verify together say what one says?"""

import pytest
from sqlalchemy import text

from models.session import reading
from tests.builders import TO_GRANT, Office
from tests.integration.test_verification import by_hand
from workflow.services import log, sweep, verification
from workflow.services.shares import Share
from workflow.services.verified_chains import silent
from workflow.services.verified_rows import identity

SHARES = [Share(number, 3) for number in range(3)]


@pytest.fixture
def history(work: Office) -> Office:
    """Give an office with some files, one of them granted under an act."""
    sweep.sweep(work.desk)
    first, *_ = [work.file(number) for number in range(4)]
    work.routine(first, *TO_GRANT)
    return work


def test_two_readers_say_what_one_says_and_doubt_what_one_finds(history, monkeypatch):
    alone = verification.with_care(history.desk, None, tell=silent)

    together = verification.at_a_glance(history.desk, None, tell=silent, count=1)
    monkeypatch.setattr(verification, "LONG", 1)
    monkeypatch.setattr(verification, "available", lambda: 1)
    by_hand(history, "UPDATE applications SET requested = 7 WHERE filed_seq > 1")

    assert together == alone
    assert together.ok
    assert len(log.verify(history.desk)[0].faults) == 3


def test_each_file_is_in_one_share_whoever_counts(history):
    with reading(history.desk.engine) as session:
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        counted = {}
        for share in SHARES:
            mine = share.sql("id", is_sqlite=is_sqlite)
            query = f"SELECT CAST(id AS TEXT) FROM applications WHERE {mine}"  # noqa: S608 - ours
            counted[share] = {identity(one) for one in session.scalars(text(query))}

    files = [identity for found in counted.values() for identity in found]
    assert len(files) == len(set(files)) == 4
    for share, found in counted.items():
        assert all(share.has(one) for one in found)
        assert not any(share.has(one) for one in set(files) - found)
