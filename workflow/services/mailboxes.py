"""Which mails lie in a folder, and which of them are new?"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from config.handed_in import NO_FILE, is_no_file
from config.logs import log
from models.session import DatabaseUnavailableError
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.rules.receipts import LARGEST
from workflow.services import receipts
from workflow.services.receipts import Outcome, TakenIn

_READ = ":2,S"
"""What a maildir adds to the name of a mail that somebody has read."""


class Mark(NamedTuple):
    """By what a file is known again that stays where it is."""

    name: str
    size: int
    changed: int


def files_of(place: Path) -> Iterator[Path]:
    """Return the mails of a file, of a folder, or of a maildir with what was read.

    A folder that cannot be read is returned itself: like a mail that cannot be, it
    does not keep the others out.
    """
    try:
        inside = [place / name for name in ("new", "cur") if (place / name).is_dir()]
        folders = inside or [place] if place.is_dir() else []
    except OSError:
        folders = []
    if not folders:
        yield place
    for folder in folders:
        try:
            yield from _mails(folder)
        except OSError:
            yield folder


def take_file(desk: Desk, file: Path) -> TakenIn:
    """Take the mail of one file in; the file is left as it is."""
    why = NO_FILE
    try:
        if is_no_file(file):
            return TakenIn(Outcome.UNREADABLE, code="receipt.unreadable", why=why)
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        why = f"it cannot be opened: {error.strerror}"
        return TakenIn(Outcome.UNREADABLE, code="receipt.unreadable", why=why)
    return receipts.take_in(desk, content)


def take_new(desk: Desk, folder: Path, seen: set[Mark]) -> None:
    """Take in what is new in a folder, one mail after the other.

    In a maildir what was looked at moves on to `cur`. Elsewhere it stays, and is
    among what was *seen*. One that our clock says is not written yet waits.

    Raises:
        UnavailableError: the folder is not there, or cannot be read.
    """
    try:
        is_maildir = (folder / "new").is_dir()
        files = _mails(folder / "new" if is_maildir else folder)
    except OSError as error:
        raise UnavailableError(
            "receipts.no_folder",
            f"{folder} is no folder that this machine can read ({error.strerror}); "
            "correct SPORTELLO_RECEIPTS, or have the machines of all workers see it",
        ) from error
    for file in files:
        mark = _mark(file)
        if mark is None or mark in seen or not _is_done(desk, file):
            continue
        if not is_maildir or not _moved(file, folder / "cur"):
            seen.add(mark)


def _is_done(desk: Desk, file: Path) -> bool:
    """Take one in; tell whether it need not be looked at again."""
    try:
        taken = take_file(desk, file)
    except (UnavailableError, DatabaseUnavailableError):
        raise
    except Exception as error:  # noqa: BLE001 - one must not keep the others out
        log.warn("receipt_failed", file=file.name, error=type(error).__name__)
        return False
    if taken.code is not None:
        log.warn("receipt_not_taken_in", file=file.name, code=taken.code)
    return taken.code != receipts.TOO_SOON


def _mails(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and not file.name.startswith(".")
    )


def _mark(file: Path) -> Mark | None:
    try:
        found = file.stat()
    except OSError:  # somebody else has just moved it
        return None
    return Mark(file.name, found.st_size, found.st_mtime_ns)


def _moved(file: Path, to: Path) -> bool:
    try:
        to.mkdir(mode=0o700, exist_ok=True)
        file.rename(to / f"{file.name.partition(':2,')[0]}{_READ}")
    except FileNotFoundError:
        return True  # somebody else was faster: several may look at a folder at once
    except OSError as error:
        log.warn("receipt_not_moved", file=file.name, why=error.strerror)
        return False
    return True
