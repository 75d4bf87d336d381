"""Where do the files of a call wait that do not all fit in memory at once?

A call may have more of them than anybody wants in memory. Those touched last are
kept there, the others in a file without a name that goes with the process.
"""

import marshal
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

from workflow.errors import UnavailableError

RESIDENT = 1_000
"""Groups that are kept in memory: what somebody works on at one time, and more."""

_NOTHING = object()

_K = TypeVar("_K")
_V = TypeVar("_V")

_Group: TypeAlias = "list[dict[Any, Any]]"
"""What each of the mappings holds under one name."""


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - whatever is kept
    return value


class Spills:
    """A file for what does not fit, made once something does not."""

    def __init__(self) -> None:
        self._file: sqlite3.Connection | None = None
        self._count = 0

    def groups(self) -> "Groups":
        """Return a place for mappings of which what has one name moves together."""
        self._count += 1
        return Groups(self, f"spilled_{self._count}")

    def mapping(
        self,
        *,
        pack: Callable[[Any], object] = _as_it_is,
        unpack: Callable[[Any], Any] = _as_it_is,
    ) -> "Spilled[Any, Any]":
        """Return a mapping by itself; *pack* makes plain values of what it holds."""
        return self.groups().mapping(pack=pack, unpack=unpack)

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


class Groups:
    """What several mappings hold, by the name that it is about.

    A part is in memory; the rest is in the file and is found again by its name, once
    for all mappings.
    """

    def __init__(self, spills: Spills, table: str) -> None:
        self._spills, self._table = spills, table
        self._packs: list[tuple[Callable[[Any], object], Callable[[Any], Any]]] = []
        self.held: dict[object, _Group] = {}
        self._has_file = False

    def mapping(
        self,
        *,
        pack: Callable[[Any], object] = _as_it_is,
        unpack: Callable[[Any], Any] = _as_it_is,
    ) -> "Spilled[Any, Any]":
        """Return one more mapping, to be asked for before any of them is used."""
        self._packs.append((pack, unpack))
        return Spilled(self, len(self._packs) - 1)

    def find(self, name: object, *, new: bool = False) -> "_Group":
        """Return what is kept under a name; if *new*, to put something there."""
        group = self.held.get(name)
        if group is None:
            found = self._read(name) if self._has_file else None
            group = [{} for _ in self._packs] if found is None else found
            if found is not None or new:
                if len(self.held) >= RESIDENT:
                    self._spill()
                self.held[name] = group
        return group

    def every(self) -> "Iterator[_Group]":
        """Return all that is there; nothing moves meanwhile."""
        yield from self.held.values()
        if self._has_file:
            here = {repr(name) for name in self.held}
            rows = self._spills.file().execute(
                f"SELECT name, content FROM {self._table}"  # noqa: S608 - a name of ours
            )
            for name, content in rows:
                if name not in here:
                    yield self._unpacked(content)

    def _read(self, name: object) -> "_Group | None":
        row = (
            self._spills.file()
            .execute(
                f"SELECT content FROM {self._table} WHERE name = ?",  # noqa: S608 - as above
                (repr(name),),
            )
            .fetchone()
        )
        return None if row is None else self._unpacked(row[0])

    def _spill(self) -> None:
        """Write the half that came first; what is read again is written again."""
        file = self._spills.file()
        if not self._has_file:
            file.execute(
                f"CREATE TABLE {self._table} "
                "(name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID"
            )
            self._has_file = True
        names = list(islice(self.held, RESIDENT // 2))
        groups = [(repr(name), self.held.pop(name)) for name in names]
        file.execute("BEGIN")
        file.executemany(
            f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?)",  # noqa: S608 - as above
            [(name, self._packed(group)) for name, group in groups if any(group)],
        )
        file.executemany(
            f"DELETE FROM {self._table} WHERE name = ?",  # noqa: S608 - as above
            [(name,) for name, group in groups if not any(group)],
        )
        file.execute("COMMIT")

    def _packed(self, group: "_Group") -> bytes:
        return marshal.dumps(
            [
                part if pack is _as_it_is else {k: pack(v) for k, v in part.items()}
                for (pack, _), part in zip(self._packs, group, strict=True)
            ]
        )

    def _unpacked(self, content: bytes) -> "_Group":
        return [
            part if unpack is _as_it_is else {k: unpack(v) for k, v in part.items()}
            for (_, unpack), part in zip(
                self._packs,
                marshal.loads(content),  # noqa: S302 - written by us, in our own file
                strict=True,
            )
        ]


class Spilled(MutableMapping[_K, _V]):
    """A mapping of which a part is in memory; the rest is found again by its group.

    The first part of a key names its group: what belongs together moves together.
    """

    def __init__(self, groups: Groups, place: int) -> None:
        self._groups, self._place = groups, place

    def __getitem__(self, key: _K) -> _V:
        return cast("_V", self._part(key)[key])

    def __setitem__(self, key: _K, value: _V) -> None:
        self._part(key, new=True)[key] = value

    def __delitem__(self, key: _K) -> None:
        del self._part(key)[key]

    def __contains__(self, key: object) -> bool:
        return key in self._part(key)

    def get(self, key: _K, default: Any = None) -> Any:  # noqa: ANN401 - as in a dictionary
        """Return what is there under a key."""
        return self._part(key).get(key, default)

    def pop(self, key: _K, default: Any = _NOTHING) -> Any:  # noqa: ANN401 - as in a dictionary
        """Return what is there under a key, and forget it."""
        part = self._part(key)
        return part.pop(key) if default is _NOTHING else part.pop(key, default)

    def setdefault(self, key: _K, default: Any = None) -> Any:  # noqa: ANN401 - as in a dictionary
        """Return what is there under a key, or put it there."""
        return self._part(key, new=True).setdefault(key, default)

    def __iter__(self) -> Iterator[_K]:
        return (key for key, _ in self.every())

    def every(self) -> Iterator[tuple[_K, _V]]:
        """Return all that is there; nothing moves meanwhile."""
        for group in self._groups.every():
            yield from group[self._place].items()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _part(self, key: object, *, new: bool = False) -> dict[Any, Any]:
        name = key[0] if isinstance(key, tuple) else key
        group = self._groups.held.get(name)  # nearly always there: one call less
        return (group or self._groups.find(name, new=new))[self._place]


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
