"""How does a folder, or a file, come to be whole, or not at all?"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from workflow.errors import InputError, UnavailableError
from workflow.services.keys import sync_folder

_READABLE, _READABLE_FOLDER = 0o644, 0o755
"""Whatever the umask says: nobody else changes what is written."""


def opened_new(file: Path) -> BinaryIO:
    """Open a file that is not there yet, for writing.

    Raises:
        OSError: it is there, be it a link to nowhere, or cannot be made.
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    return os.fdopen(os.open(file, flags, _READABLE), "wb")


def vacant(to: Path) -> Path:
    """Return where a folder may be put: where there is nothing, or an empty one.

    Raises:
        InputError: something is there already, or nothing that it could stand in.
    """
    try:
        folder = to.resolve()
        if folder.is_dir() and not any(folder.iterdir()):
            return folder
        if folder.exists():
            raise InputError(
                "export.not_empty",
                f"--to {to} is there already and is not an empty directory: nothing is "
                "overwritten; name a new one",
            )
        if not folder.parent.is_dir():
            raise InputError(
                "export.no_parent",
                f"--to {to} cannot be made: {folder.parent} is no directory; make it "
                "first, or name another place",
            )
    except (OSError, RuntimeError) as error:
        raise _unwritable(to, error) from error
    return folder


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give a place beside a folder; it takes its name once all of it is written.

    So whoever finds the folder finds all of it. What a killed process leaves has
    another name, hidden, that ends with `.partial`.

    Raises:
        UnavailableError: it cannot be written.
    """
    place = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(_READABLE_FOLDER)
        try:
            yield place
            for inner in (place, *(one for one in place.iterdir() if one.is_dir())):
                sync_folder(inner)
            place.rename(folder)  # over an empty one, and over no other
        finally:
            shutil.rmtree(place, ignore_errors=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from error


def put(file: Path, content: bytes) -> None:
    """Write a new file; nothing is ever overwritten, and no part of one stays.

    Raises:
        InputError: there is something already, or nothing that it could stand in.
        UnavailableError: it cannot be written.
    """
    try:
        with opened_new(file) as opened:
            try:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            except OSError:
                file.unlink()
                raise
    except FileExistsError as error:
        raise InputError(
            "out.exists",
            f"--out {file} is there already: nothing is overwritten; name a new file",
        ) from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputError(
            "out.no_parent",
            f"--out {file} cannot be made: there is no such directory; make it first, "
            "or name another place",
        ) from error
    except OSError as error:
        raise UnavailableError(
            "out.unwritable",
            f"--out {file} cannot be written: {error.strerror}; see whether its disk "
            "is there and has room, or name another place",
        ) from error


def _unwritable(folder: Path, error: Exception) -> UnavailableError:
    cause = error.strerror if isinstance(error, OSError) else str(error)
    return UnavailableError(
        "export.unwritable",
        f"--to {folder} cannot be written: {cause}; see whether its disk is there and "
        "has room, or name a new directory in another place",
    )
