"""Does a closed set become a ranking, and does the money go down it as it must?"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest

from config.loader import load
from models.vocabulary import Event
from tests.builders import EVERYBODY, PAPER, Office, office, quiet
from workflow.errors import RefusedError
from workflow.services import (
    calls,
    installation,
    intake,
    officers,
    rankings,
    sweep,
)

SMART = "smart-mobility-2024"
CODE = "RLF12024099902"
REASON = "the board has scored all of them"
ASKED = ["2000000.00"] * 12 + ["2400000.00", "2500000.00"]


def tax_code(number: int) -> str:
    digits = [int(digit) for digit in f"{98_000_000_00 + number:010d}"]
    doubled = (2 * digit for digit in digits[1::2])
    total = sum(digits[::2]) + sum(digit - 9 * (digit > 9) for digit in doubled)
    return "".join(map(str, digits)) + str(-total % 10)


def line(number: int, requested: str, rules: Any, **changes: Any) -> bytes:
    return orjson.dumps(
        {
            "portal_id": f"SM-{number:04d}",
            "applicant": {
                "tax_code": tax_code(number),
                "name": f"Comune {number}",
                "pec": f"comune{number}@pec.example.it",
            },
            "requested": requested,
            "investment": requested,
            "documents": [
                {
                    "kind": document.kind,
                    "name": f"{document.kind}.pdf",
                    "sha256": hashlib.sha256(document.kind.encode()).hexdigest(),
                }
                for document in rules.documents
            ],
            **changes,
        }
    )


class Ranked:
    """An office with a ranked call, and what is done to many files of it."""

    def __init__(self, work: Office, name: str, code: str) -> None:
        self.work, self.code, self.rules = work, code, load(quiet(name))

    def file(self, *asked: str, first: int = 1, **changes: Any) -> list[str]:
        lines = [
            line(number, requested, self.rules, **changes)
            for number, requested in enumerate(asked, start=first)
        ]
        answers = list(intake.take_in(self.work.desk, self.code, lines))
        assert all(answer["protocol"] for answer in answers), answers
        return [str(answer["protocol"]) for answer in answers]

    def close(self) -> None:
        closes = self.rules.window.closes_at
        self.work.clock.advance(closes - self.work.clock.now() + timedelta(minutes=1))
        sweep.sweep(self.work.desk)

    def examine(self, protocol: str, points: Mapping[str, int] | None = None) -> None:
        checked = [document.kind for document in self.rules.documents]
        self.work.move(protocol, Event.START_REVIEW)
        self.work.move(protocol, Event.ADMIT, inputs={"checked": checked})
        if points is not None:
            score = [f"{name}={given}" for name, given in points.items()]
            stated = {"minutes": "3/2024", "score": score}
            self.work.move(protocol, Event.EVALUATE, inputs=stated)

    def rank(self, **stated: Any) -> dict[str, Any]:
        return rankings.rank(self.work.desk, self.code, **self.formal, **stated)

    def fund(self, **stated: Any) -> dict[str, Any]:
        return rankings.fund(self.work.desk, self.code, **self.formal, **stated)

    @property
    def formal(self) -> dict[str, Any]:
        return {"act": f"decreto 1/{self.work.today}", "reason": REASON}


@contextmanager
def furnished(database_url: str, name: str, code: str) -> Iterator[Ranked]:
    """Open an office in which a ranked call has just opened."""
    with office(database_url, at=load(quiet(name)).window.published_at) as work:
        installation.initialise(work.desk.engine, work.clock, rehearsal=True)
        for login, roles in EVERYBODY.items():
            officers.add(work.desk.as_officer("bianchi"), login, login.title(), roles)
        calls.register_call(work.desk, quiet(name))
        ranked = Ranked(work, name, code)
        work.clock.advance(ranked.rules.window.opens_at - work.clock.now())
        yield ranked


def points(total: int) -> dict[str, int]:
    quality = min(total, 50)
    return {"quality": quality, "impact": total - quality, "data": 0}


@pytest.fixture
def smart(database_url: str) -> Iterator[Ranked]:
    with furnished(database_url, SMART, CODE) as ranked:
        yield ranked


@pytest.fixture
def ranked(smart: Ranked) -> tuple[Ranked, list[str]]:
    """Rank the fourteen; the one that was filed first has the best score."""
    names = smart.file(*ASKED)
    smart.close()
    for number, name in reversed(list(enumerate(names))):
        smart.examine(name, points(79 - number))
    smart.rank()
    return smart, names


def amounts(told: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(one["place"], one["amount"]) for one in told["order"]]


def test_thirteen_of_fourteen_are_funded_and_one_of_them_in_part(smart: Ranked):
    names = smart.file(*ASKED)
    smart.close()
    for number, name in enumerate(names):
        smart.examine(name, points(79 - number))

    foreseen = smart.rank(dry_run=True)
    told = smart.rank()

    assert amounts(told) == [
        *((place, "2000000.00") for place in range(1, 13)),
        (13, "1000000.00"),
        (14, "0.00"),
    ]
    assert told["order"] == foreseen["order"]
    outcomes = [one["outcome"] for one in told["order"]]
    assert outcomes == ["funded"] * 12 + ["funded_in_part", "not_funded"]
    assert told["residual"] == "0.00"
    assert smart.work.verified()


def test_a_renunciation_completes_the_partial_one_and_offers_the_rest_to_the_next(
    ranked: tuple[Ranked, list[str]],
):
    smart, names = ranked
    smart.work.move(names[4], Event.WITHDRAW, inputs={"document": PAPER})

    told = smart.fund()

    assert amounts(told) == [(13, "2400000.00"), (14, "600000.00")]
    assert [one["before"] for one in told["order"]] == ["1000000.00", "0.00"]
    assert told["residual"] == "0.00"
    with pytest.raises(RefusedError, match="nobody in the ranking gets any"):
        smart.fund()
    assert smart.work.verified()
