"""How do many file at once, one thread for each?"""

import threading
from dataclasses import dataclass, field, replace

from models.session import reading
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import filings, lookups, writers
from workflow.services.filings import Line
from workflow.services.intake import GROUP, Answer, take_group
from workflow.services.standings import Memory

_ROOM = 2_000
"""Submissions that may wait for their turn; a portal is told to try again beyond."""


@dataclass(eq=False)
class _Ticket:
    line: Line
    woken: threading.Event = field(default_factory=threading.Event)
    """Set once it is answered, or has to write for those who wait behind it."""
    writes: bool = False
    answer: Answer | None = None
    error: BaseException | None = None


class Grouping:
    """Lets many threads file at once: one of them writes for all who wait.

    Whoever finds nobody writing takes everything that waits and writes it as one
    group; the others wait for their answer, and the first of those who came
    meanwhile writes next. No thread is kept for it.
    """

    def __init__(self, desk: Desk, code: str) -> None:
        """Serve one call.

        Raises:
            RefusedError: there is no such call.
        """
        with reading(desk.engine) as session:
            call = lookups.find_call(session, code)
            self._gives_money = lookups.gives_money(call)
        self._desk, self._code = desk, code
        self._seat = writers.Seat(desk.engine, code, patience=desk.patience)
        self._memory = Memory()
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._somebody_writes = False

    def file(self, content: bytes) -> Answer:
        """Take one submission in and answer it, once it is written for good.

        Raises:
            UnavailableError: too many are waiting, or the database is not there;
                the submission has no number, and may be filed again.
        """
        line = filings.read(1, content.strip(), gives_money=self._gives_money)
        ticket = _Ticket(line)
        self._queue(ticket)
        if not ticket.writes:
            ticket.woken.wait()
        if ticket.writes:
            self._write()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.answer is not None  # noqa: S101 - it is answered by now
        return ticket.answer

    def _queue(self, ticket: _Ticket) -> None:
        with self._lock:
            if len(self._waiting) >= _ROOM:
                raise UnavailableError(
                    "intake.busy",
                    f"{_ROOM} submissions are waiting for their turn; try again in a "
                    "moment: this one has no number yet",
                )
            self._waiting.append(ticket)
            ticket.writes = not self._somebody_writes
            self._somebody_writes = True

    def _write(self) -> None:
        """Write for everybody who waits: whoever writes is the first of them."""
        with self._lock:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
        self._answer(group)
        with self._lock:
            self._somebody_writes = bool(self._waiting)
            if self._waiting:
                self._waiting[0].writes = True
                self._waiting[0].woken.set()
        for ticket in group:
            ticket.woken.set()

    def _answer(self, group: list[_Ticket]) -> None:
        lines = [
            replace(ticket.line, number=number)
            for number, ticket in enumerate(group, start=1)
        ]
        try:
            with self._seat:
                told = take_group(self._desk, self._code, lines, self._memory)
        except BaseException as error:  # noqa: BLE001 - each of them gets it
            for ticket in group:
                ticket.error = error
            return
        for ticket, answer in zip(group, told, strict=True):
            ticket.answer = {**answer, "line": 1}
