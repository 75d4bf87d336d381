"""Does what others hand over leave anything behind if it is not taken?"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from config.loader import CallFileError, check, find, load, parse, shipped
from tests.builders import CTL, OPENING, Office, office, submission
from tests.contents import rows
from tests.fuzz.databases import NOTHING, ONE_ENTRY, contents, left
from tests.fuzz.words import hostile
from tests.pec import Pec, accepted, delivered, failed
from tests.servers import fresh_postgres
from workflow.errors import InputError, RefusedError
from workflow.services import calls, intake, receipts
from workflow.services.receipts import Outcome

_ANSWERED = {"submitted", "waiting", "duplicate", "refused", "draft"}
_EXAMPLES = settings().max_examples // 3
_FEWER = settings().max_examples // 16
"""Where each example has a whole database copied by a server."""

shared = settings(max_examples=_EXAMPLES, suppress_health_check=[*HealthCheck])
dearer = settings(max_examples=_FEWER, suppress_health_check=[*HealthCheck])

LATER = OPENING + timedelta(hours=1)
"""A frozen clock gives the same identifiers at the same instant."""

Opened = Callable[[], AbstractContextManager[Office]]
"""Opens an office of one's own, with one application, each time the same."""


@pytest.fixture(scope="module")
def on_sqlite(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Opened:
    folder, numbers = tmp_path_factory.mktemp("handed-over"), count()
    kept = shutil.copyfile(sqlite_template, folder / "kept.db")
    with office(f"sqlite:///{kept}") as opened:
        opened.file(0)

    @contextmanager
    def copied() -> Iterator[Office]:
        file = shutil.copyfile(kept, folder / f"{next(numbers)}.db")
        with office(f"sqlite:///{file}", at=LATER) as opened:
            yield opened
        file.unlink()

    return copied


@pytest.fixture(scope="module")
def on_postgresql(postgres_server: str, postgres_template: str) -> Iterator[Opened]:
    with fresh_postgres(postgres_server, postgres_template) as kept:
        with office(kept) as opened:
            opened.file(0)

        @contextmanager
        def copied() -> Iterator[Office]:
            of = make_url(kept).database
            with (
                fresh_postgres(postgres_server, of) as url,
                office(url, at=LATER) as opened,
            ):
                yield opened

        yield copied


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
    received_at="2026-01-20T10:30:00+01:00",
    partners=[],
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


# --- submissions --------------------------------------------------------------


def hand_over(opened: Opened, line: bytes) -> None:
    """Take a line in, and hold its answer against what was written."""
    with opened() as work:
        before = contents(work.desk.engine)

        answers = [*intake.take_in(work.desk, CTL, [line])]

        after = contents(work.desk.engine)
        assert len(answers) == bool(line.strip())
        taken = [one for one in answers if one["outcome"] != "refused"]
        assert {one["outcome"] for one in answers} <= _ANSWERED
        assert all(one["error"]["code"] for one in answers if one not in taken)
        json.dumps(answers)
        more = len(after["applications"]) - len(before["applications"])
        assert more == len(taken)
        if not taken:
            assert left(before, after) == (ONE_ENTRY if answers else NOTHING)
        assert work.verified()


@given(line=lines)
@example(line=json.dumps(FILED).encode())
@example(line=b"[" * 100_000)
@example(line=json.dumps({**FILED, "requested": "9" * 5_000}).encode())
@shared
def test_each_line_is_answered_and_one_that_is_refused_leaves_only_its_entry(
    on_sqlite: Opened, line: bytes
):
    hand_over(on_sqlite, line)


@given(line=lines)
@example(line=json.dumps(FILED).encode())
@dearer
def test_each_line_is_answered_on_postgresql_too(on_postgresql: Opened, line: bytes):
    hand_over(on_postgresql, line)


# --- receipts -----------------------------------------------------------------

KINDS = st.sampled_from([accepted, delivered, failed])


def deliver(
    opened: Opened, made: Callable[..., Pec], data: st.DataObject | None
) -> Outcome:
    """Take a receipt in, damaged or whole, and see what it has left behind."""
    with opened() as work:
        ((letter,),) = rows(work.desk.engine, "SELECT id FROM notices LIMIT 1")
        mail = made(UUID(str(letter)), at=work.clock.now(), zone="+0000").mail()
        mail = mail if data is None else data.draw(damaged(mail))
        before = contents(work.desk.engine)

        taken = receipts.take_in(work.desk, mail)

        behind = left(before, contents(work.desk.engine))
        if taken.outcome is Outcome.TAKEN_IN:
            assert {"delivery_receipts", "notices"} <= behind.tables
        else:
            assert behind in {NOTHING, ONE_ENTRY}
            assert behind == NOTHING or taken.outcome is Outcome.UNMATCHED
            assert taken.why or taken.outcome is Outcome.REPEATED
        assert work.verified()
        return taken.outcome


@given(data=st.data(), made=KINDS)
@shared
def test_a_receipt_that_is_not_taken_in_leaves_nothing(on_sqlite: Opened, data, made):
    deliver(on_sqlite, made, data)


@given(data=st.data(), made=KINDS)
@dearer
def test_nor_does_it_on_postgresql(on_postgresql: Opened, data, made):
    deliver(on_postgresql, made, data)


@pytest.mark.parametrize("made", [accepted, delivered, failed])
def test_a_receipt_that_nobody_has_damaged_is_taken_in(on_sqlite: Opened, made):
    assert deliver(on_sqlite, made, None) is Outcome.TAKEN_IN


# --- call files ---------------------------------------------------------------

_SAID = re.compile(r"^(\w+ = )(.+)$", re.MULTILINE)
TEXTS = {name: find(name).read_text(encoding="utf-8") for name in shipped()}
VALUES = sorted({one[2] for text in TEXTS.values() for one in _SAID.finditer(text)})
ODD = ['""', "0", "-1", "[]", "{}", "true", "1e9", "nan", "2026-01-20", f'"{9:0999}"']
ACTS = st.sampled_from([None, "decreto 9/2026-01-20", "decreto"])


@st.composite
def reworded(draw: st.DrawFn) -> bytes:
    """Draw a call file in which some values are others, or stand nowhere."""
    text = TEXTS[draw(st.sampled_from(sorted(TEXTS)))]
    for _ in range(draw(st.integers(1, 3))):
        said = draw(st.sampled_from([*_SAID.finditer(text)]))
        value = draw(st.sampled_from(VALUES) | st.sampled_from(ODD) | st.none())
        other = "" if value is None else said[1] + value
        text = text[: said.start()] + other + text[said.end() :]
    return text.encode()


_FROZEN = "SELECT body FROM call_versions WHERE fingerprint = :hash"


@given(content=reworded() | damaged(TEXTS["ctl-2025"].encode()), act=ACTS)
@example(content=b"a = " + b"[" * 100_000, act=None)
@example(content=b"a." * 100_000 + b"b = 1", act=None)
@example(content=b"a = 1" + b"0" * 5_000, act=None)
@example(content=TEXTS["smart-mobility-2024"].encode(), act=None)
@example(content=TEXTS["ctl-2025"].encode() + b"\n# more", act=None)
@shared
def test_a_call_file_is_read_or_each_of_its_faults_is_told(
    on_sqlite: Opened, tmp_path_factory: pytest.TempPathFactory, content, act
):
    file = tmp_path_factory.getbasetemp() / "damaged.toml"
    file.write_bytes(content)
    faults = check(file)

    with on_sqlite() as work:
        before = contents(work.desk.engine)
        refused: Exception | None = None
        try:
            loaded = calls.register_call(work.desk, file, act=act, reason="as it says")
        except (CallFileError, InputError, RefusedError) as error:
            refused = error

        behind = left(before, contents(work.desk.engine))
        assert all(fault.message and fault.where for fault in faults)
        assert bool(faults) == isinstance(refused, CallFileError)
        if isinstance(refused, RefusedError):
            assert behind in {NOTHING, ONE_ENTRY}
        elif refused is not None:
            assert behind == NOTHING
        else:
            named = {"hash": loaded.hash}
            ((body,),) = rows(work.desk.engine, _FROZEN, **named)
            assert parse(body.encode()) == load(file)
        assert work.verified()
