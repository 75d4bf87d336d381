"""Effects: what do a review and a score leave in the file?"""

from math import floor

from models.vocabulary import StepKind, StepStatus
from workflow.facts import Facts, Place
from workflow.machine import Consequences, StepChange
from workflow.moves import inputs as stated
from workflow.moves.effects import lists
from workflow.rules import order, scores


def start_review(facts: Facts, given: stated.ReviewInputs) -> Consequences:
    """Open the review and name whoever is overtaken."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unreviewed(facts.earlier, skip_waiting=skip)
    return Consequences(
        steps=(StepChange(StepKind.REVIEW, StepStatus.OPEN),),
        updates={"review_started": True},
        findings=_order_findings(facts, overtaken if given.overtake else ()),
    )


def evaluate(facts: Facts, given: stated.EvaluationInputs) -> Consequences:
    """Give the score and name whoever is overtaken."""
    skip = facts.call.procedure.skip_when_suspended
    overtaken = order.unevaluated(facts.earlier, skip_waiting=skip)
    board, bonus = scores.mean(_totals(facts, given)), lists.bonus(facts)
    exact = scores.with_bonus(board, bonus, most=facts.call.merit.total)
    total = floor(exact)  # no threshold is reached by rounding
    again = facts.application.score is not None
    return Consequences(
        steps=(
            (StepChange(StepKind.REFUSAL_NOTICE, StepStatus.CLOSED, "scored_again"),)
            if again
            else ()
        ),
        updates={"score": total},
        findings={
            **_order_findings(facts, overtaken if given.overtake else ()),
            "score": {
                "total": total,
                **({} if exact == total else {"exact": str(exact)}),
                "threshold": facts.call.merit.threshold,
                "criteria": dict(given.score),
                **(_of_board(facts, given) if facts.call.duties.evaluators > 1 else {}),
                **({"board": floor(board), "bonus": bonus} if bonus else {}),
            },
            **lists.told(facts),
        },
    )


def _totals(facts: Facts, given: stated.EvaluationInputs) -> list[int]:
    return [
        *(sheet.total for sheet in facts.people.sheets),
        scores.total(given.score),
    ]


def _of_board(facts: Facts, given: stated.EvaluationInputs) -> dict[str, object]:
    """Return what each evaluator gave in all, and all of them by criterion."""
    sheets = [sheet.criteria for sheet in facts.people.sheets]
    return {
        "totals": _totals(facts, given),
        "points": {
            name: sum(sheet.get(name, 0) for sheet in sheets) + points
            for name, points in given.score.items()
        },
    }


def give_sheet(facts: Facts, given: stated.EvaluationInputs) -> Consequences:
    """Keep one evaluator's score; the last of them makes that of the board."""
    return Consequences(
        findings={
            "sheet": {
                "total": scores.total(given.score),
                "criteria": dict(given.score),
                "given": len(facts.people.sheets) + 1,
                "wanted": facts.call.duties.evaluators,
            }
        }
    )


def _order_findings(facts: Facts, overtaken: tuple[Place, ...]) -> dict[str, object]:
    findings: dict[str, object] = {"earlier_waiting": len(facts.earlier)}
    if overtaken:
        findings["overtaken"] = [place.protocol for place in overtaken]
    return findings
