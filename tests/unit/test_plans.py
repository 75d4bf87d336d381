"""Do plans of indicators say what their sources do, and nothing more?"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.loader import PLANS, PlanFileError
from workflow.reports.comparisons import REGISTER, Derived, compare, days_of, written

RELAZIONE = PLANS.load(PLANS.find("ricerca-innovazione-2025"))
DAYS = (date(2023, 12, 31), date(2024, 12, 31), date(2025, 4, 30))
NOTHING = Derived(0, 0)


def beside(then=None, at_end=NOTHING):
    return compare(RELAZIONE, then or {}, at_end)


@pytest.mark.parametrize("name", PLANS.shipped())
def test_every_shipped_plan_is_without_fault(name):
    assert PLANS.check(PLANS.find(name)) == ()


# --- the report of 2025 ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "baseline", "values", "target", "reached"),
    [
        ("prizes", "0", ("1.05", "2.08", "3.1"), "5.25", "59.0"),
        ("firms_served", "430", ("520", "530", None), "450", "117.8"),
        ("firms_collaborating", "0", ("0", "30", None), "350", "8.6"),
        ("matched_investment", "0", ("1.52", "6.45", "7"), "250", "2.8"),
        ("granted", "0", ("22.37", "71", "73.6"), "300", "24.5"),
        ("mean_grant", "0", ("447360", "583400", "407000"), "450000", "90.4"),
        ("firms_supported", "0", ("0", "0", None), "300", "0.0"),
        ("granted_second", "0", ("0", "0", None), "12", "0.0"),
    ],
)
def test_the_table_of_indicators_of_2025_stands_as_it_was_published(
    code, baseline, values, target, reached
):
    (line,) = (one for one in beside().lines if one.indicator.code == code)

    said = line.indicator
    told = [one.reading.value for one in line.values]
    assert (said.baseline, said.target) == (Decimal(baseline), Decimal(target))
    assert told == [None if one is None else Decimal(one) for one in values]
    assert tuple(one.reading.on for one in line.values) == DAYS == days_of(RELAZIONE)
    assert said.target_on == date(2027, 12, 31)
    assert line.reached == Decimal(reached)
    assert all(one.reading.source for one in line.values)


def test_the_beneficiaries_follow_from_what_was_granted_and_its_mean():
    (divided,) = beside().quotients

    told = [Decimal("50.0"), Decimal("121.7"), Decimal("180.8")]
    assert divided.values == tuple(zip(DAYS, told, strict=True))


def test_what_a_source_has_not_is_unknown_and_not_zero():
    supported = next(
        line for line in beside().lines if line.indicator.code == "firms_supported"
    )

    known, unknown = supported.values[1].reading, supported.values[2].reading
    assert (known.value, unknown.value) == (Decimal(0), None)
    assert written(unknown.value, supported.indicator.unit) == "n.d."
    assert supported.latest == known


def test_what_sources_say_differently_stays_with_each_of_them():
    said = {
        tuple(one.value.partition(" (")[0] for one in conflict.statements)
        for conflict in beside().conflicts
    }

    assert {("quasi 700", "755"), ("45", "40"), ("760", "579")} <= said
    assert all(one.source for each in beside().conflicts for one in each.statements)


# --- beside the register --------------------------------------------------------------


def test_a_value_that_the_register_does_not_confirm_is_shown_beside_it():
    cents, applicants = 70_400_000_00, 121
    compared = beside({DAYS[1]: Derived(cents, applicants)}, Derived(cents, applicants))

    granted = next(one for one in compared.lines if one.indicator.code == "granted")
    told = [one for one in compared.conflicts if one not in RELAZIONE.conflicts]
    assert [one.disagrees for one in granted.values] == [False, True, False]
    assert granted.derived == Decimal("70.4")
    assert [[(said.value, said.source) for said in one.statements] for one in told] == [
        [
            ("71 M\N{EURO SIGN}", "relazione 2025, dati a dicembre 2024"),
            ("70.40 M\N{EURO SIGN}", REGISTER),
        ],
        [
            ("583400 \N{EURO SIGN}", "relazione 2025, dati a dicembre 2024"),
            ("581818.18 \N{EURO SIGN}", REGISTER),
        ],
    ]


@pytest.mark.parametrize(
    ("day", "euros", "applicants"),
    [(DAYS[0], 22_368_000, 50), (DAYS[1], 71_174_800, 122)],
)
def test_the_register_agrees_with_what_the_plan_writes_rounded(day, euros, applicants):
    compared = beside({day: Derived(euros * 100, applicants)})

    told = {line.indicator.code: line.values for line in compared.lines}
    derived = {
        code: one.derived
        for code in told
        for one in told[code]
        if one.reading.on == day
    }
    assert derived["mean_grant"] == Decimal(euros) / applicants
    assert derived["granted"] == Decimal(euros) / 1_000_000
    assert compared.conflicts == RELAZIONE.conflicts


def test_nobody_granted_anything_is_no_mean_beside_the_plan():
    compared = beside({DAYS[0]: NOTHING})

    mean = next(one for one in compared.lines if one.indicator.code == "mean_grant")
    assert mean.derived is None
    assert mean.values[0].derived is None
    assert not mean.values[0].disagrees


def test_without_money_the_register_says_nothing_and_not_zero():
    assert {line.derived for line in beside(at_end=None).lines} == {None}
    granted = next(one for one in beside().lines if one.indicator.code == "granted")
    assert granted.derived == 0


# --- files ----------------------------------------------------------------------------

FAULTY = """\
code = "Of Mine"
title = "A plan"

[[indicators]]
code = "money"
title = "Money"
unit = "million"
measure = "undertakings"
baseline = 0
target = "3,5"
target_on = 2027-12-31
values = [
    { on = 2024-12-31, value = "1", source = "here" },
    { on = 2023-12-31, value = "2", source = "here" },
]
source = "found"
basis = "here"

[[indicators]]
code = "money"
title = "Again"
unit = "euros"
measure = "undertakings"
baseline = "n.d."
target = "1"
target_on = 2027-12-31
values = []
source = "found"
basis = "here"
extra = 1

[[quotients]]
code = "each"
title = "Each"
dividend = "money"
divisor = "people"
"""


def test_all_faults_of_a_plan_are_told_at_once_each_with_its_line(tmp_path: Path):
    path = tmp_path / "plan.toml"
    path.write_text(FAULTY, encoding="utf-8")

    with pytest.raises(PlanFileError) as error:
        PLANS.load(path)

    told = {(one.line, one.where) for one in error.value.faults}
    assert told == {
        (1, "code"),
        (None, "source"),
        (7, "indicators[1].unit"),
        (9, "indicators[1].baseline"),
        (10, "indicators[1].target"),
        (14, "indicators[1].values[2].on"),
        (20, "indicators[2].code"),
        (22, "indicators[2].unit"),
        (30, "indicators[2].extra"),
        (36, "quotients[1].divisor"),
    }
    says = " ".join(one.message for one in error.value.faults)
    assert 'as "22.37", or "n.d."' in says
    assert 'allowed: "number", "euros", "million_euros"' in says
    assert "`people` is the code of no indicator" in says
    assert "write the values in the order of their days" in says


def test_a_plan_that_is_nowhere_is_told_with_those_that_are_shipped():
    with pytest.raises(PlanFileError, match=r"shipped plan .*ricerca-innovazione-2025"):
        PLANS.find("nowhere")
