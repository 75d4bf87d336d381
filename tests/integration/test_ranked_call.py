"""Does a closed set become a ranking, and does the money go down it as it must?"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from config.families import model
from config.loader import find, load
from models.canonical import digest, encode
from models.vocabulary import CallEvent, Cents, Event, Family, Role, TermKind
from tests import exports
from tests.builders import EVERYBODY, PAPER, Office, office, quiet, shipped
from tests.contents import entries, refusals
from tests.explained import explain_all
from tests.integration.test_verification import by_hand, faults
from tests.processes import Ended, Place, attempt, together
from tests.terminals import Terminal
from workflow import register
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.services import (
    call_acts,
    calls,
    digests,
    explanations,
    exporting,
    installation,
    intake,
    moves,
    officers,
    pasts,
    queues,
    rankings,
    sweep,
    views,
)
from workflow.services.moments import Moment
from workflow.services.moves import MoveCommand

SMART = "smart-mobility-2024"
CODE = "RLF12024099902"
MISSING: Mapping[str, Any] = {"code": "ranking.missing", "exit_code": 1}
UNWANTED: Mapping[str, Any] = {"code": "ranking.seed_not_wanted", "exit_code": 1}
REASON = "the board has scored all of them"
ASKED = ["2000000.00"] * 12 + ["2400000.00", "2500000.00"]


def tax_code(number: int) -> str:
    digits = [int(digit) for digit in f"{98_000_000_00 + number:010d}"]
    doubled = (2 * digit for digit in digits[1::2])
    total = sum(digits[::2]) + sum(digit - 9 * (digit > 9) for digit in doubled)
    return "".join(map(str, digits)) + str(-total % 10)


def line(number: int, requested: str, rules: Any, **changes: Any) -> bytes:
    return orjson.dumps(
        {
            "portal_id": f"SM-{number:04d}",
            "applicant": {
                "tax_code": tax_code(number),
                "name": f"Comune {number}",
                "pec": f"comune{number}@pec.example.it",
            },
            "requested": requested,
            "investment": requested,
            "documents": [
                {
                    "kind": document.kind,
                    "name": f"{document.kind}.pdf",
                    "sha256": hashlib.sha256(document.kind.encode()).hexdigest(),
                }
                for document in rules.documents
            ],
            **changes,
        }
    )


class Ranked:
    """An office with a ranked call, and what is done to many files of it."""

    def __init__(self, work: Office, path: Path, code: str) -> None:
        self.work, self.code, self.rules = work, code, load(path)

    def file(self, *asked: str, first: int = 1, **changes: Any) -> list[str]:
        lines = [
            line(number, requested, self.rules, **changes)
            for number, requested in enumerate(asked, start=first)
        ]
        answers = list(intake.take_in(self.work.desk, self.code, lines))
        assert all(answer["protocol"] for answer in answers), answers
        return [str(answer["protocol"]) for answer in answers]

    def close(self) -> None:
        closes = self.rules.window.closes_at
        self.work.clock.advance(closes - self.work.clock.now() + timedelta(minutes=1))
        sweep.sweep(self.work.desk)

    def examine(self, protocol: str, points: Mapping[str, int] | None = None) -> None:
        checked = [document.kind for document in self.rules.documents]
        self.work.move(protocol, Event.START_REVIEW)
        self.work.move(protocol, Event.ADMIT, inputs={"checked": checked})
        if points is not None:
            score = [f"{name}={given}" for name, given in points.items()]
            stated = {"minutes": "3/2024", "score": score}
            self.work.move(protocol, Event.EVALUATE, inputs=stated)

    def rank(self, **stated: Any) -> dict[str, Any]:
        return rankings.rank(self.work.desk, self.code, **self.formal, **stated)

    def fund(self, **stated: Any) -> dict[str, Any]:
        return rankings.fund(self.work.desk, self.code, **self.formal, **stated)

    @property
    def formal(self) -> dict[str, Any]:
        return {"act": f"decreto 1/{self.work.today}", "reason": REASON}


@contextmanager
def furnished(database_url: str, path: Path, code: str) -> Iterator[Ranked]:
    """Open an office in which a ranked call has just opened."""
    with office(database_url, at=load(path).window.published_at) as work:
        installation.initialise(work.desk.engine, work.clock, rehearsal=True)
        for login, roles in EVERYBODY.items():
            officers.add(work.desk.as_officer("bianchi"), login, login.title(), roles)
        calls.register_call(work.desk, path)
        ranked = Ranked(work, path, code)
        work.clock.advance(ranked.rules.window.opens_at - work.clock.now())
        yield ranked


def points(total: int) -> dict[str, int]:
    left, given = total, {}
    for code, most in (("quality", 50), ("impact", 30), ("data", 20)):
        given[code] = min(left, most)
        left -= given[code]
    return given


@pytest.fixture
def smart(database_url: str) -> Iterator[Ranked]:
    with furnished(database_url, quiet(SMART), CODE) as ranked:
        yield ranked


def grant_of(work: Office, number: int, **changes: Any) -> dict[str, Any]:
    """Return what a grant without State aid carries."""
    day = work.today.isoformat()
    inputs = {
        "cup": f"E41B{number:011d}",
        "cup_on": day,
        "durc_until": (work.today + timedelta(days=90)).isoformat(),
        "antimafia": "BDNA 1",
        **changes,
    }
    return {"inputs": inputs, "act": f"decreto 2/{day}"}


def raise_grant(work: Office, name: str) -> dict[str, Any]:
    """Grant what was added to a grant, and publish it again."""
    day = work.today.isoformat()
    formal = {"act": f"decreto 4/{day}"}
    with pytest.raises(RefusedError, match="state it with --antimafia"):
        work.move(name, Event.RAISE_GRANT, inputs={"durc_until": day}, **formal)
    papers = {"durc_until": day, "antimafia": "BDNA 2"}
    raised = work.move(name, Event.RAISE_GRANT, inputs=papers, **formal)
    published = {"published_on": day, "reference": "BURL 40"}
    again = work.move(name, Event.RECORD_PUBLICATION, inputs=published)
    money = {kind: raised["money"][kind] for kind in ("reserved", "granted")}
    return {**money, "terms": again["terms"]}


def amounts(told: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(one["place"], one["amount"]) for one in told["order"]]


def sets_of(work: Office) -> list[dict[str, Any]]:
    found = (entry["findings"].get("set") for entry in entries(work))
    return [one for one in found if one]


def written_to(work: Office, name: str) -> list[str]:
    letters = [one.letter for one in views.shown(work.desk, name).notices]
    return [
        one for one in letters if one not in {"submission_receipt", "procedure_start"}
    ]


def test_thirteen_of_fourteen_are_funded_and_a_renunciation_goes_down_the_ranking(
    smart: Ranked,
):
    names = smart.file(*ASKED)
    smart.close()
    for number, name in reversed(list(enumerate(names))):
        smart.examine(name, points(79 - number))

    unranked = queues.queue(smart.work.desk, CODE)
    foreseen = smart.rank(dry_run=True)
    told = smart.rank()
    ranked = queues.queue(smart.work.desk, CODE)
    smart.work.move(names[4], Event.WITHDRAW, inputs={"document": PAPER})
    free = queues.queue(smart.work.desk, CODE)
    moved = smart.fund()

    assert amounts(told) == [
        *((place, "2000000.00") for place in range(1, 13)),
        (13, "1000000.00"),
        (14, "0.00"),
    ]
    assert told["order"] == foreseen["order"]
    outcomes = [one["outcome"] for one in told["order"]]
    assert outcomes == ["funded"] * 12 + ["funded_in_part", "not_funded"]
    assert amounts(moved) == [(13, "2400000.00"), (14, "600000.00")]
    assert [one["before"] for one in moved["order"]] == ["1000000.00", "0.00"]
    with pytest.raises(RefusedError, match="nobody in the ranking gets any"):
        smart.fund()
    # The money ends where nothing of it arrives, also of what an act would give.
    ends = [one.first_without_money for one in (unranked, ranked, free)]
    assert [one and one.protocol for one in ends] == [None, names[13], None]
    totals = [one.running_total for one in ranked.items]
    assert totals[11:] == [2_400_000_000, 2_500_000_000, 2_750_000_000]
    assert smart.work.verified()
    told_of = {CallEvent.RANK_CALL, CallEvent.FUND_CALL}
    of_files = {Event.ENTER_SET, Event.FUND, Event.ADMIT_UNFUNDED}
    assert told_of | of_files <= explain_all(smart.work).keys()


# --- a small one: three applications, and 5,000,000.00 ---------------------------


def five_million(folder: Path) -> Path:
    text = shipped(SMART).replace('amount = "25000000.00"', 'amount = "5000000.00"')
    path = folder / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def small(database_url: str, tmp_path: Path) -> Iterator[Ranked]:
    with furnished(database_url, five_million(tmp_path), CODE) as ranked:
        yield ranked


def test_a_set_is_closed_with_all_who_came_and_ranked_once_all_are_examined(
    small: Ranked,
):
    names = small.file("2000000.00", "2400000.00", "2500000.00")
    with pytest.raises(RefusedError, match="the window closes at"):
        small.work.move(names[0], Event.START_REVIEW)
    small.close()
    in_time = register.written(small.rules.window.closes_at - timedelta(minutes=1))
    (late,) = small.file("900000.00", first=4, received_at=in_time)
    for name in names:
        small.examine(name, points(70))

    with pytest.raises(RefusedError, match=f"to the end: {late}"):
        small.rank()

    assert calls.shown(small.work.desk, CODE).waiting == 0  # nothing was said yet
    assert queues.queue(small.work.desk, CODE).waiting == 0
    closed, again = sets_of(small.work)
    assert (closed["count"], closed["applications"]) == (3, names)
    assert (again["count"], again["applications"]) == (4, [*names, late])
    listed = encode({"applications": [*names, late]})
    assert again["sha256"] == digest(listed)
    (conclusion,) = views.shown(small.work.desk, late).terms
    assert str(conclusion.starts_on) == "2024-06-20"  # as that of all the others
    assert refusals(small.work) == ["window.open", "ranking.undecided"]
    assert CallEvent.FREEZE_SET in explain_all(small.work)


def test_what_was_granted_grows_by_an_act_of_its_own_and_the_rest_is_ranked_again(
    small: Ranked,
):
    work = small.work
    names = small.file("2000000.00", "2400000.00", "2500000.00", "900000.00")
    small.close()
    for name, total in zip(names, (90, 80, 70, 59), strict=True):
        small.examine(name, points(total))

    first = small.rank()

    assert amounts(first) == [(1, "2000000.00"), (2, "2400000.00"), (3, "600000.00")]
    assert first["rejected"] == [names[3]]
    assert written_to(work, names[2]) == ["funded"]
    granted = work.move(names[2], Event.GRANT, **grant_of(work, 1))
    assert granted["money"]["granted"] == "600000.00"
    published = {"published_on": work.today.isoformat(), "reference": "BURL 27"}
    (ends,) = work.move(names[2], Event.RECORD_PUBLICATION, inputs=published)["terms"]
    assert ends["due_at"].startswith("2025-12-20")  # 18 months, before 30/06/2026
    wanted = grant_of(work, 2, cor="1234567", cor_on=work.today.isoformat())
    with pytest.raises(RefusedError, match="leave --cor and --cor-on out"):
        work.move(names[0], Event.GRANT, **wanted)

    past = work.clock.now()
    work.clock.advance(timedelta(days=1))
    unchanged = small.rank()
    with pytest.raises(RefusedError, match="has made version 2 of the ranking"):
        small.rank()
    call_acts.refinance(
        work.desk, CODE, allocation=Cents(600_000_000), act=f"decreto 3/{work.today}"
    )
    proposed = queues.queue(work.desk, CODE).moves_down
    more = small.fund()
    raised = raise_grant(work, names[2])
    work.move(names[1], Event.WITHDRAW, inputs={"document": PAPER})
    work.clock.advance(timedelta(days=1))
    again = small.rank()
    gave_up = queues.queue(work.desk, CODE).items[-1]

    assert [one.candidate.protocol for one in proposed] == [names[2]]
    # The part that was granted is not completed at the cost of those above it.
    assert amounts(unchanged) == amounts(first)
    assert amounts(more) == [(3, "1600000.00")]
    assert raised == {"reserved": "0.00", "granted": "1600000.00", "terms": []}
    # Made again: who withdrew has no place, and what was granted was never at stake.
    assert amounts(again) == [(1, "2000000.00"), (2, "2500000.00")]
    assert again["version"] == 3
    # Only who is in another place, or has another sum, is written to.
    assert [one["application"] for one in again["notices"]] == [names[2]]
    assert written_to(work, names[0]) == ["funded"]
    assert (gave_up.protocol, gave_up.position) == (names[1], None)
    shown = views.shown(work.desk, names[2]).summary
    assert (shown.granted, shown.reserved) == (160_000_000, 90_000_000)
    then = pasts.queue(work.desk, CODE, Moment(past)).seen
    assert [(one.position, one.granted + one.reserved) for one in then.items] == [
        (1, 200_000_000),
        (2, 240_000_000),
        (3, 60_000_000),
    ]
    assert then.ranking is not None
    assert then.ranking.version == 1
    assert work.verified()
    assert Event.RAISE_GRANT in explain_all(work)


def test_what_was_admitted_of_a_cost_changes_no_place_among_equals(small: Ranked):
    work = small.work
    names = small.file("2000000.00", "2400000.00", "2500000.00")
    small.close()
    for name, total in zip(names, (90, 70, 70), strict=True):
        small.examine(name, points(total))
    first = small.rank()
    less = grant_of(work, 1, admitted_investment="1000000.00")
    work.move(names[2], Event.GRANT, **less)
    work.clock.advance(timedelta(days=1))

    again = small.rank()

    # What it may still be given is less than the other asked for, who stays before it.
    assert amounts(first) == [(1, "2000000.00"), (2, "2400000.00"), (3, "600000.00")]
    assert amounts(again) == amounts(first)
    placed = [one["application"] for one in again["order"]]
    assert placed == names
    assert again["notices"] == []
    assert work.verified()


def test_who_may_lose_a_part_is_passed_over_until_that_is_decided(small: Ranked):
    work = small.work
    names = small.file("2000000.00", "2400000.00", "2500000.00")
    small.close()
    for name, total in zip(names, (90, 80, 70), strict=True):
        small.examine(name, points(total))
    small.rank()
    work.move(names[2], Event.GRANT, **grant_of(work, 1))
    work.move(names[2], Event.PROPOSE_REVOCATION, reason="the expense is not its own")
    work.move(names[0], Event.WITHDRAW, inputs={"document": PAPER})

    with pytest.raises(RefusedError, match=f"gets any of it, nor {names[2]} more"):
        small.fund()

    assert queues.queue(work.desk, CODE).moves_down == ()


# --- a State aid: 100,000.00, and each asks for 35,000.00 --------------------------


def test_a_registered_part_stays_as_it_is_and_the_rest_moves_on(
    database_url: str, tmp_path: Path
):
    text = model(Family("ranked_call"))
    text = text.replace('amount = "1000000.00"', 'amount = "100000.00"')
    text = text.replace("RLF12026000000", "RLF12026000001")
    path = tmp_path / "aid.toml"
    path.write_text(re.sub(r"separate = .*", "separate = []", text), encoding="utf-8")
    code = load(path).code
    with furnished(database_url, path, code) as aid:
        work = aid.work
        names = aid.file(*["35000.00"] * 4, investment="50000.00")
        aid.close()
        for name, total in zip(names, (95, 90, 80, 70), strict=True):
            left, given = total, {}
            for one in aid.rules.merit.criteria:
                given[one.code] = min(left, one.max_points)
                left -= given[one.code]
            aid.examine(name, given)
        first = aid.rank()
        day = work.today.isoformat()
        for number, name in enumerate(names[:3], start=1):
            cor = {"cor": f"{1_234_560 + number}", "cor_on": day}
            work.move(name, Event.GRANT, **grant_of(work, number, **cor))
        work.move(names[0], Event.WITHDRAW, inputs={"document": PAPER})

        with pytest.raises(RefusedError, match=f"goes to {names[3]} by the ranking"):
            call_acts.conclude(work.desk, code, act=f"decreto 3/{work.today}")
        moved = aid.fund()
        work.clock.advance(timedelta(days=1))
        again = aid.rank()

        assert [one["amount"] for one in first["order"]] == [
            "35000.00",
            "35000.00",
            "30000.00",
            "0.00",
        ]
        stays = [{"application": names[2], "why": "registered"}]
        assert (amounts(moved), moved["passed_over"]) == ([(4, "35000.00")], stays)
        assert [one["amount"] for one in again["order"]] == [
            "35000.00",
            "30000.00",
            "35000.00",
        ]
        assert again["passed_over"] == stays
        assert work.verified()
        exporting.export(work.desk, code, tmp_path / "package")
        assert exports.faults(tmp_path / "package") == []


def test_half_a_point_of_the_board_decides_on_places_and_on_the_threshold(
    database_url: str, tmp_path: Path
):
    text = shipped(SMART).replace("evaluators = 1", "evaluators = 2")
    path = tmp_path / "board.toml"
    path.write_text(text, encoding="utf-8")
    with furnished(database_url, path, CODE) as board:
        work = board.work
        second = ("board2", "Board Two", (Role.EVALUATOR,))
        officers.add(work.desk.as_officer("bianchi"), *second)
        names = board.file("2500000.00", "2000000.00", "2000000.00")
        board.close()
        for name, totals in zip(names, ((71, 71), (71, 70), (60, 59)), strict=True):
            board.examine(name)
            for who, total in zip(("board", "board2"), totals, strict=True):
                score = [f"{code}={given}" for code, given in points(total).items()]
                stated = {"minutes": "1", "score": score}
                work.sit(who).move(name, Event.EVALUATE, inputs=stated)

        told = board.rank()

        then = pasts.queue(work.desk, CODE, Moment(work.clock.now())).seen
        assert [one.score for one in then.items] == [71, 70]
        why = explain_all(work)
        assert why[Event.EVALUATE] == 6
        placed = [(one["application"], one["score"]) for one in told["order"]]
        assert placed == [(names[0], 71), (names[1], 70)]
        exact = [one["decided"][0]["value"] for one in told["order"]]
        assert exact == [71, "141/2"]
        assert told["rejected"] == [names[2]]
        assert work.verified()


def test_who_is_admitted_without_money_is_closed_with_the_call(small: Ranked):
    work = small.work
    names = small.file("2500000.00", "2500000.00", "2400000.00")
    small.close()
    for name, total in zip(names, (90, 80, 70), strict=True):
        small.examine(name, points(total))
    small.rank()
    assert written_to(work, names[2]) == ["admitted_unfunded"]
    less = small.rules.allocation.model_copy(update={"amount": Cents(499_999_999)})
    poorer = small.rules.model_copy(update={"allocation": less})
    with pytest.raises(RefusedError, match=r"5000000\.00 reserved and 0\.00 granted"):
        calls.register_rules(work.desk, poorer, act=f"decreto 3/{work.today}")
    with pytest.raises(RefusedError, match="is made by an act on the ranking"):
        work.move(names[2], Event.DECLARE_UNFUNDED, act=f"decreto 3/{work.today}")
    with pytest.raises(RefusedError, match="still await a decision"):
        call_acts.conclude(work.desk, CODE, act=f"decreto 3/{work.today}")
    for number, name in enumerate(names[:2]):
        work.move(name, Event.GRANT, **grant_of(work, number))

    call_acts.conclude(work.desk, CODE, act=f"decreto 3/{work.today}")

    states = [views.shown(work.desk, name).summary.state for name in names]
    assert states == ["granted", "granted", "unfunded"]
    with pytest.raises(RefusedError, match="nobody in the ranking gets any"):
        small.fund()
    assert work.verified()


def test_who_is_handed_over_after_the_conclusion_is_ranked_all_the_same(small: Ranked):
    work = small.work
    (first,) = small.file("2000000.00")
    small.close()
    small.examine(first, points(70))
    small.rank()
    work.move(first, Event.GRANT, **grant_of(work, 0))
    call_acts.conclude(work.desk, CODE, act=f"decreto 3/{work.today}")
    in_time = (small.rules.window.closes_at - timedelta(days=1)).isoformat()

    (late,) = small.file("2000000.00", first=2, received_at=in_time)
    sweep.sweep(work.desk)
    small.examine(late, points(90))
    work.clock.advance(timedelta(days=1))
    told = small.rank()
    work.move(late, Event.GRANT, **grant_of(work, 1))
    call_acts.conclude(work.desk, CODE, act=f"decreto 4/{work.today}")

    assert amounts(told) == [(1, "2000000.00"), (2, "2000000.00")]
    assert views.shown(work.desk, late).summary.state == "granted"
    assert work.verified()


def test_the_manager_is_told_what_waits_for_an_act(small: Ranked):
    work = small.work

    def told() -> list[str]:
        waiting = digests.of(work.desk, "director").waiting
        return [one.what for one in waiting if one.heading == "Acts to make"]

    names = small.file("2500000.00", "2000000.00", "2000000.00")
    small.close()
    small.examine(names[0], points(90))
    small.examine(names[1], points(80))
    early = told()
    small.examine(names[2], points(70))
    ready = told()
    small.rank()
    for number, name in enumerate((names[0], names[2])):
        work.move(name, Event.GRANT, **grant_of(work, number))
    work.move(names[1], Event.WITHDRAW, inputs={"document": PAPER})
    work.clock.advance(timedelta(days=1))
    small.fund()

    assert early == []
    assert ready == ["waits for the ranking: `sportello call rank` (and 2 more)"]
    assert told() == ["was given more, which may be granted: `advance APP raise_grant`"]
    turn = explanations.turn(work.desk, names[1])
    assert turn.result == f"{names[1]} is number 2 of the ranking, and withdrawn"
    small.rank()
    turn = explanations.turn(work.desk, names[1])
    assert turn.result == f"{names[1]} is withdrawn, and not in the last ranking"


def test_once_no_project_could_be_carried_out_free_money_goes_to_nobody(small: Ranked):
    work = small.work
    names = small.file("2500000.00", "2500000.00", "2400000.00")
    small.close()
    for name, total in zip(names, (90, 80, 70), strict=True):
        small.examine(name, points(total))
    small.rank()
    work.move(names[0], Event.GRANT, **grant_of(work, 0))
    work.move(names[1], Event.WITHDRAW, inputs={"document": PAPER})
    with pytest.raises(RefusedError, match="give it out with `sportello call fund`"):
        call_acts.conclude(work.desk, CODE, act=f"decreto 3/{work.today}")
    latest = small.rules.terms[TermKind.DURATION].not_after
    assert latest is not None
    work.clock.advance(timedelta(days=(latest - work.today).days + 1))

    with pytest.raises(RefusedError, match="lets no project end after 30/06/2026"):
        small.fund()
    call_acts.conclude(work.desk, CODE, act=f"decreto 4/{work.today}")

    assert queues.queue(work.desk, CODE).moves_down == ()
    assert views.shown(work.desk, names[2]).summary.state == "unfunded"


def test_whoever_examined_an_application_does_not_rank_it(
    database_url: str, tmp_path: Path
):
    text = find(SMART).read_text(encoding="utf-8")
    path = tmp_path / "separated.toml"
    path.write_text(text, encoding="utf-8")
    with furnished(database_url, path, CODE) as ranked:
        (name,) = ranked.file("2000000.00")
        ranked.close()
        ranked.examine(name, points(70))

        with pytest.raises(RefusedError, match=f"{name}: whoever proposes does not"):
            ranked.rank()
        ranked.work = ranked.work.sit("director")
        told = ranked.rank()

    assert amounts(told) == [(1, "2000000.00")]


def test_officers_see_what_an_act_would_do_before_they_type_the_code(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    url = f"sqlite:///{home / 'sportello.db'}"
    with furnished(url, five_million(tmp_path), CODE) as ranked:
        names = ranked.file("2000000.00", "2400000.00", "2500000.00")
        ranked.close()
        for name, total in zip(names, (70, 90, 80), strict=True):
            ranked.examine(name, points(total))
        formal = ("--act", f"decreto 1/{ranked.work.today}", "--reason", "all scored")
        grant = grant_of(ranked.work, 1)["inputs"]
        clock = ranked.work.clock.now().isoformat()
    terminal = Terminal(home, {"SPORTELLO_OFFICER": "rossi", "SPORTELLO_CLOCK": clock})
    listed = tmp_path / "decree.jsonl"
    listed.write_bytes(orjson.dumps({"application": names[2], **grant}))

    early = terminal.refused("call", "fund", CODE, *formal, "--yes", **MISSING)
    terminal.refused("call", "rank", CODE, *formal, "--seed", "1", "--yes", **UNWANTED)
    foreseen = terminal.type("call", "rank", CODE, *formal, "--dry-run")
    done = terminal.type("call", "rank", CODE, *formal, text=f"{CODE}\n")
    granted = terminal.type("grant", CODE, str(listed), *formal, "--yes")
    other = {**grant, "cup": "E41B00000000002"}
    stated = [
        word
        for name, value in other.items()
        for word in (f"--{name.replace('_', '-')}", value)
    ]
    alone = terminal.type("advance", names[1], "grant", *stated, *formal, "--dry-run")
    queue = terminal.ask("queue", CODE)
    why = terminal.ask("explain", "turn", names[2])
    money = terminal.ask("explain", "money", CODE)

    assert "`sportello call rank` comes first" in early
    assert foreseen.stdout.startswith("Would rank 3 application(s)")
    table = foreseen.stdout.splitlines()[1:5]
    assert [line.split()[:2] for line in table[1:]] == [
        ["1", names[1]],
        ["2", names[2]],
        ["3", names[0]],
    ]
    assert done.stdout.splitlines()[1:5] == table
    assert granted.exit_code == 0, granted.output
    assert alone.exit_code == 0, alone.output
    assert max(map(len, (done.stdout + granted.stdout).splitlines())) <= 100
    assert queue["order"] == "ranking"
    assert (queue["ranking"]["version"], queue["moves_down"]) == (1, [])
    assert [(one["position"], one["state"]) for one in queue["items"]] == [
        (1, "evaluated"),
        (2, "granted"),
        (3, "evaluated"),
    ]
    assert why["result"] == f"{names[2]} is number 2 of the ranking, and granted"
    assert "number 2 of 3, by score 80" in why["steps"][2]["text"]
    assert "= 0.00 residual" in money["result"]
    assert terminal.type("log", "verify").exit_code == 0


def test_nobody_is_in_two_applications_of_a_ranked_call(small: Ranked):
    partner = {"tax_code": tax_code(50), "name": "Ente 50", "kind": "public"}
    (first,) = small.file("900000.00", partners=[partner])

    (again,) = intake.take_in(
        small.work.desk,
        small.code,
        [line(2, "900000.00", small.rules, partners=[partner])],
    )
    (alone,) = intake.take_in(
        small.work.desk, small.code, [line(50, "900000.00", small.rules)]
    )

    for answer in (again, alone):
        assert answer["error"]["code"] == "partnership.in_two"
        assert first in answer["error"]["message"]


# --- at once ------------------------------------------------------------------------


def act_at_once(barrier: Any, place: Place, name: str | None, act: str) -> list[Ended]:
    """Rank the call, or withdraw an application, when everybody is ready."""

    def work(desk: Desk) -> Any:
        if name is None:
            return amounts(rankings.rank(desk, CODE, act=act, reason=REASON))
        given = {"document": PAPER}
        return moves.advance(desk, MoveCommand(name, Event.WITHDRAW, given))["to"]

    with place.desk() as desk:
        barrier.wait()
        return [attempt(lambda: work(desk))]


def test_of_two_rankings_at_once_one_is_made_whoever_withdraws_meanwhile(
    database_url: str, small: Ranked
):
    work = small.work
    names = small.file("2000000.00", "2400000.00", "2500000.00")
    small.close()
    for name, total in zip(names, (90, 80, 70), strict=True):
        small.examine(name, points(total))
    place = Place.at(database_url, work.clock.now())
    act = str(small.formal["act"])
    jobs = [(place, None, act), (place, names[1], act), (place, None, act)]

    (first,), (withdrawn,), (other,) = together(act_at_once, jobs)

    (made,) = [one.value for one in (first, other) if one.outcome == "done"]
    (late,) = [one.value for one in (first, other) if one.outcome != "done"]
    assert late == "ranking.act_used"
    # It came before the ranking, after it, or was told to look at the file again.
    assert withdrawn.value in {"withdrawn", "application.changed"}
    without = made == [(1, "2000000.00"), (2, "2500000.00")]
    assert without or made == [(1, "2000000.00"), (2, "2400000.00"), (3, "600000.00")]
    assert not without or withdrawn.value == "withdrawn"
    assert work.verified()
    by_hand(
        work,
        """UPDATE entries SET body = replace(body, '"score":90', '"score":91')
        WHERE event = 'rank_call'""",
    )
    assert any("another score than its own" in one for _, one in faults(work))
