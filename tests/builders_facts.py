"""How do tests get the facts that a rule decides on, without any database?"""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from models.vocabulary import (
    ApplicationState,
    CallState,
    Cents,
    Channel,
    Letter,
    Role,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from tests.builders import OPENING, ROME, ctl
from workflow.facts import (
    ActFacts,
    ApplicantFacts,
    ApplicationFacts,
    CounterFacts,
    Facts,
    Hands,
    MoneyFacts,
    NoticeRecord,
    Opening,
    OrderKey,
    Place,
    StepRecord,
    TermRecord,
)

NOW = OPENING + timedelta(days=10)
SIGNED = OPENING.date()
REQUESTED = Cents(11_111_111)
CEILING = Cents(30_000_000)
"""Of the call: a de minimis aid is under no other."""

ANYBODY = Hands(frozenset(Role), UUID(int=1))
"""Somebody who may do everything: what is tried is not who does it."""

Made = TypeVar("Made")

_APPLICATION = {field.name for field in fields(ApplicationFacts)}


def _made(record: type[Made], /, **said: Any) -> Made:
    """Make a record in which whatever is not said is not there."""
    return record(**{**dict.fromkeys(field.name for field in fields(record)), **said})  # type: ignore[arg-type]


def facts(**changes: Any) -> Facts:
    """Return the facts about a good application in review; change any of them.

    A name of `ApplicationFacts` changes the application, any other the facts.
    """
    own = {name: changes.pop(name) for name in _APPLICATION & changes.keys()}
    received = OPENING + timedelta(seconds=10)
    application = _made(
        ApplicationFacts,
        state=ApplicationState.SUBMITTED,
        channel=Channel.PORTAL,
        received_at=received,
        key=OrderKey(received, 2026, 10),
        requested=REQUESTED,
        investment=Cents(9_542_484),
        reserved=REQUESTED,
        granted=Cents(0),
        matured=Cents(0),
        review_started=True,
        waits_for_applicant=False,
        documents=frozenset(document.kind for document in ctl().documents),
    )
    now = changes.get("now", NOW)
    usual: dict[str, Any] = {
        "now": now,
        "today": now.astimezone(ROME).date(),
        "call": ctl(),
        "applicant": ApplicantFacts(recognised=True, other_active=None),
        "money": MoneyFacts(Cents(100_000_000), REQUESTED, Cents(0)),
        "counter": CounterFacts(CallState.OPEN, (Opening(OPENING, None),)),
        "by": ANYBODY,
    }
    return Facts(application=replace(application, **own), **{**usual, **changes})


def place(number: int = 1, **changes: Any) -> Place:
    """Return an earlier application that waits for its review, with its money."""
    received = OPENING + timedelta(seconds=number)
    requested = changes.get("requested", REQUESTED)
    usual: dict[str, Any] = {
        "application": UUID(int=number),
        "protocol": f"2026/{number:07d}",
        "key": OrderKey(received, 2026, number),
        "state": ApplicationState.SUBMITTED,
        "requested": requested,
        "reserved": requested,
        "review_started": False,
        "waits_for_applicant": False,
    }
    return _made(Place, **{**usual, **changes})


def step(
    kind: StepKind,
    status: StepStatus = StepStatus.OPEN,
    outcome: str | None = None,
    *,
    ordinal: int = 1,
    subject: str | None = None,
    closed_on: date | None = None,
) -> tuple[StepRecord, ...]:
    """Return one step, as facts hold them."""
    record = StepRecord(kind, ordinal, status, outcome, subject, closed_on)
    return (record,)


def term(
    kind: TermKind,
    due_at: datetime,
    status: TermStatus = TermStatus.RUNNING,
    **said: Any,
) -> tuple[TermRecord, ...]:
    """Return one term, as facts hold them; the first of its kind unless said."""
    ordinal = said.pop("ordinal", 1)
    return (TermRecord(kind, ordinal, status, OPENING.date(), due_at, **said),)


def letter(
    kind: Letter, written: datetime = OPENING, delivered: datetime | None = None
) -> tuple[NoticeRecord, ...]:
    """Return one letter, as facts hold them."""
    return (NoticeRecord(kind, written, delivered),)


def act(signed_on: date = SIGNED) -> ActFacts:
    """Return an act."""
    return ActFacts("decreto", "100", signed_on)


def codes(verdicts: Iterable[Any]) -> list[str]:
    """Return the codes of some verdicts."""
    return [verdict.code for verdict in verdicts]
