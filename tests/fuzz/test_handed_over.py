"""Does what others hand over leave anything behind if it is not taken?"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.loader import check, find
from tests.builders import CTL, Office, office, submission
from tests.contents import rows
from tests.fuzz.databases import REGISTER, changed, contents
from tests.fuzz.words import hostile
from tests.pec import accepted, delivered, failed
from workflow.services import intake, receipts
from workflow.services.receipts import Outcome

_ANSWERED = {"submitted", "waiting", "duplicate", "refused"}
_EXAMPLES = settings().max_examples // 3

shared = settings(max_examples=_EXAMPLES, suppress_health_check=[*HealthCheck])


@pytest.fixture(scope="module")
def counter(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Keep one office, with one application, for all that is handed over."""
    file = tmp_path_factory.mktemp("handed-over") / "sportello.db"
    shutil.copyfile(sqlite_template, file)
    with office(f"sqlite:///{file}") as opened:
        opened.file(0)
        yield opened


def file_of(counter: Office) -> Path:
    return Path(str(counter.desk.engine.url.database))


# --- damage -------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw some bytes of which a part was cut out, repeated, or put in its place."""
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(whole)))
        end = min(len(whole), begin + draw(st.integers(0, 40)))
        other = draw(st.binary(max_size=20) | hostile.map(_encoded))
        put_in = draw(st.sampled_from([b"", other, whole[begin:end] * 3]))
        whole = whole[:begin] + put_in + whole[end:]
    return whole


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner: dict[Any, Any] = document if isinstance(document, dict) else {}
    inner = dict(enumerate(document)) if isinstance(document, list) else inner
    for name, value in inner.items():
        yield from places(value, (*path, name))


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = put(document[path[0]], path[1:], value)
    return copy


FILED = submission(
    1,
    key="k",
    draft=False,
    channel="portal",
    accepts_less=True,
    aids=[{"granted_on": "2025-01-31", "amount": "1.00", "grantor": "Comune"}],
)
anything: st.SearchStrategy[Any] = (
    hostile | st.none() | st.booleans() | st.integers() | st.just([]) | st.just({})
)
lines = st.one_of(
    st.builds(put, st.just(FILED), st.sampled_from([*places(FILED)]), anything).map(
        lambda document: json.dumps(document).encode()
    ),
    damaged(json.dumps(FILED).encode()),
    st.binary(max_size=60),
)


# --- submissions, receipts, call files ----------------------------------------


@given(line=lines)
@example(line=b"[" * 100_000)
@example(line=json.dumps({**FILED, "requested": "9" * 5_000}).encode())
@shared
def test_each_line_is_answered_and_one_that_is_refused_leaves_only_its_entry(
    counter: Office, line: bytes
):
    before = contents(file_of(counter))

    answers = [*intake.take_in(counter.desk, CTL, [line])]

    touched = changed(before, file_of(counter))
    assert len(answers) == bool(line.strip())
    for answer in answers:
        assert answer["outcome"] in _ANSWERED
        json.dumps(answer)
        if answer["outcome"] == "refused":
            assert answer["error"]["code"]
            assert touched <= REGISTER


@given(data=st.data(), made=st.sampled_from([accepted, delivered, failed]))
@shared
def test_a_receipt_that_is_not_taken_in_leaves_nothing(counter: Office, data, made):
    ((letter,),) = rows(counter.desk.engine, "SELECT id FROM notices LIMIT 1")
    receipt = made(UUID(str(letter)), at=counter.clock.now(), zone="+0000")
    before = contents(file_of(counter))

    taken = receipts.take_in(counter.desk, data.draw(damaged(receipt.mail())))

    if taken.outcome is not Outcome.TAKEN_IN:
        touched = changed(before, file_of(counter))
        assert touched <= (REGISTER if taken.outcome is Outcome.UNMATCHED else set())
        assert taken.why or taken.outcome is Outcome.REPEATED


@given(content=damaged(find("ctl-2025").read_bytes()))
@example(content=b"a = " + b"[" * 100_000)
@example(content=b"a." * 100_000 + b"b = 1")
@example(content=b"a = 1" + b"0" * 5_000)
@settings(max_examples=_EXAMPLES // 2)
def test_a_call_file_is_read_or_each_of_its_faults_is_told(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
):
    file = tmp_path_factory.getbasetemp() / "damaged.toml"
    file.write_bytes(content)

    for fault in check(file):
        assert fault.message
        assert fault.where
