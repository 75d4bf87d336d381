"""Do the anchors hold, and is everything still where they saw it?"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from models.session import reading
from models.tables import Installation
from workflow.anchors.gaps import Explained, Gaps, Span
from workflow.anchors.heads import Heads, Marks
from workflow.anchors.manifests import Signed
from workflow.anchors.series import AnchorFault, Series, read
from workflow.desk import AnchorFiles, Desk
from workflow.errors import SportelloError, UnavailableError
from workflow.register import written
from workflow.services import anchor_lines, keys
from workflow.services.anchor_copies import Trusted, hold
from workflow.services.anchor_lines import Compared
from workflow.services.anchor_rows import stored
from workflow.services.as_stored import identity, rows, text
from workflow.services.clocks import agreed
from workflow.services.signing import places, signer_after
from workflow.services.stamping import Check as StampCheck
from workflow.services.stamping import Stamped

_LATE = timedelta(hours=26)
"""A day, and some hours in which whoever is asked for it may be away."""

# As they are stored: what is no instant is told elsewhere, and stops nothing.
_LAST = "SELECT at FROM anchors ORDER BY number DESC LIMIT 1"
_FIRST = """
SELECT entries.at FROM entries JOIN calls ON calls.id = entries.call_id
WHERE entries.seq = 1 ORDER BY entries.at LIMIT 1
"""
"""One of each chain, by its key: there are few calls and many entries."""

_OFFICERS = "SELECT id, login FROM officers"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Anchored:
    """Whether the anchors hold, and what does not."""

    count: int
    last: Signed | None
    faults: tuple[AnchorFault, ...]
    gaps: tuple[Span, ...]
    explained: tuple[Explained, ...]
    """Of those days the ones that a later anchor explains: no faults."""
    logins: Mapping[str, str]
    """Of those who have explained them, by their references."""
    file: str | None
    """The file that was compared; none if this machine keeps none."""
    keys: tuple[tuple[str, int], ...]
    """The public keys, each with the first anchor that it signed."""
    own: int | None = None
    """Copies of whoever verifies that agree; none if none were given."""
    unsealed_since: datetime | None = None
    """Since when there is something to seal, where nothing ever was and it is late."""
    stamps: int = 0
    """Time stamps that lie beside that file."""
    stamped: tuple[Stamped, ...] = ()
    """Those that hold, if it is known whose signature is trusted."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not self.faults


class Check:
    """Holds the anchors against the chains while these are read once."""

    def __init__(
        self,
        session: Session,
        files: AnchorFiles | None,
        *,
        only: str | None,
        trusted: Trusted,
    ) -> None:
        self._series, self._heads, self._only = Series(), Heads(), only
        self._stamps = StampCheck(files)
        self._checked: set[str] = set()
        self._first_entry: int | None = None
        self._last_entry: int | None = None
        for anchor in stored(session):
            body = self._series.feed(anchor)
            self._stamps.feed(anchor, body)
            if body is not None:
                self._heads.note(anchor.number, body)
        self._held = hold(trusted, self._series, self._heads)

    def marks(self, call: str) -> Marks:
        """Return the places of a chain that anchors speak of."""
        self._checked.add(call)
        return self._heads.of(call)

    def saw(self, at: object) -> None:
        """Note when an entry was made, in microseconds."""
        if isinstance(at, int):
            self._first_entry = min(at, self._first_entry or at)
            self._last_entry = max(at, self._last_entry or at)

    def close(self, desk: Desk) -> Anchored:
        """Return what was found, once every chain was read."""
        series = self._series
        if self._only is None:
            for marks in self._heads.unseen(self._checked):
                marks.close(0)
        series.close(_instant(self._last_entry))
        first = _instant(self._first_entry)
        unsealed, rehearsed = (None, False) if series.last else _unsealed(desk, first)
        outside, file = _outside(desk, series)
        stamps = self._stamps
        stamps.close(_now(desk))
        faults = [*series.faults, *self._heads.faults(), *outside, *stamps.faults]
        faults += self._held.faults
        if unsealed is not None and not rehearsed:
            faults.append(AnchorFault(0, f"no anchor yet, and {_overdue(unsealed)}"))
        return Anchored(
            series.count,
            series.last,
            tuple(sorted(faults, key=lambda fault: fault.number)),
            series.gaps.spans,
            series.gaps.explained,
            _logins(desk, series.gaps.explained),
            file,
            tuple(series.keys.items()),
            self._held.agree,
            unsealed,
            stamps.count,
            tuple(stamps.good),
        )


def standing(desk: Desk) -> str:
    """Say how the anchors stand, for whoever runs the program.

    Raises:
        SportelloError: something about them is not as it should be.
    """
    files = places(desk)
    with reading(desk.engine, verbatim=True) as session:
        anchors = tuple(stored(session))
    last = anchors[-1] if anchors else None
    signer = signer_after(files, last)
    compared = _compared(desk, files)
    anchor_lines.refuse(files.lines, compared)
    if compared.rest:
        raise UnavailableError("anchors.lacking", f"{files.lines}: {_lacks(compared)}")
    told = "no anchor yet" if last is None else f"anchor {last.number} of {last.at}"
    since = _unsealed_since(desk)
    if since is not None:
        raise UnavailableError("anchors.late", f"{told}, and {_overdue(since)}")
    gaps = _gaps(anchors)
    if missed := [str(span) for _, span in gaps.unexplained()]:
        raise UnavailableError(
            "anchors.missed",
            f"{told}, and no anchor {', '.join(missed)}: a manager or an administrator "
            "says why with `sportello log anchor --missed DAY --because WHY`",
        )
    explained = _told(gaps.explained, _logins(desk, gaps.explained))
    return f"{told}, in {files.lines}, key {signer.public[:16]}…{explained}"


def _gaps(anchors: Iterable[Signed]) -> Gaps:
    """Return the days that were missed; what makes no sense `log verify` tells."""
    gaps = Gaps()
    for one in anchors:
        if (body := read(one.body)) is not None:
            with suppress(ArithmeticError, LookupError, TypeError, ValueError):
                gaps.take(one.number, body)
    return gaps


def _told(explained: tuple[Explained, ...], logins: Mapping[str, str]) -> str:
    if not explained:
        return ""
    last = explained[-1]
    return (
        f"; {len(explained)} day(s) without an anchor are explained, the last "
        f"{last.day} by {logins.get(last.by, last.by)} at {last.at}"
    )


def _logins(desk: Desk, explained: tuple[Explained, ...]) -> dict[str, str]:
    """Return the logins of those who have explained days, as they are stored."""
    wanted = {one.by for one in explained}
    if not wanted:
        return {}
    with reading(desk.engine, verbatim=True) as session:
        found = rows(session, _OFFICERS).all()
    return {
        reference: text(row.login)
        for row in found
        if (reference := identity(row.id)) in wanted
    }


def _overdue(since: datetime) -> str:
    return (
        f"nothing was sealed since {written(since)}: start `sportello run` or "
        "`sportello scheduler`, or seal once with `sportello log anchor`"
    )


def _now(desk: Desk) -> datetime:
    with reading(desk.engine) as session:
        return agreed(session, desk)


def _unsealed_since(desk: Desk) -> datetime | None:
    """Return since when an anchor is missing, if it is."""
    with reading(desk.engine, verbatim=True) as session:
        now = agreed(session, desk)
        last = rows(session, _LAST).scalars().first()
        if last is None:
            last = rows(session, _FIRST).scalars().first()
    since = _instant(last)
    return since if since is not None and now - since > _LATE else None


def _unsealed(desk: Desk, first: datetime | None) -> tuple[datetime | None, bool]:
    """Return since when nothing is sealed, if that is late, and if it is a rehearsal.

    Its days pass as somebody sets the clock: there none is missed.
    """
    with reading(desk.engine) as session:
        now = agreed(session, desk)
        installed = session.get(Installation, 1)
        is_sealed = rows(session, _LAST).scalars().first() is not None  # meanwhile
    is_late = first is not None and now - first > _LATE and not is_sealed
    return first if is_late else None, installed is not None and installed.rehearsal


def _outside(desk: Desk, series: Series) -> tuple[list[AnchorFault], str | None]:
    """Compare the anchors with what is kept outside of the database."""
    files = desk.anchor_files
    if files is None:
        return [], None
    if not (keys.is_there(files.lines) or keys.is_there(files.key)):
        return [], None  # other machines seal
    compared = _compared(desk, files)
    faults = [] if compared.fault is None else [compared.fault]
    # An auditor's own copy may be of yesterday: only who seals has to keep up.
    if compared.rest and keys.is_there(files.key):
        faults.append(AnchorFault(compared.first, _lacks(compared)))
    # Where the file holds something else, that comes first.
    since = _unsealed_since(desk) if series.last and not compared.fault else None
    if series.last and since is not None:
        faults.append(AnchorFault(series.last.number, _overdue(since)))
    return faults + _of_key(desk, files, series), str(files.lines)


def _compared(desk: Desk, files: AnchorFiles) -> Compared:
    """Compare the file with the database, both as they are at one moment.

    Not with what is being verified: anchors are made meanwhile.
    """
    while True:
        with (
            anchor_lines.reading(files.lines, patience=desk.patience) as file,
            reading(desk.engine, verbatim=True) as session,
        ):
            compared = anchor_lines.compare(file, stored(session))
        if file is not None or not compared.rest or not keys.is_there(files.lines):
            return compared


def _lacks(compared: Compared) -> str:
    span = f"from {compared.first} to {compared.last}"
    if compared.first == compared.last:
        span = str(compared.first)
    return (
        f"the file lacks what the database has, number {span}; the next anchor writes "
        "it again"
    )


def _of_key(desk: Desk, files: AnchorFiles, series: Series) -> list[AnchorFault]:
    """See whether the key that is here has signed any of them.

    Also of those that were made since: it may have been changed meanwhile.
    """
    if series.last is None:
        return []
    try:
        own = keys.find(files.key)
    except SportelloError:
        return []  # `doctor` tells: nothing that is signed changes by it
    if own is None or own.public in series.keys:
        return []
    with reading(desk.engine, verbatim=True) as session:
        if own.public in {anchor.key for anchor in stored(session)}:
            return []
    fault = "the key that is kept here has signed none of the anchors"
    return [AnchorFault(series.last.number, fault)]


def _instant(microseconds: object) -> datetime | None:
    if not isinstance(microseconds, int):
        return None
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None  # no instant: the entry itself is at fault
