from decimal import Decimal, localcontext

import pytest

from workflow.rules.amounts import MOST_CENTS, format_money, parse_money, share


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("30000", 3_000_000),
        ("30000.5", 3_000_050),
        ("30000.50", 3_000_050),
        ("0.05", 5),
        ("111111.11", 11_111_111),
        ("90071992547409.91", MOST_CENTS),
    ],
)
def test_an_amount_is_read_to_the_cent(text, cents):
    assert parse_money(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1\n",
        "1,50",
        "1.234,50",
        "1,234.50",
        "1'234",
        "1_000",
        "+1",
        "-1",
        "1e3",
        ".5",
        "1.",
        "1.234",
        "30000.500",
        "NaN",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "90071992547409.92",
        "9" * 16,
        "9" * 5000,
    ],
)
def test_an_amount_written_otherwise_is_refused_saying_how_to_write_it(text):
    with pytest.raises(ValueError, match=r"as in 30000 or 30000\.50, up to 9007"):
        parse_money(text)


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (3_000_000, "30000.00"),
        (-5, "-0.05"),
        (-123_456, "-1234.56"),
    ],
)
def test_an_amount_is_written_with_two_decimals(cents, text):
    assert format_money(cents) == text


@pytest.mark.parametrize(
    ("amount", "percent", "cents"),
    [
        (9_542_484, "85", 8_111_111),  # 81,111.114
        (100, "33.333", 33),
        (10, "25", 2),  # two cents and a half: down to the even cent
        (30, "25", 8),  # seven cents and a half: up to the even cent
        (50, "25.02", 13),  # a hair above the half
        (0, "85", 0),
        (11_111_111, "100", 11_111_111),
    ],
)
def test_a_share_is_rounded_half_to_the_even_cent(amount, percent, cents):
    assert share(amount, Decimal(percent)) == cents


def test_a_share_does_not_depend_on_the_precision_of_the_thread():
    with localcontext(prec=3):
        cents = share(9_542_484, Decimal(85))

    assert cents == 8_111_111
