"""What does an entry about a call itself say to people?"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from commands.output import civil, clean
from models.vocabulary import CallEvent, SuspensionCause
from workflow.rules.amounts import format_money

CAUSES: Mapping[SuspensionCause, str] = {
    SuspensionCause.EXHAUSTION: "the money is exhausted (esaurimento)",
    SuspensionCause.MALFUNCTION: "the platform does not work (disservizio)",
    SuspensionCause.ACT: "an act says so",
}
_INSTANT = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z")


def with_civil_time(text: str) -> str:
    """Write the instants in a text in the civil time of Rome."""
    return _INSTANT.sub(lambda match: civil(match[0]), text)


def headline(entry: Mapping[str, Any]) -> str:
    """Say what was done with a call, and where it stands now."""
    source, target = entry["from"], entry["to"]
    where = f"stays `{source}`" if source == target else f"`{source}` -> `{target}`"
    return f"{entry['call']} {entry['event']}: {where}"


def details(entry: Mapping[str, Any]) -> Iterator[str]:
    """Tell what an entry about a call brought about, one line each."""
    findings = entry["findings"]
    if entry["event"] == CallEvent.SUSPEND_CALL:
        yield f"because {CAUSES[findings['suspended_for']]}"
    if reopens := findings.get("reopens_at"):
        yield f"reopens by itself {civil(reopens)}"
    if opening := findings.get("opening"):
        yield _opening(opening)
    if entry["event"] == CallEvent.CLOSE_CALL:
        yield f"planned to close {civil(findings['planned_closing'])}"
    for difference in findings.get("differences", ()):
        yield clean(with_civil_time(difference))
    if (effective := findings.get("effective_at")) and effective > entry["at"]:
        yield f"takes effect {civil(effective)}"
    if entry["event"] == CallEvent.APPLY_VERSION:
        yield f"allocation {format_money(findings['allocation'])}"
    yield from _found(findings)
    if written := entry.get("notices"):
        yield f"{len(written)} letter(s) `{written[0]['letter']}`"
    for promoted in entry.get("promotions", ()):
        yield f"promoted {promoted['application']}: {promoted['amount']} reserved"


def _found(findings: Mapping[str, Any]) -> Iterator[str]:
    if malfunction := findings.get("malfunction"):
        yield _malfunction(malfunction)
    if drawn := findings.get("order"):
        yield f"drew {len(drawn)} application(s); the first is {drawn[0]}"
    if reached := findings.get("exported"):
        yield f"exported up to entry {reached['entries']}"
    if erased := findings.get("erased"):
        yield (
            f"erased {erased['applicants']} applicant(s), "
            f"{erased['letters']} letter(s), {erased['receipts']} receipt(s)"
        )
    if due := findings.get("due_at"):
        yield f"as of {civil(due)}"


def summary(entry: Mapping[str, Any]) -> str:
    """Say on one line what an entry about a call brought about."""
    if entry["refusal"]:
        return f"refused: {entry['refusal']['code']}"
    source, target = entry["from"], entry["to"]
    changes = target is not None and source not in {None, target}
    moved = f"{source} -> {target}" if changes else ""
    return "; ".join(part for part in (moved, *details(entry)) if part)


def _opening(opening: Mapping[str, Any]) -> str:
    if opening["ended_at"] is None:
        return f"takes applications in from {civil(opening['opened_at'])}"
    return f"took applications in until {civil(opening['ended_at'], digits=6)}"


def _malfunction(told: Mapping[str, Any]) -> str:
    decided = told["decision"] or "not decided yet"
    return (
        f"malfunction {told['ordinal']}, {civil(told['began_at'])} to "
        f"{civil(told['ended_at'])}: {decided}"
    )
