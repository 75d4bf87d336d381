"""What can be asked of the workers?"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dramatiq import Actor, Broker

from models.session import DatabaseUnavailableError
from workflow.desk import Desk
from workflow.errors import RefusedError, UnavailableError
from workflow.services import groupings, submissions

_MOST_RETRIES = 20
_SHORTEST, _LONGEST = 200, 60_000
"""Milliseconds between one try and the next."""


@dataclass(frozen=True)
class Job:
    """Something that a worker does when a message asks for it."""

    name: str
    queue: str
    does: Callable[..., Any]


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
        return grouping.file(content)

    def _grouping(self, call: str) -> groupings.Grouping:
        """Return the one grouping of a call, in which all threads meet."""
        with self._lock:
            if call not in self._calls:
                self._calls[call] = groupings.Grouping(self._desk, call)
            return self._calls[call]


def declare(broker: Broker, desk: Desk) -> dict[str, Actor[..., Any]]:
    """Declare on a broker everything that its workers can be asked for."""
    filing = Filing(desk)
    jobs = (Job("receive_submission", "intake", filing.receive_submission),)
    return {job.name: _declared(broker, job) for job in jobs}


def _declared(broker: Broker, job: Job) -> Actor[..., Any]:
    return Actor(
        job.does,
        broker=broker,
        actor_name=job.name,
        queue_name=job.queue,
        priority=0,
        options={
            "store_results": True,
            "max_retries": _MOST_RETRIES,
            "min_backoff": _SHORTEST,
            "max_backoff": _LONGEST,
            "retry_when": _is_temporary,
        },
    )


def _is_temporary(retries: int, error: BaseException) -> bool:
    """Tell whether to try again: never what a rule refuses, nor a bug for ever.

    What is not there now is waited for as long as it takes.
    """
    if isinstance(error, UnavailableError | DatabaseUnavailableError):
        return True
    return not isinstance(error, RefusedError) and retries < _MOST_RETRIES
