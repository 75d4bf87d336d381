"""Has a ranked call the moves of its procedure, and no others?"""

from dataclasses import replace

import pytest

from config.loader import load
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    CallState,
    Cents,
    Event,
    MovementKind,
    Role,
    StepKind,
    TermKind,
    TermStart,
    TermStatus,
)
from tests.builders import quiet
from tests.builders_facts import ANYBODY, NOW, act, facts, step, term
from workflow.errors import RefusedError
from workflow.facts import CounterFacts, MoneyFacts, Opening
from workflow.machine import Inputs, fire
from workflow.moves import effects
from workflow.moves import inputs as stated
from workflow.moves.families.ranked_call import TABLE
from workflow.rules.calendar import ONE_DAY, civil_day

S = ApplicationState
CALL = load(quiet("smart-mobility-2024"))
CLOSED = CounterFacts(CallState.CLOSED, (Opening(NOW, NOW),))
MONEY = MoneyFacts(Cents(1_000), Cents(0), Cents(0))
BY_RANKING = {Event.FUND, Event.ADMIT_UNFUNDED, Event.REJECT, Event.DECLARE_UNFUNDED}


def known(state, **changes):
    usual = {
        "call": CALL,
        "counter": CLOSED,
        "money": MONEY,
        "score": 70,
        "requested": Cents(400),
        "reserved": Cents(0),
        "act": act(),
        "reason": "the ranking",
        "by": ANYBODY,
    }
    return facts(state=state, **{**usual, **changes})


def given(amount, place=1):
    return stated.FundingInputs(ranking=1, place=place, amount=amount)


def funded(state, amount, **changes):
    """Return what funding brings about, and where it leads."""
    about = known(state, **changes)
    row = TABLE.find(Event.FUND, state, about)
    leads = fire(TABLE, Event.FUND, state, about, given(amount))
    return leads, row.effect(about, given(amount)), row


def test_nothing_waits_nor_is_promoted_and_nobody_has_a_turn_before_the_ranking():
    assert {Event.PROMOTE, Event.YIELD_RESERVATION}.isdisjoint(TABLE.events)
    assert Event.PUT_ON_WAITING_LIST not in TABLE.events
    assert {move.event for move in TABLE.moves if move.target is S.WAITING} == {
        Event.ADMIT_UNFUNDED
    }


def test_only_an_act_on_the_whole_call_ranks_funds_and_refuses():
    rows = [move for move in TABLE.moves if move.by_call]

    assert {move.event for move in rows} == BY_RANKING
    assert all(move.act and move.role is Role.MANAGER for move in rows)
    assert not any(move.by_hand or move.automatic for move in rows)
    assert {move.event for move in TABLE.moves if move.event in BY_RANKING} == {
        move.event for move in rows
    }


def test_every_open_state_of_a_ranked_call_has_a_way_to_its_end():
    reached, fresh = {S.DRAFT}, [S.DRAFT]
    while fresh:
        for move in TABLE.from_state(fresh.pop()):
            if move.target and move.target not in reached:
                reached.add(move.target)
                fresh.append(move.target)

    of_others = {S.NEGOTIATING, S.WORTHY, S.LISTED, S.REMOVED}
    assert reached == set(S) - of_others
    assert all(
        any(move.target in FINAL_STATES for move in TABLE.from_state(state))
        for state in reached - FINAL_STATES
    )


def test_a_review_begins_once_the_set_is_closed():
    still_open = CounterFacts(CallState.OPEN, (Opening(NOW, None),))
    early = known(S.SUBMITTED, counter=still_open, now=CALL.window.opens_at)

    with pytest.raises(RefusedError) as refused:
        fire(TABLE, Event.START_REVIEW, S.SUBMITTED, early, stated.ReviewInputs())

    assert refused.value.code == "window.open"


@pytest.mark.parametrize(
    ("state", "amount", "changes", "expected"),
    [
        (S.EVALUATED, 400, {}, (S.EVALUATED, [("reserve", 400, 0)], (400, None))),
        (S.EVALUATED, 150, {}, (S.EVALUATED, [("reserve", 150, 0)], (150, 400))),
        (
            S.EVALUATED,
            400,
            {"requested": Cents(150), "asked": Cents(400), "reserved": Cents(150)},
            (S.EVALUATED, [("reserve", 250, 0)], (400, None)),
        ),
        (
            S.EVALUATED,
            100,
            {"reserved": Cents(400), "rank": 1},
            (S.EVALUATED, [("release", -300, 0)], (100, 400)),
        ),
        (S.WAITING, 60, {"rank": 9}, (S.EVALUATED, [("reserve", 60, 0)], (60, 400))),
        (
            S.GRANTED,
            400,
            {"granted": Cents(150), "requested": Cents(150), "asked": Cents(400)},
            (
                S.GRANTED,
                [("reserve", 250, 0)],  # it is granted by an act of its own
                (400, None),
            ),
        ),
    ],
)
def test_funding_reserves_and_grants_nothing(state, amount, changes, expected):
    leads, brought, _ = funded(state, amount, **changes)

    moved = [(one.kind.value, one.reserved, one.granted) for one in brought.money]
    updates = brought.updates
    assert (leads, moved, (updates["requested"], updates["asked"])) == expected
    assert updates["rank"] == 1


def raised(**changes):
    held = {"granted": Cents(10_000_000), "reserved": Cents(5_000_000), "rank": 1}
    about = known(S.ACCEPTED, **{**held, **changes})
    papers = stated.RaiseInputs(durc_until=about.today)
    return about, papers


def test_what_a_ranking_adds_is_granted_by_an_act_and_is_published_again():
    about, papers = raised(reserved=Cents(4_999_999))

    leads = fire(TABLE, Event.RAISE_GRANT, S.ACCEPTED, about, papers)
    brought = effects.ranking.raise_grant(about, papers)

    assert leads is S.ACCEPTED
    moved = [(one.kind.value, one.reserved, one.granted) for one in brought.money]
    assert moved == [("grant", -4_999_999, 4_999_999)]
    assert brought.updates == {"published_on": None}
    _, again = TABLE.of_event(Event.RECORD_PUBLICATION)
    assert (again.starts, S.ACCEPTED in again.sources) == ((), True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "antimafia.missing"),  # 150,000.00 in all
        ({"reserved": Cents(0)}, "grant.nothing_added"),
        ({"steps": step(StepKind.LAPSE_PROPOSAL)}, "lapse_proposal.open"),
        ({"steps": step(StepKind.REVOCATION_PROPOSAL)}, "revocation_proposal.open"),
    ],
)
def test_a_grant_grows_on_what_every_grant_stands_on(changes, code):
    about, papers = raised(**changes)

    with pytest.raises(RefusedError) as refused:
        fire(TABLE, Event.RAISE_GRANT, S.ACCEPTED, about, papers)
    expired = papers.model_copy(update={"durc_until": about.today - ONE_DAY})
    with pytest.raises(RefusedError, match=r"durc|antimafia|added|proposal"):
        fire(TABLE, Event.RAISE_GRANT, S.ACCEPTED, about, expired)

    assert refused.value.code == code


def test_who_is_ranked_again_without_money_gives_back_what_was_reserved():
    about = known(
        S.EVALUATED,
        rank=3,
        requested=Cents(150),
        asked=Cents(400),
        reserved=Cents(150),
    )

    leads = fire(TABLE, Event.ADMIT_UNFUNDED, S.EVALUATED, about, given(0, 7))
    brought = effects.ranking.leave_unfunded(about, given(0, 7))

    assert leads is S.WAITING
    assert [(one.kind, one.reserved) for one in brought.money] == [
        (MovementKind.RELEASE, -150)
    ]
    assert brought.updates == {"requested": 400, "asked": None, "rank": 7}


@pytest.mark.parametrize(
    ("place", "reserved", "amount", "silent"),
    [
        (3, 400, 400, True),
        (2, 400, 400, False),  # it has gone down
        (3, 300, 400, False),
        (None, 0, 400, False),  # its first place
        (3, 0, 0, True),
        (2, 0, 0, False),
        (3, 400, 0, False),
        (None, 0, 0, False),
    ],
)
def test_another_ranking_writes_only_to_whom_it_changes_something(
    place, reserved, amount, silent
):
    about = known(S.EVALUATED, rank=place, reserved=Cents(reserved))
    effect = effects.ranking.fund if amount else effects.ranking.leave_unfunded

    assert effect(about, given(amount, 3)).changes_nothing is silent


def test_the_term_of_all_runs_from_the_closing_and_anew_from_a_later_one():
    first = known(S.SUBMITTED)
    running = replace(first, terms=term(TermKind.CONCLUSION, NOW, TermStatus.RUNNING))

    begun = effects.ranking.enter(first, Inputs())
    again = effects.ranking.enter(running, Inputs())

    assert (begun.starts, begun.restarts) == ((TermStart.CLOSING,), ())
    assert (again.starts, again.restarts) == ((), (TermKind.CONCLUSION,))
    assert begun.since == again.since == civil_day(first.now)
