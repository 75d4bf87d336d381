"""How do submissions come in while harm is done, at a desk and from portals?"""

import itertools
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
import redis
from dramatiq import Broker, Message
from dramatiq.results.errors import ResultError

from tests.builders import submission
from tests.faults.soak.machines import Machine
from tests.faults.soak.notebooks import (
    AWAY,
    FILED,
    Notebook,
    by_chance,
    may_go,
    rest,
)
from workflow.desk import Desk
from workflow.services import intake

_AGAIN = 3
"""Submissions that are brought again after an interruption, answered or not."""


def handing_in(post: Machine, *, who: str, call: str, seed: int) -> None:
    """Bring a file of submissions that grows, as at the desk."""
    book = Notebook.of(post, who)

    def bring(desk: Desk) -> None:
        lines = _lines(post, book, who, seed)
        for answer in intake.take_in(desk.as_officer("clerk"), call, lines):
            book.write(FILED, call=call, answer=answer)

    with post.desk() as desk:
        while not may_go(post):
            try:
                book.write_bug(lambda: bring(desk))
            except AWAY:
                rest()


def _lines(post: Machine, book: Notebook, who: str, seed: int) -> Iterator[bytes]:
    """Bring what was not answered, and some of what was."""
    for number in itertools.count(max(len(answered(book)) - _AGAIN, 0)):
        if may_go(post):
            return
        yield line(who, number)
        chance = by_chance(seed, f"{who} {number}")
        time.sleep(chance.random() * 0.6)


def answered(book: Notebook) -> set[str]:
    """Name the submissions that were answered."""
    return {one["answer"]["portal_id"] for one in book.lines() if one["did"] == FILED}


def pushing(post: Machine, *, who: str, call: str, seed: int) -> None:
    """Push submissions one by one, as a portal does, until each is answered."""
    book = Notebook.of(post, who)
    with closing(post.broker()) as portal:
        portal.declare_queue("intake")
        while not may_go(post):
            number = len(answered(book))
            answer = _pushed(portal, call, line(who, number))
            if answer is not None:
                book.write(FILED, call=call, answer=answer)
                chance = by_chance(seed, f"{who} {number}")
                time.sleep(chance.random() * 0.3)


def _pushed(portal: Broker, call: str, content: bytes) -> dict[str, Any] | None:
    """Push one and wait a while; without an answer it is pushed again later."""
    args = (call, content.decode())
    message: Message[Any] = Message("intake", "receive_submission", args, {}, {})
    backend = next(one for one in portal.middleware if hasattr(one, "backend")).backend
    try:
        portal.enqueue(message)
        told = message.get_result(backend=backend, block=True, timeout=3_000)
    except (ResultError, redis.RedisError, OSError):
        rest()
        return None
    assert isinstance(told, dict)
    return told


def line(who: str, number: int) -> bytes:
    """Write a submission by an applicant whom no list names."""
    code = 80_000_000_000 + 1_000_000 * sum(who.encode()) + number
    return orjson.dumps(
        {
            **submission(0),
            "portal_id": f"{who}-{number:05d}",
            "applicant": {
                "tax_code": f"{code}",
                "name": f"Ente {code}",
                "pec": f"ente{number}@pec.example.it",
            },
        }
    )
