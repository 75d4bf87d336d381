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
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeAlias

import orjson
from sqlmodel import Session

from config import pages
from workflow import register
from workflow.anchors.manifests import line
from workflow.anchors.signatures import Signer
from workflow.desk import SOFTWARE
from workflow.services import (
    as_stored,
    export_lines,
    export_moves,
    export_rows,
    office_rows,
)
from workflow.services.anchor_rows import stored
from workflow.services.as_stored import Entry
from workflow.services.export_rows import Copied
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

    def close(self, signer: Signer | None) -> None:
        """Write the hashes of all files, as `sha256sum -c` reads them; sign them."""
        listed = sorted(self.hashes.items())
        text = "".join(f"{hashed}  {name}\n" for name, hashed in listed).encode()
        self.put("SHA256SUMS", text)
        if signer is not None:
            self.put("SHA256SUMS.sig", bytes.fromhex(signer.sign(text)))


@dataclass
class _Seen:
    """What the entries name, and their rows on the page while these are few."""

    acts: set[tuple[str, ...]] = field(default_factory=set)
    rows: _Rows | None = field(default_factory=lambda: _Rows(list))
    count: int = 0

    def take(self, entry: Entry, body: Mapping[str, Any]) -> None:
        """Note what an entry names."""
        self.count += 1
        if isinstance(act := body.get("act"), dict):
            self.acts.add(_identity_of(act))
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
    outside: bytes | None = None
    """The file of the anchors, where it holds something else than the database."""
    signer: Signer | None = None
    """The key of the register, if it is here."""
    only_read_at: datetime | None = None
    """When it was taken by somebody who can only read; the entry says it else."""
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
    if wanted.outside is not None:
        sums.put("anchors-outside.jsonl", wanted.outside)
    _copy_stamps(sums, wanted.stamps, anchors)
    known = _write_versions(session, sums, call)
    _write_lists(session, sums, call)
    office = _write_office(session, sums, seen)
    sums.lines("acts.jsonl", _named(session, seen))
    state: dict[str, Any] = {
        "exported_by": wanted.exported_by,
        "format": FORMAT,
        "office": office,
        "software": SOFTWARE,
    }
    if wanted.only_read_at is not None:
        state["not_entered"] = register.written(wanted.only_read_at)
    count = _write_state(session, sums, call, {**state, **call.said, "versions": known})
    _write_pages(session, sums, call, seen, count)
    sums.put("moves.json", _json(export_moves.released()))
    sums.put("verify.py", pages.verifier())
    sums.close(wanted.signer)
    head = as_stored.text(call.said["head"])
    return Written(seen.count, head, anchors, len(sums.hashes))


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


def _write_lists(session: Session, sums: Sums, call: Copied) -> None:
    """Write the versions of the approved list, where the call has one."""
    if versions := list(export_rows.lists(session, call)):
        sums.lines("lists.jsonl", versions)


def _write_office(session: Session, sums: Sums, seen: _Seen) -> dict[str, Any]:
    """Write who held which role, and when; return where that chain ends."""
    count, head = 0, register.GENESIS
    with sums.file("office.jsonl") as write:
        for row in as_stored.rows(session, office_rows.ENTRIES):
            entry = Entry(row.seq, as_stored.text(row.hash), as_stored.text(row.body))
            write(_line(entry))
            if isinstance(act := export_lines.said(entry.body).get("act"), dict):
                seen.acts.add(_identity_of(act))
            count, head = count + 1, entry.hash
    sums.lines("officers.jsonl", office_rows.officers(session))
    sums.lines("delegations.jsonl", office_rows.delegations(session))
    return {"entries": count, "head": head}


def _named(session: Session, seen: _Seen) -> Iterator[dict[str, Any]]:
    """Return the acts that the entries name."""
    return (act for act in export_rows.acts(session) if _identity_of(act) in seen.acts)


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
        "officers": list(office_rows.officers(session)),
        "delegations": list(office_rows.delegations(session)),
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
