"""Does the end of a term bring about what its call declares, and no act?"""

from datetime import timedelta
from functools import lru_cache

import pytest

from config.loader import load
from models.vocabulary import (
    ApplicationState,
    CallState,
    Event,
    Family,
    Letter,
    Role,
    StepKind,
    StepStatus,
    TermEffect,
    TermKind,
    TermStatus,
)
from tests.builders import COR, COUNTERS, ctl, quiet
from tests.builders_facts import NOW, facts, letter, step, term
from workflow.facts import CounterFacts
from workflow.machine import Inputs
from workflow.moves.expiries import WAKES, of_term
from workflow.moves.inputs import LapseInputs, TermInputs

S, K, E = ApplicationState, TermKind, TermEffect
OPEN, ANSWERED, CLOSED = StepStatus.OPEN, StepStatus.ANSWERED, StepStatus.CLOSED
REQUEST, NOTICE = StepKind.COMPLETION_REQUEST, StepKind.REFUSAL_NOTICE
LAPSE, REPORT = StepKind.LAPSE_PROPOSAL, StepKind.REPORT
OVER = NOW - timedelta(seconds=1)
"""The last instant of a term that is over now."""
ANNULLED = CounterFacts(CallState.ANNULLED)
CALLS = {
    Family("negotiated_counter"): "ctl-2025",
    Family("plain_counter"): "competenze-innovazione-2025",
    Family("ranked_call"): "smart-mobility-2024",
}
GRANTED = {
    Family("negotiated_counter"): S.NEGOTIATING,
    Family("plain_counter"): S.GRANTED,
    Family("ranked_call"): S.GRANTED,
}
OPEN_STATES = set(S) - {S.DRAFT}

both = pytest.mark.parametrize("table", COUNTERS.values(), ids=list(COUNTERS))


@lru_cache
def shipped(family):
    """Return the call of a family that comes with the program."""
    return load(quiet(CALLS[family]))


def with_effect(kind, effect):
    """Return the shipped call in which a term has some effect."""
    rule = ctl().terms[kind].model_copy(update={"effect": effect})
    return ctl().model_copy(update={"terms": {**ctl().terms, kind: rule}})


def ended(table, kind, **changes):
    """Return what comes of a term at its end, and the facts at that instant."""
    over = term(kind, OVER)
    known = facts(**{"terms": over, **changes})
    return of_term(over[0], known, table), known


def can_be_made(expiry, known, table):
    row = table.find(expiry.event, known.application.state, known)
    return row.automatic and not row.act and bool(row.verdict(known, expiry.inputs))


# --- what the call declares -------------------------------------------------------

DECLARED = [
    # term, its effect, the facts, what is done, who has to act then
    (
        K.CONCLUSION,
        E.WARN,
        {},
        (Event.EXPIRE_TERM, TermInputs(term=K.CONCLUSION)),
        Role.RESPONSIBLE,
    ),
    (
        K.COMPLETION,
        E.STOP_WAITING,
        {"steps": step(REQUEST)},
        (Event.EXPIRE_COMPLETION, Inputs()),
        Role.RESPONSIBLE,
    ),
    (
        K.OBSERVATIONS,
        E.STOP_WAITING,
        {"steps": step(NOTICE)},
        (Event.EXPIRE_OBSERVATIONS, Inputs()),
        Role.RESPONSIBLE,
    ),
    (
        K.OBSERVATIONS,
        E.STOP_WAITING,
        {"state": S.EVALUATED, "steps": step(NOTICE)},
        (Event.EXPIRE_OBSERVATIONS, Inputs()),
        Role.RESPONSIBLE,
    ),
    (
        K.START,
        E.PROPOSE_LAPSE,
        {"state": S.ACCEPTED},
        (Event.PROPOSE_LAPSE, LapseInputs(term=K.START)),
        Role.MANAGER,
    ),
    (
        # A proposal that was dismissed before is no obstacle to another.
        K.REPORT,
        E.PROPOSE_LAPSE,
        {"state": S.IN_PROGRESS, "steps": step(LAPSE, CLOSED, "dismissed")},
        (Event.PROPOSE_LAPSE, LapseInputs(term=K.REPORT)),
        Role.MANAGER,
    ),
    (
        K.AID_REGISTRY,
        E.RELEASE_COR,
        {"state": S.ACCEPTED, "cor": COR},
        (Event.RELEASE_COR, Inputs()),
        Role.OFFICER,
    ),
    (
        # The report is awaited from the applicant: nobody in the office has to act.
        K.DURATION,
        E.END_PLAN,
        {"state": S.IN_PROGRESS},
        (Event.DECLARE_END, Inputs()),
        None,
    ),
    (
        K.LAPSE_DECISION,
        E.EXPIRE_PROPOSAL,
        {"state": S.ACCEPTED, "steps": step(LAPSE, subject="start")},
        (Event.EXPIRE_PROPOSAL, Inputs()),
        Role.MANAGER,
    ),
    (
        K.LAPSE_DECISION,
        E.WARN,
        {"state": S.ACCEPTED, "steps": step(LAPSE, subject="start")},
        (Event.EXPIRE_TERM, TermInputs(term=K.LAPSE_DECISION)),
        Role.RESPONSIBLE,
    ),
]


@both
@pytest.mark.parametrize(
    ("kind", "effect", "changes", "done", "wakes"),
    [
        pytest.param(*row, id=f"{number}-{row[0]}-{row[3][0]}")
        for number, row in enumerate(DECLARED)
    ],
)
def test_the_end_of_a_term_brings_about_what_its_call_declares(
    table, kind, effect, changes, done, wakes
):
    expiry, known = ended(table, kind, call=with_effect(kind, effect), **changes)

    assert (expiry.event, expiry.inputs) == done
    assert type(expiry.inputs) is type(done[1])
    assert expiry.wakes is wakes
    assert expiry.notes == {}
    assert can_be_made(expiry, known, table)


def test_every_effect_has_a_case_and_somebody_who_is_woken():
    assert {effect for _, effect, *_ in DECLARED} == set(TermEffect) == set(WAKES)


@both
@pytest.mark.parametrize("kind", sorted(ctl().terms))
def test_a_warning_ends_any_term_in_any_state_of_the_file(table, kind):
    call = with_effect(kind, E.WARN)
    (row,) = table.of_event(Event.EXPIRE_TERM)

    for state in row.sources:
        expiry, known = ended(table, kind, call=call, state=state)

        assert expiry.event is Event.EXPIRE_TERM
        assert (expiry.wakes, expiry.notes) == (Role.RESPONSIBLE, {})
        assert can_be_made(expiry, known, table)


# --- what is in the way of it -----------------------------------------------------

IN_THE_WAY = [
    # term, the facts, what was declared, why it is not done
    (
        K.COMPLETION,
        {"steps": step(REQUEST, CLOSED, "answered")},
        Event.EXPIRE_COMPLETION,
        "completion_request.not_open",
    ),
    (K.COMPLETION, {}, Event.EXPIRE_COMPLETION, "completion_request.not_open"),
    (
        K.COMPLETION,
        {"state": S.ADMISSIBLE, "steps": step(REQUEST)},
        Event.EXPIRE_COMPLETION,
        "machine.wrong_state",
    ),
    (
        K.OBSERVATIONS,
        {"steps": step(NOTICE, ANSWERED)},
        Event.EXPIRE_OBSERVATIONS,
        "refusal_notice.not_open",
    ),
    (
        K.OBSERVATIONS,
        {"state": S.WAITING, "steps": step(NOTICE)},
        Event.EXPIRE_OBSERVATIONS,
        "machine.wrong_state",
    ),
    (
        K.START,
        {"state": S.ACCEPTED, "steps": step(LAPSE, subject="report")},
        Event.PROPOSE_LAPSE,
        "lapse_proposal.open",
    ),
    (K.START, {"state": S.SUBMITTED}, Event.PROPOSE_LAPSE, "machine.wrong_state"),
    (
        K.START,
        {"state": S.ACCEPTED, "counter": ANNULLED},
        Event.PROPOSE_LAPSE,
        "call.annulled",
    ),
    (
        K.AID_REGISTRY,
        {"state": S.EVALUATED, "cor": COR},
        Event.RELEASE_COR,
        "machine.wrong_state",
    ),
    (
        K.AID_REGISTRY,
        {"state": S.ACCEPTED, "cor": COR, "counter": ANNULLED},
        Event.RELEASE_COR,
        "call.annulled",
    ),
    (
        K.DURATION,
        {"state": S.IN_PROGRESS, "steps": step(REPORT)},
        Event.DECLARE_END,
        "report.once",
    ),
    (
        # A lapse is being decided on: the report is not asked for meanwhile.
        K.DURATION,
        {"state": S.IN_PROGRESS, "steps": step(LAPSE, subject="start")},
        Event.DECLARE_END,
        "lapse_proposal.open",
    ),
    (K.DURATION, {"state": S.ACCEPTED}, Event.DECLARE_END, "machine.wrong_state"),
    (
        K.LAPSE_DECISION,
        {"state": S.ACCEPTED, "steps": step(LAPSE, CLOSED, "dismissed")},
        Event.EXPIRE_PROPOSAL,
        "lapse_proposal.not_open",
    ),
    (
        K.LAPSE_DECISION,
        {"state": S.EVALUATED, "steps": step(LAPSE)},
        Event.EXPIRE_PROPOSAL,
        "machine.wrong_state",
    ),
]


@both
@pytest.mark.parametrize(
    ("kind", "changes", "declared", "because"),
    [
        pytest.param(*row, id=f"{number}-{row[0]}-{row[-1]}")
        for number, row in enumerate(IN_THE_WAY)
    ],
)
def test_an_end_whose_effect_is_no_longer_possible_is_noted_and_wakes_all_the_same(
    table, kind, changes, declared, because
):
    expiry, known = ended(table, kind, **changes)

    assert expiry.event is Event.EXPIRE_TERM
    assert expiry.inputs == TermInputs(term=kind)
    assert expiry.wakes is WAKES[ctl().terms[kind].effect]
    assert expiry.notes == {"instead_of": declared.value, "because": because}
    assert can_be_made(expiry, known, table)


def test_every_effect_but_the_warning_has_a_case_in_which_something_is_in_the_way():
    tried = {ctl().terms[kind].effect for kind, *_ in IN_THE_WAY}

    assert tried == set(TermEffect) - {E.WARN}


# --- a clock that stands still, and a term that stays missed ----------------------


@both
@pytest.mark.parametrize("effect", sorted(TermEffect))
def test_a_clock_that_stands_still_goes_on_whatever_its_end_would_bring(table, effect):
    still = term(K.CONCLUSION, OVER, TermStatus.SUSPENDED)
    known = facts(terms=still, call=with_effect(K.CONCLUSION, effect))

    expiry = of_term(still[0], known, table)

    assert expiry.event is Event.RESUME_TERM
    assert expiry.inputs == TermInputs(term=K.CONCLUSION)
    assert (expiry.wakes, expiry.notes) == (None, {})
    assert can_be_made(expiry, known, table)


@both
def test_a_term_that_stays_missed_wakes_the_manager(table):
    missed = term(K.CONCLUSION, OVER, TermStatus.EXPIRED)
    known = facts(terms=missed)

    expiry = of_term(missed[0], known, table)

    assert expiry.event is Event.ESCALATE_TERM
    assert expiry.inputs == TermInputs(term=K.CONCLUSION)
    assert (expiry.wakes, expiry.notes) == (Role.MANAGER, {})
    assert can_be_made(expiry, known, table)


# --- all that a file can meet -----------------------------------------------------

BESIDE = [
    (),
    step(REQUEST),
    step(NOTICE),
    step(LAPSE, subject="start"),
    step(REPORT),
    step(REQUEST, CLOSED, "unanswered") + step(NOTICE, CLOSED, "unanswered"),
]


@both
@pytest.mark.parametrize("counter", [facts().counter, ANNULLED], ids=["on", "annulled"])
def test_whatever_the_file_is_like_a_worker_can_make_what_is_due(table, counter):
    call = shipped(table.family)
    (row,) = table.of_event(Event.EXPIRE_TERM)
    assert set(row.sources) <= OPEN_STATES

    for state in row.sources:
        for kind in call.terms:
            for steps in BESIDE:
                expiry, known = ended(
                    table,
                    kind,
                    call=call,
                    state=state,
                    steps=steps,
                    counter=counter,
                    notices=letter(Letter.GRANT),
                    cor=COR,
                )

                assert can_be_made(expiry, known, table), (state, kind, steps)


@both
def test_a_missed_term_that_brings_a_lapse_proposes_it_in_every_state_after_the_grant(
    table,
):
    call = shipped(table.family)
    lapses = {k for k, rule in call.terms.items() if rule.effect is E.PROPOSE_LAPSE}
    assert lapses

    for state in (GRANTED[table.family], S.ACCEPTED, S.IN_PROGRESS):
        for kind in lapses:
            expiry, _ = ended(table, kind, call=call, state=state)

            assert expiry.event is Event.PROPOSE_LAPSE
            assert expiry.inputs == LapseInputs(term=kind)
