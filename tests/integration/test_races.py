"""Does each of several processes at once leave the others' work whole?"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from models.session import reading, transaction
from models.vocabulary import ApplicationState, Cents, Event, Role
from tests.builders import CTL, OPENING, Office, office, submission, usual
from tests.contents import entries, refusals, rows
from tests.editions import SECOND, edited, open_to_all
from tests.processes import Ended, Place, attempt, together
from workflow.errors import ConflictError
from workflow.services import (
    call_acts,
    calls,
    installation,
    intake,
    log,
    moves,
    officers,
    rosters,
    views,
)

PATIENT = 60
GRANTABLE = {"requested": "120000.00", "investment": "105882.36"}
"""Exactly 120,000.00: the fixed 30,000.00 and 85% of the investment."""


# What the processes do


def moving(barrier: Any, place: Place, commands: list[moves.MoveCommand]):
    ended = []
    with place.desk() as desk:
        for command in commands:
            mine = desk.as_officer(place.login)  # the command is typed now ...
            barrier.wait(PATIENT)  # ... and everybody presses the key together
            ended.append(attempt(lambda: moves.advance(mine, command)))  # noqa: B023
    return ended


def moving_freely(barrier: Any, place: Place, commands: list[moves.MoveCommand]):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [
            attempt(lambda: moves.advance(desk.as_officer(place.login), command))  # noqa: B023
            for command in commands
        ]


def taking(barrier: Any, place: Place, code: str, lines: list[bytes]):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [attempt(lambda: list(intake.take_in(desk, code, lines)))]


def refinancing(barrier: Any, place: Place, code: str, allocations: list[int]):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [
            attempt(
                lambda: call_acts.refinance(
                    desk.as_officer(place.login),
                    code,
                    allocation=Cents(cents),  # noqa: B023
                    act="decreto 7/2026-01-20",
                    reason="more money",
                )["seq"]
            )
            for cents in allocations
        ]


def watching(barrier: Any, place: Place, code: str, times: int):
    """Look at the money again and again, each time at one moment of it all."""
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [
            attempt(lambda: _money_at_once(desk.engine, code)) for _ in range(times)
        ]


def _money_at_once(engine: Engine, code: str) -> tuple[int, ...]:
    with reading(engine) as session:
        return tuple(session.execute(text(_MONEY), {"code": code}).one())


_MONEY = """
    SELECT allocation, reserved, granted, waiting,
        (SELECT sum(reserved) FROM applications WHERE call_id = calls.id),
        (SELECT sum(granted) FROM applications WHERE call_id = calls.id),
        (SELECT sum(free) FROM funds WHERE call_id = calls.id)
    FROM calls WHERE code = :code
"""


def verifying(barrier: Any, place: Place, times: int):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [attempt(lambda: _faults(desk)) for _ in range(times)]


def _faults(desk: Any) -> list[str]:
    return [str(fault) for call in log.verify(desk) for fault in call.faults]


def doing(barrier: Any, work: Callable[..., list[Ended]], *job: Any):
    return work(barrier, *job)


def retiring(barrier: Any, place: Place, login: str):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [attempt(lambda: officers.retire(desk, login))]


def adding(barrier: Any, place: Place, login: str):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        added = attempt(
            lambda: officers.add(desk, login, login, [Role.ADMINISTRATOR]).login
        )
        return [added]


def loading(barrier: Any, place: Place, path: Path):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [attempt(lambda: calls.register_call(desk, path).changed)]


def initialising(barrier: Any, place: Place):
    with place.desk() as desk:
        barrier.wait(PATIENT)
        return [
            attempt(lambda: installation.initialise(desk.engine, desk.ambient).created)
        ]


# Helpers of the tests


def lines_of(first: int, count: int, code: str = "A") -> list[bytes]:
    """Return submissions by applicants that no list names."""
    return [
        orjson.dumps(
            {
                **submission(0),
                "portal_id": f"{code}-{number:05d}",
                "applicant": {
                    "tax_code": f"{80_000_000_000 + number}",
                    "name": f"Ente {number}",
                    "pec": f"ente{number}@pec.example.it",
                },
                "requested": "1000.00",
            }
        )
        for number in range(first, first + count)
    ]


def answers(ended: list[list[Ended]]) -> list[dict[str, Any]]:
    return [answer for (one,) in ended for answer in one.value]


def numbers(taken: list[dict[str, Any]]) -> list[int]:
    return sorted(int(answer["protocol"].split("/")[1]) for answer in taken)


@contextmanager
def kept_waiting(
    engine: Engine, table: str = "officers", seconds: float = 1.5
) -> Iterator[None]:
    """Hold the rows of a table for a while: both have looked, nobody has written.

    Without it the two would rarely meet between the look and the write.
    """
    held = threading.Event()

    def hold() -> None:
        with transaction(engine) as session:
            session.execute(text(f"UPDATE {table} SET name = name"))  # noqa: S608 - ours
            held.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(PATIENT)
        yield
    finally:
        holder.join()


# The promises


def test_of_two_operators_on_one_application_one_wins_and_the_other_is_told(
    work: Office, office_url: str
):
    applications = [work.file(number) for number in range(4)]
    commands = [moves.MoveCommand(name, Event.START_REVIEW) for name in applications]
    place = Place.at(office_url, work.clock.now())

    ended = together(moving, [(place, commands)] * 2)

    for first, second in zip(*ended, strict=True):
        assert sorted((first.outcome, second.outcome)) == ["ConflictError", "done"]
    accepted = entries(work, event="start_review")
    assert [entry["protocol"] for entry in accepted] == applications
    assert refusals(work) == []
    assert work.verified()


def test_the_loser_of_a_race_is_told_who_changed_what_and_when(work: Office):
    application = work.file()
    looked_at = views.shown(work.desk, application).summary.version
    work.sit("examiner").move(application, Event.START_REVIEW)
    before = len(entries(work))

    with pytest.raises(ConflictError) as error:
        work.move(
            application,
            Event.WITHDRAW,
            inputs={"document": "b" * 64},
            expected_version=looked_at,
        )

    assert error.value.exit_code == 4
    assert "examiner made `start_review` at 20/01/2026 10:00:00" in error.value.message
    assert len(entries(work)) == before


def test_processes_that_grant_at_once_never_pass_the_allocation(
    work: Office, office_url: str
):
    applications = [work.file(number, **GRANTABLE) for number in range(9)]
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for application in applications:
            work.routine(application, event)
    grants = [
        moves.MoveCommand(name, Event.GRANT, **usual(Event.GRANT, work.today))
        for name in applications
    ]
    place = Place.at(office_url, work.clock.now())

    ended = together(
        moving_freely, [(place, grants), (place, grants[::-1]), (place, grants[4:])]
    )

    done = [one for all_ in ended for one in all_ if one.outcome == "done"]
    assert len(done) == 8
    (shown,) = calls.listed(work.desk)
    assert (shown.granted, shown.reserved) == (96_000_000, 0)
    assert views.shown(work.desk, applications[8]).summary.state == (
        ApplicationState.EVALUATED
    )
    assert work.verified()


def in_two_calls(
    work: Office, folder: Path, numbers: tuple[int, int], **filed: str
) -> tuple[str, str]:
    """File one application to each of two calls and score them."""
    calls.register_call(work.desk, edited(folder, (CTL, SECOND)))
    first = work.file(numbers[0], **filed)
    line = orjson.dumps(submission(numbers[1], portal_id="ALTRA-1", **filed))
    (answer,) = intake.take_in(work.desk, SECOND, [line])
    second = str(answer["protocol"])
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for application in (first, second):
            work.routine(application, event)
    return first, second


def test_two_calls_that_grant_at_once_do_not_pass_the_ceiling_of_one_applicant(
    work: Office, office_url: str, tmp_path: Path
):
    filed = {"requested": "200000.00", "investment": "200000.00"}
    names = in_two_calls(work, tmp_path, (0, 0), **filed)
    place = Place.at(office_url, work.clock.now())

    with kept_waiting(work.desk.engine, "applicants"):
        ended = together(moving, [(place, [granting(work, name)]) for name in names])

    assert [one.outcome for (one,) in ended] == ["done"] * 2
    granted = [call.granted for call in calls.listed(work.desk)]
    assert sorted(granted) == [10_000_000, 20_000_000]
    assert work.verified()


def granting(work: Office, name: str, **inputs: str) -> moves.MoveCommand:
    stated = usual(Event.GRANT, work.today)
    given = {**stated["inputs"], "antimafia": "BDNA 7", **inputs}
    return moves.MoveCommand(name, Event.GRANT, inputs=given, act=stated["act"])


def test_one_code_stated_in_two_calls_at_once_is_taken_by_one(
    work: Office, office_url: str, tmp_path: Path
):
    names = in_two_calls(work, tmp_path, (0, 1))
    place = Place.at(office_url, work.clock.now())
    commands = [granting(work, name, cor="7654321") for name in names]

    ended = together(moving, [(place, [command]) for command in commands])

    assert sorted(one.outcome for (one,) in ended) == ["RefusedError", "done"]
    assert refusals(work) == ["grant.code_used"]
    assert work.verified()


def test_money_set_free_goes_once_and_to_the_head_of_the_list(
    work: Office, office_url: str
):
    asked = {"requested": "130000.00"}
    applications = [work.file(number, **asked) for number in range(9)]
    work.routine(applications[0], Event.WITHDRAW)
    promote = [moves.MoveCommand(name, Event.PROMOTE) for name in applications[7:]]
    place = Place.at(office_url, work.clock.now())

    together(moving_freely, [(place, promote), (place, promote[::-1])])

    held = [views.shown(work.desk, name).summary.reserved for name in applications]
    assert held == [0, *[13_000_000] * 7, 0]
    assert work.verified()


def test_submissions_taken_at_once_get_every_number_once_and_in_order(
    work: Office, office_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    place = Place.at(office_url, work.clock.now())

    ended = together(
        taking, [(place, SECOND, lines_of(first, 12)) for first in (0, 100, 200)]
    )

    taken = answers(ended)
    assert {answer["outcome"] for answer in taken} == {"submitted"}
    assert numbers(taken) == list(range(1, 37))
    by_key = rows(
        work.desk.engine,
        "SELECT filed_seq FROM applications "
        "ORDER BY received_at, protocol_year, protocol_number",
    )
    assert [row[0] for row in by_key] == list(range(1, 37))
    assert work.verified()


def test_one_file_taken_twice_at_once_is_numbered_once(
    work: Office, office_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    place = Place.at(office_url, work.clock.now())
    lines = lines_of(0, 10)

    ended = together(taking, [(place, SECOND, lines)] * 3)

    first, second, third = (
        [answer["protocol"] for answer in one.value] for (one,) in ended
    )
    assert first == second == third
    assert numbers(answers(ended[:1])) == list(range(1, 11))
    outcomes = [answer["outcome"] for answer in answers(ended)]
    assert outcomes.count("submitted") == 10
    assert outcomes.count("duplicate") == 20
    assert work.verified()


def test_two_calls_share_one_yearly_register_without_gaps(
    work: Office, office_url: str, tmp_path: Path
):
    third = "RLF12025051246"
    for code in (SECOND, third):
        calls.register_call(work.desk, open_to_all(tmp_path, code))
    place = Place.at(office_url, work.clock.now())
    # The same applicants, in two orders: their rows too are shared.
    jobs = [
        (place, SECOND, lines_of(0, 12)),
        (place, third, lines_of(0, 12)),
        (place, SECOND, lines_of(20, 12)[::-1]),
        (place, third, lines_of(20, 12)),
    ]

    taken = answers(together(taking, jobs))

    assert {answer["outcome"] for answer in taken} == {"submitted"}
    assert numbers(taken) == list(range(1, 49))
    assert work.verified()


def test_one_act_may_be_brought_to_two_calls_at_once(
    work: Office, office_url: str, tmp_path: Path
):
    third = "RLF12025051246"
    jobs = []
    for code in (SECOND, third):
        calls.register_call(work.desk, open_to_all(tmp_path, code))
        lines = lines_of(0, 6, code)
        taken = list(intake.take_in(work.desk, code, lines))
        jobs.append(
            (
                Place.at(office_url, work.clock.now()),
                [
                    moves.MoveCommand(
                        answer["protocol"],
                        Event.ANNUL,
                        act=f"decreto {number}/2026-01-20",
                        reason="annulled together",
                    )
                    for number, answer in enumerate(taken)
                ],
            )
        )

    ended = together(moving, jobs)

    assert {one.outcome for all_ in ended for one in all_} == {"done"}
    assert rows(work.desk.engine, "SELECT count(*) FROM acts") == [(6,)]


def test_several_writers_take_their_files_in_one_after_the_other(
    work: Office, office_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    place = Place.at(office_url, work.clock.now())
    files = [lines_of(0, 20), lines_of(10, 20), lines_of(15, 5), lines_of(100, 20)]

    ended = together(taking, [(place, SECOND, lines) for lines in files])

    given: dict[str, set[str]] = {}
    for (one,) in ended:
        new = [row for row in one.value if row["outcome"] == "submitted"]
        taken = [int(row["protocol"].split("/")[1]) for row in new]
        # Nobody came in between: one process at a time is the writer of the call.
        assert not taken or taken == list(range(taken[0], taken[0] + len(taken)))
        for row in one.value:
            given.setdefault(row["portal_id"], set()).add(row["protocol"])
    assert all(len(protocols) == 1 for protocols in given.values())
    assert sorted(number for numbers in given.values() for number in numbers) == [
        f"2026/{number:07d}" for number in range(1, 51)
    ]
    assert work.verified()


def test_whatever_is_done_at_once_nobody_ever_sees_more_money_than_there_is(
    work: Office, office_url: str, tmp_path: Path
):
    euros, asked = 600_000, {"requested": "100000.00", "investment": "95424.84"}
    calls.register_call(work.desk, open_to_all(tmp_path, euros=euros))
    rich = [orjson.dumps({**orjson.loads(line), **asked}) for line in lines_of(0, 20)]
    filed = [
        str(answer["protocol"])
        for answer in intake.take_in(work.desk, SECOND, rich[:10])
    ]
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for name in filed[:6]:
            work.routine(name, event)
    place = Place.at(office_url, work.clock.now())
    grants = [granting(work, name) for name in filed[:6]]
    leaving = [
        moves.MoveCommand(name, Event.WITHDRAW, **usual(Event.WITHDRAW, work.today))
        for name in (*filed[1:5:2], filed[7])
    ]
    promoting = [moves.MoveCommand(name, Event.PROMOTE) for name in filed[6:]]
    more = [(euros + 100_000 * times) * 100 for times in (1, 2)]

    *_, seen = together(
        doing,
        [
            (taking, place, SECOND, rich[10:]),
            (moving_freely, place, grants),
            (moving_freely, place, leaving),
            (moving_freely, place, promoting),
            (refinancing, place, SECOND, more),
            (watching, place, SECOND, 60),
        ],
    )

    for one in (*seen, Ended("done", _money_at_once(work.desk.engine, SECOND))):
        assert one.outcome == "done"
        allocation, reserved, granted, _, held, given, free = one.value
        assert (reserved, granted) == (held, given)
        assert allocation - reserved - granted == free >= 0
    waiting, residual = one.value[3], one.value[6]
    assert not waiting or residual < 10_000_000, (
        "somebody waits for money that is there"
    )
    assert work.verified()


def test_officers_work_and_readers_verify_while_submissions_come_in(
    work: Office, office_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    filed = list(intake.take_in(work.desk, SECOND, lines_of(500, 6)))
    place = Place.at(office_url, work.clock.now())
    reviews = [
        moves.MoveCommand(answer["protocol"], Event.START_REVIEW) for answer in filed
    ]

    ended = together(
        doing,
        [
            (taking, place, SECOND, lines_of(0, 24)),
            (moving_freely, place, reviews),
            (verifying, place, 30),
        ],
    )

    assert [one.outcome for one in ended[1]] == ["done"] * 6
    assert [one.value for one in ended[2]] == [[]] * 30, "a false alarm"
    assert numbers(ended[0][0].value) == list(range(7, 31))
    assert work.verified()


def test_two_administrators_cannot_retire_each_other_at_once(
    work: Office, office_url: str
):
    officers.add(work.desk.as_officer("bianchi"), "neri", "Neri", [Role.ADMINISTRATOR])
    officers.retire(work.desk.as_officer("bianchi"), "rossi")
    place = Place.at(office_url, work.clock.now(), "bianchi")
    other = Place.at(office_url, work.clock.now(), "neri")

    with kept_waiting(work.desk.engine):
        ended = together(retiring, [(place, "neri"), (other, "bianchi")])

    assert sorted(one.outcome for (one,) in ended) == ["RefusedError", "done"]
    left = [one.login for one in rosters.listed(work.desk) if not one.retired]
    assert len({"bianchi", "neri"} & set(left)) == 1


def test_only_one_first_administrator_makes_himself(database_url: str):
    with office(database_url) as empty:
        installation.initialise(empty.desk.engine, empty.clock)
    jobs = [
        (Place.at(database_url, OPENING, login), login) for login in ("verdi", "neri")
    ]

    ended = together(adding, jobs)

    assert sorted(one.outcome for (one,) in ended) == ["RefusedError", "done"]


def test_a_call_loaded_twice_at_once_is_loaded_once(
    work: Office, office_url: str, tmp_path: Path
):
    path = open_to_all(tmp_path)
    place = Place.at(office_url, work.clock.now())

    ended = together(loading, [(place, path)] * 2)

    assert sorted(one.value for (one,) in ended) == [False, True]
    assert len(calls.history(work.desk, SECOND)) == 1


def test_a_database_made_twice_at_once_is_made_once(database_url: str):
    place = Place.at(database_url, OPENING)

    ended = together(initialising, [(place,)] * 3)

    assert sorted(one.value for (one,) in ended) == [False, False, True]
