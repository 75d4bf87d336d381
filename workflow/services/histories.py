"""What do the entries of the register tell whoever explains a decision?"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, func, select

from models.tables import Officer, RegisterEntry
from models.vocabulary import CallEvent, Event, Outcome
from workflow.errors import TamperedError
from workflow.rules.steps import Step

_BATCH = 2_000
_SAYS = frozenset(
    {
        "act",
        "actor",
        "application",
        "at",
        "basis",
        "call",
        "call_version",
        "channel",
        "event",
        "findings",
        "format",
        "from",
        "inputs",
        "key",
        "money",
        "notices",
        "order",
        "outcome",
        "previous",
        "protocol",
        "reason",
        "refusal",
        "rules",
        "seq",
        "simulated",
        "software",
        "steps",
        "terms",
        "to",
        "version",
    }
)
"""What every entry says, if only that there is nothing of the kind."""
_TEXTS = ("event", "outcome")
_MAYBE_TEXTS = ("application", "protocol", "from", "to", "reason", "basis")
_MAYBE_PARTS = ("inputs", "findings", "money", "order", "act", "refusal", "details")
_MAYBE_LISTS = ("steps", "terms", "notices")
_WITHIN = {
    "actor": ("kind", "id", "role", "identity"),
    "act": ("kind", "number", "signed_on"),
    "refusal": ("code", "message"),
}


_OF_MONEY = {"after", "before", "movements"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is as it is, step by step (*motivazione*)."""

    steps: tuple[Step, ...]
    result: str
    faults: tuple[str, ...] = ()
    """What does not add up; then an auditor has to look."""


def carried_out(
    session: Session, call: UUID, *, application: UUID | None = None
) -> Iterator[dict[str, Any]]:
    """Return the entries of what was carried out, in their order.

    Raises:
        TamperedError: an entry cannot be read.
    """
    query = _query(call)
    if application is not None:
        query = query.where(RegisterEntry.application_id == application)
    return _read(session, query)


def of_events(
    session: Session, call: UUID, events: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Return the entries of some events that were carried out, in their order.

    Raises:
        TamperedError: an entry cannot be read.
    """
    return _read(session, _query(call).where(col(RegisterEntry.event).in_(events)))


def overtakings(session: Session, call: UUID) -> Iterator[dict[str, Any]]:
    """Return the entries by which somebody was overtaken (*sorpasso*).

    Raises:
        TamperedError: an entry cannot be read.
    """
    events = (Event.START_REVIEW.value, Event.EVALUATE.value)
    query = (
        _query(call)
        .where(col(RegisterEntry.event).in_(events))
        .where(col(RegisterEntry.body).contains('"overtaken":', autoescape=True))
    )
    return _read(session, query)


def between(
    session: Session, call: UUID, *, after: int, until: int
) -> Iterator[dict[str, Any]]:
    """Return the entries of what was carried out, from after one until another.

    Raises:
        TamperedError: an entry cannot be read.
    """
    number = col(RegisterEntry.seq)
    return _read(session, _query(call).where(number > after).where(number <= until))


def of_file_and_call(
    session: Session, call: UUID, application: UUID, *, until: int
) -> Iterator[dict[str, Any]]:
    """Return the entries of one file, refused ones too, and those of its call.

    What was refused before it became a file is left out. By two queries: each has
    its index, and a search for either of the two would read the whole chain.

    Raises:
        TamperedError: an entry cannot be read.
    """
    by_number = (
        select(RegisterEntry.seq, RegisterEntry.body)
        .where(RegisterEntry.call_id == call)
        .where(col(RegisterEntry.seq) <= until)
        .order_by(col(RegisterEntry.seq))
    )
    own = col(RegisterEntry.application_id)
    of_file = by_number.where(own == application)
    of_call = by_number.where(own.is_(None)).where(RegisterEntry.outcome == Outcome.OK)
    both = [list(_read(session, query)) for query in (of_file, of_call)]
    return merge(*both, key=itemgetter("seq"))


def entry(session: Session, call: UUID, seq: int) -> dict[str, Any]:
    """Return one entry, refused or not.

    Raises:
        TamperedError: it cannot be read.
    """
    query = (
        select(RegisterEntry.seq, RegisterEntry.body)
        .where(RegisterEntry.call_id == call)
        .where(RegisterEntry.seq == seq)
    )
    body = next(_read(session, query))
    if not body.keys() >= _SAYS:
        raise _unreadable(seq)
    return body


def of_event(
    session: Session, call: UUID, event: str, *, until: int
) -> Iterator[dict[str, Any]]:
    """Return the entries of an event that were carried out, up to one of them.

    Raises:
        TamperedError: an entry cannot be read.
    """
    query = _query(call).where(RegisterEntry.event == event)
    return _read(session, query.where(col(RegisterEntry.seq) <= until))


def last_with_money(
    session: Session, call: UUID, *, until: int
) -> dict[str, Any] | None:
    """Return the last move of any file, which tells how the money stood after it.

    Raises:
        TamperedError: an entry cannot be read.
    """
    query = (
        select(RegisterEntry.seq, RegisterEntry.body)
        .where(RegisterEntry.call_id == call)
        .where(RegisterEntry.outcome == Outcome.OK)
        .where(col(RegisterEntry.application_id).is_not(None))
        .where(col(RegisterEntry.seq) <= until)
        .order_by(col(RegisterEntry.seq).desc())
        .limit(1)
    )
    return next(_read(session, query), None)


def last(session: Session, call: UUID, event: CallEvent) -> dict[str, Any] | None:
    """Return the last time that something was done to a call, if it ever was.

    Raises:
        TamperedError: an entry cannot be read.
    """
    newest = col(RegisterEntry.seq).desc()
    query = _query(call).where(RegisterEntry.event == event).order_by(None)
    return next(_read(session, query.order_by(newest).limit(1)), None)


def content(seq: int, body: str) -> dict[str, Any]:
    """Return what an entry says.

    Raises:
        TamperedError: it cannot be read.
    """
    try:
        said: dict[str, Any] = orjson.loads(body)
        if _is_entry(said) and said["seq"] == seq:
            return said
    except (ValueError, TypeError):  # no JSON, no text, or no instant
        pass
    raise _unreadable(seq)


def _is_entry(said: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a body has the form that every entry had since version 0.1.

    It says as much as everybody relies on who reads it; `log verify` says more.
    """
    if not isinstance(said, dict):
        return False
    datetime.fromisoformat(said.get("at", ""))
    return (
        all(isinstance(said.get(name), str) for name in _TEXTS)
        and all(isinstance(said.get(name), str | None) for name in _MAYBE_TEXTS)
        and all(isinstance(said.get(name), dict | None) for name in _MAYBE_PARTS)
        and all(_is_list_of_parts(said.get(name)) for name in _MAYBE_LISTS)
        and all(_has(said.get(part), names) for part, names in _WITHIN.items())
        and isinstance(said.get("actor"), dict)
        and (not said.get("money") or said["money"].keys() >= _OF_MONEY)
    )


def _is_list_of_parts(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _has(part: Any, names: tuple[str, ...]) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a part, if there is one, says all that, and in words."""
    if part is None:
        return True
    return all(name in part and isinstance(part[name], str | None) for name in names)


def _unreadable(seq: int) -> TamperedError:
    return TamperedError(
        "register.unreadable",
        f"entry {seq} of the register cannot be read: somebody has changed it; look "
        "at `sportello log verify` and call the auditor",
    )


def refused(
    session: Session, call: UUID, application: UUID | None, *, after: int, until: int
) -> int:
    """Count the attempts that were refused, from after one entry until another."""
    number = col(RegisterEntry.seq)
    query = (
        select(func.count())
        .select_from(RegisterEntry)
        .where(RegisterEntry.call_id == call)
        .where(RegisterEntry.outcome == Outcome.REFUSED)
        .where(number > after)
        .where(number <= until)
    )
    if application is not None:
        query = query.where(RegisterEntry.application_id == application)
    return session.exec(query).one()


def login_of(session: Session, actor: Mapping[str, Any]) -> str:
    """Name who acted, as entries refer to them: a worker has no name."""
    try:
        officer = session.get(Officer, UUID(actor["id"])) if actor["id"] else None
    except (AttributeError, ValueError):
        officer = None  # somebody has changed the entry
    return officer.login if officer else str(actor["id"] or actor["kind"])


def _query(call: UUID) -> Any:  # noqa: ANN401 - a query
    return (
        select(RegisterEntry.seq, RegisterEntry.body)
        .where(RegisterEntry.call_id == call)
        .where(RegisterEntry.outcome == Outcome.OK)
        .order_by(col(RegisterEntry.seq))
    )


def _read(session: Session, query: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a query
    with closing(session.exec(query.execution_options(yield_per=_BATCH))) as rows:
        for seq, body in rows:
            yield content(seq, body)
