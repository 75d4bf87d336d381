"""What do people write down, out of the reach of a kill, and when may they go home?

Each of them is a process. Whoever takes the place of a killed one reads in its
notebook what it was told, and what it was about to do.
"""

import json
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from models.session import DatabaseUnavailableError
from tests.builders import CTL
from tests.faults.soak.machines import Machine
from tests.processes import acknowledge, acknowledged
from workflow.errors import UnavailableError

SCARCE, RICH = "RLF12025051245", "RLF12025051246"
"""Calls that take anybody: in one of them there is not enough money for all."""

CALLS = CTL, SCARCE, RICH
BEGINS, DONE, REFUSED, FILED, BUG = "begins", "done", "refused", "filed", "bug"
"""What a line of a notebook tells."""

_ASIDE = 0.1
_Found = TypeVar("_Found")

Line = dict[str, Any]


@dataclass(frozen=True)
class Notebook:
    """What somebody was told, line by line."""

    file: Path

    @classmethod
    def of(cls, post: Machine, who: str) -> "Notebook":
        """Return that of somebody who may have written in it before."""
        return cls(post.folder / "notebooks" / who)

    def write(self, did: str, **more: Any) -> None:
        acknowledge(self.file, json.dumps({"did": did, **more}).encode())

    def write_bug(self, does: Callable[[], None]) -> None:
        """Do something, and write down what should not come of anything."""
        try:
            does()
        except AWAY:
            raise
        except Exception:  # noqa: BLE001 - the tests must see it
            self.write(BUG, told=traceback.format_exc())

    def lines(self) -> list[Line]:
        return [json.loads(line) for line in acknowledged(self.file)]


def notebooks(folder: Path) -> dict[str, list[Line]]:
    """Read what all of them have written, by their names."""
    files = sorted((folder / "notebooks").iterdir())
    return {file.name: Notebook(file).lines() for file in files}


def may_go(post: Machine) -> bool:
    """Tell whether nothing new is to be begun."""
    return (post.folder / "evening").exists()


def send_home(folder: Path) -> None:
    """Have all of them finish what they began, and end."""
    (folder / "evening").touch()


def by_chance(seed: int, what: object) -> random.Random:
    """Give chances of its own to each part: none depends on how long another took."""
    return random.Random(f"{seed} {what}")  # noqa: S311 - a seeded test


AWAY = (UnavailableError, DatabaseUnavailableError)
"""What is said when something is not there: the same again is right then."""


def rest() -> None:
    """Wait a moment for what is not there."""
    time.sleep(_ASIDE)


def insist(does: Callable[[], _Found]) -> _Found:
    """Do something as often as it takes until what it needs is there."""
    while True:
        try:
            return does()
        except AWAY:
            rest()
