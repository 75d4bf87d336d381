"""Does the file outside of the database hold the same anchors as the database?

It may only grow: it is compared byte by byte, what it lacks is added at its end,
and nothing in it is ever written over.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from models.canonical import CanonicalError
from workflow.anchors.manifests import Signed, line
from workflow.anchors.series import AnchorFault
from workflow.errors import TamperedError, UnavailableError
from workflow.services.keys import is_there, sync_folder

_LOOKS_EVERY = 0.02
"""Seconds between two looks at a file that somebody else holds."""

_NEWLINE = b"\n"
_OTHER = "the file holds another anchor in its place"


@dataclass(frozen=True, slots=True)
class Compared:
    """How the file stands to the database."""

    rest: bytes = b""
    """What it lacks: the anchors from `first` to `last`."""
    first: int = 0
    last: int = 0
    fault: AnchorFault | None = None
    """It holds something else than the database, or more."""
    unreadable: int | None = None
    """The line that is no anchor at all, if that is the fault."""


@contextmanager
def writing(path: Path, *, patience: float) -> Iterator[IO[bytes]]:
    """Hold the file for adding to it; it is made if it is not there.

    Who reads it to compare it waits meanwhile: between the commit of an anchor and
    its line the two are not the same.

    Raises:
        UnavailableError: it cannot be written, or somebody else holds it.
    """
    try:
        is_new = not is_there(path)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o640)
        file = os.fdopen(descriptor, "r+b")
        if is_new:
            os.fchmod(descriptor, 0o640)  # auditors read it: it holds nothing personal
            sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    with file:
        _hold(path, file, fcntl.LOCK_EX, patience)
        yield file


@contextmanager
def reading(path: Path, *, patience: float) -> Iterator[IO[bytes] | None]:
    """Hold the file while it is compared; nothing if it is not there.

    Raises:
        UnavailableError: it cannot be read, or somebody else holds it.
    """
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except OSError as error:
        raise UnavailableError(
            "anchors.unreadable",
            f"the file of the anchors, {path}, cannot be read: {error.strerror}; give "
            "SPORTELLO_ANCHORS the place of a copy that can",
        ) from error
    with file:
        _hold(path, file, fcntl.LOCK_SH, patience)
        yield file


def compare(file: IO[bytes] | None, anchors: Iterable[Signed]) -> Compared:
    """Compare the file with all anchors of the database, in their order.

    A line that was cut short by a crash lacks its end.
    """
    rest, first, last, other = bytearray(), 0, 0, 0
    for anchor in anchors:
        if other:
            continue  # read to its end, the cursor closes by itself
        expected = _line(anchor)
        found = b"" if first or file is None else file.read(len(expected))
        if not expected or not expected.startswith(found):
            other = anchor.number
        elif found != expected:
            rest += expected[len(found) :]
            first, last = first or anchor.number, anchor.number
    more = b"" if file is None or first else file.read()
    if file is not None and (other or more) and (number := _unreadable(file)):
        fault = AnchorFault(other, f"line {number} of the file cannot be read")
        return Compared(fault=fault, unreadable=number)
    if other:
        return Compared(fault=AnchorFault(other, _OTHER))
    if more:
        told = f"the file holds {more.count(_NEWLINE) or 1} anchor(s) more than the "
        return Compared(fault=AnchorFault(0, f"{told}database"))
    return Compared(bytes(rest), first, last)


def _unreadable(file: IO[bytes]) -> int | None:
    """Return which line is no anchor, if one is."""
    file.seek(0)
    lines = enumerate(file, start=1)
    return next((number for number, text in lines if not _is_anchor(text)), None)


def _is_anchor(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def refuse(path: Path, compared: Compared) -> None:
    """Go no further if one of the two was changed, or put back to an older state.

    Raises:
        TamperedError: the file is not the beginning of what the database holds.
    """
    fault = compared.fault
    if fault is None:
        return
    if compared.unreadable is not None:
        raise TamperedError(
            "anchors.line_unreadable",
            f"{path}: line {compared.unreadable} cannot be read: it is no anchor, and "
            "was not written by this program. Nothing is written: keep a copy of the "
            "file, tell the auditor, then take that line out",
            {"line": compared.unreadable},
        )
    if fault.number:
        raise TamperedError(
            "anchors.differ",
            f"anchor {fault.number} of the database is not the one in {path}: one of "
            "the two was changed. Nothing is written; keep both and call the auditor",
            {"number": fault.number},
        )
    raise TamperedError(
        "anchors.file_ahead",
        f"{path}: {fault.fault}. An older backup was restored, or anchors were "
        "removed: nothing is written. Tell the auditor; after a restore put the file "
        "aside, keep it, and seal again with `sportello log anchor`; if the key was "
        "changed since that backup, with "
        "`sportello log anchor --new-key --lost --because WHY`",
    )


def append(path: Path, file: IO[bytes], lines: bytes) -> None:
    """Add lines to the file, and have the disk keep them.

    Raises:
        UnavailableError: it cannot be written.
    """
    try:
        file.seek(0, os.SEEK_END)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from error


def _line(anchor: Signed) -> bytes:
    try:
        return line(anchor)
    except CanonicalError:
        return b""  # the row holds something that no anchor does


def _hold(path: Path, file: IO[bytes], how: int, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise UnavailableError(
                    "anchors.busy",
                    f"somebody else is writing to {path}; try again in a moment",
                ) from None
            time.sleep(_LOOKS_EVERY)
        except OSError as error:
            raise _unwritable(path, error) from error
        else:
            return


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        "anchors.unwritable",
        f"the anchors cannot be written to {path}: {error.strerror}; see whether its "
        "disk is there and has room, or choose another file with SPORTELLO_ANCHORS",
    )
