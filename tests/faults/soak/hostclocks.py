"""What moves the clock of a host for all that runs there: libfaketime, if it is here.

It is a package of some systems, and the tests need a machine with Python alone: without
it the ambient clock, by which the product goes, takes the place of that of the host.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.storms import Does

_FOUND = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
LIBRARY = os.environ.get("SOAK_FAKETIME", f"{_FOUND[0]}" if _FOUND else "")
"""What is loaded into the processes of a soak; nothing, if it is not here."""

_PRELOADED = f"{Path(__file__).with_name('preloaded')}"
_SHARED = Path("/dev/shm")  # noqa: S108 - where the library itself makes its files

# Each is started anew: what the fork server has loaded has found its clock already.
_CONTEXT = multiprocessing.get_context("spawn")


def start(does: Does, post: Any, shown: Path) -> Any:
    """Start a process on a host whose clock shows what a file says."""
    process = _CONTEXT.Process(target=does, args=(post,))
    beside = os.environ.get("PYTHONPATH", "")
    with _environment(
        LD_PRELOAD=LIBRARY,
        FAKETIME_TIMESTAMP_FILE=f"{shown}",
        FAKETIME_FMT="%Y-%m-%dT%T",
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        NO_FAKE_STAT="1",
        PYTHONPATH=os.pathsep.join((_PRELOADED, beside)).rstrip(os.pathsep),
        TZ="UTC",
    ):
        process.start()
    return process


@contextmanager
def _environment(**changes: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in changes:
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def swept() -> Iterator[None]:
    """Leave nothing that the library shares between processes, killed or not."""
    before = _kept()
    try:
        yield
    finally:
        for file in _kept() - before:
            file.unlink(missing_ok=True)


def _kept() -> set[Path]:
    return {*_SHARED.glob("faketime_shm_*"), *_SHARED.glob("sem.faketime_sem_*")}
