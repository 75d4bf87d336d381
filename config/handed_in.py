"""How much is read of a file that somebody hands in?"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

NO_FILE = "it is a device or a pipe, not a file"

_NO_LINE = 100_000_000
"""Bytes; what goes on for so long without a line break has no lines."""


class EndlessLineError(ValueError):
    """A line goes on and on: whatever is read is no list of lines."""


def is_no_file(path: Path, *, pipes: bool = False) -> bool:
    """Tell whether it is there and may have no end, or be waited for in vain."""
    is_other = path.exists() and not path.is_file() and not path.is_dir()
    return is_other and not (pipes and path.is_fifo())


def lines(stream: IO[bytes], longest: int) -> Iterator[tuple[bytes, int]]:
    """Read lines, with how long they are, without ever holding one of any length.

    Of one that is longer than *longest* as much is returned as shows it.

    Raises:
        EndlessLineError: the line that was returned last has no end.
    """
    most = longest + len(b"\r\n") + 1
    while line := stream.readline(most):
        rest, size = line, len(line)
        while len(rest) == most and not rest.endswith(b"\n") and size < _NO_LINE:
            rest = stream.readline(most)
            size += len(rest)
        yield line, size
        if size >= _NO_LINE:
            raise EndlessLineError


def doubled(line: bytes) -> str | None:
    """Return a name that stands twice in a line of JSON.

    Some readers take the first and some the last; those that are fast do not tell.
    """
    found: list[str] = []

    def look(pairs: Iterable[tuple[str, object]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                found.append(name)
            seen.add(name)

    json.loads(line, object_pairs_hook=look)
    return found[0] if found else None
