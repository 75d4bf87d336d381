"""How are submissions taken in, in the order in which they come?"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.exc import StatementError

from config.logs import log
from models.session import DatabaseUnavailableError, reading
from models.vocabulary import Role
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import filings, lookups, officers, writers
from workflow.services.bundles import OvertakenError
from workflow.services.filings import Line
from workflow.services.standings import Memory
from workflow.services.windows import opened

GROUP = 200
"""Submissions in one transaction at most: one lock and one flush for all of them."""

_MOST_PARTNERS = 5_000
"""In one transaction: as many parameters of a statement every database takes."""

_PATIENCE = 0.1
"""Seconds after which a reader looks whether anybody still wants what it reads."""

Answer = dict[str, Any]


def take_in(desk: Desk, code: str, lines: Iterable[bytes]) -> Iterator[Answer]:
    """Take submissions in, in the order of the lines; answer each one.

    A line that is refused, or that cannot be read, is answered and recorded as
    refused, and disturbs no other.

    Raises:
        RefusedError: unknown call, or whoever asks may not take submissions in.
        UnavailableError: somebody else is the writer of the call.
    """
    for answers_of_group in take_in_groups(desk, code, lines):
        yield from answers_of_group


def take_in_groups(
    desk: Desk, code: str, lines: Iterable[bytes]
) -> Iterator[list[Answer]]:
    """Take submissions in; answer those that were written together at once.

    Whatever lines are there already are taken in together. The answers come once
    all of them are written for good.

    Raises:
        RefusedError: unknown call, or whoever asks may not take submissions in.
        UnavailableError: somebody else is the writer of the call.
    """
    read = partial(filings.read, gives_money=_check_clerk(desk, code))
    memory, seat = Memory(), writers.Seat(desk.engine, code, patience=desk.patience)
    with closing(seat), seat:
        for group in _groups(lines, read):
            yield take_group(desk, code, group, memory)


def take_group(
    desk: Desk, code: str, lines: Sequence[Line], memory: Memory | None = None
) -> list[Answer]:
    """Take a group of submissions in, in one transaction, and answer each.

    In more than one, if they name too many people for the database to look up at once.
    """
    memory = memory or Memory()
    first, rest = _divided(lines)
    if rest:
        told = take_group(desk, code, first, memory)
        return told + take_group(desk, code, rest, memory)
    try:
        told = _taken(desk, code, lines, memory)
    except StatementError as error:
        told = _one_by_one(desk, code, lines, error)
    except DatabaseUnavailableError as error:
        if error.code == "database.locked":
            raise
        # An error at the commit does not say whether it happened. The same lines
        # again do: what was taken in is answered with the number it has.
        told = _taken(desk, code, lines, memory)
    for answer in told:
        log.info(
            "submission_answered",
            call=code,
            line=answer["line"],
            outcome=answer["outcome"],
            code=answer["error"]["code"] if answer["error"] else None,
        )
    return told


def _divided(lines: Sequence[Line]) -> tuple[Sequence[Line], Sequence[Line]]:
    named = 0
    for index, line in enumerate(lines):
        partners = line.filed.partners if line.filed else ()
        named += len(partners)
        if partners and index and named > _MOST_PARTNERS:
            return lines[:index], lines[index:]
    return lines, ()


def _taken(
    desk: Desk, code: str, lines: Sequence[Line], memory: Memory
) -> list[Answer]:
    while True:
        try:
            with opened(desk, code) as work:
                return filings.take(work, lines, memory)
        except OvertakenError:
            memory.forget()  # each time there is one more whom all know
        except BaseException:
            memory.forget()
            raise


def _one_by_one(
    desk: Desk, code: str, lines: Sequence[Line], error: StatementError
) -> list[Answer]:
    """Take lines in again, each by itself: the database does not take one of them.

    The others must not suffer for it, and that one is answered and recorded too.
    """
    if len(lines) > 1:
        return [answer for line in lines for answer in take_group(desk, code, [line])]
    (line,) = lines
    if line.error is not None:
        raise error
    log.info("submission_unwritable", call=code, line=line.number)
    unwritable = RefusedError(
        "submission.unwritable",
        "the database does not take it, and nothing of it was kept; tell whoever runs "
        "the system, with the instant of this answer",
    )
    return take_group(desk, code, [replace(line, error=unwritable)])


def _check_clerk(desk: Desk, code: str) -> bool:
    """Refuse the whole file when the one who brings it may not.

    Returns whether there is money in the call.
    """
    with reading(desk.engine) as session:
        gives_money = lookups.gives_money(lookups.find_call(session, code))
    try:
        with reading(desk.engine) as session:
            actor = officers.identify(session, desk, only_looks=True)
            officers.require(actor, Role.INTAKE, Role.SYSTEM)
    except RefusedError as error:
        with opened(desk, code) as work:
            filings.refuse_file(work, error)
        raise
    return gives_money


# Lines that come one by one


_Waiting = queue.Queue[Line | BaseException | None]
"""Lines that were read; at last nothing, or what kept the rest from being read."""


_Read = Callable[[int, bytes], Line]


def _groups(lines: Iterable[bytes], read: _Read) -> Iterator[list[Line]]:
    """Return the lines in groups: as many as wait, without waiting for more."""
    waiting, stopped = _Waiting(2 * GROUP), threading.Event()
    threading.Thread(
        target=_read_ahead, args=(lines, read, waiting, stopped), daemon=True
    ).start()
    try:
        while True:
            found = _whatever_waits(waiting)
            if group := [line for line in found if isinstance(line, Line)]:
                yield group
            if isinstance(found[-1], BaseException):
                raise found[-1]
            if found[-1] is None:
                return
    finally:
        stopped.set()


def _whatever_waits(waiting: _Waiting) -> list[Line | BaseException | None]:
    found = [waiting.get()]
    with suppress(queue.Empty):
        while isinstance(found[-1], Line) and len(found) < GROUP:
            found.append(waiting.get_nowait())
    return found


def _read_ahead(
    lines: Iterable[bytes], read: _Read, waiting: _Waiting, stopped: threading.Event
) -> None:
    """Read lines while others are being written, but not far ahead of them."""
    try:
        for number, line in enumerate(lines, start=1):
            if content := line.strip():
                _put(waiting, read(number, content), stopped)
            if stopped.is_set():
                return
        _put(waiting, None, stopped)
    except BaseException as error:  # noqa: BLE001 - it is raised where it is read
        _put(waiting, error, stopped)


def _put(
    waiting: _Waiting, item: Line | BaseException | None, stopped: threading.Event
) -> None:
    while not stopped.is_set():
        with suppress(queue.Full):
            waiting.put(item, timeout=_PATIENCE)
            return
