"""Who comes first, an officer or the end of the term, if both come in one second?"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Event, StepKind, StepStatus, TermKind, TermStatus
from tests.builders import OPENING, TO_GRANT, Office, office, usual
from tests.contents import entries, refusals
from tests.due_terms import DAY, SECOND, unwatched
from tests.editions import SECOND as SECOND_CALL
from tests.editions import open_to_all
from tests.integration.test_races import doing, lines_of
from tests.processes import Ended, Place, RealClock, attempt, together
from workflow.ambient import SystemAmbient
from workflow.desk import Desk
from workflow.errors import ConflictError
from workflow.services import calls, intake, moves, sweep, views

PATIENT = 60
ROUNDS = 6
EARLY = (
    timedelta(milliseconds=1500),
    timedelta(milliseconds=250),
    timedelta(milliseconds=80),
    timedelta(0),
)
"""How long before the end of a term everybody begins, in one round or another."""

AFTERWARDS = timedelta(milliseconds=500)
"""How long after it somebody still sweeps."""

TO_MINUTES = (
    *TO_GRANT,
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
)
CLEAN = {"done", "RefusedError"}
"""Exits 0 and 1: done, or refused by a rule; nobody is in conflict with a worker."""


@dataclass(frozen=True)
class Round:
    """Terms that end at one instant, and what their applicants file just then."""

    instant: datetime
    commands: tuple[moves.MoveCommand, ...]


# What the processes do


def answering(barrier: Any, url: str, rounds: list[Round]) -> list[Ended]:
    ended = []
    with awake(url) as desk:
        for one, early in zip(rounds, cycle(EARLY), strict=False):
            barrier.wait(PATIENT)
            mine = showing(desk, one.instant - early)
            for command in one.commands:
                typed = mine.as_officer("rossi")
                ended.append(
                    attempt(lambda: moves.advance(typed, command)["version"])  # noqa: B023
                )
                time.sleep(0.03)
    return ended


def sweeping(barrier: Any, url: str, rounds: list[Round]) -> list[Ended]:
    ended = []
    with awake(url) as desk:
        for one, early in zip(rounds, cycle(EARLY), strict=False):
            barrier.wait(PATIENT)
            mine = showing(desk, one.instant - early)
            while mine.ambient.now() < one.instant + AFTERWARDS:
                ended.append(attempt(lambda: sweep.sweep(mine).failed))  # noqa: B023
    return ended


@contextmanager
def awake(url: str) -> Iterator[Desk]:
    """Sit at a desk whose first command does not take longer than the others."""
    with Place(url, timedelta(0)).desk() as desk:
        views.listed(desk)
        yield desk


def showing(desk: Desk, instant: datetime) -> Desk:
    """Set the clock of the host so that it shows an instant now."""
    ahead = instant - SystemAmbient().now()
    return replace(desk, ambient=RealClock(ahead), typed_at=instant)


# What they do it to


def files_that_wait(work: Office, folder: Path) -> list[Round]:
    """Have papers awaited from two files in each of some nights, then a plan."""
    calls.register_call(work.desk, open_to_all(folder))
    answers = []
    for number in range(ROUNDS):
        work.clock.move_to(OPENING + number * DAY)
        lines = lines_of(2 * number, 2)
        for answer in intake.take_in(work.desk, SECOND_CALL, lines):
            answers.append(str(answer["protocol"]))
            work.routine(answers[-1], Event.START_REVIEW, Event.REQUEST_COMPLETION)
            work.move(
                answers[-1],
                Event.RECORD_DELIVERY,
                inputs={"letter": "completion_request", "receipt": "R-1"},
            )
    plans = [work.file(number) for number in range(ROUNDS)]
    for plan in plans:
        work.routine(plan, *TO_MINUTES[:-1], Event.CONFIRM_COR)
    for plan in plans:
        work.routine(plan, Event.SIGN_MINUTES)
        work.wait(days=1)
    return rounds_of(work, set(answers), set(plans))


def rounds_of(work: Office, answers: set[str], plans: set[str]) -> list[Round]:
    wanted: dict[datetime, list[moves.MoveCommand]] = {}
    for name in sorted(answers | plans):
        kind = TermKind.COMPLETION if name in answers else TermKind.DEFINITIVE_PLAN
        event = Event.ANSWER_COMPLETION if name in answers else Event.FILE_PLAN
        due_at = term(work, name, kind).due_at
        command = moves.MoveCommand(name, event, **usual(event, work.today))
        wanted.setdefault(due_at + SECOND, []).append(command)
    return [Round(instant, tuple(wanted[instant])) for instant in sorted(wanted)]


def term(work: Office, application: str, kind: TermKind) -> Any:
    shown = views.shown(work.desk, application).terms
    return next(one for one in reversed(shown) if one.kind == kind)


def test_of_an_answer_and_the_end_of_its_term_in_one_second_one_comes_first(
    work: Office, office_url: str, tmp_path: Path
):
    rounds = files_that_wait(work, tmp_path)
    work.desk.engine.dispose()

    told, swept = together(
        doing, [(answering, office_url, rounds), (sweeping, office_url, rounds)]
    )

    work.clock.move_to(rounds[-1].instant + SECOND)
    sweep.sweep(work.desk)
    assert {(one.outcome, one.value) for one in swept} == {("done", ())}
    commands = [command for one in rounds for command in one.commands]
    seen = Counter(
        one_of_the_two(work, command, answer)
        for command, answer in zip(commands, told, strict=True)
    )
    assert seen["in time"], "nobody was ever in time"
    assert seen["over"], "nobody was ever late"
    assert unwatched(work.desk.engine) == []
    assert work.verified()


def one_of_the_two(work: Office, command: moves.MoveCommand, answer: Ended) -> str:
    """Tell which came first, and hold everything that is written to that."""
    answered = command.event is Event.ANSWER_COMPLETION
    kind = TermKind.COMPLETION if answered else TermKind.DEFINITIVE_PLAN
    end = Event.EXPIRE_COMPLETION if answered else Event.PROPOSE_LAPSE
    made = [
        (entry["event"], entry["outcome"])
        for entry in entries(work, target=command.application)
    ]
    ended = term(work, command.application, kind)
    assert made.count((end.value, "ok")) == (ended.status is TermStatus.EXPIRED)
    assert answer.outcome in CLEAN
    filed = made.count((command.event.value, "ok"))
    assert filed == (answer.outcome == "done")
    assert made.count((command.event.value, "refused")) == (
        answer.outcome == "RefusedError"
    )
    if ended.status is TermStatus.MET:
        assert filed == 1
        return "in time"
    assert ended.status is TermStatus.EXPIRED
    if not answered:
        # Peremptory: what comes after the end is refused, and a lapse proposed.
        assert answer.value == "term.expired"
        return "over"
    outcome = "answered_late" if filed else "unanswered"
    asked = views.shown(work.desk, command.application).steps[-1]
    assert (asked.kind, asked.status) == (
        StepKind.COMPLETION_REQUEST,
        StepStatus.CLOSED,
    )
    assert asked.outcome == outcome
    return "over"


def test_who_is_late_and_meets_no_worker_is_refused_and_not_told_of_a_conflict(
    work: Office, office_url: str
):
    """By a real clock: what was due is done in the command that comes late."""
    plan = work.file()
    work.routine(plan, *TO_MINUTES, Event.CONFIRM_COR)
    late = term(work, plan, TermKind.DEFINITIVE_PLAN).due_at + timedelta(hours=1)
    command = moves.MoveCommand(
        plan, Event.FILE_PLAN, **usual(Event.FILE_PLAN, work.today)
    )

    with Place.at(office_url, late).desk() as desk:
        told = [
            attempt(lambda: moves.advance(desk.as_officer("rossi"), command))
            for _ in range(2)
        ]

    assert [(one.outcome, one.value) for one in told] == [
        ("RefusedError", "term.expired")
    ] * 2
    assert refusals(work) == ["term.expired"] * 2
    assert len(entries(work, event="propose_lapse")) == 1
    assert work.verified()


def test_who_decides_on_what_a_term_has_just_brought_about_is_not_told_of_a_conflict(
    work: Office, office_url: str
):
    plan = work.file()
    work.routine(plan, *TO_MINUTES, Event.CONFIRM_COR)
    late = term(work, plan, TermKind.DEFINITIVE_PLAN).due_at + timedelta(hours=1)
    stated = usual(Event.DISMISS_LAPSE, work.today)
    command = moves.MoveCommand(plan, Event.DISMISS_LAPSE, **stated)

    with Place.at(office_url, late).desk() as desk:
        told = attempt(lambda: moves.advance(desk.as_officer("rossi"), command))

    assert told.outcome == "done"
    assert [entry["event"] for entry in entries(work)][-2:] == [
        "propose_lapse",
        "dismiss_lapse",
    ]
    assert work.verified()


@pytest.fixture
def asked(work: Office) -> str:
    """Await papers from a file whose term will end."""
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    inputs = {"letter": "completion_request", "receipt": "R-1"}
    work.move(application, Event.RECORD_DELIVERY, inputs=inputs)
    return application


def between(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Do something over another connection before a command has its lock."""
    read = moves.read_inputs

    def then_meanwhile(desk: Desk, command: moves.MoveCommand) -> Any:
        found = read(desk, command)
        monkeypatch.undo()
        meanwhile()
        return found

    monkeypatch.setattr(moves, "read_inputs", then_meanwhile)


def test_a_worker_that_comes_between_does_not_stop_the_command(
    work: Office, office_url: str, asked: str, monkeypatch: pytest.MonkeyPatch
):
    work.clock.move_to(term(work, asked, TermKind.COMPLETION).due_at + SECOND)
    answer = usual(Event.ANSWER_COMPLETION, work.today)
    version = views.shown(work.desk, asked).summary.version

    with office(office_url, at=work.clock.now()) as worker:
        between(monkeypatch, lambda: sweep.sweep(worker.desk.as_worker()))
        receipt = work.move(asked, Event.ANSWER_COMPLETION, **answer)

    assert receipt["findings"]["late"] is True
    assert receipt["version"] == version + 2
    assert [entry["event"] for entry in entries(work)][-2:] == [
        "expire_completion",
        "answer_completion",
    ]
    assert work.verified()


def test_a_worker_that_comes_between_does_stop_who_wanted_just_that_version(
    work: Office, office_url: str, asked: str, monkeypatch: pytest.MonkeyPatch
):
    work.clock.move_to(term(work, asked, TermKind.COMPLETION).due_at + SECOND)
    answer = usual(Event.ANSWER_COMPLETION, work.today)
    version = views.shown(work.desk, asked).summary.version

    with office(office_url, at=work.clock.now()) as worker:
        between(monkeypatch, lambda: sweep.sweep(worker.desk.as_worker()))
        with pytest.raises(ConflictError, match="a worker made `expire_completion`"):
            work.move(
                asked, Event.ANSWER_COMPLETION, expected_version=version, **answer
            )


def test_a_person_who_comes_between_is_named_even_if_a_worker_came_after(
    work: Office, office_url: str, asked: str, monkeypatch: pytest.MonkeyPatch
):
    due_at = term(work, asked, TermKind.COMPLETION).due_at
    work.clock.move_to(due_at + SECOND)

    with office(office_url, at=due_at) as other:

        def both() -> None:
            more = usual(Event.EXTEND_TERM, other.today)
            more["inputs"] = {"term": "completion", "days": 1}
            other.sit("director").move(asked, Event.EXTEND_TERM, **more)
            other.clock.move_to(due_at + 2 * DAY)
            sweep.sweep(other.desk.as_worker())

        between(monkeypatch, both)
        with pytest.raises(ConflictError, match="director made `extend_term`"):
            work.routine(asked, Event.ANSWER_COMPLETION)
