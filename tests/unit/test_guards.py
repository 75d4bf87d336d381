"""Does each guard let through what it must, and nothing else?

Every guard has its row here, on both sides of its edge.
"""

import inspect
from datetime import timedelta

import pytest

from models.vocabulary import (
    ApplicationState,
    Cents,
    Channel,
    Letter,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from tests.builders import CLOSING, COR, CUP, OPENING, ctl, rome, scores
from tests.builders_facts import (
    NOW,
    REQUESTED,
    act,
    facts,
    letter,
    place,
    step,
    term,
)
from workflow.facts import ApplicantFacts, MoneyFacts, PriorAid
from workflow.moves import guards
from workflow.moves import inputs as stated
from workflow.register import written

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
TODAY = facts().today

OPEN, ANSWERED, CLOSED = StepStatus.OPEN, StepStatus.ANSWERED, StepStatus.CLOSED
REQUEST, NOTICE = StepKind.COMPLETION_REQUEST, StepKind.REFUSAL_NOTICE
PLAN, LAPSE = StepKind.DEFINITIVE_PLAN, StepKind.LAPSE_PROPOSAL
DETERMINATION, NEGOTIATION = StepKind.DETERMINATION, StepKind.NEGOTIATION
SUBMITTED, EVALUATED = ApplicationState.SUBMITTED, ApplicationState.EVALUATED


def call(section, **changes):
    """Return the shipped call with some values of a section changed."""
    part = getattr(ctl(), section)
    return ctl().model_copy(update={section: part.model_copy(update=changes)})


NO_NOTICE = call("procedure", refusal_notice=False)
ABROAD = ApplicantFacts(recognised=False, other_active=None)
TWICE = ApplicantFacts(recognised=True, other_active="2026/0000003")
USED_UP = {"aids": (PriorAid(TODAY, ctl().aid.ceiling, "Comune"),)}
"""Nothing is left under the de minimis ceiling."""
NOT_COVERED = {"earlier": (place(1, requested=Cents(99_000_000)),)}
LACKING = {"earlier": (place(1, reserved=Cents(0)),)}
TWO_FIT = MoneyFacts(Cents(2 * REQUESTED), Cents(0), Cents(0))
ONE_FITS = MoneyFacts(Cents(2 * REQUESTED - 1), Cents(0), Cents(0))


def proposed(*delivered):
    """Return one proposal of lapse for each day of delivery; None is not yet."""
    return {
        "notices": tuple(
            one
            for number, day in enumerate(delivered)
            for one in letter(Letter.LAPSE_PROPOSED, OPENING + number * SECOND, day)
        )
    }


NEEDS = [
    # what, facts, the code that stands in the way or nothing
    (guards.window_has_begun, {"now": ctl().window.published_at}, ""),
    (guards.plan_is_running, {}, ""),
    (guards.plan_is_running, {"terms": term(TermKind.DURATION, NOW)}, ""),
    (
        guards.plan_is_running,
        {"terms": term(TermKind.DURATION, NOW - SECOND)},
        "term.expired",
    ),
    (
        guards.window_has_begun,
        {"now": ctl().window.published_at - MICROSECOND},
        "window.not_published",
    ),
    (guards.within_window, {"received_at": OPENING}, ""),
    (guards.within_window, {"received_at": OPENING - MICROSECOND}, "window.too_early"),
    (guards.within_window, {"received_at": CLOSING}, ""),
    (guards.within_window, {"received_at": CLOSING + MICROSECOND}, "window.too_late"),
    (
        guards.within_window,
        {"received_at": None, "now": CLOSING + DAY},
        "window.too_late",
    ),
    (
        guards.within_window,
        {"received_at": CLOSING + DAY, "channel": Channel.PEC},
        "",
    ),
    (guards.not_in_the_future, {"received_at": None}, ""),
    (guards.not_in_the_future, {"received_at": NOW}, ""),
    # The clock of the portal may run a minute ahead of the host's.
    (guards.not_in_the_future, {"received_at": NOW + 60 * SECOND}, ""),
    (
        guards.not_in_the_future,
        {"received_at": NOW + 60 * SECOND + MICROSECOND},
        "window.future",
    ),
    (guards.window_not_over, {"now": CLOSING}, ""),
    (guards.window_not_over, {"now": CLOSING + MICROSECOND}, "window.too_late"),
    (guards.window_is_over, {"now": CLOSING}, "window.open"),
    (guards.window_is_over, {"now": CLOSING + MICROSECOND}, ""),
    (guards.applicant_is_eligible, {}, ""),
    (guards.applicant_is_eligible, {"applicant": ABROAD}, "applicant.not_eligible"),
    (guards.applicant_is_eligible, {"applicant": ABROAD, "channel": Channel.PEC}, ""),
    (guards.only_one_application, {}, ""),
    (guards.only_one_application, {"applicant": TWICE}, "applicant.already_applied"),
    (guards.documents_are_there, {}, ""),
    (guards.documents_are_there, {"documents": frozenset()}, "documents.missing"),
    (
        guards.documents_are_there,
        {"documents": frozenset(), "channel": Channel.PAPER},
        "",
    ),
    (guards.comes_from_intake, {}, ""),
    (guards.comes_from_intake, {"key": None}, "submission.no_place"),
    (guards.request_is_sound, {"requested": Cents(1)}, ""),
    (guards.request_is_sound, {"requested": Cents(0)}, "amount.out_of_range"),
    (guards.request_is_sound, {"requested": Cents(100_000_000)}, ""),
    (guards.request_is_sound, {"requested": Cents(100_000_001)}, "amount.out_of_range"),
    (
        guards.request_is_sound,
        {"requested": Cents(101), "call": call("aid", cap=Cents(100))},
        "amount.out_of_range",
    ),
    (guards.not_receivable, {}, "receivability.no_ground"),
    (guards.not_receivable, {"received_at": CLOSING}, "receivability.no_ground"),
    (guards.not_receivable, {"received_at": CLOSING + MICROSECOND}, ""),
    (guards.not_receivable, {"received_at": None}, "receivability.no_ground"),
    (guards.not_receivable, {"channel": Channel.PEC}, ""),
    (guards.is_receivable, {}, ""),
    (
        guards.is_receivable,
        {"channel": Channel.PEC},
        "receivability.not_receivable",
    ),
    (
        guards.is_receivable,
        {"received_at": CLOSING + MICROSECOND},
        "receivability.not_receivable",
    ),
    (guards.is_receivable, {"applicant": ABROAD}, "receivability.not_receivable"),
    (guards.has_its_turn, {}, ""),
    (guards.has_its_turn, {"earlier": (place(1, review_started=True),)}, ""),
    (guards.has_its_turn, {"earlier": (place(1),)}, "order.turn"),
    (guards.has_its_turn_on_merit, {}, ""),
    (
        guards.has_its_turn_on_merit,
        {"earlier": (place(1, state=EVALUATED),)},
        "",
    ),
    (
        guards.has_its_turn_on_merit,
        {"earlier": (place(1, review_started=True),)},
        "order.turn",
    ),
    (guards.review_not_started, {"review_started": False}, ""),
    (guards.review_not_started, {}, "review.started"),
    (guards.review_started, {}, ""),
    (guards.review_started, {"review_started": False}, "review.not_started"),
    # Steps beside the state
    (guards.step_open(REQUEST, "?"), {"steps": step(REQUEST)}, ""),
    (guards.step_open(REQUEST, "?"), {}, "completion_request.not_open"),
    (
        guards.step_open(REQUEST, "?"),
        {"steps": step(REQUEST, ANSWERED)},
        "completion_request.not_open",
    ),
    (
        guards.step_open(REQUEST, "?"),
        {"steps": step(REQUEST, CLOSED)},
        "completion_request.not_open",
    ),
    (
        guards.step_open(PLAN, "?"),
        {"steps": step(PLAN, CLOSED, "returned") + step(PLAN, ordinal=2)},
        "",
    ),
    (guards.step_answered(PLAN, "?"), {"steps": step(PLAN, ANSWERED)}, ""),
    (guards.step_answered(PLAN, "?"), {}, "definitive_plan.not_answered"),
    (
        guards.step_answered(PLAN, "?"),
        {"steps": step(PLAN)},
        "definitive_plan.not_answered",
    ),
    (guards.step_not_open(LAPSE, "?"), {}, ""),
    (guards.step_not_open(LAPSE, "?"), {"steps": step(LAPSE, CLOSED, "dismissed")}, ""),
    (guards.step_not_open(LAPSE, "?"), {"steps": step(LAPSE)}, "lapse_proposal.open"),
    (
        guards.step_not_open(LAPSE, "?"),
        {"steps": step(LAPSE, ANSWERED)},
        "lapse_proposal.open",
    ),
    (guards.never_asked(REQUEST), {}, ""),
    (
        guards.never_asked(REQUEST),
        {"steps": step(REQUEST, CLOSED)},
        "completion_request.once",
    ),
    (guards.plan_may_be_returned, {"steps": step(PLAN, ANSWERED)}, ""),
    (
        guards.plan_may_be_returned,
        {"steps": step(PLAN, CLOSED, "returned") + step(PLAN, ANSWERED, ordinal=2)},
        "definitive_plan.returned_before",
    ),
    (guards.notice_of_refusal_given, {}, "refusal_notice.missing"),
    (guards.notice_of_refusal_given, {"call": NO_NOTICE}, ""),
    (guards.notice_of_refusal_given, {"steps": step(NOTICE)}, "refusal_notice.pending"),
    (guards.notice_of_refusal_given, {"steps": step(NOTICE, ANSWERED)}, ""),
    (guards.notice_of_refusal_given, {"steps": step(NOTICE, CLOSED, "unanswered")}, ""),
    (
        guards.notice_of_refusal_given,
        {"steps": step(NOTICE, CLOSED, "upheld")},
        "refusal_notice.upheld",
    ),
    (
        guards.notice_of_refusal_given,
        {"steps": step(NOTICE, CLOSED, "scored_again")},
        "refusal_notice.upheld",
    ),
    (guards.may_be_upheld, {}, "refusal_notice.not_answered"),
    (guards.may_be_upheld, {"steps": step(NOTICE)}, "refusal_notice.not_answered"),
    (guards.may_be_upheld, {"steps": step(NOTICE, ANSWERED)}, ""),
    (guards.may_be_upheld, {"steps": step(NOTICE, CLOSED, "unanswered")}, ""),
    (
        guards.may_be_upheld,
        {"steps": step(NOTICE, CLOSED, "upheld")},
        "refusal_notice.not_answered",
    ),
    (guards.not_being_refused, {}, ""),
    (guards.not_being_refused, {"steps": step(NOTICE)}, "refusal_notice.open"),
    (
        guards.not_being_refused,
        {"steps": step(NOTICE, ANSWERED)},
        "refusal_notice.not_upheld",
    ),
    (
        guards.not_being_refused,
        {"steps": step(NOTICE, CLOSED, "unanswered")},
        "refusal_notice.not_upheld",
    ),
    (guards.not_being_refused, {"steps": step(NOTICE, CLOSED, "upheld")}, ""),
    (guards.not_being_refused, {"steps": step(NOTICE, CLOSED, "scored_again")}, ""),
    (guards.refusal_notice_may_be_sent, {}, ""),
    (guards.refusal_notice_may_be_sent, {"call": NO_NOTICE}, "refusal_notice.off"),
    (guards.refusal_notice_may_be_sent, {"steps": step(NOTICE)}, "refusal_notice.once"),
    (guards.refusal_notice_may_be_sent, {"steps": step(NOTICE, CLOSED, "upheld")}, ""),
    (
        guards.refusal_notice_may_be_sent,
        {"steps": step(NOTICE, CLOSED, "scored_again")},
        "",
    ),
    (
        guards.refusal_notice_may_be_sent,
        {"steps": step(NOTICE, CLOSED, "unanswered")},
        "refusal_notice.once",
    ),
    # Terms
    (guards.in_time(TermKind.START), {}, ""),
    (guards.in_time(TermKind.START), {"terms": term(TermKind.START, NOW)}, ""),
    (
        guards.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - SECOND + MICROSECOND)},
        "",
    ),
    (
        guards.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - SECOND)},
        "term.expired",
    ),
    (
        guards.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW + DAY, TermStatus.EXPIRED)},
        "term.expired",
    ),
    (
        guards.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - DAY, TermStatus.MET)},
        "",
    ),
    (
        # A dismissed proposal excuses nothing by itself: the missed term restarts.
        guards.in_time(TermKind.START),
        {
            "terms": term(TermKind.START, NOW - DAY, TermStatus.EXPIRED),
            "steps": step(LAPSE, CLOSED, "dismissed", subject="acceptance"),
        },
        "term.expired",
    ),
    (
        guards.in_time(TermKind.START),
        {
            "terms": term(TermKind.START, NOW - DAY, TermStatus.EXPIRED)
            + term(TermKind.START, NOW + DAY, ordinal=2)
        },
        "",
    ),
    (
        # What is not peremptory lets a late answer in.
        guards.in_time(TermKind.COMPLETION),
        {"terms": term(TermKind.COMPLETION, NOW - DAY)},
        "",
    ),
    (guards.some_term_missed, {}, "term.none_missed"),
    (guards.some_term_missed, {"terms": term(TermKind.REPORT, NOW - SECOND)}, ""),
    (
        guards.some_term_missed,
        {"terms": term(TermKind.REPORT, NOW)},
        "term.none_missed",
    ),
    (
        guards.some_term_missed,
        {"terms": term(TermKind.MERIT, NOW - DAY)},
        "term.none_missed",
    ),
    (guards.has_expired(TermKind.COMPLETION), {}, "term.not_started"),
    (
        guards.has_expired(TermKind.COMPLETION),
        {"terms": term(TermKind.COMPLETION, NOW - SECOND)},
        "",
    ),
    (
        guards.has_expired(TermKind.COMPLETION),
        {"terms": term(TermKind.COMPLETION, NOW - SECOND + MICROSECOND)},
        "term.running",
    ),
    (
        # The second notice of refusal was not delivered yet; the first was answered.
        guards.has_expired(TermKind.OBSERVATIONS),
        {"terms": term(TermKind.OBSERVATIONS, NOW - DAY, TermStatus.MET)},
        "term.not_started",
    ),
    # Money
    (guards.has_money, {}, ""),
    (guards.has_money, {"reserved": Cents(0)}, "money.not_reserved"),
    (guards.has_no_money, {"reserved": Cents(0)}, ""),
    (guards.has_no_money, {}, "money.reserved"),
    (guards.comes_first_for_money, {"earlier": (place(1),)}, ""),
    (
        guards.comes_first_for_money,
        {"earlier": (place(1, reserved=Cents(0)),)},
        "money.not_head",
    ),
    (
        guards.comes_first_for_money,
        {"money": MoneyFacts(REQUESTED, Cents(1), Cents(0))},
        "money.short",
    ),
    (guards.no_money_for_it, {"money": TWO_FIT}, "money.free"),
    (guards.no_money_for_it, {"money": MoneyFacts(REQUESTED, Cents(1), Cents(0))}, ""),
    # It need not come first: what is free may do for the earlier one and for it.
    (guards.no_money_for_it, {"money": TWO_FIT, **LACKING}, "money.free"),
    (guards.no_money_for_it, {"money": ONE_FITS, **LACKING}, ""),
    (guards.no_money_for_it, {"money": ONE_FITS, "earlier": (place(1),)}, "money.free"),
    (guards.may_be_granted, {}, ""),
    (guards.may_be_granted, USED_UP, "aid.nothing_left"),
    (guards.may_be_granted, NOT_COVERED, "money.short"),
    # Merit
    (guards.may_be_scored, {}, ""),
    (guards.may_be_scored, {"score": 0}, "score.given"),
    (guards.may_be_scored, {"score": 0, "steps": step(NOTICE)}, "score.given"),
    (
        guards.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "upheld", subject=EVALUATED)},
        "",
    ),
    (
        # Those upheld in the formal check say nothing on the merit.
        guards.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "upheld", subject=SUBMITTED)},
        "score.given",
    ),
    (
        guards.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "scored_again", subject=EVALUATED)},
        "score.given",
    ),
    (
        guards.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "unanswered", subject=EVALUATED)},
        "score.given",
    ),
    (guards.reaches_threshold, {"score": 60}, ""),
    (guards.reaches_threshold, {"score": 59}, "score.below_threshold"),
    (guards.reaches_threshold, {"score": None}, "score.below_threshold"),
    (guards.refusal_has_ground, {"score": None}, ""),
    (guards.refusal_has_ground, {"score": 59}, ""),
    (guards.refusal_has_ground, {"score": 60}, "score.reaches_threshold"),
    (guards.refusal_has_ground, {"score": 60, **USED_UP}, ""),
    # Phase 2
    (guards.is_published, {"published_on": TODAY}, ""),
    (guards.is_published, {}, "grant.not_published"),
    (guards.not_published, {}, ""),
    (guards.not_published, {"published_on": TODAY}, "grant.published"),
    (guards.not_signed, {}, ""),
    (guards.not_signed, {"steps": step(NEGOTIATION)}, ""),
    (guards.not_signed, {"steps": step(NEGOTIATION, CLOSED, "convened_again")}, ""),
    (
        guards.not_signed,
        {"steps": step(NEGOTIATION, CLOSED, "signed")},
        "negotiation.signed",
    ),
    (guards.cor_not_confirmed, {}, ""),
    (guards.cor_not_confirmed, {"terms": term(TermKind.AID_REGISTRY, NOW)}, ""),
    (
        guards.cor_not_confirmed,
        {"terms": term(TermKind.AID_REGISTRY, NOW, TermStatus.MET)},
        "cor.confirmed",
    ),
    (guards.lapse_was_notified, {}, "lapse_proposal.not_delivered"),
    (guards.lapse_was_notified, proposed(None), "lapse_proposal.not_delivered"),
    # Today is 30/01/2026: the tenth day after the 20th, one past that of the 19th.
    (
        guards.lapse_was_notified,
        proposed(rome(2026, 1, 20, 0)),
        "lapse_proposal.pending",
    ),
    (guards.lapse_was_notified, proposed(rome(2026, 1, 19, 23, 59)), ""),
    (
        guards.lapse_was_notified,
        proposed(rome(2026, 1, 1), None),
        "lapse_proposal.not_delivered",
    ),
    (
        # Ten days after the 15th is a Sunday: the applicant has the Monday too.
        guards.lapse_was_notified,
        {**proposed(rome(2026, 1, 15, 9)), "now": rome(2026, 1, 26, 23)},
        "lapse_proposal.pending",
    ),
    (
        guards.lapse_was_notified,
        {**proposed(rome(2026, 1, 15, 9)), "now": rome(2026, 1, 27)},
        "",
    ),
    (guards.determined, {"steps": step(DETERMINATION)}, ""),
    (guards.determined, {}, "determination.missing"),
    (
        guards.determined,
        {"steps": step(DETERMINATION, CLOSED)},
        "determination.missing",
    ),
]

SOON = TODAY + DAY
LONG_AGO = TODAY - 100 * DAY


def say(inputs, **values):
    """Return what was stated, as read from outside."""
    return inputs.model_validate(values)


GRANTED = {"notices": letter(Letter.GRANT, NOW)}
EXTENDED = letter(Letter.EXTENSION_GRANTED)
REVIEW, OVERTAKE = stated.ReviewInputs(), stated.ReviewInputs(overtake=True)
EARLIER = {"earlier": (place(1),)}
ORDERED = {**EARLIER, "act": act(), "reason": "the judge says so"}
SHEET = say(stated.EvaluationInputs, minutes="1", score=scores())
HIGH_SHEET = say(stated.EvaluationInputs, minutes="1", score=scores(), overtake=True)
CHECKED = sorted(facts().application.documents)
STARTED = stated.StartInputs
LAPSED = stated.LapseInputs
DELIVERED = stated.DeliveryInputs


def granting(**values):
    """Return what an act of grant usually carries, with some of it changed."""
    usual = {"cor": COR, "cup": CUP, "durc_until": TODAY}
    return say(stated.GrantInputs, **{**usual, **values})


def determining(amount):
    """Return the investment that is admitted in the definitive plan."""
    return say(stated.DeterminationInputs, admitted_investment=amount)


AT_ANTIMAFIA = {"requested": Cents(20_000_000), "investment": Cents(14_117_647)}
"""What the call gives on this is 150000.00, to the cent."""
BELOW_ANTIMAFIA = {**AT_ANTIMAFIA, "investment": Cents(14_117_646)}

ACCEPTS = [
    # what, facts, what is stated, the code that stands in the way or nothing
    (guards.takes_its_turn, {}, REVIEW, ""),
    (guards.takes_its_turn, EARLIER, REVIEW, "order.turn"),
    (guards.takes_its_turn, {}, OVERTAKE, "order.nobody_to_overtake"),
    (guards.takes_its_turn, EARLIER, OVERTAKE, "order.overtaking_needs_act"),
    (
        guards.takes_its_turn,
        {**EARLIER, "act": act()},
        OVERTAKE,
        "order.overtaking_needs_act",
    ),
    (guards.takes_its_turn, ORDERED, OVERTAKE, ""),
    (guards.takes_its_turn, ORDERED, REVIEW, "order.turn"),
    (guards.takes_its_turn, {"earlier": (place(1, review_started=True),)}, REVIEW, ""),
    (
        guards.takes_its_turn,
        {"earlier": (place(1, waits_for_applicant=True),)},
        REVIEW,
        "",
    ),
    (
        guards.takes_its_turn,
        {
            "earlier": (place(1, waits_for_applicant=True),),
            "call": call("procedure", skip_when_suspended=False),
        },
        REVIEW,
        "order.turn",
    ),
    (guards.is_scored_in_turn, {}, SHEET, ""),
    (
        guards.is_scored_in_turn,
        {"earlier": (place(1, review_started=True),)},
        SHEET,
        "order.turn",
    ),
    (guards.is_scored_in_turn, ORDERED, HIGH_SHEET, ""),
    (guards.scores_are_complete, {}, SHEET, ""),
    (
        guards.scores_are_complete,
        {},
        say(stated.EvaluationInputs, minutes="1", score=scores()[1:]),
        "score.invalid",
    ),
    (
        guards.checklist_is_complete,
        {},
        say(stated.AdmissionInputs, checked=CHECKED),
        "",
    ),
    (
        guards.checklist_is_complete,
        {},
        say(stated.AdmissionInputs, checked=CHECKED[1:]),
        "checklist.incomplete",
    ),
    (
        guards.checklist_is_complete,
        {},
        say(stated.AdmissionInputs, checked=[*CHECKED, "x"]),
        "checklist.unknown",
    ),
    (guards.not_after_today("started_on"), {}, STARTED(started_on=TODAY), ""),
    (guards.not_after_today("started_on"), {}, STARTED(started_on=SOON), "date.future"),
    (
        guards.not_after_today("delivered_on"),
        {},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "",
    ),
    (
        guards.not_before("started_on", Letter.GRANT),
        GRANTED,
        STARTED(started_on=TODAY),
        "",
    ),
    (
        guards.not_before("started_on", Letter.GRANT),
        GRANTED,
        STARTED(started_on=TODAY - DAY),
        "date.too_early",
    ),
    (
        guards.not_before("started_on", Letter.GRANT),
        {},
        STARTED(started_on=LONG_AGO),
        "",
    ),
    (
        guards.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "",
    ),
    (
        guards.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.GRANT, receipt="R", delivered_on=LONG_AGO),
        "date.too_early",
    ),
    (
        guards.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.REVOKED, receipt="R"),
        "notice.not_written",
    ),
    (
        guards.letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, OPENING, NOW)},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "notice.delivered",
    ),
    (
        # The host's clock stood still between the two: the second one waits.
        guards.letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, NOW, NOW) + letter(Letter.GRANT, NOW)},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "",
    ),
    (
        guards.missed_term,
        {"terms": term(TermKind.START, NOW - SECOND)},
        LAPSED(term=TermKind.START),
        "",
    ),
    (
        guards.missed_term,
        {"terms": term(TermKind.START, NOW)},
        LAPSED(term=TermKind.START),
        "term.running",
    ),
    (
        guards.missed_term,
        {"terms": term(TermKind.START, NOW - DAY, TermStatus.MET)},
        LAPSED(term=TermKind.START),
        "term.met",
    ),
    (guards.missed_term, {}, LAPSED(term=TermKind.START), "term.not_started"),
    (guards.missed_term, {}, LAPSED(term=TermKind.MERIT), "term.no_lapse"),
    # The call sets no such term at all.
    (guards.missed_term, {}, LAPSED(term=TermKind.PAYMENT), "term.no_lapse"),
    (
        guards.within_grant,
        {"granted": Cents(100)},
        say(stated.SettlementInputs, recognised="1.00"),
        "",
    ),
    (
        guards.within_grant,
        {"granted": Cents(100)},
        say(stated.SettlementInputs, recognised="1.01"),
        "amount.above_grant",
    ),
    (
        guards.recovery_within_grant,
        {"granted": Cents(100)},
        say(stated.RecoveryInputs, recover="1.00"),
        "",
    ),
    (
        guards.recovery_within_grant,
        {"granted": Cents(100)},
        say(stated.RecoveryInputs, recover="1.01"),
        "amount.above_grant",
    ),
    (guards.grant_is_covered, {}, granting(), ""),
    (guards.grant_is_covered, USED_UP, granting(), "aid.nothing_left"),
    (guards.grant_is_covered, NOT_COVERED, granting(), "money.short"),
    # Ten thousand euro are left: a smaller investment may need no more.
    (
        guards.grant_is_covered,
        {**NOT_COVERED, "call": call("aid", fixed=Cents(0))},
        granting(admitted_investment="11764.70"),
        "",
    ),
    (
        guards.grant_is_covered,
        {**NOT_COVERED, "call": call("aid", fixed=Cents(0))},
        granting(admitted_investment="11764.72"),
        "money.short",
    ),
    (guards.admitted_within_declared, {}, granting(), ""),
    (
        guards.admitted_within_declared,
        {},
        granting(admitted_investment="95424.84"),
        "",
    ),
    (
        guards.admitted_within_declared,
        {},
        granting(admitted_investment="95424.85"),
        "amount.above_declared",
    ),
    (
        guards.admitted_within_plan,
        {"plan_investment": Cents(5_000)},
        determining("50.00"),
        "",
    ),
    (
        guards.admitted_within_plan,
        {"plan_investment": Cents(5_000)},
        determining("50.01"),
        "amount.above_declared",
    ),
    # A plan filed before the system kept its investment: what was declared counts.
    (guards.admitted_within_plan, {}, determining("95424.84"), ""),
    (guards.admitted_within_plan, {}, determining("95424.85"), "amount.above_declared"),
    (guards.contributions_are_regular, {}, granting(), ""),
    (
        guards.contributions_are_regular,
        {},
        granting(durc_until=TODAY - DAY),
        "durc.expired",
    ),
    (guards.antimafia_is_checked, BELOW_ANTIMAFIA, granting(), ""),
    (guards.antimafia_is_checked, AT_ANTIMAFIA, granting(), "antimafia.missing"),
    (guards.antimafia_is_checked, AT_ANTIMAFIA, granting(antimafia="BDNA 1"), ""),
    (
        guards.antimafia_is_checked,
        AT_ANTIMAFIA,
        granting(admitted_investment="141176.46"),
        "",
    ),
    (
        guards.not_before_today("meeting_on"),
        {},
        stated.MeetingInputs(meeting_on=TODAY),
        "",
    ),
    (
        guards.not_before_today("meeting_on"),
        {},
        stated.MeetingInputs(meeting_on=TODAY - DAY),
        "date.past",
    ),
    (guards.extension_allowed, {}, stated.ExtensionInputs(months=6), ""),
    (
        guards.extension_allowed,
        {},
        stated.ExtensionInputs(months=7),
        "extension.too_long",
    ),
    (
        guards.extension_allowed,
        {"notices": EXTENDED},
        stated.ExtensionInputs(months=1),
        "extension.used",
    ),
    (
        guards.extension_allowed,
        {"terms": term(TermKind.DURATION, NOW)},
        stated.ExtensionInputs(months=1),
        "",
    ),
    (
        guards.extension_allowed,
        {"terms": term(TermKind.DURATION, NOW - SECOND)},
        stated.ExtensionInputs(months=1),
        "term.expired",
    ),
]


def _named(guard):
    return guard.__qualname__.partition(".")[0]


@pytest.mark.parametrize(
    ("guard", "changes", "code"),
    [
        pytest.param(*row, id=f"{number}-{_named(row[0])}-{row[-1] or 'ok'}")
        for number, row in enumerate(NEEDS)
    ],
)
def test_a_need_stands_in_the_way_exactly_when_its_rule_says(guard, changes, code):
    verdict = guard(facts(**changes))

    assert verdict.code == code
    assert bool(verdict) is (code == "")
    assert bool(verdict.message) is (code != "")


@pytest.mark.parametrize(
    ("check", "changes", "given", "code"),
    [
        pytest.param(*row, id=f"{number}-{_named(row[0])}-{row[-1] or 'ok'}")
        for number, row in enumerate(ACCEPTS)
    ],
)
def test_a_check_refuses_exactly_what_its_rule_says(check, changes, given, code):
    verdict = check(facts(**changes), given)

    assert verdict.code == code
    assert bool(verdict) is (code == "")


def test_every_guard_has_a_case_that_passes_and_one_that_does_not():
    tried = [(_named(row[0]), row[-1] == "") for row in (*NEEDS, *ACCEPTS)]
    guards_there = {
        name
        for name, member in inspect.getmembers(guards, inspect.isfunction)
        if member.__module__ == guards.__name__ and not name.startswith("_")
    } - {"rome"}

    assert {name for name, passes in tried if passes} == guards_there
    assert {name for name, passes in tried if not passes} == guards_there


def test_lateness_is_told_to_the_microsecond():
    late = CLOSING + timedelta(seconds=33, microseconds=7)

    verdict = guards.within_window(facts(received_at=late))

    assert verdict.details["late_microseconds"] == 33_000_007
    assert "0:00:33.000007 (hours:minutes:seconds) after the window closed at " in (
        verdict.message
    )
    assert "closed at 05/03/2026 16:00:00;" in verdict.message


def test_the_end_of_a_term_is_told_as_the_register_writes_it():
    over, running = NOW - SECOND, NOW

    ended = guards.in_time(TermKind.START)(facts(terms=term(TermKind.START, over)))
    waits = guards.has_expired(TermKind.START)(
        facts(terms=term(TermKind.START, running))
    )

    assert ended.details == {"due_at": written(over)}
    assert waits.details == {"due_at": written(running)}


@pytest.mark.parametrize(
    ("many", "words"),
    [
        (1, "2026/0000001 arrived earlier and is"),
        (2, "0000002 arrived earlier and are"),
    ],
)
def test_one_that_is_overtaken_is_and_two_are(many, words):
    queue = tuple(place(number) for number in range(1, many + 1))

    assert words in guards.takes_its_turn(facts(earlier=queue), REVIEW).message


def test_only_the_first_few_of_a_long_queue_are_named():
    queue = tuple(place(number) for number in range(1, 8))

    verdict = guards.takes_its_turn(facts(earlier=queue), REVIEW)

    assert "2026/0000005 and 2 more arrived earlier" in verdict.message
    assert verdict.details["blocked_by"] == [one.protocol for one in queue]
