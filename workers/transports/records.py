"""How is a mail kept as a file, whole or not at all?"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workflow.errors import TemporaryError

_MINE, _MY_FOLDER = 0o600, 0o700


def keep(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read; after a power cut it is whole or absent.

    Raises:
        TemporaryError: it cannot be written.
    """
    with prepared(path, content) as finish:
        finish()


@contextmanager
def prepared(path: Path, content: bytes) -> Iterator[Callable[[], None]]:
    """Write a file under another name; give what lets it take its own.

    Raises:
        TemporaryError: it cannot be written; nothing has happened yet.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        _make(path.parent)
        _write(beside, content)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield lambda: _finish(beside, path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _finish(beside: Path, path: Path) -> None:
    try:
        beside.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(_MY_FOLDER, exist_ok=True)
    _flush(folder.parent)


def _write(path: Path, content: bytes) -> None:
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW
    descriptor = os.open(path, flags, _MINE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _flush(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> TemporaryError:
    return TemporaryError(
        "letters.unwritable",
        f"{path.parent} cannot be written ({error.strerror}); free space, or see to "
        "its permissions",
    )
