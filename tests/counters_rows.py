"""What stands in the rows of a counter, read without asking the product?"""

import json
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from models.vocabulary import Event
from tests.builders import ROME

Row = dict[str, Any]
Content = dict[str, list[Row]]

OVER = {
    *("not_receivable", "inadmissible", "rejected", "unfunded", "expired"),
    *("withdrawn", "lapsed", "revoked", "annulled"),
}
"""Where a file goes no further."""
QUEUED = {"submitted", "admissible", "evaluated", "waiting"}
BY_ANY_OTHER_CHANNEL = {"pec", "paper"}


def bodies(content: Content) -> list[Row]:
    rows = sorted(content["entries"], key=lambda row: row["seq"])
    return [_body(row["body"]) for row in rows]


@lru_cache(maxsize=4_096)
def _body(text: str) -> Row:
    body: Row = json.loads(text)
    return body


def in_conflict(content: Content, own: Row) -> dict[str, str]:
    """Return who has a conflict of interests in a file, and who has declared it."""
    found: dict[str, str] = {}
    for body in bodies(content):
        if (body["application"], body["outcome"]) != (str(own["id"]), "ok"):
            continue
        if body["event"] == Event.DECLARE_CONFLICT:
            found[body["inputs"]["officer"]] = body["actor"]["id"]
        elif body["event"] == Event.END_CONFLICT:
            del found[body["inputs"]["officer"]]
    return found


def claims(rows: list[Row]) -> int:
    """Return what is asked for, and what was given, of all who came as wanted."""
    return sum(
        row["requested"] if row["state"] in QUEUED else row["granted"]
        for row in rows
        if row["channel"] not in BY_ANY_OTHER_CHANNEL
    )


def key_of(row: Row) -> tuple[Any, ...]:
    return (row["received_at"], row["protocol_year"], row["protocol_number"])


def earlier_than(content: Content, own: Row) -> list[Row]:
    """Return who arrived before and still waits for a grant, in order."""
    return sorted(
        (row for row in queue_of(content) if key_of(row) < key_of(own)), key=key_of
    )


def queue_of(content: Content) -> list[Row]:
    """Return who still waits for a grant and came as the call wants."""
    return [
        row
        for row in content["applications"]
        if row["state"] in QUEUED and row["channel"] not in BY_ANY_OTHER_CHANNEL
    ]


def passed_over(content: Content, own: Row, event: Event) -> list[Row]:
    """Return who comes before a file and is not taken up, but for who keeps us waiting.

    A file that waits for its applicant holds up nobody.
    """
    if event not in {Event.START_REVIEW, Event.EVALUATE}:
        return []
    return [
        row
        for row in earlier_than(content, own)
        if not row["waits_for_applicant"]
        if (row["state"], row["review_started"]) == ("submitted", False)
        or (event == Event.EVALUATE and row["state"] in {"submitted", "admissible"})
    ]


def name_of(row: Row) -> str:
    if row["protocol_number"] is None:
        return str(row["portal_id"])
    return f"{row['protocol_year']}/{row['protocol_number']:07d}"


def planned(content: Content, *, announced: bool = False) -> Row:
    """Return the frozen call in force, or the one that is announced if there is one."""
    (call,) = content["calls"]
    texts = {row["number"]: row["body"] for row in content["call_versions"]}
    return _body(texts[max(texts) if announced else call["version"]])


def closing(content: Content, *, announced: bool = False) -> datetime:
    window = planned(content, announced=announced)["window"]
    return datetime.fromisoformat(window["closes_at"])


def is_over(content: Content, now: datetime) -> bool:
    """Tell whether the counter has closed for good."""
    (call,) = content["calls"]
    has_ended = call["state"] in {"closed", "concluded", "annulled"}
    return has_ended or now > closing(content)


def members_elsewhere(content: Content, *, but: Any) -> set[Any]:
    """Return who leads, or is a partner in, an open application other than one."""
    files = [
        row
        for row in content["applications"]
        if row["state"] not in {*OVER, "draft"} and row["id"] != but
    ]
    leads = {row["id"]: row["applicant_id"] for row in files}
    return {
        *leads.values(),
        *(
            row["applicant_id"]
            for row in content["partners"]
            if row["application_id"] in leads and row["left_at"] is None
        ),
    }


# --- days -----------------------------------------------------------------------------

_HOLIDAYS = {
    *((1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (10, 4), (11, 1)),
    *((12, 8), (12, 25), (12, 26)),
}


def rome_day(instant: datetime) -> date:
    return instant.astimezone(ROME).date()


def easter(year: int) -> date:
    """Return Easter Sunday, by the rule of Gauss for this and the last century."""
    moon = (19 * (year % 19) + 24) % 30
    week = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7
    # The two exceptions of the rule.
    if (moon, week) == (29, 6) or (moon, week, year % 19 > 10) == (28, 6, True):
        week -= 7
    return date(year, 3, 22) + timedelta(days=moon + week)


def last_day(start: date, days: int) -> date:
    """Return the last day of a term: one that is neither a Sunday nor a holiday."""
    day = start + timedelta(days=days)
    while (
        day.weekday() == 6
        or (day.month, day.day) in _HOLIDAYS
        or day == easter(day.year) + timedelta(days=1)
    ):
        day += timedelta(days=1)
    return day
