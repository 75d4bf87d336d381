"""What must be true before a move, whoever asks for it?

Guards of `needs` look at the facts alone; those of `accepts` also at what was
stated. Each answers with the rule, what stands in the way and the way out.
"""

from datetime import datetime, timedelta

from models.vocabulary import (
    ApplicationState,
    Letter,
    StepKind,
    StepStatus,
    TermEffect,
    TermKind,
    TermStatus,
)
from workflow.facts import ALLOWED, Facts, Place, Verdict
from workflow.machine import Check, Guard
from workflow.moves import inputs as stated
from workflow.moves.amounts import aid_on, declared_aid
from workflow.register import written
from workflow.rules import money, order, scores
from workflow.rules.aid import AidComputation
from workflow.rules.amounts import format_money
from workflow.rules.calendar import ROME, civil_day, italian_calendar, italian_date

_OVER = {TermStatus.MET, TermStatus.CANCELLED}
_ANTIMAFIA = 15_000_000
"""Cents: below it no antimafia information is asked for."""

_GIVEN_WAY = {"upheld", "scored_again"}
"""How a notice of refusal ends when the file goes on."""

_CLOCKS_APART = timedelta(minutes=1)
"""How far the clock of the portal may run ahead: no submission is lost for that."""

_SECOND = timedelta(seconds=1)
"""A term is due at 23:59:59: the whole of that second is still in time."""


def rome(instant: datetime) -> str:
    """Write an instant in the civil time of Rome, to the microsecond if it has any."""
    local = instant.astimezone(ROME)
    fraction = f".{local.microsecond:06d}" if local.microsecond else ""
    return f"{local:%d/%m/%Y %H:%M:%S}{fraction}"


# Filing


def window_has_begun(facts: Facts) -> Verdict:
    """Refuse what arrives before the call is published."""
    published = facts.call.window.published_at
    if facts.now >= published:
        return ALLOWED
    return Verdict(
        "window.not_published",
        f"the call is published on {rome(published)} (Rome); wait until then",
    )


def within_window(facts: Facts) -> Verdict:
    """Take in only what arrives in the window (*apertura dello sportello*).

    The closing hour is a whole hour: 16:00:00 is in time, a microsecond more is
    late (Cons. Stato 8546/2024). What comes by another channel is protocolled
    all the same (art. 53 DPR 445/2000) and decided by an act.
    """
    if facts.application.channel != facts.call.filing.channel:
        return ALLOWED
    received = facts.application.received_at or facts.now
    window = facts.call.window
    if received < window.opens_at:
        return Verdict(
            "window.too_early",
            f"received at {rome(received)} (Rome), before the window opens at "
            f"{rome(window.opens_at)}; file it again from that instant on",
            {"received_at": written(received)},
        )
    if received > window.closes_at:
        late = received - window.closes_at
        return Verdict(
            "window.too_late",
            f"received at {rome(received)} (Rome), {late} (hours:minutes:seconds) "
            f"after the window closed at {rome(window.closes_at)}; the call takes "
            "nothing more",
            {
                "received_at": written(received),
                "late_microseconds": late // late.resolution,
            },
        )
    return ALLOWED


def not_in_the_future(facts: Facts) -> Verdict:
    """Refuse an instant of receipt that has not come yet."""
    received = facts.application.received_at
    if received is None or received <= facts.now + _CLOCKS_APART:
        return ALLOWED
    return Verdict(
        "window.future",
        f"`received_at` {rome(received)} (Rome) is later than now, "
        f"{rome(facts.now)}; check the clock of the portal",
    )


def window_not_over(facts: Facts) -> Verdict:
    """Note no draft that can no longer be submitted."""
    if facts.now <= facts.call.window.closes_at:
        return ALLOWED
    return Verdict(
        "window.too_late",
        f"the window closed at {rome(facts.call.window.closes_at)} (Rome); the call "
        "takes nothing more",
    )


def window_is_over(facts: Facts) -> Verdict:
    """Wait for the closing of the call."""
    if facts.now > facts.call.window.closes_at:
        return ALLOWED
    return Verdict(
        "window.open",
        f"the window closes at {rome(facts.call.window.closes_at)} (Rome); "
        "wait until then",
    )


def applicant_is_eligible(facts: Facts) -> Verdict:
    """Take in only those on the closed list of the call, if it has one."""
    if facts.applicant.recognised or _by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "applicant.not_eligible",
        "`applicant.tax_code` is not on the call's list of those who may apply; "
        "see `sportello call show CALL` for the list",
    )


def only_one_application(facts: Facts) -> Verdict:
    """One open application for each applicant and call."""
    if facts.applicant.other_active is None:
        return ALLOWED
    return Verdict(
        "applicant.already_applied",
        f"the applicant already has an open application to this call, "
        f"{facts.applicant.other_active}; withdraw that one first",
        {"other": facts.applicant.other_active},
    )


def comes_from_intake(facts: Facts) -> Verdict:
    """A place in the order is given by the intake, with the protocol number."""
    if facts.application.key is not None:
        return ALLOWED
    return Verdict(
        "submission.no_place",
        "only the intake gives a protocol number and a place in the order; "
        "file it with `sportello intake`",
    )


def documents_are_there(facts: Facts) -> Verdict:
    """All required documents are attached."""
    required = {document.kind for document in facts.call.documents}
    missing = sorted(required - facts.application.documents)
    if not missing or _by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "documents.missing",
        f"`documents` lacks {', '.join(missing)}; attach them and file again",
        {"missing": missing},
    )


def request_is_sound(facts: Facts) -> Verdict:
    """The amount asked for is positive and can ever be granted."""
    requested, call = facts.application.requested, facts.call
    limit = min(call.allocation.amount, call.aid.cap or call.allocation.amount)
    if 0 < requested <= limit:
        return ALLOWED
    return Verdict(
        "amount.out_of_range",
        f"`requested` is {format_money(requested)}: it must be more than 0.00 and "
        f"at most {format_money(limit)}; correct the amount and file again",
    )


def _by_another_channel(facts: Facts) -> bool:
    return facts.application.channel != facts.call.filing.channel


def not_receivable(facts: Facts) -> Verdict:
    """Something makes the application not receivable (*irricevibile*)."""
    received = facts.application.received_at
    window = facts.call.window
    late = received is not None and not window.opens_at <= received <= window.closes_at
    if late or _by_another_channel(facts):
        return ALLOWED
    return Verdict(
        "receivability.no_ground",
        "it arrived in the window and by the channel of the call, so it is "
        "receivable; start its review instead",
    )


def is_receivable(facts: Facts) -> Verdict:
    """Examine only what may be examined: the rest is declared not receivable."""
    has_ground = bool(not_receivable(facts))
    if facts.applicant.recognised and not has_ground:
        return ALLOWED
    return Verdict(
        "receivability.not_receivable",
        "it came late, or by another channel, or from somebody who may not apply; "
        "`declare_not_receivable` by act",
    )


# Turn


def review_not_started(facts: Facts) -> Verdict:
    """The formal check starts once."""
    if not facts.application.review_started:
        return ALLOWED
    return Verdict("review.started", "its review has already started; go on with it")


def review_started(facts: Facts) -> Verdict:
    """The formal check is under way."""
    if facts.application.review_started:
        return ALLOWED
    return Verdict(
        "review.not_started", "its review has not started; `start_review` comes first"
    )


def takes_its_turn(facts: Facts, given: stated.ReviewInputs) -> Verdict:
    """Start reviews in the order of arrival, unless an act says otherwise."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unreviewed(facts.earlier, skip_waiting=skip)
    return _turn(facts, overtaken, overtake=given.overtake)


def is_scored_in_turn(facts: Facts, given: stated.EvaluationInputs) -> Verdict:
    """Score in the order of arrival, unless an act says otherwise."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unevaluated(facts.earlier, skip_waiting=skip)
    return _turn(facts, overtaken, overtake=given.overtake)


def has_its_turn(facts: Facts) -> Verdict:
    """Tell beforehand whether its review may start without an act."""
    return takes_its_turn(facts, stated.ReviewInputs())


def has_its_turn_on_merit(facts: Facts) -> Verdict:
    """Tell beforehand whether it may be scored without an act."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unevaluated(facts.earlier, skip_waiting=skip)
    return order.may_proceed(overtaken)


def _turn(facts: Facts, overtaken: tuple[Place, ...], *, overtake: bool) -> Verdict:
    if not overtake:
        return order.may_proceed(overtaken)
    if not overtaken:
        return Verdict(
            "order.nobody_to_overtake",
            "it is its turn and nobody would be overtaken; leave --overtake out",
        )
    if facts.act is None or not facts.reason:
        return Verdict(
            "order.overtaking_needs_act",
            f"overtaking {order.named(overtaken)} needs the act that orders it and "
            "its reason; give --act and --reason",
        )
    return ALLOWED


# Steps beside the state


def step_open(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants a step open, not yet answered."""

    def guard(facts: Facts) -> Verdict:
        step = facts.open_step(kind)
        if step is not None and step.status == StepStatus.OPEN:
            return ALLOWED
        return Verdict(f"{kind}.not_open", f"no {_spoken(kind)} is open; {way_out}")

    return guard


def step_answered(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants the applicant's reply to be there."""

    def guard(facts: Facts) -> Verdict:
        step = facts.open_step(kind)
        if step is not None and step.status == StepStatus.ANSWERED:
            return ALLOWED
        return Verdict(
            f"{kind}.not_answered", f"no {_spoken(kind)} has been filed; {way_out}"
        )

    return guard


def step_not_open(kind: StepKind, way_out: str) -> Guard:
    """Make a guard that wants a step closed, or never opened."""

    def guard(facts: Facts) -> Verdict:
        if facts.open_step(kind) is None:
            return ALLOWED
        return Verdict(f"{kind}.open", f"a {_spoken(kind)} is open; {way_out}")

    return guard


def never_asked(kind: StepKind) -> Guard:
    """Make a guard that allows a step only once."""

    def guard(facts: Facts) -> Verdict:
        if facts.step(kind) is None:
            return ALLOWED
        return Verdict(
            f"{kind}.once",
            f"a {_spoken(kind)} was already made and may be made only once; "
            "decide on what is in the file",
        )

    return guard


def plan_may_be_returned(facts: Facts) -> Verdict:
    """A definitive plan goes back for corrections as often as the call allows."""
    returned = sum(
        1
        for step in facts.steps
        if step.kind == StepKind.DEFINITIVE_PLAN and step.outcome == "returned"
    )
    if returned < facts.call.procedure.plan_returns:
        return ALLOWED
    return Verdict(
        "definitive_plan.returned_before",
        f"the plan was already returned {returned} time(s), which is all the call "
        "allows; determine the amount, or propose a lapse",
    )


def notice_of_refusal_given(facts: Facts) -> Verdict:
    """A negative act comes after the notice of refusal (art. 10-bis L. 241/1990)."""
    if not facts.call.procedure.refusal_notice:
        return ALLOWED
    step = facts.step(StepKind.REFUSAL_NOTICE)
    if step is None:
        return Verdict(
            "refusal_notice.missing",
            "no notice of refusal was sent; `notify_refusal` comes first",
        )
    if step.status == StepStatus.OPEN:
        return Verdict(
            "refusal_notice.pending",
            "the applicant may still file observations; wait for them, or for the "
            "end of the term",
        )
    if step.outcome in _GIVEN_WAY:
        return Verdict(
            "refusal_notice.upheld",
            "the observations were upheld; send a new notice to refuse all the same",
        )
    return ALLOWED


def may_be_upheld(facts: Facts) -> Verdict:
    """The office may give way once it no longer waits for observations."""
    step = facts.step(StepKind.REFUSAL_NOTICE)
    if step is not None and (
        step.status == StepStatus.ANSWERED or step.outcome == "unanswered"
    ):
        return ALLOWED
    return Verdict(
        "refusal_notice.not_answered",
        "there are no observations to uphold; wait for them, or for the end of "
        "their term",
    )


def not_being_refused(facts: Facts) -> Verdict:
    """A file under a notice of refusal goes on only if the observations are upheld."""
    step = facts.step(StepKind.REFUSAL_NOTICE)
    if step is None or step.outcome in _GIVEN_WAY:
        return ALLOWED
    if step.status == StepStatus.OPEN:
        return Verdict(
            "refusal_notice.open",
            "a notice of refusal is open; wait for the observations, or for the end "
            "of their term",
        )
    return Verdict(
        "refusal_notice.not_upheld",
        "a notice of refusal was sent and no observations were upheld; uphold them, "
        "or refuse by act",
    )


def refusal_notice_may_be_sent(facts: Facts) -> Verdict:
    """One notice at a time, and only where the call provides for it."""
    if not facts.call.procedure.refusal_notice:
        return Verdict(
            "refusal_notice.off", "this call has no notice of refusal; decide by act"
        )
    step = facts.step(StepKind.REFUSAL_NOTICE)
    if step is None or step.outcome in _GIVEN_WAY:
        return ALLOWED
    return Verdict(
        "refusal_notice.once",
        "a notice of refusal was already sent; uphold the observations or refuse "
        "by act",
    )


# Terms


def in_time(kind: TermKind) -> Guard:
    """Make a guard that refuses an answer after a peremptory term has ended.

    A term from receipt that has not started yet cannot have ended; one that is
    not peremptory lets the answer in until the office stops waiting.
    """

    def guard(facts: Facts) -> Verdict:
        term = facts.term(kind)
        if term is None or term.status in _OVER:
            return ALLOWED
        if not facts.call.terms[kind].peremptory:
            return ALLOWED
        if facts.now < term.due_at + _SECOND and term.status != TermStatus.EXPIRED:
            return ALLOWED
        return Verdict(
            "term.expired",
            f"the term `{kind}` ended at {rome(term.due_at)} (Rome) and is "
            "peremptory; propose the lapse, or have the delay excused by an act",
            {"due_at": written(term.due_at)},
        )

    return guard


def has_expired(kind: TermKind) -> Guard:
    """Make a guard that waits for the end of a term.

    A term that was met belongs to an earlier request: the new one has not started.
    """

    def guard(facts: Facts) -> Verdict:
        term = facts.term(kind)
        if term is None or term.status in _OVER:
            return Verdict(
                "term.not_started",
                f"the term `{kind}` has not started: it runs from proof of receipt; "
                "record it with `record_delivery`",
            )
        if facts.now >= term.due_at + _SECOND:
            return ALLOWED
        return Verdict(
            "term.running",
            f"the term `{kind}` ends at {rome(term.due_at)} (Rome); wait until then",
            {"due_at": written(term.due_at)},
        )

    return guard


def missed_term(facts: Facts, given: stated.LapseInputs) -> Verdict:
    """A lapse stands on a peremptory term that has ended (*decadenza*)."""
    rule = facts.call.terms.get(given.term)
    if rule is None or rule.effect != TermEffect.PROPOSE_LAPSE:
        return Verdict(
            "term.no_lapse",
            f"missing the term `{given.term}` brings no lapse in this call",
        )
    term = facts.term(given.term)
    if term is not None and term.status in _OVER:
        return Verdict("term.met", f"the term `{given.term}` is {term.status}")
    return has_expired(given.term)(facts)


def some_term_missed(facts: Facts) -> Verdict:
    """Tell beforehand whether any term that brings a lapse was missed."""
    kinds = [
        kind
        for kind, rule in facts.call.terms.items()
        if rule.effect == TermEffect.PROPOSE_LAPSE
    ]
    if any(missed_term(facts, stated.LapseInputs(term=kind)) for kind in kinds):
        return ALLOWED
    return Verdict("term.none_missed", "no term that brings a lapse was missed")


# Money


def has_money(facts: Facts) -> Verdict:
    """Money is reserved for it, in the order of arrival."""
    if facts.application.reserved >= facts.application.requested:
        return ALLOWED
    return Verdict(
        "money.not_reserved",
        f"{format_money(facts.application.requested)} is asked for and nothing is "
        "reserved; put it on the waiting list, or promote it when money is set free",
    )


def has_no_money(facts: Facts) -> Verdict:
    """Nothing is reserved for it."""
    if facts.application.reserved < facts.application.requested:
        return ALLOWED
    return Verdict(
        "money.reserved",
        f"{format_money(facts.application.reserved)} is reserved for it; grant it",
    )


def comes_first_for_money(facts: Facts) -> Verdict:
    """Money set free goes to the head of the waiting list."""
    return money.may_reserve(facts.application.requested, facts.money, facts.earlier)


def no_money_for_it(facts: Facts) -> Verdict:
    """The money has run out for it: nothing free would be its own.

    It need not come first: what is free may do for the earlier ones and for it.
    """
    free = facts.money.residual
    if facts.application.requested + money.lacking(facts.earlier) > free:
        return ALLOWED
    return Verdict(
        "money.free",
        f"{format_money(free)} is free, enough for the earlier ones and for it; "
        "promote them in their order",
    )


def grant_is_covered(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """Something can be granted, and the money for it is not somebody else's."""
    investment = given.admitted_investment or facts.application.investment
    return _covered(facts, aid_on(facts, investment))


def may_be_granted(facts: Facts) -> Verdict:
    """Tell the same beforehand, on the declared investment."""
    return _covered(facts, declared_aid(facts))


def _covered(facts: Facts, computed: AidComputation) -> Verdict:
    if not computed.total:
        return Verdict(
            "aid.nothing_left",
            f"nothing can be granted: the aids of the last "
            f"{facts.call.aid.ceiling_years} years have used up the ceiling of "
            f"{format_money(facts.call.aid.ceiling)}; send a notice of refusal",
        )
    return money.may_grant(computed.total, facts.money, facts.earlier)


def admitted_within_declared(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """The investment admitted is part of what was declared."""
    return _within(
        given.admitted_investment, facts.application.investment, "declared investment"
    )


def admitted_within_plan(facts: Facts, given: stated.DeterminationInputs) -> Verdict:
    """The investment admitted is part of what the definitive plan says."""
    return _within(
        given.admitted_investment,
        facts.application.plan_investment or facts.application.investment,
        "investment of the definitive plan",
    )


def _within(admitted: int | None, limit: int, what: str) -> Verdict:
    if admitted is None or admitted <= limit:
        return ALLOWED
    return Verdict(
        "amount.above_declared",
        f"--admitted-investment {format_money(admitted)} is more than the {what}, "
        f"{format_money(limit)}; correct the amount",
    )


def contributions_are_regular(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """The certificate of regular contributions (DURC) is still valid."""
    if given.durc_until >= facts.today:
        return ALLOWED
    return Verdict(
        "durc.expired",
        f"--durc-until {given.durc_until.isoformat()} is past; ask for a new one",
    )


def antimafia_is_checked(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """From 150,000.00 on, the antimafia information is there (D.Lgs. 159/2011)."""
    investment = given.admitted_investment or facts.application.investment
    total = aid_on(facts, investment).total
    if given.antimafia or total < _ANTIMAFIA:
        return ALLOWED
    return Verdict(
        "antimafia.missing",
        f"{format_money(total)} is granted and from {format_money(_ANTIMAFIA)} on the "
        "antimafia information is needed; state it with --antimafia",
    )


# Merit


def scores_are_complete(facts: Facts, given: stated.EvaluationInputs) -> Verdict:
    """Every criterion of the call is scored, within its maximum (art. 12 L. 241)."""
    maxima = {item.code: item.max_points for item in facts.call.merit.criteria}
    found = scores.faults(given.score, maxima)
    if not found:
        return ALLOWED
    return Verdict("score.invalid", f"--score: {'; '.join(found)}")


def may_be_scored(facts: Facts) -> Verdict:
    """Scored once, and once more after observations on the merit were upheld."""
    if facts.application.score is None:
        return ALLOWED
    step = facts.step(StepKind.REFUSAL_NOTICE)
    on_merit = step is not None and step.subject == ApplicationState.EVALUATED
    if on_merit and step is not None and step.outcome == "upheld":
        return ALLOWED
    return Verdict(
        "score.given",
        f"it already has its score, {facts.application.score}; it may be scored "
        "again only after observations on its merit are upheld",
    )


def reaches_threshold(facts: Facts) -> Verdict:
    """The score is enough to be granted."""
    score, merit = facts.application.score or 0, facts.call.merit
    if score >= merit.threshold:
        return ALLOWED
    return Verdict(
        "score.below_threshold",
        f"its score is {score} of {merit.total} and the threshold is "
        f"{merit.threshold}; send a notice of refusal",
    )


def refusal_has_ground(facts: Facts) -> Verdict:
    """A scored application is refused for its score, or if nothing can be granted."""
    if facts.application.score is None or not reaches_threshold(facts):
        return ALLOWED
    if not declared_aid(facts).total:
        return ALLOWED
    return Verdict(
        "score.reaches_threshold",
        f"its score is {facts.application.score}, the threshold is "
        f"{facts.call.merit.threshold} and something can be granted: there is no "
        "ground to refuse it",
    )


def checklist_is_complete(facts: Facts, given: stated.AdmissionInputs) -> Verdict:
    """Every required document was found in order."""
    required = {document.kind for document in facts.call.documents}
    missing = sorted(required - set(given.checked))
    unknown = sorted(set(given.checked) - required)
    if missing:
        return Verdict(
            "checklist.incomplete",
            f"--checked lacks {', '.join(missing)}; ask for a completion, or refuse",
            {"missing": missing},
        )
    if unknown:
        return Verdict(
            "checklist.unknown",
            f"--checked names {', '.join(unknown)}, which the call does not require; "
            f"it requires {', '.join(sorted(required))}",
        )
    return ALLOWED


# Phase 2


def is_published(facts: Facts) -> Verdict:
    """Publication comes before effects (art. 26 D.Lgs. 33/2013)."""
    if facts.application.published_on is not None:
        return ALLOWED
    return Verdict(
        "grant.not_published",
        "the grant is not published yet; `record_publication` comes first",
    )


def not_published(facts: Facts) -> Verdict:
    """Publication is recorded once."""
    if facts.application.published_on is None:
        return ALLOWED
    return Verdict(
        "grant.published",
        f"already published on {italian_date(facts.application.published_on)}",
    )


def not_after_today(field: str) -> Check:
    """Make a check that a stated day has come."""

    def check(facts: Facts, given: object) -> Verdict:
        day = getattr(given, field)
        if day is None or day <= facts.today:
            return ALLOWED
        return Verdict(
            "date.future",
            f"--{field.replace('_', '-')} {day.isoformat()} is after today, "
            f"{facts.today.isoformat()}; state a day that has come",
        )

    return check


def not_before(field: str, letter: Letter) -> Check:
    """Make a check that a stated day is not before a letter was written."""

    def check(facts: Facts, given: object) -> Verdict:
        day, notice = getattr(given, field), facts.notice(letter)
        if notice is None or day >= civil_day(notice.created_at):
            return ALLOWED
        return Verdict(
            "date.too_early",
            f"--{field.replace('_', '-')} {day.isoformat()} is before the "
            f"{_spoken(letter)}, {civil_day(notice.created_at).isoformat()}",
        )

    return check


def letter_awaits_delivery(facts: Facts, given: stated.DeliveryInputs) -> Verdict:
    """A letter is delivered once, and after it was written."""
    notice = facts.notice(given.letter)
    if notice is None:
        written = ", ".join(sorted(item.letter for item in facts.notices)) or "none"
        return Verdict(
            "notice.not_written",
            f"no letter `{given.letter}` was written; those written are: {written}",
        )
    if notice.delivered_at is not None:
        return Verdict(
            "notice.delivered",
            f"`{given.letter}` was already delivered, at "
            f"{rome(notice.delivered_at)} (Rome)",
        )
    return not_before("delivered_on", given.letter)(
        facts,
        given.model_copy(update={"delivered_on": given.delivered_on or facts.today}),
    )


def not_signed(facts: Facts) -> Verdict:
    """A meeting may be convened again until its minutes are signed."""
    step = facts.step(StepKind.NEGOTIATION)
    if step is None or step.outcome != "signed":
        return ALLOWED
    return Verdict(
        "negotiation.signed", "the minutes are signed; wait for the definitive plan"
    )


def cor_not_confirmed(facts: Facts) -> Verdict:
    """The aid registry is told once."""
    term = facts.term(TermKind.AID_REGISTRY)
    if term is None or term.status != TermStatus.MET:
        return ALLOWED
    return Verdict("cor.confirmed", "the aid registry was already told")


def not_before_today(field: str) -> Check:
    """Make a check that a stated day has not passed."""

    def check(facts: Facts, given: object) -> Verdict:
        day = getattr(given, field)
        if day >= facts.today:
            return ALLOWED
        return Verdict(
            "date.past",
            f"--{field.replace('_', '-')} {day.isoformat()} is before today, "
            f"{facts.today.isoformat()}; state a day to come",
        )

    return check


def lapse_was_notified(facts: Facts) -> Verdict:
    """A lapse comes after its proposal was received and the days to answer it.

    The same ten days as for a notice of refusal (artt. 7 and 10-bis L. 241/1990).
    """
    notice = facts.notice(Letter.LAPSE_PROPOSED)
    if notice is None or notice.delivered_at is None:
        return Verdict(
            "lapse_proposal.not_delivered",
            "the applicant has not received the proposal; record its delivery with "
            "`record_delivery`",
        )
    rules = facts.call.counting_rules
    delivered = civil_day(notice.delivered_at)
    days = facts.call.terms[TermKind.OBSERVATIONS].count
    calendar = italian_calendar(
        delivered.year,
        delivered.year + 1,
        roll_saturday=rules.roll_saturday,
        local=rules.local_holidays,
    )
    last = calendar.first_working_from(delivered + timedelta(days=days))
    if facts.today > last:
        return ALLOWED
    return Verdict(
        "lapse_proposal.pending",
        f"the applicant may answer the proposal until {italian_date(last)}; wait "
        "until then",
    )


def determined(facts: Facts) -> Verdict:
    """The final amount is known."""
    if facts.open_step(StepKind.DETERMINATION) is None:
        return Verdict(
            "determination.missing",
            "the amount is not determined yet; `determine_amount` comes first",
        )
    return ALLOWED


def within_grant(facts: Facts, given: stated.SettlementInputs) -> Verdict:
    """What is recognised is part of what was granted."""
    if given.recognised <= facts.application.granted:
        return ALLOWED
    return Verdict(
        "amount.above_grant",
        f"--recognised {format_money(given.recognised)} is more than the grant, "
        f"{format_money(facts.application.granted)}",
    )


def recovery_within_grant(facts: Facts, given: stated.RecoveryInputs) -> Verdict:
    """What is recovered is part of what was granted."""
    if given.recover <= facts.application.granted:
        return ALLOWED
    return Verdict(
        "amount.above_grant",
        f"--recover {format_money(given.recover)} is more than the grant, "
        f"{format_money(facts.application.granted)}",
    )


def plan_is_running(facts: Facts) -> Verdict:
    """A plan can be changed or extended until its time is up."""
    term = facts.term(TermKind.DURATION)
    if term is None or facts.now < term.due_at + _SECOND:
        return ALLOWED
    return Verdict(
        "term.expired",
        f"the plan ended at {rome(term.due_at)} (Rome); it can no longer be changed "
        "or extended",
    )


def extension_allowed(facts: Facts, given: stated.ExtensionInputs) -> Verdict:
    """Extensions are as many and as long as the call says (*proroga*)."""
    procedure = facts.call.procedure
    if given.months > procedure.extension_months:
        return Verdict(
            "extension.too_long",
            f"--months {given.months}: the call allows {procedure.extension_months}",
        )
    given_before = sum(
        1 for notice in facts.notices if notice.letter == Letter.EXTENSION_GRANTED
    )
    if given_before >= procedure.extensions:
        return Verdict(
            "extension.used",
            f"{given_before} extension(s) were granted, which is all the call allows",
        )
    return plan_is_running(facts)


def _spoken(word: str) -> str:
    return word.replace("_", " ")
