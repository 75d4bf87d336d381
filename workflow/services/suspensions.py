"""How are the facts of a term kept beside it?"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from config.schema import TermRule
from models.tables import Term
from models.vocabulary import Letter
from workflow.facts import TermRecord
from workflow.rules.terms import Suspension, TermFacts


def with_it(
    spans: Iterable[dict[str, Any]], suspension: Suspension, letter: Letter | None
) -> list[dict[str, Any]]:
    """Return the suspensions of a term with a new one, or the end of an old one."""
    new = {**_written(suspension), "letter": letter.value if letter else None}
    others = []
    for span in spans:
        if span["first"] != new["first"] or not _is_same(span, letter):
            others.append(span)
        elif letter is None:
            new["letter"] = span.get("letter")
    return [*others, new]


def _is_same(span: dict[str, Any], letter: Letter | None) -> bool:
    """Tell whether two that begin on one day are one: those of 0.2 do not say why."""
    if letter is None:
        return span["until"] is None
    return span.get("letter") in {None, letter.value}


def _written(suspension: Suspension) -> dict[str, str | None]:
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
        not_after=rule.not_after,
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
        reminded=term.reminded,
        extra_months=term.extra_months,
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
