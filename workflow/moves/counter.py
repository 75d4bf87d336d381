"""Which moves have all counters, from the filing to the grant?

Each family puts these rows together with its own. Where a row depends on the
family, a small function makes it.
"""

from dataclasses import replace

from models.vocabulary import (
    ApplicationState,
    Decision,
    Event,
    Letter,
    Role,
    StepKind,
    TermKind,
    TermStart,
)
from workflow.machine import Move
from workflow.moves import arrivals, conditions, effects, guards, partnerships
from workflow.moves import inputs as stated

_S = ApplicationState
_REVIEW = (_S.SUBMITTED,)
_SCORED = (_S.EVALUATED,)
_OBSERVED = (_S.SUBMITTED, _S.EVALUATED)
PHASE_1 = (_S.SUBMITTED, _S.ADMISSIBLE, _S.EVALUATED)

_NO_COMPLETION = guards.steps.step_not_open(
    StepKind.COMPLETION_REQUEST, "wait for the answer or for the end of its term"
)
_NO_NOTICE = guards.refusals.not_being_refused
_FILING = (
    guards.receipt.not_in_the_future,
    guards.receipt.within_window,
    guards.filing.applicant_is_eligible,
    guards.filing.only_one_application,
    *guards.partnerships.FILING,
    guards.filing.documents_are_there,
    guards.filing.request_is_sound,
    guards.filing.comes_from_intake,
    guards.lists.stands_where_required,
    guards.filing.counter_takes_it,
)
_PROMOTED = (
    guards.receipt.is_receivable,
    guards.money.has_no_money,
    guards.money.comes_first_for_money,
)

FILING = (
    Move(
        Event.REGISTER_DRAFT,
        (_S.DRAFT,),
        None,
        Role.INTAKE,
        "Note a draft that the portal announces (bozza).",
        "the call, C.1",
        needs=(
            guards.receipt.window_has_begun,
            guards.receipt.window_not_over,
            guards.filing.only_one_application,
            guards.partnerships.is_foreseen,
        ),
        automatic=True,
        by_intake=True,
    ),
    Move(
        Event.SUBMIT,
        (_S.DRAFT,),
        _S.WAITING,
        Role.INTAKE,
        "Take an application in that the money does not cover (oltre dotazione).",
        "art. 53 DPR 445/2000; the call, C.1",
        needs=_FILING,
        automatic=True,
        by_intake=True,
        effect=effects.filing.submit,
        when=conditions.waits_from_the_filing,
        letters=(Letter.SUBMISSION_RECEIPT, Letter.WAITING_LIST),
    ),
    Move(
        Event.SUBMIT,
        (_S.DRAFT,),
        _S.SUBMITTED,
        Role.INTAKE,
        "Take an application in, with its protocol number (presentazione).",
        "art. 53 DPR 445/2000; the call, C.1",
        needs=_FILING,
        automatic=True,
        by_intake=True,
        effect=effects.filing.submit,
        letters=(Letter.SUBMISSION_RECEIPT,),
        starts=(TermStart.PROTOCOL,),
    ),
    Move(
        Event.EXPIRE,
        (_S.DRAFT,),
        _S.EXPIRED,
        Role.RESPONSIBLE,
        "Close a draft that was never submitted (scaduta).",
        "the call, C.1",
        needs=(guards.receipt.window_is_over,),
        automatic=True,
    ),
    Move(
        Event.DECLARE_NOT_RECEIVABLE,
        _REVIEW,
        _S.NOT_RECEIVABLE,
        Role.RESPONSIBLE,
        "Declare that it came late or by another channel (irricevibile).",
        "art. 2 c. 1 L. 241/1990",
        needs=(guards.receipt.not_receivable, guards.turn.review_not_started),
        accepts=(guards.people.abstains_not,),
        decides=Decision.REFUSAL,
        # Whoever took it in wrote down how and when it came: that is the ground.
        proposed_by=(Event.SUBMIT,),
        act=True,
        reason=True,
        effect=effects.filing.not_receivable,
        letters=(Letter.NOT_RECEIVABLE,),
        meets=(TermKind.CONCLUSION,),
    ),
    partnerships.change(*PHASE_1, _S.WAITING),
)
"""*Presentazione*: what the intake makes, and what comes of it at once."""

FORMAL_CHECK = (
    Move(
        Event.START_REVIEW,
        _REVIEW,
        None,
        Role.OFFICER,
        "Start the formal check, in its turn (avvio dell'istruttoria).",
        "artt. 7-8 L. 241/1990; art. 5 c. 3 D.Lgs. 123/1998",
        inputs=stated.ReviewInputs,
        needs=(
            guards.receipt.is_receivable,
            guards.turn.review_not_started,
            guards.turn.was_drawn,
        ),
        accepts=(guards.turn.takes_its_turn,),
        foresees=(guards.turn.has_its_turn,),
        effect=effects.review.start_review,
        letters=(Letter.PROCEDURE_START,),
        starts=(TermStart.REVIEW_STARTED,),
    ),
    Move(
        Event.REQUEST_COMPLETION,
        _REVIEW,
        None,
        Role.RESPONSIBLE,
        "Ask the applicant to complete the file (soccorso istruttorio).",
        "art. 6 c. 1 lett. b) and art. 2 c. 7 L. 241/1990",
        inputs=stated.CompletionInputs,
        needs=(
            guards.turn.review_started,
            guards.steps.never_asked(StepKind.COMPLETION_REQUEST),
            _NO_NOTICE,
        ),
        effect=effects.steps.opening(
            StepKind.COMPLETION_REQUEST, waits_for_applicant=True
        ),
        letters=(Letter.COMPLETION_REQUEST,),
    ),
    Move(
        Event.ANSWER_COMPLETION,
        _REVIEW,
        None,
        Role.INTAKE,
        "File the applicant's answer to a completion request.",
        "art. 6 c. 1 lett. b) L. 241/1990",
        inputs=stated.ReplyInputs,
        awaited=arrivals.Awaited(
            (TermKind.COMPLETION,),
            (Letter.COMPLETION_REQUEST,),
            StepKind.COMPLETION_REQUEST,
        ),
        needs=(
            guards.steps.awaited(
                StepKind.COMPLETION_REQUEST,
                TermKind.COMPLETION,
                "nothing was asked for",
            ),
            guards.terms.in_time(TermKind.COMPLETION),
        ),
        effect=effects.steps.both(
            effects.clocks.answer_completion, effects.arrivals.settle
        ),
        meets=(TermKind.COMPLETION,),
    ),
    Move(
        Event.EXPIRE_COMPLETION,
        _REVIEW,
        None,
        Role.RESPONSIBLE,
        "Stop waiting for a completion whose term has ended.",
        "art. 2 c. 7 L. 241/1990",
        needs=(
            guards.steps.step_open(
                StepKind.COMPLETION_REQUEST, "nothing was asked for"
            ),
            guards.terms.has_expired(TermKind.COMPLETION),
        ),
        automatic=True,
        effect=effects.clocks.expire_completion,
    ),
    Move(
        Event.ADMIT,
        _REVIEW,
        _S.ADMISSIBLE,
        Role.RESPONSIBLE,
        "Close the formal check with a good result (ammissibile).",
        "art. 6 L. 241/1990",
        inputs=stated.AdmissionInputs,
        needs=(
            guards.turn.review_started,
            _NO_COMPLETION,
            _NO_NOTICE,
            guards.lists.required_lists_are_known,
        ),
        accepts=(guards.merit.checklist_is_complete,),
        effect=effects.steps.both(
            effects.steps.closing(StepKind.REVIEW, "passed"), effects.lists.note
        ),
        starts=(TermStart.ADMITTED,),
        meets=(TermKind.FORMAL_CHECK,),
    ),
)
"""*Istruttoria formale*, with its completion request."""

REFUSAL = (
    Move(
        Event.NOTIFY_REFUSAL,
        _OBSERVED,
        None,
        Role.RESPONSIBLE,
        "Send a notice of refusal with its reasons (preavviso di rigetto).",
        "art. 10-bis L. 241/1990",
        needs=(
            guards.turn.review_started,
            guards.refusals.refusal_notice_may_be_sent,
            guards.refusals.refusal_has_ground,
            _NO_COMPLETION,
        ),
        reckons=True,
        reason=True,
        effect=effects.steps.opening(StepKind.REFUSAL_NOTICE, waits_for_applicant=True),
        letters=(Letter.REFUSAL_NOTICE,),
    ),
    Move(
        Event.FILE_OBSERVATIONS,
        _OBSERVED,
        None,
        Role.INTAKE,
        "File the applicant's observations (osservazioni).",
        "art. 10-bis L. 241/1990",
        inputs=stated.ReplyInputs,
        awaited=arrivals.Awaited(
            (TermKind.OBSERVATIONS,),
            (Letter.REFUSAL_NOTICE,),
            StepKind.REFUSAL_NOTICE,
        ),
        needs=(
            guards.steps.awaited(
                StepKind.REFUSAL_NOTICE,
                TermKind.OBSERVATIONS,
                "there is nothing to observe on",
            ),
            guards.terms.in_time(TermKind.OBSERVATIONS),
        ),
        effect=effects.steps.both(
            effects.clocks.file_observations, effects.arrivals.settle
        ),
        meets=(TermKind.OBSERVATIONS,),
    ),
    Move(
        Event.EXPIRE_OBSERVATIONS,
        _OBSERVED,
        None,
        Role.RESPONSIBLE,
        "Stop waiting for observations whose term has ended.",
        "art. 10-bis L. 241/1990",
        needs=(
            guards.steps.step_open(StepKind.REFUSAL_NOTICE, "nothing is awaited"),
            guards.terms.has_expired(TermKind.OBSERVATIONS),
        ),
        automatic=True,
        effect=effects.clocks.expire_observations,
    ),
    Move(
        Event.UPHOLD_OBSERVATIONS,
        _OBSERVED,
        None,
        Role.RESPONSIBLE,
        "Uphold the observations: the file goes on.",
        "art. 10-bis L. 241/1990",
        needs=(guards.refusals.may_be_upheld,),
        reason=True,
        effect=effects.clocks.uphold,
        letters=(Letter.OBSERVATIONS_UPHELD,),
    ),
    Move(
        Event.DECLARE_INADMISSIBLE,
        _REVIEW,
        _S.INADMISSIBLE,
        Role.MANAGER,
        "Refuse it after the formal check (inammissibile).",
        "art. 2 and art. 10-bis L. 241/1990",
        needs=(
            guards.turn.review_started,
            guards.refusals.notice_of_refusal_given,
            _NO_COMPLETION,
        ),
        accepts=(guards.people.abstains_not,),
        decides=Decision.REFUSAL,
        proposed_by=(Event.START_REVIEW, Event.NOTIFY_REFUSAL),
        act=True,
        reason=True,
        effect=effects.steps.both(
            effects.money.release, effects.steps.closing(StepKind.REVIEW, "failed")
        ),
        letters=(Letter.INADMISSIBLE,),
        meets=(TermKind.CONCLUSION, TermKind.FORMAL_CHECK),
    ),
)
"""*Preavviso di rigetto*, and the refusal after the formal check."""

CONFLICT = Move(
    Event.DECLARE_CONFLICT,
    (
        *(*PHASE_1, _S.WAITING),
        # What is decided after a grant, a revocation say, is decided as impartially.
        *(_S.GRANTED, _S.NEGOTIATING, _S.ACCEPTED, _S.IN_PROGRESS),
    ),
    None,
    Role.MANAGER,  # who may record that of another acts as one who may
    "Declare a conflict of interests: who has one abstains (art. 6-bis).",
    "art. 6-bis L. 241/1990",
    inputs=stated.ConflictInputs,
    accepts=(guards.people.conflict_is_new,),
    also=(Role.RESPONSIBLE, Role.OFFICER, Role.EVALUATOR),
    reason=True,
)
"""*Conflitto di interessi*: who has one neither scores nor decides."""

NO_CONFLICT = replace(
    CONFLICT,
    event=Event.END_CONFLICT,
    help="Take a declared conflict of interests back: who had one need not abstain.",
    accepts=(guards.people.conflict_may_end,),
)
"""It was declared wrongly, or is over."""

_MAY_BE_SCORED = (
    guards.merit.may_be_scored,
    _NO_NOTICE,
    guards.turn.was_drawn,
    guards.lists.rewarded_lists_are_known,
)
_GOOD_SHEET = (
    guards.people.abstains_not,
    guards.people.scores_once,
    guards.merit.scores_are_complete,
)

MERIT = (
    CONFLICT,
    NO_CONFLICT,
    Move(
        Event.EVALUATE,
        (_S.ADMISSIBLE, _S.EVALUATED),
        None,
        Role.EVALUATOR,
        "Give one evaluator's score, to which others are added (scheda).",
        "art. 12 L. 241/1990",
        inputs=stated.EvaluationInputs,
        needs=_MAY_BE_SCORED,
        accepts=_GOOD_SHEET,
        when=conditions.other_scores_follow,
        effect=effects.review.give_sheet,
    ),
    Move(
        Event.EVALUATE,
        (_S.ADMISSIBLE, _S.EVALUATED),
        _S.EVALUATED,
        Role.EVALUATOR,
        "Give the board's score, in its turn (valutazione di merito).",
        "art. 12 L. 241/1990; art. 5 c. 3 D.Lgs. 123/1998",
        inputs=stated.EvaluationInputs,
        needs=_MAY_BE_SCORED,
        accepts=(guards.turn.is_scored_in_turn, *_GOOD_SHEET),
        foresees=(guards.turn.has_its_turn_on_merit,),
        effect=effects.review.evaluate,
        meets=(TermKind.MERIT,),
    ),
    Move(
        Event.REJECT,
        _SCORED,
        _S.REJECTED,
        Role.MANAGER,
        "Refuse it for its merit (non ammessa).",
        "art. 2 and art. 10-bis L. 241/1990",
        needs=(
            guards.refusals.refusal_has_ground,
            guards.refusals.notice_of_refusal_given,
        ),
        accepts=(guards.people.abstains_not,),
        decides=Decision.REFUSAL,
        proposed_by=(Event.EVALUATE, Event.NOTIFY_REFUSAL),
        reckons=True,
        act=True,
        reason=True,
        effect=effects.money.release,
        letters=(Letter.REJECTED,),
        meets=(TermKind.CONCLUSION,),
    ),
)
"""*Valutazione di merito*."""

WAITING_LIST = (
    Move(
        Event.YIELD_RESERVATION,
        _REVIEW,
        _S.WAITING,
        Role.SYSTEM,
        "Give its reservation up before its review, and wait (ordine di arrivo).",
        "art. 5 c. 3 D.Lgs. 123/1998",
        needs=(guards.money.has_money,),
        when=conditions.goes_back_to_wait,
        automatic=True,
        by_intake=True,
        effect=effects.filing.yield_and_wait,
        letters=(Letter.WAITING_LIST,),
    ),
    Move(
        Event.YIELD_RESERVATION,
        PHASE_1,
        None,
        Role.SYSTEM,
        "Give its reservation up for one that arrived earlier (ordine di arrivo).",
        "art. 5 c. 3 D.Lgs. 123/1998",
        needs=(guards.money.has_money,),
        automatic=True,
        by_intake=True,
        effect=effects.filing.yield_reservation,
        letters=(Letter.WAITING_LIST,),
    ),
    Move(
        Event.PUT_ON_WAITING_LIST,
        _SCORED,
        _S.WAITING,
        Role.RESPONSIBLE,
        "Put it on the waiting list: there is no money now (lista d'attesa).",
        "art. 2 c. 3 D.Lgs. 123/1998",
        needs=(guards.merit.reaches_threshold, guards.money.has_no_money, _NO_NOTICE),
        automatic=True,
        letters=(Letter.WAITING_LIST,),
    ),
    Move(
        Event.PROMOTE,
        (_S.WAITING,),
        _S.SUBMITTED,
        Role.RESPONSIBLE,
        "Give it the money that was set free (scorrimento).",
        "art. 5 c. 3 D.Lgs. 123/1998",
        needs=_PROMOTED,
        when=conditions.was_never_scored,
        automatic=True,
        effect=effects.steps.both(
            effects.money.promote, effects.clocks.start_conclusion
        ),
        letters=(Letter.PROMOTED,),
    ),
    Move(
        Event.PROMOTE,
        (_S.WAITING,),
        _S.EVALUATED,
        Role.RESPONSIBLE,
        "Give it the money that was set free (scorrimento).",
        "art. 5 c. 3 D.Lgs. 123/1998",
        needs=_PROMOTED,
        automatic=True,
        effect=effects.money.promote,
        letters=(Letter.PROMOTED,),
    ),
    Move(
        Event.PROMOTE,
        PHASE_1,
        None,
        Role.RESPONSIBLE,
        "Give it the money that was set free (scorrimento).",
        "art. 5 c. 3 D.Lgs. 123/1998",
        needs=_PROMOTED,
        automatic=True,
        effect=effects.money.promote,
        letters=(Letter.PROMOTED,),
    ),
    Move(
        Event.DECLARE_UNFUNDED,
        (_S.WAITING,),
        _S.UNFUNDED,
        Role.MANAGER,
        "Close it because the money has run out (non finanziata).",
        "art. 2 c. 3 D.Lgs. 123/1998",
        needs=(
            guards.receipt.window_is_over,
            guards.money.has_no_money,
            guards.money.no_money_for_it,
            guards.money.no_money_is_due_to_it,
        ),
        accepts=(guards.people.abstains_not,),
        decides=Decision.REFUSAL,
        proposed_by=(Event.ADMIT, Event.EVALUATE, Event.PUT_ON_WAITING_LIST),
        act=True,
        effect=effects.money.release,
        letters=(Letter.UNFUNDED,),
        meets=(TermKind.CONCLUSION,),
    ),
)
"""*Lista d'attesa*: who has no money, and who takes what is set free."""


def grant(target: ApplicationState) -> Move:
    """Make the row of the grant (*concessione*), which leads where the family says."""
    return Move(
        Event.GRANT,
        _SCORED,
        target,
        Role.MANAGER,
        "Admit it and grant the aid (concessione).",
        "art. 5 c. 3 D.Lgs. 123/1998; art. 9 DM 115/2017; art. 11 L. 3/2003",
        inputs=stated.GrantInputs,
        needs=(
            guards.merit.reaches_threshold,
            _NO_NOTICE,
            guards.turn.day_is_over,
            guards.turn.was_drawn,
            guards.money.has_money,
            guards.grants.time_is_left,
        ),
        accepts=(
            guards.days.not_after_today("cor_on"),
            guards.days.not_after_today("cup_on"),
            guards.grants.cor_is_valid,
            guards.grants.admitted_within_declared,
            guards.grants.grant_is_covered,
            guards.grants.contributions_are_regular,
            guards.grants.antimafia_is_checked,
            guards.people.abstains_not,
        ),
        decides=Decision.GRANT,
        proposed_by=(Event.ADMIT, Event.EVALUATE),
        reckons=True,
        foresees=(guards.grants.may_be_granted,),
        act=True,
        effect=effects.grants.grant,
        letters=(Letter.GRANT,),
        starts=(TermStart.GRANTED,),
        meets=(TermKind.CONCLUSION,),
    )
