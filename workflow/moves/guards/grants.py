"""Guards: what does a grant stand on, and what comes right after it?"""

from models.vocabulary import TermKind, TermStatus
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves import inputs as stated
from workflow.moves.amounts import aid_on, declared_aid, provided_for
from workflow.moves.calendars import last_sending
from workflow.rules import money
from workflow.rules.aid import AidComputation
from workflow.rules.amounts import format_money
from workflow.rules.calendar import civil_day, italian_date
from workflow.rules.durations import has_time, latest_day

_ANTIMAFIA = 15_000_000
"""Cents: below it no antimafia information is asked for."""


def grant_is_covered(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """Something can be granted, and the money for it is not somebody else's."""
    investment = given.admitted_investment or facts.application.investment
    return _covered(facts, aid_on(facts, investment))


def may_be_granted(facts: Facts) -> Verdict:
    """Tell the same beforehand, on the declared investment."""
    return _covered(facts, declared_aid(facts))


def admitted_within_declared(facts: Facts, given: stated.GrantInputs) -> Verdict:
    """The investment admitted is part of what was declared."""
    return _within(
        given.admitted_investment, facts.application.investment, "declared investment"
    )


def contributions_are_regular(
    facts: Facts, given: stated.GrantInputs | stated.RaiseInputs
) -> Verdict:
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
    return _antimafia(aid_on(facts, investment).total, given.antimafia)


def antimafia_is_checked_again(facts: Facts, given: stated.RaiseInputs) -> Verdict:
    """The same of a grant that grows, on all that it comes to."""
    held = facts.application
    return _antimafia(held.granted + held.reserved, given.antimafia)


def _antimafia(total: int, information: str | None) -> Verdict:
    if information or total < _ANTIMAFIA:
        return ALLOWED
    return Verdict(
        "antimafia.missing",
        f"{format_money(total)} is granted and from {format_money(_ANTIMAFIA)} on the "
        "antimafia information is needed; state it with --antimafia",
    )


def time_is_left(facts: Facts) -> Verdict:
    """The project could still be carried out: its latest day has not passed."""
    latest = latest_day(facts.call)
    if latest is None or has_time(facts.call, facts.today):
        return ALLOWED
    return Verdict(
        "grant.no_time_left",
        f"the call lets no project end after {italian_date(latest)} "
        "(terms.duration.not_after), and that day has passed: nothing could be carried "
        "out on this grant; close the file with `annul`, or by the applicant's "
        "`withdraw`",
        {"not_after": latest.isoformat()},
    )


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


def cor_not_confirmed(facts: Facts) -> Verdict:
    """The aid registry is told once, and only of an aid."""
    if facts.call.aid.regime == "none":
        return _UNREGISTERED
    term = facts.term(TermKind.AID_REGISTRY)
    if term is None or not (term.status is TermStatus.MET or term.settled):
        return ALLOWED
    return Verdict("cor.confirmed", "the aid registry was already told")


_UNREGISTERED = Verdict(
    "cor.not_wanted",
    "the call gives no State aid (aid.regime), so the registry knows nothing of it",
)


def cor_has_lapsed(facts: Facts) -> Verdict:
    """A new code is for an aid whose first one has lapsed."""
    if facts.call.aid.regime == "none":
        return _UNREGISTERED
    if _has_lapsed(facts):
        return ALLOWED
    return Verdict(
        "cor.valid", f"the code {facts.application.cor} of the aid registry stands"
    )


def cor_stands(facts: Facts) -> Verdict:
    """Pay nothing on an aid that its registry does not know (art. 17 DM 115/2017)."""
    if not _has_lapsed(facts):
        return ALLOWED
    return Verdict(
        "cor.lapsed",
        "the code of the aid registry has lapsed; register the aid again and record "
        "the new one with `renew_cor`",
    )


def sent_while_it_stood(facts: Facts, given: stated.RegistrationInputs) -> Verdict:
    """The act reached the registry before the code lapsed, whenever it is recorded."""
    term = facts.term(TermKind.AID_REGISTRY)
    if term is None or given.sent_on <= civil_day(term.due_at):
        return ALLOWED
    return Verdict(
        "cor.late",
        f"--sent-on {given.sent_on.isoformat()} is after the term, "
        f"{italian_date(civil_day(term.due_at))}, so the code has lapsed; register the "
        "aid again and record the new one with `renew_cor`",
    )


def _has_lapsed(facts: Facts) -> bool:
    term = facts.term(TermKind.AID_REGISTRY)
    expired = term is not None and term.status is TermStatus.EXPIRED
    return expired and term is not None and not term.settled


def _covered(facts: Facts, computed: AidComputation) -> Verdict:
    ceiling = facts.call.aid.ceiling
    if not computed.total and ceiling is not None:
        return Verdict(
            "aid.nothing_left",
            f"nothing can be granted: the aids of the last "
            f"{facts.call.aid.ceiling_years} years have used up the ceiling of "
            f"{format_money(ceiling)}; send a notice of refusal",
        )
    return money.may_grant(computed.total, facts.money, provided_for(facts))


def admitted_within_plan(facts: Facts, given: stated.DeterminationInputs) -> Verdict:
    """The investment admitted is part of what the definitive plan says."""
    return _within(
        given.admitted_investment,
        facts.application.plan_investment or facts.application.investment,
        "investment of the definitive plan",
    )


def _within(admitted: int | None, limit: int, what: str) -> Verdict:
    """What is admitted is part of what was stated."""
    if admitted is None or admitted <= limit:
        return ALLOWED
    return Verdict(
        "amount.above_declared",
        f"--admitted-investment {format_money(admitted)} is more than the {what}, "
        f"{format_money(limit)}; correct the amount",
    )


def cor_is_valid(
    facts: Facts, given: stated.GrantInputs | stated.RenewalInputs
) -> Verdict:
    """The COR is young enough for the act to be sent (art. 9 c. 5 DM 115/2017)."""
    last = last_sending(facts, given.cor_on)
    if last is None or facts.today <= last:
        return ALLOWED
    return Verdict(
        "cor.expired",
        f"--cor-on {given.cor_on.isoformat()}: the act had to be sent to the aid "
        f"registry by {italian_date(last)}, so the COR has lapsed; register the aid "
        "again and state the new COR",
        {"send_by": last.isoformat()},
    )


def acceptance_is_wanted(facts: Facts) -> Verdict:
    """File an acceptance only where the call asks for it (*accettazione*)."""
    if facts.call.procedure.acceptance:
        return ALLOWED
    return Verdict(
        "acceptance.not_wanted",
        "this call wants no acceptance of the grant; the plan may `start`",
    )


def no_acceptance_is_wanted(facts: Facts) -> Verdict:
    """Start from the grant only where nobody has to accept it first."""
    if not facts.call.procedure.acceptance:
        return ALLOWED
    return Verdict(
        "acceptance.missing",
        "the applicant has not accepted the grant yet; `accept` comes first",
    )
