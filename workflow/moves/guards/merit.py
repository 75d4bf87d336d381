"""Guards: is the file complete, and is its score?"""

from models.vocabulary import ApplicationState, StepKind
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.moves import inputs as stated
from workflow.rules import scores


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
