"""Which anchors bear the stamp of an authority outside, and do the stamps hold?

A stamp lies beside the file of the anchors, outside of the database. That of one
anchor speaks for all before it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from config.logs import log
from models.session import reading
from models.tables import Anchor
from workflow.anchors import stamps
from workflow.anchors.manifests import Signed
from workflow.anchors.series import AnchorFault
from workflow.anchors.stamps import Authority, StampError
from workflow.desk import AnchorFiles, Desk
from workflow.errors import RefusedError, UnavailableError
from workflow.register import written
from workflow.services.keys import is_there, sync_folder

_LATE = timedelta(hours=26)
"""A day, and some hours in which an authority may be away."""

_STAMPED_WITHIN = timedelta(hours=48)
_ASKED_WITHIN = _STAMPED_WITHIN - timedelta(hours=1)
"""Somewhat less: an authority may take its time."""

_CLOCKS_DIFFER = timedelta(minutes=5)
_MINE, _MY_FOLDER = 0o640, 0o750
"""Auditors read them: they hold nothing personal."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """An anchor, and when the authority saw it."""

    number: int
    at: datetime
    file: Path


def is_due(desk: Desk) -> bool:
    """Tell whether the last anchor has no stamp, and somebody could give one in time.

    What is stamped late proves little, and would look as if it had been dated back:
    then the next anchor is stamped, and speaks for this one too.
    """
    files = desk.anchor_files
    if files is None or files.authority is None:
        return False
    last = _last(desk)
    if last is None or _path(files, last.number).exists():
        return False
    return desk.ambient.now() - last.at <= _ASKED_WITHIN


def stamp(desk: Desk) -> Stamped | None:
    """Have the last anchor stamped, unless it is (*marca temporale*, RFC 3161).

    Raises:
        RefusedError: what the authority answers does not hold.
        UnavailableError: it does not answer, or the stamp cannot be kept.
    """
    files, last = desk.anchor_files, _last(desk)
    if files is None or files.authority is None or last is None:
        return None
    path = _path(files, last.number)
    if not is_due(desk):
        return None
    content, roots = last.body.encode(), _roots(files.authority)
    asked = stamps.request(content)
    answer = files.authority.ask(asked.content)
    try:
        at = stamps.stamped_at(answer, content, roots, nonce=asked.nonce)
    except StampError as error:
        raise RefusedError(
            "stamp.wrong",
            f"the answer of {files.authority.name} is no stamp that holds: {error}; "
            "check SPORTELLO_TSA_URL and SPORTELLO_TSA_ROOTS",
        ) from error
    _keep(path, answer)
    log.info("anchor_stamped", number=last.number)
    return Stamped(last.number, at, path)


class Check:
    """Holds the stamps against the anchors while these are read once."""

    def __init__(self, files: AnchorFiles | None) -> None:
        self._files, self._roots = files, b""
        self._there = kept(files)
        self._seen: set[int] = set()
        self._unstamped: Signed | None = None
        """The first anchor that neither has a stamp nor a later one that has."""
        self.good: list[Stamped] = []
        self.faults: list[AnchorFault] = []
        if self._there and files is not None and files.authority is not None:
            self._roots = _roots(files.authority)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._there)

    def feed(self, anchor: Signed, body: Mapping[str, Any] | None) -> None:
        """Check the stamp of an anchor, if it has one."""
        self._seen.add(anchor.number)
        path = self._there.get(anchor.number)
        at = None if path is None or not self._roots else self._read(path, anchor)
        if at is None or path is None:
            self._unstamped = self._unstamped or anchor
            return
        self._unstamped = None
        self.good.append(Stamped(anchor.number, at, path))
        # The clock of a rehearsal has nothing to do with that of an authority.
        if body is not None and not body.get("simulated"):
            self._compare(anchor, at)

    def close(self, now: datetime) -> None:
        """Look for stamps of anchors that are gone, and for anchors without one."""
        self.faults += [
            AnchorFault(number, "it was stamped, and is not there any more")
            for number in sorted(self._there.keys() - self._seen)
        ]
        files, first = self._files, self._unstamped
        if files is None or files.authority is None or first is None:
            return
        if not (is_there(files.lines) or is_there(files.key)):
            return  # other machines seal
        at = _instant(first.at)
        if at is not None and now - at > _LATE:
            fault = (
                f"neither it nor a later one has a time stamp of {files.authority.name}"
                "; the next anchor asks for one, `sportello log anchor` makes it"
            )
            self.faults.append(AnchorFault(first.number, fault))

    def _read(self, path: Path, anchor: Signed) -> datetime | None:
        try:
            return stamps.stamped_at(
                path.read_bytes(), anchor.body.encode(), self._roots
            )
        except StampError as error:
            fault = f"its time stamp does not hold: {error}"
        except OSError as error:
            fault = f"its time stamp cannot be read: {error.strerror}"
        self.faults.append(AnchorFault(anchor.number, fault))
        return None

    def _compare(self, anchor: Signed, stamped: datetime) -> None:
        """Hold the instant of a stamp against that of its anchor."""
        made = _instant(anchor.at)
        if made is None:
            return  # told elsewhere
        told = f"it was stamped at {written(stamped)}, "
        if stamped < made - _CLOCKS_DIFFER:
            self.faults.append(AnchorFault(anchor.number, f"{told}before it was made"))
        elif stamped - made > _STAMPED_WITHIN:
            told += "long after it was made: it may have been dated back"
            self.faults.append(AnchorFault(anchor.number, told))


def standing(desk: Desk) -> str:
    """Say whether the last anchor is stamped, for whoever runs the program.

    Raises:
        UnavailableError: it is not.
    """
    files, last = desk.anchor_files, _last(desk)
    if files is None or files.authority is None:
        return "no authority is set"
    name = files.authority.name
    if last is None:
        return f"{name}; no anchor yet"
    if not _path(files, last.number).exists():
        raise UnavailableError(
            "stamp.missing",
            f"anchor {last.number} of {written(last.at)} has no time stamp of {name} "
            "yet; the scheduler asks for that of the last anchor every minute, and its "
            "log says what is in the way",
        )
    return f"anchor {last.number} is stamped by {name}"


def _instant(at: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if found.tzinfo is None else found


def _last(desk: Desk) -> Anchor | None:
    query = select(Anchor).order_by(col(Anchor.number).desc()).limit(1)
    with reading(desk.engine) as session:
        return session.exec(query).first()


def _folder(files: AnchorFiles) -> Path:
    return files.lines.with_name(f"{files.lines.stem}-stamps")


def _path(files: AnchorFiles, number: int) -> Path:
    return _folder(files) / f"{number:08}.tsr"


def kept(files: AnchorFiles | None) -> dict[int, Path]:
    """Return the stamps that are here, by the numbers of their anchors."""
    if files is None:
        return {}
    try:
        there = list(_folder(files).glob("*.tsr"))
    except OSError:
        return {}
    return {int(file.stem): file for file in there if file.stem.isdecimal()}


def _roots(authority: Authority) -> bytes:
    try:
        return authority.roots.read_bytes()
    except OSError as error:
        raise UnavailableError(
            "stamp.no_roots",
            f"the certificates in {authority.roots} cannot be read "
            f"({error.strerror}); correct SPORTELLO_TSA_ROOTS",
        ) from error


def _keep(path: Path, stamp: bytes) -> None:
    """Write a stamp whole, or not at all; of two that come at once one stays."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=_MY_FOLDER, exist_ok=True)
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), _MINE)
            file.write(stamp)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(
            "stamp.unwritable",
            f"the time stamp cannot be kept as {path}: {error.strerror}",
        ) from error
