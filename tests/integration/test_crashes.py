"""Is every answer that was given still true after a kill at any moment?"""

import random
import time
from pathlib import Path
from typing import Any

import orjson

from models.vocabulary import Event
from tests.builders import PAPER, Office, ctl, scores, usual
from tests.contents import entries, refusals, rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_races import lines_of
from tests.processes import Place, acknowledge, acknowledged, start
from workflow.services import calls, intake, moves

KILLS = 10
LINES = 7
PATIENCE = 60.0
SEED = 20260120


# What the processes do until they are killed


def taking(place: Place, lines: list[bytes], answers: Path) -> None:
    with place.desk() as desk:
        for answer in intake.take_in(desk, SECOND, lines):
            acknowledge(answers, orjson.dumps(answer))


def moving(place: Place, commands: list[moves.MoveCommand], answers: Path) -> None:
    with place.desk() as desk:
        for command in commands:
            answer = moves.advance(desk.as_officer(place.login), command)
            acknowledge(answers, orjson.dumps([command.key, answer]))


def killed(work: Any, *job: Any, answers: Path, chance: random.Random) -> bool:
    """Start a process and kill it somewhere in its work; tell whether it was."""
    before = len(acknowledged(answers))
    wanted = before + chance.randrange(4)
    process = start(work, *job, answers)
    deadline = time.monotonic() + PATIENCE
    while len(acknowledged(answers)) <= wanted and process.is_alive():
        assert time.monotonic() < deadline, "nothing was answered"
        time.sleep(0.001)
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
    lines = lines_of(0, LINES * KILLS)

    kills = 0
    for number in range(KILLS):
        chunk = lines[LINES * number : LINES * (number + 1)]
        kills += killed(taking, place, chunk, answers=answers, chance=chance)
    with place.desk() as desk:
        retried = list(intake.take_in(desk, SECOND, lines))

    told = [orjson.loads(line) for line in acknowledged(answers)]
    given = {answer["portal_id"]: answer["protocol"] for answer in retried}
    assert kills > KILLS // 2, "the processes ended before they were killed"
    assert {answer["outcome"] for answer in told} == {"submitted"}
    assert [given[answer["portal_id"]] for answer in told] == [
        answer["protocol"] for answer in told
    ]
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
    for _ in range(KILLS):
        done = len({orjson.loads(line)[0] for line in acknowledged(answers)})
        again = commands[max(0, done - 2) :]  # the last answered ones are retried
        kills += killed(moving, place, again, answers=answers, chance=chance)
    with place.desk() as desk:
        final = {
            str(command.key): moves.advance(desk.as_officer("rossi"), command)
            for command in commands
        }

    told = [orjson.loads(line) for line in acknowledged(answers)]
    assert kills > KILLS // 2, "the processes ended before they were killed"
    assert [final[key] for key, _ in told] == [answer for _, answer in told]
    accepted = [
        (entry["protocol"], entry["event"])
        for entry in entries(work, outcome="ok")
        if entry["event"] not in {"load_call", "submit"}
    ]
    assert sorted(accepted) == sorted(
        (command.application, command.event.value) for command in commands
    )
    assert refusals(work) == []
    (shown,) = calls.listed(work.desk)
    assert (shown.reserved, shown.granted) == (0, 0)
    assert work.verified()
