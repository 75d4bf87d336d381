"""Which files does an auditor take away?

Everything is written as it is read: however long a chain is, no more of it is held
than where each application stands, and the rows of the page while they are few.
"""

import csv
import os
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeAlias

import orjson
from sqlmodel import Session

from config import pages
from workflow.anchors.manifests import line
from workflow.desk import SOFTWARE
from workflow.services import export_lines, export_rows
from workflow.services.anchor_rows import stored
from workflow.services.export_rows import Copied, Entry
from workflow.services.folders import opened_new

FORMAT = 1
"""The version of the form of a package; it stands in its `state.json`."""

MOST_ON_A_PAGE = 20_000
"""Entries, or applications: with more a browser shows no page any more."""

_EVERY = 2_000
_SPKI = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in a PEM (RFC 8410)."""

_KEY_DIGITS = 64

_Rows: TypeAlias = defaultdict[str | None, list[export_lines.Row]]

Progress = Callable[[int, int], None]
"""Told how many entries are written, and of how many."""


class Sums:
    """Writes files into a folder, and keeps their hashes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.hashes: dict[str, str] = {}

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Give what writes a file; it is on the disk when it is closed."""
        path, hashed = self._folder / name, sha256()
        path.parent.mkdir(0o755, exist_ok=True)
        with opened_new(path) as file:

            def write(content: bytes) -> None:
                file.write(content)
                hashed.update(content)

            yield write
            _keep(file)
        self.hashes[name] = hashed.hexdigest()

    def put(self, name: str, content: bytes) -> None:
        """Write a file at once."""
        with self.file(name) as write:
            write(content)

    def lines(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write JSON Lines; return how many."""
        count = 0
        with self.file(name) as write:
            for count, row in enumerate(rows, start=1):  # noqa: B007 - it is returned
                write(_json(row) + b"\n")
        return count

    def close(self) -> None:
        """Write the hashes of all files, as `sha256sum -c` reads them."""
        listed = sorted(self.hashes.items())
        text = "".join(f"{hashed}  {name}\n" for name, hashed in listed)
        with opened_new(self._folder / "SHA256SUMS") as file:
            file.write(text.encode())
            _keep(file)


@dataclass
class _Seen:
    """What the entries name, and their rows on the page while these are few."""

    acts: set[tuple[str, ...]] = field(default_factory=set)
    officers: set[str] = field(default_factory=set)
    rows: _Rows | None = field(default_factory=lambda: _Rows(list))
    count: int = 0

    def take(self, entry: Entry, body: Mapping[str, Any]) -> None:
        """Note what an entry names."""
        self.count += 1
        if isinstance(act := body.get("act"), dict):
            self.acts.add(_identity_of(act))
        if isinstance(actor := body.get("actor"), dict):
            self.officers.add(str(actor.get("id")))
        if self.count > MOST_ON_A_PAGE:
            self.rows = None
        if self.rows is not None:
            application = body.get("application")
            key = None if application is None else str(application)
            self.rows[key].append(export_lines.row(entry.seq, body))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written."""

    code: str
    exported_by: int | None
    """The entry of the export itself; none if it could not be entered."""
    stamps: Mapping[int, Path] = field(default_factory=dict)
    """The time stamps that are kept here, by the numbers of their anchors."""
    tell: Progress = lambda _done, _total: None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    entries: int
    head: str
    anchors: int
    files: int


def write(session: Session, folder: Path, wanted: Wanted) -> Written:
    """Write the files of a call, all of one and the same moment."""
    call = export_rows.call_of(session, wanted.code)
    sums, seen = Sums(folder), _Seen()
    _write_entries(session, sums, call, seen, wanted.tell)
    anchors = _write_anchors(session, sums)
    _copy_stamps(sums, wanted.stamps, anchors)
    known = _write_versions(session, sums, call)
    _write_named(session, sums, seen)
    state = {
        "exported_by": wanted.exported_by,
        "format": FORMAT,
        "software": SOFTWARE,
    }
    count = _write_state(session, sums, call, {**state, **call.said, "versions": known})
    _write_pages(session, sums, call, seen, count)
    sums.put("verify.py", pages.verifier())
    sums.close()
    head = export_rows.text(call.said["head"])
    return Written(seen.count, head, anchors, len(sums.hashes) + 1)


def _write_entries(
    session: Session, sums: Sums, call: Copied, seen: _Seen, tell: Progress
) -> None:
    total = call.said["entries"]
    total = total if isinstance(total, int) else 0
    with sums.file("entries.jsonl") as write, sums.file("entries.csv") as write_row:
        table = csv.writer(_Encoder(write_row), quoting=csv.QUOTE_ALL)
        table.writerow(export_lines.COLUMNS)
        for entry in export_rows.entries(session, call):
            write(_line(entry))
            body = export_lines.said(entry.body)
            table.writerow(export_lines.cells(entry.seq, entry.hash, body))
            seen.take(entry, body)
            if not seen.count % _EVERY:
                tell(seen.count, total)
    tell(seen.count, total)


def _write_anchors(session: Session, sums: Sums) -> int:
    keys: dict[str, int] = {}
    count = 0
    with sums.file("anchors.jsonl") as write:
        for count, anchor in enumerate(stored(session), start=1):  # noqa: B007 - it is returned
            write(line(anchor))
            keys.setdefault(anchor.key, anchor.number)
    sums.put("keys.pem", "".join(_pem(key, keys[key]) for key in keys).encode())
    return count


def _copy_stamps(sums: Sums, stamps: Mapping[int, Path], anchors: int) -> None:
    """Copy what an authority has stamped of the anchors that are here."""
    for number in sorted(stamps):
        if number <= anchors:
            sums.put(f"anchors-stamps/{number:08}.tsr", stamps[number].read_bytes())


def _write_versions(session: Session, sums: Sums, call: Copied) -> list[dict[str, Any]]:
    known = []
    for version, frozen in export_rows.versions(session, call):
        known.append(version)
        if isinstance(version["number"], int):  # else it makes no name of a file
            sums.put(f"call-versions/{version['number']}.json", frozen)
    return known


def _write_named(session: Session, sums: Sums, seen: _Seen) -> None:
    """Write the acts that the entries name, and who is named by either."""

    def named() -> Iterator[dict[str, Any]]:
        for act in export_rows.acts(session):
            if _identity_of(act) in seen.acts:
                seen.officers.add(str(act["signed_by"]))
                yield act

    sums.lines("acts.jsonl", named())
    officers = export_rows.officers(session)
    there = (one for one in officers if str(one["id"]) in seen.officers)
    sums.lines("officers.jsonl", there)


def _write_state(
    session: Session, sums: Sums, call: Copied, said: Mapping[str, Any]
) -> int:
    """Write what the tables say, an application a line; return how many."""
    count = 0
    with sums.file("state.json") as write:
        write(_json(said)[:-1] + b',"applications":[')
        for count, one in enumerate(export_rows.applications(session, call), start=1):
            write((b"\n" if count == 1 else b",\n") + _json(one))
        write(b"]}\n")
    return count


def _write_pages(
    session: Session, sums: Sums, call: Copied, seen: _Seen, count: int
) -> None:
    rows = seen.rows if count <= MOST_ON_A_PAGE else None
    applications = (
        list(export_rows.applications(session, call))
        if count <= MOST_ON_A_PAGE
        else None
    )
    known = {one["application"] for one in applications or ()}
    facts = {
        "call": {**call.said, "software": SOFTWARE},
        "applications": applications,
        "timelines": rows,
        "unknown": [key for key in rows or () if key is not None and key not in known],
        "money": export_lines.money,
    }
    with sums.file("index.html") as write:
        for part in pages.index(facts):
            write(part.encode(errors="backslashreplace"))
    sums.put("README.txt", pages.read_me(call.said).encode())


class _Encoder:
    """Takes the text that a writer of tables writes, and passes its bytes on."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, text: str) -> None:
        """Pass a row on."""
        self._write(text.encode(errors="backslashreplace"))


def _line(entry: Entry) -> bytes:
    said = {"body": entry.body, "hash": entry.hash, "seq": entry.seq}
    return _json(said) + b"\n"


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=str)


def _identity_of(act: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(act.get(name)) for name in ("kind", "number", "signed_on"))


def _pem(key: str, number: int) -> str:
    """Write a public key as openssl reads it; what is none is named only."""
    head = f"# since anchor {number}: {key}\n"
    try:
        content = b64encode(_SPKI + bytes.fromhex(key)).decode()
    except ValueError:
        return head
    if len(key) != _KEY_DIGITS:
        return head
    return f"{head}-----BEGIN PUBLIC KEY-----\n{content}\n-----END PUBLIC KEY-----\n"


def _keep(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
