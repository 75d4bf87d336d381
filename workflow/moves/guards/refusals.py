"""Guards: may it be refused, and was its applicant heard?"""

from models.vocabulary import StepKind, StepStatus
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves.amounts import declared_aid
from workflow.moves.guards.merit import reaches_threshold

_GIVEN_WAY = {"upheld", "scored_again"}
"""How a notice of refusal ends when the file goes on."""


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
