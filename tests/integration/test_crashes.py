"""Is every answer that was given still true after a kill at any moment?"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.vocabulary import Event
from tests.builders import PAPER, Office, ctl, scores, usual
from tests.contents import entries, refusals, rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_races import lines_of
from tests.processes import Place, acknowledge, acknowledged, start
from workflow.services import calls, intake, moves

KILLS_OF_INTAKE = 25
"""On each of the two databases: fifty in all."""

KILLS_OF_MOVES = 10
LINES = 20
AGAIN = 10
"""How many lines of the file that was cut off come again in the next one."""

PATIENCE = 60.0
SEED = 20260120


@pytest.fixture
def tmp_path(on_disk: Path) -> Path:
    """Put what is disturbed on the disk, that much may be halfway done."""
    return on_disk


# What the processes do until they are killed


def taking(place: Place, lines: list[bytes], answers: Path) -> None:
    with place.desk() as desk:
        for answer in intake.take_in(desk, SECOND, slowly(lines)):
            acknowledge(answers, orjson.dumps(answer))


def taking_at_once(place: Place, lines: list[bytes], answers: Path) -> None:
    with place.desk() as desk:
        for answer in intake.take_in(desk, SECOND, lines):
            acknowledge(answers, orjson.dumps(answer))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing was answered"
        time.sleep(0.003)


def slowly(lines: list[bytes]) -> Iterator[bytes]:
    """Bring lines one by one, and do not end before the kill comes."""
    for line in lines:
        yield line
        time.sleep(0.002)
    time.sleep(PATIENCE)


def moving(place: Place, commands: list[moves.MoveCommand], answers: Path) -> None:
    with place.desk() as desk:
        for command in commands:
            answer = moves.advance(desk.as_officer(place.login), command)
            acknowledge(answers, orjson.dumps([command.key, answer]))


def killed(
    work: Any, *job: Any, answers: Path, chance: random.Random, within: int = 4
) -> bool:
    """Start a process and kill it somewhere in its work; tell whether it was.

    It has given up to *within* answers by then, and is at work on others.
    """
    before = len(acknowledged(answers))
    wanted = before + chance.randrange(within)
    process = start(work, *job, answers)
    wait_for(lambda: len(acknowledged(answers)) > wanted or not process.is_alive())
    time.sleep(chance.random() * 0.02)
    process.kill()
    process.join(PATIENCE)
    return bool(process.exitcode == -9)


def test_a_kill_in_the_middle_of_intake_loses_no_answer_and_no_number(
    work: Office, office_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    answers, chance = tmp_path / "answers", random.Random(SEED)  # noqa: S311 - a seeded test
    place = Place.at(office_url, work.clock.now())
    lines = lines_of(0, LINES * KILLS_OF_INTAKE + AGAIN)

    for number in range(KILLS_OF_INTAKE):
        chunk = lines[LINES * number : LINES * (number + 1) + AGAIN]
        assert killed(
            taking, place, chunk, answers=answers, chance=chance, within=LINES
        )
    with place.desk() as desk:
        retried = list(intake.take_in(desk, SECOND, lines))
        again = list(intake.take_in(desk, SECOND, lines))

    told = [orjson.loads(line) for line in acknowledged(answers)]
    given = {answer["portal_id"]: answer["protocol"] for answer in retried}
    outcomes = Counter(answer["outcome"] for answer in retried)
    assert {answer["outcome"] for answer in told} == {"submitted", "duplicate"}
    assert outcomes["submitted"], "nothing was left to do after the kills"
    assert outcomes["submitted"] + outcomes["duplicate"] == len(lines)
    assert [given[answer["portal_id"]] for answer in told] == [
        answer["protocol"] for answer in told
    ]
    assert again == [{**answer, "outcome": "duplicate"} for answer in retried]
    assert sorted(given.values()) == [
        f"2026/{number:07d}" for number in range(1, len(lines) + 1)
    ]
    in_order = rows(
        work.desk.engine,
        "SELECT filed_seq FROM applications "
        "ORDER BY received_at, protocol_year, protocol_number",
    )
    assert [row[0] for row in in_order] == list(range(1, len(lines) + 1))
    assert refusals(work) == []
    assert work.verified()


def test_when_the_writer_is_killed_another_takes_over_and_finishes(
    work: Office, office_url: str, tmp_path: Path
):
    calls.register_call(work.desk, open_to_all(tmp_path))
    place = Place.at(office_url, work.clock.now())
    first, second = tmp_path / "first", tmp_path / "second"
    lines = lines_of(0, 30)

    writer = start(taking, place, lines[:20], first)
    wait_for(lambda: len(acknowledged(first)) == 20)  # and it waits for more lines
    other = start(taking_at_once, place, lines, second)
    time.sleep(1)
    meanwhile = acknowledged(second)
    writer.kill()
    writer.join(PATIENCE)
    other.join(PATIENCE)

    assert meanwhile == [], "two processes were the writer at once"
    assert (writer.exitcode, other.exitcode) == (-9, 0)
    told, finished = (
        [orjson.loads(line) for line in acknowledged(file)] for file in (first, second)
    )
    assert [answer["protocol"] for answer in finished] == [
        f"2026/{number:07d}" for number in range(1, 31)
    ]
    assert [answer["protocol"] for answer in told] == [
        answer["protocol"] for answer in finished[:20]
    ]
    assert work.verified()


def test_a_kill_in_the_middle_of_moves_loses_no_answer_and_makes_none_twice(
    work: Office, office_url: str, tmp_path: Path
):
    answers, chance = tmp_path / "answers", random.Random(SEED)  # noqa: S311 - a seeded test
    applications = [work.file(number) for number in range(9)]
    commands = [
        moves.MoveCommand(
            name,
            event,
            key=f"{name}-{event}",
            **(usual(event, work.today) if stated is None else stated),
        )
        for event, stated in (
            (Event.START_REVIEW, {}),
            (
                Event.ADMIT,
                {"inputs": {"checked": [d.kind for d in ctl().documents]}},
            ),
            (Event.EVALUATE, {"inputs": {"minutes": "3/2026", "score": scores()}}),
            (Event.GRANT, None),
            (Event.WITHDRAW, {"inputs": {"document": PAPER}}),
        )
        for name in applications
    ]
    place = Place.at(office_url, work.clock.now())

    kills = 0
    for _ in range(KILLS_OF_MOVES):
        done = len({orjson.loads(line)[0] for line in acknowledged(answers)})
        again = commands[max(0, done - 2) :]  # the last answered ones are retried
        kills += killed(moving, place, again, answers=answers, chance=chance)
    with place.desk() as desk:
        final = {
            str(command.key): moves.advance(desk.as_officer("rossi"), command)
            for command in commands
        }

    told = [orjson.loads(line) for line in acknowledged(answers)]
    assert kills > KILLS_OF_MOVES // 2, "the processes ended before they were killed"
    assert [final[key] for key, _ in told] == [answer for _, answer in told]
    accepted = [
        (entry["protocol"], entry["event"])
        for entry in entries(work, outcome="ok")
        if entry["event"] not in {"load_call", "open_call", "submit"}
    ]
    assert sorted(accepted) == sorted(
        (command.application, command.event.value) for command in commands
    )
    assert refusals(work) == []
    (shown,) = calls.listed(work.desk)
    assert (shown.reserved, shown.granted) == (0, 0)
    assert work.verified()
