"""What do the entries of the register tell whoever explains a decision?"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, select

from models.tables import RegisterEntry
from models.vocabulary import Event, Outcome
from workflow.errors import TamperedError
from workflow.rules.steps import Step

_BATCH = 2_000


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


def act_of(entry: Mapping[str, Any]) -> str | None:
    """Write the act of an entry as people do."""
    act = entry["act"]
    return f"{act['kind']} {act['number']}/{act['signed_on']}" if act else None


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
            yield _content(seq, body)


def _content(seq: int, body: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise TamperedError(
            "register.unreadable",
            f"entry {seq} of the register cannot be read: somebody has changed it; "
            "look at `sportello log verify` and call the auditor",
        ) from error
    return content
