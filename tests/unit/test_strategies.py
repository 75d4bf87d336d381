"""Who comes before whom, under each of the policies that were seen?"""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.schema import AS_BEFORE
from models.vocabulary import Cents, OrderPolicy, ShortMoneyPolicy
from tests.builders import ctl, rome
from tests.builders_facts import place
from workflow.facts import NOTHING, OrderKey
from workflow.rules.strategies import (
    Candidate,
    claims_before,
    draw,
    earlier_in_turn,
    in_order,
    lined_up,
    may_be_drawn,
    period,
    rebalance,
    undecided,
    week_around,
)

EXACT, DAY, WEEK, BY_ACT = OrderPolicy
TUESDAY = rome(2026, 1, 20, 10)


def arrived(number, *, days=0, **changes):
    key = OrderKey(TUESDAY + timedelta(days=days, minutes=number), 2026, number)
    return place(number, key=key, **changes)


def numbers(places):
    return [one.key.protocol_number for one in places]


def test_the_day_and_the_week_are_those_of_rome():
    midnight = datetime(2026, 1, 25, 23, tzinfo=UTC)
    just_before = midnight - timedelta(microseconds=1)

    assert period(DAY, just_before) == "2026-01-25"
    assert period(DAY, midnight) == "2026-01-26"
    assert period(WEEK, just_before) == "2026-W04"
    assert period(WEEK, midnight) == "2026-W05"
    assert period(EXACT, midnight) is None


def test_the_first_days_of_a_year_may_be_of_the_last_week_of_another():
    assert period(WEEK, rome(2027, 1, 1, 12)) == "2026-W53"


@pytest.mark.parametrize(
    ("within", "begins", "hours"),
    [
        (rome(2026, 1, 19), datetime(2026, 1, 18, 23, tzinfo=UTC), 7 * 24),
        (rome(2026, 1, 25, 23, 59, 59), datetime(2026, 1, 18, 23, tzinfo=UTC), 7 * 24),
        (rome(2026, 3, 29, 23, 59, 59), datetime(2026, 3, 22, 23, tzinfo=UTC), 167),
        (rome(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC), 7 * 24),
        (rome(2026, 10, 19), datetime(2026, 10, 18, 22, tzinfo=UTC), 169),
        (rome(2027, 1, 1, 12), datetime(2026, 12, 27, 23, tzinfo=UTC), 7 * 24),
    ],
)
def test_a_week_goes_from_monday_to_monday_also_when_the_clocks_change(
    within, begins, hours
):
    ends = begins + timedelta(hours=hours)

    assert week_around(within) == (begins, ends)
    assert week_around(begins) == (begins, ends)
    assert week_around(ends)[0] == ends
    assert period(WEEK, begins) == period(WEEK, within) != period(WEEK, ends)


def test_one_minute_decides_only_under_the_exact_instant():
    first, second = arrived(1, score=60), arrived(2, score=80)

    assert numbers(earlier_in_turn(EXACT, second, [first])) == [1]
    assert earlier_in_turn(DAY, second, [first]) == ()
    assert earlier_in_turn(WEEK, second, [first]) == ()
    assert numbers(in_order(EXACT, [first, second])) == [1, 2]
    assert numbers(in_order(DAY, [first, second])) == [2, 1]


def test_the_better_score_of_one_day_is_served_first_and_a_tie_goes_by_protocol():
    queue = [
        arrived(1),
        arrived(2, score=70),
        arrived(3, score=90),
        arrived(4, score=70),
        arrived(5, days=1, score=100),
    ]

    assert numbers(in_order(DAY, queue)) == [3, 2, 4, 1, 5]


def test_money_is_set_aside_for_all_of_the_day_who_have_no_score_yet():
    queue = [arrived(1), arrived(2, score=70), arrived(3, score=90)]

    assert numbers(claims_before(DAY, queue[2], queue)) == [1]
    assert numbers(claims_before(DAY, queue[1], queue)) == [3, 1]
    assert numbers(claims_before(DAY, queue[0], queue)) == [3, 2]


def test_money_is_set_aside_for_all_of_the_week_until_it_is_drawn():
    undrawn = [arrived(1), arrived(2, days=1), arrived(3, days=7)]
    drawn = [arrived(1, rank=2), arrived(2, days=1, rank=1), arrived(3, days=7)]

    assert numbers(claims_before(WEEK, undrawn[0], undrawn)) == [2]
    assert numbers(claims_before(WEEK, undrawn[1], undrawn)) == [1]
    assert numbers(claims_before(WEEK, drawn[0], drawn)) == [2]
    assert claims_before(WEEK, drawn[1], drawn) == ()
    assert numbers(claims_before(WEEK, drawn[2], drawn)) == [2, 1]


def test_the_draw_decides_the_turn_within_the_week():
    queue = [arrived(1, rank=2), arrived(2, rank=1), arrived(3)]

    assert numbers(earlier_in_turn(WEEK, queue[0], queue)) == [2]
    assert earlier_in_turn(WEEK, queue[1], queue) == ()
    assert numbers(earlier_in_turn(WEEK, queue[2], queue)) == [2, 1]


def test_a_week_is_decided_by_its_draw_and_a_day_by_the_last_of_its_scores():
    drawn, late = arrived(1, rank=1, score=60), arrived(2)

    assert undecided(WEEK, [drawn, late]) == frozenset()
    assert undecided(WEEK, [late]) == {"2026-W04"}
    assert undecided(DAY, [drawn, late]) == {"2026-01-20"}
    assert undecided(DAY, [drawn]) == frozenset()
    assert undecided(EXACT, [drawn, late]) == frozenset()


def test_an_application_without_a_place_is_compared_by_its_key():
    queue = [arrived(1), arrived(3)]
    between = Candidate(OrderKey(TUESDAY + timedelta(minutes=2), 2026, 2))

    assert numbers(earlier_in_turn(EXACT, between, queue)) == [1]
    assert numbers(claims_before(EXACT, between, queue)) == [1]


def test_who_takes_a_part_of_what_is_left_leaves_nothing_to_those_after_it():
    first = arrived(1, requested=Cents(12), reserved=NOTHING, accepts_less=True)
    later = arrived(2, requested=Cents(5))
    rules = AS_BEFORE.model_copy(update={"jump_ahead": True})
    partial = {"short_money": ShortMoneyPolicy.PARTIAL}
    allocation = ctl().allocation

    def yields(one):
        return rebalance(
            [one, later],
            Cents(5),
            rules=rules,
            allocation=allocation.model_copy(update=partial),
        )

    assert yields(first) == (later,)
    assert yields(replace(first, accepts_less=False)) == ()


def test_an_empty_queue_has_no_lines():
    assert [lined_up(policy, ()) for policy in OrderPolicy] == [()] * 4


def test_a_draw_is_redone_with_a_common_tool(tmp_path):
    protocols = [f"2026/{number:07d}" for number in range(1, 30)]
    file = tmp_path / "protocols.txt"
    file.write_text("".join(f"{one}\n" for one in protocols))
    said = (draw.__doc__ or "").partition("same:\n")[2]

    redone = subprocess.run(
        ["/bin/bash", "-c", said],
        env={"SEED": "lotto 24/01/2026: 7 12 33", "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert [line.split()[1] for line in redone.splitlines()] == list(
        draw("lotto 24/01/2026: 7 12 33", protocols)
    )


def test_another_seed_gives_another_order():
    protocols = [f"2026/{number:07d}" for number in range(1, 30)]

    assert draw("one", protocols) != draw("two", protocols)


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (rome(2026, 1, 25, 23, 59, 59), "draw.week_not_over"),
        (rome(2026, 1, 26), ""),
        (rome(2026, 1, 20), "draw.week_not_over"),
        (rome(2027, 1, 4), ""),
    ],
)
def test_a_week_is_drawn_only_once_its_sunday_is_over_in_rome(now, code):
    verdict = may_be_drawn("2026-W04", now)

    assert verdict.code == code
    if code:
        assert "Sunday 25/01/2026" in verdict.message


@pytest.mark.parametrize("week", ["2026-W54", "2026-W00", "2026-04", "0000-W01", ""])
def test_what_is_no_week_is_not_drawn(week):
    assert may_be_drawn(week, TUESDAY).code == "draw.no_week"
