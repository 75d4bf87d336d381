"""What can be asked of the workers?"""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Any
from uuid import UUID

from dramatiq import Actor, Broker, Message
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage, Interrupt

from config.logs import log
from models.schema import OTHER_FORM
from models.session import DatabaseUnavailableError
from workflow.desk import Desk
from workflow.errors import RefusedError, SportelloError, UnavailableError
from workflow.services import (
    anchoring,
    digests,
    groupings,
    mailboxes,
    outbox,
    seats,
    stamping,
    submissions,
    sweep,
)
from workflow.services.postings import Transport

_MOST_RETRIES = 20
_SHORTEST, _LONGEST = 200, 60_000
"""Milliseconds between one try and the next."""

_SOON = 5
"""Times that a job is tried again at once, within some seconds."""

_OURS = (SportelloError, DatabaseUnavailableError)

_HOUR = 3_600_000
"""Milliseconds: after a long rest much may be due in one call."""


@dataclass(frozen=True)
class Job:
    """Something that a worker does when a message asks for it."""

    name: str
    queue: str
    priority: int
    """The lowest comes first, of what a worker has fetched."""
    made: Callable[[Desk, Transport], Callable[..., Any]]
    """Makes the function that does it, at the desk of a worker."""
    answers: bool = False
    """Whether somebody waits for what it returns."""
    kept: bool = True
    """Whether the database knows that it is to be done, until it is done.

    Then the broker need not keep what fails: it is asked for again.
    """


class Filing:
    """Takes submissions in that a portal pushes, whatever calls they are for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk.as_worker("queue")
        self._calls: dict[str, groupings.Grouping] = {}
        self._lock = threading.Lock()

    def receive_submission(self, call: str, line: str) -> dict[str, Any]:
        """Take one submission in and answer it, as `sportello intake` does.

        The answer waits for the portal as the result of the message. A message
        that comes twice is answered twice, with the same number.
        """
        # Half a pair of surrogates is no text: the line is answered as unreadable.
        content = line.encode(errors="surrogatepass")
        try:
            grouping = self._grouping(call)
        except RefusedError as error:  # there is no such call
            return {
                "line": 1,
                "portal_id": submissions.portal_id(content),
                "outcome": "refused",
                "protocol": None,
                "received_at": None,
                "position": None,
                "error": {
                    "code": error.code,
                    "message": error.message,
                    "details": error.details,
                },
            }
        log.bind(call=call, cause="portal")
        return grouping.file(content)

    def _grouping(self, call: str) -> groupings.Grouping:
        """Return the one grouping of a call, in which all threads meet."""
        with self._lock:
            if call not in self._calls:
                self._calls[call] = groupings.Grouping(self._desk, call)
            return self._calls[call]


def _filing(desk: Desk, _transport: Transport) -> Callable[..., Any]:
    return Filing(desk).receive_submission


def _sweeping(desk: Desk, _transport: Transport) -> Callable[..., Any]:
    def sweep_call(code: str) -> None:
        """Do all that is due on a call; whoever holds it does so anyway."""
        sweep.sweep_call(desk, code)

    return sweep_call


def _sealing(desk: Desk, _transport: Transport) -> Callable[..., Any]:
    def seal_register(_day: str) -> None:
        """Make the anchor of today, unless it is there.

        The day that was asked for may be over by now.
        """
        anchoring.seal_day(desk)

    return seal_register


def _stamping(desk: Desk, _transport: Transport) -> Callable[..., Any]:
    def stamp_anchor(_day: str) -> None:
        """Have the last anchor stamped by an authority outside, unless it is."""
        stamping.stamp(desk)

    return stamp_anchor


def _digesting(desk: Desk, _transport: Transport) -> Callable[..., Any]:
    def write_digests(_day: str) -> None:
        """Write to each officer what waits for them, unless it was done today."""
        digests.write(desk)

    return write_digests


def _doing(desk: Desk, transport: Transport) -> Callable[..., Any]:
    def do_message(identity: str) -> None:
        """Do one job of the outbox, unless it is done already."""
        outbox.do(desk, UUID(identity), transport)

    return do_message


def _taking_in(desk: Desk, _transport: Transport) -> Callable[..., Any]:
    seen: set[mailboxes.Mark] = set()

    def take_receipts_in(folder: str) -> None:
        """Take in what is new in the folder of receipts.

        Only in ours: what a message says is believed of nobody, and a receipt is
        worth as much as the folder in which it lies.
        """
        if desk.receipts is None or Path(folder) != desk.receipts:
            raise RefusedError(
                "receipts.other_folder",
                "SPORTELLO_RECEIPTS of this worker names another folder, or none: set "
                "the same for the scheduler and for all workers",
            )
        with closing(seats.seat(desk.engine, "receipts")) as seat:
            if seat.take():  # several would read the same, and keep letters waiting
                mailboxes.take_new(desk, Path(folder), seen)

    return take_receipts_in


JOBS = {
    job.name: job
    for job in (
        Job("receive_submission", "intake", 0, _filing, answers=True, kept=False),
        Job("sweep_call", "sweep", 10, _sweeping),
        Job("do_message", "notices", 20, _doing),
        Job("seal_register", "sweep", 30, _sealing),
        Job("write_digests", "sweep", 40, _digesting),
        Job("stamp_anchor", "sweep", 50, _stamping),
        Job("take_receipts_in", "receipts", 30, _taking_in),
    )
}
"""All of them; a new job is a new line."""


def message(
    name: str, argument: str, *, identity: str, about: Mapping[str, str]
) -> Message[Any]:
    """Ask for a job; *about* stands on every line that it logs."""
    return Message(
        queue_name=JOBS[name].queue,
        actor_name=name,
        args=(argument,),
        kwargs={},
        options={"about": dict(about)},
        message_id=identity,
    )


def _ignored(_error: Exception) -> None:
    """Do nothing about it."""


def declare(
    broker: Broker,
    desk: Desk,
    transport: Transport,
    *,
    outdated: Callable[[Exception], None] = _ignored,
) -> None:
    """Declare on a broker everything that its workers can be asked for.

    A job that finds the database in another form than ours tells so by *outdated*:
    it is for workers of another version, and so are all others.
    """
    for job in JOBS.values():
        does = _watched(job.made(desk.as_worker(), transport), outdated)
        Actor(
            partial(_kept if job.kept else _alone, job.name, does),
            broker=broker,
            actor_name=job.name,
            queue_name=job.queue,
            priority=job.priority,
            options={
                "store_results": job.answers,
                "max_retries": _MOST_RETRIES,
                "min_backoff": _SHORTEST,
                "max_backoff": _LONGEST,
                "retry_when": _is_temporary,
                "time_limit": _HOUR,
            },
        )


def _watched(
    does: Callable[..., Any], outdated: Callable[[Exception], None]
) -> Callable[..., Any]:
    def done(*args: Any) -> Any:  # noqa: ANN401 - of any job
        try:
            return does(*args)
        except _OURS as error:
            if error.code in OTHER_FORM:
                outdated(error)
            raise

    return done


def _alone(name: str, does: Callable[..., Any], *args: Any) -> Any:  # noqa: ANN401 - of any job
    """Do a job that nobody knows of but the broker; what fails stays with it."""
    log.forget()
    log.bind(job=name)
    return does(*args)


def _kept(name: str, does: Callable[..., Any], *args: Any) -> None:  # noqa: ANN401 - of any job
    """Do a job that the database keeps until it is done.

    What fails is told and acknowledged. It is asked for again, by the next tick or
    by the relay, and none of it goes to rest where only the broker would know.
    """
    current = CurrentMessage.get_current_message()
    options = current.options if current else {}
    log.forget()
    log.bind(job=name, **options.get("about", {}))
    try:
        does(*args)
    except (Exception, Interrupt) as error:  # noqa: BLE001 - told, not hidden
        last = extract_tb(error.__traceback__)[-1]
        about = {
            "error": type(error).__name__,
            "code": error.code if isinstance(error, _OURS) else None,
            "where": f"{last.filename}:{last.lineno}",
        }
        if _is_away(error) and options.get("retries", 0) < _SOON:
            log.info("job_put_off", **about)
            raise Retry from None  # what the error says may be personal
        log.warn("job_failed", **about)


def _is_away(error: BaseException) -> bool:
    """Tell whether something was not there that may be in a moment."""
    return isinstance(error, UnavailableError | DatabaseUnavailableError)


def _is_temporary(retries: int, error: BaseException) -> bool:
    """Tell whether to try again: never what a rule refuses, nor a bug for ever.

    What is not there now is waited for as long as it takes.
    """
    if _is_away(error) or isinstance(error, Retry):
        return True
    return not isinstance(error, RefusedError) and retries < _MOST_RETRIES
