"""How fast is the work done with Django, viewflow.fsm and Celery?

Each move locks its row and is an atomic block; the flow saves the model when it has
succeeded. Jobs go through Redis to one Celery worker with a process for each job that
others have in hand at a time. It acknowledges late, as idempotent tasks may, and
fetches many at once, as is recommended for short ones.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django
from celery import Celery
from django.db import connection, models, transaction
from django.utils import timezone
from viewflow import fsm

from benchmarks.peers import work

django.setup()


# The models


class Stage(models.TextChoices):
    """Where a file stands."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    AWAITING = "awaiting"
    ADMISSIBLE = "admissible"
    EVALUATED = "evaluated"
    LAPSED = "lapsed"


class Call(models.Model):
    """What counts the files."""

    filed = models.IntegerField()
    head = models.TextField(default="")

    class Meta:
        """How it is stored."""

        app_label, db_table, managed = "peers", "calls", False


class File(models.Model):
    """What is moved."""

    call = models.ForeignKey(Call, models.PROTECT)
    number = models.IntegerField()
    portal_id = models.TextField()
    tax_code = models.TextField()
    requested = models.BigIntegerField()
    content = models.TextField()
    stage = models.TextField(choices=Stage.choices, default=Stage.SUBMITTED)
    due_at = models.DateTimeField(null=True)

    class Meta:
        """How it is stored."""

        app_label, db_table, managed = "peers", "files", False


class History(models.Model):
    """What was done with a file."""

    file = models.ForeignKey(File, models.PROTECT)
    event = models.TextField()
    source = models.TextField(null=True)
    target = models.TextField()
    body = models.TextField(null=True)
    hash = models.TextField(null=True)

    class Meta:
        """How it is stored."""

        app_label, db_table, managed = "peers", "history", False


class Notice(models.Model):
    """What a job sends."""

    file = models.ForeignKey(File, models.PROTECT)
    status = models.TextField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        """How it is stored."""

        app_label, db_table, managed = "peers", "notices", False


class Flow:
    """Which move leads where."""

    stage = fsm.State(Stage, default=Stage.SUBMITTED)

    def __init__(self, file: File) -> None:
        self.file = file

    @stage.setter()
    def _set(self, value: str) -> None:
        self.file.stage = value

    @stage.getter()
    def _get(self) -> Stage:
        return Stage(self.file.stage)

    @stage.transition(source=Stage.SUBMITTED, target=Stage.IN_REVIEW)
    def start_review(self) -> None:
        """Take it up."""

    @stage.transition(source=Stage.IN_REVIEW, target=Stage.ADMISSIBLE)
    def admit(self) -> None:
        """Admit it."""

    @stage.transition(source=Stage.ADMISSIBLE, target=Stage.EVALUATED)
    def evaluate(self) -> None:
        """Evaluate it."""

    @stage.transition(source=Stage.AWAITING, target=Stage.LAPSED)
    def expire(self) -> None:
        """Let it lapse."""
        self.file.due_at = None

    @stage.on_success()
    def _moved(self, descriptor: Any, source: Stage, target: Stage) -> None:  # noqa: ANN401 - of viewflow
        self.file.save(update_fields=["stage", "due_at"])
        self._note(event=descriptor.label, source=source, target=target)

    def _note(self, **about: str) -> None:
        History.objects.create(file=self.file, **about)


class ChainedFlow(Flow):
    """The same, with what it takes to find out later that a row was changed."""

    def __init__(self, file: File, call: Call) -> None:
        super().__init__(file)
        self._call = call

    def _note(self, **about: str) -> None:
        body = json.dumps({"file": self.file.pk, **about}, sort_keys=True)
        chained = hashlib.sha256((self._call.head + body).encode()).hexdigest()
        super()._note(**about, body=body, hash=chained)
        self._call.head = chained
        self._call.save(update_fields=["head"])


def _move(event: str, number: int) -> None:
    with transaction.atomic():
        file = File.objects.select_for_update().get(pk=number)
        getattr(Flow(file), event)()


# What is done


def intake(order: work.Order) -> float:
    """Take submissions in, each in a transaction of its own."""
    return work.shared(_clerk, order.submissions(), hands=work.HANDS)


def _clerk() -> Callable[[bytes], None]:
    connection.ensure_connection()
    return lambda line: _take([line])


def _take(lines: Sequence[bytes]) -> None:
    read = [json.loads(line) for line in lines]
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=1)
        files = [_filed(call, told, n) for n, told in enumerate(read, start=1)]
        call.filed += len(files)
        call.save(update_fields=["filed"])
        if len(files) == 1:
            files[0].save()
            History.objects.create(file=files[0], event="file", target=Stage.SUBMITTED)
            return
        entries = [
            History(file=file, event="file", target=Stage.SUBMITTED)
            for file in File.objects.bulk_create(files)
        ]
        History.objects.bulk_create(entries)


def _filed(call: Call, told: dict[str, Any], number: int) -> File:
    return File(
        call=call,
        number=call.filed + number,
        portal_id=told["portal_id"],
        tax_code=told["applicant"]["tax_code"],
        requested=round(float(told["requested"]) * 100),
        content=json.dumps(told),
    )


def intake_in_groups(order: work.Order) -> float:
    """Take submissions in, many in a transaction."""

    def clerk() -> Callable[[Sequence[bytes]], None]:
        connection.ensure_connection()
        return _take

    return work.shared(clerk, work.grouped(order.submissions()), hands=1)


def advance(order: work.Order) -> float:
    """Move files, one after the other."""

    def officer() -> Callable[[int], None]:
        connection.ensure_connection()
        return _advance

    return work.shared(officer, order.files, hands=1)


def _advance(number: int) -> None:
    for event in work.MOVES:
        _move(event, number)


def advance_chained(order: work.Order) -> float:
    """Move files in their turn, and chain what was done."""

    def officer() -> Callable[[int], None]:
        connection.ensure_connection()
        return _advance_chained

    return work.shared(officer, order.files, hands=1)


def _advance_chained(number: int) -> None:
    for event in work.MOVES:
        with transaction.atomic():
            call = Call.objects.select_for_update().get(pk=1)
            file = File.objects.select_for_update().get(pk=number)
            before = File.objects.filter(call=call, number__lt=file.number)
            if before.filter(stage=Stage.SUBMITTED).exists():
                message = f"{number} has to wait"
                raise ValueError(message)
            getattr(ChainedFlow(file, call), event)()


# The queue


queue = Celery("peers", broker=work.order().broker, set_as_current=False)
queue.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
)


@queue.task(name="send")
def _send(number: int) -> None:
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=number)
        if notice.status == "sent":
            return
        notice.status, notice.sent_at = "sent", timezone.now()
        notice.save(update_fields=["status", "sent_at"])
        History.objects.create(file_id=notice.file_id, event="send", target="sent")


@queue.task(name="sweep")
def _sweep() -> None:
    with connection.cursor() as cursor:
        work.begin(cursor)
    due = File.objects.filter(due_at__lte=timezone.now()).order_by("due_at", "pk")
    _ask("expire", due.values_list("pk", flat=True))


@queue.task(name="expire")
def _expire(number: int) -> None:
    _move("expire", number)


def _ask(task: str, numbers: Sequence[int]) -> None:
    with queue.producer_or_acquire() as producer:
        for number in numbers:
            queue.send_task(task, (number,), producer=producer)


def jobs(order: work.Order) -> float:
    """Send notices, which are in the queue already."""
    _ask("send", order.everything)
    return work.worked_off(order, _serve, [()])


def sweep(order: work.Order) -> float:
    """Ask for all that is due, as a periodic task does, and do it."""
    queue.send_task("sweep")
    return work.worked_off(order, _serve, [()])


def _serve() -> None:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    hands = ("--pool", "prefork", "--concurrency", str(work.HANDS * work.AT_ONCE))
    with Path(os.devnull).open("wb") as nowhere:
        # It greets, says goodbye, and warns of containers, where one is always root.
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
        queue.worker_main(["--quiet", "worker", *quiet, *hands])


if __name__ == "__main__":
    work.do(
        {
            "intake": intake,
            "intake in groups": intake_in_groups,
            "advance": advance,
            "advance chained": advance_chained,
            "jobs": jobs,
            "sweep": sweep,
        }
    )
