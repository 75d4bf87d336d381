"""How do tests hold an office that sweeps in time against one that sleeps?"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from models.vocabulary import Event
from tests.builders import Office, office, submission, usual
from tests.due_terms import Row, deeds, standing, unwatched, watch
from tests.servers import fresh_postgres
from workflow.services import sweep

Command = Callable[[Office], object]
"""Something that is done in an office, the same in any other."""

_LATER_IDS = 1_000_000
"""The clocks of copies give no identifier that the original has given."""


@dataclass
class Twins:
    """One office in which somebody sweeps all the time, and one that sleeps."""

    diligent: Office
    sleepy: Office

    def at(self, instant: datetime, *commands: Command) -> None:
        """Give both the same commands at an instant."""
        watch(self.diligent, instant)
        self.sleepy.clock.move_to(instant)
        for command in commands:
            for work in (self.diligent, self.sleepy):
                command(work)

    def wake(self, instant: datetime) -> None:
        """Sweep both, and hold what they hold against each other."""
        self.at(instant)
        sweep.sweep(self.sleepy.desk)
        same(self.diligent, self.sleepy)


def same(one: Office, other: Office) -> None:
    """Hold two offices against each other, but for the instants of execution."""
    in_time, late = deeds(one), deeds(other)
    for mine, theirs in zip(in_time, late, strict=False):
        assert mine == theirs, differing(mine, theirs)
    assert len(in_time) == len(late)
    here, there = standing(one.desk.engine), standing(other.desk.engine)
    for table, held in here.items():
        for mine, theirs in zip(
            map(answered, held), map(answered, there[table]), strict=True
        ):
            assert mine == theirs, f"{table}: {differing(mine, theirs)}"
    for work in (one, other):
        assert unwatched(work.desk.engine) == []
        assert work.verified()


def answered(row: Row) -> Row:
    """Leave out that nobody answered for a letter: it hangs on who looked when."""
    if row.get("status") != "unknown":
        return row
    return {**row, "status": "sent", "fault": None}


def differing(one: Row, other: Row) -> str:
    """Say in what two rows differ, and of which file they are."""
    names = [name for name in one if one[name] != other[name]]
    return "; ".join(
        [
            f"{one.get('protocol', one.get('application_id'))}",
            *(f"{name}: {one[name]} | {other[name]}" for name in names),
        ]
    )


@contextmanager
def twins_of(work: Office, folder: Path, admin: str | None) -> Iterator[Twins]:
    """Copy an office twice; *admin* is the address of a server of PostgreSQL."""
    now = work.clock.now()
    work.desk.engine.dispose()
    url = work.desk.engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        pair = []
        for name in ("diligent", "sleepy"):
            copied = stack.enter_context(_copied(url, folder / f"{name}.db", admin))
            opened = stack.enter_context(office(copied, at=now))
            opened.clock.seed = _LATER_IDS
            pair.append(opened)
        yield Twins(*pair)


@contextmanager
def _copied(url: str, path: Path, admin: str | None) -> Iterator[str]:
    database = make_url(url).database
    assert database is not None
    if admin is None:
        shutil.copyfile(database, path)
        yield f"sqlite:///{path}"
        return
    with fresh_postgres(admin, database) as address:
        yield address


# What is done


def file(number: int, **changes: Any) -> Command:
    """File one good submission."""
    return lambda work: work.take(submission(number, **changes))


def move(number: int, event: Event, **stated: Any) -> Command:
    """Make a move with what is usually stated; codes depend on the file alone."""

    def go(work: Office) -> None:
        usually = {**usual(event, work.today), **stated}
        if event is Event.GRANT:
            usually["inputs"] |= {"cor": f"{number}", "cup": f"E41B{number:011d}"}
        work.move(protocol(number), event, **usually)

    return go


def advance(number: int, *events: Event) -> tuple[Command, ...]:
    """Make moves with what is usually stated."""
    return tuple(move(number, event) for event in events)


def deliver(number: int, letter: str, **stated: str) -> Command:
    """Record the delivery of a letter."""
    inputs = {"letter": letter, "receipt": "R-1", **stated}
    return move(number, Event.RECORD_DELIVERY, inputs=inputs)


def protocol(number: int) -> str:
    """Name the application that was filed as the first, the second ..."""
    return f"2026/{number:07d}"


def do(work: Office, instant: datetime, *commands: Command) -> None:
    """Do things in one office at an instant."""
    work.clock.move_to(instant)
    for command in commands:
        command(work)
