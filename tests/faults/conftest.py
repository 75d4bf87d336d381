"""Where do the tests of faults find much to do, and the same again in peace?"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import Office, office
from tests.faults.counters import furnish
from tests.servers import fresh_postgres
from tests.twins import Twins, twins_of


@pytest.fixture
def tmp_path(on_disk: Path) -> Path:
    """Put what is disturbed on the disk, that much may be halfway done."""
    return on_disk


@pytest.fixture(scope="session")
def counters(
    postgres_server: str,
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    """Furnish four counters on PostgreSQL, for others to copy."""
    with (
        fresh_postgres(postgres_server, postgres_template) as url,
        office(url) as work,
    ):
        furnish(work, tmp_path_factory.mktemp("counters"), a_round=2)
        yield work


@pytest.fixture
def twins(counters: Office, postgres_server: str, tmp_path: Path) -> Iterator[Twins]:
    """Give one office to disturb, the sleepy one, and the same to be left in peace."""
    with twins_of(counters, tmp_path, postgres_server) as pair:
        yield pair


@pytest.fixture
def twins_on_file(sqlite_office_url: str, tmp_path: Path) -> Iterator[Twins]:
    """Give such a pair in files of SQLite."""
    with office(sqlite_office_url) as work:
        furnish(work, tmp_path, a_round=1)
        with twins_of(work, tmp_path, None) as pair:
            yield pair
