"""Until when is personal data kept?"""

from datetime import date

import pytest

from config.checks import disagreements
from config.schema import AS_DE_MINIMIS
from tests.builders import ctl
from workflow.rules.retention import Retention


@pytest.mark.parametrize(
    ("over_since", "years", "last_day", "from_then"),
    [
        (date(2026, 3, 6), 10, date(2036, 3, 6), date(2036, 3, 7)),
        (date(2024, 2, 29), 1, date(2025, 2, 28), date(2025, 3, 1)),
        (date(2026, 12, 31), 5, date(2031, 12, 31), date(2032, 1, 1)),
    ],
)
def test_data_is_kept_through_the_same_day_years_later(
    over_since, years, last_day, from_then
):
    kept = Retention(over_since, years)

    assert (kept.last_day, kept.may_be_erased_from) == (last_day, from_then)
    assert not kept.has_ended(last_day)
    assert kept.has_ended(from_then)


def test_a_call_that_says_nothing_keeps_data_for_ten_years():
    silent = ctl().model_copy(update={"retention": None})

    assert silent.keeping.years == AS_DE_MINIMIS.years == 10


def test_data_that_the_ceiling_still_counts_is_not_erased():
    short = ctl().model_copy(
        update={"retention": AS_DE_MINIMIS.model_copy(update={"years": 2})}
    )

    (finding,) = disagreements(short)

    assert finding.loc == ("retention", "years")
    assert "aid.ceiling_years" in finding.message
    assert disagreements(ctl()) == ()
