"""Is what a plain counter grants carried out as its call says?"""

import pytest

from models.vocabulary import (
    ApplicationState,
    Cents,
    Event,
    Letter,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
)
from tests.builders import OPENING, ctl, usual
from tests.builders_facts import NOW, act, facts, letter, step, term
from workflow.errors import RefusedError
from workflow.machine import fire
from workflow.moves.families.plain_counter import TABLE

S = ApplicationState
PUBLISHED = {"published_on": OPENING.date()}
PHASE_2 = (S.GRANTED, S.ACCEPTED, S.IN_PROGRESS)
LATE = NOW.replace(year=2025)


def wants(*, acceptance):
    """Return the shipped call, in which the grant has to be accepted or not."""
    procedure = ctl().procedure.model_copy(update={"acceptance": acceptance})
    return ctl().model_copy(update={"procedure": procedure})


ACCEPTED_FIRST, STARTED_AT_ONCE = wants(acceptance=True), wants(acceptance=False)


def verdict(event, state, **changes):
    """Tell whether an event can be made from a state with the usual inputs."""
    known = facts(**{"state": state, "act": act(), "reason": "so", **changes})
    row = TABLE.find(event, state, known)
    given = row.inputs.model_validate(usual(event, known.today).get("inputs", {}))
    return row.verdict(known, given)


def test_the_grant_leads_to_what_is_granted():
    known = facts(state=S.EVALUATED, score=80, act=act())
    row = TABLE.find(Event.GRANT, S.EVALUATED, known)
    given = row.inputs.model_validate(usual(Event.GRANT, known.today)["inputs"])

    assert fire(TABLE, Event.GRANT, S.EVALUATED, known, given) is S.GRANTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"call": ACCEPTED_FIRST, **PUBLISHED}, ""),
        ({"call": STARTED_AT_ONCE, **PUBLISHED}, "acceptance.not_wanted"),
        ({"call": ACCEPTED_FIRST}, "grant.not_published"),
        (
            {
                "call": ACCEPTED_FIRST,
                **PUBLISHED,
                "terms": term(TermKind.ACCEPTANCE, LATE),
            },
            "term.expired",
        ),
        (
            {
                "call": ACCEPTED_FIRST,
                **PUBLISHED,
                "steps": step(StepKind.LAPSE_PROPOSAL, subject="acceptance"),
            },
            "lapse_proposal.open",
        ),
    ],
)
def test_a_grant_is_accepted_only_where_the_call_wants_it(changes, code):
    assert verdict(Event.ACCEPT, S.GRANTED, **changes).code == code


@pytest.mark.parametrize(
    ("state", "changes", "code"),
    [
        (S.GRANTED, {"call": STARTED_AT_ONCE, **PUBLISHED}, ""),
        (S.GRANTED, {"call": STARTED_AT_ONCE}, "grant.not_published"),
        (S.GRANTED, {"call": ACCEPTED_FIRST, **PUBLISHED}, "acceptance.missing"),
        (S.ACCEPTED, {"call": ACCEPTED_FIRST, **PUBLISHED}, ""),
        (S.ACCEPTED, {"terms": term(TermKind.START, LATE)}, "term.expired"),
        (
            S.GRANTED,
            {
                "call": STARTED_AT_ONCE,
                **PUBLISHED,
                "terms": term(TermKind.START, LATE),
            },
            "term.expired",
        ),
    ],
)
def test_a_plan_starts_from_the_grant_only_where_nobody_has_to_accept_it(
    state, changes, code
):
    assert verdict(Event.START, state, **changes).code == code


@pytest.mark.parametrize(
    ("state", "written"),
    [(S.GRANTED, Letter.GRANT), (S.ACCEPTED, Letter.ACCEPTANCE_RECEIVED)],
)
def test_a_plan_starts_after_the_letter_that_lets_it_start(state, written):
    call = STARTED_AT_ONCE if state is S.GRANTED else ACCEPTED_FIRST
    known = facts(state=state, call=call, notices=letter(written, NOW), **PUBLISHED)
    row = TABLE.find(Event.START, state, known)
    given = row.inputs.model_validate({"started_on": OPENING.date()})

    assert row.verdict(known, given).code == "date.too_early"


def test_receipt_of_the_grant_starts_what_the_call_counts_from_it():
    known = facts(state=S.GRANTED, notices=letter(Letter.GRANT))
    row = TABLE.find(Event.RECORD_DELIVERY, S.GRANTED, known)
    given = row.inputs.model_validate({"letter": "grant", "receipt": "R-1"})

    assert row.effect(known, given).starts == (TermStart.GRANT_DELIVERED,)


def test_the_payment_is_due_from_the_report_and_met_by_the_settlement():
    (filed,) = TABLE.of_event(Event.FILE_REPORT)
    (settled,) = TABLE.of_event(Event.SETTLE)

    assert filed.starts == (TermStart.REPORT_FILED,)
    assert settled.meets == (TermKind.PAYMENT,)


@pytest.mark.parametrize("matures_on", [None, StepKind.REPORT])
def test_the_fixed_part_matures_with_the_report_only_where_the_call_says_so(
    matures_on,
):
    aid = ctl().aid.model_copy(update={"fixed_matures_on": matures_on})
    call = ctl().model_copy(update={"aid": aid})
    known = facts(state=S.IN_PROGRESS, call=call, granted=Cents(500))
    (row,) = TABLE.of_event(Event.FILE_REPORT)

    brought = row.effect(known, row.inputs.model_validate({"document": "a" * 64}))

    assert brought.updates == ({"matured": 500} if matures_on else {})
    assert [change.status for change in brought.steps] == [StepStatus.ANSWERED]


@pytest.mark.parametrize("state", PHASE_2)
def test_a_missed_term_may_end_in_a_lapse_from_every_state_after_the_grant(state):
    terms = term(TermKind.DEFINITIVE_PLAN, LATE)

    proposed = verdict(Event.PROPOSE_LAPSE, state, terms=terms)
    adopted = verdict(
        Event.LAPSE,
        state,
        steps=step(StepKind.LAPSE_PROPOSAL, subject="start"),
        notices=letter(Letter.LAPSE_PROPOSED, LATE, LATE),
    )

    assert proposed
    assert adopted


@pytest.mark.parametrize("state", [*PHASE_2, S.COMPLETED])
def test_a_grant_may_be_revoked_or_annulled_until_after_the_end(state):
    assert verdict(Event.REVOKE, state)
    assert verdict(Event.ANNUL, state)


@pytest.mark.parametrize("state", PHASE_2)
def test_who_was_granted_may_withdraw_until_the_end(state):
    assert verdict(Event.WITHDRAW, state)


def test_nothing_is_negotiated():
    with pytest.raises(RefusedError) as refused:
        TABLE.rows(Event.CONVENE_NEGOTIATION, S.GRANTED)

    assert refused.value.code == "machine.unknown_event"
