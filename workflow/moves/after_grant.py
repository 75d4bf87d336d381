"""Which moves have all counters after the grant, and which ways out?

Each family says from which of its states.
"""

from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    Decision,
    Event,
    Letter,
    Role,
    StepKind,
    TermKind,
    TermStart,
)
from workflow.machine import Effect, Guard, Move, no_effect
from workflow.moves import arrivals, effects, guards, of_time
from workflow.moves import inputs as stated
from workflow.moves.counter import PHASE_1

_S = ApplicationState
_ENDS = FINAL_STATES - {_S.REMOVED}
"""All but that of a list: a counter has none."""

NO_LAPSE = guards.steps.step_not_open(
    StepKind.LAPSE_PROPOSAL, "adopt the lapse or dismiss the proposal first"
)
_STILL_AT_WORK = guards.steps.step_not_open(StepKind.REPORT, "the plan has ended")

PROGRESS = (
    Move(
        Event.APPROVE_VARIATION,
        (_S.IN_PROGRESS,),
        None,
        Role.RESPONSIBLE,
        "Approve a change of the plan (variazione).",
        "the call, C.4",
        inputs=stated.DocumentInputs,
        needs=(
            _STILL_AT_WORK,
            guards.terms.plan_is_running,
            NO_LAPSE,
        ),
        reason=True,
        letters=(Letter.VARIATION_APPROVED,),
    ),
    Move(
        Event.GRANT_EXTENSION,
        (_S.IN_PROGRESS,),
        None,
        Role.MANAGER,
        "Give the plan more time (proroga).",
        "the call, C.4",
        inputs=stated.ExtensionInputs,
        needs=(_STILL_AT_WORK, NO_LAPSE),
        accepts=(guards.terms.extension_allowed, guards.people.abstains_not),
        act=True,
        reason=True,
        effect=effects.phase_2.extend,
        letters=(Letter.EXTENSION_GRANTED,),
    ),
    Move(
        Event.DECLARE_END,
        (_S.IN_PROGRESS,),
        None,
        Role.INTAKE,
        "File the declaration that the plan has ended.",
        "the call, C.4",
        needs=(guards.phase_2.end_not_noted, NO_LAPSE),
        automatic=True,
        effect=effects.phase_2.declare_end,
        starts=(TermStart.ENDED,),
        meets=(TermKind.DURATION,),
    ),
    Move(
        Event.FILE_REPORT,
        (_S.IN_PROGRESS,),
        None,
        Role.INTAKE,
        "File the expense report (rendicontazione).",
        "the call, C.4",
        inputs=stated.ReplyInputs,
        awaited=arrivals.Awaited((TermKind.REPORT,)),
        needs=(
            guards.steps.step_open(StepKind.REPORT, "`declare_end` comes first"),
            guards.terms.in_time(TermKind.REPORT),
            NO_LAPSE,
        ),
        effect=effects.steps.both(
            effects.steps.both(
                effects.steps.answering(StepKind.REPORT),
                effects.phase_2.maturing(StepKind.REPORT),
            ),
            effects.arrivals.settle,
        ),
        starts=(TermStart.REPORT_FILED,),
        meets=(TermKind.REPORT,),
    ),
    Move(
        Event.SETTLE,
        (_S.IN_PROGRESS,),
        _S.COMPLETED,
        Role.MANAGER,
        "Recognise the expense and close the plan (saldo).",
        "the call, C.4",
        inputs=stated.SettlementInputs,
        needs=(
            guards.steps.step_answered(StepKind.REPORT, "wait for `file_report`"),
            guards.grants.cor_stands,
            NO_LAPSE,
        ),
        accepts=(guards.money.within_grant, guards.people.abstains_not),
        act=True,
        effect=effects.grants.settle,
        letters=(Letter.SETTLED,),
        meets=(TermKind.PAYMENT,),
    ),
)
"""*Realizzazione*: from the start of the plan to its settlement."""


def publication(source: ApplicationState) -> Move:
    """Make the row of the publication (*trasparenza*), on which all the rest waits."""
    return Move(
        Event.RECORD_PUBLICATION,
        (source,),
        None,
        Role.OFFICER,
        "Record the publication of the grant (trasparenza).",
        "artt. 26-27 D.Lgs. 33/2013",
        inputs=stated.PublicationInputs,
        needs=(guards.grants.not_published,),
        accepts=(
            guards.days.not_after_today("published_on"),
            guards.days.not_before("published_on", Letter.GRANT),
        ),
        effect=effects.grants.publish,
    )


def registration(sources: tuple[ApplicationState, ...]) -> Move:
    """Make the row of the act sent to the aid registry (*conferma del COR*)."""
    return Move(
        Event.CONFIRM_COR,
        sources,
        None,
        Role.OFFICER,
        "Record that the act was sent to the aid registry (conferma del COR).",
        "art. 9 c. 5 DM 115/2017",
        inputs=stated.RegistrationInputs,
        needs=(guards.grants.cor_not_confirmed,),
        accepts=(
            guards.days.not_after_today("sent_on"),
            guards.days.not_before("sent_on", Letter.GRANT),
            guards.grants.sent_while_it_stood,
        ),
        meets=(TermKind.AID_REGISTRY,),
    )


def acceptance(
    source: ApplicationState,
    *needs: Guard,
    basis: str,
    after: Letter,
    effect: Effect = no_effect,
) -> Move:
    """Make the row of the acceptance (*accettazione*) of what a letter says."""
    return Move(
        Event.ACCEPT,
        (source,),
        _S.ACCEPTED,
        Role.INTAKE,
        "File the applicant's signed acceptance (accettazione).",
        basis,
        inputs=stated.ReplyInputs,
        awaited=arrivals.Awaited((TermKind.ACCEPTANCE,), (after,)),
        needs=(
            *needs,
            guards.grants.is_published,
            guards.terms.in_time(TermKind.ACCEPTANCE),
            NO_LAPSE,
        ),
        effect=effects.steps.both(effect, effects.arrivals.settle),
        letters=(Letter.ACCEPTANCE_RECEIVED, Letter.START_DUE),
        starts=(TermStart.ACCEPTED,),
        meets=(TermKind.ACCEPTANCE,),
    )


def start(source: ApplicationState, *needs: Guard, basis: str, after: Letter) -> Move:
    """Make the row of the start of the plan (*avvio*), which follows a letter."""
    return Move(
        Event.START,
        (source,),
        _S.IN_PROGRESS,
        Role.INTAKE,
        "File the declaration that the plan has started (avvio).",
        basis,
        inputs=stated.StartInputs,
        awaited=arrivals.Awaited(
            (TermKind.START,), (after,) if after is Letter.GRANT else ()
        ),
        needs=(*needs, guards.terms.in_time(TermKind.START), NO_LAPSE),
        accepts=(
            guards.days.not_after_today("started_on"),
            guards.days.not_before("started_on", after, TermKind.START),
        ),
        effect=effects.steps.both(effects.phase_2.start_plan, effects.arrivals.settle),
        starts=(TermStart.STARTED,),
        meets=(TermKind.START,),
    )


def exits(
    phase_2: tuple[ApplicationState, ...], revocable: tuple[ApplicationState, ...]
) -> tuple[Move, ...]:
    """Make the rows that stand beside every state, and those that end a file."""
    filed = (*PHASE_1, _S.WAITING, *phase_2)
    # Nothing that was written may be left unsent, or without its proof.
    written_to = (_S.DRAFT, *filed, _S.COMPLETED, *sorted(_ENDS))
    return (
        *of_time.moves(filed, phase_2),
        Move(
            Event.RECORD_DELIVERY,
            written_to,
            None,
            Role.OFFICER,
            "Record proof that a letter was delivered (ricevuta di consegna).",
            "art. 3 DPR 68/2005",
            inputs=stated.DeliveryInputs,
            accepts=(
                guards.days.not_after_today("delivered_on"),
                guards.days.letter_awaits_delivery,
            ),
            foresees=(guards.days.some_letter_awaits_delivery,),
            automatic=True,
            effect=effects.deliveries.record_delivery,
        ),
        Move(
            Event.RELEASE_NOTICE,
            written_to,
            None,
            Role.RESPONSIBLE,
            "Let a letter go that is held back (rilascio di una comunicazione).",
            "art. 6 c. 1 lett. d) L. 241/1990",
            inputs=stated.ReleaseInputs,
            accepts=(guards.days.letter_is_held,),
            foresees=(guards.days.some_letter_is_held,),
            effect=effects.deliveries.release_notice,
        ),
        Move(
            Event.PROPOSE_LAPSE,
            phase_2,
            None,
            Role.RESPONSIBLE,
            "Propose a lapse for a missed term (proposta di decadenza).",
            "artt. 7 and 10-bis L. 241/1990",
            inputs=stated.LapseInputs,
            needs=(NO_LAPSE,),
            accepts=(guards.terms.missed_term,),
            foresees=(guards.terms.some_term_missed,),
            automatic=True,
            effect=effects.lapses.propose_lapse,
            letters=(Letter.LAPSE_PROPOSED,),
            starts=(TermStart.LAPSE_PROPOSED,),
        ),
        Move(
            Event.DISMISS_LAPSE,
            phase_2,
            None,
            Role.MANAGER,
            "Dismiss a proposal of lapse: the applicant is justified.",
            "art. 10-bis L. 241/1990",
            needs=(
                guards.steps.step_open(
                    StepKind.LAPSE_PROPOSAL, "there is nothing to dismiss"
                ),
            ),
            accepts=(guards.people.abstains_not,),
            act=True,
            reason=True,
            effect=effects.lapses.dismiss_lapse,
            letters=(Letter.LAPSE_DISMISSED,),
            meets=(TermKind.LAPSE_DECISION,),
        ),
        Move(
            Event.LAPSE,
            phase_2,
            _S.LAPSED,
            Role.MANAGER,
            "Adopt the lapse (decadenza).",
            "the call, D.2",
            needs=(
                guards.steps.step_open(
                    StepKind.LAPSE_PROPOSAL, "`propose_lapse` comes first"
                ),
                guards.terms.lapse_was_notified,
            ),
            accepts=(guards.people.abstains_not,),
            decides=Decision.LAPSE,
            proposed_by=(Event.PROPOSE_LAPSE,),
            act=True,
            reason=True,
            effect=effects.lapses.lapse,
            letters=(Letter.LAPSED,),
            meets=(TermKind.LAPSE_DECISION,),
        ),
        Move(
            Event.WITHDRAW,
            filed,
            _S.WITHDRAWN,
            Role.INTAKE,
            "File the applicant's withdrawal (rinuncia).",
            "the call, D.2",
            inputs=stated.DocumentInputs,
            effect=effects.money.withdraw,
            letters=(Letter.WITHDRAWAL_ACKNOWLEDGED,),
        ),
        Move(
            Event.PROPOSE_REVOCATION,
            (*revocable, _S.COMPLETED),
            None,
            Role.RESPONSIBLE,
            "Propose that the grant be revoked (proposta di revoca).",
            "art. 6 c. 1 lett. e) L. 241/1990; the call, D.2",
            needs=(
                guards.steps.step_not_open(
                    StepKind.REVOCATION_PROPOSAL, "`revoke` decides on it"
                ),
            ),
            also=(Role.OFFICER,),
            reason=True,
            effect=effects.steps.opening(StepKind.REVOCATION_PROPOSAL),
        ),
        Move(
            Event.REVOKE,
            (*revocable, _S.COMPLETED),
            _S.REVOKED,
            Role.MANAGER,
            "Revoke the grant (revoca).",
            "art. 9 D.Lgs. 123/1998; the call, D.2",
            inputs=stated.RecoveryInputs,
            needs=(guards.people.revocation_was_proposed,),
            accepts=(
                guards.money.recovery_within_grant,
                guards.people.abstains_not,
            ),
            decides=Decision.REVOCATION,
            proposed_by=(Event.PROPOSE_REVOCATION,),
            act=True,
            reason=True,
            effect=effects.steps.both(
                effects.money.take_back,
                effects.steps.closing(StepKind.REVOCATION_PROPOSAL, "adopted"),
            ),
            letters=(Letter.REVOKED,),
        ),
        Move(
            Event.ANNUL,
            (*filed, _S.COMPLETED),
            _S.ANNULLED,
            Role.MANAGER,
            "Annul it in self-protection or by judgment (annullamento).",
            "art. 21-nonies L. 241/1990",
            inputs=stated.RecoveryInputs,
            accepts=(guards.money.recovery_within_grant, guards.people.abstains_not),
            act=True,
            reason=True,
            effect=effects.money.take_back,
            letters=(Letter.ANNULLED,),
        ),
    )


_CARRIED_OUT = (_S.GRANTED, _S.ACCEPTED, _S.IN_PROGRESS)

CARRIED_OUT = (
    registration(_CARRIED_OUT),
    acceptance(
        _S.GRANTED,
        guards.grants.acceptance_is_wanted,
        basis="the call, C.4",
        after=Letter.GRANT,
    ),
    start(_S.ACCEPTED, basis="the call, C.4", after=Letter.ACCEPTANCE_RECEIVED),
    start(
        _S.GRANTED,
        guards.grants.no_acceptance_is_wanted,
        guards.grants.is_published,
        basis="the call, C.4",
        after=Letter.GRANT,
    ),
    *PROGRESS,
    *exits(_CARRIED_OUT, revocable=_CARRIED_OUT),
)
"""What was granted is carried out as it was applied for: nothing is negotiated.

The applicant accepts the grant first where the call wants it.
"""
