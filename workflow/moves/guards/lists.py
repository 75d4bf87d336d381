"""Guards: may it be found worthy of a list, and may it leave one?"""

from models.vocabulary import ApplicationState, CallState, StepKind
from workflow.facts import ALLOWED, Facts, ListAnswer, Verdict
from workflow.moves import inputs as stated
from workflow.moves import placements
from workflow.moves.words import rome
from workflow.register import written


def asks_for_no_money(facts: Facts) -> Verdict:
    """There is no money that could be asked for."""
    if not facts.application.requested:
        return ALLOWED
    return Verdict(
        "amount.none",
        "this call gives no money: leave `requested` out, or write it as 0.00, and "
        "file again",
    )


def may_be_assessed(facts: Facts) -> Verdict:
    """Assessed once, and once more after observations on it were upheld."""
    if facts.application.state is not ApplicationState.EVALUATED:
        return ALLOWED
    step = facts.step(StepKind.REFUSAL_NOTICE)
    on_merit = step is not None and step.subject == ApplicationState.EVALUATED
    if on_merit and step is not None and step.outcome == "upheld":
        return ALLOWED
    return Verdict(
        "assessment.given",
        "the board has already found it not worthy; it may be assessed again only "
        "after observations on that are upheld",
    )


def criteria_are_known(facts: Facts, given: stated.AssessmentInputs) -> Verdict:
    """The board speaks of the criteria of the call under which it was filed."""
    known = [one.code for one in facts.call.assessment.criteria]
    unknown = sorted(set(given.criterion) - set(known))
    if not unknown:
        return ALLOWED
    return Verdict(
        "assessment.unknown_criterion",
        f"--criterion names {', '.join(unknown)}, which version of the call does not "
        f"have under which it was filed; it has {', '.join(known)}",
    )


def meets_enough_criteria(facts: Facts, given: stated.AssessmentInputs) -> Verdict:
    """Worthy is what meets as many criteria as the call wants."""
    wanted, met = facts.call.assessment.minimum, len(set(given.criterion))
    if met >= wanted:
        return ALLOWED
    return Verdict(
        "assessment.too_few_criteria",
        f"it meets {met} of the criteria and the call wants at least {wanted}; name "
        "each one that it meets with --criterion, or find it not worthy",
        {"met": met, "wanted": wanted},
    )


def is_on_no_list(facts: Facts) -> Verdict:
    """What stands on a list is taken off it first; the list of no call is none."""
    listed = facts.application.state is ApplicationState.LISTED
    if not listed or facts.counter.state is CallState.ANNULLED:
        return ALLOWED
    return Verdict(
        "list.member",
        "it stands on the approved list; take it off by the act that updates it: "
        "`sportello call update-list`",
    )


def stands_where_required(facts: Facts) -> Verdict:
    """Take in nobody who is known not to be on the list that the call requires.

    What counts at an instant that is still to come is decided at the admission.
    """
    for answer in facts.lists:
        if answer.wanted.effect == "require" and answer.is_known and not answer.member:
            if placements.comes_by_another_channel(facts):
                return ALLOWED
            return _not_on_it(answer)
    return ALLOWED


def required_lists_are_known(facts: Facts) -> Verdict:
    """Admit nobody before it is known whether they are on the list required."""
    for answer in facts.lists:
        if answer.wanted.effect == "require":
            if not answer.is_known:
                return _not_known(answer)
            if not answer.member:
                return _not_on_it(answer)
    return ALLOWED


def rewarded_lists_are_known(facts: Facts) -> Verdict:
    """Score nobody before it is known whether the score has a bonus."""
    for answer in facts.lists:
        if answer.wanted.effect == "reward" and not answer.is_known:
            return _not_known(answer)
    return ALLOWED


def _not_known(answer: ListAnswer) -> Verdict:
    code = answer.wanted.call
    if not answer.is_there:
        return Verdict(
            "list.unknown",
            f"there is no call `{code}` here, so that nobody can tell who is on its "
            "list; load it, or correct `lists` by an act",
            {"list": code},
        )
    when = {
        "opening": "when this call opens",
        "closing": "when this call closes",
        "day": f"at the end of {answer.wanted.day}",
    }[answer.wanted.as_of]
    return Verdict(
        "list.not_yet",
        f"it counts who is on the list of {code} {when}, and that is still to come; "
        "go on with it then",
        {"list": code},
    )


def _not_on_it(answer: ListAnswer) -> Verdict:
    assert answer.at is not None  # noqa: S101 - the answer is known
    code, at = answer.wanted.call, rome(answer.at)
    which = (
        f"version {answer.version} of the list of {code}, approved by {answer.act}"
        if answer.version
        else f"the list of {code}, of which no act had made a version yet"
    )
    return Verdict(
        "list.not_member",
        f"the applicant leads no proposal on {which}, nor is a partner in one, as of "
        f"{at} (Rome), and this call requires it; see `sportello list-of {code}`",
        {
            "list": code,
            "version": answer.version,
            "act": answer.act,
            "as_of": written(answer.at),
        },
    )
