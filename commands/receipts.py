"""What has happened, or would, said to people?"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from commands.output import civil, clean
from models.vocabulary import NoticeStatus

_HEADINGS = (
    "partners",
    "money",
    "terms",
    "steps",
    "letters",
    "not sent",
    "overtakes",
    "promoted",
    "others",
    "jobs",
)
_MOST = 20
"""Other applicants that are listed; a letter may go to all."""
_WIDTH = max(map(len, _HEADINGS))


def headline(receipt: Mapping[str, Any]) -> str:
    """Say which application is moved, from where to where."""
    source, target = receipt["from"], receipt["to"]
    where = f"stays `{source}`" if source == target else f"`{source}` -> `{target}`"
    return f"{receipt['application']} {receipt['event']}: {where}"


def details(receipt: Mapping[str, Any]) -> Iterator[str]:
    """Tell everything that the move brings about, one line each."""
    promoted, mine = receipt["promotions"], receipt["application"]
    own = [one for one in receipt["notices"] if one.get("application", mine) == mine]
    others = [one for one in receipt["notices"] if one not in own]
    sections = (
        _partners(receipt["findings"]),
        _money(receipt["money"]),
        [_term(term) for term in receipt["terms"]],
        [_step(step) for step in receipt["steps"]],
        [_letter(one) for one in own],
        [f"{one['letter']}: {one['why']}" for one in _dropped(receipt)],
        receipt["findings"].get("overtaken", []),
        [f"{one['application']}: reserved +{one['amount']}" for one in promoted],
        list(written_to(others)),
        _jobs(receipt),
    )
    for heading, lines in zip(_HEADINGS, sections, strict=True):
        for number, line in enumerate(lines):
            yield f"  {('' if number else heading).ljust(_WIDTH)}  {clean(line)}"


def _partners(findings: Mapping[str, Any]) -> list[str]:
    """Tell how many apply together afterwards, and how many join and leave."""
    if "partnership_before" not in findings:
        return []
    now, before = findings["partnership"], findings["partnership_before"]
    there, then = (
        {one["applicant"] for one in together["partners"]} for together in (before, now)
    )
    members = f"{now['members']} members with the lead, {before['members']} before"
    kinds = ", ".join(f"{count} {kind}" for kind, count in now["kinds"].items())
    return [
        f"{members}; {len(then - there)} join, {len(there - then)} leave",
        *([f"by kind: {kinds}"] if kinds else []),
    ]


def moved(entry: Mapping[str, Any]) -> str:
    """Say where an entry leads, or that it was refused."""
    if entry["refusal"]:
        return f"refused: {entry['refusal']['code']}"
    if entry["from"] == entry["to"]:
        return f"{entry['to'] or ''}{_due(entry)}"
    return f"{entry['from']} -> {entry['to']}"


def _due(entry: Mapping[str, Any]) -> str:
    """Say which term brought it about and as of when, of what time brought about."""
    findings = entry.get("findings") or {}
    if "due_at" not in findings or entry["actor"]["kind"] != "worker":
        return ""
    about = f", {findings['term']}" if "term" in findings else ""
    return f"{about}, due {civil(findings['due_at'])}"


def act_of(entry: Mapping[str, Any]) -> str:
    """Write the act of an entry as people do."""
    act = entry["act"]
    return f"{act['kind']} {act['number']}/{act['signed_on']}" if act else ""


def written_to(notices: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Tell who gets which letters, one line for each application."""
    grouped: dict[str, list[str]] = {}
    for one in notices:
        grouped.setdefault(one["application"], []).append(_letter(one))
    for name, listed in islice(grouped.items(), _MOST):
        yield f"{name}: {'; '.join(listed)}"
    if len(grouped) > _MOST:
        yield f"and {len(grouped) - _MOST} more: --json names them all"


def _dropped(receipt: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
    """Return the letters that do not leave any more because of the move."""
    found: Iterable[Mapping[str, str]] = receipt["findings"].get("dropped", ())
    return found


def _letter(notice: Mapping[str, Any]) -> str:
    return f"{notice['letter']} to {notice['to']}{_STANDING.get(notice['status'], '')}"


_STANDING = {
    NoticeStatus.HELD.value: ", held back until it is released",
    NoticeStatus.DROPPED.value: ", which is not sent",
}


def _jobs(receipt: Mapping[str, Any]) -> list[str]:
    """Say what is not done with the move itself, but soon after it."""
    count = sum(one["status"] not in _STANDING for one in receipt["notices"])
    if not count or receipt["dry_run"]:
        return []
    waits = "1 letter waits" if count == 1 else f"{count} letters wait"
    return [f"{waits} for the workers"]


def _money(money: Mapping[str, Any]) -> list[str]:
    if not money["movements"]:
        return []
    lines = [
        f"{one['kind']}: reserved {_signed(one['reserved'])}, "
        f"granted {_signed(one['granted'])}"
        for one in money["movements"]
    ]
    return [*lines, f"residual of the call {money['residual']}"]


def _signed(amount: str) -> str:
    return amount if amount.startswith("-") or not float(amount) else f"+{amount}"


def _term(term: Mapping[str, Any]) -> str:
    if term["status"] in {"running", "suspended"}:
        provisional = ", provisional" if term.get("provisional") else ""
        return (
            f"{term['kind']} {term['change']}: last instant "
            f"{civil(term['due_at'])}{provisional}"
        )
    return f"{term['kind']} {term['change']}"


def _step(step: Mapping[str, Any]) -> str:
    outcome = f" ({step['outcome']})" if step["outcome"] else ""
    return f"{step['kind']} {step['status']}{outcome}"
