"""Does the turn depend on nothing but the order of arrival?"""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import QUEUED_STATES, ApplicationState
from tests.builders import OPENING
from tests.builders_facts import act, facts, place
from workflow.facts import OrderKey, Place
from workflow.moves import guards
from workflow.moves import inputs as stated
from workflow.rules.order import may_proceed, named, unevaluated, unreviewed

S = ApplicationState


@st.composite
def queues(draw):
    """Draw the earlier applications: ties of instant, years that change, no order."""
    keys = draw(
        st.lists(
            st.builds(
                OrderKey,
                st.integers(0, 3).map(lambda n: OPENING + timedelta(microseconds=n)),
                st.sampled_from((2026, 2027)),
                st.integers(1, 30),
            ),
            unique=True,
            max_size=8,
        )
    )
    return [
        place(
            number,
            key=key,
            state=draw(st.sampled_from(sorted(QUEUED_STATES))),
            review_started=draw(st.booleans()),
            waits_for_applicant=draw(st.booleans()),
        )
        for number, key in enumerate(keys, start=1)
    ]


@given(queues(), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_read_changes_nothing(queue, skip, chance):
    shuffled = list(queue)
    chance.shuffle(shuffled)

    assert unreviewed(shuffled, skip_waiting=skip) == unreviewed(
        queue, skip_waiting=skip
    )
    assert unevaluated(shuffled, skip_waiting=skip) == unevaluated(
        queue, skip_waiting=skip
    )


@given(queues(), st.booleans())
def test_whoever_is_overtaken_is_named_in_the_order_of_arrival(queue, skip):
    behind = unevaluated(queue, skip_waiting=skip)

    assert list(behind) == sorted(
        behind,
        key=lambda place: (
            place.key.received_at,
            place.key.protocol_year,
            place.key.protocol_number,
        ),
    )


@given(queues())
def test_nobody_who_waits_for_an_answer_is_in_the_way_if_the_call_says_so(queue):
    skipping = set(unreviewed(queue, skip_waiting=True))
    strict = set(unreviewed(queue, skip_waiting=False))

    assert skipping == {place for place in strict if not place.waits_for_applicant}


@given(queues(), st.booleans())
def test_only_what_is_not_taken_up_is_in_the_way(queue, skip):
    in_review = unreviewed(queue, skip_waiting=skip)
    in_merit = unevaluated(queue, skip_waiting=skip)

    assert all(one.state == S.SUBMITTED and not one.review_started for one in in_review)
    assert {one.state for one in in_merit} <= {S.SUBMITTED, S.ADMISSIBLE}
    # Who was not even reviewed was not scored either.
    assert set(in_review) <= set(in_merit)


@given(queues())
def test_a_turn_is_refused_exactly_when_somebody_would_be_overtaken(queue):
    overtaken = unreviewed(queue, skip_waiting=True)

    verdict = may_proceed(overtaken)

    assert bool(verdict) is (not overtaken)
    if not verdict:
        assert verdict.details["blocked_by"] == [one.protocol for one in overtaken]
        assert overtaken[0].protocol in verdict.message


@given(queues())
def test_taking_up_the_earliest_one_by_one_always_lets_the_next_one_in(queue):
    left = sorted(queue, key=lambda place: place.key)
    taken: list[Place] = []
    while left:
        first, *left = left
        verdict = guards.turn.takes_its_turn(
            facts(earlier=tuple(taken)), stated.ReviewInputs()
        )
        assert verdict
        taken.append(
            place(
                len(taken) + 1,
                key=first.key,
                state=first.state,
                review_started=True,
            )
        )


@given(queues(), st.booleans(), st.booleans(), st.booleans())
def test_overtaking_needs_somebody_to_overtake_an_act_and_a_reason(
    queue, overtake, with_act, with_reason
):
    known = facts(
        earlier=tuple(queue),
        act=act() if with_act else None,
        reason="so" if with_reason else None,
    )

    verdict = guards.turn.takes_its_turn(known, stated.ReviewInputs(overtake=overtake))

    behind = any(
        one.state == S.SUBMITTED
        and not one.review_started
        and not one.waits_for_applicant
        for one in queue
    )
    allowed = (not behind) if not overtake else (behind and with_act and with_reason)
    assert bool(verdict) is allowed


@given(queues())
def test_a_long_list_is_named_in_short(queue):
    text = named(tuple(queue))

    assert text.count("2026/") == min(5, len(queue))
    assert text.endswith(f" and {len(queue) - 5} more") is (len(queue) > 5)
