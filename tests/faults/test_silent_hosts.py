"""Do the others go on when somebody falls silent in the middle of a command?"""

import os
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlmodel import select

from commands.entry import told_in_words
from models.session import open_engine, reading, transaction, unpooled
from models.tables import Call
from models.vocabulary import Event
from tests.builders import office
from tests.contents import entries
from tests.faults.storms import until
from tests.processes import acknowledge, acknowledged, start
from workflow.errors import SportelloError
from workflow.services import seats

SILENCE = 1
SEAT = "counter"


def fall_silent(url: str, said: Path) -> None:
    """Stop with the call locked; whoever is stopped still answers on its net."""
    engine = open_engine(url, silence=SILENCE)
    try:
        with told_in_words(), transaction(engine) as session:
            session.exec(select(Call).with_for_update()).one()
            acknowledge(said, b"holds it")
            os.kill(os.getpid(), signal.SIGSTOP)
            session.connection().execute(text("UPDATE calls SET filed = 7"))
    except SportelloError as error:
        acknowledge(said, f"{error.code} {error.exit_code}".encode())
    finally:
        engine.dispose()


def test_others_go_on_and_whoever_was_stopped_is_told(
    postgres_office_url: str, tmp_path: Path
):
    said = tmp_path / "said"
    with office(postgres_office_url) as work:
        first = work.file(0)
        silent = start(fall_silent, postgres_office_url, said)
        try:
            until(lambda: acknowledged(said) == [b"holds it"])

            work.move(first, Event.START_REVIEW)
            meanwhile = acknowledged(said)
            os.kill(silent.pid, signal.SIGCONT)
            silent.join()
        finally:
            silent.kill()

        assert meanwhile == [b"holds it"], "nobody was kept waiting"
        assert acknowledged(said)[1:] == [b"database.timed_out 3"]
        assert len(entries(work, event="start_review")) == 1
        assert work.verified()


def sit_still(url: str, said: Path) -> None:
    """Stop while sitting where one may sit at a time."""
    engine = open_engine(url, silence=SILENCE)
    with closing(seats.seat(engine, SEAT)) as seat:
        assert seat.take()
        acknowledge(said, b"sits there")
        os.kill(os.getpid(), signal.SIGSTOP)
        acknowledge(said, f"sits there: {seat.is_held()}".encode())
    engine.dispose()


def test_a_seat_is_free_again_when_whoever_sits_there_was_stopped(
    postgres_office_url: str, tmp_path: Path
):
    said = tmp_path / "said"
    with (
        office(postgres_office_url) as work,
        closing(seats.seat(work.desk.engine, SEAT)) as seat,
    ):
        silent = start(sit_still, postgres_office_url, said)
        try:
            until(lambda: acknowledged(said) == [b"sits there"])
            assert not seat.take()

            until(seat.take)
            os.kill(silent.pid, signal.SIGCONT)
            silent.join()
        finally:
            silent.kill()

        assert acknowledged(said)[1:] == [b"sits there: False"]
        assert seat.is_held()


def test_whoever_does_not_sit_there_may_say_nothing_for_as_long_as_they_like(
    postgres_office_url: str,
):
    bound = text("SHOW idle_session_timeout")

    def asked(seat: Any) -> Any:
        session = seat._connection
        return session.execute(bound).scalar_one() if session else ""

    with (
        office(postgres_office_url) as work,
        closing(seats.seat(work.desk.engine, SEAT)) as ours,
        closing(seats.seat(work.desk.engine, SEAT)) as other,
    ):
        found = []
        for does in (ours.take, other.take, ours.free, other.take):
            does()
            found.append([asked(ours), asked(other)])

    assert found == [["1min", ""], ["1min", "0"], ["0", "0"], ["0", "1min"]]


def test_whoever_reads_may_be_as_slow_as_they_like(postgres_office_url: str):
    bound = text("SHOW idle_in_transaction_session_timeout")

    with office(postgres_office_url) as work:
        with transaction(work.desk.engine) as session:
            writes = session.connection().execute(bound).scalar_one()
        with reading(work.desk.engine) as session:  # the same connection
            reads = session.connection().execute(bound).scalar_one()

    assert (writes, reads) == ("1min", "0")


def test_either_side_asks_in_time_whether_the_other_is_still_there(
    postgres_office_url: str,
):
    """A host without power does not say that it goes: nothing else would tell.

    Before whoever waits for its locks gives up, which they do after 30 seconds.
    """
    with office(postgres_office_url) as work:
        of_the_seat = unpooled(work.desk.engine)
        for engine in (work.desk.engine, of_the_seat):
            with engine.connect() as connection:
                theirs, ours = (
                    _asked_by_the_server(connection),
                    _asked_by_us(connection),
                )

            assert theirs == ["5", "5", "3", "20000"]
            assert ours == [5, 5, 3, 20_000]
        of_the_seat.dispose()


def _asked_by_the_server(connection: Connection) -> list[Any]:
    names = [f"tcp_keepalives_{name}" for name in ("idle", "interval", "count")]
    return [
        connection.execute(text(f"SHOW {name}")).scalar_one()
        for name in (*names, "tcp_user_timeout")
    ]


def _asked_by_us(connection: Connection) -> list[int]:
    driver = connection.connection.driver_connection
    assert driver is not None
    options = (
        socket.TCP_KEEPIDLE,
        socket.TCP_KEEPINTVL,
        socket.TCP_KEEPCNT,
        socket.TCP_USER_TIMEOUT,
    )
    with socket.socket(fileno=os.dup(driver.fileno())) as mine:
        return [mine.getsockopt(socket.IPPROTO_TCP, option) for option in options]
