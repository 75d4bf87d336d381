"""Which moves has a counter procedure with negotiation?

Phase 1 takes applications in order, checks and scores them and ends with the
act of admission, which is the grant; phase 2 negotiates, files the definitive
plan, fixes the amount, accepts and starts.
"""

from models.vocabulary import (
    ApplicationState,
    Event,
    Family,
    Letter,
    Role,
    StepKind,
    TermKind,
    TermStart,
)
from workflow.machine import Move, Table
from workflow.moves import after_grant, arrivals, counter, effects, guards
from workflow.moves import inputs as stated

_S = ApplicationState
_BASIS = "the call, phase 2"
_NEGOTIATING = (_S.NEGOTIATING,)
_CARRIED_OUT = (_S.ACCEPTED, _S.IN_PROGRESS)
_PHASE_2 = (*_NEGOTIATING, *_CARRIED_OUT)

_PLAN_ANSWERED = guards.steps.step_answered(
    StepKind.DEFINITIVE_PLAN, "wait for `file_plan`"
)
_NOT_DETERMINED = guards.steps.step_not_open(
    StepKind.DETERMINATION, "the amount is already determined"
)

NEGOTIATION = (
    Move(
        Event.CONVENE_NEGOTIATION,
        _NEGOTIATING,
        None,
        Role.RESPONSIBLE,
        "Convene the negotiation meeting (incontro di negoziazione).",
        _BASIS,
        inputs=stated.MeetingInputs,
        needs=(guards.grants.is_published, guards.phase_2.not_signed),
        accepts=(guards.days.not_before_today("meeting_on"),),
        effect=effects.phase_2.convene,
        letters=(Letter.CONVOCATION,),
    ),
    Move(
        Event.SIGN_MINUTES,
        _NEGOTIATING,
        None,
        Role.RESPONSIBLE,
        "File the signed minutes; the definitive plan is awaited.",
        _BASIS,
        inputs=stated.MinutesInputs,
        needs=(
            guards.steps.step_open(
                StepKind.NEGOTIATION, "`convene_negotiation` comes first"
            ),
            after_grant.NO_LAPSE,
        ),
        accepts=(
            guards.days.not_after_today("signed_on"),
            guards.days.not_before("signed_on", Letter.CONVOCATION),
        ),
        effect=effects.phase_2.sign_minutes,
        letters=(Letter.PLAN_DUE,),
        starts=(TermStart.MINUTES_SIGNED,),
        meets=(TermKind.NEGOTIATION,),
    ),
    Move(
        Event.FILE_PLAN,
        _NEGOTIATING,
        None,
        Role.INTAKE,
        "File the definitive plan (Piano di attività definitivo).",
        _BASIS,
        inputs=stated.PlanInputs,
        awaited=arrivals.Awaited(
            (TermKind.DEFINITIVE_PLAN, TermKind.PLAN_CORRECTION),
            (Letter.PLAN_RETURNED,),
        ),
        needs=(
            guards.steps.step_open(
                StepKind.DEFINITIVE_PLAN, "`sign_minutes` comes first"
            ),
            guards.terms.in_time(TermKind.DEFINITIVE_PLAN),
            guards.terms.in_time(TermKind.PLAN_CORRECTION),
        ),
        effect=effects.steps.both(effects.phase_2.file_plan, effects.arrivals.settle),
        starts=(TermStart.PLAN_FILED,),
        meets=(TermKind.DEFINITIVE_PLAN, TermKind.PLAN_CORRECTION),
    ),
    Move(
        Event.RETURN_PLAN,
        _NEGOTIATING,
        None,
        Role.RESPONSIBLE,
        "Return the definitive plan for corrections.",
        _BASIS,
        needs=(
            _PLAN_ANSWERED,
            guards.phase_2.plan_may_be_returned,
            _NOT_DETERMINED,
        ),
        reason=True,
        effect=effects.phase_2.return_plan,
        letters=(Letter.PLAN_RETURNED,),
        meets=(TermKind.PLAN_CHECK,),
    ),
    Move(
        Event.DETERMINE_AMOUNT,
        _NEGOTIATING,
        None,
        Role.MANAGER,
        "Fix the amount on the definitive plan (rideterminazione).",
        "the call, phase 2; art. 9 DM 115/2017",
        inputs=stated.DeterminationInputs,
        needs=(
            _PLAN_ANSWERED,
            _NOT_DETERMINED,
        ),
        accepts=(guards.grants.admitted_within_plan, guards.people.abstains_not),
        act=True,
        effect=effects.grants.determine,
        letters=(Letter.AMOUNT_DETERMINED,),
        meets=(TermKind.PLAN_CHECK,),
    ),
)
"""*Negoziazione*: the meeting, the definitive plan and the final amount."""

MOVES = (
    *counter.FILING,
    *counter.FORMAL_CHECK,
    *counter.REFUSAL,
    *counter.MERIT,
    *counter.WAITING_LIST,
    counter.grant(_S.NEGOTIATING),
    after_grant.publication(_S.NEGOTIATING),
    after_grant.registration(_PHASE_2),
    *NEGOTIATION,
    after_grant.acceptance(
        _S.NEGOTIATING,
        guards.phase_2.determined,
        basis=_BASIS,
        after=Letter.AMOUNT_DETERMINED,
        effect=effects.steps.both(
            effects.steps.closing(StepKind.DEFINITIVE_PLAN, "approved"),
            effects.steps.closing(StepKind.DETERMINATION, "accepted"),
        ),
    ),
    after_grant.start(_S.ACCEPTED, basis=_BASIS, after=Letter.ACCEPTANCE_RECEIVED),
    *after_grant.PROGRESS,
    *after_grant.exits(_PHASE_2, revocable=_CARRIED_OUT),
)

TABLE = Table(Family("negotiated_counter"), MOVES)
