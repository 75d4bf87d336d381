"""Can a portal send a line that is neither taken in nor refused in words?"""

from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlmodel import AutoString, SQLModel

from models.canonical import encode
from models.tables import Aid, Applicant, Application, Document
from tests.builders import submission
from workflow.errors import RefusedError
from workflow.services import submissions

WELL_FORMED = {**submission(), "aids": [], "key": "k-1", "draft": False}
AID = {"granted_on": "2025-01-31", "amount": "1.00", "grantor": "Comune"}
FULL = {**WELL_FORMED, "aids": [AID], "received_at": "2026-01-20T10:00:00+01:00"}

# orjson writes no lone surrogates and no integers beyond 64 bits; bytes below do.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.datetimes().map(lambda instant: instant.isoformat() + "+01:00")
    | st.dates().map(str)
    | st.decimals(0, 10**20, places=2).map(str)
    | st.sampled_from(["a\x00", "x" * 300, "99000000010", "a@b.it", "pec", "0" * 64])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=8,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything inside a document."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        inside = list(document.items())
    elif isinstance(document, list):
        inside = list(enumerate(document))
    return [
        found
        for key, value in inside
        for found in [(*path, key), *places(value, (*path, key))]
    ]


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a document with something else at a place."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = put(document[path[0]], path[1:], value)
    return copy


mutated = st.builds(put, st.just(FULL), st.sampled_from(places(FULL)), values)


def read(line: bytes) -> submissions.Submission | None:
    """Read a line; whatever is refused is refused in words."""
    try:
        return submissions.read(line)
    except RefusedError as error:
        refused = error
    assert refused.code.startswith("line.")
    assert refused.message
    assert len(encode(refused.message)) < 20_000
    return None


@given(st.binary(max_size=200))
@example(b"\xed\xa0\x80")
@example(b'{"a":"\\udfff"}')
@example(b'{"requested": 1' + b"0" * 5_000 + b"}")
@example(b"[" * 2_000 + b"]" * 2_000)
def test_any_bytes_are_read_or_refused(line: bytes):
    read(line)

    named = submissions.portal_id(line)

    assert named is None or named.isprintable()


@given(values)
def test_any_document_is_read_or_refused(document: Any):
    read(orjson.dumps(document))


@given(mutated)
@example({**FULL, "requested": "90071992547409.92"})
@settings(max_examples=300)
def test_what_is_read_fits_its_columns_and_the_register(document: dict[str, Any]):
    filed = read(orjson.dumps(document))

    if filed is None:
        return
    encode(filed.model_dump(mode="json"))
    assert_fits(Applicant, filed.applicant.model_dump())
    for attached in filed.documents:
        assert_fits(Document, attached.model_dump())
    for declared in filed.aids:
        assert_fits(Aid, declared.model_dump())
    assert_fits(
        Application,
        {
            "portal_id": filed.portal_id,
            "requested": filed.requested,
            "investment": filed.investment,
        },
    )


def assert_fits(table: type[SQLModel], row: dict[str, Any]) -> None:
    columns = SQLModel.metadata.tables[str(table.__tablename__)].c
    for name, value in row.items():
        if isinstance(value, str):
            assert "\x00" not in value, "PostgreSQL keeps no NUL"
            kind = columns[name].type
            assert isinstance(kind, AutoString)
            assert len(value) <= (kind.length or len(value)), name
        if isinstance(value, int):
            assert 0 <= value < 2**53


@given(mutated, st.randoms(use_true_random=False))
def test_the_order_of_the_names_changes_nothing(document: dict[str, Any], chance):
    names = list(document)
    chance.shuffle(names)

    one = read(orjson.dumps(document))
    other = read(orjson.dumps({name: document[name] for name in names}))

    assert one == other
    if one and other:
        assert one.fingerprint == other.fingerprint


@given(st.integers(1, len(orjson.dumps(FULL)) - 1))
def test_a_line_cut_short_is_refused(length: int):
    line = orjson.dumps(FULL)[:length]

    filed = read(line)

    assert filed is None
