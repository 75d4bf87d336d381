"""Does what came in before it was typed count from then, and from no other day?"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from models.vocabulary import (
    ApplicationState,
    Event,
    Letter,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from tests.builders import OPENING, PAPER, ctl, rome
from tests.builders_facts import NOW, facts, letter, step, term
from workflow.facts import ArrivalFacts, Facts
from workflow.machine import Consequences, Inputs, StepChange, TermChange
from workflow.moves import effects, guards
from workflow.moves import inputs as stated
from workflow.moves.arrivals import Awaited, not_decided
from workflow.moves.families import TABLES

TODAY = date(2026, 1, 30)
PROOF = "A1.2026.0012345"
PAPERS = Awaited(
    (TermKind.COMPLETION,), (Letter.COMPLETION_REQUEST,), StepKind.COMPLETION_REQUEST
)
REPLY = Awaited(
    (TermKind.OBSERVATIONS,), (Letter.REFUSAL_NOTICE,), StepKind.REFUSAL_NOTICE
)
REPORT = Awaited((TermKind.REPORT,))
PLAN = Awaited(
    (TermKind.DEFINITIVE_PLAN, TermKind.PLAN_CORRECTION), (Letter.PLAN_RETURNED,)
)
LAST = rome(2026, 1, 28, 23, 59, 59)


def came(received_on: str | None) -> stated.ReplyInputs:
    """State when a document came in, and what proves it."""
    proof = None if received_on is None else PROOF
    given = {"document": PAPER, "received_on": received_on, "proof": proof}
    return stated.ReplyInputs.model_validate(given)


def missed(kind: TermKind, due_at: datetime = LAST, **said: Any) -> Any:
    return term(kind, due_at, TermStatus.EXPIRED, **said)


def until_noon(kind: TermKind) -> Any:
    """Return the call with a term that ends at noon."""
    rules = ctl()
    rule = rules.terms[kind].model_copy(update={"until": time(12)})
    return rules.model_copy(update={"terms": {**rules.terms, kind: rule}})


# What is stated


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"received_on": "2026-01-28"}, "state what proves --received-on"),
        ({"proof": PROOF}, "state --received-on too"),
        ({"received_on": "28/01/2026", "proof": PROOF}, "no day and no instant"),
        ({"received_on": "2026-01-28T10:00", "proof": PROOF}, "with an offset"),
        ({"received_on": "0001-01-01T00:00+14:00", "proof": PROOF}, "no instant"),
        ({"received_on": "2026-01-28", "proof": "A" * 121}, "at most 120"),
        ({"received_on": "2026-01-28", "proof": ""}, "at least 1"),
    ],
)
def test_a_day_has_its_proof_and_is_written_so_that_nobody_misreads_it(said, words):
    with pytest.raises(ValidationError, match=words):
        stated.ReplyInputs.model_validate({"document": PAPER, **said})


@pytest.mark.parametrize(
    ("said", "entered"),
    [
        ("2026-01-28", "2026-01-28"),
        ("2026-01-28T10:30+01:00", "2026-01-28T09:30:00.000000Z"),
        (None, None),
    ],
)
def test_the_register_says_when_it_came_in_as_it_was_stated(said, entered):
    dumped = came(said).model_dump(mode="json", exclude_none=True)

    assert dumped.get("received_on") == entered
    assert dumped.get("proof") == (PROOF if said else None)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_whatever_is_filed_within_a_term_can_have_come_in_before(table):
    within = {
        Event.ANSWER_COMPLETION,
        Event.FILE_OBSERVATIONS,
        Event.FILE_PLAN,
        Event.ACCEPT,
        Event.START,
        Event.FILE_REPORT,
    } & set(table.events)

    rows = [move for move in table.moves if move.awaited is not None]

    assert {move.event for move in rows} == within
    assert all("received_on" in move.inputs.model_fields for move in rows)
    assert all(set(move.meets) == set(move.awaited.terms) for move in rows)


# When it came in


@pytest.mark.parametrize(
    ("awaited", "known", "said", "code"),
    [
        (PAPERS, {}, None, ""),
        (PAPERS, {}, "2026-01-30", ""),
        (PAPERS, {}, "2026-01-31", "date.future"),
        (PAPERS, {}, "2026-01-30T11:00+01:00", "date.future"),
        (PAPERS, {}, "2026-01-30T10:00+01:00", ""),
        (
            PAPERS,
            {"notices": letter(Letter.COMPLETION_REQUEST, OPENING)},
            "2026-01-20",
            "",
        ),
        (
            PAPERS,
            {"notices": letter(Letter.COMPLETION_REQUEST, OPENING)},
            "2026-01-19",
            "date.too_early",
        ),
        (
            PAPERS,
            {"notices": letter(Letter.COMPLETION_REQUEST, OPENING)},
            "2026-01-20T09:59+01:00",
            "date.too_early",
        ),
        (
            PAPERS,
            {
                "notices": letter(
                    Letter.COMPLETION_REQUEST, OPENING, rome(2026, 1, 22, 9)
                )
            },
            "2026-01-21",
            "date.too_early",
        ),
        (
            PAPERS,
            {
                "notices": letter(
                    Letter.COMPLETION_REQUEST, OPENING, rome(2026, 1, 22, 9)
                )
            },
            "2026-01-22",
            "",
        ),
        (REPORT, {"terms": missed(TermKind.REPORT)}, "2026-01-19", "date.too_early"),
        (REPORT, {"terms": missed(TermKind.REPORT)}, "2026-01-20", ""),
        (
            PLAN,
            {
                "terms": term(TermKind.DEFINITIVE_PLAN, LAST, TermStatus.MET),
                "notices": letter(Letter.PLAN_RETURNED, rome(2026, 1, 25, 9)),
            },
            "2026-01-24",
            "date.too_early",
        ),
    ],
)
def test_it_came_in_neither_in_the_future_nor_before_it_was_asked_for(
    awaited, known, said, code
):
    assert awaited.verdict(facts(**known), came(said)).code == code


@pytest.mark.parametrize(
    ("said", "now", "code"),
    [
        ("2026-01-28", NOW, "received.hour_missing"),
        ("2026-01-27", NOW, ""),
        ("2026-01-29", NOW, ""),
        ("2026-01-28T11:59+01:00", NOW, ""),
        ("2026-01-28", rome(2026, 1, 28, 11), ""),
        ("2026-01-28", rome(2026, 1, 28, 13), "received.hour_missing"),
    ],
)
def test_of_a_term_that_ends_at_an_hour_the_last_day_needs_its_hour(said, now, code):
    known = facts(
        now=now,
        call=until_noon(TermKind.REPORT),
        terms=missed(TermKind.REPORT, rome(2026, 1, 28, 12)),
    )

    assert REPORT.verdict(known, came(said)).code == code


# How the file stood by then


@pytest.mark.parametrize("given", [came(None), Inputs()], ids=["unsaid", "no reply"])
def test_without_a_day_nothing_is_seen_otherwise(given):
    known = facts(terms=missed(TermKind.COMPLETION))

    assert PAPERS.as_of(known, given) is known
    assert PAPERS.verdict(known, given)


@pytest.mark.parametrize(
    ("said", "until", "met"),
    [
        ("2026-01-28", None, True),
        ("2026-01-29", None, False),
        ("2026-01-28T23:59:59.999999+01:00", None, True),
        ("2026-01-29T00:00+01:00", None, False),
        ("2026-01-28T12:00+01:00", "noon", True),
        ("2026-01-28T12:00:00.000001+01:00", "noon", False),
    ],
)
def test_in_time_is_what_came_in_by_the_last_instant(said, until, met):
    due_at = rome(2026, 1, 28, 12) if until else LAST
    call = until_noon(TermKind.REPORT) if until else ctl()
    lapse = step(StepKind.LAPSE_PROPOSAL, subject=TermKind.REPORT)
    known = facts(
        call=call,
        terms=missed(TermKind.REPORT, due_at),
        steps=(*step(StepKind.REPORT), *lapse),
    )

    seen = REPORT.as_of(known, came(said))

    assert [one.status for one in seen.terms] == [
        TermStatus.RUNNING if met else TermStatus.EXPIRED
    ]
    assert bool(guards.terms.in_time(TermKind.REPORT)(seen)) is met
    assert seen.arrival == (
        ArrivalFacts((TermKind.REPORT,), lapse[0]) if met else ArrivalFacts()
    )
    assert (seen.open_step(StepKind.LAPSE_PROPOSAL) is None) is met
    assert seen.step(StepKind.REPORT) == known.step(StepKind.REPORT)


def test_a_day_counts_to_its_end_and_today_to_now():
    before, today = (
        PAPERS.as_of(facts(), came(day)) for day in ("2026-01-28", "2026-01-30")
    )

    assert (before.now, before.today) == (LAST, date(2026, 1, 28))
    assert (today.now, today.today) == (NOW, TODAY)


@pytest.mark.parametrize(
    ("subject", "status", "outcome", "undone"),
    [
        (TermKind.REPORT, StepStatus.OPEN, None, True),
        (TermKind.REPORT, StepStatus.CLOSED, "expired", True),
        (TermKind.REPORT, StepStatus.CLOSED, "dismissed", False),
        (TermKind.START, StepStatus.OPEN, None, False),
    ],
)
def test_only_a_proposal_that_came_of_that_term_alone_has_no_object(
    subject, status, outcome, undone
):
    lapse = step(StepKind.LAPSE_PROPOSAL, status, outcome, subject=subject)
    known = facts(terms=missed(TermKind.REPORT), steps=lapse)

    seen = REPORT.as_of(known, came("2026-01-28"))

    assert seen.arrival == ArrivalFacts(
        (TermKind.REPORT,), lapse[0] if undone else None
    )
    assert seen.steps == (() if undone else lapse)


DELIVERED = rome(2026, 1, 20, 12)
"""The day on which the terms of these facts start."""


@pytest.mark.parametrize(
    ("awaited", "kind", "notice", "stood"),
    [
        (
            PAPERS,
            TermKind.COMPLETION,
            Letter.COMPLETION_REQUEST,
            (StepStatus.CLOSED, "unanswered"),
        ),
        (
            PAPERS,
            TermKind.COMPLETION,
            Letter.COMPLETION_REQUEST,
            (StepStatus.CLOSED, "answered_late"),
        ),
        (
            REPLY,
            TermKind.OBSERVATIONS,
            Letter.REFUSAL_NOTICE,
            (StepStatus.CLOSED, "unanswered"),
        ),
        (
            REPLY,
            TermKind.OBSERVATIONS,
            Letter.REFUSAL_NOTICE,
            (StepStatus.ANSWERED, None),
        ),
    ],
)
def test_what_the_office_gave_up_or_took_as_late_is_awaited_again(
    awaited, kind, notice, stood
):
    known = facts(
        terms=missed(kind, settled=True),
        steps=step(awaited.step, *stood, closed_on=date(2026, 1, 29)),
        notices=letter(notice, OPENING, DELIVERED),
    )

    seen = awaited.as_of(known, came("2026-01-27"))

    assert seen.steps == step(awaited.step)
    assert seen.term(kind).status is TermStatus.RUNNING
    assert not seen.term(kind).settled


def test_what_was_decided_on_or_belongs_to_an_earlier_notice_stays_as_it_is():
    upheld = facts(
        terms=missed(TermKind.OBSERVATIONS, settled=True),
        steps=step(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "upheld"),
        notices=letter(Letter.REFUSAL_NOTICE, OPENING, DELIVERED),
    )
    again = replace(
        upheld, notices=letter(Letter.REFUSAL_NOTICE, OPENING, rome(2026, 1, 25, 9))
    )
    undelivered = replace(upheld, notices=letter(Letter.REFUSAL_NOTICE, OPENING))

    seen = [
        REPLY.as_of(known, came("2026-01-27")) for known in (upheld, again, undelivered)
    ]

    assert [known.steps for known in seen] == [upheld.steps] * 3
    assert seen[1].terms == again.terms
    assert seen[2].terms == undelivered.terms


# What comes of it


def test_who_was_in_time_after_all_is_told_that_nothing_comes_of_the_proposal():
    lapse = step(StepKind.LAPSE_PROPOSAL, subject=TermKind.REPORT)[0]
    fallen = replace(lapse, status=StepStatus.CLOSED, outcome="expired")
    said = {"met_in_time": ["report"]}

    brought = [
        effects.arrivals.settle(facts(arrival=arrival), Inputs())
        for arrival in (
            None,
            ArrivalFacts(),
            ArrivalFacts((TermKind.REPORT,)),
            ArrivalFacts((TermKind.REPORT,), fallen),
            ArrivalFacts((TermKind.REPORT,), lapse),
        )
    ]

    assert brought == [
        Consequences(),
        Consequences(),
        Consequences(findings=said),
        Consequences(
            terms=(TermChange(TermKind.LAPSE_DECISION, settled=True),),
            letters=(Letter.LAPSE_DISMISSED,),
            findings=said,
        ),
        Consequences(
            steps=(
                StepChange(
                    StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "without_object"
                ),
            ),
            terms=(TermChange(TermKind.LAPSE_DECISION, cancelled=True),),
            letters=(Letter.LAPSE_DISMISSED,),
            findings=said,
        ),
    ]


@pytest.mark.parametrize("state", ApplicationState)
def test_only_after_an_act_self_protection_is_the_way_out(state):
    by_act = {
        "not_receivable",
        "inadmissible",
        "rejected",
        "unfunded",
        "lapsed",
        "revoked",
        "annulled",
    }

    verdict = not_decided(state, came("2026-01-28"))

    assert (verdict.code == "received.decided") is (state in by_act)
    assert not_decided(state, came(None))


def test_a_plan_starts_neither_before_the_acceptance_came_in_nor_after_its_own_day():
    check = guards.days.not_before(
        "started_on", Letter.ACCEPTANCE_RECEIVED, TermKind.START
    )
    typed = letter(Letter.ACCEPTANCE_RECEIVED, rome(2026, 1, 25, 9))
    began = facts(notices=typed, terms=term(TermKind.START, LAST))
    later = replace(facts(), today=date(2026, 1, 22), arrival=ArrivalFacts())

    assert _verdict(check, began, date(2026, 1, 20)) == ""
    assert _verdict(check, began, date(2026, 1, 19)) == "date.too_early"
    assert _verdict(check, facts(notices=typed), date(2026, 1, 24)) == "date.too_early"
    future = guards.days.not_after_today("started_on")
    given = stated.StartInputs(started_on=later.today + timedelta(days=1))
    assert "is after --received-on, 2026-01-22" in future(later, given).message


def _verdict(check: Any, known: Facts, day: date) -> str:
    code: str = check(known, stated.StartInputs(started_on=day)).code
    return code
