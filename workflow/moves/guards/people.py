"""Guards: is it for another person to do this?"""

from uuid import UUID

from models.vocabulary import Decision, Role, StepKind
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.machine import Inputs
from workflow.moves import inputs as stated
from workflow.moves.words import rome

_LIFTS_OF_OTHERS = {Role.RESPONSIBLE, Role.MANAGER}


def abstains_not(facts: Facts, _given: Inputs) -> Verdict:
    """Whoever has a conflict of interests abstains (art. 6-bis L. 241)."""
    hands = facts.by
    if hands is None:
        return ALLOWED
    mine = {hands.id, *hands.behalf.values()}
    standing = [one for who, one in facts.people.conflicts.items() if who in mine]
    if not standing:
        return ALLOWED
    first = min(standing, key=lambda one: one.seq)
    return Verdict(
        "conflict.declared",
        "a conflict of interests on this application was declared for whoever asks, "
        f"at {rome(first.at)} (Rome), entry {first.seq}; let somebody else do it",
        {"officer": str(hands.id), "declared_in": first.seq},
    )


def scores_once(facts: Facts, _given: Inputs) -> Verdict:
    """Each of several evaluators gives one score, and none for another as well."""
    hands = facts.by
    if hands is None:
        return ALLOWED
    mine: set[UUID | None] = {hands.id, *hands.behalf.values()} - {None}
    if not any(mine & {sheet.by, sheet.behalf} for sheet in facts.people.sheets):
        return ALLOWED
    given, wanted = len(facts.people.sheets), facts.call.duties.evaluators
    return Verdict(
        "score.given_by_same",
        f"this evaluator has given a score already; {given} of {wanted} are there, "
        "and the next is for another one to give",
        {"officer": str(hands.id), "given": given, "wanted": wanted},
    )


def conflict_is_new(facts: Facts, given: stated.ConflictInputs) -> Verdict:
    """Everybody declares their own; that of another only the head of the office.

    Who prepares the file has no say in who decides on it (art. 7 DPR 62/2013): they
    could keep everybody from it.
    """
    hands = facts.by
    own = hands is not None and given.officer == hands.id
    if hands is not None and not own and Role.MANAGER not in hands.roles:
        return Verdict(
            "conflict.of_another",
            "a conflict of interests is declared by whom it concerns, or recorded by "
            "a `manager`; let one of them do it",
        )
    if not facts.people.is_known:
        return Verdict(
            "officer.unknown",
            "no officer of this database has that reference; `sportello officer "
            "conflict LOGIN APP` takes the login instead",
        )
    if given.officer in facts.people.conflicts:
        return Verdict(
            "conflict.known", "that conflict of interests is on record already"
        )
    return ALLOWED


def conflict_may_end(facts: Facts, given: stated.ConflictInputs) -> Verdict:
    """Who declared their own takes it back; what another recorded they do not."""
    found, hands = facts.people.conflicts.get(given.officer), facts.by
    if found is None:
        return Verdict(
            "conflict.unknown",
            "no conflict of interests of that officer stands on this application; "
            "`sportello log show APP --event declare_conflict` tells those declared",
        )
    if hands is None or hands.id == given.officer == found.by:
        return ALLOWED
    is_theirs = given.officer in {hands.id, *hands.behalf.values()}
    if _LIFTS_OF_OTHERS & hands.roles and not is_theirs:
        return ALLOWED
    return Verdict(
        "conflict.of_another",
        "a conflict of interests is taken back by whoever declared it for themselves, "
        "or by a `responsible` or a `manager` whom it does not concern; let one of "
        "them do it",
    )


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
