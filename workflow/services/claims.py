"""Are the acts and the officers there that entries name?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from models.vocabulary import Outcome
from workflow.register import Fault, shown
from workflow.services.spills import Spills
from workflow.services.verified_rows import ACTS, OFFICERS, identity, instant, rows
from workflow.verification.tenures import CLOCKS_APART

_SAID = ("kind", "number", "signed_on")


@dataclass(slots=True)
class _Kept:
    """An act as it is kept, and whether an entry says the same of it."""

    signed_by: str
    registered_at: object
    is_borne_out: bool = False
    """An entry that names it was made by who is said to have brought it."""
    is_entered: bool = False
    """An entry that names it is not older than it: clocks may go back in between."""
    call: str | None = None
    seq: int = 0
    """Where it is named first."""

    @property
    def is_foreign(self) -> bool:
        """Tell whether it is named, but by nobody who could have brought it."""
        return self.call is not None and not self.is_borne_out

    def packed(self) -> tuple[object, ...]:
        return (
            self.signed_by,
            self.registered_at,
            self.is_borne_out,
            self.is_entered,
            self.call,
            self.seq,
        )


class Claims:
    """Holds what entries claim against the tables of acts and of officers.

    Whoever was refused may have named any act: only what was carried out counts.
    """

    def __init__(self, session: Session, spills: Spills) -> None:
        self._officers = {identity(row.id) for row in rows(session, OFFICERS)}
        self._acts = spills.mapping(pack=_Kept.packed, unpack=lambda said: _Kept(*said))
        for row in rows(session, ACTS):
            name = _named(row.kind, row.number, row.signed_on)
            self._acts[name] = _Kept(
                str(identity(row.signed_by)), instant(row.registered_at)
            )

    def of_officer(self, body: Mapping[str, Any]) -> str | None:
        """Say whether an entry names an officer that nobody knows."""
        officer = body["actor"]["id"]
        if officer is None or officer in self._officers:
            return None
        return f"it names the officer {shown(officer)}, who does not exist"

    def of_office(self, act: Any, officer: str) -> None:  # noqa: ANN401 - as it is said
        """Take in who named an act for a delegation: a call may name it afterwards."""
        if isinstance(act, dict):
            kept = self._acts.get(_named(*(act.get(part) for part in _SAID)))
            if kept is not None and officer == kept.signed_by:
                kept.is_borne_out = True

    def of_act(self, body: Mapping[str, Any]) -> str | None:
        """Say whether an entry stands on an act that is not kept as it says."""
        act = body["act"]
        if act is None or body["outcome"] != Outcome.OK:
            return None
        name = _named(*(act[part] for part in _SAID))
        kept = self._acts.get(name)
        if kept is None:
            return f"it stands on the act {shown(name)}, which does not exist"
        if not kept.is_borne_out:
            kept.is_borne_out = body["actor"]["id"] == kept.signed_by
        if not kept.is_entered:
            kept.is_entered = not _is_before(body["at"], kept.registered_at)
        if kept.call is None:
            kept.call, kept.seq = body["call"], body["seq"]
        return None

    def rest(self) -> Iterator[tuple[str, Fault]]:
        """Return, once all calls were read, the acts that are not kept as brought.

        Another call may have brought an act first, or by a clock that went back.
        """
        for name, kept in self._acts.every():
            if kept.call is None:
                continue
            if not kept.is_entered:
                told = f"it stands on the act {shown(name)}, which was entered later"
                yield kept.call, Fault(kept.seq, told, "act")
            if kept.is_foreign:
                told = (
                    f"the act {shown(name)} was brought by another officer than its "
                    "record says"
                )
                yield kept.call, Fault(kept.seq, told, "act")


def _is_before(at: str, registered_at: object) -> bool:
    """Tell whether an entry is older than an act on which it stands."""
    entered = datetime.fromisoformat(str(registered_at))
    return datetime.fromisoformat(at) + CLOCKS_APART < entered


def _named(kind: object, number: object, signed_on: object) -> str:
    return f"{kind} {number}/{signed_on}"
