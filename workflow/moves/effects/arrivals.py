"""Effects: what has no object any more once it is known what had come in in time?"""

from models.vocabulary import Letter, StepKind, StepStatus, TermKind
from workflow.facts import Facts
from workflow.machine import Consequences, Inputs, StepChange, TermChange


def settle(facts: Facts, _given: Inputs) -> Consequences:
    """Close the proposal of lapse that came only of what was held to be missed.

    The applicant was written to, and is told that nothing comes of it. No act is
    needed: a lapse without a missed term cannot be adopted. A proposal that has
    fallen meanwhile is closed already, and nobody has to decide on it any more;
    but nobody has told the applicant.
    """
    if facts.arrival is None or not facts.arrival.met:
        return Consequences()
    findings = {"met_in_time": [kind.value for kind in facts.arrival.met]}
    lapse = facts.arrival.lapse
    if lapse is None:
        return Consequences(findings=findings)
    if lapse.status is StepStatus.CLOSED:
        return Consequences(
            terms=(TermChange(TermKind.LAPSE_DECISION, settled=True),),
            letters=(Letter.LAPSE_DISMISSED,),
            findings=findings,
        )
    return Consequences(
        steps=(
            StepChange(StepKind.LAPSE_PROPOSAL, StepStatus.CLOSED, "without_object"),
        ),
        terms=(TermChange(TermKind.LAPSE_DECISION, cancelled=True),),
        letters=(Letter.LAPSE_DISMISSED,),
        findings=findings,
    )
