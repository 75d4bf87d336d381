"""Where is enough due, and enough to be sent, for the tests to do harm?"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlmodel import Session, col, delete, func, select

from models.session import reading, transaction
from models.tables import Call, OutboxMessage, Term
from models.vocabulary import Event
from tests.builders import OPENING, TO_GRANT, Office, rome, submission, usual
from tests.contents import entries, rows
from tests.due_terms import DAY
from tests.editions import open_to_all
from tests.faults.storms import PATIENCE, WallClock
from tests.integration.test_races import lines_of
from tests.postboxes import Postbox
from tests.twins import Twins, protocol, same
from workflow.errors import ConflictError
from workflow.services import calls, intake, moves, outbox, sweep
from workflow.services.outbox import RESEND

FIRST, LAST = rome(2026, 2, 28, 12), rome(2026, 6, 10, 12)
"""Around everything that is due."""

_RESENT = RESEND + timedelta(seconds=1)
_ROUNDS = 18
_CLOSED = "RLF12025051245", "RLF12025051246", "RLF12025051247"
_PAST_CTL = 7
"""Files of the first call, which are numbered before all others."""

_OF_TIME = {
    "close_call",
    "expire",
    "expire_term",
    "escalate_term",
    "propose_lapse",
    "release_cor",
    "expire_proposal",
}
"""Some of what comes by itself."""

_TAKEN_UP = 60
"""Files that officers take up while the workers are at work."""


def furnish(work: Office, folder: Path, *, a_round: int) -> None:
    """File in four calls, every other day, and bring some of it before officers."""
    for code in _CLOSED:
        calls.register_call(work.desk, open_to_all(folder, code))
    for number in range(_PAST_CTL):
        work.file(number)
    work.take(submission(7, draft=True), submission(8, draft=True))
    for day in range(_ROUNDS):
        work.clock.move_to(OPENING + (1 + 2 * day) * DAY)
        for code in _CLOSED:
            lines = lines_of(a_round * day, a_round, code)
            list(intake.take_in(work.desk, code, lines))
    for number in range(5):
        work.clock.move_to(rome(2026, 2, 24, 9 + number))
        name = protocol(number + 1)
        work.routine(name, *TO_GRANT, Event.RECORD_PUBLICATION)
        work.routine(name, Event.CONVENE_NEGOTIATION, Event.SIGN_MINUTES)
        if number < 2:
            work.routine(name, Event.CONFIRM_COR)


@dataclass(frozen=True)
class Step:
    """What comes at an instant: letters to be sent, and commands of officers."""

    instant: datetime
    jobs: tuple[OutboxMessage, ...]
    commands: tuple[moves.MoveCommand, ...]


def steps(twins: Twins, number: int) -> list[Step]:
    """Divide the days in which something is due, and what is to be sent.

    What waits in the outbox is taken out of it, to come again bit by bit.
    """
    span = (LAST - FIRST) / number
    for work in (twins.diligent, twins.sleepy):
        with transaction(work.desk.engine) as session:
            jobs = _held_back(session)
    commands = list(_commands(twins.diligent))
    return [
        Step(
            FIRST + (step + 1) * span,
            tuple(jobs[_share(step, number, jobs)]),
            tuple(commands[_share(step, number, commands)]),
        )
        for step in range(number)
    ]


def _share(step: int, number: int, of: Sequence[object]) -> slice:
    """Divide a sequence in order, so that every piece comes in some step."""
    return slice(step * len(of) // number, (step + 1) * len(of) // number)


def _held_back(session: Session) -> list[OutboxMessage]:
    # Earlier letters of a file come no later than those that follow them.
    by = (col(OutboxMessage.entry_seq), col(OutboxMessage.ordinal))
    query = select(OutboxMessage).order_by(*by, col(OutboxMessage.id))
    jobs = session.exec(query).all()
    session.expunge_all()
    session.exec(delete(OutboxMessage))
    return list(jobs)


def _commands(work: Office) -> Iterator[moves.MoveCommand]:
    """Ask for papers, or give notice of a refusal: each brings a letter and a term."""
    files = rows(
        work.desk.engine,
        "SELECT protocol_number FROM applications WHERE protocol_number > :past"
        " ORDER BY protocol_number",
        past=_PAST_CTL,
    )
    for (number,) in files[:_TAKEN_UP]:  # in turn: nobody is passed over
        name = protocol(number)
        asks = (Event.REQUEST_COMPLETION, Event.NOTIFY_REFUSAL)[number % 2]
        for event in (Event.START_REVIEW, asks):
            yield moves.MoveCommand(
                name, event, **usual(event, OPENING.date(), key=f"{name}-{event}")
            )


# What is done with it


def begin(work: Office, step: Step, clock: WallClock | None = None) -> None:
    """Let an instant come, with what is to be sent and what officers decide then."""
    for call in sorted({job.call_id for job in step.jobs if job.call_id}):
        _bring(work, call, step)
    work.clock.move_to(step.instant)
    if clock is not None:
        clock.move_to(step.instant)
    for one in step.commands:
        while not _is_decided(work, one):
            pass


def _is_decided(work: Office, one: moves.MoveCommand) -> bool:
    """Decide, unless a worker has just changed the file: then look at it again."""
    try:
        moves.advance(work.desk.as_officer("rossi"), one)
    except ConflictError:
        return False
    return True


def _bring(work: Office, call: UUID, step: Step) -> None:
    """Have something to be sent; as commands do, with the call locked first."""
    with transaction(work.desk.engine) as session:
        session.exec(select(Call).where(Call.id == call).with_for_update()).one()
        session.add_all(
            OutboxMessage(**job.model_dump())
            for job in step.jobs
            if job.call_id == call
        )


def left(work: Office) -> int:
    """Count the terms about which something is due, and what is to be sent."""
    due = select(func.count()).select_from(Term)
    with reading(work.desk.engine) as session:
        terms = session.exec(due.where(col(Term.next_check) <= work.clock.now()))
        jobs = session.exec(select(func.count()).select_from(OutboxMessage))
        return terms.one() + jobs.one()


def is_done(work: Office) -> bool:
    """Tell whether nothing at all is left."""
    return not left(work) and not sweep.due_calls(work.desk)


def a_minute_later(work: Office, clock: WallClock) -> None:
    """Let what the broker may have lost be sent again."""
    work.clock.move_to(work.clock.now() + _RESENT)
    clock.move_to(work.clock.now())


def let_it_end(work: Office, clock: WallClock) -> None:
    """Wait until nothing is left, however much of it the broker has lost."""
    deadline = time.monotonic() + 2 * PATIENCE
    while not is_done(work):
        assert time.monotonic() < deadline, f"{left(work)} left for ever"
        a_minute_later(work, clock)
        time.sleep(0.5)


# What has to come of it


def as_if_undisturbed(twins: Twins, script: Sequence[Step]) -> None:
    """Hold everything against an office in which all went well."""
    _undisturbed(twins.diligent, script)
    same(twins.diligent, twins.sleepy)
    once_each(twins.sleepy)


def _undisturbed(work: Office, script: Sequence[Step]) -> None:
    """Do all of it in one process to which nothing happens."""
    postbox = Postbox()
    for step in script:
        begin(work, step)
        assert sweep.sweep(work.desk).remaining == 0
        for job in outbox.to_send(work.desk, most=10_000, resend=timedelta(0)):
            assert outbox.do(work.desk, job.id, postbox)


def once_each(work: Office) -> None:
    """Count past everything else: one entry for each thing that was due."""
    made = Counter(
        (
            entry["call"],
            entry["application"],
            entry["event"],
            str(entry["inputs"]),
            entry["findings"]["due_at"],
        )
        for entry in entries(work, outcome="ok")
        if "due_at" in entry["findings"]
    )
    assert set(made.values()) == {1}, made.most_common(3)
    assert {name for _, _, name, _, _ in made} >= _OF_TIME
    left = "SELECT count(*) FROM notices WHERE sent_at IS NULL AND status <> 'dropped'"
    assert rows(work.desk.engine, left) == [(0,)]
