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

if __name__ == "__main__" and not (
    sys.flags.isolated or getattr(sys.flags, "safe_path", False)
):
    # Whatever lies beside it, and is named as a module of Python is, stays unread.
    del sys.path[0]

import argparse
import hashlib
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Tuple

HOLDS, FAULTY = 0, 5
ZEROS = "0" * 64
LARGEST = 2**53 - 1
LOADING = ("load_call", "change_call", "extend_call", "refinance_call")
FORM = "it says something in a form that it cannot have"
SHOWN = 80
NEEDED = (
    "entries.jsonl",
    "anchors.jsonl",
    "acts.jsonl",
    "officers.jsonl",
    "state.json",
)

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
        written = json.dumps(
            body, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
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


def check_sums(folder: Path, report: Report) -> None:
    """Hold every file against SHA256SUMS, in the form of `sha256sum -c`."""
    listed: set[str] = set()
    try:
        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        report.fault("SHA256SUMS", "it is not there, or cannot be read")
        return
    for line in lines:
        told, _, name = line.partition("  ")
        path = Path(name)
        if not name or path.is_absolute() or ".." in path.parts:
            report.fault("SHA256SUMS", f"a line of it makes no sense: {shown(line)}")
            continue
        listed.add(path.as_posix())
        try:
            if hashed(folder / path) != told:
                report.fault(f"file {shown(name)}", "it is not what SHA256SUMS says")
        except OSError:
            report.fault(f"file {shown(name)}", "it is not there, or cannot be read")
    for name in NEEDED:
        if name not in listed:
            report.fault(f"file {name}", "SHA256SUMS does not name it")
    for path in sorted(folder.glob("call-versions/*.json")):
        name = path.relative_to(folder).as_posix()
        if name not in listed:
            report.fault(f"file {shown(name)}", "SHA256SUMS does not name it")


def objects(path: Path, report: Report) -> Iterator[Said]:
    """Read JSON Lines one after the other."""
    try:
        file: BinaryIO = path.open("rb")
    except OSError:
        report.fault(f"file {path.name}", "it is not there, or cannot be read")
        return
    with file:
        for number, line in enumerate(file, start=1):
            try:
                said = parsed(line.decode())
            except ValueError:
                said = None
            if isinstance(said, dict):
                yield said
            else:
                told = f"line {number} of it cannot be read"
                report.fault(f"file {path.name}", told, "line")


def state_of(folder: Path, report: Report) -> Said:
    """Read what the tables said when the package was written."""
    try:
        state = parsed((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        state = None
    if isinstance(state, dict):
        return state
    report.fault("file state.json", "it cannot be read")
    return {}


# --- anchors -------------------------------------------------------------------


def civil_day(instant: str) -> date:
    """Return the day in Rome: summer time is from March to October, EU rules."""
    utc = datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%f%z")
    begins, ends = (
        last - timedelta(days=(last.weekday() + 1) % 7)
        for last in (
            datetime(utc.year, month, 31, 1, tzinfo=utc.tzinfo) for month in (3, 10)
        )
    )
    return (utc + timedelta(hours=2 if begins <= utc < ends else 1)).date()


class Anchors:
    """Checks anchors one after the other, and keeps what they say of the call."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.hashes: dict[int, str] = {}
        self.keys: list[str] = []
        self.seen: dict[int, tuple[str, str]] = {}
        """Of entries: the hash that an anchor saw, and which anchor."""
        self.last: Said | None = None
        self.day: date | None = None
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
        except (AttributeError, KeyError, TypeError, ValueError):
            self.report.fault(where, FORM)
        said = body.get("number")
        self.last = {
            "number": said if isinstance(said, int) else number,
            "hash": line.get("hash"),
            "key": line.get("key"),
            "at": body.get("at"),
        }
        self.hashes[self.last["number"]] = str(line.get("hash"))
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

    def days_until(self, day: date, where: str) -> None:
        """Find the days of Rome on which nothing was sealed."""
        if self.day is not None and (day - self.day).days > 1:
            first, last = self.day + timedelta(days=1), day - timedelta(days=1)
            told = f"for {first}" if first == last else f"from {first} to {last}"
            self.report.fault(where, f"no anchor {told}", "gap")
        if self.day is None or day > self.day:
            self.day = day

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

    def claim(self, body: Said, call: Any, where: str) -> None:
        """Keep where it saw the chain of the call."""
        for one in body["calls"]:
            if not isinstance(one["entries"], int):
                raise TypeError(one)
            if one["call"] == call and one["entries"]:
                seen = self.seen.setdefault(one["entries"], (one["head"], where))
                if seen[0] != one["head"]:
                    told = f"entry {one['entries']} is told in two ways"
                    self.report.fault(where, told, "two ways")

    def check(self, seq: int, found: Any) -> None:
        """Compare an entry with what the anchors say of it."""
        head, where = self.seen.pop(seq, (found, ""))
        if head != found:
            self.report.fault(where, f"entry {seq} is not the one it saw", "other")

    def close(self, entries: int) -> None:
        """Find the places that the chain does not reach."""
        for seq, (_, where) in sorted(self.seen.items()):
            told = f"it saw entry {seq}, the chain has {entries}"
            self.report.fault(where, told, "unreached")


def take_own(path: Path, anchors: Anchors, call: Any, until: str) -> None:
    """Hold the package against anchors that were kept elsewhere."""
    later = 0
    own = Anchors(Report())
    for line in objects(path, anchors.report):
        body = own.content(line, "line")
        number = body.get("number") if body else None
        where = f"anchor {shown(number)} of your own"
        if body is None or own.report.kinds:
            anchors.report.fault(where, "it does not hold by itself")
            own = Anchors(Report())
            continue
        if isinstance(number, int) and number in anchors.hashes:
            if anchors.hashes[number] != line.get("hash"):
                anchors.report.fault(where, "the package has another one in its place")
        elif str(body.get("at")) <= until:
            anchors.report.fault(where, "the package lacks it")
        else:
            later += 1
            continue
        try:
            anchors.claim(body, call, where)
        except (KeyError, TypeError):
            anchors.report.fault(where, FORM)
    if later:
        anchors.report.note(
            f"{later} of your own anchors are later than the package, which ends "
            f"{until}: ask for a new one if it should reach further"
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


# --- entries -------------------------------------------------------------------


class Chain:
    """Checks the entries one after the other, and adds them up."""

    def __init__(self, report: Report, call: Any, folder: Path) -> None:
        self.report, self.call, self.folder = report, call, folder
        self.seq, self.head, self.at = 0, ZEROS, ""
        self.applications: dict[str, tuple[Any, Any, int, int]] = {}
        """State, version, reserved and granted of each, in cents."""
        self.reserved = self.granted = self.filed = 0
        self.standing: Said = {"state": "published"}
        self.rules: dict[Any, Any] = {}
        self.acts: set[tuple[Any, ...]] = set()
        self.officers: set[Any] = set()
        self.export: Said = {}

    def feed(self, line: Said) -> None:
        """Take in a line of entries.jsonl."""
        seq = line.get("seq")
        if not isinstance(seq, int):
            self.report.fault(f"entry {self.seq + 1}", "it has no number")
            return
        where = f"entry {seq}"
        if seq != self.seq + 1:
            self.report.fault(where, f"entry {self.seq + 1} is missing", "missing")
        self.seq = seq
        text = str(line.get("body"))
        if sha256(text) != line.get("hash"):
            self.report.fault(where, "its content does not match its hash")
        try:
            self.content(canonical(text), seq)
        except NotCanonicalError:
            self.report.fault(where, "it is not in canonical form")
        except MalformedError:
            self.report.fault(where, "it cannot be read")
        except (AttributeError, KeyError, TypeError):
            self.report.fault(where, FORM)
        self.head = str(line.get("hash"))

    def content(self, body: Said, seq: int) -> None:
        """Check what an entry says against those before it."""
        where, fault = f"entry {seq}", self.report.fault
        if body["previous"] != self.head:
            fault(where, "it does not follow the entry before it")
        if body["call"] != self.call or body["seq"] != seq:
            fault(where, "it belongs to another call or place")
        if body["at"] < self.at:
            fault(where, "it is dated before the entry before it")
        self.at = max(self.at, body["at"])
        actor = body["actor"]["id"]
        if actor is not None and str(actor) not in self.officers:
            fault(where, "it names an officer who is not there")
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
        before = self.applications.get(body["application"], ("draft", 0, 0, 0))
        moved = body["money"]["movements"] if body["money"] else []
        self.applications[body["application"]] = (
            body["to"],
            body["version"],
            before[2] + sum(movement["reserved"] for movement in moved),
            before[3] + sum(movement["granted"] for movement in moved),
        )
        self.filed += body["event"] == "submit"
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
        if event in LOADING:
            self.load(body, where)
        if event == "apply_version" or (
            event in LOADING and findings.get("effective_at", "") <= body["at"]
        ):
            self.standing["version"] = body["call_version"]
            self.standing["allocation"] = findings.get("allocation")
        if event == "export_register":
            self.export = {
                "seq": body["seq"],
                "at": body["at"],
                "told": findings.get("exported"),
                "expected": {"entries": body["seq"] - 1, "head": body["previous"]},
            }
            if self.export["told"] != self.export["expected"]:
                told = "it exported something else than what stands before it"
                self.report.fault(where, told)

    def load(self, body: Said, where: str) -> None:
        """Hold the frozen text of a version against the hash of its entry."""
        number = body["call_version"]
        self.rules[number] = body["rules"]
        try:
            found = hashed(self.folder / "call-versions" / f"{int(number)}.json")
        except (OSError, ValueError):
            found = "nothing"
        if found != body["rules"]:
            told = f"the text of version {shown(number)} is not the one it froze"
            self.report.fault(where, told, "frozen")

    def look_up_act(self, body: Said, where: str) -> None:
        """Find the act that an entry names among those that are kept."""
        act = body["act"]
        if act and (act["kind"], act["number"], act["signed_on"]) not in self.acts:
            self.report.fault(where, "it names an act that is not there")

    def close(self, state: Said) -> None:
        """Compare what the entries add up to with what the tables said."""
        fault = self.report.fault
        if state.get("entries") != self.seq:
            told = f"{shown(state.get('entries'))} entries were written, "
            fault("entries", f"{told}{self.seq} are there")
        if state.get("head") != self.head:
            fault("entries", "the last entry is not the head of the call")
        exported = state.get("exported_by")
        if exported is None or self.export.get("seq") != exported:
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
        names = ("state", "version", "reserved", "granted")
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


def instant_of_export(folder: Path, exported: Any) -> str:
    """Return when the package was written, as its own entry says.

    Read ahead: anchors of the auditor's own that are later are no fault. What is
    no entry of the chain is found afterwards.
    """
    for line in objects(folder / "entries.jsonl", Report()):
        if exported is not None and line.get("seq") == exported:
            try:
                return str(canonical(str(line.get("body"))).get("at"))
            except MalformedError:
                break
    return "~"  # after every instant: then nothing is excused


def verify(folder: Path, *, key: str | None, own: Path | None) -> tuple[str, Report]:
    """Check everything; return what it is about, and what was found."""
    report = Report()
    check_sums(folder, report)
    state = state_of(folder, report)
    call = state.get("call")
    anchors = Anchors(report)
    for line in objects(folder / "anchors.jsonl", report):
        anchors.feed(line, call)
    trust(anchors, key)
    if own is not None:
        until = instant_of_export(folder, state.get("exported_by"))
        take_own(own, anchors, call, until)
    chain = Chain(report, call, folder)
    known(folder, chain)
    sealed = max(anchors.seen, default=0)
    for line in objects(folder / "entries.jsonl", report):
        chain.feed(line)
        anchors.check(chain.seq, line.get("hash"))
    anchors.close(chain.seq)
    chain.close(state)
    if chain.at and anchors.day:
        try:
            anchors.days_until(civil_day(chain.at), "anchors")
        except ValueError:
            report.fault("entries", "the last instant makes no sense")
    if not anchors.hashes:
        report.note("no anchor: nothing proves that all of it was not written anew")
    elif sealed < chain.seq:
        report.note(f"entries after {sealed} are sealed by no anchor yet")
    about = (
        f"{shown(call)}: {chain.seq} entries, {len(chain.applications)} applications"
    )
    return f"{about}, {len(anchors.hashes)} anchors, head {shown(chain.head)}", report


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
