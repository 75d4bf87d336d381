"""Is a ranking found that does not follow the scores before it?"""

import pytest

from config.exports import verify
from workflow.verification.ranked import RankingFold

FIRST, SECOND, THIRD = (f"2024/000000{number}" for number in (1, 2, 3))


def entry(event, protocol=None, findings=None, inputs=None, outcome="ok"):
    return {
        "event": event,
        "outcome": outcome,
        "protocol": protocol,
        "findings": findings or {},
        "inputs": inputs or {},
    }


def scored(protocol, total, **more):
    return entry("evaluate", protocol, {"score": {"total": total, **more}})


def line(place, application, score, amount, exact=None):
    decided = [{"rule": "score", "value": exact or score}]
    return {
        "place": place,
        "application": application,
        "score": score,
        "amount": amount,
        "decided": decided,
    }


def ranking(*order, version=1, below=()):
    told = {"version": version, "order": list(order), "below": list(below)}
    return entry("rank_call", findings={"ranking": told})


def moved(*funded, version=1):
    return entry("fund_call", findings={"ranking": version, "funded": list(funded)})


def more(place, application, before, amount):
    return {
        "place": place,
        "application": application,
        "before": before,
        "amount": amount,
    }


def placed(protocol, place, amount, version=1):
    given = {"ranking": version, "place": place, "amount": amount}
    return entry("fund" if amount else "admit_unfunded", protocol, inputs=given)


SCORES = (
    entry("evaluate", FIRST, {"sheet": {"total": 71}}),
    scored(FIRST, 70, exact="141/2"),
    scored(SECOND, 70),
    scored(THIRD, 59),
)
ABOVE = line(1, FIRST, 70, 60, exact="141/2")
BELOW = line(2, SECOND, 70, 0)
REFUSED = {"application": THIRD, "score": 59}
RANKED = ranking(ABOVE, BELOW, below=[REFUSED])


def faults(*bodies):
    fold = RankingFold({}, {})
    return [fault for body in (*SCORES, *bodies) if (fault := fold.feed(body))]


def faults_offline(folder, *bodies):
    """Return what the verifier of an export finds, which has nothing of the program."""
    chain = verify.Chain(verify.Report(), "X", folder)
    chain.report = verify.Report()
    for body in (*SCORES, *bodies):
        if body["outcome"] == "ok":
            chain.take_place(body, "entry")
        if body["outcome"] == "ok" and body["event"] == "rank_call":
            chain.take_ranking(body["findings"]["ranking"], "entry")
        if body["event"] == "fund_call":
            chain.take_funds(body["findings"], "entry")
    return list(chain.report.kinds)


def test_a_ranking_and_the_money_that_follows_it_hold(tmp_path):
    again = ranking(ABOVE, line(2, SECOND, 70, 9), version=2)
    bodies = (
        RANKED,
        placed(FIRST, 1, 60),
        placed(SECOND, 2, 0),
        moved(more(2, SECOND, 0, 40)),
        placed(SECOND, 2, 40),
        again,
        placed(SECOND, 2, 9, version=2),
        entry("rank_call", outcome="refused"),
    )

    assert not faults(*bodies)
    assert not faults_offline(tmp_path, *bodies)


def test_a_ranking_by_lot_has_no_scores_to_follow(tmp_path):
    lots = [
        {**line(place, name, None, 5), "decided": [{"rule": "lot", "value": "ab"}]}
        for place, name in enumerate(("2024/0000008", "2024/0000009"), start=1)
    ]

    assert not faults(ranking(*lots), placed("2024/0000008", 1, 5))
    assert not faults_offline(tmp_path, ranking(*lots), placed("2024/0000008", 1, 5))


@pytest.mark.parametrize(
    ("bodies", "fault"),
    [
        ([ranking(ABOVE, version=2)], "follows another"),
        ([ranking(line(2, FIRST, 70, 60, "141/2"))], "not one after the other"),
        ([ranking(line(1, FIRST, 71, 60))], "another score than its own"),
        ([ranking(line(1, FIRST, 70, 60))], "another score than its own"),
        ([ranking(below=[{**REFUSED, "score": 60}])], "another score than its own"),
        (
            [ranking(line(1, SECOND, 70, 0), line(2, FIRST, 70, 60, "141/2"))],
            "below a lower score",
        ),
        ([RANKED, placed(FIRST, 1, 61)], "not those of version 1"),
        ([RANKED, placed(SECOND, 1, 0)], "not those of version 1"),
        ([RANKED, placed(FIRST, 1, 60, version=2)], "not those of version 1"),
        ([placed(FIRST, 1, 60)], "not those of version 0"),
        ([RANKED, moved(more(1, SECOND, 0, 40))], "another place or sum"),
        ([RANKED, moved(more(2, SECOND, 40, 40))], "another place or sum"),
        ([RANKED, moved(more(2, SECOND, 0, 40), version=2)], "not the last one"),
    ],
)
def test_what_does_not_follow_is_found(tmp_path, bodies, fault):
    (found,) = faults(*bodies)

    assert fault in found
    assert len(faults_offline(tmp_path, *bodies)) == 1
