"""Does the machine keep to its table, whatever the facts are?"""

from dataclasses import replace
from datetime import UTC, timedelta
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    CallState,
    Cents,
    Channel,
    Decision,
    Event,
    Letter,
    OrderPolicy,
    ShortMoneyPolicy,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
    WaitingPhase,
)
from tests.builders import CLOSING, OPENING, ctl, scores, usual
from tests.builders_facts import ANYBODY, REQUESTED, act, facts, place, step
from workflow.errors import RefusedError
from workflow.facts import (
    BY_WORKER,
    Abstention,
    CounterFacts,
    Deed,
    MoneyFacts,
    NoticeRecord,
    Opening,
    PeopleFacts,
    PriorAid,
    Sheet,
    TermRecord,
)
from workflow.machine import Consequences, fire
from workflow.moves.expiries import of_term
from workflow.moves.families import TABLES

ONE_SECOND = timedelta(seconds=1)
instants = st.datetimes(
    (OPENING - timedelta(days=1)).replace(tzinfo=None),
    (CLOSING + timedelta(days=1)).replace(tzinfo=None),
    timezones=st.just(UTC),
)
ordinals = st.integers(1, 3)
outcomes = st.none() | st.sampled_from(
    (
        "upheld",
        "scored_again",
        "unanswered",
        "returned",
        "dismissed",
        "passed",
        "signed",
    )
)


@st.composite
def any_step(draw):
    """Draw a step; a proposal of lapse is about a term, any other about a phase."""
    kind = draw(st.sampled_from(StepKind))
    subjects = TermKind if kind == StepKind.LAPSE_PROPOSAL else ApplicationState
    return step(
        kind,
        draw(st.sampled_from(StepStatus)),
        draw(outcomes),
        ordinal=draw(ordinals),
        subject=draw(st.none() | st.sampled_from(subjects)),
        closed_on=draw(st.none() | instants.map(lambda at: at.date())),
    )


steps = st.lists(any_step(), max_size=4).map(lambda drawn: sum(drawn, ()))
terms = st.lists(
    st.builds(
        TermRecord,
        st.sampled_from(TermKind),
        ordinals,
        st.sampled_from(TermStatus),
        st.just(OPENING.date()),
        instants,
        settled=st.booleans(),
    ),
    max_size=3,
).map(tuple)
notices = st.lists(
    st.builds(NoticeRecord, st.sampled_from(Letter), instants, st.none() | instants),
    max_size=3,
).map(tuple)
amounts = st.sampled_from((Cents(0), Cents(1), REQUESTED, Cents(90_000_000)))
aids = st.lists(
    st.builds(
        PriorAid,
        instants.map(lambda at: at.date()),
        st.sampled_from((Cents(1), REQUESTED, Cents(30_000_000))),
        st.just("Comune"),
    ),
    max_size=2,
).map(tuple)


ME, OTHER = UUID(int=1), UUID(int=2)
people = st.builds(
    PeopleFacts,
    st.lists(
        st.builds(Deed, st.sampled_from(Event), st.sampled_from((ME, OTHER))),
        max_size=2,
    ).map(tuple),
    st.sampled_from(((), (Sheet(OTHER, 70),), (Sheet(ME, 70),))),
    st.sampled_from(
        tuple(
            {one: Abstention(ME, OPENING, 7) for one in who}
            for who in ((), (OTHER,), (ME,))
        )
    ),
)


@st.composite
def any_call(draw):
    """Draw a call of any policy, in which a grant may have to be accepted."""
    call = ctl()
    changes = {
        "counter": {
            "order": draw(st.sampled_from(OrderPolicy)),
            "waiting_list": draw(st.sampled_from(WaitingPhase)),
            "jump_ahead": draw(st.booleans()),
            "overbooking_amount": draw(st.none() | st.just(Cents(5_000_000))),
        },
        "allocation": {"short_money": draw(st.sampled_from(ShortMoneyPolicy))},
        "procedure": {"acceptance": draw(st.booleans())},
        "roles": {
            "separate": draw(st.sampled_from(((), tuple(Decision)))),
            "evaluators": draw(st.sampled_from((1, 1, 2))),
        },
    }
    parts = {
        name: getattr(call, name).model_copy(update=said)
        for name, said in changes.items()
    }
    return call.model_copy(update=parts)


openings = st.sampled_from(
    (
        (),
        (Opening(OPENING, None),),
        (Opening(OPENING, CLOSING),),
        (
            Opening(OPENING, OPENING + timedelta(days=1)),
            Opening(CLOSING - timedelta(days=1), None),
        ),
    )
)
counters = st.builds(
    CounterFacts,
    # Hardly anything can be done once a call is annulled: one case of it will do.
    st.sampled_from((*[CallState.OPEN] * 3, *CallState)),
    openings,
)


@st.composite
def any_facts(draw, state):
    """Draw the facts about an application, whether or not they can all be true."""
    granted = draw(amounts)
    return facts(
        state=state,
        call=draw(any_call()),
        counter=draw(counters),
        accepts_less=draw(st.booleans()),
        rank=draw(st.none() | ordinals),
        claims=draw(st.none() | st.just(()) | st.just((place(2),))),
        now=draw(instants),
        received_at=draw(st.none() | instants),
        channel=draw(st.sampled_from((Channel.PORTAL, Channel.PORTAL, Channel.PEC))),
        review_started=draw(st.booleans()),
        reserved=draw(amounts),
        granted=granted,
        matured=Cents(draw(st.integers(0, granted))),
        plan_investment=draw(st.none() | st.just(Cents(9_542_484))),
        aids=draw(aids),
        score=draw(st.sampled_from((None, 0, 59, 60, 100))),
        published_on=draw(st.none() | instants.map(lambda at: at.date())),
        money=MoneyFacts(Cents(100_000_000), draw(amounts), Cents(0)),
        earlier=draw(
            st.sampled_from(
                ((), (place(1),), (place(1, reserved=Cents(0), review_started=True),))
            )
        ),
        steps=draw(steps),
        terms=draw(terms),
        notices=draw(notices),
        act=draw(st.none() | st.just(act())),
        reason=draw(st.sampled_from((None, "", "so"))),
        by=draw(st.sampled_from((ANYBODY, BY_WORKER))),
        people=draw(people),
    )


@st.composite
def stated(draw, event, today):
    """Draw what may be stated for an event, in any family that has it."""
    row = next(row for table in TABLES.values() for row in table.of_event(event))
    given = dict(usual(event, today).get("inputs", {}))
    if "overtake" in row.inputs.model_fields:
        given["overtake"] = draw(st.booleans())
    if event == Event.EVALUATE:
        given["score"] = scores(draw(st.integers(0, 100)))
    if "term" in row.inputs.model_fields:
        given["term"] = draw(st.sampled_from(sorted(ctl().terms)))
    if event == Event.RECORD_DELIVERY:
        given["letter"] = draw(st.sampled_from(Letter))
    return row.inputs.model_validate(given)


events = st.sampled_from(Event)
states = st.sampled_from(ApplicationState)
tables = st.sampled_from(tuple(TABLES.values()))


@given(tables, st.lists(events, max_size=40), states, st.data())
def test_no_sequence_of_events_leaves_a_final_state(table, sequence, state, data):
    ended = None
    for event in sequence:
        known = data.draw(any_facts(state))
        given_ = data.draw(stated(event, known.today))
        try:
            state = fire(table, event, state, known, given_)
        except RefusedError as error:
            assert error.code  # noqa: PT017 - a refusal is allowed, nothing else is
        else:
            assert ended is None or event == Event.RECORD_DELIVERY
        assert ended is None or state == ended
        ended = state if state in FINAL_STATES else None


@given(tables, events, states, st.data())
def test_every_change_of_state_is_a_row_of_the_table(table, event, state, data):
    known = data.draw(any_facts(state))
    given_ = data.draw(stated(event, known.today))

    try:
        done = fire(table, event, state, known, given_)
    except RefusedError:
        return

    row = table.find(event, state, known)
    assert done == (row.target or state)
    assert all(need(known) for need in row.needs)
    # Only an overtaking, which an act orders, was not to be foreseen.
    assert getattr(given_, "overtake", False) or row.standing(known) == ()
    assert not row.act or known.act
    assert not row.reason or known.reason


@given(tables, events, states, st.data())
def test_the_same_facts_give_the_same_answer(table, event, state, data):
    known = data.draw(any_facts(state))
    given_ = data.draw(stated(event, known.today))

    once = _answer(table, event, state, known, given_)

    assert once == _answer(table, event, state, known, given_)


@given(tables.flatmap(lambda table: st.sampled_from(table.moves)), st.data())
def test_what_is_accepted_is_brought_about_and_gives_out_no_more_than_is_held(
    move, data
):
    known = data.draw(any_facts(data.draw(st.sampled_from(move.sources))))
    given_ = data.draw(stated(move.event, known.today))
    if not move.verdict(known, given_):
        return

    brought = move.effect(known, given_)

    held = known.application
    assert isinstance(brought, Consequences)
    assert held.reserved + sum(change.reserved for change in brought.money) >= 0
    assert held.granted + sum(change.granted for change in brought.money) >= 0


@given(tables, st.sampled_from(sorted(ctl().terms)), st.data())
def test_whatever_a_file_is_like_a_worker_can_make_what_an_instant_brings(
    table, kind, data
):
    (row,) = table.of_event(Event.EXPIRE_TERM)
    known = data.draw(any_facts(data.draw(st.sampled_from(row.sources))))
    going = (TermStatus.RUNNING, TermStatus.SUSPENDED, TermStatus.EXPIRED)
    due = TermRecord(
        kind,
        4,  # the latest of its kind
        data.draw(st.sampled_from(going)),
        OPENING.date(),
        known.now - data.draw(st.timedeltas(ONE_SECOND, timedelta(days=9))),
        stopped_on=data.draw(st.none() | st.just(OPENING.date())),
        resumes_after=data.draw(st.none() | st.just(CLOSING.date())),
    )
    known = replace(known, terms=(*known.terms, due))

    expiry = of_term(due, known, table)

    made = table.find(expiry.event, known.application.state, known)
    assert made.verdict(known, expiry.inputs)
    assert made.automatic
    assert not made.act
    assert made.target is None
    brought = made.effect(known, expiry.inputs)
    assert brought.money == ()
    assert expiry.wakes or expiry.event in {Event.RESUME_TERM, Event.DECLARE_END}
    if due.status is TermStatus.RUNNING and expiry.event != Event.DECLARE_END:
        assert any(one.kind == kind and one.expired for one in brought.terms)


@given(tables, states, st.data())
def test_more_time_is_foreseen_exactly_where_some_term_can_have_it(table, state, data):
    known = data.draw(any_facts(state))
    (row,) = table.of_event(Event.EXTEND_TERM)
    assume(state in row.sources and known.counter.state != CallState.ANNULLED)

    possible = [
        kind
        for kind in ctl().terms
        if row.accepts[0](known, row.inputs.model_validate({"term": kind, "days": 1}))
    ]

    assert bool(possible) is (row.standing(known) == ())


def _answer(table, event, state, known, given_):
    try:
        return fire(table, event, state, known, given_)
    except RefusedError as error:
        return (error.code, error.message, error.details)
