"""Which moves has an expression of interest that ends in an approved list?

Nothing is granted and there is no money: proposals are examined in any order, the
board finds them worthy or not, and an act puts the worthy ones on a list that later
acts keep up to date.
"""

from collections.abc import Iterable
from dataclasses import replace

from models.vocabulary import (
    ApplicationState,
    Decision,
    Event,
    Family,
    Letter,
    Role,
    StepKind,
    TermKind,
    TermStart,
)
from workflow.machine import Move, Table, reachable
from workflow.moves import (
    after_grant,
    conditions,
    counter,
    effects,
    guards,
    partnerships,
)
from workflow.moves import inputs as stated

_S = ApplicationState
_BASIS = "the call; art. 12 L. 241/1990"
_UPDATE = "the call, on its list"
_EXAMINED = (_S.SUBMITTED, _S.ADMISSIBLE, _S.EVALUATED, _S.WORTHY)
_OF_NOTICE = (
    Event.NOTIFY_REFUSAL,
    Event.FILE_OBSERVATIONS,
    Event.EXPIRE_OBSERVATIONS,
    Event.UPHOLD_OBSERVATIONS,
)


def _of(
    rows: Iterable[Move], *events: Event, more: tuple[ApplicationState, ...] = ()
) -> tuple[Move, ...]:
    """Take rows over from the counters."""
    return tuple(
        replace(move, sources=(*move.sources, *more))
        for move in rows
        if move.event in events
    )


FILING = (
    *_of(counter.FILING, Event.REGISTER_DRAFT),
    Move(
        Event.SUBMIT,
        (_S.DRAFT,),
        _S.SUBMITTED,
        Role.INTAKE,
        "Take a proposal in, with its protocol number (presentazione).",
        "art. 53 DPR 445/2000; the call, C.1",
        needs=(
            guards.receipt.not_in_the_future,
            guards.receipt.within_window,
            guards.filing.applicant_is_eligible,
            guards.filing.only_one_application,
            *guards.partnerships.FILING,
            guards.filing.documents_are_there,
            guards.lists.asks_for_no_money,
            guards.filing.comes_from_intake,
            guards.lists.stands_where_required,
        ),
        automatic=True,
        by_intake=True,
        effect=effects.lists.take_in,
        letters=(Letter.SUBMISSION_RECEIPT,),
        starts=(TermStart.PROTOCOL,),
    ),
    *_of(counter.FILING, Event.EXPIRE, Event.DECLARE_NOT_RECEIVABLE),
    partnerships.change(*_EXAMINED, _S.LISTED),
)
"""*Presentazione*: in any order, and nothing is reserved."""

REVIEW = (
    Move(
        Event.START_REVIEW,
        (_S.SUBMITTED,),
        None,
        Role.OFFICER,
        "Start the formal check, in any order (avvio dell'istruttoria).",
        "artt. 7-8 L. 241/1990",
        needs=(guards.receipt.is_receivable, guards.turn.review_not_started),
        effect=effects.lists.start_review,
        letters=(Letter.PROCEDURE_START,),
        starts=(TermStart.REVIEW_STARTED,),
    ),
    *_of(
        counter.FORMAL_CHECK,
        Event.REQUEST_COMPLETION,
        Event.ANSWER_COMPLETION,
        Event.EXPIRE_COMPLETION,
        Event.ADMIT,
    ),
    # Who is on the list is heard too before an act takes it off.
    *_of(counter.REFUSAL, *_OF_NOTICE, more=(_S.LISTED,)),
    *_of(counter.REFUSAL, Event.DECLARE_INADMISSIBLE),
)
"""*Istruttoria formale*, and the notice of refusal."""

ASSESSMENT = (
    *_of(
        counter.MERIT,
        Event.DECLARE_CONFLICT,
        Event.END_CONFLICT,
        more=(_S.WORTHY, _S.LISTED),
    ),
    Move(
        Event.FIND_WORTHY,
        (_S.ADMISSIBLE, _S.EVALUATED),
        _S.WORTHY,
        Role.EVALUATOR,
        "Find it worthy of the list, for the reasons given (meritevole).",
        _BASIS,
        inputs=stated.WorthinessInputs,
        needs=(guards.lists.may_be_assessed, guards.refusals.not_being_refused),
        accepts=(
            guards.people.abstains_not,
            guards.lists.criteria_are_known,
            guards.lists.meets_enough_criteria,
        ),
        reason=True,
        effect=effects.lists.assessing(worthy=True),
        meets=(TermKind.MERIT,),
    ),
    Move(
        Event.FIND_UNWORTHY,
        (_S.ADMISSIBLE, _S.EVALUATED),
        _S.EVALUATED,
        Role.EVALUATOR,
        "Find it not worthy of the list, for the reasons given (non meritevole).",
        _BASIS,
        inputs=stated.AssessmentInputs,
        needs=(guards.lists.may_be_assessed, guards.refusals.not_being_refused),
        accepts=(guards.people.abstains_not, guards.lists.criteria_are_known),
        reason=True,
        effect=effects.lists.assessing(worthy=False),
        meets=(TermKind.MERIT,),
    ),
    *(
        replace(
            move,
            help="Refuse it: the board has not found it worthy (non meritevole).",
            proposed_by=(Event.FIND_UNWORTHY, Event.NOTIFY_REFUSAL),
            letters=(Letter.NOT_WORTHY,),
        )
        for move in _of(counter.MERIT, Event.REJECT)
    ),
)
"""*Valutazione di meritevolezza* by the board, without points."""

LISTING = (
    Move(
        Event.ENTER_LIST,
        (_S.WORTHY,),
        _S.LISTED,
        Role.MANAGER,
        "Put it on the list (inserimento in elenco).",
        _UPDATE,
        accepts=(guards.people.abstains_not,),
        decides=Decision.LISTING,
        proposed_by=(Event.FIND_WORTHY,),
        act=True,
        reason=True,
        by_call=True,
        letters=(Letter.LISTED,),
        meets=(TermKind.CONCLUSION,),
    ),
    Move(
        Event.CHANGE_ON_LIST,
        (_S.LISTED,),
        None,
        Role.MANAGER,
        "Put on the list who stands behind it now (aggiornamento).",
        _UPDATE,
        accepts=(guards.people.abstains_not,),
        decides=Decision.LISTING,
        proposed_by=(Event.CHANGE_PARTNERS,),
        act=True,
        reason=True,
        by_call=True,
        letters=(Letter.LIST_CHANGED,),
    ),
    Move(
        Event.ASK_TO_LEAVE_LIST,
        (_S.LISTED,),
        None,
        Role.INTAKE,
        "File the lead's request to be taken off the list (rinuncia).",
        _UPDATE,
        inputs=stated.DocumentInputs,
        needs=(
            guards.steps.step_not_open(
                StepKind.REMOVAL_REQUEST, "an act takes it off the list"
            ),
        ),
        effect=effects.steps.opening(StepKind.REMOVAL_REQUEST),
    ),
    Move(
        Event.LEAVE_LIST,
        (_S.LISTED,),
        _S.WITHDRAWN,
        Role.MANAGER,
        "Take it off the list, as its lead has asked (rinuncia).",
        _UPDATE,
        accepts=(guards.people.abstains_not,),
        decides=Decision.LISTING,
        act=True,
        reason=True,
        when=conditions.asked_to_leave,
        by_call=True,
        effect=effects.steps.closing(StepKind.REMOVAL_REQUEST, "adopted"),
        letters=(Letter.DELISTED,),
    ),
    Move(
        Event.LEAVE_LIST,
        (_S.LISTED,),
        _S.REMOVED,
        Role.MANAGER,
        "Take it off the list, after hearing its lead (cancellazione).",
        f"{_UPDATE}; art. 10-bis L. 241/1990",
        needs=(guards.refusals.notice_of_refusal_given,),
        accepts=(guards.people.abstains_not,),
        decides=Decision.LISTING,
        proposed_by=(Event.NOTIFY_REFUSAL,),
        act=True,
        reason=True,
        by_call=True,
        letters=(Letter.DELISTED,),
    ),
)
"""*Elenco*: what the act that updates it does with each proposal."""

_EXITS = after_grant.exits((_S.WORTHY, _S.LISTED), revocable=())
EXITS = (
    *_of(
        _EXITS,
        Event.EXPIRE_TERM,
        Event.RESUME_TERM,
        Event.REMIND_TERM,
        Event.ESCALATE_TERM,
        Event.EXTEND_TERM,
    ),
    *_of(_EXITS, Event.RECORD_DELIVERY, Event.RELEASE_NOTICE, more=(_S.REMOVED,)),
    *(
        # Who is on the list leaves it by the act that takes it off.
        replace(move, sources=_EXAMINED)
        for move in _of(_EXITS, Event.WITHDRAW)
    ),
    *(
        replace(move, needs=(guards.lists.is_on_no_list,))
        for move in _of(_EXITS, Event.ANNUL)
    ),
)
"""What stands beside every state, and the ways out before the list."""

MOVES = reachable((*FILING, *REVIEW, *ASSESSMENT, *LISTING, *EXITS))

TABLE = Table(Family("expression_of_interest"), MOVES)
