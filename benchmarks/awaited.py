"""Where do many files come from in which something will be due?

One real file for each call is brought to the point at which a completion is
awaited; the others are copies of its rows, under identifiers of their own.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from benchmarks.offices import EUROS, Raw, served, taken
from models.vocabulary import Event
from tests.builders import OPENING, furnish, office, rome, usual
from tests.editions import open_to_all
from workflow.services import calls, moves
from workflow.services.moves import MoveCommand

DUE = rome(2026, 1, 31)
"""From when the answer of the applicants is late."""
NOTICED = DUE + timedelta(minutes=5)

TABLES = ("applicants", "applications", "steps", "terms", "notices")
"""What a file consists of that a move reads, those that others refer to first."""

Row = Mapping[str, Any]
Change = Callable[[str, Row, int], Row]
"""Tells what is different in a row of the copy of a number."""

_ASKED = (Event.START_REVIEW, Event.REQUEST_COMPLETION)
_DELIVERED = {"letter": "completion_request", "receipt": "R-1"}
_IDS = frozenset({"id", "application_id", "applicant_id"})
_PORTION = 5_000
"""Files that are written at once."""


def open_calls(url: str, count: int) -> tuple[str, ...]:
    """Open calls at each of which one applicant is asked; return their codes."""
    codes = tuple(f"RLF1202505{number:04}" for number in range(2_000, 2_000 + count))
    furnish(url)
    with tempfile.TemporaryDirectory() as folder, office(url) as opened:
        for code in codes:
            path = open_to_all(Path(folder), code, EUROS)
            calls.register_call(opened.desk, path)
    with served(url) as desk:
        for number, code in enumerate(codes):
            (answer,) = taken(desk, number, 1, code)
            asked = {event: usual(event, OPENING.date()) for event in _ASKED}
            asked[Event.RECORD_DELIVERY] = {"inputs": _DELIVERED}
            for event, stated in asked.items():
                moves.advance(desk, MoveCommand(answer["protocol"], event, **stated))
    return codes


def as_it_is(_table: str, _row: Row, _number: int) -> Row:
    """Change nothing more than has to be: the copy is due with the model."""
    return {}


def later(table: str, row: Row, number: int) -> Row:
    """Have everything due on some later day, as if the letter had come then."""
    if table != "terms":
        return {}
    days = timedelta(days=1 + number % 365) // timedelta(microseconds=1)
    return {"due_at": row["due_at"] + days, "next_check": row["next_check"] + days}


def multiply(raw: Raw, code: str, numbers: Sequence[int], change: Change) -> None:
    """Copy the first file of a call, once for each number; none comes twice in all."""
    first = f"call_id = {_call(raw, code)} AND filed_seq = 1"
    (mine,) = models_of(raw, "applications", first)
    about = f"application_id = {_quoted(mine['id'])}"
    models = {
        "applicants": models_of(
            raw, "applicants", f"id = {_quoted(mine['applicant_id'])}"
        ),
        "applications": [mine],
        **{table: models_of(raw, table, about) for table in TABLES[2:]},
    }
    left = enumerate(numbers, start=_filed(raw, code) + 1)
    while portion := list(itertools.islice(left, _PORTION)):
        with raw.transaction() as cursor:
            for table in TABLES:
                rows = _copies(table, models[table], portion, change)
                raw.pour(cursor, table, models[table][0], rows)
    _count(raw, code, mine, len(numbers))


def settle(raw: Raw) -> None:
    """Let the database look at what it holds now, as it does by itself in time."""
    raw.connection.execute("VACUUM")
    raw.connection.execute("ANALYZE")


def _call(raw: Raw, code: str) -> str:
    found = raw.connection.execute(f"SELECT id FROM calls WHERE code = '{code}'")  # noqa: S608 - names of ours
    return _quoted(found.fetchone()[0])


def _quoted(identity: UUID | str) -> str:
    return f"'{identity}'"


def models_of(raw: Raw, table: str, where: str) -> list[Row]:
    """Return rows of a table, by the names of its columns."""
    columns = [column.name for column in SQLModel.metadata.tables[table].columns]
    cursor = raw.connection.execute(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {where}"  # noqa: S608 - names of ours
    )
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _filed(raw: Raw, code: str) -> int:
    found = raw.connection.execute(f"SELECT filed FROM calls WHERE code = '{code}'")  # noqa: S608 - names of ours
    return int(found.fetchone()[0])


def _copies(
    table: str,
    models: Iterable[Row],
    numbers: Iterable[tuple[int, int]],
    change: Change,
) -> Iterator[tuple[Any, ...]]:
    for (place, number), model in itertools.product(numbers, models):
        changed = {**_own(table, number, place), **change(table, model, number)}
        mine = {name: identity(model[name], number) for name in _IDS & model.keys()}
        yield tuple({**model, **changed, **mine}.values())


def _own(table: str, number: int, place: int) -> Row:
    """Return what no two files may share."""
    if table == "applicants":
        return {"tax_code": f"8{number:010}"}
    if table == "applications":
        return {
            "portal_id": f"COPY-{number}",
            "protocol_year": 2025,
            "protocol_number": number,
            "filed_seq": place,
        }
    return {}


def identity(value: UUID | str, number: int) -> UUID | str:
    """Return the identifier of the same thing in another file, some time before."""
    old = value if isinstance(value, UUID) else UUID(value)
    new = UUID(int=old.int - ((number + 1) << 80))
    return new if isinstance(value, UUID) else new.hex


def _count(raw: Raw, code: str, model: Row, copies: int) -> None:
    """Let the call and its funds know of the copies."""
    identity, cents = _call(raw, code), copies * model["reserved"]
    counted = f"filed = filed + {copies}, reserved = reserved + {cents}"
    for statement in (
        f"UPDATE calls SET {counted} WHERE id = {identity}",  # noqa: S608 - names of ours
        f"UPDATE funds SET free = free - {cents} WHERE call_id = {identity}",  # noqa: S608 - names of ours
    ):
        raw.connection.execute(statement)
