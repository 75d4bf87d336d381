"""Does each move bring about what its rule says, no more and no less?"""

from datetime import date, timedelta

import pytest

from models.vocabulary import (
    ApplicationState,
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
from workflow.facts import MoneyFacts, PriorAid
from workflow.machine import Consequences, Inputs, MoneyChange, StepChange, TermChange
from workflow.moves import effects
from workflow.moves import inputs as stated
from workflow.register import written
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
    assert brought.findings["requested"] == REQUESTED
    assert brought.findings["reserved"] is True


def test_what_comes_by_another_channel_reserves_nothing():
    brought = effects.submit(facts(channel=Channel.PEC), NOTHING)

    assert brought.money == ()
    assert brought.findings["reserved"] is False


def test_a_reservation_given_up_goes_back_whole():
    brought = effects.yield_reservation(facts(), NOTHING)

    assert brought == Consequences(
        money=(MoneyChange(MovementKind.RELEASE, reserved=-REQUESTED),),
        findings={"freed": REQUESTED},
    )


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
    assert brought.steps == ()


def test_a_second_score_closes_the_notice_that_was_upheld():
    sheet = say(stated.EvaluationInputs, minutes="2", score=scores(75))
    upheld = step(NOTICE, StepStatus.CLOSED, "upheld")

    brought = effects.evaluate(facts(score=40, steps=upheld), sheet)

    assert kinds(brought) == [(NOTICE, StepStatus.CLOSED, "scored_again")]
    assert brought.updates == {"score": 75}


# --- steps ------------------------------------------------------------------------


def test_a_step_is_opened_and_closed_only_if_it_is_open():
    opened = effects.opening(REQUEST, waits_for_applicant=True)(facts(), NOTHING)
    close = effects.closing(REQUEST, "done")

    assert kinds(opened) == [(REQUEST, StepStatus.OPEN, None)]
    assert opened.updates == {"waits_for_applicant": True}
    assert close(facts(), NOTHING).steps == ()
    assert kinds(close(facts(steps=step(REQUEST)), NOTHING)) == [
        (REQUEST, StepStatus.CLOSED, "done")
    ]


@pytest.mark.parametrize(
    "state", [ApplicationState.SUBMITTED, ApplicationState.EVALUATED]
)
def test_a_step_is_about_the_phase_in_which_it_was_opened(state):
    opened = effects.opening(NOTICE)(facts(state=state), NOTHING)

    assert opened.steps == (StepChange(NOTICE, StepStatus.OPEN, subject=state),)


@pytest.mark.parametrize(
    "notice",
    [step(NOTICE, StepStatus.ANSWERED), step(NOTICE, StepStatus.CLOSED, "unanswered")],
    ids=["answered", "unanswered"],
)
def test_the_office_gives_way_also_when_nobody_answered(notice):
    brought = effects.uphold(facts(steps=notice), NOTHING)

    assert kinds(brought) == [(NOTICE, StepStatus.CLOSED, "upheld")]


def test_two_effects_joined_bring_about_both():
    def both_dated(_facts, _given):
        return Consequences(
            since=TODAY,
            restarts=(TermKind.START,),
            delivered=(Letter.GRANT, "R"),
            updates={"b": 2},
        )

    joined = effects.both(effects.release, both_dated)(facts(), NOTHING)
    turned = effects.both(both_dated, effects.release)(facts(), NOTHING)

    assert joined == turned
    assert joined.money == effects.release(facts(), NOTHING).money
    assert (joined.since, joined.delivered) == (TODAY, (Letter.GRANT, "R"))
    assert joined.restarts == (TermKind.START,)
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


RECEIPTS = {
    Letter.COMPLETION_REQUEST: (REQUEST, TermStart.COMPLETION_DELIVERED),
    Letter.REFUSAL_NOTICE: (NOTICE, TermStart.REFUSAL_NOTICE_DELIVERED),
    Letter.GRANT: (StepKind.NEGOTIATION, TermStart.GRANT_DELIVERED),
    Letter.PLAN_RETURNED: (StepKind.DEFINITIVE_PLAN, TermStart.PLAN_RETURN_DELIVERED),
    Letter.AMOUNT_DETERMINED: (
        StepKind.DETERMINATION,
        TermStart.DETERMINATION_DELIVERED,
    ),
}
"""Which step each letter waits for, and the term that its receipt starts."""


def deliver(kind, **changes):
    given = stated.DeliveryInputs(letter=kind, receipt="R-1")
    return effects.record_delivery(facts(**changes), given)


def test_every_term_from_receipt_has_the_step_it_waits_for():
    assert {kind: start for kind, (_, start) in RECEIPTS.items()} == (
        effects.STARTED_BY_DELIVERY
    )


@pytest.mark.parametrize("kind", RECEIPTS)
def test_receipt_starts_its_term_while_its_step_is_open(kind):
    awaited, start = RECEIPTS[kind]

    brought = deliver(kind, steps=step(awaited))

    assert brought.starts == (start,)
    assert brought.since == TODAY
    assert brought.delivered == (kind, "R-1")


@pytest.mark.parametrize("status", [StepStatus.ANSWERED, StepStatus.CLOSED])
@pytest.mark.parametrize("kind", RECEIPTS)
def test_receipt_starts_nothing_once_its_step_is_no_longer_open(kind, status):
    awaited, _ = RECEIPTS[kind]

    brought = deliver(kind, steps=step(awaited, status, closed_on=TODAY))

    assert brought.starts == ()
    assert brought.delivered == (kind, "R-1")


@pytest.mark.parametrize("kind", [*sorted(RECEIPTS.keys() - {Letter.GRANT})])
def test_receipt_of_a_letter_without_its_step_starts_nothing(kind):
    assert deliver(kind).starts == ()


@pytest.mark.parametrize(
    ("state", "starts"),
    [
        # The meeting is not convened yet, and the term for it runs all the same.
        (ApplicationState.NEGOTIATING, (TermStart.GRANT_DELIVERED,)),
        (ApplicationState.WITHDRAWN, ()),
    ],
)
def test_receipt_of_the_grant_starts_the_negotiation_only_while_it_can_be_held(
    state, starts
):
    assert deliver(Letter.GRANT, state=state).starts == starts


def test_a_letter_that_starts_nothing_is_only_delivered():
    brought = deliver(Letter.REJECTED, terms=CLOCK)

    assert (brought.starts, brought.terms) == ((), ())
    assert brought.delivered == (Letter.REJECTED, "R-1")
    assert brought.findings == {
        "delivered_on": TODAY.isoformat(),
        "letter": "rejected",
    }


@pytest.mark.parametrize(
    ("kind", "steps", "terms", "stops"),
    [
        (Letter.COMPLETION_REQUEST, step(REQUEST), CLOCK, True),
        (Letter.REFUSAL_NOTICE, step(NOTICE), CLOCK, True),
        (Letter.GRANT, step(StepKind.NEGOTIATION), CLOCK, False),
        (Letter.COMPLETION_REQUEST, (), CLOCK, False),
        (Letter.COMPLETION_REQUEST, step(REQUEST), (), False),
        # Nobody knows when it was closed: there is no stretch to count.
        (Letter.COMPLETION_REQUEST, step(REQUEST, StepStatus.CLOSED), CLOCK, False),
    ],
)
def test_receipt_stops_the_clock_of_the_office_while_the_answer_is_awaited(
    kind, steps, terms, stops
):
    day = date(2026, 1, 28)
    given = stated.DeliveryInputs(letter=kind, receipt="R", delivered_on=day)

    brought = effects.record_delivery(facts(steps=steps, terms=terms), given)

    stopped = TermChange(TermKind.CONCLUSION, suspension=Suspension(day, None))
    assert brought.terms == ((stopped,) if stops else ())
    assert brought.since == day


@pytest.mark.parametrize(
    ("kind", "closed_on", "until"),
    [
        # The clock stood still until the answer, or ten days after observations.
        (Letter.COMPLETION_REQUEST, date(2026, 1, 29), date(2026, 1, 29)),
        (Letter.REFUSAL_NOTICE, date(2026, 1, 29), date(2026, 2, 8)),
        # An answer before the receipt: no day at all, and never one given back.
        (Letter.COMPLETION_REQUEST, date(2026, 1, 23), date(2026, 1, 26)),
    ],
)
def test_a_receipt_recorded_after_the_answer_still_counts_the_days_that_stood_still(
    kind, closed_on, until
):
    delivered = date(2026, 1, 26)
    given = stated.DeliveryInputs(letter=kind, receipt="R", delivered_on=delivered)
    answered = step(RECEIPTS[kind][0], StepStatus.ANSWERED, closed_on=closed_on)

    brought = effects.record_delivery(facts(steps=answered, terms=CLOCK), given)

    assert brought.terms == (
        TermChange(TermKind.CONCLUSION, suspension=Suspension(delivered, until)),
    )
    assert brought.starts == ()


def test_a_receipt_after_the_answer_stops_no_clock_that_the_call_does_not_set():
    answered = step(REQUEST, StepStatus.CLOSED, "answered", closed_on=TODAY)

    assert deliver(Letter.COMPLETION_REQUEST, steps=answered).terms == ()


# --- money ------------------------------------------------------------------------


def test_a_promotion_reserves_what_was_asked_for():
    brought = effects.promote(facts(reserved=Cents(0)), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=REQUESTED),)
    assert brought.findings == {"residual_before": 100_000_000 - REQUESTED}


def granting(**values):
    return say(stated.GrantInputs, cor=COR, cup=CUP, durc_until=TODAY, **values)


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
        "granted_on": TODAY,
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


def test_a_grant_admits_what_was_declared_if_nothing_else_is_said():
    brought = effects.grant(facts(), granting())

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
    assert brought.updates == {"admitted_investment": given.admitted_investment}


def test_a_determination_does_not_answer_for_the_ceiling_again():
    # The aid counts from the day of the grant; what came later is not before it.
    later = PriorAid(TODAY, ctl().aid.ceiling, "Comune")
    given = say(stated.DeterminationInputs, admitted_investment="95424.84")

    brought = effects.determine(facts(granted=REQUESTED, aids=(later,)), given)

    assert (brought.money, brought.findings["freed"]) == ((), 0)


@pytest.mark.parametrize(("recognised", "lowered"), [("0.60", 40), ("1.00", 0)])
def test_a_settlement_frees_what_is_not_recognised(recognised, lowered):
    given = say(stated.SettlementInputs, recognised=recognised)

    brought = effects.settle(facts(granted=Cents(100)), given)

    change = MoneyChange(MovementKind.REDETERMINE, granted=-lowered)
    assert brought.money == ((change,) if lowered else ())
    assert kinds(brought) == [(StepKind.REPORT, StepStatus.CLOSED, "settled")]


@pytest.mark.parametrize(
    ("held", "recover", "freed"),
    [
        # What was paid stays out of the residual until it comes back.
        ({"granted": Cents(100)}, "0.00", (0, 100)),
        ({"granted": Cents(100)}, "0.30", (0, 70)),
        ({"granted": Cents(100)}, "1.00", (0, 0)),
        ({"reserved": Cents(50)}, "0.00", (50, 0)),
    ],
)
def test_money_that_was_paid_is_not_set_free_with_the_rest(held, recover, freed):
    given = say(stated.RecoveryInputs, recover=recover)
    known = facts(state=ApplicationState.IN_PROGRESS, **{"reserved": Cents(0), **held})

    brought = effects.take_back(known, given)

    reserved, granted = freed
    released = MoneyChange(MovementKind.RELEASE, reserved=-reserved, granted=-granted)
    assert brought.money == ((released,) if any(freed) else ())
    assert brought.findings == {
        "to_recover": given.recover,
        "freed": reserved + granted,
    }


def test_after_the_settlement_nothing_is_set_free():
    known = facts(
        state=ApplicationState.COMPLETED, reserved=Cents(0), granted=Cents(100)
    )

    brought = effects.take_back(known, stated.RecoveryInputs())

    assert brought.money == ()
    assert brought.findings == {"to_recover": 100, "freed": 0}


@pytest.mark.parametrize(
    ("matured", "freed"), [(0, 100), (30, 70), (100, 0)], ids=["none", "part", "all"]
)
def test_a_withdrawal_leaves_what_has_matured(matured, freed):
    given = stated.DocumentInputs(document=PAPER)
    known = facts(reserved=Cents(0), granted=Cents(100), matured=Cents(matured))

    brought = effects.withdraw(known, given)

    released = MoneyChange(MovementKind.RELEASE, granted=-freed)
    assert brought.money == ((released,) if freed else ())
    assert brought.findings["freed"] == freed
    assert brought.findings.get("kept", 0) == matured


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
    ("steps", "closed"),
    [
        ((), []),
        (
            step(StepKind.NEGOTIATION),
            [(StepKind.NEGOTIATION, StepStatus.CLOSED, "convened_again")],
        ),
    ],
    ids=["first", "again"],
)
def test_a_meeting_takes_the_place_of_the_one_convened_before(steps, closed):
    brought = effects.convene(facts(steps=steps), NOTHING)

    assert kinds(brought) == [*closed, (StepKind.NEGOTIATION, StepStatus.OPEN, None)]


FIXED = ctl().aid.fixed


@pytest.mark.parametrize(
    ("matures_on", "held", "matured"),
    [
        (StepKind.DEFINITIVE_PLAN, {"granted": REQUESTED}, FIXED),
        (StepKind.DEFINITIVE_PLAN, {"granted": Cents(100)}, 100),
        # A plan that comes again after corrections matures nothing more.
        (
            StepKind.DEFINITIVE_PLAN,
            {"granted": REQUESTED, "matured": Cents(FIXED)},
            None,
        ),
        (StepKind.REPORT, {"granted": REQUESTED}, None),
    ],
)
def test_the_fixed_part_matures_once_with_the_step_that_the_call_names(
    matures_on, held, matured
):
    rules = ctl().aid.model_copy(update={"fixed_matures_on": matures_on})
    call = ctl().model_copy(update={"aid": rules})
    given = say(stated.PlanInputs, document=PAPER, investment="100.00")

    brought = effects.file_plan(facts(call=call, **held), given)

    assert brought.updates.get("matured") == matured
    assert brought.findings.get("fixed_part_matured") == matured
    assert brought.updates["plan_investment"] == 10_000
    assert brought.findings["plan_investment"] == 10_000
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


@pytest.mark.parametrize(
    ("terms", "ended"),
    [
        ((), TODAY),
        (term(TermKind.DURATION, NOW + timedelta(days=1)), TODAY),
        # It ran over: the report is counted from the end of the plan's time.
        (term(TermKind.DURATION, rome(2026, 1, 25, 23, 59, 59)), date(2026, 1, 25)),
    ],
)
def test_a_plan_ends_at_the_latest_when_its_time_is_up(terms, ended):
    brought = effects.declare_end(facts(terms=terms), NOTHING)

    assert kinds(brought) == [(StepKind.REPORT, StepStatus.OPEN, None)]
    assert brought.since == ended
    assert brought.findings == {"ended_on": ended.isoformat()}


# --- lapse ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "due"),
    [((), None), (term(TermKind.START, NOW), written(NOW))],
)
def test_a_proposal_of_lapse_says_which_term_was_missed_and_when(terms, due):
    given = stated.LapseInputs(term=TermKind.START)

    brought = effects.propose_lapse(facts(terms=terms), given)

    assert brought.steps == (
        StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.OPEN, subject="start"),
    )
    assert brought.terms == (TermChange(TermKind.START, expired=True),)
    assert brought.findings == {"term": "start", "due_at": due}


def test_a_lapse_closes_its_proposal_and_frees_the_grant():
    brought = effects.lapse(facts(reserved=Cents(0), granted=Cents(9)), NOTHING)

    assert kinds(brought) == [(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "adopted")]
    assert brought.money == (MoneyChange(MovementKind.RELEASE, granted=-9),)


@pytest.mark.parametrize(
    ("proposal", "restarts"),
    [
        (step(StepKind.LAPSE_PROPOSAL, subject="acceptance"), (TermKind.ACCEPTANCE,)),
        (step(StepKind.LAPSE_PROPOSAL), ()),
        ((), ()),
    ],
    ids=["on a term", "on none", "no proposal"],
)
def test_a_dismissed_lapse_restarts_only_the_missed_term(proposal, restarts):
    brought = effects.dismiss_lapse(facts(steps=proposal), NOTHING)

    assert brought.restarts == restarts
    assert brought.starts == ()
    assert kinds(brought) == [(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "dismissed")]
