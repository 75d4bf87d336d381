"""Does the table of a call say what may happen to it, and by whom?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from config.loader import load
from models.vocabulary import (
    CallEvent,
    CallState,
    Cents,
    MalfunctionDecision,
    Role,
    SuspensionCause,
)
from tests.builders import CLOSING, OPENING, ctl, quiet
from tests.builders_facts import act
from workflow.errors import RefusedError
from workflow.facts import BY_WORKER, Hands, MoneyFacts
from workflow.machine import Inputs, fire
from workflow.moves.calls import (
    MOVES,
    TABLE,
    CallFacts,
    DecisionInputs,
    MalfunctionInputs,
    RankInputs,
    ReopenInputs,
    SetFacts,
    measures_all_alike,
)
from workflow.rules.windows import _LEADS_TO, Agenda, Announced

_S = CallState
DAY = timedelta(days=1)
NOW = OPENING + DAY
HANDS = Hands(frozenset(Role) - {Role.SYSTEM})
BESIDE_THE_TABLE = {CallEvent.LOAD_CALL}
"""Loading starts from no state."""


def facts(state: CallState = _S.OPEN, **changes):
    """Return the facts about a call in order, with an act and a reason."""
    agenda = changes.pop("agenda", Agenda(state, ctl()))
    money = MoneyFacts(ctl().allocation.amount, Cents(0), Cents(0))
    usual = {"now": NOW, "agenda": agenda, "money": money}
    return CallFacts(**{**usual, "act": act(), "reason": "so", "by": HANDS, **changes})


def refused(event: CallEvent, known: CallFacts, inputs: Inputs | None = None) -> str:
    with pytest.raises(RefusedError) as error:
        fire(TABLE, event, known.agenda.state, known, inputs or Inputs())
    assert error.value.message
    return error.value.code


def versions(**parts):
    """Return another version of the call."""
    return ctl().model_copy(
        update={
            name: getattr(ctl(), name).model_copy(update=values)
            for name, values in parts.items()
        }
    )


def test_every_event_of_the_vocabulary_is_in_the_table():
    assert {move.event for move in MOVES} == set(CallEvent) - BESIDE_THE_TABLE


def test_every_state_is_reached_and_only_an_annulled_call_is_never_left():
    reached = {move.target for move in MOVES} - {None}
    from_annulled = [move.event for move in TABLE.from_state(_S.ANNULLED)]

    assert reached == set(CallState) - {_S.PUBLISHED}
    left = {move.event for move in MOVES if _S.ANNULLED in move.sources and move.target}
    assert not left
    assert set(from_annulled) == {
        CallEvent.EXPORT_REGISTER,
        CallEvent.ERASE_PERSONAL_DATA,
    }
    assert all(len(TABLE.from_state(state)) > 1 for state in set(_S) - {_S.ANNULLED})


@pytest.mark.parametrize("state", _S)
def test_a_register_is_exported_in_every_state_and_the_state_stays(state):
    (move,) = TABLE.of_event(CallEvent.EXPORT_REGISTER)

    assert fire(TABLE, move.event, state, facts(state), Inputs()) == state
    assert set(move.roles) == {
        Role.AUDITOR,
        Role.RESPONSIBLE,
        Role.MANAGER,
        Role.ADMINISTRATOR,
    }


def test_what_is_due_leads_where_the_table_says():
    for event, state in _LEADS_TO.items():
        (row,) = (move for move in TABLE.of_event(event) if move.automatic)

        assert row.target == state


def test_a_worker_does_nothing_that_needs_an_act_and_shares_no_row_with_a_person():
    for move in MOVES:
        if move.automatic:
            assert move.roles == (Role.SYSTEM,)
            assert not (move.act)
            assert not (move.reason)


def test_what_a_person_does_stands_on_an_act_but_for_a_malfunction_or_an_export():
    without = [move for move in MOVES if not move.act and not move.automatic]

    assert [move.event for move in without] == [
        CallEvent.SUSPEND_CALL,
        CallEvent.RECORD_MALFUNCTION,
        CallEvent.EXPORT_REGISTER,
    ]


@pytest.mark.parametrize(
    ("cause", "by", "roles"),
    [
        (SuspensionCause.EXHAUSTION, BY_WORKER, (Role.SYSTEM,)),
        (SuspensionCause.EXHAUSTION, HANDS, (Role.MANAGER,)),
        (SuspensionCause.ACT, HANDS, (Role.MANAGER,)),
        (SuspensionCause.MALFUNCTION, HANDS, (Role.RESPONSIBLE, Role.MANAGER)),
    ],
)
def test_who_may_suspend_depends_on_the_cause(cause, by, roles):
    known = facts(cause=cause, by=by)

    assert TABLE.find(CallEvent.SUSPEND_CALL, _S.OPEN, known).roles == roles


@pytest.mark.parametrize("state", [_S.PUBLISHED, _S.OPEN, _S.SUSPENDED])
@pytest.mark.parametrize("by", [BY_WORKER, HANDS])
def test_a_call_closes_from_wherever_its_window_is_not_over(state, by):
    known = facts(state, by=by)

    assert fire(TABLE, CallEvent.CLOSE_CALL, state, known, Inputs()) == _S.CLOSED


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (CallEvent.SUSPEND_CALL, _S.CLOSED),
        (CallEvent.ANNOUNCE_REOPENING, _S.OPEN),
        (CallEvent.EXTEND_CALL, _S.CONCLUDED),
        (CallEvent.CONCLUDE_CALL, _S.OPEN),
        (CallEvent.REFINANCE_CALL, _S.CONCLUDED),
        (CallEvent.ANNUL_CALL, _S.ANNULLED),
    ],
)
def test_what_does_not_start_from_a_state_is_refused_with_where_it_does(event, state):
    assert refused(event, facts(state)) == "machine.wrong_state"


def test_an_act_is_wanted_before_what_is_stated_is_judged():
    known = facts(_S.SUSPENDED, act=None)
    past = ReopenInputs(at=OPENING)

    assert refused(CallEvent.ANNOUNCE_REOPENING, known, past) == "act.missing"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW, "call.reopening_in_the_past"),
        (CLOSING, "call.reopening_after_closing"),
    ],
)
def test_a_reopening_lies_between_now_and_the_closing(at, code):
    stated = ReopenInputs(at=at)

    assert refused(CallEvent.ANNOUNCE_REOPENING, facts(_S.SUSPENDED), stated) == code


def test_a_reopening_may_come_after_the_old_closing_once_an_extension_is_announced():
    extended = versions(window={"closes_at": CLOSING + 5 * DAY})
    agenda = Agenda(_S.SUSPENDED, ctl(), announced=Announced(2, NOW + DAY, extended))
    stated = ReopenInputs(at=CLOSING + DAY)

    state = fire(
        TABLE,
        CallEvent.ANNOUNCE_REOPENING,
        _S.SUSPENDED,
        facts(agenda=agenda),
        stated,
    )

    assert state == _S.SUSPENDED


@pytest.mark.parametrize(
    ("event", "parts", "changes", "code"),
    [
        (CallEvent.EXTEND_CALL, {}, {}, "call.not_extended"),
        (
            CallEvent.EXTEND_CALL,
            {"window": {"closes_at": CLOSING + DAY}},
            {"effective_at": NOW - DAY},
            "call.effective_in_the_past",
        ),
        (
            CallEvent.EXTEND_CALL,
            {"window": {"closes_at": CLOSING + DAY}},
            {"effective_at": CLOSING + DAY},
            "call.closed_by_then",
        ),
        (CallEvent.REFINANCE_CALL, {}, {}, "call.not_refinanced"),
        (
            CallEvent.CHANGE_CALL,
            {"allocation": {"amount": Cents(5)}},
            {"money": MoneyFacts(ctl().allocation.amount, Cents(5), Cents(1))},
            "call.allocation_below_committed",
        ),
        (
            CallEvent.CHANGE_CALL,
            {"allocation": {"amount": Cents(5)}},
            {"effective_at": NOW + DAY},
            "call.decrease_later",
        ),
    ],
)
def test_a_version_that_cannot_hold_is_refused(event, parts, changes, code):
    known = facts(**{"new": versions(**parts), "effective_at": NOW, **changes})

    assert refused(event, known) == code


def test_of_versions_that_wait_there_is_one():
    agenda = Agenda(_S.OPEN, ctl(), announced=Announced(2, NOW + DAY, ctl()))
    new = versions(window={"closes_at": CLOSING + DAY})
    known = facts(agenda=agenda, new=new, effective_at=NOW)

    assert refused(CallEvent.EXTEND_CALL, known) == "call.version_waits"


def test_a_call_is_not_concluded_while_a_file_waits_and_some_are_named():
    waiting = tuple(f"2026/000000{number}" for number in range(1, 8))
    known = facts(_S.CLOSED, undecided=waiting)

    with pytest.raises(RefusedError, match="2026/0000005 and 2 more") as error:
        fire(TABLE, CallEvent.CONCLUDE_CALL, _S.CLOSED, known, Inputs())

    assert error.value.code == "call.undecided"


@pytest.mark.parametrize(
    ("began_at", "ended_at", "code"),
    [
        (OPENING, OPENING, "malfunction.interval"),
        (NOW, OPENING, "malfunction.interval"),
        (OPENING, NOW + DAY, "malfunction.not_over"),
    ],
)
def test_a_malfunction_is_an_interval_that_is_over(began_at, ended_at, code):
    stated = MalfunctionInputs(began_at=began_at, ended_at=ended_at, evidence="x")

    assert refused(CallEvent.RECORD_MALFUNCTION, facts(), stated) == code


@pytest.mark.parametrize(
    ("number", "code"),
    [(1, "malfunction.decided"), (2, ""), (3, "malfunction.unknown")],
)
def test_a_malfunction_is_decided_once(number, code):
    known = facts(malfunctions=(MalfunctionDecision.NO_EFFECT, None))
    stated = DecisionInputs(malfunction=number, decision=MalfunctionDecision.EXTENSION)
    if code:
        assert refused(CallEvent.DECIDE_MALFUNCTION, known, stated) == code
    else:
        state = fire(TABLE, CallEvent.DECIDE_MALFUNCTION, _S.OPEN, known, stated)
        assert state == _S.OPEN


RANKED = load(quiet("smart-mobility-2024"))
HARDER = RANKED.model_copy(
    update={"merit": RANKED.merit.model_copy(update={"threshold": 70})}
)


def of_ranked(new, effective_at, before=RANKED):
    """Return the facts about another version of a ranked call that is open."""
    agenda = Agenda(_S.OPEN, before)
    now = min(effective_at, before.window.opens_at)
    money = MoneyFacts(before.allocation.amount, Cents(0), Cents(0))
    return facts(
        agenda=agenda, now=now, money=money, new=new, effective_at=effective_at
    )


@pytest.mark.parametrize(
    ("part", "values", "named"),
    [
        ("merit", {"threshold": 70}, "merit.threshold"),
        ("merit", {"criteria": RANKED.merit.criteria[1:]}, "merit.criteria"),
        ("aid", {"cap": Cents(1)}, "aid.cap"),
        ("aid", {"cap": None}, "aid.cap"),
        ("ranking", {"minimum_cost": Cents(1)}, "ranking.minimum_cost"),
        ("duties", {"evaluators": 2}, "roles.evaluators"),
    ],
)
def test_from_the_opening_on_nobody_is_ranked_by_another_measure(part, values, named):
    changed = getattr(RANKED, part).model_copy(update=values)
    new = RANKED.model_copy(update={part.replace("duties", "roles"): changed})
    known = of_ranked(new, RANKED.window.opens_at)

    with pytest.raises(RefusedError, match=f"^{named} cannot change any more") as error:
        fire(TABLE, CallEvent.CHANGE_CALL, _S.OPEN, known, Inputs())

    assert error.value.code == "call.ranking_changed"


def test_before_the_opening_and_outside_of_rankings_a_measure_may_change():
    early = of_ranked(HARDER, RANKED.window.opens_at - DAY)
    reworded = RANKED.merit.model_copy(update={"basis": "another page"})
    titled = of_ranked(
        RANKED.model_copy(update={"merit": reworded}), RANKED.window.opens_at + DAY
    )
    counter = versions(merit={"threshold": 1})

    assert measures_all_alike(early)
    assert measures_all_alike(titled)
    assert measures_all_alike(facts(new=counter, effective_at=NOW))


# --- the act on a ranking -----------------------------------------------------------


def ranked(**changes):
    """Return a closed set that an act may rank, or go on in; nothing is free."""
    usual = {"rankings": 1, "candidates": 3, "undecided": (), "draws": False}
    found = SetFacts(**{**usual, "moved": 1, "made": (act(),), **changes})
    return facts(_S.CLOSED, ranked=found)


def test_each_ranking_needs_an_act_of_its_own_signed_once_the_set_was_closed():
    used, other = act(), replace(act(), number="99")
    known = ranked(made=(other, used), closed_on=used.signed_on)
    early = replace(ranked(closed_on=used.signed_on + DAY), act=other)

    with pytest.raises(RefusedError, match="has made version 2") as again:
        fire(TABLE, CallEvent.RANK_CALL, _S.CLOSED, known, RankInputs())

    assert again.value.code == "ranking.act_used"
    assert refused(CallEvent.RANK_CALL, early, RankInputs()) == "act.too_early"
    fresh = replace(ranked(closed_on=used.signed_on), act=other)
    assert fire(TABLE, CallEvent.RANK_CALL, _S.CLOSED, fresh, RankInputs())


def test_money_moves_on_by_an_act_that_is_no_older_than_the_ranking():
    younger = replace(act(), signed_on=act().signed_on + DAY)

    assert refused(CallEvent.FUND_CALL, ranked(made=(younger,))) == "act.too_early"
    assert fire(TABLE, CallEvent.FUND_CALL, _S.CLOSED, ranked(), Inputs())


def test_a_call_is_not_concluded_while_free_money_goes_to_somebody():
    known = replace(facts(_S.CLOSED), entitled=("2024/0000013",))

    with pytest.raises(RefusedError, match="2024/0000013 by the ranking") as error:
        fire(TABLE, CallEvent.CONCLUDE_CALL, _S.CLOSED, known, Inputs())

    assert error.value.code == "call.money_is_due"
