"""Does each guard let through what it must, and nothing else?

Every guard has its row here, on both sides of its edge.
"""

import inspect
from dataclasses import replace
from datetime import date, time, timedelta
from uuid import UUID

import pytest

from config.schema import ListRequirement, Partnership
from models.vocabulary import (
    ApplicationState,
    CallState,
    Cents,
    Channel,
    Decision,
    Letter,
    MemberKind,
    NoticeStatus,
    OrderPolicy,
    Role,
    ShortMoneyPolicy,
    SourceStatus,
    StepKind,
    StepStatus,
    SuspensionCause,
    TermKind,
    TermStatus,
)
from tests.builders import CLOSING, COR, CUP, OPENING, ctl, rome, scores
from tests.builders_facts import (
    ANYBODY,
    CEILING,
    NOW,
    REQUESTED,
    act,
    facts,
    letter,
    place,
    step,
    term,
)
from tests.filiere import filiere
from workflow.facts import (
    Abstention,
    ApplicantFacts,
    CounterFacts,
    FilingFacts,
    Hands,
    ListAnswer,
    Member,
    MoneyFacts,
    NoticeRecord,
    Opening,
    PartnershipFacts,
    PeopleFacts,
    PriorAid,
    Sheet,
)
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


def ruled(kind, **changes):
    """Return the shipped call with some values of one of its terms changed."""
    rule = ctl().terms[kind].model_copy(update=changes)
    return ctl().model_copy(update={"terms": {**ctl().terms, kind: rule}})


OTHER, THIRD = UUID(int=2), UUID(int=3)
EVALUATOR = Hands(frozenset({Role.EVALUATOR}), UUID(int=4))
RUP = Hands(frozenset({Role.RESPONSIBLE}), UUID(int=6))
FOR_ANOTHER = Hands(EVALUATOR.roles, UUID(int=5), {Role.EVALUATOR: OTHER})
SEPARATED = call("roles", separate=(Decision.REVOCATION,))


def in_conflict(*officers, by=None):
    """Return who has to abstain, by their own word or that of another."""
    return PeopleFacts(
        conflicts={one: Abstention(by or one, NOW, 7) for one in officers}
    )


def scored_by(officer, behalf=None):
    """Return that one evaluator has given a score."""
    return PeopleFacts(sheets=(Sheet(officer, 70, behalf),))


def conflict_of(officer):
    """Return what is stated of a conflict of interests."""
    return stated.ConflictInputs(officer=officer)


LEAST = call("ranking", minimum_cost=Cents(500))
ENDS_TODAY = ruled(TermKind.DURATION, not_after=NOW.date())
ENDED = ruled(TermKind.DURATION, not_after=NOW.date() - DAY)
NO_AID = call("aid", regime="none")
FIFTY_FREE = MoneyFacts(Cents(100), Cents(20), Cents(30))
WITH_NOTHING = {"money": FIFTY_FREE, "reserved": Cents(0)}


def funded(amount):
    """Return what the act on a ranking says of an application."""
    return stated.FundingInputs(ranking=1, place=3, amount=amount)


def coded(**codes):
    """Return what is stated of a grant by a ranking."""
    given = {"cup": CUP, "cup_on": TODAY, "durc_until": TODAY, **codes}
    return stated.RankedGrantInputs.model_validate(given)


LETTER = UUID(int=7)
HELD = (replace(letter(Letter.GRANT)[0], id=LETTER, status=NoticeStatus.HELD),)
GONE = (replace(HELD[0], status=NoticeStatus.SENT),)
MORNING, EVENING = OPENING + 2 * DAY, OPENING + 3 * DAY
NOT_YET = {"counter": CounterFacts(CallState.PUBLISHED)}
"""It has had no opening yet: the call's plan tells when it will."""
SHUT = {"counter": CounterFacts(CallState.CLOSED, (Opening(OPENING, CLOSING),))}
EXTENDED_CALL = {
    "counter": CounterFacts(
        CallState.OPEN, (Opening(OPENING, None),), closes_at=CLOSING + DAY
    )
}
CUT_SHORT = {"counter": CounterFacts(CallState.CLOSED, (Opening(OPENING, MORNING),))}
STOPPED = {
    "counter": CounterFacts(
        CallState.SUSPENDED,
        (Opening(OPENING, MORNING),),
        SuspensionCause.EXHAUSTION,
        EVENING,
    )
}
REOPENED = {
    "counter": CounterFacts(
        CallState.OPEN, (Opening(OPENING, MORNING), Opening(EVENING, None))
    )
}
NO_NOTICE = call("procedure", refusal_notice=False)
ABROAD = ApplicantFacts(recognised=False, other_active=None)
TWICE = ApplicantFacts(recognised=True, other_active="2026/0000003")
USED_UP = {"aids": (PriorAid(TODAY, CEILING, "Comune"),)}
"""Nothing is left under the de minimis ceiling."""
NOT_COVERED = {"earlier": (place(1, requested=Cents(99_000_000)),)}
LACKING = {"earlier": (place(1, reserved=Cents(0)),)}
NO_ROOM = {"money": MoneyFacts(Cents(2 * REQUESTED - 1), REQUESTED, Cents(0))}
STOP = call("allocation", short_money=ShortMoneyPolicy.STOP)
PART = call("allocation", short_money=ShortMoneyPolicy.PARTIAL)
AGREES = {"call": PART, "accepts_less": True, **NO_ROOM}
JUMP = call("counter", jump_ahead=True)
UNTIL_NOON = ruled(TermKind.REPORT, until=time(12))
DRAWN = call("counter", order=OrderPolicy.SAME_WEEK_DRAW)
BY_MERIT = call("counter", order=OrderPolicy.SAME_DAY_MERIT)
NO_ACCEPTANCE = call("procedure", acceptance=False)
TOO_BIG = {"earlier": (place(1, requested=Cents(99_000_000), reserved=Cents(0)),)}
TWO_FIT = MoneyFacts(Cents(2 * REQUESTED), Cents(0), Cents(0))
ONE_FITS = MoneyFacts(Cents(2 * REQUESTED - 1), Cents(0), Cents(0))


FIRM, PUBLIC = MemberKind.FIRM, MemberKind.PUBLIC


def member(number=2, kind=FIRM, *, is_invited=True, other=None):
    """Return one of those who apply together."""
    return Member(UUID(int=number), kind, is_invited=is_invited, other=other)


def jointly(*partners, lead=FIRM, then=None, channel=Channel.PORTAL, **rules):
    """Return that the applicant applies with partners, in a call with such rules."""
    usual = {"one_application_each": False, "invited_only": False}
    source = {"source": SourceStatus.ASSUMED, "basis": "chosen for a test"}
    section = Partnership(**{**usual, **source, **rules})
    return {
        "call": ctl().model_copy(update={"partnership": section}),
        "partnership": PartnershipFacts(member(1, lead), partners, then),
        "channel": channel,
    }


ALONE_IN_CALL = {"partnership": PartnershipFacts(member(1))}
UNFORESEEN = {"partnership": PartnershipFacts(member(1), (member(),))}
WANTED = stated.PartnersInputs(partners=())
ELSEWHERE = member(3, other="2026/0000007")


def without(kind):
    """Return the shipped call without one of its terms."""
    left = {one: rule for one, rule in ctl().terms.items() if one != kind}
    return ctl().model_copy(update={"terms": left})


def proposed(*delivered):
    """Return one proposal of lapse for each day of delivery; None is not yet."""
    return {
        "notices": tuple(
            one
            for number, day in enumerate(delivered)
            for one in letter(Letter.LAPSE_PROPOSED, OPENING + number * SECOND, day)
        )
    }


SENT_AFTER_ALL = term(
    TermKind.AID_REGISTRY, NOW - DAY, TermStatus.EXPIRED, settled=True
)
REGISTERED_AGAIN = SENT_AFTER_ALL + term(TermKind.AID_REGISTRY, NOW + DAY, ordinal=2)
ANSWER = guards.steps.awaited(REQUEST, TermKind.COMPLETION, "?")


def wanted(effect, as_of="closing", **said):
    """Return what a call wants of the list of another one."""
    return ListRequirement(
        call="RLO12022099901",
        effect=effect,
        as_of=as_of,
        source=SourceStatus.ASSUMED,
        basis="a test",
        **said,
    )


OFF_IT = ListAnswer(wanted("require"), OPENING, version=3, act="decreto 1/2026-01-20")
NO_LIST = ListAnswer(wanted("require"), OPENING)
ON_IT = replace(OFF_IT, member="2022/0000001")
NOT_YET_KNOWN = replace(OFF_IT, at=None)
NOT_HERE = replace(NOT_YET_KNOWN, is_there=False)
UNREWARDED = replace(OFF_IT, wanted=wanted("reward", points=5))

NEEDS = [
    # what, facts, the code that stands in the way or nothing
    (guards.ranking.cost_is_enough, {}, ""),
    (guards.ranking.cost_is_enough, {"call": LEAST, "investment": Cents(500)}, ""),
    (
        guards.ranking.cost_is_enough,
        {"call": LEAST, "investment": Cents(499)},
        "investment.below_minimum",
    ),
    (
        guards.ranking.cost_is_enough,
        {"call": LEAST, "investment": Cents(499), "channel": Channel.PEC},
        "",
    ),
    (guards.grants.time_is_left, {}, ""),
    (guards.grants.time_is_left, {"call": ENDS_TODAY}, ""),
    (guards.grants.time_is_left, {"call": ENDED}, "grant.no_time_left"),
    (guards.ranking.not_ranked, {}, ""),
    (guards.ranking.not_ranked, {"rank": 3}, "score.ranked"),
    (guards.ranking.something_was_added, {}, ""),
    (
        guards.ranking.something_was_added,
        {"reserved": Cents(0)},
        "grant.nothing_added",
    ),
    (guards.ranking.is_ranked, {"rank": 3}, ""),
    (guards.ranking.is_ranked, {}, "ranking.missing"),
    (guards.receipt.window_has_begun, {"now": ctl().window.published_at}, ""),
    (guards.partnerships.is_foreseen, {}, ""),
    (guards.partnerships.is_foreseen, ALONE_IN_CALL, ""),
    (guards.partnerships.is_foreseen, jointly(member()), ""),
    (guards.partnerships.is_foreseen, UNFORESEEN, "partnership.not_foreseen"),
    # What comes another way is protocolled all the same, and declared so.
    (guards.partnerships.is_foreseen, {**UNFORESEEN, "channel": Channel.PEC}, ""),
    (guards.partnerships.call_lets_them, jointly(), ""),
    (guards.partnerships.call_lets_them, {}, "partnership.not_foreseen"),
    (guards.partnerships.has_enough_members, {}, ""),
    (guards.partnerships.has_enough_members, jointly(), ""),
    (guards.partnerships.has_enough_members, jointly(member(), minimum=2), ""),
    (
        guards.partnerships.has_enough_members,
        jointly(member(), minimum=3),
        "partnership.too_few",
    ),
    (
        guards.partnerships.has_enough_members,
        jointly(minimum=2, channel=Channel.PEC),
        "",
    ),
    # Nobody has looked at who applies: then it is one alone.
    (
        guards.partnerships.has_enough_members,
        {**jointly(minimum=2), "partnership": None},
        "partnership.too_few",
    ),
    (guards.partnerships.has_enough_firms, {}, ""),
    (guards.partnerships.has_enough_firms, jointly(member(), minimum_firms=2), ""),
    (
        guards.partnerships.has_enough_firms,
        jointly(member(), member(3, PUBLIC), minimum_firms=3),
        "partnership.too_few_firms",
    ),
    (
        guards.partnerships.has_enough_firms,
        jointly(member(), lead=None, minimum_firms=2),
        "partnership.too_few_firms",
    ),
    (
        guards.partnerships.has_enough_firms,
        jointly(minimum_firms=2, channel=Channel.PEC),
        "",
    ),
    (guards.partnerships.has_not_too_many, {}, ""),
    (guards.partnerships.has_not_too_many, jointly(member()), ""),
    (guards.partnerships.has_not_too_many, jointly(member(), maximum=2), ""),
    (
        guards.partnerships.has_not_too_many,
        jointly(member(), member(3), maximum=2),
        "partnership.too_many",
    ),
    (
        guards.partnerships.has_not_too_many,
        jointly(member(), maximum=1, channel=Channel.PEC),
        "",
    ),
    (guards.partnerships.has_only_invited, {}, ""),
    (
        guards.partnerships.has_only_invited,
        jointly(member(is_invited=False)),
        "",
    ),
    (
        guards.partnerships.has_only_invited,
        jointly(member(), invited_only=True),
        "",
    ),
    (
        guards.partnerships.has_only_invited,
        jointly(member(), member(3, is_invited=False), invited_only=True),
        "partnership.not_invited",
    ),
    (
        guards.partnerships.has_only_invited,
        jointly(member(is_invited=False), invited_only=True, channel=Channel.PEC),
        "",
    ),
    (guards.partnerships.nobody_is_in_two, {}, ""),
    (guards.partnerships.nobody_is_in_two, jointly(ELSEWHERE), ""),
    (
        guards.partnerships.nobody_is_in_two,
        jointly(member(), one_application_each=True),
        "",
    ),
    (
        guards.partnerships.nobody_is_in_two,
        jointly(member(), ELSEWHERE, one_application_each=True),
        "partnership.in_two",
    ),
    (guards.terms.plan_is_running, {}, ""),
    (guards.terms.plan_is_running, {"terms": term(TermKind.DURATION, NOW)}, ""),
    (
        guards.terms.plan_is_running,
        {"terms": term(TermKind.DURATION, NOW - SECOND)},
        "term.expired",
    ),
    (
        guards.receipt.window_has_begun,
        {"now": ctl().window.published_at - MICROSECOND},
        "window.not_published",
    ),
    (guards.receipt.within_window, {"received_at": OPENING}, ""),
    (
        guards.receipt.within_window,
        {"received_at": OPENING - MICROSECOND},
        "window.too_early",
    ),
    (guards.receipt.within_window, {"received_at": CLOSING, **SHUT}, ""),
    (
        guards.receipt.within_window,
        {"received_at": CLOSING + MICROSECOND, **SHUT},
        "window.too_late",
    ),
    (
        guards.receipt.within_window,
        {"received_at": None, "now": CLOSING + DAY, **SHUT},
        "window.too_late",
    ),
    (
        guards.receipt.within_window,
        {"received_at": CLOSING + DAY, "channel": Channel.PEC, **SHUT},
        "",
    ),
    # An opening tells, not the plan: an act has moved the closing.
    (guards.receipt.within_window, {"received_at": CLOSING + DAY, **EXTENDED_CALL}, ""),
    (
        guards.receipt.within_window,
        {"received_at": MORNING + MICROSECOND, **CUT_SHORT},
        "window.too_late",
    ),
    (guards.receipt.within_window, {"received_at": OPENING, **NOT_YET}, ""),
    (
        guards.receipt.within_window,
        {"received_at": OPENING - MICROSECOND, **NOT_YET},
        "window.too_early",
    ),
    (
        guards.receipt.within_window,
        {"received_at": CLOSING + MICROSECOND, **NOT_YET},
        "window.too_late",
    ),
    # Both ends of an opening are in it.
    (guards.receipt.within_window, {"received_at": MORNING, **STOPPED}, ""),
    (
        guards.receipt.within_window,
        {"received_at": MORNING + MICROSECOND, **STOPPED},
        "call.suspended",
    ),
    (guards.receipt.within_window, {"received_at": MORNING, **REOPENED}, ""),
    (
        guards.receipt.within_window,
        {"received_at": MORNING + MICROSECOND, **REOPENED},
        "call.suspended",
    ),
    (
        guards.receipt.within_window,
        {"received_at": EVENING - MICROSECOND, **REOPENED},
        "call.suspended",
    ),
    (guards.receipt.within_window, {"received_at": EVENING, **REOPENED}, ""),
    (guards.receipt.not_in_the_future, {"received_at": None}, ""),
    (guards.receipt.not_in_the_future, {"received_at": NOW}, ""),
    # The clock of the portal may run a minute ahead of the host's.
    (guards.receipt.not_in_the_future, {"received_at": NOW + 60 * SECOND}, ""),
    (
        guards.receipt.not_in_the_future,
        {"received_at": NOW + 60 * SECOND + MICROSECOND},
        "window.future",
    ),
    (guards.receipt.window_not_over, {"now": CLOSING}, ""),
    (guards.receipt.window_not_over, {"now": CLOSING + MICROSECOND}, "window.too_late"),
    (guards.receipt.window_is_over, {"now": CLOSING}, "window.open"),
    (guards.receipt.window_is_over, {"now": CLOSING + MICROSECOND}, ""),
    (guards.receipt.window_not_over, CUT_SHORT, "window.too_late"),
    (guards.receipt.window_not_over, STOPPED, ""),
    (
        guards.receipt.window_not_over,
        {"counter": CounterFacts(CallState.CLOSED)},
        "window.never_open",
    ),
    (guards.receipt.window_not_over, {"now": CLOSING + DAY, **EXTENDED_CALL}, ""),
    (guards.receipt.window_is_over, CUT_SHORT, ""),
    (guards.receipt.window_is_over, STOPPED, "window.open"),
    (
        # The version that it was filed under closed earlier; the call did not.
        guards.receipt.window_is_over,
        {"now": CLOSING + DAY, **EXTENDED_CALL},
        "window.open",
    ),
    (guards.receipt.window_is_over, {"counter": CounterFacts(CallState.CONCLUDED)}, ""),
    (guards.filing.applicant_is_eligible, {}, ""),
    (
        guards.filing.applicant_is_eligible,
        {"applicant": ABROAD},
        "applicant.not_eligible",
    ),
    (
        guards.filing.applicant_is_eligible,
        {"applicant": ABROAD, "channel": Channel.PEC},
        "",
    ),
    (guards.filing.only_one_application, {}, ""),
    (
        guards.filing.only_one_application,
        {"applicant": TWICE},
        "applicant.already_applied",
    ),
    (guards.filing.documents_are_there, {}, ""),
    (
        guards.filing.documents_are_there,
        {"documents": frozenset()},
        "documents.missing",
    ),
    (
        guards.filing.documents_are_there,
        {"documents": frozenset(), "channel": Channel.PAPER},
        "",
    ),
    (guards.filing.comes_from_intake, {}, ""),
    (guards.filing.comes_from_intake, {"key": None}, "submission.no_place"),
    (guards.filing.counter_takes_it, {}, ""),
    (guards.filing.counter_takes_it, {"call": STOP, **NO_ROOM}, "counter.exhausted"),
    (
        guards.filing.counter_takes_it,
        {"call": STOP, "channel": Channel.PEC, **NO_ROOM},
        "",
    ),
    (
        # Handed over late: later ones took the money, not the right to be taken in.
        guards.filing.counter_takes_it,
        {
            "call": STOP,
            "filing": FilingFacts(0, None, later=Cents(100_000_000)),
            **NO_ROOM,
        },
        "",
    ),
    (guards.filing.request_is_sound, {"requested": Cents(1)}, ""),
    (guards.filing.request_is_sound, {"requested": Cents(0)}, "amount.out_of_range"),
    (guards.filing.request_is_sound, {"requested": Cents(100_000_000)}, ""),
    (
        guards.filing.request_is_sound,
        {"requested": Cents(100_000_001)},
        "amount.out_of_range",
    ),
    (
        guards.filing.request_is_sound,
        {"requested": Cents(101), "call": call("aid", cap=Cents(100))},
        "amount.out_of_range",
    ),
    (guards.receipt.not_receivable, {}, "receivability.no_ground"),
    (
        guards.receipt.not_receivable,
        {"received_at": CLOSING, **SHUT},
        "receivability.no_ground",
    ),
    (guards.receipt.not_receivable, {"received_at": CLOSING + MICROSECOND, **SHUT}, ""),
    (guards.receipt.not_receivable, {"received_at": MORNING + DAY / 2, **REOPENED}, ""),
    (guards.receipt.not_receivable, {"received_at": None}, "receivability.no_ground"),
    (guards.receipt.not_receivable, {"channel": Channel.PEC}, ""),
    (guards.receipt.is_receivable, {}, ""),
    (
        guards.receipt.is_receivable,
        {"channel": Channel.PEC},
        "receivability.not_receivable",
    ),
    (
        guards.receipt.is_receivable,
        {"received_at": CLOSING + MICROSECOND, **SHUT},
        "receivability.not_receivable",
    ),
    (
        guards.receipt.is_receivable,
        {"applicant": ABROAD},
        "receivability.not_receivable",
    ),
    (guards.turn.has_its_turn, {}, ""),
    (guards.turn.has_its_turn, {"earlier": (place(1, review_started=True),)}, ""),
    (guards.turn.has_its_turn, {"earlier": (place(1),)}, "order.turn"),
    (guards.days.some_letter_awaits_delivery, {"notices": letter(Letter.GRANT)}, ""),
    (
        guards.days.some_letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, OPENING, NOW)},
        "notice.all_delivered",
    ),
    (guards.turn.has_its_turn_on_merit, {}, ""),
    (
        guards.turn.has_its_turn_on_merit,
        {"earlier": (place(1, state=EVALUATED),)},
        "",
    ),
    (
        guards.turn.has_its_turn_on_merit,
        {"earlier": (place(1, review_started=True),)},
        "order.turn",
    ),
    (guards.turn.review_not_started, {"review_started": False}, ""),
    (guards.turn.review_not_started, {}, "review.started"),
    (guards.turn.review_started, {}, ""),
    (guards.turn.review_started, {"review_started": False}, "review.not_started"),
    (guards.turn.was_drawn, {}, ""),
    (guards.turn.was_drawn, {"call": DRAWN}, "order.not_drawn"),
    (guards.turn.was_drawn, {"call": DRAWN, "rank": 1}, ""),
    (guards.turn.day_is_over, {"call": BY_MERIT}, ""),
    (
        guards.turn.day_is_over,
        {"call": BY_MERIT, "now": OPENING + timedelta(hours=1)},
        "order.day_not_over",
    ),
    (guards.turn.day_is_over, {"now": OPENING + timedelta(hours=1)}, ""),
    # Steps beside the state
    (guards.steps.step_open(REQUEST, "?"), {"steps": step(REQUEST)}, ""),
    (guards.steps.step_open(REQUEST, "?"), {}, "completion_request.not_open"),
    (
        guards.steps.step_open(REQUEST, "?"),
        {"steps": step(REQUEST, ANSWERED)},
        "completion_request.not_open",
    ),
    (
        guards.steps.step_open(REQUEST, "?"),
        {"steps": step(REQUEST, CLOSED)},
        "completion_request.not_open",
    ),
    (
        guards.steps.step_open(PLAN, "?"),
        {"steps": step(PLAN, CLOSED, "returned") + step(PLAN, ordinal=2)},
        "",
    ),
    # Its term is over and the office waits no more: late, but nothing is decided.
    (ANSWER, {"steps": step(REQUEST)}, ""),
    (ANSWER, {"steps": step(REQUEST, CLOSED, "unanswered")}, ""),
    (
        ANSWER,
        {
            "steps": step(REQUEST, CLOSED, "unanswered"),
            "call": ruled(TermKind.COMPLETION, peremptory=True),
        },
        "completion_request.not_open",
    ),
    (
        ANSWER,
        {
            "steps": step(REQUEST, CLOSED, "unanswered"),
            "call": without(TermKind.COMPLETION),
        },
        "completion_request.not_open",
    ),
    (
        ANSWER,
        {
            "steps": step(REQUEST),
            "call": ruled(TermKind.COMPLETION, peremptory=True),
        },
        "",
    ),
    (ANSWER, {}, "completion_request.not_open"),
    (
        ANSWER,
        {"steps": step(REQUEST, CLOSED, "answered")},
        "completion_request.not_open",
    ),
    (
        # It came late once: a second time there is nothing to answer.
        ANSWER,
        {"steps": step(REQUEST, CLOSED, "answered_late")},
        "completion_request.not_open",
    ),
    (
        guards.steps.awaited(NOTICE, TermKind.OBSERVATIONS, "?"),
        {"steps": step(NOTICE, ANSWERED, "unanswered")},
        "refusal_notice.not_open",
    ),
    (
        # It was decided on: the office gave way though nobody had answered.
        guards.steps.awaited(NOTICE, TermKind.OBSERVATIONS, "?"),
        {"steps": step(NOTICE, CLOSED, "upheld")},
        "refusal_notice.not_open",
    ),
    (
        # Only the latest notice can be answered.
        guards.steps.awaited(NOTICE, TermKind.OBSERVATIONS, "?"),
        {
            "steps": step(NOTICE, CLOSED, "unanswered")
            + step(NOTICE, CLOSED, "upheld", ordinal=2)
        },
        "refusal_notice.not_open",
    ),
    (guards.steps.step_answered(PLAN, "?"), {"steps": step(PLAN, ANSWERED)}, ""),
    (guards.steps.step_answered(PLAN, "?"), {}, "definitive_plan.not_answered"),
    (
        guards.steps.step_answered(PLAN, "?"),
        {"steps": step(PLAN)},
        "definitive_plan.not_answered",
    ),
    (guards.steps.step_not_open(LAPSE, "?"), {}, ""),
    (
        guards.steps.step_not_open(LAPSE, "?"),
        {"steps": step(LAPSE, CLOSED, "dismissed")},
        "",
    ),
    (
        guards.steps.step_not_open(LAPSE, "?"),
        {"steps": step(LAPSE)},
        "lapse_proposal.open",
    ),
    (
        guards.steps.step_not_open(LAPSE, "?"),
        {"steps": step(LAPSE, ANSWERED)},
        "lapse_proposal.open",
    ),
    (guards.steps.never_asked(REQUEST), {}, ""),
    (
        guards.steps.never_asked(REQUEST),
        {"steps": step(REQUEST, CLOSED)},
        "completion_request.once",
    ),
    (guards.phase_2.plan_may_be_returned, {"steps": step(PLAN, ANSWERED)}, ""),
    (
        guards.phase_2.plan_may_be_returned,
        {"steps": step(PLAN, CLOSED, "returned") + step(PLAN, ANSWERED, ordinal=2)},
        "definitive_plan.returned_before",
    ),
    (guards.lists.stands_where_required, {}, ""),
    (guards.lists.stands_where_required, {"lists": (ON_IT,)}, ""),
    (guards.lists.stands_where_required, {"lists": (NOT_YET_KNOWN,)}, ""),
    (guards.lists.stands_where_required, {"lists": (OFF_IT,)}, "list.not_member"),
    (guards.lists.stands_where_required, {"lists": (NO_LIST,)}, "list.not_member"),
    (
        guards.lists.stands_where_required,
        {"lists": (OFF_IT,), "channel": Channel.PEC},
        "",
    ),
    (guards.lists.stands_where_required, {"lists": (UNREWARDED,)}, ""),
    (guards.lists.required_lists_are_known, {}, ""),
    (guards.lists.required_lists_are_known, {"lists": (ON_IT,)}, ""),
    (
        guards.lists.required_lists_are_known,
        {"lists": (NOT_YET_KNOWN,)},
        "list.not_yet",
    ),
    (guards.lists.required_lists_are_known, {"lists": (NOT_HERE,)}, "list.unknown"),
    (guards.lists.required_lists_are_known, {"lists": (OFF_IT,)}, "list.not_member"),
    (guards.lists.required_lists_are_known, {"lists": (UNREWARDED,)}, ""),
    (guards.lists.rewarded_lists_are_known, {"lists": (UNREWARDED,)}, ""),
    (
        guards.lists.rewarded_lists_are_known,
        {"lists": (replace(UNREWARDED, at=None),)},
        "list.not_yet",
    ),
    (guards.lists.rewarded_lists_are_known, {"lists": (NOT_YET_KNOWN,)}, ""),
    (guards.lists.asks_for_no_money, {"requested": Cents(0)}, ""),
    (guards.lists.asks_for_no_money, {}, "amount.none"),
    (guards.lists.may_be_assessed, {"state": ApplicationState.ADMISSIBLE}, ""),
    (
        guards.lists.may_be_assessed,
        {"state": ApplicationState.EVALUATED},
        "assessment.given",
    ),
    (
        guards.lists.may_be_assessed,
        {
            "state": ApplicationState.EVALUATED,
            "steps": step(NOTICE, CLOSED, "upheld", subject="submitted"),
        },
        "assessment.given",
    ),
    (
        guards.lists.may_be_assessed,
        {
            "state": ApplicationState.EVALUATED,
            "steps": step(NOTICE, CLOSED, "upheld", subject="evaluated"),
        },
        "",
    ),
    (guards.lists.is_on_no_list, {"state": ApplicationState.WORTHY}, ""),
    (guards.lists.is_on_no_list, {"state": ApplicationState.LISTED}, "list.member"),
    (
        guards.lists.is_on_no_list,
        {"state": ApplicationState.LISTED, "counter": CounterFacts(CallState.ANNULLED)},
        "",
    ),
    (guards.refusals.notice_of_refusal_given, {}, "refusal_notice.missing"),
    (guards.refusals.notice_of_refusal_given, {"call": NO_NOTICE}, ""),
    (
        guards.refusals.notice_of_refusal_given,
        {"steps": step(NOTICE)},
        "refusal_notice.pending",
    ),
    (guards.refusals.notice_of_refusal_given, {"steps": step(NOTICE, ANSWERED)}, ""),
    (
        guards.refusals.notice_of_refusal_given,
        {"steps": step(NOTICE, CLOSED, "unanswered")},
        "",
    ),
    (
        guards.refusals.notice_of_refusal_given,
        {"steps": step(NOTICE, CLOSED, "upheld")},
        "refusal_notice.upheld",
    ),
    (
        guards.refusals.notice_of_refusal_given,
        {"steps": step(NOTICE, CLOSED, "scored_again")},
        "refusal_notice.upheld",
    ),
    (guards.refusals.may_be_upheld, {}, "refusal_notice.not_answered"),
    (
        guards.refusals.may_be_upheld,
        {"steps": step(NOTICE)},
        "refusal_notice.not_answered",
    ),
    (guards.refusals.may_be_upheld, {"steps": step(NOTICE, ANSWERED)}, ""),
    (guards.refusals.may_be_upheld, {"steps": step(NOTICE, CLOSED, "unanswered")}, ""),
    (
        guards.refusals.may_be_upheld,
        {"steps": step(NOTICE, CLOSED, "upheld")},
        "refusal_notice.not_answered",
    ),
    (guards.refusals.not_being_refused, {}, ""),
    (guards.refusals.not_being_refused, {"steps": step(NOTICE)}, "refusal_notice.open"),
    (
        guards.refusals.not_being_refused,
        {"steps": step(NOTICE, ANSWERED)},
        "refusal_notice.not_upheld",
    ),
    (
        guards.refusals.not_being_refused,
        {"steps": step(NOTICE, CLOSED, "unanswered")},
        "refusal_notice.not_upheld",
    ),
    (guards.refusals.not_being_refused, {"steps": step(NOTICE, CLOSED, "upheld")}, ""),
    (
        guards.refusals.not_being_refused,
        {"steps": step(NOTICE, CLOSED, "scored_again")},
        "",
    ),
    (guards.refusals.refusal_notice_may_be_sent, {}, ""),
    (
        guards.refusals.refusal_notice_may_be_sent,
        {"call": NO_NOTICE},
        "refusal_notice.off",
    ),
    (
        guards.refusals.refusal_notice_may_be_sent,
        {"steps": step(NOTICE)},
        "refusal_notice.once",
    ),
    (
        guards.refusals.refusal_notice_may_be_sent,
        {"steps": step(NOTICE, CLOSED, "upheld")},
        "",
    ),
    (
        guards.refusals.refusal_notice_may_be_sent,
        {"steps": step(NOTICE, CLOSED, "scored_again")},
        "",
    ),
    (
        guards.refusals.refusal_notice_may_be_sent,
        {"steps": step(NOTICE, CLOSED, "unanswered")},
        "refusal_notice.once",
    ),
    # Terms
    (guards.terms.in_time(TermKind.START), {}, ""),
    (guards.terms.in_time(TermKind.START), {"terms": term(TermKind.START, NOW)}, ""),
    (
        guards.terms.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - SECOND + MICROSECOND)},
        "",
    ),
    (
        guards.terms.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - SECOND)},
        "term.expired",
    ),
    (
        guards.terms.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW + DAY, TermStatus.EXPIRED)},
        "term.expired",
    ),
    (
        guards.terms.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - DAY, TermStatus.MET)},
        "",
    ),
    (
        # A dismissed proposal excuses nothing by itself: the missed term restarts.
        guards.terms.in_time(TermKind.START),
        {
            "terms": term(TermKind.START, NOW - DAY, TermStatus.EXPIRED),
            "steps": step(LAPSE, CLOSED, "dismissed", subject="acceptance"),
        },
        "term.expired",
    ),
    (
        guards.terms.in_time(TermKind.START),
        {
            "terms": term(TermKind.START, NOW - DAY, TermStatus.EXPIRED)
            + term(TermKind.START, NOW + DAY, ordinal=2)
        },
        "",
    ),
    (
        # What is not peremptory lets a late answer in.
        guards.terms.in_time(TermKind.COMPLETION),
        {"terms": term(TermKind.COMPLETION, NOW - DAY)},
        "",
    ),
    (
        # Missed once, and dealt with since: what is asked now is another thing.
        guards.terms.in_time(TermKind.START),
        {"terms": term(TermKind.START, NOW - DAY, TermStatus.EXPIRED, settled=True)},
        "",
    ),
    (
        guards.terms.has_expired(TermKind.OBSERVATIONS),
        {
            "terms": term(
                TermKind.OBSERVATIONS, NOW - DAY, TermStatus.EXPIRED, settled=True
            )
        },
        "term.not_started",
    ),
    (guards.terms.some_term_missed, {}, "term.none_missed"),
    (guards.terms.some_term_missed, {"terms": term(TermKind.REPORT, NOW - SECOND)}, ""),
    (
        guards.terms.some_term_missed,
        {"terms": term(TermKind.REPORT, NOW)},
        "term.none_missed",
    ),
    (
        guards.terms.some_term_missed,
        {"terms": term(TermKind.MERIT, NOW - DAY)},
        "term.none_missed",
    ),
    (guards.terms.has_expired(TermKind.COMPLETION), {}, "term.not_started"),
    (
        guards.terms.has_expired(TermKind.COMPLETION),
        {"terms": term(TermKind.COMPLETION, NOW - SECOND)},
        "",
    ),
    (
        guards.terms.has_expired(TermKind.COMPLETION),
        {"terms": term(TermKind.COMPLETION, NOW - SECOND + MICROSECOND)},
        "term.running",
    ),
    (
        # The second notice of refusal was not delivered yet; the first was answered.
        guards.terms.has_expired(TermKind.OBSERVATIONS),
        {"terms": term(TermKind.OBSERVATIONS, NOW - DAY, TermStatus.MET)},
        "term.not_started",
    ),
    (guards.terms.some_term_extensible, {}, "term.none_running"),
    (
        guards.terms.some_term_extensible,
        {"terms": term(TermKind.REPORT, NOW)},
        "",
    ),
    (
        guards.terms.some_term_extensible,
        {"terms": term(TermKind.REPORT, NOW, TermStatus.EXPIRED)},
        "term.none_running",
    ),
    (
        guards.terms.some_term_extensible,
        {"terms": term(TermKind.CONCLUSION, NOW) + term(TermKind.DURATION, NOW)},
        "term.none_running",
    ),
    (
        guards.terms.some_term_extensible,
        {"terms": term(TermKind.START, NOW), "call": without(TermKind.START)},
        "term.none_running",
    ),
    (guards.days.some_letter_is_held, {"notices": GONE + HELD}, ""),
    (guards.days.some_letter_is_held, {"notices": GONE}, "notice.none_held"),
    # Money
    (guards.money.has_money, {}, ""),
    (guards.money.has_money, {"reserved": Cents(0)}, "money.not_reserved"),
    (guards.money.has_no_money, {"reserved": Cents(0)}, ""),
    (guards.money.has_no_money, {}, "money.reserved"),
    (guards.money.comes_first_for_money, {"earlier": (place(1),)}, ""),
    (
        guards.money.comes_first_for_money,
        {"earlier": (place(1, reserved=Cents(0)),)},
        "money.not_head",
    ),
    (
        guards.money.comes_first_for_money,
        {"money": MoneyFacts(REQUESTED, Cents(1), Cents(0))},
        "money.short",
    ),
    # A part goes only to whom it is enough for, and only to the head.
    (guards.money.comes_first_for_money, NO_ROOM, "money.short"),
    (guards.money.comes_first_for_money, {"call": PART, **NO_ROOM}, "money.short"),
    (guards.money.comes_first_for_money, AGREES, ""),
    (guards.money.comes_first_for_money, {**AGREES, **LACKING}, "money.not_head"),
    # Only where the call says so does a smaller one pass one that does not fit.
    (guards.money.comes_first_for_money, TOO_BIG, "money.not_head"),
    (guards.money.comes_first_for_money, {**TOO_BIG, "call": JUMP}, ""),
    (guards.money.comes_first_for_money, {**LACKING, "call": JUMP}, "money.not_head"),
    # Another order may give money than that in which files are examined.
    (guards.money.comes_first_for_money, {**LACKING, "claims": ()}, ""),
    (guards.money.no_money_for_it, {**TOO_BIG, "call": JUMP}, "money.free"),
    (guards.money.no_money_for_it, TOO_BIG, ""),
    (guards.money.no_money_for_it, AGREES, "money.free"),
    (guards.money.no_money_for_it, {"call": PART, **NO_ROOM}, ""),
    (guards.money.no_money_for_it, {"money": TWO_FIT}, "money.free"),
    (
        guards.money.no_money_for_it,
        {"money": MoneyFacts(REQUESTED, Cents(1), Cents(0))},
        "",
    ),
    # It need not come first: what is free may do for the earlier one and for it.
    (guards.money.no_money_for_it, {"money": TWO_FIT, **LACKING}, "money.free"),
    (guards.money.no_money_for_it, {"money": ONE_FITS, **LACKING}, ""),
    (
        guards.money.no_money_for_it,
        {"money": ONE_FITS, "earlier": (place(1),)},
        "money.free",
    ),
    (guards.money.no_money_is_due_to_it, {}, ""),
    (
        guards.money.no_money_is_due_to_it,
        {"earlier": (place(1),)},
        "money.may_be_freed",
    ),
    (guards.money.no_money_is_due_to_it, LACKING, ""),
    (
        guards.money.no_money_is_due_to_it,
        {"later_waiting": place(11, reserved=Cents(0))},
        "money.later_waiting",
    ),
    (guards.grants.may_be_granted, {}, ""),
    (guards.grants.may_be_granted, USED_UP, "aid.nothing_left"),
    (guards.grants.may_be_granted, NOT_COVERED, "money.short"),
    # People
    (guards.people.revocation_was_proposed, {}, ""),
    (
        guards.people.revocation_was_proposed,
        {"call": SEPARATED},
        "revocation_proposal.missing",
    ),
    (
        guards.people.revocation_was_proposed,
        {"call": SEPARATED, "steps": step(StepKind.REVOCATION_PROPOSAL)},
        "",
    ),
    (
        guards.people.revocation_was_proposed,
        {
            "call": SEPARATED,
            "steps": step(StepKind.REVOCATION_PROPOSAL, CLOSED, "adopted"),
        },
        "revocation_proposal.missing",
    ),
    # Merit
    (guards.merit.may_be_scored, {}, ""),
    (guards.merit.may_be_scored, {"score": 0}, "score.given"),
    (guards.merit.may_be_scored, {"score": 0, "steps": step(NOTICE)}, "score.given"),
    (
        guards.merit.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "upheld", subject=EVALUATED)},
        "",
    ),
    (
        # Those upheld in the formal check say nothing on the merit.
        guards.merit.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "upheld", subject=SUBMITTED)},
        "score.given",
    ),
    (
        guards.merit.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "scored_again", subject=EVALUATED)},
        "score.given",
    ),
    (
        guards.merit.may_be_scored,
        {"score": 0, "steps": step(NOTICE, CLOSED, "unanswered", subject=EVALUATED)},
        "score.given",
    ),
    (guards.merit.reaches_threshold, {"score": 60}, ""),
    (guards.merit.reaches_threshold, {"score": 59}, "score.below_threshold"),
    (guards.merit.reaches_threshold, {"score": None}, "score.below_threshold"),
    (guards.refusals.refusal_has_ground, {"score": None}, ""),
    (guards.refusals.refusal_has_ground, {"score": 59}, ""),
    (guards.refusals.refusal_has_ground, {"score": 60}, "score.reaches_threshold"),
    (guards.refusals.refusal_has_ground, {"score": 60, **USED_UP}, ""),
    # Phase 2
    (guards.grants.acceptance_is_wanted, {}, ""),
    (
        guards.grants.acceptance_is_wanted,
        {"call": NO_ACCEPTANCE},
        "acceptance.not_wanted",
    ),
    (guards.grants.no_acceptance_is_wanted, {}, "acceptance.missing"),
    (guards.grants.no_acceptance_is_wanted, {"call": NO_ACCEPTANCE}, ""),
    (guards.grants.is_published, {"published_on": TODAY}, ""),
    (guards.grants.is_published, {}, "grant.not_published"),
    (guards.grants.not_published, {}, ""),
    (guards.grants.not_published, {"published_on": TODAY}, "grant.published"),
    (guards.phase_2.not_signed, {}, ""),
    (guards.phase_2.not_signed, {"steps": step(NEGOTIATION)}, ""),
    (
        guards.phase_2.not_signed,
        {"steps": step(NEGOTIATION, CLOSED, "convened_again")},
        "",
    ),
    (
        guards.phase_2.not_signed,
        {"steps": step(NEGOTIATION, CLOSED, "signed")},
        "negotiation.signed",
    ),
    (guards.grants.cor_not_confirmed, {}, ""),
    (guards.grants.cor_not_confirmed, {"terms": term(TermKind.AID_REGISTRY, NOW)}, ""),
    (
        guards.grants.cor_not_confirmed,
        {"terms": term(TermKind.AID_REGISTRY, NOW, TermStatus.MET)},
        "cor.confirmed",
    ),
    (
        guards.grants.cor_has_lapsed,
        {"terms": term(TermKind.AID_REGISTRY, NOW, TermStatus.EXPIRED)},
        "",
    ),
    (guards.grants.cor_has_lapsed, {"cor": COR}, "cor.valid"),
    (guards.grants.cor_has_lapsed, {"call": NO_AID}, "cor.not_wanted"),
    (guards.grants.cor_not_confirmed, {"call": NO_AID}, "cor.not_wanted"),
    (
        guards.grants.cor_has_lapsed,
        {"terms": term(TermKind.AID_REGISTRY, NOW - DAY)},
        "cor.valid",
    ),
    (
        # It was sent in time after all, as was recorded late.
        guards.grants.cor_has_lapsed,
        {"terms": SENT_AFTER_ALL},
        "cor.valid",
    ),
    (
        guards.grants.cor_has_lapsed,
        {"terms": REGISTERED_AGAIN},
        "cor.valid",
    ),
    (guards.grants.cor_stands, {"cor": COR}, ""),
    (guards.grants.cor_stands, {"terms": SENT_AFTER_ALL}, ""),
    (guards.grants.cor_stands, {"terms": REGISTERED_AGAIN}, ""),
    (guards.grants.cor_not_confirmed, {"terms": SENT_AFTER_ALL}, "cor.confirmed"),
    (guards.grants.cor_not_confirmed, {"terms": REGISTERED_AGAIN}, ""),
    (
        guards.grants.cor_not_confirmed,
        {"terms": term(TermKind.AID_REGISTRY, NOW, TermStatus.EXPIRED)},
        "",
    ),
    (
        guards.grants.cor_stands,
        {"terms": term(TermKind.AID_REGISTRY, NOW, TermStatus.EXPIRED)},
        "cor.lapsed",
    ),
    (guards.terms.lapse_was_notified, {}, "lapse_proposal.not_delivered"),
    (guards.terms.lapse_was_notified, proposed(None), "lapse_proposal.not_delivered"),
    # Today is 30/01/2026: the tenth day after the 20th, one past that of the 19th.
    (
        guards.terms.lapse_was_notified,
        proposed(rome(2026, 1, 20, 0)),
        "lapse_proposal.pending",
    ),
    (guards.terms.lapse_was_notified, proposed(rome(2026, 1, 19, 23, 59)), ""),
    (
        guards.terms.lapse_was_notified,
        proposed(rome(2026, 1, 1), None),
        "lapse_proposal.not_delivered",
    ),
    (
        # Ten days after the 15th is a Sunday: the applicant has the Monday too.
        guards.terms.lapse_was_notified,
        {**proposed(rome(2026, 1, 15, 9)), "now": rome(2026, 1, 26, 23)},
        "lapse_proposal.pending",
    ),
    (
        guards.terms.lapse_was_notified,
        {**proposed(rome(2026, 1, 15, 9)), "now": rome(2026, 1, 27)},
        "",
    ),
    (guards.phase_2.end_not_noted, {}, ""),
    (
        guards.phase_2.end_not_noted,
        {"steps": step(StepKind.REPORT)},
        "report.once",
    ),
    (
        guards.phase_2.end_not_noted,
        {"steps": step(StepKind.REPORT, CLOSED, "settled")},
        "report.once",
    ),
    (guards.phase_2.determined, {"steps": step(DETERMINATION)}, ""),
    (guards.phase_2.determined, {}, "determination.missing"),
    (
        guards.phase_2.determined,
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
SENT = stated.RegistrationInputs
ABOUT, MORE = stated.TermInputs, stated.TermExtensionInputs
REMINDED = stated.ReminderInputs(term=TermKind.REPORT, days=0)
RELEASED = stated.ReleaseInputs(notice=LETTER)
LAPSED = stated.LapseInputs
DELIVERED = stated.DeliveryInputs
FIRST_LETTER = UUID(int=1)
TWO_LETTERS = (
    NoticeRecord(Letter.GRANT, OPENING, None, FIRST_LETTER),
    NoticeRecord(Letter.GRANT, NOW, NOW, UUID(int=2)),
)


def granting(**values):
    """Return what an act of grant usually carries, with some of it changed."""
    usual = {
        "cor": COR,
        "cor_on": TODAY,
        "cup": CUP,
        "cup_on": TODAY,
        "durc_until": TODAY,
    }
    return say(stated.GrantInputs, **{**usual, **values})


def determining(amount):
    """Return the investment that is admitted in the definitive plan."""
    return say(stated.DeterminationInputs, admitted_investment=amount)


AT_ANTIMAFIA = {"requested": Cents(20_000_000), "investment": Cents(14_117_647)}
"""What the call gives on this is 150000.00, to the cent."""
BELOW_ANTIMAFIA = {**AT_ANTIMAFIA, "investment": Cents(14_117_646)}

MET_ONE = stated.AssessmentInputs(minutes="1", criterion=("innovation",))

ACCEPTS = [
    # what, facts, what is stated, the code that stands in the way or nothing
    (guards.partnerships.something_changes, {}, WANTED, ""),
    (
        guards.partnerships.something_changes,
        jointly(member(), then=(member(kind=PUBLIC),)),
        WANTED,
        "",
    ),
    (
        guards.partnerships.something_changes,
        jointly(member(), member(3), then=(member(3), member())),
        WANTED,
        "partnership.unchanged",
    ),
    (guards.ranking.money_is_free, WITH_NOTHING, funded(50), ""),
    (guards.ranking.money_is_free, WITH_NOTHING, funded(51), "money.short"),
    (
        guards.ranking.money_is_free,
        {"money": FIFTY_FREE, "reserved": Cents(10)},
        funded(60),
        "",
    ),
    (
        guards.ranking.money_is_free,
        {"money": FIFTY_FREE, "granted": Cents(10)},
        funded(9),
        "ranking.takes_back",
    ),
    (
        guards.grants.antimafia_is_checked_again,
        {"granted": Cents(9_999_999), "reserved": Cents(5_000_000)},
        stated.RaiseInputs(durc_until=TODAY),
        "",
    ),
    (
        guards.grants.antimafia_is_checked_again,
        {"granted": Cents(10_000_000), "reserved": Cents(5_000_000)},
        stated.RaiseInputs(durc_until=TODAY),
        "antimafia.missing",
    ),
    (guards.ranking.registry_knows_no_more, {}, funded(50), ""),
    (guards.ranking.registry_knows_no_more, {"granted": Cents(50)}, funded(50), ""),
    (
        guards.ranking.registry_knows_no_more,
        {"granted": Cents(50)},
        funded(51),
        "ranking.registered",
    ),
    (
        guards.ranking.registry_knows_no_more,
        {"granted": Cents(50), "call": NO_AID},
        funded(51),
        "",
    ),
    (guards.ranking.cor_is_there_if_wanted, {}, coded(cor=COR, cor_on=TODAY), ""),
    (guards.ranking.cor_is_there_if_wanted, {}, coded(), "cor.missing"),
    (guards.ranking.cor_is_there_if_wanted, {}, coded(cor=COR), "cor.missing"),
    (guards.ranking.cor_is_there_if_wanted, {"call": NO_AID}, coded(), ""),
    (
        guards.ranking.cor_is_there_if_wanted,
        {"call": NO_AID},
        coded(cor=COR, cor_on=TODAY),
        "cor.not_wanted",
    ),
    (
        guards.ranking.cor_is_there_if_wanted,
        {"call": NO_AID},
        coded(cor_on=TODAY),
        "cor.not_wanted",
    ),
    (guards.people.abstains_not, {}, REVIEW, ""),
    (guards.people.abstains_not, {"by": None}, REVIEW, ""),
    (guards.people.abstains_not, {"people": in_conflict(OTHER)}, REVIEW, ""),
    (
        guards.people.abstains_not,
        {"people": in_conflict(ANYBODY.id)},
        REVIEW,
        "conflict.declared",
    ),
    (
        guards.people.abstains_not,
        {"people": in_conflict(OTHER), "by": FOR_ANOTHER},
        REVIEW,
        "conflict.declared",
    ),
    (guards.people.scores_once, {}, REVIEW, ""),
    (guards.people.scores_once, {"by": None}, REVIEW, ""),
    (guards.people.scores_once, {"people": scored_by(OTHER)}, REVIEW, ""),
    (
        guards.people.scores_once,
        {"people": scored_by(ANYBODY.id)},
        REVIEW,
        "score.given_by_same",
    ),
    (
        guards.people.scores_once,
        {"people": scored_by(OTHER), "by": FOR_ANOTHER},
        REVIEW,
        "score.given_by_same",
    ),
    (
        guards.people.scores_once,
        {"people": scored_by(THIRD, behalf=ANYBODY.id)},
        REVIEW,
        "score.given_by_same",
    ),
    (guards.lists.criteria_are_known, {"call": filiere()}, MET_ONE, ""),
    (
        guards.lists.criteria_are_known,
        {"call": filiere()},
        stated.AssessmentInputs(minutes="1", criterion=("beauty",)),
        "assessment.unknown_criterion",
    ),
    (guards.lists.meets_enough_criteria, {"call": filiere()}, MET_ONE, ""),
    (
        guards.lists.meets_enough_criteria,
        {"call": filiere()},
        stated.AssessmentInputs(minutes="1"),
        "assessment.too_few_criteria",
    ),
    (guards.people.conflict_is_new, {"by": EVALUATOR}, conflict_of(EVALUATOR.id), ""),
    (guards.people.conflict_is_new, {}, conflict_of(OTHER), ""),
    (
        guards.people.conflict_is_new,
        {"by": EVALUATOR},
        conflict_of(OTHER),
        "conflict.of_another",
    ),
    (
        guards.people.conflict_is_new,
        {"people": in_conflict(OTHER)},
        conflict_of(OTHER),
        "conflict.known",
    ),
    (
        guards.people.conflict_is_new,
        {"people": PeopleFacts(is_known=False)},
        conflict_of(OTHER),
        "officer.unknown",
    ),
    (
        guards.people.conflict_is_new,
        {"by": RUP},
        conflict_of(OTHER),
        "conflict.of_another",
    ),
    (
        guards.people.conflict_may_end,
        {},
        conflict_of(OTHER),
        "conflict.unknown",
    ),
    (
        guards.people.conflict_may_end,
        {"people": in_conflict(OTHER), "by": None},
        conflict_of(OTHER),
        "",
    ),
    (
        guards.people.conflict_may_end,
        {"people": in_conflict(EVALUATOR.id), "by": EVALUATOR},
        conflict_of(EVALUATOR.id),
        "",
    ),
    (
        guards.people.conflict_may_end,
        {"people": in_conflict(EVALUATOR.id, by=OTHER), "by": EVALUATOR},
        conflict_of(EVALUATOR.id),
        "conflict.of_another",
    ),
    (
        guards.people.conflict_may_end,
        {"people": in_conflict(OTHER), "by": EVALUATOR},
        conflict_of(OTHER),
        "conflict.of_another",
    ),
    (
        guards.people.conflict_may_end,
        {"people": in_conflict(OTHER), "by": RUP},
        conflict_of(OTHER),
        "",
    ),
    (
        guards.people.conflict_may_end,
        {"people": in_conflict(RUP.id, by=OTHER), "by": RUP},
        conflict_of(RUP.id),
        "conflict.of_another",
    ),
    (
        guards.people.conflict_may_end,
        {
            "people": in_conflict(OTHER),
            "by": replace(RUP, behalf={Role.RESPONSIBLE: OTHER}),
        },
        conflict_of(OTHER),
        "conflict.of_another",
    ),
    (guards.turn.takes_its_turn, {}, REVIEW, ""),
    (guards.turn.takes_its_turn, EARLIER, REVIEW, "order.turn"),
    (guards.turn.takes_its_turn, {}, OVERTAKE, "order.nobody_to_overtake"),
    (guards.turn.takes_its_turn, EARLIER, OVERTAKE, "order.overtaking_needs_act"),
    (
        guards.turn.takes_its_turn,
        {**EARLIER, "act": act()},
        OVERTAKE,
        "order.overtaking_needs_act",
    ),
    (guards.turn.takes_its_turn, ORDERED, OVERTAKE, ""),
    (guards.turn.takes_its_turn, ORDERED, REVIEW, "order.turn"),
    (
        guards.turn.takes_its_turn,
        {"earlier": (place(1, review_started=True),)},
        REVIEW,
        "",
    ),
    (
        guards.turn.takes_its_turn,
        {"earlier": (place(1, waits_for_applicant=True),)},
        REVIEW,
        "",
    ),
    (
        guards.turn.takes_its_turn,
        {
            "earlier": (place(1, waits_for_applicant=True),),
            "call": call("procedure", skip_when_suspended=False),
        },
        REVIEW,
        "order.turn",
    ),
    (guards.turn.is_scored_in_turn, {}, SHEET, ""),
    (
        guards.turn.is_scored_in_turn,
        {"earlier": (place(1, review_started=True),)},
        SHEET,
        "order.turn",
    ),
    (guards.turn.is_scored_in_turn, ORDERED, HIGH_SHEET, ""),
    (guards.merit.scores_are_complete, {}, SHEET, ""),
    (
        guards.merit.scores_are_complete,
        {},
        say(stated.EvaluationInputs, minutes="1", score=scores()[1:]),
        "score.invalid",
    ),
    (
        guards.merit.checklist_is_complete,
        {},
        say(stated.AdmissionInputs, checked=CHECKED),
        "",
    ),
    (
        guards.merit.checklist_is_complete,
        {},
        say(stated.AdmissionInputs, checked=CHECKED[1:]),
        "checklist.incomplete",
    ),
    (
        guards.merit.checklist_is_complete,
        {},
        say(stated.AdmissionInputs, checked=[*CHECKED, "x"]),
        "checklist.unknown",
    ),
    (guards.days.not_after_today("started_on"), {}, STARTED(started_on=TODAY), ""),
    (
        guards.days.not_after_today("started_on"),
        {},
        STARTED(started_on=SOON),
        "date.future",
    ),
    (
        guards.days.not_after_today("delivered_on"),
        {},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "",
    ),
    (
        guards.days.not_before("started_on", Letter.GRANT),
        GRANTED,
        STARTED(started_on=TODAY),
        "",
    ),
    (
        guards.days.not_before("started_on", Letter.GRANT),
        GRANTED,
        STARTED(started_on=TODAY - DAY),
        "date.too_early",
    ),
    (
        guards.days.not_before("started_on", Letter.GRANT),
        {},
        STARTED(started_on=LONG_AGO),
        "",
    ),
    (
        guards.days.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "",
    ),
    (
        guards.days.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.GRANT, receipt="R", delivered_on=LONG_AGO),
        "date.too_early",
    ),
    (
        guards.days.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.REVOKED, receipt="R"),
        "notice.not_written",
    ),
    (
        guards.days.letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, OPENING, NOW)},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "notice.delivered",
    ),
    (
        # The host's clock stood still between the two: the second one waits.
        guards.days.letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, NOW, NOW) + letter(Letter.GRANT, NOW)},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "",
    ),
    (
        # A receipt tells no more than the second.
        guards.days.letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, NOW.replace(microsecond=500))},
        DELIVERED(letter=Letter.GRANT, receipt="R", delivered_at=NOW),
        "",
    ),
    (
        guards.days.letter_awaits_delivery,
        {"notices": letter(Letter.GRANT, NOW)},
        DELIVERED(letter=Letter.GRANT, receipt="R", delivered_at=NOW - SECOND),
        "date.too_early",
    ),
    (
        guards.days.letter_awaits_delivery,
        GRANTED,
        DELIVERED(letter=Letter.GRANT, receipt="R", delivered_at=NOW + SECOND),
        "date.future",
    ),
    (
        guards.days.letter_awaits_delivery,
        {"notices": TWO_LETTERS},
        DELIVERED(letter=Letter.GRANT, receipt="R", notice=FIRST_LETTER),
        "",
    ),
    (
        guards.days.letter_awaits_delivery,
        {"notices": TWO_LETTERS},
        DELIVERED(letter=Letter.GRANT, receipt="R"),
        "notice.delivered",
    ),
    (
        guards.days.letter_awaits_delivery,
        {"notices": TWO_LETTERS},
        DELIVERED(letter=Letter.REVOKED, receipt="R", notice=FIRST_LETTER),
        "notice.unknown",
    ),
    (
        guards.terms.missed_term,
        {"terms": term(TermKind.START, NOW - SECOND)},
        LAPSED(term=TermKind.START),
        "",
    ),
    (
        guards.terms.missed_term,
        {"terms": term(TermKind.START, NOW)},
        LAPSED(term=TermKind.START),
        "term.running",
    ),
    (
        guards.terms.missed_term,
        {"terms": term(TermKind.START, NOW - DAY, TermStatus.MET)},
        LAPSED(term=TermKind.START),
        "term.met",
    ),
    (guards.terms.missed_term, {}, LAPSED(term=TermKind.START), "term.not_started"),
    (guards.terms.missed_term, {}, LAPSED(term=TermKind.MERIT), "term.no_lapse"),
    # The call sets no such term at all.
    (guards.terms.missed_term, {}, LAPSED(term=TermKind.PAYMENT), "term.no_lapse"),
    (guards.grants.sent_while_it_stood, {}, SENT(sent_on=TODAY), ""),
    (
        guards.grants.sent_while_it_stood,
        {"terms": term(TermKind.AID_REGISTRY, rome(2026, 1, 29, 23, 59, 59))},
        SENT(sent_on=date(2026, 1, 29)),
        "",
    ),
    (
        guards.grants.sent_while_it_stood,
        {"terms": term(TermKind.AID_REGISTRY, rome(2026, 1, 29, 23, 59, 59))},
        SENT(sent_on=date(2026, 1, 30)),
        "cor.late",
    ),
    (
        # Recorded late, and sent in time.
        guards.grants.sent_while_it_stood,
        {
            "terms": term(
                TermKind.AID_REGISTRY,
                rome(2026, 1, 29, 23, 59, 59),
                TermStatus.EXPIRED,
            )
        },
        SENT(sent_on=date(2026, 1, 29)),
        "",
    ),
    # A day is over with its last second, an hour as it strikes.
    (
        guards.terms.term_is_over,
        {"terms": term(TermKind.CONCLUSION, NOW - SECOND)},
        ABOUT(term=TermKind.CONCLUSION),
        "",
    ),
    (
        guards.terms.term_is_over,
        {"terms": term(TermKind.CONCLUSION, NOW - SECOND + MICROSECOND)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.running",
    ),
    (
        guards.terms.term_is_over,
        {"terms": term(TermKind.REPORT, NOW - MICROSECOND), "call": UNTIL_NOON},
        ABOUT(term=TermKind.REPORT),
        "",
    ),
    (
        guards.terms.term_is_over,
        {"terms": term(TermKind.REPORT, NOW), "call": UNTIL_NOON},
        ABOUT(term=TermKind.REPORT),
        "term.running",
    ),
    (
        guards.terms.term_is_over,
        {"terms": term(TermKind.CONCLUSION, NOW - DAY, TermStatus.EXPIRED)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.expired",
    ),
    (
        guards.terms.term_is_over,
        {"terms": term(TermKind.CONCLUSION, NOW - DAY, TermStatus.MET)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_started",
    ),
    (
        guards.terms.term_is_over,
        {},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_started",
    ),
    (
        # The one that was excused is over; the one that began again is not.
        guards.terms.term_is_over,
        {
            "terms": term(TermKind.START, NOW - DAY, TermStatus.EXPIRED)
            + term(TermKind.START, NOW + DAY, ordinal=2)
        },
        ABOUT(term=TermKind.START),
        "term.running",
    ),
    (
        guards.terms.was_missed,
        {"terms": term(TermKind.CONCLUSION, NOW - DAY, TermStatus.EXPIRED)},
        ABOUT(term=TermKind.CONCLUSION),
        "",
    ),
    (
        guards.terms.was_missed,
        {
            "terms": term(
                TermKind.CONCLUSION, NOW - DAY, TermStatus.EXPIRED, settled=True
            )
        },
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_missed",
    ),
    (
        guards.terms.was_missed,
        {"terms": term(TermKind.CONCLUSION, NOW - DAY)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_missed",
    ),
    (
        guards.terms.was_missed,
        {"terms": term(TermKind.CONCLUSION, NOW - DAY, TermStatus.MET)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_missed",
    ),
    (
        guards.terms.was_missed,
        {},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_missed",
    ),
    (
        guards.terms.stands_still,
        {"terms": term(TermKind.CONCLUSION, NOW, TermStatus.SUSPENDED)},
        ABOUT(term=TermKind.CONCLUSION),
        "",
    ),
    (
        guards.terms.stands_still,
        {"terms": term(TermKind.CONCLUSION, NOW)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_suspended",
    ),
    (
        guards.terms.stands_still,
        {"terms": term(TermKind.CONCLUSION, NOW, TermStatus.CANCELLED)},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_suspended",
    ),
    (
        guards.terms.stands_still,
        {},
        ABOUT(term=TermKind.CONCLUSION),
        "term.not_suspended",
    ),
    (
        guards.terms.is_running,
        {"terms": term(TermKind.REPORT, NOW)},
        REMINDED,
        "",
    ),
    (
        guards.terms.is_running,
        {"terms": term(TermKind.REPORT, NOW - timedelta(days=1))},
        REMINDED,
        "term.not_running",
    ),
    (
        guards.terms.is_running,
        {"terms": term(TermKind.REPORT, NOW, TermStatus.SUSPENDED)},
        REMINDED,
        "term.not_running",
    ),
    (guards.terms.is_running, {}, REMINDED, "term.not_running"),
    (guards.days.letter_is_held, {"notices": HELD}, RELEASED, ""),
    (
        guards.days.letter_is_held,
        {"notices": GONE},
        RELEASED,
        "notice.not_held",
    ),
    (guards.days.letter_is_held, {}, RELEASED, "notice.not_written"),
    (
        guards.terms.may_be_extended,
        {"terms": term(TermKind.REPORT, NOW)},
        MORE(term=TermKind.REPORT, days=1),
        "",
    ),
    (
        guards.terms.may_be_extended,
        {"terms": term(TermKind.COMPLETION, NOW, TermStatus.SUSPENDED)},
        MORE(term=TermKind.COMPLETION, days=365),
        "",
    ),
    (
        guards.terms.may_be_extended,
        {},
        MORE(term=TermKind.REPORT, days=1),
        "term.not_running",
    ),
    (
        # It has ended, though no worker could note it yet.
        guards.terms.may_be_extended,
        {"terms": term(TermKind.REPORT, NOW - SECOND)},
        MORE(term=TermKind.REPORT, days=1),
        "term.not_running",
    ),
    (
        guards.terms.may_be_extended,
        {"terms": term(TermKind.REPORT, NOW - DAY, TermStatus.EXPIRED)},
        MORE(term=TermKind.REPORT, days=1),
        "term.not_running",
    ),
    (
        guards.terms.may_be_extended,
        {"terms": term(TermKind.REPORT, NOW, TermStatus.MET)},
        MORE(term=TermKind.REPORT, days=1),
        "term.not_running",
    ),
    # The law says how long observations stop the office, the plan has its own act,
    # and nobody gives the office more time for its own work.
    *(
        (
            guards.terms.may_be_extended,
            {"terms": term(kind, NOW)},
            MORE(term=kind, days=1),
            "extension.not_for_applicant",
        )
        for kind in sorted(set(TermKind) - set(guards.terms.OF_THE_APPLICANT))
    ),
    (
        guards.money.within_grant,
        {"granted": Cents(100)},
        say(stated.SettlementInputs, recognised="1.00"),
        "",
    ),
    (
        guards.money.within_grant,
        {"granted": Cents(100)},
        say(stated.SettlementInputs, recognised="1.01"),
        "amount.above_grant",
    ),
    (
        guards.money.recovery_within_grant,
        {"granted": Cents(100)},
        say(stated.RecoveryInputs, recover="1.00"),
        "",
    ),
    (
        guards.money.recovery_within_grant,
        {"granted": Cents(100)},
        say(stated.RecoveryInputs, recover="1.01"),
        "amount.above_grant",
    ),
    (guards.grants.grant_is_covered, {}, granting(), ""),
    (guards.grants.grant_is_covered, USED_UP, granting(), "aid.nothing_left"),
    (guards.grants.grant_is_covered, NOT_COVERED, granting(), "money.short"),
    # Ten thousand euro are left: a smaller investment may need no more.
    (
        guards.grants.grant_is_covered,
        {**NOT_COVERED, "call": call("aid", fixed=Cents(0))},
        granting(admitted_investment="11764.70"),
        "",
    ),
    (
        guards.grants.grant_is_covered,
        {**NOT_COVERED, "call": call("aid", fixed=Cents(0))},
        granting(admitted_investment="11764.72"),
        "money.short",
    ),
    # Twenty days from the COR to send the act: today is 30/01/2026, a Friday.
    (
        guards.grants.sent_while_it_stood,
        {"terms": term(TermKind.AID_REGISTRY, NOW)},
        stated.RegistrationInputs(sent_on=date(2026, 1, 30)),
        "",
    ),
    (
        guards.grants.sent_while_it_stood,
        {"terms": term(TermKind.AID_REGISTRY, NOW)},
        stated.RegistrationInputs(sent_on=date(2026, 1, 31)),
        "cor.late",
    ),
    (guards.grants.cor_is_valid, {}, granting(), ""),
    (guards.grants.cor_is_valid, {}, granting(cor_on=date(2026, 1, 10)), ""),
    (guards.grants.cor_is_valid, {}, granting(cor_on=date(2026, 1, 9)), "cor.expired"),
    (
        # The twentieth day after the 11th is a Saturday, after the 12th a Sunday.
        guards.grants.cor_is_valid,
        {"now": rome(2026, 2, 2, 9)},
        granting(cor_on=date(2026, 1, 12)),
        "",
    ),
    (
        guards.grants.cor_is_valid,
        {"now": rome(2026, 2, 2, 9)},
        granting(cor_on=date(2026, 1, 11)),
        "cor.expired",
    ),
    (
        guards.grants.cor_is_valid,
        {"call": without(TermKind.AID_REGISTRY)},
        granting(cor_on=date(2020, 1, 1)),
        "",
    ),
    (
        guards.grants.grant_is_covered,
        {**NOT_COVERED, "claims": ()},
        granting(),
        "",
    ),
    (guards.grants.admitted_within_declared, {}, granting(), ""),
    (
        guards.grants.admitted_within_declared,
        {},
        granting(admitted_investment="95424.84"),
        "",
    ),
    (
        guards.grants.admitted_within_declared,
        {},
        granting(admitted_investment="95424.85"),
        "amount.above_declared",
    ),
    (
        guards.grants.admitted_within_plan,
        {"plan_investment": Cents(5_000)},
        determining("50.00"),
        "",
    ),
    (
        guards.grants.admitted_within_plan,
        {"plan_investment": Cents(5_000)},
        determining("50.01"),
        "amount.above_declared",
    ),
    # A plan filed before the system kept its investment: what was declared counts.
    (guards.grants.admitted_within_plan, {}, determining("95424.84"), ""),
    (
        guards.grants.admitted_within_plan,
        {},
        determining("95424.85"),
        "amount.above_declared",
    ),
    (guards.grants.contributions_are_regular, {}, granting(), ""),
    (
        guards.grants.contributions_are_regular,
        {},
        granting(durc_until=TODAY - DAY),
        "durc.expired",
    ),
    (guards.grants.antimafia_is_checked, BELOW_ANTIMAFIA, granting(), ""),
    (guards.grants.antimafia_is_checked, AT_ANTIMAFIA, granting(), "antimafia.missing"),
    (
        guards.grants.antimafia_is_checked,
        AT_ANTIMAFIA,
        granting(antimafia="BDNA 1"),
        "",
    ),
    (
        guards.grants.antimafia_is_checked,
        AT_ANTIMAFIA,
        granting(admitted_investment="141176.46"),
        "",
    ),
    (
        guards.days.not_before_today("meeting_on"),
        {},
        stated.MeetingInputs(meeting_on=TODAY),
        "",
    ),
    (
        guards.days.not_before_today("meeting_on"),
        {},
        stated.MeetingInputs(meeting_on=TODAY - DAY),
        "date.past",
    ),
    (guards.ranking.admitted_cost_is_enough, {"call": LEAST}, granting(), ""),
    (
        guards.ranking.admitted_cost_is_enough,
        {"call": LEAST},
        granting(admitted_investment="5.00"),
        "",
    ),
    (
        guards.ranking.admitted_cost_is_enough,
        {"call": LEAST},
        granting(admitted_investment="4.99"),
        "investment.below_minimum",
    ),
    (guards.terms.extension_allowed, {}, stated.ExtensionInputs(months=6), ""),
    *(
        # Twelve months from the opening, 20/01/2026, and two by an extension before.
        (
            guards.terms.extension_allowed,
            {
                "call": ruled(TermKind.DURATION, not_after=date(2027, 6, day)),
                "terms": term(TermKind.DURATION, NOW, extra_months=2),
            },
            stated.ExtensionInputs(months=3),
            code,
        )
        for day, code in ((20, ""), (19, "extension.after_latest_day"))
    ),
    (
        guards.terms.extension_allowed,
        {},
        stated.ExtensionInputs(months=7),
        "extension.too_long",
    ),
    (
        guards.terms.extension_allowed,
        {"notices": EXTENDED},
        stated.ExtensionInputs(months=1),
        "extension.used",
    ),
    (
        guards.terms.extension_allowed,
        {"terms": term(TermKind.DURATION, NOW)},
        stated.ExtensionInputs(months=1),
        "",
    ),
    (
        guards.terms.extension_allowed,
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


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ((member(2), member(3)), ""),
        ((member(1),), "partnership.lead_twice"),
        ((), "partnership.too_few"),
        ((member(2), member(3), member(4)), "partnership.too_many"),
        ((member(5), ELSEWHERE), "partnership.in_two"),
        ((member(2),), "partnership.unchanged"),
    ],
)
def test_a_change_is_held_to_the_partners_that_there_will_be(then, code):
    known = facts(
        **jointly(member(2), then=then, minimum=2, maximum=3, one_application_each=True)
    )

    verdicts = [check(known, WANTED) for check in guards.partnerships.CHANGE]

    assert [verdict.code for verdict in verdicts if not verdict] == [code] * bool(code)


def test_whoever_is_at_fault_is_named_by_number_and_by_the_application_that_has_them():
    many = [member(9, other="2026/0000001")] * 12
    known = facts(**jointly(member(), *many, one_application_each=True))

    verdict = guards.partnerships.nobody_is_in_two(known)

    assert verdict.message.startswith(
        "partner 2 (`partners.1`) is already in 2026/0000001, partner 3 (`partners.2`)"
    )
    assert "and 2 more: in this call nobody is in two" in verdict.message
    assert verdict.details["held"] == [
        {"partner": number, "application": "2026/0000001"} for number in range(2, 14)
    ]


def test_every_guard_has_a_case_that_passes_and_one_that_does_not():
    tried = [(_named(row[0]), row[-1] == "") for row in (*NEEDS, *ACCEPTS)]
    guards_there = {
        name
        for _, module in inspect.getmembers(guards, inspect.ismodule)
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__
        and not name.startswith("_")
        and inspect.signature(member).return_annotation is not bool
    }

    assert {name for name, passes in tried if passes} == guards_there
    assert {name for name, passes in tried if not passes} == guards_there


@pytest.mark.parametrize(
    ("reserved", "words"),
    [(0, "and nothing is reserved"), (1_000_000, "and only 10000.00 is reserved")],
)
def test_who_lacks_money_is_told_what_is_reserved(reserved, words):
    verdict = guards.money.has_money(facts(reserved=Cents(reserved)))

    assert words in verdict.message


def test_who_holds_money_is_not_told_to_wait_for_it():
    later = facts(earlier=(place(1),), money=MoneyFacts(REQUESTED, REQUESTED, Cents(0)))

    verdict = guards.grants.may_be_granted(later)

    assert verdict.code == "money.short"
    assert "decide the earlier ones first" in verdict.message
    assert "waiting list" not in verdict.message


def test_lateness_is_told_to_the_microsecond():
    late = CLOSING + timedelta(seconds=33, microseconds=7)

    verdict = guards.receipt.within_window(facts(received_at=late, **SHUT))

    assert verdict.details["late_microseconds"] == 33_000_007
    assert "0:00:33.000007 (hours:minutes:seconds) after the window closed at " in (
        verdict.message
    )
    assert "closed at 05/03/2026 16:00:00;" in verdict.message


def test_a_suspension_is_told_with_its_cause_and_its_announced_end():
    received = MORNING + MICROSECOND

    verdict = guards.receipt.within_window(facts(received_at=received, **STOPPED))

    assert "while the counter was suspended from 22/01/2026 10:00:00 on" in (
        verdict.message
    )
    assert "(exhaustion); file it again from 23/01/2026 10:00:00 on" in (
        verdict.message
    )
    assert verdict.details == {
        "received_at": written(received),
        "suspended_at": written(MORNING),
        "suspended_for": "exhaustion",
        "reopens_at": written(EVENING),
    }


def test_what_came_before_a_closed_counter_was_opened_again_came_while_it_was_shut():
    extended = CounterFacts(
        CallState.OPEN, (Opening(OPENING, MORNING), Opening(EVENING, None))
    )

    verdict = guards.receipt.within_window(
        facts(received_at=MORNING + MICROSECOND, counter=extended)
    )

    assert "while the counter was not open from 22/01/2026 10:00:00 on; file it" in (
        verdict.message
    )


def test_a_suspension_without_an_announced_end_is_told_so():
    stopped = replace(STOPPED["counter"], reopens_at=None)

    verdict = guards.receipt.within_window(
        facts(received_at=MORNING + MICROSECOND, counter=stopped)
    )

    assert verdict.message.endswith("file it again if it is reopened")
    assert "reopens_at" not in verdict.details


def test_of_a_past_suspension_its_two_ends_are_told():
    verdict = guards.receipt.within_window(
        facts(received_at=MORNING + MICROSECOND, **REOPENED)
    )

    assert verdict.details["suspended_at"] == written(MORNING)
    assert verdict.details["reopens_at"] == written(EVENING)
    assert "suspended_for" not in verdict.details


def test_a_closing_that_came_early_is_told_as_it_was():
    verdict = guards.receipt.window_not_over(facts(**CUT_SHORT))

    assert "the window closed at 22/01/2026 10:00:00" in verdict.message


def test_a_draw_that_lacks_is_told_with_its_command():
    verdict = guards.turn.was_drawn(facts(call=DRAWN))

    assert f"`sportello call draw {ctl().code}`" in verdict.message


def test_an_expired_cor_tells_until_when_the_act_could_be_sent():
    verdict = guards.grants.cor_is_valid(facts(), granting(cor_on=date(2026, 1, 9)))

    assert verdict.details == {"send_by": "2026-01-29"}


def test_the_end_of_a_term_is_told_as_the_register_writes_it():
    over, running = NOW - SECOND, NOW

    ended = guards.terms.in_time(TermKind.START)(
        facts(terms=term(TermKind.START, over))
    )
    waits = guards.terms.has_expired(TermKind.START)(
        facts(terms=term(TermKind.START, running))
    )

    assert ended.details == {"due_at": written(over)}
    assert waits.details == {"due_at": written(running)}


@pytest.mark.parametrize(
    ("many", "words"),
    [
        (1, "2026/0000001 comes earlier and is"),
        (2, "0000002 come earlier and are"),
    ],
)
def test_one_that_is_overtaken_is_and_two_are(many, words):
    queue = tuple(place(number) for number in range(1, many + 1))

    assert words in guards.turn.takes_its_turn(facts(earlier=queue), REVIEW).message


def test_only_the_first_few_of_a_long_queue_are_named():
    queue = tuple(place(number) for number in range(1, 8))

    verdict = guards.turn.takes_its_turn(facts(earlier=queue), REVIEW)

    assert "2026/0000005 and 2 more come earlier" in verdict.message
    assert verdict.details["blocked_by"] == [one.protocol for one in queue]
