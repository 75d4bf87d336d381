"""Do the ranked calls say what their sources say, and refuse rules that do not fit?"""

import pytest

from config.loader import check, find, load
from models.vocabulary import TermKind, TermStart
from tests.builders import rome

SMART = "smart-mobility-2024"
TEXT = find(SMART).read_text(encoding="utf-8")
TIES = 'tie_break = ["criterion:quality", "lower_request", "earlier_arrival"]'
BELOW = 'below_minimum = "offer" #'


def faults(tmp_path, *changes):
    """Return what is wrong with the call once some lines of it were changed."""
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "call.toml"
    path.write_text(text, encoding="utf-8")
    return [(fault.where, fault.message) for fault in check(path)]


def test_smart_mobility_is_the_call_of_the_pages():
    call = load(find(SMART))
    duration = call.terms[TermKind.DURATION]

    assert (call.allocation.amount, call.aid.cap) == (2_500_000_000, 250_000_000)
    assert call.ranking.minimum_cost == 80_000_000
    assert str(call.aid.variable_percent) == "100.00"
    assert call.aid.regime == "none"
    assert (duration.count, duration.starts_on) == (18, TermStart.PUBLISHED)
    assert str(duration.not_after) == "2026-06-30"
    assert call.window.closes_at == rome(2024, 6, 20, 17)
    assert TermKind.AID_REGISTRY not in call.terms
    assert {"tie_break", "below_minimum"} <= set(call.ranking.assumed)


@pytest.mark.parametrize(
    ("name", "subject", "values"),
    [
        (SMART, "How many subjects took part", ["45", "40"]),
        (SMART, "When the call closed", ["20/06/2024", "04/07/2024", "luglio 2024"]),
        ("collabora-innova-2024", "How many partners", ["760", "579"]),
    ],
)
def test_what_the_sources_contradict_stays_in_sight(name, subject, values):
    (conflict,) = [one for one in load(find(name)).conflicts if one.subject == subject]

    assert len(conflict.statements) == len(values)
    for statement, value in zip(conflict.statements, values, strict=True):
        assert statement.value.startswith(value)


@pytest.mark.parametrize(
    ("changes", "where", "word"),
    [
        ([(TIES, 'tie_break = ["criterion:style", "draw"]')], "tie_break", "style"),
        ([(TIES, 'tie_break = ["draw", "lower_request"]')], "tie_break", "the last"),
        ([(TIES, 'tie_break = ["draw", "earlier_arrival"]')], "tie_break", "after"),
        ([(TIES, 'tie_break = ["draw", "draw"]')], "tie_break", "already"),
        ([(TIES, 'tie_break = ["luck", "draw"]')], "tie_break", "tells nobody apart"),
        ([(TIES, "tie_break = []")], "tie_break", ""),
        ([("partial = true #", "partial = false #")], "below_minimum", "partial"),
        ([(BELOW, 'below_minimum = "lose" #')], "below_minimum", "lose"),
        (
            [('short_money = "waiting_list"', 'short_money = "stop"')],
            "short_money",
            "below_minimum",
        ),
        (
            [('regime = "none"', 'ceiling = "300000.00"\nregime = "none"')],
            "ceiling",
            "no ceiling",
        ),
        (
            [('regime = "none"', 'regime = "de_minimis"')],
            "ceiling_years",
            "missing",
        ),
        (
            [("not_after = 2026-06-30", "until = 2026-06-30")],
            "until",
            "",
        ),
        (
            [
                (
                    'starts_on = "closing"',
                    'not_after = 2026-06-30\nstarts_on = "closing"',
                )
            ],
            "not_after",
            "plan",
        ),
        ([('starts_on = "closing"', 'starts_on = "protocol"')], "starts_on", "closing"),
    ],
)
def test_rules_of_a_ranking_that_do_not_fit_are_told(tmp_path, changes, where, word):
    told = faults(tmp_path, *changes)

    assert any(where in place and word in message for place, message in told), told
