"""How do tests get a call that ends in an approved list, and proposals to it?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson

from config.loader import find, load
from config.schema import CallDefinition
from models.vocabulary import Event
from tests.builders import Office, rome, usual
from workflow.services import calls, intake, list_acts
from workflow.services.list_acts import Wanted

FILIERE = "RLO12022099901"
NAME = "filiere-2022"
OPENS = rome(2022, 3, 30)
CLOSES = rome(2022, 12, 31, 16)
TO_WORTHY = (Event.START_REVIEW, Event.ADMIT, Event.FIND_WORTHY)


def text(*changes: tuple[str, str]) -> str:
    """Return the shipped call, which reminds nobody, with some changes."""
    said = find(NAME).read_text(encoding="utf-8")
    for before, after in (("reminders = [10, 3, 0]", "reminders = []"), *changes):
        assert said.count(before) == 1, before
        said = said.replace(before, after)
    return said


def file(*changes: tuple[str, str]) -> Path:
    """Write that call to a file."""
    path = Path(mkdtemp(prefix="sportello-")) / f"{NAME}.toml"
    path.write_text(text(*changes), encoding="utf-8")
    return path


@lru_cache(maxsize=1)
def filiere() -> CallDefinition:
    """Return that call, parsed once."""
    return load(file())


TOGETHER = ('separate = ["refusal", "listing"]', "separate = []")


def proposal(number: int, **changes: Any) -> dict[str, Any]:
    """Return a submission line of a lead of its own."""
    code = tax_code(number)
    return {
        "portal_id": f"FIL-{number:04d}",
        "applicant": {
            "tax_code": code,
            "name": f"Filiera {number} S.r.l.",
            "pec": f"filiera{number}@pec.example.it",
            "kind": "firm",
        },
        "partners": partners(number),
        "requested": "0.00",
        "investment": "0.00",
        "documents": [
            {
                "kind": document.kind,
                "name": f"{document.kind}.pdf",
                "sha256": sha256(document.kind.encode()).hexdigest(),
            }
            for document in filiere().documents
        ],
        **changes,
    }


def partners(number: int, count: int = 9) -> list[dict[str, str]]:
    """Return the firms that stand behind a proposal beside its lead."""
    return [
        {
            "tax_code": tax_code(100 * number + other),
            "name": f"Partner {other} della filiera {number}",
            "kind": "firm",
        }
        for other in range(1, count + 1)
    ]


def tax_code(number: int) -> str:
    """Return the tax code of one of the undertakings."""
    return f"{10_000_000_000 + number:011d}"


@dataclass
class Filiere:
    """An office in which that call is loaded."""

    work: Office

    def take(self, *lines: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take submissions in at the clock's instant."""
        given = [orjson.dumps(line) for line in lines]
        return list(intake.take_in(self.work.desk, FILIERE, given))

    def file(self, number: int = 1, **changes: Any) -> str:
        """Take one good proposal in and return its protocol."""
        (answer,) = self.take(proposal(number, **changes))
        assert answer["protocol"], answer
        return str(answer["protocol"])

    def routine(self, name: str, *events: Event) -> None:
        """Make moves with the usual inputs, one after the other."""
        for event in events:
            self.work.move(name, event, **stated(event, self.work.today))

    def worthy(self, number: int = 1) -> str:
        """File a proposal and bring it to where the board finds it worthy."""
        name = self.file(number)
        self.routine(name, *TO_WORTHY)
        return name

    def update(self, *, dry_run: bool = False, **wanted: Any) -> dict[str, Any]:
        """Bring the list up to date by an act of today."""
        return list_acts.update(
            self.work.desk,
            FILIERE,
            Wanted(**wanted),
            act=f"decreto 7/{self.work.today.isoformat()}",
            reason="as the board found",
            dry_run=dry_run,
        )


def stated(event: Event, today: date) -> dict[str, Any]:
    """Return what is usually stated for an event of this procedure."""
    own: dict[Event, dict[str, Any]] = {
        Event.ADMIT: {"inputs": {"checked": [one.kind for one in filiere().documents]}},
        Event.FIND_WORTHY: {
            "inputs": {"minutes": "1/2022", "criterion": ["innovation"]},
            "reason": "it covers the whole chain",
        },
    }
    return own[event] if event in own else usual(event, today)


def published(work: Office, *changes: tuple[str, str], at: datetime = OPENS) -> Filiere:
    """Load the call, with the clock at its opening; one officer may do everything."""
    work.clock.move_to(at)
    calls.register_call(work.desk, file(TOGETHER, *changes))
    return Filiere(work)


STILL_OPEN = (
    "closes_at = 2022-12-31T16:00:00 # a Saturday: a fixed instant stays where it is",
    "closes_at = 2027-12-31T16:00:00",
)


def some_list(work: Office) -> Filiere:
    """Approve a list with one member, on whatever day of these years it is."""
    found = published(work, STILL_OPEN, at=work.clock.now())
    found.worthy()
    found.update()
    return found


def everything_on_a_list(work: Office) -> Filiere:
    """Let happen on a list all that acts can do to its members."""
    found = some_list(work)
    work.move(
        "FIL-0001",
        Event.CHANGE_PARTNERS,
        inputs={"partners": partners(1, 10)},
        reason="one more",
    )
    found.update(change=("FIL-0001",))
    found.routine("FIL-0001", Event.ASK_TO_LEAVE_LIST)
    found.update(remove=("FIL-0001",))
    name = found.file(2)
    found.routine(name, Event.START_REVIEW, Event.ADMIT, Event.FIND_UNWORTHY)
    return found


@contextmanager
def separated(work: Office) -> Iterator[Filiere]:
    """Load the call as it is shipped: who proposes does not decide."""
    work.clock.move_to(OPENS)
    calls.register_call(work.desk, file())
    yield Filiere(work)
