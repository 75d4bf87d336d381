"""Does each move bring about what its rule says, no more and no less?"""

from datetime import date, timedelta

import pytest

from models.vocabulary import (
    Cents,
    Channel,
    Letter,
    MovementKind,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
)
from tests.builders import CLOSING, COR, CUP, PAPER, ctl, rome, scores
from tests.builders_facts import NOW, REQUESTED, facts, letter, place, step, term
from workflow.errors import RefusedError
from workflow.facts import MoneyFacts, PriorAid
from workflow.machine import Consequences, Inputs, MoneyChange, StepChange, TermChange
from workflow.moves import effects
from workflow.moves import inputs as stated
from workflow.rules.terms import Suspension

NOTHING = Inputs()
NOTICE, REQUEST = StepKind.REFUSAL_NOTICE, StepKind.COMPLETION_REQUEST
TODAY = facts().today
CLOCK = term(TermKind.CONCLUSION, NOW + timedelta(days=60))
DELIVERED = rome(2026, 1, 26, 12)
"""A Monday, four days before the day of the facts."""


def say(inputs, **values):
    """Return what was stated, as read from outside."""
    return inputs.model_validate(values)


def kinds(brought):
    return [(change.kind, change.status, change.outcome) for change in brought.steps]


# --- filing ----------------------------------------------------------------------


def test_filing_reserves_the_request_if_there_is_money():
    brought = effects.submit(facts(earlier=(place(1),)), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=REQUESTED),)
    assert brought.findings["earlier_waiting"] == 1
    assert brought.findings["reserved"] is True


def test_filing_reserves_nothing_while_an_earlier_one_is_without_money():
    brought = effects.submit(facts(earlier=(place(1, reserved=Cents(0)),)), NOTHING)

    assert brought.money == ()
    assert brought.findings["reserved"] is False


@pytest.mark.parametrize(
    ("reserved", "granted", "money"),
    [
        (0, 0, ()),
        (5, 0, (MoneyChange(MovementKind.RELEASE, reserved=-5),)),
        (0, 7, (MoneyChange(MovementKind.RELEASE, granted=-7),)),
    ],
)
def test_an_ending_sets_free_whatever_is_held(reserved, granted, money):
    known = facts(reserved=Cents(reserved), granted=Cents(granted))

    brought = effects.release(known, NOTHING)

    assert brought.money == money
    assert brought.findings.get("freed", 0) == reserved + granted


@pytest.mark.parametrize(
    ("received", "late"),
    [(None, 0), (CLOSING, 0), (CLOSING + timedelta(seconds=33), 33_000_000)],
)
def test_what_is_not_receivable_says_how_late_it_was(received, late):
    known = facts(received_at=received, channel=Channel.PEC)

    brought = effects.not_receivable(known, NOTHING)

    assert brought.findings["late_microseconds"] == late
    assert brought.findings["channel"] == "pec"
    assert brought.findings["freed"] == REQUESTED


# --- turn -------------------------------------------------------------------------


def test_a_review_out_of_turn_names_whoever_is_overtaken():
    ahead = facts(earlier=(place(2), place(1), place(3, review_started=True)))

    brought = effects.start_review(ahead, stated.ReviewInputs(overtake=True))

    assert brought.findings["overtaken"] == ["2026/0000001", "2026/0000002"]
    assert brought.updates == {"review_started": True}


def test_a_review_in_turn_names_nobody():
    waiting = facts(earlier=(place(1, waits_for_applicant=True),))

    brought = effects.start_review(waiting, stated.ReviewInputs())

    assert "overtaken" not in brought.findings
    assert brought.findings["earlier_waiting"] == 1


def test_a_score_is_told_with_its_criteria_and_its_threshold():
    sheet = say(stated.EvaluationInputs, minutes="1", score=scores(75), overtake=True)

    brought = effects.evaluate(facts(earlier=(place(1),)), sheet)

    assert brought.updates == {"score": 75}
    assert brought.findings["overtaken"] == ["2026/0000001"]
    assert brought.findings["score"] == {
        "total": 75,
        "threshold": 60,
        "criteria": sheet.score,
    }


# --- steps ------------------------------------------------------------------------


def test_a_step_is_opened_and_closed_only_if_it_is_open():
    opened = effects.opening(REQUEST, waits_for_applicant=True)(facts(), NOTHING)
    close = effects.closing(REQUEST, "done")

    assert opened.steps == (StepChange(REQUEST, StepStatus.OPEN),)
    assert opened.updates == {"waits_for_applicant": True}
    assert close(facts(), NOTHING).steps == ()
    assert kinds(close(facts(steps=step(REQUEST)), NOTHING)) == [
        (REQUEST, StepStatus.CLOSED, "done")
    ]


def test_two_effects_joined_bring_about_both():
    def both_dated(_facts, _given):
        return Consequences(
            since=TODAY, delivered=(Letter.GRANT, "R"), updates={"b": 2}
        )

    joined = effects.both(effects.release, both_dated)(facts(), NOTHING)
    turned = effects.both(both_dated, effects.release)(facts(), NOTHING)

    assert joined == turned
    assert joined.money == effects.release(facts(), NOTHING).money
    assert (joined.since, joined.delivered) == (TODAY, (Letter.GRANT, "R"))
    assert (joined.updates, joined.findings) == ({"b": 2}, {"freed": REQUESTED})


# --- the clock of the office ------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "kind", "until"),
    [
        # The clock goes on with the answer, ten days after the observations, or
        # when nobody answers at the end of the thirty and of the ten days.
        (effects.answer_completion, Letter.COMPLETION_REQUEST, TODAY),
        (effects.expire_completion, Letter.COMPLETION_REQUEST, date(2026, 2, 25)),
        (effects.file_observations, Letter.REFUSAL_NOTICE, date(2026, 2, 9)),
        (effects.expire_observations, Letter.REFUSAL_NOTICE, date(2026, 2, 5)),
    ],
)
def test_the_clock_goes_on_from_the_day_that_the_law_says(effect, kind, until):
    known = facts(terms=CLOCK, notices=letter(kind, DELIVERED, DELIVERED))

    brought = effect(known, NOTHING)

    (resumed,) = [change for change in brought.terms if change.suspension]
    assert resumed == TermChange(
        TermKind.CONCLUSION, suspension=Suspension(date(2026, 1, 26), until)
    )
    assert brought.updates == {"waits_for_applicant": False}


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": CLOCK},
        {"terms": CLOCK, "notices": letter(Letter.COMPLETION_REQUEST)},
        {"notices": letter(Letter.COMPLETION_REQUEST, DELIVERED, DELIVERED)},
    ],
    ids=["no letter", "not delivered", "no clock"],
)
def test_a_clock_that_never_stopped_does_not_go_on(changes):
    brought = effects.answer_completion(facts(**changes), NOTHING)

    assert brought.terms == ()
    assert kinds(brought) == [(REQUEST, StepStatus.CLOSED, "answered")]


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        (Letter.COMPLETION_REQUEST, TermStart.COMPLETION_DELIVERED),
        (Letter.REFUSAL_NOTICE, TermStart.REFUSAL_NOTICE_DELIVERED),
        (Letter.GRANT, TermStart.GRANT_DELIVERED),
        (Letter.PLAN_RETURNED, TermStart.PLAN_RETURN_DELIVERED),
        (Letter.AMOUNT_DETERMINED, TermStart.DETERMINATION_DELIVERED),
        (Letter.REJECTED, None),
    ],
)
def test_delivery_starts_what_runs_from_receipt(kind, start):
    given = stated.DeliveryInputs(letter=kind, receipt="R-1")

    brought = effects.record_delivery(facts(), given)

    assert brought.starts == ((start,) if start else ())
    assert brought.since == TODAY
    assert brought.delivered == (kind, "R-1")


@pytest.mark.parametrize(
    ("kind", "waits", "terms", "stops"),
    [
        (Letter.COMPLETION_REQUEST, True, CLOCK, True),
        (Letter.REFUSAL_NOTICE, True, CLOCK, True),
        (Letter.GRANT, True, CLOCK, False),
        (Letter.COMPLETION_REQUEST, False, CLOCK, False),
        (Letter.COMPLETION_REQUEST, True, (), False),
    ],
)
def test_delivery_stops_the_clock_of_the_office_while_the_applicant_is_waited_for(
    kind, waits, terms, stops
):
    day = date(2026, 1, 28)
    given = stated.DeliveryInputs(letter=kind, receipt="R", delivered_on=day)

    brought = effects.record_delivery(
        facts(waits_for_applicant=waits, terms=terms), given
    )

    stopped = TermChange(TermKind.CONCLUSION, suspension=Suspension(day, None))
    assert brought.terms == ((stopped,) if stops else ())
    assert brought.since == day


# --- money ------------------------------------------------------------------------


def test_a_promotion_reserves_what_was_asked_for():
    brought = effects.promote(facts(reserved=Cents(0)), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=REQUESTED),)
    assert brought.findings == {"residual_before": 100_000_000 - REQUESTED}


def granting(**values):
    return say(stated.GrantInputs, cor=COR, cup=CUP, **values)


def test_a_grant_with_nothing_left_under_the_ceiling_is_refused():
    used_up = PriorAid(TODAY, ctl().aid.ceiling, "Comune")

    with pytest.raises(RefusedError) as refused:
        effects.grant(facts(score=80, aids=(used_up,)), granting())

    assert refused.value.code == "aid.nothing_left"


def test_a_grant_that_the_money_does_not_cover_is_refused():
    short = facts(score=80, earlier=(place(1, requested=Cents(99_000_000)),))

    with pytest.raises(RefusedError) as refused:
        effects.grant(short, granting())

    assert refused.value.code == "money.short"
    assert refused.value.details["available"] == "10000.00"


def test_a_grant_frees_what_it_does_not_give():
    brought = effects.grant(facts(), granting(admitted_investment="10000.00"))

    given = 3_000_000 + 850_000
    assert brought.money == (
        MoneyChange(MovementKind.GRANT, reserved=-REQUESTED, granted=given),
    )
    assert brought.updates == {
        "cor": COR,
        "cup": CUP,
        "admitted_investment": 1_000_000,
    }


def test_a_grant_says_what_was_free_and_what_was_set_aside():
    known = facts(
        money=MoneyFacts(Cents(100_000_000), Cents(50_000_000), Cents(20_000_000)),
        earlier=(place(1, requested=Cents(30_000_000)),),
    )

    brought = effects.grant(known, granting())

    assert brought.findings["available_before"] == 50_000_000
    assert brought.findings["set_aside_for_earlier"] == 30_000_000
    assert "111111.11" in str(brought.findings["aid"])


def test_an_admitted_investment_above_the_declared_one_counts_as_declared():
    brought = effects.grant(facts(), granting(admitted_investment="999999.00"))

    assert brought.updates["admitted_investment"] == facts().application.investment


@pytest.mark.parametrize(
    ("investment", "lowered"),
    [("10000.00", REQUESTED - 3_850_000), ("999999.00", 0)],
)
def test_a_determination_lowers_the_grant_and_never_raises_it(investment, lowered):
    given = say(stated.DeterminationInputs, admitted_investment=investment)

    brought = effects.determine(facts(granted=REQUESTED), given)

    change = MoneyChange(MovementKind.REDETERMINE, granted=-lowered)
    assert brought.money == ((change,) if lowered else ())
    assert brought.findings["freed"] == lowered
    assert kinds(brought) == [(StepKind.DETERMINATION, StepStatus.OPEN, None)]


@pytest.mark.parametrize(("recognised", "lowered"), [("0.60", 40), ("1.00", 0)])
def test_a_settlement_frees_what_is_not_recognised(recognised, lowered):
    given = say(stated.SettlementInputs, recognised=recognised)

    brought = effects.settle(facts(granted=Cents(100)), given)

    change = MoneyChange(MovementKind.REDETERMINE, granted=-lowered)
    assert brought.money == ((change,) if lowered else ())
    assert kinds(brought) == [(StepKind.REPORT, StepStatus.CLOSED, "settled")]


@pytest.mark.parametrize(
    ("recover", "moved"),
    [
        ("0.00", [(MovementKind.RELEASE, -100)]),
        ("0.30", [(MovementKind.RELEASE, -70), (MovementKind.RECOVER, -30)]),
        ("1.00", [(MovementKind.RECOVER, -100)]),
    ],
)
def test_a_revocation_recovers_what_was_paid_and_frees_the_rest(recover, moved):
    given = say(stated.RevocationInputs, recover=recover)

    brought = effects.revoke(facts(granted=Cents(100)), given)

    assert [(change.kind, change.granted) for change in brought.money] == moved


# --- phase 2 ----------------------------------------------------------------------


def test_signed_minutes_close_the_negotiation_and_wait_for_the_plan():
    given = stated.MinutesInputs(minutes="V-1", signed_on=date(2026, 1, 28))

    brought = effects.sign_minutes(facts(steps=step(StepKind.NEGOTIATION)), given)

    assert kinds(brought) == [
        (StepKind.NEGOTIATION, StepStatus.CLOSED, "signed"),
        (StepKind.DEFINITIVE_PLAN, StepStatus.OPEN, None),
    ]
    assert brought.since == date(2026, 1, 28)


@pytest.mark.parametrize(
    ("matures_on", "matured"),
    [(StepKind.DEFINITIVE_PLAN, 3_000_000), (StepKind.REPORT, 0)],
)
def test_the_fixed_part_matures_with_the_step_that_the_call_names(matures_on, matured):
    rules = ctl().aid.model_copy(update={"fixed_matures_on": matures_on})
    call = ctl().model_copy(update={"aid": rules})
    given = say(stated.PlanInputs, document=PAPER, investment="100.00")

    brought = effects.file_plan(facts(call=call), given)

    assert brought.findings == {
        "plan_investment": 10_000,
        "fixed_part_matured": matured,
    }
    assert kinds(brought) == [(StepKind.DEFINITIVE_PLAN, StepStatus.ANSWERED, None)]


def test_a_plan_that_goes_back_is_awaited_again():
    assert kinds(effects.return_plan(facts(), NOTHING)) == [
        (StepKind.DEFINITIVE_PLAN, StepStatus.CLOSED, "returned"),
        (StepKind.DEFINITIVE_PLAN, StepStatus.OPEN, None),
    ]


def test_days_that_are_stated_are_kept():
    started = effects.start_plan(facts(), stated.StartInputs(started_on=TODAY))
    published = effects.publish(
        facts(), stated.PublicationInputs(published_on=TODAY, reference="BURL 12")
    )

    assert (started.updates, started.since) == ({"started_on": TODAY}, TODAY)
    assert published.updates == {"published_on": TODAY}


def test_a_report_is_answered_and_a_plan_gets_more_months():
    answered = effects.answering(StepKind.REPORT)(facts(), NOTHING)
    extended = effects.extend(facts(), stated.ExtensionInputs(months=3))

    assert kinds(answered) == [(StepKind.REPORT, StepStatus.ANSWERED, None)]
    assert extended.terms == (TermChange(TermKind.DURATION, extra_months=3),)
    assert extended.findings == {"months": 3}


# --- lapse ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "due"),
    [((), None), (term(TermKind.START, NOW), NOW.isoformat())],
)
def test_a_proposal_of_lapse_says_which_term_was_missed_and_when(terms, due):
    given = stated.LapseInputs(term=TermKind.START)

    brought = effects.propose_lapse(facts(terms=terms), given)

    assert kinds(brought) == [(StepKind.LAPSE_PROPOSAL, StepStatus.OPEN, None)]
    assert brought.terms == (TermChange(TermKind.START, expired=True),)
    assert brought.findings == {"term": "start", "due_at": due}


def test_a_lapse_closes_its_proposal_and_frees_the_grant():
    brought = effects.lapse(facts(reserved=Cents(0), granted=Cents(9)), NOTHING)

    assert kinds(brought) == [(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "adopted")]
    assert brought.money == (MoneyChange(MovementKind.RELEASE, granted=-9),)
