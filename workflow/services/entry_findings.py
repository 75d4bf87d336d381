"""What does an entry say that it found, and brought about?"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from workflow.moves.words import rome, spoken
from workflow.rules.amounts import format_money
from workflow.rules.steps import Step

_Found = Mapping[str, Any]

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
_IN_CENTS = {
    "requested",
    "requested_before",
    "residual_before",
    "available_before",
    "freed",
    "kept",
    "to_recover",
    "fixed_part_matured",
    "plan_investment",
    "allocation",
    "set_aside_for_earlier",
}
_IN_WORDS = {
    "available_before": "money that could be granted before it",
    "residual_before": "money of the call that was left before it",
    "send_act_by": "the act has to be sent by",
    "set_aside_for_earlier": "money set aside for those who came earlier",
    "requested_before": "asked for before it",
    "to_recover": "to be paid back",
}
"""What is no sentence by the name that entries have for it."""
_TOLD_ELSEWHERE = {"due_at", "overtaken", "earlier_waiting", "tie_broken"}


def steps(body: Mapping[str, Any]) -> Iterator[Step]:
    """Tell what was stated, what was found, and what came of it, in that order."""
    source = f"entry {body['seq']}"
    for name, value in sorted((body["inputs"] or {}).items()):
        yield Step("entry.stated", source, f"stated: {spoken(name)} {_plain(value)}")
    for name, value in (body["findings"] or {}).items():
        if name not in _TOLD_ELSEWHERE and value is not None:
            tell = _FINDINGS.get(name)
            if tell is None:
                yield Step("entry.found", source, _finding(name, value))
            else:
                yield from tell(value, source)
    for told in body["steps"] or ():
        outcome = f", {spoken(told['outcome'])}" if told.get("outcome") else ""
        yield Step(
            "entry.step",
            source,
            f"the step `{told['kind']}` {told['ordinal']} is {told['status']}{outcome}",
        )
    for told in body["terms"] or ():
        yield Step("entry.term", told.get("source") or source, _term(told))
    for told in body["notices"] or ():
        yield Step("entry.letter", source, _letter(told))


def _term(told: _Found) -> str:
    said = (
        f"the term `{told['kind']}` {told['ordinal']} {told['change']}: it is "
        f"{told['status']}, from {told['starts_on']}, last instant "
        f"{rome(datetime.fromisoformat(told['due_at']))} (Rome)"
    )
    if told["suspended_days"]:
        said += f", its clock stood still for {told['suspended_days']} days"
    return said


def _letter(told: _Found) -> str:
    to = f" to {told['application']}" if "application" in told else ""
    text = f", SHA-256 {told['sha256']}" if "sha256" in told else ""
    return f"the letter `{told['letter']}`{to} was written, id {told['id']}{text}"


def _score(found: _Found, source: str) -> Iterator[Step]:
    criteria = ", ".join(
        f"{name} {points}" for name, points in found["criteria"].items()
    )
    yield Step(
        "entry.score",
        source,
        f"scored {found['total']}, the threshold is {found['threshold']}: {criteria}",
    )


def _aid(found: list[_Found], _source: str) -> Iterator[Step]:
    for one in found:
        yield Step(one["rule"], one["source"], one["text"])


def _funds(found: list[_Found], source: str) -> Iterator[Step]:
    for one in found:
        of = f" of {one['application']}" if one["application"] else ""
        yield Step(
            "entry.funded_by",
            source,
            f"{format_money(one['cents'])} came from entry {one['entry']}, "
            f"{one['event']}{of}",
        )


def _differences(found: list[str], source: str) -> Iterator[Step]:
    for one in found:
        yield Step("entry.difference", source, f"it changes {one}")


_FINDINGS: Mapping[str, Callable[[Any, str], Iterator[Step]]] = {
    "score": _score,
    "aid": _aid,
    "funded_by": _funds,
    "differences": _differences,
}
"""How what is no plain value is told."""


def _finding(name: str, value: object) -> str:
    told = _IN_WORDS.get(name, spoken(name))
    if name in _IN_CENTS and isinstance(value, int):
        return f"{told}: {format_money(value)}"
    return f"{told}: {_plain(value)}"


def _plain(value: object) -> str:
    """Write any value of an entry as words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{spoken(k)} {_plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "nothing"
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return f"{rome(datetime.fromisoformat(value))} (Rome)"
    return str(value)
