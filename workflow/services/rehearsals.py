"""What would the day feel like on which everybody files at once (*click day*)?"""

import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import quantiles

import orjson
from sqlalchemy import Engine, func
from sqlmodel import col, select

from config import templates
from config.schema import CallDefinition
from models.session import reading
from models.tables import Application
from models.vocabulary import Cents, Letter, MemberKind, Role
from workflow.ambient import MovedAmbient
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import UnavailableError
from workflow.rules import calendar
from workflow.rules.amounts import format_money
from workflow.services import calls, installation, officers, verification
from workflow.services.groupings import Grouping
from workflow.services.schedules import do_on_schedule

CLERKS = 400
"""Threads that offer: as many may wait for their answer at a time."""

_BEFORE = timedelta(seconds=1)
_LEAD = timedelta(seconds=0.5)
"""From the start of the clock to the opening: by then the threads are there."""
_FIRST = 0.001
"""Seconds after the opening at which the first is due: two clocks are read."""
_NUMBER = b"######"
"""Stands for the number of an application: of a million, each has one of its own."""
_WHO = "rehearsal"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many apply, how many in a second, and for how much each."""

    applications: int
    """At most a million."""
    rate: int
    requested: Cents


@dataclass(slots=True)
class Felt:
    """How it went; instants in seconds from the opening, waits in milliseconds."""

    plan: Plan
    waits: "array[float]"
    """Of those who were answered, in the order in which they were due."""
    answered_at: "array[float]"
    """By place: when whoever has it was told so; zero if nobody has it."""
    took: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    """Those whom a rule refused, by its code."""
    turned_away: int = 0
    """Those told to try again, because too many were waiting."""
    ties: int = 0
    """How many share their instant with another, having been written together.

    Among them the protocol number decides, and that is given as they came.
    """
    instants: int = 0
    """How many there are in all: each group that is written at once has one."""
    last_at: float = 0.0
    """The last of them, by the clock of the register."""
    covered: int = 0
    """How many have money reserved for all that they ask."""
    entries: int = 0
    verified_in: float = 0.0
    """Seconds."""
    verifies: bool = False

    @property
    def placed(self) -> int:
        """How many have a place in the order."""
        return sum(1 for at in self.answered_at if at)

    @property
    def exhausted_at(self) -> float | None:
        """When the last one with money was told so, if anybody is without."""
        without = self.placed > self.covered > 0
        return self.answered_at[self.covered - 1] if without else None

    def within(self, hundredths: int) -> float:
        """Return the wait within which so many of a hundred were answered."""
        if len(self.waits) < 2:  # noqa: PLR2004 - quantiles need two
            return self.waits[0] if self.waits else 0.0
        # Beyond the longest wait there is none: few of them would be extrapolated.
        return quantiles(self.waits, n=100, method="inclusive")[hundredths - 1]


def rehearse(
    engine: Engine,
    rules: CallDefinition,
    plan: Plan,
    *,
    tell: Callable[[int], None] = lambda _answered: None,
) -> Felt:
    """Play the opening of a call on an empty database, and return how it went.

    Everybody may apply: no list is looked at, neither that of the call nor those of
    other calls. Where the call wants them to be several, each names so many partners.
    """
    rules = _open_to_all(rules)
    _warm_up(rules)
    _furnish(engine, rules)
    # The instants of the register are those of the schedule: both begin here.
    desk = _desk(engine, MovedAmbient.to(rules.window.opens_at - _LEAD))
    opening = time.perf_counter() + _LEAD.total_seconds()
    felt = _offered(desk, rules, plan, tell, opening=opening)
    _look_back(desk, rules, felt)
    return felt


def _open_to_all(rules: CallDefinition) -> CallDefinition:
    together = rules.partnership
    if together is not None:
        together = together.model_copy(update={"invited_only": False})
    nobody_is_listed = {"beneficiaries": (), "lists": None, "partnership": together}
    return rules.model_copy(update=nobody_is_listed)


def _warm_up(rules: CallDefinition) -> None:
    """Load what a process that has been at work for a while has loaded."""
    templates.title(Letter.SUBMISSION_RECEIPT)
    calendar.italian_calendar(rules.year, rules.year)


def _furnish(engine: Engine, rules: CallDefinition) -> None:
    """Load the call a moment before it opens."""
    desk = _desk(engine, MovedAmbient.to(rules.window.opens_at - _BEFORE))
    installation.initialise(engine, desk.ambient, rehearsal=True)
    roles = (Role.ADMINISTRATOR, Role.INTAKE)
    officers.add(desk, _WHO, "Rehearsal", roles)
    calls.register_rules(desk, rules)


def _desk(engine: Engine, clock: MovedAmbient) -> Desk:
    identity = Identity(IdentityKind.DECLARED, _WHO)
    return Desk(engine, clock, identity, clock.now(), channel="rehearsal")


def _offered(
    desk: Desk,
    rules: CallDefinition,
    plan: Plan,
    tell: Callable[[int], None],
    *,
    opening: float,
) -> Felt:
    grouping, one = Grouping(desk, rules.code), _submission(rules, plan.requested)
    felt = Felt(
        plan,
        array("d", bytes(8 * plan.applications)),
        array("d", bytes(8 * plan.applications)),
    )
    lock = threading.Lock()

    def file(number: int, due: float) -> None:
        try:
            answer = grouping.file(one.replace(_NUMBER, b"%06d" % number))
        except UnavailableError:
            with lock:
                felt.turned_away += 1
            return
        wait = time.perf_counter() - due
        felt.waits[number] = wait * 1000
        if error := answer["error"]:
            with lock:
                felt.refused[error["code"]] += 1
        else:
            felt.answered_at[answer["position"] - 1] = number / plan.rate + wait
        tell(number)

    felt.took = do_on_schedule(
        file,
        plan.applications,
        rate=plan.rate,
        clerks=min(CLERKS, plan.applications),
        start=opening + _FIRST,
    )
    felt.waits = array("d", (wait for wait in felt.waits if wait))
    return felt


def _look_back(desk: Desk, rules: CallDefinition, felt: Felt) -> None:
    """Ask the database what came of it, and whether the register holds."""
    with reading(desk.engine) as session:
        at = select(func.count().label("n")).where(
            col(Application.received_at).is_not(None)
        )
        shared = at.group_by(col(Application.received_at)).subquery()
        felt.ties = session.execute(
            select(func.coalesce(func.sum(shared.c.n), 0)).where(shared.c.n > 1)
        ).scalar_one()
        felt.instants, last = session.execute(
            select(
                func.count(func.distinct(col(Application.received_at))),
                func.max(col(Application.received_at)),
            )
        ).one()
        if last is not None:
            felt.last_at = (last - rules.window.opens_at).total_seconds()
        covered = (
            select(func.count())
            .select_from(Application)
            .where(col(Application.requested) > 0)
            .where(col(Application.reserved) >= col(Application.requested))
        )
        felt.covered = session.exec(covered).one()
    began = time.perf_counter()
    found = verification.examine(desk).calls
    felt.verified_in = time.perf_counter() - began
    felt.entries = sum(one.entries for one in found)
    felt.verifies = all(one.ok for one in found)


def _submission(rules: CallDefinition, requested: Cents) -> bytes:
    """Return what the portal hands over, but for the number of the application.

    The tax code of an applicant begins with zeros, that of a partner with its place:
    nobody is in two applications.
    """
    number, wanted = _NUMBER.decode(), rules.partnership
    members = max(wanted.minimum, wanted.minimum_firms) if wanted else 1
    return orjson.dumps(
        {
            "portal_id": f"REHEARSAL-{number}",
            "applicant": {
                "tax_code": f"00000{number}",
                "name": f"Applicant {number}",
                "pec": f"applicant{number}@pec.example.it",
                "kind": MemberKind.FIRM,
            },
            "partners": [
                {
                    "tax_code": f"{place:05d}{number}",
                    "name": f"Partner {place} of applicant {number}",
                    "kind": MemberKind.FIRM,
                }
                for place in range(1, members)
            ],
            "requested": format_money(requested),
            "investment": format_money(Cents(2 * requested)),
            "documents": [
                {"kind": one.kind, "name": f"{one.kind}.pdf", "sha256": "0" * 64}
                for one in rules.documents
            ],
            "channel": rules.filing.channel,
        }
    )
