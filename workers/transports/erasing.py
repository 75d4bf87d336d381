"""Which copies of letters are kept as files, and are they gone?"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from uuid import UUID

from workflow.errors import TemporaryError

_NAMED = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-again-[0-9]+)?\.eml"
    r"(?:\.[0-9]+-[0-9]+)?$"
)
"""A copy bears the identifier of its letter; one that was cut off a process as well."""

_SHELF = 2


def copies(home: Path, call: str, letters: Collection[UUID]) -> Iterator[Path]:
    """Return the copies of letters of a call, in whichever way they left.

    Raises:
        TemporaryError: a folder cannot be read.
    """
    names = {str(letter) for letter in letters}
    folders = [home / "letters" / call]
    sent = home / "letters" / "sent"
    folders += [sent / shelf for shelf in sorted({name[:_SHELF] for name in names})]
    for folder in folders:
        for path in _files(folder):
            found = _NAMED.search(path.name)
            if found is not None and found[1] in names:
                yield path


def erase(paths: Collection[Path]) -> None:
    """Delete copies of letters; one that is gone already is no fault.

    Raises:
        TemporaryError: one of them cannot be deleted.
    """
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _kept(path, error) from error


def _files(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(sorted(folder.iterdir())) if folder.is_dir() else ()
    except OSError as error:
        raise _kept(folder, error) from error


def _kept(path: Path, error: OSError) -> TemporaryError:
    return TemporaryError(
        "letters.kept",
        f"{path} could not be erased ({error.strerror}); see to its permissions, then "
        "give the same command again",
    )
