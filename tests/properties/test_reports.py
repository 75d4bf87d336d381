"""Do the flows of periods that follow one another add up, whatever happened in them?"""

from collections import Counter
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workflow.reports.flows import Flows
from workflow.reports.tallies import Counted, Tally
from workflow.rules.spans import median, nearest_rank

FIRST = date(2026, 1, 1)
FILES = ("a", "b", "c")
KINDS = ("reserve", "grant", "redetermine", "release", "recover")
EVENTS = ("submit", "admit", "grant", "reject", "file_report", "start_review")
STATES = ("submitted", "evaluated", "rejected", "granted", "withdrawn")
CHANGES = (
    ("met", "met"),
    ("settled", "expired"),
    ("expired", "expired"),
    ("resumed", "running"),
)

moved = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "reserved": st.integers(-500, 500),
        "granted": st.integers(-500, 500),
    }
)
terms = st.builds(
    lambda kind, change, began, stood: {
        "kind": kind,
        "ordinal": 1,
        "change": change[0],
        "status": change[1],
        "starts_on": (FIRST + timedelta(days=began)).isoformat(),
        "suspended_days": stood,
    },
    st.sampled_from(("conclusion", "report", "payment")),
    st.sampled_from(CHANGES),
    st.integers(0, 20),
    st.integers(0, 5),
)
happenings = st.fixed_dictionaries(
    {
        "after": st.integers(0, 9),
        "application": st.sampled_from(FILES),
        "event": st.sampled_from(EVENTS),
        "from": st.sampled_from(STATES),
        "to": st.sampled_from(STATES),
        "movements": st.lists(moved, max_size=2),
        "terms": st.lists(terms, max_size=2),
        "findings": st.fixed_dictionaries(
            {},
            optional={
                "requested": st.integers(0, 900),
                "overtaken": st.lists(st.just("2026/1"), max_size=2),
                "to_recover": st.integers(0, 9),
            },
        ),
    }
)


def entries(happened: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write what happened as entries, each some days after the one before."""
    told, day = [], FIRST
    for seq, one in enumerate(happened, start=1):
        day += timedelta(days=one["after"])
        told.append(
            {
                **one,
                "seq": seq,
                "at": f"{day.isoformat()}T10:00:00.000000Z",
                "local": f"{day.isoformat()}T11:00:00.000000+01:00",
                "money": {"movements": one["movements"]} if one["movements"] else None,
                "inputs": {},
                "protocol": "2026/0000009",
                "call_version": 1,
                "act": None,
            }
        )
    return told


def flows(told: list[dict[str, Any]], since: str, until: str) -> Flows:
    tally = Tally("X", dict[str, Counted](), since=since)
    for body in told:
        if body["at"] < until:
            tally.feed(body)
    return tally.flows


def plain(found: Flows) -> dict[str, Any]:
    """Return flows without counts of nothing, which say the same as none."""
    return {
        name: {key: one for key, one in value.items() if one}
        if isinstance(value, dict)
        else value
        for name, value in asdict(found).items()
    }


@given(
    happened=st.lists(happenings, max_size=12),
    days=st.tuples(*[st.integers(0, 60)] * 3).map(sorted),
)
def test_what_happened_in_two_periods_is_what_happened_in_both(happened, days):
    told = entries(happened)
    first, middle, last = ((FIRST + timedelta(days=one)).isoformat() for one in days)

    both = flows(told, first, middle)
    both.add(flows(told, middle, last))

    assert plain(both) == plain(flows(told, first, last))


@given(happened=st.lists(happenings, max_size=12), day=st.integers(0, 60))
def test_all_that_was_moved_is_what_the_movements_add_up_to(happened, day):
    told = entries(happened)
    since = (FIRST + timedelta(days=day)).isoformat()
    tally = Tally("X", dict[str, Counted](), since=since)

    for body in told:
        tally.feed(body)

    moves = [move for body in told for move in body["movements"]]
    for name in ("reserved", "granted"):
        assert getattr(tally.to_date, name).total() == sum(one[name] for one in moves)
    assert sum(tally.granted_by_mark) == tally.flows.granted_amount


@given(days=st.lists(st.integers(0, 400), min_size=1))
def test_middle_and_slow_end_are_those_of_the_sorted_values(days):
    counted, ordered = Counter(days), sorted(days)
    count = len(ordered)

    middle = Decimal(ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    assert median(counted) == middle
    slow = nearest_rank(counted, 90)
    assert slow is not None
    assert sum(one <= slow for one in days) * 10 >= count * 9
    assert sum(one < slow for one in days) * 10 < count * 9
