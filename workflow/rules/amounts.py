"""Tell how money is read, written, and divided."""

import re
from decimal import Decimal
from fractions import Fraction

from models.vocabulary import Cents

MOST_CENTS = 2**53 - 1
"""The largest amount that is read, as in the register: beyond it JSON loses cents."""

_MONEY = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,2}))?", re.ASCII)


def parse_money(text: str) -> Cents:
    """Read an amount in euro (*importo*) as whole cents.

    Only one way of writing is taken, because `1.234` and `1,234` do not mean
    the same to everybody: digits, then a point and one or two decimals.

    Raises:
        ValueError: it is not written so, or it is too large to be an amount.
    """
    found = _MONEY.fullmatch(text)
    if found is None:
        raise ValueError(_how_to_write(text))
    euros, decimals = found.groups(default="")
    cents = int(euros) * 100 + int(decimals.ljust(2, "0"))
    if cents > MOST_CENTS:
        raise ValueError(_how_to_write(text))
    return Cents(cents)


def format_money(cents: int) -> str:
    """Write an amount as `parse_money` reads it; what is owed gets a minus."""
    euros, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{euros}.{rest:02d}"


def share(amount: int, percent: Decimal) -> Cents:
    """Return *percent* of *amount* (*quota percentuale*), to the cent.

    Half a cent goes to the even cent (*arrotondamento bancario*), so that many
    shares do not drift one way. Fractions, because the result of a `Decimal`
    depends on the precision that the running thread has set.
    """
    return Cents(round(Fraction(amount) * Fraction(percent) / 100))


def mean(total: int, count: int) -> Cents | None:
    """Return what each has on average (*importo medio*), half a cent rounded up.

    Of nobody there is no mean, and it is not zero.
    """
    return Cents((2 * total + count) // (2 * count)) if count else None


def _how_to_write(text: str) -> str:
    return (
        f"{text!r} is not an amount: write the digits and, if there are cents, "
        f"a point and one or two decimals, as in 30000 or 30000.50, "
        f"up to {format_money(MOST_CENTS)}"
    )
