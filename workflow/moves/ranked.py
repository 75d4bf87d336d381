"""Which moves have the families that rank a closed set?

Each family says in which state its applications wait for the ranking.
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
from workflow.facts import Facts
from workflow.machine import Effect, Move, When
from workflow.moves import after_grant, counter, effects, guards
from workflow.moves import inputs as stated
from workflow.moves.counter import PHASE_1

_S = ApplicationState
_BASIS = "art. 5 c. 2 D.Lgs. 123/1998; the call, C.3"
_GROWING = (_S.GRANTED, _S.ACCEPTED, _S.IN_PROGRESS)
_GRANTED = (*_GROWING, _S.COMPLETED)

_SUBMIT = Move(
    Event.SUBMIT,
    (_S.DRAFT,),
    _S.SUBMITTED,
    Role.INTAKE,
    "Take an application in, with its protocol number (presentazione).",
    "art. 53 DPR 445/2000; the call, C.1",
    needs=(
        guards.receipt.not_in_the_future,
        guards.receipt.within_window,
        guards.filing.applicant_is_eligible,
        guards.filing.only_one_application,
        *guards.partnerships.FILING,
        guards.filing.documents_are_there,
        guards.filing.request_is_sound,
        guards.ranking.cost_is_enough,
        guards.filing.comes_from_intake,
        guards.lists.stands_where_required,
    ),
    automatic=True,
    by_intake=True,
    effect=effects.ranking.file,
    letters=(Letter.SUBMISSION_RECEIPT,),
)

FILING = (
    *(row for row in counter.FILING if row.event is not Event.SUBMIT),
    _SUBMIT,
    Move(
        Event.ENTER_SET,
        PHASE_1,
        None,
        Role.SYSTEM,
        "Close the set with it inside: the procedure runs for all (chiusura).",
        "art. 2 L. 241/1990; the call, C.3.a",
        automatic=True,
        by_sweep=True,
        effect=effects.ranking.enter,
    ),
)
"""*Presentazione*: in any order until the closing, and nothing is reserved."""

FORMAL_CHECK = tuple(
    replace(row, needs=(guards.receipt.window_is_over, *row.needs))
    if row.event is Event.START_REVIEW
    else row
    for row in counter.FORMAL_CHECK
)
"""*Istruttoria formale*, in any order, once the set is closed."""

MERIT = tuple(
    replace(row, needs=(*row.needs, guards.ranking.not_ranked))
    if row.event is Event.EVALUATE
    else row
    for row in counter.MERIT
    if row.event is not Event.REJECT
)
"""*Valutazione di merito*, in any order; the ranking refuses what is too little."""


def _is_new(facts: Facts) -> bool:
    """Tell whether no ranking has a place for it yet."""
    return facts.application.rank is None


def ranking(ready: ApplicationState) -> tuple[Move, ...]:
    """Make the rows of the act on the ranking, for those who wait in a state."""
    return (
        _placing(
            Event.FUND,
            (ready,),
            None,
            "Fund it by the ranking, all of it or a part (ammessa e finanziata).",
            letters=(Letter.FUNDED,),
            when=_is_new,
        ),
        _placing(
            Event.FUND,
            (ready, *_GRANTED),
            None,
            "Give it another amount or place by an act on the ranking (scorrimento).",
            letters=(Letter.FUNDING_CHANGED,),
        ),
        _placing(
            Event.FUND,
            (_S.WAITING,),
            ready,
            "Give it the money that was set free, all or a part (scorrimento).",
            letters=(Letter.FUNDING_CHANGED,),
        ),
        _placing(
            Event.ADMIT_UNFUNDED,
            (ready, _S.WAITING),
            _S.WAITING,
            "Admit it without money for it (ammessa e non finanziata).",
            letters=(Letter.ADMITTED_UNFUNDED,),
            effect=effects.ranking.leave_unfunded,
        ),
        Move(
            Event.REJECT,
            (ready,),
            _S.REJECTED,
            Role.MANAGER,
            "Refuse it by the ranking: its score is too low (non ammessa).",
            "art. 2 and art. 10-bis L. 241/1990; the call, C.3",
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
            by_call=True,
            effect=effects.money.release,
            letters=(Letter.REJECTED,),
            meets=(TermKind.CONCLUSION,),
        ),
        Move(
            Event.DECLARE_UNFUNDED,
            (_S.WAITING,),
            _S.UNFUNDED,
            Role.MANAGER,
            "Close it with the call: no money came to it (non finanziata).",
            "art. 2 c. 3 D.Lgs. 123/1998",
            needs=(guards.receipt.window_is_over,),
            accepts=(guards.people.abstains_not,),
            decides=Decision.REFUSAL,
            proposed_by=(Event.ADMIT, Event.EVALUATE),
            act=True,
            by_call=True,
            effect=effects.money.release,
            letters=(Letter.UNFUNDED,),
            meets=(TermKind.CONCLUSION,),
        ),
    )


def _placing(  # noqa: PLR0913 - the columns of a row
    event: Event,
    sources: tuple[ApplicationState, ...],
    target: ApplicationState | None,
    told: str,
    *,
    letters: tuple[Letter, ...],
    when: When | None = None,
    effect: Effect = effects.ranking.fund,
) -> Move:
    return Move(
        event,
        sources,
        target,
        Role.MANAGER,
        told,
        _BASIS,
        inputs=stated.FundingInputs,
        needs=(guards.merit.reaches_threshold, guards.refusals.not_being_refused),
        accepts=(
            guards.ranking.money_is_free,
            guards.ranking.registry_knows_no_more,
            guards.people.abstains_not,
        ),
        decides=Decision.GRANT,
        proposed_by=(Event.ADMIT, Event.EVALUATE),
        act=True,
        reason=True,
        by_call=True,
        effect=effect,
        letters=letters,
        when=when,
        meets=(TermKind.CONCLUSION,),
    )


def grant(ready: ApplicationState) -> Move:
    """Make the row of the grant (*concessione*) of what the ranking has funded."""
    row = counter.grant(_S.GRANTED)
    return replace(
        row,
        sources=(ready,),
        inputs=stated.RankedGrantInputs,
        needs=(guards.ranking.is_ranked, *row.needs),
        accepts=(
            guards.ranking.cor_is_there_if_wanted,
            guards.ranking.admitted_cost_is_enough,
            *row.accepts,
        ),
        starts=(TermStart.GRANTED,),
    )


RAISE = Move(
    Event.RAISE_GRANT,
    _GROWING,
    None,
    Role.MANAGER,
    "Grant what the ranking has added to a grant (integrazione della concessione).",
    "art. 5 c. 2 D.Lgs. 123/1998; D.Lgs. 159/2011; the call, C.3",
    inputs=stated.RaiseInputs,
    needs=(
        guards.ranking.something_was_added,
        after_grant.NO_LAPSE,
        guards.steps.step_not_open(
            StepKind.REVOCATION_PROPOSAL, "`revoke` decides on it"
        ),
    ),
    accepts=(
        guards.grants.contributions_are_regular,
        guards.grants.antimafia_is_checked_again,
        guards.people.abstains_not,
    ),
    decides=Decision.GRANT,
    proposed_by=(Event.ADMIT, Event.EVALUATE),
    act=True,
    effect=effects.ranking.raise_grant,
    letters=(Letter.FUNDING_CHANGED,),
)
"""*Integrazione della concessione*: on papers that are as good as those of a grant."""


def _was_never_published(facts: Facts) -> bool:
    """Tell whether the time of the project has not begun with a publication yet."""
    return facts.term(TermKind.DURATION) is None


_AFTER_GRANT = after_grant.publication(_S.GRANTED)

PUBLICATION = (
    replace(_AFTER_GRANT, starts=(TermStart.PUBLISHED,), when=_was_never_published),
    replace(
        _AFTER_GRANT,
        sources=_GROWING,
        help="Record the publication of a grant that has grown (trasparenza).",
        accepts=(
            guards.days.not_after_today("published_on"),
            guards.days.not_before("published_on", Letter.FUNDING_CHANGED),
        ),
    ),
)
"""*Trasparenza*: with the first one the time of the project begins."""
