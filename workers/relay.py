"""How does what a commit leaves to be done reach the broker?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dramatiq import Broker, Message

from workers import actors, sending
from workflow.desk import Desk
from workflow.services import outbox
from workflow.services.outbox import RESEND, Waiting

GROUP = 500
"""Messages that are sent together, and then noted as sent."""

_QUEUE = actors.JOBS["do_message"].queue
_AT_ONCE = 10_000
_ROOM = 100_000
"""Messages that wait in the broker at most: the rest is safer in the database."""


class Relay:
    """Gives the broker the jobs of the outbox, each at least once.

    One at a time is at work, so the jobs of an application are given in the order
    in which they were caused.
    """

    def __init__(
        self, broker: Broker, desk: Desk, *, resend: timedelta = RESEND
    ) -> None:
        self._broker, self._desk, self._resend = broker, desk, resend
        self._has_begun = False

    def step(self) -> int:
        """Send what waits; tell how much it was.

        Raises:
            UnavailableError: the broker does not answer; nothing is lost.
        """
        there = sending.waiting(self._broker, _QUEUE)
        # While more than a group waits there, what was sent has not been lost: the
        # workers have not come to it yet.
        has_lost = there <= GROUP
        if not self._has_begun and has_lost:
            # A broker in memory died with the process that sent to it.
            outbox.forget_sent(self._desk)
        self._has_begun = True
        most = min(_AT_ONCE, _ROOM - there)
        if most <= 0:
            return 0
        again = self._resend if has_lost else None
        jobs = outbox.to_send(self._desk, most=most, resend=again)
        for first in range(0, len(jobs), GROUP):
            self._send(jobs[first : first + GROUP])
        return len(jobs)

    def _send(self, jobs: Sequence[Waiting]) -> None:
        messages = [_asked(job) for job in jobs]
        under = str(self._desk.ambient.new_id())
        sending.send(self._broker, _QUEUE, messages, under=under)
        outbox.mark_sent(self._desk, jobs)


def _asked(job: Waiting) -> Message[Any]:
    about = {}
    if job.call is not None:
        about = {"call": job.call, "cause": f"entry {job.entry_seq}"}
    if job.application is not None:
        about["application"] = str(job.application)
    identity = str(job.id)
    return actors.message("do_message", identity, identity=identity, about=about)
