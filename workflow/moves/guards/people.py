"""Guards: is it for another person to do this?"""

from uuid import UUID

from models.vocabulary import Decision, StepKind
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.machine import Inputs
from workflow.moves import inputs as stated

_MAY_TELL_OF_OTHERS = {"responsible", "manager"}


def abstains_not(facts: Facts, _given: Inputs) -> Verdict:
    """Whoever has declared a conflict of interests abstains (art. 6-bis L. 241)."""
    hands = facts.by
    if hands is None:
        return ALLOWED
    mine: set[UUID | None] = {hands.id, *hands.behalf.values()}
    if not mine & facts.people.conflicts:
        return ALLOWED
    return Verdict(
        "conflict.declared",
        "a conflict of interests on this application was declared for whoever asks; "
        "let somebody else do it",
        {"officer": str(hands.id)},
    )


def scores_once(facts: Facts, _given: Inputs) -> Verdict:
    """Each of several evaluators gives one score, and none for another as well."""
    hands = facts.by
    if hands is None:
        return ALLOWED
    mine: set[UUID | None] = {hands.id, *hands.behalf.values()} - {None}
    if not any(mine & {sheet.by, sheet.behalf} for sheet in facts.people.sheets):
        return ALLOWED
    given, wanted = len(facts.people.counted), facts.call.duties.evaluators
    return Verdict(
        "score.given_by_same",
        f"this evaluator has given a score already; {given} of {wanted} are there, "
        "and the next is for another one to give",
        {"officer": str(hands.id), "given": given, "wanted": wanted},
    )


def conflict_is_new(facts: Facts, given: stated.ConflictInputs) -> Verdict:
    """Everybody declares their own; of others only who keeps the file tells."""
    hands = facts.by
    own = hands is not None and given.officer == hands.id
    if hands is not None and not own and not _MAY_TELL_OF_OTHERS & hands.roles:
        return Verdict(
            "conflict.of_another",
            "a conflict of interests is declared by whom it concerns, or recorded by "
            "a `responsible` or a `manager`",
        )
    if given.officer in facts.people.conflicts:
        return Verdict(
            "conflict.known", "that conflict of interests is on record already"
        )
    return ALLOWED


def revocation_was_proposed(facts: Facts) -> Verdict:
    """Where one proposes and another revokes, the proposal comes first."""
    if Decision.REVOCATION not in facts.call.duties.separate:
        return ALLOWED
    if facts.open_step(StepKind.REVOCATION_PROPOSAL) is not None:
        return ALLOWED
    return Verdict(
        "revocation_proposal.missing",
        "in this call one person proposes the revocation and another adopts it; "
        "`propose_revocation` comes first",
    )
