"""How are the facts of a term kept beside it?"""

from datetime import date
from typing import Any

from config.schema import TermRule
from models.tables import Term
from workflow.facts import TermRecord
from workflow.rules.terms import Suspension, TermFacts


def written(suspension: Suspension) -> dict[str, str | None]:
    """Write a suspension as the row of its term keeps it."""
    return {
        "first": suspension.first.isoformat(),
        "until": _day(suspension.until),
        "at_most": _day(suspension.at_most),
    }


def read(span: dict[str, Any]) -> Suspension:
    """Read a suspension back; those of version 0.2 had no limit of their own."""
    return Suspension(
        date.fromisoformat(span["first"]),
        _date(span["until"]),
        _date(span.get("at_most")),
    )


def facts_of(term: Term, rule: TermRule) -> TermFacts:
    """Return all that the end of a term is reckoned from."""
    return TermFacts(
        starts_on=term.starts_on,
        count=rule.count,
        counting=rule.counting,
        suspensions=tuple(read(span) for span in term.suspensions),
        extension_days=term.extra_days,
        extension_months=term.extra_months,
        until=rule.until,
    )


def record(term: Term) -> TermRecord:
    """Return what rules and guards see of a term."""
    spans = [read(span) for span in term.suspensions]
    still = next((span for span in spans if span.until is None), None)
    return TermRecord(
        term.kind,
        term.ordinal,
        term.status,
        term.starts_on,
        term.due_at,
        stopped_on=still.first if still else None,
        resumes_after=still.at_most if still else None,
        settled=term.settled_at is not None,
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
