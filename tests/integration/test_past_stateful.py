"""Does the register alone tell how everything stood at any instant that has passed?

Any sequence of commands: after each of them what the tables say is remembered.
Afterwards the entries up to each of those instants, and to each of those entries,
must add up to the same.
"""

import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from tests.builders import CTL
from tests.counters_rows import Content, name_of
from tests.driven import drives
from tests.explained import explain_all
from tests.integration.test_stateful import NIGHT, AnySequence
from tests.servers import fresh_postgres
from workflow import register
from workflow.desk import Desk
from workflow.services import calls, pasts, views
from workflow.services.calls import CallView
from workflow.services.moments import Moment
from workflow.services.pasts import FileView
from workflow.services.queues import QueueView


@dataclass(frozen=True)
class Remembered:
    """What the tables said at an instant."""

    seq: int
    at: datetime
    queue: QueueView
    call: dict[str, Any]
    files: dict[str, dict[str, Any]]


class RememberedSequence(AnySequence):
    """Remembers after each command what the tables say."""

    the_register_verifies = None  # type: ignore[assignment]  # tried elsewhere

    def __init__(self, database: Any) -> None:
        self.memory: list[Remembered] = []
        super().__init__(database)

    @invariant()
    def what_the_tables_say_is_remembered(self):
        self.memory.append(remembered(self.work.desk, self.content))

    def teardown(self) -> None:
        try:
            if self.memory:
                self.the_register_tells_all_of_it_again()
        finally:
            super().teardown()

    def the_register_tells_all_of_it_again(self) -> None:
        self.succeeded["explained"] += explain_all(self.work).total()
        desk = self.work.desk
        by_instant = {one.at: one for one in self.memory}
        by_entry = {one.seq: one for one in self.memory}
        for at, one in by_instant.items():
            assert pasts.queue(desk, CTL, Moment(at)).seen == one.queue
            assert call_as_told(pasts.call(desk, CTL, Moment(at)).seen) == one.call
            self.succeeded["as of an instant"] += 1
        for seq, one in by_entry.items():
            told = {
                name: file_as_told(pasts.file(desk, name, Moment(seq=seq)).seen)
                for name in one.files
            }
            assert told == one.files
            self.succeeded["as of an entry"] += 1


def remembered(desk: Desk, content: Content) -> Remembered:
    (call,) = content["calls"]
    return Remembered(
        seq=call["head_seq"],
        at=max(desk.ambient.now(), call["last_instant"]),
        queue=views.queue(desk, CTL),
        call=call_as_told(calls.shown(desk, CTL)),
        files={
            name_of(row): file_as_kept(desk, row, content)
            for row in content["applications"]
        },
    )


def call_as_told(view: CallView) -> dict[str, Any]:
    """Return a call as something that can be compared."""
    told = {name: getattr(view, name) for name in view.__dataclass_fields__}
    told["malfunctions"] = [row.model_dump() for row in view.malfunctions]
    return told


def file_as_kept(desk: Desk, row: dict[str, Any], content: Content) -> dict[str, Any]:
    case = views.shown(desk, name_of(row))
    return {
        **{
            name: row[name]
            for name in (
                "state",
                "version",
                "call_version",
                "reserved",
                "granted",
                "matured",
                "review_started",
                "score",
                "rank",
                "plan_investment",
            )
        },
        # The register has no amount of a draft: nobody has asked for it yet.
        "requested": row["requested"] if row["received_at"] else 0,
        "cor": row["cor"],
        "cup": row["cup"],
        "published_on": case.published_on,
        "published_in": case.published_in,
        "started_on": case.started_on,
        "received_at": row["received_at"],
        "changed_at": register.written(row["changed_at"]),
        "steps": sorted(
            (step.kind, step.ordinal, step.status, step.outcome, step.subject)
            for step in case.steps
        ),
        "terms": sorted(
            (
                term.kind,
                term.ordinal,
                term.status,
                str(term.starts_on),
                register.written(term.due_at),
                term.suspended_days,
            )
            for term in case.terms
        ),
        "history": [entry["seq"] for entry in case.history],
        "position": row["received_at"]
        and 1
        + sum(
            _key(other) < _key(row)
            for other in content["applications"]
            if other["received_at"]
        ),
        "money": tuple(
            content["calls"][0][name] for name in ("allocation", "reserved", "granted")
        ),
    }


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["received_at"], row["protocol_year"], row["protocol_number"]


def file_as_told(view: FileView) -> dict[str, Any]:
    file = view.file
    return {
        **{
            name: getattr(file, name)
            for name in (
                "version",
                "call_version",
                "reserved",
                "granted",
                "matured",
                "review_started",
                "score",
                "rank",
                "plan_investment",
                "requested",
                "changed_at",
            )
        },
        "state": file.stands,
        "cor": file.stated.get("cor"),
        "cup": file.stated.get("cup"),
        "published_on": file.stated.get("published_on"),
        "published_in": file.stated.get("reference"),
        "started_on": file.stated.get("started_on"),
        "received_at": file.key.received_at if file.key else None,
        "steps": sorted(step[:5] for step in file.steps.values()),
        "terms": sorted(term[:6] for term in file.terms.values()),
        "history": [entry["seq"] for entry in view.entries],
        "position": view.position,
        "money": (view.money.allocation, view.money.reserved, view.money.granted),
    }


def run(databases: Any, *, examples: int, steps: int) -> Counter[str]:
    """Try sequences, each on a database of its own; count what was compared."""
    chosen = (
        settings()
        if NIGHT
        else settings(max_examples=examples, stateful_step_count=steps)
    )
    succeeded: Counter[str] = Counter()

    class Machine(RememberedSequence):
        def __init__(self) -> None:
            self.succeeded = succeeded
            super().__init__(databases())

    run_state_machine_as_test(Machine, settings=chosen)
    return succeeded


@pytest.mark.timeout(0 if NIGHT else 240)
@drives(
    "calls.shown",
    "entry_explanations.entry",
    "pasts.call",
    "pasts.file",
    "pasts.queue",
    "views.queue",
    "views.shown",
)
def test_the_register_tells_how_everything_stood_on_sqlite(
    sqlite_template: Path, tmp_path: Path
):
    @contextmanager
    def database():
        path = tmp_path / "sportello.db"
        shutil.copyfile(sqlite_template, path)
        yield f"sqlite:///{path}"
        for left in tmp_path.glob("sportello.db*"):
            left.unlink()

    succeeded = run(database, examples=4, steps=20)

    assert succeeded["as of an instant"] >= 5
    assert succeeded["as of an entry"] >= 30
    assert {"submit", "start_review"} <= succeeded.keys()


@pytest.mark.timeout(0 if NIGHT else 240)
def test_the_register_tells_how_everything_stood_on_postgresql(
    postgres_server: str, postgres_template: str
):
    succeeded = run(
        lambda: fresh_postgres(postgres_server, postgres_template),
        examples=1,
        steps=20,
    )

    assert succeeded["as of an instant"]
    assert succeeded["as of an entry"] >= 5
