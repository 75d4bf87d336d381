"""Guards: is a term still running, or was it missed?"""

from datetime import timedelta

from models.vocabulary import Letter, TermEffect, TermKind, TermStatus
from workflow.facts import ALLOWED, Facts, TermRecord, Verdict
from workflow.machine import Guard
from workflow.moves import inputs as stated
from workflow.moves.calendars import calendar_from
from workflow.moves.words import rome
from workflow.register import written
from workflow.rules.calendar import civil_day, italian_date
from workflow.rules.terms import TermFacts, compute, over_from

_OVER = {TermStatus.MET, TermStatus.CANCELLED}
_GOING = {TermStatus.RUNNING, TermStatus.SUSPENDED}

OF_THE_APPLICANT = (
    TermKind.COMPLETION,
    TermKind.DEFINITIVE_PLAN,
    TermKind.PLAN_CORRECTION,
    TermKind.ACCEPTANCE,
    TermKind.START,
    TermKind.REPORT,
)
"""What an act may give one applicant more time for.

Observations are not among them: the law sets how long they suspend the procedure
(art. 10-bis L. 241/1990).
"""


def _belongs_to_the_past(term: TermRecord) -> bool:
    """Tell whether nothing hangs on a term any more: a new request starts its own."""
    return term.status in _OVER or term.settled


def _is_over(facts: Facts, term: TermRecord) -> bool:
    rule = facts.call.terms[term.kind]
    return facts.now >= over_from(term.due_at, rule.until)


def in_time(kind: TermKind) -> Guard:
    """Make a guard that refuses an answer after a peremptory term has ended.

    A term from receipt that has not started yet cannot have ended; one that is
    not peremptory lets the answer in until the office stops waiting.
    """

    def guard(facts: Facts) -> Verdict:
        term = facts.term(kind)
        if term is None or _belongs_to_the_past(term):
            return ALLOWED
        if not facts.call.terms[kind].peremptory:
            return ALLOWED
        if not _is_over(facts, term) and term.status != TermStatus.EXPIRED:
            return ALLOWED
        way_out = "if it came in by then, state --received-on and --proof; else propose"
        if facts.arrival is not None:
            way_out = "by --received-on it came in after that: propose"
        return Verdict(
            "term.expired",
            f"the term `{kind}` ended at {rome(term.due_at)} (Rome) and is "
            f"peremptory; {way_out} the lapse, or have the delay excused by an act",
            {"due_at": written(term.due_at)},
        )

    return guard


def has_expired(kind: TermKind) -> Guard:
    """Make a guard that waits for the end of a term.

    A term that was met belongs to an earlier request: the new one has not started.
    """

    def guard(facts: Facts) -> Verdict:
        term = facts.term(kind)
        if term is None or _belongs_to_the_past(term):
            return Verdict(
                "term.not_started",
                f"the term `{kind}` has not started: it runs from proof of receipt; "
                "record it with `record_delivery`",
            )
        if _is_over(facts, term):
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


def term_is_over(facts: Facts, given: stated.TermInputs) -> Verdict:
    """A term that runs has come to its end."""
    term = facts.term(given.term)
    if term is not None and term.status == TermStatus.EXPIRED:
        return Verdict("term.expired", f"the term `{given.term}` is expired already")
    return has_expired(given.term)(facts)


def was_missed(facts: Facts, given: stated.TermInputs) -> Verdict:
    """A term has ended and nobody did what it was for."""
    term = facts.term(given.term)
    if term is not None and term.status == TermStatus.EXPIRED and not term.settled:
        return ALLOWED
    return Verdict("term.not_missed", f"the term `{given.term}` was not missed")


def stands_still(facts: Facts, given: stated.TermInputs) -> Verdict:
    """The clock of a term stands still, for a time that is limited."""
    term = facts.term(given.term)
    if term is None or term.status != TermStatus.SUSPENDED:
        return Verdict(
            "term.not_suspended", f"the term `{given.term}` is not suspended"
        )
    return ALLOWED


def is_running(facts: Facts, given: stated.TermInputs) -> Verdict:
    """The clock of a term goes on, and its end has not come."""
    term = facts.term(given.term)
    if term is None or term.status != TermStatus.RUNNING or _is_over(facts, term):
        return Verdict("term.not_running", f"the term `{given.term}` is not running")
    return ALLOWED


def may_be_extended(facts: Facts, given: stated.TermExtensionInputs) -> Verdict:
    """More time is for a term of the applicant, and is given before its end."""
    if given.term not in OF_THE_APPLICANT:
        listed = ", ".join(f"`{kind}`" for kind in OF_THE_APPLICANT)
        return Verdict(
            "extension.not_for_applicant",
            f"`{given.term}` is no term that an act extends for one applicant; these "
            f"are: {listed}. The plan is extended with `grant_extension`",
        )
    term = facts.term(given.term)
    if term is None or term.status not in _GOING or _is_over(facts, term):
        return Verdict(
            "term.not_running",
            f"the term `{given.term}` is not running; an extension is given before "
            "the end, afterwards an act can dismiss the lapse",
        )
    return ALLOWED


def some_term_extensible(facts: Facts) -> Verdict:
    """Tell beforehand whether any term of the applicant is running."""
    kinds = [kind for kind in OF_THE_APPLICANT if kind in facts.call.terms]
    if any(
        may_be_extended(facts, stated.TermExtensionInputs(term=kind, days=1))
        for kind in kinds
    ):
        return ALLOWED
    return Verdict("term.none_running", "no term of the applicant is running")


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
    delivered = civil_day(notice.delivered_at)
    days = facts.call.terms[TermKind.OBSERVATIONS].count
    calendar = calendar_from(facts, delivered)
    last = calendar.first_working_from(delivered + timedelta(days=days))
    if facts.today > last:
        return ALLOWED
    return Verdict(
        "lapse_proposal.pending",
        f"the applicant may answer the proposal until {italian_date(last)}; wait "
        "until then",
    )


def plan_is_running(facts: Facts) -> Verdict:
    """A plan can be changed or extended until its time is up."""
    term = facts.term(TermKind.DURATION)
    if term is None or not _is_over(facts, term):
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
    return plan_is_running(facts) and _ends_by_the_latest_day(facts, given.months)


def _ends_by_the_latest_day(facts: Facts, months: int) -> Verdict:
    """More time is not promised beyond the day that the call sets."""
    rule, term = facts.call.terms.get(TermKind.DURATION), facts.term(TermKind.DURATION)
    if rule is None or rule.not_after is None or term is None:
        return ALLOWED
    unlimited = TermFacts(
        starts_on=term.starts_on,
        count=rule.count,
        counting=rule.counting,
        extension_months=term.extra_months + months,
    )
    calendar = calendar_from(facts, term.starts_on)
    end = compute(unlimited, calendar, today=facts.today).raw
    if end <= rule.not_after:
        return ALLOWED
    return Verdict(
        "extension.after_latest_day",
        f"--months {months}: the plan would end on {italian_date(end)}, and the call "
        f"lets none end after {italian_date(rule.not_after)} "
        "(terms.duration.not_after); now it ends on "
        f"{italian_date(civil_day(term.due_at))}: give it fewer months",
        {"not_after": rule.not_after.isoformat()},
    )
