"""What is due in a database, and what should have come of it?

Looked at past the services: the models below are of a few lines and share with the
product nothing but the words.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import Engine
from sqlmodel import SQLModel

from models.vocabulary import CallState, TermStatus
from tests.builders import ROME, Office
from tests.contents import entries
from workflow.services import sweep

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)

Row = dict[str, Any]

# What stands in the database, row by row


def content_of(engine: Engine, *names: str) -> dict[str, list[Row]]:
    """Read every row of these tables at one moment; without a name, of every table."""
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(sqlalchemy.select(table)).mappings()
            ]
            for table in SQLModel.metadata.sorted_tables
            if not names or table.name in names
        }


def terms_of(engine: Engine) -> list[Row]:
    return content_of(engine, "terms")["terms"]


# Is everything watched that has to be?


def unwatched(engine: Engine) -> list[str]:
    """Return every term whose next instant is not what its facts say."""
    content = content_of(engine, "applications", "call_versions", "terms")
    rules = {
        (row["call_id"], row["number"]): json.loads(row["body"])
        for row in content["call_versions"]
    }
    files = {row["id"]: row for row in content["applications"]}
    return [
        f"{name_of(file)} {term['kind']} {term['ordinal']} ({term['status']}): "
        f"{term['next_check']} and not {expected}"
        for term in content["terms"]
        for file in [files[term["application_id"]]]
        for call in [rules[file["call_id"], file["call_version"]]]
        for reminders in [reminders_of(term, call.get("notices", UNSAID))]
        for expected in [next_check(term, call["terms"][term["kind"]], reminders)]
        if term["next_check"] != expected or term["attempts"] or term["fault"]
    ]


UNSAID = {
    "reminders": [10, 3, 0],
    "reminded": [
        "completion",
        "observations",
        "definitive_plan",
        "plan_correction",
        "acceptance",
        "start",
        "report",
    ],
}
"""What holds in calls that are older than the reminders."""


def reminders_of(term: Row, notices: dict[str, Any]) -> list[datetime]:
    """Return when somebody has still to be reminded of a term that runs."""
    if term["kind"] not in notices["reminded"]:
        return []
    most = 1_000 if term["reminded"] is None else term["reminded"]
    last: date = term["due_at"].astimezone(ROME).date()
    mornings = [
        datetime.combine(last - number * DAY, time(9), ROME)
        for number in notices["reminders"]
        if number < most
    ]
    return [at for at in mornings if at < term["due_at"]]


def next_check(
    term: Row, rule: dict[str, Any], reminders: list[datetime]
) -> datetime | str | None:
    """Return when a worker has to look at a term, by what stands beside it."""
    still = [span for span in term["suspensions"] if span["until"] is None]
    if term["status"] == TermStatus.RUNNING:
        if still:
            return "anything, for its clock stands still"
        ended: datetime = term["due_at"]
        over = ended + (MOMENT if rule.get("until") else SECOND)
        return min([over, *reminders])
    if term["status"] == TermStatus.SUSPENDED:
        limits = [span.get("at_most") for span in still]
        if len(limits) != 1:
            return "anything, for its clock does not stand still once"
        return None if limits[0] is None else morning_after(_day(limits[0]))
    waits = term["settled_at"] is None and term["escalated_at"] is None
    after = rule.get("escalate_after")
    if term["status"] == TermStatus.EXPIRED and waits and after is not None:
        day: date = term["due_at"].astimezone(ROME).date()
        return morning_after(day + after * DAY)
    return None


def morning_after(day: date) -> datetime:
    """Return the first instant after a day in Rome."""
    return datetime.combine(day + DAY, time(), ROME)


def _day(written: str) -> date:
    return date.fromisoformat(written)


# What happened, but for when somebody noticed

_OF_EXECUTION = {"at", "local", "hash", "previous", "channel"}
_NAMES = {"id", "call_id", "subject_id", "applicant_id"}
_COMPARED = (
    "calls",
    "openings",
    "applications",
    "steps",
    "terms",
    "movements",
    "funds",
    "notices",
    "outbox",
)
_WRITTEN = {
    "calls": {"head_hash", "last_instant"},
    "applications": {"changed_at"},
    "movements": {"at"},
    "notices": {"created_at", "sent_at", "message_id", "attempts"},
    "outbox": {"created_at"},
}
"""The columns that say when something was written, not as of when it counts."""


def deeds(work: Office) -> list[Row]:
    """Return the register without the instants of execution, and without ids."""
    names = _names(content_of(work.desk.engine, "applications"))
    return [_timeless(entry, names) for entry in entries(work)]


def _timeless(entry: Row, names: dict[Any, str]) -> Row:
    kept = {name: value for name, value in entry.items() if name not in _OF_EXECUTION}
    kept["application"] = names.get(entry["application"])
    kept["notices"] = [notice["letter"] for notice in entry["notices"]]
    findings = kept["findings"]
    if dropped := findings.get("dropped"):
        findings = {**findings, "dropped": [{**one, "id": None} for one in dropped]}
    if delivered := findings.get("delivered"):
        findings = {**findings, "delivered": {**delivered, "id": None}}
    if filed := findings.get("filed"):  # by whom is an identifier, and its hash
        findings = {**findings, "filed": {**filed, "applicant": None, "who": None}}
    kept["findings"] = findings
    return kept


def standing(engine: Engine) -> dict[str, list[Row]]:
    """Return how everything stands, without the instants of execution and ids."""
    content = content_of(engine, *_COMPARED)
    names = _names(content)
    return {
        table: sorted((_kept(row, table, names) for row in content[table]), key=repr)
        for table in _COMPARED
    }


def _kept(row: Row, table: str, names: dict[Any, str]) -> Row:
    kept = {
        name: value
        for name, value in row.items()
        if name not in _NAMES | _WRITTEN.get(table, set())
    }
    if row.get("application_id"):
        kept["application_id"] = names[str(row["application_id"])]
    return kept


def _names(content: dict[str, list[Row]]) -> dict[Any, str]:
    return {str(row["id"]): row["portal_id"] for row in content["applications"]}


def name_of(row: Row) -> str:
    if row["protocol_number"] is None:
        return str(row["portal_id"])
    return f"{row['protocol_year']}/{row['protocol_number']:07d}"


# Who is awake


def next_instant(engine: Engine, after: datetime) -> datetime | None:
    """Return when something will be due next: a term, or a window as planned."""
    content = content_of(engine, "calls", "call_versions", "terms")
    instants = [row["next_check"] for row in content["terms"] if row["next_check"]]
    instants += _windows(content)
    return min((one for one in instants if one > after), default=None)


def _windows(content: dict[str, list[Row]]) -> Iterator[datetime]:
    bodies = {
        (row["call_id"], row["number"]): json.loads(row["body"])["window"]
        for row in content["call_versions"]
    }
    for call in content["calls"]:
        if call["state"] in {CallState.PUBLISHED, CallState.OPEN, CallState.SUSPENDED}:
            window = bodies[call["id"], call["version"]]
            yield datetime.fromisoformat(window["opens_at"])
            yield datetime.fromisoformat(window["closes_at"]) + MOMENT
        if call["reopens_at"]:
            yield call["reopens_at"]


def watch(work: Office, until: datetime) -> int:
    """Sweep at every due instant and just before it; return how often it was."""
    times = 0
    sweep.sweep(work.desk)  # what a command has just started may be over already
    while (at := next_instant(work.desk.engine, work.clock.now())) and at <= until:
        work.clock.move_to(at - MOMENT)
        assert not sweep.sweep(work.desk).applied, "done early"
        work.clock.move_to(at)
        sweep.sweep(work.desk)
        times += 1
    work.clock.move_to(until)
    sweep.sweep(work.desk)
    return times
