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
    "investment",
    "residual_before",
    "available_before",
    "freed",
    "kept",
    "to_recover",
    "fixed_part_matured",
    "plan_investment",
    "allocation",
    "set_aside_for_earlier",
    "free",
    "more",
    "added",
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
        told = format_money(value) if name == "amount" else _plain(value)
        yield Step("entry.stated", source, f"stated: {spoken(name)} {told}")
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


def _filed(found: _Found, source: str) -> Iterator[Step]:
    yield Step(
        "entry.filed",
        source,
        f"it was filed by the applicant {found['applicant']}, SHA-256 {found['who']} "
        f"of their tax code and its salt; with documents of SHA-256 "
        f"{found['documents']} and declared aids of "
        + (f"SHA-256 {found['aids']}" if found["aids"] else "none"),
    )


def _score(found: _Found, source: str) -> Iterator[Step]:
    criteria = ", ".join(
        f"{name} {points}" for name, points in found["criteria"].items()
    )
    yield Step(
        "entry.score",
        source,
        f"scored {found['total']}, the threshold is {found['threshold']}: {criteria}"
        + (
            f"; {found['board']} by the board and {found['bonus']} for a list"
            if "bonus" in found
            else ""
        )
        + (f"; {found['exact']} to the last part" if "exact" in found else ""),
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


def _together(found: _Found, source: str) -> Iterator[Step]:
    yield Step("entry.partnership", source, f"who applies together: {_members(found)}")


def _together_before(found: _Found, source: str) -> Iterator[Step]:
    yield Step("entry.partnership_before", source, f"before it: {_members(found)}")


def _members(found: _Found) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items())
    partners = ", ".join(map(_member, found["partners"])) or "nobody"
    return (
        f"{found['members']} members ({kinds or 'of no stated kind'}), led by "
        f"{_member(found['lead'])}, with {partners}"
    )


def _member(one: _Found) -> str:
    """Name a member as the register does: `sportello show` knows who that is."""
    return f"{one['applicant']} ({one['kind'] or 'of no stated kind'})"


def _ranking(found: Any, source: str) -> Iterator[Step]:  # noqa: ANN401 - a version, a place, or the whole
    if isinstance(found, int):
        text = f"version {found} of the ranking"
    elif "order" not in found:
        text = "; ".join(
            f"{spoken(name)} {_of_place(name, found[name])}" for name in found
        )
    else:
        text = (
            f"version {found['version']} of the ranking: {len(found['order'])} in "
            f"order, {len(found['below'])} below the threshold, SHA-256 "
            f"{found['sha256']}"
        )
    yield Step("entry.ranking", source, text)
    for one in () if isinstance(found, int) else found.get("order", ()):
        yield Step("entry.ranking", source, _ranked(one))


def _of_place(name: str, value: Any) -> str:  # noqa: ANN401 - JSON
    if name == "decided":
        return ", ".join(f"{one['rule']} {one['value']}" for one in value)
    return format_money(value) if name in {"left", "before"} else _plain(value)


def _ranked(one: _Found) -> str:
    return (
        f"{one['place']}: {one['application']}, by "
        f"{_of_place('decided', one['decided'])}; {format_money(one['amount'])} of "
        f"{format_money(one['wanted'])}, and "
        f"{format_money(one['left'])} is left"
    )


def _funded(found: list[_Found], source: str) -> Iterator[Step]:
    for one in found:
        yield Step(
            "entry.funded",
            source,
            f"{one['place']}: {one['application']} goes from "
            f"{format_money(one['before'])} to {format_money(one['amount'])}, and "
            f"{format_money(one['left'])} is left",
        )


def _passed_over(found: list[_Found | str], source: str) -> Iterator[Step]:
    """Tell whom money goes past, or who comes before those of a refused act."""
    for one in found:
        if isinstance(one, str):
            text = f"{one} comes before, and is not in the list of the act"
        else:
            text = f"{one['application']} gets no more: {spoken(one['why'])}"
        yield Step("entry.passed_over", source, text)


def _list(found: _Found, source: str) -> Iterator[Step]:
    if "changes" not in found:  # the move of one member tells only the version
        yield Step("entry.list", source, f"by version {found['version']} of the list")
        return
    yield Step(
        "entry.list",
        source,
        f"version {found['version']} of the list has {found['size']} member(s), "
        f"SHA-256 {found['sha256']}",
    )
    for one in found["changes"]:
        partners = len(one["behind"]) - 1
        yield Step(
            "entry.list",
            source,
            f"{one['change']} {one['protocol']}, with {partners} partner(s)",
        )


def _lists(found: list[_Found], source: str) -> Iterator[Step]:
    for one in found:
        stood = f"by {one['member']}" if one["member"] else "in no way"
        act = f", approved by {one['act']}" if one["act"] else ""
        points = f": {one['points']} points" if one.get("points") else ""
        yield Step(
            "entry.lists",
            source,
            f"the list of {one['call']} as of {_plain(one['as_of'])}, version "
            f"{one['version']}{act}, had the applicant on it {stood} "
            f"({one['effect']}{points})",
        )


_FINDINGS: Mapping[str, Callable[[Any, str], Iterator[Step]]] = {
    "partnership": _together,
    "partnership_before": _together_before,
    "score": _score,
    "filed": _filed,
    "aid": _aid,
    "funded_by": _funds,
    "ranking": _ranking,
    "funded": _funded,
    "passed_over": _passed_over,
    "differences": _differences,
    "list": _list,
    "lists": _lists,
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
