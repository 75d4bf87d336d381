"""How do tests get a call, its officers and applications in any state?"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from config.families import form
from config.loader import find, load
from config.schema import CallDefinition
from models.session import open_engine
from models.vocabulary import Event, Role
from workflow.ambient import FrozenAmbient
from workflow.desk import Desk, Identity, IdentityKind
from workflow.moves.families import TABLES
from workflow.services import calls, installation, intake, log, moves, officers

ROME = ZoneInfo("Europe/Rome")
CTL = "RLF12025051244"
COUNTERS = {
    family: table
    for family, table in TABLES.items()
    if "counter" in form(table.family).sections
}
"""The tables of the families that keep an order of arrival, and give money in it."""
PAPER = "a" * 64
COR = "1234567"
CUP = "E41B21003760009"
_cors = (str(number) for number in itertools.count(2_000_000))
_cups = (f"E41B{number:011d}" for number in itertools.count(31_003_760_009))


def rome(*parts: int) -> datetime:
    """Return an instant from civil time in Rome."""
    return datetime(*parts, tzinfo=ROME).astimezone(UTC)  # type: ignore[misc,arg-type]


OPENING = rome(2026, 1, 20, 10)
CLOSING = rome(2026, 3, 5, 16)


_SEPARATE = 'separate = ["grant", "refusal", "lapse", "revocation"]'
_REMINDERS = "reminders = [10, 3, 0]"


def shipped(name: str = "ctl-2025") -> str:
    """Return the text of a shipped call that reminds nobody and separates nothing.

    Reminders would stand between all other things that are due; and one officer,
    who does everything, keeps most tests short.
    """
    text = find(name).read_text(encoding="utf-8")
    assert (text.count(_REMINDERS), text.count(_SEPARATE)) == (1, 1), name
    text = text.replace(_SEPARATE, "separate = []")
    return text.replace(_REMINDERS, "reminders = []")


@lru_cache(maxsize=4)
def quiet(name: str = "ctl-2025") -> Path:
    """Write that call to a file."""
    path = Path(mkdtemp(prefix="sportello-")) / f"{name}.toml"
    path.write_text(shipped(name), encoding="utf-8")
    return path


@lru_cache(maxsize=1)
def ctl() -> CallDefinition:
    """Return that call, parsed once."""
    return load(quiet())


@dataclass
class Office:
    """A database with the CTL call loaded, and everybody who works on it."""

    desk: Desk
    clock: FrozenAmbient

    def take(self, *lines: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take submissions in at the clock's instant."""
        return list(
            intake.take_in(self.desk, CTL, [orjson.dumps(line) for line in lines])
        )

    def file(self, number: int = 0, **changes: Any) -> str:
        """Take one good submission in and return its protocol."""
        (answer,) = self.take(submission(number, **changes))
        assert answer["protocol"], answer
        return str(answer["protocol"])

    def move(self, application: str, event: Event, **stated: Any) -> dict[str, Any]:
        """Make one move; `inputs`, `act`, `reason`, `key`, `dry_run` as stated."""
        return moves.advance(self.desk, moves.MoveCommand(application, event, **stated))

    def routine(self, application: str, *events: Event) -> None:
        """Make moves with the usual inputs, one after the other."""
        for event in events:
            self.move(application, event, **usual(event, self.today))

    @property
    def today(self) -> date:
        """The civil day in Rome."""
        return self.clock.now().astimezone(ROME).date()

    def wait(self, **span: int) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**span))

    def sit(self, login: str) -> "Office":
        """Return the same office with another officer at the desk."""
        return Office(self.desk.as_officer(login), self.clock)

    def verified(self) -> bool:
        """Tell whether the register verifies."""
        return all(result.ok for result in log.verify(self.desk))


def submission(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a submission line by one of the nine clusters."""
    beneficiary = ctl().beneficiaries[number]
    return {
        "portal_id": f"DOM-{number + 1:04d}",
        "applicant": {
            "tax_code": beneficiary.tax_code,
            "name": beneficiary.name,
            "pec": f"cluster{number + 1}@pec.example.it",
        },
        "requested": "111111.11",
        "investment": "95424.84",
        "documents": [
            {
                "kind": document.kind,
                "name": f"{document.kind}.pdf",
                "sha256": hashlib.sha256(document.kind.encode()).hexdigest(),
            }
            for document in ctl().documents
        ],
        **changes,
    }


def scores(points: int = 80, rules: CallDefinition | None = None) -> list[str]:
    """Return a score sheet that adds up to some points of a hundred."""
    sheet, left = [], points
    for criterion in (rules or ctl()).merit.criteria:
        given = min(left, criterion.max_points)
        sheet.append(f"{criterion.code}={given}")
        left -= given
    return sheet


def usual(event: Event, today: date, **changes: Any) -> dict[str, Any]:
    """Return what is usually stated for an event."""
    act = f"decreto 100/{today.isoformat()}"
    day = today.isoformat()
    stated: dict[Event, dict[str, Any]] = {
        Event.DECLARE_NOT_RECEIVABLE: {"act": act, "reason": "arrived by PEC"},
        Event.REQUEST_COMPLETION: {"inputs": {"item": ["signature of the plan"]}},
        Event.ANSWER_COMPLETION: {"inputs": {"document": PAPER}},
        Event.NOTIFY_REFUSAL: {"reason": "below the threshold"},
        Event.FILE_OBSERVATIONS: {"inputs": {"document": PAPER}},
        Event.UPHOLD_OBSERVATIONS: {"reason": "they are right"},
        Event.ADMIT: {
            "inputs": {"checked": [document.kind for document in ctl().documents]}
        },
        Event.DECLARE_INADMISSIBLE: {"act": act, "reason": "incomplete"},
        Event.EVALUATE: {"inputs": {"minutes": "3/2026", "score": scores()}},
        Event.REJECT: {"act": act, "reason": "below the threshold"},
        Event.FUND: {
            "inputs": {"ranking": 1, "place": 13, "amount": 100_000_000},
            "act": act,
            "reason": "the ranking",
        },
        Event.ADMIT_UNFUNDED: {
            "inputs": {"ranking": 1, "place": 14, "amount": 0},
            "act": act,
            "reason": "the ranking",
        },
        Event.RAISE_GRANT: {
            "inputs": {
                "durc_until": (today + timedelta(days=90)).isoformat(),
                "antimafia": "BDNA 2",
            },
            "act": act,
        },
        Event.DECLARE_UNFUNDED: {"act": act},
        Event.GRANT: {
            "inputs": {
                "cor": next(_cors),
                "cor_on": day,
                "cup": next(_cups),
                "cup_on": day,
                "durc_until": (today + timedelta(days=90)).isoformat(),
            },
            "act": act,
        },
        Event.RECORD_PUBLICATION: {
            "inputs": {"published_on": day, "reference": "BURL 12"}
        },
        Event.CONFIRM_COR: {"inputs": {"sent_on": day}},
        Event.RENEW_COR: {"inputs": {"cor": next(_cors), "cor_on": day}},
        Event.RECORD_DELIVERY: {"inputs": {"letter": "grant", "receipt": "R-1"}},
        Event.RELEASE_NOTICE: {"inputs": {"notice": str(UUID(int=1))}},
        Event.CONVENE_NEGOTIATION: {"inputs": {"meeting_on": day}},
        Event.SIGN_MINUTES: {"inputs": {"minutes": "V-1", "signed_on": day}},
        Event.FILE_PLAN: {"inputs": {"document": PAPER, "investment": "95424.84"}},
        Event.RETURN_PLAN: {"reason": "budget lines missing"},
        Event.DETERMINE_AMOUNT: {
            "inputs": {"admitted_investment": "95424.84"},
            "act": act,
        },
        Event.ACCEPT: {"inputs": {"document": PAPER}},
        Event.START: {"inputs": {"started_on": day}},
        Event.APPROVE_VARIATION: {"inputs": {"document": PAPER}, "reason": "partner"},
        Event.GRANT_EXTENSION: {
            "inputs": {"months": 3},
            "act": act,
            "reason": "delays in supplies",
        },
        Event.FILE_REPORT: {"inputs": {"document": PAPER}},
        Event.SETTLE: {"inputs": {"recognised": "100000.00"}, "act": act},
        Event.CHANGE_PARTNERS: {
            "inputs": {"partners": []},
            "reason": "the lead asks for it",
        },
        Event.EXTEND_TERM: {
            "inputs": {"term": "definitive_plan", "days": 15},
            "act": act,
            "reason": "illness",
        },
        Event.EXPIRE_TERM: {"inputs": {"term": "conclusion"}},
        Event.RESUME_TERM: {"inputs": {"term": "conclusion"}},
        Event.REMIND_TERM: {"inputs": {"term": "report", "days": 3}},
        Event.ESCALATE_TERM: {"inputs": {"term": "conclusion"}},
        Event.PROPOSE_LAPSE: {"inputs": {"term": "definitive_plan"}},
        Event.DISMISS_LAPSE: {"act": act, "reason": "force majeure"},
        Event.LAPSE: {"act": act, "reason": "plan never filed"},
        Event.WITHDRAW: {"inputs": {"document": PAPER}},
        Event.PROPOSE_REVOCATION: {"reason": "false declaration"},
        Event.DECLARE_CONFLICT: {
            "inputs": {"officer": str(CLERK)},
            "reason": "a relative works there",
        },
        Event.END_CONFLICT: {
            "inputs": {"officer": str(CLERK)},
            "reason": "the relative has left",
        },
        Event.REVOKE: {"inputs": {}, "act": act, "reason": "false declaration"},
        Event.ANNUL: {"act": act, "reason": "judgment"},
        Event.FIND_WORTHY: {
            "inputs": {"minutes": "1/2022", "criterion": ["innovation"]},
            "reason": "a whole chain",
        },
        Event.FIND_UNWORTHY: {"inputs": {"minutes": "1/2022"}, "reason": "one step"},
        Event.ENTER_LIST: {"act": act, "reason": "as the board found"},
        Event.CHANGE_ON_LIST: {"act": act, "reason": "a partner has left"},
        Event.LEAVE_LIST: {"act": act, "reason": "too few are left"},
        Event.ASK_TO_LEAVE_LIST: {"inputs": {"document": PAPER}},
    }
    return {**stated.get(event, {}), **changes}


TO_GRANT = (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE, Event.GRANT)
TO_ACCEPTANCE = (
    *TO_GRANT,
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
    Event.FILE_PLAN,
    Event.DETERMINE_AMOUNT,
    Event.ACCEPT,
)
TO_PROGRESS = (*TO_ACCEPTANCE, Event.START)
TO_THE_END = (*TO_PROGRESS, Event.DECLARE_END, Event.FILE_REPORT, Event.SETTLE)

CLERK = UUID(int=7)
"""Who usually has a conflict of interests: the one of the intake decides on nothing."""

EVERYBODY = {
    "bianchi": (Role.ADMINISTRATOR,),
    "rossi": tuple(role for role in Role if role != Role.SYSTEM),
    "clerk": (Role.INTAKE,),
    "examiner": (Role.OFFICER,),
    "rup": (Role.RESPONSIBLE,),
    "board": (Role.EVALUATOR,),
    "director": (Role.MANAGER,),
    "controller": (Role.AUDITOR,),
}


@contextmanager
def office(database_url: str, *, at: datetime = OPENING) -> Iterator[Office]:
    """Open an office on an empty or already prepared database."""
    clock = FrozenAmbient(at)
    engine = open_engine(database_url)
    desk = Desk(engine, clock, Identity(IdentityKind.DECLARED, "rossi"), clock.now())
    try:
        yield Office(desk, clock)
    finally:
        engine.dispose()


class _Known(FrozenAmbient):
    """Gives the clerk the identifier that tests know."""

    def new_id(self) -> UUID:
        return CLERK


def furnish(database_url: str, rules: CallDefinition | None = None) -> None:
    """Make the tables, the officers and a call in an empty database; else the CTL."""
    rules = rules or ctl()
    with office(database_url, at=rules.window.published_at) as empty:
        installation.initialise(empty.desk.engine, empty.clock, rehearsal=True)
        for login, roles in EVERYBODY.items():
            desk = empty.desk.as_officer("bianchi")
            if login == "clerk":
                desk = replace(desk, ambient=_Known(empty.clock.instant))
            officers.add(desk, login, login.title(), roles)
        calls.register_rules(empty.desk, rules)
