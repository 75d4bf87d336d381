"""What do the tests of one module share, because none of them changes it?"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine
from sqlmodel import select

from models.session import transaction
from models.tables import Anchor, Application, RankedPlace, Ranking
from tests.builders import office
from tests.filiere import some_list
from tests.servers import fresh_postgres
from tests.terminals import Terminal, furnish


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Keep one application in a database for all the changes that are refused."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("kept") / "sportello.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        place: AbstractContextManager[str] = nullcontext(f"sqlite:///{file}")
    else:
        place = fresh_postgres(
            request.getfixturevalue("postgres_server"),
            request.getfixturevalue("postgres_template"),
        )
    aid = {"granted_on": "2025-01-31", "amount": "1.00", "grantor": "Comune"}
    with place as url, office(url) as opened:
        opened.file(aids=[aid])
        some_list(opened)
        with transaction(opened.desk.engine) as session:
            application = session.exec(select(Application)).first()
            assert application is not None
            call = application.call_id
            session.add(
                Ranking(
                    call_id=call,
                    version=1,
                    entry_seq=1,
                    sha256="0" * 64,
                    ranked_at=opened.clock.now(),
                )
            )
            session.flush()
            session.add(
                RankedPlace(
                    call_id=call,
                    version=1,
                    place=1,
                    application_id=application.id,
                    amount=1,
                )
            )
            session.add(
                Anchor(
                    number=1,
                    at=opened.clock.now(),
                    hash="0" * 64,
                    body="{}",
                    key="0" * 64,
                    signature="0" * 128,
                )
            )
        yield opened.desk.engine


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """Give an empty Redis."""
    with closing(redis.Redis.from_url(redis_server)) as client:
        client.flushall()
        yield redis_server
        client.flushall()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with officers, a call and applications, for others to copy."""
    home = tmp_path_factory.mktemp("furnished") / "home"
    furnish(Terminal(home))
    return home


@pytest.fixture
def terminal(
    furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """Sit at a terminal whose home has officers, a call and applications."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    shutil.copytree(furnished, home)
    home.chmod(0o700)
    return Terminal(home)


@pytest.fixture
def bare_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Sit at a terminal where nothing was ever initialised."""
    monkeypatch.chdir(tmp_path)
    return Terminal(tmp_path / "home")
