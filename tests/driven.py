"""Which services does a model drive, and does it?

A test that walks with a model declares the services that it gives commands to. What
is declared is watched: what was never called, in all its walks, is a failure.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any

import pytest

from models.vocabulary import Event
from workflow.services.moves import MoveCommand

DRIVEN: dict[str, set[str]] = {}
"""By which tests each service is driven; of `moves.advance`, each event."""

_OURS = "tests."


def moving(*events: Event) -> tuple[str, ...]:
    """Name the moves of one file, each by itself."""
    return tuple(f"moves.advance {event}" for event in events)


def drives(
    *services: str, among: Callable[[Mapping[str, Any]], bool] = lambda _given: True
) -> Callable[[Any], Any]:
    """Declare which services a test drives, as `module.function`.

    *among* says, by what the test is given, whether it walks for so long that all of
    them have to come.
    """

    def declared(test: Any) -> Any:
        for one in services:
            DRIVEN.setdefault(one, set()).add(test.__name__)

        @wraps(test)
        def watched(**given: Any) -> None:
            with _counted({one.partition(" ")[0] for one in services}) as asked:
                test(**given)
            if among(given):
                never = {one for one in services if not asked[one]}
                assert not never, never

        return watched

    return declared


@contextmanager
def _counted(services: set[str]) -> Iterator[Counter[str]]:
    """Count what tests ask of some services; what these ask of each other, not."""
    asked: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for name in services:
            module, _, function = name.rpartition(".")
            found = import_module(f"workflow.services.{module}")
            patch.setattr(found, function, _counting(name, found, function, asked))
        yield asked


def _counting(
    name: str, module: Any, function: str, asked: Counter[str]
) -> Callable[..., Any]:
    does = getattr(module, function)

    @wraps(does)
    def told(*given: Any, **more: Any) -> Any:
        if _asked_by().startswith(_OURS):
            asked[name] += 1
            for one in given:
                if isinstance(one, MoveCommand):
                    asked[f"{name} {one.event}"] += 1
        return does(*given, **more)

    return told


def _asked_by() -> str:
    """Return in which module whoever asks is: two frames above."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame.f_back if frame else None
    return str(frame.f_globals["__name__"]) if frame else ""
