"""Who else on this machine can read or write the files of the data?"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from workflow.desk import Desk
from workflow.errors import RefusedError, UnavailableError

_PRIVATE = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside its file; there is personal data in all of them."""


def make_folder(folder: Path) -> None:
    """Make a folder that nobody else can enter, and those above it.

    `mkdir` leaves what stands above to the umask, and who can write there can put
    another folder in the place of ours.
    """
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=0o700, exist_ok=True)


def make_file(engine: Engine) -> None:
    """Make the file of a database that nobody else can read, unless it is there.

    Raises:
        UnavailableError: it cannot be made.
    """
    file = file_of(engine)
    if file is None or file.exists():
        return
    try:
        make_folder(file.parent)
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise UnavailableError(
            "database.unreachable",
            f"the database cannot be made at {file}: {error.strerror}; choose another "
            "place with SPORTELLO_HOME or SPORTELLO_DATABASE_URL",
        ) from error


def file_of(engine: Engine) -> Path | None:
    """Return the file of the database, if it is one."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    return Path(engine.url.database)


def standing(desk: Desk) -> str:
    """Tell whether the files are closed to others.

    Raises:
        RefusedError: one of them is open.
    """
    looked_at = list(_kept(desk))
    open_ones = [
        (path, mode, wanted)
        for path, mode, forbidden, wanted in looked_at
        if mode & forbidden
    ]
    if not open_ones:
        names = ", ".join(path.name for path, *_ in looked_at)
        return f"closed to others: {names}" if names else "none is kept here yet"
    told = "; ".join(
        f"{path} is open to others (mode {mode:o}): run `chmod {wanted} {path}`"
        for path, mode, wanted in open_ones
    )
    raise RefusedError("files.open_to_others", told)


def _kept(desk: Desk) -> Iterator[tuple[Path, int, int, str]]:
    """Return each file that is there: its mode, what that may not have, and the way.

    The file of the anchors holds nothing personal and auditors read it; but whoever
    may write to it can cut it. The key is looked at wherever it is used.
    """
    database = file_of(desk.engine)
    if database is not None:
        for suffix in _BESIDE:
            yield from _if_there(Path(f"{database}{suffix}"), _PRIVATE, "600")
    if desk.anchor_files is not None:
        yield from _if_there(desk.anchor_files.lines, _WRITABLE, "go-w")


def _if_there(
    path: Path, forbidden: int, wanted: str
) -> Iterator[tuple[Path, int, int, str]]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return  # whoever needs it says what is wrong with it
    yield path, mode, forbidden, wanted
