"""Does the table of moves say what the procedure is?

The lists here repeat the table on purpose: whoever changes who may do what, or
what needs an act, has to say so twice.
"""

from datetime import timedelta
from itertools import pairwise

import pytest

from config.families import families
from models.vocabulary import (
    FINAL_STATES,
    QUEUED_STATES,
    ApplicationState,
    Cents,
    Channel,
    Event,
    Family,
    Letter,
    Role,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from tests.builders import (
    CLOSING,
    COR,
    COUNTERS,
    OPENING,
    TO_THE_END,
    scores,
    usual,
)
from tests.builders_facts import (
    CEILING,
    NOW,
    REQUESTED,
    act,
    facts,
    letter,
    place,
    step,
    term,
)
from workflow.errors import RefusedError
from workflow.facts import ALLOWED, PriorAid, Verdict
from workflow.machine import Consequences, Inputs, Move, Table, fire
from workflow.moves import inputs as stated
from workflow.moves.families import TABLES
from workflow.moves.families.negotiated_counter import TABLE
from workflow.moves.families.plain_counter import TABLE as PLAIN

S = ApplicationState

TO_THE_GRANT = (S.DRAFT, S.SUBMITTED, S.ADMISSIBLE, S.EVALUATED)
MAIN_LINE = {
    Family("negotiated_counter"): (
        *TO_THE_GRANT,
        S.NEGOTIATING,
        S.ACCEPTED,
        S.IN_PROGRESS,
        S.COMPLETED,
    ),
    Family("plain_counter"): (
        *TO_THE_GRANT,
        S.GRANTED,
        S.ACCEPTED,
        S.IN_PROGRESS,
        S.COMPLETED,
    ),
}
SHORT_CUTS = {
    Family("negotiated_counter"): set(),
    # Where the call wants no acceptance, the plan starts from the grant.
    Family("plain_counter"): {(S.GRANTED, S.IN_PROGRESS)},
}
OF_LISTS = {S.WORTHY, S.LISTED, S.REMOVED}
NOT_IN = {
    Family("negotiated_counter"): {S.GRANTED, *OF_LISTS},
    Family("plain_counter"): {S.NEGOTIATING, *OF_LISTS},
}
OF_LISTS_ALONE = {
    Event.FIND_WORTHY,
    Event.FIND_UNWORTHY,
    Event.ENTER_LIST,
    Event.CHANGE_ON_LIST,
    Event.LEAVE_LIST,
    Event.ASK_TO_LEAVE_LIST,
}
LETTERS_OF_LISTS = {
    Letter.NOT_WORTHY,
    Letter.LISTED,
    Letter.LIST_CHANGED,
    Letter.DELISTED,
}

ONLY_NEGOTIATED = {
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
    Event.FILE_PLAN,
    Event.RETURN_PLAN,
    Event.DETERMINE_AMOUNT,
}
LETTERS_OF_NEGOTIATION = {
    Letter.CONVOCATION,
    Letter.PLAN_DUE,
    Letter.PLAN_RETURNED,
    Letter.AMOUNT_DETERMINED,
}

BY_ACT = {
    Event.DECLARE_NOT_RECEIVABLE,
    Event.DECLARE_INADMISSIBLE,
    Event.REJECT,
    Event.DECLARE_UNFUNDED,
    Event.GRANT,
    Event.DETERMINE_AMOUNT,
    Event.GRANT_EXTENSION,
    Event.EXTEND_TERM,
    Event.SETTLE,
    Event.DISMISS_LAPSE,
    Event.LAPSE,
    Event.REVOKE,
    Event.ANNUL,
    Event.ENTER_LIST,
    Event.CHANGE_ON_LIST,
    Event.LEAVE_LIST,
    Event.FUND,
    Event.ADMIT_UNFUNDED,
    Event.RAISE_GRANT,
}
"""What has a legal effect that only an act can have."""

OF_LETTERS = (Event.RECORD_DELIVERY, Event.RELEASE_NOTICE)
LETTERS_OF_CALL = {Letter.COUNTER_SUSPENDED, Letter.COUNTER_REOPENED}
"""Written when the counter moves, and not an application."""

BY_TIME = {
    Event.REMIND_TERM,
    Event.EXPIRE_TERM,
    Event.RESUME_TERM,
    Event.ESCALATE_TERM,
    Event.EXPIRE_PROPOSAL,
    Event.RELEASE_COR,
}
"""What an instant brings about: nobody may bring it forward by hand."""

BY_A_WORKER = {
    *BY_TIME,
    Event.REGISTER_DRAFT,
    Event.SUBMIT,
    Event.EXPIRE,
    Event.EXPIRE_COMPLETION,
    Event.EXPIRE_OBSERVATIONS,
    Event.YIELD_RESERVATION,
    Event.PUT_ON_WAITING_LIST,
    Event.PROMOTE,
    Event.RECORD_DELIVERY,
    Event.DECLARE_END,
    Event.PROPOSE_LAPSE,
    Event.ENTER_SET,
}
"""What a worker may do: never an act with legal effect on the applicant."""

WITH_REASON = {
    Event.DECLARE_CONFLICT,
    Event.END_CONFLICT,
    Event.PROPOSE_REVOCATION,
    Event.DECLARE_NOT_RECEIVABLE,
    Event.NOTIFY_REFUSAL,
    Event.UPHOLD_OBSERVATIONS,
    Event.DECLARE_INADMISSIBLE,
    Event.REJECT,
    Event.RETURN_PLAN,
    Event.APPROVE_VARIATION,
    Event.GRANT_EXTENSION,
    Event.EXTEND_TERM,
    Event.CHANGE_PARTNERS,
    Event.DISMISS_LAPSE,
    Event.LAPSE,
    Event.REVOKE,
    Event.ANNUL,
    Event.ENTER_LIST,
    Event.CHANGE_ON_LIST,
    Event.LEAVE_LIST,
    Event.FIND_WORTHY,
    Event.FIND_UNWORTHY,
    Event.FUND,
    Event.ADMIT_UNFUNDED,
}


ONLY_RANKED = {
    Event.ENTER_SET,
    Event.FUND,
    Event.ADMIT_UNFUNDED,
    Event.RAISE_GRANT,
}
LETTERS_OF_RANKING = {
    Letter.FUNDED,
    Letter.ADMITTED_UNFUNDED,
    Letter.FUNDING_CHANGED,
}
both = pytest.mark.parametrize("table", COUNTERS.values(), ids=list(COUNTERS))
every = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
every_move = pytest.mark.parametrize(
    "move",
    [
        pytest.param(move, id=f"{family}-{number}-{move.event}")
        for family, table in TABLES.items()
        for number, move in enumerate(table.moves)
    ],
)


def reached_from(state, table):
    """Return every state that some sequence of moves leads to."""
    found, fresh = {state}, [state]
    while fresh:
        source = fresh.pop()
        for move in table.moves:
            if source in move.sources and move.target and move.target not in found:
                found.add(move.target)
                fresh.append(move.target)
    return found


# --- what the table says ------------------------------------------------------


def test_every_family_has_its_table():
    assert set(TABLES) == set(families())
    assert all(table.family == family for family, table in TABLES.items())


@both
def test_every_state_can_be_reached_from_a_draft(table):
    assert reached_from(S.DRAFT, table) == set(S) - NOT_IN[table.family]


@both
def test_every_event_is_a_row_of_the_table(table):
    assert set(table.events) == set(Event) - ONLY_RANKED - OF_LISTS_ALONE - (
        ONLY_NEGOTIATED if table is PLAIN else set()
    )


@every
def test_no_move_leaves_a_final_state(table):
    leaving = {
        state
        for move in table.moves
        for state in move.sources
        if move.target is not None
    }

    assert leaving.isdisjoint(FINAL_STATES)


@every
def test_after_the_end_only_letters_are_still_released_and_delivered(table):
    beside = {
        (move.event, state)
        for move in table.moves
        for state in move.sources
        if state in FINAL_STATES
    }

    ends = FINAL_STATES & {S.DRAFT, *reached_from(S.DRAFT, table)}
    assert beside == {(event, state) for event in OF_LETTERS for state in ends}


@both
def test_the_intake_alone_files_and_moves_reservations_for_earlier_arrivals(table):
    assert {move.event for move in table.moves if move.by_intake} == {
        Event.REGISTER_DRAFT,
        Event.SUBMIT,
        Event.YIELD_RESERVATION,
    }


@both
def test_only_time_makes_the_moves_of_an_instant_and_they_move_no_file(table):
    by_time = [move for move in table.moves if move.by_sweep]

    assert {move.event for move in by_time} == BY_TIME
    assert all(move.automatic and not move.by_hand for move in by_time)
    assert all(move.target is None for move in by_time)
    assert not any(move.act or move.reason for move in by_time)
    assert {letter for move in by_time for letter in move.letters} == {Letter.REMINDER}


@both
def test_a_term_is_watched_in_every_state_in_which_a_file_is_open(table):
    unfiled = {S.DRAFT, S.COMPLETED} | FINAL_STATES | NOT_IN[table.family]

    of_terms = (Event.EXPIRE_TERM, Event.RESUME_TERM, Event.REMIND_TERM)
    for event in (*of_terms, Event.ESCALATE_TERM):
        for row in table.of_event(event):
            assert set(row.sources) == set(S) - unfiled


@both
def test_every_other_state_has_a_way_to_a_final_one(table):
    dead_ends = {
        state
        for state in set(S) - FINAL_STATES - NOT_IN[table.family]
        if not reached_from(state, table) & FINAL_STATES
    }

    assert dead_ends == set()


@both
def test_the_main_line_is_walked_in_order(table):
    line = MAIN_LINE[table.family]

    turning = {
        (source, move.target)
        for move in table.moves
        for source in move.sources
        if source in line and move.target in line and source != move.target
    }

    assert turning == set(pairwise(line)) | SHORT_CUTS[table.family]


@both
def test_an_application_waits_for_money_before_its_review_or_after_its_merit(table):
    into = {
        (move.event, state)
        for move in table.moves
        if move.target == S.WAITING
        for state in move.sources
    }
    out = {
        (move.event, move.target) for move in table.from_state(S.WAITING) if move.target
    }

    assert into == {
        (Event.SUBMIT, S.DRAFT),
        (Event.YIELD_RESERVATION, S.SUBMITTED),
        (Event.PUT_ON_WAITING_LIST, S.EVALUATED),
    }
    assert out == {
        (Event.PROMOTE, S.SUBMITTED),
        (Event.PROMOTE, S.EVALUATED),
        (Event.DECLARE_UNFUNDED, S.UNFUNDED),
        (Event.WITHDRAW, S.WITHDRAWN),
        (Event.ANNUL, S.ANNULLED),
    }


@both
def test_nothing_is_examined_while_it_waits(table):
    of_terms = {
        Event.EXPIRE_TERM,
        Event.RESUME_TERM,
        Event.ESCALATE_TERM,
        Event.EXTEND_TERM,
        Event.REMIND_TERM,
    }

    assert {move.event for move in table.from_state(S.WAITING)} == of_terms | {
        Event.PROMOTE,
        Event.DECLARE_UNFUNDED,
        *OF_LETTERS,
        Event.DECLARE_CONFLICT,
        Event.END_CONFLICT,
        Event.CHANGE_PARTNERS,
        Event.WITHDRAW,
        Event.ANNUL,
    }


@every
def test_the_grant_is_the_only_way_out_of_the_queue_that_gives_money(table):
    leaving = {
        move.event
        for move in table.moves
        if QUEUED_STATES & set(move.sources)
        and move.target
        and move.target not in QUEUED_STATES | FINAL_STATES
    }

    assert leaving - OF_LISTS_ALONE == {Event.GRANT} & set(table.events)


@every
def test_of_the_rows_of_an_event_and_a_state_only_the_last_needs_no_condition(table):
    for event in table.events:
        for state in {one for move in table.of_event(event) for one in move.sources}:
            *conditional, last = table.rows(event, state)

            assert all(move.when for move in conditional), (event, state)
            assert last.when is None, (event, state)


@every
def test_rows_of_one_event_take_the_same_inputs(table):
    kinds = {
        event: {move.inputs for move in table.of_event(event)} for event in table.events
    }

    assert all(len(found) == 1 for found in kinds.values())


@every_move
def test_every_move_says_who_why_and_on_which_rule(move):
    person = set(Role) - {Role.SYSTEM, Role.AUDITOR, Role.ADMINISTRATOR}
    by_nobody = move.event in BY_TIME | {Event.YIELD_RESERVATION, Event.ENTER_SET}
    assert move.role in ({Role.SYSTEM} if by_nobody else person)
    assert move.help.endswith(".")
    assert move.help[0].isupper()
    assert move.basis.strip()


@every_move
def test_every_input_explains_itself(move):
    for name, field in move.inputs.model_fields.items():
        assert field.description, f"--{name} has no help"


@every
def test_an_act_is_needed_exactly_for_what_only_an_act_can_do(table):
    assert {move.event for move in table.moves if move.act} == BY_ACT & set(
        table.events
    )


@every
def test_a_reason_is_needed_exactly_where_somebody_may_be_hurt_or_excused(table):
    assert {move.event for move in table.moves if move.reason} == WITH_REASON & set(
        table.events
    )


@every
def test_a_worker_may_make_only_what_is_no_act(table):
    assert {move.event for move in table.moves if move.automatic} == BY_A_WORKER & set(
        table.events
    )
    assert BY_A_WORKER.isdisjoint(BY_ACT)


@every
def test_acts_are_signed_by_the_manager_but_for_receivability(table):
    signers = {move.event: move.role for move in table.moves if move.act}

    assert signers.pop(Event.DECLARE_NOT_RECEIVABLE) == Role.RESPONSIBLE
    assert set(signers.values()) == {Role.MANAGER}


@every
def test_every_ending_but_an_expired_draft_is_told_to_the_applicant(table):
    silent = {
        move.event
        for move in table.moves
        if move.target in FINAL_STATES and not move.letters
    }

    assert silent == {Event.EXPIRE}


@both
def test_every_letter_is_written_by_some_move(table):
    written = {letter for move in table.moves for letter in move.letters}

    others = LETTERS_OF_CALL | LETTERS_OF_RANKING | LETTERS_OF_LISTS
    assert written == set(Letter) - others - (
        LETTERS_OF_NEGOTIATION if table is PLAIN else set()
    )


# --- what the machine does with it --------------------------------------------


def test_rows_are_found_by_state_and_by_event():
    assert TABLE.from_state(S.ACCEPTED)
    assert all(S.ACCEPTED in move.sources for move in TABLE.from_state(S.ACCEPTED))
    assert [move.event for move in TABLE.of_event(Event.PROMOTE)] == [Event.PROMOTE] * 3
    assert len(TABLE.rows(Event.PROMOTE, S.WAITING)) == 2
    assert TABLE.find(Event.PROMOTE, S.SUBMITTED, facts()).target is None


def test_each_event_that_can_be_made_now_is_told_once():
    scored = facts(state=S.WAITING, score=80)

    possible = TABLE.possible(S.WAITING, scored)

    events = [move.event for move in possible]
    assert len(events) == len(set(events)) == 14
    (promote,) = [move for move in possible if move.event == Event.PROMOTE]
    assert promote.target == S.EVALUATED


@every
def test_everybody_shares_one_machine(table):
    assert table.machine is table.machine


def test_a_move_gives_the_state_of_its_row():
    done = fire(TABLE, Event.WITHDRAW, S.SUBMITTED, facts(), Inputs())

    assert done is S.WITHDRAWN


def test_a_move_beside_the_state_leaves_the_state():
    done = fire(
        TABLE,
        Event.START_REVIEW,
        S.SUBMITTED,
        facts(review_started=False),
        stated.ReviewInputs(),
    )

    assert done is S.SUBMITTED


@pytest.mark.parametrize("state", sorted(FINAL_STATES - OF_LISTS))
def test_a_delivery_after_the_end_leaves_the_end(state):
    known = facts(state=state, notices=letter(Letter.REJECTED))
    given = stated.DeliveryInputs(letter=Letter.REJECTED, receipt="R-1")

    assert fire(TABLE, Event.RECORD_DELIVERY, state, known, given) is state


AFTER_THE_END = [
    (event, state)
    for event in TABLE.events
    for state in sorted(FINAL_STATES - OF_LISTS)
    if event not in OF_LETTERS
]


@pytest.mark.parametrize(("event", "state"), AFTER_THE_END)
def test_nothing_else_can_be_made_from_a_final_state(event, state):
    with pytest.raises(RefusedError) as refused:
        fire(TABLE, event, state, facts(state=state), Inputs())

    assert refused.value.code == "machine.wrong_state"
    assert refused.value.details == {"state": state.value, "event": event.value}


def test_a_wrong_state_is_refused_naming_the_right_ones():
    with pytest.raises(RefusedError, match="it starts from `evaluated`") as refused:
        fire(TABLE, Event.GRANT, S.SUBMITTED, facts(), Inputs())

    assert refused.value.code == "machine.wrong_state"


def test_an_event_of_another_family_is_refused():
    short = Table(Family("negotiated_counter"), TABLE.of_event(Event.WITHDRAW))

    with pytest.raises(RefusedError) as refused:
        fire(short, Event.GRANT, S.EVALUATED, facts(), Inputs())

    assert refused.value.code == "machine.unknown_event"


@pytest.mark.parametrize(
    ("event", "changes", "given", "code"),
    [
        (Event.ADMIT, {"review_started": False}, Inputs(), "review.not_started"),
        (Event.ANNUL, {}, Inputs(), "act.missing"),
        (Event.ANNUL, {"act": act()}, Inputs(), "reason.missing"),
        (Event.ANNUL, {"act": act(), "reason": ""}, Inputs(), "reason.missing"),
        (
            Event.ADMIT,
            {},
            stated.AdmissionInputs(checked=("plan_proposal",)),
            "checklist.incomplete",
        ),
        # What must be true comes before what must be stated.
        (
            Event.DECLARE_INADMISSIBLE,
            {"review_started": False},
            Inputs(),
            "review.not_started",
        ),
    ],
)
def test_what_stands_in_the_way_is_refused_with_its_code(event, changes, given, code):
    with pytest.raises(RefusedError) as refused:
        fire(TABLE, event, S.SUBMITTED, facts(**changes), given)

    assert refused.value.code == code
    assert str(refused.value)


def test_a_guard_that_says_no_keeps_its_details():
    blocked = facts(review_started=False, earlier=(place(1),))

    with pytest.raises(RefusedError) as refused:
        fire(TABLE, Event.START_REVIEW, S.SUBMITTED, blocked, stated.ReviewInputs())

    assert refused.value.details == {"blocked_by": ["2026/0000001"]}


def test_everything_that_stands_in_the_way_is_told_at_once():
    row = TABLE.find(Event.GRANT, S.EVALUATED, facts())

    standing = row.standing(facts(score=10, reserved=0))

    assert [verdict.code for verdict in standing] == [
        "score.below_threshold",
        "money.not_reserved",
    ]
    assert row.standing(facts(score=80)) == ()


def test_what_can_be_foreseen_is_told_once_nothing_else_stands_in_the_way():
    row = TABLE.find(Event.START_REVIEW, S.SUBMITTED, facts())
    queued = {"review_started": False, "earlier": (place(1),)}

    ahead = row.standing(facts(**queued))
    wrong = row.standing(facts(**queued, channel=Channel.PEC))

    assert [verdict.code for verdict in ahead] == ["order.turn"]
    assert [verdict.code for verdict in wrong] == ["receivability.not_receivable"]


@pytest.mark.parametrize(
    ("event", "state", "changes", "code"),
    [
        (
            Event.EVALUATE,
            S.ADMISSIBLE,
            {"earlier": (place(1, review_started=True),)},
            "order.turn",
        ),
        (
            Event.GRANT,
            S.EVALUATED,
            {"score": 80, "earlier": (place(1, requested=Cents(99_000_000)),)},
            "money.short",
        ),
        (Event.PROPOSE_LAPSE, S.ACCEPTED, {}, "term.none_missed"),
    ],
)
def test_whoever_looks_ahead_is_told_what_would_be_refused(event, state, changes, code):
    known = facts(state=state, **changes)

    standing = TABLE.find(event, state, known).standing(known)

    assert [verdict.code for verdict in standing] == [code]


def test_what_is_foreseen_does_not_decide():
    # An act may order to overtake: only what is stated can tell.
    known = facts(
        review_started=False, earlier=(place(1),), act=act(), reason="judgment"
    )

    assert fire(
        TABLE,
        Event.START_REVIEW,
        S.SUBMITTED,
        known,
        stated.ReviewInputs(overtake=True),
    )


USED_UP = (PriorAid(facts().today, CEILING, "Comune"),)
NOTICE, LAPSE = StepKind.REFUSAL_NOTICE, StepKind.LAPSE_PROPOSAL
ANSWERED, CLOSED = StepStatus.ANSWERED, StepStatus.CLOSED
LATE = NOW - timedelta(days=1)
SCORED = {"score": 80}
AWAITED = step(StepKind.DEFINITIVE_PLAN, ANSWERED)
PROPOSED = {"steps": step(LAPSE, subject="start")}
NO_MONEY = {"reserved": Cents(0)}
WITHOUT_IT = (place(1, reserved=Cents(0)),)

WIRED = [
    # event, state, facts, changes of what is usually stated, the code or nothing
    (Event.REGISTER_DRAFT, S.DRAFT, {}, {}, ""),
    (
        Event.REGISTER_DRAFT,
        S.DRAFT,
        {"now": CLOSING + timedelta(seconds=1)},
        {},
        "window.too_late",
    ),
    (Event.START_REVIEW, S.SUBMITTED, {"review_started": False}, {}, ""),
    (
        Event.START_REVIEW,
        S.SUBMITTED,
        {"review_started": False, "channel": Channel.PEC},
        {},
        "receivability.not_receivable",
    ),
    (Event.PROMOTE, S.SUBMITTED, NO_MONEY, {}, ""),
    (
        Event.PROMOTE,
        S.SUBMITTED,
        {**NO_MONEY, "channel": Channel.PEC},
        {},
        "receivability.not_receivable",
    ),
    (
        Event.PROMOTE,
        S.WAITING,
        {**NO_MONEY, "earlier": WITHOUT_IT},
        {},
        "money.not_head",
    ),
    (
        Event.PROMOTE,
        S.WAITING,
        {**NO_MONEY, "channel": Channel.PEC},
        {},
        "receivability.not_receivable",
    ),
    (Event.YIELD_RESERVATION, S.EVALUATED, {}, {}, ""),
    (Event.YIELD_RESERVATION, S.EVALUATED, NO_MONEY, {}, "money.not_reserved"),
    (
        Event.ANSWER_COMPLETION,
        S.SUBMITTED,
        {
            "steps": step(StepKind.COMPLETION_REQUEST),
            "terms": term(TermKind.COMPLETION, LATE),
        },
        {},
        "",
    ),
    (
        Event.FILE_OBSERVATIONS,
        S.EVALUATED,
        {"steps": step(NOTICE), "terms": term(TermKind.OBSERVATIONS, LATE)},
        {},
        "",
    ),
    (
        Event.UPHOLD_OBSERVATIONS,
        S.EVALUATED,
        {"steps": step(NOTICE, CLOSED, "unanswered")},
        {},
        "",
    ),
    (
        Event.UPHOLD_OBSERVATIONS,
        S.EVALUATED,
        {"steps": step(NOTICE)},
        {},
        "refusal_notice.not_answered",
    ),
    (
        Event.EVALUATE,
        S.EVALUATED,
        {**SCORED, "steps": step(NOTICE, CLOSED, "upheld", subject=S.EVALUATED)},
        {},
        "",
    ),
    (
        Event.EVALUATE,
        S.EVALUATED,
        {**SCORED, "steps": step(NOTICE, CLOSED, "upheld", subject=S.SUBMITTED)},
        {},
        "score.given",
    ),
    (Event.NOTIFY_REFUSAL, S.EVALUATED, {**SCORED, "aids": USED_UP}, {}, ""),
    (Event.NOTIFY_REFUSAL, S.EVALUATED, SCORED, {}, "score.reaches_threshold"),
    (
        Event.REJECT,
        S.EVALUATED,
        {**SCORED, "aids": USED_UP, "steps": step(NOTICE, ANSWERED)},
        {},
        "",
    ),
    (
        Event.REJECT,
        S.EVALUATED,
        {**SCORED, "steps": step(NOTICE, ANSWERED)},
        {},
        "score.reaches_threshold",
    ),
    (
        Event.DECLARE_UNFUNDED,
        S.WAITING,
        {**NO_MONEY, "now": CLOSING + timedelta(days=1)},
        {},
        "money.free",
    ),
    (
        Event.DECLARE_UNFUNDED,
        S.WAITING,
        {
            **NO_MONEY,
            "now": CLOSING + timedelta(days=1),
            "requested": Cents(99_000_000),
            "earlier": WITHOUT_IT,
        },
        {},
        "",
    ),
    (Event.GRANT, S.EVALUATED, SCORED, {}, ""),
    (Event.GRANT, S.EVALUATED, {**SCORED, "aids": USED_UP}, {}, "aid.nothing_left"),
    (
        Event.GRANT,
        S.EVALUATED,
        {**SCORED, "earlier": (place(1, requested=Cents(99_000_000)),)},
        {},
        "money.short",
    ),
    (
        Event.GRANT,
        S.EVALUATED,
        SCORED,
        {"admitted_investment": "95424.85"},
        "amount.above_declared",
    ),
    (
        Event.GRANT,
        S.EVALUATED,
        SCORED,
        {"durc_until": OPENING.date()},
        "durc.expired",
    ),
    (
        Event.GRANT,
        S.EVALUATED,
        {
            **SCORED,
            "requested": Cents(20_000_000),
            "reserved": Cents(20_000_000),
            "investment": Cents(20_000_000),
        },
        {},
        "antimafia.missing",
    ),
    (Event.CONFIRM_COR, S.IN_PROGRESS, {}, {}, ""),
    (
        Event.CONFIRM_COR,
        S.NEGOTIATING,
        {"terms": term(TermKind.AID_REGISTRY, NOW, TermStatus.MET)},
        {},
        "cor.confirmed",
    ),
    (
        Event.CONFIRM_COR,
        S.NEGOTIATING,
        {"terms": term(TermKind.AID_REGISTRY, LATE, TermStatus.EXPIRED)},
        {},
        "cor.late",
    ),
    (
        Event.RENEW_COR,
        S.NEGOTIATING,
        {"terms": term(TermKind.AID_REGISTRY, LATE, TermStatus.EXPIRED)},
        {},
        "",
    ),
    (
        Event.RENEW_COR,
        S.NEGOTIATING,
        {"terms": term(TermKind.AID_REGISTRY, LATE, TermStatus.EXPIRED)},
        {"cor_on": NOW.date() + timedelta(days=1)},
        "date.future",
    ),
    (
        # As for a grant: what is registered again has its twenty days too.
        Event.RENEW_COR,
        S.NEGOTIATING,
        {"terms": term(TermKind.AID_REGISTRY, LATE, TermStatus.EXPIRED)},
        {"cor_on": "2026-01-01"},
        "cor.expired",
    ),
    (Event.RENEW_COR, S.NEGOTIATING, {"cor": COR}, {}, "cor.valid"),
    (
        Event.EXTEND_TERM,
        S.NEGOTIATING,
        {"terms": term(TermKind.DEFINITIVE_PLAN, NOW)},
        {},
        "",
    ),
    (
        Event.EXTEND_TERM,
        S.NEGOTIATING,
        {"terms": term(TermKind.DEFINITIVE_PLAN, LATE)},
        {},
        "term.not_running",
    ),
    (
        Event.EXTEND_TERM,
        S.NEGOTIATING,
        {"terms": term(TermKind.DEFINITIVE_PLAN, NOW), "act": None},
        {},
        "act.missing",
    ),
    (
        Event.CONVENE_NEGOTIATION,
        S.NEGOTIATING,
        {"published_on": OPENING.date(), "steps": step(StepKind.NEGOTIATION)},
        {},
        "",
    ),
    (
        Event.CONVENE_NEGOTIATION,
        S.NEGOTIATING,
        {
            "published_on": OPENING.date(),
            "steps": step(StepKind.NEGOTIATION, CLOSED, "signed"),
        },
        {},
        "negotiation.signed",
    ),
    (
        Event.CONVENE_NEGOTIATION,
        S.NEGOTIATING,
        {"published_on": OPENING.date()},
        {"meeting_on": OPENING.date()},
        "date.past",
    ),
    (
        Event.SIGN_MINUTES,
        S.NEGOTIATING,
        {
            "steps": step(StepKind.NEGOTIATION),
            "notices": letter(Letter.GRANT) + letter(Letter.CONVOCATION, NOW),
        },
        {"signed_on": OPENING.date()},
        "date.too_early",
    ),
    (
        Event.DETERMINE_AMOUNT,
        S.NEGOTIATING,
        {"steps": AWAITED, "plan_investment": Cents(100)},
        {"admitted_investment": "1.01"},
        "amount.above_declared",
    ),
    (
        Event.SETTLE,
        S.IN_PROGRESS,
        {
            "granted": REQUESTED,
            "cor": COR,
            "steps": step(StepKind.REPORT, ANSWERED) + step(LAPSE, subject="report"),
        },
        {},
        "lapse_proposal.open",
    ),
    (
        Event.SETTLE,
        S.IN_PROGRESS,
        {
            "granted": REQUESTED,
            "cor": COR,
            "terms": term(TermKind.AID_REGISTRY, LATE, TermStatus.EXPIRED),
            "steps": step(StepKind.REPORT, ANSWERED),
        },
        {},
        "cor.lapsed",
    ),
    (
        Event.SETTLE,
        S.IN_PROGRESS,
        {
            "granted": REQUESTED,
            "cor": COR,
            "steps": step(StepKind.REPORT, ANSWERED),
        },
        {},
        "",
    ),
    (Event.LAPSE, S.ACCEPTED, PROPOSED, {}, "lapse_proposal.not_delivered"),
    (
        Event.LAPSE,
        S.ACCEPTED,
        {**PROPOSED, "notices": letter(Letter.LAPSE_PROPOSED, OPENING, OPENING)},
        {},
        "lapse_proposal.pending",
    ),
    (
        Event.LAPSE,
        S.ACCEPTED,
        {
            **PROPOSED,
            "notices": letter(Letter.LAPSE_PROPOSED, OPENING, OPENING),
            "now": NOW + timedelta(days=1),
        },
        {},
        "",
    ),
    (
        Event.ANNUL,
        S.COMPLETED,
        {"granted": Cents(100)},
        {"recover": "1.01"},
        "amount.above_grant",
    ),
]


@pytest.mark.parametrize(
    ("event", "state", "changes", "changed", "code"),
    [
        pytest.param(*row, id=f"{number}-{row[0]}-{row[-1] or 'ok'}")
        for number, row in enumerate(WIRED)
    ],
)
def test_the_table_holds_each_move_to_its_rules(event, state, changes, changed, code):
    known = facts(**{"act": act(), "reason": "so", "state": state, **changes})
    given = {**usual(event, known.today).get("inputs", {}), **changed}
    row = TABLE.find(event, state, known)

    verdict = row.verdict(known, row.inputs.model_validate(given))

    assert verdict.code == code


@pytest.mark.parametrize(
    ("event", "state", "effect"),
    [
        (Event.YIELD_RESERVATION, S.SUBMITTED, "yield_reservation"),
        (Event.UPHOLD_OBSERVATIONS, S.SUBMITTED, "uphold"),
        (Event.CONVENE_NEGOTIATION, S.NEGOTIATING, "convene"),
        (Event.DECLARE_END, S.IN_PROGRESS, "declare_end"),
        (Event.DISMISS_LAPSE, S.ACCEPTED, "dismiss_lapse"),
        (Event.WITHDRAW, S.NEGOTIATING, "withdraw"),
        (Event.REVOKE, S.COMPLETED, "effect"),  # of `both`
        (Event.ANNUL, S.COMPLETED, "take_back"),
    ],
)
def test_the_table_gives_each_move_its_effect(event, state, effect):
    row = TABLE.find(event, state, facts(state=state))

    assert row.effect.__name__ == effect


def test_the_first_thing_in_the_way_decides():
    row = Move(
        Event.WITHDRAW,
        (S.SUBMITTED,),
        S.WITHDRAWN,
        Role.INTAKE,
        "Try.",
        "none",
        needs=(lambda _facts: ALLOWED, lambda _facts: Verdict("one", "one")),
        accepts=(lambda _facts, _given: Verdict("two", "two"),),
    )

    assert row.verdict(facts(), Inputs()).code == "one"
    assert row.effect(facts(), Inputs()) == Consequences()


# --- what is stated ------------------------


@both
def test_the_usual_inputs_of_the_main_line_can_be_read(table):
    for event in set(TO_THE_END) & set(table.events):
        (row, *_) = table.of_event(event)
        given = usual(event, facts().today).get("inputs", {})

        assert row.inputs.model_validate(given).model_fields_set == given.keys()


def test_a_score_of_another_shape_is_refused_before_any_rule():
    for sheet in ({"qualità": 1}, {"quality": 10**20}, ["quality"], ["a=1", "a=2"]):
        with pytest.raises(ValueError, match="score"):
            stated.EvaluationInputs.model_validate({"minutes": "1", "score": sheet})

    good = stated.EvaluationInputs.model_validate({"minutes": "1", "score": scores()})
    assert sum(good.score.values()) == 80
