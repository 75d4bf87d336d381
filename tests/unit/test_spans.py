from collections import Counter
from decimal import Decimal

import pytest

from workflow.rules.amounts import mean
from workflow.rules.spans import median, nearest_rank


@pytest.mark.parametrize(
    ("days", "middle", "slow"),
    [
        ([7], Decimal(7), 7),
        ([1, 2], Decimal("1.5"), 2),
        ([3, 1, 2], Decimal(2), 3),
        ([1, 1, 1, 90], Decimal(1), 90),
        (list(range(1, 11)), Decimal("5.5"), 9),
        (list(range(1, 12)), Decimal(6), 10),
        ([0] * 9 + [40], Decimal(0), 0),
    ],
)
def test_the_middle_and_the_slow_end_are_values_that_occurred(days, middle, slow):
    counted = Counter(days)

    assert (median(counted), nearest_rank(counted, 90)) == (middle, slow)


def test_of_nothing_there_is_neither_a_middle_nor_a_slow_end():
    assert median(Counter()) is None
    assert nearest_rank(Counter(), 90) is None


@pytest.mark.parametrize(
    ("total", "count", "each"),
    [(100, 3, 33), (200, 3, 67), (5, 2, 3), (1, 2, 1), (0, 4, 0)],
)
def test_a_mean_is_rounded_half_up_to_the_cent(total, count, each):
    assert mean(total, count) == each


def test_nobody_has_no_mean_and_not_a_mean_of_zero():
    assert mean(0, 0) is None
