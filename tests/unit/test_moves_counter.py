"""Do the rows that both counters share follow the policy of the call?"""

from dataclasses import replace

import pytest

from models.vocabulary import (
    ApplicationState,
    CallState,
    Cents,
    Channel,
    Event,
    Family,
    Letter,
    OrderPolicy,
    ShortMoneyPolicy,
    TermKind,
    TermStart,
    TermStatus,
    WaitingPhase,
)
from tests.builders import COUNTERS, ctl, usual
from tests.builders_facts import NOW, REQUESTED, act, facts, letter, place, term
from workflow.errors import RefusedError
from workflow.facts import CounterFacts, MoneyFacts
from workflow.machine import Inputs, fire
from workflow.moves.families import TABLES

S = ApplicationState
both = pytest.mark.parametrize("table", COUNTERS.values(), ids=list(COUNTERS))
NO_MONEY = {
    "reserved": Cents(0),
    "money": MoneyFacts(Cents(2 * REQUESTED - 1), REQUESTED, Cents(0)),
}
SET_FREE = {"reserved": Cents(0), "review_started": False}


def ruled(section="counter", **changes):
    """Return the shipped call with some values of a section changed."""
    part = getattr(ctl(), section).model_copy(update=changes)
    return ctl().model_copy(update={section: part})


FIRST_MONEY = ruled(waiting_list=WaitingPhase.BEFORE_REVIEW)
FIRST_REVIEW = ruled(waiting_list=WaitingPhase.AFTER_REVIEW)


def filed(table, **changes):
    """Return the row that files an application on these facts."""
    return table.find(Event.SUBMIT, S.DRAFT, facts(state=S.DRAFT, **changes))


# --- filing -------------------------------------------------------------------


@both
def test_without_money_it_waits_from_the_filing_where_only_money_is_examined(table):
    row = filed(table, call=FIRST_MONEY, **NO_MONEY)

    assert row.target is S.WAITING
    assert row.letters == (Letter.SUBMISSION_RECEIPT, Letter.WAITING_LIST)
    assert row.starts == ()


@both
@pytest.mark.parametrize(
    "changes",
    [
        {"call": FIRST_MONEY},
        {"call": FIRST_REVIEW, **NO_MONEY},
        {"call": FIRST_MONEY, "channel": Channel.PEC, **NO_MONEY},
    ],
    ids=["there is money", "all are examined", "by another channel"],
)
def test_anything_else_is_filed_to_be_examined(table, changes):
    row = filed(table, **changes)

    assert row.target is S.SUBMITTED
    assert row.letters == (Letter.SUBMISSION_RECEIPT,)
    assert row.starts == (TermStart.PROTOCOL,)


@both
def test_what_the_counter_cannot_take_in_is_refused_with_its_verdict(table):
    call = ruled("allocation", short_money=ShortMoneyPolicy.STOP)

    with pytest.raises(RefusedError) as refused:
        fire(
            table,
            Event.SUBMIT,
            S.DRAFT,
            facts(state=S.DRAFT, call=call, **NO_MONEY),
            Inputs(),
        )

    assert refused.value.code == "counter.exhausted"


# --- money that goes and comes ------------------------------------------------


@both
@pytest.mark.parametrize(
    ("call", "started", "target"),
    [
        (FIRST_MONEY, False, S.WAITING),
        (FIRST_MONEY, True, None),
        (FIRST_REVIEW, False, None),
    ],
)
def test_who_yields_waits_again_unless_its_review_has_begun(
    table, call, started, target
):
    known = facts(call=call, review_started=started)

    row = table.find(Event.YIELD_RESERVATION, S.SUBMITTED, known)

    assert row.target is target
    assert row.letters == (Letter.WAITING_LIST,)
    assert bool(row.effect(known, Inputs()).terms) is (target is S.WAITING)


@both
@pytest.mark.parametrize(
    ("state", "score", "target"),
    [
        (S.WAITING, None, S.SUBMITTED),
        (S.WAITING, 0, S.EVALUATED),
        (S.WAITING, 80, S.EVALUATED),
        (S.SUBMITTED, None, None),
        (S.EVALUATED, 80, None),
    ],
)
def test_who_is_promoted_goes_back_to_where_it_was(table, state, score, target):
    known = facts(state=state, score=score, **SET_FREE)

    row = table.find(Event.PROMOTE, state, known)

    assert row.target is target
    assert row.verdict(known, Inputs())


@both
def test_the_clock_starts_when_a_promotion_opens_the_review(table):
    unscored = facts(state=S.WAITING, **SET_FREE)
    scored = facts(
        state=S.WAITING, score=80, terms=term(TermKind.CONCLUSION, NOW), **SET_FREE
    )

    for known, starts in ((unscored, (TermStart.PROTOCOL,)), (scored, ())):
        row = table.find(Event.PROMOTE, S.WAITING, known)
        assert (*row.starts, *row.effect(known, Inputs()).starts) == starts


@both
def test_who_yielded_and_is_promoted_has_its_whole_term_again(table):
    gone = term(TermKind.CONCLUSION, NOW, TermStatus.CANCELLED)
    known = facts(state=S.WAITING, terms=gone, **SET_FREE)

    row = table.find(Event.PROMOTE, S.WAITING, known)

    assert row.effect(known, Inputs()).starts == (TermStart.PROTOCOL,)


@both
def test_a_review_does_not_start_while_it_waits(table):
    with pytest.raises(RefusedError) as refused:
        fire(table, Event.START_REVIEW, S.WAITING, facts(state=S.WAITING), Inputs())

    assert refused.value.code == "machine.wrong_state"


# --- the draw -----------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("event", "state", "changes"),
    [
        (Event.START_REVIEW, S.SUBMITTED, {"review_started": False}),
        (Event.EVALUATE, S.ADMISSIBLE, {}),
        (Event.GRANT, S.EVALUATED, {"score": 80}),
    ],
)
def test_nobody_of_a_week_is_taken_up_before_the_draw(table, event, state, changes):
    call = ruled(order=OrderPolicy.SAME_WEEK_DRAW)
    before = facts(state=state, call=call, **changes)
    after = facts(state=state, call=call, rank=3, **changes)

    row = table.find(event, state, before)

    assert [verdict.code for verdict in row.standing(before)] == ["order.not_drawn"]
    assert row.standing(after) == ()


# --- the codes of the grant ---------------------------------------------------


@both
@pytest.mark.parametrize("code", ["cor_on", "cup_on"])
def test_a_code_of_tomorrow_is_no_code(table, code):
    known = facts(state=S.EVALUATED, score=80, act=act())
    row = table.find(Event.GRANT, S.EVALUATED, known)
    given = usual(Event.GRANT, known.today)["inputs"]

    fine = row.verdict(known, row.inputs.model_validate(given))
    early = row.verdict(known, row.inputs.model_validate({**given, code: "2026-01-31"}))

    assert fine
    assert early.code == "date.future"


@both
def test_a_grant_stands_on_a_code_that_is_still_valid(table):
    known = facts(state=S.EVALUATED, score=80, act=act())
    row = table.find(Event.GRANT, S.EVALUATED, known)
    given = {**usual(Event.GRANT, known.today)["inputs"], "cor_on": "2026-01-01"}

    verdict = row.verdict(known, row.inputs.model_validate(given))

    assert verdict.code == "cor.expired"


# --- a call that was annulled -------------------------------------------------

ANNULLED = CounterFacts(CallState.ANNULLED)
STILL_POSSIBLE = {
    Event.WITHDRAW,
    Event.ANNUL,
    Event.RECORD_DELIVERY,
    Event.RELEASE_NOTICE,
}
BY_TIME = {
    Event.EXPIRE,
    Event.EXPIRE_TERM,
    Event.RESUME_TERM,
    Event.ESCALATE_TERM,
    Event.REMIND_TERM,
}
"""Time goes on for it too: what ends is noted, and brings nothing new about."""


@both
def test_of_an_annulled_call_only_the_ends_are_left(table):
    allowed = set()
    for move in table.moves:
        known = facts(state=move.sources[0], counter=ANNULLED, act=act(), reason="so")
        codes = {verdict.code for verdict in move.standing(known)}
        if codes == {"call.annulled"}:
            assert move.verdict(known, Inputs()).code == "call.annulled"
        else:
            allowed.add(move.event)

    assert allowed == STILL_POSSIBLE | BY_TIME


@both
def test_a_letter_about_an_annulled_call_can_still_be_delivered(table):
    known = facts(counter=ANNULLED, notices=letter(Letter.SUBMISSION_RECEIPT))
    row = table.find(Event.RECORD_DELIVERY, S.SUBMITTED, known)
    given = row.inputs.model_validate({"letter": "submission_receipt", "receipt": "R"})

    assert row.verdict(known, given)


# --- who is before it ---------------------------------------------------------


@both
def test_the_turn_looks_at_arrivals_and_the_money_at_claims(table):
    arrived = (place(1, reserved=Cents(0), review_started=True),)
    known = facts(
        state=S.WAITING,
        score=80,
        reserved=Cents(0),
        earlier=arrived,
        claims=(),
    )
    behind = replace(known, claims=None)

    row = table.find(Event.PROMOTE, S.WAITING, known)

    assert row.verdict(known, Inputs())
    assert row.verdict(behind, Inputs()).code == "money.not_head"


def test_both_families_share_the_rows_before_the_grant():
    negotiated = TABLES[Family("negotiated_counter")]
    plain = TABLES[Family("plain_counter")]
    shared = [move for move in negotiated.moves if move in plain.moves]
    after = {S.GRANTED, S.NEGOTIATING, S.ACCEPTED, S.IN_PROGRESS}

    ahead = [move for move in plain.moves if not after & {*move.sources, move.target}]
    assert all(move in shared for move in ahead)
