"""Is each change of a term told in words that can be checked?"""

from datetime import date
from typing import Any

import pytest

from models.vocabulary import Event
from tests.builders import rome
from workflow.rules.terms import Suspension
from workflow.services.term_histories import Change, named

DAY = date(2026, 2, 19)
OVER = rome(2026, 2, 20)


def change(
    event: str, name: str = "resumed", by: str = "person", **said: Any
) -> Change:
    entry = {
        "seq": 7,
        "at": "2026-02-19T11:00:00.000000Z",
        "event": event,
        "actor": {"kind": by},
        "act": None,
        "basis": "art. 2 L. 241/1990",
        "reason": None,
        "inputs": {},
        "findings": {},
        "order": None,
        **said,
    }
    return Change(entry, {"change": name, "due_at": "2026-04-30T21:59:59.000000Z"})


def delivery(name: str) -> Change:
    return change(
        Event.RECORD_DELIVERY,
        name,
        inputs={"letter": "refusal_notice", "receipt": "R-9"},
        findings={"letter": "refusal_notice", "delivered_on": "2026-02-09"},
    )


def until(day: date) -> Suspension:
    return Suspension(date(2026, 2, 9), day)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Event.GRANT, "it was granted with a COR of Thu 19/02/2026"),
        (Event.RENEW_COR, "the aid was registered again, with a COR of Thu 19/02/2026"),
        (Event.SIGN_MINUTES, "the minutes were signed on Thu 19/02/2026"),
        (Event.START, "the plan started on Thu 19/02/2026"),
        (Event.DECLARE_END, "the plan ended on Thu 19/02/2026"),
        (Event.ADMIT, "`admit` was made on Thu 19/02/2026"),
    ],
)
def test_what_started_a_term_is_told_with_its_own_day(event, words):
    assert change(event, "started").started(DAY) == words


def test_a_filing_is_told_with_the_instant_of_receipt():
    filed = change(
        Event.SUBMIT, "started", order={"received_at": "2026-02-19T22:30:00.000000Z"}
    )

    assert filed.started(DAY) == (
        "it was received at 19/02/2026 23:30:00 (Rome), on Thu 19/02/2026"
    )


def test_a_delivery_is_told_with_the_receipt_that_proves_it():
    proven = (
        "the letter `refusal_notice` was delivered on Mon 09/02/2026, as the receipt "
        "`R-9` proves"
    )

    assert delivery("started").started(date(2026, 2, 9)) == proven
    assert delivery("suspended").stopped() == (
        f"{proven}: the clock stops after that day"
    )
    assert delivery("resumed").resumed(until(DAY)) == (
        f"{proven}, when it had been answered already: the clock goes on after "
        "Thu 19/02/2026"
    )


@pytest.mark.parametrize(
    ("event", "day", "words"),
    [
        (Event.ANSWER_COMPLETION, 19, "the answer was filed on Thu 19/02/2026: {}"),
        (
            Event.ANSWER_COMPLETION,
            12,
            (
                "the answer was filed on Thu 19/02/2026: {}, for it may not stand "
                "still longer"
            ),
        ),
        (
            Event.FILE_OBSERVATIONS,
            28,
            "observations were filed on Thu 19/02/2026: {}, 9 days later",
        ),
        (Event.EXPIRE_COMPLETION, 12, "no answer came within its term: {}"),
        (Event.EXPIRE_OBSERVATIONS, 12, "no observations came within their term: {}"),
        (Event.RESUME_TERM, 12, "it had stood still for as long as it may: {}"),
        (Event.ADMIT, 12, "`admit` was made on Thu 19/02/2026: {}"),
    ],
)
def test_what_let_a_clock_go_on_is_told_with_the_day_after_which_it_did(
    event, day, words
):
    last = date(2026, 2, day)

    said = change(event).resumed(until(last))

    assert said == words.format(f"the clock goes on after {named(last)}")


def test_a_clock_is_told_to_go_on_even_if_its_suspension_is_not_kept():
    assert change(Event.ANSWER_COMPLETION).resumed(None) == (
        "the answer was filed on Thu 19/02/2026: the clock goes on"
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"days": 7}, "7 days more"),
        ({"months": 3}, "3 months more"),
        ({"months": 3, "days": 7}, "3 months and 7 days more"),
    ],
)
def test_more_time_is_told_with_its_reason(found, words):
    extended = change(Event.EXTEND_TERM, "extended", findings=found, reason="a flood")

    assert extended.extended() == f"{words} were given on Thu 19/02/2026: a flood"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("met", "what it was for was done: `withdraw`, at 19/02/2026 12:00:00 (Rome)"),
        (
            "cancelled",
            "it has no object any more since `withdraw`, at 19/02/2026 12:00:00 (Rome)",
        ),
        (
            "settled",
            (
                "what had to be done about it was done: `withdraw`, at 19/02/2026 "
                "12:00:00 (Rome)"
            ),
        ),
    ],
)
def test_how_a_term_left_the_list_is_told(name, words):
    assert change(Event.WITHDRAW, name).ended(OVER) == words


@pytest.mark.parametrize(("by", "who"), [("worker", "a worker"), ("person", "an off")])
def test_what_came_of_an_end_is_told_with_both_instants(by, who):
    said = change(Event.EXPIRE_TERM, "expired", by).ended(OVER)

    assert said.startswith(f"{who}")
    assert said.endswith(
        " made `expire_term`: due from 20/02/2026 00:00:00 (Rome) on, executed at "
        "19/02/2026 12:00:00 (Rome)"
    )


def test_what_could_not_be_done_is_told_with_what_was_in_the_way():
    found = {"instead_of": "propose_lapse", "because": "lapse_proposal.open"}

    said = change(Event.EXPIRE_TERM, "expired", "worker", findings=found).ended(OVER)

    assert said.startswith(
        "a worker made `expire_term`, because `propose_lapse` was not possible "
        "(lapse_proposal.open): due from"
    )


def test_an_escalation_is_told_with_both_instants():
    said = change(Event.ESCALATE_TERM, "escalated", "worker").ended(OVER)

    assert said == (
        "a worker told the manager that it was missed: due from 20/02/2026 00:00:00 "
        "(Rome) on, executed at 19/02/2026 12:00:00 (Rome)"
    )


def test_a_source_names_the_entry_the_act_and_the_law():
    act = {"kind": "decreto", "number": "9", "signed_on": "2026-02-19"}

    assert change(Event.EXTEND_TERM, act=act).source == (
        "entry 7, extend_term; decreto 9/2026-02-19; art. 2 L. 241/1990"
    )
    assert change(Event.ADMIT, basis=None).source == "entry 7, admit"


@pytest.mark.parametrize(
    ("received_on", "told"),
    [
        ("2026-02-18", "on Wed 18/02/2026"),
        ("2026-02-18T09:30:00.000000Z", "at 18/02/2026 10:30:00 (Rome)"),
    ],
)
def test_what_came_in_before_it_was_typed_is_told_with_its_proof(received_on, told):
    said = {"received_on": received_on, "proof": "A1.2026.7"}
    filed = change(Event.FILE_OBSERVATIONS, inputs=said)
    met = change(Event.FILE_OBSERVATIONS, "met", inputs=said)

    assert filed.resumed(until(date(2026, 2, 28))) == (
        f"observations were filed on Thu 19/02/2026; it came in {told}, as `A1.2026.7` "
        "proves: the clock goes on after Sat 28/02/2026, 10 days later"
    )
    assert met.ended(OVER).endswith(f"(Rome); it came in {told}, as `A1.2026.7` proves")
    assert change(Event.FILE_PLAN, "started", inputs=said).started(
        date(2026, 2, 18)
    ) == (
        f"`file_plan` was made on Thu 19/02/2026; it came in {told}, as `A1.2026.7` "
        "proves"
    )
