"""Who works here by itself, and when was it last seen at work?"""

from dataclasses import dataclass
from datetime import datetime

from models.session import reading, transaction
from models.tables import Tick
from workflow.desk import Desk

SCHEDULER = "scheduler"


@dataclass(frozen=True, slots=True)
class Seen:
    """A sign of life."""

    holder: str
    at: datetime
    found: int


def note(desk: Desk, name: str, *, holder: str, found: int) -> None:
    """Leave a sign of life in the place of the last one."""
    tick = Tick(name=name, holder=holder, at=desk.ambient.now(), found=found)
    with transaction(desk.engine) as session:
        session.merge(tick)


def last(desk: Desk, name: str) -> Seen | None:
    """Return the last sign of life, if there was any."""
    with reading(desk.engine) as session:
        tick = session.get(Tick, name)
    return None if tick is None else Seen(tick.holder, tick.at, tick.found)
