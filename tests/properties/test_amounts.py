from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from workflow.rules.amounts import MOST_CENTS, format_money, parse_money, share

amounts = st.integers(0, MOST_CENTS)
percents = st.decimals(0, 100, places=4)


@given(amounts)
def test_an_amount_written_and_read_again_is_the_same(cents):
    assert parse_money(format_money(cents)) == cents


@given(amounts, percents)
def test_a_share_is_what_decimals_give_when_they_have_room_enough(amount, percent):
    with localcontext(prec=60):
        exact = amount * percent / 100
        expected = exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)

    assert share(amount, percent) == expected


@given(amounts, percents)
def test_a_share_is_never_more_than_the_whole(amount, percent):
    assert 0 <= share(amount, percent) <= amount
