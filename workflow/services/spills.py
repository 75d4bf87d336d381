"""Where do the files of a call wait that do not all fit in memory at once?

A call may have more of them than anybody wants in memory. Those touched last are
kept there, the others in a file without a name that goes with the process.
"""

import marshal
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from workflow.errors import UnavailableError

RESIDENT = 1_000
"""Groups that are kept in memory: what somebody works on at one time, and more."""

_NOTHING = object()

_K = TypeVar("_K")
_V = TypeVar("_V")


class Spills:
    """A file for what does not fit, made once something does not."""

    def __init__(self) -> None:
        self._file: sqlite3.Connection | None = None
        self._count = 0

    def mapping(
        self,
        *,
        pack: Callable[[Any], object] = lambda value: value,
        unpack: Callable[[Any], Any] = lambda value: value,
    ) -> "Spilled[Any, Any]":
        """Return a new mapping; *pack* makes plain values of what it holds."""
        self._count += 1
        return Spilled(self, f"spilled_{self._count}", pack, unpack)

    def file(self) -> sqlite3.Connection:
        """Return the file; nobody else can open it, and it is never a durable one."""
        if self._file is None:
            self._file = sqlite3.connect("", isolation_level=None)
            self._file.execute("PRAGMA journal_mode = OFF")
            self._file.execute("PRAGMA synchronous = OFF")
        return self._file

    def close(self) -> None:
        """Drop it."""
        if self._file is not None:
            self._file.close()


class Spilled(MutableMapping[_K, _V]):
    """A mapping of which a part is in memory; the rest is found again by its group.

    The first part of a key names its group: what belongs together moves together.
    """

    def __init__(
        self,
        spills: Spills,
        table: str,
        pack: Callable[[_V], object],
        unpack: Callable[[Any], _V],
    ) -> None:
        self._spills, self._table = spills, table
        self._pack, self._unpack = pack, unpack
        self._groups: dict[object, dict[_K, _V]] = {}
        self._has_file = False

    def __getitem__(self, key: _K) -> _V:
        return self._group(key)[key]

    def __setitem__(self, key: _K, value: _V) -> None:
        self._group(key, new=True)[key] = value

    def __delitem__(self, key: _K) -> None:
        del self._group(key)[key]

    def __contains__(self, key: object) -> bool:
        return key in self._group(key)

    def get(self, key: _K, default: Any = None) -> Any:  # noqa: ANN401 - as in a dictionary
        """Return what is there under a key."""
        return self._group(key).get(key, default)

    def pop(self, key: _K, default: Any = _NOTHING) -> Any:  # noqa: ANN401 - as in a dictionary
        """Return what is there under a key, and forget it."""
        group = self._group(key)
        return group.pop(key) if default is _NOTHING else group.pop(key, default)

    def setdefault(self, key: _K, default: Any = None) -> Any:  # noqa: ANN401 - as in a dictionary
        """Return what is there under a key, or put it there."""
        return self._group(key, new=True).setdefault(key, default)

    def __iter__(self) -> Iterator[_K]:
        return (key for key, _ in self.every())

    def every(self) -> Iterator[tuple[_K, _V]]:
        """Return all that is there; nothing moves meanwhile."""
        for group in self._groups.values():
            yield from group.items()
        if self._has_file:
            here = {repr(name) for name in self._groups}
            rows = self._spills.file().execute(
                f"SELECT name, content FROM {self._table}"  # noqa: S608 - a name of ours
            )
            for name, content in rows:
                if name not in here:
                    yield from self._unpacked(content).items()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _group(self, key: object, *, new: bool = False) -> dict[_K, _V]:
        name = key[0] if isinstance(key, tuple) else key
        group = self._groups.get(name)
        if group is None:
            group = self._read(name) if self._has_file else {}
            if group or new:
                if len(self._groups) >= RESIDENT:
                    self._spill()
                self._groups[name] = group
        return group

    def _read(self, name: object) -> dict[_K, _V]:
        row = (
            self._spills.file()
            .execute(
                f"SELECT content FROM {self._table} WHERE name = ?",  # noqa: S608 - as above
                (repr(name),),
            )
            .fetchone()
        )
        return {} if row is None else self._unpacked(row[0])

    def _spill(self) -> None:
        """Write the half that came first; what is read again is written again."""
        file = self._spills.file()
        names = list(islice(self._groups, RESIDENT // 2))
        if not self._has_file:
            file.execute(
                f"CREATE TABLE {self._table} "
                "(name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID"
            )
            self._has_file = True
        file.execute("BEGIN")
        file.executemany(
            f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?)",  # noqa: S608 - as above
            [(repr(name), self._packed(self._groups.pop(name))) for name in names],
        )
        file.execute("COMMIT")

    def _packed(self, group: dict[_K, _V]) -> bytes:
        return marshal.dumps({key: self._pack(value) for key, value in group.items()})

    def _unpacked(self, content: bytes) -> dict[_K, _V]:
        found = marshal.loads(content)  # noqa: S302 - written by us, in our own file
        return {key: self._unpack(value) for key, value in found.items()}


@contextmanager
def spills() -> Iterator[Spills]:
    """Give a place for what does not fit in memory.

    Raises:
        UnavailableError: there is no room for it.
    """
    opened = Spills()
    try:
        yield opened
    except sqlite3.Error as error:
        raise UnavailableError(
            "verification.no_room",
            f"what is being read does not fit in the folder of temporary files: "
            f"{error}; make room there, or name another with TMPDIR",
        ) from error
    finally:
        opened.close()
