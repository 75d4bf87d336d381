"""Is an entry held to who could make it then, and to who had proposed it?"""

from typing import Any

import pytest

from models.vocabulary import Decision, Event, OfficeEvent
from workflow.staff import Staff
from workflow.verification.abstentions import Abstentions
from workflow.verification.separations import Separations
from workflow.verification.tenures import Tenures

CHIEF, CLERK, STRANGER = "chief", "clerk", "stranger"
DELEGATION = {
    "delegation": "d",
    "to": CLERK,
    "role": "manager",
    "first_day": "2026-01-22",
    "last_day": "2026-01-23",
}


def at(instant: str) -> str:
    return f"2026-01-{instant}:00.000000Z"


def tenures(began: str | None = at("20T09:00")) -> Tenures:
    """Give a chief who held a role for three days, and lent it for two."""
    staff = Staff()
    for event, instant, details in (
        (OfficeEvent.ADD_OFFICER, "20T09:00", {"roles": ["manager"]}),
        (OfficeEvent.DELEGATE_ROLE, "20T10:00", DELEGATION),
        (OfficeEvent.END_ROLES, "23T15:00", {"roles": ["manager"]}),
    ):
        staff.feed(
            {
                "event": event,
                "outcome": "ok",
                "at": at(instant),
                "actor": {"kind": "person", "id": STRANGER, "role": "administrator"},
                "officer": CHIEF,
                "details": details,
                "act": None,
            }
        )
    return Tenures(staff, began)


def entry(who: str | None, instant: str, **said: Any) -> dict[str, Any]:
    actor = {"kind": "person", "id": who, "role": "manager", **said}
    return {"actor": actor, "at": at(instant), "outcome": "ok"}


@pytest.mark.parametrize(
    ("who", "instant", "behalf", "held"),
    [
        (CHIEF, "20T09:00", None, True),
        (CHIEF, "23T15:01", None, True),  # the clocks of two hosts
        (CHIEF, "23T15:02", None, False),
        (CHIEF, "20T10:00", CLERK, False),
        (CLERK, "22T12:00", None, False),
        (CLERK, "22T12:00", CHIEF, True),
        (CLERK, "21T22:58", CHIEF, False),  # before midnight in Rome
        (CLERK, "21T23:00", CHIEF, True),
        (CLERK, "23T14:59", CHIEF, True),
        (CLERK, "23T16:00", CHIEF, False),  # who lent it had lost it
        (STRANGER, "22T12:00", CHIEF, False),
    ],
)
def test_a_role_is_held_from_when_to_when_the_chain_says(who, instant, behalf, held):
    said = {} if behalf is None else {"on_behalf_of": behalf}

    fault = tenures().fault(entry(who, instant, **said))

    assert (fault is None) is held
    assert held or "the role `manager` was not held by" in str(fault)


def test_what_is_older_than_the_chain_or_made_by_no_person_is_not_judged():
    by_worker = entry(None, "22T12:00", kind="worker", role="system")
    refused = {**entry(STRANGER, "22T12:00"), "outcome": "refused"}

    found = [tenures().fault(one) for one in (by_worker, refused)]
    older = tenures().fault(entry(STRANGER, "20T08:59"))
    without = tenures(None).fault(entry(STRANGER, "22T12:00"))

    assert [*found, older, without] == [None] * 4


def separated(*decisions: Decision) -> Separations:
    return Separations("plain_counter", {1: frozenset(decisions)}, {})


def move(event: Event, source: str, who: str, **said: Any) -> dict[str, Any]:
    actor = {"kind": "person", "id": who, **said}
    return {
        "event": event.value,
        "from": source,
        "application": "a",
        "outcome": "ok",
        "actor": actor,
        "call_version": 1,
    }


ADMITTED = move(Event.ADMIT, "submitted", CLERK, on_behalf_of=CHIEF)


@pytest.mark.parametrize(
    ("decides", "is_found"),
    [
        (move(Event.GRANT, "evaluated", CLERK), True),
        (move(Event.GRANT, "evaluated", CHIEF), True),
        (move(Event.GRANT, "evaluated", STRANGER, on_behalf_of=CLERK), True),
        (move(Event.GRANT, "evaluated", STRANGER), False),
        ({**move(Event.GRANT, "evaluated", CLERK), "outcome": "refused"}, False),
        ({**move(Event.GRANT, "evaluated", CLERK), "application": "b"}, False),
        ({**move(Event.GRANT, "evaluated", CLERK), "call_version": 2}, False),
        (move(Event.REVOKE, "accepted", CLERK), False),
    ],
)
def test_who_proposed_does_not_decide_where_the_version_separates(decides, is_found):
    separations = separated(Decision.GRANT)
    before = separations.fault(ADMITTED)

    fault = separations.fault(decides)

    assert before is None
    assert (fault is not None) is is_found


def test_where_nothing_is_separated_one_may_do_it_all():
    separations = separated()

    found = [
        separations.fault(one)
        for one in (ADMITTED, move(Event.GRANT, "evaluated", CLERK))
    ]

    assert found == [None, None]


def conflict(event: Event, officer: str, **said: Any) -> dict[str, Any]:
    entry = {**move(event, "admissible", CHIEF), "seq": 7, **said}
    return {**entry, "inputs": {"officer": officer}}


DECLARED = conflict(Event.DECLARE_CONFLICT, CLERK)
SCORES = move(Event.EVALUATE, "admissible", CLERK)


@pytest.mark.parametrize(
    ("before", "acts", "is_found"),
    [
        ([DECLARED], SCORES, True),
        ([DECLARED], move(Event.GRANT, "evaluated", CLERK), True),
        (
            [DECLARED],
            move(Event.GRANT, "evaluated", CHIEF, on_behalf_of=CLERK),
            True,
        ),
        ([], SCORES, False),
        ([DECLARED], move(Event.GRANT, "evaluated", CHIEF), False),
        ([DECLARED], move(Event.START_REVIEW, "submitted", CLERK), False),
        ([DECLARED], {**SCORES, "outcome": "refused"}, False),
        ([DECLARED], {**SCORES, "application": "b"}, False),
        ([{**DECLARED, "outcome": "refused"}], SCORES, False),
        ([DECLARED, conflict(Event.END_CONFLICT, CLERK)], SCORES, False),
        ([DECLARED, conflict(Event.END_CONFLICT, CHIEF)], SCORES, True),
    ],
)
def test_who_has_a_conflict_neither_scores_nor_makes_an_act(before, acts, is_found):
    abstentions = Abstentions("plain_counter", {})
    silent = [abstentions.fault(one) for one in before]

    fault = abstentions.fault(acts)

    assert not any(silent)
    assert (fault is not None) is is_found
    assert not is_found or "by entry 7, and acts all the same" in str(fault)


def test_nobody_knows_who_has_to_abstain_in_a_procedure_that_is_not_there():
    abstentions = Abstentions("no_such_family", {})

    assert [abstentions.fault(one) for one in (DECLARED, SCORES)] == [None, None]
