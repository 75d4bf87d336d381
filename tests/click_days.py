"""How do tests get a call that many apply to at once?"""

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from config.loader import load
from config.schema import CallDefinition
from models.vocabulary import Event
from tests.builders import Office
from tests.contents import entries
from workflow.rules.amounts import format_money, parse_money, share
from workflow.services import accounts, calls, decrees, intake, views
from workflow.services.views import ApplicationView, CaseView, QueueView

_codes = itertools.count(1)


@dataclass(frozen=True)
class Counter:
    """The counter of one call, and the office that works behind it."""

    work: Office
    rules: CallDefinition

    @property
    def code(self) -> str:
        """The code of the call."""
        return self.rules.code

    # What comes in

    def request(self, number: int, requested: str, **changes: Any) -> dict[str, Any]:
        """Return a submission by an applicant of that number.

        The investment declared is just what the call needs to give what is asked.
        """
        listed = self.rules.beneficiaries
        code = listed[number - 1].tax_code if listed else f"{number:011d}"
        return {
            "portal_id": f"P-{number:04d}",
            "applicant": {
                "tax_code": code,
                "name": f"Impresa {number}",
                "pec": f"impresa{number}@pec.example.it",
            },
            "requested": requested,
            "investment": self.investment(requested),
            "documents": [dict(document) for document in self._documents],
            **changes,
        }

    def investment(self, aid: str) -> str:
        """Return the least investment on which the call gives an aid."""
        rules = self.rules.aid
        variable = parse_money(aid) - rules.fixed
        least = int(variable * 100 / rules.variable_percent)
        while share(least, rules.variable_percent) < variable:
            least += 1
        return format_money(least)

    @cached_property
    def _documents(self) -> tuple[Mapping[str, str], ...]:
        return tuple(
            {
                "kind": document.kind,
                "name": f"{document.kind}.pdf",
                "sha256": hashlib.sha256(document.kind.encode()).hexdigest(),
            }
            for document in self.rules.documents
        )

    def take(self, *lines: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take submissions in, all of them at the clock's instant."""
        contents = [orjson.dumps(line) for line in lines]
        return list(intake.take_in(self.work.desk, self.code, contents))

    def take_at(self, instant: datetime, line: Mapping[str, Any]) -> dict[str, Any]:
        """Take one submission in at an instant of the office's own clock."""
        self.work.clock.move_to(instant)
        (answer,) = self.take(line)
        return answer

    # What is decided

    def start(self, *files: str) -> None:
        """Start the formal check of some files."""
        for file in files:
            self.work.move(file, Event.START_REVIEW)

    def score(self, file: str, points: int = 80) -> None:
        """Admit a file whose check has started, and score it."""
        checked = [document.kind for document in self.rules.documents]
        self.work.move(file, Event.ADMIT, inputs={"checked": checked})
        stated = {"minutes": "3", "score": self._sheet(points)}
        self.work.move(file, Event.EVALUATE, inputs=stated)

    def examine(self, *files: str, points: int = 80) -> None:
        """Examine files one after the other, up to their score."""
        for file in files:
            self.start(file)
            self.score(file, points)

    def _sheet(self, points: int) -> list[str]:
        sheet, left = [], points
        for criterion in self.rules.merit.criteria:
            given = min(left, criterion.max_points)
            sheet.append(f"{criterion.code}={given}")
            left -= given
        return sheet

    def decree(self, grants: Mapping[str, str | None]) -> dict[str, Any]:
        """Grant some files by one act, each on the investment stated for it."""
        today = self.work.today
        lines = []
        for file, admitted in grants.items():
            number = next(_codes)
            line = {
                "application": file,
                "cor": str(9_000_000 + number),
                "cor_on": today.isoformat(),
                "cup": f"E99J{number:011d}",
                "cup_on": today.isoformat(),
                "durc_until": (today + timedelta(days=60)).isoformat(),
            }
            if admitted:
                line["admitted_investment"] = admitted
            lines.append(orjson.dumps(line))
        return decrees.grant(
            self.work.desk,
            self.code,
            decrees.read(lines),
            act=f"decreto 7/{today.isoformat()}",
        )

    # What stands then

    @property
    def files(self) -> tuple[ApplicationView, ...]:
        """Every file of the call, by order of arrival."""
        return views.listed(self.work.desk, call=self.code)

    def file(self, name: str) -> CaseView:
        """One case file."""
        return views.shown(self.work.desk, name)

    @property
    def queue(self) -> QueueView:
        """Who waits for a grant."""
        return views.queue(self.work.desk, self.code)

    @property
    def call(self) -> calls.CallView:
        """The call as it is shown."""
        return calls.shown(self.work.desk, self.code)

    def entries(self, **wanted: Any) -> list[dict[str, Any]]:
        """Entries of the register of the call, the oldest first."""
        return [
            entry
            for entry in entries(self.work, **wanted)
            if entry["call"] == self.code
        ]

    def residual_told(self) -> str:
        """What `explain money` says, once it has found nothing wrong."""
        told = accounts.money(self.work.desk, self.code)
        assert told.faults == ()
        return told.result


def publish(work: Office, file: Path) -> Counter:
    """Publish a call on its day, and open the office when its counter opens."""
    rules = load(file)
    work.clock.move_to(rules.window.published_at)
    calls.register_call(work.desk, file)
    work.clock.move_to(rules.window.opens_at)
    return Counter(work, rules)


def protocols(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the numbers that were given, in the order of the answers."""
    return [answer["protocol"] for answer in answers if answer["protocol"]]


def stated(instant: datetime) -> str:
    """Write an instant as the portal does."""
    return instant.isoformat(timespec="microseconds")
