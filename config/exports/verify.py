#!/usr/bin/env python3
"""Does what was exported from the register of a call hold?

One file, the standard library of Python 3.8 or later, nothing of the program that
wrote the package. The form of all files is told in README.txt and, in full, in
docs/register.md of the program, so that you can write a verifier of your own.

    python3 verify.py [DIR] [--key HEX] [--anchors FILE]

It ends with 0 if everything holds, with 5 if anything does not, and with 2 if it
was called wrongly. Of each kind of fault the first is named.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod

if __name__ == "__main__" and not (
    sys.flags.isolated or getattr(sys.flags, "safe_path", False)
):
    # Whatever lies beside it, and is named as a module of Python is, stays unread.
    del sys.path[0]

import argparse
import csv
import hashlib
import json
import os
import re
import stat
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Tuple

HOLDS, FAULTY = 0, 5
ZEROS = "0" * 64
LARGEST = 2**53 - 1
LONGEST = 2**30
"""Bytes that are read at once: no line has so many, and no file that is one object."""
LOADING = ("load_call", "change_call", "extend_call", "refinance_call")
FORM = "it says something in a form that it cannot have"
NO_SENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading something raises that is not in the form that it should have."""
SHOWN = 80
AN_HOUR = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(minutes=5)
STAMPED_WITHIN = timedelta(hours=48)
"""A stamp is asked for as long as its anchor is the last: for a day, or two."""
LATE = timedelta(hours=26)
"""A day, and some hours in which whoever seals may be away."""
OFFICE = "~office"
"""What anchors call the chain of the officers; no call can have such a code."""
NEEDED = (
    "entries.jsonl",
    "anchors.jsonl",
    "acts.jsonl",
    "office.jsonl",
    "officers.jsonl",
    "delegations.jsonl",
    "state.json",
    "moves.json",
    "entries.csv",
    "index.html",
    "keys.pem",
    "README.txt",
    "verify.py",
)
SIGNATURE = "SHA256SUMS.sig"

Said = Dict[str, Any]


class Report:
    """Collects what does not hold: the first of each kind, and how many."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, str], list[Any]] = {}
        self.notes: list[str] = []

    def fault(self, where: str, told: str, kind: str = "") -> None:
        """Note something that does not hold."""
        key = (where.split(" ", maxsplit=1)[0], kind or told)
        self.kinds.setdefault(key, [f"{where}: {told}", 0])[1] += 1

    def note(self, told: str) -> None:
        """Note something that is no fault, and that one should know."""
        self.notes.append(told)


class MalformedError(ValueError):
    """A text is no canonical JSON of this register."""


# --- canonical form ------------------------------------------------------------


def no_number(text: str) -> Any:
    """Refuse what is no whole number: the register has no others."""
    raise MalformedError(text)


def parsed(text: str) -> Any:
    """Read JSON that holds whole numbers only."""
    try:
        return json.loads(text, parse_float=no_number, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise MalformedError(text[:SHOWN]) from error


def compact(body: Any) -> str:
    """Write something with all keys in order and no white space."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(text: str) -> Said:
    """Read an object, and hold its text against the one canonical form of it.

    Keys in order, no white space, no escape that need not be, whole numbers below
    2**53, keys of ASCII: then this is RFC 8785.
    """
    body = parsed(text)
    if not isinstance(body, dict):
        raise MalformedError(text[:SHOWN])
    try:
        check(body)
        written = compact(body)
    except RecursionError as error:
        raise MalformedError(text[:SHOWN]) from error
    if written != text:
        raise NotCanonicalError(text[:SHOWN])
    return body


class NotCanonicalError(MalformedError):
    """A text can be read, and should have been written in another way."""


def check(value: Any) -> None:
    """Refuse numbers that are too large, and keys that are not ASCII."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.isascii():
                raise MalformedError(key)
            check(item)
    elif isinstance(value, list):
        for item in value:
            check(item)
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise MalformedError(str(value))


def sha256(text: str) -> str:
    """Hash a text; what cannot be written in UTF-8 has no hash."""
    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError:
        return ""


def shown(value: Any) -> str:
    """Show what may be anything: a terminal must stand it."""
    text = "nothing" if value is None else str(value)
    text = text if text.isprintable() and text.isascii() else ascii(text)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


# --- Ed25519 (RFC 8032, 5.1.7) -------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SIZE = 32
ROOT = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]


def point(encoded: bytes) -> Point | None:
    """Read a point; nothing if the bytes are none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def added(one: Point, other: Point) -> Point:
    """Add two points."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(factor: int, one: Point) -> Point:
    """Add a point to itself so many times."""
    total: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = added(total, one)
        one, factor = added(one, one), factor >> 1
    return total


def encoded(one: Point) -> bytes:
    """Write a point."""
    inverse = pow(one[2], P - 2, P)
    x, y = one[0] * inverse % P, one[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def is_signed(content: bytes, signature: Any, key: Any) -> bool:
    """Tell whether a signature of some bytes is that of a public key, both in hex."""
    try:
        mark, public = bytes.fromhex(str(signature)), bytes.fromhex(str(key))
    except ValueError:
        return False
    if len(mark) != 2 * SIZE or len(public) != SIZE:
        return False
    signer, scalar = point(public), int.from_bytes(mark[32:], "little")
    if signer is None or scalar >= ORDER:
        return False
    drawn = hashlib.sha512(mark[:32] + public + content).digest()
    factor = int.from_bytes(drawn, "little") % ORDER
    minus = (P - signer[0], signer[1], 1, P - signer[3])
    return encoded(added(times(scalar, BASE), times(factor, minus))) == mark[:32]


# --- the files -----------------------------------------------------------------


def hashed(path: Path) -> str:
    """Hash a file, however large it is."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def whole(path: Path) -> bytes:
    """Read a file at once, if it is not too large for that."""
    if path.stat().st_size > LONGEST:
        raise ValueError(f"larger than {LONGEST} bytes")
    return path.read_bytes()


def is_a_package(folder: Path, report: Report) -> bool:
    """Tell whether there are only files: a link leads elsewhere, a pipe has no end."""
    for above, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(above, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                told = "it is no file but a link, a pipe or the like: nothing was read"
                report.fault(f"file {shown(path.relative_to(folder))}", told)
    return not report.kinds


def makes_no_sense(name: str) -> bool:
    """Tell whether a name is not one of something that lies in the package."""
    path = Path(name)
    leads_out = path.is_absolute() or ".." in path.parts
    return leads_out or not name or not name.isprintable()


def check_sums(folder: Path, report: Report) -> None:
    """Hold every file against SHA256SUMS, in the form of `sha256sum -c`."""
    listed: set[str] = set()
    try:
        lines = whole(folder / "SHA256SUMS").decode().splitlines()
    except (OSError, ValueError):
        report.fault("SHA256SUMS", "it is not there, or cannot be read")
        return
    for line in lines:
        told, _, name = line.partition("  ")
        path = Path(name)
        if makes_no_sense(name):
            report.fault("SHA256SUMS", f"a line of it makes no sense: {shown(line)}")
            continue
        if path.as_posix() in listed:
            report.fault(f"file {shown(name)}", "SHA256SUMS names it more than once")
        listed.add(path.as_posix())
        try:
            if hashed(folder / path) != told:
                report.fault(f"file {shown(name)}", "it is not what SHA256SUMS says")
        except OSError:
            report.fault(f"file {shown(name)}", "it is not there, or cannot be read")
    versions = sorted(folder.glob("call-versions/*.json"))
    for name in (*NEEDED, *(f"call-versions/{one.name}" for one in versions)):
        if name not in listed:
            report.fault(f"file {shown(name)}", "SHA256SUMS does not name it")


def check_signature(folder: Path, keys: list[str], told: Any, report: Report) -> None:
    """Hold SHA256SUMS against its signature: it binds also what only people read.

    The entry of the export tells with which key it was signed, if it was.
    """
    try:
        sums = whole(folder / "SHA256SUMS")
        mark = whole(folder / SIGNATURE).hex()
    except (OSError, ValueError):
        if told is not None:
            report.fault("SHA256SUMS", "it was signed, and the signature is not there")
        else:
            report.note(
                "SHA256SUMS is not signed: nothing binds what only people read, "
                "index.html and README.txt"
            )
        return
    key = told if told is not None else (keys or [""])[-1]
    if key not in keys:
        report.fault("SHA256SUMS", "the key that signed it has signed no anchor")
    elif not is_signed(sums, mark, key):
        report.fault("SHA256SUMS", "its signature does not hold")


def objects(path: Path, report: Report) -> Iterator[Said]:
    """Read JSON Lines one after the other."""
    try:
        file: BinaryIO = path.open("rb")
    except OSError:
        report.fault(f"file {path.name}", "it is not there, or cannot be read")
        return
    with file:
        lines = iter(lambda: file.readline(LONGEST + 1), b"")
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST:
                report.fault(f"file {path.name}", f"line {number} of it has no end")
                return
            try:
                said = parsed(line.decode())
            except ValueError:
                said = None
            if isinstance(said, dict):
                yield said
            else:
                told = f"line {number} of it cannot be read"
                report.fault(f"file {path.name}", told, "line")


def object_in(path: Path, report: Report) -> Said:
    """Read a file that is one object."""
    try:
        said = parsed(whole(path).decode())
    except (OSError, ValueError):
        said = None
    if isinstance(said, dict):
        return said
    report.fault(f"file {path.name}", "it cannot be read")
    return {}


# --- the table for a spreadsheet -----------------------------------------------

PLAIN = (
    *("at", "local", "protocol", "application", "event", "outcome", "from", "to"),
    "version",
)
COLUMNS = (
    "seq",
    *PLAIN,
    *("actor", "officer", "role", "identity", "channel"),
    *("call_version", "act", "basis", "reason", "refused_for", "reserved_after"),
    *("granted_after", "allocation", "hash"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet would take for a formula."""


def cells(line: Said, body: Said) -> list[str]:
    """Return what entries.csv says of an entry."""
    actor, refusal, act = body["actor"], body["refusal"] or {}, body["act"]
    after = (body["money"] or {}).get("after") or {}
    values = (
        line["seq"],
        *(body[name] for name in PLAIN),
        *(actor[name] for name in ("kind", "id", "role", "identity")),
        body["channel"],
        body["call_version"],
        f"{act['kind']} {act['number']}/{act['signed_on']}" if act else None,
        body["basis"],
        body["reason"],
        refusal.get("code"),
        *(euros(after.get(name)) for name in ("reserved", "granted", "allocation")),
        line["hash"],
    )
    texts = ["" if value is None else str(value) for value in values]
    return [f"'{text}" if text.startswith(FORMULA) else text for text in texts]


def euros(cents: Any) -> str | None:
    """Write an amount with two decimals."""
    if cents is None:
        return None
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


class Table:
    """Holds entries.csv against the entries, row by row."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.report = report
        self.rows = self.read(folder / "entries.csv")
        self.check(list(COLUMNS), "the names of its columns are others")

    def read(self, path: Path) -> Iterator[list[str]]:
        """Read the rows; what is no table has none."""
        try:
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.reader(file)
        except (OSError, ValueError, csv.Error):
            return

    def take(self, line: Said, body: Said | None) -> None:
        """Compare the row of an entry; one that makes no sense is told elsewhere."""
        try:
            expected = cells(line, body) if body else None
        except NO_SENSE:
            expected = None
        self.check(expected, f"the row of entry {shown(line.get('seq'))} says another")

    def check(self, expected: list[str] | None, told: str) -> None:
        """Compare the next row."""
        found = next(self.rows, None)
        if expected is not None and found != expected:
            self.report.fault("file entries.csv", told, "row")

    def close(self) -> None:
        """Find rows that are of no entry."""
        if next(self.rows, None) is not None:
            self.report.fault("file entries.csv", "it has more rows than entries")


# --- anchors -------------------------------------------------------------------


def instant(at: str) -> datetime:
    """Read an instant as entries write it."""
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f%z")


def civil_day(at: str) -> date:
    """Return the day in Rome: summer time is from March to October, EU rules."""
    utc = instant(at)
    begins, ends = (
        last - timedelta(days=(last.weekday() + 1) % 7)
        for last in (
            datetime(utc.year, month, 31, 1, tzinfo=utc.tzinfo) for month in (3, 10)
        )
    )
    return (utc + timedelta(hours=2 if begins <= utc < ends else 1)).date()


class Marks:
    """Keeps where anchors saw a chain, and holds the chain against it."""

    def __init__(self, report: Report, entry: str) -> None:
        self.report, self.entry = report, entry
        self.seen: dict[int, tuple[str, str]] = {}
        """Of entries: the hash that an anchor saw, and which anchor."""
        self.beyond: set[int] = set()
        """Of these entries, those that only anchors saw that are later than it."""
        self.later: dict[int, str] = {}
        """How far anchors saw the chain reach that must have seen all of it."""

    def note(self, one: Said, where: str) -> None:
        """Keep where an anchor saw the chain end."""
        if not one["entries"]:
            return
        seen = self.seen.setdefault(one["entries"], (one["head"], where))
        if seen[0] != one["head"]:
            told = f"{self.entry} {one['entries']} is told in two ways"
            self.report.fault(where, told, "two ways")

    def note_later(self, one: Said, where: str, *, by: timedelta) -> None:
        """Keep where an anchor saw it end that is later than the package.

        The package may end before that. What was under way while it was written may
        be dated before an anchor that did not see it yet: for an hour that is allowed.
        """
        if one["entries"] not in self.seen:
            self.beyond.add(one["entries"])
        self.note(one, where)
        if by > AN_HOUR:
            self.later.setdefault(one["entries"], where)

    def check(self, seq: int, found: Any) -> None:
        """Compare an entry with what the anchors say of it."""
        head, where = self.seen.pop(seq, (found, ""))
        if head != found:
            told = f"{self.entry} {seq} is not the one it saw"
            self.report.fault(where, told, "other")

    def close(self, entries: int) -> None:
        """Find the places that the chain does not reach, and those that it passes."""
        for seq, (_, where) in sorted(self.seen.items()):
            if seq not in self.beyond:
                told = f"it saw {self.entry} {seq}, the chain has {entries}"
                self.report.fault(where, told, "unreached")
        for seq, where in sorted(self.later.items()):
            if seq < entries:
                told = f"it is later than the package, and saw {seq} entries of "
                self.report.fault(where, f"{told}{entries}", "fewer")


class Anchors:
    """Checks anchors one after the other, and keeps what they say of two chains."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.hashes: dict[int, str] = {}
        self.made: dict[int, Said] = {}
        """What each says of when it was made."""
        self.keys: list[str] = []
        self.of_call = Marks(report, "entry")
        self.of_office = Marks(report, "entry of the officers")
        self.last: Said | None = None
        self.day: date | None = None
        self.gaps: list[tuple[str, date, date]] = []
        """Where it was found, and from which day to which nothing was sealed."""
        self.missed: dict[date, str] = {}
        """Of such days: why, as a later anchor says."""
        self.heads: dict[str, tuple[int, str]] = {}

    def feed(self, line: Said, call: Any) -> None:
        """Check an anchor against the one before it."""
        number = self.last["number"] + 1 if self.last else 1
        where = f"anchor {number}"
        body = self.content(line, where)
        if body is None:
            self.last = {"number": number, "hash": line.get("hash"), "key": None}
            return
        where = f"anchor {shown(body.get('number'))}"
        try:
            if body["number"] != number:
                told = f"anchor {number} is missing"
                self.report.fault(where, told, "missing")
            self.follow(line, body, where)
            self.compare(body, where)
            self.claim(body, call, where)
        except NO_SENSE:
            self.report.fault(where, FORM)
        said = body.get("number")
        self.last = {
            "number": said if isinstance(said, int) else number,
            "hash": line.get("hash"),
            "key": line.get("key"),
            "at": body.get("at"),
        }
        self.hashes[self.last["number"]] = str(line.get("hash"))
        self.made[self.last["number"]] = {
            "at": body.get("at"),
            "simulated": body.get("simulated"),
        }
        if line.get("key") not in self.keys:
            self.keys.append(str(line.get("key")))

    def content(self, line: Said, where: str) -> Said | None:
        """Read what an anchor says, once it is what was hashed and signed."""
        text = str(line.get("body"))
        try:
            body = canonical(text)
        except MalformedError:
            told = "it cannot be read, or is not in canonical form"
            self.report.fault(where, told)
            return None
        where = f"anchor {shown(body.get('number'))}"
        if sha256(text) != line.get("hash"):
            self.report.fault(where, "its content does not match its hash")
        if not is_signed(text.encode(), line.get("signature"), line.get("key")):
            self.report.fault(where, "its signature does not hold")
        if body.get("key") != line.get("key"):
            self.report.fault(where, "what stands beside it says something else")
        return body

    def follow(self, line: Said, body: Said, where: str) -> None:
        """Hold an anchor against the one before it: link, key, dates."""
        last, fault = self.last, self.report.fault
        if body["previous"] != (last["hash"] if last else ZEROS):
            fault(where, "it does not follow the anchor before it")
        before = last["key"] if last else line["key"]
        if before == line["key"]:
            if line.get("endorsement") is not None or "rotated_from" in body:
                fault(where, "it names a key before it, and the key is the same")
        elif body.get("rotated_from") != before or not is_signed(
            line["body"].encode(), line.get("endorsement"), before
        ):
            fault(where, "the key changed, and the one before does not endorse it")
        if last and last.get("at") and body["at"] < last["at"]:
            fault(where, "it is dated before the anchor before it")
        self.days_until(civil_day(body["at"]), where)
        for one in body.get("missed", ()):
            day = date(*map(int, one["day"].split("-")))
            self.missed.setdefault(day, str(one["because"]))

    def days_until(self, day: date, where: str) -> None:
        """Find the days of Rome on which nothing was sealed."""
        if self.day is None or day <= self.day:
            self.day = self.day or day
            return
        first, last = self.day + timedelta(days=1), day - timedelta(days=1)
        if first <= last:
            self.gaps.append((where, first, last))
        self.day = day

    def close(self) -> None:
        """Tell of the days that were missed: explained in an anchor, or not."""
        for where, begun, last in self.gaps:
            first = begun
            told = sorted(day for day in self.missed if first <= day <= last)
            for day in told:
                why = f"explained in an anchor: {shown(self.missed[day])}"
                self.report.note(f"no anchor for {day}, {why}")
                if first < day:
                    self.lacks(where, first, day - timedelta(days=1))
                first = day + timedelta(days=1)
            if first <= last:
                self.lacks(where, first, last)

    def lacks(self, where: str, first: date, last: date) -> None:
        """Tell of days without an anchor that nobody has explained."""
        told = f"for {first}" if first == last else f"from {first} to {last}"
        self.report.fault(where, f"no anchor {told}", "gap")

    def compare(self, body: Said, where: str) -> None:
        """Hold its calls against those of the anchor before: chains only grow."""
        told = {one["call"]: (one["entries"], one["head"]) for one in body["calls"]}
        if list(told) != sorted(told) or len(told) != len(body["calls"]):
            self.report.fault(where, "its calls are not in order")
        for call, (entries, head) in self.heads.items():
            now, hash_now = told.get(call, (0, ""))
            if now < entries or (now == entries and hash_now != head):
                told_of = f"{shown(call)}: the anchor before it saw more, or other"
                self.report.fault(where, told_of, "shrunk")
        self.heads = told

    def claim(
        self, body: Said, call: Any, where: str, *, later: timedelta | None = None
    ) -> None:
        """Keep where it saw the chains of the call and of the officers."""
        for code, marks in ((call, self.of_call), (OFFICE, self.of_office)):
            unseen = {"call": code, "entries": 0, "head": ZEROS}
            saw = [one for one in body["calls"] if one["call"] == code] or [unseen]
            for one in saw:
                if not isinstance(one["entries"], int):
                    raise TypeError(one)
                if later is None:
                    marks.note(one, where)
                else:
                    marks.note_later(one, where, by=later)


class Own:
    """Holds the package against anchors that were kept elsewhere.

    Those of the auditor, and those of the file outside of the database: that one is
    part of the package only where it holds something else than the database.
    """

    def __init__(
        self, anchors: Anchors, call: Any, ends: datetime | None, whose: str
    ) -> None:
        self.anchors, self.call, self.ends, self.whose = anchors, call, ends, whose
        self.report = anchors.report
        self.held = self.same = 0
        """Those that the package should have, and those that it has."""
        self.reach: list[int] = []
        """Of those that are later than it: how far they saw the call."""

    def read(self, path: Path) -> None:
        """Read them: the package has each, the same, or ends before it was made."""
        for line in objects(path, self.report):
            alone = Anchors(Report())
            body = alone.content(line, "line")
            number = body.get("number") if body else None
            where = f"anchor {shown(number)} of {self.whose}"
            if body is None or alone.report.kinds:
                self.report.fault(where, "it does not hold by itself")
                self.held += 1
                continue
            try:
                self.hold(line, body, where)
            except NO_SENSE:
                self.report.fault(where, FORM)

    def hold(self, line: Said, body: Said, where: str) -> None:
        """Hold the package against one of them."""
        kept = self.anchors.hashes.get(body["number"])
        later = None if self.ends is None else instant(body["at"]) - self.ends
        if kept is None and later is not None and later > timedelta(0):
            self.anchors.claim(body, self.call, where, later=later)
            said = {one["call"]: one["entries"] for one in body["calls"]}
            self.reach.append(said.get(self.call, 0))
            return
        self.held += 1
        self.same += kept == line["hash"]
        if kept is None:
            self.report.fault(where, "the package lacks it")
        elif kept != line["hash"]:
            self.report.fault(where, "the package has another one in its place")
        self.anchors.claim(body, self.call, where)

    def close(self, entries: int) -> None:
        """Tell against how many of them the package was held."""
        covers = sum(reach <= entries for reach in self.reach)
        if not self.held and not covers:
            told = "none of them says anything of this package: they prove nothing"
            self.report.fault("anchors of your own", told)
        elif self.same + covers:
            told = f"{self.same + covers} of your own anchors saw what is in it"
            self.report.note(told)
        if self.reach:
            self.report.note(
                f"{len(self.reach)} of your own anchors are later than the package, "
                f"which ends {self.ends}: ask for a new one if it should reach further"
            )


def trust(anchors: Anchors, key: str | None) -> None:
    """See whether the key that the auditor trusts has signed."""
    if key is None:
        if anchors.keys:
            first = shown(anchors.keys[0])
            anchors.report.note(f"first key: {first}; compare it with yours, or --key")
        return
    if key.lower() not in anchors.keys:
        anchors.report.fault(
            "anchors", "the key that you trust has signed none of them"
        )


# --- time stamps (RFC 3161) ----------------------------------------------------


LONG = 0x80
"""From here on a byte says how many bytes of length follow."""


def parts(der: bytes) -> list[tuple[int, bytes]]:
    """Split DER into what stands one after the other: tags, and what they hold."""
    found, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size >= LONG:
            count = size - LONG
            if not count:
                raise ValueError("no length")
            size, at = int.from_bytes(der[at : at + count], "big"), at + count
        if at + size > len(der):
            raise ValueError("cut short")
        found.append((tag, der[at : at + size]))
        at += size
    return found


def inside(der: bytes, *places: int) -> bytes:
    """Go down into DER, each time into the part at a place."""
    for place in places:
        der = parts(der)[place][1]
    return der


def stamped(answer: bytes) -> tuple[str, datetime]:
    """Return what was stamped, its SHA-256 in hex, and when.

    TimeStampResp, its token, SignedData, encapContentInfo, TSTInfo.
    """
    told = parts(inside(answer, 0, 1, 1, 0, 2, 1, 0, 0))
    at = told[4][1].decode("ascii")
    form = "%Y%m%d%H%M%S.%f%z" if "." in at else "%Y%m%d%H%M%S%z"
    when = datetime.strptime(at.replace("Z", "+0000"), form)  # noqa: DTZ007 - %z is there
    return inside(told[2][1], 1).hex(), when


def check_stamps(folder: Path, anchors: Anchors, report: Report) -> None:
    """Hold the time stamps against their anchors: of these bytes, and of that time."""
    seen = []
    for path in sorted(folder.glob("anchors-stamps/*.tsr")):
        where = f"time stamp {shown(path.stem)}"
        try:
            number = int(path.stem)
            imprint, at = stamped(whole(path))
            made = anchors.made[number]
            passed = at - instant(made["at"])
        except (OSError, *NO_SENSE):
            report.fault(where, "it cannot be read, or its anchor is not there")
            continue
        if imprint != anchors.hashes[number]:
            report.fault(where, "it is of other bytes than its anchor")
        elif made["simulated"]:
            pass  # the clock of a rehearsal is no authority's
        elif passed < -CLOCKS_DIFFER:
            report.fault(where, f"it is of {at}, before its anchor was made")
        elif passed > STAMPED_WITHIN:
            report.fault(where, f"it is of {at}, long after its anchor was made")
        seen.append(f"of anchor {number} at {at}")
    if seen:
        told = (
            seen[0] if len(seen) == 1 else f"the first {seen[0]}, the last {seen[-1]}"
        )
        report.note(
            f"{len(seen)} time stamps, {told}; whether the authority signed them, "
            "`openssl ts -verify` tells (README.txt)"
        )


# --- moves ---------------------------------------------------------------------


class Moves:
    """Tells whether the version of the program that wrote an entry allowed its move."""

    def __init__(self, folder: Path, report: Report) -> None:
        said = object_in(folder / "moves.json", report)
        found = said.get("versions")
        self.versions: Said = found if isinstance(found, dict) else {}
        self.family: Any = None

    def learn(self, frozen: Path) -> None:
        """Read from the first version of a call which table of moves is its own."""
        if self.family is None:
            try:
                self.family = parsed(whole(frozen).decode())["family"]
            except (OSError, *NO_SENSE):
                return  # told elsewhere

    def fault(self, body: Said) -> str | None:
        """Say what no version of the program would have done."""
        kind, identity = body["actor"]["kind"], body["actor"]["id"]
        if kind == "person" and identity is None:
            return "a person made it, and it does not say which"
        if kind in ("worker", "unknown") and identity is not None:
            return f"{kind} made it, and it names an officer"
        return self.of_move(body) if body["outcome"] == "ok" else None

    def of_move(self, body: Said) -> str | None:
        """Say which part of a move its version does not have."""
        software, event, role = body["software"], body["event"], body["actor"]["role"]
        version = ".".join(str(software).split(".")[:2])
        if version not in self.versions:
            return f"version {shown(software)} wrote it, whose moves are not here"
        table = "call" if body["application"] is None else str(self.family)
        leads = self.versions[version].get(table, {}).get(event)
        if leads is None:
            return f"`{shown(event)}` is no event of version {version}"
        roles = [one[2] for one in leads if one[:2] == [body["from"], body["to"]]]
        if not roles:
            told = f"`{shown(event)}` does not lead from `{shown(body['from'])}`"
            return f"{told} to `{shown(body['to'])}` in version {version}"
        if not any(role in held for held in roles):
            return f"`{shown(event)}` is not made in the role `{shown(role)}`"
        return None


# --- entries -------------------------------------------------------------------


class Linked(ABC):
    """Checks the entries of a chain one after the other, each with the one before."""

    name, whole = "entry", "call"
    """How faults call an entry of it, and what it is the chain of."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.seq, self.head, self.at = 0, ZEROS, ""
        self.began = ""
        self.simulated = True
        self.acts: set[tuple[Any, ...]] = set()
        self.said: Said | None = None
        """What the last entry says, if it can be read."""

    def feed(self, line: Said) -> None:
        """Take in a line of the file of the chain."""
        self.said = None
        seq = line.get("seq")
        if not isinstance(seq, int):
            self.report.fault(f"{self.name} {self.seq + 1}", "it has no number")
            return
        where = f"{self.name} {seq}"
        if seq != self.seq + 1:
            told = f"{self.name} {self.seq + 1} is missing"
            self.report.fault(where, told, "missing")
        self.seq = seq
        text = str(line.get("body"))
        if sha256(text) != line.get("hash"):
            self.report.fault(where, "its content does not match its hash")
        try:
            self.said = canonical(text)
            self.content(self.said, where)
        except NotCanonicalError:
            self.report.fault(where, "it is not in canonical form")
        except MalformedError:
            self.report.fault(where, "it cannot be read")
        except NO_SENSE:
            self.report.fault(where, FORM)
        self.head = str(line.get("hash"))

    def content(self, body: Said, where: str) -> None:
        """Check what an entry says against those before it."""
        fault = self.report.fault
        if body["previous"] != self.head:
            fault(where, "it does not follow the entry before it")
        if not self.belongs(body) or body["seq"] != self.seq:
            fault(where, f"it belongs to another {self.whole} or place")
        if body["at"] < self.at:
            fault(where, "it is dated before the entry before it")
        self.at = max(self.at, body["at"])
        self.began = self.began or body["at"]
        self.simulated = body["simulated"]
        self.take(body, where)

    @abstractmethod
    def belongs(self, body: Said) -> bool:
        """Tell whether an entry is one of this chain."""

    @abstractmethod
    def take(self, body: Said, where: str) -> None:
        """Take in what an entry says."""

    def look_up_act(self, body: Said, where: str) -> None:
        """Find the act that an entry names among those that are kept."""
        act = body["act"]
        if act and (act["kind"], act["number"], act["signed_on"]) not in self.acts:
            self.report.fault(where, "it names an act that is not there")


class Chain(Linked):
    """Checks the entries of the call, and adds them up."""

    def __init__(self, report: Report, call: Any, folder: Path) -> None:
        super().__init__(report)
        self.call, self.folder = call, folder
        self.applications: dict[str, tuple[Any, Any, int, int, Any]] = {}
        """State, version, reserved and granted of each, in cents, and its protocol."""
        self.reserved = self.granted = self.filed = 0
        self.standing: Said = {"state": "published"}
        self.rules: dict[Any, Any] = {}
        self.officers: set[Any] = set()
        self.export: Said = {}
        self.moves = Moves(folder, report)
        self.lists = 0
        """How many versions of an approved list there were."""
        self.listed: dict[str, Said] = {}
        """Who stands on it, by application."""
        self.scores: dict[Any, list[Any]] = {}
        """As each is shown, and to its last part, by protocol."""
        self.rankings = 0
        """How many rankings an act has made."""
        self.due: dict[Any, list[Any]] = {}
        """The place in the last one, and what was given in all, by protocol."""

    def belongs(self, body: Said) -> bool:
        """Tell whether an entry is one of the call."""
        return bool(body["call"] == self.call)

    def take(self, body: Said, where: str) -> None:
        """Take in what was done, or refused."""
        fault = self.report.fault
        actor = body["actor"]["id"]
        if actor is not None and str(actor) not in self.officers:
            fault(where, "it names an officer who is not there")
        told = self.moves.fault(body)
        if told is not None:
            fault(where, told, "move")
        if body["outcome"] == "ok":
            self.count(body["money"], where)
            if body["application"] is None:
                self.take_call(body, where)
            else:
                self.take_application(body, where)
            self.look_up_act(body, where)
        number = body["call_version"]
        if number is not None and self.rules.get(number) != body["rules"]:
            told = f"its rules are not those of version {shown(number)} of the call"
            fault(where, told, "rules")

    def count(self, money: Said | None, where: str) -> None:
        """Add up the movements, and compare with what the entry says of it."""
        if money is None:
            return
        for movement in money["movements"]:
            self.reserved += movement["reserved"]
            self.granted += movement["granted"]
        after = money["after"]
        if (after["reserved"], after["granted"]) != (self.reserved, self.granted):
            told = "the money after it is not what the movements add up to"
            self.report.fault(where, told)
        if self.reserved + self.granted > after["allocation"]:
            self.report.fault(where, "the money passes the allocation")

    def take_application(self, body: Said, where: str) -> None:
        """Move an application from where it stood."""
        before = self.applications.get(body["application"], ("draft", 0, 0, 0, None))
        moved = body["money"]["movements"] if body["money"] else []
        self.applications[body["application"]] = (
            body["to"],
            body["version"],
            before[2] + sum(movement["reserved"] for movement in moved),
            before[3] + sum(movement["granted"] for movement in moved),
            body["protocol"],
        )
        self.filed += body["event"] == "submit"
        self.take_place(body, where)
        if body["from"] != before[0]:
            told = f"it starts from `{shown(body['from'])}` but stood at `{before[0]}`"
            self.report.fault(where, told, "from")
        elif body["version"] != before[1] + 1:
            told = f"version {shown(body['version'])} follows version {before[1]}"
            self.report.fault(where, told, "version")

    def take_call(self, body: Said, where: str) -> None:
        """Move the call from where it stood, and take in a version of it."""
        stood, findings = self.standing["state"], body["findings"] or {}
        if body["from"] is not None and body["from"] != stood:
            told = f"it starts from `{shown(body['from'])}` but the call stood at "
            self.report.fault(where, f"{told}`{shown(stood)}`", "from, call")
        if body["to"] is not None:
            self.standing["state"] = body["to"]
        event = body["event"]
        self.hash_lists(findings, where)
        if event in LOADING:
            self.load(body, where)
        if event == "apply_version" or (
            event in LOADING and findings.get("effective_at", "") <= body["at"]
        ):
            self.standing["version"] = body["call_version"]
            self.standing["allocation"] = findings.get("allocation")
        if event == "update_list":
            self.take_list(findings["list"], where)
        if event == "rank_call":
            self.take_ranking(findings["ranking"], where)
        if event == "fund_call":
            self.take_funds(findings, where)
        if event == "export_register":
            self.export = {
                "seq": body["seq"],
                "at": body["at"],
                "key": findings["exported"].get("key"),
            }
            reached = [findings["exported"].get(name) for name in ("entries", "head")]
            if reached != [body["seq"] - 1, body["previous"]]:
                told = "it exported something else than what stands before it"
                self.report.fault(where, told)

    def take_list(self, told: Said, where: str) -> None:
        """Add to the list, and take from it, what an act did; then hash it whole."""
        self.lists += 1
        makes_sense = told["version"] == self.lists
        for one in told["changes"]:
            was = self.listed.pop(one["application"], None)
            makes_sense &= (was is None) == (one["change"] == "added")
            if one["change"] != "removed":
                names = ("application", "protocol", "behind")
                self.listed[one["application"]] = {name: one[name] for name in names}
        members = sorted(self.listed.values(), key=lambda one: str(one["protocol"]))
        text = compact(members)
        if not makes_sense or (len(members), sha256(text)) != (
            told["size"],
            told["sha256"],
        ):
            fault = "the list is not the one before it with these changes"
            self.report.fault(where, fault)

    def take_ranking(self, told: Said, where: str) -> None:
        """Hold a ranking to the scores before it."""
        order, self.rankings = told["order"], self.rankings + 1
        holds, merits = told["version"] == self.rankings, []
        for place, one in enumerate(order, start=1):
            self.due[one["application"]] = [place, one["amount"]]
            decided = one["decided"][0]
            if decided["rule"] == "score":  # another family may rank by lot
                holds &= self.scored(one, decided["value"])
                merits.append(Fraction(self.scores[one["application"]][1]))
            holds &= one["place"] == place
        for one in told["below"]:
            holds &= self.scored(one, one.get("exact", one["score"]))
        if not holds or merits != sorted(merits, reverse=True):
            self.report.fault(where, "its ranking does not follow the scores")

    def scored(self, one: Said, exact: Any) -> bool:
        """Tell whether a line of a ranking has the score that was given."""
        return self.scores.get(one["application"]) == [one["score"], str(exact)]

    def take_funds(self, findings: Said, where: str) -> None:
        """Hold what moves down a ranking to the places in it."""
        holds = findings["ranking"] == self.rankings
        for one in findings["funded"]:
            place = self.due[one["application"]][0]
            self.due[one["application"]] = [place, one["amount"]]
            holds &= one["place"] == place and one["amount"] > one["before"]
        if not holds:
            self.report.fault(where, "the money does not follow the ranking")

    def take_place(self, body: Said, where: str) -> None:
        """Hold a file to its place and sum, or take in its score."""
        findings, given = body["findings"] or {}, body["inputs"] or {}
        if body["event"] == "evaluate" and "score" in findings:
            score = findings["score"]
            exact = str(score.get("exact", score["total"]))
            self.scores[body["protocol"]] = [score["total"], exact]
        if body["event"] in ("fund", "admit_unfunded"):
            said = [given["place"], given["amount"]]
            due = self.due.get(body["protocol"])
            if given["ranking"] != self.rankings or said != due:
                self.report.fault(where, "its place and sum are not those of a ranking")

    def hash_lists(self, findings: Said, where: str) -> None:
        """Hold a closed set, and a ranking, against the hash that its entry tells."""
        for name, keys in (("set", ("applications",)), ("ranking", ("order", "below"))):
            told = findings.get(name)
            if not isinstance(told, dict):
                continue
            if sha256(compact({key: told[key] for key in keys})) != told["sha256"]:
                self.report.fault(where, f"its {name} does not match its hash")

    def load(self, body: Said, where: str) -> None:
        """Hold the frozen text of a version against the hash of its entry."""
        number = body["call_version"]
        self.rules[number] = body["rules"]
        frozen = self.folder / "call-versions" / f"{int(number)}.json"
        try:
            found = hashed(frozen)
        except OSError:
            found = "nothing"
        self.moves.learn(frozen)
        if found != body["rules"]:
            told = f"the text of version {shown(number)} is not the one it froze"
            self.report.fault(where, told, "frozen")

    def close(self, state: Said) -> None:
        """Compare what the entries add up to with what the tables said."""
        fault = self.report.fault
        if state.get("entries") != self.seq:
            told = f"{shown(state.get('entries'))} entries were written, "
            fault("entries", f"{told}{self.seq} are there")
        if state.get("head") != self.head:
            fault("entries", "the last entry is not the head of the call")
        exported = state.get("exported_by")
        if exported is None and isinstance(state.get("not_entered"), str):
            self.report.note(
                f"taken at {shown(state['not_entered'])} by somebody who can only read "
                "the register: no entry tells of it"
            )
        elif exported is None or self.export.get("seq") != exported:
            fault("entries", "the export itself is no entry of the register")
        self.standing.update(
            reserved=self.reserved, granted=self.granted, filed=self.filed
        )
        for name, told in sorted(self.standing.items()):
            if state.get(name) != told:
                found = f"has {name} {shown(state.get(name))}"
                fault("the call", f"{found}, the register says {shown(told)}", name)
        self.compare(state.get("applications"))
        self.compare_versions(state.get("versions"))

    def compare(self, rows: Any) -> None:
        """Compare every application."""
        names = ("state", "version", "reserved", "granted", "protocol")
        seen = set()
        for row in rows if isinstance(rows, list) else ():
            identity = row.get("application") if isinstance(row, dict) else None
            seen.add(str(identity))
            told = self.applications.get(str(identity))
            where = f"application {shown(identity)}"
            if told is None:
                self.report.fault(where, "it has no entry")
                continue
            for name, said in zip(names, told):
                if row.get(name) != said:
                    found = f"has {name} {shown(row.get(name))}"
                    text = f"{found}, the register says {shown(said)}"
                    self.report.fault(where, text, name)
        for identity in self.applications:
            if identity not in seen:
                where = f"application {shown(identity)}"
                self.report.fault(where, "it is in the entries only")

    def compare_versions(self, rows: Any) -> None:
        """Compare the hashes under which the versions were frozen."""
        kept = {
            str(row.get("number")): row.get("sha256")
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, dict)
        }
        told_of = {str(number): rules for number, rules in self.rules.items()}
        for number in sorted({*kept, *told_of}):
            if kept.get(number) != told_of.get(number):
                told = "it is not kept under the hash that its entry says"
                self.report.fault(f"version {shown(number)} of the call", told)


# --- officers ------------------------------------------------------------------


class Office(Linked):
    """Checks the entries about officers, and adds up who held which role, and when."""

    name, whole = "officers' entry", "chain"

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.retired: dict[Any, Any] = {}
        """Each officer, with the instant at which they retired."""
        self.roles: dict[tuple[Any, ...], Any] = {}
        """Officer, role and since when, with the end."""
        self.delegations: dict[Any, Said] = {}
        self.events = {
            "begin_office": self.begin,
            "add_officer": self.add,
            "give_roles": self.give,
            "end_roles": self.end,
            "retire_officer": self.retire,
            "delegate_role": self.delegate,
            "end_delegation": self.take_back,
        }

    def belongs(self, body: Said) -> bool:
        """Tell whether an entry is one of the officers."""
        return bool(body["chain"] == "office")

    def take(self, body: Said, where: str) -> None:
        """Take in an entry; one that was refused changes nothing."""
        if body["outcome"] != "ok":
            return
        self.events[body["event"]](body["officer"], body["details"], body)
        self.look_up_act(body, where)

    def begin(self, _: Any, said: Said, __: Said) -> None:
        """Take in who was there before this was written down."""
        for one in said["officers"]:
            self.retired[one["officer"]] = one["retired_at"]
            for held in one["roles"]:
                key = (one["officer"], held["role"], held["since"])
                self.roles[key] = held["ended_at"]

    def add(self, officer: Any, said: Said, body: Said) -> None:
        """Take in an officer with their first roles."""
        self.retired[officer] = None
        self.give(officer, said, body)

    def give(self, officer: Any, said: Said, body: Said) -> None:
        """Take in new roles of an officer."""
        for role in said["roles"]:
            self.roles[officer, role, body["at"]] = None

    def end(self, officer: Any, said: Said, body: Said) -> None:
        """End the roles of an officer that have not ended yet."""
        for key, end in self.roles.items():
            if key[0] == officer and key[1] in said["roles"] and end is None:
                self.roles[key] = body["at"]

    def retire(self, officer: Any, said: Said, body: Said) -> None:
        """Retire an officer, with all that they hold and delegate."""
        self.end(officer, said, body)
        self.retired[officer] = body["at"]
        for delegation in said["delegations"]:
            self.delegations[delegation]["ended_at"] = body["at"]

    def delegate(self, officer: Any, said: Said, body: Said) -> None:
        """Take in what an officer delegates to another, on which days."""
        self.delegations[said["delegation"]] = {
            "delegator": officer,
            "delegate": said["to"],
            "role": said["role"],
            "first_day": said["first_day"],
            "last_day": said["last_day"],
            "made_at": body["at"],
            "ended_at": None,
            "act": body["act"],
        }

    def take_back(self, _: Any, said: Said, body: Said) -> None:
        """End a delegation before its last day."""
        self.delegations[said["delegation"]]["ended_at"] = body["at"]

    def close(self, state: Said, rows: list[Said], delegations: list[Said]) -> None:
        """Compare what the entries add up to with what the tables said."""
        said = state.get("office")
        if said != {"entries": self.seq, "head": self.head}:
            told = "the last entry is not the one that state.json names"
            self.report.fault("officers", told)
        if not self.seq and rows:
            told = "no entry tells of any of them"
            self.report.fault("officers", told)
            return
        held = {}
        for row in rows:
            for one in row["roles"]:
                held[row["id"], one["role"], one["since"]] = one["until"]
        retired = {row["id"]: row["retired_at"] for row in rows}
        kept = {row["id"]: {**row, "id": None} for row in delegations}
        told_of = {key: {**one, "id": None} for key, one in self.delegations.items()}
        self.compare("officer", self.retired, retired)
        self.compare("role of officer", self.roles, held)
        self.compare("delegation", told_of, kept)

    def compare(self, what: str, told: dict[Any, Any], rows: dict[Any, Any]) -> None:
        """Compare rows with what the entries say of them."""
        for key in [*rows, *(key for key in told if key not in rows)]:
            name = " ".join(map(str, key)) if isinstance(key, tuple) else key
            where = f"{what} {shown(name)}"
            if key not in told:
                self.report.fault(where, "it is in no entry of the officers")
            elif key not in rows:
                self.report.fault(where, "it is in the entries of the officers only")
            elif told[key] != rows[key]:
                self.report.fault(where, "it is not as the entries of the officers say")


def check_office(folder: Path, anchors: Anchors, chain: Chain, state: Said) -> int:
    """Check the chain of the officers; return how many entries it has."""
    report = chain.report
    office = Office(report)
    office.acts = chain.acts
    for line in objects(folder / "office.jsonl", report):
        office.feed(line)
        anchors.of_office.check(office.seq, line.get("hash"))
    anchors.of_office.close(office.seq)
    rows = list(objects(folder / "officers.jsonl", Report()))
    delegations = list(objects(folder / "delegations.jsonl", report))
    try:
        office.close(state, rows, delegations)
    except NO_SENSE:
        report.fault("officers", FORM)
    return office.seq


# --- all of it -----------------------------------------------------------------


def known(folder: Path, chain: Chain) -> None:
    """Read which officers and acts are kept."""
    for row in objects(folder / "officers.jsonl", chain.report):
        chain.officers.add(str(row.get("id")))
    for row in objects(folder / "acts.jsonl", chain.report):
        act = (row.get("kind"), row.get("number"), row.get("signed_on"))
        chain.acts.add(tuple(map(str, act)))
        if str(row.get("signed_by")) not in chain.officers:
            told = "it was entered by an officer who is not there"
            chain.report.fault(f"act {shown(row.get('number'))}", told)


def end_of(folder: Path, state: Said) -> datetime | None:
    """Return when the package was written, as its own entry says, if it does.

    Read ahead: anchors of the auditor's own that are later may be missing. What is
    no entry of the chain is found afterwards.
    """
    told, exported = state.get("not_entered"), state.get("exported_by")
    for line in objects(folder / "entries.jsonl", Report()):
        if exported is not None and line.get("seq") == exported:
            try:
                told = canonical(str(line.get("body"))).get("at")
            except MalformedError:
                told = None
            break
    try:
        return instant(str(told))
    except NO_SENSE:
        return None  # then nothing is excused


def is_late(chain: Chain) -> bool:
    """Tell whether a day passed without an anchor; in a rehearsal none is missed."""
    if chain.simulated is not False:
        return False
    try:
        began, ended = map(instant, (chain.began, chain.at))
    except NO_SENSE:
        return False  # told of elsewhere
    return ended - began > LATE


def check_anchors(
    folder: Path, anchors: Anchors, state: Said, own: Path | None
) -> Own | None:
    """Check the anchors, and hold them against the copies that are kept elsewhere."""
    call, report = state.get("call"), anchors.report
    for line in objects(folder / "anchors.jsonl", report):
        anchors.feed(line, call)
    check_stamps(folder, anchors, report)
    outside = folder / "anchors-outside.jsonl"
    if own is None and not outside.exists():
        return None
    ends = end_of(folder, state)
    if outside.exists():
        Own(anchors, call, ends, "the file outside of the database").read(outside)
    if own is None:
        return None
    mine = Own(anchors, call, ends, "your own")
    mine.read(own)
    return mine


def check_entries(folder: Path, anchors: Anchors, chain: Chain, state: Said) -> None:
    """Check the entries of the call, and all that is in the package beside them."""
    report = chain.report
    known(folder, chain)
    table = Table(folder, report)
    for line in objects(folder / "entries.jsonl", report):
        chain.feed(line)
        table.take(line, chain.said)
        anchors.of_call.check(chain.seq, line.get("hash"))
    table.close()
    anchors.of_call.close(chain.seq)
    chain.close(state)
    check_signature(folder, anchors.keys, chain.export.get("key"), report)


def check_days(anchors: Anchors, chain: Chain, sealed: int) -> None:
    """Tell of the days without an anchor, up to the last entry, and what none seals."""
    report = chain.report
    if chain.at and anchors.day:
        try:
            anchors.days_until(civil_day(chain.at), "anchors")
        except NO_SENSE:
            report.fault("entries", "the last instant makes no sense")
    anchors.close()
    if anchors.hashes:
        if sealed < chain.seq:
            report.note(f"entries after {sealed} are sealed by no anchor yet")
        return
    told = "no anchor: nothing proves that all of it was not written anew"
    if is_late(chain):
        report.fault("anchors", f"{told}, and more than a day passed")
    else:
        report.note(told)


def verify(folder: Path, *, key: str | None, own: Path | None) -> tuple[str, Report]:
    """Check everything; return what it is about, and what was found."""
    report = Report()
    if not is_a_package(folder, report):
        return "no package", report
    check_sums(folder, report)
    state = object_in(folder / "state.json", report)
    anchors = Anchors(report)
    mine = check_anchors(folder, anchors, state, own)
    trust(anchors, key)
    sealed = max(anchors.of_call.seen.keys() - anchors.of_call.beyond, default=0)
    chain = Chain(report, state.get("call"), folder)
    check_entries(folder, anchors, chain, state)
    staff = check_office(folder, anchors, chain, state)
    if mine is not None:
        mine.close(chain.seq)
    check_days(anchors, chain, sealed)
    about = (
        f"{shown(chain.call)}: {chain.seq} entries, {len(chain.applications)} "
        f"applications, {staff} entries of the officers, {len(anchors.hashes)} "
        f"anchors, head {shown(chain.head)}"
    )
    return about, report


def main() -> int:
    """Verify what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        description="Verify an export of the register of a call, offline."
    )
    parser.add_argument("dir", nargs="?", default=".", help="where it is (default: .)")
    parser.add_argument("--key", help="the public key you trust, 64 digits in hex")
    parser.add_argument("--anchors", help="your own copy of anchors, JSON Lines")
    given = parser.parse_args()
    folder = Path(given.dir)
    if not folder.is_dir():
        parser.error(f"{given.dir} is no directory")
    if given.key is not None and not re.match(r"^[0-9a-fA-F]{64}$", given.key):
        parser.error("--key is 64 digits in hex")
    own = Path(given.anchors) if given.anchors else None
    if own is not None and not own.is_file():
        parser.error(f"{given.anchors} is no file")
    about, report = verify(folder, key=given.key, own=own)
    print(about)
    for first, count in report.kinds.values():
        print(
            f"FAULT {first}" + (f" (and {count - 1} more like it)" if count > 1 else "")
        )
    for told in report.notes:
        print(f"note: {told}")
    print("it does NOT hold" if report.kinds else "everything holds")
    return FAULTY if report.kinds else HOLDS


if __name__ == "__main__":
    sys.exit(main())
