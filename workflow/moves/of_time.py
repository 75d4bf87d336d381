"""Which moves have all counters because an instant has come?

The workers make them, and nobody by hand. Beside them stand the two by which an
officer gives more time or starts a term anew.
"""

from models.vocabulary import (
    ApplicationState,
    Event,
    Letter,
    Role,
    StepKind,
)
from workflow.machine import Check, Effect, Guard, Inputs, Move, When
from workflow.moves import conditions, effects, guards
from workflow.moves import inputs as stated

_REMINDS = "art. 1 c. 2-bis L. 241/1990"


def moves(
    filed: tuple[ApplicationState, ...], phase_2: tuple[ApplicationState, ...]
) -> tuple[Move, ...]:
    """Make the rows about terms, for files in any state and after the grant."""
    return (*_watched(filed), *_registered(phase_2))


def _watched(filed: tuple[ApplicationState, ...]) -> tuple[Move, ...]:
    return (
        _of_time(
            Event.EXPIRE_TERM,
            filed,
            "Note that a term has ended, and wake whoever has to act (scadenza).",
            "art. 2 L. 241/1990",
            inputs=stated.TermInputs,
            accepts=(guards.terms.term_is_over,),
            effect=effects.expiries.expire_term,
        ),
        _of_time(
            Event.RESUME_TERM,
            filed,
            "Let a clock go on that stood still as long as it may (ripresa).",
            "art. 2 c. 7 and art. 10-bis L. 241/1990",
            inputs=stated.TermInputs,
            accepts=(guards.terms.stands_still,),
            effect=effects.expiries.resume_term,
        ),
        _of_time(
            Event.REMIND_TERM,
            filed,
            "Let a reminder go by, because the call was annulled (promemoria).",
            _REMINDS,
            inputs=stated.ReminderInputs,
            accepts=(guards.terms.is_running,),
            effect=effects.expiries.remind_term,
            when=conditions.call_was_annulled,
        ),
        _of_time(
            Event.REMIND_TERM,
            filed,
            "Remind the applicant of a term that is about to end (promemoria).",
            _REMINDS,
            inputs=stated.ReminderInputs,
            accepts=(guards.terms.is_running,),
            effect=effects.expiries.remind_term,
            letters=(Letter.REMINDER,),
        ),
        _of_time(
            Event.ESCALATE_TERM,
            filed,
            "Tell the manager of a term that was missed (potere sostitutivo).",
            "art. 2 c. 9-bis L. 241/1990",
            inputs=stated.TermInputs,
            accepts=(guards.terms.was_missed,),
            effect=effects.expiries.escalate_term,
        ),
        Move(
            Event.EXTEND_TERM,
            filed,
            None,
            Role.MANAGER,
            "Give the applicant more days for a term (proroga di un termine).",
            "the call, C.4",
            inputs=stated.TermExtensionInputs,
            accepts=(guards.terms.may_be_extended, guards.people.abstains_not),
            foresees=(guards.terms.some_term_extensible,),
            act=True,
            reason=True,
            effect=effects.expiries.extend_term,
            letters=(Letter.TERM_EXTENDED,),
        ),
    )


def _registered(phase_2: tuple[ApplicationState, ...]) -> tuple[Move, ...]:
    return (
        _of_time(
            Event.EXPIRE_PROPOSAL,
            phase_2,
            "Let a proposal of lapse fall on which nobody decided in time.",
            "art. 2 L. 241/1990",
            needs=(
                guards.steps.step_open(
                    StepKind.LAPSE_PROPOSAL, "there is no proposal to let fall"
                ),
            ),
            effect=effects.expiries.expire_proposal,
        ),
        _of_time(
            Event.RELEASE_COR,
            phase_2,
            "Drop the code of the aid registry that was not followed up.",
            "art. 9 c. 5 DM 115/2017",
            needs=(guards.grants.cor_not_confirmed,),
            effect=effects.expiries.release_cor,
        ),
        Move(
            Event.RENEW_COR,
            phase_2,
            None,
            Role.OFFICER,
            "Record the new code of the aid registry (nuovo COR).",
            "art. 9 DM 115/2017",
            inputs=stated.RenewalInputs,
            needs=(guards.grants.cor_has_lapsed,),
            accepts=(
                guards.days.not_after_today("cor_on"),
                guards.days.not_before("cor_on", Letter.GRANT),
                guards.grants.cor_is_valid,
            ),
            effect=effects.expiries.renew_cor,
        ),
    )


def _of_time(  # noqa: PLR0913 - the columns of a row
    event: Event,
    sources: tuple[ApplicationState, ...],
    told: str,
    basis: str,
    *,
    effect: Effect,
    inputs: type[Inputs] = Inputs,
    needs: tuple[Guard, ...] = (),
    accepts: tuple[Check, ...] = (),
    when: When | None = None,
    letters: tuple[Letter, ...] = (),
) -> Move:
    """Make a row that a worker alone can make, when its instant has come."""
    return Move(
        event,
        sources,
        None,
        Role.SYSTEM,
        told,
        basis,
        inputs=inputs,
        needs=needs,
        accepts=accepts,
        automatic=True,
        by_sweep=True,
        effect=effect,
        when=when,
        letters=letters,
    )
