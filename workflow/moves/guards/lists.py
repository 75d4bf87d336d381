"""Guards: may it be found worthy of a list, and may it leave one?"""

from models.vocabulary import ApplicationState, CallState, StepKind
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves import inputs as stated


def asks_for_no_money(facts: Facts) -> Verdict:
    """There is no money that could be asked for."""
    if not facts.application.requested:
        return ALLOWED
    return Verdict(
        "amount.none",
        "this call gives no money: write `requested` as 0.00 and file again",
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
