"""Is each entry counted as what it says?"""

from typing import Any

import pytest

from models.vocabulary import ApplicationState, Channel
from workflow.errors import TamperedError
from workflow.reports.flows import Times
from workflow.reports.tallies import Counted, Tally, stock_of

CHANNELS = {1: Channel.PORTAL}


def entry(day: str, event: str, **changes: Any) -> dict[str, Any]:
    return {
        "seq": 2,
        "at": f"{day}T10:00:00.000000Z",
        "local": f"{day}T11:00:00.000000+01:00",
        "application": "a",
        "protocol": "2026/0000001",
        "call_version": 1,
        "event": event,
        "from": "submitted",
        "to": "submitted",
        "act": None,
        "inputs": {},
        "findings": {},
        "money": None,
        "terms": [],
        **changes,
    }


def term(change: str, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "report",
        "ordinal": 1,
        "change": change,
        "status": status,
        "starts_on": "2026-01-10",
        "suspended_days": 0,
        **changes,
    }


def grant(cents: int) -> dict[str, Any]:
    return {"movements": [{"kind": "grant", "reserved": -cents, "granted": cents}]}


def tallied(*bodies: dict[str, Any], **settings: Any) -> Tally:
    tally = Tally("X", {}, **settings)
    for body in bodies:
        tally.feed(body)
    return tally


def test_a_term_that_turned_out_to_be_met_was_missed_by_nobody():
    missed = entry("2026-02-11", "propose_lapse", terms=[term("expired", "expired")])
    filed = entry(
        "2026-02-20",
        "file_report",
        inputs={"received_on": "2026-02-09"},
        terms=[term("met", "met")],
    )

    whole = tallied(missed, filed).flows
    later = tallied(missed, filed, since="2026-02-12").flows

    assert whole.missed == {"report": 0}
    assert later.missed == {"report": -1}
    (times,) = whole.times.values()
    assert (dict(times.days), times.late) == ({30: 1}, 0)


def test_a_missed_term_counts_once_however_often_it_is_told():
    told = [("expired", "expired"), ("escalated", "expired"), ("settled", "expired")]
    bodies = [
        entry("2026-03-01", "expire_term", terms=[term(*one, kind="conclusion")])
        for one in told
    ]

    flows = tallied(*bodies).flows

    assert flows.missed == {"conclusion": 1}
    assert flows.times == {}  # what was settled by another move was not done


def test_what_was_done_late_is_timed_and_late():
    done = term("settled", "expired", kind="conclusion", suspended_days=5)

    flows = tallied(entry("2026-04-20", "grant", terms=[done])).flows

    assert flows.times == {"conclusion": Times({95: 1}, 1)}  # type: ignore[arg-type]
    assert (flows.times["conclusion"].count, flows.times["conclusion"].within) == (1, 0)


def test_what_a_worker_does_counts_from_when_it_was_due():
    noticed = entry(
        "2027-01-20",
        "declare_end",
        findings={"due_at": "2027-01-10T22:59:59.000000Z"},
        terms=[term("met", "met", kind="duration")],
    )

    (times,) = tallied(noticed).flows.times.values()

    assert dict(times.days) == {365: 1}


def test_who_agreed_to_a_part_has_requested_all_of_it():
    filed = entry(
        "2026-01-20", "submit", findings={"requested": 60, "requested_before": 100}
    )

    assert tallied(filed).flows.requested == 100


def test_money_granted_in_two_parts_is_one_grant():
    bodies = [
        entry(day, "grant", money=grant(500)) for day in ("2026-01-20", "2026-02-20")
    ]

    whole = tallied(*bodies, bounds=["2026-02-01"])
    later = tallied(*bodies, since="2026-02-01")

    assert (whole.flows.grants, whole.flows.granted_amount) == (1, 1000)
    assert (whole.granted_by_mark, whole.grantees) == ([500, 500], {"a": 0})
    assert (later.flows.grants, later.flows.granted_amount) == (0, 500)
    assert later.grantees == {"a": 0}
    assert later.to_date.granted_amount == 1000


def test_a_family_without_money_moves_none():
    filed = entry("2026-01-20", "submit", findings={"channel": "portal"})
    files: dict[str, Counted] = {}
    tally = Tally("X", files)

    tally.feed(filed)

    stock = stock_of(files.values(), CHANNELS)
    assert (tally.flows.submitted, tally.flows.requested) == (1, 0)
    assert not tally.flows.reserved
    assert not tally.flows.granted
    assert (stock.waiting, stock.disbursable) == (0, 0)


@pytest.mark.parametrize(
    ("file", "cents"),
    [
        (Counted(ApplicationState.NEGOTIATING, granted=100), 0),
        (Counted(ApplicationState.NEGOTIATING, granted=100, matured=30), 30),
        (Counted(ApplicationState.IN_PROGRESS, granted=20, matured=30), 20),
        (Counted(ApplicationState.COMPLETED, granted=90, matured=30), 90),
        (Counted(ApplicationState.WITHDRAWN, granted=30, matured=30), 30),
        (Counted(ApplicationState.REVOKED, granted=90, matured=30), 0),
        (Counted(ApplicationState.COMPLETED, granted=90, cor_lapsed=True), 0),
    ],
)
def test_what_may_be_paid_has_matured_or_was_settled(file, cents):
    assert stock_of([file], CHANNELS).disbursable == cents


def test_nobody_waits_for_money_in_a_set_before_a_ranking_has_said_so():
    files = [
        Counted(state, 1, "portal", requested=10) for state in ("evaluated", "waiting")
    ]

    stock = stock_of(files, CHANNELS, is_ranked=True)

    assert (stock.waiting, stock.waiting_amount) == (1, 10)


def test_who_came_by_another_channel_waits_for_no_money():
    files = [
        Counted("submitted", 1, channel, requested=10)
        for channel in ("portal", "pec", "")
    ]

    stock = stock_of(files, CHANNELS)

    assert (stock.waiting, stock.waiting_amount) == (1, 10)


@pytest.mark.parametrize(
    "changes",
    [
        {"money": {"before": 1}},
        {"terms": None},
        {"findings": None},
        {"money": {"movements": [1]}},
    ],
)
def test_an_entry_that_makes_no_sense_is_told_with_its_number(changes):
    with pytest.raises(TamperedError, match="entry 2 of X does not say") as error:
        tallied(entry("2026-01-20", "submit", **changes))

    assert error.value.code == "register.unreadable"


def test_partners_count_as_they_stood_when_something_was_granted():
    together = {"partners": [{"applicant": "x"}, {"applicant": "y"}]}
    changed = {"partners": [{"applicant": "y"}, {"applicant": "z"}]}
    story = (
        entry("2026-01-10", "submit", findings={"partnership": together}),
        entry("2026-01-11", "change_partners", findings={"partnership": changed}),
        entry("2026-01-12", "grant", money=grant(9)),
        entry("2026-01-13", "change_partners", findings={"partnership": together}),
    )

    assert tallied(*story).partners == {"y", "z"}
    assert tallied(*story, since="2026-01-13").partners == set()
