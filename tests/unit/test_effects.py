"""Does each move bring about what its rule says, no more and no less?"""

from datetime import date, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from models.vocabulary import (
    ApplicationState,
    CallState,
    Cents,
    Channel,
    Letter,
    MovementKind,
    ShortMoneyPolicy,
    StepKind,
    StepStatus,
    TermKind,
    TermStart,
    TermStatus,
)
from tests.builders import CLOSING, COR, CUP, OPENING, PAPER, ctl, rome, scores
from tests.builders_facts import (
    CEILING,
    NOW,
    REQUESTED,
    facts,
    letter,
    place,
    step,
    term,
)
from workflow.facts import (
    CounterFacts,
    FilingFacts,
    MoneyFacts,
    NoticeRecord,
    Opening,
    PriorAid,
)
from workflow.machine import (
    Consequences,
    Delivery,
    Inputs,
    MoneyChange,
    StepChange,
    TermChange,
)
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
    brought = effects.filing.submit(facts(earlier=(place(1),)), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=REQUESTED),)
    assert brought.findings["earlier_waiting"] == 1
    assert brought.findings["requested"] == REQUESTED
    assert brought.findings["reserved"] is True


def test_what_comes_by_another_channel_reserves_nothing():
    brought = effects.filing.submit(facts(channel=Channel.PEC), NOTHING)

    assert brought.money == ()
    assert brought.findings["reserved"] is False


def lowering(requested=REQUESTED, **changes):
    """Return facts of a request of which a part is free, and is agreed to."""
    money = ctl().allocation.model_copy(
        update={"short_money": ShortMoneyPolicy.PARTIAL}
    )
    return facts(
        call=ctl().model_copy(update={"allocation": money}),
        requested=requested,
        money=MoneyFacts(Cents(100), Cents(60), Cents(0)),
        accepts_less=True,
        **changes,
    )


def test_filing_tells_how_the_counter_received_it():
    filed = effects.filing.submit(facts(filing=FilingFacts(7, None)), NOTHING)
    waiting = effects.filing.submit(facts(filing=FilingFacts(7, place(1))), NOTHING)
    by_pec = effects.filing.submit(facts(channel=Channel.PEC), NOTHING)

    assert filed.findings["earlier_waiting"] == 7
    assert filed.findings["placement"] == "reserved"
    assert (waiting.findings["placement"], waiting.money) == ("waiting", ())
    assert "placement" not in by_pec.findings


def test_who_takes_a_part_asks_for_that_part_from_then_on():
    brought = effects.filing.submit(lowering(), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=40),)
    assert brought.updates == {"requested": 40, "asked": REQUESTED}
    assert brought.findings["placement"] == "partly_reserved"
    assert brought.findings["requested"] == 40
    assert brought.findings["requested_before"] == REQUESTED


def test_a_request_that_is_not_lowered_is_not_told_to_be():
    brought = effects.filing.submit(facts(), NOTHING)

    assert brought.updates == {}
    assert "requested_before" not in brought.findings


@pytest.mark.parametrize(("ties", "told"), [(0, None), (1, True), (2, True)])
def test_a_tie_that_the_protocol_number_breaks_is_told(ties, told):
    filing = FilingFacts(0, None, ties=ties)

    brought = effects.filing.submit(facts(filing=filing), NOTHING)

    assert brought.findings.get("tie_broken") is told


def test_who_goes_back_to_wait_has_no_clock_any_more():
    brought = effects.filing.yield_and_wait(facts(), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RELEASE, reserved=-REQUESTED),)
    assert brought.terms == (TermChange(TermKind.CONCLUSION, cancelled=True),)
    assert brought.findings == {"freed": REQUESTED}


def test_a_reservation_given_up_goes_back_whole():
    brought = effects.filing.yield_reservation(facts(), NOTHING)

    assert brought == Consequences(
        money=(MoneyChange(MovementKind.RELEASE, reserved=-REQUESTED),),
        findings={"freed": REQUESTED},
    )


@pytest.mark.parametrize(
    "yields", [effects.filing.yield_reservation, effects.filing.yield_and_wait]
)
def test_who_gives_a_part_back_asks_for_all_again(yields):
    brought = yields(
        facts(requested=Cents(40), reserved=Cents(40), asked=Cents(100)), NOTHING
    )

    assert brought.updates == {"requested": 100, "asked": None}
    assert brought.findings == {"freed": 40, "requested": 100, "requested_before": 40}


def test_filing_reserves_nothing_while_an_earlier_one_is_without_money():
    brought = effects.filing.submit(
        facts(earlier=(place(1, reserved=Cents(0)),)), NOTHING
    )

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

    brought = effects.money.release(known, NOTHING)

    assert brought.money == money
    assert brought.findings.get("freed", 0) == reserved + granted


@pytest.mark.parametrize(
    ("received", "late"),
    [(None, 0), (CLOSING, 0), (CLOSING + timedelta(seconds=33), 33_000_000)],
)
def test_what_is_not_receivable_says_how_late_it_was(received, late):
    shut = CounterFacts(CallState.CLOSED, (Opening(OPENING, CLOSING),))
    known = facts(received_at=received, channel=Channel.PEC, counter=shut)

    brought = effects.filing.not_receivable(known, NOTHING)

    assert brought.findings["late_microseconds"] == late
    assert brought.findings["channel"] == "pec"
    assert brought.findings["freed"] == REQUESTED


# --- turn -------------------------------------------------------------------------


def test_a_review_out_of_turn_names_whoever_is_overtaken():
    ahead = facts(earlier=(place(2), place(1), place(3, review_started=True)))

    brought = effects.review.start_review(ahead, stated.ReviewInputs(overtake=True))

    assert brought.findings["overtaken"] == ["2026/0000001", "2026/0000002"]
    assert brought.updates == {"review_started": True}


def test_a_review_in_turn_names_nobody():
    waiting = facts(earlier=(place(1, waits_for_applicant=True),))

    brought = effects.review.start_review(waiting, stated.ReviewInputs())

    assert "overtaken" not in brought.findings
    assert brought.findings["earlier_waiting"] == 1


def test_a_score_is_told_with_its_criteria_and_its_threshold():
    sheet = say(stated.EvaluationInputs, minutes="1", score=scores(75), overtake=True)

    brought = effects.review.evaluate(facts(earlier=(place(1),)), sheet)

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

    brought = effects.review.evaluate(facts(score=40, steps=upheld), sheet)

    assert kinds(brought) == [(NOTICE, StepStatus.CLOSED, "scored_again")]
    assert brought.updates == {"score": 75}


# --- steps ------------------------------------------------------------------------


def test_a_step_is_opened_and_closed_only_if_it_is_open():
    opened = effects.steps.opening(REQUEST, waits_for_applicant=True)(facts(), NOTHING)
    close = effects.steps.closing(REQUEST, "done")

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
    opened = effects.steps.opening(NOTICE)(facts(state=state), NOTHING)

    assert opened.steps == (StepChange(NOTICE, StepStatus.OPEN, subject=state),)


@pytest.mark.parametrize(
    "notice",
    [step(NOTICE, StepStatus.ANSWERED), step(NOTICE, StepStatus.CLOSED, "unanswered")],
    ids=["answered", "unanswered"],
)
def test_the_office_gives_way_also_when_nobody_answered(notice):
    brought = effects.clocks.uphold(facts(steps=notice), NOTHING)

    assert kinds(brought) == [(NOTICE, StepStatus.CLOSED, "upheld")]


def test_two_effects_joined_bring_about_both():
    def both_dated(_facts, _given):
        return Consequences(
            since=TODAY,
            restarts=(TermKind.START,),
            delivered=Delivery(Letter.GRANT, "R"),
            updates={"b": 2},
        )

    joined = effects.steps.both(effects.money.release, both_dated)(facts(), NOTHING)
    turned = effects.steps.both(both_dated, effects.money.release)(facts(), NOTHING)

    assert joined == turned
    assert joined.money == effects.money.release(facts(), NOTHING).money
    assert (joined.since, joined.delivered) == (
        TODAY,
        Delivery(Letter.GRANT, "R"),
    )
    assert joined.restarts == (TermKind.START,)
    assert (joined.updates, joined.findings) == ({"b": 2}, {"freed": REQUESTED})


# --- the clock of the office ------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "kind", "until"),
    [
        # The clock goes on with the answer, ten days after the observations, or
        # when nobody answers at the end of the thirty and of the ten days.
        (effects.clocks.answer_completion, Letter.COMPLETION_REQUEST, TODAY),
        (
            effects.clocks.expire_completion,
            Letter.COMPLETION_REQUEST,
            date(2026, 2, 25),
        ),
        (effects.clocks.file_observations, Letter.REFUSAL_NOTICE, date(2026, 2, 9)),
        (effects.clocks.expire_observations, Letter.REFUSAL_NOTICE, date(2026, 2, 5)),
    ],
)
def test_the_clock_goes_on_from_the_day_that_the_law_says(effect, kind, until):
    known = facts(
        terms=CLOCK,
        notices=letter(kind, DELIVERED, DELIVERED),
        steps=step(RECEIPTS[kind][0]),
    )

    brought = effect(known, NOTHING)

    (resumed,) = [change for change in brought.terms if change.suspension]
    assert resumed == TermChange(
        TermKind.CONCLUSION,
        suspension=Suspension(date(2026, 1, 26), until),
        letter=kind,
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
    brought = effects.clocks.answer_completion(
        facts(steps=step(REQUEST), **changes), NOTHING
    )

    assert brought.terms == ()
    assert kinds(brought) == [(REQUEST, StepStatus.CLOSED, "answered")]


@pytest.mark.parametrize(
    ("effect", "kind", "filed"),
    [
        (
            effects.clocks.answer_completion,
            Letter.COMPLETION_REQUEST,
            (REQUEST, StepStatus.CLOSED, "answered_late"),
        ),
        (
            effects.clocks.file_observations,
            Letter.REFUSAL_NOTICE,
            (NOTICE, StepStatus.ANSWERED, None),
        ),
    ],
)
def test_what_comes_late_is_filed_as_late_and_touches_no_clock(effect, kind, filed):
    known = facts(
        terms=CLOCK,
        notices=letter(kind, DELIVERED, DELIVERED),
        steps=step(RECEIPTS[kind][0], StepStatus.CLOSED, "unanswered"),
    )

    brought = effect(known, NOTHING)

    assert kinds(brought) == [filed]
    assert brought.findings == {"late": True}
    assert (brought.terms, brought.updates) == ((), {})


@pytest.mark.parametrize(
    ("effect", "awaited", "missed"),
    [
        (effects.clocks.expire_completion, REQUEST, TermKind.COMPLETION),
        (effects.clocks.expire_observations, NOTICE, TermKind.OBSERVATIONS),
    ],
)
def test_who_stops_waiting_closes_the_step_and_ends_its_term(effect, awaited, missed):
    brought = effect(facts(steps=step(awaited)), NOTHING)

    assert kinds(brought) == [(awaited, StepStatus.CLOSED, "unanswered")]
    assert brought.terms == (TermChange(missed, expired=True),)
    assert brought.updates == {"waits_for_applicant": False}


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
    return effects.deliveries.record_delivery(facts(**changes), given)


def test_every_term_from_receipt_has_the_step_it_waits_for():
    assert {kind: start for kind, (_, start) in RECEIPTS.items()} == (
        effects.deliveries.STARTED_BY_DELIVERY
    )


@pytest.mark.parametrize("kind", RECEIPTS)
def test_receipt_starts_its_term_while_its_step_is_open(kind):
    awaited, start = RECEIPTS[kind]

    brought = deliver(kind, steps=step(awaited))

    assert brought.starts == (start,)
    assert brought.since == TODAY
    assert brought.delivered == Delivery(kind, "R-1")


@pytest.mark.parametrize("kind", RECEIPTS)
def test_a_letter_in_whose_place_another_was_written_starts_nothing(kind):
    older, newer = (
        NoticeRecord(kind, OPENING + timedelta(days=number), None, UUID(int=number))
        for number in (1, 2)
    )
    at = facts().now
    known = facts(steps=step(RECEIPTS[kind][0]), notices=(older, newer))

    brought = [
        effects.deliveries.record_delivery(
            known,
            stated.DeliveryInputs(
                letter=kind, receipt="R-1", notice=one.id, delivered_at=at
            ),
        )
        for one in (older, newer)
    ]

    assert [one.starts for one in brought] == [(), (RECEIPTS[kind][1],)]
    assert brought[0].terms == ()
    assert brought[0].delivered == Delivery(kind, "R-1", older.id, at)
    assert brought[0].findings == {
        "delivered_on": TODAY.isoformat(),
        "delivered_at": written(at),
        "letter": kind.value,
        "notice": str(older.id),
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"delivered_at": "2026-03-10T10:00:00"}, "timezone"),
        ({"delivered_at": "2026"}, "write an instant as"),
        (
            {"delivered_at": "2026-03-10T10:00:00Z", "delivered_on": "2026-03-10"},
            "not both",
        ),
        ({"notice": "1"}, "UUID"),
    ],
)
def test_a_delivery_is_told_by_its_day_or_by_its_instant(said, words):
    with pytest.raises(ValidationError, match=words):
        stated.DeliveryInputs.model_validate(
            {"letter": "grant", "receipt": "R", **said}
        )


@pytest.mark.parametrize("status", [StepStatus.ANSWERED, StepStatus.CLOSED])
@pytest.mark.parametrize("kind", RECEIPTS)
def test_receipt_starts_nothing_once_its_step_is_no_longer_open(kind, status):
    awaited, _ = RECEIPTS[kind]

    brought = deliver(kind, steps=step(awaited, status, closed_on=TODAY))

    assert brought.starts == ()
    assert brought.delivered == Delivery(kind, "R-1")


@pytest.mark.parametrize("kind", [*sorted(RECEIPTS.keys() - {Letter.GRANT})])
def test_receipt_of_a_letter_without_its_step_starts_nothing(kind):
    assert deliver(kind).starts == ()


@pytest.mark.parametrize(
    ("state", "starts"),
    [
        # The meeting is not convened yet, and the term for it runs all the same.
        (ApplicationState.NEGOTIATING, (TermStart.GRANT_DELIVERED,)),
        (ApplicationState.GRANTED, (TermStart.GRANT_DELIVERED,)),
        (ApplicationState.ACCEPTED, ()),
        (ApplicationState.WITHDRAWN, ()),
    ],
)
def test_receipt_of_the_grant_starts_the_negotiation_only_while_it_can_be_held(
    state, starts
):
    assert deliver(Letter.GRANT, state=state).starts == starts


def starting_from_the_grant():
    """Return a call in which the plan has to start within days of the grant."""
    rule = (
        ctl()
        .terms[TermKind.START]
        .model_copy(update={"starts_on": TermStart.GRANT_DELIVERED})
    )
    return ctl().model_copy(update={"terms": {**ctl().terms, TermKind.START: rule}})


@pytest.mark.parametrize(
    ("kind", "changes", "restarts"),
    [
        (Letter.GRANT, {}, (TermKind.START,)),
        # The letter reached the applicant before, and the term has run since.
        (Letter.GRANT, {"terms": term(TermKind.START, NOW)}, ()),
        (Letter.GRANT, {"call": ctl()}, ()),
        (Letter.GRANT, {"state": ApplicationState.IN_PROGRESS}, ()),
        (Letter.ACCEPTANCE_RECEIVED, {}, ()),
    ],
)
def test_a_grant_received_after_it_was_accepted_starts_what_is_still_to_come(
    kind, changes, restarts
):
    usual = {"state": ApplicationState.ACCEPTED, "call": starting_from_the_grant()}

    brought = deliver(kind, **{**usual, **changes})

    assert brought.restarts == restarts
    assert brought.starts == ()


def test_a_letter_that_starts_nothing_is_only_delivered():
    brought = deliver(Letter.REJECTED, terms=CLOCK)

    assert (brought.starts, brought.terms) == ((), ())
    assert brought.delivered == Delivery(Letter.REJECTED, "R-1")
    assert brought.findings == {
        "delivered_on": TODAY.isoformat(),
        "letter": "rejected",
    }


@pytest.mark.parametrize(
    ("kind", "steps", "terms", "at_most"),
    [
        # Thirty days for papers; for observations ten, which end on a Saturday.
        (Letter.COMPLETION_REQUEST, step(REQUEST), CLOCK, date(2026, 2, 27)),
        (Letter.REFUSAL_NOTICE, step(NOTICE), CLOCK, date(2026, 2, 7)),
        (Letter.GRANT, step(StepKind.NEGOTIATION), CLOCK, None),
        (Letter.COMPLETION_REQUEST, (), CLOCK, None),
        (Letter.COMPLETION_REQUEST, step(REQUEST), (), None),
        # Nobody knows when it was closed: there is no stretch to count.
        (Letter.COMPLETION_REQUEST, step(REQUEST, StepStatus.CLOSED), CLOCK, None),
    ],
)
def test_receipt_stops_the_clock_of_the_office_for_as_long_as_it_may_stand_still(
    kind, steps, terms, at_most
):
    day = date(2026, 1, 28)
    given = stated.DeliveryInputs(letter=kind, receipt="R", delivered_on=day)

    brought = effects.deliveries.record_delivery(facts(steps=steps, terms=terms), given)

    stop = Suspension(day, None, at_most)
    stopped = TermChange(TermKind.CONCLUSION, suspension=stop, letter=kind)
    assert brought.terms == ((stopped,) if at_most else ())
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

    brought = effects.deliveries.record_delivery(
        facts(steps=answered, terms=CLOCK), given
    )

    stop = Suspension(delivered, until)
    assert brought.terms == (
        TermChange(TermKind.CONCLUSION, suspension=stop, letter=kind),
    )
    assert brought.starts == ()


def test_a_receipt_after_the_answer_stops_no_clock_that_the_call_does_not_set():
    answered = step(REQUEST, StepStatus.CLOSED, "answered", closed_on=TODAY)

    assert deliver(Letter.COMPLETION_REQUEST, steps=answered).terms == ()


# --- money ------------------------------------------------------------------------


def test_a_promotion_reserves_what_was_asked_for():
    brought = effects.money.promote(facts(reserved=Cents(0)), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=REQUESTED),)
    assert brought.findings == {"residual_before": 100_000_000 - REQUESTED}


def test_a_promotion_in_part_lowers_the_request_for_good():
    brought = effects.money.promote(lowering(reserved=Cents(0)), NOTHING)

    assert brought.money == (MoneyChange(MovementKind.RESERVE, reserved=40),)
    assert brought.updates == {"requested": 40, "asked": REQUESTED}
    assert brought.findings == {
        "residual_before": 40,
        "requested": 40,
        "requested_before": REQUESTED,
    }


@pytest.mark.parametrize(
    ("status", "starts"),
    [
        (None, (TermStart.PROTOCOL,)),
        (TermStatus.CANCELLED, (TermStart.PROTOCOL,)),
        (TermStatus.RUNNING, ()),
        (TermStatus.SUSPENDED, ()),
    ],
)
def test_a_promotion_to_the_review_starts_the_clock_unless_it_is_going(status, starts):
    going = term(TermKind.CONCLUSION, NOW, status) if status else ()

    brought = effects.clocks.start_conclusion(facts(terms=going), NOTHING)

    assert brought.starts == starts


COR_DAY = date(2026, 1, 12)


def granting(**values):
    usual = {"cor": COR, "cor_on": COR_DAY, "cup": CUP, "cup_on": TODAY}
    return say(stated.GrantInputs, **usual, durc_until=TODAY, **values)


def test_the_aid_registry_is_told_within_the_term_from_the_day_of_its_code():
    brought = effects.grants.grant(facts(), granting())

    assert brought.since == COR_DAY
    # The twentieth day is the first of February, a Sunday.
    assert brought.findings["send_act_by"] == "2026-02-02"


def test_a_call_without_the_term_of_the_aid_registry_names_no_last_day():
    terms = {
        kind: rule
        for kind, rule in ctl().terms.items()
        if kind != TermKind.AID_REGISTRY
    }
    call = ctl().model_copy(update={"terms": terms})

    brought = effects.grants.grant(facts(call=call), granting())

    assert "send_act_by" not in brought.findings


def test_a_grant_frees_what_it_does_not_give():
    brought = effects.grants.grant(facts(), granting(admitted_investment="10000.00"))

    given = 3_000_000 + 850_000
    assert brought.money == (
        MoneyChange(MovementKind.GRANT, reserved=-REQUESTED, granted=given),
    )
    assert brought.updates == {
        "cor": COR,
        "cor_on": COR_DAY,
        "cup": CUP,
        "cup_on": TODAY,
        "admitted_investment": 1_000_000,
        "granted_on": TODAY,
    }


def test_a_grant_says_what_was_free_and_what_was_set_aside():
    known = facts(
        money=MoneyFacts(Cents(100_000_000), Cents(50_000_000), Cents(20_000_000)),
        earlier=(place(1, requested=Cents(30_000_000)),),
    )

    brought = effects.grants.grant(known, granting())

    assert brought.findings["available_before"] == 50_000_000
    assert brought.findings["set_aside_for_earlier"] == 30_000_000
    assert "111111.11" in str(brought.findings["aid"])


def test_a_grant_admits_what_was_declared_if_nothing_else_is_said():
    brought = effects.grants.grant(facts(), granting())

    assert brought.updates["admitted_investment"] == facts().application.investment


@pytest.mark.parametrize(
    ("investment", "lowered"),
    [("10000.00", REQUESTED - 3_850_000), ("999999.00", 0)],
)
def test_a_determination_lowers_the_grant_and_never_raises_it(investment, lowered):
    given = say(stated.DeterminationInputs, admitted_investment=investment)

    brought = effects.grants.determine(facts(granted=REQUESTED), given)

    change = MoneyChange(MovementKind.REDETERMINE, granted=-lowered)
    assert brought.money == ((change,) if lowered else ())
    assert brought.findings["freed"] == lowered
    assert kinds(brought) == [(StepKind.DETERMINATION, StepStatus.OPEN, None)]
    assert brought.updates == {"admitted_investment": given.admitted_investment}


def test_a_determination_does_not_answer_for_the_ceiling_again():
    # The aid counts from the day of the grant; what came later is not before it.
    later = PriorAid(TODAY, CEILING, "Comune")
    given = say(stated.DeterminationInputs, admitted_investment="95424.84")

    brought = effects.grants.determine(facts(granted=REQUESTED, aids=(later,)), given)

    assert (brought.money, brought.findings["freed"]) == ((), 0)


@pytest.mark.parametrize(("recognised", "lowered"), [("0.60", 40), ("1.00", 0)])
def test_a_settlement_frees_what_is_not_recognised(recognised, lowered):
    given = say(stated.SettlementInputs, recognised=recognised)

    held = {"granted": Cents(100), "reserved": Cents(0)}
    brought = effects.grants.settle(facts(**held), given)
    added = effects.grants.settle(facts(**{**held, "reserved": Cents(7)}), given)

    change = MoneyChange(MovementKind.REDETERMINE, granted=-lowered)
    assert brought.money == ((change,) if lowered else ())
    # What a ranking has added, and nobody has granted, goes back.
    freed = MoneyChange(MovementKind.RELEASE, reserved=-7)
    assert added.money == (freed, *brought.money)
    assert added.findings["freed"] == lowered + 7
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

    brought = effects.money.take_back(known, given)

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

    brought = effects.money.take_back(known, stated.RecoveryInputs())

    assert brought.money == ()
    assert brought.findings == {"to_recover": 100, "freed": 0}


@pytest.mark.parametrize(
    ("matured", "freed"), [(0, 100), (30, 70), (100, 0)], ids=["none", "part", "all"]
)
def test_a_withdrawal_leaves_what_has_matured(matured, freed):
    given = stated.DocumentInputs(document=PAPER)
    known = facts(reserved=Cents(0), granted=Cents(100), matured=Cents(matured))

    brought = effects.money.withdraw(known, given)

    released = MoneyChange(MovementKind.RELEASE, granted=-freed)
    assert brought.money == ((released,) if freed else ())
    assert brought.findings["freed"] == freed
    assert brought.findings.get("kept", 0) == matured


# --- phase 2 ----------------------------------------------------------------------


def test_signed_minutes_close_the_negotiation_and_wait_for_the_plan():
    given = stated.MinutesInputs(minutes="V-1", signed_on=date(2026, 1, 28))

    brought = effects.phase_2.sign_minutes(
        facts(steps=step(StepKind.NEGOTIATION)), given
    )

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
    brought = effects.phase_2.convene(facts(steps=steps), NOTHING)

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
        (None, {"granted": REQUESTED}, None),
    ],
)
def test_the_fixed_part_matures_once_with_the_step_that_the_call_names(
    matures_on, held, matured
):
    rules = ctl().aid.model_copy(update={"fixed_matures_on": matures_on})
    call = ctl().model_copy(update={"aid": rules})
    given = say(stated.PlanInputs, document=PAPER, investment="100.00")

    brought = effects.phase_2.file_plan(facts(call=call, **held), given)

    assert brought.updates.get("matured") == matured
    assert brought.findings.get("fixed_part_matured") == matured
    assert brought.updates["plan_investment"] == 10_000
    assert brought.findings["plan_investment"] == 10_000
    assert kinds(brought) == [(StepKind.DEFINITIVE_PLAN, StepStatus.ANSWERED, None)]


def test_the_fixed_part_may_mature_with_the_report():
    rules = ctl().aid.model_copy(update={"fixed_matures_on": StepKind.REPORT})
    known = facts(call=ctl().model_copy(update={"aid": rules}), granted=REQUESTED)

    brought = effects.phase_2.maturing(StepKind.REPORT)(known, NOTHING)

    assert brought.updates == {"matured": FIXED}
    assert brought.findings == {"fixed_part_matured": FIXED}


def test_a_plan_that_goes_back_is_awaited_again():
    assert kinds(effects.phase_2.return_plan(facts(), NOTHING)) == [
        (StepKind.DEFINITIVE_PLAN, StepStatus.CLOSED, "returned"),
        (StepKind.DEFINITIVE_PLAN, StepStatus.OPEN, None),
    ]


def test_days_that_are_stated_are_kept():
    started = effects.phase_2.start_plan(facts(), stated.StartInputs(started_on=TODAY))
    published = effects.grants.publish(
        facts(), stated.PublicationInputs(published_on=TODAY, reference="BURL 12")
    )

    assert (started.updates, started.since) == ({"started_on": TODAY}, TODAY)
    assert published.updates == {"published_on": TODAY}


def test_a_report_is_answered_and_a_plan_gets_more_months():
    answered = effects.steps.answering(StepKind.REPORT)(facts(), NOTHING)
    extended = effects.phase_2.extend(facts(), stated.ExtensionInputs(months=3))

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
    brought = effects.phase_2.declare_end(facts(terms=terms), NOTHING)

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

    brought = effects.lapses.propose_lapse(facts(terms=terms), given)

    assert brought.steps == (
        StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.OPEN, subject="start"),
    )
    assert brought.terms == (TermChange(TermKind.START, expired=True),)
    assert brought.findings == {"term": "start", "due_at": due}


def test_a_lapse_closes_its_proposal_and_frees_the_grant():
    brought = effects.lapses.lapse(facts(reserved=Cents(0), granted=Cents(9)), NOTHING)

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
    brought = effects.lapses.dismiss_lapse(facts(steps=proposal), NOTHING)

    assert brought.restarts == restarts
    assert brought.starts == ()
    assert kinds(brought) == [(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "dismissed")]


# --- what time brings -------------------------------------------------------------


ABOUT = stated.TermInputs(term=TermKind.CONCLUSION)


def test_a_term_that_has_ended_is_noted_and_nothing_else_follows():
    assert effects.expiries.expire_term(facts(), ABOUT) == Consequences(
        terms=(TermChange(TermKind.CONCLUSION, expired=True),),
        findings={"term": "conclusion"},
    )


def test_a_term_that_was_missed_is_told_to_the_manager_and_stays_missed():
    assert effects.expiries.escalate_term(facts(), ABOUT) == Consequences(
        terms=(TermChange(TermKind.CONCLUSION, escalated=True),),
        findings={"term": "conclusion"},
    )


def test_a_clock_goes_on_by_itself_after_the_last_day_on_which_it_may_stand_still():
    first, last = date(2026, 1, 26), date(2026, 2, 25)
    still = term(
        TermKind.CONCLUSION,
        NOW,
        TermStatus.SUSPENDED,
        stopped_on=first,
        resumes_after=last,
    )

    # Whenever it is noticed, the days that stood still are the same.
    for now in (rome(2026, 2, 26), rome(2026, 6, 1)):
        brought = effects.expiries.resume_term(facts(terms=still, now=now), ABOUT)

        assert brought == Consequences(
            terms=(
                TermChange(
                    TermKind.CONCLUSION, suspension=Suspension(first, last, last)
                ),
            ),
            findings={"term": "conclusion", "suspended_until": "2026-02-25"},
        )


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"stopped_on": TODAY},
        {"resumes_after": TODAY},
    ],
    ids=["no term", "not stopped", "without a limit", "since nobody knows when"],
)
def test_a_clock_that_nothing_limits_does_not_go_on_by_itself(said):
    still = term(TermKind.CONCLUSION, NOW, **said) if said is not None else ()

    brought = effects.expiries.resume_term(facts(terms=still), ABOUT)

    assert brought == Consequences()


def test_more_time_is_given_to_one_term_in_days():
    given = stated.TermExtensionInputs(term=TermKind.REPORT, days=15)

    assert effects.expiries.extend_term(facts(), given) == Consequences(
        terms=(TermChange(TermKind.REPORT, extra_days=15),),
        findings={"term": "report", "days": 15},
    )


@pytest.mark.parametrize(
    ("proposal", "subject"),
    [
        (step(StepKind.LAPSE_PROPOSAL, subject="acceptance"), "acceptance"),
        ((), None),
    ],
    ids=["on a term", "no proposal"],
)
def test_a_proposal_that_falls_takes_nothing_from_the_applicant(proposal, subject):
    brought = effects.expiries.expire_proposal(facts(steps=proposal), NOTHING)

    assert brought == Consequences(
        steps=(StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "expired"),),
        terms=(TermChange(TermKind.LAPSE_DECISION, expired=True),),
        findings={"subject": subject},
    )


def test_a_code_that_lapsed_stays_on_record_and_the_grant_stands():
    held = facts(cor=COR, cup=CUP, granted=REQUESTED, reserved=Cents(0))

    assert effects.expiries.release_cor(held, NOTHING) == Consequences(
        terms=(TermChange(TermKind.AID_REGISTRY, expired=True),),
        findings={"cor": COR},
    )


def test_a_new_code_starts_the_term_of_the_registry_from_its_own_day():
    given = stated.RenewalInputs(cor="7654321", cor_on=COR_DAY)

    assert effects.expiries.renew_cor(facts(), given) == Consequences(
        updates={"cor": "7654321", "cor_on": COR_DAY},
        restarts=(TermKind.AID_REGISTRY,),
        since=COR_DAY,
    )
