"""How do several processes verify one register, as it was at one moment?

Each reads the whole chain and looks after its share of the files. They only say
whether all holds: as soon as one of them doubts it, one reader goes over all of it
again and tells what is wrong, in order.
"""

import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from models.session import (
    DatabaseUnavailableError,
    begin_reading,
    commits,
    open_engine,
    reading,
)
from workflow.errors import SportelloError
from workflow.services.glances import DoubtError
from workflow.services.shares import Share
from workflow.services.spills import spills
from workflow.services.verified_chains import Reader, Verified

MOST = 8
"""Processes that read at one time: the database has others to serve."""

_ATTEMPTS = 50
"""To begin at one moment in a file of SQLite, while others write."""

_NONE = (0, 0, 0, 0)

_BEGIN, _READY, _GO = "begin", "ready", "go"


@dataclass(frozen=True, slots=True)
class _Said:
    """What a helper says of its share, if all of it holds."""

    counts: dict[str, tuple[int, int, int, int]]
    """Of each call: letters and applications with nothing to compare them with."""
    foreign: frozenset[str]
    """Acts that entries name, none of them by who brought it."""


def available() -> int:
    """Return how many processes may help."""
    if multiprocessing.current_process().daemon:
        return 0  # who is a helper has none
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return min(len(cores) or 1, MOST) - 1


class Helpers:
    """The other processes that verify at the same time."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self._lines = lines
        self.share = Share(0, len(lines) + 1)
        """The part that is left to whoever started them."""

    @contextmanager
    def reading(self, engine: Engine) -> Iterator[Session]:
        """Read what all of them read, as it was at one moment.

        Raises:
            DoubtError: others write so much that no such moment is found.
        """
        with commits(engine) as committed:
            for _ in range(_ATTEMPTS):
                before = committed()
                with reading(engine) as session:
                    moment = begin_reading(session)
                    self._tell((_BEGIN, moment))
                    for line in self._lines:
                        _heard(line)
                    if committed() == before:
                        self._tell((_GO, None))
                        yield session
                        return
        raise DoubtError

    def agreed(
        self, found: Sequence[Verified], own: Reader, *, whole: bool
    ) -> list[Verified]:
        """Wait for all; return what was found, with what they counted.

        Who brought an act is known only where the *whole* register was read.

        Raises:
            DoubtError: something may not hold.
        """
        if not all(one.ok for one in found):
            raise DoubtError
        said: list[_Said] = [_heard(line) for line in self._lines]
        foreign = own.claims.foreign().union(*(one.foreign for one in said))
        foreign = foreign - own.claims.borne_out(foreign) if whole else frozenset()
        self._tell(foreign)
        for line in self._lines:
            foreign -= _heard(line)
        if foreign:
            raise DoubtError
        return [_counted(one, said) for one in found]

    def _tell(self, what: object) -> None:
        with _doubting():
            for line in self._lines:
                line.send(what)


def _counted(one: Verified, said: Sequence[_Said]) -> Verified:
    counts = [_counts(one), *(each.counts.get(one.call, _NONE) for each in said)]
    erased, unread, nameless, unnamed = map(sum, zip(*counts, strict=True))
    return replace(
        one, erased=erased, unread=unread, nameless=nameless, unnamed=unnamed
    )


def _counts(one: Verified) -> tuple[int, int, int, int]:
    return one.erased, one.unread, one.nameless, one.unnamed


@contextmanager
def helpers(engine: Engine, code: str | None, *, count: int) -> Iterator[Helpers]:
    """Start so many other processes; they end with the block."""
    url = engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        lines = []
        for number in range(1, count + 1):
            line, other = context.Pipe()
            stack.callback(line.close)
            process = context.Process(
                target=_help,
                args=(other, url, code, Share(number, count + 1)),
                daemon=True,
            )
            process.start()
            stack.callback(process.join)
            stack.callback(process.terminate)
            other.close()
            lines.append(line)
        yield Helpers(lines)


@contextmanager
def _doubting() -> Iterator[None]:
    """Doubt where somebody does not answer any more."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise DoubtError from error


def _heard(line: Connection) -> Any:  # noqa: ANN401 - whatever was asked
    with _doubting():
        said = line.recv()
    if said is None:
        raise DoubtError
    return said


# --- in another process -------------------------------------------------------


def _help(line: Connection, url: str, code: str | None, share: Share) -> None:
    """Verify a share; say nothing of what is wrong but that something is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    gc.disable()  # entries have no cycles, and there are many of them
    engine = open_engine(url)
    with suppress(EOFError, OSError):  # nobody is there any more
        try:
            _verify(line, engine, code, share)
        except (DoubtError, DatabaseUnavailableError, SportelloError):
            line.send(None)
        finally:
            engine.dispose()


def _verify(line: Connection, engine: Engine, code: str | None, share: Share) -> None:
    told, moment = line.recv()
    while told == _BEGIN:
        with spills() as room, reading(engine, moment=moment) as session:
            begin_reading(session)
            line.send(_READY)
            told, moment = line.recv()
            if told == _GO:
                reader = Reader(
                    session,
                    room,
                    share=share,
                    tell=lambda _done, _all: _listen(line),
                    glances=True,
                )
                _answer(line, reader, code)


def _listen(line: Connection) -> None:
    """Stop where nobody waits for an answer any more: nothing is said meanwhile."""
    if line.poll():
        line.recv()  # which fails: there is nobody


def _answer(line: Connection, reader: Reader, code: str | None) -> None:
    found = reader.verify_all(code)
    if not all(one.ok for one in found):
        line.send(None)
        return
    line.send(_Said({one.call: _counts(one) for one in found}, reader.claims.foreign()))
    line.send(reader.claims.borne_out(line.recv()))
