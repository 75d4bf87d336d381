"""Whatever happens to a letter, does it leave once, and does its term wait for it?

Hypothesis lets attempts end in any way, receipts come in any order and officers ask
again; a model of a few lines says what may have arrived.
"""

import shutil
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.vocabulary import Event, TermKind
from tests.builders import Office, office
from tests.pec import FULL, Pec, accepted, delivered, failed
from tests.postboxes import Postbox
from tests.servers import fresh_postgres
from workflow.errors import (
    PermanentError,
    RefusedError,
    TemporaryError,
    UnknownOutcomeError,
)
from workflow.services import notices, outbox, receipts, silences, views
from workflow.services.notices import NoticeView
from workflow.services.postings import Mail

RECIPIENT = "cluster1@pec.example.it"


def full(letter: Any, **more: Any) -> Pec:
    return failed(letter, FULL, **more)


HAPPENINGS = (
    *(("send", None, True),) * 4,
    ("send", TemporaryError, False),
    ("send", PermanentError, False),
    *(("send", UnknownOutcomeError, takes) for takes in (True, False)),
    *(("send", KeyboardInterrupt, takes) for takes in (True, False)),
    *(("receipt", kind) for kind in (accepted, delivered, failed, full)),
    *(("retry",),) * 2,
    *(("wait", minutes) for minutes in (1, 6, 6, 300, 1500)),
)
AND_AGAIN = (("wait", 6), ("send", None, True))


class Uncertain(Postbox):
    """A server of which one may not know whether it has taken a letter."""

    def __init__(self) -> None:
        super().__init__(is_certain=False)
        self.error: type[BaseException] | None = None
        self.takes = True
        self.arrived: list[str] = []

    def send(self, mail: Mail) -> None:
        if self.takes:
            self.arrived.append(mail.message_id)
        if self.error is None:
            super().send(mail)
        elif issubclass(self.error, KeyboardInterrupt):
            raise KeyboardInterrupt  # the process ends here
        else:
            raise self.error("mail.test", "so it happens")


class Walk:
    """One letter, and what may have become of it."""

    def __init__(self, work: Office) -> None:
        self.work, self.name = work, work.file()
        self.server = Uncertain()
        work.routine(self.name, Event.START_REVIEW)
        self.send(None, False)
        self.server.arrived.clear()
        work.routine(self.name, Event.REQUEST_COMPLETION)
        self.id = UUID(self.letter.id)
        self.delivered = False
        self.asked_again = 0
        self.identifiers = count()

    @property
    def letter(self) -> NoticeView:
        return notices.shown(self.work.desk, f"{self.name}/completion_request")

    def send(self, error: type[BaseException] | None, takes: bool) -> None:
        nobody_knows = error in {UnknownOutcomeError, KeyboardInterrupt}
        self.server.error = error
        self.server.takes = error is None or (takes and nobody_knows)
        for job in outbox.to_send(self.work.desk, most=100, resend=timedelta(0)):
            try:
                outbox.do(self.work.desk, job.id, self.server)
            except KeyboardInterrupt:
                continue

    def receipt(self, kind: Any) -> None:
        before = self.letter
        if before.message_id is None:
            return  # it was never handed over
        pec = kind(
            before.message_id,
            at=self.work.clock.now(),
            zone="+0000",
            identifier=f"r{next(self.identifiers)}",
        )
        taken = receipts.take_in(self.work.desk, pec.but(to=RECIPIENT).mail())
        assert taken.outcome is receipts.Outcome.TAKEN_IN, taken
        self.delivered |= kind is delivered

    def retry(self) -> None:
        before = self.letter
        try:
            notices.retry(self.work.desk, [before.name])
        except RefusedError:
            assert before.status in {"sent", "accepted", "delivered"}
        else:
            self.asked_again += before.status in {"undelivered", "full_box"}

    def wait(self, minutes: int) -> None:
        self.work.wait(minutes=minutes)
        silences.note(self.work.desk)

    def holds(self) -> None:
        """Nothing leaves twice unawares, and no term runs before its letter came."""
        now = self.letter
        arrived = self.server.arrived.count(now.message_id or "")
        assert arrived <= 1 or now.maybe_double
        assert len(self.server.arrived) <= 1 or now.maybe_double or self.asked_again
        assert (now.delivered_at is not None) == self.delivered
        terms = views.shown(self.work.desk, self.name).terms
        runs = [one for one in terms if one.kind is TermKind.COMPLETION]
        assert bool(runs) == self.delivered
        assert now.status != "delivered" or self.delivered


def walk(url: str, story: list[tuple[Any, ...]]) -> None:
    with office(url) as work:
        walked = Walk(work)
        for what, *how in story:
            getattr(walked, what)(*how)
            walked.holds()


stories = given(story=st.lists(st.sampled_from(HAPPENINGS), max_size=9))


@settings(max_examples=60)
@example([("send", KeyboardInterrupt, True), *AND_AGAIN])
@example([("send", UnknownOutcomeError, True), *AND_AGAIN])
@example([("send", None, True), ("wait", 1500), ("retry",), *AND_AGAIN])
@stories
def test_a_letter_leaves_once_and_its_term_waits_for_it_on_sqlite(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, story
):
    file = tmp_path_factory.mktemp("walk") / "sportello.db"
    shutil.copyfile(sqlite_template, file)

    walk(f"sqlite:///{file}", story)


@settings(max_examples=15)
@stories
def test_a_letter_leaves_once_and_its_term_waits_for_it_on_postgresql(
    postgres_server: str, postgres_template: str, story
):
    with fresh_postgres(postgres_server, postgres_template) as url:
        walk(url, story)
